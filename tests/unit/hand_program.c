#include "tests/unit/hand_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the function under test: what its registers and objects hold. */
static uint8_t registers[] = {CB_KIND_INT,  CB_KIND_INT, CB_KIND_REAL,
                              CB_KIND_REAL, CB_KIND_REF, CB_KIND_REF};
static uint8_t objects[] = {CB_KIND_STRING, CB_KIND_STRING, CB_KIND_BLOB, CB_KIND_BLOB};

static cb_parameter of_plain[] = {{CB_KIND_INT, false}, {CB_KIND_REAL, false}};
static cb_parameter of_objects[] = {
    {CB_KIND_STRING, false}, {CB_KIND_INT, false}, {CB_KIND_BLOB, true}, {CB_KIND_BLOB, false}};
static cb_parameter of_callback[] = {{CB_KIND_BLOB, true}};
static cb_parameter of_refs[] = {{CB_KIND_INT, true}, {CB_KIND_REAL, true}};
static uint8_t plain_kinds[] = {CB_KIND_INT, CB_KIND_REAL};
static uint8_t objects_kinds[] = {CB_KIND_INT};
static uint8_t objects_objects[] = {CB_KIND_STRING, CB_KIND_BLOB, CB_KIND_BLOB};
static uint8_t callback_kinds[] = {CB_KIND_INT};
static uint8_t callback_objects[] = {CB_KIND_BLOB};
static uint8_t refs_kinds[] = {CB_KIND_REF, CB_KIND_REF, CB_KIND_REAL};

/* One instruction each but for the function under test, which comes last. */
cb_function hand_functions[HAND_FUNCTIONS];
static const cb_function good_functions[HAND_FUNCTIONS] = {
    [HAND_PLAIN] = {.register_count = 2,
                    .register_kinds = plain_kinds,
                    .scalar_parameter_count = 2,
                    .parameter_count = 2,
                    .parameters = of_plain,
                    .result = CB_KIND_INT,
                    .name = (char[]){"plain"}},
    [HAND_OBJECTS] = {.register_count = 1,
                      .register_kinds = objects_kinds,
                      .object_count = 3,
                      .object_kinds = objects_objects,
                      .scalar_parameter_count = 1,
                      .object_parameter_count = 3,
                      .parameter_count = 4,
                      .parameters = of_objects,
                      .result = CB_KIND_BLOB,
                      .name = (char[]){"objects"}},
    [HAND_CALLBACK] = {.register_count = 1,
                       .register_kinds = callback_kinds,
                       .object_count = 1,
                       .object_kinds = callback_objects,
                       .object_parameter_count = 1,
                       .parameter_count = 1,
                       .parameters = of_callback,
                       .result = CB_KIND_INT,
                       .is_callback = true,
                       .name = (char[]){"Callback"}},
    [HAND_REFS] = {.register_count = 3,
                   .register_kinds = refs_kinds,
                   .scalar_parameter_count = 2,
                   .parameter_count = 2,
                   .parameters = of_refs,
                   .result = CB_KIND_REAL,
                   .name = (char[]){"refs"}},
    [HAND_NOTHING] = {.name = (char[]){"nothing"}},
    [HAND_TESTED] = {.register_count = 6,
                     .register_kinds = registers,
                     .object_count = 4,
                     .object_kinds = objects,
                     .name = (char[]){"tested"}},
};

static const char *const verb_texts[HAND_VERBS] = {
    [HAND_NUMBERS] = "i32(i32 a, double b?)", [HAND_TEXTS] = "string(string s, ref blob b, blob c)",
    [HAND_MANY] = "void(string format, ...)", [HAND_NAMED] = "blob(callback name)",
    [HAND_FLOATS] = "float(ref string s)",
};
static cb_signature signatures[HAND_VERBS];
static cb_verb_use verbs[HAND_VERBS];

static int64_t integers[2];
static double reals[1];
static cb_buffer *strings[3];
static uint32_t callbacks[] = {HAND_CALLBACK};

cb_program hand_program;

cb_insn hand_insn(cb_opcode op, uint32_t a, uint32_t b, uint32_t c)
{
    cb_insn made = {.op = (uint16_t)op, .a = (uint16_t)a};
    made.b = (uint16_t)b;
    made.c = (uint16_t)c;
    return made;
}

cb_insn hand_wide(cb_opcode op, uint32_t a, int32_t number)
{
    cb_insn made = {.op = (uint16_t)op, .a = (uint16_t)a};
    made.wide = number;
    return made;
}

void hand_make(const cb_insn *code, uint32_t count)
{
    free(hand_program.code);
    memcpy(hand_functions, good_functions, sizeof hand_functions);
    hand_program = (cb_program){.main_index = HAND_NOTHING,
                                .functions = hand_functions,
                                .function_count = HAND_FUNCTIONS,
                                .integers = integers,
                                .integer_count = 2,
                                .reals = reals,
                                .real_count = 1,
                                .strings = strings,
                                .string_count = 3,
                                .verbs = verbs,
                                .verb_count = HAND_VERBS,
                                .callbacks = callbacks,
                                .callback_count = 1};
    callbacks[0] = HAND_CALLBACK;
    hand_program.code_count = HAND_TESTED + count;
    hand_program.code = malloc(hand_program.code_count * sizeof *hand_program.code);
    if (hand_program.code == NULL)
        abort();
    hand_program.code[HAND_PLAIN] = hand_insn(CB_OPC_RET_I, 0, 0, 0);
    hand_program.code[HAND_OBJECTS] = hand_insn(CB_OPC_LEAVE_O, 1, 0, 0);
    hand_program.code[HAND_CALLBACK] = hand_insn(CB_OPC_LEAVE_I, 0, 0, 0);
    hand_program.code[HAND_REFS] = hand_insn(CB_OPC_RET_F, 2, 0, 0);
    hand_program.code[HAND_NOTHING] = hand_insn(CB_OPC_RET, 0, 0, 0);
    memcpy(hand_program.code + HAND_TESTED, code, count * sizeof *code);
    for (uint32_t i = 0; i < HAND_FUNCTIONS; i++) {
        hand_functions[i].code = hand_program.code + i;
        hand_functions[i].code_count = i == HAND_TESTED ? count : 1;
    }
    for (size_t i = 0; i < HAND_VERBS; i++) {
        if (cb_signature_parse(verb_texts[i], &signatures[i], NULL) != CB_OK)
            abort();
        verbs[i] = (cb_verb_use){.signature = &signatures[i],
                                 .result = (uint8_t)cb_kind_of(signatures[i].result)};
    }
}

void hand_free(void)
{
    free(hand_program.code);
    hand_program.code = NULL;
}

bool hand_is_told(const char *wanted)
{
    cb_error error = {0};
    cb_status status = cb_verify(&hand_program, &error);
    const char *said = status == CB_OK ? NULL : error.text;
    bool same = wanted == NULL ? said == NULL : said != NULL && strcmp(said, wanted) == 0;
    same = same && (status == CB_OK || status == CB_FORMAT);
    if (!same)
        printf("\n  wants %s\n  gives %s\n", wanted != NULL ? wanted : "-",
               said != NULL ? said : "-");
    return same;
}

bool hand_is_told_at(size_t at, const char *what)
{
    char wanted[200];
    if (what == NULL)
        return hand_is_told(NULL);
    (void)snprintf(wanted, sizeof wanted, "damaged bytecode in tested at instruction %zu: %s", at,
                   what);
    return hand_is_told(wanted);
}
