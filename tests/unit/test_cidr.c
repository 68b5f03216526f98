/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include <parley/util/base.h>
#include <parley/util/cidr.h>
#include <parley/util/str.h>

static const struct {
    const char *cidr;
    const char *address;
    bool is_in;
} cases[] = {
    {"10.0.0.0/8", "10.0.0.0", true},
    {"10.0.0.0/8", "10.255.255.255", true},
    {"10.0.0.0/8", "11.0.0.0", false},
    {"10.0.0.0/8", "::a00:0", false},
    {"172.16.0.0/12", "172.31.255.255", true},
    {"172.16.0.0/12", "172.32.0.0", false},
    {"172.16.0.0/12", "172.15.255.255", false},
    {"192.0.2.7", "192.0.2.7", true},
    {"192.0.2.7", "192.0.2.6", false},
    {"192.0.2.7/32", "192.0.2.7", true},
    {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "::1", false},
    {"::/0", "ffff::", true},
    {"::/0", "1.2.3.4", false},
    {"::1", "::1", true},
    {"::1", "::2", false},
    {"fc00::/7", "fdff::1", true},
    {"fc00::/7", "fe00::1", false},
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
};

static const char *const wrong[] = {
    "",
    "/",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8x",
    "10.0.0/8",
    "10.0.0.1/8",
    "::1/127",
    "::/129",
    "fd00::/7",
    "localhost",
    " 10.0.0.0",
    "10.0.0.0 /8",
    "10.0.0.0/8/8",
    "1.2.3.4.5",
    "::1%lo",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
};

START_TEST(test_cidr_contains_its_addresses)
{
    struct cidr cidr;
    uint8_t bytes[16];
    bool is_v6 = strchr(cases[_i].address, ':') != NULL;

    ck_assert(cidr_parse(sv_of(cases[_i].cidr), &cidr));
    ck_assert_int_eq(inet_pton(is_v6 ? AF_INET6 : AF_INET, cases[_i].address, bytes), 1);
    ck_assert_int_eq(cidr_contains(&cidr, is_v6, bytes), cases[_i].is_in);
}
END_TEST

START_TEST(test_cidr_parse_refuses_what_is_none)
{
    struct cidr cidr = {.bits = 77};

    ck_assert(!cidr_parse(sv_of(wrong[_i]), &cidr));
    ck_assert_uint_eq(cidr.bits, 77);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cidr");
    TCase *all = tcase_create("cidr");

    tcase_add_loop_test(all, test_cidr_contains_its_addresses, 0, PARLEY_COUNT_OF(cases));
    tcase_add_loop_test(all, test_cidr_parse_refuses_what_is_none, 0,
                        PARLEY_COUNT_OF(wrong));
    suite_add_tcase(s, all);
    return s;
}
