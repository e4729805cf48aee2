/* Feeds bytes to the framer of HTTP requests as a network would: in pieces. */
#ifndef CALLBOARD_TESTS_HTTP_FEED_H
#define CALLBOARD_TESTS_HTTP_FEED_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/http/request.h"

static const cb_http_limits http_feed_limits = {
    .line = 8192, .head = 65536, .fields = 200, .body = 1u << 24};

typedef struct http_outcome {
    cb_http_progress progress;
    cb_http_request request;
    size_t known_at;    /* bytes that were there when it was done or refused; otherwise all */
    unsigned continues; /* how often 100 Continue was asked for */
} http_outcome;

/* One call, on new memory of exactly this size: a sanitizer then sees reads behind the bytes, and
 * the memory is elsewhere at each call. */
static inline cb_http_progress http_feed_once(cb_http_request *request,
                                              const cb_http_limits *limits, const uint8_t *bytes,
                                              size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert(copy != NULL);
    memcpy(copy, bytes, size);
    cb_http_progress progress = cb_http_request_frame(request, limits, copy, size);
    free(copy);
    return progress;
}

/* Pseudo-random numbers, the same in each run. */
static inline size_t http_feed_random(uint64_t *seed, size_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*seed >> 33) % below;
}

/* Feeds pieces of 1 to `most` bytes; `most` 0: all at once. */
static inline http_outcome http_feed(const cb_http_limits *limits, const void *bytes, size_t size,
                                     size_t most, uint64_t seed)
{
    http_outcome outcome = {.progress = CB_HTTP_PARTIAL};
    size_t there = 0;
    do {
        size_t piece = most == 0 ? size : 1 + http_feed_random(&seed, most);
        there = size - there < piece ? size : there + piece;
        outcome.progress = http_feed_once(&outcome.request, limits, bytes, there);
        outcome.continues += outcome.request.send_continue;
        outcome.request.send_continue = false;
    } while (there < size && outcome.progress == CB_HTTP_PARTIAL);
    outcome.known_at = there;
    return outcome;
}

/* True if two ways of feeding the same bytes had the same outcome. */
static inline bool http_outcome_same(const http_outcome *one, const http_outcome *other)
{
    const cb_http_request *a = &one->request;
    const cb_http_request *b = &other->request;
    return one->progress == other->progress && a->fault == b->fault && a->begin == b->begin &&
           a->head_size == b->head_size && a->size == b->size && a->body_size == b->body_size &&
           a->minor_version == b->minor_version && a->is_head == b->is_head &&
           a->keep_alive == b->keep_alive && a->chunked == b->chunked;
}

/* Feeds the bytes in several ways, and each prefix of them alone. Clears `same` if the way of
 * feeding made a difference. Returns the common outcome. */
static inline http_outcome http_feed_all_ways(const cb_http_limits *limits, const void *bytes,
                                              size_t size, bool *same)
{
    http_outcome whole = http_feed(limits, bytes, size, 0, 0);
    cb_http_request grown = {0};
    *same = true;
    for (size_t there = 0; there <= size; there++) {
        http_outcome single = http_feed(limits, bytes, there, 0, 0);
        http_outcome step = {.progress = http_feed_once(&grown, limits, bytes, there)};
        step.request = grown;
        if (!http_outcome_same(&single, &step))
            *same = false;
        if (there == size && !http_outcome_same(&whole, &step))
            *same = false;
    }
    for (uint64_t seed = 1; seed <= 8; seed++) {
        http_outcome pieces = http_feed(limits, bytes, size, 1 + (size_t)seed * 5, seed);
        if (!http_outcome_same(&whole, &pieces))
            *same = false;
    }
    return whole;
}

#endif
