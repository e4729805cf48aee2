#include "actors/core/outbox.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#define FIRST_BUCKETS 256u

struct cb_outbox_chunk {
    cb_outbox_chunk *next;
    cb_record records[CB_OUTBOX_CHUNK];
};

/* --- records --- */

static bool add_chunk(cb_outbox *outbox)
{
    cb_outbox_chunk *chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return false;
    chunk->next = outbox->chunks;
    outbox->chunks = chunk;
    outbox->chunk_count++;
    for (size_t i = CB_OUTBOX_CHUNK; i-- > 0;)
        cb_outbox_give_back(outbox, &chunk->records[i]);
    return true;
}

cb_record *cb_outbox_take(cb_outbox *outbox)
{
    if (outbox->free == NULL && !add_chunk(outbox))
        return NULL;
    cb_record *record = outbox->free;
    outbox->free = record->next;
    outbox->free_count--;
    return record;
}

cb_record *cb_outbox_take_spare(cb_outbox *outbox)
{
    if (outbox->free_count <= CB_OUTBOX_RESERVED && !add_chunk(outbox))
        return NULL;
    return cb_outbox_take(outbox);
}

void cb_outbox_give_back(cb_outbox *outbox, cb_record *record)
{
    record->next = outbox->free;
    outbox->free = record;
    outbox->free_count++;
}

/* A receiver's own record is no part of the pool. */
static void put_away(cb_outbox *outbox, cb_receiver *of, cb_record *record)
{
    if (record == &of->own)
        of->own_is_used = false;
    else
        cb_outbox_give_back(outbox, record);
}

/* --- receivers --- */

static cb_receiver **bucket_of(const cb_outbox *outbox, uint32_t address)
{
    return &outbox->buckets[address & (outbox->bucket_count - 1)];
}

/* Without memory for more buckets, a search only takes longer. */
static void add_buckets(cb_outbox *outbox)
{
    size_t old_count = outbox->bucket_count;
    cb_receiver **old = outbox->buckets;
    cb_receiver **more = calloc(old_count * 2, sizeof(cb_receiver *));
    if (more == NULL)
        return;
    outbox->buckets = more;
    outbox->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++)
        while (old[i] != NULL) {
            cb_receiver *moved = old[i];
            old[i] = moved->next;
            moved->next = *bucket_of(outbox, moved->address);
            *bucket_of(outbox, moved->address) = moved;
        }
    free(old);
}

void cb_outbox_add(cb_outbox *outbox, cb_receiver *receiver)
{
    assert(cb_outbox_find(outbox, receiver->address) == NULL);
    if (outbox->receivers >= outbox->bucket_count)
        add_buckets(outbox);
    cb_receiver **bucket = bucket_of(outbox, receiver->address);
    receiver->next = *bucket;
    *bucket = receiver;
    outbox->receivers++;
}

cb_receiver *cb_outbox_find(const cb_outbox *outbox, uint32_t address)
{
    cb_receiver *found = *bucket_of(outbox, address);
    while (found != NULL && found->address != address)
        found = found->next;
    return found;
}

static cb_receiver **dirty_list(cb_outbox *outbox, const cb_receiver *of)
{
    return &outbox->dirty[of->address >= CB_ADDRESS_FIRST_ASKER ? 0 : 1];
}

static void make_dirty(cb_outbox *outbox, cb_receiver *to)
{
    cb_receiver **list = dirty_list(outbox, to);
    to->dirty = true;
    to->next_dirty = *list;
    *list = to;
}

static void unlink_dirty(cb_outbox *outbox, const cb_receiver *gone)
{
    cb_receiver **link = dirty_list(outbox, gone);
    while (*link != gone)
        link = &(*link)->next_dirty;
    *link = gone->next_dirty;
}

static void drop_unsent(cb_outbox *outbox, cb_receiver *of)
{
    while (of->unsent.first != NULL) {
        cb_record *record = cb_record_pop(&of->unsent);
        cb_buffer_release(cb_message_payload(&record->message));
        put_away(outbox, of, record);
    }
}

cb_record *cb_outbox_lend_own(cb_outbox *outbox, cb_receiver *gone)
{
    drop_unsent(outbox, gone);
    gone->own_is_used = true;
    return &gone->own;
}

void cb_outbox_take_out(cb_outbox *outbox, cb_receiver *receiver)
{
    cb_receiver **link = bucket_of(outbox, receiver->address);
    while (*link != receiver)
        link = &(*link)->next;
    *link = receiver->next;
    outbox->receivers--;
    if (receiver->dirty)
        unlink_dirty(outbox, receiver);
    drop_unsent(outbox, receiver);
}

void cb_outbox_remove(cb_outbox *outbox, cb_receiver *receiver)
{
    cb_outbox_take_out(outbox, receiver);
    outbox->exchange->ops->drop(outbox->exchange, receiver);
}

/* --- sending --- */

static void queue_for(cb_outbox *outbox, cb_receiver *to, cb_record *record)
{
    cb_record_append(&to->unsent, record);
    if (!to->dirty)
        make_dirty(outbox, to);
}

void cb_outbox_queue(cb_outbox *outbox, cb_record *record)
{
    cb_receiver *to = cb_outbox_find(outbox, record->message.to);
    if (to != NULL) {
        queue_for(outbox, to, record);
        return;
    }
    cb_buffer_release(cb_message_payload(&record->message));
    cb_outbox_give_back(outbox, record);
}

bool cb_outbox_queue_own(cb_outbox *outbox, cb_receiver *to, const cb_message *message)
{
    if (to->own_is_used)
        return false;
    to->own_is_used = true;
    to->own.message = *message;
    queue_for(outbox, to, &to->own);
    return true;
}

/* Workers like to know where their jobs come from. */
static void tell_where(cb_core *core)
{
    int here = sched_getcpu();
    if (here != atomic_load_explicit(&core->hands_from, memory_order_relaxed))
        atomic_store_explicit(&core->hands_from, here, memory_order_relaxed);
}

/* The receiver's first records in one piece. */
static const cb_message *gather(cb_outbox *outbox, const cb_receiver *to, size_t *count)
{
    const cb_record *record = to->unsent.first;
    *count = 1;
    if (record->next == NULL)
        return &record->message;
    for (*count = 0; record != NULL && *count < CB_BATCH_MAX; record = record->next)
        outbox->batch[(*count)++] = record->message;
    return outbox->batch;
}

/* Sends as much as the receiver's queue takes. True if it took something. */
static bool send_unsent(cb_outbox *outbox, cb_receiver *to)
{
    bool sent = false;
    while (to->unsent.first != NULL) {
        size_t count;
        const cb_message *batch = gather(outbox, to, &count);
        if (outbox->exchange->ops->send(outbox->exchange, to, batch, count) != CB_OK)
            return sent;
        sent = true;
        for (size_t i = 0; i < count; i++)
            put_away(outbox, to, cb_record_pop(&to->unsent));
    }
    return sent;
}

bool cb_outbox_send(cb_outbox *outbox, cb_core *place)
{
    bool sent = false;
    for (int i = 0; i < 2; i++) {
        cb_receiver *to = outbox->dirty[i];
        outbox->dirty[i] = NULL;
        while (to != NULL) {
            cb_receiver *next = to->next_dirty;
            to->dirty = false;
            if (to->runs_jobs && place != NULL)
                tell_where(place);
            if (send_unsent(outbox, to))
                sent = true;
            if (to->unsent.first != NULL)
                make_dirty(outbox, to);
            to = next;
        }
    }
    return sent;
}

/* --- life --- */

bool cb_outbox_open(cb_outbox *outbox, cb_exchange *exchange)
{
    outbox->exchange = exchange;
    outbox->buckets = calloc(FIRST_BUCKETS, sizeof(cb_receiver *));
    outbox->bucket_count = outbox->buckets != NULL ? FIRST_BUCKETS : 0;
    if (outbox->buckets != NULL && add_chunk(outbox))
        return true;
    cb_outbox_close(outbox);
    return false;
}

void cb_outbox_close(cb_outbox *outbox)
{
    for (size_t i = 0; i < outbox->bucket_count; i++)
        while (outbox->buckets[i] != NULL) {
            cb_receiver *gone = outbox->buckets[i];
            outbox->buckets[i] = gone->next;
            drop_unsent(outbox, gone);
            outbox->exchange->ops->drop(outbox->exchange, gone);
        }
    free(outbox->buckets);
    while (outbox->chunks != NULL) {
        cb_outbox_chunk *next = outbox->chunks->next;
        free(outbox->chunks);
        outbox->chunks = next;
    }
    *outbox = (cb_outbox){0};
}
