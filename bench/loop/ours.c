/* The servers that are measured: the event loop, and the TCP layer on it, on each back end. */
#include <stdlib.h>

#include "actors/io/loop.h"
#include "bench/loop/loop.h"
#include "callboard/tcp.h"

static cb_loop *open_loop(const cb_loop_backend *backend)
{
    cb_loop *loop;
    cb_error error;
    if (cb_loop_acquire_with(backend, &loop, &error) != CB_OK)
        loop_die(error.text);
    return loop;
}

static void run(cb_loop *loop)
{
    cb_error error;
    while (!loop_stop)
        if (cb_loop_tick(loop, 100000000, &error) != CB_OK)
            loop_die(error.text);
}

/* -- nbio ------------------------------------------------------------------------------------- */

/* One op for all receives of a connection, and one for all its answers. */
typedef struct session {
    cb_op *answer; /* all of `bytes`; detached, so that it may be executed again and again */
    char bytes[LOOP_MESSAGE_SIZE];
} session;

static void on_sent(cb_op *op)
{
    /* The client may have left without its last answer. */
    if (op->error != CB_IO_OK && op->error != CB_IO_CLOSED && op->error != CB_IO_RESET &&
        op->error != CB_IO_CANCELED)
        loop_die(cb_io_error_string(op->error));
}

/* The answer's bytes are safe until the next request, because this client waits for its answer. */
static void on_received(cb_op *op)
{
    session *client = op->user_data;
    if (op->error != CB_IO_OK || op->recv.received == 0) {
        cb_op_remove(&client->answer);
        cb_close(op->loop, op->recv.socket, NULL);
        free(client);
        return;
    }
    if (op->recv.received == sizeof client->bytes)
        cb_op_exec(client->answer, false);
    else
        cb_send(op->loop, op->recv.socket, client->bytes, op->recv.received, on_sent, NULL);
    cb_op_exec(op, false);
}

static void on_accepted(cb_op *op)
{
    static const cb_op_options ahead = {.read_ahead = true};
    if (op->error != CB_IO_OK)
        return;
    session *client = malloc(sizeof *client);
    cb_op *reading = client == NULL ? NULL
                                    : cb_recv(op->loop, op->accept.client, client->bytes,
                                              sizeof client->bytes, on_received, &ahead);
    if (reading == NULL ||
        (client->answer = cb_prep_send(op->loop, op->accept.client, client->bytes,
                                       sizeof client->bytes, on_sent, NULL)) == NULL)
        loop_die("no memory for a connection");
    cb_op_detach(client->answer);
    reading->user_data = client;
    cb_op_exec(op, false);
}

static void serve_nbio(const cb_loop_backend *backend)
{
    cb_loop *loop = open_loop(backend);
    int listener = loop_listen();
    if (cb_accept(loop, listener, on_accepted, NULL) == NULL)
        loop_die("cb_accept");
    run(loop);
    cb_close(loop, listener, NULL);
    cb_loop_release(&loop);
}

void loop_serve_nbio_uring(void)
{
    serve_nbio(&cb_backend_uring);
}

void loop_serve_nbio_epoll(void)
{
    serve_nbio(&cb_backend_epoll);
}

/* -- tcp -------------------------------------------------------------------------------------- */

static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    cb_error error;
    if (cb_tcp_write(socket, data, size, NULL, &error) != CB_OK)
        loop_die(error.text);
}

static void serve_tcp(const cb_loop_backend *backend)
{
    static const cb_tcp_callbacks callbacks = {.read = on_read};
    cb_tcp_server *server;
    cb_error error;
    cb_loop *loop = open_loop(backend);
    if (cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, NULL, NULL, &server, &error) != CB_OK)
        loop_die(error.text);
    loop_announce(cb_tcp_server_port(server));
    run(loop);
    cb_loop_release(&loop);
}

void loop_serve_tcp_uring(void)
{
    serve_tcp(&cb_backend_uring);
}

void loop_serve_tcp_epoll(void)
{
    serve_tcp(&cb_backend_epoll);
}
