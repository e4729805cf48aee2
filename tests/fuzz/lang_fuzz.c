/* Scripts from a fuzzer: any bytes are analysed, and either give a program or errors that print.
 * What is right is compiled, so every script goes through the code generator and the verifier too.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/lang/front.h"
#include "bridge/lang/program.h"
#include "tests/unit/lang_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_errors(const cb_diagnostics *diagnostics, const cb_source *source)
{
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL)
        return;
    cb_diagnostics_print(diagnostics, source, nowhere);
    (void)fclose(nowhere);
}

/* A program that the binder let through compiles, or is too large, which is said. */
static void compile(const cb_source *source)
{
    static cb_diagnostics diagnostics;
    diagnostics = (cb_diagnostics){0};
    cb_program *program = NULL;
    cb_status status = cb_program_compile(source, &lang_tables_catalog, &program, &diagnostics);
    assert(status == CB_OK || (program == NULL && diagnostics.count > 0));
    cb_program_release(program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_source source;
    if (cb_source_from_bytes("fuzz.dom", data, size, &source, NULL) != CB_OK)
        return 0;
    static cb_diagnostics diagnostics;
    diagnostics = (cb_diagnostics){0};
    cb_ast_program *program = NULL;
    cb_status status = cb_front_analyze(&source, &lang_tables_catalog, &program, &diagnostics);
    if (status == CB_OK)
        assert(program != NULL && diagnostics.count == 0);
    else
        assert(program == NULL && diagnostics.count > 0);
    print_errors(&diagnostics, &source);
    cb_ast_free(program);
    if (status == CB_OK)
        compile(&source);
    cb_source_free(&source);
    return 0;
}
