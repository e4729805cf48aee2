/* A program made by hand, for tests of the verifier: five small functions, and a sixth whose code
 * the test gives. */
#ifndef CALLBOARD_TESTS_HAND_PROGRAM_H
#define CALLBOARD_TESTS_HAND_PROGRAM_H

#include <stdbool.h>

#include "bridge/lang/bytecode.h"

/* The function under test has registers 0, 1 for integers, 2, 3 for reals, 4, 5 for references. Its
 * objects are 0, 1 for strings and 2, 3 for blobs. It has no parameters and no result. */
enum {
    HAND_PLAIN,    /* takes an integer and a real, gives an integer; no objects */
    HAND_OBJECTS,  /* takes a string, an integer, a blob by reference and a blob, gives a blob */
    HAND_CALLBACK, /* a callback */
    HAND_REFS,     /* takes references to an integer and a real, gives a real; no objects */
    HAND_NOTHING,  /* takes nothing, gives nothing */
    HAND_TESTED,
    HAND_FUNCTIONS
};

enum {
    HAND_NUMBERS, /* i32(i32 a, double b?) */
    HAND_TEXTS,   /* string(string s, ref blob b, blob c) */
    HAND_MANY,    /* void(string format, ...) */
    HAND_NAMED,   /* blob(callback name) */
    HAND_FLOATS,  /* float(ref string s) */
    HAND_VERBS
};

/* Its constants are 2 integers, 1 real and 3 strings. One callback is listed; main is NOTHING. */
extern cb_program hand_program;
extern cb_function hand_functions[HAND_FUNCTIONS];

cb_insn hand_insn(cb_opcode op, uint32_t a, uint32_t b, uint32_t c);
cb_insn hand_wide(cb_opcode op, uint32_t a, int32_t number);

/* Makes the program anew, with this code in the function under test. The code lies at the end of
 * its own memory. */
void hand_make(const cb_insn *code, uint32_t count);
void hand_free(void);

/* True if the verifier gives this text; NULL: no error. Otherwise prints the text that it gave. */
bool hand_is_told(const char *wanted);
/* The same for an instruction of the function under test; `what` NULL: no error. */
bool hand_is_told_at(size_t at, const char *what);

#endif
