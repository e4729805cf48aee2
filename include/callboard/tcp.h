/* TCP sockets with buffers, events and streams, over an event loop (callboard/nbio.h).
 *
 * The program gives a socket its callbacks, and the socket does the rest: it looks up the host
 * name, tries the addresses, keeps written bytes until the kernel takes them, delivers received
 * bytes, watches time limits, and closes without losing written bytes.
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
 * - No callback runs inside the call that caused it. Callbacks run in a later tick of the loop, one
 *   at a time; `connect` is the first of a socket's callbacks and `close` the last.
 * - An error event is the last event. The socket is closed already when it comes. CB_TCP_EOF means
 *   that the peer has ended its stream. It comes once, after all bytes. The socket can still write
 *   then, and the program has to close it (unless an option says otherwise, or there is no event
 *   callback).
 * - Bytes leave in the order of writing, also across a close. Writes of one tick go out together.
 * - After cb_tcp_close, cb_tcp_abort or an error event the pointer stays valid until the callback
 *   `close` has returned, which happens in a later tick.
 *  - A socket counts as outstanding work of its loop until it has been closed.
 *
 * Threads: sockets and servers belong to the loop's thread; no other thread may use them. Helper
 * threads look up host names, so that a slow name server delays no other socket.
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

/* X(name, text, parents): what can happen, and the more general kinds that each kind is a case of.
 * Parents come before their cases. */
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

/* True if `kind` is `ancestor` or a case of it. False for unknown numbers. */
CB_PUBLIC bool cb_tcp_kind_is(cb_tcp_kind kind, cb_tcp_kind ancestor);
/* The text of a kind. An unknown number gives "unknown event". Never NULL. */
CB_PUBLIC const char *cb_tcp_kind_text(cb_tcp_kind kind);

typedef struct cb_tcp_event {
    cb_tcp_kind kind;
    cb_io_error error; /* the error that the loop reported, or CB_IO_OK */
    int code; /* the errno behind it, or getaddrinfo's number after a failed look-up, or 0 */
    cb_status status;      /* TLS errors: the provider's status (CB_MISMATCH: the peer is not the
                              expected one); otherwise CB_OK */
    const char *message;   /* one sentence without a full stop; valid until the callback returns */
    cb_tcp_socket *socket; /* NULL for accept errors */
    cb_tcp_server *server; /* for accept errors, and for accepted sockets; otherwise NULL */
} cb_tcp_event;

/* -- callbacks and options -------------------------------------------------------------------- */

typedef struct cb_tcp_callbacks {
    /* Bytes have come: 1 to 65,536, or as many as fit into the memory that `room` gave. They are
     * valid until the callback returns. With `keep_unread` it gets all unread bytes (more than at
     * the last call), and they stay until they are read from the stream. */
    void (*read)(cb_tcp_socket *socket, const void *data, size_t size);
    /* Called instead of `read` if the option `stream` is set: there is more to read than before. */
    void (*readable)(cb_tcp_socket *socket, cb_stream *stream);
    void (*event)(const cb_tcp_event *event);
    /* The connection is established (with TLS: the handshake is done). */
    void (*connect)(cb_tcp_socket *socket);
    /* All bytes written so far have gone to the kernel. Called once for each batch of writes. */
    void (*write)(cb_tcp_socket *socket);
    /* The socket is closed, no matter which side closed it. This is the last callback, and comes in
     * a tick after the close. */
    void (*close)(cb_tcp_socket *socket);
    /* The time of cb_tcp_set_alarm has come. */
    void (*alarm)(cb_tcp_socket *socket);
    /* Says where to put the next bytes, so that they need no copy: returns memory and its size.
     * `read` then gets this memory with the bytes in it. NULL: the socket uses memory of its own.
     * The memory is in use until the next `read` or `room` of the socket; a call that closes the
     * socket or ends its reading also ends this use. The callback may ask the socket for its user
     * pointer, and may call nothing else. Sockets with `stream` or `keep_unread` do not call it. */
    void *(*room)(cb_tcp_socket *socket, size_t *size);
    /* -- servers -- */
    /* A client was accepted. This is the first callback of its socket; with TLS it comes before the
     * handshake. */
    void (*accept)(cb_tcp_socket *socket);
    /* After cb_tcp_server_close: the port is closed, and no further connection comes. `user` is the
     * value of cb_tcp_server_user. */
    void (*port_closed)(void *user);
    /* After `port_closed`: the descriptor of the last connection is closed too. */
    void (*drained)(void *user);
} cb_tcp_callbacks;

/* TLS for a socket, or for all sockets of a server. provider NULL: no TLS. */
typedef struct cb_tcp_tls {
    const cb_tls_provider *provider;
    cb_tls_context *context; /* retained by the socket or server */
    const char *name;        /* clients: the peer's expected name; NULL: the host connected to */
} cb_tcp_tls;

/* Zero means the default everywhere, so `{0}` and NULL are fine. Times are in seconds. */
typedef struct cb_tcp_options {
    const void *data; /* clients: bytes to write first; copied */
    size_t data_size;
    bool stream;       /* received bytes wait in the socket until they are read from its stream */
    bool keep_unread;  /* the same, but `read` reports them */
    bool close_at_eof; /* CB_TCP_EOF closes the socket, after the event was delivered */
    /* Longest time in which no byte comes / no byte can be sent although some wait. Every byte
     * restarts it. <= 0: no limit. The limit ends the socket with CB_TCP_TIMEOUT. */
    double read_timeout;
    double write_timeout;
    /* Longest time from connecting (or accepting) to the callback `connect`. <= 0: only the
     * kernel's limit. */
    double connect_timeout;
    /* After a close: how long to wait for the end of the peer's stream, reading and dropping what
     * still comes. Without this wait, a descriptor closed with unread bytes would make the kernel
     * drop bytes that the peer has not received yet. 0: one second; < 0: no wait. */
    double linger;
    size_t write_watermark; /* see cb_tcp_write; 0: 1 MiB */
    size_t read_watermark;  /* a stream with so many unread bytes stops receiving; 0: 1 MiB */
    int backlog;            /* servers: most connections that wait in the kernel; <= 0: 1,000 */
    cb_socket listening; /* servers: a socket that listens already, which is taken over instead of
                            making one; 0: none. After a failure it belongs to the caller again */
    size_t max_connections; /* servers: most connections at once, closing ones included; more wait
                               in the backlog. 0: no limit */
    cb_tcp_tls tls;
} cb_tcp_options;

/* -- clients ---------------------------------------------------------------------------------- */

/* Opens a connection. `host` is a name, or an IPv4 or IPv6 address. The addresses of a name are
 * tried in the resolver's order, alternating between IPv4 and IPv6. The next address is tried when
 * one fails or has not answered for 250 ms; the first that answers wins. Failures after this call
 * are events. `callbacks` is copied; `options` may be NULL; `user` is cb_tcp_user's. CB_INVALID,
 * CB_NO_MEMORY, CB_CLOSED (the loop is ending), or a status of the TLS provider; then *socket is
 * NULL. */
CB_PUBLIC cb_status cb_tcp_connect(cb_loop *loop, const char *host, uint16_t port,
                                   const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                                   void *user, cb_tcp_socket **socket, cb_error *error);

/* The same in two steps: first a socket, which can already be written to, then its connection.
 * CB_INVALID if it was connected before, CB_CLOSED. `event` (may be NULL) replaces the socket's
 * event callback. */
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
 * Accepted sockets get the callbacks, the options and, at first, `user`. A socket whose handshake
 * fails gets only the callbacks `accept`, `event` and `close`. The end of the loop also closes and
 * frees a server. CB_IO if it cannot be bound; the text then names address and port. *server is
 * NULL on failure. */
CB_PUBLIC cb_status cb_tcp_server_open(cb_loop *loop, const char *address, uint16_t port,
                                       const cb_tcp_callbacks *callbacks,
                                       const cb_tcp_options *options, void *user,
                                       cb_tcp_server **server, cb_error *error);
/* Stops listening. *server becomes NULL; NULL is fine. Clients that the kernel had accepted before
 * are still served, in the next tick (up to max_connections). Existing connections go on. The
 * callbacks port_closed and drained report the progress, but not when the loop ends. */
CB_PUBLIC void cb_tcp_server_close(cb_tcp_server **server);
/* After a pause new connections stay in the kernel's backlog. Only accepts that are already under
 * way still take some, 16 at most. Resuming takes the waiting ones. */
CB_PUBLIC void cb_tcp_server_pause(cb_tcp_server *server);
CB_PUBLIC void cb_tcp_server_resume(cb_tcp_server *server);
/* New connections use these settings (NULL: no TLS any more); existing ones do not change. */
CB_PUBLIC cb_status cb_tcp_server_set_tls(cb_tcp_server *server, const cb_tcp_tls *tls,
                                          cb_error *error);
CB_PUBLIC uint16_t cb_tcp_server_port(const cb_tcp_server *server);
CB_PUBLIC cb_socket cb_tcp_server_descriptor(const cb_tcp_server *server);
CB_PUBLIC void *cb_tcp_server_user(const cb_tcp_server *server);
CB_PUBLIC void cb_tcp_server_set_user(cb_tcp_server *server, void *user);

/* -- writing ---------------------------------------------------------------------------------- */

/* Copies the bytes and sends them in the loop's next tick, or once the connection is established.
 * Each callback in `replace` (may be NULL) that is not NULL replaces the socket's.
 * CB_LIMIT if these bytes and the waiting ones together exceed the write watermark: nothing is
 * taken, and CB_TCP_DRAIN follows as soon as the bytes would fit. (When nothing waits, a write of
 * any size is taken.) CB_CLOSED if the socket is closed or its writing was ended. CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_tcp_write(cb_tcp_socket *socket, const void *data, size_t size,
                                 const cb_tcp_callbacks *replace, cb_error *error);
/* The same without the copy: takes one more reference to the buffer until `size` bytes from
 * `offset` have left. The bytes must not change until then. */
CB_PUBLIC cb_status cb_tcp_write_buffer(cb_tcp_socket *socket, cb_buffer *buffer, size_t offset,
                                        size_t size, cb_error *error);
/* Half-close: after the written bytes the peer reads the end of the stream. Receiving goes on.
 * CB_CLOSED. A second call is fine. */
CB_PUBLIC cb_status cb_tcp_end_writing(cb_tcp_socket *socket, cb_error *error);
/* How many written bytes have not gone to the kernel yet. */
CB_PUBLIC size_t cb_tcp_buffered(const cb_tcp_socket *socket);
/* Bytes in the kernel that the peer's kernel has not acknowledged; 0 if the kernel does not
 * tell. */
CB_PUBLIC size_t cb_tcp_unacknowledged(const cb_tcp_socket *socket);

/* -- control ---------------------------------------------------------------------------------- */

/* Sets the read and the write time limit in seconds, starting now. <= 0 or not a number: no limit.
 * May be called any number of times. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_set_timeouts(cb_tcp_socket *socket, double read_timeout,
                                        double write_timeout, cb_error *error);
/* Sets the alarm: the callback `alarm` is called once when the loop's clock (cb_loop_now) reaches
 * due_ns; 0: no call. Replaces an earlier alarm. A close cancels the alarm. The call is cheap
 * enough for every received byte: the socket's one timer is only set anew if the new time is
 * earlier than the timer's. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_set_alarm(cb_tcp_socket *socket, int64_t due_ns, cb_error *error);
/* Switches a direction on or off. While reading is off there are no read callbacks and no read
 * limit, and after at most one piece nothing is taken from the kernel, so that the peer has to
 * wait. While writing is off nothing more is given to the kernel, and there are no write callbacks
 * and no write limit. Nothing is lost. A close switches writing on. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_enable(cb_tcp_socket *socket, bool read, bool write, cb_error *error);
CB_PUBLIC cb_status cb_tcp_disable(cb_tcp_socket *socket, bool read, bool write, cb_error *error);

/* Stops reading. Bytes that came and were not delivered are dropped, and there is no CB_TCP_EOF.
 * Further bytes stay in the kernel, so that the peer has to wait, and are dropped after a close
 * (`linger`). Memory that `room` gave belongs to the program again. After cb_tcp_enable the socket
 * reads the bytes that come then. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_end_reading(cb_tcp_socket *socket, cb_error *error);

/* Closes. Only the callback `close` still comes. Written bytes are still delivered (also when the
 * connection is not established yet), followed by close_notify under TLS. CB_CLOSED if it is closed
 * already. */
CB_PUBLIC cb_status cb_tcp_close(cb_tcp_socket *socket, cb_error *error);
/* Closes at once with a reset; written bytes that have not left are dropped. CB_CLOSED. */
CB_PUBLIC cb_status cb_tcp_abort(cb_tcp_socket *socket, cb_error *error);
CB_PUBLIC bool cb_tcp_closed(const cb_tcp_socket *socket);

CB_PUBLIC void *cb_tcp_user(const cb_tcp_socket *socket);
CB_PUBLIC void cb_tcp_set_user(cb_tcp_socket *socket, void *user);
CB_PUBLIC cb_loop *cb_tcp_loop(const cb_tcp_socket *socket);
/* The descriptor, for reading and setting its options; CB_NO_SOCKET if there is none. */
CB_PUBLIC cb_socket cb_tcp_descriptor(const cb_tcp_socket *socket);
/* The peer's and the own address. A closed socket, and one that is not connected, give an endpoint
 * without a family for both. */
CB_PUBLIC cb_endpoint cb_tcp_peer(const cb_tcp_socket *socket);
CB_PUBLIC cb_endpoint cb_tcp_local(const cb_tcp_socket *socket);
/* Its TLS session, for questions to the provider; NULL without TLS and before the handshake. */
CB_PUBLIC const cb_tls_session *cb_tcp_tls_session(const cb_tcp_socket *socket,
                                                   const cb_tls_provider **provider);

/* Sets a callback for the events of this thread's sockets and servers that have no event callback.
 * NULL, which is also the initial value: such events are not reported. */
CB_PUBLIC void cb_tcp_set_default_event(void (*event)(const cb_tcp_event *event));

/* -- streams ---------------------------------------------------------------------------------- */

/* The socket as a stream. A socket has one stream, which lives as long as the socket. Reading makes
 * sense with the option `stream` or `keep_unread`. */
CB_PUBLIC cb_stream *cb_tcp_stream(cb_tcp_socket *socket);
CB_PUBLIC cb_tcp_socket *cb_stream_socket(cb_stream *stream);
/* Moves up to `size` unread bytes into `room`; returns how many. */
CB_PUBLIC size_t cb_stream_read(cb_stream *stream, void *room, size_t size);
/* The unread bytes where they lie (NULL if none), valid until a read from the stream or the next
 * tick. */
CB_PUBLIC const void *cb_stream_peek(const cb_stream *stream, size_t *size);
/* cb_tcp_write without callbacks. */
CB_PUBLIC cb_status cb_stream_write(cb_stream *stream, const void *data, size_t size,
                                    cb_error *error);
CB_PUBLIC size_t cb_stream_available(const cb_stream *stream);
/* True when the peer has ended its stream and every byte was read. */
CB_PUBLIC bool cb_stream_ended(const cb_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
