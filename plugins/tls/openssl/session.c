/* One connection's TLS between two memory buffers. */
#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/tls/openssl/engine.h"

static bool is_address(const char *host)
{
    unsigned char room[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

/* Whom a client wants: sent along if it is a name, looked for if the certificate is looked at. */
static cb_status set_host(cb_tls_session *session, const char *host, cb_error *error)
{
    const cb_tls_context *context = session->context;
    if (host == NULL || host[0] == '\0') {
        if (context->is_verifying)
            return cb_tls_fail(error, CB_INVALID, "a client that verifies needs the host's name");
        return CB_OK;
    }
    size_t length = strnlen(host, sizeof(session->host));
    if (length > 1 && length <= CB_TLS_HOST_MAX && host[length - 1] == '.')
        length--; /* the root's dot is in no certificate */
    if (length > CB_TLS_HOST_MAX)
        return cb_tls_fail(error, CB_INVALID, "the host's name is longer than %u bytes",
                           CB_TLS_HOST_MAX);
    memcpy(session->host, host, length);
    session->host[length] = '\0';
    bool is_set = true;
    bool is_name = !is_address(session->host);
    if (is_name)
        is_set = SSL_set_tlsext_host_name(session->ssl, session->host) == 1;
    if (is_set && context->is_verifying) {
        X509_VERIFY_PARAM *wanted = SSL_get0_param(session->ssl);
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        is_set = is_name ? X509_VERIFY_PARAM_set1_host(wanted, session->host, length) == 1
                         : X509_VERIFY_PARAM_set1_ip_asc(wanted, session->host) == 1;
    }
    return is_set ? CB_OK : cb_tls_fail_noted(error, CB_INVALID, "this host cannot be asked for");
}

cb_status cb_tls_session_new(cb_tls_context *context, const char *host, cb_tls_session **result,
                             cb_error *error)
{
    *result = NULL;
    ERR_clear_error();
    cb_tls_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    session->context = cb_tls_context_retain(context);
    session->ssl = SSL_new(context->ssl);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (session->ssl == NULL || session->in == NULL || session->out == NULL) {
        BIO_free(session->in);
        BIO_free(session->out);
        cb_tls_session_free(session);
        return cb_tls_fail_noted(error, CB_NO_MEMORY, "OpenSSL makes no session");
    }
    SSL_set_bio(session->ssl, session->in, session->out);
    cb_status status = CB_OK;
    if (SSL_set_app_data(session->ssl, session) != 1) {
        cb_tls_session_free(session);
        return cb_tls_fail_noted(error, CB_NO_MEMORY, "OpenSSL makes no session");
    }
    if (context->is_server) {
        SSL_set_accept_state(session->ssl);
    } else {
        SSL_set_connect_state(session->ssl);
        status = set_host(session, host, error);
    }
    if (status == CB_OK)
        *result = session;
    else
        cb_tls_session_free(session);
    return status;
}

void cb_tls_session_free(cb_tls_session *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    cb_tls_context_release(session->context);
    X509_free(session->refused);
    free(session->subject);
    free(session);
}

/* -- going on -- */

static cb_tls_result failed_already(const cb_tls_session *session, cb_error *error)
{
    if (error != NULL)
        *error = session->why;
    return CB_TLS_FAILED;
}

/* What a call to OpenSSL that did not succeed means. */
static cb_tls_result judge(cb_tls_session *session, int answer, cb_error *error)
{
    switch (SSL_get_error(session->ssl, answer)) {
    case SSL_ERROR_WANT_READ:
        return CB_TLS_WANT_INPUT;
    case SSL_ERROR_ZERO_RETURN:
        return CB_TLS_ENDED;
    default:
        session->is_failed = true;
        cb_tls_explain(session, &session->why);
        return failed_already(session, error);
    }
}

/* The subject of a certificate in one line; the caller's, NULL when out of memory. */
static char *subject_of(X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    char *copy = NULL;
    if (memory != NULL &&
        X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        long length = BIO_get_mem_data(memory, &text);
        copy = length > 0 ? strndup(text, (size_t)length) : strdup("");
    }
    BIO_free(memory);
    return copy;
}

/* Keeps, once the handshake is complete, what OpenSSL gives only in forms of its own. */
static cb_status learn(cb_tls_session *session)
{
    const unsigned char *name = NULL;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session->ssl, &name, &size);
    if (size > 0 && size < sizeof(session->protocol))
        memcpy(session->protocol, name, size);
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    if (certificate != NULL) {
        session->subject = subject_of(certificate);
        if (session->subject == NULL)
            return CB_NO_MEMORY;
    }
    session->has_learnt = true;
    return CB_OK;
}

cb_tls_result cb_tls_handshake(cb_tls_session *session, cb_error *error)
{
    if (session->is_failed)
        return failed_already(session, error);
    if (session->has_learnt)
        return CB_TLS_OK;
    ERR_clear_error();
    int answer = SSL_do_handshake(session->ssl);
    if (answer == 1) {
        if (learn(session) == CB_OK)
            return CB_TLS_OK;
        session->is_failed = true;
        (void)cb_tls_fail(&session->why, CB_NO_MEMORY, "out of memory");
        return failed_already(session, error);
    }
    cb_tls_result result = judge(session, answer, error);
    if (result == CB_TLS_ENDED) { /* a good-bye in the middle of a handshake is a failure too */
        session->is_failed = true;
        (void)cb_tls_fail(&session->why, CB_IO, "the peer closed during the handshake");
        return failed_already(session, error);
    }
    return result;
}

cb_status cb_tls_feed(cb_tls_session *session, const void *data, size_t size, cb_error *error)
{
    const char *at = data;
    while (size > 0) {
        int part = size > INT_MAX ? INT_MAX : (int)size;
        if (BIO_write(session->in, at, part) != part) {
            ERR_clear_error();
            return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
        }
        at += part;
        size -= (size_t)part;
    }
    return CB_OK;
}

size_t cb_tls_pending(const cb_tls_session *session)
{
    return BIO_ctrl_pending(session->out);
}

size_t cb_tls_take(cb_tls_session *session, void *room, size_t size)
{
    if (size == 0)
        return 0;
    int got = BIO_read(session->out, room, size > INT_MAX ? INT_MAX : (int)size);
    return got > 0 ? (size_t)got : 0;
}

cb_tls_result cb_tls_read(cb_tls_session *session, void *room, size_t size, size_t *got,
                          cb_error *error)
{
    *got = 0;
    if (session->is_failed)
        return failed_already(session, error);
    ERR_clear_error();
    int answer = SSL_read_ex(session->ssl, room, size, got);
    if (answer == 1)
        return CB_TLS_OK;
    *got = 0;
    return judge(session, answer, error);
}

cb_tls_result cb_tls_write(cb_tls_session *session, const void *data, size_t size, cb_error *error)
{
    if (session->is_failed)
        return failed_already(session, error);
    if (session->is_closed || !SSL_is_init_finished(session->ssl)) {
        (void)cb_tls_fail(error, CB_CLOSED,
                          session->is_closed ? "the session was closed for writing"
                                             : "the handshake is not complete");
        return CB_TLS_FAILED;
    }
    if (size == 0)
        return CB_TLS_OK;
    ERR_clear_error();
    size_t written = 0;
    int answer = SSL_write_ex(session->ssl, data, size, &written);
    if (answer == 1 && written == size)
        return CB_TLS_OK;
    cb_tls_result result = judge(session, answer, error);
    if (result != CB_TLS_FAILED) { /* into memory nothing is ever written in parts */
        session->is_failed = true;
        (void)cb_tls_fail(&session->why, CB_IO, "TLS takes no bytes to write");
        return failed_already(session, error);
    }
    return result;
}

void cb_tls_close(cb_tls_session *session)
{
    if (session->is_closed || session->is_failed || !SSL_is_init_finished(session->ssl))
        return;
    session->is_closed = true;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl); /* 0: the peer's own is still to come, and read() tells */
    ERR_clear_error();
}

/* -- what was agreed upon -- */

const char *cb_tls_version(const cb_tls_session *session)
{
    return SSL_is_init_finished(session->ssl) ? SSL_get_version(session->ssl) : NULL;
}

const char *cb_tls_cipher(const cb_tls_session *session)
{
    return SSL_is_init_finished(session->ssl) ? SSL_get_cipher_name(session->ssl) : NULL;
}

const char *cb_tls_server_name(const cb_tls_session *session)
{
    return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

const char *cb_tls_protocol(const cb_tls_session *session)
{
    return session->protocol[0] != '\0' ? session->protocol : NULL;
}

const char *cb_tls_peer_subject(const cb_tls_session *session)
{
    return session->subject;
}
