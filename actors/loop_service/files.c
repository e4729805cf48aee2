/* Operations on files: each started by its order, each ended into its event. */
#include "actors/loop_service/service.h"

static cb_loop *loop_of(const cb_loop_task *task)
{
    return task->service->actor.loop;
}

static void done(cb_loop_task *task, cb_io_error error, int64_t value)
{
    cb_loop_service *service = task->service;
    cb_task_done(task, error, value);
    cb_loop_service_settle(service);
}

/* -- opening -- */

static void on_opened(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_loop_service *service = task->service;
    cb_io_error error = op->error;
    task->op = NULL;
    if (error == CB_IO_OK) {
        cb_loop_handle *handle = cb_handle_new(service, CB_HANDLE_FILE, op->open.file);
        if (handle != NULL) {
            task->made = handle->id;
        } else {
            cb_descriptor_drop(service->actor.loop, op->open.file);
            error = CB_IO_NO_MEMORY;
        }
    }
    done(task, error, 0);
}

cb_op *cb_start_open(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_open(loop_of(task), CB_CWD, start->text, start->order.flags,
                   (uint32_t)start->order.size, on_opened, &start->options);
}

/* -- reading and writing -- */

static void on_read(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    cb_task_set_bytes(task, op->read.received);
    done(task, op->error, (int64_t)op->read.received);
}

cb_op *cb_start_read(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_read(loop_of(task), start->handle->descriptor, start->order.offset,
                   cb_task_bytes(task), (size_t)start->order.size, on_read, &start->options);
}

static void on_written(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    done(task, op->error, (int64_t)op->write.written);
}

cb_op *cb_start_write(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_write(loop_of(task), start->handle->descriptor, start->order.offset, start->data,
                    start->data_size, on_written, &start->options);
}

static void on_file_sent(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    done(task, op->error, op->sendfile.sent);
}

cb_op *cb_start_sendfile(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_sendfile(loop_of(task), start->handle->descriptor, start->file->descriptor,
                       start->order.offset, start->order.size, false, on_file_sent,
                       &start->options);
}

/* -- asking what a file is -- */

static void on_stat(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    if (op->error == CB_IO_OK) {
        const cb_loop_stat about = {.type = (int32_t)op->stat.type,
                                    .permissions = op->stat.permissions,
                                    .size = op->stat.size,
                                    .modified_ns = op->stat.modified_ns};
        cb_loop_stat_write(&about, cb_task_bytes(task));
        cb_task_set_bytes(task, CB_LOOP_STAT_SIZE);
    }
    done(task, op->error, op->stat.size);
}

cb_op *cb_start_stat(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_stat(loop_of(task), start->handle->descriptor, on_stat, &start->options);
}

/* -- a path's file: opened, worked on and closed again. The time limit is for each step -- */

/* Goes on with a step that was just submitted. */
static void step(cb_loop_task *task, cb_op *op)
{
    task->op = op;
    if (op != NULL)
        op->user_data = task;
    else
        done(task, CB_IO_NO_MEMORY, 0);
}

static void on_stat_opened(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    if (op->error != CB_IO_OK) {
        done(task, op->error, 0);
        return;
    }
    task->step_file = op->open.file;
    step(task, cb_stat(loop_of(task), task->step_file, on_stat, NULL));
}

/* Without waiting: opening a named pipe would wait for its writer. */
cb_op *cb_start_stat_path(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_open(loop_of(task), CB_CWD, start->text, CB_FILE_READ | CB_FILE_NON_BLOCKING, 0,
                   on_stat_opened, &start->options);
}

static void on_all_read(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    bool ok = op->error == CB_IO_OK || op->error == CB_IO_END_OF_FILE;
    task->op = NULL;
    cb_task_set_bytes(task, ok ? op->read.received : 0);
    if (ok)
        done(task, CB_IO_OK, (int64_t)op->read.received);
    else
        done(task, op->error, CB_NBIO_READ);
}

/* Makes room for the file; the error says what is wrong with it. */
static cb_io_error prepare_to_read(cb_loop_task *task, const cb_op *op)
{
    int64_t most = task->service->actor.core->options.limits.max_object;
    if (op->error != CB_IO_OK)
        return op->error;
    if (op->stat.type != CB_FILE_TYPE_REGULAR)
        return CB_IO_INVALID;
    if (op->stat.size > most - (int64_t)CB_LOOP_EVENT_SIZE)
        return CB_IO_TOO_LARGE;
    if (cb_task_charge(task, op->stat.size) != CB_OK)
        return CB_IO_NO_MEMORY;
    cb_buffer *event =
        cb_buffer_new(CB_LOOP_EVENT_SIZE, CB_LOOP_EVENT_SIZE + (size_t)op->stat.size);
    if (event == NULL)
        return CB_IO_NO_MEMORY;
    cb_buffer_release(task->event);
    task->event = event;
    return CB_IO_OK;
}

static void on_whole_stat(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    cb_io_error error = prepare_to_read(task, op);
    task->op = NULL;
    if (error != CB_IO_OK) {
        done(task, error, CB_NBIO_STAT);
        return;
    }
    if (op->stat.size == 0) {
        done(task, CB_IO_OK, 0);
        return;
    }
    const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    step(task, cb_read(loop_of(task), task->step_file, 0, cb_task_bytes(task),
                       (size_t)op->stat.size, on_all_read, &all));
}

static void on_whole_opened(cb_op *op)
{
    cb_loop_task *task = op->user_data;
    task->op = NULL;
    if (op->error != CB_IO_OK) {
        done(task, op->error, CB_NBIO_OPEN);
        return;
    }
    task->step_file = op->open.file;
    step(task, cb_stat(loop_of(task), task->step_file, on_whole_stat, NULL));
}

cb_op *cb_start_read_file(cb_loop_task *task, const cb_loop_start *start)
{
    return cb_open(loop_of(task), CB_CWD, start->text, CB_FILE_READ | CB_FILE_NON_BLOCKING, 0,
                   on_whole_opened, &start->options);
}
