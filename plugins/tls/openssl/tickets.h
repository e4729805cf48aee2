/* The keys of a server's session tickets, in turns.
 *
 * A ticket is sealed with the current key and opened with that or the one before. A key seals for
 * an hour, so what a thief of keys can open is two hours of tickets, and a client that comes back
 * within the hour resumes across one turn. Keys are random, never stored, and die with the context.
 * Threads: all functions but init and wipe may be called by several at once.
 */
#ifndef CALLBOARD_PLUGINS_TLS_OPENSSL_TICKETS_H
#define CALLBOARD_PLUGINS_TLS_OPENSSL_TICKETS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "callboard/status.h"

#define CB_TLS_TICKET_TURN_S 3600 /* how long a key seals tickets, and a ticket's own life */

typedef struct cb_tls_ticket_key {
    uint8_t name[16]; /* stands at the head of the ticket */
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
/* Has the context's tickets sealed and opened with the keys of its cb_tls_context. */
bool cb_tls_tickets_use(SSL_CTX *ssl);

#endif
