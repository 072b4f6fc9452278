// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The guard: a process that keeps the credentials with which a map or a pool began, and kills its processes when this
/// process has ended, or asks it to.
///
/// The kernel forgets the death signal of a worker that changes its user or group, and refuses the signals that a parent
/// sends which gave up its privileges. So a process that could do either has a guard. It shares this process's memory,
/// where it finds the ids of what it guards, so it costs no copy of a page table. It has no descriptor, and sleeps on a word
/// that the kernel changes when the forker's thread ends: with its process, or when that becomes another program.

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

/// The word on which the guard sleeps.
static uint32_t *life_word(struct cforkpool_guard *guard)
{
    return (uint32_t *)&guard->life;
}

_Static_assert(offsetof(pthread_mutex_t, __data.__lock) == 0, "a lock begins with the word on which threads sleep");

/// Has the calling thread hold the lock by whose word the guard learns of its end. Where the system does not tell that, the
/// guard looks now and then.
static void hold_life(struct cforkpool_guard *guard)
{
    guard->forker_tid = gettid();
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    void *list = NULL;
    size_t size;
    guard->is_held = CALL_OR(pthread_mutex_init, errno, pthread_mutex_init(&guard->life, &attributes)) == 0
        && pthread_mutex_lock(&guard->life) == 0 && *life_word(guard) == (uint32_t)guard->forker_tid
        && syscall(SYS_get_robust_list, 0, &list, &size) == 0 && list != NULL;
    pthread_mutexattr_destroy(&attributes);
}

void cforkpool_guard_release(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->is_held && __atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        pthread_mutex_unlock(&guard->life);
}

/// Wakes the guard to look. One that is about to sleep may not see that: where it matters, ask again.
static void wake(struct cforkpool_guard *guard)
{
    cforkpool_futex_wake(life_word(guard), 1);
}

int32_t cforkpool_guard_start(struct cforkpool_forker *forker, const char **call)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->is_decided)
        return 0;
    // One that was told to end.
    cforkpool_guard_reap(forker);
    *call = "kill";
    if (guard->pid > 0)
        return -EBUSY;
    guard->parent_pid = getpid();
    // This thread's own death signal stays unset; the call shows whether a child could set one.
    bool has_death_signal = CALL(prctl, prctl(PR_SET_PDEATHSIG, 0)) == 0;
    if (!has_death_signal || can_change_credentials()) {
        if (guard->forker_tid == 0)
            hold_life(guard);
        guard->is_ending = guard->is_killed = false;
        guard->answered = guard->asked;
        *call = "clone";
        pid_t pid = CALL(clone, __clone(cforkpool_guard_main, guard->stack + sizeof guard->stack, CLONE_VM, guard));
        if (pid < 0)
            return -errno;
        guard->pid = pid;
        *call = "pidfd_open";
        int32_t fd = (int32_t)CALL(pidfd_open, syscall(SYS_pidfd_open, pid, 0));
        int32_t error = fd < 0 ? -errno : cforkpool_event_open(&guard->process, fd);
        if (error != 0) {
            cforkpool_guard_dismiss(forker);
            cforkpool_guard_reap(forker);
            return error;
        }
    }
    guard->is_decided = true;
    return 0;
}

void cforkpool_guard_dismiss(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->process.fd > 0)
        cforkpool_event_close(&guard->process);
    if (guard->pid <= 0 || guard->is_ending)
        return;
    guard->is_decided = false;
    __atomic_store_n(&guard->is_ending, true, __ATOMIC_RELEASE);
    guard->is_killed = CALL_EVEN_IF(ESRCH, kill, kill(guard->pid, SIGKILL)) == 0 || errno == ESRCH;
    // It ends by itself where this process may not kill it any more.
    if (!guard->is_killed)
        wake(guard);
}

void cforkpool_guard_reap(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->pid <= 0)
        return;
    int32_t pid = guard->is_killed ? cforkpool_wait_for(guard->pid, __WALL) : 0;
    // One that may not be killed, and was stopped, is left to itself after a second.
    for (int look = 0; look < 1000 && !guard->is_killed && pid == 0; look++) {
        wake(guard);
        pid = cforkpool_wait_for(guard->pid, __WALL | WNOHANG);
        if (pid == 0)
            cforkpool_ppoll(NULL, 0, 1000000);
    }
    if (pid > 0 || pid == -ECHILD)
        guard->pid = 0;
}

void cforkpool_guard_add(struct cforkpool_forker *forker, int32_t pid)
{
    struct cforkpool_guard *guard = &forker->guard;
    bool has_none = guard->is_decided && guard->pid == 0;
    for (int32_t i = 0; i < guard->capacity && !has_none; i++) {
        if (guard->pids[i] == 0) {
            __atomic_store_n(&guard->pids[i], pid, __ATOMIC_RELEASE);
            return;
        }
    }
}

void cforkpool_guard_remove(struct cforkpool_forker *forker, int32_t pid)
{
    struct cforkpool_guard *guard = &forker->guard;
    bool has_none = guard->is_decided && guard->pid == 0;
    for (int32_t i = 0; i < guard->capacity && !has_none; i++) {
        if (guard->pids[i] == pid)
            __atomic_store_n(&guard->pids[i], 0, __ATOMIC_RELEASE);
    }
}

void cforkpool_guard_forget(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    cforkpool_guard_dismiss(forker);
    cforkpool_guard_reap(forker);
    guard->is_decided = guard->pid > 0;
}

int32_t cforkpool_guard_descriptor(const struct cforkpool_forker *forker)
{
    return forker->guard.process.fd > 0 ? forker->guard.process.fd : -1;
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
    if (guard->pid <= 0 || guard->is_ending)
        return -ESRCH;
    // A guard that was stopped answers when it goes on.
    bool is_late = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE) != guard->asked;
    if (is_late || has_ended(forker))
        return is_late ? -ETIMEDOUT : -ESRCH;
    guard->signal = signal;
    __atomic_store_n(&guard->target, pid, __ATOMIC_RELEASE);
    uint32_t asked = __atomic_add_fetch(&guard->asked, 1, __ATOMIC_SEQ_CST);
    for (int look = 0; look < 200 && !has_ended(forker); look++) {
        uint32_t seen = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE);
        if (seen == asked)
            return guard->result;
        wake(guard);
        // The guard may have been about to sleep.
        cforkpool_futex_wait_private(&guard->answered, seen, look < 100 ? 100000 : 10000000);
    }
    __atomic_store_n(&guard->target, -1, __ATOMIC_RELEASE);
    return -ETIMEDOUT;
}
