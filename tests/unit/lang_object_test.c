/* Strings and blobs of a running script: what is shared, copied, cut, refused and charged. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/object.h"

#define MOST 100u

static cb_heap heap;

static cb_object new_string(const char *text)
{
    cb_object made = {.is_string = true};
    size_t size = strlen(text);
    if (size > 0) {
        made.bytes = cb_buffer_new(size, size + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(made.bytes);
        memcpy(made.bytes->data, text, size + 1);
    }
    made.capacity = size;
    return made;
}

static cb_object new_blob(const char *bytes)
{
    cb_object made = {.capacity = strlen(bytes)};
    made.bytes = cb_buffer_copy(bytes, strlen(bytes));
    CU_ASSERT_PTR_NOT_NULL_FATAL(made.bytes);
    return made;
}

static void start(void)
{
    heap = (cb_heap){.most_bytes = MOST};
}

static bool holds(const cb_object *object, const char *bytes)
{
    const uint8_t *data = cb_object_data(object);
    size_t size = cb_object_size(object);
    return size == strlen(bytes) && memcmp(data, bytes, size) == 0 &&
           (!object->is_string || data[size] == 0);
}

/* --- declared and cleared --- */

static void sizes_are_bounded(void)
{
    for (int is_string = 0; is_string < 2; is_string++) {
        start();
        cb_object object = {.is_string = is_string != 0};
        CU_ASSERT_EQUAL(cb_object_declare(&heap, &object, MOST), CB_OK);
        CU_ASSERT_EQUAL(object.capacity, MOST);
        CU_ASSERT_EQUAL(cb_object_size(&object), is_string ? 0 : MOST);
        CU_ASSERT_EQUAL(heap.bytes_moved, is_string ? 0 : MOST);
        CU_ASSERT_EQUAL(cb_object_declare(&heap, &object, MOST + 1), CB_LIMIT);
        CU_ASSERT_EQUAL(object.capacity, MOST);
        CU_ASSERT_EQUAL(cb_object_declare(&heap, &object, 0), CB_OK);
        CU_ASSERT_EQUAL(object.capacity, 0);
        CU_ASSERT_PTR_NULL(object.bytes);
        CU_ASSERT_EQUAL(object.is_string, is_string);
    }
}

static void a_blob_begins_with_zeros(void)
{
    start();
    cb_object object = new_blob("abc");
    object.overflow = object.written = object.is_alias = true;
    CU_ASSERT_EQUAL(cb_object_declare(&heap, &object, 2), CB_OK);
    CU_ASSERT_EQUAL(memcmp(object.bytes->data, "\0\0", 2), 0);
    CU_ASSERT_FALSE(object.overflow || object.written || object.is_alias);
    cb_object_clear(&object);
    CU_ASSERT_PTR_NULL(object.bytes);
    CU_ASSERT_EQUAL(object.capacity, 0);
}

static void clearing_forgets_everything_but_the_kind(void)
{
    cb_object other = new_blob("abc");
    cb_object object = {.is_string = true,
                        .target = &other,
                        .capacity = 5,
                        .overflow = true,
                        .written = true,
                        .is_alias = true};
    cb_object_clear(&object);
    CU_ASSERT_PTR_NULL(object.target);
    CU_ASSERT_EQUAL(object.capacity, 0);
    CU_ASSERT_FALSE(object.overflow || object.written || object.is_alias);
    CU_ASSERT(object.is_string);
    CU_ASSERT(holds(&other, "abc"));
    cb_object_clear(&other);
}

/* --- assigned --- */

static void assigned_bytes_are_shared(void)
{
    start();
    cb_object from = new_blob("abc");
    cb_object to = new_blob("a longer value");
    to.overflow = true;
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to, &from), CB_OK);
    CU_ASSERT_PTR_EQUAL(to.bytes, from.bytes);
    CU_ASSERT(to.written && !to.overflow && !from.written);
    CU_ASSERT_EQUAL(to.capacity, 14);
    CU_ASSERT_EQUAL(heap.bytes_moved, 0);
    /* The same once more changes nothing but the flags. */
    to.written = false;
    to.overflow = true;
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to, &from), CB_OK);
    CU_ASSERT(to.written && !to.overflow);
    cb_object longer = new_blob("a much longer value");
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to, &longer), CB_OK);
    CU_ASSERT_EQUAL(to.capacity, 19);
    cb_object empty = {0};
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to, &empty), CB_OK);
    CU_ASSERT_PTR_NULL(to.bytes);
    CU_ASSERT_EQUAL(to.capacity, 19);
    CU_ASSERT_EQUAL(cb_object_capacity(&to), 19);
    cb_object_clear(&from);
    cb_object_clear(&longer);
}

static void references_are_followed_once(void)
{
    start();
    cb_object from = new_blob("abc");
    cb_object to = new_blob("x");
    cb_object from_reference = {.target = &from};
    cb_object to_reference = {.target = &to};
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to_reference, &from_reference), CB_OK);
    CU_ASSERT(holds(&to, "abc") && to.written && !to_reference.written);
    CU_ASSERT_PTR_NULL(to_reference.bytes);
    cb_object moved = new_blob("moved");
    CU_ASSERT_EQUAL(cb_object_move(&heap, &to_reference, &moved), CB_OK);
    CU_ASSERT(holds(&to, "moved") && cb_object_size(&moved) == 0);
    cb_object_clear(&from);
    cb_object_clear(&to);
}

static void moved_bytes_leave(void)
{
    start();
    cb_object from = new_string("abc");
    cb_object to = new_string("x");
    const cb_buffer *bytes = from.bytes;
    from.written = from.overflow = true;
    CU_ASSERT_EQUAL(cb_object_move(&heap, &to, &from), CB_OK);
    CU_ASSERT_PTR_EQUAL(to.bytes, bytes);
    CU_ASSERT(to.written && to.capacity == 3);
    CU_ASSERT_PTR_NULL(from.bytes);
    CU_ASSERT(!from.written && !from.overflow && from.capacity == 0);
    /* To itself, and what is a reference, are not moved. */
    CU_ASSERT_EQUAL(cb_object_move(&heap, &to, &to), CB_OK);
    CU_ASSERT(holds(&to, "abc"));
    cb_object reference = {.is_string = true, .target = &to};
    CU_ASSERT_EQUAL(cb_object_move(&heap, &from, &reference), CB_OK);
    CU_ASSERT(holds(&from, "abc") && holds(&to, "abc"));
    CU_ASSERT_PTR_EQUAL(reference.target, &to);
    CU_ASSERT_EQUAL(heap.bytes_moved, 0);
    cb_object_clear(&from);
    cb_object_clear(&to);
    CU_ASSERT_EQUAL(cb_object_move(&heap, &to, &from), CB_OK);
    CU_ASSERT_PTR_NULL(to.bytes);
}

static void constants_are_bounded(void)
{
    start();
    cb_object to = {.is_string = true};
    cb_buffer *text = cb_buffer_new(MOST, MOST + 2);
    CU_ASSERT_EQUAL(cb_object_assign_constant(&heap, &to, text), CB_OK);
    CU_ASSERT_PTR_EQUAL(to.bytes, text);
    CU_ASSERT(to.written && to.capacity == MOST);
    text->size++;
    to.written = false;
    CU_ASSERT_EQUAL(cb_object_assign_constant(&heap, &to, text), CB_LIMIT);
    CU_ASSERT_FALSE(to.written);
    cb_object_clear(&to);
    CU_ASSERT(cb_buffer_is_unique(text));
    cb_buffer_release(text);
}

/* --- taken from a verb --- */

static void taken_bytes_are_bounded(void)
{
    for (int is_string = 0; is_string < 2; is_string++) {
        start();
        cb_object to = {.is_string = is_string != 0};
        cb_buffer *bytes = cb_buffer_new(MOST, MOST + 1);
        memset(bytes->data, 'x', MOST);
        CU_ASSERT_EQUAL(cb_object_take(&heap, &to, bytes), CB_OK);
        CU_ASSERT_PTR_EQUAL(to.bytes, bytes);
        CU_ASSERT_EQUAL(cb_object_take(&heap, &to, cb_buffer_new(MOST + 1, 0)), CB_LIMIT);
        CU_ASSERT_EQUAL(cb_object_size(&to), MOST);
        CU_ASSERT_EQUAL(cb_object_take(&heap, &to, NULL), CB_OK);
        CU_ASSERT_PTR_NULL(to.bytes);
        CU_ASSERT_EQUAL(heap.bytes_moved, 0);
    }
}

/* A string keeps the memory if that is its own and has room for a NUL. */
static void a_taken_string_ends_at_its_nul(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        size_t capacity;
        const char *text;
        bool stays;
    } rows[] = {
        {"abc", 3, 4, "abc", true},     {"abc", 3, 3, "abc", false}, {"ab\0c", 4, 4, "ab", true},
        {"\0bc", 3, 3, "", true},       {"", 0, 1, "", true},        {"", 0, 0, "", false},
        {"abcd\0", 5, 5, "abcd", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int shared = 0; shared < 2; shared++) {
            start();
            cb_object to = new_string("old");
            cb_buffer *bytes = cb_buffer_new(rows[i].size, rows[i].capacity);
            memcpy(bytes->data, rows[i].bytes, rows[i].size);
            cb_buffer *other = shared ? cb_buffer_retain(bytes) : NULL;
            CU_ASSERT_EQUAL(cb_object_take(&heap, &to, bytes), CB_OK);
            CU_ASSERT(holds(&to, rows[i].text) && to.written);
            CU_ASSERT_EQUAL(to.bytes == bytes, rows[i].stays && !shared);
            CU_ASSERT_EQUAL(heap.bytes_moved, rows[i].stays && !shared ? 0 : strlen(rows[i].text));
            if (other != NULL)
                CU_ASSERT_EQUAL(memcmp(other->data, rows[i].bytes, rows[i].size), 0);
            cb_buffer_release(other);
            cb_object_clear(&to);
        }
    }
}

/* --- memory of others --- */

static void foreign_memory_stays_in_aliases(void)
{
    static uint8_t memory[] = "foreign";
    start();
    cb_object alias = {.is_alias = true};
    cb_object blob = {0};
    cb_object text = {.is_string = true};
    CU_ASSERT_EQUAL(cb_object_take(&heap, &alias, cb_buffer_foreign(memory, 7)), CB_OK);
    CU_ASSERT_PTR_EQUAL(alias.bytes->data, memory);
    CU_ASSERT_EQUAL(heap.bytes_moved, 0);
    CU_ASSERT_EQUAL(cb_object_take(&heap, &blob, cb_buffer_foreign(memory, 7)), CB_OK);
    CU_ASSERT(holds(&blob, "foreign") && blob.bytes->data != memory);
    CU_ASSERT_EQUAL(heap.bytes_moved, 7);
    CU_ASSERT_EQUAL(cb_object_take(&heap, &text, cb_buffer_foreign(memory, 8)), CB_OK);
    CU_ASSERT(holds(&text, "foreign") && text.bytes->data != memory);
    CU_ASSERT_EQUAL(heap.bytes_moved, 14);
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &blob, &alias), CB_OK);
    CU_ASSERT(holds(&blob, "foreign") && blob.bytes->data != memory);
    CU_ASSERT_EQUAL(heap.bytes_moved, 21);
    cb_buffer *shared = cb_object_share(&heap, &alias);
    CU_ASSERT(shared->data != memory && shared->size == 7);
    CU_ASSERT_EQUAL(heap.bytes_moved, 28);
    cb_buffer_release(shared);
    uint8_t *data = NULL;
    CU_ASSERT_EQUAL(cb_object_write(&heap, &alias, 6, 1, &data), CB_OK);
    CU_ASSERT_PTR_EQUAL(data, memory + 6);
    CU_ASSERT_EQUAL(cb_object_move(&heap, &blob, &alias), CB_OK);
    CU_ASSERT(holds(&blob, "foreign") && blob.bytes->data != memory);
    CU_ASSERT_EQUAL(heap.bytes_moved, 35);
    CU_ASSERT_PTR_NULL(alias.bytes);
    cb_object_clear(&blob);
    cb_object_clear(&text);
}

static void sharing_gives_a_reference(void)
{
    start();
    cb_object object = new_blob("abc");
    cb_object reference = {.target = &object};
    cb_buffer *one = cb_object_share(&heap, &object);
    cb_buffer *other = cb_object_share(&heap, &reference);
    CU_ASSERT(one == object.bytes && other == one && !cb_buffer_is_unique(one));
    cb_buffer_release(one);
    cb_buffer_release(other);
    CU_ASSERT(cb_buffer_is_unique(object.bytes));
    cb_object_clear(&object);
    one = cb_object_share(&heap, &object);
    CU_ASSERT(one != NULL && one->size == 0 && one->capacity >= 1);
    CU_ASSERT_EQUAL(heap.bytes_moved, 0);
    cb_buffer_release(one);
}

/* --- := --- */

static void expect_fill(const char *old, size_t capacity, const char *value, const char *becomes,
                        bool overflow)
{
    for (int is_string = 0; is_string < 2; is_string++) {
        start();
        cb_object to = is_string ? new_string(old) : new_blob(old);
        cb_object from = is_string ? new_string(value) : new_blob(value);
        to.capacity = capacity;
        to.overflow = !overflow;
        CU_ASSERT_EQUAL(cb_object_fill(&heap, &to, &from), CB_OK);
        CU_ASSERT(holds(&to, becomes));
        CU_ASSERT_EQUAL(to.overflow, overflow);
        CU_ASSERT(to.written && to.capacity == capacity);
        CU_ASSERT(holds(&from, value));
        cb_object_clear(&to);
        cb_object_clear(&from);
    }
}

static void bounded_assignments_fill_the_front(void)
{
    expect_fill("", 3, "", "", false);
    expect_fill("", 3, "a", "a", false);
    expect_fill("", 3, "abc", "abc", false);
    expect_fill("", 3, "abcd", "abc", true);
    expect_fill("", 0, "a", "", true);
    expect_fill("", 0, "", "", false);
    expect_fill("old", 3, "", "old", false);
    expect_fill("old", 3, "a", "ald", false);
    expect_fill("old", 5, "abcd", "abcd", false);
    expect_fill("old", 3, "abcdef", "abc", true);
}

static void bounded_assignments_move_bytes(void)
{
    start();
    cb_object to = new_blob("old");
    cb_object from = new_blob("ab");
    CU_ASSERT_EQUAL(cb_object_fill(&heap, &to, &from), CB_OK);
    CU_ASSERT_EQUAL(heap.bytes_moved, 2);
    /* A copy of what is shared, and the value. */
    cb_object other = {0};
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &other, &to), CB_OK);
    CU_ASSERT_EQUAL(cb_object_fill(&heap, &to, &from), CB_OK);
    CU_ASSERT_EQUAL(heap.bytes_moved, 2 + 3 + 2);
    CU_ASSERT(to.bytes != other.bytes);
    /* Its own bytes need not be moved. */
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &to, &other), CB_OK);
    CU_ASSERT_EQUAL(cb_object_fill(&heap, &to, &other), CB_OK);
    CU_ASSERT_EQUAL(heap.bytes_moved, 7);
    CU_ASSERT_PTR_EQUAL(to.bytes, other.bytes);
    cb_object_clear(&to);
    cb_object_clear(&from);
    cb_object_clear(&other);
}

/* --- changed in place --- */

static void sizes_change(void)
{
    uint8_t *data = NULL;
    start();
    cb_object blob = new_blob("abc");
    blob.overflow = true;
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 5, &data), CB_OK);
    CU_ASSERT(data == blob.bytes->data && memcmp(data, "abc\0\0", 5) == 0);
    CU_ASSERT(cb_object_size(&blob) == 5 && blob.capacity == 5 && blob.written && blob.overflow);
    size_t grown = heap.bytes_moved;
    CU_ASSERT_EQUAL(grown, 3 + 2); /* what was there, and the zeros */
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 2, &data), CB_OK);
    CU_ASSERT(holds(&blob, "ab") && blob.capacity == 5);
    CU_ASSERT_EQUAL(heap.bytes_moved, grown);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 2, &data), CB_OK);
    CU_ASSERT_EQUAL(heap.bytes_moved, grown);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 3, &data), CB_OK);
    CU_ASSERT_EQUAL(memcmp(data, "ab", 3), 0); /* 'c' does not come back */
    cb_object_clear(&blob);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 0, &data), CB_OK);
    CU_ASSERT(cb_object_size(&blob) == 0 && blob.written);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, MOST, &data), CB_OK);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, MOST + 1, &data), CB_LIMIT);
    CU_ASSERT_EQUAL(cb_object_size(&blob), MOST);
    cb_object_clear(&blob);
}

static void shared_bytes_are_copied_before_they_change(void)
{
    uint8_t *data = NULL;
    start();
    cb_object one = new_blob("abc");
    cb_object other = {0};
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &other, &one), CB_OK);
    CU_ASSERT_EQUAL(cb_object_write(&heap, &one, 1, 2, &data), CB_OK);
    memcpy(data, "XY", 2);
    CU_ASSERT(holds(&one, "aXY") && holds(&other, "abc"));
    CU_ASSERT_EQUAL(heap.bytes_moved, 3);
    one.written = false;
    CU_ASSERT_EQUAL(cb_object_write(&heap, &one, 0, 1, &data), CB_OK);
    CU_ASSERT(data == one.bytes->data && one.written);
    CU_ASSERT_EQUAL(heap.bytes_moved, 3);
    CU_ASSERT_EQUAL(cb_object_assign(&heap, &other, &one), CB_OK);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &one, 1, &data), CB_OK);
    CU_ASSERT(holds(&one, "a") && holds(&other, "aXY"));
    cb_object_clear(&one);
    cb_object_clear(&other);
}

/* One byte more than its length, so that its NUL has a place. */
static void a_string_has_room_for_its_nul(void)
{
    start();
    for (size_t size = 0; size <= 40; size++) {
        uint8_t *data = NULL;
        cb_object text = new_string("abc");
        CU_ASSERT_EQUAL(cb_object_resize(&heap, &text, size, &data), CB_OK);
        CU_ASSERT(text.bytes->capacity > size && data[size] == 0);
        memset(data, 'x', size);
        cb_object_end_string(&text);
        CU_ASSERT_EQUAL(cb_object_size(&text), size);
        if (size > 3) {
            data[3] = 0;
            cb_object reference = {.is_string = true, .target = &text};
            cb_object_end_string(&reference);
            CU_ASSERT(holds(&text, "xxx"));
        }
        cb_object_clear(&text);
        cb_object_end_string(&text);
        CU_ASSERT_PTR_NULL(text.bytes);
    }
    cb_object blob = new_blob("abc");
    blob.bytes->data[1] = 0;
    cb_object_end_string(&blob);
    CU_ASSERT_EQUAL(cb_object_size(&blob), 3);
    cb_object_clear(&blob);
}

static void a_full_buffer_is_left_for_a_nul(void)
{
    uint8_t *data = NULL;
    start();
    cb_object text = {.is_string = true, .bytes = cb_buffer_new(3, 3), .capacity = 3};
    memcpy(text.bytes->data, "abc", 3);
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &text, 3, &data), CB_OK);
    CU_ASSERT(text.bytes->capacity >= 4 && holds(&text, "abc"));
    CU_ASSERT_EQUAL(heap.bytes_moved, 3);
    cb_object_clear(&text);
    cb_object blob = new_blob("abc");
    const cb_buffer *bytes = blob.bytes;
    CU_ASSERT_EQUAL(cb_object_resize(&heap, &blob, 3, &data), CB_OK);
    CU_ASSERT_PTR_EQUAL(blob.bytes, bytes);
    CU_ASSERT_EQUAL(heap.bytes_moved, 3);
    cb_object_clear(&blob);
}

/* --- looked at --- */

static void capacities(void)
{
    cb_object blob = new_blob("abc");
    CU_ASSERT_EQUAL(cb_object_capacity(&blob), 3);
    blob.capacity = 2;
    CU_ASSERT_EQUAL(cb_object_capacity(&blob), 3);
    blob.capacity = 4;
    CU_ASSERT_EQUAL(cb_object_capacity(&blob), 4);
    cb_object_clear(&blob);
    CU_ASSERT_EQUAL(cb_object_capacity(&blob), 0);
    CU_ASSERT_EQUAL(cb_object_data(&blob)[0], 0);
}

static void order_is_by_unsigned_bytes(void)
{
    static const char *const ordered[] = {"", "\x01", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};
    for (int left = 0; left < 9; left++) {
        for (int right = 0; right < 9; right++) {
            cb_object one = new_string(ordered[left]);
            cb_object other = new_string(ordered[right]);
            CU_ASSERT_EQUAL(cb_object_compare(&one, &other), (left > right) - (left < right));
            cb_object_clear(&one);
            cb_object_clear(&other);
        }
    }
}

static void ranges_end_with_the_bytes(void)
{
    static const struct {
        int64_t at;
        size_t count;
        bool good;
    } rows[] = {
        {0, 0, true},          {0, 3, true},         {0, 4, false},
        {1, 2, true},          {1, 3, false},        {2, 1, true},
        {3, 0, true},          {3, 1, false},        {4, 0, false},
        {-1, 1, false},        {-1, 0, false},       {INT64_MAX, 1, false},
        {INT64_MIN, 1, false}, {0, SIZE_MAX, false}, {INT64_MAX, SIZE_MAX, false},
        {2, 2, false},
    };
    start();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cb_object blob = new_blob("abc");
        const uint8_t *read = NULL;
        uint8_t *written = NULL;
        CU_ASSERT_EQUAL(cb_object_read(&blob, rows[i].at, rows[i].count, &read),
                        rows[i].good ? CB_OK : CB_INVALID);
        CU_ASSERT_EQUAL(cb_object_write(&heap, &blob, rows[i].at, rows[i].count, &written),
                        rows[i].good ? CB_OK : CB_INVALID);
        CU_ASSERT_EQUAL(blob.written, rows[i].good);
        if (rows[i].good)
            CU_ASSERT(read == blob.bytes->data + rows[i].at && written == read);
        cb_object_clear(&blob);
    }
    const uint8_t *read = NULL;
    cb_object empty = {0};
    CU_ASSERT_EQUAL(cb_object_read(&empty, 0, 1, &read), CB_INVALID);
    CU_ASSERT_EQUAL(cb_object_read(&empty, 0, 0, &read), CB_OK);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("strings and blobs", NULL, NULL);
    CU_ADD_TEST(suite, sizes_are_bounded);
    CU_ADD_TEST(suite, a_blob_begins_with_zeros);
    CU_ADD_TEST(suite, clearing_forgets_everything_but_the_kind);
    CU_ADD_TEST(suite, assigned_bytes_are_shared);
    CU_ADD_TEST(suite, references_are_followed_once);
    CU_ADD_TEST(suite, moved_bytes_leave);
    CU_ADD_TEST(suite, constants_are_bounded);
    CU_ADD_TEST(suite, taken_bytes_are_bounded);
    CU_ADD_TEST(suite, a_taken_string_ends_at_its_nul);
    CU_ADD_TEST(suite, foreign_memory_stays_in_aliases);
    CU_ADD_TEST(suite, sharing_gives_a_reference);
    CU_ADD_TEST(suite, bounded_assignments_fill_the_front);
    CU_ADD_TEST(suite, bounded_assignments_move_bytes);
    CU_ADD_TEST(suite, sizes_change);
    CU_ADD_TEST(suite, shared_bytes_are_copied_before_they_change);
    CU_ADD_TEST(suite, a_string_has_room_for_its_nul);
    CU_ADD_TEST(suite, a_full_buffer_is_left_for_a_nul);
    CU_ADD_TEST(suite, capacities);
    CU_ADD_TEST(suite, order_is_by_unsigned_bytes);
    CU_ADD_TEST(suite, ranges_end_with_the_bytes);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
