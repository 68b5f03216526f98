/* SPDX-License-Identifier: MIT */
/* What IRC adds to what is said: tags, and a status that readers must have. */
#include <check.h>
#include <string.h>

#include <parley/core/metrics.h>

#include "support/hub_fixture.h"

static struct talker *alice; /* the operator of #a, on n0 */
static struct talker *bob;   /* has voice, on n1 */
static struct talker *carol; /* has nothing, on n1 */

static void setup(void)
{
    fixture_start();
    alice = talker_in_a(0, "alice");
    bob = talker_in_a(1, "bob");
    carol = talker_in_a(1, "carol");
    mode(alice, "#a", "+v bob");
    settle();
    forget_heard();
}

static enum hub_result speak(struct talker *t, struct hub_speech speech)
{
    return hub_speak(t->user, room_of(t, "#a"), &speech);
}

START_TEST(test_tags_travel_with_what_is_said)
{
    must(speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, SV("hi"), SV("+a=b;+c")}));
    settle();
    expect(alice, "say #a alice hi +a=b;+c;");
    expect(bob, "say #a alice hi +a=b;+c;");
    /* ... and stay with it. */
    must(hub_history(bob->user, room_of(bob, "#a"), 5));
    settle();
    expect(bob, "recent #a alice hi +a=b;+c;end #a 1;");
    struct talker *dave = talker_named(2, "dave");
    join(dave, "#a");
    settle();
    forget_heard();
    room_show_recent(room_of(dave, "#a"), dave->user);
    expect(dave, "recent #a alice hi +a=b;+c;");
}
END_TEST

START_TEST(test_tagmsg_is_heard_and_not_kept)
{
    must(speak(alice, (struct hub_speech){.kind = ITEM_TAGMSG, .tags = SV("+typing")}));
    ck_assert(!hub_user_is_settled(alice->user));
    settle();
    ck_assert(hub_user_is_settled(alice->user));
    expect(alice, "tags #a alice  +typing;");
    expect(carol, "tags #a alice  +typing;");
    must(hub_history(bob->user, room_of(bob, "#a"), 5));
    settle();
    expect(bob, "tags #a alice  +typing;end #a 0;");
    fx.nodes[0]->gives_up = true;
    must(speak(alice, (struct hub_speech){.kind = ITEM_TAGMSG, .tags = SV("+typing")}));
    settle();
    expect(alice, "unavailable ;");
}
END_TEST

START_TEST(test_status_is_for_those_who_have_it)
{
    must(speak(carol, (struct hub_speech){ITEM_MESSAGE, '@', SV("help"), SV("")}));
    settle();
    expect(alice, "say #a carol help @;");
    expect(bob, "");
    expect(carol, "say #a carol help @;");
    must(speak(carol, (struct hub_speech){ITEM_NOTICE, '+', SV("help"), SV("+x")}));
    settle();
    expect(alice, "say #a carol help +x +;");
    expect(bob, "say #a carol help +x +;");
    expect(carol, "say #a carol help +x +;");
    /* Nobody reads it later. */
    must(hub_history(bob->user, room_of(bob, "#a"), 5));
    settle();
    expect(bob, "end #a 0;");
    room_show_recent(room_of(alice, "#a"), alice->user);
    expect(alice, "");
}
END_TEST

START_TEST(test_direct_with_tags)
{
    struct hub_speech message = {ITEM_MESSAGE, 0, SV("psst"), SV("+a")};
    struct hub_speech tags = {.kind = ITEM_TAGMSG, .tags = SV("+typing=active")};

    must(hub_speak_to(alice->user, SV("bob"), &message));
    settle();
    expect(alice, "sent bob psst +a;");
    expect(bob, "direct alice bob psst +a;");
    must(hub_speak_to(alice->user, SV("bob"), &tags));
    settle();
    expect(alice, "sent bob  +typing=active;");
    expect(bob, "tags alice bob +typing=active;");
}
END_TEST

START_TEST(test_speech_what_is_wrong_is_told)
{
    static char text[HUB_TAGS_BYTES_MAX + 1];
    struct hub_speech status = {ITEM_MESSAGE, '%', SV("x"), SV("")};

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(speak(alice, status), HUB_BAD_PARAMETER);
    ck_assert_int_eq(
        speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, SV("x"), SV("+a b")}),
        HUB_BAD_PARAMETER);
    ck_assert_int_eq(
        speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, SV("x"), SV("+a\r")}),
        HUB_BAD_PARAMETER);
    ck_assert_int_eq(
        speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, SV("x"), SV("\xff")}),
        HUB_BAD_PARAMETER);
    ck_assert_int_eq(speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, SV("x"),
                                                      sv(text, sizeof text)}),
                     HUB_TOO_LONG);
    ck_assert_int_eq(speak(alice, (struct hub_speech){.kind = ITEM_TAGMSG}), HUB_EMPTY);
    ck_assert_int_eq(speak(alice, (struct hub_speech){ITEM_TAGMSG, 0, SV("x"), SV("+a")}),
                     HUB_BAD_PARAMETER);
    must(speak(alice, (struct hub_speech){ITEM_MESSAGE, 0, sv(text, HUB_TEXT_BYTES_MAX),
                                          sv(text, HUB_TAGS_BYTES_MAX)}));
    settle();
    ck_assert_uint_gt(strlen(take_heard(bob)), HUB_TEXT_BYTES_MAX + HUB_TAGS_BYTES_MAX);
}
END_TEST

static const char *const bad[][6] = {
    {"n9/1", "x!x@x", "", "text", "+a b", ""},
    {"n9/1", "x!x@x", "", "text", "+a\n", ""},
    {"n9/1", "x!x@x", "", "text", "", "%"},
    {"n9/1", "x!x@x", "", "text", "", "@+"},
};

START_TEST(test_malformed_extras_are_counted_and_skipped)
{
    struct str_view fields[6];
    struct strbuf item;

    for (size_t i = 0; i < PARLEY_COUNT_OF(fields); i++) {
        fields[i] = sv_of(bad[_i][i]);
    }
    metric_values[METRIC_MALFORMED] = 0;
    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, _i % 2 == 0 ? ITEM_MESSAGE : ITEM_TAGMSG, fields,
                PARLEY_COUNT_OF(fields));
    memory_world_inject(&fx.world, "#a", "n9", strbuf_view(&item));
    strbuf_done(&item);
    settle();
    expect(alice, "");
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 2);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("speech");
    TCase *tc = tcase_create("speech");

    tcase_add_checked_fixture(tc, setup, fixture_end);
    tcase_add_test(tc, test_tags_travel_with_what_is_said);
    tcase_add_test(tc, test_tagmsg_is_heard_and_not_kept);
    tcase_add_test(tc, test_status_is_for_those_who_have_it);
    tcase_add_test(tc, test_direct_with_tags);
    tcase_add_test(tc, test_speech_what_is_wrong_is_told);
    tcase_add_loop_test(tc, test_malformed_extras_are_counted_and_skipped, 0,
                        (int)PARLEY_COUNT_OF(bad));
    suite_add_tcase(s, tc);
    return s;
}
