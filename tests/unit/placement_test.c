/* Where a thread keeps whose jobs are very short. On a machine with one processor it is there
 * anyway.
 */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "actors/workers/placement.h"

#define MOST_US 2
#define SHORT   ((MOST_US + 1) * 1000 - 1)
#define LONGER  ((MOST_US + 1) * 1000)

static cb_placement placement;
static cpu_set_t everywhere; /* where the program may run */
static pid_t like;           /* a thread that may, too */
static pthread_t unmoved;
static sem_t known, over;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ;
}

static void *tell_number(void *unused)
{
    like = gettid();
    sem_post(&known);
    wait_for(&over);
    return unused;
}

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof everywhere, &everywhere), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&over, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&known, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&unmoved, NULL, tell_number, NULL), 0);
    wait_for(&known);
    placement = (cb_placement){.most_us = MOST_US, .like = like};
}

static void end(void)
{
    sem_post(&over);
    CU_ASSERT_EQUAL(pthread_join(unmoved, NULL), 0);
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof everywhere, &everywhere), 0);
}

static void count(int64_t took_ns, unsigned jobs)
{
    for (unsigned i = 0; i < jobs; i++)
        cb_placement_count(&placement, took_ns);
}

static int first_processor(void)
{
    int processor = 0;
    while (!CPU_ISSET((size_t)processor, &everywhere))
        processor++;
    return processor;
}

static int last_processor(void)
{
    int processor = CPU_SETSIZE - 1;
    while (!CPU_ISSET((size_t)processor, &everywhere))
        processor--;
    return processor;
}

static bool runs_anywhere(void)
{
    cpu_set_t now;
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof now, &now), 0);
    return CPU_EQUAL(&now, &everywhere);
}

static bool is_kept_on(int processor)
{
    cpu_set_t now;
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof now, &now), 0);
    return CPU_COUNT(&now) == 1 && CPU_ISSET((size_t)processor, &now);
}

static void set_where(pid_t thread, int processor)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)processor, &one);
    CU_ASSERT_EQUAL_FATAL(sched_setaffinity(thread, sizeof one, &one), 0);
}

static void very_short_jobs_bring_it_near(void)
{
    begin();
    count(SHORT, CB_PLACED_JOBS - 1);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(runs_anywhere());
    count(0, 1);
    CU_ASSERT(runs_anywhere()); /* not before there are more */
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(is_kept_on(last_processor()));
    end();
}

static void it_follows_but_not_to_and_fro(void)
{
    begin();
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, first_processor());
    CU_ASSERT(is_kept_on(first_processor()));
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(is_kept_on(first_processor()));
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(is_kept_on(last_processor()));
    end();
}

static void a_few_longer_ones_do_not_count(void)
{
    begin();
    count(LONGER, CB_PLACED_LONGER + 1);
    count(0, CB_PLACED_JOBS - CB_PLACED_LONGER - 1);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(runs_anywhere());
    count(LONGER, CB_PLACED_LONGER);
    count(0, CB_PLACED_JOBS - CB_PLACED_LONGER);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(is_kept_on(last_processor()));
    count(LONGER, CB_PLACED_LONGER + 1);
    CU_ASSERT(is_kept_on(last_processor()));
    count(0, CB_PLACED_JOBS - CB_PLACED_LONGER - 1);
    CU_ASSERT(runs_anywhere());
    end();
}

static void one_long_job_lets_it_go(void)
{
    begin();
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, last_processor());
    count(CB_PLACED_MOST_NS, 1);
    CU_ASSERT(runs_anywhere());
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(runs_anywhere());
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(is_kept_on(last_processor()));
    cb_placement_release(&placement); /* it knows that one begins */
    CU_ASSERT(runs_anywhere());
    end();
}

static void it_is_kept_nowhere_else(void)
{
    begin();
    set_where(like, first_processor());
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, CPU_SETSIZE);
    CU_ASSERT(runs_anywhere());
    count(0, CB_PLACED_JOBS);
    cb_placement_follow(&placement, CB_PROCESSOR_UNKNOWN);
    CU_ASSERT(runs_anywhere());
    count(0, CB_PLACED_JOBS);
    if (last_processor() != first_processor()) {
        cb_placement_follow(&placement, last_processor());
        CU_ASSERT(runs_anywhere());
    }
    end();
}

static void none_is_kept_without_a_limit_or_a_like(void)
{
    begin();
    placement.most_us = 0;
    count(0, 4 * CB_PLACED_JOBS);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(runs_anywhere());
    placement = (cb_placement){.most_us = MOST_US};
    count(0, 4 * CB_PLACED_JOBS);
    cb_placement_follow(&placement, last_processor());
    CU_ASSERT(runs_anywhere());
    end();
}

static void *look_where(void *set)
{
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(cpu_set_t), set), 0);
    return NULL;
}

static void a_thread_that_a_kept_one_begins_is_not_kept(void)
{
    pthread_t begun;
    cpu_set_t where;
    begin();
    set_where(0, first_processor());
    cb_affinity_loan loan = cb_affinity_borrow(like);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&begun, NULL, look_where, &where), 0);
    cb_affinity_return(&loan);
    CU_ASSERT_EQUAL(pthread_join(begun, NULL), 0);
    CU_ASSERT(CPU_EQUAL(&where, &everywhere));
    CU_ASSERT(is_kept_on(first_processor()));
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(very_short_jobs_bring_it_near),
                           TEST(it_follows_but_not_to_and_fro),
                           TEST(a_few_longer_ones_do_not_count),
                           TEST(one_long_job_lets_it_go),
                           TEST(it_is_kept_nowhere_else),
                           TEST(none_is_kept_without_a_limit_or_a_like),
                           TEST(a_thread_that_a_kept_one_begins_is_not_kept),
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
