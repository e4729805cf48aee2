/* Field lines, and those fields that decide where a message ends, inside actors/io/http. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_FIELDS_H
#define CALLBOARD_ACTORS_IO_HTTP_FIELDS_H

#include "actors/io/http/line.h"

typedef struct cb_http_field {
    cb_http_span name;
    cb_http_span value; /* without the white space around it */
    bool plain;         /* nothing but spaces stands before the value, and nothing behind it */
} cb_http_field;

/* The parts of a field line [line.begin, line.scanned). */
cb_http_fault cb_http_field_split(const uint8_t *bytes, const cb_http_line *line,
                                  cb_http_field *field);

/* What Content-Length, Transfer-Encoding and Connection have said so far; all zero at first. */
typedef struct cb_http_framing {
    uint64_t length; /* of Content-Length; the largest number stands for all larger ones */
    bool has_length;
    bool chunked;
    bool closes;      /* Connection: close */
    bool keeps_alive; /* Connection: keep-alive */
} cb_http_framing;

/* Takes one field in, whatever its name. */
cb_http_fault cb_http_framing_take(cb_http_framing *framing, const uint8_t *bytes,
                                   const cb_http_field *field);
/* Whether the connection stays open after this message as far as the message says. */
bool cb_http_framing_keeps_alive(const cb_http_framing *framing, unsigned minor_version);

/* Whether a field is one that must not stand behind a body. */
bool cb_http_field_never_trails(const uint8_t *bytes, const cb_http_field *field);

/* Calls for elements of a comma-separated list (RFC 9110, 5.6.1): moves *at, which begins at 0, and
 * gives the next element that is not empty, without the white space around it. */
bool cb_http_list_next(const uint8_t *bytes, cb_http_span list, size_t *at, cb_http_span *element);

#endif
