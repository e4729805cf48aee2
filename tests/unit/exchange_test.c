/* The supervisor's side of mailboxes: what it is told of an inbox in which nothing is found. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "actors/core/exchange.h"

#define NS_A_S    1000000000L
#define LITTLE_NS 20000000L /* what does not end by then is kept */
#define FIRST     (CB_ADDRESS_FIRST_ASKER + 1)
#define SECOND    (CB_ADDRESS_FIRST_ASKER + 2)

static cb_post_office *office;
static cb_exchange *exchange;
static cb_message records[CB_BATCH_MAX];
static int attended, rung;

static void count_visit(void *counter)
{
    ++*(int *)counter;
}

static void begin(void)
{
    cb_limits limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(cb_post_office_open(&limits, &office, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_exchange_open(office, &exchange, NULL), CB_OK);
}

static void end(void)
{
    exchange->ops->close(exchange);
    cb_post_office_close(&office);
}

static cb_mailbox *mailbox(uint32_t address)
{
    cb_mailbox *made = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_create(office, address, &made, NULL), CB_OK);
    return made;
}

static void post(cb_mailbox *from, uint64_t number)
{
    const cb_message message = {.kind = CB_MSG_TICK, .job = number};
    CU_ASSERT_EQUAL(cb_mailbox_post(from, &message), CB_OK);
}

/* The next records, or what it means that there are none. */
static cb_inbox_state receive(size_t *count)
{
    cb_inbox_state state = CB_INBOX_EMPTY;
    *count = exchange->ops->receive(exchange, records, &state);
    return state;
}

static void an_inbox_is_empty_when_all_that_was_sent_is_received(void)
{
    size_t count;
    begin();
    cb_mailbox *first = mailbox(FIRST);
    cb_mailbox *second = mailbox(SECOND);
    CU_ASSERT_EQUAL(receive(&count), CB_INBOX_EMPTY);
    CU_ASSERT_EQUAL(count, 0);
    post(first, 1);
    post(first, 2);
    CU_ASSERT_EQUAL(receive(&count), CB_INBOX_EMPTY); /* gathered is not sent */
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(cb_mailbox_flush(first), CB_OK);
    post(second, 3);
    CU_ASSERT_EQUAL(cb_mailbox_flush(second), CB_OK);
    size_t taken = 0;
    for (int i = 0; i < 2; i++) {
        (void)receive(&count);
        taken += count;
    }
    CU_ASSERT_EQUAL(taken, 3);
    CU_ASSERT_EQUAL(receive(&count), CB_INBOX_EMPTY);
    CU_ASSERT_EQUAL(count, 0);
    cb_mailbox_discard(&first);
    cb_mailbox_discard(&second);
    end();
}

/* A thread that is between two lines of a flush can't be had on purpose: its counting is done here.
 */
static void what_is_begun_or_sent_and_not_received_is_no_empty_inbox(void)
{
    size_t count;
    begin();
    cb_post_count *counters = (cb_post_count *)(uintptr_t)cb_post_office_count(office);
    atomic_fetch_add(&counters->begun, 1);
    CU_ASSERT_EQUAL(receive(&count), CB_INBOX_AWAITS);
    atomic_fetch_add(&counters->sent, 1);
    CU_ASSERT_EQUAL(receive(&count), CB_INBOX_HIDES);
    CU_ASSERT_EQUAL(count, 0);
    end();
}

static void a_flush_is_told_of_once(void)
{
    begin();
    const cb_attendant by = {count_visit, NULL, &attended};
    cb_post_office_set_attendant(office, &by);
    cb_mailbox *first = mailbox(FIRST);
    CU_ASSERT_EQUAL(cb_mailbox_flush(first), CB_OK); /* of nothing */
    CU_ASSERT_EQUAL(attended, 0);
    post(first, 1);
    post(first, 2);
    CU_ASSERT_EQUAL(cb_mailbox_flush(first), CB_OK);
    CU_ASSERT_EQUAL(attended, 1);
    post(first, 3);
    CU_ASSERT_EQUAL(cb_mailbox_flush_and_ring(first), CB_OK); /* nobody to be rung */
    CU_ASSERT_EQUAL(attended, 1);
    cb_mailbox_discard(&first);
    end();
}

/* Its thread may be waited for by whoever takes the good-bye in. */
static void who_says_good_bye_only_rings(void)
{
    begin();
    const cb_attendant by = {NULL, count_visit, &rung};
    cb_post_office_set_attendant(office, &by);
    cb_mailbox *first = mailbox(FIRST);
    post(first, 1);
    cb_mailbox_close(&first);
    CU_ASSERT_EQUAL(rung, 1);
    size_t count;
    (void)receive(&count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL(records[1].kind, CB_PLUMBING_BYE);
    end();
}

static void *flush(void *from)
{
    CU_ASSERT_EQUAL(cb_mailbox_flush(from), CB_OK);
    return NULL;
}

/* Both sides of the bound: so many batches are taken, and the sender of one more waits. */
static void a_full_queue_keeps_its_sender(void)
{
    const uint64_t most = 2 * CB_QUEUE_UP_BATCHES;
    pthread_t thread;
    size_t count;
    begin();
    const cb_post_count *counters = cb_post_office_count(office);
    cb_mailbox *first = mailbox(FIRST);
    for (uint64_t i = 0; i < most; i++) {
        post(first, i);
        CU_ASSERT_EQUAL(cb_mailbox_flush(first), CB_OK);
    }
    CU_ASSERT_EQUAL(atomic_load(&counters->sent), most);
    post(first, most);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, flush, first), 0);
    while (atomic_load(&counters->begun) <= most)
        (void)sched_yield();
    struct timespec soon;
    (void)clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += soon.tv_nsec / (NS_A_S - LITTLE_NS);
    soon.tv_nsec = (soon.tv_nsec + LITTLE_NS) % NS_A_S;
    CU_ASSERT_EQUAL_FATAL(pthread_timedjoin_np(thread, NULL, &soon), ETIMEDOUT);
    CU_ASSERT_EQUAL(atomic_load(&counters->sent), most);
    for (uint64_t i = 0; i < most; i++) {
        (void)receive(&count);
        CU_ASSERT_EQUAL_FATAL(count, 1);
        CU_ASSERT_EQUAL(records[0].job, i);
    }
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    while (receive(&count) == CB_INBOX_HIDES)
        (void)sched_yield();
    CU_ASSERT_EQUAL(atomic_load(&counters->sent), most + 1);
    cb_mailbox_discard(&first);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(an_inbox_is_empty_when_all_that_was_sent_is_received),
                           TEST(what_is_begun_or_sent_and_not_received_is_no_empty_inbox),
                           TEST(a_flush_is_told_of_once),
                           TEST(who_says_good_bye_only_rings),
                           TEST(a_full_queue_keeps_its_sender),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"exchange", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
