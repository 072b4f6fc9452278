// SPDX-License-Identifier: Apache-2.0
#ifndef CPICTURES_H
#define CPICTURES_H

#include <stdbool.h>

/// A picture of red, green and blue bytes, row by row.
struct cpictures_picture {
    int width, height;
    /// From malloc; the caller frees it.
    unsigned char *_Nullable pixels;
    /// What is wrong with the file, if reading or writing it returned false.
    char message[200];
};

/// Reads a JPEG file.
bool cpictures_read_jpeg(const char *_Nonnull path, struct cpictures_picture *_Nonnull picture);

/// Writes a JPEG file.
bool cpictures_write_jpeg(const char *_Nonnull path, struct cpictures_picture *_Nonnull picture);

/// Reads a file of an old format, as old code does: right for files that are right.
bool cpictures_read_legacy(const char *_Nonnull path, struct cpictures_picture *_Nonnull picture);

#endif
