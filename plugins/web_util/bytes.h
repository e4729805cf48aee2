/* A piece of bytes that other code owns, and functions on bytes for all parsers here. */
#ifndef CALLBOARD_PLUGINS_WEB_UTIL_BYTES_H
#define CALLBOARD_PLUGINS_WEB_UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cb_web_bytes {
    const uint8_t *data; /* may be NULL if size is 0 */
    size_t size;
} cb_web_bytes;

static inline bool cb_web_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static inline uint8_t cb_web_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* -1 if it is not a hexadecimal digit. */
static inline int cb_web_hex(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = cb_web_lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static inline cb_web_bytes cb_web_from(cb_web_bytes bytes, size_t start)
{
    return (cb_web_bytes){start > 0 ? bytes.data + start : bytes.data, bytes.size - start};
}

/* The offset where the byte first occurs, or the size. */
static inline size_t cb_web_find(cb_web_bytes bytes, uint8_t wanted)
{
    size_t at = 0;
    while (at < bytes.size && bytes.data[at] != wanted)
        at++;
    return at;
}

/* Removes spaces and tabs at both ends. */
static inline cb_web_bytes cb_web_trim(cb_web_bytes bytes)
{
    while (bytes.size > 0 && cb_web_is_blank(bytes.data[0]))
        bytes = cb_web_from(bytes, 1);
    while (bytes.size > 0 && cb_web_is_blank(bytes.data[bytes.size - 1]))
        bytes.size--;
    return bytes;
}

/* Compares without regard to the case of letters. */
static inline bool cb_web_same_letters(cb_web_bytes a, cb_web_bytes b)
{
    bool same = a.size == b.size;
    for (size_t i = 0; same && i < a.size; i++)
        same = cb_web_lower(a.data[i]) == cb_web_lower(b.data[i]);
    return same;
}

#endif
