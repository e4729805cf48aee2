/* Text that grows: for scripts that tests write, and for the output that they expect. */
#ifndef CALLBOARD_TESTS_SCRIPT_TEXT_H
#define CALLBOARD_TESTS_SCRIPT_TEXT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "callboard/status.h"

/* All zero is an empty text. */
typedef struct script_text {
    char *bytes; /* followed by a NUL, once something was added */
    size_t size;
    size_t room;
} script_text;

static inline void script_add(script_text *text, const char *format, ...) CB_PRINTF_LIKE(2, 3);
static inline void script_add(script_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t needed = text->size + (size_t)more + 1;
    if (needed > text->room) {
        text->room = needed * 2;
        text->bytes = realloc(text->bytes, text->room);
        if (text->bytes == NULL)
            abort();
    }
    va_start(arguments, format);
    (void)vsnprintf(text->bytes + text->size, text->room - text->size, format, arguments);
    va_end(arguments);
    text->size += (size_t)more;
}

/* Adds the same text `times` times. */
static inline void script_repeat(script_text *text, const char *one, size_t times)
{
    for (size_t i = 0; i < times; i++)
        script_add(text, "%s", one);
}

static inline void script_clear(script_text *text)
{
    free(text->bytes);
    *text = (script_text){0};
}

#endif
