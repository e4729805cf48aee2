/* The supervisor's shell, driven through a double of the mailboxes: no socket, no actor. */
#include "tests/unit/supervisor_double.h"

#include "actors/base/affinity.h"
#include "actors/base/clock.h"
#include "actors/core/snapshot.h"

#define FLOOD 20000u /* more than one visit takes in */

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

/* A whole batch, so that the round ends with it and the inbox is not seen empty. */
static void much_with(cb_message first)
{
    static cb_message records[CB_BATCH_MAX];
    for (size_t i = 1; i < CB_BATCH_MAX; i++)
        records[i] = (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK};
    records[0] = first;
    batch(CB_BATCH_MAX, records);
}

/* What one question waited is not counted for the next. */
static void a_question_after_a_flood_waits_as_others_do(void)
{
    const cb_message tick = {.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK};
    begin();
    one(opening(1));
    empty();
    one(from_listener(CB_MSG_ROUTE_LISTENING));
    empty();
    much_with(question(CB_ASK_OPEN_COUNT, 0, 2));
    for (int i = 0; i < 3; i++)
        much_with(tick);
    much_with(question(CB_ASK_ROUTE_ACTIVE, 1, 3));
    much_with(from_listener(CB_MSG_ACCEPTED));
    empty();
    run();
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 3));
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 3)->value, 1);
}

/* Workers are told where their jobs come from, and nobody else is. */
static void a_visitor_tells_where_it_hands_jobs_from(void)
{
    begin();
    world.goes_on_for_ever = true;
    open_supervisor();
    atomic_store(&world.core.hands_from, CB_PROCESSOR_UNKNOWN);
    one(opening(1));
    empty();
    one(from_listener(CB_MSG_ROUTE_LISTENING));
    empty();
    one(from_listener(CB_MSG_ACCEPTED));
    one(from_listener(CB_MSG_REQUEST_READY));
    empty();
    for (int i = 0; i < 4; i++)
        cb_supervisor_attend(world.supervisor);
    CU_ASSERT_NOT_EQUAL(started_address, CB_ADDRESS_FIRST_ACTOR);
    CU_ASSERT_EQUAL(atomic_load(&world.core.hands_from), CB_PROCESSOR_UNKNOWN);
    one((cb_message){.kind = CB_MSG_ACTOR_READY, .from = started_address});
    empty();
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_HAND, 0));
    CU_ASSERT_NOT_EQUAL(atomic_load(&world.core.hands_from), CB_PROCESSOR_UNKNOWN);
    world.goes_on_for_ever = false;
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
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
    one((cb_message){
        .kind = CB_PLUMBING_HELLO, .from = other, .value = (int64_t)(intptr_t)receiver(other)});
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

/* -- threads that have said good-bye ---------------------------------------------------------- */

static sem_t may_end;

/* As a destructor that a plugin's library has for its threads may do. */
static void *end_late(void *argument)
{
    await(&may_end);
    return argument;
}

static cb_status start_one_that_ends_late(cb_core *core, const cb_message *effect,
                                          cb_receiver **started, cb_error *error)
{
    (void)core;
    *started = receiver(effect->to);
    (*started)->has_thread = true;
    return cb_thread_start(&(*started)->thread, end_late, NULL, 0, "double", error);
}

static void begin_with_one_that_ends_late(void)
{
    cb_error error;
    begin();
    world.goes_on_for_ever = true;
    CU_ASSERT_EQUAL_FATAL(sem_init(&may_end, 0, 0), 0);
    world.core.options.limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(cb_supervisor_new(&world.core, &world.base, NULL,
                                            start_one_that_ends_late, &world.supervisor, &error),
                          CB_OK);
    one(opening(1));
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_EQUAL(cb_supervisor_abandoned(world.supervisor), 1);
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = CB_ADDRESS_FIRST_ACTOR});
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
}

static void who_is_in_charge_does_not_wait_for_a_thread_that_ends(void)
{
    begin_with_one_that_ends_late();
    cb_supervisor_attend(world.supervisor);
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT_EQUAL(cb_supervisor_abandoned(world.supervisor), 1);
    sem_post(&may_end);
    one((cb_message){.kind = CB_PLUMBING_STOP, .from = ASKER});
    (void)cb_supervisor_thread(world.supervisor); /* waits for it */
    CU_ASSERT_EQUAL(cb_supervisor_abandoned(world.supervisor), 0);
    close_supervisor();
}

/* Nobody comes: its own thread looks, at longer and longer intervals. */
static void a_thread_that_has_ended_is_joined_though_nobody_comes(void)
{
    pthread_t own;
    begin_with_one_that_ends_late();
    begin_thread(&own, live);
    while (!sleeps())
        ;
    sem_post(&may_end);
    while (atomic_load(&receivers_dropped) == 0)
        sched_yield();
    one((cb_message){.kind = CB_PLUMBING_STOP, .from = ASKER});
    cb_supervisor_ring(world.supervisor);
    end_thread(own);
    CU_ASSERT_EQUAL(cb_supervisor_abandoned(world.supervisor), 0);
    close_supervisor();
}

static void a_thread_that_does_not_end_is_left_behind_at_the_end(void)
{
    int64_t begin_ns = cb_now_ns();
    begin_with_one_that_ends_late();
    one((cb_message){.kind = CB_PLUMBING_STOP, .from = ASKER});
    (void)cb_supervisor_thread(world.supervisor);
    CU_ASSERT(cb_now_ns() - begin_ns >= INT64_C(2000000000));
    CU_ASSERT_EQUAL(cb_supervisor_abandoned(world.supervisor), 1);
    sem_post(&may_end);
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
                           TEST(a_question_after_a_flood_waits_as_others_do),
                           TEST(a_visitor_tells_where_it_hands_jobs_from),
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
                           TEST(who_is_in_charge_does_not_wait_for_a_thread_that_ends),
                           TEST(a_thread_that_has_ended_is_joined_though_nobody_comes),
                           TEST(a_thread_that_does_not_end_is_left_behind_at_the_end),
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
