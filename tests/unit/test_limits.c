/* SPDX-License-Identifier: MIT */
/*
 * How sessions begin and what they may have: PROXY protocol headers, sessions of one address,
 * what may wait to be sent, being told of a drain.
 */
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

#include "net/session_internal.h"
#include "support/toy.h"

#define V1 "PROXY TCP4 192.0.2.7 10.0.0.1 12345 5050\r\n"

static void listen_proxy(unsigned flags)
{
    char error[SERVER_ERROR_SIZE];

    toy.policy.proxy_seconds = 1;
    toy_listen();
    ck_assert(server_listen(toy.srv, "127.0.0.1:0", flags, error));
}

/* To the second listener. */
static int connect_proxy(void)
{
    return client_connect_to(server_port(toy.srv, 1));
}

/* ---- headers ---- */

START_TEST(test_session_with_a_header_has_its_address)
{
    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    client_write(fd, V1 "hello\n");
    client_reads(fd, "hello\r\n");
    ck_assert(sv_equal(session_peer(toy.last), SV("192.0.2.7:12345")));
    ck_assert(!session_is_secure(toy.last));
    TOY_TRACE("open;line:hello;");
    (void)close(fd);
}
END_TEST

START_TEST(test_session_header_may_come_byte_by_byte)
{
    char byte[2] = "";

    listen_proxy(LISTEN_PROXY | LISTEN_SECURE);
    int fd = connect_proxy();

    for (const char *c = V1; *c != '\0'; c++) {
        TOY_TRACE("");
        byte[0] = *c;
        client_write(fd, byte);
        toy_turn();
        toy_turn();
    }
    client_write(fd, "hello\n");
    client_reads(fd, "hello\r\n");
    ck_assert(sv_equal(session_host(toy.last), SV("192.0.2.7")));
    ck_assert(session_is_secure(toy.last));
    (void)close(fd);
}
END_TEST

START_TEST(test_session_of_the_load_balancer_has_the_sockets_address)
{
    static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0x\n";

    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    ck_assert_int_eq(send(fd, local, sizeof local - 1, 0), sizeof local - 1);
    client_reads(fd, "x\r\n");
    ck_assert(sv_equal(session_host(toy.last), SV("127.0.0.1")));
    (void)close(fd);
}
END_TEST

START_TEST(test_session_without_a_header_is_closed_where_one_is_required)
{
    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    client_write(fd, "hello\n");
    ck_assert_str_eq(client_reads_to_end(fd), "");
    ck_assert_int_eq(metric_values[METRIC_CLOSED_PROXY_HEADER], 1);
    TOY_TRACE("");
    (void)close(fd);
}
END_TEST

START_TEST(test_session_has_a_deadline_for_its_header)
{
    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    client_write(fd, "PROXY TC");
    ck_assert_str_eq(client_reads_to_end(fd), "");
    ck_assert_int_eq(metric_values[METRIC_CLOSED_PROXY_HEADER], 1);
    (void)close(fd);
}
END_TEST

START_TEST(test_session_may_go_before_its_header)
{
    listen_proxy(LISTEN_PROXY);
    int silent = connect_proxy();
    int half = connect_proxy();

    client_write(half, "PROXY TC");
    toy_turn();
    (void)close(silent);
    (void)close(half);
    TOY_UNTIL(metric_values[METRIC_CLOSED_PEER_CLOSED] == 2);
    TOY_TRACE("");
}
END_TEST

START_TEST(test_session_header_where_none_is_expected_is_a_line)
{
    toy_listen();
    int fd = client_connect();

    client_write(fd, V1);
    client_reads(fd, V1);
    ck_assert(sv_equal(session_host(toy.last), SV("127.0.0.1")));
    (void)close(fd);
}
END_TEST

START_TEST(test_session_without_a_header_yet_does_not_outlive_its_server)
{
    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    TOY_UNTIL(server_session_count(toy.srv) == 1);
    server_free(toy.srv);
    toy.srv = NULL;
    TOY_TRACE("");
    (void)close(fd);
}
END_TEST

/* ---- sessions of one address ---- */

#define TOO_MANY "! Too many connections from your address.\r\n"

START_TEST(test_server_bounds_the_sessions_of_an_address)
{
    toy.policy.max_per_address = 2;
    toy_listen();
    int first = client_connect();
    int second = client_connect();
    int third = client_connect();

    ck_assert_str_eq(client_reads_to_end(third), TOO_MANY);
    ck_assert_int_eq(metric_values[METRIC_CLOSED_ADDRESS], 1);
    ck_assert_int_eq(metric_values[METRIC_REFUSED], 1);
    (void)close(third);
    (void)close(first);
    TOY_UNTIL(server_session_count(toy.srv) == 1);
    third = client_connect();
    client_write(third, "x\n");
    client_reads(third, "x\r\n");
    (void)close(third);
    (void)close(second);
}
END_TEST

START_TEST(test_server_bounds_the_addresses_that_headers_tell)
{
    toy.policy.max_per_address = 1;
    listen_proxy(LISTEN_PROXY);
    int first = connect_proxy();
    int second = connect_proxy();
    int other = connect_proxy();

    client_write(first, V1 "x\n");
    client_reads(first, "x\r\n");
    client_write(second, V1 "x\n");
    ck_assert_str_eq(client_reads_to_end(second), TOO_MANY);
    client_write(other, "PROXY TCP4 192.0.2.8 10.0.0.1 1 2\r\nx\n");
    client_reads(other, "x\r\n");
    (void)close(first);
    (void)close(second);
    (void)close(other);
}
END_TEST

/* ---- what may wait ---- */

static int slow_client(void)
{
    int fd = client_connect();
    int bytes = 4096;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    return fd;
}

START_TEST(test_session_over_the_soft_limit_is_closed_after_a_while)
{
    toy.policy.sendq_bytes = 64 << 20;
    toy.policy.sendq_soft_bytes = 65536;
    toy.policy.sendq_soft_seconds = 1;
    toy.is_registering = true;
    toy_listen();
    int fd = slow_client();

    client_write(fd, "flood 100000\n");
    TOY_UNTIL(metric_values[METRIC_CLOSED_SLOW_READER] == 1);
    ck_assert_int_eq(metric_values[METRIC_SLOW_READERS], 1);
    (void)close(fd);
}
END_TEST

START_TEST(test_session_below_the_soft_limit_in_time_stays)
{
    toy.policy.sendq_bytes = 64 << 20;
    toy.policy.sendq_soft_bytes = 65536;
    toy.policy.sendq_soft_seconds = 3600;
    toy.is_registering = true;
    toy_listen();
    int fd = client_connect();

    client_write(fd, "flood 200000\n");
    TOY_UNTIL(toy.last != NULL && list_is_linked(&toy.last->state_deadline.link));
    client_reads_bytes(fd, 200000 * 100);
    TOY_UNTIL(!list_is_linked(&toy.last->state_deadline.link));
    ck_assert_int_eq(metric_values[METRIC_SLOW_READERS], 0);
    (void)close(fd);
}
END_TEST

/* ---- a drain ---- */

START_TEST(test_server_drain_tells_everybody_once)
{
    enum { CLIENTS = 5 };
    int fds[CLIENTS];

    toy_listen();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_connect();
    }
    TOY_UNTIL(server_session_count(toy.srv) == CLIENTS);
    strbuf_clear(&toy.trace);
    server_drain(toy.srv, 3600 * 1000);
    for (int i = 0; i < 10; i++) {
        toy_turn();
    }
    TOY_TRACE("drain:3600;drain:3600;drain:3600;drain:3600;drain:3600;");
    for (int i = 0; i < CLIENTS; i++) {
        (void)close(fds[i]);
    }
}
END_TEST

START_TEST(test_server_drain_at_once_tells_nobody)
{
    toy_listen();
    int fd = client_connect();

    TOY_UNTIL(server_session_count(toy.srv) == 1);
    server_drain(toy.srv, 0);
    (void)client_reads_to_end(fd);
    TOY_TRACE("open;close:drain;");
    (void)close(fd);
}
END_TEST

START_TEST(test_server_drain_closes_who_was_about_to_begin)
{
    listen_proxy(LISTEN_PROXY);
    int fd = connect_proxy();

    TOY_UNTIL(server_session_count(toy.srv) == 1);
    server_drain(toy.srv, 3600 * 1000);
    client_write(fd, V1);
    ck_assert_str_eq(client_reads_to_end(fd), "drain\r\n");
    (void)close(fd);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("limits");
    TCase *all = tcase_create("limits");

    tcase_add_checked_fixture(all, toy_setup, toy_teardown);
    tcase_add_test(all, test_session_with_a_header_has_its_address);
    tcase_add_test(all, test_session_header_may_come_byte_by_byte);
    tcase_add_test(all, test_session_of_the_load_balancer_has_the_sockets_address);
    tcase_add_test(all, test_session_without_a_header_is_closed_where_one_is_required);
    tcase_add_test(all, test_session_has_a_deadline_for_its_header);
    tcase_add_test(all, test_session_may_go_before_its_header);
    tcase_add_test(all, test_session_header_where_none_is_expected_is_a_line);
    tcase_add_test(all, test_session_without_a_header_yet_does_not_outlive_its_server);
    tcase_add_test(all, test_server_bounds_the_sessions_of_an_address);
    tcase_add_test(all, test_server_bounds_the_addresses_that_headers_tell);
    tcase_add_test(all, test_session_over_the_soft_limit_is_closed_after_a_while);
    tcase_add_test(all, test_session_below_the_soft_limit_in_time_stays);
    tcase_add_test(all, test_server_drain_tells_everybody_once);
    tcase_add_test(all, test_server_drain_at_once_tells_nobody);
    tcase_add_test(all, test_server_drain_closes_who_was_about_to_begin);
    suite_add_tcase(s, all);
    return s;
}
