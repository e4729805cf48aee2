#include "bridge/lang/token.h"

const char *cb_token_name(cb_token_kind kind)
{
    switch (kind) {
    case CB_TOKEN_END:
        return "the end of the file";
    case CB_TOKEN_NAME:
        return "a name";
    case CB_TOKEN_VARIABLE:
        return "a variable";
    case CB_TOKEN_TYPE:
        return "a type";
    case CB_TOKEN_INTEGER:
    case CB_TOKEN_REAL:
        return "a number";
    case CB_TOKEN_STRING:
        return "a string";
    case CB_TOKEN_DEFINE:
        return "'#define'";
#define TOKEN_NAME(name, spelling)                                                                 \
    case CB_TOKEN_##name:                                                                          \
        return "'" spelling "'";
        CB_KEYWORDS(TOKEN_NAME)
        CB_PUNCTUATION(TOKEN_NAME)
#undef TOKEN_NAME
    case CB_TOKEN_COUNT:
        break;
    }
    return "?";
}
