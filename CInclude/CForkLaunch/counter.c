// SPDX-License-Identifier: Apache-2.0
#include "CForkLaunch.h"
#include "internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int32_t cforklaunch_perf_event_open(uint32_t type, uint64_t config)
{
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    // A program counts from its own execve on. When it ends, its count is added to what this process reads.
    attributes.disabled = 1;
    attributes.enable_on_exec = 1;
    attributes.inherit = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    long fd = CALL(perf_event_open, syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
    return fd < 0 ? -errno : cforkpool_above_standard((int32_t)fd);
}

int64_t cforklaunch_perf_event_read(int32_t fd)
{
    int64_t count;
    ssize_t length = CALL(read, read(fd, &count, sizeof count));
    if (length < 0)
        return -errno;
    return length == sizeof count ? count : -EIO;
}
