/* Short functions for what listeners, actors and askers do, for the step's tests. There is one
 * namespace (1). Routes are opened in order, so route n has the listener that was started n-th. */
#ifndef CALLBOARD_TESTS_STEP_PLAY_H
#define CALLBOARD_TESTS_STEP_PLAY_H

#include "tests/unit/step_double.h"

typedef struct play {
    step_double d;
    uint32_t listeners[64]; /* address by route id */
} play;

/* Opens a route of a kind up to its START_LISTENER, or completely if it needs none. Returns its id;
 * 0 if the answer was an error or another route. */
static inline uint32_t play_opening_kind(play *p, uint32_t kind, int32_t timeout_ms, uint8_t flags)
{
    cb_message answer = double_ask(&p->d, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                                                       .name_space = 1,
                                                       .status = timeout_ms,
                                                       .value = 77,
                                                       .flags = flags,
                                                       .connection = cb_route_word(kind, 0),
                                                       .payload = double_payload(&p->d)});
    cb_message start = double_effect(&p->d, CB_MSG_START_LISTENER, 0);
    if (start.kind != 0) {
        p->listeners[start.route] = start.to;
        return start.route;
    }
    return answer.status == CB_OK ? (uint32_t)answer.value : 0;
}

static inline uint32_t play_opening(play *p, int32_t timeout_ms)
{
    return play_opening_kind(p, CB_ROUTE_TCP, timeout_ms, 0);
}

static inline cb_effects play_listener(play *p, cb_message_kind kind, uint32_t route,
                                       uint32_t connection)
{
    cb_message message = {.kind = (uint16_t)kind,
                          .name_space = 1,
                          .from = p->listeners[route],
                          .route = route,
                          .connection = connection};
    if (kind == CB_MSG_ROUTE_LISTENING) {
        message.value = 8000 + route;
    } else if (kind == CB_MSG_REQUEST_READY || kind == CB_MSG_ROUTE_FAILED) {
        message.payload = double_payload(&p->d);
        message.value = 10;
    } else if (kind == CB_MSG_ACCEPTED) {
        message.flags = CB_FLAG_LOOPBACK;
        message.value = 5000 + connection;
    }
    return double_send(&p->d, message);
}

static inline uint32_t play_open(play *p, int32_t timeout_ms)
{
    uint32_t route = play_opening(p, timeout_ms);
    play_listener(p, CB_MSG_ROUTE_LISTENING, route, 0);
    return route;
}

static inline uint32_t play_open_kind(play *p, uint32_t kind, int32_t timeout_ms)
{
    uint32_t route = play_opening_kind(p, kind, timeout_ms, 0);
    if (kind != CB_ROUTE_LOCAL) {
        play_listener(p, CB_MSG_ROUTE_LISTENING, route, 0);
    }
    return route;
}

/* A request without an ACCEPTED before it, or an event. Returns the first HAND that follows. */
static inline cb_message play_new(play *p, uint32_t route, uint32_t connection, uint64_t entry)
{
    double_send(&p->d, (cb_message){.kind = CB_MSG_REQUEST_READY,
                                    .flags = CB_FLAG_NEW,
                                    .name_space = 1,
                                    .from = p->listeners[route],
                                    .route = route,
                                    .connection = connection,
                                    .job = entry,
                                    .value = 10,
                                    .payload = double_payload(&p->d)});
    return double_effect(&p->d, CB_MSG_HAND, 0);
}

static inline cb_effects play_actor(play *p, cb_message_kind kind, uint32_t address, uint64_t job,
                                    int32_t status)
{
    cb_message message = {.kind = (uint16_t)kind, .from = address, .job = job, .status = status};
    if (kind == CB_MSG_JOB_COMPLETED || kind == CB_MSG_JOB_RETURNED) {
        message.payload = double_payload(&p->d);
        message.value = 10;
    }
    return double_send(&p->d, message);
}

/* A whole request on a new connection. Returns the HAND, if it was handed at once. */
static inline cb_message play_request(play *p, uint32_t route, uint32_t connection)
{
    play_listener(p, CB_MSG_ACCEPTED, route, connection);
    play_listener(p, CB_MSG_REQUEST_READY, route, connection);
    return double_effect(&p->d, CB_MSG_HAND, 0);
}

/* The same for the very first request: the worker is made and becomes ready. */
static inline cb_message play_first_request(play *p, uint32_t route, uint32_t connection)
{
    play_request(p, route, connection);
    cb_message add = double_effect(&p->d, CB_MSG_ADD_ACTOR, 0);
    play_actor(p, CB_MSG_ACTOR_READY, add.to, 0, 0);
    return double_effect(&p->d, CB_MSG_HAND, 0);
}

static inline void play_tick(play *p, int64_t later_ns)
{
    p->d.now_ns += later_ns;
    double_send(&p->d, (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
}

static inline int64_t play_ask(play *p, cb_question_kind what, uint64_t id)
{
    cb_message answer = double_ask(
        &p->d, (cb_message){.kind = CB_MSG_ASK, .name_space = 1, .value = what, .job = id});
    return answer.kind == CB_MSG_ANSWER && answer.status == CB_OK ? answer.value
           : answer.kind == CB_MSG_ANSWER                         ? (int64_t)answer.status * 1000
                                                                  : INT64_MIN;
}

static inline cb_message play_close(play *p, uint32_t route, uint8_t flags)
{
    return double_ask(
        &p->d,
        (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .name_space = 1, .route = route, .flags = flags});
}

static inline cb_message play_wait(play *p, int32_t what, uint64_t id, int64_t timeout_ms)
{
    return double_ask(
        &p->d,
        (cb_message){
            .kind = CB_MSG_WAIT, .name_space = 1, .status = what, .job = id, .value = timeout_ms});
}

static inline cb_message play_begin(play *p, uint32_t route, int64_t timeout_ms)
{
    return double_ask(&p->d, (cb_message){.kind = CB_MSG_BEGIN_JOB,
                                          .flags = CB_FLAG_CLIENT,
                                          .name_space = 1,
                                          .route = route,
                                          .value = timeout_ms,
                                          .payload = double_payload(&p->d)});
}

/* Starts a job of this process, on a route, on CB_ROUTE_NONE or on CB_ROUTE_ONLY. */
static inline cb_message play_start(play *p, uint32_t route, int64_t timeout_ms)
{
    return double_ask(&p->d, (cb_message){.kind = CB_MSG_BEGIN_JOB,
                                          .name_space = 1,
                                          .route = route,
                                          .job = 55,
                                          .value = timeout_ms,
                                          .payload = double_payload(&p->d)});
}

static inline cb_message play_about_job(play *p, cb_message_kind kind, uint64_t job)
{
    return double_ask(&p->d, (cb_message){.kind = (uint16_t)kind, .name_space = 1, .job = job});
}

static inline cb_message play_command(play *p, uint32_t route, int32_t what, bool payload)
{
    return double_ask(&p->d, (cb_message){.kind = CB_MSG_COMMAND,
                                          .name_space = 1,
                                          .route = route,
                                          .status = what,
                                          .value = 31,
                                          .payload = payload ? double_payload(&p->d) : 0});
}

static inline cb_effects play_done(play *p, uint32_t route, uint64_t order, cb_status status)
{
    return double_send(&p->d, (cb_message){.kind = CB_MSG_ORDER_DONE,
                                           .name_space = 1,
                                           .from = p->listeners[route],
                                           .job = order,
                                           .status = status,
                                           .value = 32,
                                           .payload = double_payload(&p->d)});
}

static inline void play_start_worker(play *p)
{
    cb_message add = double_effect(&p->d, CB_MSG_ADD_ACTOR, 0);
    play_actor(p, CB_MSG_ACTOR_READY, add.to, 0, 0);
}

static inline cb_message play_take(play *p, uint64_t job, uint8_t flags)
{
    return double_ask(
        &p->d, (cb_message){.kind = CB_MSG_TAKE_JOB, .name_space = 1, .job = job, .flags = flags});
}

/* Sends an input; true if it was counted as out of place. */
static inline bool play_ignores(play *p, cb_message message)
{
    uint64_t before = cb_step_ignored(p->d.step);
    double_send(&p->d, message);
    return cb_step_ignored(p->d.step) == before + 1;
}

static inline int play_main(const char *name, const CU_TestInfo *tests)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (; tests->pName != NULL; tests++) {
        CU_add_test(suite, tests->pName, tests->pTestFunc);
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
