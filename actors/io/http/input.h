/* The bytes that one connection has sent, until they are cut into requests.
 *
 *     room -> received -> add -> frame --PARTIAL--> reserve, and again
 *                                  '-----DONE-----> cut: a buffer of its own for each request
 *
 * A request that is alone in its memory leaves with this memory. Of several requests in one piece
 * of memory the shorter part is copied. Without bytes the input holds no memory.
 */
#ifndef CALLBOARD_ACTORS_IO_HTTP_INPUT_H
#define CALLBOARD_ACTORS_IO_HTTP_INPUT_H

#include "actors/io/http/request.h"
#include "callboard/buffer.h"

/* All zero at first. */
typedef struct cb_http_input {
    cb_buffer *bytes;
    size_t at;               /* where the first request begins in `bytes` */
    cb_http_request request; /* how far the first request was examined */
} cb_http_input;

static inline size_t cb_http_input_size(const cb_http_input *input)
{
    return input->bytes != NULL ? input->bytes->size - input->at : 0;
}

/* Memory behind the bytes so far, and its size, so that bytes can be received in place; NULL: none
 * is reserved. It is valid until the next call of any other function. */
void *cb_http_input_room(const cb_http_input *input, size_t *size);
/* Takes bytes, which may lie in the room. CB_NO_MEMORY: nothing was taken. */
cb_status cb_http_input_add(cb_http_input *input, const void *data, size_t size);
/* The size of the room after these bytes are taken: larger than bytes->capacity if the room must
 * grow. */
size_t cb_http_input_room_with(const cb_http_input *input, const void *data, size_t size);
/* Like cb_http_request_frame, for the first request. */
cb_http_progress cb_http_input_frame(cb_http_input *input, const cb_http_limits *limits);
/* After PARTIAL: makes room for more of the request, in proportion to the bytes so far, so that a
 * client gets no memory for bytes that it only announces. On failure there may be no room; bytes
 * can still be added. */
void cb_http_input_reserve(cb_http_input *input);
/* The size of the room that cb_http_input_reserve will make; 0: it does not change the room. */
size_t cb_http_input_wants(const cb_http_input *input);
/* After DONE: returns the request's bytes, from its first line on. The next request is then the
 * first. NULL when out of memory: nothing has changed. */
cb_buffer *cb_http_input_cut(cb_http_input *input);
void cb_http_input_clear(cb_http_input *input);

#endif
