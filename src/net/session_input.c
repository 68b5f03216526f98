/* SPDX-License-Identifier: MIT */
/*
 * From the socket to the front-end's on_line(): reading, budgets, flood control, waiting lines.
 */
#include "net/session_internal.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/flood.h>
#include <parley/net/framer.h>
#include <parley/net/session.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

static uint64_t tokens_of(const struct session *s)
{
    return flood_tokens(&s->flood, &s->srv->flood_policy, loop_now_ms(s->srv->loop));
}

static void spend_token(struct session *s)
{
    flood_spend(&s->flood, &s->srv->flood_policy, loop_now_ms(s->srv->loop));
}

static void set_input(struct session *s, enum input_state next)
{
    struct server *srv = s->srv;

    deadline_clear(&s->pause); /* off server.yielded too */
    if ((s->input == INPUT_THROTTLED) != (next == INPUT_THROTTLED)) {
        metric_add(METRIC_THROTTLED_SESSIONS, next == INPUT_THROTTLED ? 1 : -1);
    }
    s->input = (uint8_t)next;
    if (next == INPUT_YIELDED) {
        server_queue_yielded(srv, s);
    } else if (next == INPUT_THROTTLED) {
        metric_add(METRIC_THROTTLED, 1);
        deadline_set(
            srv->loop, &s->pause,
            flood_wait_ms(&s->flood, &srv->flood_policy, loop_now_ms(srv->loop)));
    }
}

static void on_pause_over(void *deadline)
{
    session_continue(PARLEY_CONTAINER_OF(deadline, struct session, pause));
}

void session_init_input(struct session *s)
{
    framer_init(&s->framer, (uint32_t)s->srv->policy.max_line_bytes);
    deadline_init(&s->pause, on_pause_over);
    s->input = INPUT_FLOWING;
}

void session_allow_line(struct session *s, uint32_t max_bytes)
{
    if (max_bytes > s->framer.max_line) {
        s->framer.max_line = max_bytes;
    }
}

void session_stop_input(struct session *s)
{
    set_input(s, INPUT_FLOWING);
}

/* While YIELDED it says yes and then does not read: the next turn comes at once, and not
 * touching the watch saves two system calls. */
bool session_wants_input(const struct session *s)
{
    if (s->state == SESSION_LINGERING || s->state == SESSION_HEADER) {
        return true;
    }
    if (!session_is_live(s) || s->is_ended) {
        return false;
    }
    switch ((enum input_state)s->input) {
    case INPUT_FLOWING:
    case INPUT_YIELDED:
        return true;
    case INPUT_THROTTLED:
        return false;
    case INPUT_WAITING:
        return framer_held_bytes(&s->framer) <= s->framer.max_line;
    }
    return false;
}

/* ---- handing lines over ---- */

/* WAITING unless the line is taken: so a session_resume() from inside on_line() is not lost. */
static void offer(struct session *s, struct str_view *fresh,
                  const struct framed_line *line)
{
    set_input(s, INPUT_WAITING);
    s->lines_in++; /* before it is taken: it may be the last one */
    if (s->ops->on_line(s->front, line->text, line->flaw) == LINE_WAIT) {
        s->lines_in--;
        return;
    }
    metric_add(METRIC_LINES_IN, 1);
    if (line->flaw != LINE_FLAWLESS) {
        metric_add(METRIC_BAD_LINES, 1);
    }
    spend_token(s);
    framer_take(&s->framer, fresh, line);
    set_input(s, INPUT_FLOWING);
}

static bool is_answered(void *arg, struct str_view line)
{
    struct session *s = arg;

    if (!session_is_live(s) || tokens_of(s) == 0 ||
        !s->ops->on_urgent_line(s->front, line)) {
        return false;
    }
    metric_add(METRIC_LINES_IN, 1);
    s->lines_in++;
    spend_token(s);
    return true;
}

/* Hand over lines of what is held and of `fresh`; keep what is left. */
static void pump(struct session *s, struct str_view fresh)
{
    unsigned lines = 0;
    struct framed_line line;

    while (s->input == INPUT_FLOWING && session_is_live(s) &&
           framer_peek(&s->framer, &fresh, &line)) {
        if (lines++ == SESSION_LINES_PER_TURN) {
            set_input(s, INPUT_YIELDED);
        } else if (tokens_of(s) == 0) {
            set_input(s, INPUT_THROTTLED);
        } else {
            offer(s, &fresh, &line);
        }
    }
    if (!session_is_live(s)) {
        return;
    }
    framer_keep(&s->framer, fresh);
    if (s->input == INPUT_WAITING) {
        framer_filter(&s->framer, is_answered, s);
    }
    if (s->input == INPUT_FLOWING && s->is_ended) {
        session_close(s, CLOSE_PEER_CLOSED, NULL);
    }
    session_rearm(s);
}

void session_continue(struct session *s)
{
    if (session_is_live(s)) {
        set_input(s, INPUT_FLOWING);
        pump(s, sv(NULL, 0));
    }
}

void session_resume(struct session *s)
{
    if (session_is_live(s) && s->input == INPUT_WAITING) {
        framer_refilter(&s->framer);
        set_input(s, INPUT_YIELDED);
    }
}

/* ---- reading ---- */

/* No more than the flood tokens can pay for, so that what a flooder makes us hold stays small. */
static size_t read_size(const struct session *s)
{
    uint64_t max_line = s->framer.max_line;
    uint64_t lines = s->input == INPUT_FLOWING ? tokens_of(s) : 1;

    if (lines > SESSION_READ_BYTES / max_line) {
        return SESSION_READ_BYTES;
    }
    uint64_t size = (lines > 0 ? lines : 1) * max_line;
    return size < SESSION_READ_BYTES ? (size_t)size : SESSION_READ_BYTES;
}

/* True when it was the end, or an error. */
static bool drop_input(struct session *s)
{
    ssize_t count = recv(s->watch.fd, s->srv->read_buffer, SESSION_READ_BYTES, 0);

    return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

void session_take_bytes(struct session *s, struct str_view bytes)
{
    metric_add(METRIC_BYTES_IN, (int64_t)bytes.len);
    s->has_spoken = true;
    pump(s, bytes);
}

void session_read(struct session *s)
{
    char *buffer = s->srv->read_buffer;

    if (s->state == SESSION_LINGERING) {
        if (drop_input(s)) {
            session_die(s);
        }
        return;
    }
    if (s->state == SESSION_HEADER) {
        session_read_header(s);
        return;
    }
    if (!session_wants_input(s) || s->input == INPUT_YIELDED) {
        return;
    }
    ssize_t count = recv(s->watch.fd, buffer, read_size(s), 0);
    if (count > 0) {
        session_take_bytes(s, sv(buffer, (size_t)count));
    } else if (count == 0) {
        s->is_ended = true;
        pump(s, sv(NULL, 0));
    } else if (errno != EAGAIN && errno != EINTR) {
        session_close(s, CLOSE_PEER_RESET, strerror(errno));
    }
}
