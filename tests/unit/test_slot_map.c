/* Who owns which slot: what is read from CLUSTER SLOTS, and what is not believed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <parley/util/strbuf.h>

#include "backplane/slot_map.h"

Suite *suite(void);

static struct slot_map *map;
static redisReply *reply;

/* The map of an answer in RESP; the host that was asked is "asked". */
static void read_map(struct str_view text)
{
    redisReader *reader = redisReaderCreate();

    (void)redisReaderFeed(reader, text.ptr, text.len);
    ck_assert_int_eq(redisReaderGetReply(reader, (void **)&reply), REDIS_OK);
    ck_assert_ptr_nonnull(reply);
    redisReaderFree(reader);
    map = slot_map_new(reply, SV("asked"));
}

static void teardown(void)
{
    if (map != NULL) {
        slot_map_free(map);
        freeReplyObject(reply);
        map = NULL;
    }
}

static void assert_owner(uint16_t slot, const char *host, uint16_t port)
{
    const struct slot_owner *owner = slot_map_owner(map, slot);

    if (host == NULL) {
        ck_assert_msg(owner == NULL, "slot %u has an owner", slot);
        return;
    }
    ck_assert_msg(owner != NULL, "slot %u has no owner", slot);
    ck_assert(sv_equal(owner->host, sv_of(host)));
    ck_assert_uint_eq(owner->port, port);
}

/* As Redis 7.0 answers: replicas and metadata stand behind. */
START_TEST(test_owners_of_three_shards)
{
    read_map(SV("*3\r\n"
                "*4\r\n:0\r\n:5460\r\n"
                "*4\r\n$8\r\n10.0.0.1\r\n:6379\r\n$3\r\nid1\r\n*0\r\n"
                "*4\r\n$8\r\n10.0.0.9\r\n:6379\r\n$3\r\nid9\r\n*0\r\n"
                "*3\r\n:5461\r\n:10922\r\n"
                "*4\r\n$8\r\n10.0.0.2\r\n:6380\r\n$3\r\nid2\r\n"
                "*2\r\n$8\r\nhostname\r\n$5\r\nhost2\r\n"
                "*3\r\n:10924\r\n:16383\r\n*2\r\n$7\r\nfd00::3\r\n:6381\r\n"));
    ck_assert_uint_eq(map->skipped, 0);
    assert_owner(0, "10.0.0.1", 6379);
    assert_owner(5460, "10.0.0.1", 6379);
    assert_owner(5461, "10.0.0.2", 6380);
    assert_owner(10922, "10.0.0.2", 6380);
    assert_owner(10923, NULL, 0);
    assert_owner(10924, "fd00::3", 6381);
    assert_owner(16383, "fd00::3", 6381);
}
END_TEST

/* https://redis.io/docs/latest/commands/cluster-slots/: nil and empty stand for the server that
 * was asked. */
START_TEST(test_missing_host_is_the_one_that_was_asked)
{
    read_map(SV("*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n$-1\r\n:7000\r\n"
                "*3\r\n:2\r\n:3\r\n*2\r\n$0\r\n\r\n:7001\r\n"));
    assert_owner(1, "asked", 7000);
    assert_owner(2, "asked", 7001);
}
END_TEST

START_TEST(test_first_of_two_owners_counts)
{
    read_map(SV("*2\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:1\r\n"
                "*3\r\n:5\r\n:12\r\n*2\r\n$1\r\nb\r\n:2\r\n"));
    assert_owner(9, "a", 1);
    assert_owner(10, "b", 2);
}
END_TEST

/* A line that makes no sense, between two that do. */
static const char *const lines[] = {
    "*0\r\n",
    ":7\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "$3\r\nabc\r\n",
    "*2\r\n:2\r\n:3\r\n",
    "*3\r\n:2\r\n:3\r\n:4\r\n",
    "*3\r\n:2\r\n:3\r\n*0\r\n",
    "*3\r\n:2\r\n:3\r\n*1\r\n$1\r\nh\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$1\r\n?\r\n:6379\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$1\r\nh\r\n:0\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$1\r\nh\r\n:-1\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$1\r\nh\r\n:65536\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$1\r\nh\r\n$4\r\n6379\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$3\r\na b\r\n:6379\r\n",
    "*3\r\n:2\r\n:3\r\n*2\r\n$3\r\na\0b\r\n:6379\r\n",
    "*3\r\n:2\r\n:16384\r\n*2\r\n$1\r\nh\r\n:6379\r\n",
    "*3\r\n:-1\r\n:3\r\n*2\r\n$1\r\nh\r\n:6379\r\n",
    "*3\r\n:3\r\n:2\r\n*2\r\n$1\r\nh\r\n:6379\r\n",
    "*3\r\n:2\r\n:9223372036854775807\r\n*2\r\n$1\r\nh\r\n:6379\r\n",
    "*3\r\n$1\r\n2\r\n:3\r\n*2\r\n$1\r\nh\r\n:6379\r\n",
};

/* One of the lines has a zero byte. */
static size_t line_length(const char *line)
{
    size_t len = strlen(line);

    return line[len - 1] == '\n' ? len : len + 1 + strlen(line + len + 1);
}

START_TEST(test_line_without_sense_is_left_out)
{
    struct strbuf text;

    strbuf_init(&text, 1000);
    strbuf_add(&text, SV("*3\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n"));
    strbuf_add(&text, sv(lines[_i], line_length(lines[_i])));
    strbuf_add(&text, SV("*3\r\n:4\r\n:5\r\n*2\r\n$1\r\nb\r\n:2\r\n"));
    read_map(strbuf_view(&text));
    ck_assert_uint_eq(map->skipped, 1);
    assert_owner(1, "a", 1);
    assert_owner(2, NULL, 0);
    assert_owner(3, NULL, 0);
    assert_owner(4, "b", 2);
    strbuf_done(&text);
}
END_TEST

static const char *const answers[] = {"*0\r\n", "*-1\r\n", "$-1\r\n",
                                      ":1\r\n", "+OK\r\n", "-ERR no\r\n"};

START_TEST(test_answer_that_is_no_map_owns_nothing)
{
    read_map(sv_of(answers[_i]));
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        assert_owner((uint16_t)slot, NULL, 0);
    }
}
END_TEST

/* Work and memory are bounded by the number of slots, whatever is listed. */
START_TEST(test_endless_repetition_is_bounded)
{
    enum { LINES = 40000 };
    struct strbuf text;

    strbuf_init(&text, 4 << 20);
    strbuf_add_fmt(&text, "*%d\r\n", LINES);
    for (int i = 0; i < LINES; i++) {
        strbuf_add(&text, SV("*3\r\n:0\r\n:16382\r\n*2\r\n$1\r\na\r\n:1\r\n"));
    }
    read_map(strbuf_view(&text));
    ck_assert_uint_le(map->owner_count, REDIS_SLOTS);
    ck_assert_uint_le(map->work, (size_t)4 * REDIS_SLOTS);
    ck_assert_uint_eq(map->skipped, LINES - map->owner_count);
    assert_owner(16382, "a", 1);
    assert_owner(16383, NULL, 0);
    strbuf_done(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("slot_map");
    TCase *tc = tcase_create("read");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, test_owners_of_three_shards);
    tcase_add_test(tc, test_missing_host_is_the_one_that_was_asked);
    tcase_add_test(tc, test_first_of_two_owners_counts);
    tcase_add_loop_test(tc, test_line_without_sense_is_left_out, 0,
                        (int)PARLEY_COUNT_OF(lines));
    tcase_add_loop_test(tc, test_answer_that_is_no_map_owns_nothing, 0,
                        (int)PARLEY_COUNT_OF(answers));
    tcase_add_test(tc, test_endless_repetition_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}
