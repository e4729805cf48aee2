/* str: declarations that its files share. Positions count bytes from 0. Letters are those of
 * ASCII. */
#ifndef CALLBOARD_PLUGINS_STR_H
#define CALLBOARD_PLUGINS_STR_H

#include "callboard/plugin.h"

/* Bytes of the longest text that a verb here builds. The host's own limit may be lower. */
#define CB_STR_RESULT_MAX 1073741824u

/* A new buffer for a result of `size` bytes; it belongs to the caller. A runtime error if that is
 * too much. */
cb_status cb_str_new(cb_call *call, size_t size, cb_buffer **result);
/* Makes a length, a count or a position the call's result; a runtime error if an i32 cannot hold
 * it. */
cb_status cb_str_return_count(cb_call *call, size_t count);
/* The first place of `needle` at or after `from` (at most the text's size); -1 if there is none. An
 * empty needle is found at `from`. */
int64_t cb_str_find(const cb_value *text, const cb_value *needle, size_t from);

/* X(function): the verbs' handlers. */
#define CB_STR_HANDLERS(X)                                                                         \
    X(len)                                                                                         \
    X(char_at)                                                                                     \
    X(find_first)                                                                                  \
    X(find_from)                                                                                   \
    X(starts_with)                                                                                 \
    X(ends_with)                                                                                   \
    X(contains)                                                                                    \
    X(compare)                                                                                     \
    X(split_count)                                                                                 \
    X(sub)                                                                                         \
    X(upper)                                                                                       \
    X(lower)                                                                                       \
    X(trim)                                                                                        \
    X(replace)                                                                                     \
    X(repeat)                                                                                      \
    X(concat)                                                                                      \
    X(split)                                                                                       \
    X(to_int)                                                                                      \
    X(to_double)                                                                                   \
    X(from_int)

#define CB_STR_DECLARE(function) cb_verb_fn cb_str_##function;
CB_STR_HANDLERS(CB_STR_DECLARE)
#undef CB_STR_DECLARE

#endif
