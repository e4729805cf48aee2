/* Strings and blobs of a running script: variables over shared buffers, copied when written.
 *
 * A string's bytes end with a NUL that does not count and hold none before it. A blob holds any
 * bytes. A variable may be a reference to another one; every function here follows it, once.
 *
 * Errors are plain statuses, the machine words them: CB_NO_MEMORY, CB_LIMIT (an object would grow
 * over heap->most_bytes), CB_INVALID (index or field out of range).
 */
#ifndef CALLBOARD_LANG_OBJECT_H
#define CALLBOARD_LANG_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/status.h"

/* All zero is an empty blob that owns nothing. */
typedef struct cb_object {
    cb_buffer *bytes;         /* one reference; NULL is empty */
    struct cb_object *target; /* what a reference refers to; then the rest is unused */
    size_t capacity;          /* declared or grown, in bytes */
    bool is_string;
    bool overflow; /* the last bounded assignment was cut */
    bool written;  /* was ever assigned or changed */
    bool is_alias; /* may hold foreign memory; every other variable gets a copy of it */
} cb_object;

typedef struct cb_heap {
    size_t most_bytes;  /* of one object */
    size_t bytes_moved; /* copied so far; the machine charges and clears it */
} cb_heap;

static inline cb_object *cb_object_follow(cb_object *object)
{
    return object->target != NULL ? object->target : object;
}

/* The bytes, never NULL; a string's with a NUL after them. */
const uint8_t *cb_object_data(const cb_object *object);
static inline size_t cb_object_size(const cb_object *object)
{
    return object->bytes != NULL ? object->bytes->size : 0;
}

/* Drops what it owns or refers to, and leaves it as new; its kind stays. Not followed. */
void cb_object_clear(cb_object *object);

/* A string becomes empty with that capacity, a blob becomes `size` zero bytes. */
cb_status cb_object_declare(cb_heap *heap, cb_object *object, size_t size);
/* target = value; both of one kind. Shares the bytes. */
cb_status cb_object_assign(cb_heap *heap, cb_object *target, cb_object *value);
/* The same from a buffer (one reference, taken over, also on failure; NULL is empty), which may be
 * anybody's: a string ends at its first NUL and gets one of its own. */
cb_status cb_object_take(cb_heap *heap, cb_object *target, cb_buffer *bytes);
/* The same from a program's string constant: its NUL is there. */
cb_status cb_object_assign_constant(cb_heap *heap, cb_object *target, cb_buffer *bytes);
/* target = value, which becomes empty; `value` must be no reference. */
cb_status cb_object_move(cb_heap *heap, cb_object *target, cb_object *value);
/* target := value. Writes over the front of the target, at most up to its capacity; what lies
 * behind a shorter value stays. Sets the overflow flag when the value was cut. */
cb_status cb_object_fill(cb_heap *heap, cb_object *target, cb_object *value);
/* Makes its bytes its own, `size` long; new bytes are 0. */
cb_status cb_object_resize(cb_heap *heap, cb_object *object, size_t size, uint8_t **data);
/* Ends a string at its first NUL, after somebody wrote to what cb_object_resize gave. */
void cb_object_end_string(cb_object *object);
/* One more reference to its bytes, not foreign memory; NULL when out of memory. */
cb_buffer *cb_object_share(cb_heap *heap, cb_object *object);

size_t cb_object_capacity(const cb_object *object);
/* -1, 0, 1 by unsigned bytes; a prefix comes first. */
int cb_object_compare(const cb_object *left, const cb_object *right);
/* Pointer to `count` bytes from `at` on, for reading or, after copying shared bytes, for writing.
 */
cb_status cb_object_read(const cb_object *object, int64_t at, size_t count, const uint8_t **data);
cb_status cb_object_write(cb_heap *heap, cb_object *object, int64_t at, size_t count,
                          uint8_t **data);

#endif
