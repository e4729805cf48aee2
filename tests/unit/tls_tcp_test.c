/* TCP sockets with the provider of this build: what openssl and real certificates do to them. The
 * sockets' own behaviour under TLS is tcp_tls_test's. */
#include "tests/unit/tcp_support.h"
#include "tests/unit/tls_certificates.h"

static const cb_tls_provider *tls;

static cb_tls_context *server_context(const char *name)
{
    cb_tls_server_options options = {.certificate_file = tls_file(name, "crt"),
                                     .key_file = tls_file(name, "key")};
    cb_tls_context *context = NULL;
    CU_ASSERT_EQUAL(tls->server_context_new(&options, &context, NULL), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

static cb_tls_context *client_context_of(const cb_tls_client_options *options)
{
    cb_tls_context *context = NULL;
    CU_ASSERT_EQUAL(tls->client_context_new(options, &context, NULL), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

static cb_tls_context *client_context(void)
{
    cb_tls_client_options options = {.ca_file = tls_file("ca", "crt")};
    return client_context_of(&options);
}

/* Takes no other certificate than that one. */
static cb_tls_context *pinned_context(const char *name)
{
    cb_tls_context *pinned = server_context(name);
    cb_tls_client_options options = {.pinned = pinned};
    cb_tls_context *context = client_context_of(&options);
    tls->context_release(pinned);
    return context;
}

static cb_tcp_server *serve_tls(cb_loop *loop, sides *all, const char *name)
{
    cb_tls_context *context = server_context(name);
    cb_tcp_options options = {.tls = {.provider = tls, .context = context}};
    cb_tcp_server *server = serve(loop, all, &options);
    tls->context_release(context);
    return server;
}

static void echo(side *self)
{
    put(self, "answer");
}

static void many_handshakes_at_once(void)
{
    enum { MANY = 200 };
    static side clients[MANY];
    static side servers[MANY];
    memset(clients, 0, sizeof clients); /* the test runs once for each back end */
    memset(servers, 0, sizeof servers);
    cb_loop *loop = open_loop();
    sides all = {servers, MANY, 0};
    cb_tcp_server *server = serve_tls(loop, &all, "server");
    cb_tls_context *context = client_context();
    cb_tcp_options options = {
        .data = "hello", .data_size = 5, .tls = {.provider = tls, .context = context}};
    for (int i = 0; i < MANY; i++) {
        servers[i].on_read = echo;
        dial(loop, cb_tcp_server_port(server), &clients[i], &options);
    }
    tls->context_release(context);
    for (int i = 0; i < MANY; i++)
        UNTIL(clients[i].size == 6);
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT(got(&clients[i], "answer"));
        CU_ASSERT(got(&servers[i], "hello"));
        CALL(cb_tcp_close(clients[i].socket, NULL));
    }
    for (int i = 0; i < MANY; i++)
        UNTIL(servers[i].eofs == 1);
    for (int i = 0; i < MANY; i++)
        CALL(cb_tcp_close(servers[i].socket, NULL));
    cb_tcp_server_close(&server);
    for (int i = 0; i < MANY; i++) {
        UNTIL(clients[i].closes == 1 && servers[i].closes == 1);
        CU_ASSERT_EQUAL(clients[i].errors + servers[i].errors, 0);
        free(clients[i].bytes);
        free(servers[i].bytes);
    }
    run_all(loop);
    cb_loop_release(&loop);
}

static int server_errors;

static void note_server_error(const cb_tcp_event *event)
{
    CU_ASSERT_EQUAL(event->kind, CB_TCP_TLS_ERROR);
    server_errors++;
}

/* Takes over the client's context. */
static void expect_refused(const char *name, cb_tls_context *client_side, const char *host,
                           cb_status status, const char *text)
{
    cb_loop *loop = open_loop();
    cb_tls_context *context = server_context(name);
    cb_tcp_options options = {.tls = {.provider = tls, .context = context}};
    cb_tcp_callbacks callbacks = {.event = note_server_error};
    cb_tcp_server *server = NULL;
    server_errors = 0;
    CALL(cb_tcp_server_open(loop, "127.0.0.1", 0, &callbacks, &options, NULL, &server, NULL));
    tls->context_release(context);
    options.tls = (cb_tcp_tls){.provider = tls, .context = client_side, .name = host};
    side client = {0};
    dial(loop, cb_tcp_server_port(server), &client, &options);
    tls->context_release(client_side);
    UNTIL(client.closes == 1 && server_errors == 1);
    CU_ASSERT_EQUAL(client.errors, 1);
    CU_ASSERT_EQUAL(client.connects, 0);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_TLS_ERROR);
    CU_ASSERT_EQUAL(client.status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(client.message, text));
    if (strstr(client.message, text) == NULL)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", client.message, text);
    cb_tcp_server_close(&server);
    run_all(loop);
    cb_loop_release(&loop);
}

static void bad_certificates_are_told_in_words(void)
{
    expect_refused("server", client_context(), "example.org", CB_MISMATCH,
                   "is not for example.org but for localhost, 127.0.0.1");
    expect_refused("expired", client_context(), NULL, CB_INVALID,
                   "has expired: it was valid until 20");
    expect_refused("alone", client_context(), NULL, CB_INVALID,
                   "self-signed and not among the trusted ones");
    expect_refused("twin", pinned_context("server"), NULL, CB_MISMATCH,
                   "is not the one that was expected");
}

static void new_connections_use_a_new_certificate(void)
{
    cb_loop *loop = open_loop();
    side clients[2] = {{0}};
    side servers[2] = {{0}};
    sides all = {servers, 2, 0};
    cb_tcp_server *server = serve_tls(loop, &all, "server");
    cb_tls_context *context = client_context();
    cb_tcp_options options = {.tls = {.provider = tls, .context = context}};
    for (int i = 0; i < 2; i++) {
        dial(loop, cb_tcp_server_port(server), &clients[i], &options);
        UNTIL(clients[i].connects == 1 && servers[i].connects == 1);
        cb_tls_context *renewed = server_context("twin");
        cb_tcp_tls next = {.provider = tls, .context = renewed};
        CALL(cb_tcp_server_set_tls(server, &next, NULL));
        tls->context_release(renewed);
    }
    tls->context_release(context);
    static const char *const subjects[] = {"CN=server", "CN=twin"};
    for (int i = 0; i < 2; i++) {
        const cb_tls_provider *provider = NULL;
        const cb_tls_session *session = cb_tcp_tls_session(clients[i].socket, &provider);
        CU_ASSERT_STRING_EQUAL(provider->peer_subject(session), subjects[i]);
        put(&servers[i], "still here");
        UNTIL(got(&clients[i], "still here"));
        CALL(cb_tcp_close(clients[i].socket, NULL));
        UNTIL(servers[i].eofs == 1);
        CALL(cb_tcp_close(servers[i].socket, NULL));
        UNTIL(clients[i].closes == 1 && servers[i].closes == 1);
        free(clients[i].bytes);
    }
    cb_tcp_server_close(&server);
    run_all(loop);
    cb_loop_release(&loop);
}

static void make_files(void)
{
    static const char names[] = "DNS:localhost,IP:127.0.0.1";
    tls_certificates_begin();
    tls_certificate(&(tls_certificate_options){.name = "ca", .is_authority = true});
    tls_certificate(
        &(tls_certificate_options){.name = "server", .issuer = "ca", .subjects = names});
    tls_certificate(&(tls_certificate_options){.name = "twin", .issuer = "ca", .subjects = names});
    tls_certificate(&(tls_certificate_options){.name = "alone", .subjects = names});
    tls_certificate(&(tls_certificate_options){
        .name = "expired", .issuer = "ca", .subjects = names, .from_s = -7200, .to_s = -3600});
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(many_handshakes_at_once),
        TEST(bad_certificates_are_told_in_words),
        TEST(new_connections_use_a_new_certificate),
        CU_TEST_INFO_NULL,
    };
    tls = tls_load_provider();
    if (tls == NULL)
        return 1;
    make_files();
    int failed = run_tests("tcp with a real TLS", tests);
    tls_certificates_end();
    return failed;
}
