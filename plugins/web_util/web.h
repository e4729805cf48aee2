/* web: declarations that its files of verbs share. */
#ifndef CALLBOARD_PLUGINS_WEB_UTIL_WEB_H
#define CALLBOARD_PLUGINS_WEB_UTIL_WEB_H

#include "callboard/plugin.h"
#include "plugins/web_util/bytes.h"

/* Bytes of the longest result that a verb here builds. The host's own limit may be lower. */
#define CB_WEB_RESULT_MAX 1073741824u

/* A new buffer for a result of `size` bytes; it belongs to the caller. A runtime error if that is
 * too much. */
cb_status cb_web_new(cb_call *call, size_t size, cb_buffer **result);

static inline cb_web_bytes cb_web_argument(const cb_call *call, uint32_t index)
{
    return (cb_web_bytes){call->args[index].data, call->args[index].size};
}

/* X(function): the verbs' handlers. */
#define CB_WEB_HANDLERS(X)                                                                         \
    X(method)                                                                                      \
    X(path)                                                                                        \
    X(query)                                                                                       \
    X(header_value)                                                                                \
    X(body)                                                                                        \
    X(text_response)                                                                               \
    X(blob_response)                                                                               \
    X(html_escape)                                                                                 \
    X(url_encode)                                                                                  \
    X(url_decode)                                                                                  \
    X(form_value)                                                                                  \
    X(cookie_value)                                                                                \
    X(mime_type)                                                                                   \
    X(base64_encode)                                                                               \
    X(base64_decode)

#define CB_WEB_DECLARE(function) cb_verb_fn cb_web_verb_##function;
CB_WEB_HANDLERS(CB_WEB_DECLARE)
#undef CB_WEB_DECLARE

#endif
