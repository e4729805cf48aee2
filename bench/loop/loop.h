/* What the parts of the measurement `loop` share: the servers that are compared, and the client
 * that drives each of them in the same way. */
#ifndef CALLBOARD_BENCH_LOOP_LOOP_H
#define CALLBOARD_BENCH_LOOP_LOOP_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_MESSAGE_SIZE    64
#define LOOP_CONNECTIONS_MAX 4096

/* -- for servers ------------------------------------------------------------------------------ */

/* A server: runs in a thread of its own, says by which port it can be reached, echoes what comes
 * until `loop_stop`, which it looks at every 100 ms at least, and returns. */
typedef void loop_server(void);

extern _Atomic bool loop_stop;

loop_server loop_serve_nbio_uring;
loop_server loop_serve_nbio_epoll;
loop_server loop_serve_tcp_uring;
loop_server loop_serve_tcp_epoll;
loop_server loop_serve_bare_uring;
loop_server loop_serve_bare_epoll;
loop_server loop_serve_libuv;

/* The library that a peer is built on, "" if it was not there when this was built. */
const char *loop_libuv_version(void);

_Noreturn void loop_die(const char *what);
void loop_no_delay(int socket);
/* A listening descriptor, non-blocking; its port is announced. */
int loop_listen(void);
void loop_announce(uint16_t port);

/* -- the client (client.c) -------------------------------------------------------------------- */

typedef struct loop_result {
    long requests;
    double seconds;
    double server_cpu_s; /* within those seconds */
    double client_cpu_s; /* the same */
} loop_result;

typedef double loop_clock(void);

/* Echoes over `connections` connections for `duration` seconds, one message under way on each. */
void loop_drive(const struct sockaddr_in *address, int connections, double duration,
                loop_clock *server_cpu, loop_result *result);
/* The same by epoll, where io_uring is refused. */
void loop_drive_epoll(const struct sockaddr_in *address, int connections, double duration,
                      loop_clock *server_cpu, loop_result *result);

double loop_seconds(void);
double loop_thread_seconds(void);

#endif
