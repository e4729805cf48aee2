/* The simulated back end itself: one seed, one run; faults; and many random worlds in which every
 * op reports exactly once. */
#include "tests/unit/nbio_support.h"

enum { PAIRS = 6, EXCHANGES = 20, SIZE = 3000 };

typedef struct side {
    cb_socket socket;
    char out[SIZE], in[SIZE];
    int sent, received;
    bool broken;
} side;

typedef struct play {
    side sides[2 * PAIRS];
    int submitted, reported;
} play;

static play *now_played;

static void send_more(cb_loop *loop, side *self);
static void receive_more(cb_loop *loop, side *self);

static void on_play(cb_op *op)
{
    side *self = op->user_data;
    now_played->reported++;
    if (op->error != CB_IO_OK || (op->type == CB_NBIO_RECV && op->recv.ended)) {
        CU_ASSERT(op->error == CB_IO_OK || op->error == CB_IO_RESET || op->error == CB_IO_CLOSED ||
                  op->error == CB_IO_TIMEOUT);
        self->broken = true;
        return;
    }
    if (op->type == CB_NBIO_SEND) {
        CU_ASSERT_EQUAL(op->send.sent, SIZE);
        send_more(op->loop, self);
    } else {
        CU_ASSERT_EQUAL(op->recv.received, SIZE);
        for (int i = 0; i < SIZE; i += 7)
            CU_ASSERT_EQUAL(self->in[i], (char)(i * 3 + self->received - 1));
        receive_more(op->loop, self);
    }
}

static void send_more(cb_loop *loop, side *self)
{
    if (self->sent == EXCHANGES)
        return;
    for (int i = 0; i < SIZE; i++)
        self->out[i] = (char)(i * 3 + self->sent);
    self->sent++;
    now_played->submitted++;
    cb_send(loop, self->socket, self->out, SIZE, on_play, NULL)->user_data = self;
}

static void receive_more(cb_loop *loop, side *self)
{
    const cb_op_options all = {.timeout_ns = 100 * MS, .transfer = CB_TRANSFER_ALL};
    if (self->received == EXCHANGES)
        return;
    self->received++;
    now_played->submitted++;
    cb_recv(loop, self->socket, self->in, SIZE, on_play, &all)->user_data = self;
}

/* Everybody sends to everybody's other end; what the run came to. */
static uint64_t play_world(const cb_sim_options *options)
{
    static play state;
    memset(&state, 0, sizeof state);
    now_played = &state;
    cb_sim_configure(&(cb_sim_options){.seed = options->seed});
    tested = &cb_backend_simulated;
    cb_sim_configure(options);
    cb_loop *loop = open_loop();
    for (int i = 0; i < PAIRS; i++)
        open_pair(loop, &state.sides[2 * i].socket, &state.sides[2 * i + 1].socket);
    for (int i = 0; i < 2 * PAIRS; i++) {
        receive_more(loop, &state.sides[i]);
        send_more(loop, &state.sides[i]);
    }
    run_all(loop);
    CU_ASSERT_EQUAL(state.submitted, state.reported);
    for (int i = 0; i < 2 * PAIRS; i++) {
        if (options->reset_permille == 0)
            CU_ASSERT(!state.sides[i].broken && state.sides[i].received == EXCHANGES);
        cb_close(loop, state.sides[i].socket, NULL);
    }
    run_all(loop);
    CU_ASSERT_EQUAL(cb_sim_open_count(loop), 0);
    uint64_t hash = cb_sim_hash(loop);
    cb_loop_release(&loop);
    return hash;
}

static void one_seed_is_one_run(void)
{
    uint64_t hashes[20];
    for (uint64_t seed = 0; seed < 20; seed++) {
        const cb_sim_options options = {
            .seed = seed, .short_transfers = true, .late_percent = 30, .window_bytes = 1000};
        hashes[seed] = play_world(&options);
        CU_ASSERT_EQUAL(play_world(&options), hashes[seed]);
        for (uint64_t other = 0; other < seed; other++)
            CU_ASSERT_NOT_EQUAL(hashes[other], hashes[seed]);
    }
}

static void random_worlds_with_resets_report_everything_once(void)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        const cb_sim_options options = {.seed = seed,
                                        .short_transfers = seed % 2 == 0,
                                        .late_percent = (unsigned)(seed % 90),
                                        .reset_permille = (unsigned)(seed % 4),
                                        .window_bytes = 64 + seed * 37};
        play_world(&options);
    }
}

static void the_next_op_of_a_kind_fails(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    open_pair(loop, &left, &right);
    cb_sim_fail_next(loop, CB_NBIO_SEND, CB_IO_RESOURCES);
    track(cb_send(loop, left, "x", 1, note, NULL), &log, 0);
    track(cb_send(loop, left, "y", 1, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_RESOURCES);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    cb_loop_release(&loop);
}

static void a_reset_reaches_both_ends(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char byte;
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, left, &byte, 1, note, NULL), &log, 0);
    track(cb_recv(loop, right, &byte, 1, note, NULL), &log, 0);
    cb_sim_reset(loop, left);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_RESET);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_RESET);
    cb_loop_release(&loop);
}

static void an_hour_passes_at_once(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    int64_t start = cb_loop_now(loop);
    track(cb_timeout(loop, 3600 * 1000 * MS, note), &log, 0);
    run_all(loop);
    CU_ASSERT(cb_loop_now(loop) - start >= 3600 * 1000 * MS);
    cb_loop_release(&loop);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(one_seed_is_one_run),         TEST(random_worlds_with_resets_report_everything_once),
        TEST(the_next_op_of_a_kind_fails), TEST(a_reset_reaches_both_ends),
        TEST(an_hour_passes_at_once),      CU_TEST_INFO_NULL};
    return run_tests_of("nbio simulated", tests, 2);
}
