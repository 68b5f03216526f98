/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/msg.h>
#include <parley/util/str.h>

static size_t live_before;

static void setup(void)
{
    live_before = msg_live_count();
}

static void teardown(void)
{
    ck_assert_uint_eq(msg_live_count(), live_before);
}

START_TEST(test_msg_new_copies_the_bytes)
{
    char line[] = "hello\0there\r\n";
    struct msg *m = msg_new(sv(line, sizeof line - 1));

    memset(line, 'x', sizeof line);
    ck_assert(sv_equal(msg_view(m), SV("hello\0there\r\n")));
    ck_assert_uint_eq(m->len, 13);
    msg_unref(m);
}
END_TEST

START_TEST(test_msg_new_of_nothing_is_empty)
{
    struct msg *m = msg_new(sv(NULL, 0));

    ck_assert_uint_eq(msg_view(m).len, 0);
    msg_unref(m);
}
END_TEST

START_TEST(test_msg_new_takes_sixteen_mebibytes)
{
    size_t size = (size_t)16 * 1024 * 1024;
    char *bytes = calloc(1, size);
    struct msg *m = msg_new(sv(bytes, size));

    ck_assert_uint_eq(m->len, size);
    msg_unref(m);
    free(bytes);
}
END_TEST

START_TEST(test_msg_unref_frees_with_the_last_reference)
{
    struct msg *m = msg_new(SV("x"));

    for (int i = 0; i < 1000; i++) {
        ck_assert_ptr_eq(msg_ref(m), m);
    }
    for (int i = 0; i < 1000; i++) {
        msg_unref(m);
    }
    ck_assert_uint_eq(msg_live_count(), live_before + 1);
    ck_assert(sv_equal(msg_view(m), SV("x")));
    msg_unref(m);
}
END_TEST

START_TEST(test_msg_unref_null_does_nothing)
{
    msg_unref(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("msg");
    TCase *tc = tcase_create("msg");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_msg_new_copies_the_bytes);
    tcase_add_test(tc, test_msg_new_of_nothing_is_empty);
    tcase_add_test(tc, test_msg_new_takes_sixteen_mebibytes);
    tcase_add_test(tc, test_msg_unref_frees_with_the_last_reference);
    tcase_add_test(tc, test_msg_unref_null_does_nothing);
    suite_add_tcase(s, tc);
    return s;
}
