// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <stdio.h>
#include <string.h>

/// The variable that tells a program which worker it is. Any user can set it, so a text counts only if it is, letter for
/// letter, one that a pool writes.

void cforkpool_write_told(const struct cforkpool_told *told, char *text)
{
    int used = snprintf(text, CFORKPOOL_TOLD, "%d:%d:%d:%d:%zx:%llx:", told->memory, told->number, told->parent,
                        told->is_dumpable, told->stack_size, (unsigned long long)told->token);
    for (size_t i = 0; i < sizeof told->rounding; i++)
        snprintf(text + used + 2 * i, 3, "%02x", ((const unsigned char *)&told->rounding)[i]);
}

bool cforkpool_read_told(const char *text, struct cforkpool_told *told)
{
    int is_dumpable, used = 0;
    unsigned long long token;
    if (sscanf(text, "%d:%d:%d:%d:%zx:%llx:%n", &told->memory, &told->number, &told->parent, &is_dumpable,
               &told->stack_size, &token, &used) != 6)
        return false;
    told->is_dumpable = is_dumpable != 0;
    told->token = token;
    if (used == 0 || strlen(text + used) != 2 * sizeof told->rounding)
        return false;
    for (size_t i = 0; i < sizeof told->rounding; i++) {
        unsigned byte;
        if (sscanf(text + used + 2 * i, "%2x", &byte) != 1)
            return false;
        ((unsigned char *)&told->rounding)[i] = (unsigned char)byte;
    }
    char own[CFORKPOOL_TOLD];
    cforkpool_write_told(told, own);
    return strcmp(text, own) == 0;
}

bool cforkpool_take_rounding(fenv_t rounding)
{
#ifdef __x86_64__
    // The processor refuses, by a signal, a bit of this register that it does not have.
    _Alignas(16) unsigned char state[512];
    uint32_t supported;
    __builtin_ia32_fxsave(state);
    memcpy(&supported, state + 28, sizeof supported);
    rounding.__mxcsr &= supported != 0 ? supported : 0xffbf;
#endif
    return fesetenv(&rounding) == 0;
}
