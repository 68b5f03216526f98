/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/metrics.h>
#include <parley/net/server.h>
#include <parley/net/session.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "net/session_internal.h"
#include "support/toy.h"

static int client;

static void setup(void)
{
    toy_setup();
    toy_listen();
    client = client_connect();
}

static void teardown(void)
{
    (void)close(client);
    toy_teardown();
}

/* Start again with another policy. */
static void listen_with(struct server_policy policy)
{
    teardown();
    toy_setup();
    toy.policy = policy;
    toy_listen();
    client = client_connect();
}

/* ---- lines ---- */

START_TEST(test_session_lines_are_echoed)
{
    client_write(client, "hello\r\nthere\n\nworld\n");
    client_reads(client, "hello\r\nthere\r\n\r\nworld\r\n");
    TOY_TRACE("open;line:hello;line:there;line:;line:world;");
}
END_TEST

START_TEST(test_session_lines_byte_by_byte_are_echoed)
{
    const char *text = "hello\r\nthere\n";

    for (size_t i = 0; i < strlen(text); i++) {
        char one[] = {text[i], '\0'};
        client_write(client, one);
        toy_turn();
    }
    client_reads(client, "hello\r\nthere\r\n");
}
END_TEST

START_TEST(test_session_line_too_long_is_told_once_and_the_session_lives)
{
    char expected[1024];
    char *block = malloc((1 << 20) + 1);

    memset(block, 'x', 1 << 20);
    block[1 << 20] = '\0';
    client_write(client, block);
    client_write(client, "\nnext\n");
    (void)snprintf(expected, sizeof expected, "!%.512s\r\nnext\r\n", block);
    client_reads(client, expected);
    ck_assert_int_eq(metric_values[METRIC_BAD_LINES], 1);
    free(block);
}
END_TEST

START_TEST(test_session_idle_holds_no_buffers)
{
    client_write(client, "hello\nhalf");
    client_reads(client, "hello\r\n");
    client_write(client, "\n");
    client_reads(client, "half\r\n");
    ck_assert_ptr_null(toy.last->framer.held);
    ck_assert_ptr_null(toy.last->sendq.ring);
}
END_TEST

START_TEST(test_session_more_lines_than_one_write_carries_come_in_order)
{
    enum { COUNT = 5000 };
    char number[16];

    client_write(client, "flood 5000\nquit\n");
    const char *got = client_reads_to_end(client);
    ck_assert_uint_eq(strlen(got), COUNT * 100 + strlen("quit\r\n"));
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(number, sizeof number, "%d ", i);
        ck_assert_int_eq(strncmp(got + (size_t)i * 100, number, strlen(number)), 0);
    }
}
END_TEST

/* Somebody who sends many lines at once takes turns with the others. */
START_TEST(test_session_budget_lets_others_in)
{
    enum { COUNT = 2000 };
    int other = client_connect();
    struct strbuf many;

    client_write(client, "first\n");
    client_reads(client, "first\r\n");
    strbuf_init(&many, 1 << 20);
    for (int i = 0; i < COUNT; i++) {
        strbuf_add(&many, SV("mine\n"));
    }
    client_write(client, strbuf_cstr(&many));
    client_write(other, "other\n");
    TOY_UNTIL(toy.lines == COUNT + 2);
    const char *trace = strbuf_cstr(&toy.trace);
    const char *at = strstr(trace, "line:other;");
    ck_assert_ptr_nonnull(at);
    ck_assert_ptr_nonnull(strstr(at, "line:mine;"));
    strbuf_done(&many);
    (void)close(other);
}
END_TEST

/* ---- waiting ---- */

START_TEST(test_session_waiting_lines_go_on_in_order)
{
    toy.is_holding = true;
    client_write(client, "a\nb\nhalf");
    TOY_UNTIL(toy.last != NULL && toy.last->input == INPUT_WAITING);
    client_write(client, " c\nd\n");
    TOY_UNTIL(framer_held_bytes(&toy.last->framer) == strlen("a\nb\nhalf c\nd\n"));
    TOY_TRACE("open;");
    toy_release(toy.last);
    client_reads(client, "a\r\nb\r\nhalf c\r\nd\r\n");
}
END_TEST

START_TEST(test_session_urgent_lines_overtake_waiting_ones)
{
    toy.is_holding = true;
    client_write(client, "a\nP1\nb\n");
    client_reads(client, "P1\r\n");
    client_write(client, "P2\nc\nP3\n");
    client_reads(client, "P2\r\nP3\r\n");
    toy_release(toy.last);
    client_reads(client, "a\r\nb\r\nc\r\n");
    TOY_TRACE("open;urgent:P1;urgent:P2;urgent:P3;line:a;line:b;line:c;");
}
END_TEST

START_TEST(test_session_first_line_is_never_urgent)
{
    toy.is_holding = true;
    client_write(client, "P1\nP2\n");
    client_reads(client, "P2\r\n");
    toy_release(toy.last);
    client_reads(client, "P1\r\n");
}
END_TEST

/* The bound: one line and one read behind it. */
START_TEST(test_session_waiting_stops_reading_at_its_bound)
{
    enum { LINES = 100000 };
    struct strbuf many;

    strbuf_init(&many, 8 << 20);
    for (int i = 0; i < LINES; i++) {
        strbuf_add_fmt(&many, "line %d of many\n", i);
    }
    toy.is_holding = true;
    toy.is_quiet = true;
    client_write(client, "wait\n");
    TOY_UNTIL(toy.last != NULL && toy.last->input == INPUT_WAITING);
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        ssize_t count = send(client, many.ptr + sent, many.len - sent, MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
        toy_turn();
    }
    ck_assert_uint_gt(sent, 4 * toy.policy.max_line_bytes);
    ck_assert_uint_le(framer_held_bytes(&toy.last->framer),
                      2 * toy.policy.max_line_bytes);
    ck_assert_int_eq(toy.last->watch.armed, 0);
    toy_release(toy.last);
    client_write(client, strbuf_cstr(&many) + sent);
    TOY_UNTIL(toy.lines == LINES + 1);
    strbuf_done(&many);
}
END_TEST

static struct session *resumed;

static enum line_result wait_once(void *front, struct str_view line, enum line_flaw flaw)
{
    (void)front;
    (void)flaw;
    if (resumed == NULL) {
        resumed = toy.last;
        session_resume(toy.last);
        return LINE_WAIT;
    }
    session_resume(toy.last);
    strbuf_add_fmt(&toy.trace, "second:%.*s;", SV_ARG(line));
    return LINE_DONE;
}

START_TEST(test_session_resume_inside_on_line_offers_it_again)
{
    struct front_ops own = *toy.srv->front;

    own.on_line = wait_once;
    TOY_UNTIL(toy.last != NULL);
    session_set_front(toy.last, &own, toy.last);
    session_resume(toy.last);
    client_write(client, "x\ny\n");
    TOY_UNTIL(strstr(strbuf_cstr(&toy.trace), "second:y;") != NULL);
    TOY_TRACE("open;second:x;second:y;");
    session_close(toy.last, CLOSE_QUIT, NULL);
    ck_assert_str_eq(client_reads_to_end(client), "quit\r\n");
}
END_TEST

/* ---- half close: printf 'name\nhello\n' | nc -N ---- */

START_TEST(test_session_half_close_gets_its_answers_and_ends)
{
    client_write(client, "name\nhello\ncut off");
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    ck_assert_str_eq(client_reads_to_end(client), "name\r\nhello\r\npeer_closed\r\n");
    TOY_TRACE("open;line:name;line:hello;close:peer_closed;");
    ck_assert_uint_eq(server_session_count(toy.srv), 0);
}
END_TEST

START_TEST(test_session_half_close_with_waiting_lines_takes_them_first)
{
    toy.is_holding = true;
    client_write(client, "name\nhello\n");
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    TOY_UNTIL(toy.last != NULL && toy.last->is_ended);
    for (int i = 0; i < 5; i++) {
        toy_turn();
    }
    TOY_TRACE("open;");
    toy_release(toy.last);
    ck_assert_str_eq(client_reads_to_end(client), "name\r\nhello\r\npeer_closed\r\n");
    TOY_TRACE("open;line:name;line:hello;close:peer_closed;");
}
END_TEST

START_TEST(test_session_half_close_of_many_lines_takes_them_all)
{
    struct strbuf many;

    strbuf_init(&many, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        strbuf_add(&many, SV("x\n"));
    }
    client_write(client, strbuf_cstr(&many));
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    ck_assert_uint_eq(strlen(client_reads_to_end(client)),
                      3000 + strlen("peer_closed\r\n"));
    ck_assert_uint_eq(toy.lines, 1000);
    strbuf_done(&many);
}
END_TEST

START_TEST(test_session_reset_by_peer_closes)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    TOY_UNTIL(toy.last != NULL);
    ck_assert_int_eq(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    (void)close(client);
    client = -1;
    TOY_UNTIL(server_session_count(toy.srv) == 0);
    TOY_TRACE("open;close:peer_reset;");
}
END_TEST

/* ---- closing ---- */

static const struct {
    enum toy_callback in;
    const char *send;
    const char *trace;
    const char *reads;
} closings[] = {
    {TOY_OPEN, "", "open;close:shutdown;", "shutdown\r\n"},
    {TOY_LINE, "a\nb\n", "open;line:a;close:shutdown;", "a\r\nshutdown\r\n"},
    {TOY_URGENT, "a\nP1\nP2\n", "open;urgent:P1;close:shutdown;", "P1\r\nshutdown\r\n"},
    {TOY_DEADLINE, "", "open;deadline;close:shutdown;", "shutdown\r\n"},
    {TOY_CLOSE, "quit\nb\n", "open;line:quit;close:quit;", "quit\r\n"},
};

START_TEST(test_session_close_in_any_callback_says_farewell_once)
{
    toy.closes_in = closings[_i].in;
    toy.is_holding = closings[_i].in == TOY_URGENT;
    toy.deadline_ms = closings[_i].in == TOY_DEADLINE ? 1 : 0;
    client_write(client, closings[_i].send);
    ck_assert_str_eq(client_reads_to_end(client), closings[_i].reads);
    TOY_TRACE(closings[_i].trace);
    (void)close(client);
    client = -1;
    TOY_UNTIL(server_session_count(toy.srv) == 0);
}
END_TEST

/* Input that nobody reads must not turn the end into a reset that eats the farewell. */
START_TEST(test_session_farewell_survives_unread_input)
{
    struct strbuf many;

    strbuf_init(&many, 1 << 20);
    strbuf_add(&many, SV("quit\n"));
    while (many.len < 100000) {
        strbuf_add(&many, SV("more\n"));
    }
    client_write(client, strbuf_cstr(&many));
    ck_assert_str_eq(client_reads_to_end(client), "quit\r\n");
    strbuf_done(&many);
}
END_TEST

START_TEST(test_session_that_lingers_ends_without_the_client)
{
    client_write(client, "quit\n");
    ck_assert_str_eq(client_reads_to_end(client), "quit\r\n");
    TOY_UNTIL(server_session_count(toy.srv) == 0);
}
END_TEST

START_TEST(test_session_that_nobody_reads_is_closed_after_its_time)
{
    listen_with((struct server_policy){.max_line_bytes = 512, .sendq_bytes = 64 << 20});
    client_write(client, "flood 200000\nquit\n");
    TOY_UNTIL(toy.last != NULL && toy.last->state == SESSION_CLOSING);
    TOY_UNTIL(server_session_count(toy.srv) == 0);
}
END_TEST

static void set_buffer(int fd, int name, int bytes)
{
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof bytes), 0);
}

START_TEST(test_session_slow_reader_is_closed_between_two_lines)
{
    const char *farewell = "slow_reader\r\n";

    listen_with((struct server_policy){.max_line_bytes = 512, .sendq_bytes = 1 << 16});
    set_buffer(client, SO_RCVBUF, 4096);
    TOY_UNTIL(toy.last != NULL);
    set_buffer(toy.last->watch.fd, SO_SNDBUF, 4096);
    while (metric_values[METRIC_SLOW_READERS] == 0) {
        client_write(client, "flood 100\n");
        toy_turn();
    }
    ck_assert_int_eq(toy.last->state, SESSION_CLOSING);
    ck_assert_uint_lt(sendq_bytes(&toy.last->sendq), 100 + strlen(farewell));
    const char *got = client_reads_to_end(client);
    size_t len = strlen(got);
    ck_assert_uint_gt(len, strlen(farewell));
    ck_assert_str_eq(got + len - strlen(farewell), farewell);
    ck_assert_uint_eq((len - strlen(farewell)) % 100, 0);
    ck_assert_int_eq(metric_values[METRIC_SLOW_READERS], 1);
}
END_TEST

START_TEST(test_session_burst_in_one_turn_is_no_slow_reader)
{
    listen_with((struct server_policy){.max_line_bytes = 512, .sendq_bytes = 8192});
    TOY_UNTIL(toy.last != NULL);
    set_buffer(toy.last->watch.fd, SO_SNDBUF, 200000);
    client_write(client, "flood 1000\nquit\n");
    ck_assert_uint_eq(strlen(client_reads_to_end(client)),
                      1000 * 100 + strlen("quit\r\n"));
}
END_TEST

/* ---- time ---- */

START_TEST(test_session_flood_pauses_reading_and_loses_nothing)
{
    enum { COUNT = 30 };
    struct strbuf many;

    listen_with((struct server_policy){.max_line_bytes = 512,
                                       .sendq_bytes = 1 << 20,
                                       .flood_lines = 20,
                                       .flood_burst = 5});
    strbuf_init(&many, 4096);
    for (int i = 0; i < COUNT; i++) {
        strbuf_add_fmt(&many, "%d\n", i);
    }
    client_write(client, strbuf_cstr(&many));
    TOY_UNTIL(metric_values[METRIC_THROTTLED] > 0);
    ck_assert_uint_eq(toy.lines, 5); /* all came at once: no time went by */
    ck_assert_int_eq(metric_values[METRIC_THROTTLED], 1);
    ck_assert_int_eq(toy.last->watch.armed, 0);
    TOY_UNTIL(toy.lines == COUNT);
    strbuf_clear(&many);
    for (int i = 0; i < COUNT; i++) {
        strbuf_add_fmt(&many, "%d\r\n", i);
    }
    client_reads(client, strbuf_cstr(&many));
    strbuf_done(&many);
}
END_TEST

START_TEST(test_session_deadline_is_called_once)
{
    toy.deadline_ms = 1;
    TOY_UNTIL(strstr(strbuf_cstr(&toy.trace), "deadline;") != NULL);
    client_write(client, "x\n");
    client_reads(client, "x\r\n");
    TOY_TRACE("open;deadline;line:x;");
}
END_TEST

START_TEST(test_session_without_name_is_closed_and_a_registered_one_stays)
{
    listen_with((struct server_policy){
        .max_line_bytes = 512, .sendq_bytes = 1 << 20, .register_seconds = 1});
    toy_turn();
    TOY_UNTIL(toy.last != NULL);
    toy.is_registering = true;
    int registered = client_connect();
    ck_assert_str_eq(client_reads_to_end(client), "register_timeout\r\n");
    client_write(registered, "x\n");
    client_reads(registered, "x\r\n");
    (void)close(registered);
}
END_TEST

START_TEST(test_session_knows_its_peer)
{
    TOY_UNTIL(toy.last != NULL);
    struct session *first = toy.last;
    ck_assert(sv_equal(session_host(first), SV("127.0.0.1")));
    ck_assert(sv_starts_with(session_peer(first), SV("127.0.0.1:")));
    int other = client_connect();
    TOY_UNTIL(toy.last != first);
    ck_assert_uint_ne(session_id(toy.last), session_id(first));
    (void)close(other);
}
END_TEST

START_TEST(test_close_reasons_all_have_a_label)
{
    for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
        ck_assert_uint_gt(strlen(close_reason_label((enum close_reason)i)), 0);
        ck_assert_ptr_nonnull(close_reason_text((enum close_reason)i));
    }
}
END_TEST

static TCase *new_case(const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, setup, teardown);
    return tc;
}

static TCase *input_cases(void)
{
    TCase *tc = new_case("input");

    tcase_add_test(tc, test_session_lines_are_echoed);
    tcase_add_test(tc, test_session_lines_byte_by_byte_are_echoed);
    tcase_add_test(tc, test_session_line_too_long_is_told_once_and_the_session_lives);
    tcase_add_test(tc, test_session_idle_holds_no_buffers);
    tcase_add_test(tc, test_session_more_lines_than_one_write_carries_come_in_order);
    tcase_add_test(tc, test_session_budget_lets_others_in);
    tcase_add_test(tc, test_session_waiting_lines_go_on_in_order);
    tcase_add_test(tc, test_session_urgent_lines_overtake_waiting_ones);
    tcase_add_test(tc, test_session_first_line_is_never_urgent);
    tcase_add_test(tc, test_session_waiting_stops_reading_at_its_bound);
    tcase_add_test(tc, test_session_resume_inside_on_line_offers_it_again);
    return tc;
}

static TCase *end_cases(void)
{
    TCase *tc = new_case("end");

    tcase_add_test(tc, test_session_half_close_gets_its_answers_and_ends);
    tcase_add_test(tc, test_session_half_close_with_waiting_lines_takes_them_first);
    tcase_add_test(tc, test_session_half_close_of_many_lines_takes_them_all);
    tcase_add_test(tc, test_session_reset_by_peer_closes);
    tcase_add_loop_test(tc, test_session_close_in_any_callback_says_farewell_once, 0,
                        (int)PARLEY_COUNT_OF(closings));
    tcase_add_test(tc, test_session_farewell_survives_unread_input);
    tcase_add_test(tc, test_session_that_lingers_ends_without_the_client);
    tcase_add_test(tc, test_session_that_nobody_reads_is_closed_after_its_time);
    tcase_add_test(tc, test_session_slow_reader_is_closed_between_two_lines);
    tcase_add_test(tc, test_session_burst_in_one_turn_is_no_slow_reader);
    return tc;
}

static TCase *time_cases(void)
{
    TCase *tc = new_case("time");

    tcase_add_test(tc, test_session_flood_pauses_reading_and_loses_nothing);
    tcase_add_test(tc, test_session_deadline_is_called_once);
    tcase_add_test(tc, test_session_without_name_is_closed_and_a_registered_one_stays);
    tcase_add_test(tc, test_session_knows_its_peer);
    tcase_add_test(tc, test_close_reasons_all_have_a_label);
    return tc;
}

Suite *suite(void)
{
    Suite *s = suite_create("session");

    suite_add_tcase(s, input_cases());
    suite_add_tcase(s, end_cases());
    suite_add_tcase(s, time_cases());
    return s;
}
