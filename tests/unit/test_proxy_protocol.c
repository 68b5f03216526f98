/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/net/addr.h>
#include <parley/net/proxy_protocol.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4_BLOCK "\xc0\0\2\7\x0a\0\0\1\x30\x39\x13\xba" /* 192.0.2.7:12345 */
#define IPV6_CLIENT "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x2a"
#define IPV6_BLOCK IPV6_CLIENT IPV6_CLIENT "\x30\x39\x13\xba"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"
#define ZEROS_8 "\0\0\0\0\0\0\0\0"
#define ZEROS_72 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8

struct good {
    struct str_view bytes;
    const char *peer; /* NULL: no address in it */
    bool is_secure;
    const char *endpoint;
};

static const struct good goods[] = {
    /* version 1 */
    {SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 12345 5050\r\n"), "192.0.2.7:12345", 0, ""},
    {SV_INIT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255:65535", 0, ""},
    {SV_INIT("PROXY TCP6 2001:db8::2a 2001:db8::1 12345 0\r\n"), "[2001:db8::2a]:12345",
     0, ""},
    {SV_INIT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 0, ""},
    {SV_INIT("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), "192.0.2.7:1", 0, ""},
    {SV_INIT("PROXY UNKNOWN\r\n"), NULL, 0, ""},
    {SV_INIT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     NULL, 0, ""},
    /* version 2 */
    {SV_INIT(SIGNATURE "\x21\x11\0\x0c" IPV4_BLOCK), "192.0.2.7:12345", 0, ""},
    {SV_INIT(SIGNATURE "\x21\x21\0\x24" IPV6_BLOCK), "[2001:db8::2a]:12345", 0, ""},
    {SV_INIT(SIGNATURE "\x21\x21\0\x24" MAPPED MAPPED "\x30\x39\x13\xba"),
     "192.0.2.7:12345", 0, ""},
    {SV_INIT(SIGNATURE "\x20\0\0\0"), NULL, 0, ""}, /* LOCAL: a health check */
    {SV_INIT(SIGNATURE "\x20\x11\0\x0c" IPV4_BLOCK), NULL, 0, ""},
    {SV_INIT(SIGNATURE "\x20\0\0\3\xff\xff\xff"), NULL, 0, ""},    /* is not looked at */
    {SV_INIT(SIGNATURE "\x21\0\0\0"), NULL, 0, ""},                /* unspecified */
    {SV_INIT(SIGNATURE "\x21\x12\0\x0c" IPV4_BLOCK), NULL, 0, ""}, /* UDP */
    {SV_INIT(SIGNATURE "\x21\x31\0\xd8" ZEROS_72 ZEROS_72 ZEROS_72), NULL, 0, ""},
    /* with extensions: an unknown one, nothing, a name */
    {SV_INIT(SIGNATURE "\x21\x11\0\x1a" IPV4_BLOCK "\xee\0\2ab\4\0\0\2\0\3xyz"),
     "192.0.2.7:12345", 0, ""},
    /* AWS PrivateLink */
    {SV_INIT(SIGNATURE "\x21\x11\0\x26" IPV4_BLOCK "\xea\0\x17\1vpce-08d2bf15fac5001c9"),
     "192.0.2.7:12345", 0, "vpce-08d2bf15fac5001c9"},
    {SV_INIT(SIGNATURE "\x21\x11\0\x15" IPV4_BLOCK "\xea\0\6\1a\nb c"), "192.0.2.7:12345",
     0, ""},
    {SV_INIT(SIGNATURE "\x21\x11\0\x14" IPV4_BLOCK "\xea\0\5\2vpce"), "192.0.2.7:12345",
     0, ""},
    {SV_INIT(SIGNATURE "\x21\x11\0\x0f" IPV4_BLOCK "\xea\0\0"), "192.0.2.7:12345", 0, ""},
    /* TLS up to the load balancer, and not */
    {SV_INIT(SIGNATURE "\x21\x11\0\x14" IPV4_BLOCK "\x20\0\5\1\0\0\0\0"),
     "192.0.2.7:12345", 1, ""},
    {SV_INIT(SIGNATURE "\x21\x11\0\x14" IPV4_BLOCK "\x20\0\5\6\0\0\0\0"),
     "192.0.2.7:12345", 0, ""},
    /* with its sum: computed by another program */
    {SV_INIT(SIGNATURE "\x21\x11\0\x13" IPV4_BLOCK "\3\0\4"
                       "\xba\x22\xb2\xd7"),
     "192.0.2.7:12345", 0, ""},
};

static const struct str_view bads[] = {
    SV_INIT("PROXY \r\n"),
    SV_INIT("PROXY TCP4\r\n"),
    SV_INIT("PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY tcp4 192.0.2.7 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 1 2 \r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7\0 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 ::1 1 2\r\n"),
    SV_INIT("PROXY TCP4 ::1 ::1 1 2\r\n"),
    SV_INIT("PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 -1 2\r\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n"),
    SV_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\rx"),
    SV_INIT("PROXY UNKNOWNX\r\n"),
    SV_INIT(
        "PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    SV_INIT(SIGNATURE "\x11\x11\0\x0c" IPV4_BLOCK), /* version 1 */
    SV_INIT(SIGNATURE "\x22\x11\0\x0c" IPV4_BLOCK), /* an unknown command */
    SV_INIT(SIGNATURE "\x21\x11\0\x0b" IPV4_BLOCK),
    SV_INIT(SIGNATURE "\x21\x21\0\x0c" IPV4_BLOCK),
    SV_INIT(SIGNATURE "\x21\x31\0\x0c" IPV4_BLOCK),
    SV_INIT(SIGNATURE "\x21\x11\0\0"),
    SV_INIT(SIGNATURE "\x21\x11\x0f\xf1"), /* longer than we read */
    SV_INIT(SIGNATURE "\x20\x11\xff\xff"),
    SV_INIT(SIGNATURE "\x21\x11\0\x0e" IPV4_BLOCK "\4\0"), /* TLVs cut off */
    SV_INIT(SIGNATURE "\x21\x11\0\x0d" IPV4_BLOCK "\4"),
    SV_INIT(SIGNATURE "\x21\x11\0\x10" IPV4_BLOCK "\4\0\2x"),
    SV_INIT(SIGNATURE "\x21\x11\0\x13" IPV4_BLOCK "\x20\0\4\1\0\0\0"),
    SV_INIT(SIGNATURE "\x21\x11\0\x13" IPV4_BLOCK "\3\0\4\1\2\3\4"), /* a wrong sum */
    SV_INIT(SIGNATURE "\x21\x11\0\x12" IPV4_BLOCK "\3\0\3\1\2\3"),
};

static const struct str_view nones[] = {
    SV_INIT("alice\r\n"),
    SV_INIT("NICK x\r\n"),
    SV_INIT("\r\n\r\n\r\n"),
    SV_INIT("PROXX TCP4 "),
    SV_INIT("proxy UNKNOWN\r\n"),
    SV_INIT("\0"),
    SV_INIT("\r\n\r\n\0\r\nQUIT\r"),
    SV_INIT("GET / HTTP/1.1\r\n"),
    SV_INIT("POST /"),
};

/* A copy that ends where its memory ends, so that a sanitizer sees a look beyond. */
static enum proxy_result parse(struct str_view bytes, struct proxy_header *ret)
{
    char *copy = malloc(bytes.len + (bytes.len == 0));

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    enum proxy_result result = proxy_parse(sv(copy, bytes.len), ret);
    free(copy);
    return result;
}

START_TEST(test_proxy_parse_takes_a_good_header)
{
    const struct good *g = &goods[_i];
    struct proxy_header h = {0};
    char peer[ADDR_PEER_SIZE];

    ck_assert_int_eq(parse(g->bytes, &h), PROXY_DONE);
    ck_assert_uint_eq(h.bytes, g->bytes.len);
    ck_assert_int_eq(h.has_address, g->peer != NULL);
    ck_assert_int_eq(h.is_secure, g->is_secure);
    ck_assert_str_eq(h.endpoint, g->endpoint);
    if (g->peer != NULL) {
        addr_format_peer(&h.client, peer);
        ck_assert_str_eq(peer, g->peer);
    }
}
END_TEST

START_TEST(test_proxy_parse_waits_at_every_split)
{
    const struct good *g = &goods[_i];
    struct proxy_header h = {.bytes = 12345};

    for (size_t len = 0; len < g->bytes.len; len++) {
        ck_assert_msg(parse(sv(g->bytes.ptr, len), &h) == PROXY_MORE, "split at %zu",
                      len);
        ck_assert_uint_eq(h.bytes, 12345);
    }
}
END_TEST

START_TEST(test_proxy_parse_leaves_what_follows)
{
    const struct good *g = &goods[_i];
    char more[1024];
    struct proxy_header h = {0};

    memcpy(more, g->bytes.ptr, g->bytes.len);
    memcpy(more + g->bytes.len, "\r\nalice\n\0\xff", 10);
    ck_assert_int_eq(parse(sv(more, g->bytes.len + 10), &h), PROXY_DONE);
    ck_assert_uint_eq(h.bytes, g->bytes.len);
}
END_TEST

/* Refused in the end, whatever the splits; once refused it stays so. */
START_TEST(test_proxy_parse_refuses_a_bad_header)
{
    struct proxy_header h = {.bytes = 12345};
    bool is_bad = false;

    for (size_t len = 0; len <= bads[_i].len; len++) {
        enum proxy_result result = parse(sv(bads[_i].ptr, len), &h);

        ck_assert(result == PROXY_BAD || (!is_bad && result == PROXY_MORE));
        is_bad = result == PROXY_BAD;
    }
    ck_assert(is_bad);
    ck_assert_uint_eq(h.bytes, 12345);
}
END_TEST

START_TEST(test_proxy_parse_tells_what_is_no_header)
{
    struct proxy_header h;

    ck_assert_int_eq(parse(nones[_i], &h), PROXY_ABSENT);
}
END_TEST

/* Good headers with a byte or a length changed: nothing bad happens, whatever it says. */
START_TEST(test_proxy_parse_survives_damage)
{
    const struct good *g = &goods[_i];
    char copy[512];
    struct proxy_header h;

    ck_assert_uint_le(g->bytes.len, sizeof copy);
    for (size_t at = 0; at < g->bytes.len; at++) {
        for (int value = 0; value < 256; value++) {
            memcpy(copy, g->bytes.ptr, g->bytes.len);
            copy[at] = (char)value;
            if (parse(sv(copy, g->bytes.len), &h) == PROXY_DONE) {
                ck_assert_uint_le(h.bytes, g->bytes.len);
                ck_assert_uint_lt(strlen(h.endpoint), PROXY_ENDPOINT_SIZE);
            }
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("proxy_protocol");
    TCase *all = tcase_create("proxy_protocol");
    const int good_count = PARLEY_COUNT_OF(goods);

    tcase_add_loop_test(all, test_proxy_parse_takes_a_good_header, 0, good_count);
    tcase_add_loop_test(all, test_proxy_parse_waits_at_every_split, 0, good_count);
    tcase_add_loop_test(all, test_proxy_parse_leaves_what_follows, 0, good_count);
    tcase_add_loop_test(all, test_proxy_parse_survives_damage, 0, good_count);
    tcase_add_loop_test(all, test_proxy_parse_refuses_a_bad_header, 0,
                        PARLEY_COUNT_OF(bads));
    tcase_add_loop_test(all, test_proxy_parse_tells_what_is_no_header, 0,
                        PARLEY_COUNT_OF(nones));
    suite_add_tcase(s, all);
    return s;
}
