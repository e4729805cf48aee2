/* Client jobs, waits for them, outcomes that the server side left for them; and the shutdown. */
#include "tests/unit/step_play.h"

#define CLIENT CB_ADDRESS_CLIENT

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

static cb_message begin_handed(uint32_t route, int64_t timeout_ms)
{
    play_begin(&p, route, timeout_ms);
    if (double_count(&p.d, CB_MSG_ADD_ACTOR) > 0) {
        play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    }
    return double_effect(&p.d, CB_MSG_HAND, 0);
}

static void complete(uint64_t job, int32_t status, uint32_t port, uint8_t flags)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = CLIENT,
                                   .job = job,
                                   .status = status,
                                   .connection = port,
                                   .flags = flags,
                                   .value = 33,
                                   .payload = double_payload(&p.d)});
}

static void test_one_job(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_begin(&p, 7, -1).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_begin(&p, route, -2).status, CB_INVALID);
    CU_ASSERT_EQUAL(play_begin(&p, route, INT64_MAX).status, CB_INVALID);
    cb_message hand = begin_handed(route, 900);
    CU_ASSERT(hand.to == CLIENT && hand.value == 8001 && hand.flags == CB_FLAG_CLIENT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, 1), CB_PHASE_QUEUED);
    play_actor(&p, CB_MSG_JOB_STARTED, CLIENT, hand.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, 1), CB_PHASE_RUNNING);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_PENDING);
    CU_ASSERT_EQUAL(play_take(&p, 1, 0).status, CB_NOT_COMPLETE);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, 1, 0).value, 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, 9, 0).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, 1, -1).kind, 0);
    complete(hand.job, CB_JOB_SUCCESS, 0, CB_FLAG_HAS_NUL);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 1);
    static const struct {
        cb_question_kind what;
        int64_t value;
    } answers[] = {{CB_ASK_JOB_KNOWN, 1},        {CB_ASK_JOB_PHASE, CB_PHASE_COMPLETED},
                   {CB_ASK_JOB_STATUS, 0},       {CB_ASK_JOB_ROUTE, 1},
                   {CB_ASK_JOB_TIMEOUT, 900},    {CB_ASK_JOB_HAS_RESULT, 1},
                   {CB_ASK_JOB_RESULT_SIZE, 33}, {CB_ASK_JOB_ERROR_TEXT, 0}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        CU_ASSERT_EQUAL(play_ask(&p, answers[i].what, 1), answers[i].value);
    }
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, 1, -1).value, 1);
    CU_ASSERT_EQUAL(play_take(&p, 1, CB_FLAG_AS_TEXT).status, CB_FORMAT);
    cb_message taken = play_take(&p, 1, 0);
    CU_ASSERT(taken.status == CB_OK && taken.payload != 0 && taken.value == 33);
    CU_ASSERT_EQUAL(play_take(&p, 1, 0).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, 1), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, 1), CB_UNKNOWN * 1000);
    end();
}

static void test_failures_and_limits(void)
{
    cb_limits limits = double_limits();
    limits.max_untaken = 3;
    limits.max_client_jobs = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message first = begin_handed(route, 5);
    CU_ASSERT_EQUAL(begin_handed(route, 5).kind, 0); /* one at a time on the wire */
    play_tick(&p, 5 * MS);
    cb_message interrupt = double_effect(&p.d, CB_MSG_INTERRUPT, 0);
    CU_ASSERT(interrupt.to == CLIENT && interrupt.job == first.job &&
              interrupt.status == CB_JOB_TIMEOUT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_TIMEOUT); /* never left the queue */
    cb_message taken = play_take(&p, 2, 0);
    CU_ASSERT(taken.status == CB_NO_RESULT && taken.connection == CB_JOB_TIMEOUT);
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 0);
    play_begin(&p, route, -1);
    complete(first.job, CB_JOB_TIMEOUT, 0, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);
    play_ask(&p, CB_ASK_JOB_ERROR_TEXT, 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).flags, CB_FLAG_SHARED);
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_take(&p, 1, 0).status, CB_NO_RESULT);
    play_close(&p, route, 0);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).status, CB_OK);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 5), CB_JOB_CONNECT_FAILED);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, CB_IO);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_CANCELED);
    end();
}

/* What the server side knows of a request reaches the job that sent it, by its port. */
static void test_outcomes(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    static const int32_t statuses[] = {CB_JOB_CALLBACK_REFUSED, CB_JOB_CALLBACK_FAILED,
                                       CB_JOB_CALLBACK_TIMEOUT};
    for (uint32_t i = 0; i < 3; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, statuses[i]);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1 + i);
        cb_message client = begin_handed(route, -1);
        complete(client.job, CB_JOB_RECEIVE_FAILED, 5001 + i, 0);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1 + i), statuses[i]);
        cb_message text = play_take(&p, 1 + i, 0);
        CU_ASSERT(text.payload != 0 && text.connection == (uint32_t)statuses[i]);
        hand = play_request(&p, route, 2 + i);
    }
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 4);
    play_listener(&p, CB_MSG_ACCEPTED, route, 4); /* the port is used again: that was stale */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    cb_message client = begin_handed(route, -1);
    complete(client.job, CB_JOB_SUCCESS, 5004, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 4), CB_JOB_SUCCESS);
    client = begin_handed(route, -1);
    play_close(&p, route, 0); /* drops the one that is read */
    complete(client.job, CB_JOB_RECEIVE_FAILED, 5004, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 5), CB_JOB_ROUTE_CLOSED);
    end();
}

static void test_outcomes_are_bounded(void)
{
    cb_limits limits = double_limits();
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    for (uint32_t i = 1; i <= CB_STEP_OUTCOMES_MAX + 10; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), i > CB_STEP_OUTCOMES_MAX ? 1 : 0);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, i);
        hand = play_request(&p, route, i + 1);
    }
    CU_ASSERT_EQUAL(p.d.step->outcomes.capacity, CB_STEP_OUTCOMES_MAX);
    end();
}

static void test_waits(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, -2).status, CB_INVALID);
    CU_ASSERT_EQUAL(play_wait(&p, 9, 0, 1).status, CB_INVALID);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 0).kind, CB_MSG_ANSWER);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, 5, 1).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).value, 1);
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, 4).kind, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TICK_AT, 0).value, p.d.now_ns + 4 * MS);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 2).kind, 0);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), p.d.now_ns + 2 * MS);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).kind, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TICK_AT), 0);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TICK_AT, 0).value, INT64_MAX);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 1);
    end();
}

static void send_as(uint32_t asker, cb_message_kind kind)
{
    double_send(&p.d, (cb_message){.kind = (uint16_t)kind, .from = asker, .cause = 5});
}

static void test_shutdown_and_finish(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_opening(&p, -1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).kind, 0);
    send_as(MAIN_ASKER + 1, CB_MSG_SHUTDOWN);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_ACCEPTING), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_LISTENER), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, route), 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).value, 0);
    CU_ASSERT_EQUAL(play_opening(&p, -1), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_STOPPED);
    send_as(MAIN_ASKER, CB_MSG_SHUTDOWN);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), 1);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, 2, 0); /* it was opening when the shutdown came */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_OK);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_LISTENER), 1);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, 2, 0);
    CU_ASSERT(play_request(&p, route, 2).kind == CB_MSG_HAND); /* accepted before it heard */
    cb_message second = double_effect(&p.d, CB_MSG_HAND, 0);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_INVALID);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, second.job, 0);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 2);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_RETIRE_ACTOR, 0).to, hand.to);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, 0);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 1 && answer.to == MAIN_ASKER);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX);
    end();
}

static void test_a_close_while_draining_cancels_nothing(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    cb_message second = play_request(&p, route, 2);
    send_as(MAIN_ASKER + 1, CB_MSG_SHUTDOWN);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).kind, 0); /* it waits */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP) + double_count(&p.d, CB_MSG_TAKE_BACK), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, route), 1);
    CU_ASSERT_EQUAL(play_request(&p, route, 3).kind, CB_MSG_HAND);
    cb_message third = double_effect(&p.d, CB_MSG_HAND, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, second.job, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, third.job, 0);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 2);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 3);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.kind == CB_MSG_ANSWER && answer.status == CB_OK && answer.value == 0);
    end();
}

static void test_askers_come_and_go(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    for (uint32_t i = 10; i < 13; i++) {
        send_as(MAIN_ASKER + i, CB_MSG_HELLO);
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).to, MAIN_ASKER + i);
    }
    send_as(MAIN_ASKER + 11, CB_MSG_GOODBYE);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    send_as(MAIN_ASKER + 11, CB_MSG_GOODBYE);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), 1);
    send_as(MAIN_ASKER + 10, CB_MSG_SHUTDOWN);
    play_tick(&p, 100 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).to, MAIN_ASKER + 10);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 1).to, MAIN_ASKER + 12);
    end();
}

static void test_grace(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    cb_message held = play_request(&p, route, 2);
    play_listener(&p, CB_MSG_ACCEPTED, route, 3);
    cb_message client = begin_handed(route, -1);
    send_as(MAIN_ASKER + 1, CB_MSG_FINISH);
    play_tick(&p, 100 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 3); /* job, exchange, the other asker */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 2).to, MAIN_ASKER);
    play_listener(&p, CB_MSG_ACCEPTED, route, 4);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 4);
    play_actor(&p, CB_MSG_JOB_RETURNED, hand.to, held.job, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 2);
    complete(client.job, CB_JOB_CANCELED, 0, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CANCELED);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RETIRE_ACTOR), 2);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, 0);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, 0);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 0);
    end();
}

static void test_actors_that_do_not_end(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 1000;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_close(&p, route, 0);
    play_opening(&p, -1);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    play_tick(&p, 1000 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    play_tick(&p, 1000 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 3); /* the closer and the opener, too */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_STOPPED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 1).status, CB_STOPPED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 2).status, CB_TIMEOUT);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"one client job", test_one_job},
        {"failures and limits", test_failures_and_limits},
        {"outcomes", test_outcomes},
        {"outcomes are bounded", test_outcomes_are_bounded},
        {"waits", test_waits},
        {"shutdown and finish", test_shutdown_and_finish},
        {"a close while draining cancels nothing", test_a_close_while_draining_cancels_nothing},
        {"askers come and go", test_askers_come_and_go},
        {"the end of the grace", test_grace},
        {"actors that do not end", test_actors_that_do_not_end},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, client jobs, waits and the end", tests);
}
