/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>
#include <parley/util/utf8.h>

#define FFFD "\xef\xbf\xbd"

/* What each text becomes; the invalid ones follow the Unicode standard's own examples
 * (section 3.9, "U+FFFD substitution of maximal subparts"). */
static const struct {
    struct str_view text;
    struct str_view replaced;
} texts[] = {
    {SV_INIT(""), SV_INIT("")},
    {SV_INIT("plain"), SV_INIT("plain")},
    {SV_INIT("a\0b"), SV_INIT("a\0b")},
    {SV_INIT("\x7f"), SV_INIT("\x7f")},
    {SV_INIT("\xc2\x80"), SV_INIT("\xc2\x80")},
    {SV_INIT("\xdf\xbf"), SV_INIT("\xdf\xbf")},
    {SV_INIT("\xe0\xa0\x80"), SV_INIT("\xe0\xa0\x80")},
    {SV_INIT("\xed\x9f\xbf"), SV_INIT("\xed\x9f\xbf")},
    {SV_INIT("\xee\x80\x80"), SV_INIT("\xee\x80\x80")},
    {SV_INIT("\xef\xbf\xbf"), SV_INIT("\xef\xbf\xbf")},
    {SV_INIT("\xf0\x90\x80\x80"), SV_INIT("\xf0\x90\x80\x80")},
    {SV_INIT("\xf4\x8f\xbf\xbf"), SV_INIT("\xf4\x8f\xbf\xbf")},
    /* lone continuations and bytes that never occur */
    {SV_INIT("\x80"), SV_INIT(FFFD)},
    {SV_INIT("\xbf\xbf"), SV_INIT(FFFD FFFD)},
    {SV_INIT("\xc0\x80"), SV_INIT(FFFD FFFD)},
    {SV_INIT("\xc1\xbf"), SV_INIT(FFFD FFFD)},
    {SV_INIT("\xf5\x80\x80\x80"), SV_INIT(FFFD FFFD FFFD FFFD)},
    {SV_INIT("\xfe\xff"), SV_INIT(FFFD FFFD)},
    /* overlong, surrogates, past U+10FFFF */
    {SV_INIT("\xe0\x9f\xbf"), SV_INIT(FFFD FFFD FFFD)},
    {SV_INIT("\xf0\x8f\xbf\xbf"), SV_INIT(FFFD FFFD FFFD FFFD)},
    {SV_INIT("\xed\xa0\x80"), SV_INIT(FFFD FFFD FFFD)},
    {SV_INIT("\xf4\x90\x80\x80"), SV_INIT(FFFD FFFD FFFD FFFD)},
    /* cut short: one replacement for what was there */
    {SV_INIT("\xc3"), SV_INIT(FFFD)},
    {SV_INIT("\xe2\x82"), SV_INIT(FFFD)},
    {SV_INIT("\xf0\x9f\x98"), SV_INIT(FFFD)},
    {SV_INIT("\xe2\x82x"), SV_INIT(FFFD "x")},
    {SV_INIT("\xf0\x9f\xc3\xa4"), SV_INIT(FFFD "\xc3\xa4")},
    {SV_INIT("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"),
     SV_INIT("a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d")},
    {SV_INIT("\xf0\x80\x80\x41"), SV_INIT(FFFD FFFD FFFD "A")},
};

START_TEST(test_utf8_is_valid_knows_rfc_3629)
{
    bool valid = sv_equal(texts[_i].text, texts[_i].replaced);

    ck_assert_msg(utf8_is_valid(texts[_i].text) == valid, "row %d", _i);
}
END_TEST

START_TEST(test_utf8_add_replaced_replaces_maximal_subparts)
{
    struct strbuf b;

    strbuf_init(&b, 100);
    utf8_add_replaced(&b, texts[_i].text);
    ck_assert_msg(sv_equal(strbuf_view(&b), texts[_i].replaced), "row %d", _i);
    strbuf_done(&b);
}
END_TEST

/* An independent count of what is valid: every code point, encoded by the book. */
static size_t encode(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

START_TEST(test_utf8_is_valid_takes_every_code_point_but_surrogates)
{
    char bytes[4];

    for (uint32_t c = 0; c < 0x200000; c++) {
        bool expected = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

        if (utf8_is_valid(sv(bytes, encode(c, bytes))) != expected) {
            ck_abort_msg("U+%04X", c);
        }
    }
}
END_TEST

START_TEST(test_utf8_add_replaced_of_any_bytes_is_valid)
{
    struct strbuf b;
    char bytes[4];

    strbuf_init(&b, 100);
    for (uint32_t c = 0; c < 0x1000000; c += 7) {
        bytes[0] = (char)(c >> 16 | 0x80);
        bytes[1] = (char)(c >> 8);
        bytes[2] = (char)c;
        bytes[3] = (char)(c >> 5);
        strbuf_clear(&b);
        utf8_add_replaced(&b, sv(bytes, 4));
        if (!utf8_is_valid(strbuf_view(&b))) {
            ck_abort_msg("0x%08X", c);
        }
    }
    strbuf_done(&b);
}
END_TEST

START_TEST(test_utf8_add_replaced_past_the_maximum_fails)
{
    struct strbuf b;

    strbuf_init(&b, 4);
    utf8_add_replaced(&b, SV("ab\xff"));
    ck_assert(b.failed);
    strbuf_done(&b);
}
END_TEST

/* Every byte, at every place of texts of every length around a block or two. */
START_TEST(test_utf8_plain_length_stops_at_the_first_other_byte)
{
    char bytes[36];

    for (int c = 0; c < 256; c++) {
        bool is_plain = c >= 0x20 && c <= 0x7e;

        for (size_t at = 0; at < sizeof bytes; at++) {
            memset(bytes, at % 2 == 0 ? ' ' : '~', sizeof bytes);
            bytes[at] = (char)c;
            for (size_t len = at + 1; len <= sizeof bytes; len++) {
                ck_assert_uint_eq(utf8_plain_length(sv(bytes, len)), is_plain ? len : at);
            }
        }
    }
    ck_assert_uint_eq(utf8_plain_length(sv(NULL, 0)), 0);
}
END_TEST

/* What is found among bytes that carry into their neighbours. */
START_TEST(test_utf8_plain_length_bears_several_others)
{
    ck_assert_uint_eq(utf8_plain_length(SV("\xff\x7f\xff\xff\x1f\xff\x7f\xff")), 0);
    ck_assert_uint_eq(utf8_plain_length(SV("abc\x7f\xff\xff\x1f\xff")), 3);
    ck_assert_uint_eq(utf8_plain_length(SV("12345678abc\t\xff\xff\x1f\xff")), 11);
}
END_TEST

START_TEST(test_utf8_truncate_never_cuts_a_character)
{
    struct str_view text = SV("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
    static const size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    for (size_t max = 0; max < PARLEY_COUNT_OF(lengths); max++) {
        struct str_view cut = utf8_truncate(text, max);

        ck_assert_uint_eq(cut.len, lengths[max]);
        ck_assert(utf8_is_valid(cut));
    }
    ck_assert_uint_eq(utf8_truncate(text, SIZE_MAX).len, text.len);
    ck_assert_uint_eq(utf8_truncate(sv(NULL, 0), 0).len, 0);
}
END_TEST

START_TEST(test_utf8_truncate_of_invalid_text_cuts_at_the_maximum)
{
    ck_assert_uint_eq(utf8_truncate(SV("a\x80\x80\x80\x80\x80"), 2).len, 2);
    ck_assert_uint_eq(utf8_truncate(SV("\x80\x80\x80\x80\x80"), 4).len, 4);
    ck_assert_uint_eq(utf8_truncate(SV("\xff\xff"), 1).len, 1);
    ck_assert_uint_eq(utf8_truncate(SV("\xe2\x82x"), 1).len, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("utf8");
    TCase *tc = tcase_create("utf8");

    tcase_add_loop_test(tc, test_utf8_is_valid_knows_rfc_3629, 0,
                        (int)PARLEY_COUNT_OF(texts));
    tcase_add_loop_test(tc, test_utf8_add_replaced_replaces_maximal_subparts, 0,
                        (int)PARLEY_COUNT_OF(texts));
    tcase_add_test(tc, test_utf8_is_valid_takes_every_code_point_but_surrogates);
    tcase_add_test(tc, test_utf8_add_replaced_of_any_bytes_is_valid);
    tcase_add_test(tc, test_utf8_add_replaced_past_the_maximum_fails);
    tcase_add_test(tc, test_utf8_plain_length_stops_at_the_first_other_byte);
    tcase_add_test(tc, test_utf8_plain_length_bears_several_others);
    tcase_add_test(tc, test_utf8_truncate_never_cuts_a_character);
    tcase_add_test(tc, test_utf8_truncate_of_invalid_text_cuts_at_the_maximum);
    suite_add_tcase(s, tc);
    return s;
}
