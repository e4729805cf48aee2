/* The common part of the kinds of routes that serve connections over TCP: the port, accepting, TLS,
 * sending a response, and the end of a connection. Each kind has a cb_tcp_framing of its own, which
 * turns bytes into requests. Built on callboard/tcp.h, which closes and lingers by itself.
 *
 *     accepted -> (TLS: connected) -> read ... -> send -> announced -> last piece -> closed or read
 *
 * A kind puts cb_tcp_port_stop, _announced, _drop and _order into its cb_listener_kind, with
 * own_size sizeof(cb_tcp_port) (or of a struct that begins with one). It calls cb_tcp_port_open
 * from its `open`.
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_TCP_PORT_H
#define CALLBOARD_ACTORS_LISTENERS_TCP_PORT_H

#include "actors/listeners/listener.h"
#include "callboard/tcp.h"

/* One connection; its client is the guest. A kind's own struct begins with this one. */
typedef struct cb_tcp_guest {
    cb_connection base; /* first, so that a pointer to one is a pointer to the other */
    cb_tcp_socket *socket;
    cb_buffer *response[2]; /* the two parts of the response that is being sent, in order */
    size_t sent;            /* bytes of both parts that were handed to the socket */
    bool sending;           /* not all of these bytes have left yet */
    bool final;             /* the connection ends with this response */
} cb_tcp_guest;

/* After the connection was dropped or sent its final response, only `gone` is called. */
typedef struct cb_tcp_framing {
    /* True: a connection carries many requests, and the kind reports them. False: a connection is
     * one request, which was reported as ACCEPTED. */
    bool many;
    void (*accepted)(cb_tcp_guest *guest);
    /* The connection is ready; with TLS, after the handshake. May be NULL. */
    void (*connected)(cb_tcp_guest *guest);
    /* Like cb_tcp_callbacks.room. May be NULL. */
    void *(*room)(cb_tcp_guest *guest, size_t *size);
    void (*read)(cb_tcp_guest *guest, const void *data, size_t size);
    /* The client sends no more. */
    void (*ended)(cb_tcp_guest *guest);
    /* The time set with cb_tcp_set_alarm has come. */
    void (*alarm)(cb_tcp_guest *guest);
    /* A response that is not final was handed to the socket. May be NULL. */
    void (*sent)(cb_tcp_guest *guest);
    /* All bytes that were handed to the socket have gone to the kernel, and no response is being
     * sent. May be NULL. */
    void (*written)(cb_tcp_guest *guest);
    /* Frees the kind's data for the connection. */
    void (*gone)(cb_tcp_guest *guest);
    /* The port is closed. NULL: cb_listener_port_closed is called. */
    void (*port_closed)(cb_listener *listener);
} cb_tcp_framing;

typedef struct cb_tcp_port {
    const cb_tcp_framing *framing;
    cb_tcp_server *server; /* NULL: closed or closing */
} cb_tcp_port;

cb_status cb_tcp_port_open(cb_listener *listener, const cb_tcp_framing *framing, uint16_t *port,
                           cb_error *error);
void cb_tcp_port_stop(cb_listener *listener);
/* Carries out CB_ORDER_SET_TLS. */
cb_status cb_tcp_port_order(cb_listener *listener, const cb_message *order, int64_t *value,
                            cb_buffer **payload);
void cb_tcp_port_announced(cb_connection *connection);
void cb_tcp_port_drop(cb_connection *connection, cb_close_reason reason);

/* Sends a response in two parts, which it takes over; each may be NULL. One response at a time: the
 * next one after `sent`. It announces the response when all but its end has left, and sends the end
 * after the announcement. If the end of the request was reported before, the end of the response
 * follows that report. */
void cb_tcp_guest_send(cb_tcp_guest *guest, cb_buffer *first, cb_buffer *second, bool final);
/* Returns false once the connection was dropped, has failed or was closed: nothing can be sent
 * then. */
bool cb_tcp_guest_stands(const cb_tcp_guest *guest);

static inline int64_t cb_tcp_guest_now(const cb_tcp_guest *guest)
{
    return cb_loop_now(guest->base.listener->actor.loop);
}

#endif
