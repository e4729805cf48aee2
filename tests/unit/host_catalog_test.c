/* What the plugin host finds, loads and refuses. The plugins are those of tests/plugins_bad. */
#include <CUnit/Basic.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/host/builtins.h"
#include "bridge/host/loader.h"
#include "bridge/host/plugin_list.h"

static char bad_folder[PATH_MAX]; /* where the wrong plugins were built */
static char folder[] = "/tmp/callboard_catalog_XXXXXX";

static cb_status load(cb_loader *loader, const char *path, const cb_namespace **out,
                      cb_error *error)
{
    const cb_catalog *catalog = cb_loader_catalog(loader);
    *error = (cb_error){0};
    return catalog->load(catalog->user, path, bad_folder, out, error);
}

static void expect_refused(const char *path, cb_status status, const char *text)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    const cb_namespace *out = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    CU_ASSERT_EQUAL(load(loader, path, &out, &error), status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
    if (strstr(error.text, text) == NULL)
        fprintf(stderr, "%s: \"%s\" lacks \"%s\"\n", path, error.text, text);
    CU_ASSERT_EQUAL(cb_loader_count(loader), 0);
    cb_loader_free(&loader);
}

static void test_refusals(void)
{
    expect_refused("wrong_abi", CB_MISMATCH, "ABI 2, this callboard has ABI 1");
    expect_refused("no_symbol", CB_FORMAT, "no symbol callboard_plugin");
    expect_refused("bad_name_space", CB_FORMAT, "\"bad-name\" is no name of a namespace");
    expect_refused("bad_signature", CB_FORMAT, "the signature of Wrong: ");
    expect_refused("duplicate_verb", CB_FORMAT, "verb One is there twice");
    expect_refused("no_function", CB_FORMAT, "verb One has no function");
    expect_refused("no_signature", CB_FORMAT, "verb One has no signature");
    expect_refused("no_name", CB_FORMAT, "verb number 1 has no valid name");
    expect_refused("no_verbs", CB_FORMAT, "a table of 0 verbs");
    expect_refused("hides_os", CB_INVALID, "os.Args is one of the runtime's own");
    expect_refused("builtin:none", CB_UNKNOWN, "no builtin namespace \"none\"; there are ");
    expect_refused("../plugins/gone/GonePlugin", CB_IO, "no gone/GonePlugin.so in ");
    expect_refused("", CB_INVALID, "no path of a plugin");
    expect_refused("folder/", CB_INVALID, "no path of a plugin");
}

static void test_no_library(void)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/Text.so", folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("this is no library\n", file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    path[strlen(path) - 3] = '\0';
    expect_refused(path, CB_IO, "cannot be loaded: ");
}

static void test_namespaces(void)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    const cb_namespace *first = NULL;
    const cb_namespace *again = NULL;
    const cb_namespace *other = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(load(loader, "twin_a", &first, &error), CB_OK);
    CU_ASSERT_STRING_EQUAL(first->name, "twin");
    CU_ASSERT_EQUAL(first->id, 1);
    CU_ASSERT_EQUAL(load(loader, "./twin_a", &again, &error), CB_OK);
    CU_ASSERT_PTR_EQUAL(first, again);
    CU_ASSERT_EQUAL(cb_loader_count(loader), 1);

    const cb_catalog_verb *verb = cb_namespace_find(first, "One");
    CU_ASSERT_PTR_NOT_NULL_FATAL(verb);
    CU_ASSERT_EQUAL(verb->signature.parameter_count, 2);
    CU_ASSERT_EQUAL(verb->signature.required_count, 1);

    CU_ASSERT_EQUAL(load(loader, "twin_b", &other, &error), CB_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/twin_a.so and "));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/twin_b.so"));
    CU_ASSERT_EQUAL(load(loader, "builtin:plugin", &other, &error), CB_OK);
    CU_ASSERT_EQUAL(other->id, 2);
    CU_ASSERT_STRING_EQUAL(cb_loader_at(loader, 1).origin, "builtin:plugin");
    CU_ASSERT_PTR_NULL(cb_loader_find_verb(loader, "twin", "Two"));
    CU_ASSERT_PTR_NOT_NULL(cb_loader_find_verb(loader, "plugin", "Verbs"));
    cb_loader_free(&loader);
    CU_ASSERT_PTR_NULL(loader);
}

static void test_bare_verbs(void)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    const cb_namespace *out = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    CU_ASSERT_EQUAL(load(loader, "bare_a", &out, &error), CB_OK);
    CU_ASSERT_EQUAL(load(loader, "bare_c", &out, &error), CB_OK);
    CU_ASSERT_EQUAL(load(loader, "bare_b", &out, &error), CB_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "two plugins have the bare verb shared"));
    CU_ASSERT_EQUAL(cb_loader_count(loader), 2);
    cb_loader_free(&loader);
}

static void test_extended_builtin(void)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    const cb_namespace *out = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    CU_ASSERT_EQUAL_FATAL(load(loader, "extends_os", &out, &error), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(cb_namespace_find(out, "Extra"));
    CU_ASSERT_PTR_NOT_NULL(cb_namespace_find(out, "Args"));
    CU_ASSERT_EQUAL(load(loader, "builtin:os", &out, &error), CB_OK);
    CU_ASSERT_PTR_NULL(cb_namespace_find(out, "Extra"));
    CU_ASSERT_EQUAL(cb_loader_count(loader), 2);
    cb_loader_free(&loader);
}

static void link_plugin(const char *name, const char *below, const char *as)
{
    char from[PATH_MAX + 64];
    char to[PATH_MAX + 64];
    (void)snprintf(from, sizeof(from), "%s/%s.so", bad_folder, name);
    (void)snprintf(to, sizeof(to), "%s/%s", folder, below);
    (void)mkdir(to, 0700);
    (void)snprintf(to, sizeof(to), "%s/%s/%s.so", folder, below, as);
    CU_ASSERT_EQUAL(symlink(from, to), 0);
}

static void test_finding(void)
{
    link_plugin("twin_a", "twin", "TwinPlugin");
    link_plugin("bare_c", "bare", "TwinPlugin");
    CU_ASSERT_EQUAL(setenv("CALLBOARD_PLUGIN_PATH", folder, 1), 0);
    cb_loader *loader = NULL;
    cb_error error = {0};
    const cb_namespace *out = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    const cb_catalog *catalog = cb_loader_catalog(loader);
    /* Its last two parts, in a folder of the environment. */
    CU_ASSERT_EQUAL(load(loader, "../somewhere/twin/TwinPlugin", &out, &error), CB_OK);
    CU_ASSERT_STRING_EQUAL(out->name, "twin");
    CU_ASSERT_STRING_EQUAL(catalog->suggest(catalog->user, "twin"), "../plugins/twin/TwinPlugin");
    CU_ASSERT_STRING_EQUAL(catalog->suggest(catalog->user, "os"), "builtin:os");
    CU_ASSERT_PTR_NULL(catalog->suggest(catalog->user, "nobody"));
    /* What lies beside the script comes first. */
    char script_folder[PATH_MAX];
    (void)snprintf(script_folder, sizeof(script_folder), "%s/bare", folder);
    CU_ASSERT_EQUAL(catalog->load(catalog->user, "TwinPlugin", script_folder, &out, &error), CB_OK);
    CU_ASSERT_STRING_EQUAL(out->name, "");
    cb_loader_free(&loader);

    cb_plugin_listing listing = {0};
    CU_ASSERT_EQUAL(cb_plugin_list(&listing, &error), CB_OK);
    CU_ASSERT_TRUE(listing.count >= 2);
    CU_ASSERT_STRING_EQUAL(listing.items[0].name, "bare/TwinPlugin");
    cb_plugin_listing_free(&listing);
    CU_ASSERT_EQUAL(unsetenv("CALLBOARD_PLUGIN_PATH"), 0);
}

static void test_builtins_parse(void)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL_FATAL(cb_loader_new(&loader, &error), CB_OK);
    for (size_t i = 0; cb_host_builtin_at(i) != NULL; i++) {
        char path[64];
        const cb_namespace *out = NULL;
        (void)snprintf(path, sizeof(path), "builtin:%s", cb_host_builtin_at(i)->name_space);
        CU_ASSERT_EQUAL(load(loader, path, &out, &error), CB_OK);
        CU_ASSERT_EQUAL(out->verb_count, cb_host_builtin_at(i)->verb_count);
    }
    cb_loader_free(&loader);
}

static int find_folders(void)
{
    char self[PATH_MAX - 32];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0 || mkdtemp(folder) == NULL)
        return 1;
    self[length] = '\0';
    (void)snprintf(bad_folder, sizeof(bad_folder), "%s/../plugins_bad", dirname(self));
    return access(bad_folder, R_OK);
}

static int remove_folder(void)
{
    char command[sizeof(folder) + 16];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("plugin host", find_folders, remove_folder);
    CU_add_test(suite, "wrong plugins are refused with the reason", test_refusals);
    CU_add_test(suite, "a file that is no library", test_no_library);
    CU_add_test(suite, "one file a namespace, loaded once", test_namespaces);
    CU_add_test(suite, "bare verbs of several plugins", test_bare_verbs);
    CU_add_test(suite, "a file extends a builtin namespace", test_extended_builtin);
    CU_add_test(suite, "where files are looked for", test_finding);
    CU_add_test(suite, "the builtins' tables are sound", test_builtins_parse);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    bool failed = code != CUE_SUCCESS || CU_get_number_of_failures() > 0 ||
                  CU_get_number_of_suites_failed() > 0;
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
