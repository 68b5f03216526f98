/* SPDX-License-Identifier: MIT */
#include <parley/net/server.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/addr.h>
#include <parley/net/flood.h>
#include <parley/net/session.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/list.h>
#include <parley/util/rng.h>

#include "net/session_internal.h"

enum { MAX_LINE_BYTES = 16 << 20, TOLD_PER_TURN = 1024 };
_Static_assert((int)SERVER_ERROR_SIZE == (int)ACCEPTOR_ERROR_SIZE, "one buffer for both");

/* ---- accepting ---- */

/* Tell a client that came too many; the socket's buffer is empty, so one call does. */
static void refuse(struct server *srv, int fd, const struct addr *peer,
                   enum close_reason reason)
{
    char text[128];
    char peer_text[ADDR_PEER_SIZE];
    int len = snprintf(text, sizeof text, "! %s\r\n", close_reason_text(reason));

    (void)send(fd, text, (size_t)len, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    /* Unread input would turn the end into an RST, which may overtake the text. */
    (void)recv(fd, srv->read_buffer, SESSION_READ_BYTES, 0);
    (void)close(fd);
    metric_add_at(METRIC_CLOSED_QUIT, reason, 1);
    metric_add(METRIC_REFUSED, 1);
    addr_format_peer(peer, peer_text);
    log_info("session_refused", "peer=%s reason=%s", peer_text,
             close_reason_label(reason));
}

static bool on_has_room(void *arg)
{
    const struct server *srv = arg;

    return srv->session_count < srv->descriptor_room;
}

static void on_accept(void *arg, int fd, const struct addr *peer, unsigned flags)
{
    struct server *srv = arg;
    uint64_t max = srv->policy.max_sessions;

    metric_add(METRIC_ACCEPTED, 1);
    if (max > 0 && srv->session_count >= max) {
        refuse(srv, fd, peer, CLOSE_FULL);
    } else {
        session_start(srv, fd, peer, flags);
    }
}

static const struct acceptor_ops acceptor_ops = {
    .event = "listening",
    .has_room = on_has_room,
    .on_accept = on_accept,
};

/* ---- the turn ---- */

/* One write for each dirty session. Who becomes dirty meanwhile is flushed in the next turn,
 * which does not wait. */
static void on_flush(void *arg)
{
    struct server *srv = arg;
    struct list dirty;
    struct list *link;

    list_init(&dirty);
    list_splice(&dirty, &srv->dirty);
    while ((link = list_take(&dirty)) != NULL) {
        session_flush(LIST_ENTRY(link, struct session, dirty));
    }
}

void server_mark_dirty(struct server *srv, struct session *s)
{
    if (!list_is_linked(&s->dirty)) {
        list_append(&srv->dirty, &s->dirty);
        loop_task_queue(srv->loop, LOOP_FLUSH, &srv->flush_task);
    }
}

static void on_yield_over(void *arg)
{
    struct server *srv = arg;
    struct list yielded;
    struct list *link;

    list_init(&yielded);
    list_splice(&yielded, &srv->yielded);
    while ((link = list_take(&yielded)) != NULL) {
        session_continue(LIST_ENTRY(link, struct session, pause.link));
    }
}

/* A timer of no delay fires with the next turn's events, and that turn does not wait. */
void server_queue_yielded(struct server *srv, struct session *s)
{
    if (list_is_empty(&srv->yielded)) {
        timer_start(&srv->yield_timer, 0);
    }
    list_append(&srv->yielded, &s->pause.link);
}

/* Tell some; who was told goes to the end of the list. */
static void on_tell(void *arg)
{
    struct server *srv = arg;

    for (unsigned i = 0; i < TOLD_PER_TURN && !list_is_empty(&srv->sessions); i++) {
        struct session *s = LIST_ENTRY(srv->sessions.next, struct session, link);

        if (s->is_told) {
            return;
        }
        s->is_told = true;
        list_remove(&s->link);
        list_append(&srv->sessions, &s->link);
        session_tell_drain(s, srv->drain_seconds);
    }
    if (!list_is_empty(&srv->sessions)) {
        timer_start(&srv->tell_timer, 0);
    }
}

/* ---- life ---- */

struct server *server_new(struct loop *loop, const struct server_policy *policy,
                          const struct front_ops *front, void *app)
{
    struct server *srv = xcalloc(1, sizeof *srv);

    PARLEY_ASSERT(policy->max_line_bytes >= 2 &&
                  policy->max_line_bytes <= MAX_LINE_BYTES);
    srv->loop = loop;
    srv->policy = *policy;
    flood_policy_init(&srv->flood_policy, policy->flood_lines, policy->flood_burst);
    per_address_init(&srv->per_address, policy->max_per_address, policy->exempt,
                     policy->exempt_count);
    srv->front = front;
    srv->app = app;
    srv->acceptor = acceptor_new(loop, &acceptor_ops, srv);
    list_init(&srv->sessions);
    list_init(&srv->dirty);
    loop_task_init(&srv->flush_task, on_flush, srv);
    list_init(&srv->yielded);
    timer_init(&srv->yield_timer, loop, on_yield_over, srv);
    timer_init(&srv->tell_timer, loop, on_tell, srv);
    srv->read_buffer = xmalloc(SESSION_READ_BYTES);
    srv->iovecs = xcalloc(SESSION_IOVECS, sizeof *srv->iovecs);
    return srv;
}

void server_free(struct server *srv)
{
    if (srv == NULL) {
        return;
    }
    acceptor_free(srv->acceptor);
    while (!list_is_empty(&srv->sessions)) {
        struct session *s = LIST_ENTRY(srv->sessions.next, struct session, link);
        session_close(s, CLOSE_SHUTDOWN, NULL);
        if (s->state == SESSION_DOOMED || s->state == SESSION_CLOSING) {
            session_flush(s);
        }
        if (s->state != SESSION_DEAD) {
            session_die(s);
        }
    }
    loop_task_cancel(&srv->flush_task);
    timer_done(&srv->yield_timer);
    timer_done(&srv->tell_timer);
    per_address_done(&srv->per_address);
    free(srv->read_buffer);
    free(srv->iovecs);
    free(srv);
}

static size_t descriptor_room(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return SIZE_MAX;
    }
    bool is_small = limit.rlim_cur < 2 * (rlim_t)SERVER_SPARE_DESCRIPTORS;
    return (size_t)(is_small ? limit.rlim_cur / 2
                             : limit.rlim_cur - SERVER_SPARE_DESCRIPTORS);
}

bool server_listen(struct server *srv, const char *address, unsigned flags,
                   char *ret_error)
{
    srv->descriptor_room = descriptor_room();
    return acceptor_listen(srv->acceptor, address, flags, ret_error);
}

uint16_t server_port(const struct server *srv, size_t index)
{
    return acceptor_port(srv->acceptor, index);
}

void server_stop_accepting(struct server *srv)
{
    acceptor_stop(srv->acceptor);
}

/* The i-th of n closes at a random time within the i-th of n parts of the spread. */
void server_drain(struct server *srv, uint64_t spread_ms)
{
    enum { PARTS = 1024 };
    uint64_t count = srv->session_count;
    uint64_t i = 0;

    server_stop_accepting(srv);
    srv->is_draining = true;
    LIST_FOR_EACH(&srv->sessions, it) {
        uint64_t at = i * PARTS + rng_below(PARTS);
        session_drain(LIST_ENTRY(it, struct session, link),
                      spread_ms * at / (count * PARTS));
        i++;
    }
    if (spread_ms > 0) {
        srv->drain_seconds = (spread_ms + 999) / 1000;
        on_tell(srv);
    }
}

size_t server_session_count(const struct server *srv)
{
    return srv->session_count;
}

void server_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log_warn("descriptor_limit", "limit=\"cannot be raised\"");
    }
}
