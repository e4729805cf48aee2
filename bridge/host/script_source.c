#include "bridge/host/script_source.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callboard/buffer.h"

#define STDIN_NAME "<stdin>"
#define READ_SIZE  65536u

static cb_status read_stdin(cb_buffer **bytes, cb_error *error)
{
    cb_buffer *text = NULL;
    for (;;) {
        size_t size = text == NULL ? 0 : text->size;
        if (size > CB_SOURCE_MAX_BYTES)
            break; /* making the source says that it is too large */
        cb_status status = cb_buffer_writable(&text, size + READ_SIZE);
        if (status != CB_OK) {
            cb_buffer_release(text);
            return cb_fail(error, status, STDIN_NAME ": out of memory");
        }
        ssize_t count = read(STDIN_FILENO, text->data + text->size, READ_SIZE);
        if (count == 0)
            break;
        if (count > 0) {
            text->size += (size_t)count;
        } else if (errno != EINTR) {
            int code = errno;
            cb_buffer_release(text);
            return cb_fail_errno(error, CB_IO, code, "cannot read standard input");
        }
    }
    *bytes = text;
    return CB_OK;
}

cb_status cb_script_source(const char *path, cb_source *source, cb_error *error)
{
    if (strcmp(path, "-") != 0)
        return cb_source_load(path, source, error);
    cb_buffer *text = NULL;
    cb_status status = read_stdin(&text, error);
    if (status != CB_OK)
        return status;
    status = cb_source_from_bytes(STDIN_NAME, text->data, text->size, source, error);
    cb_buffer_release(text);
    return status;
}
