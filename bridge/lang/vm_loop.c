/* The loop that runs instructions.
 *
 * The state of a run lives in locals: pc (the instruction being run), r and o (the frame's first
 * register and object), frame, budget. They are stored in the machine (SAVE) before anything that
 * may fail or needs to know the place.
 */
#include <string.h>

#include "bridge/lang/vm_state.h"

#if defined(__GNUC__) && !defined(CB_PLAIN_SWITCH)
/* One indirect jump for each opcode lets the processor learn what follows what. */
#define CB_COMPUTED_GOTO 1
#pragma GCC diagnostic ignored "-Wpedantic"
#endif

#if defined(CB_COMPUTED_GOTO)
#define DISPATCH() goto *labels[pc->op]
#define CASE(name) op_##name:
#else
#define DISPATCH() goto dispatch
#define CASE(name) case CB_OPC_##name:
#endif
#define NEXT()                                                                                     \
    do {                                                                                           \
        pc++;                                                                                      \
        DISPATCH();                                                                                \
    } while (0)

#define SAVE() (vm->pc = pc, vm->frame = frame)
#define FAIL(...)                                                                                  \
    do {                                                                                           \
        SAVE();                                                                                    \
        return cb_vm_fail(vm, CB_SCRIPT, __VA_ARGS__);                                             \
    } while (0)

/* Operands. */
#define AI (r[pc->a].i)
#define BI (r[pc->b].i)
#define CI (r[pc->c].i)
#define AF (r[pc->a].d)
#define BF (r[pc->b].d)
#define CF (r[pc->c].d)
#define AO (&o[pc->a])
#define BO (&o[pc->b])
#define CO (&o[pc->c])
#define BN ((int16_t)pc->b)
#define CN ((int16_t)pc->c)

/* Wrapping arithmetic: unsigned inside, so that overflow is defined. */
#define WRAP64(x, op, y) ((int64_t)((uint64_t)(x)op(uint64_t)(y)))
#define WRAP32(x, op, y) ((int64_t)(int32_t)((uint32_t)(x)op(uint32_t)(y)))

#define SIMPLE(name, statement)                                                                    \
    CASE(name)                                                                                     \
    {                                                                                              \
        statement;                                                                                 \
        NEXT();                                                                                    \
    }

/* A condition forwards, and the same one backwards, which is charged with the loop's length.
 */
#define FORK(name, condition, offset)                                                              \
    CASE(JUMP_##name)                                                                              \
    {                                                                                              \
        if (condition) {                                                                           \
            pc += (offset);                                                                        \
            DISPATCH();                                                                            \
        }                                                                                          \
        NEXT();                                                                                    \
    }                                                                                              \
    TURN(LOOP_##name, condition, offset)
#define TURN(name, condition, offset)                                                              \
    CASE(name)                                                                                     \
    {                                                                                              \
        if (condition) {                                                                           \
            int32_t back = (offset);                                                               \
            pc += back;                                                                            \
            budget += back - 1;                                                                    \
            if (budget < 0) {                                                                      \
                goto poll;                                                                         \
            }                                                                                      \
            DISPATCH();                                                                            \
        }                                                                                          \
        NEXT();                                                                                    \
    }

/* Work on objects, which may fail and is charged with the bytes it moved. */
#define HEAVY(name, call)                                                                          \
    CASE(name)                                                                                     \
    {                                                                                              \
        status = (call);                                                                           \
        if (status != CB_OK) {                                                                     \
            SAVE();                                                                                \
            return cb_vm_object_failed(vm, status);                                                \
        }                                                                                          \
        pc++;                                                                                      \
        goto charge;                                                                               \
    }

/* The same for functions that word their failures themselves. */
#define WORDED(name, call)                                                                         \
    CASE(name)                                                                                     \
    {                                                                                              \
        status = (call);                                                                           \
        if (status != CB_OK) {                                                                     \
            SAVE();                                                                                \
            return status;                                                                         \
        }                                                                                          \
        NEXT();                                                                                    \
    }

/* A reference is checked as a damaged program could hold anything in it. */
#define THROUGH(name, statement)                                                                   \
    CASE(name)                                                                                     \
    {                                                                                              \
        if ((uint64_t)BI >= (uint64_t)(vm->slots_end - vm->slots)) {                               \
            goto damaged;                                                                          \
        }                                                                                          \
        statement;                                                                                 \
        NEXT();                                                                                    \
    }

#define RETURN(statement)                                                                          \
    do {                                                                                           \
        statement;                                                                                 \
        pc = frame->pc;                                                                            \
        r = frame->r;                                                                              \
        frame--;                                                                                   \
        DISPATCH();                                                                                \
    } while (0)
#define RELEASE_OBJECTS()                                                                          \
    do {                                                                                           \
        cb_vm_pop_objects(vm, o);                                                                  \
        o = frame->o;                                                                              \
    } while (0)

static const cb_insn halt = {.op = CB_OPC_HALT};

cb_status cb_vm_execute(cb_vm *vm, const cb_function *function, cb_slot *result)
{
#if defined(CB_COMPUTED_GOTO)
    static const void *const labels[CB_OPC_COUNT] = {
#define CB_LABEL(name, a, b, c, flow, text) &&op_##name,
        CB_OPCODES(CB_LABEL)
#undef CB_LABEL
    };
#endif
    const cb_program *const program = vm->program;
    const cb_function *const functions = program->functions;
    cb_frame *frame = vm->frame;
    cb_slot *r = vm->slots;
    cb_object *o = vm->objects;
    const cb_insn *pc = function->code;
    int64_t budget = CB_VM_BUDGET;
    cb_status status;

    *frame = (cb_frame){.pc = &halt, .r = r, .o = o, .result = 0};
    r++; /* slot 0 receives the result */

    if (r + function->register_count > vm->slots_end) {
        SAVE();
        return cb_vm_fail(vm, CB_LIMIT, "the stack is used up");
    }
    DISPATCH();

#if !defined(CB_COMPUTED_GOTO)
dispatch:
    switch ((cb_opcode)pc->op) {
#endif

        CASE(HALT)
        {
            *result = r[0];
            return CB_OK;
        }
        SIMPLE(MOVE_I, AI = BI)
        SIMPLE(MOVE_F, AF = BF)
        SIMPLE(LOAD_I, AI = pc->wide)
        SIMPLE(CONST_I, AI = program->integers[pc->wide])
        SIMPLE(CONST_F, AF = program->reals[pc->wide])
        SIMPLE(REF, AI = &r[pc->b] - vm->slots)
        SIMPLE(REF_F, AI = &r[pc->b] - vm->slots)
        SIMPLE(REF_MOVE, AI = BI)
        THROUGH(REF_GET, AI = vm->slots[BI].i)
        THROUGH(REF_GET_F, AF = vm->slots[BI].d)
        THROUGH(REF_SET, vm->slots[BI].i = AI)
        THROUGH(REF_SET_F, vm->slots[BI].d = AF)

        SIMPLE(ADD_W, AI = WRAP32(BI, +, CI))
        SIMPLE(SUB_W, AI = WRAP32(BI, -, CI))
        SIMPLE(MUL_W, AI = WRAP32(BI, *, CI))
        SIMPLE(ADD_WN, AI = WRAP32(BI, +, CN))
        SIMPLE(MUL_WN, AI = WRAP32(BI, *, CN))
        SIMPLE(ADD, AI = WRAP64(BI, +, CI))
        SIMPLE(SUB, AI = WRAP64(BI, -, CI))
        SIMPLE(MUL, AI = WRAP64(BI, *, CI))
        SIMPLE(ADD_N, AI = WRAP64(BI, +, CN))
        SIMPLE(MUL_N, AI = WRAP64(BI, *, CN))
        /* By -1 apart: the least number has no counterpart, and the processor traps on it. */
        CASE(DIV_W)
        {
            int32_t divisor = (int32_t)CI;
            if (divisor == 0) {
                goto divided_by_zero;
            }
            AI = divisor == -1 ? WRAP32(0, -, BI) : (int32_t)BI / divisor;
            NEXT();
        }
        CASE(MOD_W)
        {
            int32_t divisor = (int32_t)CI;
            if (divisor == 0) {
                goto divided_by_zero;
            }
            AI = divisor == -1 ? 0 : (int32_t)BI % divisor;
            NEXT();
        }
        CASE(DIV)
        {
            int64_t divisor = CI;
            if (divisor == 0) {
                goto divided_by_zero;
            }
            AI = divisor == -1 ? WRAP64(0, -, BI) : BI / divisor;
            NEXT();
        }
        CASE(MOD)
        {
            int64_t divisor = CI;
            if (divisor == 0) {
                goto divided_by_zero;
            }
            AI = divisor == -1 ? 0 : BI % divisor;
            NEXT();
        }
        CASE(DIV_U)
        {
            if (CI == 0) {
                goto divided_by_zero;
            }
            AI = WRAP64(BI, /, CI);
            NEXT();
        }
        CASE(MOD_U)
        {
            if (CI == 0) {
                goto divided_by_zero;
            }
            AI = WRAP64(BI, %, CI);
            NEXT();
        }
        SIMPLE(AND, AI = BI & CI)
        SIMPLE(OR, AI = BI | CI)
        SIMPLE(XOR, AI = BI ^ CI)
        SIMPLE(AND_N, AI = BI & CN)
        CASE(SHIFT_CHECK)
        {
            if (AI < 0 || AI >= pc->b) {
                FAIL("shift count %lld is outside 0..%d", (long long)AI, pc->b - 1);
            }
            NEXT();
        }
        SIMPLE(SHL, AI = (int64_t)((uint64_t)BI << (CI & 63)))
        SIMPLE(SHR, AI = BI >> (CI & 63))
        SIMPLE(SHR_U, AI = (int64_t)((uint64_t)BI >> (CI & 63)))
        SIMPLE(SHL_N, AI = (int64_t)((uint64_t)BI << (pc->c & 63)))
        SIMPLE(SHR_N, AI = BI >> (pc->c & 63))
        SIMPLE(SHR_UN, AI = (int64_t)((uint64_t)BI >> (pc->c & 63)))
        SIMPLE(NEG, AI = WRAP64(0, -, BI))
        SIMPLE(COMPLEMENT, AI = ~BI)
        SIMPLE(NOT, AI = BI == 0)
        SIMPLE(WRAP_I8, AI = (int8_t)BI)
        SIMPLE(WRAP_I16, AI = (int16_t)BI)
        SIMPLE(WRAP_I32, AI = (int32_t)BI)
        SIMPLE(WRAP_U8, AI = (uint8_t)BI)
        SIMPLE(WRAP_U16, AI = (uint16_t)BI)
        SIMPLE(WRAP_U32, AI = (uint32_t)BI)
        SIMPLE(ROUND_F, AF = (double)(float)BF)
        SIMPLE(I_TO_F, AF = (double)BI)
        SIMPLE(U_TO_F, AF = (double)(uint64_t)BI)
        SIMPLE(I_TO_FLOAT, AF = (double)(float)BI)
        SIMPLE(U_TO_FLOAT, AF = (double)(float)(uint64_t)BI)
        WORDED(F_TO_I, cb_vm_real_to_integer(vm, BF, (cb_type)pc->c, &AI))
        SIMPLE(ADD_F, AF = BF + CF)
        SIMPLE(SUB_F, AF = BF - CF)
        SIMPLE(MUL_F, AF = BF * CF)
        SIMPLE(DIV_F, AF = BF / CF)
        SIMPLE(NEG_F, AF = -BF)
        SIMPLE(EQ, AI = BI == CI)
        SIMPLE(NE, AI = BI != CI)
        SIMPLE(LT, AI = BI < CI)
        SIMPLE(LE, AI = BI <= CI)
        SIMPLE(LT_U, AI = (uint64_t)BI < (uint64_t)CI)
        SIMPLE(LE_U, AI = (uint64_t)BI <= (uint64_t)CI)
        SIMPLE(EQ_F, AI = BF == CF)
        SIMPLE(NE_F, AI = BF != CF)
        SIMPLE(LT_F, AI = BF < CF)
        SIMPLE(LE_F, AI = BF <= CF)

        CASE(JUMP)
        {
            pc += pc->wide;
            DISPATCH();
        }
        TURN(LOOP, true, pc->wide)
        FORK(T, AI != 0, pc->wide)
        FORK(F, AI == 0, pc->wide)
        FORK(EQ, AI == BI, CN)
        FORK(NE, AI != BI, CN)
        FORK(LT, AI < BI, CN)
        FORK(LE, AI <= BI, CN)
        FORK(EQ_N, AI == BN, CN)
        FORK(NE_N, AI != BN, CN)
        FORK(LT_N, AI < BN, CN)
        FORK(GE_N, AI >= BN, CN)
        FORK(LT_F, AF < BF, CN)
        FORK(LE_F, AF <= BF, CN)
        FORK(NLT_F, !(AF < BF), CN)
        FORK(NLE_F, !(AF <= BF), CN)
        TURN(STEP_LT_W, (AI = WRAP32(AI, +, 1)) < BI, CN)
        TURN(STEP_LE_W, (AI = WRAP32(AI, +, 1)) <= BI, CN)
        TURN(STEP_LT, (AI = WRAP64(AI, +, 1)) < BI, CN)
        TURN(STEP_LE, (AI = WRAP64(AI, +, 1)) <= BI, CN)

        CASE(CALL)
        {
            const cb_function *callee = &functions[pc->b];
            cb_slot *window = r + pc->a;
            if (window + callee->register_count > vm->slots_end || ++frame == vm->frames_end) {
                goto too_deep;
            }
            frame->pc = pc + 1;
            frame->r = r;
            frame->result = pc->c;
            r = window;
            pc = callee->code;
            budget -= callee->code_count;
            if (budget < 0) {
                goto poll;
            }
            DISPATCH();
        }
        CASE(CALL_O)
        {
            const cb_function *callee = &functions[pc->b];
            cb_slot *window = r + pc->a;
            if (window + callee->register_count > vm->slots_end ||
                vm->object_top + callee->object_count > vm->objects_end ||
                ++frame == vm->frames_end) {
                goto too_deep;
            }
            frame->pc = pc + 1 + callee->object_parameter_count;
            frame->r = r;
            frame->o = o;
            frame->result = pc->c;
            cb_object *first = vm->object_top;
            status = cb_vm_push_objects(vm, pc, callee, o);
            if (status != CB_OK) {
                frame--;
                SAVE();
                return cb_vm_object_failed(vm, status);
            }
            o = first;
            r = window;
            pc = callee->code;
            budget -= callee->code_count;
            goto charge;
        }
        CASE(CALL_VERB)
        {
            SAVE();
            status = cb_vm_call_verb(vm, pc, r, o);
            if (status != CB_OK) {
                return status;
            }
            pc += 1 + pc->c;
            budget -= CB_VM_VERB_CHARGE;
            goto charge;
        }
        /* Operands of calls; the verifier lets no way lead here. */
        CASE(ARG_I)
        CASE(ARG_F)
        CASE(ARG_O)
        CASE(ARG_MOVE)
        CASE(ARG_REF)
        CASE(ARG_K)
        CASE(ARG_CALLBACK)
        CASE(ARG_NAME)
        {
            goto damaged;
        }
        CASE(RET)
        {
            RETURN((void)0);
        }
        CASE(RET_I)
        {
            RETURN(frame->r[frame->result].i = AI);
        }
        CASE(RET_F)
        {
            RETURN(frame->r[frame->result].d = AF);
        }
        CASE(LEAVE)
        {
            RELEASE_OBJECTS();
            RETURN((void)0);
        }
        CASE(LEAVE_I)
        {
            RELEASE_OBJECTS();
            RETURN(frame->r[frame->result].i = AI);
        }
        CASE(LEAVE_F)
        {
            RELEASE_OBJECTS();
            RETURN(frame->r[frame->result].d = AF);
        }
        CASE(LEAVE_O)
        {
            status = cb_object_move(&vm->heap, &frame->o[frame->result], AO);
            if (status != CB_OK) {
                SAVE();
                return cb_vm_object_failed(vm, status);
            }
            RELEASE_OBJECTS();
            RETURN((void)0);
        }

        HEAVY(DECLARE, cb_object_declare(&vm->heap, AO, (uint32_t)pc->wide))
        CASE(DECLARE_ALIAS)
        {
            cb_object_clear(AO);
            AO->is_alias = true;
            NEXT();
        }
        HEAVY(COPY, cb_object_assign(&vm->heap, AO, BO))
        HEAVY(MOVE_O, cb_object_move(&vm->heap, AO, BO))
        HEAVY(COPY_K, cb_object_assign_constant(&vm->heap, AO, program->strings[pc->wide]))
        HEAVY(FILL, cb_object_fill(&vm->heap, AO, BO))
        CASE(CLEAR)
        {
            for (uint32_t i = 0; i < pc->c; i++) {
                cb_object_clear(&o[pc->a + i]);
            }
            NEXT();
        }
        SIMPLE(LENGTH, AI = (int32_t)cb_object_size(cb_object_follow(BO)))
        SIMPLE(CAPACITY, AI = (int32_t)cb_object_capacity(cb_object_follow(BO)))
        SIMPLE(OVERFLOW, AI = cb_object_follow(BO)->overflow)
        CASE(COMPARE)
        {
            const cb_object *left = cb_object_follow(BO);
            const cb_object *right = cb_object_follow(CO);
            vm->heap.bytes_moved += cb_object_size(left);
            AI = cb_object_compare(left, right);
            pc++;
            goto charge;
        }
        CASE(INDEX_GET)
        {
            const cb_object *object = cb_object_follow(BO);
            uint64_t at = (uint64_t)CI;
            if (at >= cb_object_size(object)) {
                SAVE();
                return cb_vm_bad_index(vm, CI, object);
            }
            AI = object->bytes->data[at];
            NEXT();
        }
        CASE(INDEX_SET)
        {
            cb_object *object = cb_object_follow(BO);
            uint64_t at = (uint64_t)CI;
            if (at >= cb_object_size(object)) {
                SAVE();
                return cb_vm_bad_index(vm, CI, object);
            }
            if (cb_buffer_is_unique(object->bytes)) {
                object->bytes->data[at] = (uint8_t)AI;
                object->written = true;
                NEXT();
            }
            uint8_t *data = NULL;
            status = cb_object_write(&vm->heap, object, (int64_t)at, 1, &data);
            if (status != CB_OK) {
                SAVE();
                return cb_vm_object_failed(vm, status);
            }
            *data = (uint8_t)AI;
            pc++;
            goto charge;
        }
        WORDED(GET_I8, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_I16, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_I32, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_I64, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_U8, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_U16, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_U32, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_FLOAT, cb_vm_get_field(vm, pc, r, o))
        WORDED(GET_DOUBLE, cb_vm_get_field(vm, pc, r, o))
        WORDED(SET_8, cb_vm_set_field(vm, pc, r, o))
        WORDED(SET_16, cb_vm_set_field(vm, pc, r, o))
        WORDED(SET_32, cb_vm_set_field(vm, pc, r, o))
        WORDED(SET_64, cb_vm_set_field(vm, pc, r, o))
        WORDED(SET_FLOAT, cb_vm_set_field(vm, pc, r, o))
        WORDED(SET_DOUBLE, cb_vm_set_field(vm, pc, r, o))

#if !defined(CB_COMPUTED_GOTO)
    case CB_OPC_COUNT:
        goto damaged;
    }
#endif

charge: /* pc is at the instruction to run next */
    budget -= (int64_t)(vm->heap.bytes_moved / CB_VM_BYTES_EACH) + vm->debt + 1;
    vm->heap.bytes_moved = 0;
    vm->debt = 0;
    if (budget >= 0) {
        DISPATCH();
    }
poll:
    budget = CB_VM_BUDGET;
    if (vm->options.check != NULL) {
        SAVE();
        status = vm->options.check(vm->options.user);
        if (status != CB_OK) {
            return cb_vm_fail(vm, status, "%s", cb_status_text(status));
        }
    }
    DISPATCH();

damaged:
    FAIL("the bytecode is damaged");
divided_by_zero:
    FAIL("division by zero");
too_deep:
    if (frame == vm->frames_end) {
        frame--;
    }
    SAVE();
    return cb_vm_fail(vm, CB_LIMIT, "too many nested calls");
}
