// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_SYSTEM_H
#define CFORKPOOL_SYSTEM_H

/// Calls of the system that Swift cannot make, in the manner of CForkPool.h: waits, event counters, memory, the machine.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

struct cforkpool_ending;

// MARK: - Waiting and signalling: wait.c. Every function here is async-signal-safe.

/// Waits for a child, by its pidfd unless that is negative, and reaps it. Returns 0 or a negative errno: ECHILD if the
/// host reaped it.
int32_t cforkpool_reap(int32_t pid, int32_t pidfd, struct cforkpool_ending *ending);
/// The layout of `struct pollfd`.
struct cforkpool_poll {
    int32_t fd;
    int16_t events, revents;
};

/// Waits for a readable descriptor, at most `timeout_ns` (negative: no timeout). Returns how many are ready, or -errno.
int32_t cforkpool_ppoll(struct cforkpool_poll *_Nullable entries, int32_t count, int64_t timeout_ns);
/// Sends `signal` to the process that `pidfd` names. A process that reuses the id cannot be hit.
int32_t cforkpool_pidfd_send_signal(int32_t pidfd, int32_t signal);
/// Sends `signal` to a process by its id, which is its own until it is reaped.
int32_t cforkpool_kill(int32_t pid, int32_t signal);
/// Tells the processor that the calling thread spins.
void cforkpool_pause(void);
/// Waits while `*word` is `expected`, across processes. Returns 0 or -errno: EAGAIN (it differs), EINTR, ETIMEDOUT.
int32_t cforkpool_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);
/// Wakes at most `count` waiters of `word`, across processes; returns how many.
int32_t cforkpool_futex_wake(uint32_t *word, int32_t count);
/// The same among the threads of this process.
int32_t cforkpool_futex_wait_private(uint32_t *word, uint32_t expected, int64_t timeout_ns);
int32_t cforkpool_futex_wake_private(uint32_t *word, int32_t count);

// MARK: - Event counters: event.c

/// A counter with a descriptor that is readable after a notification (eventfd). No forked worker keeps it.
struct cforkpool_event {
    int32_t fd;
    struct cforkpool_event *_Nullable next;
    struct cforkpool_event *_Nullable previous;
};

/// Makes a counter. Returns NULL and a negative errno in `*error`.
struct cforkpool_event *_Nullable cforkpool_event_make(int32_t *error);
/// Closes a counter.
void cforkpool_event_free(struct cforkpool_event *event);
/// Makes a counter readable; async-signal-safe. Returns 0 or a negative errno.
int32_t cforkpool_event_notify(struct cforkpool_event *event);
/// Makes it 0 again.
void cforkpool_event_drain(struct cforkpool_event *event);
/// Gives a counter another descriptor, because the program closed the one that it had. Returns whether it has one.
bool cforkpool_event_reopen(struct cforkpool_event *event);

// MARK: - Files: file.c

/// Opens a file (close-on-exec), to read it, or to read and write it, and then makes it if it is not there. No forked worker
/// keeps it. Returns NULL and a negative errno in `*error`; `cforkpool_event_free` closes it.
struct cforkpool_event *_Nullable cforkpool_open_file(const char *path, bool writes, int32_t *error);
/// Locks a file (fcntl), for this process alone or for those that read it. Returns 0 or a negative errno: EAGAIN if another
/// process has it, which `*owner` is then, or 0 if the kernel does not say. No fork has the lock, and it ends with the process,
/// or as soon as that closes any descriptor of the file. In C because Swift does not import the call.
int32_t cforkpool_fcntl_lock(int32_t fd, bool writes, int32_t *owner);
/// What a file is.
struct cforkpool_file {
    int64_t size;
    uint64_t device;
    uint64_t inode;
    uint64_t links;
};
/// Describes a regular file, by its descriptor or its path. Returns 0 or a negative errno: EINVAL for what is no file.
int32_t cforkpool_fstat(int32_t fd, struct cforkpool_file *file);
int32_t cforkpool_stat(const char *path, struct cforkpool_file *file);
/// Returns where the next bytes from an offset on are that lie in no hole; INT64_MAX if there are none.
int64_t cforkpool_lseek_data(int32_t fd, int64_t offset);
/// Reads and writes at an offset; returns the number of bytes or a negative errno.
int64_t cforkpool_pread(int32_t fd, void *bytes, size_t length, int64_t offset);
int64_t cforkpool_pwrite(int32_t fd, const void *bytes, size_t length, int64_t offset);
/// Writes to standard error; a reader that is gone, or a file that is full, ends nothing.
void cforkpool_say(const char *_Nonnull line, size_t length);
int32_t cforkpool_ftruncate(int32_t fd, int64_t size);
/// Has the kernel write a file's bytes to its disk.
int32_t cforkpool_fdatasync(int32_t fd);
/// Has the kernel write a folder's names to its disk.
int32_t cforkpool_fsync_folder(const char *path);
/// Goes on with a CRC-32C, which begins with 0. In C for the processor's instruction.
uint32_t cforkpool_crc32c(uint32_t crc, const void *bytes, size_t length);

// MARK: - Shared memory: memory.c

/// Maps `size` bytes of zeroed memory that forked children share. Returns NULL and a negative errno in `*error`.
void *_Nullable cforkpool_mmap_shared(size_t size, int32_t *error);
/// Makes `size` bytes of zeroed memory with a descriptor (close-on-exec); its size is sealed. Returns the descriptor;
/// EFBIG beyond the limit on the size of files.
int32_t cforkpool_memfd(size_t size);
/// Maps such memory. Returns NULL and a negative errno in `*error`.
void *_Nullable cforkpool_mmap_memfd(int32_t fd, size_t size, int32_t *error);
/// Makes a file in memory that programs append to (close-on-exec). Returns the descriptor.
int32_t cforkpool_capture(void);
/// Frees the pages of a part of a shared mapping; they read as zero afterwards.
int32_t cforkpool_madvise_remove(void *address, size_t size);
/// Maps pages at once instead of by one fault a page. MADV_POPULATE_WRITE is newer than Debian 12's headers.
int32_t cforkpool_madvise_populate(void *address, size_t size);
/// The same for fresh private memory that is about to be written from end to end; in huge pages if there are any.
int32_t cforkpool_madvise_fresh(void *address, size_t size);
/// The bytes that a robust, shared lock needs.
#define CFORKPOOL_MUTEX_SIZE 64

/// Makes a lock in shared memory whose holder may die. pthread_mutex_t is opaque to Swift.
int32_t cforkpool_mutex_init(void *mutex);
/// Locks. Returns 0, or 1 if the holder before died with the lock, which is usable again, or a negative errno.
int32_t cforkpool_mutex_lock(void *mutex);
int32_t cforkpool_mutex_unlock(void *mutex);

// MARK: - The machine: machine.c

/// Counts the processors that this process may run on, or returns a negative errno.
int32_t cforkpool_sched_getaffinity_count(void);
/// The processor that the calling thread is on, or -1.
int32_t cforkpool_sched_getcpu(void);
/// Writes the name of `signal` ("SEGV") into `name`; returns its length, or 0 if it has none.
size_t cforkpool_sigabbrev(int32_t signal, char *name, size_t capacity);
/// Has ForkPoolFoundation, if the program has it, describe a Swift error: both are pointers to Swift values, of type
/// `any Error` and `String?`. Returns false if the program does not have it.
///
/// In C because Swift has no reference to a function that may be missing.
bool cforkpool_describe(const void *error, void *text);
/// Writes the text of an errno into `text`; returns its length. Unlike strerror it takes no lock.
size_t cforkpool_strerror(int32_t error, char *text, size_t capacity);

// MARK: - Orphans: template.c

/// How long a worker, or a template, that waits to be told something sleeps until it looks whether its parent has ended, in
/// nanoseconds: -1 where the kernel ends it with its parent, which a filter of system calls can refuse to do.
int64_t cforkpool_orphan_check_time(void);
/// Whether the parent of the calling worker or template has ended.
bool cforkpool_is_orphan(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
