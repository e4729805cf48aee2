/* Declarations that the parts of the measurement `loop` share: the servers that are compared, and
 * the client that drives each of them in the same way. */
#ifndef CALLBOARD_BENCH_LOOP_LOOP_H
#define CALLBOARD_BENCH_LOOP_LOOP_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_MESSAGE_SIZE    64
#define LOOP_CONNECTIONS_MAX 4096

/* -- for servers ------------------------------------------------------------------------------ */

/* A server runs in a separate thread. It announces its port, and echoes all bytes until `loop_stop`
 * is set. It reads `loop_stop` at least every 100 ms, and then returns. */
typedef void loop_server(void);

extern _Atomic bool loop_stop;

loop_server loop_serve_nbio_uring;
loop_server loop_serve_nbio_epoll;
loop_server loop_serve_tcp_uring;
loop_server loop_serve_tcp_epoll;
loop_server loop_serve_bare_uring;
loop_server loop_serve_bare_epoll;
loop_server loop_serve_libuv;

/* The version of the library behind a compared server; "" if the library was missing at build
 * time. */
const char *loop_libuv_version(void);

_Noreturn void loop_die(const char *what);
void loop_no_delay(int socket);
/* Makes a non-blocking listening descriptor and announces its port. */
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

/* Sends and receives echoes over `connections` connections for `duration` seconds, with one message
 * under way on each. */
void loop_drive(const struct sockaddr_in *address, int connections, double duration,
                loop_clock *server_cpu, loop_result *result);
/* The same with epoll, where io_uring is refused. */
void loop_drive_epoll(const struct sockaddr_in *address, int connections, double duration,
                      loop_clock *server_cpu, loop_result *result);

double loop_seconds(void);
double loop_thread_seconds(void);

#endif
