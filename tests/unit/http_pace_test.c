/* Clients of an HTTP route that are slow, on purpose or not: how long each is waited for, and what
 * it can make the listener keep. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/http_service.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

static char text[65536];

/* The next answer has this status, and the connection ends. */
static void expect_answer(int fd, const char *status)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 ", 9), 0);
    CU_ASSERT_EQUAL(strncmp(text + 9, status, 3), 0);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
}

/* Sends a byte now and then until the listener says something; returns how many. */
static int trickle(int fd, const char *byte, int pause_ms)
{
    struct pollfd said = {.fd = fd, .events = POLLIN};
    int count = 0;
    while (count < 10000 && poll(&said, 1, pause_ms) == 0) {
        http_say_bytes(fd, byte, 1);
        count++;
    }
    return count;
}

static void a_head_has_a_time_however_it_trickles(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_head_ms = 100;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    CU_ASSERT(trickle(fd, "x", 5) < 10000);
    expect_answer(fd, "408");
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    http_end(&made);
}

/* Nothing was asked, so nothing is answered. */
static void a_client_that_says_nothing_is_closed(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_head_ms = 50;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 0);
    http_end(&made);
}

static void between_requests_a_connection_idles_so_long(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_head_ms = 20000;
    limits.http_idle_ms = 50;
    http_service made = http_begin_with(&limits);
    int fd = http_dial(&made, http_open(&made, HTTP_HELLO));
    http_say(fd, GET);
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
    http_end(&made);
}

static void a_body_below_the_rate_is_cut(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 50;
    limits.http_rate = 1000000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, POST);
    CU_ASSERT(trickle(fd, "b", 5) < 10000);
    expect_answer(fd, "408");
    fd = http_dial(&made, route); /* chunks are no way around it */
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n");
    CU_ASSERT(trickle(fd, "b", 5) < 10000);
    expect_answer(fd, "408");
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    http_end(&made);
}

/* A window asks for three bytes, and some fifteen come in each, so 30 of them in 600 ms are not too
 * slow, although the first window is over after 300 ms. */
static void a_body_above_the_rate_may_take_long(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 300;
    limits.http_rate = 10;
    http_service made = http_begin_with(&limits);
    int fd = http_dial(&made, http_open(&made, HTTP_HELLO));
    struct pollfd said = {.fd = fd, .events = POLLIN};
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n0123456789");
    for (int i = 0; i < 30; i++) {
        CU_ASSERT_EQUAL(poll(&said, 1, 20), 0);
        http_say_bytes(fd, "b", 1);
    }
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    http_hang_up(fd);
    http_end(&made);
}

/* A client whose kernel takes little. */
static int dial_taking(http_service *made, int64_t route, int size)
{
    int fd = http_dial(made, route);
    CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    return fd;
}

static int dial_narrow(http_service *made, int64_t route)
{
    return dial_taking(made, route, 4096);
}

static void a_response_that_is_not_read_is_given_up(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 50;
    limits.http_rate = 1000000000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    int fd = dial_narrow(&made, route);
    http_say(fd, "GET /50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    while (http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route) < 1)
        ;
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 0);
    http_hang_up(fd);
    http_end(&made);
}

static char much[5000000];

/* What came fast is worth no more than its own window: at this rate it would be worth 5,000 s. */
static void a_fast_beginning_of_a_body_buys_no_silence(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 200;
    limits.http_rate = 1000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16000000\r\n\r\n");
    http_say_bytes(fd, much, sizeof much);
    expect_answer(fd, "408");
    fd = http_dial(&made, route);
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf00000\r\n");
    http_say_bytes(fd, much, sizeof much);
    CU_ASSERT(trickle(fd, "b", 20) < 10000); /* 50 a second */
    expect_answer(fd, "408");
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    http_end(&made);
}

static void take(int fd, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(fd, much, size < sizeof much ? size : sizeof much, 0);
        CU_ASSERT_FATAL(got > 0);
        size -= (size_t)got;
    }
}

static void a_fast_beginning_of_a_response_buys_no_silence(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 200;
    limits.http_rate = 1000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    int fd = http_dial(&made, route);
    http_say(fd, "GET /50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    take(fd, 10000000);
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 0);
    http_hang_up(fd);
    http_end(&made);
}

/* The kernels move it in steps of some 100 KB, so a step in each window is enough. */
static void a_response_that_is_read_above_the_rate_goes_on(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 400;
    limits.http_rate = 20000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    int fd = dial_taking(&made, route, 65536);
    http_say(fd, "GET /50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        take(fd, 20000);
        (void)poll(NULL, 0, 20);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 0);
    take(fd, 48000000);
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    http_hang_up(fd);
    http_end(&made);
}

/* Each of its responses is small enough to be handed to the socket at once. */
static void who_only_asks_gathers_no_responses(void)
{
    enum { MANY = 4000 };
    cb_limits limits = cb_limits_default();
    limits.http_pace_ms = 300;
    limits.http_rate = 1000000000;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    int fd = dial_narrow(&made, route);
    for (int i = 0; i < MANY; i++)
        http_say(fd, "GET /16000 HTTP/1.1\r\nHost: a\r\n\r\n");
    struct pollfd ended = {.fd = fd, .events = POLLRDHUP | POLLERR};
    CU_ASSERT(poll(&ended, 1, 20000) == 1);
    http_wait_drained(&made, route);
    CU_ASSERT(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route) > 0);
    CU_ASSERT(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route) < MANY);
    http_hang_up(fd);
    http_end(&made);
}

/* As many bytes of requests as go, the last one perhaps cut off; returns how many. */
static size_t say_until_full(int fd, const char *request)
{
    size_t size = strlen(request);
    size_t sent = 0;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    while (sent < 200000000) {
        size_t at = sent % size;
        ssize_t more = send(fd, request + at, size - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (more > 0)
            sent += (size_t)more;
        else if (poll(&room, 1, 200) == 0)
            break;
    }
    return sent;
}

/* What comes ahead of its turn waits in the client, and nothing of it is lost. */
static void what_comes_ahead_is_left_to_the_client(void)
{
    static char request[30000];
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_GATE);
    int fd = http_dial(&made, route);
    int size = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(request + size, 'x', 20000);
    memcpy(request + size + 20000, "\r\n\r\n", 5);
    size += 20004;
    size_t sent = say_until_full(fd, request);
    CU_ASSERT(sent < 200000000);
    http_await_gate(1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 1);
    http_open_gate();
    for (size_t i = 0; i < sent / (size_t)size; i++)
        CU_ASSERT_FATAL(http_hear(fd, text, sizeof text) > 0);
    if (sent % (size_t)size > 0)
        http_say(fd, request + sent % (size_t)size);
    if (sent % (size_t)size > 0)
        CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route),
                    (int64_t)((sent + (size_t)size - 1) / (size_t)size));
    http_hang_up(fd);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http pace", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, a_head_has_a_time_however_it_trickles);
    CU_ADD_TEST(suite, a_client_that_says_nothing_is_closed);
    CU_ADD_TEST(suite, between_requests_a_connection_idles_so_long);
    CU_ADD_TEST(suite, a_body_below_the_rate_is_cut);
    CU_ADD_TEST(suite, a_body_above_the_rate_may_take_long);
    CU_ADD_TEST(suite, a_response_that_is_not_read_is_given_up);
    CU_ADD_TEST(suite, a_fast_beginning_of_a_body_buys_no_silence);
    CU_ADD_TEST(suite, a_fast_beginning_of_a_response_buys_no_silence);
    CU_ADD_TEST(suite, a_response_that_is_read_above_the_rate_goes_on);
    CU_ADD_TEST(suite, who_only_asks_gathers_no_responses);
    CU_ADD_TEST(suite, what_comes_ahead_is_left_to_the_client);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
