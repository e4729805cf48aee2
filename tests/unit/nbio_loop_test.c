/* The loop's life, its ticks, its timers, and the life of an op. */
#include "tests/unit/nbio_support.h"

static void one_loop_a_thread(void)
{
    CU_ASSERT_PTR_NULL(cb_loop_current());
    cb_loop *loop = open_loop(), *same = open_loop();
    CU_ASSERT_PTR_EQUAL(loop, same);
    CU_ASSERT_PTR_EQUAL(cb_loop_current(), loop);
    CU_ASSERT_STRING_EQUAL(cb_loop_backend_name(loop), tested->name);
    cb_loop_release(&same);
    CU_ASSERT_PTR_NULL(same);
    CU_ASSERT_PTR_EQUAL(cb_loop_current(), loop);
    cb_loop_release(&loop);
    CU_ASSERT_PTR_NULL(cb_loop_current());
    cb_loop_release(&loop);
}

static void run_without_work_returns(void)
{
    cb_loop *loop = open_loop();
    run_all(loop);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    cb_loop_release(&loop);
}

static void next_tick_then_run_returns(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    track(cb_next_tick(loop, note), &log, 7);
    CU_ASSERT_EQUAL(log.count, 0);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 1);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 1);
    CU_ASSERT_EQUAL(log.first_word[0], 7);
    CU_ASSERT_EQUAL(log.type[0], CB_NBIO_NEXT_TICK);
    cb_loop_release(&loop);
}

static void queue_another(cb_op *op)
{
    seen *log = op->user_data;
    log->count++;
    if (log->count < 3)
        cb_next_tick(op->loop, queue_another)->user_data = log;
}

static void next_tick_of_a_callback_runs_in_the_next_tick(void)
{
    cb_loop *loop = open_loop();
    seen log = {0}, timer = {0};
    cb_op *late = track(cb_timeout(loop, 3600 * 1000 * MS, note), &timer, 0);
    cb_next_tick(loop, queue_another)->user_data = &log;
    for (int i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
        CU_ASSERT_EQUAL(log.count, i);
    }
    cb_op_remove(&late);
    run_all(loop);
    CU_ASSERT_EQUAL(timer.count, 0);
    cb_loop_release(&loop);
}

static void user_words_arrive_intact(cb_op *op)
{
    CU_ASSERT_EQUAL(op->user[0], 11);
    CU_ASSERT_EQUAL(op->user[1], 22);
    CU_ASSERT_EQUAL(op->user[2], 33);
    CU_ASSERT_EQUAL(op->user[3], UINTPTR_MAX);
    ++*(int *)op->user_data;
}

static void user_words_can_be_set_after_submission(void)
{
    cb_loop *loop = open_loop();
    int calls = 0;
    for (int kind = 0; kind < 3; kind++) {
        cb_op *op = kind == 0   ? cb_next_tick(loop, user_words_arrive_intact)
                    : kind == 1 ? cb_timeout(loop, MS / 10, user_words_arrive_intact)
                                : cb_close(loop, -1, user_words_arrive_intact);
        CU_ASSERT_EQUAL(op->user[0] | op->user[1] | op->user[2] | op->user[3], 0);
        CU_ASSERT_PTR_NULL(op->user_data);
        op->user_data = &calls;
        op->user[0] = 11;
        op->user[1] = 22;
        op->user[2] = 33;
        op->user[3] = UINTPTR_MAX;
    }
    run_all(loop);
    CU_ASSERT_EQUAL(calls, 3);
    cb_loop_release(&loop);
}

static void timers_fire_in_order_and_never_early(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    static const int delays[] = {5, 1, 3, 3, 0, 2, -4, 4};
    int64_t start = cb_loop_clock(loop);
    for (size_t i = 0; i < 8; i++)
        track(cb_timeout(loop, delays[i] * MS, note), &log, i);
    run_all(loop);
    CU_ASSERT(cb_loop_clock(loop) - start >= 5 * MS);
    CU_ASSERT(cb_loop_now(loop) - start >= 5 * MS);
    static const uintptr_t order[] = {4, 6, 1, 5, 2, 3, 7, 0};
    CU_ASSERT_EQUAL_FATAL(log.count, 8);
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(log.first_word[i], order[i]);
    cb_loop_release(&loop);
}

static void count_down(cb_op *op)
{
    int64_t *last = op->user_data;
    CU_ASSERT(op->loop != NULL && cb_loop_now(op->loop) >= *last);
    *last = cb_loop_now(op->loop);
    op->user[1]++;
}

static void ten_thousand_timers_some_removed(void)
{
    cb_loop *loop = open_loop();
    enum { COUNT = 10000 };
    static cb_op *ops[COUNT];
    int64_t last = 0;
    uint32_t random = 12345;
    for (int i = 0; i < COUNT; i++) {
        random = random * 1664525u + 1013904223u;
        ops[i] = cb_timeout(loop, (random >> 8) % (5 * MS), count_down);
        ops[i]->user_data = &last;
    }
    for (int i = 0; i < COUNT; i += 3)
        cb_op_remove(&ops[i]);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), COUNT - (COUNT + 2) / 3);
    run_all(loop);
    cb_loop_release(&loop);
}

static void tick_with_a_limit_ends(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_op *op = track(cb_timeout(loop, 1000 * 1000 * MS, note), &log, 0);
    int64_t start = cb_loop_clock(loop);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 2 * MS, NULL), CB_OK);
    CU_ASSERT(cb_loop_clock(loop) - start >= 2 * MS);
    CU_ASSERT_EQUAL(log.count, 0);
    cb_op_remove(&op);
    track(cb_timeout(loop, MS, note), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, INT64_MAX, NULL), CB_OK);
    CU_ASSERT_EQUAL(log.count, 1);
    op = track(cb_timeout(loop, INT64_MAX, note), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    CU_ASSERT_EQUAL(log.count, 1);
    cb_op_remove(&op);
    cb_loop_release(&loop);
}

static void wake_up_ends_a_tick_without_a_callback(void)
{
    cb_loop *loop = open_loop();
    cb_loop_wake_up(loop);
    cb_loop_wake_up(loop);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    cb_loop_release(&loop);
}

static void set_done(cb_op *op)
{
    *(bool *)op->user_data = true;
}

static void run_until_looks_at_the_flag(void)
{
    cb_loop *loop = open_loop();
    bool done = false;
    seen log = {0};
    cb_next_tick(loop, set_done)->user_data = &done;
    cb_op *late = track(cb_timeout(loop, 3600 * 1000 * MS, note), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_run_until(loop, &done, NULL), CB_OK);
    CU_ASSERT_TRUE(done);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 1);
    cb_op_remove(&late);
    cb_loop_release(&loop);
}

static void tick_within(cb_op *op)
{
    seen *log = op->user_data;
    CU_ASSERT_EQUAL(cb_loop_tick(op->loop, 0, NULL), CB_INVALID);
    log->count++;
}

static void tick_inside_a_callback_is_refused(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_next_tick(loop, tick_within)->user_data = &log;
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 1);
    cb_loop_release(&loop);
}

static void periodic(cb_op *op)
{
    seen *log = op->user_data;
    if (++log->count < 5)
        cb_op_exec(op, false);
    else
        cb_op_reattach(op);
}

static void detached_op_is_executed_again_from_its_callback(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_op *op = cb_timeout(loop, MS / 10, periodic);
    op->user_data = &log;
    cb_op_detach(op);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 5);
    cb_loop_release(&loop);
}

static void detached_op_waits_and_is_executed_later(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_op *op = track(cb_next_tick(loop, note), &log, 1);
    cb_op_detach(op);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 1);
    op->user[0] = 2;
    cb_op_exec(op, false);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(log.first_word[1], 2);
    cb_op_reattach(op);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 0);
    op = track(cb_next_tick(loop, note), &log, 3);
    cb_op_detach(op);
    run_to(loop, &log, 3);
    cb_op_remove(&op);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 0);
    cb_loop_release(&loop);
}

static void again_without_detaching(cb_op *op)
{
    seen *log = op->user_data;
    if (++log->count < 4)
        cb_op_exec(op, false);
}

static void executed_again_without_detaching(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_next_tick(loop, again_without_detaching)->user_data = &log;
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 4);
    cb_loop_release(&loop);
}

static void remove_self_after_exec(cb_op *op)
{
    seen *log = op->user_data;
    log->count++;
    cb_op_exec(op, false);
    cb_op_remove(&op);
    CU_ASSERT_PTR_NULL(op);
    cb_op_remove(&op);
}

static void remove_is_silent_final_and_idempotent(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_op *none = NULL;
    cb_op_remove(&none);
    cb_op_remove(NULL);
    cb_op *completed = track(cb_next_tick(loop, note), &log, 0);
    cb_op *pending = track(cb_timeout(loop, MS, note), &log, 1);
    cb_op *never = track(cb_prep_timeout(loop, MS, note), &log, 2);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 3);
    cb_op_remove(&completed);
    cb_op_remove(&completed);
    cb_op_remove(&pending);
    cb_op_remove(&never);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 0);
    cb_next_tick(loop, remove_self_after_exec)->user_data = &log;
    cb_timeout(loop, MS / 10, remove_self_after_exec)->user_data = &log;
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 2);
    cb_loop_release(&loop);
}

static void remove_other(cb_op *op)
{
    cb_op **other = op->user_data;
    cb_op_remove(other);
}

static void remove_takes_another_out_of_the_same_batch(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_op *first = cb_next_tick(loop, remove_other);
    cb_op *second = track(cb_next_tick(loop, note), &log, 0);
    first->user_data = &second;
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 0);
    CU_ASSERT_PTR_NULL(second);
    cb_loop_release(&loop);
}

static void end_cancels_what_is_outstanding(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    seen completed = {0}, log = {0};
    cb_endpoint where;
    char byte;
    cb_socket listener = open_listener(loop, &where), left, right;
    open_pair(loop, &left, &right);
    track(cb_next_tick(loop, note), &completed, 0);
    track(cb_timeout(loop, MS, note), &log, 0);
    track(cb_prep_timeout(loop, MS, note), &log, 0);
    track(cb_accept(loop, listener, note, NULL), &log, 0);
    track(cb_recv(loop, left, &byte, 1, note, NULL), &log, 0);
    track(cb_poll(loop, right, CB_POLL_READABLE, note, NULL), &log, 0);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(completed.count, 1);
    CU_ASSERT_EQUAL(completed.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL(log.count, 5);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_CANCELED);
    close(listener);
    close(left);
    close(right);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void submit_at_the_end(cb_op *op)
{
    seen *log = op->user_data;
    log->count++;
    CU_ASSERT_EQUAL(op->error, CB_IO_CANCELED);
    CU_ASSERT_PTR_NULL(cb_next_tick(op->loop, note));
    CU_ASSERT_EQUAL(cb_io_last_error(), CB_IO_LOOP_ENDED);
    cb_op_exec(op, false);
}

static void nothing_is_submitted_while_the_loop_ends(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_timeout(loop, 1000 * MS, submit_at_the_end)->user_data = &log;
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(log.count, 1);
}

static void release_within(cb_op *op)
{
    cb_loop *loop = op->loop;
    ++*(int *)op->user_data;
    cb_loop_release(&loop);
}

static void release_inside_a_callback_is_safe(void)
{
    cb_loop *loop = open_loop();
    int calls = 0;
    seen completed = {0}, pending = {0};
    cb_next_tick(loop, release_within)->user_data = &calls;
    track(cb_next_tick(loop, note), &completed, 0);
    track(cb_timeout(loop, 1000 * MS, note), &pending, 0);
    CU_ASSERT_EQUAL(cb_loop_run(loop, NULL), CB_STOPPED);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(completed.count, 1);
    CU_ASSERT_EQUAL(completed.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL(pending.count, 1);
    CU_ASSERT_EQUAL(pending.error[0], CB_IO_CANCELED);
    CU_ASSERT_PTR_NULL(cb_loop_current());
}

static void deadline_counts_from_prep_and_timer_from_exec(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_socket left, right;
    char byte;
    open_pair(loop, &left, &right);
    cb_op_options options = {.timeout_ns = 2 * MS};
    cb_op *recv = track(cb_prep_recv(loop, left, &byte, 1, note, &options), &log, 1);
    cb_op *timer = track(cb_prep_timeout(loop, 30 * MS, note), &log, 2);
    spend(loop, 3 * MS);
    int64_t executed = cb_loop_clock(loop);
    cb_op_exec(recv, false);
    cb_op_exec(timer, false);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(log.count, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    run_to(loop, &log, 2);
    CU_ASSERT(cb_loop_clock(loop) - executed >= 30 * MS);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

int main(void)
{
    static const CU_TestInfo tests[] = {TEST(one_loop_a_thread),
                                        TEST(run_without_work_returns),
                                        TEST(next_tick_then_run_returns),
                                        TEST(next_tick_of_a_callback_runs_in_the_next_tick),
                                        TEST(user_words_can_be_set_after_submission),
                                        TEST(timers_fire_in_order_and_never_early),
                                        TEST(ten_thousand_timers_some_removed),
                                        TEST(tick_with_a_limit_ends),
                                        TEST(wake_up_ends_a_tick_without_a_callback),
                                        TEST(run_until_looks_at_the_flag),
                                        TEST(tick_inside_a_callback_is_refused),
                                        TEST(detached_op_is_executed_again_from_its_callback),
                                        TEST(detached_op_waits_and_is_executed_later),
                                        TEST(executed_again_without_detaching),
                                        TEST(remove_is_silent_final_and_idempotent),
                                        TEST(remove_takes_another_out_of_the_same_batch),
                                        TEST(end_cancels_what_is_outstanding),
                                        TEST(nothing_is_submitted_while_the_loop_ends),
                                        TEST(release_inside_a_callback_is_safe),
                                        TEST(deadline_counts_from_prep_and_timer_from_exec),
                                        CU_TEST_INFO_NULL};
    return run_tests("nbio loop", tests);
}
