// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
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
///
/// It runs on a borrowed thread-local memory (the forker's), so it calls the kernel by itself: the C library would write
/// `errno` there.

// MARK: - The guard's side

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

IN_GUARD static int guard_main(void *context)
{
    struct cforkpool_guard *guard = context;
    call(SYS_prctl, PR_SET_NAME, (long)"forkpool guard", 0, 0, 0);
    close_others(guard->own_end);
    // The other end is closed when the parent ends, or becomes another program; but a process that the parent forked may
    // have it too.
    struct pollfd requests = {.fd = guard->own_end, .events = POLLIN};
    struct pollfd parent = {.fd = (int)call(SYS_pidfd_open, guard->parent_pid, 0, 0, 0, 0), .events = POLLIN};
    struct pollfd entries[] = {requests, parent};
    bool is_over = false;
    while (!is_over && entries[1].revents == 0 && call(SYS_getppid, 0, 0, 0, 0, 0) == guard->parent_pid) {
        // Without a descriptor of the parent, look for another parent now and then.
        struct timespec pause = {.tv_nsec = 20000000};
        call(SYS_ppoll, (long)entries, 2, parent.fd >= 0 ? 0 : (long)&pause, 0, 0);
        if (entries[0].revents != 0)
            is_over = serve(guard, entries[0].fd);
    }
    if (!__atomic_load_n(&guard->is_ending, __ATOMIC_ACQUIRE))
        kill_all(guard);
    call(SYS_exit_group, 0, 0, 0, 0, 0);
    return 0;
}

// MARK: - The parent's side

/// Whether this process could change its credentials, so that a death signal or a kill comes to nothing.
static bool can_change_credentials(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    memset(sets, 0, sizeof sets);
    // Where the kernel does not tell, assume the worst.
    if (CALL(capget, syscall(SYS_capget, &header, sets)) != 0 || sets[0].permitted != 0 || sets[1].permitted != 0)
        return true;
    uid_t uids[3];
    gid_t gids[3];
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    return uids[0] != uids[1] || uids[1] != uids[2] || gids[0] != gids[1] || gids[1] != gids[2];
}

/// Closes an end, if it is open.
static void close_end(struct cforkpool_event **end)
{
    if (*end != NULL)
        cforkpool_event_free(*end);
    *end = NULL;
}

/// Makes the two ends by which requests reach the guard; no worker keeps one. Returns 0 or a negative errno.
static int32_t connect_ends(struct cforkpool_guard *guard)
{
    int ends[2];
    if (CALL(socketpair, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)) != 0)
        return -errno;
    int32_t error = 0, other = 0;
    guard->input = cforkpool_event_adopt(ends[0], &error);
    guard->requests = cforkpool_event_adopt(ends[1], &other);
    error = error != 0 ? error : other;
    if (error != 0) {
        close_end(&guard->input);
        close_end(&guard->requests);
        return error;
    }
    guard->own_end = guard->input->fd;
    return 0;
}

/// Tells the guard to look; a guard that is not there any more sees nothing.
static int32_t request(const struct cforkpool_guard *guard)
{
    char byte = 0;
    while (CALL(send, send(guard->requests->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int32_t cforkpool_guard_prepare(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->is_prepared)
        return 0;
    guard->parent_pid = getpid();
    // This thread's own death signal stays unset; the call shows whether a child could set one.
    bool has_death_signal = CALL(prctl, prctl(PR_SET_PDEATHSIG, 0)) == 0;
    int32_t error = has_death_signal && !can_change_credentials() ? 0 : connect_ends(guard);
    guard->is_prepared = error == 0;
    return error;
}

int32_t cforkpool_guard_start(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->requests == NULL || guard->pid > 0)
        return 0;
    pid_t pid = CALL(clone, clone(guard_main, guard->stack + sizeof guard->stack, CLONE_VM, guard));
    if (pid < 0)
        return -errno;
    guard->pid = pid;
    close_end(&guard->input);
    return 0;
}

void cforkpool_guard_dismiss(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    __atomic_store_n(&guard->is_ending, true, __ATOMIC_RELEASE);
    // Where a process that the host forked has this end too, the guard sees no end of it.
    if (guard->pid > 0 && guard->requests != NULL)
        request(guard);
    close_end(&guard->input);
    close_end(&guard->requests);
}

void cforkpool_guard_reap(struct cforkpool_forker *forker)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->pid <= 0)
        return;
    // It ends by itself, also where this process may not kill it any more. One that was stopped then is left to itself.
    bool is_sure = CALL_EVEN_IF(ESRCH, kill, kill(guard->pid, SIGKILL)) == 0 || errno == ESRCH;
    for (int look = 0; is_sure || look < 100; look++) {
        pid_t pid = CALL_EVEN_IF(ECHILD, waitpid, waitpid(guard->pid, NULL, is_sure ? __WALL : __WALL | WNOHANG));
        if (pid > 0 || (pid < 0 && errno != EINTR)) {
            guard->pid = 0;
            return;
        }
        if (pid == 0)
            CALL(poll, poll(NULL, 0, 10));
    }
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

/// Whether the guard has ended: something killed it.
static bool has_ended(const struct cforkpool_guard *guard)
{
    siginfo_t info = {0};
    int flags = WEXITED | WNOWAIT | WNOHANG | __WALL;
    int result = CALL_EVEN_IF(ECHILD, waitid, waitid(P_PID, (id_t)guard->pid, &info, flags));
    return result == 0 ? info.si_pid != 0 : errno == ECHILD;
}

int32_t cforkpool_guard_kill(struct cforkpool_forker *forker, int32_t pid, int32_t signal)
{
    struct cforkpool_guard *guard = &forker->guard;
    if (guard->pid <= 0 || guard->requests == NULL)
        return -ESRCH;
    // A guard that was stopped answers when it goes on.
    bool is_late = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE) != guard->asked;
    if (is_late || has_ended(guard))
        return is_late ? -ETIMEDOUT : -ESRCH;
    guard->signal = signal;
    __atomic_store_n(&guard->target, pid, __ATOMIC_RELEASE);
    uint32_t asked = __atomic_add_fetch(&guard->asked, 1, __ATOMIC_SEQ_CST);
    int32_t error = request(guard);
    for (int look = 0; error == 0 && look < 100 && !has_ended(guard); look++) {
        uint32_t seen = __atomic_load_n(&guard->answered, __ATOMIC_ACQUIRE);
        if (seen == asked)
            return guard->result;
        cforkpool_futex_wait_private(&guard->answered, seen, 10000000);
    }
    __atomic_store_n(&guard->target, -1, __ATOMIC_RELEASE);
    return error != 0 ? error : -ETIMEDOUT;
}
