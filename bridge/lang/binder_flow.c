#include "bridge/lang/binder_internal.h"

#define FLOW_WORDS (CB_MAX_LOCALS / 64)

void cb_flow_assign(cb_binder *binder, uint32_t local)
{
    binder->flow.assigned[local / 64] |= UINT64_C(1) << (local % 64);
}

void cb_flow_forget(cb_binder *binder, uint32_t local)
{
    binder->flow.assigned[local / 64] &= ~(UINT64_C(1) << (local % 64));
}

bool cb_flow_has(const cb_binder *binder, uint32_t local)
{
    return !binder->flow.is_reachable ||
           (binder->flow.assigned[local / 64] >> (local % 64) & 1) != 0;
}

void cb_flow_join(cb_flow *into, const cb_flow *other)
{
    if (!other->is_reachable)
        return;
    if (!into->is_reachable) {
        *into = *other;
        return;
    }
    for (unsigned i = 0; i < FLOW_WORDS; i++)
        into->assigned[i] &= other->assigned[i];
}

void cb_flow_stop(cb_binder *binder)
{
    binder->flow.is_reachable = false;
}
