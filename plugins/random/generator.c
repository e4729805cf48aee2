#include "plugins/random/generator.h"

static uint64_t rotate(uint64_t word, int count)
{
    return word << count | word >> (64 - count);
}

/* splitmix64, which the authors of xoshiro recommend for filling its state: it visits each 64-bit
 * number once, so no four of them in a row are all zero. */
void cb_generator_seed(cb_generator *generator, uint64_t seed)
{
    for (int i = 0; i < CB_RANDOM_WORDS; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t mixed = seed;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
        generator->words[i] = mixed ^ mixed >> 31;
    }
}

uint64_t cb_generator_next(cb_generator *generator)
{
    uint64_t *words = generator->words;
    uint64_t result = rotate(words[0] + words[3], 23) + words[0];
    uint64_t shifted = words[1] << 17;
    words[2] ^= words[0];
    words[3] ^= words[1];
    words[1] ^= words[2];
    words[0] ^= words[3];
    words[2] ^= shifted;
    words[3] = rotate(words[3], 45);
    return result;
}

uint64_t cb_generator_below_or_at(cb_generator *generator, uint64_t most)
{
    if (most == UINT64_MAX)
        return cb_generator_next(generator);
    /* As many numbers as do not fill a whole round of `most + 1` are left out, at the lower end:
     * 2^64 modulo the count, which is (2^64 - count) modulo the count. Less than half are. */
    uint64_t count = most + 1;
    uint64_t left_out = (UINT64_MAX - count + 1) % count;
    uint64_t number = cb_generator_next(generator);
    while (number < left_out)
        number = cb_generator_next(generator);
    return number % count;
}

double cb_generator_real(cb_generator *generator)
{
    return (double)(cb_generator_next(generator) >> 11) * 0x1.0p-53;
}

static void put_word(uint8_t *bytes, uint64_t word, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(word >> (8 * i));
}

void cb_generator_fill(cb_generator *generator, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += 8)
        put_word(bytes + at, cb_generator_next(generator), size - at < 8 ? size - at : 8);
}

void cb_generator_shuffle(cb_generator *generator, uint8_t *bytes, size_t size)
{
    for (size_t left = size; left > 1; left--) {
        size_t chosen = (size_t)cb_generator_below_or_at(generator, left - 1);
        uint8_t last = bytes[left - 1];
        bytes[left - 1] = bytes[chosen];
        bytes[chosen] = last;
    }
}

void cb_generator_save(const cb_generator *generator, uint8_t bytes[CB_RANDOM_STATE_SIZE])
{
    for (size_t i = 0; i < CB_RANDOM_WORDS; i++)
        put_word(bytes + 8 * i, generator->words[i], 8);
}

bool cb_generator_restore(cb_generator *generator, const uint8_t bytes[CB_RANDOM_STATE_SIZE])
{
    cb_generator read = {{0}};
    uint64_t any = 0;
    for (size_t i = 0; i < CB_RANDOM_STATE_SIZE; i++) {
        read.words[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
        any |= bytes[i];
    }
    if (any != 0)
        *generator = read;
    return any != 0;
}
