/* Many datagrams of one socket at once: their order, how few ticks they take, and what becomes of
 * those that wait when one is removed or the socket is closed. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/nbio_support.h"

#define MANY 40

typedef struct ends {
    cb_loop *loop;
    cb_socket from, to;
    cb_endpoint there;
    seen received, sent;
    char room[MANY][16];
    char text[MANY][16];
} ends;

static cb_socket open_udp(cb_loop *loop, cb_endpoint *where)
{
    cb_socket made;
    cb_endpoint any = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    CU_ASSERT_EQUAL_FATAL(cb_create_socket(loop, CB_FAMILY_IP4, CB_PROTOCOL_UDP, &made, NULL),
                          CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bind(made, &any, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_bound_endpoint(made, where, NULL), CB_OK);
    return made;
}

static void open_ends(ends *self)
{
    cb_endpoint here;
    memset(self, 0, sizeof *self);
    self->loop = open_loop();
    self->from = open_udp(self->loop, &here);
    self->to = open_udp(self->loop, &self->there);
}

static void close_ends(ends *self)
{
    cb_close(self->loop, self->from, NULL);
    cb_close(self->loop, self->to, NULL);
    run_all(self->loop);
    cb_loop_release(&self->loop);
}

static cb_op *receive(ends *self, int i)
{
    return track(cb_recv(self->loop, self->to, self->room[i], sizeof self->room[i], note, NULL),
                 &self->received, (uintptr_t)i);
}

static void send_number(ends *self, int i)
{
    (void)snprintf(self->text[i], sizeof self->text[i], "%d", i);
    cb_bytes bytes = {self->text[i], strlen(self->text[i]) + 1};
    track(cb_send_list(self->loop, self->from, &bytes, 1, &self->there, note, NULL), &self->sent,
          (uintptr_t)i);
}

static void each_receive_gets_the_next_one(void)
{
    ends self;
    open_ends(&self);
    for (int i = 0; i < MANY; i++)
        receive(&self, i);
    for (int i = 0; i < MANY; i++)
        send_number(&self, i);
    run_to(self.loop, &self.received, MANY);
    run_to(self.loop, &self.sent, MANY);
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_EQUAL(self.received.first_word[i], (uintptr_t)i);
        CU_ASSERT_EQUAL(self.received.error[i], CB_IO_OK);
        CU_ASSERT_EQUAL(self.sent.error[i], CB_IO_OK);
        CU_ASSERT_STRING_EQUAL(self.room[i], self.text[i]);
    }
    close_ends(&self);
}

/* Sends without the loop, so that all of it is there before a receive is begun. */
static void put_numbers(ends *self, int count)
{
    const struct sockaddr_in there = {.sin_family = AF_INET,
                                      .sin_port = htons(self->there.port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < count; i++) {
        (void)snprintf(self->text[i], sizeof self->text[i], "%d", i);
        CU_ASSERT(sendto(self->from, self->text[i], strlen(self->text[i]) + 1, 0,
                         (const struct sockaddr *)&there, sizeof there) > 0);
    }
}

static void what_has_come_is_taken_in_one_go(void)
{
    ends self;
    open_ends(&self);
    put_numbers(&self, MANY);
    for (int i = 0; i < MANY; i++)
        receive(&self, i);
    for (int ticks = 0; ticks < 3; ticks++)
        CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.received.count, MANY);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_STRING_EQUAL(self.room[i], self.text[i]);
    /* And what comes to those that have waited. */
    self.received.count = 0;
    for (int i = 0; i < MANY; i++)
        receive(&self, i);
    CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.received.count, 0);
    put_numbers(&self, MANY);
    for (int ticks = 0; ticks < 3; ticks++)
        CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.received.count, MANY);
    close_ends(&self);
}

static void many_sends_take_few_ticks(void)
{
    ends self;
    open_ends(&self);
    for (int i = 0; i < MANY; i++)
        send_number(&self, i);
    for (int ticks = 0; ticks < 3; ticks++)
        CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.sent.count, MANY);
    close_ends(&self);
}

static void a_removed_receive_takes_nothing(void)
{
    ends self;
    cb_op *removed[3];
    open_ends(&self);
    for (int i = 0, r = 0; i < 10; i++) {
        cb_op *op = receive(&self, i);
        if (i == 0 || i == 4 || i == 9)
            removed[r++] = op;
    }
    CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK); /* the first is with the kernel */
    for (int r = 0; r < 3; r++)
        cb_op_remove(&removed[r]);
    for (int i = 0; i < 7; i++)
        send_number(&self, i);
    run_to(self.loop, &self.received, 7);
    static const int left[] = {1, 2, 3, 5, 6, 7, 8};
    for (int i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(self.received.first_word[i], (uintptr_t)left[i]);
        CU_ASSERT_STRING_EQUAL(self.room[left[i]], self.text[i]);
    }
    run_to(self.loop, &self.sent, 7);
    close_ends(&self);
}

static void removed_sends_are_sent_or_not(void)
{
    ends self;
    cb_op *ops[10];
    open_ends(&self);
    for (int i = 0; i < 10; i++) {
        cb_bytes bytes = {self.text[0], 1};
        ops[i] = track(cb_send_list(self.loop, self.from, &bytes, 1, &self.there, note, NULL),
                       &self.sent, (uintptr_t)i);
    }
    for (int i = 0; i < 10; i += 2)
        cb_op_remove(&ops[i]);
    run_to(self.loop, &self.sent, 5);
    run_all(self.loop);
    CU_ASSERT_EQUAL(self.sent.count, 5);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(self.sent.first_word[i], (uintptr_t)(2 * i + 1));
    close_ends(&self);
}

static void a_close_sends_what_waits_and_cancels_receives(void)
{
    ends self;
    open_ends(&self);
    for (int i = 0; i < 10; i++)
        receive(&self, i);
    CU_ASSERT_EQUAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    for (int i = 0; i < 5; i++)
        send_number(&self, i);
    cb_close(self.loop, self.from, NULL);
    run_to(self.loop, &self.sent, 5);
    run_to(self.loop, &self.received, 5);
    cb_close(self.loop, self.to, NULL);
    run_to(self.loop, &self.received, 10);
    run_all(self.loop);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(self.sent.error[i], CB_IO_OK);
        CU_ASSERT_STRING_EQUAL(self.room[i], self.text[i]);
        CU_ASSERT_EQUAL(self.received.error[i], CB_IO_OK);
        CU_ASSERT_EQUAL(self.received.error[i + 5], CB_IO_CANCELED);
    }
    cb_loop_release(&self.loop);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(each_receive_gets_the_next_one),
        KERNEL_TEST(what_has_come_is_taken_in_one_go),
        KERNEL_TEST(many_sends_take_few_ticks),
        TEST(a_removed_receive_takes_nothing),
        TEST(removed_sends_are_sent_or_not),
        KERNEL_TEST(a_close_sends_what_waits_and_cancels_receives),
        CU_TEST_INFO_NULL,
    };
    return run_tests("nbio datagrams", tests);
}
