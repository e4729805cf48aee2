/* Workers: feeding one, suspicion, jobs taken back, actors that fail; and every limit crossed. */
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

static cb_message back(uint32_t worker, uint64_t job)
{
    return (cb_message){
        .kind = CB_MSG_JOB_RETURNED, .from = worker, .job = job, .payload = double_payload(&p.d)};
}

static void test_one_is_fed_while_it_keeps_up(void)
{
    cb_limits limits = double_limits();
    limits.hand_batch = 3;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message jobs[4] = {play_first_request(&p, route, 1)};
    uint32_t worker = jobs[0].to;
    for (uint32_t i = 1; i < 3; i++) {
        jobs[i] = play_request(&p, route, 1 + i);
        CU_ASSERT_EQUAL(jobs[i].to, worker);
    }
    CU_ASSERT_EQUAL(play_request(&p, route, 4).kind, 0); /* it holds a whole batch */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0);
    CU_ASSERT_EQUAL(play_request(&p, route, 5).kind, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, jobs[0].job, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, worker);
    play_tick(&p, 2 * MS); /* now it does not keep up */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 1);
    uint32_t second = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    CU_ASSERT_EQUAL(play_request(&p, route, 6).kind, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0); /* one at a time */
    play_actor(&p, CB_MSG_ACTOR_READY, second, 0, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, second);
    end();
}

static void test_suspect(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message stuck = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, stuck.to, stuck.job, 0);
    cb_message second = play_request(&p, route, 2);
    cb_message third = play_request(&p, route, 3);
    CU_ASSERT(second.to == stuck.to && third.to == stuck.to);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TAKE_BACK, 0).to, stuck.to);
    play_request(&p, route, 4);
    uint32_t other = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    double_send(&p.d, back(stuck.to, second.job));
    double_send(&p.d, back(stuck.to, third.job));
    play_actor(&p, CB_MSG_ACTOR_READY, other, 0, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);                  /* it may block as well */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, second.job); /* in their old order */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, other);
    play_actor(&p, CB_MSG_JOB_COMPLETED, stuck.to, stuck.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, third.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, stuck.to);
    end();
}

/* Callbacks that all block are begun beside each other before long: whenever none of the workers
 * that were fed keeps up, twice as many are fed at once, a job each. */
static void test_more_are_fed_while_callbacks_block(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message jobs[8] = {play_first_request(&p, route, 1)};
    jobs[1] = play_request(&p, route, 2);
    play_tick(&p, 2 * MS); /* none of one keeps up: two from now on */
    double_send(&p.d, back(jobs[0].to, jobs[1].job));
    uint32_t second = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    play_actor(&p, CB_MSG_ACTOR_READY, second, 0, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, jobs[1].job);
    /* Nothing waits behind a job that may block. */
    CU_ASSERT_EQUAL(play_request(&p, route, 3).kind, 0);
    uint32_t third = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    CU_ASSERT_NOT_EQUAL(third, 0);
    play_actor(&p, CB_MSG_ACTOR_READY, third, 0, 0);
    jobs[2] = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT_EQUAL(jobs[2].to, third);
    CU_ASSERT_EQUAL(play_request(&p, route, 4).kind, 0); /* two, not three */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0);
    play_tick(&p, 2 * MS); /* none of two: four from now on */
    uint32_t added = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    for (uint32_t i = 0; i < 4; i++) {
        CU_ASSERT_NOT_EQUAL(added, 0);
        play_actor(&p, CB_MSG_ACTOR_READY, added, 0, 0);
        jobs[3 + i] = double_effect(&p.d, CB_MSG_HAND, 0);
        CU_ASSERT_EQUAL(jobs[3 + i].to, added);
        CU_ASSERT_EQUAL(play_request(&p, route, 5 + i).kind, 0);
        added = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    }
    CU_ASSERT_EQUAL(added, 0);
    end();
}

/* Each job that is done in time makes them one fewer, down to one with a batch. */
static void test_fewer_are_fed_when_they_keep_up(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    play_tick(&p, 2 * MS);
    double_send(&p.d, back(first.to, second.job));
    uint32_t worker = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    play_actor(&p, CB_MSG_ACTOR_READY, worker, 0, 0);
    play_request(&p, route, 3);
    play_request(&p, route, 4);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, second.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, worker);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 1).to, worker);
    end();
}

static void test_start_that_crosses_a_take_back(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, first.job, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, second.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    CU_ASSERT(play_ignores(&p, back(first.to, second.job)));
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, second.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 1);
    end();
}

/* While a worker's answer to a TAKE_BACK is on its way it may look as if it keeps up. It is handed
 * nothing until all of it is known: that would run before what comes back. */
static void test_no_hand_crosses_a_take_back(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    cb_message third = play_request(&p, route, 3);
    uint32_t worker = first.to;
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TAKE_BACK, 0).to, worker);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, first.job, 0);
    CU_ASSERT_EQUAL(play_request(&p, route, 4).kind, 0);
    double_send(&p.d, back(worker, second.job));
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    double_send(&p.d, back(worker, third.job));
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1); /* in the order in which they came */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, second.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, worker);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, second.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, third.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, worker);
    end();
}

/* One that had begun everything before it heard of the asking is fed again when it is through. */
static void test_all_started_before_a_take_back(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    uint32_t worker = first.to;
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, first.job, 0);
    CU_ASSERT_EQUAL(play_request(&p, route, 3).kind, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, worker, second.job, 0); /* now nothing can come back */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, worker, second.job, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, worker);
    end();
}

/* An actor that gives its jobs back before it blocks gets none until it is done. */
static void test_given_back_of_its_own(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    double_send(&p.d, back(first.to, second.job));
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, first.job, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).job, second.job);
    end();
}

static void test_actors_that_fail(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    play_request(&p, route, 1);
    uint32_t worker = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to;
    play_actor(&p, CB_MSG_ACTOR_STOPPED, worker, 0, CB_NO_MEMORY);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0);
    cb_message hand = play_first_request(&p, route, 2);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    cb_message next = play_request(&p, route, 3);
    CU_ASSERT_EQUAL(next.to, hand.to);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, CB_IO);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 1).status, CB_JOB_CALLBACK_FAILED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_FAILED, route), 2);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 0);
    end();
}

static void test_limit_of_routes(void)
{
    cb_limits limits = double_limits();
    limits.max_routes = 2;
    limits.max_closed_routes = 2;
    begin(limits);
    play_open(&p, -1);
    play_opening(&p, -1); /* one that opens counts, too */
    CU_ASSERT_EQUAL(play_opening(&p, -1), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_LIMIT);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, 2, 0);
    for (uint32_t route = 1; route <= 4; route++) {
        play_close(&p, route, 0);
        play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
        CU_ASSERT_EQUAL(play_open(&p, -1), route + 2);
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, 1), CB_UNKNOWN * 1000); /* forgotten */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, 2), CB_UNKNOWN * 1000);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, 3), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, 4), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_OPEN_COUNT, 0), 2);
    end();
}

static void test_limit_of_queue_and_connections(void)
{
    cb_limits limits = double_limits();
    limits.max_queued = 2;
    limits.max_connections = 4;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    for (uint32_t connection = 1; connection <= 3; connection++) {
        play_request(&p, route, connection);
    }
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 3);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 1);
    play_listener(&p, CB_MSG_ACCEPTED, route, 4);
    play_listener(&p, CB_MSG_ACCEPTED, route, 5);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 5);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 3);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 3);
    end();
}

static void test_limit_of_waits(void)
{
    cb_limits limits = double_limits();
    limits.max_waits = 2;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 5).kind, 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, -1).kind, 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 5).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 1); /* so it did not close */
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 5).kind, 0);
    end();
}

static void test_limit_of_actors(void)
{
    cb_limits limits = double_limits();
    limits.max_actors = 1;
    limits.hand_batch = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_request(&p, route, 2);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR) + double_count(&p.d, CB_MSG_HAND), 0);
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR) + double_count(&p.d, CB_MSG_HAND), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"one is fed while it keeps up", test_one_is_fed_while_it_keeps_up},
        {"suspect", test_suspect},
        {"more are fed while callbacks block", test_more_are_fed_while_callbacks_block},
        {"fewer are fed when they keep up", test_fewer_are_fed_when_they_keep_up},
        {"a start that crosses a take-back", test_start_that_crosses_a_take_back},
        {"no hand-over crosses a take-back", test_no_hand_crosses_a_take_back},
        {"all started before a take-back", test_all_started_before_a_take_back},
        {"given back of its own", test_given_back_of_its_own},
        {"actors that fail", test_actors_that_fail},
        {"limit: routes and tombstones", test_limit_of_routes},
        {"limit: queue and connections", test_limit_of_queue_and_connections},
        {"limit: waits", test_limit_of_waits},
        {"limit: actors", test_limit_of_actors},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, workers and limits", tests);
}
