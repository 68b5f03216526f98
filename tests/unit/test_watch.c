/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/loop.h>
#include <parley/core/watch.h>
#include <parley/util/base.h>

enum { PAIRS = 3 };

struct end {
    struct watch watch; /* of `fd` */
    int fd;
    int other;
    unsigned told; /* of the last call */
    unsigned calls;
    struct end *stops; /* another one that its callback stops */
};

static struct loop *loop;
static struct end ends[PAIRS];

static void on_ready(struct watch *w, unsigned what)
{
    struct end *e = PARLEY_CONTAINER_OF(w, struct end, watch);

    e->told = what;
    e->calls++;
    if (e->stops != NULL) {
        watch_stop(loop, &e->stops->watch);
    }
}

static void setup(void)
{
    loop = loop_new();
    for (int i = 0; i < PAIRS; i++) {
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        ends[i] = (struct end){.fd = fds[0], .other = fds[1]};
        watch_init(&ends[i].watch, fds[0], on_ready);
    }
}

static void teardown(void)
{
    for (int i = 0; i < PAIRS; i++) {
        watch_stop(loop, &ends[i].watch);
        (void)close(ends[i].fd);
        (void)close(ends[i].other);
    }
    loop_turn(loop); /* does not wait: nothing is watched */
    loop_free(loop);
}

static void set(struct end *e, unsigned what)
{
    ck_assert(watch_set(loop, &e->watch, what));
    ck_assert_uint_eq(e->watch.armed, what);
}

static void send_byte(const struct end *e)
{
    ck_assert_int_eq(write(e->other, "x", 1), 1);
}

START_TEST(test_watch_tells_what_is_ready_as_long_as_it_is)
{
    set(&ends[0], WATCH_READ);
    send_byte(&ends[0]);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].told, WATCH_READ);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].calls, 2);
}
END_TEST

START_TEST(test_watch_tells_only_what_it_is_set_to)
{
    send_byte(&ends[0]);
    set(&ends[0], WATCH_WRITE);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].told, WATCH_WRITE);
    set(&ends[0], WATCH_READ | WATCH_WRITE);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].told, WATCH_READ | WATCH_WRITE);
    set(&ends[0], WATCH_READ);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].told, WATCH_READ);
    set(&ends[0], 0);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].calls, 3);
}
END_TEST

START_TEST(test_watch_tells_the_end_to_whom_only_reads)
{
    set(&ends[0], WATCH_READ);
    ck_assert_int_eq(shutdown(ends[0].other, SHUT_RDWR), 0);
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].told, WATCH_READ);
}
END_TEST

/* Both are ready; whichever comes first stops the other. */
START_TEST(test_watch_that_another_stopped_is_not_called)
{
    for (int i = 0; i < 2; i++) {
        ends[i].stops = &ends[1 - i];
        set(&ends[i], WATCH_READ);
        send_byte(&ends[i]);
    }
    loop_turn(loop);
    ck_assert_uint_eq(ends[0].calls + ends[1].calls, 1);
}
END_TEST

START_TEST(test_watches_are_told_in_one_turn)
{
    for (int i = 0; i < PAIRS; i++) {
        set(&ends[i], WATCH_READ);
        send_byte(&ends[i]);
    }
    loop_turn(loop);
    for (int i = 0; i < PAIRS; i++) {
        ck_assert_uint_eq(ends[i].calls, 1);
    }
}
END_TEST

START_TEST(test_watch_of_what_cannot_be_watched_fails)
{
    struct watch w;

    watch_init(&w, -1, on_ready);
    ck_assert(!watch_set(loop, &w, WATCH_READ));
    ck_assert_uint_eq(w.armed, 0);
    watch_stop(loop, &w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("watch");
    TCase *tc = tcase_create("watch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_watch_tells_what_is_ready_as_long_as_it_is);
    tcase_add_test(tc, test_watch_tells_only_what_it_is_set_to);
    tcase_add_test(tc, test_watch_tells_the_end_to_whom_only_reads);
    tcase_add_test(tc, test_watch_that_another_stopped_is_not_called);
    tcase_add_test(tc, test_watches_are_told_in_one_turn);
    tcase_add_test(tc, test_watch_of_what_cannot_be_watched_fails);
    suite_add_tcase(s, tc);
    return s;
}
