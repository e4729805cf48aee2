/* Carries out the step's effects in a small world around it (step_world.h), and checks what they
 * must not do.
 */
#ifndef CALLBOARD_TESTS_STEP_EFFECTS_H
#define CALLBOARD_TESTS_STEP_EFFECTS_H

#include "tests/unit/step_actors.h"

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

/* Each event that the step received is answered once. */
static inline void event_answered(world *w, const cb_message *effect)
{
    uint32_t number = effect->connection;
    if (number >= WORLD_CONNECTIONS || w->connections[number].owed-- == 0) {
        world_wrong(w, "an answer to no event");
    }
}

static inline void request_answered(world *w, const cb_message *effect)
{
    world_connection *connection = &w->connections[effect->connection];
    bool respond = effect->kind == CB_MSG_RESPOND;
    connection->responds += respond;
    connection->drops += !respond;
    /* One drop may follow a response: at the end of the grace time a client that does not read is
     * cut off. */
    if (connection->responds > 1 || connection->drops > 1 || (respond && connection->drops > 0)) {
        world_wrong(w, "a request ended twice");
    }
}

static inline void to_listener(world *w, const cb_message *effect)
{
    uint32_t route = effect->route - 1u;
    if (route >= WORLD_ROUTES || w->listeners[route].address != effect->to) {
        world_wrong(w, "an order to no listener");
        return;
    }
    bool answers = effect->kind == CB_MSG_RESPOND || effect->kind == CB_MSG_DROP;
    if (answers && has_events(w, route)) {
        event_answered(w, effect);
    } else if (answers) {
        request_answered(w, effect);
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
    const world_listener *listener = effect->route == 0 || effect->route > WORLD_ROUTES
                                         ? NULL
                                         : &w->listeners[effect->route - 1];
    if (effect->kind == CB_MSG_HAND && worker != &w->client && listener != NULL &&
        listener->close_seen) {
        world_wrong(w, "a job was handed out after its route closed");
    }
    if (effect->kind == CB_MSG_HAND && worker == &w->client && listener != NULL &&
        listener->told_tls != listener->known_tls) {
        world_wrong(w, "the client actor dials with an old certificate");
    }
    if (!w->instant) {
        queue_put(w, &worker->down, effect);
    } else if (worker == &w->client) {
        client_obeys(w, effect);
    } else {
        worker_obeys(w, worker, effect);
    }
}

/* Each question of a callback is answered once, after it was asked. */
static inline void question_answered(world *w, const cb_message *answer)
{
    uint64_t key = ((uint64_t)answer->to << 32) | answer->cause;
    uint32_t at = 0;
    while (at < w->open_count && w->open[at] != key) {
        at++;
    }
    if (at == w->open_count) {
        world_wrong(w, "an answer to no question of a callback, or a second one");
        return;
    }
    w->open[at] = w->open[--w->open_count];
    w->open[w->open_count] = 0;
    if (find_worker(w, answer->to) != NULL) {
        to_worker(w, answer);
    }
}

static inline void answered(world *w, const cb_message *answer)
{
    if (answer->to < CB_ADDRESS_FIRST_ASKER) {
        question_answered(w, answer);
    } else if (answer->to - CB_ADDRESS_FIRST_ASKER < WORLD_ASKERS) {
        asker_answered(w, answer->to - CB_ADDRESS_FIRST_ASKER, answer);
    }
}

static inline void asker_interrupted(world *w, uint32_t index)
{
    if (index < WORLD_ASKERS && w->askers[index].gone) {
        world_wrong(w, "an asker that is gone is interrupted");
    } else if (index < WORLD_ASKERS) {
        w->askers[index].interrupts++;
    }
}

/* A route that was not there when the world began. */
static inline void listener_starts(world *w, const cb_message *effect)
{
    uint32_t route = effect->route - 1u;
    if (route < WORLD_ROUTES && w->listeners[route].late && w->listeners[route].address == 0) {
        w->listeners[route].id = effect->route;
        w->listeners[route].address = effect->to;
        w->listeners[route].starts = 1;
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
        answered(w, &effect);
        break;
    case CB_MSG_START_LISTENER:
        listener_starts(w, &effect);
        break;
    case CB_MSG_STOP_ACCEPTING:
    case CB_MSG_STOP_LISTENER:
    case CB_MSG_RESPOND:
    case CB_MSG_DROP:
    case CB_MSG_ORDER:
    case CB_MSG_CANCEL_ORDER:
        to_listener(w, &effect);
        break;
    case CB_MSG_ADD_ACTOR:
        add_actor(w, &effect);
        break;
    case CB_MSG_INTERRUPT:
        if (effect.to < CB_ADDRESS_FIRST_ASKER) {
            to_worker(w, &effect);
        } else {
            asker_interrupted(w, effect.to - CB_ADDRESS_FIRST_ASKER);
        }
        break;
    case CB_MSG_PIN:
        w->listeners[effect.route - 1u].told_tls = effect.payload == 0 ? 0 : (uint32_t)effect.value;
        to_worker(w, &effect);
        break;
    case CB_MSG_REDIAL:
    case CB_MSG_RETIRE_ACTOR:
    case CB_MSG_HAND:
    case CB_MSG_TAKE_BACK:
        to_worker(w, &effect);
        break;
    default:
        break;
    }
}

/* True if the question was refused. (A close that cannot wait does not close.) */
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

/* Notes what the step knows from now on. */
static inline void world_delivers(world *w, const cb_message *message)
{
    uint32_t route = message->route - 1u;
    bool heard = route < WORLD_ROUTES && w->listeners[route].address == message->from &&
                 !w->listeners[route].unheard;
    if (heard && message->kind == CB_MSG_REQUEST_READY && (message->flags & CB_FLAG_NEW) != 0 &&
        has_events(w, route)) {
        w->connections[message->connection].owed++;
    } else if (heard && message->kind == CB_MSG_ORDER_DONE && message->value == 1 &&
               message->status == CB_OK) {
        w->listeners[route].known_tls++; /* value 1 of the world's ORDER_DONE: a TLS setting */
    } else if (heard && message->kind == CB_MSG_ROUTE_STOPPED) {
        w->listeners[route].unheard = 1;
        for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
            if (w->connections[i].route == route && has_events(w, route)) {
                w->connections[number_of(w, i)].owed = 0;
            }
        }
    } else if (message->kind == CB_MSG_ACTOR_STOPPED && message->from == CB_ADDRESS_CLIENT) {
        for (uint32_t i = 0; i < WORLD_ROUTES; i++) {
            w->listeners[i].told_tls = 0;
        }
    }
}

/* Checks what must be over after the message: a job that has ended, or an asker that is gone, has
 * no open question. */
static inline void check_owners(world *w, const cb_message *message)
{
    uint32_t asker = message->from - CB_ADDRESS_FIRST_ASKER;
    if (message->kind == CB_MSG_GOODBYE && message->from >= CB_ADDRESS_FIRST_ASKER &&
        asker < WORLD_ASKERS) {
        if (w->askers[asker].waiting) {
            world_wrong(w, "a question outlived its asker");
        }
        w->askers[asker].gone = 1;
    }
    bool ends = message->kind == CB_MSG_JOB_COMPLETED || message->kind == CB_MSG_ACTOR_STOPPED;
    for (uint32_t i = 0; ends && i < w->open_count; i++) {
        if (w->open[i] >> 32 == message->from) {
            world_wrong(w, "a question outlived the job that asked");
        }
    }
}

static inline void world_input(world *w, cb_step *step, cb_message message)
{
    message.time_ns = w->now_ns;
    if (message.payload != 0) {
        w->inside[message.payload]++;
    }
    world_delivers(w, &message);
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
    check_owners(w, &message);
    const char *wrong = cb_step_check(step);
    if (wrong != NULL) {
        world_wrong(w, wrong);
    }
}

/* Opens all routes, so that the exploration begins where it becomes interesting. */
static inline void world_open(world *w, cb_step *step, int32_t timeout_ms)
{
    uint32_t address = CB_ADDRESS_FIRST_ACTOR;
    w->now_ns = 1000 * WORLD_MS;
    for (uint32_t i = 0; i < WORLD_ROUTES && !w->listeners[i].late; i++) {
        uint32_t opener = 0;
        w->askers[opener].waiting = 1;
        cb_message open = {.kind = CB_MSG_OPEN_ROUTE,
                           .name_space = 1,
                           .status = timeout_ms,
                           .from = asker_address(opener),
                           .connection = cb_route_word(kind_of(w, i), 0),
                           .payload = callback_of(i)};
        world_input(w, step, open);
        w->listeners[i].id = i + 1u;
        if (kind_of(w, i) == CB_ROUTE_LOCAL) {
            w->listeners[i].ended = 1;
            continue;
        }
        w->listeners[i].address = address++;
        cb_message listening = from_listener(w, i, CB_MSG_ROUTE_LISTENING, 0);
        listening.value = 4000 + i;
        world_input(w, step, listening);
    }
    for (uint32_t i = 0; i < WORLD_ASKERS; i++) {
        asker_go_on(w, i);
    }
}

#endif
