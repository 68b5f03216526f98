/* SPDX-License-Identifier: MIT */
/* Modes through holes, losses and deaths; and those that no hub of ours wrote. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/core/metrics.h>

#include "hub/modes.h"
#include "support/hub_fixture.h"

/* ---- faults ---- */

/* A room with something of everything. */
static struct talker *furnish(void)
{
    static const char *const texts[] = {"+b evil", "+e good", "+I nice", "+k key",
                                        "+l 50",   "+s",      "+v bob"};
    struct talker *alice = talker_in_a(0, "alice");

    (void)talker_in_a(1, "bob");
    for (size_t i = 0; i < PARLEY_COUNT_OF(texts); i++) {
        mode(alice, "#a", texts[i]);
        settle();
    }
    forget_heard();
    return alice;
}

#define FURNITURE "+b evil!*@* +e good!*@* +I nice!*@* +k key +l 50 +n +s +o alice +v bob"

START_TEST(test_modes_survive_a_hole)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    mode(alice, "#a", "+b x");
    settle();
    mode(alice, "#a", "+m");
    settle();
    forget_heard();
    memory_node_hold_log(fx.nodes[1], "#a", true);
    mode(alice, "#a", "-m");
    settle();
    mode(alice, "#a", "-b x");
    settle();
    mode(alice, "#a", "+b y");
    settle();
    mode(alice, "#a", "+o bob");
    settle();
    fx.shows_own_modes = true;
    memory_node_tear_hole(fx.nodes[1], "#a");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(bob), " -b x!*@* -m"));
    ck_assert_str_eq(modes_in(1, "#a"), "+b y!*@* +n +o alice +o bob");
}
END_TEST

START_TEST(test_mode_stored_in_a_hole_is_done)
{
    struct talker *alice = talker_in_a(0, "alice");

    memory_node_hold_log(fx.nodes[0], "#a", true);
    mode(alice, "#a", "+m");
    settle();
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert(!hub_user_is_busy(alice->user));
    expect(alice, "hole #a;");
    ck_assert_str_eq(modes_in(0, "#a"), "+m +n +o alice");
}
END_TEST

/* The id of another item would tell clients that they have seen it already. */
START_TEST(test_news_from_a_snapshot_have_no_id)
{
    struct talker *alice = talker_in_a(0, "alice");

    fx.shows_own_modes = true;
    mode(alice, "#a", "+m");
    settle();
    expect(alice, "mode #a alice +m;");
    ck_assert_uint_gt(alice->id.ms + alice->id.seq, 0);
    memory_node_hold_log(fx.nodes[0], "#a", true);
    mode(alice, "#a", "-m");
    settle();
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(alice), "mode #a  -m;"));
    ck_assert_uint_eq(alice->id.ms + alice->id.seq, 0);
}
END_TEST

START_TEST(test_founder_in_a_hole_is_operator)
{
    struct talker *alice = talker_named(0, "alice");
    struct talker *bob = talker_named(0, "bob");

    join(bob, "#a");
    settle();
    memory_node_hold_log(fx.nodes[0], "#a", true);
    leave(bob, "#a");
    join(alice, "#a");
    settle();
    memory_node_tear_hole(fx.nodes[0], "#a");
    settle();
    ck_assert_str_eq(modes_in(0, "#a"), "+n +o alice");
}
END_TEST

START_TEST(test_age_survives_the_loss_of_everything)
{
    const struct talker *alice = talker_in_a(0, "alice");
    char since[32];

    (void)snprintf(since, sizeof since, "%llu",
                   (unsigned long long)room_since_ms(room_of(alice, "#a")));
    ck_assert_str_eq(memory_state(&fx.world, "#a", "since"), since);
    memory_world_lose(&fx.world);
    settle();
    ck_assert_str_eq(memory_state(&fx.world, "#a", "since"), since);
}
END_TEST

START_TEST(test_modes_survive_the_loss_of_everything)
{
    furnish();
    memory_world_lose(&fx.world);
    settle();
    ck_assert_str_eq(memory_state(&fx.world, "#a", "name"), "-#a");
    settle_ms(500);
    check_modes(FURNITURE);
}
END_TEST

START_TEST(test_modes_survive_a_loss_while_the_node_cannot_publish)
{
    furnish();
    fx.nodes[0]->gives_up = true;
    fx.nodes[1]->gives_up = true;
    memory_world_lose(&fx.world);
    for (int i = 0; i < 30; i++) {
        (void)memory_backplane_step(&fx.world);
    }
    fx.nodes[0]->gives_up = false;
    fx.nodes[1]->gives_up = false;
    settle();
    settle_ms(500);
    check_modes(FURNITURE);
}
END_TEST

START_TEST(test_modes_survive_another_node_id)
{
    furnish();
    memory_node_declare_lost(fx.nodes[0], "n0x");
    settle();
    check_modes(FURNITURE);
    memory_node_declare_lost(fx.nodes[1], "n1x");
    settle();
    check_modes(FURNITURE);
}
END_TEST

START_TEST(test_mode_of_somebody_with_another_node_id)
{
    struct talker *alice = talker_in_a(0, "alice");
    struct talker *bob = talker_in_a(1, "bob");

    fx.nodes[1]->holds = true;
    memory_node_declare_lost(fx.nodes[1], "n1x");
    mode(alice, "#a", "+o bob");
    settle_ms(50);
    fx.nodes[1]->holds = false;
    settle();
    ck_assert_ptr_nonnull(room_of(bob, "#a"));
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%s", modes_in(1, "#a"));
    check_modes(expected);
}
END_TEST

START_TEST(test_modes_survive_the_death_of_nodes)
{
    struct talker *carol = talker_in_a(2, "carol");

    (void)talker_in_a(1, "bob");
    mode(carol, "#a", "+k key");
    settle();
    mode(carol, "#a", "+b evil");
    settle();
    kill_node(2);
    settle();
    ck_assert_str_eq(modes_in(1, "#a"), "+b evil!*@* +k key +n");
    (void)talker_in_a_by_key(0, "dave", SV("key"));
    ck_assert_str_eq(modes_in(0, "#a"), "+b evil!*@* +k key +n");
}
END_TEST

/* ---- what no hub of ours wrote ---- */

static void inject_modes(const char *id, const char *who, const char *changes)
{
    struct str_view fields[3] = {sv_of(id), sv_of(who), sv_of(changes)};
    struct strbuf item;

    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, ITEM_MODE, fields, 3);
    memory_world_inject(&fx.world, "#a", "n9", strbuf_view(&item));
    strbuf_done(&item);
    settle();
}

static const char *const malformed[] = {
    "x",
    "+",
    "+mm",
    "m",
    "+m x",
    "+o",
    "+o alice",
    "+o n0/1",
    "+o n0/1 x a",
    "+o n0 1 a",
    "+o n0/1 1 ",
    "+b",
    "+b :a!b@c",
    "+b a\tb!c",
    "+k a,b",
    "+k",
    "+l 0",
    "+l -1",
    "+l 4294967296",
    "+Z",
    " ",
    "+b \xff!*@*",
    "\n",
};

START_TEST(test_malformed_change_is_counted_and_skipped)
{
    struct talker *alice = talker_in_a(0, "alice");
    char changes[64];

    metric_values[METRIC_MALFORMED] = 0;
    (void)snprintf(changes, sizeof changes, "%s\n+i\n", malformed[_i]);
    inject_modes("n9/1", "zoe!z@z", changes);
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    expect(alice, "mode #a zoe +i;");
    ck_assert_str_eq(modes_in(0, "#a"), "+i +n +o alice");
}
END_TEST

START_TEST(test_too_much_is_not_believed)
{
    struct talker *alice = talker_in_a(0, "alice");

    metric_values[METRIC_MALFORMED] = 0;
    inject_modes("n9/1", "zo\ne", "+i\n");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    expect(alice, "");
    for (int i = 0; i < ROOM_MASKS_BELIEVED + 10; i++) {
        char change[32];

        (void)snprintf(change, sizeof change, "+b %d!*@*\n", i);
        inject_modes("n9/1", "zoe!z@z", change);
    }
    ck_assert_uint_eq(modes_count_masks(room_of(alice, "#a"), ROOM_BANS),
                      ROOM_MASKS_BELIEVED);
    metric_values[METRIC_MALFORMED] = 0;
    inject_modes(
        "n9/1", "zoe!z@z",
        "+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n+i\n-i\n"
        "+i\n-i\n+i\n-i\n");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    ck_assert_uint_eq(room_mode_flags(room_of(alice, "#a")), ROOM_NO_OUTSIDE);
}
END_TEST

static const struct {
    const char *field;
    const char *value;
} bad_books[] = {
    {"+", "1"},           {"+Z", "1"},          {"+mx", "1"},  {"+b x", "x y z"},
    {"+b x", "1 :w a b"}, {"+b x", "1 a\nb x"}, {"+k", "a b"}, {"+k", ""},
    {"+l", "0"},          {"+l", "many"},       {"+o", "1"},   {"+o x 1", "1"},
    {"+b x", ""},
};

START_TEST(test_malformed_books_are_counted_and_skipped)
{
    struct book_update set = {BOOK_STATE_SET, sv_of(bad_books[_i].field),
                              sv_of(bad_books[_i].value)};

    (void)talker_in_a(0, "alice");
    memory_log_update(memory_log_get(&fx.world, SV("#a")), &set);
    metric_values[METRIC_MALFORMED] = 0;
    (void)talker_in_a(1, "bob");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    ck_assert_str_eq(modes_in(1, "#a"), "+n +o alice");
}
END_TEST

START_TEST(test_books_of_strangers_mean_nothing)
{
    struct memory_log *log = memory_log_get(&fx.world, SV("#a"));
    struct book_update ghost = {BOOK_STATE_SET, SV("+o n9/7 3"), SV("1")};
    struct book_update former = {BOOK_STATE_SET, SV("+v n0/1 77"), SV("1")};

    (void)talker_in_a(0, "alice");
    memory_log_update(log, &ghost);
    memory_log_update(log, &former);
    metric_values[METRIC_MALFORMED] = 0;
    (void)talker_in_a(1, "bob");
    ck_assert_str_eq(modes_in(1, "#a"), "+n +o alice");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, test_modes_survive_a_hole);
    tcase_add_test(tc, test_mode_stored_in_a_hole_is_done);
    tcase_add_test(tc, test_news_from_a_snapshot_have_no_id);
    tcase_add_test(tc, test_founder_in_a_hole_is_operator);
    tcase_add_test(tc, test_age_survives_the_loss_of_everything);
    tcase_add_test(tc, test_modes_survive_the_loss_of_everything);
    tcase_add_test(tc, test_modes_survive_a_loss_while_the_node_cannot_publish);
    tcase_add_test(tc, test_modes_survive_another_node_id);
    tcase_add_test(tc, test_mode_of_somebody_with_another_node_id);
    tcase_add_test(tc, test_modes_survive_the_death_of_nodes);
    tcase_add_loop_test(tc, test_malformed_change_is_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(malformed));
    tcase_add_test(tc, test_too_much_is_not_believed);
    tcase_add_loop_test(tc, test_malformed_books_are_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(bad_books));
    tcase_add_test(tc, test_books_of_strangers_mean_nothing);
}

Suite *suite(void)
{
    Suite *s = suite_create("modes_faults");
    TCase *tc = tcase_create("faults");

    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    add_tests(tc);
    suite_add_tcase(s, tc);
    return s;
}
