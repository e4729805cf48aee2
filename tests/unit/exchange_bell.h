/* What a test in the supervisor's place waits for messages by. */
#ifndef CALLBOARD_TESTS_EXCHANGE_BELL_H
#define CALLBOARD_TESTS_EXCHANGE_BELL_H

#include "actors/base/bell.h"
#include "actors/runtime.h"

static inline void ring_for_mail(void *bell)
{
    cb_bell_ring(bell);
}

/* Whatever is sent through the office rings the bell from now on. */
static inline bool exchange_bell_open(cb_bell *bell, cb_post_office *office)
{
    const cb_attendant attendant = {ring_for_mail, ring_for_mail, bell};
    cb_post_office_set_attendant(office, &attendant);
    return cb_bell_open(bell);
}

/* Until something was sent since the last wait, or the time is over. */
static inline void exchange_bell_wait(cb_bell *bell, int64_t timeout_ns)
{
    cb_bell_set(bell, cb_now_ns() + timeout_ns);
    cb_bell_wait(bell);
}

#endif
