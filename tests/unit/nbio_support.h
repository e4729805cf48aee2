/* Helpers for the tests of the event loop: a log of callbacks, pairs of connected sockets, and a
 * runner that runs each test on every back end. */
#ifndef CALLBOARD_TESTS_NBIO_SUPPORT_H
#define CALLBOARD_TESTS_NBIO_SUPPORT_H

#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/io/loop.h"
#include "actors/io/simulated/simulated.h"

#define MS      INT64_C(1000000)
#define LOG_MAX 64

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

/* A test of things that only the kernel has. */
#define KERNEL "of the kernel: "
#define KERNEL_TEST(name)                                                                          \
    {                                                                                              \
        KERNEL #name, name                                                                         \
    }

/* The back end of the running test. */
static const cb_loop_backend *tested;

/* The reports of the last callbacks, in order. */
typedef struct seen {
    int count;
    cb_op_type type[LOG_MAX];
    cb_io_error error[LOG_MAX];
    uintptr_t first_word[LOG_MAX];
    size_t bytes[LOG_MAX];
    cb_socket socket; /* of the last accept or dial */
    cb_file file;     /* of the last open */
    bool ended;
} seen;

static inline void note(cb_op *op)
{
    seen *log = op->user_data;
    int i = log->count++;
    if (i >= LOG_MAX)
        return;
    log->type[i] = op->type;
    log->error[i] = op->error;
    log->first_word[i] = op->user[0];
    if (op->type == CB_NBIO_RECV) {
        log->bytes[i] = op->recv.received;
        log->ended = op->recv.ended;
    } else if (op->type == CB_NBIO_SEND) {
        log->bytes[i] = op->send.sent;
    } else if (op->type == CB_NBIO_READ) {
        log->bytes[i] = op->read.received;
    } else if (op->type == CB_NBIO_WRITE) {
        log->bytes[i] = op->write.written;
    } else if (op->type == CB_NBIO_ACCEPT) {
        log->socket = op->accept.client;
    } else if (op->type == CB_NBIO_OPEN) {
        log->file = op->open.file;
    } else if (op->type == CB_NBIO_DIAL) {
        log->socket = op->dial.socket;
    }
}

/* Gives an op the log and a number; the op must have been submitted. */
static inline cb_op *track(cb_op *op, seen *log, uintptr_t number)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->user_data = log;
    op->user[0] = number;
    return op;
}

static inline cb_loop *open_loop(void)
{
    cb_loop *loop = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loop_acquire_with(tested, &loop, NULL), CB_OK);
    return loop;
}

static inline void run_all(cb_loop *loop)
{
    CU_ASSERT_EQUAL(cb_loop_run(loop, NULL), CB_OK);
    CU_ASSERT_EQUAL(cb_loop_num_waiting(loop), 0);
}

/* Ticks until the log has `count` entries. */
static inline void run_to(cb_loop *loop, const seen *log, int count)
{
    while (log->count < count)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
}

/* Sends without the loop if the socket is the kernel's, so that nothing else happens. */
static inline void put_now(cb_loop *loop, cb_socket socket, const char *data, size_t size)
{
    seen sent = {0};
    if (tested->world == NULL) {
        CU_ASSERT_EQUAL(send(socket, data, size, 0), (ssize_t)size);
        return;
    }
    track(cb_send(loop, socket, data, size, note, NULL), &sent, 0);
    run_to(loop, &sent, 1);
}

static inline cb_socket open_listener(cb_loop *loop, cb_endpoint *where)
{
    cb_socket listener;
    cb_endpoint any = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    CU_ASSERT_EQUAL_FATAL(cb_listen_tcp(loop, &any, 0, &listener, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(listener, where, NULL), CB_OK);
    return listener;
}

/* Two ends of one TCP connection. */
static inline void open_pair(cb_loop *loop, cb_socket *left, cb_socket *right)
{
    cb_endpoint where;
    seen accepted = {0}, dialled = {0};
    cb_socket listener = open_listener(loop, &where);
    track(cb_accept(loop, listener, note, NULL), &accepted, 0);
    track(cb_dial(loop, &where, note, NULL), &dialled, 0);
    run_to(loop, &accepted, 1);
    run_to(loop, &dialled, 1);
    CU_ASSERT_EQUAL_FATAL(accepted.error[0], CB_IO_OK);
    CU_ASSERT_EQUAL_FATAL(dialled.error[0], CB_IO_OK);
    *left = dialled.socket;
    *right = accepted.socket;
    cb_close(loop, listener, NULL);
    run_all(loop);
}

/* Lets time pass without a tick. */
static inline void spend(cb_loop *loop, int64_t ns)
{
    int64_t start = cb_loop_clock(loop);
    if (tested->world != NULL)
        cb_sim_advance(loop, ns);
    while (cb_loop_clock(loop) - start < ns) {
    }
}

static inline bool is_open(cb_loop *loop, cb_socket socket)
{
    if (tested->world != NULL)
        return tested->world->owns(loop, socket);
    return fcntl(socket, F_GETFD) >= 0;
}

static inline int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static inline int test_uring(void)
{
    cb_loop *loop = NULL;
    tested = &cb_backend_uring;
    if (cb_loop_acquire_with(tested, &loop, NULL) != CB_OK)
        puts("\nio_uring is refused here; epoll serves, and is tested instead");
    if (loop == NULL)
        tested = &cb_backend_epoll;
    cb_loop_release(&loop);
    return 0;
}

static inline int test_epoll(void)
{
    tested = &cb_backend_epoll;
    return 0;
}

static inline int test_simulated(void)
{
    const cb_sim_options options = {.seed = 42, .late_percent = 20};
    tested = &cb_backend_simulated;
    cb_sim_configure(&options);
    return 0;
}

/* CB_TEST_LOOP names the only back end to test, for tools that do not understand all of them. */
static inline bool is_wanted(const char *backend)
{
    const char *only = getenv("CB_TEST_LOOP");
    return only == NULL || strcmp(only, backend) == 0;
}

/* CB_TEST_WITHOUT lists tests to leave out, separated by commas, for tools that cannot run them. */
static inline bool is_left_out(const char *test)
{
    const char *list = getenv("CB_TEST_WITHOUT");
    size_t size = strlen(test);
    while (list != NULL && *list != '\0') {
        size_t here = strcspn(list, ",");
        if (here == size && strncmp(list, test, size) == 0)
            return true;
        list += here + (list[here] == ',');
    }
    return false;
}

/* Runs all tests on each back end, from the given one on; tests of the kernel only on the kernel's
 * back ends. */
static inline int run_tests_of(const char *name, const CU_TestInfo *tests, size_t first)
{
    static const struct {
        const char *name;
        CU_InitializeFunc choose;
    } backends[] = {{"uring", test_uring}, {"epoll", test_epoll}, {"simulated", test_simulated}};
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    for (size_t i = first; i < sizeof backends / sizeof backends[0]; i++) {
        char title[80];
        if (!is_wanted(backends[i].name))
            continue;
        (void)snprintf(title, sizeof title, "%s on %s", name, backends[i].name);
        CU_pSuite suite = CU_add_suite(title, backends[i].choose, NULL);
        for (const CU_TestInfo *test = tests; test->pName != NULL; test++) {
            bool kernels = strncmp(test->pName, KERNEL, strlen(KERNEL)) == 0;
            const char *plain = kernels ? test->pName + strlen(KERNEL) : test->pName;
            if (!(kernels && backends[i].choose == test_simulated) && !is_left_out(plain))
                CU_add_test(suite, test->pName, test->pTestFunc);
        }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int run_tests(const char *name, const CU_TestInfo *tests)
{
    return run_tests_of(name, tests, 0);
}

#endif
