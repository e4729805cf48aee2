/* asynctcp: long-lived TCP connections for scripts, as a server and as a client. This file is the
 * table; texts share their handler with blobs. */
#include "plugins/async_tcp/asynctcp.h"

#define KIND_VERB(name, number)                                                                    \
    {"Kind" #name, "i32()", cb_atcp_kind_##name, 0, "the number of that kind of event"},

static const cb_verb verbs[] = {
    /* -- opening -- */
    {"Server",
     "i64(string address, i32 port, callback onConnect, callback onRead, callback onEvent)",
     cb_atcp_server, 0, "listens on an address; the server's id"},
    {"Connect", "i64(string host, i32 port, callback onRead, callback onEvent, blob data?)",
     cb_atcp_connect, 0, "begins to connect to a host; the socket's id"},
    {"ConnectTls",
     "i64(string host, i32 port, callback onRead, callback onEvent, string caFile?, i32 "
     "verify?, blob data?)",
     cb_atcp_connect_tls, CB_VERB_BLOCKS, "the same with TLS, the host's certificate verified"},
    /* -- servers -- */
    {"State", "i32(i64 serverId)", cb_atcp_server_state, 0, "1 while the server listens"},
    {"CloseServer", "i32(i64 serverId)", cb_atcp_close_server, 0,
     "stops listening, connections live on; 1 if it listened"},
    {"EnableTls", "i32(i64 serverId, string certFile, string keyFile)", cb_atcp_enable_tls,
     CB_VERB_BLOCKS, "speaks TLS on connections accepted from now on; 0"},
    {"NextSocket", "i64(i64 serverId, i64 afterSocketId)", cb_atcp_next_socket, 0,
     "the server's next open socket after this one (0: the first), or 0"},
    {"Broadcast", "i32(i64 serverId, blob bytes, i64 exceptSocketId?)", cb_atcp_broadcast, 0,
     "writes to all open sockets of a server but one; how many took it"},
    {"BroadcastText", "i32(i64 serverId, string text, i64 exceptSocketId?)", cb_atcp_broadcast, 0,
     "the same with a text"},
    /* -- writing -- */
    {"Write", "i32(i64 socketId, blob bytes)", cb_atcp_write, 0,
     "how many bytes were taken: all, or -1, would exceed"},
    {"WriteText", "i32(i64 socketId, string text)", cb_atcp_write, 0, "the same with a text"},
    {"TryWrite", "i32(i64 socketId, blob bytes)", cb_atcp_try_write, 0,
     "as Write, but -2 for a socket that is closed"},
    {"TryWriteText", "i32(i64 socketId, string text)", cb_atcp_try_write, 0,
     "the same with a text"},
    {"EndWriting", "i32(i64 socketId)", cb_atcp_end_writing, 0,
     "lets the peer read the end after what was written; 1, or 0 if it is closed"},
    {"Buffered", "i64(i64 socketId)", cb_atcp_buffered, 0, "bytes that wait to be sent"},
    /* -- closing -- */
    {"Close", "i32(i64 socketId)", cb_atcp_close, 0, "closes; what was written is delivered; 0"},
    {"TryClose", "i32(i64 socketId)", cb_atcp_try_close, 0, "1 closed, 0 it was closed already"},
    {"Abort", "i32(i64 socketId)", cb_atcp_abort, 0,
     "closes with a reset; 1, or 0 if it was closed already"},
    {"Closed", "i32(i64 socketId)", cb_atcp_closed, 0, "1 if it is closed"},
    /* -- control -- */
    {"SetTimeouts", "i32(i64 socketId, double readSeconds, double writeSeconds)",
     cb_atcp_set_timeouts, 0, "limits silence and standstill; 0 or less is no limit; 0"},
    {"Enable", "i32(i64 socketId, i32 directions)", cb_atcp_enable, 0,
     "switches reading or writing on; 1, or 0 if it is closed"},
    {"Disable", "i32(i64 socketId, i32 directions)", cb_atcp_disable, 0,
     "switches reading or writing off; 1, or 0 if it is closed"},
    {"DirectionRead", "i32()", cb_atcp_direction_read, 0, "1, for Enable and Disable"},
    {"DirectionWrite", "i32()", cb_atcp_direction_write, 0, "2, for Enable and Disable"},
    {"SetCallbacks", "i32(i64 socketId, callback onRead, callback onEvent)", cb_atcp_set_callbacks,
     0, "other callbacks from the next event on; 1, or 0 if it is closed"},
    {"SetData", "i32(i64 socketId, blob data)", cb_atcp_set_data, 0,
     "keeps bytes with the socket; 1, or 0 if it is gone"},
    {"Data", "blob(i64 socketId)", cb_atcp_data, 0, "the bytes that were kept; none if it is gone"},
    /* -- asking -- */
    {"PeerAddress", "string(i64 socketId)", cb_atcp_peer_address, 0,
     "address and port of the other side; empty before it is connected"},
    {"LocalPort", "i32(i64 id)", cb_atcp_local_port, 0, "the port of a socket or a server"},
    {"ServerOf", "i64(i64 socketId)", cb_atcp_server_of, 0,
     "the server that accepted the socket, or 0"},
    {"OpenCount", "i32()", cb_atcp_open_count, 0, "how many sockets are open"},
    /* -- events -- */
    {"EventSocket", "i64(blob event)", cb_atcp_event_socket, 0,
     "the socket that the event is about; 0: it is the server's"},
    {"EventServer", "i64(blob event)", cb_atcp_event_server, 0,
     "the server, if the event is its own and no socket's; otherwise 0"},
    {"EventKind", "i32(blob event)", cb_atcp_event_kind, 0, "the event's kind"},
    {"EventCode", "i32(blob event)", cb_atcp_event_code, 0,
     "the system's number of an error, or 0"},
    {"EventBytes", "blob(blob event)", cb_atcp_event_bytes, 0,
     "the bytes that came, or an error's text"},
    {"EventIs", "i32(i32 kind, i32 ancestor)", cb_atcp_event_is, 0,
     "1 if the kind is the ancestor or a case of it"},
    {"EventIsLast", "i32(i32 kind)", cb_atcp_event_is_last, 0,
     "1 if a socket's events end with this kind"},
    {"EventText", "string(i32 kind)", cb_atcp_event_text, 0, "the kind in words"},
    CB_ATCP_KINDS(KIND_VERB)};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "asynctcp",
    .version = "0.1.0",
    .summary = "long-lived TCP connections whose events run callbacks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
