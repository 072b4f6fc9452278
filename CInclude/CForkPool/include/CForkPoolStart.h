#ifndef CFORKPOOL_START_H
#define CFORKPOOL_START_H

// Starting workers: fork.c, child.c.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The longest message of the Swift runtime that a crash record keeps, in bytes.
#define CFORKPOOL_CRASH_TEXT 992

/// What a worker's crash handler leaves behind, in memory that the parent shares.
struct cforkpool_crash {
    /// The signal, or 0. Written last.
    int32_t signal;
    /// The signal's `si_code`.
    int32_t code;
    /// The address that the signal names (`si_addr`).
    uint64_t address;
    /// The private memory that the worker could still have got, in bytes; UINT64_MAX where it is not limited.
    uint64_t memory_left;
    /// 1 if the address lies at the end of the worker's stack.
    uint32_t stack_overflow;
    /// Bytes used in `text`.
    uint32_t length;
    /// The Swift runtime's own message, not terminated.
    char text[CFORKPOOL_CRASH_TEXT];
};

/// One worker to start, and what became of it.
struct cforkpool_start {
    /// Runs in the child; its return value is the exit status. It never returns into the forking thread.
    int (*entry)(void *context, int32_t worker);
    void *context;
    /// Handed to `entry`.
    int32_t worker;
    /// Where the crash handler writes; shared with the parent.
    struct cforkpool_crash *_Nullable crash;
    /// Whether no signal but SIGKILL and SIGSTOP is to reach the child.
    bool keeps_signals_blocked;
    /// Out: the child's process id, or a negative errno of the call that `failed_call` names.
    int32_t pid;
    /// Out: a descriptor of the child (close-on-exec), valid if `pid` is positive.
    int32_t pidfd;
    /// Out: the call that was refused: "fork", "vfork", "clone", "fcntl", "execve", "pidfd_open" or "pthread_create".
    const char *_Nullable failed_call;
};

/// Forks `count` workers from the process's one forker thread, with signals blocked around each fork.
///
/// In C because the forking thread must never have run Swift (the runtime caches thread ids, which a child would
/// inherit wrong), because PR_SET_PDEATHSIG follows the forking thread, and because nothing but async-signal-safe
/// code may run in the child before the body. Returns when every fork was tried.
void cforkpool_fork(struct cforkpool_start *starts, int32_t count);

/// Makes the calling thread that of a worker that was not forked by this library: crash handler, ending, signals.
///
/// In C because it is the forked child's prologue without the fork.
void cforkpool_become_worker(struct cforkpool_crash *crash);

/// Opens a descriptor (close-on-exec) of a process; one that was reaped already reads as ended. Returns the
/// descriptor or a negative errno.
///
/// In C because pidfd_open has no declaration that Swift sees.
int32_t cforkpool_pidfd_open(int32_t pid);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
