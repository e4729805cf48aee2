#include "bridge/lang/program.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/bytecode.h"
#include "bridge/lang/codegen.h"
#include "bridge/lang/front.h"
#include "bridge/lang/types.h"

cb_kind cb_kind_of(cb_type type)
{
    if (cb_type_is_integer(type) || type == CB_TYPE_CALLBACK) {
        return CB_KIND_INT;
    }
    if (cb_type_is_real(type)) {
        return CB_KIND_REAL;
    }
    return type == CB_TYPE_STRING ? CB_KIND_STRING
           : type == CB_TYPE_BLOB ? CB_KIND_BLOB
                                  : CB_KIND_NONE;
}

cb_kind cb_call_result_kind(const cb_program *program, const cb_insn *insn)
{
    return (cb_kind)(insn->op == CB_OPC_CALL_VERB ? program->verbs[insn->b].result
                                                  : program->functions[insn->b].result);
}

const cb_function *cb_program_function_at(const cb_program *program, const cb_insn *insn)
{
    size_t low = 0;
    size_t high = program->function_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const cb_function *function = &program->functions[middle];
        if (insn < function->code) {
            high = middle;
        } else if (insn >= function->code + function->code_count) {
            low = middle + 1;
        } else {
            return function;
        }
    }
    return NULL;
}

static void destroy(cb_program *program)
{
    for (size_t i = 0; i < program->function_count; i++) {
        free(program->functions[i].name);
        free(program->functions[i].parameters);
        free(program->functions[i].register_kinds);
        free(program->functions[i].object_kinds);
    }
    for (size_t i = 0; i < program->string_count; i++) {
        cb_buffer_release(program->strings[i]);
    }
    for (size_t i = 0; i < program->verb_count; i++) {
        free(program->verbs[i].name);
    }
    free(program->functions);
    free(program->strings);
    free(program->verbs);
    free(program->code);
    free(program->lines);
    free(program->integers);
    free(program->reals);
    free(program->callbacks);
    free(program->path);
    free(program);
}

/* FNV-1a: good enough to tell programs apart, and the same everywhere. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * 1099511628211u;
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
    return hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t hash_program(const cb_program *program)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < program->code_count; i++) {
        const cb_insn *insn = &program->code[i];
        hash = hash_number(hash, (uint64_t)insn->op | (uint64_t)insn->a << 16 |
                                     (uint64_t)(uint32_t)insn->wide << 32);
    }
    for (size_t i = 0; i < program->integer_count; i++) {
        hash = hash_number(hash, (uint64_t)program->integers[i]);
    }
    for (size_t i = 0; i < program->real_count; i++) {
        uint64_t bits;
        memcpy(&bits, &program->reals[i], sizeof bits);
        hash = hash_number(hash, bits);
    }
    for (size_t i = 0; i < program->string_count; i++) {
        hash = hash_number(hash, program->strings[i]->size);
        hash = hash_bytes(hash, program->strings[i]->data, program->strings[i]->size);
    }
    for (size_t i = 0; i < program->verb_count; i++) {
        hash = hash_bytes(hash, program->verbs[i].name, strlen(program->verbs[i].name) + 1);
    }
    for (size_t i = 0; i < program->function_count; i++) {
        const cb_function *function = &program->functions[i];
        hash = hash_bytes(hash, function->name, strlen(function->name) + 1);
        hash = hash_number(hash, function->code_count);
    }
    return hash;
}

static cb_status build(const cb_ast_program *ast, cb_program **program, cb_diagnostics *diagnostics)
{
    cb_program *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return CB_NO_MEMORY;
    }
    made->refs = 1;
    cb_status status = cb_generate(ast, made, diagnostics);
    if (status != CB_OK) {
        destroy(made);
        return status;
    }
    cb_error error;
    if (cb_verify(made, &error) != CB_OK) {
        /* Our own mistake, not the user's; but no program that was refused may run. */
        cb_place nowhere = {.line = 1, .column = 1};
        cb_diagnostics_add(diagnostics, nowhere, "internal error: %.300s", error.text);
        destroy(made);
        return CB_FORMAT;
    }
    made->hash = hash_program(made);
    *program = made;
    return CB_OK;
}

cb_status cb_program_compile(const cb_source *source, const cb_catalog *catalog,
                             cb_program **program, cb_diagnostics *diagnostics)
{
    *program = NULL;
    cb_ast_program *ast = NULL;
    cb_status status = cb_front_analyze(source, catalog, &ast, diagnostics);
    if (status != CB_OK) {
        return status;
    }
    status = build(ast, program, diagnostics);
    cb_ast_free(ast);
    return status;
}

cb_program *cb_program_retain(cb_program *program)
{
    if (program != NULL) {
        /* Whoever retains holds a reference, so no order is needed. */
        __atomic_fetch_add(&program->refs, 1u, __ATOMIC_RELAXED);
    }
    return program;
}

void cb_program_release(cb_program *program)
{
    /* All that was done with it comes before its end. */
    if (program != NULL && __atomic_fetch_sub(&program->refs, 1u, __ATOMIC_ACQ_REL) == 1) {
        destroy(program);
    }
}

bool cb_program_has_main(const cb_program *program)
{
    return program->main_index != CB_NO_MAIN;
}

int64_t cb_program_callback(const cb_program *program, const char *name)
{
    for (size_t i = 0; i < program->callback_count; i++) {
        if (strcmp(program->functions[program->callbacks[i]].name, name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

void cb_program_set_number(cb_program *program, uint32_t number)
{
    program->number = number;
}

int64_t cb_program_entry(const cb_program *program, int64_t callback)
{
    return (int64_t)((uint64_t)program->number << CB_ENTRY_NUMBER_SHIFT | (uint64_t)callback);
}

const char *cb_program_callback_name(const cb_program *program, int64_t entry)
{
    if (entry < 0 || (uint64_t)entry >= program->callback_count) {
        return NULL;
    }
    return program->functions[program->callbacks[entry]].name;
}

size_t cb_program_callback_count(const cb_program *program)
{
    return program->callback_count;
}

uint64_t cb_program_hash(const cb_program *program)
{
    return program->hash;
}
