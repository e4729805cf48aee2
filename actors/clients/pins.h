/* Pins: the routes that the client actor has to reach over TLS, and the certificate of each.
 *
 * A pinned route is never reached in plain text. If TLS cannot be used, the exchange fails.
 * Threads: belongs to the client actor's thread.
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
    int64_t version; /* the version in PIN */
    const cb_tls_provider *provider;
    cb_tls_context *context; /* a client's, pinned; NULL: none, and `error` says why */
    cb_error error;
} cb_pin;

typedef struct cb_pins {
    cb_pin *buckets[CB_PIN_BUCKETS];
    bool incomplete; /* a pin could not be stored, so a route that is not here may be pinned */
} cb_pins;

/* Carries out the message PIN; its payload still belongs to the caller. */
void cb_pins_take(cb_pins *pins, const cb_message *message);
/* NULL: the route is not pinned. */
const cb_pin *cb_pins_find(const cb_pins *pins, uint8_t name_space, uint32_t route);
void cb_pins_free(cb_pins *pins);

#endif
