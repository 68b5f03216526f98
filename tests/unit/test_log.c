/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <parley/core/log.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>
#include <parley/util/utf8.h>

enum { TIME_LENGTH = CLOCK_ISO_SIZE - 1 };

static int fds[2];
static char output[256 * 1024];

static void setup(void)
{
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    log_setup(LOG_DEBUG, LOG_TEXT, fds[1]);
    log_set_node("n1");
}

static void teardown(void)
{
    close(fds[0]);
    close(fds[1]);
}

/* All that was logged so far. */
static const char *read_output(void)
{
    size_t len = 0;
    ssize_t n = 0;

    do {
        n = read(fds[0], output + len, sizeof output - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && len < sizeof output - 1);
    output[len] = '\0';
    return output;
}

static int count_lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

/* Begin a test that counts events at the start of a second. */
static void wait_for_second(void)
{
    uint64_t second = clock_monotonic_ms() / 1000;

    while (clock_monotonic_ms() / 1000 == second) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

START_TEST(test_log_event_as_text_has_all_parts)
{
    log_info("client_gone", "reason=%s bytes=%d", "timeout", 7);
    const char *line = read_output();

    ck_assert_int_eq(line[TIME_LENGTH - 1], 'Z');
    ck_assert_str_eq(line + TIME_LENGTH,
                     " info client_gone node=n1 reason=timeout bytes=7\n");
}
END_TEST

START_TEST(test_log_event_without_fields_ends_after_the_node)
{
    log_warn("odd", "%s", "");
    ck_assert_str_eq(read_output() + TIME_LENGTH, " warn odd node=n1\n");
}
END_TEST

START_TEST(test_log_event_as_json_has_a_field_for_each_key)
{
    log_setup(LOG_DEBUG, LOG_JSON, fds[1]);
    log_error("link_down", "host=%s text=\"%s\" empty= n=%d", "redis", "a \"b\" c", 7);
    const char *line = read_output();

    ck_assert_int_eq(strncmp(line, "{\"time\":\"", 9), 0);
    ck_assert_str_eq(line + 9 + TIME_LENGTH,
                     "\",\"level\":\"error\",\"event\":\"link_down\",\"node\":\"n1\","
                     "\"host\":\"redis\",\"text\":\"a \\\"b\\\" c\",\"empty\":\"\","
                     "\"n\":\"7\"}\n");
}
END_TEST

/* What follows the node's name when `text` is the message. */
static const struct {
    const char *text;
    const char *as_text;
    const char *as_json;
} messages[] = {
    {"a=1", "a=1", "\"a\":\"1\""},
    {"  a=1   b=2  ", "  a=1   b=2  ", "\"a\":\"1\",\"b\":\"2\""},
    {"just words", "just words", "\"message\":\"just words\""},
    {"a=1 and words", "a=1 and words", "\"a\":\"1\",\"message\":\"and words\""},
    {"a=\"open", "a=\"open", "\"a\":\"open\""},
    {"a=\"\"", "a=\"\"", "\"a\":\"\""},
    {"a=\"", "a=\"", "\"a\":\"\""},
    {"a=b=c", "a=b=c", "\"a\":\"b=c\""},
    {"=x", "=x", "\"message\":\"=x\""},
    {"node=n2 time=1 level=2 event=3", "node=n2 time=1 level=2 event=3",
     "\"field_node\":\"n2\",\"field_time\":\"1\",\"field_level\":\"2\",\"field_event\":"
     "\"3\""},
    {"a=x\r\ny", "a=x\\x0d\\x0ay", "\"a\":\"x\\\\x0d\\\\x0ay\""},
    {"a=\x1b[31m\x7f", "a=\\x1b[31m\\x7f", "\"a\":\"\\\\x1b[31m\\\\x7f\""},
    {"a=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "a=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
     "\"a\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"a=\xff\xc3", "a=\\xff\\xc3", "\"a\":\"\\\\xff\\\\xc3\""},
    {"a=\xe2\x82z", "a=\\xe2\\x82z", "\"a\":\"\\\\xe2\\\\x82z\""},
    {"a=\xc2\x9bm", "a=\\xc2\\x9bm", "\"a\":\"\\\\xc2\\\\x9bm\""},
    {"a=\\", "a=\\", "\"a\":\"\\\\\""},
    {"a=\"x\" b=\"y z\" c=d", "a=\"x\" b=\"y z\" c=d",
     "\"a\":\"x\",\"b\":\"y z\",\"c\":\"d\""},
};

START_TEST(test_log_event_as_text_escapes_what_is_not_plain)
{
    char expected[512];

    (void)snprintf(expected, sizeof expected, " info e node=n1 %s\n",
                   messages[_i].as_text);
    log_info("e", "%s", messages[_i].text);
    ck_assert_str_eq(read_output() + TIME_LENGTH, expected);
}
END_TEST

START_TEST(test_log_event_as_json_escapes_what_is_not_plain)
{
    char expected[512];

    (void)snprintf(expected, sizeof expected, "\"node\":\"n1\",%s}\n",
                   messages[_i].as_json);
    log_setup(LOG_DEBUG, LOG_JSON, fds[1]);
    log_info("e", "%s", messages[_i].text);
    ck_assert_str_eq(strstr(read_output(), "\"node\""), expected);
}
END_TEST

START_TEST(test_log_event_of_any_bytes_is_one_line_of_utf8)
{
    char text[256];

    log_setup(LOG_DEBUG, _i == 0 ? LOG_TEXT : LOG_JSON, fds[1]);
    for (int c = 1; c < 256; c++) {
        text[c - 1] = (char)c;
    }
    text[255] = '\0';
    log_info("e", "a=%s", text);
    const char *line = read_output();

    ck_assert_int_eq(count_lines(line), 1);
    ck_assert(utf8_is_valid(sv_of(line)));
}
END_TEST

START_TEST(test_log_event_too_long_is_cut_and_stays_whole)
{
    char text[10000];

    memset(text, _i % 2 == 0 ? 'x' : '\x01', sizeof text);
    memcpy(text, "key=", 4);
    text[sizeof text - 1] = '\0';
    log_setup(LOG_DEBUG, _i < 2 ? LOG_TEXT : LOG_JSON, fds[1]);
    log_info("e", "%s", text);
    const char *line = read_output();
    size_t len = strlen(line);

    ck_assert_int_eq(count_lines(line), 1);
    ck_assert_uint_gt(len, 2000);
    ck_assert_uint_le(len, 4096);
    ck_assert_str_eq(line + len - (_i < 2 ? 4 : 3), _i < 2 ? "...\n" : "\"}\n");
}
END_TEST

START_TEST(test_log_event_with_many_fields_stays_json)
{
    char text[2000];
    size_t len = 0;

    while (len + 8 < sizeof text) {
        len += (size_t)snprintf(text + len, sizeof text - len, "k=\x01 ");
    }
    log_setup(LOG_DEBUG, LOG_JSON, fds[1]);
    log_info("e", "%s", text);
    const char *line = read_output();

    ck_assert_uint_le(strlen(line), 4096);
    ck_assert_str_eq(line + strlen(line) - 3, "\"}\n");
}
END_TEST

START_TEST(test_log_set_node_cuts_a_long_name)
{
    char name[200];

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    log_set_node(name);
    log_info("e", "a=1");
    const char *node = strstr(read_output(), "node=");

    ck_assert_uint_eq(strcspn(node + 5, " "), 64);
}
END_TEST

START_TEST(test_log_event_below_the_level_writes_nothing)
{
    log_setup(LOG_WARN, LOG_TEXT, fds[1]);
    ck_assert(log_is_on(LOG_ERROR) && log_is_on(LOG_WARN));
    ck_assert(!log_is_on(LOG_INFO) && !log_is_on(LOG_DEBUG));
    log_info("e", "a=1");
    log_debug("e", "a=1");
    ck_assert_str_eq(read_output(), "");
    log_warn("e", "a=1");
    ck_assert_int_eq(count_lines(read_output()), 1);
}
END_TEST

START_TEST(test_log_event_in_a_burst_is_limited_by_name)
{
    wait_for_second();
    for (int i = 0; i < LOG_BURST + 10; i++) {
        log_info("busy", "i=%d", i);
    }
    ck_assert_int_eq(count_lines(read_output()), LOG_BURST);
    log_info("calm", "i=%d", 0);
    ck_assert_int_eq(count_lines(read_output()), 1);
    wait_for_second();
    log_info("calm", "i=%d", 1);
    const char *text = read_output();

    ck_assert_ptr_nonnull(strstr(text, " info suppressed node=n1 name=busy count=10\n"));
    ck_assert_int_eq(count_lines(text), 2);
    log_info("busy", "i=%d", 0);
    ck_assert_int_eq(count_lines(read_output()), 1);
}
END_TEST

START_TEST(test_log_event_of_very_many_names_shares_one_limit)
{
    static char names[400][16];

    wait_for_second();
    for (int i = 0; i < 400; i++) {
        (void)snprintf(names[i], sizeof names[i], "e%d", i);
        log_info(names[i], "a=1");
    }
    int lines = count_lines(read_output());

    ck_assert_int_ge(lines, 128 + LOG_BURST - 2);
    ck_assert_int_le(lines, 128 + LOG_BURST);
    wait_for_second();
    log_info("e1", "a=1");
    ck_assert_ptr_nonnull(strstr(read_output(), "name=other count="));
}
END_TEST

START_TEST(test_log_event_to_a_full_pipe_drops_and_counts)
{
    char block[4096] = {0};

    while (write(fds[1], block, sizeof block) > 0) {}
    /* In blocking mode as well: a reader that stands still must not stop us. */
    if (_i == 1) {
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, 0), 0);
    }
    log_info("e", "i=%d", 1);
    log_info("e", "i=%d", 2);
    ck_assert_str_eq(read_output(), "");
    (void)read_output();
    log_info("e", "i=%d", 3);
    const char *text = read_output();

    ck_assert_ptr_nonnull(strstr(text, " warn log_dropped node=n1 count=2\n"));
    ck_assert_ptr_nonnull(strstr(text, " info e node=n1 i=3\n"));
    ck_assert_int_eq(count_lines(text), 2);
}
END_TEST

START_TEST(test_log_event_to_a_closed_descriptor_goes_on)
{
    log_setup(LOG_INFO, LOG_TEXT, -1);
    log_info("e", "a=1");
    close(fds[0]);
    log_setup(LOG_INFO, LOG_TEXT, fds[1]);
    log_info("e", "a=1");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_log_event_as_text_has_all_parts);
    tcase_add_test(tc, test_log_event_without_fields_ends_after_the_node);
    tcase_add_test(tc, test_log_event_as_json_has_a_field_for_each_key);
    tcase_add_loop_test(tc, test_log_event_as_text_escapes_what_is_not_plain, 0,
                        (int)PARLEY_COUNT_OF(messages));
    tcase_add_loop_test(tc, test_log_event_as_json_escapes_what_is_not_plain, 0,
                        (int)PARLEY_COUNT_OF(messages));
    tcase_add_loop_test(tc, test_log_event_of_any_bytes_is_one_line_of_utf8, 0, 2);
    tcase_add_loop_test(tc, test_log_event_too_long_is_cut_and_stays_whole, 0, 4);
    tcase_add_test(tc, test_log_event_with_many_fields_stays_json);
    tcase_add_test(tc, test_log_set_node_cuts_a_long_name);
    tcase_add_test(tc, test_log_event_below_the_level_writes_nothing);
    tcase_add_test(tc, test_log_event_in_a_burst_is_limited_by_name);
    tcase_add_test(tc, test_log_event_of_very_many_names_shares_one_limit);
    tcase_add_loop_test(tc, test_log_event_to_a_full_pipe_drops_and_counts, 0, 2);
    tcase_add_test(tc, test_log_event_to_a_closed_descriptor_goes_on);
    suite_add_tcase(s, tc);
    return s;
}
