/* asynctcp: declarations that its files share. Every verb turns its arguments into one command to a
 * route's actor (callboard/socket_commands.h), and the answer into a value. Nothing is kept here
 * between two calls.
 */
#ifndef CALLBOARD_PLUGINS_ASYNCTCP_H
#define CALLBOARD_PLUGINS_ASYNCTCP_H

#include "callboard/plugin.h"
#include "callboard/socket_commands.h"

/* The TryWrite verbs' result for a closed socket. */
#define CB_ATCP_IS_CLOSED (-2)

/* -- ask.c: commands, and the runtime errors for their answers -- */

/* Sends a command about the socket that args[0] names; takes over the payload. Returns the actor's
 * status, or CB_UNKNOWN if args[0] is not the id of a socket. It does not raise a runtime error
 * yet. */
cb_status cb_atcp_ask_socket(cb_call *call, cb_socket_command what, uint32_t argument,
                             cb_buffer *payload, cb_reply *reply);
/* The same for the server that args[0] names. */
cb_status cb_atcp_ask_server(cb_call *call, cb_socket_command what, int64_t value,
                             cb_buffer *payload, cb_reply *reply);
/* Raises the runtime error for such a status, with the reply's text; releases the payload. */
cb_status cb_atcp_socket_error(cb_call *call, cb_status status, cb_reply *reply);
cb_status cb_atcp_server_error(cb_call *call, cb_status status, cb_reply *reply);
/* Raises the runtime error for a failure that has its own text. */
cb_status cb_atcp_error(cb_call *call, cb_status status, const cb_error *error);

/* Reads args[index] as a port from `least` on; otherwise a runtime error. */
cb_status cb_atcp_port(cb_call *call, uint32_t index, int64_t least, int64_t *port);
/* Makes a payload: the entries of `count` callbacks from args[index] on, then the bytes of `text`
 * (at most CB_SOCKET_HOST_MOST), then a NUL and the bytes of `data`. `text` and `data` may be NULL.
 * A runtime error if this is not possible. */
cb_status cb_atcp_entries(cb_call *call, uint32_t index, uint32_t count, const cb_value *text,
                          const cb_value *data, cb_buffer **payload);

/* -- the verbs' handlers, by file: X(function) -- */

#define CB_ATCP_SERVER_HANDLERS(X)                                                                 \
    X(server)                                                                                      \
    X(close_server)                                                                                \
    X(server_state)                                                                                \
    X(enable_tls)                                                                                  \
    X(next_socket)                                                                                 \
    X(broadcast)
#define CB_ATCP_SOCKET_HANDLERS(X)                                                                 \
    X(connect)                                                                                     \
    X(connect_tls)                                                                                 \
    X(write)                                                                                       \
    X(try_write)                                                                                   \
    X(end_writing)                                                                                 \
    X(close)                                                                                       \
    X(try_close)                                                                                   \
    X(abort)                                                                                       \
    X(closed)                                                                                      \
    X(set_timeouts)                                                                                \
    X(enable)                                                                                      \
    X(disable)                                                                                     \
    X(set_callbacks)                                                                               \
    X(set_data)                                                                                    \
    X(data)                                                                                        \
    X(buffered)                                                                                    \
    X(peer_address)                                                                                \
    X(local_port)                                                                                  \
    X(server_of)                                                                                   \
    X(open_count)
#define CB_ATCP_EVENT_HANDLERS(X)                                                                  \
    X(event_socket)                                                                                \
    X(event_server)                                                                                \
    X(event_kind)                                                                                  \
    X(event_code)                                                                                  \
    X(event_bytes)                                                                                 \
    X(event_is)                                                                                    \
    X(event_is_last)                                                                               \
    X(event_text)                                                                                  \
    X(direction_read)                                                                              \
    X(direction_write)

/* X(Name, number): the kinds of events, each a verb KindName. */
#define CB_ATCP_KINDS(X)                                                                           \
    X(Info, CB_EVENT_INFO)                                                                         \
    X(Error, CB_EVENT_ERROR)                                                                       \
    X(TcpInfo, CB_TCP_INFO)                                                                        \
    X(TcpError, CB_TCP_ERROR)                                                                      \
    X(Eof, CB_TCP_EOF)                                                                             \
    X(Drain, CB_TCP_DRAIN)                                                                         \
    X(Timeout, CB_TCP_TIMEOUT)                                                                     \
    X(Refused, CB_TCP_REFUSED)                                                                     \
    X(AcceptError, CB_TCP_ACCEPT_ERROR)                                                            \
    X(SocketClosed, CB_TCP_SOCKET_CLOSED)                                                          \
    X(BindError, CB_TCP_BIND_ERROR)                                                                \
    X(LookupError, CB_TCP_LOOKUP_ERROR)                                                            \
    X(TlsError, CB_TCP_TLS_ERROR)                                                                  \
    X(Truncated, CB_TCP_TRUNCATED)                                                                 \
    X(Read, CB_SOCKET_KIND_READ)                                                                   \
    X(Connected, CB_SOCKET_KIND_CONNECTED)                                                         \
    X(Ended, CB_SOCKET_KIND_ENDED)

#define CB_ATCP_DECLARE(function) cb_verb_fn cb_atcp_##function;
CB_ATCP_SERVER_HANDLERS(CB_ATCP_DECLARE)
CB_ATCP_SOCKET_HANDLERS(CB_ATCP_DECLARE)
CB_ATCP_EVENT_HANDLERS(CB_ATCP_DECLARE)
#undef CB_ATCP_DECLARE
#define CB_ATCP_DECLARE_KIND(name, number) cb_verb_fn cb_atcp_kind_##name;
CB_ATCP_KINDS(CB_ATCP_DECLARE_KIND)
#undef CB_ATCP_DECLARE_KIND

#endif
