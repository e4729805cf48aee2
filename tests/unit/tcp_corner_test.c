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

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(a_descriptor_taken_away_ends_its_socket_alone),
        TEST(odd_times_are_no_limits_and_ring_at_once),
        TEST(options_without_their_bytes_are_refused),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp corners", tests);
}
