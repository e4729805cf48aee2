/* What the framer of HTTP requests accepts, and what it says of it. */
#include <stdio.h>

#include <CUnit/Basic.h>

#include "actors/io/http/request.h"
#include "tests/unit/http_feed.h"

typedef struct row {
    const char *section; /* of RFC 9112, unless another number stands before it */
    const char *text;
    size_t size;
    size_t body_size;
    const char
        *traits; /* 0: HTTP/1.0, k: keep-alive, h: HEAD, c: chunked, e: an empty line first */
} row;

#define H "Host: a\r\n"
#define C "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
#define ROW(section, traits, body_size, text)                                                      \
    {                                                                                              \
        section, text, sizeof(text) - 1, body_size, traits                                         \
    }

static const row rows[] = {
    /* methods: any token; case matters */
    ROW("3.1", "k", 0, "GET / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "kh", 0, "HEAD / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "k", 0, "head / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "k", 0, "HEADER / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "k", 0, "HEAT / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "k", 0, "HEA / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "keh", 0, "\r\nHEAD / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.1", "k", 0, "BREW / HTTP/1.1\r\n" H "\r\n"),
    ROW("9110 5.6.2", "k", 0, "!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n" H "\r\n"),
    ROW("2.2", "ke", 0, "\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    /* targets */
    ROW("3.2.1", "k", 0, "GET //x/../y?a=b&c=%20?/;:@ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.1", "k", 0, "GET /?q=[1]{2}|\\^`\"<> HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", "k", 0, "GET http://a HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", "k", 0, "GET http://a/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", "k", 0, "GET http://a?x HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", "k", 0, "GET HTTPS://A/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", "k", 0, "GET http://a.b:80/c HTTP/1.1\r\nHost: A.B:80\r\n\r\n"),
    ROW("3.2.2", "0", 0, "GET http://a/ HTTP/1.0\r\n\r\n"),
    ROW("3.2.4", "k", 0, "OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.4", "k", 0, "OPTIONS http://a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
    /* hosts */
    ROW("9110 7.2", "k", 0, "GET / HTTP/1.1\r\nhOST:a\r\n\r\n"),
    ROW("9110 7.2", "k", 0, "GET / HTTP/1.1\r\nHost:   a\r\n\r\n"),
    ROW("3986 3.2.2", "k", 0, "GET / HTTP/1.1\r\nHost: 127.0.0.1:65535\r\n\r\n"),
    ROW("3986 3.2.2", "k", 0, "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
    ROW("3986 3.2.2", "k", 0, "GET / HTTP/1.1\r\nHost: [2001:db8::ff00:1.2.3.4]:8080\r\n\r\n"),
    ROW("3986 3.2.2", "k", 0, "GET / HTTP/1.1\r\nHost: x_y%C3%A4.example\r\n\r\n"),
    ROW("3986 3.2.3", "k", 0, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
    ROW("3.2", "0", 0, "GET / HTTP/1.0\r\n\r\n"),
    ROW("3.2", "0", 0, "GET / HTTP/1.0\r\n" H "\r\n"),
    /* fields: names are tokens, values nearly anything */
    ROW("5", "k", 0, "GET / HTTP/1.1\r\n" H "X:\r\n!#$%&'*+-.^_`|~: 1\r\n\r\n"),
    ROW("9110 5.5", "k", 0, "GET / HTTP/1.1\r\n" H "X: \t a\tb  c \t \r\nY:\"\x80\xff\"\r\n\r\n"),
    ROW("9110 5.3", "k", 0, "GET / HTTP/1.1\r\n" H "X: 1\r\nX: 1\r\n\r\n"),
    ROW("5", "k", 0, "GET / HTTP/1.1\r\n" H "Content_Length: x\r\nXContent-Length: -1\r\n\r\n"),
    ROW("5", "k", 0, "GET / HTTP/1.1\r\n" H "XTransfer-Encoding: x\r\nHosts: , \r\n\r\n"),
    /* Connection and versions */
    ROW("9.3", "", 0, "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"),
    ROW("9.3", "", 0, "GET / HTTP/1.1\r\n" H "CONNECTION: CLOSE\r\n\r\n"),
    ROW("9.3", "", 0, "GET / HTTP/1.1\r\n" H "Connection: ,x,\t close ,\r\n\r\n"),
    ROW("9.3", "", 0, "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
    ROW("9.3", "", 0, "GET / HTTP/1.1\r\n" H "Connection: close\r\nConnection: keep-alive\r\n\r\n"),
    ROW("9.3", "k", 0, "GET / HTTP/1.1\r\n" H "Connection: closed, xclose, clos\r\n\r\n"),
    ROW("9.3", "k", 0, "GET / HTTP/1.1\r\n" H "Connection:\r\n\r\n"),
    ROW("9.3", "0k", 0, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
    ROW("9.3", "0", 0, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
    ROW("9110 7.6.1", "k", 0,
        "GET / HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
    ROW("9110 10.1.1", "k", 0, "GET / HTTP/1.1\r\n" H "Expect: something-else\r\n\r\n"),
    /* a body of known length */
    ROW("6.2", "k", 5, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n\r\n\0\nx"),
    ROW("6.2", "k", 0, "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"),
    ROW("6.2", "0", 2, "POST / HTTP/1.0\r\ncontent-length:  2\r\n\r\nab"),
    ROW("9110 9.3.1", "k", 1, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx"),
    ROW("2.2", "ke", 3, "\r\nPUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"),
    ROW("6.3", "k", 0, "POST / HTTP/1.1\r\n" H "\r\n"),
    /* chunks */
    ROW("7.1", "kc", 0, C "0\r\n\r\n"),
    ROW("7.1", "kc", 0, C "0000000000000000\r\n\r\n"),
    ROW("7.1", "kc", 5, C "5\r\n\r\n\0\nx\r\n0\r\n\r\n"),
    ROW("7.1", "kc", 26, C "a\r\n0123456789\r\n0000000000000010\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ROW("7.1", "kc", 11, C "B\r\n0\r\n\r\n012345\r\n00\r\n\r\n"),
    ROW("7", "kc", 0, "POST / HTTP/1.1\r\n" H "tRANSFER-eNCODING:   ChunkeD\r\n\r\n0\r\n\r\n"),
    ROW("7", "khc", 0, "HEAD / HTTP/1.1\r\n" H "Transfer-Encoding:chunked\r\n\r\n0\r\n\r\n"),
    ROW("7.1.1", "kc", 1, C "1;a;b=c;d=\"e;\\\"\t \xff\"\r\n.\r\n0;x\r\n\r\n"),
    ROW("7.1.2", "kc", 1, C "1\r\n.\r\n0\r\nDigest: x\r\nX-Y:\r\n\r\n"),
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static bool has(const row *which, char trait)
{
    return strchr(which->traits, trait) != NULL;
}

/* Where the body begins, found in another way. */
static size_t head_size_of(const row *which)
{
    for (size_t at = 4; at <= which->size; at++)
        if (memcmp(which->text + at - 4, "\r\n\r\n", 4) == 0)
            return at;
    return 0;
}

static bool is_as_the_row_says(const row *which, const cb_http_request *request)
{
    return request->fault == CB_HTTP_NONE && request->size == which->size &&
           request->begin == (has(which, 'e') ? 2 : 0) &&
           request->head_size == head_size_of(which) && request->body_size == which->body_size &&
           request->minor_version == (has(which, '0') ? 0 : 1) &&
           request->is_head == has(which, 'h') && request->keep_alive == has(which, 'k') &&
           request->chunked == has(which, 'c');
}

static void test_every_form(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool same;
        http_outcome outcome =
            http_feed_all_ways(&http_feed_limits, rows[i].text, rows[i].size, &same);
        bool right = same && outcome.progress == CB_HTTP_DONE &&
                     is_as_the_row_says(&rows[i], &outcome.request);
        CU_ASSERT(right);
        if (!right)
            printf("\nrow %zu (%s): %s\n%s\n", i, rows[i].section,
                   cb_http_fault_text(outcome.request.fault), rows[i].text);
    }
}

/* It is done with the last byte and not before. */
static void test_a_beginning_is_partial(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t size = 0; size < rows[i].size; size++) {
            http_outcome outcome = http_feed(&http_feed_limits, rows[i].text, size, 0, 0);
            CU_ASSERT_EQUAL(outcome.progress, CB_HTTP_PARTIAL);
            CU_ASSERT_EQUAL(outcome.request.fault, CB_HTTP_NONE);
        }
    }
}

/* What follows a request is not looked at: each row before each, and before nonsense. */
static void test_pipelined_bytes_are_left_alone(void)
{
    static const char nonsense[] = "\0\n\r GET\x7f\xff";
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t next = 0; next <= ROW_COUNT; next++) {
            const char *text = next < ROW_COUNT ? rows[next].text : nonsense;
            size_t more = next < ROW_COUNT ? rows[next].size : sizeof nonsense;
            uint8_t *both = malloc(rows[i].size + more);
            CU_ASSERT_PTR_NOT_NULL_FATAL(both);
            memcpy(both, rows[i].text, rows[i].size);
            memcpy(both + rows[i].size, text, more);
            http_outcome outcome =
                http_feed(&http_feed_limits, both, rows[i].size + more, i % 2 ? 7 : 0, i);
            CU_ASSERT_EQUAL(outcome.progress, CB_HTTP_DONE);
            CU_ASSERT(is_as_the_row_says(&rows[i], &outcome.request));
            free(both);
        }
    }
}

/* Asking again, also with more bytes, gives the same answer. */
static void test_done_stays_done(void)
{
    static const char text[] = "GET / HTTP/1.1\r\n" H "\r\nmore";
    cb_http_request request = {0};
    size_t size = sizeof text - 5;
    for (size_t more = 0; more <= 4; more++) {
        CU_ASSERT_EQUAL(
            http_feed_once(&request, &http_feed_limits, (const uint8_t *)text, size + more),
            CB_HTTP_DONE);
        CU_ASSERT_EQUAL(request.size, size);
    }
}

/* The size of a body that is announced is known as soon as the head is there. */
static void test_the_size_is_known_with_the_head(void)
{
    static const char text[] = "POST / HTTP/1.1\r\n" H "Content-Length: 16777216\r\n\r\n";
    http_outcome outcome = http_feed(&http_feed_limits, text, sizeof text - 1, 3, 1);
    CU_ASSERT_EQUAL(outcome.progress, CB_HTTP_PARTIAL);
    CU_ASSERT_EQUAL(outcome.request.head_size, sizeof text - 1);
    CU_ASSERT_EQUAL(outcome.request.size, sizeof text - 1 + 16777216);
    CU_ASSERT_EQUAL(outcome.request.body_size, 16777216);
}

/* --- 100 Continue: RFC 9110, 10.1.1 --- */

static unsigned continues(const char *text, size_t most)
{
    http_outcome outcome = http_feed(&http_feed_limits, text, strlen(text), most, 0);
    CU_ASSERT_EQUAL(outcome.progress, CB_HTTP_DONE);
    return outcome.continues;
}

static void test_continue_is_asked_for_once(void)
{
    static const char *const waiting[] = {
        "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nEXPECT:\t100-Continue \r\n" H "Content-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nExpect: x, 100-continue\r\n" H "Content-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\n" H
        "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        CU_ASSERT_EQUAL(continues(waiting[i], 1), 1);
        /* All was sent together: nobody waits. */
        CU_ASSERT_EQUAL(continues(waiting[i], 0), 0);
    }
}

static void test_continue_is_not_asked_for_in_vain(void)
{
    static const char *const others[] = {
        "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\n" H "Expect: 100-continued\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\n" H "X-Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n",
        "PUT / HTTP/1.0\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CU_ASSERT_EQUAL(continues(others[i], 1), 0);
}

/* --- each byte in each place --- */

static bool accepts_with(const char *format, int byte)
{
    char text[256];
    int size = snprintf(text, sizeof text, format, 1);
    CU_ASSERT_FATAL(size > 0 && (size_t)size < sizeof text);
    char *place = memchr(text, 1, (size_t)size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    *place = (char)byte;
    return http_feed(&http_feed_limits, text, (size_t)size, 0, 0).progress == CB_HTTP_DONE;
}

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char tchars[] = "!#$%&'*+-.^_`|~" ALPHANUMERIC;
/* unreserved and sub-delims of RFC 3986 without the comma */
static const char host_chars[] = "-._~!$&'()*+;=" ALPHANUMERIC;

static bool among(const char *set, int byte)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static void test_each_byte_in_each_place(void)
{
    for (int byte = 0; byte < 256; byte++) {
        bool is_text = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        bool is_visible = byte > ' ' && byte < 0x7f;
        bool in_name = among(tchars, byte);
        CU_ASSERT_EQUAL(accepts_with("G%cT / HTTP/1.1\r\n" H "\r\n", byte), in_name);
        CU_ASSERT_EQUAL(accepts_with("GET /a%cb HTTP/1.1\r\n" H "\r\n", byte),
                        is_visible && byte != '#');
        CU_ASSERT_EQUAL(accepts_with("GET / HTTP/1.1\r\n" H "X%cY: 1\r\n\r\n", byte),
                        in_name || byte == ':');
        CU_ASSERT_EQUAL(accepts_with("GET / HTTP/1.1\r\n" H "X: a%cb\r\n\r\n", byte), is_text);
        CU_ASSERT_EQUAL(accepts_with("GET / HTTP/1.1\r\nHost: a%cb\r\n\r\n", byte),
                        among(host_chars, byte));
        CU_ASSERT_EQUAL(accepts_with(C "0;a%cb\r\n\r\n", byte), in_name || among(";=", byte));
        CU_ASSERT_EQUAL(accepts_with(C "0;a=\"b%cc\"\r\n\r\n", byte), is_text && byte != '"');
        CU_ASSERT_EQUAL(accepts_with(C "0\r\nX%cY: 1\r\n\r\n", byte), in_name || byte == ':');
        CU_ASSERT_EQUAL(accepts_with(C "0\r\nX: a%cb\r\n\r\n", byte), is_text);
        CU_ASSERT(accepts_with("PUT / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n%c", byte));
        CU_ASSERT(accepts_with(C "1\r\n%c\r\n0\r\n\r\n", byte));
    }
}

/* The same at each distance from the end of a word of 8 bytes, where a look at 8 at once could miss
 * one; and among tabs, which are no control characters here. */
static void test_each_byte_at_each_distance(void)
{
    enum { FILL = 17 };
    static const char fills[] = {' ', '\t', '\xff'};
    for (int byte = 0; byte < 256; byte++) {
        bool is_text = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        for (size_t before = 0; before < FILL * sizeof fills; before++) {
            char fill[FILL + 1] = {0};
            char format[128];
            memset(fill, fills[before / FILL], FILL);
            int split = (int)(before % FILL);
            snprintf(format, sizeof format, "GET / HTTP/1.1\r\n" H "X:a%.*s%%c%sb\r\n\r\n", split,
                     fill, fill + split);
            CU_ASSERT_EQUAL(accepts_with(format, byte), is_text);
        }
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("http requests", NULL, NULL);
    CU_ADD_TEST(suite, test_every_form);
    CU_ADD_TEST(suite, test_a_beginning_is_partial);
    CU_ADD_TEST(suite, test_pipelined_bytes_are_left_alone);
    CU_ADD_TEST(suite, test_done_stays_done);
    CU_ADD_TEST(suite, test_the_size_is_known_with_the_head);
    CU_ADD_TEST(suite, test_continue_is_asked_for_once);
    CU_ADD_TEST(suite, test_continue_is_not_asked_for_in_vain);
    CU_ADD_TEST(suite, test_each_byte_in_each_place);
    CU_ADD_TEST(suite, test_each_byte_at_each_distance);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
