/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/net/framer.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum { MAX_LINE = 8 };

static struct framer framer;
static struct strbuf seen; /* what came out: "<line>", "!line!" when it was too long */

static void setup(void)
{
    framer_init(&framer, MAX_LINE);
    strbuf_init(&seen, 1 << 20);
}

static void teardown(void)
{
    framer_done(&framer);
    strbuf_done(&seen);
}

static void note(const struct framed_line *line)
{
    char mark = line->flaw == LINE_FLAWLESS ? '<' : '!';

    strbuf_add_char(&seen, mark);
    strbuf_add(&seen, line->text);
    strbuf_add_char(&seen, mark == '<' ? '>' : '!');
}

/* As a session does: take all lines of one read, keep the rest. The bytes are copied to
 * memory of their exact size, so that a sanitizer sees a step past it. */
static void feed(struct str_view bytes)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    struct framed_line line;

    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    struct str_view fresh = sv(copy, bytes.len);
    while (framer_peek(&framer, &fresh, &line)) {
        note(&line);
        framer_take(&framer, &fresh, &line);
        framer_check(&framer);
    }
    framer_keep(&framer, fresh);
    framer_check(&framer);
    free(copy);
}

#define ck_seen(expected)                                                                \
    ck_assert_msg(sv_equal(strbuf_view(&seen), sv_of(expected)), "saw %s instead of %s", \
                  strbuf_cstr(&seen), expected)

static const struct {
    struct str_view in;
    const char *out;
    size_t held; /* bytes at the end */
} streams[] = {
    {{"", 0}, "", 0},
    {{"\n", 1}, "<>", 0},
    {{"\r\n", 2}, "<>", 0},
    {{"a\n", 2}, "<a>", 0},
    {{"a\r\nb\nc", 6}, "<a><b>", 1},
    {{"a\rb\r\n", 5}, "<a\rb>", 0},
    {{"a\r\r\n", 4}, "<a\r>", 0},
    {{"\r", 1}, "", 1},
    {{"\n\r\n\r\r\n\n", 7}, "<><><\r><>", 0},
    /* 8 bytes with their end are the longest */
    {{"1234567\n", 8}, "<1234567>", 0},
    {{"123456\r\n", 8}, "<123456>", 0},
    {{"1234567", 7}, "", 7},
    /* one more is too many */
    {{"12345678\nab\n", 12}, "!12345678!<ab>", 0},
    {{"1234567\r\nab\n", 12}, "!1234567\r!<ab>", 0},
    {{"12345678", 8}, "!12345678!", 0},
    {{"123456789012345678901234567890\nx", 32}, "!12345678!", 1},
    {{"12345678\n12345678\n\n", 19}, "!12345678!!12345678!<>", 0},
    {{"1234567\n1234567\n", 16}, "<1234567><1234567>", 0},
};

START_TEST(test_framer_stream_at_once_gives_its_lines)
{
    feed(streams[_i].in);
    ck_seen(streams[_i].out);
    ck_assert_uint_eq(framer_held_bytes(&framer), streams[_i].held);
    ck_assert((framer.held == NULL) == (streams[_i].held == 0));
}
END_TEST

START_TEST(test_framer_stream_split_anywhere_gives_the_same_lines)
{
    struct str_view in = streams[_i].in;

    for (size_t first = 0; first <= in.len; first++) {
        for (size_t second = first; second <= in.len; second++) {
            teardown();
            setup();
            feed(sv(in.ptr, first));
            feed(sv(in.ptr + first, second - first));
            feed(sv(in.ptr + second, in.len - second));
            ck_seen(streams[_i].out);
            ck_assert_uint_eq(framer_held_bytes(&framer), streams[_i].held);
        }
    }
}
END_TEST

START_TEST(test_framer_stream_byte_by_byte_gives_the_same_lines)
{
    for (size_t i = 0; i < streams[_i].in.len; i++) {
        feed(sv(streams[_i].in.ptr + i, 1));
    }
    ck_seen(streams[_i].out);
    ck_assert_uint_eq(framer_held_bytes(&framer), streams[_i].held);
}
END_TEST

START_TEST(test_framer_all_byte_values_are_data)
{
    char bytes[256];
    size_t len = 0;
    struct framed_line line;

    framer_done(&framer);
    framer_init(&framer, 512);
    for (int c = 0; c < 256; c++) {
        if (c != '\n') {
            bytes[len++] = (char)c;
        }
    }
    bytes[len++] = '\n';
    struct str_view fresh = sv(bytes, len);
    ck_assert(framer_peek(&framer, &fresh, &line));
    ck_assert(sv_equal(line.text, sv(bytes, len - 1)));
    framer_take(&framer, &fresh, &line);
    ck_assert_uint_eq(fresh.len, 0);
}
END_TEST

START_TEST(test_framer_line_in_fresh_is_not_copied)
{
    char bytes[] = "one\ntwo\n";
    struct str_view fresh = sv(bytes, sizeof bytes - 1);
    struct framed_line line;

    for (size_t at = 0; at < 8; at += 4) {
        ck_assert(framer_peek(&framer, &fresh, &line));
        ck_assert_ptr_eq(line.text.ptr, bytes + at);
        framer_take(&framer, &fresh, &line);
        ck_assert_ptr_null(framer.held);
    }
}
END_TEST

START_TEST(test_framer_mebibyte_without_end_is_told_once_and_not_kept)
{
    char block[4096];

    memset(block, 'x', sizeof block);
    for (int i = 0; i < 256; i++) {
        feed(sv(block, sizeof block));
        ck_assert_uint_le(framer_held_bytes(&framer), MAX_LINE);
    }
    ck_seen("!xxxxxxxx!");
    ck_assert_ptr_null(framer.held);
    feed(SV("\nnext\n"));
    ck_seen("!xxxxxxxx!<next>");
}
END_TEST

START_TEST(test_framer_peeked_line_stays_until_taken)
{
    struct str_view fresh = SV("a\nbc\nd");
    struct str_view none = sv(NULL, 0);
    struct framed_line line;

    ck_assert(framer_peek(&framer, &fresh, &line));
    framer_keep(&framer, fresh);
    ck_assert_uint_eq(framer_held_bytes(&framer), 6);
    for (int i = 0; i < 2; i++) {
        ck_assert(framer_peek(&framer, &none, &line));
        ck_assert(sv_equal(line.text, SV("a")));
    }
    feed(SV("e\nf"));
    ck_seen("<a><bc><de>");
    ck_assert_uint_eq(framer_held_bytes(&framer), 1);
}
END_TEST

/* ---- framer_filter() ---- */

static struct strbuf offered;

static bool is_ping(void *arg, struct str_view line)
{
    (void)arg;
    strbuf_add(&offered, line);
    strbuf_add_char(&offered, ';');
    return sv_starts_with(line, SV("P"));
}

static void filter(const char *expected)
{
    strbuf_init(&offered, 4096);
    framer_filter(&framer, is_ping, NULL);
    framer_check(&framer);
    ck_assert_str_eq(strbuf_cstr(&offered), expected);
    strbuf_done(&offered);
}

START_TEST(test_framer_filter_removes_answered_lines_behind_the_first)
{
    framer_keep(&framer, SV("P0\na\nP1\r\nb\nP2\nrest"));
    filter("a;P1;b;P2;");
    feed(SV("\n"));
    ck_seen("<P0><a><b><rest>");
}
END_TEST

START_TEST(test_framer_filter_offers_each_line_once)
{
    framer_keep(&framer, SV("first\na\nb"));
    filter("a;");
    filter("");
    framer_keep(&framer, SV("c\nP1\nd\n"));
    filter("bc;P1;d;");
    filter("");
    feed(sv(NULL, 0));
    ck_seen("<first><a><bc><d>");
}
END_TEST

START_TEST(test_framer_filter_of_a_first_line_without_end_does_nothing)
{
    filter("");
    framer_keep(&framer, SV("half"));
    filter("");
    framer_keep(&framer, SV("\nP1\n"));
    filter("P1;");
    feed(sv(NULL, 0));
    ck_seen("<half>");
}
END_TEST

START_TEST(test_framer_filter_leaves_lines_that_are_too_long)
{
    framer_keep(&framer, SV("P234567890\nP1\nP234567890\nP2\nz\n"));
    filter("P1;P2;z;");
    feed(sv(NULL, 0));
    ck_seen("!P2345678!!P2345678!<z>");
}
END_TEST

START_TEST(test_framer_filter_after_a_take_offers_only_what_is_new)
{
    struct str_view none = sv(NULL, 0);
    struct framed_line line;

    framer_keep(&framer, SV("a\nb\nc\n"));
    filter("b;c;");
    for (int i = 0; i < 3; i++) {
        ck_assert(framer_peek(&framer, &none, &line));
        framer_take(&framer, &none, &line);
        framer_check(&framer);
        framer_keep(&framer, SV("P\n"));
        filter(i < 2 ? "P;" : "");
    }
    feed(none);
    ck_seen("<P>");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("framer");
    TCase *cut = tcase_create("cut");
    TCase *filtering = tcase_create("filter");
    int count = (int)PARLEY_COUNT_OF(streams);

    tcase_add_checked_fixture(cut, setup, teardown);
    tcase_add_loop_test(cut, test_framer_stream_at_once_gives_its_lines, 0, count);
    tcase_add_loop_test(cut, test_framer_stream_split_anywhere_gives_the_same_lines, 0,
                        count);
    tcase_add_loop_test(cut, test_framer_stream_byte_by_byte_gives_the_same_lines, 0,
                        count);
    tcase_add_test(cut, test_framer_all_byte_values_are_data);
    tcase_add_test(cut, test_framer_line_in_fresh_is_not_copied);
    tcase_add_test(cut, test_framer_mebibyte_without_end_is_told_once_and_not_kept);
    tcase_add_test(cut, test_framer_peeked_line_stays_until_taken);
    suite_add_tcase(s, cut);
    tcase_add_checked_fixture(filtering, setup, teardown);
    tcase_add_test(filtering, test_framer_filter_removes_answered_lines_behind_the_first);
    tcase_add_test(filtering, test_framer_filter_offers_each_line_once);
    tcase_add_test(filtering,
                   test_framer_filter_of_a_first_line_without_end_does_nothing);
    tcase_add_test(filtering, test_framer_filter_leaves_lines_that_are_too_long);
    tcase_add_test(filtering, test_framer_filter_after_a_take_offers_only_what_is_new);
    suite_add_tcase(s, filtering);
    return s;
}
