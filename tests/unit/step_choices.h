/* The choices of what may happen next in a world around the step, and the functions that make it
 * happen. */
#ifndef CALLBOARD_TESTS_STEP_CHOICES_H
#define CALLBOARD_TESTS_STEP_CHOICES_H

#include "tests/unit/step_effects.h"

static inline void offer(world_choice *choices, size_t *count, world_act act, uint32_t index)
{
    if (*count < WORLD_CHOICES) {
        choices[(*count)++] = (world_choice){act, index};
    }
}

static inline bool may_exchange(const world *w, uint32_t index)
{
    const world_connection *connection = &w->connections[index];
    return connection->client_job != 0 && connection->client_job != UINT64_MAX &&
           !connection->waits &&
           (connection->state == CONN_GONE ||
            (connection->state == CONN_NEW && w->listeners[connection->route].deaf));
}

/* True if its server may show another certificate than the client actor was told. */
static inline bool may_be_stale(const world *w, uint32_t index)
{
    const world_connection *connection = &w->connections[index];
    return w->stales > 0 && connection->client_job != 0 && connection->client_job != UINT64_MAX &&
           !connection->waits && connection->state == CONN_NEW;
}

static inline void offer_connection(const world *w, uint32_t index, world_choice *choices,
                                    size_t *count)
{
    const world_connection *connection = &w->connections[index];
    bool deaf = w->listeners[connection->route].deaf != 0;
    bool events = has_events(w, connection->route);
    bool lives = !events && (connection->state == CONN_READING || connection->state == CONN_READY);
    if (connection->state == CONN_NEW && !deaf && !connection->waits) {
        offer(choices, count, events ? ACT_EVENT : ACT_ACCEPT, index);
    }
    if (may_be_stale(w, index)) {
        offer(choices, count, ACT_STALE, index);
    }
    if (connection->state == CONN_READING) {
        offer(choices, count, ACT_READY, index);
    }
    if (lives && w->resets > 0) {
        offer(choices, count, ACT_RESET, index);
    }
    if (may_exchange(w, index)) {
        offer(choices, count, ACT_EXCHANGED, index);
    }
}

static inline void offer_worker(const world *w, uint32_t index, world_choice *choices,
                                size_t *count)
{
    const world_worker *worker = &w->workers[index];
    if (worker->up.count > 0) {
        offer(choices, count, ACT_DELIVER_WORKER, index);
    }
    if (worker->down.count > 0) {
        offer(choices, count, ACT_OBEY_WORKER, index);
    }
    if (worker->count > 0 && !worker->running) {
        offer(choices, count, ACT_START, index);
    }
    bool waits = worker->awaits != 0 || worker->stubborn != 0;
    if (worker->running && (!waits || worker->interrupted)) {
        offer(choices, count, ACT_COMPLETE, index);
    }
    if (worker->running && !worker->awaits && !worker->interrupted &&
        w->asks_next < w->asks_length && w->asked_count + w->open_count < WORLD_ASKED) {
        offer(choices, count, ACT_ASK, index);
    }
    if (worker->running && worker->count > 1 && w->blocks > 0) {
        offer(choices, count, ACT_GIVE_BACK, index);
    }
    if (worker->running && w->failures > 0 && !worker->interrupted && !worker->awaits) {
        offer(choices, count, ACT_FAIL, index);
    }
}

static inline bool is_first_of_its_worker(const world *w, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (w->asked[i].message.from == w->asked[index].message.from) {
            return false;
        }
    }
    return w->asked[index].after == 0;
}

static inline size_t world_choices(const world *w, const cb_step *step, world_choice *choices)
{
    size_t count = 0;
    for (uint32_t i = 0; i < WORLD_ASKERS; i++) {
        if (w->askers[i].up.count > 0) {
            offer(choices, &count, ACT_DELIVER_ASKER, i);
        }
        if (!w->askers[i].left && w->departures > 0 && (w->leavers >> i & 1u) != 0) {
            offer(choices, &count, ACT_LEAVE, i);
        }
    }
    for (uint32_t i = 0; i < w->asked_count; i++) {
        if (is_first_of_its_worker(w, i)) {
            offer(choices, &count, ACT_DELIVER_QUESTION, i);
        }
    }
    for (uint32_t i = 0; i < WORLD_ROUTES; i++) {
        if (w->listeners[i].up.count > 0) {
            offer(choices, &count, ACT_DELIVER_LISTENER, i);
        }
        if (w->listeners[i].down.count > 0) {
            offer(choices, &count, ACT_OBEY_LISTENER, i);
        }
        if (w->listeners[i].starts) {
            offer(choices, &count, ACT_LISTEN, i);
            if (w->refusals > 0) {
                offer(choices, &count, ACT_LISTEN_NOT, i);
            }
        }
        if (w->listeners[i].order_count > 0 && !w->listeners[i].ended) {
            offer(choices, &count, ACT_ORDERED, i);
            if (w->refusals > 0) {
                offer(choices, &count, ACT_REFUSED, i);
            }
        }
    }
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        offer_connection(w, i, choices, &count);
    }
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        offer_worker(w, i, choices, &count);
    }
    if (w->client.up.count > 0) {
        offer(choices, &count, ACT_DELIVER_CLIENT, 0);
    }
    if (w->client.down.count > 0) {
        offer(choices, &count, ACT_OBEY_CLIENT, 0);
    }
    const world_asker *last = &w->askers[WORLD_ASKERS - 1u];
    if (w->finale && count == 0 && !last->waiting && last->next == last->length) {
        offer(choices, &count, ACT_FINISH, WORLD_ASKERS - 1u);
    }
    bool due = cb_step_next_deadline(step) != INT64_MAX;
    if (due && (w->ticks > 0 || count == 0)) {
        offer(choices, &count, ACT_TICK, 0);
    }
    return count;
}

static inline void read_request(world *w, uint32_t index)
{
    world_connection *connection = &w->connections[index];
    cb_message ready = from_listener(w, connection->route, CB_MSG_REQUEST_READY, index);
    ready.payload = request_of(index);
    if (kind_of(w, connection->route) == CB_ROUTE_HTTP) {
        ready.flags = CB_FLAG_NEW;
    }
    connection->state = CONN_READY;
    queue_put(w, &w->listeners[connection->route].up, &ready);
}

static inline void send_event(world *w, uint32_t index)
{
    world_connection *event = &w->connections[index];
    cb_message ready = from_listener(w, event->route, CB_MSG_REQUEST_READY, number_of(w, index));
    ready.flags = CB_FLAG_NEW;
    ready.payload = request_of(index);
    event->state = CONN_READY;
    event->sequence = ++w->sequence;
    queue_put(w, &w->listeners[event->route].up, &ready);
}

static inline void be_stale(world *w, uint32_t index)
{
    world_connection *connection = &w->connections[index];
    cb_message stale = {.kind = CB_MSG_JOB_STALE,
                        .from = CB_ADDRESS_CLIENT,
                        .job = connection->client_job,
                        .value = connection->pinned};
    w->stales--;
    connection->waits = 1;
    queue_put(w, &w->client.up, &stale);
}

static inline void accept_connection(world *w, uint32_t index)
{
    world_connection *connection = &w->connections[index];
    if (kind_of(w, connection->route) == CB_ROUTE_HTTP) {
        read_request(w, index); /* its listener reports only whole requests */
        return;
    }
    cb_message accepted = from_listener(w, connection->route, CB_MSG_ACCEPTED, index);
    accepted.flags = connection->port != 0 ? CB_FLAG_LOOPBACK : 0;
    accepted.value = connection->port;
    connection->state = CONN_READING;
    queue_put(w, &w->listeners[connection->route].up, &accepted);
    if (w->eager) {
        read_request(w, index);
    }
}

static inline void exchanged(world *w, uint32_t index)
{
    world_connection *connection = &w->connections[index];
    cb_message done = {.kind = CB_MSG_JOB_COMPLETED,
                       .from = CB_ADDRESS_CLIENT,
                       .status = connection->answered ? CB_JOB_SUCCESS : CB_JOB_RECEIVE_FAILED,
                       .job = connection->client_job,
                       .connection = connection->port,
                       .payload = exchange_of(index)};
    connection->client_job = UINT64_MAX;
    connection->state = CONN_GONE;
    queue_put(w, &w->client.up, &done);
}

static inline void tick(world *w, cb_step *step)
{
    if (cb_step_next_deadline(step) > w->now_ns) {
        w->now_ns = cb_step_next_deadline(step);
    }
    w->ticks -= w->ticks > 0;
    world_input(w, step, (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
}

static inline void world_obey(world *w, world_choice choice)
{
    cb_message order;
    if (choice.act == ACT_OBEY_LISTENER) {
        order = queue_get(&w->listeners[choice.index].down);
        listener_obeys(w, choice.index, &order);
    } else if (choice.act == ACT_OBEY_WORKER) {
        order = queue_get(&w->workers[choice.index].down);
        worker_obeys(w, &w->workers[choice.index], &order);
    } else {
        order = queue_get(&w->client.down);
        client_obeys(w, &order);
    }
}

static inline void deliver_actor(world *w, cb_step *step, world_worker *worker)
{
    cb_message message = queue_get(&worker->up);
    for (uint32_t i = 0; i < w->asked_count; i++) {
        if (w->asked[i].message.from == message.from && w->asked[i].after > 0) {
            w->asked[i].after--;
        }
    }
    bool stopped = message.kind == CB_MSG_ACTOR_STOPPED;
    /* Its place is free for another actor. A worker still gets the effects of this input; the
     * client actor's successor has the same address. */
    if (stopped && worker == &w->client) {
        memset(worker, 0, sizeof *worker);
    }
    world_input(w, step, message);
    if (stopped && worker != &w->client) {
        memset(worker, 0, sizeof *worker);
    }
}

static inline void deliver_question(world *w, cb_step *step, uint32_t index)
{
    cb_message message = w->asked[index].message;
    w->asked_count--;
    for (; index < w->asked_count; index++) {
        w->asked[index] = w->asked[index + 1u];
    }
    memset(&w->asked[index], 0, sizeof *w->asked);
    w->open[w->open_count++] = ((uint64_t)message.from << 32) | message.cause;
    world_input(w, step, message);
}

static inline void listener_started(world *w, uint32_t route, bool listens)
{
    world_listener *listener = &w->listeners[route];
    cb_message started =
        from_listener(w, route, listens ? CB_MSG_ROUTE_LISTENING : CB_MSG_ROUTE_FAILED, 0);
    listener->starts = 0;
    if (listens) {
        started.value = 4000 + route;
        listener->deaf = listener->ended = 0;
    } else {
        started.status = CB_IO;
        started.payload = extra_of(WORLD_EXTRAS - 1u);
        w->refusals--;
    }
    queue_put(w, &listener->up, &started);
}

/* Takes a choice of askers, callbacks and new listeners. */
static inline bool world_took(world *w, cb_step *step, world_choice choice)
{
    switch (choice.act) {
    case ACT_ASK:
        worker_asks(w, &w->workers[choice.index]);
        return true;
    case ACT_DELIVER_QUESTION:
        deliver_question(w, step, choice.index);
        return true;
    case ACT_LEAVE:
        asker_leaves(w, choice.index);
        return true;
    case ACT_LISTEN:
    case ACT_LISTEN_NOT:
        listener_started(w, choice.index, choice.act == ACT_LISTEN);
        return true;
    default:
        return false;
    }
}

static inline void world_take(world *w, cb_step *step, world_choice choice)
{
    if (world_took(w, step, choice)) {
        return;
    }
    world_worker *worker = &w->workers[choice.index % WORLD_WORKERS];
    switch (choice.act) {
    case ACT_DELIVER_ASKER:
        world_input(w, step, queue_get(&w->askers[choice.index].up));
        asker_go_on(w, choice.index);
        break;
    case ACT_DELIVER_LISTENER:
        world_input(w, step, queue_get(&w->listeners[choice.index].up));
        break;
    case ACT_DELIVER_WORKER:
        deliver_actor(w, step, worker);
        break;
    case ACT_DELIVER_CLIENT:
        deliver_actor(w, step, &w->client);
        break;
    case ACT_ACCEPT:
        accept_connection(w, choice.index);
        break;
    case ACT_READY:
        read_request(w, choice.index);
        break;
    case ACT_RESET:
        w->resets--;
        connection_end(w, choice.index, CB_MSG_CONNECTION_CLOSED);
        listener_may_end(w, w->connections[choice.index].route);
        break;
    case ACT_START:
        start_job(w, worker);
        break;
    case ACT_COMPLETE:
        worker_completes(w, worker, (int32_t)worker->interrupted);
        break;
    case ACT_FAIL:
        w->failures--;
        worker_completes(w, worker, CB_JOB_CALLBACK_REFUSED);
        break;
    case ACT_EVENT:
        send_event(w, choice.index);
        break;
    case ACT_ORDERED:
        listener_done(w, choice.index, CB_OK);
        break;
    case ACT_REFUSED:
        w->refusals--;
        listener_done(w, choice.index, CB_INVALID);
        break;
    case ACT_GIVE_BACK:
        w->blocks--;
        worker->refuses = 1;
        worker_gives_back(w, worker);
        break;
    case ACT_STALE:
        be_stale(w, choice.index);
        break;
    case ACT_EXCHANGED:
        exchanged(w, choice.index);
        break;
    case ACT_FINISH:
        w->finale = 0;
        w->askers[choice.index].script[w->askers[choice.index].length++] =
            (cb_message){.kind = CB_MSG_FINISH};
        asker_go_on(w, choice.index);
        break;
    case ACT_TICK:
        tick(w, step);
        break;
    default:
        world_obey(w, choice);
        break;
    }
}

static inline void count_drop(void *user, uint64_t payload)
{
    ((world *)user)->inside[payload]--;
}

/* Checks the state when nothing can happen any more. */
static inline const char *world_end(const world *end, cb_step *step)
{
    world w = *end;
    for (uint32_t i = 0; i < WORLD_ASKERS; i++) {
        bool asked = w.askers[i].next == w.askers[i].length || w.askers[i].left;
        if (w.askers[i].waiting || !asked) {
            return "a question was never answered";
        }
    }
    if (w.asked_count > 0 || w.open_count > 0) {
        return "a callback's question was never answered";
    }
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        if (w.connections[i].state == CONN_READING || w.connections[i].state == CONN_READY) {
            return "a connection never ended";
        }
        if (w.connections[i].owed > 0 || w.connections[i].waits) {
            return "an event or an exchange was forgotten";
        }
    }
    for (uint32_t i = 0; i < step->routes.high; i++) {
        const cb_step_route *route = cb_slots_live(&step->routes, i);
        if (route != NULL && (!cb_step_drained(route) || route->state != CB_ROUTE_CLOSED)) {
            return "a route did not come to its end";
        }
    }
    if (step->waits.count != 0 || step->server_jobs != 0 || step->workers.count != 0 ||
        step->lanes.count != 0) {
        return "something outlived the end";
    }
    cb_step *copy = cb_step_clone(step);
    if (copy == NULL) {
        return "no memory";
    }
    cb_step_free(&copy, count_drop, &w);
    for (size_t i = 0; i < WORLD_PAYLOADS; i++) {
        if (w.inside[i] != 0) {
            return "a payload was lost";
        }
    }
    return NULL;
}

#endif
