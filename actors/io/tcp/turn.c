/* The turn: work that calls leave behind, done together in the next tick; and the end of it all
 * when the loop ends. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/loop.h"
#include "actors/io/tcp/inside.h"

/* A thread has one loop, so it has one turn. */
static _Thread_local cb_tcp_turn *here;

void *(*cb_tcp_malloc_hook)(size_t size);

void *cb_tcp_malloc(size_t size)
{
    return cb_tcp_malloc_hook != NULL ? cb_tcp_malloc_hook(size) : malloc(size);
}

void *cb_tcp_malloc_counted(size_t size)
{
    void *memory = cb_tcp_malloc(size);
    if (memory != NULL)
        cb_buffer_count((int64_t)size);
    return memory;
}

void cb_tcp_free_counted(void *memory, size_t size)
{
    if (memory != NULL)
        cb_buffer_count(-(int64_t)size);
    free(memory);
}

static void free_turn(cb_tcp_turn *turn)
{
    assert(turn->item_count == 0 && turn->next_count == 0 && turn->sending_count == 0);
    turn->loop->before_poll = NULL;
    cb_lookup_shut(turn);
    cb_op_remove(&turn->op);
    cb_op_remove(&turn->guard);
    cb_tcp_chunks_free(turn);
    while (turn->spare_room_count > 0)
        cb_tcp_free_counted(turn->spare_rooms[--turn->spare_room_count], CB_TCP_LARGE_ROOM);
    free(turn->plaintext);
    free(turn->next);
    free(turn->now);
    free(turn->sending);
    free(turn);
    here = NULL;
}

static void do_work(cb_tcp_socket *socket, unsigned work)
{
    if ((work & CB_TCP_WORK_FAIL) != 0 && !socket->closed)
        cb_tcp_fail(socket, &socket->failure);
    if ((work & CB_TCP_WORK_TIMEOUTS) != 0) {
        int64_t now_ns = cb_loop_now(socket->turn->loop);
        socket->read_at_ns = now_ns;
        socket->write_at_ns = now_ns;
        if (socket->began_ns == 0)
            socket->began_ns = now_ns;
        cb_tcp_arm(socket);
    }
    if ((work & CB_TCP_WORK_FLUSH) != 0)
        cb_tcp_flush(socket);
    if ((work & CB_TCP_WORK_DELIVER) != 0) {
        cb_tcp_deliver(socket);
        cb_tcp_receive(socket);
    }
    if ((work & CB_TCP_WORK_RELEASE) != 0)
        cb_tcp_release(socket);
}

/* A loop that ends begins no tick any more, so what was to be sent then stays where it is. */
static void forget_sending(cb_tcp_turn *turn)
{
    for (size_t i = 0; i < turn->sending_count; i++)
        turn->sending[i]->to_send = false;
    turn->sending_count = 0;
}

static void on_turn(cb_op *op)
{
    cb_tcp_turn *turn = op->user_data;
    if (cb_tcp_turn_ended(turn, op))
        return;
    if (atomic_load(&turn->loop->ending))
        forget_sending(turn);
    turn->queued = false;
    cb_tcp_item **items = turn->next;
    size_t count = turn->next_count;
    turn->next = turn->now;
    turn->now = items;
    turn->next_count = 0;
    /* Taken over before any callback runs, so that what callbacks add is for the next turn. */
    for (size_t i = 0; i < count; i++) {
        items[i]->doing = items[i]->work;
        items[i]->work = 0;
    }
    for (size_t i = 0; i < count; i++) {
        cb_tcp_item *item = turn->now[i];
        unsigned work = item->doing;
        item->doing = 0;
        if (!item->is_server)
            do_work((cb_tcp_socket *)item, work);
        else
            cb_tcp_server_work((cb_tcp_server *)item);
    }
    if (turn->item_count == 0)
        free_turn(turn);
}

static cb_tcp_item *first_socket(const cb_tcp_turn *turn)
{
    cb_tcp_item *item = turn->items;
    while (item != NULL && item->is_server)
        item = item->next;
    return item;
}

/* Servers go last: their sockets refer to them. */
static void end_turn(cb_tcp_turn *turn)
{
    cb_tcp_item *item;
    turn->ending = true;
    while ((item = first_socket(turn)) != NULL)
        cb_tcp_end((cb_tcp_socket *)item);
    while (turn->items != NULL)
        cb_tcp_server_end((cb_tcp_server *)turn->items);
    turn->next_count = 0;
    turn->sending_count = 0;
    free_turn(turn);
}

bool cb_tcp_turn_ended(cb_tcp_turn *turn, const cb_op *op)
{
    /* Otherwise somebody has taken a descriptor away from the loop. */
    if (op->error != CB_IO_CANCELED || !atomic_load(&turn->loop->ending))
        return false;
    end_turn(turn);
    return true;
}

/* Only the loop's end completes it. */
static void on_guard(cb_op *op)
{
    end_turn(op->user_data);
}

static void send_all(void *data)
{
    cb_tcp_turn *turn = data;
    for (size_t i = 0; i < turn->sending_count; i++) {
        cb_tcp_item *item = turn->sending[i];
        item->to_send = false;
        cb_tcp_flush((cb_tcp_socket *)item);
    }
    turn->sending_count = 0;
}

static cb_status make_turn(cb_loop *loop, cb_error *error)
{
    cb_tcp_turn *turn = cb_tcp_malloc(sizeof *turn);
    if (turn == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for sockets");
    *turn = (cb_tcp_turn){.loop = loop};
    turn->op = cb_prep_next_tick(loop, on_turn);
    turn->guard = turn->op != NULL ? cb_prep_next_tick(loop, on_guard) : NULL;
    if (turn->guard == NULL) {
        cb_status status = cb_io_error_status(cb_io_last_error());
        cb_op_remove(&turn->op);
        free(turn);
        return cb_fail(error, status, "no socket: %s", cb_io_error_string(cb_io_last_error()));
    }
    turn->op->user_data = turn;
    turn->guard->user_data = turn;
    cb_op_detach(turn->op);
    loop->before_poll = send_all;
    loop->before_poll_data = turn;
    here = turn;
    return CB_OK;
}

cb_status cb_tcp_turn_get(cb_loop *loop, cb_tcp_turn **turn, cb_error *error)
{
    *turn = NULL;
    cb_loop *current = cb_loop_current();
    if (current == NULL || (loop != NULL && loop != current))
        return cb_fail(error, CB_INVALID, "sockets belong to the thread of their event loop");
    if (here != NULL && here->ending)
        return cb_fail(error, CB_CLOSED, "the event loop is ending");
    if (here == NULL) {
        cb_status status = make_turn(current, error);
        if (status != CB_OK)
            return status;
    }
    assert(here->loop == current);
    *turn = here;
    return CB_OK;
}

/* Room in all lists for one item more. */
static bool reserve(cb_tcp_turn *turn)
{
    if (turn->item_count < turn->capacity)
        return true;
    size_t capacity = turn->capacity == 0 ? 16 : turn->capacity * 2;
    cb_tcp_item **next = cb_tcp_malloc(capacity * sizeof *next);
    cb_tcp_item **now = next != NULL ? cb_tcp_malloc(capacity * sizeof *now) : NULL;
    cb_tcp_item **sending = now != NULL ? cb_tcp_malloc(capacity * sizeof *sending) : NULL;
    if (sending == NULL) {
        free(next);
        free(now);
        return false;
    }
    /* All: on_turn may be walking over `now`. */
    if (turn->capacity > 0) {
        memcpy(next, turn->next, turn->capacity * sizeof *next);
        memcpy(now, turn->now, turn->capacity * sizeof *now);
        memcpy(sending, turn->sending, turn->capacity * sizeof *sending);
    }
    free(turn->next);
    free(turn->now);
    free(turn->sending);
    turn->next = next;
    turn->now = now;
    turn->sending = sending;
    turn->capacity = capacity;
    return true;
}

cb_status cb_tcp_turn_join(cb_tcp_turn *turn, cb_tcp_item *item, cb_error *error)
{
    if (!reserve(turn))
        return cb_fail(error, CB_NO_MEMORY, "no memory for one more socket");
    item->previous = NULL;
    item->next = turn->items;
    if (item->next != NULL)
        item->next->previous = item;
    turn->items = item;
    turn->item_count++;
    return CB_OK;
}

void cb_tcp_turn_leave(cb_tcp_turn *turn, cb_tcp_item *item)
{
    assert(turn->ending || (item->work == 0 && !item->to_send));
    if (item->previous != NULL)
        item->previous->next = item->next;
    else
        turn->items = item->next;
    if (item->next != NULL)
        item->next->previous = item->previous;
    turn->item_count--;
}

static void queue(cb_tcp_turn *turn)
{
    if (turn->queued || turn->ending)
        return;
    turn->queued = true;
    (void)cb_op_exec(turn->op, false);
}

void cb_tcp_turn_add(cb_tcp_turn *turn, cb_tcp_item *item, unsigned work)
{
    if (item->work == 0)
        turn->next[turn->next_count++] = item;
    item->work |= (uint8_t)work;
    queue(turn);
}

void cb_tcp_turn_send(cb_tcp_turn *turn, cb_tcp_item *item)
{
    if (item->to_send || turn->ending)
        return;
    if (!turn->loop->in_tick) {
        /* What the loop takes for the time is old, and limits start with what is sent. */
        cb_tcp_turn_add(turn, item, CB_TCP_WORK_FLUSH);
        return;
    }
    item->to_send = true;
    turn->sending[turn->sending_count++] = item;
}

void cb_tcp_turn_settle(cb_tcp_turn *turn)
{
    if (turn->item_count == 0)
        queue(turn);
}
