/* Corners of TCP sockets: descriptors taken away, options and times that make no sense. */
#include <math.h>

#include "tests/unit/tcp_support.h"

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

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(a_descriptor_taken_away_ends_its_socket_alone),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp corners", tests);
}
