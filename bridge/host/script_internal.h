/* A script in memory and the threads that run it; for the files of bridge/host. */
#ifndef CALLBOARD_BRIDGE_HOST_SCRIPT_INTERNAL_H
#define CALLBOARD_BRIDGE_HOST_SCRIPT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bridge/host/edition.h"
#include "bridge/host/loader.h"
#include "bridge/host/run_memory.h"
#include "bridge/host/services.h"
#include "bridge/lang/vm.h"
#include "callboard/limits.h"
#include "callboard/log.h"
#include "callboard/runtime.h"
#include "callboard/script.h"

struct cb_script {
    /* set while loading, read-only while running */
    char *path;       /* as given in the options */
    char **arguments; /* owned copies */
    size_t argument_count;
    char *trace_path; /* or NULL */
    cb_log *log;      /* or NULL */
    bool serves_metrics;
    uint16_t metrics_port;
    char *metrics_hosts; /* or NULL */
    cb_limits limits;
    cb_loader *loader;
    cb_services *services;
    cb_editions *editions;
    bool is_watched;
    cb_inherited *inherited;                             /* or NULL */
    void (*moment)(void *user, cb_script_moment moment); /* or NULL */
    void *moment_user;
    bool has_run;
    bool is_abandoned; /* a thread that could not be stopped in time may still use it */
    cb_script *next_abandoned;

    atomic_bool has_routes; /* some route was opened */
    atomic_int exit_code;   /* set by os.ExitCode; 0 before */

    pthread_mutex_t lock;    /* guards the fields below */
    cb_runtime *runtime;     /* NULL before its start, and once it is being stopped */
    bool is_shutdown_wanted; /* asked for, perhaps before the runtime started */
    size_t named;            /* how many plugins' namespaces the runtime knows by name */
    bool is_ready;           /* CB_SCRIPT_READY was reported, or comes too late */
    bool is_ending;          /* CB_SCRIPT_ENDING was reported */
};

/* One thread that runs the script: main's, or an actor's. It is the user pointer of its virtual
 * machine. */
typedef struct cb_script_thread {
    cb_script *script;
    cb_vm *vm;
    cb_asker *asker;     /* on an actor it changes with each job; NULL between jobs */
    cb_run_memory *kept; /* memory of plugins for the present run; NULL between runs */
    bool runs_main;
} cb_script_thread;

/* Reports the moment to the program, unless it was reported already or comes too late. */
void cb_script_tell(cb_script *script, cb_script_moment moment);

/* Makes a virtual machine for the calling thread. The text of *error says what failed. */
cb_status cb_script_thread_new(cb_script *script, cb_script_thread **thread, cb_error *error);
void cb_script_thread_free(cb_script_thread **thread); /* NULL in it is fine */

/* The thread that makes the call. */
static inline cb_script_thread *cb_script_thread_of(cb_call *call)
{
    return cb_vm_user(cb_call_vm(call));
}

/* The host's table for plugins; the same for all scripts. */
extern const cb_host cb_script_host;

/* If a run was stopped from outside, puts the reason into the error's message. */
void cb_script_say_why_stopped(const cb_script_thread *thread, cb_vm_error *error);

/* The functions for cb_runtime_options; `user` is the cb_script. */
void cb_script_run_job(void *user, cb_job *job);
void *cb_script_thread_begin(void *user);
void cb_script_thread_end(void *user, void *thread_state);

#endif
