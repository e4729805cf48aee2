/* A program made by hand, for tests of the verifier: five small functions, and behind them one
 * whose code the test gives. */
#ifndef CALLBOARD_TESTS_HAND_PROGRAM_H
#define CALLBOARD_TESTS_HAND_PROGRAM_H

#include <stdbool.h>

#include "bridge/lang/bytecode.h"

/* The function under test has registers 0, 1 for integers, 2, 3 for reals, 4, 5 for references;
 * objects 0, 1 for strings and 2, 3 for blobs; no parameters and no result. */
enum {
    HAND_PLAIN,    /* an integer of an integer and a real; no objects */
    HAND_OBJECTS,  /* a blob of a string, an integer, a blob by reference and a blob */
    HAND_CALLBACK, /* a callback */
    HAND_REFS,     /* a real of references to an integer and a real; no objects */
    HAND_NOTHING,  /* nothing of nothing */
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

/* 2 integers, 1 real and 3 strings are its constants; one callback is listed, main is NOTHING. */
extern cb_program hand_program;
extern cb_function hand_functions[HAND_FUNCTIONS];

cb_insn hand_insn(cb_opcode op, uint32_t a, uint32_t b, uint32_t c);
cb_insn hand_wide(cb_opcode op, uint32_t a, int32_t number);

/* Makes the program anew, with this code in the function under test. The code lies in memory of
 * its own, at the end of it. */
void hand_make(const cb_insn *code, uint32_t count);
void hand_free(void);

/* Whether the verifier says this; NULL: that nothing is wrong. Otherwise prints what it says. */
bool hand_is_told(const char *wanted);
/* The same about an instruction of the function under test; `what` NULL: nothing is wrong. */
bool hand_is_told_at(size_t at, const char *what);

#endif
