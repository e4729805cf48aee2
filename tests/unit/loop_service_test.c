/* The actor of the scripts' event loop: its commands, events, limits and end, on both back ends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/loop_service/service.h"
#include "tests/unit/loop_service_support.h"

#define LOCAL "127.0.0.1"

static char folder[] = "/tmp/callboard_loop_XXXXXX";

/* -- small orders -- */

static int64_t timeout(service_double *service, int64_t ms, int64_t callback)
{
    const cb_loop_order order = {.callback = callback, .size = ms, .timeout_ms = -1};
    return service_start(service, CB_LOOP_TIMEOUT, &order, NULL, NULL);
}

static cb_loop_order about(int64_t handle, int64_t size)
{
    return (cb_loop_order){.callback = 1, .handle = handle, .size = size, .timeout_ms = -1};
}

static int64_t recv_from(service_double *service, cb_loop_command what, int64_t socket,
                         int64_t size, int32_t timeout_ms)
{
    cb_loop_order order = about(socket, size);
    order.timeout_ms = timeout_ms;
    return service_start(service, what, &order, NULL, NULL);
}

static int64_t send_text(service_double *service, int64_t socket, const char *text)
{
    const cb_loop_order order = about(socket, 0);
    return service_start(service, CB_LOOP_SEND, &order, NULL, text);
}

static int64_t close_handle(service_double *service, int64_t handle)
{
    const cb_loop_order order = about(handle, 0);
    return service_start(service, CB_LOOP_CLOSE, &order, NULL, NULL);
}

static int64_t open_file(service_double *service, const char *name, uint32_t mode)
{
    char path[256];
    const cb_loop_order order = {.callback = 1, .flags = mode, .size = 0600, .timeout_ms = -1};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return service_start(service, CB_LOOP_OPEN, &order, path, NULL);
}

static int64_t file_of(service_double *service, const char *name, uint32_t mode)
{
    return service_expect(service, open_file(service, name, mode), CB_NBIO_OPEN, CB_IO_OK, 0);
}

/* Two sockets of one connection. */
static void connect_pair(service_double *service, int64_t pair[2])
{
    cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    int64_t listener = service_start(service, CB_LOOP_LISTEN, &order, LOCAL, NULL);
    int64_t port = service_ask(service, CB_LOOP_BOUND_PORT, listener).value;
    CU_ASSERT(port > 0 && port < 65536);
    order.port = (int32_t)port;
    int64_t dial = service_start(service, CB_LOOP_DIAL, &order, LOCAL, NULL);
    service_event event = service_next(service);
    cb_loop_peer peer;
    CU_ASSERT_EQUAL(event.head.operation, dial);
    CU_ASSERT_EQUAL(event.head.error, CB_IO_OK);
    CU_ASSERT(cb_loop_peer_read(&peer, event.payload->data, event.payload->size));
    CU_ASSERT_EQUAL(peer.port, port);
    pair[0] = event.head.handle;
    service_over(service, &event);
    order = about(listener, 0);
    int64_t accept = service_start(service, CB_LOOP_ACCEPT, &order, NULL, NULL);
    event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, accept);
    CU_ASSERT_EQUAL(event.head.kind, CB_NBIO_ACCEPT);
    CU_ASSERT_EQUAL(event.head.value, listener);
    CU_ASSERT(cb_loop_peer_read(&peer, event.payload->data, event.payload->size));
    CU_ASSERT_EQUAL(peer.family, CB_FAMILY_IP4);
    CU_ASSERT_EQUAL(memcmp(peer.address, "\x7f\0\0\1", 4), 0);
    pair[1] = event.head.handle;
    service_over(service, &event);
    service_expect(service, close_handle(service, listener), CB_NBIO_CLOSE, CB_IO_OK, 0);
}

/* -- timers -- */

static void test_timers_in_order(void)
{
    service_double *service = service_begin(NULL);
    const cb_loop_order next = {.callback = 7, .timeout_ms = -1};
    int64_t tick = service_start(service, CB_LOOP_NEXT_TICK, &next, NULL, NULL);
    int64_t late = timeout(service, 1000, 5);
    int64_t soon = timeout(service, 1, 6);
    CU_ASSERT_EQUAL(late, 2);
    CU_ASSERT_EQUAL(soon, 3);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, tick);
    CU_ASSERT_EQUAL(event.callback, 7);
    CU_ASSERT_EQUAL(event.head.handle, 0);
    service_over(service, &event);
    service_expect(service, soon, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    service_expect(service, late, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).value, 0);
    service_end(service);
}

static void test_one_event_at_a_time(void)
{
    service_double *service = service_begin(NULL);
    int64_t first = timeout(service, 0, 1);
    service_event event = service_next(service);
    int64_t second = timeout(service, 0, 1);
    int64_t third = timeout(service, 0, 1);
    CU_ASSERT_EQUAL(event.head.operation, first);
    /* Both are done by now or will be: neither is told before the first callback is over. */
    service_expect_silence(service);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).value, 3);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, second).value, 0);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, second).status, CB_OK);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, first).status, CB_OK); /* its own */
    service_over(service, &event);
    service_expect(service, third, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).value, 0);
    service_end(service);
}

static void test_removal_is_final(void)
{
    service_double *service = service_begin(NULL);
    int64_t gone = timeout(service, 1000, 1);
    int64_t kept = timeout(service, 1001, 1);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, gone).status, CB_OK);
    service_expect(service, kept, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    service_answer answer = service_ask(service, CB_LOOP_REMOVE, 3);
    CU_ASSERT_EQUAL(answer.status, CB_UNKNOWN);
    CU_ASSERT_STRING_EQUAL(answer.text, "no operation 3");
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, 0).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, -1).status, CB_UNKNOWN);
    service_end(service);
}

/* -- sockets -- */

static void test_stream(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    connect_pair(service, pair);
    int64_t all = recv_from(service, CB_LOOP_RECV_ALL, pair[1], 8, -1);
    service_expect(service, send_text(service, pair[0], "0123"), CB_NBIO_SEND, CB_IO_OK, 4);
    service_expect(service, send_text(service, pair[0], "4567"), CB_NBIO_SEND, CB_IO_OK, 4);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, all);
    CU_ASSERT_EQUAL(event.head.handle, pair[1]);
    CU_ASSERT_EQUAL_FATAL(event.payload->size, CB_LOOP_EVENT_SIZE + 8);
    CU_ASSERT_EQUAL(memcmp(event.payload->data + CB_LOOP_EVENT_SIZE, "01234567", 8), 0);
    service_over(service, &event);
    /* A time limit keeps what came until then. */
    service_expect(service, send_text(service, pair[0], "abc"), CB_NBIO_SEND, CB_IO_OK, 3);
    int64_t short_one = recv_from(service, CB_LOOP_RECV_ALL, pair[1], 8, 20);
    service_expect(service, short_one, CB_NBIO_RECV, CB_IO_TIMEOUT, 3);
    service_expect(service, recv_from(service, CB_LOOP_RECV, pair[1], 8, 0), CB_NBIO_RECV,
                   CB_IO_TIMEOUT, 0);
    /* End of stream: nothing, and no error. */
    service_expect(service, close_handle(service, pair[0]), CB_NBIO_CLOSE, CB_IO_OK, 0);
    service_expect(service, recv_from(service, CB_LOOP_RECV, pair[1], 8, -1), CB_NBIO_RECV,
                   CB_IO_OK, 0);
    service_end(service);
}

static void test_close_cancels(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    connect_pair(service, pair);
    int64_t waiting = recv_from(service, CB_LOOP_RECV, pair[0], 8, -1);
    int64_t closing = close_handle(service, pair[0]);
    service_answer answer = service_ask(service, CB_LOOP_BOUND_PORT, pair[0]);
    char sentence[64];
    snprintf(sentence, sizeof sentence, "no socket %lld", (long long)pair[0]);
    CU_ASSERT_EQUAL(answer.status, CB_UNKNOWN);
    CU_ASSERT_STRING_EQUAL(answer.text, sentence);
    service_expect(service, waiting, CB_NBIO_RECV, CB_IO_CANCELED, 0);
    CU_ASSERT_EQUAL(service_expect(service, closing, CB_NBIO_CLOSE, CB_IO_OK, 0), pair[0]);
    /* A close that nobody waits for, and one that is removed: both close. */
    cb_loop_order order = about(pair[1], 0);
    order.callback = CB_LOOP_NO_CALLBACK;
    int64_t quiet = service_start(service, CB_LOOP_CLOSE, &order, NULL, NULL);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, quiet).status, CB_OK);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_BOUND_PORT, pair[1]).status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, -1).value, 1);
    service_end(service);
}

static void test_poll(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    connect_pair(service, pair);
    cb_loop_order order = about(pair[0], 0);
    order.flags = CB_POLL_READABLE;
    int64_t readable = service_start(service, CB_LOOP_POLL, &order, NULL, NULL);
    order.flags = CB_POLL_WRITABLE;
    int64_t writable = service_start(service, CB_LOOP_POLL, &order, NULL, NULL);
    service_expect(service, writable, CB_NBIO_POLL, CB_IO_OK, CB_POLL_WRITABLE);
    int64_t sent = send_text(service, pair[1], "x");
    service_event event = service_next(service);
    if (event.head.operation == sent) {
        service_over(service, &event);
        event = service_next(service);
        CU_ASSERT_EQUAL(event.head.operation, readable);
        CU_ASSERT_EQUAL(event.head.value, CB_POLL_READABLE);
        service_over(service, &event);
    } else {
        CU_ASSERT_EQUAL(event.head.operation, readable);
        service_over(service, &event);
        service_expect(service, sent, CB_NBIO_SEND, CB_IO_OK, 1);
    }
    order.flags = 8;
    CU_ASSERT_EQUAL(service_order(service, CB_LOOP_POLL, &order, NULL, NULL, 0).status, CB_INVALID);
    service_end(service);
}

static void test_datagrams(void)
{
    service_double *service = service_begin(NULL);
    cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    int64_t here = service_start(service, CB_LOOP_UDP_SOCKET, &order, LOCAL, NULL);
    int64_t there = service_start(service, CB_LOOP_UDP_SOCKET, &order, LOCAL, NULL);
    int32_t here_port = (int32_t)service_ask(service, CB_LOOP_BOUND_PORT, here).value;
    order = (cb_loop_order){.callback = 1,
                            .handle = here,
                            .port = (int32_t)service_ask(service, CB_LOOP_BOUND_PORT, there).value,
                            .timeout_ms = -1};
    static const char *const texts[] = {"hello", "", "larger than that"};
    static const cb_io_error errors[] = {CB_IO_OK, CB_IO_OK, CB_IO_TRUNCATED};
    for (size_t i = 0; i < 3; i++) {
        int64_t sent = service_start(service, CB_LOOP_SEND_TO, &order, LOCAL, texts[i]);
        service_expect(service, sent, CB_NBIO_SEND, CB_IO_OK, (int64_t)strlen(texts[i]));
        int64_t received = recv_from(service, CB_LOOP_RECV, there, 8, -1);
        service_event event = service_next(service);
        size_t size = strlen(texts[i]) < 8 ? strlen(texts[i]) : 8;
        cb_loop_peer peer;
        CU_ASSERT_EQUAL(event.head.operation, received);
        CU_ASSERT_EQUAL(event.head.kind, CB_LOOP_KIND_RECV_FROM);
        CU_ASSERT_EQUAL(event.head.error, (int32_t)errors[i]);
        CU_ASSERT_EQUAL(event.head.value, (int64_t)size);
        CU_ASSERT(cb_loop_peer_read(&peer, event.payload->data, event.payload->size));
        CU_ASSERT_EQUAL(peer.port, here_port);
        size_t offset = cb_loop_bytes_offset(event.head.kind);
        CU_ASSERT_EQUAL_FATAL(event.payload->size, offset + size);
        CU_ASSERT_EQUAL(memcmp(event.payload->data + offset, texts[i], size), 0);
        service_over(service, &event);
    }
    service_expect(service, send_text(service, here, "to nobody"), CB_NBIO_SEND,
                   CB_IO_ENDPOINT_REQUIRED, 0);
    service_end(service);
}

/* -- files -- */

static void test_files(void)
{
    service_double *service = service_begin(NULL);
    int64_t file = file_of(service, "a", CB_FILE_READ | CB_FILE_WRITE | CB_FILE_CREATE);
    cb_loop_order order = about(file, 0);
    order.offset = 2;
    int64_t op = service_start(service, CB_LOOP_WRITE, &order, NULL, "hello");
    service_expect(service, op, CB_NBIO_WRITE, CB_IO_OK, 5);
    order.size = 100;
    op = service_start(service, CB_LOOP_READ, &order, NULL, NULL);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, op);
    CU_ASSERT_EQUAL_FATAL(event.payload->size, CB_LOOP_EVENT_SIZE + 5);
    CU_ASSERT_EQUAL(memcmp(event.payload->data + CB_LOOP_EVENT_SIZE, "hello", 5), 0);
    service_over(service, &event);
    order.offset = 7;
    op = service_start(service, CB_LOOP_READ, &order, NULL, NULL);
    service_expect(service, op, CB_NBIO_READ, CB_IO_END_OF_FILE, 0);
    order.size = 0;
    op = service_start(service, CB_LOOP_READ, &order, NULL, NULL);
    service_expect(service, op, CB_NBIO_READ, CB_IO_INVALID, 0);
    op = service_start(service, CB_LOOP_STAT, &order, NULL, NULL);
    event = service_next(service);
    CU_ASSERT_EQUAL(event.head.value, 7);
    CU_ASSERT_EQUAL(event.payload->size, CB_LOOP_EVENT_SIZE + CB_LOOP_STAT_SIZE);
    CU_ASSERT_EQUAL(event.payload->data[CB_LOOP_EVENT_SIZE], CB_FILE_TYPE_REGULAR);
    service_over(service, &event);
    service_expect(service, close_handle(service, file), CB_NBIO_CLOSE, CB_IO_OK, 0);
    service_answer answer = service_order(service, CB_LOOP_READ, &order, NULL, NULL, 0);
    CU_ASSERT_EQUAL(answer.status, CB_UNKNOWN);
    CU_ASSERT_EQUAL(service_expect(service, open_file(service, "none", CB_FILE_READ), CB_NBIO_OPEN,
                                   CB_IO_NOT_FOUND, 0),
                    0);
    service_end(service);
}

static void put_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static int64_t by_path(service_double *service, cb_loop_command what, const char *name)
{
    char path[256];
    const cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return service_start(service, what, &order, path, NULL);
}

static void test_whole_files(void)
{
    service_double *service = service_begin(NULL);
    put_file("whole", "all of it");
    put_file("empty", "");
    int64_t op = by_path(service, CB_LOOP_READ_FILE, "whole");
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, op);
    CU_ASSERT_EQUAL(event.head.kind, CB_LOOP_KIND_READ_FILE);
    CU_ASSERT_EQUAL_FATAL(event.payload->size, CB_LOOP_EVENT_SIZE + 9);
    CU_ASSERT_EQUAL(memcmp(event.payload->data + CB_LOOP_EVENT_SIZE, "all of it", 9), 0);
    service_over(service, &event);
    op = by_path(service, CB_LOOP_READ_FILE, "empty");
    service_expect(service, op, CB_LOOP_KIND_READ_FILE, CB_IO_OK, 0);
    op = by_path(service, CB_LOOP_READ_FILE, "none");
    service_expect(service, op, CB_LOOP_KIND_READ_FILE, CB_IO_NOT_FOUND, CB_NBIO_OPEN);
    op = by_path(service, CB_LOOP_READ_FILE, ".");
    service_expect(service, op, CB_LOOP_KIND_READ_FILE, CB_IO_INVALID, CB_NBIO_STAT);
    op = by_path(service, CB_LOOP_STAT_PATH, "whole");
    service_expect(service, op, CB_NBIO_STAT, CB_IO_OK, 9);
    op = by_path(service, CB_LOOP_STAT_PATH, "none");
    service_expect(service, op, CB_NBIO_STAT, CB_IO_NOT_FOUND, 0);
    service_end(service);
}

static void test_sendfile(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    put_file("sent", "0123456789");
    connect_pair(service, pair);
    int64_t file = file_of(service, "sent", CB_FILE_READ);
    cb_loop_order order = about(pair[0], 4);
    order.file = file;
    order.offset = 3;
    int64_t op = service_start(service, CB_LOOP_SENDFILE, &order, NULL, NULL);
    service_expect(service, op, CB_NBIO_SENDFILE, CB_IO_OK, 4);
    order.size = CB_SEND_ENTIRE_FILE;
    op = service_start(service, CB_LOOP_SENDFILE, &order, NULL, NULL);
    service_expect(service, op, CB_NBIO_SENDFILE, CB_IO_OK, 7);
    order.size = 100;
    op = service_start(service, CB_LOOP_SENDFILE, &order, NULL, NULL);
    service_expect(service, op, CB_NBIO_SENDFILE, CB_IO_END_OF_FILE, 7);
    recv_from(service, CB_LOOP_RECV_ALL, pair[1], 18, -1);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL_FATAL(event.payload->size, CB_LOOP_EVENT_SIZE + 18);
    CU_ASSERT_EQUAL(memcmp(event.payload->data + CB_LOOP_EVENT_SIZE, "345634567893456789", 18), 0);
    service_over(service, &event);
    order.file = pair[1];
    CU_ASSERT_EQUAL(service_order(service, CB_LOOP_SENDFILE, &order, NULL, NULL, 0).status,
                    CB_UNKNOWN);
    service_end(service);
}

/* A file that is being sent is closed: what was still to go must not come from whatever gets the
 * descriptor next. */
static void test_sendfile_loses_its_file(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    char path[256];
    snprintf(path, sizeof path, "%s/huge", folder);
    int made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(ftruncate(made, 64 << 20), 0);
    CU_ASSERT_EQUAL(close(made), 0);
    connect_pair(service, pair);
    cb_loop_order order = about(pair[0], CB_SEND_ENTIRE_FILE);
    order.file = file_of(service, "huge", CB_FILE_READ);
    int64_t sending = service_start(service, CB_LOOP_SENDFILE, &order, NULL, NULL);
    int64_t closing = close_handle(service, order.file);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, sending);
    CU_ASSERT_EQUAL(event.head.error, CB_IO_CANCELED);
    CU_ASSERT(event.head.value < 64 << 20);
    service_over(service, &event);
    service_expect(service, closing, CB_NBIO_CLOSE, CB_IO_OK, 0);
    service_end(service);
}

/* -- what is refused -- */

typedef struct refusal {
    cb_loop_command what;
    cb_loop_order order;
    const char *text;
    cb_status status;
    const char *sentence;
} refusal;

static void test_refusals(void)
{
    static const refusal refusals[] = {
        {CB_LOOP_RECV, {.handle = 99}, NULL, CB_UNKNOWN, "no socket 99"},
        {CB_LOOP_RECV, {.handle = 0}, NULL, CB_UNKNOWN, "no socket 0"},
        {CB_LOOP_RECV, {.handle = -1}, NULL, CB_UNKNOWN, "no socket -1"},
        {CB_LOOP_READ, {.handle = 99}, NULL, CB_UNKNOWN, "no file 99"},
        {CB_LOOP_CLOSE, {.handle = 99}, NULL, CB_UNKNOWN, "no socket or file 99"},
        {CB_LOOP_READ, {.handle = 1}, NULL, CB_UNKNOWN, "1 is a socket and no file"},
        {CB_LOOP_SEND, {.handle = 2}, NULL, CB_UNKNOWN, "2 is a file and no socket"},
        {CB_LOOP_SEND_TO, {.handle = 1}, LOCAL, CB_UNKNOWN, "socket 1 is none for datagrams"},
        {CB_LOOP_SENDFILE, {.handle = 1, .file = 1}, NULL, CB_UNKNOWN, "1 is a socket and no file"},
        {CB_LOOP_RECV,
         {.handle = 1, .timeout_ms = -2},
         NULL,
         CB_INVALID,
         "timeoutMs is -2; it must be -1 or 0..2147483647"},
        {CB_LOOP_RECV,
         {.handle = 1, .size = -1},
         NULL,
         CB_INVALID,
         "size is -1; it must be 0..1073741760 (CALLBOARD_MAX_OBJECT)"},
        {CB_LOOP_RECV,
         {.handle = 1, .size = INT64_MAX},
         NULL,
         CB_INVALID,
         "size is 9223372036854775807; it must be 0..1073741760 (CALLBOARD_MAX_OBJECT)"},
        {CB_LOOP_READ,
         {.handle = 2, .offset = -1},
         NULL,
         CB_INVALID,
         "offset is -1; it must not be negative"},
        {CB_LOOP_TIMEOUT, {.size = -1}, NULL, CB_INVALID, "ms is -1; it must be 0..2147483647"},
        {CB_LOOP_SENDFILE,
         {.handle = 1, .file = 2, .size = -2},
         NULL,
         CB_INVALID,
         "size is -2; it must be -1 (all) or more"},
        {CB_LOOP_OPEN, {.flags = 512}, "x", CB_INVALID, "mode 512 is no sum of modes"},
        {CB_LOOP_OPEN, {.size = 512}, "x", CB_INVALID, "permissions are 512; they must be 0..511"},
        {CB_LOOP_POLL, {.handle = 1}, NULL, CB_INVALID, "events are 0; they must be 1..7"},
        {CB_LOOP_DIAL, {.port = 70000}, LOCAL, CB_INVALID, "port is 70000; it must be 0..65535"},
        {CB_LOOP_DIAL,
         {.port = 1},
         "localhost",
         CB_INVALID,
         "\"localhost\" is no IPv4 or IPv6 address"},
        {CB_LOOP_LISTEN,
         {.port = 1},
         LOCAL ":80",
         CB_INVALID,
         "\"" LOCAL ":80\" is no IPv4 or IPv6 address"},
        {CB_LOOP_UDP_SOCKET, {.port = -1}, LOCAL, CB_INVALID, "port is -1; it must be 0..65535"},
        {CB_LOOP_OPEN, {.size = 0}, NULL, CB_FORMAT, "malformed command"},
    };
    service_double *service = service_begin(NULL);
    cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    CU_ASSERT_EQUAL(service_start(service, CB_LOOP_LISTEN, &order, LOCAL, NULL), 1);
    CU_ASSERT_EQUAL(file_of(service, "f", CB_FILE_WRITE | CB_FILE_CREATE), 2);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *row = &refusals[i];
        service_answer answer = service_order(service, row->what, &row->order, row->text, NULL, 0);
        CU_ASSERT_EQUAL(answer.status, row->status);
        CU_ASSERT_STRING_EQUAL(answer.text, row->sentence);
        if (strcmp(answer.text, row->sentence) != 0)
            printf("    row %zu: %s\n", i, answer.text);
    }
    /* Nothing was kept of them. */
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).value, 0);
    CU_ASSERT_EQUAL(timeout(service, 0, 1), 2);
    service_end(service);
}

static void test_malformed_commands(void)
{
    service_double *service = service_begin(NULL);
    /* Without an order, and with a text whose size is a lie or that has no end. */
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RECV, 0).status, CB_FORMAT);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_LISTEN, 0).status, CB_FORMAT);
    for (uint32_t size = 1; size < 12; size += 5) {
        cb_buffer *payload = cb_buffer_new(CB_LOOP_ORDER_SIZE + 4, 0);
        const cb_loop_order order = {.text_size = size};
        CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
        cb_loop_order_write(&order, payload->data);
        memcpy(payload->data + CB_LOOP_ORDER_SIZE, "abcd", 4);
        cb_message message = {
            .kind = CB_MSG_ORDER, .status = CB_LOOP_OPEN, .payload = cb_payload_handle(payload)};
        cb_message answer;
        service_send(service, &message);
        CU_ASSERT_FATAL(service_receive(service, &answer));
        CU_ASSERT_EQUAL(answer.status, CB_FORMAT);
        cb_buffer_release(cb_message_payload(&answer));
    }
    CU_ASSERT_EQUAL(service_ask(service, (cb_loop_command)1, 0).status, CB_UNSUPPORTED);
    CU_ASSERT_EQUAL(service_ask(service, (cb_loop_command)81, 0).status, CB_UNSUPPORTED);
    CU_ASSERT_EQUAL(service_ask(service, (cb_loop_command)-5, 0).status, CB_UNSUPPORTED);
    service_end(service);
}

/* -- limits -- */

static void test_limit_of_operations(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_loop_ops = 3;
    service_double *service = service_begin(&limits);
    const cb_loop_order order = {.callback = 1, .size = 0, .timeout_ms = -1};
    for (int i = 0; i < 3; i++)
        timeout(service, 0, 1);
    service_event event = service_next(service);
    service_answer answer = service_order(service, CB_LOOP_TIMEOUT, &order, NULL, NULL, 0);
    CU_ASSERT_EQUAL(answer.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(answer.text, "too many operations (CALLBOARD_MAX_LOOP_OPS)");
    service_over(service, &event);
    service_expect(service, 2, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    CU_ASSERT_EQUAL(timeout(service, 0, 1), 4);
    service_end(service);
}

static void test_limit_of_bytes(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_loop_bytes = 4096;
    service_double *service = service_begin(&limits);
    int64_t pair[2];
    char path[256];
    connect_pair(service, pair);
    cb_loop_order order = about(pair[0], 4000);
    int64_t held = service_start(service, CB_LOOP_RECV, &order, NULL, NULL);
    order.size = 100;
    service_answer answer = service_order(service, CB_LOOP_RECV, &order, NULL, NULL, 0);
    CU_ASSERT_EQUAL(answer.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(answer.text, "too many bytes in operations (CALLBOARD_MAX_LOOP_BYTES)");
    order.size = 0;
    answer =
        service_order(service, CB_LOOP_SEND, &order, NULL, limits.max_loop_ops ? path : "", 97);
    CU_ASSERT_EQUAL(answer.status, CB_LIMIT);
    /* The same for a file, whose size is known only later. */
    snprintf(path, sizeof path, "%s/long", folder);
    int made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(ftruncate(made, 97), 0);
    CU_ASSERT_EQUAL(close(made), 0);
    service_expect(service, by_path(service, CB_LOOP_READ_FILE, "long"), CB_LOOP_KIND_READ_FILE,
                   CB_IO_NO_MEMORY, CB_NBIO_STAT);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_REMOVE, held).status, CB_OK);
    service_expect(service, by_path(service, CB_LOOP_READ_FILE, "long"), CB_LOOP_KIND_READ_FILE,
                   CB_IO_OK, 97);
    order.size = 4096;
    service_start(service, CB_LOOP_RECV, &order, NULL, NULL);
    service_end(service);
}

static void test_limit_of_handles(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_loop_handles = 3;
    service_double *service = service_begin(&limits);
    cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    int64_t listener = service_start(service, CB_LOOP_LISTEN, &order, LOCAL, NULL);
    order.port = (int32_t)service_ask(service, CB_LOOP_BOUND_PORT, listener).value;
    cb_loop_order accept = about(listener, 0);
    int64_t accepting = service_start(service, CB_LOOP_ACCEPT, &accept, NULL, NULL);
    int64_t dialling = service_start(service, CB_LOOP_DIAL, &order, LOCAL, NULL);
    service_answer answer = service_order(service, CB_LOOP_DIAL, &order, LOCAL, NULL, 0);
    CU_ASSERT_EQUAL(answer.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(answer.text, "too many sockets and files (CALLBOARD_MAX_LOOP_HANDLES)");
    CU_ASSERT_EQUAL(service_order(service, CB_LOOP_UDP_SOCKET, &accept, LOCAL, NULL, 0).status,
                    CB_LIMIT);
    int64_t found[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        service_event event = service_next(service);
        CU_ASSERT(event.head.operation == accepting || event.head.operation == dialling);
        found[i] = event.head.handle;
        service_over(service, &event);
    }
    CU_ASSERT_EQUAL(service_order(service, CB_LOOP_DIAL, &order, LOCAL, NULL, 0).status, CB_LIMIT);
    service_expect(service, close_handle(service, found[0]), CB_NBIO_CLOSE, CB_IO_OK, 0);
    /* A failed one gives its place back. */
    order.port = 0;
    for (int i = 0; i < 3; i++)
        service_expect(service, service_start(service, CB_LOOP_DIAL, &order, LOCAL, NULL),
                       CB_NBIO_DIAL, CB_IO_PORT_REQUIRED, 0);
    CU_ASSERT_EQUAL(service_start(service, CB_LOOP_UDP_SOCKET, &order, LOCAL, NULL), 4);
    service_end(service);
}

/* -- waiting and the end -- */

static void test_run(void)
{
    service_double *service = service_begin(NULL);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, -1).value, 1);
    timeout(service, 5, 1);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, 0).value, 0);
    cb_message run = {.kind = CB_MSG_ORDER, .status = CB_LOOP_RUN, .value = -1, .job = 77};
    cb_message got;
    service_send(service, &run);
    service_event event = service_next(service);
    service_expect_silence(service); /* the last callback is not over */
    service_over(service, &event);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.kind, CB_MSG_ORDER_DONE);
    CU_ASSERT_EQUAL(got.job, 77);
    CU_ASSERT_EQUAL(got.value, 1);
    int64_t never = timeout(service, 1000000, 1);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, 5).value, 0);
    run.job = 78;
    service_send(service, &run);
    CU_ASSERT_EQUAL(service->next, service->count);
    /* Removing the last operation is its end too. */
    cb_message remove = {.kind = CB_MSG_ORDER, .status = CB_LOOP_REMOVE, .value = never, .job = 79};
    service_send(service, &remove);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.job, 79);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.job, 78);
    CU_ASSERT_EQUAL(got.value, 1);
    service_end(service);
}

/* Whoever waited is gone: neither its time nor the last operation's end says anything to it. */
static void test_run_canceled(void)
{
    service_double *service = service_begin(NULL);
    int64_t never = timeout(service, 1000000, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        cb_message run = {.kind = CB_MSG_ORDER,
                          .status = CB_LOOP_RUN,
                          .value = i % 2 == 0 ? -1 : 5,
                          .job = 1000 + i};
        service_send(service, &run);
        service_send(service, &(cb_message){.kind = CB_MSG_CANCEL_ORDER, .job = 1000 + i});
    }
    cb_message stays = {.kind = CB_MSG_ORDER, .status = CB_LOOP_RUN, .value = -1, .job = 77};
    service_send(service, &stays);
    service_send(service, &(cb_message){.kind = CB_MSG_CANCEL_ORDER, .job = 78}); /* nobody's */
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, 20).value, 0); /* longer than those had */
    cb_message got;
    cb_message remove = {.kind = CB_MSG_ORDER, .status = CB_LOOP_REMOVE, .value = never, .job = 79};
    service_send(service, &remove);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.job, 79);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT(got.job == 77 && got.value == 1);
    service_expect_silence(service);
    service_end(service);
}

/* Pending ones go, done ones are told, and those that ask afterwards are answered. */
static void test_stop(void)
{
    service_double *service = service_begin(NULL);
    int64_t pair[2];
    connect_pair(service, pair);
    timeout(service, 1000000, 1);
    recv_from(service, CB_LOOP_RECV, pair[0], 10, -1);
    int64_t first = timeout(service, 0, 1);
    int64_t second = timeout(service, 0, 1);
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, first);
    /* So that the second one is done before the stop: timers of one deadline go in order. */
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, 1).value, 0);
    cb_message run = {.kind = CB_MSG_ORDER, .status = CB_LOOP_RUN, .value = -1, .job = 77};
    cb_message got;
    service_send(service, &run);
    service_send(service, &(cb_message){.kind = CB_MSG_STOP_ACCEPTING});
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.job, 77);
    CU_ASSERT_EQUAL(got.value, 0);
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).value, 2);
    /* What is started now is either on its way out, or forgotten. */
    CU_ASSERT(timeout(service, 0, 1) > second);
    CU_ASSERT(send_text(service, pair[0], "last words") > second);
    service_over(service, &event);
    service_expect(service, second, CB_NBIO_TIMEOUT, CB_IO_OK, 0);
    CU_ASSERT_FATAL(service_receive(service, &got));
    CU_ASSERT_EQUAL(got.kind, CB_MSG_ROUTE_STOPPED);
    service->records[0] = got; /* for the end, which waits for it */
    service->next = 0;
    service->count = 1;
    service_end(service);
}

static void test_stop_does_not_wait_for_a_peer(void)
{
    cb_limits limits = cb_limits_default();
    limits.grace_ms = 20;
    service_double *service = service_begin(&limits);
    int64_t pair[2];
    connect_pair(service, pair);
    static char much[16 << 20];
    memset(much, 'x', sizeof much - 1);
    send_text(service, pair[0], much); /* nobody reads it */
    service_end(service);
}

static void test_dropped_event_closes_what_it_made(void)
{
    service_double *service = service_begin(NULL);
    cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    int64_t listener = service_start(service, CB_LOOP_LISTEN, &order, LOCAL, NULL);
    order.port = (int32_t)service_ask(service, CB_LOOP_BOUND_PORT, listener).value;
    service_start(service, CB_LOOP_DIAL, &order, LOCAL, NULL);
    service_event event = service_next(service);
    int64_t socket = event.head.handle;
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_BOUND_PORT, socket).status, CB_OK);
    cb_buffer_release(event.payload);
    service_send(service, &(cb_message){.kind = CB_MSG_DROP, .status = CB_JOB_OVERLOADED});
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_BOUND_PORT, socket).status, CB_UNKNOWN);
    /* A callback that failed may have passed the number on. */
    service_start(service, CB_LOOP_DIAL, &order, LOCAL, NULL);
    event = service_next(service);
    cb_buffer_release(event.payload);
    service_send(service, &(cb_message){.kind = CB_MSG_DROP, .status = CB_JOB_CALLBACK_FAILED});
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_BOUND_PORT, event.head.handle).status, CB_OK);
    service_end(service);
}

/* -- many -- */

/* Starts a timer and removes it with the next message; whether its event came all the same. */
static bool race(service_double *service, int64_t op)
{
    const cb_loop_order order = {.callback = 1, .timeout_ms = -1};
    cb_buffer *payload = cb_buffer_new(CB_LOOP_ORDER_SIZE, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
    cb_loop_order_write(&order, payload->data);
    cb_message start = {.kind = CB_MSG_ORDER,
                        .status = CB_LOOP_TIMEOUT,
                        .job = 1,
                        .payload = cb_payload_handle(payload)};
    cb_message remove = {.kind = CB_MSG_ORDER, .status = CB_LOOP_REMOVE, .job = 2, .value = op};
    bool told = false;
    cb_message got = {.kind = 0};
    service_send(service, &start);
    for (int64_t i = 0; i < op % 16 * 100; i++)
        (void)cb_now_ns(); /* so that the actor has come more or less far */
    service_send(service, &remove);
    while (got.job != 2 && service_receive(service, &got)) {
        if (got.kind == CB_MSG_REQUEST_READY) {
            told = true;
            cb_buffer_release(cb_message_payload(&got));
            service_send(service, &(cb_message){.kind = CB_MSG_RESPOND});
        } else {
            CU_ASSERT_EQUAL(got.kind, CB_MSG_ORDER_DONE);
            CU_ASSERT_EQUAL(got.status, CB_OK);
        }
    }
    return told;
}

/* An operation that is removed while it completes: it is told, or it is gone. */
static void test_removal_races(void)
{
    service_double *service = service_begin(NULL);
    int told = 0;
    for (int64_t op = 1; op <= 4000; op++) {
        told += race(service, op);
        CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_RUN, -1).value, 1);
        CU_ASSERT_EQUAL(service->early.kind, 0);
    }
    printf("    %d of 4000 were faster than their removal\n", told);
    service_end(service);
}

/* Of actors/io/loop.h, whose names are not those of the service. */
extern void *(*cb_io_realloc_hook)(void *memory, size_t size);

static void *no_memory(void *memory, size_t size)
{
    (void)memory;
    (void)size;
    return NULL;
}

/* Ops are taken until there are none left; then a descriptor is closed without one. */
static void test_descriptors_are_closed_without_memory(void)
{
    cb_loop *loop = NULL;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(cb_loop_acquire(&loop, NULL), CB_OK);
    cb_op *waits = cb_poll(loop, file, CB_POLL_READABLE, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL(waits);
    cb_io_realloc_hook = no_memory;
    while (cb_prep_next_tick(loop, NULL) != NULL) {
    }
    cb_descriptor_drop(loop, file);
    CU_ASSERT(fcntl(file, F_GETFD) < 0);
    cb_io_realloc_hook = NULL;
    cb_loop_release(&loop);
}

static CU_pSuite add_suite(const char *name, CU_InitializeFunc init)
{
    CU_pSuite suite = CU_add_suite(name, init, NULL);
    CU_ADD_TEST(suite, test_timers_in_order);
    CU_ADD_TEST(suite, test_one_event_at_a_time);
    CU_ADD_TEST(suite, test_removal_is_final);
    CU_ADD_TEST(suite, test_stream);
    CU_ADD_TEST(suite, test_close_cancels);
    CU_ADD_TEST(suite, test_poll);
    CU_ADD_TEST(suite, test_datagrams);
    CU_ADD_TEST(suite, test_files);
    CU_ADD_TEST(suite, test_whole_files);
    CU_ADD_TEST(suite, test_sendfile);
    CU_ADD_TEST(suite, test_sendfile_loses_its_file);
    CU_ADD_TEST(suite, test_refusals);
    CU_ADD_TEST(suite, test_malformed_commands);
    CU_ADD_TEST(suite, test_limit_of_operations);
    CU_ADD_TEST(suite, test_limit_of_bytes);
    CU_ADD_TEST(suite, test_limit_of_handles);
    CU_ADD_TEST(suite, test_run);
    CU_ADD_TEST(suite, test_run_canceled);
    CU_ADD_TEST(suite, test_stop);
    CU_ADD_TEST(suite, test_stop_does_not_wait_for_a_peer);
    CU_ADD_TEST(suite, test_dropped_event_closes_what_it_made);
    CU_ADD_TEST(suite, test_removal_races);
    CU_ADD_TEST(suite, test_descriptors_are_closed_without_memory);
    return suite;
}

static int on_epoll(void)
{
    return setenv("CALLBOARD_LOOP", "epoll", 1);
}

static int on_what_serves(void)
{
    return unsetenv("CALLBOARD_LOOP");
}

int main(void)
{
    char command[64];
    if (CU_initialize_registry() != CUE_SUCCESS || mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    add_suite("the scripts' event loop", on_what_serves);
    add_suite("the scripts' event loop on epoll", on_epoll);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        failures++;
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
