#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

_Static_assert(sizeof(pthread_mutex_t) <= CFORKPOOL_MUTEX_SIZE, "a lock fits its place");
_Static_assert(sizeof(struct cforkpool_crash) <= 1024, "a crash record fits its place in the region");

void *cforkpool_mmap_shared(size_t size, int32_t *error)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        *error = -errno;
        return NULL;
    }
    *error = 0;
    // A core dump of each worker would hold all of it. Where the kernel has no such advice nothing is lost.
    madvise(base, size, MADV_DONTDUMP);
    return base;
}

int32_t cforkpool_madvise_remove(void *address, size_t size)
{
    return madvise(address, size, MADV_REMOVE) == 0 ? 0 : -errno;
}

int32_t cforkpool_madvise_populate(void *address, size_t size)
{
    return madvise(address, size, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
}

int32_t cforkpool_madvise_fresh(void *address, size_t size)
{
    // A refusal only means small pages.
    madvise(address, size, MADV_HUGEPAGE);
    return madvise(address, size, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
}

int32_t cforkpool_mutex_init(void *mutex)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    // A second lock by the same thread is an error to report, not a deadlock.
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    int error = pthread_mutex_init(mutex, &attributes);
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
