/* What happens once and not twice, at its time and not before: the client actor's life, interrupts,
 * suspicion, the grace and the end. */
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

static size_t count(cb_message_kind kind)
{
    return double_count(&p.d, kind);
}

static cb_message effect(cb_message_kind kind)
{
    return double_effect(&p.d, kind, 0);
}

static void send_as(uint32_t asker, cb_message_kind kind)
{
    double_send(&p.d, (cb_message){.kind = (uint16_t)kind, .from = asker, .cause = 5});
}

/* -- the client actor -- */

static void test_a_client_actor_that_cannot_start(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ACTOR_STOPPED, .from = CLIENT}));
    play_begin(&p, route, -1);
    CU_ASSERT(count(CB_MSG_ADD_ACTOR) == 1 && effect(CB_MSG_ADD_ACTOR).value == 1);
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(count(CB_MSG_ADD_ACTOR), 0);
    CU_ASSERT(play_wait(&p, CB_WAIT_JOB_COMPLETE, 2, -1).kind == 0);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, CB_NO_MEMORY);
    CU_ASSERT_EQUAL(count(CB_MSG_ADD_ACTOR), 0); /* no busy loop */
    CU_ASSERT_EQUAL(count(CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_OVERLOADED);
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(count(CB_MSG_ADD_ACTOR), 1);
    end();
}

static void test_a_client_actor_that_breaks(void)
{
    cb_limits limits = double_limits();
    limits.max_client_jobs = 2;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    for (int i = 0; i < 4; i++) {
        play_begin(&p, route, -1);
    }
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    CU_ASSERT_EQUAL(count(CB_MSG_HAND), 2);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ACTOR_READY, .from = CLIENT}));
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, CB_IO);
    CU_ASSERT_EQUAL(count(CB_MSG_ADD_ACTOR), 1); /* for those that it never had */
    static const int32_t statuses[] = {CB_JOB_CANCELED, CB_JOB_CANCELED, CB_JOB_PENDING,
                                       CB_JOB_PENDING};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, i + 1), statuses[i]);
    }
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    CU_ASSERT_EQUAL(count(CB_MSG_HAND), 2);
    end();
}

/* A job that the client actor cannot run is over, and the next one's turn has come. */
static void test_a_job_that_the_client_gives_back(void)
{
    cb_limits limits = double_limits();
    limits.max_client_jobs = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    uint64_t first = effect(CB_MSG_HAND).job;
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(count(CB_MSG_HAND), 0);
    play_actor(&p, CB_MSG_JOB_RETURNED, CLIENT, first, 0);
    CU_ASSERT_EQUAL(count(CB_MSG_HAND), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_PENDING);
    end();
}

/* An exchange that waits while its route closes is not tried; those of other routes are. */
static void test_exchanges_with_a_route_that_closed(void)
{
    cb_limits limits = double_limits();
    limits.max_client_jobs = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    uint32_t other = play_open(&p, -1);
    play_begin(&p, other, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    uint64_t first = effect(CB_MSG_HAND).job;
    play_begin(&p, route, -1);
    play_begin(&p, other, -1);
    play_close(&p, route, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_PENDING);
    play_actor(&p, CB_MSG_JOB_COMPLETED, CLIENT, first, 0);
    CU_ASSERT(count(CB_MSG_HAND) == 1 && effect(CB_MSG_HAND).route == other);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CONNECT_FAILED);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).status, CB_OK);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 4), CB_JOB_CONNECT_FAILED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_PENDING);
    end();
}

/* -- orders -- */

static void test_an_order_in_the_place_of_another(void)
{
    begin(double_limits());
    uint32_t route = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    play_command(&p, route, 20, false);
    uint64_t first = effect(CB_MSG_ORDER).job;
    play_done(&p, route, first, CB_OK);
    play_command(&p, route, 20, false);
    uint64_t second = effect(CB_MSG_ORDER).job;
    CU_ASSERT(first != second && (uint32_t)first == (uint32_t)second);
    uint64_t ignored = cb_step_ignored(p.d.step);
    play_done(&p, route, first, CB_OK);
    CU_ASSERT(cb_step_ignored(p.d.step) == ignored + 1 && count(CB_MSG_ANSWER) == 0);
    play_done(&p, route, second, CB_OK);
    CU_ASSERT_EQUAL(count(CB_MSG_ANSWER), 1);
    end();
}

/* -- interrupts -- */

static void test_one_interrupt_a_job(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 20;
    begin(limits);
    uint32_t route = play_open(&p, 10);
    cb_message late = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, late.to, late.job, 0);
    play_begin(&p, route, 10);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    uint64_t exchange = effect(CB_MSG_HAND).job;
    play_tick(&p, 10 * MS - 1);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 0);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 2);
    CU_ASSERT_EQUAL(effect(CB_MSG_INTERRUPT).status, CB_JOB_CALLBACK_TIMEOUT);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    play_tick(&p, 20 * MS);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 0); /* they know */
    CU_ASSERT_EQUAL(cb_step_job_at(p.d.step, (uint32_t)exchange)->interrupted, 1);
    end();
}

/* What begins although the grace is over is told so at once, and has no time limit any more. */
static void test_a_start_after_the_grace(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 20;
    begin(limits);
    uint32_t route = play_open(&p, 1);
    cb_message hand = play_first_request(&p, route, 1);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    play_tick(&p, 20 * MS);
    CU_ASSERT(count(CB_MSG_TAKE_BACK) == 1 && count(CB_MSG_INTERRUPT) == 0);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    CU_ASSERT(count(CB_MSG_INTERRUPT) == 1 && effect(CB_MSG_INTERRUPT).job == hand.job);
    CU_ASSERT_EQUAL(effect(CB_MSG_INTERRUPT).status, CB_JOB_CANCELED);
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 0);
    end();
}

/* -- suspicion -- */

/* A worker that is late with its only job has nothing that another could run. */
static void test_late_with_nothing_behind(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_SUSPECT);
    CU_ASSERT(count(CB_MSG_TAKE_BACK) == 0 && count(CB_MSG_ADD_ACTOR) == 0);
    CU_ASSERT_EQUAL(p.d.step->spread, 1);
    play_request(&p, route, 2);
    CU_ASSERT(count(CB_MSG_HAND) == 0 && count(CB_MSG_ADD_ACTOR) == 1);
    end();
}

static void test_late_to_the_nanosecond(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    cb_message second = play_request(&p, route, 2);
    play_request(&p, route, 3);
    play_tick(&p, 2 * MS - 1);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0); /* its time counts from now */
    play_tick(&p, 2 * MS - 1);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_SUSPECT);
    CU_ASSERT_EQUAL(count(CB_MSG_TAKE_BACK), 1);
    CU_ASSERT_EQUAL(p.d.step->spread, 2);
    play_actor(&p, CB_MSG_JOB_COMPLETED, second.to, second.job, 0);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
    end();
}

/* As many are fed at once as there may be actors, not twice that. */
static void test_the_spread_has_a_bound(void)
{
    cb_limits limits = double_limits();
    limits.max_actors = 3;
    limits.hand_batch = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    play_first_request(&p, route, 1);
    for (uint32_t i = 2; i < 12; i++) {
        play_request(&p, route, i);
    }
    static const uint32_t spreads[] = {2, 4, 4, 4};
    for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++) {
        play_tick(&p, 2 * MS);
        CU_ASSERT_EQUAL(p.d.step->spread, spreads[i]);
        for (uint32_t slot = 0; slot < p.d.step->workers.high; slot++) {
            const cb_step_worker *worker = cb_step_worker_at(p.d.step, slot);
            if (worker->state == CB_WORKER_STARTING) {
                play_actor(&p, CB_MSG_ACTOR_READY, worker->address, 0, 0);
            }
        }
    }
    CU_ASSERT_EQUAL(p.d.step->workers.count, 3);
    end();
}

/* -- the grace and the end -- */

static void test_the_grace_to_the_nanosecond(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_tick(&p, 3 * MS);
    send_as(MAIN_ASKER + 1, CB_MSG_HELLO);
    send_as(MAIN_ASKER + 2, CB_MSG_SHUTDOWN);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), p.d.now_ns + 100 * MS);
    play_tick(&p, 100 * MS - 1);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 0);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 4); /* nobody finishes: three askers, too */
    CU_ASSERT_EQUAL(p.d.step->shutdown, CB_CUTTING_OFF);
    end();
}

/* What waits, what is on the wire and what runs: each ends as canceled. */
static void test_what_the_grace_cuts_off(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    limits.max_client_jobs = 1;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    uint64_t exchange = effect(CB_MSG_HAND).job;
    play_begin(&p, route, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_tick(&p, 2 * MS);
    play_request(&p, route, 2); /* waits for another worker */
    play_listener(&p, CB_MSG_ACCEPTED, route, 3);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, false).kind, 0);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT) + count(CB_MSG_DROP) + count(CB_MSG_ANSWER), 0);
    play_tick(&p, 100 * MS);
    CU_ASSERT_EQUAL(count(CB_MSG_INTERRUPT), 2);
    for (size_t i = 0; i < 2; i++) {
        cb_message interrupt = double_effect(&p.d, CB_MSG_INTERRUPT, i);
        CU_ASSERT_EQUAL(interrupt.status, CB_JOB_CANCELED);
        CU_ASSERT(interrupt.to == (i == 0 ? hand.to : CLIENT));
        CU_ASSERT(interrupt.job == (i == 0 ? hand.job : exchange));
    }
    CU_ASSERT_EQUAL(count(CB_MSG_DROP), 2);
    for (size_t i = 0; i < 2; i++) {
        cb_message drop = double_effect(&p.d, CB_MSG_DROP, i);
        CU_ASSERT(drop.status == CB_JOB_CANCELED && drop.connection == 2 + i);
    }
    CU_ASSERT(count(CB_MSG_ANSWER) == 1 && effect(CB_MSG_ANSWER).status == CB_STOPPED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_PENDING);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CANCELED);
    end();
}

/* What was answered but not read is cut off; what failed has been told so before. */
static void test_responses_that_nobody_reads(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message good = play_first_request(&p, route, 1);
    cb_message bad = play_request(&p, route, 2);
    play_actor(&p, CB_MSG_JOB_COMPLETED, good.to, good.job, CB_JOB_SUCCESS);
    play_actor(&p, CB_MSG_JOB_COMPLETED, bad.to, bad.job, CB_JOB_CALLBACK_FAILED);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(count(CB_MSG_DROP), 0);
    play_tick(&p, 100 * MS);
    CU_ASSERT(count(CB_MSG_DROP) == 1 && effect(CB_MSG_DROP).connection == 1);
    CU_ASSERT_EQUAL(effect(CB_MSG_DROP).status, CB_JOB_CANCELED);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 2);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, good.to, 0, 0);
    CU_ASSERT(effect(CB_MSG_ANSWER).status == CB_OK && effect(CB_MSG_ANSWER).value == 0);
    end();
}

/* What stops slowly has the grace to do so, and at least half a second. */
static void test_the_time_to_stop(void)
{
    static const int64_t graces[][2] = {{0, 500}, {100, 500}, {500, 500}, {501, 501}, {900, 900}};
    for (size_t i = 0; i < sizeof graces / sizeof *graces; i++) {
        cb_limits limits = double_limits();
        limits.grace_ms = graces[i][0];
        begin(limits);
        uint32_t route = play_open(&p, -1);
        play_first_request(&p, route, 1);
        send_as(MAIN_ASKER, CB_MSG_FINISH);
        play_tick(&p, graces[i][0] * MS);
        CU_ASSERT_EQUAL(count(CB_MSG_ANSWER), 0);
        play_tick(&p, graces[i][1] * MS - 1);
        CU_ASSERT_EQUAL(count(CB_MSG_ANSWER), 0);
        CU_ASSERT_EQUAL(count(CB_MSG_RETIRE_ACTOR), 0);
        play_tick(&p, 1);
        CU_ASSERT(effect(CB_MSG_ANSWER).status == CB_TIMEOUT && effect(CB_MSG_ANSWER).value == 0);
        CU_ASSERT_EQUAL(count(CB_MSG_RETIRE_ACTOR), 1);
        CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX);
        end();
    }
}

/* One that goes on at the last moment is told to end like the others. */
static void test_a_worker_that_is_fed_at_the_end(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(play_request(&p, route, 2).to, hand.to);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    play_tick(&p, 100 * MS);
    play_tick(&p, 499 * MS);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
    play_tick(&p, MS);
    CU_ASSERT(count(CB_MSG_RETIRE_ACTOR) == 1 && effect(CB_MSG_RETIRE_ACTOR).to == hand.to);
    CU_ASSERT_EQUAL(effect(CB_MSG_ANSWER).status, CB_TIMEOUT);
    end();
}

/* FINISH after the grace has its time from then on. */
static void test_a_finish_after_the_grace(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    play_first_request(&p, route, 1);
    send_as(MAIN_ASKER + 1, CB_MSG_SHUTDOWN);
    play_tick(&p, 100 * MS);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX);
    play_tick(&p, 50 * MS);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), p.d.now_ns + 500 * MS);
    end();
}

/* Who retires: every worker, and the client actor if there is one; each once, and when all is
 * quiet. */
static void test_who_retires(void)
{
    for (uint32_t with_client = 0; with_client < 3; with_client++) { /* none, ready, starting */
        begin(double_limits());
        uint32_t route = play_open(&p, -1);
        cb_message hand = play_first_request(&p, route, 1);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
        play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
        if (with_client > 0) {
            play_begin(&p, route, 1);
        }
        if (with_client == 1) {
            play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
            play_actor(&p, CB_MSG_JOB_COMPLETED, CLIENT, effect(CB_MSG_HAND).job, 0);
        } else {
            play_tick(&p, MS); /* the exchange did not even begin */
        }
        play_tick(&p, 2 * MS);
        send_as(MAIN_ASKER, CB_MSG_FINISH);
        CU_ASSERT_EQUAL(count(CB_MSG_RETIRE_ACTOR), 0);
        play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
        CU_ASSERT_EQUAL(count(CB_MSG_RETIRE_ACTOR), with_client > 0 ? 2 : 1);
        CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step),
                        p.d.now_ns + p.d.step->limits.grace_ms * MS);
        if (with_client == 2) {
            CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ACTOR_READY, .from = CLIENT}));
        }
        play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, 0);
        CU_ASSERT_EQUAL(count(CB_MSG_ANSWER), with_client > 0 ? 0 : 1);
        if (with_client > 0) {
            play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, 0);
        }
        CU_ASSERT(effect(CB_MSG_ANSWER).status == CB_OK && effect(CB_MSG_ANSWER).value == 1);
        CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX);
        end();
    }
}

/* A finish with nothing to do is answered at once, and nothing begins afterwards. */
static void test_nothing_begins_after_the_end(void)
{
    begin(double_limits());
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT(effect(CB_MSG_ANSWER).status == CB_OK && effect(CB_MSG_ANSWER).value == 1);
    CU_ASSERT_EQUAL(play_opening(&p, -1), 0);
    CU_ASSERT_EQUAL(effect(CB_MSG_ANSWER).status, CB_STOPPED);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_CLOSED);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, -1).value, 0);
    send_as(MAIN_ASKER, CB_MSG_FINISH);
    CU_ASSERT_EQUAL(effect(CB_MSG_ANSWER).status, CB_INVALID);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a client actor that cannot start", test_a_client_actor_that_cannot_start},
        {"a client actor that breaks", test_a_client_actor_that_breaks},
        {"a job that the client gives back", test_a_job_that_the_client_gives_back},
        {"exchanges with a route that closed", test_exchanges_with_a_route_that_closed},
        {"an order in the place of another", test_an_order_in_the_place_of_another},
        {"one interrupt a job", test_one_interrupt_a_job},
        {"a start after the grace", test_a_start_after_the_grace},
        {"late with nothing behind", test_late_with_nothing_behind},
        {"late to the nanosecond", test_late_to_the_nanosecond},
        {"the spread has a bound", test_the_spread_has_a_bound},
        {"the grace to the nanosecond", test_the_grace_to_the_nanosecond},
        {"what the grace cuts off", test_what_the_grace_cuts_off},
        {"responses that nobody reads", test_responses_that_nobody_reads},
        {"the time to stop", test_the_time_to_stop},
        {"a worker that is fed at the end", test_a_worker_that_is_fed_at_the_end},
        {"a finish after the grace", test_a_finish_after_the_grace},
        {"who retires", test_who_retires},
        {"nothing begins after the end", test_nothing_begins_after_the_end},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, lives", tests);
}
