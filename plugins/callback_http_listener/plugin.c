/* callbackhttp: HTTP listeners whose requests run a script's callback. A listener has one route, so
 * what is asked of the one is asked of the other: such names share one handler. */
#include "callboard/asyncmeta.h"
#include "plugins/family/family.h"

const cb_family cb_family_here = {
    .route_kind = CB_ROUTE_HTTP,
    .capabilities = CB_META_ProfileRouteControl,
    .closed_queued = CB_ASK_ROUTE_CLOSE_BEGUN,
    .route = "listener",
};

/* -- where a listener binds -- */

enum { BIND_LOCAL_ONLY = 0, BIND_ANY = 1 };

static cb_status bind_local_only(cb_call *call)
{
    call->result.integer = BIND_LOCAL_ONLY;
    return CB_OK;
}

static cb_status bind_any(cb_call *call)
{
    call->result.integer = BIND_ANY;
    return CB_OK;
}

static cb_status open_listener(cb_call *call)
{
    uint16_t port = 0;
    cb_status status = cb_family_port_argument(call, 2, &port);
    if (status != CB_OK)
        return status;
    int64_t mode = call->argc > 3 ? call->args[3].integer : BIND_LOCAL_ONLY;
    if (mode != BIND_LOCAL_ONLY && mode != BIND_ANY)
        return call->host->fail(call, CB_INVALID,
                                "bindMode is %lld; it must be BindLocalOnly() (0) or BindAny() (1)",
                                (long long)mode);
    uint32_t everywhere = mode == BIND_ANY ? CB_ROUTE_ANY_ADDRESS : 0u;
    return cb_family_open_at(call, cb_family_here.route_kind | everywhere, port);
}

/* -- info texts -- */

static cb_status info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeout", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"port", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"bind", CB_ASK_ROUTE_ANY_ADDRESS, CB_FAMILY_AS_BIND_MODE},
        {"bindCode", CB_ASK_ROUTE_ANY_ADDRESS, CB_FAMILY_AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}

static cb_status route_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"stateCode", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_NUMBER},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeout", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"port", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"bind", CB_ASK_ROUTE_ANY_ADDRESS, CB_FAMILY_AS_BIND_MODE},
        {"bindCode", CB_ASK_ROUTE_ANY_ADDRESS, CB_FAMILY_AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, CB_FAMILY_AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, CB_FAMILY_AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, CB_FAMILY_AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, CB_FAMILY_AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}

static cb_status close_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeout", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"port", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"bind", CB_ASK_ROUTE_ANY_ADDRESS, CB_FAMILY_AS_BIND_MODE},
        {"drained", CB_ASK_ROUTE_DRAINED, CB_FAMILY_AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, CB_FAMILY_AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, CB_FAMILY_AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, CB_FAMILY_AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, CB_FAMILY_AS_NUMBER},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSE_BEGUN, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}

/* -- the table -- */

static const cb_verb verbs[] = {
    /* -- opening and closing -- */
    {"Capabilities", "i32()", cb_family_capabilities, 0,
     "the asyncmeta bits that this plugin has: asyncmeta.ProfileRouteControl()"},
    {"BindLocalOnly", "i32()", bind_local_only, 0, "0: listen on 127.0.0.1 only"},
    {"BindAny", "i32()", bind_any, 0, "1: listen on every interface"},
    {"Open", "i64(callback name, i32 timeoutMs, i32 port?, i32 bindMode?)", open_listener, 0,
     "opens an HTTP listener; its id"},
    {"EnableTls", "i32(i64 listenerId, string certFile, string keyFile)", cb_family_enable_tls, 0,
     "speaks TLS on connections accepted from now on; 0"},
    {"Close", "i32(i64 listenerId)", cb_family_close_once, 0,
     "closes a listener and waits for its callbacks; 1, or 0 if it was closed already"},
    {"RouteClose", "i32(i64 listenerId)", cb_family_begin_close, 0,
     "begins to close a listener; 1, or 0 if it was closed already"},
    {"OpenCount", "i32()", cb_family_open_count, 0, "how many listeners are open"},
    /* -- a listener's state -- */
    {"Port", "i32(i64 listenerId)", cb_family_port, 0, "the port that the listener has"},
    {"BindMode", "i32(i64 listenerId)", cb_family_bind_mode, 0,
     "0 on 127.0.0.1 only, 1 on every interface"},
    {"BindModeText", "string(i64 listenerId)", cb_family_bind_mode_text, 0, "local or any"},
    {"State", "i32(i64 listenerId)", cb_family_state, 0, "1 open, 0 closed or closing"},
    {"RouteState", "i32(i64 listenerId)", cb_family_state, 0, "the same as State"},
    {"StateText", "string(i64 listenerId)", cb_family_state_text, 0, "open or closed"},
    {"RouteStateText", "string(i64 listenerId)", cb_family_state_text, 0, "the same as StateText"},
    {"RouteCallback", "string(i64 listenerId)", cb_family_route_callback, 0,
     "the name of the listener's callback"},
    {"RouteTimeout", "i32(i64 listenerId)", cb_family_route_timeout, 0,
     "the callback's time limit in ms, or -1"},
    {"RouteKnown", "i32(i64 listenerId)", cb_family_route_known, 0,
     "1 while the listener is open, 0 for every other id"},
    {"RouteMeta", "i32(i64 listenerId, i32 metaKey)", cb_family_route_meta, 0,
     "the field that an asyncmeta.RouteMeta* key names"},
    {"Info", "string(i64 listenerId)", info, 0, "what the listener is, as key=value pairs"},
    {"RouteInfo", "string(i64 listenerId)", route_info, 0,
     "what the listener is and does, as key=value pairs"},
    /* -- a listener's traffic -- */
    {"Active", "i32(i64 listenerId)", cb_family_active, 0,
     "requests begun and not yet finished with"},
    {"Pending", "i32(i64 listenerId)", cb_family_pending, 0, "requests that are still being read"},
    {"RoutePending", "i32(i64 listenerId)", cb_family_pending, 0, "the same as Pending"},
    {"Queued", "i32(i64 listenerId)", cb_family_queued, 0, "requests that wait for an actor"},
    {"RouteQueued", "i32(i64 listenerId)", cb_family_queued, 0, "the same as Queued"},
    {"Running", "i32(i64 listenerId)", cb_family_running, 0, "requests that are in the callback"},
    {"RouteRunning", "i32(i64 listenerId)", cb_family_running, 0, "the same as Running"},
    {"Drained", "i32(i64 listenerId)", cb_family_drained, 0, "1 if the listener has nothing to do"},
    {"RouteDrained", "i32(i64 listenerId)", cb_family_drained, 0, "the same as Drained"},
    {"WaitDrained", "i32(i64 listenerId, i32 timeoutMs)", cb_family_wait_drained, 0,
     "waits for Drained; 1, or 0 when the time is up"},
    {"WaitRouteDrained", "i32(i64 listenerId, i32 timeoutMs)", cb_family_wait_drained, 0,
     "the same as WaitDrained"},
    /* -- a listener's close -- */
    {"RouteCloseAccepted", "i32(i64 listenerId)", cb_family_close_accepted, 0,
     "1 for ever once a close was accepted"},
    {"RouteClosedQueued", "i32(i64 listenerId)", cb_family_closed_queued, 0,
     "1 for ever once the listener was told to end"},
    {"RouteCloseInfo", "string(i64 listenerId)", close_info, 0,
     "how far the close has come, as key=value pairs"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "callbackhttp",
    .version = "0.1.0",
    .summary = "HTTP listeners that run callbacks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
