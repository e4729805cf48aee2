/* The verbs about routes: opening, closing, state and traffic. */
#include <string.h>

#include "callboard/asyncmeta.h"
#include "plugins/family/family.h"

cb_status cb_family_capabilities(cb_call *call)
{
    call->result.integer = cb_family_here.capabilities;
    return CB_OK;
}

/* -- opening and closing -- */

cb_status cb_family_open_at(cb_call *call, uint32_t kind, uint16_t port)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 1, &timeout_ms);
    if (status != CB_OK)
        return status;

    const cb_route_options options = {
        .kind = kind,
        .callback = (const char *)call->args[0].data,
        .entry = call->args[0].integer,
        .timeout_ms = timeout_ms,
        .port = port,
    };
    cb_error error;
    memset(&error, 0, sizeof error);
    int64_t id = 0;
    status = call->host->route_open(call, &options, &id, &error);
    if (status == CB_STOPPED)
        return status;
    if (status != CB_OK)
        return call->host->fail(call, status, "%s",
                                error.text[0] != '\0' ? error.text
                                                      : call->host->status_text(status));
    call->result.integer = id;
    return CB_OK;
}

cb_status cb_family_open(cb_call *call)
{
    return cb_family_open_at(call, cb_family_here.route_kind, 0);
}

cb_status cb_family_open_count(cb_call *call)
{
    cb_question question = {.what = CB_ASK_OPEN_COUNT};
    cb_status status = call->host->ask(call, &question, 1);
    if (status == CB_OK)
        status = question.status;
    call->result.integer = question.value;
    return status;
}

cb_status cb_family_close(cb_call *call)
{
    int64_t canceled = 0;
    cb_status status = call->host->route_close(call, call->args[0].integer, &canceled);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    call->result.integer = canceled;
    return CB_OK;
}

static cb_status close_once(cb_call *call, bool waits)
{
    int first = 0;
    cb_status status = call->host->route_close_once(call, call->args[0].integer, waits, &first);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    call->result.integer = first;
    return CB_OK;
}

cb_status cb_family_close_once(cb_call *call)
{
    return close_once(call, true);
}

cb_status cb_family_begin_close(cb_call *call)
{
    return close_once(call, false);
}

/* -- state -- */

/* One handler for each question whose answer is the verb's value. */
#define DEFINE_QUESTION(function, what)                                                            \
    cb_status cb_family_##function(cb_call *call)                                                  \
    {                                                                                              \
        return cb_family_ask_route(call, CB_ASK_ROUTE_##what, &call->result.integer);              \
    }
DEFINE_QUESTION(port, PORT)
DEFINE_QUESTION(state, STATE)
DEFINE_QUESTION(route_timeout, TIMEOUT)
DEFINE_QUESTION(route_known, KNOWN)
DEFINE_QUESTION(active, ACTIVE)
DEFINE_QUESTION(pending, PENDING)
DEFINE_QUESTION(queued, QUEUED)
DEFINE_QUESTION(running, RUNNING)
DEFINE_QUESTION(drained, DRAINED)
DEFINE_QUESTION(close_accepted, CLOSE_ACCEPTED)
DEFINE_QUESTION(bind_mode, ANY_ADDRESS)

cb_status cb_family_closed_queued(cb_call *call)
{
    return cb_family_ask_route(call, cb_family_here.closed_queued, &call->result.integer);
}

cb_status cb_family_state_text(cb_call *call)
{
    int64_t state = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_STATE, &state);
    if (status != CB_OK)
        return status;
    const char *text = state == CB_META_RouteStateOpen ? "open" : "closed";
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_family_bind_mode_text(cb_call *call)
{
    int64_t everywhere = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_ANY_ADDRESS, &everywhere);
    if (status != CB_OK)
        return status;
    const char *text = everywhere != 0 ? "any" : "local";
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_family_route_callback(cb_call *call)
{
    return cb_family_return_bytes_of_route(call, CB_ASK_ROUTE_CALLBACK);
}

cb_status cb_family_route_meta(cb_call *call)
{
    const cb_question_kind questions[] = {
        [CB_META_RouteMetaState] = CB_ASK_ROUTE_STATE,
        [CB_META_RouteMetaTimeout] = CB_ASK_ROUTE_TIMEOUT,
        [CB_META_RouteMetaPending] = CB_ASK_ROUTE_PENDING,
        [CB_META_RouteMetaQueued] = CB_ASK_ROUTE_QUEUED,
        [CB_META_RouteMetaRunning] = CB_ASK_ROUTE_RUNNING,
        [CB_META_RouteMetaDrained] = CB_ASK_ROUTE_DRAINED,
        [CB_META_RouteMetaKnown] = CB_ASK_ROUTE_KNOWN,
        [CB_META_RouteMetaCloseAccepted] = CB_ASK_ROUTE_CLOSE_ACCEPTED,
        [CB_META_RouteMetaClosedQueued] = cb_family_here.closed_queued,
    };
    int64_t key = call->args[1].integer;
    if (key < CB_META_RouteMetaState || key > CB_META_RouteMetaClosedQueued)
        return call->host->fail(call, CB_INVALID, "no RouteMeta key %lld; the keys are %d..%d",
                                (long long)key, CB_META_RouteMetaState,
                                CB_META_RouteMetaClosedQueued);
    return cb_family_ask_route(call, questions[key], &call->result.integer);
}

cb_status cb_family_wait_drained(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 1, &timeout_ms);
    if (status != CB_OK)
        return status;
    int happened = 0;
    status =
        call->host->wait(call, CB_WAIT_ROUTE_DRAINED, call->args[0].integer, timeout_ms, &happened);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    call->result.integer = happened;
    return CB_OK;
}
