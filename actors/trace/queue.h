/* The queue of records for the trace file: a ring in blocks, from one thread to another, without a
 * lock.
 *
 *     0 ...... taken ........... committed ........ claimed         (counted since the beginning)
 *              |  for the reader |  not yet seen  |
 *
 * The writing thread claims records and fills them. Then it commits all of them at once, or takes
 * them back; so records that belong together are in the queue all together, or not at all. The
 * reading thread reads records where they lie, and gives them up when it no longer needs them.
 *
 * Memory: the blocks of the waiting records, and one block more; never more than the size given at
 * the beginning.
 *
 * Threads: one writes and one reads. Another thread may take over the writing, if it sees
 * everything that the previous one did.
 */
#ifndef CALLBOARD_ACTORS_TRACE_QUEUE_H
#define CALLBOARD_ACTORS_TRACE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/trace/format.h"

/* Records of a block: 192 KiB; with this size the fixed cost of a write no longer matters. */
#define CB_TRACE_BLOCK 2048u

typedef struct cb_trace_queue {
    uint64_t capacity; /* records */
    size_t table_size;
    cb_trace_slot **blocks; /* block n lies at n % table_size */
    /* Counts of records. The writing side's: */
    uint64_t claimed;
    uint64_t known_taken;
    uint64_t blocks_begun;
    atomic_uint_fast64_t committed;
    char apart[64]; /* in another cache line, the reading side's: */
    atomic_uint_fast64_t taken;
    _Atomic(cb_trace_slot *) spare; /* a block that was read, to be used for the next one */
} cb_trace_queue;

/* Returns false without memory. */
bool cb_trace_queue_open(cb_trace_queue *queue, size_t bytes);
/* A queue that is all zeros is fine. */
void cb_trace_queue_close(cb_trace_queue *queue);

/* -- the writing side -- */

/* Claims one more record, to be filled. NULL without memory, or if there is no room for `spared` +
 * 1 more records. */
cb_trace_slot *cb_trace_queue_claim(cb_trace_queue *queue, uint64_t spared);
/* Gives the claimed records to the reader; true if this begins another block. */
bool cb_trace_queue_commit(cb_trace_queue *queue);
/* Forgets the records that were claimed since the last commit; returns how many. */
uint64_t cb_trace_queue_take_back(cb_trace_queue *queue);
/* How many records wait. Other threads may call it too; for them the number may be old already. */
uint64_t cb_trace_queue_waiting(const cb_trace_queue *queue);

/* -- the reading side -- */

/* Gives the oldest records, as many as lie together; returns how many, 0 if there are none. */
size_t cb_trace_queue_look(const cb_trace_queue *queue, const cb_trace_slot **first);
/* Gives up `count` of the records that were looked at. */
void cb_trace_queue_take(cb_trace_queue *queue, size_t count);

#endif
