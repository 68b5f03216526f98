/* SPDX-License-Identifier: MIT */
/* What one person sends others on any node: invitations, an end, news for operators. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/core/metrics.h>

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

START_TEST(test_invitations_are_listed_until_they_are_followed)
{
    struct str_view name = SV("untouched");
    size_t cursor = 0;

    ck_assert(!hub_user_next_invitation(carol->user, &cursor, &name));
    must(invite(alice, "carol"));
    settle();
    ck_assert(hub_user_next_invitation(carol->user, &cursor, &name));
    ck_assert(sv_equal(name, SV("#a")));
    ck_assert(!hub_user_next_invitation(carol->user, &cursor, &name));
    join(carol, "#a");
    settle();
    cursor = 0;
    ck_assert(!hub_user_next_invitation(carol->user, &cursor, &name));
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

/* ---- throwing people off, telling operators ---- */

START_TEST(test_kill_reaches_any_node)
{
    must(hub_kill(alice->user, SV("CAROL"), SV("enough")));
    ck_assert(hub_user_is_busy(alice->user));
    settle();
    expect(carol, "killed alice enough;");
    expect(alice, "killsent Carol enough;");
    ck_assert(!hub_user_is_busy(alice->user));
    must(hub_kill(alice->user, SV("nobody"), SV("")));
    settle();
    expect(alice, "nobody nobody;");
    ck_assert_int_eq(hub_kill(alice->user, SV("a b"), SV("")), HUB_BAD_NAME);
    must(hub_kill(alice->user, SV("alice"), SV("")));
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(alice), "killed alice ;"));
}
END_TEST

START_TEST(test_kill_of_one_just_gone_bounces)
{
    memory_node_hold_log(fx.nodes[2], "@n2", true);
    must(hub_kill(alice->user, SV("carol"), SV("")));
    settle();
    close_talker(carol, "");
    memory_node_hold_log(fx.nodes[2], "@n2", false);
    settle();
    expect(alice, "killsent Carol ;nobody Carol;");
}
END_TEST

START_TEST(test_wallops_is_for_those_who_want_it)
{
    struct talker *dave = talker_new(1);

    must(hub_set_modes(carol->user, SV("iw")));
    must(hub_set_modes(dave->user, SV("w")));
    nick(dave, "dave");
    settle();
    forget_heard();
    must(hub_wallops(alice->user, SV("hear")));
    settle();
    expect(alice, "");
    expect(bob, "");
    expect(carol, "wallops alice hear;");
    expect(dave, "wallops alice hear;");
    must(hub_set_modes(carol->user, SV("i")));
    dave->closes_itself = true;
    settle();
    forget_heard();
    must(hub_wallops(alice->user, SV("hear")));
    settle();
    expect(carol, "");
    expect(dave, "wallops alice hear;");
    ck_assert_int_eq(hub_wallops(alice->user, SV("")), HUB_EMPTY);
    fx.nodes[0]->is_full = true;
    ck_assert_int_eq(hub_wallops(alice->user, SV("x")), HUB_UNAVAILABLE);
    fx.nodes[0]->is_full = false;
}
END_TEST

static const struct {
    const char *log;
    char type;
    const char *fields[5];
} bad[] = {
    {"@n0", ITEM_KILL, {"n1/1", "x", "n0/1", "re\nason", "alice"}},
    {"@n0", ITEM_KILL, {"n1/1", "x\n", "n0/1", "", "alice"}},
    {"@n0", ITEM_KILL, {"n1/1", "x", "n0/1", "", "not a nick"}},
    {"@all", ITEM_WALLOPS, {"n1/1", "x", "te\nxt", "", ""}},
    {"@all", ITEM_WALLOPS, {"n1/1", "x\n", "text", "", ""}},
};

START_TEST(test_malformed_letters_are_counted_and_skipped)
{
    struct str_view fields[5];
    struct strbuf item;

    for (size_t i = 0; i < PARLEY_COUNT_OF(fields); i++) {
        fields[i] = sv_of(bad[_i].fields[i]);
    }
    must(hub_set_modes(alice->user, SV("w")));
    settle();
    forget_heard();
    metric_values[METRIC_MALFORMED] = 0;
    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, bad[_i].type, fields, PARLEY_COUNT_OF(fields));
    memory_world_inject(&fx.world, bad[_i].log, "n9", strbuf_view(&item));
    strbuf_done(&item);
    settle();
    expect(alice, "");
    ck_assert_int_gt(metric_values[METRIC_MALFORMED], 0);
}
END_TEST

START_TEST(test_inbox_of_all_takes_no_letters)
{
    struct str_view fields[] = {SV("n1/1"), SV("x"), SV("n0/1"), SV(""), SV("alice")};
    struct strbuf item;

    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, ITEM_KILL, fields, PARLEY_COUNT_OF(fields));
    memory_world_inject(&fx.world, "@all", "n9", strbuf_view(&item));
    strbuf_done(&item);
    settle();
    expect(alice, "");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("letters");
    TCase *tc = tcase_create("letters");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_test(tc, test_invite_lets_pass_once);
    tcase_add_test(tc, test_invitations_are_listed_until_they_are_followed);
    tcase_add_test(tc, test_invite_does_not_open_other_locks);
    tcase_add_test(tc, test_invite_what_is_wrong_is_told);
    tcase_add_test(tc, test_invite_to_one_just_gone_bounces);
    tcase_add_test(tc, test_invite_only_so_many_are_kept);
    tcase_add_test(tc, test_kill_reaches_any_node);
    tcase_add_test(tc, test_kill_of_one_just_gone_bounces);
    tcase_add_test(tc, test_wallops_is_for_those_who_want_it);
    tcase_add_loop_test(tc, test_malformed_letters_are_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(bad));
    tcase_add_test(tc, test_inbox_of_all_takes_no_letters);
    suite_add_tcase(s, tc);
    return s;
}
