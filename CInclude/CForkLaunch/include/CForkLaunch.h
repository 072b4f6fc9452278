// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKLAUNCH_H
#define CFORKLAUNCH_H

/// The shim between ForkPoolLaunch and the kernel: what the `forkpool` command needs and the library does not.
///
/// A function named `cforklaunch_NAME` stands for the call NAME where there is one. Functions that can fail return a
/// negative errno. What the library's shim has already (waiting, reaping, mapping) is called there.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// MARK: - Programs (start.c)

/// A program to start, what it finds, and what became of it.
struct cforklaunch_program {
    /// The program's file; PATH is not searched.
    const char *path;
    /// Its arguments and its environment, each ended by NULL.
    char *_Nullable const *_Nonnull arguments;
    char *_Nullable const *_Nonnull environment;
    /// Its standard descriptors. Each is above 2, or already has the number that it is for.
    int32_t input;
    int32_t output;
    int32_t errors;
    /// Whether the program leads a new process group. Such a program reads nothing from a terminal, and the terminal
    /// does not stop it for trying.
    bool leads_group;
    /// Where the child writes the number of its group before the program begins, for a guard.
    int32_t *_Nullable group;
    /// Out: a descriptor of the program (close-on-exec), valid if it was started.
    int32_t pidfd;
    /// Out: the call that was refused if the program was not started: "clone", "dup2" or "execve".
    const char *_Nullable failed_call;
};

/// Starts a program and returns its process id or a negative errno. The kernel kills the program when the calling thread
/// ends, so call this on the main thread. The cost does not grow with the memory of this process.
///
/// In C because nothing else may run between clone and execve, and because PR_SET_PDEATHSIG must be set there.
int32_t cforklaunch_execve(struct cforklaunch_program *program);

// MARK: - Captured output (capture.c)

/// Makes memory that programs write to as if it were a file, always at its end (close-on-exec). Returns a descriptor or a
/// negative errno.
///
/// In C because memfd_create is hidden from Swift.
int32_t cforklaunch_memfd_create(void);

/// Makes an empty file without a name in a folder (close-on-exec). Returns a descriptor or a negative errno.
///
/// In C because O_TMPFILE is hidden from Swift.
int32_t cforklaunch_open_unnamed(const char *folder);

/// Returns whether the files of a folder are in memory: tmpfs, ramfs.
///
/// In C because statfs is hidden from Swift.
bool cforklaunch_statfs_memory(const char *folder);

/// Gives the memory or the disk space of a range of a file back. The file keeps its length, and has zeros there. Returns
/// 0 or a negative errno.
///
/// In C because fallocate is hidden from Swift.
int32_t cforklaunch_fallocate_hole(int32_t fd, int64_t offset, int64_t length);

// MARK: - Counted events (counter.c)

/// The processor's counter of instructions: PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS.
#define CFORKLAUNCH_PERF_HARDWARE 0
#define CFORKLAUNCH_PERF_INSTRUCTIONS 1

/// Opens a counter (close-on-exec) of what happens outside of the kernel in the program that the calling thread starts
/// next, and in its children; the thread's own events are not counted. Returns a descriptor or a negative errno: ENOENT or
/// EOPNOTSUPP where the machine has no such counter, EACCES or EPERM where this process may not use it.
///
/// In C because perf_event_open has no wrapper, and its attributes are bit fields.
int32_t cforklaunch_perf_event_open(uint32_t type, uint64_t config);

/// Reads what a counter has reached in programs that have ended; returns a negative errno if the kernel does not tell.
int64_t cforklaunch_perf_event_read(int32_t fd);

// MARK: - Guards (guard.c)

/// Starts a guard: a process that waits for the end of this one, of which `parent` is a pidfd, and then kills the process
/// groups in `groups`, shared memory of `capacity` numbers. Also makes this process the parent of what those groups leave
/// behind. Returns the guard's process id or a negative errno of fork.
///
/// In C because the guard is a forked child that makes nothing but system calls.
int32_t cforklaunch_guard_start(int32_t parent, int32_t *groups, int32_t capacity);

/// Ends and reaps the guard.
void cforklaunch_guard_end(int32_t pid);

/// Reaps the ended processes of a group that are children of this process; returns whether the group has others.
///
/// In C because waitpid's loop belongs to the guard, which made them children of this process.
bool cforklaunch_reap_group(int32_t group);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
