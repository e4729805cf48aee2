#include "bridge/lang/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char byte_order_mark[3] = {'\xEF', '\xBB', '\xBF'};

static char *copy_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

/* Takes over `text`, `size` bytes and a NUL. */
static cb_status adopt(const char *path, char *text, size_t size, cb_source *source,
                       cb_error *error)
{
    const char *slash = strrchr(path, '/');
    size_t folder_size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    source->path = copy_text(path, strlen(path));
    source->folder = slash == NULL ? copy_text(".", 1) : copy_text(path, folder_size);
    source->text = text;
    source->size = size;
    if (source->path == NULL || source->folder == NULL) {
        cb_source_free(source);
        return cb_fail(error, CB_NO_MEMORY, "%s: out of memory", path);
    }
    if (size >= sizeof byte_order_mark &&
        memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        source->size -= sizeof byte_order_mark;
        memmove(text, text + sizeof byte_order_mark, source->size + 1);
    }
    return CB_OK;
}

static cb_status too_large(const char *path, cb_error *error)
{
    return cb_fail(error, CB_LIMIT, "%s: larger than %u bytes, the most a script may have", path,
                   CB_SOURCE_MAX_BYTES);
}

/* Reads to the end or one byte past the limit, whichever is first; works for pipes too. */
static cb_status read_all(FILE *file, const char *path, char **text, size_t *size, cb_error *error)
{
    size_t room = 16384;
    char *bytes = malloc(room + 1);
    size_t used = 0;
    while (bytes != NULL) {
        used += fread(bytes + used, 1, room - used, file);
        if (used < room || used > CB_SOURCE_MAX_BYTES)
            break;
        room *= 2;
        char *grown = realloc(bytes, room + 1);
        if (grown == NULL)
            free(bytes);
        bytes = grown;
    }
    if (bytes == NULL)
        return cb_fail(error, CB_NO_MEMORY, "%s: out of memory", path);
    cb_status status = CB_OK;
    if (ferror(file))
        status = cb_fail_errno(error, CB_IO, errno, "cannot read %s", path);
    else if (used > CB_SOURCE_MAX_BYTES)
        status = too_large(path, error);
    if (status != CB_OK) {
        free(bytes);
        return status;
    }
    bytes[used] = '\0';
    *text = bytes;
    *size = used;
    return CB_OK;
}

cb_status cb_source_load(const char *path, cb_source *source, cb_error *error)
{
    *source = (cb_source){0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return cb_fail_errno(error, CB_IO, errno, "cannot open %s", path);
    char *text = NULL;
    size_t size = 0;
    cb_status status = read_all(file, path, &text, &size, error);
    (void)fclose(file);
    return status == CB_OK ? adopt(path, text, size, source, error) : status;
}

cb_status cb_source_from_bytes(const char *path, const void *bytes, size_t size, cb_source *source,
                               cb_error *error)
{
    *source = (cb_source){0};
    if (size > CB_SOURCE_MAX_BYTES)
        return too_large(path, error);
    char *text = copy_text(size == 0 ? "" : bytes, size);
    if (text == NULL)
        return cb_fail(error, CB_NO_MEMORY, "%s: out of memory", path);
    return adopt(path, text, size, source, error);
}

void cb_source_free(cb_source *source)
{
    free(source->path);
    free(source->folder);
    free(source->text);
    *source = (cb_source){0};
}
