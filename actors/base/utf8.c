#include "actors/base/utf8.h"

/* The least and the greatest second byte, and the length, by the first byte. */
typedef struct lead {
    unsigned char first, last, low, high, size;
} lead;

size_t cb_utf8_size(const char *bytes, size_t size)
{
    static const lead leads[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t i = 0; size > 0 && i < sizeof leads / sizeof *leads; i++) {
        const lead *with = &leads[i];
        if (at[0] < with->first || at[0] > with->last)
            continue;
        if (with->size > size || (with->size > 1 && (at[1] < with->low || at[1] > with->high)))
            return 0;
        for (size_t k = 2; k < with->size; k++)
            if ((at[k] & 0xC0) != 0x80)
                return 0;
        return with->size;
    }
    return 0;
}
