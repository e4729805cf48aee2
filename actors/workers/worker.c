#include "actors/workers/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/base/clock.h"
#include "actors/core/asker.h"
#include "actors/workers/placement.h"

/* A callback that has run so long is reported as running. */
#define ANNOUNCE_NS    100000
/* Results are not kept back for longer than this by the jobs that follow. */
#define FLUSH_EVERY_NS 200000

typedef struct worker {
    cb_asker asker;
    const cb_core *core;
    void *thread_state;
    /* Jobs that wait: a ring of `capacity` HAND messages. */
    cb_message *waiting;
    size_t capacity;
    size_t first;
    size_t count;
    /* The running job. */
    cb_message current; /* kind CB_MSG_NONE: none */
    int64_t started_ns;
    bool announced;
    int64_t flushed_ns;
    cb_placement placement;
    bool refuses; /* gave jobs back unasked: what comes before a TAKE_BACK goes back, too */
    bool retired;
} worker;

/* The supervisor's work is not for this thread in the middle of a callback, whose time it would be.
 */
static bool is_in_callback(const worker *self)
{
    return self->current.kind != CB_MSG_NONE;
}

static void post(worker *self, const cb_message *message)
{
    if (is_in_callback(self) && cb_mailbox_is_full(self->asker.mailbox))
        (void)cb_mailbox_flush_and_ring(self->asker.mailbox);
    /* A broken queue means the supervisor is gone; the thread is then told to retire by nobody, so
     * it retires itself. */
    if (cb_mailbox_post(self->asker.mailbox, message) != CB_OK)
        self->retired = true;
}

static void announce(void *argument)
{
    worker *self = argument;
    if (self->announced)
        return;
    self->announced = true;
    cb_placement_release(&self->placement);
    cb_message message = {
        .kind = CB_MSG_JOB_STARTED, .cause = self->current.cause, .job = self->current.job};
    post(self, &message);
}

static void check(void *argument, int64_t now_ns)
{
    worker *self = argument;
    if (self->announced || now_ns - self->started_ns < ANNOUNCE_NS)
        return;
    announce(self);
    (void)cb_mailbox_flush_and_ring(self->asker.mailbox);
}

static void post_returned(worker *self, const cb_message *hand)
{
    cb_message message = {.kind = CB_MSG_JOB_RETURNED,
                          .cause = hand->cause,
                          .job = hand->job,
                          .payload = hand->payload};
    post(self, &message);
}

static void give_back(worker *self)
{
    for (; self->count > 0; self->count--) {
        post_returned(self, &self->waiting[self->first]);
        self->first = (self->first + 1) % self->capacity;
    }
}

/* Jobs that are on their way here were handed after those that go back now, but some must not run
 * before them: they go back, too, until the supervisor has learned of it. */
static void give_back_unasked(void *argument)
{
    worker *self = argument;
    if (self->count > 0)
        self->refuses = true;
    give_back(self);
}

static void take_hand(worker *self, const cb_message *hand)
{
    if (self->refuses) {
        post_returned(self, hand);
        return;
    }
    /* The supervisor never hands more than the limit that sized the ring. */
    assert(self->count < self->capacity);
    self->waiting[(self->first + self->count) % self->capacity] = *hand;
    self->count++;
}

static void take_back(worker *self)
{
    if (is_in_callback(self))
        announce(self);
    give_back(self);
    self->refuses = false;
    if (is_in_callback(self))
        (void)cb_mailbox_flush_and_ring(self->asker.mailbox);
    else
        (void)cb_mailbox_flush(self->asker.mailbox);
}

static void command(void *argument, const cb_message *message)
{
    worker *self = argument;
    switch (message->kind) {
    case CB_MSG_HAND:
        take_hand(self, message);
        break;
    case CB_MSG_TAKE_BACK:
        take_back(self);
        break;
    case CB_MSG_INTERRUPT:
        if (is_in_callback(self) && message->job == self->current.job) {
            self->asker.stop_reason = message->status;
            self->asker.stopped = true;
        }
        break;
    case CB_MSG_RETIRE_ACTOR:
        self->retired = true;
        break;
    default: /* an answer that nobody waits for any more */
        cb_buffer_release(cb_message_payload(message));
        break;
    }
}

static const cb_asker_job_ops job_ops = {
    .announce = announce, .command = command, .check = check, .give_back = give_back_unasked};

static uint32_t microseconds(int64_t ns)
{
    return ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

/* What a callback that was stopped left is why; one that left nothing gets the status for it. */
static void say_why_stopped(const worker *self, cb_job *job)
{
    job->status = (cb_job_status)self->asker.stop_reason;
    if (job->result == NULL) {
        const char *text = cb_job_status_text(self->asker.stop_reason);
        job->result = cb_buffer_copy(text, strlen(text)); /* without memory: no text */
    }
}

/* What a callback leaves may lie for long until somebody takes it, so it must find room. */
static void refuse_result(cb_job *job)
{
    cb_buffer_release(job->result);
    job->result = NULL;
    job->status = CB_JOB_OVERLOADED;
}

static void complete(worker *self, cb_job *job, int64_t now_ns)
{
    if (self->asker.stopped)
        say_why_stopped(self, job);
    bool is_taken = (self->current.flags & CB_FLAG_HAS_NUL) != 0; /* by a script, some time */
    if (job->result != NULL && job->status == CB_JOB_SUCCESS &&
        !cb_budget_has_room(is_taken ? CB_BUDGET_TO_KEEP : CB_BUDGET_TO_ANSWER))
        refuse_result(job);
    cb_message message = {.kind = CB_MSG_JOB_COMPLETED,
                          .status = (int32_t)job->status,
                          .cause = self->current.cause,
                          .connection = microseconds(now_ns - self->started_ns),
                          .job = self->current.job,
                          .value = job->result != NULL ? (int64_t)job->result->size : 0,
                          .payload = cb_payload_handle(job->result)};
    if (is_taken && job->status == CB_JOB_SUCCESS && message.value > 0 &&
        memchr(job->result->data, 0, job->result->size) != NULL)
        message.flags = CB_FLAG_HAS_NUL;
    self->current.kind = CB_MSG_NONE;
    post(self, &message);
}

/* When it ended. */
static int64_t run_one(worker *self)
{
    self->current = self->waiting[self->first];
    self->first = (self->first + 1) % self->capacity;
    self->count--;
    self->announced = false;
    self->asker.stopped = false;
    self->asker.job = self->current.job;
    self->started_ns = cb_now_ns();
    self->asker.next_look_ns = 0;
    cb_job job = {.asker = &self->asker,
                  .thread_state = self->thread_state,
                  .entry = self->current.value,
                  .request = cb_message_payload(&self->current),
                  .handle = self->current.job,
                  .cause = self->current.cause,
                  .route_id = self->current.route,
                  .name_space = self->current.name_space,
                  .status = CB_JOB_SUCCESS};
    self->core->options.run_job(self->core->options.user, &job);
    cb_buffer_release(job.request);
    int64_t ended_ns = cb_now_ns();
    cb_placement_count(&self->placement, ended_ns - self->started_ns);
    complete(self, &job, ended_ns);
    return ended_ns;
}

/* Between two jobs, which are not to wait until this thread has done the supervisor's work as well.
 */
static void flush_and_go_on(worker *self, int64_t now_ns)
{
    if (cb_mailbox_flush_and_ring(self->asker.mailbox) != CB_OK)
        self->retired = true;
    self->flushed_ns = now_ns;
}

static void flush_before_waiting(worker *self)
{
    if (cb_mailbox_flush(self->asker.mailbox) != CB_OK)
        self->retired = true;
    self->flushed_ns = cb_now_ns();
}

static void follow(worker *self)
{
    const cb_core *core = self->core;
    if (self->placement.like == 0) /* the supervisor's thread may begin later than this one */
        self->placement.like = atomic_load(&core->own_thread);
    cb_placement_follow(&self->placement,
                        atomic_load_explicit(&core->hands_from, memory_order_relaxed));
}

/* Takes in what has come; waits for it if there is nothing else to do. */
static void receive(worker *self)
{
    cb_message message;
    cb_status status = cb_mailbox_receive(self->asker.mailbox, 0, &message);
    if (status == CB_TIMEOUT && self->count == 0) {
        flush_before_waiting(self);
        status = cb_mailbox_receive(self->asker.mailbox, -1, &message);
        follow(self);
    }
    for (; status == CB_OK; status = cb_mailbox_receive(self->asker.mailbox, 0, &message))
        command(self, &message);
    if (status != CB_TIMEOUT)
        self->retired = true;
}

static void work(worker *self)
{
    while (!self->retired) {
        receive(self);
        while (self->count > 0 && !self->retired) {
            int64_t now_ns = run_one(self);
            if (now_ns - self->flushed_ns >= FLUSH_EVERY_NS) {
                flush_and_go_on(self, now_ns);
                break; /* a look at the mailbox: a TAKE_BACK or a RETIRE may be there */
            }
        }
    }
    give_back(self);
}

void *cb_worker_thread(void *argument)
{
    cb_actor_start start = *(cb_actor_start *)argument;
    free(argument);
    const cb_runtime_options *options = &start.core->options;
    worker self = {.asker = {.mailbox = start.mailbox, .ops = &job_ops},
                   .core = start.core,
                   .placement = {.most_us = options->limits.place_us},
                   .capacity = (size_t)options->limits.hand_batch};
    self.asker.worker = &self;
    self.waiting = calloc(self.capacity, sizeof *self.waiting);
    if (options->thread_begin != NULL && self.waiting != NULL)
        self.thread_state = options->thread_begin(options->user);
    bool able =
        self.waiting != NULL && (options->thread_begin == NULL || self.thread_state != NULL);
    if (able) {
        cb_message ready = {.kind = CB_MSG_ACTOR_READY};
        post(&self, &ready);
        work(&self);
    }
    if (options->thread_end != NULL && self.thread_state != NULL)
        options->thread_end(options->user, self.thread_state);
    cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = able ? CB_OK : CB_NO_MEMORY};
    post(&self, &stopped);
    cb_mailbox_close(&self.asker.mailbox);
    free(self.waiting);
    return NULL;
}
