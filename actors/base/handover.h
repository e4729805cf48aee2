/* Tells a thread sanitizer about hand-overs that it cannot see.
 *
 * libzmq is not compiled with the sanitizer. Its atomic instructions pass a message from one thread
 * to another, but the sanitizer sees no order in them, and all that a message carries would look
 * like a race. So the sender calls cb_handover_give before it sends, and the receiver calls
 * cb_handover_take after it received. Both give the same lane: 0 for the supervisor's inbox, an
 * address for the way down to it. In other builds these functions do nothing.
 */
#ifndef CALLBOARD_ACTORS_BASE_HANDOVER_H
#define CALLBOARD_ACTORS_BASE_HANDOVER_H

#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define CB_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CB_THREAD_SANITIZER 1
#endif
#endif

#define CB_HANDOVER_INBOX 0u

#ifdef CB_THREAD_SANITIZER
void cb_handover_give(uint32_t lane);
void cb_handover_take(uint32_t lane);
#else
static inline void cb_handover_give(uint32_t lane)
{
    (void)lane;
}
static inline void cb_handover_take(uint32_t lane)
{
    (void)lane;
}
#endif

#endif
