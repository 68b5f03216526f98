/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/option_row.h"

#include <parley/core/options.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum { ARGS_MAX = 40, TEXT_SIZE = 64 * 1024 };

static struct options o;
static bool has_options;
static char *argv[ARGS_MAX + 1];
static char said[TEXT_SIZE];  /* on err */
static char shown[TEXT_SIZE]; /* on out */

static void read_back(FILE *file, char *to)
{
    rewind(file);
    size_t n = fread(to, 1, TEXT_SIZE - 1, file);

    to[n] = '\0';
    (void)fclose(file);
}

static void forget(void)
{
    if (has_options) {
        options_done(&o);
        has_options = false;
    }
    for (int i = 0; i < ARGS_MAX; i++) {
        free(argv[i]);
        argv[i] = NULL;
    }
}

/* Read options from these arguments (NULL ends them). */
static enum options_result read_args(const char *const *args)
{
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    int argc = 1;

    forget();
    argv[0] = strdup("parleyd");
    for (; args[argc - 1] != NULL; argc++) {
        argv[argc] = strdup(args[argc - 1]);
    }
    enum options_result result = options_read(argc, argv, out, err, &o);

    has_options = result == OPTIONS_OK;
    read_back(out, shown);
    read_back(err, said);
    /* A refusal is one line, nothing else says a word. */
    if (result == OPTIONS_REFUSED) {
        ck_assert_str_eq(strchr(said, '\n'), "\n");
        ck_assert_int_eq(strncmp(said, "parleyd: ", 9), 0);
    } else {
        ck_assert_str_eq(said, "");
    }
    return result;
}

#define READ(...) read_args((const char *const[]){__VA_ARGS__, NULL})
#define READ_NOTHING() read_args((const char *const[]){NULL})

static void assert_said(const char *part)
{
    ck_assert_msg(strstr(said, part) != NULL, "\"%s\" is not in: %s", part, said);
}

static void setup(void)
{
    has_options = false;
    ck_assert_int_eq(clearenv(), 0);
}

static void teardown(void)
{
    forget();
}

/* ---- defaults ---- */

START_TEST(test_options_read_nothing_gives_the_defaults)
{
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_uint_eq(o.listen_count, 1);
    ck_assert_str_eq(o.listen[0], "0.0.0.0:5050");
    ck_assert_str_eq(o.redis_url, "redis://127.0.0.1:6379");
    ck_assert_str_eq(o.redis_url_file, "");
    ck_assert_str_eq(o.redis_prefix, "parley");
    ck_assert_str_eq(o.motd_file, "");
    ck_assert_int_eq(o.log_level, LOG_INFO);
    ck_assert_int_eq(o.log_format, LOG_TEXT);
    ck_assert_uint_eq(o.partitions, 64);
    ck_assert_uint_eq(o.history, 1000);
    ck_assert_uint_eq(o.history_ttl_s, 604800);
    ck_assert_uint_eq(o.max_sessions, 0);
    ck_assert_uint_eq(o.max_line_bytes, 4096);
    ck_assert_uint_eq(o.max_rooms, 100);
    ck_assert_uint_eq(o.sendq_bytes, 1048576);
    ck_assert_uint_eq(o.flood_lines, 20);
    ck_assert_uint_eq(o.flood_burst, 40);
    ck_assert_uint_eq(o.register_seconds, 60);
    ck_assert_uint_eq(o.hold_bytes, 16777216);
    ck_assert_uint_eq(o.hold_seconds, 60);
    ck_assert_uint_eq(o.drain_seconds, 90);
    ck_assert_uint_eq(o.max_sessions_per_address, 100);
    ck_assert_uint_eq(o.proxy_seconds, 5);
    ck_assert_uint_eq(o.sendq_soft_bytes, 262144);
    ck_assert_uint_eq(o.sendq_soft_seconds, 60);
    ck_assert_uint_eq(o.ping_seconds, 90);
    ck_assert_uint_eq(o.ping_timeout_seconds, 60);
    ck_assert_uint_eq(o.emf_seconds, 0);
    ck_assert_str_eq(o.emf_namespace, "Parley");
    ck_assert_str_eq(o.emf_service, "parley");
}
END_TEST

START_TEST(test_options_read_without_a_node_name_takes_the_hosts)
{
    char host[256];

    ck_assert_int_eq(gethostname(host, sizeof host), 0);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_uint_gt(strlen(o.node_name), 0);
    ck_assert_uint_le(strlen(o.node_name), 63);
    ck_assert_uint_eq(strspn(o.node_name,
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789._-"),
                      strlen(o.node_name));
    ck_assert_int_eq(o.node_name[0], host[0]);
}
END_TEST

/* ---- the admin port ---- */

START_TEST(test_options_admin_knows_whether_it_was_asked_for)
{
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_str_eq(o.admin, "127.0.0.1:8080");
    ck_assert(o.admin_is_default);
    ck_assert_int_eq(READ("--admin", "127.0.0.1:8080"), OPTIONS_OK);
    ck_assert(!o.admin_is_default);
    ck_assert_int_eq(READ("--admin", "none"), OPTIONS_OK);
    ck_assert_str_eq(o.admin, "none");
    ck_assert_int_eq(READ("--admin", "8080"), OPTIONS_REFUSED);
}
END_TEST

/* ---- each row's limits, both ways, by flag and by variable ---- */

static char variable[64];

static const char *variable_of(const char *name)
{
    (void)snprintf(variable, sizeof variable, "PARLEY_%s", name);
    for (char *c = variable; *c != '\0'; c++) {
        *c = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    }
    return variable;
}

static enum options_result read_one(int way, const char *name, const char *value)
{
    char flag[64];

    (void)snprintf(flag, sizeof flag, "--%s", name);
    if (way == 0) {
        return READ(flag, value);
    }
    if (way == 1) {
        char joined[512];

        (void)snprintf(joined, sizeof joined, "%s=%s", flag, value);
        return READ(joined);
    }
    ck_assert_int_eq(setenv(variable_of(name), value, 1), 0);
    enum options_result result = READ_NOTHING();

    ck_assert_int_eq(unsetenv(variable_of(name)), 0);
    return result;
}

static void assert_refused(int way, const char *name, const char *value)
{
    char text[80];

    ck_assert_msg(read_one(way, name, value) == OPTIONS_REFUSED, "--%s \"%s\"", name,
                  value);
    (void)snprintf(text, sizeof text, "option --%s", name);
    assert_said(text);
    ck_assert((strstr(said, variable_of(name)) != NULL) == (way == 2));
}

static uint64_t number_of(const struct option_row *row)
{
    uint64_t value = 0;

    memcpy(&value, (const char *)&o + row->offset, sizeof value);
    return value;
}

START_TEST(test_options_read_of_numbers_keeps_their_limits)
{
    char text[32];

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (row->type != OPTION_NUMBER && row->type != OPTION_POWER) {
            continue;
        }
        (void)snprintf(text, sizeof text, "%" PRIu64, row->min);
        ck_assert_int_eq(read_one(_i, row->name, text), OPTIONS_OK);
        ck_assert_uint_eq(number_of(row), row->min);
        (void)snprintf(text, sizeof text, "%" PRIu64, row->max);
        ck_assert_int_eq(read_one(_i, row->name, text), OPTIONS_OK);
        ck_assert_uint_eq(number_of(row), row->max);
        (void)snprintf(text, sizeof text, "%" PRIu64, row->max + 1);
        assert_refused(_i, row->name, text);
        assert_said(text);
        if (row->min > 0) {
            (void)snprintf(text, sizeof text, "%" PRIu64, row->min - 1);
            assert_refused(_i, row->name, text);
        }
        assert_refused(_i, row->name, "-1");
        assert_refused(_i, row->name, "1k");
        assert_refused(_i, row->name, " 64");
        assert_refused(_i, row->name, "18446744073709551616");
        (void)snprintf(text, sizeof text, "%" PRIu64 " to %" PRIu64, row->min, row->max);
        assert_said(text);
    }
}
END_TEST

START_TEST(test_options_read_of_choices_stores_their_numbers)
{
    ck_assert_int_eq(READ("--log-level", "error", "--log-format", "json"), OPTIONS_OK);
    ck_assert_int_eq(o.log_level, LOG_ERROR);
    ck_assert_int_eq(o.log_format, LOG_JSON);
    ck_assert_int_eq(READ("--log-level", "debug"), OPTIONS_OK);
    ck_assert_int_eq(o.log_level, LOG_DEBUG);
    ck_assert_int_eq(o.log_format, LOG_TEXT);
    ck_assert_int_eq(READ("--log-level", "loud"), OPTIONS_REFUSED);
    assert_said("\"loud\"");
    assert_said("error, warn, info or debug");
}
END_TEST

/* ---- where values come from ---- */

START_TEST(test_options_read_flag_wins_over_variable)
{
    setenv("PARLEY_HISTORY", "7", 1);
    setenv("PARLEY_MAX_ROOMS", "8", 1);
    ck_assert_int_eq(READ("--history", "9"), OPTIONS_OK);
    ck_assert_uint_eq(o.history, 9);
    ck_assert_uint_eq(o.max_rooms, 8);
}
END_TEST

START_TEST(test_options_read_wrong_variable_behind_a_flag_is_not_looked_at)
{
    setenv("PARLEY_HISTORY", "wrong", 1);
    ck_assert_int_eq(READ("--history", "9"), OPTIONS_OK);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_REFUSED);
}
END_TEST

START_TEST(test_options_read_empty_variable_counts_as_not_set)
{
    for (size_t i = 0; i < option_row_count; i++) {
        setenv(variable_of(option_rows[i].name), "", 1);
    }
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_uint_eq(o.history, 1000);
    ck_assert_str_eq(o.redis_prefix, "parley");
}
END_TEST

START_TEST(test_options_read_unknown_variable_is_ignored)
{
    setenv("PARLEY_NO_SUCH_THING", "x", 1);
    setenv("PARLEY_HELP", "x", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
}
END_TEST

START_TEST(test_options_read_repeated_flag_takes_the_last)
{
    ck_assert_int_eq(READ("--history=1", "--redis-url=redis://a", "--history", "2",
                          "--redis-url=redis://b"),
                     OPTIONS_OK);
    ck_assert_uint_eq(o.history, 2);
    ck_assert_str_eq(o.redis_url, "redis://b");
}
END_TEST

START_TEST(test_options_read_listen_may_be_repeated)
{
    setenv("PARLEY_LISTEN", "variable:1", 1);
    ck_assert_int_eq(READ("--listen", "a:1", "--listen=[::1]:2", "--listen", "b:3,c:4"),
                     OPTIONS_OK);
    ck_assert_uint_eq(o.listen_count, 4);
    ck_assert_str_eq(o.listen[0], "a:1");
    ck_assert_str_eq(o.listen[1], "[::1]:2");
    ck_assert_str_eq(o.listen[2], "b:3");
    ck_assert_str_eq(o.listen[3], "c:4");
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_uint_eq(o.listen_count, 1);
    ck_assert_str_eq(o.listen[0], "variable:1");
}
END_TEST

START_TEST(test_options_read_values_may_hold_an_equals_sign)
{
    ck_assert_int_eq(READ("--motd-file=a=b", "--redis-url=redis://u:p=q@h"), OPTIONS_OK);
    ck_assert_str_eq(o.motd_file, "a=b");
    ck_assert_str_eq(o.redis_url, "redis://u:p=q@h");
    ck_assert_int_eq(READ("--motd-file", "a=b"), OPTIONS_OK);
    ck_assert_str_eq(o.motd_file, "a=b");
}
END_TEST

/* ---- wrong command lines ---- */

START_TEST(test_options_read_unknown_flag_is_refused_without_its_value)
{
    ck_assert_int_eq(READ("--redis-ulr=redis://:sesame@h"), OPTIONS_REFUSED);
    assert_said("unknown option \"--redis-ulr\"");
    ck_assert_ptr_null(strstr(said, "sesame"));
    ck_assert_int_eq(READ("--"), OPTIONS_REFUSED);
    ck_assert_int_eq(READ("--histor", "1"), OPTIONS_REFUSED);
    ck_assert_int_eq(READ("--History", "1"), OPTIONS_REFUSED);
}
END_TEST

START_TEST(test_options_read_stray_argument_is_refused_unseen)
{
    ck_assert_int_eq(READ("--history", "1", "redis://:sesame@h"), OPTIONS_REFUSED);
    assert_said("argument 3");
    ck_assert_ptr_null(strstr(said, "sesame"));
    ck_assert_int_eq(READ("-h"), OPTIONS_REFUSED);
    ck_assert_int_eq(READ(""), OPTIONS_REFUSED);
}
END_TEST

START_TEST(test_options_read_missing_value_is_refused)
{
    ck_assert_int_eq(READ("--history"), OPTIONS_REFUSED);
    assert_said("--history");
    assert_said("0 to 100000");
    ck_assert_int_eq(READ("--motd-file", "--history", "1"), OPTIONS_REFUSED);
    assert_said("--motd-file");
    ck_assert_int_eq(READ("--history="), OPTIONS_REFUSED);
    ck_assert_int_eq(READ("--motd-file="), OPTIONS_OK);
}
END_TEST

START_TEST(test_options_read_odd_bytes_in_a_value_stay_on_one_line)
{
    char value[5000];

    ck_assert_int_eq(READ("--history", "1\n2\x1b[31m"), OPTIONS_REFUSED);
    assert_said("\"1?2?[31m\"");
    memset(value, '9', sizeof value);
    value[sizeof value - 1] = '\0';
    ck_assert_int_eq(READ("--history", value), OPTIONS_REFUSED);
    assert_said("999...\"");
    ck_assert_uint_lt(strlen(said), 300);
}
END_TEST

/* ---- secrets ---- */

START_TEST(test_options_read_secret_is_wiped_from_argv)
{
    ck_assert_int_eq(READ("--redis-url", "redis://:sesame@h", "--history", "5"),
                     OPTIONS_OK);
    ck_assert_str_eq(o.redis_url, "redis://:sesame@h");
    ck_assert_uint_eq(strspn(argv[2], "*"), strlen("redis://:sesame@h"));
    ck_assert_str_eq(argv[4], "5");
    ck_assert_int_eq(READ("--redis-url=redis://:sesame@h"), OPTIONS_OK);
    ck_assert_str_eq(o.redis_url, "redis://:sesame@h");
    ck_assert_ptr_null(strstr(argv[1], "sesame"));
    ck_assert_int_eq(strncmp(argv[1], "--redis-url=*", 13), 0);
}
END_TEST

START_TEST(test_options_read_wrong_secret_is_not_shown)
{
    ck_assert_int_eq(READ("--redis-url", "http://:sesame@h"), OPTIONS_REFUSED);
    ck_assert_ptr_null(strstr(said, "sesame"));
    ck_assert_ptr_null(strstr(argv[2], "sesame"));
    assert_said("redis://");
    setenv("PARLEY_REDIS_URL", "http://:sesame@h", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_REFUSED);
    ck_assert_ptr_null(strstr(said, "sesame"));
    assert_said("variable PARLEY_REDIS_URL");
}
END_TEST

/* ---- the file with the URL ---- */

static char path[] = "/tmp/parley-options-XXXXXX";

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup_file(void)
{
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown_file(void)
{
    unlink(path);
}

static const struct {
    struct str_view text;
    const char *url; /* NULL: refused */
} files[] = {
    {SV_INIT("redis://:sesame@h:1\n"), "redis://:sesame@h:1"},
    {SV_INIT("redis://:sesame@h:1"), "redis://:sesame@h:1"},
    {SV_INIT("redis://:sesame@h:1\r\nmore\n"), "redis://:sesame@h:1"},
    {SV_INIT("  rediss://h \n"), "rediss://h"},
    {SV_INIT(""), NULL},
    {SV_INIT("\nredis://h\n"), NULL},
    {SV_INIT("sesame\n"), NULL},
    {SV_INIT("\0redis://h\n"), NULL},
};

START_TEST(test_options_read_url_file_takes_the_first_line)
{
    write_file(files[_i].text.ptr, files[_i].text.len);
    enum options_result result = READ("--redis-url-file", path);

    if (files[_i].url != NULL) {
        ck_assert_int_eq(result, OPTIONS_OK);
        ck_assert_str_eq(o.redis_url, files[_i].url);
        ck_assert_str_eq(o.redis_url_file, path);
    } else {
        ck_assert_int_eq(result, OPTIONS_REFUSED);
        assert_said("--redis-url-file");
        assert_said(path);
        ck_assert_ptr_null(strstr(said, "sesame"));
    }
}
END_TEST

START_TEST(test_options_read_url_file_with_an_endless_line_is_refused)
{
    static char text[100000] = "redis://h";

    memset(text + 9, 'x', sizeof text - 9);
    write_file(text, sizeof text);
    ck_assert_int_eq(READ("--redis-url-file", path), OPTIONS_REFUSED);
    assert_said("cannot be read");
}
END_TEST

START_TEST(test_options_read_url_file_that_cannot_be_read_is_refused)
{
    ck_assert_int_eq(READ("--redis-url-file", "/nonexistent/file"), OPTIONS_REFUSED);
    assert_said("No such file");
    ck_assert_int_eq(READ("--redis-url-file", "/"), OPTIONS_REFUSED);
    assert_said("directory");
    setenv("PARLEY_REDIS_URL_FILE", "/nonexistent/file", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_REFUSED);
    assert_said("variable PARLEY_REDIS_URL_FILE");
}
END_TEST

START_TEST(test_options_read_url_file_wins_but_not_over_a_stronger_source)
{
    write_file("redis://file\n", 13);
    ck_assert_int_eq(READ("--redis-url=redis://flag", "--redis-url-file", path),
                     OPTIONS_OK);
    ck_assert_str_eq(o.redis_url, "redis://file");
    setenv("PARLEY_REDIS_URL_FILE", path, 1);
    setenv("PARLEY_REDIS_URL", "redis://variable", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_OK);
    ck_assert_str_eq(o.redis_url, "redis://file");
    ck_assert_int_eq(READ("--redis-url=redis://flag"), OPTIONS_OK);
    ck_assert_str_eq(o.redis_url, "redis://flag");
}
END_TEST

/* ---- showing ---- */

START_TEST(test_options_read_help_shows_every_option)
{
    ck_assert_int_eq(READ("--help"), OPTIONS_SHOWN);
    for (size_t i = 0; i < option_row_count; i++) {
        char flag[64];

        (void)snprintf(flag, sizeof flag, "  --%s", option_rows[i].name);
        ck_assert((strstr(shown, flag) != NULL) ==
                  ((option_rows[i].flags & OPTION_HIDDEN) == 0));
    }
    ck_assert_int_eq(READ("--history", "5", "--help", "--bogus"), OPTIONS_SHOWN);
    ck_assert_int_eq(READ("--help=x"), OPTIONS_REFUSED);
}
END_TEST

START_TEST(test_options_read_version_shows_one_line)
{
    ck_assert_int_eq(READ("--version"), OPTIONS_SHOWN);
    ck_assert_int_eq(strncmp(shown, "parleyd ", 8), 0);
    ck_assert_str_eq(strchr(shown, '\n'), "\n");
}
END_TEST

START_TEST(test_options_print_markdown_has_a_row_for_each_option)
{
    ck_assert_int_eq(READ("--print-options-markdown"), OPTIONS_SHOWN);
    size_t expected = 2;
    size_t lines = 0;
    struct str_view rest = sv_of(shown);

    for (size_t i = 0; i < option_row_count; i++) {
        expected += option_rows[i].type != OPTION_SHOW;
    }
    while (rest.len > 0) {
        struct str_view line = sv_next_until(&rest, '\n');
        size_t bars = 0;

        for (size_t i = 0; i < line.len; i++) {
            bars += line.ptr[i] == '|';
        }
        ck_assert_uint_eq(bars, 5);
        lines++;
    }
    ck_assert_uint_eq(lines, expected);
    ck_assert_ptr_nonnull(
        strstr(shown, "\n| `--partitions N` | `PARLEY_PARTITIONS` | `64` | "));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("options");
    TCase *file = tcase_create("file");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_options_read_nothing_gives_the_defaults);
    tcase_add_test(tc, test_options_admin_knows_whether_it_was_asked_for);
    tcase_add_test(tc, test_options_read_without_a_node_name_takes_the_hosts);
    tcase_add_loop_test(tc, test_options_read_of_numbers_keeps_their_limits, 0, 3);
    tcase_add_test(tc, test_options_read_of_choices_stores_their_numbers);
    tcase_add_test(tc, test_options_read_flag_wins_over_variable);
    tcase_add_test(tc, test_options_read_wrong_variable_behind_a_flag_is_not_looked_at);
    tcase_add_test(tc, test_options_read_empty_variable_counts_as_not_set);
    tcase_add_test(tc, test_options_read_unknown_variable_is_ignored);
    tcase_add_test(tc, test_options_read_repeated_flag_takes_the_last);
    tcase_add_test(tc, test_options_read_listen_may_be_repeated);
    tcase_add_test(tc, test_options_read_values_may_hold_an_equals_sign);
    tcase_add_test(tc, test_options_read_unknown_flag_is_refused_without_its_value);
    tcase_add_test(tc, test_options_read_stray_argument_is_refused_unseen);
    tcase_add_test(tc, test_options_read_missing_value_is_refused);
    tcase_add_test(tc, test_options_read_odd_bytes_in_a_value_stay_on_one_line);
    tcase_add_test(tc, test_options_read_secret_is_wiped_from_argv);
    tcase_add_test(tc, test_options_read_wrong_secret_is_not_shown);
    tcase_add_test(tc, test_options_read_help_shows_every_option);
    tcase_add_test(tc, test_options_read_version_shows_one_line);
    tcase_add_test(tc, test_options_print_markdown_has_a_row_for_each_option);
    suite_add_tcase(s, tc);
    tcase_add_checked_fixture(file, setup, teardown);
    tcase_add_checked_fixture(file, setup_file, teardown_file);
    tcase_add_loop_test(file, test_options_read_url_file_takes_the_first_line, 0,
                        (int)PARLEY_COUNT_OF(files));
    tcase_add_test(file, test_options_read_url_file_with_an_endless_line_is_refused);
    tcase_add_test(file, test_options_read_url_file_that_cannot_be_read_is_refused);
    tcase_add_test(file, test_options_read_url_file_wins_but_not_over_a_stronger_source);
    suite_add_tcase(s, file);
    return s;
}
