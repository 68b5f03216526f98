/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

static void assert_view(struct str_view view, const char *expected)
{
    ck_assert_msg(sv_equal(view, sv_of(expected)), "\"%.*s\" is not \"%s\"", SV_ARG(view),
                  expected);
}

START_TEST(test_sv_of_null_gives_empty)
{
    ck_assert_uint_eq(sv_of(NULL).len, 0);
    ck_assert(sv_equal(sv_of(NULL), SV("")));
}
END_TEST

START_TEST(test_sv_equal_compares_every_byte)
{
    ck_assert(sv_equal(SV("a\0b"), SV("a\0b")));
    ck_assert(!sv_equal(SV("a\0b"), SV("a\0c")));
    ck_assert(!sv_equal(SV("a"), SV("ab")));
    ck_assert(!sv_equal(SV("a"), SV("A")));
}
END_TEST

START_TEST(test_sv_equal_nocase_folds_ascii_only)
{
    ck_assert(sv_equal_nocase(SV("HeLLo[1]"), SV("hEllO[1]")));
    ck_assert(!sv_equal_nocase(SV("["), SV("{")));
    ck_assert(!sv_equal_nocase(SV("@"), SV("`")));
    ck_assert(!sv_equal_nocase(SV("\xc3\x84"), SV("\xc3\xa4")));
    ck_assert(!sv_equal_nocase(SV("a"), SV("ab")));
    ck_assert(sv_equal_nocase(sv(NULL, 0), SV("")));
}
END_TEST

START_TEST(test_sv_starts_with_prefixes)
{
    ck_assert(sv_starts_with(SV("abc"), SV("ab")));
    ck_assert(sv_starts_with(SV("abc"), SV("abc")));
    ck_assert(sv_starts_with(SV("abc"), SV("")));
    ck_assert(sv_starts_with(sv(NULL, 0), sv(NULL, 0)));
    ck_assert(!sv_starts_with(SV("ab"), SV("abc")));
    ck_assert(!sv_starts_with(SV("abc"), SV("b")));
}
END_TEST

START_TEST(test_sv_trim_takes_spaces_and_tabs)
{
    assert_view(sv_trim(SV("  a b\t ")), "a b");
    assert_view(sv_trim(SV("\r\n")), "\r\n");
    assert_view(sv_trim(SV(" \t ")), "");
    assert_view(sv_trim(sv(NULL, 0)), "");
}
END_TEST

START_TEST(test_sv_next_word_walks_words)
{
    struct str_view rest = SV("  one\ttwo   three ");

    assert_view(sv_next_word(&rest), "one");
    assert_view(rest, "two   three ");
    assert_view(sv_next_word(&rest), "two");
    assert_view(rest, "three ");
    assert_view(sv_next_word(&rest), "three");
    assert_view(rest, "");
    assert_view(sv_next_word(&rest), "");
    rest = sv(NULL, 0);
    assert_view(sv_next_word(&rest), "");
}
END_TEST

START_TEST(test_sv_next_until_cuts_separators)
{
    struct str_view rest = SV("a,,b");

    assert_view(sv_next_until(&rest, ','), "a");
    assert_view(sv_next_until(&rest, ','), "");
    assert_view(rest, "b");
    assert_view(sv_next_until(&rest, ','), "b");
    ck_assert_uint_eq(rest.len, 0);
    assert_view(sv_next_until(&rest, ','), "");
    rest = sv(NULL, 0);
    assert_view(sv_next_until(&rest, ','), "");
}
END_TEST

START_TEST(test_sv_find_char_gives_length_when_absent)
{
    ck_assert_uint_eq(sv_find_char(SV("abcb"), 'b'), 1);
    ck_assert_uint_eq(sv_find_char(SV("abc"), 'x'), 3);
    ck_assert_uint_eq(sv_find_char(SV("a\0b"), 'b'), 2);
    ck_assert_uint_eq(sv_find_char(sv(NULL, 0), 'x'), 0);
}
END_TEST

static const struct {
    const char *text;
    uint64_t max;
    bool right;
    uint64_t value;
} numbers[] = {
    {"0", 0, true, 0},
    {"1", 0, false, 0},
    {"9", 5, false, 0},
    {"007", 7, true, 7},
    {"65535", 65535, true, 65535},
    {"65536", 65535, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999999", UINT64_MAX, false, 0},
    {"9", 10, true, 9},
    {"10", 10, true, 10},
    {"11", 10, false, 0},
    {"", 10, false, 0},
    {"-1", 10, false, 0},
    {"+1", 10, false, 0},
    {" 1", 10, false, 0},
    {"1 ", 10, false, 0},
    {"0x1", 10, false, 0},
    {"1e1", 100, false, 0},
};

START_TEST(test_sv_to_u64_takes_bounded_digits_only)
{
    uint64_t value = 4711;
    bool right = sv_to_u64(sv_of(numbers[_i].text), numbers[_i].max, &value);

    ck_assert_msg(right == numbers[_i].right, "\"%s\"", numbers[_i].text);
    ck_assert_uint_eq(value, right ? numbers[_i].value : 4711);
}
END_TEST

START_TEST(test_sv_from_u64_writes_decimals)
{
    char digits[U64_DIGITS_MAX];

    ck_assert(sv_equal(sv_from_u64(0, digits), SV("0")));
    ck_assert(sv_equal(sv_from_u64(7, digits), SV("7")));
    ck_assert(sv_equal(sv_from_u64(10, digits), SV("10")));
    ck_assert(sv_equal(sv_from_u64(UINT64_MAX, digits), SV("18446744073709551615")));
}
END_TEST

START_TEST(test_u64_write_writes_as_many_digits_as_are_counted)
{
    char digits[U64_DIGITS_MAX + 1];
    uint64_t power = 1;

    for (size_t count = 1; count <= U64_DIGITS_MAX; count++, power *= 10) {
        digits[count] = '.';
        ck_assert_uint_eq(u64_digit_count(power), count);
        ck_assert_ptr_eq(u64_write(digits, power), digits + count);
        ck_assert_int_eq(digits[0], '1');
        ck_assert_int_eq(digits[count - 1], count == 1 ? '1' : '0');
        ck_assert_int_eq(digits[count], '.');
        if (count > 1) {
            ck_assert_uint_eq(u64_digit_count(power - 1), count - 1);
        }
    }
}
END_TEST

START_TEST(test_sv_next_u64_cuts_digits)
{
    struct str_view rest = SV("18446744073709551615-0x");
    struct str_view before = rest;
    uint64_t value = 0;

    ck_assert(!sv_next_u64(&rest, UINT64_MAX - 1, &value));
    ck_assert_ptr_eq(rest.ptr, before.ptr);
    ck_assert(sv_next_u64(&rest, UINT64_MAX, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(sv_equal(rest, SV("-0x")));
    ck_assert(!sv_next_u64(&rest, UINT64_MAX, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(sv_equal(rest, SV("-0x")));
    rest = SV("007");
    ck_assert(sv_next_u64(&rest, 7, &value));
    ck_assert_uint_eq(value, 7);
    ck_assert_uint_eq(rest.len, 0);
}
END_TEST

START_TEST(test_ascii_lower_changes_capitals_only)
{
    for (int c = -128; c < 128; c++) {
        char expected = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);

        ck_assert_int_eq(ascii_lower((char)c), expected);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("str");
    TCase *tc = tcase_create("views");

    tcase_add_test(tc, test_sv_of_null_gives_empty);
    tcase_add_test(tc, test_sv_equal_compares_every_byte);
    tcase_add_test(tc, test_sv_equal_nocase_folds_ascii_only);
    tcase_add_test(tc, test_sv_starts_with_prefixes);
    tcase_add_test(tc, test_sv_trim_takes_spaces_and_tabs);
    tcase_add_test(tc, test_sv_next_word_walks_words);
    tcase_add_test(tc, test_sv_next_until_cuts_separators);
    tcase_add_test(tc, test_sv_find_char_gives_length_when_absent);
    tcase_add_test(tc, test_sv_from_u64_writes_decimals);
    tcase_add_test(tc, test_u64_write_writes_as_many_digits_as_are_counted);
    tcase_add_test(tc, test_sv_next_u64_cuts_digits);
    tcase_add_test(tc, test_ascii_lower_changes_capitals_only);
    tcase_add_loop_test(tc, test_sv_to_u64_takes_bounded_digits_only, 0,
                        (int)PARLEY_COUNT_OF(numbers));
    suite_add_tcase(s, tc);
    return s;
}
