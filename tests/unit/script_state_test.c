/* The locks of script_state between real threads, with a host that stops a run, begins a shutdown
 * or runs out of waits when the test wants it. */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <CUnit/Basic.h>

#include "tests/unit/plugin_host_double.h"

enum { THREADS = 5, ROUNDS = 500 };

/* What the host says to a run that waits. */
enum { GO_ON, STAY, STOP, SHUT_DOWN, FULL };

/* One run, with the one call it makes at a time. */
typedef struct run {
    cb_call call; /* first: the host finds the run by it */
    cb_value args[2];
    void *memory;
    void (*end)(void *memory);
    atomic_int mode;
    atomic_int waits; /* how often it has waited */
    int64_t result;
    cb_status status;
    char error[256];
    pthread_t thread;
} run;

static const cb_plugin *plugin;
static bool no_memory;

static cb_status fail(cb_call *call, cb_status status, const char *format, ...)
{
    run *own = (run *)call;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own->error, sizeof own->error, format, arguments);
    va_end(arguments);
    return status;
}

/* A wait takes its time, but at once when the shutdown has begun or the run is stopped. */
static cb_status wait_for(cb_call *call, cb_wait_kind what, int64_t id, int32_t timeout_ms,
                          int *happened)
{
    (void)what;
    (void)id;
    run *own = (run *)call;
    atomic_fetch_add(&own->waits, 1);
    *happened = 0;
    while (atomic_load(&own->mode) == STAY)
        sched_yield();
    switch (atomic_load(&own->mode)) {
    case STOP:
        return CB_STOPPED;
    case SHUT_DOWN:
        return CB_OK;
    case FULL:
        return CB_LIMIT;
    default:
        nanosleep(&(struct timespec){.tv_nsec = timeout_ms * 1000000L}, NULL);
        return CB_OK;
    }
}

static void *run_memory(cb_call *call, size_t size, void (*end)(void *memory))
{
    run *own = (run *)call;
    if (own->memory == NULL && !no_memory) {
        own->memory = calloc(1, size);
        own->end = end;
    }
    return own->memory;
}

static int64_t limit(cb_call *call, const char *variable)
{
    (void)call;
    return strcmp(variable, "CALLBOARD_MAX_STATE_BLOCKS") == 0 ? 10 : 1000;
}

static cb_host host = {.abi = CB_PLUGIN_ABI,
                       .size = sizeof(cb_host),
                       .fail = fail,
                       .wait = wait_for,
                       .run_memory = run_memory,
                       .limit = limit};

static void begin(run *own)
{
    memset(own, 0, sizeof *own);
}

static void end(run *own)
{
    if (own->memory != NULL)
        own->end(own->memory);
    free(own->memory);
    own->memory = NULL;
}

static cb_status call_verb(run *own, const char *name, uint32_t argc, int64_t a, int64_t b)
{
    own->error[0] = '\0';
    own->args[0] = fake_integer(a);
    own->args[1] = fake_integer(b);
    for (size_t i = 0; i < plugin->verb_count; i++) {
        if (strcmp(plugin->verbs[i].name, name) != 0)
            continue;
        own->call =
            (cb_call){.host = &host, .verb = &plugin->verbs[i], .args = own->args, .argc = argc};
        own->status = plugin->verbs[i].run(&own->call);
        own->result = own->call.result.integer;
        return own->status;
    }
    return CB_UNKNOWN;
}

static int64_t allocate(run *own)
{
    CU_ASSERT_EQUAL(call_verb(own, "Allocate", 1, 8, 0), CB_OK);
    return own->result;
}

/* Lock without waiting: 0, 1 or 2. */
static int64_t try_lock(run *own, int64_t block)
{
    CU_ASSERT_EQUAL(call_verb(own, "Lock", 2, block, 0), CB_OK);
    return own->result;
}

static int64_t the_block; /* what the threads below want */

static void *lock_for_ever(void *argument)
{
    (void)call_verb(argument, "Lock", 1, the_block, 0);
    return NULL;
}

static void *lock_without_limit(void *argument)
{
    (void)call_verb(argument, "Lock", 2, the_block, -1);
    return NULL;
}

/* Starts a run that waits for the_block, and returns once it is in the queue. */
static void start(run *own, void *(*what)(void *))
{
    begin(own);
    CU_ASSERT_EQUAL(pthread_create(&own->thread, NULL, what, own), 0);
    while (atomic_load(&own->waits) == 0)
        sched_yield();
}

static void join(run *own)
{
    CU_ASSERT_EQUAL(pthread_join(own->thread, NULL), 0);
}

static void test_the_longest_waiter_gets_it(void)
{
    run holder;
    run waiters[THREADS];
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    for (int i = 0; i < THREADS; i++)
        start(&waiters[i], lock_for_ever);
    CU_ASSERT_EQUAL(call_verb(&holder, "Unlock", 1, the_block, 0), CB_OK);
    for (int i = 0; i < THREADS; i++) {
        join(&waiters[i]); /* while the others still wait */
        CU_ASSERT_EQUAL(waiters[i].result, 1);
        CU_ASSERT_EQUAL(try_lock(&holder, the_block), 0);
        CU_ASSERT_EQUAL(call_verb(&waiters[i], "Unlock", 1, the_block, 0), CB_OK);
        end(&waiters[i]);
    }
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    CU_ASSERT_EQUAL(call_verb(&holder, "Free", 1, the_block, 0), CB_OK);
    end(&holder);
}

static void test_a_stop_ends_the_wait(void)
{
    run holder;
    run waiter;
    run next;
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    start(&waiter, lock_for_ever);
    start(&next, lock_for_ever);
    atomic_store(&waiter.mode, STOP);
    join(&waiter);
    CU_ASSERT_EQUAL(waiter.status, CB_STOPPED);
    CU_ASSERT_STRING_EQUAL(waiter.error, "");
    end(&waiter);
    CU_ASSERT_EQUAL(call_verb(&holder, "Unlock", 1, the_block, 0), CB_OK);
    join(&next);
    CU_ASSERT_EQUAL(next.result, 1);
    CU_ASSERT_EQUAL(call_verb(&next, "Free", 1, the_block, 0), CB_OK);
    end(&next);
    end(&holder);
}

/* The lock is handed over while the host says that the run is to stop: nobody may be left with it.
 */
static void test_a_stop_that_crosses_the_hand_over(void)
{
    run holder;
    run waiter;
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    begin(&waiter);
    atomic_store(&waiter.mode, STAY);
    CU_ASSERT_EQUAL(pthread_create(&waiter.thread, NULL, lock_for_ever, &waiter), 0);
    while (atomic_load(&waiter.waits) == 0)
        sched_yield();
    CU_ASSERT_EQUAL(call_verb(&holder, "Unlock", 1, the_block, 0), CB_OK);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 0);
    atomic_store(&waiter.mode, STOP);
    join(&waiter);
    CU_ASSERT_EQUAL(waiter.status, CB_STOPPED);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    end(&waiter);
    CU_ASSERT_EQUAL(call_verb(&holder, "Free", 1, the_block, 0), CB_OK);
    end(&holder);
}

static void test_a_shutdown_ends_the_wait(void)
{
    run holder;
    run with_limit;
    run without;
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    start(&with_limit, lock_without_limit);
    start(&without, lock_for_ever);
    atomic_store(&with_limit.mode, SHUT_DOWN);
    atomic_store(&without.mode, SHUT_DOWN);
    join(&with_limit);
    join(&without);
    CU_ASSERT_EQUAL(with_limit.status, CB_OK);
    CU_ASSERT_EQUAL(with_limit.result, 0);
    CU_ASSERT_EQUAL(without.status, CB_CLOSED);
    CU_ASSERT(strstr(without.error, "is locked, and a shutdown begins") != NULL);
    end(&with_limit);
    end(&without);
    CU_ASSERT_EQUAL(call_verb(&holder, "Free", 1, the_block, 0), CB_OK);
    end(&holder);
}

/* No room for one more wait is neither a stop nor a shutdown. */
static void test_a_host_without_waits_ends_nothing(void)
{
    run holder;
    run waiter;
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    start(&waiter, lock_for_ever);
    atomic_store(&waiter.mode, FULL);
    while (atomic_load(&waiter.waits) < 4)
        sched_yield();
    CU_ASSERT_EQUAL(call_verb(&holder, "Unlock", 1, the_block, 0), CB_OK);
    join(&waiter);
    CU_ASSERT_EQUAL(waiter.result, 1);
    CU_ASSERT_EQUAL(call_verb(&waiter, "Free", 1, the_block, 0), CB_OK);
    end(&waiter);
    end(&holder);
}

static void test_free_dismisses_who_waits(void)
{
    run holder;
    run waiters[2];
    begin(&holder);
    the_block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, the_block), 1);
    start(&waiters[0], lock_for_ever);
    start(&waiters[1], lock_for_ever);
    CU_ASSERT_EQUAL(call_verb(&holder, "Free", 1, the_block, 0), CB_OK);
    end(&holder);
    for (int i = 0; i < 2; i++) {
        join(&waiters[i]);
        CU_ASSERT_EQUAL(waiters[i].status, CB_CLOSED);
        CU_ASSERT(strstr(waiters[i].error, "was freed while its lock was waited for") != NULL);
        end(&waiters[i]);
    }
}

static void test_a_locked_block_is_not_anothers_to_free(void)
{
    run holder;
    run other;
    begin(&holder);
    begin(&other);
    int64_t block = allocate(&holder);
    CU_ASSERT_EQUAL(try_lock(&holder, block), 1);
    CU_ASSERT_EQUAL(call_verb(&other, "Free", 1, block, 0), CB_INVALID);
    CU_ASSERT(strstr(other.error, "is locked by another callback (or main)") != NULL);
    CU_ASSERT_EQUAL(call_verb(&other, "Unlock", 1, block, 0), CB_INVALID);
    end(&holder);
    CU_ASSERT_EQUAL(try_lock(&other, block), 2);
    CU_ASSERT_EQUAL(call_verb(&other, "Free", 1, block, 0), CB_OK);
    end(&other);
}

/* Three runs: the first has A, the second B and waits for A, the third C and waits for B. */
static void test_a_ring_is_refused(void)
{
    run first;
    run others[2];
    begin(&first);
    int64_t a = allocate(&first);
    int64_t b = allocate(&first);
    int64_t c = allocate(&first);
    CU_ASSERT_EQUAL(try_lock(&first, a), 1);
    begin(&others[0]);
    begin(&others[1]);
    CU_ASSERT_EQUAL(try_lock(&others[0], b), 1);
    CU_ASSERT_EQUAL(try_lock(&others[1], c), 1);
    for (int i = 0; i < 2; i++) {
        the_block = i == 0 ? a : b;
        CU_ASSERT_EQUAL(pthread_create(&others[i].thread, NULL, lock_for_ever, &others[i]), 0);
        while (atomic_load(&others[i].waits) == 0)
            sched_yield();
    }
    CU_ASSERT_EQUAL(try_lock(&first, c), 0); /* not to wait closes no ring */
    CU_ASSERT_EQUAL(call_verb(&first, "Lock", 2, c, 1000), CB_INVALID);
    CU_ASSERT(strstr(first.error, "neither wait would end") != NULL);
    CU_ASSERT_EQUAL(call_verb(&first, "Unlock", 1, a, 0), CB_OK);
    join(&others[0]);
    end(&others[0]);
    join(&others[1]);
    CU_ASSERT_EQUAL(others[1].result, 2);
    end(&others[1]);
    CU_ASSERT_EQUAL(try_lock(&first, c), 2);
    CU_ASSERT_EQUAL(call_verb(&first, "Free", 1, a, 0), CB_OK);
    CU_ASSERT_EQUAL(call_verb(&first, "Free", 1, b, 0), CB_OK);
    CU_ASSERT_EQUAL(call_verb(&first, "Free", 1, c, 0), CB_OK);
    end(&first);
}

static int64_t counted; /* changed only with the lock */

static void *count(void *argument)
{
    run *own = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (call_verb(own, "Lock", 2, the_block, i % 3 == 0 ? 1 : -1) != CB_OK)
            break;
        if (own->result == 0) {
            i--;
            continue;
        }
        counted++;
        (void)call_verb(own, "Unlock", 1, the_block, 0);
    }
    return NULL;
}

static void test_many_threads(void)
{
    run owner;
    run others[THREADS];
    begin(&owner);
    the_block = allocate(&owner);
    counted = 0;
    for (int i = 0; i < THREADS; i++) {
        begin(&others[i]);
        CU_ASSERT_EQUAL(pthread_create(&others[i].thread, NULL, count, &others[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        join(&others[i]);
        end(&others[i]);
    }
    CU_ASSERT_EQUAL(counted, THREADS * ROUNDS);
    CU_ASSERT_EQUAL(call_verb(&owner, "Free", 1, the_block, 0), CB_OK);
    end(&owner);
}

static void test_hosts_that_cannot(void)
{
    run own;
    begin(&own);
    no_memory = true;
    CU_ASSERT_EQUAL(call_verb(&own, "Lock", 1, 1, 0), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(call_verb(&own, "GetPointer", 1, 1, 0), CB_NO_MEMORY);
    no_memory = false;
    host.size = offsetof(cb_host, run_memory);
    CU_ASSERT_EQUAL(call_verb(&own, "Lock", 1, 1, 0), CB_UNSUPPORTED);
    CU_ASSERT_EQUAL(call_verb(&own, "Allocate", 1, 1, 0), CB_UNSUPPORTED);
    host.size = sizeof(cb_host);
    end(&own);
}

int main(void)
{
    plugin = fake_load("script_state/ScriptStatePlugin");
    if (plugin == NULL || CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("script_state", NULL, NULL);
    CU_ADD_TEST(suite, test_the_longest_waiter_gets_it);
    CU_ADD_TEST(suite, test_a_stop_ends_the_wait);
    CU_ADD_TEST(suite, test_a_stop_that_crosses_the_hand_over);
    CU_ADD_TEST(suite, test_a_shutdown_ends_the_wait);
    CU_ADD_TEST(suite, test_a_host_without_waits_ends_nothing);
    CU_ADD_TEST(suite, test_free_dismisses_who_waits);
    CU_ADD_TEST(suite, test_a_locked_block_is_not_anothers_to_free);
    CU_ADD_TEST(suite, test_a_ring_is_refused);
    CU_ADD_TEST(suite, test_many_threads);
    CU_ADD_TEST(suite, test_hosts_that_cannot);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}
