/* Files: opened, read and written at places, sent over a socket, read whole. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/nbio_support.h"

#define CREATE (CB_FILE_READ | CB_FILE_WRITE | CB_FILE_CREATE | CB_FILE_TRUNCATE)

static char path[64];

static void choose_path(const char *name)
{
    (void)snprintf(path, sizeof path, "/tmp/cb_nbio_%d_%s", (int)getpid(), name);
}

static cb_file make_file(cb_loop *loop, const char *name, const char *text, size_t size)
{
    cb_file file;
    seen log = {0};
    choose_path(name);
    CU_ASSERT_EQUAL_FATAL(
        cb_open_sync(loop, CB_CWD, path, CREATE, CB_PERMIT_DEFAULT_FILE, &file, NULL), CB_OK);
    if (size > 0) {
        track(cb_write(loop, file, 0, text, size, note, NULL), &log, 0);
        run_to(loop, &log, 1);
        CU_ASSERT_EQUAL(log.error[0], CB_IO_OK);
        CU_ASSERT_EQUAL(log.bytes[0], size);
    }
    return file;
}

static void close_file(cb_loop *loop, cb_file file)
{
    cb_close(loop, file, NULL);
    run_all(loop);
    if (tested->world == NULL)
        (void)unlink(path);
}

static void check_open(cb_op *op)
{
    note(op);
    CU_ASSERT_STRING_EQUAL(op->open.path, path);
    CU_ASSERT_EQUAL(op->open.file >= 0, op->error == CB_IO_OK);
    *(cb_file *)op->user[1] = op->open.file;
}

static cb_file open_and_wait(cb_loop *loop, uint32_t flags, cb_io_error expected)
{
    seen log = {0};
    cb_file file = -5;
    cb_op *op = cb_open(loop, CB_CWD, path, flags, CB_PERMIT_DEFAULT_FILE, check_open, NULL);
    track(op, &log, 0)->user[1] = (uintptr_t)&file;
    CU_ASSERT_EQUAL(log.count, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], expected);
    return file;
}

static void open_makes_and_finds_files(void)
{
    cb_loop *loop = open_loop();
    choose_path("open");
    CU_ASSERT_EQUAL(open_and_wait(loop, CB_FILE_READ, CB_IO_NOT_FOUND), CB_NO_FILE);
    cb_file file =
        open_and_wait(loop, CB_FILE_WRITE | CB_FILE_CREATE | CB_FILE_EXCLUSIVE, CB_IO_OK);
    open_and_wait(loop, CB_FILE_WRITE | CB_FILE_CREATE | CB_FILE_EXCLUSIVE, CB_IO_EXISTS);
    cb_file again = open_and_wait(loop, 0, CB_IO_OK);
    if (tested->world == NULL) {
        CU_ASSERT((fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
        CU_ASSERT((fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY);
        CU_ASSERT((fcntl(again, F_GETFL) & O_ACCMODE) == O_RDONLY);
        CU_ASSERT_EQUAL(cb_associate_handle(loop, again, NULL), CB_OK);
    }
    cb_close(loop, again, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void opening_a_pipe_does_not_hold_up_the_loop(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    seen timer = {0};
    choose_path("pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    track(cb_open(loop, CB_CWD, path, CB_FILE_READ, 0, note, NULL), &log, 0);
    track(cb_timeout(loop, MS, note), &timer, 1);
    run_to(loop, &timer, 1);
    /* A back end may have a thread of the kernel wait for this end. */
    int other = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT(other >= 0);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL_FATAL(log.error[0], CB_IO_OK);
    CU_ASSERT((fcntl(log.file, F_GETFL) & O_NONBLOCK) == 0);
    (void)close(other);
    close_file(loop, log.file);
    cb_loop_release(&loop);
}

static void open_refuses_flags_that_do_not_go_together(void)
{
    static const uint32_t bad[] = {CB_FILE_READ | CB_FILE_TRUNCATE, CB_FILE_APPEND,
                                   CB_FILE_WRITE | CB_FILE_EXCLUSIVE, 1u << 20,
                                   CB_FILE_WRITE | CB_FILE_DIRECTORY};
    cb_loop *loop = open_loop();
    cb_file file = 7;
    seen log = {0};
    for (int i = 0; i < 5; i++) {
        track(cb_open(loop, CB_CWD, "/tmp", bad[i], 0, note, NULL), &log, 0);
        CU_ASSERT_EQUAL(cb_open_sync(loop, CB_CWD, "/tmp", bad[i], 0, &file, NULL), CB_INVALID);
        CU_ASSERT_EQUAL(file, CB_NO_FILE);
    }
    track(cb_open(loop, CB_CWD, NULL, 0, 0, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 6);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_INVALID);
    cb_error error;
    CU_ASSERT_EQUAL(cb_open_sync(loop, CB_CWD, "/nowhere/at/all", 0, 0, &file, &error), CB_IO);
    CU_ASSERT_EQUAL(error.sys_errno, ENOENT);
    cb_loop_release(&loop);
}

static void open_starts_at_a_directory(void)
{
    cb_loop *loop = open_loop();
    cb_file directory, file;
    seen log = {0};
    cb_file made = make_file(loop, "relative", "x", 1);
    CU_ASSERT_EQUAL(cb_open_sync(loop, CB_CWD, "/tmp", CB_FILE_DIRECTORY, 0, &directory, NULL),
                    CB_OK);
    CU_ASSERT_EQUAL(cb_open_sync(loop, directory, path + 5, 0, 0, &file, NULL), CB_OK);
    track(cb_open(loop, made, path + 5, 0, 0, note, NULL), &log, 0);
    track(cb_open(loop, CB_CWD, path, CB_FILE_DIRECTORY, 0, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_NOT_DIRECTORY);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_NOT_DIRECTORY);
    cb_close(loop, directory, NULL);
    cb_close(loop, file, NULL);
    close_file(loop, made);
    cb_loop_release(&loop);
}

static void read_and_write_name_their_place(void)
{
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "places", "0123456789", 10);
    char bytes[16] = {0};
    seen log = {0};
    track(cb_read(loop, file, 4, bytes, 3, note, NULL), &log, 0);
    CU_ASSERT_EQUAL(log.count, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(memcmp(bytes, "456", 3), 0);
    track(cb_write(loop, file, 2, "ab", 2, note, NULL), &log, 0);
    run_all(loop);
    track(cb_read(loop, file, 0, bytes, sizeof bytes, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[2], 10);
    CU_ASSERT_EQUAL(memcmp(bytes, "01ab456789", 10), 0);
    if (tested->world == NULL)
        CU_ASSERT_EQUAL(lseek(file, 0, SEEK_CUR), 0);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void nothing_left_is_the_end_of_the_file(void)
{
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "end", "12345", 5);
    char bytes[16];
    seen log = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    track(cb_read(loop, file, 5, bytes, 4, note, NULL), &log, 0);
    run_all(loop);
    track(cb_read(loop, file, 500, bytes, 4, note, &all), &log, 0);
    run_all(loop);
    track(cb_read(loop, file, 2, bytes, 16, note, &all), &log, 0);
    run_all(loop);
    track(cb_read(loop, file, 2, bytes, 16, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_END_OF_FILE);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_END_OF_FILE);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[2], 3);
    CU_ASSERT_EQUAL(log.error[3], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[3], 3);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void no_room_and_no_place_are_invalid(void)
{
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "invalid", "12345", 5);
    char bytes[16];
    seen log = {0};
    track(cb_read(loop, file, 0, bytes, 0, note, NULL), &log, 0);
    track(cb_read(loop, file, -1, bytes, 1, note, NULL), &log, 0);
    track(cb_read(loop, file, 0, NULL, 1, note, NULL), &log, 0);
    track(cb_write(loop, file, 0, bytes, 0, note, NULL), &log, 0);
    track(cb_write(loop, file, -1, bytes, 1, note, NULL), &log, 0);
    track(cb_sendfile(loop, 0, file, -1, 1, false, note, NULL), &log, 0);
    track(cb_sendfile(loop, 0, file, 0, -2, false, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 7);
    for (int i = 0; i < 7; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_INVALID);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void a_pipe_has_no_places(void)
{
    cb_loop *loop = open_loop();
    int fds[2];
    char byte = 0;
    seen log = {0};
    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    track(cb_read(loop, fds[0], 0, &byte, 1, note, NULL), &log, 0);
    track(cb_write(loop, fds[1], 0, &byte, 1, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_INVALID);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_INVALID);
    cb_close(loop, fds[0], NULL);
    cb_close(loop, fds[1], NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void check_stat(cb_op *op)
{
    note(op);
    if (op->error != CB_IO_OK)
        return;
    CU_ASSERT_EQUAL(op->stat.type, (cb_file_type)op->user[1]);
    if (op->stat.type == CB_FILE_TYPE_REGULAR)
        CU_ASSERT_EQUAL(op->stat.size, 5);
    CU_ASSERT((op->stat.permissions & CB_PERMIT_READ_USER) != 0);
    CU_ASSERT(op->stat.modified_ns > 0);
}

static void stat_tells_kind_and_size(void)
{
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "stat", "12345", 5), directory;
    seen log = {0};
    track(cb_stat(loop, file, check_stat, NULL), &log, 0)->user[1] = CB_FILE_TYPE_REGULAR;
    CU_ASSERT_EQUAL(cb_open_sync(loop, CB_CWD, "/tmp", 0, 0, &directory, NULL), CB_OK);
    track(cb_stat(loop, directory, check_stat, NULL), &log, 0)->user[1] = CB_FILE_TYPE_DIRECTORY;
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 2);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_OK);
    cb_close(loop, directory, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void file_ops_are_executed_again_and_removed(void)
{
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "again", "12345", 5);
    char bytes[2] = {0};
    seen log = {0};
    cb_op *op = track(cb_read(loop, file, 0, bytes, 2, note, NULL), &log, 0);
    cb_op_detach(op);
    run_to(loop, &log, 1);
    op->read.offset = 3;
    cb_op_exec(op, false);
    run_to(loop, &log, 2);
    CU_ASSERT_EQUAL(memcmp(bytes, "45", 2), 0);
    CU_ASSERT_EQUAL(log.bytes[1], 2);
    cb_op_exec(op, false);
    cb_op_remove(&op);
    op = cb_open(loop, CB_CWD, path, 0, 0, note, NULL);
    cb_op_remove(&op);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 2);
    close_file(loop, file);
    cb_loop_release(&loop);
}

/* -- sendfile --------------------------------------------------------------------------------- */

typedef struct sending {
    int64_t last;
    int calls, early;
} sending;

static void check_progress(cb_op *op)
{
    sending *state = (sending *)op->user[1];
    CU_ASSERT(op->sendfile.sent > state->last || op->error != CB_IO_OK);
    state->last = op->sendfile.sent;
    state->calls++;
    if (op->error == CB_IO_OK && op->sendfile.sent < op->sendfile.nbytes)
        state->early++;
    else
        note(op);
}

static char big[12 << 20], got[12 << 20];

static void sendfile_sends_all_in_line_with_sends(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0}, received = {0};
    sending state = {0};
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i ^ i >> 11);
    cb_file file = make_file(loop, "send", big, sizeof big);
    open_pair(loop, &left, &right);
    track(cb_send(loop, left, "head", 4, note, NULL), &log, 1);
    cb_op *op = cb_sendfile(loop, left, file, 8, CB_SEND_ENTIRE_FILE, true, check_progress, NULL);
    track(op, &log, 2)->user[1] = (uintptr_t)&state;
    track(cb_send(loop, left, "tail", 4, note, NULL), &log, 3);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
    track(cb_recv(loop, right, got, sizeof got, note, &all), &received, 0);
    run_all(loop);
    CU_ASSERT_EQUAL_FATAL(log.count, 3);
    for (uintptr_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(log.first_word[i], i + 1);
        CU_ASSERT_EQUAL(log.error[i], CB_IO_OK);
    }
    CU_ASSERT_EQUAL(state.last, (int64_t)sizeof big - 8);
    CU_ASSERT(state.early > 0);
    CU_ASSERT_EQUAL(state.calls, state.early + 1);
    CU_ASSERT_EQUAL(received.bytes[0], sizeof got);
    CU_ASSERT_EQUAL(memcmp(got, "head", 4), 0);
    CU_ASSERT_EQUAL(memcmp(got + 4, big + 8, sizeof big - 8), 0);
    CU_ASSERT_EQUAL(memcmp(got + sizeof got - 4, "tail", 4), 0);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void check_sent(cb_op *op)
{
    note(op);
    CU_ASSERT_EQUAL(op->sendfile.sent, (int64_t)op->user[1]);
}

static void sendfile_past_the_end_completes_short(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    cb_file file = make_file(loop, "short", "12345", 5), directory;
    char bytes[8];
    open_pair(loop, &left, &right);
    CU_ASSERT_EQUAL(cb_open_sync(loop, CB_CWD, "/tmp", 0, 0, &directory, NULL), CB_OK);
    track(cb_sendfile(loop, left, file, 1, 100, false, check_sent, NULL), &log, 0)->user[1] = 4;
    track(cb_sendfile(loop, left, file, 6, 1, false, check_sent, NULL), &log, 0);
    track(cb_sendfile(loop, left, directory, 0, 1, false, check_sent, NULL), &log, 0);
    track(cb_sendfile(loop, left, file, 5, CB_SEND_ENTIRE_FILE, true, check_sent, NULL), &log, 0);
    track(cb_sendfile(loop, left, -1, 0, 1, false, check_sent, NULL), &log, 0);
    track(cb_sendfile(loop, left, file, 2, 2, false, check_sent, NULL), &log, 0)->user[1] = 2;
    run_all(loop);
    static const cb_io_error expected[] = {CB_IO_END_OF_FILE, CB_IO_INVALID,    CB_IO_INVALID,
                                           CB_IO_OK,          CB_IO_BAD_SOCKET, CB_IO_OK};
    CU_ASSERT_EQUAL_FATAL(log.count, 6);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(log.error[i], expected[i]);
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    track(cb_recv(loop, right, bytes, 6, note, &all), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(memcmp(bytes, "234534", 6), 0);
    cb_close(loop, left, NULL);
    cb_close(loop, right, NULL);
    cb_close(loop, directory, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

static void remove_at_first_progress(cb_op *op)
{
    ++*(int *)op->user_data;
    cb_op_remove(&op);
}

static void sendfile_can_be_canceled_on_the_way(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    int calls = 0;
    const cb_op_options limit = {.timeout_ns = 3 * MS};
    cb_file file = make_file(loop, "stop", big, sizeof big);
    open_pair(loop, &left, &right);
    cb_op *op =
        cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, true, remove_at_first_progress, NULL);
    op->user_data = &calls;
    while (calls == 0)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 0);
    track(cb_sendfile(loop, left, file, 0, 1 << 20, false, note, &limit), &log, 1);
    run_to(loop, &log, 1);
    CU_ASSERT_EQUAL(log.error[0], CB_IO_TIMEOUT);
    track(cb_sendfile(loop, left, file, 0, 1 << 20, false, note, NULL), &log, 2);
    track(cb_close(loop, left, note), &log, 3);
    run_to(loop, &log, 3);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_CANCELED);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    cb_close(loop, right, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

/* The process has not ignored SIGPIPE, and lives on. */
static void sendfile_to_a_peer_that_is_gone(void)
{
    cb_loop *loop = open_loop();
    cb_socket left, right;
    seen log = {0};
    cb_file file = make_file(loop, "gone", "12345", 5);
    open_pair(loop, &left, &right);
    cb_close(loop, right, NULL);
    run_all(loop);
    for (int i = 0; i < 3; i++) {
        track(cb_sendfile(loop, left, file, 0, CB_SEND_ENTIRE_FILE, false, note, NULL), &log, 0);
        run_all(loop);
    }
    CU_ASSERT(log.error[2] == CB_IO_CLOSED || log.error[2] == CB_IO_RESET);
    cb_close(loop, left, NULL);
    close_file(loop, file);
    cb_loop_release(&loop);
}

/* -- a whole file ----------------------------------------------------------------------------- */

static cb_file_content last;
static int reports;

static void keep_content(const cb_file_content *content)
{
    last = *content;
    reports++;
}

static void read_whole(cb_loop *loop, const char *name)
{
    int before = reports;
    CU_ASSERT_TRUE_FATAL(cb_read_entire_file(loop, CB_CWD, name, keep_content, &reports));
    CU_ASSERT_EQUAL(reports, before);
    run_all(loop);
    CU_ASSERT_EQUAL(reports, before + 1);
    CU_ASSERT_PTR_EQUAL(last.user_data, &reports);
}

static void a_whole_file_is_read(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    cb_file file = make_file(loop, "whole", big, sizeof big);
    read_whole(loop, path);
    CU_ASSERT_EQUAL(last.error, CB_IO_OK);
    CU_ASSERT_EQUAL_FATAL(last.size, sizeof big);
    CU_ASSERT_EQUAL(memcmp(last.data, big, sizeof big), 0);
    free(last.data);
    close_file(loop, file);
    file = make_file(loop, "empty", "", 0);
    read_whole(loop, path);
    CU_ASSERT_EQUAL(last.error, CB_IO_OK);
    CU_ASSERT_EQUAL(last.size, 0);
    CU_ASSERT_PTR_NOT_NULL(last.data);
    free(last.data);
    close_file(loop, file);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void a_failure_names_its_step(void)
{
    int before = open_descriptors();
    cb_loop *loop = open_loop();
    read_whole(loop, "/nowhere/at/all");
    CU_ASSERT_EQUAL(last.error, CB_IO_NOT_FOUND);
    CU_ASSERT_EQUAL(last.step, CB_NBIO_OPEN);
    CU_ASSERT_PTR_NULL(last.data);
    read_whole(loop, "/tmp");
    CU_ASSERT_EQUAL(last.error, CB_IO_INVALID);
    CU_ASSERT_EQUAL(last.step, CB_NBIO_STAT);
    CU_ASSERT_PTR_NULL(last.data);
    cb_loop_release(&loop);
    CU_ASSERT_FALSE(cb_read_entire_file(NULL, CB_CWD, "/tmp", keep_content, NULL));
    CU_ASSERT_EQUAL(cb_io_last_error(), CB_IO_NO_LOOP);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* The loop ends at each step in turn, and nothing stays behind. */
static void a_loop_that_ends_closes_what_it_was_reading(void)
{
    int before = open_descriptors();
    for (int ticks = 0; ticks < 5; ticks++) {
        cb_loop *loop = open_loop();
        cb_file file = make_file(loop, "ends", "12345", 5);
        cb_close(loop, file, NULL);
        run_all(loop);
        int reported = reports;
        CU_ASSERT_TRUE(cb_read_entire_file(loop, CB_CWD, path, keep_content, NULL));
        for (int i = 0; i < ticks; i++)
            CU_ASSERT_EQUAL(cb_loop_tick(loop, 0, NULL), CB_OK);
        cb_loop_release(&loop);
        CU_ASSERT_EQUAL(reports, reported + 1);
        free(last.data);
    }
    (void)unlink(path);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

int main(void)
{
    static const CU_TestInfo tests[] = {TEST(open_makes_and_finds_files),
                                        KERNEL_TEST(opening_a_pipe_does_not_hold_up_the_loop),
                                        TEST(open_refuses_flags_that_do_not_go_together),
                                        TEST(open_starts_at_a_directory),
                                        TEST(read_and_write_name_their_place),
                                        TEST(nothing_left_is_the_end_of_the_file),
                                        TEST(no_room_and_no_place_are_invalid),
                                        KERNEL_TEST(a_pipe_has_no_places),
                                        TEST(stat_tells_kind_and_size),
                                        TEST(file_ops_are_executed_again_and_removed),
                                        TEST(sendfile_sends_all_in_line_with_sends),
                                        TEST(sendfile_past_the_end_completes_short),
                                        TEST(sendfile_can_be_canceled_on_the_way),
                                        TEST(sendfile_to_a_peer_that_is_gone),
                                        TEST(a_whole_file_is_read),
                                        TEST(a_failure_names_its_step),
                                        TEST(a_loop_that_ends_closes_what_it_was_reading),
                                        CU_TEST_INFO_NULL};
    return run_tests("nbio files", tests);
}
