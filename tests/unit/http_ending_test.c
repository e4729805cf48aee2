/* How an HTTP route ends: by a close, by a shutdown, and what becomes of its connections; and where
 * it listens. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http_service.h"

#define GET   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static char text[4096];

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

static void expect_503(int fd)
{
    CU_ASSERT(http_hear(fd, text, sizeof text) > 0);
    CU_ASSERT_EQUAL(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    expect_end(fd);
}

static int64_t close_route(http_service *made, int64_t route)
{
    int64_t canceled = -1;
    CU_ASSERT_EQUAL(cb_route_close(made->asker, HTTP_NS, route, &canceled), CB_OK);
    return canceled;
}

static void a_close_ends_idle_connections(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int silent = http_dial(&made, route);
    int served = http_dial(&made, route);
    http_say(served, GET);
    expect_hello(served);
    CU_ASSERT_EQUAL(close_route(&made, route), 0);
    expect_end(silent);
    expect_end(served);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_STATE, route), 0);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    http_end(&made);
}

typedef struct closer {
    http_service *made;
    int64_t route;
    int64_t canceled;
    pthread_t thread;
} closer;

static void *close_in_thread(void *argument)
{
    closer *self = argument;
    cb_asker *asker = NULL;
    if (cb_asker_open(self->made->runtime, &asker, NULL) == CB_OK)
        (void)cb_route_close(asker, HTTP_NS, self->route, &self->canceled);
    cb_asker_close(&asker);
    return NULL;
}

/* Running: answered. Queued or being read: 503. */
static void a_close_finishes_what_runs_and_refuses_the_rest(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_actors = 1;
    limits.hand_batch = 1;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int running = http_dial(&made, route);
    http_say(running, GET GET);
    http_await_gate(1);
    int queued = http_dial(&made, route);
    http_say(queued, GET);
    while (http_ask(&made, CB_ASK_ROUTE_QUEUED, route) < 1)
        ;
    int reading = http_dial(&made, route);
    http_say(reading, "GET / HT");
    while (http_ask(&made, CB_ASK_ROUTE_PENDING, route) < 1)
        ;
    closer other = {.made = &made, .route = route, .canceled = -1};
    CU_ASSERT_EQUAL_FATAL(pthread_create(&other.thread, NULL, close_in_thread, &other), 0);
    expect_503(queued);
    expect_503(reading);
    http_open_gate();
    expect_hello(running);
    expect_503(running); /* its second one came in time to be told */
    CU_ASSERT_EQUAL(pthread_join(other.thread, NULL), 0);
    CU_ASSERT_EQUAL(other.canceled, 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    http_end(&made);
}

/* Everything that was accepted is answered, also what waits behind a request that runs. */
static void a_shutdown_answers_what_was_accepted(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_actors = 1;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int running = http_dial(&made, route);
    http_say(running, GET GET GET);
    http_await_gate(1);
    int queued = http_dial(&made, route);
    http_say(queued, GET);
    while (http_ask(&made, CB_ASK_ROUTE_QUEUED, route) < 1)
        ;
    int idle = http_dial(&made, route);
    cb_runtime_shutdown(made.runtime);
    expect_end(idle); /* so the listener has stopped accepting, and taken leave */
    http_open_gate();
    for (int i = 0; i < 3; i++)
        expect_hello(running);
    expect_end(running);
    expect_hello(queued);
    expect_end(queued);
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 4);
    http_end(&made);
}

/* What still runs when the grace is over is told so. */
static void what_is_cut_off_is_503(void)
{
    cb_error error = {.text = ""};
    cb_limits limits = cb_limits_default();
    limits.grace_ms = 100;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_ENDLESS);
    int fd = http_dial(&made, route);
    int reading = http_dial(&made, route);
    http_say(fd, GET);
    http_say(reading, "GET / HT");
    while (http_ask(&made, CB_ASK_ROUTE_RUNNING, route) < 1 ||
           http_ask(&made, CB_ASK_ROUTE_PENDING, route) < 1)
        ;
    cb_runtime_shutdown(made.runtime);
    expect_503(fd);
    expect_503(reading);
    cb_asker_close(&made.asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&made.runtime, &error), CB_TIMEOUT);
}

/* Clients that go on asking until their connection ends: each answer is whole, and as many are
 * counted as came. */
enum { ASKING = 8 };

typedef struct asking {
    int fd;
    int64_t answers;
    bool broken;
    pthread_t thread;
} asking;

static void *ask_until_the_end(void *argument)
{
    asking *self = argument;
    char answer[sizeof HELLO];
    for (;;) {
        if (send(self->fd, GET, strlen(GET), MSG_NOSIGNAL) < 0)
            return NULL;
        ssize_t got = recv(self->fd, answer, sizeof answer - 1, MSG_WAITALL);
        if (got != sizeof answer - 1) {
            self->broken = got > 0;
            return NULL;
        }
        self->answers++;
    }
}

static void a_shutdown_under_load_breaks_no_answer(void)
{
    asking clients[ASKING];
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    for (int i = 0; i < ASKING; i++) {
        clients[i] = (asking){.fd = http_dial(&made, route)};
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&clients[i].thread, NULL, ask_until_the_end, &clients[i]), 0);
    }
    while (http_ask(&made, CB_ASK_ROUTE_COMPLETED, route) < 1000)
        ;
    cb_runtime_shutdown(made.runtime);
    int64_t answers = 0;
    for (int i = 0; i < ASKING; i++) {
        CU_ASSERT_EQUAL(pthread_join(clients[i].thread, NULL), 0);
        CU_ASSERT_FALSE(clients[i].broken);
        answers += clients[i].answers;
        http_hang_up(clients[i].fd);
    }
    http_wait_drained(&made, route);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), answers);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), answers);
    http_end(&made);
}

static int64_t open_at(http_service *made, uint32_t kind, uint16_t port, cb_status expected,
                       const char *expected_text)
{
    const cb_route_options options = {
        .kind = kind, .callback = "OnRequest", .entry = HTTP_HELLO, .timeout_ms = -1, .port = port};
    int64_t id = 0;
    cb_error error = {.text = ""};
    CU_ASSERT_EQUAL(cb_route_open(made->asker, HTTP_NS, &options, &id, &error), expected);
    if (expected != CB_OK)
        CU_ASSERT_STRING_EQUAL(error.text, expected_text);
    return id;
}

static void a_port_in_use_is_an_error_that_names_it(void)
{
    char expected[128];
    http_service made = http_begin();
    int64_t first = open_at(&made, CB_ROUTE_HTTP, 0, CB_OK, NULL);
    uint16_t port = (uint16_t)http_ask(&made, CB_ASK_ROUTE_PORT, first);
    (void)snprintf(expected, sizeof expected,
                   "cannot listen on 127.0.0.1 port %u: Address already in use", port);
    (void)open_at(&made, CB_ROUTE_HTTP, port, CB_IO, expected);
    int64_t any = open_at(&made, CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS, 0, CB_OK, NULL);
    port = (uint16_t)http_ask(&made, CB_ASK_ROUTE_PORT, any);
    (void)snprintf(expected, sizeof expected, "cannot listen on :: port %u: Address already in use",
                   port);
    (void)open_at(&made, CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS, port, CB_IO, expected);
    http_end(&made);
}

/* Connections of the one before, which it closed, linger in the kernel for a minute. */
static void a_port_is_free_again_at_once(void)
{
    http_service made = http_begin();
    int64_t route = open_at(&made, CB_ROUTE_HTTP, 0, CB_OK, NULL);
    uint16_t port = (uint16_t)http_ask(&made, CB_ASK_ROUTE_PORT, route);
    for (int i = 0; i < 5; i++) {
        int fd = http_dial_port(port);
        http_say(fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        expect_hello(fd);
        expect_end(fd);
        (void)close_route(&made, route);
        route = open_at(&made, CB_ROUTE_HTTP, port, CB_OK, NULL);
    }
    http_end(&made);
}

static bool reaches(const char *address, int64_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } to = {0};
    bool six = strchr(address, ':') != NULL;
    if (six) {
        to.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        CU_ASSERT_EQUAL(inet_pton(AF_INET6, address, &to.six.sin6_addr), 1);
    } else {
        to.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        CU_ASSERT_EQUAL(inet_pton(AF_INET, address, &to.four.sin_addr), 1);
    }
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    bool reached =
        connect(fd, &to.any, six ? (socklen_t)sizeof to.six : (socklen_t)sizeof to.four) == 0;
    if (reached) {
        http_say(fd, GET);
        expect_hello(fd);
    }
    close(fd);
    return reached;
}

static bool machine_has_six(void)
{
    const struct sockaddr_in6 self = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&self, sizeof self) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* 127.0.0.2 is another address of this machine, which a route on loopback does not serve. */
static void any_address_is_every_address(void)
{
    http_service made = http_begin();
    int64_t local = open_at(&made, CB_ROUTE_HTTP, 0, CB_OK, NULL);
    int64_t any = open_at(&made, CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS, 0, CB_OK, NULL);
    int64_t port = http_ask(&made, CB_ASK_ROUTE_PORT, local);
    CU_ASSERT(reaches("127.0.0.1", port));
    CU_ASSERT(!reaches("127.0.0.2", port));
    if (machine_has_six())
        CU_ASSERT(!reaches("::1", port));
    port = http_ask(&made, CB_ASK_ROUTE_PORT, any);
    CU_ASSERT(reaches("127.0.0.1", port));
    CU_ASSERT(reaches("127.0.0.2", port));
    if (machine_has_six())
        CU_ASSERT(reaches("::1", port));
    http_end(&made);
}

/* The others wait in the kernel, and are served when there is room. */
static void more_connections_than_the_limit_wait(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_connections = 2;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_GATE);
    int first = http_dial(&made, route);
    http_say(first, GET);
    http_await_gate(1);
    int second = http_dial(&made, route);
    http_say(second, GET);
    http_await_gate(2);
    int third = http_dial(&made, route);
    http_say(third, GET);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_CONNECTIONS, route), 2);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 2);
    http_open_gate();
    expect_hello(first);
    expect_hello(second);
    http_hang_up(first);
    expect_hello(third);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 3);
    http_hang_up(second);
    http_hang_up(third);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http ending", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, a_close_ends_idle_connections);
    CU_ADD_TEST(suite, a_close_finishes_what_runs_and_refuses_the_rest);
    CU_ADD_TEST(suite, a_shutdown_answers_what_was_accepted);
    CU_ADD_TEST(suite, what_is_cut_off_is_503);
    CU_ADD_TEST(suite, a_shutdown_under_load_breaks_no_answer);
    CU_ADD_TEST(suite, a_port_in_use_is_an_error_that_names_it);
    CU_ADD_TEST(suite, a_port_is_free_again_at_once);
    CU_ADD_TEST(suite, any_address_is_every_address);
    CU_ADD_TEST(suite, more_connections_than_the_limit_wait);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
