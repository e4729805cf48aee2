/* xoshiro256++: 256 bits of state, a period of 2^256 - 1. Not for secrets: a person who sees a few
 * numbers can compute all others. Pure: no clock, no system, the same numbers on every machine.
 */
#ifndef CALLBOARD_PLUGINS_RANDOM_GENERATOR_H
#define CALLBOARD_PLUGINS_RANDOM_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CB_RANDOM_WORDS      4
#define CB_RANDOM_STATE_SIZE 32 /* bytes of a saved state */

/* Never all zero: such a state would give only zeros. */
typedef struct cb_generator {
    uint64_t words[CB_RANDOM_WORDS];
} cb_generator;

/* Any 64 bits make a good state; different seeds make different sequences. */
void cb_generator_seed(cb_generator *generator, uint64_t seed);
uint64_t cb_generator_next(cb_generator *generator);
/* 0..most, each equally often. */
uint64_t cb_generator_below_or_at(cb_generator *generator, uint64_t most);
/* 0 <= x < 1, in steps of 2^-53. */
double cb_generator_real(cb_generator *generator);
void cb_generator_fill(cb_generator *generator, uint8_t *bytes, size_t size);
/* Shuffles the bytes; every possible order is equally likely. */
void cb_generator_shuffle(cb_generator *generator, uint8_t *bytes, size_t size);

/* Saves the words one after the other, each with its least significant byte first. */
void cb_generator_save(const cb_generator *generator, uint8_t bytes[CB_RANDOM_STATE_SIZE]);
/* Returns false, and changes nothing, for a state that is all zero. */
bool cb_generator_restore(cb_generator *generator, const uint8_t bytes[CB_RANDOM_STATE_SIZE]);

#endif
