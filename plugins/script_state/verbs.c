/* The table of verbs, and those that are about memory. */
#include "plugins/script_state/script_state.h"

#define MAX_OBJECT "CALLBOARD_MAX_OBJECT"

cb_status cb_state_complain(cb_call *call, cb_status status, const char *fault)
{
    return call->host->fail(call, status, "block %lld %s", (long long)call->args[0].integer, fault);
}

cb_status cb_state_verb_allocate(cb_call *call)
{
    if (!CB_HOST_HAS(call->host, limit))
        return call->host->fail(call, CB_UNSUPPORTED, "this callboard is too old for the plugin");
    int64_t size = call->args[0].integer;
    int64_t most = call->host->limit(call, MAX_OBJECT); /* what a blob over it can be long */
    if (size < 1)
        return call->host->fail(call, CB_INVALID, "size is %lld; it must be 1 at least",
                                (long long)size);
    if (size > most)
        return call->host->fail(call, CB_LIMIT, "size is %lld; at most %lld (" MAX_OBJECT ")",
                                (long long)size, (long long)most);
    return cb_state_new(call, (size_t)size);
}

cb_status cb_state_verb_get_pointer(cb_call *call)
{
    cb_status status = CB_OK;
    if (cb_state_run_of(call, &status) == NULL) /* counted: it may use the memory from now on */
        return status;
    const char *fault = NULL;
    cb_state_enter();
    const cb_state_block *block = cb_state_find(call->args[0].integer, &fault);
    if (block != NULL)
        call->result.integer = (int64_t)(uintptr_t)block->bytes;
    cb_state_leave();
    return fault == NULL ? CB_OK : cb_state_complain(call, CB_UNKNOWN, fault);
}

cb_status cb_state_verb_get_size(cb_call *call)
{
    const char *fault = NULL;
    cb_state_enter();
    const cb_state_block *block = cb_state_find(call->args[0].integer, &fault);
    if (block != NULL)
        call->result.integer = (int64_t)block->size;
    cb_state_leave();
    return fault == NULL ? CB_OK : cb_state_complain(call, CB_UNKNOWN, fault);
}

cb_status cb_state_verb_free(cb_call *call)
{
    cb_status status = CB_OK;
    const cb_state_run *run = cb_state_run_of(call, &status);
    if (run == NULL)
        return status;
    const char *fault = NULL;
    cb_state_enter();
    cb_state_block *block = cb_state_find(call->args[0].integer, &fault);
    if (block != NULL && block->holder != NULL && block->holder != run) {
        fault = "is locked by another callback (or main)";
    } else if (block != NULL) {
        cb_state_dismiss(block);
        if (block->holder != NULL)
            cb_state_unlock(block);
        cb_state_delete(block);
    }
    cb_state_leave();
    return fault == NULL ? CB_OK : cb_state_complain(call, CB_INVALID, fault);
}

static const cb_verb verbs[] = {
    {"Allocate", "i64(i64 size)", cb_state_verb_allocate, 0,
     "a new block of so many zero bytes; its id"},
    {"GetPointer", "i64(i64 id)", cb_state_verb_get_pointer, 0,
     "the block's address, for blob.RefFromPointer"},
    {"GetSize", "i64(i64 id)", cb_state_verb_get_size, 0, "the block's size in bytes"},
    {"Free", "i32(i64 id)", cb_state_verb_free, 0, "gives the block's memory back; 0"},
    {"Lock", "i32(i64 id, i32 timeoutMs?)", cb_state_verb_lock, 0,
     "takes the block's lock; 1, or 2 if its last holder never gave it back, 0 if not in time"},
    {"Unlock", "i32(i64 id)", cb_state_verb_unlock, 0, "gives the block's lock back; 0"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "script_state",
    .version = "0.1.0",
    .summary = "memory that callbacks and main share, with locks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
