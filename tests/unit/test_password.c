/* Hashes of passwords: made, verified, and those that are refused. */
#include <check.h>
#include <string.h>

#include <parley/util/password.h>
#include <parley/util/rng.h>

Suite *suite(void);

static void set_up(void)
{
    rng_init();
}

START_TEST(test_what_is_made_is_verified)
{
    char hash[PASSWORD_HASH_SIZE];
    char other[PASSWORD_HASH_SIZE];

    ck_assert(password_hash(SV("s\xc3\xa9same"), hash));
    ck_assert(password_hash(SV("s\xc3\xa9same"), other));
    ck_assert_str_ne(hash, other);
    ck_assert_ptr_nonnull(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
    ck_assert(password_hash_is_valid(sv_of(hash)));
    ck_assert(password_verify(hash, SV("s\xc3\xa9same")));
    ck_assert(!password_verify(hash, SV("sesame")));
    ck_assert(!password_verify(hash, SV("")));
}
END_TEST

START_TEST(test_lengths)
{
    char hash[PASSWORD_HASH_SIZE];
    char text[PASSWORD_BYTES_MAX + 1];

    memset(text, 'x', sizeof text);
    ck_assert(!password_hash(SV(""), hash));
    ck_assert(!password_hash(sv(text, sizeof text), hash));
    ck_assert(password_hash(sv(text, sizeof text - 1), hash));
    ck_assert(password_verify(hash, sv(text, sizeof text - 1)));
    ck_assert(!password_verify(hash, sv(text, sizeof text)));
}
END_TEST

#define REST "p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"

static const struct {
    const char *hash;
    bool is_valid;
} hashes[] = {
    {"$argon2id$v=19$m=65536,t=2," REST, true},
    {"$argon2id$v=19$m=8192,t=1," REST, true},
    /* dearer than is good for the loop */
    {"$argon2id$v=19$m=65537,t=1," REST, false},
    {"$argon2id$v=19$m=65536,t=3," REST, false},
    {"$argon2id$v=19$m=1048576,t=4," REST, false},
    {"$argon2id$v=19$m=4294967295,t=4294967295," REST, false},
    /* something else */
    {"", false},
    {"secret", false},
    {"$argon2i$v=19$m=65536,t=2," REST, false},
    {"$argon2id$v=16$m=65536,t=2," REST, false},
    {"$argon2id$v=19$m=65536,t=2", false},
    {"$argon2id$v=19$m=,t=2," REST, false},
    {"$argon2id$v=19$m=65536,t=2,p=2$x$y", false},
    {"$argon2id$v=19$m=65536,t=2,p=1$$", false},
    {"$argon2id$v=19$m=65536,t=2,p=1$!$!", false},
};

START_TEST(test_valid_hashes)
{
    ck_assert_msg(password_hash_is_valid(sv_of(hashes[_i].hash)) == hashes[_i].is_valid,
                  "%s", hashes[_i].hash);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("password");
    TCase *tc = tcase_create("password");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, test_what_is_made_is_verified);
    tcase_add_test(tc, test_lengths);
    tcase_add_loop_test(tc, test_valid_hashes, 0, (int)PARLEY_COUNT_OF(hashes));
    suite_add_tcase(s, tc);
    return s;
}
