/* What one connection has sent, until it is cut into requests.
 *
 *     room -> received -> add -> frame --PARTIAL--> reserve, and again
 *                                  '-----DONE-----> cut: a buffer of its own for each request
 *
 * A request that is alone in the memory it came in leaves with that memory; of several in one piece
 * the shorter part is copied. Without bytes it holds no memory.
 */
#ifndef CALLBOARD_ACTORS_IO_HTTP_INPUT_H
#define CALLBOARD_ACTORS_IO_HTTP_INPUT_H

#include "actors/io/http/request.h"
#include "callboard/buffer.h"

/* All zero at first. */
typedef struct cb_http_input {
    cb_buffer *bytes;
    size_t at;               /* where the first request begins in it */
    cb_http_request request; /* how far that one was looked at */
} cb_http_input;

static inline size_t cb_http_input_size(const cb_http_input *input)
{
    return input->bytes != NULL ? input->bytes->size - input->at : 0;
}

/* Memory behind what has come, and its size, to receive into in place; NULL: none is reserved. It
 * is valid until anything but this is called. */
void *cb_http_input_room(const cb_http_input *input, size_t *size);
/* Takes bytes in, which may lie in the room. CB_NO_MEMORY: nothing was taken. */
cb_status cb_http_input_add(cb_http_input *input, const void *data, size_t size);
/* The room that there will be when these bytes are taken in: larger than bytes->capacity if it must
 * grow. */
size_t cb_http_input_room_with(const cb_http_input *input, const void *data, size_t size);
/* As cb_http_request_frame, about the first request. */
cb_http_progress cb_http_input_frame(cb_http_input *input, const cb_http_limits *limits);
/* After PARTIAL: makes room for more of the request, in proportion to what has come, so that nobody
 * gets memory for promises. On failure there may be none, and bytes can be added all the same. */
void cb_http_input_reserve(cb_http_input *input);
/* How large the room will be that this makes; 0: it leaves the room as it is. */
size_t cb_http_input_wants(const cb_http_input *input);
/* After DONE: the request's bytes, from its first line on; the next request is the first now. NULL
 * when out of memory: nothing has changed. */
cb_buffer *cb_http_input_cut(cb_http_input *input);
void cb_http_input_clear(cb_http_input *input);

#endif
