/* The verbs of routes whose requests are datagrams. */
#include "plugins/family/family.h"

cb_status cb_family_open_datagrams(cb_call *call)
{
    uint16_t port = 0;
    cb_status status = cb_family_port_argument(call, 2, &port);
    if (status != CB_OK)
        return status;
    return cb_family_open_at(call, cb_family_here.route_kind, port);
}

cb_status cb_family_handled(cb_call *call)
{
    return cb_family_ask_route(call, CB_ASK_ROUTE_COMPLETED, &call->result.integer);
}

cb_status cb_family_dropped(cb_call *call)
{
    return cb_family_ask_route(call, CB_ASK_ROUTE_LOST, &call->result.integer);
}
