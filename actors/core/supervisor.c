#include "actors/core/supervisor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/base/charge.h"
#include "actors/base/clock.h"
#include "actors/core/leaving.h"
#include "actors/core/outbox.h"
#include "actors/core/snapshot.h"
#include "actors/log/log.h"

/* Records taken in before effects are sent on, so that a flood does not starve the receivers. */
#define RECORDS_A_ROUND 512u
/* Rounds after which a thread that came with something goes back to its own work. */
#define ROUNDS_A_VISIT  2
/* How soon a full queue is tried again, or an inbox that hides something. */
#define RETRY_NS        1000000
/* For threads that said good-bye and do not end, once nothing else is left to wait for. */
#define PATIENCE_NS     INT64_C(2000000000)

struct cb_supervisor {
    cb_core *core;
    cb_bell bell; /* for its own thread */
    /* The rest belongs to who is in charge. */
    cb_charge charge;
    cb_exchange *exchange;
    cb_recorder *recorder;
    cb_log *log; /* or NULL */
    cb_actor_starter *starter;
    cb_step *step;
    uint64_t sequence;
    int64_t now_ns;
    int64_t deadline_ns;
    int64_t told_due_ns; /* what the bell is set to */
    cb_outbox outbox;
    cb_effects effects;       /* of the last input; those before `placed` are carried out */
    size_t placed;            /* the rest waits for memory, and step gets no input before */
    cb_record_list held;      /* askers' messages, until the inbox was empty */
    uint64_t held_batches;    /* batches read since the first of them came */
    cb_record_list made_here; /* inputs of the shell's own: an actor that did not start */
    size_t threads;           /* that were not joined */
    cb_leaving leaving;       /* some of these */
    bool is_visited;          /* by who is in charge: it is not its own thread */
    bool stopping;
    bool leave_stuck;
    int64_t give_up_ns;               /* on threads that only leave; 0: there are others */
    cb_message records[CB_BATCH_MAX]; /* what is being taken in: the last batch, */
    size_t next_record;               /* from here on, */
    size_t record_count;              /* to here */
};

static void remove_receiver(cb_supervisor *self, uint32_t address)
{
    cb_receiver *gone = cb_outbox_find(&self->outbox, address);
    if (gone == NULL)
        return;
    cb_outbox_take_out(&self->outbox, gone);
    if (gone->has_thread)
        cb_leaving_add(&self->leaving, gone);
    else
        self->exchange->ops->drop(self->exchange, gone);
}

static bool send_all(cb_supervisor *self)
{
    return cb_outbox_send(&self->outbox, self->is_visited ? self->core : NULL);
}

/* --- effects --- */

/* The record becomes the report. Without memory for its text, the status says enough. */
static void report_not_started(cb_supervisor *self, cb_record *record, const cb_error *error)
{
    const cb_message effect = record->message;
    bool listener = effect.kind == CB_MSG_START_LISTENER;
    cb_buffer *text = cb_buffer_copy(error->text, strlen(error->text));
    cb_buffer_release(cb_message_payload(&effect));
    record->message = (cb_message){.kind = listener ? CB_MSG_ROUTE_FAILED : CB_MSG_ACTOR_STOPPED,
                                   .name_space = effect.name_space,
                                   .status = error->status,
                                   .from = effect.to,
                                   .to = CB_ADDRESS_SUPERVISOR,
                                   .cause = effect.cause,
                                   .route = effect.route,
                                   .payload = cb_payload_handle(text)};
    cb_record_append(&self->made_here, record);
}

static void start_actor(cb_supervisor *self, cb_record *record)
{
    cb_error error = {.status = CB_OK};
    cb_receiver *added = NULL;
    if (self->starter(self->core, &record->message, &added, &error) != CB_OK) {
        report_not_started(self, record, &error);
        return;
    }
    added->runs_jobs = record->message.kind == CB_MSG_ADD_ACTOR && record->message.value != 1;
    cb_outbox_add(&self->outbox, added);
    self->threads++;
    if (record->message.kind == CB_MSG_START_LISTENER)
        cb_outbox_queue(&self->outbox, record);
    else
        cb_outbox_give_back(&self->outbox, record);
}

/* The tables are as they were when the question was answered: nothing came in since. */
static void fill_answer(cb_supervisor *self, cb_message *answer)
{
    answer->payload = cb_payload_handle(cb_snapshot_take(self->step, self->recorder));
    answer->status = answer->payload != 0 ? CB_OK : CB_NO_MEMORY;
}

/* False without memory for it; nothing is done then. */
static bool carry_out(cb_supervisor *self, const cb_message *effect)
{
    if (effect->kind == CB_MSG_TICK_AT) {
        self->deadline_ns = effect->value;
        return true;
    }
    if (effect->kind == CB_MSG_RELEASE) {
        cb_buffer_release(cb_message_payload(effect));
        return true;
    }
    cb_record *record = cb_outbox_take(&self->outbox);
    if (record == NULL)
        return false;
    record->message = *effect;
    if ((effect->flags & CB_FLAG_SHARED) != 0)
        (void)cb_buffer_retain(cb_message_payload(effect));
    if (effect->kind == CB_MSG_START_LISTENER || effect->kind == CB_MSG_ADD_ACTOR) {
        start_actor(self, record);
        return true;
    }
    if (effect->kind == CB_MSG_ANSWER && (effect->flags & CB_FLAG_NEW) != 0)
        fill_answer(self, &record->message);
    cb_outbox_queue(&self->outbox, record);
    return true;
}

/* Carries out what is left of the last input's effects. False if some of it still waits for memory:
 * no record is free, and no queue takes what would free one. */
static bool place(cb_supervisor *self)
{
    for (;;) {
        while (self->placed < self->effects.count &&
               carry_out(self, &self->effects.items[self->placed]))
            self->placed++;
        if (self->placed == self->effects.count)
            return true;
        if (!send_all(self))
            return false;
    }
}

static bool is_askers(unsigned kind)
{
    return (kind >= CB_MSG_OPEN_ROUTE && kind <= CB_MSG_FINISH && kind != CB_MSG_SHUTDOWN) ||
           (kind >= CB_MSG_COMMAND && kind <= CB_MSG_CLOSE_JOBS);
}

/* The text that came with what a note is about, if that failed; NULL otherwise. */
static const cb_buffer *explanation(const cb_message *message, const cb_note *note)
{
    bool is_about = false;
    if (message->kind == CB_MSG_ROUTE_FAILED)
        is_about = note->kind == CB_NOTE_ROUTE_FAILED;
    else if (message->kind == CB_MSG_ACTOR_STOPPED)
        is_about = note->kind == CB_NOTE_ACTOR_LOST;
    else if (message->kind == CB_MSG_JOB_COMPLETED && message->status != CB_JOB_SUCCESS)
        is_about = note->kind == CB_NOTE_JOB_ENDED && note->job == message->job;
    return is_about ? cb_message_payload(message) : NULL;
}

/* What an asker calls a cause is its own number of the question, and no input. The notes are taken
 * before the effects are carried out: until then they, or the state, hold the payload. */
static void log_notes(cb_supervisor *self, const cb_message *message)
{
    cb_notes notes = cb_step_notes(self->step);
    for (size_t i = 0; i < notes.count; i++) {
        const cb_buffer *why = explanation(message, &notes.items[i]);
        const char *name = self->recorder != NULL
                               ? cb_recorder_name_of(self->recorder, notes.items[i].name_space)
                               : NULL;
        cb_noted noted = {.note = notes.items[i],
                          .sequence = self->sequence,
                          .cause = is_askers(message->kind) ? 0 : message->cause,
                          .name = name,
                          .name_size = name != NULL ? strlen(name) : 0,
                          .detail = why != NULL ? (const char *)why->data : NULL,
                          .detail_size = why != NULL ? why->size : 0};
        cb_log_note(self->log, self->now_ns, &noted);
    }
}

/* All that the input before it led to must have its place. */
static void input(cb_supervisor *self, cb_message *message)
{
    assert(self->placed == self->effects.count);
    message->time_ns = self->now_ns;
    self->sequence++;
    if (self->recorder != NULL)
        cb_recorder_input(self->recorder, self->sequence, message);
    self->effects = cb_step_input(self->step, message);
    self->placed = 0;
    const cb_effects *effects = &self->effects;
    if (self->recorder != NULL)
        cb_recorder_effects(self->recorder, self->sequence, effects->items, effects->count);
    if (self->log != NULL)
        log_notes(self, message);
    if (self->recorder != NULL &&
        cb_recorder_wants_checkpoint(self->recorder, self->sequence, cb_step_size(self->step)))
        cb_recorder_checkpoint(self->recorder, self->sequence, cb_step_hash(self->step));
    (void)place(self);
}

/* --- the loop --- */

/* Answers a question that there is no memory to hold, in the record that the asker brought. False
 * if the record is in use: the question stays where it is. step and the trace never see it. */
static bool refuse(cb_supervisor *self, const cb_message *question)
{
    const cb_message answer = {.kind = CB_MSG_ANSWER,
                               .name_space = question->name_space,
                               .status = CB_NO_MEMORY,
                               .from = CB_ADDRESS_SUPERVISOR,
                               .to = question->from,
                               .cause = question->cause,
                               .time_ns = self->now_ns};
    cb_receiver *asker = cb_outbox_find(&self->outbox, question->from);
    if (asker != NULL && !cb_outbox_queue_own(&self->outbox, asker, &answer))
        return false;
    cb_buffer_release(cb_message_payload(question));
    return true;
}

/* Holds an asker's message back. False if it can neither be held nor refused now. */
static bool hold(cb_supervisor *self, cb_message *message)
{
    cb_record *record = cb_outbox_take_spare(&self->outbox);
    if (record != NULL) {
        record->message = *message;
        cb_record_append(&self->held, record);
    } else if (message->kind == CB_MSG_FINISH)
        input(self, message); /* the end is never refused, and waits for the rest by itself */
    else
        return refuse(self, message);
    return true;
}

/* However an asker ends, `step` is told: nothing that it has asked outlives it. The GOODBYE lies in
 * the record that the asker brought, so it needs no memory. An actor says its own last word
 * before. */
static void bye(cb_supervisor *self, uint32_t address)
{
    cb_receiver *gone = cb_outbox_find(&self->outbox, address);
    if (gone == NULL || address < CB_ADDRESS_FIRST_ASKER) {
        remove_receiver(self, address);
        return;
    }
    cb_record *record = cb_outbox_lend_own(&self->outbox, gone);
    record->message =
        (cb_message){.kind = CB_MSG_GOODBYE, .from = address, .to = CB_ADDRESS_SUPERVISOR};
    cb_record_append(&self->held, record);
}

/* False if the message has to stay where it is, for want of memory. */
static bool take_in(cb_supervisor *self, cb_message *message)
{
    if (message->kind == CB_PLUMBING_HELLO)
        cb_outbox_add(&self->outbox, (cb_receiver *)(intptr_t)message->value);
    else if (message->kind == CB_PLUMBING_BYE)
        bye(self, message->from);
    else if (message->kind == CB_PLUMBING_STOP) {
        self->stopping = true;
        self->leave_stuck = message->status != 0;
    } else if (!is_askers(message->kind))
        input(self, message);
    else
        return hold(self, message);
    return true;
}

/* What a round found at its end. */
typedef enum finding {
    ALL_TAKEN = CB_INBOX_EMPTY,
    SOME_BEING_SENT = CB_INBOX_AWAITS,
    SOME_HIDDEN = CB_INBOX_HIDES,
    MORE_TO_TAKE,
    NO_MEMORY_TO_TAKE
} finding;

/* Whether something waits for memory. */
static bool is_short(const cb_supervisor *self)
{
    return self->placed < self->effects.count || self->next_record < self->record_count;
}

/* Takes in what was received. False if some of it has to wait for memory. */
static bool take_in_batch(cb_supervisor *self)
{
    self->now_ns = cb_now_ns();
    while (self->next_record < self->record_count) {
        if (!place(self) || !take_in(self, &self->records[self->next_record]))
            return false;
        self->next_record++;
    }
    return true;
}

static finding receive_round(cb_supervisor *self)
{
    cb_inbox_state state;
    for (size_t taken = 0; taken < RECORDS_A_ROUND;) {
        if (self->next_record == self->record_count) {
            self->next_record = 0;
            self->record_count =
                self->exchange->ops->receive(self->exchange, self->records, &state);
            if (self->record_count == 0)
                return (finding)state;
            if (self->held.first != NULL)
                self->held_batches++;
        }
        taken += self->record_count - self->next_record;
        if (!take_in_batch(self))
            return NO_MEMORY_TO_TAKE;
    }
    return MORE_TO_TAKE;
}

static void input_list(cb_supervisor *self, cb_record_list *list)
{
    /* The list may grow while it is worked through. */
    while (list->first != NULL && place(self)) {
        cb_record *record = cb_record_pop(list);
        cb_message message = record->message;
        const cb_receiver *from = cb_outbox_find(&self->outbox, message.from);
        if (from != NULL && record == &from->own)
            remove_receiver(self, message.from); /* it has said good-bye */
        else
            cb_outbox_give_back(&self->outbox, record);
        input(self, &message);
    }
}

static void input_held(cb_supervisor *self, bool inbox_was_empty)
{
    if (self->held.first == NULL)
        return;
    if (!inbox_was_empty && self->held_batches < self->exchange->ops->fairness_bound(
                                                     self->exchange, self->outbox.receivers))
        return;
    input_list(self, &self->held);
    if (self->held.first == NULL)
        self->held_batches = 0;
}

static void tick_if_due(cb_supervisor *self)
{
    if (self->deadline_ns == INT64_MAX || !place(self))
        return;
    self->now_ns = cb_now_ns();
    if (self->now_ns < self->deadline_ns)
        return;
    cb_message tick = {.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK, .to = CB_ADDRESS_SUPERVISOR};
    input(self, &tick);
}

/* When there is something to do though nobody comes. */
static void set_bell(cb_supervisor *self, finding found)
{
    int64_t due_ns = self->deadline_ns;
    if (cb_outbox_waits(&self->outbox) || found == SOME_HIDDEN || is_short(self)) {
        int64_t retry_ns = cb_now_ns() + RETRY_NS;
        due_ns = due_ns < retry_ns ? due_ns : retry_ns;
    }
    if (self->leaving.first != NULL) {
        int64_t pause_ns = self->stopping ? RETRY_NS : cb_leaving_pause(&self->leaving);
        int64_t retry_ns = cb_now_ns() + pause_ns;
        due_ns = due_ns < retry_ns ? due_ns : retry_ns;
    }
    if (due_ns == self->told_due_ns)
        return;
    self->told_due_ns = due_ns;
    cb_bell_set(&self->bell, due_ns);
}

/* True if nothing is left to do at once. */
static bool run_round(cb_supervisor *self)
{
    finding found = receive_round(self);
    input_held(self, found == ALL_TAKEN);
    tick_if_due(self);
    input_list(self, &self->made_here);
    self->threads -= cb_leaving_join(&self->leaving, self->exchange);
    bool sent = send_all(self);
    if (found == MORE_TO_TAKE || (found == NO_MEMORY_TO_TAKE && sent))
        return false;
    if (self->placed < self->effects.count && place(self))
        return false;
    set_bell(self, found);
    if (self->recorder != NULL)
        cb_recorder_flush(self->recorder);
    if (self->log != NULL)
        cb_log_wake(self->log);
    return true;
}

/* --- who runs it --- */

void cb_supervisor_attend(cb_supervisor *self)
{
    uint_fast64_t seen;
    bool stopping = false;
    bool goes_on = true;
    cb_charge_call(&self->charge);
    for (int rounds = 0; goes_on && rounds < ROUNDS_A_VISIT; rounds++) {
        if (!cb_charge_take(&self->charge, &seen))
            return;
        self->is_visited = true;
        bool quiet = run_round(self);
        stopping = self->stopping;
        cb_charge_leave(&self->charge);
        goes_on = !quiet || cb_charge_has_called(&self->charge, seen);
    }
    if (goes_on || stopping)
        cb_bell_ring(&self->bell);
}

void cb_supervisor_ring(cb_supervisor *self)
{
    cb_bell_ring(&self->bell);
}

/* Whether nobody is left to wait for, after the order to stop. */
static bool is_alone(cb_supervisor *self)
{
    if (self->leave_stuck || (self->threads == 0 && !is_short(self)))
        return true;
    if (self->threads > self->leaving.count || is_short(self))
        return false;
    if (self->give_up_ns == 0)
        self->give_up_ns = cb_now_ns() + PATIENCE_NS;
    return cb_now_ns() >= self->give_up_ns;
}

/* True if it is over; the charge is not given back then. */
static bool run_until_quiet(cb_supervisor *self)
{
    uint_fast64_t seen;
    cb_charge_call(&self->charge);
    while (cb_charge_take(&self->charge, &seen)) {
        self->is_visited = false;
        bool quiet = run_round(self);
        if (quiet && self->stopping && is_alone(self)) {
            input_held(self, true); /* good-byes that still waited for something older */
            return true;
        }
        cb_charge_leave(&self->charge);
        if (quiet && !cb_charge_has_called(&self->charge, seen))
            return false;
    }
    return false;
}

void *cb_supervisor_thread(void *argument)
{
    cb_supervisor *self = argument;
    atomic_store(&self->core->own_thread, gettid());
    while (!run_until_quiet(self))
        cb_bell_wait(&self->bell);
    if (self->recorder != NULL && cb_recorder_has_file(self->recorder))
        cb_recorder_checkpoint(self->recorder, self->sequence, cb_step_hash(self->step));
    return NULL;
}

/* --- life --- */

cb_status cb_supervisor_new(cb_core *core, cb_exchange *exchange, cb_recorder *recorder,
                            cb_actor_starter *starter, cb_supervisor **supervisor, cb_error *error)
{
    *supervisor = NULL;
    cb_supervisor *self = calloc(1, sizeof *self);
    cb_step *step = cb_step_new(&core->options.limits);
    bool has_outbox = self != NULL && cb_outbox_open(&self->outbox, exchange);
    if (!has_outbox || step == NULL || !cb_bell_open(&self->bell)) {
        if (has_outbox)
            cb_outbox_close(&self->outbox);
        free(self);
        cb_step_free(&step, NULL, NULL);
        exchange->ops->close(exchange);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    self->core = core;
    self->exchange = exchange;
    self->recorder = recorder;
    self->starter = starter;
    self->step = step;
    self->deadline_ns = self->told_due_ns = INT64_MAX;
    self->log = core->options.log;
    if (self->log != NULL)
        cb_step_take_notes(step);
    *supervisor = self;
    return CB_OK;
}

cb_bell *cb_supervisor_bell(cb_supervisor *supervisor)
{
    return &supervisor->bell;
}

size_t cb_supervisor_abandoned(const cb_supervisor *supervisor)
{
    return supervisor->threads;
}

static void release_payload(void *user, uint64_t payload)
{
    (void)user;
    cb_buffer_release((cb_buffer *)(uintptr_t)payload);
}

/* What came and was not taken in. */
static void drop_batch(cb_supervisor *self)
{
    for (; self->next_record < self->record_count; self->next_record++) {
        const cb_message *message = &self->records[self->next_record];
        cb_buffer_release(cb_message_payload(message));
        if (message->kind == CB_PLUMBING_HELLO)
            self->exchange->ops->drop(self->exchange, (cb_receiver *)(intptr_t)message->value);
    }
}

static void drop_list(cb_record_list *list)
{
    while (list->first != NULL)
        cb_buffer_release(cb_message_payload(&cb_record_pop(list)->message));
}

/* Effects that carry no reference of their own leave it to the state. */
static void drop_effects(cb_supervisor *self)
{
    for (; self->placed < self->effects.count; self->placed++) {
        const cb_message *effect = &self->effects.items[self->placed];
        if ((effect->flags & CB_FLAG_SHARED) == 0)
            cb_buffer_release(cb_message_payload(effect));
    }
}

void cb_supervisor_free(cb_supervisor **supervisor)
{
    cb_supervisor *self = *supervisor;
    cb_inbox_state state;
    if (self == NULL)
        return;
    do {
        drop_batch(self);
        self->next_record = 0;
        self->record_count = self->exchange->ops->receive(self->exchange, self->records, &state);
    } while (self->record_count > 0);
    drop_effects(self);
    drop_list(&self->held);
    drop_list(&self->made_here);
    cb_leaving_await(&self->leaving, self->exchange);
    cb_outbox_close(&self->outbox);
    cb_step_free(&self->step, release_payload, NULL);
    self->exchange->ops->close(self->exchange);
    cb_bell_close(&self->bell);
    free(self);
    *supervisor = NULL;
}
