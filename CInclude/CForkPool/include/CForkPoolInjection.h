#ifndef CFORKPOOL_INJECTION_H
#define CFORKPOOL_INJECTION_H

// Calls that fail on demand, for tests: inject.c.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Where a call is made; what is done between vfork and execve counts as done by who asked for it.
enum cforkpool_place {
    CFORKPOOL_IN_PARENT = 0,
    CFORKPOOL_IN_TEMPLATE = 1,
    CFORKPOOL_IN_WORKER = 2,
};

/// The name of the `index`-th call that can be made to fail, or NULL: beyond the last one, and in a release build.
const char *_Nullable cforkpool_injectable(int32_t index);

/// Makes the call `name` fail with `error` in every process that is `place`, from the `first`-th time on (counted from 1
/// over all of them, from now on) and so many `times`; it takes the place of the plan before. A process that was forked
/// before the first plan, or that is started by exec, knows of none. Returns 0 or a negative errno: ENOSYS in a release
/// build.
int32_t cforkpool_inject(const char *name, int32_t place, uint32_t first, uint32_t times, int32_t error);

/// Lets every call succeed again, and counts none; what was counted stays.
void cforkpool_inject_nothing(void);

/// How often a call was made under the last plan, whether or not it failed; a negative errno as above.
int32_t cforkpool_injected_calls(const char *name, int32_t place);

/// How often a call was made to fail by the last plan; a negative errno as above.
int32_t cforkpool_injected_failures(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
