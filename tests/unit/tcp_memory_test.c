/* TCP sockets when memory runs out: every allocation fails in turn, once and for good; there is an
 * error or an event each time, nothing crashes, and nothing is left behind. */
#include "actors/io/loop.h"
#include "actors/io/tcp/inside.h"
#include "tests/unit/tcp_support.h"
#include "tests/unit/tls_toy.h"

static int countdown; /* allocations until one fails */
static bool for_good; /* and all after it */
static bool has_failed;

static bool fails_now(void)
{
    if (countdown > 1) {
        countdown--;
        return false;
    }
    if (countdown == 0 && !for_good)
        return false;
    countdown = 0;
    has_failed = true;
    return true;
}

static void *scarce_malloc(size_t size)
{
    return fails_now() ? NULL : malloc(size);
}

static void *scarce_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : realloc(memory, size);
}

static int closes, opened, errors;

static void on_connect(cb_tcp_socket *socket)
{
    (void)socket;
    opened++;
}

static void on_close(cb_tcp_socket *socket)
{
    (void)socket;
    closes++;
}

static void on_event(const cb_tcp_event *event)
{
    if (cb_tcp_kind_is(event->kind, CB_TCP_ERROR))
        errors++;
    else if (event->kind == CB_TCP_EOF && !cb_tcp_closed(event->socket))
        (void)cb_tcp_close(event->socket, NULL);
}

/* Echoes once, then closes. */
static void on_readable(cb_tcp_socket *socket, cb_stream *stream)
{
    uint8_t bytes[5000];
    size_t size = cb_stream_read(stream, bytes, sizeof bytes);
    if (size > 0 && !cb_tcp_closed(socket))
        (void)cb_stream_write(stream, bytes, size, NULL);
}

static int find_loopback(const char *host, uint16_t port, cb_endpoint *into, size_t *count)
{
    (void)host;
    into[0] = cb_endpoint_loopback(CB_FAMILY_IP4, port);
    *count = 1;
    return 0;
}

/* Opens a server and three clients, writes, and closes all. */
static void exchange(cb_loop *loop, cb_tls_context *server_context, cb_tls_context *client_context)
{
    static uint8_t much[9000];
    cb_tcp_callbacks callbacks = {
        .readable = on_readable, .event = on_event, .connect = on_connect, .close = on_close};
    cb_tcp_options options = {.stream = true, .read_timeout = 5, .write_timeout = 5};
    cb_tcp_options tls = options;
    cb_tcp_server *servers[2] = {NULL, NULL};
    cb_tcp_socket *clients[3] = {NULL, NULL, NULL};
    (void)cb_tcp_server_open(loop, NULL, 0, &callbacks, &options, NULL, &servers[0], NULL);
    tls.tls = (cb_tcp_tls){.provider = &toy, .context = server_context};
    (void)cb_tcp_server_open(loop, NULL, 0, &callbacks, &tls, NULL, &servers[1], NULL);
    tls.tls.context = client_context;
    if (servers[0] != NULL) {
        uint16_t port = cb_tcp_server_port(servers[0]);
        (void)cb_tcp_connect(loop, "127.0.0.1", port, &callbacks, &options, NULL, &clients[0],
                             NULL);
        (void)cb_tcp_connect(loop, "somewhere", port, &callbacks, &options, NULL, &clients[1],
                             NULL);
    }
    if (servers[1] != NULL)
        (void)cb_tcp_connect(loop, "127.0.0.1", cb_tcp_server_port(servers[1]), &callbacks, &tls,
                             NULL, &clients[2], NULL);
    for (int i = 0; i < 3; i++)
        if (clients[i] != NULL) {
            cb_tcp_callbacks once = {.close = on_close};
            (void)cb_tcp_write(clients[i], much, sizeof much, &once, NULL);
            (void)cb_tcp_set_timeouts(clients[i], 1, 1, NULL);
            (void)cb_tcp_close(clients[i], NULL);
        }
    double end = now_s() + 0.02;
    while (now_s() < end)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    cb_tcp_server_close(&servers[0]);
    cb_tcp_server_close(&servers[1]);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
}

#define MUCH 200000

static int sent_back;     /* bytes that came back to the client */
static double patience_s; /* what a talk waits for bytes that may never come */

static void echo(cb_tcp_socket *socket, const void *data, size_t size)
{
    if (cb_tcp_user(socket) != NULL)
        sent_back += (int)size;
    else if (!cb_tcp_closed(socket))
        (void)cb_tcp_write(socket, data, size, NULL, NULL);
}

/* The program may lack the memory for an echo; then it gives up. */
static void on_talk(const cb_tcp_event *event)
{
    if (cb_tcp_kind_is(event->kind, CB_TCP_ERROR))
        errors++;
    else if (event->kind == CB_TCP_EOF && !cb_tcp_closed(event->socket))
        (void)cb_tcp_close(event->socket, NULL);
}

/* Much each way in pieces that are not copied, small rooms and large ones, a half-close, a pause, a
 * reset; over a server that is paused and goes on. */
static void talk(cb_loop *loop, cb_tls_context *server_context, cb_tls_context *client_context)
{
    (void)server_context;
    (void)client_context;
    cb_tcp_callbacks callbacks = {
        .read = echo, .event = on_talk, .connect = on_connect, .close = on_close};
    cb_tcp_options options = {.read_timeout = patience_s, .write_watermark = 4 * MUCH};
    cb_tcp_server *server = NULL;
    cb_tcp_socket *clients[3] = {NULL, NULL, NULL};
    int user = 0;
    sent_back = 0;
    cb_buffer *buffer = cb_buffer_new(MUCH, MUCH);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    memset(buffer->data, 'x', MUCH);
    if (cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, &options, NULL, &server, NULL) ==
        CB_OK) {
        cb_tcp_server_pause(server);
        for (int i = 0; i < 3; i++) {
            options.keep_unread = i == 1;
            (void)cb_tcp_connect(loop, "127.0.0.1", cb_tcp_server_port(server), &callbacks,
                                 &options, &user, &clients[i], NULL);
        }
        cb_tcp_server_resume(server);
    }
    int expected = closes;
    for (int i = 0; i < 3; i++)
        if (clients[i] != NULL) {
            expected++;
            (void)cb_tcp_write_buffer(clients[i], buffer, 1000, MUCH - 1000, NULL);
            (void)cb_tcp_write(clients[i], "rest", 4, NULL, NULL);
            if (i == 2)
                (void)cb_tcp_abort(clients[i], NULL);
            else
                (void)cb_tcp_end_writing(clients[i], NULL);
        }
    cb_buffer_release(buffer);
    /* Every socket has a read limit, so all of them end. */
    double end = now_s() + 60;
    while (closes < expected && now_s() < end)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 10 * MS, NULL), CB_OK);
    CU_ASSERT(closes >= expected);
    cb_tcp_server_close(&server);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
}

typedef void work_function(cb_loop *loop, cb_tls_context *server_context,
                           cb_tls_context *client_context);

static bool run_with_failure(work_function *work, int nth, bool good)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_tls_context *server_context = toy_context(true, "127.0.0.1", false);
    cb_tls_context *client_context = toy_context(false, "", false);
    closes = opened = errors = 0;
    has_failed = false;
    countdown = nth;
    for_good = good && nth > 0;
    cb_tcp_malloc_hook = scarce_malloc;
    cb_io_realloc_hook = scarce_realloc;
    work(loop, server_context, client_context);
    bool failed = has_failed;
    cb_loop_release(&loop);
    cb_tcp_malloc_hook = NULL;
    cb_io_realloc_hook = NULL;
    toy_release(server_context);
    toy_release(client_context);
    CU_ASSERT_EQUAL(toy_contexts, 0);
    CU_ASSERT_EQUAL(toy_sessions, 0);
    CU_ASSERT_EQUAL(open_descriptors(), before);
    return failed;
}

static void in_turn(work_function *work, bool good)
{
    int nth = 1;
    cb_lookup_hook = find_loopback;
    patience_s = 0.05;
    while (nth < 500 && run_with_failure(work, nth, good))
        nth++;
    CU_ASSERT(nth > 10 && nth < 500);
    /* With memory for all of it and all the time it wants, a talk comes to its end. */
    patience_s = 60;
    CU_ASSERT_FALSE(run_with_failure(work, 0, good));
    CU_ASSERT(work != talk || sent_back >= 2 * (MUCH - 996));
    cb_lookup_hook = NULL;
}

static void each_allocation_may_fail_once(void)
{
    in_turn(exchange, false);
}

static void all_allocations_may_fail_from_one_on(void)
{
    in_turn(exchange, true);
}

static void each_allocation_of_a_talk_may_fail_once(void)
{
    in_turn(talk, false);
}

static void all_allocations_of_a_talk_may_fail_from_one_on(void)
{
    in_turn(talk, true);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(each_allocation_may_fail_once),
        TEST(all_allocations_may_fail_from_one_on),
        TEST(each_allocation_of_a_talk_may_fail_once),
        TEST(all_allocations_of_a_talk_may_fail_from_one_on),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp memory", tests);
}
