/* What threads may do to a runtime: be canceled in its calls, fork, and take their time to end. One
 * that stayed in charge of the supervisor for ever would keep everybody; an alarm ends the program
 * then. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "callboard/log.h"
#include "callboard/runtime.h"

#define NS         1
#define PATIENCE_S 240
#define VICTIMS    300
#define AT_ONCE    3
#define OTHERS     2
#define FORKS      40

static cb_runtime *runtime;
static void (*in_callback)(void);

static void run_job(void *user, cb_job *job)
{
    (void)user;
    if (in_callback != NULL)
        in_callback();
    job->status = CB_JOB_SUCCESS;
}

static void begin_with(void (*callback)(void), const char *trace_path, cb_log *log)
{
    const cb_runtime_options options = {
        .limits = cb_limits_default(), .run_job = run_job, .trace_path = trace_path, .log = log};
    in_callback = callback;
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, NULL), CB_OK);
    (void)alarm(PATIENCE_S);
}

static void end(void)
{
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, NULL), CB_OK);
    (void)alarm(0);
}

static cb_asker *open_asker(void)
{
    cb_asker *asker = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, NULL), CB_OK);
    return asker;
}

static bool ask(cb_asker *asker)
{
    cb_question question = {.what = CB_ASK_OPEN_COUNT};
    return cb_ask(asker, NS, &question, 1) == CB_OK;
}

/* Runs the callback, and waits for its end. */
static bool run_callback(cb_asker *asker)
{
    const cb_start_options options = {.route_id = CB_START_ALONE, .entry = 1, .timeout_ms = -1};
    cb_buffer *result = NULL;
    int64_t job = 0;
    int happened = 0;
    int status = 0;
    return cb_job_start(asker, NS, &options, &job) == CB_OK &&
           cb_wait(asker, NS, CB_WAIT_JOB_COMPLETE, job, -1, &happened) == CB_OK &&
           cb_job_take(asker, NS, job, false, &result, &status) == CB_OK;
}

/* -- others that go on beside ----------------------------------------------------------------- */

static atomic_bool over;
static atomic_uint answered;
static atomic_uint unanswered;

static void *go_on(void *unused)
{
    cb_asker *asker = open_asker();
    while (!atomic_load(&over))
        atomic_fetch_add(ask(asker) && run_callback(asker) ? &answered : &unanswered, 1);
    cb_asker_close(&asker);
    return unused;
}

static void begin_others(pthread_t others[OTHERS])
{
    atomic_store(&over, false);
    atomic_store(&answered, 0);
    atomic_store(&unanswered, 0);
    for (int i = 0; i < OTHERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&others[i], NULL, go_on, NULL), 0);
}

static void end_others(const pthread_t others[OTHERS])
{
    unsigned before = atomic_load(&answered);
    while (atomic_load(&answered) < before + 10) /* they still do */
        sched_yield();
    atomic_store(&over, true);
    for (int i = 0; i < OTHERS; i++)
        CU_ASSERT_EQUAL(pthread_join(others[i], NULL), 0);
    CU_ASSERT_EQUAL(atomic_load(&unanswered), 0);
}

/* -- canceled threads ------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
extern void __asan_handle_no_return(void);
#endif

/* Where a canceled thread ends. The sanitizer has to be told that its frames are left. */
static void end_if_canceled(void)
{
#ifdef WITH_ASAN
    __asan_handle_no_return();
#endif
    pthread_testcancel();
}

static atomic_uint begun;

static void close_asker(void *asker)
{
    cb_asker_close(asker);
}

/* Asks until it is canceled. */
static void *be_a_victim(void *unused)
{
    cb_asker *asker = open_asker();
    pthread_cleanup_push(close_asker, &asker);
    for (unsigned i = 0;; i++) {
        if (!ask(asker) || (i % 16 == 0 && !run_callback(asker)))
            atomic_fetch_add(&unanswered, 1);
        if (i == 0)
            atomic_fetch_add(&begun, 1);
        end_if_canceled();
    }
    pthread_cleanup_pop(1);
    return unused;
}

static void who_is_canceled_in_a_call_leaves_nothing_half_done(void)
{
    pthread_t others[OTHERS];
    begin_with(NULL, NULL, NULL);
    begin_others(others);
    for (int i = 0; i < VICTIMS; i += AT_ONCE) {
        pthread_t victims[AT_ONCE];
        atomic_store(&begun, 0);
        for (int j = 0; j < AT_ONCE; j++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&victims[j], NULL, be_a_victim, NULL), 0);
        while (atomic_load(&begun) < AT_ONCE)
            sched_yield();
        for (int j = 0; j < AT_ONCE; j++) {
            void *result = NULL;
            CU_ASSERT_EQUAL(pthread_cancel(victims[j]), 0);
            CU_ASSERT_EQUAL(pthread_join(victims[j], &result), 0);
            CU_ASSERT_PTR_EQUAL(result, PTHREAD_CANCELED);
        }
    }
    end_others(others);
    end();
}

/* The calls themselves are no cancellation points, and give back what they found. */
static void *ask_canceled(void *result)
{
    int state = -1;
    int before = -1;
    cb_asker *asker = open_asker();
    CU_ASSERT_EQUAL(pthread_cancel(pthread_self()), 0);
    *(bool *)result = ask(asker) && run_callback(asker);
    cb_asker_close(&asker);
    CU_ASSERT_EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state), 0);
    CU_ASSERT_EQUAL(state, PTHREAD_CANCEL_ENABLE);
    asker = open_asker();
    CU_ASSERT(ask(asker));
    cb_asker_close(&asker);
    CU_ASSERT_EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before), 0);
    CU_ASSERT_EQUAL(before, PTHREAD_CANCEL_DISABLE);
    end_if_canceled();
    return NULL;
}

static void no_call_is_a_cancellation_point(void)
{
    pthread_t thread;
    bool done = false;
    void *result = NULL;
    begin_with(NULL, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ask_canceled, &done), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, &result), 0);
    CU_ASSERT_PTR_EQUAL(result, PTHREAD_CANCELED);
    CU_ASSERT(done);
    end();
}

/* A wait that a thread is canceled in goes on until the shutdown ends it. */
static void *wait_for_ever(void *happened)
{
    cb_asker *asker = open_asker();
    pthread_cleanup_push(close_asker, &asker);
    atomic_fetch_add(&begun, 1);
    CU_ASSERT_EQUAL(cb_wait(asker, NS, CB_WAIT_TIME, 0, -1, happened), CB_OK);
    end_if_canceled();
    pthread_cleanup_pop(1);
    return NULL;
}

static void a_wait_is_ended_by_the_shutdown(void)
{
    pthread_t thread;
    int happened = 7;
    void *result = NULL;
    begin_with(NULL, NULL, NULL);
    atomic_store(&begun, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wait_for_ever, &happened), 0);
    while (atomic_load(&begun) == 0)
        sched_yield();
    CU_ASSERT_EQUAL(pthread_cancel(thread), 0);
    cb_runtime_shutdown(runtime);
    CU_ASSERT_EQUAL(pthread_join(thread, &result), 0);
    CU_ASSERT_PTR_EQUAL(result, PTHREAD_CANCELED);
    CU_ASSERT_EQUAL(happened, 0);
    end();
}

/* -- forks ------------------------------------------------------------------------------------ */

static atomic_uint forked;

/* The exit status of a child, or -1. */
static int await_child(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fork_and_exit(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    if (child > 0 && await_child(child) == 7)
        atomic_fetch_add(&forked, 1);
}

static void a_callback_forks(void)
{
    pthread_t others[OTHERS];
    begin_with(fork_and_exit, NULL, NULL); /* the others' callbacks, too */
    cb_asker *asker = open_asker();
    atomic_store(&forked, 0);
    begin_others(others);
    for (unsigned i = 0; i < FORKS; i++) {
        CU_ASSERT(run_callback(asker));
        fork_and_exit(); /* and a thread that asks */
    }
    CU_ASSERT(atomic_load(&forked) >= 2 * FORKS);
    cb_asker_close(&asker);
    end_others(others);
    end();
}

static char descriptors[4096]; /* what the program that the child becomes has */

static void list_descriptors(void)
{
    FILE *lines = popen("for fd in /proc/self/fd/*; do echo $fd $(readlink $fd); done", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
    size_t size = fread(descriptors, 1, sizeof descriptors - 1, lines);
    descriptors[size] = '\0';
    CU_ASSERT_EQUAL(pclose(lines), 0);
}

/* A trace, a log, a listener, an event loop and all queues are open then. */
static void a_program_that_a_callback_begins_has_no_descriptor_of_ours(void)
{
    char path[] = "/tmp/callboard_threads_test_XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    cb_log *log = NULL;
    const cb_log_options log_options = {.path = path, .queue_bytes = 65536};
    const cb_route_options options = {.kind = CB_ROUTE_TCP, .callback = "none", .timeout_ms = -1};
    int64_t route = 0;
    list_descriptors();
    char before[sizeof descriptors];
    memcpy(before, descriptors, sizeof descriptors);
    CU_ASSERT_EQUAL_FATAL(cb_log_open(&log_options, &log, NULL), CB_OK);
    begin_with(list_descriptors, "/dev/null", log);
    cb_asker *asker = open_asker();
    CU_ASSERT_EQUAL(cb_route_open(asker, NS, &options, &route, NULL), CB_OK);
    CU_ASSERT(run_callback(asker));
    /* Its pipes have other numbers each time. */
    unsigned lines_before = 0;
    unsigned lines = 0;
    for (const char *at = before; (at = strchr(at, '\n')) != NULL; at++)
        lines_before++;
    for (const char *at = descriptors; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CU_ASSERT_EQUAL(lines, lines_before);
    CU_ASSERT_PTR_NULL(strstr(descriptors, "eventfd"));
    CU_ASSERT_PTR_NULL(strstr(descriptors, "uring"));
    CU_ASSERT_PTR_NULL(strstr(descriptors, "socket"));
    CU_ASSERT_PTR_NULL(strstr(descriptors, path));
    if (lines != lines_before)
        fprintf(stderr, "before:\n%safter:\n%s", before, descriptors);
    cb_asker_close(&asker);
    end();
    cb_log_close(&log);
    close(fd);
    unlink(path);
}

/* -- threads that take their time to end ------------------------------------------------------ */

static pthread_key_t key;
static sem_t in_destructor;
static sem_t may_end;
static unsigned ends_after_ms; /* 0: when it may */

/* As a library may have one for its threads; it runs after the actor's good-bye. */
static void destroy_late(void *unused)
{
    (void)unused;
    (void)sem_post(&in_destructor);
    if (ends_after_ms > 0) {
        const struct timespec time = {.tv_nsec = (long)ends_after_ms * 1000000};
        (void)nanosleep(&time, NULL);
        return;
    }
    while (sem_wait(&may_end) != 0)
        continue;
}

static void want_a_destructor(void)
{
    CU_ASSERT_EQUAL(pthread_setspecific(key, &key), 0);
}

static void begin_late(unsigned after_ms)
{
    ends_after_ms = after_ms;
    CU_ASSERT_EQUAL_FATAL(pthread_key_create(&key, destroy_late), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&in_destructor, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&may_end, 0, 0), 0);
    begin_with(want_a_destructor, NULL, NULL);
    cb_asker *asker = open_asker();
    CU_ASSERT(run_callback(asker));
    cb_asker_close(&asker);
}

static void an_actor_whose_thread_ends_late_is_waited_for(void)
{
    begin_late(300);
    end();
    CU_ASSERT_EQUAL(sem_trywait(&in_destructor), 0);
    CU_ASSERT_EQUAL(pthread_key_delete(key), 0);
}

/* What it may still use is left to it: the leak checker finds the runtime by its thread. */
static void an_actor_whose_thread_does_not_end_holds_up_nobody(void)
{
    cb_error error;
    begin_late(0);
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, &error), CB_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(error.text, "left threads behind that do not end");
    CU_ASSERT_PTR_NULL(runtime);
    CU_ASSERT_EQUAL(sem_trywait(&in_destructor), 0);
    (void)alarm(0);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(who_is_canceled_in_a_call_leaves_nothing_half_done),
                           TEST(no_call_is_a_cancellation_point),
                           TEST(a_wait_is_ended_by_the_shutdown),
                           TEST(a_callback_forks),
                           TEST(a_program_that_a_callback_begins_has_no_descriptor_of_ours),
                           TEST(an_actor_whose_thread_ends_late_is_waited_for),
                           TEST(an_actor_whose_thread_does_not_end_holds_up_nobody),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"threads of a runtime", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
