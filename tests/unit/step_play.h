/* Short ways to say what listeners, actors and askers do, for the step's tests: one namespace (1),
 * routes opened in order, so that route n has the listener that was started n-th. */
#ifndef CALLBOARD_TESTS_STEP_PLAY_H
#define CALLBOARD_TESTS_STEP_PLAY_H

#include "tests/unit/step_double.h"

typedef struct play {
    step_double d;
    uint32_t listeners[64]; /* address by route id */
} play;

/* Opens a route up to its START_LISTENER; its id. */
static inline uint32_t play_opening(play *p, int32_t timeout_ms)
{
    double_ask(&p->d, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                                   .name_space = 1,
                                   .status = timeout_ms,
                                   .value = 77,
                                   .connection = cb_route_word(CB_ROUTE_TCP, 0),
                                   .payload = double_payload(&p->d)});
    cb_message start = double_effect(&p->d, CB_MSG_START_LISTENER, 0);
    if (start.kind != 0) {
        p->listeners[start.route] = start.to;
    }
    return start.route;
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

/* A request that is read whole on a new connection: the HAND, if it was handed at once. */
static inline cb_message play_request(play *p, uint32_t route, uint32_t connection)
{
    play_listener(p, CB_MSG_ACCEPTED, route, connection);
    play_listener(p, CB_MSG_REQUEST_READY, route, connection);
    return double_effect(&p->d, CB_MSG_HAND, 0);
}

/* The same for the first request of all: the worker is made and ready. */
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

static inline cb_message play_take(play *p, uint64_t job, uint8_t flags)
{
    return double_ask(
        &p->d, (cb_message){.kind = CB_MSG_TAKE_JOB, .name_space = 1, .job = job, .flags = flags});
}

/* Whether the last input was counted as out of place. */
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
