/* Memory orders: `committed` is released by the writing side and acquired by the reading one, which
 * then sees the records and their blocks; `taken` the other way round, so that a record is not
 * overwritten while it is read. The order of a commit and of a look at whether the reader sleeps is
 * the writer's matter (trace/writer.c), hence sequential consistency there.
 */
#include "actors/trace/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "actors/base/budget.h"

bool cb_trace_queue_open(cb_trace_queue *queue, size_t bytes)
{
    *queue = (cb_trace_queue){.capacity = bytes / sizeof(cb_trace_slot)};
    assert(queue->capacity > 0);
    /* The oldest and the newest block may each be there with one record. */
    queue->table_size = (size_t)(queue->capacity / CB_TRACE_BLOCK) + 2;
    queue->blocks = calloc(queue->table_size, sizeof(cb_trace_slot *));
    return queue->blocks != NULL;
}

/* -- blocks, which the memory budget counts --------------------------------------------------- */

#define BLOCK_BYTES (CB_TRACE_BLOCK * sizeof(cb_trace_slot))

static cb_trace_slot *new_block(void)
{
    cb_trace_slot *block = malloc(BLOCK_BYTES);
    if (block != NULL)
        cb_budget_add((int64_t)BLOCK_BYTES);
    return block;
}

static void free_block(cb_trace_slot *block)
{
    if (block != NULL)
        cb_budget_add(-(int64_t)BLOCK_BYTES);
    free(block);
}

void cb_trace_queue_close(cb_trace_queue *queue)
{
    if (queue->blocks == NULL)
        return;
    for (uint64_t i = atomic_load(&queue->taken) / CB_TRACE_BLOCK; i < queue->blocks_begun; i++)
        free_block(queue->blocks[i % queue->table_size]);
    free_block(atomic_load(&queue->spare));
    free(queue->blocks);
    queue->blocks = NULL;
}

/* -- the writing side ------------------------------------------------------------------------- */

static bool has_room(cb_trace_queue *queue, uint64_t spared)
{
    if (queue->claimed - queue->known_taken + spared < queue->capacity)
        return true;
    queue->known_taken = atomic_load_explicit(&queue->taken, memory_order_acquire);
    return queue->claimed - queue->known_taken + spared < queue->capacity;
}

static bool begin_block(cb_trace_queue *queue)
{
    cb_trace_slot *block = atomic_exchange_explicit(&queue->spare, NULL, memory_order_acquire);
    if (block == NULL)
        block = new_block();
    if (block == NULL)
        return false;
    queue->blocks[queue->blocks_begun++ % queue->table_size] = block;
    return true;
}

cb_trace_slot *cb_trace_queue_claim(cb_trace_queue *queue, uint64_t spared)
{
    uint64_t block = queue->claimed / CB_TRACE_BLOCK;
    if (!has_room(queue, spared) || (block == queue->blocks_begun && !begin_block(queue)))
        return NULL;
    return &queue->blocks[block % queue->table_size][queue->claimed++ % CB_TRACE_BLOCK];
}

bool cb_trace_queue_commit(cb_trace_queue *queue)
{
    uint64_t before = atomic_load_explicit(&queue->committed, memory_order_relaxed);
    atomic_store(&queue->committed, queue->claimed);
    return before / CB_TRACE_BLOCK != queue->claimed / CB_TRACE_BLOCK;
}

uint64_t cb_trace_queue_take_back(cb_trace_queue *queue)
{
    uint64_t committed = atomic_load_explicit(&queue->committed, memory_order_relaxed);
    uint64_t count = queue->claimed - committed;
    queue->claimed = committed;
    return count;
}

uint64_t cb_trace_queue_waiting(const cb_trace_queue *queue)
{
    /* In this order, so that it is never below 0. */
    uint64_t taken = atomic_load(&queue->taken);
    return atomic_load(&queue->committed) - taken;
}

/* -- the reading side ------------------------------------------------------------------------- */

size_t cb_trace_queue_look(const cb_trace_queue *queue, const cb_trace_slot **first)
{
    uint64_t committed = atomic_load(&queue->committed);
    uint64_t taken = atomic_load_explicit(&queue->taken, memory_order_relaxed);
    size_t offset = (size_t)(taken % CB_TRACE_BLOCK);
    size_t together = CB_TRACE_BLOCK - offset;
    if (committed == taken)
        return 0;
    *first = &queue->blocks[taken / CB_TRACE_BLOCK % queue->table_size][offset];
    return committed - taken < together ? (size_t)(committed - taken) : together;
}

void cb_trace_queue_take(cb_trace_queue *queue, size_t count)
{
    uint64_t taken = atomic_load_explicit(&queue->taken, memory_order_relaxed);
    if ((taken + count) % CB_TRACE_BLOCK == 0 && count > 0) {
        cb_trace_slot *block = queue->blocks[taken / CB_TRACE_BLOCK % queue->table_size];
        free_block(atomic_exchange_explicit(&queue->spare, block, memory_order_acq_rel));
    }
    atomic_store_explicit(&queue->taken, taken + count, memory_order_release);
}
