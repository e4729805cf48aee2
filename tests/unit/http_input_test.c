/* How a connection's bytes are cut into requests: where they lie, and what is copied. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdlib.h>
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
    /* The next one is begun anew, and without bytes it begins at the beginning. */
    CU_ASSERT_EQUAL(input->request.state, CB_HTTP_AT_BEGIN);
    CU_ASSERT_EQUAL(input->request.fault, CB_HTTP_NONE);
    CU_ASSERT(input->bytes != NULL || input->at == 0);
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

static void memory_is_given_back_with_the_last_request(void)
{
    cb_http_input input = {0};
    for (int i = 0; i < 3; i++) {
        add(&input, GET GET);
        expect(&input, GET);
        CU_ASSERT_PTR_NOT_NULL(input.bytes);
        expect(&input, GET);
        CU_ASSERT_PTR_NULL(input.bytes);
    }
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

/* `size` bytes of a request that is not whole: a head without an end. */
static void add_beginning(cb_http_input *input, size_t size)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    char *text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'x', size);
    memcpy(text, head, size < sizeof head ? size : sizeof head - 1);
    CU_ASSERT_EQUAL(cb_http_input_add(input, text, size), CB_OK);
    free(text);
}

/* A request of exactly `size` bytes in all, with 'b' for a body. */
static void fill_request(char *text, size_t size)
{
    size_t body;
    size_t head = 55;
    do {
        body = size - head;
        head = (size_t)snprintf(text, size, POST, body);
    } while (head + body != size);
    memset(text + head, 'b', size - head);
}

static void an_empty_line_leaves_the_memory_of_a_request(void)
{
    static const char *const behind[] = {"", "GET", GET};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        cb_http_input input = {0};
        fill_request(text, 100);
        text[100] = '\0';
        add(&input, "\r\n");
        add(&input, text);
        add(&input, behind[i]);
        const void *there = input.bytes->data;
        CU_ASSERT_EQUAL_FATAL(frame(&input), CB_HTTP_DONE);
        cb_buffer *request = cb_http_input_cut(&input);
        CU_ASSERT_PTR_EQUAL(request->data, there);
        CU_ASSERT_EQUAL_FATAL(request->size, 100);
        CU_ASSERT_EQUAL(memcmp(request->data, text, 100), 0);
        CU_ASSERT_EQUAL(cb_http_input_size(&input), strlen(behind[i]));
        cb_buffer_release(request);
        if (i == 1)
            add(&input, GET + 3);
        if (i > 0)
            expect(&input, GET);
        CU_ASSERT_PTR_NULL(input.bytes);
    }
}

/* The shorter part is copied; of two equal ones, the first. */
static void the_shorter_part_is_copied(void)
{
    for (size_t rest = 98; rest <= 101; rest++) {
        char text[256];
        cb_http_input input = {0};
        fill_request(text, 100);
        memset(text + 100, 'G', rest);
        CU_ASSERT_EQUAL(cb_http_input_add(&input, text, 100 + rest), CB_OK);
        const void *there = input.bytes->data;
        CU_ASSERT_EQUAL_FATAL(frame(&input), CB_HTTP_DONE);
        cb_buffer *request = cb_http_input_cut(&input);
        CU_ASSERT_EQUAL(request->data == there, rest < 100);
        CU_ASSERT_EQUAL(input.bytes->data == there, rest >= 100);
        CU_ASSERT_EQUAL(request->size, 100);
        CU_ASSERT_EQUAL(memcmp(request->data, text, 100), 0);
        CU_ASSERT_EQUAL(cb_http_input_size(&input), rest);
        CU_ASSERT_EQUAL(input.bytes->data[input.at], 'G');
        cb_buffer_release(request);
        cb_http_input_clear(&input);
        CU_ASSERT_PTR_NULL(input.bytes);
        CU_ASSERT_EQUAL(input.at, 0);
        CU_ASSERT_EQUAL(input.request.state, CB_HTTP_AT_BEGIN);
    }
}

/* Bytes move only where they would not fit otherwise, and only then there is more memory. */
static void requests_move_only_for_room(void)
{
    cb_http_input input = {0};
    add(&input, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3");
    size_t capacity = input.bytes->capacity;
    size_t size = input.bytes->size;
    CU_ASSERT_EQUAL(capacity, size + 64);
    expect(&input, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT_EQUAL(input.at, 28);
    add(&input, " HTTP/1.1\r\nHost: a\r\nX: 0123456789012345678901234567890123456789");
    CU_ASSERT_EQUAL(input.bytes->capacity - input.bytes->size, 1);
    add(&input, "a");
    CU_ASSERT_EQUAL(input.at, 28); /* it has fitted */
    add(&input, "b");
    CU_ASSERT_EQUAL(input.at, 0);
    CU_ASSERT_EQUAL(input.bytes->capacity, capacity);
    CU_ASSERT_EQUAL(input.bytes->size, size + 65 - 28);
    add(&input, "\r\n\r\nGET /4 HTTP/1.1\r\nHo");
    CU_ASSERT_EQUAL(input.bytes->capacity, capacity);
    expect(&input, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(&input, "GET /3 HTTP/1.1\r\nHost: a\r\n"
                   "X: 0123456789012345678901234567890123456789ab\r\n\r\n");
    add(&input, "st: a\r\n\r\n");
    expect(&input, "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT_PTR_NULL(input.bytes);
    add(&input, GET);
    expect(&input, GET);
}

/* What does not fit gets twice the memory, or as much as it takes. */
static void memory_is_doubled(void)
{
    cb_http_input input = {0};
    add_beginning(&input, 100);
    CU_ASSERT_EQUAL(input.bytes->capacity, 164);
    add(&input, "0123456789012345678901234567890123456789012345678901234567890123");
    CU_ASSERT_EQUAL(input.bytes->capacity, 164);
    add(&input, "a");
    CU_ASSERT_EQUAL(input.bytes->capacity, 328);
    add_beginning(&input, 1000);
    CU_ASSERT_EQUAL(input.bytes->capacity, 1165);
    cb_http_input_clear(&input);
}

static void no_memory_takes_nothing(void)
{
    cb_http_input input = {0};
    CU_ASSERT_EQUAL(cb_http_input_add(&input, GET, SIZE_MAX / 2), CB_NO_MEMORY);
    CU_ASSERT_PTR_NULL(input.bytes);
    add(&input, GET "GET /");
    expect(&input, GET);
    CU_ASSERT_EQUAL(cb_http_input_add(&input, GET, SIZE_MAX / 2), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(cb_http_input_size(&input), 5);
    add(&input, " HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(&input, GET);
}

typedef struct reserved {
    size_t there;    /* bytes of an endless head */
    size_t capacity; /* after room was reserved */
} reserved;

/* As much again as has come, from 2 KiB to 256 KiB; but nothing for less than 1 KiB. */
static void room_is_in_proportion(void)
{
    static const reserved rows[] = {
        {1023, 1023 + 64},    {1024, 1024 + 2048},       {2047, 2047 + 2048},
        {2048, 2 * 2048},     {2049, 2 * 2049},          {262143, 2 * 262143},
        {262144, 2 * 262144}, {262145, 262145 + 262144}, {300000, 300000 + 262144},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = 0;
        cb_http_input input = {0};
        add_beginning(&input, rows[i].there);
        cb_http_input_reserve(&input);
        CU_ASSERT_EQUAL(input.bytes->capacity, rows[i].capacity);
        const uint8_t *room = cb_http_input_room(&input, &size);
        CU_ASSERT_EQUAL(room != NULL, rows[i].there >= 1024);
        if (room != NULL) {
            CU_ASSERT_PTR_EQUAL(room, input.bytes->data + rows[i].there);
            CU_ASSERT_EQUAL(size, rows[i].capacity - rows[i].there);
        }
        cb_http_input_clear(&input);
    }
}

/* No more is reserved while 1 KiB is left. */
static void room_is_used_up_first(void)
{
    size_t size = 0;
    cb_http_input input = {0};
    add_beginning(&input, 1024);
    cb_http_input_reserve(&input);
    add_beginning(&input, 1024);
    cb_http_input_reserve(&input);
    CU_ASSERT_EQUAL(input.bytes->capacity, 3072);
    add(&input, "x");
    cb_http_input_reserve(&input);
    CU_ASSERT_EQUAL(input.bytes->capacity, 4608); /* 2049 more would be less than half as much */
    add_beginning(&input, 4608 - 2049 - 1);
    CU_ASSERT_PTR_NOT_NULL(cb_http_input_room(&input, &size));
    CU_ASSERT_EQUAL(size, 1);
    add(&input, "x");
    CU_ASSERT_PTR_NULL(cb_http_input_room(&input, &size));
    cb_http_input_clear(&input);
}

/* Of a body that misses so many bytes of 5000. */
static size_t room_for_rest(size_t missing)
{
    char text[5000];
    size_t room = 0;
    cb_http_input input = {0};
    fill_request(text, sizeof text);
    CU_ASSERT_EQUAL(cb_http_input_add(&input, text, sizeof text - missing), CB_OK);
    CU_ASSERT_EQUAL(frame(&input), missing == 0 ? CB_HTTP_DONE : CB_HTTP_PARTIAL);
    cb_http_input_reserve(&input);
    CU_ASSERT_PTR_NOT_NULL(cb_http_input_room(&input, &room));
    CU_ASSERT(room <= input.bytes->capacity - input.bytes->size);
    if (missing > 0 && missing <= 64)
        CU_ASSERT_EQUAL(input.bytes->capacity, sizeof text - missing + 64);
    cb_http_input_clear(&input);
    return room;
}

static void room_is_for_what_is_missing(void)
{
    CU_ASSERT_EQUAL(room_for_rest(1), 1);
    CU_ASSERT_EQUAL(room_for_rest(63), 63);
    CU_ASSERT_EQUAL(room_for_rest(64), 64);
    CU_ASSERT_EQUAL(room_for_rest(65), 65);
    CU_ASSERT_EQUAL(room_for_rest(1000), 1000);
    CU_ASSERT(room_for_rest(3000) < 3000); /* for 2000 that have come */
    /* Behind a whole one is room for the next. */
    CU_ASSERT(room_for_rest(0) >= 64);
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
    CU_ADD_TEST(suite, memory_is_given_back_with_the_last_request);
    CU_ADD_TEST(suite, an_empty_line_before_a_request_is_no_part_of_it);
    CU_ADD_TEST(suite, a_small_beginning_gets_no_room);
    CU_ADD_TEST(suite, a_long_body_is_received_in_place);
    CU_ADD_TEST(suite, room_ends_where_a_known_body_ends);
    CU_ADD_TEST(suite, what_was_cut_out_does_not_pile_up);
    CU_ADD_TEST(suite, an_empty_line_leaves_the_memory_of_a_request);
    CU_ADD_TEST(suite, the_shorter_part_is_copied);
    CU_ADD_TEST(suite, requests_move_only_for_room);
    CU_ADD_TEST(suite, memory_is_doubled);
    CU_ADD_TEST(suite, no_memory_takes_nothing);
    CU_ADD_TEST(suite, room_is_in_proportion);
    CU_ADD_TEST(suite, room_is_used_up_first);
    CU_ADD_TEST(suite, room_is_for_what_is_missing);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
