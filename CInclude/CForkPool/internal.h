#ifndef CFORKPOOL_INTERNAL_H
#define CFORKPOOL_INTERNAL_H

#ifndef _GNU_SOURCE
#error "CForkPool needs _GNU_SOURCE, which Package.swift defines"
#endif

#include "CForkPool.h"
#include "inject.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>

/// Never returns: makes the forked child a worker, runs its entry and ends the process.
_Noreturn void cforkpool_child(struct cforkpool_start *start, pid_t parent);

/// Forks a child that becomes a worker of `parent`, which is the calling process; returns its id or a negative errno.
pid_t cforkpool_fork_child(struct cforkpool_start *start, pid_t parent);

/// Registers, once, what is to be done in every forked child; the caller is the only one who does so now.
void cforkpool_register_handlers(void);

/// Starts this program again as the worker that `start->context` describes; returns its id, or a negative errno of the
/// call that `*call` names then.
pid_t cforkpool_exec_child(struct cforkpool_start *start, const char **call);

/// Whether one more descriptor is to be had: a child that cannot be watched must not begin anything. If not, says so.
bool cforkpool_can_open(struct cforkpool_start *start);

/// Says what became of a start whose `call` returned `pid`.
void cforkpool_finish_start(struct cforkpool_start *start, pid_t pid, const char *call);

/// Remembers where the calling thread's stack ends, for a crash handler to tell an overflow.
void cforkpool_note_stack(void);

/// Moves a descriptor that a worker inherits above the three standard ones; returns it or a negative errno.
int32_t cforkpool_above_standard(int32_t fd);

/// The private memory that the process can still get, in bytes; UINT64_MAX if it is not limited. Async-signal-safe.
uint64_t cforkpool_memory_left(void);

/// Waits for a child and reaps it, as `cforkpool_waitid`, by whatever names it.
int32_t cforkpool_reap(int32_t kind, int32_t id, struct cforkpool_ending *ending);

#endif
