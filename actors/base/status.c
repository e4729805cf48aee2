#include "callboard/status.h"

#include <stdio.h>
#include <string.h>

#include "callboard/job_status.h"

const char *cb_status_text(cb_status status)
{
    switch (status) {
#define STATUS_CASE(name, code, text)                                                              \
    case CB_##name:                                                                                \
        return text;
        CB_STATUSES(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

const char *cb_job_status_text(int status)
{
    switch (status) {
#define JOB_STATUS_CASE(name, code, text)                                                          \
    case CB_JOB_##name:                                                                            \
        return text;
        CB_JOB_STATUSES(JOB_STATUS_CASE)
#undef JOB_STATUS_CASE
    default:
        return "unknown";
    }
}

/* Drops the bytes of a UTF-8 character that a cut has left without its end. */
static void trim_broken_character(char *text)
{
    size_t length = strlen(text);
    size_t tail = 0;
    while (tail < length && tail < 3 && ((unsigned char)text[length - 1 - tail] & 0xC0u) == 0x80u) {
        tail++;
    }
    if (tail == length) {
        return;
    }
    unsigned char lead = (unsigned char)text[length - 1 - tail];
    size_t wanted = lead >= 0xF0u ? 3 : lead >= 0xE0u ? 2 : lead >= 0xC0u ? 1 : 0;
    if (tail < wanted) {
        text[length - 1 - tail] = '\0';
    }
}

/* `text` is a buffer of its own, because a caller may quote error->text in its new sentence. */
static void store(cb_error *error, cb_status status, int sys_errno, const char *text)
{
    error->status = status;
    error->sys_errno = sys_errno;
    memcpy(error->text, text, strlen(text) + 1);
}

static size_t format_sentence(char text[CB_ERROR_TEXT_SIZE], const char *format, va_list arguments)
{
    int wanted = vsnprintf(text, CB_ERROR_TEXT_SIZE, format, arguments);
    if (wanted < 0) {
        text[0] = '\0';
        return 0;
    }
    if ((size_t)wanted >= CB_ERROR_TEXT_SIZE) {
        trim_broken_character(text);
    }
    return strlen(text);
}

cb_status cb_fail(cb_error *error, cb_status status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    char text[CB_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)format_sentence(text, format, arguments);
    va_end(arguments);
    store(error, status, 0, text);
    return status;
}

cb_status cb_fail_errno(cb_error *error, cb_status status, int sys_errno, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    char text[CB_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_sentence(text, format, arguments);
    va_end(arguments);

    char reason_space[128];
    const char *reason = strerror_r(sys_errno, reason_space, sizeof reason_space);
    int wanted = snprintf(text + length, sizeof text - length, ": %s", reason);
    if (wanted < 0) {
        text[length] = '\0';
    } else if ((size_t)wanted >= sizeof text - length) {
        trim_broken_character(text);
    }
    store(error, status, sys_errno, text);
    return status;
}
