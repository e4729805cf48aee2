/* The parts that HTTP framing is made of, each alone, on memory that ends where its bytes do. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "actors/io/http/chunks.h"
#include "actors/io/http/fields.h"
#include "actors/io/http/target.h"

/* A copy that a sanitizer guards on both sides. */
static uint8_t *guarded(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static cb_http_line line_of(size_t size)
{
    return (cb_http_line){0, size};
}

/* --- lines --- */

/* What a scan of a whole line has to say, found byte by byte. */
static cb_http_line_end expected_end(const char *text, size_t size, size_t most, size_t *scanned,
                                     cb_http_fault *fault)
{
    size_t at = 0;
    while (at < size && at < most && !(iscntrl((unsigned char)text[at]) && text[at] != '\t'))
        at++;
    *scanned = at;
    if (at == most)
        return CB_HTTP_LINE_TOO_LONG;
    if (at == size)
        return CB_HTTP_LINE_PARTIAL;
    *fault = text[at] == '\n' ? CB_HTTP_BARE_LF : CB_HTTP_CONTROL;
    if (text[at] != '\r')
        return CB_HTTP_LINE_BROKEN;
    *fault = CB_HTTP_NONE;
    if (at + 1 == most)
        return CB_HTTP_LINE_TOO_LONG;
    if (at + 1 == size)
        return CB_HTTP_LINE_PARTIAL;
    if (text[at + 1] == '\n')
        return CB_HTTP_LINE_WHOLE;
    *fault = CB_HTTP_BARE_CR;
    return CB_HTTP_LINE_BROKEN;
}

static void expect_scan(const char *text, size_t size, size_t most)
{
    size_t scanned = 0;
    cb_http_fault wanted = CB_HTTP_NONE;
    cb_http_fault fault = CB_HTTP_NONE;
    cb_http_line_end end = expected_end(text, size, most, &scanned, &wanted);
    cb_http_line line = {0, 0};
    uint8_t *bytes = guarded(text, size);
    bool same = cb_http_line_scan(&line, bytes, size, most, &fault) == end && fault == wanted &&
                line.begin == 0 && line.scanned == scanned;
    CU_ASSERT(same);
    free(bytes);
}

/* A special byte at each place, another kind of byte behind it, and each limit around the end. */
static void a_scan_ends_where_the_line_does(void)
{
    enum { LONGEST = 20 };
    static const char first[] = "\r\n\t\x01\x1f\x7f\x80 ";
    static const char second[] = "\n\r\x01x";
    char text[LONGEST];
    for (size_t size = 0; size <= LONGEST; size++) {
        for (size_t at = 0; at < size; at++) {
            for (size_t kinds = 0; kinds < 8 * 4; kinds++) {
                memset(text, kinds % 3 == 0 ? '\t' : 'x', size);
                text[at] = first[kinds / 4];
                if (at + 1 < size)
                    text[at + 1] = second[kinds % 4];
                for (size_t most = 0; most <= size + 1; most++)
                    expect_scan(text, size, most);
            }
        }
        memset(text, 'x', size);
        for (size_t most = 0; most <= size + 1; most++)
            expect_scan(text, size, most);
    }
}

/* --- hosts --- */

/* Asks three times: in the middle of memory, at its end, and before bytes that would go on. */
static bool is_host(const char *text, size_t size)
{
    static const char follows[] = "1]:1%41a";
    char whole[256];
    CU_ASSERT_FATAL(size + 1 + sizeof follows < sizeof whole);
    whole[0] = '[';
    memcpy(whole + 1, text, size);
    memcpy(whole + 1 + size, follows, sizeof follows);
    uint8_t *alone = guarded(text, size);
    uint8_t *behind = guarded(whole, 1 + size);
    bool good = cb_http_host_is_good(alone, (cb_http_span){0, size});
    CU_ASSERT_EQUAL(cb_http_host_is_good(behind, (cb_http_span){1, size}), good);
    CU_ASSERT_EQUAL(cb_http_host_is_good((const uint8_t *)whole, (cb_http_span){1, size}), good);
    free(alone);
    free(behind);
    return good;
}

static void expect_host(const char *text, bool good)
{
    CU_ASSERT_EQUAL(is_host(text, strlen(text)), good);
    if (is_host(text, strlen(text)) != good)
        printf("\n%s\n", text);
}

static void names_and_ports(void)
{
    expect_host("", false);
    expect_host("a", true);
    expect_host("a.b-c_d~e", true);
    expect_host("a,b", false);
    expect_host("%41", true);
    expect_host("%4", false);
    expect_host("%", false);
    expect_host("a%4", false);
    expect_host("a%", false);
    expect_host("a%41", true);
    expect_host("a%41%5A%ffb", true);
    expect_host("a%41%5", false);
    expect_host(":", false);
    expect_host(":1", false);
    expect_host("a:", true);
    expect_host("a:0", true);
    expect_host("a:9", true);
    expect_host("a:65535", true);
    expect_host("a:65536", false);
    expect_host("a:65534", true);
    expect_host("a:655350", false);
    expect_host("a:000000000065535", true);
    expect_host("a:000000000065536", false);
    expect_host("a:42949672960", false);
    expect_host("a:8 ", false);
    expect_host("a:-1", false);
    expect_host("a:1:", false);
    expect_host("a::1", false);
}

static void each_byte_of_an_escape_and_of_a_port(void)
{
    for (int byte = 1; byte < 256; byte++) {
        char high[] = {'a', '%', (char)byte, '0'};
        char low[] = {'a', '%', '0', (char)byte};
        char port[] = {'a', ':', '1', (char)byte};
        CU_ASSERT_EQUAL(is_host(high, sizeof high), isxdigit(byte) != 0);
        CU_ASSERT_EQUAL(is_host(low, sizeof low), isxdigit(byte) != 0);
        CU_ASSERT_EQUAL(is_host(port, sizeof port), isdigit(byte) != 0);
    }
}

static void addresses_in_brackets(void)
{
    expect_host("[", false);
    expect_host("[]", false);
    expect_host("[:]", false);
    expect_host("[::]", true);
    expect_host("[::", false);
    expect_host("[::]]", false);
    expect_host("[::]a", false);
    expect_host("[::]:", true);
    expect_host("[::]:65535", true);
    expect_host("[::]:65536", false);
    expect_host("[::1]:1]", false);
    expect_host("[[::1]]", false);
    expect_host("::]", false);
    expect_host("[1:2:3:4:5:6:7:8]", true);
    expect_host("[1:2:3:4:5:6:7:8:9]", false);
    expect_host("[1:2:3:4:5:6:7]", false);
    expect_host("[::1%251]", false);
    expect_host("[::1%41]", false);
}

/* The longest address has 45 bytes; the memory it is copied into has one more, for its end. */
static void addresses_around_the_longest(void)
{
    char text[128];
    for (unsigned shorter = 0; shorter <= 18; shorter++) {
        size_t at = 1;
        text[0] = '[';
        for (unsigned group = 0; group < 6; group++) {
            unsigned less = shorter >= 3 * group ? shorter - 3 * group : 0;
            unsigned digits = less > 3 ? 1 : 4 - less;
            at += (size_t)snprintf(text + at, sizeof text - at, "%.*s:", (int)digits, "ffff");
        }
        (void)snprintf(text + at, sizeof text - at, "255.255.255.255]");
        CU_ASSERT_EQUAL(strlen(text), 47 - shorter);
        expect_host(text, true);
    }
    for (size_t size = 46; size <= 64; size++) {
        memset(text, '0', sizeof text);
        text[0] = '[';
        text[size + 1] = ']';
        text[size + 2] = '\0';
        expect_host(text, false);
        memcpy(text + size - 44, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 45);
        expect_host(text, false);
    }
}

/* --- request lines --- */

typedef struct request_row {
    const char *text;
    cb_http_fault fault;
    const char *method;
    const char *target;
    const char *authority;
    uint8_t minor_version;
} request_row;

static const request_row request_rows[] = {
    {"G / HTTP/1.1", CB_HTTP_NONE, "G", "/", "", 1},
    {"GET /a?b HTTP/1.0", CB_HTTP_NONE, "GET", "/a?b", "", 0},
    {"OPTIONS * HTTP/1.1", CB_HTTP_NONE, "OPTIONS", "*", "", 1},
    {"GET http://a HTTP/1.1", CB_HTTP_NONE, "GET", "http://a", "a", 1},
    {"GET hTTp://a:1/b HTTP/1.1", CB_HTTP_NONE, "GET", "hTTp://a:1/b", "a:1", 1},
    {"GET https://[::1]:2?b HTTP/1.1", CB_HTTP_NONE, "GET", "https://[::1]:2?b", "[::1]:2", 1},
    {"GET HTTPS://a?/ HTTP/1.1", CB_HTTP_NONE, "GET", "HTTPS://a?/", "a", 1},
    {"GET https://a/?c HTTP/1.1", CB_HTTP_NONE, "GET", "https://a/?c", "a", 1},
    {"", CB_HTTP_EMPTY_LINES, NULL, NULL, NULL, 0},
    {" ", CB_HTTP_METHOD, NULL, NULL, NULL, 0},
    {"GET", CB_HTTP_NO_VERSION, NULL, NULL, NULL, 0},
    {"GET ", CB_HTTP_NO_VERSION, NULL, NULL, NULL, 0},
    {"GET /", CB_HTTP_NO_VERSION, NULL, NULL, NULL, 0},
    {"GET / ", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET  HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET / HTTP/1.", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/1.11", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/0.0", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/9.1", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/1.9", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/0.1", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/2.1", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/1.2", CB_HTTP_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/:.1", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP//.1", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/1.:", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP/1./", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET / HTTP-1.1", CB_HTTP_BAD_VERSION, NULL, NULL, NULL, 0},
    {"GET http HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET https HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET http:/ HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET http:// HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET https:// HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET https://:1 HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET httpss://a HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET http;//a HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET //a HTTP/1.1", CB_HTTP_NONE, "GET", "//a", "", 1},
    {"GET ** HTTP/1.1", CB_HTTP_TARGET, NULL, NULL, NULL, 0},
    {"GET * HTTP/1.1", CB_HTTP_ASTERISK, NULL, NULL, NULL, 0},
    {"OPTION * HTTP/1.1", CB_HTTP_ASTERISK, NULL, NULL, NULL, 0},
    {"OPTIONSS * HTTP/1.1", CB_HTTP_ASTERISK, NULL, NULL, NULL, 0},
    {"CONNECT a:1 HTTP/1.1", CB_HTTP_CONNECT, NULL, NULL, NULL, 0},
    {"CONNEC / HTTP/1.1", CB_HTTP_NONE, "CONNEC", "/", "", 1},
    {"CONNECTS / HTTP/1.1", CB_HTTP_NONE, "CONNECTS", "/", "", 1},
};

static bool is_text(const uint8_t *bytes, cb_http_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(bytes + span.at, text, span.size) == 0;
}

static bool is_as_the_row(const request_row *row, const uint8_t *bytes,
                          const cb_http_request_line *parts)
{
    return is_text(bytes, parts->method, row->method) &&
           is_text(bytes, parts->target, row->target) &&
           is_text(bytes, parts->authority, row->authority) &&
           parts->minor_version == row->minor_version;
}

static void request_lines_fall_into_parts(void)
{
    for (size_t i = 0; i < sizeof request_rows / sizeof request_rows[0]; i++) {
        const request_row *row = &request_rows[i];
        size_t size = strlen(row->text);
        uint8_t *bytes = guarded(row->text, size);
        cb_http_line line = line_of(size);
        cb_http_request_line parts;
        memset(&parts, 0x55, sizeof parts);
        cb_http_fault fault = cb_http_request_line_split(bytes, &line, &parts);
        bool right =
            fault == row->fault && (fault != CB_HTTP_NONE || is_as_the_row(row, bytes, &parts));
        CU_ASSERT(right);
        if (!right)
            printf("\n%s: %s\n", row->text, cb_http_fault_text(fault));
        free(bytes);
    }
}

/* --- fields --- */

typedef struct field_row {
    const char *text;
    cb_http_fault fault;
    const char *name;
    const char *value;
    bool plain;
} field_row;

static const field_row field_rows[] = {
    {"a:b", CB_HTTP_NONE, "a", "b", true},
    {"Ab-1:", CB_HTTP_NONE, "Ab-1", "", true},
    {"a: ", CB_HTTP_NONE, "a", "", true},
    {"a:   b", CB_HTTP_NONE, "a", "b", true},
    {"a:\tb", CB_HTTP_NONE, "a", "b", false},
    {"a: \tb", CB_HTTP_NONE, "a", "b", false},
    {"a:b ", CB_HTTP_NONE, "a", "b", false},
    {"a: b\t", CB_HTTP_NONE, "a", "b", false},
    {"a: b c:d\t e  ", CB_HTTP_NONE, "a", "b c:d\t e", false},
    {"a: \t ", CB_HTTP_NONE, "a", "", false},
    {"a", CB_HTTP_NO_COLON, NULL, NULL, false},
    {":b", CB_HTTP_FIELD_NAME, NULL, NULL, false},
    {" a:b", CB_HTTP_FOLDED, NULL, NULL, false},
    {"\ta:b", CB_HTTP_FOLDED, NULL, NULL, false},
    {"a :b", CB_HTTP_COLON_SPACE, NULL, NULL, false},
    {"a\t:b", CB_HTTP_COLON_SPACE, NULL, NULL, false},
    {"a(:b", CB_HTTP_FIELD_NAME, NULL, NULL, false},
};

static void field_lines_fall_into_parts(void)
{
    for (size_t i = 0; i < sizeof field_rows / sizeof field_rows[0]; i++) {
        const field_row *row = &field_rows[i];
        size_t size = strlen(row->text);
        uint8_t *bytes = guarded(row->text, size);
        cb_http_line line = line_of(size);
        cb_http_field field;
        cb_http_fault fault = cb_http_field_split(bytes, &line, &field);
        bool right = fault == row->fault;
        if (right && fault == CB_HTTP_NONE)
            right = is_text(bytes, field.name, row->name) &&
                    is_text(bytes, field.value, row->value) && field.plain == row->plain;
        CU_ASSERT(right);
        if (!right)
            printf("\n%s: %s\n", row->text, cb_http_fault_text(fault));
        free(bytes);
    }
}

/* The elements of a list, each with a bar behind it. */
static void expect_list(const char *list, const char *elements)
{
    char found[128] = "";
    char whole[128];
    size_t size = strlen(list);
    (void)snprintf(whole, sizeof whole, ",x%s", list);
    uint8_t *bytes = guarded(whole, size + 2);
    cb_http_span span = {2, size};
    cb_http_span element;
    size_t at = 0;
    size_t used = 0;
    while (cb_http_list_next(bytes, span, &at, &element)) {
        CU_ASSERT_FATAL(element.size > 0 && used + element.size + 2 < sizeof found);
        memcpy(found + used, bytes + element.at, element.size);
        used += element.size;
        found[used++] = '|';
    }
    CU_ASSERT_STRING_EQUAL(found, elements);
    CU_ASSERT_EQUAL(at, size);
    CU_ASSERT_FALSE(cb_http_list_next(bytes, span, &at, &element));
    free(bytes);
}

static void lists_fall_into_elements(void)
{
    expect_list("", "");
    expect_list(" ", "");
    expect_list(",", "");
    expect_list(" ,\t, ", "");
    expect_list("a", "a|");
    expect_list("a,b", "a|b|");
    expect_list(" a\t ,\tb c ,, d ", "a|b c|d|");
    expect_list(",a,", "a|");
    expect_list("a ;b, c", "a ;b|c|");
}

/* What `name: value` lines say together. */
static cb_http_fault take_all(cb_http_framing *framing, const char *lines)
{
    cb_http_fault fault = CB_HTTP_NONE;
    *framing = (cb_http_framing){0};
    while (*lines != '\0' && fault == CB_HTTP_NONE) {
        size_t size = strcspn(lines, "\n");
        uint8_t *bytes = guarded(lines, size);
        cb_http_line line = line_of(size);
        cb_http_field field;
        CU_ASSERT_EQUAL_FATAL(cb_http_field_split(bytes, &line, &field), CB_HTTP_NONE);
        fault = cb_http_framing_take(framing, bytes, &field);
        free(bytes);
        lines += size + (lines[size] == '\n' ? 1 : 0);
    }
    return fault;
}

static void expect_length(const char *lines, cb_http_fault fault, uint64_t length)
{
    cb_http_framing framing;
    CU_ASSERT_EQUAL(take_all(&framing, lines), fault);
    CU_ASSERT_EQUAL(framing.has_length, fault == CB_HTTP_NONE);
    CU_ASSERT_EQUAL(framing.length, length);
    CU_ASSERT_FALSE(framing.chunked || framing.closes || framing.keeps_alive);
}

static void lengths(void)
{
    expect_length("content-length: 0", CB_HTTP_NONE, 0);
    expect_length("content-length: 9", CB_HTTP_NONE, 9);
    expect_length("content-length: 10", CB_HTTP_NONE, 10);
    expect_length("CONTENT-LENGTH: 18446744073709551614", CB_HTTP_NONE, UINT64_MAX - 1);
    expect_length("content-length: 18446744073709551615", CB_HTTP_NONE, UINT64_MAX);
    /* The largest number stands for all that are larger, whatever digits follow. */
    expect_length("content-length: 18446744073709551616", CB_HTTP_NONE, UINT64_MAX);
    expect_length("content-length: 18446744073709551620", CB_HTTP_NONE, UINT64_MAX);
    expect_length("content-length: 184467440737095516150", CB_HTTP_NONE, UINT64_MAX);
    expect_length("content-length: 1844674407370955161600000000000", CB_HTTP_NONE, UINT64_MAX);
    expect_length("content-length: 01", CB_HTTP_BAD_LENGTH, 0);
    expect_length("content-length: 00", CB_HTTP_BAD_LENGTH, 0);
    expect_length("content-length:", CB_HTTP_BAD_LENGTH, 0);
    expect_length("content-length: 1 ", CB_HTTP_BAD_LENGTH, 0);
    for (int byte = 1; byte < 256; byte++) {
        char text[] = "content-length: 1?1";
        if (byte == '\n')
            continue;
        text[17] = (char)byte;
        expect_length(text, isdigit(byte) ? CB_HTTP_NONE : CB_HTTP_BAD_LENGTH,
                      isdigit(byte) ? 101 + 10 * (uint64_t)(byte - '0') : 0);
    }
}

typedef struct framing_row {
    const char *lines;
    cb_http_fault fault;
    const char *says; /* l: a length, c: chunked, x: closes, k: keeps alive */
} framing_row;

static const framing_row framing_rows[] = {
    {"a: 1", CB_HTTP_NONE, ""},
    {"connectiom: close\ncontent-lengti: 1\ntransfer-encodinh: chunked", CB_HTTP_NONE, ""},
    {"connection: close", CB_HTTP_NONE, "x"},
    {"connection: keep-alive", CB_HTTP_NONE, "k"},
    {"connection: keep-alive\nconnection: close", CB_HTTP_NONE, "xk"},
    {"connection: closes, keep-aliv, x", CB_HTTP_NONE, ""},
    {"connection:", CB_HTTP_NONE, ""},
    {"connection: a/b", CB_HTTP_CONNECTION, ""},
    {"connection: close, a/b", CB_HTTP_CONNECTION, "x"},
    {"connection: host", CB_HTTP_CONNECTION, ""},
    {"connection: hosts", CB_HTTP_NONE, ""},
    {"connection: content-length", CB_HTTP_CONNECTION, ""},
    {"connection: transfer-encoding", CB_HTTP_CONNECTION, ""},
    {"transfer-encoding: chunked", CB_HTTP_NONE, "c"},
    {"transfer-encoding: CHUNKED", CB_HTTP_NONE, "c"},
    {"transfer-encoding: chunked ", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding: chunkee", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding:", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding: a, chunked", CB_HTTP_OTHER_CODING, ""},
    {"transfer-encoding: a, b, chunked", CB_HTTP_OTHER_CODING, ""},
    {"transfer-encoding: a/b, chunked", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding: chunked, a", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding: a, chunked, chunked", CB_HTTP_BAD_CODING, ""},
    {"transfer-encoding: chunked\ntransfer-encoding: a", CB_HTTP_TWO_CODINGS, "c"},
    {"content-length: 1\ncontent-length: 1", CB_HTTP_TWO_LENGTHS, "l"},
    {"content-length: 0\ncontent-length: 0", CB_HTTP_TWO_LENGTHS, "l"},
    {"content-length: 1\ntransfer-encoding: chunked", CB_HTTP_NONE, "lc"},
};

static void fields_frame_a_message(void)
{
    for (size_t i = 0; i < sizeof framing_rows / sizeof framing_rows[0]; i++) {
        const framing_row *row = &framing_rows[i];
        cb_http_framing framing;
        cb_http_fault fault = take_all(&framing, row->lines);
        bool right = fault == row->fault &&
                     framing.has_length == (strchr(row->says, 'l') != NULL) &&
                     framing.chunked == (strchr(row->says, 'c') != NULL) &&
                     framing.closes == (strchr(row->says, 'x') != NULL) &&
                     framing.keeps_alive == (strchr(row->says, 'k') != NULL);
        CU_ASSERT(right);
        if (!right)
            printf("\n%s: %s\n", row->lines, cb_http_fault_text(fault));
    }
}

static void connections_stay_open_by_version_and_wish(void)
{
    for (unsigned wishes = 0; wishes < 4; wishes++) {
        cb_http_framing framing = {.closes = (wishes & 1) != 0, .keeps_alive = (wishes & 2) != 0};
        CU_ASSERT_EQUAL(cb_http_framing_keeps_alive(&framing, 1), !framing.closes);
        CU_ASSERT_EQUAL(cb_http_framing_keeps_alive(&framing, 0), wishes == 2);
    }
}

/* --- chunks --- */

#define LARGE 1000000

static const cb_http_chunk_limits chunk_limits = {
    .body = LARGE, .overhead = LARGE, .trailers = LARGE, .fields = LARGE};

/* Scans what begins behind one byte of a head, on a copy that ends with it. */
static cb_http_chunks_end scan_chunks(const cb_http_chunk_limits *limits, const char *text,
                                      size_t size, cb_http_chunks *chunks, cb_http_fault *fault)
{
    uint8_t *bytes = malloc(size + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    bytes[0] = '\n';
    memcpy(bytes + 1, text, size);
    cb_http_chunks_start(chunks, 1);
    cb_http_chunks_end end = cb_http_chunks_scan(chunks, limits, bytes, size + 1, fault);
    free(bytes);
    return end;
}

static void expect_whole(const cb_http_chunk_limits *limits, const char *text)
{
    cb_http_chunks chunks;
    cb_http_fault fault;
    size_t size = strlen(text);
    for (size_t part = 0; part < size; part++) {
        CU_ASSERT_EQUAL(scan_chunks(limits, text, part, &chunks, &fault), CB_HTTP_CHUNKS_PARTIAL);
        CU_ASSERT_EQUAL(fault, CB_HTTP_NONE);
    }
    CU_ASSERT_EQUAL(scan_chunks(limits, text, size, &chunks, &fault), CB_HTTP_CHUNKS_WHOLE);
    CU_ASSERT_EQUAL(fault, CB_HTTP_NONE);
    CU_ASSERT_EQUAL(chunks.line.begin, size + 1);
}

static void expect_broken(const cb_http_chunk_limits *limits, const char *text, cb_http_fault why)
{
    cb_http_chunks chunks;
    cb_http_fault fault;
    cb_http_chunks_end end = scan_chunks(limits, text, strlen(text), &chunks, &fault);
    CU_ASSERT_EQUAL(end, CB_HTTP_CHUNKS_BROKEN);
    CU_ASSERT_EQUAL(fault, why);
    if (end != CB_HTTP_CHUNKS_BROKEN || fault != why)
        printf("\n%s: %s\n", text, cb_http_fault_text(fault));
}

static void each_byte_as_a_digit_of_a_size(void)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[] = "0?\r\n\r\n";
        cb_http_chunks chunks;
        cb_http_fault fault;
        if (byte == '\r' || byte == '\n' || byte == ';')
            continue;
        text[1] = (char)byte;
        (void)scan_chunks(&chunk_limits, text, strlen(text), &chunks, &fault);
        if (!isxdigit(byte)) {
            CU_ASSERT_EQUAL(fault,
                            iscntrl(byte) && byte != '\t' ? CB_HTTP_CONTROL : CB_HTTP_CHUNK_SIZE);
            continue;
        }
        text[2] = '\0';
        CU_ASSERT_EQUAL(chunks.data_size, strtoul(text, NULL, 16));
    }
}

static void sizes_of_chunks(void)
{
    cb_http_chunk_limits limits = chunk_limits;
    limits.body = SIZE_MAX;
    cb_http_chunks chunks;
    cb_http_fault fault;
    (void)scan_chunks(&limits, "fedcba9876543210\r\n", 18, &chunks, &fault);
    CU_ASSERT_EQUAL(fault, CB_HTTP_NONE);
    CU_ASSERT_EQUAL(chunks.data_left, 0xfedcba9876543210u);
    (void)scan_chunks(&limits, "ffffffffffffffff\r\n", 18, &chunks, &fault);
    CU_ASSERT_EQUAL(chunks.data_size, UINT64_MAX);
    expect_broken(&limits, "0fffffffffffffff0\r\n", CB_HTTP_CHUNK_SIZE);
    expect_broken(&limits, "\r\n", CB_HTTP_CHUNK_SIZE);
    expect_broken(&limits, ";a\r\n", CB_HTTP_CHUNK_SIZE);
}

static void bodies_of_chunks_are_bounded(void)
{
    cb_http_chunk_limits limits = chunk_limits;
    limits.body = 5;
    expect_whole(&limits, "5\r\nabcde\r\n0\r\n\r\n");
    expect_whole(&limits, "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
    expect_broken(&limits, "6\r\n", CB_HTTP_BODY_LARGE);
    expect_broken(&limits, "2\r\nab\r\n4\r\n", CB_HTTP_BODY_LARGE);
    expect_broken(&limits, "5\r\nabcde\r\n1\r\n", CB_HTTP_BODY_LARGE);
    limits.body = 0;
    expect_whole(&limits, "0\r\n\r\n");
    expect_broken(&limits, "1\r\n", CB_HTTP_BODY_LARGE);
}

/* A line of a size with its end, and the end of data; the last chunk has no data to end. */
static void what_surrounds_chunks_is_bounded(void)
{
    cb_http_chunk_limits limits = chunk_limits;
    limits.overhead = 5 + 5 + 3;
    expect_whole(&limits, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    limits.overhead--;
    expect_broken(&limits, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", CB_HTTP_CHUNK_OVERHEAD);
    limits.overhead = 3 + 4;
    expect_whole(&limits, "0;a=b\r\n\r\n");
    expect_broken(&limits, "0;a=bc\r\n\r\n", CB_HTTP_CHUNK_OVERHEAD);
}

static void trailers_are_bounded(void)
{
    cb_http_chunk_limits limits = chunk_limits;
    limits.trailers = 7;
    expect_whole(&limits, "0\r\na:b\r\n\r\n");
    expect_broken(&limits, "0\r\na:bc\r\n\r\n", CB_HTTP_HEAD_LARGE);
    limits.trailers = 2;
    expect_whole(&limits, "0\r\n\r\n");
    expect_broken(&limits, "0\r\na:", CB_HTTP_HEAD_LARGE);
    limits = chunk_limits;
    limits.fields = 2;
    expect_whole(&limits, "0\r\na:b\r\nc:d\r\n\r\n");
    expect_broken(&limits, "0\r\na:b\r\nc:d\r\ne:f\r\n", CB_HTTP_FIELDS_MANY);
    limits.fields = 0;
    expect_whole(&limits, "0\r\n\r\n");
    expect_broken(&limits, "0\r\na:b\r\n", CB_HTTP_FIELDS_MANY);
}

static void broken_lines_are_told(void)
{
    expect_broken(&chunk_limits, "1\n", CB_HTTP_BARE_LF);
    expect_broken(&chunk_limits, "1\r1", CB_HTTP_BARE_CR);
    expect_broken(&chunk_limits, "0\r\na\x01", CB_HTTP_CONTROL);
    expect_broken(&chunk_limits, "0\r\na:b\n", CB_HTTP_BARE_LF);
    expect_broken(&chunk_limits, "0\r\n a:b\r\n", CB_HTTP_FOLDED);
    expect_broken(&chunk_limits, "0\r\nhost:b\r\n", CB_HTTP_TRAILER);
    expect_broken(&chunk_limits, "0\r\na:b\r\nhost:b\r\n", CB_HTTP_TRAILER);
}

static void data_end_where_the_size_says(void)
{
    expect_broken(&chunk_limits, "1\r\na\n", CB_HTTP_CHUNK_END);
    expect_broken(&chunk_limits, "1\r\nab", CB_HTTP_CHUNK_END);
    expect_broken(&chunk_limits, "1\r\na\r\r", CB_HTTP_CHUNK_END);
    expect_broken(&chunk_limits, "1\r\na\rb", CB_HTTP_CHUNK_END);
    expect_broken(&chunk_limits, "1\r\n\r\r\r", CB_HTTP_CHUNK_END);
}

static void extensions(void)
{
    expect_whole(&chunk_limits, "0;a\r\n\r\n");
    expect_whole(&chunk_limits, "0;a;b;c=d\r\n\r\n");
    expect_whole(&chunk_limits, "0;a=\"\"\r\n\r\n");
    expect_whole(&chunk_limits, "0;a=\"\";b\r\n\r\n");
    expect_whole(&chunk_limits, "0;a=\"\\\"\"\r\n\r\n");
    expect_whole(&chunk_limits, "0;a=\"\\\\\"\r\n\r\n");
    expect_whole(&chunk_limits, "0;a=\"b;c=\"\r\n\r\n");
    expect_broken(&chunk_limits, "0;\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a;\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=;b\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=\"\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=\"\\\"\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=\"\\\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=\"b\"c\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a=b=c\r\n", CB_HTTP_CHUNK_EXTENSION);
    expect_broken(&chunk_limits, "0;a,b\r\n", CB_HTTP_CHUNK_EXTENSION);
}

/* Each name that may not stand behind a body, and names that differ from one by a letter. */
static void names_that_never_trail(void)
{
    static const char *const names[] = {
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "max-forwards",
        "pragma",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        size_t size = strlen(names[i]);
        for (int change = 0; change < 4; change++) {
            (void)snprintf(text, sizeof text, "%s~", names[i]);
            text[0] = change == 0 ? (char)toupper((unsigned char)text[0]) : text[0];
            text[size - 1] = change == 1 ? '~' : text[size - 1];
            text[0] = change == 2 ? '~' : text[0];
            size_t shown = size + (change == 3 ? 1 : 0);
            uint8_t *bytes = guarded(text, shown);
            cb_http_field field = {.name = {0, shown}};
            CU_ASSERT_EQUAL(cb_http_field_never_trails(bytes, &field), change == 0);
            free(bytes);
        }
    }
}

/* --- characters --- */

static bool among(const char *set, int byte)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static void each_character_is_of_its_classes(void)
{
    for (int byte = 0; byte < 256; byte++) {
        bool is_ascii = byte < 0x80;
        bool is_word = is_ascii && isalnum(byte);
        bool is_token = is_word || among("!#$%&'*+-.^_`|~", byte);
        bool is_target = byte > ' ' && byte < 0x7f && byte != '#';
        bool is_host = is_word || among("-._~!$&'()*+;=", byte);
        bool is_control = (byte < ' ' && byte != '\t') || byte == 0x7f;
        CU_ASSERT_EQUAL(cb_http_chars[byte], (is_token ? CB_HTTP_TCHAR : 0) +
                                                 (is_target ? CB_HTTP_TARGET_CHAR : 0) +
                                                 (is_host ? CB_HTTP_HOST_CHAR : 0) +
                                                 (is_control ? CB_HTTP_CONTROL_CHAR : 0));
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("parts of http", NULL, NULL);
    CU_ADD_TEST(suite, a_scan_ends_where_the_line_does);
    CU_ADD_TEST(suite, names_and_ports);
    CU_ADD_TEST(suite, each_byte_of_an_escape_and_of_a_port);
    CU_ADD_TEST(suite, addresses_in_brackets);
    CU_ADD_TEST(suite, addresses_around_the_longest);
    CU_ADD_TEST(suite, request_lines_fall_into_parts);
    CU_ADD_TEST(suite, field_lines_fall_into_parts);
    CU_ADD_TEST(suite, lists_fall_into_elements);
    CU_ADD_TEST(suite, lengths);
    CU_ADD_TEST(suite, fields_frame_a_message);
    CU_ADD_TEST(suite, connections_stay_open_by_version_and_wish);
    CU_ADD_TEST(suite, each_byte_as_a_digit_of_a_size);
    CU_ADD_TEST(suite, sizes_of_chunks);
    CU_ADD_TEST(suite, bodies_of_chunks_are_bounded);
    CU_ADD_TEST(suite, what_surrounds_chunks_is_bounded);
    CU_ADD_TEST(suite, trailers_are_bounded);
    CU_ADD_TEST(suite, broken_lines_are_told);
    CU_ADD_TEST(suite, data_end_where_the_size_says);
    CU_ADD_TEST(suite, extensions);
    CU_ADD_TEST(suite, names_that_never_trail);
    CU_ADD_TEST(suite, each_character_is_of_its_classes);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
