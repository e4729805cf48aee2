/* The verbs of connections. */
#include <stdlib.h>
#include <string.h>

#include "plugins/tls/fail.h"
#include "plugins/tls/tls.h"

#define READ_MAX  16777216 /* bytes that one Read may ask for */
#define READ_PART 65536u   /* room for what one Read gives */
#define WRITE_PART                                                                                 \
    65536u /* bytes sealed at once, so that memory holds no second copy of a blob                  \
            */

cb_status cb_tls_verb_backend(cb_call *call)
{
    const char *name = cb_tls_the_provider.name;
    return call->host->return_bytes(call, name, strlen(name));
}

cb_status cb_tls_verb_new_client(cb_call *call)
{
    const char *host = NULL;
    int port = 0;
    int32_t timeout_ms = 0;
    cb_status status = cb_tls_check_build(call);
    if (status == CB_OK)
        status = cb_tls_text(call, 0, "host", &host);
    if (status == CB_OK)
        status = cb_tls_port(call, 1, &port);
    if (status == CB_OK)
        status = cb_tls_timeout(call, 2, CB_TLS_LIMIT_MS, &timeout_ms);
    if (status != CB_OK)
        return status;

    cb_error error = {0};
    cb_tls_handle *link = cb_tls_handle_new(CB_TLS_LINK);
    if (link == NULL || (link->host = strdup(host)) == NULL) {
        cb_tls_handle_free(link);
        return call->host->fail(call, CB_NO_MEMORY, "out of memory");
    }
    link->is_verifying = true;
    status =
        cb_tls_wire_connect(call, host, port, cb_tls_moment(timeout_ms), &link->socket, &error);
    if (status == CB_OK)
        return cb_tls_handle_add(call, link);
    cb_tls_handle_free(link);
    if (status == CB_STOPPED)
        return status;
    return call->host->fail(call, status, "%.255s port %d: %s", host, port, error.text);
}

/* -- handshake -- */

/* A client's session is made as late as this, since SetVerify and LoadCa come before. */
static cb_status make_session(cb_tls_handle *link, cb_error *error)
{
    const cb_tls_provider *tls = &cb_tls_the_provider;
    if (link->session != NULL)
        return CB_OK;
    cb_status status = CB_OK;
    if (link->context == NULL) {
        cb_tls_client_options options = {.insecure = !link->is_verifying, .ca_file = link->ca_file};
        status = tls->client_context_new(&options, &link->context, error);
    }
    if (status == CB_OK)
        status = tls->session_new(link->context, link->host, &link->session, error);
    return status;
}

/* Goes on until OpenSSL says yes or no. */
static cb_status shake(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error)
{
    const cb_tls_provider *tls = &cb_tls_the_provider;
    for (;;) {
        cb_tls_result result = tls->handshake(link->session, error);
        cb_error sending = {0};
        cb_status status = cb_tls_wire_flush(call, link, until, &sending);
        if (result == CB_TLS_FAILED) /* what was flushed is the alert, if it still could be */
            return CB_IO;
        if (status == CB_OK && result == CB_TLS_OK)
            return CB_OK;
        if (status != CB_OK) {
            if (error != NULL)
                *error = sending;
            return status;
        }
        status = cb_tls_wire_fill(call, link, until, error);
        if (status == CB_CLOSED)
            return cb_tls_fail(error, CB_IO, "the peer closed the connection");
        if (status != CB_OK)
            return status;
    }
}

cb_status cb_tls_verb_shake_hands(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = CB_OK;
    cb_tls_handle *link = cb_tls_handle_acquire(call, CB_TLS_LINK, false, &status);
    if (link == NULL)
        return status;
    cb_error error = {0};
    status = cb_tls_timeout(call, 1, CB_TLS_LIMIT_MS, &timeout_ms);
    if (status == CB_OK) {
        status = make_session(link, &error);
        if (status == CB_OK)
            status = shake(call, link, cb_tls_moment(timeout_ms), &error);
        if (status != CB_OK && status != CB_STOPPED)
            status = link->host == NULL
                         ? call->host->fail(call, status, "%s", error.text)
                         : call->host->fail(call, status, "%.255s: %s", link->host, error.text);
    }
    cb_tls_handle_release(link);
    return status;
}

cb_status cb_tls_verb_close_link(cb_call *call)
{
    cb_status status = CB_OK;
    cb_tls_handle *link = cb_tls_handle_acquire(call, CB_TLS_LINK, false, &status);
    if (link == NULL)
        return status;
    if (link->session != NULL) {
        cb_tls_the_provider.close(link->session);
        cb_tls_wire_part(call, link);
    }
    cb_tls_handle_close(link);
    cb_tls_handle_release(link);
    return CB_OK;
}

/* -- bytes -- */

/* A connection whose handshake is complete, or a runtime error. */
static cb_tls_handle *acquire_open(cb_call *call, cb_status *status)
{
    cb_tls_handle *link = cb_tls_handle_acquire(call, CB_TLS_LINK, false, status);
    if (link != NULL &&
        (link->session == NULL || cb_tls_the_provider.version(link->session) == NULL)) {
        cb_tls_handle_release(link);
        link = NULL;
        *status = call->host->fail(call, CB_INVALID, "the handshake has not been made");
    }
    return link;
}

static cb_status write_all(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error)
{
    const cb_value *bytes = &call->args[1];
    cb_status status = CB_OK;
    for (size_t at = 0; at < bytes->size && status == CB_OK;) {
        size_t part = bytes->size - at < WRITE_PART ? bytes->size - at : WRITE_PART;
        if (cb_tls_the_provider.write(link->session, bytes->data + at, part, error) != CB_TLS_OK)
            return CB_IO;
        status = cb_tls_wire_flush(call, link, until, error);
        at += part;
    }
    return status;
}

cb_status cb_tls_verb_write_blob(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = CB_OK;
    cb_tls_handle *link = acquire_open(call, &status);
    if (link == NULL)
        return status;
    status = cb_tls_timeout(call, 2, -1, &timeout_ms);
    if (status == CB_OK) {
        cb_error error = {0};
        status = write_all(call, link, cb_tls_moment(timeout_ms), &error);
        if (status == CB_OK)
            call->result.integer = (int64_t)call->args[1].size;
        else
            status = cb_tls_tell(call, status, &error);
    }
    cb_tls_handle_release(link);
    return status;
}

/* Fills the buffer with what is there, once there is something; empty at the stream's end. */
static cb_status read_some(cb_call *call, cb_tls_handle *link, cb_buffer *buffer, int64_t until,
                           cb_error *error)
{
    const cb_tls_provider *tls = &cb_tls_the_provider;
    for (;;) {
        size_t got = 0;
        cb_tls_result result = tls->read(link->session, buffer->data + buffer->size,
                                         buffer->capacity - buffer->size, &got, error);
        buffer->size += got;
        if (result == CB_TLS_OK && buffer->size < buffer->capacity)
            continue;
        if (buffer->size > 0 || result == CB_TLS_ENDED)
            return CB_OK; /* a failure behind the bytes is told to the next Read */
        if (result == CB_TLS_FAILED) {
            (void)cb_tls_wire_flush(call, link, cb_tls_moment(0), NULL); /* the alert */
            return CB_IO;
        }
        cb_status status = cb_tls_wire_fill(call, link, until, error);
        if (status == CB_CLOSED)
            return cb_tls_fail(error, CB_IO,
                               "the connection was cut off: the peer ended it without a good-bye");
        if (status != CB_OK)
            return status;
    }
}

static cb_status read_arguments(cb_call *call, size_t *room, int32_t *timeout_ms)
{
    int64_t most = call->args[1].integer;
    if (most < 1 || most > READ_MAX)
        return call->host->fail(call, CB_INVALID, "max is %lld; it must be 1..%d", (long long)most,
                                READ_MAX);
    *room = (size_t)most < READ_PART ? (size_t)most : READ_PART;
    return cb_tls_timeout(call, 2, -1, timeout_ms);
}

cb_status cb_tls_verb_read_blob(cb_call *call)
{
    size_t room = 0;
    int32_t timeout_ms = 0;
    cb_status status = CB_OK;
    cb_tls_handle *link = acquire_open(call, &status);
    if (link == NULL)
        return status;
    status = read_arguments(call, &room, &timeout_ms);
    cb_buffer *buffer = status == CB_OK ? call->host->buffer_new(0, room) : NULL;
    if (status == CB_OK && buffer == NULL)
        status = call->host->fail(call, CB_NO_MEMORY, "out of memory");
    if (status == CB_OK) {
        cb_error error = {0};
        status = read_some(call, link, buffer, cb_tls_moment(timeout_ms), &error);
        if (status == CB_OK)
            status = call->host->return_buffer(call, buffer);
        else {
            call->host->buffer_release(buffer);
            status = cb_tls_tell(call, status, &error);
        }
    }
    cb_tls_handle_release(link);
    return status;
}

/* -- what was agreed upon -- */

static cb_status tell_text(cb_call *call, const char *(*ask)(const cb_tls_session *session))
{
    cb_status status = CB_OK;
    cb_tls_handle *link = cb_tls_handle_acquire(call, CB_TLS_LINK, false, &status);
    if (link == NULL)
        return status;
    const char *text = link->session != NULL ? ask(link->session) : NULL;
    if (text != NULL)
        status = call->host->return_bytes(call, text, strlen(text));
    cb_tls_handle_release(link);
    return status;
}

cb_status cb_tls_verb_get_peer_subject(cb_call *call)
{
    return tell_text(call, cb_tls_the_provider.peer_subject);
}

cb_status cb_tls_verb_get_version(cb_call *call)
{
    return tell_text(call, cb_tls_the_provider.version);
}

cb_status cb_tls_verb_get_cipher(cb_call *call)
{
    return tell_text(call, cb_tls_the_provider.cipher);
}
