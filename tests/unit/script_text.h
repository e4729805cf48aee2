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
    for (;;) {
        va_list arguments;
        size_t left = text->room - text->size;
        va_start(arguments, format);
        int more = vsnprintf(text->bytes != NULL ? text->bytes + text->size : NULL, left, format,
                             arguments);
        va_end(arguments);
        if (more >= 0 && (size_t)more < left) {
            text->size += (size_t)more;
            return;
        }
        text->room = (text->size + (size_t)more + 1) * 2;
        text->bytes = realloc(text->bytes, text->room);
        if (text->bytes == NULL)
            abort();
    }
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
