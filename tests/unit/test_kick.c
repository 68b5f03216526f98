/* SPDX-License-Identifier: MIT */
/* Members who are thrown out, whatever they are doing. */
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

static enum hub_result kick(struct talker *t, const char *nick)
{
    return hub_kick(t->user, room_of(t, "#a"), sv_of(nick), SV("enough"));
}

/* All copies and the books say so. */
static void check_members(const char *names, size_t count)
{
    ck_assert_str_eq(names_in(0, "#a"), names);
    ck_assert_str_eq(names_in(1, "#a"), names);
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), count);
}

/* ... and one that began later too. */
static void check_alike(void)
{
    char names[128];

    (void)snprintf(names, sizeof names, "%s", names_in(0, "#a"));
    ck_assert_str_eq(names_in(2, "#a"), names);
}

START_TEST(test_kick_is_heard_by_all_and_the_victim)
{
    must(kick(alice, "BOB"));
    settle();
    expect(alice, "kick #a alice bob enough;");
    expect(bob, "kick #a alice bob enough;");
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert(!hub_user_is_in(bob->user, hub_room_find(fx.hubs[1], SV("#a"))));
    ck_assert_str_eq(names_in(0, "#a"), "alice");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    join(bob, "#a");
    settle();
    expect(bob, "join #a bob;welcome #a;");
}
END_TEST

START_TEST(test_kick_what_is_wrong_is_told)
{
    const struct talker *carol = talker_named(0, "carol");

    ck_assert_int_eq(kick(bob, "alice"), HUB_NOT_OPERATOR);
    ck_assert_int_eq(kick(alice, "carol"), HUB_NO_SUCH_MEMBER);
    ck_assert_int_eq(hub_kick(carol->user, room_of(alice, "#a"), SV("bob"), SV("")),
                     HUB_NOT_MEMBER);
    must(kick(alice, "bob"));
    ck_assert_int_eq(kick(alice, "bob"), HUB_TOO_MANY);
    fx.nodes[0]->gives_up = true;
    settle();
    expect(alice, "unavailable #a;");
    fx.nodes[0]->gives_up = false;
    fx.nodes[0]->is_full = true;
    ck_assert_int_eq(kick(alice, "bob"), HUB_UNAVAILABLE);
    fx.nodes[0]->is_full = false;
    check_members("alice bob", 2);
}
END_TEST

START_TEST(test_kick_oneself)
{
    must(kick(alice, "alice"));
    settle();
    expect(alice, "kick #a alice alice enough;");
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert_ptr_null(hub_user_room(alice->user, 0));
    ck_assert_str_eq(names_in(1, "#a"), "bob");
}
END_TEST

START_TEST(test_kick_each_other_at_once_throws_both_out)
{
    mode(alice, "#a", "+o bob");
    settle();
    forget_heard();
    must(kick(alice, "bob"));
    must(kick(bob, "alice"));
    settle();
    /* Who is thrown out first had an operator's kick on its way. */
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 0);
    ck_assert(!hub_user_is_busy(alice->user) && !hub_user_is_busy(bob->user));
    struct talker *carol = talker_in_a(2, "carol");
    ck_assert_str_eq(names_in(2, "#a"), "carol");
    (void)carol;
}
END_TEST

START_TEST(test_kick_and_leave_at_once)
{
    fx.nodes[0]->holds = true;
    must(kick(alice, "bob"));
    leave(bob, "#a");
    settle();
    fx.nodes[0]->holds = false;
    settle();
    ck_assert(!hub_user_is_busy(alice->user) && !hub_user_is_busy(bob->user));
    expect(alice, "leave #a bob bye;");
    join(bob, "#a");
    fx.nodes[1]->holds = true;
    settle();
    fx.nodes[1]->holds = false;
    settle();
    check_members("alice bob", 2);
}
END_TEST

/* ---- what the victim is doing ---- */

static void do_say(void)
{
    say(bob, "#a", "1");
    say(bob, "#a", "2");
    say(bob, "#a", "3");
}

static void do_nick(void)
{
    nick(bob, "bobby");
}

static void do_away(void)
{
    must(hub_away(bob->user, SV("lunch")));
}

static void do_leave(void)
{
    leave(bob, "#a");
}

static void do_topic(void)
{
    must(hub_topic(bob->user, room_of(bob, "#a"), SV("cats")));
}

static void do_history(void)
{
    must(hub_history(bob->user, room_of(bob, "#a"), 10));
}

static void do_join(void)
{
    join(bob, "#b");
}

static void do_close(void)
{
    close_talker(bob, "gone");
}

static void (*const doings[])(void) = {do_say,   do_nick,    do_away, do_leave,
                                       do_topic, do_history, do_join, do_close};

START_TEST(test_kick_at_any_moment_of_a_request)
{
    for (unsigned steps = 0; steps < 12; steps++) {
        for (int kick_first = 0; kick_first < 2; kick_first++) {
            setup();
            if (kick_first != 0) {
                must(kick(alice, "bob"));
            }
            doings[_i]();
            for (unsigned i = 0; i < steps; i++) {
                (void)memory_backplane_step(&fx.world);
            }
            if (kick_first == 0 && !hub_user_is_busy(alice->user)) {
                (void)kick(alice, "bob");
            }
            settle();
            ck_assert(!hub_user_is_busy(alice->user));
            ck_assert(bob->user == NULL || hub_user_is_settled(bob->user));
            /* Nobody who begins now sees bob there. */
            (void)talker_in_a(2, "carol");
            check_alike();
            ck_assert_uint_eq(memory_member_count(&fx.world, "#a"),
                              room_member_count(room_of(alice, "#a")));
            fixture_end();
        }
    }
}
END_TEST

START_TEST(test_kick_before_a_nick_leaves_no_ghost)
{
    fx.nodes[1]->holds = true;
    must(kick(alice, "bob"));
    nick(bob, "bobby");
    settle();
    fx.nodes[1]->holds = false;
    settle();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    ck_assert(!hub_user_is_busy(bob->user));
    ck_assert_str_eq(memory_name_owner(&fx.world, "bobby"), "n1/1");
    (void)talker_in_a(2, "carol");
    ck_assert_str_eq(names_in(2, "#a"), "alice carol");
}
END_TEST

/* ---- faults ---- */

START_TEST(test_kick_stored_in_a_hole_is_done)
{
    memory_node_hold_log(fx.nodes[0], "#a", true);
    must(kick(alice, "bob"));
    settle();
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert_str_eq(names_in(0, "#a"), "alice");
}
END_TEST

START_TEST(test_kick_of_somebody_with_another_node_id)
{
    fx.nodes[1]->holds = true;
    memory_node_declare_lost(fx.nodes[1], "n1x");
    must(kick(alice, "bob"));
    settle_ms(50);
    fx.nodes[1]->holds = false;
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    (void)talker_in_a(2, "carol");
    check_alike();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"),
                      room_member_count(room_of(alice, "#a")));
}
END_TEST

START_TEST(test_kick_of_members_of_a_dead_node)
{
    fx.nodes[0]->holds = true;
    must(kick(alice, "bob"));
    kill_node(1);
    settle();
    fx.nodes[0]->holds = false;
    settle();
    expect(alice, "quit bob its node is gone;");
    ck_assert(!hub_user_is_busy(alice->user));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kick");
    TCase *tc = tcase_create("kick");
    TCase *moments = tcase_create("moments");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_test(tc, test_kick_is_heard_by_all_and_the_victim);
    tcase_add_test(tc, test_kick_what_is_wrong_is_told);
    tcase_add_test(tc, test_kick_oneself);
    tcase_add_test(tc, test_kick_each_other_at_once_throws_both_out);
    tcase_add_test(tc, test_kick_and_leave_at_once);
    tcase_add_test(tc, test_kick_before_a_nick_leaves_no_ghost);
    tcase_add_test(tc, test_kick_stored_in_a_hole_is_done);
    tcase_add_test(tc, test_kick_of_somebody_with_another_node_id);
    tcase_add_test(tc, test_kick_of_members_of_a_dead_node);
    tcase_add_loop_test(moments, test_kick_at_any_moment_of_a_request, 0,
                        (int)PARLEY_COUNT_OF(doings));
    suite_add_tcase(s, tc);
    suite_add_tcase(s, moments);
    return s;
}
