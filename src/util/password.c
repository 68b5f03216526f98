/* SPDX-License-Identifier: MIT */
#include <parley/util/password.h>

#include <sodium.h>
#include <stdint.h>
#include <string.h>

enum {
    PASSES = 2,
    MEMORY_KIB = 19 * 1024,
    MEMORY_KIB_MAX = 64 * 1024,
    COST_KIB_MAX = 2 * MEMORY_KIB_MAX, /* memory times passes */
};

bool password_hash(struct str_view password, char ret[PASSWORD_HASH_SIZE])
{
    PARLEY_ASSERT(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES);
    return password.len > 0 && password.len <= PASSWORD_BYTES_MAX &&
           crypto_pwhash_str_alg(ret, password.ptr, password.len, PASSES,
                                 (size_t)MEMORY_KIB * 1024,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* Cut `before` and the number behind it off. */
static bool cut_number(struct str_view *rest, struct str_view before, char end,
                       uint64_t *ret)
{
    if (!sv_starts_with(*rest, before)) {
        return false;
    }
    *rest = sv(rest->ptr + before.len, rest->len - before.len);
    return sv_to_u64(sv_next_until(rest, end), UINT32_MAX, ret);
}

/* $argon2id$v=19$m=KIB,t=PASSES,p=1$salt$hash */
bool password_hash_is_valid(struct str_view hash)
{
    struct str_view rest = hash;
    char text[PASSWORD_HASH_SIZE];
    uint64_t memory = 0;
    uint64_t passes = 0;

    if (hash.len >= sizeof text || sv_find_char(hash, '\0') < hash.len ||
        !cut_number(&rest, SV("$argon2id$v=19$m="), ',', &memory) ||
        !cut_number(&rest, SV("t="), ',', &passes) || !sv_starts_with(rest, SV("p=1$"))) {
        return false;
    }
    memcpy(text, hash.ptr, hash.len);
    text[hash.len] = '\0';
    return memory <= MEMORY_KIB_MAX && passes <= COST_KIB_MAX &&
           memory * passes <= COST_KIB_MAX &&
           crypto_pwhash_str_needs_rehash(text, PASSES, (size_t)MEMORY_KIB * 1024) >= 0;
}

bool password_verify(const char *hash, struct str_view password)
{
    return password.len <= PASSWORD_BYTES_MAX &&
           crypto_pwhash_str_verify(hash, password.ptr, password.len) == 0;
}
