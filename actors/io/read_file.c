/* A whole file: open, stat, read, close, one after the other; the descriptor is closed on every
 * way.
 */
#include <stdlib.h>

#include "actors/io/loop.h"

typedef struct reader {
    cb_file_callback *callback;
    cb_file_content content;
    cb_loop *loop;
    cb_file file;
} reader;

static void on_closed(cb_op *op);

static void report(reader *self)
{
    if (self->content.error != CB_IO_OK) {
        free(self->content.data);
        self->content.data = NULL;
        self->content.size = 0;
    }
    self->callback(&self->content);
    free(self);
}

/* The first failure is the one to tell. */
static void note_failure(reader *self, cb_op_type step, cb_io_error error, int sys_errno)
{
    if (self->content.error != CB_IO_OK || error == CB_IO_OK)
        return;
    self->content.step = step;
    self->content.error = error;
    self->content.sys_errno = sys_errno;
}

static void finish(reader *self)
{
    cb_op *op = cb_close(self->loop, self->file, on_closed);
    if (op != NULL) {
        op->user_data = self;
        return;
    }
    /* The loop is ending, or there is no memory left: without an op, then. */
    self->loop->backend->drop(self->loop, self->file);
    report(self);
}

/* Goes on with an op that was just submitted, or ends if it could not be. */
static void go_on(reader *self, cb_op *op, cb_op_type step)
{
    if (op != NULL) {
        op->user_data = self;
        return;
    }
    note_failure(self, step, cb_io_last_error(), 0);
    finish(self);
}

static void on_closed(cb_op *op)
{
    reader *self = op->user_data;
    note_failure(self, CB_NBIO_CLOSE, op->error, op->sys_errno);
    /* A close that dies with its loop has not closed. */
    if (op->error == CB_IO_CANCELED)
        self->loop->backend->drop(self->loop, self->file);
    report(self);
}

static void on_read(cb_op *op)
{
    reader *self = op->user_data;
    self->content.size = op->read.received;
    ((char *)self->content.data)[op->read.received] = '\0';
    /* It may have shrunk since it was looked at. */
    if (op->error != CB_IO_END_OF_FILE)
        note_failure(self, CB_NBIO_READ, op->error, op->sys_errno);
    finish(self);
}

static void on_stat(cb_op *op)
{
    static const cb_op_options all = {.transfer = CB_TRANSFER_ALL};
    reader *self = op->user_data;
    note_failure(self, CB_NBIO_STAT, op->error, op->sys_errno);
    if (op->error == CB_IO_OK && op->stat.type != CB_FILE_TYPE_REGULAR)
        note_failure(self, CB_NBIO_STAT, CB_IO_INVALID, 0);
    if (self->content.error == CB_IO_OK) {
        self->content.data = cb_io_realloc(NULL, (size_t)op->stat.size + 1);
        if (self->content.data == NULL)
            note_failure(self, CB_NBIO_READ, CB_IO_NO_MEMORY, 0);
        else
            *(char *)self->content.data = '\0';
    }
    if (self->content.error != CB_IO_OK || op->stat.size == 0)
        finish(self);
    else
        go_on(self,
              cb_read(self->loop, self->file, 0, self->content.data, (size_t)op->stat.size, on_read,
                      &all),
              CB_NBIO_READ);
}

static void on_open(cb_op *op)
{
    reader *self = op->user_data;
    self->file = op->open.file;
    note_failure(self, CB_NBIO_OPEN, op->error, op->sys_errno);
    if (op->error == CB_IO_OK)
        go_on(self, cb_stat(self->loop, self->file, on_stat, NULL), CB_NBIO_STAT);
    else
        report(self);
}

bool cb_read_entire_file(cb_loop *loop, cb_file dir, const char *path, cb_file_callback *callback,
                         void *user_data)
{
    cb_op *op = cb_prep_open(loop, dir, path, CB_FILE_READ, 0, on_open, NULL);
    if (op == NULL)
        return false;
    reader *self = cb_io_realloc(NULL, sizeof *self);
    if (self == NULL) {
        cb_op_refuse(op);
        return false;
    }
    *self = (reader){.callback = callback, .loop = op->loop, .file = CB_NO_FILE};
    self->content.user_data = user_data;
    op->user_data = self;
    cb_op_exec(op, false);
    return true;
}
