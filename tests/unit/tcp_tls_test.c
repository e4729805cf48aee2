/* TCP sockets through a TLS provider that is none: the handshake, writes held back until it is
 * done, the close, and all that a peer can do wrong. */
#include "tests/unit/tcp_support.h"
#include "tests/unit/tls_toy.h"

typedef struct pair {
    cb_loop *loop;
    cb_tcp_server *server;
    sides all;
    side client, server_side;
    cb_tls_context *server_context, *client_context;
    cb_tcp_options options; /* the client's */
} pair;

static void prepare(pair *self, const char *name)
{
    *self = (pair){.loop = open_loop()};
    self->all = (sides){&self->server_side, 1, 0};
    self->server_context = toy_context(true, name, false);
    self->client_context = toy_context(false, "", false);
    cb_tcp_options options = {.tls = {.provider = &toy, .context = self->server_context}};
    self->server = serve(self->loop, &self->all, &options);
    self->options.tls =
        (cb_tcp_tls){.provider = &toy, .context = self->client_context, .name = "here.test"};
}

static void dial_pair(pair *self)
{
    dial(self->loop, cb_tcp_server_port(self->server), &self->client, &self->options);
}

static void finish(pair *self)
{
    cb_tcp_server_close(&self->server);
    toy_release(self->server_context);
    toy_release(self->client_context);
    close_sides(self->loop, &self->client, &self->server_side);
    CU_ASSERT_EQUAL(toy_contexts, 0);
    CU_ASSERT_EQUAL(toy_sessions, 0);
}

static void write_more(side *self)
{
    put(self, "second ");
}

static void writes_are_held_until_the_handshake_is_done(void)
{
    pair self;
    prepare(&self, "here.test");
    self.options.data = "first ";
    self.options.data_size = 6;
    self.client.on_connect = write_more;
    dial_pair(&self);
    put(&self.client, "and ");
    UNTIL(self.server_side.size == 17);
    CU_ASSERT(got(&self.server_side, "first and second "));
    CU_ASSERT_EQUAL(self.client.connects, 1);
    CU_ASSERT_EQUAL(self.server_side.connects, 1);
    const cb_tls_provider *provider;
    const cb_tls_session *session = cb_tcp_tls_session(self.server_side.socket, &provider);
    CU_ASSERT_PTR_EQUAL(provider, &toy);
    CU_ASSERT_STRING_EQUAL(provider->server_name(session), "here.test");
    UNTIL(self.client.writes == 1);
    put(&self.server_side, "answer");
    UNTIL(got(&self.client, "answer"));
    finish(&self);
}

static void much_goes_through_both_ways(void)
{
    pair self;
    prepare(&self, "here.test");
    dial_pair(&self);
    UNTIL(self.server_side.connects == 1);
    enum { PIECES = 200, PIECE = 50021 };
    uint8_t *bytes = malloc(PIECE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    for (int i = 0; i < PIECE; i++)
        bytes[i] = (uint8_t)(i * 7);
    int sent[2] = {0, 0};
    while (sent[0] < PIECES || sent[1] < PIECES) {
        side *both[2] = {&self.client, &self.server_side};
        for (int i = 0; i < 2; i++)
            if (sent[i] < PIECES &&
                cb_tcp_write(both[i]->socket, bytes, PIECE, NULL, NULL) == CB_OK)
                sent[i]++;
        CU_ASSERT_EQUAL_FATAL(cb_loop_tick(self.loop, 0, NULL), CB_OK);
    }
    size_t total = (size_t)PIECES * PIECE;
    UNTIL(self.client.size == total && self.server_side.size == total);
    bool same = true;
    for (int i = 0; i < PIECES; i++)
        same = same && memcmp(self.client.bytes + (size_t)i * PIECE, bytes, PIECE) == 0 &&
               memcmp(self.server_side.bytes + (size_t)i * PIECE, bytes, PIECE) == 0;
    CU_ASSERT(same);
    CU_ASSERT(self.client.largest <= 65536);
    free(bytes);
    finish(&self);
}

static int early_errors;
static cb_tcp_kind early_kind;

static void note_early(const cb_tcp_event *event)
{
    CU_ASSERT_PTR_NOT_NULL(event->server);
    CU_ASSERT(cb_tcp_closed(event->socket));
    early_errors++;
    early_kind = event->kind;
}

/* The server's socket fails before anybody gave it a side of its own. */
static void a_wrong_name_is_an_error_on_both_sides(void)
{
    pair self;
    prepare(&self, "elsewhere.test");
    cb_tcp_server_close(&self.server);
    cb_tcp_options options = {.tls = {.provider = &toy, .context = self.server_context}};
    cb_tcp_callbacks callbacks = {.event = note_early};
    early_errors = 0;
    CALL(cb_tcp_server_open(self.loop, NULL, 0, &callbacks, &options, NULL, &self.server, NULL));
    dial_pair(&self);
    put(&self.client, "secret");
    UNTIL(self.client.closes == 1 && early_errors == 1);
    CU_ASSERT_EQUAL(self.client.connects, 0);
    CU_ASSERT_EQUAL(self.client.kind, CB_TCP_TLS_ERROR);
    CU_ASSERT(self.client.was_closed);
    CU_ASSERT_STRING_EQUAL(self.client.message, "the certificate is for another host");
    CU_ASSERT_EQUAL(early_kind, CB_TCP_TLS_ERROR);
    finish(&self);
}

static void a_close_sends_its_notice_and_what_was_written(void)
{
    pair self;
    prepare(&self, "here.test");
    dial_pair(&self);
    put(&self.client, "the whole message");
    CALL(cb_tcp_close(self.client.socket, NULL));
    UNTIL(self.server_side.eofs == 1);
    CU_ASSERT(got(&self.server_side, "the whole message"));
    CU_ASSERT_EQUAL(self.server_side.errors, 0);
    finish(&self);
}

static void answer(side *self)
{
    put(self, "late reply");
}

static void replies_follow_a_half_close(void)
{
    pair self;
    prepare(&self, "here.test");
    self.server_side.on_eof = answer;
    dial_pair(&self);
    put(&self.client, "question");
    CALL(cb_tcp_end_writing(self.client.socket, NULL));
    UNTIL(got(&self.client, "late reply"));
    CU_ASSERT_EQUAL(self.server_side.errors + self.client.errors, 0);
    finish(&self);
}

static void a_stream_that_is_cut_off_is_an_error(void)
{
    pair self;
    prepare(&self, "here.test");
    dial_pair(&self);
    UNTIL(self.server_side.connects == 1);
    put(&self.client, "part");
    UNTIL(self.server_side.size == 4);
    CU_ASSERT_EQUAL(cb_shutdown_send(cb_tcp_descriptor(self.client.socket), NULL), CB_OK);
    UNTIL(self.server_side.closes == 1);
    CU_ASSERT_EQUAL(self.server_side.eofs, 0);
    CU_ASSERT_EQUAL(self.server_side.errors, 1);
    CU_ASSERT_EQUAL(self.server_side.kind, CB_TCP_TRUNCATED);
    finish(&self);
}

static void reading_off_keeps_plaintext_back(void)
{
    pair self;
    prepare(&self, "here.test");
    dial_pair(&self);
    UNTIL(self.server_side.connects == 1 && self.client.connects == 1);
    CALL(cb_tcp_disable(self.server_side.socket, true, false, NULL));
    put(&self.client, "one ");
    UNTIL(self.client.writes == 1);
    put(&self.client, "two");
    CALL(cb_tcp_close(self.client.socket, NULL));
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(self.loop, MS, NULL), CB_OK);
    CU_ASSERT_EQUAL(self.server_side.reads + self.server_side.eofs, 0);
    CALL(cb_tcp_enable(self.server_side.socket, true, false, NULL));
    UNTIL(self.server_side.eofs == 1);
    CU_ASSERT(got(&self.server_side, "one two"));
    finish(&self);
}

static bool ended_in_peace;

/* A client that does not speak TLS, one that leaves, and one that says nothing. */
static void what_is_no_handshake_fails(const char *says, bool leaves, cb_tcp_kind kind)
{
    cb_loop *loop = open_loop();
    cb_tls_context *context = toy_context(true, "here.test", false);
    cb_tcp_options options = {.connect_timeout = 0.1,
                              .tls = {.provider = &toy, .context = context}};
    cb_tcp_callbacks callbacks = {.event = note_early};
    cb_tcp_server *server;
    early_errors = 0;
    CALL(cb_tcp_server_open(loop, NULL, 0, &callbacks, &options, NULL, &server, NULL));
    toy_release(context);
    side client = {0};
    dial(loop, cb_tcp_server_port(server), &client, NULL);
    put(&client, says);
    if (leaves)
        CALL(cb_tcp_end_writing(client.socket, NULL));
    UNTIL(early_errors == 1);
    CU_ASSERT_EQUAL(early_kind, kind);
    UNTIL(client.eofs + client.errors >= 1);
    ended_in_peace = client.eofs > 0;
    cb_tcp_server_close(&server);
    side none = {0};
    close_sides(loop, &client, &none);
    CU_ASSERT_EQUAL(toy_contexts + toy_sessions, 0);
}

static void a_client_without_tls_is_refused(void)
{
    char record[300];
    memset(record, 'x', sizeof record);
    memcpy(record, "X\x01\x01", 3); /* 257 bytes of no known type */
    record[sizeof record - 1] = '\0';
    what_is_no_handshake_fails(record, false, CB_TCP_TLS_ERROR);
}

static void a_client_that_leaves_in_the_handshake_is_an_error(void)
{
    what_is_no_handshake_fails("H", true, CB_TCP_TLS_ERROR);
}

/* It must not be able to take the end for an answer. */
static void a_client_without_tls_sees_a_reset(void)
{
    what_is_no_handshake_fails("H", true, CB_TCP_TLS_ERROR);
    CU_ASSERT_FALSE(ended_in_peace);
}

static void note_drained(void *user)
{
    *(bool *)user = true;
}

/* It reads the alert and then the end, whatever it sent behind its mistake; and one that does not
 * close holds nothing up for longer than lingering takes. */
static void an_alert_is_followed_by_an_end_and_no_reset(void)
{
    cb_loop *loop = open_loop();
    cb_tls_context *context = toy_context(true, "here.test", false);
    cb_tcp_options options = {.linger = 0.05, .tls = {.provider = &toy, .context = context}};
    cb_tcp_callbacks callbacks = {.event = note_early, .drained = note_drained};
    cb_tcp_server *server;
    bool drained = false;
    early_errors = 0;
    CALL(cb_tcp_server_open(loop, NULL, 0, &callbacks, &options, &drained, &server, NULL));
    toy_release(context);
    side client = {0};
    dial(loop, cb_tcp_server_port(server), &client, NULL);
    char mistake[3 + 9000] = "S"; /* more than is taken from the kernel at once */
    CALL(cb_tcp_write(client.socket, mistake, sizeof mistake, NULL, NULL));
    UNTIL(early_errors == 1);
    CU_ASSERT_EQUAL(early_kind, CB_TCP_TLS_ERROR);
    UNTIL(client.eofs + client.errors == 1);
    CU_ASSERT_EQUAL(client.errors, 0);
    CU_ASSERT_EQUAL_FATAL(client.size, 3);
    CU_ASSERT_EQUAL(client.bytes[0], 'A');
    cb_tcp_server_close(&server);
    UNTIL(drained);
    CU_ASSERT_EQUAL(early_errors, 1);
    side none = {0};
    close_sides(loop, &client, &none);
    CU_ASSERT_EQUAL(toy_contexts + toy_sessions, 0);
}

static void a_client_that_is_silent_runs_out_of_time(void)
{
    what_is_no_handshake_fails("H", false, CB_TCP_TIMEOUT);
}

static void new_connections_use_a_new_certificate(void)
{
    pair self;
    prepare(&self, "old.test");
    side more[2] = {{0}};
    self.all = (sides){more, 2, 0};
    self.options.tls.name = "old.test";
    dial_pair(&self);
    UNTIL(self.all.used == 1);
    cb_tls_context *renewed = toy_context(true, "here.test", false);
    cb_tcp_tls tls = {.provider = &toy, .context = renewed};
    CALL(cb_tcp_server_set_tls(self.server, &tls, NULL));
    toy_release(renewed);
    side second = {0};
    self.options.tls.name = "here.test";
    dial(self.loop, cb_tcp_server_port(self.server), &second, &self.options);
    UNTIL(second.connects == 1 && self.all.used == 2);
    put(&self.client, "old one works");
    UNTIL(got(&more[0], "old one works"));
    CALL(cb_tcp_close(second.socket, NULL));
    CALL(cb_tcp_close(more[0].socket, NULL));
    CALL(cb_tcp_close(more[1].socket, NULL));
    UNTIL(self.client.eofs == 1);
    finish(&self);
    free(more[0].bytes);
}

static void a_provider_of_another_version_is_refused(void)
{
    cb_loop *loop = open_loop();
    cb_tls_provider other = toy;
    other.abi = 99;
    cb_tls_context *context = toy_context(false, "", false);
    cb_tcp_options options = {.tls = {.provider = &other, .context = context}};
    cb_tcp_socket *socket;
    cb_tcp_server *server;
    REFUSED(cb_tcp_connect(loop, "127.0.0.1", 1, &noted, &options, NULL, &socket, NULL),
            CB_INVALID);
    REFUSED(cb_tcp_server_open(loop, NULL, 0, &noted, &options, NULL, &server, NULL), CB_INVALID);
    toy_release(context);
    run_all(loop);
    cb_loop_release(&loop);
    CU_ASSERT_EQUAL(toy_contexts, 0);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(writes_are_held_until_the_handshake_is_done),
        TEST(much_goes_through_both_ways),
        TEST(a_wrong_name_is_an_error_on_both_sides),
        TEST(a_close_sends_its_notice_and_what_was_written),
        TEST(replies_follow_a_half_close),
        TEST(a_stream_that_is_cut_off_is_an_error),
        TEST(reading_off_keeps_plaintext_back),
        TEST(a_client_without_tls_is_refused),
        TEST(a_client_that_leaves_in_the_handshake_is_an_error),
        TEST(a_client_without_tls_sees_a_reset),
        TEST(an_alert_is_followed_by_an_end_and_no_reset),
        TEST(a_client_that_is_silent_runs_out_of_time),
        TEST(new_connections_use_a_new_certificate),
        TEST(a_provider_of_another_version_is_refused),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp tls", tests);
}
