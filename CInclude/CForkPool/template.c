#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(offsetof(struct cforkpool_orders, children) == sizeof(struct cforkpool_orders),
               "the children begin where Swift looks for them");

/// A template runs nothing but this file: no allocation, no lock, no Swift.

static struct cforkpool_template self;
/// What the program is called in `ps`.
static char host_name[16];

/// Whether a worker's memory is so large that its end would be late. A process has ended, for those who wait for it, when
/// its memory is torn down: 9 ms a GiB. Unless somebody else has the same memory, who then tears it down in peace.
static bool keeps_memory;

/// From so many pages on: where tearing down takes half a millisecond.
enum { KEEP_FROM_PAGES = 16384 };

static _Alignas(16) char keeper_stack[4096];

/// The template's own id, for those that are to end with it.
static pid_t template_pid;

/// A process that has a worker's memory and touches none of it. It must not return, nor set `errno`, which is the
/// worker's; no signal but SIGKILL reaches it, which the template sends when the worker has ended.
static int keep_memory(void *unused)
{
    (void)unused;
    CALL(prctl, prctl(PR_SET_PDEATHSIG, SIGKILL));
    // The template may have ended before that.
    if (getppid() != template_pid)
        _exit(0);
    for (;;)
        ppoll(NULL, 0, NULL, NULL);
}

static int32_t *keepers(void)
{
    return &self.orders->children[self.numbers];
}

static void kill_keeper(int32_t number)
{
    if (keepers()[number] > 0)
        CALL_EVEN_IF(ESRCH, kill, kill(keepers()[number], SIGKILL));
}

static void start_keeper(int32_t number)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    // Not of glibc's making, since nothing of glibc runs in it; a child of the template, not of the worker.
    CALL(clone, clone(keep_memory, keeper_stack + sizeof keeper_stack,
                      CLONE_VM | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL, &keepers()[number]));
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/// Ends the process that kept the memory of the last worker with a number, if that was not done when the worker was
/// reaped, and waits for its end.
static void reap_keeper(int32_t number)
{
    if (keepers()[number] <= 0)
        return;
    kill_keeper(number);
    while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(keepers()[number], NULL, 0)) < 0 && errno == EINTR)
        ;
    keepers()[number] = 0;
}

/// Whether this process has so much memory that its end is worth a process.
static bool has_much_memory(void)
{
    char text[64];
    int fd = CALL(open, open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    ssize_t length = fd < 0 ? -1 : CALL(read, read(fd, text, sizeof text - 1));
    close(fd);
    if (length <= 0)
        return false;
    text[length] = 0;
    const char *resident = strchr(text, ' ');
    return resident != NULL && strtol(resident, NULL, 10) >= KEEP_FROM_PAGES;
}

/// The first code of a worker: what it shares with nobody but its parent's parent is not its business.
static int enter(void *context, int32_t number)
{
    if (keeps_memory)
        start_keeper(number);
    CALL(munmap, munmap(self.orders, self.orders_size));
    CALL(prctl, prctl(PR_SET_NAME, host_name));
    return self.entry(context, number);
}

/// Forks a worker that finds what its parent's parent had.
static int32_t fork_one(const struct sigaction *host, int32_t number)
{
    struct cforkpool_start start = {
        .entry = enter,
        .context = self.context,
        .worker = number,
        .crash = &self.crashes[number],
    };
    start.crash->signal = 0;
    reap_keeper(number);
    template_pid = getpid();
    // The host's own way with its children is a worker's too; the template needs theirs until they are reaped.
    sigaction(SIGCHLD, host, NULL);
    int32_t pid = cforkpool_fork_child(&start, template_pid);
    static const struct sigaction standard;
    sigaction(SIGCHLD, &standard, NULL);
    return pid;
}

int cforkpool_template_main(void *context, int32_t unused)
{
    (void)unused;
    self = *(struct cforkpool_template *)context;
    struct cforkpool_orders *orders = self.orders;
    CALL(prctl, prctl(PR_GET_NAME, host_name));
    CALL(prctl, prctl(PR_SET_NAME, "forkpool"));
    keeps_memory = has_much_memory();
    struct sigaction host;
    static const struct sigaction standard;
    sigaction(SIGCHLD, &standard, &host);
    for (uint32_t served = 0;;) {
        uint32_t asked;
        while ((asked = __atomic_load_n(&orders->asked, __ATOMIC_ACQUIRE)) == served)
            cforkpool_futex_wait(&orders->asked, served, -1);
        served = asked;
        if (orders->reaped > 0) {
            orders->reap_error = cforkpool_reap(P_PID, orders->reaped, &orders->ending);
            kill_keeper(orders->reaped_number);
        }
        for (int32_t i = 0; i < orders->forks; i++)
            orders->children[i] = fork_one(&host, orders->children[i]);
        __atomic_store_n(&orders->answered, served, __ATOMIC_SEQ_CST);
        cforkpool_futex_wake(&orders->answered, 1);
        cforkpool_eventfd_ring(self.bell);
    }
}

void cforkpool_template_ask(struct cforkpool_orders *orders)
{
    __atomic_fetch_add(&orders->asked, 1, __ATOMIC_SEQ_CST);
    cforkpool_futex_wake(&orders->asked, 1);
}
