/* The actor of many sockets, with the test in the supervisor's place: orders go in, callbacks are
 * what comes out, and real peers are at the other ends. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/base/budget.h"
#include "actors/core/supervisor.h"
#include "actors/sockets/sockets.h"
#include "callboard/socket_commands.h"
#include "tests/unit/exchange_bell.h"

#define ACTOR      CB_ADDRESS_FIRST_ACTOR
#define NS         3
#define ROUTE      7u
#define WAIT_NS    20000000000
#define LITTLE_NS  50000000
#define MOST       4096
#define ON_CONNECT 101
#define ON_READ    102
#define ON_EVENT   103

/* What came of the actor and was not looked at. */
typedef struct fixture {
    cb_core core;
    cb_exchange *exchange;
    cb_bell bell;
    cb_receiver *receiver;
    cb_message records[MOST];
    size_t count;
    uint64_t ticket;
    int64_t connections;
    bool stopped;
} fixture;

static fixture it;

static void send_to_actor(cb_message record)
{
    record.from = CB_ADDRESS_SUPERVISOR;
    record.to = ACTOR;
    record.name_space = NS;
    record.route = ROUTE;
    CU_ASSERT_EQUAL_FATAL(it.exchange->ops->send(it.exchange, it.receiver, &record, 1), CB_OK);
}

static void keep(const cb_message *record)
{
    if (record->kind == CB_MSG_CONNECTIONS)
        it.connections = record->value;
    else if (record->kind == CB_MSG_ROUTE_STOPPED)
        it.stopped = true;
    else if (record->kind < CB_PLUMBING_HELLO) {
        CU_ASSERT_FATAL(it.count < MOST);
        it.records[it.count++] = *record;
    }
}

/* Takes in what there is; if there is nothing, what comes within the time. */
static void pump(int64_t wait_ns)
{
    cb_message batch[CB_BATCH_MAX];
    size_t got = exchange_bell_receive(&it.bell, it.exchange, batch, wait_ns);
    for (size_t i = 0; i < got; i++)
        keep(&batch[i]);
}

/* The next record of this kind (and of this job, if it is not 0), waited for; others stay. */
static cb_message next_of(cb_message_kind kind, uint64_t job)
{
    int64_t until_ns = cb_now_ns() + WAIT_NS;
    for (size_t i = 0;;) {
        while (i == it.count) {
            CU_ASSERT_FATAL(cb_now_ns() < until_ns);
            pump(WAIT_NS);
        }
        cb_message found = it.records[i];
        if (found.kind == kind && (job == 0 || found.job == job)) {
            it.count--;
            memmove(&it.records[i], &it.records[i + 1], (it.count - i) * sizeof found);
            return found;
        }
        i++;
    }
}

static void await_connections(int64_t wanted)
{
    int64_t until_ns = cb_now_ns() + WAIT_NS;
    while (it.connections != wanted) {
        CU_ASSERT_FATAL(cb_now_ns() < until_ns);
        pump(WAIT_NS);
    }
}

/* Whether a callback is asked for within a little time. */
static bool comes_event(void)
{
    int64_t until_ns = cb_now_ns() + LITTLE_NS;
    do {
        for (size_t i = 0; i < it.count; i++)
            if (it.records[i].kind == CB_MSG_REQUEST_READY)
                return true;
        pump(LITTLE_NS);
    } while (cb_now_ns() < until_ns);
    return false;
}

static void begin_with(cb_limits limits)
{
    cb_error error;
    memset(&it, 0, sizeof it);
    static const cb_actor_kinds kinds = {.routes = {[CB_ROUTE_SOCKETS] = cb_sockets_thread}};
    const cb_runtime_options options = {.limits = limits};
    cb_core_init(&it.core, &options, &kinds);
    CU_ASSERT_EQUAL_FATAL(cb_post_office_open(&limits, &it.core.office, &error), CB_OK);
    CU_ASSERT_FATAL(exchange_bell_open(&it.bell, it.core.office));
    CU_ASSERT_EQUAL_FATAL(cb_exchange_open(it.core.office, &it.exchange, &error), CB_OK);
    const cb_message start = {
        .kind = CB_MSG_START_LISTENER, .to = ACTOR, .connection = (uint32_t)CB_ROUTE_SOCKETS << 16};
    CU_ASSERT_EQUAL_FATAL(cb_start_actor(&it.core, &start, &it.receiver, &error), CB_OK);
    send_to_actor(start);
    cb_message listening = next_of(CB_MSG_ROUTE_LISTENING, 0);
    CU_ASSERT_EQUAL(listening.value, 0);
    CU_ASSERT_EQUAL(listening.route, ROUTE);
}

static void begin(void)
{
    begin_with(cb_limits_default());
}

/* The actor ends, and all that it was to say was looked at. */
static void await_end(void)
{
    int64_t until_ns = cb_now_ns() + WAIT_NS;
    while (!it.stopped) {
        CU_ASSERT_FATAL(cb_now_ns() < until_ns);
        pump(WAIT_NS);
    }
    CU_ASSERT_EQUAL(pthread_join(it.receiver->thread, NULL), 0);
    CU_ASSERT_EQUAL(it.connections, 0);
    CU_ASSERT_EQUAL(it.count, 0);
    for (size_t i = 0; i < it.count; i++)
        cb_buffer_release(cb_message_payload(&it.records[i]));
    it.exchange->ops->drop(it.exchange, it.receiver);
    it.exchange->ops->close(it.exchange);
    cb_post_office_close(&it.core.office);
    cb_bell_close(&it.bell);
}

static void end(void)
{
    send_to_actor((cb_message){.kind = CB_MSG_STOP_ACCEPTING});
    send_to_actor((cb_message){.kind = CB_MSG_STOP_LISTENER});
    await_end();
}

/* -- orders ------------------------------------------------------------------------------------ */

static cb_status order(int32_t what, int64_t value, cb_buffer *payload, int64_t *result,
                       cb_buffer **answer)
{
    uint64_t ticket = ++it.ticket;
    send_to_actor((cb_message){.kind = CB_MSG_ORDER,
                               .job = ticket,
                               .status = what,
                               .value = value,
                               .payload = cb_payload_handle(payload)});
    cb_message done = next_of(CB_MSG_ORDER_DONE, ticket);
    if (result != NULL)
        *result = done.value;
    if (answer != NULL)
        *answer = cb_message_payload(&done);
    else
        cb_buffer_release(cb_message_payload(&done));
    return (cb_status)done.status;
}

static int64_t value_of(int32_t what, int64_t value)
{
    int64_t result = -99;
    CU_ASSERT_EQUAL(order(what, value, NULL, &result, NULL), CB_OK);
    return result;
}

static cb_buffer *packed(const int64_t *entries, size_t count, const char *text)
{
    cb_buffer *made = cb_buffer_new(count * 8 + strlen(text), 0);
    for (size_t i = 0; i < count; i++)
        cb_pack_i64(made->data + 8 * i, entries[i]);
    memcpy(made->data + 8 * count, text, strlen(text));
    return made;
}

static const int64_t entries[] = {ON_CONNECT, ON_READ, ON_EVENT};

static cb_status listen_on(const char *address, int64_t port, int64_t *bound, cb_buffer **answer)
{
    return order(CB_SOCKET_LISTEN, port, packed(entries, 3, address), bound, answer);
}

static uint16_t serve(void)
{
    int64_t port = 0;
    CU_ASSERT_EQUAL_FATAL(listen_on("127.0.0.1", 0, &port, NULL), CB_OK);
    CU_ASSERT(port > 0);
    return (uint16_t)port;
}

static int64_t write_to(uint32_t number, const char *text)
{
    int64_t taken = -99;
    CU_ASSERT_EQUAL(
        order(CB_SOCKET_WRITE, number, cb_buffer_copy(text, strlen(text)), &taken, NULL), CB_OK);
    return taken;
}

/* -- events ------------------------------------------------------------------------------------ */

/* The next callback: checks entry, kind and (unless NULL) bytes; answers it unless told not to. */
static uint32_t expect_open(uint64_t entry, int32_t kind, const char *bytes)
{
    cb_message ready = next_of(CB_MSG_REQUEST_READY, 0);
    cb_buffer *payload = cb_message_payload(&ready);
    CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
    CU_ASSERT_FATAL(payload->size >= CB_SOCKET_EVENT_SIZE);
    CU_ASSERT_EQUAL(ready.flags, CB_FLAG_NEW);
    CU_ASSERT_EQUAL(ready.value, (int64_t)payload->size);
    CU_ASSERT_EQUAL(ready.job, entry);
    cb_socket_event event = cb_unpack_socket_event(payload->data);
    CU_ASSERT_EQUAL(event.kind, kind);
    int64_t id = ready.connection != 0 ? cb_socket_id(ROUTE, ready.connection) : (int64_t)ROUTE;
    CU_ASSERT_EQUAL(event.id, id);
    if (bytes != NULL) {
        CU_ASSERT_EQUAL(payload->size - CB_SOCKET_EVENT_SIZE, strlen(bytes));
        CU_ASSERT(strncmp((const char *)payload->data + CB_SOCKET_EVENT_SIZE, bytes,
                          payload->size - CB_SOCKET_EVENT_SIZE) == 0);
    }
    cb_buffer_release(payload);
    return ready.connection;
}

static void respond(uint32_t number)
{
    send_to_actor((cb_message){.kind = CB_MSG_RESPOND, .connection = number});
}

static uint32_t expect(uint64_t entry, int32_t kind, const char *bytes)
{
    uint32_t number = expect_open(entry, kind, bytes);
    respond(number);
    return number;
}

/* -- peers ------------------------------------------------------------------------------------- */

static int dial(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(made >= 0);
    CU_ASSERT_EQUAL_FATAL(connect(made, (struct sockaddr *)&to, sizeof to), 0);
    return made;
}

static int listen_here(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int made = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(made, (struct sockaddr *)&at, size), 0);
    CU_ASSERT_EQUAL_FATAL(listen(made, 8), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(made, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return made;
}

/* Reads to the end: how many bytes, or -1 for a reset. */
static ssize_t read_all(int peer, char *into, size_t room)
{
    size_t used = 0;
    for (;;) {
        char more[65536];
        ssize_t got = recv(peer, more, sizeof more, 0);
        if (got < 0)
            return -1;
        if (got == 0)
            return (ssize_t)used;
        for (ssize_t i = 0; i < got && into != NULL && used + (size_t)i < room; i++)
            into[used + (size_t)i] = more[i];
        used += (size_t)got;
    }
}

static void read_text(int peer, const char *text)
{
    char got[256] = "";
    size_t size = strlen(text);
    CU_ASSERT_EQUAL(recv(peer, got, size, MSG_WAITALL), (ssize_t)size);
    CU_ASSERT_STRING_EQUAL(got, text);
}

static void say(int peer, const char *text)
{
    CU_ASSERT_EQUAL(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* -- tests ------------------------------------------------------------------------------------- */

static void a_connection_from_accept_to_end(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    CU_ASSERT_EQUAL(one, 1);
    await_connections(1);
    say(peer, "hello");
    expect(ON_READ, CB_SOCKET_KIND_READ, "hello");
    CU_ASSERT_EQUAL(write_to(one, "answer"), 6);
    read_text(peer, "answer");
    CU_ASSERT_EQUAL(shutdown(peer, SHUT_WR), 0);
    expect(ON_EVENT, CB_TCP_EOF, "");
    CU_ASSERT_EQUAL(write_to(one, "still here"), 10); /* a half-close takes no reply away */
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, one, NULL, NULL, NULL), CB_OK);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, one, NULL, NULL, NULL), CB_CLOSED);
    expect(ON_EVENT, CB_SOCKET_KIND_ENDED, "");
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_CLOSED, one), 1);
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, NULL, NULL, NULL), CB_CLOSED);
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one + 1, NULL, NULL, NULL), CB_UNKNOWN);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSED, 0, NULL, NULL, NULL), CB_UNKNOWN);
    char rest[32] = "";
    CU_ASSERT_EQUAL(read_all(peer, rest, sizeof rest - 1), 10);
    CU_ASSERT_STRING_EQUAL(rest, "still here");
    close(peer);
    end();
}

static void one_event_at_a_time_and_the_rest_gathers(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect_open(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    say(peer, "one ");
    say(peer, "two ");
    say(peer, "three");
    CU_ASSERT_EQUAL(shutdown(peer, SHUT_WR), 0);
    CU_ASSERT(!comes_event());
    respond(one);
    expect(ON_READ, CB_SOCKET_KIND_READ, "one two three");
    expect(ON_EVENT, CB_TCP_EOF, "");
    close(peer);
    end();
}

static void a_close_drops_what_was_not_told(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    say(peer, "QUIT");
    CU_ASSERT_EQUAL(expect_open(ON_READ, CB_SOCKET_KIND_READ, "QUIT"), one);
    say(peer, "too late");
    CU_ASSERT(!comes_event());
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, one, NULL, NULL, NULL), CB_OK);
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_copy("x", 1), NULL, NULL), CB_CLOSED);
    respond(one);
    expect(ON_EVENT, CB_SOCKET_KIND_ENDED, "");
    CU_ASSERT(!comes_event());
    close(peer);
    end();
}

static void a_slow_callback_makes_the_peer_wait(void)
{
    enum { PIECE = 65536, ROUNDS = 4000 };
    static char piece[PIECE];
    begin();
    int peer = dial(serve());
    CU_ASSERT_EQUAL(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    uint32_t one = expect_open(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    size_t sent = 0;
    struct pollfd writable = {.fd = peer, .events = POLLOUT};
    while (sent < (size_t)ROUNDS * PIECE && poll(&writable, 1, 500) == 1) {
        ssize_t went = send(peer, piece, sizeof piece, MSG_NOSIGNAL);
        sent += went > 0 ? (size_t)went : 0;
    }
    CU_ASSERT(sent < (size_t)ROUNDS * PIECE); /* what the kernel holds, and not 256 MiB */
    respond(one);
    size_t told = 0;
    while (told < sent) {
        cb_message ready = next_of(CB_MSG_REQUEST_READY, 0);
        CU_ASSERT(ready.value <= (int64_t)(CB_SOCKET_EVENT_SIZE + CB_SOCKET_PIECE));
        told += (size_t)ready.value - CB_SOCKET_EVENT_SIZE;
        cb_buffer_release(cb_message_payload(&ready));
        respond(one);
    }
    CU_ASSERT_EQUAL(told, sent);
    close(peer);
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

/* A budget of which so many of 100 parts are used, as if by others. */
static void use_up(int64_t percent)
{
    int64_t others = INT64_C(1) << 30;
    int64_t base = cb_budget_bytes();
    cb_budget_set(percent > 0 ? base + others : INT64_MAX, percent > 0 ? base : 0);
    static int64_t used;
    int64_t more = percent * others / 100 - used;
    used += more;
    cb_budget_add(more);
    cb_budget_hand_on();
}

/* Nothing more is read, nothing is lost, and reading goes on by itself. */
static void without_memory_a_socket_is_not_read(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    uint64_t refused = cb_budget_refused();
    use_up(101);
    say(peer, "one");
    expect(ON_READ, CB_SOCKET_KIND_READ, "one"); /* it was being received already */
    CU_ASSERT_EQUAL(cb_budget_refused(), refused + 1);
    say(peer, "two");
    CU_ASSERT(!comes_event());
    CU_ASSERT_EQUAL(cb_budget_refused(), refused + 1); /* looking again is no refusal */
    use_up(0);
    expect(ON_READ, CB_SOCKET_KIND_READ, "two");
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_BUFFERED, one), 0);
    use_up(101);
    say(peer, "three");
    expect(ON_READ, CB_SOCKET_KIND_READ, "three");
    close(peer);
    CU_ASSERT(!comes_event());
    use_up(0);
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

/* From a half on, one whose bytes wait already is read no more; others are. */
static void who_has_much_waiting_is_not_read_first(void)
{
    begin();
    uint16_t port = serve();
    int busy = dial(port);
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    int other = dial(port);
    expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    say(busy, "first");
    expect_open(ON_READ, CB_SOCKET_KIND_READ, "first"); /* and its callback goes on */
    use_up(60);
    uint64_t refused = cb_budget_refused();
    say(busy, "second");
    while (cb_budget_refused() == refused)
        (void)poll(NULL, 0, 1);
    say(busy, "third");
    say(other, "little");
    expect(ON_READ, CB_SOCKET_KIND_READ, "little");
    CU_ASSERT(!comes_event());
    respond(one);
    expect(ON_READ, CB_SOCKET_KIND_READ, "second"); /* not with the third */
    expect(ON_READ, CB_SOCKET_KIND_READ, "third");  /* nothing of it waits any more */
    use_up(0);
    close(busy);
    close(other);
    expect(ON_EVENT, CB_TCP_EOF, "");
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

/* The script's limit for silence runs on, so that nobody waits for ever. */
static void a_starved_socket_has_its_time_limit(void)
{
    cb_buffer *limits = cb_buffer_new(2 * sizeof(int64_t), 0);
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    cb_pack_i64(limits->data, 100000);
    CU_ASSERT_EQUAL(order(CB_SOCKET_SET_TIMEOUTS, one, limits, NULL, NULL), CB_OK);
    use_up(101);
    say(peer, "one");
    expect(ON_READ, CB_SOCKET_KIND_READ, "one");
    expect(ON_EVENT, CB_TCP_TIMEOUT, "there was no memory to receive in time");
    await_connections(0);
    use_up(0);
    close(peer);
    end();
}

/* The end does not wait for memory. */
static void a_starved_socket_ends_like_any(void)
{
    begin();
    int peer = dial(serve());
    expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    use_up(101);
    say(peer, "one");
    expect(ON_READ, CB_SOCKET_KIND_READ, "one");
    say(peer, "two");
    end();
    use_up(0);
    close(peer);
}

/* What waits may not grow, but nobody is told to wait for what will not come. */
static void without_memory_a_write_would_exceed(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    int64_t taken = 0;
    int64_t all = 0;
    use_up(101);
    while (all < (INT64_C(64) << 20) && taken >= 0) {
        CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_new(4000, 0), &taken, NULL), CB_OK);
        all += taken > 0 ? taken : 0;
    }
    CU_ASSERT_EQUAL(taken, -1);
    CU_ASSERT(value_of(CB_SOCKET_BUFFERED, one) < 100000); /* the watermark is a MiB */
    CU_ASSERT_EQUAL(order(CB_SOCKET_END_WRITING, one, NULL, NULL, NULL), CB_OK);
    CU_ASSERT_EQUAL(read_all(peer, NULL, 0), all);
    expect(ON_EVENT, CB_TCP_DRAIN, "");
    use_up(0);
    close(peer);
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

static void a_write_too_many_would_exceed_and_drain_follows(void)
{
    cb_limits limits = cb_limits_default();
    limits.socket_unsent = 100000;
    begin_with(limits);
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    int64_t taken = 0;
    int64_t all = 0;
    while (taken >= 0) {
        CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_new(50000, 0), &taken, NULL), CB_OK);
        all += taken > 0 ? taken : 0;
    }
    CU_ASSERT_EQUAL(taken, -1);
    CU_ASSERT(value_of(CB_SOCKET_BUFFERED, one) > 50000);
    CU_ASSERT(!comes_event());
    CU_ASSERT_EQUAL(order(CB_SOCKET_END_WRITING, one, NULL, NULL, NULL), CB_OK);
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_copy("x", 1), NULL, NULL), CB_CLOSED);
    CU_ASSERT_EQUAL(read_all(peer, NULL, 0), all);
    expect(ON_EVENT, CB_TCP_DRAIN, "");
    close(peer);
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

static void a_failed_callback_resets_its_socket(void)
{
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    say(peer, "x");
    expect_open(ON_READ, CB_SOCKET_KIND_READ, "x");
    send_to_actor(
        (cb_message){.kind = CB_MSG_DROP, .connection = one, .status = CB_JOB_CALLBACK_FAILED});
    cb_message last = next_of(CB_MSG_REQUEST_READY, 0);
    cb_socket_event event = cb_unpack_socket_event(cb_message_payload(&last)->data);
    CU_ASSERT_EQUAL(event.kind, CB_SOCKET_KIND_ENDED);
    CU_ASSERT_EQUAL(event.code, CB_JOB_CALLBACK_FAILED);
    cb_buffer_release(cb_message_payload(&last));
    CU_ASSERT_EQUAL(read_all(peer, NULL, 0), -1);
    /* The last event's own failure is no reason for another one. */
    send_to_actor(
        (cb_message){.kind = CB_MSG_DROP, .connection = one, .status = CB_JOB_CALLBACK_FAILED});
    CU_ASSERT(!comes_event());
    /* A callback that returns 0 has not failed. */
    int other = dial((uint16_t)value_of(CB_SOCKET_SERVER_PORT, 0));
    uint32_t two = expect_open(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    send_to_actor(
        (cb_message){.kind = CB_MSG_DROP, .connection = two, .status = CB_JOB_CALLBACK_REFUSED});
    say(other, "y");
    expect(ON_READ, CB_SOCKET_KIND_READ, "y");
    close(peer);
    close(other);
    expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

static void a_failed_socket_is_open_until_its_end_is_told(void)
{
    static const struct linger at_once = {.l_onoff = 1};
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    CU_ASSERT_EQUAL(order(CB_SOCKET_SET_DATA, one, cb_buffer_copy("name", 4), NULL, NULL), CB_OK);
    say(peer, "hello");
    expect_open(ON_READ, CB_SOCKET_KIND_READ, "hello");
    CU_ASSERT_EQUAL(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(peer);
    await_connections(0); /* it is known here */
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_CLOSED, one), 0);
    CU_ASSERT_EQUAL(write_to(one, "in vain"), 7);
    respond(one);
    cb_message last = next_of(CB_MSG_REQUEST_READY, 0);
    cb_socket_event event = cb_unpack_socket_event(cb_message_payload(&last)->data);
    CU_ASSERT(cb_tcp_kind_is((cb_tcp_kind)event.kind, CB_TCP_ERROR));
    CU_ASSERT_EQUAL(event.code, ECONNRESET);
    cb_buffer_release(cb_message_payload(&last));
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_CLOSED, one), 1);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, one, NULL, NULL, NULL), CB_CLOSED);
    cb_buffer *data = NULL;
    CU_ASSERT_EQUAL(order(CB_SOCKET_DATA, one, NULL, NULL, &data), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT(data->size == 4 && memcmp(data->data, "name", 4) == 0);
    cb_buffer_release(data);
    respond(one);
    CU_ASSERT_EQUAL(order(CB_SOCKET_DATA, one, NULL, NULL, NULL), CB_CLOSED);
    end();
}

static void a_full_supervisor_is_given_no_more(void)
{
    enum { PEERS = 5 };
    cb_limits limits = cb_limits_default();
    limits.max_queued = 2;
    begin_with(limits);
    uint16_t port = serve();
    int peers[PEERS];
    for (int i = 0; i < PEERS; i++)
        peers[i] = dial(port);
    await_connections(PEERS);
    uint32_t seen[PEERS];
    for (int i = 0; i < PEERS; i++) {
        seen[i] = expect_open(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
        if (i < 1)
            continue;
        CU_ASSERT(!comes_event());
        respond(seen[i - 1]);
    }
    respond(seen[PEERS - 1]);
    for (int i = 0; i < PEERS; i++)
        close(peers[i]);
    for (int i = 0; i < PEERS; i++)
        expect(ON_EVENT, CB_TCP_EOF, "");
    end();
}

static void a_client_connects_or_is_told_why_not(void)
{
    uint16_t port = 0;
    int64_t number = 0;
    begin();
    int listener = listen_here(&port);
    CU_ASSERT_EQUAL(
        order(CB_SOCKET_CONNECT, port, packed(entries + 1, 2, "localhost"), &number, NULL), CB_OK);
    CU_ASSERT_EQUAL(write_to((uint32_t)number, "early"), 5); /* before it is connected */
    int peer = accept(listener, NULL, NULL);
    read_text(peer, "early");
    CU_ASSERT_EQUAL(expect(ON_EVENT, CB_SOCKET_KIND_CONNECTED, ""), (uint32_t)number);
    cb_buffer *address = NULL;
    char text[64];
    CU_ASSERT_EQUAL(order(CB_SOCKET_PEER, number, NULL, NULL, &address), CB_OK);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", port);
    CU_ASSERT_EQUAL_FATAL(address->size, strlen(text));
    CU_ASSERT_EQUAL(memcmp(address->data, text, address->size), 0);
    cb_buffer_release(address);
    CU_ASSERT(value_of(CB_SOCKET_LOCAL_PORT, number) > 0);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_SERVER_OF, number), 0);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE_SERVER, 0, NULL, NULL, NULL), CB_UNKNOWN);
    close(peer);
    expect(ON_EVENT, CB_TCP_EOF, "");
    CU_ASSERT_EQUAL(order(CB_SOCKET_ABORT, number, NULL, NULL, NULL), CB_OK);
    expect(ON_EVENT, CB_SOCKET_KIND_ENDED, "");
    close(listener);
    CU_ASSERT_EQUAL(
        order(CB_SOCKET_CONNECT, port, packed(entries + 1, 2, "127.0.0.1"), &number, NULL), CB_OK);
    (void)snprintf(text, sizeof text, "cannot connect to 127.0.0.1:%u: connection refused", port);
    expect(ON_EVENT, CB_TCP_REFUSED, text);
    end();
}

static void bad_orders_are_refused(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_connections = 1;
    cb_buffer *answer = NULL;
    int64_t number = 0;
    char many[CB_SOCKET_HOST_MOST + 2];
    memset(many, 'a', sizeof many);
    many[sizeof many - 1] = '\0';
    begin_with(limits);
    CU_ASSERT_EQUAL(order(99, 1, NULL, NULL, NULL), CB_UNKNOWN);
    CU_ASSERT_EQUAL(order(3, 0, NULL, NULL, NULL), CB_UNKNOWN);
    CU_ASSERT_EQUAL(listen_on("127.0.0.1", 65536, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(listen_on("127.0.0.1", -1, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(listen_on("not an address", 1, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(listen_on(many, 1, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(order(CB_SOCKET_LISTEN, 1, NULL, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CONNECT, 1, cb_buffer_new(15, 0), NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CONNECT_TLS, 1, cb_buffer_new(999, 0), NULL, NULL), CB_INVALID);
    uint16_t port = 0;
    int listener = listen_here(&port);
    CU_ASSERT_EQUAL(listen_on("127.0.0.1", port, NULL, &answer), CB_IO);
    (void)snprintf(many, sizeof many, "cannot listen on 127.0.0.1 port %u: Address already in use",
                   port);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    CU_ASSERT_EQUAL(answer->size, strlen(many));
    CU_ASSERT_EQUAL(memcmp(answer->data, many, answer->size), 0);
    cb_buffer_release(answer);
    CU_ASSERT_EQUAL(
        order(CB_SOCKET_CONNECT, port, packed(entries + 1, 2, "127.0.0.1"), &number, NULL), CB_OK);
    CU_ASSERT_EQUAL(
        order(CB_SOCKET_CONNECT, port, packed(entries + 1, 2, "127.0.0.1"), NULL, &answer),
        CB_LIMIT);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    cb_buffer_release(answer);
    CU_ASSERT_EQUAL(order(CB_SOCKET_SET_TIMEOUTS, number, cb_buffer_new(15, 0), NULL, NULL),
                    CB_INVALID);
    CU_ASSERT_EQUAL(order(CB_SOCKET_SET_CALLBACKS, number, NULL, NULL, NULL), CB_INVALID);
    CU_ASSERT_EQUAL(order(63, number, NULL, NULL, NULL), CB_UNSUPPORTED);
    expect(ON_EVENT, CB_SOCKET_KIND_CONNECTED, "");
    end();
    close(listener);
}

static void servers_know_their_sockets(void)
{
    enum { PEERS = 4 };
    begin();
    uint16_t port = serve();
    int peers[PEERS];
    for (int i = 0; i < PEERS; i++) {
        peers[i] = dial(port);
        expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    }
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_NEXT, 0), 1);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_NEXT, 1), 2);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, 2, NULL, NULL, NULL), CB_OK);
    expect(ON_EVENT, CB_SOCKET_KIND_ENDED, "");
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_NEXT, 1), 3);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_NEXT, 2), 3);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_NEXT, 4), 0);
    int64_t told = 0;
    CU_ASSERT_EQUAL(order(CB_SOCKET_BROADCAST, 3, cb_buffer_copy("all", 3), &told, NULL), CB_OK);
    CU_ASSERT_EQUAL(told, 2);
    read_text(peers[0], "all");
    read_text(peers[3], "all");
    CU_ASSERT_EQUAL(write_to(3, "you"), 3);
    read_text(peers[2], "you");
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_SERVER_OF, 2), 1);
    /* Its connections live on, and the actor ends with the last one. */
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_CLOSE_SERVER, 0), 1);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_CLOSE_SERVER, 0), 0);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_SERVER_STATE, 0), 0);
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_SERVER_PORT, 0), port);
    CU_ASSERT_EQUAL(write_to(1, "on"), 2);
    read_text(peers[0], "on");
    for (uint32_t i = 1; i <= PEERS; i++) {
        close(peers[i - 1]);
        if (i == 2)
            continue;
        expect(ON_EVENT, CB_TCP_EOF, "");
        CU_ASSERT_EQUAL(order(CB_SOCKET_CLOSE, i, NULL, NULL, NULL), CB_OK);
        expect(ON_EVENT, CB_SOCKET_KIND_ENDED, "");
    }
    await_end();
}

static void the_end_delivers_what_callbacks_write(void)
{
    enum { SIZE = 3000000 };
    begin();
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    say(peer, "work");
    expect_open(ON_READ, CB_SOCKET_KIND_READ, "work");
    send_to_actor((cb_message){.kind = CB_MSG_STOP_ACCEPTING});
    send_to_actor((cb_message){.kind = CB_MSG_STOP_LISTENER});
    CU_ASSERT_EQUAL(value_of(CB_SOCKET_SERVER_STATE, 0), 0); /* so it is stopping by now */
    say(peer, "not read any more");
    CU_ASSERT(!comes_event());
    CU_ASSERT(!it.stopped); /* the callback runs */
    int64_t taken = 0;
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_new(SIZE, 0), &taken, NULL), CB_OK);
    CU_ASSERT_EQUAL(taken, SIZE);
    CU_ASSERT_EQUAL(order(CB_SOCKET_CONNECT, 1, packed(entries, 2, "127.0.0.1"), NULL, NULL),
                    CB_CLOSED);
    respond(one);
    CU_ASSERT_EQUAL(read_all(peer, NULL, 0), SIZE);
    close(peer);
    await_end();
}

static void who_does_not_read_is_reset_at_the_end(void)
{
    enum { SIZE = 30000000 };
    cb_limits limits = cb_limits_default();
    limits.grace_ms = 100;
    begin_with(limits);
    int peer = dial(serve());
    uint32_t one = expect(ON_CONNECT, CB_SOCKET_KIND_CONNECTED, "");
    CU_ASSERT_EQUAL(order(CB_SOCKET_WRITE, one, cb_buffer_new(SIZE, 0), NULL, NULL), CB_OK);
    end();
    CU_ASSERT_EQUAL(read_all(peer, NULL, 0), -1);
    close(peer);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_connection_from_accept_to_end),
                           TEST(one_event_at_a_time_and_the_rest_gathers),
                           TEST(a_close_drops_what_was_not_told),
                           TEST(a_slow_callback_makes_the_peer_wait),
                           TEST(a_write_too_many_would_exceed_and_drain_follows),
                           TEST(without_memory_a_socket_is_not_read),
                           TEST(who_has_much_waiting_is_not_read_first),
                           TEST(a_starved_socket_has_its_time_limit),
                           TEST(a_starved_socket_ends_like_any),
                           TEST(without_memory_a_write_would_exceed),
                           TEST(a_failed_callback_resets_its_socket),
                           TEST(a_failed_socket_is_open_until_its_end_is_told),
                           TEST(a_full_supervisor_is_given_no_more),
                           TEST(a_client_connects_or_is_told_why_not),
                           TEST(bad_orders_are_refused),
                           TEST(servers_know_their_sockets),
                           TEST(the_end_delivers_what_callbacks_write),
                           TEST(who_does_not_read_is_reset_at_the_end),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"sockets actor", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
