/* Characters and lines of HTTP/1.x, inside actors/io/http. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_LINE_H
#define CALLBOARD_ACTORS_IO_HTTP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/io/http/fault.h"

enum {
    CB_HTTP_TCHAR = 1,       /* in a token (RFC 9110, 5.6.2) */
    CB_HTTP_TARGET_CHAR = 2, /* visible ASCII, without '#' */
    CB_HTTP_HOST_CHAR = 4,   /* in a registered name (RFC 3986, 3.2.2), without '%' and ',' */
    CB_HTTP_CONTROL_CHAR = 8 /* below space, or DEL; not the tab */
};

/* For each byte, the sum of its classes above. */
extern const uint8_t cb_http_chars[256];

/* A part of the caller's bytes, by offset, because the bytes may move. */
typedef struct cb_http_span {
    size_t at, size;
} cb_http_span;

/* How far a line has been examined. */
typedef struct cb_http_line {
    size_t begin;   /* of the line */
    size_t scanned; /* no control character up to here; >= begin */
} cb_http_line;

typedef enum cb_http_line_end {
    CB_HTTP_LINE_WHOLE,   /* [begin, scanned) is the line, CRLF follows */
    CB_HTTP_LINE_PARTIAL, /* more bytes are needed */
    CB_HTTP_LINE_TOO_LONG,
    CB_HTTP_LINE_BROKEN /* *fault: a control character, CR or LF alone */
} cb_http_line_end;

/* Looks for the line's end in the new bytes. The line with its CRLF must end at offset `most` or
 * before. */
cb_http_line_end cb_http_line_scan(cb_http_line *line, const uint8_t *bytes, size_t size,
                                   size_t most, cb_http_fault *fault);
/* Goes on to the next line, behind the CRLF of this one. */
static inline void cb_http_line_next(cb_http_line *line)
{
    line->begin = line->scanned + 2;
    line->scanned = line->begin;
}

/* Returns where the characters of a class, which begin at `from`, end; `to` if all belong to it. */
static inline size_t cb_http_skip(const uint8_t *bytes, size_t from, size_t to, unsigned class)
{
    while (from < to && (cb_http_chars[bytes[from]] & class) != 0)
        from++;
    return from;
}

/* True if a span equals `text`, without regard to case. `text` is in lower case and holds letters,
 * digits and '-' only. The span holds no control character and is as long as `text`. */
static inline bool cb_http_same_letters(const uint8_t *bytes, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] | 0x20) != text[i])
            return false;
    return true;
}
#define CB_HTTP_SAME(bytes, span, text)                                                            \
    ((span).size == sizeof(text) - 1 &&                                                            \
     cb_http_same_letters((bytes) + (span).at, text, sizeof(text) - 1))

#endif
