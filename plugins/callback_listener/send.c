/* The verbs of callbacklistener that its family does not share: sending to subscriptions. */
#include "plugins/callback_listener/send.h"

#include "plugins/family/family.h"

static cb_status send(cb_call *call, int64_t route_id, uint32_t request)
{
    const cb_start_options options = {
        .route_id = route_id, .timeout_ms = -1, /* the subscription's own limit holds */
    };
    cb_status status = cb_family_start(call, &options, request);
    if (status == CB_LIMIT)
        return call->host->fail(call, status,
                                "too many jobs wait to run on the subscription "
                                "(CALLBOARD_MAX_QUEUED) or to be taken (CALLBOARD_MAX_UNTAKEN)");
    return status;
}

/* Args (bytes): to the one subscription that is open. */
cb_status cb_listener_send(cb_call *call)
{
    cb_status status = send(call, CB_START_ONLY, 0);
    if (status == CB_MISMATCH)
        return call->host->fail(call, status,
                                "callbacklistener.Send requires exactly one open subscription");
    return status;
}

/* Args (subscriptionId, bytes). */
cb_status cb_listener_send_to(cb_call *call)
{
    int64_t id = call->args[0].integer;
    if (id < 1) /* would not mean a subscription to the host */
        return cb_family_route_error(call, CB_UNKNOWN);
    return cb_family_route_error(call, send(call, id, 1));
}

/* As other families have it, but for the port that a subscription has not. */
cb_status cb_listener_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeoutMs", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, CB_FAMILY_AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, CB_FAMILY_AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, CB_FAMILY_AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, CB_FAMILY_AS_NUMBER},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSED_QUEUED, CB_FAMILY_AS_NUMBER},
        {"accepted", CB_ASK_ROUTE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"completed", CB_ASK_ROUTE_COMPLETED, CB_FAMILY_AS_NUMBER},
        {"failed", CB_ASK_ROUTE_FAILED, CB_FAMILY_AS_NUMBER},
        {"dropped", CB_ASK_ROUTE_DROPPED, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}
