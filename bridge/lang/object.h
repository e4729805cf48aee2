/* Strings and blobs of a running script: variables over shared buffers, copied when written.
 *
 * A NUL follows a string's bytes; it does not count, and no other NUL is in them. A blob holds any
 * bytes. A variable may be a reference to another one; every function here follows the reference,
 * once.
 *
 * Errors are plain statuses; the machine writes the messages: CB_NO_MEMORY, CB_LIMIT (an object
 * would grow over heap->most_bytes), CB_INVALID (index or field out of range).
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
    struct cb_object *target; /* target of a reference; the other fields are then unused */
    size_t capacity;          /* declared or grown, in bytes */
    bool is_string;
    bool overflow; /* the last bounded assignment was cut */
    bool written;  /* it was assigned or changed at least once */
    bool is_alias; /* may hold foreign memory; other variables get a copy of it */
} cb_object;

typedef struct cb_heap {
    size_t most_bytes;  /* of one object */
    size_t bytes_moved; /* copied so far; the machine charges and clears it */
} cb_heap;

static inline cb_object *cb_object_follow(cb_object *object)
{
    return object->target != NULL ? object->target : object;
}

/* The bytes, never NULL; a NUL follows those of a string. */
const uint8_t *cb_object_data(const cb_object *object);
static inline size_t cb_object_size(const cb_object *object)
{
    return object->bytes != NULL ? object->bytes->size : 0;
}

/* Drops what it owns or refers to; it is then like new, but keeps its kind. Does not follow a
 * reference. */
void cb_object_clear(cb_object *object);

/* A string becomes empty with capacity `size`, a blob becomes `size` zero bytes. */
cb_status cb_object_declare(cb_heap *heap, cb_object *object, size_t size);
/* target = value; both of the same kind. They share the bytes. */
cb_status cb_object_assign(cb_heap *heap, cb_object *target, cb_object *value);
/* The same from a buffer (one reference, taken over, also on failure; NULL is empty). The buffer
 * may come from any code: a string ends at its first NUL, and gets a NUL of its own. */
cb_status cb_object_take(cb_heap *heap, cb_object *target, cb_buffer *bytes);
/* The same from a program's string constant, which has its NUL already. */
cb_status cb_object_assign_constant(cb_heap *heap, cb_object *target, cb_buffer *bytes);
/* target = value, and `value` becomes empty. `value` must not be a reference. */
cb_status cb_object_move(cb_heap *heap, cb_object *target, cb_object *value);
/* target := value. Overwrites the beginning of the target, at most up to its capacity; bytes after
 * a shorter value stay. Sets the overflow flag if the value was cut. */
cb_status cb_object_fill(cb_heap *heap, cb_object *target, cb_object *value);
/* Makes its bytes unshared and `size` long; new bytes are 0. */
cb_status cb_object_resize(cb_heap *heap, cb_object *object, size_t size, uint8_t **data);
/* Ends a string at its first NUL. Call it after writing to the memory that cb_object_resize
 * gave. */
void cb_object_end_string(cb_object *object);
/* One more reference to its bytes, never to foreign memory; NULL when out of memory. */
cb_buffer *cb_object_share(cb_heap *heap, cb_object *object);

size_t cb_object_capacity(const cb_object *object);
/* -1, 0, 1 by unsigned bytes; a prefix is less than the longer one. */
int cb_object_compare(const cb_object *left, const cb_object *right);
/* Gives a pointer to `count` bytes from `at` on: for reading, or (after shared bytes were copied)
 * for writing. */
cb_status cb_object_read(const cb_object *object, int64_t at, size_t count, const uint8_t **data);
cb_status cb_object_write(cb_heap *heap, cb_object *object, int64_t at, size_t count,
                          uint8_t **data);

#endif
