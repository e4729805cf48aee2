/* Many threads that ask one runtime, and come and go: no question stays without its answer. One
 * that did would keep its thread for ever; an alarm ends the program then. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "callboard/runtime.h"

#define NS           1
#define PATIENCE_S   240
/* Askers that are opened and closed; one in 10,000 or so has hidden a question. */
#define VISITS       12000
#define QUESTIONS    20 /* beside each of them */
#define THREADS      8
#define QUESTIONS_OF 3000 /* each of the threads */

static cb_runtime *runtime;

static void run_job(void *user, cb_job *job)
{
    (void)user;
    job->status = CB_JOB_SUCCESS;
}

static void begin(void)
{
    const cb_runtime_options options = {.limits = cb_limits_default(), .run_job = run_job};
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, NULL), CB_OK);
    (void)alarm(PATIENCE_S);
}

static void end(void)
{
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, NULL), CB_OK);
    (void)alarm(0);
}

static bool ask(cb_asker *asker)
{
    cb_question question = {.what = CB_ASK_OPEN_COUNT};
    return cb_ask(asker, NS, &question, 1) == CB_OK && question.value == 0;
}

/* -- askers that leave ------------------------------------------------------------------------ */

static _Atomic(cb_asker *) leaving;
static atomic_bool over;

static void *close_those_that_leave(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        cb_asker *asker = atomic_exchange(&leaving, NULL);
        cb_asker_close(&asker);
    }
    return NULL;
}

/* The library that carries messages closes queues by a thread of its own, which puts a command into
 * the inbox; a question behind that must be seen though it came without a signal. */
static void an_asker_that_leaves_hides_no_question(void)
{
    pthread_t closer;
    cb_asker *stays = NULL;
    unsigned failed = 0;
    begin();
    atomic_store(&over, false);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &stays, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&closer, NULL, close_those_that_leave, NULL), 0);
    for (int i = 0; i < VISITS; i++) {
        cb_asker *visitor = NULL;
        CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &visitor, NULL), CB_OK);
        atomic_store(&leaving, visitor);
        for (int j = 0; j < QUESTIONS; j++)
            failed += !ask(stays);
        while (atomic_load(&leaving) != NULL)
            ;
    }
    atomic_store(&over, true);
    CU_ASSERT_EQUAL(pthread_join(closer, NULL), 0);
    CU_ASSERT_EQUAL(failed, 0);
    cb_asker_close(&stays);
    end();
}

/* -- askers at once --------------------------------------------------------------------------- */

static void *ask_often(void *failed)
{
    cb_asker *asker = NULL;
    if (cb_asker_open(runtime, &asker, NULL) != CB_OK) {
        atomic_fetch_add((atomic_uint *)failed, 1);
        return NULL;
    }
    for (int i = 0; i < QUESTIONS_OF; i++)
        if (!ask(asker))
            atomic_fetch_add((atomic_uint *)failed, 1);
    cb_asker_close(&asker);
    return NULL;
}

static void questions_of_many_threads_are_all_answered(void)
{
    pthread_t threads[THREADS];
    atomic_uint failed = 0;
    begin();
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_often, &failed), 0);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(atomic_load(&failed), 0);
    end();
}

/* -- waits ------------------------------------------------------------------------------------ */

/* Nobody comes while it waits, so its end is the supervisor's own. */
static void a_wait_ends_though_nobody_comes(void)
{
    cb_asker *asker = NULL;
    int happened = 1;
    begin();
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, NULL), CB_OK);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(cb_wait(asker, NS, CB_WAIT_TIME, 0, 3, &happened), CB_OK);
        CU_ASSERT_EQUAL(happened, 0);
    }
    cb_asker_close(&asker);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(an_asker_that_leaves_hides_no_question),
                           TEST(questions_of_many_threads_are_all_answered),
                           TEST(a_wait_ends_though_nobody_comes), CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"askers", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
