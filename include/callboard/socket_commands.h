/* Commands for a route of kind CB_ROUTE_SOCKETS, and the events that it reports: the numbers and
 * bytes that the plugin asynctcp and the routes' actor exchange.
 *
 * Such a route is one event loop with many sockets and at most one server. Opening it does not
 * listen yet; from then on everything is a command (cb_route_command). Every event of a socket is
 * one run of a callback, whose request is a packed header followed by bytes.
 *
 * A socket has a number, which counts up from 1 in its route and is never used again. Scripts see
 * an id that is made of the route's id and this number. A server's id is its route's id.
 * All integers in payloads and events are little-endian.
 */
#ifndef CALLBOARD_SOCKET_COMMANDS_H
#define CALLBOARD_SOCKET_COMMANDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "callboard/tcp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- commands ---------------------------------------------------------------------------------- */

/* X(NAME, number, text). Commands up to 31 are about the route's server. Commands from 32 on are
 * about one socket, and their `value` is cb_socket_target. The text names what goes in; after the
 * semicolon, or alone, what the answer is.
 * Errors: CB_UNKNOWN (no such socket, or the route has no server), CB_CLOSED (the socket is
 * closed), CB_INVALID, CB_LIMIT, CB_NO_MEMORY, CB_IO. The reply's payload is the error's text if it
 * says more than the status. */
#define CB_SOCKET_COMMANDS(X)                                                                      \
    X(LISTEN, 16, "value port, payload three entries and the address; the port")                   \
    X(CONNECT, 17, "value port, payload two entries, the host, and after a NUL its data; number")  \
    X(CONNECT_TLS, 18, "the same, payload a cb_socket_secure that is held")                        \
    X(CLOSE_SERVER, 19, "1 if it listened up to now")                                              \
    X(SERVER_STATE, 20, "1 while it listens")                                                      \
    X(SERVER_PORT, 21, "the port")                                                                 \
    X(NEXT, 22, "value a socket's number or 0; the number of the open one after it, or 0")         \
    X(BROADCAST, 23, "value a socket to leave out or 0, payload bytes; how many took them")        \
    X(WRITE, 32, "payload bytes; how many, or -1: would exceed what may wait")                     \
    X(END_WRITING, 33, "nothing")                                                                  \
    X(CLOSE, 34, "nothing")                                                                        \
    X(ABORT, 35, "nothing")                                                                        \
    X(CLOSED, 36, "1 if it is closed")                                                             \
    X(SET_TIMEOUTS, 37, "payload read and write limit in us, 0 none")                              \
    X(ENABLE, 38, "argument directions")                                                           \
    X(DISABLE, 39, "argument directions")                                                          \
    X(SET_CALLBACKS, 40, "payload two entries")                                                    \
    X(SET_DATA, 41, "payload bytes that are kept")                                                 \
    X(DATA, 42, "payload the bytes that were kept")                                                \
    X(BUFFERED, 43, "bytes that wait to be sent")                                                  \
    X(PEER, 44, "payload the peer's address as text")                                              \
    X(LOCAL_PORT, 45, "the port on this side, 0 while it connects")                                \
    X(SERVER_OF, 46, "1 if a server accepted it, 0 if it was connected")

typedef enum cb_socket_command {
#define CB_SOCKET_COMMAND_ENUM(name, number, text) CB_SOCKET_##name = (number),
    CB_SOCKET_COMMANDS(CB_SOCKET_COMMAND_ENUM)
#undef CB_SOCKET_COMMAND_ENUM
} cb_socket_command;

/* Directions of ENABLE and DISABLE. */
enum { CB_SOCKET_DIRECTION_READ = 1, CB_SOCKET_DIRECTION_WRITE = 2 };

/* Longest host name or address. */
#define CB_SOCKET_HOST_MOST 255u

/* The three callbacks of a server (connect, read, event), and the two of a client (read, event). */
#define CB_SOCKET_SERVER_ENTRIES 3u
#define CB_SOCKET_CLIENT_ENTRIES 2u

/* The object in the payload of CONNECT_TLS (cb_buffer_holding). The function that drops the object
 * also releases its context and data. */
typedef struct cb_socket_secure {
    const cb_tls_provider *provider;
    cb_tls_context *context; /* a client's */
    cb_buffer *data;         /* kept with the socket, or NULL */
    void (*release)(cb_buffer *data);
    int64_t entries[CB_SOCKET_CLIENT_ENTRIES];
    char host[CB_SOCKET_HOST_MOST + 1];
} cb_socket_secure;

/* -- ids --------------------------------------------------------------------------------------- */

#define CB_SOCKET_ROUTE_MOST INT32_MAX

static inline int64_t cb_socket_id(uint32_t route, uint32_t number)
{
    return (int64_t)((uint64_t)route << 32 | number);
}

static inline int64_t cb_socket_target(uint32_t number, uint32_t argument)
{
    return (int64_t)((uint64_t)argument << 32 | number);
}

/* -- events ------------------------------------------------------------------------------------ */

/* X(NAME, number, text): kinds of events beside those of callboard/tcp.h, which keep their numbers.
 * Each is a case of CB_TCP_INFO. */
#define CB_SOCKET_KINDS(X)                                                                         \
    X(READ, 32, "bytes have come")                                                                 \
    X(CONNECTED, 33, "connected")                                                                  \
    X(ENDED, 34, "closed")

typedef enum cb_socket_kind {
#define CB_SOCKET_KIND_ENUM(name, number, text) CB_SOCKET_KIND_##name = (number),
    CB_SOCKET_KINDS(CB_SOCKET_KIND_ENUM)
#undef CB_SOCKET_KIND_ENUM
} cb_socket_kind;

/* Most bytes of one READ. */
#define CB_SOCKET_PIECE      65536u
/* The size of the header before an event's bytes. Fields of the header: id i64 (the server's id for
 * an event that belongs to no socket), kind i32, code i32 (an errno; or getaddrinfo's number; or,
 * of ENDED, the cb_job_status of the callback that failed). The bytes: the received bytes of READ,
 * a sentence for errors, otherwise none. */
#define CB_SOCKET_EVENT_SIZE 16u

/* -- packing ----------------------------------------------------------------------------------- */

static inline void cb_pack_u32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t cb_unpack_u32(const uint8_t *bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

static inline void cb_pack_i64(uint8_t *bytes, int64_t value)
{
    cb_pack_u32(bytes, (uint32_t)((uint64_t)value & UINT32_MAX));
    cb_pack_u32(bytes + 4, (uint32_t)((uint64_t)value >> 32));
}

static inline int64_t cb_unpack_i64(const uint8_t *bytes)
{
    return (int64_t)((uint64_t)cb_unpack_u32(bytes + 4) << 32 | cb_unpack_u32(bytes));
}

typedef struct cb_socket_event {
    int64_t id;
    int32_t kind; /* cb_tcp_kind or cb_socket_kind */
    int32_t code;
} cb_socket_event;

static inline void cb_pack_socket_event(uint8_t bytes[CB_SOCKET_EVENT_SIZE],
                                        const cb_socket_event *event)
{
    cb_pack_i64(bytes, event->id);
    cb_pack_u32(bytes + 8, (uint32_t)event->kind);
    cb_pack_u32(bytes + 12, (uint32_t)event->code);
}

static inline cb_socket_event cb_unpack_socket_event(const uint8_t bytes[CB_SOCKET_EVENT_SIZE])
{
    return (cb_socket_event){.id = cb_unpack_i64(bytes),
                             .kind = (int32_t)cb_unpack_u32(bytes + 8),
                             .code = (int32_t)cb_unpack_u32(bytes + 12)};
}

#ifdef __cplusplus
}
#endif
#endif
