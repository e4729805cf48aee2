/* Mailboxes and the exchange when memory runs out: what is made is made whole or not at all, and
 * what was posted arrives once. */
#include "tests/unit/scarce_memory.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "actors/core/exchange.h"

#define ADDRESS    (CB_ADDRESS_FIRST_ASKER + 1)
#define FOR_EVER   1000000000L
#define PATIENCE_S 60 /* a socket that is left open keeps the office from closing */

static cb_post_office *office;
static cb_exchange *exchange;
static cb_message records[CB_BATCH_MAX];

static cb_status open_office(void)
{
    cb_limits limits = cb_limits_default();
    cb_status status = cb_post_office_open(&limits, &office, NULL);
    if (status == CB_OK)
        status = cb_exchange_open(office, &exchange, NULL);
    return status;
}

static void close_office(void)
{
    if (exchange != NULL)
        exchange->ops->close(exchange);
    exchange = NULL;
    cb_post_office_close(&office);
}

static void begin(void)
{
    (void)alarm(PATIENCE_S);
    CU_ASSERT_EQUAL_FATAL(open_office(), CB_OK);
}

static void end(void)
{
    (void)scarce_end();
    close_office();
    (void)alarm(0);
}

static size_t receive(cb_inbox_state *state)
{
    return exchange->ops->receive(exchange, records, state);
}

static cb_mailbox *mailbox(void)
{
    cb_mailbox *made = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_create(office, ADDRESS, &made, NULL), CB_OK);
    return made;
}

static void post(cb_mailbox *from, uint64_t number)
{
    const cb_message message = {.kind = CB_MSG_TICK, .job = number};
    CU_ASSERT_EQUAL(cb_mailbox_post(from, &message), CB_OK);
}

/* -- what is made -------------------------------------------------------------------------------
 */

static void an_office_is_made_whole_or_not_at_all(void)
{
    long first = 1;
    (void)alarm(PATIENCE_S);
    for (;; first++) {
        scarce_begin(first, 1);
        cb_status status = open_office();
        close_office();
        if (scarce_end() == 0) {
            CU_ASSERT_EQUAL(status, CB_OK);
            break;
        }
        CU_ASSERT(status == CB_NO_MEMORY || status == CB_IO);
    }
    CU_ASSERT(first > 2);
    (void)alarm(0);
}

static void a_mailbox_is_made_whole_or_not_at_all(void)
{
    long first = 1;
    begin();
    for (;; first++) {
        cb_mailbox *made = NULL;
        cb_error error = {.text = ""};
        scarce_begin(first, 1);
        cb_status status = cb_mailbox_create(office, ADDRESS, &made, &error);
        if (scarce_end() == 0) {
            CU_ASSERT_EQUAL(status, CB_OK);
            cb_mailbox_discard(&made);
            break;
        }
        CU_ASSERT(status == CB_NO_MEMORY || status == CB_IO);
        CU_ASSERT_PTR_NULL(made);
        CU_ASSERT_NOT_EQUAL(error.text[0], 0);
    }
    CU_ASSERT(first > 5); /* itself, its receiver, three queues */
    end();
}

/* The supervisor needs nothing more for it. */
static void a_greeting_brings_all_that_an_answer_takes(void)
{
    cb_mailbox *opened = NULL;
    cb_inbox_state state;
    cb_message got;
    begin();
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_open(office, ADDRESS, &opened, NULL), CB_OK);
    scarce_begin(2, FOR_EVER); /* the answer itself may be sent */
    CU_ASSERT_EQUAL_FATAL(receive(&state), 1);
    CU_ASSERT_EQUAL(records[0].kind, CB_PLUMBING_HELLO);
    cb_receiver *receiver = (cb_receiver *)(intptr_t)records[0].value;
    CU_ASSERT_EQUAL(receiver->address, ADDRESS);
    const cb_message answer = {.kind = CB_MSG_ANSWER, .cause = 5};
    CU_ASSERT_EQUAL(exchange->ops->send(exchange, receiver, &answer, 1), CB_OK);
    CU_ASSERT_EQUAL(cb_mailbox_receive(opened, -1, &got), CB_OK);
    CU_ASSERT_EQUAL(got.cause, 5);
    CU_ASSERT_FALSE(scarce_failed());
    exchange->ops->drop(exchange, receiver);
    (void)scarce_end();
    cb_mailbox_discard(&opened);
    end();
}

static void a_greeting_that_waited_for_memory_comes_once(void)
{
    cb_mailbox *opened = NULL;
    cb_inbox_state state;
    begin();
    scarce_begin(6, 3); /* the sending, after all that is made */
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_open(office, ADDRESS, &opened, NULL), CB_OK);
    CU_ASSERT_EQUAL(scarce_end(), 3);
    CU_ASSERT_EQUAL_FATAL(receive(&state), 1);
    exchange->ops->drop(exchange, (cb_receiver *)(intptr_t)records[0].value);
    CU_ASSERT_EQUAL(receive(&state), 0);
    CU_ASSERT_EQUAL(state, CB_INBOX_EMPTY);
    cb_mailbox_discard(&opened);
    end();
}

/* -- what is sent up ----------------------------------------------------------------------------
 */

static void what_was_posted_arrives_once_when_memory_is_back(void)
{
    cb_inbox_state state;
    begin();
    cb_mailbox *sender = mailbox();
    post(sender, 1);
    post(sender, 2);
    scarce_begin(1, 3);
    CU_ASSERT_EQUAL(cb_mailbox_flush(sender), CB_OK);
    CU_ASSERT_EQUAL(scarce_end(), 3);
    CU_ASSERT_FALSE(cb_mailbox_has_gathered(sender));
    CU_ASSERT_EQUAL_FATAL(receive(&state), 2);
    CU_ASSERT(records[0].job == 1 && records[1].job == 2);
    CU_ASSERT_EQUAL(receive(&state), 0);
    CU_ASSERT_EQUAL(state, CB_INBOX_EMPTY);
    cb_mailbox_discard(&sender);
    end();
}

/* More than a batch, so that posting has to send. */
static void posting_waits_for_memory_too(void)
{
    cb_inbox_state state;
    begin();
    cb_mailbox *sender = mailbox();
    for (uint64_t i = 0; i < CB_BATCH_MAX; i++)
        post(sender, i);
    scarce_begin(1, 2);
    post(sender, CB_BATCH_MAX);
    CU_ASSERT_EQUAL(scarce_end(), 2);
    CU_ASSERT_EQUAL(receive(&state), CB_BATCH_MAX);
    CU_ASSERT(cb_mailbox_has_gathered(sender));
    CU_ASSERT_EQUAL(cb_mailbox_flush(sender), CB_OK);
    CU_ASSERT_EQUAL(receive(&state), 1);
    cb_mailbox_discard(&sender);
    end();
}

static void a_good_bye_waits_for_memory_too(void)
{
    cb_inbox_state state;
    begin();
    cb_mailbox *sender = mailbox();
    scarce_begin(1, 2);
    cb_mailbox_close(&sender);
    CU_ASSERT_EQUAL(scarce_end(), 2);
    CU_ASSERT_EQUAL_FATAL(receive(&state), 1);
    CU_ASSERT_EQUAL(records[0].kind, CB_PLUMBING_BYE);
    end();
}

static void *flush(void *sender)
{
    CU_ASSERT_EQUAL(cb_mailbox_flush(sender), CB_OK);
    return NULL;
}

/* Questions of others do not wait for it: between two attempts nothing is being sent. */
static void nobody_waits_for_one_without_memory(void)
{
    pthread_t thread;
    cb_inbox_state state = CB_INBOX_AWAITS;
    begin();
    cb_mailbox *sender = mailbox();
    post(sender, 2);
    scarce_spare_me(true);
    scarce_begin(1, FOR_EVER);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, flush, sender), 0);
    while (scarce_chances() < 2)
        (void)sched_yield();
    while (state != CB_INBOX_EMPTY)
        CU_ASSERT_EQUAL(receive(&state), 0);
    (void)scarce_end();
    scarce_spare_me(false);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(receive(&state), 1);
    CU_ASSERT_EQUAL(records[0].job, 2);
    cb_mailbox_discard(&sender);
    end();
}

/* -- what is sent down --------------------------------------------------------------------------
 */

static void a_send_without_memory_is_to_be_tried_again(void)
{
    cb_message got;
    begin();
    cb_mailbox *reader = mailbox();
    cb_receiver *receiver = cb_mailbox_give_receiver(reader);
    const cb_message order = {.kind = CB_MSG_INTERRUPT, .job = 9};
    scarce_begin(1, 1);
    CU_ASSERT_EQUAL(exchange->ops->send(exchange, receiver, &order, 1), CB_LIMIT);
    CU_ASSERT_EQUAL(cb_mailbox_receive(reader, 0, &got), CB_TIMEOUT);
    CU_ASSERT_EQUAL(exchange->ops->send(exchange, receiver, &order, 1), CB_OK);
    CU_ASSERT_EQUAL(cb_mailbox_receive(reader, -1, &got), CB_OK);
    CU_ASSERT_EQUAL(got.job, 9);
    CU_ASSERT_EQUAL(cb_mailbox_receive(reader, 0, &got), CB_TIMEOUT);
    exchange->ops->drop(exchange, receiver);
    cb_mailbox_discard(&reader);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(an_office_is_made_whole_or_not_at_all),
                           TEST(a_mailbox_is_made_whole_or_not_at_all),
                           TEST(a_greeting_brings_all_that_an_answer_takes),
                           TEST(a_greeting_that_waited_for_memory_comes_once),
                           TEST(what_was_posted_arrives_once_when_memory_is_back),
                           TEST(posting_waits_for_memory_too),
                           TEST(a_good_bye_waits_for_memory_too),
                           TEST(nobody_waits_for_one_without_memory),
                           TEST(a_send_without_memory_is_to_be_tried_again),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"mailbox memory", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
