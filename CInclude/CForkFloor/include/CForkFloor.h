#ifndef CFORKFLOOR_H
#define CFORKFLOOR_H

/// The floor of `forkpool overhead`: what the mechanism costs when it is written down in plain C and nothing else.
///
/// Fork, an atomic cursor, shared slots, waitpid; a futex for children that stay. No failure is handled, no signal
/// blocked, no worker replaced, and nothing is told apart. Nothing but the measurement uses it.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Maps shared memory for a cursor and `size` bytes of slots, once; later calls reuse it. Returns the slots, or NULL.
unsigned char *_Nullable cforkfloor_region(size_t size);

/// Forks and reaps one child that does nothing.
void cforkfloor_fork(void);

/// Maps a function that returns its argument over `items` items in `workers` forked children, `chunk` at a time;
/// the 8 bytes of each result go into their slot.
void cforkfloor_map(int32_t workers, int64_t items, int64_t chunk);

/// Fills `items` slots of `size` bytes each in `workers` forked children.
void cforkfloor_fill(int32_t workers, int64_t items, size_t size);

/// Starts `workers` children that wait for rounds; ends them with 0 workers.
void cforkfloor_warm(int32_t workers);

/// Fills `items` slots of `size` bytes each in the children that `cforkfloor_warm` started.
///
/// As everything warm: the children sleep in a futex until they are woken, and the caller sleeps until the last is done.
void cforkfloor_warm_fill(int64_t items, size_t size);

/// Hands `input` to a warm child, which returns it: the C round trip, with one child.
int64_t cforkfloor_warm_call(int64_t input);

/// Copies `items` inputs into the region, and maps a function that returns its argument over them in the warm children,
/// `chunk` at a time; each item's 8 bytes and a state byte go into its slots. The region has 17 bytes an item.
void cforkfloor_warm_map(const int64_t *inputs, int64_t items, int64_t chunk);

/// Sleeps `nanoseconds` for each of `items` items in `workers` forked children.
void cforkfloor_sleep(int32_t workers, int64_t items, int64_t nanoseconds);

/// Adds `turns` numbers up for each of `items` items in `workers` forked children.
void cforkfloor_compute(int32_t workers, int64_t items, int64_t turns);

/// Forks a child that kills itself; returns the nanoseconds from there until the parent has its status.
int64_t cforkfloor_crash(void);

/// Forks a child that does nothing and kills it when it has run for `nanoseconds`; returns the nanoseconds from its
/// beginning until the parent has its status.
int64_t cforkfloor_timeout(int64_t nanoseconds);

/// Adds one to the cursor `count` times, as a claim does.
void cforkfloor_claim(int64_t count);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
