// SPDX-License-Identifier: Apache-2.0
#ifndef CRECORDS_H
#define CRECORDS_H

// A parser of "name=value;name=value", as many a C library is: all that it knows is in static variables, so that a program
// reads one text at a time, and what it does with input that it does not expect is its own affair.

/// Begins with a text, which stays the caller's.
void crecords_open(const char *_Nonnull text);

/// Returns the name of the next field, which the next call overwrites, or NULL at the end of the text.
const char *_Nullable crecords_next(void);

/// Returns the value of the field that crecords_next() returned last.
long crecords_value(void);

#endif
