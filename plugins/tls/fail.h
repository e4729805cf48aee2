/* cb_fail for a plugin, which does not link the runtime. */
#ifndef CALLBOARD_PLUGINS_TLS_FAIL_H
#define CALLBOARD_PLUGINS_TLS_FAIL_H

#include "callboard/status.h"

/* Fills *error, which may be NULL, and returns `status`. */
cb_status cb_tls_fail(cb_error *error, cb_status status, const char *format, ...)
    CB_PRINTF_LIKE(3, 4);

#endif
