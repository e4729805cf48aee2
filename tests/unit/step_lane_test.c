/* Events and their lanes; requests that come with their connections; what listeners count. */
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

static cb_effects returned(uint32_t worker, uint64_t job)
{
    return double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_RETURNED,
                                          .from = worker,
                                          .job = job,
                                          .payload = double_payload(&p.d)});
}

static cb_message complete(const cb_message *hand, int32_t status)
{
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand->to, hand->job, status);
    return double_effect(&p.d, CB_MSG_RESPOND, 0);
}

static void test_events_of_each_kind(void)
{
    static const struct {
        uint32_t kind;
        bool answers;
    } kinds[] = {{CB_ROUTE_UDP, true},
                 {CB_ROUTE_UDP_CLIENT, true},
                 {CB_ROUTE_SOCKETS, false},
                 {CB_ROUTE_LOOP, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        begin(double_limits());
        uint32_t route = play_open_kind(&p, kinds[i].kind, 30);
        play_new(&p, route, 7, 0);
        play_start_worker(&p);
        cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
        CU_ASSERT(first.value == 77 && first.route == route && first.flags == 0);
        cb_message second = play_new(&p, route, 7, 99); /* one connection, many events */
        CU_ASSERT(second.value == 99 && second.to == first.to);
        play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_RUNNING, route), 1);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 1);
        cb_message respond = complete(&first, CB_JOB_SUCCESS);
        CU_ASSERT(respond.connection == 7 && respond.to == p.listeners[route]);
        CU_ASSERT_EQUAL(respond.payload != 0, kinds[i].answers);
        CU_ASSERT_EQUAL(respond.flags, 0);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 1);
        CU_ASSERT_EQUAL(complete(&second, CB_JOB_CALLBACK_FAILED).kind, 0);
        cb_message drop = double_effect(&p.d, CB_MSG_DROP, 0);
        CU_ASSERT(drop.connection == 7 && drop.status == CB_JOB_CALLBACK_FAILED);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_FAILED, route), 1);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
        CU_ASSERT_EQUAL(p.d.step->lanes.count, 0);
        uint64_t ignored = cb_step_ignored(p.d.step);
        play_listener(&p, CB_MSG_RESPONSE_SENT, route, 7);
        play_listener(&p, CB_MSG_ACCEPTED, route, 8);
        play_listener(&p, CB_MSG_REQUEST_READY, route, 8); /* without NEW */
        CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), ignored + 3);
        end();
    }
}

/* Two connections' events side by side, one connection's in order. */
static void test_lanes_beside_each_other(void)
{
    cb_limits limits = double_limits();
    limits.hand_batch = 2;
    begin(limits);
    uint32_t route = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    play_new(&p, route, 1, 101);
    play_start_worker(&p);
    cb_message one = double_effect(&p.d, CB_MSG_HAND, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, one.to, one.job, 0);
    cb_message behind = play_new(&p, route, 1, 102);
    CU_ASSERT_EQUAL(behind.to, one.to);
    CU_ASSERT_EQUAL(play_new(&p, route, 1, 103).kind, 0); /* its hands are full */
    CU_ASSERT_EQUAL(play_new(&p, route, 2, 201).kind, 0);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    play_start_worker(&p);
    cb_message other = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT(other.value == 201 && other.to != one.to); /* nothing is blocked behind lane 1 */
    returned(one.to, behind.job);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0); /* it waits for the one that runs */
    complete(&other, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    complete(&one, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).value, 102);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 1).value, 103);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).to, double_effect(&p.d, CB_MSG_HAND, 1).to);
    end();
}

/* What was asked back must have come before its worker gets more of the lane. */
static void test_order_across_a_take_back(void)
{
    begin(double_limits());
    uint32_t route = play_open_kind(&p, CB_ROUTE_UDP, -1);
    play_new(&p, route, 1, 1);
    play_start_worker(&p);
    cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
    cb_message second = play_new(&p, route, 2, 2);
    cb_message third = play_new(&p, route, 3, 3);
    play_tick(&p, 2 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 1);
    complete(&first, 0); /* sent before it heard: it keeps up again */
    CU_ASSERT_EQUAL(play_new(&p, route, 4, 4).kind, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, second.job, 0);
    CU_ASSERT_EQUAL(play_new(&p, route, 5, 5).kind, 0);
    returned(first.to, third.job);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_HAND), 0);
    complete(&second, 0);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, i).value, (int64_t)i + 3);
    }
    end();
}

/* Jobs that came back unasked: what was handed meanwhile comes back, too, before it is fed again.
 */
static void test_given_back_unasked(void)
{
    begin(double_limits());
    uint32_t route = play_open_kind(&p, CB_ROUTE_LOOP, -1);
    play_new(&p, route, 1, 1);
    play_start_worker(&p);
    cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
    cb_message second = play_new(&p, route, 1, 2);
    cb_message third = play_new(&p, route, 1, 3);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    returned(first.to, second.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_TAKE_BACK, 0).to, first.to);
    returned(first.to, third.job); /* that one crossed */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 0);
    complete(&first, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 0).value, 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_HAND, 1).value, 3);
    end();
}

/* One RESPOND or DROP for each event, whatever becomes of it. */
static void test_credits(void)
{
    cb_limits limits = double_limits();
    limits.max_queued = 2;
    limits.hand_batch = 1;
    limits.grace_ms = 50;
    begin(limits);
    uint32_t route = play_open_kind(&p, CB_ROUTE_UDP, -1);
    play_new(&p, route, 1, 0);
    play_start_worker(&p);
    cb_message running = double_effect(&p.d, CB_MSG_HAND, 0);
    play_new(&p, route, 2, 0);
    play_new(&p, route, 3, 0);
    play_new(&p, route, 4, 0);
    cb_message drop = double_effect(&p.d, CB_MSG_DROP, 0);
    CU_ASSERT(drop.connection == 4 && drop.status == CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).kind, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_ROUTE_CLOSED);
    play_new(&p, route, 5, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_ROUTE_CLOSED);
    returned(running.to, running.job);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), 5);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 5);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CLOSED_QUEUED, route), 3);
    uint32_t second = play_open_kind(&p, CB_ROUTE_LOOP, -1);
    cb_message last = play_new(&p, second, 1, 0);
    play_new(&p, second, 2, 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER + 1});
    play_new(&p, second, 3, 0); /* it had not heard of it */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 0);
    play_tick(&p, 50 * MS);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), 2);
    play_new(&p, second, 4, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_CANCELED);
    complete(&last, CB_JOB_CANCELED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 1);
    end();
}

static void test_the_actor_ends(void)
{
    cb_limits limits = double_limits();
    limits.hand_batch = 2;
    begin(limits);
    uint32_t route = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    play_new(&p, route, 1, 0);
    play_start_worker(&p);
    cb_message running = double_effect(&p.d, CB_MSG_HAND, 0);
    cb_message held = play_new(&p, route, 1, 0);
    play_new(&p, route, 2, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, running.to, running.job, 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP) + double_count(&p.d, CB_MSG_RESPOND), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 2);
    complete(&running, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP) + double_count(&p.d, CB_MSG_RESPOND), 0);
    returned(running.to, held.job);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(play_close(&p, route, 0).status, CB_OK);
    end();
}

static void test_http_requests(void)
{
    begin(double_limits());
    uint32_t route = play_open_kind(&p, CB_ROUTE_HTTP, -1);
    play_new(&p, route, 1, 0);
    play_start_worker(&p);
    cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
    uint64_t ignored = cb_step_ignored(p.d.step);
    play_new(&p, route, 1, 0); /* not before the response */
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), ignored + 1);
    CU_ASSERT_EQUAL(complete(&first, 0).flags, 0); /* the connection goes on */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACTIVE, route), 1);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 1);
    cb_message second = play_new(&p, route, 1, 0); /* the same connection's next */
    CU_ASSERT(second.kind == CB_MSG_HAND && second.job != first.job);
    complete(&second, CB_JOB_CALLBACK_REFUSED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_CALLBACK_REFUSED);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DRAINED, route), 1);
    end();
}

static void gauge(cb_message_kind kind, uint32_t route, int64_t value)
{
    double_send(&p.d, (cb_message){.kind = (uint16_t)kind,
                                   .name_space = 1,
                                   .from = p.listeners[route],
                                   .route = route,
                                   .status = CB_JOB_OVERLOADED,
                                   .value = value});
}

static void test_what_listeners_count(void)
{
    begin(double_limits());
    uint32_t first = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    uint32_t second = play_open_kind(&p, CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS, -1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_KIND, second), CB_ROUTE_HTTP | CB_ROUTE_ANY_ADDRESS);
    gauge(CB_MSG_CONNECTIONS, first, 5);
    gauge(CB_MSG_CONNECTIONS, second, 7);
    gauge(CB_MSG_CONNECTIONS, first, 4);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CONNECTIONS, first), 4);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_CONNECTION_COUNT, 0), 11);
    uint64_t ignored = cb_step_ignored(p.d.step);
    gauge(CB_MSG_CONNECTIONS, first, -1);
    gauge(CB_MSG_REJECTED, first, 0);
    CU_ASSERT_EQUAL(cb_step_ignored(p.d.step), ignored + 2);
    gauge(CB_MSG_REJECTED, first, 3);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, first), 3);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, first), 3);
    play_new(&p, first, 1, 0);
    play_start_worker(&p);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    complete(&hand, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, first), 1);
    double_send(&p.d, (cb_message){.kind = CB_MSG_REJECTED,
                                   .name_space = 1,
                                   .from = p.listeners[first],
                                   .flags = CB_FLAG_FINAL,
                                   .route = first,
                                   .value = 2}); /* one more than ran */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, first), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, first), 4);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, first), 4);
    gauge(CB_MSG_REJECTED, first, INT64_MAX);
    gauge(CB_MSG_REJECTED, first, INT64_MAX);
    CU_ASSERT(play_ask(&p, CB_ASK_ROUTE_DROPPED, first) > INT64_MAX / 4);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, second, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CONNECTIONS, second), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_CONNECTION_COUNT, 0), 4);
    end();
}

/* At the end of the program too, as long as it drains. */
static void test_a_shared_route_that_drains(void)
{
    begin(double_limits());
    uint32_t route = play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, route, 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = CB_ADDRESS_FIRST_ASKER});
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED), route);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_OK);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_SOCKETS, -1, CB_FLAG_SHARED), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_STOPPED);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_STOPPED);
    end();
}

static void test_a_shared_route(void)
{
    begin(double_limits());
    uint32_t route = play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED);
    CU_ASSERT_EQUAL(route, 1);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED), 0); /* waits */
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_START_LISTENER), 0);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 2);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 1).value, route);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED), route);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, 0), 2); /* one's own */
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_SOCKETS, -1, CB_FLAG_SHARED), 3);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_SOCKETS, -1, CB_FLAG_SHARED), 0);
    play_listener(&p, CB_MSG_ROUTE_FAILED, 3, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 2);
    CU_ASSERT(double_effect(&p.d, CB_MSG_ANSWER, 0).payload != 0 &&
              double_effect(&p.d, CB_MSG_ANSWER, 0).payload ==
                  double_effect(&p.d, CB_MSG_ANSWER, 1).payload);
    play_close(&p, route, CB_FLAG_AT_ONCE);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED), 4); /* a new one */
    CU_ASSERT_EQUAL(play_opening_kind(&p, 0, -1, 0), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ANSWER, 0).status, CB_INVALID);
    CU_ASSERT_EQUAL(play_opening_kind(&p, CB_ROUTE_KINDS, -1, 0), 0);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"events of each kind", test_events_of_each_kind},
        {"lanes beside each other", test_lanes_beside_each_other},
        {"order across a take-back", test_order_across_a_take_back},
        {"jobs given back unasked", test_given_back_unasked},
        {"one answer for each event", test_credits},
        {"the actor ends before its events", test_the_actor_ends},
        {"requests without an Accepted", test_http_requests},
        {"what listeners count", test_what_listeners_count},
        {"a shared route", test_a_shared_route},
        {"a shared route that drains", test_a_shared_route_that_drains},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, events and lanes", tests);
}
