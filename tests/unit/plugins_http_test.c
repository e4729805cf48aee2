/* callbackhttp against a host that refuses, and what it asks of one; and a file that is read
 * without memory for it. */
#include <stdio.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "tests/unit/plugin_host_double.h"

static const cb_plugin *http;

/* Arguments that go with any verb but Open and EnableTls. */
static cb_value values[2];

static cb_status call(const char *verb)
{
    return fake_call(http, verb, values, 2);
}

static bool is_about_a_listener(const cb_verb *verb)
{
    return strstr(verb->signature, "listenerId") != NULL && strcmp(verb->name, "EnableTls") != 0;
}

static void test_open_passes_on_where(void)
{
    const cb_value all[] = {fake_text("Answer"), fake_integer(-1), fake_integer(8080),
                            fake_integer(1)};
    fake_reset();
    CU_ASSERT_EQUAL(fake_call(http, "Open", all, 4), CB_OK);
    CU_ASSERT_EQUAL(fake.opened.kind, CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS);
    CU_ASSERT(fake.opened.port == 8080 && fake.opened.timeout_ms == -1 && !fake.opened.shared);
    CU_ASSERT_EQUAL(fake_call(http, "Open", all, 3), CB_OK);
    CU_ASSERT(fake.opened.kind == CB_ROUTE_HTTP && fake.opened.port == 8080);
    CU_ASSERT_EQUAL(fake_call(http, "Open", all, 2), CB_OK);
    CU_ASSERT(fake.opened.kind == CB_ROUTE_HTTP && fake.opened.port == 0);
}

static void test_open_refuses_what_is_out_of_range(void)
{
    static const struct {
        int64_t timeout_ms, port, mode;
        const char *text;
    } wrong[] = {
        {-2, 0, 0, "timeoutMs is -2"}, {INT64_MAX, 0, 0, "timeoutMs is"},
        {-1, -1, 0, "port is -1"},     {-1, 65536, 0, "port is 65536"},
        {-1, INT64_MIN, 0, "port is"}, {-1, 0, 2, "bindMode is 2"},
        {-1, 0, -1, "bindMode is -1"}, {-1, 0, INT64_MAX, "bindMode is"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const cb_value all[] = {fake_text("Answer"), fake_integer(wrong[i].timeout_ms),
                                fake_integer(wrong[i].port), fake_integer(wrong[i].mode)};
        fake_reset();
        CU_ASSERT_EQUAL(fake_call(http, "Open", all, 4), CB_INVALID);
        CU_ASSERT(strstr(fake.error, wrong[i].text) != NULL);
        CU_ASSERT_EQUAL(fake.opens, 0);
    }
}

static void test_the_two_steps_of_a_close(void)
{
    fake_reset();
    CU_ASSERT_EQUAL(call("RouteClose"), CB_OK);
    CU_ASSERT(!fake.close_waits && fake.value == 1);
    CU_ASSERT_EQUAL(call("Close"), CB_OK);
    CU_ASSERT(fake.close_waits && fake.value == 1);
    fake.happened = 0; /* it was not the first */
    CU_ASSERT_EQUAL(call("Close"), CB_OK);
    CU_ASSERT_EQUAL(fake.value, 0);
    CU_ASSERT_EQUAL(call("RouteClose"), CB_OK);
    CU_ASSERT_EQUAL(fake.value, 0);
}

static void test_what_the_host_refuses(void)
{
    for (size_t i = 0; i < http->verb_count; i++) {
        const cb_verb *verb = &http->verbs[i];
        if (!is_about_a_listener(verb))
            continue;
        fake_reset();
        fake.answer = CB_STOPPED;
        CU_ASSERT_EQUAL(call(verb->name), CB_STOPPED);
        CU_ASSERT_STRING_EQUAL(fake.error, "");
        fake_reset();
        fake.answer = CB_UNKNOWN;
        CU_ASSERT_EQUAL(call(verb->name), CB_UNKNOWN);
        CU_ASSERT_STRING_EQUAL(fake.error, "no listener 1");
    }
    static const char *const waiting[] = {"Close", "RouteClose", "WaitDrained", "WaitRouteDrained"};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        fake_reset();
        fake.answer = CB_LIMIT;
        CU_ASSERT_EQUAL(call(waiting[i]), CB_LIMIT);
        CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_WAITS") != NULL);
    }
}

static void check_text(const char *verb, const char *wanted)
{
    CU_ASSERT_EQUAL(call(verb), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.result);
    CU_ASSERT_EQUAL(fake.result->size, strlen(wanted));
    CU_ASSERT_EQUAL(memcmp(fake.result->data, wanted, strlen(wanted)), 0);
}

static void test_texts(void)
{
    fake_reset();
    fake.bytes = "a b=c";
    check_text("Info", "id=1 state=open callback=a%20b%3Dc timeout=1 port=1 bind=any bindCode=1 "
                       "active=1");
    CU_ASSERT_EQUAL(fake.asks, 1); /* one state */
    fake_reset();
    fake.value = 0;
    check_text("RouteInfo", "id=1 state=closed stateCode=0 callback= timeout=0 port=0 bind=local "
                            "bindCode=0 drained=0 pending=0 queued=0 running=0 active=0");
    fake_reset();
    check_text("RouteCloseInfo",
               "id=1 state=open callback= timeout=1 port=1 bind=any drained=1 pending=1 queued=1 "
               "running=1 active=1 closeAccepted=1 closedQueued=1");
    fake_reset();
    check_text("BindModeText", "any");
    fake.value = 0;
    check_text("BindModeText", "local");
}

static void test_no_memory(void)
{
    static const char *const needy[] = {"Info", "RouteInfo", "RouteCloseInfo", "StateText",
                                        "BindModeText"};
    for (size_t i = 0; i < sizeof needy / sizeof needy[0]; i++) {
        fake_reset();
        fake.no_memory = true;
        CU_ASSERT_EQUAL(call(needy[i]), CB_NO_MEMORY);
    }
    const cb_plugin *nbio = fake_load("nbio/NbioPlugin");
    CU_ASSERT_PTR_NOT_NULL_FATAL(nbio);
    const cb_value file[] = {fake_text("/proc/self"), fake_text("none")};
    fake_reset();
    fake.no_memory = true;
    CU_ASSERT_EQUAL(fake_call(nbio, "ReadFileNow", file, 2), CB_NO_MEMORY);
    fake_reset();
}

int main(void)
{
    values[0] = fake_integer(1);
    values[1] = fake_integer(1);
    http = fake_load("callback_http_listener/CallbackHttpListenerPlugin");
    if (http == NULL || CU_initialize_registry() != CUE_SUCCESS)
        return 1;

    CU_pSuite suite = CU_add_suite("callbackhttp", NULL, NULL);
    CU_ADD_TEST(suite, test_open_passes_on_where);
    CU_ADD_TEST(suite, test_open_refuses_what_is_out_of_range);
    CU_ADD_TEST(suite, test_the_two_steps_of_a_close);
    CU_ADD_TEST(suite, test_what_the_host_refuses);
    CU_ADD_TEST(suite, test_texts);
    CU_ADD_TEST(suite, test_no_memory);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    fake_reset();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}
