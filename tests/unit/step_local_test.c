/* Jobs of this process: routes without an actor, jobs without a route, canceling and taking them.
 */
#include "tests/unit/step_play.h"

static play p;

static void begin(cb_limits limits)
{
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
}

static void end(void)
{
    const char *wrong = double_end(&p.d);
    CU_ASSERT_PTR_NULL(wrong);
    if (wrong != NULL) {
        fprintf(stderr, "  %s\n", wrong);
    }
}

static cb_message completed(uint32_t worker, uint64_t job, int32_t status, uint8_t flags)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = worker,
                                   .job = job,
                                   .status = status,
                                   .flags = flags,
                                   .value = 44,
                                   .payload = double_payload(&p.d)});
    return double_effect(&p.d, CB_MSG_ANSWER, 0);
}

static cb_effects returned(uint32_t worker, uint64_t job)
{
    return double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_RETURNED,
                                          .from = worker,
                                          .job = job,
                                          .payload = double_payload(&p.d)});
}

static void test_a_job_without_a_route(void)
{
    begin(double_limits());
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, 30).value, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, 1), CB_PHASE_QUEUED);
    double_ask(&p.d, (cb_message){.kind = CB_MSG_BEGIN_JOB, .name_space = 1, .value = -2});
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_INVALID);
    play_start(&p, CB_ROUTE_NONE, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, 16, 0, 0);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT(hand.value == 55 && hand.route == 0 && hand.payload != 0);
    CU_ASSERT_EQUAL(hand.flags, CB_FLAG_HAS_NUL);
    cb_message second = double_effect(&p.d, CB_MSG_HAND, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, 16, hand.job, 0);
    play_tick(&p, 30 * MS); /* its time counts from the start */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).status, CB_JOB_CALLBACK_TIMEOUT);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, 1, -1).kind, 0);
    CU_ASSERT_EQUAL(completed(16, hand.job, CB_JOB_CALLBACK_TIMEOUT, 0).value, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_CALLBACK_TIMEOUT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_ROUTE, 1), 0);
    play_ask(&p, CB_ASK_JOB_ERROR_TEXT, 1);
    CU_ASSERT(double_effect(&p.d, CB_MSG_ANSWER, 0).payload != 0);
    completed(16, second.job, CB_JOB_SUCCESS, CB_FLAG_HAS_NUL);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_RESULT_SIZE, 2), 44);
    CU_ASSERT_EQUAL(play_take(&p, 2, CB_FLAG_AS_TEXT).status, CB_FORMAT);
    cb_message taken = play_take(&p, 2, 0);
    CU_ASSERT(taken.status == CB_OK && taken.value == 44 && taken.payload != 0);
    taken = play_take(&p, 1, 0);
    CU_ASSERT(taken.status == CB_NO_RESULT && taken.connection == CB_JOB_CALLBACK_TIMEOUT);
    CU_ASSERT_EQUAL(play_take(&p, 1, 0).status, CB_UNKNOWN);
    end();
}

static void test_a_route_without_an_actor(void)
{
    cb_limits limits = double_limits();
    limits.max_queued = 2;
    limits.hand_batch = 2;
    begin(limits);
    uint32_t route = play_open_kind(&p, CB_ROUTE_LOCAL, 20);
    CU_ASSERT_EQUAL(route, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_START_LISTENER), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_KIND, route), CB_ROUTE_LOCAL);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).value, 1);
    play_start(&p, route, 10);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_TIMEOUT, 1), 20);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_TIMEOUT, 2), 10);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_ROUTE, 1), route);
    play_actor(&p, CB_MSG_ACTOR_READY, 16, 0, 0);
    cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
    cb_message second = double_effect(&p.d, CB_MSG_HAND, 1);
    CU_ASSERT(first.value == 77 && first.route == route);
    play_start(&p, route, 30);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_TIMEOUT, 3), 20);
    play_actor(&p, CB_MSG_JOB_STARTED, 16, first.job, 0);
    static const struct {
        cb_question_kind what;
        int64_t value;
    } counts[] = {{CB_ASK_ROUTE_ACTIVE, 3},  {CB_ASK_ROUTE_PENDING, 0}, {CB_ASK_ROUTE_QUEUED, 2},
                  {CB_ASK_ROUTE_RUNNING, 1}, {CB_ASK_ROUTE_DRAINED, 0}, {CB_ASK_ROUTE_ACCEPTED, 3}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        CU_ASSERT_EQUAL(play_ask(&p, counts[i].what, route), counts[i].value);
    }
    CU_ASSERT_EQUAL(play_close(&p, route, 0).kind, 0); /* one runs, one may */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_ROUTE_CLOSED);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).status, CB_CLOSED);
    returned(16, second.job);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_ROUTE_CLOSED);
    cb_message answer = completed(16, first.job, CB_JOB_SUCCESS, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 2); /* the close: canceled */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(play_take(&p, 3, 0).status, CB_NO_RESULT);
    CU_ASSERT_EQUAL(play_take(&p, 1, 0).status, CB_OK);
    end();
}

static void test_where_a_job_goes(void)
{
    cb_limits limits = double_limits();
    limits.max_untaken = 2;
    begin(limits);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).status, CB_MISMATCH);
    CU_ASSERT_EQUAL(play_start(&p, 5, -1).status, CB_UNKNOWN);
    uint32_t tcp = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_start(&p, tcp, -1).status, CB_UNSUPPORTED);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).status, CB_MISMATCH);
    uint32_t first = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).value, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_ROUTE, 1), first);
    uint32_t second = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).status, CB_MISMATCH);
    play_close(&p, first, CB_FLAG_AT_ONCE);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).value, 2);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_ROUTE, 2), second);
    CU_ASSERT_EQUAL(play_start(&p, second, -1).status, CB_LIMIT);
    end();
}

static void test_cancel(void)
{
    begin(double_limits());
    for (int i = 0; i < 4; i++) {
        play_start(&p, CB_ROUTE_NONE, -1);
    }
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 9).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 2).value, 1); /* it is queued */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 2).value, 0);
    play_actor(&p, CB_MSG_ACTOR_READY, 16, 0, 0);
    uint64_t jobs[3];
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = double_effect(&p.d, CB_MSG_HAND, i).job;
    }
    play_actor(&p, CB_MSG_JOB_STARTED, 16, jobs[0], 0);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 1).value, 0); /* it runs */
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 3).kind, 0);  /* who knows? */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, 4).kind, 0);
    returned(16, jobs[1]);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 0); /* it was asked for */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_CANCELED);
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[0], 0);
    play_actor(&p, CB_MSG_JOB_STARTED, 16, jobs[2], 0); /* that one was faster */
    answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[2], 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 4), CB_JOB_SUCCESS);
    end();
}

static void test_close_jobs(void)
{
    cb_limits limits = double_limits();
    limits.hand_batch = 3;
    begin(limits);
    for (int i = 0; i < 5; i++) {
        play_start(&p, CB_ROUTE_NONE, -1);
    }
    play_actor(&p, CB_MSG_ACTOR_READY, 16, 0, 0);
    uint64_t jobs[3];
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = double_effect(&p.d, CB_MSG_HAND, i).job;
    }
    play_actor(&p, CB_MSG_JOB_STARTED, 16, jobs[0], 0);
    uint32_t route = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CLOSE_JOBS, 0).kind, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 5), CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_CLOSED);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).status, CB_OK);
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[0], 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    play_actor(&p, CB_MSG_JOB_STARTED, 16, jobs[1], 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    returned(16, jobs[2]);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 3);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CLOSE_JOBS, 0).value, 0); /* told once */
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[1], 0);
    CU_ASSERT_EQUAL(play_take(&p, 2, 0).status, CB_OK);
    end();
}

static void test_the_end(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 50;
    limits.hand_batch = 2;
    begin(limits);
    uint32_t route = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start(&p, route, -1);
    play_start(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, 16, 0, 0);
    uint64_t jobs[2] = {double_effect(&p.d, CB_MSG_HAND, 0).job,
                        double_effect(&p.d, CB_MSG_HAND, 1).job};
    double_send(&p.d, (cb_message){.kind = CB_MSG_FINISH, .from = MAIN_ASKER});
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_CLOSED);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).status, CB_CLOSED);
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[0], 0);
    cb_message third = double_effect(&p.d, CB_MSG_HAND, 0); /* what was begun is finished */
    CU_ASSERT(third.kind != 0);
    play_actor(&p, CB_MSG_JOB_STARTED, 16, jobs[1], 0);
    play_tick(&p, 50 * MS);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, jobs[1]);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    returned(16, third.job);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RETIRE_ACTOR), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, 16, jobs[1], CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RETIRE_ACTOR), 1);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, 16, 0, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 0);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a job without a route", test_a_job_without_a_route},
        {"a route without an actor", test_a_route_without_an_actor},
        {"where a job goes", test_where_a_job_goes},
        {"cancel", test_cancel},
        {"the end of a namespace's jobs", test_close_jobs},
        {"the end of the program", test_the_end},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, jobs of this process", tests);
}
