/* The verbs of server contexts, and those that say whom either side trusts. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/tls/fail.h"
#include "plugins/tls/tls.h"

#define LOOPBACK "127.0.0.1"

/* -- contexts -- */

/* A new context of what the handle holds, in the place of the one it has. */
static cb_status remake(cb_tls_handle *handle, cb_error *error)
{
    const cb_tls_provider *tls = &cb_tls_the_provider;
    cb_tls_context *fresh = NULL;
    cb_status status = CB_OK;
    if (handle->kind == CB_TLS_SERVER) {
        cb_tls_server_options options = {
            .certificate_file = handle->certificate_file,
            .key_file = handle->key_file,
            .client_ca_file = handle->ca_file,
            .client_auth =
                handle->is_verifying ? CB_TLS_CLIENT_AUTH_REQUIRED : CB_TLS_CLIENT_AUTH_NONE,
        };
        status = tls->server_context_new(&options, &fresh, error);
    } else {
        cb_tls_client_options options = {.insecure = !handle->is_verifying,
                                         .ca_file = handle->ca_file};
        status = tls->client_context_new(&options, &fresh, error);
    }
    if (status == CB_OK) {
        tls->context_release(handle->context);
        handle->context = fresh;
    }
    return status;
}

cb_status cb_tls_verb_new_server_context(cb_call *call)
{
    const char *certificate_file = NULL;
    const char *key_file = NULL;
    cb_status status = cb_tls_check_build(call);
    if (status == CB_OK)
        status = cb_tls_text(call, 0, "certFile", &certificate_file);
    if (status == CB_OK)
        status = cb_tls_text(call, 1, "keyFile", &key_file);
    if (status != CB_OK)
        return status;

    cb_tls_handle *server = cb_tls_handle_new(CB_TLS_SERVER);
    if (server == NULL || (server->certificate_file = strdup(certificate_file)) == NULL ||
        (server->key_file = strdup(key_file)) == NULL) {
        cb_tls_handle_free(server);
        return call->host->fail(call, CB_NO_MEMORY, "out of memory");
    }
    cb_error error = {0};
    status = remake(server, &error);
    if (status == CB_OK)
        return cb_tls_handle_add(call, server);
    cb_tls_handle_free(server);
    return cb_tls_tell(call, status, &error);
}

cb_status cb_tls_verb_close_server_context(cb_call *call)
{
    cb_status status = CB_OK;
    cb_tls_handle *server = cb_tls_handle_acquire(call, CB_TLS_SERVER, true, &status);
    if (server == NULL)
        return status;
    cb_tls_handle_close(server);
    cb_tls_handle_release(server);
    return CB_OK;
}

/* -- accepting -- */

/* Says of a failed accept whether another one may succeed. */
static bool is_passing(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR || code == ECONNABORTED ||
           code == EPROTO;
}

/* *result = a client's socket, or -1 when the time is up, or a shutdown begins. */
static cb_status wait_for_client(cb_call *call, cb_tls_handle *server, int64_t until, int *result,
                                 cb_error *error)
{
    *result = -1;
    for (;;) {
        int made = accept4(server->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made >= 0) {
            *result = made;
            return CB_OK;
        }
        if (!is_passing(errno))
            return cb_tls_fail(error, CB_IO, "cannot accept: %s", strerror(errno));
        int64_t slice = cb_tls_moment(CB_TLS_ACCEPT_SLICE_MS);
        cb_status status =
            cb_tls_wire_wait(call, server->socket, POLLIN, slice < until ? slice : until);
        if (status == CB_TIMEOUT) {
            if (cb_tls_handle_is_closed(server))
                return cb_tls_fail(error, CB_CLOSED, "the context was closed by another thread");
            if (until <= cb_tls_moment(0) || cb_tls_wire_is_ending(call))
                return CB_OK;
        } else if (status != CB_OK) {
            return status == CB_STOPPED ? status : cb_tls_fail(error, status, "cannot wait");
        }
    }
}

/* A handle for the client's socket, which is taken over. */
static cb_status add_client(cb_call *call, cb_tls_handle *server, int made)
{
    int on = 1;
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* works without as well */
    cb_tls_handle *link = cb_tls_handle_new(CB_TLS_LINK);
    if (link == NULL) {
        (void)close(made);
        return call->host->fail(call, CB_NO_MEMORY, "out of memory");
    }
    link->socket = made;
    link->is_verifying = server->is_verifying;
    cb_error error = {0};
    cb_status status =
        cb_tls_the_provider.session_new(server->context, NULL, &link->session, &error);
    if (status == CB_OK)
        return cb_tls_handle_add(call, link);
    cb_tls_handle_free(link);
    return cb_tls_tell(call, status, &error);
}

static cb_status accept_arguments(cb_call *call, int *port, int32_t *timeout_ms,
                                  const char **address)
{
    *address = LOOPBACK;
    cb_status status = cb_tls_port(call, 1, port);
    if (status == CB_OK)
        status = cb_tls_timeout(call, 2, -1, timeout_ms);
    if (status == CB_OK && call->argc > 3)
        status = cb_tls_text(call, 3, "address", address);
    return status;
}

cb_status cb_tls_verb_accept(cb_call *call)
{
    int port = 0;
    int32_t timeout_ms = 0;
    const char *address = NULL;
    cb_status status = CB_OK;
    cb_tls_handle *server = cb_tls_handle_acquire(call, CB_TLS_SERVER, true, &status);
    if (server == NULL)
        return status;
    status = accept_arguments(call, &port, &timeout_ms, &address);
    if (status == CB_OK) {
        cb_error error = {0};
        int made = -1;
        status = cb_tls_handle_listen(server, address, port, &error);
        if (status == CB_OK)
            status = wait_for_client(call, server, cb_tls_moment(timeout_ms), &made, &error);
        if (status != CB_OK)
            status = cb_tls_tell(call, status, &error);
        else if (made >= 0)
            status = add_client(call, server, made);
    }
    cb_tls_handle_release(server);
    return status;
}

/* -- whom to trust -- */

/* A handle whose context can still be changed: a server's, or a client's before its handshake. */
static cb_tls_handle *acquire_changeable(cb_call *call, cb_status *status)
{
    cb_tls_handle *handle = cb_tls_handle_acquire_any(call, status);
    if (handle == NULL || handle->kind == CB_TLS_SERVER || handle->session == NULL)
        return handle;
    cb_tls_handle_release(handle);
    *status = call->host->fail(call, CB_INVALID,
                               "this connection has its settings: they come before the handshake, "
                               "and a server's from its context");
    return NULL;
}

cb_status cb_tls_verb_set_verify(cb_call *call)
{
    cb_status status = CB_OK;
    cb_tls_handle *handle = acquire_changeable(call, &status);
    if (handle == NULL)
        return status;
    int64_t wanted = call->args[1].integer;
    if (wanted != 0 && wanted != 1) {
        status = call->host->fail(call, CB_INVALID, "verify is %lld; it must be 0 or 1",
                                  (long long)wanted);
    } else if (handle->kind == CB_TLS_SERVER && wanted == 1 && handle->ca_file == NULL) {
        status = call->host->fail(call, CB_INVALID,
                                  "whose signature clients need is not known: LoadCa comes first");
    } else if (handle->is_verifying != (wanted == 1)) {
        cb_error error = {0};
        handle->is_verifying = wanted == 1;
        status = remake(handle, &error);
        if (status != CB_OK) {
            handle->is_verifying = wanted != 1;
            status = cb_tls_tell(call, status, &error);
        }
    }
    cb_tls_handle_release(handle);
    return status;
}

cb_status cb_tls_verb_load_ca(cb_call *call)
{
    const char *file = NULL;
    cb_status status = CB_OK;
    cb_tls_handle *handle = acquire_changeable(call, &status);
    if (handle == NULL)
        return status;
    status = cb_tls_text(call, 1, "file", &file);
    char *copy = status == CB_OK ? strdup(file) : NULL;
    if (status == CB_OK && copy == NULL)
        status = call->host->fail(call, CB_NO_MEMORY, "out of memory");
    if (status == CB_OK) {
        cb_error error = {0};
        char *before = handle->ca_file;
        handle->ca_file = copy;
        status = remake(handle, &error);
        if (status != CB_OK) {
            handle->ca_file = before;
            before = copy;
            status = cb_tls_tell(call, status, &error);
        }
        free(before);
    }
    cb_tls_handle_release(handle);
    return status;
}
