/* An HTTP route over real sockets: what a client sees of it, and what the supervisor counts. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/unit/http_service.h"

static void a_connection_serves_request_after_request(void)
{
    http_service made = http_begin();
    int64_t route = http_open(&made, HTTP_HELLO);
    int fd = http_dial(&made, route);
    for (int i = 0; i < 3; i++) {
        char text[256];
        http_say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        http_hear(fd, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_DRAINED, route), 1);
        CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_COMPLETED, route), i + 1);
    }
    CU_ASSERT_EQUAL(http_ask(&made, CB_ASK_ROUTE_ACCEPTED, route), 3);
    http_hang_up(fd);
    http_end(&made);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("http listener", NULL, NULL);
    if (suite == NULL)
        return 1;
    CU_ADD_TEST(suite, a_connection_serves_request_after_request);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0 ? 1 : 0;
}
