/* A bell by which a test in the supervisor's place waits for messages. */
#ifndef CALLBOARD_TESTS_EXCHANGE_BELL_H
#define CALLBOARD_TESTS_EXCHANGE_BELL_H

#include "actors/base/bell.h"
#include "actors/base/clock.h"

static inline void ring_for_mail(void *bell)
{
    cb_bell_ring(bell);
}

/* From now on every message through the office rings the bell. */
static inline bool exchange_bell_open(cb_bell *bell, cb_post_office *office)
{
    const cb_attendant attendant = {ring_for_mail, ring_for_mail, bell};
    cb_post_office_set_attendant(office, &attendant);
    return cb_bell_open(bell);
}

/* Receives. If there is nothing, receives once more after something was sent or the time is
 * over. */
static inline size_t exchange_bell_receive(cb_bell *bell, cb_exchange *exchange,
                                           cb_message records[CB_BATCH_MAX], int64_t timeout_ns)
{
    cb_inbox_state state;
    size_t count = exchange->ops->receive(exchange, records, &state);
    if (count > 0 || timeout_ns <= 0)
        return count;
    if (state == CB_INBOX_HIDES && timeout_ns > 1000000)
        timeout_ns = 1000000;
    cb_bell_set(bell, cb_now_ns() + timeout_ns);
    cb_bell_wait(bell);
    return exchange->ops->receive(exchange, records, &state);
}

#endif
