/* What the log's lines look like. Pure. */
#ifndef CALLBOARD_ACTORS_LOG_LINE_H
#define CALLBOARD_ACTORS_LOG_LINE_H

#include "actors/log/json.h"
#include "actors/step/note.h"
#include "callboard/log.h"

/* A note with what the shell knows of it. */
typedef struct cb_noted {
    cb_note note;
    uint64_t sequence;  /* of the input it is of */
    uint64_t cause;     /* what that input says */
    const char *name;   /* of the namespace; need not end */
    size_t name_size;   /* 0: it has none */
    const char *detail; /* why, where there is a text about that */
    size_t detail_size; /* 0: there is none */
} cb_noted;

cb_log_level cb_log_level_of(const cb_note *note);

/* Begins a line: ts, level, event. */
void cb_log_begin(cb_json *json, int64_t wall_ns, cb_log_level level, const char *event);
/* A whole line. */
void cb_log_format_note(cb_json *json, int64_t wall_ns, const cb_noted *noted);

#endif
