/* Partitions: the hash, the slots, the tags, the keys. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "backplane/partition.h"

Suite *suite(void);

START_TEST(test_crc16_of_known_texts)
{
    /* The first is the check value of the specification. */
    ck_assert_uint_eq(crc16(SV("123456789")), 0x31c3);
    ck_assert_uint_eq(crc16(SV("")), 0);
    ck_assert_uint_eq(crc16(SV("A")), 0x58e5);
    ck_assert_uint_eq(crc16(sv("\0", 1)), 0);
    ck_assert_uint_eq(crc16(sv("\xff\xff", 2)), 0x1d0f);
}
END_TEST

/* The same, bit by bit. */
static uint16_t slow_crc16(const unsigned char *bytes, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
        }
    }
    return (uint16_t)crc;
}

START_TEST(test_crc16_of_every_byte)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned char text[3] = {'x', (unsigned char)byte, (unsigned char)(byte * 7)};

        ck_assert_uint_eq(crc16(sv((const char *)text, 3)), slow_crc16(text, 3));
    }
}
END_TEST

static const struct slot_case {
    const char *key;
    const char *hashed; /* what of it counts */
} slot_cases[] = {
    {"foo", "foo"},
    {"", ""},
    {"{user1000}.following", "user1000"},
    {"parley:{12.5}:l:#{x}", "12.5"},
    {"foo{}{bar}", "foo{}{bar}"},
    {"foo{{bar}}zap", "{bar"},
    {"foo{bar}{zap}", "bar"},
    {"foo{bar", "foo{bar"},
    {"foo}bar{", "foo}bar{"},
};

START_TEST(test_slot_minds_the_hash_tag)
{
    const struct slot_case *c = &slot_cases[_i];

    ck_assert_uint_eq(redis_slot_of(sv_of(c->key)),
                      crc16(sv_of(c->hashed)) % REDIS_SLOTS);
}
END_TEST

START_TEST(test_slots_of_known_keys)
{
    /* As CLUSTER KEYSLOT answers. */
    ck_assert_uint_eq(redis_slot_of(SV("foo")), 12182);
    ck_assert_uint_eq(redis_slot_of(SV("somekey")), 11058);
    ck_assert_uint_eq(redis_slot_of(SV("foo{hash_tag}")), 2515);
}
END_TEST

START_TEST(test_tags_lie_in_their_ranges)
{
    struct partitions p;
    struct strbuf key;
    uint32_t count = 1U << _i;

    partitions_init(&p, SV("parley"), count);
    strbuf_init(&key, 256);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_clear(&key);
        partition_add_key(&p, i, &key, "l:", SV("#a{b}c"));
        uint32_t slot = redis_slot_of(strbuf_view(&key));

        ck_assert_uint_ge(slot, i * REDIS_SLOTS / count);
        ck_assert_uint_lt(slot, (i + 1) * REDIS_SLOTS / count);
    }
    strbuf_done(&key);
    partitions_done(&p);
}
END_TEST

START_TEST(test_keys_are_spelled_with_prefix_tag_kind_and_name)
{
    struct partitions p;
    struct strbuf key;
    char want[64];

    partitions_init(&p, SV("chat"), 4);
    strbuf_init(&key, 256);
    partition_add_key(&p, 3, &key, "l:", SV("#lobby"));
    ck_assert(sv_starts_with(sv_of(p.heads[3]), SV("chat:{3.")));
    (void)snprintf(want, sizeof want, "%sl:#lobby", p.heads[3]);
    ck_assert_str_eq(strbuf_cstr(&key), want);
    strbuf_clear(&key);
    partition_add_key(&p, 0, &key, "w", SV(""));
    (void)snprintf(want, sizeof want, "%sw", p.heads[0]);
    ck_assert_str_eq(strbuf_cstr(&key), want);
    strbuf_done(&key);
    partitions_done(&p);
}
END_TEST

START_TEST(test_names_spread_over_all_partitions)
{
    enum { COUNT = 64, NAMES = 64 * 200 };
    struct partitions p;
    unsigned hits[COUNT] = {0};

    partitions_init(&p, SV("parley"), COUNT);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[24];
        int len = snprintf(name, sizeof name, "#room-%u", i);
        uint32_t partition = partition_of(&p, sv(name, (size_t)len));

        ck_assert_uint_lt(partition, COUNT);
        hits[partition]++;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert_uint_gt(hits[i], NAMES / COUNT / 2);
        ck_assert_uint_lt(hits[i], NAMES / COUNT * 2);
    }
    partitions_done(&p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("partition");
    TCase *tc = tcase_create("partition");

    tcase_add_test(tc, test_crc16_of_known_texts);
    tcase_add_test(tc, test_crc16_of_every_byte);
    tcase_add_loop_test(tc, test_slot_minds_the_hash_tag, 0,
                        (int)PARLEY_COUNT_OF(slot_cases));
    tcase_add_test(tc, test_slots_of_known_keys);
    tcase_add_loop_test(tc, test_tags_lie_in_their_ranges, 0, 11);
    tcase_add_test(tc, test_keys_are_spelled_with_prefix_tag_kind_and_name);
    tcase_add_test(tc, test_names_spread_over_all_partitions);
    suite_add_tcase(s, tc);
    return s;
}
