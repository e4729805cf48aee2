/* A hash over what decides later effects. Payload handles count only as there or not. */
#include "actors/step/state.h"

/* A tally is as long as so many other objects. */
#define CB_TALLY_HASH_COST 6u

typedef struct hasher {
    uint64_t hash;
    bool present; /* times and numbers count from now, and not what only counts the past */
    const cb_step *step;
} hasher;

static void add(hasher *h, uint64_t value)
{
    h->hash = (h->hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    h->hash ^= h->hash >> 29;
}

static void add_time(hasher *h, int64_t time_ns)
{
    add(h, (uint64_t)time_ns - (h->present ? (uint64_t)h->step->now_ns : 0));
}

static void add_link(hasher *h, cb_link link)
{
    add(h, ((uint64_t)link.previous << 32) | link.next);
}

static void add_list(hasher *h, cb_list list)
{
    add(h, ((uint64_t)list.first << 32) | list.last);
}

static void add_bytes(hasher *h, unsigned a, unsigned b, unsigned c, unsigned d)
{
    add(h, ((uint64_t)a << 24) | ((uint64_t)b << 16) | ((uint64_t)c << 8) | d);
}

static void add_route(hasher *h, const void *object)
{
    const cb_step_route *route = object;
    add_bytes(h, route->state, route->listener, route->name_space, route->close_accepted);
    add(h, ((uint64_t)route->id << 32) | route->address);
    add(h, ((uint64_t)route->connection << 32) | (uint32_t)route->timeout_ms);
    add(h, route->port);
    add(h, (uint64_t)route->entry);
    add(h, route->callback != 0);
    add_link(h, route->tombstone);
    add_list(h, route->jobs);
    add_list(h, route->closers);
    add_list(h, route->waits);
    add_list(h, route->openers);
    add_list(h, route->orders);
    add_list(h, route->stale);
    add_bytes(h, route->shared, route->tls != 0, 0, 0);
    add(h, ((uint64_t)route->tls_version << 32) | route->tls_told);
    add(h, ((uint64_t)route->tls_changing << 32) | route->connections);
    add(h, ((uint64_t)route->active << 32) | route->pending);
    add(h, ((uint64_t)route->queued << 32) | route->running);
    add(h, ((uint64_t)route->waiting << 32) | route->connected);
    add(h, (uint64_t)route->accepted);
    add(h, (uint64_t)route->completed);
    add(h, (uint64_t)route->failed);
    add(h, (uint64_t)route->dropped);
    add(h, (uint64_t)route->unsent);
    add(h, (uint64_t)route->closed_queued);
}

static void add_job(hasher *h, const void *object)
{
    const cb_step_job *job = object;
    add_bytes(h, job->state, job->kind, job->name_space, job->has_nul);
    add_bytes(h, job->connected, job->interrupted, job->cancel, job->payload != 0);
    add_bytes(h, job->place, job->stale, job->peer_port >> 8, job->peer_port & UINT8_MAX);
    add(h, ((uint64_t)job->route << 32) | job->connection);
    add(h, ((uint64_t)(uint32_t)job->status << 32) | job->port);
    add(h, ((uint64_t)job->worker << 32) | (uint32_t)job->timeout_ms);
    add_link(h, job->line);
    add_link(h, job->family);
    add(h, (uint64_t)(h->present && job->number != 0 ? h->step->last_number - job->number
                                                     : job->number));
    add(h, job->id);
    add(h, (uint64_t)job->size_bytes);
    add(h, (uint64_t)job->entry);
    add(h, job->lane);
    add_list(h, job->waits);
    add_list(h, job->cancelers);
    add_list(h, job->asked);
    if (!h->present) {
        add(h, (uint64_t)job->ready_ns);
        add(h, ((uint64_t)job->run_us << 32) | job->ran);
    }
}

static void add_wait(hasher *h, const void *object)
{
    const cb_step_wait *wait = object;
    add(h, ((uint64_t)wait->kind << 32) | wait->asker);
    add(h, wait->cause);
    add(h, ((uint64_t)wait->owner << 32) | wait->subject);
    add(h, wait->counts);
    add(h, ((uint64_t)(uint32_t)wait->what << 1) | (wait->payload != 0));
    add_link(h, wait->link);
    add_link(h, wait->mine);
}

static void add_worker(hasher *h, const void *object)
{
    const cb_step_worker *worker = object;
    add(h, ((uint64_t)worker->state << 32) | worker->address);
    add(h, ((uint64_t)worker->running << 32) | worker->listed);
    add_list(h, worker->held);
    add_link(h, worker->link);
    add_time(h, worker->progress_ns);
    add(h, worker->unsure);
}

static void add_lane(hasher *h, const void *object)
{
    const cb_step_lane *lane = object;
    add(h, lane->key);
    add(h, ((uint64_t)lane->worker << 32) | lane->held);
    add(h, lane->next);
    add_list(h, lane->returned);
    add_list(h, lane->backlog);
}

static void add_asker(hasher *h, const void *object)
{
    const cb_step_asker *asker = object;
    add(h, asker->address);
    add_list(h, asker->asked);
}

static void add_space(hasher *h, const void *object)
{
    const cb_step_space *space = object;
    add(h, ((uint64_t)space->last_route << 32) | space->name_space);
    add(h, space->last_job);
    add(h, space->untaken);
    add(h, ((uint64_t)space->jobs_closed << 32) | space->alone_handed);
    add_list(h, space->alone);
    add_list(h, space->closers);
    add(h, (uint64_t)space->canceled);
}

static void add_histogram(hasher *h, const cb_histogram *histogram)
{
    for (unsigned i = 0; i < CB_HISTOGRAM_BUCKETS; i++) {
        add(h, histogram->buckets[i]);
    }
    add(h, histogram->sum_ns);
}

static void add_tally(hasher *h, const void *object)
{
    const cb_tally *tally = object;
    add(h, ((uint64_t)tally->kind << 32) | tally->name_space);
    add(h, tally->begun);
    add(h, tally->route);
    add(h, tally->lost_replies);
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++) {
        add(h, tally->phases[i]);
    }
    for (unsigned i = 0; i < CB_TALLY_OUTCOMES; i++) {
        add(h, tally->ended[i]);
    }
    for (unsigned i = 0; i < CB_TALLY_REASONS; i++) {
        add(h, tally->closed[i]);
    }
    add(h, tally->received_bytes);
    add(h, tally->sent_bytes);
    add_histogram(h, &tally->queue);
    add_histogram(h, &tally->run);
    add_histogram(h, &tally->whole);
}

static void add_table(hasher *h, const cb_slots *table,
                      void (*add_object)(hasher *h, const void *object))
{
    add(h, ((uint64_t)table->count << 32) | table->free_head);
    for (uint32_t i = 0; i < table->high; i++) {
        const cb_slot *slot = cb_slots_item(table, i);
        add(h, ((uint64_t)slot->generation << 32) | slot->link);
        if (slot->link == CB_SLOT_IN_USE) {
            add_object(h, slot);
        }
    }
}

static void add_heap(hasher *h, const cb_heap *heap, bool times)
{
    add(h, heap->count);
    for (uint32_t i = 0; i < heap->count; i++) {
        const cb_heap_node *node = &heap->nodes[heap->places[i]];
        if (times) {
            add_time(h, node->key);
        }
        add(h, ((uint64_t)node->kind << 32) | node->owner);
        add(h, h->present ? 0 : node->order);
    }
}

static void add_outcomes(hasher *h, const cb_step_outcomes *outcomes)
{
    add(h, outcomes->next);
    for (uint32_t i = 0; i < outcomes->high; i++) {
        add(h, outcomes->ring[i].key);
        add(h,
            ((uint64_t)(uint32_t)outcomes->ring[i].status << 1) | (outcomes->ring[i].payload != 0));
    }
}

static void add_globals(hasher *h)
{
    const cb_step *step = h->step;
    if (!h->present) {
        add(h, step->inputs);
        add(h, (uint64_t)step->now_ns);
        add(h, (uint64_t)step->last_number);
    }
    add(h, ((uint64_t)step->last_actor << 32) | step->live_routes);
    add(h, step->spread);
    add_list(h, step->closed);
    add_list(h, step->fresh);
    add_list(h, step->parked);
    add_list(h, step->feedable);
    add_list(h, step->client_queue);
    add_list(h, step->client_held);
    add_bytes(h, step->client, step->shutdown, step->finish, step->cut);
    add(h, step->finisher);
    add(h, step->finish_cause);
    add_time(h, step->told_deadline_ns == INT64_MAX ? step->now_ns : step->told_deadline_ns);
}

static uint64_t hash(const cb_step *step, bool present)
{
    hasher h = {UINT64_C(0xcb5e), present, step};
    add_globals(&h);
    add_table(&h, &step->routes, add_route);
    add_table(&h, &step->jobs, add_job);
    add_table(&h, &step->waits, add_wait);
    add_table(&h, &step->workers, add_worker);
    add_table(&h, &step->askers, add_asker);
    add_table(&h, &step->lanes, add_lane);
    add_table(&h, &step->spaces, add_space);
    if (!present) {
        add_table(&h, &step->tallies, add_tally); /* they only count the past */
    }
    add_heap(&h, &step->deadlines, true);
    add_heap(&h, &step->returned, false);
    add_outcomes(&h, &step->outcomes);
    return h.hash;
}

uint64_t cb_step_hash(const cb_step *step)
{
    return hash(step, false);
}

uint64_t cb_step_hash_present(const cb_step *step)
{
    return hash(step, true);
}

size_t cb_step_size(const cb_step *step)
{
    return (size_t)step->routes.high + step->jobs.high + step->waits.high + step->workers.high +
           step->askers.high + step->lanes.high + step->spaces.high + step->deadlines.count +
           step->returned.count + step->outcomes.high + CB_TALLY_HASH_COST * step->tallies.high;
}
