/* SPDX-License-Identifier: MIT */
/*
 * rng.h - random bytes (libsodium) for ids, hash keys and jitter.
 */
#ifndef PARLEY_UTIL_RNG_H
#define PARLEY_UTIL_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Must be called once before anything else of util; aborts when the system gives no entropy. */
void rng_init(void);
/* 0 <= result < bound; 0 for bound 0. */
uint32_t rng_below(uint32_t bound);
/* `count` random lower-case letters and digits and a terminator. */
void rng_token(char *ret_text, size_t count);

#endif
