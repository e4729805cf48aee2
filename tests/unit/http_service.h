/* For tests of the HTTP listener: a runtime with routes that answer in several ways, and a client
 * on a blocking socket. */
#ifndef CALLBOARD_TESTS_UNIT_HTTP_SERVICE_H
#define CALLBOARD_TESTS_UNIT_HTTP_SERVICE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/runtime.h"

#define HTTP_NS 1 /* the namespace of all routes */

typedef struct http_service {
    cb_runtime *runtime;
    cb_asker *asker;
} http_service;

/* Ways in which a route treats a request. */
enum {
    HTTP_HELLO,   /* a short, well-framed response */
    HTTP_ECHO,    /* the request's bytes as the body of a response */
    HTTP_RAW,     /* the request's body as the response */
    HTTP_NOTHING, /* writes nothing */
    HTTP_REFUSE,
    HTTP_FAIL,
    HTTP_ENDLESS, /* runs until it is interrupted */
    HTTP_GATE,    /* waits until the gate is opened, then like HELLO */
    HTTP_LARGE    /* a body with as many bytes as the path says */
};

http_service http_begin(void);
http_service http_begin_with(const cb_limits *limits);
/* Stops the runtime and expects CB_OK. */
void http_end(http_service *service);
int64_t http_open(http_service *service, int64_t entry);
int64_t http_open_with(http_service *service, const cb_route_options *options);
int64_t http_ask(http_service *service, cb_question_kind what, int64_t id);
void http_wait_drained(http_service *service, int64_t route);

/* Opens the gate, which http_begin has closed. */
void http_open_gate(void);
/* Waits until so many callbacks wait at the gate. */
void http_await_gate(int waiting);

/* Opens a connection over IPv4 to this machine. */
int http_dial(http_service *service, int64_t route);
int http_dial_port(int64_t port);
void http_say(int fd, const char *text);
void http_say_bytes(int fd, const void *bytes, size_t size);
/* Reads one whole response, with a Content-Length or without a body. Returns its size; 0: the
 * connection ended, -1: it was reset. */
int http_hear(int fd, char *text, size_t room);
/* The same for a response to HEAD. */
int http_hear_head(int fd, char *text, size_t room);
/* Reads to the end. Returns the number of bytes, or -1 after a reset. */
int http_hear_end(int fd, char *text, size_t room);
void http_hang_up(int fd);

#endif
