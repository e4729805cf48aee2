/* Events: their parts, and what their kinds are. Pure calls, no message. */
#include <string.h>

#include "plugins/async_tcp/asynctcp.h"

/* A kind's number, its text, and what it is a case of, directly. */
typedef struct kind {
    int32_t number;
    const char *text;
    uint32_t parents; /* bits by the parents' numbers, which are small */
} kind;

static const kind kinds[] = {
#define TCP_KIND(name, text, parents) {CB_##name, text, parents},
    CB_TCP_KINDS(TCP_KIND)
#undef TCP_KIND
#define OWN_KIND(name, number, text) {number, text, 1u << CB_TCP_INFO},
        CB_SOCKET_KINDS(OWN_KIND)
#undef OWN_KIND
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static const kind *find(int64_t number)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].number == number)
            return &kinds[i];
    return NULL;
}

/* Parents have smaller numbers than their cases, so this ends. */
static bool is(int64_t number, int64_t ancestor)
{
    const kind *found = find(number);
    if (found == NULL || find(ancestor) == NULL)
        return false;
    if (number == ancestor)
        return true;
    for (int32_t parent = 0; parent < CB_TCP_KIND_COUNT; parent++)
        if ((found->parents >> parent & 1u) != 0 && is(parent, ancestor))
            return true;
    return false;
}

/* -- the parts of an event --------------------------------------------------------------------- */

static cb_status read_event(cb_call *call, cb_socket_event *event)
{
    if (call->args[0].size < CB_SOCKET_EVENT_SIZE)
        return call->host->fail(call, CB_FORMAT, "%zu bytes are no event: it has %u and more",
                                call->args[0].size, CB_SOCKET_EVENT_SIZE);
    *event = cb_unpack_socket_event(call->args[0].data);
    return CB_OK;
}

/* What happens to a server itself is about no socket. */
cb_status cb_atcp_event_socket(cb_call *call)
{
    cb_socket_event event = {0};
    cb_status status = read_event(call, &event);
    call->result.integer = event.id > CB_SOCKET_ROUTE_MOST ? event.id : 0;
    return status;
}

cb_status cb_atcp_event_server(cb_call *call)
{
    cb_socket_event event = {0};
    cb_status status = read_event(call, &event);
    call->result.integer = event.id > CB_SOCKET_ROUTE_MOST ? 0 : event.id;
    return status;
}

cb_status cb_atcp_event_kind(cb_call *call)
{
    cb_socket_event event = {0};
    cb_status status = read_event(call, &event);
    call->result.integer = event.kind;
    return status;
}

cb_status cb_atcp_event_code(cb_call *call)
{
    cb_socket_event event = {0};
    cb_status status = read_event(call, &event);
    call->result.integer = event.code;
    return status;
}

cb_status cb_atcp_event_bytes(cb_call *call)
{
    cb_socket_event event = {0};
    cb_status status = read_event(call, &event);
    if (status != CB_OK)
        return status;
    return call->host->return_bytes(call, call->args[0].data + CB_SOCKET_EVENT_SIZE,
                                    call->args[0].size - CB_SOCKET_EVENT_SIZE);
}

/* -- kinds ------------------------------------------------------------------------------------- */

cb_status cb_atcp_event_is(cb_call *call)
{
    call->result.integer = is(call->args[0].integer, call->args[1].integer);
    return CB_OK;
}

cb_status cb_atcp_event_is_last(cb_call *call)
{
    int64_t number = call->args[0].integer;
    call->result.integer = number == CB_SOCKET_KIND_ENDED || is(number, CB_TCP_ERROR);
    return CB_OK;
}

cb_status cb_atcp_event_text(cb_call *call)
{
    const kind *found = find(call->args[0].integer);
    const char *text = found != NULL ? found->text : "unknown event";
    return call->host->return_bytes(call, text, strlen(text));
}

#define DEFINE_KIND(name, number)                                                                  \
    cb_status cb_atcp_kind_##name(cb_call *call)                                                   \
    {                                                                                              \
        call->result.integer = (number);                                                           \
        return CB_OK;                                                                              \
    }
CB_ATCP_KINDS(DEFINE_KIND)

cb_status cb_atcp_direction_read(cb_call *call)
{
    call->result.integer = CB_SOCKET_DIRECTION_READ;
    return CB_OK;
}

cb_status cb_atcp_direction_write(cb_call *call)
{
    call->result.integer = CB_SOCKET_DIRECTION_WRITE;
    return CB_OK;
}
