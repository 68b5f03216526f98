/* SPDX-License-Identifier: MIT */
/* Names, direct messages and questions. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hub/hub_internal.h"
#include "support/hub_fixture.h"

/* ---- names ---- */

START_TEST(test_nick_first_is_registered)
{
    struct talker *t = talker_new(0);

    nick(t, "Alice");
    ck_assert(hub_user_is_busy(t->user));
    ck_assert(!hub_user_is_registered(t->user));
    settle();
    expect(t, "registered Alice;");
    ck_assert(hub_user_is_registered(t->user));
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
    ck_assert_uint_eq(t->idles, 1);
}
END_TEST

START_TEST(test_nick_taken_is_told_whatever_the_case)
{
    struct talker *bob = NULL;

    (void)talker_named(0, "alice");
    bob = talker_new(1);
    nick(bob, "ALICE");
    settle();
    expect(bob, "taken ALICE;");
    ck_assert(!hub_user_is_busy(bob->user));
    nick(bob, "bob");
    settle();
    expect(bob, "registered bob;");
}
END_TEST

START_TEST(test_nick_two_nodes_at_once_one_wins)
{
    struct talker *a = talker_new(0);
    struct talker *b = talker_new(1);
    size_t registered = 0;

    nick(a, "x");
    nick(b, "x");
    settle();
    registered = (size_t)hub_user_is_registered(a->user) +
                 (size_t)hub_user_is_registered(b->user);
    ck_assert_uint_eq(registered, 1);
}
END_TEST

START_TEST(test_nick_backplane_silent_is_unavailable)
{
    struct talker *t = talker_new(0);

    fx.nodes[0]->is_mute = true;
    nick(t, "alice");
    settle();
    expect(t, "unavailable alice;");
    ck_assert(!hub_user_is_busy(t->user));
}
END_TEST

START_TEST(test_nick_what_is_wrong_is_told)
{
    struct talker *t = talker_named(0, "alice");

    ck_assert_int_eq(hub_nick(t->user, SV("1st")), HUB_BAD_NAME);
    ck_assert_int_eq(hub_nick(t->user, SV("alice")), HUB_ALREADY);
    nick(t, "bob");
    ck_assert_int_eq(hub_nick(t->user, SV("carol")), HUB_TOO_MANY);
}
END_TEST

START_TEST(test_nick_change_in_no_room_is_at_once)
{
    struct talker *t = talker_named(0, "alice");

    nick(t, "bob");
    settle();
    expect(t, "nick alice bob;");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    ck_assert_str_eq(memory_name_owner(&fx.world, "bob"), "n0/1");
}
END_TEST

START_TEST(test_nick_change_is_told_once_per_reader)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_named(1, "carol");

    join(alice, "#b");
    settle();
    join(bob, "#b");
    settle();
    join(carol, "#b");
    settle();
    forget_heard();
    nick(alice, "alicia");
    settle();
    expect(alice, "nick alice alicia;");
    expect(bob, "nick alice alicia;");
    expect(carol, "nick alice alicia;");
    ck_assert_str_eq(names_in(1, "#a"), "alicia bob");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    ck_assert(!hub_user_is_busy(alice->user));

    /* The books say so too. */
    (void)talker_in_a(2, "dave");
    ck_assert_str_eq(names_in(2, "#a"), "alicia bob dave");
}
END_TEST

START_TEST(test_nick_change_of_case_only_keeps_the_claim)
{
    struct talker *alice = talker_in_a(0, "alice");

    nick(alice, "Alice");
    settle();
    expect(alice, "nick alice Alice;");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
}
END_TEST

START_TEST(test_nick_change_overtaken_by_a_join_is_told_once)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    join(bob, "#b");
    settle();
    forget_heard();
    /* #a stays away from bob's node; alice comes to #b with the new name before. */
    memory_node_hold_log(fx.nodes[1], "#a", true);
    nick(alice, "alicia");
    settle();
    join(alice, "#b");
    settle();
    expect(bob, "nick alice alicia;join #b alicia;");
    memory_node_hold_log(fx.nodes[1], "#a", false);
    settle();
    expect(bob, "");
    ck_assert_str_eq(names_in(1, "#a"), "alicia bob");
}
END_TEST

START_TEST(test_nick_change_refused_in_the_rooms_holds_nevertheless)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    nick(alice, "alicia");
    fx.nodes[0]->gives_up = true;
    for (int i = 0; i < 8; i++) {
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->gives_up = false;
    settle();
    expect(alice, "nick alice alicia;");
    expect(bob, "nick alice alicia;");
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
}
END_TEST

START_TEST(test_describe_is_what_others_see)
{
    struct talker *t = talker_new(0);

    hub_user_describe(t->user, SV("ali"), SV("Alice A."), SV("acc"));
    nick(t, "alice");
    settle();
    const struct person *p = hub_user_person(t->user);
    ck_assert(sv_equal(person_user(p), SV("ali")));
    ck_assert(sv_equal(person_host(p), SV("192.0.2.7")));
    ck_assert(sv_equal(person_realname(p), SV("Alice A.")));
    ck_assert(sv_equal(person_account(p), SV("acc")));
}
END_TEST

/* ---- away ---- */

START_TEST(test_away_is_told_once_and_in_the_record)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    join(alice, "#b");
    settle();
    join(bob, "#b");
    settle();
    forget_heard();
    must(hub_away(alice->user, SV("lunch")));
    settle();
    expect(alice, "away alice lunch;");
    expect(bob, "away alice lunch;");
    must(hub_whois(bob->user, SV("alice")));
    settle();
    expect(bob, "whois alice alice;");
    must(hub_away(alice->user, SV("")));
    settle();
    expect(bob, "away alice ;");
    ck_assert(!hub_user_is_busy(alice->user));
}
END_TEST

START_TEST(test_away_in_no_room_is_at_once)
{
    struct talker *alice = talker_named(0, "alice");

    must(hub_away(alice->user, SV("lunch")));
    expect(alice, "away alice lunch;");
    must(hub_away(alice->user, SV("lunch")));
    expect(alice, "away alice lunch;");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
}
END_TEST

/* ---- direct ---- */

START_TEST(test_direct_reaches_another_node)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(1, "Bob");

    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "sent Bob psst;");
    expect(bob, "direct alice Bob psst;");
    ck_assert(!hub_user_is_busy(alice->user));
}
END_TEST

START_TEST(test_direct_to_the_own_node_and_to_oneself)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(0, "bob");

    must(hub_direct(alice->user, SV("bob"), ITEM_NOTICE, SV("psst")));
    settle();
    expect(alice, "sent bob psst;");
    expect(bob, "direct alice bob psst;");
    must(hub_direct(alice->user, SV("alice"), ITEM_MESSAGE, SV("me")));
    settle();
    char heard[128];
    (void)snprintf(heard, sizeof heard, "%s", take_heard(alice));
    ck_assert(strstr(heard, "sent alice me;") != NULL);
    ck_assert(strstr(heard, "direct alice alice me;") != NULL);
}
END_TEST

START_TEST(test_direct_to_nobody_is_told)
{
    struct talker *alice = talker_named(0, "alice");

    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "nobody bob;");
    ck_assert_int_eq(hub_direct(alice->user, SV("b b"), ITEM_MESSAGE, SV("x")),
                     HUB_BAD_NAME);
    ck_assert_int_eq(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("")), HUB_EMPTY);
    ck_assert_int_eq(hub_direct(alice->user, SV("bob"), ITEM_JOIN, SV("x")),
                     HUB_BAD_NAME);
}
END_TEST

START_TEST(test_direct_to_one_just_gone_bounces)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    memory_node_hold_log(fx.nodes[1], "@n1", true);
    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "sent bob psst;");
    close_talker(bob, "");
    memory_node_hold_log(fx.nodes[1], "@n1", false);
    settle();
    expect(alice, "nobody bob;");
}
END_TEST

START_TEST(test_direct_refused_is_told)
{
    struct talker *alice = talker_named(0, "alice");

    (void)talker_named(1, "bob");
    fx.nodes[0]->gives_up = true;
    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "unavailable psst;");
    fx.nodes[0]->is_full = true;
    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "unavailable psst;");
    fx.nodes[0]->is_mute = true;
    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "unavailable psst;");
}
END_TEST

/* ---- questions ---- */

static struct hub_event_person seen;
static char seen_away[64];

static void look_at_whois(void *sink, struct hub_event *ev)
{
    (void)sink;
    if (ev->type == EV_WHOIS) {
        ck_assert(person_record_decode(ev->record, &seen));
        (void)snprintf(seen_away, sizeof seen_away, "%.*s", SV_ARG(seen.away));
        ck_assert(sv_equal(seen.nick, SV("bob")));
        ck_assert(sv_equal(seen.host, SV("192.0.2.7")));
    }
}

static void look_idle(void *sink)
{
    (void)sink;
}

START_TEST(test_whois_gives_the_record_of_anybody)
{
    static const struct hub_sink_ops ops = {.deliver = look_at_whois,
                                            .on_idle = look_idle};
    struct hub_user *u = hub_user_new(fx.hubs[0], &ops, NULL, SV("192.0.2.8"));
    struct talker *bob = talker_named(1, "bob");

    must(hub_away(bob->user, SV("lunch")));
    must(hub_nick(u, SV("asker")));
    settle();
    must(hub_whois(u, SV("BOB")));
    settle();
    ck_assert_str_eq(seen_away, "lunch");
    hub_user_close(u, SV(""));
    settle();
}
END_TEST

START_TEST(test_whois_nobody)
{
    struct talker *alice = talker_named(0, "alice");

    must(hub_whois(alice->user, SV("bob")));
    settle();
    expect(alice, "nobody bob;");
    fx.nodes[0]->is_mute = true;
    must(hub_whois(alice->user, SV("bob")));
    settle();
    expect(alice, "unavailable bob;");
}
END_TEST

START_TEST(test_rooms_lists_all_nodes)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    join(bob, "#B");
    settle();
    must(hub_topic(bob->user, room_of(bob, "#b"), SV("bees")));
    settle();
    forget_heard();
    must(hub_rooms(alice->user));
    ck_assert(hub_user_is_busy(alice->user));
    settle();
    expect(alice, "listed #a  1;listed #B bees 1;all 2;");
    ck_assert(!hub_user_is_busy(alice->user));
    fx.nodes[0]->is_mute = true;
    must(hub_rooms(alice->user));
    settle();
    expect(alice, "unavailable ;");
}
END_TEST

/* ---- history ---- */

START_TEST(test_history_pages_back_over_other_things)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    fx.nodes[0]->packs = true;
    say(alice, "#a", "1");
    say(alice, "#a", "2");
    say(alice, "#a", "3");
    settle();
    for (int i = 0; i < 50; i++) {
        join(bob, "#a");
        settle();
        leave(bob, "#a");
        settle();
    }
    forget_heard();
    must(hub_history(alice->user, room_of(alice, "#a"), 2));
    settle();
    expect(alice, "recent #a alice 2;recent #a alice 3;end #a 2;");
    must(hub_history(alice->user, room_of(alice, "#a"), 100));
    settle();
    expect(alice, "recent #a alice 1;recent #a alice 2;recent #a alice 3;end #a 3;");
    must(hub_history(alice->user, room_of(alice, "#a"), 0));
    settle();
    expect(alice, "end #a 0;");
}
END_TEST

START_TEST(test_history_is_for_members)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(0, "bob");

    ck_assert_int_eq(hub_history(bob->user, room_of(alice, "#a"), 2), HUB_NOT_MEMBER);
    fx.nodes[0]->is_mute = true;
    must(hub_history(alice->user, room_of(alice, "#a"), 2));
    settle();
    expect(alice, "unavailable #a;");
}
END_TEST

/* ---- looking ---- */

START_TEST(test_user_rooms_come_in_order_of_joining)
{
    struct talker *alice = talker_in_a(0, "alice");

    join(alice, "#b");
    settle();
    ck_assert_ptr_eq(hub_user_room(alice->user, 0), room_of(alice, "#a"));
    ck_assert_ptr_eq(hub_user_room(alice->user, 1), room_of(alice, "#b"));
    ck_assert_ptr_null(hub_user_room(alice->user, 2));
    ck_assert(hub_user_is_in(alice->user, room_of(alice, "#b")));
    leave(alice, "#a");
    settle();
    ck_assert_ptr_eq(hub_user_room(alice->user, 0), room_of(alice, "#b"));
}
END_TEST

START_TEST(test_request_without_effect_is_given_up)
{
    struct talker *t = talker_in_a(0, "alice");
    struct talker *bob = talker_named(0, "bob");

    fx.hubs[0]->policy.request_ms = 100;
    fx.nodes[0]->holds = true;
    leave(t, "#a");
    join(bob, "#a");
    settle_ms(300);
    expect(t, "unavailable #a;");
    expect(bob, "unavailable #a;");
    ck_assert(!hub_user_is_busy(t->user));
    /* If it comes after all, a join counts; a leave is taken back, as was told. */
    fx.nodes[0]->holds = false;
    settle();
    expect(bob, "join #a bob;welcome #a;join #a alice;");
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_nick_first_is_registered);
    tcase_add_test(tc, test_nick_taken_is_told_whatever_the_case);
    tcase_add_test(tc, test_nick_two_nodes_at_once_one_wins);
    tcase_add_test(tc, test_nick_backplane_silent_is_unavailable);
    tcase_add_test(tc, test_nick_what_is_wrong_is_told);
    tcase_add_test(tc, test_nick_change_in_no_room_is_at_once);
    tcase_add_test(tc, test_nick_change_is_told_once_per_reader);
    tcase_add_test(tc, test_nick_change_of_case_only_keeps_the_claim);
    tcase_add_test(tc, test_nick_change_overtaken_by_a_join_is_told_once);
    tcase_add_test(tc, test_nick_change_refused_in_the_rooms_holds_nevertheless);
    tcase_add_test(tc, test_describe_is_what_others_see);
    tcase_add_test(tc, test_away_is_told_once_and_in_the_record);
    tcase_add_test(tc, test_away_in_no_room_is_at_once);
    tcase_add_test(tc, test_direct_reaches_another_node);
    tcase_add_test(tc, test_direct_to_the_own_node_and_to_oneself);
    tcase_add_test(tc, test_direct_to_nobody_is_told);
    tcase_add_test(tc, test_direct_to_one_just_gone_bounces);
    tcase_add_test(tc, test_direct_refused_is_told);
    tcase_add_test(tc, test_whois_gives_the_record_of_anybody);
    tcase_add_test(tc, test_whois_nobody);
    tcase_add_test(tc, test_rooms_lists_all_nodes);
    tcase_add_test(tc, test_history_pages_back_over_other_things);
    tcase_add_test(tc, test_history_is_for_members);
    tcase_add_test(tc, test_request_without_effect_is_given_up);
    tcase_add_test(tc, test_user_rooms_come_in_order_of_joining);
}

Suite *suite(void)
{
    Suite *s = suite_create("hub");
    TCase *tc = tcase_create("names and questions");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
