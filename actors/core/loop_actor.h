/* What a listener and the client actor have in common: one thread that serves an event loop and a
 * mailbox, each waking the other's wait.
 *
 * A turn: the loop's callbacks, then all messages that came, then (`before_flush`) what is to be
 * said of the turn as a whole, then what was gathered for the supervisor is sent, then what has to
 * follow that sending is done (`after_flush`), and only then the thread sleeps.
 */
#ifndef CALLBOARD_ACTORS_CORE_LOOP_ACTOR_H
#define CALLBOARD_ACTORS_CORE_LOOP_ACTOR_H

#include <stdbool.h>

#include "actors/core/core.h"
#include "callboard/nbio.h"

typedef struct cb_loop_actor cb_loop_actor;

struct cb_loop_actor {
    /* Set by the user of this. */
    void (*message)(cb_loop_actor *actor, const cb_message *message);
    void (*before_flush)(cb_loop_actor *actor); /* what a turn comes to; these two may be NULL */
    void (*after_flush)(cb_loop_actor *actor);
    /* Set by cb_loop_actor_open. */
    cb_core *core;
    cb_mailbox *mailbox;
    cb_loop *loop;
    cb_op *mail;
    bool done; /* set to end cb_loop_actor_run after the turn */
};

/* Takes over the start and its mailbox, also on failure (the mailbox is then still open, so that
 * the failure can be reported, and cb_loop_actor_close is to be called). */
cb_status cb_loop_actor_open(cb_loop_actor *actor, cb_actor_start *start, cb_error *error);
/* Serves until `done`, or until the loop or the mailbox breaks. */
void cb_loop_actor_run(cb_loop_actor *actor);
void cb_loop_actor_close(cb_loop_actor *actor);
/* The first half of the close: the loop and all its operations end, the mailbox is there. */
void cb_loop_actor_end_loop(cb_loop_actor *actor);

/* Gathers one record for the supervisor. */
void cb_loop_actor_post(cb_loop_actor *actor, const cb_message *message);

#endif
