/* SPDX-License-Identifier: MIT */
/* What one entry brings is told together, and nobody can tell. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/hub_fixture.h"

static struct talker *alice; /* on node 0 */
static struct talker *bob;   /* on node 1, like most of what happens */

/* What waits on node 1 for one log becomes one entry. */
static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
    fx.nodes[1]->packs = true;
    forget_heard();
}

START_TEST(test_run_is_told_in_one_piece)
{
    say(bob, "#a", "one");
    say(bob, "#a", "two");
    say(bob, "#a", "three");
    settle();
    expect(alice, "say #a bob one;say #a bob two;say #a bob three;");
    ck_assert_uint_eq(alice->runs, 1);
}
END_TEST

START_TEST(test_run_of_one_is_an_event)
{
    say(bob, "#a", "one");
    settle();
    expect(alice, "say #a bob one;");
    ck_assert_uint_eq(alice->runs, 0);
}
END_TEST

START_TEST(test_run_own_lines_come_one_by_one_and_then_the_speaker_is_idle)
{
    struct talker *carol = talker_in_a(1, "carol");

    forget_heard();
    bob->idles = 0;
    say(bob, "#a", "one");
    say(carol, "#a", "two");
    say(bob, "#a", "three");
    ck_assert(!hub_user_is_settled(bob->user));
    settle();
    ck_assert(hub_user_is_settled(bob->user) && hub_user_is_settled(carol->user));
    ck_assert_uint_eq(bob->idles, 1);
    expect(bob, "say #a bob one;say #a carol two;say #a bob three;");
    expect(carol, "say #a bob one;say #a carol two;say #a bob three;");
    expect(alice, "say #a bob one;say #a carol two;say #a bob three;");
    ck_assert_uint_eq(bob->runs + carol->runs, 0);
    ck_assert_uint_eq(alice->runs, 1);
}
END_TEST

START_TEST(test_run_who_joins_in_it_sees_itself_and_what_comes_after)
{
    struct talker *carol = talker_named(1, "carol");
    struct talker *dave = talker_named(1, "dave");

    say(bob, "#a", "before");
    join(carol, "#a");
    say(bob, "#a", "between");
    join(dave, "#a");
    say(bob, "#a", "after");
    settle();
    expect(alice, "say #a bob before;join #a carol;say #a bob between;join #a dave;"
                  "say #a bob after;");
    expect(bob, "say #a bob before;join #a carol;say #a bob between;join #a dave;"
                "say #a bob after;");
    expect(carol, "join #a carol;welcome #a;say #a bob between;join #a dave;"
                  "say #a bob after;");
    expect(dave, "join #a dave;welcome #a;say #a bob after;");
    ck_assert_uint_eq(alice->runs, 1);
    ck_assert_str_eq(names_in(0, "#a"), "alice bob carol dave");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob carol dave");
}
END_TEST

START_TEST(test_run_first_ones_into_a_room_hear_each_other)
{
    struct talker *carol = talker_named(1, "carol");

    join(bob, "#b");
    settle();
    leave(bob, "#b");
    settle();
    forget_heard();
    join(carol, "#b");
    join(bob, "#b");
    settle();
    expect(carol, "join #b carol;welcome #b;join #b bob;");
    expect(bob, "join #b bob;welcome #b;");
}
END_TEST

START_TEST(test_run_other_news_stay_where_they_were)
{
    struct talker *carol = talker_in_a(1, "carol");

    forget_heard();
    say(bob, "#a", "one");
    say(bob, "#a", "two");
    must(hub_topic(bob->user, room_of(bob, "#a"), SV("news")));
    say(carol, "#a", "three");
    say(carol, "#a", "four");
    leave(carol, "#a");
    settle();
    expect(alice, "say #a bob one;say #a bob two;topic #a bob news;say #a carol three;"
                  "say #a carol four;leave #a carol bye;");
    ck_assert_uint_eq(alice->runs, 2);
    expect(carol, "say #a bob one;say #a bob two;topic #a bob news;say #a carol three;"
                  "say #a carol four;leave #a carol bye;");
}
END_TEST

START_TEST(test_run_joins_and_leaves_of_one_entry)
{
    struct talker *carol = talker_in_a(1, "carol");
    struct talker *dave = talker_named(1, "dave");

    forget_heard();
    say(bob, "#a", "one");
    leave(carol, "#a");
    join(dave, "#a");
    say(bob, "#a", "two");
    settle();
    expect(alice, "say #a bob one;leave #a carol bye;join #a dave;say #a bob two;");
    expect(dave, "join #a dave;welcome #a;say #a bob two;");
    expect(carol, "say #a bob one;leave #a carol bye;");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob dave");
}
END_TEST

START_TEST(test_run_line_for_operators_stands_between_the_others)
{
    struct hub_speech speech = {.kind = ITEM_MESSAGE, .text = SV("psst"), .status = '@'};

    say(bob, "#a", "one");
    must(hub_speak(bob->user, room_of(bob, "#a"), &speech));
    say(bob, "#a", "two");
    settle();
    expect(alice, "say #a bob one;say #a bob psst @;say #a bob two;");
    ck_assert(hub_user_is_settled(bob->user));
}
END_TEST

/* More than a run holds, by number and by size. */
START_TEST(test_run_of_many_is_several_in_order)
{
    struct talker *many[100];
    struct strbuf expected;

    for (size_t i = 0; i < PARLEY_COUNT_OF(many); i++) {
        char nick[16];

        (void)snprintf(nick, sizeof nick, "p%zu", i);
        many[i] = talker_named(1, nick);
    }
    forget_heard();
    strbuf_init(&expected, 8192);
    for (size_t i = 0; i < PARLEY_COUNT_OF(many); i++) {
        join(many[i], "#a");
        strbuf_add_fmt(&expected, "join #a p%zu;", i);
    }
    settle();
    expect(alice, strbuf_cstr(&expected));
    ck_assert_uint_eq(alice->runs, 3);
    expect(many[99], "join #a p99;welcome #a;");
    strbuf_done(&expected);
}
END_TEST

/* The longest of everything: what is made of a run has to fit into the smallest send queue. */
START_TEST(test_run_of_the_longest_fits_into_a_queue)
{
    static char longest[512];
    struct talker *many[80];

    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < PARLEY_COUNT_OF(many); i++) {
        char name[NICK_BYTES_MAX + 1];

        (void)snprintf(name, sizeof name, "p%031zu", i);
        many[i] = talker_new(1);
        hub_user_describe(many[i]->user, sv_of(longest), sv_of(longest), sv_of(longest));
        nick(many[i], name);
    }
    settle();
    forget_heard();
    for (size_t i = 0; i < PARLEY_COUNT_OF(many); i++) {
        join(many[i], "#a");
    }
    settle();
    ck_assert_uint_gt(alice->runs, 1); /* each of them was looked at */
    for (size_t i = 0; i < PARLEY_COUNT_OF(many); i++) {
        say(many[i], "#a", longest);
    }
    settle();
    ck_assert_uint_gt(alice->runs, 8);
}
END_TEST

START_TEST(test_run_of_long_lines_is_several_in_order)
{
    static char text[1500];
    struct talker *carol = talker_in_a(1, "carol");
    struct strbuf expected;

    forget_heard();
    memset(text, 'x', sizeof text - 1);
    strbuf_init(&expected, 32768);
    for (int i = 0; i < 6; i++) {
        say(i < 3 ? bob : carol, "#a", text);
        strbuf_add_fmt(&expected, "say #a %s %s;", i < 3 ? "bob" : "carol", text);
    }
    settle();
    expect(alice, strbuf_cstr(&expected));
    ck_assert_uint_eq(alice->runs, 2);
    strbuf_done(&expected);
}
END_TEST

/* A speaker's front-end may close it at its own line. */
START_TEST(test_run_speaker_may_close_in_the_middle)
{
    say(bob, "#a", "one");
    say(bob, "#a", "two");
    bob->closes_itself = true;
    settle();
    expect(bob, "say #a bob one;");
    ck_assert_uint_eq(bob->deafs, 0);
    expect(alice, "say #a bob one;say #a bob two;quit bob enough;");
}
END_TEST

/* Somebody whom this node knows as ann joins as anna: news of the change go to the rooms that
 * know ann, between what was said before and the join. */
START_TEST(test_run_change_of_a_person_is_told_in_order)
{
    struct talker *ann = talker_named(1, "ann");

    join(alice, "#b");
    settle();
    join(ann, "#b");
    settle();
    memory_node_hold_log(fx.nodes[0], "#b", true);
    nick(ann, "anna");
    settle();
    forget_heard();
    say(bob, "#a", "one");
    say(bob, "#a", "two");
    join(ann, "#a");
    say(bob, "#a", "three");
    settle();
    expect(alice, "say #a bob one;say #a bob two;nick ann anna;join #a anna;"
                  "say #a bob three;");
    memory_node_hold_log(fx.nodes[0], "#b", false);
    settle();
    expect(alice, "");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_run_is_told_in_one_piece);
    tcase_add_test(tc, test_run_of_one_is_an_event);
    tcase_add_test(tc, test_run_own_lines_come_one_by_one_and_then_the_speaker_is_idle);
    tcase_add_test(tc, test_run_who_joins_in_it_sees_itself_and_what_comes_after);
    tcase_add_test(tc, test_run_first_ones_into_a_room_hear_each_other);
    tcase_add_test(tc, test_run_other_news_stay_where_they_were);
    tcase_add_test(tc, test_run_joins_and_leaves_of_one_entry);
    tcase_add_test(tc, test_run_line_for_operators_stands_between_the_others);
    tcase_add_test(tc, test_run_of_many_is_several_in_order);
    tcase_add_test(tc, test_run_of_the_longest_fits_into_a_queue);
    tcase_add_test(tc, test_run_of_long_lines_is_several_in_order);
    tcase_add_test(tc, test_run_speaker_may_close_in_the_middle);
    tcase_add_test(tc, test_run_change_of_a_person_is_told_in_order);
}

Suite *suite(void)
{
    Suite *s = suite_create("run");
    TCase *tc = tcase_create("run");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
