/* Decides whether a connection may stay open after a response that the program wrote. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_RESPONSE_H
#define CALLBOARD_ACTORS_IO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parts of the request that decide how its client reads the response. */
typedef struct cb_http_asked {
    uint8_t minor_version; /* 1 or 0 */
    bool is_head;
} cb_http_asked;

/* Returns NULL if the bytes are exactly one whole response, the client will know where it ends, and
 * the response does not ask for the connection's end. Another response may then follow. Otherwise
 * returns a static text that says why the connection must be closed after it. This is no error: the
 * client still gets the bytes. Pure; linear in the size of the head, and of a chunked body. */
const char *cb_http_response_closes(const uint8_t *bytes, size_t size, cb_http_asked asked);

#endif
