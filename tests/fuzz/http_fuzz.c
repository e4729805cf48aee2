/* HTTP requests and responses from a fuzzer. Of each input the framer must say the same however it
 * is cut into pieces, never reach behind its end, and agree with what it says of a part of it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/http/input.h"
#include "actors/io/http/request.h"
#include "actors/io/http/response.h"
#include "tests/unit/http_feed.h"

/* Feeding each beginning of an input takes the square of its size. */
#define WHOLE_MOST 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small enough that a fuzzer crosses them. */
static const cb_http_limits small = {.line = 48, .head = 160, .fields = 5, .body = 40};

static void check_state(const cb_http_request *request, cb_http_progress progress, size_t size)
{
    assert(request->line.begin <= request->line.scanned && request->line.scanned <= size);
    assert(request->begin == 0 || request->begin == 2);
    assert(request->head_size <= size);
    assert((progress == CB_HTTP_REFUSED) == (request->fault != CB_HTTP_NONE));
    assert(progress != CB_HTTP_REFUSED || cb_http_fault_status(request->fault) >= 400);
    assert(progress != CB_HTTP_DONE || (request->size <= size && request->head_size > 0 &&
                                        request->head_size <= request->size));
}

/* A field of the head, found by its name at the beginning of a line; NULL if there is none. */
static const char *find_field(const char *head, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\n%s:", name);
    const char *at = strcasestr(head, line);
    return at != NULL ? at + strlen(line) : NULL;
}

/* The same request read in the plainest way, as a reader might who trusts what it gets. */
static void check_plainly(const uint8_t *data, const cb_http_request *request)
{
    char *head = calloc(1, request->head_size + 1);
    assert(head != NULL);
    memcpy(head, data, request->head_size);
    assert(strlen(head) == request->head_size);
    for (char *lf = strchr(head, '\n'); lf != NULL; lf = strchr(lf + 1, '\n'))
        assert(lf > head && lf[-1] == '\r');
    const char *end = strstr(head + request->begin, "\r\n\r\n");
    assert(end != NULL && (size_t)(end - head) + 4 == request->head_size);
    const char *length = find_field(head, "Content-Length");
    const char *coding = find_field(head, "Transfer-Encoding");
    const char *host = find_field(head, "Host");
    assert(request->chunked == (coding != NULL));
    assert(length == NULL || (coding == NULL && find_field(length, "Content-Length") == NULL));
    assert(coding != NULL || request->body_size == (length ? strtoull(length, NULL, 10) : 0));
    assert(host != NULL || request->minor_version == 0);
    assert(host == NULL || find_field(host, "Host") == NULL);
    free(head);
}

static void check_done(const cb_http_limits *limits, const uint8_t *data, const http_outcome *all)
{
    const cb_http_request *request = &all->request;
    assert(request->size - request->head_size >= request->body_size);
    assert(request->chunked || request->size - request->head_size == request->body_size);
    assert(request->head_size - request->begin <= limits->head);
    assert(request->body_size <= limits->body);
    /* The request alone is as good as with what follows it, and without its last byte it is none.
     */
    http_outcome alone = http_feed(limits, data, request->size, 0, 0);
    assert(http_outcome_same(all, &alone));
    http_outcome less = http_feed(limits, data, request->size - 1, 0, 0);
    assert(less.progress == CB_HTTP_PARTIAL);
    check_plainly(data, request);
}

static void frame(const cb_http_limits *limits, const uint8_t *data, size_t size)
{
    bool same;
    http_outcome all = http_feed_all_ways(limits, data, size, &same);
    assert(same);
    check_state(&all.request, all.progress, size);
    assert(all.continues <= 1);
    if (all.progress == CB_HTTP_DONE)
        check_done(limits, data, &all);
}

/* A response that lets the connection stay open is one that neither less nor more does. */
static void respond(const uint8_t *data, size_t size)
{
    for (unsigned how = 0; how < 4; how++) {
        cb_http_asked asked = {.minor_version = how & 1, .is_head = how > 1};
        const char *why = cb_http_response_closes(data, size, asked);
        if (why != NULL || size == 0)
            continue;
        uint8_t *other = malloc(size + 1);
        assert(other != NULL);
        memcpy(other, data, size);
        other[size] = '\n';
        assert(cb_http_response_closes(other, size + 1, asked) != NULL);
        assert(cb_http_response_closes(other, size - 1, asked) != NULL);
        free(other);
    }
}

/* Up to `most` bytes, into the room that is reserved if there is some; how many it took. */
static size_t receive(cb_http_input *input, const uint8_t *data, size_t most)
{
    size_t room = 0;
    uint8_t *place = cb_http_input_room(input, &room);
    if (place != NULL) {
        assert(room > 0);
        most = most < room ? most : room;
        memcpy(place, data, most);
        data = place;
    }
    assert(cb_http_input_add(input, data, most) == CB_OK);
    return most;
}

/* The first request that was cut out is the one that lies at `at`; gives where the next one lies.
 */
static size_t check_cut(cb_http_input *input, const cb_http_limits *limits, const uint8_t *data,
                        size_t size, size_t at)
{
    cb_http_request alone = {0};
    assert(cb_http_request_frame(&alone, limits, data + at, size - at) == CB_HTTP_DONE);
    cb_buffer *cut = cb_http_input_cut(input);
    assert(cut != NULL && cut->size == alone.size - alone.begin);
    assert(memcmp(cut->data, data + at + alone.begin, cut->size) == 0);
    cb_buffer_release(cut);
    return at + alone.size;
}

/* A connection's bytes in pieces give the same requests as in one. */
static void cut(const cb_http_limits *limits, const uint8_t *data, size_t size, size_t pieces)
{
    cb_http_input input = {0};
    cb_http_progress progress = CB_HTTP_PARTIAL;
    size_t at = 0;
    for (size_t fed = 0; fed < size && progress == CB_HTTP_PARTIAL;) {
        size_t most = 1 + (fed * 31 + pieces) % pieces;
        fed += receive(&input, data + fed, most < size - fed ? most : size - fed);
        while ((progress = cb_http_input_frame(&input, limits)) == CB_HTTP_DONE)
            at = check_cut(&input, limits, data, size, at);
        assert(cb_http_input_size(&input) == fed - at);
        if (progress == CB_HTTP_PARTIAL)
            cb_http_input_reserve(&input);
    }
    cb_http_request next = {0};
    assert(cb_http_request_frame(&next, limits, data + at, size - at) == progress);
    cb_http_input_clear(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > WHOLE_MOST)
        return 0;
    frame(&http_feed_limits, data, size);
    frame(&small, data, size);
    respond(data, size);
    cut(&http_feed_limits, data, size, 7);
    cut(&http_feed_limits, data, size, 1500);
    return 0;
}
