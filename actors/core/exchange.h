/* The supervisor's side of all mailboxes: one inbox, and a way out to each receiver.
 *
 * It is an interface, so that a test can drive the supervisor's shell without sockets;
 * cb_exchange_open gives the real one. It never blocks. The post office tells a thread to look for
 * messages (cb_post_office_set_attendant).
 *
 * Threads: one at a time. Any thread, if it sees everything that the previous one did.
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

/* The state of the inbox when a receive found nothing. */
typedef enum cb_inbox_state {
    CB_INBOX_EMPTY = 0, /* every message whose sending had begun before is received */
    CB_INBOX_AWAITS,    /* a thread is sending now, and will report it */
    CB_INBOX_HIDES      /* a message is sent but cannot be received yet: try again soon */
} cb_inbox_state;

typedef struct cb_exchange_ops {
    /* Receives up to CB_BATCH_MAX records of one sender, including hello and bye; or 0 and
     * *state. */
    size_t (*receive)(cb_exchange *exchange, cb_message records[CB_BATCH_MAX],
                      cb_inbox_state *state);
    /* Sends at most CB_BATCH_MAX records. CB_LIMIT: the queue takes nothing now, because it is full
     * or because there is no memory; try again. */
    cb_status (*send)(cb_exchange *exchange, cb_receiver *to, const cb_message *records,
                      size_t count);
    /* Closes the way to a receiver and frees it. */
    void (*drop)(cb_exchange *exchange, cb_receiver *receiver);
    /* The number of batches to read until, from any moment on, all older batches of each of so many
     * senders have been read. */
    uint64_t (*fairness_bound)(const cb_exchange *exchange, size_t senders);
    void (*close)(cb_exchange *exchange);
} cb_exchange_ops;

struct cb_exchange {
    const cb_exchange_ops *ops;
};

cb_status cb_exchange_open(cb_post_office *office, cb_exchange **exchange, cb_error *error);

#endif
