#include "actors/core/loop_actor.h"

#include <stdlib.h>

/* How soon a mailbox is watched again that could not be: there was no memory for it. */
#define AGAIN_NS 1000000

static void on_mail(cb_op *op)
{
    cb_loop_actor *actor = op->user_data;
    if (op->error != CB_IO_OK || !cb_op_exec(op, false))
        actor->mail = NULL; /* the loop ends, or there is no memory to watch it */
}

static bool watch(cb_loop_actor *actor)
{
    actor->mail = cb_poll(actor->loop, cb_mailbox_descriptor(actor->mailbox), CB_POLL_READABLE,
                          on_mail, NULL);
    if (actor->mail != NULL)
        actor->mail->user_data = actor;
    return actor->mail != NULL;
}

cb_status cb_loop_actor_open(cb_loop_actor *actor, cb_actor_start *start, cb_error *error)
{
    actor->core = start->core;
    actor->mailbox = start->mailbox;
    free(start);
    cb_status status = cb_loop_acquire(&actor->loop, error);
    if (status != CB_OK)
        return status;
    return watch(actor) ? CB_OK : cb_fail(error, CB_NO_MEMORY, "cannot watch an actor's mailbox");
}

/* One tick. While the mailbox is not watched, it is looked at after a short sleep all the same. */
static cb_status tick(cb_loop_actor *actor, int64_t sleep_ns)
{
    bool is_watched = actor->mail != NULL;
    if (!is_watched && sleep_ns != 0)
        sleep_ns = AGAIN_NS;
    cb_status status = cb_loop_tick(actor->loop, sleep_ns, NULL);
    if (!is_watched)
        (void)watch(actor);
    return status;
}

static cb_status take_messages(cb_loop_actor *actor)
{
    cb_message message;
    cb_status status;
    while ((status = cb_mailbox_receive(actor->mailbox, 0, &message)) == CB_OK)
        actor->message(actor, &message);
    return status == CB_TIMEOUT ? CB_OK : status;
}

void cb_loop_actor_run(cb_loop_actor *actor)
{
    /* The mailbox's descriptor only tells of what comes after the mailbox was found empty, so every
     * turn ends with it empty, and the first one looks before it sleeps. */
    int64_t sleep_ns = 0;
    while (!actor->done) {
        if (tick(actor, sleep_ns) != CB_OK || take_messages(actor) != CB_OK)
            return;
        if (actor->before_flush != NULL)
            actor->before_flush(actor);
        if (cb_mailbox_flush(actor->mailbox) != CB_OK)
            return;
        if (actor->after_flush != NULL)
            actor->after_flush(actor);
        sleep_ns = cb_mailbox_has_gathered(actor->mailbox) ? 0 : -1;
    }
}

void cb_loop_actor_end_loop(cb_loop_actor *actor)
{
    if (actor->loop == NULL)
        return;
    cb_op_remove(&actor->mail);
    cb_loop_forget(actor->loop, cb_mailbox_descriptor(actor->mailbox));
    cb_loop_release(&actor->loop);
}

void cb_loop_actor_close(cb_loop_actor *actor)
{
    cb_loop_actor_end_loop(actor);
    cb_mailbox_close(&actor->mailbox);
}

void cb_loop_actor_post(cb_loop_actor *actor, const cb_message *message)
{
    if (cb_mailbox_post(actor->mailbox, message) != CB_OK)
        actor->done = true; /* the supervisor is gone */
}
