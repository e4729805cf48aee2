/* Receiving ahead: one multishot receive a descriptor, into buffers that the kernel picks from a
 * ring, so that a message costs no submission. For sockets whose receives allow it.
 *
 *     NOT --arm--> ARMED --no receive waits, or much comes--> STOPPING --its last completion--> NOT
 *                    '---the end, an error, no buffer left------------------------------------'
 *
 * Bytes are copied from the buffers to the op that waits for them, or held until one does. A stream
 * that fills whole buffers is received directly into the memory of ops instead, until it runs dry,
 * and so is one for which no buffer is left: lack of them costs speed, not progress.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "actors/io/uring/uring.h"

#define BUFFER_SIZE   CB_URING_BUFFER_SIZE
/* Most of them: 2 MiB a loop, of which only what was ever used is real. A power of two. */
#define BUFFERS_MAX   1024u
/* Made at first; doubled when they run out. */
#define BUFFERS_LEAST 64u
#define SLABS         5u
#define GROUP         1u

typedef struct piece {
    uint32_t next; /* number + 1; 0: none */
    uint16_t begin, end;
} piece;

typedef struct cb_uring_buffers {
    struct io_uring_buf_ring *ring;
    size_t ring_size;
    unsigned count;
    unsigned free; /* those that the kernel has */
    bool ran_out;  /* since the last time that some were added */
    unsigned slabs;
    uint8_t *memory[SLABS];
    uint8_t *place[BUFFERS_MAX];
    piece pieces[BUFFERS_MAX];
} cb_uring_buffers;

/* -- buffers ---------------------------------------------------------------------------------- */

static void give(cb_uring_buffers *buffers, unsigned number)
{
    io_uring_buf_ring_add(buffers->ring, buffers->place[number], BUFFER_SIZE,
                          (unsigned short)number, io_uring_buf_ring_mask(BUFFERS_MAX), 0);
    io_uring_buf_ring_advance(buffers->ring, 1);
    buffers->free++;
}

static bool add_buffers(cb_uring_buffers *buffers)
{
    unsigned more = buffers->count == 0 ? BUFFERS_LEAST : buffers->count;
    if (buffers->count == BUFFERS_MAX || buffers->slabs == SLABS)
        return false;
    uint8_t *memory = cb_io_realloc(NULL, (size_t)more * BUFFER_SIZE);
    if (memory == NULL)
        return false;
    buffers->memory[buffers->slabs++] = memory;
    for (unsigned i = 0; i < more; i++) {
        buffers->place[buffers->count + i] = memory + (size_t)i * BUFFER_SIZE;
        give(buffers, buffers->count + i);
    }
    buffers->count += more;
    buffers->ran_out = false;
    return true;
}

static cb_uring_buffers *make_buffers(cb_uring *back)
{
    cb_uring_buffers *buffers = cb_io_realloc(NULL, sizeof *buffers);
    if (buffers == NULL)
        return NULL;
    memset(buffers, 0, sizeof *buffers);
    buffers->ring_size = BUFFERS_MAX * sizeof(struct io_uring_buf);
    void *ring =
        mmap(NULL, buffers->ring_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) {
        free(buffers);
        return NULL;
    }
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)ring, .ring_entries = BUFFERS_MAX, .bgid = GROUP};
    buffers->ring = ring;
    if (io_uring_register_buf_ring(&back->ring, &registration, 0) != 0) {
        (void)munmap(ring, buffers->ring_size);
        free(buffers);
        return NULL;
    }
    io_uring_buf_ring_init(buffers->ring);
    return buffers;
}

/* Sees to it that the kernel has buffers. False: it gets none. */
static bool stock(cb_uring *back)
{
    if (back->no_buffers)
        return false;
    if (back->buffers == NULL) {
        back->buffers = make_buffers(back);
        back->no_buffers = back->buffers == NULL;
        if (back->no_buffers)
            return false;
    }
    cb_uring_buffers *buffers = back->buffers;
    if (buffers->free == 0 || buffers->ran_out)
        (void)add_buffers(buffers);
    return buffers->free > 0;
}

/* After the ring has been shut. */
void cb_uring_free_buffers(cb_uring *back)
{
    cb_uring_buffers *buffers = back->buffers;
    if (buffers == NULL)
        return;
    for (unsigned i = 0; i < buffers->slabs; i++)
        free(buffers->memory[i]);
    (void)munmap(buffers->ring, buffers->ring_size);
    free(buffers);
    back->buffers = NULL;
}

/* -- what is held ----------------------------------------------------------------------------- */

static void hold(cb_uring_buffers *buffers, cb_ahead *ahead, unsigned number, size_t size)
{
    buffers->pieces[number] = (piece){.end = (uint16_t)size};
    if (ahead->held_last != 0)
        buffers->pieces[ahead->held_last - 1].next = number + 1;
    else
        ahead->held_first = number + 1;
    ahead->held_last = number + 1;
}

static void drop_first(cb_uring_buffers *buffers, cb_ahead *ahead)
{
    unsigned number = ahead->held_first - 1;
    ahead->held_first = buffers->pieces[number].next;
    if (ahead->held_first == 0)
        ahead->held_last = 0;
    give(buffers, number);
}

/* Moves held bytes into an op's buffers; true if no room is left there. */
static bool fill(cb_uring_buffers *buffers, cb_ahead *ahead, cb_op *op)
{
    const cb_bytes *bufs = op->recv.bufs;
    size_t skip = op->recv.received;
    for (size_t i = 0; i < op->recv.buf_count; i++) {
        if (skip >= bufs[i].size) {
            skip -= bufs[i].size;
            continue;
        }
        while (skip < bufs[i].size) {
            if (ahead->held_first == 0)
                return false;
            piece *from = &buffers->pieces[ahead->held_first - 1];
            size_t size = (size_t)(from->end - from->begin);
            if (size > bufs[i].size - skip)
                size = bufs[i].size - skip;
            memcpy((uint8_t *)bufs[i].data + skip,
                   buffers->place[ahead->held_first - 1] + from->begin, size);
            from->begin = (uint16_t)(from->begin + size);
            skip += size;
            op->recv.received += size;
            if (from->begin == from->end)
                drop_first(buffers, ahead);
        }
        skip = 0;
    }
    return true;
}

bool cb_uring_has_held(const cb_descriptor *descriptor)
{
    const cb_ahead *ahead = &descriptor->ahead;
    return ahead->held_first != 0 || ahead->ended || ahead->sys_errno != 0 || ahead->first != NULL;
}

bool cb_uring_reads_ahead(const cb_descriptor *descriptor, const cb_op *op)
{
    return op->type == CB_NBIO_RECV && (op->own.read_ahead || cb_uring_has_held(descriptor) ||
                                        descriptor->ahead.state != CB_AHEAD_NOT);
}

/* -- the multishot ---------------------------------------------------------------------------- */

static uint64_t mark(cb_descriptor *descriptor)
{
    bool accepts = descriptor->ahead.accepts;
    return (uint64_t)(uintptr_t)descriptor | (accepts ? CB_URING_ACCEPT : CB_URING_RECV);
}

static bool arm(cb_uring *back, cb_descriptor *descriptor)
{
    if (descriptor->ahead.direct || !cb_is_stream(descriptor) || !stock(back))
        return false;
    struct io_uring_sqe *sqe = cb_uring_room(back);
    if (sqe == NULL)
        return false;
    io_uring_prep_recv_multishot(sqe, descriptor->socket, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    descriptor->ahead.accepts = false;
    io_uring_sqe_set_data64(sqe, mark(descriptor));
    descriptor->ahead.state = CB_AHEAD_ARMED;
    return true;
}

void cb_uring_stop(cb_loop *loop, cb_descriptor *descriptor)
{
    if (descriptor->ahead.state != CB_AHEAD_ARMED)
        return;
    struct io_uring_sqe *sqe = cb_uring_room(loop->backend_state);
    if (sqe == NULL)
        return;
    io_uring_prep_cancel64(sqe, mark(descriptor), 0);
    io_uring_sqe_set_data64(sqe, CB_URING_NOBODYS);
    descriptor->ahead.state = CB_AHEAD_STOPPING;
}

void cb_uring_end_ahead(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_uring *back = loop->backend_state;
    cb_ahead *ahead = &descriptor->ahead;
    cb_uring_stop(loop, descriptor);
    while (ahead->state != CB_AHEAD_NOT) {
        int result = io_uring_submit_and_wait(&back->ring, 1);
        assert(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
        cb_uring_take_completions(loop);
    }
    while (ahead->held_first != 0)
        drop_first(back->buffers, ahead);
    cb_uring_reset_clients(loop, descriptor);
    *ahead = (cb_ahead){0};
}

void cb_uring_end_all_ahead(cb_loop *loop)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = NULL;
    while ((descriptor = cb_table_next(&back->table, descriptor)) != NULL)
        cb_uring_end_ahead(loop, descriptor);
}

/* -- ops -------------------------------------------------------------------------------------- */

/* Serves one receive from what is held. False: it has to wait. */
static bool serve(cb_loop *loop, cb_descriptor *descriptor, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    cb_ahead *ahead = &descriptor->ahead;
    cb_attempt attempt = {true, CB_IO_OK, 0};
    bool full = ahead->held_first != 0 && fill(back->buffers, ahead, op);
    bool all = op->own.transfer == CB_TRANSFER_ALL;
    if (full || (op->recv.received > 0 && !all)) {
        /* Nothing more to say. */
    } else if (ahead->ended) {
        op->recv.ended = true;
    } else if (ahead->sys_errno != 0) {
        attempt = cb_attempt_failure(ahead->sys_errno);
        ahead->sys_errno = 0;
    } else {
        return false;
    }
    cb_uring_end_op(loop, op, attempt);
    return true;
}

void cb_uring_receive(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_uring *back = loop->backend_state;
    cb_ahead *ahead = &descriptor->ahead;
    cb_op *op;
    while ((op = descriptor->reading.first) != NULL &&
           (op->own.flags & CB_OP_FLAG_IN_FLIGHT) == 0 && op->type == CB_NBIO_RECV) {
        if (serve(loop, descriptor, op))
            continue;
        /* A listener's: it brings nothing to receive, and ends before the kernel is asked. */
        if (ahead->accepts)
            cb_uring_stop(loop, descriptor);
        if (ahead->state != CB_AHEAD_NOT || (op->own.read_ahead && arm(back, descriptor)))
            return;
        cb_attempt attempt = cb_uring_submit(loop, descriptor, op);
        if (!attempt.done)
            return;
        cb_uring_end_op(loop, op, attempt);
    }
    if (op == NULL)
        cb_uring_stop(loop, descriptor);
}

void cb_uring_received(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags)
{
    cb_uring *back = loop->backend_state;
    cb_uring_buffers *buffers = back->buffers;
    cb_ahead *ahead = &descriptor->ahead;
    if ((flags & IORING_CQE_F_MORE) == 0)
        ahead->state = CB_AHEAD_NOT;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        unsigned number = flags >> IORING_CQE_BUFFER_SHIFT;
        assert(number < buffers->count && buffers->free > 0);
        buffers->free--;
        if (result > 0)
            hold(buffers, ahead, number, (size_t)result);
        else
            give(buffers, number);
        ahead->direct = ahead->direct || result == (int)BUFFER_SIZE;
    }
    if (result == 0) {
        ahead->ended = true;
    } else if (result == -ENOBUFS) {
        buffers->ran_out = true;
        ahead->direct = buffers->count == BUFFERS_MAX;
    } else if (result < 0 && result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
        ahead->sys_errno = -result;
    }
    cb_op *op = descriptor->reading.first;
    if (op != NULL && (op->own.flags & CB_OP_FLAG_IN_FLIGHT) == 0)
        (void)serve(loop, descriptor, op);
    if (ahead->direct)
        cb_uring_stop(loop, descriptor);
    /* The next op, a new multishot, or the end of one that nobody needs. */
    cb_table_make_eager(&back->table, descriptor);
}
