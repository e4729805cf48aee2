/* More objects of each kind than 16 bits can number: the last ones are not taken for the first. */
#include "tests/unit/step_play.h"

#define MANY 66000u
#define LOW  (MANY - 65536u) /* what the last one would be with 16 bits */

static cb_step *step;
static cb_effects effects;
static uint64_t cause;
static int64_t now_ns;
static uint32_t last_actor;

static void begin(void)
{
    cb_limits limits = double_limits();
    limits.max_untaken = limits.max_queued = limits.max_waits = limits.max_routes = 2 * MANY;
    limits.max_connections = limits.max_closed_routes = 2 * MANY;
    limits.hand_batch = 1;
    step = cb_step_new(&limits);
    double_must(step != NULL, "no memory");
    now_ns = 1000 * MS;
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(cb_step_check(step));
    cb_step_free(&step, NULL, NULL);
}

/* An input; nothing is recounted, or it would take hours. */
static void send(cb_message message)
{
    message.name_space = 1;
    message.time_ns = now_ns;
    effects = cb_step_input(step, &message);
}

static cb_message find(cb_message_kind kind)
{
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.items[i].kind == kind) {
            return effects.items[i];
        }
    }
    return (cb_message){0};
}

static cb_message ask(cb_message message)
{
    message.from = MAIN_ASKER;
    message.cause = ++cause;
    send(message);
    return find(CB_MSG_ANSWER);
}

static int64_t asked(cb_question_kind what, uint64_t id)
{
    return ask((cb_message){.kind = CB_MSG_ASK, .value = what, .job = id}).value;
}

static uint32_t open_route(uint32_t kind)
{
    cb_message answer = ask((cb_message){
        .kind = CB_MSG_OPEN_ROUTE, .status = -1, .connection = cb_route_word(kind, 0)});
    cb_message start = find(CB_MSG_START_LISTENER);
    if (start.kind == 0) {
        return (uint32_t)answer.value;
    }
    last_actor = start.to;
    send((cb_message){.kind = CB_MSG_ROUTE_LISTENING, .from = start.to, .route = start.route});
    return start.route;
}

static uint32_t ready_worker(void)
{
    uint32_t address = cb_step_worker_at(step, 0)->address;
    send((cb_message){.kind = CB_MSG_ACTOR_READY, .from = address});
    return address;
}

static void test_many_jobs(void)
{
    begin();
    for (uint32_t i = 1; i <= MANY; i++) {
        ask((cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .job = i});
    }
    cb_message wait = {
        .kind = CB_MSG_WAIT, .status = CB_WAIT_JOB_COMPLETE, .job = MANY, .value = 5};
    CU_ASSERT_EQUAL(ask(wait).kind, 0);
    now_ns += 5 * MS;
    send((cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    CU_ASSERT(find(CB_MSG_ANSWER).cause == cause && find(CB_MSG_ANSWER).value == 0);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_PHASE, MANY), CB_PHASE_QUEUED);
    CU_ASSERT_EQUAL(
        ask((cb_message){
                .kind = CB_MSG_WAIT, .status = CB_WAIT_JOB_COMPLETE, .job = MANY, .value = -1})
            .kind,
        0);
    CU_ASSERT_EQUAL(ask((cb_message){.kind = CB_MSG_CANCEL_JOB, .job = MANY}).value, 1);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_STATUS, MANY), CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_STATUS, LOW), CB_JOB_PENDING);
    CU_ASSERT_EQUAL(ask((cb_message){.kind = CB_MSG_TAKE_JOB, .job = MANY}).status, CB_NO_RESULT);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_KNOWN, MANY), 0);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_KNOWN, LOW), 1);
    uint32_t worker = ready_worker();
    for (uint32_t i = 1; i < MANY; i++) { /* in order, each once */
        cb_message hand = find(CB_MSG_HAND);
        CU_ASSERT_FATAL(hand.value == i && hand.to == worker);
        send((cb_message){.kind = CB_MSG_JOB_STARTED, .from = worker, .job = hand.job});
        send((cb_message){.kind = CB_MSG_JOB_COMPLETED, .from = worker, .job = hand.job});
    }
    CU_ASSERT_EQUAL(find(CB_MSG_HAND).kind, 0);
    CU_ASSERT_EQUAL(asked(CB_ASK_JOB_STATUS, MANY - 1), CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(cb_step_space_at(step, 1)->untaken, MANY - 1);
    end();
}

static void test_many_connections(void)
{
    begin();
    uint32_t route = open_route(CB_ROUTE_TCP);
    for (uint32_t i = 1; i <= MANY; i++) {
        send((cb_message){
            .kind = CB_MSG_ACCEPTED, .from = last_actor, .route = route, .connection = i});
    }
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_PENDING, route), MANY);
    send((cb_message){
        .kind = CB_MSG_CONNECTION_CLOSED, .from = last_actor, .route = route, .connection = MANY});
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_PENDING, route), MANY - 1);
    cb_message ready = {.kind = CB_MSG_REQUEST_READY, .from = last_actor, .route = route};
    for (uint32_t i = 1; i < MANY; i++) {
        ready.connection = i;
        send(ready);
    }
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_QUEUED, route), MANY - 1);
    uint32_t worker = ready_worker();
    cb_message hand = find(CB_MSG_HAND);
    cb_message sent = {.kind = CB_MSG_RESPONSE_SENT, .from = last_actor, .route = route};
    for (uint32_t i = 1; i < MANY; i++) {
        send((cb_message){.kind = CB_MSG_JOB_COMPLETED, .from = worker, .job = hand.job});
        CU_ASSERT_FATAL(find(CB_MSG_RESPOND).connection == i);
        hand = find(CB_MSG_HAND);
        sent.connection = i;
        send(sent);
    }
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_COMPLETED, route), MANY - 1);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_DRAINED, route), 1);
    end();
}

/* Each connection has a lane of its own, and a second event that waits in it. */
static void test_many_lanes(void)
{
    begin();
    uint32_t route = open_route(CB_ROUTE_SOCKETS);
    cb_message event = {
        .kind = CB_MSG_REQUEST_READY, .flags = CB_FLAG_NEW, .from = last_actor, .route = route};
    for (uint32_t i = 1; i <= MANY; i++) {
        event.connection = i;
        event.job = i;
        send(event);
    }
    event.connection = MANY;
    event.job = MANY + 1;
    send(event);
    CU_ASSERT_EQUAL(step->lanes.count, MANY);
    uint32_t worker = ready_worker();
    for (uint32_t i = 1; i <= MANY + 1; i++) {
        cb_message hand = find(CB_MSG_HAND);
        CU_ASSERT_FATAL(hand.value == i);
        send((cb_message){.kind = CB_MSG_JOB_COMPLETED, .from = worker, .job = hand.job});
        CU_ASSERT_FATAL(find(CB_MSG_RESPOND).connection == (i <= MANY ? i : MANY));
    }
    CU_ASSERT_EQUAL(step->lanes.count, 0);
    end();
}

static void test_many_waits(void)
{
    begin();
    uint64_t first = cause + 1;
    for (uint32_t i = 0; i < MANY; i++) {
        ask((cb_message){.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = 1 + i});
    }
    for (uint32_t i = 0; i < MANY; i++) { /* each at its time */
        now_ns += MS;
        send((cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
        CU_ASSERT_FATAL(effects.items[0].kind == CB_MSG_ANSWER &&
                        effects.items[0].cause == first + i && effects.count == 2);
    }
    CU_ASSERT_EQUAL(step->waits.count, 0);
    end();
}

static void test_many_routes(void)
{
    begin();
    for (uint32_t i = 1; i <= MANY; i++) {
        CU_ASSERT_FATAL(open_route(CB_ROUTE_LOCAL) == i);
    }
    CU_ASSERT_EQUAL(ask((cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .route = MANY}).status,
                    CB_OK);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_QUEUED, MANY), 1);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_QUEUED, LOW), 0);
    CU_ASSERT_EQUAL(ask((cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = MANY}).value, 1);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_STATE, MANY), 0);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_STATE, LOW), 1);
    CU_ASSERT_EQUAL(asked(CB_ASK_OPEN_COUNT, 0), MANY - 1);
    for (uint32_t i = 1; i < MANY - 1; i++) {
        ask((cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = i});
    }
    CU_ASSERT_EQUAL(asked(CB_ASK_OPEN_COUNT, 0), 1);
    CU_ASSERT_EQUAL(
        ask((cb_message){.kind = CB_MSG_BEGIN_JOB, .value = -1, .route = CB_ROUTE_ONLY}).status,
        CB_OK);
    CU_ASSERT_EQUAL(asked(CB_ASK_ROUTE_QUEUED, MANY - 1), 1); /* it is the only one */
    end();
}

/* As many askers as are remembered are told that the grace is over, each once. */
static void test_many_askers(void)
{
    begin();
    for (uint32_t i = 0; i < CB_STEP_ASKERS_MAX + 5u; i++) {
        send((cb_message){.kind = CB_MSG_HELLO, .from = MAIN_ASKER + i});
        CU_ASSERT_FATAL(find(CB_MSG_ANSWER).to == MAIN_ASKER + i);
    }
    send((cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    now_ns += step->limits.grace_ms * MS;
    send((cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    uint32_t interrupts = 0;
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.items[i].kind == CB_MSG_INTERRUPT) {
            CU_ASSERT_FATAL(effects.items[i].to == MAIN_ASKER + interrupts);
            interrupts++;
        }
    }
    CU_ASSERT_EQUAL(interrupts, CB_STEP_ASKERS_MAX);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"jobs", test_many_jobs},
        {"connections", test_many_connections},
        {"lanes", test_many_lanes},
        {"waits", test_many_waits},
        {"routes", test_many_routes},
        {"askers", test_many_askers},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, many", tests);
}
