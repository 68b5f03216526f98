/* SPDX-License-Identifier: MIT */
/* Users that close at every moment of every request: nothing is left, nobody is called. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hub/user_internal.h"
#include "support/hub_fixture.h"

static void ask_nick(struct talker *t)
{
    nick(t, "other");
}

static void ask_join(struct talker *t)
{
    join(t, "#b");
}

static void ask_join_known(struct talker *t)
{
    join(t, "#known");
}

static void ask_leave(struct talker *t)
{
    leave(t, "#a");
}

static void ask_say(struct talker *t)
{
    say(t, "#a", "1");
    say(t, "#a", "2");
}

static void ask_direct(struct talker *t)
{
    must(hub_direct(t->user, SV("reader"), ITEM_MESSAGE, SV("psst")));
}

static void ask_topic(struct talker *t)
{
    must(hub_topic(t->user, room_of(t, "#a"), SV("cats")));
}

static void ask_away(struct talker *t)
{
    must(hub_away(t->user, SV("lunch")));
}

static void ask_whois(struct talker *t)
{
    must(hub_whois(t->user, SV("reader")));
}

static void ask_rooms(struct talker *t)
{
    must(hub_rooms(t->user));
}

static void ask_history(struct talker *t)
{
    must(hub_history(t->user, room_of(t, "#a"), 10));
}

static void ask_mode(struct talker *t)
{
    mode(t, "#a", "+m");
}

static void ask_kick(struct talker *t)
{
    must(hub_kick(t->user, room_of(t, "#a"), SV("alice"), SV("")));
}

static void ask_invite(struct talker *t)
{
    must(hub_invite(t->user, room_of(t, "#a"), SV("nobody")));
}

static void ask_setname(struct talker *t)
{
    must(hub_setname(t->user, SV("somebody")));
}

static void ask_kill(struct talker *t)
{
    must(hub_kill(t->user, SV("reader"), SV("")));
}

static void ask_watch(struct talker *t)
{
    must(hub_watch(t->user, SV("reader")));
}

static void (*const requests[])(struct talker *t) = {
    ask_nick,  ask_join,   ask_join_known, ask_leave, ask_say,     ask_direct,
    ask_topic, ask_away,   ask_whois,      ask_rooms, ask_history, ask_mode,
    ask_kick,  ask_invite, ask_setname,    ask_kill,  ask_watch,
};

/* What happens to the node when the user is closed. */
enum weather { FAIR, LOST, NEW_ID, REFUSING, HOLE, WEATHER_COUNT };

static void begin_weather(enum weather weather)
{
    switch (weather) {
    case LOST:
        memory_world_lose(&fx.world);
        break;
    case NEW_ID:
        memory_node_declare_lost(fx.nodes[0], "n0x");
        break;
    case REFUSING:
        fx.nodes[0]->gives_up = true;
        break;
    case HOLE:
        memory_node_tear_hole(fx.nodes[0], "#a");
        break;
    case FAIR:
    case WEATHER_COUNT:
        break;
    }
}

static void step(unsigned count)
{
    while (count > 0 && memory_backplane_step(&fx.world)) {
        count--;
    }
}

/* Ask, let `steps` things happen, close, and see that the traces are gone everywhere. */
static void close_after(size_t request, unsigned steps, enum weather weather)
{
    struct talker *t = NULL;

    fixture_start();
    struct talker *reader = talker_in_a(1, "reader");
    (void)talker_in_a(0, "neighbour");
    join(reader, "#known");
    settle();
    t = talker_in_a(0, "alice");
    mode(reader, "#a", "+o alice");
    settle();
    requests[request](t);
    step(steps);
    begin_weather(weather);
    close_talker(t, "gone");
    step(6);
    fx.nodes[0]->gives_up = false;
    settle();
    ck_assert_str_eq(names_in(0, "#a"), "neighbour reader");
    ck_assert_str_eq(names_in(1, "#a"), "neighbour reader");
    ck_assert_str_eq(names_in(1, "#known"), "reader");
    ck_assert_uint_eq(memory_member_count(&fx.world, "#a"), 2);
    ck_assert_uint_eq(memory_member_count(&fx.world, "#b"), 0);
    ck_assert_uint_eq(memory_member_count(&fx.world, "#known"), 1);
    ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
    ck_assert_str_eq(memory_name_owner(&fx.world, "other"), "");
    ck_assert_uint_eq(user_live_count(), 2);
    fixture_end();
}

START_TEST(test_close_at_any_moment_leaves_nothing)
{
    size_t request = (size_t)_i / WEATHER_COUNT;

    for (unsigned steps = 0; steps < 12; steps++) {
        close_after(request, steps, (enum weather)(_i % WEATHER_COUNT));
    }
}
END_TEST

START_TEST(test_close_while_registering)
{
    for (unsigned steps = 0; steps < 4; steps++) {
        fixture_start();
        struct talker *t = talker_new(0);

        nick(t, "alice");
        step(steps);
        close_talker(t, "");
        settle();
        ck_assert_str_eq(memory_name_owner(&fx.world, "alice"), "");
        ck_assert_uint_eq(user_live_count(), 0);
        fixture_end();
    }
}
END_TEST

START_TEST(test_close_without_a_name)
{
    fixture_start();
    struct talker *t = talker_new(0);

    close_talker(t, "");
    settle();
    ck_assert_uint_eq(user_live_count(), 0);
    fixture_end();
}
END_TEST

START_TEST(test_hub_free_with_everything_under_way)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(requests); i++) {
        fixture_start();
        struct talker *t = talker_in_a(0, "alice");

        requests[i](t);
        step((unsigned)i % 3);
        fixture_end();
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("user");
    TCase *tc = tcase_create("closing");

    tcase_add_loop_test(tc, test_close_at_any_moment_leaves_nothing, 0,
                        (int)PARLEY_COUNT_OF(requests) * WEATHER_COUNT);
    tcase_add_test(tc, test_close_while_registering);
    tcase_add_test(tc, test_close_without_a_name);
    tcase_add_test(tc, test_hub_free_with_everything_under_way);
    suite_add_tcase(s, tc);
    return s;
}
