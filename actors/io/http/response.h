/* Whether a connection may stay open behind a response that the program wrote. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_RESPONSE_H
#define CALLBOARD_ACTORS_IO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of the request decides how its client reads the response. */
typedef struct cb_http_asked {
    uint8_t minor_version; /* 1 or 0 */
    bool is_head;
} cb_http_asked;

/* NULL: the bytes are exactly one whole response, the client will know where it ends, and it does
 * not ask for the connection's end; so another may follow. Otherwise a static text that says why
 * the connection must be closed behind it. Nothing is wrong then: the client still gets the bytes.
 * Pure; linear in the size of the head, and of the body if that is chunked. */
const char *cb_http_response_closes(const uint8_t *bytes, size_t size, cb_http_asked asked);

#endif
