/* Figures as text: names, labels, escapes, buckets; and nothing that is too much. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/utf8.h"
#include "actors/metrics/render.h"

static cb_metrics_row rows[8];
static cb_metrics_space spaces[2];
static cb_snapshot snapshot;
static char *page;

static void begin(void)
{
    memset(rows, 0, sizeof rows);
    memset(spaces, 0, sizeof spaces);
    snapshot = (cb_snapshot){.rows = rows, .spaces = spaces};
    snapshot.names[1] = "callbacktcp";
}

static void render(void)
{
    cb_buffer *text = cb_metrics_render(&snapshot, 1700000000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    free(page);
    page = strndup((const char *)text->data, text->size);
    CU_ASSERT_EQUAL(strlen(page), text->size);
    cb_buffer_release(text);
}

/* How often a whole line stands on the page. */
static int lines(const char *line)
{
    int count = 0;
    size_t size = strlen(line);
    for (const char *at = page; at != NULL && *at != '\0';) {
        const char *end = strchr(at, '\n');
        count += (size_t)(end - at) == size && memcmp(at, line, size) == 0;
        at = end + 1;
    }
    return count;
}

static int has(const char *part)
{
    return strstr(page, part) != NULL;
}

static cb_metrics_row *add_row(cb_tally_kind kind)
{
    cb_metrics_row *row = &rows[snapshot.row_count++];
    row->tally.kind = kind;
    row->tally.name_space = 1;
    return row;
}

static void test_globals(void)
{
    begin();
    snapshot.inputs = UINT64_MAX;
    snapshot.shutting_down = true;
    snapshot.actors[CB_METRICS_PARKED] = 3;
    spaces[0] = (cb_metrics_space){
        .name_space = 1, .open_routes = 2, .connections = 5, .untaken = UINT64_C(1) << 40};
    spaces[1] = (cb_metrics_space){.name_space = 9};
    snapshot.space_count = 2;
    render();
    CU_ASSERT_EQUAL(lines("callboard_supervisor_inputs_total 18446744073709551615"), 1);
    CU_ASSERT_EQUAL(lines("# TYPE callboard_supervisor_inputs_total counter"), 1);
    CU_ASSERT_EQUAL(lines("callboard_shutting_down 1"), 1);
    CU_ASSERT_EQUAL(lines("callboard_start_time_seconds 1700000000"), 1);
    CU_ASSERT_EQUAL(lines("callboard_actors{state=\"parked\"} 3"), 1);
    CU_ASSERT_EQUAL(lines("callboard_routes_open{namespace=\"callbacktcp\"} 2"), 1);
    CU_ASSERT_EQUAL(lines("callboard_connections{namespace=\"callbacktcp\"} 5"), 1);
    CU_ASSERT_EQUAL(lines("callboard_jobs_untaken{namespace=\"callbacktcp\"} 1099511627776"), 1);
    CU_ASSERT_EQUAL(lines("callboard_routes_open{namespace=\"9\"} 0"), 1);
    CU_ASSERT_EQUAL(page[strlen(page) - 1], '\n');
}

static void test_route(void)
{
    begin();
    cb_metrics_row *row = add_row(CB_TALLY_ROUTE);
    row->id = 7;
    row->port = 8080;
    row->word = cb_route_word(CB_ROUTE_TCP | CB_ROUTE_ANY_ADDRESS, 0);
    row->open = true;
    strcpy(row->callback, "Echo");
    row->tally.begun = 12;
    row->tally.ended[CB_JOB_CALLBACK_FAILED] = 2;
    row->tally.ended[CB_TALLY_UNSENT] = 1;
    row->tally.phases[CB_TALLY_RUNNING] = 4;
    row->tally.closed[CB_CLOSE_IDLE] = 6;
    row->tally.received_bytes = 100;
    render();
    CU_ASSERT_EQUAL(lines("callboard_route_info{namespace=\"callbacktcp\",route=\"7\",kind=\"tcp\","
                          "port=\"8080\",callback=\"Echo\"} 1"),
                    1);
#define R "{namespace=\"callbacktcp\",route=\"7\""
    CU_ASSERT_EQUAL(lines("callboard_jobs_begun_total" R "} 12"), 1);
    CU_ASSERT_EQUAL(lines("callboard_jobs_ended_total" R ",outcome=\"success\"} 0"), 1);
    CU_ASSERT_EQUAL(lines("callboard_jobs_ended_total" R ",outcome=\"callback_failed\"} 2"), 1);
    CU_ASSERT_EQUAL(lines("callboard_jobs_ended_total" R ",outcome=\"unsent\"} 1"), 1);
    CU_ASSERT_FALSE(has("outcome=\"overloaded\""));
    CU_ASSERT_EQUAL(lines("callboard_jobs" R ",phase=\"running\"} 4"), 1);
    CU_ASSERT_EQUAL(
        lines("callboard_connections_ended_total" R ",reason=\"nothing_sent_in_time\"} 6"), 1);
    CU_ASSERT_EQUAL(lines("callboard_received_bytes_total" R "} 100"), 1);
    CU_ASSERT_FALSE(has("client_jobs_begun_total{"));
}

static void test_histogram(void)
{
    begin();
    cb_metrics_row *row = add_row(CB_TALLY_ROUTE);
    row->id = 7;
    cb_histogram_observe(&row->tally.run, 10000);
    cb_histogram_observe(&row->tally.run, 1000000);
    cb_histogram_observe(&row->tally.run, 1000001);
    cb_histogram_observe(&row->tally.run, INT64_C(11000000000));
    render();
    CU_ASSERT_EQUAL(lines("# TYPE callboard_job_run_seconds histogram"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"0.00001\"} 1"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"0.0005\"} 1"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"0.001\"} 2"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"0.0025\"} 3"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"10\"} 3"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_bucket" R ",le=\"+Inf\"} 4"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_sum" R "} 11.002010001"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_run_seconds_count" R "} 4"), 1);
    CU_ASSERT_EQUAL(lines("callboard_job_queue_seconds_sum" R "} 0.000000000"), 1);
}

static void test_kinds(void)
{
    begin();
    add_row(CB_TALLY_OTHERS)->tally.begun = 1;
    add_row(CB_TALLY_ALONE)->tally.begun = 2;
    add_row(CB_TALLY_CLIENT)->tally.begun = 3;
    render();
    CU_ASSERT_EQUAL(
        lines("callboard_jobs_begun_total{namespace=\"callbacktcp\",route=\"others\"} 1"), 1);
    CU_ASSERT_EQUAL(lines("callboard_jobs_begun_total{namespace=\"callbacktcp\",route=\"none\"} 2"),
                    1);
    CU_ASSERT_EQUAL(lines("callboard_client_jobs_begun_total{namespace=\"callbacktcp\"} 3"), 1);
    CU_ASSERT_FALSE(has("callboard_route_info{"));
    begin();
    add_row(CB_TALLY_OTHERS);
    add_row(CB_TALLY_CLIENT);
    render();
    CU_ASSERT_FALSE(has("route=\"others\""));
    CU_ASSERT_FALSE(has("client_jobs{"));
}

static void test_escapes(void)
{
    begin();
    snapshot.names[1] = "a\"b\\c\nd\xFF\xC3\xA9";
    spaces[0].name_space = 1;
    snapshot.space_count = 1;
    render();
    CU_ASSERT_EQUAL(lines("callboard_routes_open{namespace=\"a\\\"b\\\\c\\nd" CB_UTF8_REPLACEMENT
                          "\xC3\xA9\"} 0"),
                    1);
    /* A name with no end, all of which has to be escaped, is cut and closed. */
    static char longest[5000];
    memset(longest, '"', sizeof longest - 1);
    snapshot.names[1] = longest;
    cb_metrics_row *row = add_row(CB_TALLY_ROUTE);
    memset(row->callback, '\\', CB_METRICS_NAME_SIZE - 1);
    render();
    CU_ASSERT(has("\\\"\"} 0\n"));
    CU_ASSERT(has("\\\\\"} 0\n"));
}

static void test_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        size_t taken;
    } rows_of[] = {{"", 0, 0},
                   {"a", 1, 1},
                   {"\x00", 1, 1},
                   {"\x7F", 1, 1},
                   {"\x80", 1, 0},
                   {"\xC1\xBF", 2, 0},
                   {"\xC2\x80", 2, 2},
                   {"\xC2", 1, 0},
                   {"\xDF\xBF", 2, 2},
                   {"\xE0\x9F\xBF", 3, 0},
                   {"\xE0\xA0\x80", 3, 3},
                   {"\xED\x9F\xBF", 3, 3},
                   {"\xED\xA0\x80", 3, 0},
                   {"\xEF\xBF\xBD", 3, 3},
                   {"\xE1\x80", 2, 0},
                   {"\xE1\x80\x41", 3, 0},
                   {"\xF0\x8F\xBF\xBF", 4, 0},
                   {"\xF0\x90\x80\x80", 4, 4},
                   {"\xF4\x8F\xBF\xBF", 4, 4},
                   {"\xF4\x90\x80\x80", 4, 0},
                   {"\xF5\x80\x80\x80", 4, 0},
                   {"\xFF", 1, 0}};
    for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++)
        CU_ASSERT_EQUAL(cb_utf8_size(rows_of[i].bytes, rows_of[i].size), rows_of[i].taken);
}

int main(void)
{
    static const CU_TestInfo tests[] = {{"of the whole program", test_globals},
                                        {"of a route", test_route},
                                        {"histograms", test_histogram},
                                        {"kinds of tallies", test_kinds},
                                        {"escapes", test_escapes},
                                        {"UTF-8", test_utf8},
                                        CU_TEST_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("metrics: text", NULL, NULL);
    for (const CU_TestInfo *test = tests; test->pName != NULL; test++)
        CU_add_test(suite, test->pName, test->pTestFunc);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    free(page);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
