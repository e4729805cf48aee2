#include "actors/tcp_connection.h"

#include <assert.h>
#include <stdlib.h>

#define MS             1000000
#define FIRST_CAPACITY 4096u
/* A response up to this size is written in one piece, after its announcement; of a larger one this
 * much is kept back for after it. It fits into any socket's send buffer. */
#define LAST_PIECE     16384u

/* --- closing --- */

static void on_closed(cb_op *op)
{
    cb_tcp_connection *connection = op->user_data;
    connection->op = NULL;
    cb_tcp_listener_freed(connection->listener, connection);
}

static void close_now(cb_tcp_connection *connection)
{
    cb_op_remove(&connection->op);
    cb_buffer_release(connection->bytes);
    connection->bytes = NULL;
    connection->state = CB_TCP_CLOSING;
    connection->op = cb_close(connection->listener->actor.loop, connection->socket, on_closed);
    if (connection->op != NULL)
        connection->op->user_data = connection;
}

/* The end that was not a response. */
static void report_closed(cb_tcp_connection *connection, cb_close_reason reason)
{
    cb_message record = cb_tcp_record(connection->listener, CB_MSG_CONNECTION_CLOSED, connection);
    record.status = (int32_t)reason;
    cb_loop_actor_post(&connection->listener->actor, &record);
    cb_tcp_listener_ended(connection->listener);
}

static void unlink_announced(cb_tcp_connection *connection)
{
    cb_tcp_connection **link = &connection->listener->announced;
    while (*link != NULL && *link != connection)
        link = &(*link)->next;
    if (*link != NULL)
        *link = connection->next;
}

void cb_tcp_connection_drop(cb_tcp_connection *connection, cb_close_reason reason)
{
    if (connection->state == CB_TCP_FREE || connection->state == CB_TCP_CLOSING)
        return;
    if (connection->state == CB_TCP_ANNOUNCED)
        unlink_announced(connection);
    if (connection->state <= CB_TCP_SENDING)
        report_closed(connection, reason);
    cb_reset_on_close(connection->socket);
    close_now(connection);
}

static cb_close_reason reason_of(const cb_op *op)
{
    switch (op->error) {
    case CB_IO_RESET:
    case CB_IO_ABORTED:
    case CB_IO_CLOSED:
        return CB_CLOSE_PEER_RESET;
    case CB_IO_NO_MEMORY:
        return CB_CLOSE_NO_MEMORY;
    default:
        return CB_CLOSE_FAILED;
    }
}

static bool submitted(cb_tcp_connection *connection, cb_op *op)
{
    connection->op = op;
    if (op == NULL) {
        cb_tcp_connection_drop(connection, CB_CLOSE_NO_MEMORY);
        return false;
    }
    op->user_data = connection;
    return true;
}

/* --- reading --- */

static void read_on(cb_tcp_connection *connection);

static void request_is_whole(cb_tcp_connection *connection)
{
    cb_message record = cb_tcp_record(connection->listener, CB_MSG_REQUEST_READY, connection);
    record.value = connection->bytes != NULL ? (int64_t)connection->bytes->size : 0;
    record.payload = cb_payload_handle(connection->bytes);
    connection->bytes = NULL;
    connection->state = CB_TCP_WAITING;
    cb_loop_actor_post(&connection->listener->actor, &record);
}

static void on_silence(cb_tcp_connection *connection)
{
    bool late = cb_loop_now(connection->listener->actor.loop) >= connection->read_deadline_ns;
    if (connection->bytes->size == 0)
        cb_tcp_connection_drop(connection, CB_CLOSE_IDLE);
    else if (late)
        cb_tcp_connection_drop(connection, CB_CLOSE_TOO_SLOW);
    else
        request_is_whole(connection);
}

static void on_received(cb_op *op)
{
    cb_tcp_connection *connection = op->user_data;
    const cb_limits *limits = &connection->listener->actor.runtime->options.limits;
    connection->op = NULL;
    connection->bytes->size += op->recv.received;
    if ((int64_t)connection->bytes->size > limits->max_request)
        cb_tcp_connection_drop(connection, CB_CLOSE_TOO_LARGE);
    else if (op->error == CB_IO_TIMEOUT)
        on_silence(connection);
    else if (op->error != CB_IO_OK)
        cb_tcp_connection_drop(connection, reason_of(op));
    else if (op->recv.ended) {
        connection->peer_ended = true;
        request_is_whole(connection);
    } else
        read_on(connection);
}

static cb_status make_room(cb_tcp_connection *connection)
{
    const cb_limits *limits = &connection->listener->actor.runtime->options.limits;
    /* One byte more than the limit tells a request of exactly that size from a larger one. */
    size_t most = (size_t)limits->max_request + 1;
    cb_buffer *bytes = connection->bytes;
    if (bytes != NULL && bytes->size < bytes->capacity)
        return CB_OK;
    size_t capacity = bytes == NULL ? FIRST_CAPACITY : bytes->capacity * 2;
    return cb_buffer_writable(&connection->bytes, capacity < most ? capacity : most);
}

static void read_on(cb_tcp_connection *connection)
{
    const cb_limits *limits = &connection->listener->actor.runtime->options.limits;
    cb_loop *loop = connection->listener->actor.loop;
    if (make_room(connection) != CB_OK) {
        cb_tcp_connection_drop(connection, CB_CLOSE_NO_MEMORY);
        return;
    }
    cb_buffer *bytes = connection->bytes;
    int64_t silence_ns = (bytes->size == 0 ? limits->tcp_idle_ms : limits->tcp_quiet_ms) * MS;
    int64_t left_ns = connection->read_deadline_ns - cb_loop_now(loop);
    if (left_ns <= 0) {
        cb_tcp_connection_drop(connection, CB_CLOSE_TOO_SLOW);
        return;
    }
    cb_op_options options = {.timeout_ns = silence_ns < left_ns ? silence_ns : left_ns};
    (void)submitted(connection, cb_recv(loop, connection->socket, bytes->data + bytes->size,
                                        bytes->capacity - bytes->size, on_received, &options));
}

cb_tcp_connection *cb_tcp_connection_new(cb_tcp_listener *listener, cb_socket socket,
                                         const cb_endpoint *peer)
{
    cb_tcp_connection *connection = listener->free_slots;
    assert(connection != NULL);
    listener->free_slots = connection->next;
    listener->in_use++;
    listener->open++;
    uint32_t slot = connection->number & 0xfffffu;
    uint32_t generation = (connection->number >> 20) + 1;
    *connection = (cb_tcp_connection){.listener = listener,
                                      .state = CB_TCP_READING,
                                      .number = generation << 20 | slot,
                                      .cause = listener->route.cause,
                                      .socket = socket};
    connection->read_deadline_ns = cb_loop_now(listener->actor.loop) +
                                   listener->actor.runtime->options.limits.tcp_total_ms * MS;
    cb_message record = cb_tcp_record(listener, CB_MSG_ACCEPTED, connection);
    if (cb_endpoint_is_loopback(peer)) {
        record.flags = CB_FLAG_LOOPBACK;
        record.value = peer->port;
    }
    cb_loop_actor_post(&listener->actor, &record);
    read_on(connection);
    return connection;
}

/* --- writing --- */

static void linger(cb_tcp_connection *connection);

static void on_discarded(cb_op *op)
{
    cb_tcp_connection *connection = op->user_data;
    connection->op = NULL;
    if (op->error == CB_IO_OK && !op->recv.ended)
        linger(connection);
    else
        close_now(connection);
}

/* Closing while the client's bytes are unread would make the kernel send a reset, which can
 * overtake the response: so what still comes is read and dropped, up to the client's end or a time.
 */
static void linger(cb_tcp_connection *connection)
{
    int64_t left_ns = connection->read_deadline_ns - cb_loop_now(connection->listener->actor.loop);
    if (connection->peer_ended || left_ns <= 0) {
        close_now(connection);
        return;
    }
    if (connection->bytes == NULL)
        connection->bytes = cb_buffer_new(0, FIRST_CAPACITY);
    if (connection->bytes == NULL) {
        close_now(connection);
        return;
    }
    cb_op_options options = {.timeout_ns = left_ns};
    (void)submitted(connection, cb_recv(connection->listener->actor.loop, connection->socket,
                                        connection->bytes->data, connection->bytes->capacity,
                                        on_discarded, &options));
}

static void response_is_out(cb_tcp_connection *connection)
{
    cb_loop_actor *actor = &connection->listener->actor;
    cb_buffer_release(connection->bytes);
    connection->bytes = NULL;
    if (connection->peer_ended) {
        close_now(connection);
        return;
    }
    connection->state = CB_TCP_LINGERING;
    connection->read_deadline_ns =
        cb_loop_now(actor->loop) + actor->runtime->options.limits.tcp_linger_ms * MS;
    if (cb_shutdown_send(connection->socket, NULL) != CB_OK)
        close_now(connection);
    else
        linger(connection);
}

static void on_last_piece_sent(cb_op *op)
{
    cb_tcp_connection *connection = op->user_data;
    connection->op = NULL;
    if (op->error != CB_IO_OK)
        cb_tcp_connection_drop(connection, reason_of(op));
    else
        response_is_out(connection);
}

static size_t response_size(const cb_tcp_connection *connection)
{
    return connection->bytes != NULL ? connection->bytes->size : 0;
}

static cb_op *send_piece(cb_tcp_connection *connection, size_t size, cb_op_callback *callback)
{
    cb_loop_actor *actor = &connection->listener->actor;
    cb_op_options options = {.timeout_ns = actor->runtime->options.limits.tcp_write_ms * MS};
    return cb_send(actor->loop, connection->socket, connection->bytes->data + connection->sent,
                   size, callback, &options);
}

void cb_tcp_connection_finish(cb_tcp_connection *connection)
{
    size_t size = response_size(connection) - connection->sent;
    connection->state = CB_TCP_FINISHING;
    if (size == 0)
        response_is_out(connection);
    else
        (void)submitted(connection, send_piece(connection, size, on_last_piece_sent));
}

static void send_on(cb_tcp_connection *connection);

static void on_piece_sent(cb_op *op)
{
    cb_tcp_connection *connection = op->user_data;
    connection->op = NULL;
    connection->sent += op->send.sent;
    /* A slow reader is one thing, one that does not read at all is another. */
    bool progress = op->send.sent > 0;
    if (op->error == CB_IO_TIMEOUT && !progress)
        cb_tcp_connection_drop(connection, CB_CLOSE_NOT_READ);
    else if (op->error != CB_IO_OK && op->error != CB_IO_TIMEOUT)
        cb_tcp_connection_drop(connection, reason_of(op));
    else
        send_on(connection);
}

static void announce(cb_tcp_connection *connection)
{
    cb_tcp_listener *listener = connection->listener;
    cb_message record = cb_tcp_record(listener, CB_MSG_RESPONSE_SENT, connection);
    record.flags = CB_FLAG_FINAL;
    record.value = (int64_t)response_size(connection);
    connection->state = CB_TCP_ANNOUNCED;
    connection->next = listener->announced;
    listener->announced = connection;
    cb_loop_actor_post(&listener->actor, &record);
    cb_tcp_listener_ended(listener);
}

static void send_on(cb_tcp_connection *connection)
{
    size_t left = response_size(connection) - connection->sent;
    if (left <= LAST_PIECE) {
        announce(connection);
        return;
    }
    connection->state = CB_TCP_SENDING;
    (void)submitted(connection, send_piece(connection, left - LAST_PIECE, on_piece_sent));
}

void cb_tcp_connection_respond(cb_tcp_connection *connection, cb_buffer *response)
{
    if (connection->state != CB_TCP_WAITING) { /* gone meanwhile */
        cb_buffer_release(response);
        return;
    }
    connection->bytes = response;
    connection->sent = 0;
    send_on(connection);
}
