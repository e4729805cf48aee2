/* A hash map from numbers to numbers: open addressing, linear probing, no tombstones. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/step/tables.h"

#define FIRST_CAPACITY 16u

/* Spreads neighbouring keys over the table; the same on every machine. */
static uint32_t home_of(const cb_map *map, uint64_t key)
{
    key ^= key >> 32;
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(key >> 32) & (map->capacity - 1u);
}

static uint32_t place_of(const cb_map *map, uint64_t key)
{
    uint32_t place = home_of(map, key);
    while (map->entries[place].value != CB_NONE && map->entries[place].key != key) {
        place = (place + 1u) & (map->capacity - 1u);
    }
    return place;
}

bool cb_map_reserve(cb_map *map, cb_resize_fn *resize)
{
    if ((uint64_t)map->count * 2u + 2u <= map->capacity) {
        return true;
    }
    uint64_t wanted = map->capacity == 0 ? FIRST_CAPACITY : (uint64_t)map->capacity * 2u;
    if (wanted > (UINT64_C(1) << 31)) {
        return false;
    }
    cb_map bigger = {NULL, (uint32_t)wanted, 0};
    bigger.entries = resize(NULL, (size_t)wanted * sizeof *bigger.entries);
    if (bigger.entries == NULL) {
        return false;
    }
    memset(bigger.entries, 0xff, (size_t)wanted * sizeof *bigger.entries);
    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value != CB_NONE) {
            cb_map_put(&bigger, map->entries[i].key, map->entries[i].value);
        }
    }
    free(map->entries);
    *map = bigger;
    return true;
}

void cb_map_put(cb_map *map, uint64_t key, uint32_t value)
{
    assert(map->count < map->capacity && value != CB_NONE);
    uint32_t place = place_of(map, key);
    assert(map->entries[place].value == CB_NONE);
    map->entries[place] = (cb_map_entry){key, value, 0};
    map->count++;
}

uint32_t cb_map_get(const cb_map *map, uint64_t key)
{
    return map->count == 0 ? CB_NONE : map->entries[place_of(map, key)].value;
}

void cb_map_remove(cb_map *map, uint64_t key)
{
    if (map->count == 0) {
        return;
    }
    uint32_t mask = map->capacity - 1u;
    uint32_t hole = place_of(map, key);
    if (map->entries[hole].value == CB_NONE) {
        return;
    }
    /* Entries after the hole move up unless that would put them before their home. */
    for (uint32_t next = (hole + 1u) & mask; map->entries[next].value != CB_NONE;
         next = (next + 1u) & mask) {
        uint32_t home = home_of(map, map->entries[next].key);
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            map->entries[hole] = map->entries[next];
            hole = next;
        }
    }
    map->entries[hole].value = CB_NONE;
    map->count--;
}

bool cb_map_copy(cb_map *to, const cb_map *from, cb_resize_fn *resize)
{
    *to = *from;
    to->entries = NULL;
    if (from->capacity == 0) {
        return true;
    }
    to->entries = resize(NULL, (size_t)from->capacity * sizeof *to->entries);
    if (to->entries == NULL) {
        return false;
    }
    memcpy(to->entries, from->entries, (size_t)from->capacity * sizeof *to->entries);
    return true;
}
