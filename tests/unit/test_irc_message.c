/* The parser of IRC lines: tags, source, parameters, limits, every byte anywhere. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/irc/message.h"

Suite *suite(void);

static void assert_view(struct str_view got, const char *want)
{
    ck_assert_msg(sv_equal(got, sv_of(want)), "\"%.*s\" is not \"%s\"", SV_ARG(got),
                  want);
}

/* Parameters are shown as in "a|b|c". */
static const struct message_case {
    const char *line;
    const char *tags;
    const char *command;
    size_t count;
    const char *params;
} cases[] = {
    {"NICK", "", "NICK", 0, ""},
    {"NICK bob", "", "NICK", 1, "bob"},
    {"NICK :bob", "", "NICK", 1, "bob"},
    {"  NICK   bob  ", "", "NICK", 1, "bob"},
    {"nick bob", "", "nick", 1, "bob"},
    {":bob!b@host NICK carol", "", "NICK", 1, "carol"},
    {":x   PING   :", "", "PING", 1, ""},
    {"JOIN :", "", "JOIN", 1, ""},
    {"USER a 0 * :Real Name", "", "USER", 4, "a|0|*|Real Name"},
    {"PRIVMSG #a ::)", "", "PRIVMSG", 2, "#a|:)"},
    {"PRIVMSG #a : two  blanks ", "", "PRIVMSG", 2, "#a| two  blanks "},
    {"PRIVMSG #a b:c", "", "PRIVMSG", 2, "#a|b:c"},
    {"@label=1 PING x", "label=1", "PING", 1, "x"},
    {"@a=b;+c;d=  :src  PING  x", "a=b;+c;d=", "PING", 1, "x"},
    {"@ PING x", "", "PING", 1, "x"},
    {"X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "", "X", 15,
     "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15 16"},
    {"X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 :15 16", "", "X", 15,
     "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15 16"},
    {"TOPIC #\xc3\xa4 :\xe2\x82\xac", "", "TOPIC", 2, "#\xc3\xa4|\xe2\x82\xac"},
};

START_TEST(test_parse_reads_parts)
{
    const struct message_case *c = &cases[_i];
    struct str_view params = sv_of(c->params);
    struct irc_message m;

    ck_assert_int_eq(irc_message_parse(sv_of(c->line), &m), IRC_MESSAGE_OK);
    assert_view(m.tags, c->tags);
    assert_view(m.command, c->command);
    ck_assert_uint_eq(m.count, c->count);
    for (size_t i = 0; i < IRC_PARAMS_MAX; i++) {
        struct str_view want = i < c->count ? sv_next_until(&params, '|') : SV("");
        ck_assert_msg(sv_equal(m.params[i], want), "parameter %zu is \"%.*s\"", i,
                      SV_ARG(m.params[i]));
    }
}
END_TEST

static const char *const blanks[] = {"",      " ",     "   ",    ":",       ":src",
                                     ":src ", "@tags", "@tags ", "@t :src "};

START_TEST(test_parse_nothing_is_blank)
{
    struct irc_message m;

    ck_assert_int_eq(irc_message_parse(sv_of(blanks[_i]), &m), IRC_MESSAGE_BLANK);
}
END_TEST

START_TEST(test_parse_null_view_is_blank)
{
    struct irc_message m;

    ck_assert_int_eq(irc_message_parse(sv(NULL, 0), &m), IRC_MESSAGE_BLANK);
}
END_TEST

/* "@" tags " PING " body, of these sizes. */
static enum irc_message_result parse_sized(size_t tags, size_t body)
{
    static char line[10000];
    struct irc_message m;
    size_t at = 0;

    if (tags > 0) {
        line[at++] = '@';
        memset(line + at, 't', tags - 2);
        at += tags - 2;
        line[at++] = ' ';
    }
    memcpy(line + at, "PING ", 5);
    memset(line + at + 5, 'x', body - 5);
    return irc_message_parse(sv(line, at + body), &m);
}

START_TEST(test_parse_limits_hold_exactly)
{
    ck_assert_int_eq(parse_sized(0, 510), IRC_MESSAGE_OK);
    ck_assert_int_eq(parse_sized(0, 511), IRC_MESSAGE_TOO_LONG);
    ck_assert_int_eq(parse_sized(4096, 510), IRC_MESSAGE_OK);
    ck_assert_int_eq(parse_sized(4097, 10), IRC_MESSAGE_TOO_LONG);
    ck_assert_int_eq(parse_sized(10, 511), IRC_MESSAGE_TOO_LONG);
}
END_TEST

static const char *const not_utf8[] = {"PRIVMSG #a :\xff", "PRIVMSG #a :\xc3",
                                       "@a=\xc3\x28 PING x", "\x80PING",
                                       ":\xe2\x82 PING x"};

START_TEST(test_parse_refuses_what_is_not_utf8)
{
    struct irc_message m;

    ck_assert_int_eq(irc_message_parse(sv_of(not_utf8[_i]), &m), IRC_MESSAGE_NOT_UTF8);
}
END_TEST

/* Cut a line anywhere: both halves are parsed without reading past their ends. */
START_TEST(test_parse_every_split)
{
    const char *line = cases[_i].line;
    size_t length = strlen(line);

    for (size_t at = 0; at <= length; at++) {
        char *left = malloc(at + 1);
        char *right = malloc(length - at + 1);
        struct irc_message m;

        memcpy(left, line, at);
        memcpy(right, line + at, length - at);
        ck_assert_int_le(irc_message_parse(sv(left, at), &m), IRC_MESSAGE_NOT_UTF8);
        ck_assert_int_le(irc_message_parse(sv(right, length - at), &m),
                         IRC_MESSAGE_NOT_UTF8);
        free(left);
        free(right);
    }
}
END_TEST

START_TEST(test_parse_any_byte_anywhere)
{
    char line[] = "@a=b :s PRIVMSG #x :text";

    for (size_t at = 0; at + 1 < sizeof line; at++) {
        char before = line[at];
        struct irc_message m;

        line[at] = (char)_i;
        ck_assert_int_le(irc_message_parse(sv(line, sizeof line - 1), &m),
                         IRC_MESSAGE_NOT_UTF8);
        line[at] = before;
    }
}
END_TEST

static const struct tag_case {
    const char *tags;
    const char *key;
    const char *value; /* NULL: not there */
} tag_cases[] = {
    {"label=1", "label", "1"},
    {"a=b;label=x\\sy;c", "label", "x\\sy"},
    {"label=1;label=2", "label", "2"},
    {"label", "label", ""},
    {"label=", "label", ""},
    {"label=a=b", "label", "a=b"},
    {"labels=1", "label", NULL},
    {"+label=1", "label", NULL},
    {"LABEL=1", "label", NULL},
    {"", "label", NULL},
    {";;", "label", NULL},
};

START_TEST(test_find_tag)
{
    const struct tag_case *c = &tag_cases[_i];
    struct str_view value = SV("untouched");

    ck_assert_int_eq(irc_message_find_tag(sv_of(c->tags), sv_of(c->key), &value),
                     c->value != NULL);
    assert_view(value, c->value != NULL ? c->value : "untouched");
}
END_TEST

static const char *const client_tags[][2] = {
    {"", ""},
    {"+a", "+a"},
    {"+a=b", "+a=b"},
    {"label=1;+a=b;time=2;+c;account=x", "+a=b;+c"},
    {"+a=b\\:\\s;;+c=d=e", "+a=b\\:\\s;+c=d=e"},
    {"+draft/reply=1;+x-y.z/a-1=2", "+draft/reply=1;+x-y.z/a-1=2"},
    /* not keys */
    {"+;+=1;a=+b;++a;+a_b;+/a;+a/;+a/b.c;+a.b;+a/b/c;+\xc3\xa4", ""},
};

START_TEST(test_client_tags)
{
    struct strbuf out;

    strbuf_init(&out, IRC_TAGS_BYTES_MAX);
    irc_message_add_client_tags(&out, sv_of(client_tags[_i][0]));
    ck_assert_str_eq(strbuf_cstr(&out), client_tags[_i][1]);
    strbuf_done(&out);
}
END_TEST

START_TEST(test_next_item_skips_empty_ones)
{
    struct str_view list = SV(",#a,,#b,");
    struct str_view item = {0};
    size_t at = 0;

    ck_assert(irc_message_next_item(list, &at, &item));
    assert_view(item, "#a");
    ck_assert(irc_message_next_item(list, &at, &item));
    assert_view(item, "#b");
    ck_assert(!irc_message_next_item(list, &at, &item));
    at = 0;
    ck_assert(!irc_message_next_item(SV(",,"), &at, &item));
    ck_assert(!irc_message_next_item(sv(NULL, 0), &at, &item));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_message");
    TCase *tc = tcase_create("parse");

    tcase_add_loop_test(tc, test_parse_reads_parts, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_loop_test(tc, test_parse_nothing_is_blank, 0, (int)PARLEY_COUNT_OF(blanks));
    tcase_add_test(tc, test_parse_null_view_is_blank);
    tcase_add_test(tc, test_parse_limits_hold_exactly);
    tcase_add_loop_test(tc, test_parse_refuses_what_is_not_utf8, 0,
                        (int)PARLEY_COUNT_OF(not_utf8));
    tcase_add_loop_test(tc, test_parse_every_split, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_loop_test(tc, test_parse_any_byte_anywhere, 0, 256);
    tcase_add_loop_test(tc, test_find_tag, 0, (int)PARLEY_COUNT_OF(tag_cases));
    tcase_add_loop_test(tc, test_client_tags, 0, (int)PARLEY_COUNT_OF(client_tags));
    tcase_add_test(tc, test_next_item_skips_empty_ones);
    suite_add_tcase(s, tc);
    return s;
}
