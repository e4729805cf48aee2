#include "plugins/web_util/request.h"

#include <string.h>

#define LENGTH_DIGITS_MAX 18 /* of a Content-Length; any of them fits 64 bits */
#define CHUNK_DIGITS_MAX  15 /* of a chunk's size, hexadecimal */

static const cb_web_bytes nothing = {NULL, 0};

/* -- lines -- */

/* Takes the next line off *rest, without its end. False if there is no whole line any more. */
static bool next_line(cb_web_bytes *rest, cb_web_bytes *line)
{
    size_t end = cb_web_find(*rest, '\n');
    if (end == rest->size)
        return false;
    *line = (cb_web_bytes){rest->data, end};
    if (end > 0 && line->data[end - 1] == '\r')
        line->size--;
    *rest = cb_web_from(*rest, end + 1);
    return true;
}

static bool is_version(cb_web_bytes text)
{
    return text.size == 8 && memcmp(text.data, "HTTP/", 5) == 0 && text.data[6] == '.' &&
           text.data[5] >= '0' && text.data[5] <= '9' && text.data[7] >= '0' && text.data[7] <= '9';
}

static bool is_clean(cb_web_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return text.size > 0;
}

/* What the first line says; *fields is what follows it. Empty lines before it are skipped, as some
 * clients send one behind the body of the request before. */
static bool read_first_line(cb_web_bytes request, cb_web_bytes *method, cb_web_bytes *target,
                            cb_web_bytes *fields)
{
    cb_web_bytes line = nothing;
    *fields = request;
    do {
        if (!next_line(fields, &line))
            return false;
    } while (line.size == 0);
    size_t first = cb_web_find(line, ' ');
    if (first == line.size)
        return false;
    *method = (cb_web_bytes){line.data, first};
    line = cb_web_from(line, first + 1);
    size_t second = cb_web_find(line, ' ');
    if (second == line.size)
        return false;
    *target = (cb_web_bytes){line.data, second};
    return is_clean(*method) && is_clean(*target) && is_version(cb_web_from(line, second + 1));
}

cb_web_bytes cb_web_method(cb_web_bytes request)
{
    cb_web_bytes method, target, fields;
    return read_first_line(request, &method, &target, &fields) ? method : nothing;
}

/* The target from its path on; of http://host, which has none, the path is "/". */
static cb_web_bytes origin_of(cb_web_bytes request)
{
    cb_web_bytes method, target, fields;
    if (!read_first_line(request, &method, &target, &fields))
        return nothing;
    if (target.data[0] == '/' || (target.size == 1 && target.data[0] == '*'))
        return target;
    size_t colon = cb_web_find(target, ':');
    if (target.size - colon < 3 || memcmp(target.data + colon, "://", 3) != 0)
        return nothing; /* host:port, as CONNECT has it */
    cb_web_bytes rest = cb_web_from(target, colon + 3);
    size_t slash = cb_web_find(rest, '/');
    size_t mark = cb_web_find(rest, '?');
    if (slash < mark)
        return cb_web_from(rest, slash);
    if (mark < rest.size)
        return cb_web_from(rest, mark);
    return (cb_web_bytes){(const uint8_t *)"/", 1};
}

cb_web_bytes cb_web_path(cb_web_bytes request)
{
    cb_web_bytes origin = origin_of(request);
    size_t mark = cb_web_find(origin, '?');
    if (mark == 0 && origin.size > 0)
        return (cb_web_bytes){(const uint8_t *)"/", 1};
    origin.size = mark;
    return origin;
}

cb_web_bytes cb_web_query(cb_web_bytes request)
{
    cb_web_bytes origin = origin_of(request);
    size_t mark = cb_web_find(origin, '?');
    return mark == origin.size ? nothing : cb_web_from(origin, mark + 1);
}

/* -- fields -- */

/* Takes the next field off *fields. False at the head's end, or where there is no whole line. What
 * is no field (an old-fashioned continuation, blanks before the colon) has an empty name. */
static bool next_field(cb_web_bytes *fields, cb_web_bytes *name, cb_web_bytes *value)
{
    cb_web_bytes line = nothing;
    if (!next_line(fields, &line) || line.size == 0)
        return false;
    size_t colon = cb_web_find(line, ':');
    *name = (cb_web_bytes){line.data, colon};
    if (colon == line.size || !is_clean(*name))
        name->size = 0;
    *value = colon < line.size ? cb_web_trim(cb_web_from(line, colon + 1)) : nothing;
    return true;
}

static bool holds_nul(cb_web_bytes text)
{
    return cb_web_find(text, 0) < text.size;
}

/* Number `nth` of the fields with this name; false if there are not so many. */
static bool find_field(cb_web_bytes request, cb_web_bytes name, size_t nth, cb_web_bytes *value)
{
    cb_web_bytes method, target, fields, found;
    if (name.size == 0 || !read_first_line(request, &method, &target, &fields))
        return false;
    while (next_field(&fields, &found, value)) {
        if (!cb_web_same_letters(found, name))
            continue;
        if (nth == 0)
            return !holds_nul(*value);
        nth--;
    }
    return false;
}

cb_web_bytes cb_web_header(cb_web_bytes request, cb_web_bytes name, size_t nth)
{
    cb_web_bytes value = nothing;
    return find_field(request, name, nth, &value) ? value : nothing;
}

/* -- the body -- */

/* What follows the empty line. False if the head is not whole. */
static bool after_head(cb_web_bytes request, cb_web_bytes *rest)
{
    cb_web_bytes method, target;
    cb_web_bytes line = nothing;
    if (!read_first_line(request, &method, &target, rest))
        return false;
    while (next_line(rest, &line))
        if (line.size == 0)
            return true;
    return false;
}

static bool read_length(cb_web_bytes digits, uint64_t *length)
{
    *length = 0;
    if (digits.size == 0 || digits.size > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        *length = *length * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return true;
}

cb_web_bytes cb_web_body(cb_web_bytes request, bool *is_chunked)
{
    static const cb_web_bytes length_name = {(const uint8_t *)"content-length", 14};
    static const cb_web_bytes coding_name = {(const uint8_t *)"transfer-encoding", 17};
    static const cb_web_bytes chunked = {(const uint8_t *)"chunked", 7};
    cb_web_bytes rest, text, again;
    uint64_t length = 0;
    *is_chunked = false;
    if (!after_head(request, &rest))
        return nothing;
    bool has_length = find_field(request, length_name, 0, &text);
    if (has_length && (!read_length(text, &length) || length > rest.size ||
                       find_field(request, length_name, 1, &again)))
        return nothing;
    if (find_field(request, coding_name, 0, &text)) {
        *is_chunked = !has_length && cb_web_same_letters(text, chunked) &&
                      !find_field(request, coding_name, 1, &again);
        return *is_chunked ? rest : nothing;
    }
    rest.size = (size_t)length; /* 0 where neither says that there is a body */
    return rest;
}

static bool take_line_end(cb_web_bytes *rest)
{
    if (rest->size < 2 || rest->data[0] != '\r' || rest->data[1] != '\n')
        return false;
    *rest = cb_web_from(*rest, 2);
    return true;
}

/* Takes "SIZE[;extension] CR LF" off *rest. */
static bool take_chunk_size(cb_web_bytes *rest, uint64_t *size)
{
    cb_web_bytes line = nothing;
    *size = 0;
    if (!next_line(rest, &line) || line.data[line.size] != '\r')
        return false;
    size_t digits = 0;
    for (; digits < line.size && cb_web_hex(line.data[digits]) >= 0; digits++) {
        if (digits == CHUNK_DIGITS_MAX)
            return false;
        *size = *size * 16 + (uint64_t)cb_web_hex(line.data[digits]);
    }
    cb_web_bytes extension = cb_web_trim(cb_web_from(line, digits));
    return digits > 0 && (extension.size == 0 || extension.data[0] == ';');
}

bool cb_web_join_chunks(cb_web_bytes chunks, uint8_t *out, size_t *size)
{
    size_t written = 0;
    *size = 0;
    for (;;) {
        uint64_t chunk = 0;
        if (!take_chunk_size(&chunks, &chunk) || chunk > chunks.size)
            return false;
        if (chunk == 0)
            break;
        memcpy(out + written, chunks.data, (size_t)chunk);
        written += (size_t)chunk;
        chunks = cb_web_from(chunks, (size_t)chunk);
        if (!take_line_end(&chunks))
            return false;
    }
    cb_web_bytes trailer = nothing;
    while (next_line(&chunks, &trailer)) {
        if (trailer.size == 0) {
            *size = written;
            return true;
        }
    }
    return false;
}
