/* TCP sockets: bytes in order and whole, both ways, in pieces of all sizes; streams; watermarks. */
#include "tests/unit/tcp_support.h"

static void writes_before_and_after_the_connection_keep_their_order(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_tcp_options options = {.data = "one ", .data_size = 4};
    dial(loop, cb_tcp_server_port(server), &client, &options);
    put(&client, "two ");
    CU_ASSERT_EQUAL(cb_tcp_buffered(client.socket), 8);
    UNTIL(client.connects == 1);
    put(&client, "three ");
    put(&client, "four");
    UNTIL(server_side.size == 18);
    CU_ASSERT(got(&server_side, "one two three four"));
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}

static void a_socket_can_be_written_to_before_it_is_connected(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    uint16_t port = cb_tcp_server_port(server);
    CALL(cb_tcp_socket_new(loop, &noted, NULL, &client, &client.socket, NULL));
    put(&client, "early");
    CALL(cb_tcp_socket_connect(client.socket, "127.0.0.1", port, note_event, NULL));
    REFUSED(cb_tcp_socket_connect(client.socket, "127.0.0.1", port, NULL, NULL), CB_INVALID);
    UNTIL(server_side.size == 5);
    CU_ASSERT(got(&server_side, "early"));
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}

static void writes_of_one_turn_go_out_together(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    put(&client, "a");
    put(&client, "b");
    put(&client, "c");
    UNTIL(server_side.size == 3);
    CU_ASSERT_EQUAL(server_side.reads, 1);
    CU_ASSERT_EQUAL(client.writes, 1);
    close_sides(loop, &client, &server_side);
}

static void the_write_callback_comes_once_a_batch(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CU_ASSERT_EQUAL(client.writes, 0);
    put(&client, "first");
    UNTIL(client.writes == 1);
    put(&client, "second");
    UNTIL(client.writes == 2);
    UNTIL(server_side.size == 11);
    CU_ASSERT_EQUAL(client.writes, 2);
    close_sides(loop, &client, &server_side);
}

/* -- much, both ways -------------------------------------------------------------------------- */

typedef struct pour {
    uint32_t sent_state, got_state;
    size_t sent, received, total;
    int style; /* 0: 1 byte, 1: odd sizes, 2: huge */
    bool wrong;
} pour;

static uint8_t next_byte(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint8_t)(*state >> 24);
}

static uint8_t pour_bytes[4u << 20];

static void pour_on(cb_tcp_socket *socket)
{
    pour *self = cb_tcp_user(socket);
    static const size_t odd[] = {3, 77, 4095, 4097, 13, 65537, 1, 999};
    for (int i = 0; self->sent < self->total && i < 20000; i++) {
        size_t size = self->style == 0   ? 1
                      : self->style == 1 ? odd[(size_t)i % 8]
                                         : sizeof pour_bytes;
        if (size > self->total - self->sent)
            size = self->total - self->sent;
        uint32_t state = self->sent_state;
        for (size_t k = 0; k < size; k++)
            pour_bytes[k] = next_byte(&state);
        cb_status status = cb_tcp_write(socket, pour_bytes, size, NULL, NULL);
        if (status == CB_LIMIT)
            return;
        CU_ASSERT_EQUAL_FATAL(status, CB_OK);
        self->sent_state = state;
        self->sent += size;
    }
}

static void pour_event(const cb_tcp_event *event)
{
    CU_ASSERT(event->kind == CB_TCP_DRAIN || event->kind == CB_TCP_EOF ||
              event->error == CB_IO_LOOP_ENDED);
    if (event->kind == CB_TCP_DRAIN)
        pour_on(event->socket);
}

static void pour_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    pour *self = cb_tcp_user(socket);
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        self->wrong |= bytes[i] != next_byte(&self->got_state);
    self->received += size;
}

static pour *pour_sides;

static void pour_accept(cb_tcp_socket *socket)
{
    cb_tcp_set_user(socket, &pour_sides[1]);
    pour_on(socket);
}

static void much_both_ways(int style, size_t total)
{
    cb_loop *loop = open_loop();
    pour both[2] = {{.total = total, .style = style}, {.total = total, .style = style}};
    cb_tcp_callbacks callbacks = {
        .read = pour_read, .event = pour_event, .connect = pour_accept, .write = pour_on};
    cb_tcp_server *server;
    cb_tcp_socket *client;
    pour_sides = both;
    CALL(cb_tcp_server_open(loop, NULL, 0, &callbacks, NULL, NULL, &server, NULL));
    callbacks.connect = pour_on;
    CALL(cb_tcp_connect(loop, "127.0.0.1", cb_tcp_server_port(server), &callbacks, NULL, &both[0],
                        &client, NULL));
    UNTIL(both[0].received == total && both[1].received == total);
    CU_ASSERT_FALSE(both[0].wrong);
    CU_ASSERT_FALSE(both[1].wrong);
    cb_tcp_server_close(&server);
    CALL(cb_tcp_close(client, NULL));
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 10 * MS, NULL), CB_OK);
    cb_loop_release(&loop);
}

static void much_in_writes_of_one_byte(void)
{
    much_both_ways(0, SLOW ? 1u << 20 : 64u << 20);
}

static void much_in_writes_of_odd_sizes(void)
{
    much_both_ways(1, SLOW ? 8u << 20 : 64u << 20);
}

static void much_in_huge_writes(void)
{
    much_both_ways(2, SLOW ? 8u << 20 : 64u << 20);
}

/* -- many ------------------------------------------------------------------------------------- */

#define MANY 64

static void echo(side *self)
{
    size_t done = self->left;
    cb_status status =
        cb_tcp_write(self->socket, self->bytes + done, self->size - done, NULL, NULL);
    CU_ASSERT_EQUAL(status, CB_OK);
    self->left = self->size;
}

static void connections_do_not_overlap(void)
{
    static side clients[MANY], servers[MANY];
    memset(clients, 0, sizeof clients);
    memset(servers, 0, sizeof servers);
    cb_loop *loop = open_loop();
    sides all = {servers, MANY, 0};
    for (int i = 0; i < MANY; i++)
        servers[i].on_read = echo;
    cb_tcp_server *server = serve(loop, &all, NULL);
    for (int i = 0; i < MANY; i++)
        dial(loop, cb_tcp_server_port(server), &clients[i], NULL);
    char line[64];
    for (int round = 0; round < 50; round++)
        for (int i = 0; i < MANY; i++) {
            snprintf(line, sizeof line, "connection %2d says %3d.", i, round);
            put(&clients[i], line);
            if (i % 7 == 0)
                CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        }
    size_t each = 50 * strlen(line);
    for (int i = 0; i < MANY; i++) {
        UNTIL(clients[i].size >= each);
        CU_ASSERT_EQUAL_FATAL(clients[i].size, each);
        for (int round = 0; round < 50; round++) {
            snprintf(line, sizeof line, "connection %2d says %3d.", i, round);
            CU_ASSERT_EQUAL(
                memcmp(clients[i].bytes + (size_t)round * strlen(line), line, strlen(line)), 0);
        }
    }
    cb_tcp_server_close(&server);
    for (int i = 0; i < MANY; i++) {
        CALL(cb_tcp_close(clients[i].socket, NULL));
        CALL(cb_tcp_close(servers[i].socket, NULL));
    }
    run_all(loop);
    cb_loop_release(&loop);
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_EQUAL(clients[i].closes + servers[i].closes, 2);
        free(clients[i].bytes);
        free(servers[i].bytes);
    }
}

/* -- ends ------------------------------------------------------------------------------------- */

static void the_end_comes_after_all_data(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    static uint8_t bytes[300000];
    CALL(cb_tcp_write(client.socket, bytes, sizeof bytes, NULL, NULL));
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(server_side.eofs == 1);
    CU_ASSERT_EQUAL(server_side.size, sizeof bytes);
    CU_ASSERT(server_side.largest <= 65536);
    close_sides(loop, &client, &server_side);
}

static void answer(side *self)
{
    put(self, "reply to ");
    CALL(cb_tcp_write(self->socket, self->bytes, self->size, NULL, NULL));
    CALL(cb_tcp_close(self->socket, NULL));
}

static void replies_after_a_half_close_arrive(void)
{
    side client = {0}, server_side = {.on_eof = answer};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    put(&client, "question");
    CALL(cb_tcp_end_writing(client.socket, NULL));
    CALL(cb_tcp_end_writing(client.socket, NULL));
    REFUSED(cb_tcp_write(client.socket, "x", 1, NULL, NULL), CB_CLOSED);
    UNTIL(client.eofs == 1);
    CU_ASSERT(got(&client, "reply to question"));
    close_sides(loop, &client, &server_side);
}

static void the_option_closes_at_the_end(void)
{
    cb_tcp_options options = {.close_at_eof = true};
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, &options);
    CALL(cb_tcp_end_writing(client.socket, NULL));
    UNTIL(server_side.closes == 1 && client.closes == 1);
    CU_ASSERT_EQUAL(server_side.eofs, 1);
    CU_ASSERT_EQUAL(client.eofs, 1);
    CU_ASSERT_EQUAL(server_side.errors + client.errors, 0);
    close_sides(loop, &client, &server_side);
}

static void close_it(side *self)
{
    CALL(cb_tcp_close(self->socket, NULL));
}

static void a_close_delivers_what_was_written(void)
{
    side client = {.on_write = close_it}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    static uint8_t bytes[900000];
    /* The peer's unread bytes must not turn the close into a reset that eats ours. */
    CALL(cb_tcp_disable(client.socket, true, false, NULL));
    put(&server_side, "never read");
    cb_tcp_callbacks replace = noted;
    CALL(cb_tcp_write(client.socket, bytes, sizeof bytes, &replace, NULL));
    CALL(cb_tcp_close(client.socket, NULL));
    CU_ASSERT_EQUAL(cb_tcp_buffered(client.socket), 0);
    UNTIL(server_side.eofs == 1);
    CU_ASSERT_EQUAL(server_side.size, sizeof bytes);
    CU_ASSERT_EQUAL(server_side.errors, 0);
    CU_ASSERT_EQUAL(client.writes, 0);
    close_sides(loop, &client, &server_side);
}

static void a_close_before_the_connection_stands_delivers_too(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    dial(loop, cb_tcp_server_port(server), &client, NULL);
    put(&client, "short and good");
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(server_side.eofs == 1);
    CU_ASSERT(got(&server_side, "short and good"));
    CU_ASSERT_EQUAL(client.connects, 0);
    CU_ASSERT_EQUAL(client.closes, 1);
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}

static void a_buffer_is_written_without_a_copy(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    cb_buffer *buffer = cb_buffer_copy("[shared bytes]", 14);
    put(&client, "<");
    CALL(cb_tcp_write_buffer(client.socket, buffer, 1, 12, NULL));
    REFUSED(cb_tcp_write_buffer(client.socket, buffer, 10, 5, NULL), CB_INVALID);
    put(&client, ">");
    CU_ASSERT_FALSE(cb_buffer_is_unique(buffer));
    UNTIL(server_side.size == 14);
    UNTIL(cb_buffer_is_unique(buffer));
    CU_ASSERT(got(&server_side, "<shared bytes>"));
    cb_buffer_release(buffer);
    close_sides(loop, &client, &server_side);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(writes_before_and_after_the_connection_keep_their_order),
        TEST(a_socket_can_be_written_to_before_it_is_connected),
        TEST(writes_of_one_turn_go_out_together),
        TEST(the_write_callback_comes_once_a_batch),
        TEST(much_in_writes_of_one_byte),
        TEST(much_in_writes_of_odd_sizes),
        TEST(much_in_huge_writes),
        TEST(connections_do_not_overlap),
        TEST(the_end_comes_after_all_data),
        TEST(replies_after_a_half_close_arrive),
        TEST(the_option_closes_at_the_end),
        TEST(a_close_delivers_what_was_written),
        TEST(a_close_before_the_connection_stands_delivers_too),
        TEST(a_buffer_is_written_without_a_copy),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp transfer", tests);
}
