/* The step in random worlds with faults: clients that reset, callbacks that fail or never end,
 * callbacks whose time is up while they wait for something, askers that leave, actors and listeners
 * that die, actors that do not start, messages twice, too late or from nobody, a close or the
 * shutdown at any moment. Every world is drawn from a seed; one that goes wrong is printed with its
 * seed and its messages. CALLBOARD_SIM_SEED=n runs that one, CALLBOARD_SIM_SEEDS=n so many,
 * CALLBOARD_SIM_STEPS=n as many as have n messages together. A long run, of some minutes:
 *
 *     cmake --preset release -DCB_TESTS=ON && ninja -C build/release step_simulation_test
 *     CALLBOARD_SIM_STEPS=100000000 build/release/tests/unit/step_simulation_test
 */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

#include "actors/step/state.h"

static void saw(const cb_message *message, cb_effects effects);

#define WORLD_ASKERS                6u
#define WORLD_ROUTES                4u
#define WORLD_CONNECTIONS           48u
#define WORLD_WORKERS               6u
#define WORLD_QUEUE                 160u
#define WORLD_SAW(message, effects) saw(&(message), (effects))
#include "tests/unit/step_choices.h"

#define SEEDS       1000u
#define INPUTS_KEPT 8192u

/* Of all worlds together: what shall have happened. */
typedef struct sim_counts {
    uint64_t messages;
    uint64_t jobs_stopped;   /* questions that ended with the job that asked */
    uint64_t askers_stopped; /* and with their asker */
    uint64_t late;           /* callbacks' questions that came after the end of their job */
    uint64_t canceled;       /* orders of those who are gone */
    uint64_t aged;           /* places whose next object has one of the last generations */
} sim_counts;

static sim_counts counts;
static cb_message kept[INPUTS_KEPT];
static size_t kept_count;
static uint64_t digest;
static uint64_t random_state;

static void mix(uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    digest ^= digest >> 29;
}

static void count(const cb_message *message, const cb_message *effect)
{
    bool stopped = effect->kind == CB_MSG_ANSWER && effect->status == CB_STOPPED;
    counts.canceled += effect->kind == CB_MSG_CANCEL_ORDER;
    if (stopped && message->kind == CB_MSG_GOODBYE) {
        counts.askers_stopped++;
    } else if (stopped && effect->to < CB_ADDRESS_FIRST_ASKER) {
        counts.late += message->from == effect->to && message->cause == effect->cause;
        counts.jobs_stopped += message->kind == CB_MSG_JOB_COMPLETED;
    }
}

static void saw(const cb_message *message, cb_effects effects)
{
    counts.messages++;
    if (kept_count < INPUTS_KEPT) {
        kept[kept_count++] = *message;
    }
    for (size_t i = 0; i < effects.count; i++) {
        count(message, &effects.items[i]);
        uint64_t words[sizeof(cb_message) / 8];
        memcpy(words, &effects.items[i], sizeof words);
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            mix(words[k]);
        }
    }
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)(draw() % bound);
}

static bool one_in(uint32_t bound)
{
    return below(bound) == 0;
}

static cb_limits random_limits(void)
{
    cb_limits limits;
    memset(&limits, 0, sizeof limits);
#define SIM_LIMIT(field, value, least, most, variable, reason) limits.field = (value);
    CB_LIMITS(SIM_LIMIT)
#undef SIM_LIMIT
    limits.max_actors = 1 + below(WORLD_WORKERS - 1u);
    limits.hand_batch = 1 + below(WORLD_HELD);
    limits.max_queued = 1 + below(12);
    limits.max_waits = 1 + below(6);
    limits.max_client_jobs = 1 + below(4);
    limits.max_untaken = 2 + below(8);
    limits.max_connections = 4 + below(40);
    limits.max_closed_routes = 1 + below(4);
    limits.grace_ms = below(20);
    limits.suspect_us = 100 + below(3000);
    return limits;
}

/* What this is about: routes of all kinds, with the connections dealt out among them. */
static void random_kinds(world *w)
{
    static const uint32_t kinds[] = {CB_ROUTE_TCP,  CB_ROUTE_TCP,     CB_ROUTE_HTTP,
                                     CB_ROUTE_UDP,  CB_ROUTE_SOCKETS, CB_ROUTE_UDP_CLIENT,
                                     CB_ROUTE_LOOP, CB_ROUTE_LOCAL};
    for (uint32_t i = 1; i < WORLD_ROUTES; i++) { /* the first one is for client jobs */
        w->listeners[i].kind = one_in(3) ? CB_ROUTE_TCP : kinds[below(sizeof kinds / 4u)];
    }
}

/* Commands, and jobs of this process. */
static cb_message other_question(uint32_t *used)
{
    cb_message q = {.name_space = 1, .job = 1 + below(8)};
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
        q.kind = CB_MSG_COMMAND;
        q.route = one_in(2) ? 1 : 1 + below(WORLD_ROUTES + 1u);
        q.status = one_in(3) ? 20 : CB_ORDER_SET_TLS;
        q.payload = extra_of((*used)++);
        break;
    case 3:
        q.kind = CB_MSG_CANCEL_JOB;
        break;
    case 4:
        q.kind = one_in(4) ? CB_MSG_CLOSE_JOBS : CB_MSG_CANCEL_JOB;
        break;
    default:
        q.kind = CB_MSG_BEGIN_JOB;
        q.route = one_in(2) ? CB_ROUTE_NONE : one_in(2) ? CB_ROUTE_ONLY : 1 + below(WORLD_ROUTES);
        q.value = one_in(3) ? (int64_t)below(5) : -1;
        break;
    }
    return q;
}

static cb_message random_question(uint32_t *dialled, uint32_t *used)
{
    uint32_t route = 1 + below(WORLD_ROUTES + 1u);
    cb_message q = {.name_space = 1, .job = 1 + below(6)};
    if (one_in(3)) {
        q = other_question(used);
        if (q.kind == CB_MSG_BEGIN_JOB) {
            q.payload = request_of((*dialled)++);
        }
        return q;
    }
    switch (below(12)) {
    case 0:
        q.kind = CB_MSG_CLOSE_ROUTE;
        q.route = route;
        q.flags = one_in(2) ? CB_FLAG_AT_ONCE : 0;
        break;
    case 1:
    case 2:
    case 3:
    case 4:
        q.kind = CB_MSG_WAIT;
        q.status = (int32_t)below(4);
        q.value = one_in(3) ? -1 : (int64_t)below(8);
        break;
    case 5:
        q.kind = CB_MSG_TAKE_JOB;
        q.flags = one_in(2) ? CB_FLAG_AS_TEXT : 0;
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        q.kind = CB_MSG_BEGIN_JOB;
        q.flags = CB_FLAG_CLIENT;
        q.route = 1; /* in this world the others may be no TCP */
        q.value = one_in(3) ? (int64_t)below(10) : -1;
        q.payload = request_of((*dialled)++);
        break;
    default:
        q.kind = CB_MSG_ASK;
        q.value = below(CB_ASK_COUNT + 1u);
        break;
    }
    return q;
}

/* What callbacks ask while they run; it need not have an end of its own. */
static void random_asks(world *w, uint32_t *used)
{
    w->asks_length = one_in(4) ? 0 : 1u + below(WORLD_SCRIPT);
    for (uint32_t i = 0; i < w->asks_length; i++) {
        cb_message q = {.name_space = 1};
        switch (below(8)) {
        case 0:
            q.kind = CB_MSG_COMMAND;
            q.route = 1 + below(WORLD_ROUTES);
            q.status = one_in(3) ? CB_ORDER_SET_TLS : 20;
            q.payload = extra_of((*used)++);
            break;
        case 1:
            q.kind = one_in(3) ? CB_MSG_CLOSE_JOBS : CB_MSG_CANCEL_JOB;
            q.job = 1 + below(8);
            break;
        case 2:
            q.kind = CB_MSG_CLOSE_ROUTE;
            q.route = 2 + below(WORLD_ROUTES);
            q.flags = one_in(2) ? CB_FLAG_AT_ONCE : 0;
            break;
        default:
            q.kind = CB_MSG_WAIT;
            q.status = (int32_t)below(3);
            q.value = one_in(2) ? -1 : (int64_t)below(8);
            q.job = 1 + below(6);
            break;
        }
        w->asks[i] = q;
    }
}

/* The last route is opened by an asker, who may have left when it listens. */
static void open_late(world *w)
{
    world_asker *asker = &w->askers[1];
    world_opens_late(w);
    asker->script[asker->length++] =
        (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                     .name_space = 1,
                     .status = one_in(2) ? (int32_t)below(5) : -1,
                     .connection = cb_route_word(kind_of(w, WORLD_ROUTES - 1u), 0),
                     .payload = callback_of(WORLD_ROUTES - 1u)};
}

static void populate(world *w)
{
    uint32_t dialled = 0;
    uint32_t used = 0;
    random_kinds(w);
    /* The last asker has nothing to ask but the finish: it must never have to wait. */
    for (uint32_t i = 0; i + 1u < WORLD_ASKERS; i++) {
        w->askers[i].length = below(WORLD_SCRIPT - 2u);
        for (uint32_t k = 0; k < w->askers[i].length; k++) {
            w->askers[i].script[k] = random_question(&dialled, &used);
        }
    }
    if (one_in(3)) {
        world_asker *asker = &w->askers[0];
        asker->script[asker->length++] = (cb_message){.kind = CB_MSG_SHUTDOWN};
    }
    for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
        w->connections[i].route = i < dialled ? 0 : i % WORLD_ROUTES;
        w->connections[i].port = i < dialled || one_in(2) ? 5000 + i : 0;
        w->connections[i].state = i < dialled ? CONN_NONE : CONN_NEW;
        if (has_events(w, w->connections[i].route) && one_in(2)) {
            /* the number of an earlier one of its route: often the same lane */
            w->connections[i].number = i >= dialled + WORLD_ROUTES ? i - WORLD_ROUTES : 0;
        }
        if (kind_of(w, w->connections[i].route) == CB_ROUTE_LOCAL) {
            w->connections[i].state = CONN_NONE;
        }
    }
    random_asks(w, &used);
    if (one_in(3) && kind_of(w, WORLD_ROUTES - 1u) != CB_ROUTE_LOCAL) {
        open_late(w);
    }
    w->leavers = (uint32_t)draw() & ((1u << (WORLD_ASKERS - 1u)) - 1u); /* not the last one */
    w->departures = one_in(2) ? below(WORLD_ASKERS) : 0;
    w->blocks = one_in(2) ? below(12) : 0;
    w->stales = below(6);
    w->refusals = below(4);
    w->resets = one_in(2) ? below(10) : 0;
    w->failures = one_in(2) ? below(10) : 0;
    w->failing_starts = one_in(4) ? below(3) : 0;
    w->eager = one_in(2);
    w->instant = one_in(2);
    w->finale = 1;
    w->ticks = UINT32_MAX;
}

/* Something that no proper sender would send now; the step must not mind. */
static void make_noise(world *w, cb_step *step)
{
    cb_message noise = {.kind = (uint16_t)(16 + below(50)), .name_space = (uint8_t)below(3)};
    uint32_t index = below(WORLD_CONNECTIONS);
    if (one_in(2) && w->connections[index].state == CONN_GONE &&
        w->listeners[w->connections[index].route].up.count == 0) {
        /* a connection that is long gone */
        static const uint16_t late[] = {CB_MSG_REQUEST_READY, CB_MSG_RESPONSE_SENT,
                                        CB_MSG_CONNECTION_CLOSED};
        noise = from_listener(w, w->connections[index].route, late[below(3)], index);
    } else {
        noise.from = 4 + below(8); /* nobody has these addresses */
        noise.route = below(WORLD_ROUTES + 2u);
        noise.connection = below(WORLD_CONNECTIONS);
        noise.job = draw() & UINT64_C(0x30000000f);
    }
    noise.payload = one_in(2) ? WORLD_NOISE : 0;
    world_input(w, step, noise);
}

/* An actor or a listener ends without having been told to. */
static void kill_somebody(world *w)
{
    world_worker *worker = &w->workers[below(WORLD_WORKERS)];
    uint32_t route = below(WORLD_ROUTES);
    if (one_in(2) && worker->address != 0 && !worker->ended) {
        cb_message stopped = {
            .kind = CB_MSG_ACTOR_STOPPED, .from = worker->address, .status = CB_IO};
        if (worker->running) {
            w->connections[worker->payloads[0] - 1u].running = 0;
        }
        worker->ended = worker->dead = 1;
        worker->count = worker->running = worker->awaits = 0;
        queue_put(w, &worker->up, &stopped);
    } else if (!w->listeners[route].ended) {
        w->listeners[route].deaf = w->listeners[route].leaving = w->listeners[route].died = 1;
        for (uint32_t i = 0; i < WORLD_CONNECTIONS; i++) {
            world_connection *connection = &w->connections[i];
            if (connection->route == route &&
                (connection->state == CONN_READING || connection->state == CONN_READY)) {
                connection->state = CONN_GONE;
            }
        }
        listener_may_end(w, route);
    }
}

/* The next objects in these places will have the last generations there are, and then the first one
 * again; nothing that is still under way is about an object of that one. */
static void age(cb_slots *table)
{
    const uint32_t long_ago = 8;
    for (uint32_t i = 0; i < table->high; i++) {
        cb_slot *slot = cb_slots_item(table, i);
        if (slot->link != CB_SLOT_IN_USE && slot->generation >= long_ago &&
            slot->generation < UINT32_MAX / 2u) {
            slot->generation = UINT32_MAX - 1u - below(2);
            counts.aged++;
        }
    }
}

static world_choice pick(const world_choice *choices, size_t count)
{
    world_choice choice = choices[below((uint32_t)count)];
    if (choice.act == ACT_TICK && count > 1 && !one_in(8)) {
        choice = choices[below((uint32_t)count - 1u)]; /* the tick is the last one */
    }
    for (size_t i = 0; choice.act == ACT_COMPLETE && i < count; i++) {
        if (choices[i].act == ACT_ASK && one_in(2)) {
            choice = choices[i];
        }
    }
    return choice;
}

static const char *simulate(uint64_t seed)
{
    static world w;
    static world_choice choices[WORLD_CHOICES];
    random_state = seed;
    digest = 0;
    kept_count = 0;
    memset(&w, 0, sizeof w);
    cb_limits limits = random_limits();
    cb_step *step = cb_step_new(&limits);
    if (step == NULL) {
        return "no memory";
    }
    populate(&w);
    world_open(&w, step, one_in(2) ? (int32_t)below(5) : -1);
    uint32_t noise = one_in(2) ? 20 + below(50) : UINT32_MAX;
    uint32_t deaths = one_in(3) ? below(4) : 0;
    for (uint32_t turn = 0; w.wrong == NULL; turn++) {
        for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
            w.workers[i].stubborn = w.workers[i].address % 5u == 3u;
        }
        size_t count = world_choices(&w, step, choices);
        if (count == 0) {
            break;
        }
        world_take(&w, step, pick(choices, count));
        if (one_in(noise)) {
            make_noise(&w, step);
        }
        if (deaths > 0 && one_in(100)) {
            deaths--;
            kill_somebody(&w);
        }
        if (turn % 64 == 0) {
            mix(cb_step_hash(step));
            age(&step->jobs);
            age(&step->waits);
            age(&step->lanes);
        }
        if (turn > 100000) {
            world_wrong(&w, "the world does not come to its end");
        }
    }
    if (w.wrong == NULL) {
        w.wrong = world_end(&w, step);
    }
    mix(cb_step_hash(step));
    cb_step_free(&step, NULL, NULL);
    return w.wrong;
}

static void print_failure(uint64_t seed, const char *wrong)
{
    fprintf(stderr, "\nCALLBOARD_SIM_SEED=%llu: %s\n", (unsigned long long)seed, wrong);
    for (size_t i = 0; i < kept_count; i++) {
        const cb_message *m = &kept[i];
        fprintf(stderr,
                "%5zu %2u ns %u flags %u status %d from %u cause %llu at %lld route %u conn %u "
                "job %llx value %lld payload %llu\n",
                i + 1, m->kind, m->name_space, m->flags, m->status, m->from,
                (unsigned long long)m->cause, (long long)m->time_ns, m->route, m->connection,
                (unsigned long long)m->job, (long long)m->value, (unsigned long long)m->payload);
    }
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_seeds(void)
{
    bool one = getenv("CALLBOARD_SIM_SEED") != NULL;
    uint64_t steps = from_environment("CALLBOARD_SIM_STEPS", 0);
    uint64_t first = from_environment("CALLBOARD_SIM_SEED", 1);
    uint64_t worlds = from_environment("CALLBOARD_SIM_SEEDS", one ? 1 : steps > 0 ? 0 : SEEDS);
    uint64_t seed = first;
    memset(&counts, 0, sizeof counts);
    for (; seed < first + worlds || counts.messages < steps; seed++) {
        const char *wrong = simulate(seed);
        CU_ASSERT_PTR_NULL(wrong);
        if (wrong != NULL) {
            print_failure(seed, wrong);
            return;
        }
    }
    printf("%llu worlds, %llu messages; questions that ended with their job: %llu, with their "
           "asker: %llu; after their job: %llu; orders canceled: %llu; places aged: %llu\n",
           (unsigned long long)(seed - first), (unsigned long long)counts.messages,
           (unsigned long long)counts.jobs_stopped, (unsigned long long)counts.askers_stopped,
           (unsigned long long)counts.late, (unsigned long long)counts.canceled,
           (unsigned long long)counts.aged);
    CU_ASSERT(one || (counts.jobs_stopped > 100 && counts.askers_stopped > 100 &&
                      counts.late > 10 && counts.canceled > 20 && counts.aged > 5));
}

static void test_same_seed_same_effects(void)
{
    uint64_t last = 0;
    for (uint64_t seed = 1000; seed < 1020; seed++) {
        simulate(seed);
        uint64_t once = digest;
        simulate(seed);
        CU_ASSERT_EQUAL(digest, once);
        CU_ASSERT_NOT_EQUAL(digest, last);
        last = digest;
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("step, simulated", NULL, NULL);
    CU_add_test(suite, "random worlds with faults", test_seeds);
    CU_add_test(suite, "the same seed gives the same effects", test_same_seed_same_effects);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
