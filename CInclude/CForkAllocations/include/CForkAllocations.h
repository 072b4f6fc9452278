#ifndef CFORKALLOCATIONS_H
#define CFORKALLOCATIONS_H

/// Counts the allocations of a program that is started with this library in `LD_PRELOAD`, and of all processes that come
/// from it, in a number at the beginning of the file that this variable names.
#define CFORKALLOCATIONS_FILE "FORKPOOL_ALLOCATIONS"

#endif
