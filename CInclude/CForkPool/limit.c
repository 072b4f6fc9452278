// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/// Limits of a worker, set before its first item.

/// The private writable memory of the process in bytes, as RLIMIT_DATA counts it, or a negative errno.
static int64_t read_data_size(void)
{
    char text[4096];
    int fd = CALL(open, open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return -errno;
    ssize_t length;
    while ((length = CALL(read, read(fd, text, sizeof text - 1))) < 0 && errno == EINTR)
        ;
    int error = length < 0 ? errno : EIO;
    close(fd);
    if (length <= 0)
        return -error;
    text[length] = 0;
    const char *found = strstr(text, "VmData:");
    if (found == NULL)
        return -EIO;
    int64_t kibibytes = 0;
    for (found += strlen("VmData:"); *found == ' ' || *found == '\t'; found++)
        ;
    for (; *found >= '0' && *found <= '9'; found++)
        kibibytes = kibibytes * 10 + (*found - '0');
    return kibibytes * 1024;
}

uint64_t cforkpool_memory_left(void)
{
    struct rlimit limit;
    int64_t size = cforkpool_state.worker.has_memory_limit ? read_data_size() : -1;
    if (size < 0 || CALL(getrlimit, getrlimit(RLIMIT_DATA, &limit)) != 0)
        return UINT64_MAX;
    return limit.rlim_cur > (rlim_t)size ? limit.rlim_cur - (rlim_t)size : 0;
}

int32_t cforkpool_limit_memory(int64_t bytes)
{
    int64_t present = read_data_size();
    if (present < 0)
        return (int32_t)present;
    struct rlimit limit;
    if (CALL(getrlimit, getrlimit(RLIMIT_DATA, &limit)) != 0)
        return -errno;
    rlim_t wanted = bytes > INT64_MAX - present ? RLIM_INFINITY : (rlim_t)(present + bytes);
    if (wanted < limit.rlim_cur)
        limit.rlim_cur = wanted;
    if (CALL(setrlimit, setrlimit(RLIMIT_DATA, &limit)) != 0)
        return -errno;
    cforkpool_state.worker.has_memory_limit = true;
    return 0;
}

void cforkpool_prevent_core(void)
{
    struct rlimit limit;
    if (CALL(getrlimit, getrlimit(RLIMIT_CORE, &limit)) != 0)
        return;
    // A program that cores are piped into gets them in spite of a limit of 0, not of one of 1.
    rlim_t wanted = limit.rlim_max > 1 ? 1 : limit.rlim_max;
    if (limit.rlim_cur == wanted)
        return;
    limit.rlim_cur = wanted;
    // A refusal leaves the host's limit.
    CALL(setrlimit, setrlimit(RLIMIT_CORE, &limit));
}

int32_t cforkpool_limit_cpu_time(int64_t nanoseconds)
{
    // Not a signal that a body could block, and not RLIMIT_CPU, which counts in seconds.
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    timer_t timer;
    if (CALL(timer_create, timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer)) != 0)
        return -errno;
    struct itimerspec time = {.it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    return CALL(timer_settime, timer_settime(timer, 0, &time, NULL)) == 0 ? 0 : -errno;
}
