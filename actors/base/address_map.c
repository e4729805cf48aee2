#include "actors/base/address_map.h"

#include <assert.h>
#include <stdlib.h>

#define LEAST_CAPACITY 64u

static size_t home(const cb_address_map *map, uint64_t address)
{
    /* Addresses count up; multiplying by an odd constant spreads them over the table. */
    return (size_t)(address * 2654435769u) & (map->capacity - 1);
}

static size_t find_slot(const cb_address_map *map, uint64_t address)
{
    size_t slot = home(map, address);
    while (map->entries[slot].address != 0 && map->entries[slot].address != address)
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

void *cb_address_map_find(const cb_address_map *map, uint64_t address)
{
    if (map->count == 0 || address == 0)
        return NULL;
    const cb_address_entry *entry = &map->entries[find_slot(map, address)];
    return entry->address == address ? entry->value : NULL;
}

static cb_status grow(cb_address_map *map)
{
    cb_address_map larger = {.capacity = map->capacity ? map->capacity * 2 : LEAST_CAPACITY};
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (larger.entries == NULL)
        return CB_NO_MEMORY;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].address != 0) {
            larger.entries[find_slot(&larger, map->entries[i].address)] = map->entries[i];
            larger.count++;
        }
    free(map->entries);
    *map = larger;
    return CB_OK;
}

cb_status cb_address_map_insert(cb_address_map *map, uint64_t address, void *value)
{
    assert(address != 0 && cb_address_map_find(map, address) == NULL);
    if ((map->count + 1) * 2 > map->capacity && grow(map) != CB_OK)
        return CB_NO_MEMORY;
    map->entries[find_slot(map, address)] = (cb_address_entry){address, value};
    map->count++;
    return CB_OK;
}

void *cb_address_map_remove(cb_address_map *map, uint64_t address)
{
    if (map->count == 0 || address == 0)
        return NULL;
    size_t hole = find_slot(map, address);
    if (map->entries[hole].address == 0)
        return NULL;
    void *value = map->entries[hole].value;
    map->entries[hole] = (cb_address_entry){0, NULL};
    map->count--;
    /* What was pushed past the hole moves back, so that no search ends too early. */
    size_t slot = (hole + 1) & (map->capacity - 1);
    while (map->entries[slot].address != 0) {
        cb_address_entry moved = map->entries[slot];
        map->entries[slot] = (cb_address_entry){0, NULL};
        map->entries[find_slot(map, moved.address)] = moved;
        slot = (slot + 1) & (map->capacity - 1);
    }
    return value;
}

void cb_address_map_free(cb_address_map *map)
{
    free(map->entries);
    *map = (cb_address_map){0};
}
