/* Routes: opening, listening, closing, and the tombstones that still answer questions. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

#define TO(state) (1u << (state))

static const unsigned route_allowed[CB_ROUTE_STATES] = {
    [CB_ROUTE_GONE] = TO(CB_ROUTE_OPENING),
    [CB_ROUTE_OPENING] = TO(CB_ROUTE_OPEN) | TO(CB_ROUTE_GONE),
    [CB_ROUTE_OPEN] = TO(CB_ROUTE_DRAINING) | TO(CB_ROUTE_CLOSING),
    [CB_ROUTE_DRAINING] = TO(CB_ROUTE_CLOSING) | TO(CB_ROUTE_CLOSED),
    [CB_ROUTE_CLOSING] = TO(CB_ROUTE_CLOSED),
    [CB_ROUTE_CLOSED] = TO(CB_ROUTE_GONE),
};

static const unsigned listener_allowed[CB_LISTENER_STATES] = {
    [CB_LISTENER_STARTING] = TO(CB_LISTENER_ACCEPTING),
    [CB_LISTENER_ACCEPTING] = TO(CB_LISTENER_DEAF) | TO(CB_LISTENER_ENDED),
    [CB_LISTENER_DEAF] = TO(CB_LISTENER_LEAVING) | TO(CB_LISTENER_ENDED),
    [CB_LISTENER_LEAVING] = TO(CB_LISTENER_ENDED),
};

static uint64_t shared_key(const cb_step_route *route)
{
    return ((uint64_t)route->name_space << 32) | cb_route_word_base(route->connection);
}

/* Open routes, and of them those that local jobs may go to. */
static void count_open(cb_step *step, uint32_t slot, bool add)
{
    const cb_step_route *route = cb_step_route_at(step, slot);
    cb_step_space *space = cb_step_space_at(step, route->name_space);
    uint32_t local = cb_step_route_traits(route)->has_actor ? 0 : 1;
    if (add) {
        space->open_routes++;
        space->local_open += local;
        space->local_sum += local * (uint64_t)slot;
    } else {
        space->open_routes--;
        space->local_open -= local;
        space->local_sum -= local * (uint64_t)slot;
    }
}

static void unshare(cb_step *step, cb_step_route *route)
{
    if (route->shared) {
        cb_map_remove(&step->shared, shared_key(route));
        route->shared = 0;
    }
}

static void take_note(cb_step *step, const cb_step_route *route)
{
    static const cb_note_kind kinds[CB_ROUTE_STATES] = {
        [CB_ROUTE_OPEN] = CB_NOTE_ROUTE_OPENED,
        [CB_ROUTE_DRAINING] = CB_NOTE_ROUTE_CLOSING,
        [CB_ROUTE_CLOSING] = CB_NOTE_ROUTE_CLOSING,
        [CB_ROUTE_CLOSED] = CB_NOTE_ROUTE_CLOSED,
    };
    cb_note *note = NULL;
    if (kinds[route->state] != CB_NOTE_NONE) {
        note = cb_step_note_route(step, kinds[route->state], route);
    }
    if (note != NULL) {
        note->status = route->state == CB_ROUTE_DRAINING;
        note->value = route->state == CB_ROUTE_OPEN     ? (int64_t)route->port
                      : route->state == CB_ROUTE_CLOSED ? route->closed_queued
                                                        : 0;
    }
}

static void move(cb_step *step, uint32_t slot, cb_route_state to)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    assert((route_allowed[route->state] & TO(to)) != 0);
    if (route->state == CB_ROUTE_OPEN) {
        count_open(step, slot, false);
    }
    if (to == CB_ROUTE_OPEN) {
        count_open(step, slot, true);
    } else if (to != CB_ROUTE_OPENING && to != CB_ROUTE_DRAINING) {
        unshare(step, route);
    }
    route->state = (uint8_t)to;
    take_note(step, route);
}

static void move_listener(cb_step_route *route, cb_listener_state to)
{
    assert((listener_allowed[route->listener] & TO(to)) != 0);
    route->listener = (uint8_t)to;
}

cb_message *cb_step_order(cb_step *step, const cb_step_route *route, cb_message_kind kind)
{
    cb_message *effect = cb_step_emit(step, kind, route->address);
    effect->name_space = route->name_space;
    effect->route = route->id;
    return effect;
}

bool cb_step_drained(const cb_step_route *route)
{
    return route->active == 0 && route->pending == 0 && route->queued == 0 && route->running == 0;
}

uint32_t cb_step_find_any_route(const cb_step *step, uint8_t name_space, uint64_t id)
{
    return id == 0 || id > UINT32_MAX
               ? CB_NONE
               : cb_map_get(&step->route_ids, cb_step_id_key(name_space, id));
}

uint32_t cb_step_find_route(const cb_step *step, uint8_t name_space, uint64_t id)
{
    uint32_t slot = cb_step_find_any_route(step, name_space, id);
    return slot != CB_NONE && cb_step_route_at(step, slot)->state == CB_ROUTE_OPENING ? CB_NONE
                                                                                      : slot;
}

uint32_t cb_step_listener_route(const cb_step *step)
{
    uint32_t slot = cb_step_find_any_route(step, step->in.name_space, step->in.route);
    if (slot == CB_NONE || step->in.from == CB_ADDRESS_NONE) {
        return CB_NONE;
    }
    return cb_step_route_at(step, slot)->address == step->in.from ? slot : CB_NONE;
}

/* Takes a route out of every table. */
static void forget(cb_step *step, uint32_t slot)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    assert(route->jobs.count == 0 && route->closers.count == 0 && route->waits.count == 0);
    assert(route->openers.count == 0 && route->orders.count == 0 && route->stale.count == 0);
    assert(route->tls == 0);
    cb_step_release(step, &route->callback);
    cb_map_remove(&step->route_ids, cb_step_id_key(route->name_space, route->id));
    move(step, slot, CB_ROUTE_GONE);
    cb_slots_remove(&step->routes, slot);
}

/* Tells all who wait for the opening how it went. */
static void answer_openers(cb_step *step, cb_step_route *route, cb_status status, int64_t value)
{
    while (route->openers.count > 0) {
        cb_message *answer =
            cb_step_wait_answer(step, &route->openers, route->openers.first, status, value);
        answer->payload = status == CB_OK ? 0 : step->in.payload; /* why */
        answer->flags = answer->payload == 0 ? 0 : CB_FLAG_SHARED;
    }
}

static cb_status may_open(const cb_step *step)
{
    const cb_message *in = &step->in;
    if (in->status < -1 || !cb_step_kind_traits(cb_route_word_base(in->connection))->known) {
        return CB_INVALID;
    }
    return step->shutdown == CB_SERVING ? CB_OK : CB_STOPPED;
}

/* Room for the route that the input asks for. */
static cb_status add_route(cb_step *step, uint32_t *slot)
{
    uint8_t name_space = step->in.name_space;
    cb_status status = CB_OK;
    if (step->live_routes >= step->limits.max_routes ||
        cb_step_space_of(step, name_space)->last_route == CB_ROUTE_ONLY - 1u ||
        step->last_actor == CB_ADDRESS_FIRST_ASKER - 1u) {
        status = CB_LIMIT;
    } else if (!cb_map_reserve(&step->route_ids, step->resize) ||
               !cb_map_reserve(&step->actors, step->resize) ||
               !cb_map_reserve(&step->shared, step->resize)) {
        status = CB_NO_MEMORY;
    } else {
        status = cb_step_space_make(step, name_space);
    }
    if (status == CB_OK && !cb_step_tally_need(step, name_space, CB_TALLY_OTHERS)) {
        status = CB_NO_MEMORY;
    }
    return status == CB_OK ? cb_step_add(step, &step->routes, slot) : status;
}

/* Makes it, in no state yet. */
static cb_status make_route(cb_step *step, uint32_t *made)
{
    cb_status status = add_route(step, made);
    if (status != CB_OK) {
        return status;
    }
    uint32_t slot = *made;
    cb_step_route *route = cb_step_route_at(step, slot);
    const cb_message *in = &step->in;
    route->name_space = in->name_space;
    route->id = ++cb_step_space_at(step, in->name_space)->last_route;
    route->connection = in->connection;
    route->timeout_ms = in->status;
    route->entry = in->value;
    route->callback = cb_step_take_payload(step);
    route->jobs = route->closers = route->waits = CB_LIST_EMPTY;
    route->openers = route->orders = route->stale = CB_LIST_EMPTY;
    cb_map_put(&step->route_ids, cb_step_id_key(route->name_space, route->id), slot);
    cb_step_tally_open(step, slot);
    step->live_routes++;
    return CB_OK;
}

/* The one that the input asks for is there, or will be. */
static void join(cb_step *step, uint32_t slot)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    if (route->state != CB_ROUTE_OPENING) {
        cb_step_answer(step, CB_OK, route->id);
    } else {
        (void)cb_step_wait_add(step, CB_WAIT_OPENER, &route->openers, slot);
    }
}

/* Opens a route that begins with its listener: until that listens, its opener waits. */
static uint32_t open_listener(cb_step *step)
{
    uint32_t slot;
    uint32_t wait = cb_step_wait_add(step, CB_WAIT_OPENER, NULL, CB_NONE);
    if (wait == CB_NONE) {
        return CB_NONE;
    }
    cb_status status = make_route(step, &slot);
    if (status != CB_OK) {
        cb_step_wait_answer(step, NULL, wait, status, 0);
        return CB_NONE;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    cb_step_wait_attach(step, wait, &route->openers, slot);
    move(step, slot, CB_ROUTE_OPENING);
    route->address = ++step->last_actor;
    cb_map_put(&step->actors, route->address, slot | CB_ACTOR_IS_LISTENER);
    cb_step_order(step, route, CB_MSG_START_LISTENER)->connection = route->connection;
    return slot;
}

/* Opens one that needs none. */
static uint32_t open_alone(cb_step *step)
{
    uint32_t slot;
    cb_status status = make_route(step, &slot);
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return CB_NONE;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    move(step, slot, CB_ROUTE_OPENING);
    route->listener = CB_LISTENER_ENDED;
    move(step, slot, CB_ROUTE_OPEN);
    cb_step_answer(step, CB_OK, route->id);
    return slot;
}

void cb_step_open_route(cb_step *step)
{
    const cb_message *in = &step->in;
    uint32_t base = cb_route_word_base(in->connection);
    bool shares = (in->flags & CB_FLAG_SHARED) != 0;
    uint64_t key = ((uint64_t)in->name_space << 32) | base;
    uint32_t slot = shares ? cb_map_get(&step->shared, key) : CB_NONE;
    cb_status status = may_open(step);
    /* What shares one that drains, because the program ends, may still use it. */
    if (slot != CB_NONE && status != CB_INVALID) {
        join(step, slot);
        return;
    }
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    slot = cb_step_kind_traits(base)->has_actor ? open_listener(step) : open_alone(step);
    if (slot != CB_NONE && shares) {
        cb_step_route_at(step, slot)->shared = 1;
        cb_map_put(&step->shared, key, slot);
    }
}

void cb_step_route_listening(cb_step *step)
{
    uint32_t slot = cb_step_listener_route(step);
    if (slot == CB_NONE || cb_step_route_at(step, slot)->state != CB_ROUTE_OPENING) {
        cb_step_ignore(step);
        return;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    route->port = (uint32_t)(step->in.value & UINT16_MAX);
    move(step, slot, CB_ROUTE_OPEN);
    move_listener(route, CB_LISTENER_ACCEPTING);
    answer_openers(step, route, CB_OK, route->id);
    if (step->shutdown != CB_SERVING) {
        cb_step_drain_route(step, slot);
    }
}

/* An Opening route whose listener is not to be. */
static void fail(cb_step *step, uint32_t slot, cb_status status)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    answer_openers(step, route, status, 0);
    cb_map_remove(&step->actors, route->address);
    cb_note *note = cb_step_note_route(step, CB_NOTE_ROUTE_FAILED, route);
    if (note != NULL) {
        note->status = status;
    }
    cb_step_tally_close(step, slot);
    step->live_routes--;
    forget(step, slot);
}

void cb_step_route_failed(cb_step *step)
{
    uint32_t slot = cb_step_listener_route(step);
    if (slot == CB_NONE || cb_step_route_at(step, slot)->state != CB_ROUTE_OPENING) {
        cb_step_ignore(step);
        return;
    }
    fail(step, slot, step->in.status >= CB_OK ? CB_IO : (cb_status)step->in.status);
}

static void stop_accepting(cb_step *step, cb_step_route *route)
{
    if (route->listener == CB_LISTENER_ACCEPTING) {
        move_listener(route, CB_LISTENER_DEAF);
        cb_step_order(step, route, CB_MSG_STOP_ACCEPTING);
    }
}

static void stop_listener(cb_step *step, cb_step_route *route)
{
    if (route->listener == CB_LISTENER_DEAF) {
        move_listener(route, CB_LISTENER_LEAVING);
        cb_step_order(step, route, CB_MSG_STOP_LISTENER);
    }
}

static void closed(cb_step *step, uint32_t slot)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    move(step, slot, CB_ROUTE_CLOSED);
    cb_step_tally_close(step, slot);
    step->live_routes--;
    cb_step_unpin(step, route);
    while (route->closers.count > 0) {
        uint32_t wait = route->closers.first;
        uint32_t first = cb_step_wait_at(step, wait)->counts;
        cb_step_wait_answer(step, &route->closers, wait, CB_OK, first ? route->closed_queued : 0)
            ->connection = first;
    }
    const size_t link = offsetof(cb_step_route, tombstone);
    cb_list_append(&step->closed, &step->routes, link, slot);
    if (step->closed.count > step->limits.max_closed_routes) {
        uint32_t oldest = step->closed.first;
        cb_list_remove(&step->closed, &step->routes, link, oldest);
        forget(step, oldest);
    }
}

void cb_step_settle_route(cb_step *step, uint32_t slot)
{
    if (slot == CB_NONE) {
        return;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    if (cb_step_drained(route)) {
        cb_step_waits_answer(step, &route->waits, CB_OK, 1);
    }
    if (route->state == CB_ROUTE_CLOSING && route->pending + route->queued + route->running == 0) {
        stop_listener(step, route);
    }
    if (route->listener == CB_LISTENER_ENDED && route->active == 0 &&
        (route->state == CB_ROUTE_DRAINING || route->state == CB_ROUTE_CLOSING)) {
        closed(step, slot);
    }
}

void cb_step_drain_route(cb_step *step, uint32_t slot)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    move(step, slot, CB_ROUTE_DRAINING);
    stop_accepting(step, route);
    stop_listener(step, route);
    cb_step_settle_route(step, slot);
}

static void cancel_jobs(cb_step *step, cb_step_route *route)
{
    uint32_t next;
    for (uint32_t index = route->jobs.first; index != CB_NONE; index = next) {
        const cb_step_job *job = cb_step_job_at(step, index);
        next = job->family.next;
        if (job->state == CB_JOB_READING) {
            cb_step_job_drop(step, index, CB_JOB_ROUTE_CLOSED, 0);
        } else if (job->state == CB_JOB_QUEUED) {
            cb_step_queue_remove(step, index);
            cb_step_job_drop(step, index, CB_JOB_ROUTE_CLOSED, 0);
        } else if (job->state == CB_JOB_HANDED) {
            cb_step_take_back(step, job->worker);
        }
    }
}

void cb_step_close_route(cb_step *step)
{
    uint32_t slot = cb_step_find_route(step, step->in.name_space, step->in.route);
    if (slot == CB_NONE) {
        cb_step_answer(step, CB_UNKNOWN, 0);
        return;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    uint32_t first = route->close_accepted == 0 ? 1 : 0;
    if (route->state == CB_ROUTE_CLOSED) {
        route->close_accepted = 1;
        cb_step_answer(step, CB_OK, 0)->connection = first;
        return;
    }
    bool waits = (step->in.flags & CB_FLAG_AT_ONCE) == 0;
    if (waits) {
        uint32_t wait = cb_step_wait_add(step, CB_WAIT_CLOSER, &route->closers, slot);
        if (wait == CB_NONE) {
            return;
        }
        cb_step_wait_at(step, wait)->counts = first;
    }
    route->close_accepted = 1;
    /* One that drains ends by itself, and what it has accepted is answered: a service that closes
     * its route after a SIGTERM must not lose requests by that. */
    if (route->state == CB_ROUTE_OPEN) {
        move(step, slot, CB_ROUTE_CLOSING);
        stop_accepting(step, route);
        cancel_jobs(step, route);
    }
    if (!waits) {
        cb_step_answer(step, CB_OK, first ? route->closed_queued : 0)->connection = first;
    }
    cb_step_settle_route(step, slot);
}

void cb_step_listener_ended(cb_step *step, uint32_t slot)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    if (route->state == CB_ROUTE_OPENING) {
        fail(step, slot, step->in.status >= CB_OK ? CB_IO : (cb_status)step->in.status);
        return;
    }
    cb_map_remove(&step->actors, route->address);
    move_listener(route, CB_LISTENER_ENDED);
    cb_step_space_at(step, route->name_space)->connections -= route->connections;
    route->connections = 0;
    cb_step_orders_end(step, slot, CB_CLOSED);
    if (route->state == CB_ROUTE_OPEN) {
        move(step, slot, CB_ROUTE_DRAINING); /* it broke: nobody asked it to end */
        unshare(step, route);
    }
    uint32_t next;
    for (uint32_t index = route->jobs.first; index != CB_NONE; index = next) {
        const cb_step_job *job = cb_step_job_at(step, index);
        next = job->family.next;
        if (job->connected) {
            cb_step_connection_gone(step, index);
        }
    }
    cb_step_settle_route(step, slot);
}

void cb_step_route_stopped(cb_step *step)
{
    uint32_t slot = cb_step_listener_route(step);
    if (slot == CB_NONE || cb_step_route_at(step, slot)->listener == CB_LISTENER_ENDED) {
        cb_step_ignore(step);
        return;
    }
    cb_step_listener_ended(step, slot);
}

void cb_step_rejected(cb_step *step)
{
    const int64_t most = INT64_MAX / 2; /* so that counting on one by one does not overflow */
    uint32_t slot = cb_step_listener_route(step);
    cb_step_route *route = slot == CB_NONE ? NULL : cb_step_route_at(step, slot);
    if (route == NULL || route->state == CB_ROUTE_OPENING || route->listener == CB_LISTENER_ENDED ||
        step->in.value < 1) {
        cb_step_ignore(step);
        return;
    }
    int64_t room = route->accepted < most ? most - route->accepted : 0;
    bool had_run = (step->in.flags & CB_FLAG_FINAL) != 0;
    if (had_run) {
        room = route->completed;
    }
    int64_t count = step->in.value < room ? step->in.value : room;
    if (had_run) {
        route->completed -= count;
        cb_step_tally_lose_replies(step, slot, count);
    } else {
        route->accepted += count;
        cb_step_tally_refuse(step, slot, step->in.status, count);
    }
    route->dropped += count;
}

void cb_step_connections(cb_step *step)
{
    uint32_t slot = cb_step_listener_route(step);
    cb_step_route *route = slot == CB_NONE ? NULL : cb_step_route_at(step, slot);
    if (route == NULL || route->state == CB_ROUTE_OPENING || route->listener == CB_LISTENER_ENDED ||
        step->in.value < 0 || step->in.value > UINT32_MAX) {
        cb_step_ignore(step);
        return;
    }
    cb_step_space *space = cb_step_space_at(step, route->name_space);
    space->connections -= route->connections;
    route->connections = (uint32_t)step->in.value;
    space->connections += route->connections;
}
