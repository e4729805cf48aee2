#include "actors/core/asker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/clock.h"

/* A stop is to be seen within 1 ms: a look at the mailbox this often leaves room for the rest. */
#define LOOK_EVERY_NS      300000
#define ANSWERED_WITHIN_MS 10000
#define QUESTIONS_AT_ONCE  64
#define ADDRESSES_TRIED    16

static void handle_command(cb_asker *asker, const cb_message *message)
{
    if (asker->ops != NULL)
        asker->ops->command(asker->worker, message);
    else if (message->kind == CB_MSG_INTERRUPT) {
        asker->stopped = true;
        asker->stop_reason = message->status;
    } else
        cb_buffer_release(cb_message_payload(message)); /* an answer nobody waits for any more */
}

/* Whether the message answers question number `first`..`first + count - 1`. */
static bool is_answer(const cb_message *message, uint64_t first, size_t count)
{
    return message->kind == CB_MSG_ANSWER && message->cause >= first &&
           message->cause < first + count;
}

/* Waits for the answers to the newest `count` questions. With `may_abandon`, an interruption ends
 * the wait; answers that come later find nobody. */
static cb_status await_answers(cb_asker *asker, cb_message *answers, size_t count, bool may_abandon)
{
    uint64_t first = asker->asked - count + 1;
    for (size_t received = 0; received < count;) {
        cb_message message;
        if (may_abandon && asker->stopped)
            return CB_STOPPED;
        cb_status status = cb_mailbox_receive(asker->mailbox, -1, &message);
        if (status != CB_OK)
            return status;
        if (is_answer(&message, first, count)) {
            answers[message.cause - first] = message;
            received++;
        } else
            handle_command(asker, &message);
    }
    return CB_OK;
}

cb_status cb_asker_ask(cb_asker *asker, cb_message *messages, size_t count, bool may_abandon)
{
    if (may_abandon && asker->stopped) {
        for (size_t i = 0; i < count; i++)
            cb_buffer_release(cb_message_payload(&messages[i]));
        return CB_STOPPED;
    }
    if (asker->ops != NULL)
        asker->ops->announce(asker->worker);
    for (size_t i = 0; i < count; i++) {
        messages[i].cause = ++asker->asked;
        cb_message_set_asking_job(&messages[i], asker->job);
        cb_status status = cb_mailbox_post(asker->mailbox, &messages[i]);
        if (status != CB_OK)
            return status;
    }
    cb_status status = cb_mailbox_flush(asker->mailbox);
    return status != CB_OK ? status : await_answers(asker, messages, count, may_abandon);
}

cb_status cb_asker_open_in(cb_core *core, cb_asker **asker, cb_error *error)
{
    *asker = NULL;
    cb_asker *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    cb_status status = CB_IO;
    for (int i = 0; i < ADDRESSES_TRIED && status == CB_IO; i++)
        status =
            cb_mailbox_open(core->office, cb_core_asker_address(core), &opened->mailbox, error);
    if (status != CB_OK) {
        free(opened);
        return status;
    }
    cb_message hello = {.kind = CB_MSG_HELLO, .cause = ++opened->asked};
    status = cb_mailbox_post(opened->mailbox, &hello);
    if (status == CB_OK)
        status = cb_mailbox_flush(opened->mailbox);
    if (status == CB_OK)
        status = cb_mailbox_receive(opened->mailbox, ANSWERED_WITHIN_MS, &hello);
    if (status == CB_OK)
        status = hello.status;
    if (status != CB_OK) {
        cb_asker_close(&opened);
        return cb_fail(error, status, "the supervisor has no room for one more asker");
    }
    *asker = opened;
    return CB_OK;
}

void cb_asker_close(cb_asker **asker)
{
    if (*asker == NULL)
        return;
    assert((*asker)->ops == NULL);
    cb_mailbox_close(&(*asker)->mailbox); /* of which the supervisor makes a GOODBYE */
    free(*asker);
    *asker = NULL;
}

cb_status cb_asker_check(cb_asker *asker)
{
    int64_t now_ns = cb_now_ns();
    if (asker->ops != NULL)
        asker->ops->check(asker->worker, now_ns);
    if (now_ns >= asker->next_look_ns && !asker->stopped) {
        cb_message message;
        while (cb_mailbox_receive(asker->mailbox, 0, &message) == CB_OK)
            handle_command(asker, &message);
        (void)cb_mailbox_flush_and_ring(asker->mailbox);
        asker->next_look_ns = cb_now_ns() + LOOK_EVERY_NS;
    }
    return asker->stopped ? CB_STOPPED : CB_OK;
}

cb_job_status cb_asker_stop_reason(const cb_asker *asker)
{
    return asker->stopped ? (cb_job_status)asker->stop_reason : CB_JOB_PENDING;
}

void cb_asker_before_block(cb_asker *asker)
{
    if (asker->ops == NULL)
        return;
    asker->ops->announce(asker->worker);
    asker->ops->give_back(asker->worker);
    (void)cb_mailbox_flush_and_ring(asker->mailbox);
}

cb_status cb_ask(cb_asker *asker, uint8_t name_space, cb_question *questions, size_t count)
{
    cb_message messages[QUESTIONS_AT_ONCE];
    if (count < 1 || count > QUESTIONS_AT_ONCE)
        return CB_INVALID;
    for (size_t i = 0; i < count; i++) {
        /* Negative ids are no ids, and stay none as the supervisor reads them. */
        uint64_t id = questions[i].id < 0 ? 0 : (uint64_t)questions[i].id;
        messages[i] = (cb_message){.kind = CB_MSG_ASK,
                                   .name_space = name_space,
                                   .job = id,
                                   .value = (int64_t)questions[i].what};
        questions[i].bytes = NULL;
        questions[i].value = 0;
    }
    cb_status status = cb_asker_ask(asker, messages, count, false);
    if (status != CB_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        questions[i].status = messages[i].status;
        questions[i].value = messages[i].value;
        questions[i].bytes = cb_message_payload(&messages[i]);
        if (messages[i].status == CB_NO_MEMORY)
            status = CB_NO_MEMORY;
    }
    for (size_t i = 0; i < count && status != CB_OK; i++) {
        cb_buffer_release(questions[i].bytes);
        questions[i].bytes = NULL;
    }
    return status;
}

cb_status cb_wait(cb_asker *asker, uint8_t name_space, cb_wait_kind what, int64_t id,
                  int32_t timeout_ms, int *happened)
{
    if (!cb_is_timeout(timeout_ms))
        return CB_INVALID;
    if (what != CB_WAIT_TIME && id < 1)
        return CB_UNKNOWN;
    cb_message message = {.kind = CB_MSG_WAIT,
                          .name_space = name_space,
                          .status = (int32_t)what,
                          .job = (uint64_t)id,
                          .value = timeout_ms};
    cb_status status = cb_asker_ask(asker, &message, 1, true);
    if (status != CB_OK)
        return status;
    *happened = message.value != 0;
    return message.status;
}
