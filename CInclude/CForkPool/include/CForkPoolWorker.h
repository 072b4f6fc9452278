#ifndef CFORKPOOL_WORKER_H
#define CFORKPOOL_WORKER_H

// A worker's surroundings: fork.c, child.c, limit.c, machine.c.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Names the process and the calling thread, for `ps`; at most 15 bytes are kept.
///
/// In C because prctl is variadic.
int32_t cforkpool_prctl_name(const char *name);

/// Binds the main thread and the calling one to the `index`-th of the processors that this one may run on, counted round
/// and round.
///
/// In C because cpu_set_t and its macros are hidden from Swift.
int32_t cforkpool_sched_setaffinity(int32_t index);

/// Lets the process have so many bytes of private memory more than it has (RLIMIT_DATA); returns 0 or a negative errno.
///
/// In C because what it has is read where no allocation may be made, after a crash too.
int32_t cforkpool_limit_memory(int64_t bytes);

/// Has the kernel end the process by SIGKILL when it has used so many nanoseconds more of processor time; returns 0 or a
/// negative errno.
///
/// In C because timers are hidden from Swift.
int32_t cforkpool_limit_cpu_time(int64_t nanoseconds);

/// The processor that the calling thread is on, or -1.
///
/// In C because sched_getcpu is only declared under _GNU_SOURCE.
int32_t cforkpool_sched_getcpu(void);

/// The calling worker's number, process id and attempt; a number of -1 outside of a worker.
struct cforkpool_worker {
    int32_t index;
    int32_t pid;
    int32_t attempt;
};

/// Says which worker this process is.
///
/// In C because a global of Swift is initialised behind a lock that a forked child could find locked.
void cforkpool_set_worker(struct cforkpool_worker worker);

/// Which worker this process is.
struct cforkpool_worker cforkpool_get_worker(void);

/// Counts the forks between the first process of the program and this one.
///
/// In C because it is counted in a fork handler: whatever was cached by an ancestor is not this process's.
uint32_t cforkpool_generation(void);

/// Two ranges of memory, or none.
struct cforkpool_withheld {
    void *_Nullable first;
    size_t first_size;
    void *_Nullable second;
    size_t second_size;
};

/// Tells a worker which memory a stray child of it must not have: one that the body forks and that returns from the
/// body too. It is taken out of every child that is not a worker. Returns what it was before.
///
/// In C because it is done in a fork handler.
struct cforkpool_withheld cforkpool_withhold(struct cforkpool_withheld memory);

/// Ends the process at once, coverage counters written and standard output flushed.
///
/// In C because `__llvm_profile_write_file` is a weak symbol, and because no exit handler of the parent may run.
_Noreturn void cforkpool_exit(int32_t status);

/// Starts a detached thread that runs `entry(context)` with every signal blocked; returns 0 or a negative errno.
///
/// In C because the signal mask must be set before the thread exists, so that no handler of the host runs on it.
int32_t cforkpool_thread(void (*entry)(void *context), void *context);

/// The address below which the calling thread's stack should not grow, so that what is called from there has room; 0 if
/// that is not known.
///
/// In C because pthread_getattr_np is only declared under _GNU_SOURCE.
uintptr_t cforkpool_stack_limit(void);

/// Where the calling thread's stack has grown to.
///
/// In C because a local variable of Swift need not lie there: the address sanitizer puts it elsewhere.
uintptr_t cforkpool_stack_address(void);

/// Counts this process's threads (the link count of /proc/self/task) without those of the library, or returns a
/// negative errno.
///
/// Looks again, for a tenth of a second, where there is more than one: a thread that was joined is listed for a moment more.
/// In C to have it in one call without a directory stream.
int32_t cforkpool_thread_count(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
