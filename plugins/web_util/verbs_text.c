/* The verbs over texts. */
#include <string.h>

#include "plugins/web_util/text.h"
#include "plugins/web_util/web.h"

typedef size_t maker(cb_web_bytes text, uint8_t *out);

static cb_status answer_made(cb_call *call, maker *make)
{
    cb_web_bytes text = cb_web_argument(call, 0);
    cb_buffer *result = NULL;
    cb_status status = cb_web_new(call, make(text, NULL), &result);
    if (status != CB_OK)
        return status;
    (void)make(text, result->data);
    return call->host->return_buffer(call, result);
}

cb_status cb_web_verb_html_escape(cb_call *call)
{
    return answer_made(call, cb_web_html_escape);
}

cb_status cb_web_verb_url_encode(cb_call *call)
{
    return answer_made(call, cb_web_url_encode);
}

cb_status cb_web_verb_base64_encode(cb_call *call)
{
    return answer_made(call, cb_web_base64_encode);
}

static cb_status answer_decoded(cb_call *call, cb_web_bytes text, bool is_form)
{
    cb_buffer *result = NULL;
    cb_status status = cb_web_new(call, text.size, &result);
    if (status != CB_OK)
        return status;
    result->size = cb_web_url_decode(text, is_form, result->data);
    return call->host->return_buffer(call, result);
}

cb_status cb_web_verb_url_decode(cb_call *call)
{
    return answer_decoded(call, cb_web_argument(call, 0), false);
}

cb_status cb_web_verb_form_value(cb_call *call)
{
    cb_web_bytes value = {NULL, 0};
    if (!cb_web_form_value(cb_web_argument(call, 0), cb_web_argument(call, 1), &value))
        return CB_OK;
    return answer_decoded(call, value, true);
}

cb_status cb_web_verb_cookie_value(cb_call *call)
{
    cb_web_bytes value = {NULL, 0};
    if (!cb_web_cookie(cb_web_argument(call, 0), cb_web_argument(call, 1), &value))
        return CB_OK;
    return call->host->return_bytes(call, value.data, value.size);
}

cb_status cb_web_verb_base64_decode(cb_call *call)
{
    cb_web_bytes text = cb_web_argument(call, 0);
    cb_buffer *result = NULL;
    cb_status status = cb_web_new(call, text.size, &result);
    if (status != CB_OK)
        return status;
    (void)cb_web_base64_decode(text, result->data, &result->size);
    return call->host->return_buffer(call, result);
}

cb_status cb_web_verb_mime_type(cb_call *call)
{
    const char *type = cb_web_mime_type(cb_web_argument(call, 0));
    return call->host->return_bytes(call, type, strlen(type));
}
