// SPDX-License-Identifier: Apache-2.0
#include "CForkCount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef _GNU_SOURCE
#error "CForkCount needs _GNU_SOURCE, which Package.swift defines"
#endif

enum { NO_PROGRAM = 127 };

/// Restricts this process and its descendants to one processor.
///
/// With one processor, workers sleep at once instead of spinning for work. So the counts do not depend on the load of
/// the machine.
static void stay_on_one_processor(void)
{
    cpu_set_t mine, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        return;
    for (int number = 0; number < CPU_SETSIZE && CPU_COUNT(&one) == 0; number++)
        if (CPU_ISSET(number, &mine))
            CPU_SET(number, &one);
    sched_setaffinity(0, sizeof one, &one);
}

/// Runs in the child: stops, so that the tracer can attach, and then becomes the program.
static _Noreturn void become(const char *path, char *const *arguments, char *const *environment)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    raise(SIGSTOP);
    execve(path, arguments, environment);
    _exit(NO_PROGRAM);
}

/// Whether a stop is the entry of a system call; the exit is a stop too.
static bool is_entry(pid_t pid)
{
    struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE};
    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

#ifdef __x86_64__
/// Whether an instruction locks memory or is a fence: `lock`, `xchg` with memory, `mfence`.
static bool locks(const unsigned char code[static sizeof(long)])
{
    size_t i = 0;
    for (; i < 4 && memchr("\x66\x67\x2e\x36\x3e\x26\x64\x65\xf2\xf3", code[i], 10) != NULL; i++)
        ;
    if (code[i] == 0xf0)
        return true;
    // A REX prefix.
    if ((code[i] & 0xf0) == 0x40)
        i++;
    return ((code[i] & 0xfe) == 0x86 && code[i + 1] < 0xc0)
        || (code[i] == 0x0f && code[i + 1] == 0xae && code[i + 2] == 0xf0);
}

static bool locks_next(pid_t pid)
{
    long address = ptrace(PTRACE_PEEKUSER, pid, (void *)offsetof(struct user, regs.rip), NULL);
    long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)address, NULL);
    unsigned char code[sizeof word];
    memcpy(code, &word, sizeof word);
    return locks(code);
}
#else
static bool locks_next(pid_t pid)
{
    (void)pid;
    return false;
}
#endif

/// Whether this is a process, not a thread, and has memory of its own: a process that shares the program's only watches over
/// the others.
static bool is_descendant(pid_t pid, pid_t program)
{
    static pid_t last;
    static bool was_descendant;
    // Most stops are one process's, one after the other.
    if (pid != last) {
        last = pid;
        was_descendant = syscall(SYS_tgkill, pid, pid, 0) == 0 && syscall(SYS_kcmp, pid, program, KCMP_VM, 0, 0) != 0;
    }
    return was_descendant;
}

/// Resumes a stopped process until its next instruction, or until the entry or exit of its next system call.
static void resume(pid_t pid, int status, bool steps, struct cforkcount_run *run)
{
    int number = WSTOPSIG(status), event = status >> 16;
    // If the process was killed meanwhile, the next wait reports it.
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
        // A stop by SIGSTOP or a similar signal, which lasts until SIGCONT.
        ptrace(PTRACE_LISTEN, pid, NULL, 0L);
        return;
    }
    bool is_call = number == (SIGTRAP | 0x80), is_step = steps && event == 0 && number == SIGTRAP;
    if (is_call)
        run->system_calls += is_entry(pid);
    if (steps) {
        run->instructions++;
        run->locked += locks_next(pid);
    }
    long signal = is_call || is_step || event != 0 ? 0 : number;
    ptrace(steps ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid, NULL, signal);
}

static void trace(pid_t program, bool steps, struct cforkcount_run *run)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
        | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;
    errno = 0;
    if (waitpid(program, &status, WUNTRACED) < 0 || !WIFSTOPPED(status)
        || ptrace(PTRACE_SEIZE, program, NULL, options) != 0) {
        // There is no errno if the process ended before it could be traced.
        run->error = errno != 0 ? errno : ECHILD;
        kill(program, SIGKILL);
        return;
    }
    kill(program, SIGCONT);
    pid_t pid;
    // Until no process is left.
    while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (pid <= 0)
            continue;
        if (WIFSTOPPED(status))
            resume(pid, status, steps && pid != program && is_descendant(pid, program), run);
        else if (pid == program)
            run->status = status;
    }
}

struct cforkcount_run cforkcount_run(
    const char *path, char *const *arguments, char *const *environment, bool steps, uint32_t seconds)
{
#ifndef __x86_64__
    if (steps)
        return (struct cforkcount_run){.error = ENOTSUP};
#endif
    struct cforkcount_run result = {.error = 0};
    struct cforkcount_run *run =
        mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run == MAP_FAILED)
        return (struct cforkcount_run){.error = errno};
    run->error = ETIMEDOUT;
    pid_t tracer = fork();
    if (tracer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Its end by the alarm also kills the traced processes (PTRACE_O_EXITKILL).
        sigset_t none;
        sigemptyset(&none);
        signal(SIGALRM, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        alarm(seconds);
        // The tracer stays there too: waking another processor takes longer than its work at a stop.
        stay_on_one_processor();
        pid_t program = fork();
        if (program == 0)
            become(path, arguments, environment);
        struct cforkcount_run traced = {.error = program < 0 ? errno : 0};
        if (program > 0)
            trace(program, steps, &traced);
        *run = traced;
        _exit(0);
    }
    result.error = errno;
    if (tracer > 0) {
        while (waitpid(tracer, NULL, 0) < 0 && errno == EINTR)
            ;
        result = *run;
    }
    munmap(run, sizeof *run);
    return result;
}

int32_t cforkcount_counter(void)
{
    int file = memfd_create("forkpool-count", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, sizeof(int64_t)) == 0)
        return file < 0 ? -errno : file;
    int error = errno;
    close(file);
    return -error;
}

void cforkcount_fix_addresses(bool are_fixed)
{
    int now = personality(0xffffffff);
    if (now >= 0)
        personality(are_fixed ? now | ADDR_NO_RANDOMIZE : now & ~ADDR_NO_RANDOMIZE);
}
