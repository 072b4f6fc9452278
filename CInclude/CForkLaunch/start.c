// SPDX-License-Identifier: Apache-2.0
#include "CForkLaunch.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// Starting programs.

/// The status of a child that did not become the program. The parent reaps it, so no caller sees it.
enum { EXIT_NO_PROGRAM = 127 };

/// What parent and child tell each other; the child shares the parent's memory.
struct beginning {
    const struct cforklaunch_program *program;
    pid_t parent;
    /// Whether the child got as far as execve, and the errno if it did not become the program.
    volatile bool is_prepared;
    volatile int error;
};

/// Takes the host's signal handlers out of this child, which shares the host's memory.
static void reset_handlers(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL)
            continue;
        action.sa_handler = SIG_DFL;
        action.sa_flags = 0;
        sigaction(number, &action, NULL);
    }
}

/// Sets up what the program finds; returns whether that worked.
static bool prepare(const struct cforklaunch_program *program, pid_t parent)
{
    CALL(prctl, prctl(PR_SET_PDEATHSIG, SIGKILL));
    if (getppid() != parent)
        _exit(EXIT_NO_PROGRAM);
    if (program->leads_group) {
        setpgid(0, 0);
        // A terminal stops a background group that reads from it. With these signals ignored the read fails instead.
        signal(SIGTTIN, SIG_IGN);
        signal(SIGTTOU, SIG_IGN);
    }
    if (program->group != NULL)
        __atomic_store_n(program->group, getpid(), __ATOMIC_RELEASE);
    const int32_t given[] = {program->input, program->output, program->errors};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        // dup2 to the same number would keep close-on-exec.
        bool isSet =
            given[fd] == fd ? CALL(fcntl_flags, fcntl(fd, F_SETFD, 0)) == 0 : CALL(dup2, dup2(given[fd], fd)) == fd;
        if (!isSet)
            return false;
    }
    // A child in its new group, which no other process knows yet, gets no signal beyond those pending now. Looking costs one
    // call; resetting all handlers costs sixty-four.
    sigset_t pending;
    if (!program->leads_group || sigpending(&pending) != 0 || !sigisemptyset(&pending))
        reset_handlers();
    // The program starts with no signal blocked, whatever the host's thread blocks.
    static const sigset_t none;
    sigprocmask(SIG_SETMASK, &none, NULL);
    return true;
}

/// Runs in the child, which shares the parent's memory until execve.
static int begin(void *context)
{
    struct beginning *own = context;
    own->is_prepared = prepare(own->program, own->parent);
    if (own->is_prepared)
        CALL(execve, execve(own->program->path, own->program->arguments, own->program->environment));
    own->error = errno;
    _exit(EXIT_NO_PROGRAM);
}

int32_t cforklaunch_execve(struct cforklaunch_program *program)
{
    // The child needs little stack. vfork is no choice: its child runs on the stack of its parent.
    char stack[1 << 14] __attribute__((aligned(16)));
    struct beginning own = {.program = program, .parent = getpid()};
    int pidfd = -1;
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    // CLONE_VFORK: the parent waits until the child becomes the program or ends.
    pid_t pid = CALL(
        clone, clone(begin, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &own, &pidfd));
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (pid < 0) {
        program->failed_call = "clone";
        return -error;
    }
    if (own.error != 0) {
        program->failed_call = own.is_prepared ? "execve" : "dup2";
        while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
            ;
        close(pidfd);
        return -own.error;
    }
    program->pidfd = pidfd;
    return pid;
}
