/* A small world around the step: askers, listeners with connections, workers and the client actor
 * as automata (step_actors.h). Each has one queue to the step and one back. A list of choices says
 * what may happen next. The exhaustive test takes every choice, the simulator a random one. The
 * world remembers its own actions, so it notices when the step does something that does not fit.
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
#define WORLD_ASKED    8u /* questions of callbacks, sent or not answered yet */
#define WORLD_ACTORS   (WORLD_ASKERS + WORLD_ROUTES + WORLD_CONNECTIONS + WORLD_WORKERS)
#define WORLD_CHOICES  (8u * WORLD_ACTORS + 64u)
#define WORLD_EXTRAS   24u /* payloads of commands */
#define WORLD_PAYLOADS (3u * WORLD_CONNECTIONS + WORLD_ROUTES + WORLD_EXTRAS + 2u)
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
    uint32_t waiting; /* an answer is awaited, to question script[next - 1] */
    uint32_t interrupts;
    uint32_t left; /* it waits for nothing any more, and has said GOODBYE */
    uint32_t gone; /* the step has received this GOODBYE */
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
    uint32_t close_seen; /* the step received a CLOSE_ROUTE for it while it was open */
    uint32_t kind;       /* cb_route_kind; 0: TCP */
    uint32_t died;       /* it ended without an order */
    uint32_t order_count;
    uint32_t tls;                /* how many settings it has taken */
    uint64_t orders[WORLD_HELD]; /* not answered yet, oldest first */
    uint32_t sets_tls[WORLD_HELD];
    uint32_t known_tls; /* how many settings the step has heard of */
    uint32_t told_tls;  /* the newest setting that the step told the client actor */
    uint32_t pinned;    /* the setting that the client actor has */
    uint32_t unheard;   /* the step knows that it has ended */
    uint32_t late;      /* it is not opened before the world begins */
    uint32_t starts;    /* it has to listen, and does not yet */
} world_listener;

/* On a route of events a connection is an event. Several events may have the same number. */
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
    uint32_t number;   /* in messages; 0: its index */
    uint32_t sequence; /* event: 1.. in the order of sending */
    uint32_t owed; /* at the number's index: events that the step received and has not answered */
    uint32_t running;
    uint32_t canceled; /* local job: an asker was told that it is canceled */
    uint32_t id;       /* local job: the id that its asker was told */
    uint32_t pinned;   /* client job: the setting that the client actor had when it dialled */
    uint32_t waits;    /* client job: it waits for a REDIAL */
    uint32_t unused;
} world_connection;

typedef struct world_worker {
    world_queue up;
    world_queue down;
    uint32_t address; /* 0: it does not exist */
    uint32_t ended;
    uint32_t running; /* held[0] is started */
    uint32_t count;
    uint64_t held[WORLD_HELD];     /* jobs, oldest first */
    uint64_t payloads[WORLD_HELD]; /* their requests */
    uint32_t interrupted;          /* status to complete with, or 0 */
    uint32_t stubborn;             /* it completes a job only when interrupted */
    uint32_t dead;                 /* it ended by itself; messages to it are lost */
    uint32_t refuses;              /* it gave jobs back unasked and has heard nothing since */
    uint32_t awaits;               /* the cause of its callback's question, 0: none */
} world_worker;

/* A question of a callback. The shell holds it back, so it may reach the step after the end of its
 * job, but not before the earlier reports of its worker. */
typedef struct world_question {
    cb_message message;
    uint64_t after; /* how many reports of its worker come first */
} world_question;

typedef struct world {
    int64_t now_ns;
    const char *wrong;
    world_asker askers[WORLD_ASKERS];
    world_listener listeners[WORLD_ROUTES];
    world_connection connections[WORLD_CONNECTIONS];
    world_worker workers[WORLD_WORKERS];
    world_worker client;            /* its address is CB_ADDRESS_CLIENT once it exists */
    int32_t inside[WORLD_PAYLOADS]; /* references that the step holds */
    uint32_t resets;                /* how many connections may still be reset by their peers */
    uint32_t failures;              /* how many callbacks may still fail */
    uint32_t ticks;          /* how many ticks may still come while something else could happen */
    uint32_t instant;        /* commands reach their actors at once */
    uint32_t eager;          /* requests come with their connections, workers start jobs at once */
    uint32_t finale;         /* the last asker asks FINISH when nothing else can happen */
    uint32_t failing_starts; /* how many actors may still fail to start */
    uint32_t shut_down;      /* routes drain: a close no longer cancels anything */
    uint32_t blocks;         /* how often workers may still give jobs back unasked */
    uint32_t stales;         /* how many exchanges may still meet another certificate */
    uint32_t refusals;       /* how many orders may still fail */
    uint32_t sequence;       /* number of the last event */
    uint32_t leavers;        /* askers that may leave, a bit for each, */
    uint32_t departures;     /* and how many of them do */
    uint32_t asks_next;      /* callbacks ask these questions in order; asks[asks_next] is next */
    uint32_t asks_length;
    cb_message asks[WORLD_SCRIPT];
    uint32_t asked_count; /* on their way, oldest first */
    uint32_t open_count;  /* the step received them and has not answered */
    world_question asked[WORLD_ASKED];
    uint64_t open[WORLD_ASKED]; /* worker's address, cause */
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
    ACT_EVENT,
    ACT_ORDERED,
    ACT_REFUSED,
    ACT_GIVE_BACK,
    ACT_STALE,
    ACT_ASK,
    ACT_DELIVER_QUESTION,
    ACT_LEAVE,
    ACT_LISTEN,
    ACT_LISTEN_NOT,
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

static inline uint64_t extra_of(uint32_t index)
{
    return 1u + 3u * WORLD_CONNECTIONS + WORLD_ROUTES + index % WORLD_EXTRAS;
}

static inline uint32_t number_of(const world *w, uint32_t index)
{
    return w->connections[index].number != 0 ? w->connections[index].number : index;
}

static inline uint32_t kind_of(const world *w, uint32_t route)
{
    return w->listeners[route].kind == 0 ? CB_ROUTE_TCP : w->listeners[route].kind;
}

static inline bool has_events(const world *w, uint32_t route)
{
    return cb_step_kind_traits(kind_of(w, route))->events;
}

/* True if two events must not run at the same time. */
static inline bool same_lane(const world *w, uint32_t a, uint32_t b)
{
    uint32_t route = w->connections[a].route;
    bool by_number = cb_step_kind_traits(kind_of(w, route))->lane == CB_LANE_CONNECTION;
    return w->connections[b].route == route && (!by_number || number_of(w, a) == number_of(w, b));
}

static inline uint32_t asker_address(uint32_t index)
{
    return CB_ADDRESS_FIRST_ASKER + index;
}

static inline void asker_go_on(world *w, uint32_t index)
{
    world_asker *asker = &w->askers[index];
    if (asker->waiting || asker->left || asker->next == asker->length) {
        return;
    }
    cb_message question = asker->script[asker->next++];
    question.from = asker_address(index);
    question.cause = (uint64_t)index * WORLD_SCRIPT + asker->next;
    asker->waiting = question.kind != CB_MSG_SHUTDOWN;
    queue_put(w, &asker->up, &question);
}

/* Prepares the last route, which an asker opens later. */
static inline void world_opens_late(world *w)
{
    world_listener *listener = &w->listeners[WORLD_ROUTES - 1u];
    listener->late = listener->deaf = listener->ended = 1;
}

static inline void asker_leaves(world *w, uint32_t index)
{
    const cb_message goodbye = {.kind = CB_MSG_GOODBYE, .from = asker_address(index)};
    w->askers[index].left = 1;
    w->departures--;
    queue_put(w, &w->askers[index].up, &goodbye);
}

/* Learns about local jobs from answers. */
static inline void world_learn(world *w, const cb_message *question, const cb_message *answer)
{
    if (question->kind == CB_MSG_BEGIN_JOB && (question->flags & CB_FLAG_CLIENT) == 0 &&
        answer->status == CB_OK) {
        w->connections[question->payload - 1u].id = (uint32_t)answer->value;
    }
    for (uint32_t i = 0; question->kind == CB_MSG_CANCEL_JOB && i < WORLD_CONNECTIONS; i++) {
        world_connection *job = &w->connections[i];
        if (job->id != 0 && job->id == question->job && answer->value == 1) {
            job->canceled = 1;
            if (job->ran) {
                world_wrong(w, "a job ran and was canceled");
            }
        }
    }
}

static inline void asker_answered(world *w, uint32_t index, const cb_message *answer)
{
    world_asker *asker = &w->askers[index];
    if (asker->gone || !asker->waiting ||
        answer->cause != (uint64_t)index * WORLD_SCRIPT + asker->next) {
        world_wrong(w, "an answer to no question, or a second one");
        return;
    }
    asker->waiting = 0;
    if (asker->next == 0) {
        return; /* it opened the routes: its script has not begun */
    }
    world_learn(w, &asker->script[asker->next - 1u], answer);
    asker->answers[asker->next - 1u] = answer->value;
    asker->statuses[asker->next - 1u] = answer->status;
    asker_go_on(w, index);
}

#endif
