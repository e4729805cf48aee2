/* The runtime as a C program uses it: routes, requests over real sockets, questions, waits. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "callboard/runtime.h"

#define NS 1 /* the namespace of all tests */

enum entry { UNTOUCHED, ECHO, ENDLESS, REFUSE, FAIL, CLOSE_OWN, SLEEP, ASK_SELF };

static _Atomic int64_t close_result;
static _Atomic int64_t running_seen;
static _Atomic int64_t last_route;

static cb_buffer *text_buffer(const char *text)
{
    return cb_buffer_copy(text, strlen(text));
}

static void run_endless(cb_job *job)
{
    while (cb_asker_check(job->asker) == CB_OK)
        ;
    job->result = text_buffer("stopped here");
}

static void run_job(void *user, cb_job *job)
{
    (void)user;
    int64_t canceled = -1;
    int happened;
    cb_question running = {.what = CB_ASK_ROUTE_RUNNING, .id = last_route};
    job->status = CB_JOB_SUCCESS;
    switch (job->entry) {
    case ECHO:
        job->result = job->request;
        job->request = NULL;
        break;
    case ENDLESS:
        run_endless(job);
        break;
    case REFUSE:
        job->status = CB_JOB_CALLBACK_REFUSED;
        break;
    case FAIL:
        job->status = CB_JOB_CALLBACK_FAILED;
        job->result = text_buffer("x.dom:1:2: it broke");
        break;
    case CLOSE_OWN:
        (void)cb_route_close(job->asker, NS, last_route, &canceled);
        close_result = canceled;
        job->result = text_buffer("closed");
        break;
    case SLEEP:
        (void)cb_wait(job->asker, NS, CB_WAIT_TIME, 0, 20, &happened);
        job->result = text_buffer("slept");
        break;
    case ASK_SELF:
        (void)cb_ask(job->asker, NS, &running, 1);
        running_seen = running.value;
        break;
    default:
        break;
    }
}

typedef struct fixture {
    cb_runtime *runtime;
    cb_asker *asker;
} fixture;

static fixture begin_with(cb_limits limits)
{
    fixture made = {0};
    cb_error error;
    cb_runtime_options options = {.limits = limits, .run_job = run_job};
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &made.runtime, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(made.runtime, &made.asker, &error), CB_OK);
    return made;
}

static fixture begin(void)
{
    return begin_with(cb_limits_default());
}

static void end(fixture *made)
{
    cb_error error = {.text = ""};
    cb_asker_close(&made->asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&made->runtime, &error), CB_OK);
    if (error.text[0] != 0)
        printf("    %s\n", error.text);
}

static int64_t open_route(fixture *made, enum entry entry, int32_t timeout_ms)
{
    int64_t id = 0;
    cb_error error = {.text = ""};
    cb_route_options options = {
        .kind = CB_ROUTE_TCP, .callback = "Callback", .entry = entry, .timeout_ms = timeout_ms};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(made->asker, NS, &options, &id, &error), CB_OK);
    last_route = id;
    return id;
}

static int64_t ask(fixture *made, cb_question_kind what, int64_t id)
{
    cb_question question = {.what = what, .id = id};
    CU_ASSERT_EQUAL_FATAL(cb_ask(made->asker, NS, &question, 1), CB_OK);
    CU_ASSERT_EQUAL(question.status, CB_OK);
    return question.value;
}

static int64_t begin_job(fixture *made, int64_t route, const char *text, int32_t timeout_ms)
{
    int64_t id = 0;
    cb_job_options options = {
        .route_id = route, .request = text_buffer(text), .timeout_ms = timeout_ms};
    CU_ASSERT_EQUAL_FATAL(cb_job_begin(made->asker, NS, &options, &id), CB_OK);
    return id;
}

/* Runs one exchange; the result's text is put into `text`. */
static int exchange(fixture *made, int64_t route, const char *request, int32_t timeout_ms,
                    char text[256])
{
    int happened = 0;
    int status = 0;
    cb_buffer *result = NULL;
    int64_t id = begin_job(made, route, request, timeout_ms);
    CU_ASSERT_EQUAL(cb_wait(made->asker, NS, CB_WAIT_JOB_COMPLETE, id, 20000, &happened), CB_OK);
    CU_ASSERT_EQUAL(happened, 1);
    CU_ASSERT_EQUAL(ask(made, CB_ASK_JOB_PHASE, id), CB_PHASE_COMPLETED);
    cb_status taken = cb_job_take(made->asker, NS, id, true, &result, &status);
    CU_ASSERT(taken == CB_OK || taken == CB_NO_RESULT);
    size_t size = result != NULL ? result->size : 0;
    (void)snprintf(text, 256, "%.*s", (int)size, size ? (const char *)result->data : "");
    cb_buffer_release(result);
    CU_ASSERT_EQUAL(ask(made, CB_ASK_JOB_KNOWN, id), 0);
    return status;
}

static int dial(int64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads to the end; gives the number of bytes, or -errno. */
static ssize_t read_all(int fd, char *bytes, size_t room)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(fd, bytes + size, room - size, 0);
        if (got < 0)
            return -errno;
        if (got == 0)
            return (ssize_t)size;
        size += (size_t)got;
    }
}

static void a_request_is_answered(void)
{
    char text[256];
    fixture made = begin();
    int64_t echo = open_route(&made, ECHO, 5000);
    int64_t untouched = open_route(&made, UNTOUCHED, 5000);
    CU_ASSERT_EQUAL(echo, 1);
    CU_ASSERT_EQUAL(untouched, 2);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_OPEN_COUNT, 0), 2);
    CU_ASSERT_EQUAL(exchange(&made, echo, "PING", 5000, text), CB_JOB_SUCCESS);
    CU_ASSERT_STRING_EQUAL(text, "PING");
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DRAINED, echo), 1);
    CU_ASSERT_EQUAL(exchange(&made, untouched, "PING", 5000, text), CB_JOB_SUCCESS);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL(exchange(&made, echo, "", 5000, text), CB_JOB_SUCCESS);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_COMPLETED, echo), 2);
    end(&made);
}

static void a_failing_callback_is_told_to_the_client(void)
{
    char text[256];
    fixture made = begin();
    int64_t refuse = open_route(&made, REFUSE, 5000);
    int64_t fail = open_route(&made, FAIL, 5000);
    int64_t endless = open_route(&made, ENDLESS, 30);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(exchange(&made, refuse, "a", 5000, text), CB_JOB_CALLBACK_REFUSED);
        CU_ASSERT_EQUAL(exchange(&made, fail, "a", 5000, text), CB_JOB_CALLBACK_FAILED);
        CU_ASSERT_STRING_EQUAL(text, "x.dom:1:2: it broke");
    }
    CU_ASSERT_EQUAL(exchange(&made, endless, "a", 5000, text), CB_JOB_CALLBACK_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(text, "stopped here");
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DRAINED, endless), 1);
    end(&made);
}

static void a_clients_limit_ends_its_exchange(void)
{
    char text[256];
    fixture made = begin();
    int64_t endless = open_route(&made, ENDLESS, 300);
    CU_ASSERT_EQUAL(exchange(&made, endless, "a", 20, text), CB_JOB_TIMEOUT);
    int happened = 0;
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_ROUTE_DRAINED, endless, 20000, &happened),
                    CB_OK);
    CU_ASSERT_EQUAL(happened, 1);
    end(&made);
}

static void a_callback_sees_itself_running_and_may_close_its_route(void)
{
    char text[256];
    fixture made = begin();
    int64_t self = open_route(&made, ASK_SELF, 5000);
    CU_ASSERT_EQUAL(exchange(&made, self, "a", 5000, text), CB_JOB_SUCCESS);
    CU_ASSERT_EQUAL(running_seen, 1);
    int64_t closing = open_route(&made, CLOSE_OWN, 5000);
    CU_ASSERT_EQUAL(exchange(&made, closing, "a", 5000, text), CB_JOB_SUCCESS);
    CU_ASSERT_STRING_EQUAL(text, "closed");
    CU_ASSERT_EQUAL(close_result, 0);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_CLOSE_ACCEPTED, closing), 1);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_STATE, closing), 0);
    end(&made);
}

static void blocked_callbacks_do_not_hold_up_others(void)
{
    fixture made = begin();
    int64_t sleep_route = open_route(&made, SLEEP, 5000);
    int64_t ids[50];
    int happened;
    for (int i = 0; i < 50; i++)
        ids[i] = begin_job(&made, sleep_route, "a", 20000);
    for (int i = 0; i < 50; i++) {
        cb_buffer *result = NULL;
        int status;
        CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_JOB_COMPLETE, ids[i], 20000, &happened),
                        CB_OK);
        CU_ASSERT_EQUAL(cb_job_take(made.asker, NS, ids[i], false, &result, &status), CB_OK);
        CU_ASSERT(result != NULL && result->size == 5);
        cb_buffer_release(result);
    }
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_ACTIVE, sleep_route), 0);
    end(&made);
}

static void framing_follows_the_clients_end_or_its_silence(void)
{
    char bytes[64];
    fixture made = begin();
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, open_route(&made, ECHO, 5000));
    int fd = dial(port);
    for (const char *c = "one byte at a time"; *c; c++)
        CU_ASSERT_EQUAL(send(fd, c, 1, 0), 1);
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), 18);
    CU_ASSERT_EQUAL(memcmp(bytes, "one byte at a time", 18), 0);
    close(fd);
    fd = dial(port); /* no half-close: the silence ends it */
    CU_ASSERT_EQUAL(send(fd, "quiet", 5, 0), 5);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), 5);
    close(fd);
    end(&made);
}

static void too_large_and_idle_are_cut(void)
{
    char bytes[4096] = {0};
    cb_limits limits = cb_limits_default();
    limits.max_request = 1000;
    limits.tcp_idle_ms = 30;
    fixture made = begin_with(limits);
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    int fd = dial(port);
    CU_ASSERT_EQUAL(send(fd, bytes, 1000, 0), 1000);
    shutdown(fd, SHUT_WR);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), 1000);
    close(fd);
    fd = dial(port);
    CU_ASSERT_EQUAL(send(fd, bytes, 1001, 0), 1001);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), -ECONNRESET);
    close(fd);
    fd = dial(port); /* says nothing */
    CU_ASSERT(read_all(fd, bytes, sizeof bytes) <= 0);
    close(fd);
    int happened = 0;
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_ROUTE_DRAINED, route, 5000, &happened), CB_OK);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DROPPED, route), 2);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 3);
    end(&made);
}

static void a_trickle_is_cut(void)
{
    char bytes[16];
    cb_limits limits = cb_limits_default();
    limits.tcp_total_ms = 100;
    limits.tcp_quiet_ms = 10000;
    fixture made = begin_with(limits);
    int64_t route = open_route(&made, ECHO, 5000);
    int fd = dial(ask(&made, CB_ASK_ROUTE_PORT, route));
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && poll(&answer, 1, 5) == 0)
        ;
    CU_ASSERT(read_all(fd, bytes, sizeof bytes) <= 0);
    close(fd);
    int happened = 0;
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_ROUTE_DRAINED, route, 5000, &happened), CB_OK);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DROPPED, route), 1);
    end(&made);
}

/* Nobody is refused, and nobody more is accepted until one is gone. */
static void connections_over_the_limit_wait(void)
{
    char bytes[16];
    cb_limits limits = cb_limits_default();
    limits.max_connections = 2;
    fixture made = begin_with(limits);
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    int first = dial(port);
    int second = dial(port);
    int third = dial(port);
    struct pollfd answer = {.fd = third, .events = POLLIN};
    CU_ASSERT_EQUAL(send(third, "third", 5, 0), 5);
    shutdown(third, SHUT_WR);
    CU_ASSERT_EQUAL(poll(&answer, 1, 100), 0);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 2);
    shutdown(first, SHUT_WR);
    CU_ASSERT_EQUAL(read_all(first, bytes, sizeof bytes), 0);
    CU_ASSERT_EQUAL(read_all(third, bytes, sizeof bytes), 5);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 3);
    close(first);
    close(second);
    close(third);
    end(&made);
}

/* What a client sends after the silence that ended its request is nobody's. */
static void silence_ends_a_large_request_too(void)
{
    enum { SIZE = 100000 };
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    int fd = dial(ask(&made, CB_ASK_ROUTE_PORT, route));
    char *sent = malloc(SIZE);
    char *bytes = malloc(SIZE + 1);
    CU_ASSERT_FATAL(sent != NULL && bytes != NULL);
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (char)(i * 7);
    CU_ASSERT_EQUAL(send(fd, sent, SIZE, 0), SIZE);
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&answer, 1, 10000), 1);
    (void)send(fd, "more", 4, MSG_NOSIGNAL);
    CU_ASSERT_EQUAL(read_all(fd, bytes, SIZE + 1), SIZE);
    CU_ASSERT_EQUAL(memcmp(bytes, sent, SIZE), 0);
    free(sent);
    free(bytes);
    close(fd);
    end(&made);
}

static void drained_is_true_for_who_saw_the_response(void)
{
    char bytes[64];
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    int wrong = 0;
    for (int i = 0; i < 500; i++) {
        int fd = dial(port);
        CU_ASSERT_EQUAL(send(fd, "ping", 4, 0), 4);
        shutdown(fd, SHUT_WR);
        size_t size = 0;
        while (size < 4) /* the bytes, not the end of the connection */
            size += (size_t)recv(fd, bytes + size, sizeof bytes - size, 0);
        wrong += ask(&made, CB_ASK_ROUTE_DRAINED, route) != 1;
        close(fd);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    end(&made);
}

static void a_large_response_arrives_whole(void)
{
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    size_t size = 8u << 20;
    int happened;
    int status;
    cb_buffer *request = cb_buffer_new(size, size);
    for (size_t i = 0; i < size; i++)
        request->data[i] = (uint8_t)(i * 7 + i / 251);
    cb_buffer *result = NULL;
    int64_t id = 0;
    cb_job_options options = {
        .route_id = route, .request = cb_buffer_retain(request), .timeout_ms = 20000};
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, NS, &options, &id), CB_OK);
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_JOB_COMPLETE, id, 20000, &happened), CB_OK);
    CU_ASSERT_EQUAL(cb_job_take(made.asker, NS, id, true, &result, &status), CB_FORMAT);
    CU_ASSERT_EQUAL(cb_job_take(made.asker, NS, id, false, &result, &status), CB_OK);
    CU_ASSERT(result != NULL && result->size == size &&
              memcmp(result->data, request->data, size) == 0);
    cb_buffer_release(result);
    cb_buffer_release(request);
    end(&made);
}

static void unknown_and_closed_are_told_apart(void)
{
    fixture made = begin();
    int64_t canceled = 7;
    int64_t id = 0;
    int happened;
    int status;
    cb_buffer *result;
    cb_question question = {.what = CB_ASK_ROUTE_PORT, .id = 99};
    CU_ASSERT_EQUAL(cb_ask(made.asker, NS, &question, 1), CB_OK);
    CU_ASSERT_EQUAL(question.status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(cb_route_close(made.asker, NS, 99, &canceled), CB_UNKNOWN);
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_JOB_COMPLETE, 5, 10, &happened), CB_UNKNOWN);
    CU_ASSERT_EQUAL(cb_job_take(made.asker, NS, 5, false, &result, &status), CB_UNKNOWN);
    CU_ASSERT_EQUAL(cb_route_close_once(made.asker, NS, 99, true, &happened), CB_UNKNOWN);
    CU_ASSERT_EQUAL(cb_route_close_once(made.asker, NS, INT64_MAX, true, &happened), CB_UNKNOWN);
    int64_t route = open_route(&made, ECHO, -1);
    CU_ASSERT_EQUAL(cb_route_close_once(made.asker, NS, route, false, &happened), CB_OK);
    CU_ASSERT_EQUAL(happened, 1);
    CU_ASSERT_EQUAL(cb_route_close_once(made.asker, NS, route, true, &happened), CB_OK);
    CU_ASSERT_EQUAL(happened, 0);
    route = open_route(&made, ECHO, -1);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_KNOWN, route), 1);
    CU_ASSERT_EQUAL(cb_route_close(made.asker, NS, route, &canceled), CB_OK);
    CU_ASSERT_EQUAL(canceled, 0);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_KNOWN, route), 0);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_TIMEOUT, route), -1);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_OPEN_COUNT, 0), 0);
    CU_ASSERT_EQUAL(cb_route_close(made.asker, NS, route, &canceled), CB_OK);
    cb_job_options options = {.route_id = route, .timeout_ms = 100};
    CU_ASSERT_EQUAL(cb_job_begin(made.asker, NS, &options, &id), CB_OK);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_JOB_STATUS, id), CB_JOB_CONNECT_FAILED);
    end(&made);
}

/* --- load --- */

#define CLIENTS  20
#define REQUESTS 100

typedef struct load {
    int64_t port;
    int number;
    int wrong;
} load;

static void *load_thread(void *argument)
{
    load *self = argument;
    char sent[64];
    char bytes[128];
    for (int i = 0; i < REQUESTS; i++) {
        int size = snprintf(sent, sizeof sent, "client %d request %d", self->number, i);
        int fd = dial(self->port);
        bool good = fd >= 0 && send(fd, sent, (size_t)size, 0) == size &&
                    shutdown(fd, SHUT_WR) == 0 && read_all(fd, bytes, sizeof bytes) == size &&
                    memcmp(bytes, sent, (size_t)size) == 0;
        self->wrong += !good;
        close(fd);
    }
    return NULL;
}

static void requests_of_many_clients_are_not_mixed_up(void)
{
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    pthread_t threads[CLIENTS];
    load loads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        loads[i] = (load){.port = port, .number = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, load_thread, &loads[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(loads[i].wrong, 0);
    }
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_COMPLETED, route), CLIENTS * REQUESTS);
    end(&made);
}

static void a_closed_port_is_free_at_once(void)
{
    fixture made = begin();
    cb_error error;
    int64_t canceled;
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    for (int i = 0; i < 200; i++) {
        cb_route_options options = {
            .kind = CB_ROUTE_TCP, .callback = "Again", .entry = ECHO, .port = (uint16_t)port};
        CU_ASSERT_EQUAL(cb_route_close(made.asker, NS, route, &canceled), CB_OK);
        CU_ASSERT_EQUAL(dial(port), -1);
        CU_ASSERT_EQUAL_FATAL(cb_route_open(made.asker, NS, &options, &route, &error), CB_OK);
    }
    end(&made);
}

static void a_job_that_waited_does_not_reach_another_route(void)
{
    cb_limits limits = cb_limits_default();
    cb_error error;
    int64_t canceled, other;
    int happened;
    limits.max_client_jobs = 1;
    fixture made = begin_with(limits);
    (void)begin_job(&made, open_route(&made, ENDLESS, 300), "holds the only place", 5000);
    int64_t first = open_route(&made, UNTOUCHED, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, first);
    int64_t job = begin_job(&made, first, "for the first", 5000);
    CU_ASSERT_EQUAL(cb_route_close(made.asker, NS, first, &canceled), CB_OK);
    cb_route_options options = {
        .kind = CB_ROUTE_TCP, .callback = "Other", .entry = ECHO, .port = (uint16_t)port};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(made.asker, NS, &options, &other, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_JOB_COMPLETE, job, 5000, &happened), CB_OK);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_JOB_STATUS, job), CB_JOB_CONNECT_FAILED);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_ACCEPTED, other), 0);
    end(&made);
}

/* --- shutdown --- */

static void shutdown_ends_waits_and_refuses(void)
{
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    int happened = 1;
    int64_t id = 0;
    cb_error error;
    cb_runtime_shutdown(made.runtime);
    CU_ASSERT_EQUAL(cb_wait(made.asker, NS, CB_WAIT_TIME, 0, 60000, &happened), CB_OK);
    CU_ASSERT_EQUAL(happened, 0);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_STATE, route), 0);
    cb_route_options options = {.kind = CB_ROUTE_TCP, .callback = "X", .timeout_ms = 1};
    CU_ASSERT_EQUAL(cb_route_open(made.asker, NS, &options, &id, &error), CB_STOPPED);
    end(&made);
    CU_ASSERT_EQUAL(dial(port), -1);
}

static void what_outlives_the_grace_is_cut(void)
{
    cb_limits limits = cb_limits_default();
    cb_error error;
    limits.grace_ms = 50;
    fixture made = begin_with(limits);
    int64_t route = open_route(&made, ENDLESS, -1);
    int64_t port = ask(&made, CB_ASK_ROUTE_PORT, route);
    int fd = dial(port);
    char bytes[16];
    CU_ASSERT_EQUAL(send(fd, "x", 1, 0), 1);
    shutdown(fd, SHUT_WR);
    /* The request has reached its callback once it is counted as running. */
    while (ask(&made, CB_ASK_ROUTE_RUNNING, route) == 0)
        ;
    cb_asker_close(&made.asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&made.runtime, &error), CB_TIMEOUT);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), -ECONNRESET);
    close(fd);
}

static void a_client_that_stays_does_not_hold_up_the_end(void)
{
    cb_limits limits = cb_limits_default();
    char bytes[16];
    limits.tcp_linger_ms = 30000;
    limits.grace_ms = 100;
    fixture made = begin_with(limits);
    int64_t route = open_route(&made, ECHO, 5000);
    int fd = dial(ask(&made, CB_ASK_ROUTE_PORT, route));
    CU_ASSERT_EQUAL(send(fd, "x", 1, 0), 1);
    CU_ASSERT_EQUAL(read_all(fd, bytes, sizeof bytes), 1);
    time_t began = time(NULL);
    end(&made);
    CU_ASSERT(time(NULL) - began < 10);
    close(fd);
}

static void the_end_needs_no_descriptors(void)
{
    fixture made = begin();
    int64_t route = open_route(&made, ECHO, 5000);
    struct rlimit before;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 1, .rlim_max = before.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    cb_runtime_shutdown(made.runtime);
    CU_ASSERT_EQUAL(ask(&made, CB_ASK_ROUTE_STATE, route), 0);
    end(&made);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static int count_entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void nothing_is_left_behind(void)
{
    char text[256];
    int descriptors = count_entries("/proc/self/fd");
    int threads = count_entries("/proc/self/task");
    for (int i = 0; i < 5; i++) {
        fixture made = begin();
        (void)exchange(&made, open_route(&made, FAIL, 100), "a", 5000, text);
        (void)exchange(&made, open_route(&made, ECHO, 100), "a", 5000, text);
        end(&made);
    }
    CU_ASSERT_EQUAL(count_entries("/proc/self/fd"), descriptors);
    CU_ASSERT_EQUAL(count_entries("/proc/self/task"), threads);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_request_is_answered),
                           TEST(a_failing_callback_is_told_to_the_client),
                           TEST(a_clients_limit_ends_its_exchange),
                           TEST(a_callback_sees_itself_running_and_may_close_its_route),
                           TEST(blocked_callbacks_do_not_hold_up_others),
                           TEST(framing_follows_the_clients_end_or_its_silence),
                           TEST(too_large_and_idle_are_cut),
                           TEST(a_trickle_is_cut),
                           TEST(connections_over_the_limit_wait),
                           TEST(silence_ends_a_large_request_too),
                           TEST(drained_is_true_for_who_saw_the_response),
                           TEST(a_large_response_arrives_whole),
                           TEST(unknown_and_closed_are_told_apart),
                           TEST(requests_of_many_clients_are_not_mixed_up),
                           TEST(a_closed_port_is_free_at_once),
                           TEST(a_job_that_waited_does_not_reach_another_route),
                           TEST(shutdown_ends_waits_and_refuses),
                           TEST(what_outlives_the_grace_is_cut),
                           TEST(a_client_that_stays_does_not_hold_up_the_end),
                           TEST(the_end_needs_no_descriptors),
                           TEST(nothing_is_left_behind),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"runtime", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
