/* callbackudpserver: UDP ports on loopback whose datagrams run a script's callback. */
#include "callboard/asyncmeta.h"
#include "plugins/family/family.h"

const cb_family cb_family_here = {
    .route_kind = CB_ROUTE_UDP,
    .capabilities = CB_META_ProfileRouteControl,
    .route = "server",
};

static cb_status info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"stateCode", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_NUMBER},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeout", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"port", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"handled", CB_ASK_ROUTE_COMPLETED, CB_FAMILY_AS_NUMBER},
        {"dropped", CB_ASK_ROUTE_LOST, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}

static const cb_verb verbs[] = {
    {"Open", "i64(callback name, i32 timeoutMs, i32 port?)", cb_family_open_datagrams, 0,
     "opens a UDP port on loopback; the server's id"},
    {"Close", "i32(i64 serverId)", cb_family_close_once, 0,
     "closes a server; 1, or 0 if it was closed already"},
    {"Port", "i32(i64 serverId)", cb_family_port, 0, "the port that the server has"},
    {"State", "i32(i64 serverId)", cb_family_state, 0, "1 open, 0 closed or closing"},
    {"StateText", "string(i64 serverId)", cb_family_state_text, 0, "open or closed"},
    {"Handled", "i32(i64 serverId)", cb_family_handled, 0,
     "packets that the callback has worked on"},
    {"Dropped", "i32(i64 serverId)", cb_family_dropped, 0,
     "packets that found no room, or whose callback failed or took too long"},
    {"Info", "string(i64 serverId)", info, 0, "everything about the server as key=value pairs"},
    {"OpenCount", "i32()", cb_family_open_count, 0, "how many servers are open"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "callbackudpserver",
    .version = "0.1.0",
    .summary = "UDP servers whose packets run callbacks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
