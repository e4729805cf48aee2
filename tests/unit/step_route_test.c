/* Routes and server jobs: each message in its right place, about unknown things, in wrong states.
 */
#include "tests/unit/step_play.h"

static play p;

static void begin(void)
{
    cb_limits limits = double_limits();
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

static void test_open(void)
{
    begin();
    CU_ASSERT_EQUAL(play_opening(&p, 500), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, 1), CB_UNKNOWN * 1000);
    CU_ASSERT_EQUAL(play_close(&p, 1, 0).status, CB_UNKNOWN);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, 1, 0);
    cb_message answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_OK && answer.value == 1 && answer.to == MAIN_ASKER);
    static const struct {
        cb_question_kind what;
        int64_t value;
    } answers[] = {{CB_ASK_ROUTE_KNOWN, 1},          {CB_ASK_ROUTE_STATE, 1},
                   {CB_ASK_ROUTE_TIMEOUT, 500},      {CB_ASK_ROUTE_PORT, 8001},
                   {CB_ASK_ROUTE_ACTIVE, 0},         {CB_ASK_ROUTE_DRAINED, 1},
                   {CB_ASK_ROUTE_CALLBACK, 0},       {CB_ASK_ROUTE_CLOSE_ACCEPTED, 0},
                   {CB_ASK_ROUTE_ACCEPTED, 0},       {CB_ASK_ROUTE_CLOSED_QUEUED, 0},
                   {CB_ASK_ROUTE_COMPLETED, 0},      {CB_ASK_ROUTE_FAILED, 0},
                   {CB_ASK_ROUTE_DROPPED, 0},        {CB_ASK_OPEN_COUNT, 1},
                   {CB_ASK_NONE, CB_INVALID * 1000}, {CB_ASK_COUNT, CB_INVALID * 1000}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        CU_ASSERT_EQUAL(play_ask(&p, answers[i].what, 1), answers[i].value);
    }
    play_ask(&p, CB_ASK_ROUTE_CALLBACK, 1);
    CU_ASSERT(double_effect(&p.d, CB_MSG_ANSWER, 0).payload != 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).flags, CB_FLAG_SHARED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_KNOWN, 2), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_PORT, 2), CB_UNKNOWN * 1000);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_PORT, UINT64_MAX), CB_UNKNOWN * 1000);
    play_opening(&p, 0);
    play_listener(&p, CB_MSG_ROUTE_FAILED, 2, 0); /* status 0 of a failure is none */
    answer = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(answer.status == CB_IO && answer.payload != 0);
    CU_ASSERT_EQUAL(play_opening(&p, 0), 3);
    CU_ASSERT_EQUAL(play_opening(&p, -2), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_INVALID);
    end();
}

static void test_one_request(void)
{
    begin();
    uint32_t route = play_open(&p, 500);
    play_listener(&p, CB_MSG_ACCEPTED, route, 9);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_PENDING, route), 1);
    play_listener(&p, CB_MSG_REQUEST_READY, route, 9);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_PENDING, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 1);
    uint32_t worker = p.listeners[route] + 1;
    play_actor(&p, CB_MSG_ACTOR_READY, worker, 0, 0);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT(hand.to == worker && hand.value == 77 && hand.payload != 0 && hand.job >> 32 == 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 1);
    play_actor(&p, CB_MSG_JOB_STARTED, worker, hand.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, hand.job, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_RESPOND, 0).connection, 9);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).kind, 0);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 9);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), 0);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 9);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), 1);
    end();
}

/* Each message where it does not belong: ignored, counted, its payload released. */
static void test_out_of_place(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    uint32_t listener = p.listeners[route];
    const cb_message wrong[] = {
        {.kind = CB_MSG_ROUTE_LISTENING, .from = listener, .route = 1},
        {.kind = CB_MSG_ROUTE_FAILED, .from = listener, .route = 1},
        {.kind = CB_MSG_ACCEPTED, .from = listener, .route = 1, .connection = 1},
        {.kind = CB_MSG_ACCEPTED, .from = listener, .route = 9, .connection = 2},
        {.kind = CB_MSG_ACCEPTED, .from = listener + 1, .route = 1, .connection = 2},
        {.kind = CB_MSG_REQUEST_READY, .from = listener, .route = 1, .connection = 1},
        {.kind = CB_MSG_REQUEST_READY, .from = listener, .route = 1, .connection = 5},
        {.kind = CB_MSG_RESPONSE_SENT, .from = listener, .route = 1, .connection = 1},
        {.kind = CB_MSG_RESPONSE_SENT, .from = listener, .route = 1, .connection = 5},
        {.kind = CB_MSG_CONNECTION_CLOSED, .from = listener, .route = 1, .connection = 5},
        {.kind = CB_MSG_ROUTE_STOPPED, .from = listener + 1, .route = 1},
        {.kind = CB_MSG_ROUTE_STOPPED, .from = listener, .route = 7},
        {.kind = CB_MSG_ACTOR_READY, .from = hand.to},
        {.kind = CB_MSG_ACTOR_READY, .from = 999},
        {.kind = CB_MSG_ACTOR_READY, .from = CB_ADDRESS_CLIENT},
        {.kind = CB_MSG_ACTOR_STOPPED, .from = 999},
        {.kind = CB_MSG_ACTOR_STOPPED, .from = CB_ADDRESS_CLIENT},
        {.kind = CB_MSG_JOB_STARTED, .from = hand.to, .job = hand.job},
        {.kind = CB_MSG_JOB_STARTED, .from = hand.to, .job = 0},
        {.kind = CB_MSG_JOB_RETURNED, .from = hand.to, .job = hand.job},
        {.kind = CB_MSG_JOB_COMPLETED, .from = hand.to + 1, .job = hand.job},
        {.kind = CB_MSG_JOB_COMPLETED, .from = hand.to, .job = hand.job + (UINT64_C(1) << 32)},
        {.kind = CB_MSG_NONE},
        {.kind = CB_MSG_HAND},
        {.kind = UINT16_MAX},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cb_message message = wrong[i];
        message.name_space = 1;
        message.payload = double_payload(&p.d);
        CU_ASSERT(play_ignores(&p, message));
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_RELEASE, 0).payload, message.payload);
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    end();
}

static void test_connection_ends_early(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1); /* while reading */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    play_request(&p, route, 2);
    cb_message add = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 2); /* in the queue */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    play_actor(&p, CB_MSG_ACTOR_READY, add.to, 0, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    cb_message hand = play_request(&p, route, 3);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 3); /* handed: it stays */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 1);
    play_actor(&p, CB_MSG_JOB_STARTED, add.to, hand.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, add.to, hand.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 0);
    hand = play_request(&p, route, 4);
    play_actor(&p, CB_MSG_JOB_COMPLETED, add.to, hand.job, 0);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 4); /* before the response was out */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), 4);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 2);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 0);
    end();
}

static void test_failing_callbacks(void)
{
    begin();
    uint32_t route = play_open(&p, 5);
    cb_message hand = play_first_request(&p, route, 1);
    static const int32_t statuses[] = {CB_JOB_CALLBACK_REFUSED, CB_JOB_CALLBACK_FAILED,
                                       CB_JOB_CALLBACK_TIMEOUT, 12, -1};
    for (uint32_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, statuses[i]);
        cb_message drop = double_effect(&p.d, CB_MSG_DROP, 0);
        int32_t status = i < 3 ? statuses[i] : (int32_t)CB_JOB_CALLBACK_FAILED;
        CU_ASSERT(drop.connection == 1 + i && drop.status == status);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_FAILED, route), 1 + i);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 1);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1 + i);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 0);
        hand = play_request(&p, route, 2 + i);
    }
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_tick(&p, 4 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 0);
    play_tick(&p, 1 * MS);
    cb_message interrupt = double_effect(&p.d, CB_MSG_INTERRUPT, 0);
    CU_ASSERT(interrupt.job == hand.job && interrupt.status == CB_JOB_CALLBACK_TIMEOUT);
    play_tick(&p, 100 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 0);
    end();
}

static void test_close(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message run = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, run.to, run.job, 0);
    cb_message held = play_request(&p, route, 2);
    play_tick(&p, 3 * MS); /* the worker is late: what it holds is asked back */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    play_request(&p, route, 3);                   /* queued: no other worker yet */
    play_listener(&p, CB_MSG_ACCEPTED, route, 4); /* still read */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_BEGUN, route), 0);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).kind, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_ACCEPTING), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_ROUTE_CLOSED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_BEGUN, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSED_QUEUED, route), 1);
    CU_ASSERT_EQUAL(play_close(&p, route, CB_FLAG_AT_ONCE).value, 0); /* not the first */
    play_actor(&p, CB_MSG_JOB_RETURNED, run.to, held.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSED_QUEUED, route), 2);
    play_listener(&p, CB_MSG_ACCEPTED, route, 5);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 5);
    for (uint32_t connection = 2; connection <= 5; connection++) {
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, connection);
    }
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_LISTENER), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, run.to, run.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_STOP_LISTENER), 1);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).value, 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).connection, 1);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).value, 0);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).connection, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_BEGUN, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSED_QUEUED, route), 2);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_KNOWN, route), 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, -1).value, 1);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ROUTE_STOPPED,
                                            .name_space = 1,
                                            .from = p.listeners[route],
                                            .route = route}));
    CU_ASSERT_EQUAL(play_close(&p, 99, 0).status, CB_UNKNOWN);
    end();
}

/* Of all closes of a route one is the first, whether or not it waits. */
static void test_first_close(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message run = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, run.to, run.job, 0);
    CU_ASSERT_EQUAL(play_close(&p, route, CB_FLAG_AT_ONCE).connection, 1);
    CU_ASSERT_EQUAL(play_close(&p, route, CB_FLAG_AT_ONCE).connection, 0);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).kind, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, run.to, run.job, 0);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    cb_message waited = double_effect(&p.d, CB_MSG_ANSWER, 0);
    CU_ASSERT(waited.kind == CB_MSG_ANSWER && waited.status == CB_OK && waited.connection == 0);
    route = play_open(&p, -1);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, p.listeners[route], 0, CB_IO); /* nobody closed it */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_BEGUN, route), 1);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).connection, 1);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).connection, 0);
    end();
}

static void test_any_address(void)
{
    begin();
    uint32_t local = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ANY_ADDRESS, local), 0);
    uint32_t any = play_open_kind(&p, CB_ROUTE_TCP | CB_ROUTE_ANY_ADDRESS, -1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ANY_ADDRESS, any), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ANY_ADDRESS, 99), CB_UNKNOWN * 1000);
    end();
}

static void test_started_before_the_close_reached_it(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    cb_message answer = play_close(&p, route, CB_FLAG_AT_ONCE);
    CU_ASSERT(answer.kind == CB_MSG_ANSWER && answer.value == 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TAKE_BACK, 0).to, hand.to);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0); /* it crossed */
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSED_QUEUED, route), 0);
    end();
}

static void test_listener_that_breaks(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_listener(&p, CB_MSG_ACCEPTED, route, 2);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, p.listeners[route], 0, CB_IO);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).value, 0);
    route = play_opening(&p, -1);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, p.listeners[route], 0, CB_NO_MEMORY);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_NO_MEMORY);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"open, and questions about a route", test_open},
        {"one request", test_one_request},
        {"messages out of place", test_out_of_place},
        {"connections that end early", test_connection_ends_early},
        {"callbacks that fail", test_failing_callbacks},
        {"close", test_close},
        {"the first close", test_first_close},
        {"where a route listens", test_any_address},
        {"started before the close reached it", test_started_before_the_close_reached_it},
        {"a listener that breaks", test_listener_that_breaks},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, routes", tests);
}
