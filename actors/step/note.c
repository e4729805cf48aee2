/* What happened in this input, for a log. */
#include "actors/step/note.h"

#include <string.h>

#include "actors/step/state.h"

#define FIRST_CAPACITY 16u

void cb_step_take_notes(cb_step *step)
{
    step->takes_notes = true;
}

cb_notes cb_step_notes(const cb_step *step)
{
    return (cb_notes){step->notes, step->note_count};
}

static bool has_room(cb_step *step)
{
    if (step->note_count < step->note_capacity) {
        return true;
    }
    size_t wanted = step->note_capacity == 0 ? FIRST_CAPACITY : step->note_capacity * 2u;
    cb_note *notes = step->resize(step->notes, wanted * sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    step->notes = notes;
    step->note_capacity = wanted;
    return true;
}

cb_note *cb_step_note(cb_step *step, cb_note_kind kind)
{
    if (!step->takes_notes || !has_room(step)) {
        return NULL;
    }
    cb_note *note = &step->notes[step->note_count++];
    memset(note, 0, sizeof *note);
    note->kind = (uint16_t)kind;
    note->queue_ns = note->run_ns = note->whole_ns = -1;
    return note;
}

cb_note *cb_step_note_route(cb_step *step, cb_note_kind kind, const cb_step_route *route)
{
    cb_note *note = cb_step_note(step, kind);
    if (note != NULL) {
        note->name_space = route->name_space;
        note->route = route->id;
    }
    return note;
}
