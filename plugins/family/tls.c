/* The verb EnableTls of the families whose routes are listeners. */
#include <string.h>

#include "callboard/asyncmeta.h"
#include "callboard/tls.h"
#include "plugins/family/family.h"

/* Reads args[index] as a file's path. */
static cb_status path_of(cb_call *call, uint32_t index, const char *what, const char **path)
{
    const cb_value *value = &call->args[index];
    if (value->size == 0)
        return call->host->fail(call, CB_INVALID, "%s is empty", what);
    if (memchr(value->data, '\0', value->size) != NULL)
        return call->host->fail(call, CB_INVALID, "%s holds a NUL", what);
    *path = (const char *)value->data;
    return CB_OK;
}

static cb_status check_open(cb_call *call)
{
    int64_t state = 0;
    cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_STATE, &state);
    if (status == CB_OK && state == CB_META_RouteStateClosed)
        return cb_family_route_error(call, CB_CLOSED);
    return status;
}

/* Has a provider make a context of the files, which come from whoever wrote the script. */
static cb_status load(cb_call *call, const cb_tls_provider **provider, cb_tls_context **context)
{
    cb_tls_server_options options = {0};
    cb_error error = {.text = "no TLS"};
    cb_status status = path_of(call, 1, "certFile", &options.certificate_file);
    if (status == CB_OK)
        status = path_of(call, 2, "keyFile", &options.key_file);
    if (status != CB_OK)
        return status;
    const cb_tls_provider *found = call->host->service(call, CB_TLS_SERVICE, &error);
    if (found == NULL)
        return call->host->fail(call, CB_UNSUPPORTED, "%s", error.text);
    if (found->abi != CB_TLS_ABI)
        return call->host->fail(call, CB_UNSUPPORTED, "the TLS plugin is of another version");
    status = found->server_context_new(&options, context, &error);
    if (status != CB_OK)
        return call->host->fail(call, status, "%s", error.text);
    *provider = found;
    return CB_OK;
}

cb_status cb_family_enable_tls(cb_call *call)
{
    const cb_tls_provider *provider = NULL;
    cb_tls_context *context = NULL;
    cb_error error = {.text = "no TLS"};
    cb_status status = check_open(call);
    if (status == CB_OK)
        status = load(call, &provider, &context);
    if (status != CB_OK)
        return status;
    status = call->host->route_set_tls(call, call->args[0].integer, provider, context, &error);
    if (status == CB_OK || status == CB_STOPPED)
        return status;
    if (status == CB_UNKNOWN || status == CB_CLOSED)
        return cb_family_route_error(call, status);
    return call->host->fail(call, status, "%s", error.text);
}
