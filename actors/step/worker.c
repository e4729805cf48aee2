/* Which actor runs which job: the queue, feeding, suspicion, and the actors' own lives. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

#define TO(state) (1u << (state))

static const unsigned allowed[CB_WORKER_STATES] = {
    [CB_WORKER_GONE] = TO(CB_WORKER_STARTING),
    [CB_WORKER_STARTING] = TO(CB_WORKER_PARKED) | TO(CB_WORKER_RETIRED) | TO(CB_WORKER_GONE),
    [CB_WORKER_PARKED] = TO(CB_WORKER_FED) | TO(CB_WORKER_RETIRED) | TO(CB_WORKER_GONE),
    [CB_WORKER_FED] =
        TO(CB_WORKER_PARKED) | TO(CB_WORKER_SUSPECT) | TO(CB_WORKER_RETIRED) | TO(CB_WORKER_GONE),
    [CB_WORKER_SUSPECT] =
        TO(CB_WORKER_PARKED) | TO(CB_WORKER_FED) | TO(CB_WORKER_RETIRED) | TO(CB_WORKER_GONE),
    [CB_WORKER_RETIRED] = TO(CB_WORKER_GONE),
};

static cb_list *list_of(cb_step *step, uint32_t listed)
{
    assert(listed != CB_LISTED_NOWHERE);
    return listed == CB_LISTED_PARKED ? &step->parked : &step->feedable;
}

static bool is_fed(uint32_t state)
{
    return state == CB_WORKER_FED;
}

/* Keeps the lists of workers, from which the next one is picked, true to its state. One that may
 * give something back is given nothing until that is known: it would run before what came back. */
static void place(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    uint32_t wanted = CB_LISTED_NOWHERE;
    if (worker->state == CB_WORKER_PARKED) {
        wanted = CB_LISTED_PARKED;
    } else if (worker->state == CB_WORKER_FED && worker->unsure == 0 &&
               worker->held.count < step->limits.hand_batch) {
        wanted = CB_LISTED_FEEDABLE;
    }
    if (wanted == worker->listed) {
        return;
    }
    const size_t link = offsetof(cb_step_worker, link);
    if (worker->listed != CB_LISTED_NOWHERE) {
        cb_list_remove(list_of(step, worker->listed), &step->workers, link, index);
    }
    if (wanted != CB_LISTED_NOWHERE) {
        cb_list_append(list_of(step, wanted), &step->workers, link, index);
    }
    worker->listed = wanted;
}

static void move(cb_step *step, uint32_t index, cb_worker_state to)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    assert((allowed[worker->state] & TO(to)) != 0);
    if (worker->state == CB_WORKER_STARTING) {
        step->workers_starting--;
    }
    if (worker->state == CB_WORKER_RETIRED) {
        step->workers_retired--;
    }
    step->workers_fed += is_fed(to);
    step->workers_fed -= is_fed(worker->state);
    worker->state = to;
    if (to == CB_WORKER_RETIRED) {
        step->workers_retired++;
    }
    place(step, index);
}

/* When it has had its time. Stamps may be any numbers. */
static int64_t due_ns(const cb_step *step, const cb_step_worker *worker)
{
    int64_t time_ns = step->limits.suspect_us * 1000;
    return worker->progress_ns > INT64_MAX - 1 - time_ns ? INT64_MAX - 1
                                                         : worker->progress_ns + time_ns;
}

/* A fed worker is looked at again when it has had its time; a deadline that turns out to be early
 * is set again then, so that a worker which keeps up costs no heap operation a job. */
static void watch(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    if (worker->state == CB_WORKER_FED && worker->held.count > 0 && worker->deadline == 0) {
        worker->deadline =
            cb_heap_push(&step->deadlines, due_ns(step, worker), CB_DUE_WORKER, index);
    }
}

static cb_note *note_actor(cb_step *step, cb_note_kind kind, const cb_step_worker *worker)
{
    cb_note *note = cb_step_note(step, kind);
    if (note != NULL) {
        note->connection = worker->address;
        note->value = worker->held.count;
    }
    return note;
}

void cb_step_take_back(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    if (worker->told != step->inputs) {
        worker->told = step->inputs;
        worker->unsure = worker->held.count - worker->running;
        cb_step_emit(step, CB_MSG_TAKE_BACK, worker->address);
        place(step, index);
    }
}

/* How many are fed at once. One that keeps up leaves nothing for a second to do, which would only
 * take turns with it, so it is given a batch. But what waits behind one that blocks has lost the
 * time until that was a suspect; and if all of them block, as many are begun in that time as are
 * fed. So there are twice as many whenever none of them keeps up, with a job each, and one fewer
 * for each job that is done in time. */
static void widen(cb_step *step)
{
    if (step->spread < step->workers.limit) {
        step->spread *= 2;
    }
}

static void narrow(cb_step *step)
{
    step->spread -= step->spread > 1;
}

void cb_step_worker_due(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    if (worker->state != CB_WORKER_FED || worker->held.count == 0) {
        return;
    }
    if (due_ns(step, worker) > step->now_ns) {
        watch(step, index);
        return;
    }
    bool behind = worker->held.count > worker->running;
    move(step, index, CB_WORKER_SUSPECT);
    if (step->workers_fed == 0 && (behind || cb_step_queue_first(step) != CB_NONE)) {
        widen(step);
    }
    if (behind) {
        (void)note_actor(step, CB_NOTE_ACTOR_BUSY, worker);
        cb_step_take_back(step, index);
    }
    cb_step_dispatch(step, true);
}

void cb_step_worker_let_go(cb_step *step, uint32_t slot, bool completed)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    uint32_t index = job->worker;
    cb_step_worker *worker = cb_step_worker_at(step, index);
    cb_list_remove(&worker->held, &step->jobs, offsetof(cb_step_job, line), slot);
    job->worker = CB_NONE;
    if (job->lane != CB_NONE) {
        cb_step_lane_let_go(step, slot);
    }
    if (completed) {
        assert(worker->running > 0);
        worker->running--;
        worker->progress_ns = step->now_ns;
    } else {
        cb_step_worker_heard(step, index);
    }
    if (worker->state != CB_WORKER_FED && worker->state != CB_WORKER_SUSPECT) {
        return;
    }
    if (completed && worker->state == CB_WORKER_FED) {
        narrow(step);
    }
    if (worker->held.count == 0) {
        move(step, index, CB_WORKER_PARKED);
    } else if (completed && worker->state == CB_WORKER_SUSPECT) {
        move(step, index, CB_WORKER_FED);
    } else if (!completed && worker->state == CB_WORKER_FED) {
        move(step, index, CB_WORKER_SUSPECT); /* it is about to block: feeding it would loop */
    } else {
        place(step, index);
    }
    watch(step, index);
}

/* Jobs are heard of in the order in which they were handed, so those that were asked for first. */
void cb_step_worker_heard(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    worker->unsure -= worker->unsure > 0;
    place(step, index);
}

bool cb_step_worker_takes(const cb_step *step, uint32_t index)
{
    return cb_step_worker_at(step, index)->listed == CB_LISTED_FEEDABLE;
}

void cb_step_enqueue(cb_step *step, uint32_t slot, bool returned)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    if (returned) {
        job->place = CB_PLACE_RETURNED;
        job->returned = cb_heap_push(&step->returned, job->number, CB_DUE_JOB, slot);
    } else {
        job->place = CB_PLACE_FRESH;
        cb_list_append(&step->fresh, &step->jobs, offsetof(cb_step_job, line), slot);
    }
}

static void queue_job(cb_step *step, uint32_t slot, bool returned)
{
    if (cb_step_job_at(step, slot)->lane != CB_NONE) {
        cb_step_lane_queue(step, slot, returned);
    } else {
        cb_step_enqueue(step, slot, returned);
    }
}

void cb_step_queue_add(cb_step *step, uint32_t slot)
{
    queue_job(step, slot, false);
}

void cb_step_queue_return(cb_step *step, uint32_t slot)
{
    queue_job(step, slot, true);
}

void cb_step_queue_remove(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_lane *lane = job->lane == CB_NONE ? NULL : cb_slots_item(&step->lanes, job->lane);
    cb_list *list = NULL;
    assert(job->state == CB_JOB_QUEUED && job->kind != CB_JOB_CLIENT);
    switch ((cb_job_place)job->place) {
    case CB_PLACE_RETURNED:
        cb_heap_remove(&step->returned, &job->returned);
        break;
    case CB_PLACE_LANE:
        list = &lane->backlog;
        break;
    case CB_PLACE_LANE_RETURNED:
        list = &lane->returned;
        break;
    default:
        assert(job->place == CB_PLACE_FRESH);
        list = &step->fresh;
        break;
    }
    if (list != NULL) {
        cb_list_remove(list, &step->jobs, offsetof(cb_step_job, line), slot);
    }
    if (lane != NULL && lane->next == slot) {
        lane->next = CB_NONE;
    }
    job->place = CB_PLACE_NONE;
}

uint32_t cb_step_queue_first(const cb_step *step)
{
    /* What came back was handed out before anything fresh, so it is older. */
    const cb_heap_node *returned = cb_heap_first(&step->returned);
    return returned != NULL ? returned->owner : step->fresh.first;
}

void cb_step_hand(cb_step *step, uint32_t slot, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_queue_remove(step, slot);
    cb_step_job_move(step, slot, CB_JOB_HANDED);
    job->worker = index;
    cb_list_append(&worker->held, &step->jobs, offsetof(cb_step_job, line), slot);
    if (job->lane != CB_NONE) {
        cb_step_lane_handed(step, slot, index);
    }
    if (worker->state == CB_WORKER_PARKED) {
        worker->progress_ns = step->now_ns;
        move(step, index, CB_WORKER_FED);
    } else {
        place(step, index);
    }
    watch(step, index);
    cb_message *effect = cb_step_emit(step, CB_MSG_HAND, worker->address);
    effect->name_space = job->name_space;
    effect->flags = job->kind == CB_JOB_LOCAL ? CB_FLAG_HAS_NUL : 0;
    effect->route = job->route == CB_NONE ? 0 : cb_step_route_at(step, job->route)->id;
    effect->job = cb_step_job_handle(job, slot);
    effect->value = job->entry;
    effect->payload = job->payload;
    job->payload = 0;
}

/* Nobody will run what is queued. */
static void overload(cb_step *step)
{
    for (uint32_t slot = cb_step_queue_first(step); slot != CB_NONE;
         slot = cb_step_queue_first(step)) {
        uint32_t route = cb_step_job_at(step, slot)->route;
        cb_step_queue_remove(step, slot);
        cb_step_job_drop(step, slot, CB_JOB_OVERLOADED, 0);
        cb_step_settle_route(step, route);
    }
}

static void add_worker(cb_step *step)
{
    uint32_t index;
    if (step->workers_starting > 0 || cb_slots_at_limit(&step->workers) ||
        step->finish >= CB_FINISH_RETIRING) {
        return;
    }
    if (step->last_actor == CB_ADDRESS_FIRST_ASKER - 1u ||
        !cb_map_reserve(&step->actors, step->resize) ||
        cb_step_add(step, &step->workers, &index) != CB_OK) {
        if (step->workers.count == 0) {
            overload(step);
        }
        return;
    }
    cb_step_worker *worker = cb_step_worker_at(step, index);
    worker->address = ++step->last_actor;
    worker->held = CB_LIST_EMPTY;
    cb_map_put(&step->actors, worker->address, index);
    step->workers_starting++;
    move(step, index, CB_WORKER_STARTING);
    cb_step_emit(step, CB_MSG_ADD_ACTOR, worker->address);
    (void)note_actor(step, CB_NOTE_ACTOR_ADDED, worker);
}

/* Those that have their hands full and keep up are waited for; if they do not they are suspects
 * soon. Of the parked the last to park: its memory is warm. */
static uint32_t next_worker(const cb_step *step)
{
    if (step->workers_fed < step->spread && step->parked.count > 0) {
        return step->parked.last;
    }
    return step->spread == 1 ? step->feedable.first : CB_NONE;
}

void cb_step_dispatch(cb_step *step, bool may_add)
{
    for (;;) {
        uint32_t slot = cb_step_queue_first(step);
        if (slot == CB_NONE) {
            return;
        }
        uint32_t index = next_worker(step);
        if (index == CB_NONE) {
            if (may_add && step->workers_fed < step->spread) {
                add_worker(step);
            }
            return;
        }
        cb_step_hand(step, slot, index);
        if (cb_step_job_at(step, slot)->lane != CB_NONE) {
            cb_step_lane_feed(step, cb_step_job_at(step, slot)->lane);
        }
    }
}

void cb_step_actor_ready(cb_step *step)
{
    if (step->in.from == CB_ADDRESS_CLIENT) {
        cb_step_client_ready(step);
        return;
    }
    uint32_t index = cb_map_get(&step->actors, step->in.from);
    if (index == CB_NONE || (index & CB_ACTOR_IS_LISTENER) != 0 ||
        cb_step_worker_at(step, index)->state != CB_WORKER_STARTING) {
        cb_step_ignore(step);
        return;
    }
    move(step, index, CB_WORKER_PARKED);
    cb_step_dispatch(step, true);
}

void cb_step_worker_retire(cb_step *step, uint32_t index)
{
    move(step, index, CB_WORKER_RETIRED);
    cb_step_emit(step, CB_MSG_RETIRE_ACTOR, cb_step_worker_at(step, index)->address);
}

static void worker_stopped(cb_step *step, uint32_t index)
{
    cb_step_worker *worker = cb_step_worker_at(step, index);
    bool was_starting = worker->state == CB_WORKER_STARTING;
    cb_note *note =
        worker->state == CB_WORKER_RETIRED ? NULL : note_actor(step, CB_NOTE_ACTOR_LOST, worker);
    if (note != NULL) {
        note->status = step->in.status;
    }
    /* Whether it began what it held nobody can tell, so nobody else may run it. */
    while (worker->held.count > 0) {
        cb_step_work_done(step, worker->held.first, CB_JOB_CALLBACK_FAILED, 0, 0, false);
    }
    cb_heap_remove(&step->deadlines, &worker->deadline);
    cb_map_remove(&step->actors, worker->address);
    move(step, index, CB_WORKER_GONE);
    cb_slots_remove(&step->workers, index);
    if (was_starting && step->workers.count == 0) {
        overload(step);
    }
    /* After a failed start the next event asks for another actor, not this one: no busy loop. */
    cb_step_dispatch(step, !was_starting);
}

void cb_step_actor_stopped(cb_step *step)
{
    if (step->in.from == CB_ADDRESS_CLIENT) {
        cb_step_client_stopped(step);
        return;
    }
    uint32_t index = cb_map_get(&step->actors, step->in.from);
    if (index == CB_NONE) {
        cb_step_ignore(step);
    } else if ((index & CB_ACTOR_IS_LISTENER) != 0) {
        cb_step_listener_ended(step, index & ~CB_ACTOR_IS_LISTENER);
    } else {
        worker_stopped(step, index);
    }
}
