/* SPDX-License-Identifier: MIT */
/* What people say about themselves is known wherever they are. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/hub_fixture.h"

static struct talker *alice; /* in #a and #b, on n0 */
static struct talker *bob;   /* the same, on n1 */

static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
    join(alice, "#b");
    settle();
    join(bob, "#b");
    settle();
    forget_heard();
}

/* alice as the copy of #a on that node knows her. */
static const struct person *alice_on(size_t node)
{
    const struct room *r = hub_room_find(fx.hubs[node], SV("#a"));
    struct room_member m;
    size_t cursor = 0;

    while (room_next_member(r, &cursor, &m)) {
        if (sv_equal(person_nick(m.person), SV("alice"))) {
            return m.person;
        }
    }
    ck_abort_msg("alice is not there");
}

START_TEST(test_setname_is_told_once_and_kept)
{
    must(hub_setname(alice->user, SV("Alice A.")));
    ck_assert(hub_user_is_busy(alice->user));
    settle();
    expect(alice, "setname alice Alice A.;");
    expect(bob, "setname alice Alice A.;");
    must(hub_setname(alice->user, SV("Alice A.")));
    expect(alice, "setname alice Alice A.;");
    (void)talker_in_a(2, "carol");
    ck_assert(sv_equal(person_realname(alice_on(2)), SV("Alice A.")));
}
END_TEST

START_TEST(test_modes_are_told_to_oneself_and_known_to_all)
{
    must(hub_set_modes(alice->user, SV("iB")));
    settle();
    expect(alice, "umodes iB;");
    expect(bob, "");
    (void)talker_in_a(2, "carol");
    for (size_t node = 0; node < FIXTURE_NODES; node++) {
        ck_assert(sv_equal(person_modes(alice_on(node)), SV("iB")));
    }
    must(hub_set_modes(alice->user, SV("iB")));
    expect(alice, "umodes iB;");
    must(hub_set_modes(alice->user, SV("")));
    settle();
    expect(alice, "umodes ;");
    ck_assert_uint_eq(person_modes(alice_on(1)).len, 0);
    memory_world_lose(&fx.world);
    settle();
    ck_assert_uint_eq(person_modes(alice_on(2)).len, 0);
}
END_TEST

START_TEST(test_modes_before_the_name_come_with_it)
{
    struct talker *dave = talker_new(2);

    must(hub_set_modes(dave->user, SV("iw")));
    nick(dave, "dave");
    settle();
    join(dave, "#a");
    settle();
    ck_assert(sv_equal(person_modes(hub_user_person(dave->user)), SV("iw")));
    ck_assert_ptr_nonnull(strstr(take_heard(dave), "registered dave;join #a dave;"));
}
END_TEST

START_TEST(test_describe_what_is_wrong_is_told)
{
    static char text[REALNAME_BYTES_MAX + 1];
    struct talker *dave = talker_new(2);

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(hub_setname(alice->user, sv(text, sizeof text)), HUB_TOO_LONG);
    ck_assert_int_eq(hub_set_modes(alice->user, SV("a b")), HUB_BAD_PARAMETER);
    ck_assert_int_eq(hub_set_modes(alice->user, SV("abcdefghijklmnopq")),
                     HUB_BAD_PARAMETER);
    ck_assert_int_eq(hub_setname(dave->user, SV("x")), HUB_NOT_MEMBER);
    must(hub_setname(alice->user, SV("x")));
    ck_assert_int_eq(hub_set_modes(alice->user, SV("i")), HUB_TOO_MANY);
    settle();
    expect(bob, "setname alice x;");
    fx.nodes[0]->gives_up = true;
    must(hub_set_modes(alice->user, SV("i")));
    for (int i = 0; i < 8; i++) {
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->gives_up = false;
    settle();
    /* It holds nevertheless, and the rooms are told by and by. */
    ck_assert(sv_equal(person_modes(alice_on(1)), SV("i")));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("describe");
    TCase *tc = tcase_create("describe");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_test(tc, test_setname_is_told_once_and_kept);
    tcase_add_test(tc, test_modes_are_told_to_oneself_and_known_to_all);
    tcase_add_test(tc, test_modes_before_the_name_come_with_it);
    tcase_add_test(tc, test_describe_what_is_wrong_is_told);
    suite_add_tcase(s, tc);
    return s;
}
