/* The recount says each thing that can be wrong: states that hold, with one number changed. */
#include "tests/unit/step_rich.h"

static play p;

/* A callback asks a question: not one that is answered at once. */
static void callback_asks(const cb_message *hand, cb_message question)
{
    question.name_space = 1;
    question.from = hand->to;
    question.cause = UINT64_C(0x200000) + hand->job;
    cb_message_set_asking_job(&question, hand->job);
    double_send(&p.d, question);
}

static cb_message order_of(uint32_t route, int32_t what)
{
    return (cb_message){
        .kind = CB_MSG_COMMAND, .route = route, .status = what, .payload = double_payload(&p.d)};
}

/* A callback waits for a time and for an order; another one ended before its SET_TLS. */
static void callbacks(play *c)
{
    rich_begin(c);
    uint32_t route = play_open(c, 500);
    cb_message hand = play_first_request(c, route, 1);
    play_actor(c, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    callback_asks(&hand, order_of(route, CB_ORDER_SET_TLS));
    play_actor(c, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_SUCCESS);
    hand = play_request(c, route, 2);
    play_actor(c, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    callback_asks(&hand, (cb_message){.kind = CB_MSG_WAIT, .status = CB_WAIT_TIME, .value = 700});
    callback_asks(&hand, order_of(route, 20));
}

typedef enum base { WORK, LANES, LOCAL, CLIENTS, CALLBACKS } base;

static void (*const bases[])(play *p) = {rich_work, rich_lanes, rich_local, rich_clients,
                                         callbacks};

/* A number in an object: where it lies and how long it is. */
typedef struct place {
    size_t offset;
    size_t size;
} place;

/* In the first object of a table whose `match` is `is`, the number `change` becomes `to`, or more
 * by `to`. Without a sentence it is done together with the next one; with "" all still holds. */
typedef struct spoil {
    int line; /* of this file */
    base base;
    size_t table; /* within cb_step; SIZE_MAX: the change is in the step itself */
    place match;
    uint64_t is;
    place change;
    uint64_t to;
    bool adds;
    const char *sentence;
} spoil;

#define PLACE(type, member)                                                                        \
    {                                                                                              \
        offsetof(type, member), sizeof(((type *)0)->member)                                        \
    }
#define ROW(base, table, type, match, is, member, to, adds, sentence)                              \
    {                                                                                              \
        __LINE__, base, offsetof(cb_step, table), PLACE(type, match), (uint64_t)(is),              \
            PLACE(type, member), (uint64_t)(to), adds, sentence                                    \
    }
/* `object` is one of those below: a table, a type, and what tells the object from the others. */
#define SET(base, object, member, to, sentence) ROW(base, object, member, to, false, sentence)
#define ADD(base, object, member, to, sentence) ROW(base, object, member, to, true, sentence)
#define OWN(base, member, to, adds, sentence)                                                      \
    {                                                                                              \
        __LINE__, base, SIZE_MAX, {0, 0}, 0, PLACE(cb_step, member), (uint64_t)(to), adds,         \
            sentence                                                                               \
    }

#define OPEN     routes, cb_step_route, state, CB_ROUTE_OPEN
#define OPENING  routes, cb_step_route, state, CB_ROUTE_OPENING
#define CLOSING  routes, cb_step_route, state, CB_ROUTE_CLOSING
#define CLOSED   routes, cb_step_route, state, CB_ROUTE_CLOSED
#define READS    jobs, cb_step_job, state, CB_JOB_READING
#define QUEUED   jobs, cb_step_job, state, CB_JOB_QUEUED
#define HANDED   jobs, cb_step_job, state, CB_JOB_HANDED
#define RUNS     jobs, cb_step_job, state, CB_JOB_RUNNING
#define ENDED    jobs, cb_step_job, state, CB_JOB_ENDED
#define BACK     jobs, cb_step_job, place, CB_PLACE_RETURNED
#define IN_LANE  jobs, cb_step_job, place, CB_PLACE_LANE
#define LED      jobs, cb_step_job, place, CB_PLACE_FRESH
#define STALE    jobs, cb_step_job, stale, 1
#define SUSPECT  workers, cb_step_worker, state, CB_WORKER_SUSPECT
#define STARTING workers, cb_step_worker, state, CB_WORKER_STARTING
#define FED      workers, cb_step_worker, state, CB_WORKER_FED
#define ORDER    waits, cb_step_wait, kind, CB_WAIT_ORDER
#define SETS_TLS waits, cb_step_wait, what, CB_ORDER_SET_TLS
#define COMMANDS waits, cb_step_wait, what, 20
#define ORPHAN   waits, cb_step_wait, asker, CB_ADDRESS_NONE
#define TIME     waits, cb_step_wait, kind, CB_WAIT_TIME
#define DRAINS   waits, cb_step_wait, kind, CB_WAIT_ROUTE_DRAINED
#define CLOSES   waits, cb_step_wait, kind, CB_WAIT_CLOSER
#define OPENS    waits, cb_step_wait, kind, CB_WAIT_OPENER
#define ENDS     waits, cb_step_wait, kind, CB_WAIT_JOB_COMPLETE
#define CANCELS  waits, cb_step_wait, kind, CB_WAIT_CANCELER
#define QUITS    waits, cb_step_wait, kind, CB_WAIT_JOBS_CLOSER
#define ASKS     askers, cb_step_asker, address, MAIN_ASKER
#define HELD     lanes, cb_step_lane, held, 1
#define WAITS    lanes, cb_step_lane, held, 0
#define SPACE    spaces, cb_step_space, name_space, 1
#define FIGURES  tallies, cb_tally, kind, CB_TALLY_ROUTE

static const spoil of_routes[] = {
    SET(WORK, OPEN, state, CB_ROUTE_GONE, "a route has no state"),
    SET(WORK, OPEN, state, CB_ROUTE_STATES, "a route has no state"),
    ADD(WORK, OPEN, id, 50, "a route's id leads elsewhere"),
    ADD(WORK, OPEN, name_space, 1, "a route's id leads elsewhere"),
    ADD(WORK, OPEN, jobs.count, 1, "a route's list of jobs is broken"),
    ADD(WORK, OPEN, jobs.count, -1, "a route's list of jobs is broken"),
    SET(WORK, OPEN, jobs.last, 0, "a route's list of jobs is broken"),
    SET(WORK, OPEN, jobs.first, 90, "a route's list of jobs is broken"),
    SET(WORK, READS, family.previous, 90, "a route's list of jobs is broken"),
    ADD(WORK, CLOSING, closers.count, 1, "a route's list of waits is broken"),
    ADD(WORK, OPEN, waits.count, 1, "a route's list of waits is broken"),
    SET(WORK, OPEN, active, 0, NULL),
    SET(WORK, OPEN, pending, 0, NULL),
    SET(WORK, OPEN, queued, 0, "the end of no work is waited for"),
    SET(WORK, CLOSED, listener, CB_LISTENER_LEAVING, "a closed route still has something to do"),
    SET(WORK, CLOSED, active, 1, "a closed route still has something to do"),
    SET(WORK, CLOSED, closers.first, 0, NULL),
    SET(WORK, CLOSED, closers.last, 1, NULL),
    SET(WORK, CLOSED, closers.count, 2, "a route's list of waits is broken"),
    SET(WORK, CLOSING, pending, 1, "a closing route has jobs that wait"),
    SET(WORK, CLOSING, waiting, 1, "a closing route has jobs that wait"),
    SET(WORK, CLOSING, running, 0, NULL),
    SET(WORK, CLOSING, queued, 0, "a closing route without work keeps its listener"),
    SET(WORK, OPEN, listener, CB_LISTENER_ENDED, "a connection outlived its listener"),
    SET(WORK, CLOSED, connected, 1, "a connection outlived its listener"),
    SET(WORK, CLOSED, connections, 1, "a connection outlived its listener"),
    ADD(CLIENTS, OPENING, openers.count, 1, "a route's list of waits is broken"),
    ADD(CLIENTS, OPEN, orders.count, 1, "a route's list of waits is broken"),
    ADD(CLIENTS, OPEN, stale.count, 1, "a route's list of jobs that wait for its TLS is broken"),
    SET(CLIENTS, OPENING, shared, 0, "two opened a route that is not shared"),
    SET(WORK, CLOSED, shared, 1, "a route is shared though it is closed"),
    SET(WORK, CLOSING, shared, 1, "a route is shared though it is closed"),
    OWN(CLIENTS, shutdown, CB_CUTTING_OFF, false, "an order waits though the grace is over"),
    SET(CLIENTS, ORDER, payload, 5, "an order keeps the wrong bytes"),
    SET(CLIENTS, SETS_TLS, payload, 0, "an order keeps the wrong bytes"),
    ADD(CLIENTS, OPEN, tls_changing, 1, "changes of TLS differ from a recount"),
    ADD(CLIENTS, OPEN, tls_changing, -1, "changes of TLS differ from a recount"),
    SET(CLIENTS, OPEN, tls_changing, 0, NULL),
    SET(CLIENTS, SETS_TLS, payload, 0, NULL),
    SET(CLIENTS, SETS_TLS, what, 20, "a job waits for a change that does not come"),
    ADD(CLIENTS, OPEN, tls_told, 1, "the client actor was told of the future"),
    ADD(CLIENTS, OPEN, tls_told, -1, ""),
    SET(WORK, CLOSED, tls, 5, "a closed route keeps its TLS"),
    SET(CLIENTS, STALE, kind, CB_JOB_LOCAL, "a job waits for another route's TLS"),
    SET(CLIENTS, STALE, stale, 0, "a job waits for another route's TLS"),
    ADD(CLIENTS, STALE, route, 1, "a job waits for another route's TLS"),
    SET(CLIENTS, STALE, state, CB_JOB_QUEUED, "a job waits for another route's TLS"),
    SET(WORK, READS, kind, CB_JOB_CLIENT, "a route lists another's job"),
    ADD(WORK, READS, route, 1, "a route lists another's job"),
    SET(WORK, READS, state, CB_JOB_GONE, "a job has no state"),
    SET(WORK, READS, state, CB_JOB_STATES, "a job has no state"),
    ADD(WORK, OPEN, active, 1, "Active differs from a recount"),
    ADD(WORK, OPEN, pending, 1, "Pending differs from a recount"),
    ADD(WORK, OPEN, queued, 1, "Queued differs from a recount"),
    ADD(WORK, OPEN, waiting, 1, "the queue differs from a recount"),
    ADD(WORK, OPEN, running, 1, "Running differs from a recount"),
    ADD(WORK, OPEN, connected, 1, "the connections differ from a recount"),
    ADD(WORK, OPEN, accepted, 1, "an accepted request did not end exactly once"),
    ADD(WORK, OPEN, completed, 1, "an accepted request did not end exactly once"),
    ADD(WORK, OPEN, failed, 1, "an accepted request did not end exactly once"),
    ADD(WORK, OPEN, dropped, 1, "an accepted request did not end exactly once"),
    ADD(WORK, OPEN, unsent, 1, "an accepted request did not end exactly once"),
    SET(CLIENTS, ENDED, status, CB_JOB_SUCCESS, "an accepted request did not end exactly once"),
    ADD(WORK, OPEN, closed_queued, 1, "more canceled by the close than dropped"),
    OWN(WORK, live_routes, 1, true, "the number of live routes differs from a recount"),
    OWN(WORK, limits.max_routes, 1, false, "too many routes are open"),
    OWN(WORK, limits.max_routes, 2, false, ""),
    OWN(WORK, closed.count, 1, true, "a closed route has no tombstone"),
    OWN(WORK, limits.max_closed_routes, 1, false, "too many tombstones"),
    OWN(WORK, limits.max_closed_routes, 2, false, ""),
    ADD(WORK, SPACE, open_routes, 1, "OpenCount differs from a recount"),
    OWN(WORK, closed.last, 90, false, "the list of tombstones is broken"),
};

/* Nobody waits for a cancel of the job any more. */
#define DECIDED                                                                                    \
    SET(LOCAL, HANDED, cancelers.count, 0, NULL),                                                  \
        SET(LOCAL, HANDED, cancelers.first, CB_NONE, NULL),                                        \
        SET(LOCAL, HANDED, cancelers.last, CB_NONE, NULL), SET(LOCAL, HANDED, cancel, 0, NULL),    \
        SET(LOCAL, CANCELS, kind, CB_WAIT_TIME, NULL),                                             \
        SET(LOCAL, CANCELS, kind, CB_WAIT_TIME, NULL)

static const spoil of_jobs[] = {
    SET(WORK, OPEN, connection, (CB_ROUTE_UDP << 16), "a job is not of its route's kind"),
    SET(LANES, RUNS, lane, CB_NONE, "a job is not of its route's kind"),
    ADD(WORK, READS, connection, 90, "a connection leads to another job"),
    SET(LANES, QUEUED, connected, 0, "an event is owed to nobody, or forgotten"),
    SET(LANES, OPEN, listener, CB_LISTENER_ENDED, "an event is owed to nobody, or forgotten"),
    ADD(LANES, OPEN, pending, 1, NULL),
    ADD(LANES, OPEN, queued, -1, NULL),
    ADD(LANES, OPEN, waiting, -1, NULL),
    SET(LANES, QUEUED, state, CB_JOB_READING, "an event has no such state"),
    ADD(LANES, OPEN, accepted, -1, NULL),
    ADD(LANES, OPEN, queued, -1, NULL),
    ADD(LANES, OPEN, waiting, -1, NULL),
    SET(LANES, QUEUED, state, CB_JOB_ENDED, "an event has no such state"),
    SET(WORK, READS, payload, 5, "a job kept bytes it does not need"),
    SET(WORK, RUNS, payload, 5, "a job kept bytes it does not need"),
    ADD(WORK, OPEN, connected, -1, NULL),
    SET(WORK, READS, connected, 0, "a job without a connection has nothing to wait for"),
    SET(WORK, RUNS, worker, CB_NONE, "a job is held by nobody, or by one too many"),
    SET(LOCAL, HANDED, worker, CB_NONE, "a job is held by nobody, or by one too many"),
    SET(WORK, QUEUED, worker, 0, "a job is held by nobody, or by one too many"),
    SET(WORK, RUNS, worker, 90, "a job is held by an actor that is gone"),
    SET(WORK, RUNS, deadline, 0, NULL),
    SET(WORK, QUEUED, deadline, 1, "a job has a limit but does not run"),
    SET(WORK, QUEUED, status, CB_JOB_SUCCESS, "a job's status does not suit its state"),
    SET(CLIENTS, QUEUED, status, CB_JOB_SUCCESS, "a job's status does not suit its state"),
    SET(CLIENTS, ENDED, status, CB_JOB_PENDING, "a job's status does not suit its state"),
    OWN(LANES, shutdown, CB_CUTTING_OFF, false, "a job waits though the grace is over"),
    SET(WORK, LED, place, CB_PLACE_NONE, "a job is not where it says that it waits"),
    SET(WORK, RUNS, place, CB_PLACE_FRESH, "a job is not where it says that it waits"),
    SET(WORK, RUNS, place, CB_PLACE_RETURNED, "a job is not where it says that it waits"),
    SET(WORK, BACK, place, CB_PLACE_FRESH, "a job is not where it says that it waits"),
    SET(WORK, LED, place, CB_PLACE_LANE, "a job is not where it says that it waits"),
    SET(LANES, QUEUED, lane, 90, "a job is not where it says that it waits"),
    SET(LANES, LED, place, CB_PLACE_LANE, "a job is not where it says that it waits"),
    SET(LANES, IN_LANE, place, CB_PLACE_FRESH, "a job is not where it says that it waits"),
    SET(LOCAL, RUNS, cancel, 1, "a cancel that is decided goes on"),
    SET(LOCAL, ENDED, cancel, 1, "a cancel that is decided goes on"),
    SET(WORK, HANDED, cancel, 1, "a cancel that is decided goes on"),
    SET(CLIENTS, QUEUED, cancel, 1, "a cancel that is decided goes on"),
    SET(LOCAL, HANDED, cancel, 0, "somebody waits for a cancel that nobody asked for"),
    ADD(LOCAL, RUNS, id, 90, "a job's id leads elsewhere"),
    SET(CLIENTS, QUEUED, state, CB_JOB_READING, "a job of ours reads"),
    SET(LOCAL, RUNS, lane, 0, "a job of ours reads"),
    SET(LOCAL, ENDED, status, CB_JOB_PENDING, "a job's status does not suit its state"),
    SET(LOCAL, RUNS, status, CB_JOB_SUCCESS, "a job's status does not suit its state"),
    SET(LOCAL, RUNS, payload, 5, "a job kept bytes it does not need"),
    SET(CLIENTS, STALE, payload, 5, "a job kept bytes it does not need"),
    SET(CLIENTS, QUEUED, place, CB_PLACE_FRESH, "a client job is where others wait"),
    SET(LOCAL, ENDED, route, 0, "an ended job still has its route"),
    SET(WORK, RUNS, deadline, 1, "a job's deadline is another's"),
    SET(WORK, RUNS, deadline, 90, "a job's deadline is another's"),
    ADD(CLIENTS, STALE, deadline, 1, "a job's deadline is another's"),
    ADD(WORK, BACK, returned, 1, "a job's deadline is another's"),
    OWN(WORK, server_jobs, 1, true, "the number of workers' jobs differs from a recount"),
    OWN(WORK, connections.count, 1, true, "the map of connections differs from a recount"),
    OWN(WORK, fresh.count, 1, true, "the queue of workers' jobs differs from a recount"),
    OWN(WORK, returned.count, 1, true, "the queue of workers' jobs differs from a recount"),
    OWN(CLIENTS, client_queue.count, 1, true, "the queue of client jobs differs from a recount"),
    OWN(CLIENTS, client_held.count, 1, true, "the client actor's jobs differ from a recount"),
    OWN(CLIENTS, limits.max_client_jobs, 1, false, "too many client jobs at once"),
    OWN(CLIENTS, limits.max_client_jobs, 2, false, ""),
    OWN(CLIENTS, client, CB_CLIENT_NONE, false, "nobody runs the client jobs"),
    OWN(CLIENTS, client, CB_CLIENT_STARTING, false, "nobody runs the client jobs"),
    OWN(CLIENTS, client, CB_CLIENT_RETIRED, false, ""),
    SET(CLIENTS, QUEUED, stale, 1, "a job waits for TLS in no list, or in two"),
    OWN(CLIENTS, shared.count, 1, true, "the shared routes differ from a recount"),
    OWN(WORK, space_slots[1], 9, false, "a namespace leads elsewhere"),
    ADD(LOCAL, SPACE, alone.count, 1, "a namespace's list is broken"),
    ADD(LOCAL, SPACE, alone_handed, 1, "jobs without a route differ from a recount"),
    DECIDED,
    SET(LOCAL, HANDED, state, CB_JOB_RUNNING, "jobs without a route differ from a recount"),
    DECIDED, /* and it is counted */
    SET(LOCAL, SPACE, alone_handed, 0, NULL),
    SET(LOCAL, HANDED, state, CB_JOB_RUNNING,
        "somebody waits for the end of jobs that are decided"),
    SET(LOCAL, SPACE, jobs_closed, 0, "somebody waits for the end of jobs that are decided"),
    ADD(WORK, SPACE, connections, 1, "connections differ from a recount"),
    ADD(LOCAL, SPACE, local_sum, 1, "local routes differ from a recount"),
    OWN(WORK, fresh.last, 90, false, "a queue's list is broken"),
    OWN(CLIENTS, client_queue.last, 90, false, "a queue's list is broken"),
    OWN(CLIENTS, client_held.last, 90, false, "a queue's list is broken"),
};

static const spoil of_lanes[] = {
    ADD(LANES, HELD, key, 90, "a lane's key leads elsewhere"),
    ADD(LANES, HELD, returned.count, 1, "a lane's list is broken"),
    ADD(LANES, HELD, backlog.count, 1, "a lane's list is broken"),
    ADD(LANES, QUEUED, number, 90, "a lane is out of order"),
    ADD(LANES, QUEUED, number, 1, "a lane is out of order"), /* as the next one's */
    ADD(LANES, IN_LANE, number, 90, "a lane is out of order"),
    OWN(LANES, limits.hand_batch, 1, false, "too many jobs of a lane came back"),
    OWN(LANES, limits.hand_batch, 2, false, ""),
    SET(LANES, HELD, worker, CB_NONE, "a lane's actor holds none of it"),
    SET(LANES, WAITS, worker, 0, "a lane's actor holds none of it"),
    SET(LANES, HELD, next, 5, "a lane would run twice at once"),
    SET(LANES, HELD, worker, 1, "two actors hold jobs of one lane"),
    ADD(LANES, HELD, held, 1, "what is held of a lane differs from a recount"),
    OWN(LANES, lane_ids.count, 1, true, "a lane is not to be found"),
    SET(LANES, HELD, backlog.count, 1, NULL),
    SET(LANES, HELD, backlog.last, 3, NULL),
    SET(LANES, IN_LANE, line.next, CB_NONE, "the jobs in lanes differ from a recount"),
};

/* The worker could hold one more. */
#define HAS_ROOM                                                                                   \
    OWN(LOCAL, feedable.first, 0, false, NULL), OWN(LOCAL, feedable.last, 0, false, NULL),         \
        OWN(LOCAL, feedable.count, 1, false, NULL), OWN(LOCAL, limits.hand_batch, 4, false, NULL), \
        SET(LOCAL, FED, link.previous, CB_NONE, NULL), SET(LOCAL, FED, link.next, CB_NONE, NULL),  \
        SET(LOCAL, FED, listed, CB_LISTED_FEEDABLE, NULL)

static const spoil of_actors[] = {
    OWN(WORK, workers_fed, 1, true, "the number of fed actors differs from a recount"),
    SET(WORK, STARTING, state, CB_WORKER_GONE, "an actor has no state"),
    SET(WORK, STARTING, state, CB_WORKER_STATES, "an actor has no state"),
    ADD(WORK, SUSPECT, held.count, 1, "an actor's list of jobs is broken"),
    SET(WORK, RUNS, worker, 1, "an actor lists another's job"),
    ADD(WORK, SUSPECT, running, 1, "what an actor runs differs from a recount"),
    OWN(WORK, limits.hand_batch, 1, false, "an actor holds too many jobs"),
    OWN(WORK, limits.hand_batch, 2, false, ""),
    ADD(WORK, SUSPECT, unsure, 1, "more is to come back than is there"),
    SET(WORK, SUSPECT, state, CB_WORKER_PARKED, "an idle actor holds jobs"),
    SET(WORK, SUSPECT, state, CB_WORKER_STARTING, "an idle actor holds jobs"),
    SET(WORK, STARTING, state, CB_WORKER_SUSPECT, "a busy actor holds no job"),
    SET(WORK, STARTING, state, CB_WORKER_FED, "a busy actor holds no job"),
    SET(LOCAL, FED, deadline, 0, NULL),
    OWN(LOCAL, grace_deadline, 1, false, "a fed actor is not watched"),
    SET(LOCAL, FED, deadline, 90, "an actor's deadline is another's"),
    ADD(WORK, STARTING, address, 90, "an actor's address leads elsewhere"),
    SET(WORK, SUSPECT, listed, CB_LISTED_PARKED, "an actor is in the wrong list"),
    SET(WORK, STARTING, listed, CB_LISTED_FEEDABLE, "an actor is in the wrong list"),
    OWN(LOCAL, limits.hand_batch, 4, false, ""),
    SET(LOCAL, FED, unsure, 0, ""),
    OWN(LOCAL, limits.hand_batch, 4, false, NULL),
    SET(LOCAL, FED, unsure, 0, "an actor is in the wrong list"),
    SET(CLIENTS, STALE, worker, 0, "the jobs that actors hold differ from a recount"),
    OWN(CLIENTS, parked.count, 1, true, "a list of actors is broken"),
    OWN(WORK, feedable.count, 1, true, "a list of actors is broken"),
    OWN(WORK, spread, 0, false, "no actor may be fed"),
    OWN(WORK, parked.first, 1, false, NULL),
    OWN(WORK, parked.last, 1, false, NULL),
    OWN(WORK, parked.count, 1, false, NULL),
    SET(WORK, STARTING, link.previous, CB_NONE, NULL),
    SET(WORK, STARTING, link.next, CB_NONE, NULL),
    SET(WORK, STARTING, listed, CB_LISTED_PARKED, NULL),
    SET(WORK, STARTING, state, CB_WORKER_PARKED, "a job waits beside an idle actor"),
    HAS_ROOM,
    SET(LOCAL, FED, unsure, 0, "a job waits beside an idle actor"),
    OWN(LOCAL, spread, 2, false, NULL), /* the same, but it is not to be fed alone */
    HAS_ROOM,
    SET(LOCAL, FED, unsure, 0, ""),
    ADD(WORK, FIGURES, phases[0], 1, "the figures of a phase differ from a recount"),
    ADD(WORK, FIGURES, phases[CB_TALLY_PHASES - 1], 1,
        "the figures of a phase differ from a recount"),
    ADD(WORK, FIGURES, begun, 1, "the figures lost a job, or have it twice"),
    ADD(WORK, FIGURES, ended[0], 1, "the figures lost a job, or have it twice"),
    ADD(WORK, FIGURES, ended[CB_TALLY_OUTCOMES - 1], 1, "the figures lost a job, or have it twice"),
    ADD(WORK, FIGURES, queue.buckets[0], 1,
        "a callback ran without a queue time, or the other way round"),
    ADD(WORK, FIGURES, run.buckets[CB_HISTOGRAM_BUCKETS - 1], 1,
        "a callback ran without a queue time, or the other way round"),
    SET(WORK, FIGURES, route, 90, "a route's figures are not its counters"),
    ADD(WORK, FIGURES, route, 1, "a route's figures are not its counters"),
    ADD(WORK, FIGURES, begun, 1, NULL),
    ADD(WORK, FIGURES, ended[CB_JOB_CANCELED], 1, "a route's figures are not its counters"),
    ADD(WORK, FIGURES, lost_replies, 1, "a route's figures are not its counters"),
    ADD(WORK, FIGURES, ended[CB_TALLY_DISCONNECTED], -1, NULL),
    ADD(WORK, FIGURES, ended[CB_TALLY_UNSENT], 1, "a route's figures are not its counters"),
    OWN(WORK, listed, 1, true, "the number of routes with figures of their own is wrong"),
    OWN(WORK, limits.metrics_routes, 1, false,
        "the number of routes with figures of their own is wrong"),
    OWN(WORK, limits.metrics_routes, 2, false, ""),
};

#define NO_ASKER    "a wait outlived its asker"
#define NO_CALLBACK "a wait outlived the job that asked"
#define NOT_LISTED  "a wait is in no owner's list, or in two"
#define NOT_AWAITED "a wait is in no subject's list, or in two"
#define ASKER_LIST  "an asker's list is broken"
#define JOB_ASKS    "the list of what a job waits for is broken"
#define ROUTE_LIST  "a route's list of waits is broken"
#define JOB_LIST    "a job's list of waits is broken"
#define SPACE_LIST  "a namespace's list of waits is broken"
#define NO_JOB      "the end of no job is waited for"
#define NO_WORK     "the end of no work is waited for"
#define NO_ROUTE    "the end of no route is waited for"
#define NO_OPENING  "the opening of no route is waited for"
#define NO_ACTOR    "an order is nobody's"
#define NO_CANCEL   "the cancel of no job is waited for"

static const spoil of_owners[] = {
    ADD(WORK, ASKS, address, 90, "an asker's address leads elsewhere"),
    OWN(WORK, asker_ids.count, 1, true, "an asker is not to be found"),
    ADD(WORK, ASKS, asked.count, 1, ASKER_LIST),
    SET(WORK, ASKS, asked.last, 90, ASKER_LIST),
    SET(WORK, TIME, mine.previous, 90, ASKER_LIST),
    ADD(WORK, TIME, owner, 1, ASKER_LIST),
    SET(WORK, TIME, asker, CB_ADDRESS_FIRST_ACTOR, ASKER_LIST),
    ADD(WORK, TIME, asker, 90, NO_ASKER),
    SET(WORK, ASKS, slot.link, CB_NONE, NO_ASKER),
    SET(WORK, ASKS, asked.first, CB_NONE, NULL),
    SET(WORK, ASKS, asked.last, CB_NONE, NULL),
    SET(WORK, ASKS, asked.count, 0, NOT_LISTED),
    ADD(CALLBACKS, RUNS, asked.count, 1, JOB_ASKS),
    SET(CALLBACKS, RUNS, asked.first, 90, JOB_ASKS),
    ADD(CALLBACKS, TIME, owner, 1, JOB_ASKS),
    SET(CALLBACKS, TIME, asker, MAIN_ASKER, JOB_ASKS),
    ADD(CALLBACKS, TIME, asker, 1, NO_CALLBACK),
    SET(CALLBACKS, RUNS, slot.link, CB_NONE, NO_CALLBACK),
    SET(CALLBACKS, RUNS, state, CB_JOB_HANDED, NO_CALLBACK),
    SET(CALLBACKS, RUNS, state, CB_JOB_ENDED, NO_CALLBACK),
    SET(CALLBACKS, RUNS, kind, CB_JOB_CLIENT, NO_CALLBACK),
    SET(CALLBACKS, RUNS, worker, 90, NO_CALLBACK),
    SET(CALLBACKS, TIME, asker, CB_ADDRESS_NONE, "a wait has no owner"),
    SET(CALLBACKS, COMMANDS, asker, CB_ADDRESS_NONE, "a wait has no owner"),
    SET(CALLBACKS, ORPHAN, what, 20, "a wait has no owner"),
    SET(CALLBACKS, ORPHAN, owner, 0, "a wait that nobody asked for has an owner"),
    SET(CALLBACKS, COMMANDS, asker, CB_ADDRESS_NONE, NULL),
    SET(CALLBACKS, COMMANDS, what, CB_ORDER_SET_TLS, NOT_LISTED),
};

static const spoil of_subjects[] = {
    ADD(WORK, DRAINS, subject, 1, ROUTE_LIST),
    SET(WORK, DRAINS, kind, CB_WAIT_TIME, ROUTE_LIST),
    ADD(WORK, CLOSES, subject, 1, ROUTE_LIST),
    SET(WORK, CLOSES, link.next, 90, ROUTE_LIST),
    ADD(CLIENTS, OPENS, subject, 1, ROUTE_LIST),
    ADD(CLIENTS, ORDER, subject, 1, ROUTE_LIST),
    SET(CLIENTS, ORDER, kind, CB_WAIT_OPENER, ROUTE_LIST),
    ADD(LOCAL, RUNS, waits.count, 1, JOB_LIST),
    ADD(LOCAL, HANDED, cancelers.count, 1, JOB_LIST),
    ADD(LOCAL, ENDS, subject, 1, JOB_LIST),
    ADD(LOCAL, CANCELS, subject, 1, JOB_LIST),
    SET(LOCAL, CANCELS, kind, CB_WAIT_JOB_COMPLETE, JOB_LIST),
    ADD(LOCAL, SPACE, closers.count, 1, SPACE_LIST),
    ADD(LOCAL, QUITS, subject, 1, SPACE_LIST),
    SET(WORK, OPEN, active, 0, NO_WORK),
    SET(WORK, OPEN, slot.link, CB_NONE, NO_WORK),
    SET(WORK, CLOSING, close_accepted, 0, NO_ROUTE),
    SET(WORK, CLOSING, state, CB_ROUTE_CLOSED, NO_ROUTE),
    SET(WORK, CLOSING, slot.link, CB_NONE, NO_ROUTE),
    SET(CLIENTS, OPENING, state, CB_ROUTE_OPEN, NO_OPENING),
    SET(CLIENTS, OPENING, slot.link, CB_NONE, NO_OPENING),
    SET(CLIENTS, OPEN, listener, CB_LISTENER_ENDED, NO_ACTOR),
    SET(CLIENTS, OPEN, slot.link, CB_NONE, NO_ACTOR),
    SET(LOCAL, RUNS, state, CB_JOB_ENDED, NO_JOB),
    SET(LOCAL, RUNS, slot.link, CB_NONE, NO_JOB),
    SET(LOCAL, HANDED, state, CB_JOB_RUNNING, NO_CANCEL),
    SET(LOCAL, HANDED, slot.link, CB_NONE, NO_CANCEL),
    SET(WORK, TIME, kind, CB_WAIT_JOB_COMPLETE, NO_JOB), /* its subject is none */
    SET(WORK, TIME, kind, CB_WAIT_CLOSER - 1, "a wait is of no kind"),
    SET(WORK, TIME, kind, CB_WAIT_JOBS_CLOSER + 1, "a wait is of no kind"),
    SET(WORK, TIME, kind, CB_WAIT_JOBS_CLOSER, "a wait is of no kind"),
    SET(WORK, TIME, subject, 2, NULL), /* a namespace that has nothing */
    SET(WORK, TIME, kind, CB_WAIT_JOBS_CLOSER, "a wait is of no kind"),
    SET(WORK, TIME, subject, 1, NULL),
    SET(WORK, TIME, kind, CB_WAIT_JOBS_CLOSER, NOT_AWAITED),
    SET(WORK, TIME, subject, 0, "a wait for a time has a subject"),
    SET(WORK, TIME, payload, 5, "a wait kept bytes it does not need"),
    SET(WORK, CLOSES, payload, 5, "a wait kept bytes it does not need"),
    OWN(WORK, shutdown, CB_SHUTTING_DOWN, false, "something waits though a shutdown began"),
    OWN(CALLBACKS, shutdown, CB_SHUTTING_DOWN, false, "something waits though a shutdown began"),
    OWN(LOCAL, shutdown, CB_SHUTTING_DOWN, false, "something waits though a shutdown began"),
    OWN(CLIENTS, shutdown, CB_SHUTTING_DOWN, false, ""), /* questions go on */
    SET(WORK, TIME, deadline, 1, "a wait's deadline is another's"),
    SET(WORK, TIME, deadline, 0, "a deadline is nobody's"),
    SET(WORK, CLOSES, deadline, 1, "a deadline is nobody's"),
    SET(WORK, RUNS, deadline, 0, "a deadline is nobody's"),
    OWN(WORK, grace_deadline, 1, false, "a deadline is nobody's"),
    OWN(WORK, finish_deadline, 1, false, "a deadline is nobody's"),
    SET(WORK, TIME, deadline, 0, NULL),
    OWN(WORK, grace_deadline, 1, false, "the deadline of the grace is another's"),
    SET(WORK, TIME, deadline, 0, NULL),
    OWN(WORK, finish_deadline, 1, false, "the deadline of the finish is another's"),
};

/* -- a change is done -- */

static uint64_t read_at(const unsigned char *bytes, place where)
{
    uint64_t value = 0;
    memcpy(&value, bytes + where.offset,
           where.size); /* little-endian: so is all that this runs on */
    return value;
}

static uint64_t cut(uint64_t value, size_t size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1u);
}

static unsigned char *find(cb_step *step, const spoil *s)
{
    if (s->table == SIZE_MAX) {
        return (unsigned char *)step;
    }
    cb_slots *table = (cb_slots *)(void *)((unsigned char *)step + s->table);
    for (uint32_t slot = 0; slot < table->high; slot++) {
        unsigned char *object = cb_slots_live(table, slot);
        if (object != NULL && read_at(object, s->match) == cut(s->is, s->match.size)) {
            return object;
        }
    }
    fprintf(stderr, "  line %d: there is no such object\n", s->line);
    abort();
}

static void change(cb_step *step, const spoil *s)
{
    unsigned char *object = find(step, s);
    uint64_t value = s->to + (s->adds ? read_at(object, s->change) : 0);
    memcpy(object + s->change.offset, &value, s->change.size);
}

/* Does what belongs together, on a copy; the place behind it. */
static size_t check_one(const spoil *spoils, size_t at)
{
    cb_step *copy = cb_step_clone(p.d.step);
    double_must(copy != NULL, "no memory");
    while (spoils[at].sentence == NULL) {
        change(copy, &spoils[at++]);
    }
    const spoil *last = &spoils[at];
    change(copy, last);
    const char *said = cb_step_check(copy);
    if (strcmp(said == NULL ? "" : said, last->sentence) != 0) {
        CU_FAIL("the recount says something else");
        fprintf(stderr, "  line %d: \"%s\" instead of \"%s\"\n", last->line,
                said == NULL ? "" : said, last->sentence);
    }
    cb_step_free(&copy, NULL, NULL);
    return at + 1;
}

static void check_all(const spoil *spoils, size_t count)
{
    for (base b = WORK; b <= CALLBACKS; b++) {
        bases[b](&p);
        for (size_t at = 0; at < count;) {
            if (spoils[at].base == b) {
                at = check_one(spoils, at);
            } else {
                at++;
            }
        }
        CU_ASSERT_PTR_NULL(double_end(&p.d));
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_routes(void)
{
    check_all(of_routes, COUNT(of_routes));
}

static void test_jobs(void)
{
    check_all(of_jobs, COUNT(of_jobs));
}

static void test_lanes(void)
{
    check_all(of_lanes, COUNT(of_lanes));
}

static void test_actors(void)
{
    check_all(of_actors, COUNT(of_actors));
}

static void test_owners(void)
{
    check_all(of_owners, COUNT(of_owners));
}

static void test_subjects(void)
{
    check_all(of_subjects, COUNT(of_subjects));
}

/* -- what takes more than numbers -- */

static void says(cb_step *copy, const char *sentence)
{
    const char *said = cb_step_check(copy);
    CU_ASSERT_PTR_NOT_NULL(said);
    CU_ASSERT_STRING_EQUAL(said == NULL ? "" : said, sentence);
    cb_step_free(&copy, NULL, NULL);
}

static void test_heaps(void)
{
    rich_work(&p);
    cb_step *copy = cb_step_clone(p.d.step);
    cb_heap *heap = &copy->deadlines;
    CU_ASSERT_FATAL(heap->count >= 3);
    heap->nodes[heap->places[heap->count - 1]].key = heap->nodes[heap->places[0]].key;
    CU_ASSERT_PTR_NULL(cb_step_check(copy)); /* as early, but put there later */
    heap->nodes[heap->places[heap->count - 1]].order = 0;
    heap->nodes[heap->places[0]].order = 1;
    says(copy, "a deadline lies above an earlier one");
    copy = cb_step_clone(p.d.step);
    copy->deadlines.nodes[copy->deadlines.places[0]].key = INT64_MAX;
    says(copy, "a deadline lies above an earlier one");
    copy = cb_step_clone(p.d.step);
    CU_ASSERT_FATAL(cb_heap_reserve(&copy->deadlines, 64, realloc));
    copy->grace_deadline = cb_heap_push(&copy->deadlines, INT64_MAX, CB_DUE_GRACE, 0);
    CU_ASSERT_PTR_NULL(cb_step_check(copy));
    copy->deadlines.nodes[copy->grace_deadline - 1].place = 0;
    says(copy, "a heap node does not know its place");
    copy = cb_step_clone(p.d.step);
    CU_ASSERT_FATAL(cb_heap_reserve(&copy->deadlines, 64, realloc));
    uint32_t closer = cb_step_route_at(copy, 1)->closers.first;
    cb_step_wait_at(copy, closer)->deadline =
        cb_heap_push(&copy->deadlines, INT64_MAX, CB_DUE_WAIT, closer);
    says(copy, "a question has a time limit");
    copy = cb_step_clone(p.d.step);
    CU_ASSERT_FATAL(cb_heap_reserve(&copy->returned, 64, realloc));
    cb_heap_push(&copy->returned, INT64_MIN, CB_DUE_GRACE, 0);
    copy->returned.count--;
    CU_ASSERT_PTR_NOT_NULL(cb_step_check(copy)); /* the job that came back lies beyond the end */
    cb_step_free(&copy, NULL, NULL);
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

/* A lane whose next job forgot that it is the next. */
static void test_a_lane_that_stands_still(void)
{
    rich_lanes(&p);
    cb_step *copy = cb_step_clone(p.d.step);
    uint32_t slot = copy->fresh.first;
    cb_step_job *job = cb_step_job_at(copy, slot);
    cb_step_lane *lane = cb_slots_item(&copy->lanes, job->lane);
    CU_ASSERT_FATAL(lane->next == slot);
    cb_list_remove(&copy->fresh, &copy->jobs, offsetof(cb_step_job, line), slot);
    cb_list_append(&lane->backlog, &copy->jobs, offsetof(cb_step_job, line), slot);
    job->place = CB_PLACE_LANE;
    lane->next = CB_NONE;
    says(copy, "a lane stands still");
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

/* A route that is closed though it has jobs, and knows of none. */
static void test_a_job_without_a_route(void)
{
    rich_lanes(&p);
    cb_step *copy = cb_step_clone(p.d.step);
    cb_step_route *route = cb_step_route_at(copy, 0);
    route->jobs = CB_LIST_EMPTY;
    route->accepted = 0;
    route->active = route->queued = route->waiting = route->running = 0;
    route->state = CB_ROUTE_CLOSED;
    route->listener = CB_LISTENER_ENDED;
    copy->live_routes = 0;
    copy->closed.count = 1;
    cb_step_space_at(copy, 1)->open_routes = 0;
    says(copy, "a job outlived its route");
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"routes", test_routes},
        {"jobs", test_jobs},
        {"lanes", test_lanes},
        {"actors, figures", test_actors},
        {"owners of waits", test_owners},
        {"subjects of waits", test_subjects},
        {"heaps", test_heaps},
        {"a lane that stands still", test_a_lane_that_stands_still},
        {"a job without a route", test_a_job_without_a_route},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, the recount", tests);
}
