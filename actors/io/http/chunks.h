/* Finds the end of a chunked body (RFC 9112, 7.1); inside actors/io/http.
 *
 *     SIZE --0--> TRAILERS --empty line--> done
 *      ^ \
 *      |  n
 *      |   v
 *     DATA (n bytes and CRLF)
 */
#ifndef CALLBOARD_ACTORS_IO_HTTP_CHUNKS_H
#define CALLBOARD_ACTORS_IO_HTTP_CHUNKS_H

#include "actors/io/http/line.h"

/* Most bytes of the line before a chunk: 16 digits, and extensions, which nobody uses. */
#define CB_HTTP_CHUNK_LINE_MOST 256u

typedef struct cb_http_chunk_limits {
    size_t body;     /* bytes of data in all chunks together */
    size_t overhead; /* bytes that are neither data nor trailers */
    size_t trailers; /* bytes of the trailers, with the empty line after them */
    size_t fields;   /* number of trailers */
} cb_http_chunk_limits;

typedef enum cb_http_chunks_end {
    CB_HTTP_CHUNKS_PARTIAL, /* more bytes are needed */
    CB_HTTP_CHUNKS_WHOLE,   /* the body ends at line.begin */
    CB_HTTP_CHUNKS_BROKEN   /* *fault says why */
} cb_http_chunks_end;

typedef enum cb_http_chunks_state {
    CB_HTTP_CHUNK_AT_SIZE,
    CB_HTTP_CHUNK_AT_DATA,
    CB_HTTP_CHUNK_AT_TRAILERS
} cb_http_chunks_state;

typedef struct cb_http_chunks {
    cb_http_chunks_state state;
    cb_http_line line; /* the line that is being read; data begin at its `begin` */
    size_t data_left;  /* bytes of the chunk from line.begin */
    size_t data_size;  /* bytes of data in all chunks so far */
    size_t overhead;   /* all other bytes up to the trailers */
    size_t trailers_begin;
    size_t trailer_count;
} cb_http_chunks;

/* The body begins at offset `begin`. */
void cb_http_chunks_start(cb_http_chunks *chunks, size_t begin);
cb_http_chunks_end cb_http_chunks_scan(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                                       const uint8_t *bytes, size_t size, cb_http_fault *fault);

#endif
