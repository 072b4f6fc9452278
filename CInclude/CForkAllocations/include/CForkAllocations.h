// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKALLOCATIONS_H
#define CFORKALLOCATIONS_H

/// The environment variable that names the file with the counter.
///
/// A program that starts with this library in `LD_PRELOAD` counts its allocations, and those of its descendants, in the
/// first 8 bytes of the file.
#define CFORKALLOCATIONS_FILE "FORKPOOL_ALLOCATIONS"

#endif
