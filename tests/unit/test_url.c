/* Redis URLs: what is read from good ones, what is said of bad ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "backplane/url.h"

Suite *suite(void);

static const struct good {
    const char *text;
    const char *host;
    uint16_t port;
    const char *user;
    const char *password;
    bool tls;
} good[] = {
    {"redis://localhost", "localhost", 6379, NULL, NULL, false},
    {"redis://localhost/", "localhost", 6379, NULL, NULL, false},
    {"redis://localhost/0", "localhost", 6379, NULL, NULL, false},
    {"redis://10.0.0.7:7000", "10.0.0.7", 7000, NULL, NULL, false},
    {"redis://h:1", "h", 1, NULL, NULL, false},
    {"redis://h:65535/0", "h", 65535, NULL, NULL, false},
    {"rediss://my-cache.abc_1.use1.cache.amazonaws.com:6380",
     "my-cache.abc_1.use1.cache.amazonaws.com", 6380, NULL, NULL, true},
    {"redis://[::1]", "::1", 6379, NULL, NULL, false},
    {"redis://[fd00::12:a]:7001/", "fd00::12:a", 7001, NULL, NULL, false},
    {"redis://[::ffff:10.0.0.1]", "::ffff:10.0.0.1", 6379, NULL, NULL, false},
    {"redis://:secret@h", "h", 6379, NULL, "secret", false},
    {"redis://bob:secret@h", "h", 6379, "bob", "secret", false},
    {"redis://bob@h", "h", 6379, "bob", NULL, false},
    {"redis://bob:@h", "h", 6379, "bob", NULL, false},
    {"redis://@h", "h", 6379, NULL, NULL, false},
    {"redis://:@h", "h", 6379, NULL, NULL, false},
    {"redis://b%6fb:p%40ss%2Fw%3a%25@[::1]:2", "::1", 2, "bob", "p@ss/w:%", false},
    {"redis://:a:b:c@h", "h", 6379, NULL, "a:b:c", false},
    {"redis://:a@b@h", "h", 6379, NULL, "a@b", false},
    {"redis://:%c3%a4@h", "h", 6379, NULL, "\xc3\xa4", false},
};

static void assert_text(const char *got, const char *want)
{
    if (want == NULL) {
        ck_assert_ptr_null(got);
    } else {
        ck_assert_ptr_nonnull(got);
        ck_assert_str_eq(got, want);
    }
}

START_TEST(test_good_url_is_read)
{
    const struct good *g = &good[_i];
    const char *error = NULL;
    struct redis_url url;

    ck_assert_msg(redis_url_parse(sv_of(g->text), &url, &error), "%s: %s", g->text,
                  error);
    ck_assert_uint_eq(url.seed_count, 1);
    assert_text(url.seeds[0].host, g->host);
    ck_assert_uint_eq(url.seeds[0].port, g->port);
    assert_text(url.user, g->user);
    assert_text(url.password, g->password);
    ck_assert_int_eq(url.tls, g->tls);
    redis_url_done(&url);
    ck_assert_ptr_null(url.seeds);
    ck_assert_ptr_null(url.password);
}
END_TEST

static const struct bad {
    const char *text;
    const char *error; /* a part of it */
} bad[] = {
    {"", "must begin"},
    {"redis:", "must begin"},
    {"redis:/h", "must begin"},
    {"http://h", "must begin"},
    {"REDIS://h", "must begin"},
    {"localhost:6379", "must begin"},
    {"redis://", "host is missing"},
    {"redis:///0", "host is missing"},
    {"redis://:6379", "host is missing"},
    {"redis://u:p@", "host is missing"},
    {"redis://[]", "host is missing"},
    {"redis://[::1", "must end with ]"},
    {"redis://[::1]x", "only a port"},
    {"redis://[h]", "byte"},
    {"redis://a b", "byte"},
    {"redis://a\nb", "byte"},
    {"redis://h\xc3\xa4", "byte"},
    {"redis://h:", "port"},
    {"redis://h:0", "port"},
    {"redis://h:65536", "port"},
    {"redis://h:+1", "port"},
    {"redis://h:12x", "port"},
    {"redis://h:99999999999999999999", "port"},
    {"redis://::1", "host is missing"},
    {"redis://fd00::1", "port"},
    {"redis://h/1", "database 0"},
    {"redis://h/00", "database 0"},
    {"redis://h/0/", "database 0"},
    {"redis://h,i", "byte"},
    {"redis-cluster://", "host is missing"},
    {"redis-cluster://h,", "host is missing"},
    {"redis-cluster://h,,i", "host is missing"},
    {"redis-cluster://h:1,i:x", "port"},
    {"redis-clusters://h", "must begin"},
    {"redis://h?x=1", "parameters"},
    {"redis://h/0#x", "parameters"},
    {"redis://:pa/ss@h", "%2F"},
    {"redis://:pa%zzss@h", "percent-encoded"},
    {"redis://:pass%4@h", "percent-encoded"},
    {"redis://:pass%@h", "percent-encoded"},
    {"redis://:pa%00ss@h", "percent-encoded"},
    {"redis://us%er:pass@h", "percent-encoded"},
};

START_TEST(test_bad_url_is_refused_with_a_reason)
{
    const struct bad *b = &bad[_i];
    const char *error = NULL;
    struct redis_url url = {.seed_count = 77};

    ck_assert_msg(!redis_url_parse(sv_of(b->text), &url, &error), "%s", b->text);
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, b->error) != NULL, "%s: %s", b->text, error);
    ck_assert_uint_eq(url.seed_count, 77);
    ck_assert_ptr_null(url.seeds);
}
END_TEST

START_TEST(test_cluster_has_many_seeds)
{
    const char *error = NULL;
    struct redis_url url;

    ck_assert(redis_url_parse(SV("rediss-cluster://u:p@a,[::1]:7001,10.0.0.1:7002/0"),
                              &url, &error));
    ck_assert(url.cluster && url.tls);
    ck_assert_uint_eq(url.seed_count, 3);
    assert_text(url.seeds[0].host, "a");
    ck_assert_uint_eq(url.seeds[0].port, 6379);
    assert_text(url.seeds[1].host, "::1");
    ck_assert_uint_eq(url.seeds[1].port, 7001);
    assert_text(url.seeds[2].host, "10.0.0.1");
    assert_text(url.user, "u");
    assert_text(url.password, "p");
    redis_url_done(&url);
    ck_assert(redis_url_parse(SV("redis-cluster://a"), &url, &error));
    ck_assert(url.cluster && !url.tls);
    redis_url_done(&url);
}
END_TEST

START_TEST(test_more_seeds_than_64_are_refused)
{
    char text[300] = "redis-cluster://a";
    const char *error = NULL;
    struct redis_url url;

    for (int i = 1; i < REDIS_SEEDS_MAX; i++) {
        strcat(text, ",a");
    }
    ck_assert(redis_url_parse(sv_of(text), &url, &error));
    ck_assert_uint_eq(url.seed_count, REDIS_SEEDS_MAX);
    redis_url_done(&url);
    ck_assert(!redis_url_parse(sv_of(strcat(text, ",a")), &url, &error));
    ck_assert_str_eq(error, "too many hosts");
}
END_TEST

static const struct pair {
    const char *a;
    const char *b;
    bool same;
} pairs[] = {
    {"redis://h", "redis://u:p@h:6379/0", true},
    {"redis://h", "redis://h:6380", false},
    {"redis://h", "redis://i", false},
    {"redis://h", "rediss://h", false},
    {"redis://h", "redis-cluster://h", false},
    {"redis-cluster://h,i", "redis-cluster://:p@h,i", true},
    {"redis-cluster://h,i", "redis-cluster://h", false},
    {"redis-cluster://h,i", "redis-cluster://i,h", false},
};

START_TEST(test_place_is_all_but_the_credentials)
{
    const char *error = NULL;
    struct redis_url a;
    struct redis_url b;

    ck_assert(redis_url_parse(sv_of(pairs[_i].a), &a, &error));
    ck_assert(redis_url_parse(sv_of(pairs[_i].b), &b, &error));
    ck_assert_int_eq(redis_url_same_place(&a, &b), pairs[_i].same);
    ck_assert_int_eq(redis_url_same_place(&b, &a), pairs[_i].same);
    redis_url_done(&a);
    redis_url_done(&b);
}
END_TEST

START_TEST(test_host_of_254_bytes_is_refused)
{
    char text[300] = "redis://";
    const char *error = NULL;
    struct redis_url url;

    memset(text + 8, 'a', 254);
    ck_assert(!redis_url_parse(sv_of(text), &url, &error));
    ck_assert_str_eq(error, "the host is too long");
    text[8 + 253] = '\0';
    ck_assert(redis_url_parse(sv_of(text), &url, &error));
    redis_url_done(&url);
}
END_TEST

/* No read past the end, whatever byte the text is cut at (the sanitizers watch). */
START_TEST(test_url_cut_at_every_byte)
{
    static const char whole[] = "rediss://b%6fb:p%40ss@[fd00::1]:7001/0";

    for (size_t len = 0; len < sizeof whole; len++) {
        char *text = xstrndup(whole, len);
        char *exact = xmalloc(len == 0 ? 1 : len);
        const char *error = NULL;
        struct redis_url url;

        memcpy(exact, text, len);
        if (redis_url_parse(sv(exact, len), &url, &error)) {
            redis_url_done(&url);
        } else {
            ck_assert_ptr_nonnull(error);
        }
        free(exact);
        free(text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("url");
    TCase *tc = tcase_create("parse");

    tcase_add_loop_test(tc, test_good_url_is_read, 0, (int)PARLEY_COUNT_OF(good));
    tcase_add_loop_test(tc, test_bad_url_is_refused_with_a_reason, 0,
                        (int)PARLEY_COUNT_OF(bad));
    tcase_add_test(tc, test_cluster_has_many_seeds);
    tcase_add_test(tc, test_more_seeds_than_64_are_refused);
    tcase_add_loop_test(tc, test_place_is_all_but_the_credentials, 0,
                        (int)PARLEY_COUNT_OF(pairs));
    tcase_add_test(tc, test_host_of_254_bytes_is_refused);
    tcase_add_test(tc, test_url_cut_at_every_byte);
    suite_add_tcase(s, tc);
    return s;
}
