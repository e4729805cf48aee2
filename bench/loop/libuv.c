/* The peer: libuv, in the way its documentation serves connections. */
#include "bench/loop/loop.h"

#ifdef BENCH_LIBUV
#include <stdlib.h>
#include <uv.h>

typedef struct session {
    uv_tcp_t socket;
    uv_write_t writing;
    char bytes[4 * LOOP_MESSAGE_SIZE]; /* a read that does not fill it is the last of its turn */
} session;

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    session *client = handle->data;
    (void)size;
    *buffer = uv_buf_init(client->bytes, sizeof client->bytes);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_written(uv_write_t *writing, int status)
{
    (void)writing;
    (void)status;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    session *client = stream->data;
    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    if (got == 0)
        return;
    uv_buf_t out = uv_buf_init(buffer->base, (unsigned)got);
    if (uv_write(&client->writing, stream, &out, 1, on_written) != 0)
        loop_die("uv_write");
}

static void on_connection(uv_stream_t *server, int status)
{
    session *client = calloc(1, sizeof *client);
    if (status != 0 || client == NULL || uv_tcp_init(server->loop, &client->socket) != 0 ||
        uv_accept(server, (uv_stream_t *)&client->socket) != 0)
        loop_die("uv_accept");
    client->socket.data = client;
    uv_tcp_nodelay(&client->socket, 1);
    uv_read_start((uv_stream_t *)&client->socket, give_room, on_read);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->type == UV_TCP && handle->data != NULL ? on_closed : NULL);
}

static void on_look(uv_timer_t *timer)
{
    if (loop_stop)
        uv_stop(timer->loop);
}

void loop_serve_libuv(void)
{
    uv_loop_t loop;
    uv_timer_t timer;
    uv_tcp_t listener = {0};
    if (uv_loop_init(&loop) != 0 || uv_tcp_init(&loop, &listener) != 0 ||
        uv_tcp_open(&listener, loop_listen()) != 0 ||
        uv_listen((uv_stream_t *)&listener, 1000, on_connection) != 0 ||
        uv_timer_init(&loop, &timer) != 0 || uv_timer_start(&timer, on_look, 50, 50) != 0)
        loop_die("libuv");
    timer.data = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_walk(&loop, close_handle, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

const char *loop_libuv_version(void)
{
    return uv_version_string();
}

#else

void loop_serve_libuv(void)
{
    loop_die("built without libuv");
}

const char *loop_libuv_version(void)
{
    return "";
}
#endif
