// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <stdio.h>
#include <stdio_ext.h>

/// Streams of the C library that are flushed while other threads may hold them.

/// glibc's list of the streams that are open.
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void *_IO_iter_begin(void) __attribute__((weak));
extern void *_IO_iter_end(void) __attribute__((weak));
extern void *_IO_iter_next(void *) __attribute__((weak));
extern FILE *_IO_iter_file(void *) __attribute__((weak));

void cforkpool_flush(FILE *stream)
{
    if (ftrylockfile(stream) != 0)
        return;
    fflush_unlocked(stream);
    funlockfile(stream);
}

void cforkpool_flush_all(void)
{
    // Not fflush(NULL), which waits for a thread that holds a stream, such as one that reads from a pipe.
    if (_IO_list_lock == NULL || _IO_iter_begin == NULL)
        return;
    _IO_list_lock();
    for (void *place = _IO_iter_begin(); place != _IO_iter_end(); place = _IO_iter_next(place))
        cforkpool_flush(_IO_iter_file(place));
    _IO_list_unlock();
}

void cforkpool_flush_output(void)
{
    if (__fpending(stdout) > 0)
        cforkpool_flush(stdout);
}
