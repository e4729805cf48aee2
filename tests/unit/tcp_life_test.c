/* TCP sockets: connecting and failing to, closing, time limits, switching off and on, servers. */
#include <netdb.h>
#include <semaphore.h>

#include "actors/io/tcp/inside.h"
#include "tests/unit/tcp_support.h"

/* A port that nobody listens on. */
static uint16_t free_port(cb_loop *loop)
{
    sides none = {0};
    cb_tcp_server *server = serve(loop, &none, NULL);
    uint16_t port = cb_tcp_server_port(server);
    cb_tcp_server_close(&server);
    run_all(loop);
    return port;
}

static void finish(cb_loop *loop, side *only)
{
    side none = {0};
    close_sides(loop, only, &none);
}

/* -- events ----------------------------------------------------------------------------------- */

static void kinds_form_the_hierarchy(void)
{
    CU_ASSERT(cb_tcp_kind_is(CB_TCP_EOF, CB_TCP_INFO));
    CU_ASSERT(cb_tcp_kind_is(CB_TCP_EOF, CB_EVENT_INFO));
    CU_ASSERT_FALSE(cb_tcp_kind_is(CB_TCP_EOF, CB_EVENT_ERROR));
    CU_ASSERT_FALSE(cb_tcp_kind_is(CB_TCP_INFO, CB_TCP_ERROR));
    CU_ASSERT_FALSE(cb_tcp_kind_is(CB_TCP_DRAIN, CB_TCP_ERROR));
    for (int i = CB_TCP_TIMEOUT; i < CB_TCP_KIND_COUNT; i++) {
        CU_ASSERT(cb_tcp_kind_is((cb_tcp_kind)i, CB_TCP_ERROR));
        CU_ASSERT(cb_tcp_kind_is((cb_tcp_kind)i, CB_TCP_INFO));
        CU_ASSERT(cb_tcp_kind_is((cb_tcp_kind)i, CB_EVENT_ERROR));
        CU_ASSERT(strlen(cb_tcp_kind_text((cb_tcp_kind)i)) > 0);
    }
    CU_ASSERT(cb_tcp_kind_is(CB_TCP_TRUNCATED, CB_TCP_TLS_ERROR));
    CU_ASSERT_FALSE(cb_tcp_kind_is((cb_tcp_kind)99, CB_TCP_INFO));
    CU_ASSERT_STRING_EQUAL(cb_tcp_kind_text((cb_tcp_kind)99), "unknown event");
}

static int default_events;

static void note_default(const cb_tcp_event *event)
{
    CU_ASSERT_EQUAL(event->kind, CB_TCP_REFUSED);
    default_events++;
}

static void without_an_event_callback_the_default_is_told(void)
{
    cb_loop *loop = open_loop();
    uint16_t port = free_port(loop);
    cb_tcp_socket *socket;
    default_events = 0;
    cb_tcp_set_default_event(note_default);
    CALL(cb_tcp_connect(loop, "127.0.0.1", port, NULL, NULL, NULL, &socket, NULL));
    run_all(loop);
    cb_tcp_set_default_event(NULL);
    CU_ASSERT_EQUAL(default_events, 1);
    cb_loop_release(&loop);
}

static void without_any_event_callback_the_end_closes(void)
{
    cb_loop *loop = open_loop();
    side server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_tcp_callbacks quiet = {0};
    cb_tcp_socket *socket;
    CALL(cb_tcp_connect(loop, "127.0.0.1", cb_tcp_server_port(server), &quiet, NULL, NULL, &socket,
                        NULL));
    UNTIL(server_side.connects == 1);
    CALL(cb_tcp_close(server_side.socket, NULL));
    cb_tcp_server_close(&server);
    finish(loop, &server_side);
}

/* -- connecting ------------------------------------------------------------------------------- */

static void a_refused_connection_is_an_event(void)
{
    cb_loop *loop = open_loop();
    side client = {0};
    dial(loop, free_port(loop), &client, NULL);
    put(&client, "lost");
    UNTIL(client.closes == 1);
    CU_ASSERT_EQUAL(client.errors, 1);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_REFUSED);
    CU_ASSERT_EQUAL(client.code, ECONNREFUSED);
    CU_ASSERT(client.was_closed);
    CU_ASSERT_PTR_NOT_NULL(strstr(client.message, "127.0.0.1"));
    CU_ASSERT_EQUAL(client.connects, 0);
    finish(loop, &client);
}

static cb_endpoint found[4];
static size_t found_count;
static int found_code;

/* The name "slow" takes until a test lets it go, which may be over when its result comes. */
static sem_t slow_ones;

static void let_go_slow_ones(int count)
{
    while (count-- > 0)
        CU_ASSERT_EQUAL(sem_post(&slow_ones), 0);
}

static int find_them(const char *host, uint16_t port, cb_endpoint *into, size_t *count)
{
    if (strcmp(host, "slow") == 0) {
        while (sem_wait(&slow_ones) != 0) {
        }
        return EAI_AGAIN;
    }
    for (size_t i = 0; i < found_count; i++) {
        into[i] = found[i];
        if (into[i].port == 0)
            into[i].port = port;
    }
    *count = found_count;
    return found_code;
}

static void look_up(cb_loop *loop, const char *host, side *client, uint16_t port,
                    const cb_tcp_options *options)
{
    cb_lookup_hook = find_them;
    CALL(cb_tcp_connect(loop, host, port, &noted, options, client, &client->socket, NULL));
    cb_lookup_hook = NULL;
}

static void a_name_that_does_not_resolve_is_an_event(void)
{
    cb_loop *loop = open_loop();
    side client = {0};
    found_code = EAI_NONAME;
    found_count = 0;
    look_up(loop, "somewhere", &client, 80, NULL);
    UNTIL(client.closes == 1);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_LOOKUP_ERROR);
    CU_ASSERT_EQUAL(client.code, EAI_NONAME);
    CU_ASSERT(client.was_closed);
    finish(loop, &client);
}

static void addresses_are_tried_in_order(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    uint16_t nobody = free_port(loop);
    cb_tcp_server *server = serve(loop, &all, NULL);
    found_code = 0;
    found_count = 3;
    found[0] = cb_endpoint_loopback(CB_FAMILY_IP4, nobody);
    found[1] = cb_endpoint_loopback(CB_FAMILY_IP6, nobody);
    found[2] = cb_endpoint_loopback(CB_FAMILY_IP4, 0);
    look_up(loop, "somewhere", &client, cb_tcp_server_port(server), NULL);
    UNTIL(client.connects == 1 && server_side.connects == 1);
    CU_ASSERT_EQUAL(cb_tcp_peer(client.socket).port, cb_tcp_server_port(server));
    CU_ASSERT_EQUAL(cb_tcp_local(client.socket).port, cb_tcp_peer(server_side.socket).port);
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}

static void when_all_addresses_fail_there_is_one_event(void)
{
    cb_loop *loop = open_loop();
    side client = {0};
    uint16_t nobody = free_port(loop);
    found_code = 0;
    found_count = 2;
    found[0] = cb_endpoint_loopback(CB_FAMILY_IP4, nobody);
    found[1] = found[0];
    look_up(loop, "somewhere", &client, nobody, NULL);
    UNTIL(client.closes == 1);
    CU_ASSERT_EQUAL(client.errors, 1);
    CU_ASSERT_EQUAL(client.kind, CB_TCP_REFUSED);
    finish(loop, &client);
}

static void a_real_name_is_found(void)
{
    cb_loop *loop = open_loop();
    side client = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_endpoint addresses[CB_TCP_MAX_ADDRESSES];
    size_t count = 0;
    CALL(cb_tcp_connect(loop, "localhost", cb_tcp_server_port(server), &noted, NULL, &client,
                        &client.socket, NULL));
    UNTIL(client.connects + client.errors == 1);
    CU_ASSERT_EQUAL(client.connects, 1);
    CU_ASSERT_NOT_EQUAL(cb_lookup_addresses("localhost", 1, true, addresses, &count), 0);
    CU_ASSERT_EQUAL(cb_lookup_addresses("::1", 1, true, addresses, &count), 0);
    CU_ASSERT_EQUAL(addresses[0].family, CB_FAMILY_IP6);
    UNTIL(server_side.connects == 1);
    cb_tcp_server_close(&server);
    close_sides(loop, &client, &server_side);
}

static void a_slow_look_up_holds_nobody_up(void)
{
    cb_loop *loop = open_loop();
    side slow = {0}, limited = {0}, quick = {0}, server_side = {0};
    sides all = {&server_side, 1, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_tcp_options options = {.connect_timeout = 0.05};
    look_up(loop, "slow", &slow, 80, NULL);
    look_up(loop, "slow", &limited, 80, &options);
    dial(loop, cb_tcp_server_port(server), &quick, NULL);
    UNTIL(quick.connects == 1);
    CU_ASSERT_EQUAL(slow.errors, 0);
    UNTIL(limited.closes == 1);
    CU_ASSERT_EQUAL(limited.kind, CB_TCP_TIMEOUT);
    CALL(cb_tcp_close(slow.socket, NULL)); /* its result comes for nobody */
    UNTIL(slow.closes == 1 && server_side.connects == 1);
    cb_tcp_server_close(&server);
    close_sides(loop, &quick, &server_side);
    CU_ASSERT_EQUAL(slow.errors, 0);
    let_go_slow_ones(2);
}

static void what_cannot_be_a_destination_is_refused_at_once(void)
{
    cb_loop *loop = open_loop();
    cb_tcp_socket *socket;
    REFUSED(cb_tcp_connect(loop, "", 80, &noted, NULL, NULL, &socket, NULL), CB_INVALID);
    CU_ASSERT_PTR_NULL(socket);
    REFUSED(cb_tcp_connect(loop, NULL, 80, &noted, NULL, NULL, &socket, NULL), CB_INVALID);
    REFUSED(cb_tcp_connect(loop, "127.0.0.1", 0, &noted, NULL, NULL, &socket, NULL), CB_INVALID);
    run_all(loop);
    cb_loop_release(&loop);
    REFUSED(cb_tcp_connect(NULL, "127.0.0.1", 80, &noted, NULL, NULL, &socket, NULL), CB_INVALID);
}

/* -- closing ---------------------------------------------------------------------------------- */

static void a_second_close_is_an_error(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    cb_tcp_socket *socket = client.socket;
    CU_ASSERT_FALSE(cb_tcp_closed(socket));
    CALL(cb_tcp_close(socket, NULL));
    CU_ASSERT(cb_tcp_closed(socket));
    CU_ASSERT_EQUAL(cb_tcp_descriptor(socket), CB_NO_SOCKET);
    cb_error error;
    REFUSED(cb_tcp_close(socket, &error), CB_CLOSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "closed"));
    REFUSED(cb_tcp_abort(socket, NULL), CB_CLOSED);
    REFUSED(cb_tcp_write(socket, "x", 1, NULL, NULL), CB_CLOSED);
    REFUSED(cb_tcp_set_timeouts(socket, 1, 1, NULL), CB_CLOSED);
    REFUSED(cb_tcp_enable(socket, true, true, NULL), CB_CLOSED);
    REFUSED(cb_tcp_disable(socket, true, true, NULL), CB_CLOSED);
    REFUSED(cb_tcp_end_writing(socket, NULL), CB_CLOSED);
    CU_ASSERT_EQUAL(client.closes, 0);
    UNTIL(client.closes == 1);
    close_sides(loop, &client, &server_side);
}

static void an_abort_is_a_reset_for_the_peer(void)
{
    side client = {0}, server_side = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    CALL(cb_tcp_abort(client.socket, NULL));
    UNTIL(server_side.closes == 1);
    CU_ASSERT_EQUAL(server_side.errors, 1);
    CU_ASSERT_EQUAL(server_side.kind, CB_TCP_ERROR);
    CU_ASSERT_EQUAL(server_side.code, ECONNRESET);
    CU_ASSERT(server_side.was_closed);
    CU_ASSERT_EQUAL(server_side.eofs, 0);
    close_sides(loop, &client, &server_side);
}

static void close_in_read(side *self)
{
    CALL(cb_tcp_close(self->socket, NULL));
}

static void closing_inside_a_callback_is_safe(void)
{
    side client = {0}, server_side = {.on_read = close_in_read};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    put(&client, "bye");
    UNTIL(client.eofs == 1);
    CU_ASSERT_EQUAL(server_side.reads, 1);
    close_sides(loop, &client, &server_side);
}

static void the_loop_ends_with_sockets_open(void)
{
    int before = open_descriptors();
    side client = {0}, server_side = {0}, looked_up = {0};
    cb_loop *loop = open_sides(&client, &server_side, NULL);
    sides none = {0};
    (void)serve(loop, &none, NULL);
    look_up(loop, "slow", &looked_up, 80, NULL);
    CALL(cb_tcp_disable(client.socket, true, true, NULL));
    put(&server_side, "never read");
    cb_loop_release(&loop);
    let_go_slow_ones(1);
    CU_ASSERT_EQUAL(client.errors + server_side.errors + looked_up.errors, 3);
    CU_ASSERT_EQUAL(client.closes + server_side.closes + looked_up.closes, 3);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void an_unconnected_socket_can_be_closed(void)
{
    cb_loop *loop = open_loop();
    side client = {0};
    CALL(cb_tcp_socket_new(loop, &noted, NULL, &client, &client.socket, NULL));
    put(&client, "for nobody");
    CALL(cb_tcp_close(client.socket, NULL));
    finish(loop, &client);
    CU_ASSERT_EQUAL(client.closes, 1);
}

/* -- servers ---------------------------------------------------------------------------------- */

static void an_address_in_use_is_told_with_address_and_port(void)
{
    cb_loop *loop = open_loop();
    sides none = {0};
    cb_tcp_server *server = serve(loop, &none, NULL), *second;
    cb_error error;
    uint16_t port = cb_tcp_server_port(server);
    char number[8];
    snprintf(number, sizeof number, "%u", (unsigned)port);
    REFUSED(cb_tcp_server_open(loop, "127.0.0.1", port, &noted, NULL, NULL, &second, &error),
            CB_IO);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_EQUAL(error.sys_errno, EADDRINUSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "127.0.0.1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, number));
    REFUSED(cb_tcp_server_open(loop, "no address", 0, &noted, NULL, NULL, &second, NULL),
            CB_INVALID);
    cb_tcp_server_close(&server);
    cb_tcp_server_close(&server);
    run_all(loop);
    cb_loop_release(&loop);
}

static void connections_live_on_when_their_server_closes(void)
{
    cb_loop *loop = open_loop();
    side clients[3] = {{0}}, servers[3] = {{0}};
    sides all = {servers, 3, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    dial(loop, cb_tcp_server_port(server), &clients[0], NULL);
    UNTIL(all.used == 1 && clients[0].connects == 1);
    /* Two more that the kernel accepts while nobody ticks: they are served too. */
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons(cb_tcp_server_port(server)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int late[2];
    for (int i = 0; i < 2; i++) {
        late[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CU_ASSERT_EQUAL(connect(late[i], (struct sockaddr *)&where, sizeof where), 0);
        CU_ASSERT_EQUAL(send(late[i], "late", 4, 0), 4);
    }
    cb_tcp_server_close(&server);
    UNTIL(all.used == 3 && servers[1].size == 4 && servers[2].size == 4);
    put(&servers[0], "still here");
    UNTIL(got(&clients[0], "still here"));
    for (int i = 0; i < 2; i++) {
        (void)close(late[i]);
        UNTIL(servers[i + 1].eofs == 1);
        CALL(cb_tcp_close(servers[i + 1].socket, NULL));
    }
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_NOT_EQUAL(connect(refused, (struct sockaddr *)&where, sizeof where), 0);
    (void)close(refused);
    close_sides(loop, &clients[0], &servers[0]);
    free(servers[1].bytes);
    free(servers[2].bytes);
}

static void a_paused_server_takes_clients_when_it_goes_on(void)
{
    cb_loop *loop = open_loop();
    enum { CLIENTS = 40 };
    static side clients[CLIENTS], servers[CLIENTS];
    memset(clients, 0, sizeof clients);
    memset(servers, 0, sizeof servers);
    sides all = {servers, CLIENTS, 0};
    cb_tcp_server *server = serve(loop, &all, NULL);
    cb_tcp_server_pause(server);
    for (int i = 0; i < CLIENTS; i++)
        dial(loop, cb_tcp_server_port(server), &clients[i], NULL);
    UNTIL(clients[CLIENTS - 1].connects == 1);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(cb_loop_tick(loop, MS, NULL), CB_OK);
    CU_ASSERT(all.used <= CB_TCP_ACCEPTS);
    cb_tcp_server_resume(server);
    UNTIL(all.used == CLIENTS);
    cb_tcp_server_close(&server);
    for (int i = 0; i < CLIENTS; i++) {
        CALL(cb_tcp_close(clients[i].socket, NULL));
        CALL(cb_tcp_close(servers[i].socket, NULL));
    }
    run_all(loop);
    cb_loop_release(&loop);
}

int main(void)
{
    if (sem_init(&slow_ones, 0, 0) != 0)
        return EXIT_FAILURE;
    static const CU_TestInfo tests[] = {
        TEST(kinds_form_the_hierarchy),
        TEST(without_an_event_callback_the_default_is_told),
        TEST(without_any_event_callback_the_end_closes),
        TEST(a_refused_connection_is_an_event),
        TEST(a_name_that_does_not_resolve_is_an_event),
        TEST(addresses_are_tried_in_order),
        TEST(when_all_addresses_fail_there_is_one_event),
        KERNEL_TEST(a_real_name_is_found),
        TEST(a_slow_look_up_holds_nobody_up),
        TEST(what_cannot_be_a_destination_is_refused_at_once),
        TEST(a_second_close_is_an_error),
        TEST(an_abort_is_a_reset_for_the_peer),
        TEST(closing_inside_a_callback_is_safe),
        TEST(the_loop_ends_with_sockets_open),
        TEST(an_unconnected_socket_can_be_closed),
        TEST(an_address_in_use_is_told_with_address_and_port),
        KERNEL_TEST(connections_live_on_when_their_server_closes),
        TEST(a_paused_server_takes_clients_when_it_goes_on),
        CU_TEST_INFO_NULL,
    };
    return run_tests("tcp life", tests);
}
