// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// One fork: what runs around it, in the parent and in every child.

struct cforkpool_state cforkpool_state;

/// Runs in every forked child, the library's or the host's: threads do not survive a fork.
static void reset_in_child(void)
{
    struct cforkpool_state *state = &cforkpool_state;
    state->generation += 1;
    state->worker.is_by_exec = false;
    // A record, and what it ignores, are a worker's alone, not those of a process which its body forks.
    if (!state->events.is_kept) {
        state->worker.crash = NULL;
        cforkpool_set_signals(state->worker.ignored_signals, SIG_DFL);
        state->worker.ignored_signals = 0;
    }
    atomic_store(&state->own_threads, 0);
    atomic_store(&state->ended_forker, NULL);
    // A worker that had the parent's counters could change how they block, or take what they count.
    if (state->events.is_kept)
        cforkpool_close_events();
    state->events.first = NULL;
    state->events.is_kept = false;
    state->events.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void cforkpool_register_handlers(void)
{
    struct cforkpool_state *state = &cforkpool_state;
    pthread_mutex_lock(&state->events.lock);
    // A refusal is for want of memory; the next start tries again.
    if (!state->has_handlers)
        state->has_handlers = CALL_OR(pthread_atfork, errno, pthread_atfork(NULL, NULL, reset_in_child)) == 0;
    pthread_mutex_unlock(&state->events.lock);
}

uint32_t cforkpool_generation(void)
{
    return cforkpool_state.generation;
}

pid_t cforkpool_fork_child(struct cforkpool_forker *forker, struct cforkpool_start *start, pid_t parent)
{
    struct cforkpool_state *state = &cforkpool_state;
    // The child walks the list of the counters.
    pthread_mutex_lock(&state->events.lock);
    state->events.is_kept = true;
    if (start->known != NULL)
        __atomic_store_n(start->known, CFORKPOOL_UNKNOWN, __ATOMIC_RELEASE);
    pid_t pid = CALL(fork, fork());
    if (pid == 0) {
        if (!state->has_handlers)
            reset_in_child();
        // A template forks its children by itself, and its stack is theirs.
        if (forker != NULL) {
            state->worker.stack_low = forker->stack_low;
            cforkpool_keep_stack(forker);
            // The caller's thread may be called something else than the process.
            if (forker->declines && forker->process_name[0] != 0)
                CALL(prctl, prctl(PR_SET_NAME, forker->process_name));
        }
        cforkpool_child(start, parent);
    }
    int error = errno;
    state->events.is_kept = false;
    pthread_mutex_unlock(&state->events.lock);
    return pid < 0 ? -error : pid;
}

int32_t cforkpool_pidfd_open(int32_t pid)
{
    int fd = (int)CALL(pidfd_open, syscall(SYS_pidfd_open, pid, 0));
    // The child may have ended already, and a host that ignores SIGCHLD or reaps every child leaves no zombie to
    // open. That is an end, not a refusal: the null device reads as ended, and has no status.
    if (fd < 0 && errno == ESRCH)
        fd = CALL(open, open("/dev/null", O_RDONLY | O_CLOEXEC));
    return fd < 0 ? -errno : fd;
}

/// Tells a worker that waits for it whether the parent watches it.
static void decide(const struct cforkpool_start *start, uint32_t known)
{
    if (start->known != NULL && __atomic_exchange_n(start->known, known, __ATOMIC_ACQ_REL) == CFORKPOOL_WAITS)
        cforkpool_futex_wake(start->known, 1);
}

/// Ends a child that nothing watches, in any way that the system allows, and reaps it, or leaves it to itself after a second.
static void end_child(struct cforkpool_forker *forker, const struct cforkpool_start *start)
{
    decide(start, CFORKPOOL_REFUSED);
    if (CALL_EVEN_IF(ESRCH, kill, kill(start->pid, SIGKILL)) != 0 && errno != ESRCH)
        cforkpool_guard_kill(forker, start->pid, SIGKILL);
    // Its id may be another process's as soon as it is reaped.
    cforkpool_guard_remove(forker, start->pid);
    if (cforkpool_wait_a_second(start->pid, 0) == 0)
        cforkpool_guard_add(forker, start->pid);
}

void cforkpool_refuse_start(struct cforkpool_forker *forker, struct cforkpool_start *start, pid_t pid, int32_t error,
                            const char *call)
{
    start->pid = pid;
    end_child(forker, start);
    start->pid = error;
    start->pidfd = -1;
    start->failed_call = call;
}

void cforkpool_finish_start(struct cforkpool_forker *forker, struct cforkpool_start *start, pid_t pid, const char *call)
{
    start->pid = pid;
    start->pidfd = -1;
    start->failed_call = call;
    if (pid < 0)
        return;
    cforkpool_guard_add(forker, pid);
    start->pidfd = cforkpool_pidfd_open(pid);
    if (start->pidfd >= 0)
        decide(start, CFORKPOOL_KNOWN);
    else
        cforkpool_refuse_start(forker, start, pid, start->pidfd, "pidfd_open");
}
