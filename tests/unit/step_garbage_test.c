/* Random messages with random fields: the step never crashes, its recount always holds, and every
 * payload comes out exactly once. Half of the messages are drawn from small numbers, so that they
 * hit something. Also: every allocation fails in turn. */
#include "tests/unit/step_double.h"

#define MESSAGES_EACH 20000u
#define SEEDS         12u

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t small(uint64_t bound)
{
    return draw() % bound;
}

static cb_limits tight_limits(void)
{
    cb_limits limits = double_limits();
    limits.max_actors = 3;
    limits.max_routes = 6;
    limits.max_closed_routes = 3;
    limits.max_untaken = 20;
    limits.max_queued = 4;
    limits.max_connections = 20;
    limits.max_waits = 8;
    limits.max_client_jobs = 3;
    limits.hand_batch = 3;
    limits.grace_ms = 20;
    return limits;
}

static cb_message anything(void)
{
    uint64_t words[8];
    cb_message message;
    for (size_t i = 0; i < 8; i++) {
        words[i] = draw();
    }
    memcpy(&message, words, sizeof message);
    return message;
}

/* Names that the step gave lately, so that messages hit something. */
typedef struct names {
    cb_message listeners[16];
    uint32_t actors[16];
    uint64_t jobs[16];
    cb_message hands[16];
    cb_message orders[16];
    size_t hand_count;
    size_t order_count;
    size_t listener_count;
    size_t actor_count;
    size_t job_count;
} names;

static void learn(names *n, const step_double *d)
{
    for (size_t i = 0; i < d->effects.count; i++) {
        const cb_message *effect = &d->effects.items[i];
        if (effect->kind == CB_MSG_START_LISTENER) {
            n->listeners[n->listener_count++ % 16] = *effect;
        } else if (effect->kind == CB_MSG_ADD_ACTOR) {
            n->actors[n->actor_count++ % 16] = effect->to;
        } else if (effect->kind == CB_MSG_ORDER) {
            n->orders[n->order_count++ % 16] = *effect;
        } else if (effect->kind == CB_MSG_HAND) {
            n->jobs[n->job_count++ % 16] = effect->job;
            n->hands[n->hand_count++ % 16] = *effect;
            n->actors[n->actor_count++ % 16] = effect->to;
        }
    }
}

/* One of the jobs that were handed out lately, and its actor. */
static const cb_message *handed(const names *n)
{
    return &n->hands[(n->hand_count + 15u - (size_t)small(4)) % 16];
}

static void ask_from_job(const names *n, cb_message *message)
{
    const cb_message *hand = handed(n);
    message->from = hand->to;
    cb_message_set_asking_job(message, hand->job);
}

static size_t known(size_t count)
{
    return (size_t)small(count < 16 ? count + 1 : 16) % 16;
}

static cb_message plausible(const names *n)
{
    static const uint16_t kinds[] = {CB_MSG_OPEN_ROUTE,
                                     CB_MSG_BEGIN_JOB,
                                     CB_MSG_BEGIN_JOB,
                                     CB_MSG_TAKE_JOB,
                                     CB_MSG_ASK,
                                     CB_MSG_WAIT,
                                     CB_MSG_ROUTE_STOPPED,
                                     CB_MSG_ROUTE_LISTENING,
                                     CB_MSG_ROUTE_LISTENING,
                                     CB_MSG_ROUTE_FAILED,
                                     CB_MSG_ACCEPTED,
                                     CB_MSG_ACCEPTED,
                                     CB_MSG_ACCEPTED,
                                     CB_MSG_REQUEST_READY,
                                     CB_MSG_REQUEST_READY,
                                     CB_MSG_REQUEST_READY,
                                     CB_MSG_RESPONSE_SENT,
                                     CB_MSG_RESPONSE_SENT,
                                     CB_MSG_CONNECTION_CLOSED,
                                     CB_MSG_ACTOR_READY,
                                     CB_MSG_ACTOR_READY,
                                     CB_MSG_JOB_STARTED,
                                     CB_MSG_JOB_STARTED,
                                     CB_MSG_JOB_COMPLETED,
                                     CB_MSG_JOB_COMPLETED,
                                     CB_MSG_JOB_RETURNED,
                                     CB_MSG_ACTOR_STOPPED,
                                     CB_MSG_CLOSE_ROUTE,
                                     CB_MSG_COMMAND,
                                     CB_MSG_COMMAND,
                                     CB_MSG_CANCEL_JOB,
                                     CB_MSG_CLOSE_JOBS,
                                     CB_MSG_HELLO,
                                     CB_MSG_GOODBYE,
                                     CB_MSG_ORDER_DONE,
                                     CB_MSG_ORDER_DONE,
                                     CB_MSG_REJECTED,
                                     CB_MSG_CONNECTIONS,
                                     CB_MSG_JOB_STALE,
                                     CB_MSG_TICK};
    cb_message message = {.kind = kinds[small(sizeof kinds / sizeof *kinds)],
                          .name_space = (uint8_t)(1 + small(2)),
                          .flags = (uint8_t)draw(),
                          .status = (int32_t)small(14) - 2,
                          .cause = draw(),
                          .route = (uint32_t)small(8),
                          .connection = (uint32_t)small(12),
                          .value = (int64_t)small(30) - 2};
    if (message.kind == CB_MSG_OPEN_ROUTE) {
        message.connection = cb_route_word((uint32_t)small(CB_ROUTE_KINDS + 1u), 7);
        message.status = (int32_t)small(30) - 1;
    }
    if (message.kind == CB_MSG_CLOSE_JOBS) {
        message.name_space = (uint8_t)(3 + small(200)); /* it is for ever */
    }
    bool ends = message.kind == CB_MSG_ROUTE_STOPPED || message.kind == CB_MSG_ROUTE_FAILED ||
                message.kind == CB_MSG_ACTOR_STOPPED || message.kind == CB_MSG_CLOSE_ROUTE;
    if (ends && small(16) != 0) {
        message.kind = small(2) ? CB_MSG_ACCEPTED : CB_MSG_REQUEST_READY;
    }
    if (message.kind < CB_MSG_ROUTE_LISTENING) {
        message.from = CB_ADDRESS_FIRST_ASKER + (uint32_t)small(4);
        message.job = small(8);
        if (small(2)) {
            ask_from_job(n, &message);
        }
    } else if (message.kind < CB_MSG_ACTOR_READY) {
        const cb_message *start = &n->listeners[known(n->listener_count)];
        message.from = start->to;
        message.route = start->route;
        message.name_space = start->name_space;
        if (message.kind == CB_MSG_ORDER_DONE) {
            message.job = n->orders[known(n->order_count)].job;
            message.from = n->orders[known(n->order_count)].to;
        } else if (message.kind == CB_MSG_REQUEST_READY) {
            message.job = small(3);
        }
    } else if (small(2)) {
        const cb_message *hand = handed(n);
        message.from = hand->to;
        message.job = hand->job;
    } else {
        message.from = n->actors[known(n->actor_count)];
        message.job = n->jobs[known(n->job_count)];
    }
    return message;
}

/* What callbacks wait for now. */
static size_t of_running_jobs(const cb_step *step)
{
    size_t count = 0;
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        count += job == NULL ? 0 : job->asked.count;
    }
    return count;
}

/* How often a callback waited for something. */
static size_t run_garbage(uint64_t seed)
{
    static step_double d;
    size_t of_jobs = 0;
    cb_limits limits = tight_limits();
    names n = {0};
    state = seed;
    double_begin(&d, &limits);
    for (uint32_t i = 0; i < MESSAGES_EACH && d.wrong == NULL; i++) {
        cb_message message = small(4) == 0 ? anything() : plausible(&n);
        if (message.kind == CB_MSG_SHUTDOWN || message.kind == CB_MSG_FINISH) {
            message.kind = i > MESSAGES_EACH / 2 ? message.kind : CB_MSG_TICK;
        }
        if (i == MESSAGES_EACH * 3 / 4) {
            message.kind = CB_MSG_SHUTDOWN;
        }
        message.payload = small(2) ? double_payload(&d) : 0;
        d.now_ns += (int64_t)small(MS);
        double_send(&d, message);
        learn(&n, &d);
        of_jobs += of_running_jobs(d.step);
    }
    CU_ASSERT(n.job_count > 20 && n.order_count > 5); /* it did reach the inside */
    CU_ASSERT_PTR_NULL(double_end(&d));
    return of_jobs;
}

static void test_garbage(void)
{
    size_t of_jobs = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        of_jobs += run_garbage(seed);
    }
    CU_ASSERT(of_jobs > 1000);
}

static int64_t allocations_left;

static void *failing_resize(void *memory, size_t size_bytes)
{
    return allocations_left-- > 0 ? realloc(memory, size_bytes) : NULL;
}

/* The same messages while memory runs out after so many allocations, then comes back. */
static void run_short_of_memory(int64_t allocations)
{
    static step_double d;
    cb_limits limits = tight_limits();
    limits.max_connections = 1000;
    limits.max_queued = 1000;
    limits.max_waits = 1000;
    names n = {0};
    state = 99;
    double_begin(&d, &limits);
    d.step->resize = failing_resize;
    allocations_left = allocations;
    for (uint32_t i = 0; i < 1500 && d.wrong == NULL; i++) {
        cb_message message = plausible(&n);
        message.payload = small(2) ? double_payload(&d) : 0;
        message.connection = (uint32_t)small(400);
        if (i == 1000) {
            allocations_left = INT64_MAX;
        }
        double_send(&d, message);
        learn(&n, &d);
    }
    CU_ASSERT_PTR_NULL(double_end(&d));
}

static void test_no_memory(void)
{
    for (int64_t allocations = 0; allocations < 60; allocations++) {
        run_short_of_memory(allocations);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("step, garbage", NULL, NULL);
    CU_add_test(suite, "random messages", test_garbage);
    CU_add_test(suite, "memory that runs out", test_no_memory);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
