/* SPDX-License-Identifier: MIT */
/*
 * A session's states, its end and its output; how it begins is in session_open.c, its input in
 * session_input.c.
 */
#include "net/session_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/core/watch.h>
#include <parley/net/addr.h>
#include <parley/net/framer.h>
#include <parley/net/sendq.h>
#include <parley/net/session.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>
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

/* ---- states ---- */

#define TO(state) (1U << SESSION_##state)
static const unsigned next_states[SESSION_STATE_COUNT] = {
    [SESSION_HEADER] = TO(NEW) | TO(CLOSING),
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
    metric_add_at(METRIC_CONNECTIONS_NONE_UNREGISTERED, before, -1);
    metric_add_at(METRIC_CONNECTIONS_NONE_UNREGISTERED, s->counted_as,
                  s->state == SESSION_DEAD ? 0 : 1);
}

void session_set_state(struct session *s, enum session_state next)
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
    case SESSION_NEW:
    case SESSION_DEAD:
        deadline_clear(&s->state_deadline);
        break;
    case SESSION_HEADER:
    case SESSION_DOOMED:
    case SESSION_STATE_COUNT:
        break;
    }
}

bool session_is_live(const struct session *s)
{
    return s->state >= SESSION_NEW && s->state <= SESSION_OPEN;
}

void session_check(struct session *s)
{
    bool is_pausing = s->input == INPUT_THROTTLED || s->input == INPUT_YIELDED;

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
        (void)setsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        session_die(s);
    } else if (s->state == SESSION_LINGERING) {
        session_die(s);
    } else if (s->state == SESSION_HEADER) {
        session_close(s, CLOSE_PROXY_HEADER, NULL);
    } else if (s->state == SESSION_OPEN && !is_drained) {
        sendq_drop_unsent(&s->sendq);
        metric_add(METRIC_SLOW_READERS, 1);
        session_close(s, CLOSE_SLOW_READER, NULL);
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

void session_init_deadlines(struct session *s)
{
    deadline_init(&s->state_deadline, on_state_deadline);
    deadline_init(&s->front_deadline, on_front_deadline);
}

/* ---- the socket ---- */

void session_on_ready(struct watch *watch, unsigned what)
{
    struct session *s = PARLEY_CONTAINER_OF(watch, struct session, watch);

    if (what & WATCH_WRITE) {
        session_flush(s);
    }
    if (what & WATCH_READ) {
        session_read(s);
    }
}

void session_rearm(struct session *s)
{
    unsigned what = (session_wants_input(s) ? WATCH_READ : 0) |
                    (s->is_blocked ? WATCH_WRITE : 0);

    if (what == s->watch.armed || s->state == SESSION_DEAD) {
        return;
    }
    if (!watch_set(s->srv->loop, &s->watch, what)) {
        session_close(s, CLOSE_FULL, strerror(errno));
    }
}

/* ---- ending ---- */

void session_die(struct session *s)
{
    struct server *srv = s->srv;

    session_set_state(s, SESSION_DEAD);
    watch_stop(srv->loop, &s->watch);
    (void)close(s->watch.fd);
    list_remove(&s->link);
    list_remove(&s->dirty);
    if (s->is_admitted) {
        per_address_give_back(&srv->per_address, &s->addr);
    }
    srv->session_count--;
    metric_add(METRIC_SESSIONS, -1);
    loop_bury(srv->loop, s, session_free);
}

/* Health checks come and go without a byte: they are not worth a line. */
static void log_close(struct session *s, enum close_reason reason)
{
    static const char *const protocols[SESSION_PROTOCOL_COUNT] = {"none", "line", "irc"};
    enum log_level level = s->has_spoken || reason == CLOSE_ADDRESS ? LOG_INFO
                                                                    : LOG_DEBUG;

    if (log_is_on(level)) {
        log_event(level, reason == CLOSE_ADDRESS ? "session_refused" : "session_close",
                  "session=%" PRIu64 " peer=%.*s protocol=%s reason=%s seconds=%" PRIu32
                  " lines=%" PRIu32 "%s%s%s",
                  s->id, SV_ARG(session_peer(s)),
                  protocols[s->counted_as / COUNTED_STATES], close_reason_label(reason),
                  (uint32_t)(clock_monotonic_ms() / 1000) - s->opened_s, s->lines_in,
                  s->is_secure ? " secure=yes" : "",
                  s->endpoint != NULL ? " endpoint=" : "",
                  s->endpoint != NULL ? s->endpoint : "");
    }
}

/* It has no front-end yet that could. */
static void say_why(struct session *s, enum close_reason reason)
{
    char text[128];

    if (close_reason_text(reason)[0] != '\0') {
        (void)snprintf(text, sizeof text, "! %s\r\n", close_reason_text(reason));
        struct msg *m = msg_new(sv_of(text));
        (void)!sendq_push(&s->sendq, m, UINT64_MAX);
        msg_unref(m);
    }
}

static void begin_close(struct session *s, enum close_reason reason, const char *detail)
{
    session_set_state(s, SESSION_CLOSING);
    metric_add_at(METRIC_CLOSED_QUIT, reason, 1);
    metric_add(METRIC_REFUSED, reason == CLOSE_ADDRESS ? 1 : 0);
    log_close(s, reason);
    if (s->ops != NULL) {
        s->ops->on_close(s->front, reason,
                         detail != NULL ? detail : close_reason_text(reason));
    } else {
        say_why(s, reason);
    }
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
    } else if (session_is_live(s) || s->state == SESSION_HEADER) {
        begin_close(s, reason, detail);
    }
}

void session_tell_drain(struct session *s, uint64_t seconds)
{
    if (session_is_live(s) && s->ops->on_drain != NULL) {
        s->ops->on_drain(s->front, seconds);
    }
}

void session_drain(struct session *s, uint64_t delay_ms)
{
    if (s->state == SESSION_GREETING || s->state == SESSION_OPEN) {
        deadline_set(s->srv->loop, &s->state_deadline, delay_ms);
    }
}

/* ---- output ---- */

/* OPEN is the state without a deadline of its own, so this has the place. */
static void watch_soft_limit(struct session *s)
{
    struct server *srv = s->srv;
    uint64_t soft = srv->policy.sendq_soft_bytes;
    bool is_over = sendq_bytes(&s->sendq) > soft;

    if (is_over == list_is_linked(&s->state_deadline.link) || soft == 0 ||
        s->state != SESSION_OPEN || srv->is_draining) {
        return;
    }
    if (is_over) {
        deadline_set(srv->loop, &s->state_deadline,
                     srv->policy.sendq_soft_seconds * 1000);
    } else {
        deadline_clear(&s->state_deadline);
    }
}

/* Somebody is in the middle of a fan-out to many sessions: nothing but this one may change. */
static void doom(struct session *s)
{
    if (session_is_live(s)) {
        sendq_drop_unsent(&s->sendq);
        metric_add(METRIC_SLOW_READERS, 1);
        session_set_state(s, SESSION_DOOMED);
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
        result = sendq_write(&s->sendq, s->watch.fd, srv->iovecs, SESSION_IOVECS);
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
    } else if (s->is_blocked) {
        watch_soft_limit(s);
    } else {
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
    } else if (s->is_ended || shutdown(s->watch.fd, SHUT_WR) != 0) {
        session_die(s);
    } else {
        session_set_state(s, SESSION_LINGERING);
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
    enum sendq_result result = sendq_write(&s->sendq, s->watch.fd, srv->iovecs,
                                           SESSION_IOVECS);
    s->is_blocked = result == SENDQ_BLOCKED;
    watch_soft_limit(s);
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

bool session_is_secure(const struct session *s)
{
    return s->is_secure;
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
        session_set_state(s, SESSION_OPEN);
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
