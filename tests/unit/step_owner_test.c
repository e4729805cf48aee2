/* Nothing outlives who asked for it: what a callback waits for ends with its job, what an asker
 * waits for ends with the asker, whatever it is and however they end; and nothing else ends with
 * them. */
#include "tests/unit/step_play.h"

#define TIMES 1000u
#define OTHER (MAIN_ASKER + 7u)

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

static uint32_t waits(void)
{
    return p.d.step->waits.count;
}

static cb_message answer(size_t n)
{
    return double_effect(&p.d, CB_MSG_ANSWER, n);
}

/* A question of an asker or, with its job, of a worker. */
static cb_effects ask_as(uint32_t from, uint64_t job, cb_message question)
{
    question.name_space = 1;
    question.from = from;
    question.cause = UINT64_C(0x200000) + p.d.next_cause++;
    cb_message_set_asking_job(&question, job);
    return double_send(&p.d, question);
}

static void goodbye(uint32_t asker)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_GOODBYE, .from = asker});
}

/* -- one of each: what can be waited for, so that it does not end by itself -- */

typedef struct scenery {
    uint32_t tcp;     /* with a request that is read */
    uint32_t sockets; /* takes commands */
    uint64_t handed;  /* a local job whose worker has not said whether it began */
    uint64_t client;  /* a client job that nobody runs yet */
} scenery;

typedef enum thing {
    SLEEPS,
    SLEEPS_FOR_EVER,
    JOB_COMPLETE,
    ROUTE_DRAINED,
    CLOSE,
    COMMAND,
    SET_TLS,
    CANCEL,
    CLOSE_JOBS,
    OPEN,
    OPEN_SHARED,
    THINGS
} thing;

static cb_message question_of(thing what, const scenery *s)
{
    switch (what) {
    case SLEEPS:
        return (cb_message){.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = 1000000};
    case SLEEPS_FOR_EVER:
        return (cb_message){.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -1};
    case JOB_COMPLETE:
        return (cb_message){
            .kind = CB_MSG_WAIT, .status = CB_WAIT_JOB_COMPLETE, .value = -1, .job = s->client};
    case ROUTE_DRAINED:
        return (cb_message){
            .kind = CB_MSG_WAIT, .status = CB_WAIT_ROUTE_DRAINED, .value = 900000, .job = s->tcp};
    case CLOSE:
        return (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = s->tcp};
    case COMMAND:
        return (cb_message){.kind = CB_MSG_COMMAND,
                            .route = s->sockets,
                            .status = 20,
                            .payload = double_payload(&p.d)};
    case SET_TLS:
        return (cb_message){.kind = CB_MSG_COMMAND,
                            .route = s->sockets,
                            .status = CB_ORDER_SET_TLS,
                            .payload = double_payload(&p.d)};
    case CANCEL:
        return (cb_message){.kind = CB_MSG_CANCEL_JOB, .job = s->handed};
    case CLOSE_JOBS:
        return (cb_message){.kind = CB_MSG_CLOSE_JOBS};
    default:
        return (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                            .flags = what == OPEN_SHARED ? CB_FLAG_SHARED : 0,
                            .connection = cb_route_word(CB_ROUTE_LOOP, 0),
                            .payload = double_payload(&p.d)};
    }
}

/* A running job of its own route and worker. */
typedef struct runner {
    uint32_t route;
    uint32_t connection;
    cb_message hand;
} runner;

static runner run_one(uint32_t route, uint32_t connection)
{
    runner made = {route, connection, play_request(&p, route, connection)};
    if (made.hand.kind == 0) {
        play_start_worker(&p);
        made.hand = double_effect(&p.d, CB_MSG_HAND, 0);
    }
    play_actor(&p, CB_MSG_JOB_STARTED, made.hand.to, made.hand.job, 0);
    return made;
}

/* Its client goes as soon as it has its answer. */
static void complete(const runner *of, int32_t status)
{
    play_actor(&p, CB_MSG_JOB_COMPLETED, of->hand.to, of->hand.job, status);
}

static scenery set_the_scene(void)
{
    scenery s = {.tcp = play_open(&p, -1)};
    s.sockets = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    play_listener(&p, CB_MSG_ACCEPTED, s.tcp, 900);
    s.client = (uint64_t)play_begin(&p, s.tcp, -1).value;
    s.handed = (uint64_t)play_start(&p, CB_ROUTE_NONE, -1).value;
    play_start_worker(&p); /* it is handed the job, and says nothing any more */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);
    play_tick(&p, 5 * MS); /* so that others get other workers */
    return s;
}

/* -- jobs -- */

enum { COMPLETES, FAILS, IS_INTERRUPTED, LOSES_ITS_WORKER, ENDINGS };

static void end_job(const runner *of, unsigned how)
{
    if (how == IS_INTERRUPTED) {
        play_tick(&p, 5 * MS);
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, of->hand.job);
        complete(of, CB_JOB_CALLBACK_TIMEOUT);
    } else if (how == LOSES_ITS_WORKER) {
        play_actor(&p, CB_MSG_ACTOR_STOPPED, of->hand.to, 0, CB_IO);
    } else {
        complete(of, how == COMPLETES ? CB_JOB_SUCCESS : CB_JOB_CALLBACK_FAILED);
    }
}

/* Asks, and has the job end: the question ends with it. */
static void a_job_ends(const runner *of, const scenery *s, thing what, unsigned how)
{
    uint32_t before = waits();
    ask_as(of->hand.to, of->hand.job, question_of(what, s));
    cb_message order = double_effect(&p.d, CB_MSG_ORDER, 0);
    cb_message start = double_effect(&p.d, CB_MSG_START_LISTENER, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    CU_ASSERT_EQUAL(waits(), before + 1);
    end_job(of, how);
    cb_message said = answer(0);
    cb_message cancel = double_effect(&p.d, CB_MSG_CANCEL_ORDER, 0);
    CU_ASSERT(said.to == of->hand.to && said.status == CB_STOPPED && said.payload == 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(cancel.job, what == COMMAND ? order.job : 0);
    CU_ASSERT_EQUAL(waits(), what == SET_TLS ? before + 1 : before);
    if (order.kind != 0) {
        play_done(&p, s->sockets, order.job, CB_OK); /* too late for an answer */
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    }
    if (start.kind != 0) {
        double_send(&p.d, (cb_message){.kind = CB_MSG_ROUTE_FAILED,
                                       .name_space = 1,
                                       .from = start.to,
                                       .route = start.route,
                                       .status = CB_IO});
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    }
    CU_ASSERT_EQUAL(waits(), before);
}

static void test_every_wait_ends_with_its_job(void)
{
    for (unsigned what = 0; what < THINGS; what++) {
        begin(double_limits());
        scenery s = set_the_scene();
        uint32_t route = play_open(&p, 5);
        play_wait(&p, CB_WAIT_TIME, 0, -1); /* the asker's own: it stays */
        for (uint32_t i = 1; i <= TIMES; i++) {
            runner of = run_one(route, i);
            a_job_ends(&of, &s, (thing)what, i % ENDINGS);
            play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, i);
        }
        CU_ASSERT_EQUAL(waits(), 1);
        CU_ASSERT(p.d.step->waits.high <= 4); /* places are used again */
        end();
    }
}

/* A callback may wait for several things, if its thread gave up on the first ones; those of other
 * jobs, of the same worker's next job too, stay. */
static void test_only_its_own_end_with_a_job(void)
{
    const cb_message sleep = {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -1};
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    cb_message next = play_request(&p, route, 2);
    CU_ASSERT_EQUAL(next.to, first.to);
    for (int i = 0; i < 3; i++) {
        ask_as(first.to, first.job, sleep);
    }
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, first.job, CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 3);
    CU_ASSERT_EQUAL(waits(), 0);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, next.job, 0);
    ask_as(first.to, next.job, sleep);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    ask_as(first.to, first.job, sleep); /* of the one before: too late */
    CU_ASSERT(answer(0).to == first.to && answer(0).status == CB_STOPPED);
    CU_ASSERT_EQUAL(waits(), 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, next.job, CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(waits(), 0);
    end();
}

/* Only a running job can wait, and only its own worker can ask for it. */
static void test_who_can_wait(void)
{
    const cb_message sleep = {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -1};
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    cb_message client = play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    cb_message exchange = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT(client.value == 1 && exchange.to == CB_ADDRESS_CLIENT);
    play_actor(&p, CB_MSG_JOB_STARTED, CB_ADDRESS_CLIENT, exchange.job, 0);
    const struct {
        uint32_t from;
        uint64_t job;
    } nobody[] = {{hand.to, hand.job}, /* it is handed, and does not run */
                  {hand.to, 0},
                  {p.listeners[route], hand.job},
                  {CB_ADDRESS_CLIENT, exchange.job},
                  {hand.to, exchange.job},
                  {hand.to + 9, hand.job}};
    const size_t count = sizeof nobody / sizeof *nobody;
    for (size_t i = 0; i < 2 * count - 1; i++) {
        if (i == count) {
            play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
        }
        size_t k = i < count ? i : i - count + 1; /* now the first one can */
        ask_as(nobody[k].from, nobody[k].job, sleep);
        CU_ASSERT(answer(0).to == nobody[k].from && answer(0).status == CB_STOPPED);
    }
    ask_as(hand.to, hand.job + (UINT64_C(1) << 32), sleep); /* another in the same place */
    CU_ASSERT_EQUAL(answer(0).status, CB_STOPPED);
    ask_as(hand.to, hand.job, (cb_message){.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME});
    CU_ASSERT(answer(0).status == CB_OK && answer(0).value == 0); /* no wait, so nobody's */
    CU_ASSERT_EQUAL(waits(), 0);
    ask_as(hand.to, hand.job, sleep);
    CU_ASSERT_EQUAL(waits(), 1);
    end();
}

/* What was not asked in time is not done: the route stays open, the job is not canceled. */
static void test_too_late_does_nothing(void)
{
    begin(double_limits());
    scenery s = set_the_scene();
    uint32_t route = play_open(&p, -1);
    runner of = run_one(route, 1);
    complete(&of, CB_JOB_SUCCESS);
    for (unsigned what = 0; what < THINGS; what++) {
        ask_as(of.hand.to, of.hand.job, question_of((thing)what, &s));
        CU_ASSERT_EQUAL(answer(0).status, CB_STOPPED);
        CU_ASSERT_EQUAL(p.d.effects.count, 1u + double_count(&p.d, CB_MSG_RELEASE));
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, s.tcp), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, s.tcp), 0);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_OK);
    CU_ASSERT_EQUAL(waits(), 0);
    /* One that waits for nothing is done all the same: its route may be its own. */
    ask_as(of.hand.to, of.hand.job,
           (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .flags = CB_FLAG_AT_ONCE, .route = s.tcp});
    CU_ASSERT_EQUAL(answer(0).status, CB_OK);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, s.tcp), 1);
    end();
}

/* The limit is for all waits there are; a job's end makes room for as many as it had. */
static void test_the_limit_of_waits(void)
{
    const cb_message sleep = {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -1};
    cb_limits limits = double_limits();
    limits.max_waits = 100;
    begin(limits);
    uint32_t route = play_open(&p, 5);
    for (uint32_t i = 1; i <= 10; i++) {
        runner of = i == 1 ? (runner){route, 1, play_first_request(&p, route, 1)}
                           : (runner){route, i, play_request(&p, route, i)};
        play_actor(&p, CB_MSG_JOB_STARTED, of.hand.to, of.hand.job, 0);
        for (int k = 0; k < 100; k++) {
            ask_as(of.hand.to, of.hand.job, sleep);
            CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
        }
        ask_as(of.hand.to, of.hand.job, sleep);
        CU_ASSERT_EQUAL(answer(0).status, CB_LIMIT);
        CU_ASSERT_EQUAL(play_opening(&p, -1), 0); /* that would wait, too */
        CU_ASSERT_EQUAL(answer(0).status, CB_LIMIT);
        complete(&of, CB_JOB_CALLBACK_TIMEOUT);
        CU_ASSERT_EQUAL(waits(), 0);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, i);
    }
    CU_ASSERT_NOT_EQUAL(play_opening(&p, -1), 0);
    end();
}

/* -- askers -- */

static void test_every_wait_ends_with_its_asker(void)
{
    for (unsigned what = 0; what < THINGS; what++) {
        begin(double_limits());
        scenery s = set_the_scene();
        ask_as(OTHER, 0, question_of(SLEEPS_FOR_EVER, &s)); /* it stays */
        for (uint32_t i = 1; i <= TIMES; i++) {
            uint32_t asker = OTHER + i;
            double_send(&p.d, (cb_message){.kind = CB_MSG_HELLO, .from = asker});
            ask_as(asker, 0, question_of((thing)what, &s));
            cb_message order = double_effect(&p.d, CB_MSG_ORDER, 0);
            cb_message start = double_effect(&p.d, CB_MSG_START_LISTENER, 0);
            CU_ASSERT(double_count(&p.d, CB_MSG_ANSWER) == 0 && waits() == 2);
            goodbye(asker);
            CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
            CU_ASSERT(answer(0).to == asker && answer(0).status == CB_STOPPED);
            if (order.kind != 0) {
                play_done(&p, s.sockets, order.job, i % 2 == 0 ? CB_OK : CB_INVALID);
            }
            if (start.kind != 0) {
                double_send(&p.d, (cb_message){.kind = CB_MSG_ROUTE_FAILED,
                                               .name_space = 1,
                                               .from = start.to,
                                               .route = start.route,
                                               .status = CB_IO});
            }
            CU_ASSERT_EQUAL(waits(), 1);
            CU_ASSERT_EQUAL(p.d.step->askers.count, 2); /* the scene's, and the other */
        }
        end();
    }
}

/* Eleven open at once, of one asker of three. */
static void test_all_of_one_asker(void)
{
    begin(double_limits());
    scenery s = set_the_scene();
    for (uint32_t asker = OTHER; asker < OTHER + 3; asker++) {
        for (unsigned what = 0; what < THINGS; what++) {
            ask_as(asker, 0, question_of((thing)what, &s));
        }
    }
    CU_ASSERT_EQUAL(waits(), 3 * THINGS);
    goodbye(OTHER + 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), THINGS);
    CU_ASSERT_EQUAL(waits(), 2 * THINGS + 1); /* the one is the SET_TLS */
    goodbye(OTHER + 1);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), 1);
    goodbye(OTHER);
    goodbye(OTHER + 2);
    CU_ASSERT_EQUAL(waits(), 3);
    end();
}

/* Both sides of the limit; one who is not known is answered at once, or not served. */
static void test_the_limit_of_askers(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hello = {.kind = CB_MSG_HELLO, .time_ns = p.d.now_ns};
    cb_effects said = {0};
    while (p.d.step->askers.count < CB_STEP_ASKERS_MAX) {
        hello.from = OTHER + p.d.step->askers.count;
        said = cb_step_input(p.d.step, &hello);
        p.d.inputs++;
        if (said.items[0].status != CB_OK) {
            break;
        }
    }
    CU_ASSERT_EQUAL(p.d.step->askers.count, CB_STEP_ASKERS_MAX);
    hello.from = OTHER - 1u;
    double_send(&p.d, hello);
    CU_ASSERT_EQUAL(answer(0).status, CB_LIMIT);
    ask_as(hello.from, 0, (cb_message){.kind = CB_MSG_ASK, .value = CB_ASK_OPEN_COUNT});
    CU_ASSERT(answer(0).status == CB_OK && answer(0).value == 1);
    ask_as(hello.from, 0, (cb_message){.kind = CB_MSG_WAIT, .value = -1});
    CU_ASSERT_EQUAL(answer(0).status, CB_LIMIT);
    ask_as(hello.from, 0, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = route});
    CU_ASSERT_EQUAL(answer(0).status, CB_LIMIT);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, route), 0);
    goodbye(OTHER + 1000);
    double_send(&p.d, hello);
    CU_ASSERT_EQUAL(answer(0).status, CB_OK);
    ask_as(hello.from, 0, (cb_message){.kind = CB_MSG_WAIT, .value = -1});
    CU_ASSERT_EQUAL(waits(), 1);
    end();
}

static void *no_memory(void *memory, size_t size_bytes)
{
    (void)memory;
    (void)size_bytes;
    return NULL;
}

static void test_an_asker_without_memory(void)
{
    begin(double_limits());
    cb_resize_fn *resize = p.d.step->resize;
    p.d.step->resize = no_memory;
    double_send(&p.d, (cb_message){.kind = CB_MSG_HELLO, .from = OTHER});
    CU_ASSERT_EQUAL(answer(0).status, CB_NO_MEMORY);
    ask_as(OTHER, 0, (cb_message){.kind = CB_MSG_WAIT, .value = -1});
    CU_ASSERT_EQUAL(answer(0).status, CB_NO_MEMORY);
    p.d.step->resize = resize;
    ask_as(OTHER, 0, (cb_message){.kind = CB_MSG_WAIT, .value = -1});
    CU_ASSERT_EQUAL(waits(), 1);
    end();
}

/* -- what goes on without who asked for it -- */

/* A cancel that was asked for is done, whoever hears of it. */
static void test_a_cancel_goes_on(void)
{
    begin(double_limits());
    scenery s = set_the_scene();
    ask_as(OTHER, 0, question_of(CANCEL, &s));
    goodbye(OTHER);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, s.handed), CB_PHASE_QUEUED);
    const cb_step_job *job = cb_step_job_at(p.d.step, cb_step_find_job(p.d.step, 1, s.handed));
    uint32_t worker = cb_step_worker_at(p.d.step, job->worker)->address;
    uint64_t handle = cb_step_job_handle(job, cb_step_find_job(p.d.step, 1, s.handed));
    play_actor(&p, CB_MSG_JOB_RETURNED, worker, handle, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, s.handed), CB_JOB_CANCELED);
    end();
}

/* So is a close. */
static void test_a_close_goes_on(void)
{
    begin(double_limits());
    scenery s = set_the_scene();
    ask_as(OTHER, 0, question_of(CLOSE, &s));
    goodbye(OTHER);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, s.tcp, 900);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, s.tcp, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSE_ACCEPTED, s.tcp), 1);
    CU_ASSERT_EQUAL(play_close(&p, s.tcp, 0).connection, 0); /* the first close was another */
    end();
}

/* And a route that was being opened is there for all of its namespace. */
static void test_an_opening_goes_on(void)
{
    begin(double_limits());
    scenery s = set_the_scene();
    ask_as(OTHER, 0, question_of(OPEN_SHARED, &s));
    cb_message start = double_effect(&p.d, CB_MSG_START_LISTENER, 0);
    ask_as(OTHER + 1, 0, question_of(OPEN_SHARED, &s));
    goodbye(OTHER);
    p.listeners[start.route] = start.to;
    play_listener(&p, CB_MSG_ROUTE_LISTENING, start.route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT(answer(0).to == OTHER + 1 && answer(0).value == start.route);
    ask_as(OTHER + 2, 0, question_of(OPEN_SHARED, &s));
    CU_ASSERT(answer(0).status == CB_OK && answer(0).value == start.route);
    CU_ASSERT_EQUAL(waits(), 0);
    end();
}

/* The listener takes the setting, so the client actor must hear of it. */
static void test_a_tls_setting_goes_on(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    ask_as(OTHER, 0,
           (cb_message){.kind = CB_MSG_COMMAND,
                        .route = route,
                        .status = CB_ORDER_SET_TLS,
                        .payload = double_payload(&p.d)});
    cb_message order = double_effect(&p.d, CB_MSG_ORDER, 0);
    goodbye(OTHER);
    play_done(&p, route, order.job, CB_OK);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_TLS, route), 1);
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_PIN, 0).payload, order.payload);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 1);
    end();
}

/* The end comes though nobody waits for it any more. */
static void test_a_finish_goes_on(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    ask_as(OTHER, 0, (cb_message){.kind = CB_MSG_FINISH});
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_HELLO, .from = OTHER + 1});
    goodbye(OTHER + 1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0); /* another's good-bye */
    goodbye(OTHER);
    CU_ASSERT(answer(0).to == OTHER && answer(0).status == CB_STOPPED);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    CU_ASSERT_EQUAL(p.d.step->finish, CB_FINISH_ANSWERED);
    end();
}

static void test_a_finish_that_retires_goes_on(void)
{
    for (int leaves_early = 0; leaves_early < 2; leaves_early++) {
        begin(double_limits());
        uint32_t route = play_open(&p, -1);
        runner of = {route, 1, play_first_request(&p, route, 1)};
        complete(&of, CB_JOB_SUCCESS);
        play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
        ask_as(OTHER, 0, (cb_message){.kind = CB_MSG_FINISH});
        play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RETIRE_ACTOR), 1);
        if (leaves_early) {
            goodbye(OTHER);
            CU_ASSERT(answer(0).to == OTHER && answer(0).status == CB_STOPPED);
        }
        play_actor(&p, CB_MSG_ACTOR_STOPPED, of.hand.to, 0, CB_OK);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), leaves_early ? 0 : 1);
        CU_ASSERT_EQUAL(p.d.step->finish, CB_FINISH_ANSWERED);
        goodbye(OTHER); /* it has had its answer */
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
        end();
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"every wait ends with its job", test_every_wait_ends_with_its_job},
        {"only its own end with a job", test_only_its_own_end_with_a_job},
        {"who can wait", test_who_can_wait},
        {"what comes too late does nothing", test_too_late_does_nothing},
        {"limit: waits", test_the_limit_of_waits},
        {"every wait ends with its asker", test_every_wait_ends_with_its_asker},
        {"all of one asker", test_all_of_one_asker},
        {"limit: askers", test_the_limit_of_askers},
        {"an asker without memory", test_an_asker_without_memory},
        {"a cancel goes on", test_a_cancel_goes_on},
        {"a close goes on", test_a_close_goes_on},
        {"an opening goes on", test_an_opening_goes_on},
        {"a TLS setting goes on", test_a_tls_setting_goes_on},
        {"a finish goes on", test_a_finish_goes_on},
        {"a finish that retires goes on", test_a_finish_that_retires_goes_on},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, owners", tests);
}
