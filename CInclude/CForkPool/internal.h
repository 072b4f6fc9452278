#ifndef CFORKPOOL_INTERNAL_H
#define CFORKPOOL_INTERNAL_H

#ifndef _GNU_SOURCE
#error "CForkPool needs _GNU_SOURCE, which Package.swift defines"
#endif

#include "CForkPool.h"

#include <stdlib.h>

/// Never returns: makes the forked child a worker, runs its entry and ends the process.
_Noreturn void cforkpool_child(struct cforkpool_start *start, pid_t parent);

/// Remembers where the calling thread's stack ends, for a crash handler to tell an overflow.
void cforkpool_note_stack(void);

/// Waits while `*word` is `expected`; private to this process. Returns on a wake, a signal or a changed word.
void cforkpool_futex_wait_private(_Atomic(uint32_t) *word, uint32_t expected);

/// Wakes every waiter of `word` in this process.
void cforkpool_futex_wake_private(_Atomic(uint32_t) *word);

#endif
