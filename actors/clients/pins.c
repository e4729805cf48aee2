#include "actors/clients/pins.h"

#include <stdlib.h>

#include "actors/core/tls_setting.h"

static cb_pin **place_of(cb_pins *pins, uint8_t name_space, uint32_t route)
{
    cb_pin **place = &pins->buckets[route % CB_PIN_BUCKETS];
    while (*place != NULL && ((*place)->route != route || (*place)->name_space != name_space))
        place = &(*place)->next;
    return place;
}

const cb_pin *cb_pins_find(const cb_pins *pins, uint8_t name_space, uint32_t route)
{
    const cb_pin *pin = pins->buckets[route % CB_PIN_BUCKETS];
    while (pin != NULL && (pin->route != route || pin->name_space != name_space))
        pin = pin->next;
    return pin;
}

static void release_context(cb_pin *pin)
{
    if (pin->context != NULL)
        pin->provider->context_release(pin->context);
    pin->context = NULL;
}

static void forget(cb_pin **place)
{
    cb_pin *pin = *place;
    if (pin == NULL)
        return;
    *place = pin->next;
    release_context(pin);
    free(pin);
}

static void set(cb_pin *pin, const cb_tls_setting *setting, int64_t version)
{
    const cb_tls_client_options options = {.pinned = setting->context};
    release_context(pin);
    pin->version = version;
    pin->provider = setting->provider;
    pin->error = (cb_error){.text = "no TLS"};
    if (setting->provider->client_context_new(&options, &pin->context, &pin->error) != CB_OK)
        pin->context = NULL;
}

void cb_pins_take(cb_pins *pins, const cb_message *message)
{
    const cb_tls_setting *setting = cb_tls_setting_of(message);
    cb_pin **place = place_of(pins, message->name_space, message->route);
    if (setting == NULL) {
        forget(place);
        return;
    }
    if (*place == NULL) {
        cb_pin *added = calloc(1, sizeof *added);
        if (added == NULL) {
            pins->incomplete = true;
            return;
        }
        added->name_space = message->name_space;
        added->route = message->route;
        *place = added;
    }
    set(*place, setting, message->value);
}

void cb_pins_free(cb_pins *pins)
{
    for (size_t i = 0; i < CB_PIN_BUCKETS; i++)
        while (pins->buckets[i] != NULL)
            forget(&pins->buckets[i]);
}
