/* Modes as rows, and what 005 tells. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/irc/isupport.h"
#include "proto/irc/limits.h"
#include "proto/irc/modes.h"

Suite *suite(void);

static struct strbuf out;

static void set_up(void)
{
    strbuf_init(&out, 10000);
}

static void tear_down(void)
{
    strbuf_done(&out);
}

/* ---- what there is ---- */

static const struct {
    void (*add)(struct strbuf *out);
    const char *text;
} tables[] = {
    {irc_modes_add_chanmodes, "beI,k,l,imnstC"},
    {irc_modes_add_letters, "beIklimnstCov"},
    {irc_modes_add_letters_with_parameter, "beIklov"},
    {irc_modes_add_prefix, "(ov)@+"},
    {irc_modes_add_status, "@+"},
    {irc_modes_add_maxlist, "b:100,e:100,I:100"},
};

START_TEST(test_tables)
{
    tables[_i].add(&out);
    ck_assert_str_eq(strbuf_cstr(&out), tables[_i].text);
}
END_TEST

/* PREFIX tells the letters in the order of their prefixes: that of the hub's rows. */
START_TEST(test_prefixes_are_those_of_the_rows)
{
    const struct room_mode_row *row = NULL;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        if (row->kind == ROOM_MODE_MEMBER) {
            irc_modes_add_prefixes(&out, row->value, false);
        }
    }
    ck_assert_str_eq(strbuf_cstr(&out), "@+");
}
END_TEST

static const struct {
    unsigned flags;
    bool is_multi;
    const char *text;
} prefixes[] = {
    {0, true, ""},
    {MEMBER_VOICE, true, "+"},
    {MEMBER_VOICE, false, "+"},
    {MEMBER_OPERATOR, false, "@"},
    {MEMBER_OPERATOR | MEMBER_VOICE, false, "@"},
    {MEMBER_OPERATOR | MEMBER_VOICE, true, "@+"},
};

START_TEST(test_prefixes)
{
    irc_modes_add_prefixes(&out, prefixes[_i].flags, prefixes[_i].is_multi);
    ck_assert_str_eq(strbuf_cstr(&out), prefixes[_i].text);
}
END_TEST

/* ---- what is wanted ---- */

/* The line; the lists that are asked for; the changes. */
static const struct {
    const char *line;
    unsigned lists;
    const char *changes;
} wishes[] = {
    {"MODE #a +nt", 0, "+n;+t;"},
    {"MODE #a nt", 0, "+n;+t;"},
    {"MODE #a +n-t+-+m", 0, "+n;-t;+m;"},
    {"MODE #a +ov-b ann ben x!*@*", 0, "+o ann;+v ben;-b x!*@*;"},
    {"MODE #a +l 10", 0, "+l 10;"},
    {"MODE #a -lo ann", 0, "-l;-o ann;"},
    {"MODE #a +k key", 0, "+k key;"},
    {"MODE #a -ko key ann", 0, "-k key;-o ann;"},
    {"MODE #a -k", 0, "-k;"},
    {"MODE #a +tno ann ben", 0, "+t;+n;+o ann;"},
    /* without a parameter: asked for, or wrong */
    {"MODE #a b", 1 << ROOM_BANS, ""},
    {"MODE #a +eI", 1 << ROOM_EXCEPTIONS | 1 << ROOM_INVITED, ""},
    {"MODE #a -b :", 1 << ROOM_BANS, ""},
    {"MODE #a +bb x", 1 << ROOM_BANS, "+b x;"},
    {"MODE #a +mb", 1 << ROOM_BANS, "+m;"},
    {"MODE #a +okl", 0, "+o;+k;+l;"},
    /* not known: the hub says so, and no parameter is theirs */
    {"MODE #a +Zo ann", 0, "+Z;+o ann;"},
    {"MODE #a \xc3\xa4", 0, "+\xc3;+\xa4;"},
    {"MODE #a +-", 0, ""},
    /* what is beyond the limits */
    {"MODE #a +vvvvvvvvvvvvv 1 2 3 4 5 6 7 8 9 10 11 12 13", 0,
     "+v 1;+v 2;+v 3;+v 4;+v 5;+v 6;+v 7;+v 8;+v 9;+v 10;+v 11;+v 12;+v 13;"},
    {"MODE #a nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 0,
     "+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;+n;"},
};

START_TEST(test_parse)
{
    struct irc_mode_wish wish;
    struct irc_message m;

    ck_assert_int_eq(irc_message_parse(sv_of(wishes[_i].line), &m), IRC_MESSAGE_OK);
    irc_modes_parse(&m, &wish);
    for (size_t i = 0; i < wish.count; i++) {
        const struct hub_mode_change *c = &wish.changes[i];

        strbuf_add_fmt(&out, "%c%c", c->is_added ? '+' : '-', c->letter);
        strbuf_add(&out, c->parameter.len > 0 ? SV(" ") : SV(""));
        strbuf_add(&out, c->parameter);
        strbuf_add_char(&out, ';');
    }
    ck_assert_str_eq(strbuf_cstr(&out), wishes[_i].changes);
    ck_assert_uint_eq(wish.lists, wishes[_i].lists);
}
END_TEST

/* ---- of a person ---- */

START_TEST(test_unknown_letters)
{
    ck_assert_uint_eq(irc_modes_user_bit('x'), 0);
    ck_assert_uint_eq(irc_modes_user_bit('\xff'), 0);
}
END_TEST

START_TEST(test_user_modes)
{
    unsigned i = irc_modes_user_bit('i');
    unsigned w = irc_modes_user_bit('w');

    irc_modes_add_user(&out, 0);
    irc_modes_add_user(&out, i | w);
    ck_assert_str_eq(strbuf_cstr(&out), "++iw");
    ck_assert_uint_eq(irc_modes_of(SV("wzi")), i | w);
    ck_assert_uint_eq(irc_modes_of(SV("")), 0);
    strbuf_clear(&out);
    irc_modes_add_change(&out, i, w);
    irc_modes_add_change(&out, i, i);
    ck_assert_str_eq(strbuf_cstr(&out), "+w-i");
}
END_TEST

/* ---- 005 ---- */

START_TEST(test_isupport_lines_are_short)
{
    size_t cursor = 0;
    size_t lines = 0;

    for (; irc_isupport_next(&cursor, 100, &out); lines++) {
        size_t tokens = 1;
        for (size_t i = 0; i < out.len; i++) {
            tokens += out.ptr[i] == ' ' ? 1 : 0;
        }
        ck_assert_uint_le(tokens, IRC_ISUPPORT_TOKENS_MAX);
        ck_assert_uint_le(out.len, IRC_ISUPPORT_BYTES_MAX);
        strbuf_clear(&out);
    }
    ck_assert_uint_ge(lines, 2);
    ck_assert(!irc_isupport_next(&cursor, 100, &out));
}
END_TEST

static const char *const tokens[] = {
    " AWAYLEN=390 ",
    " BOT=B ",
    " CASEMAPPING=ascii ",
    " MONITOR=100 ",
    " CHANMODES=beI,k,l,imnstC ",
    " CHANLIMIT=#:100 ",
    " CHANTYPES=# ",
    " NICKLEN=32 ",
    " CHANNELLEN=64 ",
    " TOPICLEN=340 ",
    " PREFIX=(ov)@+ ",
    " NETWORK=Parley ",
    " UTF8ONLY ",
    " WHOX ",
    " ELIST=MNU ",
    " SAFELIST ",
    " TARGMAX=JOIN:,PART:,KICK:4,NAMES:1,PRIVMSG:4,NOTICE:4,TAGMSG:4,WHOIS:1 ",
    " EXCEPTS=e ",
    " INVEX=I ",
    " KEYLEN=32 ",
    " KICKLEN=300 ",
    " MAXLIST=b:100,e:100,I:100 ",
    " MODES=13 ",
    " STATUSMSG=@+ ",
};

START_TEST(test_isupport_tells)
{
    size_t cursor = 0;

    strbuf_add_char(&out, ' ');
    while (irc_isupport_next(&cursor, 100, &out)) {
        strbuf_add_char(&out, ' ');
    }
    ck_assert_msg(strstr(strbuf_cstr(&out), tokens[_i]) != NULL, "%s is not in:%s",
                  tokens[_i], strbuf_cstr(&out));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_modes");
    TCase *tc = tcase_create("modes");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_tables, 0, (int)PARLEY_COUNT_OF(tables));
    tcase_add_test(tc, test_prefixes_are_those_of_the_rows);
    tcase_add_loop_test(tc, test_prefixes, 0, (int)PARLEY_COUNT_OF(prefixes));
    tcase_add_loop_test(tc, test_parse, 0, (int)PARLEY_COUNT_OF(wishes));
    tcase_add_test(tc, test_unknown_letters);
    tcase_add_test(tc, test_user_modes);
    tcase_add_test(tc, test_isupport_lines_are_short);
    tcase_add_loop_test(tc, test_isupport_tells, 0, (int)PARLEY_COUNT_OF(tokens));
    suite_add_tcase(s, tc);
    return s;
}
