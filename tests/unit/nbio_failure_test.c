/* Bad descriptors and arguments, no memory, no loop; datagrams; endpoints and error texts. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "actors/io/loop.h"
#include "tests/unit/nbio_support.h"

static char memory[64];

/* Submits an op of each kind that takes a descriptor: those of sockets, then those of files. */
static cb_op *submit(cb_loop *loop, int kind, cb_socket socket)
{
    switch (kind) {
    case 0:
        return cb_accept(loop, socket, note, NULL);
    case 1:
        return cb_recv(loop, socket, memory, sizeof memory, note, NULL);
    case 2:
        return cb_send(loop, socket, memory, sizeof memory, note, NULL);
    case 3:
        return cb_poll(loop, socket, CB_POLL_READABLE, note, NULL);
    case 4:
        return cb_close(loop, socket, note);
    case 5:
        return cb_read(loop, socket, 0, memory, sizeof memory, note, NULL);
    case 6:
        return cb_write(loop, socket, 0, memory, sizeof memory, note, NULL);
    case 7:
        return cb_sendfile(loop, socket, socket, 0, CB_SEND_ENTIRE_FILE, true, note, NULL);
    case 8:
        return cb_stat(loop, socket, note, NULL);
    default:
        /* The path is relative, so the directory matters. */
        return cb_open(loop, socket == CB_CWD ? -1 : socket, "name", 0, 0, note, NULL);
    }
}

/* Those without a descriptor: none of them can succeed either, but for the two timers. */
static cb_op *submit_without(cb_loop *loop, int kind)
{
    static const cb_endpoint nowhere = {.family = CB_FAMILY_IP4};
    switch (kind) {
    case 0:
        return cb_dial(loop, &nowhere, note, NULL);
    case 1:
        return cb_timeout(loop, 1000, note);
    default:
        return cb_next_tick(loop, note);
    }
}

static void check_words(cb_op *op)
{
    for (uintptr_t i = 0; i < CB_OP_USER_WORDS; i++)
        CU_ASSERT_EQUAL(op->user[i], i < op->user[3] ? 100 + i : (i == 3 ? op->user[3] : 0));
    note(op);
}

static void expect_words(cb_loop *loop, cb_op *op, uintptr_t words, cb_io_error expected)
{
    seen log = {0};
    track(op, &log, 0)->callback = check_words;
    for (uintptr_t i = 0; i < words; i++)
        op->user[i] = 100 + i;
    op->user[3] = words;
    CU_ASSERT_EQUAL(log.count, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 1);
    CU_ASSERT_EQUAL(log.error[0], expected);
}

static void bad_descriptors_of_all_kinds_with_one_to_three_words(void)
{
    cb_loop *loop = open_loop();
    int closed = dup(0);
    close(closed);
    const cb_socket bad[] = {-1, -2000000000, closed, 1000000, INT32_MAX};
    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++)
        for (uintptr_t words = 1; words <= 3; words++) {
            for (int kind = 0; kind < 10; kind++)
                expect_words(loop, submit(loop, kind, bad[b]), words, CB_IO_BAD_SOCKET);
            for (int kind = 0; kind < 3; kind++)
                expect_words(loop, submit_without(loop, kind), words,
                             kind == 0 ? CB_IO_PORT_REQUIRED : CB_IO_OK);
        }
    cb_loop_release(&loop);
}

static void descriptors_of_the_wrong_kind(void)
{
    cb_loop *loop = open_loop();
    int fds[2];
    seen log = {0};
    cb_socket plain;
    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    CU_ASSERT_EQUAL_FATAL(cb_create_socket(loop, CB_FAMILY_IP4, CB_PROTOCOL_TCP, &plain, NULL),
                          CB_OK);
    for (int kind = 0; kind < 3; kind++)
        track(submit(loop, kind, fds[0]), &log, 0);
    run_all(loop);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_BAD_SOCKET);
    for (int kind = 0; kind < 3; kind++)
        track(submit(loop, kind, plain), &log, (uintptr_t)kind);
    run_all(loop);
    for (int i = 3; i < 6; i++) {
        static const cb_io_error expected[] = {CB_IO_NOT_LISTENING, CB_IO_NOT_CONNECTED,
                                               CB_IO_CLOSED};
        CU_ASSERT_EQUAL(log.error[i], expected[log.first_word[i]]);
    }
    cb_close(loop, fds[0], NULL);
    cb_close(loop, fds[1], NULL);
    cb_close(loop, plain, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void bad_arguments_are_reported_by_the_callback(void)
{
    cb_loop *loop = open_loop();
    seen log = {0};
    cb_bytes none[2] = {{memory, 0}, {NULL, 0}};
    cb_bytes huge[2] = {{memory, SIZE_MAX / 2}, {memory, SIZE_MAX / 2}};
    cb_bytes hole = {NULL, 5};
    static cb_bytes many[CB_OP_MAX_BYTES + 1];
    track(cb_recv(loop, 0, memory, 0, note, NULL), &log, 0);
    track(cb_recv_list(loop, 0, none, 2, note, NULL), &log, 0);
    track(cb_recv_list(loop, 0, NULL, 0, note, NULL), &log, 0);
    track(cb_recv_list(loop, 0, huge, 2, note, NULL), &log, 0);
    track(cb_recv_list(loop, 0, &hole, 1, note, NULL), &log, 0);
    track(cb_send_list(loop, 0, NULL, 3, NULL, note, NULL), &log, 0);
    track(cb_send_list(loop, 0, many, CB_OP_MAX_BYTES + 1, NULL, note, NULL), &log, 0);
    track(cb_poll(loop, 0, 0, note, NULL), &log, 0);
    track(cb_poll(loop, 0, 64, note, NULL), &log, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(log.count, 9);
    for (int i = 0; i < log.count && i < 9; i++)
        CU_ASSERT_EQUAL(log.error[i], CB_IO_INVALID);
    cb_loop_release(&loop);
}

static void without_a_loop_submitting_is_an_error(void)
{
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 1);
    cb_socket socket = 5;
    for (int kind = 0; kind < 10; kind++) {
        CU_ASSERT_PTR_NULL(submit(NULL, kind, 0));
        CU_ASSERT_EQUAL(cb_io_last_error(), CB_IO_NO_LOOP);
    }
    CU_ASSERT_PTR_NULL(cb_dial(NULL, &where, note, NULL));
    CU_ASSERT_PTR_NULL(cb_timeout(NULL, 0, note));
    CU_ASSERT_PTR_NULL(cb_next_tick(NULL, note));
    cb_error error;
    CU_ASSERT_EQUAL(cb_listen_tcp(NULL, &where, 0, &socket, &error), CB_INVALID);
    CU_ASSERT_EQUAL(socket, CB_NO_SOCKET);
    CU_ASSERT_EQUAL(cb_associate_socket(NULL, 0, &error), CB_INVALID);
    CU_ASSERT_EQUAL(cb_loop_tick(NULL, 0, &error), CB_INVALID);
    cb_loop_forget(NULL, 0);
}

static int allowed;

static void *limited_realloc(void *old, size_t size)
{
    return allowed-- > 0 ? realloc(old, size) : NULL;
}

/* One after the other: each op may be refused, or fail, for want of memory; nothing else may
 * happen.
 */
static bool exchange(cb_loop *loop)
{
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    cb_bytes list[3] = {{memory, 1}, {memory + 1, 1}, {memory + 2, 1}};
    const cb_op_options limit = {.timeout_ns = 1000 * MS, .transfer = CB_TRANSFER_ALL};
    /* Callbacks may come as late as the loop's end. */
    static seen accepted, dialled, log;
    accepted = dialled = log = (seen){.socket = -1};
    cb_socket listener = -1;
    cb_file file = -1;
    cb_op *op;
    int taken = 0;
    bool well = cb_listen_tcp(loop, &where, 0, &listener, NULL) == CB_OK &&
                cb_bound_endpoint(listener, &where, NULL) == CB_OK;
    if (well && (op = cb_accept(loop, listener, note, &limit)) != NULL)
        op->user_data = &accepted;
    if (well && (op = cb_dial(loop, &where, note, NULL)) != NULL)
        op->user_data = &dialled;
    /* What is not accepted because of the dial's failure ends by its limit, which is long. */
    while (well && cb_loop_num_waiting(loop) > 0 && (dialled.count == 0 || accepted.count == 0)) {
        if (dialled.count > 0 && dialled.error[0] != CB_IO_OK)
            break;
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, 10 * MS, NULL), CB_OK);
    }
    if (accepted.socket >= 0 && dialled.socket >= 0) {
        cb_op *ops[] = {
            cb_recv_list(loop, accepted.socket, list, 3, note, &limit),
            cb_send_list(loop, dialled.socket, list, 3, NULL, note, &limit),
            cb_timeout(loop, MS / 100, note),
            cb_open(loop, CB_CWD, "/tmp", 0, 0, note, NULL),
            cb_stat(loop, dialled.socket, note, NULL),
            cb_poll(loop, dialled.socket, CB_POLL_WRITABLE, note, NULL),
        };
        for (int i = 0; i < 6; i++)
            if (ops[i] != NULL) {
                ops[i]->user_data = &log;
                taken++;
            } else {
                CU_ASSERT_EQUAL(cb_io_last_error(), CB_IO_NO_MEMORY);
            }
        for (int i = 0; i < 50 && log.count < taken; i++)
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    }
    for (int i = 0; i < log.count; i++) {
        well = well && log.error[i] == CB_IO_OK;
        if (log.type[i] == CB_NBIO_OPEN)
            file = log.file;
    }
    const int all[] = {listener, accepted.socket, dialled.socket, file};
    for (int i = 0; i < 4; i++)
        if (all[i] >= 0)
            tested->drop(loop, all[i]);
    return well && taken == 6 && log.count == 6;
}

/* Fails the first allocation, then the second, and so on, until all goes well. */
static void every_allocation_may_fail(void)
{
    int before = open_descriptors();
    bool all_went_well = false;
    for (int limit = 0; !all_went_well && limit < 60; limit++) {
        cb_loop *loop = NULL;
        allowed = limit;
        cb_io_realloc_hook = limited_realloc;
        if (cb_loop_acquire_with(tested, &loop, NULL) == CB_OK)
            all_went_well = exchange(loop) && allowed >= 0;
        cb_io_realloc_hook = NULL;
        cb_loop_release(&loop);
    }
    CU_ASSERT_TRUE(all_went_well);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* A listener that was not made here, and a client that came before anything was set on it. */
static void clients_of_a_foreign_listener_have_no_delay(void)
{
    cb_loop *loop = open_loop();
    cb_socket listener;
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    seen accepted = {0}, dialled = {0};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(cb_associate_socket(loop, listener, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_bind(listener, &where, NULL), CB_OK);
    CU_ASSERT_EQUAL(listen(listener, 5), 0);
    CU_ASSERT_EQUAL(cb_bound_endpoint(listener, &where, NULL), CB_OK);
    track(cb_dial(loop, &where, note, NULL), &dialled, 0);
    run_to(loop, &dialled, 1);
    track(cb_accept(loop, listener, note, NULL), &accepted, 0);
    run_to(loop, &accepted, 1);
    int on = 0;
    socklen_t size = sizeof on;
    CU_ASSERT_EQUAL(getsockopt(accepted.socket, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    CU_ASSERT(on != 0);
    cb_close(loop, accepted.socket, NULL);
    cb_close(loop, dialled.socket, NULL);
    cb_close(loop, listener, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void listening_twice_on_one_port_fails(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint where;
    cb_socket listener = open_listener(loop, &where), second = 5;
    cb_error error;
    CU_ASSERT_EQUAL(cb_listen_tcp(loop, &where, 0, &second, &error), CB_IO);
    CU_ASSERT_EQUAL(second, CB_NO_SOCKET);
    CU_ASSERT_EQUAL(error.sys_errno, EADDRINUSE);
    CU_ASSERT_EQUAL(cb_io_error_from_errno(error.sys_errno), CB_IO_ADDRESS_IN_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "127.0.0.1:"));
    cb_close(loop, listener, NULL);
    run_all(loop);
    CU_ASSERT_EQUAL(cb_listen_tcp(loop, &where, 0, &second, &error), CB_OK);
    cb_close(loop, second, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void check_source(cb_op *op)
{
    note(op);
    CU_ASSERT(cb_endpoint_is_loopback(&op->recv.source));
    CU_ASSERT_EQUAL(op->recv.source.port, op->user[1]);
    CU_ASSERT_FALSE(op->recv.ended);
}

static cb_socket open_udp(cb_loop *loop, cb_endpoint *where)
{
    cb_socket made;
    cb_endpoint any = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    CU_ASSERT_EQUAL_FATAL(cb_create_socket(loop, CB_FAMILY_IP4, CB_PROTOCOL_UDP, &made, NULL),
                          CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bind(made, &any, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(made, where, NULL), CB_OK);
    return made;
}

static void datagrams_are_whole_truncated_or_empty(void)
{
    cb_loop *loop = open_loop();
    cb_endpoint here, there;
    cb_socket from = open_udp(loop, &here), to = open_udp(loop, &there);
    seen log = {0}, sent = {0};
    char bytes[3];
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    static const char *const texts[] = {"ab", "abcdef", ""};
    for (int i = 0; i < 3; i++) {
        cb_bytes text = {(void *)(uintptr_t)texts[i], strlen(texts[i])};
        cb_op *op = track(cb_recv(loop, to, bytes, sizeof bytes, check_source, &all), &log, 0);
        op->user[1] = here.port;
        track(cb_send_list(loop, from, &text, 1, &there, note, NULL), &sent, 0);
        run_all(loop);
    }
    CU_ASSERT_EQUAL(log.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[0], 2);
    CU_ASSERT_EQUAL(log.error[1], CB_IO_TRUNCATED);
    CU_ASSERT_EQUAL(log.bytes[1], 3);
    CU_ASSERT_EQUAL(log.error[2], CB_IO_OK);
    CU_ASSERT_EQUAL(log.bytes[2], 0);
    track(cb_send(loop, from, "x", 1, note, NULL), &sent, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(sent.error[2], CB_IO_OK);
    CU_ASSERT_EQUAL(sent.error[3], CB_IO_ENDPOINT_REQUIRED);
    static char big[100000];
    cb_bytes large = {big, sizeof big};
    track(cb_send_list(loop, from, &large, 1, &there, note, NULL), &sent, 0);
    run_all(loop);
    CU_ASSERT_EQUAL(sent.error[4], CB_IO_MESSAGE_SIZE);
    cb_close(loop, from, NULL);
    cb_close(loop, to, NULL);
    run_all(loop);
    cb_loop_release(&loop);
}

static void endpoints_are_read_and_written(void)
{
    static const struct {
        const char *text, *written;
    } good[] = {{"1.2.3.4:80", "1.2.3.4:80"},
                {"1.2.3.4", "1.2.3.4:0"},
                {"0.0.0.0:65535", "0.0.0.0:65535"},
                {"[::1]:80", "[::1]:80"},
                {"::1", "[::1]:0"},
                {"[::]:0", "[::]:0"},
                {"[fe80::1%2]:80", "[fe80::1%2]:80"},
                {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:0"}};
    static const char *const bad[] = {
        "",         "localhost", "1.2.3",     "1.2.3.4:",     "1.2.3.4:65536", "1.2.3.4:-1",
        "[::1",     "[::1]80",   "[1.2.3.4]", "1.2.3.4:8x",   "[::1]:",        ":80",
        "fe80::1%", "1.2.3.4 ",  ":::",       "1.2.3.4:80:90"};
    char text[CB_ENDPOINT_TEXT_SIZE];
    cb_endpoint endpoint;
    cb_error error;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_EQUAL(cb_parse_endpoint(good[i].text, &endpoint, &error), CB_OK);
        CU_ASSERT_STRING_EQUAL(cb_endpoint_to_string(&endpoint, text, sizeof text),
                               good[i].written);
    }
    cb_endpoint kept = endpoint;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(cb_parse_endpoint(bad[i], &endpoint, &error), CB_FORMAT);
    CU_ASSERT_EQUAL(cb_parse_endpoint(NULL, &endpoint, &error), CB_INVALID);
    CU_ASSERT_EQUAL(memcmp(&kept, &endpoint, sizeof kept), 0);
    CU_ASSERT(cb_endpoint_is_loopback(&(cb_endpoint){CB_FAMILY_IP4, 0, 0, {127, 9, 9, 9}}));
    endpoint = cb_endpoint_any(CB_FAMILY_IP6, 80);
    CU_ASSERT_FALSE(cb_endpoint_is_loopback(&endpoint));
    CU_ASSERT_STRING_EQUAL(cb_endpoint_to_string(&endpoint, text, 4), "[::");
}

static void listening_on_ip6_takes_both_families(void)
{
    cb_loop *loop = open_loop();
    cb_socket listener;
    cb_endpoint where = cb_endpoint_any(CB_FAMILY_IP6, 0);
    if (cb_listen_tcp(loop, &where, 0, &listener, NULL) == CB_OK) {
        CU_ASSERT_EQUAL(cb_bound_endpoint(listener, &where, NULL), CB_OK);
        static const cb_family families[] = {CB_FAMILY_IP4, CB_FAMILY_IP6};
        for (int i = 0; i < 2; i++) {
            cb_endpoint local = cb_endpoint_loopback(families[i], where.port);
            seen log = {0};
            track(cb_dial(loop, &local, note, NULL), &log, 0);
            run_all(loop);
            CU_ASSERT_EQUAL(log.error[0], CB_IO_OK);
            cb_close(loop, log.socket, NULL);
        }
        cb_close(loop, listener, NULL);
        run_all(loop);
    }
    cb_loop_release(&loop);
}

static void error_codes_have_texts_domains_and_statuses(void)
{
    CU_ASSERT_STRING_EQUAL(cb_io_error_string(CB_IO_TIMEOUT), "timed out");
    CU_ASSERT_STRING_EQUAL(cb_io_error_string((cb_io_error)9999), "unknown error code");
    CU_ASSERT_EQUAL(cb_io_error_domain(CB_IO_REFUSED), CB_IO_DOMAIN_NETWORK);
    CU_ASSERT_EQUAL(cb_io_error_domain(CB_IO_CANCELED), CB_IO_DOMAIN_GENERAL);
    CU_ASSERT_EQUAL(cb_io_error_from_errno(0), CB_IO_OK);
    CU_ASSERT_EQUAL(cb_io_error_from_errno(EACCES), CB_IO_ACCESS);
    CU_ASSERT_EQUAL(cb_io_error_from_errno(ECONNREFUSED), CB_IO_REFUSED);
    CU_ASSERT_EQUAL(cb_io_error_from_errno(99999), CB_IO_UNKNOWN);
    CU_ASSERT_EQUAL(cb_io_error_status(CB_IO_OK), CB_OK);
    CU_ASSERT_EQUAL(cb_io_error_status(CB_IO_TIMEOUT), CB_TIMEOUT);
    CU_ASSERT_EQUAL(cb_io_error_status(CB_IO_RESET), CB_IO);
    CU_ASSERT_STRING_EQUAL(cb_op_type_string(CB_NBIO_NEXT_TICK), "next tick");
    CU_ASSERT_STRING_EQUAL(cb_op_type_string((cb_op_type)99), "none");
}

int main(void)
{
    static const CU_TestInfo tests[] = {TEST(bad_descriptors_of_all_kinds_with_one_to_three_words),
                                        KERNEL_TEST(descriptors_of_the_wrong_kind),
                                        TEST(bad_arguments_are_reported_by_the_callback),
                                        TEST(without_a_loop_submitting_is_an_error),
                                        TEST(every_allocation_may_fail),
                                        KERNEL_TEST(clients_of_a_foreign_listener_have_no_delay),
                                        TEST(listening_twice_on_one_port_fails),
                                        TEST(datagrams_are_whole_truncated_or_empty),
                                        TEST(endpoints_are_read_and_written),
                                        TEST(listening_on_ip6_takes_both_families),
                                        TEST(error_codes_have_texts_domains_and_statuses),
                                        CU_TEST_INFO_NULL};
    return run_tests("nbio failures", tests);
}
