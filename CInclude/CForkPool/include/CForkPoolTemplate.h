#ifndef CFORKPOOL_TEMPLATE_H
#define CFORKPOOL_TEMPLATE_H

// Processes that do nothing but fork: template.c.

#include "CForkPoolStart.h"
#include "CForkPoolWait.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// What a parent asks of a template, and what it answers: in memory that those two share and no worker has.
struct cforkpool_orders {
    /// How often was asked, and how often answered; each is waited for.
    uint32_t asked;
    uint32_t answered;
    /// The child to reap, or 0, and its number; then 0 or a negative errno, and below how it ended.
    int32_t reaped;
    int32_t reaped_number;
    int32_t reap_error;
    /// How many children to fork.
    int32_t forks;
    struct cforkpool_ending ending;
    /// In: what each child is given as its number. Out: its process id, or a negative errno. Behind as many as there
    /// are numbers, the process that keeps the memory of the child with each number, or 0: the template's own business.
    int32_t children[];
};

/// A process that does nothing but fork: its memory stays what the parent's was, whatever the parent does since, and
/// its forks do not stop the parent.
struct cforkpool_template {
    /// Runs in each child, as in `cforkpool_start`.
    int (*entry)(void *context, int32_t number);
    void *context;
    /// Crash records, by number.
    struct cforkpool_crash *crashes;
    /// Rung after each answer.
    int32_t bell;
    struct cforkpool_orders *orders;
    size_t orders_size;
    /// How many numbers there are.
    int32_t numbers;
};

/// The entry of a template, for `cforkpool_start`, with a `cforkpool_template` as its context; it ends with its parent.
///
/// In C because its children must be those of a process that never ran Swift.
int cforkpool_template_main(void *template_context, int32_t unused);

/// Tells a template that there are new orders.
void cforkpool_template_ask(struct cforkpool_orders *orders);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
