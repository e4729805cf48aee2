/* The inside of a program, for the code generator, the verifier, the machine and the disassembler.
 */
#ifndef CALLBOARD_LANG_BYTECODE_H
#define CALLBOARD_LANG_BYTECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/lang/opcodes.h"
#include "bridge/lang/program.h"
#include "bridge/lang/signature.h"
#include "callboard/buffer.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

/* The kind of value in a register; fixed for a function. */
typedef enum cb_kind {
    CB_KIND_NONE, /* no register, or an unused one */
    CB_KIND_INT,
    CB_KIND_REAL,
    CB_KIND_REF, /* a reference to an integer or real of a caller */
    CB_KIND_STRING,
    CB_KIND_BLOB
} cb_kind;

typedef struct cb_parameter {
    uint8_t kind; /* INT or REAL (with is_ref: the kind that it refers to), STRING or BLOB */
    bool is_ref;
} cb_parameter;

/* Scalar parameters (and references to scalars) are in registers 0.., strings and blobs in objects
 * 0.., each in their order. */
typedef struct cb_function {
    const cb_insn *code; /* in the program's code */
    uint32_t code_count; /* a call also charges so much to the budget */
    uint32_t register_count;
    uint32_t object_count;
    uint32_t object_parameter_count;
    uint8_t *register_kinds; /* cb_kind each */
    uint8_t *object_kinds;   /* STRING or BLOB each */
    uint32_t scalar_parameter_count;
    uint32_t parameter_count;
    cb_parameter *parameters;
    uint8_t result;      /* cb_kind; NONE for void */
    uint8_t result_type; /* cb_type */
    bool is_callback;
    char *name;
} cb_function;

typedef struct cb_verb_use {
    const cb_verb *verb;
    const cb_signature *signature; /* the catalog's */
    char *name;                    /* "namespace.Verb", for errors */
    uint8_t name_space;
    uint8_t result;      /* cb_kind */
    uint8_t result_type; /* cb_type */
} cb_verb_use;

typedef struct cb_line {
    uint32_t line;
    uint32_t column;
} cb_line;

struct cb_program {
    uint32_t refs; /* atomic */
    uint32_t main_index;
    uint32_t number; /* see cb_program_entry */
    char *path;      /* for errors */
    uint64_t hash;
    cb_insn *code;  /* code of all functions, one after the other */
    cb_line *lines; /* one for each instruction */
    size_t code_count;
    cb_function *functions;
    size_t function_count;
    int64_t *integers;
    size_t integer_count;
    double *reals;
    size_t real_count;
    cb_buffer **strings; /* NUL after each; never written */
    size_t string_count;
    cb_verb_use *verbs;
    size_t verb_count;
    uint32_t *callbacks; /* indexes of functions; the position is the entry */
    size_t callback_count;
};

#define CB_NO_MAIN UINT32_MAX

/* The register kind that holds a value of the type; NONE for void. A callback is an integer. */
cb_kind cb_kind_of(cb_type type);

/* Checks the whole program before it may run. Every operand is in range and of the right kind.
 * Every jump leads to an instruction of its function, in the direction that its opcode promises.
 * Every call has the arguments of its callee. CB_FORMAT, and a sentence with function and
 * instruction. */
cb_status cb_verify(const cb_program *program, cb_error *error);

/* The function that holds the instruction, or NULL. */
const cb_function *cb_program_function_at(const cb_program *program, const cb_insn *insn);

/* The kind of the value that goes to RESULT of a call. `insn` is a call of a valid function or
 * verb. */
cb_kind cb_call_result_kind(const cb_program *program, const cb_insn *insn);

#endif
