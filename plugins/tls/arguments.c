/* What verbs check of their arguments, and how they tell what went wrong. */
#include <string.h>

#include "plugins/tls/tls.h"

cb_status cb_tls_check_build(cb_call *call)
{
    if (strcmp(cb_tls_the_provider.name, CB_TLS_STUB_NAME) != 0)
        return CB_OK;
    return call->host->fail(call, CB_UNSUPPORTED, "%s", CB_TLS_STUB_TEXT);
}

cb_status cb_tls_timeout(cb_call *call, uint32_t index, int32_t otherwise, int32_t *timeout_ms)
{
    int64_t value = index < call->argc ? call->args[index].integer : otherwise;
    if (value < -1 || value > INT32_MAX)
        return call->host->fail(call, CB_INVALID,
                                "timeoutMs is %lld; it must be -1 or 0..2147483647",
                                (long long)value);
    *timeout_ms = (int32_t)value;
    return CB_OK;
}

cb_status cb_tls_text(cb_call *call, uint32_t index, const char *what, const char **text)
{
    const cb_value *value = &call->args[index];
    if (value->size == 0)
        return call->host->fail(call, CB_INVALID, "%s is empty", what);
    if (memchr(value->data, '\0', value->size) != NULL)
        return call->host->fail(call, CB_INVALID, "%s holds a NUL", what);
    *text = (const char *)value->data;
    return CB_OK;
}

cb_status cb_tls_port(cb_call *call, uint32_t index, int *port)
{
    int64_t value = call->args[index].integer;
    if (value < 1 || value > UINT16_MAX)
        return call->host->fail(call, CB_INVALID, "port is %lld; it must be 1..65535",
                                (long long)value);
    *port = (int)value;
    return CB_OK;
}

cb_status cb_tls_tell(cb_call *call, cb_status status, const cb_error *error)
{
    return status == CB_STOPPED ? status : call->host->fail(call, status, "%s", error->text);
}
