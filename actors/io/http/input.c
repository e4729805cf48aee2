#include "actors/io/http/input.h"

#include <assert.h>
#include <string.h>

/* Room beyond a request that came in one piece, for what a callback may add in place. */
#define SLACK      64u
/* Fewer bytes than this are no reason to reserve any, and fewer of room not worth a receive. */
#define ROOM_LEAST 1024u
/* So much at a time is reserved ahead of what has come. */
#define ROOM_MOST  262144u

/* What is missing of the first request; SIZE_MAX: nobody knows. */
static size_t missing(const cb_http_input *input)
{
    size_t size = cb_http_input_size(input);
    return input->request.size > size ? input->request.size - size : SIZE_MAX;
}

/* A body of known length ends with the room, so that what follows it does not get into it. */
void *cb_http_input_room(const cb_http_input *input, size_t *size)
{
    const cb_buffer *bytes = input->bytes;
    if (bytes == NULL || bytes->size < ROOM_LEAST || bytes->size == bytes->capacity)
        return NULL;
    size_t left = bytes->capacity - bytes->size;
    size_t most = missing(input);
    *size = left < most ? left : most;
    return bytes->data + bytes->size;
}

/* Moves the first request to the beginning of the memory. */
static void close_up(cb_http_input *input)
{
    cb_buffer *bytes = input->bytes;
    if (input->at == 0)
        return;
    memmove(bytes->data, bytes->data + input->at, bytes->size - input->at);
    bytes->size -= input->at;
    input->at = 0;
}

/* The room that `size` bytes more take: what there is, or twice as much, or what they need. */
static size_t room_for(const cb_http_input *input, size_t size)
{
    const cb_buffer *bytes = input->bytes;
    if (bytes == NULL)
        return size + SLACK;
    size_t wanted = cb_http_input_size(input) + size;
    if (bytes->capacity - bytes->size >= size || bytes->capacity >= wanted)
        return bytes->capacity;
    return bytes->capacity * 2 > wanted ? bytes->capacity * 2 : wanted;
}

static bool make_room(cb_http_input *input, size_t size)
{
    const cb_buffer *bytes = input->bytes;
    size_t room = room_for(input, size);
    if (bytes == NULL) {
        input->bytes = cb_buffer_new(0, room);
        return input->bytes != NULL;
    }
    if (bytes->capacity - bytes->size < size)
        close_up(input);
    return room <= bytes->capacity || cb_buffer_writable(&input->bytes, room) == CB_OK;
}

size_t cb_http_input_room_with(const cb_http_input *input, const void *data, size_t size)
{
    const cb_buffer *bytes = input->bytes;
    return bytes != NULL && data == bytes->data + bytes->size ? bytes->capacity
                                                              : room_for(input, size);
}

cb_status cb_http_input_add(cb_http_input *input, const void *data, size_t size)
{
    cb_buffer *bytes = input->bytes;
    if (bytes == NULL || data != bytes->data + bytes->size) {
        if (!make_room(input, size))
            return CB_NO_MEMORY;
        bytes = input->bytes;
        memcpy(bytes->data + bytes->size, data, size);
    }
    assert(size <= bytes->capacity - bytes->size);
    bytes->size += size;
    return CB_OK;
}

cb_http_progress cb_http_input_frame(cb_http_input *input, const cb_http_limits *limits)
{
    static const uint8_t nothing;
    const cb_buffer *bytes = input->bytes;
    const uint8_t *first = bytes != NULL ? bytes->data + input->at : &nothing;
    return cb_http_request_frame(&input->request, limits, first, cb_http_input_size(input));
}

/* The room grows by half of itself at least, but not beyond a request whose size is known: what
 * nobody will send takes no memory. */
size_t cb_http_input_wants(const cb_http_input *input)
{
    const cb_buffer *bytes = input->bytes;
    size_t size = cb_http_input_size(input);
    if (size < ROOM_LEAST)
        return 0;
    size_t left = bytes->capacity - size;
    size_t more = size < 2 * ROOM_LEAST ? 2 * ROOM_LEAST : size;
    more = more < ROOM_MOST ? more : ROOM_MOST;
    size_t most = missing(input);
    more = more < most ? more : most;
    if (left >= more || left >= ROOM_LEAST)
        return 0;
    size_t half_more = bytes->capacity + bytes->capacity / 2;
    if (half_more <= size + more)
        return size + more;
    return half_more - size < most ? half_more : size + most;
}

void cb_http_input_reserve(cb_http_input *input)
{
    size_t room = cb_http_input_wants(input);
    if (input->bytes == NULL)
        return;
    close_up(input);
    if (room > 0)
        (void)cb_buffer_writable_exactly(&input->bytes, room);
}

/* The first request leaves with the memory, what is behind it gets its own. */
static cb_buffer *cut_off_rest(cb_http_input *input, size_t size)
{
    cb_buffer *request = input->bytes;
    size_t rest = request->size - size;
    cb_buffer *kept = NULL;
    if (rest > 0) {
        kept = cb_buffer_copy(request->data + size, rest);
        if (kept == NULL)
            return NULL;
    }
    size_t begin = input->request.begin;
    if (begin > 0)
        memmove(request->data, request->data + begin, size - begin);
    request->size = size - begin;
    input->bytes = kept;
    input->at = 0;
    return request;
}

static cb_buffer *copy_out(cb_http_input *input, size_t size)
{
    cb_buffer *bytes = input->bytes;
    size_t begin = input->request.begin;
    cb_buffer *request = cb_buffer_copy(bytes->data + input->at + begin, size - begin);
    if (request == NULL)
        return NULL;
    input->at += size;
    if (input->at == bytes->size) {
        cb_buffer_release(bytes);
        input->bytes = NULL;
        input->at = 0;
    }
    return request;
}

cb_buffer *cb_http_input_cut(cb_http_input *input)
{
    size_t size = input->request.size;
    assert(input->request.state == CB_HTTP_AT_END && size <= cb_http_input_size(input));
    size_t rest = cb_http_input_size(input) - size;
    cb_buffer *cut =
        input->at == 0 && rest < size ? cut_off_rest(input, size) : copy_out(input, size);
    if (cut != NULL)
        input->request = (cb_http_request){0};
    return cut;
}

void cb_http_input_clear(cb_http_input *input)
{
    cb_buffer_release(input->bytes);
    *input = (cb_http_input){0};
}
