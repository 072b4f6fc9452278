#ifndef CFORKPOOL_MEMORY_H
#define CFORKPOOL_MEMORY_H

// Shared memory: memory.c.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Reserves `size` bytes of zeroed memory that forked children share, without a name, a file or a commitment.
/// Returns NULL and a negative errno in `*error` if refused.
///
/// In C because MAP_FAILED is a cast that Swift does not import.
void *_Nullable cforkpool_mmap_shared(size_t size, int32_t *error);

/// Makes `size` bytes of zeroed memory that has a descriptor (close-on-exec), so that a program that is started
/// later can map it; its size is sealed. Returns the descriptor or a negative errno.
///
/// In C because memfd_create is hidden from Swift.
int32_t cforkpool_memfd(size_t size);

/// Maps such memory. Returns NULL and a negative errno in `*error` if refused.
void *_Nullable cforkpool_mmap_memfd(int32_t fd, size_t size, int32_t *error);

/// Gives the pages of a part of a shared mapping back to the system; they read as zero afterwards.
///
/// In C because MADV_REMOVE is hidden from Swift.
int32_t cforkpool_madvise_remove(void *address, size_t size);

/// Maps existing pages of a shared mapping into this process at once instead of by one fault a page.
///
/// In C because MADV_POPULATE_WRITE is newer than the headers of Debian 12's kernel.
int32_t cforkpool_madvise_populate(void *address, size_t size);

/// Prepares whole pages of fresh private memory that are about to be written from end to end: in huge pages where
/// there are some to be had, and by one call instead of one fault a page.
///
/// In C for the same reason.
int32_t cforkpool_madvise_fresh(void *address, size_t size);

/// The bytes that a robust, shared lock needs.
#define CFORKPOOL_MUTEX_SIZE 64

/// Makes a lock in shared memory whose holder may die.
///
/// In C, as the next three, because pthread_mutex_t is opaque and its attributes are macros.
int32_t cforkpool_mutex_init(void *mutex);
/// Locks; returns 0, or 1 if the holder before died while it held the lock (which is usable again), or a
/// negative errno.
int32_t cforkpool_mutex_lock(void *mutex);
/// Unlocks; returns 0 or a negative errno.
int32_t cforkpool_mutex_unlock(void *mutex);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
