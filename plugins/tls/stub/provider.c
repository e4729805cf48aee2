/* The table of the service tls.provider in a build without OpenSSL: no context can be made, and
 * without one there is nothing to call the other functions with. */
#include <stddef.h>

#include "plugins/tls/fail.h"
#include "plugins/tls/tls.h"

static cb_status refuse(cb_error *error)
{
    return cb_tls_fail(error, CB_UNSUPPORTED, "%s", CB_TLS_STUB_TEXT);
}

static cb_status server_context_new(const cb_tls_server_options *options, cb_tls_context **context,
                                    cb_error *error)
{
    (void)options;
    *context = NULL;
    return refuse(error);
}

static cb_status client_context_new(const cb_tls_client_options *options, cb_tls_context **context,
                                    cb_error *error)
{
    (void)options;
    *context = NULL;
    return refuse(error);
}

static cb_tls_context *context_retain(cb_tls_context *context)
{
    return context;
}

static void context_release(cb_tls_context *context)
{
    (void)context;
}

static cb_status session_new(cb_tls_context *context, const char *host, cb_tls_session **session,
                             cb_error *error)
{
    (void)context;
    (void)host;
    *session = NULL;
    return refuse(error);
}

static void session_free(cb_tls_session *session)
{
    (void)session;
}

static cb_tls_result handshake(cb_tls_session *session, cb_error *error)
{
    (void)session;
    (void)refuse(error);
    return CB_TLS_FAILED;
}

static cb_status feed(cb_tls_session *session, const void *data, size_t size, cb_error *error)
{
    (void)session;
    (void)data;
    (void)size;
    return refuse(error);
}

static size_t pending(const cb_tls_session *session)
{
    (void)session;
    return 0;
}

static size_t take(cb_tls_session *session, void *room, size_t size)
{
    (void)session;
    (void)room;
    (void)size;
    return 0;
}

static cb_tls_result read_some(cb_tls_session *session, void *room, size_t size, size_t *got,
                               cb_error *error)
{
    (void)session;
    (void)room;
    (void)size;
    *got = 0;
    (void)refuse(error);
    return CB_TLS_FAILED;
}

static cb_tls_result write_all(cb_tls_session *session, const void *data, size_t size,
                               cb_error *error)
{
    (void)session;
    (void)data;
    (void)size;
    (void)refuse(error);
    return CB_TLS_FAILED;
}

static const char *nothing(const cb_tls_session *session)
{
    (void)session;
    return NULL;
}

static cb_status context_rotate(cb_tls_context *context, cb_error *error)
{
    (void)context;
    return refuse(error);
}

const cb_tls_provider cb_tls_the_provider = {
    .abi = CB_TLS_ABI,
    .size = sizeof(cb_tls_provider),
    .name = CB_TLS_STUB_NAME,
    .server_context_new = server_context_new,
    .client_context_new = client_context_new,
    .context_retain = context_retain,
    .context_release = context_release,
    .session_new = session_new,
    .session_free = session_free,
    .handshake = handshake,
    .feed = feed,
    .pending = pending,
    .take = take,
    .read = read_some,
    .write = write_all,
    .close = session_free,
    .version = nothing,
    .cipher = nothing,
    .protocol = nothing,
    .server_name = nothing,
    .peer_subject = nothing,
    .context_rotate = context_rotate,
};

bool cb_tls_is_alive(void)
{
    return true;
}
