// SPDX-License-Identifier: Apache-2.0
#include "cpictures.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/// libjpeg's error manager, and where to go on after an error.
struct error_manager {
    struct jpeg_error_mgr base;
    jmp_buf after;
    char *message;
};

static void fail(j_common_ptr info) {
    struct error_manager *errors = (struct error_manager *)info->err;
    errors->base.format_message(info, errors->message);
    longjmp(errors->after, 1);
}

// A warning, such as the early end of the data, is an error here: half a picture is no picture.
static void warn(j_common_ptr info, int level) {
    if (level < 0) fail(info);
}

static struct jpeg_error_mgr *prepare(struct error_manager *errors, struct cpictures_picture *picture) {
    _Static_assert(sizeof picture->message >= JMSG_LENGTH_MAX, "a message of libjpeg does not fit");
    jpeg_std_error(&errors->base);
    errors->base.error_exit = fail;
    errors->base.emit_message = warn;
    errors->message = picture->message;
    return &errors->base;
}

bool cpictures_read_jpeg(const char *path, struct cpictures_picture *picture) {
    memset(picture, 0, sizeof *picture);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        snprintf(picture->message, sizeof picture->message, "%s", strerror(errno));
        return false;
    }
    struct error_manager errors;
    struct jpeg_decompress_struct info;
    memset(&info, 0, sizeof info);
    info.err = prepare(&errors, picture);
    if (setjmp(errors.after)) {
        jpeg_destroy_decompress(&info);
        fclose(file);
        free(picture->pixels);
        picture->pixels = NULL;
        return false;
    }
    jpeg_create_decompress(&info);
    jpeg_stdio_src(&info, file);
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    picture->width = (int)info.output_width;
    picture->height = (int)info.output_height;
    size_t row = (size_t)info.output_width * 3;
    picture->pixels = malloc(row * info.output_height);
    if (picture->pixels == NULL) ERREXIT1(&info, JERR_OUT_OF_MEMORY, 0);
    while (info.output_scanline < info.output_height) {
        JSAMPROW line = picture->pixels + row * info.output_scanline;
        jpeg_read_scanlines(&info, &line, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    fclose(file);
    return true;
}

bool cpictures_write_jpeg(const char *path, struct cpictures_picture *picture) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        snprintf(picture->message, sizeof picture->message, "%s", strerror(errno));
        return false;
    }
    struct error_manager errors;
    struct jpeg_compress_struct info;
    memset(&info, 0, sizeof info);
    info.err = prepare(&errors, picture);
    if (setjmp(errors.after)) {
        jpeg_destroy_compress(&info);
        fclose(file);
        return false;
    }
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = (JDIMENSION)picture->width;
    info.image_height = (JDIMENSION)picture->height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW line = picture->pixels + (size_t)picture->width * 3 * info.next_scanline;
        jpeg_write_scanlines(&info, &line, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return fclose(file) == 0;
}
