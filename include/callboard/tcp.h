/* TCP sockets with buffers, events and streams, over an event loop (callboard/nbio.h).
 *
 * A socket is given callbacks and looks after everything else: it looks its host up, tries the
 * addresses, keeps what was written until the kernel takes it, hands over what arrives, watches
 * time limits, and closes without losing what was written.
 *
 *     static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
 *     {
 *         cb_tcp_write(socket, data, size, NULL, NULL);
 *     }
 *     cb_tcp_callbacks callbacks = {.read = on_read, .event = on_event};
 *     cb_tcp_server_open(loop, "127.0.0.1", 8080, &callbacks, NULL, NULL, &server, &error);
 *     cb_loop_run(loop, &error);
 *
 * Rules that hold for every socket:
 *  - No callback runs inside the call that caused it: they run in a later tick of the loop, one at
 *    a time, `connect` before all others and `close` after all others.
 *  - An error event is the last event, and the socket is closed already when it comes. The end of
 *    what the peer sends (CB_TCP_EOF) comes once, after all bytes; the socket can still write and
 * is to be closed by the program (unless an option or the lack of an event callback says
 * otherwise).
 *  - What was written leaves in the order of writing, also across a close. Writes of one tick go
 *    out together.
 *  - After cb_tcp_close, cb_tcp_abort or an error event the pointer is good until the callback
 *    `close` has returned, which is in a later tick, and not longer.
 *  - A socket counts as outstanding work of its loop until it has been closed.
 *
 * Threads: sockets and servers belong to the loop's thread, and only it may use them. Host names
 * are looked up by helper threads, so that a slow name server delays nobody else.
 */
#ifndef CALLBOARD_TCP_H
#define CALLBOARD_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/nbio.h"
#include "callboard/status.h"
#include "callboard/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cb_tcp_socket cb_tcp_socket;
typedef struct cb_tcp_server cb_tcp_server;
typedef struct cb_stream cb_stream;

/* -- events ----------------------------------------------------------------------------------- */

/* What can happen, and what each is a case of: X(name, text, parents). The parents come first. */
#define CB_TCP_KINDS(X)                                                                            \
    X(EVENT_INFO, "information", 0)                                                                \
    X(EVENT_ERROR, "error", 0)                                                                     \
    X(TCP_INFO, "information", 1u << CB_EVENT_INFO)                                                \
    X(TCP_ERROR, "connection failed", 1u << CB_EVENT_ERROR | 1u << CB_TCP_INFO)                    \
    X(TCP_EOF, "end of stream", 1u << CB_TCP_INFO)                                                 \
    X(TCP_DRAIN, "there is room to write again", 1u << CB_TCP_INFO)                                \
    X(TCP_TIMEOUT, "timed out", 1u << CB_TCP_ERROR)                                                \
    X(TCP_REFUSED, "connection refused", 1u << CB_TCP_ERROR)                                       \
    X(TCP_ACCEPT_ERROR, "cannot accept", 1u << CB_TCP_ERROR)                                       \
    X(TCP_SOCKET_CLOSED, "socket is closed", 1u << CB_TCP_ERROR)                                   \
    X(TCP_BIND_ERROR, "cannot listen", 1u << CB_TCP_ERROR)                                         \
    X(TCP_LOOKUP_ERROR, "cannot find the host", 1u << CB_TCP_ERROR)                                \
    X(TCP_TLS_ERROR, "TLS failed", 1u << CB_TCP_ERROR)                                             \
    X(TCP_TRUNCATED, "TLS stream cut off", 1u << CB_TCP_TLS_ERROR)

typedef enum cb_tcp_kind {
#define CB_TCP_KIND_ENUM(name, text, parents) CB_##name,
    CB_TCP_KINDS(CB_TCP_KIND_ENUM)
#undef CB_TCP_KIND_ENUM
        CB_TCP_KIND_COUNT
} cb_tcp_kind;

/* True if `kind` is `ancestor` or a case of it. False for numbers that are no kinds. */
CB_PUBLIC bool cb_tcp_kind_is(cb_tcp_kind kind, cb_tcp_kind ancestor);
/* The text of a kind; "unknown event" for a number that is none. Never NULL. */
CB_PUBLIC const char *cb_tcp_kind_text(cb_tcp_kind kind);

typedef struct cb_tcp_event {
    cb_tcp_kind kind;
    cb_io_error error;     /* what the loop said, or CB_IO_OK */
    int code;              /* the errno behind it; of a failed look-up getaddrinfo's number; or 0 */
    cb_status status;      /* of TLS errors the provider's, CB_MISMATCH: not whom we expected; or
                              CB_OK */
    const char *message;   /* one sentence without a full stop; valid until the callback returns */
    cb_tcp_socket *socket; /* NULL for accept errors */
    cb_tcp_server *server; /* for accept errors, and where the socket was accepted; else NULL */
} cb_tcp_event;

/* -- callbacks and options -------------------------------------------------------------------- */

typedef struct cb_tcp_callbacks {
    /* Bytes have come: 1 to 65,536 (or what fits into the memory that `room` gave), valid until it
     * returns. With `keep_unread` all that is unread (more than was there at the last call), and it
     * stays until it is read from the stream. */
    void (*read)(cb_tcp_socket *socket, const void *data, size_t size);
    /* Instead of `read`, for sockets with the option `stream`: there is more to read than before.
     */
    void (*readable)(cb_tcp_socket *socket, cb_stream *stream);
    void (*event)(const cb_tcp_event *event);
    /* The connection stands (with TLS: the handshake is done). */
    void (*connect)(cb_tcp_socket *socket);
    /* All that was written up to now has gone to the kernel; once for each batch of writes. */
    void (*write)(cb_tcp_socket *socket);
    /* The socket is closed, by whomever; the last callback, in a tick after that of the close. */
    void (*close)(cb_tcp_socket *socket);
    /* The time of cb_tcp_set_alarm has come. */
    void (*alarm)(cb_tcp_socket *socket);
    /* Where the next bytes are to be put, so that they need no copy: memory and its size, which
     * `read` then gets with what came. NULL: nowhere, the socket has a room of its own. The memory
     * is in use until the next `read` or `room` of the socket, and no longer than a call that
     * closes it or ends its reading. May ask the socket for its user pointer, and call nothing else
     * here. Not asked by sockets with `stream` or `keep_unread`. */
    void *(*room)(cb_tcp_socket *socket, size_t *size);
    /* -- servers -- */
    /* A client was accepted: the first callback of its socket, before the handshake under TLS. */
    void (*accept)(cb_tcp_socket *socket);
    /* After cb_tcp_server_close: the port is closed, and nobody comes any more. Gets what
     * cb_tcp_server_user would say. */
    void (*port_closed)(void *user);
    /* After that: the descriptor of the last connection is closed too. */
    void (*drained)(void *user);
} cb_tcp_callbacks;

/* TLS for a socket or for those of a server; provider NULL: none. */
typedef struct cb_tcp_tls {
    const cb_tls_provider *provider;
    cb_tls_context *context; /* retained by the socket or server */
    const char *name;        /* clients: whom to expect; NULL: the host connected to */
} cb_tcp_tls;

/* What a zero says is the default, so that `{0}` and NULL are fine. Times are in seconds. */
typedef struct cb_tcp_options {
    const void *data; /* clients: written first; copied */
    size_t data_size;
    bool stream;       /* what arrives waits in the socket until it is read from its stream */
    bool keep_unread;  /* the same, but told by `read` */
    bool close_at_eof; /* the end of what the peer sends closes the socket, after its event */
    /* No byte came / none could be sent although some wait; each restarts at every byte. <= 0: no
     * limit. The limit ends the socket with CB_TCP_TIMEOUT. */
    double read_timeout;
    double write_timeout;
    /* From the start of connecting (or from accepting) to the callback `connect`. <= 0: no limit
     * but the kernel's. */
    double connect_timeout;
    /* After a close: how long the peer's end is awaited, reading and dropping what it still sends,
     * because a descriptor closed with bytes unread makes the kernel throw away what the peer has
     * not received yet. 0: one second; < 0: not at all. */
    double linger;
    size_t write_watermark; /* see cb_tcp_write; 0: 1 MiB */
    size_t read_watermark;  /* unread bytes at which a stream stops receiving; 0: 1 MiB */
    int backlog;            /* servers: connections the kernel keeps for us; <= 0: 1,000 */
    cb_socket listening;    /* servers: a socket that listens already, to be taken over instead of
                               making one; 0: none. After a failure it is the caller's again */
    size_t max_connections; /* servers: how many are held at once, those that close included; more
                               wait in the backlog. 0: no limit */
    cb_tcp_tls tls;
} cb_tcp_options;

/* -- clients ---------------------------------------------------------------------------------- */

/* Opens a connection. `host` is a name or an address of either version, and the addresses of a name
 * are tried in the resolver's order with the two versions taking turns, the next one when one fails
 * or has not answered for 250 ms; the first that answers wins. What goes wrong after this call is
 * an event. `callbacks` is copied; `options` may be NULL; `user` is cb_tcp_user's. CB_INVALID,
 * CB_NO_MEMORY, CB_CLOSED (the loop is ending), or what the TLS provider says; *socket is NULL
 * then.
 */
CB_PUBLIC cb_status cb_tcp_connect(cb_loop *loop, const char *host, uint16_t port,
                                   const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                                   void *user, cb_tcp_socket **socket, cb_error *error);

/* The same in two steps: a socket that can be written to, and its connecting. CB_INVALID if it was
 * connected before, CB_CLOSED; `event` (may be NULL) replaces the socket's. */
CB_PUBLIC cb_status cb_tcp_socket_new(cb_loop *loop, const cb_tcp_callbacks *callbacks,
                                      const cb_tcp_options *options, void *user,
                                      cb_tcp_socket **socket, cb_error *error);
CB_PUBLIC cb_status cb_tcp_socket_connect(cb_tcp_socket *socket, const char *host, uint16_t port,
                                          void (*event)(const cb_tcp_event *event),
                                          cb_error *error);

/* The old name of cb_tcp_connect. */
#if defined(__GNUC__)
__attribute__((deprecated("use cb_tcp_connect")))
#endif
CB_PUBLIC cb_status
cb_tcp_send(cb_loop *loop, const char *host, uint16_t port, const cb_tcp_callbacks *callbacks,
            const cb_tcp_options *options, void *user, cb_tcp_socket **socket, cb_error *error);

/* -- servers ---------------------------------------------------------------------------------- */

/* Listens. `address` is an IPv4 or IPv6 address; NULL is 0.0.0.0. Port 0 lets the kernel choose.
 * The sockets it accepts get the callbacks, the options and, at first, `user`; one whose handshake
 * fails has only `accept`, `event` and `close` called. The loop's end closes and frees a server
 * too. CB_IO if it cannot be bound, the text then names address and port; *server is NULL on
 * failure. */
CB_PUBLIC cb_status cb_tcp_server_open(cb_loop *loop, const char *address, uint16_t port,
                                       const cb_tcp_callbacks *callbacks,
                                       const cb_tcp_options *options, void *user,
                                       cb_tcp_server **server, cb_error *error);
/* Stops listening; *server becomes NULL, and NULL is fine. Clients that the kernel had accepted
 * before are still served, in the next tick (up to max_connections); connections live on. The
 * callbacks port_closed and drained tell how far it is, but when the loop ends. */
CB_PUBLIC void cb_tcp_server_close(cb_tcp_server **server);
/* New connections stay in the kernel's backlog, but for the first few (16 at most), which accepts
 * that are under way take; resuming takes them. */
CB_PUBLIC void cb_tcp_server_pause(cb_tcp_server *server);
CB_PUBLIC void cb_tcp_server_resume(cb_tcp_server *server);
/* New connections use this (NULL: no TLS any more); those that stand are not touched. */
CB_PUBLIC cb_status cb_tcp_server_set_tls(cb_tcp_server *server, const cb_tcp_tls *tls,
                                          cb_error *error);
CB_PUBLIC uint16_t cb_tcp_server_port(const cb_tcp_server *server);
CB_PUBLIC cb_socket cb_tcp_server_descriptor(const cb_tcp_server *server);
CB_PUBLIC void *cb_tcp_server_user(const cb_tcp_server *server);
CB_PUBLIC void cb_tcp_server_set_user(cb_tcp_server *server, void *user);

/* -- writing ---------------------------------------------------------------------------------- */

/* Copies the bytes and sends them in the loop's next tick, or once the connection stands. Every
 * callback in `replace` (may be NULL) that is not NULL takes the place of the socket's.
 * CB_LIMIT if the bytes would not fit under the write watermark beside those that wait: nothing is
 * taken then, and CB_TCP_DRAIN follows as soon as they would fit. (When nothing waits, a write of
 * any size is taken.) CB_CLOSED if the socket is closed or its writing was ended. CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_tcp_write(cb_tcp_socket *socket, const void *data, size_t size,
                                 const cb_tcp_callbacks *replace, cb_error *error);
/* The same without the copy: takes one more reference to the buffer until `size` bytes from
 * `offset` have left. Nobody may change them until then. */
CB_PUBLIC cb_status cb_tcp_write_buffer(cb_tcp_socket *socket, cb_buffer *buffer, size_t offset,
                                        size_t size, cb_error *error);
/* Half-close: after what was written the peer reads the end of the stream; receiving goes on.
 * CB_CLOSED. Twice is fine. */
CB_PUBLIC cb_status cb_tcp_end_writing(cb_tcp_socket *socket, cb_error *error);
/* Bytes that were written and have not gone to the kernel. */
CB_PUBLIC size_t cb_tcp_buffered(const cb_tcp_socket *socket);
/* Bytes that have gone to the kernel and that the peer's has not acknowledged; 0 where the kernel
 * does not tell. */
CB_PUBLIC size_t cb_tcp_unacknowledged(const cb_tcp_socket *socket);

/* -- control ---------------------------------------------------------------------------------- */

/* The read and the write time limit in seconds, starting now; <= 0 or not a number: none. As often
 * as one likes. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_set_timeouts(cb_tcp_socket *socket, double read_timeout,
                                        double write_timeout, cb_error *error);
/* Has the callback `alarm` called once when the loop's clock (cb_loop_now) says due_ns; 0: not at
 * all. It takes the place of what was set before, and a close ends it. Cheap enough to be moved
 * with every byte that comes: the socket's one timer is set anew only if the time is earlier than
 * what it waits for. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_set_alarm(cb_tcp_socket *socket, int64_t due_ns, cb_error *error);
/* Switches a direction off and on again. While reading is off there are no read callbacks and no
 * read limit, and after at most one piece nothing is taken from the kernel, so that the peer has to
 * wait; while writing is off nothing more is given to the kernel, and there are no write callbacks
 * and no write limit. Nothing is lost. A close switches writing on. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_enable(cb_tcp_socket *socket, bool read, bool write, cb_error *error);
CB_PUBLIC cb_status cb_tcp_disable(cb_tcp_socket *socket, bool read, bool write, cb_error *error);

/* Reads nothing any more: what came and was not handed over is dropped, and there is no CB_TCP_EOF.
 * What still comes is left to the kernel, so that the peer has to wait, and dropped after a close
 * (`linger`). Memory that `room` gave is the program's again. cb_tcp_enable goes on with what comes
 * then. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_end_reading(cb_tcp_socket *socket, cb_error *error);

/* Closes: no callback but `close` comes any more; what was written is still delivered (also when
 * the connection has yet to be made), with close_notify after it under TLS. CB_CLOSED if it is
 * closed already. */
CB_PUBLIC cb_status cb_tcp_close(cb_tcp_socket *socket, cb_error *error);
/* Closes at once with a reset; what was written is given up. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_abort(cb_tcp_socket *socket, cb_error *error);
CB_PUBLIC bool cb_tcp_closed(const cb_tcp_socket *socket);

CB_PUBLIC void *cb_tcp_user(const cb_tcp_socket *socket);
CB_PUBLIC void cb_tcp_set_user(cb_tcp_socket *socket, void *user);
CB_PUBLIC cb_loop *cb_tcp_loop(const cb_tcp_socket *socket);
/* The descriptor, to look at and to set options on; CB_NO_SOCKET where there is none. */
CB_PUBLIC cb_socket cb_tcp_descriptor(const cb_tcp_socket *socket);
/* Whom it is connected to; both ends of a closed socket and of one that is not connected have no
 * family. */
CB_PUBLIC cb_endpoint cb_tcp_peer(const cb_tcp_socket *socket);
CB_PUBLIC cb_endpoint cb_tcp_local(const cb_tcp_socket *socket);
/* Its TLS session, to ask the provider about; NULL without TLS and before the handshake. */
CB_PUBLIC const cb_tls_session *cb_tcp_tls_session(const cb_tcp_socket *socket,
                                                   const cb_tls_provider **provider);

/* Called for the events of this thread's sockets and servers that have no event callback. NULL:
 * nobody is, which is how it is at first. */
CB_PUBLIC void cb_tcp_set_default_event(void (*event)(const cb_tcp_event *event));

/* -- streams ---------------------------------------------------------------------------------- */

/* The socket as a stream, always the same one; its life is the socket's. Reading makes sense with
 * the option `stream` or `keep_unread`. */
CB_PUBLIC cb_stream *cb_tcp_stream(cb_tcp_socket *socket);
CB_PUBLIC cb_tcp_socket *cb_stream_socket(cb_stream *stream);
/* Moves up to `size` unread bytes into `room`; returns how many. */
CB_PUBLIC size_t cb_stream_read(cb_stream *stream, void *room, size_t size);
/* The unread bytes where they lie (NULL if none), valid until the stream is read from or a tick. */
CB_PUBLIC const void *cb_stream_peek(const cb_stream *stream, size_t *size);
/* cb_tcp_write without callbacks. */
CB_PUBLIC cb_status cb_stream_write(cb_stream *stream, const void *data, size_t size,
                                    cb_error *error);
CB_PUBLIC size_t cb_stream_available(const cb_stream *stream);
/* True when the peer has ended and every byte was read. */
CB_PUBLIC bool cb_stream_ended(const cb_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
