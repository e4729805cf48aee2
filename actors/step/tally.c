/* Figures for whoever watches: by route as far as there are not too many, and by namespace. */
#include "actors/step/tally.h"

#include <assert.h>
#include <stdlib.h>

#include "actors/step/state.h"

#define NS_A_US     1000
#define FEW_TALLIES 8u

const char *cb_tally_outcome_text(int32_t outcome)
{
    if (outcome == CB_TALLY_UNSENT) {
        return "unsent";
    }
    if (outcome == CB_TALLY_DISCONNECTED) {
        return "disconnected";
    }
    return outcome >= 0 && outcome < CB_TALLY_OUTCOMES ? cb_job_status_text(outcome) : "?";
}

/* -- whose they are -- */

bool cb_step_tally_need(cb_step *step, uint8_t name_space, cb_tally_kind kind)
{
    cb_step_space *space = cb_step_space_at(step, name_space);
    uint32_t slot;
    if (space->tallies[kind] != CB_NONE) {
        return true;
    }
    if (cb_step_add(step, &step->tallies, &slot) != CB_OK) {
        return false;
    }
    cb_tally *tally = cb_step_tally_at(step, slot);
    tally->kind = kind;
    tally->name_space = name_space;
    tally->route = CB_NONE;
    space->tallies[kind] = slot;
    return true;
}

static uint32_t others_of(const cb_step *step, const cb_step_route *route)
{
    return cb_step_space_at(step, route->name_space)->tallies[CB_TALLY_OTHERS];
}

void cb_step_tally_open(cb_step *step, uint32_t route_slot)
{
    uint32_t slot;
    cb_step_route *route = cb_step_route_at(step, route_slot);
    route->tally = others_of(step, route);
    assert(route->tally != CB_NONE);
    if (step->listed >= step->limits.metrics_routes ||
        cb_step_add(step, &step->tallies, &slot) != CB_OK) {
        return;
    }
    cb_tally *tally = cb_step_tally_at(step, slot);
    tally->kind = CB_TALLY_ROUTE;
    tally->name_space = route->name_space;
    tally->route = route_slot;
    route->tally = slot;
    step->listed++;
}

static void merge(cb_tally *to, const cb_tally *from)
{
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++) {
        to->phases[i] += from->phases[i];
    }
    for (unsigned i = 0; i < CB_TALLY_OUTCOMES; i++) {
        to->ended[i] += from->ended[i];
    }
    for (unsigned i = 0; i < CB_TALLY_REASONS; i++) {
        to->closed[i] += from->closed[i];
    }
    to->begun += from->begun;
    to->lost_replies += from->lost_replies;
    to->received_bytes += from->received_bytes;
    to->sent_bytes += from->sent_bytes;
    cb_histogram_add(&to->queue, &from->queue);
    cb_histogram_add(&to->run, &from->run);
    cb_histogram_add(&to->whole, &from->whole);
}

void cb_step_tally_close(cb_step *step, uint32_t route_slot)
{
    cb_step_route *route = cb_step_route_at(step, route_slot);
    uint32_t others = others_of(step, route);
    if (route->tally == others) {
        return;
    }
    merge(cb_step_tally_at(step, others), cb_step_tally_at(step, route->tally));
    cb_slots_remove(&step->tallies, route->tally);
    route->tally = others;
    step->listed--;
}

static cb_tally *tally_of_route(cb_step *step, uint32_t route)
{
    return cb_step_tally_at(step, cb_step_route_at(step, route)->tally);
}

static uint32_t slot_of_job(const cb_step *step, const cb_step_job *job)
{
    const cb_step_space *space = cb_step_space_at(step, job->name_space);
    if (job->kind == CB_JOB_CLIENT) {
        return space->tallies[CB_TALLY_CLIENT];
    }
    return job->route != CB_NONE ? cb_step_route_at(step, job->route)->tally
                                 : space->tallies[CB_TALLY_ALONE];
}

/* -- jobs -- */

/* The phase that a job in that state counts for; CB_TALLY_PHASES: none. */
static cb_tally_phase phase_of(const cb_step_job *job, unsigned state)
{
    switch ((cb_job_state)state) {
    case CB_JOB_READING:
        return CB_TALLY_READING;
    case CB_JOB_QUEUED:
    case CB_JOB_HANDED:
        return CB_TALLY_QUEUED;
    case CB_JOB_RUNNING:
        return CB_TALLY_RUNNING;
    case CB_JOB_ENDED:
        if (job->kind == CB_JOB_SERVER && job->status == CB_JOB_SUCCESS) {
            return CB_TALLY_ANSWERING;
        }
        return CB_TALLY_PHASES;
    default:
        return CB_TALLY_PHASES;
    }
}

void cb_step_tally_move(cb_step *step, uint32_t slot, unsigned from, unsigned to)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    cb_tally_phase old = phase_of(job, from);
    cb_tally_phase new = phase_of(job, to);
    if (old == new &&from != CB_JOB_GONE) {
        return; /* one that waits to be taken may have lost its route, too */
    }
    cb_tally *tally = cb_step_tally_at(step, slot_of_job(step, job));
    if (from == CB_JOB_GONE) {
        tally->begun++;
    }
    if (old != CB_TALLY_PHASES) {
        assert(tally->phases[old] > 0);
        tally->phases[old]--;
    }
    if (new != CB_TALLY_PHASES) {
        tally->phases[new]++;
    }
}

static int64_t elapsed(int64_t from_ns, int64_t to_ns)
{
    /* Unsigned: stamps may be any numbers. */
    uint64_t distance = (uint64_t)to_ns - (uint64_t)from_ns;
    return to_ns <= from_ns ? 0 : distance > INT64_MAX ? INT64_MAX : (int64_t)distance;
}

void cb_step_tally_ready(cb_step *step, uint32_t slot)
{
    cb_step_job_at(step, slot)->ready_ns = step->now_ns;
}

/* Its callback began so long before now as it took; what it waited for before that is the queue's,
 * and the little time that the report of its end took to come here. */
static int64_t queue_time(const cb_step *step, const cb_step_job *job)
{
    int64_t since_ns = elapsed(job->ready_ns, step->now_ns);
    int64_t run_ns = (int64_t)job->run_us * NS_A_US;
    return since_ns > run_ns ? since_ns - run_ns : 0;
}

void cb_step_tally_ran(cb_step *step, uint32_t slot, uint32_t run_us)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_tally *tally = cb_step_tally_at(step, slot_of_job(step, job));
    job->run_us = run_us;
    job->ran = 1;
    job->queue_ns = queue_time(step, job);
    cb_histogram_observe(&tally->queue, job->queue_ns);
    cb_histogram_observe(&tally->run, (int64_t)run_us * NS_A_US);
}

static void note_end(cb_step *step, uint32_t slot, unsigned outcome, int64_t whole_ns)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    cb_note *note = cb_step_note(step, CB_NOTE_JOB_ENDED);
    if (note == NULL) {
        return;
    }
    bool taken = job->kind == CB_JOB_CLIENT || job->kind == CB_JOB_LOCAL;
    note->name_space = job->name_space;
    note->job_kind = job->kind;
    note->status = (int32_t)outcome;
    note->job = cb_step_job_handle(job, slot);
    if (taken) {
        note->id = job->id;
        note->route = job->kind == CB_JOB_CLIENT ? job->route : job->port;
    } else {
        note->route = cb_step_route_at(step, job->route)->id;
        note->connection = job->connection;
    }
    note->whole_ns = whole_ns;
    if (job->ran) {
        note->queue_ns = job->queue_ns;
        note->run_ns = (int64_t)job->run_us * NS_A_US;
    }
}

void cb_step_tally_end(cb_step *step, uint32_t slot, unsigned outcome)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    cb_tally *tally = cb_step_tally_at(step, slot_of_job(step, job));
    int64_t whole_ns = -1;
    assert(outcome < CB_TALLY_OUTCOMES);
    tally->ended[outcome]++;
    if (job->ran || job->kind == CB_JOB_CLIENT) {
        whole_ns = elapsed(job->ready_ns, step->now_ns);
        cb_histogram_observe(&tally->whole, whole_ns);
    }
    note_end(step, slot, outcome, whole_ns);
}

/* -- what is no job -- */

void cb_step_tally_refuse(cb_step *step, uint32_t route, int32_t status, int64_t count)
{
    cb_tally *tally = tally_of_route(step, route);
    bool known = status > CB_JOB_SUCCESS && status <= CB_JOB_ROUTE_CLOSED;
    int32_t outcome = known ? status : CB_JOB_OVERLOADED;
    tally->begun += (uint64_t)count;
    tally->ended[outcome] += (uint64_t)count;
    cb_note *note = cb_step_note_route(step, CB_NOTE_REJECTED, cb_step_route_at(step, route));
    if (note != NULL) {
        note->connection = step->in.connection;
        note->status = outcome;
        note->value = count;
    }
}

void cb_step_tally_lose_replies(cb_step *step, uint32_t route, int64_t count)
{
    tally_of_route(step, route)->lost_replies += (uint64_t)count;
}

void cb_step_tally_closed(cb_step *step, uint32_t route, int32_t reason)
{
    if (reason > CB_CLOSE_NONE && reason < (int32_t)CB_TALLY_REASONS) {
        tally_of_route(step, route)->closed[reason]++;
    }
}

void cb_step_tally_bytes(cb_step *step, uint32_t route, int64_t received, int64_t sent)
{
    cb_tally *tally = tally_of_route(step, route);
    tally->received_bytes += received > 0 ? (uint64_t)received : 0;
    tally->sent_bytes += sent > 0 ? (uint64_t)sent : 0;
}

/* -- the recount -- */

static const char *check_one(const cb_step *step, uint32_t slot, const uint32_t *phases)
{
    const cb_tally *tally = cb_step_tally_at(step, slot);
    uint64_t queued = 0;
    uint64_t run = 0;
    uint64_t ended = 0;
    uint64_t now = 0;
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++) {
        if (tally->phases[i] != phases[i]) {
            return "the figures of a phase differ from a recount";
        }
        now += tally->phases[i];
    }
    for (unsigned i = 0; i < CB_TALLY_OUTCOMES; i++) {
        ended += tally->ended[i];
    }
    for (unsigned i = 0; i < CB_HISTOGRAM_BUCKETS; i++) {
        queued += tally->queue.buckets[i];
        run += tally->run.buckets[i];
    }
    if (tally->begun != ended + now) {
        return "the figures lost a job, or have it twice";
    }
    if (queued != run) {
        return "a callback ran without a queue time, or the other way round";
    }
    const cb_step_route *route =
        tally->kind == CB_TALLY_ROUTE ? cb_slots_live(&step->routes, tally->route) : NULL;
    if (tally->kind == CB_TALLY_ROUTE &&
        (route == NULL || route->tally != slot || route->state == CB_ROUTE_CLOSED ||
         (uint64_t)route->accepted != tally->begun ||
         (uint64_t)route->completed != tally->ended[CB_JOB_SUCCESS] - tally->lost_replies ||
         (uint64_t)route->unsent != tally->ended[CB_TALLY_UNSENT])) {
        return "a route's figures are not its counters";
    }
    return NULL;
}

static const char *recount(const cb_step *step, uint32_t *phases)
{
    for (uint32_t i = 0; i < step->jobs.high; i++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, i);
        cb_tally_phase phase = job == NULL ? CB_TALLY_PHASES : phase_of(job, job->state);
        if (phase != CB_TALLY_PHASES) {
            phases[slot_of_job(step, job) * CB_TALLY_PHASES + phase]++;
        }
    }
    uint32_t listed = 0;
    for (uint32_t i = 0; i < step->tallies.high; i++) {
        const cb_tally *tally = cb_slots_live(&step->tallies, i);
        if (tally != NULL) {
            listed += tally->kind == CB_TALLY_ROUTE;
            const char *wrong = check_one(step, i, &phases[i * CB_TALLY_PHASES]);
            if (wrong != NULL) {
                return wrong;
            }
        }
    }
    return listed != step->listed || listed > step->limits.metrics_routes
               ? "the number of routes with figures of their own is wrong"
               : NULL;
}

const char *cb_step_check_tallies(const cb_step *step)
{
    uint32_t few[FEW_TALLIES * CB_TALLY_PHASES] = {0};
    if (step->tallies.high <= FEW_TALLIES) {
        return recount(step, few);
    }
    uint32_t *phases = calloc(step->tallies.high, CB_TALLY_PHASES * sizeof *phases);
    const char *wrong = phases == NULL ? NULL : recount(step, phases); /* no memory to look */
    free(phases);
    return wrong;
}
