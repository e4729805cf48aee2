/* Finds the end of an HTTP/1.x request: bytes in; done, partial or refused out.
 *
 * The parser is strict on purpose. It refuses everything that two readers of RFC 9110 and RFC 9112
 * could understand in two ways: one of them may be a proxy in front, which would then have checked
 * something else than the program sees. Nothing is repaired and nothing is copied.
 *
 *     BEGIN -> REQUEST_LINE -> FIELDS -+-> LENGTH ------------------.
 *                                      +-> CHUNKS (chunks.h) -------+-> done
 *                                      '----------------------------'
 *     any of them -> refused
 *
 * The caller gathers bytes in one piece of memory (which may move between calls) that begins where
 * the request begins, and calls again when there are more. No byte is examined twice, so the cost
 * is linear however the bytes arrive. The result does not depend on how they arrive either. Bytes
 * after the end of the request belong to the next one and are not examined.
 *
 * Pure: no state but the caller's struct, any thread.
 */
#ifndef CALLBOARD_ACTORS_IO_HTTP_REQUEST_H
#define CALLBOARD_ACTORS_IO_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/io/http/chunks.h"
#include "actors/io/http/fault.h"
#include "actors/io/http/fields.h"
#include "actors/io/http/line.h"
#include "callboard/limits.h"

/* Limits of what is accepted. Each size includes its line ends. */
typedef struct cb_http_limits {
    size_t line;   /* bytes of the request line; more is answered by 414 */
    size_t head;   /* bytes of the request line, the fields and the empty line; more: 431 */
    size_t fields; /* number of fields and trailers together; more: 431 */
    size_t body;   /* bytes of content, without the chunks' framing; more: 413 */
} cb_http_limits;

/* The limits of the program. */
cb_http_limits cb_http_limits_from(const cb_limits *limits);

typedef enum cb_http_progress {
    CB_HTTP_PARTIAL, /* more bytes are needed */
    CB_HTTP_DONE,    /* bytes [begin, size) are one whole request */
    CB_HTTP_REFUSED  /* `fault` says why; no later byte changes it */
} cb_http_progress;

typedef enum cb_http_request_state {
    CB_HTTP_AT_BEGIN,
    CB_HTTP_AT_REQUEST_LINE,
    CB_HTTP_AT_FIELDS,
    CB_HTTP_AT_LENGTH,
    CB_HTTP_AT_CHUNKS,
    CB_HTTP_AT_END,
    CB_HTTP_AT_REFUSAL
} cb_http_request_state;

/* All zero at the start of each request. The caller reads the first part. It writes only
 * `send_continue`, which it clears. */
typedef struct cb_http_request {
    cb_http_fault fault; /* NONE unless refused */
    size_t begin;        /* 2 if an empty line stood before the request, else 0 */
    size_t head_size;    /* bytes up to the body, with `begin`; 0 until the head is whole */
    size_t size; /* bytes up to the end of the request, with `begin`; valid with the head (a body of
                    chunks: when done) */
    size_t body_size;      /* bytes of content, without the chunks' framing; valid like `size` */
    uint8_t minor_version; /* 1 or 0: HTTP/1.1 or HTTP/1.0 */
    bool is_head;          /* HEAD: the response has no body */
    bool keep_alive;       /* the client lets the connection stay open */
    bool chunked;
    bool send_continue; /* set once: the client waits for 100 Continue before it sends the body */

    cb_http_request_state state;
    bool has_host;
    bool expects_continue;
    cb_http_line line;
    size_t field_count;
    cb_http_span authority; /* of a target in absolute form */
    cb_http_span host;
    cb_http_framing framing;
    cb_http_chunks chunks;
} cb_http_request;

/* `bytes` holds the bytes of earlier calls, and perhaps more. Once done or refused, the result does
 * not change any more. */
cb_http_progress cb_http_request_frame(cb_http_request *request, const cb_http_limits *limits,
                                       const uint8_t *bytes, size_t size);

#endif
