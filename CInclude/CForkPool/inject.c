#include "internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/// Making calls fail, for tests.

#ifdef CFORKPOOL_INJECTS

enum { PLACES = 3, NO_CALL = -1 };

/// What is to fail, and what was called: in memory that every process forked since has too, so that a plan reaches, and
/// one that is over leaves, those that run already.
struct plan {
    _Atomic(int32_t) call;
    _Atomic(int32_t) place;
    _Atomic(uint32_t) first, times;
    _Atomic(int32_t) error;
    _Atomic(uint32_t) failed;
    _Atomic(uint32_t) made[PLACES][CFORKPOOL_CALL_COUNT];
};

/// NULL until there was a plan.
static struct plan *plan;

/// What this process is.
static int32_t own_place = CFORKPOOL_IN_PARENT;

#define NAME(name) #name,
static const char *const names[] = {CFORKPOOL_CALLS(NAME)};

bool cforkpool_fails(enum cforkpool_call call)
{
    int32_t planned = plan == NULL ? NO_CALL : atomic_load(&plan->call);
    if (planned == NO_CALL)
        return false;
    uint32_t number = atomic_fetch_add(&plan->made[own_place][call], 1) + 1;
    if (planned != (int32_t)call || atomic_load(&plan->place) != own_place)
        return false;
    uint32_t first = atomic_load(&plan->first);
    if (number < first || number - first >= atomic_load(&plan->times))
        return false;
    atomic_fetch_add(&plan->failed, 1);
    errno = atomic_load(&plan->error);
    return true;
}

void cforkpool_enter_place(int32_t place)
{
    own_place = place;
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

int32_t cforkpool_inject(const char *name, int32_t place, uint32_t first, uint32_t times, int32_t error)
{
    int32_t call = find(name);
    if (call == NO_CALL || place < 0 || place >= PLACES || first == 0)
        return -EINVAL;
    if (plan == NULL) {
        void *made = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED)
            return -errno;
        plan = made;
    }
    cforkpool_inject_nothing();
    memset(plan->made, 0, sizeof plan->made);
    atomic_store(&plan->failed, 0);
    atomic_store(&plan->place, place);
    atomic_store(&plan->first, first);
    atomic_store(&plan->times, times);
    atomic_store(&plan->error, error);
    atomic_store(&plan->call, call);
    return 0;
}

void cforkpool_inject_nothing(void)
{
    if (plan != NULL)
        atomic_store(&plan->call, NO_CALL);
}

int32_t cforkpool_injected_calls(const char *name, int32_t place)
{
    int32_t call = find(name);
    if (call == NO_CALL || place < 0 || place >= PLACES)
        return -EINVAL;
    return plan == NULL ? 0 : (int32_t)atomic_load(&plan->made[place][call]);
}

int32_t cforkpool_injected_failures(void)
{
    return plan == NULL ? 0 : (int32_t)atomic_load(&plan->failed);
}

#else

const char *cforkpool_injectable(int32_t index)
{
    (void)index;
    return NULL;
}

int32_t cforkpool_inject(const char *name, int32_t place, uint32_t first, uint32_t times, int32_t error)
{
    (void)name, (void)place, (void)first, (void)times, (void)error;
    return -ENOSYS;
}

void cforkpool_inject_nothing(void)
{
}

int32_t cforkpool_injected_calls(const char *name, int32_t place)
{
    (void)name, (void)place;
    return -ENOSYS;
}

int32_t cforkpool_injected_failures(void)
{
    return -ENOSYS;
}

#endif
