/* Drives the supervisor's shell through a double of the mailboxes, without sockets and actors. A
 * test writes down the incoming messages, batch by batch, runs the shell, and looks at the sent
 * messages. */
#ifndef CALLBOARD_TESTS_UNIT_SUPERVISOR_DOUBLE_H
#define CALLBOARD_TESTS_UNIT_SUPERVISOR_DOUBLE_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/thread.h"
#include "actors/core/supervisor.h"

#define ASKER (CB_ADDRESS_FIRST_ASKER + 1)
#define NS    1
#define MOST  8192

/* The inbox is a list of batches. An empty batch means that the inbox was empty; after it the shell
 * is rung, as if more had come. After the last batch comes the order to stop. */
typedef struct fake {
    cb_exchange base;
    cb_message inbox[MOST];
    size_t sizes[MOST];
    size_t written;
    size_t batches;
    size_t next_batch;
    size_t next_record;
    cb_message sent[MOST];
    size_t sent_count;
    int full_for;               /* how many sends find the queue full */
    uint32_t reads_nothing;     /* the queue to this address is full */
    bool (*lacks_memory)(void); /* true: a send fails because of it; or NULL */
    bool ends_late;             /* the order to stop comes only after something was sent */
    bool goes_on_for_ever;      /* runs until a test orders it to stop */
    size_t flood;               /* how many more records come before the order to stop */
    sem_t *inside; /* posted when a thread receives; the thread then waits for `goes_on`; or NULL */
    sem_t *goes_on;
    cb_inbox_state state; /* the state when nothing is there, */
    int for_so_long;      /* for so many receives */
    cb_supervisor *supervisor;
    cb_core core;
    bool closed;
} fake;

static fake world;
static uint32_t started_address;
static cb_status start_result;
static atomic_int receivers_dropped;

static inline size_t stop(cb_message records[CB_BATCH_MAX])
{
    if (world.next_batch > world.batches || (world.ends_late && world.sent_count == 0))
        return 0;
    world.next_batch++;
    records[0] = (cb_message){.kind = CB_PLUMBING_STOP, .status = 1, .from = ASKER};
    return 1;
}

static inline size_t flood(cb_message records[CB_BATCH_MAX])
{
    size_t count = world.flood < CB_BATCH_MAX ? world.flood : CB_BATCH_MAX;
    for (size_t i = 0; i < count; i++)
        records[i] = (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK};
    world.flood -= count;
    return count;
}

static inline size_t receive(cb_exchange *exchange, cb_message records[CB_BATCH_MAX],
                             cb_inbox_state *state)
{
    (void)exchange;
    if (world.inside != NULL) {
        sem_post(world.inside);
        world.inside = NULL;
        while (sem_wait(world.goes_on) != 0)
            ;
    }
    *state = world.for_so_long-- > 0 ? world.state : CB_INBOX_EMPTY;
    if (world.next_batch >= world.batches && world.flood > 0)
        return flood(records);
    if (world.next_batch >= world.batches)
        return world.goes_on_for_ever ? 0 : stop(records);
    size_t count = world.sizes[world.next_batch++];
    memcpy(records, &world.inbox[world.next_record], count * sizeof *records);
    world.next_record += count;
    if (count == 0 && !world.ends_late)
        cb_supervisor_ring(world.supervisor);
    return count;
}

static inline cb_status send_records(cb_exchange *exchange, cb_receiver *to,
                                     const cb_message *records, size_t count)
{
    (void)exchange;
    if (world.full_for > 0) {
        world.full_for--;
        return CB_LIMIT;
    }
    if (to->address == world.reads_nothing || (world.lacks_memory != NULL && world.lacks_memory()))
        return CB_LIMIT;
    for (size_t i = 0; i < count; i++)
        world.sent[world.sent_count++] = records[i];
    if (world.ends_late)
        cb_supervisor_ring(world.supervisor);
    return CB_OK;
}

static inline void drop(cb_exchange *exchange, cb_receiver *receiver)
{
    (void)exchange;
    atomic_fetch_add(&receivers_dropped, 1);
    free(receiver);
}

static inline uint64_t fairness_bound(const cb_exchange *exchange, size_t senders)
{
    (void)exchange;
    (void)senders;
    return 3;
}

static inline void close_exchange(cb_exchange *exchange)
{
    (void)exchange;
    world.closed = true;
}

static const cb_exchange_ops operations = {.receive = receive,
                                           .send = send_records,
                                           .drop = drop,
                                           .fairness_bound = fairness_bound,
                                           .close = close_exchange};

static inline void *no_thread(void *argument)
{
    return argument;
}

static inline cb_receiver *receiver(uint32_t address)
{
    cb_receiver *made = calloc(1, sizeof *made);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    made->address = address;
    return made;
}

static inline cb_status starter(cb_core *core, const cb_message *effect, cb_receiver **started,
                                cb_error *error)
{
    (void)core;
    started_address = effect->to;
    if (start_result != CB_OK)
        return cb_fail(error, start_result, "no thread today");
    *started = receiver(effect->to);
    (*started)->has_thread = true;
    return cb_thread_start(&(*started)->thread, no_thread, NULL, 0, "double", error);
}

static inline void batch(size_t count, const cb_message *records)
{
    memcpy(&world.inbox[world.written], records, count * sizeof *records);
    world.written += count;
    world.sizes[world.batches++] = count;
}

static inline void one(cb_message record)
{
    batch(1, &record);
}

static inline void empty(void)
{
    world.sizes[world.batches++] = 0;
}

static inline void greet(uint32_t asker)
{
    one((cb_message){
        .kind = CB_PLUMBING_HELLO, .from = asker, .value = (int64_t)(intptr_t)receiver(asker)});
}

static inline void begin(void)
{
    memset(&world, 0, sizeof world);
    world.base.ops = &operations;
    start_result = CB_OK;
    atomic_store(&receivers_dropped, 0);
    greet(ASKER);
}

static inline void open_supervisor(void)
{
    cb_error error;
    world.core.options.limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(
        cb_supervisor_new(&world.core, &world.base, NULL, starter, &world.supervisor, &error),
        CB_OK);
}

static inline void close_supervisor(void)
{
    cb_supervisor_free(&world.supervisor);
    CU_ASSERT_PTR_NULL(world.supervisor);
    CU_ASSERT(world.closed);
}

static inline void run(void)
{
    open_supervisor();
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
}

static inline cb_message from_asker(cb_message_kind kind, uint64_t cause)
{
    return (cb_message){.kind = (uint16_t)kind, .name_space = NS, .from = ASKER, .cause = cause};
}

static inline cb_message question(cb_question_kind what, uint64_t id, uint64_t cause)
{
    cb_message message = from_asker(CB_MSG_ASK, cause);
    message.value = what;
    message.job = id;
    return message;
}

static inline cb_message opening(uint64_t cause)
{
    cb_message message = from_asker(CB_MSG_OPEN_ROUTE, cause);
    message.status = 1000;
    message.connection = (uint32_t)CB_ROUTE_TCP << 16;
    message.payload = cb_payload_handle(cb_buffer_copy("Echo", 4));
    return message;
}

static inline cb_message from_listener(cb_message_kind kind)
{
    return (cb_message){
        .kind = (uint16_t)kind, .name_space = NS, .from = CB_ADDRESS_FIRST_ACTOR, .route = 1};
}

static inline const cb_message *sent(cb_message_kind kind, uint64_t cause)
{
    for (size_t i = 0; i < world.sent_count; i++)
        if (world.sent[i].kind == kind && (cause == 0 || world.sent[i].cause == cause))
            return &world.sent[i];
    return NULL;
}

#endif
