/* The step's containers at their bounds and against plain models: slots, lists, maps, heaps. */
#include "tests/unit/step_play.h"

typedef struct item {
    cb_slot slot;
    uint32_t value;
    cb_link link;
} item;

#define MODEL_KEYS 300u
#define ROUNDS     20000u

static uint64_t seed;

static uint32_t pick(uint32_t count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % count;
}

/* realloc that fails once `grants` are used up. */
static unsigned grants;

static void *grudging(void *memory, size_t size)
{
    if (grants == 0) {
        return NULL;
    }
    grants--;
    return realloc(memory, size);
}

/* -- slots -- */

static void test_slots_grow_to_their_limit(void)
{
    cb_slots slots;
    cb_slots_init(&slots, sizeof(item), 40);
    CU_ASSERT(cb_slots_full(&slots) && !cb_slots_at_limit(&slots));
    grants = 0;
    CU_ASSERT_FALSE(cb_slots_grow(&slots, grudging));
    CU_ASSERT(slots.capacity == 0 && slots.items == NULL);
    static const uint32_t capacities[] = {16, 32, 40};
    for (size_t i = 0; i < 3; i++) {
        grants = 1;
        CU_ASSERT(cb_slots_grow(&slots, grudging));
        CU_ASSERT_EQUAL(slots.capacity, capacities[i]);
        while (!cb_slots_full(&slots)) {
            uint32_t index = cb_slots_add(&slots);
            CU_ASSERT_EQUAL(index + 1u, slots.count);
            CU_ASSERT_EQUAL(cb_slots_at_limit(&slots), slots.count == 40);
        }
        CU_ASSERT_EQUAL(slots.count, capacities[i]);
    }
    grants = 1;
    CU_ASSERT_FALSE(cb_slots_grow(&slots, grudging));
    CU_ASSERT_EQUAL(grants, 1); /* it did not even ask */
    cb_slots_remove(&slots, 7);
    CU_ASSERT(!cb_slots_at_limit(&slots) && !cb_slots_full(&slots));
    free(slots.items);
    cb_slots_init(&slots, sizeof(item), CB_SLOT_IN_USE);
    CU_ASSERT_EQUAL(slots.limit, CB_SLOT_IN_USE - 1u);
    cb_slots_init(&slots, sizeof(item), CB_SLOT_IN_USE - 1u);
    CU_ASSERT_EQUAL(slots.limit, CB_SLOT_IN_USE - 1u);
    cb_slots_init(&slots, sizeof(item), CB_SLOT_IN_USE - 2u);
    CU_ASSERT_EQUAL(slots.limit, CB_SLOT_IN_USE - 2u);
    cb_slots_init(&slots, sizeof(item), UINT64_MAX);
    CU_ASSERT_EQUAL(slots.limit, CB_SLOT_IN_USE - 1u);
}

static item *at(cb_slots *slots, uint32_t index)
{
    return cb_slots_item(slots, index);
}

static void test_a_place_is_used_again_but_no_generation(void)
{
    cb_slots slots;
    cb_slots_init(&slots, sizeof(item), 16);
    CU_ASSERT(cb_slots_grow(&slots, realloc));
    CU_ASSERT_PTR_NULL(cb_slots_live(&slots, 0));
    for (uint32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(cb_slots_add(&slots), i);
        CU_ASSERT_EQUAL(at(&slots, i)->slot.generation, 1);
        at(&slots, i)->value = 5;
    }
    CU_ASSERT(cb_slots_live(&slots, 2) == at(&slots, 2) && cb_slots_live(&slots, 3) == NULL);
    CU_ASSERT_PTR_NULL(cb_slots_live(&slots, CB_NONE));
    cb_slots_remove(&slots, 1);
    cb_slots_remove(&slots, 0);
    CU_ASSERT(slots.count == 1 && slots.high == 3);
    CU_ASSERT(cb_slots_live(&slots, 0) == NULL && cb_slots_live(&slots, 1) == NULL);
    CU_ASSERT_EQUAL(cb_slots_add(&slots), 0); /* the last that was freed */
    CU_ASSERT(at(&slots, 0)->slot.generation == 2 && at(&slots, 0)->value == 0);
    CU_ASSERT_EQUAL(cb_slots_add(&slots), 1);
    CU_ASSERT(at(&slots, 1)->slot.generation == 2 && slots.high == 3 && slots.count == 3);
    static const uint32_t ends[][2] = {{UINT32_MAX - 1u, UINT32_MAX}, {UINT32_MAX, 1}};
    for (size_t i = 0; i < 2; i++) {
        at(&slots, 2)->slot.generation = ends[i][0];
        cb_slots_remove(&slots, 2);
        CU_ASSERT_EQUAL(cb_slots_add(&slots), 2);
        CU_ASSERT_EQUAL(at(&slots, 2)->slot.generation, ends[i][1]); /* never 0 */
    }
    free(slots.items);
}

static void test_copies_of_slots(void)
{
    cb_slots slots;
    cb_slots copy;
    cb_slots_init(&slots, sizeof(item), 16);
    grants = 0;
    CU_ASSERT(cb_slots_copy(&copy, &slots, grudging)); /* nothing takes no memory */
    CU_ASSERT(copy.items == NULL && copy.capacity == 0);
    CU_ASSERT(cb_slots_grow(&slots, realloc));
    for (uint32_t i = 0; i < 4; i++) {
        at(&slots, cb_slots_add(&slots))->value = 10u + i;
    }
    cb_slots_remove(&slots, 3);
    CU_ASSERT_FALSE(cb_slots_copy(&copy, &slots, grudging));
    CU_ASSERT(cb_slots_copy(&copy, &slots, realloc));
    CU_ASSERT(copy.items != slots.items && copy.count == 3 && copy.high == 4);
    CU_ASSERT_EQUAL(memcmp(copy.items, slots.items, 4 * sizeof(item)), 0);
    CU_ASSERT(cb_slots_add(&copy) == 3 && slots.count == 3);
    free(copy.items);
    free(slots.items);
}

/* -- lists -- */

static bool list_is(const cb_list *list, cb_slots *slots, const uint32_t *wanted, uint32_t count)
{
    uint32_t previous = CB_NONE;
    uint32_t index = list->first;
    for (uint32_t i = 0; i < count; i++) {
        if (index != wanted[i] || at(slots, index)->link.previous != previous) {
            return false;
        }
        previous = index;
        index = at(slots, index)->link.next;
    }
    return index == CB_NONE && list->last == previous && list->count == count;
}

#define LIST_IS(...)                                                                               \
    list_is(&list, &slots, (const uint32_t[]){__VA_ARGS__},                                        \
            sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_lists(void)
{
    const size_t link = offsetof(item, link);
    cb_slots slots;
    cb_list list = CB_LIST_EMPTY;
    cb_slots_init(&slots, sizeof(item), 16);
    CU_ASSERT(cb_slots_grow(&slots, realloc));
    for (uint32_t i = 0; i < 6; i++) {
        cb_slots_add(&slots);
    }
    cb_list_append(&list, &slots, link, 2);
    CU_ASSERT(LIST_IS(2));
    cb_list_append(&list, &slots, link, 4);
    CU_ASSERT(LIST_IS(2, 4));
    cb_list_insert(&list, &slots, link, CB_NONE, 1);
    CU_ASSERT(LIST_IS(1, 2, 4));
    cb_list_insert(&list, &slots, link, 2, 3);
    CU_ASSERT(LIST_IS(1, 2, 3, 4));
    cb_list_insert(&list, &slots, link, 4, 5);
    CU_ASSERT(LIST_IS(1, 2, 3, 4, 5));
    cb_list_remove(&list, &slots, link, 3);
    CU_ASSERT(LIST_IS(1, 2, 4, 5));
    CU_ASSERT(at(&slots, 3)->link.previous == CB_NONE && at(&slots, 3)->link.next == CB_NONE);
    cb_list_remove(&list, &slots, link, 1);
    CU_ASSERT(LIST_IS(2, 4, 5));
    cb_list_remove(&list, &slots, link, 5);
    CU_ASSERT(LIST_IS(2, 4));
    cb_list_remove(&list, &slots, link, 2);
    cb_list_remove(&list, &slots, link, 4);
    CU_ASSERT(list.first == CB_NONE && list.last == CB_NONE && list.count == 0);
    free(slots.items);
}

/* -- maps -- */

/* Keys as the step makes them: a namespace or a slot above, an id below. */
static uint64_t key_of(uint32_t number)
{
    return ((uint64_t)(number % 7) << 56) | ((uint64_t)(number % 3) << 32) | (number * 16u);
}

static void test_a_map_against_a_model(void)
{
    cb_map map = {0};
    uint32_t model[MODEL_KEYS];
    uint32_t count = 0;
    memset(model, 0xff, sizeof model);
    seed = 7;
    cb_map_remove(&map, 5); /* of nothing */
    CU_ASSERT_EQUAL(cb_map_get(&map, 5), CB_NONE);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t number = pick(MODEL_KEYS);
        if (model[number] == CB_NONE && pick(2) == 0) {
            CU_ASSERT_FATAL(cb_map_reserve(&map, realloc));
            model[number] = round;
            cb_map_put(&map, key_of(number), round);
            count++;
        } else if (pick(3) == 0) {
            cb_map_remove(&map, key_of(number));
            count -= model[number] != CB_NONE;
            model[number] = CB_NONE;
        }
        number = pick(MODEL_KEYS);
        if (cb_map_get(&map, key_of(number)) != model[number] || map.count != count) {
            CU_FAIL("the map is not the model");
            break;
        }
    }
    cb_map copy;
    grants = 0;
    CU_ASSERT_FALSE(cb_map_copy(&copy, &map, grudging));
    CU_ASSERT(cb_map_copy(&copy, &map, realloc));
    for (uint32_t i = 0; i < MODEL_KEYS; i++) {
        CU_ASSERT_EQUAL(cb_map_get(&map, key_of(i)), model[i]);
        CU_ASSERT_EQUAL(cb_map_get(&copy, key_of(i)), model[i]);
        cb_map_remove(&copy, key_of(i));
        CU_ASSERT_EQUAL(cb_map_get(&map, key_of(i)), model[i]);
    }
    CU_ASSERT(copy.count == 0 && map.count == count);
    free(copy.entries);
    free(map.entries);
}

static void test_a_map_is_half_full_at_most(void)
{
    cb_map map = {0};
    grants = 0;
    CU_ASSERT_FALSE(cb_map_reserve(&map, grudging));
    CU_ASSERT(map.capacity == 0 && map.entries == NULL);
    cb_map copy;
    CU_ASSERT(cb_map_copy(&copy, &map, grudging)); /* nothing takes no memory */
    CU_ASSERT_PTR_NULL(copy.entries);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t before = map.capacity;
        bool grows = i == 0 || i == 8 || i == 16 || i == 32;
        grants = 0;
        CU_ASSERT_EQUAL(cb_map_reserve(&map, grudging), !grows); /* and nothing is lost */
        CU_ASSERT(map.capacity == before && map.count == i);
        grants = 1;
        CU_ASSERT(cb_map_reserve(&map, grudging));
        CU_ASSERT_EQUAL(grants, grows ? 0 : 1);
        CU_ASSERT_EQUAL(map.capacity, i < 8 ? 16 : i < 16 ? 32 : i < 32 ? 64 : 128);
        cb_map_put(&map, i, i + 1u);
    }
    map.count = UINT32_C(1) << 30; /* as if it were so large: there is no larger one */
    map.capacity = UINT32_C(1) << 31;
    grants = 1;
    CU_ASSERT_FALSE(cb_map_reserve(&map, grudging));
    CU_ASSERT_EQUAL(grants, 1);
    free(map.entries);
}

/* Neighbours in the table, around its end too: what moves up when one goes is still found. */
static void test_holes_in_a_map(void)
{
    for (uint32_t gone = 0; gone < 7; gone++) {
        for (uint64_t base = 0; base < 400; base += 7) {
            cb_map map = {0};
            CU_ASSERT_FATAL(cb_map_reserve(&map, realloc));
            for (uint32_t i = 0; i < 7; i++) {
                cb_map_put(&map, base + i * UINT64_C(0x100000001), i);
            }
            cb_map_remove(&map, base + gone * UINT64_C(0x100000001));
            for (uint32_t i = 0; i < 7; i++) {
                CU_ASSERT_EQUAL(cb_map_get(&map, base + i * UINT64_C(0x100000001)),
                                i == gone ? CB_NONE : i);
            }
            free(map.entries);
        }
    }
}

/* So many that places, counts and slots need more than 16 bits. */
static void test_a_large_map(void)
{
    const uint32_t many = 70000;
    cb_map map = {0};
    for (uint32_t i = 0; i < many; i++) {
        CU_ASSERT_FATAL(cb_map_reserve(&map, realloc));
        cb_map_put(&map, (uint64_t)i << 8, i);
    }
    CU_ASSERT(map.count == many && map.capacity == 262144);
    for (uint32_t i = 0; i < many; i += 2) {
        cb_map_remove(&map, (uint64_t)i << 8);
    }
    CU_ASSERT_EQUAL(map.count, many / 2);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < many; i++) {
        wrong += cb_map_get(&map, (uint64_t)i << 8) != (i % 2 == 0 ? CB_NONE : i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(map.entries);
}

/* -- heaps -- */

typedef struct expected {
    int64_t key;
    uint64_t order;
    uint32_t number; /* 0: not there */
} expected;

static const expected *least(const expected *model)
{
    const expected *found = NULL;
    for (uint32_t i = 0; i < MODEL_KEYS; i++) {
        const expected *e = &model[i];
        if (e->number != 0 && (found == NULL || e->key < found->key ||
                               (e->key == found->key && e->order < found->order))) {
            found = e;
        }
    }
    return found;
}

static bool first_is(const cb_heap *heap, const expected *model)
{
    const expected *wanted = least(model);
    const cb_heap_node *first = cb_heap_first(heap);
    return wanted == NULL ? first == NULL
                          : first != NULL && first->key == wanted->key &&
                                first->owner == (uint32_t)(wanted - model) && first->kind == 3;
}

static void test_a_heap_against_a_model(void)
{
    static expected model[MODEL_KEYS];
    cb_heap heap;
    memset(model, 0, sizeof model);
    cb_heap_init(&heap);
    CU_ASSERT_PTR_NULL(cb_heap_first(&heap));
    CU_ASSERT_FATAL(cb_heap_reserve(&heap, MODEL_KEYS, realloc));
    seed = 11;
    for (uint32_t round = 0; round < ROUNDS / 4; round++) {
        uint32_t owner = pick(MODEL_KEYS);
        if (model[owner].number == 0) {
            model[owner] = (expected){(int64_t)pick(50) - 25, round, 0};
            model[owner].number = cb_heap_push(&heap, model[owner].key, 3, owner);
            CU_ASSERT(model[owner].number > 0 && model[owner].number <= heap.high);
        } else {
            if (pick(3) == 0) {
                owner = cb_heap_first(&heap)->owner;
            }
            cb_heap_remove(&heap, &model[owner].number);
            CU_ASSERT_EQUAL(model[owner].number, 0);
            cb_heap_remove(&heap, &model[owner].number); /* 0: nothing */
        }
        if (!first_is(&heap, model)) {
            CU_FAIL("the heap is not the model");
            break;
        }
    }
    cb_heap copy;
    CU_ASSERT(cb_heap_copy(&copy, &heap, realloc));
    for (uint32_t left = copy.count; left > 0; left--) {
        CU_ASSERT(first_is(&copy, model) && copy.count == left);
        cb_heap_remove(&copy, &model[cb_heap_first(&copy)->owner].number);
    }
    CU_ASSERT(cb_heap_first(&copy) == NULL && cb_heap_first(&heap) != NULL);
    free(copy.nodes);
    free(copy.places);
    free(heap.nodes);
    free(heap.places);
}

static void test_room_in_a_heap(void)
{
    cb_heap heap;
    cb_heap copy;
    cb_heap_init(&heap);
    grants = 0;
    CU_ASSERT(cb_heap_reserve(&heap, 0, grudging));
    CU_ASSERT(cb_heap_copy(&copy, &heap, grudging)); /* nothing takes no memory */
    CU_ASSERT_FALSE(cb_heap_reserve(&heap, 1, grudging));
    grants = 1;
    CU_ASSERT_FALSE(cb_heap_reserve(&heap, 1, grudging)); /* the half of it is not enough */
    CU_ASSERT_EQUAL(heap.capacity, 0);
    grants = 2;
    CU_ASSERT(cb_heap_reserve(&heap, 1, grudging));
    CU_ASSERT_EQUAL(heap.capacity, 16);
    grants = 0;
    CU_ASSERT(cb_heap_reserve(&heap, 16, grudging));
    CU_ASSERT_FALSE(cb_heap_reserve(&heap, 17, grudging));
    grants = 2;
    CU_ASSERT(cb_heap_reserve(&heap, 17, grudging));
    CU_ASSERT_EQUAL(heap.capacity, 17);
    uint32_t numbers[17];
    for (uint32_t i = 0; i < 17; i++) {
        numbers[i] = cb_heap_push(&heap, 0, 1, i);
    }
    for (uint32_t i = 0; i < 17; i++) {
        CU_ASSERT_EQUAL(cb_heap_first(&heap)->owner, i); /* equals in the order of insertion */
        cb_heap_remove(&heap, &numbers[i]);
    }
    CU_ASSERT_EQUAL(cb_heap_push(&heap, 0, 1, 9), 17); /* the node that was freed last */
    grants = 1;
    CU_ASSERT_FALSE(cb_heap_copy(&copy, &heap, grudging));
    free(copy.nodes);
    free(heap.nodes);
    free(heap.places);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"slots grow to their limit", test_slots_grow_to_their_limit},
        {"a place is used again", test_a_place_is_used_again_but_no_generation},
        {"copies of slots", test_copies_of_slots},
        {"lists", test_lists},
        {"a map against a model", test_a_map_against_a_model},
        {"a map is half full at most", test_a_map_is_half_full_at_most},
        {"holes in a map", test_holes_in_a_map},
        {"a large map", test_a_large_map},
        {"a heap against a model", test_a_heap_against_a_model},
        {"room in a heap", test_room_in_a_heap},
        CU_TEST_INFO_NULL,
    };
    return play_main("step, its containers", tests);
}
