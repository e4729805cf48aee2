/* An actor's or asker's two queues: up to the supervisor (PUSH), down from it (PAIR).
 *
 * Posting gathers records; flushing sends them as one message. Nothing is seen by the supervisor
 * before the flush, so a thread flushes before it blocks and before anything that takes long.
 * When the supervisor's queue is full, flushing waits for it: it never blocks, so it will drain.
 * When there is no memory to send, flushing waits, too: what was posted is never lost.
 *
 * Threads: a mailbox belongs to one thread at a time; starting a thread with it gives it away.
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
 * batch has 32 KiB at most, so one sender, whoever makes it send, fills 8 MiB. (Down to a receiver
 * goes only what step lets it be owed.) */
#define CB_QUEUE_UP_BATCHES 128

/* Where all mailboxes of one runtime meet: a messaging context. */
typedef struct cb_post_office cb_post_office;
typedef struct cb_mailbox cb_mailbox;

cb_status cb_post_office_open(const cb_limits *limits, cb_post_office **office, cb_error *error);
/* Who sees to the supervisor's inbox: told of each message by the thread that sent it. `attend` may
 * do the supervisor's work there and then; `ring` only has it done, for a thread that ends. */
typedef struct cb_attendant {
    void (*attend)(void *user);
    void (*ring)(void *user);
    void *user;
} cb_attendant;
/* Before the first mailbox is made. Without one, somebody has to receive from the exchange. */
void cb_post_office_set_attendant(cb_post_office *office, const cb_attendant *attendant);
/* How many messages (batches) threads have begun to send to the supervisor, and how many of these
 * are sent. Whoever loads both loads `sent` first. */
typedef struct cb_post_count {
    atomic_uint_fast64_t begun;
    atomic_uint_fast64_t sent;
} cb_post_count;
const cb_post_count *cb_post_office_count(const cb_post_office *office);
/* Waits until every mailbox and the exchange are closed. */
void cb_post_office_close(cb_post_office **office);
void *cb_post_office_context(cb_post_office *office);

/* Makes both queues, and the receiver that the supervisor writes by. The supervisor makes those of
 * its actors itself and gives the mailbox away with the thread it starts; `cb_mailbox_open` is for
 * everybody else: it gives the receiver to the supervisor, which needs no memory to take it in. */
cb_status cb_mailbox_create(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                            cb_error *error);
cb_status cb_mailbox_open(cb_post_office *office, uint32_t address, cb_mailbox **mailbox,
                          cb_error *error);
/* Moves the receiver to the caller; once for each mailbox. */
cb_receiver *cb_mailbox_give_receiver(cb_mailbox *mailbox);
/* Sends what is gathered, says good-bye, and drops the payloads of what was not read. */
void cb_mailbox_close(cb_mailbox **mailbox);
/* The same without sending anything: for a mailbox whose thread never started. A receiver that was
 * not given away is closed, too. */
void cb_mailbox_discard(cb_mailbox **mailbox);

uint32_t cb_mailbox_address(const cb_mailbox *mailbox);

/* Gathers a copy of the record (its `from` and `to` are filled in); the payload's reference moves
 * with it, also on failure. CB_IO if the queue broke. */
cb_status cb_mailbox_post(cb_mailbox *mailbox, const cb_message *message);
cb_status cb_mailbox_flush(cb_mailbox *mailbox);
/* The same for a thread that must not be kept: what is sent is taken in by another one. */
cb_status cb_mailbox_flush_and_ring(cb_mailbox *mailbox);
/* Whether a flush has something to send. */
bool cb_mailbox_has_gathered(const cb_mailbox *mailbox);
/* Whether the next post flushes. */
bool cb_mailbox_is_full(const cb_mailbox *mailbox);

/* The next record: CB_OK, CB_TIMEOUT when none came in timeout_ms (0: do not wait, -1: for ever),
 * CB_IO. Does not flush. The record's payload is the receiver's. */
cb_status cb_mailbox_receive(cb_mailbox *mailbox, int timeout_ms, cb_message *message);

/* A descriptor that becomes readable when something may have come. Edge-triggered: receive until
 * CB_TIMEOUT before waiting for it. */
int cb_mailbox_descriptor(const cb_mailbox *mailbox);

/* Kinds of record between mailboxes and exchange; `step` and the trace never see them. HELLO: value
 * is the address of a cb_receiver, which moves with the message. */
enum { CB_PLUMBING_HELLO = 0xff00, CB_PLUMBING_BYE = 0xff01, CB_PLUMBING_STOP = 0xff02 };

#define CB_SUPERVISOR_ENDPOINT "inproc://supervisor"
/* Fills `name` with the endpoint of an address's down queue. */
#define CB_ENDPOINT_SIZE       32
void cb_mailbox_endpoint(uint32_t address, char name[CB_ENDPOINT_SIZE]);

#endif
