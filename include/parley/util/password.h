/* SPDX-License-Identifier: MIT */
/*
 * password.h - hashes of passwords, as libsodium writes them (argon2id).
 *
 * A verification stops the loop for as long as it takes, so it is to be dear for who guesses
 * and still short: 19 MiB and two passes, the least that OWASP's Password Storage Cheat Sheet
 * calls enough, take 20 to 40 ms. A hash that asks for more than libsodium's INTERACTIVE
 * limits (64 MiB, two passes) is not valid here. Whoever verifies limits how often that is.
 */
#ifndef PARLEY_UTIL_PASSWORD_H
#define PARLEY_UTIL_PASSWORD_H

#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum {
    PASSWORD_BYTES_MAX = 200,
    PASSWORD_HASH_SIZE = 128, /* with its zero */
};

/* False: the password is empty or too long, or memory ran out. Needs rng_init(). */
bool password_hash(struct str_view password, char ret[PASSWORD_HASH_SIZE])
    PARLEY_MUST_CHECK;
/* May it be verified here? */
bool password_hash_is_valid(struct str_view hash);
/* `hash` is valid. Takes tens of milliseconds. */
bool password_verify(const char *hash, struct str_view password) PARLEY_MUST_CHECK;

#endif
