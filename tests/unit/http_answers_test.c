/* The listener's own answers: each is whole, says why, and ends the connection. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "actors/io/http/response.h"
#include "actors/listeners/http_answers.h"
#include "tests/unit/http_service.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static char text[4096];

static void each_is_well_framed(void)
{
    static const int statuses[] = {400, 408, 413, 414, 431, 500, 501, 503, 504, 505};
    const cb_http_asked get = {.minor_version = 1};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        cb_buffer *answer = cb_http_answer(statuses[i], "because", false);
        CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
        /* Nothing but what it says of the connection keeps the next one from following it. */
        CU_ASSERT_STRING_EQUAL(cb_http_response_closes(answer->data, answer->size, get),
                               "the response says that the connection ends");
        cb_buffer *head = cb_http_answer(statuses[i], "because", true);
        CU_ASSERT_PTR_NOT_NULL_FATAL(head);
        CU_ASSERT_EQUAL(memcmp(head->data + head->size - 4, "\r\n\r\n", 4), 0);
        CU_ASSERT(head->size < answer->size);
        cb_buffer_release(answer);
        cb_buffer_release(head);
    }
}

/* Hears an answer with this status, and the end of the connection. */
static void expect_answer(int fd, int status)
{
    char line[32];
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    CU_ASSERT_EQUAL(strncmp(text, line, strlen(line)), 0);
    if (strncmp(text, line, strlen(line)) != 0)
        printf("    %d expected, not: %s\n", status, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\nConnection: close\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\nDate: "));
    (void)snprintf(line, sizeof line, "\r\n\r\n%d ", status);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
}

static void what_is_refused_before_a_callback_runs(void)
{
    static char long_line[10000];
    static char long_field[70000];
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\n", 400},
        {"nonsense\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\nExpect: 100-continue\r\n\r\n",
         413},
        {long_line, 414},
        {long_field, 431},
        {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    };
    const size_t count = sizeof rows / sizeof rows[0];
    memset(long_line, 'a', sizeof long_line - 1);
    memcpy(long_line, "GET /", 5);
    memset(long_field, 'a', sizeof long_field - 1);
    memcpy(long_field, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    for (size_t i = 0; i < count; i++) {
        int fd = http_dial(&made, route);
        http_say(fd, rows[i].request);
        expect_answer(fd, rows[i].status);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), (int64_t)count);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), (int64_t)count);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    http_end(&made);
}

/* Whatever is wrong with a later request, those before it are served. */
static void what_came_before_is_answered_first(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, GET GET "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" GET);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
        CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
    expect_answer(fd, 400);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 1);
    http_end(&made);
}

/* A client that goes on sending its body does not lose the answer by that. */
static void the_answer_reaches_who_still_sends(void)
{
    static char body[1000000];
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    http_say_bytes(fd, body, sizeof body);
    http_say_bytes(fd, body, sizeof body);
    expect_answer(fd, 413);
    http_end(&made);
}

static void a_request_that_ends_early_is_told_so(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    expect_answer(fd, 400);
    fd = http_dial(&made, route); /* nothing at all */
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 1);
    http_end(&made);
}

static void an_empty_line_behind_a_body_is_no_request(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    for (int i = 0; i < 2; i++) {
        http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok\r\n");
        CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
        CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    }
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), 0);
    http_hang_up(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 2);
    http_end(&made);
}

static void expect_answer_of(int64_t entry, int32_t timeout_ms, int status)
{
    http_service made = http_begin();
    const cb_route_options options = {
        .kind = CB_ROUTE_HTTP, .callback = "OnRequest", .entry = entry, .timeout_ms = timeout_ms};
    int64_t route = http_open_with(&made, &options);
    int fd = http_dial(&made, route);
    http_say(fd, GET GET);
    expect_answer(fd, status);
    fd = http_dial(&made, route);
    http_say(fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT(http_hear_end(fd, text, sizeof text) > 0);
    CU_ASSERT_STRING_EQUAL(text + strlen(text) - 4, "\r\n\r\n");
    http_hang_up(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_FAILED, route), 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 0);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    http_end(&made);
}

static void a_callback_that_fails_is_500(void)
{
    expect_answer_of(HTTP_FAIL, -1, 500);
}

static void a_callback_that_refuses_is_500(void)
{
    expect_answer_of(HTTP_REFUSE, -1, 500);
}

static void a_callback_out_of_time_is_504(void)
{
    expect_answer_of(HTTP_ENDLESS, 20, 504);
}

static void a_full_queue_is_503(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_actors = 1;
    limits.hand_batch = 1; /* so that the second one waits in the queue */
    limits.max_queued = 1;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int first = http_dial(&made, route);
    http_say(first, GET);
    http_await_gate(1);
    int second = http_dial(&made, route);
    http_say(second, GET);
    while (http_ask(&made, CB_ASK_ROUTE_QUEUED, route) < 1)
        ;
    int third = http_dial(&made, route);
    http_say(third, GET);
    expect_answer(third, 503);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 1);
    http_open_gate();
    CU_ASSERT(http_hear(first, text, sizeof text) > 0);
    CU_ASSERT(http_hear(second, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    http_hang_up(first);
    http_hang_up(second);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http answers", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, each_is_well_framed);
    CU_ADD_TEST(suite, what_is_refused_before_a_callback_runs);
    CU_ADD_TEST(suite, what_came_before_is_answered_first);
    CU_ADD_TEST(suite, the_answer_reaches_who_still_sends);
    CU_ADD_TEST(suite, a_request_that_ends_early_is_told_so);
    CU_ADD_TEST(suite, an_empty_line_behind_a_body_is_no_request);
    CU_ADD_TEST(suite, a_callback_that_fails_is_500);
    CU_ADD_TEST(suite, a_callback_that_refuses_is_500);
    CU_ADD_TEST(suite, a_callback_out_of_time_is_504);
    CU_ADD_TEST(suite, a_full_queue_is_503);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
