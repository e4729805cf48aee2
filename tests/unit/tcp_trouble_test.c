/* TCP sockets when the others, or the machine, make trouble: an address that does not answer, no
 * descriptors left, a program that gives up what it has just written. */
#include <sys/resource.h>

#include "actors/io/loop.h"
#include "actors/io/tcp/inside.h"
#include "tests/unit/tcp_support.h"

/* -- an address that does not answer ----------------------------------------------------------- */

#define FILLERS 6

static cb_endpoint silent;

static int find_silent_first(const char *host, uint16_t port, cb_endpoint *found, size_t *count)
{
    (void)host;
    found[0] = silent;
    found[1] = cb_endpoint_loopback(CB_FAMILY_IP4, port);
    *count = 2;
    return 0;
}

/* A listener that accepts nobody and whose backlog is full: who dials it hears nothing. */
static cb_socket open_silent(cb_loop *loop, seen filled[FILLERS], cb_op *fillers[FILLERS])
{
    cb_socket listener;
    silent = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    CU_ASSERT_EQUAL_FATAL(cb_listen_tcp(loop, &silent, 1, &listener, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(listener, &silent, NULL), CB_OK);
    for (int i = 0; i < FILLERS; i++) {
        filled[i] = (seen){.socket = CB_NO_SOCKET};
        fillers[i] = track(cb_dial(loop, &silent, note, NULL), &filled[i], 0);
        double end = now_s() + 0.02;
        while (filled[i].count == 0 && now_s() < end)
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 5 * MS, NULL), CB_OK);
        if (filled[i].count > 0)
            fillers[i] = NULL;
    }
    CU_ASSERT_PTR_NOT_NULL(fillers[FILLERS - 1]);
    return listener;
}

static void a_silent_address_has_a_quarter_of_a_second(void)
{
    seen filled[FILLERS];
    cb_op *fillers[FILLERS];
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_socket listener = open_silent(loop, filled, fillers);
    cb_lookup_hook = find_silent_first;
    double start = now_s();
    CALL(cb_tcp_connect(loop, "somewhere", cb_tcp_server_port(server), &noted, NULL, &client,
                        &client.socket, NULL));
    UNTIL(client.connects + client.errors == 1 && server_side.connects == 1);
    double waited = now_s() - start;
    cb_lookup_hook = NULL;
    CU_ASSERT_EQUAL(client.connects, 1);
    CU_ASSERT_EQUAL(cb_tcp_peer(client.socket).port, cb_tcp_server_port(server));
    CU_ASSERT(waited >= 0.25);
    CU_ASSERT(waited < 5); /* the kernel alone would try for minutes */
    for (int i = 0; i < FILLERS; i++) {
        cb_op_remove(&fillers[i]);
        if (filled[i].count > 0)
            cb_close(loop, filled[i].socket, NULL);
    }
    cb_close(loop, listener, NULL);
    cb_tcp_server_close(&server);
    CALL(cb_tcp_close(client.socket, NULL));
    UNTIL(server_side.eofs == 1);
    CALL(cb_tcp_close(server_side.socket, NULL));
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- no descriptors left ----------------------------------------------------------------------- */

#define CLIENTS 24

static int accepted, accept_errors, other_events;

static void on_connect(cb_tcp_socket *socket)
{
    (void)socket;
    accepted++;
}

static void on_event(const cb_tcp_event *event)
{
    if (event->kind == CB_TCP_ACCEPT_ERROR) {
        CU_ASSERT_PTR_NULL(event->socket);
        CU_ASSERT_PTR_NOT_NULL(event->server);
        CU_ASSERT_EQUAL(event->code, EMFILE);
        CU_ASSERT_EQUAL(event->error, CB_IO_RESOURCES);
        accept_errors++;
    } else if (event->kind == CB_TCP_EOF) {
        (void)cb_tcp_close(event->socket, NULL);
    } else {
        other_events++;
    }
}

/* A server that cannot accept says so, tries again now and then, and does not spin. */
static void a_server_out_of_descriptors_rests_and_recovers(void)
{
    static seen dialled[CLIENTS];
    cb_tcp_callbacks callbacks = {.connect = on_connect, .event = on_event};
    cb_loop *loop = open_loop();
    cb_tcp_server *server = NULL;
    struct rlimit old, few;
    accepted = accept_errors = other_events = 0;
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, NULL, NULL, &server, NULL));
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, cb_tcp_server_port(server));
    /* The clients' descriptors are the last that there are; the server gets one and no more. */
    cb_tcp_server_pause(server);
    for (int i = 0; i < CLIENTS; i++) {
        dialled[i] = (seen){.socket = CB_NO_SOCKET};
        track(cb_dial(loop, &where, note, NULL), &dialled[i], 0);
        UNTIL(dialled[i].count == 1);
        CU_ASSERT_EQUAL_FATAL(dialled[i].error[0], CB_IO_OK);
    }
    int served_while_paused = accepted;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 3;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
    cb_tcp_server_resume(server);
    int ticks = 0;
    for (double end = real_s() + 0.2; real_s() < end; ticks++)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 50 * MS, NULL), CB_OK);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    /* Every 10 ms at most. */
    CU_ASSERT(accept_errors >= 1 && accept_errors <= 25);
    CU_ASSERT(ticks < 100);
    CU_ASSERT(accepted < CLIENTS || served_while_paused == CLIENTS);
    UNTIL(accepted == CLIENTS);
    CU_ASSERT_EQUAL(other_events, 0);
    for (int i = 0; i < CLIENTS; i++)
        cb_close(loop, dialled[i].socket, NULL);
    cb_tcp_server_close(&server);
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- written and given up in one callback ------------------------------------------------------ */

static void write_and_abort(cb_op *op)
{
    side *self = op->user_data;
    CU_ASSERT_EQUAL(cb_tcp_write(self->socket, "lost", 4, NULL, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_tcp_abort(self->socket, NULL), CB_OK);
}

/* The callback comes before the turn's own work of that tick, which then finds a socket that is
 * gone and still on the list of those with something to send. */
static void what_is_written_and_aborted_at_once_is_dropped(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    cb_op *op = cb_next_tick(loop, write_and_abort);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->user_data = &client;
    CALL(cb_tcp_set_timeouts(client.socket, 60, 60, NULL));
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    UNTIL(client.closes == 1 && server_side.closes + server_side.eofs + server_side.errors > 0);
    CU_ASSERT_EQUAL(client.errors, 0);
    CU_ASSERT_EQUAL(server_side.size, 0);
    close_sides(loop, &client, &server_side);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(what_is_written_and_aborted_at_once_is_dropped),
        TEST(a_silent_address_has_a_quarter_of_a_second),
        KERNEL_TEST(a_server_out_of_descriptors_rests_and_recovers),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp trouble", tests);
}
