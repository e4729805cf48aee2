#include "callboard/buffer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

static void test_new_is_zero(void)
{
    cb_buffer *buffer = cb_buffer_new(3, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT_EQUAL(buffer->size, 3);
    CU_ASSERT(buffer->capacity >= 10);
    CU_ASSERT_EQUAL(memcmp(buffer->data, "\0\0\0", 3), 0);
    CU_ASSERT(cb_buffer_is_unique(buffer));
    cb_buffer_release(buffer);
}

static void test_new_has_room_for_its_size(void)
{
    cb_buffer *buffer = cb_buffer_new(100, 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT(buffer->capacity >= 100);
    cb_buffer_release(buffer);
}

static void test_too_large_is_refused(void)
{
    CU_ASSERT_PTR_NULL(cb_buffer_new(0, SIZE_MAX));
    CU_ASSERT_PTR_NULL(cb_buffer_new(0, SIZE_MAX - sizeof(cb_buffer)));
    cb_buffer *buffer = cb_buffer_copy("abc", 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    cb_buffer *same = buffer;
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, SIZE_MAX), CB_NO_MEMORY);
    CU_ASSERT_PTR_EQUAL(buffer, same);
    CU_ASSERT_EQUAL(memcmp(buffer->data, "abc", 3), 0);
    cb_buffer_release(buffer);
}

static void test_copy(void)
{
    cb_buffer *empty = cb_buffer_copy(NULL, 0);
    cb_buffer *some = cb_buffer_copy("a\0b", 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(empty);
    CU_ASSERT_PTR_NOT_NULL_FATAL(some);
    CU_ASSERT_EQUAL(empty->size, 0);
    CU_ASSERT_EQUAL(some->size, 3);
    CU_ASSERT_EQUAL(memcmp(some->data, "a\0b", 3), 0);
    cb_buffer_release(empty);
    cb_buffer_release(some);
}

static void test_null_is_fine(void)
{
    CU_ASSERT_PTR_NULL(cb_buffer_retain(NULL));
    cb_buffer_release(NULL);
}

static void test_references(void)
{
    cb_buffer *buffer = cb_buffer_copy("x", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT_PTR_EQUAL(cb_buffer_retain(buffer), buffer);
    CU_ASSERT_FALSE(cb_buffer_is_unique(buffer));
    cb_buffer_release(buffer);
    CU_ASSERT(cb_buffer_is_unique(buffer));
    cb_buffer_release(buffer);
}

static void test_writable_from_nothing(void)
{
    cb_buffer *buffer = NULL;
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, 16), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT_EQUAL(buffer->size, 0);
    CU_ASSERT(buffer->capacity >= 16);
    cb_buffer_release(buffer);
}

static void test_writable_sole_owner_keeps_its_bytes(void)
{
    cb_buffer *buffer = cb_buffer_copy("hello", 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    cb_buffer *same = buffer;
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, 5), CB_OK);
    CU_ASSERT_PTR_EQUAL(buffer, same);
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, 100000), CB_OK);
    CU_ASSERT_EQUAL(buffer->size, 5);
    CU_ASSERT(buffer->capacity >= 100000);
    CU_ASSERT_EQUAL(memcmp(buffer->data, "hello", 5), 0);
    memset(buffer->data, 'z', buffer->capacity);
    cb_buffer_release(buffer);
}

static void test_writable_copies_what_is_shared(void)
{
    cb_buffer *original = cb_buffer_copy("hello", 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(original);
    cb_buffer *mine = cb_buffer_retain(original);
    CU_ASSERT_EQUAL(cb_buffer_writable(&mine, 2), CB_OK);
    CU_ASSERT_PTR_NOT_EQUAL(mine, original);
    CU_ASSERT_EQUAL(mine->size, 5);
    mine->data[0] = 'J';
    CU_ASSERT_EQUAL(memcmp(original->data, "hello", 5), 0);
    CU_ASSERT_EQUAL(memcmp(mine->data, "Jello", 5), 0);
    CU_ASSERT(cb_buffer_is_unique(original));
    CU_ASSERT(cb_buffer_is_unique(mine));
    cb_buffer_release(original);
    cb_buffer_release(mine);
}

static void test_foreign_memory_is_written_in_place(void)
{
    uint8_t memory[4] = {1, 2, 3, 4};
    cb_buffer *first = cb_buffer_foreign(memory, sizeof memory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_EQUAL(first->data, memory);
    cb_buffer *second = cb_buffer_retain(first);
    CU_ASSERT_EQUAL(cb_buffer_writable(&second, 4), CB_OK);
    CU_ASSERT_PTR_EQUAL(second, first);
    second->data[0] = 9;
    CU_ASSERT_EQUAL(memory[0], 9);
    cb_buffer_release(first);
    cb_buffer_release(second);
}

static void test_foreign_memory_that_is_too_small_is_copied(void)
{
    uint8_t memory[4] = {1, 2, 3, 4};
    cb_buffer *buffer = cb_buffer_foreign(memory, sizeof memory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT_EQUAL(cb_buffer_writable(&buffer, 5), CB_OK);
    CU_ASSERT_PTR_NOT_EQUAL(buffer->data, memory);
    CU_ASSERT_EQUAL(buffer->flags & CB_BUFFER_FOREIGN, 0);
    CU_ASSERT_EQUAL(memcmp(buffer->data, memory, 4), 0);
    buffer->data[0] = 9;
    CU_ASSERT_EQUAL(memory[0], 1);
    cb_buffer_release(buffer);
}

static void test_growth_byte_by_byte_moves_seldom(void)
{
    cb_buffer *buffer = NULL;
    unsigned grown = 0;
    for (size_t size = 1; size <= 100000; size++) {
        size_t before = buffer != NULL ? buffer->capacity : 0;
        CU_ASSERT_EQUAL_FATAL(cb_buffer_writable(&buffer, size), CB_OK);
        grown += buffer->capacity != before;
        buffer->data[size - 1] = (uint8_t)size;
        buffer->size = size;
    }
    CU_ASSERT(grown < 60);
    CU_ASSERT_EQUAL(buffer->data[99998], (uint8_t)99999);
    cb_buffer_release(buffer);
}

enum { ROUNDS = 20000, THREADS = 4 };

static void *retain_and_release(void *argument)
{
    cb_buffer *buffer = argument;
    unsigned wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        cb_buffer *mine = cb_buffer_retain(buffer);
        wrong += mine->data[0] != 'k';
        cb_buffer_release(mine);
    }
    cb_buffer_release(buffer);
    return wrong == 0 ? NULL : buffer;
}

static void test_many_threads_share_one(void)
{
    cb_buffer *buffer = cb_buffer_copy("k", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        int failed =
            pthread_create(&threads[i], NULL, retain_and_release, cb_buffer_retain(buffer));
        CU_ASSERT_EQUAL_FATAL(failed, 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = buffer;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &result), 0);
        CU_ASSERT_PTR_NULL(result);
    }
    CU_ASSERT(cb_buffer_is_unique(buffer));
    cb_buffer_release(buffer);
}

static int dropped;

static void drop_number(void *object)
{
    dropped += *(const int *)object;
}

static void test_holding_drops_with_the_last_reference(void)
{
    const int number = 7;
    dropped = 0;
    cb_buffer *buffer = cb_buffer_holding(&number, sizeof number, drop_number);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    CU_ASSERT_EQUAL(buffer->size, 0);
    CU_ASSERT_EQUAL(*(const int *)(const void *)buffer->data, 7);
    cb_buffer_release(cb_buffer_retain(buffer));
    CU_ASSERT_EQUAL(dropped, 0);
    cb_buffer_release(buffer);
    CU_ASSERT_EQUAL(dropped, 7);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    CU_pSuite suite = CU_add_suite("buffer", NULL, NULL);
    CU_ADD_TEST(suite, test_new_is_zero);
    CU_ADD_TEST(suite, test_new_has_room_for_its_size);
    CU_ADD_TEST(suite, test_too_large_is_refused);
    CU_ADD_TEST(suite, test_copy);
    CU_ADD_TEST(suite, test_null_is_fine);
    CU_ADD_TEST(suite, test_references);
    CU_ADD_TEST(suite, test_writable_from_nothing);
    CU_ADD_TEST(suite, test_writable_sole_owner_keeps_its_bytes);
    CU_ADD_TEST(suite, test_writable_copies_what_is_shared);
    CU_ADD_TEST(suite, test_foreign_memory_is_written_in_place);
    CU_ADD_TEST(suite, test_foreign_memory_that_is_too_small_is_copied);
    CU_ADD_TEST(suite, test_growth_byte_by_byte_moves_seldom);
    CU_ADD_TEST(suite, test_many_threads_share_one);
    CU_ADD_TEST(suite, test_holding_drops_with_the_last_reference);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
