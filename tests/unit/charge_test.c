/* Who is in charge: one at a time, and whatever was brought is done. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <sched.h>

#include "actors/base/charge.h"

#define THREADS 4
#define EACH    200000

static cb_charge charge;
static atomic_uint_fast64_t brought;
/* Of the one in charge: nothing else orders access to it. */
static uint64_t done;
static bool busy;

static void begin(void)
{
    charge = (cb_charge){0};
    atomic_store(&brought, 0);
    done = 0;
}

static void one_at_a_time_is_in_charge(void)
{
    uint_fast64_t seen = 0;
    uint_fast64_t other = 77;
    begin();
    CU_ASSERT(cb_charge_take(&charge, &seen));
    CU_ASSERT_EQUAL(seen, 0);
    CU_ASSERT_FALSE(cb_charge_take(&charge, &other));
    CU_ASSERT_EQUAL(other, 77);
    cb_charge_leave(&charge);
    CU_ASSERT(cb_charge_take(&charge, &seen));
}

static void who_leaves_learns_of_a_call_that_was_turned_away(void)
{
    uint_fast64_t seen = 0;
    uint_fast64_t other = 0;
    begin();
    cb_charge_call(&charge);
    CU_ASSERT(cb_charge_take(&charge, &seen));
    CU_ASSERT_FALSE(cb_charge_has_called(&charge, seen));
    cb_charge_call(&charge);
    CU_ASSERT_FALSE(cb_charge_take(&charge, &other));
    cb_charge_leave(&charge);
    CU_ASSERT(cb_charge_has_called(&charge, seen));
    CU_ASSERT(cb_charge_take(&charge, &seen));
    cb_charge_leave(&charge);
    CU_ASSERT_FALSE(cb_charge_has_called(&charge, seen));
}

/* Takes what is there into account, with a look at whether anybody else does. */
static void work(void)
{
    uint64_t there = atomic_load(&brought);
    CU_ASSERT_FALSE(busy);
    busy = true;
    while (done < there)
        done++;
    busy = false;
}

static void *bring(void *unused)
{
    uint_fast64_t seen = 0;
    (void)unused;
    for (int i = 0; i < EACH; i++) {
        atomic_fetch_add(&brought, 1);
        cb_charge_call(&charge);
        while (cb_charge_take(&charge, &seen)) {
            work();
            if (i % 64 == 0)
                (void)sched_yield(); /* in charge, so that others are turned away */
            cb_charge_leave(&charge);
            if (!cb_charge_has_called(&charge, seen))
                break;
        }
    }
    return NULL;
}

static void nothing_that_was_brought_is_overlooked(void)
{
    pthread_t threads[THREADS];
    begin();
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, bring, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(done, (uint64_t)THREADS * EACH);
    CU_ASSERT_FALSE(atomic_load(&charge.taken));
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(one_at_a_time_is_in_charge),
                           TEST(who_leaves_learns_of_a_call_that_was_turned_away),
                           TEST(nothing_that_was_brought_is_overlooked), CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"charge", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
