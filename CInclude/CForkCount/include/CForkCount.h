#ifndef CFORKCOUNT_H
#define CFORKCOUNT_H

/// Counts what a program and all of its processes do, exactly, on any machine: for `forkpool overhead` alone.
///
/// Swift cannot do it itself: its import of Glibc hides ptrace and memfd_create.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// What a traced program did.
struct cforkcount_run {
    /// The system calls that it began, with those of its threads and of the processes that came from it. Of processes that
    /// were stepped it is not known.
    int64_t system_calls;
    /// The instructions of the processes that came from it, and those among them that lock memory or fence, where they
    /// were stepped.
    int64_t instructions;
    int64_t locked;
    /// How it ended, as `waitpid` says.
    int32_t status;
    /// The errno for which it could not be traced, or 0.
    int32_t error;
};

/// Runs the program at `path` on one processor, its output thrown away, and counts what it does until its last process has
/// ended: system calls or, with `steps`, the instructions of the processes that come from it, one by one.
///
/// It is traced by a process of its own, so that no child of the caller's is waited for here. Whatever still runs after
/// `seconds` is killed, and the error is ETIMEDOUT. Steps are for x86-64 alone; elsewhere the error is ENOTSUP.
struct cforkcount_run cforkcount_run(
    const char *path, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment,
    bool steps, uint32_t seconds);

/// Makes a file without a name for a number that other processes count in, 0 at first; or returns the errno, negated.
int32_t cforkcount_counter(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
