/* Request lines and hosts, inside actors/io/http. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_TARGET_H
#define CALLBOARD_ACTORS_IO_HTTP_TARGET_H

#include "actors/io/http/line.h"

typedef struct cb_http_request_line {
    cb_http_span method;
    cb_http_span target;
    cb_http_span authority; /* of a target in absolute form; else empty */
    uint8_t minor_version;
} cb_http_request_line;

/* Splits a request line [line.begin, line.scanned) into its parts and checks each. */
cb_http_fault cb_http_request_line_split(const uint8_t *bytes, const cb_http_line *line,
                                         cb_http_request_line *parts);
/* True if a Host value or an authority is a host, perhaps with a port (RFC 9110, 4.2 and 7.2). The
 * span holds no control character. */
bool cb_http_host_is_good(const uint8_t *bytes, cb_http_span host);

#endif
