#include "bridge/lang/front.h"

#include <stdlib.h>

#include "bridge/lang/binder.h"
#include "bridge/lang/lexer.h"
#include "bridge/lang/parser.h"

void cb_ast_free(cb_ast_program *program)
{
    if (program == NULL)
        return;
    cb_arena_free(&program->arena);
    free(program);
}

static cb_status analyze(const cb_source *source, const cb_catalog *catalog,
                         cb_ast_program *program, cb_diagnostics *diagnostics)
{
    if (!cb_lexer_check_text(source, diagnostics))
        return CB_SCRIPT;
    cb_parsed parsed;
    cb_status status = cb_parse(source, &program->arena, diagnostics, &parsed);
    if (status == CB_OK)
        status = cb_bind_program(&parsed, catalog, program, diagnostics);
    if (status == CB_OK && diagnostics->count > 0)
        status = CB_SCRIPT;
    return status;
}

cb_status cb_front_analyze(const cb_source *source, const cb_catalog *catalog, cb_ast_program **out,
                           cb_diagnostics *diagnostics)
{
    *out = NULL;
    cb_ast_program *program = calloc(1, sizeof *program);
    if (program == NULL)
        return CB_NO_MEMORY;
    program->source = source;
    cb_status status = analyze(source, catalog, program, diagnostics);
    cb_diagnostics_sort(diagnostics);
    if (status != CB_OK) {
        cb_ast_free(program);
        return status;
    }
    *out = program;
    return CB_OK;
}
