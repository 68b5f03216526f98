/* SPDX-License-Identifier: MIT */
/* People in rooms on one, two and three nodes: joining, talking, leaving, topics. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/util/clock.h>

#include "support/hub_fixture.h"

/* ---- join ---- */

START_TEST(test_join_first_is_echoed_then_welcomed)
{
    struct talker *t = talker_named(0, "alice");

    join(t, "#Room");
    ck_assert(hub_user_is_busy(t->user));
    settle();
    expect(t, "join #Room alice;welcome #Room;");
    ck_assert_uint_eq(t->idles, 3); /* after the name, the join, the room's first modes */
    ck_assert(!hub_user_is_busy(t->user));
    ck_assert_str_eq(memory_state(&fx.world, "#room", "name"), "#Room");
    ck_assert(memory_has_member(&fx.world, "#room", "n0/1"));
}
END_TEST

START_TEST(test_join_spelling_is_that_of_the_first)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    join(alice, "#Room");
    settle();
    join(bob, "#ROOM");
    settle();
    expect(bob, "join #Room bob;welcome #Room;");
    expect(alice, "join #Room alice;welcome #Room;join #Room bob;");
    ck_assert_str_eq(names_in(0, "#room"), "alice bob");
    ck_assert_str_eq(names_in(1, "#rOOm"), "alice bob");
}
END_TEST

START_TEST(test_join_many_at_once_all_come_in)
{
    struct talker *t[6];

    for (size_t i = 0; i < 6; i++) {
        t[i] = talker_named(i % 3, (const char *[]){"a", "b", "c", "d", "e", "f"}[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        join(t[i], "#a");
    }
    settle();
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(names_in(i, "#a"), "a b c d e f");
    }
    for (size_t i = 0; i < 6; i++) {
        ck_assert_ptr_nonnull(strstr(take_heard(t[i]), "welcome #a;"));
    }
}
END_TEST

START_TEST(test_join_what_is_wrong_is_told)
{
    struct talker *t = talker_in_a(0, "alice");
    const struct talker *nameless = talker_new(0);

    ck_assert_int_eq(hub_join(t->user, SV("a")), HUB_BAD_NAME);
    ck_assert_int_eq(hub_join(t->user, SV("#A")), HUB_ALREADY);
    ck_assert_int_eq(hub_join(nameless->user, SV("#a")), HUB_NOT_MEMBER);
    join(t, "#b");
    ck_assert_int_eq(hub_join(t->user, SV("#c")), HUB_TOO_MANY); /* busy */
    settle();
    join(t, "#c");
    settle();
    join(t, "#d");
    settle();
    ck_assert_int_eq(hub_join(t->user, SV("#e")), HUB_TOO_MANY); /* rooms */
}
END_TEST

START_TEST(test_join_refused_is_told_and_forgotten)
{
    struct talker *t = talker_named(0, "alice");

    keep_no_copies(0);
    fx.nodes[0]->gives_up = true;
    join(t, "#a");
    settle();
    expect(t, "unavailable #a;");
    ck_assert(!hub_user_is_busy(t->user));
    settle_ms(300);
    ck_assert_ptr_null(hub_room_find(fx.hubs[0], SV("#a")));

    fx.nodes[0]->gives_up = false;
    join(t, "#a");
    settle();
    expect(t, "join #a alice;welcome #a;");
}
END_TEST

START_TEST(test_join_when_full_is_unavailable)
{
    struct talker *t = talker_named(0, "alice");
    struct talker *bob = talker_in_a(0, "bob");

    fx.nodes[0]->is_full = true;
    ck_assert_int_eq(hub_join(t->user, SV("#a")), HUB_UNAVAILABLE);
    ck_assert(!hub_user_is_busy(t->user));
    join(t, "#b"); /* there is no copy yet: only the snapshot shows that it cannot be */
    settle();
    expect(t, "unavailable #b;");
    expect(bob, "");
}
END_TEST

START_TEST(test_join_two_while_opening_one_closes)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(0, "bob");

    join(alice, "#a");
    join(bob, "#a");
    close_talker(alice, "gone");
    settle();
    expect(bob, "join #a bob;welcome #a;");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
}
END_TEST

/* ---- talk ---- */

START_TEST(test_say_is_heard_by_all_and_echoed)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_in_a(1, "carol");

    say(alice, "#a", "hi");
    expect(alice, ""); /* not before it is in the log */
    settle();
    expect(alice, "say #a alice hi;");
    expect(bob, "say #a alice hi;");
    expect(carol, "say #a alice hi;");
}
END_TEST

START_TEST(test_say_one_order_on_all_nodes)
{
    struct talker *t[3];
    char first[8192];

    for (size_t i = 0; i < 3; i++) {
        t[i] = talker_in_a(i, (const char *[]){"a", "b", "c"}[i]);
    }
    forget_heard();
    fx.nodes[1]->packs = true;
    for (int round = 0; round < 100; round++) {
        char text[16];

        (void)snprintf(text, sizeof text, "%d", round);
        for (size_t i = 0; i < 3; i++) {
            while (hub_user_is_busy(t[i]->user)) {
                ck_assert(memory_backplane_step(&fx.world));
            }
            say(t[i], "#a", text);
        }
    }
    settle();
    (void)snprintf(first, sizeof first, "%s", take_heard(t[0]));
    expect(t[1], first);
    expect(t[2], first);
}
END_TEST

START_TEST(test_say_pending_lines_are_bounded)
{
    struct talker *t = talker_in_a(0, "alice");
    const struct room *a = room_of(t, "#a");

    t->idles = 0;
    fx.nodes[0]->holds = true;
    say(t, "#a", "1");
    say(t, "#a", "2");
    ck_assert(!hub_user_is_busy(t->user));
    say(t, "#a", "3");
    ck_assert(hub_user_is_busy(t->user));
    ck_assert_int_eq(hub_say(t->user, a, ITEM_MESSAGE, SV("4")), HUB_TOO_MANY);
    settle();
    ck_assert_uint_eq(t->idles, 0);
    fx.nodes[0]->holds = false;
    settle();
    ck_assert_uint_eq(t->idles, 2); /* not busy any more, then settled */
    ck_assert(hub_user_is_settled(t->user));
    expect(t, "say #a alice 1;say #a alice 2;say #a alice 3;");
}
END_TEST

START_TEST(test_say_refused_lines_are_told)
{
    struct talker *t = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    t->idles = 0;
    fx.nodes[0]->gives_up = true;
    say(t, "#a", "1");
    say(t, "#a", "2");
    say(t, "#a", "3");
    settle();
    expect(t, "unavailable ;unavailable ;unavailable ;");
    expect(bob, "");
    ck_assert_uint_eq(t->idles, 2);
    ck_assert(hub_user_is_settled(t->user));
}
END_TEST

START_TEST(test_say_what_is_wrong_is_told)
{
    struct talker *t = talker_in_a(0, "alice");
    const struct talker *bob = talker_named(0, "bob");
    const struct room *a = room_of(t, "#a");
    static char text[HUB_TEXT_BYTES_MAX + 1];

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(hub_say(bob->user, a, ITEM_MESSAGE, SV("hi")), HUB_NOT_MEMBER);
    ck_assert_int_eq(hub_say(t->user, a, ITEM_MESSAGE, SV("")), HUB_EMPTY);
    ck_assert_int_eq(hub_say(t->user, a, ITEM_JOIN, SV("hi")), HUB_BAD_NAME);
    ck_assert_int_eq(hub_say(t->user, a, ITEM_MESSAGE, sv(text, sizeof text)),
                     HUB_TOO_LONG);
    must(hub_say(t->user, a, ITEM_MESSAGE, sv(text, sizeof text - 1)));
    settle();
    ck_assert_uint_gt(strlen(take_heard(t)), HUB_TEXT_BYTES_MAX);
    fx.nodes[0]->is_full = true;
    ck_assert_int_eq(hub_say(t->user, a, ITEM_MESSAGE, SV("hi")), HUB_UNAVAILABLE);
}
END_TEST

START_TEST(test_say_line_ends_become_blanks)
{
    struct talker *t = talker_in_a(0, "alice");

    must(hub_say(t->user, room_of(t, "#a"), ITEM_ACTION, SV("a\r\nb")));
    settle();
    expect(t, "say #a alice a  b;");
}
END_TEST

START_TEST(test_deliver_user_may_close_itself_in_the_middle)
{
    struct talker *t[4];

    for (size_t i = 0; i < 4; i++) {
        t[i] = talker_in_a(0, (const char *[]){"a", "b", "c", "d"}[i]);
    }
    t[1]->closes_itself = true;
    t[3]->closes_itself = true;
    say(t[0], "#a", "hi");
    settle();
    expect(t[0], "say #a a hi;quit b enough;quit d enough;");
    expect(t[1], "say #a a hi;");
    expect(t[2], "say #a a hi;quit b enough;quit d enough;");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
}
END_TEST

/* ---- recent messages ---- */

START_TEST(test_recent_are_kept_for_those_who_come)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = NULL;
    char text[16];

    for (int i = 0; i < 25; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        say(alice, "#a", text);
        settle();
    }
    forget_heard();
    room_show_recent(room_of(alice, "#a"), alice->user);
    ck_assert_str_eq(take_heard(alice),
                     "recent #a alice 5;recent #a alice 6;recent #a alice 7;"
                     "recent #a alice 8;recent #a alice 9;recent #a alice 10;"
                     "recent #a alice 11;recent #a alice 12;recent #a alice 13;"
                     "recent #a alice 14;recent #a alice 15;recent #a alice 16;"
                     "recent #a alice 17;recent #a alice 18;recent #a alice 19;"
                     "recent #a alice 20;recent #a alice 21;recent #a alice 22;"
                     "recent #a alice 23;recent #a alice 24;");
    room_show_recent(room_of(alice, "#a"), alice->user);
    char first[4096];
    (void)snprintf(first, sizeof first, "%s", take_heard(alice));

    bob = talker_in_a(1, "bob"); /* another node: from the snapshot */
    room_show_recent(room_of(bob, "#a"), bob->user);
    expect(bob, first);
}
END_TEST

/* ---- leave and quit ---- */

START_TEST(test_leave_is_heard_by_all_and_the_leaver)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    keep_no_copies(0);
    leave(alice, "#a");
    ck_assert_int_eq(hub_say(alice->user, room_of(alice, "#a"), ITEM_MESSAGE, SV("x")),
                     HUB_TOO_MANY);
    settle();
    expect(alice, "leave #a alice bye;");
    expect(bob, "leave #a alice bye;");
    ck_assert_str_eq(names_in(1, "#a"), "bob");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    ck_assert_int_eq(hub_leave(alice->user, SV("#a"), SV("")), HUB_NOT_MEMBER);
    settle_ms(300);
    ck_assert_ptr_null(
        hub_room_find(fx.hubs[0], SV("#a"))); /* nobody is there any more */
}
END_TEST

START_TEST(test_leave_refused_stays_in)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    fx.nodes[0]->gives_up = true;
    leave(alice, "#a");
    while (memory_backplane_step(&fx.world)) {}
    fx.nodes[0]->gives_up = false;
    settle();
    expect(alice, "unavailable #a;");
    expect(bob, "");
    say(alice, "#a", "still here");
    settle();
    expect(bob, "say #a alice still here;");
}
END_TEST

START_TEST(test_quit_is_told_once_per_reader)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_named(0, "carol");

    join(alice, "#b");
    join(bob, "#b");
    join(carol, "#b");
    settle();
    forget_heard();
    close_talker(alice, "gone");
    settle();
    expect(bob, "quit alice gone;");
    expect(carol, "quit alice gone;");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    ck_assert_str_eq(names_in(1, "#a"), "bob");
    ck_assert_str_eq(names_in(1, "#b"), "bob carol");
}
END_TEST

START_TEST(test_quit_that_is_refused_is_tried_again)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    fx.nodes[0]->is_full = true;
    close_talker(alice, "gone");
    settle();
    expect(bob, "");
    fx.nodes[0]->is_full = false;
    settle_ms(50);
    expect(bob, "quit alice gone;");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
}
END_TEST

START_TEST(test_idle_user_may_ask_again_at_once)
{
    struct talker *alice = talker_in_a(0, "alice");

    alice->rejoins = true;
    leave(alice, "#a");
    settle();
    expect(alice, "leave #a alice bye;join #a alice;welcome #a;");
}
END_TEST

/* ---- topic ---- */

START_TEST(test_topic_is_told_and_kept)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = NULL;

    must(hub_topic(alice->user, room_of(alice, "#a"), SV("cats")));
    settle();
    expect(alice, "topic #a alice cats;");
    expect(bob, "topic #a alice cats;");
    carol = talker_in_a(2, "carol");
    const struct room *a = room_of(carol, "#a");
    ck_assert(sv_equal(room_topic(a), SV("cats")));
    ck_assert(sv_equal(room_topic_by(a), SV("alice!user@192.0.2.7")));
    ck_assert_uint_gt(room_topic_ms(a), 1000000);

    must(hub_topic(bob->user, room_of(bob, "#a"), SV("")));
    settle();
    expect(bob, "topic #a bob ;");
    ck_assert_uint_eq(room_topic(a).len, 0);
    ck_assert_str_eq(memory_state(&fx.world, "#a", "topic"), "");
    ck_assert_str_eq(memory_state(&fx.world, "#a", "topic_by"), "");
}
END_TEST

START_TEST(test_topic_refused_or_wrong_is_told)
{
    struct talker *alice = talker_in_a(0, "alice");
    const struct talker *bob = talker_named(0, "bob");
    static char text[TOPIC_BYTES_MAX + 1];

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(hub_topic(alice->user, room_of(alice, "#a"), sv(text, sizeof text)),
                     HUB_TOO_LONG);
    ck_assert_int_eq(hub_topic(bob->user, room_of(alice, "#a"), SV("x")), HUB_NOT_MEMBER);
    fx.nodes[0]->gives_up = true;
    must(hub_topic(alice->user, room_of(alice, "#a"), SV("x")));
    settle();
    expect(alice, "unavailable #a;");
    ck_assert(!hub_user_is_busy(alice->user));
}
END_TEST

START_TEST(test_room_copy_ends_after_the_last_local_member)
{
    struct talker *alice = talker_in_a(0, "alice");

    (void)talker_in_a(1, "bob");
    keep_no_copies(0);
    close_talker(alice, "");
    settle_ms(300);
    ck_assert_ptr_null(hub_room_find(fx.hubs[0], SV("#a")));
    ck_assert_ptr_nonnull(hub_room_find(fx.hubs[1], SV("#a")));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_join_first_is_echoed_then_welcomed);
    tcase_add_test(tc, test_join_spelling_is_that_of_the_first);
    tcase_add_test(tc, test_join_many_at_once_all_come_in);
    tcase_add_test(tc, test_join_what_is_wrong_is_told);
    tcase_add_test(tc, test_join_refused_is_told_and_forgotten);
    tcase_add_test(tc, test_join_when_full_is_unavailable);
    tcase_add_test(tc, test_join_two_while_opening_one_closes);
    tcase_add_test(tc, test_say_is_heard_by_all_and_echoed);
    tcase_add_test(tc, test_say_one_order_on_all_nodes);
    tcase_add_test(tc, test_say_pending_lines_are_bounded);
    tcase_add_test(tc, test_say_refused_lines_are_told);
    tcase_add_test(tc, test_say_what_is_wrong_is_told);
    tcase_add_test(tc, test_say_line_ends_become_blanks);
    tcase_add_test(tc, test_deliver_user_may_close_itself_in_the_middle);
    tcase_add_test(tc, test_recent_are_kept_for_those_who_come);
    tcase_add_test(tc, test_leave_is_heard_by_all_and_the_leaver);
    tcase_add_test(tc, test_leave_refused_stays_in);
    tcase_add_test(tc, test_quit_is_told_once_per_reader);
    tcase_add_test(tc, test_quit_that_is_refused_is_tried_again);
    tcase_add_test(tc, test_idle_user_may_ask_again_at_once);
    tcase_add_test(tc, test_topic_is_told_and_kept);
    tcase_add_test(tc, test_topic_refused_or_wrong_is_told);
    tcase_add_test(tc, test_room_copy_ends_after_the_last_local_member);
}

Suite *suite(void)
{
    Suite *s = suite_create("room");
    TCase *tc = tcase_create("rooms");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
