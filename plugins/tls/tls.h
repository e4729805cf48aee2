/* tls: TLS connections for scripts, and the service tls.provider for everybody else.
 *
 * The provider (openssl/ or, in a build without it, stub/) is the only part that knows OpenSSL. The
 * verbs use it as any other user of the service would: they own the sockets and move the bytes.
 *
 * This is the one plugin with state of its own: handles live across calls, in one table behind a
 * lock. A connection's handle is one thread's at a time; a server context's may be used by several.
 */
#ifndef CALLBOARD_PLUGINS_TLS_TLS_H
#define CALLBOARD_PLUGINS_TLS_TLS_H

#include <stdbool.h>

#include "callboard/plugin.h"
#include "callboard/tls.h"

#define CB_TLS_STUB_NAME "stub"
#define CB_TLS_STUB_TEXT "TLS is not available: this build has no OpenSSL"

/* The time limit of a verb that takes one and was given none. */
#define CB_TLS_LIMIT_MS        30000
/* How long Accept may go without a look whether its context was closed or a shutdown began. */
#define CB_TLS_ACCEPT_SLICE_MS 50

extern const cb_tls_provider cb_tls_the_provider;
/* Of a provider that has been used: false once the library behind it has ended with the process. */
bool cb_tls_is_alive(void);

/* -- handles -- */

typedef enum cb_tls_kind { CB_TLS_LINK, CB_TLS_SERVER } cb_tls_kind;

/* One handle, and what it stands for. Only who has acquired it touches what follows `is_closed`. */
typedef struct cb_tls_handle {
    int64_t id;
    cb_tls_kind kind;
    unsigned users;    /* who have acquired it; these three are the table's, under its lock */
    bool is_exclusive; /* its one user wants no others */
    bool is_closed;    /* no longer in the table; its last user frees it */

    int socket;              /* connected, or a server's listening one; -1: none (yet) */
    cb_tls_context *context; /* a server's; a client's once it needs one */
    bool is_verifying;
    char *ca_file; /* NULL: the system's authorities; a server's: none */
    /* a connection's */
    cb_tls_session *session; /* a client's: from its handshake on */
    char *host;              /* a client's: whom it wants */
    size_t unsent_at;        /* taken from the session, not yet taken by the kernel */
    size_t unsent_size;
    uint8_t unsent[16384];
    /* a server's */
    char *certificate_file;
    char *key_file;
    int port; /* 0 until it listens */
} cb_tls_handle;

/* An empty one of this kind, in no table yet; NULL when out of memory. */
cb_tls_handle *cb_tls_handle_new(cb_tls_kind kind);
/* Of one that is in no table. Closes its socket without more ado. */
void cb_tls_handle_free(cb_tls_handle *handle);
/* Puts it into the table, which takes it over, and gives it its id: the call's result. A runtime
 * error, and it is freed, if the table is full. */
cb_status cb_tls_handle_add(cb_call *call, cb_tls_handle *handle);
/* The handle that the call's first argument names, for this thread alone or (shared) with others. A
 * runtime error if it is none, of another kind, or in use; `status` says which. */
cb_tls_handle *cb_tls_handle_acquire(cb_call *call, cb_tls_kind kind, bool is_shared,
                                     cb_status *status);
/* The same for a verb that takes both kinds. */
cb_tls_handle *cb_tls_handle_acquire_any(cb_call *call, cb_status *status);
void cb_tls_handle_release(cb_tls_handle *handle);
/* Takes it out of the table; it ends with its last user's release. */
void cb_tls_handle_close(cb_tls_handle *handle);
bool cb_tls_handle_is_closed(cb_tls_handle *handle);
/* Opens the listening socket of a server that shares its handle, once for all who ask. */
cb_status cb_tls_handle_listen(cb_tls_handle *server, const char *address, int port,
                               cb_error *error);

/* -- wire.c: sockets that never block for longer than a slice, so that a verb can be stopped -- */

/* A moment in monotonic nanoseconds, or this. */
#define CB_TLS_NEVER INT64_MAX

int64_t cb_tls_moment(int32_t timeout_ms); /* from now; -1 is never */

/* Waits for `events` of poll. CB_OK, CB_TIMEOUT, CB_STOPPED (hand it on), CB_IO. */
cb_status cb_tls_wire_wait(cb_call *call, int socket, short events, int64_t until);
/* True once a shutdown has begun. Takes about two milliseconds. */
bool cb_tls_wire_is_ending(cb_call *call);
cb_status cb_tls_wire_connect(cb_call *call, const char *host, int port, int64_t until, int *socket,
                              cb_error *error);
cb_status cb_tls_wire_listen(const char *address, int port, int *socket, cb_error *error);
/* Sends what the session has to send, all of it. Errors as wait, with a text. */
cb_status cb_tls_wire_flush(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error);
/* Sends what it can at once and receives at least one byte; CB_CLOSED if the peer's stream ends. */
cb_status cb_tls_wire_fill(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error);
/* Sends what can be sent at once, and lets the peer read it: waits for its end a little. */
void cb_tls_wire_part(cb_call *call, cb_tls_handle *link);

/* -- arguments -- */

/* The time limit at `index`, or by default `otherwise`; a runtime error if it is none. */
cb_status cb_tls_timeout(cb_call *call, uint32_t index, int32_t otherwise, int32_t *timeout_ms);
/* A runtime error for a text with a NUL inside. */
cb_status cb_tls_text(cb_call *call, uint32_t index, const char *what, const char **text);
cb_status cb_tls_port(cb_call *call, uint32_t index, int *port);
/* A runtime error with the error's text; CB_STOPPED is handed on. */
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
