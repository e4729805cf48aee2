/* Field lines, and the fields that decide where a message ends; inside actors/io/http. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_FIELDS_H
#define CALLBOARD_ACTORS_IO_HTTP_FIELDS_H

#include "actors/io/http/line.h"

typedef struct cb_http_field {
    cb_http_span name;
    cb_http_span value; /* without the white space around it */
    bool plain;         /* only spaces stand before the value, and nothing after it */
} cb_http_field;

/* Splits a field line [line.begin, line.scanned) into its parts. */
cb_http_fault cb_http_field_split(const uint8_t *bytes, const cb_http_line *line,
                                  cb_http_field *field);

/* The framing by Content-Length, Transfer-Encoding and Connection so far; all zero at first. */
typedef struct cb_http_framing {
    uint64_t length; /* value of Content-Length; the largest number stands for all larger ones */
    bool has_length;
    bool chunked;
    bool closes;      /* Connection: close */
    bool keeps_alive; /* Connection: keep-alive */
} cb_http_framing;

/* Takes one field, of any name. */
cb_http_fault cb_http_framing_take(cb_http_framing *framing, const uint8_t *bytes,
                                   const cb_http_field *field);
/* True if, according to this message, the connection stays open after it. */
bool cb_http_framing_keeps_alive(const cb_http_framing *framing, unsigned minor_version);

/* True if the field must not stand after a body. */
bool cb_http_field_never_trails(const uint8_t *bytes, const cb_http_field *field);

/* Gives the next element of a comma-separated list (RFC 9110, 5.6.1) that is not empty, without the
 * white space around it, and moves *at, which begins at 0. False at the end of the list. */
bool cb_http_list_next(const uint8_t *bytes, cb_http_span list, size_t *at, cb_http_span *element);

#endif
