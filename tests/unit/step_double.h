/* A test double of everything around the step. It sends inputs, keeps the effects, and counts the
 * references to every payload, so that a lost or doubled reference is noticed. */
#ifndef CALLBOARD_TESTS_STEP_DOUBLE_H
#define CALLBOARD_TESTS_STEP_DOUBLE_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/step/state.h"

#define DOUBLE_PAYLOADS 65536u
#define MAIN_ASKER      (CB_ADDRESS_FIRST_ASKER + 1u)
#define MS              INT64_C(1000000)

typedef struct step_double {
    cb_step *step;
    cb_effects effects;
    uint64_t inputs;
    uint64_t next_cause;
    int64_t now_ns;
    uint64_t next_payload;
    const char *wrong;               /* the first rule that was broken */
    int32_t inside[DOUBLE_PAYLOADS]; /* references to each payload that the step holds */
} step_double;

static inline cb_limits double_limits(void)
{
    cb_limits limits;
    memset(&limits, 0, sizeof limits);
#define DOUBLE_LIMIT(field, value, least, most, variable, reason) limits.field = (value);
    CB_LIMITS(DOUBLE_LIMIT)
#undef DOUBLE_LIMIT
    return limits;
}

static inline void double_must(int condition, const char *sentence)
{
    if (!condition) {
        fprintf(stderr, "the test double: %s\n", sentence);
        abort();
    }
}

static inline void double_wrong(step_double *d, const char *sentence)
{
    if (d->wrong == NULL) {
        d->wrong = sentence;
    }
}

static inline void double_begin(step_double *d, const cb_limits *limits)
{
    memset(d, 0, sizeof *d);
    d->step = cb_step_new(limits);
    double_must(d->step != NULL, "no memory");
    d->now_ns = 1000 * MS;
    d->next_payload = 1;
    d->next_cause = 1;
}

static inline void double_drop(void *user, uint64_t payload)
{
    step_double *d = user;
    d->inside[payload]--;
}

/* Ends the double. Returns the first rule that was broken, or NULL. */
static inline const char *double_end(step_double *d)
{
    cb_step_free(&d->step, double_drop, d);
    for (uint64_t i = 0; i < DOUBLE_PAYLOADS; i++) {
        if (d->inside[i] != 0) {
            double_wrong(d, "a payload was lost or doubled");
        }
    }
    return d->wrong;
}

static inline uint64_t double_payload(step_double *d)
{
    double_must(d->next_payload < DOUBLE_PAYLOADS, "too few payloads");
    return d->next_payload++;
}

/* Sends one input, and checks the rules that hold for every input. */
static inline cb_effects double_send(step_double *d, cb_message message)
{
    message.time_ns = d->now_ns;
    if (message.payload != 0) {
        d->inside[message.payload]++;
    }
    d->inputs++;
    d->effects = cb_step_input(d->step, &message);
    for (size_t i = 0; i < d->effects.count; i++) {
        const cb_message *effect = &d->effects.items[i];
        if (effect->payload != 0 && (effect->flags & CB_FLAG_SHARED) == 0 &&
            --d->inside[effect->payload] < 0) {
            double_wrong(d, "a payload came out twice");
        }
        if (effect->payload != 0 && (effect->flags & CB_FLAG_SHARED) != 0 &&
            d->inside[effect->payload] <= 0) {
            double_wrong(d, "a payload was shared that is not there");
        }
        if (effect->kind != CB_MSG_ANSWER && effect->cause != d->inputs) {
            double_wrong(d, "an effect names another cause");
        }
        if (effect->kind < 64 || effect->kind >= CB_MSG_END) {
            double_wrong(d, "an effect is none");
        }
    }
    const char *wrong = cb_step_check(d->step);
    if (wrong != NULL) {
        double_wrong(d, wrong);
    }
    return d->effects;
}

/* How many effects of a kind the last input had. */
static inline size_t double_count(const step_double *d, cb_message_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < d->effects.count; i++) {
        count += d->effects.items[i].kind == kind;
    }
    return count;
}

/* The n-th effect of a kind that the last input had; kind 0 if there is none. */
static inline cb_message double_effect(const step_double *d, cb_message_kind kind, size_t n)
{
    for (size_t i = 0; i < d->effects.count; i++) {
        if (d->effects.items[i].kind == kind && n-- == 0) {
            return d->effects.items[i];
        }
    }
    return (cb_message){0};
}

/* Asks a question as the main asker, with its own cause. Returns the ANSWER (kind 0 if there is
 * none yet). */
static inline cb_message double_ask(step_double *d, cb_message message)
{
    message.from = MAIN_ASKER;
    message.cause = UINT64_C(0x100000) + d->next_cause++;
    double_send(d, message);
    for (size_t i = 0; i < d->effects.count; i++) {
        const cb_message *effect = &d->effects.items[i];
        if (effect->kind == CB_MSG_ANSWER && effect->cause == message.cause) {
            return *effect;
        }
    }
    return (cb_message){0};
}

#endif
