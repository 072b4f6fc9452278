// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/// Starting this program again as a worker, and what such a worker does before the library's Swift code.

/// The exit status of a process that cannot be a worker; its main never runs.
enum { EXIT_NO_WORKER = 121 };

// MARK: - In the parent

/// Has execve close every descriptor above the standard ones, one by one. Only calls of the kernel, as after vfork.
static void mark_descriptors(void)
{
    // EBADF is the only error of these.
    int folder = CALL(open, open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder < 0) {
        struct rlimit limit;
        bool is_limited = CALL(getrlimit, getrlimit(RLIMIT_NOFILE, &limit)) == 0 && limit.rlim_max < 1 << 20;
        for (int fd = STDERR_FILENO + 1; fd < (is_limited ? (int)limit.rlim_max : 1 << 20); fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        return;
    }
    _Alignas(struct dirent64) char entries[2048];
    long length;
    while ((length = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0) {
        for (long at = 0; at < length; at += ((struct dirent64 *)(entries + at))->d_reclen) {
            int fd = 0;
            for (const char *digit = ((struct dirent64 *)(entries + at))->d_name; *digit >= '0' && *digit <= '9'; digit++)
                fd = fd * 10 + (*digit - '0');
            if (fd > STDERR_FILENO)
                fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
    close(folder);
}

pid_t cforkpool_exec_child(struct cforkpool_forker *forker, struct cforkpool_start *start, const char **call)
{
    const struct cforkpool_exec *exec = start->context;
    // The process may have changed its rights since its pool was started.
    int32_t obstacle = cforkpool_exec_obstacle(call);
    if (obstacle < 0)
        return obstacle;
    int32_t gives_rights = obstacle > 0 ? 0 : cforkpool_exec_gives_rights(call);
    if (gives_rights < 0)
        return gives_rights;
    *call = "execve";
    if (obstacle > 0)
        return -EPERM;
    struct cforkpool_told told = {
        .memory = exec->memory, .number = start->worker, .parent = getpid(), .is_dumpable = cforkpool_is_dumpable(),
        .stack_size = forker->stack.size, .token = exec->token,
    };
    fegetenv(&told.rounding);
    // One process after the other is started with a pool's environment.
    struct cforkpool_environment *environment = exec->environment;
    memcpy(environment->worker, CFORKPOOL_VARIABLE "=", sizeof CFORKPOOL_VARIABLE);
    cforkpool_write_told(&told, environment->worker + sizeof CFORKPOOL_VARIABLE);
    static char *const nameless[] = {"", NULL};
    char *const *given = cforkpool_state.exec.arguments != NULL ? cforkpool_state.exec.arguments : nameless;
    // Written by the child, which has this very memory until execve.
    volatile int error = 0;
    const char *volatile refused_call = NULL;
    pid_t pid = CALL(vfork, vfork());
    if (pid == 0) {
        CALL(prctl, prctl(PR_SET_PDEATHSIG, SIGKILL));
        if (getppid() != told.parent)
            _exit(EXIT_NO_WORKER);
        cforkpool_set_signals(start->ignored_signals, SIG_IGN);
        cforkpool_enter(environment);
        int null = CALL(open, open("/dev/null", O_RDONLY));
        if (null > STDIN_FILENO) {
            CALL(dup2, dup2(null, STDIN_FILENO));
            close(null);
        }
        // A kernel before 5.11 cannot do that.
        if (CALL(close_range, syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC)) != 0)
            mark_descriptors();
        // A worker has the rights of the thread that made its pool, and no others.
        refused_call = cforkpool_give_up_rights(gives_rights);
        if (refused_call == NULL && CALL(fcntl_flags, fcntl(exec->memory, F_SETFD, 0)) != 0)
            refused_call = "fcntl";
        // The link leads to the file of this very process, which may have no name any more.
        if (refused_call == NULL)
            CALL(execve, execve("/proc/self/exe", given, environment->variables));
        error = errno;
        _exit(EXIT_NO_WORKER);
    }
    int refused = errno;
    if (pid < 0) {
        *call = "vfork";
        return -refused;
    }
    if (error != 0) {
        if (refused_call != NULL)
            *call = refused_call;
        cforkpool_wait_for(pid, 0);
        return -error;
    }
    return pid;
}

// MARK: - In the worker

/// Swift's side; absent in a program that has the shim alone.
extern void cforkpool_exec_worker(int32_t memory, int32_t number, uint64_t token) __attribute__((weak));

/// Exported by Dispatch for run loops: a descriptor that is readable when the main queue has work, and a function that
/// does the work. `dispatch_main` is no alternative: it needs a main that was called.
extern int _dispatch_get_main_queue_handle_4CF(void) __attribute__((weak));
extern void _dispatch_main_queue_callback_4CF(void *_Nullable message) __attribute__((weak));

static void *worker_main(void *unused)
{
    (void)unused;
    const struct cforkpool_told *told = &cforkpool_state.exec.told;
    cforkpool_exec_worker(told->memory, told->number, told->token);
    cforkpool_exit(0);
}

void cforkpool_refuse_worker(const char *why)
{
    // Not stdio, whose locks and buffers are the program's. One call, since other workers may say the same now. If standard
    // error refuses it, the status remains.
    static const char what[] = "forkpool: this process cannot be a worker: ";
    const struct iovec parts[] = {{(void *)what, sizeof what - 1}, {(void *)why, strlen(why)}, {"\n", 1}};
    CALL(write, writev(STDERR_FILENO, parts, sizeof parts / sizeof *parts));
    _exit(EXIT_NO_WORKER);
}

/// Refuses memory that another user made: what runs with more rights than its caller, and took over the caller's
/// environment and descriptors, must not run what that memory describes.
static void check_memory(int memory)
{
    struct stat file;
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = CALL(fcntl_seals, fcntl(memory, F_GET_SEALS));
    if (seals < 0 || (seals & wanted) != wanted || CALL(stat, fstat(memory, &file)) != 0)
        cforkpool_refuse_worker("the variable " CFORKPOOL_VARIABLE " names no memory of a pool; unset it");
    if (file.st_uid != 0 && file.st_uid != geteuid())
        cforkpool_refuse_worker("its memory was made by another user; start the pool after the process has changed its user");
}

/// Takes over as the worker that `text` describes. The program's main must not run, whatever happens.
static void take_over(const char *text)
{
    struct cforkpool_told *told = &cforkpool_state.exec.told;
    if (!cforkpool_read_told(text, told))
        cforkpool_refuse_worker("the variable " CFORKPOOL_VARIABLE " is not one that a pool set; unset it");
    cforkpool_state.worker.parent = told->parent;
    unsetenv(CFORKPOOL_VARIABLE);
    // The kernel named it after the file that it was started from: "exe".
    CALL(prctl, prctl(PR_SET_NAME, program_invocation_short_name));
    // The death signal was set before execve, and lasts; but the parent may have ended before.
    if (getppid() != told->parent)
        cforkpool_refuse_worker("its parent is not the pool that the variable " CFORKPOOL_VARIABLE " names; unset it");
    check_memory(told->memory);
    if (CALL(fcntl_flags, fcntl(told->memory, F_SETFD, FD_CLOEXEC)) != 0)
        cforkpool_refuse_worker("the variable " CFORKPOOL_VARIABLE " is not one that a pool set; unset it");
    if (!told->is_dumpable && !cforkpool_forbid_dumps())
        cforkpool_refuse_worker("the system refused prctl, which makes it undumpable, as the pool's process is");
}

/// Is that worker until its end.
static _Noreturn void run_worker(void)
{
    size_t stack_size = cforkpool_state.exec.told.stack_size;
    if (!cforkpool_take_rounding(cforkpool_state.exec.told.rounding))
        cforkpool_refuse_worker("the processor refused the pool's way of rounding");
    if (cforkpool_exec_worker == NULL)
        cforkpool_refuse_worker("the program has no library");
    pthread_t thread;
    struct cforkpool_stack stack = {0};
    if (!cforkpool_make_stack(&stack, stack_size)
        || cforkpool_create_thread(&thread, &stack, worker_main, NULL) != 0)
        cforkpool_refuse_worker("the system refused a thread");
    // The main thread is the main actor's and the main queue's, as in any program.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (_dispatch_get_main_queue_handle_4CF == NULL || _dispatch_main_queue_callback_4CF == NULL) {
        for (;;)
            pause();
    }
    struct pollfd work = {.fd = _dispatch_get_main_queue_handle_4CF(), .events = POLLIN};
    for (;;) {
        uint64_t count;
        if (CALL(poll, poll(&work, 1, -1)) <= 0)
            continue;
        // Another reader may have emptied it meanwhile; the queue then has nothing to do.
        if (CALL(read, read(work.fd, &count, sizeof count)) >= 0 || errno == EAGAIN)
            _dispatch_main_queue_callback_4CF(NULL);
    }
}

// MARK: - The way in

typedef void (*constructor)(int, char **, char **);

/// The linker's list of the constructors of the image that this file is part of.
extern const constructor __init_array_start[] __attribute__((weak, visibility("hidden")));
extern const constructor __init_array_end[] __attribute__((weak, visibility("hidden")));

/// The header of the image that this file is part of.
extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));

/// Returns whether this file is part of the executable, not of a library.
static bool is_in_executable(void)
{
    if (&__ehdr_start == NULL)
        return false;
    return (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff == getauxval(AT_PHDR);
}

/// The text that makes this process a worker, or NULL. A program that has more rights than its caller (setuid, setgid, file
/// capabilities) is no worker, and neither is what it starts: the caller made its environment.
static const char *worker_text(void)
{
    const char *text = secure_getenv(CFORKPOOL_VARIABLE);
    if (text == NULL)
        unsetenv(CFORKPOOL_VARIABLE);
    return text;
}

/// Runs before main. In a worker it does not return; it runs the constructors that would come after it, so that the
/// libraries of a static program, and the program's own types, are ready.
__attribute__((constructor)) static void enter(int argc, char **argv, char **envp)
{
    cforkpool_state.exec.arguments = argv;
    const char *text = worker_text();
    if (text == NULL || !is_in_executable())
        return;
    take_over(text);
    bool is_later = false;
    for (const constructor *next = __init_array_start; next < __init_array_end; next++) {
        if (is_later && *next != NULL && (uintptr_t)*next != UINTPTR_MAX)
            (*next)(argc, argv, envp);
        if (*next == enter)
            is_later = true;
    }
    run_worker();
}

bool cforkpool_enters_before_main(void)
{
    return cforkpool_state.exec.has_bootstrap || is_in_executable();
}

void cforkpool_bootstrap(void)
{
    cforkpool_state.exec.has_bootstrap = true;
    const char *text = worker_text();
    if (text == NULL)
        return;
    take_over(text);
    run_worker();
}
