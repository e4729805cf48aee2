#include "actors/io/http/response.h"

#include <string.h>

#include "actors/io/http/chunks.h"
#include "actors/io/http/fields.h"

typedef struct response {
    unsigned minor_version;
    unsigned status;
    cb_http_framing framing;
    size_t head_size;
} response;

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* HTTP/1.x SP 3 digits SP and any reason, also none (RFC 9112, 4). */
static const char *take_status_line(response *this, const uint8_t *text, size_t size)
{
    if (size < sizeof "HTTP/1.1 200 " - 1 || memcmp(text, "HTTP/1.", 7) != 0)
        return "the status line is malformed";
    if (text[7] != '0' && text[7] != '1')
        return "the HTTP version is neither 1.1 nor 1.0";
    if (text[8] != ' ' || !is_digit(text[9]) || !is_digit(text[10]) || !is_digit(text[11]) ||
        text[12] != ' ')
        return "the status line is malformed";
    this->minor_version = text[7] - '0';
    this->status = (text[9] - '0') * 100u + (text[10] - '0') * 10u + (text[11] - '0');
    if (this->status < 200)
        return this->status < 100 ? "the status is no number from 100"
                                  : "the first status is not a final one";
    return NULL;
}

static const char *take_head(response *this, const uint8_t *bytes, size_t size)
{
    cb_http_line line = {0, 0};
    for (bool first = true;; first = false) {
        cb_http_fault fault = CB_HTTP_NONE;
        cb_http_line_end end = cb_http_line_scan(&line, bytes, size, SIZE_MAX, &fault);
        if (end != CB_HTTP_LINE_WHOLE)
            return end == CB_HTTP_LINE_BROKEN ? cb_http_fault_text(fault) : "the head has no end";
        const char *why = NULL;
        cb_http_field field;
        if (first) {
            why = take_status_line(this, bytes, line.scanned);
        } else if (line.scanned == line.begin) {
            this->head_size = line.begin + 2;
            return NULL;
        } else {
            fault = cb_http_field_split(bytes, &line, &field);
            if (fault == CB_HTTP_NONE)
                fault = cb_http_framing_take(&this->framing, bytes, &field);
        }
        if (fault != CB_HTTP_NONE)
            why = cb_http_fault_text(fault);
        if (why != NULL)
            return why;
        cb_http_line_next(&line);
    }
}

static const char *check_chunks(const response *this, const uint8_t *bytes, size_t size)
{
    cb_http_chunks chunks;
    cb_http_chunk_limits limits = {
        .body = size, .overhead = SIZE_MAX, .trailers = size, .fields = SIZE_MAX};
    cb_http_fault fault;
    cb_http_chunks_start(&chunks, this->head_size);
    switch (cb_http_chunks_scan(&chunks, &limits, bytes, size, &fault)) {
    case CB_HTTP_CHUNKS_WHOLE:
        return chunks.line.begin == size ? NULL : "bytes follow the last chunk";
    case CB_HTTP_CHUNKS_PARTIAL:
        return "the last chunk is missing";
    case CB_HTTP_CHUNKS_BROKEN:
        break;
    }
    return cb_http_fault_text(fault);
}

/* RFC 9112, 6.3, in its order. */
static const char *check_body(const response *this, const uint8_t *bytes, size_t size,
                              cb_http_asked asked)
{
    const cb_http_framing *framing = &this->framing;
    size_t body_size = size - this->head_size;
    if (framing->chunked && framing->has_length)
        return cb_http_fault_text(CB_HTTP_LENGTH_AND_CODING);
    if (framing->chunked && (this->minor_version == 0 || asked.minor_version == 0))
        return cb_http_fault_text(CB_HTTP_OLD_CODING);
    /* 204 with a length of 0 should not be, but nobody can misread it. */
    if (this->status == 204 && (framing->chunked || framing->length > 0))
        return "a length in a response that has no body";
    if (asked.is_head || this->status == 204 || this->status == 304)
        return body_size == 0 ? NULL : "a body in a response that has none";
    if (framing->chunked)
        return check_chunks(this, bytes, size);
    if (!framing->has_length)
        return "neither Content-Length nor chunked";
    return framing->length == body_size ? NULL : "the Content-Length is not the body's";
}

const char *cb_http_response_closes(const uint8_t *bytes, size_t size, cb_http_asked asked)
{
    response this = {0};
    const char *why = take_head(&this, bytes, size);
    if (why == NULL)
        why = check_body(&this, bytes, size, asked);
    if (why != NULL)
        return why;
    /* The older of the two versions decides; in 1.0 both sides must say keep-alive. */
    unsigned minor_version =
        this.minor_version < asked.minor_version ? this.minor_version : asked.minor_version;
    return cb_http_framing_keeps_alive(&this.framing, minor_version)
               ? NULL
               : "the response says that the connection ends";
}
