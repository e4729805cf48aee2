#include "actors/trace/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/base/message.h"
#include "callboard/kinds.h"

typedef enum question_about { ABOUT_NONE, ABOUT_ROUTE, ABOUT_JOB } question_about;

static question_about question_subject(int64_t question)
{
    switch (question) {
#define QUESTION_ABOUT(name, about, text)                                                          \
    case CB_ASK_##name:                                                                            \
        return ABOUT_##about;
        CB_QUESTIONS(QUESTION_ABOUT)
#undef QUESTION_ABOUT
    default:
        return ABOUT_NONE;
    }
}

static const char *question_name(int64_t question)
{
    switch (question) {
#define QUESTION_NAME(name, about, text)                                                           \
    case CB_ASK_##name:                                                                            \
        return #name;
        CB_QUESTIONS(QUESTION_NAME)
#undef QUESTION_NAME
    default:
        return NULL;
    }
}

static const char *wait_name(int32_t what)
{
    switch (what) {
    case CB_WAIT_TIME:
        return "time";
    case CB_WAIT_JOB_COMPLETE:
        return "job complete";
    case CB_WAIT_ROUTE_DRAINED:
        return "route drained";
    default:
        return "?";
    }
}

const char *cb_describe_close_reason(int32_t reason)
{
    switch (reason) {
#define CLOSE_TEXT(name, number, text)                                                             \
    case number:                                                                                   \
        return text;
        CB_CLOSE_REASONS(CLOSE_TEXT)
#undef CLOSE_TEXT
    default:
        return "?";
    }
}

/* Whether `route` and `connection` are the halves of the job that asks. */
static bool halves_are_asking_job(unsigned kind)
{
    return kind == CB_MSG_WAIT || kind == CB_MSG_CANCEL_JOB;
}

cb_subject cb_describe_subject(const cb_trace_message *message)
{
    cb_subject subject = {.route = message->route, .job = message->job};
    question_about about = ABOUT_JOB;
    if (halves_are_asking_job(message->kind))
        subject.route = 0;
    switch (message->kind) {
    case CB_MSG_ASK:
        about = question_subject(message->value);
        break;
    case CB_MSG_WAIT:
        if (message->status == CB_WAIT_ROUTE_DRAINED)
            about = ABOUT_ROUTE;
        if (message->status == CB_WAIT_TIME) { /* about nothing: who sleeps is shown */
            subject.job = ((uint64_t)message->connection << 32) | message->route;
            subject.is_handle = true;
        }
        break;
    case CB_MSG_OPEN_ROUTE:
    case CB_MSG_CLOSE_ROUTE:
    case CB_MSG_COMMAND:
    case CB_MSG_CLOSE_JOBS:
    case CB_MSG_HAND:
    case CB_MSG_JOB_STARTED:
    case CB_MSG_JOB_COMPLETED:
    case CB_MSG_JOB_RETURNED:
    case CB_MSG_INTERRUPT:
    case CB_MSG_JOB_STALE:
    case CB_MSG_REDIAL:
    case CB_MSG_ORDER:
    case CB_MSG_ORDER_DONE:
    case CB_MSG_CANCEL_ORDER:
        subject.is_handle = true;
        break;
    default:
        break;
    }
    if (about == ABOUT_ROUTE && subject.job <= UINT32_MAX) {
        subject.route = (uint32_t)subject.job;
        subject.job = 0;
    }
    return subject;
}

void cb_describe_address(uint32_t address, bool is_listener, char *text, size_t size)
{
    if (address >= CB_ADDRESS_FIRST_ASKER)
        snprintf(text, size, "asker %" PRIu32, address - CB_ADDRESS_FIRST_ASKER);
    else if (address >= CB_ADDRESS_FIRST_ACTOR)
        snprintf(text, size, "%s %" PRIu32, is_listener ? "listener" : "actor", address);
    else if (address == CB_ADDRESS_SUPERVISOR)
        snprintf(text, size, "supervisor");
    else if (address == CB_ADDRESS_CLIENT)
        snprintf(text, size, "client");
    else if (address == CB_ADDRESS_CLOCK)
        snprintf(text, size, "clock");
    else if (address == CB_ADDRESS_NONE)
        snprintf(text, size, "-");
    else
        snprintf(text, size, "address %" PRIu32, address);
}

/* A name from a file must not write to a terminal what it likes. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = '?';
    }
}

void cb_describe_route(const cb_trace_reader *reader, const cb_trace_message *message, char *text,
                       size_t size)
{
    cb_subject subject = cb_describe_subject(message);
    if (message->name_space == 0 && subject.route == 0) {
        snprintf(text, size, "-");
        return;
    }
    char number[16] = "-";
    if (subject.route != 0)
        snprintf(number, sizeof number, "%" PRIu32, subject.route);
    const char *name = cb_trace_name_space(reader, message->name_space);
    if (name)
        snprintf(text, size, "%.64s:%s", name, number);
    else
        snprintf(text, size, "%u:%s", message->name_space, number);
    make_printable(text);
}

void cb_describe_job(const cb_trace_message *message, char *text, size_t size)
{
    cb_subject subject = cb_describe_subject(message);
    if (subject.job == 0)
        snprintf(text, size, "-");
    else if (subject.is_handle)
        snprintf(text, size, "#%" PRIu64 ".%" PRIu64, subject.job & UINT32_MAX, subject.job >> 32);
    else
        snprintf(text, size, "%" PRIu64, subject.job);
}

const char *cb_describe_kind(uint32_t word)
{
    static const char *const names[CB_ROUTE_KINDS] = {
        [CB_ROUTE_TCP] = "tcp",         [CB_ROUTE_HTTP] = "http",   [CB_ROUTE_UDP] = "udp",
        [CB_ROUTE_UDP_CLIENT] = "udpc", [CB_ROUTE_LOCAL] = "local", [CB_ROUTE_SOCKETS] = "sockets",
        [CB_ROUTE_LOOP] = "loop",
    };
    uint32_t base = cb_route_word_base(word);
    return base < CB_ROUTE_KINDS && names[base] != NULL ? names[base] : "port";
}

/* A kind of route and its port: on every address, or an inherited descriptor's number. */
static void describe_route_word(uint32_t word, char *text, size_t size)
{
    uint32_t kind = cb_route_word_kind(word);
    const char *where = (kind & CB_ROUTE_INHERITED) != 0     ? "fd "
                        : (kind & CB_ROUTE_ANY_ADDRESS) != 0 ? "*:"
                                                             : "";
    snprintf(text, size, "%s %s%" PRIu16, cb_describe_kind(word), where, cb_route_word_port(word));
}

void cb_describe_connection(const cb_trace_message *message, char *text, size_t size)
{
    bool is_connection =
        message->kind != CB_MSG_OPEN_ROUTE && message->kind != CB_MSG_START_LISTENER;
    if (message->connection == 0 || halves_are_asking_job(message->kind))
        snprintf(text, size, "-");
    else if (is_connection)
        snprintf(text, size, "%" PRIu32, message->connection);
    else
        describe_route_word(message->connection, text, size);
}

static void describe_order(int32_t what, char *text, size_t size)
{
    if (what == CB_ORDER_SET_TLS)
        snprintf(text, size, "set TLS");
    else
        snprintf(text, size, "order %" PRId32, what);
}

void cb_describe_status(const cb_trace_message *message, char *text, size_t size)
{
    switch (message->kind) {
    case CB_MSG_OPEN_ROUTE:
        if (message->status < 0)
            snprintf(text, size, "no limit");
        else
            snprintf(text, size, "limit %" PRId32 " ms", message->status);
        break;
    case CB_MSG_WAIT:
        snprintf(text, size, "%s", wait_name(message->status));
        break;
    case CB_MSG_CONNECTION_CLOSED:
        snprintf(text, size, "%s", cb_describe_close_reason(message->status));
        break;
    case CB_MSG_COMMAND:
    case CB_MSG_ORDER:
        describe_order(message->status, text, size);
        break;
    case CB_MSG_JOB_COMPLETED:
    case CB_MSG_DROP:
    case CB_MSG_INTERRUPT:
    case CB_MSG_REJECTED:
    case CB_MSG_REDIAL:
        snprintf(text, size, "%s", cb_job_status_text(message->status));
        break;
    case CB_MSG_ANSWER:
    case CB_MSG_ORDER_DONE:
    case CB_MSG_ROUTE_FAILED:
    case CB_MSG_ACTOR_STOPPED:
        snprintf(text, size, "%s", cb_status_text((cb_status)message->status));
        break;
    default:
        if (message->status == 0)
            snprintf(text, size, "-");
        else
            snprintf(text, size, "%" PRId32, message->status);
        break;
    }
}

static bool uses_value(unsigned kind)
{
    switch (kind) {
    case CB_MSG_OPEN_ROUTE:
    case CB_MSG_BEGIN_JOB:
    case CB_MSG_WAIT:
    case CB_MSG_ROUTE_LISTENING:
    case CB_MSG_REQUEST_READY:
    case CB_MSG_RESPONSE_SENT:
    case CB_MSG_JOB_COMPLETED:
    case CB_MSG_HAND:
    case CB_MSG_ANSWER:
    case CB_MSG_COMMAND:
    case CB_MSG_ORDER:
    case CB_MSG_ORDER_DONE:
    case CB_MSG_REJECTED:
    case CB_MSG_CONNECTIONS:
    case CB_MSG_JOB_STALE:
    case CB_MSG_PIN:
        return true;
    default:
        return false;
    }
}

void cb_describe_value(const cb_trace_message *message, int64_t start_ns, char *text, size_t size)
{
    if (message->kind == CB_MSG_ASK) {
        const char *name = question_name(message->value);
        if (name) {
            snprintf(text, size, "%s", name);
            return;
        }
    }
    if (message->kind == CB_MSG_TICK_AT) {
        if (message->value == INT64_MAX)
            snprintf(text, size, "never");
        else
            cb_describe_time(message->value, start_ns, text, size);
        return;
    }
    if (message->value == 0 && !uses_value(message->kind))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%" PRId64, message->value);
}

void cb_describe_flags(const cb_trace_message *message, char *text, size_t size)
{
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = {{CB_FLAG_SHARED, "shared"},   {CB_FLAG_HAS_NUL, "has-nul"},
                 {CB_FLAG_AS_TEXT, "as-text"}, {CB_FLAG_LOOPBACK, "loopback"},
                 {CB_FLAG_AT_ONCE, "at-once"}, {CB_FLAG_FINAL, "final"},
                 {CB_FLAG_CLIENT, "client"},   {CB_FLAG_NEW, "new"}};
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!(message->flags & flags[i].flag) || length >= size)
            continue;
        int added =
            snprintf(text + length, size - length, "%s%s", length ? "," : "", flags[i].name);
        length += added > 0 ? (size_t)added : 0;
    }
}

void cb_describe_time(int64_t time_ns, int64_t start_ns, char *text, size_t size)
{
    /* Unsigned: a difference of two numbers from a file may overflow. */
    uint64_t distance = (uint64_t)time_ns - (uint64_t)start_ns;
    bool before = time_ns < start_ns;
    if (before)
        distance = 0 - distance;
    uint64_t us = distance / 1000;
    snprintf(text, size, "%s%" PRIu64 ".%03" PRIu64, before ? "-" : "", us / 1000, us % 1000);
}
