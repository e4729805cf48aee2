/* What is counted for watchers: each way a job can end, times, routes that close, and notes. */
#include "actors/base/histogram.h"
#include "tests/unit/step_play.h"

#define US INT64_C(1000)

static play p;

static void begin_with(int64_t metrics_routes)
{
    cb_limits limits = double_limits();
    limits.metrics_routes = metrics_routes;
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
    cb_step_take_notes(p.d.step);
}

static void begin(void)
{
    begin_with(64);
}

static void end(void)
{
    const char *wrong = double_end(&p.d);
    CU_ASSERT_PTR_NULL(wrong);
    if (wrong != NULL) {
        fprintf(stderr, "  %s\n", wrong);
    }
}

/* The tally of namespace 1 of a kind; of kind ROUTE the route's own, or NULL. */
static const cb_tally *tally(cb_tally_kind kind, uint32_t route)
{
    for (uint32_t i = 0; i < p.d.step->tallies.high; i++) {
        const cb_tally *found = cb_slots_live(&p.d.step->tallies, i);
        if (found == NULL || found->kind != kind) {
            continue;
        }
        if (kind != CB_TALLY_ROUTE || cb_step_route_at(p.d.step, found->route)->id == route) {
            return found;
        }
    }
    return NULL;
}

static cb_note note(cb_note_kind kind)
{
    cb_notes notes = cb_step_notes(p.d.step);
    for (size_t i = 0; i < notes.count; i++) {
        if (notes.items[i].kind == kind) {
            return notes.items[i];
        }
    }
    return (cb_note){0};
}

static void complete(const cb_message *hand, cb_job_status status, uint32_t run_us)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = hand->to,
                                   .job = hand->job,
                                   .status = (int32_t)status,
                                   .connection = run_us,
                                   .value = 7,
                                   .payload = double_payload(&p.d)});
}

static void respond(uint32_t route, uint32_t connection, int64_t size)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_RESPONSE_SENT,
                                   .name_space = 1,
                                   .from = p.listeners[route],
                                   .route = route,
                                   .connection = connection,
                                   .value = size});
}

/* The bucket, counted from 0, that holds the histogram's only time; -1 if there is not just one. */
static int only_bucket(const cb_histogram *histogram)
{
    int found = -1;
    for (int i = 0; i < CB_HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            found = found >= 0 || histogram->buckets[i] > 1 ? -1 : i;
        }
    }
    return found;
}

static void test_buckets(void)
{
    static const int64_t bounds[] = {
#define BOUND(bound_ns, text) (bound_ns),
        CB_HISTOGRAM_BOUNDS(BOUND)
#undef BOUND
    };
    const size_t count = sizeof bounds / sizeof *bounds;
    CU_ASSERT_EQUAL(count + 1, CB_HISTOGRAM_BUCKETS);
    for (size_t i = 0; i < count; i++) {
        cb_histogram at = {{0}, 0};
        cb_histogram above = {{0}, 0};
        cb_histogram_observe(&at, bounds[i]);
        cb_histogram_observe(&above, bounds[i] + 1);
        CU_ASSERT_EQUAL(only_bucket(&at), (int)i);
        CU_ASSERT_EQUAL(only_bucket(&above), (int)i + 1);
        CU_ASSERT_EQUAL(at.sum_ns, (uint64_t)bounds[i]);
        CU_ASSERT(i == 0 || bounds[i] > bounds[i - 1]);
    }
    cb_histogram all = {{0}, 0};
    cb_histogram_observe(&all, 0);
    cb_histogram_observe(&all, INT64_MIN);
    CU_ASSERT(all.buckets[0] == 2 && all.sum_ns == 0);
    cb_histogram_observe(&all, INT64_MAX);
    CU_ASSERT_EQUAL(all.buckets[count], 1);
    cb_histogram twice = all;
    cb_histogram_add(&twice, &all);
    CU_ASSERT(twice.buckets[0] == 4 && twice.buckets[count] == 2);
    CU_ASSERT_EQUAL(twice.sum_ns, 2 * (uint64_t)INT64_MAX);
}

/* 3 ms in the queue, 2 ms in the callback, 5 ms until the response was sent. */
static void test_times(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    play_request(&p, route, 9);
    cb_message add = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0);
    const cb_tally *own = tally(CB_TALLY_ROUTE, route);
    CU_ASSERT(own != NULL && own->begun == 1 && own->phases[CB_TALLY_QUEUED] == 1);
    p.d.now_ns += 3 * MS;
    play_actor(&p, CB_MSG_ACTOR_READY, add.to, 0, 0);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    p.d.now_ns += 1 * MS;
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    CU_ASSERT_EQUAL(own->phases[CB_TALLY_RUNNING], 1);
    p.d.now_ns += 1 * MS;
    complete(&hand, CB_JOB_SUCCESS, 2000);
    CU_ASSERT_EQUAL(own->phases[CB_TALLY_ANSWERING], 1);
    CU_ASSERT(own->queue.sum_ns == 3 * MS && own->run.sum_ns == 2 * MS);
    CU_ASSERT_EQUAL(own->whole.sum_ns, 0);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).kind, 0);
    p.d.now_ns += 5 * MS;
    respond(route, 9, 1234);
    CU_ASSERT(own->whole.sum_ns == 10 * MS && own->ended[CB_JOB_SUCCESS] == 1);
    CU_ASSERT(own->received_bytes == 10 && own->sent_bytes == 1234);
    cb_note ended = note(CB_NOTE_JOB_ENDED);
    CU_ASSERT(ended.job == hand.job && ended.route == route && ended.connection == 9);
    CU_ASSERT(ended.queue_ns == 3 * MS && ended.run_ns == 2 * MS && ended.whole_ns == 10 * MS);
    CU_ASSERT(ended.status == CB_JOB_SUCCESS && ended.name_space == 1 && ended.id == 0);
    end();
}

/* An actor that says that it took longer than the request has been here. */
static void test_impossible_time(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    complete(&hand, CB_JOB_SUCCESS, UINT32_MAX);
    const cb_tally *own = tally(CB_TALLY_ROUTE, route);
    CU_ASSERT_EQUAL(own->queue.sum_ns, 0);
    CU_ASSERT_EQUAL(own->run.sum_ns, UINT32_MAX * US);
    CU_ASSERT_EQUAL(only_bucket(&own->run), CB_HISTOGRAM_BUCKETS - 1);
    end();
}

static void close_connection(uint32_t route, uint32_t connection, cb_close_reason reason)
{
    double_send(&p.d, (cb_message){.kind = CB_MSG_CONNECTION_CLOSED,
                                   .name_space = 1,
                                   .from = p.listeners[route],
                                   .route = route,
                                   .connection = connection,
                                   .status = (int32_t)reason});
}

/* One request for each way to end. */
static void test_outcomes(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    const cb_tally *own = tally(CB_TALLY_ROUTE, route);
    complete(&hand, CB_JOB_CALLBACK_FAILED, 10);
    CU_ASSERT(own->ended[CB_JOB_CALLBACK_FAILED] == 1 && own->whole.buckets[0] == 1);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).status, CB_JOB_CALLBACK_FAILED);
    close_connection(route, 1, CB_CLOSE_DROPPED);
    CU_ASSERT_EQUAL(own->closed[CB_CLOSE_DROPPED], 1);
    hand = play_request(&p, route, 2);
    complete(&hand, CB_JOB_CALLBACK_REFUSED, 10);
    close_connection(route, 2, CB_CLOSE_DROPPED);
    hand = play_request(&p, route, 3);
    complete(&hand, CB_JOB_SUCCESS, 10);
    close_connection(route, 3, CB_CLOSE_PEER_RESET);
    CU_ASSERT(own->ended[CB_TALLY_UNSENT] == 1 && own->closed[CB_CLOSE_PEER_RESET] == 1);
    hand = play_request(&p, route, 4);
    close_connection(route, 4, CB_CLOSE_PEER_RESET);
    complete(&hand, CB_JOB_SUCCESS, 10);
    CU_ASSERT_EQUAL(own->ended[CB_TALLY_UNSENT], 2);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).status, CB_TALLY_UNSENT);
    play_listener(&p, CB_MSG_ACCEPTED, route, 5);
    CU_ASSERT_EQUAL(own->phases[CB_TALLY_READING], 1);
    close_connection(route, 5, 99); /* no reason that there is */
    CU_ASSERT_EQUAL(own->ended[CB_TALLY_DISCONNECTED], 1);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).run_ns, -1);
    CU_ASSERT(own->begun == 5 && own->ended[CB_JOB_CALLBACK_REFUSED] == 1);
    CU_ASSERT_EQUAL(own->run.buckets[0], 4);
    end();
}

/* What was turned away before it was a job: a status that is none is not taken for an outcome. */
static void test_rejected(void)
{
    begin();
    uint32_t route = play_open_kind(&p, CB_ROUTE_UDP, -1);
    const cb_tally *own = tally(CB_TALLY_ROUTE, route);
    cb_message rejected = {.kind = CB_MSG_REJECTED,
                           .name_space = 1,
                           .from = p.listeners[route],
                           .route = route,
                           .status = CB_JOB_OVERLOADED,
                           .value = 40};
    double_send(&p.d, rejected);
    CU_ASSERT(own->begun == 40 && own->ended[CB_JOB_OVERLOADED] == 40);
    cb_note said = note(CB_NOTE_REJECTED);
    CU_ASSERT(said.value == 40 && said.status == CB_JOB_OVERLOADED && said.route == route);
    static const int32_t none[] = {-7, 0, 12, 1000};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        rejected.status = none[i];
        rejected.value = 1;
        double_send(&p.d, rejected);
    }
    CU_ASSERT(own->begun == 44 && own->ended[CB_JOB_OVERLOADED] == 44);
    cb_message hand = play_new(&p, route, 1, 0);
    play_start_worker(&p);
    hand = hand.kind != 0 ? hand : double_effect(&p.d, CB_MSG_HAND, 0);
    complete(&hand, CB_JOB_SUCCESS, 60);
    CU_ASSERT(own->ended[CB_JOB_SUCCESS] == 1 && own->sent_bytes == 7);
    rejected.flags = CB_FLAG_FINAL; /* its callback had run */
    rejected.status = CB_JOB_SEND_FAILED;
    double_send(&p.d, rejected);
    CU_ASSERT(own->ended[CB_JOB_SUCCESS] == 1 && own->lost_replies == 1);
    end();
}

/* Sums past every number that a report can hold: nothing overflows, nothing is lost on the way. */
static void test_most(void)
{
    begin_with(1);
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t route = play_open_kind(&p, CB_ROUTE_UDP, -1);
        cb_message rejected = {.kind = CB_MSG_REJECTED,
                               .name_space = 1,
                               .from = p.listeners[route],
                               .route = route,
                               .status = CB_JOB_OVERLOADED,
                               .value = INT64_MAX};
        double_send(&p.d, rejected);
        sum += (uint64_t)play_ask(&p, CB_ASK_ROUTE_DROPPED, route);
        play_close(&p, route, 0);
        play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    }
    CU_ASSERT(sum > INT64_MAX);
    CU_ASSERT_EQUAL(tally(CB_TALLY_OTHERS, 0)->ended[CB_JOB_OVERLOADED], sum);
    end();
}

/* A route that closes leaves its figures to the others', and its place to the next one. */
static void test_closed_routes(void)
{
    begin_with(1);
    uint32_t first = play_open(&p, -1);
    uint32_t second = play_open(&p, -1);
    CU_ASSERT(tally(CB_TALLY_ROUTE, first) != NULL && tally(CB_TALLY_ROUTE, second) == NULL);
    cb_message hand = play_first_request(&p, first, 1);
    complete(&hand, CB_JOB_SUCCESS, 10);
    respond(first, 1, 5);
    hand = play_request(&p, second, 2);
    const cb_tally *others = tally(CB_TALLY_OTHERS, 0);
    CU_ASSERT(others->begun == 1 && others->phases[CB_TALLY_QUEUED] == 1);
    play_close(&p, first, 0);
    CU_ASSERT_EQUAL(note(CB_NOTE_ROUTE_CLOSING).route, first);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, first, 0);
    CU_ASSERT_EQUAL(note(CB_NOTE_ROUTE_CLOSED).route, first);
    CU_ASSERT_PTR_NULL(tally(CB_TALLY_ROUTE, first));
    CU_ASSERT(others->begun == 2 && others->ended[CB_JOB_SUCCESS] == 1);
    CU_ASSERT(others->sent_bytes == 5 && others->run.buckets[0] == 1);
    complete(&hand, CB_JOB_SUCCESS, 10);
    respond(second, 2, 6);
    CU_ASSERT(others->ended[CB_JOB_SUCCESS] == 2 && others->sent_bytes == 11);
    uint32_t third = play_open(&p, -1);
    CU_ASSERT_EQUAL(note(CB_NOTE_ROUTE_OPENED).value, 8000 + third);
    CU_ASSERT_PTR_NOT_NULL(tally(CB_TALLY_ROUTE, third));
    uint32_t failing = play_opening(&p, -1);
    play_listener(&p, CB_MSG_ROUTE_FAILED, failing, 0);
    CU_ASSERT_EQUAL(note(CB_NOTE_ROUTE_FAILED).status, CB_IO);
    CU_ASSERT_EQUAL(p.d.step->tallies.count, 2);
    end();
}

/* Jobs of this process, and client exchanges. */
static void test_other_jobs(void)
{
    begin();
    cb_message begun = play_start(&p, CB_ROUTE_NONE, -1);
    const cb_tally *alone = tally(CB_TALLY_ALONE, 0);
    CU_ASSERT(begun.value == 1 && alone->begun == 1 && alone->phases[CB_TALLY_QUEUED] == 1);
    play_start_worker(&p);
    cb_message hand = double_effect(&p.d, CB_MSG_HAND, 0);
    complete(&hand, CB_JOB_SUCCESS, 30);
    CU_ASSERT(alone->ended[CB_JOB_SUCCESS] == 1 && alone->phases[CB_TALLY_ANSWERING] == 0);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).id, 1);
    play_take(&p, 1, 0);
    uint32_t route = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    CU_ASSERT_EQUAL(play_start(&p, route, -1).value, 2);
    hand = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT_EQUAL(tally(CB_TALLY_ROUTE, route)->phases[CB_TALLY_QUEUED], 1);
    complete(&hand, CB_JOB_CALLBACK_FAILED, 30);
    CU_ASSERT_EQUAL(tally(CB_TALLY_ROUTE, route)->ended[CB_JOB_CALLBACK_FAILED], 1);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).route, route);
    CU_ASSERT_EQUAL(alone->begun, 1);
    uint32_t served = play_open(&p, -1);
    CU_ASSERT_EQUAL(play_begin(&p, served, 5).value, 3);
    const cb_tally *client = tally(CB_TALLY_CLIENT, 0);
    CU_ASSERT_EQUAL(client->phases[CB_TALLY_QUEUED], 1);
    play_tick(&p, 6 * MS);
    CU_ASSERT(client->ended[CB_JOB_TIMEOUT] == 1 && client->whole.sum_ns == 6 * MS);
    cb_note ended = note(CB_NOTE_JOB_ENDED);
    CU_ASSERT(ended.id == 3 && ended.route == served && ended.job_kind == CB_JOB_CLIENT);
    end();
}

static void test_the_end(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    double_send(&p.d, (cb_message){.kind = CB_MSG_SHUTDOWN, .from = MAIN_ASKER});
    CU_ASSERT_EQUAL(note(CB_NOTE_SHUTDOWN).value, 5000);
    CU_ASSERT_EQUAL(note(CB_NOTE_ROUTE_CLOSING).status, 1);
    play_tick(&p, 5000 * MS);
    CU_ASSERT_EQUAL(note(CB_NOTE_GRACE_OVER).value, 1);
    double_send(&p.d, (cb_message){.kind = CB_MSG_ACTOR_STOPPED, .from = hand.to});
    CU_ASSERT_EQUAL(note(CB_NOTE_ACTOR_LOST).connection, hand.to);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).status, CB_JOB_CALLBACK_FAILED);
    CU_ASSERT_EQUAL(note(CB_NOTE_JOB_ENDED).run_ns, -1);
    end();
}

/* The same inputs give the same figures, and the hash tells when they differ. */
static void test_hash(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    cb_step *copy = cb_step_clone(p.d.step);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_EQUAL(cb_step_hash(copy), cb_step_hash(p.d.step));
    cb_message done = {.kind = CB_MSG_JOB_COMPLETED,
                       .from = hand.to,
                       .job = hand.job,
                       .connection = 11,
                       .time_ns = p.d.now_ns};
    cb_step_input(copy, &done);
    done.connection = 12;
    double_send(&p.d, done);
    CU_ASSERT_NOT_EQUAL(cb_step_hash(copy), cb_step_hash(p.d.step));
    CU_ASSERT_EQUAL(cb_step_hash_present(copy), cb_step_hash_present(p.d.step));
    cb_step_free(&copy, NULL, NULL);
    end();
}

int main(void)
{
    static const CU_TestInfo tests[] = {{"buckets", test_buckets},
                                        {"times of a request", test_times},
                                        {"a time that cannot be", test_impossible_time},
                                        {"outcomes", test_outcomes},
                                        {"rejected before there was a job", test_rejected},
                                        {"the most", test_most},
                                        {"routes that close", test_closed_routes},
                                        {"jobs of other kinds", test_other_jobs},
                                        {"the end", test_the_end},
                                        {"hash", test_hash},
                                        CU_TEST_INFO_NULL};
    return play_main("step: tallies", tests);
}
