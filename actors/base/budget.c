/* The count's memory orders are relaxed: it orders nothing, and whoever reads it acts on a number
 * that is a moment old anyway. A large block is counted first and looked at then, so that threads
 * which ask at once can't all be granted the same room. */
#include "actors/base/budget.h"

#include <pthread.h>
#include <stdatomic.h>

#include "actors/base/machine_memory.h"
#include "actors/base/spare.h"

#define LINE           64
/* Nothing can be served in less beside the fixed queues. */
#define LEAST_LEFT     (INT64_C(1) << 20)
/* What a small machine gets unasked. */
#define STANDARD_LEFT  (INT64_C(8) << 20)
/* If nobody knows what the machine has. */
#define UNKNOWN_MEMORY (INT64_C(1) << 31)
/* Of large blocks that were freed; an eighth of a smaller budget. */
#define MOST_SPARE     (INT64_C(32) << 20)
/* What the limit may say at most. */
#define MOST_MEMORY    (INT64_C(1) << 46)

_Thread_local cb_budget_own cb_budget_here __attribute__((tls_model("initial-exec")));

static _Alignas(LINE) atomic_int_least64_t counted;
static _Alignas(LINE) struct {
    atomic_int_least64_t all;
    atomic_int_least64_t base; /* a mark is this and so many eighths */
    atomic_int_least64_t eighth;
} marks = {INT64_MAX, 0, INT64_MAX / 8};
static _Alignas(LINE) atomic_uint_least64_t refused;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static int64_t now_is(const atomic_int_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* -- counting --------------------------------------------------------------------------------- */

static void hand_on(cb_budget_own *own)
{
    atomic_fetch_add_explicit(&counted, own->delta, memory_order_relaxed);
    own->delta = 0;
}

static void on_thread_end(void *argument)
{
    cb_budget_own *own = argument;
    hand_on(own);
    own->slack = 0;
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, on_thread_end) == 0;
}

void cb_budget_hand_on(void)
{
    cb_budget_own *own = &cb_budget_here;
    hand_on(own);
    if (own->slack != 0)
        return;
    /* A thread whose end nobody would notice may not keep anything back. */
    (void)pthread_once(&key_once, make_key);
    if (has_key && pthread_setspecific(key, own) == 0)
        own->slack = CB_BUDGET_SLACK;
}

int64_t cb_budget_bytes(void)
{
    int64_t bytes = now_is(&counted) + cb_budget_here.delta;
    return bytes > 0 ? bytes : 0;
}

uint64_t cb_budget_refused(void)
{
    return atomic_load_explicit(&refused, memory_order_relaxed);
}

/* -- asking ----------------------------------------------------------------------------------- */

void cb_budget_set(int64_t bytes, int64_t fixed)
{
    int64_t spare = bytes == INT64_MAX ? 0 : (bytes - fixed) / 8;
    cb_spare_set_most((size_t)(spare < MOST_SPARE ? spare : MOST_SPARE));
    int64_t eighth = (bytes - fixed) / 8;
    atomic_store_explicit(&marks.all, bytes, memory_order_relaxed);
    atomic_store_explicit(&marks.base, bytes - 8 * eighth, memory_order_relaxed);
    atomic_store_explicit(&marks.eighth, eighth, memory_order_relaxed);
}

int64_t cb_budget_limit(void)
{
    return now_is(&marks.all);
}

void cb_budget_count_refusal(void)
{
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    cb_budget_here.refused = true;
}

static bool refuse(void)
{
    cb_budget_count_refusal();
    return false;
}

static bool fits(size_t more, int64_t mark)
{
    int64_t held = cb_budget_bytes();
    return held <= mark && more <= (uint64_t)(mark - held);
}

static int64_t mark_of(unsigned eighths)
{
    return now_is(&marks.base) + (int64_t)eighths * now_is(&marks.eighth);
}

static bool take_large(size_t more)
{
    int64_t mark = mark_of(6);
    if (!fits(more, mark))
        return refuse();
    cb_budget_add((int64_t)more);
    cb_budget_hand_on();
    if (now_is(&counted) <= mark)
        return true;
    cb_budget_add(-(int64_t)more);
    cb_budget_hand_on();
    return refuse();
}

bool cb_budget_take_checked(size_t whole, size_t more)
{
    if (whole > CB_BUDGET_MIDDLE)
        return take_large(more);
    if (!fits(more, mark_of(7)))
        return refuse();
    cb_budget_add((int64_t)more);
    return true;
}

bool cb_budget_could_read(size_t whole, size_t more)
{
    return fits(more, mark_of(cb_budget_eighths(whole)));
}

bool cb_budget_may_read(size_t whole, size_t more)
{
    return cb_budget_could_read(whole, more) || refuse();
}

bool cb_budget_has_room(unsigned eighths)
{
    return fits(0, mark_of(eighths)) || refuse();
}

bool cb_budget_was_it(void)
{
    return cb_budget_here.refused;
}

void cb_budget_was_not_it(void)
{
    cb_budget_here.refused = false;
}

/* -- choosing --------------------------------------------------------------------------------- */

int64_t cb_budget_fixed(const cb_limits *limits)
{
    return limits->trace_buffer + 2 * limits->log_queue;
}

cb_status cb_budget_choose_of(cb_limits *limits, uint64_t machine_bytes, cb_error *error)
{
    int64_t fixed = cb_budget_fixed(limits);
    int64_t memory = limits->memory;
    if (machine_bytes == 0)
        machine_bytes = UNKNOWN_MEMORY;
    if (memory == 0) {
        memory = machine_bytes / 2 < MOST_MEMORY ? (int64_t)(machine_bytes / 2) : MOST_MEMORY;
        if (memory < fixed + STANDARD_LEFT)
            memory = fixed + STANDARD_LEFT;
    } else if (memory < fixed + LEAST_LEFT) {
        return cb_fail(error, CB_INVALID,
                       "CALLBOARD_MEMORY must be at least %lld: the trace and the log take %lld "
                       "(CALLBOARD_TRACE_BUFFER, CALLBOARD_LOG_QUEUE)",
                       (long long)(fixed + LEAST_LEFT), (long long)fixed);
    }
    limits->memory = memory;
    if (limits->route_memory == 0)
        limits->route_memory = (memory - fixed) / 2;
    return CB_OK;
}

cb_status cb_budget_choose(cb_limits *limits, cb_error *error)
{
    return cb_budget_choose_of(limits, limits->memory == 0 ? cb_machine_memory("") : 0, error);
}
