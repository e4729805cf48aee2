/* Writes JSON objects, one a line. By hand, because every job may be a line of the log: no object
 * is built, nothing is allocated for a line once the buffer has grown to its size, and 64-bit
 * numbers stay what they are.
 */
#ifndef CALLBOARD_ACTORS_LOG_JSON_H
#define CALLBOARD_ACTORS_LOG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero at first. The bytes are the caller's to free. */
typedef struct cb_json {
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* there was no memory for something: what is written is not to be used */
    bool first;  /* of the object: the next member is */
} cb_json;

void cb_json_begin(cb_json *json);
/* Any bytes: what must be escaped is, what is no UTF-8 becomes U+FFFD. Names are not escaped. */
void cb_json_text(cb_json *json, const char *name, const char *text, size_t size);
void cb_json_number(cb_json *json, const char *name, int64_t number);
void cb_json_unsigned(cb_json *json, const char *name, uint64_t number);
/* Bytes as they are: a line that was written elsewhere. */
void cb_json_copy(cb_json *json, const char *bytes, size_t size);
/* Ends the object and the line. */
void cb_json_end(cb_json *json);

#endif
