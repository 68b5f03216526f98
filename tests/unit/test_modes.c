/* SPDX-License-Identifier: MIT */
/* Modes of rooms and members: who sets them, that all nodes agree, what they survive. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/util/clock.h>

#include "hub/modes.h"
#include "support/hub_fixture.h"

static struct hub_mode_change change_of(const char *text)
{
    struct str_view parameter = sv_of(text);
    struct str_view letter = sv_next_until(&parameter, ' ');

    return (struct hub_mode_change){
        .is_added = letter.ptr[0] == '+',
        .letter = letter.ptr[1],
        .parameter = parameter,
    };
}

/* ---- the first operator ---- */

START_TEST(test_first_to_join_is_operator)
{
    fx.shows_own_modes = true;
    struct talker *alice = talker_named(0, "alice");

    join(alice, "#a");
    settle();
    expect(alice, "join #a alice;welcome #a;mode #a  +o alice +n;");
    struct talker *bob = talker_named(1, "bob");
    join(bob, "#a");
    settle();
    expect(bob, "join #a bob;welcome #a;");
    ck_assert_str_eq(modes_in(1, "#a"), "+n +o alice");
    ck_assert_uint_eq(
        room_member_flags(room_of(alice, "#a"), hub_user_person(alice->user)),
        MEMBER_OPERATOR);
    check_modes("+n +o alice");
}
END_TEST

/* Whatever is asked for behind a join is asked for by an operator. */
START_TEST(test_founder_is_settled_as_an_operator)
{
    struct talker *alice = talker_named(0, "alice");

    for (int i = 0; i < 3; i++) {
        join(alice, "#a");
        while (!hub_user_is_settled(alice->user)) {
            ck_assert(memory_backplane_step(&fx.world));
        }
        ck_assert_uint_eq(
            room_member_flags(room_of(alice, "#a"), hub_user_person(alice->user)),
            MEMBER_OPERATOR);
        leave(alice, "#a");
        settle();
    }
}
END_TEST

START_TEST(test_room_tells_since_when_it_is)
{
    uint64_t before = clock_wall_ms();
    struct talker *alice = talker_in_a(0, "alice");
    uint64_t since = room_since_ms(room_of(alice, "#a"));

    ck_assert_uint_ge(since, before);
    ck_assert_uint_le(since, clock_wall_ms());
    struct talker *bob = talker_in_a(1, "bob");
    leave(alice, "#a");
    settle();
    ck_assert_uint_eq(room_since_ms(room_of(bob, "#a")), since);
    leave(bob, "#a");
    while (clock_wall_ms() == since) {
        settle();
    }
    join(alice, "#a");
    settle();
    ck_assert_uint_gt(room_since_ms(room_of(alice, "#a")), since);
}
END_TEST

START_TEST(test_two_founders_make_one_operator)
{
    for (int round = 0; round < 20; round++) {
        char names[3][8];
        struct talker *t[3];

        for (int i = 0; i < 3; i++) {
            (void)snprintf(names[i], sizeof names[i], "f%d-%d", round, i);
            t[i] = talker_named((size_t)i, names[i]);
        }
        for (int i = 0; i < 3; i++) {
            join(t[i], "#a");
        }
        settle();
        const char *o = strstr(modes_in(0, "#a"), "+o ");
        ck_assert_ptr_nonnull(o);
        ck_assert_ptr_null(strstr(o + 1, "+o "));
        char expected[64];
        (void)snprintf(expected, sizeof expected, "%s", modes_in(0, "#a"));
        ck_assert_str_eq(modes_in(1, "#a"), expected);
        ck_assert_str_eq(modes_in(2, "#a"), expected);
        for (int i = 0; i < 3; i++) {
            close_talker(t[i], "");
        }
        settle();
    }
}
END_TEST

START_TEST(test_founding_that_is_refused_is_tried_again)
{
    struct talker *alice = talker_named(0, "alice");

    join(alice, "#a");
    memory_node_hold_log(fx.nodes[0], "#a", false);
    while (hub_user_is_busy(alice->user)) {
        ck_assert(memory_backplane_step(&fx.world));
    }
    fx.nodes[0]->gives_up = true;
    for (int i = 0; i < 3; i++) {
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->gives_up = false;
    settle();
    check_modes("+n +o alice");
}
END_TEST

START_TEST(test_room_begins_anew_when_it_was_empty)
{
    struct talker *alice = talker_in_a(0, "alice");

    for (int i = 0; i < 30; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "+b bad%d", i);
        mode(alice, "#a", text);
        settle();
    }
    mode(alice, "#a", "+k secret");
    settle();
    mode(alice, "#a", "+l 1");
    settle();
    mode(alice, "#a", "+i");
    settle();
    mode(alice, "#a", "+s");
    settle();
    ck_assert_str_eq(memory_state(&fx.world, "#a", "name"), "-#a");
    leave(alice, "#a");
    settle();
    (void)talker_in_a(1, "bob");
    check_modes("+n +o bob");
    ck_assert_str_eq(memory_state(&fx.world, "#a", "name"), "#a");
    ck_assert_str_eq(memory_state(&fx.world, "#a", "+k"), "");
}
END_TEST

START_TEST(test_operator_who_comes_again_is_none)
{
    struct talker *alice = talker_in_a(0, "alice");

    (void)talker_in_a(1, "bob");
    leave(alice, "#a");
    settle();
    join(alice, "#a");
    settle();
    check_modes("+n");
}
END_TEST

/* ---- changes ---- */

START_TEST(test_mode_is_told_to_all)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    struct hub_mode_change changes[] = {
        change_of("+m"),        change_of("+v BOB"), change_of("+b evil"),
        change_of("+b *@host"), change_of("+k key"), change_of("+l 10"),
        change_of("+x"),        change_of("+o zoe"), change_of("-i"),
        change_of("+l 010"),    change_of("+k a,b"), change_of("+e a b"),
        change_of("-k *"),      change_of("+I a!b"), change_of("+t"),
        change_of("-b no!o@e"),
    };
    static const enum hub_result results[] = {
        HUB_OK,
        HUB_OK,
        HUB_OK,
        HUB_OK,
        HUB_OK,
        HUB_OK,
        HUB_NO_SUCH_MODE,
        HUB_NO_SUCH_MEMBER,
        HUB_ALREADY,
        HUB_BAD_PARAMETER,
        HUB_BAD_PARAMETER,
        HUB_BAD_PARAMETER,
        HUB_ALREADY,
        HUB_OK,
        HUB_OK,
        HUB_ALREADY,
    };

    must(hub_mode(alice->user, room_of(alice, "#a"), changes, PARLEY_COUNT_OF(changes)));
    ck_assert(hub_user_is_busy(alice->user));
    for (size_t i = 0; i < PARLEY_COUNT_OF(changes); i++) {
        ck_assert_msg(changes[i].result == results[i], "change %zu: %d", i,
                      (int)changes[i].result);
    }
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    static const char told[] = "mode #a alice +m +v bob +b evil!*@* +b *!*@host +k key "
                               "+l 10 +I a!b@* +t;";
    expect(alice, told);
    expect(bob, told);
    check_modes("+b evil!*@* +b *!*@host +I a!b@* +k key +l 10 +m +n +t +o alice "
                "+v bob");
}
END_TEST

START_TEST(test_mode_what_is_taken_away_is_gone)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");
    static const char *const texts[] = {"+b a", "+b b",   "+b c",     "+k key", "+l 5",
                                        "+m",   "+v bob", "-b B!*@*", "-k x",   "-l",
                                        "-m",   "-v bob", "-n"};

    for (size_t i = 0; i < PARLEY_COUNT_OF(texts); i++) {
        mode(alice, "#a", texts[i]);
        settle();
    }
    check_modes("+b a!*@* +b c!*@* +o alice");
    (void)bob;
}
END_TEST

START_TEST(test_mode_of_masks_tells_who_and_when)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct room_mask mask;
    size_t cursor = 0;

    mode(alice, "#a", "+b evil");
    settle();
    (void)talker_in_a(1, "bob");
    for (size_t node = 0; node < 2; node++) {
        const struct room *r = hub_room_find(fx.hubs[node], SV("#a"));

        cursor = 0;
        ck_assert(room_next_mask(r, ROOM_BANS, &cursor, &mask));
        ck_assert(sv_equal(mask.mask, SV("evil!*@*")));
        ck_assert(sv_equal(mask.by, SV("alice!user@192.0.2.7")));
        ck_assert_uint_gt(mask.ms, 0);
        ck_assert(!room_next_mask(r, ROOM_BANS, &cursor, &mask));
        cursor = 0;
        ck_assert(!room_next_mask(r, ROOM_EXCEPTIONS, &cursor, &mask));
    }
}
END_TEST

START_TEST(test_mode_is_for_operators)
{
    struct talker *alice = talker_in_a(0, "alice");
    const struct talker *bob = talker_in_a(1, "bob");
    const struct talker *carol = talker_named(0, "carol");
    struct hub_mode_change many[HUB_MODE_CHANGES_MAX + 1] = {{0}};

    ck_assert_int_eq(try_mode(bob->user, room_of(bob, "#a"), "+m"), HUB_NOT_OPERATOR);
    ck_assert_int_eq(try_mode(carol->user, room_of(alice, "#a"), "+m"), HUB_NOT_MEMBER);
    ck_assert_int_eq(
        hub_mode(alice->user, room_of(alice, "#a"), many, PARLEY_COUNT_OF(many)),
        HUB_TOO_LONG);
    ck_assert_int_eq(hub_mode(alice->user, room_of(alice, "#a"), many, 0), HUB_EMPTY);
    ck_assert(!hub_user_is_busy(alice->user));
    mode(alice, "#a", "+m");
    ck_assert_int_eq(try_mode(alice->user, room_of(alice, "#a"), "+i"), HUB_TOO_MANY);
}
END_TEST

START_TEST(test_mode_refused_is_told)
{
    struct talker *alice = talker_in_a(0, "alice");

    fx.nodes[0]->gives_up = true;
    mode(alice, "#a", "+m");
    settle();
    expect(alice, "unavailable #a;");
    fx.nodes[0]->is_full = true;
    ck_assert_int_eq(try_mode(alice->user, room_of(alice, "#a"), "+m"), HUB_UNAVAILABLE);
    ck_assert(!hub_user_is_busy(alice->user));
    ck_assert_str_eq(modes_in(0, "#a"), "+n +o alice");
}
END_TEST

START_TEST(test_mode_lists_are_bounded)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct hub_mode_change changes[HUB_MODE_CHANGES_MAX];
    char texts[HUB_MODE_CHANGES_MAX][16];

    for (int n = 0; n < ROOM_MASKS_MAX + HUB_MODE_CHANGES_MAX; n++) {
        int i = n % HUB_MODE_CHANGES_MAX;

        (void)snprintf(texts[i], sizeof texts[i], "+b m%d", n);
        changes[i] = change_of(texts[i]);
        if (i == HUB_MODE_CHANGES_MAX - 1) {
            (void)hub_mode(alice->user, room_of(alice, "#a"), changes,
                           HUB_MODE_CHANGES_MAX);
            settle();
        }
    }
    ck_assert_int_eq(changes[0].result, HUB_LIST_FULL);
    ck_assert_uint_eq(modes_count_masks(room_of(alice, "#a"), ROOM_BANS), ROOM_MASKS_MAX);
    ck_assert_int_eq(try_mode(alice->user, room_of(alice, "#a"), "+b more"),
                     HUB_LIST_FULL);
    mode(alice, "#a", "+e more");
    settle();
    (void)talker_in_a(2, "zoe");
    const struct room *r = hub_room_find(fx.hubs[2], SV("#a"));
    ck_assert_uint_eq(modes_count_masks(r, ROOM_BANS), ROOM_MASKS_MAX);
}
END_TEST

/* ---- races ---- */

START_TEST(test_race_of_operators_ends_alike_everywhere)
{
    static const char *const first[] = {"-o bob", "+v carol", "-o bob", "+k one", "+b x"};
    static const char *const second[] = {"-o alice", "+o carol", "+v bob", "+k two",
                                         "-b x"};

    for (size_t i = 0; i < PARLEY_COUNT_OF(first); i++) {
        for (int order = 0; order < 4; order++) {
            fixture_start();
            struct talker *alice = talker_in_a(0, "alice");
            struct talker *bob = talker_in_a(1, "bob");

            (void)talker_in_a(1, "carol");
            mode(alice, "#a", "+o bob");
            settle();
            if (second[i][0] == '-' && second[i][1] == 'b') {
                mode(alice, "#a", "+b x");
                settle();
            }
            fx.nodes[0]->holds = order % 2 == 0;
            fx.nodes[1]->holds = true;
            (void)try_mode(alice->user, room_of(alice, "#a"), first[i]);
            mode(bob, "#a", second[i]);
            fx.nodes[order / 2]->holds = false;
            settle();
            fx.nodes[0]->holds = false;
            fx.nodes[1]->holds = false;
            settle();
            ck_assert(!hub_user_is_busy(alice->user) && !hub_user_is_busy(bob->user));
            char expected[256];
            (void)snprintf(expected, sizeof expected, "%s", modes_in(0, "#a"));
            check_modes(expected);
            fixture_end();
        }
    }
}
END_TEST

START_TEST(test_race_of_a_nick_and_a_mode_loses_neither)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    fx.nodes[1]->holds = true;
    mode(alice, "#a", "+o bob");
    nick(bob, "robert");
    settle();
    fx.nodes[1]->holds = false;
    settle();
    check_modes("+n +o alice +o robert");
    ck_assert(!hub_user_is_busy(bob->user));
}
END_TEST

START_TEST(test_race_of_a_mode_and_a_leave_leaves_no_trace)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    fx.nodes[0]->holds = true;
    mode(alice, "#a", "+o bob");
    leave(bob, "#a");
    settle();
    fx.nodes[0]->holds = false;
    settle();
    expect(alice, "leave #a bob bye;");
    join(bob, "#a");
    settle();
    check_modes("+n +o alice");
}
END_TEST

/* ---- secret rooms ---- */

START_TEST(test_secret_room_is_listed_for_its_members_only)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_named(1, "bob");

    join(bob, "#b");
    settle();
    mode(alice, "#a", "+s");
    settle();
    forget_heard();
    must(hub_rooms(bob->user));
    must(hub_rooms(alice->user));
    settle();
    expect(bob, "listed #b  1;all 1;");
    expect(alice, "listed #a  1;listed #b  1;all 2;");
    mode(alice, "#a", "-s");
    settle();
    must(hub_rooms(bob->user));
    settle();
    expect(bob, "listed #a  1;listed #b  1;all 2;");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_first_to_join_is_operator);
    tcase_add_test(tc, test_founder_is_settled_as_an_operator);
    tcase_add_test(tc, test_room_tells_since_when_it_is);
    tcase_add_test(tc, test_two_founders_make_one_operator);
    tcase_add_test(tc, test_founding_that_is_refused_is_tried_again);
    tcase_add_test(tc, test_room_begins_anew_when_it_was_empty);
    tcase_add_test(tc, test_operator_who_comes_again_is_none);
    tcase_add_test(tc, test_mode_is_told_to_all);
    tcase_add_test(tc, test_mode_what_is_taken_away_is_gone);
    tcase_add_test(tc, test_mode_of_masks_tells_who_and_when);
    tcase_add_test(tc, test_mode_is_for_operators);
    tcase_add_test(tc, test_mode_refused_is_told);
    tcase_add_test(tc, test_mode_lists_are_bounded);
    tcase_add_test(tc, test_race_of_a_nick_and_a_mode_loses_neither);
    tcase_add_test(tc, test_race_of_a_mode_and_a_leave_leaves_no_trace);
    tcase_add_test(tc, test_secret_room_is_listed_for_its_members_only);
}

Suite *suite(void)
{
    Suite *s = suite_create("modes");
    TCase *tc = tcase_create("changes");
    TCase *races = tcase_create("races");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    add_tests(tc);
    tcase_add_test(races, test_race_of_operators_ends_alike_everywhere);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, races);
    return s;
}
