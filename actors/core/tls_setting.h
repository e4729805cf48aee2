/* A TLS setting: the payload of CB_ORDER_SET_TLS and PIN holds one (cb_buffer_holding). */
#ifndef CALLBOARD_ACTORS_CORE_TLS_SETTING_H
#define CALLBOARD_ACTORS_CORE_TLS_SETTING_H

#include "actors/base/message.h"
#include "callboard/tls.h"

typedef struct cb_tls_setting {
    const cb_tls_provider *provider;
    cb_tls_context *context; /* a server's; the holding buffer owns one reference */
} cb_tls_setting;

/* The setting in the payload, valid as long as the caller refers to the payload. NULL if the
 * payload holds none. */
static inline const cb_tls_setting *cb_tls_setting_of(const cb_message *message)
{
    const cb_buffer *payload = cb_message_payload(message);
    return payload != NULL && (payload->flags & CB_BUFFER_HOLDS) != 0
               ? (const cb_tls_setting *)(const void *)payload->data
               : NULL;
}

#endif
