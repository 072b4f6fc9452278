#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int32_t cforkpool_sched_getaffinity_count(void)
{
    // A machine with more processors than the fixed set answers EINVAL until the set is large enough.
    for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)processors);
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

uintptr_t cforkpool_stack_address(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

uintptr_t cforkpool_stack_limit(void)
{
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return 0;
    void *low;
    size_t size;
    int error = pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return 0;
    // A quarter of a small stack, and never more than a large one needs.
    return (uintptr_t)low + (size < 1 << 20 ? size / 4 : 1 << 18);
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
    // The process is called what its main thread is called.
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
    int place = index % CPU_COUNT(&allowed);
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (!CPU_ISSET(processor, &allowed) || place-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        // What threads are made of later they have from the main thread or from this one.
        if (CALL(sched_setaffinity, sched_setaffinity(getpid(), sizeof one, &one)) != 0)
            return -errno;
        return CALL(sched_setaffinity, sched_setaffinity(0, sizeof one, &one)) == 0 ? 0 : -errno;
    }
    return -EINVAL;
}

int32_t cforkpool_sched_getcpu(void)
{
    return sched_getcpu();
}

static struct cforkpool_worker this_worker = {.index = -1};

void cforkpool_set_worker(struct cforkpool_worker worker)
{
    this_worker = worker;
}

struct cforkpool_worker cforkpool_get_worker(void)
{
    return this_worker;
}
