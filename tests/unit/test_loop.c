/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>

#include "core/wheel.h"

static struct loop *loop;
static char trace[256]; /* letters, in the order in which things happened */

static void note(char c)
{
    size_t len = strlen(trace);

    ck_assert_uint_lt(len + 1, sizeof trace);
    trace[len] = c;
    trace[len + 1] = '\0';
}

static void setup(void)
{
    loop = loop_new();
    trace[0] = '\0';
}

static void teardown(void)
{
    loop_free(loop);
}

/* ---- tasks and the graveyard ---- */

struct step {
    struct loop_task task;
    char name;
    struct step *then; /* queued by this one */
    enum loop_phase then_phase;
    struct step *cancels;
};

static void on_step(void *arg)
{
    struct step *step = arg;

    note(step->name);
    if (step->then != NULL) {
        loop_task_queue(loop, step->then_phase, &step->then->task);
    }
    if (step->cancels != NULL) {
        loop_task_cancel(&step->cancels->task);
    }
}

static void step_init(struct step *step, char name)
{
    *step = (struct step){.name = name};
    loop_task_init(&step->task, on_step, step);
}

START_TEST(test_loop_turn_runs_publish_then_flush_then_graves)
{
    struct step flush;
    struct step publish;

    step_init(&flush, 'f');
    step_init(&publish, 'p');
    loop_bury(loop, strdup("g"), free);
    loop_task_queue(loop, LOOP_FLUSH, &flush.task);
    loop_task_queue(loop, LOOP_PUBLISH, &publish.task);
    loop_task_queue(loop, LOOP_PUBLISH, &publish.task);
    loop_turn(loop);
    ck_assert_str_eq(trace, "pf");
    loop_turn(loop);
    ck_assert_str_eq(trace, "pf");
}
END_TEST

START_TEST(test_loop_flush_queued_by_publish_runs_in_the_same_turn)
{
    struct step flush;
    struct step publish;

    step_init(&flush, 'f');
    step_init(&publish, 'p');
    publish.then = &flush;
    publish.then_phase = LOOP_FLUSH;
    loop_task_queue(loop, LOOP_PUBLISH, &publish.task);
    loop_turn(loop);
    ck_assert_str_eq(trace, "pf");
}
END_TEST

/* An hour's timer keeps a loop that waits from ever ending the turn. */
START_TEST(test_loop_task_queued_by_flush_runs_next_turn_without_waiting)
{
    struct step first;
    struct step second;
    struct timer hour;

    step_init(&first, 'a');
    step_init(&second, 'b');
    timer_init(&hour, loop, on_step, &second);
    timer_start(&hour, 3600 * 1000);
    first.then = &second;
    first.then_phase = _i == 0 ? LOOP_FLUSH : LOOP_PUBLISH;
    loop_task_queue(loop, LOOP_FLUSH, &first.task);
    loop_turn(loop);
    ck_assert_str_eq(trace, "a");
    loop_turn(loop);
    ck_assert_str_eq(trace, "ab");
    timer_done(&hour);
}
END_TEST

START_TEST(test_loop_task_that_queues_itself_runs_once_a_turn)
{
    struct step again;

    step_init(&again, 'a');
    again.then = &again;
    again.then_phase = LOOP_FLUSH;
    loop_task_queue(loop, LOOP_FLUSH, &again.task);
    for (int i = 0; i < 3; i++) {
        loop_turn(loop);
    }
    ck_assert_str_eq(trace, "aaa");
    loop_task_cancel(&again.task);
}
END_TEST

START_TEST(test_loop_task_cancel_in_the_same_phase_prevents_it)
{
    struct step first;
    struct step second;

    step_init(&first, 'a');
    step_init(&second, 'b');
    first.cancels = &second;
    loop_task_queue(loop, LOOP_FLUSH, &first.task);
    loop_task_queue(loop, LOOP_FLUSH, &second.task);
    loop_turn(loop);
    ck_assert_str_eq(trace, "a");
}
END_TEST

static void bury_name(void *arg)
{
    char *name = arg;

    note(name[0]);
    if (name[1] != '\0') {
        loop_bury(loop, strdup(name + 1), bury_name);
    }
    free(name);
}

START_TEST(test_loop_bury_frees_in_order_and_may_bury_more)
{
    for (int i = 0; i < 20; i++) {
        char name[] = {(char)('a' + i), 'Z', '\0'};
        loop_bury(loop, strdup(name), bury_name);
    }
    ck_assert_str_eq(trace, "");
    loop_turn(loop);
    ck_assert_str_eq(trace, "abcdefghijklmnopqrstZZZZZZZZZZZZZZZZZZZZ");
}
END_TEST

START_TEST(test_loop_free_empties_the_graveyard)
{
    struct loop *own = loop_new();

    loop_bury(own, strdup("g"), bury_name);
    loop_free(own);
    ck_assert_str_eq(trace, "g");
    loop_free(NULL);
}
END_TEST

static void stop_loop(void *arg)
{
    (void)arg;
    note('s');
    loop_stop(loop);
}

START_TEST(test_loop_run_ends_with_the_turn_of_the_stop)
{
    struct timer t;
    struct step flush;

    timer_init(&t, loop, stop_loop, NULL);
    step_init(&flush, 'f');
    timer_start(&t, 1);
    loop_task_queue(loop, LOOP_FLUSH, &flush.task);
    loop_run(loop);
    ck_assert_str_eq(trace, "fs");
    loop_stop(loop);
    loop_run(loop);
    timer_done(&t);
}
END_TEST

START_TEST(test_loop_now_stays_the_same_within_a_turn)
{
    uint64_t now = loop_now_ms(loop);

    (void)usleep(5000);
    ck_assert_uint_eq(loop_now_ms(loop), now);
    loop_turn(loop);
    ck_assert_uint_ge(loop_now_ms(loop), now + 5);
}
END_TEST

/* ---- timers ---- */

struct ticker {
    struct timer timer;
    int left;
};

static void on_ticker(void *arg)
{
    struct ticker *ticker = arg;

    note('t');
    if (--ticker->left > 0) {
        timer_start(&ticker->timer, 1);
    }
}

START_TEST(test_timer_may_start_itself_anew)
{
    struct ticker ticker = {.left = 3};

    timer_init(&ticker.timer, loop, on_ticker, &ticker);
    ck_assert(!timer_is_running(&ticker.timer));
    timer_start(&ticker.timer, 0);
    ck_assert(timer_is_running(&ticker.timer));
    while (timer_is_running(&ticker.timer)) {
        loop_turn(loop);
    }
    ck_assert_str_eq(trace, "ttt");
    timer_start(&ticker.timer, 0);
    timer_stop(&ticker.timer);
    ck_assert(!timer_is_running(&ticker.timer));
    loop_turn(loop);
    ck_assert_str_eq(trace, "ttt");
    timer_done(&ticker.timer);
    timer_done(&ticker.timer);
}
END_TEST

/* ---- the wheel, with a time of our own ---- */

struct named {
    struct deadline deadline;
    char name;
    struct named *clears;
    struct named *sets;
    uint64_t sets_tick;
};

static struct wheel wheel;

static void on_named(void *arg)
{
    struct named *n = PARLEY_CONTAINER_OF(arg, struct named, deadline);

    note(n->name);
    if (n->clears != NULL) {
        deadline_clear(&n->clears->deadline);
    }
    if (n->sets != NULL) {
        wheel_set(&wheel, &n->sets->deadline, n->sets_tick);
    }
}

static void named_init(struct named *n, char name)
{
    *n = (struct named){.name = name};
    deadline_init(&n->deadline, on_named);
}

static void set_at(struct named *n, uint64_t tick)
{
    wheel_set(&wheel, &n->deadline, tick);
    wheel_check(&wheel);
}

static void ck_advance(uint64_t tick, const char *expected)
{
    trace[0] = '\0';
    wheel_advance(&wheel, tick);
    wheel_check(&wheel);
    ck_assert_str_eq(trace, expected);
}

static struct named a;
static struct named b;
static struct named c;

static void setup_wheel(void)
{
    wheel_init(&wheel, 1000);
    named_init(&a, 'a');
    named_init(&b, 'b');
    named_init(&c, 'c');
}

START_TEST(test_wheel_fires_at_its_tick_and_not_before)
{
    set_at(&a, 1005);
    ck_advance(1004, "");
    ck_advance(1005, "a");
    ck_advance(5000, "");
}
END_TEST

START_TEST(test_wheel_fires_by_tick_then_by_order_of_setting)
{
    set_at(&c, 1003);
    set_at(&a, 1001);
    set_at(&b, 1003);
    ck_advance(1010, "acb");
}
END_TEST

START_TEST(test_wheel_tick_that_passed_is_the_next_one)
{
    set_at(&a, 3);
    set_at(&b, 1000);
    ck_advance(1000, "");
    ck_advance(1001, "ab");
}
END_TEST

START_TEST(test_wheel_far_deadline_waits_for_its_turn_of_the_ring)
{
    uint64_t far = 1001 + 3 * WHEEL_SLOTS;

    set_at(&a, far);
    set_at(&b, 1001);
    ck_advance(1001, "b");
    ck_advance(1001 + WHEEL_SLOTS, "");
    ck_advance(far - 1, "");
    ck_advance(far, "a");
}
END_TEST

START_TEST(test_wheel_long_stall_fires_everything_once)
{
    set_at(&a, 1001);
    set_at(&b, 1500);
    set_at(&c, 1000 + 2 * WHEEL_SLOTS);
    ck_advance(1000 + 50 * WHEEL_SLOTS, "abc");
    ck_advance(1000 + 51 * WHEEL_SLOTS, "");
}
END_TEST

START_TEST(test_wheel_set_again_moves_it)
{
    set_at(&a, 1001);
    set_at(&a, 1007);
    ck_advance(1006, "");
    ck_advance(1007, "a");
}
END_TEST

START_TEST(test_wheel_callback_may_set_itself_and_clear_others)
{
    a.sets = &a;
    a.sets_tick = 1001; /* already passed: next tick, not at once */
    a.clears = &b;
    set_at(&a, 1002);
    set_at(&b, 1002);
    set_at(&c, 1002);
    ck_advance(1002, "ac");
    a.sets = NULL;
    ck_advance(1003, "a");
    ck_advance(2000, "");
}
END_TEST

START_TEST(test_wheel_callback_may_set_one_that_is_due_to_later)
{
    a.sets = &b;
    a.sets_tick = 1009;
    set_at(&a, 1002);
    set_at(&b, 1002);
    ck_advance(1002, "a");
    ck_advance(1009, "b");
}
END_TEST

START_TEST(test_wheel_next_tick_is_the_earliest_slot_in_use)
{
    uint64_t next = 0;

    ck_assert(!wheel_next_tick(&wheel, &next));
    set_at(&a, 1700);
    set_at(&b, 1003);
    ck_assert(wheel_next_tick(&wheel, &next));
    ck_assert_uint_eq(next, 1003);
    deadline_clear(&b.deadline);
    ck_assert(wheel_next_tick(&wheel, &next));
    ck_assert_uint_eq(next, 1700);
    ck_advance(1700, "a");
    ck_assert(!wheel_next_tick(&wheel, &next));
}
END_TEST

/* ---- deadlines on the real clock ---- */

struct timed {
    struct deadline deadline;
    uint64_t due_ms;
    int left;
};

static int timed_left;

static void on_timed(void *arg)
{
    struct timed *t = PARLEY_CONTAINER_OF(arg, struct timed, deadline);

    ck_assert_uint_ge(clock_monotonic_ms(), t->due_ms);
    if (--t->left > 0) {
        t->due_ms = clock_monotonic_ms() + 1;
        deadline_set(loop, &t->deadline, 1);
    } else {
        timed_left--;
    }
}

START_TEST(test_deadline_never_fires_early)
{
    static const unsigned delays[] = {0, 1, 99, 100, 101, 250, 300};
    struct timed timed[PARLEY_COUNT_OF(delays)];

    timed_left = (int)PARLEY_COUNT_OF(delays);
    for (size_t i = 0; i < PARLEY_COUNT_OF(delays); i++) {
        timed[i] = (struct timed){.left = 1 + (int)(i % 2)};
        deadline_init(&timed[i].deadline, on_timed);
        timed[i].due_ms = clock_monotonic_ms() + delays[i];
        deadline_set(loop, &timed[i].deadline, delays[i]);
    }
    while (timed_left > 0) {
        loop_turn(loop);
    }
}
END_TEST

START_TEST(test_deadline_set_sooner_than_another_wakes_the_loop_in_time)
{
    struct timed far = {.left = 1};
    struct timed near = {.left = 1};

    timed_left = 1;
    deadline_init(&far.deadline, on_timed);
    deadline_init(&near.deadline, on_timed);
    deadline_set(loop, &far.deadline, 3600 * 1000);
    deadline_set(loop, &near.deadline, 1);
    while (timed_left > 0) {
        loop_turn(loop);
    }
    ck_assert_int_eq(far.left, 1);
    deadline_clear(&far.deadline);
    deadline_clear(&far.deadline);
}
END_TEST

/* Without deadlines nothing keeps libevent waiting, so a turn of an empty loop ends. */
START_TEST(test_deadline_timer_stops_when_the_wheel_is_empty)
{
    struct timed t = {.left = 1};

    timed_left = 1;
    deadline_init(&t.deadline, on_timed);
    deadline_set(loop, &t.deadline, 1);
    while (timed_left > 0) {
        loop_turn(loop);
    }
    ck_assert_int_eq(event_base_get_num_events(loop_base(loop), EVENT_BASE_COUNT_ADDED),
                     0);
}
END_TEST

START_TEST(test_deadline_many_in_one_tick_all_fire)
{
    enum { COUNT = 20000 };
    struct timed *many = calloc(COUNT, sizeof *many);

    timed_left = COUNT;
    for (int i = 0; i < COUNT; i++) {
        many[i].left = 1;
        deadline_init(&many[i].deadline, on_timed);
        deadline_set(loop, &many[i].deadline, 0);
    }
    while (timed_left > 0) {
        loop_turn(loop);
    }
    free(many);
}
END_TEST

static TCase *turn_cases(void)
{
    TCase *tc = tcase_create("turn");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_loop_turn_runs_publish_then_flush_then_graves);
    tcase_add_test(tc, test_loop_flush_queued_by_publish_runs_in_the_same_turn);
    tcase_add_loop_test(tc, test_loop_task_queued_by_flush_runs_next_turn_without_waiting,
                        0, 2);
    tcase_add_test(tc, test_loop_task_that_queues_itself_runs_once_a_turn);
    tcase_add_test(tc, test_loop_task_cancel_in_the_same_phase_prevents_it);
    tcase_add_test(tc, test_loop_bury_frees_in_order_and_may_bury_more);
    tcase_add_test(tc, test_loop_free_empties_the_graveyard);
    tcase_add_test(tc, test_loop_run_ends_with_the_turn_of_the_stop);
    tcase_add_test(tc, test_loop_now_stays_the_same_within_a_turn);
    tcase_add_test(tc, test_timer_may_start_itself_anew);
    return tc;
}

static TCase *wheel_cases(void)
{
    TCase *tc = tcase_create("wheel");

    tcase_add_checked_fixture(tc, setup_wheel, NULL);
    tcase_add_test(tc, test_wheel_fires_at_its_tick_and_not_before);
    tcase_add_test(tc, test_wheel_fires_by_tick_then_by_order_of_setting);
    tcase_add_test(tc, test_wheel_tick_that_passed_is_the_next_one);
    tcase_add_test(tc, test_wheel_far_deadline_waits_for_its_turn_of_the_ring);
    tcase_add_test(tc, test_wheel_long_stall_fires_everything_once);
    tcase_add_test(tc, test_wheel_set_again_moves_it);
    tcase_add_test(tc, test_wheel_callback_may_set_itself_and_clear_others);
    tcase_add_test(tc, test_wheel_callback_may_set_one_that_is_due_to_later);
    tcase_add_test(tc, test_wheel_next_tick_is_the_earliest_slot_in_use);
    return tc;
}

static TCase *deadline_cases(void)
{
    TCase *tc = tcase_create("deadline");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_deadline_never_fires_early);
    tcase_add_test(tc, test_deadline_set_sooner_than_another_wakes_the_loop_in_time);
    tcase_add_test(tc, test_deadline_timer_stops_when_the_wheel_is_empty);
    tcase_add_test(tc, test_deadline_many_in_one_tick_all_fire);
    return tc;
}

Suite *suite(void)
{
    Suite *s = suite_create("loop");

    suite_add_tcase(s, turn_cases());
    suite_add_tcase(s, wheel_cases());
    suite_add_tcase(s, deadline_cases());
    return s;
}
