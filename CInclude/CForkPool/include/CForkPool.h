// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_H
#define CFORKPOOL_H

/// The shim between ForkPool and the kernel.
///
/// A function is here because Swift cannot do its work: Swift's Glibc module hides the call (it is variadic, a macro,
/// or declared under _GNU_SOURCE alone), or the code runs where no Swift code may run: between fork and the body, or
/// in a signal handler. A function `cforkpool_NAME` stands for the call NAME.
///
/// A function that returns int32_t or int64_t and can fail returns a negative errno: Swift never reads `errno`.
/// The order is that of a pool's life: start, worker, template, exec. CForkPoolSystem.h has the calls of the system alone.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// MARK: - Starting workers: forker.c, fork.c, child.c

/// The bytes of a crash record, and of the Swift runtime's message in it.
#define CFORKPOOL_CRASH_SIZE 1024
#define CFORKPOOL_CRASH_TEXT 984

/// What a forked worker waits for before it begins: that it is known. It ends if it is refused.
enum cforkpool_known { CFORKPOOL_UNKNOWN = 0, CFORKPOOL_KNOWN = 1, CFORKPOOL_WAITS = 2, CFORKPOOL_REFUSED = 3 };

/// What a worker writes when it ends itself, in memory that the parent shares.
struct cforkpool_crash {
    /// The signal of a crash, written last; the bitwise complement of the status of an exit, which is negative; else 0.
    int32_t signal;
    /// The signal's `si_code`.
    int32_t code;
    /// The address that the signal names (`si_addr`).
    uint64_t address;
    /// The private memory that the worker could still get, in bytes; UINT64_MAX if it has no limit.
    uint64_t memory_left;
    /// 1 if the address lies at the end of the worker's stack.
    uint16_t stack_overflow;
    /// 1 while the worker's job awaits something that other threads are to deliver.
    uint16_t awaits;
    /// Bytes used in `text`.
    uint32_t length;
    /// The process that sent the signal: this one, another one, or -1 for one of another namespace; 0 for the kernel.
    int32_t sender;
    /// Nothing; the text begins on 8 bytes.
    int32_t padding;
    /// The Swift runtime's message, not terminated.
    char text[CFORKPOOL_CRASH_TEXT];
};

/// One worker to start, and the outcome.
struct cforkpool_start {
    /// Runs in the child; its return value is the exit status.
    int (*entry)(void *context, int32_t worker);
    void *context;
    /// Handed to `entry`.
    int32_t worker;
    /// Where the crash handler writes; shared with the parent. Without it there is no crash handler.
    struct cforkpool_crash *_Nullable crash;
    /// Where the child waits until the parent, and its guard, know of it (one of `cforkpool_known`), or NULL for one that waits
    /// otherwise; shared with the parent.
    uint32_t *_Nullable known;
    /// Whether the child keeps every signal blocked but SIGKILL and SIGSTOP.
    bool keeps_signals_blocked;
    /// The signals that the child ignores: bits by number, as `cforkpool_group_signals` gives them.
    uint32_t ignored_signals;
    /// Out: the child's process id, or a negative errno of the call that `failed_call` names.
    int32_t pid;
    /// Out: a pidfd of the child (close-on-exec) if `pid` is positive.
    int32_t pidfd;
    /// Out: the call that failed, such as "fork", "vfork", "execve", "pidfd_open" or "pthread_create".
    const char *_Nullable failed_call;
};

/// A forker: a thread that starts processes, and where one is needed a guard, which is a process that ends them.
///
/// In C because the forking thread must never run Swift: the runtime caches the thread's id, and a child would inherit
/// a wrong one. PR_SET_PDEATHSIG also follows the forking thread, so that thread must live on.
struct cforkpool_forker;

/// Makes a forker for `capacity` processes at once; NULL if there is no memory. Its thread starts with its first request,
/// as a copy of the thread that makes that request in all that Linux keeps per thread. One thread at a time uses it.
struct cforkpool_forker *_Nullable cforkpool_forker_make(int32_t capacity);
/// Ends the thread, for good: the kernel then kills the processes that it started, where this process may not.
void cforkpool_forker_stop(struct cforkpool_forker *forker);
/// Ends the thread and the guard, and frees the forker. The kernel kills processes that are left.
void cforkpool_forker_end(struct cforkpool_forker *forker);
/// Forks `count` workers, with signals blocked, and returns when each was tried. The forker's thread forks; the calling
/// thread does only where stack.c says so.
void cforkpool_fork(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count);
/// Writes what this process printed to standard output and did not flush, unless another thread holds the stream.
void cforkpool_flush_output(void);
/// A descriptor that is readable when something has killed the guard, or -1 if there is none.
int32_t cforkpool_guard_descriptor(const struct cforkpool_forker *forker);
/// Starts another guard in the place of one that was killed, or whose descriptor was closed.
void cforkpool_forker_renew_guard(struct cforkpool_forker *forker);
/// Adds a process to what the guard ends, or removes it, before it is reaped.
void cforkpool_guard_add(struct cforkpool_forker *forker, int32_t pid);
void cforkpool_guard_remove(struct cforkpool_forker *forker, int32_t pid);
/// Tells the guard to end, and does not wait for that: no process of the forker is left.
void cforkpool_guard_dismiss(struct cforkpool_forker *forker);
/// Has the guard send a signal to a process that is not reaped. Returns 0 or a negative errno: ESRCH without a guard.
int32_t cforkpool_guard_kill(struct cforkpool_forker *forker, int32_t pid, int32_t signal);
/// Opens a pidfd (close-on-exec) of a child. One that was reaped already gets a descriptor that reads as ended.
int32_t cforkpool_pidfd_open(int32_t pid);
/// Starts a detached thread that runs `entry(context)`. Returns 0 or a negative errno.
///
/// In C because the thread starts with every signal blocked: no handler of the host may run on it.
int32_t cforkpool_thread(void (*entry)(void *context), void *context);
/// Counts the process's threads without the library's own, or returns a negative errno.
/// Looks again for up to 0.1 s while there is more than one: the kernel lists a joined thread for a moment more.
int32_t cforkpool_thread_count(void);

// MARK: - A worker's surroundings: child.c, fork.c, limit.c, machine.c, stack.c

/// Makes the calling thread a worker's that this library did not fork: crash handler, exit handler, signals.
void cforkpool_become_worker(struct cforkpool_crash *crash);
/// Makes the calling worker write no crash record any more: the memory goes.
void cforkpool_forget_crash(void);
/// The calling worker's number, process id and attempt; the number is -1 outside of a worker.
struct cforkpool_worker {
    int32_t index;
    int32_t pid;
    int32_t attempt;
    /// How many processes were this worker before; and the number of its host, where several run one program.
    uint32_t replacements;
    int32_t host;
    /// The seed of its pool or map.
    uint64_t seed;
    /// The call or map of the pool that the worker is at, and the number of its first item there.
    int64_t call;
    int64_t first_item;
};
/// The calling worker, and the word with the item of its batch that it is on.
struct cforkpool_current_worker {
    struct cforkpool_worker identity;
    const void *_Nullable position;
};

/// Stores and reads which worker this process is. A Swift global needs a lock, which a forked child could find locked.
void cforkpool_set_worker(struct cforkpool_worker worker);
struct cforkpool_worker cforkpool_get_worker(void);
/// Returns which worker this process is, without a copy; null outside of a worker.
const struct cforkpool_current_worker *_Nullable cforkpool_get_current(void);
/// Stores which call of the pool the calling worker is at.
void cforkpool_set_call(int64_t call, int64_t first_item);
/// Stores and reads where the calling worker keeps the item that it is on.
void cforkpool_set_position(const void *_Nullable position);
const void *_Nullable cforkpool_get_position(void);
/// Counts the forks between the program's first process and this one: what an ancestor cached is not this process's.
uint32_t cforkpool_generation(void);
/// The signals of a whole process group (SIGHUP, SIGINT, SIGQUIT, SIGTERM) that this process does not ignore: a bit for
/// each, by its number.
uint32_t cforkpool_group_signals(void);
/// Ignores such signals in this worker. A process that its body forks does not.
void cforkpool_ignore_signals(uint32_t signals);
/// Notes, for the parent, whether the worker's job awaits something that other threads are to deliver.
void cforkpool_note_awaiting(bool awaits);
/// Names the process and the calling thread, for `ps`; the kernel keeps 15 bytes.
int32_t cforkpool_prctl_name(const char *name);
/// Binds the main and the calling thread to the `index`-th allowed processor, modulo their count.
int32_t cforkpool_sched_setaffinity(int32_t index);
/// Lets the process have `bytes` more private memory than it has (RLIMIT_DATA).
int32_t cforkpool_limit_memory(int64_t bytes);
/// Lets the process leave no core dump, as far as the system allows that (RLIMIT_CORE, the soft limit).
void cforkpool_prevent_core(void);
/// Has the kernel send SIGKILL once the process used `nanoseconds` more of processor time.
int32_t cforkpool_limit_cpu_time(int64_t nanoseconds);
/// The address below which the calling thread's stack should not grow, or 0 if unknown.
uintptr_t cforkpool_stack_limit(void);
/// The address that the calling thread's stack has grown to. The address sanitizer moves Swift's local variables away.
uintptr_t cforkpool_stack_address(void);
/// Ends the process at once, with coverage counters written and standard output flushed. No exit handler runs.
_Noreturn void cforkpool_exit(int32_t status);

// MARK: - Templates, processes that only fork: template.c

/// How a process ended, and what it and the children that it reaped used.
struct cforkpool_ending {
    /// The exit status, or -1.
    int32_t status;
    /// The signal that ended it, or 0.
    int32_t signal;
    /// Processor time in nanoseconds, in its own code and in the kernel.
    int64_t user_time, system_time;
    /// The largest resident set of one of them in bytes, its pages from before its exec included.
    int64_t max_memory;
    /// Page faults without and with a disk.
    int64_t minor_faults, major_faults;
    /// Context switches.
    int64_t voluntary_switches, involuntary_switches;
};

/// A parent's request to its template and the answer, in memory that those two share and no worker has.
struct cforkpool_request {
    /// Counts of requests and answers; each is a futex word.
    uint32_t asked, answered;
    /// The child to reap, or 0, and its number; then 0 or a negative errno, and below how it ended.
    int32_t reaped;
    int32_t reaped_number;
    int32_t reap_error;
    /// How many children to fork.
    int32_t forks;
    /// Whether the template is to end, for a parent that may not kill it.
    int32_t is_ending;
    struct cforkpool_ending ending;
    /// In: each child's number. Out: its process id, or a negative errno. Then, for the template alone: by number, the
    /// process that holds a worker's memory, or 0.
    int32_t children[];
};

/// A process that only forks: its memory stays as the parent's was, and its forks do not stop the parent.
struct cforkpool_template {
    /// Runs in each child, as in `cforkpool_start`.
    int (*entry)(void *context, int32_t number);
    void *context;
    /// Crash records, by number.
    struct cforkpool_crash *crashes;
    /// The word on which the parent waits for notices of its workers; changed after the answer to a fork.
    uint32_t *notice;
    struct cforkpool_request *request;
    size_t request_size;
    /// How many numbers there are.
    int32_t numbers;
    /// The signals that each child ignores, as in `cforkpool_start`.
    uint32_t ignored_signals;
    /// Whether it may leave a core dump.
    bool dumps_core;
    /// Whether its workers get memory holders, as `cforkpool_has_much_memory` says.
    bool holds_memory;
};

/// The entry of a template, for `cforkpool_start`; the context is a `cforkpool_template`. It ends with its parent.
///
/// In C because its children must come from a thread that never ran Swift.
int cforkpool_template_main(void *template_context, int32_t unused);
/// Whether this process has so much memory that the end of a worker with all of it takes long.
///
/// Asked before the template is forked: the read costs a fresh process twenty page faults.
bool cforkpool_has_much_memory(void);
/// Tells a template that there is a new request.
void cforkpool_template_ask(struct cforkpool_request *request);

// MARK: - Workers by exec: exec.c, variable.c, rights.c, environment.c

/// Why this program must not be started again as a worker.
enum cforkpool_obstacle {
    /// The dynamic loader was started with this program as its argument: the loader would be started again.
    CFORKPOOL_STARTED_BY_LOADER = 1,
    /// The process has rights that its user has not (setuid, setgid, file capabilities): its worker would run main.
    CFORKPOOL_HAS_OTHER_RIGHTS = 2,
    /// The program's file has capabilities, which the process does not have.
    CFORKPOOL_FILE_GIVES_CAPABILITIES = 3,
};
/// Returns 0, one of `cforkpool_obstacle`, or a negative errno of the call that is then in `*call`.
int32_t cforkpool_exec_obstacle(const char *_Nullable *_Nonnull call);
/// A copy of the environment.
struct cforkpool_environment;
/// Makes one, whatever other threads do to the environment meanwhile: a load of memory that one of them frees must fail
/// and not crash. Returns NULL and a negative errno in `*error` of the call in `*call`.
struct cforkpool_environment *_Nullable cforkpool_environment_copy(const char *_Nullable *_Nonnull call, int32_t *error);
void cforkpool_environment_free(struct cforkpool_environment *environment);
/// What a worker started by exec inherits.
struct cforkpool_exec {
    /// The shared memory.
    int32_t memory;
    /// The memory begins with this number, so that no other memory is mistaken for it.
    uint64_t token;
    /// The environment, which lasts as long as the pool.
    struct cforkpool_environment *environment;
};

/// Starts this program again (/proc/self/exe, same arguments) as `count` workers, from the forker
/// thread. The context of each start is a `cforkpool_exec`; `entry` is not used.
void cforkpool_exec(struct cforkpool_forker *forker, struct cforkpool_start *starts, int32_t count);
/// Whether a program that is started again becomes a worker before its main runs. Depends on where this code is linked.
bool cforkpool_enters_before_main(void);
/// Becomes a worker and does not return, if this process was started as one.
void cforkpool_bootstrap(void);
/// Ends a process that cannot be a worker: exit status 121, and `why` on standard error.
///
/// In C because no buffer and no lock of the program may be used: its main did not run.
_Noreturn void cforkpool_refuse_worker(const char *why);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#include "CForkPoolInjection.h"
#include "CForkPoolSystem.h"

#endif
