/* Events as IRC lines: every type, every form, and texts longer than a line. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/core/loop.h>
#include <parley/hub/hub.h>
#include <parley/util/rng.h>
#include <parley/util/utf8.h>

#include "proto/irc/caps.h"
#include "proto/irc/limits.h"
#include "proto/irc/render.h"
#include "support/memory_backplane.h"

Suite *suite(void);

/* ---- a hub with alice in #Tea, so that there are a room and a person to look at ---- */

static struct loop *loop;
static struct memory_world world;
static struct memory_node *node;
static struct hub *hub;
static const struct room *room;
static const struct person *alice;
static struct strbuf out;

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

static void set_up(void)
{
    static const struct hub_policy policy = {
        .max_rooms = 10, .max_pending_lines = 10, .linger_ms = 1000};

    rng_init();
    loop = loop_new();
    memory_world_init(&world);
    node = memory_node_new(&world, "n1");
    hub = hub_new(loop, memory_node_backplane(node), &policy);
    struct hub_user *u = hub_user_new(hub, &deaf, NULL, SV("192.0.2.7"));
    hub_user_describe(u, SV("~al"), SV("Alice A"), SV(""));
    ck_assert_int_eq(hub_nick(u, SV("alice")), HUB_OK);
    memory_backplane_run(&world);
    ck_assert_int_eq(hub_join(u, SV("#Tea")), HUB_OK);
    memory_backplane_run(&world);
    room = hub_user_room(u, 0);
    ck_assert_ptr_nonnull(room);
    alice = hub_user_person(u);
    strbuf_init(&out, 100000);
}

static void tear_down(void)
{
    strbuf_done(&out);
    hub_free(hub);
    memory_node_free(node);
    memory_world_done(&world);
    loop_free(loop);
}

static struct hub_event event_of(enum hub_event_type type, char kind, const char *text)
{
    return (struct hub_event){
        .type = type,
        .kind = kind,
        .person = alice,
        .who = SV("alice!~al@192.0.2.7"),
        .text = sv_of(text),
        .target = SV("bob"),
        .room_name = SV("#Tea"),
        .id = {1732370531123, 4},
        .index = 7,
        .count = 3,
        .time_ms = 1732370531123,
    };
}

static bool has_room(enum hub_event_type type)
{
    return type == EV_JOIN || type == EV_LEAVE || type == EV_TOPIC ||
           type == EV_MESSAGE || type == EV_HOLE || type == EV_KICK || type == EV_MODE ||
           type == EV_INVITE_SEEN || type == EV_LOST;
}

static void render(struct hub_event *e, uint32_t caps)
{
    e->room = has_room(e->type) ? room : NULL;
    strbuf_clear(&out);
    ck_assert(irc_render_event(&out, e, irc_render_form(caps, e)));
    ck_assert(!out.failed);
}

#define ALICE ":alice!~al@192.0.2.7 "

static const struct {
    enum hub_event_type type;
    char kind;
    const char *text;
    const char *line;
} cases[] = {
    {EV_JOIN, 0, "", ALICE "JOIN #Tea\r\n"},
    {EV_LEAVE, 0, "", ALICE "PART #Tea\r\n"},
    {EV_LEAVE, 0, "too hot", ALICE "PART #Tea :too hot\r\n"},
    {EV_QUIT, 0, "", ALICE "QUIT :\r\n"},
    {EV_QUIT, 0, "good night", ALICE "QUIT :good night\r\n"},
    {EV_NICK, 0, "carol", ALICE "NICK :carol\r\n"},
    {EV_TOPIC, 0, "a b", ALICE "TOPIC #Tea :a b\r\n"},
    {EV_TOPIC, 0, "", ALICE "TOPIC #Tea :\r\n"},
    {EV_AWAY, 0, "lunch", ALICE "AWAY :lunch\r\n"},
    {EV_AWAY, 0, "", ALICE "AWAY\r\n"},
    {EV_MESSAGE, ITEM_MESSAGE, "hi", ALICE "PRIVMSG #Tea :hi\r\n"},
    {EV_MESSAGE, ITEM_NOTICE, "hi", ALICE "NOTICE #Tea :hi\r\n"},
    {EV_MESSAGE, ITEM_ACTION, "waves",
     ALICE "PRIVMSG #Tea :\x01"
           "ACTION waves\x01\r\n"},
    {EV_MESSAGE, ITEM_MESSAGE, "a\rb\nc", ALICE "PRIVMSG #Tea :a b c\r\n"},
    {EV_DIRECT, ITEM_MESSAGE, "psst", ALICE "PRIVMSG bob :psst\r\n"},
    {EV_DIRECT, ITEM_NOTICE, "psst", ALICE "NOTICE bob :psst\r\n"},
    {EV_SETNAME, 0, "Al B", ALICE "SETNAME :Al B\r\n"},
    {EV_KILLED, 0, "x y", ALICE "KILL bob :x y\r\n"},
    {EV_WALLOPS, 0, "x y", ALICE "WALLOPS :x y\r\n"},
    {EV_DIRECT_SENT, ITEM_MESSAGE, "psst", ALICE "PRIVMSG bob :psst\r\n"},
    {EV_KICK, 0, "too hot", ALICE "KICK #Tea bob :too hot\r\n"},
    {EV_KICK, 0, "", ALICE "KICK #Tea bob :alice\r\n"},
    {EV_INVITE, 0, "", ALICE "INVITE bob #Tea\r\n"},
    {EV_INVITE_SEEN, 0, "", ALICE "INVITE bob #Tea\r\n"},
    {EV_HOLE, 0, "",
     ":irc.parley NOTICE #Tea :Some lines of this room are missing here.\r\n"},
    {EV_LOST, ITEM_LOST, "",
     ":irc.parley NOTICE #Tea :3 lines were lost in a failure of the backplane.\r\n"},
};

START_TEST(test_plain)
{
    struct hub_event e = event_of(cases[_i].type, cases[_i].kind, cases[_i].text);

    render(&e, 0);
    ck_assert_str_eq(strbuf_cstr(&out), cases[_i].line);
}
END_TEST

/* The same line behind tags, whatever the tags. */
START_TEST(test_tags_change_nothing_else)
{
    struct hub_event e = event_of(cases[_i].type, cases[_i].kind, cases[_i].text);
    size_t length = strlen(cases[_i].line);

    e.account = SV("acc");
    render(&e, IRC_CAP_SERVER_TIME | IRC_CAP_MESSAGE_TAGS | IRC_CAP_ACCOUNT_TAG);
    ck_assert_uint_gt(out.len, length);
    ck_assert_str_eq(strbuf_cstr(&out) + out.len - length, cases[_i].line);
    ck_assert_int_eq(out.ptr[0], '@');
}
END_TEST

#define TIME "time=2024-11-23T14:02:11.123Z"

static const struct {
    uint32_t caps;
    const char *account;
    const char *tags;
} tag_cases[] = {
    {0, "acc", ""},
    {IRC_CAP_SERVER_TIME, "acc", "@" TIME " "},
    {IRC_CAP_MESSAGE_TAGS, "acc", "@msgid=<id> "},
    {IRC_CAP_ACCOUNT_TAG, "acc", "@account=acc "},
    {IRC_CAP_ACCOUNT_TAG, "", ""},
    {IRC_CAP_SERVER_TIME | IRC_CAP_MESSAGE_TAGS, "", "@" TIME ";msgid=<id> "},
    {IRC_CAP_SERVER_TIME | IRC_CAP_MESSAGE_TAGS | IRC_CAP_ACCOUNT_TAG, "a;b c",
     "@" TIME ";msgid=<id>;account=a_b_c "},
};

/* Replace the digest of an id, so that a test does not have to know it. */
static void hide_id(char *line)
{
    char *id = strstr(line, "1732370531123-4.7.");

    if (id != NULL) {
        size_t length = strcspn(id, "; ");
        memmove(id + 4, id + length, strlen(id + length) + 1);
        memcpy(id, "<id>", 4);
    }
}

START_TEST(test_tags)
{
    struct hub_event e = event_of(EV_MESSAGE, ITEM_MESSAGE, "hi");
    char got[600];
    char want[600];

    e.account = sv_of(tag_cases[_i].account);
    render(&e, tag_cases[_i].caps);
    (void)snprintf(got, sizeof got, "%s", strbuf_cstr(&out));
    hide_id(got);
    (void)snprintf(want, sizeof want, "%s" ALICE "PRIVMSG #Tea :hi\r\n",
                   tag_cases[_i].tags);
    ck_assert_str_eq(got, want);
}
END_TEST

/* Behind the server's own tags (message-tags, "Size limit"), and only for who knows tags. */
START_TEST(test_tags_of_clients)
{
    struct hub_event e = event_of(EV_MESSAGE, ITEM_MESSAGE, "hi");

    e.tags = SV("+a=b;+c");
    render(&e, IRC_CAP_SERVER_TIME | IRC_CAP_MESSAGE_TAGS);
    const char *own = strstr(strbuf_cstr(&out), ";msgid=");
    ck_assert_ptr_nonnull(own);
    ck_assert_ptr_nonnull(strstr(own, ";+a=b;+c " ALICE "PRIVMSG #Tea :hi\r\n"));
    render(&e, IRC_CAP_SERVER_TIME);
    ck_assert_ptr_null(strstr(strbuf_cstr(&out), "+a"));
    e.id = (struct entry_id){0, 0};
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_str_eq(strbuf_cstr(&out), "@+a=b;+c " ALICE "PRIVMSG #Tea :hi\r\n");
}
END_TEST

START_TEST(test_tagmsg)
{
    static const enum hub_event_type types[] = {EV_TAGMSG, EV_DIRECT_SENT};
    struct hub_event e = event_of(types[_i], ITEM_TAGMSG, "");

    e.tags = SV("+a");
    e.id = (struct entry_id){0, 0};
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_str_eq(strbuf_cstr(&out), "@+a " ALICE "TAGMSG bob\r\n");
    strbuf_clear(&out);
    ck_assert(!irc_render_event(&out, &e, irc_render_form(IRC_CAP_SERVER_TIME, &e)));
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(test_tag_of_bots)
{
    struct hub_event e = event_of(EV_DIRECT, ITEM_MESSAGE, "hi");

    e.person = NULL;
    e.modes = SV("iB");
    e.id = (struct entry_id){0, 0};
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_str_eq(strbuf_cstr(&out), "@bot " ALICE "PRIVMSG bob :hi\r\n");
    render(&e, IRC_CAP_SERVER_TIME);
    ck_assert_ptr_null(strstr(strbuf_cstr(&out), "bot "));
    e.person = alice; /* is none */
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_str_eq(strbuf_cstr(&out), ALICE "PRIVMSG bob :hi\r\n");
    e.person = NULL;
    e.who = SV(""); /* the server */
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_ptr_null(strstr(strbuf_cstr(&out), "bot "));
}
END_TEST

START_TEST(test_extended_join)
{
    struct hub_event e = event_of(EV_JOIN, 0, "");

    render(&e, IRC_CAP_EXTENDED_JOIN);
    ck_assert_str_eq(strbuf_cstr(&out), ALICE "JOIN #Tea * :Alice A\r\n");
    e.account = SV("acc");
    render(&e, IRC_CAP_EXTENDED_JOIN);
    ck_assert_str_eq(strbuf_cstr(&out), ALICE "JOIN #Tea acc :Alice A\r\n");
}
END_TEST

/* Two rooms, or two people, may have entries of one id. */
START_TEST(test_ids_of_two_logs_differ)
{
    struct hub_event e = event_of(EV_DIRECT, ITEM_MESSAGE, "x");
    char first[600];

    render(&e, IRC_CAP_MESSAGE_TAGS);
    (void)snprintf(first, sizeof first, "%s", strbuf_cstr(&out));
    e.target = SV("BOB");
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_int_eq(strncmp(first, strbuf_cstr(&out), strcspn(first, " ")), 0);
    e.target = SV("bobby");
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_int_ne(strncmp(first, strbuf_cstr(&out), strcspn(first, " ")), 0);
}
END_TEST

/* Whichever log brings such news first: the id would not be the same everywhere. */
static const enum hub_event_type without_id[] = {EV_NICK, EV_QUIT, EV_AWAY, EV_SETNAME};

START_TEST(test_news_of_several_logs_have_no_id)
{
    struct hub_event e = event_of(without_id[_i], 0, "x");

    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_int_eq(out.ptr[0], ':');
}
END_TEST

START_TEST(test_status_stands_before_the_room)
{
    struct hub_event e = event_of(EV_MESSAGE, ITEM_MESSAGE, "hi");
    char id[600];

    e.status = '@';
    render(&e, 0);
    ck_assert_str_eq(strbuf_cstr(&out), ALICE "PRIVMSG @#Tea :hi\r\n");
    render(&e, IRC_CAP_MESSAGE_TAGS);
    (void)snprintf(id, sizeof id, "%s", strbuf_cstr(&out));
    e.status = '\0';
    render(&e, IRC_CAP_MESSAGE_TAGS);
    ck_assert_int_eq(strncmp(id, strbuf_cstr(&out), strcspn(id, " ")), 0);
}
END_TEST

/* ---- modes ---- */

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

static const struct {
    const char *changes[6];
    const char *line;
} mode_cases[] = {
    {{"+m"}, "MODE #Tea +m\r\n"},
    {{"+o bob"}, "MODE #Tea +o bob\r\n"},
    {{"+o bob", "+m", "-v ann", "-t", "+l 10"}, "MODE #Tea +om-vt+l bob ann 10\r\n"},
    {{"-k key", "-l", "-b x!*@*"}, "MODE #Tea -klb key x!*@*\r\n"},
};

START_TEST(test_modes)
{
    struct hub_event e = event_of(EV_MODE, 0, "");
    struct hub_mode_change changes[6];
    char want[600];

    e.changes = changes;
    while (mode_cases[_i].changes[e.change_count] != NULL) {
        changes[e.change_count] = change_of(mode_cases[_i].changes[e.change_count]);
        e.change_count++;
    }
    render(&e, 0);
    (void)snprintf(want, sizeof want, ALICE "%s", mode_cases[_i].line);
    ck_assert_str_eq(strbuf_cstr(&out), want);
    e.who = SV(""); /* the room's own doing */
    render(&e, 0);
    (void)snprintf(want, sizeof want, ":irc.parley %s", mode_cases[_i].line);
    ck_assert_str_eq(strbuf_cstr(&out), want);
    render(&e, IRC_CAP_SERVER_TIME | IRC_CAP_MESSAGE_TAGS);
    ck_assert_int_eq(out.ptr[0], '@');
    ck_assert_str_eq(strbuf_cstr(&out) + out.len - strlen(want), want);
}
END_TEST

/* Each change once, in lines that clients take: 512 bytes, 15 parameters, an id of their own. */
START_TEST(test_many_modes_become_several_lines)
{
    static char masks[HUB_MODE_CHANGES_MAX][ROOM_MASK_BYTES_MAX + 1];
    struct hub_event e = event_of(EV_MODE, 0, "");
    struct hub_mode_change changes[HUB_MODE_CHANGES_MAX];
    size_t length = _i == 0 ? 1 : _i == 1 ? 40 : ROOM_MASK_BYTES_MAX;
    size_t seen = 0;
    size_t lines = 0;

    for (size_t i = 0; i < HUB_MODE_CHANGES_MAX; i++) {
        memset(masks[i], 'a' + (int)i, length);
        changes[i] = (struct hub_mode_change){
            .is_added = i % 3 != 0,
            .letter = 'b',
            .parameter = sv(masks[i], length),
        };
    }
    e.changes = changes;
    e.change_count = HUB_MODE_CHANGES_MAX;
    render(&e, IRC_CAP_MESSAGE_TAGS);
    struct str_view rest = strbuf_view(&out);
    for (; rest.len > 0; lines++) {
        struct str_view line = sv_next_until(&rest, '\n');
        struct str_view tags = sv_next_until(&line, ' ');
        size_t words = 0;

        ck_assert_int_eq(tags.ptr[0], '@');
        ck_assert_uint_le(line.len + 1, IRC_LINE_BYTES_MAX);
        line.len--; /* the carriage return */
        for (struct str_view w; (w = sv_next_word(&line)).len > 0; words++) {
            if (words > 3) {
                ck_assert(sv_equal(w, changes[seen].parameter));
                seen++;
            }
        }
        ck_assert_uint_le(words - 2, 15);
    }
    ck_assert_uint_eq(seen, HUB_MODE_CHANGES_MAX);
    ck_assert_uint_ge(lines, 2);
}
END_TEST

START_TEST(test_no_modes_are_no_line)
{
    struct hub_event e = event_of(EV_MODE, 0, "");

    ck_assert(!irc_render_event(&out, &e, 0));
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* ---- forms ---- */

START_TEST(test_rich_clients_have_low_forms)
{
    struct hub_event e = event_of(EV_JOIN, 0, "");

    ck_assert_uint_lt(irc_render_form(UINT32_MAX, &e), HUB_VARIANTS_MAX - 1);
    e.account = SV("acc");
    ck_assert_uint_lt(irc_render_form(UINT32_MAX, &e), HUB_VARIANTS_MAX - 1);
    ck_assert_uint_lt(irc_render_form(0, &e), HUB_VARIANTS_MAX - 1);
}
END_TEST

/* Clients of one form are shown the same bytes, whatever else they know. */
START_TEST(test_one_form_has_one_line)
{
    struct hub_event e = event_of(EV_JOIN, 0, "");
    char seen[IRC_FORM_COUNT][600] = {{0}};

    for (uint32_t caps = 0; caps < 1U << IRC_CAP_COUNT; caps += 1 + caps % 7) {
        unsigned form = irc_render_form(caps, &e);
        ck_assert_uint_lt(form, IRC_FORM_COUNT);
        render(&e, caps);
        if (seen[form][0] == '\0') {
            (void)snprintf(seen[form], sizeof seen[form], "%s", strbuf_cstr(&out));
        }
        ck_assert_str_eq(seen[form], strbuf_cstr(&out));
    }
}
END_TEST

/* ---- long texts ---- */

START_TEST(test_long_text_becomes_several_lines)
{
    static char text[HUB_TEXT_BYTES_MAX + 1];
    static const char kinds[] = {ITEM_MESSAGE, ITEM_ACTION, ITEM_NOTICE};
    struct hub_event e = event_of(EV_MESSAGE, kinds[_i % 3], text);
    struct strbuf joined;

    for (size_t i = 0; i + 3 <= HUB_TEXT_BYTES_MAX; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    e.text = sv(text, HUB_TEXT_BYTES_MAX / 3 * 3);
    render(&e, _i < 3 ? 0 : IRC_CAP_MESSAGE_TAGS);
    strbuf_init(&joined, 100000);
    struct str_view rest = strbuf_view(&out);
    while (rest.len > 0) {
        struct str_view line = sv_next_until(&rest, '\n');
        if (line.ptr[0] == '@') {
            (void)sv_next_until(&line, ' ');
        }
        ck_assert_uint_le(line.len + 1, IRC_LINE_BYTES_MAX);
        ck_assert(utf8_is_valid(line));
        for (size_t i = 0; i < line.len; i++) {
            if ((unsigned char)line.ptr[i] >= 0x80) {
                strbuf_add_char(&joined, line.ptr[i]);
            }
        }
    }
    ck_assert(sv_equal(strbuf_view(&joined), e.text));
    strbuf_done(&joined);
}
END_TEST

START_TEST(test_other_lines_are_cut)
{
    static char text[1000];
    struct hub_event e = event_of(EV_TOPIC, 0, "");

    memset(text, 'x', sizeof text);
    e.text = sv(text, sizeof text);
    render(&e, 0);
    ck_assert_uint_eq(out.len, IRC_LINE_BYTES_MAX);
}
END_TEST

/* What 005 promises fits for the longest names. */
START_TEST(test_a_topic_fits_whole)
{
    static char text[IRC_TOPIC_BYTES_MAX + 1];
    struct hub_event e = event_of(EV_TOPIC, 0, "");

    memset(text, 'x', IRC_TOPIC_BYTES_MAX);
    text[IRC_TOPIC_BYTES_MAX - 1] = '!';
    e.who = SV("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn!~uuuuuuuuuuuuuuuuu@"
               "2001:0db8:1111:2222:3333:4444:5555:66660");
    e.text = sv(text, IRC_TOPIC_BYTES_MAX);
    render(&e, 0);
    /* The room of the test has 4 bytes, the longest has 64. */
    ck_assert_uint_le(out.len + 60, IRC_LINE_BYTES_MAX);
    ck_assert_int_eq(out.ptr[out.len - 3], '!');
}
END_TEST

/* ---- events without a line, actions ---- */

static const enum hub_event_type silent[] = {EV_REGISTERED, EV_WELCOME,    EV_WHOIS,
                                             EV_ROOMS_END,  EV_NICK_TAKEN, EV_RECENT};

START_TEST(test_no_line)
{
    struct hub_event e = event_of(silent[_i], 0, "x");

    ck_assert(!irc_render_event(&out, &e, 0));
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

static const struct {
    const char *text;
    const char *action; /* NULL: none */
} actions[] = {
    {"\x01"
     "ACTION waves\x01",
     "waves"},
    {"\x01"
     "ACTION waves",
     "waves"},
    {"\x01"
     "ACTION \x01",
     NULL},
    {"\x01"
     "ACTION\x01",
     NULL},
    {"\x01"
     "action waves\x01",
     NULL},
    {"ACTION waves", NULL},
    {"\x01"
     "VERSION\x01",
     NULL},
    {"", NULL},
};

START_TEST(test_is_action)
{
    struct str_view text = SV("untouched");

    ck_assert_int_eq(irc_render_is_action(sv_of(actions[_i].text), &text),
                     actions[_i].action != NULL);
    if (actions[_i].action != NULL) {
        ck_assert(sv_equal(text, sv_of(actions[_i].action)));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_render");
    TCase *tc = tcase_create("render");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_plain, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_loop_test(tc, test_tags_change_nothing_else, 0,
                        (int)PARLEY_COUNT_OF(cases));
    tcase_add_loop_test(tc, test_tags, 0, (int)PARLEY_COUNT_OF(tag_cases));
    tcase_add_test(tc, test_tags_of_clients);
    tcase_add_loop_test(tc, test_tagmsg, 0, 2);
    tcase_add_test(tc, test_tag_of_bots);
    tcase_add_test(tc, test_extended_join);
    tcase_add_test(tc, test_ids_of_two_logs_differ);
    tcase_add_loop_test(tc, test_news_of_several_logs_have_no_id, 0,
                        (int)PARLEY_COUNT_OF(without_id));
    tcase_add_test(tc, test_status_stands_before_the_room);
    tcase_add_loop_test(tc, test_modes, 0, (int)PARLEY_COUNT_OF(mode_cases));
    tcase_add_loop_test(tc, test_many_modes_become_several_lines, 0, 3);
    tcase_add_test(tc, test_no_modes_are_no_line);
    tcase_add_test(tc, test_rich_clients_have_low_forms);
    tcase_add_test(tc, test_one_form_has_one_line);
    tcase_add_loop_test(tc, test_long_text_becomes_several_lines, 0, 6);
    tcase_add_test(tc, test_other_lines_are_cut);
    tcase_add_test(tc, test_a_topic_fits_whole);
    tcase_add_loop_test(tc, test_no_line, 0, (int)PARLEY_COUNT_OF(silent));
    tcase_add_loop_test(tc, test_is_action, 0, (int)PARLEY_COUNT_OF(actions));
    suite_add_tcase(s, tc);
    return s;
}
