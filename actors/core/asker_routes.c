/* The calls of an asker about routes: opening, closing, and commands for their actors. */
#include <string.h>

#include "actors/core/asker.h"
#include "actors/core/tls_setting.h"

static bool is_kind(uint32_t kind)
{
    uint32_t base = cb_route_word_base(cb_route_word(kind, 0));
    return base >= CB_ROUTE_TCP && base < CB_ROUTE_KINDS;
}

cb_status cb_route_open(cb_asker *asker, uint8_t name_space, const cb_route_options *options,
                        int64_t *route_id, cb_error *error)
{
    if (!is_kind(options->kind) || !cb_is_timeout(options->timeout_ms) || options->callback == NULL)
        return cb_fail(error, CB_INVALID, "invalid route options");
    cb_buffer *name = cb_buffer_copy(options->callback, strlen(options->callback));
    if (name == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    cb_message message = {.kind = CB_MSG_OPEN_ROUTE,
                          .name_space = name_space,
                          .flags = options->shared ? CB_FLAG_SHARED : 0,
                          .status = options->timeout_ms,
                          .connection = cb_route_word(options->kind, options->port),
                          .value = options->entry,
                          .payload = cb_payload_handle(name)};
    cb_status status = cb_asker_ask(asker, &message, 1, false);
    if (status == CB_OK)
        status = message.status;
    cb_buffer *text =
        status == CB_OK || message.kind != CB_MSG_ANSWER ? NULL : cb_message_payload(&message);
    if (status == CB_OK)
        *route_id = message.value;
    else if (text != NULL)
        (void)cb_fail(error, status, "%.*s",
                      (int)(text->size < CB_ERROR_TEXT_SIZE ? text->size : CB_ERROR_TEXT_SIZE),
                      (const char *)text->data);
    else if (status == CB_LIMIT)
        (void)cb_fail(error, status,
                      "too many open routes or waits (CALLBOARD_MAX_ROUTES, CALLBOARD_MAX_WAITS)");
    else
        (void)cb_fail(error, status, "%s", cb_status_text(status));
    cb_buffer_release(text);
    return status;
}

/* Inside a callback nobody waits: it may be the route's own. What is answered at once is not
 * abandoned: it is done also by a callback whose time is over. */
static cb_status close_route(cb_asker *asker, uint8_t name_space, int64_t route_id, bool waits,
                             cb_message *answer)
{
    if (route_id < 1 || route_id > UINT32_MAX)
        return CB_UNKNOWN;
    *answer = (cb_message){.kind = CB_MSG_CLOSE_ROUTE,
                           .name_space = name_space,
                           .flags = waits && asker->ops == NULL ? 0 : CB_FLAG_AT_ONCE,
                           .route = (uint32_t)route_id};
    cb_status status = cb_asker_ask(asker, answer, 1, (answer->flags & CB_FLAG_AT_ONCE) == 0);
    return status == CB_OK ? answer->status : status;
}

cb_status cb_route_close(cb_asker *asker, uint8_t name_space, int64_t route_id, int64_t *canceled)
{
    cb_message answer = {0};
    cb_status status = close_route(asker, name_space, route_id, true, &answer);
    *canceled = answer.value;
    return status;
}

cb_status cb_route_close_once(cb_asker *asker, uint8_t name_space, int64_t route_id, bool waits,
                              int *first)
{
    cb_message answer = {0};
    cb_status status = close_route(asker, name_space, route_id, waits, &answer);
    *first = status == CB_OK && answer.connection == 1;
    return status;
}

cb_status cb_route_command(cb_asker *asker, uint8_t name_space, const cb_command *command,
                           cb_reply *reply)
{
    *reply = (cb_reply){0};
    if (command->route_id < 1 || command->route_id > UINT32_MAX) {
        cb_buffer_release(command->payload);
        return CB_UNKNOWN;
    }
    cb_message message = {.kind = CB_MSG_COMMAND,
                          .name_space = name_space,
                          .status = command->what,
                          .route = (uint32_t)command->route_id,
                          .value = command->value,
                          .payload = cb_payload_handle(command->payload)};
    cb_status status = cb_asker_ask(asker, &message, 1, true);
    if (status != CB_OK)
        return status;
    *reply = (cb_reply){.value = message.value, .payload = cb_message_payload(&message)};
    return message.status;
}

static void drop_setting(void *object)
{
    cb_tls_setting *setting = object;
    setting->provider->context_release(setting->context);
}

cb_status cb_route_set_tls(cb_asker *asker, uint8_t name_space, int64_t route_id,
                           const cb_tls_provider *provider, cb_tls_context *context,
                           cb_error *error)
{
    const cb_tls_setting setting = {.provider = provider, .context = context};
    cb_buffer *held = cb_buffer_holding(&setting, sizeof setting, drop_setting);
    if (held == NULL) {
        provider->context_release(context);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    const cb_command command = {.route_id = route_id, .what = CB_ORDER_SET_TLS, .payload = held};
    cb_reply reply;
    cb_status status = cb_route_command(asker, name_space, &command, &reply);
    const cb_buffer *text = reply.payload;
    if (status != CB_OK && text != NULL && text->size > 0)
        (void)cb_fail(error, status, "%.*s", (int)text->size, (const char *)text->data);
    else if (status != CB_OK)
        (void)cb_fail(error, status, "%s", cb_status_text(status));
    cb_buffer_release(reply.payload);
    return status;
}
