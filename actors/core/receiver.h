/* A receiver: all that the supervisor needs to write to an address. The thread that wants to
 * receive makes it (cb_mailbox_create) and gives it away, so the supervisor needs no memory to take
 * it. */
#ifndef CALLBOARD_ACTORS_CORE_RECEIVER_H
#define CALLBOARD_ACTORS_CORE_RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/base/message.h"

/* A message that waits in a list. */
typedef struct cb_record {
    cb_message message;
    struct cb_record *next;
} cb_record;

/* First in, first out. All zero is empty. */
typedef struct cb_record_list {
    cb_record *first;
    cb_record *last;
} cb_record_list;

typedef struct cb_receiver {
    uint32_t address;
    void *way; /* the supervisor's end of the queue to it; its type is private to the exchange */
    /* Set by the supervisor if it started a thread for this address. */
    bool has_thread;
    bool runs_jobs;
    pthread_t thread;
    /* The rest belongs to the outbox (actors/core/outbox.h). */
    struct cb_receiver *next; /* in its bucket */
    bool dirty;               /* on the list of receivers with unsent records */
    struct cb_receiver *next_dirty;
    cb_record_list unsent;
    cb_record own; /* for one answer if there is no memory for another record */
    bool own_is_used;
} cb_receiver;

/* Closes the way to it and frees it. NULL is fine. */
void cb_receiver_close(cb_receiver *receiver);

static inline void cb_record_append(cb_record_list *list, cb_record *record)
{
    record->next = NULL;
    if (list->first == NULL)
        list->first = record;
    else
        list->last->next = record;
    list->last = record;
}

/* The list must not be empty. */
static inline cb_record *cb_record_pop(cb_record_list *list)
{
    cb_record *first = list->first;
    list->first = first->next;
    return first;
}

#endif
