// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/// The forker: one thread per process that only runs the C below. Sources/ForkPool/Worker/README.md says why.

enum { FORKER_IDLE = 0, FORKER_ASKED = 1, FORKER_DONE = 2 };

static void fork_all(struct cforkpool_start *starts, int32_t count)
{
    pid_t parent = getpid();
    for (int32_t i = 0; i < count; i++) {
        if (cforkpool_can_open(&starts[i]))
            cforkpool_finish_start(&starts[i], cforkpool_fork_child(&starts[i], parent), "fork");
    }
}

/// The forker's side of a fork request.
static void fork_on_forker(struct cforkpool_start *starts, int32_t count)
{
    // What a template's children run is on the heap: it needs no stack.
    bool needs_stack = count > 0 && starts->entry != cforkpool_template_main;
    cforkpool_state.forker.declines = !cforkpool_can_keep_stack() && needs_stack;
    if (!cforkpool_state.forker.declines)
        fork_all(starts, count);
}

/// Forks on the calling thread, whose stack fork() keeps for the child.
///
/// The death signal is right: the thread that asks for workers waits for them. Only the runtime's cached thread id is
/// wrong in such a child, which matters to a body whose own threads contend for a lock of Swift.
static void fork_on_caller(struct cforkpool_start *starts, int32_t count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    uintptr_t forker_low = cforkpool_state.worker.stack_low;
    cforkpool_note_stack();
    fork_all(starts, count);
    cforkpool_state.worker.stack_low = forker_low;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void exec_on_forker(struct cforkpool_start *starts, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const char *call;
        if (cforkpool_can_open(&starts[i])) {
            pid_t pid = cforkpool_exec_child(&starts[i], &call);
            cforkpool_finish_start(&starts[i], pid, call);
        }
    }
}

/// Gives the forker the process's name, which children inherit from the thread that forks. Without the name it keeps
/// that of the thread that first asked for a worker.
static void take_process_name(void)
{
    char *name = cforkpool_state.forker.process_name;
    int fd = CALL(open, open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return;
    ssize_t length = CALL(read, read(fd, name, sizeof cforkpool_state.forker.process_name));
    close(fd);
    name[length > 0 ? length - 1 : 0] = 0;
    if (length > 0)
        CALL(prctl, prctl(PR_SET_NAME, name));
}

/// Runs on the processors that the caller has: its children inherit them.
static void follow_caller(void)
{
    if (!CPU_EQUAL(&cforkpool_state.forker.wanted, &cforkpool_state.forker.present)
        && CALL(sched_setaffinity,
                sched_setaffinity(0, sizeof cforkpool_state.forker.wanted, &cforkpool_state.forker.wanted)) == 0)
        cforkpool_state.forker.present = cforkpool_state.forker.wanted;
}

static void *forker_main(void *unused)
{
    (void)unused;
    _Atomic(uint32_t) *word = &cforkpool_state.forker.word;
    cforkpool_note_stack();
    cforkpool_find_tid();
    take_process_name();
    for (;;) {
        while (atomic_load(word) != FORKER_ASKED)
            cforkpool_futex_wait_private((uint32_t *)word, atomic_load(word), -1);
        follow_caller();
        cforkpool_state.forker.request(cforkpool_state.forker.starts, cforkpool_state.forker.count);
        atomic_store(word, FORKER_DONE);
        cforkpool_futex_wake_private((uint32_t *)word, INT32_MAX);
    }
    return NULL;
}

/// Starts the forker if there is none yet; returns 0 or an errno.
static int start_forker(void)
{
    if (cforkpool_state.forker.is_running)
        return 0;
    int error = cforkpool_create_thread(forker_main, NULL);
    if (error != 0)
        return error;
    cforkpool_state.forker.is_running = true;
    // It begins with its creator's. If they are not known, the forker sets them at its first request.
    if (CALL(sched_getaffinity,
             sched_getaffinity(0, sizeof cforkpool_state.forker.present, &cforkpool_state.forker.present)) != 0)
        CPU_ZERO(&cforkpool_state.forker.present);
    return 0;
}

/// Has the forker serve a request, and waits until it has.
static void ask(void (*request)(struct cforkpool_start *, int32_t), struct cforkpool_start *starts, int32_t count)
{
    _Atomic(uint32_t) *word = &cforkpool_state.forker.word;
    pthread_mutex_lock(&cforkpool_state.forker.gate);
    cforkpool_register_handlers();
    int error = start_forker();
    for (int32_t i = 0; error != 0 && i < count; i++) {
        starts[i].pid = -error;
        starts[i].pidfd = -1;
        starts[i].failed_call = "pthread_create";
    }
    if (error == 0) {
        // More processors than the set has room for leave the forker's as they are.
        if (CALL(sched_getaffinity,
                 sched_getaffinity(0, sizeof cforkpool_state.forker.wanted, &cforkpool_state.forker.wanted)) != 0)
            cforkpool_state.forker.wanted = cforkpool_state.forker.present;
        cforkpool_state.forker.caller = (char *)pthread_self();
        cforkpool_state.forker.caller_tid = gettid();
        cforkpool_state.forker.declines = false;
        cforkpool_state.forker.request = request;
        cforkpool_state.forker.starts = starts;
        cforkpool_state.forker.count = count;
        atomic_store(word, FORKER_ASKED);
        cforkpool_futex_wake_private((uint32_t *)word, INT32_MAX);
        uint32_t seen;
        while ((seen = atomic_load(word)) != FORKER_DONE)
            cforkpool_futex_wait_private((uint32_t *)word, seen, -1);
        atomic_store(word, FORKER_IDLE);
        if (cforkpool_state.forker.declines)
            fork_on_caller(starts, count);
    }
    pthread_mutex_unlock(&cforkpool_state.forker.gate);
}

/// Text that was printed and not flushed belongs to the parent. A stream that another thread holds is skipped: it may
/// be held for ever (a thread that waits in a read or for a full pipe), and the child discards its copy. Text that the
/// system refuses stays in the parent's buffer.
static void flush_unlocked(FILE *stream)
{
    if (ftrylockfile(stream) != 0)
        return;
    fflush_unlocked(stream);
    funlockfile(stream);
}

void cforkpool_fork(struct cforkpool_start *starts, int32_t count)
{
    flush_unlocked(stdout);
    flush_unlocked(stderr);
    ask(fork_on_forker, starts, count);
}

void cforkpool_exec(struct cforkpool_start *starts, int32_t count)
{
    ask(exec_on_forker, starts, count);
}
