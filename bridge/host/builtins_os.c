/* builtin:os, what a script learns of the process it runs in. */
#include <stdlib.h>
#include <string.h>

#include "bridge/host/builtins.h"
#include "bridge/host/script_internal.h"

static cb_status args(cb_call *call)
{
    const cb_script *script = cb_script_thread_of(call)->script;
    int64_t index = call->args[0].integer;
    if (index < 0 || (uint64_t)index >= script->argument_count)
        return call->host->fail(call, CB_INVALID, "no argument %lld, there are %zu",
                                (long long)index, script->argument_count);
    const char *text = script->arguments[index];
    return call->host->return_bytes(call, text, strlen(text));
}

static cb_status arg_count(cb_call *call)
{
    call->result.integer = (int64_t)cb_script_thread_of(call)->script->argument_count;
    return CB_OK;
}

static cb_status env(cb_call *call)
{
    /* Nothing in the process changes the environment once threads run. */
    const char *text = getenv((const char *)call->args[0].data);
    return text == NULL ? CB_OK : call->host->return_bytes(call, text, strlen(text));
}

static cb_status exit_code(cb_call *call)
{
    /* 8 bits are what a process can hand to its parent. */
    atomic_store(&cb_script_thread_of(call)->script->exit_code, (int)(call->args[0].integer & 255));
    return CB_OK;
}

static const cb_verb verbs[] = {
    {"Args", "string(i32 index)", args, 0, "one argument of the command line, from 0"},
    {"ArgCount", "i32()", arg_count, 0, "how many arguments stood behind --"},
    {"Env", "string(string name)", env, 0, "a variable of the environment, empty if unset"},
    {"ExitCode", "void(i32 code)", exit_code, 0,
     "the exit status to use when main returns nothing or 0"},
};

const cb_plugin cb_builtin_os = {.abi = CB_PLUGIN_ABI,
                                 .name_space = "os",
                                 .version = CB_VERSION,
                                 .summary = "arguments, environment and exit status",
                                 .verbs = verbs,
                                 .verb_count = sizeof(verbs) / sizeof(*verbs)};
