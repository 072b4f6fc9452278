#include "internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

_Static_assert(sizeof(struct cforkpool_poll) == sizeof(struct pollfd), "cforkpool_poll mirrors pollfd");
_Static_assert(offsetof(struct cforkpool_poll, revents) == offsetof(struct pollfd, revents),
               "cforkpool_poll mirrors pollfd");

int32_t cforkpool_waitid(int32_t pidfd, struct cforkpool_ending *ending)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0) {
        if (errno != EINTR)
            return -errno;
    }
    ending->status = info.si_code == CLD_EXITED ? info.si_status : -1;
    ending->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    return 0;
}

static struct timespec *to_timespec(int64_t nanoseconds, struct timespec *storage)
{
    if (nanoseconds < 0)
        return NULL;
    storage->tv_sec = nanoseconds / 1000000000;
    storage->tv_nsec = nanoseconds % 1000000000;
    return storage;
}

int32_t cforkpool_ppoll(struct cforkpool_poll *entries, int32_t count, int64_t timeout_ns)
{
    struct timespec storage;
    int ready = ppoll((struct pollfd *)entries, (nfds_t)count, to_timespec(timeout_ns, &storage), NULL);
    return ready < 0 ? -errno : ready;
}

int32_t cforkpool_pidfd_send_signal(int32_t pidfd, int32_t signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

int32_t cforkpool_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void cforkpool_eventfd_ring(int32_t fd)
{
    uint64_t one = 1;
    // The only refusal is a full counter, which is rung already.
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec storage;
    long result = syscall(SYS_futex, word, FUTEX_WAIT, expected, to_timespec(timeout_ns, &storage), NULL, 0);
    return result == 0 ? 0 : -errno;
}

int32_t cforkpool_futex_wake(uint32_t *word, int32_t count)
{
    return (int32_t)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

void cforkpool_futex_wait_private(_Atomic(uint32_t) *word, uint32_t expected)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void cforkpool_futex_wake_private(_Atomic(uint32_t) *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}
