#include "actors/log/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/utf8.h"

#define FIRST_CAPACITY 1024u
#define NUMBER_SIZE    24

static void put(cb_json *json, const char *bytes, size_t size)
{
    if (json->failed || size == 0)
        return;
    if (json->capacity - json->size < size) {
        size_t capacity = json->capacity > 0 ? json->capacity * 2 : FIRST_CAPACITY;
        while (capacity - json->size < size)
            capacity *= 2;
        char *grown = realloc(json->bytes, capacity);
        if (grown == NULL) {
            json->failed = true;
            return;
        }
        json->bytes = grown;
        json->capacity = capacity;
    }
    memcpy(json->bytes + json->size, bytes, size);
    json->size += size;
}

static void put_name(cb_json *json, const char *name)
{
    put(json, json->first ? "\"" : ",\"", json->first ? 1 : 2);
    put(json, name, strlen(name));
    put(json, "\":", 2);
    json->first = false;
}

/* One byte that cannot stand for itself. */
static void put_escaped(cb_json *json, unsigned char byte)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (byte < sizeof letters && letters[byte] != '\0') {
        put(json, (const char[]){'\\', letters[byte]}, 2);
        return;
    }
    char code[8];
    put(json, code, (size_t)snprintf(code, sizeof code, "\\u%04x", byte));
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

void cb_json_text(cb_json *json, const char *name, const char *text, size_t size)
{
    put_name(json, name);
    put(json, "\"", 1);
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && is_plain((unsigned char)text[end]))
            end++;
        put(json, text + at, end - at);
        at = end;
        if (at == size)
            break;
        size_t sequence = cb_utf8_size(text + at, size - at);
        if (sequence == 0)
            put(json, CB_UTF8_REPLACEMENT, strlen(CB_UTF8_REPLACEMENT));
        else if (sequence == 1)
            put_escaped(json, (unsigned char)text[at]);
        else
            put(json, text + at, sequence);
        at += sequence > 0 ? sequence : 1;
    }
    put(json, "\"", 1);
}

void cb_json_number(cb_json *json, const char *name, int64_t number)
{
    char digits[NUMBER_SIZE];
    put_name(json, name);
    put(json, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
}

void cb_json_unsigned(cb_json *json, const char *name, uint64_t number)
{
    char digits[NUMBER_SIZE];
    put_name(json, name);
    put(json, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number));
}

void cb_json_begin(cb_json *json)
{
    put(json, "{", 1);
    json->first = true;
}

void cb_json_copy(cb_json *json, const char *bytes, size_t size)
{
    put(json, bytes, size);
}

void cb_json_end(cb_json *json)
{
    put(json, "}\n", 2);
}
