#include "actors/core/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <zmq.h>

#include "actors/base/handover.h"

typedef struct zmq_exchange {
    cb_exchange base;
    void *inbox;       /* the PULL that everybody pushes to */
    uint64_t received; /* messages from there, ever */
    const cb_post_count *count;
} zmq_exchange;

/* libzmq's inbox is woken by a signal that follows a command, and a sender does not signal if
 * another thread has put a command there before and is still to signal for it. So for as long as
 * that one is kept (it may be libzmq's own thread, which closes sockets), a receive finds nothing
 * although there is something. Counting tells. */
static cb_inbox_state state_of(uint64_t received, uint64_t sent, uint64_t begun)
{
    if (received == begun)
        return CB_INBOX_EMPTY;
    return received < sent ? CB_INBOX_HIDES : CB_INBOX_AWAITS;
}

static size_t receive(cb_exchange *exchange, cb_message records[CB_BATCH_MAX],
                      cb_inbox_state *state)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    uint64_t sent = atomic_load(&self->count->sent);
    uint64_t begun = atomic_load(&self->count->begun);
    size_t room = CB_BATCH_MAX * sizeof(cb_message);
    int size;
    do
        size = zmq_recv(self->inbox, records, room, ZMQ_DONTWAIT);
    while (size < 0 && zmq_errno() == EINTR);
    if (size < 0) {
        assert(zmq_errno() == EAGAIN);
        *state = state_of(self->received, sent, begun);
        return 0;
    }
    self->received++;
    cb_handover_take(CB_HANDOVER_INBOX);
    assert((size_t)size <= room && (size_t)size % sizeof(cb_message) == 0);
    return (size_t)size / sizeof(cb_message);
}

static cb_status send_records(cb_exchange *exchange, cb_receiver *to, const cb_message *records,
                              size_t count)
{
    int sent;
    (void)exchange;
    assert(count >= 1 && count <= CB_BATCH_MAX);
    cb_handover_give(to->address);
    do
        sent = zmq_send(to->way, records, count * sizeof *records, ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    return sent < 0 ? CB_LIMIT : CB_OK;
}

static void drop(cb_exchange *exchange, cb_receiver *receiver)
{
    (void)exchange;
    cb_receiver_close(receiver);
}

static uint64_t fairness_bound(const cb_exchange *exchange, size_t senders)
{
    /* The inbox reads one batch from each sender in turn, and none can hold more than its queue's
     * two ends together. */
    (void)exchange;
    return (uint64_t)(senders + 1) * 2 * CB_QUEUE_UP_BATCHES;
}

static void close_exchange(cb_exchange *exchange)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    if (self->inbox != NULL)
        (void)zmq_close(self->inbox);
    free(self);
}

static const cb_exchange_ops operations = {.receive = receive,
                                           .send = send_records,
                                           .drop = drop,
                                           .fairness_bound = fairness_bound,
                                           .close = close_exchange};

cb_status cb_exchange_open(cb_post_office *office, cb_exchange **exchange, cb_error *error)
{
    *exchange = NULL;
    zmq_exchange *self = calloc(1, sizeof *self);
    if (self == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    self->base.ops = &operations;
    self->count = cb_post_office_count(office);
    self->inbox = zmq_socket(cb_post_office_context(office), ZMQ_PULL);
    int bound = CB_QUEUE_UP_BATCHES;
    if (self->inbox == NULL || zmq_setsockopt(self->inbox, ZMQ_RCVHWM, &bound, sizeof bound) != 0 ||
        zmq_bind(self->inbox, CB_SUPERVISOR_ENDPOINT) != 0) {
        int problem = zmq_errno();
        close_exchange(&self->base);
        return cb_fail_errno(error, CB_IO, problem, "cannot make the supervisor's inbox");
    }
    *exchange = &self->base;
    return CB_OK;
}
