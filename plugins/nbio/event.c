/* The verbs that need no loop: an error's words, and what lies behind the head of an event. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "plugins/nbio/nbio.h"

cb_status cb_nbio_error_text(cb_call *call)
{
    const char *text = "unknown error code";
    switch (call->args[0].integer) {
#define TEXT_OF(name, code, words)                                                                 \
    case code:                                                                                     \
        text = words;                                                                              \
        break;
        CB_IO_ERRORS(TEXT_OF)
#undef TEXT_OF
    default:
        break;
    }
    return call->host->return_bytes(call, text, strlen(text));
}

static cb_status not_an_event(cb_call *call)
{
    return call->host->fail(call, CB_FORMAT, "these %zu bytes are no event of the loop",
                            call->args[0].size);
}

#define DEFINE_FIELD(function, field)                                                              \
    cb_status cb_nbio_event_##function(cb_call *call)                                              \
    {                                                                                              \
        cb_loop_event event;                                                                       \
        if (!cb_loop_event_read(&event, call->args[0].data, call->args[0].size))                   \
            return not_an_event(call);                                                             \
        call->result.integer = event.field;                                                        \
        return CB_OK;                                                                              \
    }
DEFINE_FIELD(operation, operation)
DEFINE_FIELD(kind, kind)
DEFINE_FIELD(error, error)
DEFINE_FIELD(value, value)
DEFINE_FIELD(handle, handle)

cb_status cb_nbio_event_bytes(cb_call *call)
{
    const cb_value *bytes = &call->args[0];
    cb_loop_event event;
    if (!cb_loop_event_read(&event, bytes->data, bytes->size))
        return not_an_event(call);
    size_t offset = cb_loop_bytes_offset(event.kind);
    if (offset > bytes->size)
        return not_an_event(call);
    return call->host->return_bytes(call, bytes->data + offset, bytes->size - offset);
}

/* The event's peer; one that has none gives one without a family. */
static cb_status read_peer(cb_call *call, cb_loop_peer *peer)
{
    const cb_value *bytes = &call->args[0];
    cb_loop_event event;
    memset(peer, 0, sizeof *peer);
    if (!cb_loop_event_read(&event, bytes->data, bytes->size))
        return not_an_event(call);
    if (cb_loop_bytes_offset(event.kind) == CB_LOOP_EVENT_SIZE)
        return CB_OK;
    return cb_loop_peer_read(peer, bytes->data, bytes->size) ? CB_OK : not_an_event(call);
}

cb_status cb_nbio_peer_address(cb_call *call)
{
    cb_loop_peer peer;
    char text[CB_ENDPOINT_TEXT_SIZE] = "";
    cb_status status = read_peer(call, &peer);
    if (status != CB_OK)
        return status;
    if (peer.family == CB_FAMILY_IP4)
        (void)inet_ntop(AF_INET, peer.address, text, sizeof text);
    else if (peer.family == CB_FAMILY_IP6)
        (void)inet_ntop(AF_INET6, peer.address, text, sizeof text);
    if (text[0] != '\0' && peer.scope != 0) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%%%u", (unsigned)peer.scope);
    }
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_nbio_peer_port(cb_call *call)
{
    cb_loop_peer peer;
    cb_status status = read_peer(call, &peer);
    call->result.integer = peer.port;
    return status;
}
