/* The actor behind a route of kind CB_ROUTE_SOCKETS: one event loop, many sockets, at most one
 * server. This header is for its files; callboard/socket_commands.h describes its commands and
 * events.
 *
 *     a socket:   OPEN --Close, Abort, a failed callback--> CLOSING --the transport lets go--> OVER
 *                   `--it fails----------------------------------------------------------------^
 *
 * Each socket has at most one event with the supervisor at a time. Later events wait here, in the
 * order: connected, bytes, end of stream, last event. Waiting bytes are gathered. When there are
 * enough of them the socket is not read any more, so that the kernel makes the peer wait. While
 * reading is off, bytes and the end of the stream are not reported; the last event then drops them.
 * The last event (OVER) is reported once. The socket is forgotten when the callback of this event
 * is over.
 *
 * For a script a socket is closed when the script has closed it, or when its last event is being
 * reported. Until then a write on a failed socket is accepted; its bytes are lost, as they would be
 * in the kernel.
 */
#ifndef CALLBOARD_ACTORS_SOCKETS_SOCKETS_H
#define CALLBOARD_ACTORS_SOCKETS_SOCKETS_H

#include "actors/base/address_map.h"
#include "actors/core/loop_actor.h"
#include "callboard/socket_commands.h"

typedef struct cb_sockets cb_sockets;

cb_actor_function cb_sockets_thread;

typedef enum cb_held_state { CB_HELD_OPEN, CB_HELD_CLOSING, CB_HELD_OVER } cb_held_state;

/* Events that wait to be reported, in the order of reporting. */
enum {
    CB_TELL_CONNECTED = 1,
    CB_TELL_DRAIN = 2,
    CB_TELL_READ = 4,
    CB_TELL_EOF = 8,
    CB_TELL_LAST = 16
};

typedef struct cb_held_socket {
    cb_sockets *owner;
    uint32_t number; /* 0: stands for the server; its events belong to no socket */
    cb_held_state state;
    cb_tcp_socket *tcp;  /* NULL once it is gone */
    bool accepted;       /* accepted by the server */
    bool closed;         /* closed by the script */
    bool read_on;        /* the script wants to read; reading also needs other conditions */
    bool counted;        /* it counts as open */
    bool starved;        /* not read, because the budget has no room for more */
    int64_t starved_ns;  /* since when it is starved */
    int64_t patience_ns; /* how long the script allows silence; 0: for ever */
    bool told_last;
    bool in_flight;  /* one of its events is with the supervisor */
    bool lined_up;   /* it waits in line until the supervisor has room */
    unsigned waits;  /* CB_TELL_* */
    cb_tcp_kind why; /* kind of the last event, if the socket failed */
    int32_t code;
    cb_buffer *unread; /* READ: space for a header, then the bytes */
    size_t unread_at;  /* how many of these bytes have been reported */
    cb_buffer *last;   /* the last event; made in advance, so that it cannot fail */
    int64_t entries[CB_SOCKET_CLIENT_ENTRIES]; /* read, event */
    cb_endpoint peer;
    uint16_t local_port;
    cb_buffer *data;
    struct cb_held_socket *next, *previous; /* all sockets, by number */
    struct cb_held_socket *next_in_line;
} cb_held_socket;

typedef enum cb_server_state {
    CB_SERVER_NONE, /* there was never a server */
    CB_SERVER_LISTENING,
    CB_SERVER_CLOSED
} cb_server_state;

struct cb_sockets {
    cb_loop_actor actor; /* first, so that a pointer to one is a pointer to the other */
    cb_message route;    /* the START_LISTENER it came from */
    uint64_t cause;      /* cause of the message that is being handled */
    cb_tcp_server *server;
    cb_server_state server_state;
    uint16_t server_port;
    int64_t entries[CB_SOCKET_SERVER_ENTRIES]; /* connect, read, event */
    cb_held_socket nobody;
    cb_address_map sockets; /* by number */
    cb_held_socket *first, *last;
    uint32_t last_number;
    uint32_t open; /* number of counted sockets */
    uint32_t told; /* the number that was reported last */
    uint32_t in_flight;
    cb_held_socket *line, *line_end;
    bool stopping; /* STOP_LISTENER came; nothing is read any more */
    bool parting;  /* all callbacks are over, and every socket was closed */
    cb_op *patience;
    cb_op *relief; /* the next look at starved sockets */
};

/* -- actor.c -- */
cb_message cb_sockets_record(const cb_sockets *self, cb_message_kind kind);

/* -- socket.c: the sockets, and the events of the TCP layer -- */
/* A new socket, counted as open. NULL: out of memory, or out of numbers. */
cb_held_socket *cb_held_new(cb_sockets *self);
void cb_held_free(cb_held_socket *socket);
/* Forgets the socket if nothing of it is left. */
void cb_held_settle(cb_held_socket *socket);
cb_status cb_held_connect(cb_held_socket *socket, const char *host, uint16_t port,
                          const cb_tcp_tls *tls, cb_error *error);
cb_status cb_sockets_listen(cb_sockets *self, const char *address, uint16_t port, cb_error *error);
/* True if it is closed for the script. */
bool cb_held_is_closed(const cb_held_socket *socket);
/* Closes the transport: written bytes are delivered, unless it is closed by a reset. */
void cb_held_close(cb_held_socket *socket, bool by_reset);
/* Switches reading on or off, as the script wants, and as the waiting bytes and the memory budget
 * allow. While the budget has no room, it is looked at again and again. */
void cb_held_steer(cb_held_socket *socket);

/* -- events.c: which events are reported, and when -- */
void cb_held_tell(cb_held_socket *socket, unsigned what);
/* Reports the next event if possible: none is under way, and reading is on or not needed. */
void cb_held_advance(cb_held_socket *socket);
/* Takes received bytes. Returns false when out of memory. */
bool cb_held_gather(cb_held_socket *socket, const void *data, size_t size);
/* How many bytes wait for the callback; and a function that drops them. */
size_t cb_held_unread(const cb_held_socket *socket);
void cb_held_drop_unread(cb_held_socket *socket);
/* Reports the socket's last event. `message` may be NULL. */
void cb_held_tell_last(cb_held_socket *socket, int32_t kind, int32_t code, const char *message);
/* Reports an event of the server, not of one of its sockets. */
void cb_sockets_tell_server(cb_sockets *self, const cb_tcp_event *event);
/* Called when the callback of a socket's event is over; the status says how it ended. */
void cb_sockets_told(cb_sockets *self, uint32_t number, cb_job_status status);
/* True if no callback runs or waits. */
bool cb_sockets_is_quiet(const cb_sockets *self);

/* -- orders.c -- */
/* Carries out an ORDER and reports ORDER_DONE; takes over the payload. */
void cb_sockets_order(cb_sockets *self, const cb_message *order);

#endif
