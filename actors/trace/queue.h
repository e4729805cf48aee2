/* Records on their way to the trace file: a ring in blocks, from one thread to another, without a
 * lock.
 *
 *     0 ...... taken ........... committed ........ claimed         (counted since the beginning)
 *              |  for the reader |  not yet seen  |
 *
 * The writer of the queue claims records, fills them, and then commits all of them at once, or
 * takes them back; so whatever belongs together is there as a whole, or not at all. The reader
 * looks at records where they lie, and gives them up when it needs them no more.
 *
 * Memory: as much as waits, in blocks, and one block more; never more than was said at the
 * beginning.
 *
 * Threads: one writes and one reads. The writing one may change, if each sees all that the one
 * before it did.
 */
#ifndef CALLBOARD_ACTORS_TRACE_QUEUE_H
#define CALLBOARD_ACTORS_TRACE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/trace/format.h"

/* Records of a block: 192 KiB, where the fixed cost of a write no longer shows. */
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
    _Atomic(cb_trace_slot *) spare; /* a block that was read, for the next that begins */
} cb_trace_queue;

/* False without memory. */
bool cb_trace_queue_open(cb_trace_queue *queue, size_t bytes);
/* One that is all zeros is fine. */
void cb_trace_queue_close(cb_trace_queue *queue);

/* -- the writing side -- */

/* One record more, to be filled; NULL if fewer than `spared` + 1 records find room, or without
 * memory. */
cb_trace_slot *cb_trace_queue_claim(cb_trace_queue *queue, uint64_t spared);
/* What was claimed is for the reader now; true if that begins another block. */
bool cb_trace_queue_commit(cb_trace_queue *queue);
/* Forgets what was claimed since the last commit; how many records that were. */
uint64_t cb_trace_queue_take_back(cb_trace_queue *queue);
/* Records that wait. Also for other threads, to whom it is a moment's figure. */
uint64_t cb_trace_queue_waiting(const cb_trace_queue *queue);

/* -- the reading side -- */

/* The oldest records, as many as lie together; 0: none is there. */
size_t cb_trace_queue_look(const cb_trace_queue *queue, const cb_trace_slot **first);
/* Gives up so many of those that were looked at. */
void cb_trace_queue_take(cb_trace_queue *queue, size_t count);

#endif
