/* What the files of this folder share: contexts and sessions as they are inside, over OpenSSL 3.
 *
 * A context is an SSL_CTX with what has to live as long: it is counted, and everything in it but
 * the ticket keys stays as it was made, so threads may share it. A session is an SSL between two
 * memory buffers; it belongs to one thread at a time.
 */
#ifndef CALLBOARD_PLUGINS_TLS_OPENSSL_ENGINE_H
#define CALLBOARD_PLUGINS_TLS_OPENSSL_ENGINE_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/tls.h"
#include "plugins/tls/fail.h"
#include "plugins/tls/openssl/tickets.h"

#define CB_TLS_HOST_MAX     255u     /* bytes of a host's name, as in DNS */
#define CB_TLS_PEM_MAX      4194304u /* bytes of a PEM file; the world's authorities take 0.3 MB */
#define CB_TLS_PROTOCOL_MAX 4096u    /* bytes of all ALPN names with their lengths */

struct cb_tls_context {
    atomic_uint refs;
    bool is_server;
    bool is_verifying;      /* a client that looks at the chain and the name */
    SSL_CTX *ssl;           /* its app data is this context */
    X509 *certificate;      /* a server's own, which others may be pinned to; NULL in a client */
    X509 *pinned;           /* a client's: the only one that it takes; or NULL */
    uint8_t *protocols;     /* ALPN as on the wire: each name after its length */
    size_t protocols_size;  /* 0 without any */
    cb_tls_tickets tickets; /* a server's */
};

struct cb_tls_session {
    cb_tls_context *context; /* its own reference */
    SSL *ssl;                /* its app data is this session */
    BIO *in;                 /* both are the SSL's to free */
    BIO *out;
    bool is_failed;
    bool is_closed; /* close_notify was made */
    X509 *refused;  /* the certificate that would not do, or NULL; and how far above the peer's */
    int refused_depth;              /* own it stands */
    cb_error why;                   /* what it failed of, told again each time it is asked */
    bool has_learnt;                /* the handshake is complete and the next two are set */
    char *subject;                  /* of the peer's certificate; NULL: it showed none */
    char protocol[256];             /* agreed upon; empty: none */
    char host[CB_TLS_HOST_MAX + 1]; /* whom a client wants; empty if it does not matter */
};

typedef STACK_OF(X509) cb_tls_chain;

/* -- files.c: PEM files; each failure names the file -- */

/* The first certificate of the file and, if `chain` is not NULL, those after it. The caller's. */
cb_status cb_tls_read_certificates(const char *file, X509 **first, cb_tls_chain **chain,
                                   cb_error *error);
cb_status cb_tls_read_key(const char *file, EVP_PKEY **key, cb_error *error);

/* -- cause.c: why something failed, in words -- */

/* Out of memory, or `what` with what OpenSSL noted of it; empties its notes. */
cb_status cb_tls_fail_noted(cb_error *error, cb_status status, const char *what);
/* OpenSSL's verify callback: keeps the certificate that is refused, for the words about it. */
int cb_tls_on_verify(int is_good, X509_STORE_CTX *chain);
/* What broke a session's handshake or stream: the certificate's fault, the peer's alert, or ours.
 */
void cb_tls_explain(const cb_tls_session *session, cb_error *error);

/* -- the provider's functions -- */

cb_status cb_tls_server_context_new(const cb_tls_server_options *options, cb_tls_context **context,
                                    cb_error *error);
cb_status cb_tls_client_context_new(const cb_tls_client_options *options, cb_tls_context **context,
                                    cb_error *error);
cb_tls_context *cb_tls_context_retain(cb_tls_context *context);
void cb_tls_context_release(cb_tls_context *context);
cb_status cb_tls_context_rotate(cb_tls_context *context, cb_error *error);

cb_status cb_tls_session_new(cb_tls_context *context, const char *host, cb_tls_session **session,
                             cb_error *error);
void cb_tls_session_free(cb_tls_session *session);
cb_tls_result cb_tls_handshake(cb_tls_session *session, cb_error *error);
cb_status cb_tls_feed(cb_tls_session *session, const void *data, size_t size, cb_error *error);
size_t cb_tls_pending(const cb_tls_session *session);
size_t cb_tls_take(cb_tls_session *session, void *room, size_t size);
cb_tls_result cb_tls_read(cb_tls_session *session, void *room, size_t size, size_t *got,
                          cb_error *error);
cb_tls_result cb_tls_write(cb_tls_session *session, const void *data, size_t size, cb_error *error);
void cb_tls_close(cb_tls_session *session);

const char *cb_tls_version(const cb_tls_session *session);
const char *cb_tls_cipher(const cb_tls_session *session);
const char *cb_tls_protocol(const cb_tls_session *session);
const char *cb_tls_server_name(const cb_tls_session *session);
const char *cb_tls_peer_subject(const cb_tls_session *session);

#endif
