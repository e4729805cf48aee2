/* Recounts what the step keeps, and says the first thing that does not hold. */
#include <stddef.h>

#include "actors/step/check.h"

static const cb_link *link_at(const cb_slots *slots, size_t offset, uint32_t index)
{
    return (const cb_link *)(const void *)((const unsigned char *)cb_slots_item(slots, index) +
                                           offset);
}

bool cb_step_list_holds(const cb_list *list, const cb_slots *slots, size_t offset)
{
    uint32_t count = 0;
    uint32_t previous = CB_NONE;
    for (uint32_t index = list->first; index != CB_NONE;
         index = link_at(slots, offset, index)->next) {
        if (cb_slots_live(slots, index) == NULL || count++ >= list->count ||
            link_at(slots, offset, index)->previous != previous) {
            return false;
        }
        previous = index;
    }
    return count == list->count && list->last == previous;
}

static bool node_holds(const cb_heap *heap, uint32_t number, uint32_t kind, uint32_t owner)
{
    if (number == 0) {
        return true;
    }
    const cb_heap_node *node = &heap->nodes[number - 1u];
    return number <= heap->high && node->place < heap->count &&
           heap->places[node->place] == number - 1u && node->kind == kind && node->owner == owner;
}

static const char *check_heap(const cb_heap *heap)
{
    for (uint32_t i = 1; i < heap->count; i++) {
        const cb_heap_node *node = &heap->nodes[heap->places[i]];
        const cb_heap_node *parent = &heap->nodes[heap->places[(i - 1u) / 2u]];
        HOLDS(parent->key < node->key || (parent->key == node->key && parent->order < node->order),
              "a deadline lies above an earlier one");
        HOLDS(node->place == i, "a heap node does not know its place");
    }
    return NULL;
}

static const char *check_counters(const cb_step *step, const cb_step_route *route, uint32_t slot)
{
    uint32_t phases[CB_JOB_STATES] = {0};
    uint32_t connected = 0;
    int64_t accounted = 0; /* ended for the counters, but waiting for their connection's end */
    for (uint32_t index = route->jobs.first; index != CB_NONE;) {
        const cb_step_job *job = cb_step_job_at(step, index);
        HOLDS(job->kind != CB_JOB_CLIENT && job->route == slot, "a route lists another's job");
        HOLDS(job->state > CB_JOB_GONE && job->state < CB_JOB_STATES, "a job has no state");
        phases[job->state]++;
        connected += job->kind == CB_JOB_SERVER && job->connected;
        accounted += job->state == CB_JOB_ENDED && job->status != CB_JOB_SUCCESS;
        index = job->family.next;
    }
    HOLDS(route->active == route->jobs.count, "Active differs from a recount");
    HOLDS(route->pending == phases[CB_JOB_READING], "Pending differs from a recount");
    HOLDS(route->queued == phases[CB_JOB_QUEUED] + phases[CB_JOB_HANDED],
          "Queued differs from a recount");
    HOLDS(route->waiting == phases[CB_JOB_QUEUED], "the queue differs from a recount");
    HOLDS(route->running == phases[CB_JOB_RUNNING], "Running differs from a recount");
    HOLDS(route->connected == connected, "the connections differ from a recount");
    HOLDS(route->accepted == route->active - accounted + route->completed + route->failed +
                                 route->dropped + route->unsent,
          "an accepted request did not end exactly once");
    HOLDS(route->closed_queued <= route->dropped, "more canceled by the close than dropped");
    return NULL;
}

/* Openers, orders, and what comes of SET_TLS. */
static const char *check_asked(const cb_step *step, const cb_step_route *route)
{
    uint32_t changing = 0;
    HOLDS(cb_step_list_holds(&route->stale, &step->jobs, offsetof(cb_step_job, family)),
          "a route's list of jobs that wait for its TLS is broken");
    HOLDS(route->openers.count <= 1 || route->shared, "two opened a route that is not shared");
    HOLDS(!route->shared || route->state == CB_ROUTE_OPENING || route->state == CB_ROUTE_OPEN ||
              route->state == CB_ROUTE_DRAINING,
          "a route is shared though it is closed");
    HOLDS(step->shutdown != CB_CUTTING_OFF || route->orders.count == 0,
          "an order waits though the grace is over");
    for (uint32_t index = route->orders.first; index != CB_NONE;) {
        const cb_step_wait *wait = cb_step_wait_at(step, index);
        bool sets_tls = wait->what == CB_ORDER_SET_TLS;
        HOLDS(sets_tls == (wait->payload != 0), "an order keeps the wrong bytes");
        changing += sets_tls;
        index = wait->link.next;
    }
    HOLDS(changing == route->tls_changing, "changes of TLS differ from a recount");
    HOLDS(route->stale.count == 0 || changing > 0, "a job waits for a change that does not come");
    HOLDS(route->tls_told <= route->tls_version, "the client actor was told of the future");
    HOLDS(route->tls == 0 || route->state != CB_ROUTE_CLOSED, "a closed route keeps its TLS");
    for (uint32_t index = route->stale.first; index != CB_NONE;) {
        const cb_step_job *job = cb_step_job_at(step, index);
        HOLDS(job->kind == CB_JOB_CLIENT && job->stale && job->route == route->id &&
                  (job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING),
              "a job waits for another route's TLS");
        index = job->family.next;
    }
    return NULL;
}

static const char *check_route(const cb_step *step, uint32_t slot)
{
    const cb_step_route *route = cb_step_route_at(step, slot);
    HOLDS(route->state > CB_ROUTE_GONE && route->state < CB_ROUTE_STATES, "a route has no state");
    HOLDS(cb_map_get(&step->route_ids, cb_step_id_key(route->name_space, route->id)) == slot,
          "a route's id leads elsewhere");
    HOLDS(cb_step_list_holds(&route->jobs, &step->jobs, offsetof(cb_step_job, family)),
          "a route's list of jobs is broken");
    if (route->state == CB_ROUTE_CLOSED) {
        HOLDS(route->listener == CB_LISTENER_ENDED && route->active == 0,
              "a closed route still has something to do");
    }
    if (route->state == CB_ROUTE_CLOSING) {
        HOLDS(route->pending == 0 && route->waiting == 0, "a closing route has jobs that wait");
        HOLDS(route->listener != CB_LISTENER_DEAF || route->queued + route->running > 0,
              "a closing route without work keeps its listener");
    }
    HOLDS(route->listener != CB_LISTENER_ENDED || route->connected + route->connections == 0,
          "a connection outlived its listener");
    const char *wrong = check_asked(step, route);
    return wrong != NULL ? wrong : check_counters(step, route, slot);
}

/* Whether the job is where it says that it waits. */
static bool waits_in_place(const cb_step *step, const cb_step_job *job, uint32_t slot)
{
    const cb_step_lane *lane = job->lane == CB_NONE ? NULL : cb_slots_live(&step->lanes, job->lane);
    if (job->lane != CB_NONE && lane == NULL) {
        return false;
    }
    bool in_lane = job->place == CB_PLACE_LANE || job->place == CB_PLACE_LANE_RETURNED;
    bool queued = job->place == CB_PLACE_FRESH || job->place == CB_PLACE_RETURNED;
    if ((job->returned != 0) != (job->place == CB_PLACE_RETURNED) ||
        (queued || in_lane) != (job->state == CB_JOB_QUEUED) || (in_lane && lane == NULL)) {
        return false;
    }
    return lane == NULL || (lane->next == slot) == queued;
}

/* What holds of every job that workers run. */
static const char *check_work(const cb_step *step, const cb_step_job *job, uint32_t slot)
{
    bool held = job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING;
    HOLDS(held == (job->worker != CB_NONE), "a job is held by nobody, or by one too many");
    HOLDS(!held || cb_slots_live(&step->workers, job->worker) != NULL,
          "a job is held by an actor that is gone");
    HOLDS(job->deadline == 0 || job->state == CB_JOB_RUNNING, "a job has a limit but does not run");
    HOLDS((job->state == CB_JOB_ENDED) == (job->status != CB_JOB_PENDING),
          "a job's status does not suit its state");
    HOLDS(step->shutdown != CB_CUTTING_OFF ||
              (job->state != CB_JOB_READING && job->state != CB_JOB_QUEUED),
          "a job waits though the grace is over");
    HOLDS(waits_in_place(step, job, slot), "a job is not where it says that it waits");
    return NULL;
}

static const char *check_server_job(const cb_step *step, const cb_step_job *job, uint32_t slot)
{
    const cb_step_route *route = cb_slots_live(&step->routes, job->route);
    HOLDS(route != NULL && route->state != CB_ROUTE_CLOSED, "a job outlived its route");
    uint64_t key = ((uint64_t)job->route << 32) | job->connection;
    bool event = job->kind == CB_JOB_EVENT;
    HOLDS(event == cb_step_route_traits(route)->events && event == (job->lane != CB_NONE),
          "a job is not of its route's kind");
    HOLDS(event || !job->connected || cb_map_get(&step->connections, key) == slot,
          "a connection leads to another job");
    HOLDS(!event || job->connected == (route->listener != CB_LISTENER_ENDED),
          "an event is owed to nobody, or forgotten");
    HOLDS(!event || (job->state != CB_JOB_READING && job->state != CB_JOB_ENDED),
          "an event has no such state");
    HOLDS(job->state == CB_JOB_QUEUED || job->payload == 0, "a job kept bytes it does not need");
    HOLDS(job->connected || job->worker != CB_NONE,
          "a job without a connection has nothing to wait for");
    return check_work(step, job, slot);
}

/* What holds of a job that is taken in the end. */
static const char *check_taken_job(const cb_step *step, const cb_step_job *job, uint32_t slot)
{
    HOLDS(cb_map_get(&step->job_ids, cb_step_id_key(job->name_space, job->id)) == slot,
          "a job's id leads elsewhere");
    HOLDS(job->state != CB_JOB_READING && job->lane == CB_NONE, "a job of ours reads");
    HOLDS((job->state == CB_JOB_ENDED) == (job->status != CB_JOB_PENDING),
          "a job's status does not suit its state");
    HOLDS(job->state == CB_JOB_QUEUED || job->state == CB_JOB_ENDED || job->payload == 0,
          "a job kept bytes it does not need");
    if (job->kind != CB_JOB_LOCAL) {
        HOLDS(job->place == CB_PLACE_NONE, "a client job is where others wait");
        return NULL;
    }
    HOLDS(job->state != CB_JOB_ENDED || job->route == CB_NONE, "an ended job still has its route");
    return check_work(step, job, slot);
}

/* Of all jobs, as found by looking at each. */
typedef struct recount {
    uint32_t workers; /* jobs that are theirs */
    uint32_t connected;
    uint32_t fresh;
    uint32_t returned;
    uint32_t in_lanes;
    uint32_t stale;
    uint32_t client_queued;
    uint32_t client_held;
    uint32_t alone[CB_STEP_NAME_SPACES];
    uint32_t alone_handed[CB_STEP_NAME_SPACES];
} recount;

static void count_job(recount *sum, const cb_step_job *job)
{
    bool held = job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING;
    if (job->kind == CB_JOB_CLIENT) {
        sum->client_queued += job->state == CB_JOB_QUEUED;
        sum->client_held += held;
        sum->stale += job->stale;
        return;
    }
    bool ended = job->kind == CB_JOB_LOCAL && job->state == CB_JOB_ENDED;
    sum->workers += !ended;
    sum->connected += job->kind == CB_JOB_SERVER && job->connected;
    sum->fresh += job->place == CB_PLACE_FRESH;
    sum->returned += job->place == CB_PLACE_RETURNED;
    sum->in_lanes += job->lane != CB_NONE;
    if (job->kind == CB_JOB_LOCAL && !ended && job->route == CB_NONE) {
        sum->alone[job->name_space]++;
        sum->alone_handed[job->name_space] += job->state == CB_JOB_HANDED;
    }
}

static const char *check_spaces(const cb_step *step, const recount *sum)
{
    uint32_t stale = 0;
    uint64_t connections[CB_STEP_NAME_SPACES] = {0};
    uint64_t local_sum[CB_STEP_NAME_SPACES] = {0};
    uint32_t shared = 0;
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        const cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route != NULL) {
            bool local = !cb_step_route_traits(route)->has_actor;
            stale += route->stale.count;
            shared += route->shared;
            connections[route->name_space] += route->connections;
            local_sum[route->name_space] += local && route->state == CB_ROUTE_OPEN ? slot : 0;
        }
    }
    HOLDS(stale == sum->stale, "a job waits for TLS in no list, or in two");
    HOLDS(shared == step->shared.count, "the shared routes differ from a recount");
    for (uint32_t slot = 0; slot < step->spaces.high; slot++) {
        const cb_step_space *space = cb_slots_item(&step->spaces, slot);
        uint32_t i = space->name_space;
        HOLDS(step->space_slots[i] == slot + 1u, "a namespace leads elsewhere");
        HOLDS(cb_step_list_holds(&space->alone, &step->jobs, offsetof(cb_step_job, family)),
              "a namespace's list is broken");
        HOLDS(space->alone.count == sum->alone[i] && space->alone_handed == sum->alone_handed[i],
              "jobs without a route differ from a recount");
        HOLDS(space->closers.count == 0 || (space->jobs_closed && space->alone_handed > 0),
              "somebody waits for the end of jobs that are decided");
        HOLDS(connections[i] == space->connections, "connections differ from a recount");
        HOLDS(local_sum[i] == space->local_sum, "local routes differ from a recount");
    }
    return NULL;
}

static bool is_ordered(const cb_step *step, const cb_list *list)
{
    int64_t last = INT64_MIN;
    for (uint32_t slot = list->first; slot != CB_NONE;) {
        const cb_step_job *job = cb_step_job_at(step, slot);
        if (job->number <= last) {
            return false;
        }
        last = job->number;
        slot = job->line.next;
    }
    return true;
}

static const char *check_lane(const cb_step *step, uint32_t index, uint32_t *jobs)
{
    const size_t line = offsetof(cb_step_job, line);
    const cb_step_lane *lane = cb_slots_item(&step->lanes, index);
    uint32_t waiting = lane->returned.count + lane->backlog.count;
    uint32_t held = 0;
    HOLDS(cb_map_get(&step->lane_ids, lane->key) == index, "a lane's key leads elsewhere");
    HOLDS(cb_step_list_holds(&lane->returned, &step->jobs, line) &&
              cb_step_list_holds(&lane->backlog, &step->jobs, line),
          "a lane's list is broken");
    HOLDS(is_ordered(step, &lane->returned) && is_ordered(step, &lane->backlog),
          "a lane is out of order");
    HOLDS(lane->returned.count <= step->limits.hand_batch, "too many jobs of a lane came back");
    HOLDS((lane->held > 0) == (lane->worker != CB_NONE), "a lane's actor holds none of it");
    HOLDS(lane->held == 0 || lane->next == CB_NONE, "a lane would run twice at once");
    HOLDS(lane->held > 0 || lane->next != CB_NONE, "a lane stands still");
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        if (job != NULL && job->lane == index && job->worker != CB_NONE) {
            HOLDS(job->worker == lane->worker, "two actors hold jobs of one lane");
            held++;
        }
    }
    HOLDS(held == lane->held, "what is held of a lane differs from a recount");
    *jobs += held + waiting + (lane->next != CB_NONE);
    return NULL;
}

static const char *check_lanes(const cb_step *step, const recount *sum)
{
    uint32_t jobs = 0;
    for (uint32_t index = 0; index < step->lanes.high; index++) {
        const char *wrong =
            cb_slots_live(&step->lanes, index) == NULL ? NULL : check_lane(step, index, &jobs);
        HOLDS(wrong == NULL, wrong);
    }
    HOLDS(jobs == sum->in_lanes, "the jobs in lanes differ from a recount");
    HOLDS(step->lanes.count == step->lane_ids.count, "a lane is not to be found");
    return NULL;
}

static const char *check_jobs(const cb_step *step)
{
    recount sum = {0};
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        if (job == NULL) {
            continue;
        }
        bool taken = job->kind == CB_JOB_CLIENT || job->kind == CB_JOB_LOCAL;
        const char *wrong =
            taken ? check_taken_job(step, job, slot) : check_server_job(step, job, slot);
        HOLDS(wrong == NULL, wrong);
        HOLDS(node_holds(&step->deadlines, job->deadline, CB_DUE_JOB, slot) &&
                  node_holds(&step->returned, job->returned, CB_DUE_JOB, slot),
              "a job's deadline is another's");
        HOLDS(!job->cancel || (job->kind == CB_JOB_LOCAL && job->state == CB_JOB_HANDED),
              "a cancel that is decided goes on");
        HOLDS(job->cancel || job->cancelers.count == 0,
              "somebody waits for a cancel that nobody asked for");
        count_job(&sum, job);
    }
    HOLDS(sum.workers == step->server_jobs, "the number of workers' jobs differs from a recount");
    HOLDS(sum.connected == step->connections.count,
          "the map of connections differs from a recount");
    HOLDS(sum.fresh == step->fresh.count && sum.returned == step->returned.count,
          "the queue of workers' jobs differs from a recount");
    HOLDS(sum.client_queued == step->client_queue.count,
          "the queue of client jobs differs from a recount");
    HOLDS(sum.client_held == step->client_held.count,
          "the client actor's jobs differ from a recount");
    HOLDS(sum.client_held <= step->limits.max_client_jobs, "too many client jobs at once");
    HOLDS(sum.client_held == 0 || step->client == CB_CLIENT_READY ||
              step->client == CB_CLIENT_RETIRED,
          "nobody runs the client jobs");
    const char *wrong = check_spaces(step, &sum);
    return wrong != NULL ? wrong : check_lanes(step, &sum);
}

static const char *check_worker(const cb_step *step, uint32_t index, uint32_t *held)
{
    const cb_step_worker *worker = cb_step_worker_at(step, index);
    uint32_t running = 0;
    HOLDS(worker->state > CB_WORKER_GONE && worker->state < CB_WORKER_STATES,
          "an actor has no state");
    HOLDS(cb_step_list_holds(&worker->held, &step->jobs, offsetof(cb_step_job, line)),
          "an actor's list of jobs is broken");
    for (uint32_t slot = worker->held.first; slot != CB_NONE;) {
        const cb_step_job *job = cb_step_job_at(step, slot);
        HOLDS(job->worker == index, "an actor lists another's job");
        running += job->state == CB_JOB_RUNNING;
        slot = job->line.next;
    }
    HOLDS(running == worker->running, "what an actor runs differs from a recount");
    HOLDS(worker->held.count <= step->limits.hand_batch, "an actor holds too many jobs");
    HOLDS(worker->unsure <= worker->held.count - running, "more is to come back than is there");
    bool idle = worker->state == CB_WORKER_STARTING || worker->state == CB_WORKER_PARKED;
    HOLDS(!idle || worker->held.count == 0, "an idle actor holds jobs");
    bool busy = worker->state == CB_WORKER_FED || worker->state == CB_WORKER_SUSPECT;
    HOLDS(!busy || worker->held.count > 0, "a busy actor holds no job");
    HOLDS(worker->state != CB_WORKER_FED || worker->deadline != 0, "a fed actor is not watched");
    HOLDS(node_holds(&step->deadlines, worker->deadline, CB_DUE_WORKER, index),
          "an actor's deadline is another's");
    HOLDS(cb_map_get(&step->actors, worker->address) == index,
          "an actor's address leads elsewhere");
    uint32_t wanted = worker->state == CB_WORKER_PARKED ? CB_LISTED_PARKED
                      : worker->state == CB_WORKER_FED && worker->unsure == 0 &&
                              worker->held.count < step->limits.hand_batch
                          ? CB_LISTED_FEEDABLE
                          : CB_LISTED_NOWHERE;
    HOLDS(worker->listed == wanted, "an actor is in the wrong list");
    *held += worker->held.count;
    return NULL;
}

static const char *check_workers(const cb_step *step)
{
    uint32_t held = 0;
    uint32_t of_jobs = 0;
    uint32_t fed = 0;
    for (uint32_t index = 0; index < step->workers.high; index++) {
        const cb_step_worker *worker = cb_slots_live(&step->workers, index);
        if (worker != NULL) {
            fed += worker->state == CB_WORKER_FED;
            const char *wrong = check_worker(step, index, &held);
            HOLDS(wrong == NULL, wrong);
        }
    }
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        of_jobs += job != NULL && job->worker != CB_NONE;
    }
    HOLDS(fed == step->workers_fed, "the number of fed actors differs from a recount");
    HOLDS(held == of_jobs, "the jobs that actors hold differ from a recount");
    const size_t link = offsetof(cb_step_worker, link);
    HOLDS(cb_step_list_holds(&step->parked, &step->workers, link) &&
              cb_step_list_holds(&step->feedable, &step->workers, link),
          "a list of actors is broken");
    /* A parked one is idle only when too few are fed: fed ones that are full are waited for. */
    bool idle = (step->feedable.count > 0 && step->spread == 1) ||
                (step->parked.count > 0 && step->workers_fed < step->spread);
    HOLDS(step->spread > 0, "no actor may be fed");
    HOLDS(!idle || step->fresh.count + step->returned.count == 0,
          "a job waits beside an idle actor");
    return NULL;
}

static const char *check_routes(const cb_step *step)
{
    uint32_t live = 0;
    uint32_t open[CB_STEP_NAME_SPACES] = {0};
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        const cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route == NULL) {
            continue;
        }
        const char *wrong = check_route(step, slot);
        HOLDS(wrong == NULL, wrong);
        live += route->state != CB_ROUTE_CLOSED;
        open[route->name_space] += route->state == CB_ROUTE_OPEN;
    }
    HOLDS(live == step->live_routes, "the number of live routes differs from a recount");
    HOLDS(live <= step->limits.max_routes, "too many routes are open");
    HOLDS(step->closed.count + live == step->routes.count, "a closed route has no tombstone");
    HOLDS(step->closed.count <= step->limits.max_closed_routes, "too many tombstones");
    for (uint32_t slot = 0; slot < step->spaces.high; slot++) {
        const cb_step_space *space = cb_slots_item(&step->spaces, slot);
        HOLDS(open[space->name_space] == space->open_routes, "OpenCount differs from a recount");
    }
    return NULL;
}

static const char *check_wait(const cb_step *step, uint32_t slot)
{
    const cb_step_wait *wait = cb_step_wait_at(step, slot);
    HOLDS(node_holds(&step->deadlines, wait->deadline, CB_DUE_WAIT, slot),
          "a wait's deadline is another's");
    HOLDS(wait->deadline == 0 || wait->kind < CB_WAIT_CLOSER, "a question has a time limit");
    HOLDS(wait->payload == 0 || wait->kind == CB_WAIT_ORDER, "a wait kept bytes it does not need");
    HOLDS(wait->kind != CB_WAIT_TIME || wait->subject == CB_NONE,
          "a wait for a time has a subject");
    HOLDS(wait->asker != CB_ADDRESS_NONE || wait->owner == CB_NONE,
          "a wait that nobody asked for has an owner");
    return NULL;
}

static const char *check_deadlines(const cb_step *step)
{
    const char *wrong = check_heap(&step->deadlines);
    HOLDS(wrong == NULL, wrong);
    for (uint32_t slot = 0; slot < step->waits.high; slot++) {
        wrong = cb_slots_live(&step->waits, slot) == NULL ? NULL : check_wait(step, slot);
        HOLDS(wrong == NULL, wrong);
    }
    HOLDS(node_holds(&step->deadlines, step->grace_deadline, CB_DUE_GRACE, 0),
          "the deadline of the grace is another's");
    HOLDS(node_holds(&step->deadlines, step->finish_deadline, CB_DUE_FINISH, 0),
          "the deadline of the finish is another's");
    return NULL;
}

const char *cb_step_check(const cb_step *step)
{
    const char *(*const checks[])(const cb_step *) = {cb_step_check_owners, check_routes,
                                                      check_jobs,           check_workers,
                                                      check_deadlines,      cb_step_check_tallies};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const char *wrong = checks[i](step);
        HOLDS(wrong == NULL, wrong);
    }
    HOLDS(cb_step_list_holds(&step->fresh, &step->jobs, offsetof(cb_step_job, line)) &&
              cb_step_list_holds(&step->client_queue, &step->jobs, offsetof(cb_step_job, line)) &&
              cb_step_list_holds(&step->client_held, &step->jobs, offsetof(cb_step_job, line)),
          "a queue's list is broken");
    HOLDS(cb_step_list_holds(&step->closed, &step->routes, offsetof(cb_step_route, tombstone)),
          "the list of tombstones is broken");
    return check_heap(&step->returned);
}
