#ifndef CFORKPOOL_H
#define CFORKPOOL_H

/// The shim between ForkPool and the kernel.
///
/// Every function here exists because Swift cannot express it: the call is hidden from Swift's Glibc import
/// (variadic, a macro, or only declared under _GNU_SOURCE), or it runs where no Swift code may run, between a
/// fork and the body or in a signal handler. A function named `cforkpool_NAME` stands for the call NAME.
/// Functions that can fail return a negative errno, so that nobody reads `errno` across the language border.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// MARK: - Starting workers (fork.c, child.c)

/// The longest message of the Swift runtime that a crash record keeps, in bytes.
#define CFORKPOOL_CRASH_TEXT 1000

/// What a worker's crash handler leaves behind, in memory that the parent shares.
struct cforkpool_crash {
    /// The signal, or 0. Written last.
    int32_t signal;
    /// The signal's `si_code`.
    int32_t code;
    /// The address that the signal names (`si_addr`).
    uint64_t address;
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
    struct cforkpool_crash *crash;
    /// Out: the child's process id, or a negative errno of the call that `failed_call` names.
    int32_t pid;
    /// Out: a descriptor of the child (close-on-exec), valid if `pid` is positive.
    int32_t pidfd;
    /// Out: the call that was refused: "fork", "pidfd_open" or "pthread_create".
    const char *_Nullable failed_call;
};

/// Forks `count` workers from the process's one forker thread, with signals blocked around each fork.
///
/// In C because the forking thread must never have run Swift (the runtime caches thread ids, which a child would
/// inherit wrong), because PR_SET_PDEATHSIG follows the forking thread, and because nothing but async-signal-safe
/// code may run in the child before the body. Returns when every fork was tried.
void cforkpool_fork(struct cforkpool_start *starts, int32_t count);

/// Counts the forks between the first process of the program and this one.
///
/// In C because it is counted in a fork handler: whatever was cached by an ancestor is not this process's.
uint32_t cforkpool_generation(void);

/// Tells a worker which memory a stray child of it must not have: one that the body forks and that returns from the
/// body too. Two ranges, taken out of every child that is not a worker.
///
/// In C because it is done in a fork handler.
void cforkpool_withhold(void *_Nullable first, size_t first_size, void *_Nullable second, size_t second_size);

/// Ends the process at once, coverage counters written and standard output flushed.
///
/// In C because `__llvm_profile_write_file` is a weak symbol, and because no exit handler of the parent may run.
_Noreturn void cforkpool_exit(int32_t status);

/// Starts a detached thread that runs `entry(context)` with every signal blocked; returns 0 or a negative errno.
///
/// In C because the signal mask must be set before the thread exists, so that no handler of the host runs on it.
int32_t cforkpool_thread(void (*entry)(void *context), void *context);

/// Counts this process's threads (the link count of /proc/self/task) without the forker, or returns a negative errno.
///
/// In C to have it in one call without a directory stream.
int32_t cforkpool_thread_count(void);

// MARK: - Waiting (wait.c)

/// How a child ended.
struct cforkpool_ending {
    /// The exit status, or -1.
    int32_t status;
    /// The signal that ended it, or 0.
    int32_t signal;
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

/// Adds one to an event counter; async-signal-safe.
void cforkpool_eventfd_ring(int32_t fd);

/// Waits while `*word` is `expected`, across processes, for at most `timeout_ns` (negative: for ever). Returns 0,
/// or a negative errno (EAGAIN: the word had changed; EINTR; ETIMEDOUT).
///
/// In C because futex is only reached by the variadic `syscall`.
int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/// Wakes at most `count` waiters of `word`, across processes; returns how many.
int32_t cforkpool_futex_wake(uint32_t *word, int32_t count);

// MARK: - Shared memory (memory.c)

/// Reserves `size` bytes of zeroed memory that forked children share, without a name, a file or a commitment.
/// Returns NULL and a negative errno in `*error` if refused.
///
/// In C because MAP_FAILED is a cast that Swift does not import.
void *_Nullable cforkpool_mmap_shared(size_t size, int32_t *error);

/// Gives the pages of a part of a shared mapping back to the system; they read as zero afterwards.
///
/// In C because MADV_REMOVE is hidden from Swift.
int32_t cforkpool_madvise_remove(void *address, size_t size);

/// Maps existing pages of a shared mapping into this process at once instead of by one fault a page.
///
/// In C because MADV_POPULATE_WRITE is newer than the headers of Debian 12's kernel.
int32_t cforkpool_madvise_populate(void *address, size_t size);

/// Prepares whole pages of fresh private memory that are about to be written from end to end: in huge pages where
/// there are some to be had, and by one call instead of one fault a page.
///
/// In C for the same reason.
int32_t cforkpool_madvise_fresh(void *address, size_t size);

/// The bytes that a robust, shared lock needs.
#define CFORKPOOL_MUTEX_SIZE 64

/// Makes a lock in shared memory whose holder may die.
///
/// In C, as the next three, because pthread_mutex_t is opaque and its attributes are macros.
int32_t cforkpool_mutex_init(void *mutex);
/// Locks; returns 0, or 1 if the holder before died while it held the lock (which is usable again), or a
/// negative errno.
int32_t cforkpool_mutex_lock(void *mutex);
/// Unlocks; returns 0 or a negative errno.
int32_t cforkpool_mutex_unlock(void *mutex);

// MARK: - Counting (machine.c)

/// Counts the processors that this process may run on, or returns a negative errno.
///
/// In C because cpu_set_t and CPU_COUNT are macros.
int32_t cforkpool_sched_getaffinity_count(void);

/// Writes the last symbolic signal name ("SIGSEGV") of `signal` into `name`; returns its length, or 0.
///
/// In C because sigabbrev_np is only declared under _GNU_SOURCE.
size_t cforkpool_sigabbrev(int32_t signal, char *name, size_t capacity);

/// Writes the text of an errno into `text`; returns its length.
///
/// In C because strerrordesc_np is only declared under _GNU_SOURCE; unlike strerror it takes no lock.
size_t cforkpool_strerror(int32_t error, char *text, size_t capacity);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
