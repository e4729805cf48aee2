/* Sockets as streams: bytes wait in the socket until they are read. */
#include <stddef.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

static cb_tcp_socket *socket_of(const cb_stream *stream)
{
    return (cb_tcp_socket *)((uintptr_t)stream - offsetof(cb_tcp_socket, unread));
}

cb_stream *cb_tcp_stream(cb_tcp_socket *socket)
{
    return &socket->unread;
}

cb_tcp_socket *cb_stream_socket(cb_stream *stream)
{
    return socket_of(stream);
}

size_t cb_stream_available(const cb_stream *stream)
{
    return stream->end - stream->begin;
}

const void *cb_stream_peek(const cb_stream *stream, size_t *size)
{
    *size = cb_stream_available(stream);
    return *size > 0 ? stream->bytes + stream->begin : NULL;
}

size_t cb_stream_read(cb_stream *stream, void *room, size_t size)
{
    cb_tcp_socket *socket = socket_of(stream);
    bool was_full = cb_tcp_is_full(socket);
    size_t available = cb_stream_available(stream);
    if (size > available)
        size = available;
    if (size == 0)
        return 0;
    memcpy(room, stream->bytes + stream->begin, size);
    stream->begin += size;
    if (stream->begin == stream->end)
        stream->begin = stream->end = 0;
    if (was_full && !cb_tcp_is_full(socket) && !socket->closed)
        cb_tcp_socket_add(socket, CB_TCP_WORK_DELIVER | CB_TCP_WORK_TIMEOUTS);
    return size;
}

cb_status cb_stream_write(cb_stream *stream, const void *data, size_t size, cb_error *error)
{
    return cb_tcp_write(socket_of(stream), data, size, NULL, error);
}

bool cb_stream_ended(const cb_stream *stream)
{
    return socket_of(stream)->ended && cb_stream_available(stream) == 0;
}
