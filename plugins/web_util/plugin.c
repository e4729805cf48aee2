/* web: reading requests, making responses, and the escapes between. This file is the table. */
#include "plugins/web_util/web.h"

cb_status cb_web_new(cb_call *call, size_t size, cb_buffer **result)
{
    if (size > CB_WEB_RESULT_MAX)
        return call->host->fail(call, CB_LIMIT, "the result would have %zu bytes; the limit is %u",
                                size, CB_WEB_RESULT_MAX);
    *result = call->host->buffer_new(size, size + 1); /* room for the NUL that ends a string */
    return *result == NULL ? CB_NO_MEMORY : CB_OK;
}

static const cb_verb verbs[] = {
    /* -- requests -- */
    {"HttpRequestMethod", "string(blob request)", cb_web_verb_method, 0, "such as GET or POST"},
    {"HttpRequestPath", "string(blob request)", cb_web_verb_path, 0,
     "the target's path as it came, without the query"},
    {"HttpRequestQuery", "string(blob request)", cb_web_verb_query, 0,
     "what follows the target's ?"},
    {"HttpHeaderValue", "string(blob request, string name, i32 nth?)", cb_web_verb_header_value, 0,
     "a field's value, the first one or number nth from 0"},
    {"HttpRequestBody", "blob(blob request)", cb_web_verb_body, 0,
     "the body, put together if it came in chunks"},
    /* -- responses -- */
    {"HttpTextResponse", "blob(i32 status, string type, string text, blob request?)",
     cb_web_verb_text_response, 0, "a whole response; without its body if the request is a HEAD"},
    {"HttpBlobResponse", "blob(i32 status, string type, blob body, blob request?)",
     cb_web_verb_blob_response, 0, "the same with bytes"},
    {"MimeType", "string(string path)", cb_web_verb_mime_type, 0,
     "the type that belongs to a file's ending"},
    /* -- escapes -- */
    {"HtmlEscape", "string(string text)", cb_web_verb_html_escape, 0,
     "safe as text and as an attribute's value"},
    {"UrlEncode", "string(string text)", cb_web_verb_url_encode, 0,
     "safe as a part of a path or of a query"},
    {"UrlDecode", "string(string text)", cb_web_verb_url_decode, 0, "%XX as bytes"},
    {"UrlFormValue", "string(string form, string name)", cb_web_verb_form_value, 0,
     "a field of a query or a form, decoded"},
    {"CookieValue", "string(string cookies, string name)", cb_web_verb_cookie_value, 0,
     "a cookie of the field Cookie"},
    {"Base64Encode", "string(blob bytes)", cb_web_verb_base64_encode, 0, "the bytes in Base64"},
    {"Base64Decode", "blob(string text)", cb_web_verb_base64_decode, 0,
     "the bytes that Base64 says; empty if it is none"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "web",
    .version = "0.1.0",
    .summary = "HTTP requests and responses, escapes, Base64",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
