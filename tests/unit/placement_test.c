/* Where an actor is kept whose jobs are short. On a machine with one processor it is there anyway.
 */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

#include "actors/placement.h"

#define MOST_US 2

static sem_t over;
static pthread_t actor;
static cb_placement placement;
static cpu_set_t everywhere;
static pid_t like; /* a thread that nobody moves */
static sem_t known;
static pthread_t unmoved;

static void *wait(void *unused)
{
    while (sem_wait(&over) != 0)
        ;
    return unused;
}

static void *tell_number(void *unused)
{
    like = gettid();
    sem_post(&known);
    return wait(unused);
}

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof everywhere, &everywhere), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&over, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&known, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&unmoved, NULL, tell_number, NULL), 0);
    while (sem_wait(&known) != 0)
        ;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&actor, NULL, wait, NULL), 0);
    cb_placement_begin(&placement, actor, MOST_US, like);
}

static void end(void)
{
    sem_post(&over);
    sem_post(&over);
    CU_ASSERT_EQUAL(pthread_join(actor, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(unmoved, NULL), 0);
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof everywhere, &everywhere), 0);
}

static void report(cb_message_kind kind, uint32_t took_us, size_t count)
{
    const cb_message record = {.kind = (uint16_t)kind, .connection = took_us};
    for (size_t i = 0; i < count; i++)
        cb_placement_take_reports(&placement, &record, 1, like);
}

static void complete(uint32_t took_us, size_t count)
{
    report(CB_MSG_JOB_COMPLETED, took_us, count);
}

/* The calling thread runs there and nowhere else from now on. */
static void move_to(size_t processor)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    CU_ASSERT_EQUAL_FATAL(sched_setaffinity(0, sizeof one, &one), 0);
}

static size_t first_processor(void)
{
    size_t processor = 0;
    while (!CPU_ISSET(processor, &everywhere))
        processor++;
    return processor;
}

static size_t last_processor(void)
{
    size_t processor = CPU_SETSIZE - 1;
    while (!CPU_ISSET(processor, &everywhere))
        processor--;
    return processor;
}

static bool runs_anywhere(void)
{
    cpu_set_t now;
    CU_ASSERT_EQUAL(pthread_getaffinity_np(actor, sizeof now, &now), 0);
    return CPU_EQUAL(&now, &everywhere);
}

static bool is_kept_on(size_t processor)
{
    cpu_set_t now;
    CU_ASSERT_EQUAL(pthread_getaffinity_np(actor, sizeof now, &now), 0);
    return CPU_COUNT(&now) == 1 && CPU_ISSET(processor, &now);
}

static void short_jobs_bring_it_near(void)
{
    begin();
    move_to(last_processor());
    complete(MOST_US, CB_PLACED_JOBS - 1);
    cb_placement_follow(&placement);
    CU_ASSERT(runs_anywhere());
    complete(0, 1);
    CU_ASSERT(runs_anywhere()); /* not before it is handed more */
    cb_placement_follow(&placement);
    CU_ASSERT(is_kept_on(last_processor()));
    end();
}

static void it_follows(void)
{
    begin();
    complete(0, CB_PLACED_JOBS);
    move_to(first_processor());
    cb_placement_follow(&placement);
    CU_ASSERT(is_kept_on(first_processor()));
    move_to(last_processor());
    cb_placement_follow(&placement);
    CU_ASSERT(is_kept_on(last_processor()));
    end();
}

static void a_few_longer_ones_do_not_count(void)
{
    begin();
    move_to(last_processor());
    complete(MOST_US + 1, CB_PLACED_LONGER + 1);
    complete(0, CB_PLACED_JOBS - CB_PLACED_LONGER - 1);
    cb_placement_follow(&placement);
    CU_ASSERT(runs_anywhere());
    complete(MOST_US + 1, CB_PLACED_LONGER);
    complete(0, CB_PLACED_JOBS - CB_PLACED_LONGER);
    cb_placement_follow(&placement);
    CU_ASSERT(is_kept_on(last_processor()));
    complete(MOST_US + 1, CB_PLACED_LONGER + 1);
    CU_ASSERT(is_kept_on(last_processor()));
    complete(0, CB_PLACED_JOBS - CB_PLACED_LONGER - 1);
    CU_ASSERT(runs_anywhere());
    end();
}

static void a_job_that_is_reported_as_running_lets_it_go(void)
{
    begin();
    move_to(last_processor());
    complete(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement);
    report(CB_MSG_JOB_STARTED, 0, 1);
    CU_ASSERT(runs_anywhere());
    complete(1000, 1);
    complete(0, CB_PLACED_JOBS - 2);
    cb_placement_follow(&placement);
    CU_ASSERT(runs_anywhere());
    complete(0, 1);
    cb_placement_follow(&placement);
    CU_ASSERT(is_kept_on(last_processor()));
    end();
}

static void one_that_was_begun_from_a_kept_thread_is_not_kept(void)
{
    pthread_t other;
    cb_placement of_other;
    cpu_set_t now;
    begin();
    move_to(first_processor());
    CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, wait, NULL), 0);
    cb_placement_begin(&of_other, other, MOST_US, like);
    CU_ASSERT_EQUAL(pthread_getaffinity_np(other, sizeof now, &now), 0);
    CU_ASSERT(CPU_EQUAL(&now, &everywhere));
    sem_post(&over);
    end();
    CU_ASSERT_EQUAL(pthread_join(other, NULL), 0);
}

static void none_is_kept_if_the_limit_is_0(void)
{
    begin();
    cb_placement_begin(&placement, actor, 0, like);
    complete(0, 4 * (size_t)CB_PLACED_JOBS);
    cb_placement_follow(&placement);
    CU_ASSERT(runs_anywhere());
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(short_jobs_bring_it_near),
                           TEST(it_follows),
                           TEST(a_few_longer_ones_do_not_count),
                           TEST(a_job_that_is_reported_as_running_lets_it_go),
                           TEST(one_that_was_begun_from_a_kept_thread_is_not_kept),
                           TEST(none_is_kept_if_the_limit_is_0),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"placement", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
