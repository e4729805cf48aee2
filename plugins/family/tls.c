/* The verb EnableTls of the families whose routes are listeners. */
#include "callboard/asyncmeta.h"
#include "plugins/family/family.h"

cb_status cb_family_enable_tls(cb_call *call)
{
    int64_t state = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_STATE, &state);
    if (status != CB_OK)
        return status;
    if (state == CB_META_RouteStateClosed)
        return cb_family_route_error(call, CB_CLOSED);
    return call->host->fail(call, CB_UNSUPPORTED,
                            "TLS is not available on listeners in this version");
}
