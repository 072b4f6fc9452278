// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_EXEC_H
#define CFORKPOOL_EXEC_H

#include "CForkPool.h"

#include <fenv.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/types.h>

/// What the files of workers by exec share.

#pragma clang assume_nonnull begin

/// Tells a program that it is a worker, and which one. The worker unsets it.
#define CFORKPOOL_VARIABLE "FORKPOOL_WORKER"

/// The bytes of the variable's longest value, with its end.
enum { CFORKPOOL_TOLD = 256 };

/// What the variable tells; variable.c.
struct cforkpool_told {
    /// The descriptor of the memory, the worker's number, and the process that started it.
    int32_t memory, number, parent;
    /// Whether that process can be traced and dumped, as every process can after execve (PR_GET_DUMPABLE).
    bool is_dumpable;
    size_t stack_size;
    /// The memory begins with it.
    uint64_t token;
    /// How the pool's thread computes with floating-point numbers, which execve resets.
    fenv_t rounding;
};

/// What a pool's workers by exec have as it was at the start of the pool.
struct cforkpool_environment {
    /// The path of the working directory, empty if it is unknown, and which directory it is.
    char folder[PATH_MAX];
    dev_t folder_device;
    ino_t folder_file;
    /// The file mode creation mask, or -1 before the first start.
    int file_mask;
    /// The variable that is each process's own.
    char worker[sizeof CFORKPOOL_VARIABLE + CFORKPOOL_TOLD];
    /// That one, the others, and NULL; the text follows.
    char *_Nullable variables[];
};

// MARK: - exec.c

/// Starts this program again as the worker that `start->context` describes; returns its id, or a negative errno of the
/// call `*call`.
pid_t cforkpool_exec_child(struct cforkpool_forker *forker, struct cforkpool_start *start, const char *_Nullable *_Nonnull call);

// MARK: - environment.c

/// Gives a child of vfork the file mode mask of the pool's start and the working directory, if it can enter that.
void cforkpool_enter(struct cforkpool_environment *environment);

// MARK: - variable.c

/// Writes the variable's value, of at most CFORKPOOL_TOLD bytes.
void cforkpool_write_told(const struct cforkpool_told *told, char *text);

/// Reads it; returns false if no pool wrote this text.
bool cforkpool_read_told(const char *text, struct cforkpool_told *told);

/// Has the calling thread compute with floating-point numbers so. Bits that this processor does not have are left out.
bool cforkpool_take_rounding(fenv_t rounding);

// MARK: - rights.c

/// The capabilities of a thread, as the kernel reads and writes them.
struct cforkpool_capabilities {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct sets[2];
};

/// Reads those of the calling thread; returns 0 or a negative errno.
int32_t cforkpool_read_capabilities(struct cforkpool_capabilities *own);

/// What a thread has to give up before it starts its program again: no worker has rights that the thread has not.
enum {
    /// The rights of the file's owner, or those that the kernel gives to what root starts.
    CFORKPOOL_GIVES_BY_EXEC = 1,
    /// Capabilities that are permitted and not in effect.
    CFORKPOOL_HAS_IDLE_CAPABILITIES = 2,
};

/// Returns which of them there are, or a negative errno of the call `*call`.
int32_t cforkpool_exec_gives_rights(const char *_Nullable *_Nonnull call);

/// Gives them up; returns NULL, or the call that failed. Only calls of the kernel, as after vfork.
const char *_Nullable cforkpool_give_up_rights(int32_t rights);

/// Whether this process can be traced, and leaves core dumps.
bool cforkpool_is_dumpable(void);

/// Makes it one that cannot; returns false if it still can.
bool cforkpool_forbid_dumps(void);

#pragma clang assume_nonnull end

#endif
