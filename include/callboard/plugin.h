/* The plugin ABI: what a plugin exports, and what the host gives to it.
 *
 * A plugin is a shared library with one exported object, `const cb_plugin callboard_plugin`: its
 * ABI version, its namespace and a table of verbs. A plugin needs no library of Callboard: it
 * reaches everything through the host's table of functions, which each call carries. See
 * examples/plugin_minimal.
 *
 *     static cb_status twice(cb_call *call)
 *     {
 *         call->result.integer = call->args[0].integer * 2;
 *         return CB_OK;
 *     }
 *     static const cb_verb verbs[] = {
 *         {"Twice", "i64(i64 n)", twice, 0, "n times two"},
 *     };
 *     CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
 *         .abi = CB_PLUGIN_ABI, .name_space = "demo", .version = "1.0",
 *         .summary = "a demonstration", .verbs = verbs, .verb_count = 1};
 *
 * Threads: a verb runs on the thread of the script that calls it. This is main's thread or any
 * actor's, and one verb may run on several threads at once. A plugin keeps no state of its own,
 * except state that lasts as long as one run (run_memory). The plugins tls and script_state are
 * exceptions: what they hold outlives a run, so they keep it behind a lock.
 * A verb must not cancel or end the thread that it runs on. It may fork if the child only calls
 * exec or _exit (callboard/runtime.h). A library's destructors for threads (pthread_key_create,
 * thread_local) may run on an actor's thread when the thread ends. Only the end of the program
 * waits for them, for two seconds.
 * Errors: a verb returns CB_OK, the result of host->fail (a runtime error at the call's place in
 * the script), or a code that it got from a host function. It passes CB_STOPPED on unchanged.
 *
 * Signatures: "RESULT(TYPE name, ...)". RESULT: void, i8 i16 i32 i64 u8 u16 u32 u64 float double,
 * string, blob. TYPE: the same without void; `callback` (a callback's name; the binder checks it
 * when it is a literal); `ref blob` or `ref string` (a variable that the verb may change). A `?`
 * after the names of the last parameters makes them optional. A final `...` takes any number of
 * scalars, strings and blobs. With CB_VERB_FORMAT the string parameter before it is a printf
 * format, and the binder checks it.
 */
#ifndef CALLBOARD_PLUGIN_H
#define CALLBOARD_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/runtime.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CB_PLUGIN_ABI    1u
#define CB_PLUGIN_SYMBOL "callboard_plugin"
#define CB_PLUGIN_EXPORT CB_PUBLIC

/* X(NAME, spelling, size in bytes); the size is 0 for types without a fixed size */
#define CB_TYPES(X)                                                                                \
    X(VOID, "void", 0)                                                                             \
    X(I8, "i8", 1)                                                                                 \
    X(I16, "i16", 2)                                                                               \
    X(I32, "i32", 4)                                                                               \
    X(I64, "i64", 8)                                                                               \
    X(U8, "u8", 1)                                                                                 \
    X(U16, "u16", 2)                                                                               \
    X(U32, "u32", 4)                                                                               \
    X(U64, "u64", 8)                                                                               \
    X(FLOAT, "float", 4)                                                                           \
    X(DOUBLE, "double", 8)                                                                         \
    X(STRING, "string", 0)                                                                         \
    X(BLOB, "blob", 0)                                                                             \
    X(CALLBACK, "callback", 0)

typedef enum cb_type {
#define CB_TYPE_ENUM(name, spelling, size) CB_TYPE_##name,
    CB_TYPES(CB_TYPE_ENUM)
#undef CB_TYPE_ENUM
        CB_TYPE_COUNT
} cb_type;

/* One argument, or a result. Integers of all widths are sign- or zero-extended into `integer` (u64:
 * the same 64 bits); float and double are in `real`. Strings and blobs are in `data` and `size`.
 * Their bytes are readable until the verb returns or changes this same variable. A string has a NUL
 * at data[size]. A callback: `integer` is its entry (for cb_route_options), `data` and `size` are
 * its name, followed by a NUL. */
typedef struct cb_value {
    cb_type type;
    union {
        int64_t integer;
        double real;
    };
    const uint8_t *data;
    size_t size;
} cb_value;

typedef struct cb_host cb_host;
typedef struct cb_verb cb_verb;

typedef struct cb_call {
    const cb_host *host;
    const cb_verb *verb;
    const cb_value *args;
    uint32_t argc; /* the number of arguments in the script; shows which optional ones are there */
    cb_value result; /* set .integer or .real; set strings and blobs by host->return_* (default:
                        empty) */
} cb_call;

typedef cb_status cb_verb_fn(cb_call *call);

enum {
    CB_VERB_FORMAT = 1u, /* the parameter before `...` is a format */
    CB_VERB_BLOCKS = 2u  /* may block in foreign code without calling the host */
};

struct cb_verb {
    const char *name;
    const char *signature;
    cb_verb_fn *run;
    uint32_t flags;
    const char *summary; /* one line, no full stop */
};

typedef struct cb_plugin {
    uint32_t abi;           /* CB_PLUGIN_ABI; first, so that any host can read it */
    const char *name_space; /* letters, digits, _; "" makes the verbs bare names */
    const char *version;
    const char *summary; /* one line */
    const cb_verb *verbs;
    size_t verb_count;
} cb_plugin;

struct cb_host {
    uint32_t abi;
    uint32_t size; /* of this table in bytes; later versions only add fields at the end */

    /* -- values -- */
    /* Makes this call a runtime error: "<namespace>.<Verb>: <text>". Returns `status`. */
    cb_status (*fail)(cb_call *call, cb_status status, const char *format, ...)
        CB_PRINTF_LIKE(3, 4);
    /* Sets a string or blob result to a copy of the bytes. CB_NO_MEMORY, CB_LIMIT. A string result
     * ends at its first NUL. */
    cb_status (*return_bytes)(cb_call *call, const void *bytes, size_t size);
    /* The same without a copy. Takes over the reference, also on failure. NULL is empty. */
    cb_status (*return_buffer)(cb_call *call, cb_buffer *buffer);
    /* Returns one more reference to the bytes of a string or blob, so that they can be sent without
     * a copy. NULL when out of memory. The bytes must not be changed. */
    cb_buffer *(*argument_buffer)(cb_call *call, uint32_t index);
    /* Makes a `ref` argument `size` bytes long; new bytes are 0. Its bytes are then writable and
     * shared with no other variable. *data is valid until the next host call. */
    cb_status (*resize_argument)(cb_call *call, uint32_t index, size_t size, uint8_t **data);
    /* Formats args[format_index] with the arguments after it into a new buffer, which the caller
     * owns. */
    cb_status (*format)(cb_call *call, uint32_t format_index, cb_buffer **text);
    /* Writes to the script's standard output. Calls from several threads do not mix: one is written
     * after the other. */
    cb_status (*print)(cb_call *call, const void *bytes, size_t size);

    /* -- actors; the namespace is the plugin's own; runtime.h describes each function -- */
    cb_status (*route_open)(cb_call *call, const cb_route_options *options, int64_t *route_id,
                            cb_error *error);
    cb_status (*route_close)(cb_call *call, int64_t route_id, int64_t *canceled);
    cb_status (*ask)(cb_call *call, cb_question *questions, size_t count);
    cb_status (*wait)(cb_call *call, cb_wait_kind what, int64_t id, int32_t timeout_ms,
                      int *happened);
    cb_status (*job_begin)(cb_call *call, const cb_job_options *options, int64_t *job_id);
    cb_status (*job_take)(cb_call *call, int64_t job_id, bool as_text, cb_buffer **result,
                          int *status);
    /* The texts of cb_status_text and cb_job_status_text, and cb_buffer_release. */
    const char *(*status_text)(cb_status status);
    const char *(*job_status_text)(int status);
    cb_buffer *(*buffer_new)(size_t size, size_t capacity);
    void (*buffer_release)(cb_buffer *buffer);

    /* -- added later: a field exists if `size` includes it, see CB_HOST_HAS -- */
    /* Finds the service with this name among the script's plugins. If the runtime itself knows the
     * service, it loads the plugin for it from the plugin folders. The result is valid as long as
     * the script. NULL: no plugin offers the service; the error says why. */
    const void *(*service)(cb_call *call, const char *name, cb_error *error);
    /* See runtime.h for each. */
    cb_status (*route_command)(cb_call *call, const cb_command *command, cb_reply *reply);
    cb_status (*route_set_tls)(cb_call *call, int64_t route_id,
                               const struct cb_tls_provider *provider,
                               struct cb_tls_context *context, cb_error *error);
    cb_status (*job_start)(cb_call *call, const cb_start_options *options, int64_t *job_id);
    cb_status (*job_cancel)(cb_call *call, int64_t job_id, int *canceled);
    cb_status (*jobs_close)(cb_call *call, int64_t *canceled);
    /* This plugin's own memory for the run that makes the call (main's run, or one callback's). It
     * is all zero at the first call, later as the plugin left it, and gone with the run. The first
     * call sets its size, and `end`, a function that is called when the run has ended, well or
     * badly (NULL: none). `end` runs on the run's thread, before any other thread can learn of the
     * end; it must not wait. Returns NULL when out of memory. */
    void *(*run_memory)(cb_call *call, size_t size, void (*end)(void *memory));
    /* The limit of limits.h that has this environment variable, with the value that the script runs
     * with. -1 if no limit has this variable. */
    int64_t (*limit)(cb_call *call, const char *variable);
    cb_buffer *(*buffer_holding)(const void *object, size_t size, void (*drop)(void *object));
    /* See runtime.h. */
    cb_status (*route_close_once)(cb_call *call, int64_t route_id, bool waits, int *first);
};

/* True if this host's table is new enough to have the field. */
#define CB_HOST_HAS(host, field) ((host)->size >= offsetof(cb_host, field) + sizeof((host)->field))

/* -- services: what a plugin offers to other plugins and to the runtime, but not to scripts --
 *
 * A plugin with services exports a second object beside callboard_plugin: an array whose last item
 * has the name NULL:
 *
 *     CB_PLUGIN_EXPORT const cb_service callboard_services[] = {
 *         {"demo.counter", 1, &counter_table}, {NULL, 0, NULL}};
 */
#define CB_SERVICES_SYMBOL "callboard_services"

typedef struct cb_service {
    const char *name;    /* "<namespace>.<what>" */
    uint32_t version;    /* version of the object behind `pointer`, as the documentation of the name
                            counts it */
    const void *pointer; /* usually a table of functions */
} cb_service;

#ifdef __cplusplus
}
#endif
#endif
