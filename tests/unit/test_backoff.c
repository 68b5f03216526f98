/* SPDX-License-Identifier: MIT */
/* How long a link waits before it connects again. */
#include <check.h>

#include <parley/util/rng.h>

#include "backplane/backoff.h"

Suite *suite(void);

enum { MIN_MS = 20, MAX_MS = 2000, MOST_MS = 16000, TRIES = 500 };

/* The longest of many next waits, after so many strikes in a row. */
static uint32_t longest_after(unsigned strikes)
{
    uint32_t longest = 0;

    for (int i = 0; i < TRIES; i++) {
        struct backoff b;

        backoff_init(&b, MIN_MS, MAX_MS);
        for (unsigned k = 0; k < strikes; k++) {
            backoff_strike(&b, MOST_MS);
        }
        uint32_t wait_ms = backoff_next_ms(&b);

        longest = wait_ms > longest ? wait_ms : longest;
    }
    return longest;
}

START_TEST(test_waits_double_up_to_a_bound)
{
    struct backoff b;
    uint32_t bound_ms = MIN_MS;

    backoff_init(&b, MIN_MS, MAX_MS);
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(b.bound_ms, bound_ms);
        ck_assert_uint_le(backoff_next_ms(&b), bound_ms);
        bound_ms = bound_ms * 2 < MAX_MS ? bound_ms * 2 : MAX_MS;
    }
    backoff_reset(&b);
    ck_assert_uint_eq(b.bound_ms, MIN_MS);
}
END_TEST

START_TEST(test_who_is_not_kept_up_with_stays_away_for_longer)
{
    ck_assert_uint_le(longest_after(0), MIN_MS);
    ck_assert_uint_le(longest_after(1), MIN_MS);
    for (unsigned strikes = 2; strikes < 10; strikes++) {
        uint32_t bound_ms = strikes < 4 ? (uint32_t)MAX_MS << (strikes - 1) : MOST_MS;
        uint32_t longest = longest_after(strikes);

        ck_assert_uint_le(longest, bound_ms);
        ck_assert_uint_gt(longest, bound_ms / 2);
    }
}
END_TEST

START_TEST(test_that_is_for_one_wait_and_forgotten_when_it_works)
{
    struct backoff b;

    backoff_init(&b, MIN_MS, MAX_MS);
    for (int i = 0; i < 5; i++) {
        backoff_strike(&b, MOST_MS);
    }
    ck_assert_uint_eq(b.bound_ms, MOST_MS);
    (void)backoff_next_ms(&b);
    ck_assert_uint_eq(b.bound_ms, MAX_MS);
    backoff_reset(&b);
    backoff_strike(&b, MOST_MS);
    ck_assert_uint_eq(b.bound_ms, MIN_MS);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("backoff");
    TCase *tc = tcase_create("backoff");

    rng_init();
    tcase_add_test(tc, test_waits_double_up_to_a_bound);
    tcase_add_test(tc, test_who_is_not_kept_up_with_stays_away_for_longer);
    tcase_add_test(tc, test_that_is_for_one_wait_and_forgotten_when_it_works);
    suite_add_tcase(s, tc);
    return s;
}
