/* The step under every order of messages of small worlds: depth first over all choices, states that
 * were seen before not again. In each state the step's own recount holds and so does what the world
 * knows; at each path's end every question is answered, every request ended, no payload is lost. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

#define WORLD_ASKERS      3u
#define WORLD_ROUTES      2u
#define WORLD_CONNECTIONS 3u
#define WORLD_WORKERS     2u
#define WORLD_QUEUE       8u
#include "tests/unit/step_choices.h"

#define SEEN_LOG2  22u /* 4 million states, 64 MiB: far more than the worlds below have */
#define SEEN_SIZE  (UINT32_C(1) << SEEN_LOG2)
#define ON_THE_WAY (-1.0)

typedef struct seen_state {
    uint64_t hash; /* 0: empty */
    double paths;  /* from here to an end */
} seen_state;

typedef struct exploration {
    seen_state *seen;
    uint64_t states;
    uint64_t edges;
    uint64_t ends;
    uint64_t most_states;
    unsigned deepest;
    const char *wrong;
    bool loud;         /* print the way to what is wrong */
    bool lose_answers; /* self-test: the world forgets an answer that it was given */
} exploration;

static uint64_t hash_world(const world *w, const cb_step *step)
{
    uint64_t hash = cb_step_hash_present(step);
    const unsigned char *bytes = (const unsigned char *)w;
    for (size_t at = offsetof(world, askers); at + 8 <= sizeof *w; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        if (word != 0) { /* most of a world is empty queues */
            hash = (hash ^ word ^ (at << 48)) * UINT64_C(0x9e3779b97f4a7c15);
            hash ^= hash >> 31;
        }
    }
    return hash == 0 ? 1 : hash;
}

static seen_state *look_up(exploration *e, uint64_t hash)
{
    uint32_t place = (uint32_t)(hash >> (64u - SEEN_LOG2));
    while (e->seen[place].hash != 0 && e->seen[place].hash != hash) {
        place = (place + 1u) & (SEEN_SIZE - 1u);
    }
    return &e->seen[place];
}

static double explore(exploration *e, const world *w, cb_step *step, unsigned depth)
{
    uint64_t hash = hash_world(w, step);
    seen_state *state = look_up(e, hash);
    if (state->hash != 0) {
        return state->paths == ON_THE_WAY ? 0.0 : state->paths;
    }
    *state = (seen_state){hash, ON_THE_WAY};
    e->states++;
    e->deepest = depth > e->deepest ? depth : e->deepest;
    if (e->states > e->most_states) {
        e->wrong = "more states than the bound";
        return 0.0;
    }
    world_choice choices[WORLD_CHOICES];
    size_t count = world_choices(w, step, choices);
    double paths = 0.0;
    if (count == 0) {
        e->ends++;
        e->wrong = world_end(w, step);
        paths = 1.0;
    }
    for (size_t i = 0; i < count && e->wrong == NULL; i++) {
        world next = *w;
        cb_step *copy = cb_step_clone(step);
        if (copy == NULL) {
            e->wrong = "no memory";
            break;
        }
        e->edges++;
        world_take(&next, copy, choices[i]);
        if (e->lose_answers && next.askers[2].next == 2) {
            next.askers[2].waiting = 1;
        }
        e->wrong = next.wrong;
        if (e->wrong == NULL) {
            paths += explore(e, &next, copy, depth + 1);
        }
        if (e->wrong != NULL && e->loud) {
            fprintf(stderr, "  %u: act %d %u\n", depth, (int)choices[i].act, choices[i].index);
        }
        cb_step_free(&copy, NULL, NULL);
    }
    look_up(e, hash)->paths = paths;
    return paths;
}

static cb_limits small_limits(void)
{
    cb_limits limits;
    memset(&limits, 0, sizeof limits);
#define SMALL_LIMIT(field, value, least, most, variable, reason) limits.field = (value);
    CB_LIMITS(SMALL_LIMIT)
#undef SMALL_LIMIT
    limits.max_actors = WORLD_WORKERS;
    limits.hand_batch = 2;
    return limits;
}

static void ask(world *w, uint32_t asker, cb_message question)
{
    question.name_space = 1;
    w->askers[asker].script[w->askers[asker].length++] = question;
}

static const cb_message finish = {.kind = CB_MSG_FINISH};

static void connect_to(world *w, uint32_t connection, uint32_t route)
{
    w->connections[connection].route = route;
    w->connections[connection].state = CONN_NEW;
}

typedef struct scene {
    const char *name;
    void (*set_up)(world *w);
    int32_t timeout_ms;
    uint32_t max_actors;
    uint32_t ahead; /* this connection's request has been delivered already; 0: none's */
} scene;

static cb_message wait_for(uint32_t what, int64_t timeout_ms, uint64_t id)
{
    return (cb_message){
        .kind = CB_MSG_WAIT, .status = (int32_t)what, .value = timeout_ms, .job = id};
}

/* Two routes, three requests, two waits, a close, a time limit. */
static void set_up_close(world *w)
{
    connect_to(w, 0, 0);
    connect_to(w, 1, 0);
    connect_to(w, 2, 1);
    ask(w, 0, wait_for(CB_WAIT_ROUTE_DRAINED, 1, 1));
    ask(w, 1, wait_for(CB_WAIT_ROUTE_DRAINED, -1, 2));
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->instant = w->eager = w->finale = 1;
    w->ticks = 1;
}

/* Requests that are read slowly, a reset, a close; every start of a job a choice of its own. */
static void set_up_reading(world *w)
{
    connect_to(w, 0, 0);
    connect_to(w, 1, 0);
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->instant = w->finale = 1;
    w->resets = 1;
    w->failures = 1;
    w->ticks = 1;
}

/* A shutdown at any moment, and the end of its grace; orders reach their actors late. */
static void set_up_shutdown(world *w)
{
    connect_to(w, 0, 0);
    connect_to(w, 1, 0);
    ask(w, 0, wait_for(CB_WAIT_ROUTE_DRAINED, -1, 1));
    ask(w, 1, finish);
    w->eager = 1;
    w->ticks = 1;
}

/* A client job through a route of its own process, waited for by two, with a time limit. */
static void set_up_client(world *w)
{
    w->connections[0].port = 5000;
    ask(w, 0,
        (cb_message){.kind = CB_MSG_BEGIN_JOB,
                     .flags = CB_FLAG_CLIENT,
                     .route = 1,
                     .value = 3,
                     .payload = request_of(0)});
    ask(w, 0, wait_for(CB_WAIT_JOB_COMPLETE, -1, 1));
    ask(w, 0, (cb_message){.kind = CB_MSG_TAKE_JOB, .job = 1});
    ask(w, 1, wait_for(CB_WAIT_JOB_COMPLETE, 2, 1));
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->failures = 1;
    w->ticks = 1;
    w->instant = w->finale = 1;
}

/* Commands, one of them late, while the route closes and the actor may refuse. */
static void set_up_orders(world *w)
{
    w->listeners[0].kind = CB_ROUTE_SOCKETS;
    w->connections[0] = (world_connection){.route = 0, .state = CONN_NEW};
    ask(w, 0,
        (cb_message){.kind = CB_MSG_COMMAND, .route = 1, .status = 20, .payload = extra_of(0)});
    ask(w, 0, (cb_message){.kind = CB_MSG_COMMAND, .route = 1, .status = 21});
    ask(w, 1,
        (cb_message){.kind = CB_MSG_COMMAND,
                     .route = 2,
                     .status = CB_ORDER_SET_TLS,
                     .payload = extra_of(1)});
    ask(w, 1, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    ask(w, 2, finish);
    w->refusals = 1;
    w->ticks = 1;
    w->instant = w->eager = 1;
}

/* Events of two lanes and two workers that may get stuck or give back; every start a choice. */
static void set_up_lanes(world *w)
{
    w->listeners[0].kind = CB_ROUTE_SOCKETS;
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        w->connections[i] = (world_connection){.route = 0, .state = CONN_NEW};
    }
    w->connections[0].number = 2; /* the other's lane */
    w->ticks = 2;
    w->blocks = 1;
    w->finale = 1;
}

/* One lane, its route closed at any moment. */
static void set_up_lane_close(world *w)
{
    w->listeners[0].kind = CB_ROUTE_UDP;
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        w->connections[i] = (world_connection){.route = 0, .state = CONN_NEW};
    }
    ask(w, 0, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->ticks = 1;
    w->blocks = 1;
    w->failures = 1;
    w->finale = w->instant = 1;
}

/* Jobs of this process, canceled at any moment: one, and all without a route. */
static void set_up_local(world *w)
{
    w->listeners[0].kind = CB_ROUTE_LOCAL;
    ask(w, 0, (cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .payload = request_of(0)});
    ask(w, 0,
        (cb_message){.kind = CB_MSG_BEGIN_JOB,
                     .route = CB_ROUTE_ONLY,
                     .value = 1,
                     .payload = request_of(1)});
    ask(w, 0, (cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .payload = request_of(2)});
    ask(w, 1, (cb_message){.kind = CB_MSG_CANCEL_JOB, .job = 1});
    ask(w, 1, (cb_message){.kind = CB_MSG_CANCEL_JOB, .job = 2});
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_JOBS});
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->ticks = 1;
    w->finale = 1;
}

/* A client job meets another certificate while two settings are on their way. */
static void set_up_tls(world *w)
{
    w->connections[0].port = 5000;
    ask(w, 0,
        (cb_message){.kind = CB_MSG_COMMAND,
                     .route = 1,
                     .status = CB_ORDER_SET_TLS,
                     .payload = extra_of(0)});
    ask(w, 0,
        (cb_message){.kind = CB_MSG_COMMAND,
                     .route = 1,
                     .status = CB_ORDER_SET_TLS,
                     .payload = extra_of(1)});
    ask(w, 1,
        (cb_message){.kind = CB_MSG_BEGIN_JOB,
                     .flags = CB_FLAG_CLIENT,
                     .route = 1,
                     .value = 3,
                     .payload = request_of(0)});
    ask(w, 2, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->refusals = 1;
    w->stales = 1;
    w->ticks = 1;
    w->instant = w->eager = w->finale = 1;
}

static void callback_asks(world *w, cb_message question)
{
    w->asks[w->asks_length++] = question;
}

/* A time limit strikes while a callback waits, and the next one waits, too. */
static void set_up_limit(world *w)
{
    w->listeners[1].kind = CB_ROUTE_SOCKETS;
    connect_to(w, 0, 0);
    connect_to(w, 1, 0);
    callback_asks(w, wait_for(CB_WAIT_TIME, -1, 0));
    callback_asks(w, (cb_message){.kind = CB_MSG_COMMAND, .route = 2, .status = 20});
    callback_asks(w, wait_for(CB_WAIT_ROUTE_DRAINED, 5, 1));
    w->eager = w->finale = 1;
    w->ticks = 2;
}

/* A callback whose time is up is doing what only its route or other jobs can end. */
static void set_up_limit_of_changes(world *w)
{
    w->listeners[0].kind = CB_ROUTE_HTTP;
    connect_to(w, 0, 0);
    connect_to(w, 1, 0);
    ask(w, 0, (cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .payload = request_of(2)});
    callback_asks(w, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    callback_asks(w, (cb_message){.kind = CB_MSG_CLOSE_JOBS});
    callback_asks(w, (cb_message){.kind = CB_MSG_CANCEL_JOB, .job = 1});
    w->eager = w->instant = w->finale = 1;
    w->ticks = 1;
}

/* Askers leave, at any moment, with waits, closes and commands open. */
static void set_up_leaving(world *w)
{
    w->listeners[1].kind = CB_ROUTE_SOCKETS;
    connect_to(w, 0, 0);
    ask(w, 0, wait_for(CB_WAIT_ROUTE_DRAINED, -1, 1));
    ask(w, 0,
        (cb_message){.kind = CB_MSG_COMMAND, .route = 2, .status = 20, .payload = extra_of(0)});
    ask(w, 1,
        (cb_message){.kind = CB_MSG_COMMAND,
                     .route = 2,
                     .status = CB_ORDER_SET_TLS,
                     .payload = extra_of(1)});
    ask(w, 1, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    w->leavers = 3;
    w->departures = 2;
    w->eager = w->finale = 1;
}

/* The same with cancels of jobs that may have begun; they are canceled all the same. */
static void set_up_leaving_cancels(world *w)
{
    w->listeners[0].kind = CB_ROUTE_LOCAL;
    ask(w, 0, (cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .payload = request_of(0)});
    ask(w, 0,
        (cb_message){.kind = CB_MSG_BEGIN_JOB,
                     .route = CB_ROUTE_ONLY,
                     .value = 1,
                     .payload = request_of(1)});
    ask(w, 0, wait_for(CB_WAIT_JOB_COMPLETE, -1, 2));
    ask(w, 1, (cb_message){.kind = CB_MSG_CANCEL_JOB, .job = 2});
    ask(w, 1, (cb_message){.kind = CB_MSG_CLOSE_JOBS});
    w->leavers = 3;
    w->departures = 2;
    w->ticks = 1;
    w->finale = 1;
}

/* Two open the one route of its kind and may leave before it listens. */
static void set_up_leaving_openers(world *w)
{
    const cb_message open = {.kind = CB_MSG_OPEN_ROUTE,
                             .flags = CB_FLAG_SHARED,
                             .status = -1,
                             .connection = cb_route_word(CB_ROUTE_SOCKETS, 0)};
    world_opens_late(w);
    w->listeners[1].kind = CB_ROUTE_SOCKETS;
    connect_to(w, 0, 0);
    ask(w, 0, open);
    ask(w, 1, open);
    w->askers[0].script[0].payload = callback_of(1);
    w->askers[1].script[0].payload = extra_of(0);
    ask(w, 0, (cb_message){.kind = CB_MSG_COMMAND, .route = 2, .status = 20});
    ask(w, 1, wait_for(CB_WAIT_ROUTE_DRAINED, 1, 1));
    w->leavers = 3;
    w->departures = 2;
    w->eager = w->finale = 1;
}

/* One opens a route that may fail to; and who asked for the end leaves. */
static void set_up_leaving_finisher(world *w)
{
    world_opens_late(w);
    connect_to(w, 0, 0);
    ask(w, 0,
        (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                     .status = -1,
                     .connection = cb_route_word(CB_ROUTE_TCP, 0),
                     .payload = callback_of(1)});
    ask(w, 0, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    ask(w, 1, (cb_message){.kind = CB_MSG_SHUTDOWN});
    ask(w, 1, finish);
    w->leavers = 3;
    w->departures = 2;
    w->refusals = 1;
    w->eager = 1;
    w->finale = 1;
}

static exploration run(const scene *s, void (*spoil)(world *w, cb_step *step, exploration *e))
{
    static seen_state *seen;
    exploration e = {.loud = spoil == NULL, .most_states = UINT64_C(1) << (SEEN_LOG2 - 1u)};
    if (seen == NULL) {
        seen = calloc(SEEN_SIZE, sizeof *seen);
        CU_ASSERT_FATAL(seen != NULL);
    }
    memset(seen, 0, SEEN_SIZE * sizeof *seen);
    e.seen = seen;
    cb_limits limits = small_limits();
    limits.max_actors = s->max_actors;
    cb_step *step = cb_step_new(&limits);
    world *w = calloc(1, sizeof *w);
    CU_ASSERT_FATAL(step != NULL && w != NULL);
    s->set_up(w);
    world_open(w, step, s->timeout_ms);
    /* CALLBOARD_STEP_WIDE=1: the larger exploration, without a head start. */
    if (s->ahead != 0 && getenv("CALLBOARD_STEP_WIDE") == NULL) {
        uint32_t route = w->connections[s->ahead].route;
        bool event = has_events(w, route);
        world_take(w, step, (world_choice){event ? ACT_EVENT : ACT_ACCEPT, s->ahead});
        while (w->listeners[route].up.count > 0) {
            world_take(w, step, (world_choice){ACT_DELIVER_LISTENER, route});
        }
    }
    if (spoil != NULL) {
        spoil(w, step, &e);
    }
    double paths = e.wrong == NULL ? explore(&e, w, step, 0) : 0.0;
    if (spoil == NULL) {
        printf("\n    %s: %llu states, %llu steps, %llu ends, %.3g orders, at most %u long: %s\n",
               s->name, (unsigned long long)e.states, (unsigned long long)e.edges,
               (unsigned long long)e.ends, paths, e.deepest,
               e.wrong == NULL ? "all hold" : e.wrong);
    }
    cb_step_free(&step, NULL, NULL);
    free(w);
    return e;
}

static const scene scenes[] = {{"a close, waits and time limits", set_up_close, 1, 1, 2},
                               {"slow readers, a reset, a refusal", set_up_reading, -1, 2, 0},
                               {"a shutdown at any moment", set_up_shutdown, -1, 2, 1},
                               {"a client job", set_up_client, 1, 1, 0},
                               {"commands, a close and the end", set_up_orders, -1, 1, 0},
                               {"lanes and two workers", set_up_lanes, -1, 2, 1},
                               {"a lane and a close", set_up_lane_close, 1, 2, 0},
                               {"local jobs and cancels", set_up_local, -1, 1, 0},
                               {"TLS settings and a stale job", set_up_tls, -1, 1, 0},
                               {"a time limit during a wait", set_up_limit, 1, 1, 0},
                               {"a time limit and closes", set_up_limit_of_changes, 1, 2, 0},
                               {"askers that leave", set_up_leaving, -1, 1, 0},
                               {"cancels whose asker leaves", set_up_leaving_cancels, -1, 1, 0},
                               {"openers that leave", set_up_leaving_openers, -1, 1, 0},
                               {"a finisher that leaves", set_up_leaving_finisher, -1, 1, 0}};

static void test_scenes(void)
{
    /* The largest is left out under the thread sanitizer: it is slow, and there is no thread. */
    const char *sanitizer = getenv("CALLBOARD_SANITIZER");
    size_t first = sanitizer != NULL && strcmp(sanitizer, "thread") == 0 ? 1 : 0;
    for (size_t i = first; i < sizeof scenes / sizeof *scenes; i++) {
        exploration e = run(&scenes[i], NULL);
        CU_ASSERT_PTR_NULL(e.wrong);
        CU_ASSERT(e.states > 1000 && e.ends > 0);
    }
}

static void spoil_runs(world *w, cb_step *step, exploration *e)
{
    (void)step, (void)e;
    w->connections[0].ran = 1; /* as if it had run before */
}

static void spoil_counter(world *w, cb_step *step, exploration *e)
{
    (void)w, (void)e;
    cb_step_route_at(step, 0)->pending++;
}

static void spoil_answers(world *w, cb_step *step, exploration *e)
{
    (void)w, (void)step;
    e->lose_answers = true;
}

static void spoil_payload(world *w, cb_step *step, exploration *e)
{
    (void)step, (void)e;
    w->inside[callback_of(1)]++;
}

static void spoil_question(world *w, cb_step *step, exploration *e)
{
    (void)step, (void)e;
    w->open[w->open_count++] = 1; /* as if a callback had asked something */
}

/* An asker is forgotten, and what it waits for is not. */
static void spoil_owner(world *w, cb_step *step, exploration *e)
{
    cb_message sleep = wait_for(CB_WAIT_TIME, -1, 0);
    (void)e;
    sleep.from = asker_address(WORLD_ASKERS);
    world_input(w, step, sleep);
    cb_slots_remove(&step->askers, cb_map_get(&step->asker_ids, sleep.from));
    cb_map_remove(&step->asker_ids, sleep.from);
}

/* A deadline is left behind. */
static void spoil_deadline(world *w, cb_step *step, exploration *e)
{
    (void)e;
    cb_heap_push(&step->deadlines, w->now_ns + WORLD_MS, CB_DUE_JOB, 0);
}

/* The explorer must be able to fail: each of these worlds is wrong on purpose. */
static void test_wrong_worlds_are_found(void)
{
    void (*const spoils[])(world *, cb_step *, exploration *) = {
        spoil_runs,     spoil_counter, spoil_answers, spoil_payload,
        spoil_question, spoil_owner,   spoil_deadline};
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        exploration e = run(&scenes[1], spoils[i]);
        CU_ASSERT_PTR_NOT_NULL(e.wrong);
        printf("\n    found: %s", e.wrong == NULL ? "nothing" : e.wrong);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("step, exhaustive", NULL, NULL);
    CU_add_test(suite, "every order of messages", test_scenes);
    CU_add_test(suite, "wrong worlds are found", test_wrong_worlds_are_found);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
