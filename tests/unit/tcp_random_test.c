/* TCP sockets under random programs: connections whose ends write, read, close, abort, switch
 * directions and set limits at any moment, inside callbacks and outside of them, plain and under
 * TLS, over connections that break. Whatever they do, the rules of callboard/tcp.h hold: every byte
 * is the one that was written there, the end comes after all of them, at most one error is told, as
 * the last event, and every socket is closed once. */
#include "actors/io/tcp/inside.h"
#include "tests/unit/tcp_support.h"
#include "tests/unit/tls_toy.h"

#define PAIRS 6
#define ROOM  700

typedef struct end {
    struct world *world;
    struct end *peer;
    uint8_t number;
    cb_tcp_socket *socket; /* NULL before it is there and after its close */
    int connects, eofs, errors, closes, alarms;
    size_t written, received;
    bool deaf; /* gave up reading: what comes is unknown from here on */
    bool keeps;
    uint8_t *room; /* offered; freed when it must not be used any more */
} end;

typedef struct world {
    cb_loop *loop;
    uint64_t random;
    bool calm;  /* nobody closes, aborts or gives up: all has to arrive */
    bool quiet; /* nobody does anything */
    int acts;   /* so many, and the loop is released in the middle of the last; 0: it is not */
    end clients[PAIRS], servers[PAIRS];
    cb_tcp_server *listeners[PAIRS];
    cb_tls_context *server_context, *client_context;
} world;

/* One in so many allocations fails; 0: none does. */
static unsigned scarcity, allocations;

static void *scarce_realloc(void *memory, size_t size)
{
    return scarcity > 0 && ++allocations % scarcity == 0 ? NULL : realloc(memory, size);
}

static void *scarce_malloc(size_t size)
{
    return scarce_realloc(NULL, size);
}

static uint64_t any(world *self, uint64_t below)
{
    self->random = self->random * 6364136223846793005u + 1442695040888963407u;
    return (self->random >> 33) % below;
}

static uint8_t byte_at(const end *from, size_t place)
{
    return (uint8_t)(place * 167 + place / 251 + from->number * 37u);
}

/* -- what ends do ------------------------------------------------------------------------------ */

static void write_some(end *self)
{
    uint8_t bytes[20000];
    size_t size = any(self->world, any(self->world, 8) == 0 ? sizeof bytes : 900) + 1;
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(self, self->written + i);
    cb_status status;
    if (any(self->world, 4) == 0) {
        cb_buffer *buffer = cb_buffer_copy(bytes, size);
        status = cb_tcp_write_buffer(self->socket, buffer, 0, size, NULL);
        cb_buffer_release(buffer);
    } else {
        status = cb_tcp_write(self->socket, bytes, size, NULL, NULL);
    }
    CU_ASSERT(status == CB_OK || status == CB_LIMIT || status == CB_CLOSED ||
              (status == CB_NO_MEMORY && scarcity > 0));
    if (status == CB_OK)
        self->written += size;
}

static void give_room_up(end *self)
{
    free(self->room);
    self->room = NULL;
}

static void leave(end *self, uint64_t how)
{
    if (how == 0) {
        CU_ASSERT_EQUAL(cb_tcp_end_writing(self->socket, NULL), CB_OK);
        return;
    }
    cb_status status = how == 1   ? cb_tcp_end_reading(self->socket, NULL)
                       : how == 2 ? cb_tcp_abort(self->socket, NULL)
                                  : cb_tcp_close(self->socket, NULL);
    CU_ASSERT_EQUAL(status, CB_OK);
    self->deaf = true;
    give_room_up(self);
    if (how > 1)
        CU_ASSERT_EQUAL(cb_tcp_close(self->socket, NULL), CB_CLOSED);
}

static void take_some(end *self)
{
    uint8_t bytes[3000];
    cb_stream *stream = cb_tcp_stream(self->socket);
    size_t got = cb_stream_read(stream, bytes, 1 + any(self->world, sizeof bytes));
    size_t wrong = 0;
    for (size_t i = 0; i < got; i++)
        wrong += bytes[i] != byte_at(self->peer, self->received + i);
    CU_ASSERT(wrong == 0 || self->deaf);
    self->received += got;
}

/* One of all that a program may do with a socket. */
static void act(end *self)
{
    world *with = self->world;
    if (self->socket == NULL || cb_tcp_closed(self->socket) || with->quiet)
        return;
    if (with->acts > 0 && --with->acts == 0)
        cb_loop_release(&with->loop);
    bool on = any(with, 3) != 0;
    switch (any(with, 12)) {
    case 0:
        CU_ASSERT_EQUAL((on ? cb_tcp_enable : cb_tcp_disable)(self->socket, true, false, NULL),
                        CB_OK);
        break;
    case 1:
        CU_ASSERT_EQUAL((on ? cb_tcp_enable : cb_tcp_disable)(self->socket, false, true, NULL),
                        CB_OK);
        break;
    case 2:
        CU_ASSERT_EQUAL(
            cb_tcp_set_alarm(
                self->socket,
                on ? cb_loop_now(cb_tcp_loop(self->socket)) + (int64_t)any(with, MS) : 0, NULL),
            CB_OK);
        break;
    case 3:
        if (!with->calm)
            CU_ASSERT_EQUAL(cb_tcp_set_timeouts(self->socket, on ? 0 : 0.05, on ? 0 : 0.05, NULL),
                            CB_OK);
        break;
    case 4:
    case 5:
        if (self->keeps)
            take_some(self);
        break;
    case 6:
        if (!with->calm && any(with, 12) == 0)
            leave(self, any(with, 5));
        break;
    default:
        write_some(self);
        break;
    }
}

/* -- what ends are told ------------------------------------------------------------------------ */

static end *end_of(cb_tcp_socket *socket)
{
    end *self = cb_tcp_user(socket);
    CU_ASSERT_EQUAL(self->closes, 0);
    return self;
}

static void on_connect(cb_tcp_socket *socket)
{
    end *self = end_of(socket);
    CU_ASSERT_EQUAL(self->connects + self->eofs + self->errors, 0);
    CU_ASSERT_EQUAL(self->received, 0);
    self->connects++;
    act(self);
}

static void on_accept(cb_tcp_socket *socket)
{
    end_of(socket)->socket = socket;
}

static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    end *self = end_of(socket);
    const uint8_t *bytes = data;
    size_t wrong = 0;
    CU_ASSERT(self->connects == 1 && self->eofs == 0 && self->errors == 0 && size > 0);
    CU_ASSERT_FALSE(cb_tcp_closed(socket));
    for (size_t i = 0; i < size; i++)
        wrong += bytes[i] != byte_at(self->peer, self->received + i);
    CU_ASSERT(wrong == 0 || self->deaf);
    if (!self->keeps)
        self->received += size;
    else if (any(self->world, 2) == 0)
        take_some(self);
    act(self);
}

static void on_readable(cb_tcp_socket *socket, cb_stream *stream)
{
    end *self = end_of(socket);
    CU_ASSERT(self->connects == 1 && self->eofs == 0 && self->errors == 0);
    CU_ASSERT(cb_stream_available(stream) > 0);
    if (any(self->world, 2) == 0)
        take_some(self);
    act(self);
}

static void *on_room(cb_tcp_socket *socket, size_t *size)
{
    end *self = cb_tcp_user(socket);
    if (any(self->world, 4) == 0 || self->deaf)
        return NULL;
    if (self->room == NULL)
        self->room = malloc(ROOM);
    *size = self->room != NULL ? 1 + any(self->world, ROOM) : 0;
    return self->room;
}

static void on_event(const cb_tcp_event *event)
{
    if (event->socket == NULL) {
        CU_ASSERT(event->kind == CB_TCP_ACCEPT_ERROR && scarcity > 0);
        return;
    }
    end *self = end_of(event->socket);
    CU_ASSERT_EQUAL(self->errors, 0);
    if (event->kind == CB_TCP_EOF) {
        self->eofs++;
        CU_ASSERT_EQUAL(self->eofs, 1);
        size_t unread = cb_stream_available(cb_tcp_stream(event->socket));
        CU_ASSERT(self->deaf || self->received + unread == self->peer->written);
    } else if (event->kind != CB_TCP_DRAIN) {
        CU_ASSERT_TRUE(cb_tcp_closed(event->socket));
        self->errors++;
        give_room_up(self);
        return;
    }
    act(self);
}

static void on_written(cb_tcp_socket *socket)
{
    CU_ASSERT_EQUAL(cb_tcp_buffered(socket), 0);
    act(end_of(socket));
}

static void on_alarm(cb_tcp_socket *socket)
{
    end *self = end_of(socket);
    self->alarms++;
    act(self);
}

static void on_close(cb_tcp_socket *socket)
{
    end *self = end_of(socket);
    CU_ASSERT_TRUE(cb_tcp_closed(socket));
    self->closes++;
    self->socket = NULL;
    give_room_up(self);
}

/* -- worlds ------------------------------------------------------------------------------------ */

static cb_tcp_options choose(world *self, end *which)
{
    cb_tcp_options options = {.write_watermark = 1 + any(self, 30000),
                              .read_watermark = 1 + any(self, 9000)};
    uint64_t kind = any(self, 4);
    options.stream = kind == 0;
    options.keep_unread = kind == 1;
    which->keeps = kind < 2;
    if (!self->calm) {
        options.close_at_eof = any(self, 4) == 0;
        options.connect_timeout = any(self, 2) == 0 ? 0 : 0.1;
        options.linger = any(self, 3) == 0 ? -1 : 0.02;
    }
    return options;
}

static void open_world(world *self, uint64_t seed, bool calm, bool secured)
{
    static const cb_tcp_callbacks common = {.read = on_read,
                                            .readable = on_readable,
                                            .event = on_event,
                                            .connect = on_connect,
                                            .write = on_written,
                                            .close = on_close,
                                            .alarm = on_alarm,
                                            .accept = on_accept};
    const cb_sim_options sim = {.seed = seed,
                                .short_transfers = seed % 2 == 0,
                                .late_percent = (unsigned)(seed * 7 % 60),
                                .reset_permille = calm ? 0 : (unsigned)(seed % 5),
                                .window_bytes = 500 + (size_t)(seed * 977 % 9000)};
    memset(self, 0, sizeof *self);
    if (tested->world != NULL)
        cb_sim_configure(&sim);
    self->loop = open_loop();
    self->random = seed;
    self->calm = calm;
    if (secured) {
        self->server_context = toy_context(true, "here.test", false);
        self->client_context = toy_context(false, "", false);
    }
    for (uint8_t i = 0; i < PAIRS; i++) {
        end *client = &self->clients[i], *server = &self->servers[i];
        *client = (end){.world = self, .peer = server, .number = i};
        *server = (end){.world = self, .peer = client, .number = (uint8_t)(i + 100)};
        cb_tcp_callbacks callbacks = common;
        if (any(self, 2) == 0)
            callbacks.room = on_room;
        cb_tcp_options options = choose(self, server);
        if (secured)
            options.tls = (cb_tcp_tls){.provider = &toy, .context = self->server_context};
        CU_ASSERT_EQUAL_FATAL(cb_tcp_server_open(self->loop, "127.0.0.1", 0, &callbacks, &options,
                                                 server, &self->listeners[i], NULL),
                              CB_OK);
        options = choose(self, client);
        if (secured)
            options.tls = (cb_tcp_tls){
                .provider = &toy, .context = self->client_context, .name = "here.test"};
        CU_ASSERT_EQUAL_FATAL(cb_tcp_connect(self->loop, "127.0.0.1",
                                             cb_tcp_server_port(self->listeners[i]), &callbacks,
                                             &options, client, &client->socket, NULL),
                              CB_OK);
    }
}

static void close_world(world *self)
{
    if (self->server_context != NULL) {
        toy_release(self->server_context);
        toy_release(self->client_context);
    }
    cb_loop_release(&self->loop);
    for (int i = 0; i < PAIRS; i++) {
        CU_ASSERT_EQUAL(self->clients[i].closes, 1);
        CU_ASSERT_EQUAL(self->servers[i].closes,
                        self->servers[i].connects > 0 || self->servers[i].closes > 0);
        CU_ASSERT_PTR_NULL(self->clients[i].room);
        CU_ASSERT_PTR_NULL(self->servers[i].room);
    }
    CU_ASSERT_EQUAL(toy_contexts, 0);
    CU_ASSERT_EQUAL(toy_sessions, 0);
}

static void play(world *self, int ticks)
{
    for (int tick = 0; tick < ticks && self->loop != NULL; tick++) {
        if (self->acts == 0)
            act(any(self, 2) == 0 ? &self->clients[any(self, PAIRS)]
                                  : &self->servers[any(self, PAIRS)]);
        cb_status status = cb_loop_tick(self->loop, 0, NULL);
        CU_ASSERT_EQUAL(status, self->loop != NULL ? CB_OK : CB_STOPPED);
    }
}

static void close_all(world *self)
{
    for (int i = 0; i < PAIRS; i++) {
        cb_tcp_server_close(&self->listeners[i]);
        end *both[] = {&self->clients[i], &self->servers[i]};
        for (int e = 0; e < 2; e++)
            if (both[e]->socket != NULL && !cb_tcp_closed(both[e]->socket)) {
                both[e]->deaf = true;
                give_room_up(both[e]);
                CU_ASSERT_EQUAL(cb_tcp_close(both[e]->socket, NULL), CB_OK);
            }
    }
}

static bool has_all(const end *self)
{
    return self->received == self->peer->written && cb_tcp_buffered(self->socket) == 0;
}

/* Nobody does anything but read. */
static void let_all_arrive(world *self)
{
    for (int i = 0; i < PAIRS; i++) {
        end *both[] = {&self->clients[i], &self->servers[i]};
        UNTIL(both[0]->connects == 1 && both[1]->connects == 1);
        for (int e = 0; e < 2; e++)
            CU_ASSERT_EQUAL(cb_tcp_enable(both[e]->socket, true, true, NULL), CB_OK);
        double until = real_s() + 60;
        while (!(has_all(both[0]) && has_all(both[1])) && real_s() < until) {
            for (int e = 0; e < 2; e++)
                if (both[e]->keeps)
                    take_some(both[e]);
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(self->loop, MS, NULL), CB_OK);
        }
        CU_ASSERT(has_all(both[0]) && has_all(both[1]));
        CU_ASSERT_EQUAL(both[0]->errors + both[1]->errors, 0);
    }
}

static int seeds(void)
{
    return tested->world != NULL ? (SLOW ? 60 : 200) : (SLOW ? 10 : 30);
}

static void whatever_memory_fails_the_rules_hold(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed, false, seed % 3 == 0);
        scarcity = 1 + (unsigned)seed % 23;
        cb_io_realloc_hook = scarce_realloc;
        cb_tcp_malloc_hook = scarce_malloc;
        play(&self, 300);
        close_all(&self);
        for (int tick = 0; tick < 50; tick++)
            CU_ASSERT_EQUAL_FATAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
        cb_io_realloc_hook = NULL;
        cb_tcp_malloc_hook = NULL;
        scarcity = 0;
        run_all(self.loop);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void whatever_ends_do_the_rules_hold(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed, false, seed % 3 == 0);
        play(&self, 400);
        close_all(&self);
        run_all(self.loop);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void the_loop_may_end_in_the_middle(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed, false, seed % 3 == 0);
        play(&self, seed * 3 % 90);
        if (seed % 4 == 0)
            close_all(&self);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void the_loop_may_end_in_a_callback(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed, false, seed % 3 == 0);
        self.acts = 1 + seed % 40;
        play(&self, 400);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void what_was_written_arrives_when_all_keep_calm(void)
{
    static world self;
    for (int seed = 1; seed <= seeds() / 2; seed++) {
        open_world(&self, (uint64_t)seed, true, seed % 3 == 0);
        play(&self, 300);
        self.quiet = true;
        let_all_arrive(&self);
        close_all(&self);
        run_all(self.loop);
        close_world(&self);
    }
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(whatever_ends_do_the_rules_hold),
        TEST(whatever_memory_fails_the_rules_hold),
        TEST(the_loop_may_end_in_the_middle),
        TEST(the_loop_may_end_in_a_callback),
        TEST(what_was_written_arrives_when_all_keep_calm),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp at random", tests);
}
