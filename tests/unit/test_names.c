/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <string.h>

#include "hub/names.h"

static const struct {
    const char *name;
    bool is_nick;
} nicks[] = {
    {"a", true},
    {"Alice", true},
    {"[]\\`_^{|}", true},
    {"a-1", true},
    {"", false},
    {"1a", false},
    {"-a", false},
    {"a b", false},
    {"a!b", false},
    {"a@b", false},
    {"\xc3\xa9", false},
    {"a:b", false},
    {"guest-ab1", true},
    {"#a", false},
    {"a\n", false},
    {"abcdefghijklmnopqrstuvwxyz123456", true}, /* 32 */
    {"abcdefghijklmnopqrstuvwxyz1234567", false},
};

START_TEST(test_nick_is_valid)
{
    ck_assert_msg(hub_nick_is_valid(sv_of(nicks[_i].name)) == nicks[_i].is_nick, "%s",
                  nicks[_i].name);
}
END_TEST

START_TEST(test_nick_with_a_zero_is_not_valid)
{
    ck_assert(!hub_nick_is_valid(sv("a\0b", 3)));
    ck_assert(!hub_nick_is_valid(sv(NULL, 0)));
}
END_TEST

static const struct {
    const char *name;
    bool is_room;
} rooms[] = {
    {"#a", true},
    {"#A-b_c.d", true},
    {"##", true},
    {"#\xc3\xa9t\xc3\xa9", true},
    {"", false},
    {"#", false},
    {"a", false},
    {"&a", false},
    {"#a b", false},
    {"#a,b", false},
    {"#a\t", false},
    {"#a\x7f", false},
    {"#\xff", false},
    {"#\xc2\x85", false},
    {"#\xc2\xa0", false},
    {"#\xc2\xa1", true},
    {"#\xc2", false},
    {"#a\x01", false},
    {"#23456789012345678901234567890123456789012345678901234567890123", true},  /* 63 */
    {"#234567890123456789012345678901234567890123456789012345678901234", true}, /* 64 */
    {"#2345678901234567890123456789012345678901234567890123456789012345", false},
};

START_TEST(test_room_name_is_valid)
{
    ck_assert_msg(hub_room_name_is_valid(sv_of(rooms[_i].name)) == rooms[_i].is_room,
                  "%s", rooms[_i].name);
}
END_TEST

static const struct {
    const char *text;
    const char *node; /* NULL: not an id */
    uint64_t number;
} ids[] = {
    {"n/1", "n", 1},
    {"abcdefghijklmnopqrstuvwx/18446744073709551615", "abcdefghijklmnopqrstuvwx",
     UINT64_MAX},
    {"abcdefghijklmnopqrstuvwxy/1", NULL, 0},
    {"n/18446744073709551616", NULL, 0},
    {"", NULL, 0},
    {"/", NULL, 0},
    {"/1", NULL, 0},
    {"n/", NULL, 0},
    {"n", NULL, 0},
    {"n/-1", NULL, 0},
    {"n/1x", NULL, 0},
    {"n/1/2", NULL, 0},
};

START_TEST(test_member_id_parse)
{
    struct member_id id = {SV("untouched"), 7};
    bool is_id = member_id_parse(sv_of(ids[_i].text), &id);

    ck_assert(is_id == (ids[_i].node != NULL));
    ck_assert(sv_equal(id.node, is_id ? sv_of(ids[_i].node) : SV("untouched")));
    ck_assert_uint_eq(id.number, is_id ? ids[_i].number : 7);
}
END_TEST

START_TEST(test_member_id_format_is_parsed_again)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 12345, UINT64_MAX};
    struct member_id_text text;
    struct member_id id;

    for (size_t i = 0; i < PARLEY_COUNT_OF(numbers); i++) {
        struct member_id in = {SV("abcdefghijklmnopqrstuvwx"), numbers[i]};

        ck_assert(member_id_parse(member_id_format(in, &text), &id));
        ck_assert(sv_equal(id.node, in.node));
        ck_assert_uint_eq(id.number, numbers[i]);
    }
}
END_TEST

START_TEST(test_name_fold_is_ascii_only)
{
    struct folded_name folded;

    ck_assert(sv_equal(name_fold(SV("#ABC[]\xc3\x89"), &folded), SV("#abc[]\xc3\x89")));
}
END_TEST

START_TEST(test_hub_nick_of)
{
    ck_assert(sv_equal(hub_nick_of(SV("nick!user@host")), SV("nick")));
    ck_assert(sv_equal(hub_nick_of(SV("nick")), SV("nick")));
    ck_assert(sv_equal(hub_nick_of(SV("")), SV("")));
}
END_TEST

START_TEST(test_clean_text_replaces_and_cuts)
{
    struct strbuf scratch;

    strbuf_init(&scratch, 64);
    ck_assert(sv_equal(names_clean_text(SV("plain"), 10, &scratch), SV("plain")));
    ck_assert(
        sv_equal(names_clean_text(sv("a\rb\nc\0d", 7), 10, &scratch), SV("a b c d")));
    ck_assert(sv_equal(names_clean_text(SV("abc\xc3\xa9"), 4, &scratch), SV("abc")));
    ck_assert(!names_allow_text(sv("\0", 1)));
    ck_assert(names_allow_text(SV("")));
    ck_assert(names_allow_text(SV("\x01\x02\x1f")));
    strbuf_done(&scratch);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("names");
    TCase *tc = tcase_create("names");

    tcase_add_loop_test(tc, test_nick_is_valid, 0, (int)PARLEY_COUNT_OF(nicks));
    tcase_add_test(tc, test_nick_with_a_zero_is_not_valid);
    tcase_add_loop_test(tc, test_room_name_is_valid, 0, (int)PARLEY_COUNT_OF(rooms));
    tcase_add_loop_test(tc, test_member_id_parse, 0, (int)PARLEY_COUNT_OF(ids));
    tcase_add_test(tc, test_member_id_format_is_parsed_again);
    tcase_add_test(tc, test_name_fold_is_ascii_only);
    tcase_add_test(tc, test_hub_nick_of);
    tcase_add_test(tc, test_clean_text_replaces_and_cuts);
    suite_add_tcase(s, tc);
    return s;
}
