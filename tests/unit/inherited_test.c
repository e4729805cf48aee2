/* Sockets handed down by the environment: which route gets which, once, and what comes back. */
#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callboard/inherited.h"

/* A socket on loopback, at descriptor `at`; its port. */
static uint16_t hand_down(int at, int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int made = socket(AF_INET, type, 0);
    CU_ASSERT_FATAL(made >= 0);
    CU_ASSERT_EQUAL_FATAL(bind(made, (struct sockaddr *)&address, size), 0);
    CU_ASSERT_EQUAL_FATAL(type == SOCK_STREAM ? listen(made, 5) : 0, 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(made, (struct sockaddr *)&address, &size), 0);
    if (made != at) {
        CU_ASSERT_EQUAL_FATAL(dup2(made, at), at);
        close(made);
    }
    return ntohs(address.sin_port);
}

static cb_inherited *from_environment(const char *count, const char *names)
{
    char process[32];
    cb_inherited *inherited = NULL;
    cb_error error = {0};
    snprintf(process, sizeof process, "%ld", (long)getpid());
    CU_ASSERT_EQUAL_FATAL(setenv("LISTEN_PID", process, 1), 0);
    CU_ASSERT_EQUAL_FATAL(setenv("LISTEN_FDS", count, 1), 0);
    CU_ASSERT_EQUAL_FATAL(setenv("LISTEN_FDNAMES", names, 1), 0);
    CU_ASSERT_EQUAL_FATAL(cb_inherited_from_environment(&inherited, &error), CB_OK);
    CU_ASSERT_PTR_NULL(getenv("LISTEN_PID"));
    CU_ASSERT_PTR_NULL(getenv("LISTEN_FDS"));
    CU_ASSERT_PTR_NULL(getenv("LISTEN_FDNAMES"));
    return inherited;
}

static cb_route_options wish(uint32_t kind, const char *callback, uint16_t port)
{
    return (cb_route_options){.kind = kind, .callback = callback, .timeout_ms = -1, .port = port};
}

static void ignore(void *user, const char *text)
{
    (void)user;
    CU_ASSERT(strlen(text) > 0);
}

static void test_choice(void)
{
    uint16_t first = hand_down(3, SOCK_STREAM);
    uint16_t packets = hand_down(4, SOCK_DGRAM);
    (void)hand_down(5, SOCK_STREAM);
    cb_inherited *inherited = from_environment("3", "a:b:Page");
    CU_ASSERT_EQUAL(cb_inherited_unused(inherited, ignore, NULL), 3);

    cb_route_options other = wish(CB_ROUTE_TCP, "Other", 0);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &other));
    cb_route_options local = wish(CB_ROUTE_LOCAL, "Page", 0);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &local));
    cb_route_options wrong = wish(CB_ROUTE_HTTP, "Other", packets);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &wrong));
    cb_route_options shared = wish(CB_ROUTE_HTTP, "Page", first);
    shared.shared = true;
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &shared));

    cb_route_options page = wish(CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS, "Page", first);
    CU_ASSERT(cb_inherited_choose(inherited, &page)); /* the name goes before the port */
    CU_ASSERT_EQUAL(page.kind, CB_ROUTE_HTTP | CB_ROUTE_INHERITED);
    CU_ASSERT_EQUAL(page.port, 2);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &page)); /* it has one */
    cb_route_options again = wish(CB_ROUTE_TCP, "Page", first);
    CU_ASSERT(cb_inherited_choose(inherited, &again));
    CU_ASSERT_EQUAL(again.port, 0);
    cb_route_options udp = wish(CB_ROUTE_UDP, "Page", packets);
    CU_ASSERT(cb_inherited_choose(inherited, &udp));
    CU_ASSERT_EQUAL(udp.port, 1);
    CU_ASSERT_EQUAL(cb_inherited_unused(inherited, ignore, NULL), 0);

    cb_inherited_give_back(inherited, &page);
    CU_ASSERT_EQUAL(cb_inherited_unused(inherited, ignore, NULL), 1);
    cb_route_options second = wish(CB_ROUTE_TCP, "Page", 0);
    CU_ASSERT(cb_inherited_choose(inherited, &second));
    CU_ASSERT_EQUAL(second.port, 2);

    cb_inherited_free(&inherited);
    CU_ASSERT_PTR_NULL(inherited);
    for (int i = 3; i < 6; i++)
        CU_ASSERT_EQUAL(fcntl(i, F_GETFD), -1);
}

static void run_nothing(void *user, cb_job *job)
{
    (void)user;
    (void)job;
}

/* What a route has taken is gone, with the route as well; a number that is none is an error. */
static void test_routes(void)
{
    uint16_t port = hand_down(3, SOCK_STREAM);
    cb_inherited *inherited = from_environment("1", "Page");
    cb_runtime_options options = {.run_job = run_nothing, .inherited = inherited};
    cb_error error = {0};
    options.limits = cb_limits_default();
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, &error), CB_OK);

    cb_route_options page = wish(CB_ROUTE_TCP, "Page", 0);
    int64_t id = 0;
    CU_ASSERT(cb_inherited_choose(inherited, &page));
    cb_route_options none = page;
    none.port = 7;
    CU_ASSERT_EQUAL(cb_route_open(asker, 1, &none, &id, &error), CB_UNKNOWN);
    CU_ASSERT_STRING_EQUAL(error.text, "no inherited socket 7 is there for such a route");
    cb_route_options packets = page;
    packets.kind = (uint32_t)CB_ROUTE_UDP | (uint32_t)CB_ROUTE_INHERITED;
    CU_ASSERT_EQUAL(cb_route_open(asker, 1, &packets, &id, &error), CB_UNKNOWN);

    CU_ASSERT_EQUAL_FATAL(cb_route_open(asker, 1, &page, &id, &error), CB_OK);
    cb_question question = {.what = CB_ASK_ROUTE_PORT, .id = id};
    CU_ASSERT_EQUAL(cb_ask(asker, 1, &question, 1), CB_OK);
    CU_ASSERT_EQUAL(question.value, port);
    cb_inherited_give_back(inherited, &page); /* too late */
    cb_route_options second = wish(CB_ROUTE_TCP, "Page", port);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &second));
    CU_ASSERT_EQUAL(cb_route_open(asker, 1, &page, &id, &error), CB_UNKNOWN);

    cb_asker_close(&asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, &error), CB_OK);
    cb_inherited_free(&inherited);
    CU_ASSERT_EQUAL(fcntl(3, F_GETFD), -1);
}

static void test_nothing(void)
{
    cb_inherited *inherited = from_environment("0", "");
    CU_ASSERT_PTR_NULL(inherited);
    cb_route_options page = wish(CB_ROUTE_TCP, "Page", 0);
    CU_ASSERT_FALSE(cb_inherited_choose(inherited, &page));
    cb_inherited_give_back(inherited, &page);
    CU_ASSERT_EQUAL(cb_inherited_unused(inherited, ignore, NULL), 0);
    cb_inherited_free(&inherited);
}

int main(void)
{
    /* What the test's own parent may have left open there. */
    for (int i = 3; i < 6; i++)
        close(i);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("inherited", NULL, NULL);
    CU_add_test(suite, "which route gets which", test_choice);
    CU_add_test(suite, "routes take them over", test_routes);
    CU_add_test(suite, "none", test_nothing);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0;
}
