/* SPDX-License-Identifier: MIT */
#include "proto/said.h"

#include <check.h>

/* Rooms are only compared. */
static char rooms[2];
static const struct room *const tea = (const struct room *)&rooms[0];
static const struct room *const den = (const struct room *)&rooms[1];

static void expect_text(struct strbuf *text, const char *expected)
{
    ck_assert_msg(sv_equal(strbuf_view(text), sv_of(expected)), "%.*s, not %s",
                  (int)text->len, text->ptr, expected);
    strbuf_clear(text);
}

START_TEST(test_a_line_that_came_back_is_the_oldest_of_its_room)
{
    struct said s;
    struct strbuf text;

    said_init(&s);
    strbuf_init(&text, 1024);
    said_add(&s, tea, 1, SV("one"));
    said_add(&s, den, 2, SV("two"));
    said_add(&s, tea, 3, SV("three"));
    said_take(&s, den, &text);
    expect_text(&text, "two");
    said_take(&s, tea, &text);
    expect_text(&text, "one");
    said_take(&s, den, &text);
    expect_text(&text, "");
    said_take(&s, tea, NULL);
    ck_assert_ptr_null(s.records);
    strbuf_done(&text);
}
END_TEST

START_TEST(test_a_line_that_is_given_up_need_not_be_the_oldest)
{
    struct said s;
    struct strbuf text;

    said_init(&s);
    strbuf_init(&text, 1024);
    said_add(&s, tea, 1, SV("under way"));
    said_add(&s, tea, 2, SV("held"));
    said_add(&s, tea, 3, SV("new"));
    said_take_line(&s, 2, &text);
    expect_text(&text, "held");
    said_take_line(&s, 2, &text);
    expect_text(&text, "");
    said_take(&s, tea, &text);
    expect_text(&text, "under way");
    said_take(&s, tea, &text);
    expect_text(&text, "new");
    ck_assert_ptr_null(s.records);
    strbuf_done(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *it = suite_create("said");
    TCase *tc = tcase_create("said");

    tcase_add_test(tc, test_a_line_that_came_back_is_the_oldest_of_its_room);
    tcase_add_test(tc, test_a_line_that_is_given_up_need_not_be_the_oldest);
    suite_add_tcase(it, tc);
    return it;
}
