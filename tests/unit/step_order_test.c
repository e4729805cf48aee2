/* Commands for a route's actor, and the TLS setting that one of them brings: who is told of it, and
 * what becomes of client jobs that met an older one. */
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

static cb_message answer(size_t n)
{
    return double_effect(&p.d, CB_MSG_ANSWER, n);
}

static void test_a_command_and_its_answer(void)
{
    begin(double_limits());
    uint32_t route = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, true).kind, 0);
    cb_message order = double_effect(&p.d, CB_MSG_ORDER, 0);
    CU_ASSERT(order.to == p.listeners[route] && order.status == 20 && order.value == 31);
    CU_ASSERT(order.payload != 0 && order.flags == 0 && order.route == route);
    CU_ASSERT_EQUAL(play_command(&p, route, 21, false).kind, 0);
    cb_message other = double_effect(&p.d, CB_MSG_ORDER, 0);
    CU_ASSERT(other.job != order.job && other.payload == 0);
    play_done(&p, route, other.job, CB_OK);
    CU_ASSERT(answer(0).status == CB_OK && answer(0).value == 32 && answer(0).payload != 0);
    uint64_t ignored = cb_step_ignored(p.d.step);
    play_done(&p, route, other.job, CB_OK); /* a second time */
    CU_ASSERT(cb_step_ignored(p.d.step) == ignored + 1 && double_count(&p.d, CB_MSG_ANSWER) == 0);
    play_done(&p, route, order.job, CB_FORMAT);
    CU_ASSERT(answer(0).status == CB_FORMAT && answer(0).payload != 0);
    CU_ASSERT_EQUAL(play_command(&p, route, 21, false).kind, 0);
    play_done(&p, route, double_effect(&p.d, CB_MSG_ORDER, 0).job, (cb_status)5); /* is none */
    CU_ASSERT_EQUAL(answer(0).status, CB_IO);
    end();
}

static void test_commands_that_cannot_be(void)
{
    cb_limits limits = double_limits();
    limits.max_waits = 2; /* one of them waits for the route that opens */
    begin(limits);
    CU_ASSERT_EQUAL(play_command(&p, 1, 20, true).status, CB_UNKNOWN);
    uint32_t opening = play_opening(&p, -1);
    CU_ASSERT_EQUAL(play_command(&p, opening, 20, true).status, CB_CLOSED);
    uint32_t local = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    CU_ASSERT_EQUAL(play_command(&p, local, 20, true).status, CB_UNSUPPORTED);
    uint32_t udp = play_open_kind(&p, CB_ROUTE_UDP, -1);
    CU_ASSERT_EQUAL(play_command(&p, udp, CB_ORDER_SET_TLS, true).status, CB_UNSUPPORTED);
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_command(&p, route, CB_ORDER_SET_TLS, false).status, CB_INVALID);
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    CU_ASSERT_EQUAL(play_wait(&p, CB_WAIT_ROUTE_DRAINED, route, 1).kind, 0);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ORDER_DONE,
                                            .from = p.listeners[route],
                                            .job = (uint64_t)1 << 32})); /* a wait, but no order */
    play_tick(&p, MS);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, true).kind, 0);
    uint64_t order = double_effect(&p.d, CB_MSG_ORDER, 0).job;
    CU_ASSERT_EQUAL(play_command(&p, route, 20, true).status, CB_LIMIT);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_ORDER_DONE,
                                            .from = p.listeners[udp],
                                            .job = order})); /* another's */
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT(double_count(&p.d, CB_MSG_ANSWER) == 1 && answer(0).status == CB_CLOSED);
    CU_ASSERT_EQUAL(play_command(&p, route, 20, true).status, CB_CLOSED);
    end();
}

/* A callback that runs while its route closes, or while the program ends, may still write. */
static void test_commands_at_the_end(void)
{
    cb_limits limits = double_limits();
    limits.grace_ms = 50;
    begin(limits);
    uint32_t closing = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    uint32_t draining = play_open_kind(&p, CB_ROUTE_LOOP, -1);
    play_new(&p, closing, 1, 0);
    play_start_worker(&p);
    play_close(&p, closing, CB_FLAG_AT_ONCE);
    CU_ASSERT_EQUAL(play_command(&p, closing, 20, true).kind, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ORDER), 1);
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER + 1});
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 0); /* it goes on */
    CU_ASSERT_EQUAL(play_command(&p, draining, 20, true).kind, 0);
    play_tick(&p, 50 * MS);
    CU_ASSERT(double_count(&p.d, CB_MSG_ANSWER) == 2 && answer(1).status == CB_STOPPED);
    CU_ASSERT_EQUAL(play_command(&p, draining, 20, true).status, CB_STOPPED);
    end();
}

static uint64_t set_tls(uint32_t route)
{
    CU_ASSERT_EQUAL(play_command(&p, route, CB_ORDER_SET_TLS, true).kind, 0);
    cb_message order = double_effect(&p.d, CB_MSG_ORDER, 0);
    CU_ASSERT_EQUAL(order.flags, CB_FLAG_SHARED);
    return order.job;
}

static cb_message stale(uint64_t job, int64_t version)
{
    double_send(
        &p.d, (cb_message){.kind = CB_MSG_JOB_STALE, .from = CLIENT, .job = job, .value = version});
    return double_effect(&p.d, CB_MSG_REDIAL, 0);
}

static void test_the_client_is_told(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_PIN), 0); /* it does not speak TLS */
    uint64_t failing = set_tls(route);
    play_done(&p, route, failing, CB_INVALID);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_TLS, route), 0);
    play_done(&p, route, set_tls(route), CB_OK);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_TLS, route), 1);
    play_begin(&p, route, -1);
    cb_message pin = double_effect(&p.d, CB_MSG_PIN, 0);
    CU_ASSERT(pin.to == CLIENT && pin.value == 1 && pin.payload != 0 && pin.route == route);
    CU_ASSERT(double_effect(&p.d, CB_MSG_HAND, 0).kind != 0);
    CU_ASSERT(p.d.effects.items[0].kind == CB_MSG_PIN || p.d.effects.items[1].kind == CB_MSG_PIN);
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_PIN), 0); /* once is enough */
    play_done(&p, route, set_tls(route), CB_OK);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1); /* the old one */
    play_begin(&p, route, -1);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_PIN, 0).value, 2);
    play_actor(&p, CB_MSG_ACTOR_STOPPED, CLIENT, 0, CB_IO);
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_PIN, 0).value, 2); /* a new one knows nothing */
    play_close(&p, route, 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    pin = double_effect(&p.d, CB_MSG_PIN, 0);
    CU_ASSERT(pin.kind != 0 && pin.payload == 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_RELEASE), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_TLS, route), 1);
    end();
}

static void test_stale_jobs(void)
{
    begin(double_limits());
    uint32_t route = play_open(&p, -1);
    play_done(&p, route, set_tls(route), CB_OK);
    play_begin(&p, route, 50);
    play_actor(&p, CB_MSG_ACTOR_READY, CLIENT, 0, 0);
    uint64_t job = double_effect(&p.d, CB_MSG_HAND, 0).job;
    play_actor(&p, CB_MSG_JOB_STARTED, CLIENT, job, 0);
    CU_ASSERT_EQUAL(stale(job, 1).status, CB_JOB_TLS_FAILED); /* nothing newer to be had */
    play_done(&p, route, set_tls(route), CB_OK);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_REDIAL), 0);
    cb_message redial = stale(job, 1);
    CU_ASSERT(redial.status == CB_JOB_SUCCESS && redial.job == job && redial.to == CLIENT);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_PIN, 0).value, 2);
    uint64_t failing = set_tls(route);
    uint64_t working = set_tls(route);
    CU_ASSERT_EQUAL(stale(job, 2).kind, 0); /* a change is on its way */
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_JOB_STALE, .from = CLIENT, .job = job}));
    play_done(&p, route, failing, CB_INVALID);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_REDIAL), 0);
    play_done(&p, route, working, CB_OK);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_REDIAL, 0).status, CB_JOB_SUCCESS);
    failing = set_tls(route);
    CU_ASSERT_EQUAL(stale(job, 3).kind, 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_PHASE, 1), CB_PHASE_RUNNING);
    play_tick(&p, 50 * MS); /* its time holds meanwhile */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_INTERRUPT, 0).job, job);
    play_done(&p, route, failing, CB_INVALID);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_REDIAL, 0).status, CB_JOB_TLS_FAILED);
    failing = set_tls(route);
    CU_ASSERT_EQUAL(stale(job, INT64_MAX).kind, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, CLIENT, job, CB_JOB_TIMEOUT); /* while it waits */
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_REDIAL), 0);
    CU_ASSERT_EQUAL(answer(0).status, CB_CLOSED);
    CU_ASSERT(play_ignores(&p, (cb_message){.kind = CB_MSG_JOB_STALE, .from = CLIENT, .job = job}));
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a command and its answer", test_a_command_and_its_answer},
        {"commands that cannot be", test_commands_that_cannot_be},
        {"commands at the end", test_commands_at_the_end},
        {"the client actor is told of TLS", test_the_client_is_told},
        {"client jobs that met an old certificate", test_stale_jobs},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, commands and TLS", tests);
}
