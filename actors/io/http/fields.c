#include "actors/io/http/fields.h"

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

cb_http_fault cb_http_field_split(const uint8_t *bytes, const cb_http_line *line,
                                  cb_http_field *field)
{
    size_t end = line->scanned;
    size_t colon = cb_http_skip(bytes, line->begin, end, CB_HTTP_TCHAR);
    if (colon == end)
        return CB_HTTP_NO_COLON;
    if (colon == line->begin)
        return is_blank(bytes[colon]) ? CB_HTTP_FOLDED : CB_HTTP_FIELD_NAME;
    if (bytes[colon] != ':')
        return is_blank(bytes[colon]) ? CB_HTTP_COLON_SPACE : CB_HTTP_FIELD_NAME;
    field->name = (cb_http_span){line->begin, colon - line->begin};
    size_t value = colon + 1;
    while (value < end && bytes[value] == ' ')
        value++;
    bool plain = true;
    while (value < end && is_blank(bytes[value])) {
        plain = false;
        value++;
    }
    while (end > value && is_blank(bytes[end - 1])) {
        plain = false;
        end--;
    }
    field->value = (cb_http_span){value, end - value};
    field->plain = plain;
    return CB_HTTP_NONE;
}

bool cb_http_list_next(const uint8_t *bytes, cb_http_span list, size_t *at, cb_http_span *element)
{
    const uint8_t *text = bytes + list.at;
    while (*at < list.size && (text[*at] == ',' || is_blank(text[*at])))
        (*at)++;
    size_t begin = *at;
    while (*at < list.size && text[*at] != ',')
        (*at)++;
    size_t end = *at;
    while (end > begin && is_blank(text[end - 1]))
        end--;
    *element = (cb_http_span){list.at + begin, end - begin};
    return end > begin;
}

static bool is_token(const uint8_t *bytes, cb_http_span span)
{
    size_t end = span.at + span.size;
    return span.size > 0 && cb_http_skip(bytes, span.at, end, CB_HTTP_TCHAR) == end;
}

/* --- Content-Length ---
 *
 * Digits, once. A list of equal numbers, a second field with the same number, a sign, blanks behind
 * it and zeros before it have all been read in different ways; a client has no use for them. */
static cb_http_fault take_length(cb_http_framing *framing, const uint8_t *bytes,
                                 const cb_http_field *field)
{
    if (framing->has_length)
        return CB_HTTP_TWO_LENGTHS;
    const uint8_t *digits = bytes + field->value.at;
    size_t count = field->value.size;
    if (!field->plain || count == 0 || (digits[0] == '0' && count > 1))
        return CB_HTTP_BAD_LENGTH;
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return CB_HTTP_BAD_LENGTH;
        unsigned digit = digits[i] - '0';
        length = length > (UINT64_MAX - digit) / 10 ? UINT64_MAX : length * 10 + digit;
    }
    framing->length = length;
    framing->has_length = true;
    return CB_HTTP_NONE;
}

/* --- Transfer-Encoding ---
 *
 * `chunked`, once. Another coding before it could be right and is not served (501); without chunked
 * at the end nobody can tell where the body ends (400; RFC 9112, 6.3). */
static cb_http_fault take_coding(cb_http_framing *framing, const uint8_t *bytes,
                                 const cb_http_field *field)
{
    if (framing->chunked)
        return CB_HTTP_TWO_CODINGS;
    if (field->plain && CB_HTTP_SAME(bytes, field->value, "chunked")) {
        framing->chunked = true;
        return CB_HTTP_NONE;
    }
    size_t at = 0;
    size_t count = 0;
    bool last_is_chunked = false;
    cb_http_span coding;
    while (cb_http_list_next(bytes, field->value, &at, &coding)) {
        if (last_is_chunked || !is_token(bytes, coding))
            return CB_HTTP_BAD_CODING;
        last_is_chunked = CB_HTTP_SAME(bytes, coding, "chunked");
        count++;
    }
    return last_is_chunked && count > 1 ? CB_HTTP_OTHER_CODING : CB_HTTP_BAD_CODING;
}

/* --- Connection ---
 *
 * A proxy removes the fields that are named here before it passes a request on. Fields that frame
 * or route a message are not the connection's, and one who names them wants them to vanish
 * (RFC 9110, 7.6.1). */
static cb_http_fault take_connection(cb_http_framing *framing, const uint8_t *bytes,
                                     const cb_http_field *field)
{
    size_t at = 0;
    cb_http_span option;
    while (cb_http_list_next(bytes, field->value, &at, &option)) {
        if (CB_HTTP_SAME(bytes, option, "close"))
            framing->closes = true;
        else if (CB_HTTP_SAME(bytes, option, "keep-alive"))
            framing->keeps_alive = true;
        else if (!is_token(bytes, option) || CB_HTTP_SAME(bytes, option, "host") ||
                 CB_HTTP_SAME(bytes, option, "content-length") ||
                 CB_HTTP_SAME(bytes, option, "transfer-encoding"))
            return CB_HTTP_CONNECTION;
    }
    return CB_HTTP_NONE;
}

cb_http_fault cb_http_framing_take(cb_http_framing *framing, const uint8_t *bytes,
                                   const cb_http_field *field)
{
    switch (field->name.size) {
    case sizeof "connection" - 1:
        if (CB_HTTP_SAME(bytes, field->name, "connection"))
            return take_connection(framing, bytes, field);
        break;
    case sizeof "content-length" - 1:
        if (CB_HTTP_SAME(bytes, field->name, "content-length"))
            return take_length(framing, bytes, field);
        break;
    case sizeof "transfer-encoding" - 1:
        if (CB_HTTP_SAME(bytes, field->name, "transfer-encoding"))
            return take_coding(framing, bytes, field);
        break;
    default:
        break;
    }
    return CB_HTTP_NONE;
}

bool cb_http_framing_keeps_alive(const cb_http_framing *framing, unsigned minor_version)
{
    return !framing->closes && (minor_version > 0 || framing->keeps_alive);
}

/* RFC 9110, 6.5.1: what frames, routes, authenticates, changes the request's meaning, or must be
 * known before the content is looked at. */
bool cb_http_field_never_trails(const uint8_t *bytes, const cb_http_field *field)
{
    static const struct {
        const char *name;
        size_t size;
    } names[] = {
#define NAME(text) {text, sizeof(text) - 1}
        NAME("authorization"),
        NAME("cache-control"),
        NAME("connection"),
        NAME("content-encoding"),
        NAME("content-length"),
        NAME("content-range"),
        NAME("content-type"),
        NAME("cookie"),
        NAME("expect"),
        NAME("forwarded"),
        NAME("host"),
        NAME("if-match"),
        NAME("if-modified-since"),
        NAME("if-none-match"),
        NAME("if-range"),
        NAME("if-unmodified-since"),
        NAME("keep-alive"),
        NAME("max-forwards"),
        NAME("pragma"),
        NAME("proxy-authorization"),
        NAME("proxy-connection"),
        NAME("range"),
        NAME("set-cookie"),
        NAME("te"),
        NAME("trailer"),
        NAME("transfer-encoding"),
        NAME("upgrade"),
        NAME("x-forwarded-for"),
        NAME("x-forwarded-host"),
        NAME("x-forwarded-proto"),
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (field->name.size == names[i].size &&
            cb_http_same_letters(bytes + field->name.at, names[i].name, names[i].size))
            return true;
    return false;
}
