/* Inside the TCP layer: the declarations that its files share. Everything here is built on
 * callboard/nbio.h.
 *
 * All sockets of a thread share a turn. Calls leave work for later, and some things must not happen
 * inside a call. The next tick of the loop does all of this together.
 *
 *     a call: remembers work for a socket     -> next tick: send, deliver, start timers, release
 *     a write without TLS                     -> as the next tick begins, before it waits: send
 * a completion: runs callbacks directly, because no call of the program is below it
 *
 * The phases of a socket's transport follow. `closed` is independent of them: a socket that the
 * program has closed goes through the remaining phases on its own, without callbacks.
 *
 *     NEW -> LOOKUP -> DIALING -> SECURING -> OPEN -> LINGERING -> GONE
 */
#ifndef CALLBOARD_ACTORS_IO_TCP_INSIDE_H
#define CALLBOARD_ACTORS_IO_TCP_INSIDE_H

#include "callboard/tcp.h"

#define CB_TCP_NS_PER_S        1000000000
/* Large enough for a line, a small message or the head of a request, and small enough for 10,000
 * idle sockets. */
#define CB_TCP_SMALL_ROOM      2048u
/* The largest piece that a read callback gets. */
#define CB_TCP_LARGE_ROOM      65536u
#define CB_TCP_SPARE_ROOMS     8u
/* Bytes of a chunk that gathers small writes, and how many chunks are kept for later writes. */
#define CB_TCP_CHUNK           4096u
#define CB_TCP_SPARE_CHUNKS    256u
#define CB_TCP_WATERMARK       (1u << 20)
/* Bytes of ciphertext that are made before the kernel takes them. */
#define CB_TCP_WIRE_AHEAD      131072u
/* A closed socket without a write limit gives up when nothing leaves for this time. */
#define CB_TCP_CLOSE_STALL_NS  (30ll * CB_TCP_NS_PER_S)
#define CB_TCP_LINGER_NS       (1ll * CB_TCP_NS_PER_S)
/* Time between the starts of two attempts (RFC 8305 recommends it). */
#define CB_TCP_STAGGER_NS      (CB_TCP_NS_PER_S / 4)
/* Most addresses of one name that are tried. */
#define CB_TCP_MAX_ADDRESSES   16u
/* Out of descriptors: others may close some, so accepting is tried again after this time. */
#define CB_TCP_ACCEPT_RETRY_NS (CB_TCP_NS_PER_S / 100)
/* Most clients that one server accepts in a tick. */
#define CB_TCP_ACCEPTS         16u

struct cb_lookup;

/* -- bytes that wait to be sent (chunks.c) ---------------------------------------------------- */

typedef struct cb_tcp_chunk {
    struct cb_tcp_chunk *next;
    cb_buffer *owner; /* the buffer that holds the bytes; NULL: the bytes follow this struct */
    uint8_t *data;
    size_t begin, end, capacity;
} cb_tcp_chunk;

typedef struct cb_tcp_queue {
    cb_tcp_chunk *first, *last;
    size_t size;
} cb_tcp_queue;

/* -- the turn (turn.c) ------------------------------------------------------------------------ */

enum {
    CB_TCP_WORK_FLUSH = 1,    /* send what was written */
    CB_TCP_WORK_DELIVER = 2,  /* deliver what was held back */
    CB_TCP_WORK_TIMEOUTS = 4, /* start the time limits anew */
    CB_TCP_WORK_FAIL = 8,     /* report the failure that happened inside a call */
    CB_TCP_WORK_RELEASE = 16  /* free the handle, and the memory if the transport is gone */
};

/* An entry of the turn: the first member of a socket or of a server. */
typedef struct cb_tcp_item {
    struct cb_tcp_item *next, *previous;
    bool is_server;
    uint8_t work;  /* work for the next turn; not 0: the item is in `next` */
    uint8_t doing; /* work of the turn that is running */
    bool to_send;  /* the item is in `sending` */
} cb_tcp_item;

typedef struct cb_tcp_turn {
    cb_loop *loop;
    cb_op *op;    /* runs the turn; detached */
    cb_op *guard; /* never executed: completes when the loop ends */
    bool queued;  /* `op` is submitted */
    bool ending;
    cb_tcp_item *items; /* all of them */
    size_t item_count;
    /* Items with work for the next turn, and items whose work is being done. Both have room for all
     * items, so adding cannot fail. */
    cb_tcp_item **next, **now;
    size_t next_count, capacity;
    cb_tcp_item **sending; /* items that only have something to send; room for all too */
    size_t sending_count;
    cb_tcp_chunk *spare_chunks;
    unsigned spare_chunk_count;
    unsigned spare_room_count;
    uint8_t *spare_rooms[CB_TCP_SPARE_ROOMS];
    uint8_t *plaintext; /* CB_TCP_LARGE_ROOM bytes; made when the first TLS socket reads */
    struct cb_lookup_port *lookups;
    cb_op *lookup_op; /* waits for results as long as look-ups are under way */
    size_t lookup_count;
} cb_tcp_turn;

/* The turn of this thread's loop, made if there is none. CB_INVALID, CB_CLOSED, CB_NO_MEMORY. */
cb_status cb_tcp_turn_get(cb_loop *loop, cb_tcp_turn **turn, cb_error *error);
/* Registers an item. CB_NO_MEMORY. */
cb_status cb_tcp_turn_join(cb_tcp_turn *turn, cb_tcp_item *item, cb_error *error);
/* Removes an item that is about to be freed; it must have no work. */
void cb_tcp_turn_leave(cb_tcp_turn *turn, cb_tcp_item *item);
void cb_tcp_turn_add(cb_tcp_turn *turn, cb_tcp_item *item, unsigned work);
/* Flushes a socket at the beginning of the next tick. Only for sockets whose flush runs no
 * callback. */
void cb_tcp_turn_send(cb_tcp_turn *turn, cb_tcp_item *item);
/* Lets the next tick free a turn that has no items. */
void cb_tcp_turn_settle(cb_tcp_turn *turn);
/* True if the op says that the loop ends. Everything has been freed then, so the caller returns at
 * once. */
bool cb_tcp_turn_ended(cb_tcp_turn *turn, const cb_op *op);

/* malloc for all of this layer. Tests replace it to make allocations fail; NULL restores it. */
extern void *(*cb_tcp_malloc_hook)(size_t size);
void *cb_tcp_malloc(size_t size);
/* The same for memory of waiting bytes and of sockets: counted in the budget. */
void *cb_tcp_malloc_counted(size_t size);
void cb_tcp_free_counted(void *memory, size_t size);

/* -- chunks.c --------------------------------------------------------------------------------- */

/* Copies bytes to the end. CB_NO_MEMORY: nothing was taken. */
cb_status cb_tcp_queue_add(cb_tcp_turn *turn, cb_tcp_queue *queue, const void *data, size_t size);
/* Adds a reference to a part of a buffer. */
cb_status cb_tcp_queue_refer(cb_tcp_turn *turn, cb_tcp_queue *queue, cb_buffer *buffer,
                             size_t offset, size_t size);
/* Free memory of at least one byte at the end; *size is its size. cb_tcp_queue_grow then says how
 * much was filled. */
uint8_t *cb_tcp_queue_room(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t *size);
void cb_tcp_queue_grow(cb_tcp_queue *queue, size_t size);
/* Drops bytes from the front. */
void cb_tcp_queue_drop(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t size);
void cb_tcp_queue_clear(cb_tcp_turn *turn, cb_tcp_queue *queue);
/* Writes the places of the first bytes as at most `count` pieces; returns how many. */
size_t cb_tcp_queue_pieces(const cb_tcp_queue *queue, cb_bytes *pieces, size_t count);
void cb_tcp_chunks_free(cb_tcp_turn *turn);

/* -- sockets (socket.c) ----------------------------------------------------------------------- */

typedef enum cb_tcp_phase {
    CB_TCP_PHASE_NEW,
    CB_TCP_PHASE_LOOKUP,
    CB_TCP_PHASE_DIALING,
    CB_TCP_PHASE_SECURING,
    CB_TCP_PHASE_OPEN,
    CB_TCP_PHASE_LINGERING,
    CB_TCP_PHASE_GONE
} cb_tcp_phase;

struct cb_stream {
    uint8_t *bytes;
    size_t begin, end, capacity;
};

/* A failure, before it is reported to the event callback. */
typedef struct cb_tcp_failure {
    cb_tcp_kind kind;
    cb_io_error error;
    int code;
    cb_status status;
    const char *message; /* NULL: made from the other fields */
} cb_tcp_failure;

struct cb_tcp_socket {
    cb_tcp_item item; /* first, so that a pointer to one is a pointer to the other */
    cb_tcp_turn *turn;
    cb_tcp_server *server; /* the server that accepted it, or NULL */
    cb_tcp_phase phase;
    bool closed;    /* for the program */
    bool released;  /* the program got the callback `close`; its pointer is no longer valid */
    bool abandoned; /* plaintext is dropped; only a TLS alert is still sent */
    bool read_on;
    bool write_on;
    bool stream;      /* reports by `readable` */
    bool keep_unread; /* bytes stay until they are read */
    bool close_at_eof;
    bool input_ended; /* the descriptor's stream has ended */
    bool ended;       /* the peer's stream has ended; with TLS, by its close_notify */
    bool eof_told;
    bool write_ended; /* by the program */
    bool shut;        /* the half-close was made, so nothing can be sent any more */
    bool notified;    /* the TLS session was told to make its close_notify */
    bool batch_open;  /* bytes were written since the last write callback */
    bool sent_any;
    bool write_waits; /* the time without progress starts with the next flush */
    cb_socket descriptor;
    cb_tcp_callbacks callbacks;
    void *user;
    cb_endpoint peer;
    struct cb_tcp_dialing *dialing;
    /* reading */
    cb_op *recv;
    uint8_t *room;
    uint8_t *place; /* memory of the last receive */
    uint32_t room_size;
    uint32_t room_wanted;
    size_t held; /* bytes in `place` that are not delivered yet */
    cb_stream unread;
    size_t read_watermark;
    /* writing */
    cb_op *send;
    cb_tcp_queue plain; /* written bytes; without TLS these are sent */
    cb_tcp_queue wire;  /* ciphertext */
    size_t write_watermark;
    size_t refused; /* size of the write that was refused because it did not fit; 0: none */
    /* time */
    cb_op *timer;
    int64_t timer_due_ns;
    int64_t read_limit_ns, write_limit_ns, connect_limit_ns; /* 0: none */
    int64_t read_at_ns, write_at_ns;
    int64_t began_ns; /* when connecting began; 0: not yet */
    int64_t linger_ns, linger_end_ns;
    int64_t alarm_ns; /* 0: none */
    /* TLS */
    const cb_tls_provider *provider;
    cb_tls_context *context;
    cb_tls_session *session;
    char *name;
    /* a failure inside a call, until the next turn reports it */
    cb_tcp_failure failure;
};

/* Makes a socket in phase NEW and joins it to the turn. */
cb_status cb_tcp_socket_make(cb_tcp_turn *turn, const cb_tcp_callbacks *callbacks,
                             const cb_tcp_options *options, const cb_tcp_tls *tls, void *user,
                             cb_tcp_socket **made, cb_error *error);
/* Called when the descriptor is connected: starts TLS, or opens the socket. */
void cb_tcp_socket_connected(cb_tcp_socket *socket, cb_socket descriptor, const cb_endpoint *peer);
/* Called when the connection is ready for the program. */
void cb_tcp_socket_opened(cb_tcp_socket *socket);
/* Frees everything. The socket must have no op and no work. */
void cb_tcp_socket_free(cb_tcp_socket *socket);
void cb_tcp_socket_add(cb_tcp_socket *socket, unsigned work);
/* CB_CLOSED if the socket is closed. */
cb_status cb_tcp_check_open(const cb_tcp_socket *socket, cb_error *error);

/* -- events.c --------------------------------------------------------------------------------- */
bool cb_tcp_has_event_callback(const cb_tcp_socket *socket);
void cb_tcp_tell(cb_tcp_socket *socket, const cb_tcp_failure *what);
void cb_tcp_tell_accept_error(cb_tcp_server *server, cb_io_error error, int code);
/* The failure that describes a failed op. */
cb_tcp_failure cb_tcp_failure_of(const cb_op *op, const char *message);

/* -- closing.c -------------------------------------------------------------------------------- */
/* Ends the socket with an event, inside a completion or a turn. The message is not copied; it only
 * has to live as long as the call. */
void cb_tcp_fail(cb_tcp_socket *socket, const cb_tcp_failure *failure);
/* The same, but first sends what the TLS session still has to send. */
void cb_tcp_fail_softly(cb_tcp_socket *socket, const cb_tcp_failure *failure);
/* Fails in the next turn, for calls of the program. The message must be static. */
void cb_tcp_fail_later(cb_tcp_socket *socket, cb_io_error error, const char *message);
/* Continues a close or a half-close when nothing waits to be sent. */
void cb_tcp_wind_up(cb_tcp_socket *socket);
void cb_tcp_close_descriptor(cb_tcp_turn *turn, cb_socket descriptor);
/* Removes all ops and closes the descriptor. */
void cb_tcp_drop_transport(cb_tcp_socket *socket);
void cb_tcp_release(cb_tcp_socket *socket);
/* Called when the loop ends: tells the program, and frees the socket. */
void cb_tcp_end(cb_tcp_socket *socket);

/* -- reading.c -------------------------------------------------------------------------------- */
/* Starts to receive if the socket should receive and does not yet. */
void cb_tcp_receive(cb_tcp_socket *socket);
/* Delivers the bytes that are there, then the end of the stream. */
void cb_tcp_deliver(cb_tcp_socket *socket);
/* Passes plaintext to the program or its stream. */
void cb_tcp_hand_over(cb_tcp_socket *socket, const void *data, size_t size);
/* True if the unread bytes have reached the read watermark. */
bool cb_tcp_is_full(const cb_tcp_socket *socket);
void cb_tcp_give_room_back(cb_tcp_socket *socket);
/* Memory that the program offers for the next bytes; NULL: none. */
void *cb_tcp_offered_room(cb_tcp_socket *socket, size_t *size);
/* Gives up the program's memory. */
void cb_tcp_leave_offered_room(cb_tcp_socket *socket);

/* -- writing.c -------------------------------------------------------------------------------- */
void cb_tcp_flush(cb_tcp_socket *socket);

/* -- timeouts.c ------------------------------------------------------------------------------- */
int64_t cb_tcp_limit_ns(double seconds);
/* Makes sure that the timer fires no later than the next limit. */
void cb_tcp_arm(cb_tcp_socket *socket);

/* -- connecting.c, lookup.c ------------------------------------------------------------------- */
cb_status cb_tcp_begin_connecting(cb_tcp_socket *socket, const char *host, uint16_t port,
                                  cb_error *error);
/* Takes the results of a look-up; `code` is getaddrinfo's. */
void cb_tcp_addresses_found(cb_tcp_socket *socket, const cb_endpoint *addresses, size_t count,
                            int code);
void cb_tcp_stop_connecting(cb_tcp_socket *socket);

/* Starts a look-up. cb_tcp_addresses_found reports its end, unless it is abandoned. */
cb_status cb_lookup_start(cb_tcp_socket *socket, const char *host, uint16_t port,
                          struct cb_lookup **lookup, cb_error *error);
void cb_lookup_abandon(cb_tcp_turn *turn, struct cb_lookup **lookup);
void cb_lookup_shut(cb_tcp_turn *turn);
/* The sentence for an error number of getaddrinfo. */
const char *cb_lookup_text(int code);
/* Replaces the resolver for tests: fills `found` (room for CB_TCP_MAX_ADDRESSES) and returns
 * getaddrinfo's number. It runs on a helper thread. A look-up takes the hook that is set when it
 * starts. */
typedef int cb_lookup_function(const char *host, uint16_t port, cb_endpoint *found, size_t *count);
extern cb_lookup_function *cb_lookup_hook;
/* The resolver itself. With `numeric` it accepts only addresses and makes no query. */
int cb_lookup_addresses(const char *host, uint16_t port, bool numeric, cb_endpoint *found,
                        size_t *count);

/* -- secure.c: TLS ---------------------------------------------------------------------------- */
void cb_tcp_secure_start(cb_tcp_socket *socket);
/* Takes bytes from the network, or the end of its stream. */
void cb_tcp_secure_arrived(cb_tcp_socket *socket, const void *data, size_t size);
/* Delivers plaintext. */
void cb_tcp_secure_deliver(cb_tcp_socket *socket);
/* Turns written bytes into ciphertext, as far as it is wanted. Returns false if that failed. */
bool cb_tcp_secure_encrypt(cb_tcp_socket *socket);
/* Makes the close_notify. */
void cb_tcp_secure_close(cb_tcp_socket *socket);

/* -- server.c --------------------------------------------------------------------------------- */
typedef enum cb_tcp_server_phase {
    CB_TCP_SERVER_OPEN,
    CB_TCP_SERVER_CLOSING, /* taking the last clients, then closing the port */
    CB_TCP_SERVER_CLOSED,
    CB_TCP_SERVER_TOLD /* the program knows that it is closed */
} cb_tcp_server_phase;

struct cb_tcp_server {
    cb_tcp_item item; /* first, so that a pointer to one is a pointer to the other */
    cb_tcp_turn *turn;
    cb_socket descriptor;
    uint16_t port;
    cb_tcp_server_phase phase;
    bool paused;
    bool resting;   /* out of descriptors: no accept until `retry` */
    size_t waiting; /* accepts that are under way */
    size_t holds;   /* connections whose descriptor is not closed yet */
    cb_op *accepts[CB_TCP_ACCEPTS];
    cb_op *last;  /* accepts what is left in the backlog at the end */
    cb_op *retry; /* ends `resting`; made with the server, so that it cannot fail later */
    cb_op *close; /* of the port */
    cb_tcp_callbacks callbacks;
    cb_tcp_options options;
    cb_tcp_tls tls;
    void *user;
};

/* The server's work in a turn: reports the progress of its end, and frees it. */
void cb_tcp_server_work(cb_tcp_server *server);
/* Called when one of its connections is gone. */
void cb_tcp_server_left(cb_tcp_server *server);
/* Called when the loop ends. */
void cb_tcp_server_end(cb_tcp_server *server);

#endif
