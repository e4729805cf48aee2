/* Servers as child processes, measured in turns: helpers for the measuring programs that have their
 * own client. Header only, so that each program of bench/ stays one file. */
#ifndef CALLBOARD_BENCH_SERVER_H
#define CALLBOARD_BENCH_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

typedef struct server {
    const char *arguments[4]; /* a command; the first NULL: a child of this program runs `bare` */
    void (*bare)(void);
    measure rate;
    measure cpu;
    bool missing;
} server;

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A server first prints its port, on a separate line. */
static inline void server_tell_port(int socket)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) != 0)
        die("getsockname");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static inline pid_t server_start(server *self, int *port)
{
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        die("pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        if (self->arguments[0] == NULL)
            self->bare();
        execvp(self->arguments[0], (char *const *)self->arguments);
        _exit(127);
    }
    close(pipe_ends[1]);
    FILE *output = fdopen(pipe_ends[0], "r");
    if (output == NULL || fscanf(output, "port %d", port) != 1)
        self->missing = true;
    if (output != NULL)
        fclose(output);
    return child;
}

/* One round against a fresh server: `client` makes so many requests to a port, and returns its
 * requests a second. */
static inline void server_round(server *self, double (*client)(int port, int requests), int warm,
                                int requests)
{
    int port = 0;
    int status;
    struct rusage usage;
    if (self->missing)
        return;
    pid_t child = server_start(self, &port);
    if (!self->missing) {
        (void)client(port, warm);
        measure_add(&self->rate, client(port, requests));
    }
    kill(child, SIGTERM);
    wait4(child, &status, 0, &usage);
    if (self->missing)
        return;
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    measure_add(&self->cpu, cpu_s * 1e6 / (requests + warm));
}

static inline void server_print(server *self)
{
    measure_print(&self->rate);
    measure_print(&self->cpu);
}

static inline void server_print_ratio(server *ours, server *theirs)
{
    if (theirs->missing)
        return;
    printf("callboard : %-20s %6.2f of its rate, %5.2f of its CPU a request\n", theirs->rate.name,
           measure_median(&ours->rate) / measure_median(&theirs->rate),
           measure_median(&ours->cpu) / measure_median(&theirs->cpu));
}

/* The command under test: from the environment, or from the usual build. */
static inline const char *server_callboard(void)
{
    const char *command = getenv("CALLBOARD");
    return command != NULL ? command : "build/release/bin/callboard";
}

#endif
