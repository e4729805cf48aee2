/* Corners of TCP sockets: descriptors taken away, options and times that make no sense. */
#include <math.h>

#include "tests/unit/tcp_support.h"

static int alarms;

static void note_alarm(cb_tcp_socket *socket)
{
    (void)side_of(socket);
    alarms++;
}

/* The loop calls an op canceled also when somebody took the descriptor away from it. */
static void a_descriptor_taken_away_ends_its_socket_alone(void)
{
    cb_loop *loop = open_loop();
    side clients[2] = {{0}}, servers[2] = {{0}};
    sides all = {servers, 2, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    for (int i = 0; i < 2; i++) {
        dial(loop, cb_tcp_server_port(server), &clients[i], NULL);
        UNTIL(clients[i].connects == 1 && servers[i].connects == 1);
    }
    cb_loop_forget(loop, cb_tcp_descriptor(clients[0].socket));
    UNTIL(clients[0].closes == 1);
    CU_ASSERT_EQUAL(clients[0].errors, 1);
    CU_ASSERT_EQUAL(clients[1].errors + clients[1].closes, 0);
    put(&clients[1], "still here");
    UNTIL(got(&servers[1], "still here"));
    cb_tcp_server_close(&server);
    UNTIL(servers[0].eofs + servers[0].errors == 1);
    if (servers[0].socket != NULL)
        CALL(cb_tcp_close(servers[0].socket, NULL));
    free(servers[0].bytes);
    free(clients[0].bytes);
    close_sides(loop, &clients[1], &servers[1]);
}

/* Limits that are none, and times long past and far ahead. */
static void odd_times_are_no_limits_and_ring_at_once(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    static const double none[] = {0, -1, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CALL(cb_tcp_set_timeouts(client.socket, none[i], none[i], NULL));
    CALL(cb_tcp_set_timeouts(client.socket, INFINITY, 1e300, NULL));
    CALL(cb_tcp_set_alarm(client.socket, INT64_MAX, NULL));
    spend(loop, 2 * MS);
    put(&client, "alive");
    UNTIL(got(&server_side, "alive"));
    cb_tcp_callbacks ringing = {.alarm = note_alarm};
    CALL(cb_tcp_write(client.socket, "", 0, &ringing, NULL));
    alarms = 0;
    CALL(cb_tcp_set_alarm(client.socket, INT64_MIN, NULL));
    CU_ASSERT_EQUAL(alarms, 0);
    UNTIL(alarms == 1);
    CU_ASSERT_EQUAL(client.errors, 0);
    close_sides(loop, &client, &server_side);
}

static void options_without_their_bytes_are_refused(void)
{
    cb_loop *loop = open_loop();
    cb_tcp_socket *socket = NULL;
    const cb_tcp_options options = {.data = NULL, .data_size = 5};
    REFUSED(cb_tcp_connect(loop, "127.0.0.1", 1, &noted, &options, NULL, &socket, NULL),
            CB_INVALID);
    CU_ASSERT_PTR_NULL(socket);
    REFUSED(cb_tcp_socket_new(loop, &noted, &options, NULL, &socket, NULL), CB_INVALID);
    CU_ASSERT_PTR_NULL(socket);
    run_all(loop);
    cb_loop_release(&loop);
}

static int replaced_reads, replaced_writes, replaced_events, replaced_closes;

static void replaced_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    (void)side_of(socket);
    (void)data;
    replaced_reads += size > 0;
}

static void replaced_write(cb_tcp_socket *socket)
{
    (void)side_of(socket);
    replaced_writes++;
}

static void replaced_event(const cb_tcp_event *event)
{
    CU_ASSERT_EQUAL(event->kind, CB_TCP_EOF);
    replaced_events++;
}

static void replaced_close(cb_tcp_socket *socket)
{
    note_close(socket);
    replaced_closes++;
}

/* Those that are given take the place of the socket's, and only those. */
static void callbacks_given_with_a_write_replace_the_sockets(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    const cb_tcp_callbacks some = {.write = replaced_write};
    const cb_tcp_callbacks others = {
        .read = replaced_read, .event = replaced_event, .close = replaced_close};
    replaced_reads = replaced_writes = replaced_events = replaced_closes = 0;
    CALL(cb_tcp_write(client.socket, "a", 1, &some, NULL));
    UNTIL(replaced_writes == 1);
    put(&server_side, "b");
    UNTIL(client.reads == 1);
    CALL(cb_tcp_write(client.socket, NULL, 0, &others, NULL));
    put(&server_side, "c");
    UNTIL(replaced_reads == 1);
    CALL(cb_tcp_close(server_side.socket, NULL));
    UNTIL(replaced_events == 1);
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(replaced_closes == 1);
    CU_ASSERT_EQUAL(client.reads, 1);
    CU_ASSERT_EQUAL(client.writes, 0);
    CU_ASSERT_EQUAL(client.eofs + client.errors, 0);
    close_sides(loop, &client, &server_side);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void the_old_name_connects_too(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    const cb_tcp_options options = {.data = "first", .data_size = 5};
    CALL(cb_tcp_send(loop, "127.0.0.1", cb_tcp_server_port(server), &noted, &options, &client,
                     &client.socket, NULL));
    UNTIL(got(&server_side, "first"));
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}
#pragma GCC diagnostic pop

static void a_server_without_an_address_listens_on_all_of_ip4(void)
{
    cb_loop *loop = open_loop();
    cb_tcp_server *server = NULL;
    cb_endpoint where;
    const cb_endpoint everywhere = cb_endpoint_any(CB_FAMILY_IP4, 0);
    CALL(cb_tcp_server_open(loop, NULL, 0, &noted, NULL, NULL, &server, NULL));
    CU_ASSERT_EQUAL(cb_bound_endpoint(cb_tcp_server_descriptor(server), &where, NULL), CB_OK);
    CU_ASSERT_EQUAL(where.family, CB_FAMILY_IP4);
    CU_ASSERT_EQUAL(memcmp(where.address, everywhere.address, 4), 0);
    CU_ASSERT_EQUAL(where.port, cb_tcp_server_port(server));
    cb_tcp_server_close(&server);
    run_all(loop);
    cb_loop_release(&loop);
}

static void a_server_on_ip6_takes_both_versions(void)
{
    static const char *const hosts[] = {"::1", "127.0.0.1"};
    cb_loop *loop = open_loop();
    side clients[2] = {{0}}, servers[2] = {{0}};
    sides all = {servers, 2, 0};
    cb_tcp_server *server = NULL;
    cb_tcp_callbacks callbacks = noted;
    callbacks.connect = note_accept;
    CALL(cb_tcp_server_open(loop, "::", 0, &callbacks, NULL, &all, &server, NULL));
    for (int i = 0; i < 2; i++) {
        CALL(cb_tcp_connect(loop, hosts[i], cb_tcp_server_port(server), &noted, NULL, &clients[i],
                            &clients[i].socket, NULL));
        UNTIL(clients[i].connects == 1 && all.used == (size_t)i + 1);
        cb_endpoint peer = cb_tcp_peer(servers[i].socket);
        CU_ASSERT(cb_endpoint_is_loopback(&peer));
        CALL(cb_tcp_close(clients[i].socket, NULL));
        UNTIL(servers[i].eofs == 1);
    }
    cb_tcp_server_close(&server);
    close_sides(loop, &servers[0], &servers[1]);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(a_descriptor_taken_away_ends_its_socket_alone),
        TEST(odd_times_are_no_limits_and_ring_at_once),
        TEST(options_without_their_bytes_are_refused),
        TEST(callbacks_given_with_a_write_replace_the_sockets),
        TEST(the_old_name_connects_too),
        TEST(a_server_without_an_address_listens_on_all_of_ip4),
        KERNEL_TEST(a_server_on_ip6_takes_both_versions),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp corners", tests);
}
