/* SPDX-License-Identifier: MIT */
/* Entries that no hub of ours wrote: malformed, foreign, from another version. */
#include <check.h>
#include <string.h>

#include <parley/core/metrics.h>

#include "hub/person_internal.h"
#include "support/hub_fixture.h"

static struct talker *alice;
static struct talker *bob;

static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
    metric_values[METRIC_MALFORMED] = 0;
}

/* Fields that a test of one item may have. */
struct row {
    char type;
    const char *fields[10];
};

static void inject(const char *log, const char *node, const struct row *row)
{
    struct str_view fields[10];
    struct strbuf item;
    size_t count = 0;

    while (count < PARLEY_COUNT_OF(row->fields) && row->fields[count] != NULL) {
        fields[count] = sv_of(row->fields[count]);
        count++;
    }
    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, row->type, fields, count);
    memory_world_inject(&fx.world, log, node, strbuf_view(&item));
    strbuf_done(&item);
    settle();
}

#define LONG_TEXT                                                                        \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901"

static const struct row malformed[] = {
    {'M', {0}},
    {'M', {"n9/1", "x!x@x", ""}},
    {'M', {"n9/1", "x!x@x", "", "a\r\nb"}},
    {'M', {"n9/1", "x\n!x@x", "", "text"}},
    {'M', {"n9/1", LONG_TEXT, "", "text"}},
    {'A', {"n9/1", "x!x@x", LONG_TEXT, "text"}},
    {'J', {"n9/1"}},
    {'J', {"", "nick"}},
    {'J', {"n9", "nick"}},
    {'J', {"n9/1", ""}},
    {'J', {"n9/1", "not a nick"}},
    {'J', {"n9/1", "nick", "us\ner"}},
    {'J', {"n9/1", "nick", "", "", "", "", "", "", "minus"}},
    {'J', {"n9/1", "nick", "", "", "", "", "", "", "4294967296"}},
    {'L', {0}},
    {'L', {"n0/1", "x", "rea\nson"}},
    {'L', {"n0/1", "x", LONG_TEXT}},
    {'Q', {0}},
    {'Q', {"n1/1", "x", LONG_TEXT}},
    {'X', {0}},
    {'X', {""}},
    {'X', {"abcdefghijklmnopqrstuvwxyz"}},
    {'N', {"n1/1", "1", "x"}},
    {'N', {"n1/1", "one", "x", "nick"}},
    {'N', {"n1/1", "1", "x", "not a nick"}},
    {'P', {"n1/1", "1", "not a nick"}},
    {'P', {"n1/1", "x", "nick"}},
    {'F', {0}},
    {'F', {""}},
    {'F', {"-3"}},
    {'F', {"4294967296"}},
    {'T', {"n1/1", "x"}},
    {'T', {"n1/1", "x", "to\npic"}},
    {'T', {"n1/1", LONG_TEXT, "topic"}},
    {'T', {"n1/1", "x", LONG_TEXT}},
    {'K', {"n0/1", "n1/1", "x"}},
    {'K', {"n0/1", "n1/1", "x\ny", "reason"}},
    {'K', {"n0/1", "n1/1", "x", "rea\nson"}},
    {'K', {"n0/1", "n1/1", "x", LONG_TEXT}},
    {'D', {"n0/1", "x"}},
    {'R', {"n9/1"}},
    {'R', {"n9", "nick"}},
    {'R', {"n9/1", "not a nick"}},
};

START_TEST(test_malformed_item_is_counted_and_skipped)
{
    inject("#a", "n9", &malformed[_i]);
    expect(alice, "");
    expect(bob, "");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 2); /* once on each node */
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
    ck_assert_str_eq(names_in(1, "#a"), "alice bob");
}
END_TEST

/* So that whoever is listed has a nick. */
START_TEST(test_malformed_member_of_the_books_is_skipped)
{
    const struct record rec = {.texts = {[PERSON_NICK] = SV("not a nick")}};
    struct memory_log *log = memory_log_get(&fx.world, SV("#a"));
    struct strbuf text;

    strbuf_init(&text, ITEM_BYTES_MAX);
    record_encode_member(&text, &rec, 0);
    memory_pair_set(&log->members, SV("n9/1"), strbuf_view(&text));
    strbuf_done(&text);
    (void)talker_in_a(2, "carol");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    ck_assert_str_eq(names_in(2, "#a"), "alice bob carol");
}
END_TEST

static const struct row pointless[] = {
    {'z', {"whatever"}},
    {'U', {"n9/1", "x!x@x", "", "text", "n0/1", "M", "alice"}}, /* not in an inbox */
    {'L', {"n9/1", "x!x@x", ""}},
    {'Q', {"n9/1", "x!x@x", ""}},
    {'N', {"n9/1", "1", "x", "nick"}},
    {'P', {"n9/1", "1", "nick"}},
    {'X', {"n9"}},
    {'N', {"n1/1", "0", "x", "nick"}}, /* not newer */
    {'L', {"not an id"}},
    {'K', {"n9/1", "n1/1", "x!x@x", ""}},
    {'K', {"not an id", "", "", ""}},
    {'D', {"", "", ""}},
    {'S', {0}},
    {'X', {"n0"}}, /* n0 lives, and so it does for n0; n1 believes it */
};

START_TEST(test_pointless_item_changes_nothing)
{
    inject("#a", "n9", &pointless[_i]);
    expect(alice, "");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 0);
    ck_assert_str_eq(names_in(0, "#a"), "alice bob");
}
END_TEST

START_TEST(test_lost_lines_are_told_and_stand_in_the_history)
{
    inject("#a", "-", &(struct row){'F', {"3"}});
    inject("#a", "-", &(struct row){'F', {"0"}});
    expect(alice, "lost #a 3;lost #a 0;");
    expect(bob, "lost #a 3;lost #a 0;");
    must(hub_history(alice->user, room_of(alice, "#a"), 10));
    settle();
    expect(alice, "recent #a   3;recent #a   0;end #a 2;");
    room_show_recent(room_of(bob, "#a"), bob->user);
    expect(bob, "recent #a   3;recent #a   0;");
}
END_TEST

START_TEST(test_message_of_somebody_unknown_is_shown)
{
    inject("#a", "n9", &(struct row){'M', {"n9/1", "zoe!z@z", "", "hi"}});
    expect(alice, "say #a zoe hi;");
}
END_TEST

START_TEST(test_fields_that_are_not_known_are_ignored)
{
    inject("#a", "n9", &(struct row){'M', {"n9/1", "zoe!z@z", "", "hi", "", "", "more"}});
    inject("#a", "n9",
           &(struct row){'J', {"n9/1", "zoe", "z", "z", "", "", "", "", "0", "more"}});
    expect(alice, "say #a zoe hi;join #a zoe;");
}
END_TEST

START_TEST(test_join_twice_is_told_once)
{
    static const struct row row = {'J', {"n9/1", "zoe"}};

    inject("#a", "n9", &row);
    inject("#a", "n9", &row);
    expect(alice, "join #a zoe;");
    inject("#a", "-", &(struct row){'X', {"n9"}});
    inject("#a", "-", &(struct row){'X', {"n9"}});
    expect(alice, "quit zoe its node is gone;");
}
END_TEST

START_TEST(test_leave_said_by_another_node_counts)
{
    inject("#a", "n9", &(struct row){'L', {"n0/1", "alice!x@x", "thrown out"}});
    expect(alice, "leave #a alice thrown out;");
    expect(bob, "leave #a alice thrown out;");
    ck_assert_ptr_null(hub_user_room(alice->user, 0));
}
END_TEST

START_TEST(test_quit_of_a_live_user_is_a_leave_for_it)
{
    inject("#a", "n9", &(struct row){'Q', {"n0/1", "alice!x@x", "thrown out"}});
    expect(alice, "leave #a alice thrown out;");
    expect(bob, "quit alice thrown out;");
    ck_assert(hub_user_is_registered(alice->user));
    join(alice, "#a");
    settle();
    expect(alice, "join #a alice;welcome #a;");
}
END_TEST

static const struct row bad_letters[] = {
    {'U', {"n9/1", "x!x@x", "", "text", "n0/1"}},
    {'U', {"n9/1", "x!x@x", "", "text", "n0/1", ""}},
    {'U', {"n9/1", "x!x@x", "", "text", "n0/1", "J"}},
    {'U', {"n9/1", "x!x@x", "", "te\nxt", "n0/1", "M"}},
    {'U', {"n9/1", "x!x@x", "", "text", "n0/1", "M", "not a nick"}},
    {'I', {"n9/1", "x!x@x", "", "n0/1", "#x"}},
    {'I', {"n9/1", "x!x@x", "", "n0/1", "x", "alice"}},
    {'I', {"n9/1", "x!x@x", "", "n0/1", "#x", "a b"}},
    {'I', {"n9/1", "x\n!x@x", "", "n0/1", "#x", "alice"}},
    {'B', {"n0/1"}},
    {'B', {"n0/1", "not a nick"}},
};

START_TEST(test_malformed_letter_is_counted_and_skipped)
{
    inject("@n0", "n9", &bad_letters[_i]);
    expect(alice, "");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
}
END_TEST

START_TEST(test_letter_for_nobody_bounces_only_to_an_id)
{
    inject("@n0", "n9", &(struct row){'U', {"", "x!x@x", "", "text", "n0/99", "M", "x"}});
    inject("@n0", "n9", &(struct row){'U', {"n1/1", "x!x@x", "", "text", "?", "M", "x"}});
    expect(bob, "nobody x;");
    inject("@n0", "n9", &(struct row){'U', {"n1/1", "x!x@x", "", "hi", "n0/1", "O"}});
    expect(alice, "direct x alice hi;");
}
END_TEST

START_TEST(test_garbage_of_every_kind_harms_nobody)
{
    char bytes[64];

    for (int round = 0; round < 3000; round++) {
        size_t len = 1 + memory_random(&fx.world, sizeof bytes - 1);
        struct strbuf item;

        /* Half of them look like items. */
        strbuf_init(&item, ITEM_BYTES_MAX);
        for (size_t i = 0; i < len; i++) {
            static const char often[] = "0123456789: JLMNPQRTUX/n#!@";

            bytes[i] = memory_random(&fx.world, 4) > 0
                           ? often[memory_random(&fx.world, sizeof often - 1)]
                           : (char)(1 + memory_random(&fx.world, 255));
        }
        if (round % 2 == 0) {
            strbuf_add_u64(&item, len);
            strbuf_add_char(&item, ' ');
        }
        strbuf_add(&item, sv(bytes, len));
        memory_world_inject(&fx.world, round % 3 == 0 ? "@n0" : "#a", "n9",
                            strbuf_view(&item));
        strbuf_done(&item);
    }
    settle();
    say(bob, "#a", "still here");
    settle();
    ck_assert_ptr_nonnull(strstr(take_heard(alice), "still here"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("apply");
    TCase *tc = tcase_create("entries");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_loop_test(tc, test_malformed_item_is_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(malformed));
    tcase_add_test(tc, test_malformed_member_of_the_books_is_skipped);
    tcase_add_loop_test(tc, test_pointless_item_changes_nothing, 0,
                        (int)PARLEY_COUNT_OF(pointless));
    tcase_add_test(tc, test_lost_lines_are_told_and_stand_in_the_history);
    tcase_add_test(tc, test_message_of_somebody_unknown_is_shown);
    tcase_add_test(tc, test_fields_that_are_not_known_are_ignored);
    tcase_add_test(tc, test_join_twice_is_told_once);
    tcase_add_test(tc, test_leave_said_by_another_node_counts);
    tcase_add_test(tc, test_quit_of_a_live_user_is_a_leave_for_it);
    tcase_add_loop_test(tc, test_malformed_letter_is_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(bad_letters));
    tcase_add_test(tc, test_letter_for_nobody_bounces_only_to_an_id);
    tcase_add_test(tc, test_garbage_of_every_kind_harms_nobody);
    suite_add_tcase(s, tc);
    return s;
}
