/* A whole runtime when memory runs out: each call of our own code that takes memory fails in turn,
 * alone, and with those that follow. Each time every call comes back, a client gets an answer or an
 * end, the runtime ends in time, and nothing is left behind (the leak checker sees to that).
 *
 * CALLBOARD_TEST_LONG=1: no chance is skipped when many fail in a row. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/base/clock.h"
#include "callboard/log.h"
#include "callboard/runtime.h"
#include "tests/unit/scarce_memory.h"

#define NS             1
#define GRACE_MS       1000
#define STOP_WITHIN    (GRACE_MS + 4000) /* ms; a loaded machine and a sanitizer are slow */
#define AT_ONCE_MS     3000              /* less than an asker waits for its first answer */
#define SHORT_GRACE_MS 50
#define CLIENT_MS      6000 /* a client that hears nothing for so long was forgotten */
#define PATIENCE_S     60   /* one run */
#define MOST_CHANCES   20000
#define IN_A_ROW       50
#define CHANCES_APART  11

static long failing; /* the chance that this run is about, for who has to find out what hangs */
static long in_a_row;

static void on_alarm(int signal)
{
    static const char text[] = "a call did not come back\n";
    (void)signal;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    abort();
}

static cb_buffer *text_buffer(const char *text)
{
    return cb_buffer_copy(text, strlen(text));
}

enum entry { ECHO = 1, ASKS, ENDLESS };

static void run_job(void *user, cb_job *job)
{
    (void)user;
    cb_question question = {.what = CB_ASK_OPEN_COUNT};
    int happened;
    job->status = CB_JOB_SUCCESS;
    if (job->entry == ASKS) {
        (void)cb_ask(job->asker, NS, &question, 1);
        (void)cb_wait(job->asker, NS, CB_WAIT_TIME, 0, 1, &happened);
    }
    while (job->entry == ENDLESS && cb_asker_check(job->asker) == CB_OK)
        (void)sched_yield();
    job->result = text_buffer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    if (job->result == NULL)
        job->status = CB_JOB_CALLBACK_FAILED;
}

/* What a call may say when something has failed. */
static bool came_back(cb_status status)
{
    if (status == CB_OK)
        return true;
    if (!scarce_failed()) {
        printf("    %s without a failure\n", cb_status_text(status));
        return false;
    }
    return status == CB_NO_MEMORY || status == CB_LIMIT || status == CB_IO ||
           status == CB_UNKNOWN || status == CB_CLOSED || status == CB_NO_RESULT ||
           status == CB_NOT_COMPLETE;
}

/* -- a client ---------------------------------------------------------------------------------- */

typedef struct client {
    const char *request;
    int port;
    bool was_answered;
    bool was_ended;
} client;

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void talk(client *self)
{
    char bytes[512];
    int fd = dial(self->port);
    if (fd < 0) {
        self->was_ended = true;
        return;
    }
    (void)send(fd, self->request, strlen(self->request), MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (poll(&readable, 1, CLIENT_MS) == 1) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got > 0) {
            self->was_answered = true;
            continue;
        }
        self->was_ended = true;
        break;
    }
    (void)close(fd);
}

/* One is answered, or its connection ends. */
static void serve(const char *request, int port)
{
    client guest = {.request = request, .port = port};
    talk(&guest);
    CU_ASSERT(guest.was_ended);
    CU_ASSERT(guest.was_answered || scarce_failed());
}

static void be_served(cb_asker *asker, cb_route_kind kind, int64_t route)
{
    bool is_http = kind == CB_ROUTE_HTTP;
    cb_question port = {.what = CB_ASK_ROUTE_PORT, .id = route};
    cb_status status = cb_ask(asker, NS, &port, 1);
    CU_ASSERT(came_back(status));
    if (status == CB_OK)
        serve(is_http ? "GET / HTTP/1.1\r\nHost: a\r\n\r\n" : "PING", (int)port.value);
}

/* -- what a program does ------------------------------------------------------------------------
 */

static void have_job_done(cb_asker *asker, int64_t job)
{
    int happened = 0;
    int job_status = 0;
    cb_buffer *result = NULL;
    cb_status status = cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, job, 20000, &happened);
    CU_ASSERT(came_back(status));
    if (status != CB_OK) { /* it goes on without being waited for */
        int canceled;
        (void)cb_job_cancel(asker, NS, job, &canceled);
        return;
    }
    CU_ASSERT_EQUAL(happened, 1);
    status = cb_job_take(asker, NS, job, false, &result, &job_status);
    CU_ASSERT(came_back(status));
    CU_ASSERT(job_status != CB_JOB_PENDING || status != CB_OK);
    CU_ASSERT(job_status == CB_JOB_SUCCESS || scarce_failed());
    cb_buffer_release(result);
}

static void do_jobs(cb_asker *asker, int64_t route)
{
    int64_t id = 0;
    cb_start_options local = {.route_id = CB_START_ALONE, .entry = ASKS, .timeout_ms = 5000};
    cb_status status = cb_job_start(asker, NS, &local, &id);
    CU_ASSERT(came_back(status));
    if (status == CB_OK)
        have_job_done(asker, id);
    cb_job_options client_job = {
        .route_id = route, .request = text_buffer("GET / HTTP/1.0\r\n\r\n"), .timeout_ms = 5000};
    status = cb_job_begin(asker, NS, &client_job, &id);
    CU_ASSERT(came_back(status));
    if (status == CB_OK)
        have_job_done(asker, id);
}

static void use_route(cb_asker *asker, cb_route_kind kind)
{
    int64_t route = 0;
    int64_t canceled;
    cb_error error = {.text = ""};
    cb_route_options options = {
        .kind = kind, .callback = "Answer", .entry = ECHO, .timeout_ms = 5000};
    cb_status status = cb_route_open(asker, NS, &options, &route, &error);
    CU_ASSERT(came_back(status));
    if (status != CB_OK)
        return;
    be_served(asker, kind, route);
    do_jobs(asker, route);
    CU_ASSERT(came_back(cb_route_close(asker, NS, route, &canceled)));
}

static void ask_and_wait(cb_asker *asker)
{
    int happened;
    cb_question questions[2] = {{.what = CB_ASK_OPEN_COUNT}, {.what = CB_ASK_SNAPSHOT}};
    CU_ASSERT(came_back(cb_ask(asker, NS, questions, 2)));
    cb_buffer_release(questions[1].bytes);
    CU_ASSERT(came_back(cb_wait(asker, NS, CB_WAIT_TIME, 0, 1, &happened)));
}

static void stop(cb_runtime **runtime, bool by_shutdown)
{
    cb_error error = {.text = ""};
    int64_t begun_ns = cb_now_ns();
    if (by_shutdown)
        cb_runtime_shutdown(*runtime);
    cb_status status = cb_runtime_stop(runtime, &error);
    int64_t took_ms = (cb_now_ns() - begun_ns) / 1000000;
    /* Something was cut off, or the trace's file lacks something: both are said. */
    bool is_said = scarce_failed() && (status == CB_TIMEOUT || status == CB_IO);
    CU_ASSERT(status == CB_OK || is_said);
    CU_ASSERT(took_ms < STOP_WITHIN);
    if ((status != CB_OK && !is_said) || took_ms >= STOP_WITHIN)
        printf("    chance %ld (%ld): stop says %s (%s) after %lld ms\n", failing, in_a_row,
               cb_status_text(status), error.text, (long long)took_ms);
    CU_ASSERT_PTR_NULL(*runtime);
}

static void live(bool by_shutdown)
{
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    cb_error error = {.text = ""};
    cb_log *log = NULL;
    const cb_log_options log_options = {
        .path = "/dev/null", .least = CB_LOG_DEBUG, .queue_bytes = 4096};
    cb_status status = cb_log_open(&log_options, &log, &error);
    CU_ASSERT(came_back(status)); /* and it is lived without */
    cb_runtime_options options = {.limits = cb_limits_default(),
                                  .run_job = run_job,
                                  .trace_path = "/dev/null",
                                  .serves_metrics = true,
                                  .log = log};
    options.limits.grace_ms = GRACE_MS;
    options.limits.trace_buffer = 65536;
    status = cb_runtime_start(&options, &runtime, &error);
    CU_ASSERT(came_back(status));
    if (status != CB_OK) {
        CU_ASSERT_PTR_NULL(runtime);
        cb_log_close(&log);
        return;
    }
    int64_t begun_ns = cb_now_ns();
    status = cb_asker_open(runtime, &asker, &error);
    CU_ASSERT(came_back(status));
    CU_ASSERT(cb_now_ns() - begun_ns < AT_ONCE_MS * INT64_C(1000000));
    if (status == CB_OK) {
        ask_and_wait(asker);
        use_route(asker, CB_ROUTE_TCP);
        use_route(asker, CB_ROUTE_HTTP);
        cb_asker_close(&asker);
    }
    serve("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", cb_runtime_metrics_port(runtime));
    stop(&runtime, by_shutdown);
    cb_log_close(&log);
}

/* -- every chance -------------------------------------------------------------------------------
 */

/* False if there was nothing left to fail. */
static bool run_with_failure(long first, long count)
{
    unsigned before = CU_get_number_of_failures();
    failing = first;
    in_a_row = count;
    (void)alarm(PATIENCE_S);
    scarce_begin(first, count);
    live(first % 2 == 0);
    long failed = scarce_end();
    (void)alarm(0);
    if (CU_get_number_of_failures() != before)
        printf("    chance %ld (%ld in a row)\n", first, count);
    return failed > 0;
}

/* -- an end while something runs ----------------------------------------------------------------
 */

static bool has_ended(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    return poll(&readable, 1, 0) == 1;
}

/* Until the callback runs, or the client was told that it does not. */
static void await_running(cb_asker *asker, int64_t route, int fd)
{
    int64_t until_ns = cb_now_ns() + CLIENT_MS * INT64_C(1000000);
    cb_question running = {.what = CB_ASK_ROUTE_RUNNING, .id = route};
    while (!has_ended(fd) && cb_now_ns() < until_ns) {
        cb_status status = cb_ask(asker, NS, &running, 1);
        CU_ASSERT(came_back(status));
        if (status == CB_OK && running.value == 1)
            return;
    }
    CU_ASSERT(has_ended(fd));
    CU_ASSERT(scarce_failed());
}

static int ask_for_the_endless(cb_runtime *runtime, cb_asker *asker, long first, long count)
{
    int64_t route = 0;
    cb_route_options options = {
        .kind = CB_ROUTE_TCP, .callback = "Endless", .entry = ENDLESS, .timeout_ms = -1};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(asker, NS, &options, &route, NULL), CB_OK);
    cb_question port = {.what = CB_ASK_ROUTE_PORT, .id = route};
    CU_ASSERT_EQUAL_FATAL(cb_ask(asker, NS, &port, 1), CB_OK);
    scarce_begin(first, count);
    int fd = dial((int)port.value);
    CU_ASSERT_FATAL(fd >= 0);
    (void)send(fd, "PING", 4, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    await_running(asker, route, fd);
    cb_runtime_shutdown(runtime);
    return fd;
}

/* What SIGTERM asks for while a callback runs that does not end by itself. */
static bool cut_off_with_failure(long first, long count)
{
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    unsigned before = CU_get_number_of_failures();
    cb_runtime_options options = {.limits = cb_limits_default(), .run_job = run_job};
    options.limits.grace_ms = SHORT_GRACE_MS;
    options.limits.trace_buffer = 65536;
    (void)alarm(PATIENCE_S);
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, NULL), CB_OK);
    int fd = ask_for_the_endless(runtime, asker, first, count);
    int64_t begun_ns = cb_now_ns();
    cb_asker_close(&asker);
    cb_status status = cb_runtime_stop(&runtime, NULL);
    CU_ASSERT(status == CB_TIMEOUT || scarce_failed()); /* it was cut off */
    CU_ASSERT(cb_now_ns() - begun_ns < STOP_WITHIN * INT64_C(1000000));
    CU_ASSERT_PTR_NULL(runtime);
    long failed = scarce_end();
    CU_ASSERT(has_ended(fd));
    (void)close(fd);
    (void)alarm(0);
    if (CU_get_number_of_failures() != before)
        printf("    chance %ld (%ld in a row): %s\n", first, count, cb_status_text(status));
    return failed > 0;
}

static void each_chance_may_fail_from_a_request_to_the_end(void)
{
    long first = 1;
    while (first < MOST_CHANCES && cut_off_with_failure(first, 1))
        first++;
    printf("    up to chance %ld ", first);
    CU_ASSERT(first > 10 && first < MOST_CHANCES);
}

static void many_may_fail_from_a_request_to_the_end(void)
{
    for (long first = 1; first < MOST_CHANCES && cut_off_with_failure(first, IN_A_ROW);)
        first += 8;
}

/* -- all that a program does --------------------------------------------------------------------
 */

static void all_goes_well_with_memory(void)
{
    CU_ASSERT_FALSE(run_with_failure(MOST_CHANCES, 1));
    printf("    %ld chances ", scarce_chances());
    CU_ASSERT(scarce_chances() > 100);
}

static void in_turn(long count, long apart)
{
    long first = 1;
    while (first < MOST_CHANCES && run_with_failure(first, count))
        first += apart;
    printf("    up to chance %ld ", first);
    CU_ASSERT(first > 100 && first < MOST_CHANCES);
}

static void each_chance_may_fail_once(void)
{
    in_turn(1, 1);
}

static void many_may_fail_in_a_row(void)
{
    const char *long_pass = getenv("CALLBOARD_TEST_LONG");
    in_turn(IN_A_ROW, long_pass != NULL && *long_pass == '1' ? 1 : CHANCES_APART);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(all_goes_well_with_memory),
                           TEST(each_chance_may_fail_once),
                           TEST(many_may_fail_in_a_row),
                           TEST(each_chance_may_fail_from_a_request_to_the_end),
                           TEST(many_may_fail_from_a_request_to_the_end),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"runtime memory", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    (void)signal(SIGALRM, on_alarm);
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
