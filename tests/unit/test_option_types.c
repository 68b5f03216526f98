/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/option_row.h"

#include <parley/core/options.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (strcmp(option_rows[i].name, name) == 0) {
            return &option_rows[i];
        }
    }
    ck_abort_msg("no option %s", name);
    return NULL;
}

/* What a user would be told that the option takes. */
static void assert_described(const char *name, const char *expected)
{
    const struct option_row *row = find_row(name);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    option_types[row->type].describe(row, file);
    (void)fclose(file);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* Hashes of "sesame" and the like are this long; these are none of anything. */
#define HASH                                                                             \
    "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"                              \
    "c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"

static const struct {
    const char *name;
    const char *value;
    bool right;
} values[] = {
    {"partitions", "1", true},
    {"partitions", "512", true},
    {"partitions", "3", false},
    {"partitions", "63", false},
    {"partitions", "1000", false},
    {"redis-prefix", "A_z9", true},
    {"redis-prefix", "abcdefghijklmnopqrstuvwxyz012345", true},
    {"redis-prefix", "abcdefghijklmnopqrstuvwxyz0123456", false},
    {"redis-prefix", "a-b", false},
    {"redis-prefix", "a:b", false},
    {"redis-prefix", "a b", false},
    {"redis-prefix", "\xc3\xa4", false},
    {"oper", "", true},
    {"oper", "root:" HASH, true},
    {"oper", " a:" HASH "  b.c_d-1:" HASH " ", true},
    {"oper", "abcdefghijklmnopqrstuvwxyz012345:" HASH, true},
    {"oper", "abcdefghijklmnopqrstuvwxyz0123456:" HASH, false},
    {"oper", "a:" HASH " a:" HASH, false},
    {"oper", ":" HASH, false},
    {"oper", "a/b:" HASH, false},
    {"oper", "root:secret", false},
    {"oper", "root", false},
    {"oper", HASH, false},
    {"node-name", "a.b-c_D", true},
    {"node-name", "a/b", false},
    {"node-name", "a\nb", false},
    {"log-level", "error", true},
    {"log-level", "warn", true},
    {"log-level", "debug", true},
    {"log-level", "warning", false},
    {"log-level", "INFO", false},
    {"log-level", "error|warn", false},
    {"log-format", "json", true},
    {"log-format", "xml", false},
    {"redis-url", "redis://h", true},
    {"redis-url", "rediss://user:pw@h:1", true},
    {"redis-url", "redis://", false},
    {"redis-url", "rediss-cluster://h:1,i", true},
    {"redis-url", "redis-cluster:/h", false},
    {"redis-url", "redis-clusters://h", false},
    {"redis-url", "rediss://", false},
    {"redis-url", "redis:/h", false},
    {"redis-url", "http://h", false},
    {"redis-url", "h:6379", false},
    {"listen", "127.0.0.1:0", true},
    {"listen", "localhost:65535", true},
    {"listen", "[::]:5050", true},
    {"listen", "[2001:db8::1]:5050", true},
    {"listen", "[::ffff:1.2.3.4]:1", true},
    {"listen", "a:1,b:2, [::1]:3", true},
    {"listen", "127.0.0.1", false},
    {"listen", "127.0.0.1:", false},
    {"listen", "127.0.0.1:65536", false},
    {"listen", "127.0.0.1:x", false},
    {"listen", ":5050", false},
    {"listen", "5050", false},
    {"listen", "::1:5050", false},
    {"listen", "[::1]", false},
    {"listen", "[::1]5050", false},
    {"listen", "[::1:5050", false},
    {"listen", "[]:5050", false},
    {"listen", "[x]:5050", false},
    {"listen", "[1.2.3.4]:5050", false},
    {"listen", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1", false},
    {"listen", "a b:1", false},
    {"listen", "a:1,b", false},
    {"listen", "a:1,,b:2", false},
    {"listen", "h:1,h:2,h:3,h:4,h:5,h:6,h:7,h:8,h:9,h:10,h:11,h:12,h:13,h:14,h:15,h:16",
     true},
    {"listen",
     "h:1,h:2,h:3,h:4,h:5,h:6,h:7,h:8,h:9,h:10,h:11,h:12,h:13,h:14,h:15,h:16,h:17",
     false},
    {"listen", "h:1,proxy,[::1]:2,secure , proxy,h:3", true},
    {"listen", "proxy", false},
    {"listen", "h:1,Proxy", false},
    {"listen", "h:1,proxy,", true},
    {"admin", "none", true},
    {"admin", "[::1]:0", true},
    {"admin", "8080", false},
    {"admin", "127.0.0.1:1,proxy", false},
    {"exempt", "192.0.2.0/24, 2001:db8::/32", true},
    {"exempt", "none", true},
    {"exempt", "192.0.2.0/24,,10.0.0.0/8", false},
    {"exempt", "192.0.2.1/24", false},
    {"ready-needs-redis", "no", true},
    {"ready-needs-redis", "1", false},
    {"emf-namespace", "A/b-c_d.e#f:g", true},
    {"emf-namespace", "a\"b", false},
};

START_TEST(test_take_of_values_takes_the_right_ones)
{
    struct options o = {0};
    const struct option_row *row = find_row(values[_i].name);
    bool right = option_types[row->type].take(row, sv_of(values[_i].value), &o);

    ck_assert_msg(right == values[_i].right, "--%s \"%s\"", values[_i].name,
                  values[_i].value);
    options_done(&o);
}
END_TEST

START_TEST(test_take_of_listen_keeps_the_words_of_each_address)
{
    struct options o = {0};

    ck_assert(option_types[OPTION_LISTEN].take(
        find_row("listen"), SV("h:1,proxy,[::1]:2,secure , proxy,h:3"), &o));
    ck_assert_uint_eq(o.listen_count, 3);
    ck_assert_str_eq(o.listen[1], "[::1]:2");
    ck_assert(o.listen_proxy[0] && !o.listen_secure[0]);
    ck_assert(o.listen_proxy[1] && o.listen_secure[1]);
    ck_assert(!o.listen_proxy[2] && !o.listen_secure[2]);
    options_done(&o);
}
END_TEST

START_TEST(test_take_of_operators_adds_to_those_before)
{
    struct options o = {0};
    const struct option_row *row = find_row("oper");

    ck_assert(option_types[row->type].take(row, SV("a:" HASH), &o));
    ck_assert(option_types[row->type].take(row, SV("b:" HASH), &o));
    ck_assert(!option_types[row->type].take(row, SV("a:" HASH), &o));
    ck_assert_uint_eq(o.oper_count, 2);
    ck_assert_str_eq(o.opers[0].name, "a");
    ck_assert_str_eq(o.opers[1].name, "b");
    ck_assert_str_eq(o.opers[1].hash, HASH);
    options_done(&o);
}
END_TEST

START_TEST(test_take_of_networks_replaces_what_was_there)
{
    struct options o = {0};
    const struct option_row *row = find_row("exempt");

    ck_assert(option_types[row->type].take(row, sv_of(row->standard), &o));
    ck_assert_uint_eq(o.exempt_count, 6);
    ck_assert(option_types[row->type].take(row, SV("2001:db8::/32"), &o));
    ck_assert_uint_eq(o.exempt_count, 1);
    ck_assert(o.exempt[0].is_v6 && o.exempt[0].bits == 32);
    ck_assert(option_types[row->type].take(row, SV("none"), &o));
    ck_assert_uint_eq(o.exempt_count, 0);
}
END_TEST

START_TEST(test_take_of_every_default_takes_it)
{
    struct options o = {0};

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (row->standard != NULL) {
            ck_assert(option_types[row->type].take(row, sv_of(row->standard), &o));
        }
    }
    options_done(&o);
}
END_TEST

START_TEST(test_describe_tells_the_limits)
{
    assert_described("history", "0 to 100000");
    assert_described("partitions", "a power of two, 1 to 1024");
    assert_described("log-level", "error, warn, info or debug");
    assert_described("log-format", "text or json");
    assert_described("redis-prefix", "1 to 32 of A-Z a-z 0-9 _");
    assert_described(
        "listen",
        "HOST:PORT or [IPv6]:PORT, then perhaps ,proxy and ,secure; at most 16 of them");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("option_types");
    TCase *tc = tcase_create("option_types");

    tcase_add_loop_test(tc, test_take_of_values_takes_the_right_ones, 0,
                        (int)PARLEY_COUNT_OF(values));
    tcase_add_test(tc, test_take_of_listen_keeps_the_words_of_each_address);
    tcase_add_test(tc, test_take_of_operators_adds_to_those_before);
    tcase_add_test(tc, test_take_of_networks_replaces_what_was_there);
    tcase_add_test(tc, test_take_of_every_default_takes_it);
    tcase_add_test(tc, test_describe_tells_the_limits);
    suite_add_tcase(s, tc);
    return s;
}
