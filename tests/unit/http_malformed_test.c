/* What the framer of HTTP requests refuses: each row is read as one thing by some programs and as
 * another by others, or by nobody. */
#include <stdio.h>

#include <CUnit/Basic.h>

#include "actors/io/http/request.h"
#include "tests/unit/http_feed.h"

typedef struct row {
    const char *section; /* of RFC 9112, unless another number stands before it */
    const char *text;
    size_t size;
    cb_http_fault fault;
} row;

#define ROW(section, fault, text)                                                                  \
    {                                                                                              \
        section, text, sizeof(text) - 1, CB_HTTP_##fault                                           \
    }
#define H    "Host: a\r\n"
#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define C    POST "Transfer-Encoding: chunked\r\n\r\n"

static const row line_rows[] = {
    /* ends of lines */
    ROW("2.2", BARE_LF, "GET / HTTP/1.1\nHost: a\n\n"),
    ROW("2.2", BARE_LF, GET "Host: a\n\r\n"),
    ROW("2.2", BARE_LF, GET H "\n"),
    ROW("2.2", BARE_LF, GET H "X: a\nContent-Length: 5\r\n\r\n"),
    ROW("2.2", BARE_LF, "\nGET / HTTP/1.1\r\n" H "\r\n"),
    ROW("2.2", BARE_CR, "GET / HTTP/1.1\rHost: a\r\r"),
    ROW("2.2", BARE_CR, GET "Host: a\r\r\n\r\n"),
    ROW("2.2", BARE_CR, GET H "X: a\rContent-Length: 5\r\n\r\n"),
    ROW("2.2", BARE_CR, GET H "\rX: a\r\n\r\n"),
    ROW("2.2", BARE_CR, GET H "\r\r\n"),
    ROW("2.2", BARE_CR, "\rGET / HTTP/1.1\r\n" H "\r\n"),
    ROW("2.2", EMPTY_LINES, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    ROW("2.2", BARE_LF, "\r\n\nGET / HTTP/1.1\r\n" H "\r\n"),
    /* white space before the first field and folded fields */
    ROW("2.2", FOLDED, GET " Host: a\r\n\r\n"),
    ROW("2.2", FOLDED, GET "\tHost: a\r\n\r\n"),
    ROW("5.2", FOLDED, GET H "X: a\r\n b\r\n\r\n"),
    ROW("5.2", FOLDED, GET H "X: a\r\n\tContent-Length: 5\r\n\r\n"),
    ROW("5.2", FOLDED, GET H " \r\n\r\n"),
    ROW("5.2", BAD_CODING, POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
    /* control characters */
    ROW("9110 5.5", CONTROL, GET H "X: a\0b\r\n\r\n"),
    ROW("9110 5.5", CONTROL, GET H "X: \x7f\r\n\r\n"),
    ROW("9110 5.5", CONTROL, GET H "X: \x1b[0m\r\n\r\n"),
    ROW("3", CONTROL, "GET /\0 HTTP/1.1\r\n" H "\r\n"),
    ROW("3", CONTROL, "\0GET / HTTP/1.1\r\n" H "\r\n"),
    ROW("5.1", CONTROL, GET H "X\0: a\r\n\r\n"),
    ROW("6.1", CONTROL,
        POST "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n"),
    ROW("6.1", CONTROL, POST "Transfer-Encoding: chunked\0\r\n\r\n"),
    ROW("6.2", CONTROL, POST "Content-Length: 5\x0c\r\n\r\n"),
    /* a client that speaks TLS to a port that does not */
    ROW("3", CONTROL, "\x16\x03\x01\x02"),
};

static const row request_line_rows[] = {
    ROW("3", METHOD, " GET / HTTP/1.1\r\n" H "\r\n"),
    ROW("3", METHOD, "GET\t/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3", METHOD, "G(T / HTTP/1.1\r\n" H "\r\n"),
    ROW("3", METHOD, "G\xc3\xa9T / HTTP/1.1\r\n" H "\r\n"),
    ROW("3", TARGET, "GET  / HTTP/1.1\r\n" H "\r\n"),
    ROW("3", TARGET, "GET \t/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3", TARGET, "GET /\tHTTP/1.1\r\n" H "\r\n"),
    ROW("3", BAD_VERSION, "GET /  HTTP/1.1\r\n" H "\r\n"),
    ROW("3", BAD_VERSION, "GET / HTTP/1.1 \r\n" H "\r\n"),
    ROW("3", BAD_VERSION, "GET / HTTP/1.1\t\r\n" H "\r\n"),
    ROW("3.2", BAD_VERSION, "GET /a b HTTP/1.1\r\n" H "\r\n"),
    /* HTTP/0.9 and other versions */
    ROW("3", NO_VERSION, "GET\r\n"),
    ROW("3", NO_VERSION, "GET /\r\n"),
    ROW("3", BAD_VERSION, "GET / \r\n"),
    ROW("2.3", BAD_VERSION, "GET / http/1.1\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/1.10\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/01.1\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/1\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/1,1\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/a.1\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTP/1.x\r\n" H "\r\n"),
    ROW("2.3", BAD_VERSION, "GET / HTTPS/1.1\r\n" H "\r\n"),
    ROW("2.3", VERSION, "GET / HTTP/0.9\r\n" H "\r\n"),
    ROW("2.3", VERSION, "GET / HTTP/1.2\r\n" H "\r\n"),
    ROW("2.3", VERSION, "GET / HTTP/2.0\r\n" H "\r\n"),
    ROW("9113 3.4", VERSION, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    /* targets */
    ROW("3.2", TARGET, "GET a HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2", TARGET, "GET ?a HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2", TARGET, "GET /a#b HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2", TARGET, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET http:/a HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET http: HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET httpx://a/ HTTP/1.1\r\n" H "\r\n"),
    ROW("9110 4.2.1", TARGET, "GET http:// HTTP/1.1\r\n" H "\r\n"),
    ROW("9110 4.2.1", TARGET, "GET http:///a HTTP/1.1\r\n" H "\r\n"),
    ROW("9110 4.2.4", TARGET, "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    ROW("9110 4.2.4", TARGET, "GET http://a:b@c/ HTTP/1.1\r\nHost: c\r\n\r\n"),
    ROW("3.2.2", TARGET, "GET http://a\\b/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET http://a:99999/ HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.2", TARGET, "GET http://[::1/ HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
    ROW("3.2.3", TARGET, "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ROW("9110 9.3.6", CONNECT, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ROW("9110 9.3.6", CONNECT, "CONNECT / HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.4", ASTERISK, "GET * HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.4", ASTERISK, "options * HTTP/1.1\r\n" H "\r\n"),
    ROW("3.2.4", TARGET, "OPTIONS *a HTTP/1.1\r\n" H "\r\n"),
};

static const row field_rows[] = {
    ROW("5.1", COLON_SPACE, GET "Host : a\r\n\r\n"),
    ROW("5.1", COLON_SPACE, GET H "X\t: a\r\n\r\n"),
    ROW("5.1", COLON_SPACE, POST "Content-Length : 5\r\n\r\n"),
    ROW("5.1", COLON_SPACE, POST "Transfer-Encoding : chunked\r\n\r\n"),
    ROW("5", COLON_SPACE, GET H "X Y: a\r\n\r\n"),
    ROW("5", NO_COLON, GET H "X\r\n\r\n"),
    ROW("5", FIELD_NAME, GET H ": a\r\n\r\n"),
    ROW("5", FIELD_NAME, GET H "X(Y): a\r\n\r\n"),
    ROW("5", FIELD_NAME, GET H "\"X\": a\r\n\r\n"),
    ROW("5", FIELD_NAME, GET H "X\xff: a\r\n\r\n"),
    ROW("3", COLON_SPACE, GET "GET / HTTP/1.1\r\n" H "\r\n"),
    /* Host */
    ROW("3.2", NO_HOST, GET "\r\n"),
    ROW("3.2", NO_HOST, GET "X-Host: a\r\n\r\n"),
    ROW("3.2", NO_HOST, "GET http://a/ HTTP/1.1\r\n\r\n"),
    ROW("3.2", TWO_HOSTS, GET H H "\r\n"),
    ROW("3.2", TWO_HOSTS, GET H "hOST: b\r\n\r\n"),
    ROW("3.2", TWO_HOSTS, "GET / HTTP/1.0\r\n" H H "\r\n"),
    ROW("9110 4.2.1", BAD_HOST, GET "Host:\r\n\r\n"),
    ROW("9110 4.2.1", BAD_HOST, GET "Host: :80\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a, b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a,b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a \r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host:\ta\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a@b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: http://a\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a/b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a\\b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: a?b\r\n\r\n"),
    ROW("9110 7.2", BAD_HOST, GET "Host: \xc3\xa4\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: a%4\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: a%4g\r\n\r\n"),
    ROW("3986 3.2.3", BAD_HOST, GET "Host: a:b\r\n\r\n"),
    ROW("3986 3.2.3", BAD_HOST, GET "Host: a:80:80\r\n\r\n"),
    ROW("3986 3.2.3", BAD_HOST, GET "Host: a:65536\r\n\r\n"),
    ROW("3986 3.2.3", BAD_HOST, GET "Host: a:4294967376\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: ::1\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: [\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: []\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: [::1\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: [::1]a\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: [127.0.0.1]\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST, GET "Host: [v1.a]\r\n\r\n"),
    ROW("6874 2", BAD_HOST, GET "Host: [fe80::1%25eth0]\r\n\r\n"),
    ROW("3986 3.2.2", BAD_HOST,
        GET "Host: [00000000000000000000000000000000000000000000000000000::1]\r\n\r\n"),
    ROW("3.2", OTHER_HOST, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    ROW("3.2", OTHER_HOST, "GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ROW("3.2", OTHER_HOST, "GET http://a.b/ HTTP/1.1\r\nHost: a.c\r\n\r\n"),
    ROW("3.2", OTHER_HOST, "GET http://-/ HTTP/1.0\r\nHost: =\r\n\r\n"),
    ROW("3.2", OTHER_HOST, "GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n"),
    /* Connection */
    ROW("9110 7.6.1", CONNECTION, GET H "Connection: a b\r\n\r\n"),
    ROW("9110 7.6.1", CONNECTION, GET H "Connection: close; keep-alive\r\n\r\n"),
    ROW("9110 7.6.1", CONNECTION, POST "Connection: Content-Length\r\nContent-Length: 0\r\n\r\n"),
    ROW("9110 7.6.1", CONNECTION, GET H "Connection: close, transfer-encoding\r\n\r\n"),
    ROW("9110 7.6.1", CONNECTION, GET H "Connection: Host\r\n\r\n"),
};

static const row length_rows[] = {
    /* Content-Length */
    ROW("6.3", TWO_LENGTHS, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    ROW("6.3", TWO_LENGTHS, POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n"),
    ROW("6.3", BAD_LENGTH, POST "Content-Length: 5, 5\r\n\r\n"),
    ROW("6.3", BAD_LENGTH, POST "Content-Length: 5,6\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length:\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: +5\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: -5\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 0x5\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 5a\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 5.0\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 1_0\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 1 0\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: \"5\"\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 010\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: 00\r\n\r\n"),
    ROW("9110 8.6", BAD_LENGTH, POST "Content-Length: \xd9\xa5\r\n\r\n"),
    ROW("9110 5.5", BAD_LENGTH, POST "Content-Length: 5 \r\n\r\n"),
    ROW("9110 5.5", BAD_LENGTH, POST "Content-Length:\t5\r\n\r\n"),
    ROW("9110 5.5", BAD_LENGTH, POST "Content-Length: \t5\r\n\r\n"),
    ROW("9110 8.6", BODY_LARGE, POST "Content-Length: 16777217\r\n\r\n"),
    ROW("9110 8.6", BODY_LARGE, POST "Content-Length: 18446744073709551615\r\n\r\n"),
    ROW("9110 8.6", BODY_LARGE, POST "Content-Length: 18446744073709551616\r\n\r\n"),
    ROW("9110 8.6", BODY_LARGE, POST "Content-Length: 18446744073709551621\r\n\r\n"),
    ROW("9110 8.6", BODY_LARGE, POST "Content-Length: 99999999999999999999999999999999\r\n\r\n"),
    /* both */
    ROW("6.1", LENGTH_AND_CODING,
        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ROW("6.1", LENGTH_AND_CODING,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
    ROW("6.1", LENGTH_AND_CODING,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    /* Transfer-Encoding */
    ROW("6.1", OLD_CODING, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ROW("6.1", TWO_CODINGS,
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("6.1", TWO_CODINGS,
        POST "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: gzip\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: identity\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: xchunked\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: chunkedx\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding: chunke\r\n\r\n"),
    ROW("6.3", BAD_CODING, POST "Transfer-Encoding:\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: ,chunked\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: chunked,\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: chunked \r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding:\tchunked\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: 'chunked'\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
    ROW("6.1", BAD_CODING, POST "Transfer-Encoding: gzip chunked\r\n\r\n"),
    ROW("6.1", OTHER_CODING, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    ROW("6.1", OTHER_CODING, POST "Transfer-Encoding: identity,deflate,\tCHUNKED\r\n\r\n"),
};

static const row chunk_rows[] = {
    ROW("7.1", CHUNK_SIZE, C "\r\n"),
    ROW("7.1", CHUNK_SIZE, C "g\r\n"),
    ROW("7.1", CHUNK_SIZE, C "0x5\r\n"),
    ROW("7.1", CHUNK_SIZE, C "+5\r\n"),
    ROW("7.1", CHUNK_SIZE, C "-5\r\n"),
    ROW("7.1", CHUNK_SIZE, C " 5\r\n"),
    ROW("7.1", CHUNK_SIZE, C "5 \r\n"),
    ROW("7.1", CHUNK_SIZE, C "5\t\r\n"),
    ROW("7.1", CHUNK_SIZE, C "5,5\r\n"),
    ROW("7.1", CHUNK_SIZE, C "5_5\r\n"),
    ROW("7.1", CHUNK_SIZE, C "00000000000000005\r\n"),
    ROW("7.1", CHUNK_SIZE, C "10000000000000000\r\n"),
    ROW("7.1", CHUNK_SIZE, C "\xff\r\n"),
    ROW("7.1", BODY_LARGE, C "1000001\r\n"),
    ROW("7.1", BODY_LARGE, C "ffffffffffffffff\r\n"),
    ROW("7.1", BODY_LARGE, C "1\r\nx\r\n1000000\r\n"),
    ROW("7.1", BODY_LARGE, C "2\r\nxy\r\nffffffffffffffff\r\n"),
    ROW("7.1", BARE_LF, C "1\nx\n0\n\n"),
    ROW("7.1", BARE_LF, C "1\r\nx\r\n0\r\n\n"),
    ROW("7.1", BARE_CR, C "1\rx"),
    ROW("7.1", CHUNK_END, C "1\r\nx\n0\r\n\r\n"),
    ROW("7.1", CHUNK_END, C "1\r\nxy\r\n0\r\n\r\n"),
    ROW("7.1", CHUNK_END, C "1\r\nx\r0\r\n\r\n"),
    ROW("7.1", CHUNK_END, C "3\r\nx\r\n0\r\n\r\n"),
    ROW("7.1", CHUNK_SIZE, C "1\r\nx\r\n\r\n0\r\n\r\n"),
    ROW("7.1", CONTROL, C "1\0\r\nx\r\n0\r\n\r\n"),
    /* extensions */
    ROW("7.1.1", CHUNK_SIZE, C "1 ;a\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;;a\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1; a\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a \r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a =b\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a= b\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;=b\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=\"b\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=\"b\\\"\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=\"b\\\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=\"b\"c\r\n"),
    ROW("7.1.1", CHUNK_EXTENSION, C "1;a=b,c\r\n"),
    ROW("7.1.1", BARE_LF, C "1;a\nb\r\n"),
    ROW("7.1.1", BARE_LF, C "1;a=\"\nb\"\r\n"),
    ROW("7.1.1", BARE_CR, C "1;a=\"\rb\"\r\n"),
    /* trailers */
    ROW("7.1.2", FOLDED, C "0\r\n X: a\r\n\r\n"),
    ROW("7.1.2", FOLDED, C "0\r\nX: a\r\n b\r\n\r\n"),
    ROW("7.1.2", COLON_SPACE, C "0\r\nX : a\r\n\r\n"),
    ROW("7.1.2", NO_COLON, C "0\r\nGET\r\n\r\n"),
    ROW("7.1.2", COLON_SPACE, C "0\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    ROW("7.1.2", CONTROL, C "0\r\nX: \0\r\n\r\n"),
    ROW("7.1.2", BARE_LF, C "0\r\nX: a\n\r\n"),
};

static void check_rows(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same;
        http_outcome outcome =
            http_feed_all_ways(&http_feed_limits, rows[i].text, rows[i].size, &same);
        cb_http_fault fault = outcome.request.fault;
        bool right = same && outcome.progress == CB_HTTP_REFUSED && fault == rows[i].fault;
        CU_ASSERT(right);
        if (!right)
            printf("\nrow %zu (%s): \"%s\" instead of \"%s\"\n%s\n", i, rows[i].section,
                   cb_http_fault_text(fault), cb_http_fault_text(rows[i].fault), rows[i].text);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof rows[0])

static void test_lines(void)
{
    CHECK_ROWS(line_rows);
}

static void test_request_lines(void)
{
    CHECK_ROWS(request_line_rows);
}

static void test_fields(void)
{
    CHECK_ROWS(field_rows);
}

static void test_lengths_and_codings(void)
{
    CHECK_ROWS(length_rows);
}

static void test_chunks(void)
{
    CHECK_ROWS(chunk_rows);
}

/* RFC 9110, 6.5.1 */
static void test_trailers_that_may_not_be(void)
{
    static const char *const names[] = {"Authorization",
                                        "Cache-Control",
                                        "Connection",
                                        "Content-Encoding",
                                        "Content-Length",
                                        "Content-Range",
                                        "Content-Type",
                                        "Cookie",
                                        "Expect",
                                        "Host",
                                        "If-Match",
                                        "If-Modified-Since",
                                        "If-None-Match",
                                        "If-Range",
                                        "If-Unmodified-Since",
                                        "Keep-Alive",
                                        "Max-Forwards",
                                        "Proxy-Authorization",
                                        "Range",
                                        "Set-Cookie",
                                        "TE",
                                        "Trailer",
                                        "TRANSFER-ENCODING",
                                        "Upgrade"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[256];
        int size = snprintf(text, sizeof text, C "1\r\nx\r\n0\r\n%s: 0\r\n\r\n", names[i]);
        http_outcome outcome = http_feed(&http_feed_limits, text, (size_t)size, 0, 0);
        CU_ASSERT_EQUAL(outcome.progress, CB_HTTP_REFUSED);
        CU_ASSERT_EQUAL(outcome.request.fault, CB_HTTP_TRAILER);
    }
}

/* Refused once, refused for ever, whatever comes. */
static void test_a_refusal_stays(void)
{
    static const uint8_t text[] = "GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\n" H "\r\n";
    cb_http_request request = {0};
    for (size_t size = 0; size < sizeof text; size++) {
        cb_http_progress progress = http_feed_once(&request, &http_feed_limits, text, size);
        CU_ASSERT_EQUAL(progress, size < 15 ? CB_HTTP_PARTIAL : CB_HTTP_REFUSED);
        CU_ASSERT_EQUAL(request.fault, size < 15 ? CB_HTTP_NONE : CB_HTTP_BARE_LF);
        CU_ASSERT_EQUAL(request.send_continue, false);
    }
}

static void test_each_fault_has_a_status_and_a_text(void)
{
    static const int statuses[] = {400, 413, 414, 431, 501, 505};
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_NONE), 0);
    CU_ASSERT_STRING_EQUAL(cb_http_fault_text(CB_HTTP_NONE), "");
    for (int fault = CB_HTTP_NONE + 1; fault < CB_HTTP_FAULT_COUNT; fault++) {
        bool known = false;
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
            known = known || cb_http_fault_status((cb_http_fault)fault) == statuses[i];
        CU_ASSERT(known);
        CU_ASSERT(strlen(cb_http_fault_text((cb_http_fault)fault)) > 5);
    }
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_BARE_LF), 400);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_BODY_LARGE), 413);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_CHUNK_OVERHEAD), 413);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_LINE_LONG), 414);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_HEAD_LARGE), 431);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_FIELDS_MANY), 431);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_CONNECT), 501);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_OTHER_CODING), 501);
    CU_ASSERT_EQUAL(cb_http_fault_status(CB_HTTP_VERSION), 505);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("malformed http requests", NULL, NULL);
    CU_ADD_TEST(suite, test_lines);
    CU_ADD_TEST(suite, test_request_lines);
    CU_ADD_TEST(suite, test_fields);
    CU_ADD_TEST(suite, test_lengths_and_codings);
    CU_ADD_TEST(suite, test_chunks);
    CU_ADD_TEST(suite, test_trailers_that_may_not_be);
    CU_ADD_TEST(suite, test_a_refusal_stays);
    CU_ADD_TEST(suite, test_each_fault_has_a_status_and_a_text);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
