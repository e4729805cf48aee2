#include "actors/listeners/http_port.h"

#include "actors/listeners/http_connection.h"

#define MS        1000000
/* After the order to stop accepting: what clients sent before they could know is still taken. */
#define LAST_LOOK (20 * MS)

/* -- the end ---------------------------------------------------------------------------------- */

static void take_leave(cb_listener *listener)
{
    cb_http_port *self = listener->own;
    self->over = true;
    for (size_t i = 0; i < listener->slot_count; i++) {
        cb_http_connection *connection = (cb_http_connection *)listener->slots[i];
        if (!connection->guest.base.in_use)
            continue;
        if (connection->state == CB_HTTP_WAITING)
            cb_http_close_quietly(connection);
        else if (connection->state == CB_HTTP_SENDING || connection->state == CB_HTTP_STALLED)
            cb_http_hold(connection);
    }
    if (self->port_closed)
        cb_listener_port_closed(listener);
}

static void on_last_look(cb_op *op)
{
    cb_listener *listener = op->user_data;
    cb_http_port *self = listener->own;
    self->last_look = NULL;
    if (op->error == CB_IO_OK || op->error == CB_IO_TIMEOUT)
        take_leave(listener);
}

void cb_http_port_closed(cb_listener *listener)
{
    cb_http_port *self = listener->own;
    self->port_closed = true;
    if (self->over)
        cb_listener_port_closed(listener);
}

/* -- the kind --------------------------------------------------------------------------------- */

static cb_status open_port(cb_listener *listener, uint16_t *port, cb_error *error)
{
    cb_http_port *self = listener->own;
    self->limits = cb_http_limits_from(cb_listener_limits(listener));
    self->last_look = cb_prep_timeout(listener->actor.loop, LAST_LOOK, on_last_look);
    if (self->last_look == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for a listener");
    self->last_look->user_data = listener;
    cb_status status = cb_tcp_port_open(listener, &cb_http_connection_framing, port, error);
    if (status != CB_OK)
        cb_op_remove(&self->last_look);
    return status;
}

static void stop_accepting(cb_listener *listener)
{
    const cb_http_port *self = listener->own;
    (void)cb_op_exec(self->last_look, false);
    cb_tcp_port_stop(listener);
}

const cb_listener_kind cb_http_kind = {.own_size = sizeof(cb_http_port),
                                       .connection_size = sizeof(cb_http_connection),
                                       .counts_connections = true,
                                       .open = open_port,
                                       .stop_accepting = stop_accepting,
                                       .respond = cb_http_respond,
                                       .announced = cb_tcp_port_announced,
                                       .drop = cb_tcp_port_drop,
                                       .refuse = cb_http_refuse,
                                       .order = cb_tcp_port_order};
