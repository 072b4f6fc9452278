// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <poll.h>
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

/// Serves the requests that have come; returns whether there will be no more.
IN_GUARD static bool serve(struct cforkpool_guard *guard, int requests)
{
    char bytes[64];
    long length = call(SYS_read, requests, (long)bytes, sizeof bytes, 0, 0);
    if (length == 0 || __atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        return true;
    uint32_t asked = __atomic_load_n(&guard->asked, __ATOMIC_ACQUIRE);
    if (asked != guard->answered) {
        // A request that was given up has no target; others than one process are none.
        int32_t target = __atomic_load_n(&guard->target, __ATOMIC_ACQUIRE);
        guard->result = target > 0 ? (int32_t)call(SYS_kill, target, guard->signal, 0, 0, 0) : -ESRCH;
        __atomic_store_n(&guard->answered, asked, __ATOMIC_RELEASE);
        call(SYS_futex, (long)&guard->answered, 129 /* FUTEX_WAKE_PRIVATE */, 1, 0, 0);
    }
    return false;
}

/// Keeps one descriptor, in a table of the guard's own: a pipe's reader would wait for the guard.
IN_GUARD static void close_others(int kept)
{
    const int ranges[][2] = {{0, kept - 1}, {kept + 1, INT32_MAX}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (call(SYS_close_range, ranges[i][0], ranges[i][1], 0, 0, 0) == 0)
            continue;
        for (int fd = ranges[i][0]; fd <= ranges[i][1] && fd < 1024; fd++)
            call(SYS_close, fd, 0, 0, 0, 0);
    }
}

/// Whether the parent is the program that it was: one that became another program has other memory.
IN_GUARD static bool shares_memory(const struct cforkpool_guard *guard)
{
    return call(SYS_kcmp, guard->parent_pid, call(SYS_getpid, 0, 0, 0, 0, 0), 1 /* KCMP_VM */, 0, 0) == 0;
}

IN_GUARD int cforkpool_guard_main(void *context)
{
    struct cforkpool_guard *guard = context;
    // A signal to the parent's process group, or its terminal, is none to the guard.
    call(SYS_setsid, 0, 0, 0, 0, 0);
    call(SYS_prctl, PR_SET_NAME, (long)"forkpool guard", 0, 0, 0);
    close_others(guard->own_end);
    // The other end is closed when the parent ends, or becomes another program. But a process that the parent forked may have
    // it too, and a parent may close every descriptor that it has.
    struct pollfd requests = {.fd = guard->own_end, .events = POLLIN};
    struct pollfd parent = {.fd = (int)call(SYS_pidfd_open, guard->parent_pid, 0, 0, 0, 0), .events = POLLIN};
    struct pollfd entries[] = {requests, parent};
    bool is_over = false;
    while (!is_over && entries[1].revents == 0 && call(SYS_getppid, 0, 0, 0, 0, 0) == guard->parent_pid) {
        // Where a descriptor is missing, look now and then.
        struct timespec pause = {.tv_nsec = 20000000};
        bool is_complete = entries[0].fd >= 0 && entries[1].fd >= 0;
        if (call(SYS_ppoll, (long)entries, 2, is_complete ? 0 : (long)&pause, 0, 0) < 0) {
            call(SYS_futex, (long)&guard->own_end, 128 /* FUTEX_WAIT_PRIVATE */, guard->own_end, (long)&pause, 0);
            entries[0].revents = entries[0].fd < 0 ? 0 : POLLIN;
        }
        if (entries[0].revents != 0 && serve(guard, entries[0].fd))
            entries[0].fd = -1;
        if (entries[0].fd < 0)
            is_over = __atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE) || !shares_memory(guard);
    }
    if (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        kill_all(guard);
    call(SYS_exit_group, 0, 0, 0, 0, 0);
    return 0;
}
