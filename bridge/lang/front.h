/* The front end in one call: source text in, a typed and bound program or a list of errors out.
 *
 * `check`, `run` and all other code that reads scripts use this function, so all see the same
 * errors.
 */
#ifndef CALLBOARD_LANG_FRONT_H
#define CALLBOARD_LANG_FRONT_H

#include "bridge/lang/ast.h"
#include "bridge/lang/catalog.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/source.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CB_OK: *out is a whole program without errors; free it with cb_ast_free. It points into `source`
 * and into the catalog's namespaces, so both must outlive it.
 * CB_SCRIPT: *diagnostics (zeroed by the caller) holds at least one error, sorted; *out is NULL.
 * CB_NO_MEMORY: *out is NULL, *diagnostics may hold some errors. */
CB_PUBLIC cb_status cb_front_analyze(const cb_source *source, const cb_catalog *catalog,
                                     cb_ast_program **out, cb_diagnostics *diagnostics);

#ifdef __cplusplus
}
#endif
#endif
