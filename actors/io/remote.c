/* How other threads reach a loop: a bounded queue of prepared ops, and the wake-up.
 *
 * The wake-up: the loop sets `sleeping` before it blocks and looks at the queue once more after
 * that; whoever has work for it queues first and looks at `sleeping` after that. With sequentially
 * consistent order on both sides one of them sees the other, so no wake-up is lost and a loop that
 * is awake costs the caller one exchange. */
#include <assert.h>

#include "actors/io/loop.h"

cb_status cb_remote_open(cb_loop *loop)
{
    if (pthread_mutex_init(&loop->lock, NULL) != 0)
        return CB_NO_MEMORY;
    if (pthread_cond_init(&loop->space, NULL) != 0) {
        pthread_mutex_destroy(&loop->lock);
        return CB_NO_MEMORY;
    }
    return CB_OK;
}

void cb_remote_shut(cb_loop *loop)
{
    assert(loop->remote_used == 0 && loop->remote_blocked == 0);
    int failed = pthread_cond_destroy(&loop->space);
    assert(failed == 0);
    failed = pthread_mutex_destroy(&loop->lock);
    assert(failed == 0);
    (void)failed;
}

void cb_remote_rouse(cb_loop *loop)
{
    if (atomic_exchange(&loop->sleeping, false))
        loop->backend->wake(loop);
}

void cb_remote_push(cb_loop *loop, cb_op *op, bool wake_up)
{
    int failed = pthread_mutex_lock(&loop->lock);
    assert(failed == 0);
    while (loop->remote_used == CB_LOOP_REMOTE_MAX) {
        loop->remote_blocked++;
        cb_remote_rouse(loop);
        failed = pthread_cond_wait(&loop->space, &loop->lock);
        assert(failed == 0);
        loop->remote_blocked--;
    }
    unsigned place = (loop->remote_first + loop->remote_used) % CB_LOOP_REMOTE_MAX;
    op->own.state = CB_OP_STATE_QUEUED;
    loop->remote[place] = op;
    loop->remote_used++;
    atomic_store(&loop->remote_count, loop->remote_used);
    /* Under the lock, so that the loop cannot take the op, end and be freed before the wake-up. */
    if (wake_up)
        cb_remote_rouse(loop);
    failed = pthread_mutex_unlock(&loop->lock);
    assert(failed == 0);
}

/* Takes all that is queued, linked by own.next in the order of submission. */
static cb_op *take_all(cb_loop *loop)
{
    cb_op *first = NULL;
    cb_op **end = &first;
    int failed = pthread_mutex_lock(&loop->lock);
    assert(failed == 0);
    for (; loop->remote_used > 0; loop->remote_used--) {
        cb_op *op = loop->remote[loop->remote_first];
        loop->remote_first = (loop->remote_first + 1) % CB_LOOP_REMOTE_MAX;
        op->own.next = NULL;
        *end = op;
        end = &op->own.next;
    }
    atomic_store(&loop->remote_count, 0);
    if (loop->remote_blocked > 0) {
        failed = pthread_cond_broadcast(&loop->space);
        assert(failed == 0);
    }
    failed = pthread_mutex_unlock(&loop->lock);
    assert(failed == 0);
    return first;
}

void cb_remote_drain(cb_loop *loop)
{
    if (atomic_load_explicit(&loop->remote_count, memory_order_acquire) == 0)
        return;
    cb_op *op = take_all(loop);
    while (op != NULL) {
        cb_op *next = op->own.next;
        assert(op->own.state == CB_OP_STATE_QUEUED);
        cb_loop_start(loop, op);
        op = next;
    }
}
