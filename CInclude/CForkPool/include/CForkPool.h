#ifndef CFORKPOOL_H
#define CFORKPOOL_H

/// The shim between ForkPool and the kernel.
///
/// Every function here exists because Swift cannot express it: the call is hidden from Swift's Glibc import
/// (variadic, a macro, or only declared under _GNU_SOURCE), or it runs where no Swift code may run, between a
/// fork and the body or in a signal handler. A function named `cforkpool_NAME` stands for the call NAME.
/// Functions that can fail return a negative errno, so that nobody reads `errno` across the language border.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// MARK: - Starting workers (fork.c, child.c)

/// The longest message of the Swift runtime that a crash record keeps, in bytes.
#define CFORKPOOL_CRASH_TEXT 992

/// What a worker's crash handler leaves behind, in memory that the parent shares.
struct cforkpool_crash {
    /// The signal, or 0. Written last.
    int32_t signal;
    /// The signal's `si_code`.
    int32_t code;
    /// The address that the signal names (`si_addr`).
    uint64_t address;
    /// The private memory that the worker could still have got, in bytes; UINT64_MAX where it is not limited.
    uint64_t memory_left;
    /// 1 if the address lies at the end of the worker's stack.
    uint32_t stack_overflow;
    /// Bytes used in `text`.
    uint32_t length;
    /// The Swift runtime's own message, not terminated.
    char text[CFORKPOOL_CRASH_TEXT];
};

/// One worker to start, and what became of it.
struct cforkpool_start {
    /// Runs in the child; its return value is the exit status. It never returns into the forking thread.
    int (*entry)(void *context, int32_t worker);
    void *context;
    /// Handed to `entry`.
    int32_t worker;
    /// Where the crash handler writes; shared with the parent.
    struct cforkpool_crash *_Nullable crash;
    /// Whether no signal but SIGKILL and SIGSTOP is to reach the child.
    bool keeps_signals_blocked;
    /// Out: the child's process id, or a negative errno of the call that `failed_call` names.
    int32_t pid;
    /// Out: a descriptor of the child (close-on-exec), valid if `pid` is positive.
    int32_t pidfd;
    /// Out: the call that was refused: "fork", "vfork", "clone", "fcntl", "execve", "pidfd_open" or "pthread_create".
    const char *_Nullable failed_call;
};

/// Forks `count` workers from the process's one forker thread, with signals blocked around each fork.
///
/// In C because the forking thread must never have run Swift (the runtime caches thread ids, which a child would
/// inherit wrong), because PR_SET_PDEATHSIG follows the forking thread, and because nothing but async-signal-safe
/// code may run in the child before the body. Returns when every fork was tried.
void cforkpool_fork(struct cforkpool_start *starts, int32_t count);

/// Makes the calling thread that of a worker that was not forked by this library: crash handler, ending, signals.
///
/// In C because it is the forked child's prologue without the fork.
void cforkpool_become_worker(struct cforkpool_crash *crash);

/// Opens a descriptor (close-on-exec) of a process; one that was reaped already reads as ended. Returns the
/// descriptor or a negative errno.
///
/// In C because pidfd_open has no declaration that Swift sees.
int32_t cforkpool_pidfd_open(int32_t pid);

// MARK: - Templates (template.c)

/// What a parent asks of a template, and what it answers: in memory that those two share and no worker has.
struct cforkpool_orders {
    /// How often was asked, and how often answered; each is waited for.
    uint32_t asked;
    uint32_t answered;
    /// The child to reap, or 0, and its number; then 0 or a negative errno, and below how it ended.
    int32_t reaped;
    int32_t reaped_number;
    int32_t reap_error;
    /// How many children to fork.
    int32_t forks;
    struct cforkpool_ending {
        /// The exit status, or -1.
        int32_t status;
        /// The signal that ended it, or 0.
        int32_t signal;
        /// The processor time that it and the children that it reaped used, in nanoseconds: of their own and of the system's.
        int64_t user_time;
        int64_t system_time;
        /// The most memory that one of them had at once, in bytes; what it was forked from counts, too.
        int64_t max_memory;
        /// Page faults without and with a disk.
        int64_t minor_faults;
        int64_t major_faults;
        /// How often they gave a processor up, and how often one was taken from them.
        int64_t voluntary_switches;
        int64_t involuntary_switches;
    } ending;
    /// In: what each child is given as its number. Out: its process id, or a negative errno. Behind as many as there
    /// are numbers, the process that keeps the memory of the child with each number, or 0: the template's own business.
    int32_t children[];
};

/// A process that does nothing but fork: its memory stays what the parent's was, whatever the parent does since, and
/// its forks do not stop the parent.
struct cforkpool_template {
    /// Runs in each child, as in `cforkpool_start`.
    int (*entry)(void *context, int32_t number);
    void *context;
    /// Crash records, by number.
    struct cforkpool_crash *crashes;
    /// Rung after each answer.
    int32_t bell;
    struct cforkpool_orders *orders;
    size_t orders_size;
    /// How many numbers there are.
    int32_t numbers;
};

/// The entry of a template, for `cforkpool_start`, with a `cforkpool_template` as its context; it ends with its parent.
///
/// In C because its children must be those of a process that never ran Swift.
int cforkpool_template_main(void *template_context, int32_t unused);

/// Tells a template that there are new orders.
void cforkpool_template_ask(struct cforkpool_orders *orders);

// MARK: - Workers by exec (exec.c)

/// What a worker that is started by exec finds open, and which one it is.
struct cforkpool_exec {
    /// The shared memory.
    int32_t memory;
    /// The parent's doorbell.
    int32_t bell;
    /// What the memory begins with, so that no other memory is taken for it.
    uint64_t token;
};

/// Starts this program again (/proc/self/exe, with the same arguments and environment) as `count` workers, from
/// the forker thread; `context` of each start is a `cforkpool_exec`, its `entry` is not used.
///
/// In C because between vfork and execve nothing else may run, and for the reasons of `cforkpool_fork`.
void cforkpool_exec(struct cforkpool_start *starts, int32_t count);

/// Whether a program that is started again becomes a worker before its main can run.
///
/// In C because it asks where the linker put this code.
bool cforkpool_enters(void);

/// Becomes a worker, if this process was started as one, and does not return then.
///
/// In C because it is what the constructor does.
void cforkpool_bootstrap(void);

/// Ends a process that was to be a worker and cannot be one: with status 121, and why on standard error.
///
/// In C because no buffer and no lock of the program may be used, whose main did not run.
_Noreturn void cforkpool_refuse_worker(const char *why);

// MARK: - Other programs (command.c)

/// A program to start, and what it finds.
struct cforkpool_command {
    /// The program's file; it is not searched for.
    const char *path;
    /// Its arguments and its environment, each ended by NULL.
    char *_Nullable const *_Nonnull arguments;
    char *_Nullable const *_Nonnull environment;
    /// What is to be its standard descriptors; above those, or the same.
    int32_t input;
    int32_t output;
    int32_t errors;
    /// Whether it is the first of a process group.
    bool leads_group;
    /// Where the number of its group is to be written before the program begins, for a guard.
    int32_t *_Nullable group;
};

/// Starts a program that ends with the calling thread, which should therefore be the main one; `context` of the start is a
/// `cforkpool_command`, and only what is marked as out is used besides. What it costs does not grow with the memory of this
/// process.
///
/// In C because between clone and execve nothing else may run, and because PR_SET_PDEATHSIG must be set there.
void cforkpool_command_start(struct cforkpool_start *start);

// MARK: - Counting events (counter.c)

/// The counter of the instructions that a program runs: PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS.
#define CFORKPOOL_PERF_HARDWARE 0
#define CFORKPOOL_PERF_INSTRUCTIONS 1

/// Opens a counter (close-on-exec) of what happens outside of the kernel in the program that the calling thread starts next,
/// and in its children; the thread's own instructions are not counted. Returns a descriptor or a negative
/// errno: ENOENT or EOPNOTSUPP where the machine has no such counter, EACCES or EPERM where nobody may use it.
///
/// In C because perf_event_open has no wrapper, and its attributes are bit fields.
int32_t cforkpool_perf_event_open(uint32_t type, uint64_t config);

/// What a counter has reached, that of programs that have ended; or a negative errno.
int64_t cforkpool_perf_event_read(int32_t fd);

// MARK: - Whom this process must not leave behind (guard.c)

/// Starts a process that kills the process groups in `groups`, shared memory of `capacity` numbers, once the calling
/// process has ended, however that was; makes what those groups leave behind children of this process. Returns its id
/// or a negative errno.
///
/// In C because it runs in a forked child that has nothing but system calls.
int32_t cforkpool_guard_start(int32_t *groups, int32_t capacity);

/// Ends and reaps the guard.
void cforkpool_guard_end(int32_t pid);

/// Reaps those of a group who have ended and have no other parent; returns whether anybody is left in it.
///
/// In C, as the one before, because it belongs to the guard's.
int32_t cforkpool_reap_group(int32_t group);

/// Makes memory that programs can write to as if it were a file, always at its end (memfd_create, close-on-exec). Returns
/// the descriptor or a negative errno.
///
/// In C because memfd_create is hidden from Swift.
int32_t cforkpool_capture(void);

// MARK: - A worker's surroundings (machine.c)

/// Names the process and the calling thread, for `ps`; at most 15 bytes are kept.
///
/// In C because prctl is variadic.
int32_t cforkpool_prctl_name(const char *name);

/// Binds the main thread and the calling one to the `index`-th of the processors that this one may run on, counted round
/// and round.
///
/// In C because cpu_set_t and its macros are hidden from Swift.
int32_t cforkpool_sched_setaffinity(int32_t index);

/// Lets the process have so many bytes of private memory more than it has (RLIMIT_DATA); returns 0 or a negative errno.
///
/// In C because what it has is read where no allocation may be made, after a crash too.
int32_t cforkpool_limit_memory(int64_t bytes);

/// Has the kernel end the process by SIGKILL when it has used so many nanoseconds more of processor time; returns 0 or a
/// negative errno.
///
/// In C because timers are hidden from Swift.
int32_t cforkpool_limit_cpu_time(int64_t nanoseconds);

/// The processor that the calling thread is on, or -1.
///
/// In C because sched_getcpu is only declared under _GNU_SOURCE.
int32_t cforkpool_sched_getcpu(void);

/// The calling worker's number, process id and attempt; a number of -1 outside of a worker.
struct cforkpool_worker {
    int32_t index;
    int32_t pid;
    int32_t attempt;
};

/// Says which worker this process is.
///
/// In C because a global of Swift is initialised behind a lock that a forked child could find locked.
void cforkpool_set_worker(struct cforkpool_worker worker);

/// Which worker this process is.
struct cforkpool_worker cforkpool_get_worker(void);

/// Counts the forks between the first process of the program and this one.
///
/// In C because it is counted in a fork handler: whatever was cached by an ancestor is not this process's.
uint32_t cforkpool_generation(void);

/// Tells a worker which memory a stray child of it must not have: one that the body forks and that returns from the
/// body too. Two ranges, taken out of every child that is not a worker.
///
/// In C because it is done in a fork handler.
void cforkpool_withhold(void *_Nullable first, size_t first_size, void *_Nullable second, size_t second_size);

/// Ends the process at once, coverage counters written and standard output flushed.
///
/// In C because `__llvm_profile_write_file` is a weak symbol, and because no exit handler of the parent may run.
_Noreturn void cforkpool_exit(int32_t status);

/// Starts a detached thread that runs `entry(context)` with every signal blocked; returns 0 or a negative errno.
///
/// In C because the signal mask must be set before the thread exists, so that no handler of the host runs on it.
int32_t cforkpool_thread(void (*entry)(void *context), void *context);

/// The address below which the calling thread's stack should not grow, so that what is called from there has room; 0 if
/// that is not known.
///
/// In C because pthread_getattr_np is only declared under _GNU_SOURCE.
uintptr_t cforkpool_stack_limit(void);

/// Where the calling thread's stack has grown to.
///
/// In C because a local variable of Swift need not lie there: the address sanitizer puts it elsewhere.
uintptr_t cforkpool_stack_address(void);

/// Counts this process's threads (the link count of /proc/self/task) without those of the library, or returns a
/// negative errno.
///
/// In C to have it in one call without a directory stream.
int32_t cforkpool_thread_count(void);

// MARK: - Waiting (wait.c)

/// Waits for the child that `pidfd` names and reaps it; EINTR is retried. Returns 0 or a negative errno: ECHILD
/// where the host ignores SIGCHLD or reaped the child itself.
///
/// In C because P_PIDFD and the fields of siginfo_t are macros of a union that Swift does not import.
int32_t cforkpool_waitid(int32_t pidfd, struct cforkpool_ending *ending);

/// One descriptor that `cforkpool_ppoll` waits for.
struct cforkpool_poll {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

/// Waits until a descriptor is readable or `timeout_ns` nanoseconds passed (negative: for ever). Returns the
/// number of ready descriptors, or a negative errno (EINTR too: the caller retries in one place).
///
/// In C because ppoll is only declared under _GNU_SOURCE.
int32_t cforkpool_ppoll(struct cforkpool_poll *_Nullable entries, int32_t count, int64_t timeout_ns);

/// Sends `signal` to the process that `pidfd` names: a process id that was given out anew cannot be hit.
///
/// In C because pidfd_send_signal has no wrapper in glibc 2.36's headers that Swift sees.
int32_t cforkpool_pidfd_send_signal(int32_t pidfd, int32_t signal);

/// Makes an event counter (close-on-exec, non-blocking): a doorbell that ppoll can wait for.
///
/// In C because eventfd is hidden from Swift.
int32_t cforkpool_eventfd(void);

/// Adds one to an event counter; async-signal-safe. Returns 0 or a negative errno: the counter is no longer there.
int32_t cforkpool_eventfd_ring(int32_t fd);

/// Makes an event counter 0 again.
void cforkpool_eventfd_drain(int32_t fd);

/// Tells the processor that the calling thread spins.
///
/// In C because it is an instruction.
void cforkpool_pause(void);

/// Waits while `*word` is `expected`, across processes, for at most `timeout_ns` (negative: for ever). Returns 0,
/// or a negative errno (EAGAIN: the word had changed; EINTR; ETIMEDOUT).
///
/// In C because futex is only reached by the variadic `syscall`.
int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/// Wakes at most `count` waiters of `word`, across processes; returns how many.
int32_t cforkpool_futex_wake(uint32_t *word, int32_t count);

/// The same among the threads of one process, where nobody else can wake the waiter.
int32_t cforkpool_futex_wait_private(uint32_t *word, uint32_t expected, int64_t timeout_ns);
int32_t cforkpool_futex_wake_private(uint32_t *word, int32_t count);

// MARK: - Shared memory (memory.c)

/// Reserves `size` bytes of zeroed memory that forked children share, without a name, a file or a commitment.
/// Returns NULL and a negative errno in `*error` if refused.
///
/// In C because MAP_FAILED is a cast that Swift does not import.
void *_Nullable cforkpool_mmap_shared(size_t size, int32_t *error);

/// Makes `size` bytes of zeroed memory that has a descriptor (close-on-exec), so that a program that is started
/// later can map it; its size is sealed. Returns the descriptor or a negative errno.
///
/// In C because memfd_create is hidden from Swift.
int32_t cforkpool_memfd(size_t size);

/// Maps such memory. Returns NULL and a negative errno in `*error` if refused.
void *_Nullable cforkpool_mmap_memfd(int32_t fd, size_t size, int32_t *error);

/// Gives the pages of a part of a shared mapping back to the system; they read as zero afterwards.
///
/// In C because MADV_REMOVE is hidden from Swift.
int32_t cforkpool_madvise_remove(void *address, size_t size);

/// Maps existing pages of a shared mapping into this process at once instead of by one fault a page.
///
/// In C because MADV_POPULATE_WRITE is newer than the headers of Debian 12's kernel.
int32_t cforkpool_madvise_populate(void *address, size_t size);

/// Prepares whole pages of fresh private memory that are about to be written from end to end: in huge pages where
/// there are some to be had, and by one call instead of one fault a page.
///
/// In C for the same reason.
int32_t cforkpool_madvise_fresh(void *address, size_t size);

/// The bytes that a robust, shared lock needs.
#define CFORKPOOL_MUTEX_SIZE 64

/// Makes a lock in shared memory whose holder may die.
///
/// In C, as the next three, because pthread_mutex_t is opaque and its attributes are macros.
int32_t cforkpool_mutex_init(void *mutex);
/// Locks; returns 0, or 1 if the holder before died while it held the lock (which is usable again), or a
/// negative errno.
int32_t cforkpool_mutex_lock(void *mutex);
/// Unlocks; returns 0 or a negative errno.
int32_t cforkpool_mutex_unlock(void *mutex);

// MARK: - Counting (machine.c)

/// Counts the processors that this process may run on, or returns a negative errno.
///
/// In C because cpu_set_t and CPU_COUNT are macros.
int32_t cforkpool_sched_getaffinity_count(void);

/// Writes the last symbolic signal name ("SIGSEGV") of `signal` into `name`; returns its length, or 0.
///
/// In C because sigabbrev_np is only declared under _GNU_SOURCE.
size_t cforkpool_sigabbrev(int32_t signal, char *name, size_t capacity);

/// Writes the text of an errno into `text`; returns its length.
///
/// In C because strerrordesc_np is only declared under _GNU_SOURCE; unlike strerror it takes no lock.
size_t cforkpool_strerror(int32_t error, char *text, size_t capacity);

// MARK: - Calls that fail on demand, for tests (inject.c)

/// Where a call is made; what is done between vfork and execve counts as done by who asked for it.
enum cforkpool_place {
    CFORKPOOL_IN_PARENT = 0,
    CFORKPOOL_IN_TEMPLATE = 1,
    CFORKPOOL_IN_WORKER = 2,
};

/// The name of the `index`-th call that can be made to fail, or NULL: beyond the last one, and in a release build.
const char *_Nullable cforkpool_injectable(int32_t index);

/// Makes the call `name` fail with `error` in every process that is `place`, from the `first`-th time on (counted from 1
/// over all of them, from now on) and so many `times`; it takes the place of the plan before. A process that was forked
/// before the first plan, or that is started by exec, knows of none. Returns 0 or a negative errno: ENOSYS in a release
/// build.
int32_t cforkpool_inject(const char *name, int32_t place, uint32_t first, uint32_t times, int32_t error);

/// Lets every call succeed again, and counts none; what was counted stays.
void cforkpool_inject_nothing(void);

/// How often a call was made under the last plan, whether or not it failed; a negative errno as above.
int32_t cforkpool_injected_calls(const char *name, int32_t place);

/// How often a call was made to fail by the last plan; a negative errno as above.
int32_t cforkpool_injected_failures(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
