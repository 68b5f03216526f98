/* SPDX-License-Identifier: MIT */
/* What breaks: holes, lost data, nodes that die and nodes that were thought dead. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/core/item.h>

#include "hub/hub_internal.h"
#include "hub/person_internal.h"
#include "hub/user_internal.h"
#include "support/hub_fixture.h"

/* ---- holes ---- */

START_TEST(test_hole_is_reconciled_with_the_books)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_in_a(1, "carol");
    struct talker *dave = talker_named(1, "dave");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    leave(bob, "#a");
    join(dave, "#a");
    must(hub_topic(carol->user, room_of(carol, "#a"), SV("new")));
    settle();
    nick(carol, "carla");
    settle();
    say(carol, "#a", "unseen");
    settle();
    forget_heard();
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    expect(alice,
           "hole #a;topic #a carol new;nick carol carla;join #a dave;leave #a bob ;"
           "say #a carla unseen;");
    ck_assert_str_eq(names_in(0, "#a"), "alice carla dave");
    say(dave, "#a", "seen");
    settle();
    expect(alice, "say #a dave seen;");
}
END_TEST

START_TEST(test_hole_ends_requests_that_were_stored)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(0, "bob");
    struct talker *carol = talker_in_a(0, "carol");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    leave(alice, "#a");
    join(bob, "#a");
    must(hub_topic(carol->user, room_of(carol, "#a"), SV("new")));
    settle();
    ck_assert(hub_user_is_busy(alice->user) && hub_user_is_busy(bob->user));
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert(!hub_user_is_busy(bob->user));
    ck_assert(!hub_user_is_busy(carol->user));
    expect(carol, "hole #a;topic #a carol new;join #a bob;leave #a alice ;");
    expect(bob, "join #a bob;welcome #a;leave #a alice ;");
    ck_assert_str_eq(names_in(0, "#a"), "bob carol");
}
END_TEST

START_TEST(test_hole_does_not_leave_anybody_busy_with_lines)
{
    struct talker *alice = talker_in_a(0, "alice");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    say(alice, "#a", "1");
    say(alice, "#a", "2");
    say(alice, "#a", "3");
    settle();
    ck_assert(hub_user_is_busy(alice->user));
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    expect(alice, "hole #a;say #a alice 1;say #a alice 2;say #a alice 3;");
}
END_TEST

START_TEST(test_hole_with_a_nick_on_its_way_ends_it)
{
    struct talker *alice = talker_in_a(0, "alice");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    nick(alice, "alicia");
    settle();
    ck_assert(hub_user_is_busy(alice->user));
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert_str_eq(names_in(0, "#a"), "alicia");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
}
END_TEST

START_TEST(test_hole_in_the_inbox_loses_no_direct_message)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("1")));
    settle();
    memory_node_hold_log(fx.nodes[1], "@n1", true);
    must(hub_direct(alice->user, SV("bob"), ITEM_MESSAGE, SV("2")));
    settle();
    memory_node_tear_hole(fx.nodes[1], "@n1");
    settle();
    expect(bob, "direct alice bob 1;direct alice bob 2;");
}
END_TEST

/* ---- lost data ---- */

START_TEST(test_lost_everything_is_registered_again)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    must(hub_topic(alice->user, room_of(alice, "#a"), SV("cats")));
    settle();
    forget_heard();
    memory_world_lose(&fx.world);
    settle();
    expect(alice, "");
    expect(bob, "");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
    ck_assert_str_eq(memory_state(&fx.world, "#a", "name"), "#a");
    ck_assert_str_eq(memory_state(&fx.world, "#a", "topic"), "cats");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
    ck_assert_str_eq(memory_name_owner(&fx.world, "bob"), "n1/1");
    say(alice, "#a", "hi");
    settle();
    expect(bob, "say #a alice hi;");
    settle_ms(500);
    expect(alice, "say #a alice hi;");
    expect(bob, "");
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
}
END_TEST

START_TEST(test_lost_whoever_is_not_confirmed_is_gone)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_in_a(2, "carol");

    join(alice, "#b");
    settle();
    join(carol, "#b");
    settle();
    forget_heard();
    kill_node(2);
    memory_world_lose(&fx.world);
    settle();
    settle_ms(600);
    expect(alice, "quit carol its node is gone;");
    expect(bob, "quit carol its node is gone;");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
}
END_TEST

START_TEST(test_lost_many_are_registered_in_slices)
{
    enum { MANY = HUB_SLICE + 50 };
    struct talker *first = talker_in_a(1, "first");

    for (int i = 0; i < MANY; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "user%d", i);
        (void)talker_in_a(0, name);
    }
    memory_world_lose(&fx.world);
    memory_backplane_run(&fx.world);
    fx.nodes[0]->holds = true;
    settle();
    fx.nodes[0]->holds = false;
    settle();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), MANY + 1);
    ck_assert_str_eq(memory_name_owner(&fx.world, "user249"), "n0/250");
    forget_heard();
    settle_ms(500);
    expect(first, "");
}
END_TEST

/* To a replica that lagged: nobody is told what it lacks. */
static void fail_over(struct memory_node *n)
{
    n->events->on_available(n->hub, false);
    n->events->on_takeover(n->hub);
    n->events->on_available(n->hub, true);
    settle();
}

START_TEST(test_name_forgotten_in_silence_is_claimed_again)
{
    struct talker *alice = talker_in_a(0, "alice");

    memory_world_steal_name(&fx.world, "alice", "n9/1");
    fail_over(fx.nodes[0]);
    ck_assert(strncmp(take_heard(alice), "nick alice guest-", 17) == 0);
}
END_TEST

START_TEST(test_name_of_old_is_not_in_doubt)
{
    struct talker *alice = talker_in_a(0, "alice");

    alice->user->claimed_ms -= 60000;
    memory_world_steal_name(&fx.world, "alice", "n9/1");
    fail_over(fx.nodes[0]);
    expect(alice, "");
}
END_TEST

START_TEST(test_name_is_not_in_doubt_when_a_link_was_cut)
{
    struct talker *alice = talker_in_a(0, "alice");

    memory_world_steal_name(&fx.world, "alice", "n9/1");
    fx.nodes[0]->events->on_available(fx.nodes[0]->hub, false);
    fx.nodes[0]->events->on_available(fx.nodes[0]->hub, true);
    settle();
    expect(alice, "");
}
END_TEST

START_TEST(test_lost_name_taken_by_another_means_a_guest_name)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    const char *heard = NULL;

    memory_world_lose(&fx.world);
    memory_world_steal_name(&fx.world, "alice", "n9/1");
    settle();
    heard = take_heard(alice);
    ck_assert(strncmp(heard, "nick alice guest-", 17) == 0);
    heard = take_heard(bob);
    ck_assert(strncmp(heard, "nick alice guest-", 17) == 0);
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n9/1");
    ck_assert(!hub_user_is_busy(alice->user));
    nick(alice, "alice2");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(bob), " alice2;"));
}
END_TEST

START_TEST(test_lost_with_requests_on_their_way)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(0, "bob");
    struct talker *carol = talker_in_a(1, "carol");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    leave(alice, "#a");
    join(bob, "#a");
    settle(); /* stored, not seen by n0 */
    memory_world_lose(&fx.world);
    memory_node_hold_log(fx.nodes[0], "#a", false);
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert(!hub_user_is_busy(bob->user));
    ck_assert_str_eq(names_in(0, "#a"), "bob carol");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
    say(bob, "#a", "hi");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(carol), "say #a bob hi;"));
}
END_TEST

START_TEST(test_lost_with_a_quit_on_its_way)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    memory_node_hold_log(fx.nodes[1], "#a", true);
    close_talker(alice, "gone");
    settle();
    memory_world_lose(&fx.world);
    memory_node_hold_log(fx.nodes[0], "#a", false);
    memory_node_hold_log(fx.nodes[1], "#a", false);
    settle();
    settle_ms(500);
    expect(bob, "quit alice gone;");
    ck_assert_str_eq(names_in(1, "#a"), "bob");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
}
END_TEST

START_TEST(test_lost_then_read_anew_keeps_those_who_come_back)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    must(hub_topic(alice->user, room_of(alice, "#a"), SV("cats")));
    settle();
    forget_heard();
    fx.nodes[1]->holds = true; /* bob's node is slow to register again */
    memory_world_lose(&fx.world);
    memory_node_tear_hole(fx.nodes[0], "#a");
    for (int i = 0; i < 20; i++) {
        (void)memory_backplane_step(&fx.world);
    }
    expect(alice, "hole #a;");
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
    ck_assert(sv_equal(room_topic(room_of(alice, "#a")), SV("cats")));
    settle_ms(100);
    fx.nodes[1]->holds = false;
    settle_ms(500);
    expect(alice, "");
    expect(bob, "");
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
    ck_assert_str_eq(memory_state(&fx.world, "#a", "topic"), "cats");
}
END_TEST

/* ---- dead nodes, and those thought dead ---- */

START_TEST(test_node_gone_its_people_quit_once)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct talker *carol = talker_in_a(1, "carol");

    join(alice, "#b");
    settle();
    join(bob, "#b");
    settle();
    forget_heard();
    (void)carol;
    kill_node(1);
    settle();
    const char *heard = take_heard(alice);
    ck_assert(
        strcmp(heard, "quit bob its node is gone;quit carol its node is gone;") == 0 ||
        strcmp(heard, "quit carol its node is gone;quit bob its node is gone;") == 0);
    ck_assert_str_eq(names_in(0, "#a"), "alice");
    ck_assert_str_eq(names_in(0, "#b"), "alice");
    bob = talker_named(0, "bob");
    ck_assert(hub_user_is_registered(bob->user));
}
END_TEST

START_TEST(test_new_node_id_everybody_comes_back)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    join(alice, "#b");
    settle();
    join(bob, "#b");
    settle();
    forget_heard();
    memory_node_declare_lost(fx.nodes[0], "n0x");
    settle();
    /* Its own people notice nothing. */
    expect(alice, "");
    ck_assert_ptr_nonnull(strstr(take_heard(bob), "join #a alice;"));
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
    ck_assert_str_eq(names_in(1, "#b"), "alice bob");
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
    ck_assert(memory_has_member(&fx.world, "#a", "n0x/1"));
    ck_assert(!memory_has_member(&fx.world, "#a", "n0/1"));
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0x/1");

    say(alice, "#a", "hi");
    settle();
    expect(bob, "say #a alice hi;");
    must(hub_direct(bob->user, SV("alice"), ITEM_MESSAGE, SV("psst")));
    settle();
    expect(alice, "say #a alice hi;direct bob alice psst;");
    leave(alice, "#a");
    settle();
    close_talker(alice, "gone");
    settle();
    expect(bob, "sent alice psst;leave #a alice bye;quit alice gone;");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    ck_assert_uint_eq(memory_member_count(&fx.world, "#b"), 1);
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
}
END_TEST

START_TEST(test_new_node_id_with_everything_on_its_way)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(0, "bob");
    struct talker *carol = talker_named(0, "carol");
    struct talker *dave = talker_in_a(0, "dave");
    struct talker *erin = talker_in_a(0, "erin");
    struct talker *fred = talker_new(0);
    struct talker *zoe = talker_in_a(1, "zoe");

    say(alice, "#a", "hi");
    leave(bob, "#a");
    join(carol, "#a");
    nick(dave, "dora");
    close_talker(erin, "gone");
    nick(fred, "fred");
    memory_node_declare_lost(fx.nodes[0], "n0x");
    settle();
    ck_assert_str_eq(names_in(1, "#a"), "alice carol dora zoe");
    ck_assert_str_eq(names_in(0, "#a"), "alice carol dora zoe");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 4);
    ck_assert(memory_has_member(&fx.world, "#a", "n0x/1"));
    ck_assert(memory_has_member(&fx.world, "#a", "n0x/3"));
    ck_assert_str_eq(memory_name_owner(&fx.world, "fred"), "n0x/6");
    ck_assert_str_eq(memory_name_owner(&fx.world, "dora"), "n0x/4");
    ck_assert_str_eq(memory_name_owner(&fx.world, "dave"), "");
    ck_assert_str_eq(memory_name_owner(&fx.world, "erin"), "");
    ck_assert_ptr_nonnull(strstr(take_heard(zoe), "say #a alice hi;"));
    ck_assert(!hub_user_is_busy(alice->user) && !hub_user_is_busy(bob->user));
    ck_assert(!hub_user_is_busy(carol->user) && !hub_user_is_busy(dave->user));
}
END_TEST

/* alice's node is thought dead; carol, elsewhere, takes the name. The node learns of it later. */
static struct talker *name_is_taken_meanwhile(void)
{
    struct talker *carol = talker_in_a(1, "carol");

    fx.nodes[0]->holds_answers = true;
    memory_world_reap(&fx.world, "n0");
    memory_node_declare_lost(fx.nodes[0], "n0x");
    nick(carol, "alice");
    settle();
    forget_heard();
    return carol;
}

START_TEST(test_new_node_id_a_name_that_was_taken_is_given_up_first)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    (void)name_is_taken_meanwhile();
    fx.nodes[0]->holds_answers = false;
    settle();
    /* Nobody heard of a second alice. */
    ck_assert(strncmp(take_heard(bob), "join #a guest-", 14) == 0);
    ck_assert(strncmp(take_heard(alice), "nick alice guest-", 17) == 0);
    ck_assert_ptr_nonnull(strstr(names_in(1, "#a"), "alice bob guest-"));
    ck_assert_str_eq(names_in(0, "#a"), names_in(1, "#a"));
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 3);
    ck_assert(memory_has_member(&fx.world, "#a", "n0x/1"));
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n1/2");
}
END_TEST

START_TEST(test_new_node_id_nobody_comes_in_before_the_name_is_held)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *erin = talker_named(0, "erin");

    (void)name_is_taken_meanwhile();
    fx.nodes[0]->holds_answers = false;
    for (int i = 0; i < 20; i++) { /* its new id, before its claims are answered */
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->holds_answers = true;
    ck_assert_uint_eq(fx.hubs[0]->generation, 2);
    join(alice, "#b");
    join(erin, "#b");
    settle();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#b"), 0);
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    fx.nodes[0]->holds_answers = false;
    settle();
    /* alice, who is a guest now, may ask again. */
    ck_assert_ptr_nonnull(strstr(take_heard(alice), "unavailable #b;"));
    expect(erin, "join #b erin;welcome #b;");
    ck_assert_str_eq(names_in(0, "#b"), "erin");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
}
END_TEST

START_TEST(test_new_node_id_a_change_does_not_come_before_the_name)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    memory_node_declare_lost(fx.nodes[0], "n0x");
    while (fx.hubs[0]->generation == 1) {
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->holds_answers = true;
    must(hub_away(alice->user, SV("asleep")));
    settle();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);
    fx.nodes[0]->holds_answers = false;
    settle();
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
    expect(alice, "away alice asleep;");
    expect(bob, "quit alice its node is gone;join #a alice;");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0x/1");
}
END_TEST

START_TEST(test_new_node_id_restore_before_the_reaper_is_silent)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct str_view fields[10] = {
        SV("n0y/1"), SV("alice"), SV("user"), SV("h"), SV(""),
        SV(""),      SV(""),      SV(""),     SV("0"), SV("n0/1"),
    };
    struct strbuf item;

    (void)alice;
    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, ITEM_RESTORE, fields, 10);
    memory_world_inject(&fx.world, "#a", "n0y", strbuf_view(&item));
    memory_node_hold_log(fx.nodes[0], "#a", true);
    settle();
    expect(bob, "");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
    memory_log_reap(&fx.world, memory_log_get(&fx.world, SV("#a")), SV("n0"));
    settle();
    expect(bob, "");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
    strbuf_done(&item);
}
END_TEST

START_TEST(test_ghosts_of_this_node_are_sent_away)
{
    struct talker *alice = NULL;
    struct str_view fields[2] = {SV("n0/77"), SV("ghost")};
    struct strbuf item;
    struct memory_log *log = memory_log_get(&fx.world, SV("#a"));
    struct book_update set = {BOOK_MEMBER_SET, SV("n0/99"), SV("")};
    struct record rec = {{SV("shade"), SV(""), SV(""), SV(""), SV(""), SV("")}, 0};

    strbuf_init(&item, ITEM_BYTES_MAX);
    record_encode(&item, &rec);
    set.value = strbuf_view(&item);
    memory_log_update(log, &set); /* in the books from the beginning */
    alice = talker_in_a(0, "alice");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 1);

    strbuf_clear(&item);
    item_encode(&item, ITEM_JOIN, fields, 2);
    memory_world_inject(&fx.world, "#a", "n0", strbuf_view(&item));
    settle();
    expect(alice, "");
    ck_assert_str_eq(names_in(0, "#a"), "alice");
    strbuf_done(&item);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_hole_is_reconciled_with_the_books);
    tcase_add_test(tc, test_hole_ends_requests_that_were_stored);
    tcase_add_test(tc, test_hole_does_not_leave_anybody_busy_with_lines);
    tcase_add_test(tc, test_hole_with_a_nick_on_its_way_ends_it);
    tcase_add_test(tc, test_hole_in_the_inbox_loses_no_direct_message);
    tcase_add_test(tc, test_lost_everything_is_registered_again);
    tcase_add_test(tc, test_lost_whoever_is_not_confirmed_is_gone);
    tcase_add_test(tc, test_lost_many_are_registered_in_slices);
    tcase_add_test(tc, test_name_forgotten_in_silence_is_claimed_again);
    tcase_add_test(tc, test_name_of_old_is_not_in_doubt);
    tcase_add_test(tc, test_name_is_not_in_doubt_when_a_link_was_cut);
    tcase_add_test(tc, test_lost_name_taken_by_another_means_a_guest_name);
    tcase_add_test(tc, test_lost_with_requests_on_their_way);
    tcase_add_test(tc, test_lost_with_a_quit_on_its_way);
    tcase_add_test(tc, test_lost_then_read_anew_keeps_those_who_come_back);
    tcase_add_test(tc, test_node_gone_its_people_quit_once);
    tcase_add_test(tc, test_new_node_id_everybody_comes_back);
    tcase_add_test(tc, test_new_node_id_with_everything_on_its_way);
    tcase_add_test(tc, test_new_node_id_a_name_that_was_taken_is_given_up_first);
    tcase_add_test(tc, test_new_node_id_nobody_comes_in_before_the_name_is_held);
    tcase_add_test(tc, test_new_node_id_a_change_does_not_come_before_the_name);
    tcase_add_test(tc, test_new_node_id_restore_before_the_reaper_is_silent);
    tcase_add_test(tc, test_ghosts_of_this_node_are_sent_away);
}

Suite *suite(void)
{
    Suite *s = suite_create("repair");
    TCase *tc = tcase_create("faults");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
