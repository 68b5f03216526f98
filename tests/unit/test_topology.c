/*
 * Whom a request goes to, against servers that say what the test wants: one server, a cluster,
 * redirections, maps that change. What the topology tells others is noted here.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/follower.h"
#include "backplane/link.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/shard.h"
#include "backplane/topology.h"
#include "support/fake_redis.h"

Suite *suite(void);

enum { SERVERS = 3, PARTITIONS = 4, TEXT_SIZE = 1000 };

static struct {
    struct redis redis;
    struct fake_redis servers[SERVERS];
    char slots[TEXT_SIZE]; /* what all of them answer */
    struct timer tick;     /* so that no turn waits long */
    unsigned moved;        /* calls of redis_on_partition_moved() */
    unsigned maps;
    char refused[TEXT_SIZE];
    unsigned answers;
    char answer[TEXT_SIZE]; /* the last one; "lost" */
    bool was_detour;
} rig;

/* ---- the rest of the backplane ---- */

void redis_on_commands_ready(struct redis *r, const struct shard *s)
{
    ck_assert_ptr_eq(r, &rig.redis);
    ck_assert_int_eq(link_state(s->commands), LINK_READY);
}

void redis_on_commands_down(struct redis *r, const struct shard *s)
{
    ck_assert_ptr_eq(r, &rig.redis);
    ck_assert_int_eq(link_state(s->commands), LINK_DOWN);
}

void redis_on_subscriptions_ready(struct redis *r, const struct shard *s)
{
    ck_assert_ptr_eq(r, &rig.redis);
    ck_assert_int_eq(link_state(s->subscriptions), LINK_READY);
}

void redis_on_subscriptions_down(struct redis *r, const struct shard *s)
{
    ck_assert_ptr_eq(r, &rig.redis);
    ck_assert_int_eq(link_state(s->subscriptions), LINK_DOWN);
}

void redis_on_partition_moved(struct redis *r, uint32_t partition, struct shard *before)
{
    ck_assert_ptr_ne(topology_shard(r->topology, partition), before);
    rig.moved++;
}

void redis_on_map(struct redis *r)
{
    ck_assert_ptr_eq(r, &rig.redis);
    rig.maps++;
}

void redis_update_available(struct redis *r)
{
    ck_assert_ptr_eq(r, &rig.redis);
}

void redis_refuse(struct redis *r, const char *why)
{
    ck_assert_ptr_eq(r, &rig.redis);
    (void)snprintf(rig.refused, sizeof rig.refused, "%s", why);
}

bool follower_on_push(struct follower *f, const struct redisReply *push,
                      const struct shard *from)
{
    ck_assert_ptr_eq(f, rig.redis.follower);
    ck_assert(push != NULL && from != NULL);
    return false;
}

void follower_on_subscriptions_refused(struct follower *f, const struct shard *s)
{
    ck_assert_ptr_eq(f, rig.redis.follower);
    ck_assert_ptr_nonnull(s);
}

/* ---- the rig ---- */

static void on_tick(void *arg)
{
    (void)arg;
    timer_start(&rig.tick, 5);
}

static void setup(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    rng_init();
    log_setup(LOG_ERROR, LOG_TEXT, 2);
    memset(&rig, 0, sizeof rig);
    memset(metric_values, 0, sizeof metric_values);
    rig.redis.loop = loop_new();
    timer_init(&rig.tick, rig.redis.loop, on_tick, NULL);
    timer_start(&rig.tick, 5);
    (void)snprintf(rig.redis.node, sizeof rig.redis.node, "me");
    (void)snprintf(rig.redis.library, sizeof rig.redis.library, "lib");
    partitions_init(&rig.redis.partitions, SV("test"), PARTITIONS);
    for (size_t i = 0; i < SERVERS; i++) {
        fake_redis_start(&rig.servers[i], loop_base(rig.redis.loop), 0);
        rig.servers[i].info = "redis_version:7.0.15\r\nredis_mode:cluster\r\n";
        rig.servers[i].slots = rig.slots;
        rig.servers[i].fcall = i == 0   ? "+first\r\n"
                               : i == 1 ? "+second\r\n"
                                        : "+third\r\n";
    }
}

static void teardown(void)
{
    if (rig.redis.topology != NULL) {
        topology_free(rig.redis.topology);
    }
    loop_turn(rig.redis.loop);
    for (size_t i = 0; i < SERVERS; i++) {
        fake_redis_stop(&rig.servers[i]);
    }
    loop_turn(rig.redis.loop);
    partitions_done(&rig.redis.partitions);
    timer_done(&rig.tick);
    loop_free(rig.redis.loop);
}

static uint16_t port(size_t server)
{
    return rig.servers[server].port;
}

/* All servers say from now on that the slots are split in two halves. */
static void tell_slots(size_t first, size_t second)
{
    (void)snprintf(rig.slots, sizeof rig.slots,
                   "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n"
                   "*3\r\n:8192\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                   port(first), port(second));
}

static void tell_fcall(size_t server, char text[TEXT_SIZE], const char *error, size_t to)
{
    (void)snprintf(text, TEXT_SIZE, "-%s 0 127.0.0.1:%u\r\n", error, port(to));
    rig.servers[server].fcall = text;
}

static void start(const char *url)
{
    const char *error = NULL;

    rig.redis.topology = topology_new(&rig.redis, url, &error);
    ck_assert_msg(rig.redis.topology != NULL, "%s", error);
    topology_start(rig.redis.topology);
}

static void start_at(const char *scheme, size_t server)
{
    char url[100];

    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u", scheme, port(server));
    start(url);
}

static void turn_until(uint64_t end_ms, const char *what)
{
    ck_assert_msg(clock_monotonic_ms() < end_ms, "in vain: %s", what);
    loop_turn(rig.redis.loop);
}

#define WAIT(condition)                                                                  \
    for (uint64_t end_ms = clock_monotonic_ms() + 20000; !(condition);                   \
         turn_until(end_ms, #condition))

static bool can_send_all(void)
{
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        if (!topology_can_send(rig.redis.topology, i)) {
            return false;
        }
    }
    return true;
}

static bool is_owner(uint32_t partition, size_t server)
{
    const struct shard *s = topology_shard(rig.redis.topology, partition);

    return s != NULL && s->endpoint.port == port(server);
}

static void start_cluster(void)
{
    tell_slots(0, 1);
    start_at("redis", 0);
    WAIT(can_send_all());
}

static void on_answer(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct str_view text = reply_text(reply);

    ck_assert_ptr_eq(arg, &rig);
    ck_assert_uint_eq(ctx, 7);
    rig.answers++;
    rig.was_detour = topology_is_detour(rig.redis.topology);
    (void)snprintf(rig.answer, sizeof rig.answer, "%.*s",
                   reply == NULL ? 4 : (int)text.len, reply == NULL ? "lost" : text.ptr);
}

static bool send_call(uint32_t partition)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, SV("FCALL"));
    command_add(&cmd, SV("f"));
    bool sent = topology_send(rig.redis.topology, partition, &cmd, on_answer, &rig, 7);

    command_done(&cmd);
    return sent;
}

/* Send, and wait for the one answer. */
static const char *call(uint32_t partition)
{
    unsigned before = rig.answers;

    WAIT(topology_can_send(rig.redis.topology, partition));
    ck_assert(send_call(partition));
    ck_assert_uint_eq(rig.answers, before);
    WAIT(rig.answers > before);
    ck_assert_uint_eq(rig.answers, before + 1);
    return rig.answer;
}

static bool has_heard(size_t server, const char *words)
{
    return strstr(strbuf_cstr(&rig.servers[server].heard), words) != NULL;
}

/* ---- what the URL leads to ---- */

START_TEST(test_one_server_has_all)
{
    rig.servers[0].info = "redis_version:7.0.15\r\nredis_mode:standalone\r\n";
    start_at("redis", 0);
    ck_assert(!topology_can_send(rig.redis.topology, 0));
    ck_assert(!send_call(0));
    WAIT(can_send_all());
    ck_assert(topology_is_single(rig.redis.topology));
    ck_assert_uint_eq(topology_sections_max(rig.redis.topology), 64);
    ck_assert_str_eq(call(3), "first");
    ck_assert(!has_heard(0, "CLUSTER"));
}
END_TEST

START_TEST(test_cluster_is_detected)
{
    start_cluster();
    ck_assert(!topology_is_single(rig.redis.topology));
    ck_assert_uint_eq(topology_sections_max(rig.redis.topology), 1);
    ck_assert_uint_eq(topology_calls_max(rig.redis.topology), PARTITIONS);
    ck_assert_uint_eq(rig.moved, PARTITIONS);
    ck_assert_str_eq(call(0), "first");
    ck_assert_str_eq(call(1), "first");
    ck_assert_str_eq(call(2), "second");
    ck_assert_str_eq(call(3), "second");
    ck_assert(!rig.was_detour);
}
END_TEST

/* The first is dead, the second knows nothing, the third does. */
START_TEST(test_seeds_take_turns)
{
    char url[200];

    tell_slots(1, 2);
    rig.servers[1].slots = "*0\r\n";
    (void)snprintf(url, sizeof url,
                   "redis-cluster://127.0.0.1:1,127.0.0.1:%u,127.0.0.1:%u", port(1),
                   port(2));
    start(url);
    WAIT(can_send_all());
    ck_assert_str_eq(call(0), "second");
    ck_assert_str_eq(call(2), "third");
    ck_assert_uint_eq(rig.servers[0].connections, 0);
}
END_TEST

START_TEST(test_cluster_that_is_none_is_refused)
{
    rig.servers[0].info = "redis_version:7.0.15\r\nredis_mode:standalone\r\n";
    start_at("redis-cluster", 0);
    WAIT(rig.refused[0] != '\0');
    ck_assert_ptr_nonnull(strstr(rig.refused, "not one of a cluster"));
}
END_TEST

/* ---- redirections ---- */

START_TEST(test_moved_reads_the_map_again)
{
    char text[TEXT_SIZE];

    start_cluster();
    tell_slots(2, 1);
    tell_fcall(0, text, "MOVED", 2);
    ck_assert_ptr_nonnull(strstr(call(0), "MOVED 0"));
    WAIT(is_owner(0, 2) && is_owner(1, 2));
    ck_assert_uint_eq(rig.moved, PARTITIONS + 2);
    ck_assert_str_eq(call(0), "third");
    ck_assert_int_eq(metric_values[METRIC_REDIRECTS_MOVED], 1);
    WAIT(metric_values[METRIC_LINK_UP] == 2); /* the first one is left */
}
END_TEST

START_TEST(test_ask_is_followed)
{
    char text[TEXT_SIZE];

    start_cluster();
    tell_fcall(0, text, "ASK", 1);
    ck_assert_str_eq(call(0), "second");
    ck_assert(rig.was_detour);
    ck_assert(!topology_is_detour(rig.redis.topology));
    ck_assert(has_heard(1, "|ASKING|FCALL f"));
    ck_assert(is_owner(0, 0));
    ck_assert_str_eq(call(2), "second");
    ck_assert(!rig.was_detour);
}
END_TEST

START_TEST(test_ask_for_a_server_that_is_new)
{
    char text[TEXT_SIZE];

    start_cluster();
    tell_fcall(0, text, "ASK", 2);
    ck_assert_ptr_nonnull(strstr(call(0), "ASK 0")); /* it is only being connected to */
    WAIT(metric_values[METRIC_LINK_UP] == 3);
    ck_assert_str_eq(call(0), "third");
    ck_assert(rig.was_detour);
}
END_TEST

START_TEST(test_ask_is_followed_once)
{
    char one[TEXT_SIZE];
    char two[TEXT_SIZE];

    start_cluster();
    tell_fcall(0, one, "ASK", 1);
    tell_fcall(1, two, "ASK", 0);
    ck_assert_ptr_nonnull(strstr(call(0), "ASK 0"));
    ck_assert(!rig.was_detour);
}
END_TEST

static const char *const elsewhere[] = {
    "-MOVED\r\n",
    "-MOVED 0 ?:0\r\n",
    "-ASK\r\n",
    "-ASK 99999 127.0.0.1:1\r\n",
    "-ASK 0 127.0.0.1:0\r\n",
    "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    "-CLUSTERDOWN The cluster is down\r\n",
};

START_TEST(test_other_errors_are_the_callers)
{
    start_cluster();
    rig.servers[0].fcall = elsewhere[_i];
    for (int i = 0; i < 3; i++) {
        ck_assert(sv_starts_with(sv_of(elsewhere[_i] + 1), sv_of(call(0))));
    }
    ck_assert(is_owner(0, 0) && is_owner(2, 1));
    ck_assert_str_eq(call(2), "second");
}
END_TEST

/* ---- servers that are not what they were ---- */

START_TEST(test_demoted_server_is_left_and_found_again)
{
    start_cluster();
    unsigned before = rig.servers[0].connections;

    rig.servers[0].fcall = "-READONLY You can't write against a read only replica.\r\n";
    ck_assert(sv_starts_with(sv_of(call(0)), SV("READONLY")));
    WAIT(rig.servers[0].connections >= before + 2); /* both links anew */
    rig.servers[0].fcall = "+first\r\n";
    ck_assert_str_eq(call(0), "first");
}
END_TEST

START_TEST(test_missing_library_is_loaded)
{
    start_cluster();
    strbuf_clear(&rig.servers[0].heard);
    rig.servers[0].fcall = "-ERR Function not found\r\n";
    ck_assert(sv_starts_with(sv_of(call(0)), SV("ERR Function")));
    WAIT(has_heard(0, "|FUNCTION LOAD REPLACE #!lua name=lib"));
    ck_assert(!has_heard(1, "|FCALL"));
}
END_TEST

/* A server that was taken out of the cluster says that nobody owns anything. */
START_TEST(test_empty_map_changes_nothing)
{
    start_cluster();
    rig.servers[0].slots = rig.servers[1].slots = "*0\r\n";
    strbuf_clear(&rig.servers[0].heard);
    strbuf_clear(&rig.servers[1].heard);
    topology_on_trouble(rig.redis.topology);
    WAIT(has_heard(0, "|CLUSTER SLOTS") || has_heard(1, "|CLUSTER SLOTS"));
    ck_assert_str_eq(call(0), "first");
    ck_assert_str_eq(call(2), "second");
    ck_assert_uint_eq(rig.moved, PARTITIONS);
}
END_TEST

START_TEST(test_slots_of_nobody_wait)
{
    start_cluster();
    (void)snprintf(rig.slots, sizeof rig.slots,
                   "*1\r\n*3\r\n:8192\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                   port(1));
    topology_on_trouble(rig.redis.topology);
    WAIT(topology_shard(rig.redis.topology, 0) == NULL);
    ck_assert(!send_call(0));
    ck_assert(!topology_is_whole(rig.redis.topology));
    ck_assert_str_eq(call(3), "second");
    tell_slots(2, 1);
    ck_assert_str_eq(call(0), "third"); /* asked again by itself */
}
END_TEST

/* All that we knew die; only a seed is left, and it tells of a new server. */
START_TEST(test_scout_goes_out_again)
{
    start_cluster();
    fake_redis_stop_listening(&rig.servers[1]);
    tell_slots(2, 2);
    rig.servers[0].role = "*3\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n"; /* a replica by now */
    fake_redis_cut(&rig.servers[0]);
    fake_redis_cut(&rig.servers[1]);
    WAIT(is_owner(0, 2) && is_owner(3, 2));
    ck_assert_str_eq(call(0), "third");
    ck_assert_str_eq(call(3), "third");
}
END_TEST

START_TEST(test_request_on_a_lost_link_is_lost_once)
{
    start_cluster();
    rig.servers[0].fcall = NULL;
    ck_assert(send_call(0) && send_call(1));
    ck_assert(send_call(2));
    WAIT(rig.answers == 1);
    ck_assert_str_eq(rig.answer, "second");
    fake_redis_cut(&rig.servers[0]);
    WAIT(rig.answers == 3);
    ck_assert_str_eq(rig.answer, "lost");
}
END_TEST

/* teardown() frees the topology; the sanitizers watch. */
START_TEST(test_end_with_requests_under_way)
{
    start_cluster();
    rig.servers[0].fcall = NULL;
    ck_assert(send_call(0) && send_call(1));
    loop_turn(rig.redis.loop);
    ck_assert_uint_eq(rig.answers, 0);
}
END_TEST

/* ---- the reload of the URL ---- */

START_TEST(test_only_credentials_may_change)
{
    char url[100];

    start_cluster();
    (void)snprintf(url, sizeof url, "redis://u:new@127.0.0.1:%u", port(0));
    ck_assert_ptr_null(topology_set_url(rig.redis.topology, url));
    ck_assert_ptr_nonnull(topology_set_url(rig.redis.topology, "redis://127.0.0.1:1"));
    fake_redis_cut(&rig.servers[0]);
    WAIT(has_heard(0, "|AUTH u new"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("topology");
    TCase *tc = tcase_create("route");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_one_server_has_all);
    tcase_add_test(tc, test_cluster_is_detected);
    tcase_add_test(tc, test_seeds_take_turns);
    tcase_add_test(tc, test_cluster_that_is_none_is_refused);
    tcase_add_test(tc, test_moved_reads_the_map_again);
    tcase_add_test(tc, test_ask_is_followed);
    tcase_add_test(tc, test_ask_for_a_server_that_is_new);
    tcase_add_test(tc, test_ask_is_followed_once);
    tcase_add_loop_test(tc, test_other_errors_are_the_callers, 0,
                        (int)PARLEY_COUNT_OF(elsewhere));
    tcase_add_test(tc, test_demoted_server_is_left_and_found_again);
    tcase_add_test(tc, test_missing_library_is_loaded);
    tcase_add_test(tc, test_empty_map_changes_nothing);
    tcase_add_test(tc, test_slots_of_nobody_wait);
    tcase_add_test(tc, test_scout_goes_out_again);
    tcase_add_test(tc, test_request_on_a_lost_link_is_lost_once);
    tcase_add_test(tc, test_end_with_requests_under_way);
    tcase_add_test(tc, test_only_credentials_may_change);
    suite_add_tcase(s, tc);
    return s;
}
