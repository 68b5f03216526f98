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

START_TEST(test_chanmodes)
{
    irc_modes_add_chanmodes(&out);
    ck_assert_str_eq(strbuf_cstr(&out), "beI,k,l,Cimnst");
}
END_TEST

START_TEST(test_letters)
{
    irc_modes_add_letters(&out);
    ck_assert_str_eq(strbuf_cstr(&out), "beIklCimnstov");
    strbuf_clear(&out);
    irc_modes_add_letters_with_parameter(&out);
    ck_assert_str_eq(strbuf_cstr(&out), "beIklov");
}
END_TEST

static const struct {
    char letter;
    enum irc_mode_kind kind;
    enum irc_numeric list_end;
} modes[] = {
    {'b', IRC_MODE_LIST, RPL_ENDOFBANLIST},
    {'e', IRC_MODE_LIST, RPL_ENDOFEXCEPTLIST},
    {'I', IRC_MODE_LIST, RPL_ENDOFINVITELIST},
    {'k', IRC_MODE_KEYLIKE, 0},
    {'l', IRC_MODE_LIMIT, 0},
    {'i', IRC_MODE_FLAG, 0},
    {'o', IRC_MODE_MEMBER, 0},
};

START_TEST(test_find)
{
    const struct irc_mode_row *row = irc_modes_find(modes[_i].letter);

    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(row->kind, modes[_i].kind);
    if (row->kind == IRC_MODE_LIST) {
        ck_assert_int_eq(row->list_end, modes[_i].list_end);
    }
}
END_TEST

START_TEST(test_unknown_letters)
{
    ck_assert_ptr_null(irc_modes_find('B'));
    ck_assert_ptr_null(irc_modes_find('\0'));
    ck_assert_uint_eq(irc_modes_user_bit('o'), 0);
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

    for (; irc_isupport_next(&cursor, &out); lines++) {
        size_t tokens = 1;
        for (size_t i = 0; i < out.len; i++) {
            tokens += out.ptr[i] == ' ' ? 1 : 0;
        }
        ck_assert_uint_le(tokens, IRC_ISUPPORT_TOKENS_MAX);
        ck_assert_uint_le(out.len, IRC_ISUPPORT_BYTES_MAX);
        strbuf_clear(&out);
    }
    ck_assert_uint_ge(lines, 2);
    ck_assert(!irc_isupport_next(&cursor, &out));
}
END_TEST

static const char *const tokens[] = {
    " AWAYLEN=390 ",
    " CASEMAPPING=ascii ",
    " CHANMODES=beI,k,l,Cimnst ",
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
    " TARGMAX=JOIN:,PART:,NAMES:1,PRIVMSG:4,NOTICE:4,TAGMSG:4,WHOIS:1 ",
};

START_TEST(test_isupport_tells)
{
    size_t cursor = 0;

    strbuf_add_char(&out, ' ');
    while (irc_isupport_next(&cursor, &out)) {
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
    tcase_add_test(tc, test_chanmodes);
    tcase_add_test(tc, test_letters);
    tcase_add_loop_test(tc, test_find, 0, (int)PARLEY_COUNT_OF(modes));
    tcase_add_test(tc, test_unknown_letters);
    tcase_add_test(tc, test_user_modes);
    tcase_add_test(tc, test_isupport_lines_are_short);
    tcase_add_loop_test(tc, test_isupport_tells, 0, (int)PARLEY_COUNT_OF(tokens));
    suite_add_tcase(s, tc);
    return s;
}
