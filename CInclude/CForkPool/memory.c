// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

_Static_assert(sizeof(pthread_mutex_t) <= CFORKPOOL_MUTEX_SIZE, "a lock fits its place");
_Static_assert(sizeof(struct cforkpool_crash) == CFORKPOOL_CRASH_SIZE, "crash records lie one behind the other");
_Static_assert(offsetof(struct cforkpool_crash, text) + CFORKPOOL_CRASH_TEXT == CFORKPOOL_CRASH_SIZE,
               "the text ends the record");

/// Maps shared memory of which no page is there yet.
///
/// If the host locks all that it maps (mlockall with MCL_FUTURE), the kernel would give readable memory all its pages
/// at once: gigabytes, of which a pool uses little. It gives none to a mapping without access, and `mprotect` adds
/// none once the mapping is no longer locked.
static void *map_shared(int fd, size_t size, int flags, int32_t *error)
{
    void *base = CALL_OR(mmap, MAP_FAILED, mmap(NULL, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE | flags, fd, 0));
    if (base == MAP_FAILED) {
        *error = -errno;
        return NULL;
    }
    // A refusal leaves the memory locked: its pages stay, but still come one by one.
    CALL(munlock, munlock(base, size));
    if (CALL(mprotect, mprotect(base, size, PROT_READ | PROT_WRITE)) != 0) {
        *error = -errno;
        munmap(base, size);
        return NULL;
    }
    *error = 0;
    // Else the core dump of each worker holds all of it. A refusal costs that alone.
    CALL(madvise, madvise(base, size, MADV_DONTDUMP));
    return base;
}

void *cforkpool_mmap_shared(size_t size, int32_t *error)
{
    return map_shared(-1, size, MAP_ANONYMOUS, error);
}

int32_t cforkpool_above_standard(int32_t fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int moved = CALL(fcntl_dup, fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    int error = errno;
    close(fd);
    return moved < 0 ? -error : moved;
}

int32_t cforkpool_memfd(size_t size)
{
    // Growth beyond the limit on files is not only refused, it ends the process by SIGXFSZ.
    struct rlimit limit;
    if (CALL(getrlimit, getrlimit(RLIMIT_FSIZE, &limit)) == 0 && limit.rlim_cur != RLIM_INFINITY
        && size > limit.rlim_cur)
        return -EFBIG;
    int fd = CALL(memfd_create, memfd_create("forkpool", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0)
        return -errno;
    fd = cforkpool_above_standard(fd);
    if (fd < 0)
        return fd;
    if (CALL(ftruncate, ftruncate(fd, (off_t)size)) != 0
        || CALL(fcntl_seals, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

void *cforkpool_mmap_memfd(int32_t fd, size_t size, int32_t *error)
{
    return map_shared(fd, size, 0, error);
}

int32_t cforkpool_madvise_remove(void *address, size_t size)
{
    return CALL(madvise, madvise(address, size, MADV_REMOVE)) == 0 ? 0 : -errno;
}

int32_t cforkpool_madvise_populate(void *address, size_t size)
{
    return CALL(madvise, madvise(address, size, MADV_POPULATE_WRITE)) == 0 ? 0 : -errno;
}

int32_t cforkpool_madvise_fresh(void *address, size_t size)
{
    // A refusal means small pages.
    CALL(madvise, madvise(address, size, MADV_HUGEPAGE));
    return CALL(madvise, madvise(address, size, MADV_POPULATE_WRITE)) == 0 ? 0 : -errno;
}

int32_t cforkpool_mutex_init(void *mutex)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    // A second lock by the same thread is an error to report, not a deadlock.
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    int error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = CALL_OR(pthread_mutex_init, errno, pthread_mutex_init(mutex, &attributes));
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

int32_t cforkpool_mutex_lock(void *mutex)
{
    int error = pthread_mutex_lock(mutex);
    if (error == EOWNERDEAD)
        return pthread_mutex_consistent(mutex) == 0 ? 1 : -EINVAL;
    return -error;
}

int32_t cforkpool_mutex_unlock(void *mutex)
{
    return -pthread_mutex_unlock(mutex);
}
