/* The limits of the runtime: the name, default, range, environment variable and reason of each.
 *
 * A value outside its range, or a text that is not a number, is an error that names the variable;
 * nothing is clamped silently. The environment is read once at start. The copy belongs to the
 * caller.
 */
#ifndef CALLBOARD_LIMITS_H
#define CALLBOARD_LIMITS_H

#include <stdint.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(field, default, least, most, environment variable, reason) */
#define CB_LIMITS(X)                                                                               \
    X(max_actors, 1024, 1, 4096, "CALLBOARD_MAX_ACTORS",                                           \
      "threads that run callbacks; each takes 3 descriptors and a 256 KiB stack")                  \
    X(max_routes, 1024, 1, 16384, "CALLBOARD_MAX_ROUTES",                                          \
      "routes open at once; each listener is one thread")                                          \
    X(max_closed_routes, 65536, 1, 1048576, "CALLBOARD_MAX_CLOSED_ROUTES",                         \
      "closed routes that still answer questions")                                                 \
    X(max_untaken, 100000, 1, 10000000, "CALLBOARD_MAX_UNTAKEN",                                   \
      "jobs begun and not yet taken, in each namespace")                                           \
    X(max_queued, 16384, 1, 1048576, "CALLBOARD_MAX_QUEUED",                                       \
      "requests of one route that wait for an actor; more are refused as overloaded")              \
    X(max_connections, 16384, 1, 1000000, "CALLBOARD_MAX_CONNECTIONS",                             \
      "connections of one listener; more wait in the kernel's backlog")                            \
    X(max_waits, 65536, 1, 1048576, "CALLBOARD_MAX_WAITS",                                         \
      "waits open at once: sleeps, waits, closes, commands, cancels, openings")                    \
    X(max_client_jobs, 1024, 1, 65536, "CALLBOARD_MAX_CLIENT_JOBS",                                \
      "client exchanges on the wire at once; more stay queued")                                    \
    X(max_tls_handles, 1024, 1, 65536, "CALLBOARD_MAX_TLS_HANDLES",                                \
      "connections and contexts that scripts hold open in the plugin tls")                         \
    X(max_loop_ops, 16384, 1, 1048576, "CALLBOARD_MAX_LOOP_OPS",                                   \
      "operations of the scripts' event loop whose callbacks are not over")                        \
    X(max_loop_bytes, 268435456, 4096, 1099511627776, "CALLBOARD_MAX_LOOP_BYTES",                  \
      "bytes that these operations hold: room to receive and read into, what they send and write") \
    X(max_loop_handles, 16384, 1, 1048576, "CALLBOARD_MAX_LOOP_HANDLES",                           \
      "sockets and files that scripts hold open in the event loop")                                \
    X(max_state_blocks, 65536, 1, 16777216, "CALLBOARD_MAX_STATE_BLOCKS",                          \
      "blocks of shared memory that scripts hold in the plugin script_state")                      \
    X(max_state_bytes, 268435456, 1, 1099511627776, "CALLBOARD_MAX_STATE_BYTES",                   \
      "bytes of all these blocks together")                                                        \
    X(memory, 0, 0, 70368744177664, "CALLBOARD_MEMORY",                                            \
      "bytes of all data that comes, waits and goes; 0: half of the memory of machine or group")   \
    X(route_memory, 0, 0, 70368744177664, "CALLBOARD_ROUTE_MEMORY",                                \
      "the same for one route's connections; 0: half of the process's, without its fixed queues")  \
    X(max_random_bytes, 16777216, 1, 1073741824, "CALLBOARD_MAX_RANDOM_BYTES",                     \
      "bytes that one call of the plugin random makes or shuffles in one piece")                   \
    X(max_request, 16777216, 1, 1073741824, "CALLBOARD_MAX_REQUEST",                               \
      "bytes of one request (HTTP: of its body), and of one response that a client job receives")  \
    X(tcp_quiet_ms, 20, 1, 60000, "CALLBOARD_TCP_QUIET_MS",                                        \
      "silence after the first byte that ends a request without a half-close")                     \
    X(tcp_idle_ms, 10000, 1, 3600000, "CALLBOARD_TCP_IDLE_MS",                                     \
      "time after which a client that has sent nothing is closed")                                 \
    X(tcp_total_ms, 60000, 1, 3600000, "CALLBOARD_TCP_TOTAL_MS",                                   \
      "time to read one whole request, so that a trickle cannot hold a connection for ever")       \
    X(tcp_write_ms, 30000, 1, 3600000, "CALLBOARD_TCP_WRITE_MS",                                   \
      "time without progress after which a client that does not read is dropped")                  \
    X(tcp_linger_ms, 1000, 0, 60000, "CALLBOARD_TCP_LINGER_MS",                                    \
      "time to wait for the client's end after the response, so that no reset overtakes it")       \
    X(port_wait_ms, 500, 0, 60000, "CALLBOARD_PORT_WAIT_MS",                                       \
      "time in which a listener tries again to get a port that is in use; 0: one try")             \
    X(socket_unread, 65536, 1, 16777216, "CALLBOARD_SOCKET_UNREAD",                                \
      "bytes of a script's socket that wait for its callback; then reading pauses")                \
    X(socket_unsent, 1048576, 1, 1073741824, "CALLBOARD_SOCKET_UNSENT",                            \
      "bytes written to a script's socket that wait to be sent; more are refused")                 \
    X(socket_connect_ms, 30000, 1, 3600000, "CALLBOARD_SOCKET_CONNECT_MS",                         \
      "time for a script's socket to look up, connect and shake hands")                            \
    X(hand_batch, 64, 1, 1024, "CALLBOARD_HAND_BATCH",                                             \
      "jobs that one actor may hold; small enough to move when it gets stuck")                     \
    X(suspect_us, 2000, 100, 10000000, "CALLBOARD_SUSPECT_US",                                     \
      "time after which the jobs behind a busy actor are given to another")                        \
    X(place_us, 2, 0, 100, "CALLBOARD_PLACE_US",                                                   \
      "callbacks up to this time run on the processor that their jobs come from; 0: none")         \
    X(grace_ms, 5000, 0, 600000, "CALLBOARD_GRACE_MS",                                             \
      "time that accepted requests get to finish at shutdown")                                     \
    X(actor_stack_kib, 256, 128, 65536, "CALLBOARD_ACTOR_STACK_KIB", "C stack of an actor thread") \
    X(vm_stack_kib, 1024, 16, 1048576, "CALLBOARD_VM_STACK_KIB",                                   \
      "frame stack of one script run; deeper recursion is a runtime error")                        \
    X(vm_depth, 10000, 16, 10000000, "CALLBOARD_VM_DEPTH", "nested calls of one script run")       \
    X(max_object, 1073741824, 1024, 2147483647, "CALLBOARD_MAX_OBJECT",                            \
      "bytes of one string or blob; lengths are i32 in scripts")                                   \
    X(trace_buffer, 16777216, 65536, 4294967296, "CALLBOARD_TRACE_BUFFER",                         \
      "bytes of the flight recorder in memory")                                                    \
    X(trace_queue, 67108864, 262144, 68719476736, "CALLBOARD_TRACE_QUEUE",                         \
      "bytes of the trace that wait to be written to its file, an eighth of the memory budget at " \
      "most; more are left out, and counted")                                                      \
    X(log_queue, 1048576, 4096, 1073741824, "CALLBOARD_LOG_QUEUE",                                 \
      "bytes of log lines that wait to be written; more are lost, and counted")                    \
    X(metrics_routes, 64, 1, 4096, "CALLBOARD_METRICS_ROUTES",                                     \
      "open routes whose figures are listed one by one; all other figures are summed up")          \
    X(udp_waiting, 1024, 1, 65536, "CALLBOARD_UDP_WAITING",                                        \
      "datagrams of one UDP route that wait or are in their callback; more are dropped")           \
    X(http_line, 8192, 64, 1048576, "CALLBOARD_HTTP_LINE", "bytes of an HTTP request line")        \
    X(http_head, 65536, 256, 16777216, "CALLBOARD_HTTP_HEAD",                                      \
      "bytes of an HTTP request's line and fields together, and of its trailers")                  \
    X(http_fields, 200, 1, 100000, "CALLBOARD_HTTP_FIELDS",                                        \
      "fields and trailers of one HTTP request")                                                   \
    X(http_head_ms, 10000, 1, 3600000, "CALLBOARD_HTTP_HEAD_MS",                                   \
      "time for the whole head of an HTTP request, even if it trickles; also for the first byte")  \
    X(http_idle_ms, 30000, 1, 3600000, "CALLBOARD_HTTP_IDLE_MS",                                   \
      "time after which an HTTP connection without a request is closed")                           \
    X(http_pace_ms, 10000, 1, 3600000, "CALLBOARD_HTTP_PACE_MS",                                   \
      "window in which a body, or a response on its way, must have moved as the rate demands")     \
    X(http_rate, 4096, 1, 1073741824, "CALLBOARD_HTTP_RATE",                                       \
      "bytes a second, below which in any such window an HTTP client is too slow")                 \
    X(http_ahead, 65536, 1024, 16777216, "CALLBOARD_HTTP_AHEAD",                                   \
      "bytes that an HTTP client may send ahead of its turn, or leave unread before its next one")

typedef struct cb_limits {
#define CB_LIMIT_FIELD(field, value, least, most, variable, reason) int64_t field;
    CB_LIMITS(CB_LIMIT_FIELD)
#undef CB_LIMIT_FIELD
} cb_limits;

/* The defaults. */
CB_PUBLIC cb_limits cb_limits_default(void);
/* The defaults, changed by the environment. CB_INVALID and a sentence for a bad value. */
CB_PUBLIC cb_status cb_limits_from_environment(cb_limits *limits, cb_error *error);

#ifdef __cplusplus
}
#endif
#endif
