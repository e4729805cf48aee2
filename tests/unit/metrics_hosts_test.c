/* By which hosts the metrics may be asked for: both sides of it. */
#include "actors/metrics/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

static const char names[] = "metrics.example.org, Box-7\tmy_box ,,last.";

/* The bytes behind the host are no part of it. */
static bool knows(const char *told, const char *host)
{
    char bytes[512];
    size_t size = strlen(host);
    snprintf(bytes, sizeof bytes, "%s0.0.1 localhost", host);
    return cb_metrics_knows_host(told, bytes, size);
}

static void expect(const char *told, bool known, const char *const hosts[])
{
    for (; *hosts != NULL; hosts++) {
        bool is = knows(told, *hosts);
        CU_ASSERT_EQUAL(is, known);
        if (is != known)
            fprintf(stderr, "  '%s' is %sknown\n", *hosts, is ? "" : "not ");
    }
}

static void test_addresses(void)
{
    const char *const known[] = {"127.0.0.1",
                                 "127.0.0.1:9464",
                                 "127.0.0.1:",
                                 "127.0.0.1:0",
                                 "10.1.2.3:65535",
                                 "0.0.0.0",
                                 "255.255.255.255",
                                 "[::1]",
                                 "[::1]:9464",
                                 "[::]:1",
                                 "[FE80::1]",
                                 "[::ffff:127.0.0.1]:9464",
                                 "[2001:db8:0:0:0:0:0:1]",
                                 NULL};
    expect(NULL, true, known);
    expect("", true, known);
    expect(names, true, known);
}

/* A resolver might take some of these for addresses; a browser sends none of them. */
static void test_odd_addresses(void)
{
    const char *const unknown[] = {"127.1",
                                   "127.0.0.1.",
                                   "127.0.0.01",
                                   "0x7f.0.0.1",
                                   "0177.0.0.1",
                                   "2130706433",
                                   "127.0.0.256",
                                   "127.0.0.1.example.org",
                                   "1.2.3.4.5",
                                   "::1",
                                   "::1:9464",
                                   "[::1",
                                   "[]",
                                   "[]:9464",
                                   "[::1%25lo]",
                                   "[127.0.0.1]",
                                   "[localhost]",
                                   "[v1.localhost]",
                                   "[metrics.example.org]",
                                   "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:1]",
                                   NULL};
    expect(names, false, unknown);
}

static void test_localhost(void)
{
    const char *const known[] = {"localhost",     "LocalHost",   "LOCALHOST:9464", "localhost.",
                                 "localhost.:80", "localhost:0", "localhost:",     NULL};
    const char *const unknown[] = {"localhost..",
                                   "localhos",
                                   "localhostx",
                                   "localhost.localdomain",
                                   "a.localhost",
                                   "xlocalhost",
                                   "local%68ost",
                                   "localhost,evil",
                                   ".localhost",
                                   ".",
                                   "",
                                   ":9464",
                                   NULL};
    expect(NULL, true, known);
    expect(names, true, known);
    expect(NULL, false, unknown);
    expect(names, false, unknown);
}

static void test_names(void)
{
    const char *const known[] = {"metrics.example.org",
                                 "METRICS.example.ORG:9464",
                                 "metrics.example.org.",
                                 "metrics.example.org.:1",
                                 "box-7",
                                 "Box-7:80",
                                 "my_box",
                                 "MY_BOX.",
                                 "last",
                                 "last.",
                                 "last:9464",
                                 NULL};
    const char *const unknown[] = {"evil.example.org",
                                   "example.org",
                                   "metrics.example.or",
                                   "metrics.example.orgx",
                                   "xmetrics.example.org",
                                   "metrics.example.org..",
                                   "metrics.example.org.evil",
                                   "metrics",
                                   "box-70",
                                   "box",
                                   "my_box,",
                                   ",",
                                   "lastx",
                                   "las",
                                   NULL};
    expect(names, true, known);
    expect(names, false, unknown);
    expect(NULL, false, known);
    expect(", \t,", false, known);
}

static bool is_good(const char *told)
{
    cb_error error = {.status = CB_OK};
    cb_status status = cb_metrics_check_hosts(told, &error);
    CU_ASSERT_EQUAL(status, error.status);
    return status == CB_OK;
}

static void test_what_can_be_a_name(void)
{
    const char *const good[] = {"", " ", ",", "a", "a,b", " a\tb ", "a.b-c_d.0", "127.0.0.1", "a."};
    const char *const bad[] = {"a:9464",  "[::1]", "http://a", "a/metrics", "*",   "*.example.org",
                               "a, b c:", "a;b",   "\xC3\xA9", ".a",        "a\n", "."};
    char longest[256];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(is_good(good[i]));
    CU_ASSERT(is_good(NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(is_good(bad[i]));
    memset(longest, 'n', sizeof longest);
    longest[253] = '\0';
    CU_ASSERT(is_good(longest));
    CU_ASSERT(knows(longest, longest));
    longest[253] = 'n';
    longest[254] = '\0';
    CU_ASSERT_FALSE(is_good(longest));
    cb_error error;
    (void)cb_metrics_check_hosts("good, bad:1, worse:2", &error);
    CU_ASSERT_STRING_EQUAL(error.text, "what metrics may be asked for by is a host's name without "
                                       "a port, and not 'bad:1'");
}

int main(void)
{
    static const CU_TestInfo tests[] = {{"addresses", test_addresses},
                                        {"odd addresses", test_odd_addresses},
                                        {"localhost", test_localhost},
                                        {"names", test_names},
                                        {"what can be a name", test_what_can_be_a_name},
                                        CU_TEST_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("hosts of the metrics", NULL, NULL);
    for (const CU_TestInfo *test = tests; test->pName != NULL; test++)
        CU_add_test(suite, test->pName, test->pTestFunc);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
