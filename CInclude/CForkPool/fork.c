// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// One fork: what runs around it, in the parent and in every child.

struct cforkpool_state cforkpool_state;

struct cforkpool_withheld cforkpool_withhold(struct cforkpool_withheld memory)
{
    struct cforkpool_withheld before = cforkpool_state.withheld;
    cforkpool_state.withheld = memory;
    return before;
}

/// Runs in every forked child, the library's or the host's: threads do not survive a fork, so the forker is gone.
static void reset_in_child(void)
{
    struct cforkpool_state *state = &cforkpool_state;
    state->generation += 1;
    if (!state->forks_worker && state->withheld.first_size > 0) {
        // A refusal leaves the memory: then only the body's own care keeps the child from writing there.
        CALL(munmap, munmap(state->withheld.first, state->withheld.first_size));
        CALL(munmap, munmap(state->withheld.second, state->withheld.second_size));
        // What the child maps there itself stays its children's.
        state->withheld = (struct cforkpool_withheld){0};
    }
    state->forker.gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    state->forker.is_running = false;
    atomic_store(&state->forker.word, 0);
    atomic_store(&state->own_threads, 0);
}

void cforkpool_register_handlers(void)
{
    // A refusal is for want of memory; the next start tries again.
    if (!cforkpool_state.forker.has_handlers)
        cforkpool_state.forker.has_handlers =
            CALL_OR(pthread_atfork, errno, pthread_atfork(NULL, NULL, reset_in_child)) == 0;
}

uint32_t cforkpool_generation(void)
{
    return cforkpool_state.generation;
}

pid_t cforkpool_fork_child(struct cforkpool_start *start, pid_t parent)
{
    cforkpool_state.forks_worker = true;
    pid_t pid = CALL(fork, fork());
    if (pid == 0) {
        cforkpool_state.forks_worker = false;
        cforkpool_keep_stack();
        // The caller's thread may be called something else than the process.
        if (cforkpool_state.forker.declines && cforkpool_state.forker.process_name[0] != 0)
            CALL(prctl, prctl(PR_SET_NAME, cforkpool_state.forker.process_name));
        cforkpool_child(start, parent);
    }
    int error = errno;
    cforkpool_state.forks_worker = false;
    return pid < 0 ? -error : pid;
}

bool cforkpool_can_open(struct cforkpool_start *start)
{
    start->failed_call = NULL;
    start->pidfd = -1;
    int probe = (int)CALL(pidfd_open, syscall(SYS_pidfd_open, getpid(), 0));
    if (probe < 0) {
        start->pid = -errno;
        start->failed_call = "pidfd_open";
        return false;
    }
    close(probe);
    return true;
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

void cforkpool_finish_start(struct cforkpool_start *start, pid_t pid, const char *call)
{
    if (pid < 0) {
        start->pid = pid;
        start->failed_call = call;
        return;
    }
    int fd = cforkpool_pidfd_open(pid);
    if (fd < 0) {
        // Another thread took the last descriptor meanwhile.
        start->pid = fd;
        start->failed_call = "pidfd_open";
        CALL_EVEN_IF(ESRCH, kill, kill(pid, SIGKILL));
        while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
            ;
        return;
    }
    start->pid = pid;
    start->pidfd = fd;
}
