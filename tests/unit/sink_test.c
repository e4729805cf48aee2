/* A sink: what a write ends with, what a sleep ends by, and whose everything is at the end. */
#include "actors/base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#define MS   INT64_C(1000000)
#define MANY (1u << 20) /* bytes: more than a pipe holds */

static cb_sink sink;
static cb_error error;
static char bytes[MANY];

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void begin(size_t piece)
{
    CU_ASSERT_EQUAL_FATAL(cb_sink_open(&sink, piece, &error), CB_OK);
    CU_ASSERT_EQUAL(sink.fd, -1);
    CU_ASSERT_FALSE(cb_sink_has_end_begun(&sink));
    CU_ASSERT_FALSE(cb_sink_has_given_up(&sink));
}

/* A pipe, whose end for writing does not block and is the sink's. The other end. */
static int begin_pipe(size_t piece)
{
    int ends[2];
    begin(piece);
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    sink.fd = ends[1];
    return ends[0];
}

static void end(void)
{
    close(sink.fd);
    cb_sink_close(&sink);
    cb_sink_close(&sink); /* again is fine */
}

static void what_the_output_takes_is_written(void)
{
    size_t done = 7;
    int reader = begin_pipe(SIZE_MAX);
    CU_ASSERT_EQUAL(cb_sink_write(&sink, "", 0, &done), 0);
    CU_ASSERT_EQUAL(done, 0);
    CU_ASSERT_EQUAL(cb_sink_write(&sink, "trace", 5, &done), 0);
    CU_ASSERT_EQUAL(done, 5);
    char text[8] = "";
    CU_ASSERT_EQUAL(read(reader, text, sizeof text), 5);
    CU_ASSERT_STRING_EQUAL(text, "trace");
    close(reader);
    end();
}

static void an_error_is_an_errno_and_no_signal(void)
{
    size_t done;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    CU_ASSERT_EQUAL_FATAL(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    close(begin_pipe(SIZE_MAX));
    CU_ASSERT_EQUAL(cb_sink_write(&sink, "x", 1, &done), EPIPE);
    CU_ASSERT_EQUAL(done, 0);
    end();
    const struct timespec at_once = {0, 0};
    sigset_t pipes;
    (void)sigemptyset(&pipes);
    (void)sigaddset(&pipes, SIGPIPE);
    CU_ASSERT_EQUAL(sigtimedwait(&pipes, NULL, &at_once), SIGPIPE);
    CU_ASSERT_EQUAL_FATAL(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    begin(4096);
    sink.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(cb_sink_write(&sink, "x", 1, &done), ENOSPC);
    CU_ASSERT_EQUAL(done, 0);
    end();
}

/* Pieces of one page, or as much as the pipe takes at once: nothing is said to be written that is
 * not. */
static void a_reader_that_does_not_read_holds_up_the_end_for_a_while(size_t piece)
{
    size_t done = 0;
    int reader = begin_pipe(piece);
    int64_t until_ns = now_ns() + 50 * MS;
    cb_sink_end(&sink, until_ns);
    CU_ASSERT(cb_sink_has_end_begun(&sink));
    CU_ASSERT_FALSE(cb_sink_has_given_up(&sink));
    CU_ASSERT_EQUAL(cb_sink_write(&sink, bytes, MANY, &done), ETIMEDOUT);
    CU_ASSERT(now_ns() >= until_ns);
    CU_ASSERT(cb_sink_has_given_up(&sink));
    CU_ASSERT(done > 0 && done < MANY);
    size_t there = 0;
    for (ssize_t got; (got = read(reader, bytes, MANY)) > 0;)
        there += (size_t)got;
    CU_ASSERT_EQUAL(there, done);
    close(reader);
    end();
}

static void a_reader_that_does_not_read(void)
{
    a_reader_that_does_not_read_holds_up_the_end_for_a_while(4096);
    a_reader_that_does_not_read_holds_up_the_end_for_a_while(SIZE_MAX);
}

static void *give_up_at_once(void *unused)
{
    cb_sink_end(&sink, 1);
    return unused;
}

static void the_end_reaches_a_write_that_waits(void)
{
    size_t done;
    pthread_t thread;
    int reader = begin_pipe(SIZE_MAX);
    while (write(sink.fd, bytes, MANY) > 0) /* full */
        continue;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, give_up_at_once, NULL), 0);
    CU_ASSERT_EQUAL(cb_sink_write(&sink, "x", 1, &done), ETIMEDOUT);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    close(reader);
    end();
}

static void a_sleep_ends_when_it_is_rung_for(void)
{
    begin(4096);
    cb_sink_ring(&sink);
    cb_sink_ring(&sink);
    cb_sink_sleep(&sink, -1);
    int64_t before_ns = now_ns();
    cb_sink_sleep(&sink, 10); /* both were one */
    CU_ASSERT(now_ns() - before_ns >= 10 * MS);
    end();
}

/* -- the end ---------------------------------------------------------------------------------- */

static sem_t goes_on;
static sem_t has_left;
static bool is_the_threads;

static void *leave(void *unused)
{
    while (sem_wait(&goes_on) != 0)
        continue;
    is_the_threads = !cb_sink_leave(&sink);
    (void)sem_post(&has_left);
    return unused;
}

static void begin_thread(pthread_t *thread)
{
    begin(4096);
    CU_ASSERT_EQUAL_FATAL(sem_init(&goes_on, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&has_left, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(thread, NULL, leave, NULL), 0);
}

static void a_thread_that_leaves_in_time(void)
{
    pthread_t thread;
    begin_thread(&thread);
    cb_sink_end(&sink, now_ns() + 60000 * MS);
    (void)sem_post(&goes_on);
    CU_ASSERT(cb_sink_await_leave(&sink));
    CU_ASSERT_FALSE(cb_sink_abandon(&sink));
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_FALSE(is_the_threads);
    end();
}

static void a_thread_that_does_not_come_back_has_to_clear_up(void)
{
    pthread_t thread;
    begin_thread(&thread);
    cb_sink_end(&sink, now_ns() + 10 * MS);
    CU_ASSERT_FALSE(cb_sink_await_leave(&sink));
    CU_ASSERT(cb_sink_abandon(&sink));
    (void)sem_post(&goes_on);
    while (sem_wait(&has_left) != 0)
        continue;
    CU_ASSERT(is_the_threads);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(what_the_output_takes_is_written),
                           TEST(an_error_is_an_errno_and_no_signal),
                           TEST(a_reader_that_does_not_read),
                           TEST(the_end_reaches_a_write_that_waits),
                           TEST(a_sleep_ends_when_it_is_rung_for),
                           TEST(a_thread_that_leaves_in_time),
                           TEST(a_thread_that_does_not_come_back_has_to_clear_up),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"sink", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
