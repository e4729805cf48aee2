/* A hash table with open addressing, from an address (or any number but 0) to a pointer. Not
 * thread-safe. */
#ifndef CALLBOARD_ACTORS_BASE_ADDRESS_MAP_H
#define CALLBOARD_ACTORS_BASE_ADDRESS_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "callboard/status.h"

typedef struct cb_address_entry {
    uint64_t address; /* 0: empty */
    void *value;
} cb_address_entry;

/* All zero is an empty map. */
typedef struct cb_address_map {
    cb_address_entry *entries;
    size_t capacity; /* 0 or a power of two */
    size_t count;
} cb_address_map;

/* NULL if the address is not in the map. */
void *cb_address_map_find(const cb_address_map *map, uint64_t address);
/* The address (not 0) must not be in the map yet. CB_NO_MEMORY leaves the map unchanged. */
cb_status cb_address_map_insert(cb_address_map *map, uint64_t address, void *value);
/* Returns the value that was removed, or NULL. */
void *cb_address_map_remove(cb_address_map *map, uint64_t address);
void cb_address_map_free(cb_address_map *map);

#endif
