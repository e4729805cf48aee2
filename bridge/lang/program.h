/* A compiled script: bytecode, constants, places, callbacks. It is immutable once made, so that all
 * threads run the same program. It is reference-counted, because a job may outlive the command that
 * compiled it.
 *
 * Threads: any. Retain and release are atomic; the other functions only read.
 */
#ifndef CALLBOARD_LANG_PROGRAM_H
#define CALLBOARD_LANG_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "callboard/status.h"

typedef struct cb_program cb_program;
typedef struct cb_source cb_source;
typedef struct cb_catalog cb_catalog;
typedef struct cb_diagnostics cb_diagnostics;

/* Parses, binds, generates and verifies. On CB_OK *program holds one reference, yours to release.
 * CB_SCRIPT: the script has errors; *diagnostics says where. CB_NO_MEMORY. CB_LIMIT: a function is
 * too large for the bytecode; *diagnostics says so too. The source is not needed afterwards. The
 * verbs that the catalog names must outlive the program. */
cb_status cb_program_compile(const cb_source *source, const cb_catalog *catalog,
                             cb_program **program, cb_diagnostics *diagnostics);

cb_program *cb_program_retain(cb_program *program); /* NULL gives NULL */
void cb_program_release(cb_program *program);       /* NULL is fine */

bool cb_program_has_main(const cb_program *program);
/* The entry of a callback, 0.., for cb_vm_run_callback; -1 if no callback has this name. */
int64_t cb_program_callback(const cb_program *program, const char *name);
/* Verbs get, and actors keep, a callback as one number: the program's number in the upper half, the
 * callback's entry in the lower half. A program's number is 0 until it is set, which must happen
 * before threads share the program. */
#define CB_ENTRY_NUMBER_SHIFT  32
#define CB_ENTRY_CALLBACK_MASK UINT64_C(0xffffffff)
void cb_program_set_number(cb_program *program, uint32_t number);
int64_t cb_program_entry(const cb_program *program, int64_t callback);
/* The name of a callback; NULL for an unknown entry. Lives as long as the program. */
const char *cb_program_callback_name(const cb_program *program, int64_t entry);
size_t cb_program_callback_count(const cb_program *program);
/* A hash of the bytecode, the constants and the names; equal programs have equal hashes on any
 * machine. */
uint64_t cb_program_hash(const cb_program *program);

/* Writes the bytecode of all functions as text, one instruction a line. */
void cb_program_disassemble(const cb_program *program, FILE *out);

#endif
