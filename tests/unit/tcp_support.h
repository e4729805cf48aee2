/* Helpers for the tests of TCP sockets: a side records all that happens to a socket. */
#ifndef CALLBOARD_TESTS_TCP_SUPPORT_H
#define CALLBOARD_TESTS_TCP_SUPPORT_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "callboard/tcp.h"
#include "tests/unit/nbio_support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW true
#else
#define SLOW false
#endif

typedef struct side {
    cb_tcp_socket *socket; /* NULL after its close callback */
    int connects, reads, writes, eofs, drains, errors, closes, accepted;
    cb_tcp_kind kind; /* of the last error */
    int code;
    cb_status status;
    char message[CB_ERROR_TEXT_SIZE];
    bool was_closed; /* the socket was closed in the error event */
    uint8_t *bytes;
    size_t size, capacity, largest;
    void (*on_read)(struct side *side);
    void (*on_write)(struct side *side);
    void (*on_eof)(struct side *side);
    void (*on_connect)(struct side *side);
    size_t left; /* free for tests */
} side;

/* True while a call of the API is under way: no callback may come then. */
static bool in_call;
#define CALL(expression)                                                                           \
    do {                                                                                           \
        in_call = true;                                                                            \
        cb_status call_status = (expression);                                                      \
        in_call = false;                                                                           \
        CU_ASSERT_EQUAL(call_status, CB_OK);                                                       \
    } while (0)
#define REFUSED(expression, status)                                                                \
    do {                                                                                           \
        in_call = true;                                                                            \
        cb_status call_status = (expression);                                                      \
        in_call = false;                                                                           \
        CU_ASSERT_EQUAL(call_status, status);                                                      \
    } while (0)

static inline side *side_of(cb_tcp_socket *socket)
{
    side *self = cb_tcp_user(socket);
    CU_ASSERT_FALSE(in_call);
    CU_ASSERT_EQUAL(self->closes, 0);
    return self;
}

static inline void note_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    side *self = side_of(socket);
    CU_ASSERT(self->connects > 0);
    CU_ASSERT_FALSE(cb_tcp_closed(socket));
    CU_ASSERT_EQUAL(self->eofs, 0);
    CU_ASSERT(size > 0 && size <= 65536);
    self->reads++;
    if (size > self->largest)
        self->largest = size;
    if (self->size + size > self->capacity) {
        self->capacity = (self->size + size) * 2;
        self->bytes = realloc(self->bytes, self->capacity);
        CU_ASSERT_PTR_NOT_NULL_FATAL(self->bytes);
    }
    memcpy(self->bytes + self->size, data, size);
    self->size += size;
    if (self->on_read != NULL)
        self->on_read(self);
}

static inline void note_event(const cb_tcp_event *event)
{
    side *self = side_of(event->socket);
    CU_ASSERT_EQUAL(self->errors, 0);
    if (event->kind == CB_TCP_EOF) {
        self->eofs++;
        if (self->on_eof != NULL)
            self->on_eof(self);
    } else if (event->kind == CB_TCP_DRAIN) {
        self->drains++;
    } else {
        CU_ASSERT(cb_tcp_kind_is(event->kind, CB_TCP_ERROR));
        CU_ASSERT(strlen(event->message) > 0);
        self->errors++;
        self->kind = event->kind;
        self->code = event->code;
        self->status = event->status;
        self->was_closed = cb_tcp_closed(event->socket);
        snprintf(self->message, sizeof self->message, "%s", event->message);
    }
}

static inline void note_connect(cb_tcp_socket *socket)
{
    side *self = side_of(socket);
    CU_ASSERT_EQUAL(self->connects + self->reads + self->eofs, 0);
    self->socket = socket;
    self->connects++;
    if (self->on_connect != NULL)
        self->on_connect(self);
}

static inline void note_write(cb_tcp_socket *socket)
{
    side *self = side_of(socket);
    CU_ASSERT_EQUAL(cb_tcp_buffered(socket), 0);
    self->writes++;
    if (self->on_write != NULL)
        self->on_write(self);
}

static inline void note_close(cb_tcp_socket *socket)
{
    side *self = side_of(socket);
    CU_ASSERT_TRUE(cb_tcp_closed(socket));
    self->closes++;
    self->socket = NULL;
}

static const cb_tcp_callbacks noted = {.read = note_read,
                                       .event = note_event,
                                       .connect = note_connect,
                                       .write = note_write,
                                       .close = note_close};

/* The sides of a server's accepted sockets, one after the other. */
typedef struct sides {
    side *list;
    size_t count, used;
} sides;

static inline void note_accept(cb_tcp_socket *socket)
{
    sides *all = cb_tcp_user(socket);
    CU_ASSERT_FATAL(all->used < all->count);
    cb_tcp_set_user(socket, &all->list[all->used++]);
    note_connect(socket);
}

static inline double real_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The loop's clock, which jumps in the simulated loop. */
static inline double now_s(void)
{
    return (double)cb_loop_clock(cb_loop_current()) / 1e9;
}

/* Ticks until the condition holds. A test that waits for more than 60 s has failed. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        double until_end = real_s() + 60;                                                          \
        while (!(condition) && real_s() < until_end)                                               \
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(cb_loop_current(), 10 * MS, NULL), CB_OK);          \
        CU_ASSERT_FATAL(condition);                                                                \
    } while (0)

static inline cb_tcp_server *serve(cb_loop *loop, sides *all, const cb_tcp_options *options)
{
    cb_tcp_server *server = NULL;
    cb_tcp_callbacks callbacks = noted;
    callbacks.connect = note_accept;
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, options, all, &server, NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(server);
    return server;
}

static inline void dial(cb_loop *loop, uint16_t port, side *self, const cb_tcp_options *options)
{
    CALL(cb_tcp_connect(loop, "127.0.0.1", port, &noted, options, self, &self->socket, NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(self->socket);
}

/* Two sides of one connection. */
static inline cb_loop *open_sides(side *client, side *server_side, const cb_tcp_options *options)
{
    cb_loop *loop = open_loop();
    sides all = {server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, options);
    dial(loop, cb_tcp_server_port(server), client, options);
    UNTIL(client->connects == 1 && server_side->connects == 1);
    cb_tcp_server_close(&server);
    CU_ASSERT_PTR_NULL(server);
    return loop;
}

/* Closes what is open, runs the loop dry and releases it. */
static inline void close_sides(cb_loop *loop, side *first, side *second)
{
    if (first->socket != NULL && !cb_tcp_closed(first->socket))
        CALL(cb_tcp_close(first->socket, NULL));
    if (second->socket != NULL && !cb_tcp_closed(second->socket))
        CALL(cb_tcp_close(second->socket, NULL));
    run_all(loop);
    cb_loop_release(&loop);
    free(first->bytes);
    free(second->bytes);
}

static inline void put(side *self, const char *text)
{
    CALL(cb_tcp_write(self->socket, text, strlen(text), NULL, NULL));
}

static inline bool got(const side *self, const char *text)
{
    return self->size == strlen(text) && memcmp(self->bytes, text, self->size) == 0;
}

#endif
