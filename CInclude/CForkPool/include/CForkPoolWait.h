#ifndef CFORKPOOL_WAIT_H
#define CFORKPOOL_WAIT_H

// Waiting and waking: wait.c.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// How a process ended, and what it used.
struct cforkpool_ending {
    /// The exit status, or -1.
    int32_t status;
    /// The signal that ended it, or 0.
    int32_t signal;
    /// The processor time that it and the children that it reaped used, in nanoseconds: of their own and of the system's.
    int64_t user_time;
    int64_t system_time;
    /// The most memory that one of them had at once, in bytes; what it was forked from counts, too.
    int64_t max_memory;
    /// Page faults without and with a disk.
    int64_t minor_faults;
    int64_t major_faults;
    /// How often they gave a processor up, and how often one was taken from them.
    int64_t voluntary_switches;
    int64_t involuntary_switches;
};

/// Waits for the child that `pidfd` names and reaps it; EINTR is retried. Returns 0 or a negative errno: ECHILD
/// where the host ignores SIGCHLD or reaped the child itself.
///
/// In C because P_PIDFD and the fields of siginfo_t are macros of a union that Swift does not import.
int32_t cforkpool_waitid(int32_t pidfd, struct cforkpool_ending *ending);

/// One descriptor that `cforkpool_ppoll` waits for.
struct cforkpool_poll {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

/// Waits until a descriptor is readable or `timeout_ns` nanoseconds passed (negative: for ever). Returns the
/// number of ready descriptors, or a negative errno (EINTR too: the caller retries in one place).
///
/// In C because ppoll is only declared under _GNU_SOURCE.
int32_t cforkpool_ppoll(struct cforkpool_poll *_Nullable entries, int32_t count, int64_t timeout_ns);

/// Sends `signal` to the process that `pidfd` names: a process id that was given out anew cannot be hit.
///
/// In C because pidfd_send_signal has no wrapper in glibc 2.36's headers that Swift sees.
int32_t cforkpool_pidfd_send_signal(int32_t pidfd, int32_t signal);

/// Makes an event counter (close-on-exec, non-blocking): a doorbell that ppoll can wait for.
///
/// In C because eventfd is hidden from Swift.
int32_t cforkpool_eventfd(void);

/// Adds one to an event counter; async-signal-safe. Returns 0 or a negative errno: the counter is no longer there.
int32_t cforkpool_eventfd_ring(int32_t fd);

/// Makes an event counter 0 again.
void cforkpool_eventfd_drain(int32_t fd);

/// Tells the processor that the calling thread spins.
///
/// In C because it is an instruction.
void cforkpool_pause(void);

/// Waits while `*word` is `expected`, across processes, for at most `timeout_ns` (negative: for ever). Returns 0,
/// or a negative errno (EAGAIN: the word had changed; EINTR; ETIMEDOUT).
///
/// In C because futex is only reached by the variadic `syscall`.
int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/// Wakes at most `count` waiters of `word`, across processes; returns how many.
int32_t cforkpool_futex_wake(uint32_t *word, int32_t count);

/// The same among the threads of one process, where nobody else can wake the waiter.
int32_t cforkpool_futex_wait_private(uint32_t *word, uint32_t expected, int64_t timeout_ns);
int32_t cforkpool_futex_wake_private(uint32_t *word, int32_t count);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
