/* Work from other threads: nothing is lost, a full queue makes the worker wait, a sleeping loop is
 * woken. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/nbio_support.h"

#define WORKERS 8
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPS_EACH 12500
#else
#define OPS_EACH 125000
#endif

typedef struct shared {
    cb_loop *loop;
    atomic_int started;
    atomic_bool go;
    /* the loop's thread only */
    uint32_t next[WORKERS];
    int calls, out_of_order, timers;
    bool done;
} shared;

typedef struct worker {
    shared *with;
    uintptr_t number;
    pthread_t thread;
} worker;

static void count_call(cb_op *op)
{
    shared *with = op->user_data;
    with->calls++;
    if (op->type == CB_NBIO_TIMEOUT)
        with->timers++;
    else if (with->next[op->user[0]]++ != op->user[1])
        with->out_of_order++;
    if (with->calls == WORKERS * OPS_EACH)
        with->done = true;
}

static void *submit_many(void *argument)
{
    worker *self = argument;
    uintptr_t sequence = 0;
    for (int i = 0; i < OPS_EACH; i++) {
        cb_op *op = i % 100 == 99 ? cb_prep_timeout(self->with->loop, 1000, count_call)
                                  : cb_prep_next_tick(self->with->loop, count_call);
        if (op == NULL)
            return (void *)1;
        op->user_data = self->with;
        op->user[0] = self->number;
        op->user[1] = op->type == CB_NBIO_TIMEOUT ? 0 : sequence++;
        /* Some without a wake-up; the last one of each always wakes. */
        cb_op_exec(op, i % 3 != 0 || i == OPS_EACH - 1);
    }
    return NULL;
}

static void start_workers(shared *with, worker *workers, void *(*work)(void *))
{
    for (uintptr_t i = 0; i < WORKERS; i++) {
        workers[i].with = with;
        workers[i].number = i;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
}

static void join_workers(worker *workers)
{
    for (int i = 0; i < WORKERS; i++) {
        void *failed = NULL;
        CU_ASSERT_EQUAL(pthread_join(workers[i].thread, &failed), 0);
        CU_ASSERT_PTR_NULL(failed);
    }
}

static void keep_open(cb_op *op)
{
    (void)op;
}

/* Something that is outstanding for ever. */
static cb_op *wait_for_nobody(cb_loop *loop)
{
    cb_endpoint where;
    return cb_accept(loop, open_listener(loop, &where), keep_open, NULL);
}

static void end_waiting(cb_loop *loop, cb_op *hold)
{
    cb_socket listener = hold->accept.socket;
    cb_op_remove(&hold);
    cb_close(loop, listener, NULL);
    run_all(loop);
}

/* 1,000,000 ops, a tenth of that under a sanitizer; far more than the queue holds, so workers wait
 * for room now and then. */
static void eight_threads_lose_nothing(void)
{
    shared with = {.loop = open_loop()};
    worker workers[WORKERS];
    cb_op *hold = wait_for_nobody(with.loop);
    start_workers(&with, workers, submit_many);
    CU_ASSERT_EQUAL(cb_loop_run_until(with.loop, &with.done, NULL), CB_OK);
    join_workers(workers);
    end_waiting(with.loop, hold);
    CU_ASSERT_EQUAL(with.calls, WORKERS * OPS_EACH);
    CU_ASSERT_EQUAL(with.timers, WORKERS * OPS_EACH / 100);
    CU_ASSERT_EQUAL(with.out_of_order, 0);
    cb_loop_release(&with.loop);
}

static void *fill_the_queue(void *argument)
{
    worker *self = argument;
    for (uintptr_t i = 0; i < 5000; i++) {
        cb_op *op = cb_prep_next_tick(self->with->loop, count_call);
        if (op == NULL)
            return (void *)1;
        op->user_data = self->with;
        op->user[0] = self->number;
        op->user[1] = i;
        cb_op_exec(op, false);
    }
    atomic_fetch_add(&self->with->started, 1);
    return NULL;
}

/* Never a wake-up asked for, and a loop that sleeps: those who wait for room wake it themselves. */
static void a_full_queue_wakes_a_sleeping_loop(void)
{
    shared with = {.loop = open_loop()};
    worker workers[WORKERS];
    cb_op *hold = wait_for_nobody(with.loop);
    start_workers(&with, workers, fill_the_queue);
    /* What is queued last may wait for ever without a wake-up, so the loop looks by itself. */
    while (atomic_load(&with.started) < WORKERS)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(with.loop, MS, NULL), CB_OK);
    join_workers(workers);
    CU_ASSERT_EQUAL(cb_loop_tick(with.loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(with.calls, WORKERS * 5000);
    CU_ASSERT_EQUAL(with.out_of_order, 0);
    end_waiting(with.loop, hold);
    cb_loop_release(&with.loop);
}

static void *wake_once(void *argument)
{
    cb_loop_wake_up(argument);
    return NULL;
}

static void wake_up_reaches_a_blocked_tick(void)
{
    cb_loop *loop = open_loop();
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wake_once, loop), 0);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
        CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    }
    cb_loop_release(&loop);
}

typedef struct remote_send {
    cb_loop *loop;
    cb_socket socket;
    atomic_bool submitted;
} remote_send;

static void *send_from_outside(void *argument)
{
    remote_send *with = argument;
    /* No loop of its own: submitting without naming one is an error, not a crash. */
    if (cb_next_tick(NULL, keep_open) != NULL || cb_io_last_error() != CB_IO_NO_LOOP)
        return (void *)1;
    if (cb_send(with->loop, with->socket, "hello", 5, NULL, NULL) == NULL)
        return (void *)1;
    return NULL;
}

static void a_simple_call_from_another_thread(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[8];
    seen log = {0};
    pthread_t thread;
    void *failed = NULL;
    open_pair(loop, &left, &right);
    remote_send with = {.loop = loop, .socket = left};
    track(cb_recv(loop, right, bytes, sizeof bytes, note, NULL), &log, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, send_from_outside, &with), 0);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(log.bytes[0], 5);
    CU_ASSERT_EQUAL(pthread_join(thread, &failed), 0);
    CU_ASSERT_PTR_NULL(failed);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void *queue_three(void *argument)
{
    shared *with = argument;
    for (uintptr_t i = 0; i < 3; i++) {
        cb_op *op = i == 2 ? cb_prep_timeout(with->loop, MS, count_call)
                           : cb_prep_next_tick(with->loop, count_call);
        if (op == NULL)
            return (void *)1;
        op->user_data = with;
        op->user[1] = i;
        if (i > 0)
            cb_op_exec(op, false);
    }
    return NULL;
}

/* Queued, and prepared but never executed: both die with the loop and are told so. */
static void ops_of_other_threads_die_with_the_loop(void)
{
    shared with = {.loop = open_loop()};
    pthread_t thread;
    void *failed = NULL;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, queue_three, &with), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, &failed), 0);
    CU_ASSERT_PTR_NULL(failed);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(with.loop), 3);
    cb_loop_release(&with.loop);
    CU_ASSERT_EQUAL(with.calls, 3);
}

static void *execute_it(void *argument)
{
    cb_op_exec(argument, true);
    return NULL;
}

/* Prepared by the owner, executed by another, taken back before the loop has seen it. */
static void a_queued_op_can_be_removed(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    pthread_t thread;
    cb_op *op = track(cb_prep_next_tick(loop, note), &log, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, execute_it, op), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    cb_op_remove(&op);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 0);
    cb_loop_release(&loop);
}

static void *tick_anothers(void *argument)
{
    return cb_loop_tick(argument, 0, NULL) == CB_INVALID ? NULL : (void *)1;
}

static void only_the_owner_ticks(void)
{
    cb_loop *loop = open_loop();
    pthread_t thread;
    void *failed = NULL;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, tick_anothers, loop), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, &failed), 0);
    CU_ASSERT_PTR_NULL(failed);
    cb_loop_release(&loop);
}

int main(void)
{
    static const CU_TestInfo tests[] = {TEST(eight_threads_lose_nothing),
                                        TEST(a_full_queue_wakes_a_sleeping_loop),
                                        TEST(wake_up_reaches_a_blocked_tick),
                                        TEST(a_simple_call_from_another_thread),
                                        TEST(ops_of_other_threads_die_with_the_loop),
                                        TEST(a_queued_op_can_be_removed),
                                        TEST(only_the_owner_ticks),
                                        CU_TEST_INFO_NULL};
    return run_tests("nbio threads", tests);
}
