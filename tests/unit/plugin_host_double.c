#include "tests/unit/plugin_host_double.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

plugin_double fake;

void fake_reset(void)
{
    cb_buffer_release(fake.result);
    if (fake.run_memory != NULL && fake.run_end != NULL)
        fake.run_end(fake.run_memory);
    free(fake.run_memory);
    memset(&fake, 0, sizeof fake);
    fake.value = 1;
    fake.happened = 1;
}

static cb_status fail(cb_call *call, cb_status status, const char *format, ...)
{
    (void)call;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fake.error, sizeof fake.error, format, arguments);
    va_end(arguments);
    return status;
}

static cb_status return_buffer(cb_call *call, cb_buffer *buffer)
{
    (void)call;
    cb_buffer_release(fake.result);
    fake.result = buffer;
    return CB_OK;
}

static cb_status return_bytes(cb_call *call, const void *bytes, size_t size)
{
    if (fake.no_memory)
        return CB_NO_MEMORY;
    return return_buffer(call, cb_buffer_copy(bytes, size));
}

static cb_buffer *buffer_new(size_t size, size_t capacity)
{
    return fake.no_memory ? NULL : cb_buffer_new(size, capacity);
}

static cb_buffer *argument_buffer(cb_call *call, uint32_t index)
{
    if (fake.no_memory)
        return NULL;
    return cb_buffer_copy(call->args[index].data, call->args[index].size);
}

static cb_status format(cb_call *call, uint32_t format_index, cb_buffer **text)
{
    if (fake.no_memory)
        return CB_NO_MEMORY;
    *text = cb_buffer_copy(call->args[format_index].data, call->args[format_index].size);
    return CB_OK;
}

static cb_status print(cb_call *call, const void *bytes, size_t size)
{
    return fake.answer != CB_OK ? fake.answer : return_bytes(call, bytes, size);
}

static cb_status route_open(cb_call *call, const cb_route_options *options, int64_t *route_id,
                            cb_error *error)
{
    (void)call;
    fake.opens++;
    fake.opened = *options;
    *route_id = 1;
    return fake.answer != CB_OK ? cb_fail(error, fake.answer, "why") : CB_OK;
}

static cb_status route_close(cb_call *call, int64_t route_id, int64_t *canceled)
{
    (void)call;
    (void)route_id;
    *canceled = 0;
    return fake.answer;
}

static cb_status route_close_once(cb_call *call, int64_t route_id, bool waits, int *first)
{
    (void)call;
    (void)route_id;
    fake.close_waits = waits;
    *first = fake.happened;
    return fake.answer;
}

static cb_status ask(cb_call *call, cb_question *questions, size_t count)
{
    (void)call;
    fake.asks++;
    fake.questions += (unsigned)count;
    for (size_t i = 0; i < count && fake.answer == CB_OK; i++) {
        cb_question_kind what = questions[i].what;
        questions[i].status = fake.asked;
        if (fake.asked != CB_OK)
            continue;
        if (what != CB_ASK_ROUTE_CALLBACK && what != CB_ASK_JOB_ERROR_TEXT)
            questions[i].value = fake.value;
        else if (fake.bytes != NULL)
            questions[i].bytes = cb_buffer_copy(fake.bytes, strlen(fake.bytes));
    }
    return fake.answer;
}

static cb_status wait_for(cb_call *call, cb_wait_kind what, int64_t id, int32_t timeout_ms,
                          int *happened)
{
    (void)call;
    (void)what;
    (void)id;
    (void)timeout_ms;
    *happened = fake.happened;
    return fake.answer;
}

static cb_status job_begin(cb_call *call, const cb_job_options *options, int64_t *job_id)
{
    (void)call;
    cb_buffer_release(options->request);
    *job_id = 1;
    return fake.answer;
}

static cb_status job_take(cb_call *call, int64_t job_id, bool as_text, cb_buffer **result,
                          int *status)
{
    (void)call;
    (void)job_id;
    fake.takes++;
    if (fake.early_takes > 0) {
        fake.early_takes--;
        return CB_NOT_COMPLETE;
    }
    *status = fake.job_status;
    cb_status answer = as_text ? fake.take_as_text : fake.take_as_blob;
    if (answer == CB_OK || answer == CB_NO_RESULT)
        *result = cb_buffer_copy("bytes", 5);
    return answer;
}

static cb_status job_start(cb_call *call, const cb_start_options *options, int64_t *job_id)
{
    (void)call;
    fake.starts++;
    fake.started = *options;
    fake.started.request = NULL;
    fake.started_size = options->request == NULL ? 0 : options->request->size;
    cb_buffer_release(options->request);
    *job_id = fake.answer == CB_OK ? 1 : 0;
    return fake.answer;
}

static cb_status job_cancel(cb_call *call, int64_t job_id, int *canceled)
{
    (void)call;
    (void)job_id;
    *canceled = fake.happened;
    return fake.answer;
}

static cb_status jobs_close(cb_call *call, int64_t *canceled)
{
    (void)call;
    *canceled = fake.value;
    return fake.answer;
}

static void *run_memory(cb_call *call, size_t size, void (*end)(void *memory))
{
    (void)call;
    if (fake.run_memory == NULL && !fake.no_memory) {
        fake.run_memory = calloc(1, size);
        fake.run_end = end;
    }
    return fake.run_memory;
}

static int64_t limit(cb_call *call, const char *variable)
{
    (void)call;
    cb_limits limits = cb_limits_default();
#define FIND_LIMIT(field, value, least, most, name, reason)                                        \
    if (strcmp(variable, name) == 0)                                                               \
        return limits.field;
    CB_LIMITS(FIND_LIMIT)
#undef FIND_LIMIT
    return -1;
}

static const cb_host host = {
    .abi = CB_PLUGIN_ABI,
    .size = sizeof(cb_host),
    .fail = fail,
    .return_bytes = return_bytes,
    .return_buffer = return_buffer,
    .argument_buffer = argument_buffer,
    .format = format,
    .print = print,
    .route_open = route_open,
    .route_close = route_close,
    .route_close_once = route_close_once,
    .ask = ask,
    .wait = wait_for,
    .job_begin = job_begin,
    .job_take = job_take,
    .status_text = cb_status_text,
    .job_status_text = cb_job_status_text,
    .buffer_new = buffer_new,
    .buffer_release = cb_buffer_release,
    .job_start = job_start,
    .job_cancel = job_cancel,
    .jobs_close = jobs_close,
    .run_memory = run_memory,
    .limit = limit,
};

/* The test lies in DIR/tests/unit, the plugins in DIR/plugins. */
const cb_plugin *fake_load(const char *path)
{
    char file[4096];
    ssize_t length = readlink("/proc/self/exe", file, sizeof file - 256);
    if (length <= 0)
        return NULL;
    file[length] = '\0';
    char *slash = strrchr(file, '/');
    snprintf(slash, sizeof file - (size_t)(slash - file), "/../../plugins/%s.so", path);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        printf("%s\n", dlerror());
        return NULL;
    }
    return dlsym(library, CB_PLUGIN_SYMBOL);
}

cb_status fake_call(const cb_plugin *plugin, const char *verb, const cb_value *arguments,
                    uint32_t count)
{
    for (size_t i = 0; i < plugin->verb_count; i++) {
        if (strcmp(plugin->verbs[i].name, verb) != 0)
            continue;
        cb_call call = {.host = &host, .verb = &plugin->verbs[i], .args = arguments, .argc = count};
        fake.error[0] = '\0';
        cb_status status = plugin->verbs[i].run(&call);
        fake.value = call.result.integer;
        return status;
    }
    printf("no verb %s\n", verb);
    return CB_UNKNOWN;
}

cb_value fake_integer(int64_t value)
{
    return (cb_value){.type = CB_TYPE_I64, .integer = value};
}

cb_value fake_text(const char *text)
{
    return (cb_value){.type = CB_TYPE_STRING, .data = (const uint8_t *)text, .size = strlen(text)};
}
