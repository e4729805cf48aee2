#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actors/base/message.h"
#include "actors/trace/describe.h"
#include "callboard/trace.h"

#define COLUMN 96u

/* Addresses known to be listeners, one bit each. A file may name any address: those beyond this
 * number are not learned and stay "actor". */
#define KNOWN_ADDRESSES (1u << 22)

typedef struct show {
    FILE *out;
    cb_trace_reader *reader;
    cb_trace_show_options options;
    int64_t start_ns;
    uint8_t *listeners;
} show;

static bool is_listener(const show *view, uint32_t address)
{
    return address < KNOWN_ADDRESSES && (view->listeners[address / 8] >> address % 8 & 1) != 0;
}

static void learn_listener(show *view, const cb_trace_message *message)
{
    if (message->kind == CB_MSG_START_LISTENER && message->to < KNOWN_ADDRESSES)
        view->listeners[message->to / 8] |= (uint8_t)(1u << message->to % 8);
}

static bool any_filter(const cb_trace_show_options *options)
{
    return options->route || options->job || options->kind || options->since_ns ||
           options->until_ns;
}

/* Two numbers from a file: their difference is cut to what fits. */
static int64_t since_start(const show *view, const cb_trace_message *message)
{
    if (message->time_ns < view->start_ns)
        return -1;
    uint64_t distance = (uint64_t)message->time_ns - (uint64_t)view->start_ns;
    return distance > INT64_MAX ? INT64_MAX : (int64_t)distance;
}

static bool wanted(const show *view, const cb_trace_message *message)
{
    const cb_trace_show_options *options = &view->options;
    if (options->route != 0 && cb_describe_subject(message).route != options->route)
        return false;
    if (options->job) {
        char job[COLUMN];
        cb_describe_job(message, job, sizeof job);
        if (strcmp(job, options->job) != 0)
            return false;
    }
    if (options->kind && strcasecmp(cb_message_name(message->kind), options->kind) != 0)
        return false;
    int64_t since = since_start(view, message);
    return (options->since_ns == 0 || since >= options->since_ns) &&
           (options->until_ns == 0 || since <= options->until_ns);
}

static void print_heading(const show *view)
{
    fprintf(view->out, "#%7s %12s    %-13s    %-13s %-16s %-16s %7s %10s %-16s %14s %8s %8s %s\n",
            "number", "ms", "from", "to", "message", "route", "job", "connection", "status",
            "value", "bytes", "cause", "flags");
}

static void print_message(const show *view, const cb_trace_record *record)
{
    const cb_trace_message *message = &record->of.message;
    char time[COLUMN], from[COLUMN], to[COLUMN], route[COLUMN], job[COLUMN], connection[COLUMN];
    char status[COLUMN], value[COLUMN], bytes[COLUMN] = "-", cause[COLUMN] = "-", flags[COLUMN];
    cb_describe_time(message->time_ns, view->start_ns, time, sizeof time);
    cb_describe_address(message->from, is_listener(view, message->from), from, sizeof from);
    cb_describe_address(message->to, is_listener(view, message->to), to, sizeof to);
    cb_describe_route(view->reader, message, route, sizeof route);
    cb_describe_job(message, job, sizeof job);
    cb_describe_connection(message, connection, sizeof connection);
    cb_describe_status(message, status, sizeof status);
    cb_describe_value(message, view->start_ns, value, sizeof value);
    cb_describe_flags(message, flags, sizeof flags);
    if (message->payload != 0)
        snprintf(bytes, sizeof bytes, "%" PRIu64, record->payload_size);
    if (message->cause != 0)
        snprintf(cause, sizeof cause, "%" PRIu64, message->cause);
    fprintf(view->out,
            "%8" PRIu64 " %12s %s %-13s -> %-13s %-16s %-16s %7s %10s %-16s %14s %8s %8s%s%s\n",
            record->sequence, time, record->kind == CB_TRACE_EFFECT ? " <" : "> ", from, to,
            cb_message_name(message->kind), route, job, connection, status, value, bytes, cause,
            flags[0] ? " " : "", flags);
}

static void print_record(show *view, const cb_trace_record *record)
{
    switch (record->kind) {
    case CB_TRACE_INPUT:
        if (wanted(view, &record->of.message))
            print_message(view, record);
        break;
    case CB_TRACE_EFFECT:
        learn_listener(view, &record->of.message);
        if (wanted(view, &record->of.message))
            print_message(view, record);
        break;
    case CB_TRACE_CHECKPOINT:
        if (!any_filter(&view->options))
            fprintf(view->out, "%8" PRIu64 " %12s =  state %016" PRIx64 "\n", record->sequence, "",
                    record->of.hash);
        break;
    case CB_TRACE_LOST:
        fprintf(view->out,
                "# lost here: %" PRIu64 " messages, %" PRIu64
                " records; they came faster than they "
                "could be written\n",
                record->of.lost.messages, record->of.lost.records);
        break;
    default:
        break;
    }
}

static void print_end(const show *view)
{
    cb_trace_cut cut = cb_trace_cut_of(view->reader);
    if (cut.bytes != 0)
        fprintf(view->out,
                "# the end is torn: %" PRIu64 " bytes after byte %" PRIu64 " were left out\n",
                cut.bytes, cut.offset);
    else if (!cut.closed)
        fprintf(view->out, "# no end record: still being written, or its program was killed\n");
}

static cb_status show_all(show *view, cb_error *error)
{
    const cb_trace_header *header = cb_trace_header_of(view->reader);
    view->start_ns = header->start_mono_ns;
    print_heading(view);
    if (header->overwritten != 0)
        fprintf(view->out, "# starts in the middle: %" PRIu64 " older records were overwritten\n",
                header->overwritten);
    cb_trace_record record;
    cb_status status;
    while ((status = cb_trace_next(view->reader, &record, error)) == CB_OK && !ferror(view->out))
        print_record(view, &record);
    if (status == CB_CLOSED) {
        print_end(view);
        status = CB_OK;
    }
    if (fflush(view->out) != 0 || ferror(view->out))
        return cb_fail_errno(error, CB_IO, errno, "the lines of the trace cannot be written");
    return status;
}

cb_status cb_trace_show(FILE *out, const char *path, const cb_trace_show_options *options,
                        cb_error *error)
{
    show view = {.out = out};
    if (options)
        view.options = *options;
    view.listeners = calloc(KNOWN_ADDRESSES / 8, 1);
    if (!view.listeners)
        return cb_fail(error, CB_NO_MEMORY, "no memory for showing a trace");
    cb_status status = cb_trace_open(path, &view.reader, error);
    if (status == CB_OK) {
        cb_error inner = {.status = CB_OK};
        status = show_all(&view, &inner);
        if (status != CB_OK)
            cb_fail(error, status, "%s: %s", path, inner.text);
        cb_trace_close(&view.reader);
    }
    free(view.listeners);
    return status;
}
