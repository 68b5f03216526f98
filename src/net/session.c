/* SPDX-License-Identifier: MIT */
/*
 * A session's life and its output; its input is in session_input.c.
 */
#include "net/session_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/addr.h>
#include <parley/net/framer.h>
#include <parley/net/sendq.h>
#include <parley/net/session.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/list.h>
#include <parley/util/msg.h>
#include <parley/util/str.h>

static const struct {
    const char *label;
    const char *text;
} reasons[CLOSE_REASON_COUNT] = {
#define X(name, label, text) [CLOSE_##name] = {label, text},
    CLOSE_REASONS(X)
#undef X
};

const char *close_reason_label(enum close_reason reason)
{
    return reasons[reason].label;
}

const char *close_reason_text(enum close_reason reason)
{
    return reasons[reason].text;
}

/* Behind the session in the same memory. */
static struct event *session_event(struct session *s)
{
    return (struct event *)(void *)s->event_memory;
}

/* ---- states ---- */

#define TO(state) (1U << SESSION_##state)
static const unsigned next_states[SESSION_STATE_COUNT] = {
    [SESSION_NEW] = TO(GREETING) | TO(OPEN) | TO(DOOMED),
    [SESSION_GREETING] = TO(OPEN) | TO(DOOMED) | TO(CLOSING),
    [SESSION_OPEN] = TO(DOOMED) | TO(CLOSING),
    [SESSION_DOOMED] = TO(CLOSING),
    [SESSION_CLOSING] = TO(LINGERING) | TO(DEAD),
    [SESSION_LINGERING] = TO(DEAD),
};
#undef TO

enum { COUNTED_STATES = 3 };
_Static_assert(METRIC_CONNECTIONS_IRC_CLOSING - METRIC_CONNECTIONS_NONE_UNREGISTERED ==
                   COUNTED_STATES * SESSION_PROTOCOL_COUNT - 1,
               "a row for each protocol and state");
#define X(name, label, text)                                                             \
    _Static_assert(METRIC_CLOSED_##name - METRIC_CLOSED_QUIT == CLOSE_##name, label);
CLOSE_REASONS(X)
#undef X

/* Move the session to the row of METRIC_CONNECTIONS_... where it belongs now. */
static void recount(struct session *s)
{
    unsigned state = s->state <= SESSION_GREETING ? 0 : s->state == SESSION_OPEN ? 1 : 2;
    unsigned before = s->counted_as;

    if (s->ops != NULL) {
        s->counted_as = (uint8_t)(s->ops->protocol * COUNTED_STATES + state);
    } else {
        s->counted_as = (uint8_t)(before / COUNTED_STATES * COUNTED_STATES + state);
    }
    metric_add(METRIC_CONNECTIONS_NONE_UNREGISTERED + before, -1);
    metric_add(METRIC_CONNECTIONS_NONE_UNREGISTERED + s->counted_as,
               s->state == SESSION_DEAD ? 0 : 1);
}

static void set_state(struct session *s, enum session_state next)
{
    struct server *srv = s->srv;

    PARLEY_ASSERT((next_states[s->state] & (1U << next)) != 0);
    s->state = (uint8_t)next;
    recount(s);
    switch (next) {
    case SESSION_GREETING:
        if (srv->policy.register_seconds > 0) {
            deadline_set(srv->loop, &s->state_deadline,
                         srv->policy.register_seconds * 1000);
        }
        break;
    case SESSION_OPEN:
        if (!srv->is_draining) {
            deadline_clear(&s->state_deadline);
        }
        break;
    case SESSION_CLOSING:
        deadline_clear(&s->front_deadline);
        session_stop_input(s);
        deadline_set(srv->loop, &s->state_deadline, SESSION_CLOSING_MS);
        break;
    case SESSION_LINGERING:
        deadline_set(srv->loop, &s->state_deadline, SESSION_LINGERING_MS);
        break;
    case SESSION_DEAD:
        deadline_clear(&s->state_deadline);
        break;
    case SESSION_NEW:
    case SESSION_DOOMED:
    case SESSION_STATE_COUNT:
        break;
    }
}

bool session_is_live(const struct session *s)
{
    return s->state <= SESSION_OPEN;
}

void session_check(struct session *s)
{
    bool is_pausing = s->input == INPUT_THROTTLED || s->input == INPUT_YIELDED;

    PARLEY_ASSERT(s->armed == 0 ||
                  event_pending(session_event(s), s->armed, NULL) == s->armed);
    PARLEY_ASSERT(!session_is_live(s) || list_is_linked(&s->pause.link) == is_pausing);
    PARLEY_ASSERT(s->state < SESSION_LINGERING || s->ops == NULL);
    PARLEY_ASSERT(list_is_linked(&s->link) == (s->state != SESSION_DEAD));
    framer_check(&s->framer);
    sendq_check(&s->sendq);
}

static void on_state_deadline(void *deadline)
{
    struct session *s = PARLEY_CONTAINER_OF(deadline, struct session, state_deadline);
    bool is_drained = s->srv->is_draining;

    if (s->state == SESSION_CLOSING) {
        /* It does not read what is queued: the kernel may drop that too. */
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        session_die(s);
    } else if (s->state == SESSION_LINGERING) {
        session_die(s);
    } else {
        session_close(s, is_drained ? CLOSE_DRAIN : CLOSE_REGISTER_TIMEOUT, NULL);
    }
}

static void on_front_deadline(void *deadline)
{
    struct session *s = PARLEY_CONTAINER_OF(deadline, struct session, front_deadline);

    if (session_is_live(s)) {
        s->ops->on_deadline(s->front);
    }
}

/* ---- the event ---- */

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct session *s = arg;

    (void)fd;
    if (what & EV_WRITE) {
        session_flush(s);
    }
    if (what & EV_READ) {
        session_read(s);
    }
}

void session_rearm(struct session *s)
{
    short what = (short)((session_wants_input(s) ? EV_READ : 0) |
                         (s->is_blocked ? EV_WRITE : 0));

    if (s->state == SESSION_DEAD || what == s->armed) {
        return;
    }
    if (s->armed != 0) {
        (void)event_del(session_event(s));
    }
    s->armed = what;
    if (what == 0) {
        return;
    }
    PARLEY_ASSERT(event_assign(session_event(s), loop_base(s->srv->loop), s->fd,
                               (short)(what | EV_PERSIST), on_ready, s) == 0);
    if (event_add(session_event(s), NULL) != 0) {
        /* The kernel's limit of watched descriptors (epoll(7), max_user_watches). */
        s->armed = 0;
        session_close(s, CLOSE_FULL, strerror(errno));
    }
}

/* ---- beginning ---- */

static void run_on_open(struct session *s)
{
    void *front = s->ops->on_open(s->srv->app, s);

    s->front = front;
    if (s->state == SESSION_NEW) {
        set_state(s, SESSION_GREETING);
    }
    if (s->early_close != CLOSE_REASON_COUNT) {
        session_close(s, (enum close_reason)s->early_close, NULL);
    }
}

void session_start(struct server *srv, int fd, const struct addr *addr)
{
    struct session *s = xcalloc(1, sizeof *s + event_get_struct_event_size());

    s->srv = srv;
    s->ops = srv->front;
    s->id = ++srv->last_id;
    s->addr = *addr;
    s->fd = fd;
    s->state = SESSION_NEW;
    s->early_close = CLOSE_REASON_COUNT;
    deadline_init(&s->state_deadline, on_state_deadline);
    deadline_init(&s->front_deadline, on_front_deadline);
    list_init(&s->dirty);
    sendq_init(&s->sendq);
    session_init_input(s);
    list_init(&s->link);
    list_append(&srv->sessions, &s->link);
    srv->session_count++;
    metric_add(METRIC_SESSIONS, 1);
    metric_add(METRIC_CONNECTIONS_NONE_UNREGISTERED, 1);
    log_debug("session_open", "session=%" PRIu64 " peer=%.*s", s->id,
              SV_ARG(session_peer(s)));
    run_on_open(s);
    session_rearm(s);
}

/* ---- ending ---- */

static void free_session(void *arg)
{
    struct session *s = arg;

    sendq_done(&s->sendq);
    framer_done(&s->framer);
    free(s);
}

void session_die(struct session *s)
{
    struct server *srv = s->srv;

    set_state(s, SESSION_DEAD);
    if (s->armed != 0) {
        (void)event_del(session_event(s));
        s->armed = 0;
    }
    (void)close(s->fd);
    list_remove(&s->link);
    list_remove(&s->dirty);
    srv->session_count--;
    metric_add(METRIC_SESSIONS, -1);
    loop_bury(srv->loop, s, free_session);
}

static void begin_close(struct session *s, enum close_reason reason, const char *detail)
{
    set_state(s, SESSION_CLOSING);
    metric_add(METRIC_CLOSED_QUIT + reason, 1);
    log_debug("session_close", "session=%" PRIu64 " reason=%s", s->id,
              close_reason_label(reason));
    s->ops->on_close(s->front, reason,
                     detail != NULL ? detail : close_reason_text(reason));
    s->ops = NULL;
    s->front = NULL;
    if (reason == CLOSE_PEER_RESET) {
        session_die(s);
    } else {
        server_mark_dirty(s->srv, s);
    }
}

void session_close(struct session *s, enum close_reason reason, const char *detail)
{
    if (s->state == SESSION_NEW) {
        s->early_close = (uint8_t)reason; /* run_on_open() does it */
    } else if (session_is_live(s)) {
        begin_close(s, reason, detail);
    }
}

void session_drain(struct session *s, uint64_t delay_ms)
{
    if (s->state == SESSION_GREETING || s->state == SESSION_OPEN) {
        deadline_set(s->srv->loop, &s->state_deadline, delay_ms);
    }
}

/* ---- output ---- */

/* Somebody is in the middle of a fan-out to many sessions: nothing but this one may change. */
static void doom(struct session *s)
{
    if (session_is_live(s)) {
        sendq_drop_unsent(&s->sendq);
        metric_add(METRIC_SLOW_READERS, 1);
        set_state(s, SESSION_DOOMED);
        server_mark_dirty(s->srv, s);
    }
}

/* The queue is full because much came in this one turn, not because the client is slow: give
 * the socket what it takes. What became of it (blocked, broken) the flush phase finds out. */
static bool push_after_write(struct session *s, struct msg *m)
{
    struct server *srv = s->srv;
    enum sendq_result result;

    if (s->is_blocked) {
        return false;
    }
    do {
        result = sendq_write(&s->sendq, s->fd, srv->iovecs, SESSION_IOVECS);
    } while (result == SENDQ_MORE);
    return sendq_push(&s->sendq, m, srv->policy.sendq_bytes);
}

void session_send(struct session *s, struct msg *m)
{
    if (s->ops == NULL || s->state == SESSION_DOOMED) {
        return;
    }
    if (!sendq_push(&s->sendq, m, s->srv->policy.sendq_bytes) &&
        !push_after_write(s, m)) {
        doom(s);
    } else if (!s->is_blocked) {
        server_mark_dirty(s->srv, s);
    }
}

void session_send_text(struct session *s, struct str_view bytes)
{
    struct msg *m = msg_new(bytes);

    session_send(s, m);
    msg_unref(m);
}

static void on_all_written(struct session *s)
{
    if (s->state != SESSION_CLOSING) {
        session_rearm(s);
    } else if (s->is_ended || shutdown(s->fd, SHUT_WR) != 0) {
        session_die(s);
    } else {
        set_state(s, SESSION_LINGERING);
        session_rearm(s);
    }
}

static void on_broken(struct session *s, int error)
{
    session_close(s, CLOSE_PEER_RESET, strerror(error));
    if (s->state != SESSION_DEAD) {
        session_die(s);
    }
}

void session_flush(struct session *s)
{
    struct server *srv = s->srv;

    if (s->state == SESSION_DOOMED) {
        begin_close(s, CLOSE_SLOW_READER, NULL);
    }
    if (s->state == SESSION_CLOSING) {
        framer_done(
            &s->framer); /* not before: on_line() may have closed it and still look */
    }
    enum sendq_result result = sendq_write(&s->sendq, s->fd, srv->iovecs, SESSION_IOVECS);
    s->is_blocked = result == SENDQ_BLOCKED;
    switch (result) {
    case SENDQ_EMPTY:
        on_all_written(s);
        break;
    case SENDQ_MORE:
        session_rearm(s);
        server_mark_dirty(srv, s);
        break;
    case SENDQ_BLOCKED:
        session_rearm(s);
        break;
    case SENDQ_BROKEN:
        on_broken(s, errno);
        break;
    }
}

/* ---- what a front-end asks and sets ---- */

uint64_t session_id(const struct session *s)
{
    return s->id;
}

struct str_view session_host(const struct session *s)
{
    addr_format_host(&s->addr, s->srv->host_text);
    return sv_of(s->srv->host_text);
}

struct str_view session_peer(const struct session *s)
{
    addr_format_peer(&s->addr, s->srv->peer_text);
    return sv_of(s->srv->peer_text);
}

void session_set_front(struct session *s, const struct front_ops *ops, void *front)
{
    if (s->ops != NULL) {
        s->ops = ops;
        s->front = front;
        recount(s);
    }
}

void session_set_registered(struct session *s)
{
    if (s->state < SESSION_OPEN) {
        set_state(s, SESSION_OPEN);
    }
}

void session_set_deadline(struct session *s, uint64_t delay_ms)
{
    if (s->state >= SESSION_CLOSING || delay_ms == 0) {
        deadline_clear(&s->front_deadline);
    } else {
        deadline_set(s->srv->loop, &s->front_deadline, delay_ms);
    }
}
