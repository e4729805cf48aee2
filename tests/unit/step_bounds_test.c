/* Both sides of the step's bounds: ids and counters near their ends, ports, statuses, times. */
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

static cb_message answer(void)
{
    return double_effect(&p.d, CB_MSG_ANSWER, 0);
}

/* -- ids -- */

static void test_the_last_route(void)
{
    begin(double_limits());
    play_open(&p, -1);
    cb_step_space_at(p.d.step, 1)->last_route = CB_ROUTE_ONLY - 3u;
    cb_message opened =
        double_ask(&p.d, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                                      .name_space = 1,
                                      .connection = cb_route_word(CB_ROUTE_LOCAL, 0)});
    CU_ASSERT(opened.status == CB_OK && opened.value == CB_ROUTE_ONLY - 2u);
    CU_ASSERT_EQUAL(play_open_kind(&p, CB_ROUTE_LOCAL, -1), CB_ROUTE_ONLY - 1u);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, CB_ROUTE_ONLY - 1u), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, UINT64_C(0x100000001)), CB_UNKNOWN * 1000);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, 0), CB_UNKNOWN * 1000);
    CU_ASSERT_EQUAL(play_open_kind(&p, CB_ROUTE_LOCAL, -1), 0);
    CU_ASSERT_EQUAL(answer().status, CB_LIMIT);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_OPEN_COUNT, 0), 3);
    end();
}

static void test_the_last_job(void)
{
    begin(double_limits());
    play_start(&p, CB_ROUTE_NONE, -1);
    cb_step_space_at(p.d.step, 1)->last_job = (UINT64_C(1) << 56) - 2u;
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).value, (INT64_C(1) << 56) - 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, (UINT64_C(1) << 56) - 1u), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, (UINT64_C(1) << 56) + 1u), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_KNOWN, 0), 0);
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_LIMIT);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    end();
}

/* Without an address there is no actor: a route is refused, and so are requests that nobody runs.
 */
static void test_the_last_address(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    p.d.step->last_actor = CB_ADDRESS_FIRST_ASKER - 3u;
    uint32_t second = play_open(&p, -1);
    CU_ASSERT_EQUAL(p.listeners[second], CB_ADDRESS_FIRST_ASKER - 2u);
    play_request(&p, route, 1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to, CB_ADDRESS_FIRST_ASKER - 1u);
    CU_ASSERT_EQUAL(play_opening(&p, -1), 0);
    CU_ASSERT_EQUAL(answer().status, CB_LIMIT);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CB_ADDRESS_FIRST_ASKER - 1u, 0, CB_IO);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    play_request(&p, route, 2);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ADD_ACTOR), 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), 0);
    end();
}

/* A message about a job that was here before is not about the one that is here now. */
static void test_generations(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message first = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, first.job, 0);
    cb_step_job_at(p.d.step, (uint32_t)first.job)->slot.generation = UINT32_MAX;
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    cb_message second = play_request(&p, route, 2);
    CU_ASSERT_EQUAL(second.job, (UINT64_C(1) << 32) | (uint32_t)first.job);
    play_actor(&p, CB_MSG_JOB_COMPLETED, second.to, second.job, 0);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 2);
    cb_message third = play_request(&p, route, 3);
    CU_ASSERT_EQUAL(third.job >> 32, 2);
    CU_ASSERT(play_ignores(
        &p, (cb_message){.kind = CB_MSG_JOB_STARTED, .from = third.to, .job = second.job}));
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_JOB_STARTED,
                                            .from = third.to,
                                            .job = third.job + (UINT64_C(1) << 32)}));
    CU_ASSERT_FALSE(play_ignores(
        &p, (cb_message){.kind = CB_MSG_JOB_STARTED, .from = third.to, .job = third.job}));
    end();
}

/* -- ports, by which a client job hears of its request's end -- */

static uint64_t hand_to_client(uint32_t route)
{
    play_begin(&p, route, -1);
    if (double_count(&p.d, CB_MSG_ADD_ACTOR) > 0) {
        play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    }
    return double_effect(&p.d, CB_MSG_HAND, 0).job;
}

static void completes(uint64_t job, int32_t status, uint32_t port)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = CLIENT,
                                   .job = job,
                                   .status = status,
                                   .connection = port,
                                   .value = 33,
                                   .payload = double_payload(&p.d)});
}

static void test_ports_of_peers(void)
{
    static const struct {
        int64_t accepted; /* as the listener says */
        uint8_t flags;
        uint32_t dialled; /* as the client says */
        bool known;
    } ports[] = {{1, CB_FLAG_LOOPBACK, 1, true},          {255, CB_FLAG_LOOPBACK, 255, true},
                 {256, CB_FLAG_LOOPBACK, 256, true},      {65535, CB_FLAG_LOOPBACK, 65535, true},
                 {65536, CB_FLAG_LOOPBACK, 65536, false}, {0, CB_FLAG_LOOPBACK, 0, false},
                 {-1, CB_FLAG_LOOPBACK, 65535, false},    {5000, 0, 5000, false},
                 {5000, CB_FLAG_LOOPBACK, 70536, false},  {5000, CB_FLAG_LOOPBACK, 5001, false},
                 {70536, CB_FLAG_LOOPBACK, 5000, false},  {70536, CB_FLAG_LOOPBACK, 70536, false}};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        begin(double_limits());
        uint32_t route = play_open(&p, -1);
        double_send(&p.d, (cb_message){.kind = CB_MSG_ACCEPTED,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .connection = 1,
                                       .flags = ports[i].flags,
                                       .value = ports[i].accepted});
        play_listener(&p, CB_MSG_REQUEST_READY, route, 1);
        play_start_worker(&p);
        cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
        completes(hand_to_client(route), CB_JOB_RECEIVE_FAILED, ports[i].dialled);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1),
                        ports[i].known ? CB_JOB_CALLBACK_FAILED : CB_JOB_RECEIVE_FAILED);
        end();
    }
}

/* The ring of outcomes starts anew where it began, and forgets the oldest first. */
static void test_the_oldest_outcome_goes(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    for (uint32_t i = 1; i <= CB_STEP_OUTCOMES_MAX + 1u; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
        play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, i);
        hand = play_request(&p, route, i + 1);
    }
    static const struct {
        uint32_t port;
        bool known;
    } ports[] = {{5001, false}, /* the first */
                 {5002, true},
                 {5000 + CB_STEP_OUTCOMES_MAX, true},
                 {5001 + CB_STEP_OUTCOMES_MAX, true}};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        completes(hand_to_client(route), CB_JOB_RECEIVE_FAILED, ports[i].port);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1 + i),
                        ports[i].known ? CB_JOB_CALLBACK_FAILED : CB_JOB_RECEIVE_FAILED);
    }
    completes(hand_to_client(route), CB_JOB_RECEIVE_FAILED, 5002); /* it was taken out */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 5), CB_JOB_RECEIVE_FAILED);
    end();
}

/* Two routes, two namespaces: one's outcome is not the other's though the port is the same. */
static void test_outcomes_belong_to_their_route(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    uint32_t other = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
    completes(hand_to_client(other), CB_JOB_RECEIVE_FAILED, 5001);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_RECEIVE_FAILED);
    completes(hand_to_client(route), CB_JOB_RECEIVE_FAILED, 5001);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CALLBACK_FAILED);
    end();
}

static void test_ports_of_routes(void)
{
    static const struct {
        int64_t said;
        int64_t port;
    } ports[] = {{1, 1}, {65535, 65535}, {65536, 0}, {65537, 1}, {-1, 65535}};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        begin(double_limits());
        uint32_t route = play_opening(&p, -1);
        double_send(&p.d, (cb_message){.kind = CB_MSG_ROUTE_LISTENING,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .value = ports[i].said});
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_PORT, route), ports[i].port);
        end();
    }
}

/* -- statuses that others report -- */

static void test_statuses_of_jobs(void)
{
    static const struct {
        int32_t said;
        int32_t worker; /* as it is for a request */
        int32_t client;
    } statuses[] = {
        {-1, CB_JOB_CALLBACK_FAILED, CB_JOB_RECEIVE_FAILED},
        {CB_JOB_SUCCESS, CB_JOB_SUCCESS, CB_JOB_SUCCESS},
        {CB_JOB_SUCCESS + 1, CB_JOB_SUCCESS + 1, CB_JOB_SUCCESS + 1},
        {CB_JOB_ROUTE_CLOSED - 1, CB_JOB_ROUTE_CLOSED - 1, CB_JOB_ROUTE_CLOSED - 1},
        {CB_JOB_ROUTE_CLOSED, CB_JOB_ROUTE_CLOSED, CB_JOB_ROUTE_CLOSED},
        {CB_JOB_ROUTE_CLOSED + 1, CB_JOB_CALLBACK_FAILED, CB_JOB_RECEIVE_FAILED},
        {INT32_MIN, CB_JOB_CALLBACK_FAILED, CB_JOB_RECEIVE_FAILED},
        {INT32_MAX, CB_JOB_CALLBACK_FAILED, CB_JOB_RECEIVE_FAILED},
        {0x10000, CB_JOB_CALLBACK_FAILED, CB_JOB_RECEIVE_FAILED},
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin(double_limits());
        uint32_t route = play_open(&p, -1);
        completes(hand_to_client(route), statuses[i].said, 0);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), statuses[i].client);
        play_start(&p, CB_ROUTE_NONE, -1);
        play_start_worker(&p);
        cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, statuses[i].said);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), statuses[i].worker);
        hand = play_request(&p, route, 1);
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, statuses[i].said);
        bool success = statuses[i].worker == CB_JOB_SUCCESS;
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RESPOND), success);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_DROP), !success);
        CU_ASSERT(success || double_effect(&p.d, CB_MSG_DROP, 0).status == statuses[i].worker);
        end();
    }
}

static void test_statuses_of_routes_and_orders(void)
{
    static const int32_t said[] = {CB_NO_MEMORY, CB_MISMATCH, CB_OK, 1, INT32_MAX};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        begin(double_limits());
        cb_status failed = said[i] < 0 ? (cb_status)said[i] : CB_IO;
        for (uint32_t how = 0; how < 2; how++) {
            uint32_t route = play_opening(&p, -1);
            double_send(&p.d,
                        (cb_message){.kind = how == 0 ? CB_MSG_ROUTE_FAILED : CB_MSG_ACTOR_STOPPED,
                                     .name_space = 1,
                                     .from = p.listeners[route],
                                     .route = route,
                                     .status = said[i]});
            CU_ASSERT_EQUAL(answer().status, failed);
        }
        uint32_t route = play_open(&p, -1);
        play_command(&p, route, 20, false);
        play_done(&p, route, double_effect(&p.d, CB_MSG_ORDER, 0).job, (cb_status)said[i]);
        CU_ASSERT_EQUAL(answer().status, said[i] > 0 ? CB_IO : (cb_status)said[i]);
        end();
    }
}

/* -- counts that others report -- */

static bool connections(uint32_t route, int64_t count)
{
    return !play_ignores(&p, (cb_message){.kind = CB_MSG_CONNECTIONS,
                                          .name_space = 1,
                                          .from = p.listeners[route],
                                          .route = route,
                                          .value = count});
}

static void test_counts_of_connections(void)
{
    begin(double_limits());
    uint32_t one = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    uint32_t two = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    CU_ASSERT(connections(one, 0));
    CU_ASSERT(connections(one, 7) && connections(two, UINT32_MAX));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_CONNECTIONS, two), UINT32_MAX);
    CU_ASSERT_FALSE(connections(two, INT64_C(1) << 32));
    CU_ASSERT_FALSE(connections(two, -1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_CONNECTION_COUNT, 0), INT64_C(7) + UINT32_MAX);
    CU_ASSERT(connections(two, 3));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_CONNECTION_COUNT, 0), 10);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, two, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_CONNECTION_COUNT, 0), 7);
    CU_ASSERT_FALSE(connections(two, 1)); /* it has ended */
    uint32_t opening = play_opening_kind(&p, CB_ROUTE_SOCKETS, -1, 0);
    CU_ASSERT_FALSE(connections(opening, 1));
    end();
}

static bool rejects(uint32_t route, uint8_t flags, int64_t count)
{
    return !play_ignores(&p, (cb_message){.kind = CB_MSG_REJECTED,
                                          .name_space = 1,
                                          .from = p.listeners[route],
                                          .route = route,
                                          .flags = flags,
                                          .status = CB_JOB_OVERLOADED,
                                          .value = count});
}

static void test_counts_of_what_was_rejected(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_FALSE(rejects(route, 0, 0));
    CU_ASSERT_FALSE(rejects(route, 0, -1));
    CU_ASSERT(rejects(route, 0, 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 1);
    cb_message hand = play_first_request(&p, route, 1);
    for (uint32_t i = 1; i <= 2; i++) {
        play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, 0);
        play_listener(&p, CB_MSG_RESPONSE_SENT, route, i);
        hand = play_request(&p, route, i + 1);
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 2);
    CU_ASSERT(rejects(route, CB_FLAG_FINAL, 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 2);
    CU_ASSERT(rejects(route, CB_FLAG_FINAL, 9)); /* more than there are */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_COMPLETED, route), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 3);
    CU_ASSERT(rejects(route, 0, INT64_MAX)); /* up to the half of what can be counted */
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), INT64_MAX / 2);
    CU_ASSERT(rejects(route, 0, 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), INT64_MAX / 2);
    uint32_t opening = play_opening(&p, -1);
    CU_ASSERT_FALSE(rejects(opening, 0, 1));
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_FALSE(rejects(route, 0, 1));
    end();
}

static void test_no_more_counted_than_half(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    CU_ASSERT(rejects(route, 0, INT64_MAX / 2 - 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), INT64_MAX / 2 - 1);
    CU_ASSERT(rejects(route, 0, 2));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), INT64_MAX / 2);
    end();
}

/* -- questions -- */

static void test_questions_that_are_none(void)
{
    static const int64_t whats[] = {0,
                                    -1,
                                    CB_ASK_COUNT,
                                    CB_ASK_COUNT + 1,
                                    (INT64_C(1) << 32) + CB_ASK_ROUTE_STATE,
                                    (INT64_C(1) << 16) + CB_ASK_ROUTE_STATE,
                                    INT64_MIN,
                                    INT64_MAX};
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        cb_message said = double_ask(
            &p.d,
            (cb_message){.kind = CB_MSG_ASK, .name_space = 1, .value = whats[i], .job = route});
        CU_ASSERT(said.kind == CB_MSG_ANSWER && said.status == CB_INVALID);
        CU_ASSERT(said.value == 0 && said.payload == 0 && said.flags == 0);
    }
    end();
}

/* A refusal says why, and nothing else. */
static void test_refusals_have_no_value(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    play_start(&p, CB_ROUTE_NONE, -1);
    const cb_message refused[] = {
        {.kind = CB_MSG_OPEN_ROUTE, .status = -2},
        {.kind = CB_MSG_OPEN_ROUTE, .connection = cb_route_word(CB_ROUTE_KINDS, 0)},
        {.kind = CB_MSG_CLOSE_ROUTE, .route = 99},
        {.kind = CB_MSG_BEGIN_JOB, .value = -2},
        {.kind = CB_MSG_BEGIN_JOB, .route = 99},
        {.kind = CB_MSG_BEGIN_JOB, .route = route},
        {.kind = CB_MSG_BEGIN_JOB, .route = CB_ROUTE_ONLY},
        {.kind = CB_MSG_BEGIN_JOB, .route = 99, .flags = CB_FLAG_CLIENT},
        {.kind = CB_MSG_BEGIN_JOB, .route = route, .value = -2, .flags = CB_FLAG_CLIENT},
        {.kind = CB_MSG_TAKE_JOB, .job = 99},
        {.kind = CB_MSG_TAKE_JOB, .job = 1},
        {.kind = CB_MSG_CANCEL_JOB, .job = 99},
        {.kind = CB_MSG_COMMAND, .route = 99},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = -2},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_JOB_COMPLETE, .job = 99},
        {.kind = CB_MSG_WAIT, .status = CB_WAIT_ROUTE_DRAINED, .job = 99},
        {.kind = CB_MSG_ASK, .value = CB_ASK_ROUTE_PORT, .job = 99},
        {.kind = CB_MSG_ASK, .value = CB_ASK_JOB_STATUS, .job = 99},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cb_message message = refused[i];
        message.name_space = 1;
        cb_message said = double_ask(&p.d, message);
        CU_ASSERT(said.kind == CB_MSG_ANSWER && said.status < 0 && said.value == 0);
        CU_ASSERT(said.payload == 0 && said.connection == 0 && said.flags == 0);
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    }
    end();
}

/* -- times -- */

static void test_times_saturate(void)
{
    const int64_t most_ms = (INT64_MAX - 1) / MS;
    begin(double_limits());
    cb_step *step = p.d.step;
    step->now_ns = 0;
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 7), 7 * MS);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, most_ms), most_ms * MS);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, most_ms + 1), INT64_MAX - 1);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, INT64_MAX), INT64_MAX - 1);
    step->now_ns = INT64_MAX - 1 - 5 * MS;
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 5), INT64_MAX - 1);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 6), INT64_MAX - 1);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 4), INT64_MAX - 1 - MS);
    step->now_ns++;
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 5), INT64_MAX - 1);
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 0), INT64_MAX - 5 * MS);
    step->now_ns = INT64_MAX;
    CU_ASSERT_EQUAL(cb_step_after_ms(step, 0), INT64_MAX - 1);
    end();
}

static void test_time_limits_that_are_none(void)
{
    static const struct {
        int64_t timeout_ms;
        bool valid;
    } limits[] = {{INT64_MIN, false},  {-2, false},       {-1, true},
                  {0, true},           {INT32_MAX, true}, {INT64_C(1) + INT32_MAX, false},
                  {UINT32_MAX, false}, {INT64_MAX, false}};
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        cb_status status = limits[i].valid ? CB_OK : CB_INVALID;
        CU_ASSERT_EQUAL(play_begin(&p, route, limits[i].timeout_ms).status, status);
        CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, limits[i].timeout_ms).status, status);
        cb_message waited = play_wait(&p, CB_WAIT_TIME, 0, limits[i].timeout_ms);
        bool at_once = !limits[i].valid || limits[i].timeout_ms == 0;
        CU_ASSERT_EQUAL(waited.kind, at_once ? CB_MSG_ANSWER : 0);
        CU_ASSERT_EQUAL(waited.status, status);
    }
    end();
}

/* Time does not go back: an earlier stamp counts as the newest one seen. */
static void test_a_stamp_from_the_past(void)
{
    begin(double_limits());
    play_wait(&p, CB_WAIT_TIME, 0, 10);
    p.d.now_ns += 9 * MS;
    play_tick(&p, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    int64_t newest_ns = p.d.now_ns;
    p.d.now_ns -= 500 * MS;
    play_wait(&p, CB_WAIT_TIME, 0, 5);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TICK_AT), 0); /* the first is due before it */
    play_tick(&p, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0);
    p.d.now_ns = newest_ns + MS;
    play_tick(&p, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 1);
    CU_ASSERT_EQUAL(cb_step_next_deadline(p.d.step), newest_ns + 5 * MS);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"the last route", test_the_last_route},
        {"the last job", test_the_last_job},
        {"the last address", test_the_last_address},
        {"generations", test_generations},
        {"ports of peers", test_ports_of_peers},
        {"the oldest outcome goes", test_the_oldest_outcome_goes},
        {"outcomes belong to their route", test_outcomes_belong_to_their_route},
        {"ports of routes", test_ports_of_routes},
        {"statuses of jobs", test_statuses_of_jobs},
        {"statuses of routes and orders", test_statuses_of_routes_and_orders},
        {"counts of connections", test_counts_of_connections},
        {"counts of what was rejected", test_counts_of_what_was_rejected},
        {"no more counted than half", test_no_more_counted_than_half},
        {"questions that are none", test_questions_that_are_none},
        {"refusals have no value", test_refusals_have_no_value},
        {"times saturate", test_times_saturate},
        {"time limits that are none", test_time_limits_that_are_none},
        {"a stamp from the past", test_a_stamp_from_the_past},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, bounds", tests);
}
