// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef _GNU_SOURCE
#error "CForkFloor needs _GNU_SOURCE, which Package.swift defines"
#endif

enum { MOST_WORKERS = 1024 };

struct control {
    _Alignas(128) _Atomic(int64_t) cursor;
    _Alignas(128) int64_t crashed_at;
    _Alignas(128) _Atomic(uint32_t) round;
    _Alignas(128) _Atomic(uint32_t) finished;
    void (*work)(int64_t, int64_t, size_t);
    int64_t a;
    int64_t b;
    size_t c;
    uint32_t workers;
};

static struct control *control;
static unsigned char *slots;
static size_t slots_size;
static pid_t warm_pids[MOST_WORKERS];
static int32_t warm_workers;

unsigned char *cforkfloor_region(size_t size)
{
    if (control == NULL) {
        void *base = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        control = base == MAP_FAILED ? NULL : base;
    }
    if (control == NULL)
        return NULL;
    if (size > slots_size) {
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED)
            return NULL;
        if (slots != NULL)
            munmap(slots, slots_size);
        slots = base;
        slots_size = size;
    }
    return slots;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/// A body that the compiler cannot inline.
static int64_t same(int64_t item)
{
    return item;
}
static int64_t (*volatile body)(int64_t) = same;

/// Bound when the program is loaded: with lazy binding each child would look it up again, which no floor should
/// include.
static void (*const volatile exit_at_once)(int) = _exit;

/// Runs `work` in `workers` children and waits for them.
static void in_children(int32_t workers, void (*work)(int64_t, int64_t, size_t), int64_t a, int64_t b, size_t c)
{
    pid_t pids[MOST_WORKERS];
    atomic_store(&control->cursor, 0);
    for (int32_t i = 0; i < workers; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            work(a, b, c);
            exit_at_once(0);
        }
    }
    for (int32_t i = 0; i < workers; i++)
        waitpid(pids[i], NULL, 0);
}

static void nothing(int64_t a, int64_t b, size_t c)
{
    (void)a, (void)b, (void)c;
}

void cforkfloor_fork(void)
{
    in_children(1, nothing, 0, 0, 0);
}

static void map_work(int64_t items, int64_t chunk, size_t unused)
{
    (void)unused;
    int64_t (*run)(int64_t) = body;
    int64_t *results = (int64_t *)slots;
    int64_t start;
    while ((start = atomic_fetch_add(&control->cursor, chunk)) < items) {
        int64_t end = start + chunk < items ? start + chunk : items;
        for (int64_t i = start; i < end; i++)
            results[i] = run(i);
    }
}

void cforkfloor_map(int32_t workers, int64_t items, int64_t chunk)
{
    in_children(workers, map_work, items, chunk, 0);
}

static void fill_work(int64_t items, int64_t unused, size_t size)
{
    (void)unused;
    int64_t item;
    while ((item = atomic_fetch_add(&control->cursor, 1)) < items)
        memset(slots + (size_t)item * size, (int)(item & 255), size);
}

void cforkfloor_fill(int32_t workers, int64_t items, size_t size)
{
    in_children(workers, fill_work, items, 0, size);
}

static void futex(_Atomic(uint32_t) *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static _Noreturn void warm_loop(void)
{
    // It waits for ever, so it must end with its parent.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t round = 0;; round++) {
        while (atomic_load(&control->round) == round)
            futex(&control->round, FUTEX_WAIT, round);
        control->work(control->a, control->b, control->c);
        if (atomic_fetch_add(&control->finished, 1) + 1 == control->workers)
            futex(&control->finished, FUTEX_WAKE, 1);
    }
}

void cforkfloor_warm(int32_t workers)
{
    for (int32_t i = 0; i < warm_workers; i++) {
        kill(warm_pids[i], SIGKILL);
        waitpid(warm_pids[i], NULL, 0);
    }
    warm_workers = workers;
    control->workers = (uint32_t)workers;
    atomic_store(&control->round, 0);
    for (int32_t i = 0; i < workers; i++) {
        warm_pids[i] = fork();
        if (warm_pids[i] == 0)
            warm_loop();
    }
}

/// Runs `work` in the warm children, and sleeps until the last one is done.
static void in_warm_children(void (*work)(int64_t, int64_t, size_t), int64_t a, int64_t b, size_t c)
{
    control->work = work;
    control->a = a;
    control->b = b;
    control->c = c;
    atomic_store(&control->cursor, 0);
    atomic_store(&control->finished, 0);
    atomic_fetch_add(&control->round, 1);
    futex(&control->round, FUTEX_WAKE, INT32_MAX);
    uint32_t seen;
    while ((seen = atomic_load(&control->finished)) < control->workers)
        futex(&control->finished, FUTEX_WAIT, seen);
}

void cforkfloor_warm_fill(int64_t items, size_t size)
{
    in_warm_children(fill_work, items, 0, size);
}

static void call_work(int64_t a, int64_t b, size_t c)
{
    (void)a, (void)b, (void)c;
    int64_t *slot = (int64_t *)slots;
    slot[1] = body(slot[0]);
}

int64_t cforkfloor_warm_call(int64_t input)
{
    int64_t *slot = (int64_t *)slots;
    slot[0] = input;
    in_warm_children(call_work, 0, 0, 0);
    return slot[1];
}

/// The slots hold the inputs, then the results, then a byte for each item that marks its result as ready.
static void inputs_work(int64_t items, int64_t chunk, size_t unused)
{
    (void)unused;
    int64_t (*run)(int64_t) = body;
    const int64_t *inputs = (int64_t *)slots;
    int64_t *results = (int64_t *)slots + items;
    _Atomic(uint8_t) *states = (_Atomic(uint8_t) *)(results + items);
    int64_t start;
    while ((start = atomic_fetch_add(&control->cursor, chunk)) < items) {
        int64_t end = start + chunk < items ? start + chunk : items;
        for (int64_t i = start; i < end; i++) {
            results[i] = run(inputs[i]);
            atomic_store_explicit(&states[i], 1, memory_order_release);
        }
    }
}

void cforkfloor_warm_map(const int64_t *inputs, int64_t items, int64_t chunk)
{
    memcpy(slots, inputs, (size_t)items * sizeof *inputs);
    in_warm_children(inputs_work, items, chunk, 0);
}

static void sleep_work(int64_t items, int64_t nanoseconds, size_t unused)
{
    (void)unused;
    while (atomic_fetch_add(&control->cursor, 1) < items) {
        struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
        nanosleep(&time, NULL);
    }
}

void cforkfloor_sleep(int32_t workers, int64_t items, int64_t nanoseconds)
{
    in_children(workers, sleep_work, items, nanoseconds, 0);
}

static void compute_work(int64_t items, int64_t turns, size_t unused)
{
    (void)unused;
    int64_t item;
    while ((item = atomic_fetch_add(&control->cursor, 1)) < items) {
        uint64_t state = (uint64_t)item + 1;
        for (int64_t i = 0; i < turns; i++)
            state = (state ^ (state >> 33)) * 0xff51afd7ed558ccdu + 1;
        ((uint64_t *)slots)[item] = state;
    }
}

void cforkfloor_compute(int32_t workers, int64_t items, int64_t turns)
{
    in_children(workers, compute_work, items, turns, 0);
}

static void crash_work(int64_t a, int64_t b, size_t c)
{
    (void)a, (void)b, (void)c;
    control->crashed_at = now();
    kill(getpid(), SIGKILL);
}

int64_t cforkfloor_crash(void)
{
    in_children(1, crash_work, 0, 0, 0);
    return now() - control->crashed_at;
}

int64_t cforkfloor_timeout(int64_t nanoseconds)
{
    control->crashed_at = 0;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        atomic_store_explicit((_Atomic(int64_t) *)&control->crashed_at, now(), memory_order_release);
        for (;;)
            pause();
    }
    int64_t began;
    while ((began = atomic_load_explicit((_Atomic(int64_t) *)&control->crashed_at, memory_order_acquire)) == 0)
        sched_yield();
    struct timespec until = {.tv_sec = (began + nanoseconds) / 1000000000, .tv_nsec = (began + nanoseconds) % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return now() - began;
}

void cforkfloor_claim(int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        atomic_fetch_add(&control->cursor, 1);
}
