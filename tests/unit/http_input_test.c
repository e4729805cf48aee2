/* How a connection's bytes are cut into requests: where they lie, and what is copied. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <string.h>

#include "actors/io/http/input.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n"

static cb_http_limits limits(void)
{
    const cb_limits all = cb_limits_default();
    return cb_http_limits_from(&all);
}

static void add(cb_http_input *input, const char *text)
{
    CU_ASSERT_EQUAL(cb_http_input_add(input, text, strlen(text)), CB_OK);
}

static cb_http_progress frame(cb_http_input *input)
{
    const cb_http_limits most = limits();
    return cb_http_input_frame(input, &most);
}

/* The next request is whole and says this. */
static void expect(cb_http_input *input, const char *text)
{
    CU_ASSERT_EQUAL_FATAL(frame(input), CB_HTTP_DONE);
    cb_buffer *request = cb_http_input_cut(input);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    CU_ASSERT_EQUAL_FATAL(request->size, strlen(text));
    CU_ASSERT_EQUAL(memcmp(request->data, text, request->size), 0);
    cb_buffer_release(request);
}

static void a_request_leaves_with_its_memory(void)
{
    cb_http_input input = {0};
    add(&input, GET);
    const void *there = input.bytes->data;
    CU_ASSERT_EQUAL_FATAL(frame(&input), CB_HTTP_DONE);
    cb_buffer *request = cb_http_input_cut(&input);
    CU_ASSERT_PTR_EQUAL(request->data, there);
    CU_ASSERT_PTR_NULL(input.bytes);
    CU_ASSERT_EQUAL(cb_http_input_size(&input), 0);
    CU_ASSERT_EQUAL(frame(&input), CB_HTTP_PARTIAL);
    cb_buffer_release(request);
}

static void requests_of_one_piece_are_told_apart(void)
{
    cb_http_input input = {0};
    add(&input, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /4");
    expect(&input, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(&input, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(&input, "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    CU_ASSERT_EQUAL(frame(&input), CB_HTTP_PARTIAL);
    CU_ASSERT_EQUAL(cb_http_input_size(&input), 6);
    add(&input, " HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(&input, "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT_PTR_NULL(input.bytes);
}

static void a_long_request_before_a_short_one_keeps_its_memory(void)
{
    cb_http_input input = {0};
    add(&input, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n"
                "012345678901234567890123456789012345678901234567890123456789" GET);
    const void *there = input.bytes->data;
    CU_ASSERT_EQUAL_FATAL(frame(&input), CB_HTTP_DONE);
    cb_buffer *request = cb_http_input_cut(&input);
    CU_ASSERT_PTR_EQUAL(request->data, there);
    cb_buffer_release(request);
    expect(&input, GET);
}

static void an_empty_line_before_a_request_is_no_part_of_it(void)
{
    cb_http_input input = {0};
    add(&input, "\r\n" GET "\r\n" GET GET);
    expect(&input, GET);
    expect(&input, GET);
    expect(&input, GET);
    CU_ASSERT_PTR_NULL(input.bytes);
}

static void a_small_beginning_gets_no_room(void)
{
    size_t size = 0;
    cb_http_input input = {0};
    CU_ASSERT_PTR_NULL(cb_http_input_room(&input, &size));
    cb_http_input_reserve(&input);
    CU_ASSERT_PTR_NULL(input.bytes);
    add(&input, "GET / HT");
    CU_ASSERT_EQUAL(frame(&input), CB_HTTP_PARTIAL);
    cb_http_input_reserve(&input);
    CU_ASSERT_PTR_NULL(cb_http_input_room(&input, &size));
    cb_http_input_clear(&input);
    CU_ASSERT_PTR_NULL(input.bytes);
}

/* Fills the room again and again; returns how much memory was there at most for each byte. */
static double fill(cb_http_input *input)
{
    double most = 0;
    for (;;) {
        size_t room = 0;
        if (frame(input) != CB_HTTP_PARTIAL)
            return most;
        cb_http_input_reserve(input);
        uint8_t *place = cb_http_input_room(input, &room);
        CU_ASSERT_PTR_NOT_NULL_FATAL(place);
        CU_ASSERT_FATAL(room > 0);
        double ratio = (double)input->bytes->capacity / (double)input->bytes->size;
        most = ratio > most ? ratio : most;
        memset(place, 'b', room);
        CU_ASSERT_EQUAL_FATAL(cb_http_input_add(input, place, room), CB_OK);
    }
}

static void a_long_body_is_received_in_place(void)
{
    static char piece[3000];
    const size_t body = 5000000;
    char head[128];
    cb_http_input input = {0};
    (void)snprintf(head, sizeof head, POST, body);
    memset(piece, 'b', sizeof piece);
    add(&input, head);
    CU_ASSERT_EQUAL(cb_http_input_add(&input, piece, sizeof piece), CB_OK);
    /* Nobody gets memory for what is only promised. */
    CU_ASSERT(fill(&input) < 4);
    CU_ASSERT_EQUAL(cb_http_input_size(&input), strlen(head) + body);
    const void *there = input.bytes->data;
    cb_buffer *request = cb_http_input_cut(&input);
    CU_ASSERT_PTR_EQUAL(request->data, there);
    CU_ASSERT_EQUAL(request->size, strlen(head) + body);
    CU_ASSERT_PTR_NULL(input.bytes);
    cb_buffer_release(request);
}

static void room_ends_where_a_known_body_ends(void)
{
    static char piece[2000];
    char head[128];
    size_t room = 0;
    cb_http_input input = {0};
    (void)snprintf(head, sizeof head, POST, (size_t)2500);
    memset(piece, 'b', sizeof piece);
    add(&input, head);
    CU_ASSERT_EQUAL(cb_http_input_add(&input, piece, sizeof piece), CB_OK);
    CU_ASSERT_EQUAL(frame(&input), CB_HTTP_PARTIAL);
    cb_http_input_reserve(&input);
    CU_ASSERT_PTR_NOT_NULL(cb_http_input_room(&input, &room));
    CU_ASSERT_EQUAL(room, 500);
    cb_http_input_clear(&input);
}

/* Bytes that come ahead fill the memory that those which were cut out have left. */
static void what_was_cut_out_does_not_pile_up(void)
{
    cb_http_input input = {0};
    add(&input, GET GET GET);
    for (int i = 0; i < 10000; i++) {
        add(&input, GET);
        expect(&input, GET);
    }
    CU_ASSERT(input.bytes->capacity < 1000);
    for (int i = 0; i < 3; i++)
        expect(&input, GET);
    CU_ASSERT_PTR_NULL(input.bytes);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http input", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, a_request_leaves_with_its_memory);
    CU_ADD_TEST(suite, requests_of_one_piece_are_told_apart);
    CU_ADD_TEST(suite, a_long_request_before_a_short_one_keeps_its_memory);
    CU_ADD_TEST(suite, an_empty_line_before_a_request_is_no_part_of_it);
    CU_ADD_TEST(suite, a_small_beginning_gets_no_room);
    CU_ADD_TEST(suite, a_long_body_is_received_in_place);
    CU_ADD_TEST(suite, room_ends_where_a_known_body_ends);
    CU_ADD_TEST(suite, what_was_cut_out_does_not_pile_up);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
