/* Writes JSON objects, one in each line. It does not use a library, because every job may be a line
 * of the log: no object is built, nothing is allocated for a line once the buffer is large enough,
 * and 64-bit numbers stay exact.
 */
#ifndef CALLBOARD_ACTORS_LOG_JSON_H
#define CALLBOARD_ACTORS_LOG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero at first. The caller frees the bytes. */
typedef struct cb_json {
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* memory was lacking: the written bytes must not be used */
    bool first;  /* the next member is the first of its object */
} cb_json;

void cb_json_begin(cb_json *json);
/* Writes any bytes: escapes them as needed, and writes U+FFFD for bytes that are not UTF-8. Names
 * are not escaped. */
void cb_json_text(cb_json *json, const char *name, const char *text, size_t size);
void cb_json_number(cb_json *json, const char *name, int64_t number);
void cb_json_unsigned(cb_json *json, const char *name, uint64_t number);
/* Copies bytes unchanged: a line that was written elsewhere. */
void cb_json_copy(cb_json *json, const char *bytes, size_t size);
/* Ends the object and the line. */
void cb_json_end(cb_json *json);

#endif
