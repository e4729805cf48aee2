/* The notes that inputs leave for a log: each with all that it says, and no others. */
#include "tests/unit/step_play.h"

static play p;

static void begin(void)
{
    cb_limits limits = double_limits();
    limits.max_connections = 3;
    limits.grace_ms = 100;
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
    cb_step_take_notes(p.d.step);
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

static bool is_note(size_t index, cb_note wanted)
{
    cb_notes notes = cb_step_notes(p.d.step);
    if (index >= notes.count) {
        return false;
    }
    const cb_note *note = &notes.items[index];
    return note->kind == wanted.kind && note->name_space == wanted.name_space &&
           note->job_kind == wanted.job_kind && note->status == wanted.status &&
           note->route == wanted.route && note->connection == wanted.connection &&
           note->job == wanted.job && note->id == wanted.id && note->value == wanted.value &&
           note->queue_ns == wanted.queue_ns && note->run_ns == wanted.run_ns &&
           note->whole_ns == wanted.whole_ns;
}

#define NO_TIMES  .queue_ns = -1, .run_ns = -1, .whole_ns = -1
#define NOTE(...) ((cb_note){__VA_ARGS__})
/* The last input's only note. */
#define ONLY(...) (cb_step_notes(p.d.step).count == 1 && is_note(0, NOTE(NO_TIMES, __VA_ARGS__)))

static size_t note_count(void)
{
    return cb_step_notes(p.d.step).count;
}

static void test_routes(void)
{
    begin();
    uint32_t route = play_opening(&p, -1);
    CU_ASSERT_EQUAL(note_count(), 0);
    play_listener(&p, CB_MSG_ROUTE_LISTENING, route, 0);
    CU_ASSERT(ONLY(.kind = CB_NOTE_ROUTE_OPENED, .name_space = 1, .route = route, .value = 8001));
    uint32_t failing = play_opening(&p, -1);
    play_listener(&p, CB_MSG_ROUTE_FAILED, failing, 0);
    CU_ASSERT(
        ONLY(.kind = CB_NOTE_ROUTE_FAILED, .name_space = 1, .route = failing, .status = CB_IO));
    play_request(&p, route, 1);
    CU_ASSERT(ONLY(.kind = CB_NOTE_ACTOR_ADDED,
                   .connection = double_effect(&p.d, CB_MSG_ADD_ACTOR, 0).to));
    play_close(&p, route, 0);
    CU_ASSERT_EQUAL(note_count(), 2);
    CU_ASSERT(
        is_note(0, NOTE(NO_TIMES, .kind = CB_NOTE_ROUTE_CLOSING, .name_space = 1, .route = route)));
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 1);
    CU_ASSERT_EQUAL(note_count(), 0);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT(ONLY(.kind = CB_NOTE_ROUTE_CLOSED, .name_space = 1, .route = route, .value = 1));
    end();
}

static void test_jobs(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_tick(&p, 7 * MS);
    double_send(&p.d, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                                   .from = hand.to,
                                   .job = hand.job,
                                   .connection = 3000, /* us */
                                   .payload = double_payload(&p.d)});
    CU_ASSERT_EQUAL(note_count(), 0); /* nothing was sent yet */
    play_tick(&p, MS);
    play_listener(&p, CB_MSG_RESPONSE_SENT, route, 1);
    CU_ASSERT_EQUAL(note_count(), 1);
    CU_ASSERT(is_note(0, NOTE(.kind = CB_NOTE_JOB_ENDED, .name_space = 1, .job_kind = CB_JOB_SERVER,
                              .route = route, .connection = 1, .job = hand.job, .queue_ns = 4 * MS,
                              .run_ns = 3 * MS, .whole_ns = 8 * MS)));
    uint32_t local = play_open_kind(&p, CB_ROUTE_LOCAL, -1);
    play_start(&p, local, -1);
    hand = double_effect(&p.d, CB_MSG_HAND, 0);
    play_actor(&p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
    CU_ASSERT(is_note(0, NOTE(.kind = CB_NOTE_JOB_ENDED, .name_space = 1, .job_kind = CB_JOB_LOCAL,
                              .route = local, .job = hand.job, .id = 1,
                              .status = CB_JOB_CALLBACK_FAILED)));
    play_begin(&p, route, -1);
    play_actor(&p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    hand = double_effect(&p.d, CB_MSG_HAND, 0);
    CU_ASSERT_EQUAL(note_count(), 0);
    play_tick(&p, 2 * MS);
    play_actor(&p, CB_MSG_JOB_COMPLETED, CB_ADDRESS_CLIENT, hand.job, CB_JOB_TIMEOUT);
    CU_ASSERT_EQUAL(note_count(), 1);
    CU_ASSERT(is_note(0, NOTE(.kind = CB_NOTE_JOB_ENDED, .name_space = 1, .job_kind = CB_JOB_CLIENT,
                              .route = route, .job = hand.job, .id = 2, .status = CB_JOB_TIMEOUT,
                              .queue_ns = -1, .run_ns = -1, .whole_ns = 2 * MS)));
    end();
}

/* What is turned away: told by a drop, a note and the counters, all with the same reason. */
static void test_what_is_refused(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    for (uint32_t i = 1; i <= 3; i++) {
        play_listener(&p, CB_MSG_ACCEPTED, route, i);
        CU_ASSERT(note_count() == 0 && double_count(&p.d, CB_MSG_DROP) == 0);
    }
    play_listener(&p, CB_MSG_ACCEPTED, route, 4); /* with no request, it was none */
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(note_count(), 0);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 0);
    play_new(&p, route, 5, 0);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).connection, 5);
    CU_ASSERT(ONLY(.kind = CB_NOTE_REJECTED, .name_space = 1, .route = route, .connection = 5,
                   .status = CB_JOB_OVERLOADED, .value = 1));
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_DROPPED, route), 1);
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_ACCEPTED, route), 4);
    static const int32_t said[][2] = {{-1, CB_JOB_OVERLOADED},
                                      {CB_JOB_SUCCESS, CB_JOB_OVERLOADED},
                                      {CB_JOB_SUCCESS + 1, CB_JOB_SUCCESS + 1},
                                      {CB_JOB_ROUTE_CLOSED, CB_JOB_ROUTE_CLOSED},
                                      {CB_JOB_ROUTE_CLOSED + 1, CB_JOB_OVERLOADED}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        double_send(&p.d, (cb_message){.kind = CB_MSG_REJECTED,
                                       .name_space = 1,
                                       .from = p.listeners[route],
                                       .route = route,
                                       .status = said[i][0],
                                       .value = 70012});
        CU_ASSERT(ONLY(.kind = CB_NOTE_REJECTED, .name_space = 1, .route = route,
                       .status = said[i][1], .value = 70012));
    }
    play_listener(&p, CB_MSG_CONNECTION_CLOSED, route, 3); /* it did not run: there are no times */
    CU_ASSERT_EQUAL(note_count(), 1);
    CU_ASSERT(is_note(0, NOTE(NO_TIMES, .kind = CB_NOTE_JOB_ENDED, .name_space = 1,
                              .job_kind = CB_JOB_SERVER, .status = CB_TALLY_DISCONNECTED,
                              .route = route, .connection = 3, .job = (UINT64_C(1) << 32) | 2)));
    play_close(&p, route, 0);
    play_listener(&p, CB_MSG_ACCEPTED, route, 6);
    CU_ASSERT_EQUAL(double_effect(&p.d, CB_MSG_DROP, 0).status, CB_JOB_ROUTE_CLOSED);
    end();
}

static void test_actors(void)
{
    begin();
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_request(&p, route, 2);
    play_request(&p, route, 3);
    CU_ASSERT_EQUAL(note_count(), 0);
    play_tick(&p, 2 * MS);
    CU_ASSERT(ONLY(.kind = CB_NOTE_ACTOR_BUSY, .connection = hand.to, .value = 3));
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, CB_IO);
    CU_ASSERT(is_note(0, NOTE(NO_TIMES, .kind = CB_NOTE_ACTOR_LOST, .connection = hand.to,
                              .status = CB_IO, .value = 3)));
    CU_ASSERT_EQUAL(note_count(), 4); /* and its jobs */
    end();
}

static void test_the_end(void)
{
    begin();
    for (int i = 0; i < 20; i++) { /* more notes at once than there is room at first */
        play_open_kind(&p, CB_ROUTE_SOCKETS, -1);
    }
    uint32_t route = play_open(&p, -1);
    cb_message hand = play_first_request(&p, route, 1);
    play_actor(&p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    for (int i = 0; i < 2; i++) {
        play_begin(&p, route, -1);
    }
    double_send(&p.d, (cb_message){.kind = CB_MSG_FINISH, .from = MAIN_ASKER});
    CU_ASSERT_EQUAL(note_count(), 22);
    CU_ASSERT(is_note(0, NOTE(NO_TIMES, .kind = CB_NOTE_SHUTDOWN, .value = 100)));
    for (uint32_t i = 1; i <= 21; i++) {
        CU_ASSERT(is_note(i, NOTE(NO_TIMES, .kind = CB_NOTE_ROUTE_CLOSING, .name_space = 1,
                                  .status = 1, .route = i)));
    }
    play_tick(&p, 100 * MS);
    CU_ASSERT(is_note(0, NOTE(NO_TIMES, .kind = CB_NOTE_GRACE_OVER, .value = 3)));
    play_tick(&p, 500 * MS);
    CU_ASSERT(
        is_note(note_count() - 1, NOTE(NO_TIMES, .kind = CB_NOTE_FINISHED, .status = CB_TIMEOUT)));
    play_actor(&p, CB_MSG_ACTOR_STOPPED, hand.to, 0, 0); /* as it was told: it is not lost */
    CU_ASSERT(note_count() == 1 && cb_step_notes(p.d.step).items[0].kind == CB_NOTE_JOB_ENDED);
    end();
}

static void test_a_quiet_end(void)
{
    begin();
    double_send(&p.d, (cb_message){.kind = CB_MSG_FINISH, .from = MAIN_ASKER});
    CU_ASSERT_EQUAL(note_count(), 2);
    CU_ASSERT(is_note(1, NOTE(NO_TIMES, .kind = CB_NOTE_FINISHED, .value = 1)));
    end();
}

static void *nothing(void *memory, size_t size)
{
    (void)memory, (void)size;
    return NULL;
}

static void test_nobody_reads_them(void)
{
    cb_limits limits = double_limits();
    memset(&p, 0, sizeof p);
    double_begin(&p.d, &limits);
    uint32_t route = play_open(&p, -1);
    CU_ASSERT_EQUAL(note_count(), 0);
    cb_step_take_notes(p.d.step);
    play_close(&p, route, 0);
    CU_ASSERT_EQUAL(note_count(), 1);
    play_listener(&p, CB_MSG_ROUTE_STOPPED, route, 0);
    CU_ASSERT_EQUAL(note_count(), 1); /* the last input's, not all */
    end();
    begin();
    route = play_opening(&p, -1);
    p.d.step->resize = nothing;
    play_listener(&p, CB_MSG_ROUTE_LISTENING, route, 0); /* opened all the same */
    CU_ASSERT_EQUAL(note_count(), 0);
    p.d.step->resize = realloc;
    CU_ASSERT_EQUAL(play_ask(&p, CB_ASK_ROUTE_STATE, route), 1);
    end();
}

static void test_texts_of_outcomes(void)
{
    static const struct {
        int32_t outcome;
        const char *text;
    } texts[] = {{CB_TALLY_UNSENT, "unsent"},
                 {CB_TALLY_DISCONNECTED, "disconnected"},
                 {CB_TALLY_OUTCOMES, "?"},
                 {-1, "?"},
                 {INT32_MIN, "?"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT_STRING_EQUAL(cb_tally_outcome_text(texts[i].outcome), texts[i].text);
    }
    for (int32_t status = CB_JOB_SUCCESS; status <= CB_JOB_ROUTE_CLOSED; status++) {
        CU_ASSERT_STRING_EQUAL(cb_tally_outcome_text(status), cb_job_status_text(status));
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"routes", test_routes},
        {"jobs", test_jobs},
        {"what is refused", test_what_is_refused},
        {"actors", test_actors},
        {"the end", test_the_end},
        {"a quiet end", test_a_quiet_end},
        {"nobody reads them", test_nobody_reads_them},
        {"texts of outcomes", test_texts_of_outcomes},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, notes", tests);
}
