// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/// Event counters, by which threads of this process wake one that waits for descriptors. No worker keeps one: it could
/// change whether a read blocks, take what was counted, or leave the number to a file of its own.

int32_t cforkpool_eventfd(void)
{
    int fd = CALL(eventfd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return fd < 0 ? -errno : cforkpool_above_standard(fd);
}

struct cforkpool_event *cforkpool_event_make(int32_t *error)
{
    struct cforkpool_event *event = CALL_OR(malloc, NULL, malloc(sizeof *event));
    *error = event == NULL ? -ENOMEM : 0;
    if (event == NULL)
        return NULL;
    event->fd = cforkpool_eventfd();
    if (event->fd < 0) {
        *error = event->fd;
        free(event);
        return NULL;
    }
    pthread_mutex_lock(&cforkpool_state.events.lock);
    event->previous = NULL;
    event->next = cforkpool_state.events.first;
    if (event->next != NULL)
        event->next->previous = event;
    cforkpool_state.events.first = event;
    pthread_mutex_unlock(&cforkpool_state.events.lock);
    return event;
}

void cforkpool_event_free(struct cforkpool_event *event)
{
    pthread_mutex_lock(&cforkpool_state.events.lock);
    if (event->next != NULL)
        event->next->previous = event->previous;
    if (event->previous != NULL)
        event->previous->next = event->next;
    else
        cforkpool_state.events.first = event->next;
    close(event->fd);
    pthread_mutex_unlock(&cforkpool_state.events.lock);
    free(event);
}

void cforkpool_close_events(void)
{
    for (struct cforkpool_event *event = cforkpool_state.events.first; event != NULL; event = event->next)
        close(event->fd);
}

int32_t cforkpool_event_notify(struct cforkpool_event *event)
{
    return cforkpool_eventfd_notify(event->fd);
}

int32_t cforkpool_eventfd_notify(int32_t fd)
{
    uint64_t one = 1;
    // A full counter is readable already.
    while (CALL_EVEN_IF(EAGAIN, write, write(fd, &one, sizeof one)) < 0) {
        if (errno == EAGAIN)
            break;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

void cforkpool_event_drain(struct cforkpool_event *event)
{
    uint64_t count;
    while (CALL(read, read(event->fd, &count, sizeof count)) < 0 && errno == EINTR)
        ;
}
