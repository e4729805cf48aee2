/* The keys of a server's session tickets, and their rotation.
 *
 * A ticket is sealed with the current key, and opened with the current or the previous one. A key
 * seals for an hour. So a stolen pair of keys opens two hours of tickets, and a client that comes
 * back within the hour can resume across one rotation. Keys are random, never stored, and end with
 * the context.
 * Threads: any, several at once; not for init and wipe.
 */
#ifndef CALLBOARD_PLUGINS_TLS_OPENSSL_TICKETS_H
#define CALLBOARD_PLUGINS_TLS_OPENSSL_TICKETS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "callboard/status.h"

#define CB_TLS_TICKET_TURN_S                                                                       \
    3600 /* how long a key seals tickets, and how long a ticket is valid                           \
          */

typedef struct cb_tls_ticket_key {
    uint8_t name[16]; /* at the beginning of the ticket */
    uint8_t cipher[32];
    uint8_t mac[32];
    int64_t made_s; /* monotonic */
    bool is_set;
} cb_tls_ticket_key;

typedef struct cb_tls_tickets {
    pthread_mutex_t lock; /* guards the keys */
    cb_tls_ticket_key current;
    cb_tls_ticket_key previous;
} cb_tls_tickets;

cb_status cb_tls_tickets_init(cb_tls_tickets *tickets, cb_error *error);
void cb_tls_tickets_wipe(cb_tls_tickets *tickets);
/* Makes a new current key now. */
cb_status cb_tls_tickets_turn(cb_tls_tickets *tickets, cb_error *error);
/* Makes the context seal and open tickets with the keys of its cb_tls_context. */
bool cb_tls_tickets_use(SSL_CTX *ssl);

#endif
