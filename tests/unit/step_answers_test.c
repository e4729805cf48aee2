/* Each answer goes to who asked, with that question's cause, says what came of it, and comes once.
 */
#include "tests/unit/step_play.h"

#define OTHER (MAIN_ASKER + 7u)

static play p;
static uint64_t asked; /* the cause of the newest question */

static void begin(void)
{
    cb_limits limits = double_limits();
    limits.max_closed_routes = 2;
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
    asked = 0x7000;
}

static void end(void)
{
    const char *wrong = double_end(&p.d);
    CU_ASSERT_PTR_NULL(wrong);
    if (wrong != NULL) {
        fprintf(stderr, "  %s\n", wrong);
    }
}

/* Asks as another asker; its cause. */
static uint64_t ask(cb_message message)
{
    message.name_space = 1;
    message.from = OTHER;
    message.cause = ++asked;
    double_send(&p.d, message);
    return asked;
}

/* Whether the last input had exactly one answer to that question, and it was this one. */
static bool answers(uint64_t cause, cb_status status, int64_t value)
{
    size_t found = 0;
    for (size_t i = 0; i < p.d.effects.count; i++) {
        const cb_message *effect = &p.d.effects.items[i];
        if (effect->kind == CB_MSG_ANSWER && effect->cause == cause) {
            found += effect->to == OTHER && effect->status == status && effect->value == value;
            found += effect->from == CB_ADDRESS_SUPERVISOR ? 0 : 9;
        }
    }
    return found == 1;
}

static bool is_silent(void)
{
    return double_count(&p.d, CB_MSG_ANSWER) == 0;
}

static uint64_t wait_for(int32_t what, uint64_t id, int64_t timeout_ms)
{
    return ask((cb_message){.kind = CB_MSG_WAIT, .status = what, .job = id, .value = timeout_ms});
}

static uint64_t about_route(cb_message_kind kind, uint32_t route, uint8_t flags)
{
    return ask((cb_message){.kind = (uint16_t)kind, .route = route, .flags = flags});
}

static uint64_t about_job(cb_message_kind kind, uint64_t job)
{
    return ask((cb_message){.kind = (uint16_t)kind, .job = job});
}

static void test_waits(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    CU_ASSERT(answers(wait_for(CB_WAIT_TIME, 0, 0), CB_OK, 0));
    CU_ASSERT(answers(wait_for(CB_WAIT_ROUTE_DRAINED, route, -1), CB_OK, 1));
    uint64_t time = wait_for(CB_WAIT_TIME, 0, 5);
    CU_ASSERT(is_silent());
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    CU_ASSERT(answers(wait_for(CB_WAIT_ROUTE_DRAINED, route, 0), CB_OK, 0));
    uint64_t late = wait_for(CB_WAIT_ROUTE_DRAINED, route, 5);
    uint64_t drained = wait_for(CB_WAIT_ROUTE_DRAINED, route, 6);
    play_tick(&p, 5 * MS);
    CU_ASSERT(answers(time, CB_OK, 0) && answers(late, CB_OK, 0));
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_ANSWER), 2);
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    CU_ASSERT(answers(drained, CB_OK, 1));
    play_start(&p, CB_ROUTE_NONE, -1);
    uint64_t complete = wait_for(CB_WAIT_JOB_COMPLETE, 1, 5);
    CU_ASSERT(answers(wait_for(CB_WAIT_JOB_COMPLETE, 1, 0), CB_OK, 0));
    play_tick(&p, MS); /* the drained one had its own end */
    CU_ASSERT(is_silent());
    about_job(CB_MSG_CANCEL_JOB, 1);
    CU_ASSERT(answers(complete, CB_OK, 1) && answers(asked, CB_OK, 1));
    CU_ASSERT(answers(wait_for(CB_WAIT_JOB_COMPLETE, 1, -1), CB_OK, 1));
    end();
}

static void test_cancels(void)
{
    begin();
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start_worker(&p);
    cb_message first = double_effect(&p.d, CB_MSG_HAND, 0);
    uint64_t one = about_job(CB_MSG_CANCEL_JOB, 1);
    CU_ASSERT(is_silent() && double_count(&p.d, CB_MSG_TAKE_BACK) == 1);
    play_actor(&p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    CU_ASSERT(answers(one, CB_OK, 0)); /* too late */
    CU_ASSERT(answers(about_job(CB_MSG_CANCEL_JOB, 1), CB_OK, 0));
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TAKE_BACK), 0);
    play_start(&p, CB_ROUTE_NONE, -1);
    cb_message second = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT_EQUAL(second.kind, CB_MSG_HAND);
    one = about_job(CB_MSG_CANCEL_JOB, 2);
    uint64_t two = about_job(CB_MSG_CANCEL_JOB, 2);
    CU_ASSERT(is_silent());
    play_actor(&p, CB_MSG_JOB_RETURNED, second.to, second.job, 0);
    CU_ASSERT(answers(one, CB_OK, 1) && answers(two, CB_OK, 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CANCELED);
    CU_ASSERT(answers(about_job(CB_MSG_CANCEL_JOB, 2), CB_OK, 0)); /* it is over */
    play_start(&p, CB_ROUTE_NONE, -1);
    cb_message third = double_effect(&p.d, CB_MSG_HAND, 0);
    if (third.kind == 0) { /* its worker is given nothing while it may give back */
        play_actor(&p, CB_MSG_JOB_COMPLETED, first.to, first.job, 0);
        third = double_effect(&p.d, CB_MSG_HAND, 0);
    }
    one = about_job(CB_MSG_CANCEL_JOB, 3);
    play_actor(&p, CB_MSG_JOB_COMPLETED, third.to, third.job, 0); /* begun and ended */
    CU_ASSERT(answers(one, CB_OK, 0));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 3), CB_JOB_SUCCESS);
    end();
}

/* A client exchange is not canceled. */
static void test_a_cancel_of_an_exchange(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    play_begin(&p, route, -1);
    CU_ASSERT(answers(about_job(CB_MSG_CANCEL_JOB, 1), CB_OK, 0));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_PENDING);
    play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    CU_ASSERT(answers(about_job(CB_MSG_CANCEL_JOB, 1), CB_OK, 0));
    end();
}

static void test_closed_jobs(void)
{
    begin();
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start_worker(&p);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_tick(&p, 2 * MS);
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start(&p, CB_ROUTE_NONE, -1);
    uint64_t first = about_route(CB_MSG_CLOSE_JOBS, 0, 0);
    CU_ASSERT(answers(first, CB_OK, 2)); /* what runs goes on */
    CU_ASSERT(answers(about_route(CB_MSG_CLOSE_JOBS, 0, 0), CB_OK, 0));
    CU_ASSERT_EQUAL(play_start(&p, CB_ROUTE_NONE, -1).status, CB_CLOSED);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 1), CB_JOB_PENDING);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_JOB_STATUS, 2), CB_JOB_CANCELED);
    end();
}

static void test_closed_jobs_that_a_worker_holds(void)
{
    begin();
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start_worker(&p);
    cb_message hands[3] = {double_effect(&p.d, CB_MSG_HAND, 0)};
    for (size_t i = 1; i < 3; i++) {
        play_start(&p, CB_ROUTE_NONE, -1);
        hands[i] = double_effect(&p.d, CB_MSG_HAND, 0);
    }
    uint64_t first = about_route(CB_MSG_CLOSE_JOBS, 0, 0);
    CU_ASSERT(is_silent() && double_count(&p.d, CB_MSG_TAKE_BACK) == 1);
    uint64_t second = about_route(CB_MSG_CLOSE_JOBS, 0, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, hands[0].to, hands[0].job, 0);
    play_actor(&p, CB_MSG_JOB_RETURNED, hands[1].to, hands[1].job, 0);
    CU_ASSERT(is_silent());
    play_actor(&p, CB_MSG_JOB_RETURNED, hands[2].to, hands[2].job, 0);
    CU_ASSERT(answers(first, CB_OK, 2) && answers(second, CB_OK, 0));
    end();
}

static cb_message closing_of(uint64_t cause)
{
    for (size_t i = 0; i < p.d.effects.count; i++) {
        if (p.d.effects.items[i].cause == cause) {
            return p.d.effects.items[i];
        }
    }
    return (cb_message){0};
}

static void test_closes(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    play_listener(&p, CB_MSG_ACCEPTED, route, 1);
    play_listener(&p, CB_MSG_REQUEST_READY, route, 1);
    uint64_t first = about_route(CB_MSG_CLOSE_ROUTE, route, CB_FLAG_AT_ONCE);
    CU_ASSERT(answers(first, CB_OK, 1) && closing_of(first).connection == 1);
    uint64_t second = about_route(CB_MSG_CLOSE_ROUTE, route, CB_FLAG_AT_ONCE);
    CU_ASSERT(answers(second, CB_OK, 0) && closing_of(second).connection == 0);
    uint64_t third = about_route(CB_MSG_CLOSE_ROUTE, route, 0);
    CU_ASSERT(is_silent());
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    CU_ASSERT(is_silent());
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT(answers(third, CB_OK, 0) && closing_of(third).connection == 0);
    CU_ASSERT(answers(about_route(CB_MSG_CLOSE_ROUTE, route, 0), CB_OK, 0));
    route = play_open(&p, -1);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0); /* closed, but nobody has asked for it */
    first = about_route(CB_MSG_CLOSE_ROUTE, route, 0);
    CU_ASSERT(answers(first, CB_OK, 0) && closing_of(first).connection == 1);
    second = about_route(CB_MSG_CLOSE_ROUTE, route, 0);
    CU_ASSERT(answers(second, CB_OK, 0) && closing_of(second).connection == 0);
    end();
}

static uint64_t opens_shared_for(uint32_t kind, int32_t timeout_ms)
{
    return ask((cb_message){.kind = CB_MSG_OPEN_ROUTE,
                            .status = timeout_ms,
                            .flags = CB_FLAG_SHARED,
                            .connection = cb_route_word(kind, 0)});
}

static uint64_t opens_shared(uint32_t kind)
{
    return opens_shared_for(kind, -1);
}

/* One that is there is not joined by what could not open it, but still while the program ends. */
static void test_who_may_join(void)
{
    begin();
    opens_shared(CB_ROUTE_LOOP);
    p.listeners[1] = double_effect(&p.d, CB_MSG_START_LISTENER, 0).to;
    play_listener(&p, CB_MSG_ROUTE_LISTENING, 1, 0);
    CU_ASSERT(answers(opens_shared_for(CB_ROUTE_LOOP, -2), CB_INVALID, 0));
    CU_ASSERT(answers(opens_shared_for(CB_ROUTE_LOOP, 0), CB_OK, 1));
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    CU_ASSERT(answers(opens_shared(CB_ROUTE_LOOP), CB_OK, 1));
    CU_ASSERT(answers(opens_shared(CB_ROUTE_SOCKETS), CB_STOPPED, 0));
    CU_ASSERT(answers(opens_shared_for(CB_ROUTE_LOOP, -2), CB_INVALID, 0));
    end();
}

static void test_shared_openings(void)
{
    begin();
    uint64_t causes[3];
    for (size_t i = 0; i < 3; i++) {
        causes[i] = opens_shared(CB_ROUTE_LOOP);
        CU_ASSERT(is_silent());
        CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_START_LISTENER), i == 0);
        if (i == 0) {
            p.listeners[1] = double_effect(&p.d, CB_MSG_START_LISTENER, 0).to;
        }
    }
    play_listener(&p, CB_MSG_ROUTE_LISTENING, 1, 0);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(answers(causes[i], CB_OK, 1));
    }
    CU_ASSERT(answers(opens_shared(CB_ROUTE_LOOP), CB_OK, 1));
    for (size_t i = 0; i < 3; i++) {
        causes[i] = opens_shared(CB_ROUTE_SOCKETS);
        if (i == 0) {
            p.listeners[2] = double_effect(&p.d, CB_MSG_START_LISTENER, 0).to;
        }
    }
    uint64_t text = double_payload(&p.d);
    double_send(&p.d, (cb_message){.kind = CB_MSG_ROUTE_FAILED,
                                   .name_space = 1,
                                   .from = p.listeners[2],
                                   .route = 2,
                                   .status = CB_LIMIT,
                                   .payload = text});
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(answers(causes[i], CB_LIMIT, 0));
        CU_ASSERT_EQUAL(closing_of(causes[i]).payload, text); /* why, for all of them */
    }
    end();
}

static void test_what_is_known(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    const cb_message questions[] = {{.value = CB_ASK_ROUTE_KNOWN, .job = 99},
                                    {.value = CB_ASK_JOB_KNOWN, .job = 99},
                                    {.value = CB_ASK_ROUTE_FAILED, .job = route},
                                    {.value = CB_ASK_ROUTE_LOST, .job = route},
                                    {.value = CB_ASK_ROUTE_TLS, .job = route}};
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        cb_message question = questions[i];
        question.kind = CB_MSG_ASK;
        CU_ASSERT(answers(ask(question), CB_OK, 0));
    }
    cb_message question = {.kind = CB_MSG_ASK, .value = CB_ASK_OPEN_COUNT};
    CU_ASSERT(answers(ask(question), CB_OK, 1));
    question.value = CB_ASK_SNAPSHOT;
    uint64_t snapshot = ask(question);
    CU_ASSERT(answers(snapshot, CB_OK, 0) && closing_of(snapshot).flags == CB_FLAG_NEW);
    question.value = CB_ASK_ROUTE_TIMEOUT;
    question.job = route;
    CU_ASSERT(answers(ask(question), CB_OK, -1));
    CU_ASSERT(answers(about_job(CB_MSG_HELLO, 0), CB_OK, 0));
    CU_ASSERT(double_count(&p.d, CB_MSG_ANSWER) == 1);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"waits", test_waits},
        {"cancels", test_cancels},
        {"a cancel of an exchange", test_a_cancel_of_an_exchange},
        {"closed jobs", test_closed_jobs},
        {"closed jobs that a worker holds", test_closed_jobs_that_a_worker_holds},
        {"closes", test_closes},
        {"who may join", test_who_may_join},
        {"shared openings", test_shared_openings},
        {"what is known", test_what_is_known},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, answers", tests);
}
