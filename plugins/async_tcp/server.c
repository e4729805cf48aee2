/* The verbs about servers. */
#include <stdio.h>
#include <string.h>

#include "callboard/tls.h"
#include "plugins/async_tcp/asynctcp.h"

/* A server that cannot listen leaves no route behind. */
static cb_status listen_at(cb_call *call, int64_t id, int64_t port, cb_buffer *payload)
{
    const cb_command command = {
        .route_id = id, .what = CB_SOCKET_LISTEN, .value = port, .payload = payload};
    cb_reply reply;
    cb_error error = {.text = ""};
    int64_t canceled = 0;
    cb_status status = call->host->route_command(call, &command, &reply);
    if (status == CB_OK) {
        call->host->buffer_release(reply.payload);
        call->result.integer = id;
        return CB_OK;
    }
    if (reply.payload != NULL)
        (void)snprintf(error.text, sizeof error.text, "%.*s", (int)reply.payload->size,
                       (const char *)reply.payload->data);
    call->host->buffer_release(reply.payload);
    (void)call->host->route_close(call, id, &canceled);
    return cb_atcp_error(call, status, &error);
}

cb_status cb_atcp_server(cb_call *call)
{
    enum { ADDRESS, PORT, ON_CONNECT };
    int64_t port = 0;
    cb_buffer *payload = NULL;
    cb_status status = cb_atcp_port(call, PORT, 0, &port);
    if (status == CB_OK)
        status = cb_atcp_entries(call, ON_CONNECT, CB_SOCKET_SERVER_ENTRIES, &call->args[ADDRESS],
                                 NULL, &payload);
    if (status != CB_OK)
        return status;
    const cb_route_options options = {.kind = CB_ROUTE_SOCKETS,
                                      .callback = (const char *)call->args[ON_CONNECT].data,
                                      .entry = call->args[ON_CONNECT].integer,
                                      .timeout_ms = -1};
    cb_error error = {.text = ""};
    int64_t id = 0;
    status = call->host->route_open(call, &options, &id, &error);
    if (status == CB_OK)
        return listen_at(call, id, port, payload);
    call->host->buffer_release(payload);
    return cb_atcp_error(call, status, &error);
}

/* A server whose route is no more is closed; the others know themselves. */
static cb_status ask_server(cb_call *call, cb_socket_command what, bool or_closed)
{
    cb_reply reply;
    cb_status status = cb_atcp_ask_server(call, what, 0, NULL, &reply);
    if (status == CB_CLOSED && or_closed) {
        call->host->buffer_release(reply.payload);
        return CB_OK;
    }
    if (status != CB_OK)
        return cb_atcp_server_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return CB_OK;
}

cb_status cb_atcp_close_server(cb_call *call)
{
    return ask_server(call, CB_SOCKET_CLOSE_SERVER, true);
}

cb_status cb_atcp_server_state(cb_call *call)
{
    return ask_server(call, CB_SOCKET_SERVER_STATE, true);
}

cb_status cb_atcp_enable_tls(cb_call *call)
{
    enum { CERTIFICATE = 1, KEY };
    cb_error error = {.text = ""};
    cb_reply reply = {0};
    cb_status status = cb_atcp_ask_server(call, CB_SOCKET_SERVER_STATE, 0, NULL, &reply);
    if (status == CB_OK && reply.value == 0)
        status = CB_CLOSED;
    if (status != CB_OK)
        return cb_atcp_server_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    const cb_tls_provider *provider = call->host->service(call, CB_TLS_SERVICE, &error);
    if (provider == NULL)
        return cb_atcp_error(call, CB_UNSUPPORTED, &error);
    const cb_tls_server_options options = {.certificate_file =
                                               (const char *)call->args[CERTIFICATE].data,
                                           .key_file = (const char *)call->args[KEY].data};
    cb_tls_context *context = NULL;
    status = provider->server_context_new(&options, &context, &error);
    if (status == CB_OK)
        status = call->host->route_set_tls(call, call->args[0].integer, provider, context, &error);
    return status == CB_OK ? CB_OK : cb_atcp_error(call, status, &error);
}

/* A number of this server's, of a socket's id or 0. */
static cb_status number_of(cb_call *call, uint32_t index, int64_t *number)
{
    int64_t id = call->argc > index ? call->args[index].integer : 0;
    *number = (int64_t)((uint64_t)id & UINT32_MAX);
    if (id == 0 || (id > 0 && id >> 32 == call->args[0].integer))
        return CB_OK;
    return call->host->fail(call, CB_INVALID, "socket %lld is none of server %lld's", (long long)id,
                            (long long)call->args[0].integer);
}

cb_status cb_atcp_next_socket(cb_call *call)
{
    int64_t after = 0;
    cb_reply reply;
    cb_status status = number_of(call, 1, &after);
    if (status != CB_OK)
        return status;
    status = cb_atcp_ask_server(call, CB_SOCKET_NEXT, after, NULL, &reply);
    if (status == CB_CLOSED) {
        call->host->buffer_release(reply.payload);
        return CB_OK;
    }
    if (status != CB_OK)
        return cb_atcp_server_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    if (reply.value > 0)
        call->result.integer = cb_socket_id((uint32_t)call->args[0].integer, (uint32_t)reply.value);
    return CB_OK;
}

cb_status cb_atcp_broadcast(cb_call *call)
{
    int64_t except = 0;
    cb_reply reply;
    cb_status status = number_of(call, 2, &except);
    if (status != CB_OK)
        return status;
    cb_buffer *bytes = call->host->argument_buffer(call, 1);
    if (bytes == NULL)
        return CB_NO_MEMORY;
    status = cb_atcp_ask_server(call, CB_SOCKET_BROADCAST, except, bytes, &reply);
    if (status != CB_OK)
        return cb_atcp_server_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return CB_OK;
}
