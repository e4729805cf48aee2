#include "actors/supervisor.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/base/address_map.h"
#include "actors/base/charge.h"
#include "actors/log/log.h"
#include "actors/metrics/snapshot.h"

/* Records taken in before effects are sent on, so that a flood does not starve the receivers. */
#define RECORDS_A_ROUND 512u
/* Rounds after which a thread that came with something goes back to its own work. */
#define ROUNDS_A_VISIT  2
/* How soon a full queue is tried again, or an inbox that hides something. */
#define RETRY_NS        1000000

/* An address that messages go to, and the thread behind it if we started one. */
typedef struct receiver {
    uint32_t address;
    bool has_thread;
    bool runs_jobs;
    pthread_t thread;
    bool dirty; /* on the list of those with something to send */
    struct receiver *next_dirty;
    cb_message *unsent;
    size_t count;
    size_t capacity;
} receiver;

typedef struct message_list {
    cb_message *items;
    size_t count;
    size_t capacity;
} message_list;

struct cb_supervisor {
    cb_runtime *runtime;
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
    cb_address_map receivers;
    receiver *dirty[2];     /* askers, and after them actors */
    message_list held;      /* askers' messages, until the inbox was empty */
    uint64_t held_batches;  /* batches read since the first of them came */
    message_list made_here; /* inputs of the shell's own: an actor that did not start */
    size_t threads;
    bool is_visited; /* by who is in charge: it is not its own thread */
    bool stopping;
    bool leave_stuck;
    cb_message records[CB_BATCH_MAX]; /* what is being taken in */
};

static cb_status list_add(message_list *list, const cb_message *message)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        cb_message *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return CB_NO_MEMORY;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *message;
    return CB_OK;
}

/* --- receivers --- */

/* Askers are sent to first: they wait for it, and what they do next goes on beside the actors. */
static receiver **dirty_list(cb_supervisor *self, const receiver *of)
{
    return &self->dirty[of->address >= CB_ADDRESS_FIRST_ASKER ? 0 : 1];
}

static void make_dirty(cb_supervisor *self, receiver *to)
{
    receiver **list = dirty_list(self, to);
    to->dirty = true;
    to->next_dirty = *list;
    *list = to;
}

static receiver *add_receiver(cb_supervisor *self, uint32_t address)
{
    receiver *added = calloc(1, sizeof *added);
    if (added == NULL)
        return NULL;
    added->address = address;
    if (cb_address_map_insert(&self->receivers, address, added) != CB_OK) {
        free(added);
        return NULL;
    }
    return added;
}

static void drop_unsent(receiver *gone)
{
    for (size_t i = 0; i < gone->count; i++)
        cb_buffer_release(cb_message_payload(&gone->unsent[i]));
    gone->count = 0;
}

static void unlink_dirty(cb_supervisor *self, receiver *gone)
{
    receiver **link = dirty_list(self, gone);
    while (*link != NULL && *link != gone)
        link = &(*link)->next_dirty;
    if (*link != NULL)
        *link = gone->next_dirty;
}

static void remove_receiver(cb_supervisor *self, uint32_t address)
{
    receiver *gone = cb_address_map_remove(&self->receivers, address);
    if (gone == NULL)
        return;
    if (gone->dirty)
        unlink_dirty(self, gone);
    if (gone->has_thread) {
        /* It has said good-bye: nothing is left to it but to end. */
        int failed = pthread_join(gone->thread, NULL);
        assert(failed == 0);
        (void)failed;
        self->threads--;
    }
    self->exchange->ops->remove(self->exchange, address);
    drop_unsent(gone);
    free(gone->unsent);
    free(gone);
}

static void queue_for(cb_supervisor *self, const cb_message *message)
{
    receiver *to = cb_address_map_find(&self->receivers, message->to);
    message_list list;
    if (to == NULL) {
        cb_buffer_release(cb_message_payload(message));
        return;
    }
    list = (message_list){to->unsent, to->count, to->capacity};
    if (list_add(&list, message) != CB_OK) {
        cb_buffer_release(cb_message_payload(message));
        return;
    }
    to->unsent = list.items;
    to->count = list.count;
    to->capacity = list.capacity;
    if (!to->dirty)
        make_dirty(self, to);
}

/* Workers like to know where their jobs come from. */
static void tell_where(cb_runtime *runtime)
{
    int here = sched_getcpu();
    if (here != atomic_load_explicit(&runtime->hands_from, memory_order_relaxed))
        atomic_store_explicit(&runtime->hands_from, here, memory_order_relaxed);
}

/* Sends as much as the receiver's queue takes. */
static cb_status send_unsent(cb_supervisor *self, receiver *to)
{
    size_t sent = 0;
    cb_status status = CB_OK;
    if (to->runs_jobs && to->count > 0 && self->is_visited)
        tell_where(self->runtime);
    while (sent < to->count && status == CB_OK) {
        size_t count = to->count - sent;
        if (count > CB_BATCH_MAX)
            count = CB_BATCH_MAX;
        status = self->exchange->ops->send(self->exchange, to->address, &to->unsent[sent], count);
        if (status == CB_OK)
            sent += count;
    }
    memmove(to->unsent, &to->unsent[sent], (to->count - sent) * sizeof *to->unsent);
    to->count -= sent;
    return status;
}

/* Sends everything that queues take; what a full one does not take stays. */
static void send_all(cb_supervisor *self)
{
    for (int i = 0; i < 2; i++) {
        receiver *to = self->dirty[i];
        self->dirty[i] = NULL;
        while (to != NULL) {
            receiver *next = to->next_dirty;
            to->dirty = false;
            if (send_unsent(self, to) == CB_LIMIT)
                make_dirty(self, to);
            to = next;
        }
    }
}

/* --- effects --- */

static void report_not_started(cb_supervisor *self, const cb_message *effect, const cb_error *error)
{
    bool listener = effect->kind == CB_MSG_START_LISTENER;
    cb_message report = {.kind = listener ? CB_MSG_ROUTE_FAILED : CB_MSG_ACTOR_STOPPED,
                         .name_space = effect->name_space,
                         .status = error->status,
                         .from = effect->to,
                         .to = CB_ADDRESS_SUPERVISOR,
                         .cause = effect->cause,
                         .route = effect->route};
    report.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    if (list_add(&self->made_here, &report) != CB_OK)
        cb_buffer_release(cb_message_payload(&report));
}

static void start_actor(cb_supervisor *self, const cb_message *effect)
{
    cb_error error = {.status = CB_OK};
    receiver *added = add_receiver(self, effect->to);
    if (added == NULL) {
        (void)cb_fail(&error, CB_NO_MEMORY, "out of memory");
        report_not_started(self, effect, &error);
        cb_buffer_release(cb_message_payload(effect));
        return;
    }
    if (self->starter(self->runtime, effect, self->exchange, &added->thread, &error) != CB_OK) {
        remove_receiver(self, effect->to);
        report_not_started(self, effect, &error);
        cb_buffer_release(cb_message_payload(effect));
        return;
    }
    added->has_thread = true;
    added->runs_jobs = effect->kind == CB_MSG_ADD_ACTOR && effect->value != 1;
    self->threads++;
    if (effect->kind == CB_MSG_START_LISTENER)
        queue_for(self, effect);
}

/* The tables are as they were when the question was answered: nothing came in since. */
static void answer(cb_supervisor *self, const cb_message *effect)
{
    cb_message filled = *effect;
    if ((effect->flags & CB_FLAG_NEW) != 0) {
        filled.payload = cb_payload_handle(cb_snapshot_take(self->step, self->recorder));
        filled.status = filled.payload != 0 ? CB_OK : CB_NO_MEMORY;
    }
    queue_for(self, &filled);
}

static void carry_out(cb_supervisor *self, const cb_message *effect)
{
    if (effect->flags & CB_FLAG_SHARED)
        (void)cb_buffer_retain(cb_message_payload(effect));
    switch (effect->kind) {
    case CB_MSG_ANSWER:
        answer(self, effect);
        break;
    case CB_MSG_TICK_AT:
        self->deadline_ns = effect->value;
        break;
    case CB_MSG_RELEASE:
        cb_buffer_release(cb_message_payload(effect));
        break;
    case CB_MSG_START_LISTENER:
    case CB_MSG_ADD_ACTOR:
        start_actor(self, effect);
        break;
    default:
        queue_for(self, effect);
        break;
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

static void input(cb_supervisor *self, cb_message *message)
{
    message->time_ns = self->now_ns;
    self->sequence++;
    if (self->recorder != NULL)
        cb_recorder_input(self->recorder, self->sequence, message);
    cb_effects effects = cb_step_input(self->step, message);
    if (self->recorder != NULL)
        cb_recorder_effects(self->recorder, self->sequence, effects.items, effects.count);
    if (self->log != NULL)
        log_notes(self, message);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(self, &effects.items[i]);
    if (self->recorder != NULL &&
        cb_recorder_wants_checkpoint(self->recorder, self->sequence, cb_step_size(self->step)))
        cb_recorder_checkpoint(self->recorder, self->sequence, cb_step_hash(self->step));
}

/* --- the loop --- */

static void hello(cb_supervisor *self, uint32_t address)
{
    /* Without memory or descriptors nobody can be answered: the asker gives up after a while. */
    if (add_receiver(self, address) == NULL)
        return;
    if (self->exchange->ops->add(self->exchange, address) != CB_OK)
        remove_receiver(self, address);
}

static void hold(cb_supervisor *self, cb_message *message)
{
    if (list_add(&self->held, message) != CB_OK)
        input(self, message); /* no memory to hold it: early is better than never */
}

/* However an asker ends, `step` is told, after what the asker had asked: nothing of it is to
 * outlive it. Actors have said their own last word before. */
static void bye(cb_supervisor *self, uint32_t address)
{
    cb_message goodbye = {.kind = CB_MSG_GOODBYE, .from = address, .to = CB_ADDRESS_SUPERVISOR};
    remove_receiver(self, address);
    if (address >= CB_ADDRESS_FIRST_ASKER)
        hold(self, &goodbye);
}

static void take_in(cb_supervisor *self, cb_message *message)
{
    if (message->kind == CB_PLUMBING_HELLO)
        hello(self, message->from);
    else if (message->kind == CB_PLUMBING_BYE)
        bye(self, message->from);
    else if (message->kind == CB_PLUMBING_STOP) {
        self->stopping = true;
        self->leave_stuck = message->status != 0;
    } else if (is_askers(message->kind))
        hold(self, message);
    else
        input(self, message);
}

/* What a round found at its end. */
typedef enum finding {
    ALL_TAKEN = CB_INBOX_EMPTY,
    SOME_BEING_SENT = CB_INBOX_AWAITS,
    SOME_HIDDEN = CB_INBOX_HIDES,
    MORE_TO_TAKE
} finding;

static finding receive_round(cb_supervisor *self)
{
    cb_inbox_state state;
    for (size_t taken = 0; taken < RECORDS_A_ROUND;) {
        size_t count = self->exchange->ops->receive(self->exchange, self->records, &state);
        if (count == 0)
            return (finding)state;
        self->now_ns = cb_now_ns();
        if (self->held.count > 0)
            self->held_batches++;
        for (size_t i = 0; i < count; i++)
            take_in(self, &self->records[i]);
        taken += count;
    }
    return MORE_TO_TAKE;
}

static void input_list(cb_supervisor *self, message_list *list)
{
    /* The list may grow while it is worked through. */
    for (size_t i = 0; i < list->count; i++) {
        cb_message message = list->items[i];
        input(self, &message);
    }
    list->count = 0;
}

static void input_held(cb_supervisor *self, bool inbox_was_empty)
{
    if (self->held.count == 0)
        return;
    if (!inbox_was_empty &&
        self->held_batches < self->exchange->ops->fairness_bound(self->exchange))
        return;
    input_list(self, &self->held);
    self->held_batches = 0;
}

static void tick_if_due(cb_supervisor *self)
{
    if (self->deadline_ns == INT64_MAX)
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
    if (self->dirty[0] != NULL || self->dirty[1] != NULL || found == SOME_HIDDEN) {
        int64_t retry_ns = cb_now_ns() + RETRY_NS;
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
    send_all(self);
    if (found == MORE_TO_TAKE)
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

/* True if it is over; the charge is not given back then. */
static bool run_until_quiet(cb_supervisor *self)
{
    uint_fast64_t seen;
    cb_charge_call(&self->charge);
    while (cb_charge_take(&self->charge, &seen)) {
        self->is_visited = false;
        bool quiet = run_round(self);
        if (quiet && self->stopping && (self->threads == 0 || self->leave_stuck)) {
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
    atomic_store(&self->runtime->own_thread, gettid());
    while (!run_until_quiet(self))
        cb_bell_wait(&self->bell);
    if (self->recorder != NULL && cb_recorder_has_file(self->recorder))
        cb_recorder_checkpoint(self->recorder, self->sequence, cb_step_hash(self->step));
    return NULL;
}

/* --- life --- */

cb_status cb_supervisor_new(cb_runtime *runtime, cb_exchange *exchange, cb_recorder *recorder,
                            cb_actor_starter *starter, cb_supervisor **supervisor, cb_error *error)
{
    *supervisor = NULL;
    cb_supervisor *self = calloc(1, sizeof *self);
    cb_step *step = cb_step_new(&runtime->options.limits);
    if (self == NULL || step == NULL || !cb_bell_open(&self->bell)) {
        free(self);
        cb_step_free(&step, NULL, NULL);
        exchange->ops->close(exchange);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    self->runtime = runtime;
    self->exchange = exchange;
    self->recorder = recorder;
    self->starter = starter;
    self->step = step;
    self->deadline_ns = self->told_due_ns = INT64_MAX;
    self->log = runtime->options.log;
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

void cb_supervisor_free(cb_supervisor **supervisor)
{
    cb_supervisor *self = *supervisor;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->receivers.capacity; i++) {
        receiver *left = self->receivers.entries[i].value;
        if (left == NULL)
            continue;
        drop_unsent(left);
        free(left->unsent);
        free(left);
    }
    cb_address_map_free(&self->receivers);
    cb_step_free(&self->step, release_payload, NULL);
    self->exchange->ops->close(self->exchange);
    free(self->held.items);
    free(self->made_here.items);
    cb_bell_close(&self->bell);
    free(self);
    *supervisor = NULL;
}
