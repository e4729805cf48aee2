/* callbackworker: callbacks that run as jobs on actors, without a listener. This file is the
 * table. */
#include "callboard/asyncmeta.h"
#include "plugins/callback_worker/worker.h"
#include "plugins/family/family.h"

const cb_family cb_family_here = {
    .route_kind = CB_ROUTE_LOCAL,
    .capabilities = CB_META_ProfileBlobJob,
    .route = NULL,
    .job = "job",
    .result = "result",
    .take_blob = "callbackworker.TakeBlob",
};

static const cb_verb verbs[] = {
    {"Capabilities", "i32()", cb_family_capabilities, 0,
     "the asyncmeta bits that this plugin has: those of jobs with results"},
    /* -- starting and ending -- */
    {"Start", "i64(callback name, blob data, i32 timeoutMs)", cb_worker_start, 0,
     "starts a job that runs the callback on these bytes; its id at once"},
    {"StartBorrowedText", "i64(callback name, string text, i32 timeoutMs)", cb_worker_start, 0,
     "the same with a text's bytes, which are not copied"},
    {"Cancel", "i32(i64 jobId)", cb_worker_cancel, 0,
     "1 if the job had not started: now it never will; otherwise 0"},
    {"Close", "i32()", cb_worker_close, 0,
     "ends the plugin's jobs; how many had not started and never will"},
    /* -- waiting and taking -- */
    {"Wait", "blob(i64 jobId, i32 timeoutMs)", cb_worker_wait, 0,
     "waits for the job's end and takes its result; the job is gone after it"},
    {"WaitComplete", "i32(i64 jobId, i32 timeoutMs)", cb_family_wait_complete, 0,
     "waits for the job's end; 1, or 0 when the time is up"},
    {"Take", "blob(i64 jobId)", cb_family_take_blob, 0,
     "the result of a completed job; the job is gone after it"},
    {"TakeBlob", "blob(i64 jobId)", cb_family_take_blob, 0, "the same as Take"},
    /* -- a job's state -- */
    {"Phase", "i32(i64 jobId)", cb_family_phase, 0, "0 queued, 1 running, 2 completed"},
    {"PhaseText", "string(i64 jobId)", cb_family_phase_text, 0, "queued, running or completed"},
    {"Status", "i32(i64 jobId)", cb_family_status, 0,
     "0 success, -1 not completed, otherwise why it failed"},
    {"StatusText", "string(i64 jobId)", cb_family_status_text, 0, "the status in words"},
    {"ErrorText", "string(i64 jobId)", cb_family_error_text, 0,
     "what went wrong; empty if nothing did"},
    {"JobInfo", "string(i64 jobId)", cb_worker_job_info, 0,
     "everything about the job as key=value pairs"},
    {"JobKnown", "i32(i64 jobId)", cb_family_job_known, 0,
     "1 until the job is taken, 0 for every other id"},
    {"JobMeta", "i64(i64 jobId, i32 metaKey)", cb_family_job_meta, 0,
     "the field that an asyncmeta.JobMeta* key names"},
    {"JobTimeout", "i32(i64 jobId)", cb_family_job_timeout, 0,
     "the callback's time limit in ms, or -1"},
    {"JobHasBlobResult", "i32(i64 jobId)", cb_family_has_blob_result, 0,
     "1 if a result waits to be taken"},
    {"JobBlobResultSize", "i32(i64 jobId)", cb_family_blob_result_size, 0,
     "size of the result in bytes, 0 without one"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "callbackworker",
    .version = "0.1.0",
    .summary = "callbacks that run as jobs beside main",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
