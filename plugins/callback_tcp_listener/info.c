/* The verbs that answer with `key=value` pairs. All questions of one text go out in one batch, so
 * the numbers in it belong to one and the same state. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/callback_tcp_listener/callbacktcp.h"

/* How a question's answer is shown. */
typedef enum field_format {
    AS_NUMBER,
    AS_BYTES,      /* the answer's bytes */
    AS_STATE,      /* a route's state in words */
    AS_PHASE,      /* a job's phase in words */
    AS_JOB_STATUS, /* a job's status in words */
} field_format;

typedef struct field {
    const char *key;
    cb_question_kind what; /* CB_ASK_NONE: the id itself */
    field_format format;
} field;

enum { FIELDS_MAX = 16 };

/* A text that grows in a buffer of the host's; `failed` once there was no memory. */
typedef struct text {
    const cb_host *host;
    cb_buffer *buffer;
    bool failed;
} text;

static void append(text *out, const void *bytes, size_t size)
{
    if (out->failed || size == 0)
        return;
    size_t used = out->buffer == NULL ? 0 : out->buffer->size;
    if (out->buffer == NULL || size > out->buffer->capacity - used) {
        cb_buffer *larger = out->host->buffer_new(0, (used + size) * 2 + 256);
        if (larger == NULL) {
            out->failed = true;
            return;
        }
        if (used > 0)
            memcpy(larger->data, out->buffer->data, used);
        out->host->buffer_release(out->buffer);
        out->buffer = larger;
    }
    memcpy(out->buffer->data + used, bytes, size);
    out->buffer->size = used + size;
}

/* A value may hold anything; whatever would break the pairs apart is written as %XX. */
static void append_encoded(text *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        if (byte > ' ' && byte != '=' && byte != '%' && byte != 0x7f) {
            append(out, &byte, 1);
            continue;
        }
        const char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        append(out, escape, sizeof escape);
    }
}

static void append_words(text *out, const char *words)
{
    append_encoded(out, (const uint8_t *)words, strlen(words));
}

static void append_value(text *out, field_format format, const cb_question *answer)
{
    static const char *const phases[] = {"queued", "running", "completed"};
    char number[24];
    switch (format) {
    case AS_NUMBER:
        (void)snprintf(number, sizeof number, "%" PRId64, answer->value);
        append_words(out, number);
        break;
    case AS_BYTES:
        if (answer->bytes != NULL)
            append_encoded(out, answer->bytes->data, answer->bytes->size);
        break;
    case AS_STATE:
        append_words(out, answer->value == 1 ? "open" : "closed");
        break;
    case AS_PHASE:
        append_words(out, answer->value >= 0 && answer->value <= CB_PHASE_COMPLETED
                              ? phases[answer->value]
                              : "unknown");
        break;
    case AS_JOB_STATUS:
        append_words(out, out->host->job_status_text((int)answer->value));
        break;
    }
}

/* Asks everything at once and returns the pairs; CB_UNKNOWN if there is no such id. */
static cb_status answer_info(cb_call *call, const field *fields, size_t count)
{
    cb_question questions[FIELDS_MAX];
    memset(questions, 0, sizeof questions);
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        if (fields[i].what != CB_ASK_NONE)
            questions[asked++] = (cb_question){.what = fields[i].what, .id = call->args[0].integer};
    cb_status status = call->host->ask(call, questions, asked);

    text out = {.host = call->host};
    const cb_question id = {.value = call->args[0].integer};
    const cb_question *next = questions;
    for (size_t i = 0; i < count && status == CB_OK; i++) {
        const cb_question *answer = fields[i].what == CB_ASK_NONE ? &id : next++;
        status = answer->status;
        if (i > 0)
            append(&out, " ", 1);
        append(&out, fields[i].key, strlen(fields[i].key));
        append(&out, "=", 1);
        append_value(&out, fields[i].format, answer);
    }
    for (size_t i = 0; i < asked; i++)
        call->host->buffer_release(questions[i].bytes);
    if (status == CB_OK && out.failed)
        status = CB_NO_MEMORY;
    if (status != CB_OK) {
        call->host->buffer_release(out.buffer);
        return status;
    }
    return call->host->return_buffer(call, out.buffer);
}

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

cb_status cb_ctcp_route_info(cb_call *call)
{
    static const field fields[] = {
        {"id", CB_ASK_NONE, AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, AS_STATE},
        {"port", CB_ASK_ROUTE_PORT, AS_NUMBER},
        {"callback", CB_ASK_ROUTE_CALLBACK, AS_BYTES},
        {"timeoutMs", CB_ASK_ROUTE_TIMEOUT, AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, AS_NUMBER},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSED_QUEUED, AS_NUMBER},
        {"accepted", CB_ASK_ROUTE_ACCEPTED, AS_NUMBER},
        {"completed", CB_ASK_ROUTE_COMPLETED, AS_NUMBER},
        {"failed", CB_ASK_ROUTE_FAILED, AS_NUMBER},
        {"dropped", CB_ASK_ROUTE_DROPPED, AS_NUMBER},
    };
    _Static_assert(FIELD_COUNT(fields) <= FIELDS_MAX, "the questions fit their array");
    return cb_ctcp_route_error(call, answer_info(call, fields, FIELD_COUNT(fields)));
}

cb_status cb_ctcp_close_info(cb_call *call)
{
    static const field fields[] = {
        {"id", CB_ASK_NONE, AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, AS_STATE},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSED_QUEUED, AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, AS_NUMBER},
    };
    _Static_assert(FIELD_COUNT(fields) <= FIELDS_MAX, "the questions fit their array");
    return cb_ctcp_route_error(call, answer_info(call, fields, FIELD_COUNT(fields)));
}

cb_status cb_ctcp_job_info(cb_call *call)
{
    static const field fields[] = {
        {"id", CB_ASK_NONE, AS_NUMBER},
        {"route", CB_ASK_JOB_ROUTE, AS_NUMBER},
        {"phase", CB_ASK_JOB_PHASE, AS_PHASE},
        {"status", CB_ASK_JOB_STATUS, AS_NUMBER},
        {"statusText", CB_ASK_JOB_STATUS, AS_JOB_STATUS},
        {"timeoutMs", CB_ASK_JOB_TIMEOUT, AS_NUMBER},
        {"hasBlobResult", CB_ASK_JOB_HAS_RESULT, AS_NUMBER},
        {"blobResultSize", CB_ASK_JOB_RESULT_SIZE, AS_NUMBER},
        {"error", CB_ASK_JOB_ERROR_TEXT, AS_BYTES},
    };
    _Static_assert(FIELD_COUNT(fields) <= FIELDS_MAX, "the questions fit their array");
    return cb_ctcp_job_error(call, answer_info(call, fields, FIELD_COUNT(fields)));
}
