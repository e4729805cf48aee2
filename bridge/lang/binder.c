#include "bridge/lang/binder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/binder_internal.h"

void *cb_bind_fail(cb_binder *binder, cb_place place, const char *format, ...)
{
    if (binder->arena->failed)
        return NULL;
    char text[CB_DIAGNOSTIC_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cb_diagnostics_add(binder->diagnostics, place, "%s", text);
    return NULL;
}

cb_ast_expr *cb_bind_node(cb_binder *binder, cb_expr_kind kind, cb_type type, cb_place place)
{
    cb_ast_expr *node = cb_arena_get(binder->arena, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->type = type;
        node->place = place;
    }
    return node;
}

cb_symbol *cb_bind_declare(cb_binder *binder, const char *name, cb_symbol_kind kind, cb_place place)
{
    const cb_symbol *other = cb_scope_find(&binder->scope, name);
    if (other != NULL && other->kind != CB_SYMBOL_UNKNOWN)
        return cb_bind_fail(binder, place, "%s is already declared in line %u", name,
                            other->place.line);
    const cb_namespace *bare = cb_bind_find_namespace(binder, "", NULL);
    if (bare != NULL && cb_namespace_find(bare, name) != NULL)
        return cb_bind_fail(binder, place, "%s is already a plugin's verb", name);
    return cb_scope_add(&binder->scope, name, kind, place);
}

const cb_namespace *cb_bind_find_namespace(const cb_binder *binder, const char *name,
                                           uint32_t *index)
{
    for (uint32_t i = 0; i < binder->program->namespace_count; i++) {
        const cb_namespace *name_space = binder->program->namespaces[i];
        if (strcmp(name_space->name, name) != 0)
            continue;
        if (index != NULL)
            *index = i;
        return name_space;
    }
    return NULL;
}

/* ---- plugins ---- */

/* The same namespace may come again by a line that knows more of it: a file plugin after the
 * builtin of its name. The richer one stays. */
static void add_namespace(cb_ast_program *program, const cb_namespace *name_space)
{
    for (uint32_t i = 0; i < program->namespace_count; i++) {
        const cb_namespace *other = program->namespaces[i];
        if (strcmp(other->name, name_space->name) != 0)
            continue;
        if (name_space->verb_count > other->verb_count)
            program->namespaces[i] = name_space;
        return;
    }
    program->namespaces[program->namespace_count++] = name_space;
}

static void load_plugins(cb_binder *binder, const cb_syntax *plugins)
{
    cb_ast_program *program = binder->program;
    size_t count = 0;
    for (const cb_syntax *one = plugins; one != NULL; one = one->next)
        count++;
    program->namespaces = cb_arena_get(binder->arena, (count + 1) * sizeof(cb_namespace *));
    if (program->namespaces == NULL)
        return;
    for (const cb_syntax *one = plugins; one != NULL && !binder->diagnostics->more;
         one = one->next) {
        const cb_namespace *name_space = NULL;
        cb_error error = {0};
        cb_status status = binder->catalog->load(binder->catalog->user, one->text,
                                                 program->source->folder, &name_space, &error);
        if (status == CB_OK) {
            add_namespace(program, name_space);
            continue;
        }
        binder->is_plugin_broken = true;
        if (status == CB_NO_MEMORY)
            binder->arena->failed = true;
        cb_bind_fail(binder, one->place, "%.350s",
                     error.text[0] != '\0' ? error.text : cb_status_text(status));
    }
}

/* ---- constants and structs ---- */

static void declare_constants(cb_binder *binder, const cb_syntax *defines)
{
    for (const cb_syntax *one = defines; one != NULL; one = one->next) {
        cb_symbol *symbol = cb_bind_declare(binder, one->text, CB_SYMBOL_CONSTANT, one->place);
        if (symbol != NULL)
            symbol->constant = one->a;
    }
}

static uint32_t round_up(uint32_t size, uint32_t alignment)
{
    return (size + alignment - 1) / alignment * alignment;
}

static bool has_field(const cb_ast_struct *layout, const char *name)
{
    for (const cb_ast_field *field = layout->fields; field != NULL; field = field->next) {
        if (strcmp(field->name, name) == 0)
            return true;
    }
    return false;
}

static void too_large(cb_binder *binder, cb_place place, const cb_ast_struct *layout)
{
    cb_bind_fail(binder, place, "struct %s is larger than %u bytes", layout->name,
                 CB_MAX_STRUCT_BYTES);
}

/* Lays out the fields; returns the struct's alignment, or 0 after an error. */
static uint32_t bind_fields(cb_binder *binder, const cb_syntax *fields, cb_ast_struct *layout)
{
    uint32_t alignment = 1;
    cb_ast_field **end = &layout->fields;
    for (const cb_syntax *one = fields; one != NULL; one = one->next) {
        uint32_t bytes = cb_type_bytes(one->type);
        if (bytes == 0) {
            cb_bind_fail(binder, one->place, "a field is a number, not %s",
                         cb_type_name(one->type));
            return 0;
        }
        if (has_field(layout, one->text)) {
            cb_bind_fail(binder, one->place, "struct %s has a field %s already", layout->name,
                         one->text);
            return 0;
        }
        uint32_t own = layout->is_packed ? 1 : bytes;
        layout->size = round_up(layout->size, own);
        if (layout->size + bytes > CB_MAX_STRUCT_BYTES) {
            too_large(binder, one->place, layout);
            return 0;
        }
        cb_ast_field *field = cb_arena_get(binder->arena, sizeof *field);
        if (field == NULL)
            return 0;
        *field = (cb_ast_field){one->text, one->type, layout->size, NULL};
        *end = field;
        end = &field->next;
        layout->size += bytes;
        alignment = own > alignment ? own : alignment;
    }
    return alignment;
}

static void declare_structs(cb_binder *binder, const cb_syntax *structs)
{
    cb_ast_struct **end = &binder->program->structs;
    for (const cb_syntax *one = structs; one != NULL; one = one->next) {
        cb_symbol *symbol = cb_bind_declare(binder, one->text, CB_SYMBOL_STRUCT, one->place);
        cb_ast_struct *layout = cb_arena_get(binder->arena, sizeof *layout);
        if (symbol == NULL || layout == NULL)
            continue;
        symbol->layout = layout;
        layout->name = one->text;
        layout->is_packed = one->flag;
        layout->place = one->place;
        uint32_t alignment = bind_fields(binder, one->a, layout);
        if (alignment == 0 || one->is_broken)
            binder->is_file_broken = true;
        else if (layout->fields == NULL)
            cb_bind_fail(binder, one->place, "struct %s has no fields", one->text);
        else if (round_up(layout->size, alignment) > CB_MAX_STRUCT_BYTES)
            too_large(binder, one->place, layout);
        else
            layout->size = round_up(layout->size, alignment);
        *end = layout;
        end = &layout->next;
    }
}

/* ---- functions ---- */

/* A callback is called by plugins, which know one signature. */
static void check_callback(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_syntax *parameter = syntax->a;
    bool is_right = syntax->type == CB_TYPE_I32 && parameter != NULL && parameter->next == NULL &&
                    parameter->flag && parameter->type == CB_TYPE_BLOB;
    if (!is_right)
        cb_bind_fail(binder, syntax->place,
                     "the signature of a callback is: callback i32 %s(ref blob $X)", syntax->text);
}

static void declare_parameters(cb_binder *binder, const cb_syntax *syntax,
                               cb_ast_function *function)
{
    uint32_t count = 0;
    for (const cb_syntax *one = syntax->a; one != NULL; one = one->next) {
        if (one->type == CB_TYPE_VOID) {
            cb_bind_fail(binder, one->place, "a parameter can't be void");
            function->is_broken = true;
        }
        if (++count > CB_MAX_PARAMETERS) {
            cb_bind_fail(binder, one->place, "a function takes at most %u parameters",
                         CB_MAX_PARAMETERS);
            function->is_broken = true;
            return;
        }
    }
    function->locals = cb_arena_get(binder->arena, count * sizeof(cb_ast_local));
    if (function->locals == NULL)
        return;
    function->parameter_count = count;
    cb_ast_local *local = function->locals;
    for (const cb_syntax *one = syntax->a; one != NULL; one = one->next)
        *local++ = (cb_ast_local){one->text + 1, one->type,
                                  one->flag ? CB_LOCAL_REF : CB_LOCAL_VALUE, one->place};
}

static bool declare_functions(cb_binder *binder, const cb_syntax *functions)
{
    size_t count = 0;
    for (const cb_syntax *one = functions; one != NULL; one = one->next) {
        if (++count > CB_MAX_FUNCTIONS) {
            cb_bind_fail(binder, one->place, "a file holds at most %u functions", CB_MAX_FUNCTIONS);
            return false;
        }
    }
    cb_ast_program *program = binder->program;
    program->functions = cb_arena_get(binder->arena, count * sizeof(cb_ast_function));
    if (program->functions == NULL)
        return false;
    for (const cb_syntax *one = functions; one != NULL; one = one->next) {
        cb_ast_function *function = &program->functions[program->function_count];
        *function = (cb_ast_function){.name = one->text,
                                      .index = program->function_count++,
                                      .result = one->type,
                                      .is_callback = one->flag,
                                      .place = one->place,
                                      .end = one->end};
        cb_symbol *symbol = cb_bind_declare(binder, one->text, CB_SYMBOL_FUNCTION, one->place);
        if (symbol != NULL)
            symbol->index = function->index;
        if (one->flag)
            check_callback(binder, one);
        declare_parameters(binder, one, function);
    }
    return true;
}

static void find_main(cb_binder *binder)
{
    const cb_symbol *symbol = cb_scope_find(&binder->scope, "main");
    if (symbol == NULL || symbol->kind != CB_SYMBOL_FUNCTION) {
        cb_place start = {0, 0, 1, 1};
        if (!binder->is_file_broken)
            cb_bind_fail(binder, start, "no main: a script begins at void main() or i32 main()");
        return;
    }
    const cb_ast_function *function = &binder->program->functions[symbol->index];
    bool is_right = (function->result == CB_TYPE_VOID || function->result == CB_TYPE_I32) &&
                    function->parameter_count == 0 && !function->is_callback;
    if (!is_right)
        cb_bind_fail(binder, function->place, "main is void main() or i32 main()");
    binder->program->main_index = symbol->index;
}

static void bind_program(cb_binder *binder, const cb_parsed *parsed)
{
    load_plugins(binder, parsed->plugins);
    declare_constants(binder, parsed->defines);
    declare_structs(binder, parsed->structs);
    if (!declare_functions(binder, parsed->functions))
        return;
    find_main(binder);
    uint32_t index = 0;
    for (const cb_syntax *one = parsed->functions; one != NULL; one = one->next) {
        if (binder->diagnostics->more || binder->arena->failed)
            return;
        cb_bind_body(binder, &binder->program->functions[index++], one);
    }
}

cb_status cb_bind_program(const cb_parsed *parsed, const cb_catalog *catalog,
                          cb_ast_program *program, cb_diagnostics *diagnostics)
{
    cb_binder *binder = calloc(1, sizeof *binder);
    if (binder == NULL)
        return CB_NO_MEMORY;
    binder->catalog = catalog;
    binder->diagnostics = diagnostics;
    binder->arena = &program->arena;
    binder->program = program;
    binder->scope.arena = &program->arena;
    binder->is_file_broken = parsed->is_broken;
    bind_program(binder, parsed);
    free(binder);
    return program->arena.failed ? CB_NO_MEMORY : CB_OK;
}
