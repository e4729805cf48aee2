#include "bridge/lang/types.h"

bool cb_type_is_integer(cb_type type)
{
    return type >= CB_TYPE_I8 && type <= CB_TYPE_U64;
}

bool cb_type_is_signed(cb_type type)
{
    return type >= CB_TYPE_I8 && type <= CB_TYPE_I64;
}

bool cb_type_is_real(cb_type type)
{
    return type == CB_TYPE_FLOAT || type == CB_TYPE_DOUBLE;
}

bool cb_type_is_scalar(cb_type type)
{
    return cb_type_is_integer(type) || cb_type_is_real(type);
}

uint32_t cb_type_bytes(cb_type type)
{
    static const uint32_t sizes[CB_TYPE_COUNT] = {
#define TYPE_SIZE(name, spelling, size) [CB_TYPE_##name] = (size),
        CB_TYPES(TYPE_SIZE)
#undef TYPE_SIZE
    };
    return (unsigned)type < CB_TYPE_COUNT ? sizes[type] : 0;
}

static cb_type signed_of_bytes(uint32_t bytes)
{
    switch (bytes) {
    case 1:
        return CB_TYPE_I8;
    case 2:
        return CB_TYPE_I16;
    case 4:
        return CB_TYPE_I32;
    case 8:
        return CB_TYPE_I64;
    default:
        return CB_TYPE_COUNT;
    }
}

static cb_type common_integer(cb_type left, cb_type right)
{
    if (cb_type_is_signed(left) == cb_type_is_signed(right))
        return cb_type_bytes(left) >= cb_type_bytes(right) ? left : right;
    cb_type with_sign = cb_type_is_signed(left) ? left : right;
    cb_type without = with_sign == left ? right : left;
    uint32_t needed = cb_type_bytes(without) * 2;
    uint32_t has = cb_type_bytes(with_sign);
    return has >= needed ? with_sign : signed_of_bytes(needed);
}

cb_type cb_type_common(cb_type left, cb_type right)
{
    if (!cb_type_is_scalar(left) || !cb_type_is_scalar(right))
        return CB_TYPE_COUNT;
    if (cb_type_is_integer(left) && cb_type_is_integer(right))
        return common_integer(left, right);
    if (left == CB_TYPE_DOUBLE || right == CB_TYPE_DOUBLE)
        return CB_TYPE_DOUBLE;
    cb_type other = left == CB_TYPE_FLOAT ? right : left;
    bool is_exact = other == CB_TYPE_FLOAT || cb_type_bytes(other) <= 2;
    return is_exact ? CB_TYPE_FLOAT : CB_TYPE_DOUBLE;
}

bool cb_type_widens(cb_type from, cb_type to)
{
    return cb_type_is_scalar(to) && cb_type_common(from, to) == to;
}

bool cb_type_fits(cb_type type, int64_t value, bool is_big)
{
    if (is_big || type == CB_TYPE_U64)
        return type == CB_TYPE_U64 && (is_big || value >= 0);
    return cb_type_wrap(type, value) == value;
}

int64_t cb_type_wrap(cb_type type, int64_t value)
{
    uint32_t bits = cb_type_bytes(type) * 8;
    if (bits == 0 || bits >= 64)
        return value;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t low = (uint64_t)value & mask;
    if (cb_type_is_signed(type) && (low >> (bits - 1)) != 0)
        low |= ~mask;
    return (int64_t)low;
}
