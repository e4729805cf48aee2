/* str: text as bytes. This file is the table. */
#include "plugins/str/str.h"

static const cb_verb verbs[] = {
    /* -- looking -- */
    {"Len", "i32(string text)", cb_str_len, 0, "length in bytes"},
    {"CharAt", "i32(string text, i64 position)", cb_str_char_at, 0, "the byte there, 0..255"},
    {"Find", "i32(string text, string needle)", cb_str_find_first, 0,
     "where the needle first occurs, or -1"},
    {"FindFrom", "i32(string text, string needle, i64 from)", cb_str_find_from, 0,
     "where the needle occurs at or after a position, or -1"},
    {"StartsWith", "i32(string text, string start)", cb_str_starts_with, 0,
     "1 if the text begins so"},
    {"EndsWith", "i32(string text, string end)", cb_str_ends_with, 0, "1 if the text ends so"},
    {"Contains", "i32(string text, string needle)", cb_str_contains, 0, "1 if the needle occurs"},
    {"Compare", "i32(string a, string b)", cb_str_compare, 0,
     "-1, 0 or 1: the order of their bytes"},
    {"SplitCount", "i32(string text, string separator)", cb_str_split_count, 0,
     "how many parts the separator makes"},
    /* -- making -- */
    {"Sub", "string(string text, i64 start, i64 count?)", cb_str_sub, 0,
     "the bytes from start on, at most count"},
    {"Upper", "string(string text)", cb_str_upper, 0, "a..z become A..Z"},
    {"Lower", "string(string text)", cb_str_lower, 0, "A..Z become a..z"},
    {"Trim", "string(string text)", cb_str_trim, 0, "without the blanks at both ends"},
    {"Replace", "string(string text, string needle, string by)", cb_str_replace, 0,
     "every occurrence of the needle replaced"},
    {"Repeat", "string(string text, i64 times)", cb_str_repeat, 0, "the text several times over"},
    {"Concat",
     "string(string a, string b, string c?, string d?, string e?, string f?, string g?, "
     "string h?)",
     cb_str_concat, 0, "two to eight texts put together"},
    {"Split", "string(string text, string separator, i64 part)", cb_str_split, 0,
     "one part, counted from 0"},
    /* -- numbers -- */
    {"ToInt", "i64(string text)", cb_str_to_int, 0, "the decimal integer that the text says"},
    {"ToDouble", "double(string text)", cb_str_to_double, 0,
     "the decimal number that the text says"},
    {"FromInt", "string(i64 number)", cb_str_from_int, 0, "an integer in decimal"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "str",
    .version = "0.1.0",
    .summary = "text as bytes: searching, cutting, changing, numbers",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
