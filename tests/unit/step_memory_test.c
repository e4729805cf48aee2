/* Every allocation of the step fails once: what was asked is refused as for want of memory and can
 * be asked again; nothing else is lost. */
#include "tests/unit/step_play.h"

static play p;
static unsigned grants;
static unsigned refused;

/* realloc that fails once `grants` are used up. */
static void *grudging(void *memory, size_t size)
{
    if (grants == 0) {
        refused++;
        return NULL;
    }
    grants--;
    return realloc(memory, size);
}

static void begin(void)
{
    cb_limits limits = double_limits();
    limits.metrics_routes =
        0; /* a route without memory for figures of its own opens all the same */
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

/* Who asks is known already, and there is a worker: what is refused then is what was asked. */
static void begin_with_a_worker(void)
{
    begin();
    play_start(&p, CB_ROUTE_NONE, -1);
    play_start_worker(&p);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
}

static void begin_with_an_asker(void)
{
    begin();
    double_send(&p.d, (cb_message){.kind = CB_MSG_HELLO, .from = MAIN_ASKER});
}

static void begin_with_a_route(void)
{
    begin();
    play_open(&p, -1);
}

typedef cb_message question(void);

static cb_message open_route(void)
{
    return double_ask(&p.d, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                                         .name_space = 1,
                                         .connection = cb_route_word(CB_ROUTE_LOCAL, 0),
                                         .payload = double_payload(&p.d)});
}

static cb_message begin_local(void)
{
    return play_start(&p, CB_ROUTE_NONE, -1);
}

static cb_message begin_client(void)
{
    return play_begin(&p, 1, -1);
}

static cb_message close_jobs(void)
{
    return double_ask(&p.d, (cb_message){.kind = CB_MSG_CLOSE_JOBS, .name_space = 2});
}

static cb_message wait_for_time(void)
{
    cb_message answer = play_wait(&p, CB_WAIT_TIME, 0, 10);
    return answer.kind == 0 ? (cb_message){.kind = CB_MSG_ANSWER} : answer;
}

/* Asks until it is granted, with one allocation more each time; how often it was refused. */
static unsigned ask_until_granted(question *ask)
{
    for (unsigned most = 0; most < 64; most++) {
        grants = most;
        refused = 0;
        p.d.step->resize = grudging;
        uint64_t objects = cb_step_size(p.d.step);
        cb_message answer = ask();
        p.d.step->resize = realloc;
        if (refused == 0) {
            CU_ASSERT_EQUAL(answer.status, CB_OK);
            return most;
        }
        CU_ASSERT(answer.kind == CB_MSG_ANSWER && answer.status == CB_NO_MEMORY);
        CU_ASSERT(answer.value == 0 && answer.payload == 0);
        CU_ASSERT(cb_step_size(p.d.step) <= objects + 7); /* an empty namespace may stay */
    }
    CU_FAIL("it is never granted");
    return 0;
}

static void test_questions(void)
{
    static const struct {
        void (*begin)(void);
        question *ask;
        unsigned least; /* refusals before it is granted */
    } questions[] = {{begin_with_an_asker, open_route, 4},
                     {begin_with_a_route, begin_client, 3},
                     {begin_with_an_asker, close_jobs, 2},
                     {begin_with_an_asker, wait_for_time, 2}};
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        questions[i].begin();
        unsigned refusals = ask_until_granted(questions[i].ask);
        CU_ASSERT(refusals >= questions[i].least);
        CU_ASSERT_EQUAL(ask_until_granted(questions[i].ask), 0); /* there is room now */
        end();
    }
}

/* Tables grow again when they are full: that may fail, too. */
static void test_tables_that_grow(void)
{
    begin_with_a_worker();
    for (uint32_t jobs = 1; jobs < 60; jobs++) {
        unsigned refusals = ask_until_granted(begin_local);
        bool grows = jobs == 8 || jobs == 16 || jobs == 32; /* the map of ids, or jobs, or both */
        CU_ASSERT_EQUAL(refusals > 0, grows);
    }
    CU_ASSERT_EQUAL(p.d.step->jobs.count, 60);
    end();
    begin_with_an_asker();
    for (uint32_t i = 1; i <= 40; i++) {
        ask_until_granted(open_route);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, i), 1);
    }
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_OPEN_COUNT, 0), 40);
    end();
}

/* Requests without memory for them are turned away; the next ones are served. */
static void test_requests(void)
{
    for (unsigned most = 0; most < 4; most++) {
        begin();
        uint32_t route = play_open(&p, -1);
        p.d.step->resize = grudging;
        grants = most;
        refused = 0;
        play_listener(&p, CB_MSG_ACCEPTED, route, 1);
        CU_ASSERT(refused > 0 && double_count(&p.d, CB_MSG_DROP) == 1);
        CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
        p.d.step->resize = realloc;
        CU_ASSERT_EQUAL(play_first_request(&p, route, 2).kind, CB_MSG_HAND);
        end();
    }
}

static void test_events(void)
{
    unsigned refusals = 0;
    for (unsigned most = 0; most < 16; most++) {
        begin();
        uint32_t route = play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
        p.d.step->resize = grudging;
        grants = most;
        refused = 0;
        play_new(&p, route, 1, 0);
        p.d.step->resize = realloc;
        bool turned_away = double_count(&p.d, CB_MSG_DROP) == 1;
        CU_ASSERT_EQUAL(turned_away, refused > 0);
        refusals += turned_away;
        CU_ASSERT_EQUAL(p.d.step->lanes.count, turned_away ? 0 : 1);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), turned_away ? 0 : 1);
        play_new(&p, route, 1, 0);
        CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_QUEUED, route), turned_away ? 1 : 2);
        end();
    }
    CU_ASSERT(refusals >= 4 && refusals < 16);
}

/* A copy is whole or is none, and nothing of one that failed half-way is left. */
static void test_copies(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
    play_start(&p, CB_ROUTE_NONE, -1);
    play_begin(&p, route, 30);
    play_wait(&p, CB_WAIT_TIME, 0, 10);
    p.d.step->resize = grudging;
    unsigned failures = 0;
    cb_step *copy = NULL;
    for (; copy == NULL && failures < 64; failures++) {
        grants = failures;
        copy = cb_step_clone(p.d.step);
    }
    CU_ASSERT(copy != NULL && failures > 15);
    p.d.step->resize = realloc;
    CU_ASSERT_EQUAL(cb_step_hash(copy), cb_step_hash(p.d.step));
    CU_ASSERT_PTR_NULL(cb_step_check(copy));
    cb_step_free(&copy, NULL, NULL);
    CU_ASSERT_PTR_NULL(copy);
    cb_step_free(&copy, NULL, NULL); /* nothing */
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"questions", test_questions}, {"tables that grow", test_tables_that_grow},
        {"requests", test_requests},   {"events", test_events},
        {"copies", test_copies},       CU_TEST_INFO_NULL,
    };
    return play_main("step, memory", tests);
}
