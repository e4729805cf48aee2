/* The queue of the trace file: its bound, blocks that come and go, and two threads at its ends. */
#include "actors/trace/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

#define BLOCK    ((uint64_t)CB_TRACE_BLOCK)
#define SLOT     sizeof(cb_trace_slot)
#define MANY     400000u
#define CAPACITY (3 * BLOCK + 100)

static cb_trace_queue queue;

static void begin(uint64_t records)
{
    CU_ASSERT_FATAL(cb_trace_queue_open(&queue, (size_t)records * SLOT));
    CU_ASSERT_EQUAL(cb_trace_queue_waiting(&queue), 0);
}

static void end(void)
{
    cb_trace_queue_close(&queue);
    cb_trace_queue_close(&queue); /* again is fine */
}

static bool claim(uint64_t number, uint64_t spared)
{
    cb_trace_slot *slot = cb_trace_queue_claim(&queue, spared);
    if (slot != NULL)
        slot->sequence = number;
    return slot != NULL;
}

/* Takes `count` records, which have to be those from `number` on. */
static void take(uint64_t number, uint64_t count)
{
    while (count > 0) {
        const cb_trace_slot *first = NULL;
        size_t there = cb_trace_queue_look(&queue, &first);
        CU_ASSERT_FATAL(there > 0);
        there = there < count ? there : (size_t)count;
        for (size_t i = 0; i < there; i++)
            CU_ASSERT_EQUAL_FATAL(first[i].sequence, number++);
        cb_trace_queue_take(&queue, there);
        count -= there;
    }
}

static void it_holds_what_fits_and_no_more(void)
{
    begin(CAPACITY);
    for (uint64_t i = 0; i < CAPACITY; i++)
        CU_ASSERT_FATAL(claim(i, 0));
    CU_ASSERT_FALSE(claim(CAPACITY, 0));
    const cb_trace_slot *first;
    CU_ASSERT_EQUAL(cb_trace_queue_look(&queue, &first), 0);
    CU_ASSERT(cb_trace_queue_commit(&queue));
    CU_ASSERT_FALSE(cb_trace_queue_commit(&queue));
    CU_ASSERT_EQUAL(cb_trace_queue_waiting(&queue), CAPACITY);
    CU_ASSERT_FALSE(claim(CAPACITY, 0));
    take(0, 1);
    CU_ASSERT(claim(CAPACITY, 0));
    CU_ASSERT_FALSE(claim(CAPACITY + 1, 0));
    cb_trace_queue_commit(&queue);
    take(1, CAPACITY);
    CU_ASSERT_EQUAL(cb_trace_queue_waiting(&queue), 0);
    end();
    begin(1);
    CU_ASSERT(claim(0, 0));
    CU_ASSERT_FALSE(claim(1, 0));
    end();
}

static void some_places_can_be_spared(void)
{
    begin(10);
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT(claim(i, 2));
    CU_ASSERT_FALSE(claim(8, 2));
    CU_ASSERT(claim(8, 1));
    CU_ASSERT_FALSE(claim(9, 1));
    CU_ASSERT(claim(9, 0));
    end();
}

/* Also over the edge of a block, which is there again for what comes next. */
static void what_is_taken_back_was_never_there(void)
{
    begin(CAPACITY);
    CU_ASSERT_EQUAL(cb_trace_queue_take_back(&queue), 0);
    for (uint64_t i = 0; i < BLOCK - 1; i++)
        claim(i, 0);
    CU_ASSERT_FALSE(cb_trace_queue_commit(&queue));
    for (uint64_t i = 0; i < BLOCK + 2; i++)
        claim(77777, 0);
    CU_ASSERT_EQUAL(cb_trace_queue_take_back(&queue), BLOCK + 2);
    CU_ASSERT_EQUAL(cb_trace_queue_waiting(&queue), BLOCK - 1);
    for (uint64_t i = 0; i < 2 * BLOCK; i++)
        CU_ASSERT_FATAL(claim(BLOCK - 1 + i, 0));
    CU_ASSERT(cb_trace_queue_commit(&queue));
    take(0, 3 * BLOCK - 1);
    CU_ASSERT_EQUAL(cb_trace_queue_take_back(&queue), 0);
    end();
}

/* It goes round several times, and what it holds when it is closed is freed (the leak checker
 * sees to that) wherever it stands. */
static void it_goes_round(void)
{
    for (uint64_t left = 0; left < 3 * BLOCK; left += BLOCK / 2 - 1) {
        uint64_t at = 0;
        uint64_t taken = 0;
        begin(CAPACITY);
        for (int turn = 0; turn < 20; turn++) {
            for (uint64_t i = 0; i < BLOCK - 17; i++)
                CU_ASSERT_FATAL(claim(at++, 0));
            cb_trace_queue_commit(&queue);
            if (at - taken > left) {
                take(taken, at - taken - left);
                taken = at - left;
            }
            if (at - taken > 2 * BLOCK) {
                take(taken, BLOCK);
                taken += BLOCK;
            }
        }
        claim(at, 0);
        end();
    }
}

static void *read_all(void *unused)
{
    uint64_t number = 0;
    while (number < MANY) {
        const cb_trace_slot *first;
        size_t there = cb_trace_queue_look(&queue, &first);
        if (there == 0) {
            sched_yield();
            continue;
        }
        there = number % 3 == 0 && there > 1 ? there / 2 : there;
        for (size_t i = 0; i < there; i++)
            CU_ASSERT_EQUAL_FATAL(first[i].sequence, number++);
        cb_trace_queue_take(&queue, there);
    }
    return unused;
}

static void two_threads(void)
{
    pthread_t reader;
    begin(CAPACITY);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_all, NULL), 0);
    for (uint64_t i = 0; i < MANY;) {
        uint64_t count = i % 5 + 1 < MANY - i ? i % 5 + 1 : MANY - i;
        uint64_t claimed = 0;
        while (claimed < count && claim(i + claimed, 0))
            claimed++;
        if (claimed < count) { /* full: none of them */
            cb_trace_queue_take_back(&queue);
            sched_yield();
            continue;
        }
        cb_trace_queue_commit(&queue);
        i += count;
    }
    CU_ASSERT_EQUAL(pthread_join(reader, NULL), 0);
    CU_ASSERT_EQUAL(cb_trace_queue_waiting(&queue), 0);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(it_holds_what_fits_and_no_more),
                           TEST(some_places_can_be_spared),
                           TEST(what_is_taken_back_was_never_there),
                           TEST(it_goes_round),
                           TEST(two_threads),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"queue of the trace", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
