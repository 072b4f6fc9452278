// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The guard: a process that keeps the credentials with which a map or a pool began, and kills its processes when this
/// process has ended, or asks it to.
///
/// The kernel forgets the death signal of a worker that changes its user or group, and refuses the signals that a parent
/// sends which gave up its privileges. So a process that could do either has a guard. It shares this process's memory,
/// where it finds the ids of what it guards, and stays in a call of the kernel until it is needed.

/// Whether this process could change its credentials, so that a death signal or a kill comes to nothing.
static bool can_change_credentials(void)
{
    struct cforkpool_capabilities own;
    // Where the kernel does not tell, assume the worst.
    if (cforkpool_read_capabilities(&own) != 0 || (own.sets[0].permitted | own.sets[1].permitted) != 0)
        return true;
    uid_t uids[3];
    gid_t gids[3];
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    return uids[0] != uids[1] || uids[1] != uids[2] || gids[0] != gids[1] || gids[1] != gids[2];
}

/// Closes an end, if it is open.
static void close_end(struct cforkpool_event *end)
{
    if (end->fd > 0)
        cforkpool_event_close(end);
}

/// Makes the two ends by which requests reach the guard, its own for the time until it has it; no worker keeps one. Returns 0 or
/// a negative errno.
static int32_t connect_ends(struct cforkpool_guard *guard, struct cforkpool_event *own)
{
    int ends[2];
    if (CALL(socketpair, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)) != 0)
        return -errno;
    int32_t error = cforkpool_event_open(&guard->requests, ends[0]);
    int32_t other = cforkpool_event_open(own, ends[1]);
    guard->own_end = own->fd;
    if (error == 0 && other == 0)
        return 0;
    close_end(&guard->requests);
    close_end(own);
    return error != 0 ? error : other;
}

/// Tells the guard to look; a guard that is not there any more sees nothing.
static int32_t request(const struct cforkpool_guard *guard)
{
    char byte = 0;
    while (CALL(send, send(guard->requests.fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int32_t cforkpool_guard_start(struct cforkpool_forker *forker, const char **call)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->is_decided)
        return 0;
    guard->parent_pid = getpid();
    guard->forker_tid = gettid();
    // This thread's own death signal stays unset; the call shows whether a child could set one.
    bool has_death_signal = CALL(prctl, prctl(PR_SET_PDEATHSIG, 0)) == 0;
    if (!has_death_signal || can_change_credentials()) {
        struct cforkpool_event own = {0};
        *call = "socketpair";
        int32_t error = connect_ends(guard, &own);
        if (error != 0)
            return error;
        pid_t pid = CALL(clone, __clone(cforkpool_guard_main, guard->stack + sizeof guard->stack, CLONE_VM, guard));
        error = errno;
        close_end(&own);
        if (pid < 0) {
            *call = "clone";
            close_end(&guard->requests);
            return -error;
        }
        guard->pid = pid;
    }
    guard->is_decided = true;
    return 0;
}

void cforkpool_guard_dismiss(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    __atomic_store_n(&guard->is_ending, true, __ATOMIC_RELEASE);
    // Where a process that the host forked has this end too, the guard sees no end of it.
    if (guard->pid > 0 && guard->requests.fd > 0)
        request(guard);
    close_end(&guard->requests);
}

void cforkpool_guard_reap(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->pid <= 0)
        return;
    // It ends by itself, also where this process may not kill it any more. One that was stopped then is left to itself.
    bool is_sure = CALL_EVEN_IF(ESRCH, kill, kill(guard->pid, SIGKILL)) == 0 || errno == ESRCH;
    int32_t pid = is_sure ? cforkpool_wait_for(guard->pid, __WALL) : cforkpool_wait_a_second(guard->pid, __WALL);
    if (pid > 0 || pid == -ECHILD)
        guard->pid = 0;
}

void cforkpool_guard_add(struct cforkpool_forker *forker, int32_t pid)
{
    struct cforkpool_guard *guard = &forker->guard;
    for (int32_t i = 0; i < guard->capacity; i++) {
        if (guard->pids[i] == 0) {
            __atomic_store_n(&guard->pids[i], pid, __ATOMIC_RELEASE);
            return;
        }
    }
}

void cforkpool_guard_remove(struct cforkpool_forker *forker, int32_t pid)
{
    struct cforkpool_guard *guard = &forker->guard;
    for (int32_t i = 0; i < guard->capacity; i++) {
        if (guard->pids[i] == pid)
            __atomic_store_n(&guard->pids[i], 0, __ATOMIC_RELEASE);
    }
}

void cforkpool_guard_forget(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    close_end(&guard->requests);
    cforkpool_guard_reap(forker);
    guard->answered = guard->asked;
    guard->is_decided = guard->pid > 0;
}

int32_t cforkpool_guard_descriptor(const struct cforkpool_forker *forker)
{
    return forker->guard.requests.fd > 0 ? forker->guard.requests.fd : -1;
}

/// Whether something killed the guard.
static bool has_ended(const struct cforkpool_forker *forker)
{
    if (forker->guard.pid <= 0)
        return false;
    siginfo_t info = {0};
    int flags = WEXITED | WNOWAIT | WNOHANG | __WALL;
    int result = CALL_EVEN_IF(ECHILD, waitid, waitid(P_PID, (id_t)forker->guard.pid, &info, flags));
    return result == 0 ? info.si_pid != 0 : errno == ECHILD;
}

int32_t cforkpool_guard_kill(struct cforkpool_forker *forker, int32_t pid, int32_t signal)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->pid <= 0 || guard->requests.fd == 0)
        return -ESRCH;
    // A guard that was stopped answers when it goes on.
    bool is_late = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE) != guard->asked;
    if (is_late || has_ended(forker))
        return is_late ? -ETIMEDOUT : -ESRCH;
    guard->signal = signal;
    __atomic_store_n(&guard->target, pid, __ATOMIC_RELEASE);
    uint32_t asked = __atomic_add_fetch(&guard->asked, 1, __ATOMIC_SEQ_CST);
    int32_t error = request(guard);
    for (int look = 0; error == 0 && look < 100 && !has_ended(forker); look++) {
        uint32_t seen = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE);
        if (seen == asked)
            return guard->result;
        cforkpool_futex_wait_private(&guard->answered, seen, 10000000);
    }
    __atomic_store_n(&guard->target, -1, __ATOMIC_RELEASE);
    return error != 0 ? error : -ETIMEDOUT;
}
