/* The format of the log's lines. Pure. */
#ifndef CALLBOARD_ACTORS_LOG_LINE_H
#define CALLBOARD_ACTORS_LOG_LINE_H

#include "actors/log/json.h"
#include "actors/step/note.h"
#include "callboard/log.h"

/* A note, and the shell's facts about it. */
typedef struct cb_noted {
    cb_note note;
    uint64_t sequence;  /* number of the input that left it */
    uint64_t cause;     /* cause in this input */
    const char *name;   /* of the namespace; no NUL needed */
    size_t name_size;   /* 0: no name */
    const char *detail; /* the reason, if there is a text about it */
    size_t detail_size; /* 0: no text */
} cb_noted;

cb_log_level cb_log_level_of(const cb_note *note);

/* Begins a line: ts, level, event. */
void cb_log_begin(cb_json *json, int64_t wall_ns, cb_log_level level, const char *event);
/* A whole line. */
void cb_log_format_note(cb_json *json, int64_t wall_ns, const cb_noted *noted);

#endif
