/* An HTTP route that speaks TLS, with openssl as the client. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tests/unit/http_service.h"
#include "tests/unit/tls_certificates.h"

#define GET   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static const cb_tls_provider *provider;
static char text[4096];

static void enable(http_service *made, int64_t route, const char *name)
{
    const cb_tls_server_options options = {.certificate_file = tls_file(name, "crt"),
                                           .key_file = tls_file(name, "key")};
    cb_tls_context *context = NULL;
    cb_error error = {.text = ""};
    CU_ASSERT_EQUAL_FATAL(provider->server_context_new(&options, &context, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_route_set_tls(made->asker, HTTP_NS, route, provider, context, &error),
                          CB_OK);
}

typedef struct client {
    SSL_CTX *context;
    SSL *session;
    int fd;
} client;

static client dial(http_service *made, int64_t route)
{
    client made_one = {.context = SSL_CTX_new(TLS_client_method())};
    CU_ASSERT_PTR_NOT_NULL_FATAL(made_one.context);
    made_one.session = SSL_new(made_one.context);
    made_one.fd = http_dial(made, route);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made_one.session);
    CU_ASSERT_EQUAL_FATAL(SSL_set_fd(made_one.session, made_one.fd), 1);
    CU_ASSERT_EQUAL_FATAL(SSL_connect(made_one.session), 1);
    return made_one;
}

static void hang_up(client *self)
{
    SSL_free(self->session);
    SSL_CTX_free(self->context);
    http_hang_up(self->fd);
}

static void say(client *self, const char *what)
{
    CU_ASSERT_EQUAL(SSL_write(self->session, what, (int)strlen(what)), (int)strlen(what));
}

static void expect(client *self, const char *what)
{
    int size = 0;
    while (size < (int)strlen(what)) {
        int got = SSL_read(self->session, text + size, (int)strlen(what) - size);
        CU_ASSERT_FATAL(got > 0);
        size += got;
    }
    CU_ASSERT_EQUAL(memcmp(text, what, strlen(what)), 0);
}

/* The end, with a close_notify before it. */
static void expect_end(client *self)
{
    int got;
    while ((got = SSL_read(self->session, text, sizeof text)) > 0)
        ;
    CU_ASSERT_EQUAL(SSL_get_error(self->session, got), SSL_ERROR_ZERO_RETURN);
    hang_up(self);
}

static void connections_are_kept_and_pipelined(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    enable(&made, route, "server");
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_TLS, route), 1);
    client one = dial(&made, route);
    for (int i = 0; i < 3; i++) {
        say(&one, GET);
        expect(&one, HELLO);
    }
    say(&one, GET GET GET);
    for (int i = 0; i < 3; i++)
        expect(&one, HELLO);
    say(&one, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect(&one, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&one, "ok");
    expect(&one, HELLO);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), 7);
    say(&one, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(&one, HELLO);
    expect_end(&one);
    http_end(&made);
}

static void own_answers_are_encrypted_too(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    enable(&made, route, "server");
    client one = dial(&made, route);
    say(&one, "GET / HTTP/9.9\r\n\r\n");
    expect(&one, "HTTP/1.1 505 ");
    expect_end(&one);
    http_end(&made);
}

static void large_bodies_pass(void)
{
    static char body[3000001];
    char head[128];
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_RAW);
    enable(&made, route, "server");
    client one = dial(&made, route);
    memset(body, 'b', sizeof body - 1);
    (void)snprintf(body, sizeof body, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                   sizeof body - 1 - 44);
    CU_ASSERT_EQUAL(strlen(body), 44);
    body[strlen(body)] = 'b';
    (void)snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   sizeof body - 1);
    for (int i = 0; i < 2; i++) {
        static char back[sizeof body];
        size_t size = 0;
        say(&one, head);
        say(&one, body);
        while (size < sizeof body - 1) {
            int got = SSL_read(one.session, back + size, (int)(sizeof body - 1 - size));
            CU_ASSERT_FATAL(got > 0);
            size += (size_t)got;
        }
        CU_ASSERT_EQUAL(memcmp(back, body, size), 0);
    }
    hang_up(&one);
    http_end(&made);
}

static void plain_text_gets_no_answer(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    enable(&made, route, "server");
    int fd = http_dial(&made, route);
    http_say(fd, GET);
    CU_ASSERT(http_hear_end(fd, text, sizeof text) < 20); /* an alert, or not even that */
    http_hang_up(fd);
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 0);
    http_end(&made);
}

static void a_handshake_has_the_time_of_a_head(void)
{
    cb_limits limits = cb_limits_default();
    limits.http_head_ms = 50;
    http_service made = http_begin_with(&limits);
    int64_t route = http_open(&made, HTTP_HELLO);
    enable(&made, route, "server");
    int fd = http_dial(&made, route);
    CU_ASSERT(http_hear_end(fd, text, sizeof text) <= 0);
    http_hang_up(fd);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http over tls", NULL, NULL);
    provider = tls_load_provider();
    if (suite == NULL || provider == NULL)
        return 1;
    tls_certificates_begin();
    const tls_certificate_options own = {.name = "server", .subjects = "DNS:localhost"};
    tls_certificate(&own);
    CU_ADD_TEST(suite, connections_are_kept_and_pipelined);
    CU_ADD_TEST(suite, own_answers_are_encrypted_too);
    CU_ADD_TEST(suite, large_bodies_pass);
    CU_ADD_TEST(suite, plain_text_gets_no_answer);
    CU_ADD_TEST(suite, a_handshake_has_the_time_of_a_head);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    tls_certificates_end();
    return failures > 0 ? 1 : 0;
}
