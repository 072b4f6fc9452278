// SPDX-License-Identifier: Apache-2.0
#include "CForkLaunch.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
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
