/* What listeners report of their connections: one request each, and its end. */
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

/* Turns a connection away before there is a job. */
static void refuse(cb_step *step, cb_step_route *route, uint16_t port, cb_job_status status)
{
    cb_message *drop = cb_step_emit(step, CB_MSG_DROP, route->address);
    drop->name_space = route->name_space;
    drop->route = route->id;
    drop->connection = step->in.connection;
    drop->status = status;
    cb_step_outcome_put(step, route->name_space, route->id, port, status, 0);
}

static void add_job(cb_step *step, uint32_t slot, uint16_t port)
{
    uint32_t index;
    cb_step_route *route = cb_step_route_at(step, slot);
    if (route->connected >= step->limits.max_connections ||
        !cb_map_reserve(&step->connections, step->resize) ||
        cb_step_add(step, &step->jobs, &index) != CB_OK) {
        refuse(step, route, port, CB_JOB_OVERLOADED);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, index);
    job->kind = CB_JOB_SERVER;
    job->name_space = route->name_space;
    job->connected = 1;
    job->peer_port = port;
    job->status = CB_JOB_PENDING;
    job->route = slot;
    job->connection = step->in.connection;
    job->worker = CB_NONE;
    job->waits = CB_LIST_EMPTY;
    cb_map_put(&step->connections, connection_key(slot, job->connection), index);
    cb_list_append(&route->jobs, &step->jobs, offsetof(cb_step_job, family), index);
    route->connected++;
    route->accepted++;
    step->server_jobs++;
    cb_step_job_move(step, index, CB_JOB_READING);
}

void cb_step_accepted(cb_step *step)
{
    uint32_t slot;
    if (find_job(step, &slot) != CB_NONE || slot == CB_NONE) {
        cb_step_ignore(step);
        return;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    uint16_t port = 0;
    if ((step->in.flags & CB_FLAG_LOOPBACK) != 0 && step->in.value > 0 &&
        step->in.value <= UINT16_MAX) {
        port = (uint16_t)step->in.value;
    }
    cb_step_outcome_clear(step, route->name_space, route->id, port);
    if (route->listener == CB_LISTENER_ENDED || route->state == CB_ROUTE_OPENING) {
        cb_step_ignore(step); /* no such listener can have one */
    } else if (route->state == CB_ROUTE_CLOSING) {
        refuse(step, route, port, CB_JOB_ROUTE_CLOSED);
    } else if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        refuse(step, route, port, CB_JOB_CANCELED);
    } else {
        add_job(step, slot, port);
    }
}

void cb_step_request_ready(cb_step *step)
{
    uint32_t slot;
    uint32_t index = find_job(step, &slot);
    if (index == CB_NONE || cb_step_job_at(step, index)->state != CB_JOB_READING) {
        cb_step_ignore(step);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, index);
    const cb_step_route *route = cb_step_route_at(step, slot);
    if (route->waiting >= step->limits.max_queued) {
        cb_step_job_drop(step, index, CB_JOB_OVERLOADED, 0);
        return;
    }
    job->payload = cb_step_take_payload(step);
    job->size_bytes = step->in.value;
    job->number = ++step->last_number;
    cb_step_job_move(step, index, CB_JOB_QUEUED);
    cb_step_queue_add(step, index);
    cb_step_dispatch(step, true);
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
    }
    cb_step_job_forget(step, index);
    cb_step_settle_route(step, slot);
}

void cb_step_connection_gone(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, job->route);
    assert(job->connected);
    job->connected = 0;
    route->connected--;
    cb_map_remove(&step->connections, connection_key(job->route, job->connection));
    switch ((cb_job_state)job->state) {
    case CB_JOB_QUEUED:
        cb_step_queue_remove(step, slot);
        cb_step_release(step, &job->payload);
        route->dropped++;
        break;
    case CB_JOB_READING:
        route->dropped++;
        break;
    case CB_JOB_ENDED:
        if (job->status == CB_JOB_SUCCESS) {
            route->unsent++;
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
    cb_step_connection_gone(step, index);
    cb_step_settle_route(step, slot);
}
