/* callbackworker and callbacklistener against a host that refuses: what is asked of it, and what
 * each of its answers is called. */
#include <stdio.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "tests/unit/plugin_host_double.h"

static const cb_plugin *worker;
static const cb_plugin *listener;

static cb_status call_worker(const char *verb, const cb_value *values, uint32_t count)
{
    return fake_call(worker, verb, values, count);
}

/* Arguments for any verb whose first is an id. */
static cb_status call_about_id(const cb_plugin *plugin, const char *verb)
{
    const cb_value values[] = {fake_integer(7), fake_integer(1)};
    return fake_call(plugin, verb, values, 2);
}

static cb_status start(const char *text, int64_t timeout_ms)
{
    const cb_value values[] = {
        {.type = CB_TYPE_CALLBACK, .integer = 42, .data = (const uint8_t *)"Echo", .size = 4},
        fake_text(text),
        fake_integer(timeout_ms),
    };
    return call_worker("StartBorrowedText", values, 3);
}

static cb_status send_text(const char *text)
{
    const cb_value value = fake_text(text);
    return fake_call(listener, "SendBorrowedText", &value, 1);
}

static cb_status send_text_to(int64_t id, const char *text)
{
    const cb_value values[] = {fake_integer(id), fake_text(text)};
    return fake_call(listener, "SendBorrowedTextTo", values, 2);
}

static void test_a_start_carries_its_callback_and_limit(void)
{
    fake_reset();
    CU_ASSERT_EQUAL(start("hello", 250), CB_OK);
    CU_ASSERT_EQUAL(fake.starts, 1);
    CU_ASSERT_EQUAL(fake.started.route_id, CB_START_ALONE);
    CU_ASSERT_EQUAL(fake.started.entry, 42);
    CU_ASSERT_EQUAL(fake.started.timeout_ms, 250);
    CU_ASSERT_EQUAL(fake.started_size, 5);
    CU_ASSERT_EQUAL(fake.value, 1); /* the id */
}

static void test_no_bytes_need_no_memory(void)
{
    fake_reset();
    fake.no_memory = true;
    CU_ASSERT_EQUAL(start("", -1), CB_OK);
    CU_ASSERT_EQUAL(start("x", -1), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(fake.starts, 1);
    CU_ASSERT_EQUAL(send_text("x"), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(send_text_to(1, "x"), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(fake.starts, 1);
    CU_ASSERT_EQUAL(send_text(""), CB_OK);
    CU_ASSERT_EQUAL(fake.starts, 2);
}

static void test_a_wrong_limit_starts_nothing(void)
{
    static const int64_t wrong[] = {-2, INT64_MIN, (int64_t)INT32_MAX + 1, INT64_MAX};
    fake_reset();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CU_ASSERT_EQUAL(start("x", wrong[i]), CB_INVALID);
        CU_ASSERT(strstr(fake.error, "timeoutMs is ") != NULL);
    }
    CU_ASSERT_EQUAL(fake.starts, 0);
}

static void test_a_send_goes_where_it_is_told(void)
{
    fake_reset();
    CU_ASSERT_EQUAL(send_text("x"), CB_OK);
    CU_ASSERT_EQUAL(fake.started.route_id, CB_START_ONLY);
    CU_ASSERT_EQUAL(fake.started.timeout_ms, -1);
    CU_ASSERT_EQUAL(send_text_to(9, "x"), CB_OK);
    CU_ASSERT_EQUAL(fake.started.route_id, 9);
    CU_ASSERT_EQUAL(fake.starts, 2);
}

/* 0 and -1 have a meaning for the host, but they are no subscription's id. */
static void test_ids_that_mean_something_else_are_unknown(void)
{
    static const int64_t ids[] = {0, -1, INT64_MIN};
    fake_reset();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char text[64];
        CU_ASSERT_EQUAL(send_text_to(ids[i], "x"), CB_UNKNOWN);
        (void)snprintf(text, sizeof text, "no subscription %lld", (long long)ids[i]);
        CU_ASSERT_STRING_EQUAL(fake.error, text);
    }
    CU_ASSERT_EQUAL(fake.starts, 0);
}

static void expect(cb_status answer, cb_status (*act)(void), const char *text)
{
    fake_reset();
    fake.answer = answer;
    CU_ASSERT_EQUAL(act(), answer);
    CU_ASSERT_STRING_EQUAL(fake.error, text);
}

static cb_status act_start(void)
{
    return start("x", 1);
}

static cb_status act_send(void)
{
    return send_text("x");
}

static cb_status act_send_to(void)
{
    return send_text_to(7, "x");
}

static cb_status act_cancel(void)
{
    return call_about_id(worker, "Cancel");
}

static cb_status act_close(void)
{
    return call_worker("Close", NULL, 0);
}

static void test_answers_have_words(void)
{
    static const char only[] = "callbacklistener.Send requires exactly one open subscription";
    static const char full[] = "too many jobs wait to run on the subscription "
                               "(CALLBOARD_MAX_QUEUED) or to be taken (CALLBOARD_MAX_UNTAKEN)";
    expect(CB_CLOSED, act_start, "callbackworker is closed");
    expect(CB_LIMIT, act_start, "too many jobs are started and not taken (CALLBOARD_MAX_UNTAKEN)");
    expect(CB_MISMATCH, act_send, only);
    expect(CB_LIMIT, act_send, full);
    expect(CB_LIMIT, act_send_to, full);
    expect(CB_UNKNOWN, act_send_to, "no subscription 7");
    expect(CB_CLOSED, act_send_to, "subscription 7 is closed");
    expect(CB_UNKNOWN, act_cancel, "no job 7");
    expect(CB_LIMIT, act_cancel, "too many waits are open (CALLBOARD_MAX_WAITS)");
    expect(CB_LIMIT, act_close, "too many waits are open (CALLBOARD_MAX_WAITS)");
    cb_status (*const all[])(void) = {act_start, act_send, act_send_to, act_cancel, act_close};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        expect(CB_STOPPED, all[i], "");
        expect(CB_IO, all[i], "");
    }
}

static void test_a_wait_takes_or_says_why_not(void)
{
    const cb_value in_time[] = {fake_integer(7), fake_integer(250)};
    const cb_value for_ever[] = {fake_integer(7), fake_integer(-1)};
    fake_reset();
    fake.happened = 0; /* it has completed, so there is no wait */
    CU_ASSERT_EQUAL(call_worker("Wait", in_time, 2), CB_OK);
    CU_ASSERT_EQUAL(fake.takes, 1);
    CU_ASSERT_PTR_NOT_NULL(fake.result);

    fake_reset();
    fake.early_takes = 1;
    CU_ASSERT_EQUAL(call_worker("Wait", in_time, 2), CB_OK);
    CU_ASSERT_EQUAL(fake.takes, 2);
    CU_ASSERT_PTR_NOT_NULL(fake.result);

    fake_reset();
    fake.early_takes = 2;
    fake.happened = 0;
    CU_ASSERT_EQUAL(call_worker("Wait", in_time, 2), CB_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(fake.error, "job 7 has not completed after 250 ms");
    CU_ASSERT_EQUAL(call_worker("Wait", for_ever, 2), CB_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(fake.error, "the shutdown began before job 7 completed");
    CU_ASSERT_EQUAL(fake.takes, 2);
    CU_ASSERT_PTR_NULL(fake.result);

    fake_reset();
    fake.take_as_blob = CB_NO_RESULT;
    fake.job_status = CB_JOB_CALLBACK_TIMEOUT;
    CU_ASSERT_EQUAL(call_worker("Wait", in_time, 2), CB_NO_RESULT);
    CU_ASSERT_STRING_EQUAL(fake.error, "job 7 failed: callback timeout: bytes");

    fake_reset();
    fake.answer = CB_LIMIT;
    fake.early_takes = 1;
    CU_ASSERT_EQUAL(call_worker("Wait", in_time, 2), CB_LIMIT);
    CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_WAITS") != NULL);
}

/* What an unknown id is called, in every verb that has one. */
static void expect_named(const cb_plugin *plugin)
{
    for (size_t i = 0; i < plugin->verb_count; i++) {
        const cb_verb *verb = &plugin->verbs[i];
        bool of_route = strstr(verb->signature, "(i64 subscriptionId") != NULL;
        if (!of_route && strstr(verb->signature, "(i64 jobId") == NULL)
            continue;
        fake_reset();
        fake.answer = fake.asked = CB_UNKNOWN;
        fake.take_as_text = fake.take_as_blob = CB_UNKNOWN;
        cb_value values[] = {fake_integer(7), fake_text("x")};
        values[1].integer = 1; /* so that it goes for a number too */
        CU_ASSERT_EQUAL(fake_call(plugin, verb->name, values, 2), CB_UNKNOWN);
        if (fake.error[0] == '\0') { /* each question has its own answer */
            fake.answer = CB_OK;
            CU_ASSERT_EQUAL(fake_call(plugin, verb->name, values, 2), CB_UNKNOWN);
        }
        CU_ASSERT_STRING_EQUAL(fake.error, of_route ? "no subscription 7" : "no job 7");
    }
}

static void test_unknown_ids_are_named(void)
{
    expect_named(worker);
    expect_named(listener);
}

static const cb_verb *find(const char *name)
{
    for (size_t i = 0; i < listener->verb_count; i++)
        if (strcmp(listener->verbs[i].name, name) == 0)
            return &listener->verbs[i];
    return NULL;
}

/* Every Subscription* has its Route*, and the other way round. */
static void test_two_names_share_a_handler(void)
{
    unsigned pairs = 0;
    for (size_t i = 0; i < listener->verb_count; i++) {
        const cb_verb *verb = &listener->verbs[i];
        const char *at = strstr(verb->name, "Subscription");
        if (at == NULL || strcmp(verb->name, "JobSubscription") == 0)
            continue;
        char other[64];
        (void)snprintf(other, sizeof other, "%.*sRoute%s", (int)(at - verb->name), verb->name,
                       at + strlen("Subscription"));
        const cb_verb *route = find(other);
        CU_ASSERT_PTR_NOT_NULL_FATAL(route);
        CU_ASSERT(route->run == verb->run);
        CU_ASSERT_STRING_EQUAL(route->signature, verb->signature);
        pairs++;
    }
    CU_ASSERT_EQUAL(pairs, 16);
    CU_ASSERT(find("JobRoute")->run == find("JobSubscription")->run);
    CU_ASSERT(find("Take")->run == find("TakeBlob")->run);
}

static void test_info_is_one_state(void)
{
    fake_reset();
    fake.bytes = "Echo";
    CU_ASSERT_EQUAL(call_about_id(listener, "SubscriptionInfo"), CB_OK);
    CU_ASSERT_EQUAL(fake.asks, 1);
    static const char route[] = "id=7 state=open callback=Echo timeoutMs=1 pending=1 queued=1 "
                                "running=1 drained=1 closeAccepted=1 closedQueued=1 accepted=1 "
                                "completed=1 failed=1 dropped=1";
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.result);
    CU_ASSERT_EQUAL(fake.result->size, sizeof route - 1);
    CU_ASSERT_EQUAL(memcmp(fake.result->data, route, sizeof route - 1), 0);

    fake_reset();
    fake.bytes = "why so";
    CU_ASSERT_EQUAL(call_about_id(worker, "JobInfo"), CB_OK);
    static const char job[] = "id=7 phase=running status=1 statusText=connect%20failed timeoutMs=1 "
                              "hasBlobResult=1 blobResultSize=1 error=why%20so";
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.result);
    CU_ASSERT_EQUAL(fake.result->size, sizeof job - 1);
    CU_ASSERT_EQUAL(memcmp(fake.result->data, job, sizeof job - 1), 0);
}

int main(void)
{
    worker = fake_load("callback_worker/CallbackWorkerPlugin");
    listener = fake_load("callback_listener/CallbackListenerPlugin");
    if (worker == NULL || listener == NULL || CU_initialize_registry() != CUE_SUCCESS)
        return 1;

    CU_pSuite suite = CU_add_suite("callbackworker and callbacklistener", NULL, NULL);
    CU_ADD_TEST(suite, test_a_start_carries_its_callback_and_limit);
    CU_ADD_TEST(suite, test_no_bytes_need_no_memory);
    CU_ADD_TEST(suite, test_a_wrong_limit_starts_nothing);
    CU_ADD_TEST(suite, test_a_send_goes_where_it_is_told);
    CU_ADD_TEST(suite, test_ids_that_mean_something_else_are_unknown);
    CU_ADD_TEST(suite, test_answers_have_words);
    CU_ADD_TEST(suite, test_a_wait_takes_or_says_why_not);
    CU_ADD_TEST(suite, test_unknown_ids_are_named);
    CU_ADD_TEST(suite, test_two_names_share_a_handler);
    CU_ADD_TEST(suite, test_info_is_one_state);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    fake_reset();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}
