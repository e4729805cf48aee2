/* Reference-counted byte buffers: what travels as a message's payload, and what holds the bytes of
 * a script's strings and blobs. Bytes pass from a socket to a callback and back without a copy.
 *
 * Ownership: a function that gives you a `cb_buffer *` gives you one reference; drop it with
 * cb_buffer_release. Functions that take over a reference say so.
 * Writing: only while you hold the sole reference (cb_buffer_is_unique) of a buffer that is not
 * foreign memory shared on purpose; otherwise take cb_buffer_writable first (copy on write).
 * Memory: each is counted by its capacity in the process's budget (CALLBOARD_MEMORY), which refuses
 * larger ones when it is used up; that is a failed allocation like any other.
 * Threads: counting is atomic; the bytes of a shared buffer are read-only by the rule above.
 */
#ifndef CALLBOARD_BUFFER_H
#define CALLBOARD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fields may be read; only the functions below change them (size may be set directly by the sole
 * owner, up to capacity). */
typedef struct cb_buffer {
    uint8_t *data;   /* inline storage after this struct, or foreign memory */
    size_t size;     /* bytes in use, 0..capacity */
    size_t capacity; /* bytes that `data` can hold */
    uint32_t refs;   /* changed with atomic operations only */
    uint32_t flags;  /* CB_BUFFER_* */
} cb_buffer;

enum {
    CB_BUFFER_FOREIGN = 1u, /* data is somebody else's memory: never freed, never copied on write */
    CB_BUFFER_HOLDS = 2u    /* made by cb_buffer_holding */
};

/* A new buffer of `size` zero bytes with room for at least `capacity`; NULL when out of memory. */
CB_PUBLIC cb_buffer *cb_buffer_new(size_t size, size_t capacity);
/* A new buffer with a copy of the bytes; NULL when out of memory. `bytes` may be NULL if size 0. */
CB_PUBLIC cb_buffer *cb_buffer_copy(const void *bytes, size_t size);
/* A buffer over memory that outlives it; NULL when out of memory. */
CB_PUBLIC cb_buffer *cb_buffer_foreign(void *bytes, size_t size);

/* A buffer of no bytes that keeps an object for as long as somebody refers to it: `data` points to
 * a copy of its `size` bytes, and with the last reference `drop` is called on that copy, on
 * whatever thread it is. So an object with a life of its own can go with a message. NULL when out
 * of memory (the object is then still the caller's). */
CB_PUBLIC cb_buffer *cb_buffer_holding(const void *object, size_t size, void (*drop)(void *object));

CB_PUBLIC cb_buffer *cb_buffer_retain(cb_buffer *buffer); /* NULL gives NULL */
CB_PUBLIC void cb_buffer_release(cb_buffer *buffer);      /* NULL is fine */
CB_PUBLIC bool cb_buffer_is_unique(const cb_buffer *buffer);

/* Takes over *buffer and replaces it by one that may be written, has at least `capacity` bytes of
 * room and the same bytes (cut to capacity never: size is kept). NULL in *buffer is taken as empty.
 * On failure *buffer is unchanged and still the caller's. Foreign memory is returned as it is when
 * its capacity suffices and is copied into a buffer of its own otherwise. */
CB_PUBLIC cb_status cb_buffer_writable(cb_buffer **buffer, size_t capacity);

/* The same, but a buffer that must grow gets no more room than was asked for: for one whose final
 * size is known. Growing in many small steps copies its bytes each time. */
CB_PUBLIC cb_status cb_buffer_writable_exactly(cb_buffer **buffer, size_t capacity);

/* After one of these has failed for want of memory on the calling thread: a sentence that says what
 * was used up, the machine's memory or the process's budget. Never NULL, never freed. */
CB_PUBLIC const char *cb_buffer_why_not(void);
/* Whether it was the budget. */
CB_PUBLIC bool cb_buffer_was_refused(void);

/* Counts memory beside buffers in the same budget when it was allocated or, with a negative number,
 * freed. Never refuses. Any thread. */
CB_PUBLIC void cb_buffer_count(int64_t bytes);
/* Whether the budget has room for so many bytes more. Counts nothing. Any thread. */
CB_PUBLIC bool cb_buffer_has_room(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
