#include "callboard/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "actors/base/message.h"
#include "callboard/runtime.h"

static void test_status_texts(void)
{
    CU_ASSERT_STRING_EQUAL(cb_status_text(CB_OK), "ok");
    CU_ASSERT_STRING_EQUAL(cb_status_text(CB_MISMATCH), "mismatch");
    CU_ASSERT_STRING_EQUAL(cb_status_text((cb_status)-99), "unknown status");
    CU_ASSERT_STRING_EQUAL(cb_status_text((cb_status)1), "unknown status");
}

static void test_job_status_texts(void)
{
    CU_ASSERT_STRING_EQUAL(cb_job_status_text(CB_JOB_PENDING), "pending");
    CU_ASSERT_STRING_EQUAL(cb_job_status_text(CB_JOB_ROUTE_CLOSED), "route closed");
    CU_ASSERT_STRING_EQUAL(cb_job_status_text(-2), "unknown");
    CU_ASSERT_STRING_EQUAL(cb_job_status_text(4711), "unknown");
}

static void test_message_names(void)
{
    CU_ASSERT_STRING_EQUAL(cb_message_name(CB_MSG_OPEN_ROUTE), "OpenRoute");
    CU_ASSERT_STRING_EQUAL(cb_message_name(CB_MSG_RELEASE), "Release");
    CU_ASSERT_STRING_EQUAL(cb_message_name(CB_MSG_NONE), "?");
    CU_ASSERT_STRING_EQUAL(cb_message_name(CB_MSG_END), "?");
    CU_ASSERT_STRING_EQUAL(cb_message_name(0xFFFFFFFFu), "?");
}

static void test_fail_fills_the_error(void)
{
    cb_error error;
    memset(&error, 0x55, sizeof error);
    CU_ASSERT_EQUAL(cb_fail(&error, CB_LIMIT, "%d routes of %s", 7, "tcp"), CB_LIMIT);
    CU_ASSERT_EQUAL(error.status, CB_LIMIT);
    CU_ASSERT_EQUAL(error.sys_errno, 0);
    CU_ASSERT_STRING_EQUAL(error.text, "7 routes of tcp");
}

static void test_fail_without_an_error(void)
{
    CU_ASSERT_EQUAL(cb_fail(NULL, CB_CLOSED, "nobody reads %s", "this"), CB_CLOSED);
    CU_ASSERT_EQUAL(cb_fail_errno(NULL, CB_IO, EPIPE, "nor this"), CB_IO);
}

static void test_fail_may_quote_the_old_text(void)
{
    cb_error error;
    cb_fail(&error, CB_IO, "the disk is full");
    cb_fail(&error, CB_FORMAT, "trace: %s", error.text);
    CU_ASSERT_STRING_EQUAL(error.text, "trace: the disk is full");
    CU_ASSERT_EQUAL(error.status, CB_FORMAT);
}

static void test_fail_errno_appends_the_reason(void)
{
    cb_error error;
    CU_ASSERT_EQUAL(cb_fail_errno(&error, CB_IO, ECONNRESET, "port %d", 80), CB_IO);
    CU_ASSERT_EQUAL(error.sys_errno, ECONNRESET);
    CU_ASSERT_STRING_EQUAL(error.text, "port 80: Connection reset by peer");
}

static void test_long_text_is_cut(void)
{
    char *text = malloc(2 * CB_ERROR_TEXT_SIZE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'a', 2 * CB_ERROR_TEXT_SIZE);
    text[2 * CB_ERROR_TEXT_SIZE - 1] = '\0';
    cb_error error;
    cb_fail(&error, CB_IO, "%s", text);
    CU_ASSERT_EQUAL(strlen(error.text), CB_ERROR_TEXT_SIZE - 1);
    cb_fail_errno(&error, CB_IO, EPIPE, "%s", text);
    CU_ASSERT_EQUAL(strlen(error.text), CB_ERROR_TEXT_SIZE - 1);
    free(text);
}

/* A sentence of `plain` ASCII bytes and then `character` again and again, far too long. */
static size_t cut_length(size_t plain, const char *character)
{
    char text[3 * CB_ERROR_TEXT_SIZE] = "";
    memset(text, 'a', plain);
    size_t length = plain;
    while (length + strlen(character) < sizeof text) {
        memcpy(text + length, character, strlen(character) + 1);
        length += strlen(character);
    }
    cb_error error;
    cb_fail(&error, CB_IO, "%s", text);
    return strlen(error.text);
}

static void test_a_cut_keeps_characters_whole(void)
{
    static const char *const characters[] = {"a", "\u00e9", "\u20ac", "\U0001F3AD"};
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        size_t width = strlen(characters[i]);
        for (size_t plain = 1; plain < 9; plain++) {
            size_t length = cut_length(plain, characters[i]);
            CU_ASSERT_EQUAL((length - plain) % width, 0);
            CU_ASSERT(length < CB_ERROR_TEXT_SIZE && length + width >= CB_ERROR_TEXT_SIZE);
        }
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("status", NULL, NULL);
    CU_ADD_TEST(suite, test_status_texts);
    CU_ADD_TEST(suite, test_job_status_texts);
    CU_ADD_TEST(suite, test_message_names);
    CU_ADD_TEST(suite, test_fail_fills_the_error);
    CU_ADD_TEST(suite, test_fail_without_an_error);
    CU_ADD_TEST(suite, test_fail_may_quote_the_old_text);
    CU_ADD_TEST(suite, test_fail_errno_appends_the_reason);
    CU_ADD_TEST(suite, test_long_text_is_cut);
    CU_ADD_TEST(suite, test_a_cut_keeps_characters_whole);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
