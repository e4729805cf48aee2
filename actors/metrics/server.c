#include "actors/metrics/server.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/base/thread.h"
#include "actors/core/loop_actor.h"
#include "actors/core/port_listen.h"
#include "actors/io/http/request.h"
#include "actors/metrics/hosts.h"
#include "actors/metrics/render.h"
#include "callboard/tcp.h"

#define MS                 1000000
#define MS_A_S             1000.0
#define ANSWERED_WITHIN_MS 10000
#define HEAD_SIZE          256
/* Scrapers come one at a time; more than this wait in the kernel's backlog. */
#define GUESTS_MAX         16u

/* One connection: a request, its answer, the end. */
typedef struct guest {
    cb_metrics *metrics;
    cb_tcp_socket *socket;
    struct guest *next;
    cb_buffer *bytes; /* of the request */
    cb_http_request request;
    uint64_t question; /* 0: has not asked */
} guest;

struct cb_metrics {
    cb_loop_actor actor; /* first, so that one is the other */
    pthread_t thread;
    atomic_bool stop;
    sem_t stopped; /* posted once, after the thread was woken for the stop */
    sem_t begun;   /* posted once, when the three below are set */
    cb_status status;
    cb_error error;
    uint16_t port;
    cb_actor_start *start;
    cb_tcp_server *server;
    guest *guests;
    uint64_t asked;
    int64_t started_s;
    char *hosts; /* names that it may be asked for by, or NULL */
};

static const cb_limits *limits_of(const cb_metrics *metrics)
{
    return &metrics->actor.core->options.limits;
}

/* -- answers ---------------------------------------------------------------------------------- */

/* Sends a response and closes behind it. `body` (NULL: none) is taken over. */
static void respond(guest *to, const char *status, const char *fields, cb_buffer *body)
{
    char head[HEAD_SIZE];
    size_t size = body != NULL ? body->size : 0;
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                          status, size, fields);
    cb_status sent = cb_tcp_write(to->socket, head, (size_t)length, NULL, NULL);
    if (sent == CB_OK && size > 0 && !to->request.is_head)
        sent = cb_tcp_write_buffer(to->socket, body, 0, size, NULL);
    cb_buffer_release(body);
    (void)(sent == CB_OK ? cb_tcp_close(to->socket, NULL) : cb_tcp_abort(to->socket, NULL));
}

static void refuse(guest *to, const char *status, const char *fields)
{
    char text[HEAD_SIZE];
    char all[HEAD_SIZE];
    int length = snprintf(text, sizeof text, "%s\n", status);
    (void)snprintf(all, sizeof all, "Content-Type: text/plain\r\n%s", fields);
    respond(to, status, all, cb_buffer_copy(text, (size_t)length));
}

static void refuse_host(guest *to)
{
    static const char text[] = "421 Misdirected Request\n"
                               "Metrics are served to addresses, to localhost, and to the names in "
                               "CALLBOARD_METRICS_HOSTS.\n";
    respond(to, "421 Misdirected Request", "Content-Type: text/plain\r\n",
            cb_buffer_copy(text, sizeof text - 1));
}

static void refuse_fault(guest *to, cb_http_fault fault)
{
    char status[HEAD_SIZE];
    (void)snprintf(status, sizeof status, "%d %s", cb_http_fault_status(fault),
                   cb_http_fault_text(fault));
    refuse(to, status, "");
}

static void answer(guest *to, const cb_message *message)
{
    cb_buffer *snapshot = cb_message_payload(message);
    cb_buffer *text = NULL;
    if (message->status == CB_OK && snapshot != NULL)
        text = cb_metrics_render((const cb_snapshot *)(const void *)snapshot->data,
                                 to->metrics->started_s);
    if (text != NULL)
        respond(to, "200 OK", "Content-Type: " CB_METRICS_CONTENT_TYPE "\r\n", text);
    else
        refuse(to, "503 Service Unavailable", "");
}

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    cb_metrics *metrics = (cb_metrics *)actor;
    guest *to = message->kind == CB_MSG_ANSWER ? metrics->guests : NULL;
    while (to != NULL && to->question != message->cause)
        to = to->next;
    if (to != NULL && !cb_tcp_closed(to->socket))
        answer(to, message);
    cb_buffer_release(cb_message_payload(message));
}

static void ask(guest *from)
{
    cb_metrics *metrics = from->metrics;
    cb_message question = {.kind = CB_MSG_ASK, .cause = ++metrics->asked, .value = CB_ASK_SNAPSHOT};
    from->question = question.cause;
    cb_loop_actor_post(&metrics->actor, &question);
}

/* -- requests --------------------------------------------------------------------------------- */

static bool is_word(const char *begin, const char *end, const char *word)
{
    return (size_t)(end - begin) == strlen(word) && memcmp(begin, word, strlen(word)) == 0;
}

/* Where the path of a target ends. */
static const char *path_end(const char *at, const char *end)
{
    while (at < end && *at != '?')
        at++;
    return at;
}

/* Whether the request is for us by its host: the target's, if that has one (RFC 9112, 3.2.2). An
 * HTTP/1.0 client may leave it out; no browser does. */
static bool is_for_us(const guest *from)
{
    const cb_http_request *request = &from->request;
    cb_http_span host = request->authority.size > 0 ? request->authority : request->host;
    if (request->authority.size == 0 && !request->has_host)
        return true;
    return cb_metrics_knows_host(from->metrics->hosts, (const char *)from->bytes->data + host.at,
                                 host.size);
}

/* The framer has seen that the line is well formed: method, target and version. */
static void serve(guest *from)
{
    const char *method = (const char *)from->bytes->data + from->request.begin;
    const char *method_end = strchr(method, ' ');
    const char *target = method_end + 1;
    const char *target_end = strchr(target, ' ');
    static const char scheme[] = "http://";
    if ((size_t)(target_end - target) > sizeof scheme - 1 &&
        strncasecmp(target, scheme, sizeof scheme - 1) == 0) {
        target += sizeof scheme - 1;
        while (target < target_end && *target != '/' && *target != '?')
            target++;
    }
    if (!is_for_us(from))
        refuse_host(from);
    else if (!is_word(target, path_end(target, target_end), "/metrics"))
        refuse(from, "404 Not Found", "");
    else if (!is_word(method, method_end, "GET") && !is_word(method, method_end, "HEAD"))
        refuse(from, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    else
        ask(from);
}

static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    guest *from = cb_tcp_user(socket);
    size_t used = from->bytes != NULL ? from->bytes->size : 0;
    cb_http_limits limits = cb_http_limits_from(limits_of(from->metrics));
    limits.body = 0;
    /* What comes at once is at most 64 KiB, and what is kept ends with the head's limit. */
    if (cb_buffer_writable(&from->bytes, used + size + 1) != CB_OK) {
        (void)cb_tcp_abort(socket, NULL);
        return;
    }
    memcpy(from->bytes->data + used, data, size);
    from->bytes->size = used + size;
    from->bytes->data[used + size] = '\0';
    cb_http_progress progress =
        cb_http_request_frame(&from->request, &limits, from->bytes->data, from->bytes->size);
    if (progress == CB_HTTP_PARTIAL)
        return;
    (void)cb_tcp_end_reading(socket, NULL);
    if (progress == CB_HTTP_REFUSED)
        refuse_fault(from, from->request.fault);
    else
        serve(from);
}

/* -- connections ------------------------------------------------------------------------------ */

static void forget(guest *gone)
{
    guest **link = &gone->metrics->guests;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    cb_buffer_release(gone->bytes);
    free(gone);
}

static void on_accept(cb_tcp_socket *socket)
{
    cb_metrics *metrics = cb_tcp_user(socket);
    guest *added = calloc(1, sizeof *added);
    cb_tcp_set_user(socket, added);
    if (added == NULL) {
        (void)cb_tcp_abort(socket, NULL);
        return;
    }
    added->metrics = metrics;
    added->socket = socket;
    added->next = metrics->guests;
    metrics->guests = added;
    (void)cb_tcp_set_alarm(
        socket, cb_loop_now(metrics->actor.loop) + limits_of(metrics)->tcp_idle_ms * MS, NULL);
}

/* Neither a request nor an answer to it came in time. */
static void on_alarm(cb_tcp_socket *socket)
{
    const guest *from = cb_tcp_user(socket);
    if (from->question != 0)
        refuse(cb_tcp_user(socket), "503 Service Unavailable", "");
    else
        (void)cb_tcp_abort(socket, NULL);
}

static void on_event(const cb_tcp_event *event)
{
    /* The end of what a client sends without a whole request; all others end the socket. */
    if (event->kind == CB_TCP_EOF && ((guest *)cb_tcp_user(event->socket))->question == 0)
        (void)cb_tcp_close(event->socket, NULL);
}

static void on_close(cb_tcp_socket *socket)
{
    if (cb_tcp_user(socket) != NULL)
        forget(cb_tcp_user(socket));
}

static cb_status listen_on(cb_metrics *metrics, uint16_t port, cb_error *error)
{
    static const cb_tcp_callbacks callbacks = {.accept = on_accept,
                                               .read = on_read,
                                               .event = on_event,
                                               .close = on_close,
                                               .alarm = on_alarm};
    cb_tcp_options options = {
        .write_timeout = (double)limits_of(metrics)->tcp_write_ms / MS_A_S,
        .write_watermark = SIZE_MAX / 2, /* a page is written as a whole */
        .max_connections = GUESTS_MAX,
    };
    return cb_port_listen(&metrics->actor, "127.0.0.1", port, &callbacks, &options, metrics,
                          &metrics->server, error);
}

/* -- the thread ------------------------------------------------------------------------------- */

static void before_flush(cb_loop_actor *actor)
{
    const cb_metrics *metrics = (cb_metrics *)actor;
    if (atomic_load(&metrics->stop))
        actor->done = true;
}

/* Makes sure that the supervisor can answer. */
static cb_status greet(cb_metrics *metrics, cb_error *error)
{
    cb_mailbox *mailbox = metrics->actor.mailbox;
    cb_message hello = {.kind = CB_MSG_HELLO, .cause = ++metrics->asked};
    cb_status status = cb_mailbox_post(mailbox, &hello);
    if (status == CB_OK)
        status = cb_mailbox_flush(mailbox);
    if (status == CB_OK)
        status = cb_mailbox_receive(mailbox, ANSWERED_WITHIN_MS, &hello);
    return status == CB_OK ? CB_OK
                           : cb_fail(error, status, "the supervisor has no room for the metrics");
}

static void await(sem_t *event)
{
    while (sem_wait(event) != 0)
        continue; /* a signal came */
}

static void *metrics_thread(void *argument)
{
    cb_metrics *metrics = argument;
    cb_status status = cb_loop_actor_open(&metrics->actor, metrics->start, &metrics->error);
    if (status == CB_OK)
        status = greet(metrics, &metrics->error);
    if (status == CB_OK)
        status = listen_on(metrics, metrics->port, &metrics->error);
    if (status == CB_OK)
        metrics->port = cb_tcp_server_port(metrics->server);
    metrics->status = status;
    (void)sem_post(&metrics->begun);
    if (status == CB_OK) {
        cb_loop_actor_run(&metrics->actor);
        await(&metrics->stopped); /* whoever stops us wakes the loop: it must be there */
    }
    cb_tcp_server_close(&metrics->server);
    cb_loop_actor_close(&metrics->actor);
    while (metrics->guests != NULL)
        forget(metrics->guests);
    return NULL;
}

/* -- life ------------------------------------------------------------------------------------- */

static cb_status start_thread(cb_metrics *metrics, cb_core *core, cb_error *error)
{
    cb_mailbox *mailbox = NULL;
    cb_status status = cb_mailbox_open(core->office, cb_core_asker_address(core), &mailbox, error);
    if (status != CB_OK)
        return status;
    metrics->start = malloc(sizeof *metrics->start);
    if (metrics->start == NULL) {
        cb_mailbox_close(&mailbox);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    *metrics->start = (cb_actor_start){.core = core, .mailbox = mailbox};
    status = cb_thread_start(&metrics->thread, metrics_thread, metrics, 0, "metrics", error);
    if (status != CB_OK) {
        cb_mailbox_close(&mailbox);
        free(metrics->start);
    }
    return status;
}

static void destroy(cb_metrics *metrics)
{
    (void)sem_destroy(&metrics->begun);
    (void)sem_destroy(&metrics->stopped);
    free(metrics->hosts);
    free(metrics);
}

static cb_status copy_hosts(cb_metrics *metrics, const char *names, cb_error *error)
{
    cb_error why;
    if (names == NULL)
        return CB_OK;
    if (cb_metrics_check_hosts(names, &why) != CB_OK)
        return cb_fail(error, why.status, "cannot serve metrics: %s", why.text);
    metrics->hosts = strdup(names);
    return metrics->hosts != NULL ? CB_OK : cb_fail(error, CB_NO_MEMORY, "out of memory");
}

cb_status cb_metrics_start(cb_core *core, uint16_t port, cb_metrics **result, cb_error *error)
{
    *result = NULL;
    cb_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    if (sem_init(&metrics->begun, 0, 0) != 0 || sem_init(&metrics->stopped, 0, 0) != 0) {
        free(metrics);
        return cb_fail(error, CB_NO_MEMORY, "cannot make a semaphore");
    }
    metrics->actor = (cb_loop_actor){.message = on_message, .before_flush = before_flush};
    metrics->port = port;
    metrics->started_s = (int64_t)time(NULL);
    cb_status status = copy_hosts(metrics, core->options.metrics_hosts, error);
    if (status == CB_OK)
        status = start_thread(metrics, core, error);
    if (status != CB_OK) {
        destroy(metrics);
        return status;
    }
    await(&metrics->begun);
    if (metrics->status == CB_OK) {
        *result = metrics;
        return CB_OK;
    }
    status = metrics->status;
    (void)pthread_join(metrics->thread, NULL);
    cb_fail(error, status, "cannot serve metrics: %s", metrics->error.text);
    destroy(metrics);
    return status;
}

uint16_t cb_metrics_port(const cb_metrics *metrics)
{
    return metrics->port;
}

void cb_metrics_stop(cb_metrics **result)
{
    cb_metrics *metrics = *result;
    *result = NULL;
    if (metrics == NULL)
        return;
    atomic_store(&metrics->stop, true);
    cb_loop_wake_up(metrics->actor.loop);
    (void)sem_post(&metrics->stopped);
    (void)pthread_join(metrics->thread, NULL);
    destroy(metrics);
}
