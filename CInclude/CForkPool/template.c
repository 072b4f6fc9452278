// SPDX-License-Identifier: Apache-2.0
#include "internal.h"
#include "raw.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(offsetof(struct cforkpool_request, children) == sizeof(struct cforkpool_request),
               "the children begin where Swift looks for them");

/// A template runs nothing but this file: no allocation, no lock, no Swift.

// MARK: - Memory holders

// A parent sees a process's end only after the kernel freed its memory, which takes 9 ms a GiB. The kernel frees memory
// with the last process that has it. So a worker with much memory gets a memory holder: a process that shares the
// worker's memory, touches none of it, and is killed once the parent has seen the worker's end.

/// From this many pages on, freeing takes half a millisecond.
enum { HELD_FROM_PAGES = 16384 };

/// A memory holder's code. It must not return, nor set `errno`, which is the worker's. Only SIGKILL reaches it.
static int hold_memory(void *unused)
{
    (void)unused;
    CALL(prctl, prctl(PR_SET_PDEATHSIG, SIGKILL));
    // The template may have ended before that call.
    if (getppid() != cforkpool_state.template.pid)
        _exit(0);
    for (;;)
        ppoll(NULL, 0, NULL, NULL);
}

/// The process ids of the memory holders, by their workers' numbers.
static int32_t *memory_holders(void)
{
    struct cforkpool_template *self = &cforkpool_state.template.self;
    return &self->request->children[self->numbers];
}

static void kill_memory_holder(int32_t number)
{
    if (memory_holders()[number] > 0)
        CALL_EVEN_IF(ESRCH, kill, kill(memory_holders()[number], SIGKILL));
}

static void start_memory_holder(int32_t number)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    char *stack_end = cforkpool_state.memory_holder_stack + sizeof cforkpool_state.memory_holder_stack;
    // Not by fork(): it shares the memory, and runs nothing of glibc. A child of the template, not of the worker.
    CALL(clone, __clone(hold_memory, stack_end, CLONE_VM | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL,
                      &memory_holders()[number]));
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/// Ends the memory holder of the last worker with a number and waits for its end. The worker's end may have come
/// without a request to reap it.
static void reap_memory_holder(int32_t number)
{
    if (memory_holders()[number] <= 0)
        return;
    kill_memory_holder(number);
    cforkpool_wait_for(memory_holders()[number], 0);
    memory_holders()[number] = 0;
}

bool cforkpool_has_much_memory(void)
{
    char text[64];
    int fd = CALL(open, open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return false;
    ssize_t length = CALL(read, read(fd, text, sizeof text - 1));
    close(fd);
    if (length <= 0)
        return false;
    text[length] = 0;
    const char *resident = strchr(text, ' ');
    return resident != NULL && strtol(resident, NULL, 10) >= HELD_FROM_PAGES;
}

// MARK: - Workers

/// The first code of a worker. It gives up the memory that only the template and the parent share.
static int enter(void *context, int32_t number)
{
    struct cforkpool_template *self = &cforkpool_state.template.self;
    if (self->holds_memory)
        start_memory_holder(number);
    CALL(munmap, munmap(self->request, self->request_size));
    CALL(prctl, prctl(PR_SET_NAME, cforkpool_state.template.host_name));
    return self->entry(context, number);
}

/// Forks a worker that finds what the parent had when it started the template.
static int32_t fork_one(const struct sigaction *host, int32_t number)
{
    struct cforkpool_start start = {
        .entry = enter,
        .context = cforkpool_state.template.self.context,
        .worker = number,
        .crash = &cforkpool_state.template.self.crashes[number],
        .ignored_signals = cforkpool_state.template.self.ignored_signals,
    };
    start.crash->signal = 0;
    start.crash->awaits = 0;
    reap_memory_holder(number);
    // A worker has the host's disposition of SIGCHLD; the template needs the default, or it could not reap.
    sigaction(SIGCHLD, host, NULL);
    int32_t pid = cforkpool_fork_child(NULL, &start, cforkpool_state.template.pid);
    static const struct sigaction standard;
    sigaction(SIGCHLD, &standard, NULL);
    return pid;
}

// MARK: - Orphans

/// Whether the kernel ends this process with its parent.
static bool has_death_signal(void)
{
    int signal = 0;
    return CALL(prctl, raw_call(SYS_prctl, PR_GET_PDEATHSIG, (long)&signal, 0, 0, 0)) == 0 && signal == SIGKILL;
}

bool cforkpool_is_orphan(void)
{
    pid_t parent = cforkpool_state.worker.parent;
    return parent != 0 && raw_call(SYS_getppid, 0, 0, 0, 0, 0) != parent;
}

int64_t cforkpool_orphan_check_time(void)
{
    return has_death_signal() ? -1 : 100000000;
}

// MARK: - The template

int cforkpool_template_main(void *context, int32_t unused)
{
    (void)unused;
    cforkpool_state.template.self = *(struct cforkpool_template *)context;
    cforkpool_state.template.pid = getpid();
    struct cforkpool_request *request = cforkpool_state.template.self.request;
    CALL(prctl, prctl(PR_GET_NAME, cforkpool_state.template.host_name));
    CALL(prctl, prctl(PR_SET_NAME, "forkpool"));
    // Processes that wait to become workers have the same memory, and inherit the limit.
    if (!cforkpool_state.template.self.dumps_core)
        cforkpool_prevent_core();
    struct sigaction host;
    static const struct sigaction standard;
    sigaction(SIGCHLD, &standard, &host);
    for (uint32_t served = 0;;) {
        uint32_t asked;
        while ((asked = __atomic_load_n(&request->asked, __ATOMIC_ACQUIRE)) == served) {
            cforkpool_futex_wait(&request->asked, served, cforkpool_orphan_check_time());
            if (cforkpool_is_orphan())
                return 0;
        }
        served = asked;
        // The kernel ends the children with it.
        if (request->is_ending)
            return 0;
        if (request->reaped > 0) {
            request->reap_error = cforkpool_reap(request->reaped, -1, &request->ending);
            kill_memory_holder(request->reaped_number);
        }
        const int32_t forks = request->forks;
        for (int32_t i = 0; i < forks; i++)
            request->children[i] = fork_one(&host, request->children[i]);
        __atomic_store_n(&request->answered, served, __ATOMIC_SEQ_CST);
        cforkpool_futex_wake(&request->answered, 1);
        // The parent waits for the end of a reap, and not for that of a fork.
        if (forks == 0)
            continue;
        // The word counts signals above its two lowest bits, which say what sleeps.
        __atomic_fetch_add(cforkpool_state.template.self.notice, 4, __ATOMIC_SEQ_CST);
        cforkpool_futex_wake(cforkpool_state.template.self.notice, INT32_MAX);
    }
}

void cforkpool_template_ask(struct cforkpool_request *request)
{
    __atomic_fetch_add(&request->asked, 1, __ATOMIC_SEQ_CST);
    cforkpool_futex_wake(&request->asked, 1);
}
