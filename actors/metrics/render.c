#include "actors/metrics/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/base/utf8.h"
#include "actors/trace/describe.h"
#include "callboard/version.h"

#define FIRST_ROOM  16384u
#define LABELS_SIZE 1024u
#define NS_A_S      UINT64_C(1000000000)

typedef struct text {
    cb_buffer *bytes; /* NULL once there was no memory */
} text;

static void add(text *to, const char *format, ...) CB_PRINTF_LIKE(2, 3);

static void add(text *to, const char *format, ...)
{
    if (to->bytes == NULL)
        return;
    for (;;) {
        cb_buffer *bytes = to->bytes;
        size_t room = bytes->capacity - bytes->size;
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf((char *)bytes->data + bytes->size, room, format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < room) {
            bytes->size += (size_t)length;
            return;
        }
        if (length < 0 || cb_buffer_writable(&to->bytes, bytes->capacity * 2) != CB_OK) {
            cb_buffer_release(to->bytes);
            to->bytes = NULL;
            return;
        }
    }
}

/* -- labels ----------------------------------------------------------------------------------- */

/* A label's value between quotes; what is no text becomes U+FFFD. Cut where there is no room. */
static size_t add_value(char *to, size_t room, const char *value)
{
    size_t length = 0;
    size_t size = strlen(value);
    while (size > 0) {
        size_t taken = cb_utf8_size(value, size);
        const char *as = taken == 0       ? CB_UTF8_REPLACEMENT
                         : *value == '\\' ? "\\\\"
                         : *value == '"'  ? "\\\""
                         : *value == '\n' ? "\\n"
                                          : value;
        size_t as_size = as == value ? taken : strlen(as);
        if (length + as_size >= room)
            break;
        memcpy(to + length, as, as_size);
        length += as_size;
        taken = taken == 0 ? 1 : taken;
        value += taken;
        size -= taken;
    }
    to[length] = '\0';
    return length;
}

/* `{namespace="tcp"`, without the brace that ends it. */
static size_t space_labels(const cb_snapshot *snapshot, uint32_t name_space, char *labels)
{
    size_t length = (size_t)snprintf(labels, LABELS_SIZE, "{namespace=\"");
    const char *name = snapshot->names[name_space % CB_METRICS_SPACES];
    char number[16];
    (void)snprintf(number, sizeof number, "%" PRIu32, name_space);
    length += add_value(labels + length, LABELS_SIZE - length - 2, name != NULL ? name : number);
    labels[length++] = '"';
    labels[length] = '\0';
    return length;
}

/* The same with the route. */
static void row_labels(const cb_snapshot *snapshot, const cb_metrics_row *row, char *labels)
{
    char number[16];
    size_t length = space_labels(snapshot, row->tally.name_space, labels);
    (void)snprintf(number, sizeof number, "%" PRIu32, row->id);
    const char *route = row->tally.kind == CB_TALLY_ROUTE    ? number
                        : row->tally.kind == CB_TALLY_OTHERS ? "others"
                                                             : "none";
    (void)snprintf(labels + length, LABELS_SIZE - length, ",route=\"%s\"", route);
}

/* "callback failed" as a label has it: callback_failed. */
static void snake(char *to, size_t room, const char *words)
{
    (void)snprintf(to, room, "%s", words);
    for (; *to != '\0'; to++)
        if (*to == ' ' || *to == '/')
            *to = '_';
}

/* -- one family each: its head, then its samples ---------------------------------------------- */

static void head(text *to, const char *name, const char *type, const char *help)
{
    add(to, "# HELP callboard_%s %s\n# TYPE callboard_%s %s\n", name, help, name, type);
}

static void single(text *to, const char *name, const char *type, const char *help, uint64_t value)
{
    head(to, name, type, help);
    add(to, "callboard_%s %" PRIu64 "\n", name, value);
}

static bool is_client(const cb_metrics_row *row)
{
    return row->tally.kind == CB_TALLY_CLIENT;
}

/* What never counted anything is left out, but for a route that is there. */
static bool is_shown(const cb_metrics_row *row)
{
    return row->tally.kind == CB_TALLY_ROUTE || row->tally.begun > 0;
}

/* What a family says of one row. */
typedef void sampler(text *to, const char *name, const char *labels, const cb_tally *tally);

typedef struct family {
    const char *name;
    const char *type;
    const char *help;
    bool of_clients; /* the rows of client exchanges, and otherwise all others */
    sampler *sample;
} family;

static void sample_begun(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    add(to, "callboard_%s%s} %" PRIu64 "\n", name, labels, tally->begun);
}

static void sample_ended(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    char outcome[64];
    for (int i = 0; i < CB_TALLY_OUTCOMES; i++) {
        if (tally->ended[i] == 0 && i != CB_JOB_SUCCESS)
            continue;
        snake(outcome, sizeof outcome, cb_tally_outcome_text(i));
        add(to, "callboard_%s%s,outcome=\"%s\"} %" PRIu64 "\n", name, labels, outcome,
            tally->ended[i]);
    }
}

static void sample_phases(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    static const char *const phases[CB_TALLY_PHASES] = {"reading", "queued", "running",
                                                        "answering"};
    for (unsigned i = 0; i < CB_TALLY_PHASES; i++)
        add(to, "callboard_%s%s,phase=\"%s\"} %" PRIu32 "\n", name, labels, phases[i],
            tally->phases[i]);
}

static void sample_closed(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    char reason[64];
    for (int i = 1; i < (int)CB_TALLY_REASONS; i++) {
        if (tally->closed[i] == 0)
            continue;
        snake(reason, sizeof reason, cb_describe_close_reason(i));
        add(to, "callboard_%s%s,reason=\"%s\"} %" PRIu64 "\n", name, labels, reason,
            tally->closed[i]);
    }
}

static void sample_lost(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    if (tally->lost_replies > 0)
        add(to, "callboard_%s%s} %" PRIu64 "\n", name, labels, tally->lost_replies);
}

static void sample_received(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    add(to, "callboard_%s%s} %" PRIu64 "\n", name, labels, tally->received_bytes);
}

static void sample_sent(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    add(to, "callboard_%s%s} %" PRIu64 "\n", name, labels, tally->sent_bytes);
}

static void sample_histogram(text *to, const char *name, const char *labels,
                             const cb_histogram *histogram)
{
    static const char *const bounds[CB_HISTOGRAM_BUCKETS] = {
#define BOUND_TEXT(bound_ns, seconds) seconds,
        CB_HISTOGRAM_BOUNDS(BOUND_TEXT)
#undef BOUND_TEXT
            "+Inf"};
    uint64_t below = 0;
    for (unsigned i = 0; i < CB_HISTOGRAM_BUCKETS; i++) {
        below += histogram->buckets[i];
        add(to, "callboard_%s_bucket%s,le=\"%s\"} %" PRIu64 "\n", name, labels, bounds[i], below);
    }
    add(to, "callboard_%s_sum%s} %" PRIu64 ".%09" PRIu64 "\n", name, labels,
        histogram->sum_ns / NS_A_S, histogram->sum_ns % NS_A_S);
    add(to, "callboard_%s_count%s} %" PRIu64 "\n", name, labels, below);
}

static void sample_queue(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    sample_histogram(to, name, labels, &tally->queue);
}

static void sample_run(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    sample_histogram(to, name, labels, &tally->run);
}

static void sample_whole(text *to, const char *name, const char *labels, const cb_tally *tally)
{
    sample_histogram(to, name, labels, &tally->whole);
}

static const family families[] = {
    {"jobs_begun_total", "counter", "Jobs begun: requests, events, callbacks started by scripts.",
     false, sample_begun},
    {"jobs_ended_total", "counter", "Jobs ended, by how.", false, sample_ended},
    {"jobs", "gauge", "Jobs that are in a phase now.", false, sample_phases},
    {"job_replies_lost_total", "counter",
     "Jobs counted as ended with success whose reply could not be sent after that.", false,
     sample_lost},
    {"connections_ended_total", "counter",
     "Connections that ended while a request was on them, by reason.", false, sample_closed},
    {"received_bytes_total", "counter", "Bytes of whole requests.", false, sample_received},
    {"sent_bytes_total", "counter", "Bytes of responses.", false, sample_sent},
    {"job_queue_seconds", "histogram", "From a whole request to the start of its callback.", false,
     sample_queue},
    {"job_run_seconds", "histogram", "Time in the callback.", false, sample_run},
    {"job_seconds", "histogram", "From a whole request to the end of its response.", false,
     sample_whole},
    {"client_jobs_begun_total", "counter", "Client exchanges begun.", true, sample_begun},
    {"client_jobs_ended_total", "counter", "Client exchanges ended, by how.", true, sample_ended},
    {"client_jobs", "gauge", "Client exchanges that are in a phase now.", true, sample_phases},
    {"client_job_seconds", "histogram", "From the beginning of a client exchange to its end.", true,
     sample_whole},
};

static void add_families(text *to, const cb_snapshot *snapshot)
{
    char labels[LABELS_SIZE];
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const family *one = &families[i];
        head(to, one->name, one->type, one->help);
        for (size_t k = 0; k < snapshot->row_count; k++) {
            const cb_metrics_row *row = &snapshot->rows[k];
            if (!is_shown(row) || is_client(row) != one->of_clients)
                continue;
            if (one->of_clients)
                (void)space_labels(snapshot, row->tally.name_space, labels);
            else
                row_labels(snapshot, row, labels);
            one->sample(to, one->name, labels, &row->tally);
        }
    }
}

static void add_route_info(text *to, const cb_snapshot *snapshot)
{
    char labels[LABELS_SIZE];
    char callback[2 * CB_METRICS_NAME_SIZE];
    head(to, "route_info", "gauge", "What a route is; 1 while it takes requests.");
    for (size_t i = 0; i < snapshot->row_count; i++) {
        const cb_metrics_row *row = &snapshot->rows[i];
        if (row->tally.kind != CB_TALLY_ROUTE)
            continue;
        row_labels(snapshot, row, labels);
        (void)add_value(callback, sizeof callback, row->callback);
        add(to, "callboard_route_info%s,kind=\"%s\",port=\"%" PRIu32 "\",callback=\"%s\"} %d\n",
            labels, cb_describe_kind(row->word), row->port, callback, row->open);
    }
}

static void add_spaces(text *to, const cb_snapshot *snapshot)
{
    static const struct {
        const char *name;
        const char *help;
    } gauges[] = {{"routes_open", "Routes that take requests."},
                  {"connections", "Long-lived connections that are open now."},
                  {"jobs_untaken", "Jobs begun by scripts whose results were not taken yet."}};
    char labels[LABELS_SIZE];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        head(to, gauges[i].name, "gauge", gauges[i].help);
        for (size_t k = 0; k < snapshot->space_count; k++) {
            const cb_metrics_space *space = &snapshot->spaces[k];
            const uint64_t values[] = {space->open_routes, space->connections, space->untaken};
            (void)space_labels(snapshot, space->name_space, labels);
            add(to, "callboard_%s%s} %" PRIu64 "\n", gauges[i].name, labels, values[i]);
        }
    }
}

static void add_actors(text *to, const cb_snapshot *snapshot)
{
    static const char *const names[CB_METRICS_ACTORS] = {"starting", "parked", "busy", "suspect",
                                                         "retired"};
    head(to, "actors", "gauge", "Threads that run callbacks, by what they do.");
    for (unsigned i = 0; i < CB_METRICS_ACTORS; i++)
        add(to, "callboard_actors{state=\"%s\"} %" PRIu32 "\n", names[i], snapshot->actors[i]);
}

cb_buffer *cb_metrics_render(const cb_snapshot *snapshot, int64_t started_s)
{
    text to = {.bytes = cb_buffer_new(0, FIRST_ROOM)};
    head(&to, "build_info", "gauge", "The version that runs.");
    add(&to, "callboard_build_info{version=\"%s\"} 1\n", cb_version());
    single(&to, "start_time_seconds", "gauge", "When the program began, since 1970.",
           (uint64_t)started_s);
    single(&to, "shutting_down", "gauge", "1 once the end has begun.", snapshot->shutting_down);
    single(&to, "supervisor_inputs_total", "counter", "Messages that the supervisor has taken in.",
           snapshot->inputs);
    single(&to, "supervisor_ignored_total", "counter",
           "Of these, messages about what was gone already.", snapshot->ignored);
    single(&to, "trace_records_total", "counter", "Records made for the trace.",
           snapshot->trace_records);
    single(&to, "trace_overwritten_total", "counter",
           "Records that are no longer in the flight recorder.", snapshot->trace_overwritten);
    single(&to, "trace_unwritten_total", "counter", "Records that are missing in the trace file.",
           snapshot->trace_unwritten);
    single(&to, "memory_bytes", "gauge", "What is counted in the memory budget.",
           snapshot->memory_bytes);
    single(&to, "memory_limit_bytes", "gauge", "The memory budget.", snapshot->memory_limit_bytes);
    single(&to, "memory_refused_total", "counter", "How often the budget had no room.",
           snapshot->memory_refused);
    single(&to, "routes_live", "gauge", "Routes that have not closed yet.", snapshot->live_routes);
    single(&to, "waits", "gauge", "Questions that are answered later.", snapshot->waits);
    single(&to, "askers", "gauge", "Threads that ask questions and run no callbacks.",
           snapshot->askers);
    add_actors(&to, snapshot);
    add_spaces(&to, snapshot);
    add_route_info(&to, snapshot);
    add_families(&to, snapshot);
    return to.bytes;
}
