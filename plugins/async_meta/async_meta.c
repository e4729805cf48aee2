/* asyncmeta: the shared vocabulary as constants, and questions over a capability mask. */
#include "callboard/asyncmeta.h"
#include "callboard/plugin.h"

#define DEFINE_CONSTANT(name, value, text)                                                         \
    static cb_status constant_##name(cb_call *call)                                                \
    {                                                                                              \
        call->result.integer = (value);                                                            \
        return CB_OK;                                                                              \
    }
CB_ASYNCMETA(DEFINE_CONSTANT)

static cb_status answer_has_all(cb_call *call, int64_t bits)
{
    call->result.integer = (call->args[0].integer & bits) == bits;
    return CB_OK;
}

static cb_status supports_job_inspect(cb_call *call)
{
    return answer_has_all(call, CB_META_ProfileJobInspect);
}

static cb_status supports_blob_job(cb_call *call)
{
    return answer_has_all(call, CB_META_ProfileBlobJob);
}

static cb_status supports_route_control(cb_call *call)
{
    return answer_has_all(call, CB_META_ProfileRouteControl);
}

static cb_status supports_route_service(cb_call *call)
{
    return answer_has_all(call, CB_META_ProfileRouteService);
}

static cb_status supports(cb_call *call)
{
    call->result.integer = (call->args[0].integer & call->args[1].integer) != 0;
    return CB_OK;
}

static cb_status supports_all(cb_call *call)
{
    return answer_has_all(call, call->args[1].integer);
}

#define CONSTANT_VERB(name, value, text) {#name, "i32()", constant_##name, 0, text},

static const cb_verb verbs[] = {{"SupportsJobInspect", "i32(i32 mask)", supports_job_inspect, 0,
                                 "1 if the mask has all of ProfileJobInspect"},
                                {"SupportsBlobJob", "i32(i32 mask)", supports_blob_job, 0,
                                 "1 if the mask has all of ProfileBlobJob"},
                                {"SupportsRouteControl", "i32(i32 mask)", supports_route_control, 0,
                                 "1 if the mask has all of ProfileRouteControl"},
                                {"SupportsRouteService", "i32(i32 mask)", supports_route_service, 0,
                                 "1 if the mask has all of ProfileRouteService"},
                                {"Supports", "i32(i32 mask, i32 bit)", supports, 0,
                                 "1 if the mask has the bit (or any of several)"},
                                {"SupportsAll", "i32(i32 mask, i32 bits)", supports_all, 0,
                                 "1 if the mask has every one of the bits"},
                                CB_ASYNCMETA(CONSTANT_VERB)};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "asyncmeta",
    .version = "0.1.0",
    .summary = "the vocabulary that all routes and jobs share",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
