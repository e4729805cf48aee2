/* A TLS provider for tests, without any secrecy: records of a type, a size and XORed bytes, and a
 * handshake of one and a half round trips in which the server tells its name.
 *
 *     client: HELLO(host) ->   server: CERTIFICATE(name) ->   client: FINISHED, or ALERT
 */
#ifndef CALLBOARD_TESTS_TLS_TOY_H
#define CALLBOARD_TESTS_TLS_TOY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callboard/tls.h"

#define TOY_KEY 0x5a

struct cb_tls_context {
    int refs;
    bool is_server;
    bool insecure;
    char name[64]; /* a server's */
};

typedef struct toy_bytes {
    uint8_t *data;
    size_t begin, end, capacity;
} toy_bytes;

struct cb_tls_session {
    cb_tls_context *context;
    bool done, failed, closed, peer_closed, greeted;
    char host[64];
    toy_bytes in, out, plain;
};

static int toy_contexts, toy_sessions;

static inline void toy_append(toy_bytes *to, const void *data, size_t size)
{
    if (to->capacity - to->end < size) {
        to->capacity = (to->end + size) * 2;
        to->data = realloc(to->data, to->capacity);
        if (to->data == NULL)
            abort();
    }
    if (size > 0)
        memcpy(to->data + to->end, data, size);
    to->end += size;
}

static inline size_t toy_take(toy_bytes *from, void *room, size_t size)
{
    size_t there = from->end - from->begin;
    if (size > there)
        size = there;
    if (size > 0)
        memcpy(room, from->data + from->begin, size);
    from->begin += size;
    if (from->begin == from->end)
        from->begin = from->end = 0;
    return size;
}

static inline void toy_record(cb_tls_session *session, char type, const void *data, size_t size)
{
    uint8_t head[3] = {(uint8_t)type, (uint8_t)(size >> 8), (uint8_t)size};
    toy_append(&session->out, head, sizeof head);
    size_t start = session->out.end;
    toy_append(&session->out, data, size);
    for (size_t i = start; i < session->out.end; i++)
        session->out.data[i] ^= TOY_KEY;
}

/* Takes one whole record and copies its payload to `payload`. 0: no whole record is there yet. */
static inline char toy_next(cb_tls_session *session, uint8_t *payload, size_t *size)
{
    toy_bytes *in = &session->in;
    size_t there = in->end - in->begin;
    if (there < 3)
        return 0;
    const uint8_t *at = in->data + in->begin;
    *size = (size_t)at[1] << 8 | at[2];
    if (there < 3 + *size)
        return 0;
    char type = (char)at[0];
    for (size_t i = 0; i < *size; i++)
        payload[i] = at[3 + i] ^ TOY_KEY;
    in->begin += 3 + *size;
    if (in->begin == in->end)
        in->begin = in->end = 0;
    return type;
}

static inline cb_tls_result toy_fail(cb_tls_session *session, cb_error *error, const char *why)
{
    session->failed = true;
    (void)cb_fail(error, CB_MISMATCH, "%s", why);
    return CB_TLS_FAILED;
}

static inline cb_tls_context *toy_context(bool is_server, const char *name, bool insecure)
{
    cb_tls_context *context = calloc(1, sizeof *context);
    if (context == NULL)
        abort();
    context->refs = 1;
    context->is_server = is_server;
    context->insecure = insecure;
    snprintf(context->name, sizeof context->name, "%s", name);
    toy_contexts++;
    return context;
}

static inline cb_status toy_server_context(const cb_tls_server_options *options,
                                           cb_tls_context **context, cb_error *error)
{
    (void)error;
    *context = toy_context(true, options->certificate_file, false);
    return CB_OK;
}

static inline cb_status toy_client_context(const cb_tls_client_options *options,
                                           cb_tls_context **context, cb_error *error)
{
    (void)error;
    *context = toy_context(false, "", options != NULL && options->insecure);
    return CB_OK;
}

static inline cb_tls_context *toy_retain(cb_tls_context *context)
{
    if (context != NULL)
        context->refs++;
    return context;
}

static inline void toy_release(cb_tls_context *context)
{
    if (context != NULL && --context->refs == 0) {
        toy_contexts--;
        free(context);
    }
}

static inline cb_status toy_session_new(cb_tls_context *context, const char *host,
                                        cb_tls_session **session, cb_error *error)
{
    *session = NULL;
    if (!context->is_server && host == NULL)
        return cb_fail(error, CB_INVALID, "no host to verify");
    cb_tls_session *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    made->context = toy_retain(context);
    snprintf(made->host, sizeof made->host, "%s", host != NULL ? host : "");
    toy_sessions++;
    *session = made;
    return CB_OK;
}

static inline void toy_session_free(cb_tls_session *session)
{
    if (session == NULL)
        return;
    toy_release(session->context);
    free(session->in.data);
    free(session->out.data);
    free(session->plain.data);
    free(session);
    toy_sessions--;
}

static inline cb_tls_result toy_handshake(cb_tls_session *session, cb_error *error)
{
    uint8_t payload[65536];
    size_t size;
    if (session->failed)
        return toy_fail(session, error, "the handshake failed before");
    if (!session->context->is_server && !session->greeted) {
        toy_record(session, 'H', session->host, strlen(session->host));
        session->greeted = true;
    }
    while (!session->done) {
        char type = toy_next(session, payload, &size);
        if (type == 0)
            return CB_TLS_WANT_INPUT;
        if (type == 'H' && session->context->is_server && size < sizeof session->host) {
            memcpy(session->host, payload, size);
            session->host[size] = '\0';
            toy_record(session, 'S', session->context->name, strlen(session->context->name));
        } else if (type == 'S' && !session->context->is_server) {
            bool matches =
                size == strlen(session->host) && memcmp(payload, session->host, size) == 0;
            if (!matches && !session->context->insecure) {
                toy_record(session, 'A', NULL, 0);
                return toy_fail(session, error, "the certificate is for another host");
            }
            toy_record(session, 'F', NULL, 0);
            session->done = true;
        } else if (type == 'F' && session->context->is_server) {
            session->done = true;
        } else if (type == 'A') {
            return toy_fail(session, error, "the peer sent an alert");
        } else if (type == 'S') {
            toy_record(session, 'A', NULL, 0);
            return toy_fail(session, error, "a message out of turn");
        } else {
            return toy_fail(session, error, "not TLS");
        }
    }
    return CB_TLS_OK;
}

static inline cb_status toy_feed(cb_tls_session *session, const void *data, size_t size,
                                 cb_error *error)
{
    (void)error;
    toy_append(&session->in, data, size);
    return CB_OK;
}

static inline size_t toy_pending(const cb_tls_session *session)
{
    return session->out.end - session->out.begin;
}

static inline size_t toy_take_out(cb_tls_session *session, void *room, size_t size)
{
    return toy_take(&session->out, room, size);
}

static inline cb_tls_result toy_read(cb_tls_session *session, void *room, size_t size, size_t *got,
                                     cb_error *error)
{
    uint8_t payload[65536];
    size_t length;
    *got = 0;
    while (session->plain.end == session->plain.begin) {
        if (session->peer_closed)
            return CB_TLS_ENDED;
        char type = toy_next(session, payload, &length);
        if (type == 0)
            return CB_TLS_WANT_INPUT;
        if (type == 'C')
            session->peer_closed = true;
        else if (type == 'D')
            toy_append(&session->plain, payload, length);
        else
            return toy_fail(session, error, "a bad record");
    }
    *got = toy_take(&session->plain, room, size);
    return CB_TLS_OK;
}

static inline cb_tls_result toy_write(cb_tls_session *session, const void *data, size_t size,
                                      cb_error *error)
{
    (void)error;
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t piece = size < 16384 ? size : 16384;
        toy_record(session, 'D', bytes, piece);
        bytes += piece;
        size -= piece;
    }
    return CB_TLS_OK;
}

static inline void toy_close(cb_tls_session *session)
{
    if (session->done && !session->failed && !session->closed)
        toy_record(session, 'C', NULL, 0);
    session->closed = true;
}

static inline const char *toy_nothing(const cb_tls_session *session)
{
    (void)session;
    return NULL;
}

static inline const char *toy_server_name(const cb_tls_session *session)
{
    return session->host;
}

static const cb_tls_provider toy = {.abi = CB_TLS_ABI,
                                    .size = sizeof(cb_tls_provider),
                                    .name = "toy",
                                    .server_context_new = toy_server_context,
                                    .client_context_new = toy_client_context,
                                    .context_retain = toy_retain,
                                    .context_release = toy_release,
                                    .session_new = toy_session_new,
                                    .session_free = toy_session_free,
                                    .handshake = toy_handshake,
                                    .feed = toy_feed,
                                    .pending = toy_pending,
                                    .take = toy_take_out,
                                    .read = toy_read,
                                    .write = toy_write,
                                    .close = toy_close,
                                    .version = toy_nothing,
                                    .cipher = toy_nothing,
                                    .protocol = toy_nothing,
                                    .server_name = toy_server_name,
                                    .peer_subject = toy_nothing};

#endif
