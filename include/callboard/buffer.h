/* Reference-counted byte buffers: the payloads of messages, and the bytes of a script's strings and
 * blobs. Bytes pass from a socket to a callback and back without a copy.
 *
 * Ownership: a function that returns a `cb_buffer *` gives you one reference; drop it with
 * cb_buffer_release. Functions that take over a reference say so.
 * Writing: only while you hold the only reference (cb_buffer_is_unique), and the buffer is not
 * foreign memory that is shared on purpose. Otherwise call cb_buffer_writable first (copy on
 * write).
 * Memory: each buffer is counted by its capacity in the process's budget (CALLBOARD_MEMORY). A
 * used-up budget refuses larger buffers; this is a failed allocation like any other.
 * Threads: counting is atomic. The bytes of a shared buffer are read-only, by the rule above.
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

/* Fields may be read; only the functions below change them. (The only owner may set size directly,
 * up to capacity.) */
typedef struct cb_buffer {
    uint8_t *data;   /* inline storage after this struct, or foreign memory */
    size_t size;     /* bytes in use, 0..capacity */
    size_t capacity; /* bytes that `data` can hold */
    uint32_t refs;   /* changed with atomic operations only */
    uint32_t flags;  /* CB_BUFFER_* */
} cb_buffer;

enum {
    CB_BUFFER_FOREIGN = 1u, /* data is memory of other code: never freed, never copied on write */
    CB_BUFFER_HOLDS = 2u    /* made by cb_buffer_holding */
};

/* A new buffer of `size` zero bytes, with room for at least `capacity`; NULL when out of memory. */
CB_PUBLIC cb_buffer *cb_buffer_new(size_t size, size_t capacity);
/* A new buffer with a copy of the bytes; NULL when out of memory. `bytes` may be NULL if size 0. */
CB_PUBLIC cb_buffer *cb_buffer_copy(const void *bytes, size_t size);
/* A buffer over memory that outlives it; NULL when out of memory. */
CB_PUBLIC cb_buffer *cb_buffer_foreign(void *bytes, size_t size);

/* A buffer of no bytes that keeps an object as long as a reference exists. `data` points to a copy
 * of its `size` bytes. When the last reference is dropped, `drop` is called on this copy, on the
 * thread that drops it. So an object with its own life can travel with a message. NULL when out of
 * memory (the object still belongs to the caller then). */
CB_PUBLIC cb_buffer *cb_buffer_holding(const void *object, size_t size, void (*drop)(void *object));

CB_PUBLIC cb_buffer *cb_buffer_retain(cb_buffer *buffer); /* NULL gives NULL */
CB_PUBLIC void cb_buffer_release(cb_buffer *buffer);      /* NULL is fine */
CB_PUBLIC bool cb_buffer_is_unique(const cb_buffer *buffer);

/* Takes over *buffer and replaces it by a writable one with the same bytes and at least `capacity`
 * bytes of room (size is kept; the bytes are never cut). NULL in *buffer counts as empty. On
 * failure *buffer is unchanged and still belongs to the caller. Foreign memory is returned
 * unchanged if its capacity suffices, and is otherwise copied into a new buffer. */
CB_PUBLIC cb_status cb_buffer_writable(cb_buffer **buffer, size_t capacity);

/* The same, but a buffer that must grow gets exactly the requested room; for a buffer whose final
 * size is known. Growing in many small steps copies its bytes each time. */
CB_PUBLIC cb_status cb_buffer_writable_exactly(cb_buffer **buffer, size_t capacity);

/* After a function above has failed for lack of memory on the calling thread: a sentence that says
 * what was used up, the machine's memory or the process's budget. Never NULL, never freed. */
CB_PUBLIC const char *cb_buffer_why_not(void);
/* True if the budget refused it. */
CB_PUBLIC bool cb_buffer_was_refused(void);

/* Counts memory outside of buffers in the same budget: bytes that were allocated or, if negative,
 * freed. Never refuses. Any thread. */
CB_PUBLIC void cb_buffer_count(int64_t bytes);
/* True if the budget has room for so many more bytes. Counts nothing. Any thread. */
CB_PUBLIC bool cb_buffer_has_room(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
