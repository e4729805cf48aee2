/* What a service answers when the memory budget, its own or a route's, has no room: each kind of
 * route, jobs that scripts begin, and results. The test itself uses up the budget, to the byte. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/base/budget.h"
#include "tests/unit/http_service.h"

#define MIB    (INT64_C(1) << 20)
#define MEMORY (16 * MIB)
#define EIGHTH (MEMORY / 8)
#define GET    "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
/* What the runtime has counted for itself moves by less than this. */
#define LEEWAY (256 * 1024)
#define CLOSES "\r\nConnection: close\r\n"

static char text[1 << 20];

static cb_limits small_limits(void)
{
    cb_limits limits = cb_limits_default();
    limits.trace_buffer = 65536;
    limits.log_queue = 4096;
    limits.memory = MEMORY;
    limits.route_memory = MEMORY;
    return limits;
}

/* -- the ballast ------------------------------------------------------------------------------ */

static int64_t ballast;

/* Has about so many bytes counted in all. */
static void fill_to(int64_t bytes)
{
    int64_t more = bytes - cb_budget_bytes();
    cb_budget_add(more);
    cb_budget_hand_on();
    ballast += more;
}

static void empty(void)
{
    cb_budget_add(-ballast);
    cb_budget_hand_on();
    ballast = 0;
}

/* -- HTTP ------------------------------------------------------------------------------------- */

static void say_body(int fd, size_t size)
{
    char head[128];
    char *body = calloc(1, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    (void)snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   size);
    http_say(fd, head);
    http_say_bytes(fd, body, size);
    free(body);
}

static void expect_hello(int fd)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 200", 12), 0);
}

/* 503, the announcement of the end, and the end. */
static void expect_overloaded(int fd)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 503", 12), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, CLOSES));
    CU_ASSERT(http_hear_end(fd, text, sizeof text) <= 0);
    http_hang_up(fd);
}

static void a_small_request_is_served_up_to_the_end_of_the_budget(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    fill_to(MEMORY - LEEWAY);
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_hello(fd);
    uint64_t refused = cb_budget_refused();
    fill_to(MEMORY + LEEWAY);
    http_say(fd, GET); /* of a connection that stands, too */
    expect_overloaded(fd);
    fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_overloaded(fd);
    CU_ASSERT_EQUAL(cb_budget_refused(), refused + 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 3);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    empty();
    fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_hello(fd);
    http_hang_up(fd);
    http_end(&made);
}

static void a_large_body_meets_its_mark_where_small_ones_pass(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    fill_to(4 * EIGHTH - 2 * MIB);
    int fd = http_dial(&made, route);
    say_body(fd, 700000);
    expect_hello(fd);
    http_hang_up(fd);
    fill_to(4 * EIGHTH);
    fd = http_dial(&made, route);
    say_body(fd, 700000);
    expect_overloaded(fd);
    fd = http_dial(&made, route); /* chunks are no way around it */
    http_say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n");
    http_say_bytes(fd, text, 0x80000);
    expect_overloaded(fd);
    fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_hello(fd);
    say_body(fd, 2000);
    expect_hello(fd);
    http_hang_up(fd);
    empty();
    http_end(&made);
}

/* The one that runs is answered first; what came ahead and found no room is answered in its turn.
 */
static void what_comes_ahead_finds_no_room(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    http_await_gate(1);
    uint64_t refused = cb_budget_refused();
    fill_to(MEMORY + LEEWAY);
    http_say(fd, GET GET);
    while (cb_budget_refused() == refused)
        (void)poll(NULL, 0, 1);
    empty();
    http_open_gate();
    expect_hello(fd);
    expect_overloaded(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 1);
    http_end(&made);
}

static void a_result_that_finds_no_room_is_answered_so(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    http_await_gate(1);
    fill_to(MEMORY + LEEWAY);
    http_open_gate();
    expect_overloaded(fd);
    empty();
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 0);
    http_end(&made);
}

static void a_route_has_a_budget_of_its_own(void)
{
    cb_limits limits = small_limits();
    limits.route_memory = MIB;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    int64_t other = http_open(&made, HTTP_HELLO);
    int first = http_dial(&made, route);
    for (int i = 0; i < 20; i++) { /* nothing of it stays charged */
        say_body(first, 300000);
        expect_hello(first);
    }
    int held = http_dial(&made, route);
    http_say(held, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    http_say_bytes(held, text, 300000);
    while (cb_budget_bytes() < 300000) /* it is there */
        (void)poll(NULL, 0, 1);
    int fd = http_dial(&made, route);
    say_body(fd, 300000);
    expect_overloaded(fd);
    fd = http_dial(&made, route);
    http_say(fd, GET);
    expect_hello(fd);
    http_hang_up(fd);
    fd = http_dial(&made, other);
    say_body(fd, 300000);
    expect_hello(fd);
    http_hang_up(fd);
    http_say_bytes(held, text, 100000);
    expect_hello(held);
    http_hang_up(held);
    say_body(first, 300000); /* it has room again */
    expect_hello(first);
    http_hang_up(first);
    http_end(&made);
}

/* Three quarters of the route's budget are for one response at the most. */
static void a_response_has_to_find_room_in_the_route(void)
{
    cb_limits limits = small_limits();
    limits.route_memory = MIB;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    int fd = http_dial(&made, route);
    http_say(fd, "GET /700000 HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT(http_hear(fd, text, sizeof text) > 700000);
    http_say(fd, "GET /800000 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_overloaded(fd);
    fd = http_dial(&made, route);
    http_say(fd, "HEAD /800000 HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT(http_hear_end(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 503", 12), 0);
    CU_ASSERT_STRING_EQUAL(strstr(text, "\r\n\r\n"), "\r\n\r\n"); /* no body */
    http_hang_up(fd);
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    http_end(&made);
}

/* Four responses that nobody reads are as much as the route may hold; others go on. */
static void responses_that_are_not_read_fill_the_route_only(void)
{
    enum { READERS = 12 };
    int fds[READERS];
    cb_limits limits = small_limits();
    limits.route_memory = 4 * MIB;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_LARGE);
    const int narrow = 4096;
    for (int i = 0; i < READERS; i++) {
        fds[i] = http_dial(&made, route);
        CU_ASSERT_EQUAL(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &narrow, sizeof narrow), 0);
        http_say(fds[i], "GET /9000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    while (cb_budget_refused() == 0)
        (void)poll(NULL, 0, 1);
    int64_t other = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, other);
    http_say(fd, GET);
    expect_hello(fd);
    http_hang_up(fd);
    for (int i = 0; i < READERS; i++)
        http_hang_up(fds[i]);
    http_end(&made);
}

/* -- raw TCP ---------------------------------------------------------------------------------- */

static int64_t open_kind(http_service *made, uint32_t kind, int64_t entry)
{
    const cb_route_options options = {
        .kind = kind, .callback = "OnRequest", .entry = entry, .timeout_ms = -1};
    return http_open_with(made, &options);
}

static void a_raw_request_ends_without_an_answer(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = open_kind(&made, CB_ROUTE_TCP, HTTP_HELLO);
    fill_to(MEMORY - LEEWAY);
    int fd = http_dial(&made, route);
    http_say(fd, "a");
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT(http_hear_end(fd, text, sizeof text) > 0);
    http_hang_up(fd);
    fill_to(MEMORY + LEEWAY);
    fd = http_dial(&made, route);
    http_say(fd, "a");
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), -1);
    http_hang_up(fd);
    fill_to(4 * EIGHTH + LEEWAY);
    fd = http_dial(&made, route); /* small ones still pass */
    http_say(fd, "a");
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT(http_hear_end(fd, text, sizeof text) > 0);
    http_hang_up(fd);
    fd = http_dial(&made, route);
    http_say_bytes(fd, text, 500000);
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), -1);
    http_hang_up(fd);
    empty();
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 4);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    http_end(&made);
}

static void a_raw_response_has_to_find_room_in_the_route(void)
{
    cb_limits limits = small_limits();
    limits.route_memory = MIB;
    http_service made = http_begin_with(&limits);
    int64_t route = open_kind(&made, CB_ROUTE_TCP, HTTP_LARGE);
    int fd = http_dial(&made, route);
    http_say(fd, "GET /700000 ");
    CU_ASSERT(http_hear_end(fd, text, sizeof text) > 700000);
    http_hang_up(fd);
    fd = http_dial(&made, route);
    http_say(fd, "GET /800000 ");
    CU_ASSERT_EQUAL(http_hear_end(fd, text, sizeof text), -1);
    http_hang_up(fd);
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    http_end(&made);
}

/* -- UDP -------------------------------------------------------------------------------------- */

static void a_datagram_is_dropped_and_counted(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = open_kind(&made, CB_ROUTE_UDP, HTTP_HELLO);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_ask(&made, CB_ASK_ROUTE_PORT, route)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    fill_to(MEMORY - LEEWAY);
    CU_ASSERT_EQUAL(send(fd, "a", 1, 0), 1);
    CU_ASSERT(recv(fd, text, sizeof text, 0) > 0);
    fill_to(MEMORY + LEEWAY);
    CU_ASSERT_EQUAL(send(fd, "b", 1, 0), 1);
    while (http_ask(&made, CB_ASK_ROUTE_DROPPED, route) < 1)
        ;
    fill_to(6 * EIGHTH + LEEWAY);
    CU_ASSERT_EQUAL(send(fd, text, 9000, 0), 9000); /* a larger one, earlier */
    while (http_ask(&made, CB_ASK_ROUTE_DROPPED, route) < 2)
        ;
    CU_ASSERT_EQUAL(send(fd, "c", 1, 0), 1);
    CU_ASSERT(recv(fd, text, sizeof text, 0) > 0);
    empty();
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    CU_ASSERT_EQUAL(recv(fd, text, sizeof text, MSG_DONTWAIT), -1);
    (void)close(fd);
    http_end(&made);
}

/* -- jobs ------------------------------------------------------------------------------------- */

static void await_job(http_service *made, int64_t job)
{
    int happened = 0;
    CU_ASSERT_EQUAL(cb_wait(made->asker, HTTP_NS, CB_WAIT_JOB_COMPLETE, job, 20000, &happened),
                    CB_OK);
    CU_ASSERT_EQUAL_FATAL(happened, 1);
}

static void expect_taken(http_service *made, int64_t job, cb_status status, int job_status)
{
    cb_buffer *result = NULL;
    int as = 0;
    await_job(made, job);
    CU_ASSERT_EQUAL(cb_job_take(made->asker, HTTP_NS, job, false, &result, &as), status);
    CU_ASSERT_EQUAL(as, job_status);
    cb_buffer_release(result);
}

static void no_job_is_begun_beyond_its_mark(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = open_kind(&made, CB_ROUTE_TCP, HTTP_HELLO);
    int64_t job = 0;
    cb_start_options start = {.route_id = CB_START_ALONE, .entry = HTTP_HELLO, .timeout_ms = -1};
    cb_job_options exchange = {.route_id = route, .timeout_ms = -1};
    fill_to(6 * EIGHTH - LEEWAY);
    CU_ASSERT_EQUAL(cb_job_start(made.asker, HTTP_NS, &start, &job), CB_OK);
    expect_taken(&made, job, CB_OK, CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, HTTP_NS, &exchange, &job), CB_OK);
    expect_taken(&made, job, CB_OK, CB_JOB_SUCCESS);
    fill_to(6 * EIGHTH + LEEWAY);
    int64_t bytes = cb_budget_bytes();
    start.request = cb_buffer_copy("x", 1);
    CU_ASSERT_EQUAL(cb_job_start(made.asker, HTTP_NS, &start, &job), CB_NO_MEMORY);
    exchange.request = cb_buffer_copy("x", 1);
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, HTTP_NS, &exchange, &job), CB_NO_MEMORY);
    CU_ASSERT(cb_budget_bytes() <= bytes + LEEWAY); /* and the requests are gone */
    empty();
    http_end(&made);
}

static void a_result_to_keep_has_to_find_room(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    const cb_start_options start = {
        .route_id = CB_START_ALONE, .entry = HTTP_GATE, .timeout_ms = -1};
    int64_t jobs[2];
    CU_ASSERT_EQUAL(cb_job_start(made.asker, HTTP_NS, &start, &jobs[0]), CB_OK);
    http_await_gate(1);
    fill_to(7 * EIGHTH + LEEWAY);
    http_open_gate();
    expect_taken(&made, jobs[0], CB_NO_RESULT, CB_JOB_OVERLOADED);
    empty();
    fill_to(6 * EIGHTH - LEEWAY);
    CU_ASSERT_EQUAL(cb_job_start(made.asker, HTTP_NS, &start, &jobs[1]), CB_OK);
    expect_taken(&made, jobs[1], CB_OK, CB_JOB_SUCCESS);
    empty();
    http_end(&made);
}

/* What a server sends to a client of ours is read like what clients send to a server of ours. */
static void a_client_exchange_ends_overloaded(void)
{
    cb_limits limits = small_limits();
    http_service made = http_begin_with(&limits);
    int64_t route = open_kind(&made, CB_ROUTE_TCP, HTTP_LARGE);
    int64_t job = 0;
    cb_job_options exchange = {.route_id = route, .timeout_ms = -1};
    fill_to(4 * EIGHTH - LEEWAY);
    exchange.request = cb_buffer_copy("GET /900000 ", 12);
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, HTTP_NS, &exchange, &job), CB_OK);
    expect_taken(&made, job, CB_NO_RESULT, CB_JOB_OVERLOADED);
    exchange.request = cb_buffer_copy("GET /900 ", 9);
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, HTTP_NS, &exchange, &job), CB_OK);
    expect_taken(&made, job, CB_OK, CB_JOB_SUCCESS);
    empty();
    exchange.request = cb_buffer_copy("GET /900000 ", 12);
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, HTTP_NS, &exchange, &job), CB_OK);
    expect_taken(&made, job, CB_OK, CB_JOB_SUCCESS);
    http_end(&made);
}

static void a_budget_that_is_too_small_is_told_at_the_start(void)
{
    cb_limits limits = small_limits();
    cb_runtime *runtime = NULL;
    cb_error error = {.text = ""};
    limits.memory = limits.trace_buffer;
    int64_t before = cb_budget_bytes();
    const cb_runtime_options options = {.limits = limits, .run_job = (void (*)(void *, cb_job *))1};
    CU_ASSERT_EQUAL(cb_runtime_start(&options, &runtime, &error), CB_INVALID);
    CU_ASSERT_PTR_NULL(runtime);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "CALLBOARD_MEMORY"));
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

/* Whatever was counted for a runtime is gone with it. */
static void nothing_stays_counted(void)
{
    cb_limits limits = small_limits();
    int64_t before = cb_budget_bytes();
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_ECHO);
    CU_ASSERT(cb_budget_bytes() >= before + limits.trace_buffer);
    for (int i = 0; i < 20; i++) {
        int fd = http_dial(&made, route);
        say_body(fd, 100000);
        CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
        http_hang_up(fd);
    }
    http_end(&made);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("memory overload", NULL, NULL);
#define ADD(test) CU_add_test(suite, #test, test)
    ADD(a_small_request_is_served_up_to_the_end_of_the_budget);
    ADD(a_large_body_meets_its_mark_where_small_ones_pass);
    ADD(what_comes_ahead_finds_no_room);
    ADD(a_result_that_finds_no_room_is_answered_so);
    ADD(a_route_has_a_budget_of_its_own);
    ADD(a_response_has_to_find_room_in_the_route);
    ADD(responses_that_are_not_read_fill_the_route_only);
    ADD(a_raw_request_ends_without_an_answer);
    ADD(a_raw_response_has_to_find_room_in_the_route);
    ADD(a_datagram_is_dropped_and_counted);
    ADD(no_job_is_begun_beyond_its_mark);
    ADD(a_result_to_keep_has_to_find_room);
    ADD(a_client_exchange_ends_overloaded);
    ADD(a_budget_that_is_too_small_is_told_at_the_start);
    ADD(nothing_stays_counted);
#undef ADD
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0;
}
