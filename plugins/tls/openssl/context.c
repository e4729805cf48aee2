/* What sessions share: a certificate with its key, or whom to trust. */
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/tls/openssl/engine.h"

/* For TLS 1.2; those of 1.3 are all good. Forward secrecy and authenticated encryption only. */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS     "X25519:P-256:P-384"

/* -- what both sides have -- */

static cb_status set_protocols(cb_tls_context *context, const char *const *names, size_t count,
                               cb_error *error)
{
    if (names == NULL || count == 0)
        return CB_OK;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = names[i] == NULL ? 0 : strnlen(names[i], 256);
        if (length == 0 || length > 255)
            return cb_tls_fail(error, CB_INVALID,
                               "name number %zu of the application protocols has no 1 to 255 bytes",
                               i + 1);
        total += 1 + length;
        if (total > CB_TLS_PROTOCOL_MAX)
            return cb_tls_fail(error, CB_INVALID,
                               "the application protocols' names take more than %u bytes",
                               CB_TLS_PROTOCOL_MAX);
    }
    context->protocols = malloc(total);
    if (context->protocols == NULL)
        return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        context->protocols[context->protocols_size++] = (uint8_t)length;
        memcpy(context->protocols + context->protocols_size, names[i], length);
        context->protocols_size += length;
    }
    return CB_OK;
}

static cb_status new_context(bool is_server, cb_tls_context **result, cb_error *error)
{
    *result = NULL;
    if (OPENSSL_init_ssl(0, NULL) != 1)
        return cb_tls_fail_noted(error, CB_UNSUPPORTED, "OpenSSL cannot be started");
    ERR_clear_error();
    cb_tls_context *context = calloc(1, sizeof(*context));
    if (context == NULL)
        return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    cb_status status = is_server ? cb_tls_tickets_init(&context->tickets, error) : CB_OK;
    if (status != CB_OK) {
        free(context);
        return status;
    }
    atomic_init(&context->refs, 1);
    context->is_server = is_server;
    context->ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context->ssl == NULL || SSL_CTX_set_app_data(context->ssl, context) != 1 ||
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context->ssl, CIPHERS_12) != 1 ||
        SSL_CTX_set1_groups_list(context->ssl, GROUPS) != 1) {
        status = cb_tls_fail_noted(error, CB_UNSUPPORTED, "OpenSSL makes no context");
        cb_tls_context_release(context);
        return status;
    }
    (void)SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    *result = context;
    return CB_OK;
}

cb_tls_context *cb_tls_context_retain(cb_tls_context *context)
{
    if (context != NULL)
        (void)atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void cb_tls_context_release(cb_tls_context *context)
{
    /* What other threads did with it happens before its end. */
    if (context == NULL || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->ssl);
    X509_free(context->certificate);
    X509_free(context->pinned);
    free(context->protocols);
    if (context->is_server)
        cb_tls_tickets_wipe(&context->tickets);
    free(context);
}

/* Certificate, chain and key of either side. The certificate's reference goes to *own. */
static cb_status use_identity(cb_tls_context *context, const char *certificate_file,
                              const char *key_file, X509 **own, cb_error *error)
{
    cb_tls_chain *chain = NULL;
    EVP_PKEY *key = NULL;
    cb_status status = cb_tls_read_certificates(certificate_file, own, &chain, error);
    if (status == CB_OK)
        status = cb_tls_read_key(key_file, &key, error);
    if (status == CB_OK && X509_check_private_key(*own, key) != 1)
        status = cb_tls_fail(error, CB_MISMATCH,
                             "the key in %.200s does not belong to the certificate in %.200s",
                             key_file, certificate_file);
    ERR_clear_error();
    if (status == CB_OK && SSL_CTX_use_cert_and_key(context->ssl, *own, key, chain, 1) != 1) {
        char what[CB_ERROR_TEXT_SIZE];
        (void)snprintf(what, sizeof(what), "the certificate in %.300s cannot be used",
                       certificate_file);
        status = cb_tls_fail_noted(error, CB_INVALID, what);
    }
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return status;
}

/* Trusts the file's certificates; with `asked_for`, a server names them to clients too. */
static cb_status trust_file(SSL_CTX *ssl, const char *file, bool is_named, cb_error *error)
{
    X509 *first = NULL;
    cb_tls_chain *rest = NULL;
    cb_status status = cb_tls_read_certificates(file, &first, &rest, error);
    if (status != CB_OK)
        return status;
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    for (int i = -1; i < sk_X509_num(rest) && status == CB_OK; i++) {
        X509 *authority = i < 0 ? first : sk_X509_value(rest, i);
        if (X509_STORE_add_cert(store, authority) != 1 ||
            (is_named && SSL_CTX_add_client_CA(ssl, authority) != 1))
            status = cb_tls_fail_noted(error, CB_INVALID, "an authority cannot be used");
    }
    X509_free(first);
    sk_X509_pop_free(rest, X509_free);
    return status;
}

/* -- servers -- */

static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                        const unsigned char *offered, unsigned int offered_size, void *user)
{
    (void)ssl;
    const cb_tls_context *context = user;
    unsigned char *out = NULL;
    int found = SSL_select_next_proto(&out, chosen_size, context->protocols,
                                      (unsigned int)context->protocols_size, offered, offered_size);
    *chosen = out;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static cb_status set_client_auth(cb_tls_context *context, const cb_tls_server_options *options,
                                 cb_error *error)
{
    int mode = SSL_VERIFY_NONE;
    switch (options->client_auth) {
    case CB_TLS_CLIENT_AUTH_NONE:
        break;
    case CB_TLS_CLIENT_AUTH_WANTED:
        mode = SSL_VERIFY_PEER;
        break;
    case CB_TLS_CLIENT_AUTH_REQUIRED:
        mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        break;
    default:
        return cb_tls_fail(error, CB_INVALID, "%d is no way to ask clients for certificates",
                           (int)options->client_auth);
    }
    SSL_CTX_set_verify(context->ssl, mode, mode == SSL_VERIFY_NONE ? NULL : cb_tls_on_verify);
    if (options->client_ca_file != NULL)
        return trust_file(context->ssl, options->client_ca_file, true, error);
    if (mode != SSL_VERIFY_NONE)
        return cb_tls_fail(error, CB_INVALID,
                           "whose signature clients' certificates need is not said");
    return CB_OK;
}

/* Tickets belong to this certificate and to nobody else's service. */
static bool set_sessions(cb_tls_context *context)
{
    unsigned char id[SHA256_DIGEST_LENGTH];
    unsigned int size = 0;
    if (X509_digest(context->certificate, EVP_sha256(), id, &size) != 1 || size > sizeof(id))
        return false;
    (void)SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_timeout(context->ssl, CB_TLS_TICKET_TURN_S);
    return SSL_CTX_set_session_id_context(context->ssl, id, size) == 1 &&
           SSL_CTX_set_num_tickets(context->ssl, 1) == 1 && cb_tls_tickets_use(context->ssl);
}

cb_status cb_tls_server_context_new(const cb_tls_server_options *options, cb_tls_context **result,
                                    cb_error *error)
{
    *result = NULL;
    if (options == NULL)
        return cb_tls_fail(error, CB_INVALID, "a server needs a certificate and a key");
    cb_tls_context *context = NULL;
    cb_status status = new_context(true, &context, error);
    if (status != CB_OK)
        return status;
    (void)SSL_CTX_set_options(context->ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    status = use_identity(context, options->certificate_file, options->key_file,
                          &context->certificate, error);
    if (status == CB_OK && !set_sessions(context))
        status = cb_tls_fail_noted(error, CB_UNSUPPORTED, "OpenSSL takes no session tickets");
    if (status == CB_OK)
        status = set_protocols(context, options->protocols, options->protocol_count, error);
    if (status == CB_OK && context->protocols_size > 0)
        SSL_CTX_set_alpn_select_cb(context->ssl, on_protocols, context);
    if (status == CB_OK)
        status = set_client_auth(context, options, error);
    if (status == CB_OK)
        *result = context;
    else
        cb_tls_context_release(context);
    return status;
}

cb_status cb_tls_context_rotate(cb_tls_context *context, cb_error *error)
{
    if (!context->is_server)
        return cb_tls_fail(error, CB_INVALID, "a client gives no tickets");
    return cb_tls_tickets_turn(&context->tickets, error);
}

/* -- clients -- */

/* Instead of looking at the chain: is it the one? That the peer has its key, the handshake shows.
 */
static int on_pinned(X509_STORE_CTX *chain, void *user)
{
    const cb_tls_context *context = user;
    const X509 *shown = X509_STORE_CTX_get0_cert(chain);
    if (shown != NULL && X509_cmp(shown, context->pinned) == 0) {
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static cb_status set_trust(cb_tls_context *context, const cb_tls_client_options *options,
                           cb_error *error)
{
    if (options->pinned != NULL) {
        if (options->pinned->certificate == NULL)
            return cb_tls_fail(error, CB_INVALID, "what is pinned must be a server's context");
        (void)X509_up_ref(options->pinned->certificate);
        context->pinned = options->pinned->certificate;
        SSL_CTX_set_cert_verify_callback(context->ssl, on_pinned, context);
        SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
        return CB_OK;
    }
    context->is_verifying = !options->insecure;
    SSL_CTX_set_verify(context->ssl, options->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       options->insecure ? NULL : cb_tls_on_verify);
    if (options->ca_file != NULL)
        return trust_file(context->ssl, options->ca_file, false, error);
    if (!options->insecure && SSL_CTX_set_default_verify_paths(context->ssl) != 1)
        return cb_tls_fail_noted(error, CB_IO, "the system's authorities cannot be read");
    return CB_OK;
}

static cb_status set_client_identity(cb_tls_context *context, const cb_tls_client_options *options,
                                     cb_error *error)
{
    if (options->certificate_file == NULL && options->key_file == NULL)
        return CB_OK;
    if (options->certificate_file == NULL || options->key_file == NULL)
        return cb_tls_fail(error, CB_INVALID, "a certificate and its key go together");
    X509 *own = NULL;
    cb_status status =
        use_identity(context, options->certificate_file, options->key_file, &own, error);
    X509_free(own);
    return status;
}

cb_status cb_tls_client_context_new(const cb_tls_client_options *options, cb_tls_context **result,
                                    cb_error *error)
{
    static const cb_tls_client_options by_default = {0};
    if (options == NULL)
        options = &by_default;
    *result = NULL;
    cb_tls_context *context = NULL;
    cb_status status = new_context(false, &context, error);
    if (status != CB_OK)
        return status;
    status = set_trust(context, options, error);
    if (status == CB_OK)
        status = set_protocols(context, options->protocols, options->protocol_count, error);
    if (status == CB_OK && context->protocols_size > 0 &&
        SSL_CTX_set_alpn_protos(context->ssl, context->protocols,
                                (unsigned int)context->protocols_size) != 0)
        status = cb_tls_fail_noted(error, CB_NO_MEMORY, "out of memory");
    if (status == CB_OK)
        status = set_client_identity(context, options, error);
    if (status == CB_OK)
        *result = context;
    else
        cb_tls_context_release(context);
    return status;
}
