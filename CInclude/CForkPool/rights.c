// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SECBIT_NOROOT
#define SECBIT_NOROOT 1
#endif

/// Whether this program can be started again as a worker: it must be the same program, with the same rights.

/// Whether the dynamic loader was started with this program as its argument. Then /proc/self/exe is the loader.
static bool was_started_by_loader(void)
{
    // The kernel notes where it mapped the loader that the program asks for, unless the loader itself is what it started.
    if (getauxval(AT_BASE) != 0)
        return false;
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    for (unsigned long i = 0; header != NULL && i < getauxval(AT_PHNUM); i++) {
        if (header[i].p_type == PT_INTERP)
            return true;
    }
    return false;
}

/// Whether the program's file has the rights of another user or group; or a negative errno of `*call`.
static int32_t file_gives_owner(const char **call)
{
    struct stat file;
    *call = "stat";
    if (CALL(stat, stat("/proc/self/exe", &file)) != 0)
        return -errno;
    // Without the right of the group to execute it the bit has another meaning.
    const mode_t of_group = S_ISGID | S_IXGRP;
    return ((file.st_mode & S_ISUID) != 0 && file.st_uid != geteuid())
        || ((file.st_mode & of_group) == of_group && file.st_gid != getegid());
}

/// Whether the program's file has capabilities; or a negative errno of `*call`.
static int32_t file_gives_capabilities(const char **call)
{
    *call = "getxattr";
    if (CALL(getxattr, getxattr("/proc/self/exe", "security.capability", NULL, 0)) >= 0)
        return 1;
    // It has none, or its file system knows of none.
    return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

int32_t cforkpool_read_capabilities(struct cforkpool_capabilities *own)
{
    own->header = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
    return CALL(capget, syscall(SYS_capget, &own->header, own->sets)) == 0 ? 0 : -errno;
}

/// Whether execve would put capabilities into effect that are permitted alone.
static bool has_idle_capabilities(const struct cforkpool_capabilities *own)
{
    return ((own->sets[0].permitted & ~own->sets[0].effective) | (own->sets[1].permitted & ~own->sets[1].effective)) != 0;
}

/// Whether the kernel gives what this thread starts, as root's, capabilities that are not in effect.
static bool lacks_capabilities_of_root(const struct cforkpool_capabilities *own)
{
    if (geteuid() != 0)
        return false;
    int bits = CALL(prctl, prctl(PR_GET_SECUREBITS));
    if (bits > 0 && (bits & SECBIT_NOROOT) != 0)
        return false;
    for (int number = 0; number < 64; number++) {
        // The kernel refuses the numbers that it does not know.
        int is_bound = prctl(PR_CAPBSET_READ, number);
        if (is_bound < 0)
            break;
        const struct __user_cap_data_struct *set = &own->sets[number / 32];
        uint32_t bit = 1U << number % 32;
        if ((is_bound == 1 || (set->inheritable & bit) != 0) && (set->effective & bit) == 0)
            return true;
    }
    return false;
}

int32_t cforkpool_exec_obstacle(const char **call)
{
    if (was_started_by_loader())
        return CFORKPOOL_STARTED_BY_LOADER;
    // The file's mode may have changed, its file system may refuse programs now, and there may be no /proc.
    *call = "access";
    if (CALL(access, faccessat(AT_FDCWD, "/proc/self/exe", X_OK, AT_EACCESS)) != 0)
        return -errno;
    // -1 is no user, so these two change nothing, and answer what was set before.
    bool has_own_files = setfsuid((uid_t)-1) == (int)geteuid() && setfsgid((gid_t)-1) == (int)getegid();
    if (getauxval(AT_SECURE) != 0 || getuid() != geteuid() || getgid() != getegid() || !has_own_files)
        return CFORKPOOL_HAS_OTHER_RIGHTS;
    // A worker distrusts its environment for the sake of the file's capabilities, even with no_new_privs.
    int32_t gives = file_gives_capabilities(call);
    return gives <= 0 ? gives : CFORKPOOL_FILE_GIVES_CAPABILITIES;
}

int32_t cforkpool_exec_gives_rights(const char **call)
{
    struct cforkpool_capabilities own;
    *call = "capget";
    int32_t error = cforkpool_read_capabilities(&own);
    if (error != 0)
        return error;
    int32_t idle = has_idle_capabilities(&own) ? CFORKPOOL_HAS_IDLE_CAPABILITIES : 0;
    // If it is not known, it is not set.
    if (CALL(prctl, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) == 1)
        return idle;
    int32_t gives = file_gives_owner(call);
    if (gives < 0)
        return gives;
    return gives != 0 || lacks_capabilities_of_root(&own) ? idle | CFORKPOOL_GIVES_BY_EXEC : idle;
}

const char *cforkpool_give_up_rights(int32_t rights)
{
    if ((rights & CFORKPOOL_HAS_IDLE_CAPABILITIES) != 0) {
        struct cforkpool_capabilities own;
        if (cforkpool_read_capabilities(&own) != 0)
            return "capget";
        for (int set = 0; set < 2; set++)
            own.sets[set].permitted = own.sets[set].effective;
        if (CALL(capset, syscall(SYS_capset, &own.header, own.sets)) != 0)
            return "capset";
    }
    if ((rights & CFORKPOOL_GIVES_BY_EXEC) != 0 && CALL(prctl, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) != 0)
        return "prctl";
    return NULL;
}

bool cforkpool_is_dumpable(void)
{
    // If it is not known, a worker is not.
    return CALL(prctl, prctl(PR_GET_DUMPABLE)) == 1;
}

bool cforkpool_forbid_dumps(void)
{
    return CALL(prctl, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0 || !cforkpool_is_dumpable();
}
