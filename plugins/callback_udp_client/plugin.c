/* callbackudpclient: UDP ports on loopback that send, and whose replies run a script's callback. */
#include <arpa/inet.h>
#include <string.h>

#include "callboard/asyncmeta.h"
#include "callboard/udp_commands.h"
#include "plugins/family/family.h"

const cb_family cb_family_here = {
    .route_kind = CB_ROUTE_UDP_CLIENT,
    .capabilities = CB_META_ProfileRouteControl,
    .route = "client",
};

/* The IPv4 address that args[1] names, which must be one of this machine's own: the port is bound
 * to loopback, so nothing else can be reached from it. */
static cb_status read_host(cb_call *call, uint32_t *address)
{
    const char *host = (const char *)call->args[1].data;
    struct in_addr parsed;
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &parsed) != 1 || ntohl(parsed.s_addr) >> 24 != 127)
        return call->host->fail(call, CB_INVALID,
                                "\"%.100s\" cannot be reached: a client sends to loopback "
                                "addresses only, such as 127.0.0.1 or localhost",
                                host);
    *address = ntohl(parsed.s_addr);
    return CB_OK;
}

/* Sends args[3], text or blob, to args (id, host, port); how many bytes it had. */
static cb_status send_datagram(cb_call *call)
{
    int64_t port = call->args[2].integer;
    uint32_t address = 0;
    if (port < 1 || port > UINT16_MAX)
        return call->host->fail(call, CB_INVALID, "port is %lld; it must be 1..65535",
                                (long long)port);
    cb_status status = read_host(call, &address);
    if (status != CB_OK)
        return status;
    if (call->args[3].size > CB_UDP_DATAGRAM_MAX)
        return call->host->fail(call, CB_LIMIT, "%zu bytes are too many; a packet has at most %d",
                                call->args[3].size, CB_UDP_DATAGRAM_MAX);
    cb_buffer *bytes = NULL;
    if (call->args[3].size > 0) {
        bytes = call->host->argument_buffer(call, 3);
        if (bytes == NULL)
            return CB_NO_MEMORY;
    }
    const cb_command command = {.route_id = call->args[0].integer,
                                .what = CB_UDP_SEND,
                                .value = cb_udp_receiver(address, (uint16_t)port),
                                .payload = bytes};
    cb_reply reply;
    status = call->host->route_command(call, &command, &reply);
    if (status == CB_IO)
        status = call->host->fail(call, status, "cannot send to %s:%lld: %.*s",
                                  (const char *)call->args[1].data, (long long)port,
                                  reply.payload != NULL ? (int)reply.payload->size : 0,
                                  reply.payload != NULL ? (const char *)reply.payload->data : "");
    else if (status == CB_LIMIT)
        status = cb_family_too_many_waits(call);
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return cb_family_route_error(call, status);
}

static cb_status host_of(cb_call *call)
{
    int64_t known = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_STATE, &known);
    return status == CB_OK ? call->host->return_bytes(call, "127.0.0.1", 9) : status;
}

static cb_status info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"stateCode", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_NUMBER},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeout", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"localPort", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"delivered", CB_ASK_ROUTE_COMPLETED, CB_FAMILY_AS_NUMBER},
        {"dropped", CB_ASK_ROUTE_LOST, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, sizeof fields / sizeof fields[0]);
}

static const cb_verb verbs[] = {
    {"Open", "i64(callback name, i32 timeoutMs, i32 localPort?)", cb_family_open_datagrams, 0,
     "opens a UDP port on loopback to send from; the client's id"},
    {"Close", "i32(i64 clientId)", cb_family_close_once, 0,
     "closes a client; 1, or 0 if it was closed already"},
    {"SendText", "i32(i64 clientId, string host, i32 port, string text)", send_datagram, 0,
     "sends a text as one packet; how many bytes it had"},
    {"SendBlob", "i32(i64 clientId, string host, i32 port, blob bytes)", send_datagram, 0,
     "sends bytes as one packet; how many they were"},
    {"LocalPort", "i32(i64 clientId)", cb_family_port, 0, "the port that the client sends from"},
    {"Host", "string(i64 clientId)", host_of, 0, "the address that the client sends from"},
    {"State", "i32(i64 clientId)", cb_family_state, 0, "1 open, 0 closed or closing"},
    {"StateText", "string(i64 clientId)", cb_family_state_text, 0, "open or closed"},
    {"Delivered", "i32(i64 clientId)", cb_family_handled, 0,
     "replies that the callback has worked on"},
    {"Dropped", "i32(i64 clientId)", cb_family_dropped, 0,
     "replies that found no room, or whose callback failed or took too long"},
    {"Info", "string(i64 clientId)", info, 0, "everything about the client as key=value pairs"},
    {"OpenCount", "i32()", cb_family_open_count, 0, "how many clients are open"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "callbackudpclient",
    .version = "0.1.0",
    .summary = "UDP clients whose replies run callbacks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
