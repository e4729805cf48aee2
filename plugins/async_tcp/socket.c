/* The verbs about sockets, and those that make them. */
#include <math.h>
#include <string.h>

#include "callboard/tls.h"
#include "plugins/async_tcp/asynctcp.h"

#define US_PER_S     1e6
/* Some 30 years: a longer time limit is none. */
#define SECONDS_MOST 1e9

/* -- connecting -------------------------------------------------------------------------------- */

/* The one route of all connections that this process makes. */
static cb_status client_route(cb_call *call, int64_t *id)
{
    const cb_route_options options = {
        .kind = CB_ROUTE_SOCKETS, .callback = "Connect", .timeout_ms = -1, .shared = true};
    cb_error error = {.text = ""};
    cb_status status = call->host->route_open(call, &options, id, &error);
    return status == CB_OK ? CB_OK : cb_atcp_error(call, status, &error);
}

/* Takes over the payload. */
static cb_status connect_with(cb_call *call, cb_socket_command what, int64_t port,
                              cb_buffer *payload)
{
    int64_t route = 0;
    cb_status status = client_route(call, &route);
    if (status != CB_OK) {
        call->host->buffer_release(payload);
        return status;
    }
    const cb_command command = {
        .route_id = route, .what = (int32_t)what, .value = port, .payload = payload};
    cb_reply reply;
    status = call->host->route_command(call, &command, &reply);
    if (status == CB_OK)
        call->result.integer = cb_socket_id((uint32_t)route, (uint32_t)reply.value);
    else if (status == CB_CLOSED)
        status = call->host->fail(call, status, "the program is ending");
    else if (reply.payload != NULL)
        status = call->host->fail(call, status, "%.*s", (int)reply.payload->size,
                                  (const char *)reply.payload->data);
    call->host->buffer_release(reply.payload);
    return status;
}

static cb_status check_host(cb_call *call, int64_t *port)
{
    if (call->args[0].size == 0)
        return call->host->fail(call, CB_INVALID, "host is empty");
    return cb_atcp_port(call, 1, 1, port);
}

cb_status cb_atcp_connect(cb_call *call)
{
    enum { DATA = 4 };
    int64_t port = 0;
    cb_buffer *payload = NULL;
    const cb_value *data = call->argc > DATA ? &call->args[DATA] : NULL;
    cb_status status = check_host(call, &port);
    if (status == CB_OK)
        status = cb_atcp_entries(call, 2, CB_SOCKET_CLIENT_ENTRIES, &call->args[0], data, &payload);
    return status == CB_OK ? connect_with(call, CB_SOCKET_CONNECT, port, payload) : status;
}

static void drop_secure(void *object)
{
    cb_socket_secure *held = object;
    held->provider->context_release(held->context);
    held->release(held->data);
}

/* A context of what the call says: whom to trust. */
static cb_status make_context(cb_call *call, const cb_tls_provider **provider,
                              cb_tls_context **context)
{
    enum { CA_FILE = 4, VERIFY };
    cb_error error = {.text = ""};
    int64_t verify = call->argc > VERIFY ? call->args[VERIFY].integer : 1;
    bool has_file = call->argc > CA_FILE && call->args[CA_FILE].size > 0;
    if (verify != 0 && verify != 1)
        return call->host->fail(call, CB_INVALID, "verify is %lld; it must be 0 or 1",
                                (long long)verify);
    *provider = call->host->service(call, CB_TLS_SERVICE, &error);
    if (*provider == NULL)
        return cb_atcp_error(call, CB_UNSUPPORTED, &error);
    const cb_tls_client_options options = {
        .insecure = verify == 0,
        .ca_file = has_file ? (const char *)call->args[CA_FILE].data : NULL};
    cb_status status = (*provider)->client_context_new(&options, context, &error);
    return status == CB_OK ? CB_OK : cb_atcp_error(call, status, &error);
}

cb_status cb_atcp_connect_tls(cb_call *call)
{
    enum { DATA = 6 };
    int64_t port = 0;
    cb_socket_secure held = {.provider = NULL};
    cb_status status = check_host(call, &port);
    if (status != CB_OK)
        return status;
    if (call->args[0].size > CB_SOCKET_HOST_MOST)
        return call->host->fail(call, CB_INVALID, "an address of %zu bytes; it may have %u",
                                call->args[0].size, CB_SOCKET_HOST_MOST);
    if (!CB_HOST_HAS(call->host, buffer_holding))
        return call->host->fail(call, CB_UNSUPPORTED, "this runtime is too old for it");
    status = make_context(call, &held.provider, &held.context);
    if (status != CB_OK)
        return status;
    memcpy(held.host, call->args[0].data, call->args[0].size);
    for (uint32_t i = 0; i < CB_SOCKET_CLIENT_ENTRIES; i++)
        held.entries[i] = call->args[2 + i].integer;
    held.release = call->host->buffer_release;
    held.data = call->argc > DATA ? call->host->argument_buffer(call, DATA) : NULL;
    cb_buffer *payload = call->argc <= DATA || held.data != NULL
                             ? call->host->buffer_holding(&held, sizeof held, drop_secure)
                             : NULL;
    if (payload == NULL) {
        drop_secure(&held);
        return CB_NO_MEMORY;
    }
    return connect_with(call, CB_SOCKET_CONNECT_TLS, port, payload);
}

/* -- one command each -------------------------------------------------------------------------- */

/* The answer's value is the verb's. Takes over the payload. */
static cb_status ask_value(cb_call *call, cb_socket_command what, uint32_t argument,
                           cb_buffer *payload)
{
    cb_reply reply;
    cb_status status = cb_atcp_ask_socket(call, what, argument, payload, &reply);
    if (status != CB_OK)
        return cb_atcp_socket_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return CB_OK;
}

static cb_status ask_bytes(cb_call *call, cb_socket_command what)
{
    cb_reply reply;
    cb_status status = cb_atcp_ask_socket(call, what, 0, NULL, &reply);
    if (status != CB_OK)
        return cb_atcp_socket_error(call, status, &reply);
    return call->host->return_buffer(call, reply.payload);
}

/* The same, but a closed socket is the value `closed`. */
static cb_status try_value(cb_call *call, cb_socket_command what, uint32_t argument,
                           cb_buffer *payload, int64_t closed)
{
    cb_reply reply;
    cb_status status = cb_atcp_ask_socket(call, what, argument, payload, &reply);
    if (status != CB_OK && status != CB_CLOSED)
        return cb_atcp_socket_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    call->result.integer = status == CB_CLOSED ? closed : reply.value;
    return CB_OK;
}

/* 1, or 0 if it is closed. */
static cb_status do_if_open(cb_call *call, cb_socket_command what, uint32_t argument,
                            cb_buffer *payload)
{
    cb_status status = try_value(call, what, argument, payload, 1);
    call->result.integer = status == CB_OK && call->result.integer == 0;
    return status;
}

cb_status cb_atcp_write(cb_call *call)
{
    cb_buffer *bytes = call->host->argument_buffer(call, 1);
    return bytes != NULL ? ask_value(call, CB_SOCKET_WRITE, 0, bytes) : CB_NO_MEMORY;
}

cb_status cb_atcp_try_write(cb_call *call)
{
    cb_buffer *bytes = call->host->argument_buffer(call, 1);
    return bytes != NULL ? try_value(call, CB_SOCKET_WRITE, 0, bytes, CB_ATCP_IS_CLOSED)
                         : CB_NO_MEMORY;
}

cb_status cb_atcp_end_writing(cb_call *call)
{
    return do_if_open(call, CB_SOCKET_END_WRITING, 0, NULL);
}

cb_status cb_atcp_close(cb_call *call)
{
    return ask_value(call, CB_SOCKET_CLOSE, 0, NULL);
}

cb_status cb_atcp_try_close(cb_call *call)
{
    return do_if_open(call, CB_SOCKET_CLOSE, 0, NULL);
}

cb_status cb_atcp_abort(cb_call *call)
{
    return do_if_open(call, CB_SOCKET_ABORT, 0, NULL);
}

/* Of a route that is no more all sockets are closed. */
cb_status cb_atcp_closed(cb_call *call)
{
    return try_value(call, CB_SOCKET_CLOSED, 0, NULL, 1);
}

/* 0: none. */
static int64_t microseconds(double seconds)
{
    if (!(seconds > 0) || seconds > SECONDS_MOST)
        return 0;
    return (int64_t)fmax(seconds * US_PER_S, 1);
}

cb_status cb_atcp_set_timeouts(cb_call *call)
{
    cb_buffer *payload = call->host->buffer_new(2 * sizeof(int64_t), 0);
    if (payload == NULL)
        return CB_NO_MEMORY;
    cb_pack_i64(payload->data, microseconds(call->args[1].real));
    cb_pack_i64(payload->data + sizeof(int64_t), microseconds(call->args[2].real));
    return ask_value(call, CB_SOCKET_SET_TIMEOUTS, 0, payload);
}

static cb_status direct(cb_call *call, cb_socket_command what)
{
    int64_t directions = call->args[1].integer;
    if (directions < 1 || directions > (CB_SOCKET_DIRECTION_READ | CB_SOCKET_DIRECTION_WRITE))
        return call->host->fail(call, CB_INVALID,
                                "directions is %lld; it must be 1 (read), 2 (write) or 3 (both)",
                                (long long)directions);
    return do_if_open(call, what, (uint32_t)directions, NULL);
}

cb_status cb_atcp_enable(cb_call *call)
{
    return direct(call, CB_SOCKET_ENABLE);
}

cb_status cb_atcp_disable(cb_call *call)
{
    return direct(call, CB_SOCKET_DISABLE);
}

cb_status cb_atcp_set_callbacks(cb_call *call)
{
    cb_buffer *payload = NULL;
    cb_status status = cb_atcp_entries(call, 1, CB_SOCKET_CLIENT_ENTRIES, NULL, NULL, &payload);
    return status == CB_OK ? do_if_open(call, CB_SOCKET_SET_CALLBACKS, 0, payload) : status;
}

cb_status cb_atcp_set_data(cb_call *call)
{
    cb_buffer *bytes = call->host->argument_buffer(call, 1);
    return bytes != NULL ? do_if_open(call, CB_SOCKET_SET_DATA, 0, bytes) : CB_NO_MEMORY;
}

/* Of a socket that is gone nothing is kept. */
cb_status cb_atcp_data(cb_call *call)
{
    cb_reply reply;
    cb_status status = cb_atcp_ask_socket(call, CB_SOCKET_DATA, 0, NULL, &reply);
    if (status == CB_OK)
        return call->host->return_buffer(call, reply.payload);
    if (status != CB_CLOSED)
        return cb_atcp_socket_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    return CB_OK;
}

cb_status cb_atcp_buffered(cb_call *call)
{
    return ask_value(call, CB_SOCKET_BUFFERED, 0, NULL);
}

cb_status cb_atcp_peer_address(cb_call *call)
{
    return ask_bytes(call, CB_SOCKET_PEER);
}

/* Of a socket, or of a server, whose ids are the small ones. */
cb_status cb_atcp_local_port(cb_call *call)
{
    if (call->args[0].integer > CB_SOCKET_ROUTE_MOST)
        return ask_value(call, CB_SOCKET_LOCAL_PORT, 0, NULL);
    cb_reply reply;
    cb_status status = cb_atcp_ask_server(call, CB_SOCKET_SERVER_PORT, 0, NULL, &reply);
    if (status != CB_OK)
        return cb_atcp_server_error(call, status, &reply);
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return CB_OK;
}

cb_status cb_atcp_server_of(cb_call *call)
{
    cb_status status = ask_value(call, CB_SOCKET_SERVER_OF, 0, NULL);
    if (status == CB_OK && call->result.integer != 0)
        call->result.integer = call->args[0].integer >> 32;
    return status;
}

cb_status cb_atcp_open_count(cb_call *call)
{
    cb_question question = {.what = CB_ASK_CONNECTION_COUNT};
    cb_status status = call->host->ask(call, &question, 1);
    if (status == CB_OK)
        status = question.status;
    call->result.integer = question.value;
    return status;
}
