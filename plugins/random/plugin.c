/* random: pseudo-random numbers. Each run, of main or of a callback, has a generator of its own,
 * which begins anew with it: so what Seed makes reproducible does not depend on what other
 * callbacks do meanwhile, nor on which actor's thread a callback happens to run. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "callboard/plugin.h"
#include "plugins/random/generator.h"

#define LIMIT_VARIABLE "CALLBOARD_MAX_RANDOM_BYTES"

typedef struct kept {
    bool is_seeded;
    cb_generator generator;
} kept;

static cb_status kept_of(cb_call *call, kept **result)
{
    *result = NULL;
    if (!CB_HOST_HAS(call->host, limit))
        return call->host->fail(call, CB_UNSUPPORTED, "this callboard is too old for the plugin");
    *result = call->host->run_memory(call, sizeof(kept), NULL);
    return *result == NULL ? CB_NO_MEMORY : CB_OK;
}

/* The run's generator; one that has no seed is given one of the system's. */
static cb_status generator_of(cb_call *call, cb_generator **result)
{
    kept *own = NULL;
    cb_status status = kept_of(call, &own);
    if (status != CB_OK)
        return status;
    if (!own->is_seeded) {
        uint64_t seed = 0;
        ssize_t got = getrandom(&seed, sizeof(seed), 0);
        if (got != (ssize_t)sizeof(seed))
            return call->host->fail(call, CB_IO, "the system gives no seed: %s", strerror(errno));
        cb_generator_seed(&own->generator, seed);
        own->is_seeded = true;
    }
    *result = &own->generator;
    return CB_OK;
}

static cb_status check_size(cb_call *call, int64_t size)
{
    int64_t most = call->host->limit(call, LIMIT_VARIABLE);
    if (size > most)
        return call->host->fail(call, CB_LIMIT,
                                "%lld bytes are too many for one call, at most "
                                "%lld (" LIMIT_VARIABLE ")",
                                (long long)size, (long long)most);
    return CB_OK;
}

static cb_status seed(cb_call *call)
{
    kept *own = NULL;
    cb_status status = kept_of(call, &own);
    if (status != CB_OK)
        return status;
    cb_generator_seed(&own->generator, (uint64_t)call->args[0].integer);
    own->is_seeded = true;
    return CB_OK;
}

static cb_status next_int(cb_call *call)
{
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK)
        call->result.integer = (int64_t)(cb_generator_next(generator) >> 1);
    return status;
}

static cb_status next_range(cb_call *call)
{
    int64_t least = call->args[0].integer;
    int64_t most = call->args[1].integer;
    if (least > most)
        return call->host->fail(call, CB_INVALID, "there is nothing from %lld to %lld",
                                (long long)least, (long long)most);
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK) {
        /* Unsigned, since the distance may be more than an i64 holds. */
        uint64_t distance = (uint64_t)most - (uint64_t)least;
        uint64_t step = cb_generator_below_or_at(generator, distance);
        call->result.integer = (int64_t)((uint64_t)least + step);
    }
    return status;
}

static cb_status next_double(cb_call *call)
{
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK)
        call->result.real = cb_generator_real(generator);
    return status;
}

static cb_status next_bool(cb_call *call)
{
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK)
        call->result.integer = (int64_t)(cb_generator_next(generator) >> 63);
    return status;
}

static cb_status next_bytes(cb_call *call)
{
    int64_t count = call->args[0].integer;
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK && count < 0)
        status = call->host->fail(call, CB_INVALID, "count is %lld; it must not be negative",
                                  (long long)count);
    if (status == CB_OK)
        status = check_size(call, count);
    if (status != CB_OK)
        return status;
    cb_buffer *bytes = call->host->buffer_new((size_t)count, (size_t)count);
    if (bytes == NULL)
        return CB_NO_MEMORY;
    cb_generator_fill(generator, bytes->data, (size_t)count);
    return call->host->return_buffer(call, bytes);
}

static cb_status shuffle(cb_call *call)
{
    size_t size = call->args[0].size;
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status == CB_OK)
        status = check_size(call, (int64_t)size);
    uint8_t *bytes = NULL;
    if (status == CB_OK && size > 0)
        status = call->host->resize_argument(call, 0, size, &bytes);
    if (status == CB_OK && size > 0)
        cb_generator_shuffle(generator, bytes, size);
    return status;
}

static cb_status state(cb_call *call)
{
    cb_generator *generator = NULL;
    cb_status status = generator_of(call, &generator);
    if (status != CB_OK)
        return status;
    uint8_t before[CB_RANDOM_STATE_SIZE];
    cb_generator_save(generator, before);
    if (call->argc > 0) {
        const cb_value *saved = &call->args[0];
        if (saved->size != CB_RANDOM_STATE_SIZE)
            return call->host->fail(call, CB_FORMAT, "a state has %d bytes, this blob has %zu",
                                    CB_RANDOM_STATE_SIZE, saved->size);
        if (!cb_generator_restore(generator, saved->data))
            return call->host->fail(call, CB_FORMAT, "a state must not be all zero");
    }
    return call->host->return_bytes(call, before, sizeof(before));
}

static const cb_verb verbs[] = {
    {"Seed", "i32(i64 seed)", seed, 0, "begins the sequence that belongs to the seed; 0"},
    {"NextInt", "i64()", next_int, 0, "0..9223372036854775807"},
    {"NextRange", "i64(i64 least, i64 most)", next_range, 0,
     "least..most, each equally often, both included"},
    {"NextDouble", "double()", next_double, 0, "from 0 up to, but never, 1"},
    {"NextBool", "i32()", next_bool, 0, "0 or 1"},
    {"NextBytes", "blob(i64 count)", next_bytes, 0, "so many bytes"},
    {"Shuffle", "void(ref blob bytes)", shuffle, 0, "puts the bytes into a random order, in place"},
    {"State", "blob(blob state?)", state, 0,
     "the generator's 32 bytes; a state given goes on from there"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "random",
    .version = "0.1.0",
    .summary = "pseudo-random numbers (xoshiro256++), not for secrets",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
