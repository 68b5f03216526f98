/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <parley/net/addr.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

static const struct {
    int family;
    const char *text;
    const char *host;
    const char *peer;
} addresses[] = {
    {AF_INET, "192.0.2.7", "192.0.2.7", "192.0.2.7:5050"},
    {AF_INET, "255.255.255.255", "255.255.255.255", "255.255.255.255:5050"},
    {AF_INET6, "2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:5050"},
    {AF_INET6, "::", "::", "[::]:5050"},
    {AF_INET6, "::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7:5050"},
    {AF_INET6, "1111:2222:3333:4444:5555:6666:7777:8888",
     "1111:2222:3333:4444:5555:6666:7777:8888",
     "[1111:2222:3333:4444:5555:6666:7777:8888]:5050"},
};

START_TEST(test_addr_of_a_socket_address_prints_as_usual)
{
    struct sockaddr_storage from = {0};
    char host[ADDR_HOST_SIZE];
    char peer[ADDR_PEER_SIZE];

    if (addresses[_i].family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&from;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(5050);
        ck_assert_int_eq(inet_pton(AF_INET, addresses[_i].text, &v4->sin_addr), 1);
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&from;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(5050);
        ck_assert_int_eq(inet_pton(AF_INET6, addresses[_i].text, &v6->sin6_addr), 1);
    }
    struct addr a = addr_from_sockaddr((struct sockaddr *)&from);
    ck_assert_uint_eq(a.port, 5050);
    addr_format_host(&a, host);
    ck_assert_str_eq(host, addresses[_i].host);
    addr_format_peer(&a, peer);
    ck_assert_str_eq(peer, addresses[_i].peer);
}
END_TEST

START_TEST(test_addr_of_another_family_is_a_dash)
{
    struct sockaddr_un from = {.sun_family = AF_UNIX};
    struct addr a = addr_from_sockaddr((struct sockaddr *)&from);
    char host[ADDR_HOST_SIZE];

    ck_assert_int_eq(a.family, ADDR_NONE);
    addr_format_host(&a, host);
    ck_assert_str_eq(host, "-");
}
END_TEST

static const struct {
    const char *text;
    const char *host;
    unsigned port;
} good[] = {
    {"127.0.0.1:5050", "127.0.0.1", 5050},
    {"[::1]:0", "::1", 0},
    {"[::]:65535", "::", 65535},
    {"localhost:1", "localhost", 1},
    {"[localhost]:1", "localhost", 1},
    {":5050", "", 5050},
    {"*:5050", "", 5050},
};

START_TEST(test_addr_split_good_text_gives_host_and_port)
{
    struct str_view host;
    uint16_t port;

    ck_assert(addr_split(sv_of(good[_i].text), &host, &port));
    ck_assert(sv_equal(host, sv_of(good[_i].host)));
    ck_assert_uint_eq(port, good[_i].port);
}
END_TEST

static const char *const bad[] = {
    "",           "5050",      ":",         "host:",    "host:port",
    "host:65536", "host:-1",   "host: 1",   "::1:5050", "[::1]",
    "[]:5050",    "[::1:5050", "::1]:5050", "host:1:2", "127.0.0.1:+80",
    "127.0.0.1",  "a:b:5050",
};

START_TEST(test_addr_split_bad_text_is_refused)
{
    struct str_view host = SV("untouched");
    uint16_t port = 7;

    ck_assert_msg(!addr_split(sv_of(bad[_i]), &host, &port), "\"%s\" was taken", bad[_i]);
    ck_assert(sv_equal(host, SV("untouched")));
    ck_assert_uint_eq(port, 7);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("addr");
    TCase *tc = tcase_create("addr");

    tcase_add_loop_test(tc, test_addr_of_a_socket_address_prints_as_usual, 0,
                        (int)PARLEY_COUNT_OF(addresses));
    tcase_add_test(tc, test_addr_of_another_family_is_a_dash);
    tcase_add_loop_test(tc, test_addr_split_good_text_gives_host_and_port, 0,
                        (int)PARLEY_COUNT_OF(good));
    tcase_add_loop_test(tc, test_addr_split_bad_text_is_refused, 0,
                        (int)PARLEY_COUNT_OF(bad));
    suite_add_tcase(s, tc);
    return s;
}
