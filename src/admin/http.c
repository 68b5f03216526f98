/* SPDX-License-Identifier: MIT */
#include "admin/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/acceptor.h>
#include <parley/net/addr.h>
#include <parley/net/proxy_protocol.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/list.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum connection_state { READING, WRITING, LINGERING, GONE };

struct connection {
    struct http *http;   /* borrowed */
    struct list link;    /* in http.connections; GONE: in none */
    struct event *event; /* owned */
    struct deadline deadline;
    enum connection_state state;
    int fd; /* owned */
    bool may_have_header;
    size_t len;        /* bytes of `request` */
    struct strbuf out; /* what is not written yet */
    char request[HTTP_REQUEST_BYTES_MAX];
};

struct http {
    struct loop *loop; /* borrowed */
    http_handler handler;
    void *arg;                 /* borrowed */
    struct acceptor *acceptor; /* owned */
    struct list connections;   /* owned, oldest first */
    size_t count;
};

/* ---- ending ---- */

static void free_connection(void *arg)
{
    struct connection *c = arg;

    event_free(c->event);
    strbuf_done(&c->out);
    free(c);
}

static void end(struct connection *c)
{
    if (c->state == GONE) {
        return;
    }
    if (c->state == READING) {
        metric_add(METRIC_HTTP_REFUSED, c->len > 0 ? 1 : 0);
    }
    c->state = GONE;
    (void)event_del(c->event);
    (void)close(c->fd);
    deadline_clear(&c->deadline);
    list_remove(&c->link);
    c->http->count--;
    loop_bury(c->http->loop, c, free_connection);
}

static void on_deadline(void *deadline)
{
    end(PARLEY_CONTAINER_OF(deadline, struct connection, deadline));
}

/* ---- answering ---- */

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < PARLEY_COUNT_OF(texts); i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "";
}

static void on_ready(evutil_socket_t fd, short what, void *arg);

static void watch(struct connection *c, short what)
{
    (void)event_del(c->event);
    PARLEY_ASSERT(event_assign(c->event, loop_base(c->http->loop), c->fd,
                               (short)(what | EV_PERSIST), on_ready, c) == 0);
    if (event_add(c->event, NULL) != 0) {
        end(c);
    }
}

static void linger(struct connection *c)
{
    c->state = LINGERING;
    (void)shutdown(c->fd, SHUT_WR);
    watch(c, EV_READ);
}

static void write_some(struct connection *c)
{
    ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        end(c);
        return;
    }
    strbuf_drop(&c->out, n > 0 ? (size_t)n : 0);
    if (c->out.len == 0) {
        linger(c);
    }
}

static void answer(struct connection *c, const struct http_answer *a, bool with_body)
{
    metric_add(a->status == 200 || a->status == 503 || a->status == 404
                   ? METRIC_HTTP_REQUESTS
                   : METRIC_HTTP_REFUSED,
               1);
    strbuf_add_fmt(&c->out,
                   "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                   "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                   a->status, status_text(a->status), a->type, a->body->len);
    if (with_body) {
        strbuf_add(&c->out, strbuf_view(a->body));
    }
    PARLEY_ASSERT(!c->out.failed);
    c->state = WRITING;
    watch(c, EV_WRITE);
}

static void answer_error(struct connection *c, unsigned status)
{
    struct strbuf body;
    struct http_answer a = {.status = status, .type = "text/plain", .body = &body};

    strbuf_init(&body, 100);
    strbuf_add_fmt(&body, "%s\n", status_text(status));
    answer(c, &a, true);
    strbuf_done(&body);
}

static void answer_path(struct connection *c, struct str_view path, bool with_body)
{
    struct strbuf body;
    struct http_answer a = {
        .status = 200, .type = "text/plain; charset=utf-8", .body = &body};

    strbuf_init(&body, HTTP_ANSWER_BYTES_MAX);
    if (c->http->handler(c->http->arg, path, &a)) {
        answer(c, &a, with_body);
    } else {
        answer_error(c, 404);
    }
    strbuf_done(&body);
}

/* ---- asking ---- */

/* Method, target and version, with one blank between two (RFC 9112, 3). */
static void take_request_line(struct connection *c, struct str_view line)
{
    struct str_view method = sv_next_until(&line, ' ');
    struct str_view target = sv_next_until(&line, ' ');
    bool is_head = sv_equal(method, SV("HEAD"));

    if (!sv_starts_with(line, SV("HTTP/1.")) || !sv_starts_with(target, SV("/"))) {
        answer_error(c, 400);
    } else if (!is_head && !sv_equal(method, SV("GET"))) {
        answer_error(c, 405);
    } else {
        answer_path(c, sv_next_until(&target, '?'), !is_head);
    }
}

/* Where the blank line ends that ends the request; 0: it has not come. */
static size_t request_end(struct str_view text)
{
    for (size_t i = 1; i < text.len; i++) {
        bool is_blank = text.ptr[i - 1] == '\n' ||
                        (i > 1 && text.ptr[i - 1] == '\r' && text.ptr[i - 2] == '\n');

        if (text.ptr[i] == '\n' && is_blank) {
            return i + 1;
        }
    }
    return 0;
}

/* Drop a PROXY protocol header; false when there is one that is wrong or not all there. */
static bool skip_header(struct connection *c)
{
    struct proxy_header header;

    switch (proxy_parse(sv(c->request, c->len), &header)) {
    case PROXY_DONE:
        c->may_have_header = false;
        c->len -= header.bytes;
        memmove(c->request, c->request + header.bytes, c->len);
        return true;
    case PROXY_ABSENT:
        c->may_have_header = false;
        return true;
    case PROXY_MORE:
        return false;
    case PROXY_BAD:
        break;
    }
    end(c);
    return false;
}

static void take_bytes(struct connection *c)
{
    if (c->may_have_header && !skip_header(c)) {
        return;
    }
    struct str_view text = sv(c->request, c->len);

    if (request_end(text) > 0) {
        struct str_view line = sv_next_until(&text, '\n');
        bool is_crlf = line.len > 0 && line.ptr[line.len - 1] == '\r';

        take_request_line(c, sv(line.ptr, line.len - is_crlf));
    } else if (c->len == sizeof c->request) {
        answer_error(c, 431);
    }
}

static void read_some(struct connection *c)
{
    bool is_reading = c->state == READING;
    char *to = is_reading ? c->request + c->len : c->request;
    size_t room = is_reading ? sizeof c->request - c->len : sizeof c->request;
    ssize_t n = recv(c->fd, to, room, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end(c);
    } else if (n > 0 && is_reading) {
        c->len += (size_t)n;
        take_bytes(c);
    }
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;

    (void)fd;
    (void)what;
    switch (c->state) {
    case READING:
    case LINGERING:
        read_some(c);
        break;
    case WRITING:
        write_some(c);
        break;
    case GONE:
        break;
    }
}

/* ---- accepting ---- */

static void on_accept(void *arg, int fd, const struct addr *peer, unsigned flags)
{
    struct http *http = arg;
    struct connection *c = xcalloc(1, sizeof *c);

    (void)peer;
    (void)flags;
    if (http->count == HTTP_CONNECTIONS_MAX) {
        metric_add(METRIC_HTTP_REFUSED, 1);
        end(LIST_ENTRY(http->connections.next, struct connection, link));
    }
    c->http = http;
    c->fd = fd;
    c->state = READING;
    c->may_have_header = true;
    strbuf_init(&c->out, HTTP_ANSWER_BYTES_MAX + 1024);
    deadline_init(&c->deadline, on_deadline);
    deadline_set(http->loop, &c->deadline, HTTP_DEADLINE_MS);
    list_init(&c->link);
    list_append(&http->connections, &c->link);
    http->count++;
    c->event = event_new(loop_base(http->loop), fd, EV_READ, on_ready, c);
    PARLEY_ASSERT(c->event != NULL);
    watch(c, EV_READ);
}

static const struct acceptor_ops acceptor_ops = {
    .event = "admin_listening",
    .on_accept = on_accept,
};

struct http *http_new(struct loop *loop, http_handler handler, void *arg)
{
    struct http *http = xcalloc(1, sizeof *http);

    http->loop = loop;
    http->handler = handler;
    http->arg = arg;
    http->acceptor = acceptor_new(loop, &acceptor_ops, http);
    list_init(&http->connections);
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    acceptor_free(http->acceptor);
    while (!list_is_empty(&http->connections)) {
        end(LIST_ENTRY(http->connections.next, struct connection, link));
    }
    free(http);
}

bool http_listen(struct http *http, const char *address,
                 char ret_error[ACCEPTOR_ERROR_SIZE])
{
    return acceptor_listen(http->acceptor, address, 0, ret_error);
}

uint16_t http_port(const struct http *http)
{
    return acceptor_port(http->acceptor, 0);
}
