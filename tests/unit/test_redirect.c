/* Where a server of a cluster sends us: what is followed, what is not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "backplane/redirect.h"

Suite *suite(void);

static const struct good {
    const char *text;
    const char *host;
    enum redirect_kind kind;
    uint16_t slot;
    uint16_t port;
} good[] = {
    {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", REDIRECT_MOVED, 3999, 6381},
    {"ASK 0 10.0.0.7:1", "10.0.0.7", REDIRECT_ASK, 0, 1},
    {"ASK 16383 a-b.c_d.example:65535", "a-b.c_d.example", REDIRECT_ASK, 16383, 65535},
    {"MOVED 1 fd00::7:6379", "fd00::7", REDIRECT_MOVED, 1, 6379},
    {"MOVED 1 ::1:6379", "::1", REDIRECT_MOVED, 1, 6379},
    {"MOVED 3999 :6381", "", REDIRECT_MOVED, 3999, 6381},
    {"MOVED  7  h:9 and more", "h", REDIRECT_MOVED, 7, 9},
};

START_TEST(test_redirection_is_read)
{
    const struct good *g = &good[_i];
    struct redirect r;

    ck_assert_msg(redirect_parse(sv_of(g->text), &r), "%s", g->text);
    ck_assert_int_eq(r.kind, g->kind);
    ck_assert_uint_eq(r.slot, g->slot);
    ck_assert_uint_eq(r.port, g->port);
    ck_assert_uint_eq(r.host.len, strlen(g->host));
    ck_assert(sv_equal(r.host, sv_of(g->host)));
}
END_TEST

static const char *const bad[] = {
    "",
    "MOVED",
    "MOVED 3999",
    "MOVED 3999 ",
    "MOVED 3999 h",
    "MOVED 3999 h:",
    "MOVED 3999 h:0",
    "MOVED 3999 h:-1",
    "MOVED 3999 h:65536",
    "MOVED 3999 h:99999999999999999999999",
    "MOVED 3999 h:12x",
    "MOVED 3999 :0",
    "MOVED 3999 ?:6379",
    "MOVED 3999 a/b:6379",
    "MOVED 3999 a\x01:6379",
    "MOVED 3999 [::1]:6379",
    "MOVED 16384 h:1",
    "MOVED -1 h:1",
    "MOVED x h:1",
    "moved 1 h:1",
    "MOVEDX 1 h:1",
    "ASKING 1 h:1",
    "ERR MOVED 1 h:1",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN Hash slot not served",
};

START_TEST(test_redirection_to_nowhere_is_not_followed)
{
    struct redirect r;

    ck_assert_msg(!redirect_parse(sv_of(bad[_i]), &r), "%s", bad[_i]);
}
END_TEST

START_TEST(test_host_of_254_bytes_is_none)
{
    char text[300] = "ASK 1 ";
    struct redirect r;

    memset(text + 6, 'a', 254);
    memcpy(text + 6 + 254, ":80", 4);
    ck_assert(!redirect_parse(sv_of(text), &r));
    ck_assert(redirect_parse(sv_of(memcpy(text + 1, "ASK 1 ", 6)), &r));
    ck_assert_uint_eq(r.host.len, REDIRECT_HOST_MAX);
}
END_TEST

/* No read past the end, whatever byte the text is cut at (the sanitizers watch). */
START_TEST(test_redirection_cut_at_every_byte)
{
    static const char whole[] = "MOVED 3999 fd00::1:6381";

    for (size_t len = 0; len < sizeof whole; len++) {
        char *exact = xmalloc(len == 0 ? 1 : len);
        struct redirect r;

        memcpy(exact, whole, len);
        bool usable = redirect_parse(sv(exact, len), &r);

        ck_assert(!usable || r.port > 0);
        free(exact);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("redirect");
    TCase *tc = tcase_create("parse");

    tcase_add_loop_test(tc, test_redirection_is_read, 0, (int)PARLEY_COUNT_OF(good));
    tcase_add_loop_test(tc, test_redirection_to_nowhere_is_not_followed, 0,
                        (int)PARLEY_COUNT_OF(bad));
    tcase_add_test(tc, test_host_of_254_bytes_is_none);
    tcase_add_test(tc, test_redirection_cut_at_every_byte);
    suite_add_tcase(s, tc);
    return s;
}
