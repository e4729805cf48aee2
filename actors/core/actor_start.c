/* Starting the threads of actors. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/base/affinity.h"
#include "actors/base/thread.h"
#include "actors/core/supervisor.h"

/* NULL: no such kind of route has an actor. */
static cb_actor_function *function_for(const cb_actor_kinds *kinds, const cb_message *effect)
{
    if (effect->kind != CB_MSG_START_LISTENER)
        return effect->value == 1 ? kinds->client : kinds->worker;
    uint32_t kind = cb_route_word_base(effect->connection);
    return kind < CB_ROUTE_KINDS ? kinds->routes[kind] : NULL;
}

/* Takes the mailbox over, also on failure. */
static cb_status start_thread(cb_core *core, cb_actor_function *function, cb_mailbox *mailbox,
                              pthread_t *thread, cb_error *error)
{
    char name[16];
    cb_actor_start *start = malloc(sizeof *start);
    if (start == NULL) {
        cb_mailbox_discard(&mailbox);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    *start = (cb_actor_start){.core = core, .mailbox = mailbox};
    (void)snprintf(name, sizeof name, "actor-%u", cb_mailbox_address(mailbox));
    cb_affinity_loan loan = cb_affinity_borrow(atomic_load(&core->own_thread));
    cb_status status =
        cb_thread_start(thread, function, start, core->options.limits.actor_stack_kib, name, error);
    cb_affinity_return(&loan);
    if (status != CB_OK) {
        cb_mailbox_discard(&mailbox);
        free(start);
    }
    return status;
}

cb_status cb_start_actor(cb_core *core, const cb_message *effect, cb_receiver **receiver,
                         cb_error *error)
{
    *receiver = NULL;
    cb_actor_function *function = function_for(core->kinds, effect);
    if (function == NULL)
        return cb_fail(error, CB_UNSUPPORTED, "no listener for routes of kind %u",
                       (unsigned)cb_route_word_base(effect->connection));
    cb_mailbox *mailbox = NULL;
    cb_status status = cb_mailbox_create(core->office, effect->to, &mailbox, error);
    if (status != CB_OK)
        return status;
    cb_receiver *made = cb_mailbox_give_receiver(mailbox);
    status = start_thread(core, function, mailbox, &made->thread, error);
    if (status != CB_OK) {
        cb_receiver_close(made);
        return status;
    }
    made->has_thread = true;
    *receiver = made;
    return CB_OK;
}
