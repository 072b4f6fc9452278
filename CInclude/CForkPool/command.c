#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// Starting other programs.

/// A child that could not become the program ends with this; nobody sees it.
enum { EXIT_NO_PROGRAM = 127 };

/// What a child and its parent, which has the same memory, tell each other.
struct beginning {
    const struct cforkpool_command *command;
    pid_t parent;
    /// How far the child came, and the errno if it did not become the program.
    volatile bool is_prepared;
    volatile int error;
};

/// Lets no handler of the host run in this child, beside the host.
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

/// What the child does to be as the program is to find itself; returns whether it is.
static bool prepare(const struct cforkpool_command *command, pid_t parent)
{
    CALL(prctl, prctl(PR_SET_PDEATHSIG, SIGKILL));
    if (getppid() != parent)
        _exit(EXIT_NO_PROGRAM);
    if (command->leads_group) {
        setpgid(0, 0);
        // A group behind that of a terminal would be stopped where it asks there for something; it is refused instead.
        signal(SIGTTIN, SIG_IGN);
        signal(SIGTTOU, SIG_IGN);
    }
    if (command->group != NULL)
        __atomic_store_n(command->group, getpid(), __ATOMIC_RELEASE);
    const int32_t given[] = {command->input, command->output, command->errors};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        // The same descriptor would stay one that closes by itself.
        bool isSet = given[fd] == fd ? CALL(fcntl_flags, fcntl(fd, F_SETFD, 0)) == 0 : CALL(dup2, dup2(given[fd], fd)) == fd;
        if (!isSet)
            return false;
    }
    // Who is in a group of its own, which nobody knows yet, is sent nothing more than what is pending by now. To look costs
    // one call, to reset all handlers sixty-four.
    sigset_t pending;
    if (!command->leads_group || sigpending(&pending) != 0 || !sigisemptyset(&pending))
        reset_handlers();
    // Nor is it blocked what a thread of the host happens to block.
    static const sigset_t none;
    sigprocmask(SIG_SETMASK, &none, NULL);
    return true;
}

/// Runs in the child, which has the parent's memory until it is another program.
static int begin(void *context)
{
    struct beginning *own = context;
    own->is_prepared = prepare(own->command, own->parent);
    if (own->is_prepared)
        CALL(execve, execve(own->command->path, own->command->arguments, own->command->environment));
    own->error = errno;
    _exit(EXIT_NO_PROGRAM);
}

void cforkpool_command_start(struct cforkpool_start *start)
{
    // What is written there is little; an alternative to vfork, whose child would use the stack of its parent.
    char stack[1 << 14] __attribute__((aligned(16)));
    struct beginning own = {.command = start->context, .parent = getpid()};
    int pidfd = -1;
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    // The parent waits until the child is another program, or has ended.
    pid_t pid = CALL(
        clone, clone(begin, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &own, &pidfd));
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    start->pid = pid < 0 ? -error : pid;
    start->pidfd = pidfd;
    start->failed_call = "clone";
    if (pid > 0 && own.error != 0) {
        start->pid = -own.error;
        start->failed_call = own.is_prepared ? "execve" : "dup2";
        while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
            ;
        close(pidfd);
    }
}
