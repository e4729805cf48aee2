#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "actors/base/message.h"
#include "actors/step/step.h"
#include "callboard/trace.h"

/* Every field of a message: X(field, name for people, format, type to print as). The kind is
 * compared apart, by its name. */
#define MESSAGE_FIELDS(X)                                                                          \
    X(name_space, "namespace", PRId64, int64_t)                                                    \
    X(flags, "flags", PRId64, int64_t)                                                             \
    X(status, "status", PRId64, int64_t)                                                           \
    X(from, "from", PRId64, int64_t)                                                               \
    X(to, "to", PRId64, int64_t)                                                                   \
    X(cause, "cause", PRIu64, uint64_t)                                                            \
    X(time_ns, "time_ns", PRId64, int64_t)                                                         \
    X(route, "route", PRId64, int64_t)                                                             \
    X(connection, "connection", PRId64, int64_t)                                                   \
    X(job, "job", PRIu64, uint64_t)                                                                \
    X(value, "value", PRId64, int64_t)                                                             \
    X(payload, "payload", PRIu64, uint64_t)

typedef struct replay {
    cb_trace_reader *reader;
    cb_step *step;
    cb_error *error;
    uint64_t sequence;  /* of the last input */
    unsigned kind;      /* of the last input */
    cb_effects effects; /* that replay gives for it */
    size_t compared;
    cb_trace_end totals;
    bool is_gapped; /* messages are missing: what follows cannot be replayed */
} replay;

static cb_status fail(const replay *run, cb_status status, const char *format, ...)
    CB_PRINTF_LIKE(3, 4);

static cb_status fail(const replay *run, cb_status status, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return cb_fail(run->error, status, "trace verify: message %" PRIu64 " (%s)%s", run->sequence,
                   cb_message_name(run->kind), what);
}

/* The trace has every effect that replay gives for the last input. */
static cb_status check_complete(const replay *run)
{
    if (run->compared == run->effects.count)
        return CB_OK;
    return fail(run, CB_MISMATCH,
                ": the trace has %zu effects, replay gives %zu; the first that is missing is %s",
                run->compared, run->effects.count,
                cb_message_name(run->effects.items[run->compared].kind));
}

static cb_message to_message(const cb_trace_message *from)
{
    cb_message message = {.kind = from->kind};
#define COPY_FIELD(field, name, format, type) message.field = from->field;
    MESSAGE_FIELDS(COPY_FIELD)
#undef COPY_FIELD
    return message;
}

static bool is_input_kind(unsigned kind)
{
    return kind != CB_MSG_NONE && kind < CB_MSG_START_LISTENER &&
           strcmp(cb_message_name(kind), "?") != 0;
}

static cb_status replay_input(replay *run, const cb_trace_record *record)
{
    cb_status status = check_complete(run);
    if (status != CB_OK)
        return status;
    run->sequence = record->sequence;
    run->kind = record->of.message.kind;
    if (!is_input_kind(run->kind))
        return fail(run, CB_MISMATCH, ": field kind is %u, which the supervisor never receives",
                    run->kind);
    cb_message message = to_message(&record->of.message);
    run->effects = cb_step_input(run->step, &message);
    run->compared = 0;
    run->totals.inputs++;
    return CB_OK;
}

static cb_status compare_effect(const replay *run, const cb_trace_message *said,
                                const cb_message *given)
{
    size_t index = run->compared + 1;
    const char *name = cb_message_name(said->kind);
    if (said->kind != given->kind)
        return fail(run, CB_MISMATCH, " effect %zu (%s): field kind is %u, replay gives %u (%s)",
                    index, name, said->kind, given->kind, cb_message_name(given->kind));
#define COMPARE_FIELD(field, field_name, format, type)                                             \
    if (said->field != given->field)                                                               \
        return fail(run, CB_MISMATCH,                                                              \
                    " effect %zu (%s): field " field_name " is %" format                           \
                    ", replay gives %" format,                                                     \
                    index, name, (type)said->field, (type)given->field);
    MESSAGE_FIELDS(COMPARE_FIELD)
#undef COMPARE_FIELD
    return CB_OK;
}

static cb_status replay_effect(replay *run, const cb_trace_record *record)
{
    if (run->compared == run->effects.count)
        return fail(run, CB_MISMATCH, " effect %zu (%s): replay gives only %zu effects",
                    run->compared + 1, cb_message_name(record->of.message.kind),
                    run->effects.count);
    cb_status status = compare_effect(run, &record->of.message, &run->effects.items[run->compared]);
    run->compared++;
    run->totals.effects++;
    return status;
}

static cb_status replay_checkpoint(replay *run, const cb_trace_record *record)
{
    cb_status status = check_complete(run);
    if (status != CB_OK)
        return status;
    uint64_t hash = cb_step_hash(run->step);
    run->totals.checkpoints++;
    if (hash != record->of.hash)
        return fail(run, CB_MISMATCH, ": state hash is %016" PRIx64 ", replay gives %016" PRIx64,
                    record->of.hash, hash);
    return CB_OK;
}

/* What comes behind missing messages cannot be replayed. Records of other kinds decide nothing. */
static cb_status replay_lost(replay *run, const cb_trace_record *record)
{
    cb_status status = check_complete(run);
    if (status != CB_OK || record->of.lost.messages == 0)
        return status;
    run->is_gapped = true;
    return cb_fail(run->error, CB_UNSUPPORTED,
                   "trace verify: complete up to message %" PRIu64 "; lost after it: %" PRIu64
                   ", because messages came faster than they could be written",
                   run->sequence, record->of.lost.messages);
}

static cb_status replay_record(replay *run, const cb_trace_record *record)
{
    switch (record->kind) {
    case CB_TRACE_INPUT:
        return replay_input(run, record);
    case CB_TRACE_EFFECT:
        return replay_effect(run, record);
    case CB_TRACE_CHECKPOINT:
        return replay_checkpoint(run, record);
    case CB_TRACE_LOST:
        return replay_lost(run, record);
    case CB_TRACE_END:
        return check_complete(run);
    default:
        return CB_OK;
    }
}

static cb_status replay_all(replay *run)
{
    cb_trace_record record;
    for (;;) {
        cb_error inner;
        cb_status status = cb_trace_next(run->reader, &record, &inner);
        if (status == CB_CLOSED)
            return CB_OK;
        if (status != CB_OK)
            return cb_fail(run->error, status, "trace verify: %s", inner.text);
        status = replay_record(run, &record);
        if (status != CB_OK)
            return status;
    }
}

static void print_summary(const replay *run, const char *path, FILE *out)
{
    cb_trace_cut cut = cb_trace_cut_of(run->reader);
    fprintf(out,
            "%s: %" PRIu64 " messages, %" PRIu64 " effects, %" PRIu64
            " state hashes: replay gives the same\n",
            path, run->totals.inputs, run->totals.effects, run->totals.checkpoints);
    if (run->is_gapped)
        return;
    if (cut.bytes != 0)
        fprintf(out,
                "remark: the end is torn: %" PRIu64 " bytes after byte %" PRIu64 " were left out\n",
                cut.bytes, cut.offset);
    else if (!cut.closed)
        fprintf(out, "remark: no end record: still being written, or its program was killed\n");
    if (run->compared != run->effects.count)
        fprintf(out,
                "remark: of message %" PRIu64 " (%s), the last one, %zu of %zu effects are there\n",
                run->sequence, cb_message_name(run->kind), run->compared, run->effects.count);
}

static cb_status check_replayable(const cb_trace_header *header, cb_error *error)
{
    if (header->flags & CB_TRACE_FLAG_MIDDLE)
        return cb_fail(error, CB_UNSUPPORTED,
                       "trace verify: the trace starts in the middle: %" PRIu64
                       " older records were overwritten; it can be shown, not replayed",
                       header->overwritten);
    if (!header->has_limits)
        return cb_fail(error, CB_UNSUPPORTED,
                       "trace verify: the trace was recorded by a program with another list of "
                       "limits; it can be shown, not replayed");
    return CB_OK;
}

cb_status cb_trace_verify(const char *path, FILE *out, cb_error *error)
{
    replay run = {.error = error};
    cb_error inner;
    cb_status status = cb_trace_open(path, &run.reader, &inner);
    if (status != CB_OK)
        return cb_fail(error, status, "trace verify: %s", inner.text);
    const cb_trace_header *header = cb_trace_header_of(run.reader);
    status = check_replayable(header, error);
    if (status == CB_OK) {
        run.step = cb_step_new(&header->limits);
        if (!run.step)
            status = cb_fail(error, CB_NO_MEMORY, "trace verify: no memory for the replay");
    }
    if (status == CB_OK)
        status = replay_all(&run);
    if (status == CB_OK || run.is_gapped) {
        print_summary(&run, path, out);
        if (fflush(out) != 0)
            status = cb_fail(error, CB_IO, "trace verify: the result cannot be written");
    }
    if (run.step)
        cb_step_free(&run.step, NULL, NULL);
    cb_trace_close(&run.reader);
    return status;
}
