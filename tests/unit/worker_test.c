/* A worker that is told to give its jobs back: in the middle of a callback it leaves the
 * supervisor's work to others, between two it may do it. The test is in the supervisor's place. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/clock.h"
#include "actors/base/thread.h"
#include "actors/core/core.h"
#include "actors/core/exchange.h"
#include "actors/workers/worker.h"
#include "callboard/runtime.h"
#include "tests/unit/exchange_bell.h"

#define WORKER   CB_ADDRESS_FIRST_ACTOR
#define A_MINUTE INT64_C(60000000000)
#define MOST     1024 /* jobs: as many as a worker may hold, and more than a batch */

static cb_post_office *office;
static cb_exchange *exchange;
static cb_receiver *receiver;
static cb_bell bell;
static cb_core core;
static pthread_t thread;

/* Of callbacks. */
static _Thread_local bool is_inside;
static bool asks;
static sem_t begun;
static atomic_bool may_end;
static atomic_int attended_inside, attended_outside, rung_inside, rung_outside;

static void attend(void *unused)
{
    (void)unused;
    atomic_fetch_add(is_inside ? &attended_inside : &attended_outside, 1);
    cb_bell_ring(&bell);
}

static void ring(void *unused)
{
    (void)unused;
    atomic_fetch_add(is_inside ? &rung_inside : &rung_outside, 1);
    cb_bell_ring(&bell);
}

static void run_job(void *user, cb_job *job)
{
    int happened;
    (void)user;
    is_inside = true;
    (void)sem_post(&begun);
    if (asks)
        (void)cb_wait(job->asker, 1, CB_WAIT_TIME, 0, -1, &happened);
    while (!atomic_load(&may_end))
        (void)cb_asker_check(job->asker);
    is_inside = false;
}

static cb_message records[CB_BATCH_MAX];
static size_t unread;

/* The next message of this kind from the worker; others are passed over. */
static cb_message await(unsigned kind)
{
    static size_t next;
    for (;;) {
        for (; unread > 0; next++) {
            unread--;
            if (records[next].kind == kind)
                return records[next++];
        }
        next = 0;
        unread = exchange_bell_receive(&bell, exchange, records, A_MINUTE);
    }
}

static void begin(void)
{
    const cb_attendant attendant = {attend, ring, NULL};
    cb_limits limits = cb_limits_default();
    limits.hand_batch = MOST;
    const cb_runtime_options options = {.limits = limits, .run_job = run_job};
    cb_core_init(&core, &options, NULL);
    atomic_store(&may_end, false);
    asks = false;
    CU_ASSERT_EQUAL_FATAL(sem_init(&begun, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(cb_post_office_open(&limits, &office, NULL), CB_OK);
    CU_ASSERT_FATAL(cb_bell_open(&bell));
    cb_post_office_set_attendant(office, &attendant);
    CU_ASSERT_EQUAL_FATAL(cb_exchange_open(office, &exchange, NULL), CB_OK);
    cb_actor_start *start = malloc(sizeof *start);
    CU_ASSERT_PTR_NOT_NULL_FATAL(start);
    *start = (cb_actor_start){.core = &core};
    CU_ASSERT_EQUAL_FATAL(cb_mailbox_create(office, WORKER, &start->mailbox, NULL), CB_OK);
    receiver = cb_mailbox_give_receiver(start->mailbox);
    CU_ASSERT_EQUAL_FATAL(cb_thread_start(&thread, cb_worker_thread, start, 0, "worker", NULL),
                          CB_OK);
    (void)await(CB_MSG_ACTOR_READY);
    attended_inside = attended_outside = rung_inside = rung_outside = 0;
}

static void tell(const cb_message *messages, size_t count)
{
    CU_ASSERT_EQUAL(exchange->ops->send(exchange, receiver, messages, count), CB_OK);
}

static void hand(uint64_t first, size_t count)
{
    static cb_message messages[CB_BATCH_MAX];
    for (size_t i = 0; i < count; i++)
        messages[i] = (cb_message){.kind = CB_MSG_HAND, .to = WORKER, .job = first + i};
    tell(messages, count);
}

static void take_back(void)
{
    const cb_message message = {.kind = CB_MSG_TAKE_BACK, .to = WORKER};
    tell(&message, 1);
}

static void await_callback(void)
{
    while (sem_wait(&begun) != 0)
        continue;
}

static void await_returned(uint64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(await(CB_MSG_JOB_RETURNED).job, first + i);
}

static void end(void)
{
    const cb_message message = {.kind = CB_MSG_RETIRE_ACTOR, .to = WORKER};
    tell(&message, 1);
    (void)await(CB_PLUMBING_BYE);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    exchange->ops->drop(exchange, receiver);
    exchange->ops->close(exchange);
    cb_post_office_close(&office);
    cb_bell_close(&bell);
}

static void a_callback_that_computes_gives_back_and_only_rings(void)
{
    begin();
    hand(1, 3);
    await_callback();
    take_back();
    CU_ASSERT_EQUAL(await(CB_MSG_JOB_STARTED).job, 1);
    await_returned(2, 2);
    atomic_store(&may_end, true);
    CU_ASSERT_EQUAL(await(CB_MSG_JOB_COMPLETED).job, 1);
    end();
    CU_ASSERT_EQUAL(attended_inside, 0);
    CU_ASSERT(rung_inside > 0);
}

/* The question itself brings the supervisor its work; nothing after it does. */
static void a_callback_that_waits_gives_back_and_only_rings(void)
{
    begin();
    asks = true;
    hand(1, 3);
    cb_message answer = await(CB_MSG_WAIT);
    take_back();
    await_returned(2, 2);
    answer.kind = CB_MSG_ANSWER;
    atomic_store(&may_end, true);
    tell(&answer, 1);
    CU_ASSERT_EQUAL(await(CB_MSG_JOB_COMPLETED).job, 1);
    end();
    CU_ASSERT_EQUAL(attended_inside, 1);
    CU_ASSERT(rung_inside > 0);
}

/* More than fit in one batch. */
static void a_callback_gives_back_many(void)
{
    begin();
    hand(1, CB_BATCH_MAX);
    hand(1 + CB_BATCH_MAX, MOST - CB_BATCH_MAX);
    await_callback();
    take_back();
    await_returned(2, MOST - 1);
    atomic_store(&may_end, true);
    CU_ASSERT_EQUAL(await(CB_MSG_JOB_COMPLETED).job, 1);
    end();
    CU_ASSERT_EQUAL(attended_inside, 0);
    CU_ASSERT(rung_inside > 1);
}

/* Nobody else is woken for it. */
static void between_two_callbacks_the_worker_does_the_work_itself(void)
{
    begin();
    const cb_message messages[] = {{.kind = CB_MSG_HAND, .to = WORKER, .job = 1},
                                   {.kind = CB_MSG_HAND, .to = WORKER, .job = 2},
                                   {.kind = CB_MSG_TAKE_BACK, .to = WORKER}};
    tell(messages, 3);
    await_returned(1, 2);
    end();
    CU_ASSERT_EQUAL(attended_outside, 1);
    CU_ASSERT_EQUAL(rung_outside, 1); /* its good-bye */
    CU_ASSERT_EQUAL(attended_inside + rung_inside, 0);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {
        TEST(a_callback_that_computes_gives_back_and_only_rings),
        TEST(a_callback_that_waits_gives_back_and_only_rings), TEST(a_callback_gives_back_many),
        TEST(between_two_callbacks_the_worker_does_the_work_itself), CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"worker", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
