/* The core: things that the supervisor and every actor of one runtime share: its options, its post
 * office, and the table of kinds of actors. The owner (actors/runtime.c) fills it and keeps it
 * until all of them have ended.
 */
#ifndef CALLBOARD_ACTORS_CORE_CORE_H
#define CALLBOARD_ACTORS_CORE_CORE_H

#include <stdatomic.h>

#include "actors/core/mailbox.h"
#include "callboard/runtime.h"

/* A thread's function; the argument is a cb_actor_start. */
typedef void *cb_actor_function(void *start);

/* The function of each kind of actor. The core only starts them. */
typedef struct cb_actor_kinds {
    cb_actor_function *worker;
    cb_actor_function *client;
    cb_actor_function *routes[CB_ROUTE_KINDS]; /* by cb_route_kind; NULL: has no actor */
} cb_actor_kinds;

typedef struct cb_core {
    /* Set before the first thread starts, read-only afterwards. */
    cb_runtime_options options; /* trace_path is not kept */
    const cb_actor_kinds *kinds;
    cb_post_office *office;
    /* Any thread. */
    atomic_int own_thread; /* the kernel's number of the supervisor's own thread; 0 until it runs */
    atomic_int hands_from; /* the processor of the visitor that handed jobs last */
    atomic_uint next_asker;
    atomic_bool shut_down; /* the shutdown was asked for from outside */
} cb_core;

/* The argument of an actor's thread, which frees it. */
typedef struct cb_actor_start {
    cb_core *core;
    cb_mailbox *mailbox; /* belongs to the thread */
} cb_actor_start;

/* `kinds` still belongs to the caller. */
void cb_core_init(cb_core *core, const cb_runtime_options *options, const cb_actor_kinds *kinds);
/* Returns an address for one more asker. After 2^31 addresses they begin anew. An address that is
 * still in use cannot be opened a second time; then try another. Any thread. */
uint32_t cb_core_asker_address(cb_core *core);

#endif
