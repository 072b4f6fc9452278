// SPDX-License-Identifier: Apache-2.0
#include "CForkLaunch.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

int32_t cforklaunch_memfd_create(void)
{
    int fd = CALL(memfd_create, memfd_create("forkpool output", MFD_CLOEXEC));
    if (fd < 0)
        return -errno;
    fd = cforkpool_above_standard(fd);
    if (fd >= 0 && CALL(fcntl_append, fcntl(fd, F_SETFL, O_APPEND)) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int32_t cforklaunch_open_unnamed(const char *folder)
{
    int fd = CALL(open, open(folder, O_RDWR | O_CLOEXEC | O_TMPFILE, 0600));
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        // A file system without O_TMPFILE, such as NFS.
        char name[PATH_MAX];
        if (snprintf(name, sizeof name, "%s/forkpool-XXXXXX", folder) >= (int)sizeof name)
            return -ENAMETOOLONG;
        fd = CALL(open, mkostemp(name, O_CLOEXEC));
        if (fd >= 0)
            unlink(name);
    }
    return fd < 0 ? -errno : cforkpool_above_standard(fd);
}

int32_t cforklaunch_fallocate_hole(int32_t fd, int64_t offset, int64_t length)
{
    int result = CALL(fallocate, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
    return result < 0 ? -errno : 0;
}

bool cforklaunch_statfs_memory(const char *folder)
{
    struct statfs system;
    return statfs(folder, &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}
