/* The verbs of routes whose requests are datagrams. */
#include "plugins/family/family.h"

cb_status cb_family_open_datagrams(cb_call *call)
{
    int64_t port = call->argc > 2 ? call->args[2].integer : 0;
    if (port < 0 || port > UINT16_MAX)
        return call->host->fail(call, CB_INVALID, "port is %lld; it must be 0..65535",
                                (long long)port);
    return cb_family_open_at(call, cb_family_here.route_kind, (uint16_t)port);
}

cb_status cb_family_close_once(cb_call *call)
{
    int64_t was_closing = 0;
    int64_t canceled = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_CLOSE_ACCEPTED, &was_closing);
    if (status != CB_OK)
        return status;
    status = call->host->route_close(call, call->args[0].integer, &canceled);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    call->result.integer = was_closing == 0;
    return CB_OK;
}

cb_status cb_family_handled(cb_call *call)
{
    return cb_family_ask_route(call, CB_ASK_ROUTE_COMPLETED, &call->result.integer);
}

cb_status cb_family_dropped(cb_call *call)
{
    return cb_family_ask_route(call, CB_ASK_ROUTE_LOST, &call->result.integer);
}
