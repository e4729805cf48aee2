/* From an address, or any number but 0, to a pointer: a hash table with open addressing. Not
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

/* NULL when it is not there. */
void *cb_address_map_find(const cb_address_map *map, uint64_t address);
/* The address (not 0) must not be there. CB_NO_MEMORY leaves the map as it was. */
cb_status cb_address_map_insert(cb_address_map *map, uint64_t address, void *value);
/* Gives the value that was there, or NULL. */
void *cb_address_map_remove(cb_address_map *map, uint64_t address);
void cb_address_map_free(cb_address_map *map);

#endif
