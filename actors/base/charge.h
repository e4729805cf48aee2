/* Who is in charge of something that many threads bring work to: whoever brings it does it, unless
 * somebody is at it already, who then does that, too. Nobody waits, and nothing is overlooked:
 *
 *     put the work where it is looked for;
 *     cb_charge_call(charge);
 *     while (cb_charge_take(charge, &seen)) {
 *         do all the work that is there;
 *         cb_charge_leave(charge);
 *         if (!cb_charge_has_called(charge, seen))
 *             break;
 *     }
 *
 * Who is turned away called first, so one of two things is true of the one in charge: it took the
 * charge after the call and finds the work, or it leaves later and learns of the call then.
 *
 * Threads: any. What one in charge did is seen by the next one.
 */
#ifndef CALLBOARD_ACTORS_BASE_CHARGE_H
#define CALLBOARD_ACTORS_BASE_CHARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zeros: nobody is in charge. */
typedef struct cb_charge {
    atomic_bool taken;
    atomic_uint_fast64_t calls;
} cb_charge;

/* All of it is sequentially consistent: that a call comes before an attempt to take, and a
 * departure before the look for calls, are orders between two variables. */

static inline void cb_charge_call(cb_charge *charge)
{
    atomic_fetch_add(&charge->calls, 1);
}

/* False if another thread is in charge. *seen: the calls whose work is there by now. */
static inline bool cb_charge_take(cb_charge *charge, uint_fast64_t *seen)
{
    if (atomic_exchange(&charge->taken, true))
        return false;
    *seen = atomic_load(&charge->calls);
    return true;
}

static inline void cb_charge_leave(cb_charge *charge)
{
    atomic_store(&charge->taken, false);
}

static inline bool cb_charge_has_called(cb_charge *charge, uint_fast64_t seen)
{
    return atomic_load(&charge->calls) != seen;
}

#endif
