/* The state of the step: its objects, and the functions that its files share. Internal to this
 * folder and its tests.
 *
 * Pointers to objects are valid until the next cb_step_add into the same table.
 */
#ifndef CALLBOARD_ACTORS_STEP_STATE_H
#define CALLBOARD_ACTORS_STEP_STATE_H

#include "actors/step/kind.h"
#include "actors/step/note.h"
#include "actors/step/outcome.h"
#include "actors/step/step.h"
#include "actors/step/tables.h"
#include "actors/step/tally.h"

/* -- bounds without an environment variable -- */
#define CB_STEP_JOBS_MAX      (UINT32_C(1) << 24) /* jobs of all kinds; 2 GiB of table */
#define CB_STEP_ASKERS_MAX    (UINT32_C(1) << 16) /* askers told of the grace's end */
#define CB_STEP_OUTCOMES_MAX  UINT32_C(4096)      /* failures kept for client jobs */
#define CB_STEP_STOP_MS_LEAST INT64_C(500)        /* least time for actors to end */
#define CB_STEP_NAME_SPACES   256u
#define CB_STEP_EFFECTS_LEAST 64u /* of one input, without the effects for its objects */

/* -- routes -- */

typedef enum cb_route_state {
    CB_ROUTE_GONE = 0, /* forgotten; never stored */
    CB_ROUTE_OPENING,
    CB_ROUTE_OPEN,
    CB_ROUTE_DRAINING, /* shutdown: no new connections; accepted requests are served */
    CB_ROUTE_CLOSING,  /* closed by request: jobs that have not started are dropped */
    CB_ROUTE_CLOSED,
    CB_ROUTE_STATES
} cb_route_state;

typedef enum cb_listener_state {
    CB_LISTENER_STARTING = 0,
    CB_LISTENER_ACCEPTING,
    CB_LISTENER_DEAF,    /* told to stop accepting */
    CB_LISTENER_LEAVING, /* told to end after its last connection */
    CB_LISTENER_ENDED,
    CB_LISTENER_STATES
} cb_listener_state;

typedef struct cb_step_route {
    cb_slot slot;
    uint8_t state;    /* cb_route_state */
    uint8_t listener; /* cb_listener_state */
    uint8_t name_space;
    uint8_t close_accepted;
    uint8_t shared; /* opened as the only one of its kind */
    uint32_t id;
    uint32_t address;    /* the listener's; CB_ADDRESS_NONE: its kind has no actor */
    uint32_t connection; /* cb_route_word, as asked for */
    int32_t timeout_ms;
    uint32_t port;  /* as bound */
    uint32_t tally; /* its own tally, or OTHERS */
    int64_t entry;
    uint64_t callback; /* payload: its name */
    cb_link tombstone; /* in the list of Closed routes, oldest first */
    cb_list jobs;      /* all jobs that have not ended */
    cb_list closers;   /* waits: CLOSE_ROUTE */
    cb_list waits;     /* waits: ROUTE_DRAINED */
    cb_list openers;   /* waits: OPEN_ROUTE; several if it is shared */
    cb_list orders;    /* waits: COMMAND */
    /* TLS */
    uint64_t tls;          /* payload of SET_TLS, until Closed */
    uint32_t tls_version;  /* number of settings so far; 0: none */
    uint32_t tls_told;     /* the version that the client actor knows; 0: none */
    uint32_t tls_changing; /* how many of the orders are SET_TLS */
    cb_list stale;         /* client jobs that wait for these orders to end */
    /* jobs by phase; active = all */
    uint32_t active;
    uint32_t pending; /* Reading */
    uint32_t queued;  /* Queued or Handed */
    uint32_t running;
    uint32_t waiting;     /* the queued ones that are not handed */
    uint32_t connected;   /* the active ones whose connection is open */
    uint32_t connections; /* open ones, as the listener reported last */
    /* since the opening */
    int64_t accepted;
    int64_t completed;
    int64_t failed;  /* the callback ended with a status other than success */
    int64_t dropped; /* ended before the callback ran */
    int64_t unsent;  /* succeeded, but the connection was gone */
    int64_t closed_queued;
} cb_step_route;

/* -- jobs -- */

typedef enum cb_job_state {
    CB_JOB_GONE = 0, /* ended; never stored */
    CB_JOB_READING,
    CB_JOB_QUEUED,
    CB_JOB_HANDED,
    CB_JOB_RUNNING,
    CB_JOB_ENDED, /* has its status; server jobs wait for their connection, others to be taken */
    CB_JOB_STATES
} cb_job_state;

typedef enum cb_job_kind {
    CB_JOB_SERVER = 1, /* a request on a connection, which waits for the response */
    CB_JOB_CLIENT,     /* an exchange with a route's port: run by the client actor, then taken */
    CB_JOB_LOCAL,      /* begun in this process: run by a worker, then taken */
    CB_JOB_EVENT,      /* a report of an actor: ends with its callback */
    CB_JOB_KINDS
} cb_job_kind;

/* The places where a job can wait. */
typedef enum cb_job_place {
    CB_PLACE_NONE = 0,
    CB_PLACE_FRESH,        /* the common queue */
    CB_PLACE_RETURNED,     /* the same, at the front */
    CB_PLACE_LANE,         /* behind other jobs of its lane */
    CB_PLACE_LANE_RETURNED /* the same, at the front */
} cb_job_place;

typedef struct cb_step_job {
    cb_slot slot;
    uint8_t state; /* cb_job_state */
    uint8_t kind;  /* cb_job_kind */
    uint8_t name_space;
    uint8_t has_nul;     /* client, local: the result holds a NUL */
    uint8_t connected;   /* server: its connection is open; event: its actor lives */
    uint8_t interrupted; /* INTERRUPT was sent */
    uint8_t place;       /* cb_job_place */
    uint8_t stale;       /* client: waits for a new TLS setting, in its route's `stale` */
    uint8_t cancel;      /* local, Handed: it was asked for, even if no asker waits any more */
    uint16_t peer_port;  /* server: the peer's port on this machine, or 0 */
    int32_t status;      /* cb_job_status */
    uint32_t route;      /* slot; CB_NONE if local and without a route, or ended; client: id */
    uint32_t connection; /* server, event; stale client: the version that did not match */
    uint32_t port;       /* client: the port to dial; local: id of its route, or 0 */
    uint32_t worker;     /* Handed or Running, not client: slot */
    int32_t timeout_ms;  /* -1: none */
    uint32_t lane;       /* slot, or CB_NONE */
    cb_link line;        /* in the line where it waits, or in its actor's `held` */
    cb_link family;      /* in its route's jobs, or in its namespace's local jobs without a route */
    int64_t number;      /* order in the queue */
    uint64_t id;         /* client, local: the id that users see */
    uint64_t payload;    /* Queued: the request; to be taken: result or error text */
    int64_t size_bytes;  /* of the payload */
    int64_t entry;       /* the job function's argument */
    int64_t ready_ns;    /* when the request was whole; client: when it began; 0: not yet */
    int64_t queue_ns;    /* time before its callback, once the callback is over */
    uint32_t run_us;     /* time in its callback, once the callback is over */
    uint32_t ran;        /* 1: the callback is over */
    uint32_t deadline;   /* node, or 0 */
    uint32_t returned;   /* node in the heap `returned`, or 0 */
    cb_list waits;       /* client, local: JOB_COMPLETE */
    cb_list cancelers;   /* local, Handed: CANCEL_JOB */
    cb_list asked;       /* Running, not client: the waits of its callback */
} cb_step_job;

/* -- lanes (serial queues): jobs that run one at a time, in order; a lane exists while it has jobs.
 *
 * One worker holds the jobs that are handed out; the others wait here. If no worker holds any, the
 * next job waits in the common queue. -- */

typedef struct cb_step_lane {
    cb_slot slot;
    uint64_t key;     /* route's slot, connection */
    uint32_t worker;  /* holds `held` of its jobs; CB_NONE if 0 */
    uint32_t held;    /* Handed and Running */
    uint32_t next;    /* job in the common queue, or CB_NONE */
    cb_list returned; /* were handed before; they come before the backlog */
    cb_list backlog;
} cb_step_lane;

/* -- workers: actors that run all jobs except client jobs -- */

typedef enum cb_worker_state {
    CB_WORKER_GONE = 0,
    CB_WORKER_STARTING,
    CB_WORKER_PARKED,
    CB_WORKER_FED,
    CB_WORKER_SUSPECT, /* late, or gave jobs back: gets no more until it completes one */
    CB_WORKER_RETIRED,
    CB_WORKER_STATES
} cb_worker_state;

typedef enum cb_worker_list {
    CB_LISTED_NOWHERE = 0,
    CB_LISTED_PARKED,
    CB_LISTED_FEEDABLE
} cb_worker_list;

typedef struct cb_step_worker {
    cb_slot slot;
    uint32_t state; /* cb_worker_state */
    uint32_t address;
    uint32_t running;
    uint32_t listed;     /* cb_worker_list */
    uint32_t deadline;   /* node, or 0 */
    cb_list held;        /* Handed and Running */
    cb_link link;        /* in the list of parked workers, or of fed ones with room */
    int64_t progress_ns; /* when it was fed while empty, or completed a job */
    uint64_t told;       /* the input that last sent it a TAKE_BACK; not twice in one input */
    uint32_t unsure;     /* jobs that a TAKE_BACK asked for and that are not heard of yet */
} cb_step_worker;

/* The one actor that runs client exchanges. */
typedef enum cb_client_state {
    CB_CLIENT_NONE = 0,
    CB_CLIENT_STARTING,
    CB_CLIENT_READY,
    CB_CLIENT_RETIRED,
    CB_CLIENT_STATES
} cb_client_state;

/* -- waits: questions that are not answered yet --
 *
 * Each wait has a subject, whose event answers it, and an owner, who waits for the answer: a
 * running job or an asker. The wait ends with the subject or the owner, whichever ends first. If
 * the owner ends first, the answer is CB_STOPPED. */

/* Beside cb_wait_kind: questions that are answered later. A shutdown does not end them. */
enum {
    CB_WAIT_CLOSER = 16, /* CLOSE_ROUTE, for the end */
    CB_WAIT_OPENER,      /* OPEN_ROUTE, for the listener */
    CB_WAIT_ORDER,       /* COMMAND, for ORDER_DONE */
    CB_WAIT_CANCELER,    /* CANCEL_JOB, for the worker that may have started it */
    CB_WAIT_JOBS_CLOSER  /* CLOSE_JOBS, for the workers that hold some */
};

typedef struct cb_step_wait {
    cb_slot slot;
    uint32_t kind;
    uint32_t asker; /* address; CB_ADDRESS_NONE: a SET_TLS whose owner is gone */
    uint64_t cause;
    uint32_t owner;   /* slot: of the asker, or of the job that asks if `asker` is a worker's */
    uint32_t subject; /* slot of the job or route; the namespace */
    uint32_t deadline;
    uint32_t counts;  /* closers: its answer says how many were canceled */
    int32_t what;     /* order */
    cb_link link;     /* in its subject's list */
    cb_link mine;     /* in its owner's list */
    uint64_t payload; /* order SET_TLS: its setting */
} cb_step_wait;

/* Exists from its first message to GOODBYE. */
typedef struct cb_step_asker {
    cb_slot slot;
    uint32_t address;
    cb_list asked; /* its waits */
} cb_step_asker;

/* One for each namespace; made with its first object. */
typedef struct cb_step_space {
    cb_slot slot;
    uint32_t name_space;
    uint32_t last_route;
    uint32_t open_routes;
    uint64_t last_job;
    uint64_t untaken;
    uint64_t connections; /* sum over its routes */
    uint64_t local_sum;   /* sum of the slots of its open LOCAL routes; with only one, its slot */
    uint32_t local_open;
    uint32_t jobs_closed;
    cb_list alone;                    /* local jobs without a route that have not ended */
    uint32_t alone_handed;            /* how many of them are handed */
    cb_list closers;                  /* waits: CLOSE_JOBS */
    int64_t canceled;                 /* jobs of `alone` that CLOSE_JOBS canceled */
    uint32_t tallies[CB_TALLY_KINDS]; /* CB_NONE: none */
} cb_step_space;

typedef enum cb_shutdown_state {
    CB_SERVING = 0,
    CB_SHUTTING_DOWN,
    CB_CUTTING_OFF, /* the grace is over */
    CB_SHUTDOWN_STATES
} cb_shutdown_state;

typedef enum cb_finish_state {
    CB_FINISH_NOT_ASKED = 0,
    CB_FINISH_QUIESCING,
    CB_FINISH_RETIRING,
    CB_FINISH_ANSWERED,
    CB_FINISH_STATES
} cb_finish_state;

/* Owners of deadlines. */
enum { CB_DUE_WAIT = 1, CB_DUE_JOB, CB_DUE_WORKER, CB_DUE_GRACE, CB_DUE_FINISH };

/* Marks listeners among the values of the map `actors`. */
#define CB_ACTOR_IS_LISTENER UINT32_C(0x40000000)

struct cb_step {
    cb_limits limits;
    cb_resize_fn *resize;
    uint64_t inputs;
    uint64_t ignored;
    int64_t now_ns;
    int64_t told_deadline_ns; /* the last TICK_AT */
    cb_message in;            /* the input; its payload is 0 once it was moved to its place */
    cb_message *effects;
    size_t effect_count;
    size_t effect_capacity;
    bool takes_notes;
    cb_note *notes;
    size_t note_count;
    size_t note_capacity;
    uint64_t backed; /* the number of objects for which effects and heap nodes are reserved */

    cb_slots routes;
    cb_slots jobs;
    cb_slots waits;
    cb_slots workers;
    cb_slots askers;
    cb_slots lanes;
    cb_map route_ids;   /* name space, id -> slot */
    cb_map job_ids;     /* name space, id -> slot */
    cb_map connections; /* route's slot, connection -> job's slot */
    cb_map actors;      /* address -> worker's slot, or route's with CB_ACTOR_IS_LISTENER */
    cb_map asker_ids;   /* address -> slot */
    cb_map lane_ids;    /* route's slot, connection or 0 -> slot */
    cb_map shared;      /* name space, kind -> slot of the shared route, until it closes */
    cb_heap deadlines;
    cb_step_outcomes outcomes;
    cb_slots spaces;
    cb_slots tallies;
    uint32_t listed;                           /* tallies that belong to one route */
    uint16_t space_slots[CB_STEP_NAME_SPACES]; /* slot + 1, or 0 */
    uint32_t last_actor;                       /* address */

    uint32_t live_routes; /* not Closed */
    cb_list closed;       /* tombstones, oldest first */

    cb_list fresh;    /* the common queue: jobs for workers that were never handed, in order */
    cb_heap returned; /* jobs that came back; they come before the fresh ones */
    int64_t last_number;
    cb_list parked;
    cb_list feedable; /* fed workers that have room */
    uint32_t workers_starting;
    uint32_t workers_fed;
    uint32_t spread; /* how many are fed at once: 1 with a batch, or more with one job each */
    uint32_t workers_retired;
    uint32_t server_jobs; /* of all kinds except client; a local one until it has ended */

    uint32_t client; /* cb_client_state */
    cb_list client_queue;
    cb_list client_held;

    uint32_t shutdown; /* cb_shutdown_state */
    uint32_t finish;   /* cb_finish_state */
    uint32_t cut;      /* 1 once the end of the grace time had to cut something off */
    uint32_t finisher; /* asker; CB_ADDRESS_NONE once it is gone */
    uint64_t finish_cause;
    uint32_t grace_deadline;
    uint32_t finish_deadline;
};

/* -- state.c: objects, effects, payloads, deadlines -- */

/* Makes room for so many effects of one input; false when out of memory. */
bool cb_step_reserve_effects(cb_step *step, uint64_t capacity);
/* Makes a new effect: kind, sender, cause and time are set, the rest is zero. */
cb_message *cb_step_emit(cb_step *step, cb_message_kind kind, uint32_t to);
/* Answers the input, which is a question. */
cb_message *cb_step_answer(cb_step *step, cb_status status, int64_t value);
cb_message *cb_step_answer_to(cb_step *step, uint32_t asker, uint64_t cause, cb_status status,
                              int64_t value);
/* Moves the input's payload to the caller. */
uint64_t cb_step_take_payload(cb_step *step);
/* Emits RELEASE, unless the payload is 0; *payload becomes 0. */
void cb_step_release(cb_step *step, uint64_t *payload);
void cb_step_ignore(cb_step *step);
/* Adds an object to one of the tables; CB_LIMIT or CB_NO_MEMORY. */
cb_status cb_step_add(cb_step *step, cb_slots *table, uint32_t *index);
/* The object of a namespace: `at` for one that exists; `of` for any, to read; `make` makes it if
 * necessary. */
cb_step_space *cb_step_space_at(const cb_step *step, uint8_t name_space);
const cb_step_space *cb_step_space_of(const cb_step *step, uint8_t name_space);
cb_status cb_step_space_make(cb_step *step, uint8_t name_space);
/* Makes a note of this input: its times are -1, the rest is zero. NULL if no notes are taken. */
cb_note *cb_step_note(cb_step *step, cb_note_kind kind);
cb_note *cb_step_note_route(cb_step *step, cb_note_kind kind, const cb_step_route *route);
/* The time `milliseconds` from now; saturates. */
int64_t cb_step_after_ms(const cb_step *step, int64_t milliseconds);
static inline bool cb_step_timeout_valid(int64_t timeout_ms)
{
    return timeout_ms >= -1 && timeout_ms <= INT32_MAX;
}

static inline cb_step_route *cb_step_route_at(const cb_step *step, uint32_t slot)
{
    return cb_slots_item(&step->routes, slot);
}
static inline cb_tally *cb_step_tally_at(const cb_step *step, uint32_t slot)
{
    return cb_slots_item(&step->tallies, slot);
}
static inline cb_step_job *cb_step_job_at(const cb_step *step, uint32_t slot)
{
    return cb_slots_item(&step->jobs, slot);
}
static inline cb_step_worker *cb_step_worker_at(const cb_step *step, uint32_t slot)
{
    return cb_slots_item(&step->workers, slot);
}
static inline cb_step_wait *cb_step_wait_at(const cb_step *step, uint32_t slot)
{
    return cb_slots_item(&step->waits, slot);
}
static inline uint64_t cb_step_job_handle(const cb_step_job *job, uint32_t slot)
{
    return ((uint64_t)job->slot.generation << 32) | slot;
}
static inline uint64_t cb_step_id_key(uint8_t name_space, uint64_t id)
{
    return ((uint64_t)name_space << 56) | id;
}

/* -- route.c -- */
void cb_step_open_route(cb_step *step);
void cb_step_route_listening(cb_step *step);
void cb_step_route_failed(cb_step *step);
void cb_step_close_route(cb_step *step);
void cb_step_route_stopped(cb_step *step);
/* The route that users know by this id; CB_NONE if there is none (an Opening one is unknown). */
uint32_t cb_step_find_route(const cb_step *step, uint8_t name_space, uint64_t id);
/* The route whose listener sent the input; CB_NONE if no listener did. */
uint32_t cb_step_listener_route(const cb_step *step);
/* The route with this id, also an Opening one. */
uint32_t cb_step_find_any_route(const cb_step *step, uint8_t name_space, uint64_t id);
void cb_step_rejected(cb_step *step);
void cb_step_connections(cb_step *step);
static inline const cb_kind_traits *cb_step_route_traits(const cb_step_route *route)
{
    return cb_step_kind_traits(cb_route_word_base(route->connection));
}
/* Makes a new effect for the route's actor about the route. */
cb_message *cb_step_order(cb_step *step, const cb_step_route *route, cb_message_kind kind);
/* Does what follows from a change of the route's counters: answers waits, lets the listener go,
 * closes. Nothing for CB_NONE. */
void cb_step_settle_route(cb_step *step, uint32_t route);
void cb_step_drain_route(cb_step *step, uint32_t route);
/* The listener is gone, and so are its connections. */
void cb_step_listener_ended(cb_step *step, uint32_t route);
bool cb_step_drained(const cb_step_route *route);

/* -- job.c: phases and counters of jobs that workers run -- */
void cb_step_job_move(cb_step *step, uint32_t slot, cb_job_state to);
/* Takes the job out of every table. It must not be in a line any more. */
void cb_step_job_forget(cb_step *step, uint32_t slot);
/* Ends a worker's job without a result: DROP, outcome, counters. A local one then waits to be
 * taken. It must not be in a line any more. `text` is taken over. */
void cb_step_job_drop(cb_step *step, uint32_t slot, cb_job_status status, uint64_t text);
/* The live job of a handle; CB_NONE if it is gone. */
uint32_t cb_step_find_handle(const cb_step *step, uint64_t handle);

/* -- connection.c: reports of listeners -- */
void cb_step_accepted(cb_step *step);
void cb_step_request_ready(cb_step *step);
void cb_step_response_sent(cb_step *step);
void cb_step_connection_closed(cb_step *step);
/* The job's connection is gone; does not settle the route. */
void cb_step_connection_gone(cb_step *step, uint32_t slot);

/* -- run.c: reports of actors about jobs -- */
void cb_step_job_started(cb_step *step);
void cb_step_job_completed(cb_step *step);
void cb_step_job_returned(cb_step *step);
void cb_step_job_due(cb_step *step, uint32_t slot);
/* Sends INTERRUPT, unless it was sent already. */
void cb_step_interrupt(cb_step *step, uint32_t slot, cb_job_status status);
/* The callback of a job that a worker holds is over. `payload` is taken over. */
void cb_step_work_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                       int64_t size_bytes, bool has_nul);

/* -- worker.c: which worker runs which job -- */
void cb_step_actor_ready(cb_step *step);
void cb_step_actor_stopped(cb_step *step);
void cb_step_queue_add(cb_step *step, uint32_t slot);
/* Puts the job into the common queue, past its lane. */
void cb_step_enqueue(cb_step *step, uint32_t slot, bool returned);
void cb_step_queue_remove(cb_step *step, uint32_t slot);
/* Queues a job that came back again. */
void cb_step_queue_return(cb_step *step, uint32_t slot);
/* The first job of the queue, or CB_NONE. */
uint32_t cb_step_queue_first(const cb_step *step);
void cb_step_dispatch(cb_step *step, bool may_add);
/* The worker no longer holds the job. `completed`: because it ran the job. */
void cb_step_worker_let_go(cb_step *step, uint32_t slot, bool completed);
/* The worker has reported on a job that it held and had not started. */
void cb_step_worker_heard(cb_step *step, uint32_t worker);
/* True if the worker may get one more job of a lane of which it holds some: first it has to give
 * back what it was asked for. */
bool cb_step_worker_takes(const cb_step *step, uint32_t worker);
void cb_step_hand(cb_step *step, uint32_t slot, uint32_t worker);
void cb_step_worker_due(cb_step *step, uint32_t worker);
void cb_step_take_back(cb_step *step, uint32_t worker);
void cb_step_worker_retire(cb_step *step, uint32_t worker);

/* -- lane.c -- */
/* The lane, made if it is missing; `connection` is 0 for a route's lane. CB_NONE: no memory. */
uint32_t cb_step_lane_get(cb_step *step, uint32_t route, uint32_t connection);
/* Queues a job of a lane: a new one, or one that came back. */
void cb_step_lane_queue(cb_step *step, uint32_t slot, bool returned);
/* The job is handed to a worker, or no longer held by it. */
void cb_step_lane_handed(cb_step *step, uint32_t slot, uint32_t worker);
void cb_step_lane_let_go(cb_step *step, uint32_t slot);
/* If no worker holds one of its jobs: it is the next one's turn, or the lane ends. */
void cb_step_lane_advance(cb_step *step, uint32_t lane);
/* Hands more jobs to the worker that holds some, as far as it takes them; not if the lane ended. */
void cb_step_lane_feed(cb_step *step, uint32_t lane);

/* -- local.c: jobs begun in this process -- */
void cb_step_begin_local(cb_step *step);
void cb_step_cancel_job(cb_step *step);
void cb_step_close_jobs(cb_step *step);
/* The job has its status and waits to be taken; route and worker have let it go. `payload` is taken
 * over. */
void cb_step_local_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                        int64_t size_bytes, bool has_nul);
/* Decides the result that CANCEL_JOB and CLOSE_JOBS wait for. */
void cb_step_cancel_decided(cb_step *step, uint32_t slot, bool canceled);
void cb_step_settle_alone(cb_step *step, uint8_t name_space);

/* -- order.c: commands for a route's actor -- */
void cb_step_command(cb_step *step);
void cb_step_order_done(cb_step *step);
/* Answers all outstanding orders of the route. */
void cb_step_orders_end(cb_step *step, uint32_t route, cb_status status);
/* The wait's owner is gone: the actor need not go on. */
void cb_step_order_abandon(cb_step *step, uint32_t wait);

/* -- tls.c: what the client actor learns about routes that speak TLS -- */
/* Tells it the route's newest setting, unless that was done already. */
void cb_step_pin(cb_step *step, cb_step_route *route);
void cb_step_unpin(cb_step *step, cb_step_route *route);
/* The client actor is gone, and all its pins are lost. */
void cb_step_pins_lost(cb_step *step);
void cb_step_job_stale(cb_step *step);
/* A SET_TLS has ended: `payload`, which is taken over, is the new setting, or 0. */
void cb_step_tls_changed(cb_step *step, cb_step_route *route, uint64_t payload);

/* -- client.c -- */
void cb_step_begin_job(cb_step *step);
void cb_step_take_job(cb_step *step);
uint32_t cb_step_find_job(const cb_step *step, uint8_t name_space, uint64_t id);
/* Makes a job that will be taken later, with its id, as the answer to the question. Returns its
 * slot, or CB_NONE if the answer was an error. */
uint32_t cb_step_add_taken(cb_step *step, cb_job_kind kind);
/* `payload` is taken over. */
void cb_step_client_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                         int64_t size_bytes, bool has_nul);
void cb_step_client_dispatch(cb_step *step);
void cb_step_client_ready(cb_step *step);
void cb_step_client_stopped(cb_step *step);
void cb_step_client_returned(cb_step *step, uint32_t slot);
void cb_step_client_retire(cb_step *step);

/* -- wait.c -- */
void cb_step_wait_input(cb_step *step);
/* Adds a wait on behalf of the input. CB_NONE after the input was answered with an error:
 * CB_STOPPED if the job that asks is over. `list` is the subject's, or NULL. */
uint32_t cb_step_wait_add(cb_step *step, uint32_t kind, cb_list *list, uint32_t subject);
/* Gives a wait that was added without a subject its subject. */
void cb_step_wait_attach(cb_step *step, uint32_t slot, cb_list *list, uint32_t subject);
/* Makes the ANSWER; NULL if the owner is gone and was answered already. */
cb_message *cb_step_wait_answer(cb_step *step, cb_list *list, uint32_t slot, cb_status status,
                                int64_t value);
/* Answers the owner, which then no longer waits. The wait stays with its subject. */
cb_message *cb_step_wait_orphan(cb_step *step, uint32_t slot, cb_status status, int64_t value);
/* Answers all waits of a list. */
void cb_step_waits_answer(cb_step *step, cb_list *list, cb_status status, int64_t value);
void cb_step_wait_due(cb_step *step, uint32_t slot);
/* The owner is gone: all its waits end. */
void cb_step_abandon(cb_step *step, const cb_list *asked);

/* -- question.c -- */
void cb_step_ask(cb_step *step);

/* -- shutdown.c -- */
void cb_step_shutdown(cb_step *step);
void cb_step_finish(cb_step *step);
void cb_step_grace_over(cb_step *step);
void cb_step_finish_due(cb_step *step);
/* Retires actors, and answers FINISH when all is quiet. */
void cb_step_settle_finish(cb_step *step);
/* An asker is gone: if FINISH is its question, it is answered. */
void cb_step_finish_abandon(cb_step *step, uint32_t asker);

/* -- step.c, for tests: an independent copy with the same payload handles; NULL: no memory. -- */
cb_step *cb_step_clone(const cb_step *step);
/* -- hash.c, for tests: the hash without counts of the past (inputs, time stamps' base). -- */
uint64_t cb_step_hash_present(const cb_step *step);

#endif
