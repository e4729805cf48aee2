/* Which routes the client actor has to reach over TLS, and by which certificate it knows them.
 *
 * A route that is pinned is never reached in plain text: when the means are lacking, the exchange
 * fails. Threads: belongs to the client actor's.
 */
#ifndef CALLBOARD_ACTORS_CLIENTS_PINS_H
#define CALLBOARD_ACTORS_CLIENTS_PINS_H

#include <stdbool.h>

#include "actors/base/message.h"
#include "callboard/tls.h"

#define CB_PIN_BUCKETS 64u

typedef struct cb_pin {
    struct cb_pin *next;
    uint32_t route;
    uint8_t name_space;
    int64_t version; /* as PIN said */
    const cb_tls_provider *provider;
    cb_tls_context *context; /* a client's, pinned; NULL: there is none, and `error` says why */
    cb_error error;
} cb_pin;

typedef struct cb_pins {
    cb_pin *buckets[CB_PIN_BUCKETS];
    bool incomplete; /* one could not be kept, so a route that is not here may be pinned */
} cb_pins;

/* Does what the message PIN says; its payload stays the caller's. */
void cb_pins_take(cb_pins *pins, const cb_message *message);
/* NULL: that route is not pinned. */
const cb_pin *cb_pins_find(const cb_pins *pins, uint8_t name_space, uint32_t route);
void cb_pins_free(cb_pins *pins);

#endif
