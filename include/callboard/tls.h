/* TLS as a filter between two streams of bytes, behind a table of functions.
 *
 * A provider (the plugin tls fills the table with OpenSSL) turns plaintext into ciphertext and
 * back. It owns no descriptor, never waits and never calls back: whoever moves the bytes (tcp
 * sockets do) feeds it what came from the network, takes from it what has to go there, and asks it
 * for its state in between. So a handshake costs a loop only the computing it takes.
 *
 *     network --feed-->  session  --read--->  program
 *     network <--take--           <--write--
 *
 *     handshake: until CB_TLS_OK:  take all and send it; receive and feed; handshake again
 *
 * A context holds what many sessions share (certificate and key, trusted authorities, protocol
 * names, ticket keys). It is counted: each session keeps a reference to its own, so replacing a
 * server's certificate is making a new context and dropping the old one.
 *
 * What every provider does: TLS 1.2 at least and 1.3 where both sides can; no renegotiation, no
 * compression; a server that was given protocol names refuses a client that offers others only (a
 * client that offers none is served); a client verifies the chain and the name unless told not to.
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

/* The name under which a plugin offers its `const cb_tls_provider`. */
#define CB_TLS_SERVICE "tls.provider"
/* Changes when a function of the table changes; new ones are added at the end (see `size`). */
#define CB_TLS_ABI     1u

/* The provider's own. */
typedef struct cb_tls_context cb_tls_context;
typedef struct cb_tls_session cb_tls_session;

typedef enum cb_tls_result {
    CB_TLS_OK = 0,         /* done; read: bytes are in your room */
    CB_TLS_WANT_INPUT = 1, /* nothing more without bytes from the peer */
    CB_TLS_ENDED = 2,      /* the peer closed its side properly (close_notify); read only */
    CB_TLS_FAILED = 3      /* broken for good, and the cb_error says why; there may be an alert to
                              take and send */
} cb_tls_result;

typedef enum cb_tls_client_auth {
    CB_TLS_CLIENT_AUTH_NONE = 0,
    CB_TLS_CLIENT_AUTH_WANTED = 1, /* asked for; a client without a certificate is served */
    CB_TLS_CLIENT_AUTH_REQUIRED = 2
} cb_tls_client_auth;

/* Files are PEM. Strings are read during the call only. */
typedef struct cb_tls_server_options {
    const char *certificate_file; /* the certificate, then those between it and the authority */
    const char *key_file;
    const char *const *protocols; /* ALPN, the dearest first; NULL: none */
    size_t protocol_count;
    cb_tls_client_auth client_auth;
    const char *client_ca_file; /* who may have signed clients' certificates */
} cb_tls_server_options;

typedef struct cb_tls_client_options {
    bool insecure;                /* take any certificate under any name */
    const char *ca_file;          /* authorities; NULL: those of the system */
    const cb_tls_context *pinned; /* a server context: take exactly its certificate, under any name,
                                     no matter who signed it; needed during the call only */
    const char *const *protocols;
    size_t protocol_count;
    const char *certificate_file; /* one's own, for servers that ask; NULL: none */
    const char *key_file;
} cb_tls_client_options;

typedef struct cb_tls_provider {
    uint32_t abi;  /* CB_TLS_ABI */
    uint32_t size; /* sizeof(cb_tls_provider) as the provider was compiled */
    const char *name;

    /* -- contexts: one reference is yours -- */

    /* Reads the files and checks that the key belongs to the certificate. CB_INVALID, CB_IO (a file
     * cannot be read), CB_FORMAT (it cannot be understood), CB_MISMATCH (the key is another's),
     * CB_NO_MEMORY; the error names the file. *context is NULL on failure. */
    cb_status (*server_context_new)(const cb_tls_server_options *options, cb_tls_context **context,
                                    cb_error *error);
    /* `options` may be NULL: everything as it is by default. */
    cb_status (*client_context_new)(const cb_tls_client_options *options, cb_tls_context **context,
                                    cb_error *error);
    cb_tls_context *(*context_retain)(cb_tls_context *context); /* NULL gives NULL */
    void (*context_release)(cb_tls_context *context);           /* NULL is fine */

    /* -- sessions -- */

    /* Which side it is, the context says. `host` is whom a client wants to talk to: a name is sent
     * (SNI) and looked for in the certificate, an address is only looked for; NULL sends nothing,
     * and is CB_INVALID for a client that verifies names. A server passes NULL. */
    cb_status (*session_new)(cb_tls_context *context, const char *host, cb_tls_session **session,
                             cb_error *error);
    void (*session_free)(cb_tls_session *session); /* NULL is fine; sends nothing */

    /* Goes on with the handshake: CB_TLS_OK once it is complete (also when asked again),
     * CB_TLS_WANT_INPUT or CB_TLS_FAILED. A client's first call makes its first bytes. Whatever it
     * says, take what there is to take. */
    cb_tls_result (*handshake)(cb_tls_session *session, cb_error *error);

    /* Bytes from the network: all of them are taken (copied). CB_NO_MEMORY. */
    cb_status (*feed)(cb_tls_session *session, const void *data, size_t size, cb_error *error);
    /* Bytes for the network: how many there are, and up to `size` of them moved into `room`;
     * returns how many it moved. Any call below and above may make some. */
    size_t (*pending)(const cb_tls_session *session);
    size_t (*take)(cb_tls_session *session, void *room, size_t size);

    /* Plaintext that has arrived, after the handshake: CB_TLS_OK with 0 < *got <= size (there may
     * be more), or WANT_INPUT, ENDED or FAILED with *got = 0. If the network ends while this says
     * WANT_INPUT, the stream was cut off. */
    cb_tls_result (*read)(cb_tls_session *session, void *room, size_t size, size_t *got,
                          cb_error *error);
    /* Plaintext to go, after the handshake: all of it is taken. CB_TLS_OK or CB_TLS_FAILED. */
    cb_tls_result (*write)(cb_tls_session *session, const void *data, size_t size, cb_error *error);
    /* No more plaintext will go: makes a close_notify, once. Reading goes on. Nothing happens
     * before the handshake is complete, or after a failure. */
    void (*close)(cb_tls_session *session);

    /* -- what was agreed upon; NULL where there is nothing (yet). Valid as long as the session. --
     */
    const char *(*version)(const cb_tls_session *session);     /* "TLSv1.3" */
    const char *(*cipher)(const cb_tls_session *session);      /* "TLS_AES_256_GCM_SHA384" */
    const char *(*protocol)(const cb_tls_session *session);    /* ALPN */
    const char *(*server_name)(const cb_tls_session *session); /* SNI, on both sides */
    /* The subject of the peer's certificate, one line. */
    const char *(*peer_subject)(const cb_tls_session *session);

    /* -- added later: there if `size` reaches so far -- */

    /* Has a server's context seal session tickets with a new key from now on; tickets of the key
     * before are still taken. It happens by itself every hour. CB_INVALID for a client's. */
    cb_status (*context_rotate)(cb_tls_context *context, cb_error *error);
} cb_tls_provider;

#ifdef __cplusplus
}
#endif
#endif
