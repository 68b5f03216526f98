/* SPDX-License-Identifier: MIT */
#include <check.h>

#include <parley/net/flood.h>

static struct flood_policy policy;
static struct flood flood;

static void setup(void)
{
    flood_policy_init(&policy, 10, 5);
    flood = (struct flood){0};
}

static unsigned spend_all(uint64_t now_ms)
{
    unsigned count = 0;

    while (flood_tokens(&flood, &policy, now_ms) > 0) {
        flood_spend(&flood, &policy, now_ms);
        count++;
        ck_assert_uint_lt(count, 1000000);
    }
    return count;
}

START_TEST(test_flood_full_bucket_gives_its_burst)
{
    ck_assert_uint_eq(flood_tokens(&flood, &policy, 1000), 5);
    ck_assert_uint_eq(spend_all(1000), 5);
    ck_assert_uint_eq(flood_wait_ms(&flood, &policy, 1000), 100);
}
END_TEST

START_TEST(test_flood_token_comes_back_after_its_time_and_not_before)
{
    (void)spend_all(1000);
    ck_assert_uint_eq(flood_tokens(&flood, &policy, 1099), 0);
    ck_assert_uint_eq(flood_wait_ms(&flood, &policy, 1099), 1);
    ck_assert_uint_eq(flood_tokens(&flood, &policy, 1100), 1);
    ck_assert_uint_eq(flood_wait_ms(&flood, &policy, 1100), 0);
    ck_assert_uint_eq(flood_tokens(&flood, &policy, 1499), 4);
}
END_TEST

START_TEST(test_flood_bucket_does_not_hold_more_than_its_burst)
{
    (void)spend_all(1000);
    ck_assert_uint_eq(spend_all(1000000), 5);
}
END_TEST

START_TEST(test_flood_average_over_an_hour_is_exact)
{
    uint64_t count = 0;

    for (uint64_t now = 0; now < 3600 * 1000; now += 37) {
        count += spend_all(now);
    }
    ck_assert_uint_ge(count, 3600 * 10);
    ck_assert_uint_le(count, 3600 * 10 + 5);
}
END_TEST

START_TEST(test_flood_rate_that_divides_badly_is_near_enough)
{
    uint64_t count = 0;

    flood_policy_init(&policy, 7, 3);
    for (uint64_t now = 0; now < 1000 * 1000; now += 50) {
        count += spend_all(now);
    }
    ck_assert_uint_ge(count, 7000);
    ck_assert_uint_le(count, 7000 + 4);
}
END_TEST

START_TEST(test_flood_without_limit_never_waits)
{
    flood_policy_init(&policy, 0, 0);
    for (int i = 0; i < 100000; i++) {
        ck_assert_uint_eq(flood_tokens(&flood, &policy, 0), UINT64_MAX);
        ck_assert_uint_eq(flood_wait_ms(&flood, &policy, 0), 0);
        flood_spend(&flood, &policy, 0);
    }
}
END_TEST

START_TEST(test_flood_burst_of_zero_is_one)
{
    flood_policy_init(&policy, 1, 0);
    ck_assert_uint_eq(spend_all(5000), 1);
    ck_assert_uint_eq(flood_wait_ms(&flood, &policy, 5000), 1000);
}
END_TEST

START_TEST(test_flood_burst_covers_what_comes_between_two_ticks)
{
    flood_policy_init(&policy, 1000, 20);
    ck_assert_uint_eq(policy.burst, 200);
    flood_policy_init(&policy, 2000000, 20);
    ck_assert_uint_eq(policy.line_us, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("flood");
    TCase *tc = tcase_create("flood");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_flood_full_bucket_gives_its_burst);
    tcase_add_test(tc, test_flood_token_comes_back_after_its_time_and_not_before);
    tcase_add_test(tc, test_flood_bucket_does_not_hold_more_than_its_burst);
    tcase_add_test(tc, test_flood_average_over_an_hour_is_exact);
    tcase_add_test(tc, test_flood_rate_that_divides_badly_is_near_enough);
    tcase_add_test(tc, test_flood_without_limit_never_waits);
    tcase_add_test(tc, test_flood_burst_of_zero_is_one);
    tcase_add_test(tc, test_flood_burst_covers_what_comes_between_two_ticks);
    suite_add_tcase(s, tc);
    return s;
}
