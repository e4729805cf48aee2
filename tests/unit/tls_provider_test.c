/* The provider of TLS: sessions against each other, in memory. No socket, no thread, no clock but
 * the certificates' own. What the provider's sessions cannot say of themselves (a resumed session,
 * an old version), an OpenSSL of the test's own says from the other side. */
#include <CUnit/Basic.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callboard/plugin.h"
#include "callboard/tls.h"
#include "tests/unit/tls_certificates.h"

#define ROUNDS 64 /* of passing bytes to and fro: a handshake takes three or four */

static const cb_tls_provider *tls;

/* -- two sessions and the wires between them -- */

typedef struct pair {
    cb_tls_session *client;
    cb_tls_session *server;
    cb_tls_result client_result;
    cb_tls_result server_result;
    cb_error client_error;
    cb_error server_error;
} pair;

static cb_tls_context *server_context(const char *name)
{
    cb_tls_server_options options = {.certificate_file = tls_file(name, "crt"),
                                     .key_file = tls_file(name, "key")};
    cb_tls_context *context = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->server_context_new(&options, &context, &error), CB_OK);
    if (context == NULL)
        fprintf(stderr, "%s: %s\n", name, error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

static cb_tls_context *client_context(const cb_tls_client_options *options)
{
    cb_tls_context *context = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->client_context_new(options, &context, &error), CB_OK);
    if (context == NULL)
        fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

static cb_tls_context *trusting_client(void)
{
    return client_context(&(cb_tls_client_options){.ca_file = tls_file("ca", "crt")});
}

/* Moves everything from one to the other, `step` bytes at a time; true if there was something. */
static bool carry(cb_tls_session *from, cb_tls_session *to, size_t step)
{
    char room[4096];
    bool has_moved = false;
    for (size_t got; (got = tls->take(from, room, step)) > 0; has_moved = true)
        CU_ASSERT_EQUAL(tls->feed(to, room, got, NULL), CB_OK);
    CU_ASSERT_EQUAL(tls->pending(from), 0);
    return has_moved;
}

static void shake(pair *both, size_t step)
{
    bool has_moved = true;
    for (int i = 0; i < ROUNDS && has_moved; i++) {
        both->client_result = tls->handshake(both->client, &both->client_error);
        has_moved = carry(both->client, both->server, step);
        both->server_result = tls->handshake(both->server, &both->server_error);
        has_moved = carry(both->server, both->client, step) || has_moved;
    }
}

/* Takes over both contexts: the sessions keep what they need. */
static pair make_pair(cb_tls_context *client, cb_tls_context *server, const char *host)
{
    pair both = {0};
    CU_ASSERT_EQUAL_FATAL(tls->session_new(client, host, &both.client, &both.client_error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(tls->session_new(server, NULL, &both.server, &both.server_error), CB_OK);
    tls->context_release(client);
    tls->context_release(server);
    return both;
}

static void end_pair(pair *both)
{
    tls->session_free(both->client);
    tls->session_free(both->server);
    *both = (pair){0};
}

static pair good_pair(void)
{
    pair both = make_pair(trusting_client(), server_context("server"), "localhost");
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    return both;
}

static void expect_text(const cb_error *error, const char *text)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(error->text, text));
    if (strstr(error->text, text) == NULL)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", error->text, text);
}

/* A client of this context must refuse that server, for a reason with this text. */
static void expect_client_refuses(cb_tls_context *client, const char *server, const char *host,
                                  const char *text)
{
    pair both = make_pair(client, server_context(server), host);
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_FAILED);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_FAILED);
    expect_text(&both.client_error, text);
    expect_text(&both.server_error, "the peer gave up: ");
    /* It says so again, and goes on saying nothing else. */
    cb_error again = {0};
    CU_ASSERT_EQUAL(tls->handshake(both.client, &again), CB_TLS_FAILED);
    expect_text(&again, text);
    size_t got = 1;
    CU_ASSERT_EQUAL(tls->read(both.client, &again, 1, &got, NULL), CB_TLS_FAILED);
    CU_ASSERT_EQUAL(got, 0);
    CU_ASSERT_EQUAL(tls->write(both.client, "x", 1, NULL), CB_TLS_FAILED);
    end_pair(&both);
}

/* -- handshakes and data -- */

static void test_table(void)
{
    CU_ASSERT_EQUAL(tls->abi, CB_TLS_ABI);
    CU_ASSERT_EQUAL(tls->size, sizeof(cb_tls_provider));
    CU_ASSERT_STRING_EQUAL(tls->name, "openssl");
}

static void test_handshake(void)
{
    pair both = make_pair(trusting_client(), server_context("server"), "localhost");
    CU_ASSERT_PTR_NULL(tls->version(both.client));
    CU_ASSERT_PTR_NULL(tls->cipher(both.client));
    CU_ASSERT_EQUAL(tls->handshake(both.server, NULL), CB_TLS_WANT_INPUT);
    CU_ASSERT_EQUAL(tls->pending(both.server), 0);
    CU_ASSERT_EQUAL(tls->handshake(both.client, NULL), CB_TLS_WANT_INPUT);
    CU_ASSERT_TRUE(tls->pending(both.client) > 0);
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    CU_ASSERT_STRING_EQUAL(tls->version(both.client), "TLSv1.3");
    CU_ASSERT_STRING_EQUAL(tls->version(both.server), "TLSv1.3");
    CU_ASSERT_STRING_EQUAL(tls->cipher(both.client), tls->cipher(both.server));
    CU_ASSERT_STRING_EQUAL(tls->peer_subject(both.client), "CN=server");
    CU_ASSERT_PTR_NULL(tls->peer_subject(both.server));
    CU_ASSERT_PTR_NULL(tls->protocol(both.client));
    CU_ASSERT_STRING_EQUAL(tls->server_name(both.server), "localhost");
    CU_ASSERT_STRING_EQUAL(tls->server_name(both.client), "localhost");
    CU_ASSERT_EQUAL(tls->handshake(both.client, NULL), CB_TLS_OK);
    end_pair(&both);
}

static void test_byte_by_byte(void)
{
    pair both = make_pair(trusting_client(), server_context("server"), "localhost.");
    shake(&both, 1);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    end_pair(&both);
}

static void test_addresses(void)
{
    pair both = make_pair(trusting_client(), server_context("server"), "127.0.0.1");
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_PTR_NULL(tls->server_name(both.server));
    end_pair(&both);
    both = make_pair(trusting_client(), server_context("server"), "::1");
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    end_pair(&both);
}

static size_t read_whole(cb_tls_session *session, char *room, size_t size)
{
    size_t used = 0;
    size_t got = 0;
    cb_error error = {0};
    while (used < size && tls->read(session, room + used, size - used, &got, &error) == CB_TLS_OK) {
        CU_ASSERT_TRUE(got > 0);
        used += got;
    }
    return used;
}

static void test_data(void)
{
    enum { BIG = 1 << 20 };
    static char sent[BIG];
    static char received[BIG + 1];
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 31 + i / 251);
    pair both = good_pair();
    static const size_t sizes[] = {0, 1, 2, 16383, 16384, 16385, BIG};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(tls->write(both.client, sent, sizes[i], NULL), CB_TLS_OK);
        (void)carry(both.client, both.server, 4095);
        CU_ASSERT_EQUAL(read_whole(both.server, received, sizeof received), sizes[i]);
        CU_ASSERT_EQUAL(memcmp(sent, received, sizes[i]), 0);
        CU_ASSERT_EQUAL(tls->write(both.server, sent, sizes[i], NULL), CB_TLS_OK);
        (void)carry(both.server, both.client, 4096);
        CU_ASSERT_EQUAL(read_whole(both.client, received, sizeof received), sizes[i]);
        CU_ASSERT_EQUAL(memcmp(sent, received, sizes[i]), 0);
    }
    end_pair(&both);
}

static void test_write_too_early(void)
{
    pair both = make_pair(trusting_client(), server_context("server"), "localhost");
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->write(both.client, "x", 1, &error), CB_TLS_FAILED);
    expect_text(&error, "the handshake is not complete");
    tls->close(both.client); /* nothing to close yet */
    CU_ASSERT_EQUAL(tls->pending(both.client), 0);
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    end_pair(&both);
}

static void test_close(void)
{
    char room[16];
    size_t got = 0;
    pair both = good_pair();
    CU_ASSERT_EQUAL(tls->write(both.client, "last", 4, NULL), CB_TLS_OK);
    tls->close(both.client);
    tls->close(both.client);
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->write(both.client, "more", 4, &error), CB_TLS_FAILED);
    expect_text(&error, "closed for writing");
    (void)carry(both.client, both.server, 4096);
    CU_ASSERT_EQUAL(read_whole(both.server, room, 4), 4);
    CU_ASSERT_EQUAL(tls->read(both.server, room, sizeof room, &got, NULL), CB_TLS_ENDED);
    CU_ASSERT_EQUAL(tls->read(both.server, room, sizeof room, &got, NULL), CB_TLS_ENDED);
    CU_ASSERT_EQUAL(got, 0);
    /* The other direction goes on until it is closed too. */
    CU_ASSERT_EQUAL(tls->write(both.server, "reply", 5, NULL), CB_TLS_OK);
    (void)carry(both.server, both.client, 4096);
    CU_ASSERT_EQUAL(read_whole(both.client, room, 5), 5);
    CU_ASSERT_EQUAL(memcmp(room, "reply", 5), 0);
    CU_ASSERT_EQUAL(tls->read(both.client, room, sizeof room, &got, NULL), CB_TLS_WANT_INPUT);
    tls->close(both.server);
    (void)carry(both.server, both.client, 4096);
    CU_ASSERT_EQUAL(tls->read(both.client, room, sizeof room, &got, NULL), CB_TLS_ENDED);
    end_pair(&both);
}

/* Half a record and nothing more: there is no end to be read, so the user of the session, who sees
 * the network end, knows that the stream was cut. */
static void test_truncation(void)
{
    char room[4096];
    size_t got = 0;
    pair both = good_pair();
    CU_ASSERT_EQUAL(tls->write(both.client, "half of this", 12, NULL), CB_TLS_OK);
    size_t size = tls->take(both.client, room, sizeof room);
    CU_ASSERT_EQUAL(tls->feed(both.server, room, size / 2, NULL), CB_OK);
    CU_ASSERT_EQUAL(tls->read(both.server, room, sizeof room, &got, NULL), CB_TLS_WANT_INPUT);
    CU_ASSERT_EQUAL(got, 0);
    end_pair(&both);
}

static void test_changed_bytes(void)
{
    char room[4096];
    size_t got = 0;
    cb_error error = {0};
    pair both = good_pair();
    CU_ASSERT_EQUAL(tls->write(both.client, "change me", 9, NULL), CB_TLS_OK);
    size_t size = tls->take(both.client, room, sizeof room);
    room[size - 1] = (char)(room[size - 1] ^ 1);
    CU_ASSERT_EQUAL(tls->feed(both.server, room, size, NULL), CB_OK);
    CU_ASSERT_EQUAL(tls->read(both.server, room, sizeof room, &got, &error), CB_TLS_FAILED);
    expect_text(&error, "TLS failed: ");
    CU_ASSERT_TRUE(tls->pending(both.server) > 0); /* the alert */
    (void)carry(both.server, both.client, 4096);
    CU_ASSERT_EQUAL(tls->read(both.client, room, sizeof room, &got, &error), CB_TLS_FAILED);
    expect_text(&error, "the peer gave up: bad record mac");
    end_pair(&both);
}

static void test_no_tls_at_all(void)
{
    static const char *const greetings[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "hello, world\n",
                                            "\x80\x80\x80\x80\x80\x80\x80\x80"};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        pair both = make_pair(trusting_client(), server_context("server"), "localhost");
        cb_error error = {0};
        CU_ASSERT_EQUAL(tls->feed(both.server, greetings[i], strlen(greetings[i]), NULL), CB_OK);
        CU_ASSERT_EQUAL(tls->handshake(both.server, &error), CB_TLS_FAILED);
        if (i < 2)
            expect_text(&error, "the peer does not speak TLS");
        CU_ASSERT_NOT_EQUAL(error.text[0], '\0');
        end_pair(&both);
    }
}

/* -- whom a client trusts -- */

static void test_verification(void)
{
    expect_client_refuses(trusting_client(), "server", "example.org",
                          "is not for example.org but for localhost, 127.0.0.1, ");
    expect_client_refuses(trusting_client(), "server", "127.0.0.2",
                          "is not for 127.0.0.2 but for localhost");
    expect_client_refuses(trusting_client(), "expired", "localhost",
                          "certificate has expired: it was valid until 20");
    expect_client_refuses(trusting_client(), "future", "localhost",
                          "certificate is not valid yet: it will be from 20");
    expect_client_refuses(trusting_client(), "alone", "localhost",
                          "self-signed and not among the trusted ones");
    expect_client_refuses(trusting_client(), "stranger", "localhost",
                          "signed by an authority that is not trusted");
    expect_client_refuses(client_context(NULL), "server", "localhost",
                          "signed by an authority that is not trusted");
}

static void expect_accepted(cb_tls_context *client, const char *server, const char *host)
{
    pair both = make_pair(client, server_context(server), host);
    shake(&both, 4096);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    if (both.client_result != CB_TLS_OK)
        fprintf(stderr, "%s: %s\n", server, both.client_error.text);
    end_pair(&both);
}

static void test_trust(void)
{
    expect_accepted(client_context(&(cb_tls_client_options){.insecure = true}), "expired", NULL);
    expect_accepted(client_context(&(cb_tls_client_options){.insecure = true}), "alone", "x.org");
    expect_accepted(client_context(&(cb_tls_client_options){.ca_file = tls_file("alone", "crt")}),
                    "alone", "localhost");
}

static void test_pinning(void)
{
    static const char *const names[] = {"server", "alone", "expired"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cb_tls_context *pinned = server_context(names[i]);
        cb_tls_context *client = client_context(&(cb_tls_client_options){.pinned = pinned});
        tls->context_release(pinned);
        (void)tls->context_retain(client);
        expect_accepted(client, names[i], NULL);
        expect_client_refuses(client, "twin", "localhost",
                              "certificate is not the one that was expected");
    }
    cb_tls_context *context = NULL;
    cb_tls_context *other = trusting_client();
    cb_error error = {0};
    CU_ASSERT_EQUAL(
        tls->client_context_new(&(cb_tls_client_options){.pinned = other}, &context, &error),
        CB_INVALID);
    CU_ASSERT_PTR_NULL(context);
    tls->context_release(other);
}

static void test_hosts(void)
{
    cb_tls_context *client = trusting_client();
    cb_tls_session *session = NULL;
    cb_error error = {0};
    char host[300];
    memset(host, 'h', sizeof host);
    host[sizeof host - 1] = '\0';
    CU_ASSERT_EQUAL(tls->session_new(client, NULL, &session, &error), CB_INVALID);
    expect_text(&error, "needs the host's name");
    CU_ASSERT_EQUAL(tls->session_new(client, "", &session, &error), CB_INVALID);
    CU_ASSERT_EQUAL(tls->session_new(client, host, &session, &error), CB_INVALID);
    expect_text(&error, "longer than 255 bytes");
    CU_ASSERT_PTR_NULL(session);
    tls->context_release(client);
}

/* -- files -- */

static void expect_files_refused(const char *certificate, const char *key, cb_status status,
                                 const char *text)
{
    cb_tls_server_options options = {.certificate_file = certificate, .key_file = key};
    cb_tls_context *context = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->server_context_new(&options, &context, &error), status);
    CU_ASSERT_EQUAL(error.status, status);
    CU_ASSERT_PTR_NULL(context);
    expect_text(&error, text);
}

static void test_files(void)
{
    const char *good = tls_file("server", "crt");
    const char *key = tls_file("server", "key");
    expect_files_refused(good, tls_file("twin", "key"), CB_MISMATCH, "does not belong to the cert");
    expect_files_refused(tls_file("none", "crt"), key, CB_IO,
                         "none.crt: No such file or directory");
    expect_files_refused(good, tls_file("none", "key"), CB_IO,
                         "none.key: No such file or directory");
    expect_files_refused(key, key, CB_FORMAT, "there is no certificate in ");
    expect_files_refused(good, good, CB_FORMAT, "there is no private key in ");
    expect_files_refused(good, tls_file("locked", "key"), CB_FORMAT,
                         "locked.key is encrypted; it must be stored without a password");
    expect_files_refused(tls_file("garbage", "crt"), key, CB_FORMAT, "cannot be understood");
    expect_files_refused(good, tls_file("garbage", "key"), CB_FORMAT, "cannot be understood");
    expect_files_refused(tls_file("chain", "crt"), key, CB_FORMAT, "certificate number 2 of ");
    expect_files_refused("/tmp", key, CB_IO, "/tmp is no ordinary file");
    expect_files_refused("/dev/zero", key, CB_IO, "/dev/zero is no ordinary file");
    expect_files_refused("", key, CB_INVALID, "name of a file is empty");
    expect_files_refused(NULL, key, CB_INVALID, "name of a file is empty");
    expect_files_refused(good, NULL, CB_INVALID, "name of a file is empty");
    if (geteuid() != 0) { /* whom no file is closed to */
        CU_ASSERT_EQUAL(chmod(key, 0), 0);
        expect_files_refused(good, key, CB_IO, "server.key: Permission denied");
        CU_ASSERT_EQUAL(chmod(key, 0600), 0);
    }
}

/* -- ALPN -- */

static void shake_protocols(const char *const *offered, size_t offered_count,
                            const char *const *spoken, size_t spoken_count, pair *both)
{
    cb_tls_client_options client = {
        .ca_file = tls_file("ca", "crt"), .protocols = offered, .protocol_count = offered_count};
    cb_tls_server_options server = {.certificate_file = tls_file("server", "crt"),
                                    .key_file = tls_file("server", "key"),
                                    .protocols = spoken,
                                    .protocol_count = spoken_count};
    cb_tls_context *context = NULL;
    CU_ASSERT_EQUAL_FATAL(tls->server_context_new(&server, &context, NULL), CB_OK);
    *both = make_pair(client_context(&client), context, "localhost");
    shake(both, 4096);
}

static void test_protocols(void)
{
    static const char *const web[] = {"h2", "http/1.1"};
    static const char *const old[] = {"http/1.0", "http/1.1"};
    static const char *const mail[] = {"imap"};
    pair both;
    shake_protocols(old, 2, web, 2, &both);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_STRING_EQUAL(tls->protocol(both.client), "http/1.1");
    CU_ASSERT_STRING_EQUAL(tls->protocol(both.server), "http/1.1");
    end_pair(&both);
    shake_protocols(mail, 1, web, 2, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_FAILED);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_FAILED);
    expect_text(&both.server_error, "none of the application protocols (ALPN)");
    expect_text(&both.client_error, "the peer gave up: no application protocol");
    end_pair(&both);
    shake_protocols(NULL, 0, web, 2, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    CU_ASSERT_PTR_NULL(tls->protocol(both.server));
    end_pair(&both);
    shake_protocols(mail, 1, NULL, 0, &both);
    CU_ASSERT_EQUAL(both.client_result, CB_TLS_OK);
    CU_ASSERT_PTR_NULL(tls->protocol(both.client));
    end_pair(&both);

    static const char *const empty[] = {"h2", ""};
    cb_tls_context *context = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(
        tls->client_context_new(&(cb_tls_client_options){.protocols = empty, .protocol_count = 2},
                                &context, &error),
        CB_INVALID);
    expect_text(&error, "name number 2");
}

/* -- clients with certificates -- */

static void shake_mutual(const char *client_name, cb_tls_client_auth wanted, pair *both)
{
    cb_tls_client_options client = {.ca_file = tls_file("ca", "crt")};
    if (client_name != NULL) {
        client.certificate_file = tls_file(client_name, "crt");
        client.key_file = tls_file(client_name, "key");
    }
    cb_tls_server_options server = {.certificate_file = tls_file("server", "crt"),
                                    .key_file = tls_file("server", "key"),
                                    .client_auth = wanted,
                                    .client_ca_file = tls_file("ca", "crt")};
    cb_tls_context *context = NULL;
    CU_ASSERT_EQUAL_FATAL(tls->server_context_new(&server, &context, NULL), CB_OK);
    *both = make_pair(client_context(&client), context, "localhost");
    shake(both, 4096);
}

static void test_mutual(void)
{
    pair both;
    shake_mutual("client", CB_TLS_CLIENT_AUTH_REQUIRED, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    CU_ASSERT_STRING_EQUAL(tls->peer_subject(both.server), "CN=client");
    end_pair(&both);
    shake_mutual(NULL, CB_TLS_CLIENT_AUTH_REQUIRED, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_FAILED);
    expect_text(&both.server_error, "has shown no certificate, but one is required");
    /* In TLS 1.3 the client has finished by then, and learns of it when it reads. */
    char room[1];
    size_t got = 0;
    cb_error error = {0};
    CU_ASSERT_EQUAL(tls->read(both.client, room, 1, &got, &error), CB_TLS_FAILED);
    expect_text(&error, "the peer gave up: ");
    end_pair(&both);
    shake_mutual("stranger", CB_TLS_CLIENT_AUTH_REQUIRED, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_FAILED);
    expect_text(&both.server_error, "signed by an authority that is not trusted");
    end_pair(&both);
    shake_mutual("stranger", CB_TLS_CLIENT_AUTH_WANTED, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_FAILED);
    end_pair(&both);
    shake_mutual(NULL, CB_TLS_CLIENT_AUTH_WANTED, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    end_pair(&both);
    shake_mutual("client", CB_TLS_CLIENT_AUTH_NONE, &both);
    CU_ASSERT_EQUAL(both.server_result, CB_TLS_OK);
    CU_ASSERT_PTR_NULL(tls->peer_subject(both.server));
    end_pair(&both);

    cb_tls_server_options options = {.certificate_file = tls_file("server", "crt"),
                                     .key_file = tls_file("server", "key"),
                                     .client_auth = CB_TLS_CLIENT_AUTH_REQUIRED};
    cb_tls_context *context = NULL;
    CU_ASSERT_EQUAL(tls->server_context_new(&options, &context, &error), CB_INVALID);
    expect_text(&error, "is not said");
}

/* -- new files while old sessions live -- */

static void test_renewal(void)
{
    cb_tls_context *client = trusting_client();
    pair old = make_pair(tls->context_retain(client), server_context("server"), "localhost");
    shake(&old, 4096);
    pair fresh = make_pair(client, server_context("twin"), "localhost");
    shake(&fresh, 4096);
    CU_ASSERT_STRING_EQUAL(tls->peer_subject(old.client), "CN=server");
    CU_ASSERT_STRING_EQUAL(tls->peer_subject(fresh.client), "CN=twin");
    char room[8];
    CU_ASSERT_EQUAL(tls->write(old.client, "still", 5, NULL), CB_TLS_OK);
    (void)carry(old.client, old.server, 4096);
    CU_ASSERT_EQUAL(read_whole(old.server, room, 5), 5);
    end_pair(&old);
    end_pair(&fresh);
}

/* -- seen from another OpenSSL -- */

static SSL_SESSION *kept; /* the newest ticket that a foreign client was given */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

typedef struct foreign {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;
    BIO *out;
    int answer; /* of its handshake */
} foreign;

static foreign make_foreign(int version)
{
    foreign client = {.context = SSL_CTX_new(TLS_client_method())};
    CU_ASSERT_PTR_NOT_NULL_FATAL(client.context);
    SSL_CTX_set_security_level(client.context, 0);
    (void)SSL_CTX_set_min_proto_version(client.context, version);
    (void)SSL_CTX_set_max_proto_version(client.context, version);
    /* An internal cache would spoil what it holds when its context ends. */
    (void)SSL_CTX_set_session_cache_mode(client.context,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client.context, keep_session);
    client.ssl = SSL_new(client.context);
    client.in = BIO_new(BIO_s_mem());
    client.out = BIO_new(BIO_s_mem());
    SSL_set_bio(client.ssl, client.in, client.out);
    SSL_set_connect_state(client.ssl);
    return client;
}

static void end_foreign(foreign *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
}

static void carry_foreign(foreign *client, cb_tls_session *server)
{
    char room[4096];
    for (int got; (got = BIO_read(client->out, room, sizeof room)) > 0;)
        CU_ASSERT_EQUAL(tls->feed(server, room, (size_t)got, NULL), CB_OK);
}

static void carry_back(cb_tls_session *server, foreign *client)
{
    char room[4096];
    for (size_t got; (got = tls->take(server, room, sizeof room)) > 0;)
        CU_ASSERT_EQUAL(BIO_write(client->in, room, (int)got), (int)got);
}

static cb_tls_result shake_foreign(foreign *client, cb_tls_session *server, cb_error *error)
{
    cb_tls_result result = CB_TLS_WANT_INPUT;
    for (int i = 0; i < 8; i++) {
        client->answer = SSL_do_handshake(client->ssl);
        carry_foreign(client, server);
        result = tls->handshake(server, error);
        carry_back(server, client);
    }
    char room[1];
    (void)SSL_read(client->ssl, room, 1); /* takes the ticket in */
    return result;
}

/* Whether a client of this version that brings the kept ticket, if any, resumes with it. */
static bool resumes(cb_tls_context *server, int version)
{
    foreign client = make_foreign(version);
    cb_tls_session *session = NULL;
    if (kept != NULL)
        CU_ASSERT_EQUAL(SSL_set_session(client.ssl, kept), 1);
    CU_ASSERT_EQUAL_FATAL(tls->session_new(server, NULL, &session, NULL), CB_OK);
    CU_ASSERT_EQUAL(shake_foreign(&client, session, NULL), CB_TLS_OK);
    CU_ASSERT_EQUAL(client.answer, 1);
    bool is_resumed = SSL_session_reused(client.ssl) == 1;
    CU_ASSERT_STRING_EQUAL(tls->version(session), SSL_get_version(client.ssl));
    if (version == TLS1_2_VERSION) { /* a renewed ticket is not announced there */
        SSL_SESSION_free(kept);
        kept = SSL_get1_session(client.ssl);
    }
    (void)SSL_shutdown(client.ssl); /* a session without a good-bye is not used again */
    tls->session_free(session);
    end_foreign(&client);
    return is_resumed;
}

static void test_tickets(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        cb_tls_context *server = server_context("server");
        CU_ASSERT_FALSE(resumes(server, versions[i]));
        CU_ASSERT_PTR_NOT_NULL(kept);
        CU_ASSERT_TRUE(resumes(server, versions[i]));
        CU_ASSERT_EQUAL(tls->context_rotate(server, NULL), CB_OK);
        CU_ASSERT_TRUE(resumes(server, versions[i])); /* with the key before, and gets a new one */
        CU_ASSERT_EQUAL(tls->context_rotate(server, NULL), CB_OK);
        CU_ASSERT_TRUE(resumes(server, versions[i]));
        CU_ASSERT_EQUAL(tls->context_rotate(server, NULL), CB_OK);
        CU_ASSERT_EQUAL(tls->context_rotate(server, NULL), CB_OK);
        CU_ASSERT_FALSE(resumes(server, versions[i])); /* too old: a whole handshake, no failure */
        CU_ASSERT_TRUE(resumes(server, versions[i]));
        cb_tls_context *other = server_context("server");
        CU_ASSERT_FALSE(resumes(other, versions[i])); /* keys are a context's own */
        tls->context_release(server);
        tls->context_release(other);
        SSL_SESSION_free(kept);
        kept = NULL;
    }
    cb_tls_context *client = trusting_client();
    CU_ASSERT_EQUAL(tls->context_rotate(client, NULL), CB_INVALID);
    tls->context_release(client);
}

static void test_versions(void)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        foreign client = make_foreign(versions[i]);
        (void)SSL_CTX_set_cipher_list(client.context, "ALL:@SECLEVEL=0");
        (void)SSL_set_cipher_list(client.ssl, "ALL:@SECLEVEL=0");
        cb_tls_context *server = server_context("server");
        cb_tls_session *session = NULL;
        cb_error error = {0};
        CU_ASSERT_EQUAL_FATAL(tls->session_new(server, NULL, &session, NULL), CB_OK);
        tls->context_release(server);
        CU_ASSERT_EQUAL(shake_foreign(&client, session, &error), CB_TLS_FAILED);
        expect_text(&error, "no version of TLS from 1.2 on");
        CU_ASSERT_NOT_EQUAL(client.answer, 1);
        tls->session_free(session);
        end_foreign(&client);
    }
}

static void test_no_renegotiation(void)
{
    foreign client = make_foreign(TLS1_2_VERSION);
    cb_tls_context *server = server_context("server");
    cb_tls_session *session = NULL;
    CU_ASSERT_EQUAL_FATAL(tls->session_new(server, NULL, &session, NULL), CB_OK);
    tls->context_release(server);
    CU_ASSERT_EQUAL(shake_foreign(&client, session, NULL), CB_TLS_OK);
    CU_ASSERT_EQUAL(SSL_renegotiate(client.ssl), 1);
    (void)SSL_do_handshake(client.ssl);
    carry_foreign(&client, session);
    char room[16];
    size_t got = 0;
    cb_tls_result result = tls->read(session, room, sizeof room, &got, NULL);
    CU_ASSERT_TRUE(result == CB_TLS_WANT_INPUT || result == CB_TLS_FAILED);
    carry_back(session, &client);
    CU_ASSERT_NOT_EQUAL(SSL_do_handshake(client.ssl), 1);
    tls->session_free(session);
    end_foreign(&client);
    SSL_SESSION_free(kept);
    kept = NULL;
}

/* -- many threads -- */

typedef struct shared {
    cb_tls_context *client;
    cb_tls_context *server;
    int rounds;
    int failures; /* of this thread */
} shared;

static cb_tls_result carry_all(cb_tls_session *from, cb_tls_session *to)
{
    char room[4096];
    for (size_t got; (got = tls->take(from, room, sizeof room)) > 0;)
        if (tls->feed(to, room, got, NULL) != CB_OK)
            return CB_TLS_FAILED;
    return tls->handshake(to, NULL);
}

/* CUnit's assertions are one thread's, so this one counts. */
static void *shake_many(void *user)
{
    shared *work = user;
    for (int i = 0; i < work->rounds; i++) {
        cb_tls_session *client = NULL;
        cb_tls_session *server = NULL;
        cb_tls_result client_result = CB_TLS_WANT_INPUT;
        cb_tls_result server_result = CB_TLS_WANT_INPUT;
        bool is_made = tls->session_new(work->client, "localhost", &client, NULL) == CB_OK &&
                       tls->session_new(work->server, NULL, &server, NULL) == CB_OK;
        if (is_made)
            (void)tls->handshake(client, NULL);
        for (int turn = 0; is_made && turn < 4; turn++) {
            server_result = carry_all(client, server);
            client_result = carry_all(server, client);
        }
        if (client_result != CB_TLS_OK || server_result != CB_TLS_OK ||
            (i % 10 == 0 && tls->context_rotate(work->server, NULL) != CB_OK))
            work->failures++;
        tls->session_free(client);
        tls->session_free(server);
    }
    return NULL;
}

static void test_threads(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    shared work[THREADS];
    cb_tls_context *client = trusting_client();
    cb_tls_context *server = server_context("server");
    for (int i = 0; i < THREADS; i++) {
        work[i] = (shared){.client = client, .server = server, .rounds = 50};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, shake_many, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
        CU_ASSERT_EQUAL(work[i].failures, 0);
    }
    tls->context_release(client);
    tls->context_release(server);
}

/* -- */

static void make_files(void)
{
    static const char names[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    tls_certificates_begin();
    tls_certificate(&(tls_certificate_options){.name = "ca", .is_authority = true});
    tls_certificate(&(tls_certificate_options){.name = "foreign_ca", .is_authority = true});
    tls_certificate(
        &(tls_certificate_options){.name = "server", .issuer = "ca", .subjects = names});
    tls_certificate(&(tls_certificate_options){.name = "twin", .issuer = "ca", .subjects = names});
    tls_certificate(&(tls_certificate_options){.name = "client", .issuer = "ca"});
    tls_certificate(&(tls_certificate_options){
        .name = "expired", .issuer = "ca", .subjects = names, .from_s = -7200, .to_s = -3600});
    tls_certificate(&(tls_certificate_options){
        .name = "future", .issuer = "ca", .subjects = names, .from_s = 3600, .to_s = 7200});
    tls_certificate(&(tls_certificate_options){.name = "alone", .subjects = names});
    tls_certificate(
        &(tls_certificate_options){.name = "stranger", .issuer = "foreign_ca", .subjects = names});
    tls_encrypt_key("server", "locked");
    tls_write_file("garbage", "crt",
                   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    tls_write_file("garbage", "key",
                   "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    char chain[8192] = "";
    FILE *file = fopen(tls_file("server", "crt"), "r");
    size_t size = file != NULL ? fread(chain, 1, 4096, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    (void)snprintf(chain + size, sizeof chain - size,
                   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    tls_write_file("chain", "crt", chain);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"the table says what it is", test_table},
        {"a handshake and what was agreed upon", test_handshake},
        {"a handshake byte by byte", test_byte_by_byte},
        {"addresses as hosts", test_addresses},
        {"data of many sizes both ways", test_data},
        {"writing before the handshake", test_write_too_early},
        {"close_notify, one direction at a time", test_close},
        {"truncation", test_truncation},
        {"changed bytes", test_changed_bytes},
        {"a peer that does not speak TLS", test_no_tls_at_all},
        {"whom a client refuses", test_verification},
        {"whom a client accepts", test_trust},
        {"a pinned certificate", test_pinning},
        {"host names", test_hosts},
        {"files that will not do", test_files},
        {"ALPN", test_protocols},
        {"clients' certificates", test_mutual},
        {"new files while old sessions live", test_renewal},
        {"tickets and their rotation", test_tickets},
        {"old versions are refused", test_versions},
        {"no renegotiation", test_no_renegotiation},
        {"contexts shared by threads", test_threads},
    };
    tls = tls_load_provider();
    if (tls == NULL || CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    make_files();
    CU_pSuite suite = CU_add_suite("tls provider", NULL, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        (void)CU_add_test(suite, tests[i].name, tests[i].run);
    CU_basic_set_mode(CU_BRM_NORMAL);
    (void)CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    tls_certificates_end();
    return failures == 0 ? 0 : 1;
}
