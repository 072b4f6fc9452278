// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKCOUNT_H
#define CFORKCOUNT_H

/// Counts the system calls and instructions of a program and its children exactly; only `forkpool overhead` uses it.
///
/// It is in C because Swift's import of Glibc hides ptrace and memfd_create.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The counts of a traced program.
struct cforkcount_run {
    /// The system calls of the program, its threads and its descendants; unknown for single-stepped processes.
    int64_t system_calls;
    /// The instructions of the descendants that have memory of their own, if they were single-stepped.
    int64_t instructions;
    /// The instructions among them that lock memory or are a fence.
    int64_t locked;
    /// The status of the program, from `waitpid`.
    int32_t status;
    /// The errno if the program could not be traced, or else 0.
    int32_t error;
};

/// Runs the program at `path` on one processor, discards its output, and counts until its last process has ended.
///
/// It counts system calls or, with `steps`, the instructions of the descendants by single-stepping. A separate process
/// traces the program, so that it does not reap children of the caller. After `seconds` all processes are killed, and
/// the error is ETIMEDOUT. Steps need x86-64; elsewhere the error is ENOTSUP.
struct cforkcount_run cforkcount_run(
    const char *path, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment,
    bool steps, uint32_t seconds);

/// Makes a file in memory with a counter of 8 bytes, 0 at first, for other processes; or returns the negated errno.
int32_t cforkcount_counter(void);

/// Says whether programs that this process starts have the same addresses each time, and so the same page tables.
///
/// A system that refuses it leaves the addresses random.
void cforkcount_fix_addresses(bool are_fixed);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
