/* The table of blocks. Ids count up and are never used again; the table is sorted by them, since
 * new ones go to its end. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/script_state/script_state.h"

#define MAX_BLOCKS "CALLBOARD_MAX_STATE_BLOCKS"
#define MAX_BYTES  "CALLBOARD_MAX_STATE_BYTES"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all of the below */
static cb_state_block **blocks;
static size_t count;
static size_t room;        /* of `blocks` */
static size_t total_bytes; /* of all blocks, and of those that are being made */
static int64_t newest;
static int64_t runs; /* that may be using blocks */

void cb_state_enter(void)
{
    int code = pthread_mutex_lock(&mutex);
    assert(code == 0);
    (void)code;
}

void cb_state_leave(void)
{
    int code = pthread_mutex_unlock(&mutex);
    assert(code == 0);
    (void)code;
}

int cb_state_sleep(pthread_cond_t *changed, const struct timespec *moment)
{
    return pthread_cond_timedwait(changed, &mutex, moment);
}

void cb_state_count_run(int difference)
{
    runs += difference;
    assert(runs >= 0);
}

/* When the plugin is unloaded, after its last script's end, or else with the process. A run that is
 * still there then is a thread that could not be stopped: it may use any block, so all stay, for
 * the system to clean up. */
#if defined(__GNUC__)
__attribute__((destructor))
#endif
static void
free_all(void)
{
    cb_state_enter();
    bool is_used = runs > 0;
    for (size_t i = 0; i < count && !is_used; i++) {
        free(blocks[i]->bytes);
        free(blocks[i]);
    }
    if (!is_used) {
        free(blocks);
        blocks = NULL;
        count = room = 0;
    }
    cb_state_leave();
}

static bool make_room(void)
{
    if (count < room)
        return true;
    size_t wanted = room == 0 ? 16 : room * 2;
    cb_state_block **grown = realloc(blocks, wanted * sizeof(cb_state_block *));
    if (grown == NULL)
        return false;
    blocks = grown;
    room = wanted;
    return true;
}

/* Room in the table and in the limits for one more block, taken; undone by forget_reserved. */
static cb_status reserve(cb_call *call, size_t size)
{
    int64_t most_blocks = call->host->limit(call, MAX_BLOCKS);
    int64_t most_bytes = call->host->limit(call, MAX_BYTES);
    cb_state_enter();
    size_t used = total_bytes;
    bool too_many = count >= (size_t)most_blocks;
    bool too_large = size > (size_t)most_bytes || used > (size_t)most_bytes - size;
    bool has_room = !too_many && !too_large && make_room();
    if (has_room)
        total_bytes += size;
    cb_state_leave();
    if (too_many)
        return call->host->fail(call, CB_LIMIT, "%lld blocks are there already (" MAX_BLOCKS ")",
                                (long long)most_blocks);
    if (too_large)
        return call->host->fail(call, CB_LIMIT,
                                "%zu bytes more than the %zu that are in use are too many, at most "
                                "%lld (" MAX_BYTES ")",
                                size, used, (long long)most_bytes);
    return has_room ? CB_OK : CB_NO_MEMORY;
}

cb_status cb_state_new(cb_call *call, size_t size)
{
    cb_status status = reserve(call, size);
    if (status != CB_OK)
        return status;
    cb_state_block *block = calloc(1, sizeof(*block));
    uint8_t *bytes = calloc(1, size);
    cb_state_enter();
    bool is_made = block != NULL && bytes != NULL && make_room(); /* others came in between */
    if (is_made) {
        *block = (cb_state_block){.id = ++newest, .size = size, .bytes = bytes};
        blocks[count++] = block;
        call->result.integer = block->id;
    } else {
        total_bytes -= size;
    }
    cb_state_leave();
    if (is_made)
        return CB_OK;
    free(block);
    free(bytes);
    return CB_NO_MEMORY;
}

/* Where the block is, or would be. */
static size_t place_of(int64_t id)
{
    size_t from = 0;
    size_t to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (blocks[middle]->id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

cb_state_block *cb_state_find(int64_t id, const char **fault)
{
    size_t place = place_of(id);
    if (place < count && blocks[place]->id == id)
        return blocks[place];
    *fault = id > 0 && id <= newest ? "is freed" : "was never allocated";
    return NULL;
}

void cb_state_delete(cb_state_block *block)
{
    assert(block->holder == NULL && block->first == NULL);
    size_t place = place_of(block->id);
    assert(place < count && blocks[place] == block);
    count--;
    memmove(&blocks[place], &blocks[place + 1], (count - place) * sizeof(*blocks));
    total_bytes -= block->size;
    free(block->bytes);
    free(block);
}
