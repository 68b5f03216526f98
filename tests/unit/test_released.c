/* SPDX-License-Identifier: MIT */
/* Names whose release a fail-over forgot, which nobody tells. */
#include <check.h>
#include <stdio.h>

#include "hub/hub_internal.h"
#include "hub/released.h"
#include "support/hub_fixture.h"

static void fail_over(void)
{
    fx.nodes[0]->events->on_available(fx.nodes[0]->hub, false);
    fx.nodes[0]->events->on_takeover(fx.nodes[0]->hub);
    fx.nodes[0]->events->on_available(fx.nodes[0]->hub, true);
    settle();
}

/* As if the newest release, and what else is told, had been so much earlier. */
static void pass_ms(uint64_t ms)
{
    struct hub *hub = fx.hubs[0];

    LIST_ENTRY(hub->released.prev, struct released, link)->ms -= ms;
    hub->away_ms -= hub->away_ms != 0 ? ms : 0;
}

START_TEST(test_a_forgotten_release_is_made_again)
{
    struct talker *alice = talker_in_a(0, "alice");

    nick(alice, "Alicia");
    settle();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    memory_world_steal_name(&fx.world, "alice", "n0/1");
    fail_over();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alicia"), "n0/1");
}
END_TEST

START_TEST(test_of_one_who_is_gone_too_and_as_often_as_it_is_forgotten)
{
    struct talker *alice = talker_in_a(0, "alice");

    close_talker(alice, "gone");
    settle();
    for (int i = 0; i < 2; i++) {
        memory_world_steal_name(&fx.world, "alice", "n0/1");
        fail_over();
        ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    }
}
END_TEST

START_TEST(test_a_name_that_another_has_now_is_left_alone)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    nick(alice, "alicia");
    settle();
    nick(bob, "alice");
    settle();
    fail_over();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n1/1");
}
END_TEST

START_TEST(test_a_name_that_its_owner_took_again_is_kept)
{
    struct talker *alice = talker_in_a(0, "alice");

    nick(alice, "alicia");
    settle();
    nick(alice, "alice");
    settle();
    fail_over();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
    ck_assert_str_eq(memory_name_owner(&fx.world, "alicia"), "");
    ck_assert_str_eq(names_in(0, "#a"), "alice");
}
END_TEST

START_TEST(test_while_it_is_away_nothing_ages)
{
    struct hub *hub = fx.hubs[0];

    released_add(hub, SV("alice"), SV("n0/1"));
    fx.nodes[0]->events->on_available(hub, false);
    pass_ms(2 * HUB_IN_DOUBT_MS);
    memory_world_steal_name(&fx.world, "alice", "n0/1");
    fx.nodes[0]->events->on_takeover(hub);
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
}
END_TEST

START_TEST(test_of_old_they_are_not_in_doubt)
{
    struct hub *hub = fx.hubs[0];

    released_add(hub, SV("alice"), SV("n0/1"));
    pass_ms(2 * HUB_IN_DOUBT_MS);
    memory_world_steal_name(&fx.world, "alice", "n0/1");
    fail_over();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
    ck_assert(list_is_empty(&hub->released));
}
END_TEST

START_TEST(test_a_cut_link_makes_nobody_doubt)
{
    struct hub *hub = fx.hubs[0];

    released_add(hub, SV("alice"), SV("n0/1"));
    memory_world_steal_name(&fx.world, "alice", "n0/1");
    fx.nodes[0]->events->on_available(hub, false);
    fx.nodes[0]->events->on_available(hub, true);
    settle();
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "n0/1");
}
END_TEST

START_TEST(test_the_list_is_bounded)
{
    struct hub *hub = fx.hubs[0];

    for (unsigned i = 0; i <= RELEASED_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "n%u", i);
        released_add(hub, sv_of(name), SV("n0/1"));
        released_add(hub, sv_of(name), SV("n0/1"));
    }
    ck_assert_uint_eq(map_count(&hub->released_texts), RELEASED_MAX);
    memory_world_steal_name(&fx.world, "n0", "n0/1");
    memory_world_steal_name(&fx.world, "n1", "n0/1");
    fail_over();
    ck_assert_str_eq(memory_name_owner(&fx.world, "n0"), "n0/1");
    ck_assert_str_eq(memory_name_owner(&fx.world, "n1"), "");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("released");
    TCase *tc = tcase_create("released");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    tcase_add_test(tc, test_a_forgotten_release_is_made_again);
    tcase_add_test(tc, test_of_one_who_is_gone_too_and_as_often_as_it_is_forgotten);
    tcase_add_test(tc, test_a_name_that_another_has_now_is_left_alone);
    tcase_add_test(tc, test_a_name_that_its_owner_took_again_is_kept);
    tcase_add_test(tc, test_while_it_is_away_nothing_ages);
    tcase_add_test(tc, test_of_old_they_are_not_in_doubt);
    tcase_add_test(tc, test_a_cut_link_makes_nobody_doubt);
    tcase_add_test(tc, test_the_list_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}
