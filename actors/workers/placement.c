#include "actors/workers/placement.h"

void cb_placement_release(cb_placement *placement)
{
    cpu_set_t all;
    placement->near = placement->moved = false;
    placement->jobs = placement->longer = 0;
    if (!placement->kept)
        return;
    if (sched_getaffinity(placement->like, sizeof all, &all) == 0 &&
        sched_setaffinity(0, sizeof all, &all) == 0)
        placement->kept = false;
}

void cb_placement_count(cb_placement *placement, int64_t took_ns)
{
    if (placement->most_us == 0)
        return;
    placement->longer += took_ns >= (placement->most_us + 1) * 1000;
    if (took_ns >= CB_PLACED_MOST_NS) {
        cb_placement_release(placement);
    } else if (++placement->jobs == CB_PLACED_JOBS) {
        bool near = placement->longer <= CB_PLACED_LONGER;
        if (!near)
            cb_placement_release(placement);
        placement->near = near;
        placement->moved = false;
        placement->jobs = placement->longer = 0;
    }
}

/* Not outside of where it might be otherwise. */
static bool may_run_on(const cb_placement *placement, int processor)
{
    cpu_set_t all;
    return processor < CPU_SETSIZE && placement->like != 0 &&
           sched_getaffinity(placement->like, sizeof all, &all) == 0 &&
           CPU_ISSET((size_t)processor, &all);
}

void cb_placement_follow(cb_placement *placement, int processor)
{
    cpu_set_t one;
    if (!placement->near || placement->moved || processor < 0 ||
        (placement->kept && placement->kept_on == processor))
        return;
    placement->moved = true; /* or not: not again so soon */
    if (!may_run_on(placement, processor))
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)processor, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0) {
        placement->kept = true;
        placement->kept_on = processor;
    } else {
        placement->most_us = 0;
    }
}
