/* SPDX-License-Identifier: MIT */
#include "toy.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/base.h>
#include <parley/util/msg.h>
#include <parley/util/rng.h>
#include <parley/util/str.h>

#include "net/session_internal.h"

enum { TRACE_BYTES = 1 << 20 };

struct toy toy;

static struct timer tick; /* so that a turn never waits for long */
static struct strbuf input;
static size_t live_before;

/* ---- the front-end; its data is the session ---- */

static void close_if(enum toy_callback where, struct session *s)
{
    if (toy.closes_in == where) {
        session_close(s, CLOSE_SHUTDOWN, "toy");
    }
}

static void *on_open(void *app, struct session *s)
{
    ck_assert_ptr_eq(app, &toy);
    toy.last = s;
    strbuf_add(&toy.trace, SV("open;"));
    if (toy.is_registering) {
        session_set_registered(s);
    }
    if (toy.deadline_ms > 0) {
        session_set_deadline(s, toy.deadline_ms);
    }
    close_if(TOY_OPEN, s);
    return s;
}

static void echo(struct session *s, struct str_view line, enum line_flaw flaw)
{
    struct strbuf out;

    strbuf_init(&out, line.len + 16);
    strbuf_add(&out, flaw == LINE_TOO_LONG ? SV("!") : SV(""));
    strbuf_add(&out, line);
    strbuf_add(&out, SV("\r\n"));
    session_send_text(s, strbuf_view(&out));
    strbuf_done(&out);
}

/* "flood N": N lines of 100 bytes at once. */
static void send_many(struct session *s, uint64_t count)
{
    char text[101];

    toy.is_sending = true;
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "%-98u\r\n", (unsigned)i);
        session_send_text(s, sv(text, 100));
    }
    toy.is_sending = false;
}

static enum line_result on_line(void *front, struct str_view line, enum line_flaw flaw)
{
    struct session *s = front;
    uint64_t count = 0;

    if (toy.is_holding) {
        return LINE_WAIT;
    }
    toy.lines++;
    if (toy.is_quiet) {
        return LINE_DONE;
    }
    strbuf_add_fmt(&toy.trace, "line:%.*s;", SV_ARG(line));
    if (sv_starts_with(line, SV("flood ")) &&
        sv_to_u64(sv(line.ptr + 6, line.len - 6), 1000000, &count)) {
        send_many(s, count);
    } else if (sv_equal(line, SV("quit"))) {
        session_close(s, CLOSE_QUIT, NULL);
    } else {
        echo(s, line, flaw);
    }
    close_if(TOY_LINE, s);
    return LINE_DONE;
}

static bool on_urgent_line(void *front, struct str_view line)
{
    struct session *s = front;

    if (!sv_starts_with(line, SV("P"))) {
        return false;
    }
    strbuf_add_fmt(&toy.trace, "urgent:%.*s;", SV_ARG(line));
    echo(s, line, LINE_FLAWLESS);
    close_if(TOY_URGENT, s);
    return true;
}

static void on_deadline(void *front)
{
    strbuf_add(&toy.trace, SV("deadline;"));
    close_if(TOY_DEADLINE, front);
}

static void on_close(void *front, enum close_reason reason, const char *detail)
{
    struct session *s = front;

    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(detail);
    ck_assert(!toy.is_sending);
    strbuf_add_fmt(&toy.trace, "close:%s;", close_reason_label(reason));
    echo(s, sv_of(close_reason_label(reason)), LINE_FLAWLESS);
    close_if(TOY_CLOSE, s);
}

static void on_drain(void *front, uint64_t seconds)
{
    ck_assert_ptr_nonnull(front);
    strbuf_add_fmt(&toy.trace, "drain:%u;", (unsigned)seconds);
}

static const struct front_ops ops = {
    .on_drain = on_drain,
    .on_open = on_open,
    .on_line = on_line,
    .on_urgent_line = on_urgent_line,
    .on_deadline = on_deadline,
    .on_close = on_close,
};

/* ---- the server ---- */

static void on_tick(void *arg)
{
    (void)arg;
}

void toy_setup(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    rng_init();
    log_setup(LOG_ERROR, LOG_TEXT, STDERR_FILENO);
    live_before = msg_live_count();
    toy = (struct toy){.policy = {.max_line_bytes = 512, .sendq_bytes = 1 << 20}};
    toy.loop = loop_new();
    timer_init(&tick, toy.loop, on_tick, NULL);
    strbuf_init(&toy.trace, TRACE_BYTES);
    strbuf_init(&input, 64 << 20);
}

void toy_teardown(void)
{
    int64_t closed = 0;

    server_free(toy.srv);
    timer_done(&tick);
    loop_free(toy.loop);
    strbuf_done(&toy.trace);
    strbuf_done(&input);
    ck_assert_uint_eq(msg_live_count(), live_before);
    ck_assert_int_eq(metric_values[METRIC_SENDQ_BYTES], 0);
    ck_assert_int_eq(metric_values[METRIC_SESSIONS], 0);
    for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
        closed += metric_values[METRIC_CLOSED_QUIT + i];
    }
    ck_assert_int_eq(metric_values[METRIC_ACCEPTED], closed);
    for (int i = METRIC_CONNECTIONS_NONE_UNREGISTERED;
         i <= METRIC_CONNECTIONS_IRC_CLOSING; i++) {
        ck_assert_int_eq(metric_values[i], 0);
    }
    ck_assert_int_eq(metric_values[METRIC_THROTTLED_SESSIONS], 0);
}

void toy_listen(void)
{
    char error[SERVER_ERROR_SIZE];

    toy.srv = server_new(toy.loop, &toy.policy, &ops, &toy);
    ck_assert(server_listen(toy.srv, "127.0.0.1:0", 0, error));
}

void toy_turn(void)
{
    timer_start(&tick, 2);
    loop_turn(toy.loop);
    LIST_FOR_EACH(&toy.srv->sessions, it) {
        session_check(LIST_ENTRY(it, struct session, link));
    }
}

void toy_release(struct session *s)
{
    toy.is_holding = false;
    session_resume(s);
}

/* ---- clients ---- */

int client_connect(void)
{
    return client_connect_to(server_port(toy.srv, 0));
}

int client_connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void client_write(int fd, const char *text)
{
    struct str_view rest = sv_of(text);

    while (rest.len > 0) {
        ssize_t count = send(fd, rest.ptr, rest.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            rest = sv(rest.ptr + count, rest.len - (size_t)count);
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            toy_turn();
        }
    }
}

/* Append what is there to `input`. False at the end of the stream. */
static bool read_some(int fd)
{
    static char buffer[65536];
    ssize_t count = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (count > 0) {
        strbuf_add(&input, sv(buffer, (size_t)count));
    } else if (count < 0) {
        ck_assert_msg(errno == EAGAIN, "reading: %s", strerror(errno));
    }
    return count != 0;
}

void client_reads(int fd, const char *expected)
{
    struct str_view want = sv_of(expected);

    strbuf_clear(&input);
    while (input.len < want.len) {
        ck_assert_msg(read_some(fd), "the stream ended after: %s", strbuf_cstr(&input));
        if (input.len < want.len) {
            toy_turn();
        }
    }
    ck_assert_str_eq(strbuf_cstr(&input), expected);
}

void client_reads_bytes(int fd, size_t count)
{
    strbuf_clear(&input);
    while (input.len < count) {
        ck_assert(read_some(fd));
        toy_turn();
    }
}

const char *client_reads_to_end(int fd)
{
    strbuf_clear(&input);
    while (read_some(fd)) {
        toy_turn();
    }
    return strbuf_cstr(&input);
}
