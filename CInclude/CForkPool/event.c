// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/// Event counters, by which threads of this process wake one that waits for descriptors. No worker keeps one: it could
/// change whether a read blocks, take what was counted, or leave the number to a file of its own.

int32_t cforkpool_event_open(struct cforkpool_event *event, int32_t fd)
{
    fd = cforkpool_above_standard(fd);
    if (fd < 0)
        return fd;
    event->fd = fd;
    pthread_mutex_lock(&cforkpool_state.events.lock);
    event->previous = NULL;
    event->next = cforkpool_state.events.first;
    if (event->next != NULL)
        event->next->previous = event;
    cforkpool_state.events.first = event;
    pthread_mutex_unlock(&cforkpool_state.events.lock);
    return 0;
}

void cforkpool_event_close(struct cforkpool_event *event)
{
    pthread_mutex_lock(&cforkpool_state.events.lock);
    if (event->next != NULL)
        event->next->previous = event->previous;
    if (event->previous != NULL)
        event->previous->next = event->next;
    else if (cforkpool_state.events.first == event)
        cforkpool_state.events.first = event->next;
    close(event->fd);
    pthread_mutex_unlock(&cforkpool_state.events.lock);
    *event = (struct cforkpool_event){0};
}

struct cforkpool_event *cforkpool_event_make(int32_t *error)
{
    int fd = CALL(eventfd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    *error = fd < 0 ? -errno : 0;
    if (fd < 0)
        return NULL;
    struct cforkpool_event *event = CALL_OR(malloc, NULL, malloc(sizeof *event));
    *error = event == NULL ? -ENOMEM : cforkpool_event_open(event, fd);
    if (event == NULL)
        close(fd);
    if (*error == 0)
        return event;
    free(event);
    return NULL;
}

void cforkpool_event_free(struct cforkpool_event *event)
{
    cforkpool_event_close(event);
    free(event);
}

void cforkpool_close_events(void)
{
    for (struct cforkpool_event *event = cforkpool_state.events.first; event != NULL; event = event->next)
        close(event->fd);
}

bool cforkpool_event_reopen(struct cforkpool_event *event)
{
    int fd = cforkpool_above_standard((int32_t)CALL(eventfd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
    if (fd < 0)
        return false;
    pthread_mutex_lock(&cforkpool_state.events.lock);
    __atomic_store_n(&event->fd, fd, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&cforkpool_state.events.lock);
    return true;
}

int32_t cforkpool_event_notify(struct cforkpool_event *event)
{
    uint64_t one = 1;
    // A full counter is readable already.
    while (CALL_EVEN_IF(EAGAIN, write, write(__atomic_load_n(&event->fd, __ATOMIC_ACQUIRE), &one, sizeof one)) < 0) {
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
