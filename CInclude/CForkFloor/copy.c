// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

bool cforkfloor_copy(size_t offset, int64_t count, size_t size)
{
    const unsigned char *from = cforkfloor_region(0);
    unsigned char **copies = malloc((size_t)count * sizeof *copies);
    int64_t made = 0;
    while (from != NULL && copies != NULL && made < count) {
        unsigned char *copy = malloc(size);
        if (copy == NULL)
            break;
        copies[made] = memcpy(copy, from + offset + (size_t)made * size, size);
        made++;
    }
    for (int64_t i = 0; i < made; i++)
        free(copies[i]);
    free(copies);
    return made == count;
}
