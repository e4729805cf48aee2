/* The limits of the framer of HTTP requests, each met and crossed by one. */
#include <stdio.h>

#include <CUnit/Basic.h>

#include "actors/io/http/request.h"
#include "tests/unit/http_feed.h"

#define H "Host: a\r\n"
#define C "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

/* Text that grows. */
typedef struct text {
    char *bytes;
    size_t size;
} text;

static void add(text *to, const char *bytes, size_t times)
{
    size_t more = strlen(bytes);
    to->bytes = realloc(to->bytes, to->size + more * times + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to->bytes);
    for (size_t i = 0; i < times; i++, to->size += more)
        memcpy(to->bytes + to->size, bytes, more);
}

/* How it ends, fed whole and in pieces; frees the text. */
static cb_http_fault ends(text *whole, const cb_http_limits *limits, cb_http_progress *progress)
{
    http_outcome outcome = http_feed(limits, whole->bytes, whole->size, 0, 0);
    http_outcome pieces = http_feed(limits, whole->bytes, whole->size, whole->size / 50 + 1, 7);
    CU_ASSERT(http_outcome_same(&outcome, &pieces));
    if (outcome.progress == CB_HTTP_DONE)
        CU_ASSERT_EQUAL(outcome.request.size, whole->size);
    free(whole->bytes);
    *whole = (text){0};
    if (progress != NULL)
        *progress = outcome.progress;
    return outcome.request.fault;
}

static cb_http_limits limits_from(const char *variable, const char *value)
{
    cb_limits limits;
    CU_ASSERT_EQUAL(setenv(variable, value, 1), 0);
    CU_ASSERT_EQUAL(cb_limits_from_environment(&limits, NULL), CB_OK);
    unsetenv(variable);
    return cb_http_limits_from(&limits);
}

/* A request whose line has `size` bytes with its CRLF. */
static text request_with_line(size_t size)
{
    text whole = {0};
    add(&whole, "GET /", 1);
    add(&whole, "a", size - strlen("GET / HTTP/1.1\r\n"));
    add(&whole, " HTTP/1.1\r\n" H "\r\n", 1);
    return whole;
}

/* The largest number is no limit, and larger than any other. */
static void test_the_largest_limits(void)
{
    const cb_limits large = {
        .http_line = INT64_MAX, .http_head = 1 << 20, .http_fields = 70000, .max_request = 1 << 20};
    cb_http_limits limits = cb_http_limits_from(&large);
    CU_ASSERT_EQUAL(limits.line, INT64_MAX);
    CU_ASSERT_EQUAL(limits.head, 1 << 20);
    CU_ASSERT_EQUAL(limits.fields, 70000);
    CU_ASSERT_EQUAL(limits.body, 1 << 20);
    limits.line = SIZE_MAX;
    limits.head = 300;
    text whole = request_with_line(301);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_LINE_LONG);
    limits.head = SIZE_MAX / 2;
    limits.fields = SIZE_MAX;
    whole = request_with_line(70000);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
}

static void test_the_defaults(void)
{
    cb_limits standard = cb_limits_default();
    cb_http_limits limits = cb_http_limits_from(&standard);
    CU_ASSERT_EQUAL(limits.line, 8192);
    CU_ASSERT_EQUAL(limits.head, 65536);
    CU_ASSERT_EQUAL(limits.fields, 200);
    CU_ASSERT_EQUAL(limits.body, 16777216);
}

static void test_request_line(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_HTTP_LINE", "100");
    text whole = request_with_line(100);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
    whole = request_with_line(101);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_LINE_LONG);
    whole = request_with_line(8192);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL), CB_HTTP_NONE);
    whole = request_with_line(8193);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL), CB_HTTP_LINE_LONG);
    /* It need not end to be too long, and an empty line before it takes nothing from it. */
    add(&whole, "A", 8191);
    cb_http_progress progress;
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, &progress), CB_HTTP_NONE);
    CU_ASSERT_EQUAL(progress, CB_HTTP_PARTIAL);
    add(&whole, "A", 8192);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL), CB_HTTP_LINE_LONG);
    whole = request_with_line(100);
    text after_empty = {0};
    add(&after_empty, "\r\n", 1);
    whole.bytes[whole.size] = '\0';
    add(&after_empty, whole.bytes, 1);
    free(whole.bytes);
    CU_ASSERT_EQUAL(ends(&after_empty, &limits, NULL), CB_HTTP_NONE);
}

/* A request whose head has `size` bytes. */
static text request_with_head(size_t size)
{
    text whole = {0};
    add(&whole, "GET / HTTP/1.1\r\n" H "X: ", 1);
    add(&whole, "a", size - whole.size - 4);
    add(&whole, "\r\n\r\n", 1);
    return whole;
}

static void test_head(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_HTTP_HEAD", "300");
    text whole = request_with_head(300);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
    whole = request_with_head(301);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_HEAD_LARGE);
    whole = request_with_line(301); /* the line counts too */
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_LINE_LONG);
    whole = request_with_head(65536);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL), CB_HTTP_NONE);
    whole = request_with_head(65537);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL), CB_HTTP_HEAD_LARGE);
    add(&whole, "GET / HTTP/1.1\r\n" H, 1);
    add(&whole, "X: a\r\n", 65536);
    limits.fields = 100000;
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_HEAD_LARGE);
}

/* Nothing is counted in 16 bits: each part of a request lies behind 70,000 bytes of another. */
static void test_parts_far_from_the_beginning(void)
{
    const cb_http_limits limits = {
        .line = 1u << 20, .head = 1u << 20, .fields = 10, .body = 1u << 20};
    static const char *const rows[] = {
        "Host: a:80\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 0\r\nConnection: x,\tclose\r\nHost: A:80\r\n\r\n",
        "Host: a:80\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\n",
    };
    static const char *const wrong[] = {
        "Host: a:81\r\n\r\n",
        "Host: a:80\r\nContent-Length: 3a\r\n\r\n",
        "Host: a:80\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\r\n",
        "Host: a:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: y\r\n",
        "Host: a:80\r\nConnection: a, b/\r\n\r\n",
    };
    static const cb_http_fault faults[] = {CB_HTTP_OTHER_HOST, CB_HTTP_BAD_LENGTH,
                                           CB_HTTP_CHUNK_EXTENSION, CB_HTTP_TRAILER,
                                           CB_HTTP_CONNECTION};
    for (size_t i = 0; i < 8; i++) {
        text whole = {0};
        add(&whole, "M", 70000);
        add(&whole, " http://a:80/", 1);
        add(&whole, "p", 70000);
        add(&whole, " HTTP/1.1\r\nX: ", 1);
        add(&whole, "x", 70000);
        add(&whole, "\r\n", 1);
        add(&whole, i < 3 ? rows[i] : wrong[i - 3], 1);
        CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), i < 3 ? CB_HTTP_NONE : faults[i - 3]);
    }
}

/* The body takes nothing from the head. */
static void test_the_head_ends_where_the_body_begins(void)
{
    cb_http_limits limits = {.line = 64, .head = 64, .fields = 10, .body = 1000};
    text whole = {0};
    add(&whole, "PUT / HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n", 1);
    add(&whole, "\n", 1000);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
}

static void test_fields(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_HTTP_FIELDS", "3");
    for (size_t count = 1; count <= 4; count++) {
        text whole = {0};
        add(&whole, "GET / HTTP/1.1\r\n" H, 1);
        add(&whole, "X: a\r\n", count - 1);
        add(&whole, "\r\n", 1);
        CU_ASSERT_EQUAL(ends(&whole, &limits, NULL),
                        count <= 3 ? CB_HTTP_NONE : CB_HTTP_FIELDS_MANY);
    }
    for (size_t trailers = 0; trailers <= 2; trailers++) { /* beside Host and Transfer-Encoding */
        text whole = {0};
        add(&whole, C "0\r\n", 1);
        add(&whole, "X: a\r\n", trailers);
        add(&whole, "\r\n", 1);
        CU_ASSERT_EQUAL(ends(&whole, &limits, NULL),
                        trailers <= 1 ? CB_HTTP_NONE : CB_HTTP_FIELDS_MANY);
    }
}

static void test_body_of_known_length(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_MAX_REQUEST", "10");
    text whole = {0};
    add(&whole, "PUT / HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
    /* Refused with the head, before any of the body has come. */
    add(&whole, "PUT / HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_BODY_LARGE);
}

static void test_body_in_chunks(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_MAX_REQUEST", "10");
    text whole = {0};
    add(&whole, C "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
    add(&whole, C "4\r\n0123\r\n7\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_BODY_LARGE);
    add(&whole, C, 1);
    add(&whole, "1\r\nx\r\n", 10);
    add(&whole, "1\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_BODY_LARGE);
}

/* What chunks add is bounded too: 4,096 bytes and a quarter of the largest body. A chunk of one
 * byte adds 5, the last one 3. */
static void test_bytes_around_chunks(void)
{
    cb_http_limits limits = {.line = 8192, .head = 65536, .fields = 200, .body = 4000};
    size_t most = 4096 + 4000 / 4;
    size_t chunks = (most - 3) / 5;
    text whole = {0};
    add(&whole, C, 1);
    add(&whole, "1\r\nx\r\n", chunks);
    add(&whole, "0\r\n\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_NONE);
    add(&whole, C, 1);
    add(&whole, "1\r\nx\r\n", chunks + 1);
    add(&whole, "0\r\n\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_CHUNK_OVERHEAD);
    add(&whole, C, 1);
    add(&whole, "1;a=0123456789012345678901234567890123456789\r\nx\r\n", most / 40);
    CU_ASSERT_EQUAL(ends(&whole, &limits, NULL), CB_HTTP_CHUNK_OVERHEAD);
}

static void test_line_before_a_chunk(void)
{
    for (size_t size = 255; size <= 257; size++) {
        text whole = {0};
        add(&whole, C "0;", 1);
        add(&whole, "a", size - strlen("0;\r\n"));
        add(&whole, "\r\n\r\n", 1);
        CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, NULL),
                        size <= 256 ? CB_HTTP_NONE : CB_HTTP_CHUNK_LINE);
    }
    text endless = {0};
    add(&endless, C, 1);
    add(&endless, "0", 1000);
    CU_ASSERT_EQUAL(ends(&endless, &http_feed_limits, NULL), CB_HTTP_CHUNK_LINE);
}

static void test_trailers(void)
{
    cb_http_limits limits = limits_from("CALLBOARD_HTTP_HEAD", "256");
    for (size_t size = 255; size <= 257; size++) {
        text whole = {0};
        add(&whole, C "0\r\nX:", 1);
        add(&whole, "a", size - strlen("X:\r\n\r\n"));
        add(&whole, "\r\n\r\n", 1);
        CU_ASSERT_EQUAL(ends(&whole, &limits, NULL),
                        size <= 256 ? CB_HTTP_NONE : CB_HTTP_HEAD_LARGE);
    }
}

/* The largest body of both kinds, in one piece and in about fifty. */
static void test_the_largest_bodies(void)
{
    cb_http_progress progress;
    text whole = {0};
    add(&whole, "PUT / HTTP/1.1\r\n" H "Content-Length: 16777216\r\n\r\n", 1);
    add(&whole, "0123456789abcdef", 1u << 20);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, &progress), CB_HTTP_NONE);
    CU_ASSERT_EQUAL(progress, CB_HTTP_DONE);
    add(&whole, C, 1);
    add(&whole, "20\r\n0123456789abcdef\r\n0123456789abcd\r\n", 1u << 19);
    add(&whole, "0\r\n\r\n", 1);
    CU_ASSERT_EQUAL(ends(&whole, &http_feed_limits, &progress), CB_HTTP_NONE);
    CU_ASSERT_EQUAL(progress, CB_HTTP_DONE);
}

/* Where the framer goes on when one more byte has come: at most one byte, a CR, before the end. */
static void test_nothing_is_looked_at_twice(void)
{
    text whole = {0};
    add(&whole, C "5;a=b\r\nabcde\r\n0\r\nX: y\r\n\r\n", 1);
    cb_http_request request = {0};
    for (size_t there = 1; there < whole.size; there++) {
        CU_ASSERT_EQUAL(
            http_feed_once(&request, &http_feed_limits, (const uint8_t *)whole.bytes, there),
            CB_HTTP_PARTIAL);
        size_t done =
            request.state == CB_HTTP_AT_CHUNKS ? request.chunks.line.scanned : request.line.scanned;
        CU_ASSERT(done <= there);
        if (request.chunks.state != CB_HTTP_CHUNK_AT_DATA)
            CU_ASSERT(done + 1 >= there);
    }
    free(whole.bytes);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("limits of http requests", NULL, NULL);
    CU_ADD_TEST(suite, test_the_defaults);
    CU_ADD_TEST(suite, test_the_largest_limits);
    CU_ADD_TEST(suite, test_request_line);
    CU_ADD_TEST(suite, test_head);
    CU_ADD_TEST(suite, test_parts_far_from_the_beginning);
    CU_ADD_TEST(suite, test_the_head_ends_where_the_body_begins);
    CU_ADD_TEST(suite, test_fields);
    CU_ADD_TEST(suite, test_body_of_known_length);
    CU_ADD_TEST(suite, test_body_in_chunks);
    CU_ADD_TEST(suite, test_bytes_around_chunks);
    CU_ADD_TEST(suite, test_line_before_a_chunk);
    CU_ADD_TEST(suite, test_trailers);
    CU_ADD_TEST(suite, test_the_largest_bodies);
    CU_ADD_TEST(suite, test_nothing_is_looked_at_twice);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
