/* Events: their hierarchy, their sentences, and whom they are told to. */
#include <stdio.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

#define TEXT_SIZE 256

static _Thread_local void (*default_event)(const cb_tcp_event *event);

static const unsigned parents_of[CB_TCP_KIND_COUNT] = {
#define PARENTS(name, text, parents) [CB_##name] = (parents),
    CB_TCP_KINDS(PARENTS)
#undef PARENTS
};

static const char *const text_of[CB_TCP_KIND_COUNT] = {
#define TEXT(name, text, parents) [CB_##name] = (text),
    CB_TCP_KINDS(TEXT)
#undef TEXT
};

static bool is_kind(cb_tcp_kind kind)
{
    return (unsigned)kind < CB_TCP_KIND_COUNT;
}

bool cb_tcp_kind_is(cb_tcp_kind kind, cb_tcp_kind ancestor)
{
    if (!is_kind(kind) || !is_kind(ancestor))
        return false;
    if (kind == ancestor)
        return true;
    /* Parents come before their cases in the list, so this ends. */
    for (unsigned parent = 0; parent < (unsigned)kind; parent++)
        if ((parents_of[kind] >> parent & 1u) != 0 && cb_tcp_kind_is((cb_tcp_kind)parent, ancestor))
            return true;
    return false;
}

const char *cb_tcp_kind_text(cb_tcp_kind kind)
{
    return is_kind(kind) ? text_of[kind] : "unknown event";
}

void cb_tcp_set_default_event(void (*event)(const cb_tcp_event *event))
{
    default_event = event;
}

bool cb_tcp_has_event_callback(const cb_tcp_socket *socket)
{
    return socket->callbacks.event != NULL || default_event != NULL;
}

static void tell(void (*event)(const cb_tcp_event *event), const cb_tcp_event *what)
{
    if (event == NULL)
        event = default_event;
    if (event != NULL)
        event(what);
}

/* "connection refused", "connection failed: no route to host". */
static void describe(char *text, size_t size, const cb_tcp_failure *what)
{
    const char *kind = cb_tcp_kind_text(what->kind);
    const char *cause = what->code > 0 ? strerror(what->code) : cb_io_error_string(what->error);
    if (what->message != NULL)
        snprintf(text, size, "%s", what->message);
    else if (what->error == CB_IO_OK || what->kind == CB_TCP_REFUSED)
        snprintf(text, size, "%s", kind);
    else
        snprintf(text, size, "%s: %s", kind, cause);
}

void cb_tcp_tell(cb_tcp_socket *socket, const cb_tcp_failure *what)
{
    char text[CB_ERROR_TEXT_SIZE];
    bool plain = what->message == NULL && what->error == CB_IO_OK;
    if (!plain)
        describe(text, sizeof text, what);
    bool open = socket->server != NULL && socket->server->phase == CB_TCP_SERVER_OPEN;
    cb_tcp_event event = {.kind = what->kind,
                          .error = what->error,
                          .code = what->code,
                          .status = what->status,
                          .message = plain ? cb_tcp_kind_text(what->kind) : text,
                          .socket = socket,
                          .server = open ? socket->server : NULL};
    tell(socket->callbacks.event, &event);
}

void cb_tcp_tell_accept_error(cb_tcp_server *server, cb_io_error error, int code)
{
    char text[TEXT_SIZE];
    cb_tcp_failure what = {.kind = CB_TCP_ACCEPT_ERROR, .error = error, .code = code};
    describe(text, sizeof text, &what);
    cb_tcp_event event = {
        .kind = what.kind, .error = error, .code = code, .message = text, .server = server};
    tell(server->callbacks.event, &event);
}

cb_tcp_failure cb_tcp_failure_of(const cb_op *op, const char *message)
{
    cb_tcp_kind kind = CB_TCP_ERROR;
    if (op->error == CB_IO_REFUSED)
        kind = CB_TCP_REFUSED;
    else if (op->error == CB_IO_TIMEOUT)
        kind = CB_TCP_TIMEOUT;
    return (cb_tcp_failure){
        .kind = kind, .error = op->error, .code = op->sys_errno, .message = message};
}
