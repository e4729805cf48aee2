/* The web plugin's parsers from a fuzzer. The first byte says how long the name is that follows (of
 * a header, a field of a form, a cookie); the rest is the request or the text. Nothing may be read
 * outside of it, and what comes out lies inside it and keeps the promises of the headers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/web_util/request.h"
#include "plugins/web_util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(cb_web_bytes piece, cb_web_bytes whole)
{
    if (piece.size == 0)
        return;
    bool is_constant = piece.size == 1 && piece.data[0] == '/';
    assert(is_constant || (piece.data >= whole.data && piece.size <= whole.size &&
                           piece.data + piece.size <= whole.data + whole.size));
}

/* A copy of exactly `size` bytes of room, so that a sanitizer sees a write past it. */
static uint8_t *room_for(size_t size)
{
    uint8_t *room = malloc(size > 0 ? size : 1);
    assert(room != NULL);
    return room;
}

static void read_request(cb_web_bytes request, cb_web_bytes name)
{
    check_inside(cb_web_method(request), request);
    cb_web_bytes path = cb_web_path(request);
    check_inside(path, request);
    assert(memchr(path.size > 0 ? path.data : (const uint8_t *)"", '?', path.size) == NULL);
    check_inside(cb_web_query(request), request);
    for (size_t nth = 0; nth < 3; nth++) {
        cb_web_bytes value = cb_web_header(request, name, nth);
        check_inside(value, request);
        for (size_t i = 0; i < value.size; i++)
            assert(value.data[i] != 0 && value.data[i] != '\n');
    }
    bool is_chunked = false;
    cb_web_bytes body = cb_web_body(request, &is_chunked);
    check_inside(body, request);
    uint8_t *joined = room_for(body.size);
    size_t joined_size = 0;
    bool is_whole = cb_web_join_chunks(body, joined, &joined_size);
    assert(joined_size <= body.size && (is_whole || joined_size == 0));
    free(joined);
}

static void read_text(cb_web_bytes text, cb_web_bytes name)
{
    cb_web_bytes value = {NULL, 0};
    if (cb_web_form_value(text, name, &value))
        check_inside(value, text);
    if (cb_web_cookie(text, name, &value))
        check_inside(value, text);
    const char *type = cb_web_mime_type(text);
    assert(strchr(type, '/') != NULL);

    uint8_t *decoded = room_for(text.size);
    for (int is_form = 0; is_form < 2; is_form++) {
        size_t size = cb_web_url_decode(text, is_form != 0, decoded);
        assert(size <= text.size);
        /* No NUL appears where there was none. */
        if (memchr(text.data, 0, text.size) == NULL)
            assert(memchr(decoded, 0, size) == NULL);
    }
    size_t size = 0;
    assert(cb_web_base64_decode(text, decoded, &size) || size == 0);
    free(decoded);
}

typedef size_t maker(cb_web_bytes text, uint8_t *out);

/* What is made has the size that was told before; the caller frees it. */
static cb_web_bytes make(maker *function, cb_web_bytes text)
{
    size_t size = function(text, NULL);
    uint8_t *made = room_for(size);
    assert(function(text, made) == size);
    return (cb_web_bytes){made, size};
}

static void write_and_read_back(cb_web_bytes text)
{
    cb_web_bytes escaped = make(cb_web_html_escape, text);
    for (size_t i = 0; i < escaped.size; i++)
        assert(strchr("<>\"'", escaped.data[i]) == NULL || escaped.data[i] == 0);
    free((void *)escaped.data);

    cb_web_bytes encoded = make(cb_web_url_encode, text);
    uint8_t *back = room_for(encoded.size);
    size_t size = cb_web_url_decode(encoded, false, back);
    if (memchr(text.data, 0, text.size) == NULL)
        assert(size == text.size && memcmp(back, text.data, size) == 0);
    free(back);
    free((void *)encoded.data);

    cb_web_bytes letters = make(cb_web_base64_encode, text);
    back = room_for(letters.size);
    assert(cb_web_base64_decode(letters, back, &size));
    assert(size == text.size && memcmp(back, text.data, size) == 0);
    free(back);
    free((void *)letters.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t name_size = data[0] < size - 1 ? data[0] : size - 1;
    cb_web_bytes name = {data + 1, name_size};
    cb_web_bytes rest = {data + 1 + name_size, size - 1 - name_size};
    read_request(rest, name);
    read_text(rest, name);
    write_and_read_back(rest);
    return 0;
}
