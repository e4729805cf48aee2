/* The event loop when memory runs out: each allocation fails in turn, once and from then on,
 * through every kind of operation. Each op is refused or reports once, with an error or without;
 * nothing crashes, and no descriptor and no memory is left behind. */
#include <pthread.h>

#include "tests/unit/nbio_support.h"

static int countdown; /* allocations until one fails; 0: none does */
static bool for_good; /* and all after it */
static bool has_failed;

static void *scarce_realloc(void *memory, size_t size)
{
    if (countdown > 1)
        countdown--;
    else if (countdown == 1 || for_good)
        has_failed = true;
    if (!has_failed || (countdown == 0 && !for_good))
        return realloc(memory, size);
    countdown = 0;
    return NULL;
}

/* -- counting ---------------------------------------------------------------------------------- */

#define SOCKETS_MAX 64

static int submitted, reported;
static cb_socket sockets[SOCKETS_MAX]; /* to be closed in the end */
static int socket_count;

static void keep(cb_socket socket)
{
    CU_ASSERT_FATAL(socket_count < SOCKETS_MAX);
    if (socket != CB_NO_SOCKET)
        sockets[socket_count++] = socket;
}

/* What lack of memory, and what other ops lack because of that, may come to. The simulated world's
 * disk is memory too. */
static bool is_excused(cb_io_error error)
{
    return error == CB_IO_NO_MEMORY || error == CB_IO_RESOURCES || error == CB_IO_CANCELED ||
           error == CB_IO_TIMEOUT || error == CB_IO_RESET || error == CB_IO_CLOSED ||
           error == CB_IO_BAD_SOCKET || (error == CB_IO_NO_SPACE && tested->world != NULL);
}

static void report(cb_op *op)
{
    reported++;
    if (op->error != CB_IO_OK) {
        CU_ASSERT_TRUE(has_failed);
        CU_ASSERT_TRUE(is_excused(op->error));
        return;
    }
    if (op->type == CB_NBIO_ACCEPT)
        keep(op->accept.client);
    else if (op->type == CB_NBIO_DIAL)
        keep(op->dial.socket);
    else if (op->type == CB_NBIO_OPEN)
        keep(op->open.file);
}

static void count(cb_op *op)
{
    if (op != NULL) {
        submitted++;
        return;
    }
    CU_ASSERT_TRUE(has_failed);
    CU_ASSERT_EQUAL(cb_io_last_error(), CB_IO_NO_MEMORY);
}

/* Every op has a limit, so this ends. */
static void run_down(cb_loop *loop)
{
    while (reported < submitted)
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
}

static const cb_op_options limited = {.timeout_ns = 20 * MS, .transfer = CB_TRANSFER_ALL};
static const cb_op_options limited_ahead = {
    .timeout_ns = 20 * MS, .transfer = CB_TRANSFER_ALL, .read_ahead = true};

/* -- what is done ------------------------------------------------------------------------------ */

/* More than one slab of ops, and more deadlines than the heap has room for at first. */
static void timers(cb_loop *loop)
{
    for (int i = 0; i < 150; i++) {
        cb_op *op = cb_timeout(loop, MS / 100 * (i % 7), report);
        count(op);
        if (op != NULL && i % 10 == 0) {
            cb_op_remove(&op);
            submitted--;
        }
        count(cb_next_tick(loop, report));
    }
    run_down(loop);
}

#define PAIRS 6

static void connections(cb_loop *loop)
{
    static char out[2 * PAIRS + 1][6000], in[2 * PAIRS + 1][6000];
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    cb_socket listener;
    if (cb_listen_tcp(loop, &where, 0, &listener, NULL) != CB_OK) {
        CU_ASSERT_TRUE(has_failed);
        return;
    }
    keep(listener);
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(listener, &where, NULL), CB_OK);
    for (int i = 0; i < PAIRS; i++) {
        count(cb_accept(loop, listener, report, &limited));
        count(cb_dial(loop, &where, report, &limited));
    }
    run_down(loop);
    /* Every end sends and receives, so it does not matter which belong together. */
    int ends = socket_count;
    for (int i = 1; i < ends; i++) {
        cb_bytes list[3] = {{out[i], 1}, {out[i] + 1, 3000}, {out[i] + 3001, 2999}};
        count(cb_send_list(loop, sockets[i], list, 3, NULL, report, &limited));
        list[0].data = in[i];
        list[1].data = in[i] + 1;
        list[2].data = in[i] + 3001;
        count(cb_recv_list(loop, sockets[i], list, 3, report,
                           i % 2 == 0 ? &limited : &limited_ahead));
        count(cb_poll(loop, sockets[i], CB_POLL_WRITABLE, report, &limited));
    }
    run_down(loop);
}

static void datagrams(cb_loop *loop)
{
    static char in[8];
    cb_endpoint where = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    cb_bytes text = {(void *)(uintptr_t) "text", 4};
    for (int i = 0; i < 2; i++) {
        cb_socket made;
        if (cb_create_socket(loop, CB_FAMILY_IP4, CB_PROTOCOL_UDP, &made, NULL) != CB_OK ||
            cb_bind(made, &where, NULL) != CB_OK) {
            CU_ASSERT_TRUE(has_failed);
            return;
        }
        keep(made);
    }
    cb_endpoint there;
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(sockets[1], &there, NULL), CB_OK);
    count(cb_recv(loop, sockets[1], in, sizeof in, report, &limited));
    count(cb_send_list(loop, sockets[0], &text, 1, &there, report, &limited));
    run_down(loop);
}

static int files_read;

static void on_file(const cb_file_content *content)
{
    files_read++;
    if (content->error != CB_IO_OK) {
        CU_ASSERT_TRUE(has_failed);
        CU_ASSERT_TRUE(is_excused(content->error));
        CU_ASSERT_PTR_NULL(content->data);
    } else {
        CU_ASSERT_EQUAL(content->size, 7);
    }
    free(content->data);
}

static void files(cb_loop *loop)
{
    static char in[8];
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/nbio-memory-%d", (int)getpid());
    int before = socket_count;
    count(cb_open(loop, CB_CWD, path,
                  CB_FILE_READ | CB_FILE_WRITE | CB_FILE_CREATE | CB_FILE_TRUNCATE,
                  CB_PERMIT_READ_USER | CB_PERMIT_WRITE_USER, report, &limited));
    run_down(loop);
    if (socket_count > before) {
        cb_file file = sockets[before];
        count(cb_write(loop, file, 0, "content", 7, report, &limited));
        run_down(loop);
        count(cb_stat(loop, file, report, &limited));
        if (!has_failed) /* else there may be nothing to read */
            count(cb_read(loop, file, 0, in, 7, report, &limited));
        run_down(loop);
    }
    if (!has_failed) {
        int wanted = files_read;
        if (cb_read_entire_file(loop, CB_CWD, path, on_file, NULL))
            wanted++;
        CU_ASSERT_TRUE(wanted > files_read || has_failed);
        while (files_read < wanted)
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(loop, -1, NULL), CB_OK);
    }
    if (tested->world == NULL)
        (void)unlink(path);
}

static void *submit_from_elsewhere(void *data)
{
    cb_loop *loop = data;
    for (int i = 0; i < 200; i++)
        count(cb_next_tick(loop, report));
    return NULL;
}

static void other_threads(cb_loop *loop)
{
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, submit_from_elsewhere, loop), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_join(thread, NULL), 0);
    run_down(loop);
}

/* -- in turn ----------------------------------------------------------------------------------- */

/* True if an allocation failed. */
static bool run_with_failure(void (*work)(cb_loop *loop), int nth, bool good)
{
    int before = open_descriptors();
    cb_loop *loop = NULL;
    cb_error error = {0};
    submitted = reported = socket_count = 0;
    has_failed = false;
    countdown = nth;
    for_good = good;
    cb_io_realloc_hook = scarce_realloc;
    if (cb_loop_acquire_with(tested, &loop, &error) == CB_OK)
        work(loop);
    else
        CU_ASSERT_TRUE(has_failed && error.text[0] != '\0');
    for (int i = 0; i < socket_count; i++)
        tested->drop(loop, sockets[i]);
    cb_loop_release(&loop);
    cb_io_realloc_hook = NULL;
    CU_ASSERT_EQUAL(reported, submitted);
    CU_ASSERT_EQUAL(open_descriptors(), before);
    return has_failed;
}

static void in_turn(void (*work)(cb_loop *loop))
{
    for (int good = 0; good < 2; good++) {
        int nth = 1;
        while (nth < 200 && run_with_failure(work, nth, good != 0))
            nth++;
        CU_ASSERT(nth > 2 && nth < 200);
    }
}

static void each_allocation_of_timers_may_fail(void)
{
    in_turn(timers);
}

static void each_allocation_of_connections_may_fail(void)
{
    in_turn(connections);
}

static void each_allocation_of_datagrams_may_fail(void)
{
    in_turn(datagrams);
}

static void each_allocation_of_files_may_fail(void)
{
    in_turn(files);
}

static void each_allocation_for_other_threads_may_fail(void)
{
    in_turn(other_threads);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(each_allocation_of_timers_may_fail),
        TEST(each_allocation_of_connections_may_fail),
        TEST(each_allocation_of_datagrams_may_fail),
        TEST(each_allocation_of_files_may_fail),
        TEST(each_allocation_for_other_threads_may_fail),
        CU_TEST_INFO_NULL,
    };
    return run_tests("nbio memory", tests);
}
