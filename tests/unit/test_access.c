/* SPDX-License-Identifier: MIT */
/* What the modes of a room refuse: coming in, speaking, changing the topic. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hub/hub_internal.h"
#include "support/hub_fixture.h"

static struct talker *alice; /* the operator of #a, on n0 */
static struct talker *bob;   /* a member, on n1 */

static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
}

/* By alice, and forgotten when all have seen it. */
static void set(const char *text)
{
    mode(alice, "#a", text);
    settle();
    forget_heard();
}

static enum hub_result speak(struct talker *t, const char *text)
{
    return hub_say(t->user, room_of(t, "#a"), ITEM_MESSAGE, sv_of(text));
}

/* ---- coming in ---- */

START_TEST(test_join_banned_is_refused_on_every_node)
{
    struct talker *near = talker_named(0, "evil1");
    struct talker *far = talker_named(2, "Evil2"); /* no copy there yet */

    set("+b evil*");
    join(near, "#a");
    ck_assert(!hub_user_is_busy(near->user));
    join(far, "#a");
    ck_assert(hub_user_is_busy(far->user));
    settle();
    expect(near, "refused #a banned;");
    expect(far, "refused #a banned;");
    ck_assert(!hub_user_is_busy(far->user));
    expect(alice, "");
    set("+e *2!*@*");
    join(near, "#a");
    join(far, "#a");
    settle();
    expect(near, "refused #a banned;");
    expect(far, "join #a Evil2;welcome #a;");
    nick(near, "good");
    settle();
    join(near, "#a");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(near), "welcome #a;"));
}
END_TEST

START_TEST(test_join_needs_the_key)
{
    struct talker *carol = talker_named(2, "carol");

    set("+k sesame");
    join(carol, "#a");
    settle();
    expect(carol, "refused #a key;");
    must(hub_join_with_key(carol->user, SV("#a"), SV("Sesame")));
    settle();
    expect(carol, "refused #a key;");
    must(hub_join_with_key(carol->user, SV("#A"), SV("sesame")));
    settle();
    expect(carol, "join #a carol;welcome #a;");
}
END_TEST

START_TEST(test_join_past_the_limit_is_refused)
{
    struct talker *carol = talker_named(2, "carol");

    set("+l 2");
    join(carol, "#a");
    settle();
    expect(carol, "refused #a full;");
    leave(bob, "#a");
    settle();
    join(carol, "#a");
    settle();
    expect(carol, "join #a carol;welcome #a;");
}
END_TEST

START_TEST(test_join_two_at_once_may_share_the_last_place)
{
    struct talker *carol = talker_named(0, "carol");
    struct talker *dave = talker_named(1, "dave");
    struct talker *erin = talker_named(1, "erin");

    set("+l 3");
    join(carol, "#a");
    join(dave, "#a");
    settle();
    /* Each node saw a place: both are in, on all nodes. */
    ck_assert_str_eq(names_in(0, "#a"), "alice bob carol dave");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob carol dave");
    join(erin, "#a");
    settle();
    expect(erin, "refused #a full;");
}
END_TEST

START_TEST(test_join_invite_only)
{
    struct talker *carol = talker_named(2, "carol");

    set("+i");
    join(carol, "#a");
    settle();
    expect(carol, "refused #a uninvited;");
    set("+I carol");
    join(carol, "#a");
    settle();
    expect(carol, "join #a carol;welcome #a;");
}
END_TEST

START_TEST(test_join_into_an_empty_room_is_always_allowed)
{
    struct talker *carol = talker_named(2, "carol");

    set("+k sesame");
    set("+b carol");
    leave(alice, "#a");
    leave(bob, "#a");
    settle();
    join(carol, "#a");
    settle();
    expect(carol, "join #a carol;welcome #a;");
    ck_assert_str_eq(modes_in(2, "#a"), "+n +o carol");
}
END_TEST

START_TEST(test_join_several_wait_and_are_judged_alone)
{
    struct talker *carol = talker_named(2, "carol");
    struct talker *evil = talker_named(2, "evil");
    struct talker *dave = talker_named(2, "dave");

    set("+b evil");
    join(carol, "#a");
    join(evil, "#a");
    evil->rejoins = true;
    join(dave, "#a");
    settle();
    expect(evil, "refused #a banned;refused #a banned;");
    ck_assert_str_eq(names_in(2, "#a"), "alice bob carol dave");
}
END_TEST

/* ---- speaking ---- */

START_TEST(test_say_moderated)
{
    set("+m");
    ck_assert_int_eq(speak(bob, "hi"), HUB_MODERATED);
    must(speak(alice, "quiet"));
    set("+v bob");
    must(speak(bob, "hi"));
    settle();
    expect(alice, "say #a bob hi;");
}
END_TEST

START_TEST(test_say_banned)
{
    set("+b bob");
    ck_assert_int_eq(speak(bob, "hi"), HUB_BANNED);
    ck_assert_int_eq(speak(bob, "hi"), HUB_BANNED);
    set("+e *!*@192.0.2.*");
    must(speak(bob, "excepted"));
    set("-e *!*@192.0.2.*");
    ck_assert_int_eq(speak(bob, "hi"), HUB_BANNED);
    set("+v bob");
    must(speak(bob, "voiced"));
    set("-v bob");
    ck_assert_int_eq(speak(bob, "hi"), HUB_BANNED);
    /* The ban is on a name that bob gives up. */
    nick(bob, "robert");
    settle();
    must(speak(bob, "renamed"));
    settle();
    nick(bob, "bob");
    settle();
    ck_assert_int_eq(speak(bob, "hi"), HUB_BANNED);
    set("-b bob");
    must(speak(bob, "free"));
}
END_TEST

START_TEST(test_say_no_ctcp)
{
    set("+C");
    ck_assert_int_eq(speak(alice, "\001VERSION\001"), HUB_NO_CTCP);
    ck_assert_int_eq(
        hub_say(bob->user, room_of(bob, "#a"), ITEM_NOTICE, SV("\001PING 1\001")),
        HUB_NO_CTCP);
    must(hub_say(bob->user, room_of(bob, "#a"), ITEM_ACTION, SV("waves")));
    must(speak(bob, "hi"));
}
END_TEST

START_TEST(test_topic_locked)
{
    must(hub_topic(bob->user, room_of(bob, "#a"), SV("anybody's")));
    settle();
    set("+t");
    ck_assert_int_eq(hub_topic(bob->user, room_of(bob, "#a"), SV("mine")),
                     HUB_NOT_OPERATOR);
    must(hub_topic(alice->user, room_of(alice, "#a"), SV("ours")));
    settle();
    expect(bob, "topic #a alice ours;");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_join_banned_is_refused_on_every_node);
    tcase_add_test(tc, test_join_needs_the_key);
    tcase_add_test(tc, test_join_past_the_limit_is_refused);
    tcase_add_test(tc, test_join_two_at_once_may_share_the_last_place);
    tcase_add_test(tc, test_join_invite_only);
    tcase_add_test(tc, test_join_into_an_empty_room_is_always_allowed);
    tcase_add_test(tc, test_join_several_wait_and_are_judged_alone);
    tcase_add_test(tc, test_say_moderated);
    tcase_add_test(tc, test_say_banned);
    tcase_add_test(tc, test_say_no_ctcp);
    tcase_add_test(tc, test_topic_locked);
}

Suite *suite(void)
{
    Suite *s = suite_create("access");
    TCase *tc = tcase_create("access");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
