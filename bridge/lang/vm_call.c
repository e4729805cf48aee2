/* The slow half of instructions: calls with objects, verbs, overlay fields. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "bridge/lang/types.h"
#include "bridge/lang/vm_state.h"

void cb_vm_pop_objects(cb_vm *vm, cb_object *first)
{
    for (cb_object *object = first; object < vm->object_top; object++) {
        cb_buffer_release(object->bytes);
    }
    vm->object_top = first;
}

static cb_status pass_object(cb_vm *vm, const cb_insn *argument, cb_object *parameter, cb_object *o)
{
    switch (argument->op) {
    case CB_OPC_ARG_O:
        return cb_object_assign(&vm->heap, parameter, &o[argument->a]);
    case CB_OPC_ARG_MOVE:
        return cb_object_move(&vm->heap, parameter, &o[argument->a]);
    case CB_OPC_ARG_K:
        return cb_object_assign_constant(&vm->heap, parameter,
                                         vm->program->strings[argument->wide]);
    default:
        assert(argument->op == CB_OPC_ARG_REF);
        parameter->target = cb_object_follow(&o[argument->a]);
        return CB_OK;
    }
}

cb_status cb_vm_push_objects(cb_vm *vm, const cb_insn *insn, const cb_function *callee,
                             cb_object *o)
{
    cb_object *first = vm->object_top;
    memset(first, 0, callee->object_count * sizeof *first);
    for (uint32_t i = 0; i < callee->object_count; i++) {
        first[i].is_string = callee->object_kinds[i] == CB_KIND_STRING;
    }
    vm->object_top += callee->object_count;
    for (uint32_t i = 0; i < callee->object_parameter_count; i++) {
        cb_status status = pass_object(vm, &insn[1 + i], &first[i], o);
        if (status != CB_OK) {
            return status;
        }
    }
    return CB_OK;
}

/* -- verbs -- */

static cb_status find_callback(cb_vm *vm, const cb_object *name, cb_value *value)
{
    const char *text = (const char *)cb_object_data(name);
    int64_t entry = cb_program_callback(vm->program, text);
    if (entry < 0) {
        return cb_vm_fail(vm, CB_SCRIPT, "there is no callback named \"%.100s\"", text);
    }
    value->integer = cb_program_entry(vm->program, entry);
    return CB_OK;
}

static void show_bytes(cb_value *value, const uint8_t *data, size_t size)
{
    value->data = data;
    value->size = size;
}

static cb_status pass_argument(cb_vm *vm, const cb_insn *argument, uint32_t index, cb_slot *r,
                               cb_object *o)
{
    cb_vm_call *call = &vm->call;
    cb_value *value = &call->values[index];
    *value = (cb_value){.type = CB_TYPE_STRING};
    call->objects[index] = NULL;
    call->constants[index] = NULL;
    call->pins[index] = NULL;
    call->is_ref[index] = argument->op == CB_OPC_ARG_REF;
    switch (argument->op) {
    case CB_OPC_ARG_I:
        value->type = (cb_type)argument->b;
        value->integer = r[argument->a].i;
        return CB_OK;
    case CB_OPC_ARG_F:
        value->type = (cb_type)argument->b;
        value->real = r[argument->a].d;
        return CB_OK;
    case CB_OPC_ARG_K:
        call->constants[index] = vm->program->strings[argument->wide];
        show_bytes(value, call->constants[index]->data, call->constants[index]->size);
        return CB_OK;
    case CB_OPC_ARG_CALLBACK: {
        const char *name = vm->program->functions[argument->b].name;
        value->type = CB_TYPE_CALLBACK;
        value->integer = cb_program_entry(vm->program, cb_program_callback(vm->program, name));
        show_bytes(value, (const uint8_t *)name, strlen(name));
        return CB_OK;
    }
    default:
        break;
    }
    cb_object *object = cb_object_follow(&o[argument->a]);
    call->objects[index] = object;
    show_bytes(value, cb_object_data(object), cb_object_size(object));
    if (argument->op == CB_OPC_ARG_NAME) {
        value->type = CB_TYPE_CALLBACK;
        return find_callback(vm, object, value);
    }
    value->type = object->is_string ? CB_TYPE_STRING : CB_TYPE_BLOB;
    return CB_OK;
}

/* While a verb changes a variable, the bytes of what was passed by value must stay. */
static void pin_values(cb_vm_call *call, bool pin)
{
    for (uint32_t i = 0; i < call->call.argc; i++) {
        if (pin && call->objects[i] != NULL && !call->is_ref[i]) {
            call->pins[i] = cb_buffer_retain(call->objects[i]->bytes);
        } else if (!pin) {
            cb_buffer_release(call->pins[i]);
        }
    }
}

static cb_status store_result(cb_vm *vm, const cb_insn *insn, cb_slot *r, cb_object *o)
{
    cb_vm_call *call = &vm->call;
    switch ((cb_kind)call->use->result) {
    case CB_KIND_NONE:
    case CB_KIND_REF:
        return CB_OK;
    case CB_KIND_INT:
        r[insn->a].i = cb_type_wrap((cb_type)call->use->result_type, call->call.result.integer);
        return CB_OK;
    case CB_KIND_REAL:
        r[insn->a].d = call->call.result.real;
        if (call->use->result_type == CB_TYPE_FLOAT) {
            r[insn->a].d = (double)(float)r[insn->a].d;
        }
        return CB_OK;
    case CB_KIND_STRING:
    case CB_KIND_BLOB:
        break;
    }
    cb_buffer *bytes = call->result;
    call->result = NULL;
    cb_status status = cb_object_take(&vm->heap, &o[insn->a], bytes);
    return status == CB_OK ? CB_OK : cb_vm_object_failed(vm, status);
}

static cb_status run_verb(cb_vm *vm, const cb_insn *insn)
{
    cb_vm_call *call = &vm->call;
    bool has_ref = false;
    for (uint32_t i = 0; i < insn->c; i++) {
        has_ref = has_ref || call->is_ref[i];
    }
    if (has_ref) {
        pin_values(call, true);
    }
    if ((call->use->verb->flags & CB_VERB_BLOCKS) != 0 && vm->options.before_block != NULL) {
        vm->options.before_block(vm->options.user);
    }
    cb_status status = call->use->verb->run(&call->call);
    if (has_ref) {
        pin_values(call, false);
        for (uint32_t i = 0; i < insn->c; i++) {
            if (call->is_ref[i]) {
                cb_object_end_string(call->objects[i]);
            }
        }
    }
    if (status != CB_OK && !call->failed) {
        return cb_vm_fail(vm, status, "%s: %s", call->use->name,
                          status == CB_NO_MEMORY ? cb_buffer_why_not() : cb_status_text(status));
    }
    return status;
}

cb_status cb_vm_call_verb(cb_vm *vm, const cb_insn *insn, cb_slot *r, cb_object *o)
{
    cb_vm_call *call = &vm->call;
    call->use = &vm->program->verbs[insn->b];
    call->vm = vm;
    call->result = NULL;
    call->failed = false;
    call->call.host = vm->options.host;
    call->call.verb = call->use->verb;
    call->call.args = call->values;
    call->call.argc = insn->c;
    call->call.result = (cb_value){.type = (cb_type)call->use->result_type};
    for (uint32_t i = 0; i < insn->c; i++) {
        cb_status status = pass_argument(vm, &insn[1 + i], i, r, o);
        if (status != CB_OK) {
            return status;
        }
    }
    cb_status status = run_verb(vm, insn);
    if (status == CB_OK) {
        status = store_result(vm, insn, r, o);
    }
    cb_buffer_release(call->result);
    call->result = NULL;
    return status;
}

/* -- overlays and conversions -- */

static const uint8_t field_sizes[CB_OPC_COUNT] = {
    [CB_OPC_GET_I8] = 1,    [CB_OPC_GET_U8] = 1,     [CB_OPC_SET_8] = 1,
    [CB_OPC_GET_I16] = 2,   [CB_OPC_GET_U16] = 2,    [CB_OPC_SET_16] = 2,
    [CB_OPC_GET_I32] = 4,   [CB_OPC_GET_U32] = 4,    [CB_OPC_SET_32] = 4,
    [CB_OPC_GET_I64] = 8,   [CB_OPC_SET_64] = 8,     [CB_OPC_GET_FLOAT] = 4,
    [CB_OPC_SET_FLOAT] = 4, [CB_OPC_GET_DOUBLE] = 8, [CB_OPC_SET_DOUBLE] = 8,
};

static cb_status bad_field(cb_vm *vm, const cb_insn *insn, const cb_object *object,
                           cb_status status)
{
    if (status != CB_INVALID) {
        return cb_vm_object_failed(vm, status);
    }
    return cb_vm_fail(vm, CB_SCRIPT,
                      "a field at byte %u of %u bytes is out of range: the length is %zu", insn->c,
                      field_sizes[insn->op], cb_object_size(object));
}

cb_status cb_vm_get_field(cb_vm *vm, const cb_insn *insn, cb_slot *r, cb_object *o)
{
    const cb_object *object = cb_object_follow(&o[insn->b]);
    size_t size = field_sizes[insn->op];
    const uint8_t *data = NULL;
    cb_status status = cb_object_read(object, insn->c, size, &data);
    if (status != CB_OK) {
        return bad_field(vm, insn, object, status);
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits |= (uint64_t)data[i] << (8 * i);
    }
    cb_slot *to = &r[insn->a];
    uint32_t low = (uint32_t)bits;
    float single;
    switch (insn->op) {
    case CB_OPC_GET_I8:
        to->i = (int8_t)bits;
        break;
    case CB_OPC_GET_I16:
        to->i = (int16_t)bits;
        break;
    case CB_OPC_GET_I32:
        to->i = (int32_t)bits;
        break;
    case CB_OPC_GET_FLOAT:
        memcpy(&single, &low, sizeof single);
        to->d = (double)single;
        break;
    case CB_OPC_GET_DOUBLE:
        memcpy(&to->d, &bits, sizeof bits);
        break;
    default:
        to->i = (int64_t)bits;
        break;
    }
    return CB_OK;
}

cb_status cb_vm_set_field(cb_vm *vm, const cb_insn *insn, const cb_slot *r, cb_object *o)
{
    cb_object *object = cb_object_follow(&o[insn->b]);
    size_t size = field_sizes[insn->op];
    uint8_t *data = NULL;
    cb_status status = cb_object_write(&vm->heap, object, insn->c, size, &data);
    if (status != CB_OK) {
        return bad_field(vm, insn, object, status);
    }
    uint64_t bits = (uint64_t)r[insn->a].i;
    if (insn->op == CB_OPC_SET_FLOAT) {
        float single = (float)r[insn->a].d;
        uint32_t low;
        memcpy(&low, &single, sizeof low);
        bits = low;
    } else if (insn->op == CB_OPC_SET_DOUBLE) {
        memcpy(&bits, &r[insn->a].d, sizeof bits);
    }
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(bits >> (8 * i));
    }
    return CB_OK;
}

/* The bounds are written as the doubles just outside the range, because the greatest numbers of 64
 * bits are no doubles. */
cb_status cb_vm_real_to_integer(cb_vm *vm, double value, cb_type type, int64_t *out)
{
    static const struct {
        double below;
        double above;
    } ranges[CB_TYPE_COUNT] = {
        [CB_TYPE_I8] = {-129.0, 128.0},
        [CB_TYPE_I16] = {-32769.0, 32768.0},
        [CB_TYPE_I32] = {-2147483649.0, 2147483648.0},
        [CB_TYPE_I64] = {-9223372036854777856.0, 9223372036854775808.0},
        [CB_TYPE_U8] = {-1.0, 256.0},
        [CB_TYPE_U16] = {-1.0, 65536.0},
        [CB_TYPE_U32] = {-1.0, 4294967296.0},
        [CB_TYPE_U64] = {-1.0, 18446744073709551616.0},
    };
    if (!(value > ranges[type].below && value < ranges[type].above)) {
        char number[32] = "not a number";
        if (!isnan(value)) {
            snprintf(number, sizeof number, "%g", value);
        }
        return cb_vm_fail(vm, CB_SCRIPT, "%s is outside the range of %s", number,
                          cb_type_name(type));
    }
    *out = type == CB_TYPE_U64 ? (int64_t)(uint64_t)value : (int64_t)value;
    return CB_OK;
}
