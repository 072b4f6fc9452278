// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int32_t cforkpool_sched_getaffinity_count(void)
{
    // With more processors than the set has room for the kernel answers EINVAL.
    for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *set = CALL_OR(malloc, NULL, CPU_ALLOC((size_t)processors));
        if (set == NULL)
            return -ENOMEM;
        size_t size = CPU_ALLOC_SIZE((size_t)processors);
        int error = CALL(sched_getaffinity, sched_getaffinity(0, size, set)) == 0 ? 0 : errno;
        int count = error == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (error == 0)
            return count;
        if (error != EINVAL)
            return -error;
    }
    return -EINVAL;
}

static size_t copy_text(const char *text, char *out, size_t capacity)
{
    size_t length = text == NULL ? 0 : strnlen(text, capacity);
    if (length > 0)
        memcpy(out, text, length);
    return length;
}

size_t cforkpool_sigabbrev(int32_t signal, char *name, size_t capacity)
{
    return copy_text(sigabbrev_np(signal), name, capacity);
}

size_t cforkpool_strerror(int32_t error, char *text, size_t capacity)
{
    return copy_text(strerrordesc_np(error), text, capacity);
}

int32_t cforkpool_prctl_name(const char *name)
{
    if (CALL(prctl, prctl(PR_SET_NAME, name)) != 0)
        return -errno;
    if (gettid() == getpid())
        return 0;
    // The process's name is its main thread's.
    int fd = CALL(open, open("/proc/self/comm", O_WRONLY | O_CLOEXEC));
    if (fd < 0)
        return -errno;
    int32_t result = CALL(write, write(fd, name, strlen(name))) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int32_t cforkpool_sched_setaffinity(int32_t index)
{
    cpu_set_t allowed, one;
    if (CALL(sched_getaffinity, sched_getaffinity(0, sizeof allowed, &allowed)) != 0)
        return -errno;
    int skipped = index % CPU_COUNT(&allowed);
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (!CPU_ISSET(processor, &allowed) || skipped-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        // Later threads inherit from the main thread or from this one.
        if (CALL(sched_setaffinity, sched_setaffinity(getpid(), sizeof one, &one)) != 0)
            return -errno;
        return CALL(sched_setaffinity, sched_setaffinity(0, sizeof one, &one)) == 0 ? 0 : -errno;
    }
    return -EINVAL;
}

int32_t cforkpool_sched_getcpu(void)
{
    return CALL(sched_getcpu, sched_getcpu());
}

void cforkpool_forget_crash(void)
{
    cforkpool_state.worker.crash = NULL;
}

void cforkpool_set_worker(struct cforkpool_worker worker)
{
    cforkpool_state.worker.current.identity = worker;
    // The process that the library warms up in is a worker for a moment.
    cforkpool_state.worker.is_one = worker.index >= 0;
}

struct cforkpool_worker cforkpool_get_worker(void)
{
    return cforkpool_state.worker.is_one ? cforkpool_state.worker.current.identity : (struct cforkpool_worker){.index = -1};
}

const struct cforkpool_current_worker *cforkpool_get_current(void)
{
    return cforkpool_state.worker.is_one ? &cforkpool_state.worker.current : NULL;
}

void cforkpool_set_call(int64_t call, int64_t first_item)
{
    cforkpool_state.worker.current.identity.call = call;
    cforkpool_state.worker.current.identity.first_item = first_item;
}

void cforkpool_set_position(const void *position)
{
    cforkpool_state.worker.current.position = position;
}

const void *cforkpool_get_position(void)
{
    return cforkpool_state.worker.current.position;
}

/// Defined by ForkPoolFoundation.
extern void cforkpool_describe_error(const void *error, void *text) __attribute__((weak));

bool cforkpool_describe(const void *error, void *text)
{
    if (cforkpool_describe_error == NULL)
        return false;
    cforkpool_describe_error(error, text);
    return true;
}
