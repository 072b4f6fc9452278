// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_INJECTION_H
#define CFORKPOOL_INJECTION_H

/// Calls of the shim that fail on demand, for tests: inject.c.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// What a process is. Between vfork and execve it is still what its parent is.
enum cforkpool_role {
    CFORKPOOL_IN_PARENT = 0,
    CFORKPOOL_IN_TEMPLATE = 1,
    CFORKPOOL_IN_WORKER = 2,
};

/// The name of the call number `index` that can be made to fail. NULL past the last one, and in a release build.
const char *_Nullable cforkpool_injectable(int32_t index);
/// Makes the call `name` fail with `error` in all processes of a role, `times` times from their `first` such call on
/// (from 1). Replaces the plan before; a process that was forked before the first plan or started by exec has none.
/// Returns 0 or a negative errno: ENOSYS in a release build.
int32_t cforkpool_inject(const char *name, int32_t role, uint32_t first, uint32_t times, int32_t error);
/// Ends the plan: every call succeeds again and none is counted. The counts stay.
void cforkpool_inject_nothing(void);
/// Counts the calls under the last plan, or returns a negative errno.
int32_t cforkpool_injected_calls(const char *name, int32_t role);
/// Counts the calls that the last plan made fail, or returns a negative errno.
int32_t cforkpool_injected_failures(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
