/* The step at its ends: numbers that are the last ones there are, tables that begin anew, moments
 * that are exactly the limit, and things that must happen once and not twice. */
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

static cb_message answer(void)
{
    return double_effect(&p.d, CB_MSG_ANSWER, 0);
}

static cb_step_space *space(void)
{
    return cb_step_space_at(p.d.step, 1);
}

/* The free places of a table look as if so many objects had lived there. */
static void age(cb_slots *table, uint32_t generation)
{
    for (uint32_t i = 0; i < table->high; i++) {
        cb_slot *slot = cb_slots_item(table, i);
        if (slot->link != CB_SLOT_IN_USE) {
            slot->generation = generation;
        }
    }
}

/* -- once and not twice -- */

static void test_a_job_is_interrupted_once(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    begin(limits);
    uint32_t route = play_open(&p, 5);
    cb_message late = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, late.to, late.job, 0);
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).status, CB_JOB_CALLBACK_TIMEOUT);
    play_begin(&p, route, 3);
    play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    cb_message exchange = double_effect(&p.d, CB_MSG_HAND, 0);
    play_tick(&p, 3 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, exchange.job);
    cb_message other = play_request(&p, route, 2);
    if (other.kind == 0) {
        play_start_worker(&p);
        other = double_effect(&p.d, CB_MSG_HAND, 0);
    }
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    play_tick(&p, 97 * MS);
    play_actor(&p, CB_MSG_JOB_STARTED, other.to, other.job, 0);
    play_tick(&p, 3 * MS); /* the grace is over: only who has not been told is told */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, other.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).status, CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 1).to, MAIN_ASKER);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 2);
    /* The next job in the same place has not been told anything. */
    play_actor(&p, CB_MSG_JOB_COMPLETED, late.to, late.job, CB_JOB_CALLBACK_TIMEOUT);
    end();
}

static void test_the_next_in_its_place_is_interrupted_too(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, 5);
    cb_message hand = play_first_request(&p, route, 1);
    for (uint32_t i = 1; i < 4; i++) {
        play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
        play_tick(&p, 5 * MS);
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, hand.job);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_TIMEOUT);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, i);
        cb_message next = play_request(&p, route, i + 1);
        CU_ASSERT_EQUAL((uint32_t)next.job, (uint32_t)hand.job);
        hand = next;
    }
    end();
}

/* -- exactly the limit -- */

/* A worker that is not back has something to give back only if it holds more than it runs. */
static void test_what_lies_behind(void)
{
    for (uint32_t behind = 0; behind < 3; behind++) {
        cb_limits limits = double_limits();
        begin(limits);
        cb_step_take_notes(p.d.step);
        uint32_t route = play_open(&p, -1);
        cb_message hand = play_first_request(&p, route, 1);
        play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
        for (uint32_t i = 0; i < behind; i++) {
            CU_ASSERT_EQUAL(play_request(&p, route, 2 + i).to, hand.to);
        }
        play_tick(&p, limits.suspect_us * 1000 - 1);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 0);
        CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
        play_tick(&p, 1);
        CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_SUSPECT);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), behind > 0 ? 1 : 0);
        CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->unsure, behind);
        CU_ASSERT_EQUAL(cb_step_notes(p.d.step).count, behind > 0 ? 1 : 0);
        CU_ASSERT_EQUAL(p.d.step->spread, behind > 0 ? 2 : 1);
        end();
    }
}

static void test_the_end_of_a_grace(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 10;
    begin(limits);
    uint32_t route = play_open(&p, -1);
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    play_tick(&p, 10 * MS - 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP) + double_count(&p.d, CB_MSG_INTERRUPT), 0);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_INTERRUPT), 1);
    end();
}

static void test_time_limits(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    const struct {
        int64_t timeout_ms;
        bool valid;
    } limits[] = {{INT64_MIN, false}, {-2, false},       {-1, true},
                  {0, true},          {INT32_MAX, true}, {(int64_t)INT32_MAX + 1, false},
                  {INT64_MAX, false}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        cb_message wait = play_wait(&p, CB_WAIT_TIME, 0, limits[i].timeout_ms);
        CU_ASSERT_EQUAL(wait.kind == CB_MSG_ANSWER && wait.status == CB_INVALID, !limits[i].valid);
        cb_message job = play_begin(&p, route, limits[i].timeout_ms);
        CU_ASSERT_EQUAL(job.status, limits[i].valid ? CB_OK : CB_INVALID);
        cb_message local = play_start(&p, CB_ROUTE_NONE, limits[i].timeout_ms);
        CU_ASSERT_EQUAL(local.status, limits[i].valid ? CB_OK : CB_INVALID);
    }
    end();
}

/* Where the clock ends, deadlines lie at the last moment before "none". */
static void test_the_end_of_the_clock(void)
{
    begin(double_limits());
    p.d.now_ns = INT64_MAX - 10 * MS;
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 5).kind, 0);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX - 5 * MS);
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, INT32_MAX).kind, 0);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX - 1);
    play_tick(&p, 5 * MS - 2);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX);
    end();
}

/* Both sides of the last moment, and a worker whose time would lie behind it. */
static void test_the_last_moment(void)
{
    for (int64_t before_ns = 0; before_ns < 3; before_ns++) {
        begin(double_limits());
        p.d.now_ns = INT64_MAX - before_ns - 5 * MS;
        CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_TIME, 0, 5).kind, 0);
        CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step),
                        INT64_MAX - (before_ns < 1 ? 1 : before_ns));
        end();
    }
    begin(double_limits());
    p.d.now_ns = INT64_MAX - MS;
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), INT64_MAX - 1);
    play_tick(&p, MS - 2);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_FED);
    play_tick(&p, 1);
    CU_ASSERT_EQUAL(cb_step_worker_at(p.d.step, 0)->state, CB_WORKER_SUSPECT);
    p.d.now_ns = INT64_MAX;
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), 1);
    end();
}

/* -- tables that begin anew -- */

static void fail_next(uint32_t route, uint32_t connection, cb_message *hand)
{
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand->to, hand->job, CB_JOB_CALLBACK_FAILED);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, connection);
    *hand = play_request(&p, route, connection + 1);
}

/* What a client exchange from this port is told: its own status, or what the server side left. */
static int32_t told(uint32_t route, uint32_t port)
{
    cb_message job = play_begin(&p, route, -1);
    if (double_count(&p.d, CB_MSG_ADD_ACTOR) > 0) {
        play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    }
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = CB_ADDRESS_CLIENT,
                                   .job = hand.job,
                                   .status = CB_JOB_RECEIVE_FAILED,
                                   .connection = port});
    return (int32_t)play_ask(&p, CB_ASK_JOB_STATUS, (uint64_t)job.value);
}

/* Outcomes are a ring: the oldest one makes room, whichever place it has. */
static void test_the_oldest_outcome_makes_room(void)
{
    const uint32_t most = CB_STEP_OUTCOMES_MAX;
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    for (uint32_t i = 1; i <= most; i++) {
        fail_next(route, i, &hand);
    }
    CU_ASSERT_EQUAL(p.d.step->outcomes.places.count, most);
    fail_next(route, most + 1, &hand);
    CU_ASSERT_EQUAL(p.d.step->outcomes.places.count, most);
    CU_ASSERT_EQUAL(told(route, 5000 + 1), CB_JOB_RECEIVE_FAILED);
    CU_ASSERT_EQUAL(told(route, 5000 + most + 1), CB_JOB_CALLBACK_FAILED);
    for (uint32_t i = 2; i <= 40; i++) {
        fail_next(route, most + i, &hand);
        CU_ASSERT_EQUAL(told(route, 5000 + i), CB_JOB_RECEIVE_FAILED);
    }
    for (uint32_t i = 41; i <= most; i += 511) {
        CU_ASSERT_EQUAL(told(route, 5000 + i), CB_JOB_CALLBACK_FAILED);
        CU_ASSERT_EQUAL(told(route, 5000 + i), CB_JOB_RECEIVE_FAILED); /* it is told once */
    }
    end();
}

/* Ports have 16 bits; what has more is no port, and not the one of its last bits. */
static void test_ports(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    fail_next(route, 1, &hand);
    CU_ASSERT_EQUAL(told(route, 0x10000u + 5001), CB_JOB_RECEIVE_FAILED);
    CU_ASSERT_EQUAL(told(route, 0x80000000u + 5001), CB_JOB_RECEIVE_FAILED);
    CU_ASSERT_EQUAL(told(route, 5001), CB_JOB_CALLBACK_FAILED);
    const int64_t ports[] = {65535, 65536, 0, -1, 0x10000 + 7, INT64_MIN + 7};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_SUCCESS);
        double_send(&p.d, (cb_message){.kind = CB_MSG_ACCEPTED,
                                       .flags = CB_FLAG_LOOPBACK,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .connection = 100 + (uint32_t)i,
                                       .value = ports[i]});
        play_listener(&p, CB_MSG_REQUEST_READY, route, 100 + (uint32_t)i);
        hand = double_effect(&p.d, CB_MSG_HAND, 0);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
        hand = play_request(&p, route, 200 + (uint32_t)i);
    }
    CU_ASSERT_EQUAL(p.d.step->outcomes.places.count, 1); /* of the one that is a port */
    CU_ASSERT_EQUAL(told(route, 7), CB_JOB_RECEIVE_FAILED);
    CU_ASSERT_EQUAL(told(route, 65535), CB_JOB_CALLBACK_FAILED);
    end();
}

/* -- the last numbers there are -- */

/* The generation after the last one is 1: 0 would make the handle of the first place "no job". */
static void test_generations_of_jobs(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message old = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, old.to, old.job, CB_JOB_SUCCESS);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    CU_ASSERT_EQUAL(p.d.step->jobs.count, 0);
    age(&p.d.step->jobs, UINT32_MAX - 1u);
    cb_message last = play_request(&p, route, 2);
    CU_ASSERT_EQUAL(last.job >> 32, UINT32_MAX);
    cb_message early = {.kind = CB_MSG_JOB_STARTED, .from = last.to, .job = old.job};
    CU_ASSERT(play_ignores(&p, early));
    play_actor(&p, CB_MSG_JOB_STARTED, last.to, last.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, last.to, last.job, CB_JOB_SUCCESS);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 2);
    cb_message first = play_request(&p, route, 3);
    CU_ASSERT_EQUAL(first.job >> 32, 1);
    CU_ASSERT(play_ignores(
        &p, (cb_message){.kind = CB_MSG_JOB_STARTED, .from = last.to, .job = last.job}));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 0);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
    end();
}

static void test_generations_of_orders(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    age(&p.d.step->waits, UINT32_MAX - 1u);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, false).kind, 0);
    cb_message last = double_effect(&p.d, CB_MSG_ORDER, 0);
    CU_ASSERT_EQUAL(last.job >> 32, UINT32_MAX);
    play_done(&p, route, last.job, CB_OK);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, false).kind, 0);
    cb_message first = double_effect(&p.d, CB_MSG_ORDER, 0);
    CU_ASSERT_EQUAL(first.job, (UINT64_C(1) << 32) | (uint32_t)last.job);
    play_done(&p, route, last.job, CB_OK); /* once more */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    play_done(&p, route, first.job, CB_OK);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    end();
}

static cb_message open_in(uint8_t name_space)
{
    return double_ask(&p.d, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                                         .name_space = name_space,
                                         .connection = cb_route_word(CB_ROUTE_LOCAL, 0),
                                         .payload = double_payload(&p.d)});
}

/* The last id is the one before CB_ROUTE_ONLY, which is none. */
static void test_ids_of_routes(void)
{
    begin(double_limits());
    CU_ASSERT_EQUAL(open_in(1).value, 1);
    space()->last_route = CB_ROUTE_ONLY - 3u;
    CU_ASSERT_EQUAL(open_in(1).value, (int64_t)CB_ROUTE_ONLY - 2);
    CU_ASSERT_EQUAL(open_in(1).value, (int64_t)CB_ROUTE_ONLY - 1);
    CU_ASSERT_EQUAL(open_in(1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(open_in(1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    CU_ASSERT_EQUAL(open_in(2).value, 1);
    CU_ASSERT_EQUAL(open_in(255).value, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, CB_ROUTE_ONLY - 1u), 1);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY - 1u, -1).status, CB_OK);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_ONLY, -1).status, CB_MISMATCH); /* three are open */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, UINT64_C(0x100000001)), CB_UNKNOWN * 1000);
    end();
}

/* Ids of jobs have 56 bits, beside the namespace's eight in a key. */
static void test_ids_of_jobs(void)
{
    const uint64_t last = (UINT64_C(1) << 56) - 1u;
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).value, 1);
    space()->last_job = last - 2u;
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).value, (int64_t)last - 1);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).value, (int64_t)last);
    CU_ASSERT_EQUAL(play_begin(&p, route, -1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(space()->untaken, 3);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, last), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, last + 2u), 0); /* 1 of the next namespace? */
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, last, -1).kind, 0);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_JOB_COMPLETE, last + 2u, -1).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(play_take(&p, last, 0).status, CB_NOT_COMPLETE);
    CU_ASSERT_EQUAL(play_about_job(&p, CB_MSG_CANCEL_JOB, last - 1u).value, 1);
    CU_ASSERT_EQUAL(play_take(&p, last - 1u, 0).status, CB_NO_RESULT);
    end();
}

/* Actors have the numbers below those of askers. */
static void test_addresses_of_listeners(void)
{
    begin(double_limits());
    p.d.step->last_actor = CB_ADDRESS_FIRST_ASKER - 3u;
    uint32_t before = play_opening(&p, -1);
    CU_ASSERT_EQUAL(p.listeners[before], CB_ADDRESS_FIRST_ASKER - 2u);
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(p.listeners[route], CB_ADDRESS_FIRST_ASKER - 1u);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 1);
    CU_ASSERT_EQUAL(play_opening(&p, -1), 0);
    CU_ASSERT_EQUAL(answer().status, CB_LIMIT);
    CU_ASSERT_EQUAL(p.d.step->waits.count, 1); /* of the one that opens */
    /* Nobody can run its request: there is no number for a worker. */
    play_request(&p, route, 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    end();
}

static void test_addresses_of_workers(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    p.d.step->last_actor = CB_ADDRESS_FIRST_ASKER - 2u;
    cb_message hand = play_first_request(&p, route, 1);
    CU_ASSERT_EQUAL(hand.to, CB_ADDRESS_FIRST_ASKER - 1u);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_WAIT,
                                   .value = -1,
                                   .from = hand.to,
                                   .route = (uint32_t)hand.job,
                                   .connection = (uint32_t)(hand.job >> 32)});
    CU_ASSERT_EQUAL(p.d.step->waits.count, 1); /* a worker's, though it is the last one */
    play_tick(&p, 5 * MS);
    CU_ASSERT_EQUAL(play_request(&p, route, 2).kind, 0); /* it waits: one worker is there */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR) + double_count(&p.d, CB_MSG_DROP), 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);
    CU_ASSERT_EQUAL(p.d.step->waits.count, 0);
    end();
}

/* The first asker's number is an asker's, and the last one's, too. */
static void test_addresses_of_askers(void)
{
    const uint32_t addresses[] = {CB_ADDRESS_FIRST_ASKER, UINT32_MAX};
    begin(double_limits());
    for (size_t i = 0; i < 2; i++) {
        cb_message sleep = {.kind = CB_MSG_WAIT, .value = -1, .from = addresses[i]};
        double_send(&p.d, sleep);
        CU_ASSERT_EQUAL(p.d.step->askers.count, 1);
        CU_ASSERT_EQUAL(p.d.step->waits.count, 1);
        double_send(&p.d, (cb_message){.kind = CB_MSG_GOODBYE, .from = addresses[i]});
        CU_ASSERT_EQUAL(p.d.step->askers.count + p.d.step->waits.count, 0);
    }
    double_send(&p.d, (cb_message){.kind = CB_MSG_WAIT, .value = -1, .from = 0x7fffffffu});
    CU_ASSERT_EQUAL(answer().status, CB_STOPPED);
    CU_ASSERT_EQUAL(p.d.step->askers.count, 0);
    end();
}

/* Connections have any number there is. */
static void test_numbers_of_connections(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    const uint32_t numbers[] = {0, UINT32_MAX, 0x80000000u};
    cb_message hands[3];
    hands[0] = play_first_request(&p, route, numbers[0]);
    hands[1] = play_request(&p, route, numbers[1]);
    hands[2] = play_request(&p, route, numbers[2]);
    for (size_t i = 0; i < 3; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hands[i].to, hands[i].job, CB_JOB_SUCCESS);
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_RESPOND, 0).connection, numbers[i]);
        play_listener(&p, CB_MSG_RESPONSE_SENT, route, numbers[i]);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), (int64_t)i + 1);
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a job is interrupted once", test_a_job_is_interrupted_once},
        {"the next in its place, too", test_the_next_in_its_place_is_interrupted_too},
        {"what lies behind", test_what_lies_behind},
        {"the end of a grace", test_the_end_of_a_grace},
        {"time limits", test_time_limits},
        {"the end of the clock", test_the_end_of_the_clock},
        {"the last moment", test_the_last_moment},
        {"the oldest outcome makes room", test_the_oldest_outcome_makes_room},
        {"ports", test_ports},
        {"generations of jobs", test_generations_of_jobs},
        {"generations of orders", test_generations_of_orders},
        {"ids of routes", test_ids_of_routes},
        {"ids of jobs", test_ids_of_jobs},
        {"addresses of listeners", test_addresses_of_listeners},
        {"addresses of workers", test_addresses_of_workers},
        {"addresses of askers", test_addresses_of_askers},
        {"numbers of connections", test_numbers_of_connections},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, at its ends", tests);
}
