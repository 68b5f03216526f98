/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <parley/core/metrics.h>
#include <parley/net/sendq.h>
#include <parley/util/base.h>
#include <parley/util/msg.h>
#include <parley/util/str.h>

enum { NO_LIMIT = 1 << 30, IOVECS = 16 };

static struct sendq q;
static struct iovec scratch[IOVECS];
static int ends[2]; /* written to, read from */
static size_t live_before;

/* How many bytes the socket takes in the next call; NO_LIMIT: what the kernel likes. */
static size_t room = NO_LIMIT;

/* In place of the C library's: a socket that fills up at any byte we like. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec cut[IOVECS];
    struct msghdr limited = *message;
    size_t left = room;

    if (room == 0) {
        errno = EAGAIN;
        return -1;
    }
    limited.msg_iov = cut;
    limited.msg_iovlen = 0;
    for (size_t i = 0; i < message->msg_iovlen && left > 0; i++) {
        cut[i] = message->msg_iov[i];
        cut[i].iov_len = cut[i].iov_len < left ? cut[i].iov_len : left;
        left -= cut[i].iov_len;
        limited.msg_iovlen++;
    }
    return syscall(SYS_sendmsg, fd, &limited, flags);
}

static void setup(void)
{
    room = NO_LIMIT;
    live_before = msg_live_count();
    sendq_init(&q);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void teardown(void)
{
    sendq_done(&q);
    sendq_check(&q);
    ck_assert_uint_eq(q.cap, 1);
    ck_assert_uint_eq(msg_live_count(), live_before);
    ck_assert_int_eq(metric_values[METRIC_SENDQ_BYTES], 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static bool push(const char *text, uint64_t max)
{
    struct msg *m = msg_new(sv_of(text));
    bool is_queued = sendq_push(&q, m, max);

    msg_unref(m);
    sendq_check(&q);
    return is_queued;
}

static enum sendq_result write_out(size_t iovecs)
{
    enum sendq_result result = sendq_write(&q, ends[0], scratch, iovecs);

    sendq_check(&q);
    ck_assert_int_eq(metric_values[METRIC_SENDQ_BYTES], (int64_t)sendq_bytes(&q));
    return result;
}

/* All that can be read now. */
static size_t read_in(char *ret_bytes, size_t size)
{
    size_t len = 0;
    ssize_t count;

    while (len < size && (count = read(ends[1], ret_bytes + len, size - len)) > 0) {
        len += (size_t)count;
    }
    return len;
}

static void ck_reads(const char *expected)
{
    char bytes[256];

    ck_assert(sv_equal(sv(bytes, read_in(bytes, sizeof bytes)), sv_of(expected)));
}

START_TEST(test_sendq_write_of_nothing_is_empty)
{
    int64_t writes = metric_values[METRIC_WRITES];

    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    ck_assert_int_eq(metric_values[METRIC_WRITES], writes);
}
END_TEST

START_TEST(test_sendq_write_takes_many_lines_in_one_call)
{
    int64_t writes = metric_values[METRIC_WRITES];

    ck_assert(push("one\n", NO_LIMIT));
    ck_assert(push("two\n", NO_LIMIT));
    ck_assert(push("three\n", NO_LIMIT));
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    ck_assert_int_eq(metric_values[METRIC_WRITES], writes + 1);
    ck_assert_uint_eq(q.cap, 1);
    ck_reads("one\ntwo\nthree\n");
}
END_TEST

START_TEST(test_sendq_write_with_fewer_iovecs_than_lines_says_more)
{
    for (int i = 0; i < 5; i++) {
        char text[] = {(char)('0' + i), '\0'};
        ck_assert(push(text, NO_LIMIT));
    }
    ck_assert_int_eq(write_out(2), SENDQ_MORE);
    ck_reads("01");
    ck_assert_int_eq(write_out(2), SENDQ_MORE);
    ck_assert_int_eq(write_out(2), SENDQ_EMPTY);
    ck_reads("234");
}
END_TEST

START_TEST(test_sendq_push_shares_the_msg)
{
    struct sendq other;
    struct msg *m = msg_new(SV("shared"));

    sendq_init(&other);
    ck_assert(sendq_push(&q, m, NO_LIMIT));
    ck_assert(sendq_push(&other, m, NO_LIMIT));
    ck_assert_uint_eq(m->refs, 3);
    ck_assert_uint_eq(msg_live_count(), live_before + 1);
    msg_unref(m);
    sendq_done(&other);
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    ck_reads("shared");
}
END_TEST

START_TEST(test_sendq_push_past_the_bound_queues_nothing)
{
    ck_assert(push("12345", 10));
    ck_assert(push("12345", 10));
    ck_assert(!push("1", 10));
    ck_assert(push("", 10));
    ck_assert_uint_eq(sendq_bytes(&q), 10);
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    ck_assert(push("1", 10));
}
END_TEST

START_TEST(test_sendq_push_of_an_empty_msg_is_ignored)
{
    ck_assert(push("", NO_LIMIT));
    ck_assert_uint_eq(q.cap, 1);
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
}
END_TEST

START_TEST(test_sendq_ring_grows_around_its_end_in_order)
{
    char expected[4096];
    char got[4096];
    size_t len = 0;
    int next = 0;

    /* Move the head on by 3 lines and add 5, again and again. */
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 5; i++) {
            char text[16];
            len += (size_t)snprintf(expected + len, sizeof expected - len, "%d ", next);
            (void)snprintf(text, sizeof text, "%d ", next++);
            ck_assert(push(text, NO_LIMIT));
        }
        ck_assert_int_eq(write_out(3), SENDQ_MORE);
    }
    enum sendq_result result;
    do {
        result = write_out(IOVECS);
    } while (result == SENDQ_MORE);
    ck_assert_int_eq(result, SENDQ_EMPTY);
    ck_assert(sv_equal(sv(got, read_in(got, sizeof got)), sv(expected, len)));
}
END_TEST

static const char *const lines[] = {"a\n", "four\n", "\n", "twelve bytes\n", "z"};
static const char all_lines[] = "a\nfour\n\ntwelve bytes\nz";
enum { ALL_BYTES = sizeof all_lines - 1 };

static void push_lines(void)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(lines); i++) {
        ck_assert(push(lines[i], NO_LIMIT));
    }
}

START_TEST(test_sendq_partial_write_at_any_byte_goes_on_there)
{
    push_lines();
    room = (size_t)_i;
    ck_assert_int_eq(write_out(IOVECS), _i == ALL_BYTES ? SENDQ_EMPTY : SENDQ_BLOCKED);
    ck_assert_uint_eq(sendq_bytes(&q), (uint64_t)(ALL_BYTES - _i));
    room = NO_LIMIT;
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    ck_reads(all_lines);
}
END_TEST

START_TEST(test_sendq_write_of_few_bytes_each_time_keeps_order)
{
    push_lines();
    room = (size_t)_i;
    while (write_out(IOVECS) != SENDQ_EMPTY) {
        ck_assert_uint_gt(sendq_bytes(&q), 0);
    }
    ck_reads(all_lines);
}
END_TEST

/* What was begun is ended, so that the reader is not left within a line. */
START_TEST(test_sendq_drop_unsent_at_any_byte_completes_the_begun_line)
{
    char expected[ALL_BYTES + sizeof "END"];
    size_t end = 0;
    size_t begun = 0;

    for (size_t i = 0; i < PARLEY_COUNT_OF(lines) && end < (size_t)_i; i++) {
        end += strlen(lines[i]);
        begun = end;
    }
    push_lines();
    room = (size_t)_i;
    (void)write_out(IOVECS);
    sendq_drop_unsent(&q);
    sendq_check(&q);
    room = NO_LIMIT;
    ck_assert(push("END", NO_LIMIT));
    ck_assert_int_eq(write_out(IOVECS), SENDQ_EMPTY);
    (void)snprintf(expected, sizeof expected, "%.*sEND", (int)begun, all_lines);
    ck_reads(expected);
}
END_TEST

START_TEST(test_sendq_full_socket_keeps_every_byte_in_order)
{
    enum { LINES = 4000 };
    static char got[1 << 20];
    static char expected[1 << 20];
    size_t got_len = 0;
    size_t expected_len = 0;
    int small = 1;
    bool was_blocked = false;

    ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    for (int i = 0; i < LINES; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%d %.*s\n", i, i % 37,
                           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
        memcpy(expected + expected_len, text, (size_t)len);
        expected_len += (size_t)len;
        ck_assert(push(text, NO_LIMIT));
    }
    for (;;) {
        enum sendq_result result = write_out(IOVECS);
        ck_assert_int_ne(result, SENDQ_BROKEN);
        if (result == SENDQ_EMPTY) {
            break;
        }
        was_blocked = was_blocked || result == SENDQ_BLOCKED;
        if (result == SENDQ_BLOCKED) {
            got_len += read_in(got + got_len, sizeof got - got_len);
        }
    }
    got_len += read_in(got + got_len, sizeof got - got_len);
    ck_assert(was_blocked);
    ck_assert(sv_equal(sv(got, got_len), sv(expected, expected_len)));
}
END_TEST

START_TEST(test_sendq_write_to_a_closed_peer_is_broken_without_a_signal)
{
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(ends[1]);
    ends[1] = -1;
    ck_assert(push("x", NO_LIMIT));
    ck_assert_int_eq(write_out(IOVECS), SENDQ_BROKEN);
    ck_assert_int_eq(errno, EPIPE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sendq");
    TCase *tc = tcase_create("sendq");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_sendq_write_of_nothing_is_empty);
    tcase_add_test(tc, test_sendq_write_takes_many_lines_in_one_call);
    tcase_add_test(tc, test_sendq_write_with_fewer_iovecs_than_lines_says_more);
    tcase_add_test(tc, test_sendq_push_shares_the_msg);
    tcase_add_test(tc, test_sendq_push_past_the_bound_queues_nothing);
    tcase_add_test(tc, test_sendq_push_of_an_empty_msg_is_ignored);
    tcase_add_test(tc, test_sendq_ring_grows_around_its_end_in_order);
    tcase_add_loop_test(tc, test_sendq_partial_write_at_any_byte_goes_on_there, 0,
                        ALL_BYTES + 1);
    tcase_add_loop_test(tc, test_sendq_write_of_few_bytes_each_time_keeps_order, 1,
                        ALL_BYTES + 1);
    tcase_add_loop_test(tc, test_sendq_drop_unsent_at_any_byte_completes_the_begun_line,
                        0, ALL_BYTES + 1);
    tcase_add_test(tc, test_sendq_full_socket_keeps_every_byte_in_order);
    tcase_add_test(tc, test_sendq_write_to_a_closed_peer_is_broken_without_a_signal);
    suite_add_tcase(s, tc);
    return s;
}
