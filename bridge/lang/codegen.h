/* The code generator, from the typed tree to bytecode: its state, shared by the files codegen*.c.
 *
 * Registers are given out like a stack: locals where they are declared, temporaries above them. All
 * are returned at the end of their block or use. A register keeps its kind for the whole function,
 * so a request skips registers of another kind. Constants that a loop needs and that no instruction
 * can carry get their own registers, loaded at the function's start. Their count is known last, so
 * they are numbered from CB_GEN_CONSTANTS on and moved down when the function is finished.
 */
#ifndef CALLBOARD_LANG_CODEGEN_H
#define CALLBOARD_LANG_CODEGEN_H

#include "bridge/lang/ast.h"
#include "bridge/lang/bytecode.h"
#include "bridge/lang/diagnostics.h"

#define CB_GEN_REGISTERS      0x8000u   /* scalars, and objects, of one function */
#define CB_GEN_CONSTANTS      0xC000u   /* first number of a constant's register */
#define CB_GEN_MOST_CONSTANTS 64u       /* more are loaded where they are used */
#define CB_GEN_MOST_CODE      0x400000u /* instructions of a function */
/* Nested expressions: a chain of CB_MAX_CHAIN operators with a conversion at each, and what stands
 * around it. A level takes a few hundred bytes of stack. */
#define CB_GEN_DEPTH          2100u

#define CB_GEN_ANY  (-1) /* the value may lie in any register */
#define CB_GEN_DROP (-2) /* the value is not used */

/* A place in the code that jumps may name before it is known. */
typedef struct cb_gen_label {
    int64_t at; /* -1: not bound yet */
    bool used;
} cb_gen_label;

typedef struct cb_gen_fixup {
    uint32_t insn;
    uint32_t label;
} cb_gen_fixup;

typedef struct cb_gen_constant {
    uint8_t kind; /* INT or REAL */
    int64_t bits;
} cb_gen_constant;

/* The targets of break and continue. */
typedef struct cb_gen_exit {
    struct cb_gen_exit *outer;
    uint32_t break_label;
    uint32_t continue_label;
    bool is_loop;     /* a switch takes break only */
    uint32_t objects; /* objects from this number on end with it */
} cb_gen_exit;

typedef struct cb_gen_file { /* one of the two files of registers */
    uint8_t kinds[CB_GEN_REGISTERS];
    uint32_t top;  /* the first free register */
    uint32_t high; /* the most registers that were ever in use */
} cb_gen_file;

typedef struct cb_gen {
    const cb_ast_program *ast;
    cb_program *program;
    cb_diagnostics *diagnostics;
    cb_status status; /* the first failure; later calls do no harm */
    size_t code_room;
    size_t integer_room;
    size_t real_room;
    size_t string_room;
    size_t verb_room;

    /* -- the function being generated -- */
    const cb_ast_function *source;
    cb_function *function;
    cb_insn *code;
    cb_line *lines;
    size_t count;
    size_t room;
    cb_gen_label *labels;
    size_t label_count;
    size_t label_room;
    cb_gen_fixup *fixups;
    size_t fixup_count;
    size_t fixup_room;
    int64_t last_label; /* the newest place that may be the target of a jump */
    bool far; /* conditions with jumps of 16 bits do not reach far enough: use jumps of 32 bits */
    bool too_far; /* so the function must be generated again with `far` */
    cb_place place;
    uint32_t loop_depth;
    uint32_t depth;
    cb_gen_exit *exit;
    cb_gen_constant constants[CB_GEN_MOST_CONSTANTS];
    uint32_t constant_count;
    cb_gen_file scalars;
    cb_gen_file objects;
    uint16_t locals[CB_MAX_LOCALS]; /* register or object of each local */
} cb_gen;

/* -- codegen_emit.c: instructions, registers, labels, constants -- */
void cb_gen_fail(cb_gen *gen, cb_status status, const char *text);
/* Makes room for one more element in a growing array; false when out of memory. */
bool cb_gen_grow(cb_gen *gen, void **array, size_t count, size_t *room, size_t element);
size_t cb_gen_emit(cb_gen *gen, cb_opcode op, uint32_t a, uint32_t b, uint32_t c);
size_t cb_gen_emit_wide(cb_gen *gen, cb_opcode op, uint32_t a, int32_t wide);
uint16_t cb_gen_new(cb_gen *gen, cb_gen_file *file, cb_kind kind);
uint16_t cb_gen_new_scalar(cb_gen *gen, cb_type type);
uint16_t cb_gen_new_object(cb_gen *gen, cb_type type);
/* The register `wanted`, or a new one if `wanted` is ANY or DROP. */
uint16_t cb_gen_target(cb_gen *gen, int wanted, cb_type type);
/* Releases the object temporaries from `mark` on. */
void cb_gen_drop_objects(cb_gen *gen, uint32_t mark);
uint32_t cb_gen_label_new(cb_gen *gen);
void cb_gen_bind(cb_gen *gen, uint32_t label);
/* Emits a jump. `op` is the forward opcode; if the label is bound already, the backward one is
 * used. */
void cb_gen_jump(cb_gen *gen, cb_opcode op, uint32_t a, uint32_t b, uint32_t label);
bool cb_gen_is_short(const cb_ast_expr *expr, int64_t *value); /* an integer that fits 16 bits */
uint16_t cb_gen_integer(cb_gen *gen, int64_t value, int wanted);
uint16_t cb_gen_real(cb_gen *gen, double value, int wanted);
int32_t cb_gen_string(cb_gen *gen, const char *bytes, size_t size);
uint32_t cb_gen_verb(cb_gen *gen, const cb_ast_expr *call);
/* Sets the jumps, moves the constants down, and appends the code to the program. */
void cb_gen_finish_function(cb_gen *gen);

/* -- codegen_expr.c: scalars -- */
/* Generates a scalar, or anything whose value is dropped. Returns its register: `wanted`, unless
 * `wanted` is ANY or DROP. For ANY it may be a variable's own register, which must not be
 * written. */
uint16_t cb_gen_scalar(cb_gen *gen, const cb_ast_expr *expr, int wanted);
/* The same, but protected from `later` (a list): a variable that `later` may change is copied. */
uint16_t cb_gen_kept(cb_gen *gen, const cb_ast_expr *expr, const cb_ast_expr *later);
bool cb_gen_has_effects(const cb_ast_expr *expr);
void cb_gen_wrap(cb_gen *gen, cb_type type, uint16_t reg);
const cb_ast_local *cb_gen_local(const cb_gen *gen, uint32_t local);
bool cb_gen_is_object(cb_type type);

/* -- codegen_store.c: assignments to scalars -- */
uint16_t cb_gen_assign(cb_gen *gen, const cb_ast_expr *expr, int wanted);
uint16_t cb_gen_update(cb_gen *gen, const cb_ast_expr *expr, int wanted); /* op=, ++, -- */
void cb_gen_get_field(cb_gen *gen, const cb_ast_expr *field, uint16_t to);
/* to = left op right */
void cb_gen_binary(cb_gen *gen, cb_operator op, cb_type type, uint16_t to, uint16_t left,
                   const cb_ast_expr *right);

/* -- codegen_object.c: strings and blobs, calls -- */
uint16_t cb_gen_object(cb_gen *gen, const cb_ast_expr *expr); /* returns the object that holds it */
uint16_t cb_gen_object_kept(cb_gen *gen, const cb_ast_expr *expr, const cb_ast_expr *later);
void cb_gen_object_into(cb_gen *gen, const cb_ast_expr *expr, uint16_t to);
/* A call of a function or verb; `wanted` is a scalar register, or an object if the result is
 * one. */
uint16_t cb_gen_call(cb_gen *gen, const cb_ast_expr *expr, int wanted);

/* -- codegen_condition.c -- */
/* Jumps to the label if the condition's truth is `sense`; otherwise goes on. */
void cb_gen_condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label);
void cb_gen_compare(cb_gen *gen, const cb_ast_expr *expr, uint16_t to);

/* -- codegen.c: statements, functions, the program -- */
/* CB_LIMIT and CB_NO_MEMORY; *diagnostics says what was too large. The program must be new and
 * empty. */
cb_status cb_generate(const cb_ast_program *ast, cb_program *program, cb_diagnostics *diagnostics);

#endif
