#include "tests/unit/http_service.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int gate_waiting;

/* -- callbacks -------------------------------------------------------------------------------- */

static cb_buffer *text_buffer(const char *text)
{
    return cb_buffer_copy(text, strlen(text));
}

static cb_buffer *hello(void)
{
    return text_buffer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static cb_buffer *with_body(const void *body, size_t size)
{
    char head[64];
    int head_size =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    cb_buffer *made = cb_buffer_new((size_t)head_size + size, 0);
    if (made == NULL) /* the budget has no room */
        return NULL;
    memcpy(made->data, head, (size_t)head_size);
    if (body != NULL)
        memcpy(made->data + head_size, body, size);
    else
        memset(made->data + head_size, 'x', size);
    return made;
}

static cb_buffer *raw(const cb_buffer *request)
{
    const uint8_t *end = memmem(request->data, request->size, "\r\n\r\n", 4);
    assert(end != NULL);
    return cb_buffer_copy(end + 4, request->size - (size_t)(end + 4 - request->data));
}

static cb_buffer *large(const cb_buffer *request)
{
    char line[64] = {0};
    memcpy(line, request->data, request->size < 63 ? request->size : 63);
    const char *digits = strchr(line, '/');
    assert(digits != NULL);
    return with_body(NULL, strtoul(digits + 1, NULL, 10));
}

/* Looks up now and then, as every callback does, so that what lies behind it is taken on. */
static void wait_at_gate(cb_asker *asker)
{
    const struct timespec moment = {.tv_nsec = 200000};
    pthread_mutex_lock(&gate_lock);
    gate_waiting++;
    pthread_cond_broadcast(&gate_moved);
    while (!gate_open) {
        pthread_mutex_unlock(&gate_lock);
        (void)cb_asker_check(asker);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&gate_lock);
    }
    gate_waiting--;
    pthread_mutex_unlock(&gate_lock);
}

static void run_job(void *user, cb_job *job)
{
    (void)user;
    job->status = CB_JOB_SUCCESS;
    switch (job->entry) {
    case HTTP_HELLO:
        job->result = hello();
        break;
    case HTTP_ECHO:
        job->result = with_body(job->request->data, job->request->size);
        break;
    case HTTP_RAW:
        job->result = raw(job->request);
        break;
    case HTTP_REFUSE:
        job->status = CB_JOB_CALLBACK_REFUSED;
        break;
    case HTTP_FAIL:
        job->status = CB_JOB_CALLBACK_FAILED;
        job->result = text_buffer("x.dom:1:2: it broke");
        break;
    case HTTP_ENDLESS:
        while (cb_asker_check(job->asker) == CB_OK)
            ;
        break;
    case HTTP_GATE:
        cb_asker_before_block(job->asker); /* so that it is known to run */
        wait_at_gate(job->asker);
        job->result = hello();
        break;
    case HTTP_LARGE:
        job->result = large(job->request);
        if (job->result == NULL)
            job->status = CB_JOB_CALLBACK_FAILED;
        break;
    default:
        break;
    }
}

void http_open_gate(void)
{
    pthread_mutex_lock(&gate_lock);
    gate_open = true;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_lock);
}

void http_await_gate(int waiting)
{
    pthread_mutex_lock(&gate_lock);
    while (gate_waiting < waiting)
        pthread_cond_wait(&gate_moved, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}

/* -- the runtime ------------------------------------------------------------------------------ */

http_service http_begin_with(const cb_limits *limits)
{
    http_service made = {0};
    cb_error error = {.text = ""};
    cb_runtime_options options = {.limits = *limits, .run_job = run_job};
    gate_open = false;
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &made.runtime, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(made.runtime, &made.asker, &error), CB_OK);
    return made;
}

http_service http_begin(void)
{
    const cb_limits limits = cb_limits_default();
    return http_begin_with(&limits);
}

void http_end(http_service *service)
{
    cb_error error = {.text = ""};
    cb_asker_close(&service->asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&service->runtime, &error), CB_OK);
    if (error.text[0] != 0)
        printf("    %s\n", error.text);
}

int64_t http_open_with(http_service *service, const cb_route_options *options)
{
    int64_t id = 0;
    cb_error error = {.text = ""};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(service->asker, HTTP_NS, options, &id, &error), CB_OK);
    return id;
}

int64_t http_open(http_service *service, int64_t entry)
{
    const cb_route_options options = {
        .kind = CB_ROUTE_HTTP, .callback = "OnRequest", .entry = entry, .timeout_ms = -1};
    return http_open_with(service, &options);
}

int64_t http_ask(http_service *service, cb_question_kind what, int64_t id)
{
    cb_question question = {.what = what, .id = id};
    CU_ASSERT_EQUAL_FATAL(cb_ask(service->asker, HTTP_NS, &question, 1), CB_OK);
    CU_ASSERT_EQUAL(question.status, CB_OK);
    return question.value;
}

void http_wait_drained(http_service *service, int64_t route)
{
    int happened = 0;
    CU_ASSERT_EQUAL(cb_wait(service->asker, HTTP_NS, CB_WAIT_ROUTE_DRAINED, route,
                            PATIENCE_S * 1000, &happened),
                    CB_OK);
    CU_ASSERT_EQUAL(happened, 1);
}

/* -- the client ------------------------------------------------------------------------------- */

int http_dial_port(int64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int http_dial(http_service *service, int64_t route)
{
    return http_dial_port(http_ask(service, CB_ASK_ROUTE_PORT, route));
}

void http_say_bytes(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t sent = send(fd, next, size, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* the listener ended it; what it said is there to be heard */
        next += sent;
        size -= (size_t)sent;
    }
}

void http_say(int fd, const char *text)
{
    http_say_bytes(fd, text, strlen(text));
}

static size_t body_size(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    return field != NULL ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Byte by byte, so that what belongs to the next response stays in the socket. */
static int hear(int fd, char *text, size_t room, bool with_its_body)
{
    size_t size = 0;
    size_t end = 0;
    while (end == 0 || size < end) {
        CU_ASSERT_FATAL(size + 1 < room);
        size_t wanted = end == 0 ? 1 : end - size;
        ssize_t got = recv(fd, text + size, wanted < room - size - 1 ? wanted : room - size - 1, 0);
        if (got < 0) {
            CU_ASSERT_EQUAL(errno, ECONNRESET);
            return -1;
        }
        if (got == 0)
            break;
        size += (size_t)got;
        text[size] = 0;
        if (end == 0 && size >= 4 && strcmp(text + size - 4, "\r\n\r\n") == 0)
            end = size + (with_its_body ? body_size(text) : 0);
    }
    text[size] = 0;
    return (int)size;
}

int http_hear(int fd, char *text, size_t room)
{
    return hear(fd, text, room, true);
}

int http_hear_head(int fd, char *text, size_t room)
{
    return hear(fd, text, room, false);
}

int http_hear_end(int fd, char *text, size_t room)
{
    size_t size = 0;
    for (;;) {
        CU_ASSERT_FATAL(size + 1 < room);
        ssize_t got = recv(fd, text + size, room - size - 1, 0);
        if (got < 0)
            CU_ASSERT_EQUAL(errno, ECONNRESET);
        if (got < 0)
            return -1;
        size += (size_t)got;
        text[size] = 0;
        if (got == 0)
            return (int)size;
    }
}

void http_hang_up(int fd)
{
    close(fd);
}
