/* TLS as a filter between two streams of bytes, behind a table of functions.
 *
 * A provider turns plaintext into ciphertext and back (the plugin tls is one, with OpenSSL). It
 * owns no descriptor, never waits and never calls back. The code that moves the bytes (tcp sockets
 * do) feeds it with bytes from the network, takes from it the bytes for the network, and asks for
 * its state in between. So a handshake costs a loop only computing time.
 *
 *     network --feed-->  session  --read--->  program
 *     network <--take--           <--write--
 *
 *     handshake: until CB_TLS_OK:  take all and send it; receive and feed; handshake again
 *
 * A context holds what many sessions share: certificate and key, trusted authorities, protocol
 * names, ticket keys. It is reference-counted, and each session keeps a reference to its context.
 * To replace a server's certificate, make a new context and drop the old one.
 *
 * Every provider keeps these rules. It speaks TLS 1.3 if both sides can, and never less than 1.2.
 * There is no renegotiation and no compression. A server with protocol names refuses a client that
 * offers only other names, and serves a client that offers none. A client verifies the chain and
 * the name unless told not to.
 *
 * Threads: contexts may be used by several threads at once. A session belongs to one at a time.
 */
#ifndef CALLBOARD_TLS_H
#define CALLBOARD_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The service name under which a plugin offers its `const cb_tls_provider`. */
#define CB_TLS_SERVICE "tls.provider"
/* Changes when a function of the table changes; new ones are added at the end (see `size`). */
#define CB_TLS_ABI     1u

/* Private to the provider. */
typedef struct cb_tls_context cb_tls_context;
typedef struct cb_tls_session cb_tls_session;

typedef enum cb_tls_result {
    CB_TLS_OK = 0,         /* done; after `read`: bytes are in your memory */
    CB_TLS_WANT_INPUT = 1, /* no progress without bytes from the peer */
    CB_TLS_ENDED = 2,      /* the peer closed its side properly (close_notify); read only */
    CB_TLS_FAILED =
        3 /* broken for good, and the cb_error says why; an alert may be there to take and send */
} cb_tls_result;

typedef enum cb_tls_client_auth {
    CB_TLS_CLIENT_AUTH_NONE = 0,
    CB_TLS_CLIENT_AUTH_WANTED = 1, /* asks for a certificate, and also serves clients without one */
    CB_TLS_CLIENT_AUTH_REQUIRED = 2
} cb_tls_client_auth;

/* Files are PEM. Strings are read during the call only. */
typedef struct cb_tls_server_options {
    const char
        *certificate_file; /* the certificate, then the intermediate ones up to the authority */
    const char *key_file;
    const char *const *protocols; /* ALPN, in order of preference; NULL: none */
    size_t protocol_count;
    cb_tls_client_auth client_auth;
    const char *client_ca_file; /* authorities that may have signed clients' certificates */
} cb_tls_server_options;

typedef struct cb_tls_client_options {
    bool insecure;                /* take any certificate under any name */
    const char *ca_file;          /* authorities; NULL: those of the system */
    const cb_tls_context *pinned; /* a server context: take exactly its certificate, under any name
                                     and any signer; needed during the call only */
    const char *const *protocols;
    size_t protocol_count;
    const char *certificate_file; /* the client's own, for servers that ask; NULL: none */
    const char *key_file;
} cb_tls_client_options;

typedef struct cb_tls_provider {
    uint32_t abi;  /* CB_TLS_ABI */
    uint32_t size; /* sizeof(cb_tls_provider) when the provider was compiled */
    const char *name;

    /* -- contexts: a new one comes with one reference, which is yours -- */

    /* Reads the files and checks that the key belongs to the certificate. CB_INVALID, CB_IO (a file
     * cannot be read), CB_FORMAT (a file cannot be parsed), CB_MISMATCH (the key belongs to another
     * certificate), CB_NO_MEMORY. The error names the file. *context is NULL on failure. */
    cb_status (*server_context_new)(const cb_tls_server_options *options, cb_tls_context **context,
                                    cb_error *error);
    /* `options` may be NULL: all defaults. */
    cb_status (*client_context_new)(const cb_tls_client_options *options, cb_tls_context **context,
                                    cb_error *error);
    cb_tls_context *(*context_retain)(cb_tls_context *context); /* NULL gives NULL */
    void (*context_release)(cb_tls_context *context);           /* NULL is fine */

    /* -- sessions -- */

    /* The context decides which side the session is. `host` is the server that a client wants. A
     * name is sent (SNI) and compared with the certificate; an address is only compared. NULL sends
     * nothing, and is CB_INVALID for a client that verifies names. A server passes NULL. */
    cb_status (*session_new)(cb_tls_context *context, const char *host, cb_tls_session **session,
                             cb_error *error);
    void (*session_free)(cb_tls_session *session); /* NULL is fine; sends nothing */

    /* Continues the handshake: CB_TLS_OK once it is complete (also when called again),
     * CB_TLS_WANT_INPUT or CB_TLS_FAILED. A client's first call makes its first bytes. After every
     * result, take the pending bytes. */
    cb_tls_result (*handshake)(cb_tls_session *session, cb_error *error);

    /* Gives it bytes from the network: all of them are copied. CB_NO_MEMORY. */
    cb_status (*feed)(cb_tls_session *session, const void *data, size_t size, cb_error *error);
    /* Bytes for the network: `pending` tells how many there are; `take` moves up to `size` of them
     * into `room` and returns how many. Every function above and below may make some. */
    size_t (*pending)(const cb_tls_session *session);
    size_t (*take)(cb_tls_session *session, void *room, size_t size);

    /* Plaintext that has arrived, after the handshake: CB_TLS_OK with 0 < *got <= size (more may be
     * there), or WANT_INPUT, ENDED or FAILED with *got = 0. If the network ends while the result is
     * WANT_INPUT, the stream was cut off. */
    cb_tls_result (*read)(cb_tls_session *session, void *room, size_t size, size_t *got,
                          cb_error *error);
    /* Takes plaintext to send, after the handshake: all of it. CB_TLS_OK or CB_TLS_FAILED. */
    cb_tls_result (*write)(cb_tls_session *session, const void *data, size_t size, cb_error *error);
    /* Ends sending plaintext: makes a close_notify, once. Reading goes on. Nothing happens before
     * the handshake is complete, or after a failure. */
    void (*close)(cb_tls_session *session);

    /* -- what was negotiated; NULL if there is nothing (yet). Valid as long as the session. -- */
    const char *(*version)(const cb_tls_session *session);     /* "TLSv1.3" */
    const char *(*cipher)(const cb_tls_session *session);      /* "TLS_AES_256_GCM_SHA384" */
    const char *(*protocol)(const cb_tls_session *session);    /* ALPN */
    const char *(*server_name)(const cb_tls_session *session); /* SNI, on both sides */
    /* The subject of the peer's certificate, one line. */
    const char *(*peer_subject)(const cb_tls_session *session);

    /* -- added later: a function exists if `size` includes it -- */

    /* From now on a server's context seals session tickets with a new key; tickets of the previous
     * key are still accepted. This happens automatically every hour. CB_INVALID for a client's
     * context. */
    cb_status (*context_rotate)(cb_tls_context *context, cb_error *error);
} cb_tls_provider;

#ifdef __cplusplus
}
#endif
#endif
