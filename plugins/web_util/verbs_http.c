/* The verbs over requests and responses. */
#include <stdio.h>
#include <string.h>

#include "plugins/web_util/request.h"
#include "plugins/web_util/web.h"

#define HEAD_SIZE 96 /* of a response, without its type */

/* -- requests -- */

static cb_status answer(cb_call *call, cb_web_bytes piece)
{
    return piece.size == 0 ? CB_OK : call->host->return_bytes(call, piece.data, piece.size);
}

cb_status cb_web_verb_method(cb_call *call)
{
    return answer(call, cb_web_method(cb_web_argument(call, 0)));
}

cb_status cb_web_verb_path(cb_call *call)
{
    return answer(call, cb_web_path(cb_web_argument(call, 0)));
}

cb_status cb_web_verb_query(cb_call *call)
{
    return answer(call, cb_web_query(cb_web_argument(call, 0)));
}

cb_status cb_web_verb_header_value(cb_call *call)
{
    int64_t nth = call->argc > 2 ? call->args[2].integer : 0;
    if (nth < 0)
        return call->host->fail(call, CB_INVALID, "nth is %lld; it must not be negative",
                                (long long)nth);
    cb_web_bytes name = cb_web_argument(call, 1);
    return answer(call, cb_web_header(cb_web_argument(call, 0), name, (size_t)nth));
}

cb_status cb_web_verb_body(cb_call *call)
{
    bool is_chunked = false;
    cb_web_bytes body = cb_web_body(cb_web_argument(call, 0), &is_chunked);
    if (!is_chunked || body.size == 0)
        return answer(call, body);
    cb_buffer *result = NULL;
    cb_status status = cb_web_new(call, body.size, &result);
    if (status != CB_OK)
        return status;
    (void)cb_web_join_chunks(body, result->data, &result->size);
    return call->host->return_buffer(call, result);
}

/* -- responses -- */

/* Empty for a status without a phrase of its own: the phrase may be. */
static const char *phrase_of(int64_t status)
{
    static const struct phrase {
        int status;
        const char *text;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "";
}

/* A response to these has no body, and 204 and 304 have no length either. */
static bool has_no_body(int64_t status)
{
    return status == 204 || status == 205 || status == 304;
}

static cb_status check_response(cb_call *call)
{
    int64_t status = call->args[0].integer;
    if (status < 200 || status > 599)
        return call->host->fail(call, CB_INVALID, "status is %lld; it must be 200..599",
                                (long long)status);
    const cb_value *type = &call->args[1];
    for (size_t i = 0; i < type->size; i++)
        if (type->data[i] < ' ' || type->data[i] > '~')
            return call->host->fail(call, CB_INVALID,
                                    "byte %zu of the type is 0x%02x; it must be printable ASCII", i,
                                    type->data[i]);
    if (has_no_body(status) && call->args[2].size > 0)
        return call->host->fail(call, CB_INVALID, "a response with status %lld has no body",
                                (long long)status);
    return CB_OK;
}

/* The arguments of both verbs: status, type, body, request?. */
static cb_status respond(cb_call *call)
{
    static const cb_web_bytes type_name = {(const uint8_t *)"Content-Type: ", 14};
    cb_status status = check_response(call);
    if (status != CB_OK)
        return status;
    cb_web_bytes type = cb_web_trim(cb_web_argument(call, 1));
    cb_web_bytes body = cb_web_argument(call, 2);
    char first[HEAD_SIZE];
    char length[HEAD_SIZE] = "\r\n";
    int code = (int)call->args[0].integer;
    int first_size = snprintf(first, sizeof(first), "HTTP/1.1 %d %s\r\n", code, phrase_of(code));
    int length_size = 2;
    if (code != 204 && code != 304)
        length_size = snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", body.size);
    if (has_no_body(code))
        type.size = 0;

    cb_web_bytes method = {NULL, 0};
    if (call->argc > 3)
        method = cb_web_method(cb_web_argument(call, 3));
    if (method.size == 4 && memcmp(method.data, "HEAD", 4) == 0)
        body.size = 0;

    const cb_web_bytes pieces[] = {
        {(const uint8_t *)first, (size_t)first_size},
        {type_name.data, type.size > 0 ? type_name.size : 0},
        type,
        {(const uint8_t *)"\r\n", type.size > 0 ? 2 : 0},
        {(const uint8_t *)length, (size_t)length_size},
        body,
    };
    size_t size = 0;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        size += pieces[i].size;
    cb_buffer *result = NULL;
    status = cb_web_new(call, size, &result);
    if (status != CB_OK)
        return status;
    uint8_t *out = result->data;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        if (pieces[i].size > 0)
            memcpy(out, pieces[i].data, pieces[i].size);
        out += pieces[i].size;
    }
    return call->host->return_buffer(call, result);
}

cb_status cb_web_verb_text_response(cb_call *call)
{
    return respond(call);
}

cb_status cb_web_verb_blob_response(cb_call *call)
{
    return respond(call);
}
