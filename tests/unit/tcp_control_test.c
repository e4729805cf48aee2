/* TCP sockets: time limits, switching directions off and on, watermarks, streams, 10,000 at once.
 */
#include <sys/resource.h>

#include "tests/unit/tcp_support.h"

/* -- time limits ------------------------------------------------------------------------------ */

static void silence_ends_a_socket_with_a_time_limit(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_set_timeouts(client.socket, 0.05, 0, NULL));
    double start = now_s();
    UNTIL(client.closes == 1);
    CU_ASSERT(now_s() - start >= 0.05);
    CU_ASSERT_EQUAL(client.errors, 1);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_TIMEOUT);
    CU_ASSERT(client.was_closed);
    close_sides(loop, &client, &server_side);
}

static void a_limit_restarts_at_every_byte_and_can_be_set_again(void)
{
    const double limit = SLOW ? 2 : 0.3;
    side client = {0}, server_side = {0};
    cb_tcp_options options = {.read_timeout = 60};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    CALL(cb_tcp_set_timeouts(client.socket, limit, 0, NULL));
    const double start = now_s();
    double last = start;
    double stalled = 0; /* both sides, when the machine leaves this process no time */
    for (size_t i = 0; last - start < 2.5 * limit && stalled < limit / 2; i++) {
        put(&server_side, "x");
        UNTIL(now_s() > last + 0.02 && (client.size > i || client.errors > 0));
        stalled = now_s() - last;
        last = now_s();
    }
    if (stalled < limit / 2) {
        CU_ASSERT_EQUAL(client.errors, 0);
        CALL(cb_tcp_set_timeouts(client.socket, 0, 0, NULL));
        CALL(cb_tcp_set_timeouts(client.socket, 0.02, -1, NULL));
        UNTIL(client.closes == 1);
        CU_ASSERT_EQUAL(client.kind, CB_TCP_TIMEOUT);
    }
    close_sides(loop, &client, &server_side);
}

static uint8_t filling[1u << 20];

static void shrink(cb_tcp_socket *socket)
{
    int size = 4096;
    CU_ASSERT_EQUAL(
        setsockopt(cb_tcp_descriptor(socket), SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

/* Writes until the watermark; returns how much. */
static size_t fill(side *self, size_t piece)
{
    size_t total = 0;
    while (cb_tcp_write(self->socket, filling, piece, NULL, NULL) == CB_OK)
        total += piece;
    return total;
}

static void a_reader_that_stops_makes_the_write_limit_strike(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_disable(server_side.socket, true, false, NULL));
    CALL(cb_tcp_set_timeouts(client.socket, 0, 0.05, NULL));
    while (client.errors == 0) {
        if (!cb_tcp_closed(client.socket))
            fill(&client, 65536);
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 10 * MS, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(client.kind, CB_TCP_TIMEOUT);
    UNTIL(client.closes == 1);
    close_sides(loop, &client, &server_side);
}

static void without_anything_to_write_the_write_limit_rests(void)
{
    side client = {0}, server_side = {0};
    cb_tcp_options options = {.write_timeout = 0.03};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    put(&client, "once");
    UNTIL(server_side.size == 4);
    double end = now_s() + 0.1;
    UNTIL(now_s() > end);
    CU_ASSERT_EQUAL(client.errors, 0);
    close_sides(loop, &client, &server_side);
}

/* -- off and on ------------------------------------------------------------------------------- */

static void while_reading_is_off_nothing_is_told(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_set_timeouts(client.socket, 0.03, 0, NULL));
    CALL(cb_tcp_disable(client.socket, true, false, NULL));
    put(&server_side, "kept ");
    UNTIL(server_side.writes == 1);
    put(&server_side, "back");
    CALL(cb_tcp_close(server_side.socket, NULL));
    double end = now_s() + 0.1;
    UNTIL(now_s() > end);
    CU_ASSERT_EQUAL(client.reads + client.eofs + client.errors, 0);
    CALL(cb_tcp_enable(client.socket, true, false, NULL));
    CU_ASSERT_EQUAL(client.reads, 0);
    UNTIL(client.eofs == 1);
    CU_ASSERT(got(&client, "kept back"));
    CU_ASSERT_EQUAL(client.errors, 0);
    close_sides(loop, &client, &server_side);
}

static void while_reading_is_off_the_peer_has_to_wait(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_disable(server_side.socket, true, false, NULL));
    size_t total = 0;
    int still = 0;
    while (still < 20) {
        size_t more = fill(&client, 65536);
        total += more;
        still = more == 0 ? still + 1 : 0;
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 2 * MS, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(server_side.reads, 0);
    CU_ASSERT(cb_tcp_buffered(client.socket) > 0);
    CALL(cb_tcp_enable(server_side.socket, true, false, NULL));
    UNTIL(server_side.size == total);
    close_sides(loop, &client, &server_side);
}

static void while_writing_is_off_nothing_leaves(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_set_timeouts(client.socket, 0, 0.03, NULL));
    CALL(cb_tcp_disable(client.socket, false, true, NULL));
    put(&client, "later");
    double end = now_s() + 0.1;
    UNTIL(now_s() > end);
    CU_ASSERT_EQUAL(server_side.reads + client.writes + client.errors, 0);
    CU_ASSERT_EQUAL(cb_tcp_buffered(client.socket), 5);
    CALL(cb_tcp_enable(client.socket, false, true, NULL));
    UNTIL(got(&server_side, "later") && client.writes == 1);
    CALL(cb_tcp_disable(client.socket, false, true, NULL));
    put(&client, " and last");
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(server_side.eofs == 1);
    CU_ASSERT(got(&server_side, "later and last"));
    close_sides(loop, &client, &server_side);
}

static void stop_reading(side *self)
{
    if (self->reads == 1)
        CALL(cb_tcp_disable(self->socket, true, false, NULL));
}

static void reading_can_be_switched_off_in_its_callback(void)
{
    side client = {.on_read = stop_reading}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    put(&server_side, "one");
    UNTIL(client.reads == 1);
    put(&server_side, "two");
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 2 * MS, NULL), CB_OK);
    CU_ASSERT_EQUAL(client.reads, 1);
    CALL(cb_tcp_enable(client.socket, true, false, NULL));
    UNTIL(got(&client, "onetwo"));
    close_sides(loop, &client, &server_side);
}

/* -- watermarks ------------------------------------------------------------------------------- */

static void a_write_over_the_watermark_is_refused_and_a_drain_follows(void)
{
    side client = {0}, server_side = {0};
    cb_tcp_options options = {.write_watermark = 10000};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    cb_error error;
    CALL(cb_tcp_write(client.socket, filling, 9000, NULL, NULL));
    REFUSED(cb_tcp_write(client.socket, filling, 1001, NULL, &error), CB_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "would exceed"));
    CU_ASSERT_EQUAL(cb_tcp_buffered(client.socket), 9000);
    CALL(cb_tcp_write(client.socket, filling, 1000, NULL, NULL));
    CU_ASSERT_EQUAL(client.drains, 0);
    UNTIL(client.drains == 1);
    UNTIL(server_side.size == 10000);
    /* One that is larger alone is taken when nothing waits. */
    UNTIL(cb_tcp_buffered(client.socket) == 0);
    CALL(cb_tcp_write(client.socket, filling, 50000, NULL, NULL));
    UNTIL(server_side.size == 60000);
    CU_ASSERT_EQUAL(client.drains, 1);
    close_sides(loop, &client, &server_side);
}

static void a_reader_that_stops_holds_memory_under_the_watermark(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    shrink(client.socket);
    CALL(cb_tcp_disable(server_side.socket, true, false, NULL));
    size_t total = 0, highest = 0;
    for (int i = 0; i < 200; i++) {
        total += fill(&client, 10007);
        if (cb_tcp_buffered(client.socket) > highest)
            highest = cb_tcp_buffered(client.socket);
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    }
    CU_ASSERT(highest <= 1u << 20 && highest > (1u << 20) - 10007);
    CALL(cb_tcp_enable(server_side.socket, true, false, NULL));
    UNTIL(server_side.size == total && client.drains > 0);
    close_sides(loop, &client, &server_side);
}

/* -- streams ---------------------------------------------------------------------------------- */

static cb_stream *told_stream;
static int told_count;

static void note_readable(cb_tcp_socket *socket, cb_stream *stream)
{
    CU_ASSERT_PTR_EQUAL(cb_stream_socket(stream), socket);
    CU_ASSERT_PTR_EQUAL(cb_tcp_stream(socket), stream);
    CU_ASSERT(cb_stream_available(stream) > 0);
    told_stream = stream;
    told_count++;
}

static void bytes_wait_in_a_stream_until_they_are_read(void)
{
    side client = {0}, server_side = {0};
    cb_tcp_options options = {.stream = true, .read_watermark = 100000};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    cb_tcp_callbacks replace = {.readable = note_readable};
    told_count = 0;
    CALL(cb_tcp_write(server_side.socket, NULL, 0, &replace, NULL));
    CALL(cb_stream_write(cb_tcp_stream(client.socket), "0123456789", 10, NULL));
    UNTIL(told_count == 1);
    char room[20] = {0};
    size_t size;
    CU_ASSERT_EQUAL(cb_stream_read(told_stream, room, 4), 4);
    CU_ASSERT_EQUAL(memcmp(room, "0123", 4), 0);
    CU_ASSERT_EQUAL(cb_stream_available(told_stream), 6);
    CU_ASSERT_EQUAL(memcmp(cb_stream_peek(told_stream, &size), "456789", 6), 0);
    CU_ASSERT_EQUAL(size, 6);
    CU_ASSERT_EQUAL(cb_stream_read(told_stream, room, 20), 6);
    CU_ASSERT_EQUAL(cb_stream_read(told_stream, room, 20), 0);
    CU_ASSERT_FALSE(cb_stream_ended(told_stream));
    /* Much: it stops receiving at the watermark, and goes on when something was read. */
    CALL(cb_tcp_write(client.socket, filling, 600000, NULL, NULL));
    CALL(cb_tcp_end_writing(client.socket, NULL));
    for (int i = 0; i < 30; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    CU_ASSERT(cb_stream_available(told_stream) >= 100000);
    CU_ASSERT(cb_stream_available(told_stream) <= 100000 + 65536);
    CU_ASSERT_EQUAL(server_side.eofs, 0);
    size_t total = 0;
    double end = now_s() + 30;
    while (!cb_stream_ended(told_stream) && now_s() < end) {
        static char much[33333];
        total += cb_stream_read(told_stream, much, sizeof much);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(total, 600000);
    UNTIL(server_side.eofs == 1);
    CU_ASSERT_EQUAL(server_side.reads, 0);
    close_sides(loop, &client, &server_side);
}

static size_t unread_sizes[2];
static int unread_calls;

static void note_unread(cb_tcp_socket *socket, const void *data, size_t size)
{
    CU_ASSERT_EQUAL(memcmp(data, "abcdef", size), 0);
    CU_ASSERT_EQUAL(cb_stream_available(cb_tcp_stream(socket)), size);
    if (unread_calls < 2)
        unread_sizes[unread_calls] = size;
    unread_calls++;
}

static void unread_bytes_are_told_again_when_more_come(void)
{
    side client = {0}, server_side = {0};
    cb_tcp_options options = {.keep_unread = true};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    cb_tcp_callbacks replace = {.read = note_unread};
    unread_calls = 0;
    CALL(cb_tcp_write(server_side.socket, NULL, 0, &replace, NULL));
    put(&client, "abc");
    UNTIL(unread_calls == 1);
    put(&client, "def");
    UNTIL(unread_calls == 2);
    CU_ASSERT_EQUAL(unread_sizes[0], 3);
    CU_ASSERT_EQUAL(unread_sizes[1], 6);
    close_sides(loop, &client, &server_side);
}

/* -- 10,000 ----------------------------------------------------------------------------------- */

static int held_open, held_reads, held_closes;

static void held_connect(cb_tcp_socket *socket)
{
    (void)socket;
    held_open++;
}

static void held_echo(cb_tcp_socket *socket, const void *data, size_t size)
{
    held_reads++;
    if (cb_tcp_user(socket) != NULL)
        CU_ASSERT_EQUAL(cb_tcp_write(socket, data, size, NULL, NULL), CB_OK);
}

static void held_event(const cb_tcp_event *event)
{
    if (event->kind == CB_TCP_EOF)
        (void)cb_tcp_close(event->socket, NULL);
    else
        CU_FAIL("a held connection broke");
}

static void held_close(cb_tcp_socket *socket)
{
    (void)socket;
    held_closes++;
}

static void one_loop_holds_ten_thousand_connections(void)
{
    int wanted = SLOW ? 500 : 10000; /* both ends are ours */
    struct rlimit limit;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * (rlim_t)wanted + 100)
        wanted = (int)(limit.rlim_cur - 100) / 2;
    cb_loop *loop = open_loop();
    cb_tcp_callbacks callbacks = {
        .read = held_echo, .event = held_event, .connect = held_connect, .close = held_close};
    cb_tcp_server *server;
    held_open = held_reads = held_closes = 0;
    int user = 0;
    cb_tcp_socket **clients = calloc((size_t)wanted, sizeof(cb_tcp_socket *));
    CU_ASSERT_PTR_NOT_NULL_FATAL(clients);
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, NULL, &user, &server, NULL));
    uint16_t port = cb_tcp_server_port(server);
    for (int i = 0; i < wanted; i++) {
        CALL(cb_tcp_connect(loop, "127.0.0.1", port, &callbacks, NULL, NULL, &clients[i], NULL));
        if (i % 64 == 63)
            UNTIL(held_open >= 2 * (i - 32));
    }
    UNTIL(held_open == 2 * wanted);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < wanted; i++)
            CALL(cb_tcp_write(clients[i], "hello", 5, NULL, NULL));
        UNTIL(held_reads >= 2 * wanted * round);
    }
    for (int i = 0; i < wanted; i++)
        CALL(cb_tcp_close(clients[i], NULL));
    cb_tcp_server_close(&server);
    run_all(loop);
    CU_ASSERT_EQUAL(held_closes, 2 * wanted);
    cb_loop_release(&loop);
    free(clients);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(silence_ends_a_socket_with_a_time_limit),
        TEST(a_limit_restarts_at_every_byte_and_can_be_set_again),
        TEST(a_reader_that_stops_makes_the_write_limit_strike),
        TEST(without_anything_to_write_the_write_limit_rests),
        TEST(while_reading_is_off_nothing_is_told),
        TEST(while_reading_is_off_the_peer_has_to_wait),
        TEST(while_writing_is_off_nothing_leaves),
        TEST(reading_can_be_switched_off_in_its_callback),
        TEST(a_write_over_the_watermark_is_refused_and_a_drain_follows),
        KERNEL_TEST(a_reader_that_stops_holds_memory_under_the_watermark),
        TEST(bytes_wait_in_a_stream_until_they_are_read),
        TEST(unread_bytes_are_told_again_when_more_come),
        KERNEL_TEST(one_loop_holds_ten_thousand_connections),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp control", tests);
}
