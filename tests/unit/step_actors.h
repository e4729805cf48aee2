/* The automata of a small world around the step (step_world.h): how listeners, workers and the
 * client actor carry out orders, and what they report. */
#ifndef CALLBOARD_TESTS_STEP_ACTORS_H
#define CALLBOARD_TESTS_STEP_ACTORS_H

#include "tests/unit/step_world.h"

static inline cb_message from_listener(const world *w, uint32_t route, cb_message_kind kind,
                                       uint32_t connection)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = 1,
                        .from = w->listeners[route].address,
                        .route = w->listeners[route].id,
                        .connection = connection};
}

static inline void connection_end(world *w, uint32_t index, cb_message_kind kind)
{
    world_connection *connection = &w->connections[index];
    cb_message message = from_listener(w, connection->route, kind, index);
    connection->state = CONN_GONE;
    queue_put(w, &w->listeners[connection->route].up, &message);
}

static inline void listener_may_end(world *w, uint32_t route)
{
    world_listener *listener = &w->listeners[route];
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        uint32_t state = w->connections[i].state;
        if (w->connections[i].route == route && (state == CONN_READING || state == CONN_READY)) {
            return;
        }
    }
    if (listener->leaving && !listener->ended) {
        cb_message stopped = from_listener(w, route, CB_MSG_ROUTE_STOPPED, 0);
        listener->ended = 1;
        queue_put(w, &listener->up, &stopped);
    }
}

/* One event with this number is over. */
static inline void event_over(world *w, uint32_t route, uint32_t number)
{
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        world_connection *event = &w->connections[i];
        if (event->route == route && number_of(w, i) == number && event->state == CONN_READY) {
            event->state = CONN_GONE;
            return;
        }
    }
    if (!w->listeners[route].died) {
        world_wrong(w, "a listener has an answer too many");
    }
}

static inline void listener_ordered(world *w, uint32_t route, const cb_message *order)
{
    world_listener *listener = &w->listeners[route];
    if (listener->order_count == WORLD_HELD) {
        world_wrong(w, "too many orders for this world");
        return;
    }
    listener->sets_tls[listener->order_count] = order->status == CB_ORDER_SET_TLS;
    listener->orders[listener->order_count++] = order->job;
}

/* Carries out its oldest order, or refuses it. */
static inline void listener_done(world *w, uint32_t route, cb_status status)
{
    world_listener *listener = &w->listeners[route];
    cb_message done = from_listener(w, route, CB_MSG_ORDER_DONE, 0);
    done.job = listener->orders[0];
    done.status = status;
    done.value = listener->sets_tls[0];
    listener->tls += done.value != 0 && status == CB_OK;
    listener->order_count--;
    for (uint32_t i = 0; i < listener->order_count; i++) {
        listener->orders[i] = listener->orders[i + 1u];
        listener->sets_tls[i] = listener->sets_tls[i + 1u];
    }
    listener->orders[listener->order_count] = listener->sets_tls[listener->order_count] = 0;
    queue_put(w, &listener->up, &done);
}

/* The owner of the order is gone; the order may have been carried out already. */
static inline void listener_order_canceled(world *w, uint32_t route, uint64_t order)
{
    world_listener *listener = &w->listeners[route];
    for (uint32_t i = 0; i < listener->order_count; i++) {
        if (listener->orders[i] == order) {
            listener->order_count--;
            for (; i < listener->order_count; i++) {
                listener->orders[i] = listener->orders[i + 1u];
                listener->sets_tls[i] = listener->sets_tls[i + 1u];
            }
            listener->orders[i] = listener->sets_tls[i] = 0;
        }
    }
}

static inline void listener_answers(world *w, uint32_t route, const cb_message *order)
{
    world_connection *connection =
        order->connection < WORLD_CONNECTIONS ? &w->connections[order->connection] : NULL;
    if (connection == NULL || connection->route != route) {
        world_wrong(w, "an order about no connection");
    } else if (has_events(w, route)) {
        event_over(w, route, order->connection);
    } else if (connection->state != CONN_GONE) {
        connection->answered = order->kind == CB_MSG_RESPOND;
        connection_end(w, order->connection,
                       order->kind == CB_MSG_RESPOND ? CB_MSG_RESPONSE_SENT
                                                     : CB_MSG_CONNECTION_CLOSED);
    }
}

static inline void listener_obeys(world *w, uint32_t route, const cb_message *order)
{
    world_listener *listener = &w->listeners[route];
    if (order->kind == CB_MSG_STOP_ACCEPTING) {
        listener->deaf = 1;
    } else if (order->kind == CB_MSG_STOP_LISTENER) {
        if (!listener->deaf) {
            world_wrong(w, "a listener shall end that still accepts");
        }
        listener->leaving = 1;
    } else if (order->kind == CB_MSG_ORDER) {
        listener_ordered(w, route, order);
    } else if (order->kind == CB_MSG_CANCEL_ORDER) {
        listener_order_canceled(w, route, order->job);
    } else {
        listener_answers(w, route, order);
    }
    listener_may_end(w, route);
}

/* Checks that a starting event is alone in its lane, and that no later event has run. */
static inline void check_lane_order(world *w, uint32_t index)
{
    const world_connection *event = &w->connections[index];
    for (uint32_t i = 0; event->sequence != 0 && i < WORLD_CONNECTIONS; i++) {
        const world_connection *other = &w->connections[i];
        if (i == index || other->sequence == 0 || !same_lane(w, index, i)) {
            continue;
        }
        if (other->running) {
            world_wrong(w, "two events of one lane run at once");
        } else if (other->ran && other->sequence > event->sequence) {
            world_wrong(w, "events of one lane ran in another order");
        }
    }
}

static inline void start_job(world *w, world_worker *worker)
{
    world_connection *connection = &w->connections[worker->payloads[0] - 1u];
    cb_message started = {
        .kind = CB_MSG_JOB_STARTED, .from = worker->address, .job = worker->held[0]};
    if (connection->ran++ > 0 || connection->canceled) {
        world_wrong(w, "a request ran twice, or though it was canceled");
    }
    check_lane_order(w, (uint32_t)worker->payloads[0] - 1u);
    connection->running = 1;
    worker->running = 1;
    queue_put(w, &worker->up, &started);
}

static inline void worker_drop_first(world_worker *worker)
{
    worker->count--;
    for (uint32_t i = 0; i < worker->count; i++) {
        worker->held[i] = worker->held[i + 1u];
        worker->payloads[i] = worker->payloads[i + 1u];
    }
    worker->held[worker->count] = worker->payloads[worker->count] = 0;
    worker->running = worker->interrupted = worker->awaits = 0;
}

static inline void worker_goes_on(world *w, world_worker *worker)
{
    if (w->eager && worker->count > 0 && !worker->running) {
        start_job(w, worker);
    }
}

static inline void worker_completes(world *w, world_worker *worker, int32_t status)
{
    uint32_t connection = (uint32_t)worker->payloads[0] - 1u;
    cb_message done = {.kind = CB_MSG_JOB_COMPLETED,
                       .from = worker->address,
                       .status = status,
                       .job = worker->held[0],
                       .payload = result_of(connection)};
    w->connections[connection].running = 0;
    worker_drop_first(worker);
    queue_put(w, &worker->up, &done);
    worker_goes_on(w, worker);
}

/* Its callback asks the next question of the list. */
static inline void worker_asks(world *w, world_worker *worker)
{
    world_question *question = &w->asked[w->asked_count++];
    *question = (world_question){w->asks[w->asks_next++], worker->up.count};
    question->message.name_space = 1;
    question->message.from = worker->address;
    question->message.cause = w->asks_next;
    cb_message_set_asking_job(&question->message, worker->held[0]);
    worker->awaits = w->asks_next;
}

static inline void worker_gives_back(world *w, world_worker *worker)
{
    uint32_t kept = worker->running ? 1u : 0u;
    for (uint32_t i = kept; i < worker->count; i++) {
        cb_message returned = {.kind = CB_MSG_JOB_RETURNED,
                               .from = worker->address,
                               .job = worker->held[i],
                               .payload = worker->payloads[i]};
        queue_put(w, &worker->up, &returned);
        worker->held[i] = worker->payloads[i] = 0;
    }
    worker->count = kept;
}

static inline void worker_obeys(world *w, world_worker *worker, const cb_message *order)
{
    if (worker->dead) {
        return;
    }
    if (order->kind == CB_MSG_HAND) {
        if (worker->count == WORLD_HELD || worker->ended) {
            world_wrong(w, "a job handed to an actor that cannot take it");
            return;
        }
        if (worker->refuses) {
            cb_message refused = {.kind = CB_MSG_JOB_RETURNED,
                                  .from = worker->address,
                                  .job = order->job,
                                  .payload = order->payload};
            queue_put(w, &worker->up, &refused);
            return;
        }
        worker->held[worker->count] = order->job;
        worker->payloads[worker->count++] = order->payload;
        worker_goes_on(w, worker);
    } else if (order->kind == CB_MSG_TAKE_BACK) {
        worker_gives_back(w, worker);
        worker->refuses = 0;
    } else if (order->kind == CB_MSG_ANSWER) {
        worker->awaits = worker->awaits == order->cause ? 0 : worker->awaits;
    } else if (order->kind == CB_MSG_INTERRUPT) {
        if (worker->running && worker->held[0] == order->job) {
            worker->interrupted = (uint32_t)order->status;
        }
    } else if (order->kind == CB_MSG_RETIRE_ACTOR && !worker->ended) {
        cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .from = worker->address};
        worker->ended = 1;
        queue_put(w, &worker->up, &stopped);
    }
}

static inline void client_completes(world *w, world_connection *connection, int32_t status)
{
    cb_message done = {.kind = CB_MSG_JOB_COMPLETED,
                       .from = CB_ADDRESS_CLIENT,
                       .status = status,
                       .job = connection->client_job,
                       .connection = connection->port};
    connection->client_job = UINT64_MAX;
    connection->waits = 0;
    queue_put(w, &w->client.up, &done);
    if (connection->state == CONN_NEW) {
        connection->state = CONN_GONE;
    }
}

static inline void client_redials(world *w, world_connection *connection, int32_t status)
{
    uint32_t pinned = w->listeners[connection->route].pinned;
    if (!connection->waits) {
        world_wrong(w, "nobody waits to dial again");
    } else if (status == CB_JOB_SUCCESS && pinned <= connection->pinned) {
        world_wrong(w, "dialled again with the same certificate");
    }
    connection->waits = 0;
    connection->pinned = pinned;
    if (status != CB_JOB_SUCCESS) {
        client_completes(w, connection, status);
    }
}

/* The client actor dials at once. That makes a new connection if the listener still accepts. */
static inline void client_obeys(world *w, const cb_message *order)
{
    if (order->kind == CB_MSG_RETIRE_ACTOR) {
        worker_obeys(w, &w->client, order);
        return;
    }
    if (order->kind == CB_MSG_PIN) {
        w->listeners[order->route - 1u].pinned = order->payload == 0 ? 0 : (uint32_t)order->value;
        return;
    }
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        world_connection *connection = &w->connections[i];
        if (order->kind == CB_MSG_HAND && connection->client_job == 0 &&
            request_of(i) == order->payload) {
            connection->client_job = order->job;
            connection->state = w->listeners[connection->route].deaf ? CONN_GONE : CONN_NEW;
            connection->pinned = w->listeners[connection->route].pinned;
        } else if (order->kind == CB_MSG_INTERRUPT && connection->client_job == order->job) {
            client_completes(w, connection, order->status);
        } else if (order->kind == CB_MSG_REDIAL && connection->client_job == order->job) {
            client_redials(w, connection, order->status);
        }
    }
}

#endif
