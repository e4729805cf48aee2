/* One input: its time, the deadlines due by then, its handler, and when the next deadline is. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/step/state.h"

static void tick(cb_step *step)
{
    (void)step; /* the deadlines have been handled */
}

static void hello(cb_step *step)
{
    bool full = cb_slots_at_limit(&step->askers);
    bool known = cb_map_get(&step->asker_ids, step->in.from) != CB_NONE;
    cb_step_answer(step, known ? CB_OK : full ? CB_LIMIT : CB_NO_MEMORY, 0);
}

static void goodbye(cb_step *step)
{
    uint32_t slot = cb_map_get(&step->asker_ids, step->in.from);
    if (slot == CB_NONE) {
        cb_step_ignore(step);
        return;
    }
    cb_step_abandon(step, &((cb_step_asker *)cb_slots_item(&step->askers, slot))->asked);
    cb_step_finish_abandon(step, step->in.from);
    cb_map_remove(&step->asker_ids, step->in.from);
    cb_slots_remove(&step->askers, slot);
}

static void (*const handlers[])(cb_step *) = {
    [CB_MSG_OPEN_ROUTE] = cb_step_open_route,
    [CB_MSG_CLOSE_ROUTE] = cb_step_close_route,
    [CB_MSG_BEGIN_JOB] = cb_step_begin_job,
    [CB_MSG_TAKE_JOB] = cb_step_take_job,
    [CB_MSG_ASK] = cb_step_ask,
    [CB_MSG_WAIT] = cb_step_wait_input,
    [CB_MSG_SHUTDOWN] = cb_step_shutdown,
    [CB_MSG_FINISH] = cb_step_finish,
    [CB_MSG_HELLO] = hello,
    [CB_MSG_GOODBYE] = goodbye,
    [CB_MSG_COMMAND] = cb_step_command,
    [CB_MSG_CANCEL_JOB] = cb_step_cancel_job,
    [CB_MSG_CLOSE_JOBS] = cb_step_close_jobs,
    [CB_MSG_ROUTE_LISTENING] = cb_step_route_listening,
    [CB_MSG_ROUTE_FAILED] = cb_step_route_failed,
    [CB_MSG_ACCEPTED] = cb_step_accepted,
    [CB_MSG_REQUEST_READY] = cb_step_request_ready,
    [CB_MSG_RESPONSE_SENT] = cb_step_response_sent,
    [CB_MSG_CONNECTION_CLOSED] = cb_step_connection_closed,
    [CB_MSG_ROUTE_STOPPED] = cb_step_route_stopped,
    [CB_MSG_ORDER_DONE] = cb_step_order_done,
    [CB_MSG_REJECTED] = cb_step_rejected,
    [CB_MSG_CONNECTIONS] = cb_step_connections,
    [CB_MSG_ACTOR_READY] = cb_step_actor_ready,
    [CB_MSG_JOB_STARTED] = cb_step_job_started,
    [CB_MSG_JOB_COMPLETED] = cb_step_job_completed,
    [CB_MSG_JOB_RETURNED] = cb_step_job_returned,
    [CB_MSG_ACTOR_STOPPED] = cb_step_actor_stopped,
    [CB_MSG_JOB_STALE] = cb_step_job_stale,
    [CB_MSG_TICK] = tick,
};

cb_step *cb_step_new(const cb_limits *limits)
{
    cb_step *step = calloc(1, sizeof *step);
    if (step == NULL) {
        return NULL;
    }
    step->limits = *limits;
    step->resize = realloc;
    step->now_ns = INT64_MIN;
    step->told_deadline_ns = INT64_MAX;
    step->last_actor = CB_ADDRESS_FIRST_ACTOR - 1u;
    step->spread = 1;
    cb_slots_init(&step->routes, sizeof(cb_step_route),
                  (uint64_t)limits->max_routes + (uint64_t)limits->max_closed_routes + 1u);
    cb_slots_init(&step->jobs, sizeof(cb_step_job), CB_STEP_JOBS_MAX);
    cb_slots_init(&step->waits, sizeof(cb_step_wait), (uint64_t)limits->max_waits);
    cb_slots_init(&step->workers, sizeof(cb_step_worker), (uint64_t)limits->max_actors);
    cb_slots_init(&step->askers, sizeof(cb_step_asker), CB_STEP_ASKERS_MAX);
    cb_slots_init(&step->lanes, sizeof(cb_step_lane), CB_STEP_JOBS_MAX);
    cb_slots_init(&step->spaces, sizeof(cb_step_space), CB_STEP_NAME_SPACES);
    cb_slots_init(&step->tallies, sizeof(cb_tally),
                  (uint64_t)limits->metrics_routes + CB_TALLY_KINDS * CB_STEP_NAME_SPACES);
    cb_heap_init(&step->deadlines);
    cb_heap_init(&step->returned);
    step->closed = step->fresh = step->parked = step->feedable = CB_LIST_EMPTY;
    step->client_queue = step->client_held = CB_LIST_EMPTY;
    /* The grace and the finish have their deadlines without an object of their own. */
    if (!cb_heap_reserve(&step->deadlines, 2, step->resize) ||
        !cb_step_reserve_effects(step, CB_STEP_EFFECTS_LEAST)) {
        cb_step_free(&step, NULL, NULL);
    }
    return step;
}

static void drop_payloads(const cb_step *step, void (*drop)(void *user, uint64_t payload),
                          void *user)
{
    for (uint32_t i = 0; i < step->routes.high; i++) {
        const cb_step_route *route = cb_slots_live(&step->routes, i);
        if (route != NULL && route->callback != 0) {
            drop(user, route->callback);
        }
        if (route != NULL && route->tls != 0) {
            drop(user, route->tls);
        }
    }
    for (uint32_t i = 0; i < step->waits.high; i++) {
        const cb_step_wait *wait = cb_slots_live(&step->waits, i);
        if (wait != NULL && wait->payload != 0) {
            drop(user, wait->payload);
        }
    }
    for (uint32_t i = 0; i < step->jobs.high; i++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, i);
        if (job != NULL && job->payload != 0) {
            drop(user, job->payload);
        }
    }
    for (uint32_t i = 0; i < step->outcomes.high; i++) {
        if (step->outcomes.ring[i].payload != 0) {
            drop(user, step->outcomes.ring[i].payload);
        }
    }
}

void cb_step_free(cb_step **step, void (*drop)(void *user, uint64_t payload), void *user)
{
    cb_step *old = *step;
    *step = NULL;
    if (old == NULL) {
        return;
    }
    if (drop != NULL) {
        drop_payloads(old, drop, user);
    }
    cb_slots *const tables[] = {&old->routes, &old->jobs,  &old->waits,  &old->workers,
                                &old->askers, &old->lanes, &old->spaces, &old->tallies};
    cb_map *const maps[] = {&old->route_ids, &old->job_ids,        &old->connections,
                            &old->actors,    &old->lane_ids,       &old->shared,
                            &old->asker_ids, &old->outcomes.places};
    cb_heap *const heaps[] = {&old->deadlines, &old->returned};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        free(tables[i]->items);
    }
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        free(maps[i]->entries);
    }
    for (size_t i = 0; i < sizeof heaps / sizeof *heaps; i++) {
        free(heaps[i]->nodes);
        free(heaps[i]->places);
    }
    free(old->outcomes.ring);
    free(old->effects);
    free(old->notes);
    free(old);
}

static bool copy_outcomes(cb_step_outcomes *to, const cb_step_outcomes *from, cb_resize_fn *resize)
{
    to->ring = NULL;
    if (from->capacity > 0) {
        to->ring = resize(NULL, from->capacity * sizeof *to->ring);
        if (to->ring == NULL) {
            return false;
        }
        memcpy(to->ring, from->ring, from->high * sizeof *to->ring);
    }
    return cb_map_copy(&to->places, &from->places, resize);
}

cb_step *cb_step_clone(const cb_step *step)
{
    cb_step *copy = cb_step_new(&step->limits);
    if (copy == NULL) {
        return NULL;
    }
    cb_step empty = *copy;
    *copy = *step;
    copy->effects = empty.effects;
    copy->effect_count = 0;
    copy->effect_capacity = empty.effect_capacity;
    copy->backed = 0;
    /* What is not copied yet must not be taken for the copy's own if copying fails half-way. */
    copy->routes = empty.routes, copy->jobs = empty.jobs, copy->waits = empty.waits;
    copy->workers = empty.workers, copy->askers = empty.askers;
    copy->route_ids = empty.route_ids, copy->job_ids = empty.job_ids;
    copy->connections = empty.connections, copy->actors = empty.actors;
    copy->asker_ids = empty.asker_ids, copy->returned = empty.returned;
    copy->lanes = empty.lanes, copy->lane_ids = empty.lane_ids, copy->shared = empty.shared;
    copy->spaces = empty.spaces, copy->tallies = empty.tallies;
    copy->notes = NULL, copy->note_count = copy->note_capacity = 0;
    copy->deadlines = empty.deadlines;
    copy->outcomes.ring = NULL;
    copy->outcomes.places = empty.outcomes.places;
    free(copy->deadlines.nodes);
    free(copy->deadlines.places);
    cb_heap_init(&copy->deadlines);
    cb_resize_fn *resize = step->resize;
    if (cb_slots_copy(&copy->routes, &step->routes, resize) &&
        cb_slots_copy(&copy->jobs, &step->jobs, resize) &&
        cb_slots_copy(&copy->waits, &step->waits, resize) &&
        cb_slots_copy(&copy->workers, &step->workers, resize) &&
        cb_slots_copy(&copy->askers, &step->askers, resize) &&
        cb_map_copy(&copy->route_ids, &step->route_ids, resize) &&
        cb_map_copy(&copy->job_ids, &step->job_ids, resize) &&
        cb_map_copy(&copy->connections, &step->connections, resize) &&
        cb_map_copy(&copy->actors, &step->actors, resize) &&
        cb_map_copy(&copy->asker_ids, &step->asker_ids, resize) &&
        cb_slots_copy(&copy->spaces, &step->spaces, resize) &&
        cb_slots_copy(&copy->tallies, &step->tallies, resize) &&
        cb_slots_copy(&copy->lanes, &step->lanes, resize) &&
        cb_map_copy(&copy->lane_ids, &step->lane_ids, resize) &&
        cb_map_copy(&copy->shared, &step->shared, resize) &&
        cb_heap_copy(&copy->deadlines, &step->deadlines, resize) &&
        cb_heap_copy(&copy->returned, &step->returned, resize) &&
        copy_outcomes(&copy->outcomes, &step->outcomes, resize)) {
        return copy;
    }
    cb_step_free(&copy, NULL, NULL);
    return NULL;
}

static void handle_deadlines(cb_step *step)
{
    for (const cb_heap_node *due = cb_heap_first(&step->deadlines);
         due != NULL && due->key <= step->now_ns; due = cb_heap_first(&step->deadlines)) {
        uint32_t owner = due->owner;
        switch (due->kind) {
        case CB_DUE_WAIT:
            cb_step_wait_due(step, owner);
            break;
        case CB_DUE_JOB:
            cb_heap_remove(&step->deadlines, &cb_step_job_at(step, owner)->deadline);
            cb_step_job_due(step, owner);
            break;
        case CB_DUE_WORKER:
            cb_heap_remove(&step->deadlines, &cb_step_worker_at(step, owner)->deadline);
            cb_step_worker_due(step, owner);
            break;
        case CB_DUE_GRACE:
            cb_heap_remove(&step->deadlines, &step->grace_deadline);
            cb_step_grace_over(step);
            break;
        default:
            assert(due->kind == CB_DUE_FINISH);
            cb_heap_remove(&step->deadlines, &step->finish_deadline);
            cb_step_finish_due(step);
            break;
        }
    }
}

/* Without memory for it, an asker is served all the same where the answer comes at once; it cannot
 * wait for one, and misses the last interrupt. */
static void remember_asker(cb_step *step)
{
    uint32_t slot;
    uint32_t address = step->in.from;
    if (address < CB_ADDRESS_FIRST_ASKER || cb_map_get(&step->asker_ids, address) != CB_NONE ||
        !cb_map_reserve(&step->asker_ids, step->resize) ||
        cb_step_add(step, &step->askers, &slot) != CB_OK) {
        return;
    }
    cb_step_asker *asker = cb_slots_item(&step->askers, slot);
    asker->address = address;
    asker->asked = CB_LIST_EMPTY;
    cb_map_put(&step->asker_ids, address, slot);
}

cb_effects cb_step_input(cb_step *step, const cb_message *message)
{
    step->inputs++;
    step->effect_count = 0;
    step->note_count = 0;
    if (message->time_ns > step->now_ns) {
        step->now_ns = message->time_ns;
    }
    step->in = *message;
    handle_deadlines(step);
    unsigned kind = message->kind;
    if (kind < sizeof handlers / sizeof *handlers && handlers[kind] != NULL) {
        if (kind <= CB_MSG_HELLO || (kind >= CB_MSG_COMMAND && kind <= CB_MSG_CLOSE_JOBS)) {
            remember_asker(step);
        }
        handlers[kind](step);
    } else {
        cb_step_ignore(step);
    }
    cb_step_release(step, &step->in.payload);
    if (step->finish == CB_FINISH_QUIESCING || step->finish == CB_FINISH_RETIRING) {
        cb_step_settle_finish(step);
    }
    const cb_heap_node *first = cb_heap_first(&step->deadlines);
    int64_t next_ns = first == NULL ? INT64_MAX : first->key;
    if (next_ns != step->told_deadline_ns) {
        step->told_deadline_ns = next_ns;
        cb_step_emit(step, CB_MSG_TICK_AT, CB_ADDRESS_SUPERVISOR)->value = next_ns;
    }
    return (cb_effects){step->effects, step->effect_count};
}

int64_t cb_step_next_deadline(const cb_step *step)
{
    return step->told_deadline_ns;
}

uint64_t cb_step_ignored(const cb_step *step)
{
    return step->ignored;
}
