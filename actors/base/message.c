#include "actors/base/message.h"

const char *cb_message_name(unsigned kind)
{
    switch (kind) {
#define MESSAGE_CASE(name, number, text)                                                           \
    case number:                                                                                   \
        return text;
        CB_MESSAGES(MESSAGE_CASE)
#undef MESSAGE_CASE
    default:
        return "?";
    }
}
