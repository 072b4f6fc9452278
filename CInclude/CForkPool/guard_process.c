// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/// What runs in a guard; guard.c has the parent's side.
///
/// It runs on a borrowed thread-local memory (the forker's), so it calls the kernel by itself: the C library would write
/// `errno` there.

/// A sanitizer's own memory belongs to the thread that the guard borrows from.
#ifdef __clang__
#define IN_GUARD __attribute__((disable_sanitizer_instrumentation, no_stack_protector))
#else
#define IN_GUARD
#endif

/// Calls the kernel without the C library. Returns a negative errno, as the kernel does.
IN_GUARD static long call(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#endif
}

IN_GUARD static void kill_all(struct cforkpool_guard *guard)
{
    for (int32_t i = 0; i < guard->capacity; i++) {
        int32_t pid = __atomic_load_n(&guard->pids[i], __ATOMIC_ACQUIRE);
        if (pid > 0)
            call(SYS_kill, pid, SIGKILL, 0, 0, 0);
    }
}

/// Serves the request that has come, if there is one.
IN_GUARD static void serve(struct cforkpool_guard *guard)
{
    uint32_t asked = __atomic_load_n(&guard->asked, __ATOMIC_ACQUIRE);
    if (asked == guard->answered)
        return;
    // A request that was given up has no target; others than one process are none.
    int32_t target = __atomic_load_n(&guard->target, __ATOMIC_ACQUIRE);
    guard->result = target > 0 ? (int32_t)call(SYS_kill, target, guard->signal, 0, 0, 0) : -ESRCH;
    __atomic_store_n(&guard->answered, asked, __ATOMIC_RELEASE);
    call(SYS_futex, (long)&guard->answered, 129 /* FUTEX_WAKE_PRIVATE */, 1, 0, 0);
}

/// Closes every descriptor, in a table of the guard's own: a pipe's reader would wait for the guard.
IN_GUARD static void close_all(void)
{
    if (call(SYS_close_range, 0, INT32_MAX, 0, 0, 0) == 0)
        return;
    for (int fd = 0; fd < 1024; fd++)
        call(SYS_close, fd, 0, 0, 0, 0);
}

/// Whether the parent is the program that it was: one that became another program has lost the forker's thread.
IN_GUARD static bool has_forker(const struct cforkpool_guard *guard)
{
    return call(SYS_getppid, 0, 0, 0, 0, 0) == guard->parent_pid
        && call(SYS_tgkill, guard->parent_pid, guard->forker_tid, 0, 0, 0) != -ESRCH;
}

/// Sleeps until there is a request, or the thread that holds the lock has ended; returns whether it has.
IN_GUARD static bool sleep_until_woken(struct cforkpool_guard *guard)
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
    call(SYS_futex, (long)word, 0 /* FUTEX_WAIT */, seen | HAS_SLEEPER, guard->is_held ? 0 : (long)&pause, 0);
    return false;
}

IN_GUARD int cforkpool_guard_main(void *context)
{
    struct cforkpool_guard *guard = context;
    // A signal to the parent's process group, or its terminal, is none to the guard.
    call(SYS_setsid, 0, 0, 0, 0, 0);
    call(SYS_prctl, PR_SET_NAME, (long)"forkpool guard", 0, 0, 0);
    close_all();
    while (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE) && !sleep_until_woken(guard) && has_forker(guard))
        serve(guard);
    if (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        kill_all(guard);
    call(SYS_exit_group, 0, 0, 0, 0, 0);
    return 0;
}
