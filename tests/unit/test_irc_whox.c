/* WHO: options, and lines with any set of fields. */
#include <check.h>
#include <stdio.h>

#include "proto/irc/whox.h"

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

static const struct {
    const char *option;
    const char *line;
} cases[] = {
    {"", "352 me #a ~b 0::1 irc.parley bob G@+ :0 Bob B"},
    {"o%n", "354 me bob"},
    {"%n", "354 me bob"},
    {"%tn,7", "354 me 7 bob"},
    {"%nt,743", "354 me 743 bob"},
    {"%tn", "354 me bob"},
    {"%tn,", "354 me bob"},
    {"%tn,1234", "354 me bob"},
    {"%tn,x", "354 me bob"},
    {"%", "352 me #a ~b 0::1 irc.parley bob G@+ :0 Bob B"},
    {"%n!?z", "354 me bob"},
    /* irssi, WeeChat, HexChat, Limnoria, pydle */
    {"%tcuhnfdar,743", "354 me 743 #a ~b 0::1 bob G@+ 0 acc :Bob B"},
    {"%cuhsnfdar", "354 me #a ~b 0::1 irc.parley bob G@+ 0 acc :Bob B"},
    {"%chtsunfra,152", "354 me 152 #a ~b 0::1 irc.parley bob G@+ acc :Bob B"},
    {"%tuhnairf,1", "354 me 1 ~b 0::1 0::1 bob G@+ acc :Bob B"},
    {"%tnurha,542", "354 me 542 ~b 0::1 bob acc :Bob B"},
    {"%tcuihsnfdlaor,1",
     "354 me 1 #a ~b 0::1 0::1 irc.parley bob G@+ 0 0 acc n/a :Bob B"},
};

static const struct hub_event_person bob = {
    .nick = SV_INIT("bob"),
    .user = SV_INIT("~b"),
    .host = SV_INIT("::1"),
    .account = SV_INIT("acc"),
    .realname = SV_INIT("Bob B"),
    .away = SV_INIT("lunch"),
};

START_TEST(test_line)
{
    struct irc_who_query query = irc_whox_parse(sv_of(cases[_i].option));
    char want[600];

    (void)snprintf(want, sizeof want, ":irc.parley %s", cases[_i].line);
    irc_whox_add(&out, &query, SV("me"), SV("#a"), SV("@+"), &bob);
    ck_assert_str_eq(strbuf_cstr(&out), want);
}
END_TEST

START_TEST(test_plain_person)
{
    static const struct hub_event_person ann = {.nick = SV_INIT("ann")};
    struct irc_who_query query = irc_whox_parse(SV("%cuhfar"));

    irc_whox_add(&out, &query, SV("me"), SV("*"), SV(""), &ann);
    ck_assert_str_eq(strbuf_cstr(&out), ":irc.parley 354 me * * * H 0 :ann");
}
END_TEST

START_TEST(test_operators_only)
{
    ck_assert(irc_whox_parse(SV("o")).only_operators);
    ck_assert(irc_whox_parse(SV("o%n")).only_operators);
    ck_assert(!irc_whox_parse(SV("%o")).only_operators);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_whox");
    TCase *tc = tcase_create("whox");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_line, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_test(tc, test_plain_person);
    tcase_add_test(tc, test_operators_only);
    suite_add_tcase(s, tc);
    return s;
}
