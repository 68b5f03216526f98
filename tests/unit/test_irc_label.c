/* Labeled answers: none, one line, many. */
#include <check.h>
#include <string.h>

#include "proto/irc/label.h"

Suite *suite(void);

static struct strbuf out;
static struct irc_label *label;

static void set_up(void)
{
    strbuf_init(&out, 10000);
    label = irc_label_new(SV("a\\sb"));
}

static void tear_down(void)
{
    strbuf_done(&out);
    irc_label_free(label);
}

START_TEST(test_no_line_is_acknowledged)
{
    irc_label_end(label, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "@label=a\\sb :irc.parley ACK\r\n");
}
END_TEST

START_TEST(test_one_line_carries_the_label)
{
    irc_label_add(label, &out, SV(":x PONG 1\r\n"));
    ck_assert_uint_eq(out.len, 0);
    irc_label_end(label, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "@label=a\\sb :x PONG 1\r\n");
}
END_TEST

START_TEST(test_label_stands_before_other_tags)
{
    irc_label_add(label, &out, SV("@time=1 :x PRIVMSG #a :b\r\n"));
    irc_label_end(label, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "@label=a\\sb;time=1 :x PRIVMSG #a :b\r\n");
}
END_TEST

#define BATCH                                                                            \
    "@label=a\\sb :irc.parley BATCH +r labeled-response\r\n"                             \
    "@batch=r 1\r\n"                                                                     \
    "@batch=r;t 2\r\n"                                                                   \
    "@batch=r 3\r\n"                                                                     \
    ":irc.parley BATCH -r\r\n"

START_TEST(test_lines_become_a_batch)
{
    irc_label_add(label, &out, SV("1\r\n"));
    irc_label_add(label, &out, SV("@t 2\r\n"));
    ck_assert_uint_gt(out.len, 0);
    irc_label_add(label, &out, SV("3\r\n"));
    irc_label_end(label, &out);
    ck_assert_str_eq(strbuf_cstr(&out), BATCH);
}
END_TEST

START_TEST(test_lines_at_once_become_a_batch)
{
    irc_label_add(label, &out, SV("1\r\n@t 2\r\n3\r\n"));
    irc_label_end(label, &out);
    ck_assert_str_eq(strbuf_cstr(&out), BATCH);
}
END_TEST

START_TEST(test_text)
{
    struct str_view text = irc_label_text(label);

    ck_assert(sv_equal(text, SV("a\\sb")));
    irc_label_free(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_label");
    TCase *tc = tcase_create("label");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_no_line_is_acknowledged);
    tcase_add_test(tc, test_one_line_carries_the_label);
    tcase_add_test(tc, test_label_stands_before_other_tags);
    tcase_add_test(tc, test_lines_become_a_batch);
    tcase_add_test(tc, test_lines_at_once_become_a_batch);
    tcase_add_test(tc, test_text);
    suite_add_tcase(s, tc);
    return s;
}
