/* How each kind of op becomes a submission. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/io/files.h"
#include "actors/io/uring/uring.h"

static const cb_attempt submitted = {false, CB_IO_OK, 0};

struct io_uring_sqe *cb_uring_room(cb_uring *back)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&back->ring);
    for (int tries = 0; sqe == NULL; tries++) {
        int result = io_uring_submit(&back->ring);
        sqe = io_uring_get_sqe(&back->ring);
        if (sqe == NULL && tries > 0 && result < 0 && result != -EINTR) {
            back->stuck = true;
            back->stuck_errno = -result;
            return NULL;
        }
    }
    return sqe;
}

/* -- notes ------------------------------------------------------------------------------------ */

/* The op's note, cleared; NULL: no memory. */
static cb_uring_note *take_note(cb_uring *back, cb_op *op)
{
    cb_uring_note *note = op->own.backend;
    if (note == NULL) {
        note = back->free_notes;
        if (note != NULL)
            back->free_notes = note->next;
        else
            note = cb_io_realloc(NULL, sizeof *note);
        if (note == NULL)
            return NULL;
        op->own.backend = note;
    }
    memset(&note->header, 0, sizeof note->header);
    memset(&note->address, 0, sizeof note->address);
    return note;
}

void cb_uring_free_note(cb_uring *back, cb_op *op)
{
    cb_uring_note *note = op->own.backend;
    if (note == NULL)
        return;
    op->own.backend = NULL;
    note->next = back->free_notes;
    back->free_notes = note;
}

void cb_uring_free_notes(cb_uring *back)
{
    while (back->free_notes != NULL) {
        cb_uring_note *next = back->free_notes->next;
        free(back->free_notes);
        back->free_notes = next;
    }
}

/* What is left of a list, as the kernel's list. */
static void set_pieces(cb_uring_note *note, const cb_bytes *bufs, size_t count, size_t done)
{
    if (done == 0) {
        note->header.msg_iov = (struct iovec *)(uintptr_t)bufs;
        note->header.msg_iovlen = count;
    } else {
        note->header.msg_iov = note->pieces;
        note->header.msg_iovlen = cb_rest_of(bufs, count, done, note->pieces, CB_URING_PIECES);
    }
}

/* One submission has room for 32 bits of size, and the kernel moves at most so many bytes a time.
 */
static unsigned piece_of(size_t left)
{
    return left < 0x7ffff000 ? (unsigned)left : 0x7ffff000u;
}

/* -- sockets ---------------------------------------------------------------------------------- */

static bool prepare_accept(cb_uring *back, struct io_uring_sqe *sqe, cb_descriptor *descriptor,
                           cb_op *op)
{
    cb_uring_note *note = take_note(back, op);
    if (note == NULL)
        return false;
    cb_learn_no_delay(descriptor);
    note->address_size = sizeof note->address;
    io_uring_prep_accept(sqe, op->accept.socket, &note->address.any, &note->address_size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
    return true;
}

static bool prepare_recv(cb_uring *back, struct io_uring_sqe *sqe, cb_descriptor *descriptor,
                         cb_op *op)
{
    const cb_bytes *bufs = op->recv.bufs;
    size_t done = op->recv.received;
    bool stream = cb_is_stream(descriptor);
    if (stream && op->recv.buf_count == 1) {
        io_uring_prep_recv(sqe, op->recv.socket, (char *)bufs[0].data + done,
                           piece_of(bufs[0].size - done), 0);
    } else {
        cb_uring_note *note = take_note(back, op);
        if (note == NULL)
            return false;
        set_pieces(note, bufs, op->recv.buf_count, done);
        if (!stream) {
            note->header.msg_name = &note->address;
            note->header.msg_namelen = sizeof note->address;
        }
        io_uring_prep_recvmsg(sqe, op->recv.socket, &note->header, 0);
    }
    /* Nothing was left after the last one, so the kernel need not look before it waits. */
    if (descriptor->drained)
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    return true;
}

static bool prepare_send(cb_uring *back, struct io_uring_sqe *sqe, cb_op *op)
{
    const cb_bytes *bufs = op->send.bufs;
    size_t done = op->send.sent;
    bool addressed = op->send.endpoint.family != CB_FAMILY_NONE;
    if (op->send.buf_count == 1 && !addressed) {
        io_uring_prep_send(sqe, op->send.socket, (const char *)bufs[0].data + done,
                           piece_of(bufs[0].size - done), MSG_NOSIGNAL);
        return true;
    }
    cb_uring_note *note = take_note(back, op);
    if (note == NULL)
        return false;
    set_pieces(note, bufs, op->send.buf_count, done);
    if (addressed) {
        note->header.msg_namelen = cb_address_from_endpoint(&op->send.endpoint, &note->address);
        note->header.msg_name = &note->address;
    }
    io_uring_prep_sendmsg(sqe, op->send.socket, &note->header, MSG_NOSIGNAL);
    return true;
}

static void prepare_poll(struct io_uring_sqe *sqe, const cb_op *op)
{
    unsigned mask = 0;
    if ((op->poll.events & CB_POLL_READABLE) != 0)
        mask |= POLLIN | POLLRDHUP;
    if ((op->poll.events & CB_POLL_WRITABLE) != 0)
        mask |= POLLOUT;
    io_uring_prep_poll_add(sqe, op->poll.socket, mask);
}

/* -- files ------------------------------------------------------------------------------------ */

static void prepare_read(struct io_uring_sqe *sqe, const cb_op *op)
{
    size_t done = op->read.received;
    io_uring_prep_read(sqe, op->read.file, (char *)op->read.data + done,
                       piece_of(op->read.size - done), (uint64_t)op->read.offset + done);
}

static void prepare_write(struct io_uring_sqe *sqe, const cb_op *op)
{
    size_t done = op->write.written;
    io_uring_prep_write(sqe, op->write.file, (const char *)op->write.data + done,
                        piece_of(op->write.size - done), (uint64_t)op->write.offset + done);
}

static bool prepare_stat(cb_uring *back, struct io_uring_sqe *sqe, cb_op *op)
{
    cb_uring_note *note = take_note(back, op);
    if (note == NULL)
        return false;
    io_uring_prep_statx(sqe, op->stat.file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &note->about);
    return true;
}

static bool prepare(cb_uring *back, struct io_uring_sqe *sqe, cb_descriptor *descriptor, cb_op *op)
{
    switch (op->type) {
    case CB_NBIO_ACCEPT:
        return prepare_accept(back, sqe, descriptor, op);
    case CB_NBIO_RECV:
        return prepare_recv(back, sqe, descriptor, op);
    case CB_NBIO_SEND:
        return prepare_send(back, sqe, op);
    case CB_NBIO_DIAL:
        io_uring_prep_poll_add(sqe, op->dial.socket, POLLOUT);
        return true;
    case CB_NBIO_SENDFILE:
        io_uring_prep_poll_add(sqe, op->sendfile.socket, POLLOUT);
        return true;
    case CB_NBIO_POLL:
        prepare_poll(sqe, op);
        return true;
    case CB_NBIO_READ:
        prepare_read(sqe, op);
        return true;
    case CB_NBIO_WRITE:
        prepare_write(sqe, op);
        return true;
    case CB_NBIO_STAT:
        return prepare_stat(back, sqe, op);
    default:
        io_uring_prep_openat(sqe, op->open.dir, op->open.path, cb_file_open_flags(op->open.flags),
                             (mode_t)op->open.permissions);
        return true;
    }
}

/* The kernel has no sendfile to submit: it is tried, and only the waiting is the kernel's. */
static cb_attempt try_sendfile(cb_loop *loop, cb_op *op)
{
    int64_t before = op->sendfile.sent;
    cb_attempt attempt = cb_attempt_sendfile(op);
    if (!attempt.done && op->sendfile.progress && op->sendfile.sent > before)
        cb_loop_report_progress(loop, op);
    return attempt;
}

cb_attempt cb_uring_submit(cb_loop *loop, cb_descriptor *descriptor, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    if (op->type == CB_NBIO_SENDFILE) {
        cb_attempt attempt = try_sendfile(loop, op);
        if (attempt.done)
            return attempt;
    }
    struct io_uring_sqe *sqe = cb_uring_room(back);
    if (sqe == NULL)
        return (cb_attempt){true, CB_IO_RESOURCES, back->stuck_errno};
    if (!prepare(back, sqe, descriptor, op)) {
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data64(sqe, 0);
        return (cb_attempt){true, CB_IO_NO_MEMORY, 0};
    }
    io_uring_sqe_set_data(sqe, op);
    op->own.flags |= CB_OP_FLAG_IN_FLIGHT;
    return submitted;
}
