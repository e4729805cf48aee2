/* Figures at their ends: what a closed route's add to, times that are none or too long, who is
 * known as an asker, to whom the shell's own effects go. */
#include "tests/unit/step_play.h"

static play p;

static void begin(void)
{
    cb_limits limits = double_limits();
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

/* -- what a closed route has counted -- */

/* All numbers of a tally but what says whose it is. */
static uint64_t *numbers_of(cb_tally *tally, size_t *count)
{
    *count = (sizeof *tally - offsetof(cb_tally, begun)) / sizeof(uint64_t);
    return &tally->begun;
}

static void test_all_figures_are_added(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_step *copy = cb_step_clone(p.d.step);
    cb_tally *own = cb_step_tally_at(copy, cb_step_route_at(copy, 0)->tally);
    cb_tally *others = cb_step_tally_at(copy, cb_step_space_at(copy, 1)->tallies[CB_TALLY_OTHERS]);
    CU_ASSERT_FATAL(own != others && route == 1);
    size_t count;
    uint64_t *from = numbers_of(own, &count);
    uint64_t *to = numbers_of(others, &count);
    for (size_t i = 0; i < count; i++) {
        from[i] = 1000 + i;
        to[i] = UINT64_C(5000000000) + 7 * i;
    }
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++) {
        own->phases[i] = 10 + i;
        others->phases[i] = 20 + 3 * i;
    }
    cb_step_tally_close(copy, 0);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(to[i], UINT64_C(5000001000) + 8 * i);
    }
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++) {
        CU_ASSERT_EQUAL(others->phases[i], 30 + 4 * i);
    }
    CU_ASSERT_EQUAL(copy->listed, 0);
    uint64_t begun = others->begun;
    cb_step_tally_close(copy, 0); /* it has none any more */
    CU_ASSERT(others->begun == begun && copy->listed == 0);
    cb_step_free(&copy, NULL, NULL);
    end();
}

/* So many routes have figures of their own, and no more; a place that is free again is used. */
static void test_how_many_have_their_own(void)
{
    cb_limits limits = double_limits();
    limits.metrics_routes = 2;
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
    for (uint32_t i = 1; i <= 3; i++) {
        play_open(&p, -1);
    }
    uint32_t others = cb_step_space_at(p.d.step, 1)->tallies[CB_TALLY_OTHERS];
    for (uint32_t slot = 0; slot < 3; slot++) {
        CU_ASSERT_EQUAL(cb_step_route_at(p.d.step, slot)->tally == others, slot == 2);
    }
    play_close(&p, 1, 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, 1, 0);
    uint32_t fourth = play_open(&p, -1);
    CU_ASSERT_EQUAL(fourth, 4);
    CU_ASSERT_NOT_EQUAL(cb_step_route_at(p.d.step, 3)->tally, others);
    CU_ASSERT_EQUAL(p.d.step->listed, 2);
    end();
}

/* -- times -- */

static const cb_tally *figures(void)
{
    return cb_step_tally_at(p.d.step, cb_step_route_at(p.d.step, 0)->tally);
}

/* A request that was whole at one time and answered at another, by a callback that took so long. */
static void serve(int64_t from_ns, int64_t to_ns, uint32_t run_us)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    cb_step_job_at(p.d.step, (uint32_t)hand.job)->ready_ns = from_ns;
    p.d.step->now_ns = p.d.now_ns = to_ns;
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = hand.to,
                                   .job = hand.job,
                                   .connection = run_us});
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
}

static void test_times(void)
{
    static const struct {
        int64_t from_ns;
        int64_t to_ns;
        uint32_t run_us;
        int64_t queue_ns;
        int64_t whole_ns;
    } times[] = {
        {5 * MS, 5 * MS, 0, 0, 0},
        {5 * MS, 5 * MS + 1, 0, 1, 1},
        {5 * MS, 4 * MS, 0, 0, 0}, /* stamps may be any numbers */
        {5 * MS, 9 * MS, 1000, 3 * MS, 4 * MS},
        {5 * MS, 9 * MS, 4000, 0, 4 * MS},
        {5 * MS, 9 * MS, 3999, 1000, 4 * MS},
        {5 * MS, 9 * MS, 4001, 0, 4 * MS}, /* it says that it took longer than there was */
        {-1, INT64_MAX - 1, 0, INT64_MAX, INT64_MAX},
        {-2, INT64_MAX - 1, 0, INT64_MAX, INT64_MAX},
        {-9, INT64_MAX - 1, 0, INT64_MAX, INT64_MAX},
        {0, INT64_MAX - 1, 0, INT64_MAX - 1, INT64_MAX - 1},
        {5 * MS, 9000000 * MS, UINT32_MAX, 9000000 * MS - 5 * MS - INT64_C(1000) * UINT32_MAX,
         9000000 * MS - 5 * MS},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        serve(times[i].from_ns, times[i].to_ns, times[i].run_us);
        CU_ASSERT_EQUAL(figures()->queue.sum_ns, (uint64_t)times[i].queue_ns);
        CU_ASSERT_EQUAL(figures()->run.sum_ns, UINT64_C(1000) * times[i].run_us);
        CU_ASSERT_EQUAL(figures()->whole.sum_ns, (uint64_t)times[i].whole_ns);
        end();
    }
}

static void test_bytes_and_ends_of_connections(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    static const int64_t sizes[] = {0, 1, -1, INT64_MIN, 70000, INT64_C(5) << 32};
    uint64_t received = 0;
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double_send(&p.d, (cb_message){.kind = CB_MSG_REQUEST_READY,
                                       .flags = CB_FLAG_NEW,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .connection = i,
                                       .value = sizes[i]});
        received += sizes[i] > 0 ? (uint64_t)sizes[i] : 0;
        CU_ASSERT(figures()->received_bytes == received && figures()->sent_bytes == 0);
    }
    static const int32_t reasons[] = {
        CB_CLOSE_NONE, CB_CLOSE_NONE + 1, CB_TALLY_REASONS - 1, CB_TALLY_REASONS, -1, INT32_MAX};
    for (uint32_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        double_send(&p.d, (cb_message){.kind = CB_MSG_CONNECTION_CLOSED,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .connection = i,
                                       .status = reasons[i]});
        uint64_t all = 0;
        for (unsigned reason = 0; reason < CB_TALLY_REASONS; reason++) {
            all += figures()->closed[reason];
        }
        CU_ASSERT_EQUAL(all, i == 0 ? 0 : i == 1 ? 1 : 2); /* others are none */
    }
    CU_ASSERT(figures()->closed[CB_CLOSE_NONE + 1] == 1);
    CU_ASSERT(figures()->closed[CB_TALLY_REASONS - 1] == 1);
    end();
}

/* -- askers, and effects for the shell -- */

static void test_who_is_known_as_an_asker(void)
{
    for (uint16_t kind = 0; kind < CB_MSG_END; kind++) {
        bool asks = (kind >= CB_MSG_OPEN_ROUTE && kind <= CB_MSG_HELLO) || kind == CB_MSG_COMMAND ||
                    kind == CB_MSG_CANCEL_JOB || kind == CB_MSG_CLOSE_JOBS;
        begin();
        double_send(&p.d, (cb_message){.kind = kind, .from = MAIN_ASKER, .name_space = 1});
        CU_ASSERT_EQUAL(p.d.step->askers.count, asks);
        double_send(&p.d, (cb_message){.kind = kind, .from = MAIN_ASKER, .name_space = 1});
        CU_ASSERT_EQUAL(p.d.step->askers.count, asks); /* once is enough */
        double_send(&p.d, (cb_message){.kind = kind, .from = CB_ADDRESS_FIRST_ASKER - 1u});
        CU_ASSERT_EQUAL(p.d.step->askers.count, asks); /* that is none */
        double_send(&p.d, (cb_message){.kind = kind, .from = CB_ADDRESS_FIRST_ASKER});
        CU_ASSERT_EQUAL(p.d.step->askers.count, asks ? 2 : 0);
        end();
    }
}

static void test_effects_for_the_shell(void)
{
    begin();
    play_wait(&p, CB_WAIT_TIME, 0, 5);
    cb_message tick_at = double_effect(&p.d, CB_MSG_TICK_AT, 0);
    CU_ASSERT(tick_at.to == CB_ADDRESS_SUPERVISOR && tick_at.value == p.d.now_ns + 5 * MS);
    CU_ASSERT(tick_at.time_ns == p.d.now_ns && tick_at.from == CB_ADDRESS_SUPERVISOR);
    play_wait(&p, CB_WAIT_TIME, 0, 6);
    CU_ASSERT_EQUAL(double_count(&p.d, CB_MSG_TICK_AT), 0); /* nothing new */
    cb_message stray = {.kind = CB_MSG_NONE, .payload = double_payload(&p.d)};
    double_send(&p.d, stray);
    cb_message release = double_effect(&p.d, CB_MSG_RELEASE, 0);
    CU_ASSERT(release.to == CB_ADDRESS_SUPERVISOR && release.payload == stray.payload);
    end();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"all figures are added", test_all_figures_are_added},
        {"how many have their own", test_how_many_have_their_own},
        {"times", test_times},
        {"bytes and ends of connections", test_bytes_and_ends_of_connections},
        {"who is known as an asker", test_who_is_known_as_an_asker},
        {"effects for the shell", test_effects_for_the_shell},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, figures", tests);
}
