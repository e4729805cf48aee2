#include "actors/core/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "actors/base/handover.h"
#include "actors/base/thread.h"

/* Messages (batches) that either end of a queue down from the supervisor holds. */
#define QUEUE_DOWN_BATCHES 1000
/* Sockets an actor needs: its PUSH, its PAIR, and the supervisor's end of the PAIR. */
#define SOCKETS_EACH       3
/* Between two attempts to send without memory. */
#define AGAIN_NS           1000000

struct cb_post_office {
    void *context;
    cb_attendant attendant; /* its functions may be NULL */
    cb_post_count count;
};

struct cb_mailbox {
    cb_post_office *office;
    void *up;
    void *down;
    cb_receiver *receiver; /* NULL once it is given away */
    uint32_t address;
    int descriptor;
    uint32_t gathered;
    uint32_t unread_next;
    uint32_t unread_count;
    cb_message outgoing[CB_BATCH_MAX];
    cb_message incoming[CB_BATCH_MAX];
};

cb_status cb_post_office_open(const cb_limits *limits, cb_post_office **office, cb_error *error)
{
    *office = NULL;
    cb_post_office *made = calloc(1, sizeof *made);
    if (made == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    made->context = zmq_ctx_new();
    if (made->context == NULL) {
        free(made);
        return cb_fail(error, CB_NO_MEMORY, "cannot make a messaging context");
    }
    int64_t mailboxes = limits->max_actors * 2 + limits->max_routes + 1024;
    int most = zmq_ctx_get(made->context, ZMQ_SOCKET_LIMIT);
    int64_t sockets = mailboxes * SOCKETS_EACH;
    if (most > 0 && sockets > most)
        sockets = most;
    /* Everything is inproc: no I/O thread is needed. */
    if (zmq_ctx_set(made->context, ZMQ_MAX_SOCKETS, (int)sockets) != 0 ||
        zmq_ctx_set(made->context, ZMQ_IO_THREADS, 0) != 0) {
        int problem = zmq_errno();
        zmq_ctx_term(made->context);
        free(made);
        return cb_fail_errno(error, CB_IO, problem, "cannot set up the messaging context");
    }
    *office = made;
    return CB_OK;
}

void cb_post_office_close(cb_post_office **office)
{
    if (*office == NULL)
        return;
    while (zmq_ctx_term((*office)->context) != 0 && zmq_errno() == EINTR)
        ;
    free(*office);
    *office = NULL;
}

void cb_post_office_set_attendant(cb_post_office *office, const cb_attendant *attendant)
{
    office->attendant = *attendant;
}

const cb_post_count *cb_post_office_count(const cb_post_office *office)
{
    return &office->count;
}

void *cb_post_office_context(cb_post_office *office)
{
    return office->context;
}

void cb_mailbox_endpoint(uint32_t address, char name[CB_ENDPOINT_SIZE])
{
    (void)snprintf(name, CB_ENDPOINT_SIZE, "inproc://to-%" PRIu32, address);
}

static void *open_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL)
        return NULL;
    int bound = type == ZMQ_PUSH ? CB_QUEUE_UP_BATCHES : QUEUE_DOWN_BATCHES;
    int no_linger = 0;
    if (zmq_setsockopt(socket, ZMQ_SNDHWM, &bound, sizeof bound) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &bound, sizeof bound) != 0 ||
        zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0) {
        int problem = zmq_errno();
        zmq_close(socket);
        errno = problem;
        return NULL;
    }
    return socket;
}

static void close_socket(void *socket)
{
    if (socket != NULL) {
        int failed = zmq_close(socket);
        assert(failed == 0);
        (void)failed;
    }
}

void cb_receiver_close(cb_receiver *receiver)
{
    if (receiver == NULL)
        return;
    close_socket(receiver->way);
    free(receiver);
}

static cb_status connect_queues(cb_mailbox *mailbox, void *context, cb_error *error)
{
    char name[CB_ENDPOINT_SIZE];
    cb_mailbox_endpoint(mailbox->address, name);
    size_t size = sizeof mailbox->descriptor;
    mailbox->up = open_socket(context, ZMQ_PUSH);
    mailbox->down = open_socket(context, ZMQ_PAIR);
    mailbox->receiver->way = open_socket(context, ZMQ_PAIR);
    if (mailbox->up == NULL || mailbox->down == NULL || mailbox->receiver->way == NULL ||
        zmq_bind(mailbox->down, name) != 0 || zmq_connect(mailbox->receiver->way, name) != 0 ||
        zmq_connect(mailbox->up, CB_SUPERVISOR_ENDPOINT) != 0 ||
        zmq_getsockopt(mailbox->down, ZMQ_FD, &mailbox->descriptor, &size) != 0)
        return cb_fail_errno(error, CB_IO, zmq_errno(), "cannot make an actor's queues");
    return CB_OK;
}

cb_status cb_mailbox_create(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                            cb_error *error)
{
    *mailbox = NULL;
    cb_mailbox *made = calloc(1, sizeof *made);
    cb_receiver *receiver = calloc(1, sizeof *receiver);
    if (made == NULL || receiver == NULL) {
        free(made);
        free(receiver);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    receiver->address = address;
    made->office = office;
    made->address = address;
    made->receiver = receiver;
    int shield = cb_thread_shield();
    cb_status status = connect_queues(made, office->context, error);
    if (status != CB_OK)
        cb_mailbox_discard(&made);
    cb_thread_unshield(shield);
    *mailbox = made;
    return status;
}

cb_status cb_mailbox_open(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                          cb_error *error)
{
    cb_status status = cb_mailbox_create(office, address, mailbox, error);
    if (status != CB_OK)
        return status;
    cb_receiver *given = cb_mailbox_give_receiver(*mailbox);
    const cb_message hello = {.kind = CB_PLUMBING_HELLO, .value = (int64_t)(intptr_t)given};
    if (cb_mailbox_post(*mailbox, &hello) != CB_OK || cb_mailbox_flush(*mailbox) != CB_OK) {
        cb_receiver_close(given);
        cb_mailbox_discard(mailbox);
        return cb_fail(error, CB_IO, "cannot reach the supervisor");
    }
    return CB_OK;
}

void cb_mailbox_discard(cb_mailbox **mailbox)
{
    int shield = cb_thread_shield();
    cb_receiver_close((*mailbox)->receiver);
    close_socket((*mailbox)->down);
    close_socket((*mailbox)->up);
    cb_thread_unshield(shield);
    free(*mailbox);
    *mailbox = NULL;
}

cb_receiver *cb_mailbox_give_receiver(cb_mailbox *mailbox)
{
    cb_receiver *given = mailbox->receiver;
    assert(given != NULL);
    mailbox->receiver = NULL;
    return given;
}

uint32_t cb_mailbox_address(const cb_mailbox *mailbox)
{
    return mailbox->address;
}

int cb_mailbox_descriptor(const cb_mailbox *mailbox)
{
    return mailbox->descriptor;
}

cb_status cb_mailbox_post(cb_mailbox *mailbox, const cb_message *message)
{
    if (cb_mailbox_is_full(mailbox)) {
        cb_status status = cb_mailbox_flush(mailbox);
        if (status != CB_OK) {
            cb_buffer_release(cb_message_payload(message));
            return status;
        }
    }
    cb_message *slot = &mailbox->outgoing[mailbox->gathered++];
    *slot = *message;
    slot->from = mailbox->address;
    slot->to = CB_ADDRESS_SUPERVISOR;
    return CB_OK;
}

/* Counts and sends one batch: 0 or an errno. What is not sent is not counted. */
static int send_batch(cb_mailbox *mailbox, size_t size)
{
    cb_post_count *count = &mailbox->office->count;
    int sent;
    atomic_fetch_add(&count->begun, 1);
    cb_handover_give(CB_HANDOVER_INBOX);
    do
        sent = zmq_send(mailbox->up, mailbox->outgoing, size, 0);
    while (sent < 0 && zmq_errno() == EINTR);
    if (sent >= 0) {
        atomic_fetch_add(&count->sent, 1);
        return 0;
    }
    int problem = zmq_errno();
    atomic_fetch_sub(&count->begun, 1);
    return problem;
}

/* Sends what is gathered, and tells the attendant by `tell`. Reports must not be lost, and their
 * sender has nothing better to do without memory: it tries until it has some. A thread that is
 * canceled goes on until all of it is done: it may be in charge of the supervisor. */
static cb_status send_gathered(cb_mailbox *mailbox, void (*tell)(void *user))
{
    const struct timespec pause = {.tv_nsec = AGAIN_NS};
    if (mailbox->gathered == 0)
        return CB_OK;
    size_t size = mailbox->gathered * sizeof(cb_message);
    int problem;
    int shield = cb_thread_shield();
    while ((problem = send_batch(mailbox, size)) == ENOMEM)
        (void)nanosleep(&pause, NULL);
    if (problem != 0)
        for (uint32_t i = 0; i < mailbox->gathered; i++)
            cb_buffer_release(cb_message_payload(&mailbox->outgoing[i]));
    mailbox->gathered = 0;
    if (tell != NULL && problem != ETERM) /* then the attendant is over, too */
        tell(mailbox->office->attendant.user);
    cb_thread_unshield(shield);
    return problem != 0 ? CB_IO : CB_OK;
}

cb_status cb_mailbox_flush(cb_mailbox *mailbox)
{
    return send_gathered(mailbox, mailbox->office->attendant.attend);
}

void cb_mailbox_close(cb_mailbox **mailbox)
{
    if (*mailbox == NULL)
        return;
    const cb_message bye = {.kind = CB_PLUMBING_BYE};
    (void)cb_mailbox_post(*mailbox, &bye);
    /* The supervisor's work is not for a thread that ends. */
    (void)cb_mailbox_flush_and_ring(*mailbox);
    cb_message unread;
    while (cb_mailbox_receive(*mailbox, 0, &unread) == CB_OK)
        cb_buffer_release(cb_message_payload(&unread));
    cb_mailbox_discard(mailbox);
}

bool cb_mailbox_has_gathered(const cb_mailbox *mailbox)
{
    return mailbox->gathered > 0;
}

bool cb_mailbox_is_full(const cb_mailbox *mailbox)
{
    return mailbox->gathered == CB_BATCH_MAX;
}

cb_status cb_mailbox_flush_and_ring(cb_mailbox *mailbox)
{
    return send_gathered(mailbox, mailbox->office->attendant.ring);
}

/* Reads one batch; flags 0 waits for it. */
static cb_status read_batch(cb_mailbox *mailbox, int flags)
{
    int size;
    do
        size = zmq_recv(mailbox->down, mailbox->incoming, sizeof mailbox->incoming, flags);
    while (size < 0 && zmq_errno() == EINTR);
    if (size < 0)
        return zmq_errno() == EAGAIN ? CB_TIMEOUT : CB_IO;
    cb_handover_take(mailbox->address);
    assert((size_t)size <= sizeof mailbox->incoming);
    assert((size_t)size % sizeof(cb_message) == 0);
    mailbox->unread_next = 0;
    mailbox->unread_count = (uint32_t)((size_t)size / sizeof(cb_message));
    return CB_OK;
}

/* Waits for a batch. An interrupted wait looks again; all waits that matter to people are ended by
 * the supervisor, so a wait that a signal stretches does no harm. */
static cb_status wait_for_batch(cb_mailbox *mailbox, int timeout_ms)
{
    if (timeout_ms < 0)
        return read_batch(mailbox, 0); /* cheaper than to look, to poll, and to read */
    for (;;) {
        cb_status status = read_batch(mailbox, ZMQ_DONTWAIT);
        if (status != CB_TIMEOUT || timeout_ms == 0)
            return status;
        zmq_pollitem_t item = {.socket = mailbox->down, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, timeout_ms);
        if (ready < 0 && zmq_errno() != EINTR)
            return CB_IO;
        if (ready == 0)
            return CB_TIMEOUT;
    }
}

cb_status cb_mailbox_receive(cb_mailbox *mailbox, int timeout_ms, cb_message *message)
{
    while (mailbox->unread_next == mailbox->unread_count) {
        int shield = cb_thread_shield();
        cb_status status = wait_for_batch(mailbox, timeout_ms);
        cb_thread_unshield(shield);
        if (status != CB_OK)
            return status;
    }
    *message = mailbox->incoming[mailbox->unread_next++];
    return CB_OK;
}
