/* Services by name: from a script's own plugins, and from those that the runtime finds itself. */
#include <CUnit/Basic.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/host/loader.h"
#include "bridge/host/plugin_file.h"
#include "bridge/host/services.h"
#include "callboard/tls.h"

static char build[PATH_MAX]; /* the test lies in its tests/unit */
static char wrong[PATH_MAX + 32];
static char plugins[PATH_MAX + 32];

typedef struct house {
    cb_loader *loader;
    cb_services *services;
} house;

static house open_house(void)
{
    house made = {0};
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&made.loader, NULL), CB_OK);
    CU_ASSERT_EQUAL_FATAL(cb_services_new(made.loader, &made.services, NULL), CB_OK);
    return made;
}

static void close_house(house *made)
{
    cb_services_free(&made->services);
    cb_loader_free(&made->loader);
    CU_ASSERT_PTR_NULL(made->services);
}

static void load(house *made, const char *folder, const char *path)
{
    const cb_catalog *catalog = cb_loader_catalog(made->loader);
    const cb_namespace *out = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(catalog->load(catalog->user, path, folder, &out, &error), CB_OK);
    if (out == NULL)
        fprintf(stderr, "%s\n", error.text);
}

static void expect_error(house *made, const char *name, cb_status status, const char *text)
{
    cb_error error = {0};
    CU_ASSERT_PTR_NULL(cb_services_find(made->services, name, &error));
    CU_ASSERT_EQUAL(error.status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
    if (strstr(error.text, text) == NULL)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", error.text, text);
}

static void test_own_plugins(void)
{
    house made = open_house();
    expect_error(&made, "offers.number", CB_UNKNOWN, "no plugin offers the service offers.number");
    load(&made, wrong, "twin_a");
    load(&made, wrong, "service_other");
    const int *number = cb_services_find(made.services, "offers.number", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(number);
    CU_ASSERT_EQUAL(*number, 42);
    expect_error(&made, "offers.else", CB_UNKNOWN, "no plugin offers the service offers.else");
    expect_error(&made, CB_TLS_SERVICE, CB_MISMATCH,
                 "service_other.so has version 99 of tls.provider; version 1 is needed");
    close_house(&made);
}

static void test_no_pointer(void)
{
    house made = open_house();
    const cb_catalog *catalog = cb_loader_catalog(made.loader);
    const cb_namespace *out = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL(catalog->load(catalog->user, "service_nothing", wrong, &out, &error),
                    CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the service offers.nothing is nothing"));
    close_house(&made);
}

/* The plugin that is loaded for its service gives the script no verbs. */
static void test_loaded_when_asked(void)
{
    CU_ASSERT_EQUAL(setenv("CALLBOARD_PLUGIN_PATH", plugins, 1), 0);
    house made = open_house();
    cb_error error = {0};
    const cb_tls_provider *tls = cb_services_find(made.services, CB_TLS_SERVICE, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tls);
    CU_ASSERT_EQUAL(tls->abi, CB_TLS_ABI);
    CU_ASSERT_EQUAL(cb_loader_count(made.loader), 0);
    CU_ASSERT_PTR_EQUAL(cb_services_find(made.services, CB_TLS_SERVICE, NULL), tls);
    load(&made, plugins, "tls/TlsPlugin");
    CU_ASSERT_PTR_EQUAL(cb_services_find(made.services, CB_TLS_SERVICE, NULL), tls);
    close_house(&made);
}

/* What lies in the working directory is not what was installed. */
static void test_not_there(void)
{
    char before[PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
    CU_ASSERT_EQUAL(setenv("CALLBOARD_PLUGIN_PATH", "/nowhere", 1), 0);
    CU_ASSERT_EQUAL(chdir(plugins), 0);
    house made = open_house();
    expect_error(&made, CB_TLS_SERVICE, CB_IO,
                 "plugin \"tls/TlsPlugin\" not found: no tls/TlsPlugin.so in /nowhere");
    /* A later try may find it. */
    CU_ASSERT_EQUAL(setenv("CALLBOARD_PLUGIN_PATH", plugins, 1), 0);
    CU_ASSERT_PTR_NOT_NULL(cb_services_find(made.services, CB_TLS_SERVICE, NULL));
    close_house(&made);
    CU_ASSERT_EQUAL(chdir(before), 0);
}

static void *find(void *user)
{
    house *made = user;
    return (void *)(uintptr_t)cb_services_find(made->services, CB_TLS_SERVICE, NULL);
}

static void test_threads(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    CU_ASSERT_EQUAL(setenv("CALLBOARD_PLUGIN_PATH", plugins, 1), 0);
    house made = open_house();
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, find, &made), 0);
    const void *tls = cb_services_find(made.services, CB_TLS_SERVICE, NULL);
    CU_ASSERT_PTR_NOT_NULL(tls);
    for (int i = 0; i < THREADS; i++) {
        void *found = NULL;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &found), 0);
        CU_ASSERT_PTR_EQUAL(found, tls);
    }
    close_house(&made);
}

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", build, sizeof build - 1);
    if (length <= 0 || CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    build[length] = '\0';
    const char *folder = dirname(dirname(dirname(build)));
    (void)snprintf(wrong, sizeof wrong, "%s/tests/plugins_bad", folder);
    (void)snprintf(plugins, sizeof plugins, "%s/plugins", folder);
    CU_pSuite suite = CU_add_suite("services", NULL, NULL);
    (void)CU_add_test(suite, "from the script's own plugins", test_own_plugins);
    (void)CU_add_test(suite, "a service that is nothing", test_no_pointer);
    (void)CU_add_test(suite, "loaded when asked for", test_loaded_when_asked);
    (void)CU_add_test(suite, "a plugin that is not there", test_not_there);
    (void)CU_add_test(suite, "asked for by many threads", test_threads);
    CU_basic_set_mode(CU_BRM_NORMAL);
    (void)CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}
