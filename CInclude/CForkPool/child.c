// SPDX-License-Identifier: Apache-2.0
#include "internal.h"
#include "raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/// Everything that a forked child does before the body and after it.
///
/// Up to `entry` only async-signal-safe calls are made, with two exceptions: `__fpurge` and `setvbuf`, which set some
/// pointers of streams whose locks glibc's fork() renews, and `on_exit`, which takes the exit lock for some nanoseconds.
/// If another thread of the parent held that lock at the fork (it registers a handler, or loads a library), the child
/// waits for ever before its first item; the pool proves that and starts another child, as for any deadlock.

/// Exported by the Swift runtime: a pointer to an atomic pointer to the text of the last fatal error.
extern const char *_Nullable volatile *_Nullable swift_getFatalErrorMessageBuffer(void) __attribute__((weak));

/// Present in a build that measures coverage, which would lose its counters at `_exit`.
extern int __llvm_profile_write_file(void) __attribute__((weak));

/// The calls of a child, bound when the program is loaded. By default the linker binds a call at its first use, which
/// every child would do anew: some ten page faults each time, a third of a small map's cost.
static const volatile struct {
    __typeof__(sigaltstack) *sigaltstack;
    __typeof__(sigaction) *sigaction;
    __typeof__(sigprocmask) *sigprocmask;
    __typeof__(__fpurge) *fpurge;
    __typeof__(__fbufsize) *fbufsize;
    __typeof__(fileno_unlocked) *fileno_unlocked;
    __typeof__(setvbuf) *setvbuf;
    __typeof__(on_exit) *on_exit;
    __typeof__(fflush) *fflush;
    __typeof__(_exit) *exit_at_once;
} bound = {sigaltstack, sigaction, sigprocmask, __fpurge, __fbufsize, fileno_unlocked, setvbuf, on_exit, fflush, _exit};

/// Exported by the Swift concurrency library, which asks these whether an actor's code may run here. A worker is forked
/// from another thread than the main one, and has no other thread that the code could race with.
extern void (*swift_task_checkIsolated_hook)(void) __attribute__((weak));
extern int (*swift_task_isIsolatingCurrentContext_hook)(void) __attribute__((weak));

static void allow_isolated(void)
{
}

static int is_isolated(void)
{
    return 1;
}

static const int crash_signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS};

/// Signals that a host may catch to end itself; a worker, which is not the host, ends by them.
static const int ending_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU};

/// Copies what is known of a crash into the shared record, and lets the true signal end the process.
static void on_crash(int signal_number, siginfo_t *info, void *unused)
{
    (void)unused;
    struct cforkpool_crash *record = cforkpool_state.worker.crash;
    // A process that the body forked: it is no worker, and has no record.
    if (record == NULL) {
        raise(signal_number);
        return;
    }
    uintptr_t stack_low = cforkpool_state.worker.stack_low;
    record->code = info->si_code;
    record->address = (uint64_t)(uintptr_t)info->si_addr;
    record->sender = info->si_code > 0 ? 0 : info->si_pid > 0 ? info->si_pid : -1;
    // The guard below the stack; a large frame may jump past its first page.
    record->stack_overflow = signal_number == SIGSEGV && stack_low != 0
        && record->address < stack_low + 4096 && record->address + (1 << 20) > stack_low;
    record->memory_left = cforkpool_memory_left();
    const char *text = NULL;
    if (swift_getFatalErrorMessageBuffer != NULL) {
        const char *volatile *buffer = swift_getFatalErrorMessageBuffer();
        if (buffer != NULL)
            text = *buffer;
    }
    uint32_t length = 0;
    if (text != NULL) {
        while (length < CFORKPOOL_CRASH_TEXT && text[length] != 0) {
            record->text[length] = text[length];
            length += 1;
        }
    }
    record->length = length;
    __atomic_store_n(&record->signal, signal_number, __ATOMIC_RELEASE);
    // Installed with SA_RESETHAND: after the return a faulting instruction runs again, by default this time. An abort
    // or a signal from outside has no such instruction, so raise it.
    raise(signal_number);
}

static void install_crash_handler(void)
{
    stack_t stack = {.ss_sp = cforkpool_state.handler_stack, .ss_size = sizeof cforkpool_state.handler_stack};
    // Without it the handler runs on the worker's stack: it fails at a stack overflow alone.
    CALL(sigaltstack, bound.sigaltstack(&stack, NULL));
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        bound.sigaction(crash_signals[i], &action, NULL);
}

/// Removes the host's own handlers from the signals that end a process; what the host ignores stays ignored.
static void reset_ending_signals(void)
{
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
        struct sigaction action;
        if (bound.sigaction(ending_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN
            && action.sa_handler != SIG_DFL) {
            memset(&action, 0, sizeof action);
            action.sa_handler = SIG_DFL;
            bound.sigaction(ending_signals[i], &action, NULL);
        }
    }
}

/// Signals that a terminal or a service manager sends to a whole process group.
static const int group_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

uint32_t cforkpool_group_signals(void)
{
    uint32_t signals = 0;
    for (size_t i = 0; i < sizeof group_signals / sizeof *group_signals; i++) {
        struct sigaction action;
        if (sigaction(group_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signals |= 1U << group_signals[i];
    }
    return signals;
}

void cforkpool_set_signals(uint32_t signals, void (*disposition)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = disposition;
    for (size_t i = 0; signals != 0 && i < sizeof group_signals / sizeof *group_signals; i++) {
        if (signals & 1U << group_signals[i])
            bound.sigaction(group_signals[i], &action, NULL);
    }
}

void cforkpool_ignore_signals(uint32_t signals)
{
    cforkpool_set_signals(signals, SIG_IGN);
    cforkpool_state.worker.ignored_signals |= signals;
}

void cforkpool_note_awaiting(bool awaits)
{
    struct cforkpool_crash *record = cforkpool_state.worker.crash;
    if (record != NULL)
        __atomic_store_n(&record->awaits, awaits ? 1 : 0, __ATOMIC_RELAXED);
}

/// Runs first when a body calls exit(): no exit handler of the parent runs in a worker.
static void on_body_exit(int status, void *unused)
{
    (void)unused;
    cforkpool_exit(status);
}

/// Whether a stream has a buffer or gets one. An unbuffered one has room for one byte; what is no file has no descriptor.
static bool is_buffered_file(FILE *stream)
{
    return bound.fbufsize(stream) != 1 && bound.fileno_unlocked(stream) >= 0;
}

/// Has a forked worker write each line when it is complete, with one call: the worker may be killed at any moment, and
/// lines of several workers must not mix. The streams are empty here, and one that the host made unbuffered stays so.
static void write_lines(void)
{
    // setvbuf frees the buffer that it replaces. That one lies in the heap, and a child pays for each page that it
    // writes there, so the copy of it is forgotten.
    if (is_buffered_file(stdout)) {
        stdout->_IO_buf_base = NULL;
        bound.setvbuf(stdout, cforkpool_state.lines, _IOLBF, sizeof cforkpool_state.lines);
    }
    // Standard error has no buffer, unless the host gave it one.
    if (bound.fbufsize(stderr) > 0 && is_buffered_file(stderr)) {
        stderr->_IO_buf_base = NULL;
        bound.setvbuf(stderr, cforkpool_state.error_lines, _IOLBF, sizeof cforkpool_state.error_lines);
    }
}

/// Sets up what every worker has, however it was started: its crash handler and its signals.
static void settle(struct cforkpool_crash *crash, uint32_t ignored_signals)
{
    cforkpool_state.worker.crash = crash;
    if (crash != NULL)
        install_crash_handler();
    reset_ending_signals();
    // Still blocked: one that was sent meanwhile is discarded.
    if (ignored_signals != 0)
        cforkpool_ignore_signals(ignored_signals);
}

void cforkpool_become_worker(struct cforkpool_crash *crash)
{
    SET_ROLE(CFORKPOOL_IN_WORKER);
    cforkpool_register_handlers();
    cforkpool_state.worker.is_by_exec = true;
    cforkpool_state.worker.stack_low = cforkpool_stack_low();
    // What it ignores it ignored when it was started.
    settle(crash, 0);
    // If memory is short, a body's exit() runs the program's own exit handlers.
    CALL(on_exit, bound.on_exit(on_body_exit, NULL));
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    // As in a forked worker. What the program's constructors printed is written first.
    if (is_buffered_file(stdout))
        bound.setvbuf(stdout, cforkpool_state.lines, _IOLBF, sizeof cforkpool_state.lines);
}

static pid_t get_parent(void)
{
    return (pid_t)raw_call(SYS_getppid, 0, 0, 0, 0, 0);
}

/// Waits until the parent watches this worker. One that it cannot watch, or does not within a second, has begun nothing and ends:
/// the map starts another. A record with any other word was damaged by another worker, and says nothing.
static void await_parent(uint32_t *known, pid_t parent)
{
    uint32_t seen = CFORKPOOL_UNKNOWN;
    for (int look = 0; look < 10 && get_parent() == parent; look++) {
        if (__atomic_compare_exchange_n(known, &seen, CFORKPOOL_WAITS, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            seen = CFORKPOOL_WAITS;
        if (seen == CFORKPOOL_KNOWN || seen > CFORKPOOL_REFUSED)
            return;
        if (seen == CFORKPOOL_REFUSED)
            break;
        int32_t error = cforkpool_futex_wait(known, seen, 100000000);
        if (error != 0 && error != -ETIMEDOUT && error != -EAGAIN && error != -EINTR)
            cforkpool_ppoll(NULL, 0, 100000000);
    }
    bound.exit_at_once(0);
}

_Noreturn void cforkpool_child(struct cforkpool_start *start, pid_t parent)
{
    bool is_template = start->entry == cforkpool_template_main;
    SET_ROLE(is_template ? CFORKPOOL_IN_TEMPLATE : CFORKPOOL_IN_WORKER);
    cforkpool_state.worker.parent = parent;
    // If the parent ended before this call, the line behind it sees it.
    CALL(prctl, raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    if (get_parent() != parent)
        bound.exit_at_once(0);
    settle(start->crash, start->ignored_signals);
    // This takes a lock, which a thread of the host may have held at the fork. The pool finds a worker that waits for
    // it; a template never exits by itself, and must not wait. If memory is short, a body's exit() runs the host's exit
    // handlers.
    if (!is_template)
        CALL(on_exit, bound.on_exit(on_body_exit, NULL));
    // A worker must not take input that the host has yet to read. Without /dev/null it has no standard input.
    raw_call(SYS_close, STDIN_FILENO, 0, 0, 0, 0);
    CALL(open, raw_call(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY, 0, 0));
    bound.fpurge(stdin);
    bound.fpurge(stdout);
    bound.fpurge(stderr);
    if (!is_template)
        write_lines();
    if (&swift_task_checkIsolated_hook != NULL)
        swift_task_checkIsolated_hook = allow_isolated;
    if (&swift_task_isIsolatingCurrentContext_hook != NULL)
        swift_task_isIsolatingCurrentContext_hook = is_isolated;
    // The parent has had the time for it.
    if (start->known != NULL)
        await_parent(start->known, parent);
    static const sigset_t none;
    if (!start->keeps_signals_blocked)
        bound.sigprocmask(SIG_SETMASK, &none, NULL);
    cforkpool_exit(start->entry(start->context, start->worker));
}

_Noreturn void cforkpool_exit(int32_t status)
{
    // The kernel keeps no status for a host that ignores SIGCHLD.
    struct cforkpool_crash *record = cforkpool_state.worker.crash;
    if (record != NULL)
        __atomic_store_n(&record->signal, ~(status & 0xff), __ATOMIC_RELEASE);
    // Not all streams of a forked worker: it has copies of the parent's, and shares the offsets of its files. Output that the
    // system refuses is lost, as at any exit.
    bound.fflush(stdout);
    bound.fflush(stderr);
    if (cforkpool_state.worker.is_by_exec)
        cforkpool_flush_all();
    if (__llvm_profile_write_file != NULL)
        __llvm_profile_write_file();
    bound.exit_at_once(status);
    __builtin_unreachable();
}
