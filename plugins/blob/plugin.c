/* blob: bytes. This file is the table. The runtime's own verbs of this namespace (RefFromPointer,
 * Overflow) come with it. */
#include "plugins/blob/blob.h"

static const cb_verb verbs[] = {
    /* -- whole blobs -- */
    {"FromText", "blob(string text)", cb_blob_from_text, 0, "the text's bytes"},
    {"ToText", "string(blob bytes)", cb_blob_to_text, 0, "the bytes up to the first NUL as text"},
    {"Slice", "blob(blob bytes, i64 start, i64 count?)", cb_blob_slice, 0,
     "a copy of the bytes from start on, at most count"},
    {"Concat", "blob(blob a, blob b, blob c?, blob d?, blob e?, blob f?, blob g?, blob h?)",
     cb_blob_concat, 0, "two to eight blobs put together"},
    {"Find", "i32(blob bytes, blob needle, i64 from?)", cb_blob_find, 0,
     "where the needle occurs at or after a position, or -1"},
    {"Fill", "void(ref blob bytes, i32 value, i64 start?, i64 count?)", cb_blob_fill, 0,
     "sets bytes in place to one value"},
    {"Compare", "i32(blob a, blob b)", cb_blob_compare, 0, "-1, 0 or 1: the order of their bytes"},
    {"ToHex", "string(blob bytes)", cb_blob_to_hex, 0, "two hexadecimal digits a byte"},
    {"FromHex", "blob(string digits)", cb_blob_from_hex, 0,
     "the bytes that hexadecimal digits say"},
    /* -- numbers inside -- */
    {"ReadU16LE", "u16(blob bytes, i64 offset)", cb_blob_read_u16_le, 0, "2 bytes, least first"},
    {"ReadU16BE", "u16(blob bytes, i64 offset)", cb_blob_read_u16_be, 0, "2 bytes, greatest first"},
    {"ReadU32LE", "u32(blob bytes, i64 offset)", cb_blob_read_u32_le, 0, "4 bytes, least first"},
    {"ReadU32BE", "u32(blob bytes, i64 offset)", cb_blob_read_u32_be, 0, "4 bytes, greatest first"},
    {"ReadU64LE", "u64(blob bytes, i64 offset)", cb_blob_read_u64_le, 0, "8 bytes, least first"},
    {"ReadU64BE", "u64(blob bytes, i64 offset)", cb_blob_read_u64_be, 0, "8 bytes, greatest first"},
    {"WriteU16LE", "void(ref blob bytes, i64 offset, i64 value)", cb_blob_write_u16_le, 0,
     "2 bytes in place, least first"},
    {"WriteU16BE", "void(ref blob bytes, i64 offset, i64 value)", cb_blob_write_u16_be, 0,
     "2 bytes in place, greatest first"},
    {"WriteU32LE", "void(ref blob bytes, i64 offset, i64 value)", cb_blob_write_u32_le, 0,
     "4 bytes in place, least first"},
    {"WriteU32BE", "void(ref blob bytes, i64 offset, i64 value)", cb_blob_write_u32_be, 0,
     "4 bytes in place, greatest first"},
    {"WriteU64LE", "void(ref blob bytes, i64 offset, u64 value)", cb_blob_write_u64_le, 0,
     "8 bytes in place, least first"},
    {"WriteU64BE", "void(ref blob bytes, i64 offset, u64 value)", cb_blob_write_u64_be, 0,
     "8 bytes in place, greatest first"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "blob",
    .version = "0.1.0",
    .summary = "bytes: cutting, searching, hexadecimals, numbers inside",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
