// SPDX-License-Identifier: Apache-2.0
#include "internal.h"
#include "raw.h"

#include <signal.h>
#include <sys/prctl.h>

/// What runs in a guard; guard.c has the parent's side.
///
/// It runs on a borrowed thread-local memory (the forker's), so it calls the kernel by itself: the C library would write
/// `errno` there.

RAW_CODE static void kill_all(struct cforkpool_guard *guard)
{
    for (int32_t i = 0; i < guard->capacity; i++) {
        int32_t pid = __atomic_load_n(&guard->pids[i], __ATOMIC_ACQUIRE);
        if (pid > 0)
            raw_call(SYS_kill, pid, SIGKILL, 0, 0, 0);
    }
}

/// Serves the request that has come, if there is one.
RAW_CODE static void serve(struct cforkpool_guard *guard)
{
    uint32_t asked = __atomic_load_n(&guard->asked, __ATOMIC_ACQUIRE);
    if (asked == guard->answered)
        return;
    // A request that was given up has no target; others than one process are none.
    int32_t target = __atomic_load_n(&guard->target, __ATOMIC_ACQUIRE);
    guard->result = target > 0 ? (int32_t)raw_call(SYS_kill, target, guard->signal, 0, 0, 0) : -ESRCH;
    __atomic_store_n(&guard->answered, asked, __ATOMIC_RELEASE);
    raw_call(SYS_futex, (long)&guard->answered, 129 /* FUTEX_WAKE_PRIVATE */, 1, 0, 0);
}

/// Closes every descriptor, in a table of the guard's own: a pipe's reader would wait for the guard.
RAW_CODE static void close_all(void)
{
    if (raw_call(SYS_close_range, 0, INT32_MAX, 0, 0, 0) == 0)
        return;
    for (int fd = 0; fd < 1024; fd++)
        raw_call(SYS_close, fd, 0, 0, 0, 0);
}

/// Whether the parent is the program that it was: one that became another program has lost the forker's thread.
RAW_CODE static bool has_forker(const struct cforkpool_guard *guard)
{
    return raw_call(SYS_getppid, 0, 0, 0, 0, 0) == guard->parent_pid
        && raw_call(SYS_tgkill, guard->parent_pid, guard->forker_tid, 0, 0, 0) != -ESRCH;
}

/// Sleeps until there is a request, or the thread that holds the lock has ended; returns whether it has.
RAW_CODE static bool sleep_until_woken(struct cforkpool_guard *guard)
{
    enum { OWNER = 0x3fffffff, HAS_ENDED = 0x40000000, HAS_SLEEPER = (int)0x80000000 };
    uint32_t *word = (uint32_t *)&guard->life;
    uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (guard->is_held && ((seen & HAS_ENDED) != 0 || (seen & OWNER) != (uint32_t)guard->forker_tid))
        return true;
    // The kernel wakes a sleeper only where there is one.
    if (!__atomic_compare_exchange_n(word, &seen, seen | HAS_SLEEPER, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return false;
    struct timespec pause = {.tv_nsec = 20000000};
    long error = raw_call(SYS_futex, (long)word, 0 /* FUTEX_WAIT */, seen | HAS_SLEEPER, guard->is_held ? 0 : (long)&pause, 0);
    // A filter of system calls may refuse it.
    if (error < 0 && error != -EAGAIN && error != -EINTR && error != -ETIMEDOUT)
        raw_call(SYS_ppoll, 0, 0, (long)&pause, 0, 0);
    return false;
}

RAW_CODE int cforkpool_guard_main(void *context)
{
    struct cforkpool_guard *guard = context;
    // A signal to the parent's process group, its session or its terminal is none to the guard.
    raw_call(SYS_setsid, 0, 0, 0, 0, 0);
    raw_call(SYS_prctl, PR_SET_NAME, (long)"forkpool guard", 0, 0, 0);
    close_all();
    while (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE) && !sleep_until_woken(guard) && has_forker(guard))
        serve(guard);
    if (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        kill_all(guard);
    raw_call(SYS_exit_group, 0, 0, 0, 0, 0);
    return 0;
}
