#include "actors/base/spare.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS 0
#endif
#endif
#ifndef KEEPS
#define KEEPS 1
#endif

#define MOST_BLOCKS 32u

typedef struct spare {
    void *block;
    size_t size;
} spare;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static spare kept[MOST_BLOCKS]; /* the oldest first */
static size_t count;
static size_t kept_bytes;
static size_t most_bytes;

static void *take_out(size_t at)
{
    void *block = kept[at].block;
    kept_bytes -= kept[at].size;
    count--;
    memmove(&kept[at], &kept[at + 1], (count - at) * sizeof *kept);
    return block;
}

/* Frees the oldest until so much more may be kept. */
static void make_room(size_t size)
{
    while (count > 0 && (count == MOST_BLOCKS || kept_bytes + size > most_bytes))
        free(take_out(0));
}

void cb_spare_set_most(size_t bytes)
{
    pthread_mutex_lock(&lock);
    most_bytes = KEEPS ? bytes : 0;
    make_room(0);
    pthread_mutex_unlock(&lock);
}

/* The newest that fits without much waste: its pages are the most likely to be in a cache. */
static void *find(size_t *size)
{
    for (size_t at = count; at-- > 0;) {
        if (kept[at].size < *size || kept[at].size - *size > *size / 8)
            continue;
        *size = kept[at].size;
        return take_out(at);
    }
    return NULL;
}

void *cb_spare_malloc(size_t *size)
{
    void *block = NULL;
    if (*size >= CB_SPARE_LEAST) {
        pthread_mutex_lock(&lock);
        block = find(size);
        pthread_mutex_unlock(&lock);
    }
    return block != NULL ? block : malloc(*size);
}

void cb_spare_free(void *block, size_t size)
{
    if (size < CB_SPARE_LEAST) {
        free(block);
        return;
    }
    pthread_mutex_lock(&lock);
    if (size <= most_bytes / 2) {
        make_room(size);
        kept[count++] = (spare){block, size};
        kept_bytes += size;
        block = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(block);
}
