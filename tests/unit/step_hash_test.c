/* The hash sees each bit that decides later effects, and takes no two of them for each other. */
#include "tests/unit/step_rich.h"

#define HASHES_MOST 65536u

enum {
    PAST = 1,   /* only the hash of the whole past sees it */
    NEVER = 2,  /* no hash sees it: it follows from the rest, or only tells */
    HANDLE = 4, /* a payload: whether it is there counts, which it is does not */
    ORDER = 8   /* so far only its difference to another number counts in the present */
};

typedef struct field {
    const char *name;
    size_t table; /* within cb_step; SIZE_MAX: the field is the step's own */
    size_t offset;
    size_t size;
    unsigned bits; /* how many of them count, from the lowest */
    unsigned traits;
} field;

#define FIELD_BITS(table, type, member, bits, traits)                                              \
    {                                                                                              \
#type "." #member, offsetof(cb_step, table), offsetof(type, member),                       \
            sizeof(((type *)0)->member), (bits), (traits)                                          \
    }
#define FIELD(table, type, member, traits)                                                         \
    FIELD_BITS(table, type, member, 8 * sizeof(((type *)0)->member), traits)
#define OWN(member, bits, traits)                                                                  \
    {                                                                                              \
#member, SIZE_MAX, offsetof(cb_step, member), sizeof(((cb_step *)0)->member), (bits),      \
            (traits)                                                                               \
    }

#define ROUTE(member, traits)  FIELD(routes, cb_step_route, member, traits)
#define JOB(member, traits)    FIELD(jobs, cb_step_job, member, traits)
#define WAIT(member, traits)   FIELD(waits, cb_step_wait, member, traits)
#define WORKER(member, traits) FIELD(workers, cb_step_worker, member, traits)
#define LANE(member, traits)   FIELD(lanes, cb_step_lane, member, traits)
#define SPACE(member, traits)  FIELD(spaces, cb_step_space, member, traits)
#define TALLY(member)          FIELD(tallies, cb_tally, member, PAST)

static const field fields[] = {
    ROUTE(slot.generation, 0),
    ROUTE(state, 0),
    ROUTE(listener, 0),
    ROUTE(name_space, 0),
    ROUTE(close_accepted, 0),
    ROUTE(shared, 0),
    ROUTE(id, 0),
    ROUTE(address, 0),
    ROUTE(connection, 0),
    ROUTE(timeout_ms, 0),
    ROUTE(port, 0),
    ROUTE(entry, 0),
    ROUTE(callback, HANDLE),
    ROUTE(opener, 0),
    ROUTE(opener_cause, 0),
    ROUTE(tombstone, 0),
    ROUTE(jobs.first, 0),
    ROUTE(jobs.last, 0),
    ROUTE(closers.first, 0),
    ROUTE(closers.last, 0),
    ROUTE(waits.first, 0),
    ROUTE(waits.last, 0),
    ROUTE(openers.first, 0),
    ROUTE(openers.last, 0),
    ROUTE(orders.first, 0),
    ROUTE(orders.last, 0),
    ROUTE(stale.first, 0),
    ROUTE(stale.last, 0),
    ROUTE(tls, HANDLE),
    ROUTE(tls_version, 0),
    ROUTE(tls_told, 0),
    ROUTE(tls_changing, 0),
    ROUTE(active, 0),
    ROUTE(pending, 0),
    ROUTE(queued, 0),
    ROUTE(running, 0),
    ROUTE(waiting, 0),
    ROUTE(connected, 0),
    ROUTE(connections, 0),
    ROUTE(accepted, 0),
    ROUTE(completed, 0),
    ROUTE(failed, 0),
    ROUTE(dropped, 0),
    ROUTE(unsent, 0),
    ROUTE(closed_queued, 0),
    ROUTE(tally, NEVER),
    JOB(slot.generation, 0),
    JOB(state, 0),
    JOB(kind, 0),
    JOB(name_space, 0),
    JOB(has_nul, 0),
    JOB(connected, 0),
    JOB(interrupted, 0),
    JOB(place, 0),
    JOB(stale, 0),
    JOB(peer_port, 0),
    JOB(status, 0),
    JOB(route, 0),
    JOB(connection, 0),
    JOB(port, 0),
    JOB(worker, 0),
    JOB(timeout_ms, 0),
    JOB(lane, 0),
    JOB(line, 0),
    JOB(family, 0),
    FIELD_BITS(jobs, cb_step_job, number, 40, ORDER),
    JOB(id, 0),
    JOB(payload, HANDLE),
    JOB(size_bytes, 0),
    JOB(entry, 0),
    JOB(ready_ns, PAST),
    JOB(run_us, PAST),
    JOB(ran, PAST),
    JOB(waits.first, 0),
    JOB(waits.last, 0),
    JOB(cancelers.first, 0),
    JOB(cancelers.last, 0),
    JOB(queue_ns, NEVER),
    WAIT(slot.generation, 0),
    WAIT(kind, 0),
    WAIT(asker, 0),
    WAIT(cause, 0),
    WAIT(owner, 0),
    WAIT(counts, 0),
    WAIT(what, 0),
    WAIT(link, 0),
    WAIT(payload, HANDLE),
    WORKER(slot.generation, 0),
    WORKER(state, 0),
    WORKER(address, 0),
    WORKER(running, 0),
    WORKER(listed, 0),
    WORKER(held.first, 0),
    WORKER(held.last, 0),
    WORKER(link, 0),
    WORKER(progress_ns, 0),
    WORKER(unsure, 0),
    LANE(slot.generation, 0),
    LANE(key, 0),
    LANE(worker, 0),
    LANE(held, 0),
    LANE(next, 0),
    LANE(returned.first, 0),
    LANE(returned.last, 0),
    LANE(backlog.first, 0),
    LANE(backlog.last, 0),
    FIELD(askers, cb_step_asker, slot.generation, 0),
    FIELD(askers, cb_step_asker, address, 0),
    SPACE(name_space, 0),
    SPACE(last_route, 0),
    SPACE(last_job, 0),
    SPACE(untaken, 0),
    SPACE(jobs_closed, 0),
    SPACE(alone.first, 0),
    SPACE(alone.last, 0),
    SPACE(alone_handed, 0),
    SPACE(closers.first, 0),
    SPACE(closers.last, 0),
    SPACE(canceled, 0),
    SPACE(open_routes, NEVER),
    TALLY(kind),
    TALLY(name_space),
    TALLY(route),
    TALLY(phases[0]),
    TALLY(phases[CB_TALLY_PHASES - 1]),
    TALLY(begun),
    TALLY(ended[0]),
    TALLY(ended[CB_TALLY_OUTCOMES - 1]),
    TALLY(closed[0]),
    TALLY(closed[CB_TALLY_REASONS - 1]),
    TALLY(lost_replies),
    TALLY(received_bytes),
    TALLY(sent_bytes),
    TALLY(queue.buckets[0]),
    TALLY(queue.buckets[CB_HISTOGRAM_BUCKETS - 1]),
    TALLY(queue.sum_ns),
    TALLY(run.sum_ns),
    TALLY(whole.sum_ns),
    OWN(inputs, 64, PAST),
    OWN(last_number, 40, PAST | ORDER),
    OWN(last_actor, 32, 0),
    OWN(live_routes, 32, 0),
    OWN(spread, 32, 0),
    OWN(closed.first, 32, 0),
    OWN(closed.last, 32, 0),
    OWN(fresh.first, 32, 0),
    OWN(fresh.last, 32, 0),
    OWN(parked.first, 32, 0),
    OWN(parked.last, 32, 0),
    OWN(feedable.first, 32, 0),
    OWN(feedable.last, 32, 0),
    OWN(client_queue.first, 32, 0),
    OWN(client_queue.last, 32, 0),
    OWN(client_held.first, 32, 0),
    OWN(client_held.last, 32, 0),
    OWN(client, 8, 0),
    OWN(shutdown, 8, 0),
    OWN(finish, 8, 0),
    OWN(cut, 8, 0),
    OWN(finisher, 32, 0),
    OWN(finish_cause, 64, 0),
    OWN(told_deadline_ns, 64, 0),
    OWN(waits.free_head, 32, 0),
    OWN(waits.count, 32, 0),
    OWN(outcomes.next, 32, 0),
    OWN(ignored, 64, NEVER),
};

static play p;

static const struct {
    const char *name;
    void (*begin)(play *p);
} states[] = {{"work", rich_work},
              {"lanes", rich_lanes},
              {"local jobs", rich_local},
              {"clients", rich_clients}};

/* The hashes of one state with one change each, to find two that are alike. */
typedef struct changed {
    uint64_t hash;
    const char *name;
    uint32_t slot;
    unsigned bit;
} changed;

static changed hashes[HASHES_MOST];
static size_t hash_count;

static int by_value(const void *one, const void *other)
{
    uint64_t a = ((const changed *)one)->hash;
    uint64_t b = ((const changed *)other)->hash;
    return a < b ? -1 : a > b;
}

static bool differs(bool present, const uint64_t before[2])
{
    uint64_t now = present ? cb_step_hash_present(p.d.step) : cb_step_hash(p.d.step);
    return now != before[present];
}

static void wrong(const char *name, uint32_t slot, unsigned bit, const char *what)
{
    CU_FAIL("a bit is not hashed as it should be");
    fprintf(stderr, "  %s of %u, bit %u: %s\n", name, slot, bit, what);
}

static void check_bit(const field *f, unsigned char *bytes, uint32_t slot, unsigned bit,
                      const uint64_t before[2])
{
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    bool past = differs(false, before);
    bool present = differs(true, before);
    if (past) {
        double_must(hash_count < HASHES_MOST, "too few hashes");
        hashes[hash_count++] = (changed){cb_step_hash(p.d.step), f->name, slot, bit};
    }
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    bool seen = (f->traits & NEVER) == 0;
    if (past != seen) {
        wrong(f->name, slot, bit, seen ? "the hash does not see it" : "the hash sees it");
    }
    if ((f->traits & ORDER) == 0 && present != (seen && (f->traits & PAST) == 0)) {
        wrong(f->name, slot, bit, "seen of the past, or not seen of the present");
    }
}

static void check_handle(const field *f, unsigned char *bytes, uint32_t slot,
                         const uint64_t before[2])
{
    uint64_t handle;
    uint64_t other;
    memcpy(&handle, bytes, sizeof handle);
    other = handle == 0;
    memcpy(bytes, &other, sizeof other);
    if (!differs(false, before) || !differs(true, before)) {
        wrong(f->name, slot, 0, "the hash does not see whether it is there");
    }
    other = handle == 0 ? 0 : handle + (UINT64_C(3) << 31);
    memcpy(bytes, &other, sizeof other);
    if (differs(false, before) || differs(true, before)) {
        wrong(f->name, slot, 0, "the hash sees which it is");
    }
    memcpy(bytes, &handle, sizeof handle);
}

static void check_field(const field *f, unsigned char *bytes, uint32_t slot,
                        const uint64_t before[2])
{
    if ((f->traits & HANDLE) != 0) {
        check_handle(f, bytes, slot, before);
        return;
    }
    for (unsigned bit = 0; bit < f->bits; bit++) {
        check_bit(f, bytes, slot, bit, before);
    }
}

/* The field in each object of its table; whether there is one. */
static bool check_objects(const field *f, const uint64_t before[2])
{
    cb_slots *table = (cb_slots *)(void *)((unsigned char *)p.d.step + f->table);
    for (uint32_t slot = 0; slot < table->high; slot++) {
        if (cb_slots_live(table, slot) != NULL) {
            check_field(f, (unsigned char *)cb_slots_item(table, slot) + f->offset, slot, before);
        }
    }
    return table->count > 0;
}

static void check_heap(cb_heap *heap, bool times, const uint64_t before[2])
{
    for (uint32_t i = 0; i < heap->count; i++) {
        cb_heap_node *node = &heap->nodes[heap->places[i]];
        const field parts[] = {
            {"key", 0, 0, 8, 64, times ? 0 : NEVER},
            {"order", 0, offsetof(cb_heap_node, order), 8, 64, PAST},
            {"owner", 0, offsetof(cb_heap_node, owner), 4, 32, 0},
            {"kind", 0, offsetof(cb_heap_node, kind), 4, 32, 0},
        };
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            check_field(&parts[k], (unsigned char *)node + parts[k].offset, i, before);
        }
    }
}

static void check_outcomes(const cb_step_outcomes *outcomes, const uint64_t before[2])
{
    for (uint32_t i = 0; i < outcomes->high; i++) {
        unsigned char *bytes = (unsigned char *)&outcomes->ring[i];
        const field parts[] = {
            {"key", 0, offsetof(cb_step_outcome, key), 8, 64, 0},
            {"status", 0, offsetof(cb_step_outcome, status), 4, 32, 0},
            {"text", 0, offsetof(cb_step_outcome, payload), 8, 64, HANDLE},
        };
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            check_field(&parts[k], bytes + parts[k].offset, i, before);
        }
    }
}

static void check_unlike(void)
{
    qsort(hashes, hash_count, sizeof *hashes, by_value);
    for (size_t i = 1; i < hash_count; i++) {
        if (hashes[i - 1].hash == hashes[i].hash) {
            wrong(hashes[i - 1].name, hashes[i - 1].slot, hashes[i - 1].bit, "looks like the next");
            wrong(hashes[i].name, hashes[i].slot, hashes[i].bit, "looks like the one before");
        }
    }
}

static void test_each_bit(void)
{
    bool found[sizeof fields / sizeof *fields] = {false};
    bool deadlines = false, returned = false, outcomes = false;
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        states[s].begin(&p);
        hash_count = 0;
        const uint64_t before[2] = {cb_step_hash(p.d.step), cb_step_hash_present(p.d.step)};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            const field *f = &fields[i];
            if (f->table == SIZE_MAX) {
                check_field(f, (unsigned char *)p.d.step + f->offset, 0, before);
                found[i] = true;
            } else if (check_objects(f, before)) {
                found[i] = true;
            }
        }
        deadlines = deadlines || p.d.step->deadlines.count > 1;
        returned = returned || p.d.step->returned.count > 0;
        check_heap(&p.d.step->deadlines, true, before);
        check_heap(&p.d.step->returned, false, before);
        outcomes = outcomes || p.d.step->outcomes.high > 0;
        check_outcomes(&p.d.step->outcomes, before);
        CU_ASSERT_EQUAL(cb_step_hash(p.d.step), before[0]);
        check_unlike();
        CU_ASSERT_PTR_NULL(double_end(&p.d));
    }
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        CU_ASSERT(found[i]); /* some state has an object of that table */
    }
    CU_ASSERT(deadlines && returned && outcomes);
}

/* The present is the same at another time, and after another number of jobs: how long ago something
 * was counts, and in which order, but not when. */
static void shift(cb_step *step, int64_t time_ns, int64_t number)
{
    step->now_ns += time_ns;
    step->told_deadline_ns += time_ns;
    step->last_number += number;
    for (uint32_t i = 0; i < step->deadlines.count; i++) {
        step->deadlines.nodes[step->deadlines.places[i]].key += time_ns;
    }
    for (uint32_t slot = 0; slot < step->workers.high; slot++) {
        cb_step_worker_at(step, slot)->progress_ns += time_ns;
    }
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        cb_step_job *job = cb_step_job_at(step, slot);
        job->number += job->number != 0 ? number : 0;
    }
}

static void test_the_present(void)
{
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        states[s].begin(&p);
        uint64_t present = cb_step_hash_present(p.d.step);
        uint64_t past = cb_step_hash(p.d.step);
        CU_ASSERT_NOT_EQUAL(present, past);
        shift(p.d.step, 77, 0);
        CU_ASSERT(cb_step_hash_present(p.d.step) == present && cb_step_hash(p.d.step) != past);
        shift(p.d.step, -77, 5);
        CU_ASSERT(cb_step_hash_present(p.d.step) == present && cb_step_hash(p.d.step) != past);
        shift(p.d.step, 0, -5);
        CU_ASSERT(cb_step_hash_present(p.d.step) == present && cb_step_hash(p.d.step) == past);
        p.d.step->last_number++; /* so all of them are longer ago */
        bool has_numbers = p.d.step->server_jobs > 0;
        CU_ASSERT_EQUAL(cb_step_hash_present(p.d.step) != present, has_numbers);
        CU_ASSERT_PTR_NULL(double_end(&p.d));
    }
}

/* What a hash costs grows with each table. */
static void test_size(void)
{
    rich_work(&p);
    cb_step *step = p.d.step;
    const struct {
        uint32_t *count;
        size_t cost;
    } counts[] = {
        {&step->routes.high, 1},   {&step->jobs.high, 1},       {&step->waits.high, 1},
        {&step->workers.high, 1},  {&step->askers.high, 1},     {&step->lanes.high, 1},
        {&step->spaces.high, 1},   {&step->deadlines.count, 1}, {&step->returned.count, 1},
        {&step->outcomes.high, 1}, {&step->tallies.high, 6}};
    size_t all = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        all += *counts[i].count * counts[i].cost;
        size_t before = cb_step_size(step);
        ++*counts[i].count;
        CU_ASSERT_EQUAL(cb_step_size(step), before + counts[i].cost);
        --*counts[i].count;
    }
    CU_ASSERT(all > 0 && cb_step_size(step) == all);
    CU_ASSERT_PTR_NULL(double_end(&p.d));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"each bit counts once", test_each_bit},
        {"the present", test_the_present},
        {"what it costs", test_size},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, hash", tests);
}
