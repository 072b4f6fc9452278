#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The forker: one thread per process that only ever runs the C below. Sources/ForkPool/Worker/README.md says why.
enum { FORKER_IDLE = 0, FORKER_ASKED = 1, FORKER_DONE = 2 };

static struct {
    /// Held by the caller from its request to the answer. Private to this process: no worker can hold it.
    pthread_mutex_t gate;
    bool running;
    _Atomic(uint32_t) word;
    /// What it is asked to do.
    void (*errand)(struct cforkpool_start *starts, int32_t count);
    struct cforkpool_start *starts;
    int32_t count;
    /// The calling thread, and its id.
    pthread_t caller;
    pid_t caller_tid;
    /// The caller's processors, which its workers are to run on, and those that the forker has now.
    cpu_set_t wanted, present;
} forker = {.gate = PTHREAD_MUTEX_INITIALIZER};

static uint32_t generation;

/// The library's own threads besides the forker.
static _Atomic(int32_t) own_threads;

/// What a child that the body forks must not have; see `cforkpool_withhold`.
static struct cforkpool_withheld withheld;
static bool forking_worker;

struct cforkpool_withheld cforkpool_withhold(struct cforkpool_withheld memory)
{
    struct cforkpool_withheld before = withheld;
    withheld = memory;
    return before;
}

/// Where glibc keeps a thread's id in its descriptor, in bytes; 0 while that is not known.
static size_t tid_offset;

/// Finds out, on the forker.
static void find_tid(void)
{
    const char *descriptor = (const char *)pthread_self();
    pid_t own = gettid();
    // A descriptor has some more bytes than that.
    for (size_t offset = sizeof own; offset < 2048 && tid_offset == 0; offset += sizeof own) {
        if (memcmp(descriptor + offset, &own, sizeof own) == 0)
            tid_offset = offset;
    }
}

/// Keeps the stack of the thread that asked for a worker from being given to a thread that the body starts.
///
/// What the body captured is there. But in a child glibc takes the stacks of all other threads as free, which a thread
/// with the id 0 says; so the one is given its id back.
static void keep_caller_stack(void)
{
    if (tid_offset != 0 && forker.caller_tid != 0)
        memcpy((char *)forker.caller + tid_offset, &forker.caller_tid, sizeof forker.caller_tid);
}

/// Runs in every forked child, ours or the host's: threads do not survive a fork, so the forker is gone.
static void reset_in_child(void)
{
    generation += 1;
    if (!forking_worker && withheld.first_size > 0) {
        CALL(munmap, munmap(withheld.first, withheld.first_size));
        CALL(munmap, munmap(withheld.second, withheld.second_size));
        // What it maps there itself is not to be taken from its own children.
        withheld = (struct cforkpool_withheld){0};
    }
    forker.gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    forker.running = false;
    atomic_store(&forker.word, FORKER_IDLE);
    atomic_store(&own_threads, 0);
}

void cforkpool_register_handlers(void)
{
    static bool registered;
    if (!registered)
        registered = CALL_OR(pthread_atfork, errno, pthread_atfork(NULL, NULL, reset_in_child)) == 0;
}

uint32_t cforkpool_generation(void)
{
    return generation;
}

pid_t cforkpool_fork_child(struct cforkpool_start *start, pid_t parent)
{
    forking_worker = true;
    pid_t pid = CALL(fork, fork());
    if (pid == 0) {
        forking_worker = false;
        keep_caller_stack();
        cforkpool_child(start, parent);
    }
    int error = errno;
    forking_worker = false;
    return pid < 0 ? -error : pid;
}

/// Whether one more descriptor is to be had: a child that cannot be watched must not begin an item.
bool cforkpool_can_open(struct cforkpool_start *start)
{
    start->failed_call = NULL;
    start->pidfd = -1;
    int probe = (int)CALL(pidfd_open, syscall(SYS_pidfd_open, getpid(), 0));
    if (probe < 0) {
        start->pid = -errno;
        start->failed_call = "pidfd_open";
        return false;
    }
    close(probe);
    return true;
}

int32_t cforkpool_pidfd_open(int32_t pid)
{
    int fd = (int)CALL(pidfd_open, syscall(SYS_pidfd_open, pid, 0));
    // The child may have run to its end already, and a host that ignores SIGCHLD or reaps every child leaves no
    // zombie to open. That is an end, not a refusal: the null device reads as ended, and has no status.
    if (fd < 0 && errno == ESRCH)
        fd = CALL(open, open("/dev/null", O_RDONLY | O_CLOEXEC));
    return fd < 0 ? -errno : fd;
}

/// Says what became of a start whose `call` returned `pid`.
void cforkpool_finish_start(struct cforkpool_start *start, pid_t pid, const char *call)
{
    if (pid < 0) {
        start->pid = pid;
        start->failed_call = call;
        return;
    }
    int fd = cforkpool_pidfd_open(pid);
    if (fd < 0) {
        // Another thread took the last descriptor since.
        start->pid = fd;
        start->failed_call = "pidfd_open";
        CALL_EVEN_IF(ESRCH, kill, kill(pid, SIGKILL));
        while (CALL_EVEN_IF(ECHILD, waitpid, waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
            ;
        return;
    }
    start->pid = pid;
    start->pidfd = fd;
}

static void fork_all(struct cforkpool_start *starts, int32_t count)
{
    pid_t parent = getpid();
    for (int32_t i = 0; i < count; i++) {
        if (cforkpool_can_open(&starts[i]))
            cforkpool_finish_start(&starts[i], cforkpool_fork_child(&starts[i], parent), "fork");
    }
}

static void exec_all(struct cforkpool_start *starts, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const char *call;
        if (cforkpool_can_open(&starts[i])) {
            pid_t pid = cforkpool_exec_child(&starts[i], &call);
            cforkpool_finish_start(&starts[i], pid, call);
        }
    }
}

/// Calls the forker what the process is called: so are its children then, and not what the thread was called that first
/// asked for some.
static void take_process_name(void)
{
    char name[64];
    int fd = CALL(open, open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
    ssize_t length = fd < 0 ? -1 : CALL(read, read(fd, name, sizeof name - 1));
    close(fd);
    if (length <= 0)
        return;
    name[length - 1] = 0;
    CALL(prctl, prctl(PR_SET_NAME, name));
}

static void *forker_main(void *unused)
{
    (void)unused;
    cforkpool_note_stack();
    find_tid();
    take_process_name();
    for (;;) {
        while (atomic_load(&forker.word) != FORKER_ASKED)
            cforkpool_futex_wait_private((uint32_t *)&forker.word, atomic_load(&forker.word), -1);
        if (!CPU_EQUAL(&forker.wanted, &forker.present)
            && CALL(sched_setaffinity, sched_setaffinity(0, sizeof forker.wanted, &forker.wanted)) == 0)
            forker.present = forker.wanted;
        forker.errand(forker.starts, forker.count);
        atomic_store(&forker.word, FORKER_DONE);
        cforkpool_futex_wake_private((uint32_t *)&forker.word, INT32_MAX);
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
    int error = CALL_OR(pthread_create, errno, pthread_create(&thread, &attributes, entry, context));
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

/// Has the forker do something, and waits until it is done.
static void ask(void (*errand)(struct cforkpool_start *, int32_t), struct cforkpool_start *starts, int32_t count)
{
    pthread_mutex_lock(&forker.gate);
    cforkpool_register_handlers();
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
        CALL(sched_getaffinity, sched_getaffinity(0, sizeof forker.present, &forker.present));
    }
    // More processors than the set has room for leave the forker's as they are.
    if (CALL(sched_getaffinity, sched_getaffinity(0, sizeof forker.wanted, &forker.wanted)) != 0)
        forker.wanted = forker.present;
    // The descriptor of the first thread, whose stack is no thread's of glibc's making, is written to for nothing.
    forker.caller = pthread_self();
    forker.caller_tid = gettid();
    forker.errand = errand;
    forker.starts = starts;
    forker.count = count;
    atomic_store(&forker.word, FORKER_ASKED);
    cforkpool_futex_wake_private((uint32_t *)&forker.word, INT32_MAX);
    uint32_t seen;
    while ((seen = atomic_load(&forker.word)) != FORKER_DONE)
        cforkpool_futex_wait_private((uint32_t *)&forker.word, seen, -1);
    atomic_store(&forker.word, FORKER_IDLE);
    pthread_mutex_unlock(&forker.gate);
}

void cforkpool_fork(struct cforkpool_start *starts, int32_t count)
{
    flush_unlocked(stdout);
    flush_unlocked(stderr);
    ask(fork_all, starts, count);
}

void cforkpool_exec(struct cforkpool_start *starts, int32_t count)
{
    ask(exec_all, starts, count);
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
    atomic_fetch_sub(&own_threads, 1);
    return NULL;
}

int32_t cforkpool_thread(void (*entry)(void *), void *context)
{
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct thread_start){entry, context};
    atomic_fetch_add(&own_threads, 1);
    int error = create_blocked_thread(thread_main, start);
    if (error != 0) {
        atomic_fetch_sub(&own_threads, 1);
        free(start);
    }
    return -error;
}

static int32_t count_threads(void)
{
    struct stat status;
    if (CALL(stat, stat("/proc/self/task", &status)) != 0)
        return -errno;
    pthread_mutex_lock(&forker.gate);
    int32_t own = (forker.running ? 1 : 0) + atomic_load(&own_threads);
    pthread_mutex_unlock(&forker.gate);
    return (int32_t)status.st_nlink - 2 - own;
}

int32_t cforkpool_thread_count(void)
{
    int32_t count = count_threads();
    // The kernel still lists a thread for a moment that was joined, and tells nobody when it does no more. Only a map that
    // is refused has to wait for this.
    for (int look = 0; count > 1 && look < 100; look++) {
        poll(NULL, 0, 1);
        count = count_threads();
    }
    return count;
}
