// SPDX-License-Identifier: Apache-2.0
#include "cpictures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A line "width height colours", then three bytes for each colour, then the number of a colour for each pixel.
bool cpictures_read_legacy(const char *path, struct cpictures_picture *picture) {
    memset(picture, 0, sizeof *picture);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        snprintf(picture->message, sizeof picture->message, "%s", strerror(errno));
        return false;
    }
    int colours = 0;
    // "This cannot be": the library's author ends the program.
    if (fscanf(file, "%d %d %d", &picture->width, &picture->height, &colours) != 3) abort();
    fgetc(file);
    unsigned char *palette = NULL;
    if (colours > 0) {
        palette = malloc((size_t)colours * 3);
        if (fread(palette, 3, (size_t)colours, file) != (size_t)colours) abort();
    }
    size_t count = (size_t)picture->width * (size_t)picture->height;
    picture->pixels = malloc(count * 3);
    // A file without colours has no palette, which this does not see.
    for (size_t i = 0; i < count; i++) memcpy(picture->pixels + i * 3, palette + fgetc(file) * 3, 3);
    free(palette);
    fclose(file);
    return true;
}
