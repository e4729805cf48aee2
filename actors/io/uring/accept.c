/* Accepting by one multishot a listener, while several accepts wait on it: whoever submits several
 * wants all clients that come, and each then costs no submission.
 *
 * What it brings beyond the accepts that wait is kept for the next ones, and reset if the listener
 * is closed before: that is what would have happened to them in the kernel's backlog. Once no
 * accept waits it is stopped. The kernel tells no addresses here, so they are asked for.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/io/uring/uring.h"

static void reset_client(cb_loop *loop, cb_socket client)
{
    cb_reset_at_close(client);
    loop->backend->drop(loop, client);
}

static void keep_client(cb_descriptor *listener, cb_descriptor *client)
{
    cb_ahead *ahead = &listener->ahead;
    client->next_client = NULL;
    if (ahead->last != NULL)
        ahead->last->next_client = client;
    else
        ahead->first = client;
    ahead->last = client;
}

static cb_socket take_client(cb_descriptor *listener)
{
    cb_descriptor *client = listener->ahead.first;
    if (client == NULL)
        return CB_NO_SOCKET;
    listener->ahead.first = client->next_client;
    if (listener->ahead.first == NULL)
        listener->ahead.last = NULL;
    return client->socket;
}

void cb_uring_reset_clients(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_socket client;
    while ((client = take_client(descriptor)) != CB_NO_SOCKET)
        reset_client(loop, client);
}

/* The accept that comes first, if it is not with the kernel itself. */
static cb_op *waiting(const cb_descriptor *listener)
{
    cb_op *op = listener->reading.first;
    bool waits =
        op != NULL && op->type == CB_NBIO_ACCEPT && (op->own.flags & CB_OP_FLAG_IN_FLIGHT) == 0;
    return waits ? op : NULL;
}

static void hand_over(cb_loop *loop, cb_op *op, cb_socket client)
{
    cb_address address;
    socklen_t size = sizeof address;
    const cb_attempt attempt = {true, CB_IO_OK, 0};
    memset(&address, 0, sizeof address);
    memset(&op->accept.peer, 0, sizeof op->accept.peer);
    op->accept.client = client;
    /* One that was reset in the meantime has no peer any more; it was a client all the same. */
    if (getpeername(client, &address.any, &size) == 0)
        cb_address_to_endpoint(&address, &op->accept.peer);
    cb_uring_end_op(loop, op, attempt);
}

static bool arm(cb_loop *loop, cb_descriptor *listener)
{
    struct io_uring_sqe *sqe = cb_uring_room(loop->backend_state);
    if (sqe == NULL)
        return false;
    cb_learn_no_delay(listener);
    io_uring_prep_multishot_accept(sqe, listener->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)listener | CB_URING_ACCEPT);
    listener->ahead.accepts = true;
    listener->ahead.state = CB_AHEAD_ARMED;
    return true;
}

void cb_uring_accept(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_op *op;
    while ((op = waiting(descriptor)) != NULL) {
        cb_socket client = take_client(descriptor);
        if (client != CB_NO_SOCKET) {
            hand_over(loop, op, client);
            continue;
        }
        bool several = op->own.next != NULL;
        if (descriptor->ahead.state != CB_AHEAD_NOT || (several && arm(loop, descriptor)))
            return;
        cb_attempt attempt = cb_uring_submit(loop, descriptor, op);
        if (!attempt.done)
            return;
        cb_uring_end_op(loop, op, attempt);
    }
    if (descriptor->reading.first == NULL)
        cb_uring_stop(loop, descriptor);
}

static void take_in(cb_loop *loop, cb_descriptor *listener, cb_socket client)
{
    cb_uring *back = loop->backend_state;
    /* May take more completions, if somebody used the number while it was nobody's. */
    cb_uring_adopt(loop, client, true);
    cb_op *op = waiting(listener);
    if (listener->no_delay == CB_NO_DELAY_EACH)
        cb_set_no_delay(client);
    cb_descriptor *entry = cb_table_known(&back->table, client);
    if (op != NULL && listener->ahead.first == NULL)
        hand_over(loop, op, client);
    else if (entry != NULL)
        keep_client(listener, entry);
    else
        reset_client(loop, client); /* no memory to remember it by */
}

/* Ends the accept that waits first with a failure; all of them if it is one that each of them would
 * meet with now. If nobody waits, the next one is told the same by the kernel. */
static void fail(cb_loop *loop, cb_descriptor *listener, int sys_errno)
{
    cb_attempt attempt = cb_failed_accept(sys_errno);
    bool each = attempt.error == CB_IO_RESOURCES || attempt.error == CB_IO_NO_MEMORY;
    cb_op *op = waiting(listener);
    while (op != NULL) {
        cb_uring_end_op(loop, op, attempt);
        op = each ? waiting(listener) : NULL;
    }
}

void cb_uring_accepted(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags)
{
    cb_uring *back = loop->backend_state;
    if ((flags & IORING_CQE_F_MORE) == 0)
        descriptor->ahead.state = CB_AHEAD_NOT;
    if (result >= 0) {
        take_in(loop, descriptor, result);
    } else if (result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
        fail(loop, descriptor, -result);
    }
    cb_table_make_eager(&back->table, descriptor);
}
