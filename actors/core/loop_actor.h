/* The common part of actors that serve an event loop and a mailbox with one thread. Each of the two
 * wakes the thread when it waits.
 *
 * A turn has these parts, in this order: the loop's callbacks; all messages that came;
 * `before_flush`, for reports about the turn as a whole; the sending of all records for the
 * supervisor; `after_flush`, for work that has to follow this sending. Only then the thread sleeps.
 */
#ifndef CALLBOARD_ACTORS_CORE_LOOP_ACTOR_H
#define CALLBOARD_ACTORS_CORE_LOOP_ACTOR_H

#include <stdbool.h>

#include "actors/core/core.h"
#include "callboard/nbio.h"

typedef struct cb_loop_actor cb_loop_actor;

struct cb_loop_actor {
    /* Set by the user of this struct. */
    void (*message)(cb_loop_actor *actor, const cb_message *message);
    void (*before_flush)(cb_loop_actor *actor); /* about the whole turn; both may be NULL */
    void (*after_flush)(cb_loop_actor *actor);
    /* Set by cb_loop_actor_open. */
    cb_core *core;
    cb_mailbox *mailbox;
    cb_loop *loop;
    cb_op *mail;
    bool done; /* set to end cb_loop_actor_run after the turn */
};

/* Takes over the start and its mailbox, also on failure. After a failure the mailbox is still open,
 * so that the failure can be reported; call cb_loop_actor_close then. */
cb_status cb_loop_actor_open(cb_loop_actor *actor, cb_actor_start *start, cb_error *error);
/* Serves until `done`, or until the loop or the mailbox breaks. */
void cb_loop_actor_run(cb_loop_actor *actor);
void cb_loop_actor_close(cb_loop_actor *actor);
/* The first half of the close: the loop and all its operations end, but the mailbox stays. */
void cb_loop_actor_end_loop(cb_loop_actor *actor);

/* Gathers one record for the supervisor. */
void cb_loop_actor_post(cb_loop_actor *actor, const cb_message *message);

#endif
