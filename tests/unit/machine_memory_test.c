/* What the texts of Linux say about memory, and texts that say nothing. */
#include "actors/base/machine_memory.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- texts ------------------------------------------------------------------------------------ */

static void limits_are_whole_numbers(void)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: none */
    } rows[] = {{"1\n", 1},
                {"67108864\n", 67108864},
                {"67108864", 67108864},
                {"9223372036854771712\n", 9223372036854771712u},
                {"18446744073709551615\n", UINT64_MAX},
                {"18446744073709551616\n", 0},
                {"99999999999999999999999999\n", 0},
                {"max\n", 0},
                {"0\n", 0},
                {"", 0},
                {"\n", 0},
                {" 5\n", 0},
                {"-5\n", 0},
                {"+5\n", 0},
                {"5 kB\n", 0},
                {"5\n6\n", 0},
                {"0x10\n", 0},
                {"5.0\n", 0},
                {"\xff\xfe", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 0;
        bool is = cb_memory_limit_text(rows[i].text, &bytes);
        CU_ASSERT_EQUAL(is, rows[i].bytes != 0);
        CU_ASSERT(!is || bytes == rows[i].bytes);
    }
}

static void totals_are_lines_in_kib(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {{"MemTotal:       24684096 kB\nMemFree: 1 kB\n", 24684096ull * 1024},
                {"A: 1 kB\nMemTotal: 1 kB\n", 1024},
                {"MemTotal: 18014398509481983 kB\n", 18014398509481983ull * 1024},
                {"MemTotal: 18014398509481984 kB\n", 0},
                {"MemTotal: 0 kB\n", 0},
                {"MemTotal: 5 MB\n", 0},
                {"MemTotal: 5\n", 0},
                {"MemTotal: x kB\n", 0},
                {"XMemTotal: 5 kB\n", 0},
                {"MemTotal:", 0},
                {"", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 0;
        bool is = cb_memory_total_text(rows[i].text, &bytes);
        CU_ASSERT_EQUAL(is, rows[i].bytes != 0);
        CU_ASSERT(!is || bytes == rows[i].bytes);
    }
}

static void groups_are_found_by_version_and_controller(void)
{
    static const struct {
        const char *text;
        const char *controller;
        const char *path; /* NULL: none */
    } rows[] = {
        {"0::/a/b\n", NULL, "/a/b"},
        {"0::/a/b", NULL, "/a/b"},
        {"0::/\n", NULL, ""},
        {"4:memory:/x\n0::/y\n", NULL, "/y"},
        {"4:memory:/x\n0::/y\n", "memory", "/x"},
        {"4:cpu,memory,io:/x\n", "memory", "/x"},
        {"4:memory,cpu:/x\n", "memory", "/x"},
        {"4:memoryx:/x\n", "memory", NULL},
        {"4:xmemory:/x\n", "memory", NULL},
        {"4::/x\n", NULL, NULL},
        {"0::/..\n", NULL, ""},
        {"0::/../../other\n", NULL, ""},
        {"0::/a/../b\n", NULL, ""},
        {"0::relative\n", NULL, NULL},
        {"0::\n", NULL, NULL},
        {"0:\n", NULL, NULL},
        {"0", NULL, NULL},
        {":::\n", NULL, NULL},
        {"\n\n\n", NULL, NULL},
        {"", NULL, NULL},
        {"0::/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", NULL, ""}, /* 32, no room */
        {"0::/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", NULL, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, /* 31 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[32] = "unset";
        bool is = cb_memory_group_text(rows[i].text, rows[i].controller, path, sizeof path);
        CU_ASSERT_EQUAL(is, rows[i].path != NULL);
        if (is && rows[i].path != NULL)
            CU_ASSERT_STRING_EQUAL(path, rows[i].path);
    }
}

/* Every cut and every byte of a text that is none: no reading beyond it (for the sanitizers). */
static void rubbish_is_read_to_its_end_at_most(void)
{
    static const char sound[] = "12:cpu,memory:/a\n0::/b/c\nMemTotal: 123 kB\n";
    uint64_t bytes;
    char path[16];
    for (size_t size = 0; size < sizeof sound; size++) {
        char *cut = strndup(sound, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
        for (size_t at = 0; at <= size; at++) {
            char kept = cut[at];
            if (at < size)
                cut[at] = (char)(rand() % 255 + 1);
            (void)cb_memory_limit_text(cut, &bytes);
            (void)cb_memory_total_text(cut, &bytes);
            (void)cb_memory_group_text(cut, NULL, path, sizeof path);
            (void)cb_memory_group_text(cut, "memory", path, sizeof path);
            cut[at] = kept;
        }
        free(cut);
    }
}

/* -- files ------------------------------------------------------------------------------------ */

static char root[] = "/tmp/machine_memory_XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", root, name);
    for (char *at = path + sizeof root; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void the_least_of_the_hierarchy_holds(void)
{
    char command[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    CU_ASSERT_EQUAL(cb_machine_memory(root), 0);
    write_file("/proc/meminfo", "MemTotal: 1000 kB\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 1024000);
    write_file("/proc/self/cgroup", "3:memory:/old\n0::/a/b\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 1024000);
    write_file("/sys/fs/cgroup/a/b/memory.max", "max\n");
    write_file("/sys/fs/cgroup/a/memory.max", "900000\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 900000);
    write_file("/sys/fs/cgroup/a/b/memory.max", "950000\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 900000);
    write_file("/sys/fs/cgroup/memory.max", "800000\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 800000);
    write_file("/sys/fs/cgroup/memory/old/memory.limit_in_bytes", "9223372036854771712\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 800000);
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "700000\n");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 700000);
    write_file("/sys/fs/cgroup/memory/old/memory.limit_in_bytes", "\x01rubbish");
    CU_ASSERT_EQUAL(cb_machine_memory(root), 700000);
    write_file("/sys/fs/cgroup/other/memory.max", "5\n"); /* of a group that does not hold us */
    CU_ASSERT_EQUAL(cb_machine_memory(root), 700000);
    (void)snprintf(command, sizeof command, "rm -r '%s'", root);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void this_machine_says_something(void)
{
    CU_ASSERT(cb_machine_memory("") > 16 * 1024 * 1024);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("machine memory", NULL, NULL);
#define ADD(test) CU_add_test(suite, #test, test)
    ADD(limits_are_whole_numbers);
    ADD(totals_are_lines_in_kib);
    ADD(groups_are_found_by_version_and_controller);
    ADD(rubbish_is_read_to_its_end_at_most);
    ADD(the_least_of_the_hierarchy_holds);
    ADD(this_machine_says_something);
#undef ADD
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0;
}
