#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

int32_t cforkpool_sched_getaffinity_count(void)
{
    // A machine with more processors than the fixed set answers EINVAL until the set is large enough.
    for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)processors);
        if (set == NULL)
            return -ENOMEM;
        size_t size = CPU_ALLOC_SIZE((size_t)processors);
        int error = sched_getaffinity(0, size, set) == 0 ? 0 : errno;
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
