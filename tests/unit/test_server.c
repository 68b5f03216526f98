/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/metrics.h>
#include <parley/net/server.h>
#include <parley/net/session.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "net/session_internal.h"
#include "support/toy.h"

enum { CLIENTS = 20 };

static int clients[CLIENTS];

static void connect_all(int count)
{
    for (int i = 0; i < count; i++) {
        clients[i] = client_connect();
    }
}

static void close_all(int count)
{
    for (int i = 0; i < count; i++) {
        (void)close(clients[i]);
    }
}

/* ---- listening ---- */

static const char *const bad_addresses[] = {
    "", "5050", "127.0.0.1", "::1:5050", "256.0.0.1:0", "no such host:0", "192.0.2.1:0",
};

START_TEST(test_server_listen_on_a_bad_address_says_why)
{
    char error[SERVER_ERROR_SIZE] = "";

    toy_listen();
    ck_assert(!server_listen(toy.srv, bad_addresses[_i], 0, error));
    ck_assert_ptr_nonnull(strstr(error, bad_addresses[_i]));
    ck_assert_ptr_null(strchr(error, '\n'));
    ck_assert_uint_eq(server_port(toy.srv, 1), 0);
}
END_TEST

START_TEST(test_server_listen_on_a_port_in_use_says_why)
{
    char address[32];
    char error[SERVER_ERROR_SIZE] = "";

    toy_listen();
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", server_port(toy.srv, 0));
    ck_assert(!server_listen(toy.srv, address, 0, error));
    ck_assert_ptr_nonnull(strstr(error, "in use"));
}
END_TEST

START_TEST(test_server_listen_on_a_name_works)
{
    char error[SERVER_ERROR_SIZE] = "";
    struct addrinfo *found = NULL;

    if (getaddrinfo("localhost", NULL, NULL, &found) != 0) {
        puts("skipped: this machine does not know the name \"localhost\"");
        return;
    }
    freeaddrinfo(found);
    toy_listen();
    ck_assert_msg(server_listen(toy.srv, "localhost:0", 0, error), "%s", error);
    ck_assert_uint_ne(server_port(toy.srv, 1), 0);
    ck_assert_msg(server_listen(toy.srv, "*:0", 0, error), "%s", error);
}
END_TEST

static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0;

    (void)close(fd);
    return has;
}

START_TEST(test_server_listen_on_ipv6_serves_ipv6)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    char error[SERVER_ERROR_SIZE] = "";

    toy_listen();
    if (!has_ipv6()) {
        return;
    }
    ck_assert_msg(server_listen(toy.srv, "[::1]:0", 0, error), "%s", error);
    to.sin6_port = htons(server_port(toy.srv, 1));
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    client_write(fd, "x\n");
    client_reads(fd, "x\r\n");
    ck_assert(sv_equal(session_host(toy.last), SV("::1")));
    ck_assert(sv_starts_with(session_peer(toy.last), SV("[::1]:")));
    (void)close(fd);
}
END_TEST

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

START_TEST(test_server_accepted_sockets_have_their_options)
{
    toy_listen();
    connect_all(1);
    TOY_UNTIL(toy.last != NULL);
    ck_assert_int_eq(option(toy.last->watch.fd, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(option(toy.last->watch.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(toy.last->watch.fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    ck_assert_int_ne(fcntl(toy.last->watch.fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(toy.last->watch.fd, F_GETFD) & FD_CLOEXEC, 0);
    close_all(1);
}
END_TEST

/* ---- too many ---- */

START_TEST(test_server_past_max_sessions_tells_the_client)
{
    toy.policy.max_sessions = 2;
    toy_listen();
    connect_all(3);
    client_write(clients[2], "said something\n");
    ck_assert_str_eq(client_reads_to_end(clients[2]),
                     "! This node is full. Try again.\r\n");
    (void)close(clients[0]);
    TOY_UNTIL(server_session_count(toy.srv) == 1);
    clients[0] = client_connect();
    client_write(clients[0], "x\n");
    client_reads(clients[0], "x\r\n");
    close_all(3);
}
END_TEST

static void set_descriptor_limit(rlim_t limit)
{
    struct rlimit r;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = limit;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

START_TEST(test_server_out_of_descriptors_pauses_and_comes_back)
{
    toy_listen();
    connect_all(CLIENTS);
    int next = dup(0); /* the lowest that is free */
    (void)close(next);
    set_descriptor_limit((rlim_t)next + 3);
    TOY_UNTIL(metric_values[METRIC_ACCEPT_PAUSED] == 1);
    ck_assert_uint_eq(server_session_count(toy.srv), 3);
    client_write(clients[0], "still here\n");
    client_reads(clients[0], "still here\r\n");
    set_descriptor_limit((rlim_t)next + CLIENTS + 10);
    TOY_UNTIL(server_session_count(toy.srv) == CLIENTS);
    ck_assert_int_eq(metric_values[METRIC_ACCEPT_PAUSED], 1);
    close_all(CLIENTS);
}
END_TEST

START_TEST(test_server_spares_descriptors_for_others)
{
    set_descriptor_limit(60);
    toy_listen();
    ck_assert_uint_eq(toy.srv->descriptor_room, 30);
    toy.srv->descriptor_room = 2;
    connect_all(4);
    TOY_UNTIL(metric_values[METRIC_ACCEPT_PAUSED] == 1);
    ck_assert_uint_eq(server_session_count(toy.srv), 2);
    (void)close(clients[0]);
    clients[0] = -1;
    TOY_UNTIL(server_session_count(toy.srv) == 1);
    TOY_UNTIL(server_session_count(toy.srv) == 2);
    close_all(4);
}
END_TEST

START_TEST(test_server_raises_its_descriptor_limit)
{
    struct rlimit r;

    set_descriptor_limit(64);
    server_raise_descriptor_limit();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
    ck_assert_uint_eq(r.rlim_cur, r.rlim_max);
    toy_listen();
}
END_TEST

/* ---- the end ---- */

START_TEST(test_server_drain_closes_all_and_accepts_none)
{
    toy.is_registering = _i == 1;
    toy_listen();
    connect_all(CLIENTS);
    TOY_UNTIL(server_session_count(toy.srv) == CLIENTS);
    server_drain(toy.srv, 300);
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_str_eq(client_reads_to_end(clients[i]), "drain\r\n");
        (void)close(clients[i]);
    }
    TOY_UNTIL(server_session_count(toy.srv) == 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(toy.srv, 0))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ne(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    (void)close(fd);
}
END_TEST

START_TEST(test_server_drain_includes_those_who_register_meanwhile)
{
    toy_listen();
    connect_all(1);
    TOY_UNTIL(toy.last != NULL);
    server_drain(toy.srv, 1);
    session_set_registered(toy.last);
    ck_assert_str_eq(client_reads_to_end(clients[0]), "drain\r\n");
    close_all(1);
}
END_TEST

START_TEST(test_server_free_closes_what_is_left)
{
    char got[64] = "";

    toy_listen();
    connect_all(2);
    client_write(clients[1], "x\n");
    client_reads(clients[1], "x\r\n");
    TOY_UNTIL(server_session_count(toy.srv) == 2);
    server_free(toy.srv);
    toy.srv = NULL;
    ck_assert_ptr_nonnull(
        strstr(strbuf_cstr(&toy.trace), "close:shutdown;close:shutdown;"));
    ck_assert_int_eq(recv(clients[0], got, sizeof got - 1, 0),
                     (int)strlen("shutdown\r\n"));
    ck_assert_str_eq(got, "shutdown\r\n");
    close_all(2);
}
END_TEST

static TCase *new_case(const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, toy_setup, toy_teardown);
    return tc;
}

static TCase *listen_cases(void)
{
    TCase *tc = new_case("listen");

    tcase_add_loop_test(tc, test_server_listen_on_a_bad_address_says_why, 0,
                        (int)PARLEY_COUNT_OF(bad_addresses));
    tcase_add_test(tc, test_server_listen_on_a_port_in_use_says_why);
    tcase_add_test(tc, test_server_listen_on_a_name_works);
    tcase_add_test(tc, test_server_listen_on_ipv6_serves_ipv6);
    tcase_add_test(tc, test_server_accepted_sockets_have_their_options);
    return tc;
}

Suite *suite(void)
{
    Suite *s = suite_create("server");
    TCase *many = new_case("many");
    TCase *end = new_case("end");

    suite_add_tcase(s, listen_cases());
    tcase_add_test(many, test_server_past_max_sessions_tells_the_client);
    tcase_add_test(many, test_server_out_of_descriptors_pauses_and_comes_back);
    tcase_add_test(many, test_server_spares_descriptors_for_others);
    tcase_add_test(many, test_server_raises_its_descriptor_limit);
    suite_add_tcase(s, many);
    tcase_add_loop_test(end, test_server_drain_closes_all_and_accepts_none, 0, 2);
    tcase_add_test(end, test_server_drain_includes_those_who_register_meanwhile);
    tcase_add_test(end, test_server_free_closes_what_is_left);
    suite_add_tcase(s, end);
    return s;
}
