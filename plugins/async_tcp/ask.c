/* Commands to the actors, and the runtime errors that their answers can mean. */
#include <string.h>

#include "plugins/async_tcp/asynctcp.h"

static cb_status send_command(cb_call *call, uint32_t route, int32_t what, int64_t value,
                              cb_buffer *payload, cb_reply *reply)
{
    const cb_command command = {
        .route_id = route, .what = what, .value = value, .payload = payload};
    return call->host->route_command(call, &command, reply);
}

/* A socket's id is its route's, then its number. */
cb_status cb_atcp_ask_socket(cb_call *call, cb_socket_command what, uint32_t argument,
                             cb_buffer *payload, cb_reply *reply)
{
    int64_t id = call->args[0].integer;
    uint32_t route = id > 0 ? (uint32_t)(id >> 32) : 0;
    uint32_t number = (uint32_t)((uint64_t)id & UINT32_MAX);
    *reply = (cb_reply){0};
    if (route == 0 || number == 0) {
        call->host->buffer_release(payload);
        return CB_UNKNOWN;
    }
    return send_command(call, route, (int32_t)what, cb_socket_target(number, argument), payload,
                        reply);
}

cb_status cb_atcp_ask_server(cb_call *call, cb_socket_command what, int64_t value,
                             cb_buffer *payload, cb_reply *reply)
{
    int64_t id = call->args[0].integer;
    *reply = (cb_reply){0};
    if (id < 1 || id > CB_SOCKET_ROUTE_MOST) {
        call->host->buffer_release(payload);
        return CB_UNKNOWN;
    }
    return send_command(call, (uint32_t)id, (int32_t)what, value, payload, reply);
}

/* "socket 5: its writing was ended", or what the status alone means. */
static cb_status tell(cb_call *call, cb_status status, cb_reply *reply, const char *what)
{
    long long id = (long long)call->args[0].integer;
    const cb_buffer *text = reply->payload;
    cb_status told = status;
    if (status == CB_STOPPED)
        ;
    else if (text != NULL && text->size > 0)
        told = call->host->fail(call, status, "%s %lld: %.*s", what, id, (int)text->size,
                                (const char *)text->data);
    else if (status == CB_UNKNOWN)
        told = call->host->fail(call, status, "no %s %lld", what, id);
    else if (status == CB_CLOSED)
        told = call->host->fail(call, status, "%s %lld is closed", what, id);
    else
        told = call->host->fail(call, status, "%s %lld: %s", what, id,
                                call->host->status_text(status));
    call->host->buffer_release(reply->payload);
    reply->payload = NULL;
    return told;
}

cb_status cb_atcp_socket_error(cb_call *call, cb_status status, cb_reply *reply)
{
    return tell(call, status, reply, "socket");
}

cb_status cb_atcp_server_error(cb_call *call, cb_status status, cb_reply *reply)
{
    return tell(call, status, reply, "server");
}

cb_status cb_atcp_error(cb_call *call, cb_status status, const cb_error *error)
{
    if (status == CB_STOPPED)
        return status;
    return call->host->fail(call, status, "%s",
                            error->text[0] != '\0' ? error->text : call->host->status_text(status));
}

cb_status cb_atcp_port(cb_call *call, uint32_t index, int64_t least, int64_t *port)
{
    *port = call->args[index].integer;
    if (*port >= least && *port <= UINT16_MAX)
        return CB_OK;
    return call->host->fail(call, CB_INVALID, "port is %lld; it must be %lld..65535",
                            (long long)*port, (long long)least);
}

cb_status cb_atcp_entries(cb_call *call, uint32_t index, uint32_t count, const cb_value *text,
                          const cb_value *data, cb_buffer **payload)
{
    size_t head = count * sizeof(int64_t);
    size_t size = text != NULL ? text->size : 0;
    size_t more = data != NULL ? data->size + 1 : 0;
    if (size > CB_SOCKET_HOST_MOST)
        return call->host->fail(call, CB_INVALID, "an address of %zu bytes; it may have %u", size,
                                CB_SOCKET_HOST_MOST);
    cb_buffer *made = call->host->buffer_new(head + size + more, 0);
    if (made == NULL)
        return CB_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        cb_pack_i64(made->data + i * sizeof(int64_t), call->args[index + i].integer);
    if (size > 0)
        memcpy(made->data + head, text->data, size);
    if (more > 1)
        memcpy(made->data + head + size + 1, data->data, data->size);
    *payload = made;
    return CB_OK;
}
