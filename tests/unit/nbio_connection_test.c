/* Accept, dial and close: set up, canceled, timed out, removed, and no descriptor lost. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/unit/nbio_support.h"

static void close_both(cb_loop *loop, cb_socket left, cb_socket right)
{
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static bool has_no_delay(cb_socket socket)
{
    int on = 0;
    socklen_t size = sizeof on;
    return getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on != 0;
}

static void connections_are_set_up(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    cb_endpoint bound, peer;
    open_pair(loop, &left, &right);
    const cb_socket both[] = {left, right};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT((fcntl(both[i], F_GETFL) & O_NONBLOCK) != 0);
        CU_ASSERT((fcntl(both[i], F_GETFD) & FD_CLOEXEC) != 0);
        CU_ASSERT(has_no_delay(both[i]));
    }
    CU_ASSERT_EQUAL(cb_bound_endpoint(left, &bound, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_peer_endpoint(right, &peer, NULL), CB_OK);
    CU_ASSERT_EQUAL(bound.port, peer.port);
    CU_ASSERT(cb_endpoint_is_loopback(&peer));
    close_both(loop, left, right);
}

static void close_cancels_what_is_pending_first(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char byte;
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, left, &byte, 1, note, NULL), &log, 1);
    track(cb_poll(loop, left, CB_POLL_READABLE, note, NULL), &log, 2);
    track(cb_recv(loop, left, &byte, 1, note, NULL), &log, 3);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    track(cb_close(loop, left, note), &log, 4);
    track(cb_recv(loop, left, &byte, 1, note, NULL), &log, 5);
    track(cb_close(loop, left, note), &log, 6);
    CU_ASSERT_TRUE(is_open(loop, left));
    run_all(loop);
    CU_ASSERT_EQUAL_FATAL(log.count, 6);
    for (uintptr_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(log.first_word[i], i + 1);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.error[3], CB_IO_OK);
    CU_ASSERT_EQUAL(log.error[4], CB_IO_BAD_SOCKET);
    CU_ASSERT_EQUAL(log.error[5], CB_IO_BAD_SOCKET);
    CU_ASSERT_FALSE(is_open(loop, left));
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void a_removed_close_closes_all_the_same(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    open_pair(loop, &left, &right);
    cb_op *op = track(cb_close(loop, left, note), &log, 0);
    cb_op_remove(&op);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 0);
    CU_ASSERT_FALSE(is_open(loop, left));
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void closing_a_listener_takes_no_more_clients(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_endpoint where;
    seen accepted = {0}, dialled = {0}, closed = {0};
    cb_socket listener = open_listener(loop, &where);
    track(cb_dial(loop, &where, note, NULL), &dialled, 0);
    run_to(loop, &dialled, 1);
    track(cb_accept(loop, listener, note, NULL), &accepted, 0);
    track(cb_close(loop, listener, note), &closed, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(accepted.error[0], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(accepted.socket, CB_NO_SOCKET);
    CU_ASSERT_EQUAL(closed.error[0], CB_IO_OK);
    cb_close(loop, dialled.socket, NULL);
    run_all(loop);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* A server that speaks first: its bytes come with the news that the connection stands. */
static void bytes_that_come_with_the_connection_are_not_missed(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    char bytes[8];
    cb_socket listener = open_listener(loop, &where);
    for (int i = 0; i < 50; i++) {
        seen dialled = {0}, log = {0};
        track(cb_dial(loop, &where, note, NULL), &dialled, 0);
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        CU_ASSERT_EQUAL(poll(&ready, 1, 1000), 1);
        int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        CU_ASSERT_EQUAL(send(server, "hello", 5, 0), 5);
        if (i % 2 == 1)
            close(server);
        run_to(loop, &dialled, 1);
        track(cb_recv(loop, dialled.socket, bytes, sizeof bytes, note, NULL), &log, 0);
        run_to(loop, &log, 1);
        CU_ASSERT_EQUAL(log.bytes[0], 5);
        if (i % 2 == 1) {
            track(cb_recv(loop, dialled.socket, bytes, sizeof bytes, note, NULL), &log, 0);
            run_to(loop, &log, 2);
            CU_ASSERT_EQUAL(log.bytes[1], 0);
        } else {
            close(server);
        }
        cb_close(loop, dialled.socket, NULL);
        run_all(loop);
    }
    cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void dial_failures_leave_no_socket(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    seen log = {.socket = 99};
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    cb_close(loop, listener, NULL);
    run_all(loop);
    track(cb_dial(loop, &where, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_REFUSED);
    CU_ASSERT_EQUAL(log.socket, CB_NO_SOCKET);
    where.port = 0;
    track(cb_dial(loop, &where, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(log.count, 1);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_PORT_REQUIRED);
    where.family = CB_FAMILY_NONE;
    track(cb_dial(loop, &where, note, NULL), &log, 0);
    track(cb_dial(loop, NULL, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_INVALID);
    CU_ASSERT_EQUAL(log.error[3], CB_IO_INVALID);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* The backlog of a listener that accepts nothing fills up, and then dials wait. */
static void dials_time_out_or_are_removed(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    cb_socket listener;
    seen filled = {0}, log = {0};
    const cb_op_options limit = {.timeout_ns = 20 * MS};
    CU_ASSERT_EQUAL_FATAL(cb_listen_tcp(loop, &where, 1, &listener, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_bound_endpoint(listener, &where, NULL), CB_OK);
    cb_socket opened[4];
    int count = 0;
    for (int i = 0; i < 4; i++) {
        track(cb_dial(loop, &where, note, &limit), &filled, 0);
        run_to(loop, &filled, i + 1);
        if (filled.error[i] == CB_IO_OK)
            opened[count++] = filled.socket;
    }
    CU_ASSERT(count < 4);
    CU_ASSERT_EQUAL(filled.error[3], CB_IO_TIMEOUT);
    CU_ASSERT_EQUAL(filled.socket, CB_NO_SOCKET);
    cb_op *op = track(cb_dial(loop, &where, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    cb_op_remove(&op);
    for (int i = 0; i < count; i++)
        cb_close(loop, opened[i], NULL);
    cb_close(loop, listener, NULL);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 0);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* Pending or completed, an accept or a dial that is removed leaves no descriptor behind. */
static void removal_races_lose_no_descriptor(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_endpoint where;
    seen log = {0};
    cb_socket listener = open_listener(loop, &where);
    for (int ticks = 0; ticks < 4; ticks++) {
        for (int i = 0; i < 20; i++) {
            cb_op *accept = cb_accept(loop, listener, NULL, NULL);
            cb_op *dial = cb_dial(loop, &where, NULL, NULL);
            track(accept, &log, 0);
            track(dial, &log, 0);
            /* Not detached they would be gone once completed. */
            cb_op_detach(accept);
            cb_op_detach(dial);
            for (int tick = 0; tick < ticks; tick++)
                CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
            cb_socket sockets[] = {accept->accept.client, dial->dial.socket};
            cb_op_remove(&accept);
            cb_op_remove(&dial);
            for (int s = 0; s < 2; s++)
                if (sockets[s] >= 0 && is_open(loop, sockets[s]))
                    cb_close(loop, sockets[s], NULL);
            run_all(loop);
        }
    }
    cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

#define RACES  10000
#define RACERS 50

/* One listener whose accepts have a limit, and somebody who dials it about when that strikes. */
typedef struct race {
    cb_endpoint where;
    int dialled;
} race;

static struct {
    int accepted, timed_out, dialled, failed;
} raced;

static void race_accepted(cb_op *op)
{
    if (op->error == CB_IO_OK) {
        CU_ASSERT(op->accept.client >= 0);
        raced.accepted++;
        cb_close(op->loop, op->accept.client, NULL);
    } else {
        CU_ASSERT_EQUAL(op->error, CB_IO_TIMEOUT);
        CU_ASSERT_EQUAL(op->accept.client, CB_NO_SOCKET);
        raced.timed_out++;
    }
    if (raced.accepted + raced.timed_out < RACES)
        cb_op_exec(op, false);
}

static void race_dialled(cb_op *op)
{
    raced.dialled++;
    if (op->error == CB_IO_OK) {
        /* A reset at once keeps TIME_WAIT, and with it slow connects, away. */
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        if (tested->world == NULL)
            CU_ASSERT_EQUAL(setsockopt(op->dial.socket, SOL_SOCKET, SO_LINGER, &now, sizeof now),
                            0);
        cb_close(op->loop, op->dial.socket, NULL);
    } else {
        raced.failed++;
    }
}

static void race_next(cb_op *op)
{
    race *state = op->user_data;
    if (raced.accepted + raced.timed_out >= RACES)
        return;
    cb_dial(op->loop, &state->where, race_dialled, NULL);
    /* Around the accept's limit, so that both outcomes are common. */
    op->timeout.delay_ns = MS * (70 + state->dialled++ % 60) / 100;
    cb_op_exec(op, false);
}

/* What the listener still has after the race. */
static void drain_race(cb_loop *loop, cb_socket listener)
{
    seen drained = {0};
    const cb_op_options limit = {.timeout_ns = MS};
    do {
        drained.count = 0;
        track(cb_accept(loop, listener, note, &limit), &drained, 0);
        run_to(loop, &drained, 1);
        if (drained.error[0] == CB_IO_OK) {
            raced.accepted++;
            cb_close(loop, drained.socket, NULL);
        }
    } while (drained.error[0] == CB_IO_OK);
}

/* Each accept has a limit of 1 ms, and clients come about then. Each ends as a client or as a
 * timeout, and every client is accepted once; nothing is left open. */
static void ten_thousand_accepts_against_a_limit(void)
{
    static race states[RACERS];
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_socket listeners[RACERS];
    const cb_op_options limit = {.timeout_ns = MS};
    memset(&raced, 0, sizeof raced);
    for (int i = 0; i < RACERS; i++) {
        states[i] = (race){.dialled = i};
        listeners[i] = open_listener(loop, &states[i].where);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cb_accept(loop, listeners[i], race_accepted, &limit));
        cb_timeout(loop, MS / 100 * i, race_next)->user_data = &states[i];
    }
    run_all(loop);
    CU_ASSERT(raced.accepted > 0 && raced.timed_out > 0);
    for (int i = 0; i < RACERS; i++)
        drain_race(loop, listeners[i]);
    CU_ASSERT_EQUAL(raced.failed, 0);
    CU_ASSERT_EQUAL(raced.accepted, raced.dialled);
    for (int i = 0; i < RACERS; i++)
        cb_close(loop, listeners[i], NULL);
    run_all(loop);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void out_of_descriptors_is_reported_once(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    seen accepted = {0}, dialled = {0};
    struct rlimit old, low;
    cb_socket listener = open_listener(loop, &where);
    track(cb_dial(loop, &where, note, NULL), &dialled, 0);
    run_to(loop, &dialled, 1);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)dialled.socket + 1;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &low), 0);
    track(cb_accept(loop, listener, note, NULL), &accepted, 0);
    run_all(loop);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    CU_ASSERT_EQUAL(accepted.count, 1);
    CU_ASSERT_EQUAL(accepted.error[0], CB_IO_RESOURCES);
    track(cb_accept(loop, listener, note, NULL), &accepted, 0);
    run_to(loop, &accepted, 2);
    CU_ASSERT_EQUAL(accepted.error[1], CB_IO_OK);
    cb_close(loop, accepted.socket, NULL);
    cb_close(loop, listener, NULL);
    close_both(loop, dialled.socket, -1);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        KERNEL_TEST(connections_are_set_up),
        TEST(close_cancels_what_is_pending_first),
        TEST(a_removed_close_closes_all_the_same),
        TEST(closing_a_listener_takes_no_more_clients),
        KERNEL_TEST(bytes_that_come_with_the_connection_are_not_missed),
        TEST(dial_failures_leave_no_socket),
        TEST(dials_time_out_or_are_removed),
        TEST(removal_races_lose_no_descriptor),
        TEST(ten_thousand_accepts_against_a_limit),
        KERNEL_TEST(out_of_descriptors_is_reported_once),
        CU_TEST_INFO_NULL};
    return run_tests("nbio connections", tests);
}
