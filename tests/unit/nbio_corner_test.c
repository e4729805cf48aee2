/* Corners of the event loop: buffers larger than the kernel's counters, more at once than its
 * queues hold, the loop's end, and what a descriptor's close means for ops that only borrow it. */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/unit/nbio_support.h"

/* -- ticks ------------------------------------------------------------------------------------- */

static char big[8 << 20];

static cb_file make_file(cb_loop *loop, const char *name, const void *data, size_t size)
{
    char path[64];
    cb_file file;
    seen log = {0};
    (void)snprintf(path, sizeof path, "/tmp/cb_corner_%d_%s", (int)getpid(), name);
    CU_ASSERT_EQUAL_FATAL(
        cb_open_sync(loop, CB_CWD, path,
                     CB_FILE_READ | CB_FILE_WRITE | CB_FILE_CREATE | CB_FILE_TRUNCATE,
                     CB_PERMIT_DEFAULT_FILE, &file, NULL),
        CB_OK);
    if (tested->world == NULL)
        (void)unlink(path);
    track(cb_write(loop, file, 0, data, size, note, NULL), &log, 0);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(log.bytes[0], size);
    return file;
}

typedef struct stepping {
    cb_loop *loop;
    int tick, told_in, next_in;
} stepping;

static void on_next(cb_op *op)
{
    stepping *state = op->user_data;
    state->next_in = state->tick;
}

static void on_progress(cb_op *op)
{
    stepping *state = op->user_data;
    if (state->told_in != 0 || op->error != CB_IO_OK)
        return;
    state->told_in = state->tick;
    cb_next_tick(op->loop, on_next)->user_data = state;
}

/* Also of a callback that is told in the middle of its operation. */
static void what_a_progress_callback_submits_is_for_the_next_tick(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    stepping state = {.loop = loop};
    cb_file file = make_file(loop, "steps", big, sizeof big);
    open_pair(loop, &left, &right);
    cb_op *op = cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, true, on_progress, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->user_data = &state;
    while (state.next_in == 0) {
        state.tick++;
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(state.next_in, state.told_in + 1);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    cb_close(loop, file, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void close_client(cb_op *op)
{
    note(op);
    cb_socket made = op->type == CB_NBIO_ACCEPT ? op->accept.client : op->dial.socket;
    if (made != CB_NO_SOCKET)
        cb_close(op->loop, made, NULL);
}

/* -- counting and time ------------------------------------------------------------------------- */

static void count_from_within(cb_op *op)
{
    size_t *count = op->user_data;
    *count = cb_loop_num_waiting(op->loop);
}

static void waiting_counts_prepared_running_and_detached_ops(void)
{
    cb_loop *loop = open_loop();
    size_t within = 0;
    cb_op *prepared = cb_prep_timeout(loop, MS, NULL);
    cb_op *detached = cb_next_tick(loop, NULL);
    cb_op_detach(detached);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 2);
    cb_next_tick(loop, count_from_within)->user_data = &within;
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 3);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    CU_ASSERT_EQUAL(within, 3);
    cb_op_remove(&prepared);
    cb_op_reattach(detached);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 0);
    cb_loop_release(&loop);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * MS + now.tv_nsec;
}

static void the_time_is_the_monotonic_clocks_read_once_a_tick(void)
{
    cb_loop *loop = open_loop();
    int64_t before = monotonic_ns();
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    int64_t now = cb_loop_now(loop);
    CU_ASSERT(now >= before && now <= monotonic_ns());
    spend(loop, MS);
    CU_ASSERT_EQUAL(cb_loop_now(loop), now);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT(cb_loop_now(loop) >= now + MS);
    cb_loop_release(&loop);
}

/* Bytes that trickle in do not prolong the limit of a transfer. */
static void a_limit_covers_the_whole_transfer(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[64];
    seen log = {0};
    const cb_op_options all = {.timeout_ns = 20 * MS, .transfer = CB_TRANSFER_ALL};
    open_pair(loop, &left, &right);
    int64_t start = cb_loop_clock(loop);
    track(cb_recv(loop, right, bytes, sizeof bytes, note, &all), &log, 0);
    size_t sent = 0;
    for (; log.count == 0 && sent < 40; sent++) {
        put_now(loop, left, "x", 1);
        spend(loop, MS);
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(log.count, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    CU_ASSERT(log.bytes[0] > 0 && log.bytes[0] <= sent);
    CU_ASSERT(cb_loop_clock(loop) - start >= 20 * MS);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* The thread sanitizer runs handlers later, at the calls that it knows; the loop makes none. */
#ifndef __SANITIZE_THREAD__
static cb_loop *alarmed;

static void on_signal(int number)
{
    (void)number;
    cb_loop_wake_up(alarmed);
}

static void a_signal_handler_wakes_the_loop(void)
{
    struct sigaction action = {.sa_handler = on_signal}, old;
    const struct itimerspec soon = {.it_value.tv_nsec = 2 * MS};
    struct sigevent by_signal = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    timer_t timer;
    alarmed = open_loop();
    CU_ASSERT_EQUAL_FATAL(sigaction(SIGUSR2, &action, &old), 0);
    CU_ASSERT_EQUAL_FATAL(timer_create(CLOCK_MONOTONIC, &by_signal, &timer), 0);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(timer_settime(timer, 0, &soon, NULL), 0);
        CU_ASSERT_EQUAL(cb_loop_tick(alarmed, -1, NULL), CB_OK);
    }
    CU_ASSERT_EQUAL(timer_delete(timer), 0);
    CU_ASSERT_EQUAL(sigaction(SIGUSR2, &old, NULL), 0);
    cb_loop_release(&alarmed);
}
#endif

/* -- much -------------------------------------------------------------------------------------- */

/* What one counter of the kernel cannot hold: a multiple of 4 GiB, and a little more. */
static void buffers_of_more_than_four_gib_are_no_empty_ones(void)
{
    static const size_t sizes[] = {(size_t)1 << 32, ((size_t)1 << 32) + 3};
    char *memory = mmap(NULL, ((size_t)1 << 32) + 3, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CU_ASSERT_FATAL(memory != MAP_FAILED);
    const cb_op_options part = {.transfer = CB_TRANSFER_PARTIAL};
    for (int i = 0; i < 2; i++) {
        cb_loop *loop = open_loop();
        cb_socket left, right;
        seen received = {0}, sent = {0};
        open_pair(loop, &left, &right);
        track(cb_recv(loop, right, memory, sizes[i], note, NULL), &received, 0);
        put_now(loop, left, "abcdefgh", 8);
        run_to(loop, &received, 1);
        CU_ASSERT_EQUAL(received.error[0], CB_IO_OK);
        CU_ASSERT_EQUAL(received.bytes[0], 8);
        CU_ASSERT_FALSE(received.ended);
        track(cb_send(loop, left, memory, sizes[i], note, &part), &sent, 0);
        run_to(loop, &sent, 1);
        CU_ASSERT_EQUAL(sent.error[0], CB_IO_OK);
        CU_ASSERT(sent.bytes[0] > 3);
        cb_close(loop, left, NULL);
        cb_close(loop, right, NULL);
        run_all(loop);
        cb_loop_release(&loop);
    }
    (void)munmap(memory, ((size_t)1 << 32) + 3);
}

static void count_ok(cb_op *op)
{
    int *count = op->user_data;
    *count += op->error == CB_IO_OK;
}

/* Far more than the kernel has room for, both of what it is asked and of what it answers. */
static void twenty_thousand_ops_at_once_all_report(void)
{
    enum { COUNT = 20000 };
    cb_loop *loop = open_loop();
    cb_socket left, right;
    int looked_at = 0, ready = 0, received = 0;
    static char bytes[COUNT];
    open_pair(loop, &left, &right);
    for (int i = 0; i < COUNT; i++) {
        cb_stat(loop, left, count_ok, NULL)->user_data = &looked_at;
        cb_poll(loop, right, CB_POLL_WRITABLE, count_ok, NULL)->user_data = &ready;
        cb_recv(loop, right, &bytes[i], 1, count_ok, NULL)->user_data = &received;
    }
    cb_send(loop, left, big, COUNT, NULL, NULL);
    run_all(loop);
    CU_ASSERT_EQUAL(looked_at, COUNT);
    CU_ASSERT_EQUAL(ready, COUNT);
    CU_ASSERT_EQUAL(received, COUNT);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void the_last_place_of_a_file_is_a_place(void)
{
    cb_loop *loop = open_loop();
    char byte = 'x';
    seen log = {0};
    cb_file file = make_file(loop, "far", "12345", 5);
    track(cb_read(loop, file, INT64_MAX, &byte, 1, note, NULL), &log, 0);
    track(cb_write(loop, file, INT64_MAX, &byte, 1, note, NULL), &log, 1);
    run_all(loop);
    CU_ASSERT_EQUAL_FATAL(log.count, 2);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_NOT_EQUAL(log.error[i], CB_IO_OK);
        CU_ASSERT_EQUAL(log.bytes[i], 0);
    }
    cb_close(loop, file, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- removal ----------------------------------------------------------------------------------- */

/* The others go on in their order, and the bytes are theirs. */
static void a_receive_can_be_removed_from_the_middle_of_its_queue(void)
{
    cb_loop *loop = open_loop();
    char bytes[5][2];
    for (int gone = 0; gone < 5; gone++) {
        cb_socket left, right;
        cb_op *ops[5];
        seen log = {0};
        open_pair(loop, &left, &right);
        for (uintptr_t i = 0; i < 5; i++)
            ops[i] = track(cb_recv(loop, right, bytes[i], 2, note, NULL), &log, i);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        cb_op_remove(&ops[gone]);
        put_now(loop, left, "aabbccdd", 8);
        run_to(loop, &log, 4);
        for (int i = 0; i < 4; i++) {
            uintptr_t number = (uintptr_t)(i < gone ? i : i + 1);
            CU_ASSERT_EQUAL(log.first_word[i], number);
            CU_ASSERT_EQUAL(log.bytes[i], 2);
            CU_ASSERT_EQUAL(bytes[number][0], "abcd"[i]);
        }
        cb_close(loop, left, NULL);
        cb_close(loop, right, NULL);
        run_all(loop);
    }
    cb_loop_release(&loop);
}

/* -- borrowed descriptors ---------------------------------------------------------------------- */

/* The file's number may be another's at once, so nothing more may be read from it. */
static void closing_a_file_cancels_its_sending_first(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    cb_file file = make_file(loop, "lent", big, sizeof big);
    open_pair(loop, &left, &right);
    track(cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, false, note, NULL), &log, 1);
    track(cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, false, note, NULL), &log, 2);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(log.count, 0);
    track(cb_close(loop, file, note), &log, 3);
    run_to(loop, &log, 3);
    for (uintptr_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(log.first_word[i], i + 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Wherever the loop keeps what has come: in the kernel, or taken ahead. */
static void what_was_taken_ahead_is_readable(void)
{
    cb_loop *loop = open_loop();
    const cb_op_options limit = {.timeout_ns = 500 * MS};
    const cb_op_options ahead = {.read_ahead = true};
    for (int polls_first = 0; polls_first < 2; polls_first++) {
        cb_socket left, right;
        char byte;
        seen received = {0}, polled = {0};
        open_pair(loop, &left, &right);
        track(cb_recv(loop, right, &byte, 1, note, &ahead), &received, 0);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        if (polls_first == 1)
            track(cb_poll(loop, right, CB_POLL_READABLE, note, &limit), &polled, 0);
        put_now(loop, left, "abc", 3);
        run_to(loop, &received, 1);
        if (polls_first == 0)
            track(cb_poll(loop, right, CB_POLL_READABLE, note, &limit), &polled, 0);
        run_to(loop, &polled, 1);
        CU_ASSERT_EQUAL(polled.error[0], CB_IO_OK);
        cb_close(loop, left, NULL);
        cb_close(loop, right, NULL);
        run_all(loop);
    }
    cb_loop_release(&loop);
}

static void note_ready(cb_op *op)
{
    note(op);
    *(uint32_t *)op->user[1] = op->poll.ready;
}

/* Neither has to be asked for. */
static void a_broken_connection_is_ready_with_an_error(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    uint32_t ready = 0;
    seen polled = {0};
    open_pair(loop, &left, &right);
    cb_op *op = cb_poll(loop, right, CB_POLL_READABLE, note_ready, NULL);
    track(op, &polled, 0)->user[1] = (uintptr_t)&ready;
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(polled.count, 0);
    cb_reset_at_close(left);
    cb_close(loop, left, NULL);
    run_to(loop, &polled, 1);
    CU_ASSERT_EQUAL(polled.error[0], CB_IO_OK);
    CU_ASSERT((ready & CB_POLL_ERROR) != 0);
    CU_ASSERT_EQUAL(ready & CB_POLL_WRITABLE, 0);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Two accepts wait and three clients come. */
static void a_listener_with_clients_left_is_readable(void)
{
    cb_loop *loop = open_loop();
    const cb_op_options limit = {.timeout_ns = 500 * MS};
    for (int polls_first = 0; polls_first < 2; polls_first++) {
        cb_endpoint where;
        seen accepted = {0}, dialled = {0}, polled = {0};
        cb_socket listener = open_listener(loop, &where);
        for (uintptr_t i = 0; i < 2; i++)
            track(cb_accept(loop, listener, close_client, NULL), &accepted, i);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        if (polls_first == 1)
            track(cb_poll(loop, listener, CB_POLL_READABLE, note, &limit), &polled, 0);
        for (int i = 0; i < 3; i++)
            track(cb_dial(loop, &where, close_client, NULL), &dialled, 0);
        run_to(loop, &dialled, 3);
        run_to(loop, &accepted, 2);
        if (polls_first == 0)
            track(cb_poll(loop, listener, CB_POLL_READABLE, note, &limit), &polled, 0);
        run_to(loop, &polled, 1);
        CU_ASSERT_EQUAL(polled.error[0], CB_IO_OK);
        cb_close(loop, listener, NULL);
        run_all(loop);
    }
    cb_loop_release(&loop);
}

/* It is told that it cannot be, however the clients are accepted. */
static void nothing_is_received_from_a_listener(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    char byte;
    seen accepted = {0}, dialled = {0}, received = {0};
    const cb_op_options limit = {.timeout_ns = 500 * MS};
    cb_socket listener = open_listener(loop, &where);
    for (uintptr_t i = 0; i < 2; i++)
        track(cb_accept(loop, listener, close_client, NULL), &accepted, i);
    track(cb_recv(loop, listener, &byte, 1, note, &limit), &received, 0);
    for (int i = 0; i < 2; i++)
        track(cb_dial(loop, &where, close_client, NULL), &dialled, 0);
    run_to(loop, &received, 1);
    CU_ASSERT_EQUAL(accepted.count, 2);
    CU_ASSERT_EQUAL(received.error[0], CB_IO_NOT_CONNECTED);
    cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* -- numbers that a program remembers for too long --------------------------------------------- */

/* Another descriptor that is being connected has got one: whoever waits on it is told, whatever
 * becomes of that. */
static void a_number_of_a_dial_under_way_can_be_used(void)
{
    int before = open_descriptors();
    for (int way = 0; way < 3; way++) {
        cb_loop *loop = open_loop();
        cb_endpoint where;
        char byte;
        seen received = {0}, dialled = {0}, closed = {0};
        const cb_op_options limit = {.timeout_ns = 500 * MS};
        cb_socket listener = open_listener(loop, &where);
        cb_close(loop, listener, NULL);
        run_all(loop);
        int number = dup(0);
        (void)close(number);
        cb_op *dial = track(cb_dial(loop, &where, note, NULL), &dialled, 0);
        track(cb_recv(loop, number, &byte, 1, note, &limit), &received, 0);
        if (way == 1)
            track(cb_close(loop, number, note), &closed, 0);
        else if (way == 2)
            cb_op_remove(&dial);
        run_all(loop);
        CU_ASSERT_EQUAL(received.count, 1);
        CU_ASSERT_NOT_EQUAL(received.error[0], CB_IO_OK);
        CU_ASSERT_EQUAL(dialled.count, way == 2 ? 0 : 1);
        /* The receive may have been told of the refusal in place of the dial. */
        if (way == 0 && dialled.socket != CB_NO_SOCKET)
            (void)close(dialled.socket);
        else
            CU_ASSERT_EQUAL(dialled.socket, way == 2 ? 0 : CB_NO_SOCKET);
        CU_ASSERT_EQUAL(closed.count, way == 1);
        CU_ASSERT_EQUAL(closed.error[0], CB_IO_OK);
        cb_loop_release(&loop);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* -- the loop's end ---------------------------------------------------------------------------- */

/* Whoever holds a detached op learns that it is gone, and does not take what came of it earlier
 * for something new. */
static void the_end_tells_detached_ops_too(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    seen log = {0}, dialled = {0};
    cb_socket listener = open_listener(loop, &where);
    cb_op *op = track(cb_accept(loop, listener, note, NULL), &log, 1);
    cb_op_detach(op);
    track(cb_dial(loop, &where, note, NULL), &dialled, 0);
    run_to(loop, &log, 1);
    run_to(loop, &dialled, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_OK);
    cb_close(loop, log.socket, NULL);
    cb_close(loop, dialled.socket, NULL);
    cb_close(loop, listener, NULL);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(log.count, 2);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.socket, CB_NO_SOCKET);
}

/* Each is told, and what nobody else can close is closed. */
static void the_end_leaves_no_descriptor_of_unfinished_ops(void)
{
    int before = open_descriptors();
    for (int ticks = 0; ticks < 3; ticks++) {
        cb_loop *loop = open_loop();
        cb_endpoint where;
        cb_socket left, right, listener = open_listener(loop, &where);
        seen dialled = {.socket = CB_NO_SOCKET}, sent = {0}, closed = {0};
        cb_file file = make_file(loop, "end", big, sizeof big);
        open_pair(loop, &left, &right);
        track(cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, true, note, NULL), &sent, 0);
        for (int i = 0; i < ticks; i++)
            CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        track(cb_dial(loop, &where, note, NULL), &dialled, 0);
        track(cb_close(loop, right, note), &closed, 0);
        int told = sent.count;
        cb_loop_release(&loop);
        CU_ASSERT_EQUAL(dialled.count, 1);
        CU_ASSERT(sent.count > told);
        CU_ASSERT_EQUAL(closed.count, 1);
        if (tested->world != NULL)
            continue;
        if (dialled.socket != CB_NO_SOCKET)
            (void)close(dialled.socket);
        CU_ASSERT_NOT_EQUAL(fcntl(right, F_GETFD), 0);
        (void)close(listener);
        (void)close(left);
        (void)close(file);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(what_a_progress_callback_submits_is_for_the_next_tick),
        TEST(waiting_counts_prepared_running_and_detached_ops),
        KERNEL_TEST(the_time_is_the_monotonic_clocks_read_once_a_tick),
        TEST(a_limit_covers_the_whole_transfer),
#ifndef __SANITIZE_THREAD__
        KERNEL_TEST(a_signal_handler_wakes_the_loop),
#endif
        KERNEL_TEST(buffers_of_more_than_four_gib_are_no_empty_ones),
        TEST(twenty_thousand_ops_at_once_all_report),
        TEST(the_last_place_of_a_file_is_a_place),
        TEST(a_receive_can_be_removed_from_the_middle_of_its_queue),
        TEST(closing_a_file_cancels_its_sending_first),
        TEST(what_was_taken_ahead_is_readable),
        TEST(a_broken_connection_is_ready_with_an_error),
        TEST(a_listener_with_clients_left_is_readable),
        TEST(nothing_is_received_from_a_listener),
        KERNEL_TEST(a_number_of_a_dial_under_way_can_be_used),
        TEST(the_end_tells_detached_ops_too),
        TEST(the_end_leaves_no_descriptor_of_unfinished_ops),
        CU_TEST_INFO_NULL};
    return run_tests("nbio corners", tests);
}
