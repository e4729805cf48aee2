#include "actors/log/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actors/step/state.h"

#define NS_A_S  INT64_C(1000000000)
#define NS_A_MS INT64_C(1000000)
#define NS_A_US 1000

const char *cb_log_level_text(cb_log_level level)
{
    static const char *const texts[CB_LOG_LEVEL_COUNT] = {
#define LEVEL_TEXT(name, text) text,
        CB_LOG_LEVELS(LEVEL_TEXT)
#undef LEVEL_TEXT
    };
    return (unsigned)level < CB_LOG_LEVEL_COUNT ? texts[level] : "?";
}

static const char *event_of(unsigned kind)
{
    switch (kind) {
#define NOTE_TEXT(name, number, text)                                                              \
    case number:                                                                                   \
        return text;
        CB_NOTES(NOTE_TEXT)
#undef NOTE_TEXT
    default:
        return "?";
    }
}

static cb_log_level level_of_outcome(int32_t outcome)
{
    switch (outcome) {
    case CB_JOB_SUCCESS:
    case CB_JOB_CANCELED:
    case CB_JOB_CALLBACK_REFUSED:
    case CB_JOB_ROUTE_CLOSED:
    case CB_TALLY_DISCONNECTED:
        return CB_LOG_INFO;
    case CB_JOB_CALLBACK_FAILED:
    case CB_JOB_CALLBACK_TIMEOUT:
        return CB_LOG_ERROR;
    default:
        return CB_LOG_WARNING;
    }
}

cb_log_level cb_log_level_of(const cb_note *note)
{
    switch (note->kind) {
    case CB_NOTE_JOB_ENDED:
        return level_of_outcome(note->status);
    case CB_NOTE_ACTOR_ADDED:
    case CB_NOTE_ACTOR_BUSY:
        return CB_LOG_DEBUG;
    case CB_NOTE_ROUTE_FAILED:
    case CB_NOTE_ACTOR_LOST:
        return CB_LOG_ERROR;
    case CB_NOTE_REJECTED:
    case CB_NOTE_GRACE_OVER:
        return CB_LOG_WARNING;
    case CB_NOTE_FINISHED:
        return note->value != 0 ? CB_LOG_INFO : CB_LOG_WARNING;
    default:
        return CB_LOG_INFO;
    }
}

void cb_log_begin(cb_json *json, int64_t wall_ns, cb_log_level level, const char *event)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)(wall_ns / NS_A_S);
    memset(&parts, 0, sizeof parts);
    (void)gmtime_r(&seconds, &parts);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    length += (size_t)snprintf(text + length, sizeof text - length, ".%03dZ",
                               (int)(wall_ns % NS_A_S / NS_A_MS));
    cb_json_begin(json);
    cb_json_text(json, "ts", text, length);
    const char *name = cb_log_level_text(level);
    cb_json_text(json, "level", name, strlen(name));
    cb_json_text(json, "event", event, strlen(event));
}

static void add_text(cb_json *json, const char *name, const char *text)
{
    cb_json_text(json, name, text, strlen(text));
}

static void add_time(cb_json *json, const char *name, int64_t time_ns)
{
    if (time_ns >= 0)
        cb_json_number(json, name, time_ns / NS_A_US);
}

static void add_job(cb_json *json, const cb_note *note)
{
    static const char *const kinds[CB_JOB_KINDS] = {[CB_JOB_SERVER] = "request",
                                                    [CB_JOB_CLIENT] = "client",
                                                    [CB_JOB_LOCAL] = "local",
                                                    [CB_JOB_EVENT] = "event"};
    char handle[48];
    (void)snprintf(handle, sizeof handle, "#%" PRIu64 ".%" PRIu64, note->job & UINT32_MAX,
                   note->job >> 32);
    add_text(json, "job", handle);
    if (note->id != 0)
        cb_json_unsigned(json, "id", note->id);
    if (note->job_kind > 0 && note->job_kind < CB_JOB_KINDS)
        add_text(json, "kind", kinds[note->job_kind]);
    if (note->connection != 0)
        cb_json_unsigned(json, "connection", note->connection);
    add_text(json, "status", cb_tally_outcome_text(note->status));
    add_time(json, "queue_us", note->queue_ns);
    add_time(json, "run_us", note->run_ns);
    add_time(json, "total_us", note->whole_ns);
}

/* What a kind of note says beside its route. */
static void add_rest(cb_json *json, const cb_note *note)
{
    switch (note->kind) {
    case CB_NOTE_JOB_ENDED:
        add_job(json, note);
        break;
    case CB_NOTE_ROUTE_OPENED:
        cb_json_number(json, "port", note->value);
        break;
    case CB_NOTE_ROUTE_CLOSED:
        cb_json_number(json, "canceled", note->value);
        break;
    case CB_NOTE_ROUTE_CLOSING:
        add_text(json, "mode", note->status != 0 ? "drain" : "close");
        break;
    case CB_NOTE_ROUTE_FAILED:
        add_text(json, "status", cb_status_text((cb_status)note->status));
        break;
    case CB_NOTE_REJECTED:
        add_text(json, "status", cb_job_status_text(note->status));
        cb_json_number(json, "count", note->value);
        break;
    case CB_NOTE_ACTOR_ADDED:
    case CB_NOTE_ACTOR_BUSY:
    case CB_NOTE_ACTOR_LOST:
        cb_json_unsigned(json, "actor", note->connection);
        cb_json_number(json, "jobs", note->value);
        break;
    case CB_NOTE_SHUTDOWN:
        cb_json_number(json, "grace_ms", note->value);
        break;
    case CB_NOTE_GRACE_OVER:
        cb_json_number(json, "jobs", note->value);
        break;
    case CB_NOTE_FINISHED:
        add_text(json, "status", cb_status_text((cb_status)note->status));
        cb_json_number(json, "whole", note->value);
        break;
    default:
        break;
    }
}

void cb_log_format_note(cb_json *json, int64_t wall_ns, const cb_noted *noted)
{
    const cb_note *note = &noted->note;
    cb_log_begin(json, wall_ns, cb_log_level_of(note), event_of(note->kind));
    cb_json_unsigned(json, "seq", noted->sequence);
    if (noted->cause != 0)
        cb_json_unsigned(json, "cause", noted->cause);
    if (noted->name_size > 0)
        cb_json_text(json, "namespace", noted->name, noted->name_size);
    if (note->route != 0)
        cb_json_unsigned(json, "route", note->route);
    add_rest(json, note);
    if (noted->detail_size > 0)
        cb_json_text(json, "error", noted->detail, noted->detail_size);
    cb_json_end(json);
}
