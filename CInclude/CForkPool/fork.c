#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The forker: one thread per process that only ever runs the C below. Sources/ForkPool/Worker/README.md says why.
enum { FORKER_IDLE = 0, FORKER_ASKED = 1, FORKER_DONE = 2 };

static struct {
    /// Held by the caller from its request to the answer. Private to this process: no worker can hold it.
    pthread_mutex_t gate;
    bool handlers_registered;
    bool running;
    _Atomic(uint32_t) word;
    struct cforkpool_start *starts;
    int32_t count;
    /// The caller's processors, which its workers are to run on, and those that the forker has now.
    cpu_set_t wanted, present;
} forker = {.gate = PTHREAD_MUTEX_INITIALIZER};

static uint32_t generation;

/// What a child that the body forks must not have; see `cforkpool_withhold`.
static struct {
    void *start;
    size_t size;
} withheld[2];
static bool forking_worker;

void cforkpool_withhold(void *first, size_t first_size, void *second, size_t second_size)
{
    withheld[0].start = first;
    withheld[0].size = first_size;
    withheld[1].start = second;
    withheld[1].size = second_size;
}

/// Runs in every forked child, ours or the host's: threads do not survive a fork, so the forker is gone.
static void reset_in_child(void)
{
    generation += 1;
    for (int i = 0; i < 2 && !forking_worker; i++) {
        if (withheld[i].size > 0)
            munmap(withheld[i].start, withheld[i].size);
    }
    forker.gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    forker.running = false;
    atomic_store(&forker.word, FORKER_IDLE);
}

uint32_t cforkpool_generation(void)
{
    return generation;
}

/// Forks one worker. `parent` is compared in the child, whose parent may be gone already.
static void fork_one(struct cforkpool_start *start, pid_t parent)
{
    start->failed_call = NULL;
    start->pidfd = -1;
    // A child that cannot be watched must not begin an item: whether a descriptor is to be had is tried before.
    int probe = (int)syscall(SYS_pidfd_open, parent, 0);
    if (probe < 0) {
        start->pid = -errno;
        start->failed_call = "pidfd_open";
        return;
    }
    close(probe);
    forking_worker = true;
    pid_t pid = fork();
    if (pid == 0) {
        forking_worker = false;
        cforkpool_child(start, parent);
    }
    forking_worker = false;
    if (pid < 0) {
        start->pid = -errno;
        start->failed_call = "fork";
        return;
    }
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    // The child may have run to its end already, and a host that ignores SIGCHLD or reaps every child leaves no
    // zombie to open. That is an end, not a refusal: the null device reads as ended, and has no status.
    if (fd < 0 && errno == ESRCH)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        // Another thread took the last descriptor since.
        start->pid = -errno;
        start->failed_call = "pidfd_open";
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return;
    }
    start->pid = pid;
    start->pidfd = fd;
}

static void *forker_main(void *unused)
{
    (void)unused;
    cforkpool_note_stack();
    for (;;) {
        while (atomic_load(&forker.word) != FORKER_ASKED)
            cforkpool_futex_wait_private(&forker.word, atomic_load(&forker.word));
        if (!CPU_EQUAL(&forker.wanted, &forker.present)
            && sched_setaffinity(0, sizeof forker.wanted, &forker.wanted) == 0)
            forker.present = forker.wanted;
        pid_t parent = getpid();
        for (int32_t i = 0; i < forker.count; i++)
            fork_one(&forker.starts[i], parent);
        atomic_store(&forker.word, FORKER_DONE);
        cforkpool_futex_wake_private(&forker.word);
    }
    return NULL;
}

/// Creates a thread on which no handler of the host ever runs.
static int create_blocked_thread(void *(*entry)(void *), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, entry, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/// Text that was printed and not flushed belongs to the parent. A stream that another thread holds is skipped:
/// it may be held for ever (a thread that waits in a read or for a full pipe), and the child discards its copy.
static void flush_unlocked(FILE *stream)
{
    if (ftrylockfile(stream) != 0)
        return;
    fflush_unlocked(stream);
    funlockfile(stream);
}

void cforkpool_fork(struct cforkpool_start *starts, int32_t count)
{
    flush_unlocked(stdout);
    flush_unlocked(stderr);
    pthread_mutex_lock(&forker.gate);
    if (!forker.handlers_registered)
        forker.handlers_registered = pthread_atfork(NULL, NULL, reset_in_child) == 0;
    if (!forker.running) {
        int error = create_blocked_thread(forker_main, NULL);
        if (error != 0) {
            pthread_mutex_unlock(&forker.gate);
            for (int32_t i = 0; i < count; i++) {
                starts[i].pid = -error;
                starts[i].pidfd = -1;
                starts[i].failed_call = "pthread_create";
            }
            return;
        }
        forker.running = true;
        // It begins with those of its creator.
        sched_getaffinity(0, sizeof forker.present, &forker.present);
    }
    // More processors than the set has room for leave the forker's as they are.
    if (sched_getaffinity(0, sizeof forker.wanted, &forker.wanted) != 0)
        forker.wanted = forker.present;
    forker.starts = starts;
    forker.count = count;
    atomic_store(&forker.word, FORKER_ASKED);
    cforkpool_futex_wake_private(&forker.word);
    uint32_t seen;
    while ((seen = atomic_load(&forker.word)) != FORKER_DONE)
        cforkpool_futex_wait_private(&forker.word, seen);
    atomic_store(&forker.word, FORKER_IDLE);
    pthread_mutex_unlock(&forker.gate);
}

struct thread_start {
    void (*entry)(void *);
    void *context;
};

static void *thread_main(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    start.entry(start.context);
    return NULL;
}

int32_t cforkpool_thread(void (*entry)(void *), void *context)
{
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct thread_start){entry, context};
    int error = create_blocked_thread(thread_main, start);
    if (error != 0)
        free(start);
    return -error;
}

int32_t cforkpool_thread_count(void)
{
    struct stat status;
    if (stat("/proc/self/task", &status) != 0)
        return -errno;
    pthread_mutex_lock(&forker.gate);
    int32_t own = forker.running ? 1 : 0;
    pthread_mutex_unlock(&forker.gate);
    return (int32_t)status.st_nlink - 2 - own;
}
