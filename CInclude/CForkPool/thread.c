// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

/// Threads of the library, and how many others there are.

int cforkpool_create_thread(pthread_t *thread, const struct cforkpool_stack *stack, void *(*entry)(void *),
                            void *context)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    if (stack != NULL)
        pthread_attr_setstack(&attributes, stack->base + STACK_GUARD, stack->size);
    sigset_t all, before;
    sigfillset(&all);
    // A thread inherits the mask: it must be set before the thread exists, so that no handler of the host runs there.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = CALL_OR(pthread_create, errno, pthread_create(thread, &attributes, entry, context));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

struct thread_start {
    void (*entry)(void *);
    void *context;
};

static void *thread_main(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    start.entry(start.context);
    atomic_fetch_sub(&cforkpool_state.own_threads, 1);
    return NULL;
}

int32_t cforkpool_thread(void (*entry)(void *), void *context)
{
    struct thread_start *start = CALL_OR(malloc, NULL, malloc(sizeof *start));
    if (start == NULL)
        return -ENOMEM;
    *start = (struct thread_start){entry, context};
    atomic_fetch_add(&cforkpool_state.own_threads, 1);
    pthread_t thread;
    int error = cforkpool_create_thread(&thread, NULL, thread_main, start);
    if (error == 0)
        return -pthread_detach(thread);
    atomic_fetch_sub(&cforkpool_state.own_threads, 1);
    free(start);
    return -error;
}

static int32_t count_threads(void)
{
    struct stat status;
    if (CALL(stat, stat("/proc/self/task", &status)) != 0)
        return -errno;
    // The directory has a link for itself, one for its parent and one for each thread.
    return (int32_t)status.st_nlink - 2 - atomic_load(&cforkpool_state.own_threads);
}

int32_t cforkpool_thread_count(void)
{
    int32_t count = count_threads();
    // The kernel lists a joined thread for a moment more and reports no end of that. Only a map that is refused waits.
    for (int look = 0; count > 1 && look < 100; look++) {
        CALL(poll, poll(NULL, 0, 1));
        count = count_threads();
    }
    return count;
}
