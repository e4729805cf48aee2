#include "plugins/web_util/text.h"

#include <string.h>

/* Appends to `out`, if there is one, and counts. */
static size_t put(uint8_t *out, size_t at, const void *bytes, size_t size)
{
    if (out != NULL)
        memcpy(out + at, bytes, size);
    return at + size;
}

/* -- HTML -- */

static const char *reference_of(uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

size_t cb_web_html_escape(cb_web_bytes text, uint8_t *out)
{
    size_t at = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *reference = reference_of(text.data[i]);
        at = reference == NULL ? put(out, at, &text.data[i], 1)
                               : put(out, at, reference, strlen(reference));
    }
    return at;
}

/* -- URLs -- */

static bool is_unreserved(uint8_t byte)
{
    uint8_t letter = cb_web_lower(byte);
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.' || byte == '_' || byte == '~';
}

size_t cb_web_url_encode(cb_web_bytes text, uint8_t *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        const char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        at = is_unreserved(byte) ? put(out, at, &byte, 1) : put(out, at, escape, sizeof(escape));
    }
    return at;
}

/* The byte that the text at *at stands for; *at moves on. */
static uint8_t decode_one(cb_web_bytes text, bool is_form, size_t *at)
{
    uint8_t byte = text.data[(*at)++];
    if (byte == '+' && is_form)
        return ' ';
    if (byte != '%' || text.size - *at < 2)
        return byte;
    int high = cb_web_hex(text.data[*at]);
    int low = cb_web_hex(text.data[*at + 1]);
    if (high < 0 || low < 0 || high + low == 0)
        return byte;
    *at += 2;
    return (uint8_t)(high * 16 + low);
}

size_t cb_web_url_decode(cb_web_bytes text, bool is_form, uint8_t *out)
{
    size_t size = 0;
    for (size_t at = 0; at < text.size;) {
        uint8_t byte = decode_one(text, is_form, &at);
        size = put(out, size, &byte, 1);
    }
    return size;
}

static bool decodes_to(cb_web_bytes text, cb_web_bytes wanted)
{
    size_t matched = 0;
    for (size_t at = 0; at < text.size; matched++)
        if (matched == wanted.size || decode_one(text, true, &at) != wanted.data[matched])
            return false;
    return matched == wanted.size;
}

bool cb_web_form_value(cb_web_bytes form, cb_web_bytes name, cb_web_bytes *value)
{
    while (form.size > 0) {
        size_t end = cb_web_find(form, '&');
        cb_web_bytes field = {form.data, end};
        size_t equals = cb_web_find(field, '=');
        if (end > 0 && decodes_to((cb_web_bytes){field.data, equals}, name)) {
            *value = cb_web_from(field, equals < end ? equals + 1 : end);
            return true;
        }
        form = cb_web_from(form, end < form.size ? end + 1 : end);
    }
    return false;
}

bool cb_web_cookie(cb_web_bytes cookies, cb_web_bytes name, cb_web_bytes *value)
{
    while (cookies.size > 0) {
        size_t end = cb_web_find(cookies, ';');
        cb_web_bytes pair = cb_web_trim((cb_web_bytes){cookies.data, end});
        size_t equals = cb_web_find(pair, '=');
        cb_web_bytes found = cb_web_trim((cb_web_bytes){pair.data, equals});
        if (equals < pair.size && found.size == name.size && found.size > 0 &&
            memcmp(found.data, name.data, name.size) == 0) {
            pair = cb_web_trim(cb_web_from(pair, equals + 1));
            if (pair.size >= 2 && pair.data[0] == '"' && pair.data[pair.size - 1] == '"')
                pair = (cb_web_bytes){pair.data + 1, pair.size - 2};
            *value = pair;
            return true;
        }
        cookies = cb_web_from(cookies, end < cookies.size ? end + 1 : end);
    }
    return false;
}

/* -- Base64 -- */

size_t cb_web_base64_encode(cb_web_bytes bytes, uint8_t *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        if (count > 1)
            group |= (uint32_t)bytes.data[i + 1] << 8;
        if (count > 2)
            group |= bytes.data[i + 2];
        char letters[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                           count > 1 ? alphabet[group >> 6 & 63] : '=',
                           count > 2 ? alphabet[group & 63] : '='};
        at = put(out, at, letters, sizeof(letters));
    }
    return at;
}

/* -1 if it is no letter of either alphabet. */
static int base64_value(uint8_t letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    if (letter == '+' || letter == '-')
        return 62;
    return letter == '/' || letter == '_' ? 63 : -1;
}

bool cb_web_base64_decode(cb_web_bytes text, uint8_t *out, size_t *size)
{
    *size = 0;
    if (text.size % 4 == 0)
        for (int i = 0; i < 2 && text.size > 0 && text.data[text.size - 1] == '='; i++)
            text.size--;
    if (text.size % 4 == 1)
        return false;
    size_t written = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[written++] = (uint8_t)(bits >> bit_count);
        }
    }
    /* Bits behind the last byte that are not 0 would make two texts for the same bytes. */
    if ((bits & ((1u << bit_count) - 1)) != 0)
        return false;
    *size = written;
    return true;
}

/* -- types of files -- */

const char *cb_web_mime_type(cb_web_bytes path)
{
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"pdf", "application/pdf"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"tar", "application/x-tar"},
        {"wasm", "application/wasm"},
        {"webmanifest", "application/manifest+json"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"avif", "image/avif"},
        {"svg", "image/svg+xml"},
        {"ico", "image/vnd.microsoft.icon"},
        {"bmp", "image/bmp"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
        {"ttf", "font/ttf"},
        {"otf", "font/otf"},
        {"mp3", "audio/mpeg"},
        {"ogg", "audio/ogg"},
        {"wav", "audio/wav"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
    };
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '.' && path.data[start - 1] != '/')
        start--;
    if (start > 0 && path.data[start - 1] == '.')
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            cb_web_bytes ending = {(const uint8_t *)types[i][0], strlen(types[i][0])};
            if (cb_web_same_letters(cb_web_from(path, start), ending))
                return types[i][1];
        }
    return "application/octet-stream";
}
