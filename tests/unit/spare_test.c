/* Large blocks that are kept for the next: which, how many, and that nothing else is. */
#include "actors/base/spare.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024u

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS false
#endif
#endif
#ifndef KEEPS
#define KEEPS true
#endif

static uint8_t *make(size_t size)
{
    size_t got = size;
    uint8_t *block = cb_spare_malloc(&got);
    CU_ASSERT_PTR_NOT_NULL_FATAL(block);
    CU_ASSERT(got >= size && got - size <= size / 8);
    memset(block, 7, got); /* it is ours to its end */
    return block;
}

/* What a block of this size has after one of `freed` bytes was freed. */
static size_t got_after(size_t freed, size_t wanted)
{
    cb_spare_free(make(freed), freed);
    size_t got = wanted;
    void *block = cb_spare_malloc(&got);
    CU_ASSERT_PTR_NOT_NULL_FATAL(block);
    cb_spare_set_most(0);
    cb_spare_free(block, got);
    cb_spare_set_most(4096 * KIB);
    return got;
}

static void what_fits_closely_is_used_again(void)
{
    cb_spare_set_most(4096 * KIB);
    CU_ASSERT_EQUAL(got_after(900 * KIB, 900 * KIB), 900 * KIB);
    CU_ASSERT_EQUAL(got_after(900 * KIB, 800 * KIB), KEEPS ? 900 * KIB : 800 * KIB);
    CU_ASSERT_EQUAL(got_after(900 * KIB + 1, 800 * KIB), 800 * KIB); /* more than an eighth */
    CU_ASSERT_EQUAL(got_after(900 * KIB, 900 * KIB + 1), 900 * KIB + 1);
    CU_ASSERT_EQUAL(got_after(CB_SPARE_LEAST, CB_SPARE_LEAST - 1), CB_SPARE_LEAST - 1);
    CU_ASSERT_EQUAL(got_after(2048 * KIB + 1, 2000 * KIB), 2000 * KIB); /* more than half of all */
    CU_ASSERT_EQUAL(got_after(2048 * KIB, 2000 * KIB), KEEPS ? 2048 * KIB : 2000 * KIB);
    cb_spare_set_most(0);
    CU_ASSERT_EQUAL(got_after(900 * KIB, 800 * KIB), 800 * KIB);
    cb_spare_set_most(0);
}

/* Room for three: the oldest goes, and each is given out once. */
static void the_oldest_goes(void)
{
    const size_t sizes[] = {1000 * KIB, 700 * KIB, 500 * KIB, 300 * KIB};
    uint8_t *made[4];
    cb_spare_set_most(2100 * KIB);
    for (int i = 0; i < 4; i++)
        made[i] = make(sizes[i]);
    for (int i = 0; i < 4; i++)
        cb_spare_free(made[i], sizes[i]);
    for (int i = 0; i < 4; i++) {
        size_t got = sizes[i] - KIB;
        size_t again = got;
        void *first = cb_spare_malloc(&got);
        void *second = cb_spare_malloc(&again);
        CU_ASSERT_EQUAL(got, KEEPS && i > 0 ? sizes[i] : sizes[i] - KIB);
        CU_ASSERT_EQUAL(again, sizes[i] - KIB);
        CU_ASSERT_PTR_NOT_EQUAL(second, first);
        free(second);
        free(first);
    }
    cb_spare_set_most(0);
}

static void *make_and_free(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 2000; i++) {
        size_t size = (128 + i % 7 * 40) * KIB;
        size_t got = size;
        uint8_t *block = cb_spare_malloc(&got);
        if (block == NULL)
            break;
        block[0] = (uint8_t)i;
        block[got - 1] = (uint8_t)i;
        cb_spare_free(block, got);
    }
    return NULL;
}

static void many_threads_share_them(void)
{
    pthread_t threads[4];
    cb_spare_set_most(1024 * KIB);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, make_and_free, NULL), 0);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_join(threads[i], NULL), 0);
    cb_spare_set_most(0);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("spare", NULL, NULL);
    CU_add_test(suite, "what fits closely is used again", what_fits_closely_is_used_again);
    CU_add_test(suite, "the oldest goes", the_oldest_goes);
    CU_add_test(suite, "many threads share them", many_threads_share_them);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0;
}
