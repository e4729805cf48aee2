#include "bridge/host/complain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/output.h"

#define STACK_SIZE  2048u
#define FIELDS_MOST 12u

/* -- errors of a text ------------------------------------------------------------------------- */

static void log_diagnostics(cb_log *log, const cb_diagnostics *diagnostics, const cb_source *source)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const cb_diagnostic *item = &diagnostics->items[i];
        const cb_log_field fields[] = {{"file", source->path, 0},
                                       {"line", NULL, item->place.line},
                                       {"column", NULL, item->place.column},
                                       {"message", item->text, 0}};
        cb_log_line(log, CB_LOG_ERROR, "script_error", fields, sizeof(fields) / sizeof(*fields));
    }
}

void cb_complain_diagnostics(cb_log *log, const cb_diagnostics *diagnostics,
                             const cb_source *source)
{
    char *text = NULL;
    size_t size = 0;
    if (log != NULL) {
        log_diagnostics(log, diagnostics, source);
        return;
    }
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return; /* out of memory, and whoever called says that the script has errors */
    cb_diagnostics_print(diagnostics, source, out);
    if (fclose(out) == 0)
        cb_output_complain(text, size);
    free(text);
}

/* -- errors of a run -------------------------------------------------------------------------- */

static void print_error(const cb_vm_error *error, const cb_source *source)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        cb_vm_error_print(error, source, out);
        if (fclose(out) == 0)
            cb_output_complain(text, size);
        free(text);
        return;
    }
    char line[CB_ERROR_TEXT_SIZE];
    cb_vm_error_text(error, line, sizeof(line) - 1);
    size_t length = strlen(line);
    line[length] = '\n';
    cb_output_complain(line, length + 1);
}

/* "Inner 12:5, Outer 20:9": the calls, innermost first. */
static void write_stack(const cb_vm_error *error, char *text)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < error->frame_count && i < CB_VM_ERROR_FRAMES; i++) {
        const cb_vm_place *call = &error->frames[i];
        int added = snprintf(text + length, STACK_SIZE - length, "%s%s %" PRIu32 ":%" PRIu32,
                             i > 0 ? ", " : "", call->function, call->line, call->column);
        length += (size_t)added < STACK_SIZE - length ? (size_t)added : STACK_SIZE - length - 1;
    }
}

static void log_error(cb_log *log, const cb_vm_error *error, const cb_job *job)
{
    char stack[STACK_SIZE];
    char handle[48];
    cb_log_field fields[FIELDS_MOST];
    size_t count = 0;
    write_stack(error, stack);
    fields[count++] = (cb_log_field){"file", error->file, 0};
    fields[count++] = (cb_log_field){"line", NULL, error->line};
    fields[count++] = (cb_log_field){"column", NULL, error->column};
    fields[count++] = (cb_log_field){"message", error->message, 0};
    if (error->frame_count > 0)
        fields[count++] = (cb_log_field){"stack", stack, 0};
    if (job != NULL) {
        (void)snprintf(handle, sizeof(handle), "#%" PRIu64 ".%" PRIu64, job->handle & UINT32_MAX,
                       job->handle >> 32);
        fields[count++] = (cb_log_field){"job", handle, 0};
        fields[count++] = (cb_log_field){"cause", NULL, (int64_t)job->cause};
        if (job->route_id != 0)
            fields[count++] = (cb_log_field){"route", NULL, job->route_id};
    }
    cb_log_line(log, CB_LOG_ERROR, "runtime_error", fields, count);
}

void cb_complain_error(cb_log *log, const cb_vm_error *error, const cb_source *source,
                       const cb_job *job)
{
    if (log != NULL)
        log_error(log, error, job);
    else
        print_error(error, source);
}

/* -- sentences -------------------------------------------------------------------------------- */

void cb_complain_say(cb_log *log, cb_log_level level, const char *event, const char *format, ...)
{
    char text[CB_ERROR_TEXT_SIZE + 128];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text) - 1, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (log != NULL) {
        const cb_log_field message = {"message", text, 0};
        cb_log_line(log, level, event, &message, 1);
        return;
    }
    size_t size = strlen(text);
    text[size] = '\n';
    cb_output_complain(text, size + 1);
}
