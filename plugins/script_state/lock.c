/* A block's lock: taken, waited for, given back, given up.
 *
 * Whoever gives the lock back hands it to the one who has waited longest, so none waits for ever
 * while others pass by. A waiter is woken by that hand-over itself. What the host cannot bring into
 * such a wait, that the run is to stop or that a shutdown has begun, it looks for now and then:
 * after a wait of FIRST_SLICE_MS, then in growing slices up to LAST_SLICE_MS.
 */
#include <assert.h>
#include <errno.h>

#include "plugins/script_state/script_state.h"

#define FIRST_SLICE_MS 3 /* by then an actor is asked for the jobs behind a callback that waits */
#define LAST_SLICE_MS  50
#define NS_PER_MS      1000000
#define NS_PER_S       1000000000
#define NEVER          INT64_MAX

typedef enum outcome { WAITING, GRANTED, DISMISSED } outcome;

/* On the stack of who waits. Guarded by the table's mutex. */
struct cb_state_waiter {
    cb_state_waiter *next;
    cb_state_run *run;
    outcome outcome;
    pthread_cond_t changed;
};

/* How a wait ended, when it was not the lock that ended it. */
typedef struct wait_end {
    cb_status status; /* CB_OK, or what the host said */
    bool is_shutdown;
} wait_end;

static int64_t now_ns(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* -- who holds what -- */

static void hold(cb_state_block *block, cb_state_run *run)
{
    assert(block->holder == NULL);
    block->holder = run;
    block->next_held = run->held;
    run->held = block;
    run->waiting = NULL;
}

static void let_go(cb_state_block *block)
{
    cb_state_block **link = &block->holder->held;
    while (*link != block)
        link = &(*link)->next_held;
    *link = block->next_held;
    block->next_held = NULL;
    block->holder = NULL;
}

static void wake(cb_state_waiter *waiter, outcome why)
{
    waiter->outcome = why;
    waiter->run->waiting = NULL;
    int code = pthread_cond_signal(&waiter->changed);
    assert(code == 0);
    (void)code;
}

static void remove_waiter(cb_state_block *block, cb_state_waiter *waiter)
{
    cb_state_waiter *before = NULL;
    for (cb_state_waiter *at = block->first; at != waiter; at = at->next)
        before = at;
    if (before == NULL)
        block->first = waiter->next;
    else
        before->next = waiter->next;
    if (block->last == waiter)
        block->last = before;
}

void cb_state_unlock(cb_state_block *block)
{
    let_go(block);
    cb_state_waiter *next = block->first;
    if (next == NULL)
        return;
    remove_waiter(block, next);
    hold(block, next->run);
    wake(next, GRANTED);
}

void cb_state_dismiss(cb_state_block *block)
{
    while (block->first != NULL) {
        cb_state_waiter *next = block->first;
        remove_waiter(block, next);
        wake(next, DISMISSED);
    }
}

/* The run has ended, however it did. */
static void end_run(void *memory)
{
    cb_state_run *run = memory;
    cb_state_enter();
    assert(run->waiting == NULL);
    while (run->held != NULL) {
        run->held->is_doubtful = true;
        cb_state_unlock(run->held);
    }
    cb_state_count_run(-1);
    cb_state_leave();
}

cb_state_run *cb_state_run_of(cb_call *call, cb_status *status)
{
    if (!CB_HOST_HAS(call->host, run_memory)) {
        *status =
            call->host->fail(call, CB_UNSUPPORTED, "this callboard is too old for the plugin");
        return NULL;
    }
    cb_state_run *run = call->host->run_memory(call, sizeof(*run), end_run);
    *status = run != NULL ? CB_OK : CB_NO_MEMORY;
    if (run == NULL || run->is_counted)
        return run;
    run->is_counted = true;
    cb_state_enter();
    cb_state_count_run(1);
    cb_state_leave();
    return run;
}

/* Whether the wait would never end: the holder waits, by whatever chain, for what this run holds.
 * There is no ring yet, so the chain has an end. */
static bool is_ring(const cb_state_block *block, const cb_state_run *run)
{
    while (block != NULL && block->holder != NULL) {
        if (block->holder == run)
            return true;
        block = block->holder->waiting;
    }
    return false;
}

/* -- waiting -- */

static bool begin_wait(cb_state_block *block, cb_state_run *run, cb_state_waiter *waiter)
{
    *waiter = (cb_state_waiter){.run = run, .outcome = WAITING};
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool is_made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                   pthread_cond_init(&waiter->changed, &monotonic) == 0;
    (void)pthread_condattr_destroy(&monotonic);
    if (!is_made)
        return false;
    if (block->last == NULL)
        block->first = waiter;
    else
        block->last->next = waiter;
    block->last = waiter;
    run->waiting = block;
    return true;
}

/* Sleeps until the waiter is woken, or until the moment; the mutex is given up meanwhile. */
static void sleep_until(cb_state_waiter *waiter, int64_t moment_ns)
{
    struct timespec moment = {.tv_sec = moment_ns / NS_PER_S, .tv_nsec = moment_ns % NS_PER_S};
    int code = 0;
    while (waiter->outcome == WAITING && code == 0)
        code = cb_state_sleep(&waiter->changed, &moment);
    assert(code == 0 || code == ETIMEDOUT);
}

/* Asks the host whether the run is to stop, and tells it on the way that the run waits. The host's
 * waits end at once when a shutdown has begun, so one of a millisecond that does not take so long
 * tells that. That there is no room for one more wait (CB_LIMIT) ends nothing. */
static void look_around(cb_call *call, int32_t ms, wait_end *end)
{
    int64_t begin_ns = now_ns();
    int happened = 0;
    cb_state_leave();
    cb_status status = call->host->wait(call, CB_WAIT_TIME, 0, ms, &happened);
    cb_state_enter();
    end->is_shutdown = status == CB_OK && now_ns() - begin_ns < (int64_t)ms * NS_PER_MS;
    end->status = status == CB_LIMIT ? CB_OK : status;
}

/* Until the lock is handed over, the block is freed, or *end says something. */
static void wait_for_lock(cb_call *call, cb_state_waiter *waiter, int64_t until_ns, wait_end *end)
{
    int64_t slice_ms = FIRST_SLICE_MS;
    look_around(call, 0, end);
    while (waiter->outcome == WAITING && end->status == CB_OK && !end->is_shutdown) {
        if (now_ns() >= until_ns)
            return;
        int64_t moment_ns = now_ns() + slice_ms * NS_PER_MS;
        sleep_until(waiter, moment_ns < until_ns ? moment_ns : until_ns);
        if (waiter->outcome != WAITING)
            return;
        if (now_ns() < until_ns)
            look_around(call, 1, end);
        slice_ms = slice_ms * 2 < LAST_SLICE_MS ? slice_ms * 2 : LAST_SLICE_MS;
    }
}

/* The call's result for a lock that the run now has. */
static cb_status answer_locked(cb_call *call, cb_state_block *block)
{
    call->result.integer = block->is_doubtful ? 2 : 1;
    block->is_doubtful = false;
    return CB_OK;
}

/* Waits in the block's queue, with the mutex taken. *fault is set for a runtime error. */
static cb_status wait_in_queue(cb_call *call, cb_state_block *block, cb_state_run *run,
                               int64_t until_ns, const char **fault)
{
    cb_state_waiter waiter;
    wait_end end = {.status = CB_OK};
    if (!begin_wait(block, run, &waiter))
        return CB_NO_MEMORY;
    wait_for_lock(call, &waiter, until_ns, &end);
    (void)pthread_cond_destroy(&waiter.changed);
    switch (waiter.outcome) {
    case GRANTED:
        if (end.status == CB_OK)
            return answer_locked(call, block);
        cb_state_unlock(block); /* the run never learns that it had the lock */
        break;
    case DISMISSED:
        *fault = "was freed while its lock was waited for";
        return CB_CLOSED;
    case WAITING:
        remove_waiter(block, &waiter);
        run->waiting = NULL;
        break;
    }
    if (end.status == CB_OK && call->argc < 2) {
        *fault = "is locked, and a shutdown begins";
        return CB_CLOSED;
    }
    return end.status;
}

/* The verb with the mutex taken. *fault is set for a runtime error. */
static cb_status lock_or_wait(cb_call *call, cb_state_run *run, int32_t timeout_ms,
                              const char **fault)
{
    cb_state_block *block = cb_state_find(call->args[0].integer, fault);
    if (block == NULL)
        return CB_UNKNOWN;
    if (block->holder == NULL) {
        hold(block, run);
        return answer_locked(call, block);
    }
    if (block->holder == run)
        *fault = "is locked already, by this very callback (or main)";
    else if (timeout_ms != 0 && is_ring(block, run))
        *fault =
            "is locked by one who waits for a block that is locked here: neither wait would end";
    if (*fault != NULL)
        return CB_INVALID;
    if (timeout_ms == 0)
        return CB_OK;
    int64_t until_ns = timeout_ms < 0 ? NEVER : now_ns() + (int64_t)timeout_ms * NS_PER_MS;
    return wait_in_queue(call, block, run, until_ns, fault);
}

cb_status cb_state_verb_lock(cb_call *call)
{
    int64_t timeout_ms = call->argc > 1 ? call->args[1].integer : -1;
    if (timeout_ms < -1 || timeout_ms > INT32_MAX)
        return call->host->fail(call, CB_INVALID,
                                "timeoutMs is %lld; it must be -1 or 0..2147483647",
                                (long long)timeout_ms);
    cb_status status = CB_OK;
    cb_state_run *run = cb_state_run_of(call, &status);
    if (run == NULL)
        return status;
    const char *fault = NULL;
    cb_state_enter();
    status = lock_or_wait(call, run, (int32_t)timeout_ms, &fault);
    cb_state_leave();
    return fault == NULL ? status : cb_state_complain(call, status, fault);
}

cb_status cb_state_verb_unlock(cb_call *call)
{
    cb_status status = CB_OK;
    cb_state_run *run = cb_state_run_of(call, &status);
    if (run == NULL)
        return status;
    const char *fault = NULL;
    cb_state_enter();
    cb_state_block *block = cb_state_find(call->args[0].integer, &fault);
    if (block != NULL && block->holder != run)
        fault = "is not locked by this callback (or main)";
    else if (block != NULL)
        cb_state_unlock(block);
    cb_state_leave();
    return fault == NULL ? CB_OK : cb_state_complain(call, CB_INVALID, fault);
}
