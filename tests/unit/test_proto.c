/* Sniffing, text made clean, and the message of the day. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <parley/proto/proto.h>
#include <parley/util/utf8.h>

#include "proto/front.h"
#include "proto/text.h"

Suite *suite(void);

/* ---- sniffing ---- */

static const struct sniff_case {
    const char *line;
    const char *front;
} sniff_cases[] = {
    {"NICK alice", "irc"},
    {"nick alice", "irc"},
    {"Nick\talice", "irc"},
    {"  NICK  alice ", "irc"},
    {"NICK :", "irc"},
    {"CAP LS 302", "irc"},
    {"PASS secret", "irc"},
    {"USER a 0 * :A", "irc"},
    {"authenticate PLAIN", "irc"},
    {"NICK", "line"},
    {"NICK ", "line"},
    {"NICKS alice", "line"},
    {"NIC alice", "line"},
    {"JOIN #tea", "line"},
    {"/nick alice", "line"},
    {"alice", "line"},
    {"user", "line"},
    {"GET / HTTP/1.1", "line"},
    {"Host: example.net", "line"},
    {"\xff\xfd\x03", "line"},
    {"\x16\x03\x01", "line"},
    {"", "line"},
};

START_TEST(test_sniff)
{
    const struct sniff_case *c = &sniff_cases[_i];

    ck_assert_str_eq(proto_choose(sv_of(c->line))->name, c->front);
}
END_TEST

START_TEST(test_sniff_any_byte)
{
    char line[] = {'N', 'I', 'C', 'K', (char)_i, 'a'};
    bool blank = _i == ' ' || _i == '\t';

    ck_assert_str_eq(proto_choose(sv(line, sizeof line))->name, blank ? "irc" : "line");
}
END_TEST

/* ---- clean text ---- */

#define REPLACEMENT "\xef\xbf\xbd"
/* SV() for the initialiser of a table. */
#define VIEW(literal) {(literal), sizeof(literal) - 1}

static const struct text_case {
    struct str_view in;
    struct str_view out;
} text_cases[] = {
    {VIEW(""), VIEW("")},
    {VIEW("hello"), VIEW("hello")},
    {VIEW("a\tb"), VIEW("a\tb")},
    {VIEW("gr\xc3\xbc\xc3\x9f"), VIEW("gr\xc3\xbc\xc3\x9f")},
    {VIEW("\xf0\x9f\x98\x80"), VIEW("\xf0\x9f\x98\x80")},
    {VIEW("\x1b[2Jgone"), VIEW("[2Jgone")},
    {VIEW("hellp\bo"), VIEW("hellpo")},
    {VIEW("a\0b"), VIEW("ab")},
    {VIEW("\0\x01\x1f\x7f"), VIEW("")},
    {VIEW("a\r\nb"), VIEW("ab")},
    {VIEW("\xc2\x9b"
          "2J"),
     VIEW("2J")},
    {VIEW("\xc2\x80\xc2\x9f\xc2\xa0"), VIEW("\xc2\xa0")},
    {VIEW("\xff\xfd\x03x"), VIEW(REPLACEMENT REPLACEMENT "x")},
    {VIEW("\xc3"), VIEW(REPLACEMENT)},
    {VIEW("\xc2"), VIEW(REPLACEMENT)},
    {VIEW("\xe2\x82"), VIEW(REPLACEMENT)},
    {VIEW("\xe2\xc2\x85x"), VIEW(REPLACEMENT "x")},
    {VIEW("\x9b"), VIEW(REPLACEMENT)},
    {VIEW("\xc0\xaf"), VIEW(REPLACEMENT REPLACEMENT)},
};

START_TEST(test_clean)
{
    const struct text_case *c = &text_cases[_i];
    struct strbuf out;

    strbuf_init(&out, 100);
    text_add_clean(&out, c->in);
    ck_assert(sv_equal(strbuf_view(&out), c->out));
    ck_assert_int_eq(text_is_clean(c->in), sv_equal(c->in, c->out));
    ck_assert(text_is_clean(strbuf_view(&out)));
    strbuf_done(&out);
}
END_TEST

/* Whatever two bytes come, the result is clean, and clean text is left alone. */
START_TEST(test_clean_any_bytes)
{
    struct strbuf out;

    strbuf_init(&out, 100);
    for (int second = 0; second < 256; second++) {
        char bytes[] = {'<', (char)_i, (char)second, '>'};
        strbuf_clear(&out);
        text_add_clean(&out, sv(bytes, sizeof bytes));
        ck_assert(text_is_clean(strbuf_view(&out)));
        ck_assert_int_eq(out.ptr[0], '<');
        ck_assert_int_eq(out.ptr[out.len - 1], '>');
        if (text_is_clean(sv(bytes, sizeof bytes))) {
            ck_assert(sv_equal(strbuf_view(&out), sv(bytes, sizeof bytes)));
        }
    }
    strbuf_done(&out);
}
END_TEST

START_TEST(test_excerpt)
{
    static const char forty[] = "0123456789012345678901234567890123456789";
    struct strbuf out;

    strbuf_init(&out, 1000);
    text_add_excerpt(&out, sv(forty, 40));
    ck_assert_str_eq(strbuf_cstr(&out), forty);

    strbuf_clear(&out);
    text_add_excerpt(&out, SV("0123456789012345678901234567890123456789x"));
    ck_assert_str_eq(strbuf_cstr(&out), "0123456789012345678901234567890123456789...");

    strbuf_clear(&out);
    text_add_excerpt(&out, SV("012345678901234567890123456789012345678\xc3\xa4"));
    ck_assert_str_eq(strbuf_cstr(&out), "012345678901234567890123456789012345678...");
    strbuf_done(&out);
}
END_TEST

/* ---- the message of the day ---- */

/* Load a file of those bytes. */
static bool load(struct motd *m, struct str_view bytes, char ret_error[MOTD_ERROR_SIZE])
{
    char path[] = "/tmp/parley-motd-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    (void)close(fd);
    bool ok = motd_load(m, path, ret_error);
    (void)unlink(path);
    return ok;
}

START_TEST(test_motd_lines)
{
    struct motd m;
    char error[MOTD_ERROR_SIZE];
    struct str_view line = {0};

    motd_init(&m);
    ck_assert(load(&m, SV("Be kind.\r\n\n\x1b[1mNo \xff.\nlast"), error));
    struct str_view rest = motd_text(&m);
    ck_assert(motd_next_line(&rest, &line) && sv_equal(line, SV("Be kind.")));
    ck_assert(motd_next_line(&rest, &line) && sv_equal(line, SV("")));
    ck_assert(motd_next_line(&rest, &line) &&
              sv_equal(line, SV("[1mNo " REPLACEMENT ".")));
    ck_assert(motd_next_line(&rest, &line) && sv_equal(line, SV("last")));
    ck_assert(!motd_next_line(&rest, &line));
    motd_done(&m);
}
END_TEST

START_TEST(test_motd_none)
{
    struct motd m;
    char error[MOTD_ERROR_SIZE] = "";

    motd_init(&m);
    ck_assert(motd_load(&m, "", error));
    ck_assert_uint_eq(motd_text(&m).len, 0);
    ck_assert(load(&m, SV(""), error));
    ck_assert_uint_eq(motd_text(&m).len, 0);
    ck_assert(!motd_load(&m, "/nonexistent/motd", error));
    ck_assert_str_eq(error, "No such file or directory");
    ck_assert(!motd_load(&m, "/", error));
    ck_assert_str_eq(error, "Is a directory");
    motd_done(&m);
}
END_TEST

START_TEST(test_motd_bounds)
{
    static char bytes[MOTD_BYTES_MAX + 1];
    struct motd m;
    char error[MOTD_ERROR_SIZE];

    motd_init(&m);
    memset(bytes, '\n', sizeof bytes);
    ck_assert(load(&m, sv(bytes, MOTD_BYTES_MAX), error));
    ck_assert(!load(&m, sv(bytes, MOTD_BYTES_MAX + 1), error));
    ck_assert_str_eq(error, "it has more than 16384 bytes");
    ck_assert_uint_eq(motd_text(&m).len, 0);

    memset(bytes + 1, 'x', MOTD_LINE_BYTES_MAX);
    ck_assert(load(&m, sv(bytes, MOTD_LINE_BYTES_MAX + 2), error));
    memset(bytes + 1, 'x', MOTD_LINE_BYTES_MAX + 1);
    ck_assert(!load(&m, sv(bytes, MOTD_LINE_BYTES_MAX + 2), error));
    ck_assert_str_eq(error, "line 2 is longer than 400 bytes");

    /* Every byte invalid: the longest that replacing makes of a file. */
    memset(bytes, '\xff', sizeof bytes);
    for (size_t i = 99; i < sizeof bytes; i += 100) {
        bytes[i] = '\n';
    }
    ck_assert(load(&m, sv(bytes, MOTD_BYTES_MAX), error));
    motd_done(&m);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("proto");
    TCase *t = tcase_create("sniff");

    tcase_add_loop_test(t, test_sniff, 0, (int)PARLEY_COUNT_OF(sniff_cases));
    tcase_add_loop_test(t, test_sniff_any_byte, 0, 256);
    suite_add_tcase(s, t);

    t = tcase_create("text");
    tcase_add_loop_test(t, test_clean, 0, (int)PARLEY_COUNT_OF(text_cases));
    tcase_add_loop_test(t, test_clean_any_bytes, 0, 256);
    tcase_add_test(t, test_excerpt);
    suite_add_tcase(s, t);

    t = tcase_create("motd");
    tcase_add_test(t, test_motd_lines);
    tcase_add_test(t, test_motd_none);
    tcase_add_test(t, test_motd_bounds);
    suite_add_tcase(s, t);
    return s;
}
