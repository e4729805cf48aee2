/* Rates over a window that slides by halves, with a clock of the test's own. */
#include "actors/listeners/pace.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

#define MS     INT64_C(1000000)
#define WINDOW 1000 /* ms */
#define RATE   100  /* bytes a second: 100 in each window */

/* Looks at every half, as the listener does, while `moved` says how much has come by then. Returns
 * the milliseconds after which the client was found too slow; -1: it was not within so many halves.
 */
static int64_t ends_after(size_t (*moved)(int64_t ms), int halves)
{
    cb_pace pace;
    const int64_t start_ns = 12345 * MS;
    cb_pace_start(&pace, start_ns, WINDOW);
    for (int i = 0; i < halves; i++) {
        int64_t ms = (pace.due_ns - start_ns) / MS;
        CU_ASSERT_EQUAL(ms, (i + 1) * WINDOW / 2);
        if (!cb_pace_look(&pace, pace.due_ns, WINDOW, RATE, moved(ms)))
            return ms;
    }
    return -1;
}

static size_t nothing(int64_t ms)
{
    (void)ms;
    return 0;
}

/* 15 MiB at once, and then silence: what came is worth no more than its own window. */
static size_t burst(int64_t ms)
{
    return ms > 0 ? 15u << 20 : 0;
}

static size_t burst_after_two_windows(int64_t ms)
{
    return ms <= 2000 ? (size_t)ms / 10 : 15u << 20;
}

static size_t steady(int64_t ms)
{
    return (size_t)ms * RATE / 1000;
}

static size_t steady_but_one_byte(int64_t ms)
{
    return (size_t)ms * RATE / 1000 * 99 / 100;
}

/* All that a window asks for comes in every second half. */
static size_t uneven(int64_t ms)
{
    return (size_t)((ms + 500) / 1000) * 100;
}

static size_t fast_then_slow(int64_t ms)
{
    return ms <= 5000 ? (size_t)ms * 1000 : 5000000 + (size_t)(ms - 5000) / 20;
}

static void silence_ends_after_one_window(void)
{
    CU_ASSERT_EQUAL(ends_after(nothing, 100), WINDOW);
}

static void a_burst_buys_one_window_and_a_half_at_most(void)
{
    CU_ASSERT_EQUAL(ends_after(burst, 100), WINDOW * 3 / 2);
    CU_ASSERT_EQUAL(ends_after(burst_after_two_windows, 100), 2000 + WINDOW * 3 / 2);
}

static void the_rate_itself_is_enough_and_less_is_not(void)
{
    CU_ASSERT_EQUAL(ends_after(steady, 1000), -1);
    CU_ASSERT_EQUAL(ends_after(steady_but_one_byte, 1000), WINDOW);
    CU_ASSERT_EQUAL(ends_after(uneven, 1000), -1);
}

static void many_windows_of_speed_are_not_saved(void)
{
    CU_ASSERT_EQUAL(ends_after(fast_then_slow, 1000), 5000 + WINDOW);
}

static void a_late_look_is_fair(void)
{
    cb_pace pace;
    cb_pace_start(&pace, 0, WINDOW);
    CU_ASSERT(cb_pace_look(&pace, 5000 * MS, WINDOW, RATE, 60));
    CU_ASSERT_EQUAL(pace.due_ns, 5500 * MS);
    CU_ASSERT(cb_pace_look(&pace, 5500 * MS, WINDOW, RATE, 100));
    CU_ASSERT(!cb_pace_look(&pace, 6000 * MS, WINDOW, RATE, 159));
}

static void moving_backwards_is_standing_still(void)
{
    cb_pace pace;
    cb_pace_start(&pace, 0, WINDOW);
    CU_ASSERT(cb_pace_look(&pace, 500 * MS, WINDOW, RATE, 1000));
    CU_ASSERT(cb_pace_look(&pace, 1000 * MS, WINDOW, RATE, 10));
    CU_ASSERT(!cb_pace_look(&pace, 1500 * MS, WINDOW, RATE, 1000));
}

static void the_ends_of_the_ranges(void)
{
    cb_pace pace;
    cb_pace_start(&pace, 0, 1); /* half a millisecond is a half */
    CU_ASSERT_EQUAL(pace.due_ns, MS / 2);
    CU_ASSERT(cb_pace_look(&pace, MS / 2, 1, 1, 0));
    CU_ASSERT(cb_pace_look(&pace, MS, 1, 1, 1)); /* one byte where the rate asks for less */
    CU_ASSERT(cb_pace_look(&pace, 3 * MS / 2, 1, 1, 1));
    CU_ASSERT(!cb_pace_look(&pace, 2 * MS, 1, 1, 1));
    cb_pace_start(&pace, 0, 3600000);
    CU_ASSERT(cb_pace_look(&pace, 1800000 * MS, 3600000, 1073741824, 0));
    CU_ASSERT(!cb_pace_look(&pace, 3600000 * MS, 3600000, 1073741824, 3865470566399));
    cb_pace_start(&pace, 0, 3600000);
    CU_ASSERT(cb_pace_look(&pace, 1800000 * MS, 3600000, 1073741824, 0));
    CU_ASSERT(cb_pace_look(&pace, 3600000 * MS, 3600000, 1073741824, 3865470566400));
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("pace", NULL, NULL);
#define ADD(test) CU_add_test(suite, #test, test)
    ADD(silence_ends_after_one_window);
    ADD(a_burst_buys_one_window_and_a_half_at_most);
    ADD(the_rate_itself_is_enough_and_less_is_not);
    ADD(many_windows_of_speed_are_not_saved);
    ADD(a_late_look_is_fair);
    ADD(moving_backwards_is_standing_still);
    ADD(the_ends_of_the_ranges);
#undef ADD
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0;
}
