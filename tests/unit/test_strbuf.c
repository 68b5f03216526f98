/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

static struct strbuf b;

static void teardown(void)
{
    strbuf_done(&b);
}

static void assert_holds(const char *expected)
{
    ck_assert_uint_eq(strbuf_view(&b).len, strlen(expected));
    ck_assert_str_eq(strbuf_cstr(&b), expected);
    ck_assert(b.len <= b.cap && b.cap <= b.max);
    ck_assert((b.ptr == NULL) == (b.cap == 0));
}

START_TEST(test_strbuf_init_holds_nothing)
{
    strbuf_init(&b, 10);
    assert_holds("");
    ck_assert(b.ptr == NULL && !b.failed);
    strbuf_add(&b, sv(NULL, 0));
    strbuf_drop(&b, 5);
    ck_assert(b.ptr == NULL && !b.failed);
}
END_TEST

START_TEST(test_strbuf_add_up_to_the_maximum_succeeds)
{
    strbuf_init(&b, 10);
    strbuf_add(&b, SV("0123456789"));
    assert_holds("0123456789");
    strbuf_add(&b, SV(""));
    ck_assert(!b.failed);
}
END_TEST

START_TEST(test_strbuf_add_past_the_maximum_fails_for_good)
{
    strbuf_init(&b, 10);
    strbuf_add(&b, SV("01234567"));
    strbuf_add(&b, SV("89a"));
    ck_assert(b.failed);
    strbuf_add_char(&b, 'x');
    strbuf_add_u64(&b, 1);
    strbuf_add_fmt(&b, "%d", 1);
    ck_assert(b.failed);
    assert_holds("01234567");
}
END_TEST

START_TEST(test_strbuf_init_of_no_bytes_takes_none)
{
    strbuf_init(&b, 0);
    strbuf_add(&b, SV(""));
    ck_assert(!b.failed);
    strbuf_add_char(&b, 'x');
    ck_assert(b.failed);
    assert_holds("");
}
END_TEST

START_TEST(test_strbuf_add_hostile_length_fails)
{
    strbuf_init(&b, SIZE_MAX);
    strbuf_add_char(&b, 'x');
    strbuf_add(&b, sv("y", SIZE_MAX));
    ck_assert(b.failed);
    strbuf_clear(&b);
    strbuf_add(&b, sv("y", SIZE_MAX));
    ck_assert(b.failed);
}
END_TEST

START_TEST(test_strbuf_add_grows_byte_by_byte)
{
    enum { COUNT = 100000 };

    strbuf_init(&b, COUNT);
    for (int i = 0; i < COUNT; i++) {
        strbuf_add_char(&b, (char)('a' + i % 26));
    }
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.len, COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(b.ptr[i], 'a' + i % 26);
    }
    strbuf_add_char(&b, 'x');
    ck_assert(b.failed);
}
END_TEST

START_TEST(test_strbuf_clear_forgets_a_failure_and_keeps_the_memory)
{
    strbuf_init(&b, 4);
    strbuf_add(&b, SV("abcd"));
    strbuf_add_char(&b, 'e');
    const char *ptr = b.ptr;

    strbuf_clear(&b);
    ck_assert(!b.failed);
    ck_assert_ptr_eq(b.ptr, ptr);
    assert_holds("");
    strbuf_add(&b, SV("wxyz"));
    assert_holds("wxyz");
}
END_TEST

START_TEST(test_strbuf_done_may_be_used_again)
{
    strbuf_init(&b, 4);
    strbuf_add(&b, SV("abcd"));
    strbuf_done(&b);
    assert_holds("");
    strbuf_add(&b, SV("ef"));
    assert_holds("ef");
}
END_TEST

START_TEST(test_strbuf_add_u64_writes_decimals)
{
    strbuf_init(&b, 100);
    strbuf_add_u64(&b, 0);
    strbuf_add_char(&b, ' ');
    strbuf_add_u64(&b, 10);
    strbuf_add_char(&b, ' ');
    strbuf_add_u64(&b, UINT64_MAX);
    assert_holds("0 10 18446744073709551615");
}
END_TEST

START_TEST(test_strbuf_add_fmt_fits_exactly)
{
    strbuf_init(&b, 70);
    strbuf_add_fmt(&b, "%s", "");
    ck_assert(!b.failed);
    strbuf_add_fmt(&b, "%s=%d;", "a", 1);
    strbuf_add_fmt(&b, "%066d", 7);
    ck_assert_uint_eq(b.len, 70);
    ck_assert(!b.failed);
    strbuf_add_fmt(&b, "%c", 'x');
    ck_assert(b.failed);
    ck_assert_uint_eq(b.len, 70);
}
END_TEST

START_TEST(test_strbuf_add_keeps_nul_bytes)
{
    strbuf_init(&b, 8);
    strbuf_add(&b, SV("a\0b"));
    ck_assert(sv_equal(strbuf_view(&b), SV("a\0b")));
}
END_TEST

START_TEST(test_strbuf_reserve_takes_exactly_so_much)
{
    strbuf_init(&b, 1000);
    strbuf_add(&b, SV("abc"));
    strbuf_reserve(&b, 1);
    ck_assert_uint_eq(b.cap, 64);
    strbuf_reserve(&b, 100);
    ck_assert_uint_eq(b.cap, 103);
    assert_holds("abc");
    strbuf_reserve(&b, 998);
    ck_assert(b.failed);
    ck_assert_uint_eq(b.cap, 103);
}
END_TEST

START_TEST(test_strbuf_extend_gives_bytes_to_fill_in)
{
    strbuf_init(&b, 100);
    strbuf_add(&b, SV("ab"));
    char *to = strbuf_extend(&b, 3);

    ck_assert_ptr_nonnull(to);
    memcpy(to, "cde", 3);
    assert_holds("abcde");
    ck_assert_ptr_null(strbuf_extend(&b, 96));
    ck_assert(b.failed);
    ck_assert_ptr_null(strbuf_extend(&b, 1));
    ck_assert_uint_eq(b.len, 5);
}
END_TEST

START_TEST(test_strbuf_drop_moves_the_rest_to_the_front)
{
    strbuf_init(&b, 8);
    strbuf_add(&b, SV("abcdef"));
    strbuf_drop(&b, 0);
    assert_holds("abcdef");
    strbuf_drop(&b, 2);
    assert_holds("cdef");
    strbuf_add(&b, SV("gh"));
    assert_holds("cdefgh");
    strbuf_drop(&b, SIZE_MAX);
    assert_holds("");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("strbuf");
    TCase *tc = tcase_create("strbuf");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, test_strbuf_init_holds_nothing);
    tcase_add_test(tc, test_strbuf_add_up_to_the_maximum_succeeds);
    tcase_add_test(tc, test_strbuf_add_past_the_maximum_fails_for_good);
    tcase_add_test(tc, test_strbuf_init_of_no_bytes_takes_none);
    tcase_add_test(tc, test_strbuf_add_hostile_length_fails);
    tcase_add_test(tc, test_strbuf_add_grows_byte_by_byte);
    tcase_add_test(tc, test_strbuf_clear_forgets_a_failure_and_keeps_the_memory);
    tcase_add_test(tc, test_strbuf_done_may_be_used_again);
    tcase_add_test(tc, test_strbuf_add_u64_writes_decimals);
    tcase_add_test(tc, test_strbuf_add_fmt_fits_exactly);
    tcase_add_test(tc, test_strbuf_add_keeps_nul_bytes);
    tcase_add_test(tc, test_strbuf_reserve_takes_exactly_so_much);
    tcase_add_test(tc, test_strbuf_extend_gives_bytes_to_fill_in);
    tcase_add_test(tc, test_strbuf_drop_moves_the_rest_to_the_front);
    suite_add_tcase(s, tc);
    return s;
}
