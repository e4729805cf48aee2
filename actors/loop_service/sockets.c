/* Timers, and operations on sockets: each started by its order, each ended into its event. */
#include "actors/loop_service/service.h"

#define MS INT64_C(1000000)

static cb_loop *loop_of(const cb_loop_task *task)
{
    return task->service->actor.loop;
}

/* -- timers and closing -- */

static void on_over(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_loop_service *service = task->service;
    task->op = NULL;
    cb_task_done(task, op->error, 0);
    cb_loop_service_settle(service);
}

cb_op *cb_start_timeout(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_timeout(loop_of(task), start->order.size * MS, on_over);
}

cb_op *cb_start_next_tick(cb_loop_task *task, const cb_loop_start *start)
{
    (void)start;
    return cb_next_tick(loop_of(task), on_over);
}

cb_op *cb_start_close(cb_loop_task *task, const cb_loop_start *start)
{
    cb_loop_service *service = task->service;
    cb_loop_handle *handle = start->handle;
    if (handle->lent > 0)
        cb_tasks_take_file_back(service, handle->id);
    cb_op *op = cb_close(service->actor.loop, handle->descriptor, on_over);
    if (op != NULL)
        (void)cb_handle_forget(service, handle);
    return op;
}

/* -- new connections -- */

/* Hands the new socket to the script, under a number of its own. */
static void done_with_socket(cb_loop_task *task, cb_io_error error, cb_socket socket, int64_t value)
{
    cb_loop_service *service = task->service;
    task->handle = 0;
    if (error == CB_IO_OK) {
        cb_loop_handle *handle = cb_handle_new(service, CB_HANDLE_SOCKET, socket);
        if (handle != NULL) {
            task->made = handle->id;
        } else {
            cb_descriptor_drop(service->actor.loop, socket);
            error = CB_IO_NO_MEMORY;
        }
    }
    cb_task_done(task, error, value);
    cb_loop_service_settle(service);
}

static void on_accepted(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    int64_t listener = task->handle;
    task->op = NULL;
    cb_task_set_peer(task, &op->accept.peer);
    done_with_socket(task, op->error, op->accept.client, listener);
}

cb_op *cb_start_accept(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_accept(loop_of(task), start->handle->descriptor, on_accepted, &start->options);
}

static void on_dialled(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    cb_task_set_peer(task, &op->dial.endpoint);
    done_with_socket(task, op->error, op->dial.socket, 0);
}

cb_op *cb_start_dial(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_dial(loop_of(task), &start->endpoint, on_dialled, &start->options);
}

/* -- receiving -- */

static void on_received(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_loop_service *service = task->service;
    task->op = NULL;
    cb_task_set_bytes(task, op->recv.received);
    if (task->kind == CB_LOOP_KIND_RECV_FROM)
        cb_task_set_peer(task, &op->recv.source);
    cb_task_done(task, op->error, (int64_t)op->recv.received);
    cb_loop_service_settle(service);
}

cb_op *cb_start_recv(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_recv(loop_of(task), start->handle->descriptor, cb_task_bytes(task),
                   (size_t)start->order.size, on_received, &start->options);
}

cb_op *cb_start_recv_all(cb_loop_task *task, const cb_loop_start *start)
{
    cb_op_options options = start->options;
    options.transfer = CB_TRANSFER_ALL;
    return cb_recv(loop_of(task), start->handle->descriptor, cb_task_bytes(task),
                   (size_t)start->order.size, on_received, &options);
}

/* -- sending -- */

static void on_sent(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_loop_service *service = task->service;
    task->op = NULL;
    cb_task_done(task, op->error, (int64_t)op->send.sent);
    cb_loop_service_settle(service);
}

cb_op *cb_start_send(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_send(loop_of(task), start->handle->descriptor, start->data, start->data_size, on_sent,
                   &start->options);
}

cb_op *cb_start_send_to(cb_loop_task *task, const cb_loop_start *start)
{
    /* The list has no const, being the kernel's; nothing writes through it. */
    const cb_bytes bytes = {(void *)(uintptr_t)start->data, start->data_size};
    return cb_send_list(loop_of(task), start->handle->descriptor, &bytes, 1, &start->endpoint,
                        on_sent, &start->options);
}

/* -- waiting for a socket -- */

static void on_polled(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_loop_service *service = task->service;
    task->op = NULL;
    cb_task_done(task, op->error, op->poll.ready);
    cb_loop_service_settle(service);
}

cb_op *cb_start_poll(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_poll(loop_of(task), start->handle->descriptor, start->order.flags, on_polled,
                   &start->options);
}
