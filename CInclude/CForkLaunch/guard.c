// SPDX-License-Identifier: Apache-2.0
#include "CForkLaunch.h"
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The guard: a process that outlives this one for a moment, and kills the programs that this one leaves behind.

/// Waits for the end of the process that `parent` is the pidfd of, and kills the groups that it left.
static _Noreturn void watch(int parent, int32_t *groups, int32_t capacity)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // In a session of its own, so that a signal to the host's group or from its terminal does not end the guard.
    setsid();
    prctl(PR_SET_NAME, "forkpool guard");
    // Keep the pidfd alone. A reader of the command's output would wait for the guard if the guard kept the pipe open.
    if (dup2(parent, STDIN_FILENO) >= 0)
        syscall(SYS_close_range, 1, ~0U, 0);
    struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&entry, 1, -1) < 0 && errno == EINTR)
        ;
    for (int32_t i = 0; i < capacity; i++) {
        int32_t group = __atomic_load_n(&groups[i], __ATOMIC_ACQUIRE);
        if (group > 1)
            kill(-group, SIGKILL);
    }
    _exit(0);
}

int32_t cforklaunch_guard_start(int32_t parent, int32_t *groups, int32_t capacity)
{
    CALL(prctl, prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t pid = CALL(fork, fork());
    if (pid == 0)
        watch(parent, groups, capacity);
    return pid < 0 ? -errno : pid;
}

void cforklaunch_guard_end(int32_t pid)
{
    kill(pid, SIGKILL);
    while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
        ;
}

bool cforklaunch_reap_group(int32_t group)
{
    while (true) {
        pid_t pid = CALL(waitpid, waitpid(-group, NULL, WNOHANG));
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            break;
    }
    return kill(-group, 0) == 0 || errno == EPERM;
}
