/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <parley/util/arena.h>

Suite *suite(void);

START_TEST(test_copy_many_texts_stay_where_they_are)
{
    enum { COUNT = 5000 };
    static struct str_view copies[COUNT];
    struct arena a;

    arena_init(&a);
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        int len = snprintf(text, sizeof(text), "text %d", i);

        copies[i] = arena_copy(&a, sv(text, (size_t)len));
    }
    for (int i = 0; i < COUNT; i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "text %d", i);
        ck_assert(sv_equal(copies[i], sv_of(text)));
        ck_assert_int_eq(copies[i].ptr[copies[i].len], '\0');
    }
    arena_done(&a);
}
END_TEST

START_TEST(test_take_any_size_is_aligned)
{
    static const size_t sizes[] = {0, 1, 7, 16, 4096, 16 * 1024, 16 * 1024 + 1, 1 << 20};
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < PARLEY_COUNT_OF(sizes); i++) {
        char *bytes = arena_take(&a, sizes[i]);

        ck_assert_uint_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
        memset(bytes, 'x', sizes[i]);
    }
    arena_done(&a);
}
END_TEST

START_TEST(test_clear_memory_is_used_again)
{
    struct arena a;

    arena_init(&a);
    arena_clear(&a);
    const char *first = arena_take(&a, 100);

    (void)arena_take(&a, 100);
    arena_clear(&a);
    ck_assert_ptr_eq(arena_take(&a, 100), first);
    arena_done(&a);
}
END_TEST

START_TEST(test_clear_keeps_no_large_block)
{
    struct arena a;

    arena_init(&a);
    ck_assert_ptr_nonnull(arena_try_take(&a, 1 << 20));
    arena_clear(&a);
    ck_assert_ptr_null(a.blocks);
    ck_assert_ptr_nonnull(arena_try_take(&a, 100));
    arena_done(&a);
}
END_TEST

START_TEST(test_join_puts_texts_behind_each_other)
{
    const struct str_view texts[] = {SV("one"), {NULL, 0}, SV("-"), SV("two")};
    struct arena a;

    arena_init(&a);
    ck_assert(sv_equal(arena_join(&a, texts, 4), SV("one-two")));
    ck_assert_uint_eq(arena_join(&a, texts, 0).len, 0);
    arena_done(&a);
}
END_TEST

START_TEST(test_copy_empty_is_empty)
{
    struct arena a;

    arena_init(&a);
    ck_assert_uint_eq(arena_copy(&a, sv(NULL, 0)).len, 0);
    arena_done(&a);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("arena");
    TCase *tc = tcase_create("arena");

    tcase_add_test(tc, test_copy_many_texts_stay_where_they_are);
    tcase_add_test(tc, test_take_any_size_is_aligned);
    tcase_add_test(tc, test_clear_memory_is_used_again);
    tcase_add_test(tc, test_clear_keeps_no_large_block);
    tcase_add_test(tc, test_copy_empty_is_empty);
    tcase_add_test(tc, test_join_puts_texts_behind_each_other);
    suite_add_tcase(s, tc);
    return s;
}
