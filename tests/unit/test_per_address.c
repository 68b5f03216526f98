/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/net/addr.h>
#include <parley/util/base.h>
#include <parley/util/cidr.h>
#include <parley/util/rng.h>
#include <parley/util/str.h>

#include "net/per_address.h"

static struct per_address p;
static struct cidr exempt[2];

static struct addr addr_of(const char *text)
{
    bool is_v6 = strchr(text, ':') != NULL;
    struct addr a = {.family = is_v6 ? ADDR_IPV6 : ADDR_IPV4, .port = 1};

    ck_assert_int_eq(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, a.bytes), 1);
    return a;
}

static bool take(const char *text)
{
    struct addr a = addr_of(text);

    return per_address_take(&p, &a);
}

static void give_back(const char *text)
{
    struct addr a = addr_of(text);

    per_address_give_back(&p, &a);
}

static void setup(void)
{
    rng_init();
    ck_assert(cidr_parse(SV("10.0.0.0/8"), &exempt[0]));
    ck_assert(cidr_parse(SV("fd00::/8"), &exempt[1]));
    per_address_init(&p, 2, exempt, 2);
}

static void teardown(void)
{
    per_address_done(&p);
}

START_TEST(test_per_address_gives_each_address_its_share)
{
    ck_assert(take("192.0.2.7") && take("192.0.2.7"));
    ck_assert(!take("192.0.2.7"));
    ck_assert(take("192.0.2.8"));
    ck_assert_uint_eq(per_address_count(&p), 2);
    give_back("192.0.2.7");
    ck_assert(take("192.0.2.7"));
    ck_assert(!take("192.0.2.7"));
}
END_TEST

START_TEST(test_per_address_counts_an_ipv6_network_as_one)
{
    ck_assert(take("2001:db8:0:1::1") && take("2001:db8:0:1:ffff::2"));
    ck_assert(!take("2001:db8:0:1::3"));
    ck_assert(take("2001:db8:0:2::1"));
    ck_assert_uint_eq(per_address_count(&p), 2);
}
END_TEST

/* c000:207::/64 begins with the bytes of 192.0.2.7. */
START_TEST(test_per_address_keeps_the_families_apart)
{
    ck_assert(take("192.0.2.7") && take("192.0.2.7"));
    ck_assert(take("c000:207::1") && take("c000:207::1"));
    ck_assert(!take("c000:207::1") && !take("192.0.2.7"));
}
END_TEST

START_TEST(test_per_address_forgets_who_is_gone)
{
    for (int i = 0; i < 1000; i++) {
        ck_assert(take("192.0.2.7"));
        give_back("192.0.2.7");
    }
    ck_assert_uint_eq(per_address_count(&p), 0);
}
END_TEST

START_TEST(test_per_address_does_not_count_exempt_networks)
{
    struct addr none = {.family = ADDR_NONE};

    for (int i = 0; i < 10; i++) {
        ck_assert(take("10.1.2.3") && take("fd12::1") && per_address_take(&p, &none));
    }
    ck_assert_uint_eq(per_address_count(&p), 0);
    give_back("10.1.2.3");
}
END_TEST

START_TEST(test_per_address_without_a_limit_counts_nothing)
{
    p.max = 0;
    for (int i = 0; i < 10; i++) {
        ck_assert(take("192.0.2.7"));
    }
    ck_assert_uint_eq(per_address_count(&p), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("per_address");
    TCase *all = tcase_create("per_address");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, test_per_address_gives_each_address_its_share);
    tcase_add_test(all, test_per_address_counts_an_ipv6_network_as_one);
    tcase_add_test(all, test_per_address_keeps_the_families_apart);
    tcase_add_test(all, test_per_address_forgets_who_is_gone);
    tcase_add_test(all, test_per_address_does_not_count_exempt_networks);
    tcase_add_test(all, test_per_address_without_a_limit_counts_nothing);
    suite_add_tcase(s, all);
    return s;
}
