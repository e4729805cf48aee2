/* Questions about routes and jobs, answered from the state as it is. */
#include <assert.h>

#include "actors/step/state.h"

/* What is counted of a route. */
static int64_t count_of(const cb_step_route *route, int64_t what)
{
    switch (what) {
    case CB_ASK_ROUTE_ACTIVE:
        return route->active;
    case CB_ASK_ROUTE_PENDING:
        return route->pending;
    case CB_ASK_ROUTE_QUEUED:
        return route->queued;
    case CB_ASK_ROUTE_RUNNING:
        return route->running;
    case CB_ASK_ROUTE_DRAINED:
        return cb_step_drained(route);
    case CB_ASK_ROUTE_CLOSED_QUEUED:
        return route->closed_queued;
    case CB_ASK_ROUTE_ACCEPTED:
        return route->accepted;
    case CB_ASK_ROUTE_COMPLETED:
        return route->completed;
    case CB_ASK_ROUTE_FAILED:
        return route->failed;
    case CB_ASK_ROUTE_DROPPED:
        return route->dropped;
    case CB_ASK_ROUTE_LOST:
        return route->dropped + route->failed;
    default:
        assert(what == CB_ASK_ROUTE_CONNECTIONS);
        return route->connections;
    }
}

static void ask_route(cb_step *step, int64_t what)
{
    uint32_t slot = cb_step_find_route(step, step->in.name_space, step->in.job);
    if (slot == CB_NONE) {
        cb_step_answer(step, what == CB_ASK_ROUTE_KNOWN ? CB_OK : CB_UNKNOWN, 0);
        return;
    }
    const cb_step_route *route = cb_step_route_at(step, slot);
    int64_t value = 0;
    uint64_t payload = 0;
    switch (what) {
    case CB_ASK_ROUTE_KNOWN:
    case CB_ASK_ROUTE_STATE:
        value = route->state == CB_ROUTE_OPEN;
        break;
    case CB_ASK_ROUTE_TIMEOUT:
        value = route->timeout_ms;
        break;
    case CB_ASK_ROUTE_PORT:
        value = route->port;
        break;
    case CB_ASK_ROUTE_CALLBACK:
        payload = route->callback;
        break;
    case CB_ASK_ROUTE_CLOSE_ACCEPTED:
        value = route->close_accepted;
        break;
    case CB_ASK_ROUTE_CLOSE_BEGUN:
        value = route->state != CB_ROUTE_OPEN;
        break;
    case CB_ASK_ROUTE_ANY_ADDRESS:
        value = (cb_route_word_kind(route->connection) & CB_ROUTE_ANY_ADDRESS) != 0;
        break;
    case CB_ASK_ROUTE_KIND:
        value = cb_route_word_kind(route->connection);
        break;
    case CB_ASK_ROUTE_TLS:
        value = route->tls_version > 0;
        break;
    default:
        value = count_of(route, what);
        break;
    }
    cb_message *answer = cb_step_answer(step, CB_OK, value);
    if (payload != 0) {
        answer->payload = payload;
        answer->flags = CB_FLAG_SHARED;
    }
}

static int64_t phase_of(const cb_step_job *job)
{
    switch ((cb_job_state)job->state) {
    case CB_JOB_RUNNING:
        return CB_PHASE_RUNNING;
    case CB_JOB_ENDED:
        return CB_PHASE_COMPLETED;
    default:
        return CB_PHASE_QUEUED;
    }
}

static void ask_job(cb_step *step, int64_t what)
{
    uint32_t slot = cb_step_find_job(step, step->in.name_space, step->in.job);
    if (slot == CB_NONE) {
        cb_step_answer(step, what == CB_ASK_JOB_KNOWN ? CB_OK : CB_UNKNOWN, 0);
        return;
    }
    const cb_step_job *job = cb_step_job_at(step, slot);
    bool success = job->state == CB_JOB_ENDED && job->status == CB_JOB_SUCCESS;
    int64_t value = 0;
    uint64_t payload = 0;
    switch (what) {
    case CB_ASK_JOB_KNOWN:
        value = 1;
        break;
    case CB_ASK_JOB_PHASE:
        value = phase_of(job);
        break;
    case CB_ASK_JOB_STATUS:
        value = job->status;
        break;
    case CB_ASK_JOB_ROUTE:
        value = job->kind == CB_JOB_LOCAL ? job->port : job->route;
        break;
    case CB_ASK_JOB_TIMEOUT:
        value = job->timeout_ms;
        break;
    case CB_ASK_JOB_HAS_RESULT:
        value = success;
        break;
    case CB_ASK_JOB_RESULT_SIZE:
        value = success ? job->size_bytes : 0;
        break;
    case CB_ASK_JOB_ERROR_TEXT:
        payload = job->state == CB_JOB_ENDED && !success ? job->payload : 0;
        break;
    default:
        cb_step_answer(step, CB_INVALID, 0);
        return;
    }
    cb_message *answer = cb_step_answer(step, CB_OK, value);
    if (payload != 0) {
        answer->payload = payload;
        answer->flags = CB_FLAG_SHARED;
    }
}

void cb_step_ask(cb_step *step)
{
    enum { NONE, ROUTE, JOB };
    static const unsigned char about[CB_ASK_COUNT] = {
#define CB_QUESTION_ABOUT(name, subject, text) [CB_ASK_##name] = (subject),
        CB_QUESTIONS(CB_QUESTION_ABOUT)
#undef CB_QUESTION_ABOUT
    };
    int64_t what = step->in.value;
    if (what <= CB_ASK_NONE || what >= CB_ASK_COUNT) {
        cb_step_answer(step, CB_INVALID, 0);
    } else if (about[what] == ROUTE) {
        ask_route(step, what);
    } else if (about[what] == JOB) {
        ask_job(step, what);
    } else if (what == CB_ASK_SNAPSHOT) {
        cb_step_answer(step, CB_OK, 0)->flags = CB_FLAG_NEW;
    } else {
        const cb_step_space *space = cb_step_space_of(step, step->in.name_space);
        cb_step_answer(step, CB_OK,
                       what == CB_ASK_OPEN_COUNT ? (int64_t)space->open_routes
                                                 : (int64_t)space->connections);
    }
}
