// SPDX-License-Identifier: Apache-2.0

// The floor of a runner: only vfork, exec and wait4 in a loop. Usage: spawn JOBS AT-ONCE COMMAND...
// Each job gets its number as last argument. With one job at once it prints mean and median of a job, in nanoseconds.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    long a = *(const long *)left, b = *(const long *)right;
    return (a > b) - (a < b);
}

__attribute__((noinline)) static pid_t launch(char **command) {
    pid_t child = vfork();
    if (child == 0) {
        execv(command[0], command);
        _exit(127);
    }
    return child;
}

int main(int argc, char **argv) {
    if (argc < 4) return 64;
    int jobs = atoi(argv[1]), at_once = atoi(argv[2]), running = 0;
    char **command = calloc((size_t)argc, sizeof *command), number[16];
    long *took = calloc((size_t)jobs, sizeof *took), sum = 0;
    if (jobs < 1 || !command || !took) return 64;
    for (int i = 3; i < argc; i++) command[i - 3] = argv[i];
    command[argc - 3] = number;
    for (int job = 0; job < jobs || running > 0;) {
        if (job < jobs && running < at_once) {
            snprintf(number, sizeof number, "%d", job + 1);
            took[job] = -now();
            if (launch(command) < 0) return 71;
            job++, running++;
        } else {
            int status;
            if (wait4(-1, &status, 0, NULL) < 0 || status != 0) return 1;
            if (at_once == 1) took[job - 1] += now();
            running--;
        }
    }
    if (at_once > 1) return 0;
    for (int job = 0; job < jobs; job++) sum += took[job];
    qsort(took, (size_t)jobs, sizeof *took, ascending);
    printf("%ld %ld\n", sum / jobs, took[jobs / 2]);
}
