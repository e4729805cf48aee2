/* Scripts from a fuzzer: any bytes are analysed, and either give a program or errors that print. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/lang/front.h"
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
    cb_source_free(&source);
    return 0;
}
