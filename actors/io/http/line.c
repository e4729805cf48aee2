#include "actors/io/http/line.h"

#include <assert.h>
#include <string.h>

/* A table, so that each byte of a head costs one look-up; a row for each 16 bytes. */
const uint8_t cb_http_chars[256] = {
    8, 8, 8, 8, 8, 8, 8, 8, 8, 0, 8, 8, 8, 8, 8, 8, /* 00 */
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, /* 10 */
    0, 7, 2, 1, 7, 3, 7, 7, 6, 6, 7, 7, 2, 7, 7, 2, /* 20   ! " # $ % & ' ( ) * + , - . / */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 6, 2, 6, 2, 2, /* 30 0 1 2 3 4 5 6 7 8 9 : ; < = > ? */
    2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 40 @ A B C D E F G H I J K L M N O */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 2, 3, 7, /* 50 P Q R S T U V W X Y Z [ \ ] ^ _ */
    3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 60 ` a b c d e f g h i j k l m n o */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 3, 2, 7, 8, /* 70 p q r s t u v w x y z { | } ~   */
};

/* The high bit of each of 8 bytes that is below space or DEL; no such byte is missed, but a tab and
 * some bytes above a hit are marked too, so what is marked must be looked at. */
static uint64_t mark_controls(const uint8_t *eight)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    uint64_t not_delete = word ^ each * 0x7f;
    uint64_t below_space = (word - each * 0x20) & ~word;
    uint64_t is_delete = (not_delete - each) & ~not_delete;
    return (below_space | is_delete) & each * 0x80;
}

static bool is_control(uint8_t byte)
{
    return (cb_http_chars[byte] & CB_HTTP_CONTROL_CHAR) != 0;
}

/* Where the first control character of 8 bytes lies; 8 if there is none. */
static size_t find_marked(const uint8_t *eight, uint64_t marks)
{
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; marks != 0; marks &= marks - 1) {
        size_t at = (size_t)__builtin_ctzll(marks) / 8;
        if (is_control(eight[at]))
            return at;
    }
    return 8;
#else
    size_t at = 0;
    while (marks != 0 && at < 8 && !is_control(eight[at]))
        at++;
    return marks != 0 ? at : 8;
#endif
}

/* Where the first control character in [from, to) lies; `to` if there is none. */
static size_t find_control(const uint8_t *bytes, size_t from, size_t to)
{
    while (to - from >= 8) {
        uint64_t marks = mark_controls(bytes + from);
        size_t at = marks == 0 ? 8 : find_marked(bytes + from, marks);
        from += at;
        if (at < 8)
            return from;
    }
    while (from < to && !is_control(bytes[from]))
        from++;
    return from;
}

cb_http_line_end cb_http_line_scan(cb_http_line *line, const uint8_t *bytes, size_t size,
                                   size_t most, cb_http_fault *fault)
{
    assert(line->begin <= line->scanned && line->scanned <= size && line->scanned <= most);
    size_t end = find_control(bytes, line->scanned, size < most ? size : most);
    line->scanned = end;
    if (end >= most)
        return CB_HTTP_LINE_TOO_LONG;
    if (end >= size)
        return CB_HTTP_LINE_PARTIAL;
    if (bytes[end] != '\r') {
        *fault = bytes[end] == '\n' ? CB_HTTP_BARE_LF : CB_HTTP_CONTROL;
        return CB_HTTP_LINE_BROKEN;
    }
    if (most - end < 2)
        return CB_HTTP_LINE_TOO_LONG;
    if (size - end < 2)
        return CB_HTTP_LINE_PARTIAL;
    if (bytes[end + 1] != '\n') {
        *fault = CB_HTTP_BARE_CR;
        return CB_HTTP_LINE_BROKEN;
    }
    return CB_HTTP_LINE_WHOLE;
}
