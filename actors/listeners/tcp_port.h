/* What kinds of routes that serve connections over TCP have in common: the port, accepting,
 * TLS, sending a response, and the end of a connection. How bytes become requests is a kind's
 * own: its cb_tcp_framing. Built on callboard/tcp.h, which closes and lingers by itself.
 *
 *     accepted -> (TLS: connected) -> read ... -> send -> announced -> last piece -> closed or read
 *
 * A kind enters cb_tcp_port_stop, _announced, _drop and _order in its cb_listener_kind, with
 * own_size sizeof(cb_tcp_port) (or of a struct that begins with one), and calls cb_tcp_port_open
 * from its `open`.
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_TCP_PORT_H
#define CALLBOARD_ACTORS_LISTENERS_TCP_PORT_H

#include "actors/listeners/listener.h"
#include "callboard/tcp.h"

/* One connection, whose client is the guest. A kind's own struct begins with this. */
typedef struct cb_tcp_guest {
    cb_connection base; /* first, so that one is the other */
    cb_tcp_socket *socket;
    cb_buffer *response[2]; /* while one is being sent: what goes first, and what after it */
    size_t sent;            /* bytes of both that were handed to the socket */
    bool sending;           /* those have not all left yet */
    bool final;             /* the connection ends with this response */
} cb_tcp_guest;

/* None is called after the connection was dropped or sent its final response, but `gone`. */
typedef struct cb_tcp_framing {
    /* A connection carries requests, of which it tells itself; otherwise it is one, and was told as
     * ACCEPTED. */
    bool many;
    void (*accepted)(cb_tcp_guest *guest);
    /* It can talk: after the handshake under TLS. May be NULL. */
    void (*connected)(cb_tcp_guest *guest);
    /* As cb_tcp_callbacks.room. May be NULL. */
    void *(*room)(cb_tcp_guest *guest, size_t *size);
    void (*read)(cb_tcp_guest *guest, const void *data, size_t size);
    /* The client sends no more. */
    void (*ended)(cb_tcp_guest *guest);
    /* What was set with cb_tcp_set_alarm. */
    void (*alarm)(cb_tcp_guest *guest);
    /* A response that is not final was handed to the socket. May be NULL. */
    void (*sent)(cb_tcp_guest *guest);
    /* All that was handed to the socket has gone to the kernel, and no response is being sent. May
     * be NULL. */
    void (*written)(cb_tcp_guest *guest);
    /* Frees what the kind keeps for it. */
    void (*gone)(cb_tcp_guest *guest);
    /* The port is closed. NULL: that is told as it is (cb_listener_port_closed). */
    void (*port_closed)(cb_listener *listener);
} cb_tcp_framing;

typedef struct cb_tcp_port {
    const cb_tcp_framing *framing;
    cb_tcp_server *server; /* NULL: closed or closing */
} cb_tcp_port;

cb_status cb_tcp_port_open(cb_listener *listener, const cb_tcp_framing *framing, uint16_t *port,
                           cb_error *error);
void cb_tcp_port_stop(cb_listener *listener);
/* Knows CB_ORDER_SET_TLS. */
cb_status cb_tcp_port_order(cb_listener *listener, const cb_message *order, int64_t *value,
                            cb_buffer **payload);
void cb_tcp_port_announced(cb_connection *connection);
void cb_tcp_port_drop(cb_connection *connection, cb_close_reason reason);

/* Sends a response in two parts, either of which may be NULL; takes both over. One at a time: the
 * next after `sent`. Announces it when all but its end has left, and lets the end go after that; if
 * the end of its request is told already, it follows that. */
void cb_tcp_guest_send(cb_tcp_guest *guest, cb_buffer *first, cb_buffer *second, bool final);
/* False once it was dropped, has failed or was closed: nothing can be sent then. */
bool cb_tcp_guest_stands(const cb_tcp_guest *guest);

static inline int64_t cb_tcp_guest_now(const cb_tcp_guest *guest)
{
    return cb_loop_now(guest->base.listener->actor.loop);
}

#endif
