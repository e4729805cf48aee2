/* An actor's or asker's two queues: up to the supervisor (PUSH), down from it (PAIR).
 *
 * Posting gathers records; flushing sends them as one message. The supervisor sees nothing before
 * the flush, so a thread flushes before it blocks and before anything that takes long.
 * When the supervisor's queue is full, flushing waits. The supervisor never blocks, so the queue
 * will drain. When there is no memory to send, flushing waits too: posted records are never lost.
 *
 * Threads: a mailbox belongs to one thread at a time. Starting a thread with it gives it to that
 * thread.
 */
#ifndef CALLBOARD_ACTORS_CORE_MAILBOX_H
#define CALLBOARD_ACTORS_CORE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "actors/core/receiver.h"
#include "callboard/limits.h"
#include "callboard/status.h"

/* Batches that each of the two ends of a queue to the supervisor holds before its sender waits. A
 * batch has at most 32 KiB, so one sender can fill 8 MiB, no matter who makes it send. (To a
 * receiver goes only what step lets it be owed.) */
#define CB_QUEUE_UP_BATCHES 128

/* The messaging context that all mailboxes of one runtime share. */
typedef struct cb_post_office cb_post_office;
typedef struct cb_mailbox cb_mailbox;

cb_status cb_post_office_open(const cb_limits *limits, cb_post_office **office, cb_error *error);
/* The functions that take care of the supervisor's inbox. The thread that sent a message calls one
 * of them. `attend` may do the supervisor's work at once. `ring` only wakes the supervisor's own
 * thread; it is for a thread that ends. */
typedef struct cb_attendant {
    void (*attend)(void *user);
    void (*ring)(void *user);
    void *user;
} cb_attendant;
/* Call it before the first mailbox is made. Without an attendant the owner of the exchange must
 * receive by itself. */
void cb_post_office_set_attendant(cb_post_office *office, const cb_attendant *attendant);
/* How many messages (batches) threads have begun to send to the supervisor, and how many of these
 * are sent. A thread that loads both must load `sent` first. */
typedef struct cb_post_count {
    atomic_uint_fast64_t begun;
    atomic_uint_fast64_t sent;
} cb_post_count;
const cb_post_count *cb_post_office_count(const cb_post_office *office);
/* Waits until every mailbox and the exchange are closed. */
void cb_post_office_close(cb_post_office **office);
void *cb_post_office_context(cb_post_office *office);

/* Makes both queues, and the receiver through which the supervisor writes. The supervisor makes the
 * queues of its actors itself, and gives the mailbox to the thread that it starts. Other threads
 * use `cb_mailbox_open`: it also gives the receiver to the supervisor, which needs no memory to
 * take it. */
cb_status cb_mailbox_create(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                            cb_error *error);
cb_status cb_mailbox_open(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                          cb_error *error);
/* Moves the receiver to the caller; once for each mailbox. */
cb_receiver *cb_mailbox_give_receiver(cb_mailbox *mailbox);
/* Sends the gathered records, says good-bye, and drops the payloads of unread records. */
void cb_mailbox_close(cb_mailbox **mailbox);
/* The same without sending anything, for a mailbox whose thread never started. Also closes a
 * receiver that was not given away. */
void cb_mailbox_discard(cb_mailbox **mailbox);

uint32_t cb_mailbox_address(const cb_mailbox *mailbox);

/* Gathers a copy of the record; its `from` and `to` are filled in. The payload's reference moves
 * with it, also on failure. CB_IO if the queue broke. */
cb_status cb_mailbox_post(cb_mailbox *mailbox, const cb_message *message);
cb_status cb_mailbox_flush(cb_mailbox *mailbox);
/* The same for a thread that must not be held up: another thread does the supervisor's work. */
cb_status cb_mailbox_flush_and_ring(cb_mailbox *mailbox);
/* True if a flush has something to send. */
bool cb_mailbox_has_gathered(const cb_mailbox *mailbox);
/* True if the next post flushes. */
bool cb_mailbox_is_full(const cb_mailbox *mailbox);

/* Receives the next record: CB_OK, CB_TIMEOUT if none came in timeout_ms (0: do not wait, -1: for
 * ever), CB_IO. Does not flush. The record's payload belongs to the receiver. */
cb_status cb_mailbox_receive(cb_mailbox *mailbox, int timeout_ms, cb_message *message);

/* A descriptor that becomes readable when a record may have come. Edge-triggered: receive until
 * CB_TIMEOUT before waiting for it. */
int cb_mailbox_descriptor(const cb_mailbox *mailbox);

/* Kinds of records between mailboxes and the exchange; `step` and the trace never see them. HELLO:
 * value is the address of a cb_receiver, which moves with the message. */
enum { CB_PLUMBING_HELLO = 0xff00, CB_PLUMBING_BYE = 0xff01, CB_PLUMBING_STOP = 0xff02 };

#define CB_SUPERVISOR_ENDPOINT "inproc://supervisor"
/* Fills `name` with the endpoint of an address's down queue. */
#define CB_ENDPOINT_SIZE       32
void cb_mailbox_endpoint(uint32_t address, char name[CB_ENDPOINT_SIZE]);

#endif
