/* Receiving ahead, and several accepts at once: what io_uring serves by multishots. The rules are
 * those of every receive and accept, so all of it runs on every back end. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "tests/unit/nbio_support.h"

static const cb_op_options ahead = {.read_ahead = true};

static void close_two(cb_loop *loop, cb_socket left, cb_socket right)
{
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Ticks without waiting, so that all that is under way arrives. */
static void settle(cb_loop *loop)
{
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
}

static void receives_come_in_order_and_the_end_last(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char got[20] = {0};
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, got, 3, note, &ahead), &log, 0);
    settle(loop);
    put_now(loop, left, "abcdefgh", 8);
    run_to(loop, &log, 1);
    /* Two that take what the first has left, in one piece each. */
    track(cb_recv(loop, right, got + 3, 3, note, &ahead), &log, 1);
    track(cb_recv(loop, right, got + 6, 14, note, NULL), &log, 2);
    run_to(loop, &log, 3);
    CU_ASSERT_STRING_EQUAL(got, "abcdefgh");
    track(cb_recv(loop, right, got, 3, note, &ahead), &log, 3);
    settle(loop);
    CU_ASSERT_EQUAL(log.count, 3);
    CU_ASSERT_EQUAL(log.bytes[0] + log.bytes[1] + log.bytes[2], 8);
    CU_ASSERT_FALSE(log.ended);
    cb_close(loop, left, NULL);
    run_to(loop, &log, 4);
    CU_ASSERT_EQUAL(log.bytes[3], 0);
    CU_ASSERT_TRUE(log.ended);
    /* The end stays. */
    track(cb_recv(loop, right, got, 3, note, &ahead), &log, 4);
    run_to(loop, &log, 5);
    CU_ASSERT_TRUE(log.ended);
    CU_ASSERT_EQUAL(log.error[4], CB_IO_OK);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(log.first_word[i], (uintptr_t)i);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void what_nobody_waited_for_is_kept(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char got[8] = {0};
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, got, 1, note, &ahead), &log, 0);
    settle(loop);
    put_now(loop, left, "one", 3);
    run_to(loop, &log, 1);
    put_now(loop, left, "two", 3);
    settle(loop);
    /* A poll sees it, wherever it is. */
    track(cb_poll(loop, right, CB_POLL_READABLE, note, NULL), &log, 1);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    track(cb_recv(loop, right, got + 1, 5, note, &all), &log, 2);
    run_to(loop, &log, 3);
    CU_ASSERT_EQUAL(log.bytes[2], 5);
    CU_ASSERT_STRING_EQUAL(got, "onetwo");
    close_two(loop, left, right);
}

static void a_limit_keeps_the_partial_count(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char got[20] = {0};
    seen log = {0};
    const cb_op_options limited = {
        .timeout_ns = 20 * MS, .transfer = CB_TRANSFER_ALL, .read_ahead = true};
    open_pair(loop, &left, &right);
    put_now(loop, left, "12345", 5);
    track(cb_recv(loop, right, got, 20, note, &limited), &log, 0);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    CU_ASSERT_EQUAL(log.bytes[0], 5);
    put_now(loop, left, "678", 3);
    track(cb_recv(loop, right, got + 5, 15, note, &ahead), &log, 1);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(log.bytes[1], 3);
    CU_ASSERT_STRING_EQUAL(got, "12345678");
    close_two(loop, left, right);
}

static void close_and_remove_do_not_wait_for_bytes(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char got[8], end[8];
    seen log = {0}, ended = {0}, closed = {0};
    open_pair(loop, &left, &right);
    cb_op *op = track(cb_recv(loop, right, got, 8, note, &ahead), &log, 0);
    settle(loop);
    cb_op_remove(&op);
    op = track(cb_recv(loop, right, got, 8, note, &ahead), &log, 1);
    settle(loop);
    track(cb_recv(loop, left, end, 8, note, &ahead), &ended, 0);
    track(cb_close(loop, right, note), &closed, 0);
    run_to(loop, &closed, 1);
    CU_ASSERT_EQUAL(log.count, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.first_word[0], 1);
    CU_ASSERT_FALSE(is_open(loop, right));
    run_to(loop, &ended, 1);
    CU_ASSERT_TRUE(ended.ended);
    cb_close(loop, left, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- much -------------------------------------------------------------------------------------- */

#define MUCH  (4u << 20)
#define PAIRS 160u

typedef struct flow {
    uint8_t out[65536], in[4096];
    size_t sent, received, wrong;
    cb_socket socket;
} flow;

static uint8_t byte_at(size_t place)
{
    return (uint8_t)(place * 7 + place / 251);
}

static void send_more(cb_op *op)
{
    flow *self = op->user_data;
    CU_ASSERT_EQUAL_FATAL(op->error, CB_IO_OK);
    self->sent += op->send.sent;
    if (self->sent >= MUCH)
        return;
    /* Between little at a time and whole rooms. */
    size_t size = (self->sent / 65536) % 8 == 3 ? 100 : sizeof self->out;
    for (size_t i = 0; i < size; i++)
        self->out[i] = byte_at(self->sent + i);
    cb_op *next = cb_send(op->loop, self->socket, self->out, size, send_more, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    next->user_data = self;
}

static void receive_more(cb_op *op)
{
    flow *self = op->user_data;
    CU_ASSERT_EQUAL_FATAL(op->error, CB_IO_OK);
    for (size_t i = 0; i < op->recv.received; i++)
        self->wrong += self->in[i] != byte_at(self->received + i);
    self->received += op->recv.received;
    if (self->received < MUCH || self->sent > self->received)
        CU_ASSERT_TRUE(cb_op_exec(op, false));
}

static void much_arrives_whole(void)
{
    static flow self;
    cb_loop *loop = open_loop();
    cb_socket right;
    self = (flow){0};
    open_pair(loop, &self.socket, &right);
    cb_op *op = cb_recv(loop, right, self.in, sizeof self.in, receive_more, &ahead);
    op->user_data = &self;
    op = cb_send(loop, self.socket, self.out, 0, send_more, NULL);
    op->user_data = &self;
    while (self.sent < MUCH || self.received < self.sent)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.wrong, 0);
    CU_ASSERT_EQUAL(self.received, self.sent);
    close_two(loop, self.socket, right);
}

/* More than all the buffers hold comes for connections that nobody reads, beside one that works. */
static void lack_of_buffers_stops_nobody(void)
{
    static char much[16384];
    cb_loop *loop = open_loop();
    cb_socket left[PAIRS], right[PAIRS];
    char got[PAIRS][8];
    seen log = {0};
    for (unsigned i = 0; i < PAIRS; i++)
        open_pair(loop, &left[i], &right[i]);
    for (unsigned i = 0; i < PAIRS; i++)
        track(cb_recv(loop, right[i], got[i], 1, note, &ahead), &log, i);
    settle(loop);
    for (unsigned i = 0; i < PAIRS; i++)
        put_now(loop, left[i], much, sizeof much);
    run_to(loop, &log, PAIRS);
    settle(loop);
    for (unsigned i = 0; i < PAIRS; i++) {
        seen rest = {0};
        size_t total = 1;
        static char room[65536];
        while (total < sizeof much) {
            track(cb_recv(loop, right[i], room, sizeof room, note, &ahead), &rest, i);
            rest.count = 0;
            run_to(loop, &rest, 1);
            CU_ASSERT_EQUAL_FATAL(rest.error[0], CB_IO_OK);
            total += rest.bytes[0];
        }
        CU_ASSERT_EQUAL(total, sizeof much);
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        cb_close(loop, left[i], NULL);
        cb_close(loop, right[i], NULL);
    }
    run_all(loop);
    cb_loop_release(&loop);
}

/* After the loop's end the descriptor is others' to read, and nothing is taken off it any more. */
static void the_loops_end_leaves_the_socket_alone(void)
{
    cb_loop *loop = open_loop();
    int before = open_descriptors();
    cb_socket left, right;
    char got[8] = {0};
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, got, 1, note, &ahead), &log, 0);
    settle(loop);
    CU_ASSERT_EQUAL(send(left, "ab", 2, 0), 2);
    run_to(loop, &log, 1);
    track(cb_recv(loop, right, got, 8, note, &ahead), &log, 1);
    run_to(loop, &log, 2);
    track(cb_recv(loop, right, got, 8, note, &ahead), &log, 2);
    settle(loop);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(log.count, 3);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(send(left, "cd", 2, 0), 2);
    CU_ASSERT_EQUAL(recv(right, got, 8, 0), 2);
    CU_ASSERT_EQUAL(memcmp(got, "cd", 2), 0);
    close(left);
    close(right);
    CU_ASSERT(open_descriptors() <= before);
}

/* -- several accepts --------------------------------------------------------------------------- */

#define CLIENTS 40
#define ACCEPTS 5

static cb_socket clients[CLIENTS];
static uint16_t ports[CLIENTS];
static int accepted, wanted;

static void take_client(cb_op *op)
{
    CU_ASSERT_EQUAL_FATAL(op->error, CB_IO_OK);
    CU_ASSERT_FATAL(accepted < CLIENTS);
    CU_ASSERT(cb_endpoint_is_loopback(&op->accept.peer));
    ports[accepted] = op->accept.peer.port;
    clients[accepted++] = op->accept.client;
    if (accepted + ACCEPTS <= wanted)
        CU_ASSERT_TRUE(cb_op_exec(op, false));
}

static void start_accepts(cb_loop *loop, cb_socket listener, int count)
{
    for (int i = 0; i < count; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(cb_accept(loop, listener, take_client, NULL));
}

static void start_dials(cb_loop *loop, const cb_endpoint *where, seen dialled[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        dialled[i] = (seen){.socket = CB_NO_SOCKET};
        track(cb_dial(loop, where, note, NULL), &dialled[i], 0);
    }
}

static void finish_dials(cb_loop *loop, seen dialled[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        run_to(loop, &dialled[i], 1);
        CU_ASSERT_EQUAL(dialled[i].error[0], CB_IO_OK);
    }
}

static void close_all(cb_loop *loop, cb_socket listener, seen dialled[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++)
        cb_close(loop, dialled[i].socket, NULL);
    for (int i = 0; i < accepted; i++)
        cb_close(loop, clients[i], NULL);
    if (listener != CB_NO_SOCKET)
        cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Each client once, with its own address. */
static void check_clients(const seen dialled[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        cb_endpoint local;
        int found = 0;
        CU_ASSERT_EQUAL(cb_bound_endpoint(dialled[i].socket, &local, NULL), CB_OK);
        for (int k = 0; k < accepted; k++)
            found += ports[k] == local.port;
        CU_ASSERT_EQUAL(found, 1);
    }
}

static void several_accepts_take_every_client_once(void)
{
    static seen dialled[CLIENTS];
    cb_loop *loop = open_loop();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    accepted = 0;
    wanted = CLIENTS;
    start_accepts(loop, listener, ACCEPTS);
    start_dials(loop, &where, dialled);
    while (accepted < CLIENTS)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    finish_dials(loop, dialled);
    check_clients(dialled);
    close_all(loop, listener, dialled);
}

static void clients_that_nobody_waited_for_come_next(void)
{
    static seen dialled[CLIENTS];
    cb_loop *loop = open_loop();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    accepted = wanted = 0;
    start_accepts(loop, listener, ACCEPTS);
    settle(loop);
    start_dials(loop, &where, dialled);
    finish_dials(loop, dialled);
    settle(loop);
    CU_ASSERT_EQUAL(accepted, ACCEPTS);
    /* One by one, then all. */
    start_accepts(loop, listener, 1);
    while (accepted < ACCEPTS + 1)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    start_accepts(loop, listener, CLIENTS - accepted);
    while (accepted < CLIENTS)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    check_clients(dialled);
    close_all(loop, listener, dialled);
}

static void a_closed_listener_resets_clients_that_wait(void)
{
    static seen dialled[CLIENTS];
    cb_loop *loop = open_loop();
    int before = open_descriptors();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    seen closed = {0};
    char byte;
    accepted = wanted = 0;
    start_accepts(loop, listener, ACCEPTS);
    settle(loop);
    start_dials(loop, &where, dialled);
    finish_dials(loop, dialled);
    settle(loop);
    track(cb_close(loop, listener, note), &closed, 0);
    run_to(loop, &closed, 1);
    CU_ASSERT_EQUAL(accepted, ACCEPTS);
    int ended = 0;
    for (int i = 0; i < CLIENTS; i++) {
        seen log = {0};
        const cb_op_options limit = {.timeout_ns = 50 * MS};
        track(cb_recv(loop, dialled[i].socket, &byte, 1, note, &limit), &log, 0);
        run_to(loop, &log, 1);
        ended += log.error[0] == CB_IO_RESET;
    }
    CU_ASSERT_EQUAL(ended, CLIENTS - ACCEPTS);
    if (tested->world == NULL)
        CU_ASSERT_EQUAL(open_descriptors(), before + CLIENTS + ACCEPTS);
    close_all(loop, CB_NO_SOCKET, dialled);
}

static void close_client(cb_op *op)
{
    note(op);
    if (op->error == CB_IO_OK)
        cb_close(op->loop, op->accept.client, NULL);
}

/* Whether one accept waits or several. */
static void a_client_that_was_reset_is_a_client_all_the_same(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(where.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int accepts = 1; accepts <= 2; accepts++) {
        seen log = {0};
        for (int i = 0; i < accepts; i++)
            track(cb_accept(loop, listener, close_client, NULL), &log, 0);
        settle(loop);
        for (int i = 0; i < accepts; i++) {
            cb_socket client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            CU_ASSERT_EQUAL_FATAL(
                connect(client, (const struct sockaddr *)&address, sizeof address), 0);
            CU_ASSERT_EQUAL(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
            close(client);
        }
        run_to(loop, &log, accepts);
        for (int i = 0; i < accepts; i++)
            CU_ASSERT_EQUAL(log.error[i], CB_IO_OK);
    }
    cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- out of descriptors ------------------------------------------------------------------------ */

static void out_of_descriptors_is_told_and_passes(void)
{
    static seen dialled[CLIENTS];
    cb_loop *loop = open_loop();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where);
    seen log = {0};
    struct rlimit old, few;
    start_dials(loop, &where, dialled);
    finish_dials(loop, dialled);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t)(dialled[CLIENTS - 1].socket + 1);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < ACCEPTS; i++)
        track(cb_accept(loop, listener, note, NULL), &log, 0);
    run_to(loop, &log, ACCEPTS);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    for (int i = 0; i < ACCEPTS; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_RESOURCES);
    accepted = 0;
    wanted = CLIENTS;
    start_accepts(loop, listener, ACCEPTS);
    while (accepted < CLIENTS)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    check_clients(dialled);
    close_all(loop, listener, dialled);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(receives_come_in_order_and_the_end_last),
        TEST(what_nobody_waited_for_is_kept),
        TEST(a_limit_keeps_the_partial_count),
        TEST(close_and_remove_do_not_wait_for_bytes),
        TEST(much_arrives_whole),
        TEST(lack_of_buffers_stops_nobody),
        KERNEL_TEST(the_loops_end_leaves_the_socket_alone),
        TEST(several_accepts_take_every_client_once),
        TEST(clients_that_nobody_waited_for_come_next),
        TEST(a_closed_listener_resets_clients_that_wait),
        KERNEL_TEST(a_client_that_was_reset_is_a_client_all_the_same),
        KERNEL_TEST(out_of_descriptors_is_told_and_passes),
        CU_TEST_INFO_NULL};
    return run_tests("nbio ahead", tests);
}
