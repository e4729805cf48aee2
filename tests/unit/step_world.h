/* A small world around the step: askers, listeners with connections, workers and the client actor
 * as automata, each with one queue to the step and one back. What may happen next is a list of
 * choices: the exhaustive test takes every one of them, the simulator a random one. The world knows
 * what it did itself, so it sees when the step does something that does not fit.
 *
 * Sizes: define WORLD_ASKERS, WORLD_ROUTES, WORLD_CONNECTIONS (of all routes), WORLD_WORKERS and
 * WORLD_QUEUE before the inclusion. Worlds are copied and hashed as bytes.
 */
#ifndef CALLBOARD_TESTS_STEP_WORLD_H
#define CALLBOARD_TESTS_STEP_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/step/state.h"

#ifndef WORLD_SAW /* called with each input and its effects */
#define WORLD_SAW(message, effects) ((void)0)
#endif
#define WORLD_MS       INT64_C(1000000)
#define WORLD_SCRIPT   8u
#define WORLD_HELD     8u
#define WORLD_ACTORS   (WORLD_ASKERS + WORLD_ROUTES + WORLD_CONNECTIONS + WORLD_WORKERS)
#define WORLD_CHOICES  (8u * WORLD_ACTORS + 64u)
#define WORLD_PAYLOADS (3u * WORLD_CONNECTIONS + WORLD_ROUTES + 2u)
#define WORLD_NOISE    (WORLD_PAYLOADS - 1u) /* the payload of messages out of place */

typedef struct world_queue {
    uint32_t count;
    uint32_t unused;
    cb_message items[WORLD_QUEUE];
} world_queue;

typedef struct world_asker {
    world_queue up;
    cb_message script[WORLD_SCRIPT];
    uint32_t length;
    uint32_t next;
    uint32_t waiting; /* the question on its way is script[next - 1] */
    uint32_t interrupts;
    int64_t answers[WORLD_SCRIPT];
    int32_t statuses[WORLD_SCRIPT];
} world_asker;

typedef struct world_listener {
    world_queue up;
    world_queue down;
    uint32_t address;
    uint32_t id;
    uint32_t deaf;
    uint32_t leaving;
    uint32_t ended;
    uint32_t close_seen; /* the step has had a CLOSE_ROUTE for it while it was open */
} world_listener;

enum { CONN_NONE, CONN_NEW, CONN_READING, CONN_READY, CONN_GONE };

typedef struct world_connection {
    uint32_t state;
    uint32_t route;
    uint32_t responds;
    uint32_t drops;
    uint32_t ran;
    uint32_t port; /* of a client job, or 0 */
    uint64_t client_job;
    uint32_t answered; /* a response reached the client */
    uint32_t unused;
} world_connection;

typedef struct world_worker {
    world_queue up;
    world_queue down;
    uint32_t address; /* 0: not there */
    uint32_t ended;
    uint32_t running; /* held[0] is started */
    uint32_t count;
    uint64_t held[WORLD_HELD];     /* jobs, oldest first */
    uint64_t payloads[WORLD_HELD]; /* their requests */
    uint32_t interrupted;          /* status to complete with, or 0 */
    uint32_t stubborn;             /* completes nothing unless interrupted */
    uint32_t dead;                 /* ended of its own; what it is told is lost */
} world_worker;

typedef struct world {
    int64_t now_ns;
    const char *wrong;
    world_asker askers[WORLD_ASKERS];
    world_listener listeners[WORLD_ROUTES];
    world_connection connections[WORLD_CONNECTIONS];
    world_worker workers[WORLD_WORKERS];
    world_worker client;            /* its address is CB_ADDRESS_CLIENT once it is there */
    int32_t inside[WORLD_PAYLOADS]; /* references that the step holds */
    uint32_t resets;                /* how many connections may still be reset by their peers */
    uint32_t failures;              /* how many callbacks may still fail */
    uint32_t ticks;          /* how many ticks may still come while something else could happen */
    uint32_t instant;        /* commands reach their actors at once */
    uint32_t eager;          /* requests come with their connections, workers start what they get */
    uint32_t finale;         /* FINISH is asked by the last asker when nothing else can happen */
    uint32_t failing_starts; /* how many actors may still fail to start */
    uint32_t shut_down;      /* routes drain: a close cancels nothing any more */
} world;

typedef enum world_act {
    ACT_DELIVER_ASKER,
    ACT_DELIVER_LISTENER,
    ACT_DELIVER_WORKER,
    ACT_DELIVER_CLIENT,
    ACT_OBEY_LISTENER,
    ACT_OBEY_WORKER,
    ACT_OBEY_CLIENT,
    ACT_ACCEPT,
    ACT_READY,
    ACT_RESET,
    ACT_START,
    ACT_COMPLETE,
    ACT_FAIL,
    ACT_EXCHANGED,
    ACT_TICK,
    ACT_FINISH
} world_act;

typedef struct world_choice {
    world_act act;
    uint32_t index;
} world_choice;

static inline void world_wrong(world *w, const char *sentence)
{
    if (w->wrong == NULL) {
        w->wrong = sentence;
    }
}

static inline void queue_put(world *w, world_queue *queue, const cb_message *message)
{
    if (queue->count == WORLD_QUEUE) {
        world_wrong(w, "the world's queue is too short");
        return;
    }
    queue->items[queue->count++] = *message;
}

static inline cb_message queue_get(world_queue *queue)
{
    cb_message first = queue->items[0];
    queue->count--;
    memmove(&queue->items[0], &queue->items[1], queue->count * sizeof *queue->items);
    memset(&queue->items[queue->count], 0, sizeof *queue->items);
    return first;
}

/* Payloads: each request, response, error text and result has its own number. */
static inline uint64_t request_of(uint32_t connection)
{
    return 1u + connection;
}
static inline uint64_t result_of(uint32_t connection)
{
    return 1u + WORLD_CONNECTIONS + connection;
}
static inline uint64_t exchange_of(uint32_t connection)
{
    return 1u + 2u * WORLD_CONNECTIONS + connection;
}
static inline uint64_t callback_of(uint32_t route)
{
    return 1u + 3u * WORLD_CONNECTIONS + route;
}

static inline uint32_t asker_address(uint32_t index)
{
    return CB_ADDRESS_FIRST_ASKER + index;
}

static inline void asker_go_on(world *w, uint32_t index)
{
    world_asker *asker = &w->askers[index];
    if (asker->waiting || asker->next == asker->length) {
        return;
    }
    cb_message question = asker->script[asker->next++];
    question.from = asker_address(index);
    question.cause = (uint64_t)index * WORLD_SCRIPT + asker->next;
    asker->waiting = question.kind != CB_MSG_SHUTDOWN;
    queue_put(w, &asker->up, &question);
}

static inline void asker_answered(world *w, uint32_t index, const cb_message *answer)
{
    world_asker *asker = &w->askers[index];
    if (!asker->waiting || answer->cause != (uint64_t)index * WORLD_SCRIPT + asker->next) {
        world_wrong(w, "an answer to no question, or a second one");
        return;
    }
    asker->waiting = 0;
    if (asker->next == 0) {
        return; /* it opened the routes: its script has not begun */
    }
    asker->answers[asker->next - 1u] = answer->value;
    asker->statuses[asker->next - 1u] = answer->status;
    asker_go_on(w, index);
}

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

static inline void listener_obeys(world *w, uint32_t route, const cb_message *order)
{
    world_listener *listener = &w->listeners[route];
    world_connection *connection =
        order->connection < WORLD_CONNECTIONS ? &w->connections[order->connection] : NULL;
    if (order->kind == CB_MSG_STOP_ACCEPTING) {
        listener->deaf = 1;
    } else if (order->kind == CB_MSG_STOP_LISTENER) {
        if (!listener->deaf) {
            world_wrong(w, "a listener shall end that still accepts");
        }
        listener->leaving = 1;
    } else if (connection == NULL || connection->route != route) {
        world_wrong(w, "an order about no connection");
    } else if (connection->state != CONN_GONE) {
        connection->answered = order->kind == CB_MSG_RESPOND;
        connection_end(w, order->connection,
                       order->kind == CB_MSG_RESPOND ? CB_MSG_RESPONSE_SENT
                                                     : CB_MSG_CONNECTION_CLOSED);
    }
    listener_may_end(w, route);
}

static inline void start_job(world *w, world_worker *worker)
{
    world_connection *connection = &w->connections[worker->payloads[0] - 1u];
    cb_message started = {
        .kind = CB_MSG_JOB_STARTED, .from = worker->address, .job = worker->held[0]};
    if (connection->ran++ > 0) {
        world_wrong(w, "a request ran twice");
    }
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
    worker->running = worker->interrupted = 0;
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
    worker_drop_first(worker);
    queue_put(w, &worker->up, &done);
    worker_goes_on(w, worker);
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
        worker->held[worker->count] = order->job;
        worker->payloads[worker->count++] = order->payload;
        worker_goes_on(w, worker);
    } else if (order->kind == CB_MSG_TAKE_BACK) {
        worker_gives_back(w, worker);
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

/* The client actor dials at once: a new connection, if the listener still hears. */
static inline void client_obeys(world *w, const cb_message *order)
{
    if (order->kind == CB_MSG_RETIRE_ACTOR) {
        worker_obeys(w, &w->client, order);
        return;
    }
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        world_connection *connection = &w->connections[i];
        if (order->kind == CB_MSG_HAND && connection->client_job == 0 &&
            request_of(i) == order->payload) {
            connection->client_job = order->job;
            connection->state = w->listeners[connection->route].deaf ? CONN_GONE : CONN_NEW;
        } else if (order->kind == CB_MSG_INTERRUPT && connection->client_job == order->job) {
            cb_message done = {.kind = CB_MSG_JOB_COMPLETED,
                               .from = CB_ADDRESS_CLIENT,
                               .status = order->status,
                               .job = order->job,
                               .connection = connection->port};
            connection->client_job = UINT64_MAX;
            queue_put(w, &w->client.up, &done);
            if (connection->state == CONN_NEW) {
                connection->state = CONN_GONE;
            }
        }
    }
}

/* -- effects -- */

static inline world_worker *find_worker(world *w, uint32_t address)
{
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        if (w->workers[i].address == address) {
            return &w->workers[i];
        }
    }
    return NULL;
}

static inline void add_actor(world *w, const cb_message *effect)
{
    world_worker *worker = effect->to == CB_ADDRESS_CLIENT ? &w->client : find_worker(w, 0);
    if (worker == NULL || worker->address != 0) {
        world_wrong(w, "too many actors, or one twice");
        return;
    }
    worker->address = effect->to;
    cb_message ready = {.kind = CB_MSG_ACTOR_READY, .from = effect->to};
    if (w->failing_starts > 0) {
        w->failing_starts--;
        ready.kind = CB_MSG_ACTOR_STOPPED;
        ready.status = CB_NO_MEMORY;
        worker->ended = worker->dead = 1;
    }
    queue_put(w, &worker->up, &ready);
}

static inline void to_listener(world *w, const cb_message *effect)
{
    uint32_t route = effect->route - 1u;
    if (route >= WORLD_ROUTES || w->listeners[route].address != effect->to) {
        world_wrong(w, "an order to no listener");
        return;
    }
    if (effect->kind == CB_MSG_RESPOND || effect->kind == CB_MSG_DROP) {
        world_connection *connection = &w->connections[effect->connection];
        bool respond = effect->kind == CB_MSG_RESPOND;
        connection->responds += respond;
        connection->drops += !respond;
        /* One drop may follow a response: the end of the grace cuts a client that does not read. */
        if (connection->responds > 1 || connection->drops > 1 ||
            (respond && connection->drops > 0)) {
            world_wrong(w, "a request ended twice");
        }
    }
    if (w->instant) {
        listener_obeys(w, route, effect);
    } else {
        queue_put(w, &w->listeners[route].down, effect);
    }
}

static inline void to_worker(world *w, const cb_message *effect)
{
    world_worker *worker =
        effect->to == CB_ADDRESS_CLIENT ? &w->client : find_worker(w, effect->to);
    if (worker == NULL) {
        world_wrong(w, "an order to no actor");
        return;
    }
    if (effect->kind == CB_MSG_HAND && worker != &w->client &&
        w->listeners[effect->route - 1u].close_seen) {
        world_wrong(w, "a job was handed out after its route closed");
    }
    if (!w->instant) {
        queue_put(w, &worker->down, effect);
    } else if (worker == &w->client) {
        client_obeys(w, effect);
    } else {
        worker_obeys(w, worker, effect);
    }
}

static inline void world_effect(world *w, cb_message effect)
{
    effect.time_ns = 0;
    if (effect.kind != CB_MSG_ANSWER) {
        effect.cause = 0;
    }
    if (effect.payload != 0 && (effect.flags & CB_FLAG_SHARED) == 0 &&
        (effect.payload >= WORLD_PAYLOADS || --w->inside[effect.payload] < 0)) {
        world_wrong(w, "a payload came out twice");
        return;
    }
    switch (effect.kind) {
    case CB_MSG_ANSWER:
        if (effect.to - CB_ADDRESS_FIRST_ASKER < WORLD_ASKERS) {
            asker_answered(w, effect.to - CB_ADDRESS_FIRST_ASKER, &effect);
        }
        break;
    case CB_MSG_STOP_ACCEPTING:
    case CB_MSG_STOP_LISTENER:
    case CB_MSG_RESPOND:
    case CB_MSG_DROP:
        to_listener(w, &effect);
        break;
    case CB_MSG_ADD_ACTOR:
        add_actor(w, &effect);
        break;
    case CB_MSG_INTERRUPT:
        if (effect.to < CB_ADDRESS_FIRST_ASKER) {
            to_worker(w, &effect);
        } else if (effect.to - CB_ADDRESS_FIRST_ASKER < WORLD_ASKERS) {
            w->askers[effect.to - CB_ADDRESS_FIRST_ASKER].interrupts++;
        }
        break;
    case CB_MSG_RETIRE_ACTOR:
    case CB_MSG_HAND:
    case CB_MSG_TAKE_BACK:
        to_worker(w, &effect);
        break;
    default:
        break;
    }
}

/* A close that cannot wait does not close. */
static inline bool refused(cb_effects effects, const cb_message *question)
{
    for (size_t i = 0; i < effects.count; i++) {
        const cb_message *effect = &effects.items[i];
        if (effect->kind == CB_MSG_ANSWER && effect->to == question->from &&
            effect->cause == question->cause && effect->status != CB_OK) {
            return true;
        }
    }
    return false;
}

static inline void world_input(world *w, cb_step *step, cb_message message)
{
    message.time_ns = w->now_ns;
    if (message.payload != 0) {
        w->inside[message.payload]++;
    }
    cb_effects effects = cb_step_input(step, &message);
    if (message.kind == CB_MSG_SHUTDOWN || message.kind == CB_MSG_FINISH) {
        w->shut_down = 1;
    }
    if (message.kind == CB_MSG_CLOSE_ROUTE && message.route - 1u < WORLD_ROUTES && !w->shut_down &&
        !refused(effects, &message)) {
        w->listeners[message.route - 1u].close_seen = 1;
    }
    WORLD_SAW(message, effects);
    for (size_t i = 0; i < effects.count; i++) {
        world_effect(w, effects.items[i]);
    }
    const char *wrong = cb_step_check(step);
    if (wrong != NULL) {
        world_wrong(w, wrong);
    }
}

/* Opens all routes, so that the exploration begins where it becomes interesting. */
static inline void world_open(world *w, cb_step *step, int32_t timeout_ms)
{
    w->now_ns = 1000 * WORLD_MS;
    for (uint32_t i = 0; i < WORLD_ROUTES; i++) {
        uint32_t opener = 0;
        w->askers[opener].waiting = 1;
        cb_message open = {.kind = CB_MSG_OPEN_ROUTE,
                           .name_space = 1,
                           .status = timeout_ms,
                           .from = asker_address(opener),
                           .connection = cb_route_word(CB_ROUTE_TCP, 0),
                           .payload = callback_of(i)};
        world_input(w, step, open);
        w->listeners[i].address = CB_ADDRESS_FIRST_ACTOR + i;
        w->listeners[i].id = i + 1u;
        cb_message listening = from_listener(w, i, CB_MSG_ROUTE_LISTENING, 0);
        listening.value = 4000 + i;
        world_input(w, step, listening);
    }
    for (uint32_t i = 0; i < WORLD_ASKERS; i++) {
        asker_go_on(w, i);
    }
}

#endif
