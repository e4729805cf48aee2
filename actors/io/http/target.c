#include "actors/io/http/target.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_MOST 65535u

/* --- hosts --- */

static bool is_hex(uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'f');
}

/* Behind the registered name or IPv4 address that begins at `at`. A comma would be right there too;
 * but a value with one is how some readers join two Host fields. */
static size_t skip_name(const uint8_t *bytes, size_t at, size_t end)
{
    for (;;) {
        at = cb_http_skip(bytes, at, end, CB_HTTP_HOST_CHAR);
        if (end - at < 3 || bytes[at] != '%' || !is_hex(bytes[at + 1]) || !is_hex(bytes[at + 2]))
            return at;
        at += 3;
    }
}

/* Behind the IPv6 address in brackets that begins at `at`; `at` if it is none. */
static size_t skip_address(const uint8_t *bytes, size_t at, size_t end)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const uint8_t *bracket = memchr(bytes + at, ']', end - at);
    if (bracket == NULL)
        return at;
    size_t size = (size_t)(bracket - bytes) - at - 1;
    if (size >= sizeof text)
        return at;
    memcpy(text, bytes + at + 1, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1 ? at + size + 2 : at;
}

/* ":" and digits, perhaps none, or nothing at all. */
static bool is_port(const uint8_t *bytes, size_t at, size_t end)
{
    if (at == end)
        return true;
    if (bytes[at] != ':')
        return false;
    unsigned port = 0;
    for (at++; at < end; at++) {
        if (bytes[at] < '0' || bytes[at] > '9')
            return false;
        port = port * 10 + (bytes[at] - '0');
        if (port > PORT_MOST)
            return false;
    }
    return true;
}

bool cb_http_host_is_good(const uint8_t *bytes, cb_http_span host)
{
    size_t end = host.at + host.size;
    if (host.size == 0)
        return false;
    size_t at =
        bytes[host.at] == '[' ? skip_address(bytes, host.at, end) : skip_name(bytes, host.at, end);
    return at > host.at && is_port(bytes, at, end);
}

/* --- request lines --- */

static bool is_exactly(const uint8_t *bytes, cb_http_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(bytes + span.at, text, span.size) == 0;
}

/* scheme "://" authority, and perhaps a path and a query. */
static bool take_absolute_form(const uint8_t *bytes, cb_http_request_line *parts)
{
    size_t at = parts->target.at;
    size_t end = at + parts->target.size;
    size_t scheme = 0;
    if (end - at > 4 && CB_HTTP_SAME(bytes, ((cb_http_span){at, 4}), "http"))
        scheme = 4;
    if (end - at > 5 && CB_HTTP_SAME(bytes, ((cb_http_span){at, 5}), "https"))
        scheme = 5;
    if (scheme == 0 || end - at < scheme + 3 || memcmp(bytes + at + scheme, "://", 3) != 0)
        return false;
    size_t begin = at + scheme + 3;
    for (at = begin; at < end && bytes[at] != '/' && bytes[at] != '?'; at++) {
    }
    parts->authority = (cb_http_span){begin, at - begin};
    return cb_http_host_is_good(bytes, parts->authority);
}

/* The four forms of RFC 9112, 3.2. */
static cb_http_fault check_target(const uint8_t *bytes, cb_http_request_line *parts)
{
    parts->authority = (cb_http_span){0, 0};
    if (is_exactly(bytes, parts->method, "CONNECT"))
        return CB_HTTP_CONNECT;
    if (bytes[parts->target.at] == '/')
        return CB_HTTP_NONE;
    if (is_exactly(bytes, parts->target, "*"))
        return is_exactly(bytes, parts->method, "OPTIONS") ? CB_HTTP_NONE : CB_HTTP_ASTERISK;
    return take_absolute_form(bytes, parts) ? CB_HTTP_NONE : CB_HTTP_TARGET;
}

static cb_http_fault take_version(const uint8_t *version, size_t size, uint8_t *minor)
{
    if (size != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.')
        return CB_HTTP_BAD_VERSION;
    if (version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9')
        return CB_HTTP_BAD_VERSION;
    if (version[5] != '1' || version[7] > '1')
        return CB_HTTP_VERSION;
    *minor = (uint8_t)(version[7] - '0');
    return CB_HTTP_NONE;
}

cb_http_fault cb_http_request_line_split(const uint8_t *bytes, const cb_http_line *line,
                                         cb_http_request_line *parts)
{
    size_t begin = line->begin;
    size_t end = line->scanned;
    size_t space = cb_http_skip(bytes, begin, end, CB_HTTP_TCHAR);
    if (space == begin)
        return begin == end ? CB_HTTP_EMPTY_LINES : CB_HTTP_METHOD;
    if (space == end)
        return CB_HTTP_NO_VERSION;
    if (bytes[space] != ' ')
        return CB_HTTP_METHOD;
    parts->method = (cb_http_span){begin, space - begin};
    begin = space + 1;
    space = cb_http_skip(bytes, begin, end, CB_HTTP_TARGET_CHAR);
    if (space == end)
        return CB_HTTP_NO_VERSION;
    if (space == begin || bytes[space] != ' ')
        return CB_HTTP_TARGET;
    parts->target = (cb_http_span){begin, space - begin};
    begin = space + 1;
    cb_http_fault fault = take_version(bytes + begin, end - begin, &parts->minor_version);
    return fault != CB_HTTP_NONE ? fault : check_target(bytes, parts);
}
