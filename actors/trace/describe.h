/* A trace's messages in words: the columns of `trace show`. Pure, except for the reader's string
 * table. Every text is cut to the given size and holds no control characters.
 */
#ifndef CALLBOARD_ACTORS_TRACE_DESCRIBE_H
#define CALLBOARD_ACTORS_TRACE_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/trace.h"

/* The route and the job that a message is about. Questions and waits name them in other fields. */
typedef struct cb_subject {
    uint32_t route; /* 0: none */
    uint64_t job;   /* 0: none */
    bool is_handle; /* the job is a slot and a generation, not a user's id */
} cb_subject;

cb_subject cb_describe_subject(const cb_trace_message *message);

/* "actor 17", or "listener 17" when `is_listener`. */
void cb_describe_address(uint32_t address, bool is_listener, char *text, size_t size);
/* "callbacktcp:3"; "-" if there is neither a namespace nor a route. */
void cb_describe_route(const cb_trace_reader *reader, const cb_trace_message *message, char *text,
                       size_t size);
/* "5" for a user's id, "#3.1" for a handle, "-" for none. */
void cb_describe_job(const cb_trace_message *message, char *text, size_t size);
void cb_describe_connection(const cb_trace_message *message, char *text, size_t size);
/* The meaning of the status field for this kind of message. */
void cb_describe_status(const cb_trace_message *message, char *text, size_t size);
/* With `start_ns`, a time of the monotonic clock becomes a time since the start. */
void cb_describe_value(const cb_trace_message *message, int64_t start_ns, char *text, size_t size);
/* Names of the flags, separated by commas; empty for none. */
void cb_describe_flags(const cb_trace_message *message, char *text, size_t size);
/* The text of a cb_close_reason. An unknown number gives "?". */
const char *cb_describe_close_reason(int32_t reason);
/* The kind in a cb_route_word, such as "tcp". */
const char *cb_describe_kind(uint32_t word);
/* Milliseconds since the start with three decimals. */
void cb_describe_time(int64_t time_ns, int64_t start_ns, char *text, size_t size);

#endif
