/* TLS on a socket: moves bytes between the descriptor, the provider's session and the program. What
 * the program writes waits in `plain` until the handshake is done; ciphertext waits in `wire`. */
#include "actors/io/tcp/inside.h"

/* A TLS record holds no more. */
#define RECORD 16384u

/* Moves what the session has for the network to `wire`. */
static bool collect(cb_tcp_socket *socket)
{
    const cb_tls_provider *tls = socket->provider;
    while (tls->pending(socket->session) > 0) {
        size_t size;
        uint8_t *room = cb_tcp_queue_room(socket->turn, &socket->wire, &size);
        if (room == NULL)
            return false;
        size_t taken = tls->take(socket->session, room, size);
        if (taken == 0)
            return true;
        cb_tcp_queue_grow(&socket->wire, taken);
    }
    return true;
}

static void no_memory(cb_tcp_socket *socket)
{
    static const cb_tcp_failure failure = {.kind = CB_TCP_ERROR, .error = CB_IO_NO_MEMORY};
    cb_tcp_fail(socket, &failure);
}

static void refuse(cb_tcp_socket *socket, cb_tcp_kind kind, const cb_error *why)
{
    cb_tcp_failure failure = {
        .kind = kind, .error = CB_IO_ABORTED, .status = why->status, .message = why->text};
    (void)collect(socket); /* an alert, if memory allows */
    cb_tcp_fail_softly(socket, &failure);
}

static void step(cb_tcp_socket *socket)
{
    static const cb_error left = {.status = CB_CLOSED,
                                  .text = "the peer closed the connection in the TLS handshake"};
    cb_error error = {.text = "the TLS handshake failed"};
    cb_tls_result result = socket->provider->handshake(socket->session, &error);
    if (result == CB_TLS_OK || result == CB_TLS_WANT_INPUT) {
        if (!collect(socket)) {
            no_memory(socket);
            return;
        }
        cb_tcp_flush(socket);
    }
    if (socket->phase != CB_TCP_PHASE_SECURING)
        return;
    if (result == CB_TLS_OK)
        cb_tcp_socket_opened(socket);
    else if (result != CB_TLS_WANT_INPUT)
        refuse(socket, CB_TCP_TLS_ERROR, &error);
    else if (socket->input_ended)
        refuse(socket, CB_TCP_TLS_ERROR, &left);
    else
        cb_tcp_receive(socket);
}

void cb_tcp_secure_start(cb_tcp_socket *socket)
{
    cb_error error = {.text = "no TLS session"};
    socket->phase = CB_TCP_PHASE_SECURING;
    cb_status status =
        socket->provider->session_new(socket->context, socket->name, &socket->session, &error);
    if (status != CB_OK) {
        cb_tcp_failure failure = {.kind = CB_TCP_TLS_ERROR,
                                  .error = CB_IO_INVALID,
                                  .status = status,
                                  .message = error.text};
        socket->session = NULL;
        cb_tcp_fail(socket, &failure);
        return;
    }
    cb_tcp_arm(socket);
    step(socket);
}

void cb_tcp_secure_arrived(cb_tcp_socket *socket, const void *data, size_t size)
{
    cb_error error;
    if (size > 0 && socket->provider->feed(socket->session, data, size, &error) != CB_OK) {
        no_memory(socket);
        return;
    }
    if (socket->phase == CB_TCP_PHASE_SECURING)
        step(socket);
}

static bool may_hand_over(const cb_tcp_socket *socket)
{
    return socket->phase == CB_TCP_PHASE_OPEN && !socket->closed && socket->read_on &&
           !cb_tcp_is_full(socket);
}

/* Passes on what the session has deciphered. */
static cb_tls_result pump(cb_tcp_socket *socket, cb_error *error)
{
    cb_tls_result result = CB_TLS_WANT_INPUT;
    while (may_hand_over(socket)) {
        size_t size;
        size_t got = 0;
        void *room = cb_tcp_offered_room(socket, &size);
        if (room == NULL) {
            room = socket->turn->plaintext;
            size = CB_TCP_LARGE_ROOM;
        }
        result = socket->provider->read(socket->session, room, size, &got, error);
        if (result != CB_TLS_OK)
            break;
        cb_tcp_hand_over(socket, room, got);
    }
    return result;
}

void cb_tcp_secure_deliver(cb_tcp_socket *socket)
{
    static const cb_error cut_off = {.status = CB_CLOSED,
                                     .text = "the connection ended before the TLS stream did"};
    cb_tcp_turn *turn = socket->turn;
    cb_error error = {.text = "TLS failed"};
    if (turn->plaintext == NULL)
        turn->plaintext = cb_tcp_malloc(CB_TCP_LARGE_ROOM);
    if (turn->plaintext == NULL) {
        no_memory(socket);
        return;
    }
    if (socket->ended)
        return;
    cb_tls_result result = pump(socket, &error);
    if (socket->phase != CB_TCP_PHASE_OPEN)
        return;
    if (result == CB_TLS_FAILED) {
        refuse(socket, CB_TCP_TLS_ERROR, &error);
        return;
    }
    if (result == CB_TLS_ENDED)
        socket->ended = true;
    else if (result == CB_TLS_WANT_INPUT && socket->input_ended && may_hand_over(socket)) {
        refuse(socket, CB_TCP_TRUNCATED, &cut_off);
        return;
    }
    if (!collect(socket))
        no_memory(socket);
    else if (socket->wire.size > 0)
        cb_tcp_flush(socket);
}

bool cb_tcp_secure_encrypt(cb_tcp_socket *socket)
{
    cb_error error = {.text = "TLS failed"};
    if (socket->abandoned)
        return true;
    while (socket->plain.size > 0 && socket->wire.size < CB_TCP_WIRE_AHEAD) {
        cb_bytes piece;
        size_t count = cb_tcp_queue_pieces(&socket->plain, &piece, 1);
        if (count == 0)
            break;
        if (piece.size > RECORD)
            piece.size = RECORD;
        if (socket->provider->write(socket->session, piece.data, piece.size, &error) != CB_TLS_OK) {
            refuse(socket, CB_TCP_TLS_ERROR, &error);
            return false;
        }
        cb_tcp_queue_drop(socket->turn, &socket->plain, piece.size);
        if (!collect(socket)) {
            no_memory(socket);
            return false;
        }
    }
    return true;
}

void cb_tcp_secure_close(cb_tcp_socket *socket)
{
    socket->provider->close(socket->session);
    /* Without memory the peer reads a stream that was cut off, which is what it is. */
    (void)collect(socket);
}
