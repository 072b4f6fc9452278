// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

_Static_assert(sizeof(struct cforkpool_poll) == sizeof(struct pollfd), "cforkpool_poll mirrors pollfd");
_Static_assert(offsetof(struct cforkpool_poll, events) == offsetof(struct pollfd, events)
                   && offsetof(struct cforkpool_poll, revents) == offsetof(struct pollfd, revents),
               "cforkpool_poll mirrors pollfd");

int32_t cforkpool_wait_for(pid_t pid, int32_t flags)
{
    for (;;) {
        pid_t ended = CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, flags));
        if (ended >= 0)
            return ended;
        if (errno == EINTR)
            continue;
        int error = errno;
        siginfo_t info = {0};
        // Another call, where a filter of system calls refuses the first.
        if (error != ECHILD && CALL_EVEN_IF(ECHILD, waitid, waitid(P_PID, (id_t)pid, &info, WEXITED | flags)) == 0)
            return info.si_pid;
        if (error == ECHILD || errno != EINTR)
            return -error;
    }
}

int32_t cforkpool_wait_a_second(pid_t pid, int32_t flags)
{
    int32_t ended = 0;
    for (int look = 0; look < 1000 && (ended = cforkpool_wait_for(pid, flags | WNOHANG)) == 0; look++)
        cforkpool_ppoll(NULL, 0, 1000000);
    return ended;
}

/// Waits as `cforkpool_reap` does where the kernel, or a filter of system calls, refuses waitid.
static int32_t reap_by_pid(int32_t pid, struct cforkpool_ending *ending, struct rusage *usage)
{
    int status;
    while (CALL_EVEN_IF(ECHILD, waitpid, wait4(pid, &status, 0, usage)) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    ending->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ending->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return 0;
}

/// The same by waitid.
static int32_t reap_by_descriptor(int32_t pid, int32_t pidfd, struct cforkpool_ending *ending, struct rusage *usage)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    idtype_t kind = pidfd < 0 ? P_PID : (idtype_t)P_PIDFD;
    id_t id = (id_t)(pidfd < 0 ? pid : pidfd);
    // glibc's wrapper drops the usage.
    while (CALL_EVEN_IF(ECHILD, waitid, syscall(SYS_waitid, kind, id, &info, WEXITED, usage)) != 0) {
        // The flags of a pidfd are also those of every process that inherited it: one of them can make it non-blocking.
        struct pollfd entry = {.fd = pidfd, .events = POLLIN};
        if (errno == EAGAIN && pidfd >= 0)
            CALL(poll, poll(&entry, 1, -1));
        else if (errno != EINTR)
            return -errno;
    }
    ending->status = info.si_code == CLD_EXITED ? info.si_status : -1;
    ending->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    return 0;
}

int32_t cforkpool_reap(int32_t pid, int32_t pidfd, struct cforkpool_ending *ending)
{
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    int32_t error = reap_by_descriptor(pid, pidfd, ending, &usage);
    if (error != 0 && error != -ECHILD)
        error = reap_by_pid(pid, ending, &usage);
    if (error != 0)
        return error;
    ending->user_time = usage.ru_utime.tv_sec * 1000000000LL + usage.ru_utime.tv_usec * 1000LL;
    ending->system_time = usage.ru_stime.tv_sec * 1000000000LL + usage.ru_stime.tv_usec * 1000LL;
    ending->max_memory = usage.ru_maxrss * 1024LL;
    ending->minor_faults = usage.ru_minflt;
    ending->major_faults = usage.ru_majflt;
    ending->voluntary_switches = usage.ru_nvcsw;
    ending->involuntary_switches = usage.ru_nivcsw;
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

/// Rounds up, so that a caller which waits for a time does not wake before it.
static int to_milliseconds(int64_t nanoseconds)
{
    int64_t time = nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
    return nanoseconds < 0 ? -1 : time < INT_MAX ? (int)time : INT_MAX;
}

/// Does what ppoll does where the kernel refuses that, or has no memory for a long list: for descriptors below FD_SETSIZE, also
/// under a limit on files that is lower than `count`.
static int wait_by_set(struct cforkpool_poll *entries, int32_t count, const struct timespec *timeout)
{
    fd_set readable;
    FD_ZERO(&readable);
    int end = 0;
    for (int32_t i = 0; i < count; i++) {
        if (entries[i].fd < 0)
            continue;
        if (entries[i].fd >= FD_SETSIZE) {
            errno = EINVAL;
            return -1;
        }
        FD_SET(entries[i].fd, &readable);
        end = entries[i].fd >= end ? entries[i].fd + 1 : end;
    }
    if (CALL(pselect, pselect(end, &readable, NULL, NULL, timeout, NULL)) < 0)
        return -1;
    int ready = 0;
    for (int32_t i = 0; i < count; i++) {
        entries[i].revents = entries[i].fd >= 0 && FD_ISSET(entries[i].fd, &readable) ? POLLIN : 0;
        ready += entries[i].revents != 0;
    }
    return ready;
}

int32_t cforkpool_ppoll(struct cforkpool_poll *entries, int32_t count, int64_t timeout_ns)
{
    struct timespec storage;
    int ready =
        CALL(ppoll, ppoll((struct pollfd *)entries, (nfds_t)count, to_timespec(timeout_ns, &storage), NULL));
    if (ready < 0 && errno != EINTR)
        ready = wait_by_set(entries, count, to_timespec(timeout_ns, &storage));
    if (ready < 0 && errno != EINTR)
        ready = CALL(poll, poll((struct pollfd *)entries, (nfds_t)count, to_milliseconds(timeout_ns)));
    int error = errno;
    // A caller that tries again must not spin.
    if (ready < 0 && error != EINTR)
        cforkpool_futex_wait_private(&(uint32_t){0}, 0, 20000000);
    return ready < 0 ? -error : ready;
}

int32_t cforkpool_pidfd_send_signal(int32_t pidfd, int32_t signal)
{
    return CALL_EVEN_IF(ESRCH, pidfd_send_signal, syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0)) == 0
        ? 0
        : -errno;
}

int32_t cforkpool_kill(int32_t pid, int32_t signal)
{
    return CALL_EVEN_IF(ESRCH, kill, kill(pid, signal)) == 0 ? 0 : -errno;
}

void cforkpool_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec storage;
    long result = CALL(
        futex_wait, syscall(SYS_futex, word, FUTEX_WAIT, expected, to_timespec(timeout_ns, &storage), NULL, 0));
    return result == 0 ? 0 : -errno;
}

int32_t cforkpool_futex_wake(uint32_t *word, int32_t count)
{
    return (int32_t)CALL(futex_wake, syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0));
}

int32_t cforkpool_futex_wait_private(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec storage;
    long result = CALL(futex_wait, syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                                           to_timespec(timeout_ns, &storage), NULL, 0));
    return result == 0 ? 0 : -errno;
}

int32_t cforkpool_futex_wake_private(uint32_t *word, int32_t count)
{
    return (int32_t)CALL(futex_wake, syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0));
}
