/* What is left of callbacks and threads that are gone while the supervisor still owed them
 * something: nothing. With real threads, mailboxes and the figures that a watcher sees. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "actors/core/snapshot.h"
#include "actors/runtime.h"

#define NS         1
#define PATIENCE_S 300
#define TIMES      1000

enum entry { NOTHING, SLEEP, INSIST, HOLD, CANCEL, CLOSE_JOBS };

static cb_runtime *runtime;
static cb_asker *asker; /* of main */
static sem_t held;      /* HOLD has begun */
static sem_t let_go;    /* and ends */
static _Atomic int64_t victim;
static _Atomic int said;          /* what a callback was answered */
static _Atomic uint32_t insisted; /* waits that were open when it stopped to insist */

/* -- figures ---------------------------------------------------------------------------------- */

typedef struct figures {
    uint32_t waits;
    uint32_t askers;
    uint32_t suspects;
} figures;

static figures look(cb_asker *of)
{
    cb_question question = {.what = CB_ASK_SNAPSHOT};
    CU_ASSERT_EQUAL_FATAL(cb_ask(of, NS, &question, 1), CB_OK);
    CU_ASSERT_EQUAL_FATAL(question.status, CB_OK);
    const cb_snapshot *snapshot = (const cb_snapshot *)(const void *)question.bytes->data;
    figures now = {snapshot->waits, snapshot->askers, snapshot->actors[CB_METRICS_SUSPECT]};
    cb_buffer_release(question.bytes);
    return now;
}

/* Until so many are open; an alarm ends the program if they never are. */
static void await_figures(uint32_t waits, uint32_t askers)
{
    figures now;
    do
        now = look(asker);
    while (now.waits != waits || now.askers != askers);
}

/* -- callbacks -------------------------------------------------------------------------------- */

/* Asks on and on though its time is up, and is told so each time, without a new wait. */
static void insist(cb_job *job)
{
    int happened = 0;
    cb_reply reply;
    bool stopped = cb_wait(job->asker, NS, CB_WAIT_TIME, 0, -1, &happened) == CB_STOPPED;
    for (int i = 0; i < TIMES; i++) {
        const cb_command command = {
            .route_id = 1, .what = 20, .payload = cb_buffer_copy("payload", 7)};
        int canceled = 0;
        int64_t all = 0;
        stopped &= cb_wait(job->asker, NS, CB_WAIT_TIME, 0, -1, &happened) == CB_STOPPED;
        stopped &= cb_route_command(job->asker, NS, &command, &reply) == CB_STOPPED;
        stopped &= cb_job_cancel(job->asker, NS, 1, &canceled) == CB_STOPPED;
        stopped &= cb_jobs_close(job->asker, NS, &all) == CB_STOPPED;
    }
    said = stopped ? CB_STOPPED : CB_OK;
    insisted = look(job->asker).waits;
}

static void run_job(void *user, cb_job *job)
{
    (void)user;
    int happened = 0;
    int canceled = 0;
    int64_t all = 0;
    job->status = CB_JOB_SUCCESS;
    switch (job->entry) {
    case SLEEP:
        said = cb_wait(job->asker, NS, CB_WAIT_TIME, 0, -1, &happened);
        break;
    case INSIST:
        insist(job);
        break;
    case HOLD: /* as foreign code that does not call back */
        (void)sem_post(&held);
        while (sem_wait(&let_go) != 0)
            ;
        break;
    case CANCEL:
        said = cb_job_cancel(job->asker, NS, victim, &canceled);
        break;
    case CLOSE_JOBS:
        said = cb_jobs_close(job->asker, NS, &all);
        break;
    default:
        break;
    }
}

static void begin(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_waits = 64; /* far fewer than were left behind */
    const cb_runtime_options options = {.limits = limits, .run_job = run_job};
    (void)alarm(PATIENCE_S);
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, NULL), CB_OK);
}

static void end(void)
{
    cb_asker_close(&asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, NULL), CB_OK);
    (void)alarm(0);
}

static int64_t start(enum entry entry, int32_t timeout_ms)
{
    int64_t job = 0;
    const cb_start_options options = {.entry = entry, .timeout_ms = timeout_ms};
    CU_ASSERT_EQUAL_FATAL(cb_job_start(asker, NS, &options, &job), CB_OK);
    return job;
}

/* Waits for its end: its status. */
static int end_of(int64_t job)
{
    int status = CB_JOB_PENDING;
    int happened = 0;
    cb_buffer *result = NULL;
    CU_ASSERT_EQUAL(cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, job, -1, &happened), CB_OK);
    (void)cb_job_take(asker, NS, job, false, &result, &status);
    cb_buffer_release(result);
    return status;
}

static void a_job_whose_time_is_up_leaves_no_wait(void)
{
    begin();
    for (int i = 0; i < TIMES; i++) {
        CU_ASSERT_EQUAL(end_of(start(SLEEP, i % 5)), CB_JOB_CALLBACK_TIMEOUT);
        CU_ASSERT_EQUAL(look(asker).waits, 0);
        CU_ASSERT_EQUAL(said, CB_STOPPED);
    }
    end();
}

static void a_callback_that_insists_gets_no_more_waits(void)
{
    begin();
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(end_of(start(INSIST, 2)), CB_JOB_CALLBACK_TIMEOUT);
        CU_ASSERT_EQUAL(said, CB_STOPPED);
        /* its first one, and ours for its end */
        CU_ASSERT(insisted <= 2);
        CU_ASSERT_EQUAL(look(asker).waits, 0);
    }
    end();
}

/* A job lies behind one that does not come back: whether it began nobody can say, so a cancel
 * waits. The callback that asked for it has a time limit all the same, and the cancel is done. */
static void a_cancel_can_be_interrupted(enum entry how)
{
    begin();
    int64_t stuck = start(HOLD, -1);
    while (sem_wait(&held) != 0)
        ;
    victim = start(NOTHING, -1);
    while (look(asker).suspects == 0) /* whoever is started now gets another actor */
        ;
    int64_t job = start(how, 20);
    CU_ASSERT_EQUAL(end_of(job), CB_JOB_CALLBACK_TIMEOUT);
    CU_ASSERT_EQUAL(said, CB_STOPPED);
    CU_ASSERT_EQUAL(look(asker).waits, 0);
    (void)sem_post(&let_go);
    CU_ASSERT_EQUAL(end_of(stuck), CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(end_of(victim), CB_JOB_CANCELED);
    end();
}

static void a_cancel_and_a_close_can_be_interrupted(void)
{
    a_cancel_can_be_interrupted(CANCEL);
    a_cancel_can_be_interrupted(CLOSE_JOBS);
}

/* -- threads that ask ------------------------------------------------------------------------- */

/* A conversation that its thread leaves in the middle, without a word. */
static void ask_and_leave(const cb_message *questions, size_t count)
{
    cb_mailbox *mailbox = NULL;
    cb_message hello = {.kind = CB_MSG_HELLO, .cause = 1};
    uint32_t address = cb_core_asker_address(cb_runtime_core(runtime));
    CU_ASSERT_EQUAL_FATAL(
        cb_mailbox_open(cb_runtime_core(runtime)->office, address, &mailbox, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_mailbox_post(mailbox, &hello), CB_OK);
    for (size_t i = 0; i < count; i++) {
        cb_message question = questions[i];
        question.name_space = NS;
        question.cause = 2 + i;
        CU_ASSERT_EQUAL(cb_mailbox_post(mailbox, &question), CB_OK);
    }
    CU_ASSERT_EQUAL(cb_mailbox_flush(mailbox), CB_OK);
    cb_mailbox_close(&mailbox);
}

static int64_t open_route(uint32_t kind)
{
    int64_t id = 0;
    const cb_route_options options = {
        .kind = kind, .callback = "Callback", .entry = HOLD, .timeout_ms = -1};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(asker, NS, &options, &id, NULL), CB_OK);
    return id;
}

/* Routes and jobs for which one can wait for ever: a callback that holds a local route, a job that
 * lies behind it, an operation of the event loop. */
static void every_question_ends_with_its_asker(void)
{
    begin();
    int64_t local = open_route(CB_ROUTE_LOCAL);
    int64_t loop = open_route(CB_ROUTE_LOOP);
    cb_start_options on_route = {.route_id = local, .timeout_ms = -1};
    int64_t stuck = 0;
    CU_ASSERT_EQUAL_FATAL(cb_job_start(asker, NS, &on_route, &stuck), CB_OK);
    while (sem_wait(&held) != 0)
        ;
    int64_t behind = start(NOTHING, -1);
    const cb_message questions[] = {
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -1},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = 1000000},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_JOB_COMPLETE, .value = -1, .job = (uint64_t)stuck},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_ROUTE_DRAINED, .value = -1, .job = (uint64_t)local},
        {.kind = CB_MSG_ASK, .value = CB_ASK_OPEN_COUNT},
        {.kind = CB_MSG_COMMAND, .route = (uint32_t)loop, .status = 99},
        {.kind = CB_MSG_CANCEL_JOB, .job = (uint64_t)behind},
        {.kind = CB_MSG_CLOSE_JOBS},
        {.kind = CB_MSG_CLOSE_ROUTE, .route = (uint32_t)local}};
    const size_t kinds = sizeof questions / sizeof *questions;
    figures before = look(asker);
    CU_ASSERT_EQUAL(before.waits, 0);
    for (size_t i = 0; i < kinds; i++)
        for (int n = 0; n < TIMES; n++) {
            ask_and_leave(&questions[i], 1);
            if (n % 50 == 0)
                await_figures(0, before.askers);
        }
    for (int n = 0; n < TIMES; n++)
        ask_and_leave(questions, kinds);
    await_figures(0, before.askers);
    (void)sem_post(&let_go);
    CU_ASSERT_EQUAL(end_of(stuck), CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(end_of(behind), CB_JOB_CANCELED);
    end();
}

/* One that is opened and closed as usual leaves nothing either, and its number is used again after
 * all others were, but for those that still are in use. */
static void addresses_begin_anew(void)
{
    cb_asker *stay = NULL;
    begin();
    figures before = look(asker);
    atomic_store(&cb_runtime_core(runtime)->next_asker, UINT32_MAX - 2u);
    for (int i = 0; i < 10; i++) {
        cb_asker *visitor = NULL;
        CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &visitor, NULL), CB_OK);
        CU_ASSERT_EQUAL(look(visitor).askers, before.askers + (i > 5 ? 2 : 1));
        if (i == 5)
            CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &stay, NULL), CB_OK);
        cb_asker_close(&visitor);
        await_figures(0, before.askers + (i >= 5 ? 1 : 0));
    }
    cb_asker_close(&stay);
    await_figures(0, before.askers);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_job_whose_time_is_up_leaves_no_wait),
                           TEST(a_callback_that_insists_gets_no_more_waits),
                           TEST(a_cancel_and_a_close_can_be_interrupted),
                           TEST(every_question_ends_with_its_asker),
                           TEST(addresses_begin_anew),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"owners", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (sem_init(&held, 0, 0) != 0 || sem_init(&let_go, 0, 0) != 0)
        return 1;
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
