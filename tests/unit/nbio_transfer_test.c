/* Recv, send and poll: order, amounts, time limits, ends of streams. */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/unit/nbio_support.h"

static void close_both(cb_loop *loop, cb_socket left, cb_socket right)
{
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void no_callback_inside_the_submitting_call(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[4];
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_send(loop, left, "abcd", 4, note, NULL), &log, 1);
    CU_ASSERT_EQUAL(log.count, 0);
    run_to(loop, &log, 1);
    track(cb_recv(loop, right, bytes, 4, note, NULL), &log, 2);
    CU_ASSERT_EQUAL(log.count, 1);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(log.bytes[0], 4);
    CU_ASSERT_EQUAL(log.bytes[1], 4);
    CU_ASSERT_EQUAL(memcmp(bytes, "abcd", 4), 0);
    close_both(loop, left, right);
}

static void several_recvs_complete_in_order(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[3][2];
    seen log = {0}, sent = {0};
    open_pair(loop, &left, &right);
    for (uintptr_t i = 0; i < 3; i++)
        track(cb_recv(loop, right, bytes[i], 2, note, NULL), &log, i);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    track(cb_send(loop, left, "aabbcc", 6, note, NULL), &sent, 0);
    run_all(loop);
    CU_ASSERT_EQUAL_FATAL(log.count, 3);
    for (uintptr_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(log.first_word[i], i);
        CU_ASSERT_EQUAL(log.bytes[i], 2);
        CU_ASSERT_EQUAL(bytes[i][0], "abc"[i]);
    }
    close_both(loop, left, right);
}

static void recv_all_waits_and_end_of_stream_is_short(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[10];
    seen log = {0}, sent = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, bytes, 6, note, &all), &log, 1);
    track(cb_recv(loop, right, bytes + 6, 4, note, &all), &log, 2);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(log.count, i / 3);
        track(cb_send(loop, left, &"0123456789"[2 * i], 2, note, NULL), &sent, 0);
        run_to(loop, &sent, i + 1);
        if (i == 2)
            run_to(loop, &log, 1);
    }
    CU_ASSERT_EQUAL(cb_shutdown_send(left, NULL), CB_OK);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(log.bytes[0], 6);
    CU_ASSERT_EQUAL(log.bytes[1], 2);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    CU_ASSERT_TRUE(log.ended);
    CU_ASSERT_EQUAL(memcmp(bytes, "01234567", 8), 0);
    track(cb_recv(loop, right, bytes, 1, note, NULL), &log, 3);
    run_to(loop, &log, 3);
    CU_ASSERT_EQUAL(log.bytes[2], 0);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    close_both(loop, left, right);
}

static void partial_count_survives_a_time_limit(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[20];
    seen log = {0}, sent = {0};
    const cb_op_options all = {.timeout_ns = 5 * MS, .transfer = CB_TRANSFER_ALL};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, bytes, 20, note, &all), &log, 1);
    track(cb_send(loop, left, "12345", 5, note, NULL), &sent, 0);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    CU_ASSERT_EQUAL(log.bytes[0], 5);
    CU_ASSERT_EQUAL(memcmp(bytes, "12345", 5), 0);
    close_both(loop, left, right);
}

static void check_list(cb_op *op)
{
    const cb_bytes *list = op->type == CB_NBIO_RECV ? op->recv.bufs : op->send.bufs;
    size_t count = op->type == CB_NBIO_RECV ? op->recv.buf_count : op->send.buf_count;
    CU_ASSERT_EQUAL(count, op->user[1]);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_PTR_EQUAL(list[i].data, (char *)op->user[2] + 3 * i);
        CU_ASSERT_EQUAL(list[i].size, 3);
    }
    note(op);
}

/* Lists inside the op, beyond it, and beyond what one system call takes. */
static void lists_are_copied_and_reported_unchanged(void)
{
    static char from[3 * 200], to[3 * 200];
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    open_pair(loop, &left, &right);
    static const size_t counts[] = {1, 2, 5, 200};
    for (int round = 0; round < 4; round++) {
        cb_bytes out[200], in[200];
        size_t count = counts[round];
        for (size_t i = 0; i < 3 * count; i++)
            from[i] = (char)(i * 7 + (size_t)round);
        for (size_t i = 0; i < count; i++) {
            out[i] = (cb_bytes){from + 3 * i, 3};
            in[i] = (cb_bytes){to + 3 * i, 3};
        }
        cb_op *recv = track(cb_recv_list(loop, right, in, count, check_list, &all), &log, 0);
        cb_op *send = track(cb_send_list(loop, left, out, count, NULL, check_list, NULL), &log, 0);
        recv->user[1] = send->user[1] = count;
        recv->user[2] = (uintptr_t)to;
        send->user[2] = (uintptr_t)from;
        memset(out, 0, sizeof out);
        memset(in, 0, sizeof in);
        run_all(loop);
        CU_ASSERT_EQUAL(log.count, 2 * round + 2);
        CU_ASSERT_EQUAL(log.bytes[2 * round], 3 * count);
        CU_ASSERT_EQUAL(memcmp(from, to, 3 * count), 0);
    }
    close_both(loop, left, right);
}

static char big[4 << 20], got[4 << 20];

static void send_all_against_a_full_socket(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen sent = {0}, received = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    const cb_op_options part = {.transfer = CB_TRANSFER_PARTIAL};
    const int small = 65536;
    open_pair(loop, &left, &right);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i ^ i >> 9);
    track(cb_send(loop, left, big, sizeof big - 1, note, NULL), &sent, 1);
    track(cb_send(loop, left, big + sizeof big - 1, 1, note, NULL), &sent, 2);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(sent.count, 0);
    track(cb_recv(loop, right, got, sizeof got, note, &all), &received, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(sent.bytes[0], sizeof big - 1);
    CU_ASSERT_EQUAL(sent.first_word[1], 2);
    CU_ASSERT_EQUAL(received.bytes[0], sizeof got);
    CU_ASSERT_EQUAL(memcmp(big, got, sizeof got), 0);
    if (tested->world == NULL)
        CU_ASSERT_EQUAL(setsockopt(left, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    track(cb_send(loop, left, big, sizeof big, note, &part), &sent, 3);
    run_to(loop, &sent, 3);
    CU_ASSERT(sent.bytes[2] > 0 && sent.bytes[2] < sizeof big);
    close_both(loop, left, right);
}

static void send_time_limit_keeps_its_count(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen sent = {0};
    const cb_op_options limit = {.timeout_ns = 3 * MS};
    open_pair(loop, &left, &right);
    track(cb_send(loop, left, big, sizeof big, note, NULL), &sent, 0);
    track(cb_send(loop, left, big, sizeof big, note, &limit), &sent, 0);
    run_to(loop, &sent, 1);
    CU_ASSERT_EQUAL(sent.error[0], CB_IO_TIMEOUT);
    CU_ASSERT_EQUAL(sent.bytes[0], 0);
    cb_close(loop, left, NULL);
    run_to(loop, &sent, 2);
    CU_ASSERT_EQUAL(sent.error[1], CB_IO_CANCELED);
    CU_ASSERT(sent.bytes[1] > 0 && sent.bytes[1] < sizeof big);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void sending_to_a_peer_that_is_gone(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    open_pair(loop, &left, &right);
    cb_close(loop, right, NULL);
    run_all(loop);
    for (int i = 0; i < 3; i++) {
        track(cb_send(loop, left, "x", 1, note, NULL), &log, 0);
        run_all(loop);
    }
    CU_ASSERT(log.error[2] == CB_IO_CLOSED || log.error[2] == CB_IO_RESET);
    cb_close(loop, left, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void poll_has_level_semantics(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uint64_t counter = 1;
    const cb_op_options limit = {.timeout_ns = MS};
    track(cb_poll(loop, fd, CB_POLL_READABLE, note, &limit), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    CU_ASSERT_EQUAL(write(fd, &counter, sizeof counter), (ssize_t)sizeof counter);
    /* Ready, not read, and asked again and again: ready each time. */
    for (int i = 1; i <= 3; i++) {
        track(cb_poll(loop, fd, CB_POLL_READABLE, note, &limit), &log, 0);
        run_all(loop);
        CU_ASSERT_EQUAL(log.error[i], CB_IO_OK);
    }
    CU_ASSERT_EQUAL(read(fd, &counter, sizeof counter), (ssize_t)sizeof counter);
    track(cb_poll(loop, fd, CB_POLL_READABLE, note, &limit), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[4], CB_IO_TIMEOUT);
    track(cb_poll(loop, fd, CB_POLL_WRITABLE | CB_POLL_READABLE, note, &limit), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[5], CB_IO_OK);
    cb_loop_forget(loop, fd);
    close(fd);
    cb_loop_release(&loop);
}

static void count_ready(cb_op *op)
{
    int *ready = op->user_data;
    *ready += op->error == CB_IO_OK;
}

/* More is ready than one call of the kernel reports, and every limit has passed. */
static void what_is_ready_goes_before_time_limits(void)
{
    enum { COUNT = 900 };
    static int fds[COUNT];
    cb_loop *loop = open_loop();
    int ready = 0, count = 0;
    const cb_op_options limit = {.timeout_ns = 1};
    while (count < COUNT && (fds[count] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0)
        cb_poll(loop, fds[count++], CB_POLL_READABLE, count_ready, &limit)->user_data = &ready;
    CU_ASSERT_EQUAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    CU_ASSERT_EQUAL(ready, count);
    CU_ASSERT(count > 512);
    for (int i = 0; i < count; i++)
        cb_close(loop, fds[i], NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Somebody else closed a descriptor that was polled, and its number came back. */
static void a_forgotten_number_starts_afresh(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    uint64_t counter = 1;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    track(cb_poll(loop, fd, CB_POLL_READABLE, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    cb_loop_forget(loop, fd);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_CANCELED);
    close(fd);
    int again = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CU_ASSERT_EQUAL(again, fd);
    track(cb_poll(loop, again, CB_POLL_READABLE, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(write(again, &counter, sizeof counter), (ssize_t)sizeof counter);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    /* Closed without a word: polling finds its way. */
    close(again);
    CU_ASSERT_EQUAL(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), fd);
    track(cb_poll(loop, fd, CB_POLL_READABLE, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    cb_loop_forget(loop, fd);
    close(fd);
    cb_loop_release(&loop);
}

static void end_of_stream_right_after_data(void)
{
    cb_loop *loop = open_loop();
    char bytes[64];
    for (int i = 0; i < 200; i++) {
        cb_socket left, right;
        seen log = {0};
        open_pair(loop, &left, &right);
        track(cb_recv(loop, right, bytes, sizeof bytes, note, NULL), &log, 0);
        CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        put_now(loop, left, "data", 4);
        if (i % 2 == 0)
            CU_ASSERT_EQUAL(cb_shutdown_send(left, NULL), CB_OK);
        run_to(loop, &log, 1);
        track(cb_recv(loop, right, bytes, sizeof bytes, note, NULL), &log, 0);
        if (i % 2 == 1)
            CU_ASSERT_EQUAL(cb_shutdown_send(left, NULL), CB_OK);
        run_to(loop, &log, 2);
        CU_ASSERT_EQUAL(log.bytes[0], 4);
        CU_ASSERT_EQUAL(log.bytes[1], 0);
        cb_close(loop, left, NULL);
        cb_close(loop, right, NULL);
        run_all(loop);
    }
    cb_loop_release(&loop);
}

static void what_was_sent_before_a_close_arrives(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[8];
    seen log = {0}, sent = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, bytes, sizeof bytes, note, &all), &log, 0);
    track(cb_send(loop, left, "abc", 3, note, NULL), &sent, 1);
    if (tested->world != NULL)
        run_to(loop, &sent, 1);
    cb_close(loop, left, NULL);
    run_all(loop);
    CU_ASSERT_EQUAL(sent.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[0], 3);
    CU_ASSERT_TRUE(log.ended);
    cb_close(loop, right, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

/* Urgent data makes reads short although more is there. */
static void urgent_data_does_not_stall(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    char bytes[16];
    size_t total = 0;
    seen log = {0};
    open_pair(loop, &left, &right);
    track(cb_recv(loop, right, bytes, sizeof bytes, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(send(left, "abc", 3, 0), 3);
    CU_ASSERT_EQUAL(send(left, "!", 1, MSG_OOB), 1);
    CU_ASSERT_EQUAL(send(left, "def", 3, 0), 3);
    for (int i = 0; total < 6; i++) {
        run_to(loop, &log, i + 1);
        total += log.bytes[i];
        if (total < 6)
            track(cb_recv(loop, right, bytes, sizeof bytes, note, NULL), &log, 0);
    }
    CU_ASSERT_EQUAL(total, 6);
    close_both(loop, left, right);
}

int main(void)
{
    static const CU_TestInfo tests[] = {TEST(no_callback_inside_the_submitting_call),
                                        TEST(several_recvs_complete_in_order),
                                        TEST(recv_all_waits_and_end_of_stream_is_short),
                                        TEST(partial_count_survives_a_time_limit),
                                        TEST(lists_are_copied_and_reported_unchanged),
                                        TEST(send_all_against_a_full_socket),
                                        TEST(send_time_limit_keeps_its_count),
                                        TEST(sending_to_a_peer_that_is_gone),
                                        KERNEL_TEST(poll_has_level_semantics),
                                        KERNEL_TEST(what_is_ready_goes_before_time_limits),
                                        KERNEL_TEST(a_forgotten_number_starts_afresh),
                                        TEST(end_of_stream_right_after_data),
                                        TEST(what_was_sent_before_a_close_arrives),
                                        KERNEL_TEST(urgent_data_does_not_stall),
                                        CU_TEST_INFO_NULL};
    return run_tests("nbio transfers", tests);
}
