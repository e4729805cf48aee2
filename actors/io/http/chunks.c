#include "actors/io/http/chunks.h"

#include "actors/io/http/fields.h"

/* As many digits as 64 bits have. */
#define DIGITS_MOST 16u

void cb_http_chunks_start(cb_http_chunks *chunks, size_t begin)
{
    *chunks = (cb_http_chunks){.line = {begin, begin}};
}

static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Behind the closing quote of the string that begins at `at`; 0 if it does not end. */
static size_t skip_quoted(const uint8_t *bytes, size_t at, size_t end)
{
    for (at++; at < end; at++) {
        if (bytes[at] == '"')
            return at + 1;
        if (bytes[at] == '\\')
            at++;
    }
    return 0;
}

/* *( ";" name [ "=" value ] ). The grammar also lets white space stand around each part, which
 * senders must not write, and which readers have taken for the end of the line. */
static bool extensions_are_good(const uint8_t *bytes, size_t at, size_t end)
{
    while (at < end) {
        if (bytes[at] != ';')
            return false;
        size_t name = at + 1;
        at = cb_http_skip(bytes, name, end, CB_HTTP_TCHAR);
        if (at == name)
            return false;
        if (at == end || bytes[at] != '=')
            continue;
        size_t value = at + 1;
        at = value < end && bytes[value] == '"' ? skip_quoted(bytes, value, end)
                                                : cb_http_skip(bytes, value, end, CB_HTTP_TCHAR);
        if (at <= value)
            return false;
    }
    return true;
}

static cb_http_fault take_size(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                               const uint8_t *bytes)
{
    size_t begin = chunks->line.begin;
    size_t end = chunks->line.scanned;
    size_t at = begin;
    uint64_t value = 0;
    while (at < end && at - begin < DIGITS_MOST && hex_value(bytes[at]) >= 0)
        value = value << 4 | (uint64_t)hex_value(bytes[at++]);
    if (at == begin || (at < end && bytes[at] != ';'))
        return CB_HTTP_CHUNK_SIZE;
    if (!extensions_are_good(bytes, at, end))
        return CB_HTTP_CHUNK_EXTENSION;
    if (value > limits->body - chunks->data_size)
        return CB_HTTP_BODY_LARGE;
    chunks->overhead += end - begin + 2 + (value > 0 ? 2 : 0);
    if (chunks->overhead > limits->overhead)
        return CB_HTTP_CHUNK_OVERHEAD;
    chunks->data_size += (size_t)value;
    chunks->data_left = (size_t)value;
    cb_http_line_next(&chunks->line);
    chunks->state = value > 0 ? CB_HTTP_CHUNK_AT_DATA : CB_HTTP_CHUNK_AT_TRAILERS;
    chunks->trailers_begin = chunks->line.begin;
    return CB_HTTP_NONE;
}

static cb_http_chunks_end scan_size(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                                    const uint8_t *bytes, size_t size, cb_http_fault *fault)
{
    size_t most = chunks->line.begin + CB_HTTP_CHUNK_LINE_MOST;
    switch (cb_http_line_scan(&chunks->line, bytes, size, most, fault)) {
    case CB_HTTP_LINE_PARTIAL:
        return CB_HTTP_CHUNKS_PARTIAL;
    case CB_HTTP_LINE_WHOLE:
        *fault = take_size(chunks, limits, bytes);
        break;
    case CB_HTTP_LINE_TOO_LONG:
        *fault = CB_HTTP_CHUNK_LINE;
        break;
    case CB_HTTP_LINE_BROKEN:
        break;
    }
    return *fault == CB_HTTP_NONE ? CB_HTTP_CHUNKS_WHOLE : CB_HTTP_CHUNKS_BROKEN;
}

/* The data are not looked at, only what must follow them. */
static cb_http_chunks_end scan_data(cb_http_chunks *chunks, const uint8_t *bytes, size_t size,
                                    cb_http_fault *fault)
{
    size_t there = size - chunks->line.begin;
    if (there <= chunks->data_left)
        return CB_HTTP_CHUNKS_PARTIAL;
    size_t end = chunks->line.begin + chunks->data_left;
    if (bytes[end] != '\r' || (size - end >= 2 && bytes[end + 1] != '\n')) {
        *fault = CB_HTTP_CHUNK_END;
        return CB_HTTP_CHUNKS_BROKEN;
    }
    if (size - end < 2)
        return CB_HTTP_CHUNKS_PARTIAL;
    chunks->line = (cb_http_line){end + 2, end + 2};
    chunks->state = CB_HTTP_CHUNK_AT_SIZE;
    return CB_HTTP_CHUNKS_WHOLE;
}

static cb_http_fault take_trailer(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                                  const uint8_t *bytes)
{
    if (chunks->trailer_count >= limits->fields)
        return CB_HTTP_FIELDS_MANY;
    chunks->trailer_count++;
    cb_http_field field;
    cb_http_fault fault = cb_http_field_split(bytes, &chunks->line, &field);
    if (fault == CB_HTTP_NONE && cb_http_field_never_trails(bytes, &field))
        fault = CB_HTTP_TRAILER;
    return fault;
}

/* WHOLE: the empty line was read. */
static cb_http_chunks_end scan_trailers(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                                        const uint8_t *bytes, size_t size, cb_http_fault *fault)
{
    size_t most = chunks->trailers_begin + limits->trailers;
    for (;;) {
        switch (cb_http_line_scan(&chunks->line, bytes, size, most, fault)) {
        case CB_HTTP_LINE_PARTIAL:
            return CB_HTTP_CHUNKS_PARTIAL;
        case CB_HTTP_LINE_WHOLE:
            break;
        case CB_HTTP_LINE_TOO_LONG:
            *fault = CB_HTTP_HEAD_LARGE;
            return CB_HTTP_CHUNKS_BROKEN;
        case CB_HTTP_LINE_BROKEN:
            return CB_HTTP_CHUNKS_BROKEN;
        }
        bool last = chunks->line.scanned == chunks->line.begin;
        if (!last)
            *fault = take_trailer(chunks, limits, bytes);
        if (*fault != CB_HTTP_NONE)
            return CB_HTTP_CHUNKS_BROKEN;
        cb_http_line_next(&chunks->line);
        if (last)
            return CB_HTTP_CHUNKS_WHOLE;
    }
}

cb_http_chunks_end cb_http_chunks_scan(cb_http_chunks *chunks, const cb_http_chunk_limits *limits,
                                       const uint8_t *bytes, size_t size, cb_http_fault *fault)
{
    cb_http_chunks_end end = CB_HTTP_CHUNKS_WHOLE;
    *fault = CB_HTTP_NONE;
    while (end == CB_HTTP_CHUNKS_WHOLE) {
        switch (chunks->state) {
        case CB_HTTP_CHUNK_AT_SIZE:
            end = scan_size(chunks, limits, bytes, size, fault);
            break;
        case CB_HTTP_CHUNK_AT_DATA:
            end = scan_data(chunks, bytes, size, fault);
            break;
        case CB_HTTP_CHUNK_AT_TRAILERS:
            return scan_trailers(chunks, limits, bytes, size, fault);
        }
    }
    return end;
}
