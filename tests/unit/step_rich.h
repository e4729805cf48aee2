/* States of the step with something in every table, for tests that change one thing in them: jobs
 * of workers with lanes; jobs of this process; client exchanges, TLS and what waits for it. */
#ifndef CALLBOARD_TESTS_STEP_RICH_H
#define CALLBOARD_TESTS_STEP_RICH_H

#include "tests/unit/step_play.h"

static inline void rich_begin(play *p)
{
    cb_limits limits = double_limits();
    limits.hand_batch = 3;
    limits.max_client_jobs = 2;
    memset(p, 0, sizeof *p);
    double_begin(&p->d, &limits);
    for (uint32_t i = 10; i < 13; i++) {
        double_send(&p->d, (cb_message){.kind = CB_MSG_HELLO, .from = MAIN_ASKER + i});
    }
    double_send(&p->d, (cb_message){.kind = CB_MSG_GOODBYE, .from = MAIN_ASKER + 11});
}

/* Opens and closes some routes: tombstones. */
static inline void rich_tombstones(play *p, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t route = play_open(p, -1);
        play_close(p, route, 0);
        play_listener(p, CB_MSG_ROUTE_STOPPED, route, 0);
    }
}

/* A slow worker, and one that starts; requests in every phase, of an open route and of a closing
 * one; two closed routes; waits. */
static inline void rich_work(play *p)
{
    rich_begin(p);
    uint32_t tcp = play_open(p, 500);
    uint32_t closing = play_open(p, 500);
    rich_tombstones(p, 2);
    cb_message runs = play_first_request(p, closing, 1);
    play_actor(p, CB_MSG_JOB_STARTED, runs.to, runs.job, 0);
    play_request(p, closing, 2);
    cb_message back = play_request(p, tcp, 1);
    play_tick(p, 2 * MS); /* its jobs are asked for again, and a second worker is made */
    play_actor(p, CB_MSG_JOB_RETURNED, back.to, back.job, 0);
    play_request(p, tcp, 2);
    play_request(p, tcp, 3);
    play_listener(p, CB_MSG_ACCEPTED, tcp, 4);
    play_listener(p, CB_MSG_ACCEPTED, tcp, 5);
    play_close(p, closing, 0);
    play_close(p, closing, 0);
    play_listener(p, CB_MSG_CONNECTION_CLOSED, closing, 2);
    play_wait(p, CB_WAIT_ROUTE_DRAINED, tcp, 700);
    play_wait(p, CB_WAIT_ROUTE_DRAINED, tcp, -1);
    play_wait(p, CB_WAIT_TIME, 0, 900);
}

/* Events: a lane with jobs that a worker holds, a lane whose next job waits; two parked workers. */
static inline void rich_lanes(play *p)
{
    rich_begin(p);
    uint32_t sockets = play_open_kind(p, CB_ROUTE_SOCKETS, 500);
    play_new(p, sockets, 1, 101);
    play_start_worker(p);
    cb_message first = double_effect(&p->d, CB_MSG_HAND, 0);
    play_actor(p, CB_MSG_JOB_STARTED, first.to, first.job, 0);
    cb_message second = play_new(p, sockets, 1, 102);
    cb_message third = play_new(p, sockets, 1, 103);
    play_new(p, sockets, 1, 104);
    play_new(p, sockets, 1, 105);
    play_tick(p, 2 * MS);
    play_actor(p, CB_MSG_JOB_RETURNED, second.to, second.job, 0);
    play_actor(p, CB_MSG_JOB_RETURNED, third.to, third.job, 0);
    play_new(p, sockets, 2, 201);
    play_new(p, sockets, 3, 301);
}

/* Jobs without a route, and jobs on a route without an actor; one of each is being canceled. */
static inline void rich_local(play *p)
{
    rich_begin(p);
    uint32_t route = play_open_kind(p, CB_ROUTE_LOCAL, 500);
    play_start(p, CB_ROUTE_NONE, 500);
    play_start_worker(p);
    cb_message first = double_effect(&p->d, CB_MSG_HAND, 0);
    play_actor(p, CB_MSG_JOB_COMPLETED, first.to, first.job, CB_JOB_SUCCESS); /* to be taken */
    play_start(p, CB_ROUTE_NONE, 500);
    cb_message hand = double_effect(&p->d, CB_MSG_HAND, 0);
    play_actor(p, CB_MSG_JOB_STARTED, hand.to, hand.job, 0);
    play_start(p, CB_ROUTE_NONE, 500);
    play_start(p, route, 500);
    play_start(p, route, 500);
    play_about_job(p, CB_MSG_CANCEL_JOB, 3);
    play_about_job(p, CB_MSG_CANCEL_JOB, 3);
    play_wait(p, CB_WAIT_JOB_COMPLETE, 2, 700);
    play_wait(p, CB_WAIT_JOB_COMPLETE, 2, -1);
    double_ask(&p->d, (cb_message){.kind = CB_MSG_CLOSE_JOBS, .name_space = 1});
    double_ask(&p->d, (cb_message){.kind = CB_MSG_CLOSE_JOBS, .name_space = 1});
}

/* Client exchanges on a route with TLS, where one waits for a newer setting; a shared route that is
 * opening; orders; a request whose failure is remembered. */
static inline void rich_clients(play *p)
{
    rich_begin(p);
    uint32_t route = play_open(p, -1);
    cb_message hand = play_first_request(p, route, 1);
    play_actor(p, CB_MSG_JOB_COMPLETED, hand.to, hand.job, CB_JOB_CALLBACK_FAILED);
    play_command(p, route, CB_ORDER_SET_TLS, true);
    play_done(p, route, double_effect(&p->d, CB_MSG_ORDER, 0).job, CB_OK);
    for (int i = 0; i < 4; i++) {
        play_begin(p, route, 500);
    }
    play_actor(p, CB_MSG_ACTOR_READY, CB_ADDRESS_CLIENT, 0, 0);
    uint64_t jobs[2] = {double_effect(&p->d, CB_MSG_HAND, 0).job,
                        double_effect(&p->d, CB_MSG_HAND, 1).job};
    play_command(p, route, 20, true);
    play_command(p, route, CB_ORDER_SET_TLS, true);
    for (int i = 0; i < 2; i++) {
        play_actor(p, CB_MSG_JOB_STARTED, CB_ADDRESS_CLIENT, jobs[i], 0);
        double_send(&p->d, (cb_message){.kind = CB_MSG_JOB_STALE,
                                        .from = CB_ADDRESS_CLIENT,
                                        .job = jobs[i],
                                        .value = 1});
    }
    for (int i = 0; i < 3; i++) {
        play_opening_kind(p, CB_ROUTE_LOOP, -1, CB_FLAG_SHARED);
    }
}

#endif
