/* Jobs through callbackworker, 64 in flight, beside the same over bare ZeroMQ: one thread that
 * gives out work by PUSH and takes the results by PULL, and one that does it. All in one run, in
 * turns. A job's bytes are 64, and the work is to hand them back.
 *
 * Start it in the project's folder; CALLBOARD names the command where it is not
 * build/release/bin/callboard.
 */
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "bench/measure.h"
#include "callboard/runtime.h"

#define ROUNDS  7
#define JOBS    20000
#define AT_ONCE 64
#define SIZE    64
#define NS      1

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- bare PUSH and PULL --- */

typedef struct workshop {
    void *in;
    void *out;
} workshop;

/* Hands back what it is given, until it is given nothing. */
static void *bare_worker(void *user)
{
    workshop *self = user;
    for (;;) {
        zmq_msg_t job;
        zmq_msg_init(&job);
        int size = zmq_msg_recv(&job, self->in, 0);
        if (size <= 0) {
            zmq_msg_close(&job);
            return NULL;
        }
        if (zmq_msg_send(&job, self->out, 0) < 0)
            die("zmq_msg_send");
    }
}

static void *open_socket(void *context, int kind, const char *name, int bind)
{
    void *socket = zmq_socket(context, kind);
    if (socket == NULL || (bind ? zmq_bind : zmq_connect)(socket, name) != 0)
        die(name);
    return socket;
}

static double bare_jobs_per_second(void)
{
    char bytes[SIZE] = {1};
    void *context = zmq_ctx_new();
    void *jobs = open_socket(context, ZMQ_PUSH, "inproc://jobs", 1);
    void *results = open_socket(context, ZMQ_PULL, "inproc://results", 1);
    workshop shop = {.in = open_socket(context, ZMQ_PULL, "inproc://jobs", 0),
                     .out = open_socket(context, ZMQ_PUSH, "inproc://results", 0)};
    pthread_t thread;
    if (pthread_create(&thread, NULL, bare_worker, &shop) != 0)
        die("pthread_create");
    double begin = measure_now_s();
    for (int i = 0; i < JOBS + AT_ONCE; i++) {
        if (i >= AT_ONCE && zmq_recv(results, bytes, sizeof bytes, 0) != SIZE)
            die("zmq_recv");
        if (i < JOBS && zmq_send(jobs, bytes, sizeof bytes, 0) != SIZE)
            die("zmq_send");
    }
    double taken = measure_now_s() - begin;
    zmq_send(jobs, bytes, 0, 0);
    pthread_join(thread, NULL);
    void *const sockets[] = {shop.in, shop.out, jobs, results};
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++)
        zmq_close(sockets[i]);
    zmq_ctx_term(context);
    return JOBS / taken;
}

/* --- through the runtime, without a script --- */

static void run_job(void *user, cb_job *job)
{
    (void)user;
    job->status = CB_JOB_SUCCESS;
    job->result = job->request;
    job->request = NULL;
}

static double runtime_jobs_per_second(cb_asker *asker)
{
    static const char bytes[SIZE] = {1};
    int64_t ids[AT_ONCE];
    double begin = measure_now_s();
    for (int i = 0; i < JOBS + AT_ONCE; i++) {
        int64_t *id = &ids[i % AT_ONCE];
        int happened = 0;
        int status = 0;
        cb_buffer *result = NULL;
        if (i >= AT_ONCE &&
            (cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, *id, -1, &happened) != CB_OK ||
             cb_job_take(asker, NS, *id, false, &result, &status) != CB_OK))
            die("taking a job");
        cb_buffer_release(result);
        const cb_start_options options = {
            .route_id = CB_START_ALONE, .timeout_ms = -1, .request = cb_buffer_copy(bytes, SIZE)};
        if (i >= JOBS)
            cb_buffer_release(options.request);
        else if (cb_job_start(asker, NS, &options, id) != CB_OK)
            die("starting a job");
    }
    return JOBS / (measure_now_s() - begin);
}

/* --- by a script --- */

/* The script measures itself, so that starting and stopping it do not count. */
static double script_jobs_per_second(void)
{
    char command[512];
    const char *callboard = getenv("CALLBOARD");
    (void)snprintf(command, sizeof command, "%s run bench/services/worker.dom -- %d %d",
                   callboard != NULL ? callboard : "build/release/bin/callboard", JOBS, AT_ONCE);
    FILE *output = popen(command, "r");
    double us = 0;
    if (output == NULL || fscanf(output, "%lf", &us) != 1 || us <= 0 || pclose(output) != 0)
        die(command);
    return JOBS / us * 1e6;
}

int main(void)
{
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    cb_error error;
    measure bare = {.name = "bare PUSH/PULL, 64 in flight", .unit = "jobs/s"};
    measure inside = {.name = "the runtime's calls, without a script", .unit = "jobs/s"};
    measure script = {.name = "callbackworker in a script", .unit = "jobs/s"};
    const cb_runtime_options options = {.limits = cb_limits_default(), .run_job = run_job};
    if (cb_runtime_start(&options, &runtime, &error) != CB_OK ||
        cb_asker_open(runtime, &asker, &error) != CB_OK)
        die("the runtime");
    for (int i = 0; i < ROUNDS; i++) {
        measure_add(&bare, bare_jobs_per_second());
        measure_add(&inside, runtime_jobs_per_second(asker));
        measure_add(&script, script_jobs_per_second());
    }
    measure_print(&bare);
    measure_print(&inside);
    measure_print(&script);
    printf("callbackworker : bare PUSH/PULL %30.2f by medians\n",
           measure_median(&script) / measure_median(&bare));
    cb_asker_close(&asker);
    return cb_runtime_stop(&runtime, &error) != CB_OK;
}
