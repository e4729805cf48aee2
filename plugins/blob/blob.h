/* blob: declarations that its files share. Offsets count bytes from 0. */
#ifndef CALLBOARD_PLUGINS_BLOB_H
#define CALLBOARD_PLUGINS_BLOB_H

#include "callboard/plugin.h"

/* Bytes of the longest blob or text that a verb here builds. The host's own limit may be lower. */
#define CB_BLOB_RESULT_MAX 1073741824u

/* A new buffer for a result of `size` bytes; it belongs to the caller. A runtime error if that is
 * too much. */
cb_status cb_blob_new(cb_call *call, size_t size, cb_buffer **result);

/* X(function): the verbs' handlers. */
#define CB_BLOB_HANDLERS(X)                                                                        \
    X(from_text)                                                                                   \
    X(to_text)                                                                                     \
    X(slice)                                                                                       \
    X(concat)                                                                                      \
    X(find)                                                                                        \
    X(fill)                                                                                        \
    X(compare)                                                                                     \
    X(to_hex)                                                                                      \
    X(from_hex)                                                                                    \
    X(read_u16_le)                                                                                 \
    X(read_u16_be)                                                                                 \
    X(read_u32_le)                                                                                 \
    X(read_u32_be)                                                                                 \
    X(read_u64_le)                                                                                 \
    X(read_u64_be)                                                                                 \
    X(write_u16_le)                                                                                \
    X(write_u16_be)                                                                                \
    X(write_u32_le)                                                                                \
    X(write_u32_be)                                                                                \
    X(write_u64_le)                                                                                \
    X(write_u64_be)

#define CB_BLOB_DECLARE(function) cb_verb_fn cb_blob_##function;
CB_BLOB_HANDLERS(CB_BLOB_DECLARE)
#undef CB_BLOB_DECLARE

#endif
