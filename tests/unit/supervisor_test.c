/* The supervisor's shell, driven through a double of the mailboxes: no socket, no actor. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <semaphore.h>
#include <string.h>

#include "actors/metrics/snapshot.h"
#include "actors/supervisor.h"

#define ASKER (CB_ADDRESS_FIRST_ASKER + 1)
#define NS    1
#define MOST  256
#define FLOOD 20000u /* more than one visit takes in */

/* The inbox is a list of batches; an empty batch stands for "the inbox was empty", after which
 * somebody rings, as if more had come. After the last one comes the order to stop. */
typedef struct fake {
    cb_exchange base;
    cb_message inbox[MOST];
    size_t sizes[MOST];
    size_t batches;
    size_t next_batch;
    size_t next_record;
    cb_message sent[MOST];
    size_t sent_count;
    int full_for;          /* so many sends find the queue full */
    bool ends_late;        /* not before something was sent */
    bool goes_on_for_ever; /* until a test orders it to stop */
    size_t flood;          /* so many records more come before the order to stop */
    sem_t *inside;         /* told that somebody receives, who then waits for `goes_on`; or NULL */
    sem_t *goes_on;
    cb_inbox_state state; /* what it means that nothing is there, */
    int for_so_long;      /* so many times */
    cb_supervisor *supervisor;
    cb_runtime runtime;
    bool closed;
} fake;

static fake world;
static uint32_t started_address;
static cb_status start_result;

static size_t stop(cb_message records[CB_BATCH_MAX])
{
    if (world.next_batch > world.batches || (world.ends_late && world.sent_count == 0))
        return 0;
    world.next_batch++;
    records[0] = (cb_message){.kind = CB_PLUMBING_STOP, .status = 1, .from = ASKER};
    return 1;
}

static size_t flood(cb_message records[CB_BATCH_MAX])
{
    size_t count = world.flood < CB_BATCH_MAX ? world.flood : CB_BATCH_MAX;
    for (size_t i = 0; i < count; i++)
        records[i] = (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK};
    world.flood -= count;
    return count;
}

static size_t receive(cb_exchange *exchange, cb_message records[CB_BATCH_MAX],
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

static cb_status add(cb_exchange *exchange, uint32_t address)
{
    (void)exchange;
    (void)address;
    return CB_OK;
}

static void remove_address(cb_exchange *exchange, uint32_t address)
{
    (void)exchange;
    (void)address;
}

static cb_status send_records(cb_exchange *exchange, uint32_t address, const cb_message *records,
                              size_t count)
{
    (void)exchange;
    (void)address;
    if (world.full_for > 0) {
        world.full_for--;
        return CB_LIMIT;
    }
    for (size_t i = 0; i < count; i++)
        world.sent[world.sent_count++] = records[i];
    if (world.ends_late)
        cb_supervisor_ring(world.supervisor);
    return CB_OK;
}

static uint64_t fairness_bound(const cb_exchange *exchange)
{
    (void)exchange;
    return 3;
}

static void close_exchange(cb_exchange *exchange)
{
    (void)exchange;
    world.closed = true;
}

static const cb_exchange_ops operations = {.receive = receive,
                                           .add = add,
                                           .remove = remove_address,
                                           .send = send_records,
                                           .fairness_bound = fairness_bound,
                                           .close = close_exchange};

static void *no_thread(void *argument)
{
    return argument;
}

static cb_status starter(cb_runtime *runtime, const cb_message *effect, cb_exchange *exchange,
                         pthread_t *thread, cb_error *error)
{
    (void)runtime;
    (void)exchange;
    started_address = effect->to;
    if (start_result != CB_OK)
        return cb_fail(error, start_result, "no thread today");
    return cb_thread_start(thread, no_thread, NULL, 0, "double", error);
}

static void batch(size_t count, const cb_message *records)
{
    size_t used = 0;
    for (size_t i = 0; i < world.batches; i++)
        used += world.sizes[i];
    memcpy(&world.inbox[used], records, count * sizeof *records);
    world.sizes[world.batches++] = count;
}

static void one(cb_message record)
{
    batch(1, &record);
}

static void empty(void)
{
    world.sizes[world.batches++] = 0;
}

static void begin(void)
{
    memset(&world, 0, sizeof world);
    world.base.ops = &operations;
    start_result = CB_OK;
    one((cb_message){.kind = CB_PLUMBING_HELLO, .from = ASKER});
}

static void open_supervisor(void)
{
    cb_error error;
    world.runtime.options.limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(
        cb_supervisor_new(&world.runtime, &world.base, NULL, starter, &world.supervisor, &error),
        CB_OK);
}

static void close_supervisor(void)
{
    cb_supervisor_free(&world.supervisor);
    CU_ASSERT_PTR_NULL(world.supervisor);
    CU_ASSERT(world.closed);
}

static void run(void)
{
    open_supervisor();
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
}

static cb_message from_asker(cb_message_kind kind, uint64_t cause)
{
    return (cb_message){.kind = (uint16_t)kind, .name_space = NS, .from = ASKER, .cause = cause};
}

static cb_message question(cb_question_kind what, uint64_t id, uint64_t cause)
{
    cb_message message = from_asker(CB_MSG_ASK, cause);
    message.value = what;
    message.job = id;
    return message;
}

static cb_message opening(uint64_t cause)
{
    cb_message message = from_asker(CB_MSG_OPEN_ROUTE, cause);
    message.status = 1000;
    message.connection = (uint32_t)CB_ROUTE_TCP << 16;
    message.payload = cb_payload_handle(cb_buffer_copy("Echo", 4));
    return message;
}

static cb_message from_listener(cb_message_kind kind)
{
    return (cb_message){
        .kind = (uint16_t)kind, .name_space = NS, .from = CB_ADDRESS_FIRST_ACTOR, .route = 1};
}

static const cb_message *sent(cb_message_kind kind, uint64_t cause)
{
    for (size_t i = 0; i < world.sent_count; i++)
        if (world.sent[i].kind == kind && (cause == 0 || world.sent[i].cause == cause))
            return &world.sent[i];
    return NULL;
}

static void a_question_waits_until_older_messages_are_in(void)
{
    begin();
    one(opening(1));
    empty();
    one(from_listener(CB_MSG_ROUTE_LISTENING));
    empty();
    /* The question is read before a connection that was accepted earlier on another queue. */
    one(question(CB_ASK_ROUTE_ACTIVE, 1, 2));
    one(from_listener(CB_MSG_ACCEPTED));
    empty();
    run();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 2)->value, 1);
}

static void a_flood_does_not_starve_questions(void)
{
    begin();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    for (int i = 0; i < 8; i++) /* the inbox is never empty, and rounds end by their size */
        for (int j = 0; j < 2; j++)
            one((cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    run();
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
}

static void a_full_queue_is_tried_again(void)
{
    begin();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    empty();
    world.full_for = 3;
    world.ends_late = true;
    run();
    CU_ASSERT_EQUAL(world.full_for, 0);
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT_EQUAL(world.sent_count, 1);
}

static void an_actor_that_does_not_start_fails_its_route(void)
{
    begin();
    one(opening(5));
    empty();
    empty();
    start_result = CB_LIMIT;
    run();
    const cb_message *answer = sent(CB_MSG_ANSWER, 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    CU_ASSERT_EQUAL(answer->status, CB_LIMIT);
    cb_buffer *text = cb_message_payload(answer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT(text->size == strlen("no thread today") &&
              memcmp(text->data, "no thread today", text->size) == 0);
    cb_buffer_release(text);
}

static void messages_for_nobody_are_dropped_with_their_payloads(void)
{
    begin(); /* the leak checker sees to the payload */
    one(opening(1));
    empty();
    one(from_listener(CB_MSG_ROUTE_LISTENING));
    empty();
    one(question(CB_ASK_ROUTE_CALLBACK, 1, 2));
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = ASKER});
    empty();
    run();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ANSWER, 2));
}

/* Its questions are held back until the inbox was empty, and so is what its end means for them. */
static void what_an_asker_asked_ends_with_its_mailbox(void)
{
    const uint32_t other = ASKER + 1;
    cb_message wait = from_asker(CB_MSG_WAIT, 2);
    cb_message figures = question(CB_ASK_SNAPSHOT, 0, 3);
    wait.value = -1;
    const cb_message leaves[] = {wait, wait, {.kind = CB_PLUMBING_BYE, .from = ASKER}};
    figures.from = other;
    begin();
    one((cb_message){.kind = CB_PLUMBING_HELLO, .from = other});
    one(opening(1));
    empty();
    one(from_listener(CB_MSG_ROUTE_LISTENING));
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = CB_ADDRESS_FIRST_ACTOR}); /* no asker */
    empty();
    batch(3, leaves);
    empty();
    one(figures);
    empty();
    run();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ANSWER, 2)); /* nothing to who is gone */
    const cb_message *answer = sent(CB_MSG_ANSWER, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    cb_buffer *bytes = cb_message_payload(answer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    const cb_snapshot *snapshot = (const cb_snapshot *)(const void *)bytes->data;
    CU_ASSERT_EQUAL(snapshot->waits, 0);
    CU_ASSERT_EQUAL(snapshot->askers, 1); /* who asks for the figures */
    CU_ASSERT_EQUAL(snapshot->ignored, 0);
    cb_buffer_release(bytes);
}

static void a_deadline_needs_no_visitor(void)
{
    cb_message wait = from_asker(CB_MSG_WAIT, 2);
    int64_t begin_ns = cb_now_ns();
    wait.status = CB_WAIT_TIME;
    wait.value = 20;
    begin();
    one(wait);
    empty();
    world.ends_late = true;
    run();
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT(cb_now_ns() - begin_ns >= 20000000);
}

static void a_visitor_does_the_work(void)
{
    begin();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    empty();
    open_supervisor();
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
}

static void *visit(void *unused)
{
    cb_supervisor_attend(world.supervisor);
    return unused;
}

static void *live(void *unused)
{
    (void)cb_supervisor_thread(world.supervisor);
    return unused;
}

static void begin_thread(pthread_t *thread, void *(*run_thread)(void *))
{
    CU_ASSERT_EQUAL_FATAL(pthread_create(thread, NULL, run_thread, NULL), 0);
}

static void end_thread(pthread_t thread)
{
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
}

static bool is_rung_for(void)
{
    cb_bell *bell = cb_supervisor_bell(world.supervisor);
    pthread_mutex_lock(&bell->lock);
    bool rung = bell->rung;
    pthread_mutex_unlock(&bell->lock);
    return rung;
}

static bool sleeps(void)
{
    cb_bell *bell = cb_supervisor_bell(world.supervisor);
    pthread_mutex_lock(&bell->lock);
    bool asleep = bell->waking_ns != INT64_MIN && !bell->rung;
    pthread_mutex_unlock(&bell->lock);
    return asleep;
}

/* Whoever receives next is kept until `goes_on` is posted. */
static void keep_one_inside(sem_t *inside, sem_t *goes_on)
{
    CU_ASSERT_EQUAL_FATAL(sem_init(inside, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(goes_on, 0, 0), 0);
    world.inside = inside;
    world.goes_on = goes_on;
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ;
}

static void who_comes_while_another_is_in_charge_does_not_wait(void)
{
    pthread_t visitor;
    sem_t inside;
    sem_t goes_on;
    begin();
    empty();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    empty();
    keep_one_inside(&inside, &goes_on);
    open_supervisor();
    begin_thread(&visitor, visit);
    await(&inside);
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_EQUAL(world.next_batch, 0);
    sem_post(&goes_on);
    end_thread(visitor);
    /* The first one has seen the inbox empty, and looked again for the sake of the second. */
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
}

static void its_own_thread_too_looks_again_for_who_was_turned_away(void)
{
    pthread_t own;
    sem_t inside;
    sem_t goes_on;
    begin();
    empty();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    empty();
    world.ends_late = true; /* and nobody rings before */
    keep_one_inside(&inside, &goes_on);
    open_supervisor();
    begin_thread(&own, live);
    await(&inside);
    cb_supervisor_attend(world.supervisor);
    sem_post(&goes_on);
    end_thread(own);
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    close_supervisor();
}

static void a_visitor_leaves_the_rest_of_a_flood(void)
{
    begin();
    world.flood = FLOOD;
    open_supervisor();
    CU_ASSERT_FALSE(is_rung_for());
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT(world.flood > FLOOD / 2 && world.flood < FLOOD);
    CU_ASSERT(is_rung_for());
    (void)cb_supervisor_thread(world.supervisor);
    CU_ASSERT_EQUAL(world.flood, 0);
    close_supervisor();
}

/* The order to stop came while an actor lived, whose good-bye a visitor takes in. */
static void a_visitor_tells_of_the_last_good_bye(void)
{
    pthread_t own;
    begin();
    world.goes_on_for_ever = true;
    one(opening(1));
    one((cb_message){.kind = CB_PLUMBING_STOP, .from = ASKER});
    open_supervisor();
    begin_thread(&own, live);
    while (!sleeps())
        ;
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = CB_ADDRESS_FIRST_ACTOR});
    cb_supervisor_attend(world.supervisor);
    end_thread(own);
    close_supervisor();
}

static void what_the_inbox_hides_is_looked_for_again(void)
{
    begin();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    empty(); /* hidden: nobody comes, and nobody rings */
    world.state = CB_INBOX_HIDES;
    world.for_so_long = 3;
    world.ends_late = true;
    run();
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
}

static void a_question_waits_for_what_is_being_sent(void)
{
    begin();
    world.goes_on_for_ever = true;
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    world.state = CB_INBOX_AWAITS;
    world.for_so_long = 3; /* the greeting, the question, and nothing */
    open_supervisor();
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ANSWER, 2));
    cb_supervisor_attend(world.supervisor); /* by who was sending */
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    world.goes_on_for_ever = false;
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
}

static void nobody_is_in_charge_after_the_end(void)
{
    begin();
    open_supervisor();
    (void)cb_supervisor_thread(world.supervisor);
    world.flood = 1;
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_EQUAL(world.flood, 1);
    close_supervisor();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_question_waits_until_older_messages_are_in),
                           TEST(a_flood_does_not_starve_questions),
                           TEST(a_full_queue_is_tried_again),
                           TEST(an_actor_that_does_not_start_fails_its_route),
                           TEST(messages_for_nobody_are_dropped_with_their_payloads),
                           TEST(what_an_asker_asked_ends_with_its_mailbox),
                           TEST(a_deadline_needs_no_visitor),
                           TEST(a_visitor_does_the_work),
                           TEST(who_comes_while_another_is_in_charge_does_not_wait),
                           TEST(its_own_thread_too_looks_again_for_who_was_turned_away),
                           TEST(a_visitor_leaves_the_rest_of_a_flood),
                           TEST(a_visitor_tells_of_the_last_good_bye),
                           TEST(what_the_inbox_hides_is_looked_for_again),
                           TEST(a_question_waits_for_what_is_being_sent),
                           TEST(nobody_is_in_charge_after_the_end),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"supervisor", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
