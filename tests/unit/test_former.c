/* SPDX-License-Identifier: MIT */
/* Who is gone: remembered by name, the latest first, and not more than so many. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hub/former.h"
#include "support/hub_fixture.h"

Suite *suite(void);

/* "user realname;" of everybody who was called so. */
static const char *formers(size_t node, const char *name)
{
    static char text[4000];
    struct hub_former f;
    size_t cursor = 0;
    size_t len = 0;

    text[0] = '\0';
    while (hub_next_former(fx.hubs[node], sv_of(name), &cursor, &f)) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s %.*s;",
                                SV_ARG(f.nick), SV_ARG(f.realname));
        ck_assert_uint_gt(f.ms, 1700000000000);
    }
    return text;
}

START_TEST(test_who_quits)
{
    talker_in_a(0, "ann");
    struct talker *ben = talker_in_a((size_t)_i, "Ben");

    must(hub_setname(ben->user, SV("Ben B")));
    settle();
    ck_assert_str_eq(formers(0, "ben"), "");
    close_talker(ben, "");
    settle();
    ck_assert_str_eq(formers(0, "BEN"), "Ben Ben B;");
    ck_assert_str_eq(formers(2, "ben"), "");
}
END_TEST

START_TEST(test_who_takes_another_name)
{
    talker_in_a(0, "ann");
    struct talker *ben = talker_in_a((size_t)_i, "ben");

    nick(ben, "BEN");
    settle();
    ck_assert_str_eq(formers(0, "ben"), "");
    nick(ben, "carl");
    settle();
    nick(ben, "ben");
    settle();
    nick(ben, "dan");
    settle();
    ck_assert_str_eq(formers(0, "ben"), "ben ;BEN ;");
    ck_assert_str_eq(formers(0, "carl"), "carl ;");
    ck_assert_str_eq(formers(0, "dan"), "");
}
END_TEST

START_TEST(test_who_dies_with_a_node)
{
    talker_in_a(0, "ann");
    talker_in_a(1, "ben");
    talker_in_a(1, "cid");
    settle();
    kill_node(1);
    settle();
    ck_assert_str_eq(formers(0, "ben"), "ben ;");
    ck_assert_str_eq(formers(0, "cid"), "cid ;");
}
END_TEST

START_TEST(test_the_oldest_are_forgotten)
{
    struct record rec = {.version = 0};
    char name[20];

    for (int i = 0; i < HUB_FORMER_MAX + 2; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        rec.texts[PERSON_NICK] = sv_of(name);
        former_add(fx.hubs[0], &rec);
    }
    ck_assert_str_eq(formers(0, "n1"), "");
    ck_assert_str_eq(formers(0, "n2"), "n2 ;");
    (void)snprintf(name, sizeof name, "n%d", HUB_FORMER_MAX + 1);
    ck_assert_str_eq(formers(0, name), "n1001 ;");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("former");
    TCase *tc = tcase_create("former");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    tcase_add_loop_test(tc, test_who_quits, 0, 2);
    tcase_add_loop_test(tc, test_who_takes_another_name, 0, 2);
    tcase_add_test(tc, test_who_dies_with_a_node);
    tcase_add_test(tc, test_the_oldest_are_forgotten);
    suite_add_tcase(s, tc);
    return s;
}
