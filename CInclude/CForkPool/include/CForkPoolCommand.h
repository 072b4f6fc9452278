#ifndef CFORKPOOL_COMMAND_H
#define CFORKPOOL_COMMAND_H

// Other programs and what they count: command.c, counter.c, guard.c.

#include "CForkPool.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// A program to start, and what it finds.
struct cforkpool_command {
    /// The program's file; it is not searched for.
    const char *path;
    /// Its arguments and its environment, each ended by NULL.
    char *_Nullable const *_Nonnull arguments;
    char *_Nullable const *_Nonnull environment;
    /// What is to be its standard descriptors; above those, or the same.
    int32_t input;
    int32_t output;
    int32_t errors;
    /// Whether it is the first of a process group, which then reads nothing from a terminal and is not stopped for trying.
    bool leads_group;
    /// Where the number of its group is to be written before the program begins, for a guard.
    int32_t *_Nullable group;
};

/// Starts a program that ends with the calling thread, which should therefore be the main one; `context` of the start is a
/// `cforkpool_command`, and only what is marked as out is used besides. What it costs does not grow with the memory of this
/// process.
///
/// In C because between clone and execve nothing else may run, and because PR_SET_PDEATHSIG must be set there.
void cforkpool_command_start(struct cforkpool_start *start);

// MARK: - Counting events (counter.c)

/// The counter of the instructions that a program runs: PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS.
#define CFORKPOOL_PERF_HARDWARE 0
#define CFORKPOOL_PERF_INSTRUCTIONS 1

/// Opens a counter (close-on-exec) of what happens outside of the kernel in the program that the calling thread starts next,
/// and in its children; the thread's own instructions are not counted. Returns a descriptor or a negative
/// errno: ENOENT or EOPNOTSUPP where the machine has no such counter, EACCES or EPERM where nobody may use it.
///
/// In C because perf_event_open has no wrapper, and its attributes are bit fields.
int32_t cforkpool_perf_event_open(uint32_t type, uint64_t config);

/// What a counter has reached, that of programs that have ended; or a negative errno.
int64_t cforkpool_perf_event_read(int32_t fd);

// MARK: - Whom this process must not leave behind (guard.c)

/// Starts a process that kills the process groups in `groups`, shared memory of `capacity` numbers, once the calling
/// process has ended, however that was; makes what those groups leave behind children of this process. Returns its id
/// or a negative errno.
///
/// In C because it runs in a forked child that has nothing but system calls.
int32_t cforkpool_guard_start(int32_t *groups, int32_t capacity);

/// Ends and reaps the guard.
void cforkpool_guard_end(int32_t pid);

/// Reaps those of a group who have ended and have no other parent; returns whether anybody is left in it.
///
/// In C, as the one before, because it belongs to the guard's.
int32_t cforkpool_reap_group(int32_t group);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
