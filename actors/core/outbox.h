/* The supervisor's outgoing records: those for each receiver that its queue has not taken yet, and
 * the pool that all records come from.
 *
 * The pool consists of chunks of a fixed size. The first chunk is there from the start; the pool
 * grows while there is memory. Without memory the pool still serves: a record is free again as soon
 * as the receiver's queue has taken it. No other function here needs memory.
 *
 * Threads: one at a time.
 */
#ifndef CALLBOARD_ACTORS_CORE_OUTBOX_H
#define CALLBOARD_ACTORS_CORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "actors/core/core.h"
#include "actors/core/exchange.h"
#include "actors/core/receiver.h"

/* Records in a chunk, and in the pool at the start. */
#define CB_OUTBOX_CHUNK    1024u
/* Free records that are kept for answers and orders, and are not lent to hold questions. */
#define CB_OUTBOX_RESERVED 256u

typedef struct cb_outbox_chunk cb_outbox_chunk;

typedef struct cb_outbox {
    cb_exchange *exchange;
    cb_outbox_chunk *chunks;
    size_t chunk_count;
    cb_record *free;
    size_t free_count;
    cb_receiver **buckets; /* by the low bits of the address */
    size_t bucket_count;   /* a power of two */
    size_t receivers;
    cb_receiver *dirty[2]; /* receivers with unsent records: askers, and after them actors */
    cb_message batch[CB_BATCH_MAX];
} cb_outbox;

/* Returns false when out of memory. The exchange still belongs to the caller. */
bool cb_outbox_open(cb_outbox *outbox, cb_exchange *exchange);
/* Drops all unsent records and all receivers. An outbox that is all zero is closed already. */
void cb_outbox_close(cb_outbox *outbox);

/* Takes a record, to be filled; NULL when out of memory. */
cb_record *cb_outbox_take(cb_outbox *outbox);
/* The same for a record that may be refused: NULL also if only the reserve is left. */
cb_record *cb_outbox_take_spare(cb_outbox *outbox);
void cb_outbox_give_back(cb_outbox *outbox, cb_record *record);

/* Takes the receiver over. Its address must be new. */
void cb_outbox_add(cb_outbox *outbox, cb_receiver *receiver);
cb_receiver *cb_outbox_find(const cb_outbox *outbox, uint32_t address);
/* Drops the unsent records for it. The receiver belongs to the caller again. */
void cb_outbox_take_out(cb_outbox *outbox, cb_receiver *receiver);
/* The same, and drops the receiver. */
void cb_outbox_remove(cb_outbox *outbox, cb_receiver *receiver);

/* The own record of a receiver that no longer reads, for another use until the receiver is removed.
 * Drops the unsent records for it. */
cb_record *cb_outbox_lend_own(cb_outbox *outbox, cb_receiver *gone);

/* Queues the record for the receiver that it names. If there is none, drops the record with its
 * payload. */
void cb_outbox_queue(cb_outbox *outbox, cb_record *record);
/* Queues the message in the receiver's own record. False if this record still waits to be sent. */
bool cb_outbox_queue_own(cb_outbox *outbox, cb_receiver *to, const cb_message *message);
/* Sends as much as the queues take. Askers come first: they wait for it, and go on in parallel with
 * the actors. True if something was sent. `place` (or NULL) gets the processor that jobs are handed
 * from. */
bool cb_outbox_send(cb_outbox *outbox, cb_core *place);
/* True if something waits for a queue that was full. */
static inline bool cb_outbox_waits(const cb_outbox *outbox)
{
    return outbox->dirty[0] != NULL || outbox->dirty[1] != NULL;
}

#endif
