// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKMPI_H
#define CFORKMPI_H

/// The shim between ForkPoolCluster and MPI.
///
/// In C because the types and constants of MPI differ from one MPI to another, and are macros: none of them is in this header.
/// One thread makes all calls, the one that called `cforkmpi_init`. At an error MPI ends the job (MPI_ERRORS_ARE_FATAL).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// A message that has come and was not received.
struct cforkmpi_message {
    int32_t source;
    /// In bytes.
    int32_t size;
};

/// Takes MPI for a run of this process. Returns 0, or the process whose run has it: this one, or one of which this is a fork.
int32_t cforkmpi_claim(void);
/// Gives it back.
void cforkmpi_release(void);
/// Starts MPI, if the program has not, with an own communicator, and gives the handlers of crash signals back that MPI took.
/// Returns 0, or -1 if the program's MPI may not be called from this thread (MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED).
int32_t cforkmpi_init(void);
/// The number of this rank, and the number of all.
int32_t cforkmpi_rank(void);
int32_t cforkmpi_size(void);
/// Ends MPI, if `cforkmpi_init` has started it; waits for the other ranks.
void cforkmpi_finalize(void);
/// Whether MPI was ended, after which it cannot start again.
bool cforkmpi_is_over(void);
/// Ends the processes of all ranks.
void cforkmpi_abort(int32_t status);
/// From now on an `exit` of this process writes a line and ends the job, until `cforkmpi_finalize`.
void cforkmpi_guard_exit(const char *line);

/// Starts to send bytes, which stay in place until they are sent. Returns 0 if they are sent already, else a number for
/// `cforkmpi_test`, from 1 on.
int32_t cforkmpi_send(const void *_Nullable bytes, int32_t size, int32_t rank, int32_t tag);
/// Starts to receive a message; returns as `cforkmpi_send` does.
int32_t cforkmpi_receive(void *_Nullable bytes, int32_t size, int32_t rank, int32_t tag);
/// Whether a send or receive is done; its number is then another one's.
bool cforkmpi_test(int32_t number);
/// Looks for a message with a tag, of a rank or, for -1, of any; returns whether there is one.
bool cforkmpi_probe(int32_t rank, int32_t tag, struct cforkmpi_message *message);

/// The name and version of the MPI library.
const char *cforkmpi_library(void);

/// Sets how late this thread's sleeps may end, in nanoseconds; returns what that was (PR_SET_TIMERSLACK).
int64_t cforkmpi_set_timer_slack(int64_t nanoseconds);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
