/* One source file in memory, and places in it.
 *
 * A source is whole and read-only. It outlives every tree and diagnostic made of it, because their
 * places and texts point into it. CRLF counts as one line end; a byte order mark at the start is
 * skipped.
 * Threads: any, because it is read-only after loading.
 */
#ifndef CALLBOARD_LANG_SOURCE_H
#define CALLBOARD_LANG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Largest file that is read. Offsets stay small, and no script written by a person comes near this
 * size. */
#define CB_SOURCE_MAX_BYTES (16u * 1024u * 1024u)

/* A place in a source. Columns count characters (UTF-8 code points) from 1, as editors do. */
typedef struct cb_place {
    uint32_t offset; /* in bytes from the start of the text */
    uint32_t length; /* in bytes; 0 for a single point */
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1 */
} cb_place;

typedef struct cb_source {
    char *path;   /* for diagnostics */
    char *folder; /* the start of relative plugin paths; "." if the path has no folder */
    char *text;   /* the bytes without a byte order mark, and a NUL after them */
    size_t size;  /* in bytes, without that NUL */
} cb_source;

/* Reads a file. CB_IO (with errno), CB_LIMIT (too large), CB_NO_MEMORY. Free with cb_source_free.
 */
CB_PUBLIC cb_status cb_source_load(const char *path, cb_source *source, cb_error *error);
/* Makes a source from a copy of the bytes; `path` is only a name. CB_LIMIT, CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_source_from_bytes(const char *path, const void *bytes, size_t size,
                                         cb_source *source, cb_error *error);
/* Frees the contents of the struct, not the struct; a zeroed one is fine. */
CB_PUBLIC void cb_source_free(cb_source *source);

#ifdef __cplusplus
}
#endif
#endif
