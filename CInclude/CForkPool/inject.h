#ifndef CFORKPOOL_INJECT_H
#define CFORKPOOL_INJECT_H

/// The calls of the shim that the kernel can refuse, and how a test makes it seem to.
///
/// A debug build asks before each whether it is to fail; in a release build `CALL` is the call and nothing else.

/// Every such call, by the name that `cforkpool_inject` knows it by; those that do several things have a name for each.
#define CFORKPOOL_CALLS(CALL_NAMED) \
    CALL_NAMED(close_range) \
    CALL_NAMED(clone) \
    CALL_NAMED(dup2) \
    CALL_NAMED(eventfd) \
    CALL_NAMED(execve) \
    CALL_NAMED(fcntl_dup) \
    CALL_NAMED(fcntl_flags) \
    CALL_NAMED(fcntl_seals) \
    CALL_NAMED(fork) \
    CALL_NAMED(ftruncate) \
    CALL_NAMED(futex_wait) \
    CALL_NAMED(futex_wake) \
    CALL_NAMED(getrlimit) \
    CALL_NAMED(kill) \
    CALL_NAMED(madvise) \
    CALL_NAMED(memfd_create) \
    CALL_NAMED(mmap) \
    CALL_NAMED(munmap) \
    CALL_NAMED(open) \
    CALL_NAMED(perf_event_open) \
    CALL_NAMED(pidfd_open) \
    CALL_NAMED(pidfd_send_signal) \
    CALL_NAMED(poll) \
    CALL_NAMED(ppoll) \
    CALL_NAMED(prctl) \
    CALL_NAMED(pselect) \
    CALL_NAMED(pthread_atfork) \
    CALL_NAMED(pthread_create) \
    CALL_NAMED(pthread_mutex_init) \
    CALL_NAMED(read) \
    CALL_NAMED(sched_getaffinity) \
    CALL_NAMED(sched_setaffinity) \
    CALL_NAMED(setrlimit) \
    CALL_NAMED(sigaltstack) \
    CALL_NAMED(stat) \
    CALL_NAMED(timer_create) \
    CALL_NAMED(timer_settime) \
    CALL_NAMED(vfork) \
    CALL_NAMED(waitid) \
    CALL_NAMED(waitpid) \
    CALL_NAMED(write)

#ifdef CFORKPOOL_INJECTS

#include <errno.h>
#include <stdbool.h>

#define CFORKPOOL_ENUMERATE(name) CFORKPOOL_CALL_##name,
enum cforkpool_call { CFORKPOOL_CALLS(CFORKPOOL_ENUMERATE) CFORKPOOL_CALL_COUNT };

/// Counts a call, and says whether it is to fail; `errno` is set then. Async-signal-safe.
bool cforkpool_fails(enum cforkpool_call call);

/// Says what this process is from now on: one of `cforkpool_place`.
void cforkpool_enter_place(int32_t place);

/// A call that is told to have failed by `failure`.
#define CALL_OR(name, failure, call) (cforkpool_fails(CFORKPOOL_CALL_##name) ? (failure) : (call))

/// A call that, where it fails by `error`, was made for all that: a child that is not there was reaped.
#define CALL_EVEN_IF(error, name, call) \
    (cforkpool_fails(CFORKPOOL_CALL_##name) ? (errno == (error) ? (void)(call), errno = (error), -1 : -1) : (call))

#define ENTER_PLACE(place) cforkpool_enter_place(place)

#else

#define CALL_OR(name, failure, call) (call)
#define CALL_EVEN_IF(error, name, call) (call)
#define ENTER_PLACE(place) ((void)0)

#endif

/// A call that is told to have failed by -1, or not to have.
#define CALL(name, call) CALL_OR(name, -1, call)

#endif
