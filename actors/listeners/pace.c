#include "actors/listeners/pace.h"

#define MS       1000000
#define MS_PER_S 1000

/* A half has a nanosecond at least. */
static int64_t half_ns(int64_t window_ms)
{
    return window_ms * MS / 2;
}

void cb_pace_start(cb_pace *pace, int64_t now_ns, int64_t window_ms)
{
    *pace = (cb_pace){.due_ns = now_ns + half_ns(window_ms)};
}

/* At least one byte: a rate of less than that in a window asks for some life all the same. */
static uint64_t asked(int64_t window_ms, int64_t rate)
{
    return ((uint64_t)window_ms * (uint64_t)rate + MS_PER_S - 1) / MS_PER_S;
}

bool cb_pace_look(cb_pace *pace, int64_t now_ns, int64_t window_ms, int64_t rate, size_t moved)
{
    size_t last = moved > pace->moved ? moved - pace->moved : 0;
    bool fast = !pace->whole || last + pace->before >= asked(window_ms, rate);
    pace->whole = true;
    pace->before = last;
    pace->moved += last;
    /* A look that came late saw more than a half; the next half begins with it. */
    pace->due_ns = now_ns + half_ns(window_ms);
    return fast;
}
