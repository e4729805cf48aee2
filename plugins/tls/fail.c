#include "plugins/tls/fail.h"

#include <stdio.h>

cb_status cb_tls_fail(cb_error *error, cb_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    error->status = status;
    error->sys_errno = 0;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    if (length < 0)
        error->text[0] = '\0';
    return status;
}
