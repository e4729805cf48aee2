/* An HTTP route over real sockets: connections, order, bodies, and what the supervisor counts. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/http_service.h"

#define GET     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HELLO   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static char text[65536];

static void expect_hello(int fd)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_STRING_EQUAL(text, HELLO);
}

static void expect_end(int fd)
{
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
}

/* The body of a response of HTTP_ECHO is the request. */
static void expect_echo(int fd, const char *request)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    const char *body = strstr(text, "\r\n\r\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    CU_ASSERT_STRING_EQUAL(body + 4, request);
}

static void a_connection_serves_request_after_request(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    for (int i = 0; i < 3; i++) {
        http_say(fd, GET);
        expect_hello(fd);
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), i + 1);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 3);
    http_hang_up(fd);
    http_end(&made);
}

static void a_client_may_want_the_connection_to_end(void)
{
    static const struct {
        const char *request;
        bool stays;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
    };
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = http_dial(&made, route);
        http_say(fd, rows[i].request);
        expect_hello(fd);
        if (rows[i].stays) {
            http_say(fd, GET);
            expect_hello(fd);
            http_hang_up(fd);
        } else {
            expect_end(fd);
        }
    }
    http_end(&made);
}

/* The bytes go out as they are; whether another response may follow is seen from them. */
static void a_response_decides_whether_the_connection_stays(void)
{
    static const struct {
        const char *response;
        bool stays;
    } rows[] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", false},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", false},
        {"no HTTP at all", false},
    };
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_RAW);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = http_dial(&made, route);
        size_t size = strlen(rows[i].response);
        char head[128];
        (void)snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
        for (int round = 0; round < (rows[i].stays ? 2 : 1); round++) {
            http_say(fd, head);
            http_say(fd, rows[i].response);
            if (!rows[i].stays)
                break;
            CU_ASSERT_EQUAL(recv(fd, text, size, MSG_WAITALL), (ssize_t)size);
            CU_ASSERT_EQUAL(memcmp(text, rows[i].response, size), 0);
        }
        if (!rows[i].stays) {
            CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), (int)size);
            CU_ASSERT_STRING_EQUAL(text, rows[i].response);
        }
        http_hang_up(fd);
    }
    http_end(&made);
}

static void head_is_answered_without_a_body(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_RAW);
    int fd = http_dial(&made, route);
    /* The callback sends a body all the same, so the connection must not go on. */
    http_say(fd, "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 41\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n");
    CU_ASSERT(http_hear_head(fd, text, sizeof text) > 0);
    CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n");
    http_say(fd, "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 43\r\n\r\n" HELLO);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), (int)strlen(HELLO));
    http_hang_up(fd);
    http_end(&made);
}

static void nothing_written_ends_the_connection(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_NOTHING);
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_end(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    http_end(&made);
}

static void pipelined_requests_are_answered_in_order(void)
{
    char requests[10000] = "";
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_ECHO);
    int fd = http_dial(&made, route);
    for (int i = 0; i < 100; i++)
        (void)snprintf(requests + strlen(requests), sizeof requests - strlen(requests),
                       "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    http_say(fd, requests);
    for (int i = 0; i < 100; i++) {
        char request[64];
        (void)snprintf(request, sizeof request, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
        expect_echo(fd, request);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 100);
    http_hang_up(fd);
    http_end(&made);
}

/* The second request of a connection is not begun while the first one runs. */
static void a_connection_has_one_request_at_a_time(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_GATE);
    int fd = http_dial(&made, route);
    http_say(fd, GET GET);
    http_await_gate(1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACTIVE, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_RUNNING, route), 1);
    http_open_gate();
    expect_hello(fd);
    expect_hello(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 2);
    http_hang_up(fd);
    http_end(&made);
}

/* What was sent before the client's half-close is answered. */
static void a_client_may_end_its_side(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, GET GET);
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    expect_hello(fd);
    expect_hello(fd);
    expect_end(fd);
    http_end(&made);
}

static void requests_come_in_any_pieces(void)
{
    static const char *const requests[] = {
        GET,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
        CHUNKED "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX: t\r\n\r\n",
    };
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_ECHO);
    int fd = http_dial(&made, route);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        for (const char *c = requests[i]; *c != 0; c++)
            http_say_bytes(fd, c, 1);
        expect_echo(fd, requests[i]);
        http_say(fd, requests[i]);
        expect_echo(fd, requests[i]);
    }
    http_hang_up(fd);
    http_end(&made);
}

static void pending_counts_requests_that_are_being_read(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_hello(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACTIVE, route), 0);
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CU_ASSERT(http_hear_head(fd, text, sizeof text) > 0); /* so the listener has the head */
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_PENDING, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACTIVE, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 0);
    http_say(fd, "ok");
    expect_hello(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 2);
    http_hang_up(fd);
    http_end(&made);
}

static void continue_is_said_once_and_only_to_who_waits(void)
{
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_ECHO);
    int fd = http_dial(&made, route);
    char whole[256];
    (void)snprintf(whole, sizeof whole, "%sbody", head);
    for (int i = 0; i < 2; i++) {
        http_say(fd, head);
        CU_ASSERT(http_hear_head(fd, text, sizeof text) > 0);
        CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 100 Continue\r\n\r\n");
        http_say(fd, "bo");
        http_say(fd, "dy");
        expect_echo(fd, whole);
        http_say(fd, whole); /* the body is there already */
        expect_echo(fd, whole);
    }
    http_say(fd, "POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    http_say(fd, "body");
    expect_echo(fd, "POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
    http_hang_up(fd);
    http_end(&made);
}

/* 16 MiB either way. */
static void large_bodies_pass(void)
{
    const size_t size = 16777216;
    char head[128];
    http_service made = http_begin();
    int64_t echo = http_open(&made, HTTP_ECHO);
    int fd = http_dial(&made, echo);
    char *body = malloc(size + 1000);
    char *back = malloc(size + 1000);
    CU_ASSERT_FATAL(body != NULL && back != NULL);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 31 + i / 251);
    int head_size = snprintf(head, sizeof head,
                             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
    for (int i = 0; i < 2; i++) {
        http_say(fd, head);
        http_say_bytes(fd, body, size);
        int got = http_hear(fd, back, size + 1000);
        CU_ASSERT_FATAL(got > head_size + (int)size);
        const char *echoed = back + got - size;
        CU_ASSERT_EQUAL(memcmp(echoed, body, size), 0);
        CU_ASSERT_EQUAL(memcmp(echoed - head_size, head, (size_t)head_size), 0);
    }
    http_hang_up(fd);
    int64_t large = http_open(&made, HTTP_LARGE);
    fd = http_dial(&made, large);
    for (int i = 0; i < 2; i++) {
        http_say(fd, "GET /16777216 HTTP/1.1\r\nHost: a\r\n\r\n");
        CU_ASSERT(http_hear(fd, back, size + 1000) > (int)size);
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, large), 1);
    }
    http_hang_up(fd);
    free(body);
    free(back);
    http_end(&made);
}

/* The room that is reserved for a body ends with it. */
static void a_long_body_and_what_follows_it_are_told_apart(void)
{
    static char body[30001];
    static char request[32000];
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_ECHO);
    int fd = http_dial(&made, route);
    for (size_t size = 1; size < sizeof body; size += 977) {
        memset(body, 'a' + (int)(size % 26), size);
        body[size] = 0;
        (void)snprintf(request, sizeof request,
                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", size, body);
        http_say(fd, request);
        http_say(fd, GET);
        expect_echo(fd, request);
        expect_echo(fd, GET);
    }
    http_hang_up(fd);
    http_end(&made);
}

/* -- many requests in random pieces ------------------------------------------------------------ */

enum { MIXED = 400 };

typedef struct mixed {
    uint64_t random;
    char *bytes;
    size_t ends[MIXED]; /* of each request */
    int fd;
} mixed;

static uint64_t draw(mixed *self, uint64_t below)
{
    self->random = self->random * 6364136223846793005u + 1442695040888963407u;
    return (self->random >> 33) % below;
}

/* Small ones mostly, some that outgrow every room that is kept for them. */
static size_t append_request(mixed *self, char *to)
{
    static const size_t sizes[] = {0, 1, 60, 900, 1100, 3000, 70000};
    size_t body = sizes[draw(self, sizeof sizes / sizeof sizes[0])];
    body = body > 0 ? (size_t)draw(self, body) + 1 : 0;
    bool chunked = draw(self, 3) == 0;
    int size;
    if (chunked && body > 0)
        size = sprintf(to, CHUNKED "%zx\r\n", body);
    else if (chunked)
        size = sprintf(to, CHUNKED);
    else
        size = sprintf(to, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", body);
    for (size_t i = 0; i < body; i++)
        to[size++] = (char)('a' + draw(self, 26));
    if (chunked)
        size += sprintf(to + size, "%s0\r\n\r\n", body > 0 ? "\r\n" : "");
    return (size_t)size;
}

static void *say_mixed(void *argument)
{
    mixed *self = argument;
    size_t size = self->ends[MIXED - 1];
    for (size_t sent = 0; sent < size;) {
        size_t piece = (size_t)draw(self, draw(self, 2) == 0 ? 50 : 100000) + 1;
        piece = piece < size - sent ? piece : size - sent;
        http_say_bytes(self->fd, self->bytes + sent, piece);
        sent += piece;
    }
    return NULL;
}

static void hear_mixed(const mixed *self)
{
    static char back[100000];
    size_t begin = 0;
    for (int i = 0; i < MIXED; i++) {
        int got = http_hear(self->fd, back, sizeof back);
        size_t size = self->ends[i] - begin;
        CU_ASSERT_FATAL(got > (int)size);
        CU_ASSERT_EQUAL_FATAL(memcmp(back + got - size, self->bytes + begin, size), 0);
        begin = self->ends[i];
    }
}

static void mixed_requests_in_random_pieces(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_ECHO);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        mixed all = {.random = seed, .fd = http_dial(&made, route)};
        pthread_t thread;
        size_t size = 0;
        all.bytes = malloc((size_t)MIXED * 75000);
        CU_ASSERT_PTR_NOT_NULL_FATAL(all.bytes);
        for (int i = 0; i < MIXED; i++)
            all.ends[i] = size += append_request(&all, all.bytes + size);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, say_mixed, &all), 0);
        hear_mixed(&all);
        CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
        http_hang_up(all.fd);
        free(all.bytes);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 3 * MIXED);
    http_end(&made);
}

static void a_reset_while_the_callback_runs_loses_nothing_else(void)
{
    const struct linger at_once = {.l_onoff = 1};
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_GATE);
    int fd = http_dial(&made, route);
    int other = http_dial(&made, route);
    http_say(fd, GET);
    http_say(other, GET);
    http_await_gate(2);
    CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    http_hang_up(fd);
    http_open_gate();
    expect_hello(other);
    http_hang_up(other);
    http_wait_drained(&made, route);
    http_end(&made);
}

static void connections_are_counted_busy_or_not(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fds[3];
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_CONNECTIONS, route), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = http_dial(&made, route);
        http_say(fds[i], GET);
        expect_hello(fds[i]);
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_CONNECTIONS, route), i + 1);
    }
    http_hang_up(fds[0]);
    while (http_ask(&made, CB_ASK_ROUTE_CONNECTIONS, route) != 2)
        ;
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_CONNECTION_COUNT, 0), 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACTIVE, route), 0);
    http_hang_up(fds[1]);
    http_hang_up(fds[2]);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http listener", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, a_connection_serves_request_after_request);
    CU_ADD_TEST(suite, a_client_may_want_the_connection_to_end);
    CU_ADD_TEST(suite, a_response_decides_whether_the_connection_stays);
    CU_ADD_TEST(suite, head_is_answered_without_a_body);
    CU_ADD_TEST(suite, nothing_written_ends_the_connection);
    CU_ADD_TEST(suite, pipelined_requests_are_answered_in_order);
    CU_ADD_TEST(suite, a_connection_has_one_request_at_a_time);
    CU_ADD_TEST(suite, a_client_may_end_its_side);
    CU_ADD_TEST(suite, requests_come_in_any_pieces);
    CU_ADD_TEST(suite, pending_counts_requests_that_are_being_read);
    CU_ADD_TEST(suite, continue_is_said_once_and_only_to_who_waits);
    CU_ADD_TEST(suite, large_bodies_pass);
    CU_ADD_TEST(suite, a_long_body_and_what_follows_it_are_told_apart);
    CU_ADD_TEST(suite, mixed_requests_in_random_pieces);
    CU_ADD_TEST(suite, connections_are_counted_busy_or_not);
    CU_ADD_TEST(suite, a_reset_while_the_callback_runs_loses_nothing_else);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
