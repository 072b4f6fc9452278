// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <linux/futex.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A queue of calls in shared memory, which children take one by one.

enum { MOST_CALLS = 1 << 17, MOST_WORKERS = 64 };

struct call {
    int64_t value;
    _Atomic(uint32_t) is_done;
};

struct queue {
    /// The numbers of calls that were submitted and that were taken.
    _Alignas(128) _Atomic(uint32_t) submitted;
    _Alignas(128) _Atomic(uint32_t) taken;
    _Alignas(128) _Atomic(uint32_t) sleepers;
    /// How often a call was done while the parent slept.
    _Alignas(128) _Atomic(uint32_t) wakes;
    _Atomic(uint32_t) parent_sleeps;
    _Alignas(128) struct call calls[MOST_CALLS];
};

static struct queue *queue;
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
    for (;;) {
        uint32_t number = atomic_fetch_add(&queue->taken, 1), submitted;
        while ((int32_t)((submitted = atomic_load(&queue->submitted)) - number) <= 0) {
            atomic_fetch_add(&queue->sleepers, 1);
            if (atomic_load(&queue->submitted) == submitted)
                futex(&queue->submitted, FUTEX_WAIT, submitted);
            atomic_fetch_sub(&queue->sleepers, 1);
        }
        struct call *call = &queue->calls[number % MOST_CALLS];
        call->value = body(call->value);
        atomic_store(&call->is_done, 1);
        if (atomic_load(&queue->parent_sleeps) && atomic_exchange(&queue->parent_sleeps, 0)) {
            atomic_fetch_add(&queue->wakes, 1);
            futex(&queue->wakes, FUTEX_WAKE, 1);
        }
    }
}

void cforkfloor_call_workers(int32_t workers)
{
    for (int32_t i = 0; i < children; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    children = workers;
    if (workers == 0)
        return;
    if (queue != NULL)
        munmap(queue, sizeof *queue);
    queue = mmap(NULL, sizeof *queue, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int32_t i = 0; i < workers; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            work();
    }
}

static int64_t result_of(struct call *call)
{
    while (!atomic_load(&call->is_done)) {
        uint32_t wakes = atomic_load(&queue->wakes);
        atomic_store(&queue->parent_sleeps, 1);
        if (!atomic_load(&call->is_done))
            futex(&queue->wakes, FUTEX_WAIT, wakes);
    }
    return call->value;
}

int64_t cforkfloor_calls(int32_t count)
{
    uint32_t first = atomic_load(&queue->submitted);
    for (int32_t i = 0; i < count; i++) {
        struct call *call = &queue->calls[(first + (uint32_t)i) % MOST_CALLS];
        call->value = i;
        atomic_store(&call->is_done, 0);
        atomic_store(&queue->submitted, first + (uint32_t)i + 1);
        if (atomic_load(&queue->sleepers) > 0)
            futex(&queue->submitted, FUTEX_WAKE, 1);
    }
    int64_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += result_of(&queue->calls[(first + (uint32_t)i) % MOST_CALLS]);
    return sum;
}

size_t cforkfloor_call_size(void)
{
    return sizeof(struct call);
}

size_t cforkfloor_allocated(void)
{
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}
