/* Sources in memory, arenas, and the builtin namespaces. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/builtins.h"
#include "bridge/lang/signature.h"
#include "bridge/lang/source.h"

/* --- sources --- */

static void expect_folder(const char *path, const char *folder)
{
    cb_source source;
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes(path, "x", 1, &source, NULL), CB_OK);
    CU_ASSERT_STRING_EQUAL(source.path, path);
    CU_ASSERT_STRING_EQUAL(source.folder, folder);
    cb_source_free(&source);
    CU_ASSERT_PTR_NULL(source.path);
    cb_source_free(&source);
}

static void folders_of_paths(void)
{
    expect_folder("a.dom", ".");
    expect_folder("", ".");
    expect_folder("a/b.dom", "a");
    expect_folder("a/b/c.dom", "a/b");
    expect_folder("./a.dom", ".");
    expect_folder("../a.dom", "..");
    expect_folder("/a.dom", "/");
    expect_folder("/a/b.dom", "/a");
    expect_folder("a/", "a");
}

static void expect_text(const char *bytes, size_t size, const char *text)
{
    cb_source source;
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", bytes, size, &source, NULL), CB_OK);
    CU_ASSERT_EQUAL(source.size, strlen(text));
    CU_ASSERT_STRING_EQUAL(source.text, text);
    cb_source_free(&source);
}

static void a_byte_order_mark_is_skipped(void)
{
    expect_text("", 0, "");
    expect_text("a", 1, "a");
    expect_text("abcd", 3, "abc");
    expect_text("\xEF\xBB\xBF", 3, "");
    expect_text("\xEF\xBB\xBF"
                "a",
                4, "a");
    expect_text("\xEF\xBB\xBF\xEF\xBB\xBF", 6, "\xEF\xBB\xBF");
    expect_text("\xEF\xBB", 2, "\xEF\xBB");
    expect_text("a\xEF\xBB\xBF", 4, "a\xEF\xBB\xBF");
}

/* Files around the sizes at which the memory for them grows. */
static void files_are_read_to_their_end(void)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 32767, 32768, 32769, 100000};
    char path[] = "/tmp/lang_source_XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cb_source source;
        char *text = malloc(sizes[i] + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        for (size_t k = 0; k < sizes[i]; k++)
            text[k] = (char)('a' + k % 23);
        CU_ASSERT_EQUAL(ftruncate(file, 0), 0);
        CU_ASSERT_EQUAL(pwrite(file, text, sizes[i], 0), (ssize_t)sizes[i]);
        CU_ASSERT_EQUAL_FATAL(cb_source_load(path, &source, NULL), CB_OK);
        CU_ASSERT_EQUAL(source.size, sizes[i]);
        CU_ASSERT_EQUAL(memcmp(source.text, text, sizes[i]), 0);
        CU_ASSERT_EQUAL(source.text[sizes[i]], '\0');
        CU_ASSERT_STRING_EQUAL(source.folder, "/tmp");
        cb_source_free(&source);
        free(text);
    }
    CU_ASSERT_EQUAL(close(file), 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void what_is_no_file_is_told(void)
{
    cb_source source;
    cb_error error = {0};
    CU_ASSERT_EQUAL(cb_source_load("/nowhere/at/all.dom", &source, &error), CB_IO);
    CU_ASSERT_STRING_EQUAL(error.text,
                           "cannot open /nowhere/at/all.dom: No such file or directory");
    CU_ASSERT_EQUAL(cb_source_load("/tmp", &source, &error), CB_IO);
    CU_ASSERT_STRING_EQUAL(error.text, "cannot read /tmp: Is a directory");
    CU_ASSERT_PTR_NULL(source.text);
    cb_source_free(&source);
}

/* --- arenas --- */

static void an_arena_gives_zeros_that_are_aligned(void)
{
    cb_arena arena = {0};
    uint8_t *last = NULL;
    for (size_t size = 0; size <= 70; size++) {
        uint8_t *memory = cb_arena_get(&arena, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
        CU_ASSERT_EQUAL((uintptr_t)memory % sizeof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            CU_ASSERT_EQUAL(memory[i], 0);
        memset(memory, 0xaa, size);
        /* One behind the other, with nothing lost but what aligns them. */
        if (last != NULL) {
            size_t before = (size - 1 + sizeof(max_align_t) - 1) / sizeof(max_align_t);
            CU_ASSERT_PTR_EQUAL(memory, last + before * sizeof(max_align_t));
        }
        last = memory;
    }
    cb_arena_free(&arena);
}

/* Blocks of 64 KiB, or as large as what is asked for. */
static void an_arena_takes_blocks(void)
{
    enum { BLOCK = 64 * 1024 };
    cb_arena arena = {0};
    uint8_t *whole = cb_arena_get(&arena, BLOCK);
    const cb_arena_block *first = arena.newest;
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    memset(whole, 1, BLOCK);
    CU_ASSERT_PTR_NOT_NULL(cb_arena_get(&arena, 0));
    CU_ASSERT_PTR_EQUAL(arena.newest, first);
    CU_ASSERT_PTR_NOT_NULL(cb_arena_get(&arena, 1));
    CU_ASSERT_PTR_NOT_EQUAL(arena.newest, first);
    const cb_arena_block *second = arena.newest;
    CU_ASSERT_PTR_NOT_NULL(cb_arena_get(&arena, BLOCK - sizeof(max_align_t)));
    CU_ASSERT_PTR_EQUAL(arena.newest, second);
    uint8_t *large = cb_arena_get(&arena, 3 * BLOCK + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    memset(large, 2, 3 * BLOCK + 1);
    for (size_t i = 0; i < BLOCK; i++)
        if (whole[i] != 1)
            CU_FAIL("a block was written over");
    cb_arena_free(&arena);
    CU_ASSERT_PTR_NULL(arena.newest);
    cb_arena_free(&arena);
}

static void an_arena_copies_texts(void)
{
    cb_arena arena = {0};
    CU_ASSERT_STRING_EQUAL(cb_arena_text(&arena, "text", 4), "text");
    CU_ASSERT_STRING_EQUAL(cb_arena_text(&arena, "text", 1), "t");
    CU_ASSERT_STRING_EQUAL(cb_arena_text(&arena, "text", 0), "");
    CU_ASSERT_STRING_EQUAL(cb_arena_text(&arena, NULL, 0), "");
    /* The NUL has a place of its own, also where a text fills what is aligned. */
    char *one = cb_arena_text(&arena, "0123456789abcdef", 16);
    char *other = cb_arena_text(&arena, "x", 1);
    CU_ASSERT_STRING_EQUAL(one, "0123456789abcdef");
    CU_ASSERT(other >= one + 17);
    cb_arena_free(&arena);
}

/* --- builtins --- */

static const char *failure;

static cb_status fail(cb_call *call, cb_status status, const char *format, ...)
{
    (void)call;
    failure = format;
    return status;
}

static const cb_host host = {.fail = fail};

static void builtins_are_whole(void)
{
    static const cb_plugin *const all[] = {&cb_builtin_string, &cb_builtin_blob,
                                           &cb_builtin_struct};
    static const char *const names[] = {"string", "blob", "struct"};
    static const size_t counts[] = {3, 2, 0};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(all[i]->abi, CB_PLUGIN_ABI);
        CU_ASSERT_STRING_EQUAL(all[i]->name_space, names[i]);
        CU_ASSERT_STRING_EQUAL(all[i]->version, "1.0");
        CU_ASSERT(all[i]->summary != NULL && strlen(all[i]->summary) > 10);
        CU_ASSERT_EQUAL(all[i]->verb_count, counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            const cb_verb *verb = &all[i]->verbs[k];
            cb_signature signature;
            CU_ASSERT_EQUAL(cb_signature_parse(verb->signature, &signature, NULL), CB_OK);
            CU_ASSERT(verb->summary != NULL && strlen(verb->summary) > 10);
            CU_ASSERT_EQUAL(verb->flags, strcmp(verb->name, "Format") == 0 ? CB_VERB_FORMAT : 0);
        }
    }
}

/* Those that are instructions are never called; who calls them is told. */
static void instructions_are_no_verbs(void)
{
    cb_call call = {.host = &host};
    const cb_verb *instructions[] = {&cb_builtin_string.verbs[1], &cb_builtin_string.verbs[2],
                                     &cb_builtin_blob.verbs[0]};
    for (size_t i = 0; i < 3; i++) {
        failure = NULL;
        CU_ASSERT_EQUAL(instructions[i]->run(&call), CB_UNSUPPORTED);
        CU_ASSERT_STRING_EQUAL(failure, "it takes a variable");
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("sources, arenas, builtins", NULL, NULL);
    CU_ADD_TEST(suite, folders_of_paths);
    CU_ADD_TEST(suite, a_byte_order_mark_is_skipped);
    CU_ADD_TEST(suite, files_are_read_to_their_end);
    CU_ADD_TEST(suite, what_is_no_file_is_told);
    CU_ADD_TEST(suite, an_arena_gives_zeros_that_are_aligned);
    CU_ADD_TEST(suite, an_arena_takes_blocks);
    CU_ADD_TEST(suite, an_arena_copies_texts);
    CU_ADD_TEST(suite, builtins_are_whole);
    CU_ADD_TEST(suite, instructions_are_no_verbs);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
