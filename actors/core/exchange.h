/* The supervisor's side of all mailboxes: one inbox, and a way out to each receiver.
 *
 * An interface, so that a test can drive the supervisor's shell without sockets; cb_exchange_open
 * gives the real one. It never blocks. Who is to look for messages is told by the post office
 * (cb_post_office_set_attendant).
 *
 * Threads: one at a time, any of them, if each sees all that the one before it did.
 */
#ifndef CALLBOARD_ACTORS_CORE_EXCHANGE_H
#define CALLBOARD_ACTORS_CORE_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "actors/core/mailbox.h"
#include "actors/core/receiver.h"
#include "callboard/status.h"

typedef struct cb_exchange cb_exchange;

/* What it means that a receive found nothing. */
typedef enum cb_inbox_state {
    CB_INBOX_EMPTY = 0, /* all whose sending had begun before is received */
    CB_INBOX_AWAITS,    /* somebody is just sending, and will say so */
    CB_INBOX_HIDES      /* something is sent and cannot be received yet: to be tried again soon */
} cb_inbox_state;

typedef struct cb_exchange_ops {
    /* Up to CB_BATCH_MAX records of one sender, hello and bye among them; or 0 and *state. */
    size_t (*receive)(cb_exchange *exchange, cb_message records[CB_BATCH_MAX],
                      cb_inbox_state *state);
    /* At most CB_BATCH_MAX records. CB_LIMIT: the queue takes nothing now, because it is full or
     * because there is no memory; try again. */
    cb_status (*send)(cb_exchange *exchange, cb_receiver *to, const cb_message *records,
                      size_t count);
    /* Closes the way to it and frees it. */
    void (*drop)(cb_exchange *exchange, cb_receiver *receiver);
    /* Batches after which, seen from any moment, each of so many senders' older ones have been
     * read. */
    uint64_t (*fairness_bound)(const cb_exchange *exchange, size_t senders);
    void (*close)(cb_exchange *exchange);
} cb_exchange_ops;

struct cb_exchange {
    const cb_exchange_ops *ops;
};

cb_status cb_exchange_open(cb_post_office *office, cb_exchange **exchange, cb_error *error);

#endif
