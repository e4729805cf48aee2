/* Time limits. A timer is set for the earliest limit and left alone while bytes move; when it
 * strikes and the limit has moved on meanwhile, it is set again. So activity costs no timer. */
#include <math.h>
#include <stdio.h>

#include "actors/io/tcp/inside.h"

/* A century: far enough, and no sum with it overflows. */
#define LONGEST_S 3.2e9

int64_t cb_tcp_limit_ns(double seconds)
{
    if (!(seconds > 0))
        return 0;
    if (seconds > LONGEST_S)
        seconds = LONGEST_S;
    int64_t limit_ns = (int64_t)(seconds * CB_TCP_NS_PER_S);
    return limit_ns > 0 ? limit_ns : 1;
}

/* When each limit strikes; INT64_MAX: not now. */
static int64_t connect_due(const cb_tcp_socket *socket)
{
    bool connecting = socket->phase > CB_TCP_PHASE_NEW && socket->phase < CB_TCP_PHASE_OPEN;
    return connecting && socket->connect_limit_ns > 0 && socket->began_ns > 0
               ? socket->began_ns + socket->connect_limit_ns
               : INT64_MAX;
}

static int64_t read_due(const cb_tcp_socket *socket)
{
    bool reading = socket->phase == CB_TCP_PHASE_OPEN && !socket->closed && socket->read_on &&
                   !socket->ended && socket->held == 0 && !cb_tcp_is_full(socket);
    return reading && socket->read_limit_ns > 0 ? socket->read_at_ns + socket->read_limit_ns
                                                : INT64_MAX;
}

static int64_t write_due(const cb_tcp_socket *socket)
{
    bool writing = socket->phase > CB_TCP_PHASE_NEW && socket->phase <= CB_TCP_PHASE_OPEN &&
                   (socket->plain.size > 0 || socket->wire.size > 0) &&
                   (socket->write_on || socket->closed);
    int64_t limit_ns = socket->write_limit_ns;
    if (limit_ns == 0 && socket->closed)
        limit_ns = CB_TCP_CLOSE_STALL_NS;
    return writing && limit_ns > 0 ? socket->write_at_ns + limit_ns : INT64_MAX;
}

static int64_t alarm_due(const cb_tcp_socket *socket)
{
    return socket->alarm_ns != 0 && !socket->closed ? socket->alarm_ns : INT64_MAX;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void give_up(cb_tcp_socket *socket, const char *what, int64_t limit_ns)
{
    char text[96];
    snprintf(text, sizeof text, "%s for %.3g s", what, (double)limit_ns / CB_TCP_NS_PER_S);
    cb_tcp_failure failure = {.kind = CB_TCP_TIMEOUT, .error = CB_IO_TIMEOUT, .message = text};
    cb_tcp_fail(socket, &failure);
}

static void ring(cb_tcp_socket *socket, int64_t now_ns)
{
    if (alarm_due(socket) <= now_ns) {
        socket->alarm_ns = 0;
        if (socket->callbacks.alarm != NULL)
            socket->callbacks.alarm(socket);
    }
    if (socket->phase < CB_TCP_PHASE_LINGERING)
        cb_tcp_arm(socket);
}

static void on_timer(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    socket->timer = NULL;
    int64_t now_ns = cb_loop_now(socket->turn->loop);
    if (connect_due(socket) <= now_ns)
        give_up(socket, "no connection", socket->connect_limit_ns);
    else if (read_due(socket) <= now_ns)
        give_up(socket, "nothing was received", socket->read_limit_ns);
    else if (write_due(socket) <= now_ns)
        give_up(socket, "nothing could be sent",
                socket->write_limit_ns > 0 ? socket->write_limit_ns : CB_TCP_CLOSE_STALL_NS);
    else
        ring(socket, now_ns);
}

void cb_tcp_arm(cb_tcp_socket *socket)
{
    int64_t due_ns = earliest(connect_due(socket), earliest(read_due(socket), write_due(socket)));
    due_ns = earliest(due_ns, alarm_due(socket));
    if (due_ns == INT64_MAX || (socket->timer != NULL && socket->timer_due_ns <= due_ns))
        return;
    cb_op_remove(&socket->timer);
    cb_loop *loop = socket->turn->loop;
    socket->timer_due_ns = due_ns;
    socket->timer = cb_timeout(loop, due_ns - cb_loop_now(loop), on_timer);
    if (socket->timer != NULL)
        socket->timer->user_data = socket;
    else
        cb_tcp_fail_later(socket, CB_IO_NO_MEMORY, "no memory for a time limit");
}

cb_status cb_tcp_set_timeouts(cb_tcp_socket *socket, double read_timeout, double write_timeout,
                              cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    socket->read_limit_ns = cb_tcp_limit_ns(read_timeout);
    socket->write_limit_ns = cb_tcp_limit_ns(write_timeout);
    cb_tcp_socket_add(socket, CB_TCP_WORK_TIMEOUTS);
    return CB_OK;
}

cb_status cb_tcp_set_alarm(cb_tcp_socket *socket, int64_t due_ns, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    /* The clock never was there: a time as long past as any, whose distance can be told. */
    socket->alarm_ns = due_ns < 0 ? -1 : due_ns;
    cb_tcp_arm(socket);
    return CB_OK;
}
