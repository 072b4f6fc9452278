// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKFLOOR_H
#define CFORKFLOOR_H

/// The floor of `forkpool overhead`: the same work in plain C, with the least code.
///
/// It uses fork, an atomic cursor, shared slots and waitpid, and a futex for warm children. It handles no failure,
/// blocks no signal and replaces no worker. Only measurements use it.

#include <stdbool.h>
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

/// Starts `workers` warm children, which wait for work; kills those from an earlier call. 0 only kills.
void cforkfloor_warm(int32_t workers);

/// Fills `items` slots of `size` bytes each in the warm children.
///
/// As in all warm functions, the children sleep in a futex until they are woken, and the caller sleeps until the last
/// child is done.
void cforkfloor_warm_fill(int64_t items, size_t size);

/// Sends `input` to a warm child, which returns it; with one child.
int64_t cforkfloor_warm_call(int64_t input);

/// Copies `items` inputs into the region, and maps a function that returns its argument over them in the warm children,
/// `chunk` at a time; each item's 8 bytes and a state byte go into its slots. The region has 17 bytes an item.
void cforkfloor_warm_map(const int64_t *inputs, int64_t items, int64_t chunk);

/// Copies `count` parts of `size` bytes each, which lie behind each other in the slots from `offset` on, into memory of their
/// own from `malloc`, and then frees the copies; returns whether there was memory for all.
bool cforkfloor_copy(size_t offset, int64_t count, size_t size);

/// Sleeps `nanoseconds` for each of `items` items in `workers` forked children.
void cforkfloor_sleep(int32_t workers, int64_t items, int64_t nanoseconds);

/// Computes `turns` steps for each of `items` items in `workers` forked children.
void cforkfloor_compute(int32_t workers, int64_t items, int64_t turns);

/// Forks a child that kills itself; returns the nanoseconds from the kill until the parent has the status.
int64_t cforkfloor_crash(void);

/// Forks a child that does nothing, and kills it after `nanoseconds`; returns the nanoseconds from its start
/// until the parent has the status.
int64_t cforkfloor_timeout(int64_t nanoseconds);

/// Adds one to the cursor `count` times, as a claim does.
void cforkfloor_claim(int64_t count);

/// Starts `workers` children that serve streams, as a ring of batches in shared memory; ends those from an earlier call. 0 only
/// ends them.
void cforkfloor_stream_workers(int32_t workers);

/// Streams the numbers below `items` through a function that returns its argument, in batches of 1000; returns their sum.
int64_t cforkfloor_stream(int64_t items);

/// Starts `workers` children that serve a queue of calls in shared memory; ends those from an earlier call. 0 only ends them.
void cforkfloor_call_workers(int32_t workers);

/// Submits `count` calls, at most 131 072, of a function that returns its argument, waits for each, and returns the sum.
int64_t cforkfloor_calls(int32_t count);

/// The bytes that a pending call takes.
size_t cforkfloor_call_size(void);

/// The bytes that this process has allocated (`mallinfo2`, which Swift does not import).
size_t cforkfloor_allocated(void);

/// The results of `cforkfloor_coded`.
enum cforkfloor_value {
    /// 105 bytes.
    CFORKFLOOR_STRING,
    /// 100 entries of a text and a number.
    CFORKFLOOR_TABLE,
    /// Eight fields.
    CFORKFLOOR_RECORD
};

/// Makes `items` results in 2 forked children, and copies each into memory of its own, which it frees at the end.
void cforkfloor_coded(enum cforkfloor_value kind, int64_t items);

/// Starts a crowd of `workers` children, waits until each of them runs, and ends that of an earlier call; each waits at a
/// futex word of its own. 0 only ends it. Returns whether the system gave what it needs.
bool cforkfloor_crowd(int32_t workers);

/// Sends `input` to one child of the crowd, which returns it: the one that was idle for the shortest time.
int64_t cforkfloor_crowd_call(int64_t input);

/// Gives the pages of `size` bytes of the region back, from `offset` on; the bytes are zero then.
void cforkfloor_discard(size_t offset, size_t size);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
