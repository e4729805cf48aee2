/* Jobs through callbackworker, 64 in flight, beside bare ZeroMQ. All in one run, in turns. A job's
 * bytes are 64, and the work is to hand them back. Bare are two things:
 *
 * - the same messages: a thread in the middle answers each start, hands the job to a worker, keeps
 *   its result and answers whoever takes it; PUSH and PULL, one message each, no bookkeeping;
 * - a pipe: work out by PUSH, results back by PULL, nobody in the middle and nobody answered. It
 *   can not say which job is which, where one is, or that there is no room.
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

enum { START = 1, TAKE, DONE }; /* the first byte of a message, where somebody looks */

static void *open_socket(void *context, int kind, const char *name, int bind)
{
    void *socket = zmq_socket(context, kind);
    if (socket == NULL || (bind ? zmq_bind : zmq_connect)(socket, name) != 0)
        die(name);
    return socket;
}

static void close_all(void *context, void *const *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_close(sockets[i]);
    zmq_ctx_term(context);
}

static void send_bytes(void *socket, const char *bytes, size_t size)
{
    if (zmq_send(socket, bytes, size, 0) != (int)size)
        die("zmq_send");
}

typedef struct workshop {
    void *in;
    void *out;
} workshop;

/* Hands back what it is given, until it is given nothing. */
static void *bare_worker(void *user)
{
    workshop *self = user;
    char bytes[SIZE];
    while (zmq_recv(self->in, bytes, sizeof bytes, 0) == SIZE) {
        bytes[0] = DONE;
        send_bytes(self->out, bytes, SIZE);
    }
    return NULL;
}

static double pipe_jobs_per_second(void)
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
        if (i < JOBS)
            send_bytes(jobs, bytes, SIZE);
    }
    double taken = measure_now_s() - begin;
    send_bytes(jobs, bytes, 0);
    pthread_join(thread, NULL);
    void *const sockets[] = {shop.in, shop.out, jobs, results};
    close_all(context, sockets, sizeof sockets / sizeof sockets[0]);
    return JOBS / taken;
}

/* The one in the middle: everything comes in by one PULL, as to a supervisor. */
typedef struct office {
    void *inbox;
    void *worker; /* to it */
    void *caller; /* to it */
} office;

static void *bare_middle(void *user)
{
    office *self = user;
    char bytes[SIZE];
    int done = 0;   /* results that lie here */
    int wanted = 0; /* takes that wait for one */
    while (zmq_recv(self->inbox, bytes, sizeof bytes, 0) == SIZE) {
        switch (bytes[0]) {
        case START:
            send_bytes(self->worker, bytes, SIZE);
            send_bytes(self->caller, bytes, SIZE);
            break;
        case TAKE:
            wanted++;
            break;
        default:
            done++;
        }
        for (; wanted > 0 && done > 0; wanted--, done--)
            send_bytes(self->caller, bytes, SIZE);
    }
    send_bytes(self->worker, bytes, 0);
    return NULL;
}

static void ask(void *inbox, void *answers, char what)
{
    char bytes[SIZE] = {what};
    send_bytes(inbox, bytes, SIZE);
    if (zmq_recv(answers, bytes, sizeof bytes, 0) != SIZE)
        die("zmq_recv");
}

static double same_jobs_per_second(void)
{
    void *context = zmq_ctx_new();
    office middle = {.inbox = open_socket(context, ZMQ_PULL, "inproc://inbox", 1),
                     .worker = open_socket(context, ZMQ_PUSH, "inproc://worker", 1),
                     .caller = open_socket(context, ZMQ_PUSH, "inproc://caller", 1)};
    workshop shop = {.in = open_socket(context, ZMQ_PULL, "inproc://worker", 0),
                     .out = open_socket(context, ZMQ_PUSH, "inproc://inbox", 0)};
    void *inbox = open_socket(context, ZMQ_PUSH, "inproc://inbox", 0);
    void *answers = open_socket(context, ZMQ_PULL, "inproc://caller", 0);
    pthread_t threads[2];
    if (pthread_create(&threads[0], NULL, bare_worker, &shop) != 0 ||
        pthread_create(&threads[1], NULL, bare_middle, &middle) != 0)
        die("pthread_create");
    double begin = measure_now_s();
    for (int i = 0; i < JOBS + AT_ONCE; i++) {
        if (i >= AT_ONCE)
            ask(inbox, answers, TAKE);
        if (i < JOBS)
            ask(inbox, answers, START);
    }
    double taken = measure_now_s() - begin;
    send_bytes(inbox, "", 0);
    pthread_join(threads[1], NULL);
    pthread_join(threads[0], NULL);
    void *const sockets[] = {middle.inbox, middle.worker, middle.caller, shop.in,
                             shop.out,     inbox,         answers};
    close_all(context, sockets, sizeof sockets / sizeof sockets[0]);
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

/* As the verb Wait does it. */
static void finish_job(cb_asker *asker, int64_t id)
{
    int happened = 0;
    int job_status = 0;
    cb_buffer *result = NULL;
    cb_status status = cb_job_take(asker, NS, id, false, &result, &job_status);
    if (status == CB_NOT_COMPLETE &&
        cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, id, -1, &happened) == CB_OK)
        status = cb_job_take(asker, NS, id, false, &result, &job_status);
    if (status != CB_OK)
        die("taking a job");
    cb_buffer_release(result);
}

static double runtime_jobs_per_second(cb_asker *asker)
{
    static const char bytes[SIZE] = {1};
    int64_t ids[AT_ONCE];
    double begin = measure_now_s();
    for (int i = 0; i < JOBS + AT_ONCE; i++) {
        int64_t *id = &ids[i % AT_ONCE];
        if (i >= AT_ONCE)
            finish_job(asker, *id);
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
    measure same = {.name = "the same messages, bare PUSH/PULL", .unit = "jobs/s"};
    measure bare = {.name = "a bare pipe, nobody answered", .unit = "jobs/s"};
    measure inside = {.name = "the runtime's calls, without a script", .unit = "jobs/s"};
    measure script = {.name = "callbackworker in a script", .unit = "jobs/s"};
    const cb_runtime_options options = {.limits = cb_limits_default(), .run_job = run_job};
    if (cb_runtime_start(&options, &runtime, &error) != CB_OK ||
        cb_asker_open(runtime, &asker, &error) != CB_OK)
        die("the runtime");
    for (int i = 0; i < ROUNDS; i++) {
        measure_add(&same, same_jobs_per_second());
        measure_add(&bare, pipe_jobs_per_second());
        measure_add(&inside, runtime_jobs_per_second(asker));
        measure_add(&script, script_jobs_per_second());
    }
    measure_print(&same);
    measure_print(&bare);
    measure_print(&inside);
    measure_print(&script);
    double rate = measure_median(&script);
    printf(
        "callbackworker : the same messages, bare  %17.2f by medians, %.2f by the fastest rounds\n",
        rate / measure_median(&same),
        script.values[script.count - 1] / same.values[same.count - 1]);
    printf("callbackworker : a bare pipe              %17.3f by medians\n",
           rate / measure_median(&bare));
    cb_asker_close(&asker);
    return cb_runtime_stop(&runtime, &error) != CB_OK;
}
