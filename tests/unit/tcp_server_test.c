/* TCP sockets: what servers and those that build on them need beyond the rest: accepting before
 * anything else, alarms, memory for what comes, a limit of connections, and knowing the end. */
#include "tests/unit/tcp_support.h"

/* -- alarms ----------------------------------------------------------------------------------- */

static int alarms;
static double alarm_s;

static void note_alarm(cb_tcp_socket *socket)
{
    (void)side_of(socket);
    alarms++;
    alarm_s = now_s();
}

static int64_t in_ms(int64_t ms)
{
    return cb_loop_now(cb_loop_current()) + ms * MS;
}

/* A pair whose client has an alarm callback. */
static cb_loop *open_with_alarm(side *client, side *server_side)
{
    cb_loop *loop = open_sides(client, server_side, NULL);
    cb_tcp_callbacks ring = {.alarm = note_alarm};
    alarms = 0;
    CALL(cb_tcp_write(client->socket, "", 0, &ring, NULL));
    return loop;
}

static void pass(double seconds)
{
    double end = now_s() + seconds;
    UNTIL(now_s() >= end);
}

static void an_alarm_rings_once_and_not_early(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_alarm(&client, &server_side);
    double begin = now_s();
    CALL(cb_tcp_set_alarm(client.socket, in_ms(20), NULL));
    UNTIL(alarms == 1);
    CU_ASSERT(alarm_s - begin >= 0.019);
    pass(0.05);
    CU_ASSERT_EQUAL(alarms, 1);
    CU_ASSERT_FALSE(cb_tcp_closed(client.socket));
    CALL(cb_tcp_set_alarm(client.socket, in_ms(-5), NULL)); /* past: in the next tick */
    UNTIL(alarms == 2);
    close_sides(loop, &client, &server_side);
}

static void an_alarm_can_be_moved_both_ways_and_taken_back(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_alarm(&client, &server_side);
    double begin = now_s();
    CALL(cb_tcp_set_alarm(client.socket, in_ms(10), NULL));
    CALL(cb_tcp_set_alarm(client.socket, in_ms(60), NULL));
    UNTIL(alarms == 1);
    CU_ASSERT(alarm_s - begin >= 0.059);
    CALL(cb_tcp_set_alarm(client.socket, in_ms(60000), NULL));
    CALL(cb_tcp_set_alarm(client.socket, in_ms(10), NULL));
    UNTIL(alarms == 2);
    CU_ASSERT(alarm_s - begin < 30);
    CALL(cb_tcp_set_alarm(client.socket, in_ms(10), NULL));
    CALL(cb_tcp_set_alarm(client.socket, 0, NULL));
    pass(0.05);
    CU_ASSERT_EQUAL(alarms, 2);
    close_sides(loop, &client, &server_side);
}

static void a_close_ends_an_alarm(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_alarm(&client, &server_side);
    CALL(cb_tcp_set_alarm(client.socket, in_ms(5), NULL));
    cb_tcp_socket *socket = client.socket;
    CALL(cb_tcp_close(socket, NULL));
    REFUSED(cb_tcp_set_alarm(socket, in_ms(5), NULL), CB_CLOSED);
    UNTIL(server_side.eofs == 1);
    pass(0.05);
    CU_ASSERT_EQUAL(alarms, 0);
    close_sides(loop, &client, &server_side);
}

static void an_alarm_and_a_limit_share_a_timer(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_alarm(&client, &server_side);
    CALL(cb_tcp_set_timeouts(client.socket, 0.05, 0, NULL));
    CALL(cb_tcp_set_alarm(client.socket, in_ms(10), NULL));
    UNTIL(alarms == 1);
    CU_ASSERT_EQUAL(client.errors, 0);
    UNTIL(client.errors == 1);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_TIMEOUT);
    close_sides(loop, &client, &server_side);
}

/* -- memory for what comes -------------------------------------------------------------------- */

static uint8_t given[4096];
static size_t given_size; /* 0: none is given */
static int asked;

static void *give_room(cb_tcp_socket *socket, size_t *size)
{
    (void)side_of(socket);
    asked++;
    *size = given_size;
    return given_size > 0 ? given : NULL;
}

static int in_place;

static void read_in_place(cb_tcp_socket *socket, const void *data, size_t size)
{
    in_place += data == given;
    CU_ASSERT(data != given || size <= given_size);
    note_read(socket, data, size);
}

/* A server's side whose bytes come into `given`. */
static cb_loop *open_with_room(side *client, side *server_side, size_t size)
{
    sides all = {server_side, 1, 0};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = NULL;
    cb_tcp_callbacks callbacks = noted;
    callbacks.connect = note_accept;
    callbacks.room = give_room;
    callbacks.read = read_in_place;
    given_size = size;
    asked = in_place = 0;
    /* The socket's user is the list until `connect`, and no room is asked for before that. */
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, NULL, &all, &server, NULL));
    dial(loop, cb_tcp_server_port(server), client, NULL);
    UNTIL(client->connects == 1 && server_side->connects == 1);
    cb_tcp_server_close(&server);
    return loop;
}

static void bytes_come_where_the_program_wants_them(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_room(&client, &server_side, 7);
    put(&client, "more bytes than there is room for");
    UNTIL(got(&server_side, "more bytes than there is room for"));
    CU_ASSERT(server_side.largest <= 7);
    CU_ASSERT_EQUAL(in_place, server_side.reads);
    CU_ASSERT(asked >= server_side.reads);
    close_sides(loop, &client, &server_side);
}

static void without_memory_given_the_socket_has_its_own(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_room(&client, &server_side, 0);
    put(&client, "some");
    UNTIL(got(&server_side, "some"));
    CU_ASSERT_EQUAL(in_place, 0);
    CU_ASSERT(asked > 0);
    given_size = sizeof given; /* from the next receive on */
    put(&client, " bytes");
    UNTIL(got(&server_side, "some bytes"));
    put(&client, " more");
    UNTIL(got(&server_side, "some bytes more"));
    CU_ASSERT(in_place >= 1);
    close_sides(loop, &client, &server_side);
}

static void who_ends_reading_has_the_memory_back(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_with_room(&client, &server_side, sizeof given);
    memset(given, 'x', sizeof given);
    CALL(cb_tcp_end_reading(server_side.socket, NULL));
    put(&client, "unwanted");
    UNTIL(client.writes == 1);
    pass(0.02);
    CU_ASSERT_EQUAL(given[0], 'x');
    CU_ASSERT_EQUAL(server_side.reads, 0);
    put(&server_side, "answer");
    UNTIL(got(&client, "answer"));
    CALL(cb_tcp_enable(server_side.socket, true, false, NULL));
    UNTIL(got(&server_side, "unwanted"));
    cb_tcp_socket *socket = server_side.socket;
    CALL(cb_tcp_close(socket, NULL));
    REFUSED(cb_tcp_end_reading(socket, NULL), CB_CLOSED);
    memset(given, 'x', sizeof given);
    put(&client, "late"); /* is dropped, and not into memory that was given back */
    UNTIL(client.eofs == 1);
    CU_ASSERT_EQUAL(given[0], 'x');
    close_sides(loop, &client, &server_side);
}

/* -- servers ---------------------------------------------------------------------------------- */

typedef struct house {
    side guests[8];
    int accepted, refuse_from; /* 0: nobody is refused */
    int ports_closed, drained;
    int open, most;
} house;

static void house_accept(cb_tcp_socket *socket)
{
    house *self = cb_tcp_user(socket);
    CU_ASSERT(cb_tcp_peer(socket).port > 0);
    side *guest = &self->guests[self->accepted++];
    cb_tcp_set_user(socket, guest);
    if (self->refuse_from > 0 && self->accepted >= self->refuse_from)
        CU_ASSERT_EQUAL(cb_tcp_abort(socket, NULL), CB_OK);
}

static void house_port_closed(void *user)
{
    house *self = user;
    CU_ASSERT_EQUAL(self->drained, 0);
    self->ports_closed++;
}

static void house_drained(void *user)
{
    house *self = user;
    CU_ASSERT_EQUAL(self->ports_closed, 1);
    self->drained++;
}

static cb_tcp_server *open_house(cb_loop *loop, house *self, const cb_tcp_options *options)
{
    cb_tcp_server *server = NULL;
    cb_tcp_callbacks callbacks = noted;
    callbacks.accept = house_accept;
    callbacks.port_closed = house_port_closed;
    callbacks.drained = house_drained;
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, options, self, &server, NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(server);
    return server;
}

static void accept_comes_first_and_may_refuse(void)
{
    house self = {.refuse_from = 2};
    side first = {0}, second = {0};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = open_house(loop, &self, NULL);
    dial(loop, cb_tcp_server_port(server), &first, NULL);
    UNTIL(self.guests[0].connects == 1);
    dial(loop, cb_tcp_server_port(server), &second, NULL);
    UNTIL(second.errors == 1 || second.eofs == 1);
    UNTIL(self.guests[1].closes == 1);
    CU_ASSERT_EQUAL(self.guests[1].connects, 0);
    CU_ASSERT_EQUAL(self.guests[1].errors, 0);
    CALL(cb_tcp_close(self.guests[0].socket, NULL));
    cb_tcp_server_close(&server);
    close_sides(loop, &first, &second);
    CU_ASSERT_EQUAL(self.drained, 1);
}

static void a_server_holds_no_more_connections_than_it_may(void)
{
    house self = {0};
    side clients[5] = {{0}};
    const cb_tcp_options options = {.max_connections = 2, .linger = -1};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = open_house(loop, &self, &options);
    for (int i = 0; i < 5; i++)
        dial(loop, cb_tcp_server_port(server), &clients[i], NULL);
    UNTIL(clients[4].connects == 1 && self.accepted == 2);
    for (int i = 0; i < 3; i++) {
        pass(0.01);
        CU_ASSERT_EQUAL(self.accepted, 2 + i);
        CALL(cb_tcp_close(self.guests[i].socket, NULL));
        UNTIL(self.accepted == 3 + i);
    }
    cb_tcp_server_close(&server);
    for (int i = 3; i < 5; i++)
        CALL(cb_tcp_close(self.guests[i].socket, NULL));
    for (int i = 0; i < 5; i++)
        CALL(cb_tcp_close(clients[i].socket, NULL));
    run_all(loop);
    CU_ASSERT_EQUAL(self.drained, 1);
    cb_loop_release(&loop);
}

/* A connection that waits for its peer's end is not gone yet. */
static void a_server_tells_when_its_port_is_closed_and_when_all_are_gone(void)
{
    house self = {0};
    side client = {0}, late = {0};
    const cb_tcp_options options = {.linger = 60};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = open_house(loop, &self, &options);
    uint16_t port = cb_tcp_server_port(server);
    dial(loop, port, &client, NULL);
    UNTIL(client.connects == 1 && self.guests[0].connects == 1);
    cb_tcp_server_close(&server);
    UNTIL(self.ports_closed == 1);
    dial(loop, port, &late, NULL);
    UNTIL(late.errors == 1);
    CU_ASSERT_EQUAL(late.kind, CB_TCP_REFUSED);
    put(&self.guests[0], "good-bye");
    CALL(cb_tcp_close(self.guests[0].socket, NULL));
    UNTIL(client.eofs == 1 && self.guests[0].closes == 1);
    pass(0.02);
    CU_ASSERT_EQUAL(self.drained, 0);
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(self.drained == 1);
    CU_ASSERT_EQUAL(self.ports_closed, 1);
    close_sides(loop, &client, &late);
}

static void a_server_that_nobody_came_to_is_told_closed_too(void)
{
    house self = {0};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = open_house(loop, &self, NULL);
    in_call = true;
    cb_tcp_server_close(&server);
    in_call = false;
    CU_ASSERT_EQUAL(self.ports_closed, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(self.drained, 1);
    cb_loop_release(&loop);
}

static void the_loop_may_end_at_any_moment_of_a_servers_end(void)
{
    for (int ticks = 0; ticks < 6; ticks++) {
        house self = {0};
        side client = {0};
        cb_loop *loop = open_loop();
        cb_tcp_server *server = open_house(loop, &self, NULL);
        dial(loop, cb_tcp_server_port(server), &client, NULL);
        UNTIL(client.connects == 1 && self.guests[0].connects == 1);
        CALL(cb_tcp_close(self.guests[0].socket, NULL));
        cb_tcp_server_close(&server);
        for (int i = 0; i < ticks; i++)
            CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        cb_loop_release(&loop);
        CU_ASSERT_EQUAL(self.guests[0].closes, 1);
        CU_ASSERT_EQUAL(client.closes, 1);
    }
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(an_alarm_rings_once_and_not_early),
        TEST(an_alarm_can_be_moved_both_ways_and_taken_back),
        TEST(a_close_ends_an_alarm),
        TEST(an_alarm_and_a_limit_share_a_timer),
        TEST(bytes_come_where_the_program_wants_them),
        TEST(without_memory_given_the_socket_has_its_own),
        TEST(who_ends_reading_has_the_memory_back),
        TEST(accept_comes_first_and_may_refuse),
        TEST(a_server_holds_no_more_connections_than_it_may),
        TEST(a_server_tells_when_its_port_is_closed_and_when_all_are_gone),
        TEST(a_server_that_nobody_came_to_is_told_closed_too),
        TEST(the_loop_may_end_at_any_moment_of_a_servers_end),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp servers", tests);
}
