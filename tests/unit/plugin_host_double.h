/* A host for the tests of plugins: it keeps what a verb answered and answers what the test wants.
 *
 * Threads: one. All state is in the one `fake` below; reset it before each case.
 */
#ifndef CALLBOARD_TESTS_PLUGIN_HOST_DOUBLE_H
#define CALLBOARD_TESTS_PLUGIN_HOST_DOUBLE_H

#include "callboard/plugin.h"

typedef struct plugin_double {
    /* set by the test */
    cb_status answer;       /* of every actor function and of print */
    cb_status asked;        /* status of every question */
    int64_t value;          /* answer to every question that gives a number */
    const char *bytes;      /* answer to every question that gives bytes; NULL is empty */
    int happened;           /* what a wait says */
    cb_status take_as_text; /* answers of job_take, as text and as blob */
    cb_status take_as_blob;
    unsigned early_takes; /* so many takes say NOT_COMPLETE first */
    int job_status;       /* of a take that is NO_RESULT */
    bool no_memory;       /* nothing is allocated for the plugin */
    /* set by the verb */
    char error[1024]; /* what it gave to fail; empty if it did not */
    cb_buffer *result;
    unsigned asks;      /* how often `ask` was called, */
    unsigned questions; /* and with how many questions in all */
    unsigned takes;
    unsigned opens;
    cb_route_options opened; /* by the last of them */
    bool close_waits;        /* the last close that tells whether it was the first */
    unsigned starts;
    cb_start_options started; /* of the last start; its request is gone, but */
    size_t started_size;      /* so long it was */
    void *run_memory;         /* of the one run that lasts until the next reset */
    void (*run_end)(void *memory);
} plugin_double;

extern plugin_double fake;

/* As at the start: everything succeeds, values are 1, waits say 1. */
void fake_reset(void);

/* Loads the plugin of this build, named "folder/NamePlugin"; NULL and a message if it cannot. */
const cb_plugin *fake_load(const char *path);

/* Calls a verb that must be there. `arguments` are by the verb's order. */
cb_status fake_call(const cb_plugin *plugin, const char *verb, const cb_value *arguments,
                    uint32_t count);

cb_value fake_integer(int64_t value);
cb_value fake_text(const char *text);

#endif
