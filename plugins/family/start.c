/* Starting jobs of this process, for the families that have no wire in between. */
#include "plugins/family/family.h"

cb_status cb_family_start(cb_call *call, const cb_start_options *options, uint32_t request)
{
    cb_start_options start = *options;
    if (call->args[request].size > 0) {
        start.request = call->host->argument_buffer(call, request);
        if (start.request == NULL)
            return CB_NO_MEMORY;
    }
    int64_t id = 0;
    cb_status status = call->host->job_start(call, &start, &id);
    call->result.integer = id;
    return status;
}
