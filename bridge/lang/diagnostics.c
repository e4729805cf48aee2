#include "bridge/lang/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A longer source line is shown in part, with the caret in it. */
#define SHOWN_COLUMNS        160u
#define COLUMNS_BEFORE_CARET 80u

void cb_diagnostics_add(cb_diagnostics *diagnostics, cb_place place, const char *format, ...)
{
    cb_diagnostic item = {.place = place};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(item.text, sizeof item.text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const cb_diagnostic *other = &diagnostics->items[i];
        if (other->place.offset == place.offset && strcmp(other->text, item.text) == 0)
            return;
    }
    if (diagnostics->count == CB_DIAGNOSTICS_MAX) {
        diagnostics->more = true;
        return;
    }
    diagnostics->items[diagnostics->count++] = item;
}

static int compare_places(const void *left, const void *right)
{
    const cb_diagnostic *a = left;
    const cb_diagnostic *b = right;
    if (a->place.offset != b->place.offset)
        return a->place.offset < b->place.offset ? -1 : 1;
    return strcmp(a->text, b->text);
}

void cb_diagnostics_sort(cb_diagnostics *diagnostics)
{
    qsort(diagnostics->items, diagnostics->count, sizeof diagnostics->items[0], compare_places);
}

static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xC0u) != 0x80u;
}

/* Prints the part of the line from `start` to `end` (byte offsets); what would upset a terminal
 * becomes `?`. */
static void print_line(const cb_source *source, size_t start, size_t end, FILE *out)
{
    fputs("    ", out);
    for (size_t i = start; i < end; i++) {
        unsigned char byte = (unsigned char)source->text[i];
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7F;
        fputc(is_control ? '?' : byte, out);
    }
    fputs("\n    ", out);
}

/* The line's text and a caret under the place, tabs kept so that the caret stands right. */
static void print_excerpt(const cb_source *source, cb_place place, FILE *out)
{
    const char *text = source->text;
    if (place.offset > source->size)
        return;
    size_t start = place.offset;
    while (start > 0 && text[start - 1] != '\n' && place.offset - start < COLUMNS_BEFORE_CARET)
        start--;
    while (start < place.offset && !starts_character(text[start]))
        start++;
    size_t end = place.offset;
    while (end < source->size && text[end] != '\n' && text[end] != '\r' &&
           end - start < SHOWN_COLUMNS)
        end++;
    while (end > place.offset && end < source->size && !starts_character(text[end]))
        end--;
    print_line(source, start, end, out);
    for (size_t i = start; i < place.offset; i++) {
        if (starts_character(text[i]))
            fputc(text[i] == '\t' ? '\t' : ' ', out);
    }
    fputc('^', out);
    for (size_t i = (size_t)place.offset + 1; i < end && i < place.offset + place.length; i++) {
        if (starts_character(text[i]))
            fputc('~', out);
    }
    fputc('\n', out);
}

void cb_diagnostics_print(const cb_diagnostics *diagnostics, const cb_source *source, FILE *out)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const cb_diagnostic *item = &diagnostics->items[i];
        fprintf(out, "%s:%u:%u: error: %s\n", source->path, item->place.line, item->place.column,
                item->text);
        print_excerpt(source, item->place, out);
    }
    if (diagnostics->more)
        fprintf(out, "%s: more errors than the %u shown\n", source->path, CB_DIAGNOSTICS_MAX);
}

void cb_diagnostics_print_excerpt(const cb_source *source, uint32_t line, uint32_t column,
                                  FILE *out)
{
    size_t offset = 0;
    for (uint32_t at = 1; at < line && offset < source->size; offset++)
        at += source->text[offset] == '\n';
    for (uint32_t at = 1; at < column && offset < source->size && source->text[offset] != '\n';
         at++)
        for (offset++; offset < source->size && !starts_character(source->text[offset]); offset++)
            ;
    if (line == 0 || column == 0 || offset >= source->size)
        return;
    cb_place place = {.offset = (uint32_t)offset, .line = line, .column = column};
    print_excerpt(source, place, out);
}
