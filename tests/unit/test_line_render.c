/* The renderer: every type of event as docs/PROTOCOL.md states it. */
#include <check.h>
#include <string.h>

#include <parley/core/item.h>
#include <parley/core/loop.h>
#include <parley/hub/hub.h>
#include <parley/util/rng.h>

#include "proto/line/render.h"
#include "support/memory_backplane.h"

Suite *suite(void);

/* ---- a hub with a room, so that there are rooms and persons to look at ---- */

enum { USERS_MAX = 30 };

static struct fixture {
    struct loop *loop;
    struct memory_world world;
    struct memory_node *node;
    struct hub *hub;
    struct hub_user *users[USERS_MAX];
    size_t user_count;
    const struct room *room; /* #tea, with all users */
    struct strbuf out;
} fx;

static void ignore_event(void *sink, struct hub_event *event)
{
    (void)sink;
    (void)event;
}

static void ignore_idle(void *sink)
{
    (void)sink;
}

static const struct hub_sink_ops deaf = {.deliver = ignore_event, .on_idle = ignore_idle};

/* Until what was asked for has taken effect. */
static void settle(struct hub_user *u)
{
    memory_backplane_run(&fx.world);
    ck_assert(!hub_user_is_busy(u));
}

/* One more member of #tea. */
static void add_user(const char *nick)
{
    struct hub_user *u = hub_user_new(fx.hub, &deaf, NULL, SV("192.0.2.7"));

    ck_assert_int_eq(hub_nick(u, sv_of(nick)), HUB_OK);
    settle(u);
    ck_assert_int_eq(hub_join(u, SV("#tea")), HUB_OK);
    settle(u);
    fx.room = hub_user_room(u, 0);
    ck_assert_ptr_nonnull(fx.room);
    fx.users[fx.user_count++] = u;
}

static void set_up(void)
{
    static const struct hub_policy policy = {
        .max_rooms = 10, .max_pending_lines = 10, .linger_ms = 1000};

    rng_init();
    fx.loop = loop_new();
    memory_world_init(&fx.world);
    fx.node = memory_node_new(&fx.world, "n1");
    fx.hub = hub_new(fx.loop, memory_node_backplane(fx.node), &policy);
    fx.user_count = 0;
    strbuf_init(&fx.out, 10000);
    add_user("alice");
}

static void tear_down(void)
{
    strbuf_done(&fx.out);
    hub_free(fx.hub);
    memory_node_free(fx.node);
    memory_world_done(&fx.world);
    loop_free(fx.loop);
}

static const struct person *person(size_t index)
{
    return hub_user_person(fx.users[index]);
}

static void assert_out(const char *want)
{
    ck_assert(!fx.out.failed);
    ck_assert_str_eq(strbuf_cstr(&fx.out), want);
    strbuf_clear(&fx.out);
}

static void assert_event(const struct hub_event *e, const char *want)
{
    ck_assert(render_event(&fx.out, e));
    assert_out(want);
}

/* ---- events ---- */

/* Each is about #tea, done by bob, at one time; `person` is alice where it is needed. */
static const struct event_case {
    enum hub_event_type type;
    char kind;
    const char *text;
    const char *line;
} event_cases[] = {
    {EV_NICK_TAKEN, 0, "bob", "! The name \"bob\" is taken. Choose another."},
    {EV_UNAVAILABLE, ITEM_MESSAGE, "hi", "! Not sent, the backplane is away: \"hi\""},
    {EV_UNAVAILABLE, ITEM_ACTION, "", "! Not sent, the backplane is away: \"\""},
    {EV_UNAVAILABLE, ITEM_DIRECT, "bob", "! Not sent, the backplane is away: \"bob\""},
    {EV_UNAVAILABLE, ITEM_JOIN, "#tea", "! Not done, the backplane is away: \"#tea\""},
    {EV_UNAVAILABLE, 0, "", "! Not done, the backplane is away: \"\""},
    {EV_UNAVAILABLE, ITEM_MESSAGE, "0123456789012345678901234567890123456789x",
     "! Not sent, the backplane is away: "
     "\"0123456789012345678901234567890123456789...\""},
    {EV_JOIN, 0, "", "* bob joined #tea"},
    {EV_LEAVE, 0, "", "* bob left #tea"},
    {EV_LEAVE, 0, "too hot", "* bob left #tea (too hot)"},
    {EV_QUIT, 0, "", "* bob quit"},
    {EV_QUIT, 0, "good night", "* bob quit (good night)"},
    {EV_NICK, 0, "", "* old is now alice"},
    {EV_TOPIC, 0, "Tea", "* bob changed the topic of #tea to: Tea"},
    {EV_TOPIC, 0, "", "* bob removed the topic of #tea"},
    {EV_MESSAGE, ITEM_MESSAGE, "hello", "[#tea] <bob> hello"},
    {EV_MESSAGE, ITEM_MESSAGE, "", "[#tea] <bob> "},
    {EV_MESSAGE, ITEM_ACTION, "waves", "[#tea] * bob waves"},
    {EV_MESSAGE, ITEM_NOTICE, "beep", "[#tea] -bob- beep"},
    {EV_MESSAGE, ITEM_MESSAGE, "\x1b[2J\xff\r\n!", "[#tea] <bob> [2J\xef\xbf\xbd!"},
    {EV_RECENT, ITEM_MESSAGE, "hello", "[#tea 2026-11-23T14:02:11Z] <bob> hello"},
    {EV_RECENT, ITEM_ACTION, "waves", "[#tea 2026-11-23T14:02:11Z] * bob waves"},
    {EV_RECENT, ITEM_NOTICE, "beep", "[#tea 2026-11-23T14:02:11Z] -bob- beep"},
    {EV_HISTORY_END, 0, "", "* End of history."},
    {EV_DIRECT, ITEM_MESSAGE, "psst", "[bob -> you] psst"},
    {EV_DIRECT, ITEM_ACTION, "winks", "[bob -> you] * bob winks"},
    {EV_DIRECT, ITEM_NOTICE, "beep", "[bob -> you] -bob- beep"},
    {EV_DIRECT_SENT, ITEM_MESSAGE, "psst", "[you -> carol] psst"},
    {EV_DIRECT_SENT, ITEM_ACTION, "winks", "[you -> carol] * bob winks"},
    {EV_NO_SUCH_NICK, 0, "dave", "! There is nobody called \"dave\"."},
    {EV_HOLE, 0, "", "* Some lines of #tea are missing here."},
    {EV_LOST, ITEM_LOST, "", "* 3 lines were lost in a failure of the backplane."},
    {EV_RECENT, ITEM_LOST, "",
     "[#tea 2026-11-23T14:02:11Z] * 3 lines were lost in a failure of the backplane."},
    {EV_ROOM_LISTED, 0, "", "* #den (3)"},
    {EV_ROOM_LISTED, 0, "Tea", "* #den (3): Tea"},
    {EV_AWAY, 0, "lunch", "* bob is away: lunch"},
    {EV_AWAY, 0, "", "* bob is back"},
    {EV_KICK, 0, "", "* carol was kicked from #tea by bob"},
    {EV_KICK, 0, "rude", "* carol was kicked from #tea by bob (rude)"},
    {EV_INVITE, 0, "", "* bob invites you to #den"},
    {EV_KILLED, 0, "", "! You were disconnected by bob."},
    {EV_KILLED, 0, "spam", "! You were disconnected by bob (spam)."},
};

static struct hub_event event_of(enum hub_event_type type, char kind,
                                 struct str_view text)
{
    return (struct hub_event){
        .type = type,
        .kind = kind,
        .room = fx.room,
        .person = person(0),
        .who = SV("bob!b@192.0.2.8"),
        .text = text,
        .target = SV("carol"),
        .old_nick = SV("old"),
        .room_name = SV("#den"),
        .count = 3,
        .time_ms = 1795442531000,
    };
}

START_TEST(test_lost_lines_are_counted_in_good_english)
{
    struct hub_event e = event_of(EV_LOST, ITEM_LOST, SV(""));

    e.count = 1;
    assert_event(&e, "* 1 line was lost in a failure of the backplane.");
    e.count = 0;
    assert_event(&e, "* Some lines were lost in a failure of the backplane.");
}
END_TEST

START_TEST(test_event)
{
    const struct event_case *c = &event_cases[_i];
    struct hub_event e = event_of(c->type, c->kind, sv_of(c->text));

    assert_event(&e, c->line);
}
END_TEST

/* These have no line that everybody reads. */
START_TEST(test_no_line)
{
    static const enum hub_event_type types[] = {EV_REGISTERED, EV_WELCOME, EV_ROOMS_END};

    for (size_t i = 0; i < PARLEY_COUNT_OF(types); i++) {
        struct hub_event e = event_of(types[i], 0, SV(""));
        ck_assert(!render_event(&fx.out, &e));
        ck_assert_uint_eq(fx.out.len, 0);
    }
}
END_TEST

START_TEST(test_join_refused)
{
    static const struct {
        enum hub_result reason;
        const char *line;
    } cases[] = {
        {HUB_BANNED, "! You may not come into #den: you are banned."},
        {HUB_INVITE_ONLY, "! You may not come into #den: you are not invited."},
        {HUB_BAD_KEY, "! You may not come into #den: it needs a key."},
        {HUB_FULL, "! You may not come into #den: it is full."},
    };

    for (size_t i = 0; i < PARLEY_COUNT_OF(cases); i++) {
        struct hub_event e = event_of(EV_JOIN_REFUSED, 0, SV(""));
        e.reason = cases[i].reason;
        assert_event(&e, cases[i].line);
    }
}
END_TEST

START_TEST(test_for_some_of_the_room)
{
    struct hub_event e = event_of(EV_MESSAGE, ITEM_MESSAGE, SV("hello"));

    e.status = '@';
    assert_event(&e, "[@#tea] <bob> hello");
}
END_TEST

START_TEST(test_mode)
{
    struct hub_mode_change changes[] = {
        {.is_added = true, .letter = 'm'},
        {.is_added = true, .letter = 'o', .parameter = SV("carol")},
        {.is_added = true, .letter = 'b', .parameter = SV("x!*@*")},
        {.is_added = false, .letter = 'o', .parameter = SV("dave")},
        {.is_added = true, .letter = 'v', .parameter = SV("erin")},
        {.is_added = false, .letter = 'v', .parameter = SV("fred")},
    };
    struct hub_event e = event_of(EV_MODE, 0, SV(""));

    e.changes = changes;
    e.change_count = PARLEY_COUNT_OF(changes);
    assert_event(&e, "* bob made carol an operator of #tea\r\n"
                     "* bob made dave no operator any more of #tea\r\n"
                     "* bob gave erin a voice in #tea\r\n"
                     "* bob took from fred the voice in #tea");
    e.change_count = 1;
    ck_assert(!render_event(&fx.out, &e));
    e.change_count = 2;
    e.who = SV("");
    ck_assert(!render_event(&fx.out, &e)); /* the room's first operator */
}
END_TEST

/* Who did it is read from the entry, else from the person. */
START_TEST(test_actor)
{
    struct hub_event e = event_of(EV_JOIN, 0, SV(""));

    e.who = sv(NULL, 0);
    assert_event(&e, "* alice joined #tea");
    e.person = NULL;
    assert_event(&e, "* somebody joined #tea");
    e.who = SV("\x1b"
               "eve\a!e@h");
    assert_event(&e, "* eve joined #tea");
}
END_TEST

START_TEST(test_longest)
{
    static char text[HUB_TEXT_BYTES_MAX];
    struct hub_event e = event_of(EV_RECENT, ITEM_MESSAGE, sv(text, sizeof text));

    memset(text, 'x', sizeof text);
    ck_assert(render_event(&fx.out, &e));
    ck_assert_uint_eq(fx.out.len,
                      sizeof text + strlen("[#tea 2026-11-23T14:02:11Z] <bob> "));
    /* With the longest names and the line's end it is a line. */
    size_t prefix = ROOM_BYTES_MAX + NICK_BYTES_MAX +
                    strlen("[ 2026-11-23T14:02:11Z] <> ");
    ck_assert_uint_le(prefix + sizeof text + 2, 4096);
}
END_TEST

/* A record that is none shows what is known. */
START_TEST(test_whois_bad_record)
{
    struct hub_event e = event_of(EV_WHOIS, 0, SV("dave"));

    e.record = SV("no record");
    assert_event(&e, "* dave is online");
}
END_TEST

/* ---- rooms ---- */

START_TEST(test_company)
{
    render_company(&fx.out, fx.room, person(0));
    assert_out(", alone.");
    add_user("bob");
    render_company(&fx.out, fx.room, person(0));
    assert_out(" with bob.");
    render_company(&fx.out, fx.room, person(1));
    assert_out(" with alice.");
}
END_TEST

/* How many commas there are in what was rendered. */
static int count_commas(void)
{
    int count = 0;

    for (size_t i = 0; i < fx.out.len; i++) {
        count += fx.out.ptr[i] == ',' ? 1 : 0;
    }
    return count;
}

static bool out_ends_with(const char *end)
{
    size_t len = strlen(end);

    return fx.out.len >= len && memcmp(fx.out.ptr + fx.out.len - len, end, len) == 0;
}

START_TEST(test_large_company)
{
    for (int i = 0; i < RENDER_NAMES_MAX; i++) {
        char nick[] = {'u', (char)('a' + i), '\0'};
        add_user(nick);
    }
    render_company(&fx.out, fx.room, person(0));
    ck_assert_int_eq(count_commas(), RENDER_NAMES_MAX - 1);
    ck_assert(!out_ends_with("others.") && !out_ends_with("other."));
    strbuf_clear(&fx.out);

    add_user("dave");
    render_company(&fx.out, fx.room, person(0));
    ck_assert_int_eq(count_commas(), RENDER_NAMES_MAX - 1);
    ck_assert(out_ends_with(" and 1 other."));
    strbuf_clear(&fx.out);

    add_user("erin");
    render_company(&fx.out, fx.room, person(0));
    ck_assert(out_ends_with(" and 2 others."));
}
END_TEST

START_TEST(test_members)
{
    size_t cursor = 0;

    ck_assert_int_eq(hub_away(fx.users[0], SV("lunch")), HUB_OK);
    settle(fx.users[0]);
    ck_assert_uint_eq(render_members(&fx.out, fx.room, &cursor), 1);
    assert_out("* #tea: alice (away)");
    ck_assert_uint_eq(render_members(&fx.out, fx.room, &cursor), 0);
    ck_assert_uint_eq(fx.out.len, 0);

    for (int i = 0; i < RENDER_NAMES_MAX; i++) {
        char nick[] = {'u', (char)('a' + i), '\0'};
        add_user(nick);
    }
    cursor = 0;
    ck_assert_uint_eq(render_members(&fx.out, fx.room, &cursor), RENDER_NAMES_MAX);
    ck_assert_int_eq(count_commas(), RENDER_NAMES_MAX - 1);
    strbuf_clear(&fx.out);
    ck_assert_uint_eq(render_members(&fx.out, fx.room, &cursor), 1);
    ck_assert_int_eq(count_commas(), 0);
}
END_TEST

START_TEST(test_topic)
{
    ck_assert_int_eq(hub_topic(fx.users[0], fx.room, SV("Tea and nodes")), HUB_OK);
    settle(fx.users[0]);
    render_topic(&fx.out, fx.room);
    assert_out("* Topic of #tea: Tea and nodes (set by alice)");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("line_render");
    TCase *t = tcase_create("events");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_lost_lines_are_counted_in_good_english);
    tcase_add_loop_test(t, test_event, 0, (int)PARLEY_COUNT_OF(event_cases));
    tcase_add_test(t, test_no_line);
    tcase_add_test(t, test_join_refused);
    tcase_add_test(t, test_for_some_of_the_room);
    tcase_add_test(t, test_mode);
    tcase_add_test(t, test_actor);
    tcase_add_test(t, test_longest);
    tcase_add_test(t, test_whois_bad_record);
    suite_add_tcase(s, t);

    t = tcase_create("rooms");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_company);
    tcase_add_test(t, test_large_company);
    tcase_add_test(t, test_members);
    tcase_add_test(t, test_topic);
    suite_add_tcase(s, t);
    return s;
}
