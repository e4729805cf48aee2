/* The plugins against a host that refuses: what no script can bring about at will. */
#include <stdio.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "bridge/lang/signature.h"
#include "tests/unit/plugin_host_double.h"

typedef struct expected {
    const char *path;
    const char *name_space;
    size_t verbs;
} expected;

static const expected plugins[] = {
    {"print/PrintPlugin", "", 1},
    {"async_meta/AsyncMetaPlugin", "asyncmeta", 44},
    {"callback_tcp_listener/CallbackTcpListenerPlugin", "callbacktcp", 62},
    {"callback_http_listener/CallbackHttpListenerPlugin", "callbackhttp", 35},
    {"callback_worker/CallbackWorkerPlugin", "callbackworker", 20},
    {"callback_listener/CallbackListenerPlugin", "callbacklistener", 56},
    {"async_tcp/AsyncTcpPlugin", "asynctcp", 56},
    {"str/StrPlugin", "str", 20},
    {"blob/BlobPlugin", "blob", 21},
    {"timer/TimerPlugin", "timer", 3},
    {"random/RandomPlugin", "random", 8},
    {"script_state/ScriptStatePlugin", "script_state", 6},
    {"web_util/WebUtilPlugin", "web", 15},
};

static const cb_plugin *tcp;

/* Arguments that go with any verb of callbacktcp but Open. */
static cb_value values[3];

static cb_status call_tcp(const char *verb)
{
    return fake_call(tcp, verb, values, 3);
}

static void test_tables_can_be_read(void)
{
    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
        const cb_plugin *plugin = fake_load(plugins[i].path);
        CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
        CU_ASSERT_EQUAL(plugin->abi, CB_PLUGIN_ABI);
        CU_ASSERT_STRING_EQUAL(plugin->name_space, plugins[i].name_space);
        CU_ASSERT_EQUAL(plugin->verb_count, plugins[i].verbs);
        for (size_t k = 0; k < plugin->verb_count; k++) {
            const cb_verb *verb = &plugin->verbs[k];
            cb_signature signature;
            cb_error error;
            CU_ASSERT_EQUAL(cb_signature_parse(verb->signature, &signature, &error), CB_OK);
            CU_ASSERT(verb->run != NULL && strlen(verb->summary) > 0);
            CU_ASSERT(verb->summary[strlen(verb->summary) - 1] != '.');
            for (size_t other = 0; other < k; other++)
                CU_ASSERT(strcmp(plugin->verbs[other].name, verb->name) != 0);
        }
    }
}

static const cb_verb *find(const char *name)
{
    for (size_t i = 0; i < tcp->verb_count; i++)
        if (strcmp(tcp->verbs[i].name, name) == 0)
            return &tcp->verbs[i];
    return NULL;
}

static void test_synonyms_share_a_handler(void)
{
    static const char *const pairs[][2] = {
        {"RouteState", "State"},
        {"RouteStateText", "StateText"},
        {"RouteInfo", "Info"},
        {"RoutePending", "Pending"},
        {"RouteQueued", "Queued"},
        {"RouteRunning", "Running"},
        {"RouteDrained", "Drained"},
        {"WaitRouteDrained", "WaitDrained"},
        {"RouteClose", "Close"},
        {"RequestPhase", "Phase"},
        {"RequestPhaseText", "PhaseText"},
        {"RequestStatus", "Status"},
        {"RequestStatusText", "StatusText"},
        {"RequestError", "ErrorText"},
        {"RequestInfo", "JobInfo"},
        {"JobRoute", "RequestRoute"},
        {"RequestTimeout", "JobTimeout"},
        {"JobKnown", "RequestKnown"},
        {"RequestMeta", "JobMeta"},
        {"JobHasBlobResult", "RequestHasBlobResult"},
        {"RequestBlobResultSize", "JobBlobResultSize"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const cb_verb *a = find(pairs[i][0]);
        const cb_verb *b = find(pairs[i][1]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        CU_ASSERT_PTR_NOT_NULL_FATAL(b);
        CU_ASSERT(a->run == b->run);
        CU_ASSERT_STRING_EQUAL(a->signature, b->signature);
    }
}

/* A verb that is stopped says nothing of its own, whichever host function said so. */
static void test_stopped_is_handed_on(void)
{
    for (size_t i = 0; i < tcp->verb_count; i++) {
        if (strcmp(tcp->verbs[i].name, "Capabilities") == 0)
            continue;
        fake_reset();
        fake.answer = fake.take_as_text = fake.take_as_blob = CB_STOPPED;
        CU_ASSERT_EQUAL(call_tcp(tcp->verbs[i].name), CB_STOPPED);
        CU_ASSERT_STRING_EQUAL(fake.error, "");
    }
}

static void test_unknown_ids_are_named(void)
{
    for (size_t i = 0; i < tcp->verb_count; i++) {
        const char *name = tcp->verbs[i].name;
        const char *signature = tcp->verbs[i].signature;
        if (strstr(signature, "listenerId") == NULL && strstr(signature, "requestId") == NULL)
            continue;
        fake_reset();
        fake.asked = CB_UNKNOWN;
        bool asks = call_tcp(name) != CB_OK || fake.asks > 0;
        if (!asks || fake.asks == 0) {
            fake_reset();
            fake.answer = CB_UNKNOWN;
            fake.take_as_text = fake.take_as_blob = CB_UNKNOWN;
            CU_ASSERT_EQUAL(call_tcp(name), CB_UNKNOWN);
        }
        const char *text =
            strstr(signature, "listenerId") != NULL ? "no listener 1" : "no request 1";
        CU_ASSERT_STRING_EQUAL(fake.error, text);
    }
}

static void test_a_shutdown_ends_a_request(void)
{
    fake_reset();
    fake.happened = 0;
    CU_ASSERT_EQUAL(call_tcp("RequestText"), CB_TIMEOUT);
    CU_ASSERT(strstr(fake.error, "shutdown") != NULL);
    CU_ASSERT_EQUAL(fake.takes, 0);
}

/* Nobody knows the id of a request that RequestText began, so it must not stay behind. */
static void test_a_nul_in_a_response_leaves_nothing(void)
{
    fake_reset();
    fake.take_as_text = CB_FORMAT;
    CU_ASSERT_EQUAL(call_tcp("RequestText"), CB_FORMAT);
    CU_ASSERT(strstr(fake.error, "RequestBlob") != NULL);
    CU_ASSERT_EQUAL(fake.takes, 2);

    fake_reset();
    fake.take_as_text = CB_FORMAT;
    CU_ASSERT_EQUAL(call_tcp("TakeTextResponse"), CB_FORMAT);
    CU_ASSERT(strstr(fake.error, "TakeBlob") != NULL);
    CU_ASSERT_EQUAL(fake.takes, 1);
}

static void test_failed_requests_say_why(void)
{
    fake_reset();
    fake.take_as_text = CB_NO_RESULT;
    fake.job_status = CB_JOB_CALLBACK_FAILED;
    CU_ASSERT_EQUAL(call_tcp("RequestText"), CB_NO_RESULT);
    CU_ASSERT_STRING_EQUAL(fake.error, "the request to listener 1 failed: callback failed: bytes");
    CU_ASSERT_EQUAL(call_tcp("TakeTextResponse"), CB_NO_RESULT);
    CU_ASSERT_STRING_EQUAL(fake.error, "request 1 failed: callback failed: bytes");

    fake.job_status = CB_JOB_CONNECT_FAILED; /* while the listener is closed */
    fake.value = 0;
    CU_ASSERT_EQUAL(call_tcp("RequestText"), CB_CLOSED);
    CU_ASSERT_STRING_EQUAL(fake.error, "listener 1 is closed");
    fake.value = 1; /* while it is open */
    CU_ASSERT_EQUAL(call_tcp("RequestText"), CB_NO_RESULT);
    CU_ASSERT_STRING_EQUAL(fake.error, "the request to listener 1 failed: connect failed: bytes");
}

static void test_info_is_one_state_and_stays_whole(void)
{
    fake_reset();
    fake.bytes = "a b=c%\x01\x7f";
    CU_ASSERT_EQUAL(call_tcp("Info"), CB_OK);
    CU_ASSERT_EQUAL(fake.asks, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.result);
    static const char wanted[] = "id=1 state=open port=1 callback=a%20b%3Dc%25%01%7F timeoutMs=1 "
                                 "active=1 pending=1 queued=1 running=1 drained=1 closeAccepted=1 "
                                 "closedQueued=1 accepted=1 completed=1 failed=1 dropped=1";
    CU_ASSERT_EQUAL(fake.result->size, sizeof wanted - 1);
    CU_ASSERT_EQUAL(memcmp(fake.result->data, wanted, sizeof wanted - 1), 0);
}

/* Every verb that needs memory says so and leaks nothing (a sanitizer watches). */
static void test_no_memory(void)
{
    static const char *const needy[] = {"StateText",  "Info",          "JobInfo",
                                        "PhaseText",  "RequestText",   "BeginTextRequest",
                                        "StatusText", "RouteCloseInfo"};
    for (size_t i = 0; i < sizeof needy / sizeof needy[0]; i++) {
        fake_reset();
        fake.no_memory = true;
        fake.bytes = "x";
        CU_ASSERT_EQUAL(call_tcp(needy[i]), CB_NO_MEMORY);
    }
    const cb_plugin *str = fake_load("str/StrPlugin");
    CU_ASSERT_PTR_NOT_NULL_FATAL(str);
    const cb_value texts[] = {fake_text("abab"), fake_text("b"), fake_text("c")};
    static const char *const makers[] = {"Upper", "Lower", "Replace", "Concat", "Trim"};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        fake_reset();
        fake.no_memory = true;
        CU_ASSERT_EQUAL(fake_call(str, makers[i], texts, 3), CB_NO_MEMORY);
    }
    const cb_plugin *web = fake_load("web_util/WebUtilPlugin");
    CU_ASSERT_PTR_NOT_NULL_FATAL(web);
    static const char *const escapes[] = {"HtmlEscape", "UrlEncode", "UrlDecode", "Base64Encode",
                                          "Base64Decode"};
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        fake_reset();
        fake.no_memory = true;
        CU_ASSERT_EQUAL(fake_call(web, escapes[i], texts, 1), CB_NO_MEMORY);
    }
    const cb_value response[] = {fake_integer(200), fake_text("text/plain"), fake_text("body")};
    CU_ASSERT_EQUAL(fake_call(web, "HttpTextResponse", response, 3), CB_NO_MEMORY);
    const cb_plugin *random = fake_load("random/RandomPlugin");
    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    const cb_value count = fake_integer(8);
    fake_reset();
    CU_ASSERT_EQUAL(fake_call(random, "Seed", &count, 1), CB_OK);
    fake.no_memory = true; /* from now on; the generator is there */
    CU_ASSERT_EQUAL(fake_call(random, "NextBytes", &count, 1), CB_NO_MEMORY);
    fake_reset();
    fake.no_memory = true;
    CU_ASSERT_EQUAL(fake_call(random, "NextInt", &count, 0), CB_NO_MEMORY);
    fake_reset();
}

static void test_limits_are_named(void)
{
    fake_reset();
    fake.answer = CB_LIMIT;
    CU_ASSERT_EQUAL(call_tcp("BeginTextRequest"), CB_LIMIT);
    CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_UNTAKEN") != NULL);
    CU_ASSERT_EQUAL(call_tcp("WaitComplete"), CB_LIMIT);
    CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_WAITS") != NULL);
    CU_ASSERT_EQUAL(call_tcp("WaitDrained"), CB_LIMIT);
    CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_WAITS") != NULL);
    CU_ASSERT_EQUAL(call_tcp("Close"), CB_LIMIT);
    CU_ASSERT(strstr(fake.error, "CALLBOARD_MAX_WAITS") != NULL);
}

static void test_time_limits_are_checked_before_anything_is_done(void)
{
    static const int64_t wrong[] = {-2, INT32_MIN, INT64_MIN, (int64_t)INT32_MAX + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const cb_value open[] = {fake_text("Echo"), fake_integer(wrong[i])};
        fake_reset();
        CU_ASSERT_EQUAL(fake_call(tcp, "Open", open, 2), CB_INVALID);
        CU_ASSERT(strstr(fake.error, "timeoutMs") != NULL);
        CU_ASSERT_EQUAL(fake.opens, 0);
    }
}

static void test_a_sleep_cut_short_says_so(void)
{
    const cb_plugin *timer = fake_load("timer/TimerPlugin");
    CU_ASSERT_PTR_NOT_NULL_FATAL(timer);
    const cb_value hour = fake_integer(3600000);
    const cb_value no_time = fake_integer(0);
    fake_reset();
    CU_ASSERT_EQUAL(fake_call(timer, "SleepMs", &hour, 1), CB_OK);
    CU_ASSERT_EQUAL(fake.value, 0);
    CU_ASSERT_EQUAL(fake_call(timer, "SleepMs", &no_time, 1), CB_OK);
    CU_ASSERT_EQUAL(fake.value, 1);
    fake.answer = CB_STOPPED;
    CU_ASSERT_EQUAL(fake_call(timer, "SleepMs", &hour, 1), CB_STOPPED);
}

int main(void)
{
    values[0] = fake_integer(1);
    values[1] = fake_text("text");
    values[1].integer = 1;
    values[2] = fake_integer(1);
    tcp = fake_load("callback_tcp_listener/CallbackTcpListenerPlugin");
    if (tcp == NULL || CU_initialize_registry() != CUE_SUCCESS)
        return 1;

    CU_pSuite suite = CU_add_suite("plugins", NULL, NULL);
    CU_ADD_TEST(suite, test_tables_can_be_read);
    CU_ADD_TEST(suite, test_synonyms_share_a_handler);
    CU_ADD_TEST(suite, test_stopped_is_handed_on);
    CU_ADD_TEST(suite, test_unknown_ids_are_named);
    CU_ADD_TEST(suite, test_a_shutdown_ends_a_request);
    CU_ADD_TEST(suite, test_a_nul_in_a_response_leaves_nothing);
    CU_ADD_TEST(suite, test_failed_requests_say_why);
    CU_ADD_TEST(suite, test_info_is_one_state_and_stays_whole);
    CU_ADD_TEST(suite, test_no_memory);
    CU_ADD_TEST(suite, test_limits_are_named);
    CU_ADD_TEST(suite, test_time_limits_are_checked_before_anything_is_done);
    CU_ADD_TEST(suite, test_a_sleep_cut_short_says_so);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    fake_reset();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}
