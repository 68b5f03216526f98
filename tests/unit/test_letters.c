/* SPDX-License-Identifier: MIT */
/* What one person sends another on any node: invitations. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hub/hub_internal.h"
#include "support/hub_fixture.h"

static struct talker *alice; /* the operator of #a, on n0 */
static struct talker *bob;   /* a member, on n1 */
static struct talker *carol; /* not in it, on n2 */

static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
    carol = talker_named(2, "Carol");
}

static enum hub_result invite(struct talker *t, const char *nick)
{
    return hub_invite(t->user, room_of(t, "#a"), sv_of(nick));
}

START_TEST(test_invite_lets_pass_once)
{
    mode(alice, "#a", "+i");
    settle();
    forget_heard();
    must(invite(alice, "carol"));
    settle();
    expect(carol, "invite #a alice Carol;");
    /* Which of the two comes first is left open. */
    const char *heard = take_heard(alice);
    ck_assert_ptr_nonnull(strstr(heard, "invited #a Carol;"));
    ck_assert_ptr_nonnull(strstr(heard, "seen #a alice Carol;"));
    expect(bob, "");
    join(carol, "#a");
    settle();
    expect(carol, "join #a Carol;welcome #a;");
    leave(carol, "#a");
    settle();
    forget_heard();
    join(carol, "#a");
    settle();
    expect(carol, "refused #a uninvited;");
}
END_TEST

START_TEST(test_invite_does_not_open_other_locks)
{
    must(invite(alice, "carol"));
    settle();
    forget_heard();
    mode(alice, "#a", "+k key");
    settle();
    join(carol, "#a");
    settle();
    expect(carol, "refused #a key;");
    mode(alice, "#a", "+b carol");
    settle();
    must(hub_join_with_key(carol->user, SV("#a"), SV("key")));
    settle();
    expect(carol, "refused #a banned;");
}
END_TEST

START_TEST(test_invite_what_is_wrong_is_told)
{
    must(invite(bob, "carol")); /* without +i everybody may */
    settle();
    expect(carol, "invite #a bob Carol;");
    forget_heard();
    ck_assert_int_eq(invite(bob, "ALICE"), HUB_ALREADY);
    ck_assert_int_eq(invite(bob, "a b"), HUB_BAD_NAME);
    ck_assert_int_eq(hub_invite(carol->user, room_of(alice, "#a"), SV("bob")),
                     HUB_NOT_MEMBER);
    must(invite(bob, "nobody"));
    ck_assert_int_eq(invite(bob, "carol"), HUB_TOO_MANY);
    settle();
    expect(bob, "nobody nobody;");
    mode(alice, "#a", "+i");
    settle();
    forget_heard();
    ck_assert_int_eq(invite(bob, "carol"), HUB_NOT_OPERATOR);
    fx.nodes[0]->gives_up = true;
    must(invite(alice, "carol"));
    settle();
    expect(alice, "unavailable Carol;");
}
END_TEST

START_TEST(test_invite_to_one_just_gone_bounces)
{
    memory_node_hold_log(fx.nodes[2], "@n2", true);
    must(invite(bob, "carol"));
    settle();
    expect(bob, "invited #a Carol;");
    close_talker(carol, "");
    memory_node_hold_log(fx.nodes[2], "@n2", false);
    settle();
    expect(bob, "nobody Carol;");
}
END_TEST

START_TEST(test_invite_only_so_many_are_kept)
{
    char item_text[32];

    mode(alice, "#a", "+i");
    settle();
    must(invite(alice, "carol"));
    settle();
    for (int i = 0; i < HUB_INVITATIONS_MAX; i++) {
        struct str_view fields[] = {
            SV("n0/1"), SV("x!x@x"), SV(""), SV("n2/1"), SV(""), SV("Carol"),
        };
        struct strbuf item;

        (void)snprintf(item_text, sizeof item_text, "#x%d", i);
        fields[4] = sv_of(item_text);
        strbuf_init(&item, ITEM_BYTES_MAX);
        item_encode(&item, ITEM_INVITE, fields, PARLEY_COUNT_OF(fields));
        /* Twice the same counts once. */
        memory_world_inject(&fx.world, "@n2", "n0", strbuf_view(&item));
        memory_world_inject(&fx.world, "@n2", "n0", strbuf_view(&item));
        strbuf_done(&item);
        settle();
        if (i == HUB_INVITATIONS_MAX - 2) {
            join(carol, "#a");
            settle();
            ck_assert_ptr_nonnull(strstr(take_heard(carol), "welcome #a;"));
            leave(carol, "#a");
            settle();
            must(invite(alice, "carol"));
            settle();
            forget_heard();
        }
    }
    must(invite(alice, "carol"));
    settle();
    forget_heard();
    join(carol, "#a");
    settle();
    expect(carol, "join #a Carol;welcome #a;");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("letters");
    TCase *tc = tcase_create("letters");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_test(tc, test_invite_lets_pass_once);
    tcase_add_test(tc, test_invite_does_not_open_other_locks);
    tcase_add_test(tc, test_invite_what_is_wrong_is_told);
    tcase_add_test(tc, test_invite_to_one_just_gone_bounces);
    tcase_add_test(tc, test_invite_only_so_many_are_kept);
    suite_add_tcase(s, tc);
    return s;
}
