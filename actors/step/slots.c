/* Slot tables and the lists that run through them. */
#include <assert.h>
#include <string.h>

#include "actors/step/tables.h"

#define FIRST_CAPACITY 16u

void cb_slots_init(cb_slots *slots, size_t item_bytes, uint64_t limit)
{
    assert(item_bytes >= sizeof(cb_slot));
    memset(slots, 0, sizeof *slots);
    slots->item_bytes = item_bytes;
    slots->limit = limit < CB_SLOT_IN_USE ? (uint32_t)limit : CB_SLOT_IN_USE - 1u;
    slots->free_head = CB_NONE;
}

bool cb_slots_grow(cb_slots *slots, cb_resize_fn *resize)
{
    if (slots->capacity >= slots->limit) {
        return false;
    }
    uint64_t wanted = slots->capacity == 0 ? FIRST_CAPACITY : (uint64_t)slots->capacity * 2u;
    if (wanted > slots->limit) {
        wanted = slots->limit;
    }
    void *items = resize(slots->items, (size_t)wanted * slots->item_bytes);
    if (items == NULL) {
        return false;
    }
    slots->items = items;
    slots->capacity = (uint32_t)wanted;
    return true;
}

uint32_t cb_slots_add(cb_slots *slots)
{
    uint32_t index = slots->free_head;
    cb_slot *slot;
    uint32_t generation = 0;
    if (index != CB_NONE) {
        slot = cb_slots_item(slots, index);
        slots->free_head = slot->link;
        generation = slot->generation;
    } else {
        assert(slots->high < slots->capacity);
        index = slots->high++;
        slot = cb_slots_item(slots, index);
    }
    memset(slot, 0, slots->item_bytes);
    slot->generation = generation == UINT32_MAX ? 1u : generation + 1u;
    slot->link = CB_SLOT_IN_USE;
    slots->count++;
    return index;
}

void cb_slots_remove(cb_slots *slots, uint32_t index)
{
    cb_slot *slot = cb_slots_live(slots, index);
    assert(slot != NULL);
    slot->link = slots->free_head;
    slots->free_head = index;
    slots->count--;
}

void *cb_slots_live(const cb_slots *slots, uint32_t index)
{
    if (index >= slots->high) {
        return NULL;
    }
    cb_slot *slot = cb_slots_item(slots, index);
    return slot->link == CB_SLOT_IN_USE ? slot : NULL;
}

bool cb_slots_copy(cb_slots *to, const cb_slots *from, cb_resize_fn *resize)
{
    *to = *from;
    to->items = NULL;
    if (from->capacity == 0) {
        return true;
    }
    to->items = resize(NULL, (size_t)from->capacity * from->item_bytes);
    if (to->items == NULL) {
        return false;
    }
    memcpy(to->items, from->items, (size_t)from->high * from->item_bytes);
    return true;
}

static cb_link *link_of(cb_slots *slots, size_t offset, uint32_t index)
{
    assert(index < slots->high);
    return (cb_link *)(void *)((unsigned char *)cb_slots_item(slots, index) + offset);
}

void cb_list_insert(cb_list *list, cb_slots *slots, size_t offset, uint32_t after, uint32_t index)
{
    cb_link *link = link_of(slots, offset, index);
    uint32_t *forth = after == CB_NONE ? &list->first : &link_of(slots, offset, after)->next;
    uint32_t next = *forth;
    uint32_t *back = next == CB_NONE ? &list->last : &link_of(slots, offset, next)->previous;
    link->previous = after;
    link->next = next;
    *forth = index;
    *back = index;
    list->count++;
}

void cb_list_append(cb_list *list, cb_slots *slots, size_t offset, uint32_t index)
{
    cb_list_insert(list, slots, offset, list->last, index);
}

void cb_list_remove(cb_list *list, cb_slots *slots, size_t offset, uint32_t index)
{
    cb_link *link = link_of(slots, offset, index);
    assert(list->count > 0);
    if (link->previous == CB_NONE) {
        assert(list->first == index);
        list->first = link->next;
    } else {
        link_of(slots, offset, link->previous)->next = link->next;
    }
    if (link->next == CB_NONE) {
        assert(list->last == index);
        list->last = link->previous;
    } else {
        link_of(slots, offset, link->next)->previous = link->previous;
    }
    link->previous = link->next = CB_NONE;
    list->count--;
}
