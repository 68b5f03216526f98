/* SPDX-License-Identifier: MIT */
/*
 * A model check: publisher and follower of three nodes around a Redis in memory, with
 * everything that may happen in any order, by a seed: always the same worlds, unless
 * PARLEY_TEST_SEED=N asks for others.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/base.h>

#include "backplane/follower.h"
#include "backplane/publisher_internal.h"
#include "backplane/queries.h"
#include "model/model_world.h"
#include "model/virtual_loop.h"

Suite *suite(void);

enum { WORLDS = 150, STEPS = 1500, SETTLED_STEPS = 100000 };

static uint64_t first_seed;
static uint64_t settlements;

/* How often what happens, of 1000; the rest is work: requests, answers, pushes, time. */
struct faults {
    unsigned cut;
    unsigned checkpoint;
    unsigned fail_over;
    unsigned lose_all;
    unsigned reopen; /* a log */
    bool clock_goes_back;
    bool impatience;    /* in half of the worlds settlements wait for nobody */
    bool one_at_a_time; /* what a failure lost is back before the next one comes */
};

static struct world_node *any_node(void)
{
    return &world.nodes[world_chance(WORLD_NODES)];
}

static bool work(void)
{
    struct world_node *n = any_node();

    switch (world_chance(6)) {
    case 0:
    case 1:
        return world_run_request(n);
    case 2:
    case 3:
        return world_take_answer(n);
    case 4:
        return world_take_push(n);
    default:
        return world_connect(n);
    }
}

static void pass_time(void)
{
    uint64_t before_ms = virtual_loop_now_ms();

    virtual_loop_advance(20);
    world.server.clock_ms += virtual_loop_now_ms() - before_ms;
}

static void cut_something(void)
{
    if (world_chance(2) == 0) {
        world_cut_commands(any_node());
    } else {
        world_cut_subscriptions(any_node());
    }
}

static bool is_calm(void)
{
    for (size_t i = 0; i < WORLD_NODES; i++) {
        const struct publisher *p = world.nodes[i].redis.publisher;

        if (p->partitions[0].settlement.state != SETTLED) {
            return false;
        }
    }
    return !world.server.books.settling && !world.replica.settling;
}

static void fail_over(const struct faults *f)
{
    if (f->one_at_a_time && !is_calm()) {
        return;
    }
    world_fail_over();
    if (f->clock_goes_back && world_chance(2) == 0) {
        world.server.clock_ms -= 500;
    }
}

static void step(const struct faults *f)
{
    unsigned dice = world_chance(1000);

    if (dice < f->cut) {
        cut_something();
    } else if ((dice -= f->cut) < f->checkpoint) {
        world_checkpoint();
    } else if ((dice -= f->checkpoint) < f->fail_over) {
        fail_over(f);
    } else if ((dice -= f->fail_over) < f->lose_all) {
        world_lose_all();
    } else if ((dice -= f->lose_all) < f->reopen) {
        world_reopen(any_node(), world_chance(MODEL_LOGS));
    } else if ((dice -= f->reopen) < 100) {
        world_say(any_node(), world_chance(MODEL_LOGS));
    } else if (!work() && world_chance(8) == 0) {
        pass_time();
    }
}

static bool is_settled(void)
{
    for (size_t i = 0; i < WORLD_NODES; i++) {
        const struct world_node *n = &world.nodes[i];

        for (size_t k = 0; k < MODEL_LOGS; k++) {
            unsigned said = 0;

            for (size_t s = 0; s < WORLD_NODES; s++) {
                said += world.nodes[s].logs[k].said;
            }
            if (n->logs[k].count < said || !n->logs[k].is_open) {
                return false;
            }
        }
        if (!publisher_is_idle(n->redis.publisher)) {
            return false;
        }
    }
    return true;
}

static void settle(void)
{
    for (int i = 0; i < SETTLED_STEPS && !is_settled(); i++) {
        if (!work() && world_chance(4) == 0) {
            pass_time();
        }
    }
}

static void run_world(uint64_t seed, const struct faults *f, bool one_order)
{
    world_setup(seed);
    world.server.is_impatient = f->impatience && seed % 2 == 0;
    settle();
    for (int k = 0; k < STEPS; k++) {
        step(f);
    }
    settle();
    world_judge(seed, one_order);
    settlements += world.server.settlements;
    world_teardown();
}

static void run(uint64_t worlds, const struct faults *f, bool one_order)
{
    for (uint64_t i = 0; i < worlds; i++) {
        run_world(first_seed + i, f, one_order);
    }
}

/* ---- the tests ---- */

static void setup(void)
{
    const char *wanted = getenv("PARLEY_TEST_SEED");

    world_init();
    first_seed = wanted != NULL ? strtoull(wanted, NULL, 10) : 1;
    settlements = 0;
    printf("test_model: seed %" PRIu64 "\n", first_seed);
    (void)fflush(stdout);
}

START_TEST(test_nothing_fails)
{
    static const struct faults none = {0};

    run(WORLDS / 3, &none, true);
    ck_assert_uint_eq(settlements, 0);
}
END_TEST

START_TEST(test_links_are_cut)
{
    static const struct faults cuts = {.cut = 10};

    run(WORLDS / 3, &cuts, true);
    ck_assert_uint_eq(settlements, 0);
}
END_TEST

START_TEST(test_a_replica_that_lagged_takes_over)
{
    static const struct faults faults = {
        .checkpoint = 5, .fail_over = 2, .one_at_a_time = true};

    run(WORLDS, &faults, true);
    ck_assert_uint_gt(settlements, 0);
}
END_TEST

/* Failures within failures: nothing is lost or doubled, each sender's order holds. */
static const struct faults everything = {
    .cut = 5, .checkpoint = 5, .fail_over = 2, .lose_all = 1, .clock_goes_back = true};

START_TEST(test_everything_fails_at_once)
{
    run(WORLDS, &everything, false);
    ck_assert_uint_gt(settlements, 0);
}
END_TEST

/* Worlds in which somebody once missed a line: the log had it behind a later one of its writer,
 * or a node took the place at which another server went on for its own. */
START_TEST(test_worlds_in_which_a_line_was_missed)
{
    static const uint64_t seeds[] = {181,    183,    12403,  12408,  12493, 31376,
                                     200016, 200087, 200112, 200122, 200276};

    for (size_t i = 0; i < PARLEY_COUNT_OF(seeds); i++) {
        run_world(seeds[i], &everything, false);
    }
}
END_TEST

START_TEST(test_server_after_server_fails_while_people_come_and_go)
{
    static const struct faults faults = {.cut = 10,
                                         .checkpoint = 12,
                                         .fail_over = 10,
                                         .lose_all = 1,
                                         .reopen = 2,
                                         .clock_goes_back = true,
                                         .impatience = true};

    run(WORLDS, &faults, false);
    ck_assert_uint_gt(settlements, 0);
}
END_TEST

/* ---- a log is trimmed before it was read ---- */

static void run_node(struct world_node *n)
{
    while (world_run_request(n) || world_take_answer(n) || world_take_push(n)) {}
}

static void trim(struct model_log *l, size_t kept)
{
    memmove(l->entries, l->entries + l->count - kept, kept * sizeof l->entries[0]);
    l->count = kept;
}

/* Node 1 says lines, each an entry of its own. */
static void say_one_by_one(int lines)
{
    for (int i = 0; i < lines; i++) {
        world_say(&world.nodes[1], 0);
        run_node(&world.nodes[1]);
    }
}

START_TEST(test_a_hole_is_told_where_it_is)
{
    struct world_node *n = &world.nodes[0];
    const struct world_log *log = &n->logs[0];

    world_setup(first_seed);
    settle();
    say_one_by_one(3);
    settle();
    world_cut_commands(n);
    world_cut_subscriptions(n);
    say_one_by_one(20);
    trim(&world.server.books.logs[0], 5);
    for (int i = 0; i < SETTLED_STEPS && log->holes == 0; i++) {
        (void)(world_connect(n) || world_run_request(n) || world_take_answer(n) ||
               world_take_push(n));
    }
    ck_assert_uint_eq(log->holes, 1);
    ck_assert_uint_eq(log->hole_at, 3);
    ck_assert_uint_eq(log->count, 3 + 5);
    /* The books are read even if the link is lost now. */
    ck_assert_uint_eq(log->snapshots, 1);
    world_cut_commands(n);
    world_cut_subscriptions(n);
    while (world_connect(n)) {}
    run_node(n);
    ck_assert_uint_eq(log->snapshots, 2);
    ck_assert_uint_eq(log->holes, 1);
    ck_assert_uint_eq(log->count, 3 + 5);
    world_teardown();
}
END_TEST

/* ---- more is forgotten than nodes keep ---- */

enum { LINES = 20 };

static void say_lines(void)
{
    for (int i = 0; i < LINES; i++) {
        world_say(&world.nodes[i % WORLD_NODES], 0);
        settle();
    }
}

/* Says lines that the replica never has, and by `forget` those of the first node are kept no
 * longer; then the replica takes over. */
static void lose_for_good(void (*forget)(struct publisher *p))
{
    int64_t holes = metric_values[METRIC_HISTORY_GAPS];

    world_setup(first_seed);
    settle();
    world_checkpoint();
    say_lines();
    forget(world.nodes[0].redis.publisher);
    say_lines();
    world_fail_over();
    settle();
    say_lines();
    world_judge(first_seed, true);
    ck_assert_int_gt(metric_values[METRIC_HISTORY_GAPS], holes);
    world_teardown();
}

static void let_time_pass(struct publisher *p)
{
    uint64_t end_ms = virtual_loop_now_ms() + PUBLISHER_RING_MS + 1000;

    while (virtual_loop_now_ms() < end_ms) {
        pass_time();
        settle();
    }
    ck_assert(list_is_empty(&p->partitions[0].ring));
}

/* As if it kept very much in other partitions. */
static void fill_ring(struct publisher *p)
{
    int64_t before = metric_values[METRIC_RING_OVERFLOWS];

    p->ring_bytes += PUBLISHER_RING_BYTES_MAX;
    world_say(&world.nodes[0], 0);
    settle();
    ck_assert(list_is_empty(&p->partitions[0].ring));
    ck_assert_int_gt(metric_values[METRIC_RING_OVERFLOWS], before);
    p->ring_bytes -= PUBLISHER_RING_BYTES_MAX;
}

START_TEST(test_what_is_kept_no_longer_is_counted)
{
    lose_for_good(let_time_pass);
    lose_for_good(fill_ring);
}
END_TEST

/* ---- one of two primaries hangs ---- */

START_TEST(test_a_primary_that_hangs_holds_up_no_other)
{
    struct world_node *n = &world.nodes[0];

    world_setup(first_seed);
    settle();
    for (unsigned i = 0; i < 2 * FOLLOWER_READS_MAX; i++) {
        world_open_other(n, i);
    }
    ck_assert_uint_eq(world_requests_to(n, 1), FOLLOWER_READS_MAX);
    world_cut_subscriptions(n); /* it must read what is said now */
    world_say(&world.nodes[1], 0);
    settle();
    world_judge(first_seed, true);
    world_teardown();
}
END_TEST

START_TEST(test_questions_to_it_hold_up_no_others)
{
    struct world_node *n = &world.nodes[0];

    world_setup(first_seed);
    settle();
    struct queries *q = queries_new(&n->redis);

    for (unsigned i = 0; i < 2 * QUERIES_UNDER_WAY_MAX; i++) {
        queries_lookup(q, SV("#other"), (struct token){0});
    }
    virtual_loop_run_tasks();
    ck_assert_uint_eq(world_requests_to(n, 1), QUERIES_UNDER_WAY_MAX);
    size_t before = world_requests_to(n, 0);

    queries_lookup(q, SV("ann"), (struct token){0});
    virtual_loop_run_tasks();
    ck_assert_uint_eq(world_requests_to(n, 0), before + 1);
    queries_free(q);
    world_teardown();
}
END_TEST

/* ---- what the ring does not hold ---- */

/* What node 0 says now is in its ring when it is full. */
static void say_into_full_ring(size_t log, unsigned lines)
{
    struct publisher *p = world.nodes[0].redis.publisher;

    p->ring_bytes += PUBLISHER_RING_BYTES_MAX;
    for (unsigned i = 0; i < lines; i++) {
        world_say(&world.nodes[0], log);
        settle();
    }
    p->ring_bytes -= PUBLISHER_RING_BYTES_MAX;
}

static void run_for(uint64_t ms)
{
    uint64_t end_ms = virtual_loop_now_ms() + ms;

    while (virtual_loop_now_ms() < end_ms) {
        if (!work()) {
            pass_time();
        }
    }
}

/* Time passes, and nothing that is sent arrives. */
static void hang_for(uint64_t ms)
{
    uint64_t end_ms = virtual_loop_now_ms() + ms;

    while (virtual_loop_now_ms() < end_ms) {
        pass_time();
    }
}

static void check_told(size_t log, unsigned losses, unsigned lost)
{
    for (size_t i = 0; i < WORLD_NODES; i++) {
        ck_assert_uint_eq(world.nodes[i].logs[log].losses, losses);
        ck_assert_uint_eq(world.nodes[i].logs[log].lost, lost);
    }
}

START_TEST(test_what_a_full_ring_dropped_is_told_as_lost)
{
    world_setup(first_seed);
    settle();
    world_say(&world.nodes[0], 0);
    world_say(&world.nodes[1], 1);
    settle();
    world_checkpoint();
    say_into_full_ring(0, 3);
    world_say(&world.nodes[0], 1); /* comes back */
    world_say(&world.nodes[1], 1);
    settle();
    world_fail_over();
    run_for(PUBLISHER_RING_MS / 4);
    check_told(0, 1, 3);
    check_told(1, 0, 0);
    ck_assert_uint_eq(world.nodes[2].logs[1].count, 3);
    world_fail_over(); /* the same is gone again, but for what was said since */
    run_for(PUBLISHER_RING_MS / 4);
    check_told(0, 1, 3);
    world_teardown();
}
END_TEST

/* The replica has what the ring has not. */
START_TEST(test_a_full_ring_alone_is_no_loss)
{
    world_setup(first_seed);
    settle();
    world_say(&world.nodes[1], 0);
    say_into_full_ring(0, 3);
    world_checkpoint();
    world_say(&world.nodes[0], 0);
    settle();
    world_fail_over();
    run_for(PUBLISHER_RING_MS / 4);
    check_told(0, 0, 0);
    ck_assert_uint_eq(world.nodes[2].logs[0].count, 5);
    world_teardown();
}
END_TEST

/* What is said in one partition does not push the youngest of it out for what is older. */
START_TEST(test_a_full_ring_drops_what_is_oldest)
{
    struct publisher *p;
    size_t bytes;

    world_setup(first_seed);
    p = world.nodes[0].redis.publisher;
    settle();
    world_say(&world.nodes[0], 0);
    settle();
    bytes = p->ring_bytes;
    ck_assert_uint_gt(bytes, 0);
    world_say(&world.nodes[0], 0);
    settle();
    p->ring_bytes += PUBLISHER_RING_BYTES_MAX - bytes;
    metric_values[METRIC_RING_OVERFLOWS] = 0;
    world_say(&world.nodes[0], 0);
    settle();
    p->ring_bytes -= PUBLISHER_RING_BYTES_MAX - bytes;
    ck_assert_int_eq(metric_values[METRIC_RING_OVERFLOWS], 2);
    ck_assert_uint_eq(LIST_ENTRY(p->ring_order.next, struct batch, age)->seq,
                      p->partitions[0].seq);
    world_teardown();
}
END_TEST

/* The minute does not pass while Redis is away. */
START_TEST(test_the_ring_is_kept_while_redis_is_away)
{
    struct publisher *p;

    world_setup(first_seed);
    settle();
    world_checkpoint();
    world_say(&world.nodes[0], 0);
    settle();
    p = world.nodes[0].redis.publisher;
    world_cut_commands(&world.nodes[0]);
    hang_for(2 * PUBLISHER_RING_MS);
    ck_assert(!list_is_empty(&p->ring_order));
    world_fail_over();
    run_for(PUBLISHER_RING_MS / 2);
    ck_assert_uint_eq(world.nodes[2].logs[0].count, 1);
    ck_assert(!list_is_empty(&p->ring_order));
    run_for(PUBLISHER_RING_MS);
    ck_assert(list_is_empty(&p->ring_order));
    world_teardown();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("model");
    TCase *tc = tcase_create("model");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_nothing_fails);
    tcase_add_test(tc, test_links_are_cut);
    tcase_add_test(tc, test_a_replica_that_lagged_takes_over);
    tcase_add_test(tc, test_everything_fails_at_once);
    tcase_add_test(tc, test_a_hole_is_told_where_it_is);
    tcase_add_test(tc, test_what_is_kept_no_longer_is_counted);
    tcase_add_test(tc, test_worlds_in_which_a_line_was_missed);
    tcase_add_test(tc, test_server_after_server_fails_while_people_come_and_go);
    tcase_add_test(tc, test_a_primary_that_hangs_holds_up_no_other);
    tcase_add_test(tc, test_questions_to_it_hold_up_no_others);
    tcase_add_test(tc, test_what_a_full_ring_dropped_is_told_as_lost);
    tcase_add_test(tc, test_a_full_ring_alone_is_no_loss);
    tcase_add_test(tc, test_a_full_ring_drops_what_is_oldest);
    tcase_add_test(tc, test_the_ring_is_kept_while_redis_is_away);
    suite_add_tcase(s, tc);
    return s;
}
