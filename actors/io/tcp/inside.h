/* Inside the TCP layer: what its files share. Everything here is built on callboard/nbio.h.
 *
 * A thread's sockets share a turn: what calls leave to be done, and what must not happen inside
 * them, is done in the next tick of the loop, all together.
 *
 *     a call: remembers work for a socket     -> next tick: send, deliver, start timers, release
 *     a write without TLS                     -> as the next tick begins, before it waits: send
 *     a completion: runs callbacks directly, since no call of the program is below it
 *
 * The phases of a socket's transport. `closed` is beside them: a socket that the program has closed
 * goes through the rest of them on its own, without callbacks.
 *
 *     NEW -> LOOKUP -> DIALING -> SECURING -> OPEN -> LINGERING -> GONE
 */
#ifndef CALLBOARD_ACTORS_IO_TCP_INSIDE_H
#define CALLBOARD_ACTORS_IO_TCP_INSIDE_H

#include "callboard/tcp.h"

#define CB_TCP_NS_PER_S        1000000000
/* Enough for a line, a small message or the head of a request, and little enough for 10,000 idle
 * sockets. */
#define CB_TCP_SMALL_ROOM      2048u
/* The largest piece that a read callback gets. */
#define CB_TCP_LARGE_ROOM      65536u
#define CB_TCP_SPARE_ROOMS     8u
/* Bytes of a chunk that small writes are gathered in, and how many are kept for the next writes. */
#define CB_TCP_CHUNK           4096u
#define CB_TCP_SPARE_CHUNKS    256u
#define CB_TCP_WATERMARK       (1u << 20)
/* Ciphertext made ahead of what the kernel takes. */
#define CB_TCP_WIRE_AHEAD      131072u
/* Without a write limit a closed socket still gives up when nothing leaves for so long. */
#define CB_TCP_CLOSE_STALL_NS  (30ll * CB_TCP_NS_PER_S)
#define CB_TCP_LINGER_NS       (1ll * CB_TCP_NS_PER_S)
/* Between the starts of two attempts (RFC 8305 recommends it). */
#define CB_TCP_STAGGER_NS      (CB_TCP_NS_PER_S / 4)
/* More addresses of one name are not tried. */
#define CB_TCP_MAX_ADDRESSES   16u
/* Out of descriptors: others may close some; accepting is tried again after this. */
#define CB_TCP_ACCEPT_RETRY_NS (CB_TCP_NS_PER_S / 100)
/* Clients that one server takes in a tick. */
#define CB_TCP_ACCEPTS         16u

struct cb_lookup;

/* -- bytes that wait to be sent (chunks.c) ---------------------------------------------------- */

typedef struct cb_tcp_chunk {
    struct cb_tcp_chunk *next;
    cb_buffer *owner; /* whose bytes they are; NULL: they follow this struct */
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
    CB_TCP_WORK_DELIVER = 2,  /* hand over what was held back */
    CB_TCP_WORK_TIMEOUTS = 4, /* start the time limits anew */
    CB_TCP_WORK_FAIL = 8,     /* tell of the failure that a call met with */
    CB_TCP_WORK_RELEASE = 16  /* the handle, and the memory if the transport is gone */
};

/* What the turn keeps: a socket or a server, which it is the first member of. */
typedef struct cb_tcp_item {
    struct cb_tcp_item *next, *previous;
    bool is_server;
    uint8_t work;  /* for the next turn; not 0: it is on the list */
    uint8_t doing; /* of the turn that runs */
    bool to_send;  /* on the list of those that only have something to send */
} cb_tcp_item;

typedef struct cb_tcp_turn {
    cb_loop *loop;
    cb_op *op;    /* runs the turn; detached */
    cb_op *guard; /* never executed: completes when the loop ends */
    bool queued;  /* `op` is on its way */
    bool ending;
    cb_tcp_item *items; /* all of them */
    size_t item_count;
    /* Items with work, and those whose work is being done. Room for all, so adding cannot fail. */
    cb_tcp_item **next, **now;
    size_t next_count, capacity;
    cb_tcp_item **sending; /* the same for those that only have something to send */
    size_t sending_count;
    cb_tcp_chunk *spare_chunks;
    unsigned spare_chunk_count;
    unsigned spare_room_count;
    uint8_t *spare_rooms[CB_TCP_SPARE_ROOMS];
    uint8_t *plaintext; /* room of CB_TCP_LARGE_ROOM, once a TLS socket has read */
    struct cb_lookup_port *lookups;
    cb_op *lookup_op; /* waits for results while there are look-ups */
    size_t lookup_count;
} cb_tcp_turn;

/* The turn of this thread's loop, made if there is none. CB_INVALID, CB_CLOSED, CB_NO_MEMORY. */
cb_status cb_tcp_turn_get(cb_loop *loop, cb_tcp_turn **turn, cb_error *error);
/* Registers an item. CB_NO_MEMORY. */
cb_status cb_tcp_turn_join(cb_tcp_turn *turn, cb_tcp_item *item, cb_error *error);
/* The item is about to be freed; it has no work. */
void cb_tcp_turn_leave(cb_tcp_turn *turn, cb_tcp_item *item);
void cb_tcp_turn_add(cb_tcp_turn *turn, cb_tcp_item *item, unsigned work);
/* Flushes a socket as the next tick begins; only if that calls nobody back. */
void cb_tcp_turn_send(cb_tcp_turn *turn, cb_tcp_item *item);
/* Lets the next tick free a turn that has no items. */
void cb_tcp_turn_settle(cb_tcp_turn *turn);
/* True if the op says that the loop ends; everything has been freed then, so return at once. */
bool cb_tcp_turn_ended(cb_tcp_turn *turn, const cb_op *op);

/* malloc for all of this layer, which tests replace to let it fail. NULL restores it. */
extern void *(*cb_tcp_malloc_hook)(size_t size);
void *cb_tcp_malloc(size_t size);
/* The same for what holds bytes on their way, and the sockets themselves: counted in the budget. */
void *cb_tcp_malloc_counted(size_t size);
void cb_tcp_free_counted(void *memory, size_t size);

/* -- chunks.c --------------------------------------------------------------------------------- */

/* Copies bytes to the end. CB_NO_MEMORY: nothing was taken. */
cb_status cb_tcp_queue_add(cb_tcp_turn *turn, cb_tcp_queue *queue, const void *data, size_t size);
/* Adds a reference to a part of a buffer. */
cb_status cb_tcp_queue_refer(cb_tcp_turn *turn, cb_tcp_queue *queue, cb_buffer *buffer,
                             size_t offset, size_t size);
/* Room of at least one byte at the end: *size of it; cb_tcp_queue_grow says how much was filled. */
uint8_t *cb_tcp_queue_room(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t *size);
void cb_tcp_queue_grow(cb_tcp_queue *queue, size_t size);
/* Drops bytes from the front. */
void cb_tcp_queue_drop(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t size);
void cb_tcp_queue_clear(cb_tcp_turn *turn, cb_tcp_queue *queue);
/* Where the first bytes lie, as at most `count` pieces; returns how many. */
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

/* What goes wrong, on its way to the event callback. */
typedef struct cb_tcp_failure {
    cb_tcp_kind kind;
    cb_io_error error;
    int code;
    cb_status status;
    const char *message; /* NULL: made from the others */
} cb_tcp_failure;

struct cb_tcp_socket {
    cb_tcp_item item; /* first, so that one is the other */
    cb_tcp_turn *turn;
    cb_tcp_server *server; /* where it was accepted */
    cb_tcp_phase phase;
    bool closed;    /* for the program */
    bool released;  /* the program has been told so and forgot it */
    bool abandoned; /* plaintext is given up: an alert is all that still goes */
    bool read_on;
    bool write_on;
    bool stream;      /* tells by `readable` */
    bool keep_unread; /* bytes stay until they are read */
    bool close_at_eof;
    bool input_ended; /* the descriptor's */
    bool ended;       /* what the peer sends, under TLS after its close_notify */
    bool eof_told;
    bool write_ended; /* by the program */
    bool shut;        /* nothing can be sent any more: the half-close was made */
    bool notified;    /* the TLS session was told to make its close_notify */
    bool batch_open;  /* written since the last write callback */
    bool sent_any;
    bool write_waits; /* there was nothing to send before */
    cb_socket descriptor;
    cb_tcp_callbacks callbacks;
    void *user;
    cb_endpoint peer;
    struct cb_tcp_dialing *dialing;
    /* reading */
    cb_op *recv;
    uint8_t *room;
    uint8_t *place; /* where the last receive put its bytes */
    uint32_t room_size;
    uint32_t room_wanted;
    size_t held; /* bytes in the place that are not handed over */
    cb_stream unread;
    size_t read_watermark;
    /* writing */
    cb_op *send;
    cb_tcp_queue plain; /* what was written; without TLS this is what is sent */
    cb_tcp_queue wire;  /* ciphertext */
    size_t write_watermark;
    size_t refused; /* size of the write that did not fit; 0: none */
    /* time */
    cb_op *timer;
    int64_t timer_due_ns;
    int64_t read_limit_ns, write_limit_ns, connect_limit_ns; /* 0: none */
    int64_t read_at_ns, write_at_ns;
    int64_t began_ns; /* to connect; 0: not yet */
    int64_t linger_ns, linger_end_ns;
    int64_t alarm_ns; /* 0: none */
    /* TLS */
    const cb_tls_provider *provider;
    cb_tls_context *context;
    cb_tls_session *session;
    char *name;
    /* a failure that a call met with */
    cb_tcp_failure failure;
};

/* A socket in phase NEW, joined to the turn. */
cb_status cb_tcp_socket_make(cb_tcp_turn *turn, const cb_tcp_callbacks *callbacks,
                             const cb_tcp_options *options, const cb_tcp_tls *tls, void *user,
                             cb_tcp_socket **made, cb_error *error);
/* The descriptor is connected: on to TLS, or open. */
void cb_tcp_socket_connected(cb_tcp_socket *socket, cb_socket descriptor, const cb_endpoint *peer);
/* The connection stands for the program too. */
void cb_tcp_socket_opened(cb_tcp_socket *socket);
/* Frees everything; no op, no work. */
void cb_tcp_socket_free(cb_tcp_socket *socket);
void cb_tcp_socket_add(cb_tcp_socket *socket, unsigned work);
/* Refuses a closed socket. */
cb_status cb_tcp_check_open(const cb_tcp_socket *socket, cb_error *error);

/* -- events.c --------------------------------------------------------------------------------- */
bool cb_tcp_has_event_callback(const cb_tcp_socket *socket);
void cb_tcp_tell(cb_tcp_socket *socket, const cb_tcp_failure *what);
void cb_tcp_tell_accept_error(cb_tcp_server *server, cb_io_error error, int code);
/* The kind that suits an op's failure. */
cb_tcp_failure cb_tcp_failure_of(const cb_op *op, const char *message);

/* -- closing.c -------------------------------------------------------------------------------- */
/* Ends the socket with an event, inside a completion or a turn. The message is copied by nobody, it
 * only has to live as long as the call. */
void cb_tcp_fail(cb_tcp_socket *socket, const cb_tcp_failure *failure);
/* The same, but what the TLS session still has to say goes out first. */
void cb_tcp_fail_softly(cb_tcp_socket *socket, const cb_tcp_failure *failure);
/* Fails in the next turn, for calls of the program. The message must be static. */
void cb_tcp_fail_later(cb_tcp_socket *socket, cb_io_error error, const char *message);
/* Goes on with a close or a half-close once nothing waits to be sent. */
void cb_tcp_wind_up(cb_tcp_socket *socket);
void cb_tcp_close_descriptor(cb_tcp_turn *turn, cb_socket descriptor);
/* Takes back all ops and closes the descriptor. */
void cb_tcp_drop_transport(cb_tcp_socket *socket);
void cb_tcp_release(cb_tcp_socket *socket);
/* The loop ends: tells the program, and frees. */
void cb_tcp_end(cb_tcp_socket *socket);

/* -- reading.c -------------------------------------------------------------------------------- */
/* Receives if it should and does not yet. */
void cb_tcp_receive(cb_tcp_socket *socket);
/* Hands over what is there, then the end. */
void cb_tcp_deliver(cb_tcp_socket *socket);
/* Passes plaintext to the program or its stream. */
void cb_tcp_hand_over(cb_tcp_socket *socket, const void *data, size_t size);
/* True if a stream holds as much as it may. */
bool cb_tcp_is_full(const cb_tcp_socket *socket);
void cb_tcp_give_room_back(cb_tcp_socket *socket);
/* Memory that the program offers for what comes; NULL: none. */
void *cb_tcp_offered_room(cb_tcp_socket *socket, size_t *size);
/* Lets go of the program's memory. */
void cb_tcp_leave_offered_room(cb_tcp_socket *socket);

/* -- writing.c -------------------------------------------------------------------------------- */
void cb_tcp_flush(cb_tcp_socket *socket);

/* -- timeouts.c ------------------------------------------------------------------------------- */
int64_t cb_tcp_limit_ns(double seconds);
/* Sees to it that a timer strikes no later than the next limit. */
void cb_tcp_arm(cb_tcp_socket *socket);

/* -- connecting.c, lookup.c ------------------------------------------------------------------- */
cb_status cb_tcp_begin_connecting(cb_tcp_socket *socket, const char *host, uint16_t port,
                                  cb_error *error);
/* Results of a look-up; `code` is getaddrinfo's. */
void cb_tcp_addresses_found(cb_tcp_socket *socket, const cb_endpoint *addresses, size_t count,
                            int code);
void cb_tcp_stop_connecting(cb_tcp_socket *socket);

/* Starts a look-up; its end is reported by cb_tcp_addresses_found unless it is abandoned. */
cb_status cb_lookup_start(cb_tcp_socket *socket, const char *host, uint16_t port,
                          struct cb_lookup **lookup, cb_error *error);
void cb_lookup_abandon(cb_tcp_turn *turn, struct cb_lookup **lookup);
void cb_lookup_shut(cb_tcp_turn *turn);
/* The sentence for a number of getaddrinfo. */
const char *cb_lookup_text(int code);
/* Replaces the resolver for tests: fills `found` (room for CB_TCP_MAX_ADDRESSES) and returns
 * getaddrinfo's number. Runs on a helper thread; it is chosen
 * when a look-up starts. */
typedef int cb_lookup_function(const char *host, uint16_t port, cb_endpoint *found, size_t *count);
extern cb_lookup_function *cb_lookup_hook;
/* The resolver itself; with `numeric` only addresses, without asking anybody. */
int cb_lookup_addresses(const char *host, uint16_t port, bool numeric, cb_endpoint *found,
                        size_t *count);

/* -- secure.c: TLS ---------------------------------------------------------------------------- */
void cb_tcp_secure_start(cb_tcp_socket *socket);
/* Bytes of the network have come (or its end). */
void cb_tcp_secure_arrived(cb_tcp_socket *socket, const void *data, size_t size);
/* Hands over plaintext. */
void cb_tcp_secure_deliver(cb_tcp_socket *socket);
/* Turns what was written into ciphertext, as far as it is wanted. False: it failed. */
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
    cb_tcp_item item; /* first, so that one is the other */
    cb_tcp_turn *turn;
    cb_socket descriptor;
    uint16_t port;
    cb_tcp_server_phase phase;
    bool paused;
    bool resting;   /* out of descriptors */
    size_t waiting; /* accepts that are under way */
    size_t holds;   /* connections that are not gone */
    cb_op *accepts[CB_TCP_ACCEPTS];
    cb_op *last;  /* takes what is left in the backlog at the end */
    cb_op *retry; /* ends the rest; made with the server, so that it cannot be lacking */
    cb_op *close; /* of the port */
    cb_tcp_callbacks callbacks;
    cb_tcp_options options;
    cb_tcp_tls tls;
    void *user;
};

/* What a turn does: tells how far the end is, and frees. */
void cb_tcp_server_work(cb_tcp_server *server);
/* One of its connections is gone. */
void cb_tcp_server_left(cb_tcp_server *server);
/* The loop ends. */
void cb_tcp_server_end(cb_tcp_server *server);

#endif
