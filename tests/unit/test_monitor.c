/* SPDX-License-Identifier: MIT */
/* Watching names: who comes, goes and changes, on any node, whatever fails meanwhile. */
#include <check.h>
#include <stdio.h>

#include "hub/hub_internal.h"
#include "hub/monitor.h"
#include "support/hub_fixture.h"

static void watch(struct talker *t, const char *name)
{
    must(hub_watch(t->user, sv_of(name)));
    settle();
}

/* Every node looks every name up. */
static void look(void)
{
    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        struct hub *hub = fx.hubs[i];

        for (size_t n = hub != NULL ? map_count(&hub->monitored_names) : 0; n > 0; n--) {
            monitor_look(hub);
        }
    }
    settle();
}

/* The timer does it. */
START_TEST(test_by_itself)
{
    struct talker *ann = talker_named(0, "ann");

    watch(ann, "ben");
    forget_heard();
    talker_named((size_t)_i, "ben");
    for (int i = 0; i < 600 && ann->heard.len == 0; i++) {
        settle_ms(50);
    }
    expect(ann, "online ben;");
}
END_TEST

START_TEST(test_told_at_once)
{
    struct talker *ann = talker_named(0, "ann");

    talker_named(1, "Ben");
    watch(ann, "BEN");
    watch(ann, "nobody");
    watch(ann, "ann");
    expect(ann, "online Ben;offline nobody;online ann;");
}
END_TEST

START_TEST(test_come_and_go)
{
    struct talker *ann = talker_named(0, "ann");

    watch(ann, "ben");
    struct talker *ben = talker_named((size_t)_i, "Ben");
    look();
    expect(ann, "offline ben;online Ben;");
    nick(ben, "BEN");
    settle();
    look();
    expect(ann, "");
    nick(ben, "carl");
    settle();
    look();
    expect(ann, "offline BEN;");
    nick(ben, "ben");
    settle();
    look();
    expect(ann, "online ben;");
    close_talker(ben, "");
    settle();
    look();
    expect(ann, "offline ben;");
}
END_TEST

START_TEST(test_somebody_else_has_the_name_now)
{
    struct talker *ann = talker_named(0, "ann");
    struct talker *ben = talker_named(1, "ben");

    watch(ann, "ben");
    expect(ann, "online ben;");
    fx.nodes[0]->is_mute = true; /* nothing is answered meanwhile */
    close_talker(ben, "");
    settle();
    talker_named(2, "Ben");
    look();
    expect(ann, "");
    fx.nodes[0]->is_mute = false;
    look();
    expect(ann, "offline ben;online Ben;");
}
END_TEST

START_TEST(test_a_node_that_dies)
{
    struct talker *ann = talker_named(0, "ann");

    talker_named(1, "ben");
    watch(ann, "ben");
    kill_node(1);
    look();
    expect(ann, "online ben;offline ben;");
}
END_TEST

START_TEST(test_changes_of_who_shares_no_room)
{
    struct talker *ann = talker_named(0, "ann");
    struct talker *ben = talker_named((size_t)_i, "ben");

    watch(ann, "ben");
    must(hub_away(ben->user, SV("lunch")));
    settle();
    look();
    must(hub_setname(ben->user, SV("Ben B")));
    settle();
    look();
    must(hub_set_modes(ben->user, SV("i")));
    settle();
    look();
    expect(ann, "online ben;away ben lunch;setname ben Ben B;");
}
END_TEST

START_TEST(test_who_shares_a_room_is_told_once)
{
    struct talker *ann = talker_in_a(0, "ann");
    struct talker *ben = talker_in_a((size_t)_i, "ben");

    forget_heard();
    watch(ann, "ben");
    must(hub_away(ben->user, SV("lunch")));
    settle();
    leave(ben, "#a");
    settle();
    look();
    expect(ann, "online ben;away ben lunch;leave #a ben bye;");
    must(hub_away(ben->user, SV("")));
    settle();
    look();
    expect(ann, "away ben ;");
}
END_TEST

START_TEST(test_no_more)
{
    struct talker *ann = talker_named(0, "ann");
    struct talker *cid = talker_named(0, "cid");
    struct hub_watched watched;

    watch(ann, "ben");
    watch(ann, "dan");
    watch(cid, "ben");
    forget_heard();
    hub_unwatch(ann->user, SV("BEN"));
    hub_unwatch(ann->user, SV("never"));
    ck_assert(hub_watched_at(ann->user, 0, &watched));
    ck_assert(sv_equal(watched.nick, SV("dan")) && watched.who.len == 0);
    ck_assert(!hub_watched_at(ann->user, 1, &watched));
    talker_named(1, "ben");
    look();
    expect(ann, "");
    expect(cid, "online ben;");
    hub_unwatch_all(ann->user);
    close_talker(cid, "");
    settle();
    ck_assert_uint_eq(map_count(&fx.hubs[0]->monitored_names), 0);
    ck_assert_uint_eq(map_count(&fx.hubs[0]->monitored_numbers), 0);
}
END_TEST

START_TEST(test_limits)
{
    struct talker *ann = talker_named(0, "ann");
    char name[20];

    ck_assert_int_eq(hub_watch(ann->user, SV("2fast")), HUB_BAD_NAME);
    for (int i = 0; i < HUB_WATCHED_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        watch(ann, name);
    }
    ck_assert_int_eq(hub_watch(ann->user, SV("more")), HUB_LIST_FULL);
    must(hub_watch(ann->user, SV("N7")));
    ck_assert_int_eq(hub_watch(ann->user, SV("n8")), HUB_TOO_MANY);
    settle();
    hub_unwatch(ann->user, SV("n7"));
    watch(ann, "more");
}
END_TEST

START_TEST(test_who_closes_when_told)
{
    struct talker *ann = talker_named(0, "ann");
    struct talker *cid = talker_named(0, "cid");

    watch(ann, "ben");
    watch(cid, "ben");
    forget_heard();
    ann->closes_itself = true;
    talker_named(1, "ben");
    look();
    ck_assert_ptr_null(ann->user);
    expect(cid, "online ben;");
}
END_TEST

/* A name that nobody watches any more when its answer comes, and slow answers. */
START_TEST(test_answers_that_come_late)
{
    struct talker *ann = talker_named(0, "ann");

    watch(ann, "ben");
    watch(ann, "cid");
    forget_heard();
    fx.nodes[0]->holds_answers = true;
    look();
    ck_assert_uint_eq(fx.hubs[0]->monitor_asked, 2);
    hub_unwatch(ann->user, SV("ben"));
    settle();
    fx.nodes[0]->holds_answers = false;
    settle();
    look();
    talker_named(1, "cid");
    look();
    expect(ann, "online cid;");
    hub_unwatch_all(ann->user);
    look();
    ck_assert_uint_eq(fx.hubs[0]->monitor_asked, 0);
}
END_TEST

START_TEST(test_records_that_make_no_sense)
{
    struct talker *ann = talker_named(0, "ann");

    talker_named(1, "ben");
    watch(ann, "ben");
    forget_heard();
    (void)memory_pair_set(&fx.world.names, SV("ben"), SV("nonsense"));
    look();
    expect(ann, "offline ben;");
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("monitor");
    TCase *tc = tcase_create("monitor");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, fixture_start, fixture_end);
    tcase_add_loop_test(tc, test_by_itself, 0, 2);
    tcase_add_test(tc, test_told_at_once);
    tcase_add_loop_test(tc, test_come_and_go, 0, 2);
    tcase_add_test(tc, test_somebody_else_has_the_name_now);
    tcase_add_test(tc, test_a_node_that_dies);
    tcase_add_loop_test(tc, test_changes_of_who_shares_no_room, 0, 2);
    tcase_add_loop_test(tc, test_who_shares_a_room_is_told_once, 0, 2);
    tcase_add_test(tc, test_no_more);
    tcase_add_test(tc, test_limits);
    tcase_add_test(tc, test_who_closes_when_told);
    tcase_add_test(tc, test_answers_that_come_late);
    tcase_add_test(tc, test_records_that_make_no_sense);
    suite_add_tcase(s, tc);
    return s;
}
