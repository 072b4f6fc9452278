// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_INJECT_H
#define CFORKPOOL_INJECT_H

/// The calls of the shim that can fail, and how a test makes them fail.
///
/// The rule: a call that the kernel can refuse is a `CALL`, and the caller handles its failure. Refused means that the
/// man page names an error that valid arguments can meet: no memory (so malloc, on_exit and pthread_getattr_np too), a
/// limit, a missing descriptor or process, a missing right or feature. What fails for wrong arguments alone is no
/// `CALL`: getpid and its like, sigaction, the signal masks, raise, close (which frees the descriptor even if it
/// reports an error), and the pthread calls that only change memory.
///
/// A debug build asks before each `CALL` whether it is to fail; in a release build `CALL` is the call and nothing else.

/// The names by which `cforkpool_inject` knows the calls. A call that does several things has a name for each.
/// `tid_offset` is no system call but the self-check of stack.c.
#define CFORKPOOL_CALLS(CALL_NAMED) \
    CALL_NAMED(access) \
    CALL_NAMED(capget) \
    CALL_NAMED(capset) \
    CALL_NAMED(chdir) \
    CALL_NAMED(clone) \
    CALL_NAMED(close_range) \
    CALL_NAMED(dup2) \
    CALL_NAMED(eventfd) \
    CALL_NAMED(execve) \
    CALL_NAMED(fallocate) \
    CALL_NAMED(fcntl_append) \
    CALL_NAMED(fcntl_dup) \
    CALL_NAMED(fcntl_flags) \
    CALL_NAMED(fcntl_lock) \
    CALL_NAMED(fcntl_seals) \
    CALL_NAMED(fdatasync) \
    CALL_NAMED(fork) \
    CALL_NAMED(fsync) \
    CALL_NAMED(ftruncate) \
    CALL_NAMED(futex_wait) \
    CALL_NAMED(futex_wake) \
    CALL_NAMED(getcwd) \
    CALL_NAMED(getrlimit) \
    CALL_NAMED(getxattr) \
    CALL_NAMED(kill) \
    CALL_NAMED(madvise) \
    CALL_NAMED(malloc) \
    CALL_NAMED(memfd_create) \
    CALL_NAMED(mmap) \
    CALL_NAMED(mprotect) \
    CALL_NAMED(munlock) \
    CALL_NAMED(munmap) \
    CALL_NAMED(on_exit) \
    CALL_NAMED(open) \
    CALL_NAMED(perf_event_open) \
    CALL_NAMED(pidfd_open) \
    CALL_NAMED(pidfd_send_signal) \
    CALL_NAMED(poll) \
    CALL_NAMED(ppoll) \
    CALL_NAMED(prctl) \
    CALL_NAMED(pread) \
    CALL_NAMED(pselect) \
    CALL_NAMED(pthread_atfork) \
    CALL_NAMED(pthread_create) \
    CALL_NAMED(pthread_getattr_np) \
    CALL_NAMED(pthread_mutex_init) \
    CALL_NAMED(pwrite) \
    CALL_NAMED(read) \
    CALL_NAMED(sched_getaffinity) \
    CALL_NAMED(sched_getcpu) \
    CALL_NAMED(sched_setaffinity) \
    CALL_NAMED(setrlimit) \
    CALL_NAMED(sigaltstack) \
    CALL_NAMED(stat) \
    CALL_NAMED(tid_offset) \
    CALL_NAMED(timer_create) \
    CALL_NAMED(timer_settime) \
    CALL_NAMED(vfork) \
    CALL_NAMED(waitid) \
    CALL_NAMED(waitpid) \
    CALL_NAMED(write)

#ifdef CFORKPOOL_INJECTS

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define CFORKPOOL_ENUMERATE(name) CFORKPOOL_CALL_##name,
enum cforkpool_call { CFORKPOOL_CALLS(CFORKPOOL_ENUMERATE) CFORKPOOL_CALL_COUNT };

/// Counts a call and returns whether it is to fail; then `errno` is set. Async-signal-safe.
bool cforkpool_fails(enum cforkpool_call call);

/// Sets what this process is: one of `cforkpool_role`.
void cforkpool_set_role(int32_t role);

/// A call that reports a failure by `failure`.
#define CALL_OR(name, failure, call) (cforkpool_fails(CFORKPOOL_CALL_##name) ? (failure) : (call))

/// A call that is made even if it is to fail by `error`: a child that is not there was reaped.
#define CALL_EVEN_IF(error, name, call) \
    (cforkpool_fails(CFORKPOOL_CALL_##name) ? (errno == (error) ? (void)(call), errno = (error), -1 : -1) : (call))

#define SET_ROLE(role) cforkpool_set_role(role)

#else

#define CALL_OR(name, failure, call) (call)
#define CALL_EVEN_IF(error, name, call) (call)
#define SET_ROLE(role) ((void)0)

#endif

/// A call that reports a failure by -1.
#define CALL(name, call) CALL_OR(name, -1, call)

#endif
