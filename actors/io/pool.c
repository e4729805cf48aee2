/* Where ops come from: slabs, never given back before the loop ends, so that steady work allocates
 * nothing. Ops that other threads take have slabs of their own, under the lock. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/loop.h"

void *(*cb_io_realloc_hook)(void *memory, size_t size);

void *cb_io_realloc(void *memory, size_t size)
{
    return cb_io_realloc_hook != NULL ? cb_io_realloc_hook(memory, size) : realloc(memory, size);
}

/* Adds a slab to *slabs and its ops to *free_ops. */
static bool add_slab(cb_op_slab **slabs, cb_op **free_ops)
{
    cb_op_slab *slab = cb_io_realloc(NULL, sizeof *slab);
    if (slab == NULL)
        return false;
    slab->next = *slabs;
    *slabs = slab;
    for (size_t i = CB_LOOP_SLAB_OPS; i-- > 0;) {
        slab->ops[i].own.state = CB_OP_STATE_FREE;
        slab->ops[i].own.next = *free_ops;
        *free_ops = &slab->ops[i];
    }
    return true;
}

static cb_op *take_from(cb_loop *loop, cb_op_slab **slabs, cb_op **free_ops)
{
    if (*free_ops == NULL && !add_slab(slabs, free_ops))
        return NULL;
    cb_op *op = *free_ops;
    assert(op->own.state == CB_OP_STATE_FREE);
    *free_ops = op->own.next;
    memset(op, 0, sizeof *op);
    op->loop = loop;
    op->own.state = CB_OP_STATE_PREPARED;
    return op;
}

cb_op *cb_pool_take(cb_loop *loop, bool foreign)
{
    if (!foreign) {
        cb_op *op = take_from(loop, &loop->slabs, &loop->free_ops);
        loop->taken += op != NULL;
        return op;
    }
    int failed = pthread_mutex_lock(&loop->lock);
    assert(failed == 0);
    cb_op *op = take_from(loop, &loop->foreign_slabs, &loop->foreign_free);
    failed = pthread_mutex_unlock(&loop->lock);
    assert(failed == 0);
    if (op != NULL) {
        op->own.flags = CB_OP_FLAG_FOREIGN;
        atomic_fetch_add_explicit(&loop->foreign_taken, 1, memory_order_relaxed);
    }
    return op;
}

void cb_pool_return(cb_loop *loop, cb_op *op)
{
    assert(op->own.state != CB_OP_STATE_FREE && op->own.list == NULL);
    assert(op->own.timer_index == 0);
    free(op->own.copied);
    op->own.copied = NULL;
    bool foreign = (op->own.flags & CB_OP_FLAG_FOREIGN) != 0;
    op->own.state = CB_OP_STATE_FREE;
    if (!foreign) {
        op->own.next = loop->free_ops;
        loop->free_ops = op;
        assert(loop->taken > 0);
        loop->taken--;
        return;
    }
    int failed = pthread_mutex_lock(&loop->lock);
    assert(failed == 0);
    op->own.next = loop->foreign_free;
    loop->foreign_free = op;
    failed = pthread_mutex_unlock(&loop->lock);
    assert(failed == 0);
    atomic_fetch_sub_explicit(&loop->foreign_taken, 1, memory_order_relaxed);
}

static void free_slabs(cb_op_slab *slab)
{
    while (slab != NULL) {
        cb_op_slab *next = slab->next;
        for (size_t i = 0; i < CB_LOOP_SLAB_OPS; i++)
            if (slab->ops[i].own.state != CB_OP_STATE_FREE)
                free(slab->ops[i].own.copied);
        free(slab);
        slab = next;
    }
}

void cb_pool_free_all(cb_loop *loop)
{
    free_slabs(loop->slabs);
    free_slabs(loop->foreign_slabs);
    loop->slabs = NULL;
    loop->foreign_slabs = NULL;
}
