/* Masks: what matches, and that no pattern takes long. */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include <parley/util/clock.h>
#include <parley/util/mask.h>

Suite *suite(void);

static const struct mask_case {
    const char *mask;
    const char *text;
    bool matches;
} cases[] = {
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "anything", true},
    {"**", "x", true},
    {"?", "", false},
    {"?", "a", true},
    {"?", "ab", false},
    {"a", "A", true},
    {"A", "a", true},
    {"[", "{", false}, /* CASEMAPPING=ascii: letters only */
    {"a*c", "abbbc", true},
    {"a*c", "ac", true},
    {"a*c", "abcd", false},
    {"a?c", "abc", true},
    {"a?c", "ac", false},
    {"*a*b*", "xxaxxbxx", true},
    {"*a*b*", "xxbxxaxx", false},
    {"*ab", "aab", true},
    {"*aab", "aaaab", true},
    {"*!*@192.0.2.*", "bob!~b@192.0.2.7", true},
    {"*!*@192.0.2.*", "bob!~b@198.51.100.7", false},
    {"b?b!*", "bob!~b@host", true},
    {"a\\*", "a*", false}, /* no escapes */
    {"?", "\xc3\xa4", true},
    {"??", "\xc3\xa4", false},
    {"#t?a",
     "#t\xe2\x82\xac"
     "a",
     true},
    {"*\xa4", "\xc3\xa4", true},
    {"\xc3\xa4*", "\xc3\xa4", true},
};

START_TEST(test_matches)
{
    const struct mask_case *c = &cases[_i];

    ck_assert_msg(mask_matches(sv_of(c->mask), sv_of(c->text)) == c->matches,
                  "\"%s\" and \"%s\"", c->mask, c->text);
}
END_TEST

/* The obvious way, as long as texts are short. */
static bool matches_slowly(const char *mask, const char *text)
{
    if (*mask == '\0') {
        return *text == '\0';
    }
    if (*mask == '*') {
        return matches_slowly(mask + 1, text) ||
               (*text != '\0' && matches_slowly(mask, text + 1));
    }
    return *text != '\0' && (*mask == '?' || *mask == *text) &&
           matches_slowly(mask + 1, text + 1);
}

/* Digit `place` of `number` to the base of 4: a letter of the alphabet, which ends a word. */
static void make_word(char *word, unsigned number, const char *alphabet)
{
    size_t length = 0;

    for (; number > 0; number /= 4) {
        char c = alphabet[number % 4];
        if (c != ' ') {
            word[length++] = c;
        }
    }
    word[length] = '\0';
}

START_TEST(test_matches_as_the_obvious_way_does)
{
    char mask[16];
    char text[16];

    for (unsigned m = 0; m < 1024; m++) {
        make_word(mask, m, "a*? ");
        for (unsigned t = 0; t < 256; t++) {
            make_word(text, t, "aab ");
            ck_assert_msg(mask_matches(sv_of(mask), sv_of(text)) ==
                              matches_slowly(mask, text),
                          "\"%s\" and \"%s\"", mask, text);
        }
    }
}
END_TEST

/* At the borders of the words in which the states lie. */
START_TEST(test_matches_long_masks)
{
    char mask[MASK_BYTES_MAX + 2];
    char text[MASK_BYTES_MAX + 2];

    memset(mask, 'a', sizeof mask);
    memset(text, 'a', sizeof text);
    for (size_t n = 60; n <= MASK_BYTES_MAX; n++) {
        ck_assert(mask_matches(sv(mask, n), sv(text, n)));
        ck_assert(!mask_matches(sv(mask, n), sv(text, n - 1)));
        ck_assert(!mask_matches(sv(mask, n), sv(text, n + 1)));
    }
    ck_assert(!mask_matches(sv(mask, MASK_BYTES_MAX + 1), sv(text, MASK_BYTES_MAX + 1)));
}
END_TEST

/* What takes others exponential or quadratic time. */
START_TEST(test_evil_masks_take_linear_time)
{
    static char text[1000000];
    char mask[180];

    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof mask; i++) {
        mask[i] = i % 2 == 0 ? '*' : 'a';
    }
    mask[sizeof mask - 1] = 'b';
    uint64_t start_us = clock_monotonic_us();
    ck_assert(!mask_matches(sv(mask, sizeof mask), sv(text, sizeof text)));
    ck_assert_uint_lt(clock_monotonic_us() - start_us, 2000000);
}
END_TEST

START_TEST(test_is_wild)
{
    ck_assert(mask_is_wild(SV("a*")));
    ck_assert(mask_is_wild(SV("?")));
    ck_assert(!mask_is_wild(SV("alice")));
    ck_assert(!mask_is_wild(SV("")));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("mask");
    TCase *tc = tcase_create("mask");

    tcase_add_loop_test(tc, test_matches, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_test(tc, test_matches_as_the_obvious_way_does);
    tcase_add_test(tc, test_matches_long_masks);
    tcase_add_test(tc, test_evil_masks_take_linear_time);
    tcase_add_test(tc, test_is_wild);
    suite_add_tcase(s, tc);
    return s;
}
