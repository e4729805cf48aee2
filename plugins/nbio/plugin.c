/* nbio: the event loop for scripts. This file is the table, and the constants. */
#include "plugins/nbio/constants.h"
#include "plugins/nbio/nbio.h"

#define DEFINE_CONSTANT(name, value, text)                                                         \
    static cb_status constant_##name(cb_call *call)                                                \
    {                                                                                              \
        call->result.integer = (int64_t)(value);                                                   \
        return CB_OK;                                                                              \
    }
CB_NBIO_CONSTANTS(DEFINE_CONSTANT)

#define DEFINE_ERROR(verb, name) DEFINE_CONSTANT(verb, CB_IO_##name, "")
CB_NBIO_ERRORS(DEFINE_ERROR)

#define ONE_ERROR(name, code, text) +1
#define ONE_CONSTANT(verb, name)    +1
_Static_assert((0 CB_NBIO_ERRORS(ONE_CONSTANT)) == (0 CB_IO_ERRORS(ONE_ERROR)),
               "each error has its constant");

#define ORDER_VERB(verb, signature, number, letters, text)                                         \
    {#verb, signature, cb_nbio_##verb, 0, text},
#define QUESTION_VERB(verb, signature, number, text) {#verb, signature, cb_nbio_##verb, 0, text},
#define ANSWER_VERB(verb, signature, function, text) {#verb, signature, function, 0, text},
#define BLOCKING_VERB(verb, signature, function, text)                                             \
    {#verb, signature, function, CB_VERB_BLOCKS, text},
#define CONSTANT_VERB(name, value, text) {#name, "i32()", constant_##name, 0, text},

/* Its words are those of ErrorText. */
#define ERROR_VERB(verb, name) CONSTANT_VERB(verb, CB_IO_##name, "error: CB_IO_" #name)

static const cb_verb verbs[] = {CB_NBIO_ORDERS(ORDER_VERB) CB_NBIO_QUESTIONS(QUESTION_VERB)
                                    CB_NBIO_ANSWERS(ANSWER_VERB) CB_NBIO_BLOCKING(BLOCKING_VERB)
                                        CB_NBIO_CONSTANTS(CONSTANT_VERB)
                                            CB_NBIO_ERRORS(ERROR_VERB)};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "nbio",
    .version = "0.1.0",
    .summary = "an event loop: timers, sockets and files whose operations call back",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
