#include "actors/core/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <zmq.h>

#include "actors/base/address_map.h"
#include "actors/base/handover.h"

#define QUEUE_BATCHES 1000

typedef struct zmq_exchange {
    cb_exchange base;
    void *context;
    void *inbox;       /* the PULL that everybody pushes to */
    uint64_t received; /* messages from there, ever */
    const cb_post_count *count;
    cb_address_map routes; /* address -> the PAIR to it */
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

static void *open_pair(void *context, uint32_t address)
{
    char name[CB_ENDPOINT_SIZE];
    cb_mailbox_endpoint(address, name);
    void *pair = zmq_socket(context, ZMQ_PAIR);
    int bound = QUEUE_BATCHES;
    int no_linger = 0;
    if (pair == NULL)
        return NULL;
    if (zmq_setsockopt(pair, ZMQ_SNDHWM, &bound, sizeof bound) != 0 ||
        zmq_setsockopt(pair, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
        zmq_connect(pair, name) != 0) {
        (void)zmq_close(pair);
        return NULL;
    }
    return pair;
}

static cb_status add(cb_exchange *exchange, uint32_t address)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    if (address == CB_ADDRESS_NONE || cb_address_map_find(&self->routes, address) != NULL)
        return CB_INVALID;
    void *pair = open_pair(self->context, address);
    if (pair == NULL)
        return CB_IO;
    cb_status status = cb_address_map_insert(&self->routes, address, pair);
    if (status != CB_OK)
        (void)zmq_close(pair);
    return status;
}

static void remove_address(cb_exchange *exchange, uint32_t address)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    void *pair = cb_address_map_remove(&self->routes, address);
    if (pair != NULL)
        (void)zmq_close(pair);
}

static cb_status send_records(cb_exchange *exchange, uint32_t address, const cb_message *records,
                              size_t count)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    void *pair = cb_address_map_find(&self->routes, address);
    assert(count >= 1 && count <= CB_BATCH_MAX);
    if (pair == NULL)
        return CB_UNKNOWN;
    int sent;
    cb_handover_give(address);
    do
        sent = zmq_send(pair, records, count * sizeof *records, ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    return sent < 0 ? CB_LIMIT : CB_OK;
}

static uint64_t fairness_bound(const cb_exchange *exchange)
{
    /* The inbox reads one batch from each sender in turn, and none can hold more than its queue's
     * two ends together. */
    const zmq_exchange *self = (const zmq_exchange *)exchange;
    return (uint64_t)(self->routes.count + 1) * 2 * QUEUE_BATCHES;
}

static void close_exchange(cb_exchange *exchange)
{
    zmq_exchange *self = (zmq_exchange *)exchange;
    for (size_t i = 0; i < self->routes.capacity; i++)
        if (self->routes.entries[i].value != NULL)
            (void)zmq_close(self->routes.entries[i].value);
    cb_address_map_free(&self->routes);
    if (self->inbox != NULL)
        (void)zmq_close(self->inbox);
    free(self);
}

static const cb_exchange_ops operations = {.receive = receive,
                                           .add = add,
                                           .remove = remove_address,
                                           .send = send_records,
                                           .fairness_bound = fairness_bound,
                                           .close = close_exchange};

cb_status cb_exchange_open(cb_post_office *office, cb_exchange **exchange, cb_error *error)
{
    *exchange = NULL;
    zmq_exchange *self = calloc(1, sizeof *self);
    if (self == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    self->base.ops = &operations;
    self->context = cb_post_office_context(office);
    self->count = cb_post_office_count(office);
    self->inbox = zmq_socket(self->context, ZMQ_PULL);
    int bound = QUEUE_BATCHES;
    if (self->inbox == NULL || zmq_setsockopt(self->inbox, ZMQ_RCVHWM, &bound, sizeof bound) != 0 ||
        zmq_bind(self->inbox, CB_SUPERVISOR_ENDPOINT) != 0) {
        int problem = zmq_errno();
        close_exchange(&self->base);
        return cb_fail_errno(error, CB_IO, problem, "cannot make the supervisor's inbox");
    }
    *exchange = &self->base;
    return CB_OK;
}
