/* The verbs that ask the event loop for something. */
#include <string.h>

#include "plugins/nbio/nbio.h"

/* The one loop that all verbs share: opened by whichever comes first, found by the others. */
static cb_status find_loop(cb_call *call, int64_t *route)
{
    /* Each operation names its own callback; the route's is never run. */
    const cb_route_options options = {
        .kind = CB_ROUTE_LOOP, .callback = "", .timeout_ms = -1, .shared = true};
    cb_error error;
    memset(&error, 0, sizeof error);
    cb_status status = call->host->route_open(call, &options, route, &error);
    if (status == CB_OK || status == CB_STOPPED)
        return status;
    return call->host->fail(call, status, "%s",
                            error.text[0] != '\0' ? error.text : call->host->status_text(status));
}

/* Takes over the payload. Once the program ends and the loop with it, everything is closed already
 * and nothing can be started: that is no mistake of the script, which gets a 0. */
static cb_status command(cb_call *call, cb_loop_command what, int64_t value, cb_buffer *payload)
{
    cb_command asked = {.what = (int32_t)what, .value = value, .payload = payload};
    cb_reply reply = {.value = 0};
    cb_status status = find_loop(call, &asked.route_id);
    if (status != CB_OK) {
        call->host->buffer_release(payload);
        return status == CB_STOPPED ? CB_OK : status;
    }
    status = call->host->route_command(call, &asked, &reply);
    if (status == CB_CLOSED)
        status = CB_OK;
    else if (status != CB_OK && status != CB_STOPPED)
        status = call->host->fail(call, status, "%.*s",
                                  reply.payload != NULL ? (int)reply.payload->size : 255,
                                  reply.payload != NULL ? (const char *)reply.payload->data
                                                        : call->host->status_text(status));
    call->host->buffer_release(reply.payload);
    call->result.integer = reply.value;
    return status;
}

/* -- orders -- */

/* What the arguments name: numbers go into the order, of the others we remember which they are. */
typedef struct arguments {
    cb_loop_order order;
    const cb_value *text;
    const cb_value *data;
} arguments;

static void take(arguments *taken, char letter, const cb_value *value)
{
    cb_loop_order *order = &taken->order;
    switch (letter) {
    case 'a':
        taken->text = value;
        order->text_size = (uint32_t)value->size + 1;
        break;
    case 'b':
        taken->data = value;
        break;
    case 'c':
        order->callback = value->integer;
        break;
    case 'f':
        order->file = value->integer;
        break;
    case 'h':
        order->handle = value->integer;
        break;
    case 'm':
        order->flags = (uint32_t)value->integer;
        break;
    case 'o':
        order->offset = value->integer;
        break;
    case 'p':
        order->port = (int32_t)value->integer;
        break;
    case 's':
        order->size = value->integer;
        break;
    default: /* 't' */
        order->timeout_ms = (int32_t)value->integer;
        break;
    }
}

static cb_buffer *pack(const cb_call *call, const arguments *taken)
{
    size_t text_size = taken->order.text_size;
    size_t data_size = taken->data != NULL ? taken->data->size : 0;
    size_t size = CB_LOOP_ORDER_SIZE + text_size + data_size;
    cb_buffer *buffer = call->host->buffer_new(0, size);
    if (buffer == NULL)
        return NULL;
    cb_loop_order_write(&taken->order, buffer->data);
    uint8_t *at = buffer->data + CB_LOOP_ORDER_SIZE;
    if (text_size > 0)
        memcpy(at, taken->text->data, text_size); /* with the NUL that stands behind it */
    if (data_size > 0)
        memcpy(at + text_size, taken->data->data, data_size);
    buffer->size = size;
    return buffer;
}

static cb_status send_order(cb_call *call, cb_loop_command what, const char *letters)
{
    arguments taken = {.order = {.callback = CB_LOOP_NO_CALLBACK, .timeout_ms = -1}};
    if (what == CB_LOOP_OPEN)
        taken.order.size = CB_PERMIT_DEFAULT_FILE;
    for (uint32_t i = 0; i < call->argc; i++)
        take(&taken, letters[i], &call->args[i]);
    cb_buffer *payload = pack(call, &taken);
    return payload != NULL ? command(call, what, 0, payload) : CB_NO_MEMORY;
}

#define DEFINE_ORDER(verb, signature, number, letters, text)                                       \
    cb_status cb_nbio_##verb(cb_call *call)                                                        \
    {                                                                                              \
        return send_order(call, CB_LOOP_##number, letters);                                        \
    }
CB_NBIO_ORDERS(DEFINE_ORDER)

/* -- the others -- */

#define DEFINE_QUESTION(verb, signature, number, text)                                             \
    cb_status cb_nbio_##verb(cb_call *call)                                                        \
    {                                                                                              \
        return command(call, CB_LOOP_##number, call->argc > 0 ? call->args[0].integer : 0, NULL);  \
    }
CB_NBIO_QUESTIONS(DEFINE_QUESTION)
