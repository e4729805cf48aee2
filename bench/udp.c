/* Datagrams each second: one client socket sends 64 bytes and has 32 packets under way; for each
 * that comes back it sends the next. The same client drives, in turns and in one run: Callboard
 * with a script callback, a bare loop of recvfrom and sendto in C, and Node where it is installed.
 * Prints rates, server CPU for each packet, and ratios.
 *
 * Start it in the project's folder; CALLBOARD names the command where it is not
 * build/release/bin/callboard.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/server.h"

#define ROUNDS    7
#define PACKETS   200000
#define WARM      5000
#define IN_FLIGHT 32
#define SIZE      64

/* The packet's first bytes are its number, and they come back in order. */
static void send_packet(int fd, int number)
{
    char bytes[SIZE] = {0};
    memcpy(bytes, &number, sizeof number);
    if (send(fd, bytes, SIZE, 0) != SIZE)
        die("send");
}

static void receive_packet(int fd, int number)
{
    char bytes[SIZE * 2];
    int got = -1;
    ssize_t size = recv(fd, bytes, sizeof bytes, 0);
    if (size < 0)
        die(errno == EAGAIN ? "a packet was lost" : "recv");
    memcpy(&got, bytes, sizeof got);
    if (size != SIZE || got != number) {
        fprintf(stderr, "packet %d of %zd bytes instead of %d of %d\n", got, size, number, SIZE);
        exit(1);
    }
}

static double client_run(int port, int packets)
{
    struct sockaddr_in address = loopback(port);
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        die("connect");
    double begin = measure_now_s();
    for (int i = 0; i < packets + IN_FLIGHT; i++) {
        if (i >= IN_FLIGHT)
            receive_packet(fd, i - IN_FLIGHT);
        if (i < packets)
            send_packet(fd, i);
    }
    double taken = measure_now_s() - begin;
    close(fd);
    return packets / taken;
}

static void run_bare_server(void)
{
    struct sockaddr_in address = loopback(0);
    char bytes[2048];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind");
    server_tell_port(fd);
    for (;;) {
        socklen_t size = sizeof address;
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&address, &size);
        if (got >= 0)
            (void)sendto(fd, bytes, (size_t)got, 0, (struct sockaddr *)&address, size);
    }
}

int main(void)
{
    const char *command = server_callboard();
    server callboard = {.arguments = {command, "run", "bench/udp/echo.dom", NULL},
                        .rate = {.name = "callboard, script callback", .unit = "1/s"},
                        .cpu = {.name = "  server CPU a packet", .unit = "us"}};
    server bare = {.bare = run_bare_server,
                   .rate = {.name = "bare recvfrom and sendto", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a packet", .unit = "us"}};
    server node = {.arguments = {"node", "bench/udp/echo.js", NULL},
                   .rate = {.name = "node", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a packet", .unit = "us"}};
    server *all[] = {&callboard, &bare, &node};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 3; i++)
            server_round(all[i], client_run, WARM, PACKETS);
    printf("%d packets of %d bytes, %d under way\n", PACKETS, SIZE, IN_FLIGHT);
    for (int i = 0; i < 3; i++)
        server_print(all[i]);
    if (callboard.missing) {
        fprintf(stderr, "cannot run %s\n", command);
        return 1;
    }
    server_print_ratio(&callboard, &bare);
    server_print_ratio(&callboard, &node);
    return 0;
}
