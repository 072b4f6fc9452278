#ifndef CFORKPOOL_MACHINE_H
#define CFORKPOOL_MACHINE_H

// The machine and its words: machine.c.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

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

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
