#ifndef CFORKPOOL_EXEC_H
#define CFORKPOOL_EXEC_H

// Workers by exec: exec.c.

#include "CForkPoolStart.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// What a worker that is started by exec finds open, and which one it is.
struct cforkpool_exec {
    /// The shared memory.
    int32_t memory;
    /// The parent's doorbell.
    int32_t bell;
    /// What the memory begins with, so that no other memory is taken for it.
    uint64_t token;
};

/// Starts this program again (/proc/self/exe, with the same arguments and environment) as `count` workers, from
/// the forker thread; `context` of each start is a `cforkpool_exec`, its `entry` is not used.
///
/// In C because between vfork and execve nothing else may run, and for the reasons of `cforkpool_fork`.
void cforkpool_exec(struct cforkpool_start *starts, int32_t count);

/// Whether a program that is started again becomes a worker before its main can run.
///
/// In C because it asks where the linker put this code.
bool cforkpool_enters(void);

/// Becomes a worker, if this process was started as one, and does not return then.
///
/// In C because it is what the constructor does.
void cforkpool_bootstrap(void);

/// Ends a process that was to be a worker and cannot be one: with status 121, and why on standard error.
///
/// In C because no buffer and no lock of the program may be used, whose main did not run.
_Noreturn void cforkpool_refuse_worker(const char *why);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
