// SPDX-License-Identifier: Apache-2.0
#include "CForkMPI.h"

#ifdef FORKPOOL_MPI
#if !__has_include(<mpi.h>)
#error "The trait MPI of ForkPool needs an MPI with its headers: apt-get install libopenmpi-dev openmpi-bin (or libmpich-dev mpich)"
#else

#include <mpi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/// The signals that MPI libraries handle, to print a trace: a worker that crashed would print it too.
static const int crash_signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
enum { CRASH_SIGNALS = sizeof crash_signals / sizeof *crash_signals };

static struct {
    MPI_Comm world;
    int rank;
    int size;
    bool is_own;
    /// Sends and receives that are under way: a free place has MPI_REQUEST_NULL.
    MPI_Request *requests;
    int32_t places;
    /// The process whose run has MPI.
    _Atomic pid_t owner;
    /// What an exit writes, in the process that it is for.
    pid_t guarded;
    char line[512];
    char library[MPI_MAX_LIBRARY_VERSION_STRING + 1];
} state;

int32_t cforkmpi_claim(void) {
    pid_t owner = 0;
    return atomic_compare_exchange_strong(&state.owner, &owner, getpid()) ? 0 : owner;
}

void cforkmpi_release(void) { atomic_store(&state.owner, 0); }

int32_t cforkmpi_init(void) {
    int is_on = 0, level = 0;
    MPI_Initialized(&is_on);
    if (is_on) {
        MPI_Query_thread(&level);
    } else {
        struct sigaction actions[CRASH_SIGNALS];
        for (int i = 0; i < CRASH_SIGNALS; i++) sigaction(crash_signals[i], NULL, &actions[i]);
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
        for (int i = 0; i < CRASH_SIGNALS; i++) sigaction(crash_signals[i], &actions[i], NULL);
        state.is_own = true;
    }
    int is_main = 0;
    MPI_Is_thread_main(&is_main);
    if (level < (is_main ? MPI_THREAD_FUNNELED : MPI_THREAD_SERIALIZED)) return -1;
    // Messages of the program's own never meet those of the cluster.
    MPI_Comm_dup(MPI_COMM_WORLD, &state.world);
    // Whatever the program has set for its own.
    MPI_Comm_set_errhandler(state.world, MPI_ERRORS_ARE_FATAL);
    MPI_Comm_rank(state.world, &state.rank);
    MPI_Comm_size(state.world, &state.size);
    int length;
    MPI_Get_library_version(state.library, &length);
    state.library[strcspn(state.library, "\n,")] = 0;
    return 0;
}

int32_t cforkmpi_rank(void) { return state.rank; }
int32_t cforkmpi_size(void) { return state.size; }
const char *cforkmpi_library(void) { return state.library; }

void cforkmpi_finalize(void) {
    state.guarded = 0;
    MPI_Comm_free(&state.world);
    if (state.is_own) MPI_Finalize();
}

bool cforkmpi_is_over(void) {
    int is_over = 0;
    MPI_Finalized(&is_over);
    return is_over;
}

void cforkmpi_abort(int32_t status) {
    state.guarded = 0;
    MPI_Abort(MPI_COMM_WORLD, status);
}

static void end_job_at_exit(void) {
    // A forked child has the handler, too.
    if (state.guarded != getpid()) return;
    // A reader that is gone must not end this process before the job.
    signal(SIGPIPE, SIG_IGN);
    (void)!write(STDERR_FILENO, state.line, strlen(state.line));
    cforkmpi_abort(1);
}

void cforkmpi_guard_exit(const char *line) {
    strncpy(state.line, line, sizeof state.line - 1);
    state.guarded = getpid();
    atexit(end_job_at_exit);
}

/// Keeps a request that is not done yet; returns 0 for one that is.
static int32_t keep(MPI_Request request) {
    int is_done = 0;
    MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
    if (is_done) return 0;
    int32_t place = 0;
    while (place < state.places && state.requests[place] != MPI_REQUEST_NULL) place++;
    if (place == state.places) {
        int32_t places = state.places ? 2 * state.places : 64;
        MPI_Request *requests = realloc(state.requests, (size_t)places * sizeof *requests);
        if (!requests) {
            // Without memory for its number it is waited for.
            MPI_Wait(&request, MPI_STATUS_IGNORE);
            return 0;
        }
        for (int32_t i = state.places; i < places; i++) requests[i] = MPI_REQUEST_NULL;
        state.requests = requests;
        state.places = places;
    }
    state.requests[place] = request;
    return place + 1;
}

int32_t cforkmpi_send(const void *bytes, int32_t size, int32_t rank, int32_t tag) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(bytes, size, MPI_BYTE, rank, tag, state.world, &request);
    return keep(request);
}

int32_t cforkmpi_receive(void *bytes, int32_t size, int32_t rank, int32_t tag) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(bytes, size, MPI_BYTE, rank, tag, state.world, &request);
    return keep(request);
}

bool cforkmpi_test(int32_t number) {
    int is_done = 0;
    MPI_Test(&state.requests[number - 1], &is_done, MPI_STATUS_IGNORE);
    return is_done;
}

bool cforkmpi_probe(int32_t rank, int32_t tag, struct cforkmpi_message *message) {
    int is_there = 0;
    MPI_Status status;
    MPI_Iprobe(rank < 0 ? MPI_ANY_SOURCE : rank, tag, state.world, &is_there, &status);
    if (!is_there) return false;
    message->source = status.MPI_SOURCE;
    MPI_Get_count(&status, MPI_BYTE, &message->size);
    return true;
}

int64_t cforkmpi_set_timer_slack(int64_t nanoseconds) {
    int64_t before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, (unsigned long)nanoseconds, 0, 0, 0);
    return before;
}

#endif
#endif
