/* tls: TLS connections for scripts, and the service tls.provider for other code.
 *
 * The provider (openssl/, or stub/ in a build without OpenSSL) is the only part that knows OpenSSL.
 * The verbs use it like any other user of the service: they own the sockets and move the bytes.
 *
 * This plugin has state of its own: handles live across calls, in one table behind a lock. Only one
 * thread at a time may use a connection's handle; several may use a server context's.
 */
#ifndef CALLBOARD_PLUGINS_TLS_TLS_H
#define CALLBOARD_PLUGINS_TLS_TLS_H

#include <stdbool.h>

#include "callboard/plugin.h"
#include "callboard/tls.h"

#define CB_TLS_STUB_NAME "stub"
#define CB_TLS_STUB_TEXT "TLS is not available: this build has no OpenSSL"

/* The time limit of a verb if its optional time limit is left out. */
#define CB_TLS_LIMIT_MS        30000
/* Longest time before Accept checks again whether its context was closed or a shutdown began. */
#define CB_TLS_ACCEPT_SLICE_MS 50

extern const cb_tls_provider cb_tls_the_provider;
/* For a provider that has been used: false once the library behind it has ended with the
 * process. */
bool cb_tls_is_alive(void);

/* -- handles -- */

typedef enum cb_tls_kind { CB_TLS_LINK, CB_TLS_SERVER } cb_tls_kind;

/* One handle, and the object behind it. Only a thread that has acquired it may touch the fields
 * after `is_closed`. */
typedef struct cb_tls_handle {
    int64_t id;
    cb_tls_kind kind;
    unsigned users;    /* how many have acquired it; the table's lock guards these three */
    bool is_exclusive; /* its one user excludes others */
    bool is_closed;    /* no longer in the table; its last user frees it */

    int socket;              /* connected, or a server's listening one; -1: none (yet) */
    cb_tls_context *context; /* a server's, or a client's once it needs one */
    bool is_verifying;
    char *ca_file; /* NULL: the system's authorities; a server's: none */
    /* a connection's */
    cb_tls_session *session; /* a client has one from its handshake on */
    char *host;              /* a client's: the peer that it wants */
    size_t unsent_at; /* bytes from the session that the kernel has not taken yet begin here */
    size_t unsent_size;
    uint8_t unsent[16384];
    /* a server's */
    char *certificate_file;
    char *key_file;
    int port; /* 0 until it listens */
} cb_tls_handle;

/* An empty handle of this kind, in no table yet; NULL when out of memory. */
cb_tls_handle *cb_tls_handle_new(cb_tls_kind kind);
/* Frees a handle that is in no table. Closes its socket at once. */
void cb_tls_handle_free(cb_tls_handle *handle);
/* Puts the handle into the table, which takes it over. Its id is the call's result. If the table is
 * full: a runtime error, and the handle is freed. */
cb_status cb_tls_handle_add(cb_call *call, cb_tls_handle *handle);
/* The handle that the call's first argument names, for this thread alone or (shared) with others. A
 * runtime error if the argument is not a handle, or the handle is of another kind or in use;
 * `status` says which. */
cb_tls_handle *cb_tls_handle_acquire(cb_call *call, cb_tls_kind kind, bool is_shared,
                                     cb_status *status);
/* The same for a verb that takes both kinds. */
cb_tls_handle *cb_tls_handle_acquire_any(cb_call *call, cb_status *status);
void cb_tls_handle_release(cb_tls_handle *handle);
/* Takes it out of the table; its last user's release ends it. */
void cb_tls_handle_close(cb_tls_handle *handle);
bool cb_tls_handle_is_closed(cb_tls_handle *handle);
/* Opens the listening socket of a server with a shared handle; once, no matter how many threads
 * ask. */
cb_status cb_tls_handle_listen(cb_tls_handle *server, const char *address, int port,
                               cb_error *error);

/* -- wire.c: sockets that never block for longer than a slice, so that a verb can be stopped -- */

/* Stands for "never" in place of a moment in monotonic nanoseconds. */
#define CB_TLS_NEVER INT64_MAX

int64_t cb_tls_moment(int32_t timeout_ms); /* from now; -1 is never */

/* Waits for `events` of poll. CB_OK, CB_TIMEOUT, CB_STOPPED (pass it on), CB_IO. */
cb_status cb_tls_wire_wait(cb_call *call, int socket, short events, int64_t until);
/* True once a shutdown has begun. Takes about two milliseconds. */
bool cb_tls_wire_is_ending(cb_call *call);
cb_status cb_tls_wire_connect(cb_call *call, const char *host, int port, int64_t until, int *socket,
                              cb_error *error);
cb_status cb_tls_wire_listen(const char *address, int port, int *socket, cb_error *error);
/* Sends all that the session has to send. Errors as for wait, with a text. */
cb_status cb_tls_wire_flush(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error);
/* Sends as much as is possible at once and receives at least one byte; CB_CLOSED if the peer's
 * stream ends. */
cb_status cb_tls_wire_fill(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error);
/* Sends as much as is possible at once, then waits a little for the peer's end, so that the peer
 * can read it. */
void cb_tls_wire_part(cb_call *call, cb_tls_handle *link);

/* -- arguments -- */

/* Reads the time limit at `index`, or takes `otherwise` if there is none; a runtime error if it is
 * not valid. */
cb_status cb_tls_timeout(cb_call *call, uint32_t index, int32_t otherwise, int32_t *timeout_ms);
/* Reads a text; a runtime error if it has a NUL inside. */
cb_status cb_tls_text(cb_call *call, uint32_t index, const char *what, const char **text);
cb_status cb_tls_port(cb_call *call, uint32_t index, int *port);
/* Raises a runtime error with the error's text; CB_STOPPED is passed on. */
cb_status cb_tls_tell(cb_call *call, cb_status status, const cb_error *error);
/* CB_OK, or the runtime error of a build without OpenSSL. */
cb_status cb_tls_check_build(cb_call *call);

/* X(function): the verbs' handlers. */
#define CB_TLS_HANDLERS(X)                                                                         \
    X(backend)                                                                                     \
    X(new_client)                                                                                  \
    X(new_server_context)                                                                          \
    X(accept)                                                                                      \
    X(shake_hands)                                                                                 \
    X(close_link)                                                                                  \
    X(close_server_context)                                                                        \
    X(write_blob)                                                                                  \
    X(read_blob)                                                                                   \
    X(set_verify)                                                                                  \
    X(load_ca)                                                                                     \
    X(get_peer_subject)                                                                            \
    X(get_version)                                                                                 \
    X(get_cipher)

#define CB_TLS_DECLARE(function) cb_verb_fn cb_tls_verb_##function;
CB_TLS_HANDLERS(CB_TLS_DECLARE)
#undef CB_TLS_DECLARE

#endif
