// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_INTERNAL_H
#define CFORKPOOL_INTERNAL_H

#ifndef _GNU_SOURCE
#error "CForkPool needs _GNU_SOURCE, which Package.swift defines"
#endif

#include "CForkPool.h"
#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>

/// Everything that the shim remembers. Zero is the initial state of each field.
///
/// A child pays for each page that it writes first. So all that a fresh child writes shares one page with the rest, and
/// the stacks, which few processes use, come last.
struct cforkpool_state {
    /// Counts forks; see `cforkpool_generation`.
    uint32_t generation;
    /// Whether the fork that runs now makes a worker or a template.
    bool forks_worker;
    /// See `cforkpool_withhold`.
    struct cforkpool_withheld withheld;

    /// The calling process as a worker.
    struct {
        bool is_one;
        struct cforkpool_worker self;
        struct cforkpool_crash *_Nullable crash;
        /// The lowest address of its stack, or 0.
        uintptr_t stack_low;
        bool has_memory_limit;
    } worker;

    /// The forker thread and the one request that it serves; forker.c.
    struct {
        /// Held by the caller from its request to the answer. Private to this process: no worker can hold it.
        pthread_mutex_t gate;
        bool is_running;
        bool has_handlers;
        /// Whether the child keeps the caller's stack by a write into its descriptor; see stack.c.
        bool keeps_stack;
        /// Whether the calling thread must fork by itself.
        bool declines;
        /// A futex word: FORKER_IDLE, FORKER_ASKED or FORKER_DONE.
        _Atomic(uint32_t) word;
        /// What it is asked to do.
        void (*_Nullable request)(struct cforkpool_start *_Nonnull starts, int32_t count);
        struct cforkpool_start *_Nullable starts;
        int32_t count;
        /// The calling thread: glibc's descriptor of it, and its id.
        char *_Nullable caller;
        pid_t caller_tid;
        /// Where glibc keeps a thread's id in its descriptor, in bytes; 0 if unknown.
        size_t tid_offset;
        /// The caller's processors, which its workers run on, and those that the forker has now.
        cpu_set_t wanted, present;
        /// What the process is called.
        char process_name[16];
    } forker;

    /// The library's own threads besides the forker; thread.c.
    _Atomic(int32_t) own_threads;

    /// The process as a template; template.c.
    struct {
        struct cforkpool_template self;
        pid_t pid;
        /// What the program is called in `ps`.
        char host_name[16];
        bool holds_memory;
    } template;

    /// The program's arguments, and the process as a worker that was started by exec; exec.c.
    struct {
        char *_Nullable *_Nullable arguments;
        bool has_bootstrap;
        int32_t memory, eventfd, number;
        uint64_t token;
    } exec;

#ifdef CFORKPOOL_INJECTS
    /// What is to fail, or NULL until there was a plan, and what this process is; inject.c.
    struct {
        struct cforkpool_plan *_Nullable plan;
        int32_t role;
    } injection;
#endif

    /// The stack of the process that holds a worker's memory.
    _Alignas(1024) char memory_holder_stack[4096];
    /// The crash handler's stack.
    _Alignas(16) char handler_stack[64 * 1024];
};

_Static_assert(offsetof(struct cforkpool_state, memory_holder_stack) == 1024, "what a child writes lies on one page");

extern struct cforkpool_state cforkpool_state __attribute__((visibility("hidden")));

#pragma clang assume_nonnull begin

// MARK: - fork.c

/// Forks a child that becomes a worker of `parent`, the calling process; returns its id or a negative errno.
pid_t cforkpool_fork_child(struct cforkpool_start *start, pid_t parent);

/// Registers, once, what runs in every forked child. One thread at a time calls it.
void cforkpool_register_handlers(void);

/// Returns whether one more descriptor can be opened: a child that cannot be watched must not begin anything. If not,
/// `start` says so.
bool cforkpool_can_open(struct cforkpool_start *start);

/// Completes a start whose `call` returned `pid`: a process id or a negative errno.
void cforkpool_finish_start(struct cforkpool_start *start, pid_t pid, const char *call);

// MARK: - stack.c

/// Looks where glibc keeps the calling thread's id; the forker calls it once.
void cforkpool_find_tid(void);

/// Returns whether a child of the forker can keep the caller's stack, and notes it for the child.
bool cforkpool_can_keep_stack(void);

/// Keeps the caller's stack from being given to a thread that the body starts. Runs in the child.
void cforkpool_keep_stack(void);

/// Remembers where the calling thread's stack ends: the crash handler recognises an overflow by it.
void cforkpool_note_stack(void);

// MARK: - The other files

/// Makes the forked child a worker, runs its entry and ends the process.
_Noreturn void cforkpool_child(struct cforkpool_start *start, pid_t parent);

/// Starts this program again as the worker that `start->context` describes; returns its id, or a negative errno of the
/// call `*call`.
pid_t cforkpool_exec_child(struct cforkpool_start *start, const char *_Nullable *_Nonnull call);

/// Creates a detached thread with every signal blocked; returns 0 or an errno.
int cforkpool_create_thread(void *_Nullable (*_Nonnull entry)(void *_Nullable), void *_Nullable context);

/// Moves a descriptor that a worker inherits above the three standard ones; returns it or a negative errno.
int32_t cforkpool_above_standard(int32_t fd);

/// The private memory that the process can still get, in bytes; UINT64_MAX without a limit. Async-signal-safe.
uint64_t cforkpool_memory_left(void);

/// Waits for a child and reaps it as `cforkpool_waitid` does; `kind` says what `id` is.
int32_t cforkpool_reap(int32_t kind, int32_t id, struct cforkpool_ending *ending);

#pragma clang assume_nonnull end

#endif
