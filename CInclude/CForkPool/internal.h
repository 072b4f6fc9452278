// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_INTERNAL_H
#define CFORKPOOL_INTERNAL_H

#ifndef _GNU_SOURCE
#error "CForkPool needs _GNU_SOURCE, which Package.swift defines"
#endif

#include "CForkPool.h"
#include "exec.h"
#include "inject.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

/// Everything that the shim remembers. Zero is the initial state of each field.
///
/// A child pays for each page that it writes first. So all that a fresh child writes shares one page with the rest, and
/// the stacks and buffers, which few processes use, come last.
struct cforkpool_state {
    /// Counts forks; see `cforkpool_generation`.
    uint32_t generation;
    /// Whether what runs in every forked child is registered; fork.c.
    bool has_handlers;

    /// The calling process as a worker.
    struct {
        bool is_one;
        /// The process with which it ends.
        pid_t parent;
        /// Whether it was started by exec: all its streams are its own.
        bool is_by_exec;
        struct cforkpool_current_worker current;
        struct cforkpool_crash *_Nullable crash;
        /// The lowest address of its stack, or 0.
        uintptr_t stack_low;
        bool has_memory_limit;
        /// The signals that it ignores and the host does not; bits by number.
        uint32_t ignored_signals;
    } worker;

    /// The event counters of this process, which no worker keeps; event.c.
    struct {
        pthread_mutex_t lock;
        struct cforkpool_event *_Nullable first;
        /// Whether the fork that runs now is the library's, which holds the lock.
        bool is_kept;
    } events;

    /// The library's own threads; thread.c.
    _Atomic(int32_t) own_threads;
    /// The last forker that was told to end; forker.c.
    _Atomic(struct cforkpool_forker *) ended_forker;

    /// The process as a template; template.c.
    struct {
        struct cforkpool_template self;
        pid_t pid;
        /// What the program is called in `ps`.
        char host_name[16];
    } template;

    /// The program's arguments, and the process as a worker that was started by exec; exec.c.
    struct {
        char *_Nullable *_Nullable arguments;
        bool has_bootstrap;
        struct cforkpool_told told;
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
    /// What a worker printed of a line that is not complete; child.c. A line that fits is written by one call.
    char lines[64 * 1024], error_lines[4096];
};

_Static_assert(offsetof(struct cforkpool_state, memory_holder_stack) == 1024, "what a child writes lies on one page");

extern struct cforkpool_state cforkpool_state __attribute__((visibility("hidden")));

#pragma clang assume_nonnull begin

/// A guard, and what it shares with its forker; guard.c. Zero is the initial state of each field.
struct cforkpool_guard {
    /// Its process id; 0 if there is none. Whether one is needed is decided once.
    pid_t pid;
    bool is_decided;
    /// The process that it guards, and the thread that starts what it guards.
    pid_t parent_pid, forker_tid;
    /// A pidfd of the guard, which is 0 if there is none.
    struct cforkpool_event process;
    /// A robust lock that the forker's thread holds until it ends. Its first word, on which the guard sleeps, is then the
    /// thread's id, and the kernel changes it and wakes the guard when the thread ends, in whatever way.
    pthread_mutex_t life;
    bool is_held;
    /// The signal to send and the process, the counts of requests and answers, and the last answer: 0 or a negative errno.
    int32_t signal;
    int32_t target;
    uint32_t asked, answered;
    int32_t result;
    /// Whether it is to end, and whether it was killed for that.
    bool is_ending, is_killed;
    /// How many ids there is room for.
    int32_t capacity;
    _Alignas(16) char stack[4096];
    /// The processes that end with the parent; 0 is a free place.
    int32_t pids[];
};

/// The bytes below a stack that no code may touch.
enum { STACK_GUARD = 64 << 10 };

/// Memory for a thread's stack, above that part.
struct cforkpool_stack {
    char *_Nullable base;
    size_t size;
};

/// A forker: a thread and the one request that it serves; forker.c.
struct cforkpool_forker {
    pthread_t thread;
    struct cforkpool_stack stack;
    bool is_running;
    /// Whether the child keeps the caller's stack by a write into its descriptor; see stack.c.
    bool keeps_stack;
    /// Whether the calling thread must fork by itself.
    bool declines;
    /// A futex word: FORKER_IDLE, FORKER_ASKED, FORKER_DONE or FORKER_ENDING.
    _Atomic(uint32_t) word;
    /// What it is asked to do.
    void (*_Nullable request)(struct cforkpool_forker *_Nonnull forker, struct cforkpool_start *_Nonnull starts,
                              int32_t count);
    struct cforkpool_start *_Nullable starts;
    int32_t count;
    /// The calling thread: glibc's descriptor of it, and its id.
    char *_Nullable caller;
    pid_t caller_tid;
    /// Where glibc keeps a thread's id in its descriptor, in bytes; 0 if unknown.
    size_t tid_offset;
    /// The lowest address of the stack that a child runs on, or 0.
    uintptr_t stack_low;
    /// The locale of the thread that made it.
    locale_t _Nonnull locale;
    /// What the process is called.
    char process_name[16];
    /// The last field, since its size varies.
    struct cforkpool_guard guard;
};

// MARK: - fork.c

/// Forks a child that becomes a worker of `parent`, the calling process; returns its id or a negative errno.
pid_t cforkpool_fork_child(struct cforkpool_forker *_Nullable forker, struct cforkpool_start *start, pid_t parent);

/// Registers, once, what runs in every forked child.
void cforkpool_register_handlers(void);

/// Ends and reaps a child that has begun nothing, and notes why.
void cforkpool_refuse_start(struct cforkpool_forker *forker, struct cforkpool_start *start, pid_t pid, int32_t error,
                            const char *call);

/// Completes a start whose `call` returned `pid`, a process id or a negative errno, and lets the worker begin.
void cforkpool_finish_start(struct cforkpool_forker *forker, struct cforkpool_start *start, pid_t pid, const char *call);

/// glibc's clone under its other name, which the thread sanitizer does not replace: what shares this process's memory would change
/// the sanitizer's own.
int __clone(int (*entry)(void *_Nullable), void *stack, int flags, void *_Nullable context, ...);

// MARK: - guard_process.c

/// Guards the processes of a forker, whose guard is the context, until its parent has ended.
int cforkpool_guard_main(void *context);

// MARK: - guard.c

/// Starts the forker's guard, where one is needed and there is none. Runs on the forker's thread, unless that is decided already.
/// Returns 0 or a negative errno of `*call`.
int32_t cforkpool_guard_start(struct cforkpool_forker *forker, const char *_Nullable *_Nonnull call);

/// Reaps a guard that something killed, or that the parent cannot reach any more, and makes place for another one.
void cforkpool_guard_forget(struct cforkpool_forker *forker);

/// Lets go of what tells the guard that the forker's thread has ended, where the guard is told to end. Runs on that thread.
void cforkpool_guard_release(struct cforkpool_forker *forker);

/// Waits for the end of a guard that was told to end.
void cforkpool_guard_reap(struct cforkpool_forker *forker);

// MARK: - stack.c

/// Looks where glibc keeps the calling thread's id; the forker calls it once.
void cforkpool_find_tid(struct cforkpool_forker *forker);

/// Returns whether a child of the forker can keep the caller's stack, and notes it for the child.
bool cforkpool_can_keep_stack(struct cforkpool_forker *forker);

/// Keeps the caller's stack from being given to a thread that the body starts. Runs in the child.
void cforkpool_keep_stack(const struct cforkpool_forker *forker);

/// The lowest address of the calling thread's stack, by which the crash handler recognises an overflow; 0 if unknown.
uintptr_t cforkpool_stack_low(void);

/// The size of the stack of a forker that the calling thread makes.
size_t cforkpool_stack_size(void);

/// Makes `stack` one of at least `size` bytes, or less where the system refuses; returns false if it refuses everything.
bool cforkpool_make_stack(struct cforkpool_stack *stack, size_t size);

/// Unmaps a stack, if there is one.
void cforkpool_free_stack(struct cforkpool_stack *stack);

// MARK: - stream.c

/// Flushes a stream, unless another thread holds it: it may hold it for ever, in a read or for a full pipe. Text that the
/// system refuses stays in the buffer.
void cforkpool_flush(FILE *stream);

/// Flushes so each stream that is open.
void cforkpool_flush_all(void);

// MARK: - The other files

/// Waits for the end of a child and reaps it; `flags` are WNOHANG and __WALL. Returns its id, 0 if it has not ended, -ECHILD if
/// it is gone already, or another negative errno.
int32_t cforkpool_wait_for(pid_t pid, int32_t flags);

/// The same for a second at most; 0 if it has not ended.
int32_t cforkpool_wait_a_second(pid_t pid, int32_t flags);

/// Gives such of the signals of a whole group whose bits are set a disposition, SIG_IGN or SIG_DFL. Writes no memory of
/// this process: a child of vfork calls it too.
void cforkpool_set_signals(uint32_t signals, void (*_Nullable disposition)(int));

/// Makes the forked child a worker, runs its entry and ends the process.
_Noreturn void cforkpool_child(struct cforkpool_start *start, pid_t parent);


/// Creates a thread with every signal blocked, on a stack or (NULL) the C library's; returns 0 or an errno.
int cforkpool_create_thread(pthread_t *thread, const struct cforkpool_stack *_Nullable stack,
                            void *_Nullable (*_Nonnull entry)(void *_Nullable), void *_Nullable context);

/// Has no worker keep a descriptor, which is moved above the standard ones, or closed if that fails. Returns 0 or a negative
/// errno.
int32_t cforkpool_event_open(struct cforkpool_event *event, int32_t fd);

/// Closes such a descriptor, and makes it 0.
void cforkpool_event_close(struct cforkpool_event *event);

/// Closes the event counters of the process that forked this one.
void cforkpool_close_events(void);

/// Moves a descriptor that a worker inherits above the three standard ones; returns it or a negative errno.
int32_t cforkpool_above_standard(int32_t fd);

/// The private memory that the process can still get, in bytes; UINT64_MAX without a limit. Async-signal-safe.
uint64_t cforkpool_memory_left(void);

#pragma clang assume_nonnull end

#endif
