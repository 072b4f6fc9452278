// SPDX-License-Identifier: Apache-2.0

/// Includes nothing: this target is here for the flags of pkg-config alone. CForkMPI includes <mpi.h>; Swift never reads it.
