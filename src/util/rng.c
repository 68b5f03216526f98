/* SPDX-License-Identifier: MIT */
#include <parley/util/rng.h>

#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include <parley/util/base.h>

void rng_init(void)
{
    PARLEY_ASSERT(sodium_init() >= 0);
}

uint32_t rng_below(uint32_t bound)
{
    return randombytes_uniform(bound);
}

void rng_token(char *ret_text, size_t count)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (size_t i = 0; i < count; i++) {
        ret_text[i] = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    }
    ret_text[count] = '\0';
}
