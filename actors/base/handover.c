#include "actors/base/handover.h"

#ifdef CB_THREAD_SANITIZER

/* The sanitizer's own entries; no header of gcc 12 declares them. */
extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

/* Addresses that stand for lanes. Two that share one are ordered more than they are, which can only
 * hide a race between unrelated actors, never invent one. */
enum { LANES = 4096 };
static char lanes[LANES];

void cb_handover_give(uint32_t lane)
{
    __tsan_release(&lanes[lane % LANES]);
}

void cb_handover_take(uint32_t lane)
{
    __tsan_acquire(&lanes[lane % LANES]);
}

#endif

/* A translation unit must not be empty. */
typedef int cb_handover_unused;
