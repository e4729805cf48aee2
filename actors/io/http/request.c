#include "actors/io/http/request.h"

#include <string.h>

#include "actors/io/http/target.h"

/* What the sizes, line ends and extensions of chunks may add beside a quarter of the largest body:
 * the bytes are handed on as they came, so this bounds memory. Chunks of 32 bytes stay below it. */
#define OVERHEAD_FLOOR 4096u

cb_http_limits cb_http_limits_from(const cb_limits *limits)
{
    return (cb_http_limits){.line = (size_t)limits->http_line,
                            .head = (size_t)limits->http_head,
                            .fields = (size_t)limits->http_fields,
                            .body = (size_t)limits->max_request};
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* NONE with *whole false: more bytes are needed. */
static cb_http_fault read_line(cb_http_request *request, const uint8_t *bytes, size_t size,
                               size_t most, cb_http_fault too_long, bool *whole)
{
    cb_http_fault fault = CB_HTTP_NONE;
    *whole = false;
    switch (cb_http_line_scan(&request->line, bytes, size, request->begin + most, &fault)) {
    case CB_HTTP_LINE_WHOLE:
        *whole = true;
        break;
    case CB_HTTP_LINE_PARTIAL:
        break;
    case CB_HTTP_LINE_TOO_LONG:
        fault = too_long;
        break;
    case CB_HTTP_LINE_BROKEN:
        break;
    }
    return fault;
}

/* --- the request line --- */

/* One empty line before it is forgiven: old clients sent one behind a body (RFC 9112, 2.2). */
static cb_http_fault skip_empty_line(cb_http_request *request, const uint8_t *bytes, size_t size)
{
    if (size == 0 || (size == 1 && bytes[0] == '\r'))
        return CB_HTTP_NONE;
    if (bytes[0] == '\r' && bytes[1] != '\n')
        return CB_HTTP_BARE_CR;
    request->begin = bytes[0] == '\r' ? 2 : 0;
    request->line = (cb_http_line){request->begin, request->begin};
    request->state = CB_HTTP_AT_REQUEST_LINE;
    return CB_HTTP_NONE;
}

static cb_http_fault read_request_line(cb_http_request *request, const cb_http_limits *limits,
                                       const uint8_t *bytes, size_t size)
{
    bool whole;
    size_t most = least(limits->line, limits->head);
    cb_http_fault fault = read_line(request, bytes, size, most, CB_HTTP_LINE_LONG, &whole);
    if (!whole)
        return fault;
    cb_http_request_line parts;
    fault = cb_http_request_line_split(bytes, &request->line, &parts);
    if (fault != CB_HTTP_NONE)
        return fault;
    request->minor_version = parts.minor_version;
    request->authority = parts.authority;
    request->is_head = parts.method.size == 4 && memcmp(bytes + parts.method.at, "HEAD", 4) == 0;
    cb_http_line_next(&request->line);
    request->state = CB_HTTP_AT_FIELDS;
    return CB_HTTP_NONE;
}

/* --- fields --- */

/* A Host is read by everyone on the way, so its value stands as `plain` as lengths do. */
static cb_http_fault take_host(cb_http_request *request, const uint8_t *bytes,
                               const cb_http_field *field)
{
    if (request->has_host)
        return CB_HTTP_TWO_HOSTS;
    if (!field->plain || !cb_http_host_is_good(bytes, field->value))
        return CB_HTTP_BAD_HOST;
    request->has_host = true;
    request->host = field->value;
    return CB_HTTP_NONE;
}

/* Other expectations may be ignored (RFC 9110, 10.1.1). */
static void take_expect(cb_http_request *request, const uint8_t *bytes, const cb_http_field *field)
{
    size_t at = 0;
    cb_http_span member;
    while (cb_http_list_next(bytes, field->value, &at, &member))
        if (CB_HTTP_SAME(bytes, member, "100-continue"))
            request->expects_continue = true;
}

static cb_http_fault take_field(cb_http_request *request, const cb_http_limits *limits,
                                const uint8_t *bytes)
{
    cb_http_field field;
    if (request->field_count >= limits->fields)
        return CB_HTTP_FIELDS_MANY;
    request->field_count++;
    cb_http_fault fault = cb_http_field_split(bytes, &request->line, &field);
    if (fault != CB_HTTP_NONE)
        return fault;
    if (CB_HTTP_SAME(bytes, field.name, "host"))
        return take_host(request, bytes, &field);
    if (CB_HTTP_SAME(bytes, field.name, "expect"))
        take_expect(request, bytes, &field);
    return cb_http_framing_take(&request->framing, bytes, &field);
}

/* Whether a proxy that routes by the target and one that routes by Host go to the same place. A
 * client must make the two identical (RFC 9112, 3.2), up to case, which hosts do not have. */
static bool host_is_the_targets(const cb_http_request *request, const uint8_t *bytes)
{
    if (request->authority.size == 0 || !request->has_host)
        return true;
    if (request->authority.size != request->host.size)
        return false;
    for (size_t i = 0; i < request->host.size; i++) {
        uint8_t one = bytes[request->authority.at + i];
        uint8_t other = bytes[request->host.at + i];
        /* Of what may stand in a host, only a letter's two cases differ in just this bit. */
        if (one != other && (one ^ other) != 0x20)
            return false;
    }
    return true;
}

/* What the fields say together, once the empty line was read (RFC 9112, 3.2 and 6.3). */
static cb_http_fault check_head(const cb_http_request *request, const cb_http_limits *limits,
                                const uint8_t *bytes)
{
    const cb_http_framing *framing = &request->framing;
    if (!request->has_host && request->minor_version > 0)
        return CB_HTTP_NO_HOST;
    if (!host_is_the_targets(request, bytes))
        return CB_HTTP_OTHER_HOST;
    if (framing->chunked && framing->has_length)
        return CB_HTTP_LENGTH_AND_CODING;
    if (framing->chunked && request->minor_version == 0)
        return CB_HTTP_OLD_CODING;
    return framing->length > limits->body ? CB_HTTP_BODY_LARGE : CB_HTTP_NONE;
}

static cb_http_fault end_head(cb_http_request *request, const cb_http_limits *limits,
                              const uint8_t *bytes, size_t size)
{
    cb_http_fault fault = check_head(request, limits, bytes);
    if (fault != CB_HTTP_NONE)
        return fault;
    const cb_http_framing *framing = &request->framing;
    request->head_size = request->line.begin;
    request->keep_alive = cb_http_framing_keeps_alive(framing, request->minor_version);
    request->chunked = framing->chunked;
    /* Who has begun to send the body does not wait; HTTP/1.0 knows no 100. */
    request->send_continue = request->expects_continue && request->minor_version > 0 &&
                             size == request->head_size &&
                             (framing->chunked || framing->length > 0);
    if (framing->chunked) {
        cb_http_chunks_start(&request->chunks, request->head_size);
        request->state = CB_HTTP_AT_CHUNKS;
    } else {
        request->body_size = (size_t)framing->length;
        request->size = request->head_size + request->body_size;
        request->state = CB_HTTP_AT_LENGTH;
    }
    return CB_HTTP_NONE;
}

static cb_http_fault read_fields(cb_http_request *request, const cb_http_limits *limits,
                                 const uint8_t *bytes, size_t size)
{
    for (;;) {
        bool whole;
        cb_http_fault fault =
            read_line(request, bytes, size, limits->head, CB_HTTP_HEAD_LARGE, &whole);
        if (!whole)
            return fault;
        bool last = request->line.scanned == request->line.begin;
        if (!last)
            fault = take_field(request, limits, bytes);
        if (fault != CB_HTTP_NONE)
            return fault;
        cb_http_line_next(&request->line);
        if (last)
            return end_head(request, limits, bytes, size);
    }
}

/* --- the body --- */

static cb_http_fault read_chunks(cb_http_request *request, const cb_http_limits *limits,
                                 const uint8_t *bytes, size_t size)
{
    cb_http_fault fault;
    cb_http_chunk_limits chunk_limits = {.body = limits->body,
                                         .overhead = limits->body / 4 + OVERHEAD_FLOOR,
                                         .trailers = limits->head,
                                         .fields = limits->fields - request->field_count};
    if (cb_http_chunks_scan(&request->chunks, &chunk_limits, bytes, size, &fault) ==
        CB_HTTP_CHUNKS_WHOLE) {
        request->size = request->chunks.line.begin;
        request->body_size = request->chunks.data_size;
        request->state = CB_HTTP_AT_END;
    }
    return fault;
}

/* One step from the state the request is in. It made progress if the state has changed. */
static cb_http_fault advance(cb_http_request *request, const cb_http_limits *limits,
                             const uint8_t *bytes, size_t size)
{
    switch (request->state) {
    case CB_HTTP_AT_BEGIN:
        return skip_empty_line(request, bytes, size);
    case CB_HTTP_AT_REQUEST_LINE:
        return read_request_line(request, limits, bytes, size);
    case CB_HTTP_AT_FIELDS:
        return read_fields(request, limits, bytes, size);
    case CB_HTTP_AT_LENGTH:
        if (size >= request->size)
            request->state = CB_HTTP_AT_END;
        return CB_HTTP_NONE;
    case CB_HTTP_AT_CHUNKS:
        return read_chunks(request, limits, bytes, size);
    case CB_HTTP_AT_END:
    case CB_HTTP_AT_REFUSAL:
        break;
    }
    return CB_HTTP_NONE;
}

cb_http_progress cb_http_request_frame(cb_http_request *request, const cb_http_limits *limits,
                                       const uint8_t *bytes, size_t size)
{
    cb_http_request_state before;
    do {
        before = request->state;
        request->fault = request->state == CB_HTTP_AT_REFUSAL
                             ? request->fault
                             : advance(request, limits, bytes, size);
        if (request->fault != CB_HTTP_NONE)
            request->state = CB_HTTP_AT_REFUSAL;
    } while (request->state != before);
    switch (request->state) {
    case CB_HTTP_AT_END:
        return CB_HTTP_DONE;
    case CB_HTTP_AT_REFUSAL:
        return CB_HTTP_REFUSED;
    default:
        return CB_HTTP_PARTIAL;
    }
}
