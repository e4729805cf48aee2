#include "actors/core/leaving.h"

#include <assert.h>
#include <errno.h>

#define FIRST_PAUSE_NS INT64_C(1000000)
#define MOST_PAUSE_NS  INT64_C(1000000000)

void cb_leaving_add(cb_leaving *leaving, cb_receiver *receiver)
{
    receiver->next = leaving->first;
    leaving->first = receiver;
    leaving->count++;
    leaving->pause_ns = FIRST_PAUSE_NS;
}

static void drop(cb_leaving *leaving, cb_receiver **link, cb_exchange *exchange)
{
    cb_receiver *gone = *link;
    *link = gone->next;
    leaving->count--;
    exchange->ops->drop(exchange, gone);
}

size_t cb_leaving_join(cb_leaving *leaving, cb_exchange *exchange)
{
    size_t joined = 0;
    cb_receiver **link = &leaving->first;
    while (*link != NULL) {
        int problem = pthread_tryjoin_np((*link)->thread, NULL);
        if (problem == EBUSY) {
            link = &(*link)->next;
            continue;
        }
        assert(problem == 0);
        drop(leaving, link, exchange);
        joined++;
    }
    return joined;
}

int64_t cb_leaving_pause(cb_leaving *leaving)
{
    int64_t pause_ns = leaving->pause_ns;
    assert(leaving->first != NULL);
    leaving->pause_ns = pause_ns * 2 < MOST_PAUSE_NS ? pause_ns * 2 : MOST_PAUSE_NS;
    return pause_ns;
}

void cb_leaving_await(cb_leaving *leaving, cb_exchange *exchange)
{
    while (leaving->first != NULL) {
        int problem = pthread_join(leaving->first->thread, NULL);
        assert(problem == 0);
        (void)problem;
        drop(leaving, &leaving->first, exchange);
    }
}
