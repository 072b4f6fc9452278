// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// What the caller and one child of a crowd share: futex words and a number, in a cache line of their own.
struct seat {
    _Alignas(128) _Atomic(uint32_t) is_taken;
    _Atomic(uint32_t) asked;
    _Atomic(uint32_t) answered;
    int64_t number;
};

static struct seat *seats;
static size_t seats_size;
static pid_t *pids;
static int32_t crowd;
/// The children that have no work; the last one is the next to get some, since its memory is still in a cache.
static int32_t *idle;
static int32_t idle_count;

static int64_t same(int64_t item)
{
    return item;
}
static int64_t (*volatile body)(int64_t) = same;

static void futex(_Atomic(uint32_t) *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static _Noreturn void serve(struct seat *seat)
{
    // It waits for ever, so it must end with its parent.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    atomic_store(&seat->is_taken, 1);
    futex(&seat->is_taken, FUTEX_WAKE, 1);
    for (uint32_t call = 0;; call++) {
        while (atomic_load(&seat->asked) == call)
            futex(&seat->asked, FUTEX_WAIT, call);
        seat->number = body(seat->number);
        atomic_store(&seat->answered, call + 1);
        futex(&seat->answered, FUTEX_WAKE, 1);
    }
}

static void disperse(void)
{
    for (int32_t i = 0; i < crowd; i++)
        kill(pids[i], SIGKILL);
    for (int32_t i = 0; i < crowd; i++)
        waitpid(pids[i], NULL, 0);
    if (seats != NULL)
        munmap(seats, seats_size);
    free(pids), free(idle);
    seats = NULL, pids = NULL, idle = NULL;
    crowd = idle_count = 0;
}

bool cforkfloor_crowd(int32_t workers)
{
    disperse();
    if (workers == 0)
        return true;
    size_t count = (size_t)workers;
    void *base = mmap(NULL, count * sizeof *seats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pids = calloc(count, sizeof *pids), idle = calloc(count, sizeof *idle);
    if (base == MAP_FAILED || pids == NULL || idle == NULL)
        return false;
    seats = base, seats_size = count * sizeof *seats;
    for (; crowd < workers; crowd++) {
        pid_t pid = fork();
        if (pid == 0)
            serve(&seats[crowd]);
        if (pid < 0)
            return false;
        pids[crowd] = pid;
        idle[idle_count++] = crowd;
    }
    for (int32_t i = 0; i < workers; i++) {
        while (atomic_load(&seats[i].is_taken) == 0)
            futex(&seats[i].is_taken, FUTEX_WAIT, 0);
    }
    return true;
}

int64_t cforkfloor_crowd_call(int64_t input)
{
    int32_t chosen = idle[--idle_count];
    struct seat *seat = &seats[chosen];
    uint32_t call = atomic_load(&seat->answered);
    seat->number = input;
    atomic_store(&seat->asked, call + 1);
    futex(&seat->asked, FUTEX_WAKE, 1);
    while (atomic_load(&seat->answered) == call)
        futex(&seat->answered, FUTEX_WAIT, call);
    idle[idle_count++] = chosen;
    return seat->number;
}

void cforkfloor_discard(size_t offset, size_t size)
{
    unsigned char *slots = cforkfloor_region(0);
    if (slots != NULL)
        madvise(slots + offset, size, MADV_REMOVE);
}
