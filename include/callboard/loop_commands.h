/* The commands for the actor of a route of kind CB_ROUTE_LOOP, and the events that follow from
 * them.
 *
 * Such a route is an event loop (nbio.h) on an actor of its own. Each command below goes through
 * cb_route_command with its number as `what`. A command that starts an operation answers at once
 * with the operation's id. The end of the operation comes as an event: a request of the route,
 * which runs the callback that the command named. Events come one at a time, in the order in which
 * the operations ended. The next event is sent when the callback of the previous one is over.
 *
 * Operations have ids that count up from 1 and are never used again. Sockets and files share a
 * second series of such ids.
 * Numbers in commands and events are little-endian and lie side by side without gaps.
 * Errors: CB_UNKNOWN (no such id), CB_INVALID, CB_LIMIT, CB_IO, CB_NO_MEMORY, CB_FORMAT (not a
 * command), CB_UNSUPPORTED (unknown number). The reply's payload is a sentence about the error.
 */
#ifndef CALLBOARD_LOOP_COMMANDS_H
#define CALLBOARD_LOOP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "callboard/nbio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, number, the fields of the order that the command uses). All use `callback`; all but
 * TIMEOUT, NEXT_TICK and CLOSE use `timeout_ms`. These commands start operations, and their payload
 * is a cb_loop_order. */
#define CB_LOOP_OPERATIONS(X)                                                                      \
    X(TIMEOUT, 64, "size ms")                                                                      \
    X(NEXT_TICK, 65, "nothing")                                                                    \
    X(DIAL, 66, "text address, port")                                                              \
    X(ACCEPT, 67, "handle")                                                                        \
    X(RECV, 68, "handle, size at most")                                                            \
    X(RECV_ALL, 69, "handle, size")                                                                \
    X(SEND, 70, "handle, data")                                                                    \
    X(SEND_TO, 71, "handle, text address, port, data")                                             \
    X(OPEN, 72, "text path, flags CB_FILE_*, size CB_PERMIT_*")                                    \
    X(READ, 73, "handle, offset, size at most")                                                    \
    X(WRITE, 74, "handle, offset, data")                                                           \
    X(STAT, 75, "handle")                                                                          \
    X(STAT_PATH, 76, "text path")                                                                  \
    X(SENDFILE, 77, "handle, file, offset, size or CB_SEND_ENTIRE_FILE")                           \
    X(POLL, 78, "handle, flags CB_POLL_*")                                                         \
    X(CLOSE, 79, "handle")                                                                         \
    X(READ_FILE, 80, "text path")

/* These commands answer at once, except RUN. The text names what goes in; after the semicolon, what
 * the answer is. */
#define CB_LOOP_QUESTIONS(X)                                                                       \
    X(LISTEN, 96, "an order with text address and port; the socket's id")                          \
    X(UDP_SOCKET, 97, "an order with text address and port; the socket's id")                      \
    X(REMOVE, 98, "value an operation's id; 0")                                                    \
    X(NUM_WAITING, 99, "operations whose callbacks are not over")                                  \
    X(NOW, 100, "the loop's clock in ns")                                                          \
    X(BOUND_PORT, 101, "value a socket's id; its port")                                            \
    X(RUN, 102, "value ms or -1; 1 as soon as NUM_WAITING is 0, or 0 then or at the end")

typedef enum cb_loop_command {
#define CB_LOOP_ENUM(name, number, text) CB_LOOP_##name = (number),
    CB_LOOP_OPERATIONS(CB_LOOP_ENUM) CB_LOOP_QUESTIONS(CB_LOOP_ENUM)
#undef CB_LOOP_ENUM
} cb_loop_command;

/* As an order's `callback`: no event is sent. */
#define CB_LOOP_NO_CALLBACK INT64_C(-1)

/* A command's payload: this struct, then `text_size` bytes of text that end with a NUL, then the
 * data to be sent or written. Fields that a command does not use are 0. */
typedef struct cb_loop_order {
    int64_t callback; /* the callback's entry, or CB_LOOP_NO_CALLBACK */
    int64_t handle;   /* id of a socket or file */
    int64_t file;     /* id of a second socket or file */
    int64_t offset;
    int64_t size;
    int32_t timeout_ms; /* -1: none */
    int32_t port;
    uint32_t flags;
    uint32_t text_size;
} cb_loop_order;

#define CB_LOOP_ORDER_SIZE ((size_t)56)

/* Kinds of events: the values of cb_op_type, and these two. The event of a datagram is not
 * CB_NBIO_RECV, because an empty datagram could then be taken for the end of a stream. */
enum { CB_LOOP_KIND_RECV_FROM = 32, CB_LOOP_KIND_READ_FILE = 33 };

/* The beginning of every event. */
typedef struct cb_loop_event {
    int64_t operation;
    int32_t kind;   /* cb_op_type or CB_LOOP_KIND_* */
    int32_t error;  /* cb_io_error */
    int64_t value;  /* bytes moved, also after a failure; ACCEPT: the listener's id; STAT: the size;
                       POLL: CB_POLL_*; a failed READ_FILE: the cb_op_type of the step */
    int64_t handle; /* the socket or file of the operation; ACCEPT, DIAL and OPEN: the new one, or 0
                       after a failure; 0 if the operation has neither */
} cb_loop_event;

#define CB_LOOP_EVENT_SIZE ((size_t)32)

/* ACCEPT, DIAL and RECV_FROM: the peer's address follows the event. The bytes of a datagram come
 * after it. */
typedef struct cb_loop_peer {
    int32_t family; /* cb_family; CB_FAMILY_NONE after a failure: not known */
    int32_t port;
    uint32_t scope;
    uint32_t unused;
    uint8_t address[16]; /* as in cb_endpoint */
} cb_loop_peer;

#define CB_LOOP_PEER_SIZE ((size_t)32)

/* STAT: this struct follows the event if the operation succeeded. */
typedef struct cb_loop_stat {
    int32_t type;         /* cb_file_type */
    uint32_t permissions; /* CB_PERMIT_* */
    int64_t size;
    int64_t modified_ns; /* since 1970 */
} cb_loop_stat;

#define CB_LOOP_STAT_SIZE ((size_t)24)

/* Where the bytes of an event begin. */
static inline size_t cb_loop_bytes_offset(int32_t kind)
{
    bool has_peer =
        kind == CB_NBIO_ACCEPT || kind == CB_NBIO_DIAL || kind == CB_LOOP_KIND_RECV_FROM;
    return CB_LOOP_EVENT_SIZE + (has_peer ? CB_LOOP_PEER_SIZE : 0);
}

/* -- numbers in bytes: each function moves *at behind the bytes that it wrote or read -- */

static inline void cb_loop_put(uint8_t **at, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static inline uint64_t cb_loop_get(const uint8_t **at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

static inline void cb_loop_order_write(const cb_loop_order *order, uint8_t *at)
{
    cb_loop_put(&at, 8, (uint64_t)order->callback);
    cb_loop_put(&at, 8, (uint64_t)order->handle);
    cb_loop_put(&at, 8, (uint64_t)order->file);
    cb_loop_put(&at, 8, (uint64_t)order->offset);
    cb_loop_put(&at, 8, (uint64_t)order->size);
    cb_loop_put(&at, 4, (uint32_t)order->timeout_ms);
    cb_loop_put(&at, 4, (uint32_t)order->port);
    cb_loop_put(&at, 4, order->flags);
    cb_loop_put(&at, 4, order->text_size);
}

/* Returns false if the bytes are not an order. */
static inline bool cb_loop_order_read(cb_loop_order *order, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (bytes == NULL || size < CB_LOOP_ORDER_SIZE)
        return false;
    order->callback = (int64_t)cb_loop_get(&at, 8);
    order->handle = (int64_t)cb_loop_get(&at, 8);
    order->file = (int64_t)cb_loop_get(&at, 8);
    order->offset = (int64_t)cb_loop_get(&at, 8);
    order->size = (int64_t)cb_loop_get(&at, 8);
    order->timeout_ms = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    order->port = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    order->flags = (uint32_t)cb_loop_get(&at, 4);
    order->text_size = (uint32_t)cb_loop_get(&at, 4);
    size_t rest = size - CB_LOOP_ORDER_SIZE;
    const uint8_t *text = bytes + CB_LOOP_ORDER_SIZE;
    size_t text_size = order->text_size;
    return text_size <= rest &&
           (text_size == 0 || memchr(text, 0, text_size) == text + text_size - 1);
}

static inline void cb_loop_event_write(const cb_loop_event *event, uint8_t *at)
{
    cb_loop_put(&at, 8, (uint64_t)event->operation);
    cb_loop_put(&at, 4, (uint32_t)event->kind);
    cb_loop_put(&at, 4, (uint32_t)event->error);
    cb_loop_put(&at, 8, (uint64_t)event->value);
    cb_loop_put(&at, 8, (uint64_t)event->handle);
}

static inline bool cb_loop_event_read(cb_loop_event *event, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (bytes == NULL || size < CB_LOOP_EVENT_SIZE)
        return false;
    event->operation = (int64_t)cb_loop_get(&at, 8);
    event->kind = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    event->error = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    event->value = (int64_t)cb_loop_get(&at, 8);
    event->handle = (int64_t)cb_loop_get(&at, 8);
    return true;
}

static inline void cb_loop_peer_write(const cb_loop_peer *peer, uint8_t *at)
{
    cb_loop_put(&at, 4, (uint32_t)peer->family);
    cb_loop_put(&at, 4, (uint32_t)peer->port);
    cb_loop_put(&at, 4, peer->scope);
    cb_loop_put(&at, 4, 0);
    memcpy(at, peer->address, sizeof peer->address);
}

/* Returns false if the bytes are not an event, or if the event has no peer. */
static inline bool cb_loop_peer_read(cb_loop_peer *peer, const uint8_t *bytes, size_t size)
{
    cb_loop_event event;
    if (!cb_loop_event_read(&event, bytes, size) ||
        cb_loop_bytes_offset(event.kind) == CB_LOOP_EVENT_SIZE ||
        size < CB_LOOP_EVENT_SIZE + CB_LOOP_PEER_SIZE)
        return false;
    const uint8_t *at = bytes + CB_LOOP_EVENT_SIZE;
    peer->family = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    peer->port = (int32_t)(uint32_t)cb_loop_get(&at, 4);
    peer->scope = (uint32_t)cb_loop_get(&at, 4);
    peer->unused = (uint32_t)cb_loop_get(&at, 4);
    memcpy(peer->address, at, sizeof peer->address);
    return true;
}

static inline void cb_loop_stat_write(const cb_loop_stat *about, uint8_t *at)
{
    cb_loop_put(&at, 4, (uint32_t)about->type);
    cb_loop_put(&at, 4, about->permissions);
    cb_loop_put(&at, 8, (uint64_t)about->size);
    cb_loop_put(&at, 8, (uint64_t)about->modified_ns);
}

#ifdef __cplusplus
}
#endif
#endif
