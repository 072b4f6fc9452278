// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/// Stacks: where one ends, and which one a child's new threads must not get.
///
/// What a one-shot body captured may lie on the stack of the thread that called. Another thread forks, so in the child
/// glibc takes the caller's stack as free and gives it to the next thread that the body starts: fork() sets the thread
/// id in the descriptor of every other thread to 0, and an id of 0 means free. So the child writes the id back.
///
/// The descriptor is private to glibc. The write was tried on glibc 2.36 (Debian 12, x86-64). By its sources the same
/// holds for 2.26 to 2.42: the id is behind the header and the list links (byte 720 on x86-64, 208 on arm64), fork()
/// clears it, and `tid <= 0` means free. After 2.42 another field, which fork() leaves alone, says whether a stack is
/// free; the caller's is safe there, and the write has no effect.
///
/// Nothing is written unless exactly one place in the forker's descriptor holds the forker's id, the same place in the
/// caller's descriptor holds the caller's id before the fork, and that place holds 0 after it. Where the first two do
/// not hold, the calling thread forks by itself (forker.c). A glibc that lets fork() leave another value than 0 or the
/// id would not be seen before the fork; there a thread of a body could get the caller's stack.

/// How far the search goes; every descriptor is larger.
enum { SEARCHED = 1024 };

void cforkpool_find_tid(struct cforkpool_forker *forker)
{
    const char *descriptor = (const char *)pthread_self();
    pid_t own = gettid();
    size_t found = 0;
    int matches = 0;
    for (size_t offset = sizeof own; offset < SEARCHED; offset += sizeof own) {
        if (memcmp(descriptor + offset, &own, sizeof own) == 0) {
            found = offset;
            matches += 1;
        }
    }
    forker->tid_offset = matches == 1 ? found : 0;
}

/// Returns whether the caller's descriptor, which is glibc's own, holds `tid` at the place that was found.
#ifdef __clang__
__attribute__((disable_sanitizer_instrumentation, noinline))
#endif
static bool holds(const struct cforkpool_forker *forker, pid_t tid)
{
    return *(const volatile pid_t *)(forker->caller + forker->tid_offset) == tid;
}

bool cforkpool_can_keep_stack(struct cforkpool_forker *forker)
{
    bool is_sure = forker->tid_offset != 0 && holds(forker, forker->caller_tid);
    forker->keeps_stack = CALL(tid_offset, is_sure ? 0 : -1) == 0;
    return forker->keeps_stack;
}

void cforkpool_keep_stack(const struct cforkpool_forker *forker)
{
    // The first thread's descriptor, and one on a stack that the host supplied, keep the id and are never reused.
    if (forker->keeps_stack && holds(forker, 0))
        memcpy(forker->caller + forker->tid_offset, &forker->caller_tid, sizeof forker->caller_tid);
}

/// Finds the calling thread's stack; returns false if the system does not say.
static bool get_stack(uintptr_t *low, size_t *size)
{
    pthread_attr_t attributes;
    if (CALL_OR(pthread_getattr_np, errno, pthread_getattr_np(pthread_self(), &attributes)) != 0)
        return false;
    void *address;
    int error = pthread_attr_getstack(&attributes, &address, size);
    pthread_attr_destroy(&attributes);
    *low = (uintptr_t)address;
    return error == 0;
}

uintptr_t cforkpool_stack_low(void)
{
    uintptr_t low;
    size_t size;
    return get_stack(&low, &size) ? low : 0;
}

static size_t own_stack_size(void)
{
    uintptr_t low;
    size_t size;
    return get_stack(&low, &size) ? size : 0;
}

uintptr_t cforkpool_stack_address(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

uintptr_t cforkpool_stack_limit(void)
{
    uintptr_t low;
    size_t size;
    // Code may run on a stack that is not the thread's own, such as a coroutine's.
    if (!get_stack(&low, &size) || cforkpool_stack_address() - low > size)
        return 0;
    // A quarter of a small stack, and never more than a large one needs.
    return low + (size < 1 << 20 ? size / 4 : 1 << 18);
}

// MARK: - The forker's stack

/// The size of the forker's stack, which its children have: not less than the caller's, nor than the limit that a program
/// started now would have.
size_t cforkpool_stack_size(void)
{
    enum { LEAST = 8 << 20, MOST = 1 << 30 };
    size_t most = MOST;
    struct rlimit limit;
    // The host, and the worker's own memory, need the greater part of a limited address space.
    if (CALL(getrlimit, getrlimit(RLIMIT_AS, &limit)) == 0 && limit.rlim_cur / 8 < most)
        most = limit.rlim_cur / 8 > LEAST ? limit.rlim_cur / 8 : LEAST;
    size_t size = LEAST;
    if (CALL(getrlimit, getrlimit(RLIMIT_STACK, &limit)) == 0 && limit.rlim_cur > size)
        size = limit.rlim_cur < most ? limit.rlim_cur : most;
    // The main thread's stack grows up to the limit.
    size_t own = gettid() == getpid() ? 0 : own_stack_size();
    return own > size ? own : size;
}

void cforkpool_free_stack(struct cforkpool_stack *stack)
{
    if (stack->base != NULL)
        CALL(munmap, munmap(stack->base, stack->size + STACK_GUARD));
    *stack = (struct cforkpool_stack){0};
}

bool cforkpool_make_stack(struct cforkpool_stack *stack, size_t size)
{
    if (stack->base != NULL && stack->size >= size)
        return true;
    cforkpool_free_stack(stack);
    for (; size >= 1 << 18; size /= 2) {
        char *base = CALL_OR(mmap, MAP_FAILED,
                             mmap(NULL, size + STACK_GUARD, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0));
        if (base == MAP_FAILED)
            continue;
        // A host that locks its memory would have all of the stack in memory.
        munlock(base, size + STACK_GUARD);
        if (CALL(mprotect, mprotect(base + STACK_GUARD, size, PROT_READ | PROT_WRITE)) == 0) {
            *stack = (struct cforkpool_stack){base, size};
            return true;
        }
        munmap(base, size + STACK_GUARD);
    }
    return false;
}
