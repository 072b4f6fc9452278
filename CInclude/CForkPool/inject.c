// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

/// Makes calls fail, for tests.

#ifdef CFORKPOOL_INJECTS

enum { ROLES = 3, NO_CALL = -1 };

/// What is to fail, and what was called. It lies in memory that processes forked later share, so a plan begins and ends
/// in those that run already.
struct cforkpool_plan {
    _Atomic(int32_t) call;
    _Atomic(int32_t) role;
    _Atomic(uint32_t) first, times;
    _Atomic(int32_t) error;
    _Atomic(uint32_t) failed;
    _Atomic(uint32_t) made[ROLES][CFORKPOOL_CALL_COUNT];
};

#define NAME(name) #name,
static const char *const names[] = {CFORKPOOL_CALLS(NAME)};

bool cforkpool_fails(enum cforkpool_call call)
{
    struct cforkpool_plan *plan = cforkpool_state.injection.plan;
    int32_t role = __atomic_load_n(&cforkpool_state.injection.role, __ATOMIC_RELAXED);
    int32_t planned = plan == NULL ? NO_CALL : atomic_load(&plan->call);
    if (planned == NO_CALL)
        return false;
    uint32_t number = atomic_fetch_add(&plan->made[role][call], 1) + 1;
    if (planned != (int32_t)call || atomic_load(&plan->role) != role)
        return false;
    uint32_t first = atomic_load(&plan->first);
    if (number < first || number - first >= atomic_load(&plan->times))
        return false;
    atomic_fetch_add(&plan->failed, 1);
    errno = atomic_load(&plan->error);
    return true;
}

void cforkpool_set_role(int32_t role)
{
    __atomic_store_n(&cforkpool_state.injection.role, role, __ATOMIC_RELAXED);
}

const char *cforkpool_injectable(int32_t index)
{
    return index >= 0 && index < CFORKPOOL_CALL_COUNT ? names[index] : NULL;
}

static int32_t find(const char *name)
{
    for (int32_t call = 0; call < CFORKPOOL_CALL_COUNT; call++) {
        if (strcmp(names[call], name) == 0)
            return call;
    }
    return NO_CALL;
}

int32_t cforkpool_inject(const char *name, int32_t role, uint32_t first, uint32_t times, int32_t error)
{
    int32_t call = find(name);
    if (call == NO_CALL || role < 0 || role >= ROLES || first == 0)
        return -EINVAL;
    struct cforkpool_plan *plan = cforkpool_state.injection.plan;
    if (plan == NULL) {
        plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (plan == MAP_FAILED)
            return -errno;
        cforkpool_state.injection.plan = plan;
    }
    cforkpool_inject_nothing();
    memset(plan->made, 0, sizeof plan->made);
    atomic_store(&plan->failed, 0);
    atomic_store(&plan->role, role);
    atomic_store(&plan->first, first);
    atomic_store(&plan->times, times);
    atomic_store(&plan->error, error);
    atomic_store(&plan->call, call);
    return 0;
}

void cforkpool_inject_nothing(void)
{
    if (cforkpool_state.injection.plan != NULL)
        atomic_store(&cforkpool_state.injection.plan->call, NO_CALL);
}

int32_t cforkpool_injected_calls(const char *name, int32_t role)
{
    int32_t call = find(name);
    if (call == NO_CALL || role < 0 || role >= ROLES)
        return -EINVAL;
    struct cforkpool_plan *plan = cforkpool_state.injection.plan;
    return plan == NULL ? 0 : (int32_t)atomic_load(&plan->made[role][call]);
}

int32_t cforkpool_injected_failures(void)
{
    struct cforkpool_plan *plan = cforkpool_state.injection.plan;
    return plan == NULL ? 0 : (int32_t)atomic_load(&plan->failed);
}

#else

const char *cforkpool_injectable(int32_t index)
{
    (void)index;
    return NULL;
}

int32_t cforkpool_inject(const char *name, int32_t role, uint32_t first, uint32_t times, int32_t error)
{
    (void)name, (void)role, (void)first, (void)times, (void)error;
    return -ENOSYS;
}

void cforkpool_inject_nothing(void)
{
}

int32_t cforkpool_injected_calls(const char *name, int32_t role)
{
    (void)name, (void)role;
    return -ENOSYS;
}

int32_t cforkpool_injected_failures(void)
{
    return -ENOSYS;
}

#endif
