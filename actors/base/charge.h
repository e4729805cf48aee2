/* The charge (a combiner lock, as in flat combining): decides which thread does the work that many
 * threads bring. A thread that brings work does it itself. If another thread is in charge already,
 * that thread does it. No thread waits, and no work is overlooked:
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
 * A thread that was turned away has called first. So the thread in charge finds the work, if it
 * took the charge after the call; otherwise it leaves later, and learns of the call then.
 *
 * Threads: any. A thread in charge sees everything that the previous one did.
 */
#ifndef CALLBOARD_ACTORS_BASE_CHARGE_H
#define CALLBOARD_ACTORS_BASE_CHARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zeros: no thread is in charge. */
typedef struct cb_charge {
    atomic_bool taken;
    atomic_uint_fast64_t calls;
} cb_charge;

/* All operations are sequentially consistent, because two orders concern two variables: a call
 * comes before the attempt to take, and leaving comes before the look for calls. */

static inline void cb_charge_call(cb_charge *charge)
{
    atomic_fetch_add(&charge->calls, 1);
}

/* Returns false if another thread is in charge. *seen: the number of calls so far, whose work is
 * there by now. */
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
