/* The verbs that answer with `key=value` pairs. All questions of one text go out in one batch, so
 * the numbers in it belong to one and the same state. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/family/family.h"

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

static void append_value(text *out, cb_family_format format, const cb_question *answer)
{
    static const char *const phases[] = {"queued", "running", "completed"};
    char number[24];
    switch (format) {
    case CB_FAMILY_AS_NUMBER:
        (void)snprintf(number, sizeof number, "%" PRId64, answer->value);
        append_words(out, number);
        break;
    case CB_FAMILY_AS_BYTES:
        if (answer->bytes != NULL)
            append_encoded(out, answer->bytes->data, answer->bytes->size);
        break;
    case CB_FAMILY_AS_STATE:
        append_words(out, answer->value == 1 ? "open" : "closed");
        break;
    case CB_FAMILY_AS_BIND_MODE:
        append_words(out, answer->value == 1 ? "any" : "local");
        break;
    case CB_FAMILY_AS_PHASE:
        append_words(out, answer->value >= 0 && answer->value <= CB_PHASE_COMPLETED
                              ? phases[answer->value]
                              : "unknown");
        break;
    case CB_FAMILY_AS_JOB_STATUS:
        append_words(out, out->host->job_status_text((int)answer->value));
        break;
    }
}

/* Asks everything at once and returns the pairs; CB_UNKNOWN if there is no such id. */
static cb_status answer_info(cb_call *call, const cb_family_field *fields, size_t count)
{
    assert(count <= CB_FAMILY_FIELDS_MAX);
    cb_question questions[CB_FAMILY_FIELDS_MAX];
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

cb_status cb_family_info_of_route(cb_call *call, const cb_family_field *fields, size_t count)
{
    return cb_family_route_error(call, answer_info(call, fields, count));
}

cb_status cb_family_info_of_job(cb_call *call, const cb_family_field *fields, size_t count)
{
    return cb_family_job_error(call, answer_info(call, fields, count));
}

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

cb_status cb_family_route_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"port", CB_ASK_ROUTE_PORT, CB_FAMILY_AS_NUMBER},
        {"callback", CB_ASK_ROUTE_CALLBACK, CB_FAMILY_AS_BYTES},
        {"timeoutMs", CB_ASK_ROUTE_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, CB_FAMILY_AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, CB_FAMILY_AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, CB_FAMILY_AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, CB_FAMILY_AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, CB_FAMILY_AS_NUMBER},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSED_QUEUED, CB_FAMILY_AS_NUMBER},
        {"accepted", CB_ASK_ROUTE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"completed", CB_ASK_ROUTE_COMPLETED, CB_FAMILY_AS_NUMBER},
        {"failed", CB_ASK_ROUTE_FAILED, CB_FAMILY_AS_NUMBER},
        {"dropped", CB_ASK_ROUTE_DROPPED, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, FIELD_COUNT(fields));
}

cb_status cb_family_close_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"state", CB_ASK_ROUTE_STATE, CB_FAMILY_AS_STATE},
        {"closeAccepted", CB_ASK_ROUTE_CLOSE_ACCEPTED, CB_FAMILY_AS_NUMBER},
        {"closedQueued", CB_ASK_ROUTE_CLOSED_QUEUED, CB_FAMILY_AS_NUMBER},
        {"active", CB_ASK_ROUTE_ACTIVE, CB_FAMILY_AS_NUMBER},
        {"pending", CB_ASK_ROUTE_PENDING, CB_FAMILY_AS_NUMBER},
        {"queued", CB_ASK_ROUTE_QUEUED, CB_FAMILY_AS_NUMBER},
        {"running", CB_ASK_ROUTE_RUNNING, CB_FAMILY_AS_NUMBER},
        {"drained", CB_ASK_ROUTE_DRAINED, CB_FAMILY_AS_NUMBER},
    };
    return cb_family_info_of_route(call, fields, FIELD_COUNT(fields));
}

cb_status cb_family_job_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"route", CB_ASK_JOB_ROUTE, CB_FAMILY_AS_NUMBER},
        {"phase", CB_ASK_JOB_PHASE, CB_FAMILY_AS_PHASE},
        {"status", CB_ASK_JOB_STATUS, CB_FAMILY_AS_NUMBER},
        {"statusText", CB_ASK_JOB_STATUS, CB_FAMILY_AS_JOB_STATUS},
        {"timeoutMs", CB_ASK_JOB_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"hasBlobResult", CB_ASK_JOB_HAS_RESULT, CB_FAMILY_AS_NUMBER},
        {"blobResultSize", CB_ASK_JOB_RESULT_SIZE, CB_FAMILY_AS_NUMBER},
        {"error", CB_ASK_JOB_ERROR_TEXT, CB_FAMILY_AS_BYTES},
    };
    return cb_family_info_of_job(call, fields, FIELD_COUNT(fields));
}
