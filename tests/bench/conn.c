/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 64 * 1024,  /* a longer one is not chat */
    OUT_MAX_BYTES = 1024 * 1024, /* more than that waits: the server does not read */
    BUFFER_MIN_BYTES = 256,
};

static void lose(struct bench *b, struct conn *c, const char *why)
{
    if (c->state == CONN_JOINED) {
        b->joined--;
    }
    if (c->fd >= 0) {
        (void)close(c->fd);
    }
    c->fd = -1;
    c->state = CONN_GONE;
    b->gone++;
    b->faults.disconnected++;
    if (b->failure == NULL) {
        b->failure = why;
    }
}

static void reserve(struct bytes *v, size_t len)
{
    if (len > v->cap) {
        size_t cap = v->cap == 0 ? BUFFER_MIN_BYTES : v->cap;
        while (cap < len) {
            cap *= 2;
        }
        v->ptr = realloc(v->ptr, cap);
        if (v->ptr == NULL) {
            bench_die("out of memory");
        }
        v->cap = (uint32_t)cap;
    }
}

/* ---- connecting ---- */

/* A source address allows for some 28,000 connections to one port. */
static bool bind_source(const struct config *config, const struct conn *c)
{
    uint32_t host = c->number / (uint32_t)config->sources;
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1;

    from.sin_addr.s_addr = htonl(UINT32_C(0x7f000101) + host);
    return setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
           bind(c->fd, (const struct sockaddr *)&from, sizeof from) == 0;
}

void conn_open(struct bench *b, struct conn *c)
{
    const struct sockaddr_in *to = &b->config.nodes[c->node];
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data = {.ptr = c}};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || (b->config.sources > 0 && !bind_source(&b->config, c))) {
        lose(b, c, "no socket to be had");
        return;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (const struct sockaddr *)to, sizeof *to) != 0 &&
        errno != EINPROGRESS) {
        lose(b, c, "connecting failed");
        return;
    }
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        bench_die("epoll_ctl");
    }
    c->state = CONN_CONNECTING;
    c->wants_write = true;
}

static void introduce(struct bench *b, struct conn *c)
{
    char text[512];
    size_t len = b->config.speech->introduce(b, c, c->step, text, sizeof text);

    if (len == 0) {
        c->state = CONN_JOINED;
        b->joined++;
        return;
    }
    conn_say(b, c, text, len);
}

static void on_connected(struct bench *b, struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        lose(b, c, "a connection was refused");
        return;
    }
    c->state = CONN_INTRODUCING;
    introduce(b, c);
}

/* ---- writing ---- */

void conn_say(struct bench *b, struct conn *c, const char *ptr, size_t len)
{
    if (c->state == CONN_GONE) {
        return;
    }
    reserve(&c->out, c->out.len + len);
    memcpy(c->out.ptr + c->out.len, ptr, len);
    c->out.len += (uint32_t)len;
    if (!c->is_dirty) {
        c->is_dirty = true;
        b->dirty[b->dirty_count++] = c;
    }
    if (c->out.len > OUT_MAX_BYTES) {
        lose(b, c, "the server does not take what is sent");
    }
}

static void want_write(struct bench *b, struct conn *c, bool wants)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};

    if (c->wants_write == wants) {
        return;
    }
    c->wants_write = wants;
    event.events |= wants ? (uint32_t)EPOLLOUT : 0;
    if (epoll_ctl(b->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0) {
        bench_die("epoll_ctl");
    }
}

void conn_flush(struct bench *b, struct conn *c)
{
    if (c->state == CONN_GONE || c->state == CONN_CONNECTING) {
        return;
    }
    if (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            lose(b, c, "the server closed a connection");
            return;
        }
        if (n > 0) {
            c->out.len -= (uint32_t)n;
            memmove(c->out.ptr, c->out.ptr + n, c->out.len);
        }
    }
    want_write(b, c, c->out.len > 0);
}

/* ---- reading ---- */

static void take_line(struct bench *b, struct conn *c, const char *line, size_t len)
{
    const struct speech *speech = b->config.speech;

    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    if (c->state == CONN_INTRODUCING && speech->ends_step(c, line, len)) {
        c->step++;
        introduce(b, c);
    } else if (c->state == CONN_JOINED || c->state == CONN_INTRODUCING) {
        check_line(b, c, line, len);
    }
}

/* Keep the beginning of a line for the next read. */
static void keep(struct bench *b, struct conn *c, const char *rest, size_t len)
{
    if (len > LINE_MAX_BYTES) {
        lose(b, c, "the server sends a line without end");
        return;
    }
    reserve(&c->in, len);
    if (len > 0) {
        memcpy(c->in.ptr, rest, len);
    }
    c->in.len = (uint32_t)len;
}

static void take_lines(struct bench *b, struct conn *c, size_t len)
{
    const char *at = b->buffer;
    const char *end = b->buffer + len;
    const char *stop = NULL;

    while (at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        take_line(b, c, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (at < end || c->in.len > 0) {
        keep(b, c, at, (size_t)(end - at));
    }
}

static void on_readable(struct bench *b, struct conn *c)
{
    size_t kept = c->in.len;

    if (kept > 0) {
        memcpy(b->buffer, c->in.ptr, kept);
    }
    ssize_t n = recv(c->fd, b->buffer + kept, BENCH_READ_BYTES - kept, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        lose(b, c, "the server closed a connection");
        return;
    }
    b->now_ns = clock_ns();
    b->last_read_ns = b->now_ns;
    b->reads++;
    take_lines(b, c, kept + (size_t)n);
}

void conn_on_event(struct bench *b, struct conn *c, uint32_t events)
{
    if (c->state == CONN_CONNECTING && (events & (EPOLLOUT | EPOLLERR)) != 0) {
        on_connected(b, c);
    }
    if (c->state != CONN_GONE && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        on_readable(b, c);
    }
    if (c->state != CONN_GONE && (events & EPOLLOUT) != 0) {
        conn_flush(b, c);
    }
}
