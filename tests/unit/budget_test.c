/* The memory budget: what is counted, by whichever thread, and where each size is refused. */
#include "actors/base/budget.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "callboard/buffer.h"

#define KIB     1024
#define MIB     (INT64_C(1) << 20)
#define BLOCK   sizeof(cb_buffer)
#define NO_MARK INT64_MAX

/* -- counting --------------------------------------------------------------------------------- */

static void a_buffer_counts_by_its_capacity(void)
{
    int64_t before = cb_budget_bytes();
    cb_buffer *buffer = cb_buffer_new(10, 1000);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 1000 + BLOCK);
    buffer->size = 0;
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, 3000), CB_OK);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, (int64_t)(buffer->capacity + BLOCK));
    cb_buffer *second = cb_buffer_retain(buffer);
    cb_buffer_release(buffer);
    CU_ASSERT(cb_budget_bytes() - before >= 3000);
    cb_buffer_release(second);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

static void a_copy_on_write_counts_as_another(void)
{
    int64_t before = cb_budget_bytes();
    cb_buffer *one = cb_buffer_new(500, 500);
    cb_buffer *two = cb_buffer_retain(one);
    CU_ASSERT_EQUAL(cb_buffer_writable(&two, 500), CB_OK);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 2 * (500 + (int64_t)BLOCK));
    cb_buffer_release(one);
    cb_buffer_release(two);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

static void drop_nothing(void *object)
{
    (void)object;
}

static void foreign_memory_does_not_count_and_held_objects_do(void)
{
    char bytes[5000];
    int64_t before = cb_budget_bytes();
    cb_buffer *foreign = cb_buffer_foreign(bytes, sizeof bytes);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, BLOCK);
    memset(bytes, 0, sizeof bytes);
    cb_buffer *holding = cb_buffer_holding(bytes, 700, drop_nothing);
    CU_ASSERT(cb_budget_bytes() - before >= (int64_t)(2 * BLOCK + 700));
    cb_buffer_release(holding);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, BLOCK);
    CU_ASSERT_EQUAL(cb_buffer_writable(&foreign, 6000), CB_OK); /* a copy of its own */
    CU_ASSERT(cb_budget_bytes() - before >= 6000);
    cb_buffer_release(foreign);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

/* -- threads ---------------------------------------------------------------------------------- */

static pthread_barrier_t step;

static void *make_one(void *argument)
{
    cb_buffer **made = argument;
    *made = cb_buffer_new(0, 1000);
    return NULL;
}

static void *release_one(void *argument)
{
    cb_buffer_release(argument);
    return NULL;
}

static void run_in_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, argument), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_join(thread, NULL), 0);
}

static void what_is_made_and_freed_on_threads_that_end_counts(void)
{
    int64_t before = cb_budget_bytes();
    cb_buffer *made = NULL;
    run_in_thread(make_one, &made);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 1000 + BLOCK);
    run_in_thread(release_one, made);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
    for (int i = 0; i < 200; i++) { /* nothing is lost with any of them */
        run_in_thread(make_one, &made);
        cb_buffer_release(made);
    }
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
}

static void *gather(void *argument)
{
    (void)argument;
    cb_budget_add(1); /* makes the thread known */
    cb_budget_add(CB_BUDGET_SLACK);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    cb_budget_add(1);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    cb_budget_add(-CB_BUDGET_SLACK);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    cb_budget_add(-2);
    return NULL;
}

/* Both sides of what a thread may keep to itself, upwards and downwards. */
static void a_thread_hands_on_what_it_has_gathered(void)
{
    pthread_t thread;
    int64_t before = cb_budget_bytes();
    pthread_barrier_init(&step, NULL, 2);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, gather, NULL), 0);
    pthread_barrier_wait(&step);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 1);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, CB_BUDGET_SLACK + 2);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, CB_BUDGET_SLACK + 2);
    pthread_barrier_wait(&step);
    CU_ASSERT_EQUAL_FATAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(cb_budget_bytes(), before);
    pthread_barrier_destroy(&step);
}

#define ASKERS 4
#define ROUNDS 2000
#define PIECE  (100 * KIB)

static atomic_int held;
static atomic_int most_held;

static void *ask_for_much(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (!cb_budget_take(PIECE, PIECE))
            continue;
        int now = atomic_fetch_add(&held, 1) + 1;
        int most = atomic_load(&most_held);
        while (now > most && !atomic_compare_exchange_weak(&most_held, &most, now))
            ;
        atomic_fetch_sub(&held, 1);
        cb_budget_add(-PIECE);
    }
    return NULL;
}

/* However they meet, large blocks never get more than their mark: room for two here, in three
 * quarters of the budget. */
static void many_at_once_cannot_overdraw(void)
{
    pthread_t threads[ASKERS];
    int64_t base = cb_budget_bytes();
    cb_budget_set(base + PIECE * 2 / 3 * 4 + 64 * KIB, base);
    atomic_store(&most_held, 0);
    for (int i = 0; i < ASKERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_for_much, NULL), 0);
    for (int i = 0; i < ASKERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT(atomic_load(&most_held) >= 1);
    CU_ASSERT(atomic_load(&most_held) <= 2);
    cb_budget_set(NO_MARK, 0);
    CU_ASSERT_EQUAL(cb_budget_bytes(), base);
}

/* -- marks ------------------------------------------------------------------------------------ */

#define EIGHTH (64 * (int64_t)KIB)
#define FIXED  (512 * (int64_t)KIB)

/* Has so many bytes counted, for the time of one question. */
static int64_t filled_to;

static void fill_to(int64_t bytes)
{
    cb_budget_add(bytes - filled_to);
    filled_to = bytes;
}

/* A budget that begins at what is counted now; `fill_to` then says how much of it is used. */
static void begin_marks(void)
{
    int64_t base = cb_budget_bytes();
    cb_budget_set(base + FIXED + 8 * EIGHTH, base + FIXED);
    cb_budget_add(FIXED);
    filled_to = 0;
}

static void end_marks(void)
{
    fill_to(0);
    cb_budget_add(-FIXED);
    cb_budget_set(NO_MARK, 0);
}

/* Granted to the last byte before the mark, and not one byte behind it. */
static void expect_reading_mark(size_t block, int64_t eighths)
{
    uint64_t refused = cb_budget_refused();
    fill_to(eighths * EIGHTH - 100);
    CU_ASSERT(cb_budget_may_read(block, 100));
    CU_ASSERT(cb_budget_could_read(block, 100));
    CU_ASSERT(!cb_budget_could_read(block, 101));
    CU_ASSERT_EQUAL(cb_budget_refused(), refused);
    CU_ASSERT(!cb_budget_may_read(block, 101));
    CU_ASSERT(cb_budget_was_it());
    CU_ASSERT_EQUAL(cb_budget_refused(), refused + 1);
    fill_to(eighths * EIGHTH + 1);
    CU_ASSERT(!cb_budget_could_read(block, 0));
}

static void what_is_read_has_marks_by_its_size(void)
{
    begin_marks();
    expect_reading_mark(0, 8);
    expect_reading_mark(CB_BUDGET_TINY, 8);
    expect_reading_mark(CB_BUDGET_TINY + 1, 6);
    expect_reading_mark(CB_BUDGET_SMALL, 6);
    expect_reading_mark(CB_BUDGET_SMALL + 1, 5);
    expect_reading_mark(CB_BUDGET_MIDDLE, 5);
    expect_reading_mark(CB_BUDGET_MIDDLE + 1, 4);
    expect_reading_mark(SIZE_MAX / 4, 4);
    end_marks();
}

static bool takes(size_t whole, size_t more)
{
    bool taken = cb_budget_take(whole, more);
    if (taken)
        cb_budget_add(-(int64_t)more);
    return taken;
}

static void expect_mark(size_t whole, size_t more, int64_t eighths)
{
    fill_to(eighths * EIGHTH - (int64_t)more);
    CU_ASSERT(takes(whole, more));
    fill_to(eighths * EIGHTH - (int64_t)more + 1);
    CU_ASSERT(!takes(whole, more));
}

static void what_is_allocated_has_marks_by_its_size(void)
{
    begin_marks();
    expect_mark(CB_BUDGET_TINY + 1, CB_BUDGET_TINY + 1, 7);
    expect_mark(CB_BUDGET_MIDDLE, 10, 7);
    expect_mark(CB_BUDGET_MIDDLE + 1, CB_BUDGET_MIDDLE + 1, 6);
    expect_mark(CB_BUDGET_MIDDLE + 1, 1, 6);
    fill_to(20 * EIGHTH); /* an error can always be said */
    CU_ASSERT(takes(CB_BUDGET_TINY, CB_BUDGET_TINY));
    CU_ASSERT(!takes(CB_BUDGET_TINY + 1, 1));
    end_marks();
}

static void what_is_begun_and_kept_has_marks(void)
{
    const unsigned marks[] = {CB_BUDGET_TO_BEGIN, CB_BUDGET_TO_KEEP, CB_BUDGET_TO_ANSWER};
    begin_marks();
    for (size_t i = 0; i < 3; i++) {
        fill_to((int64_t)marks[i] * EIGHTH);
        CU_ASSERT(cb_budget_has_room(marks[i]));
        fill_to((int64_t)marks[i] * EIGHTH + 1);
        CU_ASSERT(!cb_budget_has_room(marks[i]));
    }
    end_marks();
}

static void buffers_are_refused_and_say_why(void)
{
    begin_marks();
    fill_to(6 * EIGHTH - 100 * KIB);
    cb_buffer *large = cb_buffer_new(0, 90 * KIB);
    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    int64_t before = cb_budget_bytes();
    /* Half as much again finds no room, what is needed does. */
    CU_ASSERT_EQUAL(cb_buffer_writable(&large, 95 * KIB), CB_OK);
    CU_ASSERT_EQUAL(large->capacity, 95 * KIB);
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 5 * KIB);
    CU_ASSERT_EQUAL(cb_buffer_writable(&large, 101 * KIB), CB_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_buffer_why_not(), "CALLBOARD_MEMORY"));
    CU_ASSERT_EQUAL(large->capacity, 95 * KIB);
    CU_ASSERT_PTR_NULL(cb_buffer_new(0, 65 * KIB));
    CU_ASSERT_EQUAL(cb_budget_bytes() - before, 5 * KIB);
    CU_ASSERT(cb_buffer_has_room(1));
    cb_buffer *small = cb_buffer_new(0, 10 * KIB);
    CU_ASSERT_PTR_NOT_NULL(small);
    cb_buffer_release(small);
    cb_buffer_release(large);
    end_marks();
    CU_ASSERT_PTR_NULL(cb_buffer_new(0, SIZE_MAX)); /* a no that is not the budget's */
    CU_ASSERT_STRING_EQUAL(cb_buffer_why_not(), "out of memory");
}

static void without_a_budget_all_is_granted(void)
{
    cb_budget_set(NO_MARK, 0);
    CU_ASSERT_EQUAL(cb_budget_limit(), NO_MARK);
    CU_ASSERT(cb_budget_could_read(SIZE_MAX / 4, SIZE_MAX / 4));
    CU_ASSERT(takes(SIZE_MAX / 4, SIZE_MAX / 4));
    CU_ASSERT(cb_budget_has_room(8));
}

/* -- choosing --------------------------------------------------------------------------------- */

static cb_limits limits_with(int64_t memory, int64_t route)
{
    cb_limits limits = cb_limits_default();
    limits.memory = memory;
    limits.route_memory = route;
    limits.trace_buffer = 16 * MIB;
    limits.log_queue = MIB;
    return limits;
}

static void unasked_it_is_half_of_the_machine(void)
{
    cb_error error;
    cb_limits limits = limits_with(0, 0);
    CU_ASSERT_EQUAL(cb_budget_fixed(&limits), 18 * MIB);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, 1024 * MIB, &error), CB_OK);
    CU_ASSERT_EQUAL(limits.memory, 512 * MIB);
    CU_ASSERT_EQUAL(limits.route_memory, (512 - 18) / 2 * MIB);
    limits = limits_with(0, 7);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, 0, &error), CB_OK); /* nobody knows */
    CU_ASSERT_EQUAL(limits.memory, 1024 * MIB);
    CU_ASSERT_EQUAL(limits.route_memory, 7);
    limits = limits_with(0, 0);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, UINT64_MAX, &error), CB_OK);
    CU_ASSERT_EQUAL(limits.memory, INT64_C(1) << 46);
}

static void on_a_small_machine_there_is_a_least(void)
{
    cb_error error;
    for (uint64_t machine = 1; machine <= 52 * MIB; machine += 17 * MIB) {
        cb_limits limits = limits_with(0, 0);
        CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, machine, &error), CB_OK);
        CU_ASSERT_EQUAL(limits.memory, 26 * MIB);
    }
    cb_limits limits = limits_with(0, 0);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, 54 * MIB, &error), CB_OK);
    CU_ASSERT_EQUAL(limits.memory, 27 * MIB);
}

static void one_that_the_queues_use_up_is_an_error(void)
{
    cb_error error;
    cb_limits limits = limits_with(19 * MIB, 0);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, 0, &error), CB_OK);
    CU_ASSERT_EQUAL(limits.memory, 19 * MIB);
    limits = limits_with(19 * MIB - 1, 0);
    CU_ASSERT_EQUAL(cb_budget_choose_of(&limits, 0, &error), CB_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "CALLBOARD_MEMORY"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "CALLBOARD_TRACE_BUFFER"));
}

static void this_machine_has_some(void)
{
    cb_error error;
    cb_limits limits = limits_with(0, 0);
    CU_ASSERT_EQUAL(cb_budget_choose(&limits, &error), CB_OK);
    CU_ASSERT(limits.memory >= 26 * MIB);
    CU_ASSERT(limits.route_memory > 0 && limits.route_memory < limits.memory);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("budget", NULL, NULL);
#define ADD(test) CU_add_test(suite, #test, test)
    ADD(a_buffer_counts_by_its_capacity);
    ADD(a_copy_on_write_counts_as_another);
    ADD(foreign_memory_does_not_count_and_held_objects_do);
    ADD(what_is_made_and_freed_on_threads_that_end_counts);
    ADD(a_thread_hands_on_what_it_has_gathered);
    ADD(many_at_once_cannot_overdraw);
    ADD(what_is_read_has_marks_by_its_size);
    ADD(what_is_allocated_has_marks_by_its_size);
    ADD(what_is_begun_and_kept_has_marks);
    ADD(buffers_are_refused_and_say_why);
    ADD(without_a_budget_all_is_granted);
    ADD(unasked_it_is_half_of_the_machine);
    ADD(on_a_small_machine_there_is_a_least);
    ADD(one_that_the_queues_use_up_is_an_error);
    ADD(this_machine_has_some);
#undef ADD
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0;
}
