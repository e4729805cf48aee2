/* What listeners report: connections, with a request each and its end, and events. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static uint64_t connection_key(uint32_t route, uint32_t connection)
{
    return ((uint64_t)route << 32) | connection;
}

/* The job of the connection that the input names; CB_NONE if there is none. */
static uint32_t find_job(const cb_step *step, uint32_t *route)
{
    *route = cb_step_listener_route(step);
    return *route == CB_NONE
               ? CB_NONE
               : cb_map_get(&step->connections, connection_key(*route, step->in.connection));
}

/* Turns a connection, or a request, away before there is a job. */
static void refuse(cb_step *step, uint32_t slot, uint16_t port, cb_job_status status)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    cb_message *drop = cb_step_order(step, route, CB_MSG_DROP);
    drop->connection = step->in.connection;
    drop->status = status;
    cb_step_outcome_put(step, route->name_space, route->id, port, status, 0);
    if (step->in.kind == CB_MSG_REQUEST_READY) {
        route->accepted++;
        route->dropped++;
        cb_step_tally_refuse(step, slot, status, 1);
    }
}

/* A new job of the route that the input is about, not queued yet. */
static void fill_job(cb_step *step, uint32_t index, cb_job_kind kind, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, index);
    cb_step_route *route = cb_step_route_at(step, slot);
    job->kind = (uint8_t)kind;
    job->name_space = route->name_space;
    job->connected = 1;
    job->status = CB_JOB_PENDING;
    job->route = slot;
    job->connection = step->in.connection;
    job->worker = job->lane = CB_NONE;
    job->timeout_ms = route->timeout_ms;
    job->entry = route->entry;
    job->waits = job->cancelers = job->asked = CB_LIST_EMPTY;
    if (step->in.kind == CB_MSG_REQUEST_READY && step->in.job != 0) {
        job->entry = (int64_t)step->in.job;
    }
    cb_list_append(&route->jobs, &step->jobs, offsetof(cb_step_job, family), index);
    route->accepted++;
    step->server_jobs++;
}

/* Its job, or CB_NONE after it was turned away. */
static uint32_t add_connection(cb_step *step, uint32_t slot, uint16_t port)
{
    uint32_t index;
    cb_step_route *route = cb_step_route_at(step, slot);
    if (route->connected >= step->limits.max_connections ||
        !cb_map_reserve(&step->connections, step->resize) ||
        cb_step_add(step, &step->jobs, &index) != CB_OK) {
        refuse(step, slot, port, CB_JOB_OVERLOADED);
        return CB_NONE;
    }
    fill_job(step, index, CB_JOB_SERVER, slot);
    cb_step_job_at(step, index)->peer_port = port;
    cb_map_put(&step->connections, connection_key(slot, step->in.connection), index);
    route->connected++;
    cb_step_job_move(step, index, CB_JOB_READING);
    return index;
}

/* Whether the route takes new work; if not, the input's is turned away. */
static bool takes_new(cb_step *step, uint32_t slot, uint16_t port)
{
    cb_step_route *route = cb_step_route_at(step, slot);
    if (route->listener == CB_LISTENER_ENDED || route->state == CB_ROUTE_OPENING) {
        cb_step_ignore(step); /* no such listener can have any */
    } else if (route->state == CB_ROUTE_CLOSING) {
        refuse(step, slot, port, CB_JOB_ROUTE_CLOSED);
    } else if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        refuse(step, slot, port, CB_JOB_CANCELED);
    } else {
        return true;
    }
    return false;
}

void cb_step_accepted(cb_step *step)
{
    uint32_t slot;
    if (find_job(step, &slot) != CB_NONE || slot == CB_NONE ||
        cb_step_route_traits(cb_step_route_at(step, slot))->events) {
        cb_step_ignore(step);
        return;
    }
    const cb_step_route *route = cb_step_route_at(step, slot);
    uint16_t port = 0;
    if ((step->in.flags & CB_FLAG_LOOPBACK) != 0 && step->in.value > 0 &&
        step->in.value <= UINT16_MAX) {
        port = (uint16_t)step->in.value;
    }
    cb_step_outcome_clear(step, route->name_space, route->id, port);
    if (takes_new(step, slot, port)) {
        (void)add_connection(step, slot, port);
    }
}

/* The job has its request, and there is room for it. */
static void queue(cb_step *step, uint32_t index)
{
    cb_step_job *job = cb_step_job_at(step, index);
    job->payload = cb_step_take_payload(step);
    job->size_bytes = step->in.value;
    cb_step_tally_bytes(step, job->route, step->in.value, 0);
    cb_step_tally_ready(step, index);
    job->number = ++step->last_number;
    cb_step_job_move(step, index, CB_JOB_QUEUED);
    cb_step_queue_add(step, index);
}

static void add_event(cb_step *step, uint32_t slot)
{
    uint32_t index;
    cb_step_route *route = cb_step_route_at(step, slot);
    bool by_connection = cb_step_route_traits(route)->lane == CB_LANE_CONNECTION;
    uint32_t lane = CB_NONE;
    if (route->waiting < step->limits.max_queued) {
        lane = cb_step_lane_get(step, slot, by_connection ? step->in.connection : 0);
    }
    if (lane == CB_NONE) {
        refuse(step, slot, 0, CB_JOB_OVERLOADED);
        return;
    }
    if (cb_step_add(step, &step->jobs, &index) != CB_OK) {
        cb_step_lane_advance(step, lane);
        refuse(step, slot, 0, CB_JOB_OVERLOADED);
        return;
    }
    fill_job(step, index, CB_JOB_EVENT, slot);
    cb_step_job_at(step, index)->lane = lane;
    queue(step, index);
    cb_step_lane_feed(step, lane);
    cb_step_dispatch(step, true);
}

static void queue_request(cb_step *step, uint32_t index)
{
    const cb_step_route *route = cb_step_route_at(step, cb_step_job_at(step, index)->route);
    if (route->waiting >= step->limits.max_queued) {
        cb_step_job_drop(step, index, CB_JOB_OVERLOADED, 0);
        return;
    }
    queue(step, index);
    cb_step_dispatch(step, true);
}

/* A request that no ACCEPTED announced. */
static void new_request(cb_step *step, uint32_t slot)
{
    if (!takes_new(step, slot, 0)) {
        return;
    }
    if (cb_step_route_traits(cb_step_route_at(step, slot))->events) {
        add_event(step, slot);
        return;
    }
    uint32_t index = add_connection(step, slot, 0);
    if (index != CB_NONE) {
        queue_request(step, index);
    }
}

void cb_step_request_ready(cb_step *step)
{
    uint32_t slot;
    uint32_t index = find_job(step, &slot);
    if ((step->in.flags & CB_FLAG_NEW) != 0 && index == CB_NONE && slot != CB_NONE) {
        new_request(step, slot);
    } else if ((step->in.flags & CB_FLAG_NEW) != 0 || index == CB_NONE ||
               cb_step_job_at(step, index)->state != CB_JOB_READING) {
        cb_step_ignore(step);
    } else {
        queue_request(step, index);
    }
}

void cb_step_response_sent(cb_step *step)
{
    uint32_t slot;
    uint32_t index = find_job(step, &slot);
    if (index == CB_NONE || cb_step_job_at(step, index)->state != CB_JOB_ENDED) {
        cb_step_ignore(step);
        return;
    }
    if (cb_step_job_at(step, index)->status == CB_JOB_SUCCESS) {
        cb_step_route_at(step, slot)->completed++;
        cb_step_tally_end(step, index, CB_JOB_SUCCESS);
    }
    cb_step_tally_bytes(step, slot, 0, step->in.value);
    cb_step_job_forget(step, index);
    cb_step_settle_route(step, slot);
}

void cb_step_connection_gone(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, job->route);
    assert(job->connected);
    job->connected = 0;
    if (job->kind == CB_JOB_SERVER) {
        route->connected--;
        cb_map_remove(&step->connections, connection_key(job->route, job->connection));
    }
    switch ((cb_job_state)job->state) {
    case CB_JOB_QUEUED:
        cb_step_queue_remove(step, slot);
        cb_step_release(step, &job->payload);
        route->dropped++;
        cb_step_tally_end(step, slot, CB_TALLY_DISCONNECTED);
        break;
    case CB_JOB_READING:
        route->dropped++;
        cb_step_tally_end(step, slot, CB_TALLY_DISCONNECTED);
        break;
    case CB_JOB_ENDED:
        if (job->status == CB_JOB_SUCCESS) {
            route->unsent++;
            cb_step_tally_end(step, slot, CB_TALLY_UNSENT);
        }
        break;
    default:
        return; /* its actor will tell */
    }
    cb_step_job_forget(step, slot);
}

void cb_step_connection_closed(cb_step *step)
{
    uint32_t slot;
    uint32_t index = find_job(step, &slot);
    if (index == CB_NONE) {
        cb_step_ignore(step);
        return;
    }
    cb_step_tally_closed(step, slot, step->in.status);
    cb_step_connection_gone(step, index);
    cb_step_settle_route(step, slot);
}
