// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A stream as a ring of batches: the parent fills them and reads their results in order, the children claim them.

enum { BATCH = 1000, RING = 16, MOST_WORKERS = 64 };

struct batch {
    _Alignas(128) _Atomic(uint32_t) is_done;
    int64_t count;
    int64_t values[BATCH];
};

struct stream {
    /// The numbers of batches that were filled and that were claimed.
    _Alignas(128) _Atomic(uint32_t) filled;
    _Alignas(128) _Atomic(uint32_t) claimed;
    _Alignas(128) _Atomic(uint32_t) sleepers;
    /// How often a batch was done while the parent slept.
    _Alignas(128) _Atomic(uint32_t) wakes;
    _Atomic(uint32_t) parent_sleeps;
    struct batch ring[RING];
};

static struct stream *stream;
static pid_t pids[MOST_WORKERS];
static int32_t children;

static int64_t same(int64_t item)
{
    return item;
}
static int64_t (*volatile body)(int64_t) = same;

static void futex(_Atomic(uint32_t) *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static _Noreturn void work(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int64_t (*run)(int64_t) = body;
    for (;;) {
        uint32_t number = atomic_fetch_add(&stream->claimed, 1), filled;
        while ((int32_t)((filled = atomic_load(&stream->filled)) - number) <= 0) {
            atomic_fetch_add(&stream->sleepers, 1);
            if (atomic_load(&stream->filled) == filled)
                futex(&stream->filled, FUTEX_WAIT, filled);
            atomic_fetch_sub(&stream->sleepers, 1);
        }
        struct batch *batch = &stream->ring[number % RING];
        for (int64_t i = 0; i < batch->count; i++)
            batch->values[i] = run(batch->values[i]);
        atomic_store(&batch->is_done, 1);
        if (atomic_exchange(&stream->parent_sleeps, 0)) {
            atomic_fetch_add(&stream->wakes, 1);
            futex(&stream->wakes, FUTEX_WAKE, 1);
        }
    }
}

void cforkfloor_stream_workers(int32_t workers)
{
    for (int32_t i = 0; i < children; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    children = workers;
    if (workers == 0)
        return;
    if (stream != NULL)
        munmap(stream, sizeof *stream);
    stream = mmap(NULL, sizeof *stream, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int32_t i = 0; i < workers; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            work();
    }
}

static void wait_for(struct batch *batch)
{
    while (!atomic_load(&batch->is_done)) {
        uint32_t wakes = atomic_load(&stream->wakes);
        atomic_store(&stream->parent_sleeps, 1);
        if (!atomic_load(&batch->is_done))
            futex(&stream->wakes, FUTEX_WAIT, wakes);
    }
}

int64_t cforkfloor_stream(int64_t items)
{
    uint32_t first = atomic_load(&stream->filled), filled = first, read = first;
    int64_t next = 0, sum = 0;
    while (next < items || read != filled) {
        while (next < items && filled - read < RING) {
            struct batch *batch = &stream->ring[filled % RING];
            batch->count = items - next < BATCH ? items - next : BATCH;
            for (int64_t i = 0; i < batch->count; i++)
                batch->values[i] = next + i;
            next += batch->count;
            atomic_store(&batch->is_done, 0);
            atomic_store(&stream->filled, ++filled);
            if (atomic_load(&stream->sleepers) > 0)
                futex(&stream->filled, FUTEX_WAKE, INT32_MAX);
        }
        struct batch *batch = &stream->ring[read++ % RING];
        wait_for(batch);
        for (int64_t i = 0; i < batch->count; i++)
            sum += batch->values[i];
    }
    return sum;
}
