/* A host for the tests of plugins: it keeps the results of a verb, and gives the answers that the
 * test has set.
 *
 * Threads: one. All state is in `fake` below; reset it before each case.
 */
#ifndef CALLBOARD_TESTS_PLUGIN_HOST_DOUBLE_H
#define CALLBOARD_TESTS_PLUGIN_HOST_DOUBLE_H

#include "callboard/plugin.h"

typedef struct plugin_double {
    /* set by the test */
    cb_status answer;       /* status of every actor function and of print */
    cb_status asked;        /* status of every question */
    int64_t value;          /* answer to every question that gives a number */
    const char *bytes;      /* answer to every question that gives bytes; NULL is empty */
    int happened;           /* result of a wait */
    cb_status take_as_text; /* answers of job_take, as text and as blob */
    cb_status take_as_blob;
    unsigned early_takes; /* how many takes first return NOT_COMPLETE */
    int job_status;       /* job status of a take that returns NO_RESULT */
    bool no_memory;       /* allocations for the plugin fail */
    /* set by the verb */
    char error[1024]; /* text that it gave to `fail`; empty: it did not call it */
    cb_buffer *result;
    unsigned asks;      /* how often `ask` was called */
    unsigned questions; /* number of questions in all these calls */
    unsigned takes;
    unsigned opens;
    cb_route_options opened; /* options of the last open */
    bool close_waits;        /* `waits` of the last route_close_once */
    unsigned starts;
    cb_start_options started; /* options of the last start; its request is gone */
    size_t started_size;      /* size of this request */
    void *run_memory;         /* of one run, which lasts until the next reset */
    void (*run_end)(void *memory);
} plugin_double;

extern plugin_double fake;

/* Sets the initial state: everything succeeds, values are 1, waits return 1. */
void fake_reset(void);

/* Loads the plugin of this build, named "folder/NamePlugin"; NULL and a message if it cannot. */
const cb_plugin *fake_load(const char *path);

/* Calls a verb, which must exist. `arguments` are in the verb's order. */
cb_status fake_call(const cb_plugin *plugin, const char *verb, const cb_value *arguments,
                    uint32_t count);

cb_value fake_integer(int64_t value);
cb_value fake_text(const char *text);

#endif
