/* A script's text, from a file or from standard input. */
#ifndef CALLBOARD_BRIDGE_HOST_SCRIPT_SOURCE_H
#define CALLBOARD_BRIDGE_HOST_SCRIPT_SOURCE_H

#include "bridge/lang/source.h"
#include "callboard/status.h"

/* `path` "-" reads standard input to its end; its plugin paths start in the working directory and
 * its errors name "<stdin>". Free with cb_source_free. */
cb_status cb_script_source(const char *path, cb_source *source, cb_error *error);

#endif
