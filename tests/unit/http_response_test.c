/* Which responses let a connection stay open, and which do not. */
#include "actors/io/http/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

typedef struct row {
    const char *section; /* of RFC 9112, unless another number stands before it */
    const char *asked;   /* 1: HTTP/1.1, 0: HTTP/1.0, h: HEAD */
    const char *text;
    size_t size;
    const char *why; /* the begin of the reason; NULL: it stays open */
} row;

#define ROW(section, asked, why, text)                                                             \
    {                                                                                              \
        section, asked, text, sizeof(text) - 1, why                                                \
    }
#define OK   "HTTP/1.1 200 OK\r\n"
#define L    "Content-Length: "
#define T    "Transfer-Encoding: chunked\r\n"
#define KEEP "Connection: keep-alive\r\n"

static const row open_rows[] = {
    ROW("6.2", "1", NULL, OK L "5\r\n\r\n\0\nabc"),
    ROW("6.2", "1", NULL, OK L "0\r\n\r\n"),
    ROW("4", "1", NULL, "HTTP/1.1 200 \r\n" L "0\r\n\r\n"),
    ROW("4", "1", NULL, "HTTP/1.1 404 Not\tFound \xff\r\ncontent-LENGTH:  1\r\nX:\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 999 ?\r\n" L "1\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 200 OK\r\n" L "1\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 203 X\r\n" L "1\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 205 X\r\n" L "1\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 303 X\r\n" L "1\r\n\r\nx"),
    ROW("4", "1", NULL, "HTTP/1.1 305 X\r\n" L "1\r\n\r\nx"),
    ROW("7.1", "1", NULL, OK T "\r\n0\r\n\r\n"),
    ROW("7.1", "1", NULL, OK T "\r\n5;a=b\r\n\0\nabc\r\n1\r\n.\r\n000\r\nX: y\r\n\r\n"),
    ROW("9.3", "1", NULL, OK KEEP L "1\r\n\r\nx"),
    ROW("9.3", "0", NULL, OK "Connection: x, Keep-Alive\r\n" L "1\r\n\r\nx"),
    ROW("9.3", "0", NULL, "HTTP/1.0 200 OK\r\n" KEEP L "1\r\n\r\nx"),
    ROW("9.3", "1", NULL, "HTTP/1.0 200 OK\r\n" KEEP L "1\r\n\r\nx"),
    /* without a body, whatever the length */
    ROW("6.3", "1h", NULL, OK L "5\r\n\r\n"),
    ROW("6.3", "1h", NULL, OK "\r\n"),
    ROW("6.3", "1h", NULL, OK T "\r\n"),
    ROW("6.3", "1", NULL, "HTTP/1.1 204 No Content\r\n\r\n"),
    ROW("6.3", "1", NULL, "HTTP/1.1 204 No Content\r\n" L "0\r\n\r\n"),
    ROW("6.3", "1", NULL, "HTTP/1.1 304 Not Modified\r\n\r\n"),
    ROW("6.3", "1", NULL, "HTTP/1.1 304 Not Modified\r\n" L "5\r\n\r\n"),
    ROW("6.3", "1h", NULL, "HTTP/1.1 304 Not Modified\r\n" T "\r\n"),
};

static const char status_line[] = "the status line";

static const row closed_rows[] = {
    ROW("4", "1", "the head has no end", ""),
    ROW("4", "1", "the head has no end", "hello"),
    ROW("4", "1", status_line, "hello\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 200\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1  200 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, " HTTP/1.1 200 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 2x0 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 x00 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 20x OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 2000 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1\t200 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "http/1.1 200 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "\r\n" OK L "0\r\n\r\n"),
    ROW("2.3", "1", status_line, "HTTP/2.0 200 OK\r\n" L "0\r\n\r\n"),
    ROW("2.3", "1", "the HTTP version", "HTTP/1.2 200 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 /00 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 :00 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 2/0 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 2:0 OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 20/ OK\r\n" L "0\r\n\r\n"),
    ROW("4", "1", status_line, "HTTP/1.1 20: OK\r\n" L "0\r\n\r\n"),
    ROW("9110 15", "1", "the status is", "HTTP/1.1 099 OK\r\n" L "0\r\n\r\n"),
    ROW("9110 15", "1", "the status is", "HTTP/1.1 000 OK\r\n" L "0\r\n\r\n"),
    ROW("9110 15.2", "1", "the first status", "HTTP/1.1 199 X\r\n" L "0\r\n\r\n"),
    ROW("6.3", "1", "neither", "HTTP/1.1 203 X\r\n\r\n"),
    ROW("6.3", "1", "neither", "HTTP/1.1 205 X\r\n\r\n"),
    ROW("6.3", "1", "neither", "HTTP/1.1 303 X\r\n\r\n"),
    ROW("6.3", "1", "neither", "HTTP/1.1 305 X\r\n\r\n"),
    ROW("9110 15.2", "1", "the first status", "HTTP/1.1 100 Continue\r\n\r\n" OK L "0\r\n\r\n"),
    ROW("9110 15.2.2", "1", "the first status", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    /* fields */
    ROW("2.2", "1", "LF without CR", "HTTP/1.1 200 OK\n" L "0\r\n\r\n"),
    ROW("2.2", "1", "LF without CR", OK L "0\n\n"),
    ROW("2.2", "1", "CR without LF", OK "X: a\rb\r\n" L "0\r\n\r\n"),
    ROW("5", "1", "a control", OK "X: a\0b\r\n" L "0\r\n\r\n"),
    ROW("5", "1", "a field has no colon", OK "X\r\n" L "0\r\n\r\n"),
    ROW("5.1", "1", "white space", OK "Content-Length : 0\r\n\r\n"),
    ROW("5.2", "1", "a line of the head", OK "X: a\r\n b\r\n" L "0\r\n\r\n"),
    ROW("5", "1", "the head has no end", OK L "0\r\n"),
    /* lengths */
    ROW("6.3", "1", "neither", OK "\r\n"),
    ROW("6.3", "1", "neither", OK "\r\nhello"),
    ROW("6.3", "1", "the Content-Length is not", OK L "5\r\n\r\nabcd"),
    ROW("6.3", "1", "the Content-Length is not", OK L "5\r\n\r\nabcdef"),
    ROW("6.3", "1", "the Content-Length is not", OK L "5\r\n\r\nabcde" OK L "0\r\n\r\n"),
    ROW("6.3", "1", "the Content-Length is not", OK L "18446744073709551616\r\n\r\n"),
    ROW("6.3", "1", "more than one Content-Length", OK L "1\r\n" L "1\r\n\r\nx"),
    ROW("6.3", "1", "the Content-Length is mal", OK L "1, 1\r\n\r\nx"),
    ROW("6.3", "1", "the Content-Length is mal", OK L "-1\r\n\r\nx"),
    ROW("6.1", "1", "Content-Length beside", OK L "1\r\n" T "\r\n0\r\n\r\n"),
    ROW("6.1", "1h", "Content-Length beside", OK L "1\r\n" T "\r\n"),
    /* chunks */
    ROW("6.1", "0", "Transfer-Encoding in", OK T KEEP "\r\n0\r\n\r\n"),
    ROW("6.1", "1", "Transfer-Encoding in", "HTTP/1.0 200 OK\r\n" T KEEP "\r\n0\r\n\r\n"),
    ROW("6.1", "1", "more than one Transfer", OK T T "\r\n0\r\n\r\n"),
    ROW("6.3", "1", "the Transfer-Encoding", OK "Transfer-Encoding: gzip\r\n\r\n"),
    ROW("6.1", "1", "a Transfer-Encoding", OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ROW("7.1", "1", "the last chunk", OK T "\r\n"),
    ROW("7.1", "1", "the last chunk", OK T "\r\n1\r\nx\r\n"),
    ROW("7.1", "1", "the last chunk", OK T "\r\n0\r\n"),
    ROW("7.1", "1", "bytes follow", OK T "\r\n0\r\n\r\n\r\n"),
    ROW("7.1", "1", "the size of a chunk",
        OK T "\r\nhello"
             "\r\n"),
    ROW("7.1", "1", "a chunk does not end", OK T "\r\n1\r\nxy\r\n0\r\n\r\n"),
    ROW("7.1", "1", "the body is too large", OK T "\r\nffffffffffffffff\r\nx\r\n"),
    /* bodies where none may be */
    ROW("6.3", "1h", "a body", OK L "5\r\n\r\nhello"),
    ROW("6.3", "1h", "a body", OK T "\r\n0\r\n\r\n"),
    ROW("6.3", "1", "a body", "HTTP/1.1 204 No Content\r\n\r\nx"),
    ROW("6.3", "1", "a body", "HTTP/1.1 304 Not Modified\r\n" L "1\r\n\r\nx"),
    ROW("9110 8.6", "1", "a length in", "HTTP/1.1 204 No Content\r\n" L "5\r\n\r\n"),
    ROW("9110 8.6", "1", "a length in", "HTTP/1.1 204 No Content\r\n" L "1\r\n\r\n"),
    ROW("6.1", "1", "a length in", "HTTP/1.1 204 No Content\r\n" T "\r\n"),
    /* the end by wish */
    ROW("9.6", "1", "the response says", OK "Connection: close\r\n" L "1\r\n\r\nx"),
    ROW("9.6", "1", "the response says", OK "connection: x, CLOSE\r\n" KEEP L "1\r\n\r\nx"),
    ROW("9.6", "1h", "the response says", OK "Connection: close\r\n\r\n"),
    ROW("9.3", "0", "the response says", OK L "1\r\n\r\nx"),
    ROW("9.3", "1", "the response says", "HTTP/1.0 200 OK\r\n" L "1\r\n\r\nx"),
};

/* On memory that ends where the bytes do. */
static const char *check(const char *asked, const char *text, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, text, size);
    cb_http_asked how = {.minor_version = asked[0] == '1' ? 1 : 0, .is_head = asked[1] == 'h'};
    const char *why = cb_http_response_closes(copy, size, how);
    free(copy);
    return why;
}

static void report(const row *which, const char *why)
{
    printf("\n%s: %s\n%s\n", which->section, why != NULL ? why : "stays open", which->text);
}

static void test_what_stays_open(void)
{
    for (size_t i = 0; i < sizeof open_rows / sizeof open_rows[0]; i++) {
        const row *which = &open_rows[i];
        const char *why = check(which->asked, which->text, which->size);
        CU_ASSERT_PTR_NULL(why);
        if (why != NULL)
            report(which, why);
    }
}

/* A part of a response, or more than one, does not. */
static void test_no_byte_less_and_none_more(void)
{
    for (size_t i = 0; i < sizeof open_rows / sizeof open_rows[0]; i++) {
        const row *which = &open_rows[i];
        for (size_t size = 0; size < which->size; size++)
            CU_ASSERT_PTR_NOT_NULL(check(which->asked, which->text, size));
        char *twice = malloc(which->size * 2);
        CU_ASSERT_PTR_NOT_NULL_FATAL(twice);
        memcpy(twice, which->text, which->size);
        memcpy(twice + which->size, which->text, which->size);
        for (size_t more = 1; more <= which->size; more++)
            CU_ASSERT_PTR_NOT_NULL(check(which->asked, twice, which->size + more));
        free(twice);
    }
}

static void test_what_closes(void)
{
    for (size_t i = 0; i < sizeof closed_rows / sizeof closed_rows[0]; i++) {
        const row *which = &closed_rows[i];
        const char *why = check(which->asked, which->text, which->size);
        bool right = why != NULL && strncmp(why, which->why, strlen(which->why)) == 0;
        CU_ASSERT(right);
        if (!right)
            report(which, why);
    }
}

/* Neither many fields nor many small chunks are too many in a response. */
static void test_a_large_response(void)
{
    enum { COUNT = 20000 };
    static const char head[] = OK T, field[] = "X: y\r\n", chunk[] = "1\r\nx\r\n";
    size_t size = sizeof head + COUNT * (sizeof field + sizeof chunk) + 16;
    char *text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    char *at = stpcpy(text, head);
    for (int i = 0; i < COUNT; i++)
        at = stpcpy(at, field);
    at = stpcpy(at, "\r\n");
    for (int i = 0; i < COUNT; i++)
        at = stpcpy(at, chunk);
    at = stpcpy(at, "0\r\n\r\n");
    CU_ASSERT_PTR_NULL(check("1", text, (size_t)(at - text)));
    CU_ASSERT_PTR_NOT_NULL(check("1", text, (size_t)(at - text) - 1));
    free(text);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("http responses", NULL, NULL);
    CU_ADD_TEST(suite, test_what_stays_open);
    CU_ADD_TEST(suite, test_no_byte_less_and_none_more);
    CU_ADD_TEST(suite, test_what_closes);
    CU_ADD_TEST(suite, test_a_large_response);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
