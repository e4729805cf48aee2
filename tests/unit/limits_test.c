#include "callboard/limits.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

typedef struct row {
    const char *variable;
    int64_t standard;
    int64_t least;
    int64_t most;
    size_t offset;
} row;

static const row rows[] = {
#define ROW(field, value, least, most, variable, reason)                                           \
    {variable, value, least, most, offsetof(cb_limits, field)},
    CB_LIMITS(ROW)
#undef ROW
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static int64_t value_of(const cb_limits *limits, const row *which)
{
    int64_t value;
    memcpy(&value, (const char *)limits + which->offset, sizeof value);
    return value;
}

static void clear_environment(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        unsetenv(rows[i].variable);
    }
}

static void test_defaults_are_in_range(void)
{
    cb_limits limits = cb_limits_default();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        CU_ASSERT_EQUAL(value_of(&limits, &rows[i]), rows[i].standard);
        CU_ASSERT(rows[i].least <= rows[i].standard && rows[i].standard <= rows[i].most);
    }
    CU_ASSERT_EQUAL(limits.max_actors, 1024);
    CU_ASSERT_EQUAL(limits.tcp_quiet_ms, 20);
}

static void test_an_empty_environment_gives_the_defaults(void)
{
    clear_environment();
    cb_limits limits;
    cb_limits standard = cb_limits_default();
    memset(&limits, 0x55, sizeof limits);
    CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, NULL), CB_OK);
    CU_ASSERT_EQUAL(memcmp(&limits, &standard, sizeof limits), 0);
}

static void test_each_variable_takes_its_ends(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const int64_t ends[] = {rows[i].least, rows[i].most};
        for (size_t end = 0; end < 2; end++) {
            clear_environment();
            char text[32];
            snprintf(text, sizeof text, "%" PRId64, ends[end]);
            setenv(rows[i].variable, text, 1);
            cb_limits limits;
            CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, NULL), CB_OK);
            CU_ASSERT_EQUAL(value_of(&limits, &rows[i]), ends[end]);
        }
    }
    clear_environment();
}

static void test_each_variable_refuses_what_is_outside(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const int64_t outside[] = {rows[i].least - 1, rows[i].most + 1};
        for (size_t end = 0; end < 2; end++) {
            clear_environment();
            char text[32];
            snprintf(text, sizeof text, "%" PRId64, outside[end]);
            setenv(rows[i].variable, text, 1);
            cb_limits limits = cb_limits_default();
            cb_error error;
            CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, &error), CB_INVALID);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, rows[i].variable));
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
        }
    }
    clear_environment();
}

static void test_what_is_no_number_is_refused(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "ten",
                                      "10x",
                                      " 10",
                                      "10 ",
                                      "0x10",
                                      "1e3",
                                      "+10",
                                      "-",
                                      "--1",
                                      "1.000",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        clear_environment();
        setenv("CALLBOARD_MAX_ACTORS", bad[i], 1);
        cb_limits limits = cb_limits_default();
        limits.max_actors = 17;
        cb_error error;
        CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, &error), CB_INVALID);
        CU_ASSERT_EQUAL(limits.max_actors, 17);
    }
    clear_environment();
}

static void test_the_sentence(void)
{
    clear_environment();
    setenv("CALLBOARD_MAX_ACTORS", "many", 1);
    cb_limits limits;
    cb_error error;
    CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, &error), CB_INVALID);
    CU_ASSERT_STRING_EQUAL(
        error.text,
        "CALLBOARD_MAX_ACTORS must be a whole number from 1 to 4096, but it is \"many\"");
    clear_environment();
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("limits", NULL, NULL);
    CU_ADD_TEST(suite, test_defaults_are_in_range);
    CU_ADD_TEST(suite, test_an_empty_environment_gives_the_defaults);
    CU_ADD_TEST(suite, test_each_variable_takes_its_ends);
    CU_ADD_TEST(suite, test_each_variable_refuses_what_is_outside);
    CU_ADD_TEST(suite, test_what_is_no_number_is_refused);
    CU_ADD_TEST(suite, test_the_sentence);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
