/* What the supervisor has for each receiver: records from a pool, in order, in batches. */
#include "tests/unit/scarce_memory.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/affinity.h"
#include "actors/core/asker.h"
#include "actors/core/outbox.h"

#define ASKER    (CB_ADDRESS_FIRST_ASKER + 1)
#define ACTOR    CB_ADDRESS_FIRST_ACTOR
#define FOR_EVER 1000000000L
#define MANY     3000u
#define MOST     8

/* -- a double of the exchange --------------------------------------------------------------------
 */

typedef struct taken {
    uint32_t address;
    size_t count;
    uint64_t first; /* number of the first record */
} taken;

static taken batches[MOST];
static size_t batch_count;
static size_t room; /* batches that queues still take */
static size_t dropped;
static uint64_t
    expected[2]; /* next number of an asker's and an actor's record, if it is in order */
static bool in_order;

static cb_status send_records(cb_exchange *exchange, cb_receiver *to, const cb_message *records,
                              size_t count)
{
    (void)exchange;
    if (room == 0)
        return CB_LIMIT;
    room--;
    CU_ASSERT_FATAL(batch_count < MOST);
    batches[batch_count++] = (taken){to->address, count, records[0].job};
    for (size_t i = 0; i < count; i++)
        in_order = in_order && records[i].job == expected[to->address < ASKER]++;
    return CB_OK;
}

static void drop(cb_exchange *exchange, cb_receiver *receiver)
{
    (void)exchange;
    dropped++;
    free(receiver);
}

static const cb_exchange_ops operations = {.send = send_records, .drop = drop};
static cb_exchange exchange = {&operations};
static cb_outbox outbox;

static void begin(void)
{
    batch_count = dropped = 0;
    room = MOST;
    expected[0] = expected[1] = 0;
    in_order = true;
    memset(&outbox, 0, sizeof outbox);
    CU_ASSERT_FATAL(cb_outbox_open(&outbox, &exchange));
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_CHUNK);
}

static void end(void)
{
    (void)scarce_end();
    size_t left = outbox.receivers;
    dropped = 0;
    cb_outbox_close(&outbox);
    CU_ASSERT_EQUAL(dropped, left);
}

static cb_receiver *add(uint32_t address)
{
    scarce_spare_me(true);
    cb_receiver *made = calloc(1, sizeof *made);
    scarce_spare_me(false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    made->address = address;
    cb_outbox_add(&outbox, made);
    return made;
}

static void take_out(uint32_t address)
{
    cb_receiver *gone = cb_outbox_find(&outbox, address);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gone);
    cb_outbox_take_out(&outbox, gone);
    drop(&exchange, gone);
}

static void queue(uint32_t to, uint64_t number)
{
    cb_record *record = cb_outbox_take(&outbox);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    record->message = (cb_message){.kind = CB_MSG_HAND, .to = to, .job = number};
    cb_outbox_queue(&outbox, record);
}

/* -- records -------------------------------------------------------------------------------------
 */

static void the_reserve_is_not_lent(void)
{
    static cb_record *lent[CB_OUTBOX_CHUNK];
    size_t count = 0;
    begin();
    scarce_begin(1, FOR_EVER);
    while ((lent[count] = cb_outbox_take_spare(&outbox)) != NULL)
        count++;
    CU_ASSERT_EQUAL(count, CB_OUTBOX_CHUNK - CB_OUTBOX_RESERVED);
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_RESERVED);
    while ((lent[count] = cb_outbox_take(&outbox)) != NULL && count < CB_OUTBOX_CHUNK - 1)
        count++;
    CU_ASSERT_EQUAL(count, CB_OUTBOX_CHUNK - 1);
    CU_ASSERT_PTR_NULL(cb_outbox_take(&outbox));
    cb_outbox_give_back(&outbox, lent[0]);
    CU_ASSERT_PTR_EQUAL(cb_outbox_take(&outbox), lent[0]);
    end();
}

static void with_memory_there_are_always_more(void)
{
    begin();
    for (size_t i = 0; i < MANY; i++)
        CU_ASSERT_PTR_NOT_NULL(cb_outbox_take_spare(&outbox));
    CU_ASSERT_EQUAL(outbox.chunk_count * CB_OUTBOX_CHUNK, outbox.free_count + MANY);
    end();
}

static void a_record_for_nobody_is_free_again(void)
{
    begin();
    queue(ASKER, 0);
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_CHUNK);
    CU_ASSERT_FALSE(cb_outbox_waits(&outbox));
    end();
}

static void a_receivers_own_record_serves_once_at_a_time(void)
{
    const cb_message answer = {.kind = CB_MSG_ANSWER, .to = ASKER};
    const cb_message next = {.kind = CB_MSG_ANSWER, .to = ASKER, .job = 1};
    begin();
    cb_receiver *asker = add(ASKER);
    CU_ASSERT(cb_outbox_queue_own(&outbox, asker, &answer));
    CU_ASSERT_FALSE(cb_outbox_queue_own(&outbox, asker, &next));
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT(cb_outbox_queue_own(&outbox, asker, &next));
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT(in_order && batch_count == 2);
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_CHUNK);
    end();
}

static void a_record_that_is_lent_is_no_answers(void)
{
    const cb_message answer = {.kind = CB_MSG_ANSWER, .to = ASKER};
    begin();
    cb_receiver *asker = add(ASKER);
    CU_ASSERT(cb_outbox_queue_own(&outbox, asker, &answer));
    queue(ASKER, 1);
    CU_ASSERT_PTR_EQUAL(cb_outbox_lend_own(&outbox, asker), &asker->own);
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_CHUNK);
    CU_ASSERT_FALSE(cb_outbox_queue_own(&outbox, asker, &answer));
    CU_ASSERT_FALSE(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL(batch_count, 0);
    end();
}

/* -- receivers -----------------------------------------------------------------------------------
 */

static void find_all(void)
{
    for (uint32_t i = 0; i < MANY; i++)
        (void)add(ASKER + i);
    CU_ASSERT_EQUAL(outbox.receivers, MANY);
    for (uint32_t i = 0; i < MANY; i += 2)
        take_out(ASKER + i);
    CU_ASSERT_EQUAL(outbox.receivers, MANY / 2);
    CU_ASSERT_EQUAL(dropped, MANY / 2);
    for (uint32_t i = 0; i < MANY; i++) {
        const cb_receiver *found = cb_outbox_find(&outbox, ASKER + i);
        CU_ASSERT(i % 2 == 0 ? found == NULL : found != NULL && found->address == ASKER + i);
    }
}

static void many_receivers_are_found(void)
{
    begin();
    size_t before = outbox.bucket_count;
    find_all();
    CU_ASSERT(outbox.bucket_count > before);
    CU_ASSERT(outbox.bucket_count * 2 > MANY);
    end();
}

static void many_receivers_are_found_without_memory(void)
{
    begin();
    size_t before = outbox.bucket_count;
    scarce_begin(1, FOR_EVER);
    find_all();
    CU_ASSERT_EQUAL(outbox.bucket_count, before);
    end();
}

static void one_that_is_gone_is_sent_nothing(void)
{
    begin();
    (void)add(ASKER);
    (void)add(ASKER + 1);
    (void)add(ASKER + 2);
    for (uint32_t i = 0; i < 3; i++)
        queue(ASKER + i, i);
    take_out(ASKER + 1);
    CU_ASSERT_EQUAL(outbox.free_count, CB_OUTBOX_CHUNK - 2);
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL(batch_count, 2);
    for (size_t i = 0; i < batch_count; i++)
        CU_ASSERT_NOT_EQUAL(batches[i].address, ASKER + 1);
    end();
}

/* -- sending -------------------------------------------------------------------------------------
 */

static void askers_come_first(void)
{
    begin();
    (void)add(ACTOR);
    (void)add(ASKER);
    queue(ASKER, 0);
    queue(ACTOR, 0);
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL_FATAL(batch_count, 2);
    CU_ASSERT_EQUAL(batches[0].address, ASKER);
    CU_ASSERT_EQUAL(batches[1].address, ACTOR);
    CU_ASSERT_FALSE(cb_outbox_send(&outbox, NULL));
    end();
}

static void much_goes_in_whole_batches_and_in_order(void)
{
    begin();
    (void)add(ACTOR);
    for (uint64_t i = 0; i < 2 * CB_BATCH_MAX + 1; i++)
        queue(ACTOR, i);
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL_FATAL(batch_count, 3);
    CU_ASSERT_EQUAL(batches[0].count, CB_BATCH_MAX);
    CU_ASSERT_EQUAL(batches[1].count, CB_BATCH_MAX);
    CU_ASSERT_EQUAL(batches[2].count, 1);
    CU_ASSERT(in_order);
    CU_ASSERT_FALSE(cb_outbox_waits(&outbox));
    end();
}

static void what_a_full_queue_does_not_take_stays(void)
{
    begin();
    (void)add(ACTOR);
    for (uint64_t i = 0; i < CB_BATCH_MAX + 3; i++)
        queue(ACTOR, i);
    room = 1;
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT(cb_outbox_waits(&outbox));
    CU_ASSERT_FALSE(cb_outbox_send(&outbox, NULL));
    queue(ACTOR, CB_BATCH_MAX + 3);
    room = MOST;
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL_FATAL(batch_count, 2);
    CU_ASSERT_EQUAL(batches[1].count, 4);
    CU_ASSERT(in_order);
    CU_ASSERT_FALSE(cb_outbox_waits(&outbox));
    end();
}

static void only_who_runs_jobs_is_told_where_they_come_from(void)
{
    static cb_core core;
    begin();
    cb_core_init(&core, &(cb_runtime_options){0}, NULL);
    cb_receiver *actor = add(ACTOR);
    queue(ACTOR, 0);
    CU_ASSERT(cb_outbox_send(&outbox, &core));
    CU_ASSERT_EQUAL(atomic_load(&core.hands_from), CB_PROCESSOR_UNKNOWN);
    actor->runs_jobs = true;
    queue(ACTOR, 1);
    CU_ASSERT(cb_outbox_send(&outbox, NULL));
    CU_ASSERT_EQUAL(atomic_load(&core.hands_from), CB_PROCESSOR_UNKNOWN);
    queue(ACTOR, 2);
    CU_ASSERT(cb_outbox_send(&outbox, &core));
    CU_ASSERT_NOT_EQUAL(atomic_load(&core.hands_from), CB_PROCESSOR_UNKNOWN);
    end();
}

/* -- an asker that is refused --------------------------------------------------------------------
 */

/* The answers lie in the mailbox before the questions are asked. */
static cb_status ask_two(cb_status second, cb_question questions[2])
{
    cb_post_office *office = NULL;
    cb_exchange *real = NULL;
    cb_asker asker = {0};
    cb_limits limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(cb_post_office_open(&limits, &office, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_exchange_open(office, &real, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_create(office, ASKER, &asker.mailbox, NULL), CB_OK);
    cb_receiver *receiver = cb_mailbox_give_receiver(asker.mailbox);
    const cb_message answers[2] = {
        {.kind = CB_MSG_ANSWER, .cause = 1, .payload = cb_payload_handle(cb_buffer_copy("x", 1))},
        {.kind = CB_MSG_ANSWER, .cause = 2, .value = 7, .status = second}};
    CU_ASSERT_EQUAL(real->ops->send(real, receiver, answers, 2), CB_OK);
    cb_status status = cb_ask(&asker, 1, questions, 2);
    real->ops->drop(real, receiver);
    cb_mailbox_discard(&asker.mailbox);
    real->ops->close(real);
    cb_post_office_close(&office);
    return status;
}

static void a_refused_question_fails_them_all(void)
{
    cb_question questions[2] = {{.what = CB_ASK_ROUTE_CALLBACK}, {.what = CB_ASK_OPEN_COUNT}};
    CU_ASSERT_EQUAL(ask_two(CB_NO_MEMORY, questions), CB_NO_MEMORY);
    CU_ASSERT_PTR_NULL(questions[0].bytes); /* and they are released */
    CU_ASSERT_EQUAL(ask_two(CB_UNKNOWN, questions), CB_OK);
    CU_ASSERT_EQUAL(questions[1].status, CB_UNKNOWN);
    CU_ASSERT_PTR_NOT_NULL(questions[0].bytes);
    cb_buffer_release(questions[0].bytes);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(the_reserve_is_not_lent),
                           TEST(with_memory_there_are_always_more),
                           TEST(a_record_for_nobody_is_free_again),
                           TEST(a_receivers_own_record_serves_once_at_a_time),
                           TEST(a_record_that_is_lent_is_no_answers),
                           TEST(many_receivers_are_found),
                           TEST(many_receivers_are_found_without_memory),
                           TEST(one_that_is_gone_is_sent_nothing),
                           TEST(askers_come_first),
                           TEST(much_goes_in_whole_batches_and_in_order),
                           TEST(what_a_full_queue_does_not_take_stays),
                           TEST(only_who_runs_jobs_is_told_where_they_come_from),
                           TEST(a_refused_question_fails_them_all),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"outbox", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
