/* Declarations that the files of this folder share: the inside of contexts and sessions, over
 * OpenSSL 3.
 *
 * A context is an SSL_CTX and what has to live as long as it. It is reference-counted. Everything
 * in it except the ticket keys stays unchanged, so threads may share it. A session is an SSL
 * between two memory buffers; it belongs to one thread at a time.
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
#define CB_TLS_PEM_MAX      4194304u /* bytes of a PEM file; all public authorities take 0.3 MB */
#define CB_TLS_PROTOCOL_MAX 4096u    /* bytes of all ALPN names with their lengths */

struct cb_tls_context {
    atomic_uint refs;
    bool is_server;
    bool is_verifying;      /* a client that verifies the chain and the name */
    SSL_CTX *ssl;           /* its app data is this context */
    X509 *certificate;      /* a server's own, to which clients may be pinned; NULL in a client */
    X509 *pinned;           /* a client's: the only certificate that it accepts; or NULL */
    uint8_t *protocols;     /* ALPN as on the wire: each name after its length */
    size_t protocols_size;  /* 0 without any */
    cb_tls_tickets tickets; /* a server's */
};

struct cb_tls_session {
    cb_tls_context *context; /* its own reference */
    SSL *ssl;                /* its app data is this session */
    BIO *in;                 /* the SSL frees both */
    BIO *out;
    bool is_failed;
    bool is_closed;                 /* close_notify was made */
    X509 *refused;                  /* the certificate that was refused, or NULL */
    int refused_depth;              /* its distance above the peer's own certificate */
    cb_error why;                   /* why it failed; reported at every later call */
    bool has_learnt;                /* the handshake is complete and the next two fields are set */
    char *subject;                  /* of the peer's certificate; NULL: the peer showed none */
    char protocol[256];             /* negotiated; empty: none */
    char host[CB_TLS_HOST_MAX + 1]; /* the peer that a client wants; empty if it does not matter */
};

typedef STACK_OF(X509) cb_tls_chain;

/* -- files.c: PEM files; each failure names the file -- */

/* Reads the first certificate of the file and, if `chain` is not NULL, the following ones. They
 * belong to the caller. */
cb_status cb_tls_read_certificates(const char *file, X509 **first, cb_tls_chain **chain,
                                   cb_error *error);
cb_status cb_tls_read_key(const char *file, EVP_PKEY **key, cb_error *error);

/* -- cause.c: why something failed, in words -- */

/* Fails with "out of memory", or with `what` and OpenSSL's error queue; empties the queue. */
cb_status cb_tls_fail_noted(cb_error *error, cb_status status, const char *what);
/* OpenSSL's verify callback: keeps a refused certificate, for the text about it. */
int cb_tls_on_verify(int is_good, X509_STORE_CTX *chain);
/* Says what broke a session's handshake or stream: a fault of the certificate, an alert of the
 * peer, or our own fault. */
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
