/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "backplane/sightings.h"

Suite *suite(void);

struct writer {
    char id;
};

static const struct writer alice = {'a'};
static const struct writer bob = {'b'};
static struct sightings *seen;
static size_t total;

static void set_up(void)
{
    seen = NULL;
    total = 0;
}

static void tear_down(void)
{
    sightings_free(seen, &total);
    ck_assert_uint_eq(total, 0);
}

static void note(const struct writer *w, uint64_t unseen, uint64_t seq, size_t lines,
                 uint64_t now_ms)
{
    const struct lines_seen it = {
        .writer = w, .unseen = unseen, .seq = seq, .count = lines};

    sightings_note(&seen, &total, &it, now_ms);
}

/* -1: it cannot tell. */
static int count(const struct writer *w, uint64_t from, uint64_t upto)
{
    uint64_t lines = 0;

    return sightings_count(seen, w, from, upto, &lines) ? (int)lines : -1;
}

START_TEST(test_lines_between_two_numbers)
{
    ck_assert_int_eq(count(&alice, 0, 100), 0);
    note(&alice, 0, 5, 1, 0);
    note(&bob, 0, 6, 10, 0);
    note(&alice, 0, 7, 2, 0);
    note(&alice, 0, 9, 4, 0);
    ck_assert_int_eq(count(&alice, 0, 100), 7);
    ck_assert_int_eq(count(&alice, 5, 9), 6);
    ck_assert_int_eq(count(&alice, 6, 8), 2);
    ck_assert_int_eq(count(&alice, 9, 9), 0);
    ck_assert_int_eq(count(&bob, 5, 9), 10);
}
END_TEST

START_TEST(test_what_was_not_seen_cannot_be_counted)
{
    note(&alice, 4, 5, 1, 0);
    ck_assert_int_eq(count(&alice, 3, 5), -1);
    ck_assert_int_eq(count(&alice, 4, 5), 1);
}
END_TEST

START_TEST(test_the_oldest_are_forgotten_when_there_are_many)
{
    const uint64_t most = SIGHTINGS_VOICE_MAX;

    for (uint64_t seq = 1; seq <= most; seq++) {
        note(&alice, 0, seq, 1, 0);
    }
    ck_assert_int_eq(count(&alice, 0, most), (int)most);
    note(&alice, 0, most + 1, 1, 0);
    ck_assert_uint_eq(total, most / 2 + 1);
    ck_assert_int_eq(count(&alice, most / 2 - 1, most + 1), -1);
    ck_assert_int_eq(count(&alice, most / 2, most + 1), (int)most / 2 + 1);
}
END_TEST

START_TEST(test_a_node_that_remembers_too_much_cannot_tell)
{
    note(&alice, 0, 1, 1, 0);
    total += SIGHTINGS_ALL_MAX;
    note(&alice, 0, 2, 1, 0);
    note(&bob, 0, 3, 1, 0);
    total -= SIGHTINGS_ALL_MAX;
    ck_assert_int_eq(count(&alice, 0, 2), -1);
    ck_assert_int_eq(count(&bob, 2, 3), -1);
    note(&alice, 0, 4, 1, 0);
    ck_assert_int_eq(count(&alice, 2, 4), 1);
}
END_TEST

START_TEST(test_what_is_old_is_forgotten)
{
    note(&alice, 0, 1, 1, 1000);
    note(&bob, 0, 2, 1, 1000);
    note(&alice, 0, 3, 1, 3000);
    sightings_expire(&seen, &total, SIGHTINGS_MS);
    ck_assert_uint_eq(total, 3);
    sightings_expire(&seen, &total, SIGHTINGS_MS + 1000);
    ck_assert_uint_eq(total, 1);
    ck_assert_int_eq(count(&alice, 0, 3), -1);
    ck_assert_int_eq(count(&alice, 1, 3), 1);
    sightings_expire(&seen, &total, SIGHTINGS_MS + 3000);
    ck_assert_ptr_null(seen);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sightings");
    TCase *tc = tcase_create("sightings");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_lines_between_two_numbers);
    tcase_add_test(tc, test_what_was_not_seen_cannot_be_counted);
    tcase_add_test(tc, test_the_oldest_are_forgotten_when_there_are_many);
    tcase_add_test(tc, test_a_node_that_remembers_too_much_cannot_tell);
    tcase_add_test(tc, test_what_is_old_is_forgotten);
    suite_add_tcase(s, tc);
    return s;
}
