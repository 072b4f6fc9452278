// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/// A forker: a thread of a map or a pool that only runs the C below. Sources/ForkPool/Worker/README.md says why.

enum { FORKER_IDLE = 0, FORKER_ASKED = 1, FORKER_DONE = 2, FORKER_ENDING = 3 };

// MARK: - Requests

static void refuse_all(struct cforkpool_start *starts, int32_t count, int32_t error, const char *call)
{
    for (int32_t i = 0; i < count; i++) {
        starts[i].pid = error;
        starts[i].pidfd = -1;
        starts[i].failed_call = call;
    }
}

static void fork_all(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    pid_t parent = getpid();
    for (int32_t i = 0; i < count; i++) {
        pid_t pid = cforkpool_fork_child(forker, &starts[i], parent);
        // The guard starts while the first child prepares: that begins nothing before the guard knows of it.
        const char *call;
        int32_t error = pid < 0 ? 0 : cforkpool_guard_start(forker, &call);
        if (error == 0) {
            cforkpool_finish_start(forker, &starts[i], pid, "fork");
            continue;
        }
        cforkpool_refuse_start(forker, &starts[i], pid, error, call);
        return refuse_all(&starts[i + 1], count - i - 1, error, call);
    }
}

/// The forker's side of a request for a guard alone.
static void guard_on_forker(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    const char *call;
    int32_t error = cforkpool_guard_start(forker, &call);
    if (error != 0)
        refuse_all(starts, count, error, call);
}

/// The forker's side of a fork request.
static void fork_on_forker(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    // What a template's children run is on the heap: it needs no stack.
    bool needs_stack = starts->entry != cforkpool_template_main;
    forker->declines = !cforkpool_can_keep_stack(forker) && needs_stack;
    if (!forker->declines)
        return fork_all(forker, starts, count);
    guard_on_forker(forker, starts, count);
    forker->declines = forker->guard.is_decided;
}

/// Forks on the calling thread, whose stack fork() keeps for the child.
///
/// The death signal is right: the thread that asks for workers waits for them. Only the runtime's cached thread id is
/// wrong in such a child, which matters to a body whose own threads contend for a lock of Swift.
static void fork_on_caller(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    uintptr_t forker_low = forker->stack_low;
    forker->stack_low = cforkpool_stack_low();
    fork_all(forker, starts, count);
    forker->stack_low = forker_low;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void exec_on_forker(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    const char *call;
    int32_t error = cforkpool_guard_start(forker, &call);
    // The program's own code comes before the library's.
    if (error != 0)
        return refuse_all(starts, count, error, call);
    for (int32_t i = 0; i < count; i++) {
        pid_t pid = cforkpool_exec_child(forker, &starts[i], &call);
        cforkpool_finish_start(forker, &starts[i], pid, call);
    }
}

static void free_forker(struct cforkpool_forker *forker)
{
    if (forker->locale != LC_GLOBAL_LOCALE && forker->locale != (locale_t)0)
        freelocale(forker->locale);
    // A guard that may not be killed, and was stopped, lives here until it ends.
    if (forker->guard.pid == 0)
        free(forker);
}

// MARK: - The thread

/// Finds out what the process is called: a child has the name of the thread that forks it. Without the name a child has
/// that of the thread that made the forker.
static void take_process_name(struct cforkpool_forker *forker)
{
    forker->process_name[0] = 0;
    // The process's name is its main thread's.
    if (forker->caller_tid == getpid())
        return;
    int fd = CALL(open, open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return;
    ssize_t length = CALL(read, read(fd, forker->process_name, sizeof forker->process_name));
    close(fd);
    forker->process_name[length > 0 ? length - 1 : 0] = 0;
    if (length > 0)
        CALL(prctl, prctl(PR_SET_NAME, forker->process_name));
}

static void *forker_main(void *context)
{
    struct cforkpool_forker *forker = context;
    forker->stack_low = (uintptr_t)forker->stack.base + STACK_GUARD;
    cforkpool_find_tid(forker);
    take_process_name(forker);
    // The one thing of a thread that the C library keeps: a new thread has the program's locale.
    uselocale(forker->locale);
    for (;;) {
        uint32_t word;
        while ((word = atomic_load(&forker->word)) == FORKER_IDLE || word == FORKER_DONE)
            cforkpool_futex_wait_private((uint32_t *)&forker->word, word, -1);
        if (word == FORKER_ENDING)
            break;
        forker->request(forker, forker->starts, forker->count);
        atomic_store(&forker->word, FORKER_DONE);
        cforkpool_futex_wake_private((uint32_t *)&forker->word, INT32_MAX);
    }
    cforkpool_guard_release(forker);
    atomic_fetch_sub(&cforkpool_state.own_threads, 1);
    return NULL;
}

// The thread of a map that has ended may take a moment to end, too, and its stack has pages that the next one can use. So the
// last one that ended is kept until then, unless it is large.
enum { MOST_KEPT = 64 << 20 };

/// Waits until the thread of a forker that was told to end has ended, hands its stack on, and frees the forker.
static void join(struct cforkpool_forker *forker, struct cforkpool_stack *stack)
{
    if (forker == NULL)
        return;
    pthread_join(forker->thread, NULL);
    *stack = forker->stack;
    free_forker(forker);
}

/// Starts the forker's thread, which begins as a copy of its caller in all that Linux keeps per thread; returns 0 or an
/// errno.
static int start_thread(struct cforkpool_forker *forker)
{
    forker->caller_tid = gettid();
    // A thread before may have had the same id.
    forker->guard.forker_tid = 0;
    locale_t locale = uselocale((locale_t)0);
    // A pool's own copy: its caller may free the locale.
    forker->locale = locale == LC_GLOBAL_LOCALE ? locale : CALL_OR(malloc, (locale_t)0, duplocale(locale));
    if (forker->locale == (locale_t)0)
        return ENOMEM;
    join(atomic_exchange(&cforkpool_state.ended_forker, NULL), &forker->stack);
    if (!cforkpool_make_stack(&forker->stack, cforkpool_stack_size()))
        return ENOMEM;
    atomic_fetch_add(&cforkpool_state.own_threads, 1);
    int error = cforkpool_create_thread(&forker->thread, &forker->stack, forker_main, forker);
    forker->is_running = error == 0;
    if (error != 0)
        atomic_fetch_sub(&cforkpool_state.own_threads, 1);
    return error;
}

/// Takes note that the thread was ended from outside, and with it the processes that it had started.
static void lost(struct cforkpool_forker *forker)
{
    forker->is_running = false;
    atomic_fetch_sub(&cforkpool_state.own_threads, 1);
    for (int32_t i = 0; i < forker->count; i++) {
        if (forker->starts[i].pid == 0)
            refuse_all(&forker->starts[i], 1, -ECANCELED, "fork");
    }
}

/// Has the forker serve a request, and waits until it has.
static void ask(struct cforkpool_forker *forker, void (*request)(struct cforkpool_forker *, struct cforkpool_start *, int32_t),
                struct cforkpool_start *starts, int32_t count)
{
    cforkpool_register_handlers();
    forker->caller = (char *)pthread_self();
    forker->declines = false;
    forker->request = request;
    forker->starts = starts;
    forker->count = count;
    forker->caller_tid = gettid();
    atomic_store(&forker->word, FORKER_ASKED);
    if (forker->is_running) {
        cforkpool_futex_wake_private((uint32_t *)&forker->word, INT32_MAX);
    } else {
        int error = start_thread(forker);
        if (error != 0)
            return refuse_all(starts, count, -error, "pthread_create");
    }
    uint32_t seen;
    while ((seen = atomic_load(&forker->word)) != FORKER_DONE) {
        cforkpool_futex_wait_private((uint32_t *)&forker->word, seen, 100000000);
        // A filter of system calls can end the thread.
        if (atomic_load(&forker->word) != FORKER_DONE && pthread_tryjoin_np(forker->thread, NULL) == 0)
            return lost(forker);
    }
    if (forker->declines)
        fork_on_caller(forker, starts, count);
}

// MARK: - For Swift

struct cforkpool_forker *cforkpool_forker_make(int32_t capacity)
{
    struct cforkpool_forker *forker =
        CALL_OR(malloc, NULL, calloc(1, sizeof *forker + (size_t)capacity * sizeof(int32_t)));
    if (forker == NULL)
        return NULL;
    forker->guard.capacity = capacity;
    forker->locale = LC_GLOBAL_LOCALE;
    return forker;
}

void cforkpool_forker_renew_guard(struct cforkpool_forker *forker)
{
    cforkpool_guard_forget(forker);
    if (forker->is_running)
        ask(forker, guard_on_forker, NULL, 0);
}

/// Tells the thread to end.
static void stop(struct cforkpool_forker *forker)
{
    atomic_store(&forker->word, FORKER_ENDING);
    cforkpool_futex_wake_private((uint32_t *)&forker->word, INT32_MAX);
}

void cforkpool_forker_stop(struct cforkpool_forker *forker)
{
    if (!forker->is_running)
        return;
    stop(forker);
    pthread_join(forker->thread, NULL);
    forker->is_running = false;
}

void cforkpool_forker_end(struct cforkpool_forker *forker)
{
    cforkpool_guard_dismiss(forker);
    if (!forker->is_running) {
        cforkpool_guard_reap(forker);
        cforkpool_free_stack(&forker->stack);
        return free_forker(forker);
    }
    stop(forker);
    // No process is left when a map or a pool has ended; the thread may take a moment more.
    cforkpool_guard_reap(forker);
    struct cforkpool_stack stack = {0};
    bool is_kept = forker->stack.size <= MOST_KEPT;
    join(is_kept ? atomic_exchange(&cforkpool_state.ended_forker, forker) : forker, &stack);
    cforkpool_free_stack(&stack);
}

/// Text that was printed and not flushed comes before what workers print; a forked child discards its copy. A worker has
/// written its whole lines; what it has begun stays one line.
static void flush_before_start(void)
{
    if (!cforkpool_state.worker.is_one)
        cforkpool_flush(stdout);
    cforkpool_flush(stderr);
}

void cforkpool_fork(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    flush_before_start();
    ask(forker, fork_on_forker, starts, count);
}

void cforkpool_exec(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count)
{
    flush_before_start();
    ask(forker, exec_on_forker, starts, count);
}
