/* State questions, jobs and client exchanges through the runtime, beside a bare ZeroMQ PAIR round
 * trip between two threads: the floor under every question. All in one run, in turns. */
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "bench/measure.h"
#include "callboard/runtime.h"

#define ROUNDS    7
#define QUESTIONS 20000
#define JOBS      1000
#define NS        1

static void *echo_thread(void *socket)
{
    char bytes[64];
    for (;;) {
        int size = zmq_recv(socket, bytes, sizeof bytes, 0);
        if (size <= 0)
            return NULL;
        zmq_send(socket, bytes, (size_t)size, 0);
    }
}

static double pair_round_trip_us(void)
{
    char bytes[64] = {0};
    pthread_t thread;
    void *context = zmq_ctx_new();
    void *here = zmq_socket(context, ZMQ_PAIR);
    void *there = zmq_socket(context, ZMQ_PAIR);
    zmq_bind(here, "inproc://bench");
    zmq_connect(there, "inproc://bench");
    pthread_create(&thread, NULL, echo_thread, there);
    double begin = measure_now_s();
    for (int i = 0; i < QUESTIONS; i++) {
        zmq_send(here, bytes, sizeof bytes, 0);
        zmq_recv(here, bytes, sizeof bytes, 0);
    }
    double taken = measure_now_s() - begin;
    zmq_send(here, bytes, 0, 0);
    pthread_join(thread, NULL);
    zmq_close(there);
    zmq_close(here);
    zmq_ctx_term(context);
    return taken / QUESTIONS * 1e6;
}

static void run_job(void *user, cb_job *job)
{
    (void)user;
    job->status = CB_JOB_SUCCESS;
    job->result = job->request;
    job->request = NULL;
}

static int64_t begin_exchange(cb_asker *asker, int64_t route)
{
    int64_t id = 0;
    cb_job_options options = {
        .route_id = route, .request = cb_buffer_copy("PING", 4), .timeout_ms = 10000};
    if (cb_job_begin(asker, NS, &options, &id) != CB_OK)
        exit(1);
    return id;
}

static void finish_exchange(cb_asker *asker, int64_t id)
{
    int happened;
    int status;
    cb_buffer *result = NULL;
    if (cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, id, 20000, &happened) != CB_OK ||
        cb_job_take(asker, NS, id, true, &result, &status) != CB_OK)
        exit(1);
    cb_buffer_release(result);
}

static double question_us(cb_asker *asker, int64_t route)
{
    cb_question question = {.what = CB_ASK_ROUTE_STATE, .id = route};
    double begin = measure_now_s();
    for (int i = 0; i < QUESTIONS; i++)
        if (cb_ask(asker, NS, &question, 1) != CB_OK)
            exit(1);
    return (measure_now_s() - begin) / QUESTIONS * 1e6;
}

static double exchange_us(cb_asker *asker, int64_t route)
{
    double begin = measure_now_s();
    for (int i = 0; i < JOBS; i++)
        finish_exchange(asker, begin_exchange(asker, route));
    return (measure_now_s() - begin) / JOBS * 1e6;
}

static double exchanges_per_second(cb_asker *asker, int64_t route)
{
    enum { AT_ONCE = 64 };
    int64_t ids[AT_ONCE];
    double begin = measure_now_s();
    for (int i = 0; i < JOBS; i += AT_ONCE) {
        for (int j = 0; j < AT_ONCE; j++)
            ids[j] = begin_exchange(asker, route);
        for (int j = 0; j < AT_ONCE; j++)
            finish_exchange(asker, ids[j]);
    }
    return JOBS / (measure_now_s() - begin);
}

int main(void)
{
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    cb_error error;
    int64_t route = 0;
    int64_t canceled;
    measure pair = {.name = "bare ZeroMQ PAIR round trip", .unit = "us"};
    measure question = {.name = "state question", .unit = "us"};
    measure exchange = {.name = "client exchange, one after the other", .unit = "us"};
    measure many = {.name = "client exchanges, 64 at once", .unit = "1/s"};
    cb_runtime_options options = {.limits = cb_limits_default(), .run_job = run_job};
    cb_route_options echo = {.kind = CB_ROUTE_TCP, .callback = "Echo", .timeout_ms = 1000};
    if (cb_runtime_start(&options, &runtime, &error) != CB_OK ||
        cb_asker_open(runtime, &asker, &error) != CB_OK)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        /* A fresh port each round: thousands of closed connections to one make connecting slow. */
        if (cb_route_open(asker, NS, &echo, &route, &error) != CB_OK)
            return 1;
        measure_add(&pair, pair_round_trip_us());
        measure_add(&question, question_us(asker, route));
        measure_add(&exchange, exchange_us(asker, route));
        measure_add(&many, exchanges_per_second(asker, route));
        if (cb_route_close(asker, NS, route, &canceled) != CB_OK)
            return 1;
    }
    measure_print(&pair);
    measure_print(&question);
    measure_print(&exchange);
    measure_print(&many);
    /* Two threads on one core wake each other ten times as fast as across cores, and the kernel
     * moves them about: the fastest rounds compare like with like. */
    printf("state question : bare PAIR round trip, time  %12.2f by medians, %.2f by the fastest "
           "rounds\n",
           measure_median(&question) / measure_median(&pair), question.values[0] / pair.values[0]);
    cb_asker_close(&asker);
    return cb_runtime_stop(&runtime, &error) != CB_OK;
}
