#include "actors/core/core.h"

#include "actors/base/affinity.h"

void cb_core_init(cb_core *core, const cb_runtime_options *options, const cb_actor_kinds *kinds)
{
    core->options = *options;
    core->options.trace_path = NULL;
    core->kinds = kinds;
    core->office = NULL;
    atomic_init(&core->own_thread, 0);
    atomic_init(&core->hands_from, CB_PROCESSOR_UNKNOWN);
    atomic_init(&core->next_asker, CB_ADDRESS_FIRST_ASKER);
    atomic_init(&core->shut_down, false);
}

uint32_t cb_core_asker_address(cb_core *core)
{
    return CB_ADDRESS_FIRST_ASKER |
           atomic_fetch_add_explicit(&core->next_asker, 1, memory_order_relaxed);
}
