/* The binder: the syntax tree to the typed program of ast.h.
 *
 * It resolves names, types and verbs. It checks that scalars are assigned before they are read and
 * that functions return. It reports errors and goes on after them.
 */
#ifndef CALLBOARD_LANG_BINDER_H
#define CALLBOARD_LANG_BINDER_H

#include "bridge/lang/ast.h"
#include "bridge/lang/catalog.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/parser.h"

/* Fills *program, whose source and arena are set. If *diagnostics has errors, the program is
 * incomplete. CB_OK, or CB_NO_MEMORY. */
cb_status cb_bind_program(const cb_parsed *parsed, const cb_catalog *catalog,
                          cb_ast_program *program, cb_diagnostics *diagnostics);

#endif
