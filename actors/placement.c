#include "actors/placement.h"

#include <sched.h>

static void let_run_anywhere(cb_placement *placement, pid_t like)
{
    cpu_set_t all;
    placement->kept_on = CB_PLACED_ANYWHERE;
    if (sched_getaffinity(like, sizeof all, &all) == 0)
        (void)pthread_setaffinity_np(placement->thread, sizeof all, &all);
}

void cb_placement_begin(cb_placement *placement, pthread_t thread, int64_t most_us, pid_t like)
{
    *placement = (cb_placement){.thread = thread, .most_us = most_us};
    let_run_anywhere(placement, like);
}

static void decide(cb_placement *placement, bool near, pid_t like)
{
    placement->near = near;
    placement->jobs = placement->longer = 0;
    if (!near && placement->kept_on != CB_PLACED_ANYWHERE)
        let_run_anywhere(placement, like);
}

void cb_placement_take_reports(cb_placement *placement, const cb_message *records, size_t count,
                               pid_t like)
{
    if (placement->most_us == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind == CB_MSG_JOB_STARTED) {
            decide(placement, false, like);
        } else if (records[i].kind == CB_MSG_JOB_COMPLETED) {
            placement->longer += records[i].connection > placement->most_us;
            if (++placement->jobs == CB_PLACED_JOBS)
                decide(placement, placement->longer <= CB_PLACED_LONGER, like);
        }
    }
}

void cb_placement_follow(cb_placement *placement)
{
    cpu_set_t one;
    if (!placement->near)
        return;
    int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || here == placement->kept_on)
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)here, &one);
    if (pthread_setaffinity_np(placement->thread, sizeof one, &one) == 0)
        placement->kept_on = here;
}
