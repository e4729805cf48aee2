/* Scripts under test: a catalog of tables in place of plugins, a printf that keeps its output, and
 * a machine that runs the scripts. For tests of the language's back half. */
#ifndef CALLBOARD_TESTS_SCRIPT_DOUBLE_H
#define CALLBOARD_TESTS_SCRIPT_DOUBLE_H

#include "bridge/lang/bytecode.h"
#include "bridge/lang/catalog.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/vm.h"

/* The results of one script. */
typedef struct script_run {
    cb_status status;
    int exit_status;
    cb_vm_error error;
    char errors[4096]; /* the compiler's errors, if it did not compile */
    char output[65536];
    size_t output_size;
    int checks;     /* how often the hook was called */
    int stop_after; /* the check that answers CB_STOPPED; 0: none */
} script_run;

/* The plugins that a script under test has, and the lines that load them all. */
extern const cb_catalog script_catalog;
extern const char script_prologue[];

/* Compiles `text` under the name t.dom; NULL and *run->errors if it has errors. */
cb_program *script_compile(script_run *run, const char *text);
/* Compiles and runs main. */
void script_main(script_run *run, const char *text);
/* The same with other limits. */
void script_main_with(script_run *run, const char *text, const cb_limits *limits);
/* A machine for callbacks, whose output and hook belong to *run. */
cb_vm *script_vm(script_run *run, const cb_limits *limits);
/* The same, where making it may fail. */
cb_status script_vm_new(script_run *run, const cb_limits *limits, cb_vm **vm);

#endif
