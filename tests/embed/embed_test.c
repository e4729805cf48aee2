/* A program that links libcallboard.so and sees only its public headers: what is exported must be
 * enough to serve. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "callboard/runtime.h"

#define NAME_SPACE 1

static void shout(void *user, cb_job *job)
{
    (void)user;
    if (cb_buffer_writable(&job->request, 0) != CB_OK) {
        job->status = CB_JOB_CALLBACK_FAILED;
        return;
    }
    for (size_t i = 0; i < job->request->size; i++)
        job->request->data[i] = (uint8_t)toupper(job->request->data[i]);
    job->result = job->request;
    job->request = NULL;
}

static int64_t open_route(cb_asker *asker)
{
    cb_route_options options = {.kind = CB_ROUTE_TCP, .callback = "shout", .timeout_ms = 5000};
    int64_t route = 0;
    cb_error error = {.text = ""};
    CU_ASSERT_EQUAL_FATAL(cb_route_open(asker, NAME_SPACE, &options, &route, &error), CB_OK);
    return route;
}

static void exchange(cb_asker *asker, int64_t route, const char *request, const char *response)
{
    cb_job_options options = {
        .route_id = route, .request = cb_buffer_copy(request, strlen(request)), .timeout_ms = 5000};
    int64_t job = 0;
    int happened = 0;
    int status = CB_JOB_PENDING;
    cb_buffer *result = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_job_begin(asker, NAME_SPACE, &options, &job), CB_OK);
    CU_ASSERT_EQUAL(cb_wait(asker, NAME_SPACE, CB_WAIT_JOB_COMPLETE, job, -1, &happened), CB_OK);
    CU_ASSERT_EQUAL(happened, 1);
    CU_ASSERT_EQUAL(cb_job_take(asker, NAME_SPACE, job, true, &result, &status), CB_OK);
    CU_ASSERT_EQUAL(status, CB_JOB_SUCCESS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(result);
    CU_ASSERT_EQUAL(result->size, strlen(response));
    CU_ASSERT_EQUAL(memcmp(result->data, response, strlen(response)), 0);
    cb_buffer_release(result);
}

static void a_program_serves_with_the_library_alone(void)
{
    cb_runtime_options options = {.limits = cb_limits_default(), .run_job = shout};
    cb_runtime *runtime = NULL;
    cb_asker *asker = NULL;
    cb_error error = {.text = ""};
    CU_ASSERT_EQUAL_FATAL(cb_runtime_start(&options, &runtime, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_runtime_name_space(runtime, NAME_SPACE, "embed", &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_asker_open(runtime, &asker, &error), CB_OK);

    int64_t route = open_route(asker);
    exchange(asker, route, "hello", "HELLO");
    cb_question question = {.what = CB_ASK_ROUTE_DRAINED, .id = route};
    CU_ASSERT_EQUAL(cb_ask(asker, NAME_SPACE, &question, 1), CB_OK);
    CU_ASSERT_EQUAL(question.value, 1);
    int64_t canceled = -1;
    CU_ASSERT_EQUAL(cb_route_close(asker, NAME_SPACE, route, &canceled), CB_OK);
    CU_ASSERT_EQUAL(canceled, 0);

    cb_asker_close(&asker);
    CU_ASSERT_EQUAL(cb_runtime_stop(&runtime, &error), CB_OK);
    CU_ASSERT_PTR_NULL(runtime);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("embed", NULL, NULL);
    CU_ADD_TEST(suite, a_program_serves_with_the_library_alone);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
