/* A bell: rung for, or at its time; never too early, never not at all. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <time.h>

#include "actors/base/bell.h"

#define MS      INT64_C(1000000)
#define FAR_OFF (60000 * MS)

static cb_bell bell;
static pthread_t sleeper;
static int64_t woke_ns;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *wait(void *unused)
{
    cb_bell_wait(&bell);
    woke_ns = now_ns();
    return unused;
}

/* Another thread waits: its wait has begun when this returns. */
static void begin_wait(void)
{
    CU_ASSERT_EQUAL_FATAL(pthread_create(&sleeper, NULL, wait, NULL), 0);
    for (bool sleeps = false; !sleeps;) {
        pthread_mutex_lock(&bell.lock);
        sleeps = bell.waking_ns != INT64_MIN;
        pthread_mutex_unlock(&bell.lock);
    }
}

static void end_wait(void)
{
    CU_ASSERT_EQUAL(pthread_join(sleeper, NULL), 0);
}

static void begin(void)
{
    CU_ASSERT_FATAL(cb_bell_open(&bell));
}

static void end(void)
{
    cb_bell_close(&bell);
}

static void a_ring_before_the_wait_ends_it(void)
{
    begin();
    cb_bell_ring(&bell);
    cb_bell_wait(&bell);
    end();
}

static void a_ring_ends_one_wait_only(void)
{
    int64_t due_ns = now_ns() + 20 * MS;
    begin();
    cb_bell_ring(&bell);
    cb_bell_ring(&bell);
    cb_bell_set(&bell, due_ns);
    cb_bell_wait(&bell);
    cb_bell_wait(&bell);
    CU_ASSERT(now_ns() >= due_ns);
    end();
}

static void a_ring_wakes_who_sleeps(void)
{
    begin();
    begin_wait();
    cb_bell_ring(&bell);
    end_wait();
    end();
}

static void its_time_wakes_and_is_used_up(void)
{
    int64_t due_ns = now_ns() + 10 * MS;
    begin();
    cb_bell_set(&bell, due_ns);
    cb_bell_wait(&bell);
    CU_ASSERT(now_ns() >= due_ns);
    CU_ASSERT_EQUAL(bell.due_ns, INT64_MAX);
    begin_wait(); /* for ever, but for the ring */
    cb_bell_ring(&bell);
    end_wait();
    end();
}

static void a_time_that_is_over_does_not_wait(void)
{
    begin();
    cb_bell_set(&bell, now_ns() - MS);
    cb_bell_wait(&bell);
    end();
}

static void an_earlier_time_wakes_who_sleeps_for_a_later_one(void)
{
    begin();
    cb_bell_set(&bell, now_ns() + FAR_OFF);
    begin_wait();
    int64_t due_ns = now_ns() + 10 * MS;
    cb_bell_set(&bell, due_ns);
    end_wait();
    CU_ASSERT(woke_ns >= due_ns && woke_ns < due_ns + FAR_OFF / 2);
    end();
}

static void a_later_time_is_waited_for(void)
{
    begin();
    cb_bell_set(&bell, now_ns() + 20 * MS);
    begin_wait();
    int64_t due_ns = now_ns() + 60 * MS;
    cb_bell_set(&bell, due_ns);
    end_wait();
    CU_ASSERT(woke_ns >= due_ns);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_ring_before_the_wait_ends_it),
                           TEST(a_ring_ends_one_wait_only),
                           TEST(a_ring_wakes_who_sleeps),
                           TEST(its_time_wakes_and_is_used_up),
                           TEST(a_time_that_is_over_does_not_wait),
                           TEST(an_earlier_time_wakes_who_sleeps_for_a_later_one),
                           TEST(a_later_time_is_waited_for),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"bell", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
