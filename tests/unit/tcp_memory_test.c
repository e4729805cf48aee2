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

static bool run_with_failure(int nth, bool good)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_tls_context *server_context = toy_context(true, "127.0.0.1", false);
    cb_tls_context *client_context = toy_context(false, "", false);
    closes = opened = errors = 0;
    has_failed = false;
    countdown = nth;
    for_good = good;
    cb_tcp_malloc_hook = scarce_malloc;
    cb_io_realloc_hook = scarce_realloc;
    exchange(loop, server_context, client_context);
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

static void in_turn(bool good)
{
    int nth = 1;
    cb_lookup_hook = find_loopback;
    while (run_with_failure(nth, good) && nth < 500)
        nth++;
    CU_ASSERT(nth > 10 && nth < 500);
    cb_lookup_hook = NULL;
}

static void each_allocation_may_fail_once(void)
{
    in_turn(false);
}

static void all_allocations_may_fail_from_one_on(void)
{
    in_turn(true);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(each_allocation_may_fail_once),
        TEST(all_allocations_may_fail_from_one_on),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp memory", tests);
}
