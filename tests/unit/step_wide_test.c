/* Numbers that others choose come out as they went in, however many bits they have: payloads,
 * entries, sizes, numbers of connections, causes. */
#include "tests/unit/step_play.h"

#define WIDE UINT64_C(0x8765432112345678)
#define WIRE 0xfedcba98u /* a connection */

static cb_step *step;
static cb_effects effects;
static uint64_t next_payload;
static int64_t now_ns;

static void begin(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 100;
    step = cb_step_new(&limits);
    double_must(step != NULL, "no memory");
    next_payload = WIDE;
    now_ns = 1000 * MS;
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(cb_step_check(step));
    cb_step_free(&step, NULL, NULL);
}

static uint64_t payload(void)
{
    return ++next_payload;
}

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
    message.from = MAIN_ASKER + 0x7654321u;
    message.cause = WIDE + 99;
    send(message);
    cb_message answer = find(CB_MSG_ANSWER);
    CU_ASSERT(answer.kind == 0 ||
              (answer.to == MAIN_ASKER + 0x7654321u && answer.cause == WIDE + 99));
    return answer;
}

static cb_message asked(cb_question_kind what, uint64_t id)
{
    return ask((cb_message){.kind = CB_MSG_ASK, .value = what, .job = id});
}

/* Opens a route; the address of its listener. */
static uint32_t open_route(uint32_t kind)
{
    ask((cb_message){.kind = CB_MSG_OPEN_ROUTE,
                     .status = 0x7fffffff,
                     .value = (int64_t)WIDE,
                     .connection = cb_route_word(kind, 0),
                     .payload = payload()});
    cb_message start = find(CB_MSG_START_LISTENER);
    send((cb_message){
        .kind = CB_MSG_ROUTE_LISTENING, .from = start.to, .route = start.route, .value = 65535});
    return start.to;
}

static void ready(void)
{
    cb_message add = find(CB_MSG_ADD_ACTOR);
    send((cb_message){.kind = CB_MSG_ACTOR_READY, .from = add.to});
}

static void test_a_request(void)
{
    begin();
    uint32_t listener = open_route(CB_ROUTE_TCP);
    CU_ASSERT(asked(CB_ASK_ROUTE_CALLBACK, 1).payload == next_payload);
    CU_ASSERT(asked(CB_ASK_ROUTE_TIMEOUT, 1).value == 0x7fffffff);
    CU_ASSERT(asked(CB_ASK_ROUTE_PORT, 1).value == 65535);
    cb_message about = {.kind = CB_MSG_ACCEPTED, .from = listener, .route = 1, .connection = WIRE};
    send(about);
    about.kind = CB_MSG_REQUEST_READY;
    about.payload = payload();
    about.value = INT64_C(5) << 32;
    send(about);
    ready();
    cb_message hand = find(CB_MSG_HAND);
    CU_ASSERT(hand.payload == next_payload && hand.value == (int64_t)WIDE);
    send((cb_message){
        .kind = CB_MSG_JOB_RETURNED, .from = hand.to, .job = hand.job, .payload = payload()});
    hand = find(CB_MSG_HAND);
    CU_ASSERT(hand.payload == next_payload && hand.value == (int64_t)WIDE);
    send((cb_message){.kind = CB_MSG_JOB_COMPLETED,
                      .from = hand.to,
                      .job = hand.job,
                      .payload = payload(),
                      .value = INT64_C(6) << 32});
    cb_message respond = find(CB_MSG_RESPOND);
    CU_ASSERT(respond.payload == next_payload && respond.connection == WIRE);
    send((cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    now_ns += 100 * MS;
    send((cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    CU_ASSERT(find(CB_MSG_DROP).connection == WIRE);
    end();
}

static void test_what_is_dropped(void)
{
    begin();
    uint32_t listener = open_route(CB_ROUTE_TCP);
    cb_message about = {.kind = CB_MSG_REQUEST_READY,
                        .flags = CB_FLAG_NEW,
                        .from = listener,
                        .route = 1,
                        .connection = WIRE,
                        .job = WIDE + 1,
                        .payload = payload()};
    send(about);
    uint64_t request = next_payload;
    about.connection = WIRE - 65536u; /* the same in its low bits */
    about.payload = payload();
    send(about);
    CU_ASSERT_EQUAL(find(CB_MSG_DROP).kind, 0);
    ask((cb_message){.kind = CB_MSG_CLOSE_ROUTE, .route = 1});
    CU_ASSERT(find(CB_MSG_DROP).connection == WIRE && find(CB_MSG_RELEASE).payload == request);
    about.payload = payload();
    about.connection = WIRE + 1u;
    send(about);
    CU_ASSERT(find(CB_MSG_DROP).connection == WIRE + 1u);
    CU_ASSERT(find(CB_MSG_RELEASE).payload == next_payload);
    end();
}

static void test_an_event(void)
{
    begin();
    uint32_t listener = open_route(CB_ROUTE_UDP);
    send((cb_message){.kind = CB_MSG_REQUEST_READY,
                      .flags = CB_FLAG_NEW,
                      .from = listener,
                      .route = 1,
                      .connection = WIRE,
                      .job = WIDE + 1,
                      .payload = payload()});
    ready();
    cb_message hand = find(CB_MSG_HAND);
    CU_ASSERT(hand.payload == next_payload && hand.value == (int64_t)(WIDE + 1));
    send((cb_message){
        .kind = CB_MSG_JOB_COMPLETED, .from = hand.to, .job = hand.job, .payload = payload()});
    cb_message respond = find(CB_MSG_RESPOND);
    CU_ASSERT(respond.payload == next_payload && respond.connection == WIRE);
    end();
}

static void test_jobs_that_are_taken(void)
{
    begin();
    open_route(CB_ROUTE_TCP);
    ask((cb_message){
        .kind = CB_MSG_BEGIN_JOB, .value = 0x7fffffff, .job = WIDE + 2, .payload = payload()});
    ready();
    cb_message hand = find(CB_MSG_HAND);
    CU_ASSERT(hand.payload == next_payload && hand.value == (int64_t)(WIDE + 2));
    CU_ASSERT(asked(CB_ASK_JOB_TIMEOUT, 1).value == 0x7fffffff);
    send((cb_message){.kind = CB_MSG_JOB_COMPLETED,
                      .from = hand.to,
                      .job = hand.job,
                      .value = INT64_C(7) << 32,
                      .payload = payload()});
    uint64_t result = next_payload;
    CU_ASSERT(asked(CB_ASK_JOB_RESULT_SIZE, 1).value == INT64_C(7) << 32);
    cb_message taken = ask((cb_message){.kind = CB_MSG_TAKE_JOB, .job = 1});
    CU_ASSERT(taken.payload == result && taken.value == INT64_C(7) << 32);
    ask((cb_message){.kind = CB_MSG_BEGIN_JOB,
                     .flags = CB_FLAG_CLIENT,
                     .route = 1,
                     .value = -1,
                     .payload = payload()});
    ready();
    hand = find(CB_MSG_HAND);
    CU_ASSERT(hand.payload == next_payload && hand.value == 65535);
    send((cb_message){.kind = CB_MSG_JOB_COMPLETED,
                      .from = hand.to,
                      .job = hand.job,
                      .status = CB_JOB_TLS_FAILED,
                      .payload = payload()});
    CU_ASSERT(asked(CB_ASK_JOB_ERROR_TEXT, 2).payload == next_payload);
    taken = ask((cb_message){.kind = CB_MSG_TAKE_JOB, .job = 2});
    CU_ASSERT(taken.payload == next_payload && taken.connection == CB_JOB_TLS_FAILED);
    end();
}

static void test_orders_and_settings(void)
{
    begin();
    uint32_t listener = open_route(CB_ROUTE_TCP);
    ask((cb_message){.kind = CB_MSG_COMMAND,
                     .route = 1,
                     .status = 0x7ffffffe,
                     .value = (int64_t)WIDE,
                     .payload = payload()});
    cb_message order = find(CB_MSG_ORDER);
    CU_ASSERT(order.payload == next_payload && order.value == (int64_t)WIDE);
    CU_ASSERT(order.status == 0x7ffffffe);
    cb_message done = {.kind = CB_MSG_ORDER_DONE,
                       .from = listener,
                       .job = order.job,
                       .value = (int64_t)WIDE + 1,
                       .payload = payload()};
    send(done);
    CU_ASSERT(find(CB_MSG_ANSWER).payload == next_payload);
    CU_ASSERT(find(CB_MSG_ANSWER).value == (int64_t)WIDE + 1);
    for (int i = 0; i < 2; i++) {
        uint64_t old = next_payload;
        ask((cb_message){
            .kind = CB_MSG_COMMAND, .route = 1, .status = CB_ORDER_SET_TLS, .payload = payload()});
        order = find(CB_MSG_ORDER);
        CU_ASSERT(order.payload == next_payload);
        done.job = order.job;
        done.payload = 0;
        send(done);
        CU_ASSERT(find(CB_MSG_RELEASE).payload == (i == 0 ? 0 : old)); /* the one before */
    }
    ask((cb_message){.kind = CB_MSG_BEGIN_JOB, .flags = CB_FLAG_CLIENT, .route = 1, .value = -1});
    ready();
    CU_ASSERT(find(CB_MSG_PIN).payload == next_payload && find(CB_MSG_PIN).value == 2);
    uint64_t setting = next_payload;
    send((cb_message){.kind = CB_MSG_ROUTE_STOPPED, .from = listener, .route = 1});
    CU_ASSERT(find(CB_MSG_RELEASE).payload == setting);
    end();
}

static void test_texts_of_failures(void)
{
    begin();
    ask((cb_message){.kind = CB_MSG_OPEN_ROUTE,
                     .connection = cb_route_word(CB_ROUTE_TCP, 65535),
                     .payload = payload()});
    cb_message start = find(CB_MSG_START_LISTENER);
    CU_ASSERT_EQUAL(start.connection, cb_route_word(CB_ROUTE_TCP, 65535));
    send((cb_message){.kind = CB_MSG_ROUTE_FAILED,
                      .from = start.to,
                      .route = 1,
                      .status = CB_IO,
                      .payload = payload()});
    CU_ASSERT(find(CB_MSG_ANSWER).payload == next_payload);
    uint32_t listener = open_route(CB_ROUTE_TCP);
    send((cb_message){.kind = CB_MSG_ACCEPTED,
                      .from = listener,
                      .route = 2,
                      .connection = WIRE,
                      .flags = CB_FLAG_LOOPBACK,
                      .value = 65535});
    send((cb_message){.kind = CB_MSG_REQUEST_READY,
                      .from = listener,
                      .route = 2,
                      .connection = WIRE,
                      .payload = payload()});
    ready();
    cb_message hand = find(CB_MSG_HAND);
    send((cb_message){.kind = CB_MSG_JOB_COMPLETED,
                      .from = hand.to,
                      .job = hand.job,
                      .status = CB_JOB_CALLBACK_REFUSED,
                      .payload = payload()});
    uint64_t text = next_payload;
    CU_ASSERT(find(CB_MSG_DROP).connection == WIRE);
    ask((cb_message){.kind = CB_MSG_BEGIN_JOB, .flags = CB_FLAG_CLIENT, .route = 2, .value = -1});
    ready();
    hand = find(CB_MSG_HAND);
    send((cb_message){.kind = CB_MSG_JOB_COMPLETED,
                      .from = hand.to,
                      .job = hand.job,
                      .connection = 65535,
                      .status = CB_JOB_RECEIVE_FAILED});
    CU_ASSERT(asked(CB_ASK_JOB_ERROR_TEXT, 1).payload == text);
    CU_ASSERT(asked(CB_ASK_JOB_STATUS, 1).value == CB_JOB_CALLBACK_REFUSED);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a request", test_a_request},
        {"what is dropped", test_what_is_dropped},
        {"an event", test_an_event},
        {"jobs that are taken", test_jobs_that_are_taken},
        {"orders and settings", test_orders_and_settings},
        {"texts of failures", test_texts_of_failures},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, wide numbers", tests);
}
