// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/// Files that this process alone writes, and their checksums.

struct cforkpool_event *cforkpool_open_file(const char *path, bool writes, int32_t *error)
{
    struct cforkpool_event *file = CALL_OR(malloc, NULL, malloc(sizeof *file));
    *error = -ENOMEM;
    if (file == NULL)
        return NULL;
    int flags = (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd;
    while ((fd = CALL(open, open(path, flags, 0666))) < 0 && errno == EINTR)
        ;
    *error = fd < 0 ? -errno : cforkpool_event_open(file, fd);
    if (*error == 0)
        return file;
    free(file);
    return NULL;
}

int32_t cforkpool_fcntl_lock(int32_t fd, bool writes, int32_t *owner)
{
    struct flock lock = {.l_type = writes ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    *owner = 0;
    if (CALL(fcntl_lock, fcntl(fd, F_SETLK, &lock)) == 0)
        return 0;
    // POSIX lets a system say either.
    int32_t error = errno == EACCES ? EAGAIN : errno;
    if (error == EAGAIN && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
        *owner = lock.l_pid;
    return -error;
}

static int32_t describe(const struct stat *status, struct cforkpool_file *file)
{
    *file = (struct cforkpool_file){
        .size = status->st_size, .device = status->st_dev, .inode = status->st_ino, .links = status->st_nlink};
    return S_ISREG(status->st_mode) ? 0 : -EINVAL;
}

int32_t cforkpool_fstat(int32_t fd, struct cforkpool_file *file)
{
    struct stat status;
    return CALL(stat, fstat(fd, &status)) == 0 ? describe(&status, file) : -errno;
}

int32_t cforkpool_stat(const char *path, struct cforkpool_file *file)
{
    struct stat status;
    return CALL(stat, stat(path, &status)) == 0 ? describe(&status, file) : -errno;
}

int64_t cforkpool_lseek_data(int32_t fd, int64_t offset)
{
    off_t data = lseek(fd, offset, SEEK_DATA);
    if (data >= 0)
        return data;
    // Where a file system knows no holes all is data.
    return errno == ENXIO ? INT64_MAX : offset;
}

int64_t cforkpool_pread(int32_t fd, void *bytes, size_t length, int64_t offset)
{
    ssize_t count = CALL(pread, pread(fd, bytes, length, offset));
    return count < 0 ? -errno : count;
}

/// A signal that the kernel sends with the error of a write, and that by default ends the process.
struct held_signal {
    sigset_t number, before, pending;
    int signal;
};

static struct held_signal hold(int signal)
{
    struct held_signal held = {.signal = signal};
    sigemptyset(&held.number);
    sigaddset(&held.number, signal);
    sigpending(&held.pending);
    pthread_sigmask(SIG_BLOCK, &held.number, &held.before);
    return held;
}

/// Drops the signal if the write sent it.
static void let_go(const struct held_signal *held, bool was_sent)
{
    if (was_sent && sigismember(&held->pending, held->signal) == 0)
        sigtimedwait(&held->number, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &held->before, NULL);
}

int64_t cforkpool_pwrite(int32_t fd, const void *bytes, size_t length, int64_t offset)
{
    struct held_signal excess = hold(SIGXFSZ);
    ssize_t count = CALL(pwrite, pwrite(fd, bytes, length, offset));
    int64_t result = count < 0 ? -errno : count;
    let_go(&excess, result == -EFBIG);
    return result;
}

void cforkpool_say(const char *line, size_t length)
{
    struct held_signal excess = hold(SIGXFSZ), closed = hold(SIGPIPE);
    int error = write(STDERR_FILENO, line, length) < 0 ? errno : 0;
    let_go(&closed, error == EPIPE);
    let_go(&excess, error == EFBIG);
}

int32_t cforkpool_ftruncate(int32_t fd, int64_t size)
{
    return CALL(ftruncate, ftruncate(fd, size)) == 0 ? 0 : -errno;
}

int32_t cforkpool_fdatasync(int32_t fd)
{
    return CALL(fdatasync, fdatasync(fd)) == 0 ? 0 : -errno;
}

int32_t cforkpool_fsync_folder(const char *path)
{
    int fd = CALL(open, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A folder that this process may write to and not read cannot be waited for.
    if (fd < 0)
        return errno == EACCES ? 0 : -errno;
    int32_t result = CALL(fsync, fsync(fd)) == 0 ? 0 : -errno;
    close(fd);
    // Some file systems have nothing to wait for.
    return result == -EINVAL ? 0 : result;
}

/// One byte at a time, by the reflected polynomial of CRC-32C.
static uint32_t crc32c_slowly(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (; length > 0; length--, bytes++) {
        crc ^= *bytes;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_quickly(uint32_t crc, const uint8_t *bytes, size_t length)
{
    uint64_t wide = crc;
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; length > 0; length--, bytes++)
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}
static bool has_quick_crc32c(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
__attribute__((target("+crc"))) static uint32_t crc32c_quickly(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
    }
    for (; length > 0; length--, bytes++)
        crc = __crc32cb(crc, *bytes);
    return crc;
}
static bool has_quick_crc32c(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#else
#define crc32c_quickly crc32c_slowly
static bool has_quick_crc32c(void)
{
    return false;
}
#endif

uint32_t cforkpool_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    return ~(has_quick_crc32c() ? crc32c_quickly : crc32c_slowly)(~crc, bytes, length);
}
