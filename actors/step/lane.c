/* Lanes: jobs that run one at a time and in order, beside those of other lanes.
 *
 *     nobody holds one:    the first in the queue of all, the others wait behind it in the lane
 *     a worker holds some: it runs them in order, so it alone may be given the next ones
 *
 * What a worker gives back waits in front of what was never handed; no worker gets any of it before
 * the last one that is held has ended.
 */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static const size_t line = offsetof(cb_step_job, line);

static cb_step_lane *lane_at(const cb_step *step, uint32_t lane)
{
    return cb_slots_item(&step->lanes, lane);
}

uint32_t cb_step_lane_get(cb_step *step, uint32_t route, uint32_t connection)
{
    uint64_t key = ((uint64_t)route << 32) | connection;
    uint32_t index = cb_map_get(&step->lane_ids, key);
    if (index != CB_NONE) {
        return index;
    }
    if (!cb_map_reserve(&step->lane_ids, step->resize) ||
        cb_step_add(step, &step->lanes, &index) != CB_OK) {
        return CB_NONE;
    }
    cb_step_lane *lane = lane_at(step, index);
    lane->key = key;
    lane->worker = lane->next = CB_NONE;
    lane->returned = lane->backlog = CB_LIST_EMPTY;
    cb_map_put(&step->lane_ids, key, index);
    return index;
}

void cb_step_lane_queue(cb_step *step, uint32_t slot, bool returned)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_lane *lane = lane_at(step, job->lane);
    cb_list_append(returned ? &lane->returned : &lane->backlog, &step->jobs, line, slot);
    job->place = returned ? CB_PLACE_LANE_RETURNED : CB_PLACE_LANE;
    cb_step_lane_advance(step, job->lane);
}

void cb_step_lane_handed(cb_step *step, uint32_t slot, uint32_t worker)
{
    cb_step_lane *lane = lane_at(step, cb_step_job_at(step, slot)->lane);
    assert(lane->held == 0 || lane->worker == worker);
    lane->worker = worker;
    lane->held++;
}

void cb_step_lane_let_go(cb_step *step, uint32_t slot)
{
    cb_step_lane *lane = lane_at(step, cb_step_job_at(step, slot)->lane);
    assert(lane->held > 0);
    if (--lane->held == 0) {
        lane->worker = CB_NONE;
    }
}

void cb_step_lane_advance(cb_step *step, uint32_t index)
{
    cb_step_lane *lane = lane_at(step, index);
    if (lane->held > 0 || lane->next != CB_NONE) {
        return;
    }
    bool returned = lane->returned.count > 0;
    cb_list *list = returned ? &lane->returned : &lane->backlog;
    uint32_t first = list->first;
    if (first == CB_NONE) {
        cb_map_remove(&step->lane_ids, lane->key);
        cb_slots_remove(&step->lanes, index);
        return;
    }
    cb_list_remove(list, &step->jobs, line, first);
    lane->next = first;
    cb_step_enqueue(step, first, returned);
}

void cb_step_lane_feed(cb_step *step, uint32_t index)
{
    const cb_step_lane *lane = cb_slots_live(&step->lanes, index);
    while (lane != NULL && lane->held > 0 && cb_step_worker_takes(step, lane->worker)) {
        uint32_t first = lane->returned.count > 0 ? lane->returned.first : lane->backlog.first;
        if (first == CB_NONE) {
            return;
        }
        cb_step_hand(step, first, lane->worker);
    }
}
