/* SPDX-License-Identifier: MIT */
/*
 * link.c - the life of one connection: states, requests, failure.
 *
 * Everything that ends a connection goes through fail(): the socket goes at once, the state
 * is DOWN from then on, and on_settle() tells the owner at the end of the turn. So no function
 * of the link calls the owner from inside, and every request hears of it exactly once.
 *
 * A callback may reset or close the link, so what loops over replies compares the number of
 * the connection (`connection`) after each call and stops when it has changed.
 */
#include "backplane/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/rng.h>

#include "backplane/backoff.h"
#include "backplane/pending.h"
#include "backplane/push.h"
#include "backplane/replies.h"
#include "backplane/reply.h"
#include "backplane/resolve.h"
#include "backplane/socket_options.h"
#include "backplane/steps.h"
#include "backplane/tls.h"

enum {
    BACKOFF_SLOW_MS = 3000,   /* for a server that can never serve us */
    OVERRUN_MAX_MS = 16000,   /* for one that again and again did not answer in time */
    BACKOFF_RESET_MS = 5000,  /* READY for that long: it was not a flash */
    PULSE_MS = 500,           /* how often a subscription link looks at its silence */
    PING_TIMEOUT_MS = 30000,  /* silence decides, not this */
    READ_BYTES_MAX = 1 << 18, /* in one turn */
    LIBEVENT_READ_BYTES = 4096,
    WHY_SIZE = HANDSHAKE_WHY_SIZE,
};

/*
 * Invariants: CONNECTING has either `resolve` or, once the name is resolved, `bev` and
 * `replies`; HANDSHAKE and READY have those two; DOWN has none. `pending` is empty while
 * CONNECTING; in DOWN it holds what on_settle() has yet to answer.
 */
struct link {
    struct loop *loop;         /* borrowed */
    struct evdns_base *dns;    /* borrowed; may be NULL */
    struct link_config config; /* its pointers are borrowed */
    struct link_ops ops;
    void *arg; /* borrowed */

    enum link_state state;
    bool closed;
    bool was_ready;      /* ever */
    bool unusable;       /* the failure that on_settle() is to tell is one of those */
    bool denied;         /* ... and it was the password */
    uint32_t connection; /* changes whenever the socket goes */
    unsigned address;    /* which of the host's addresses is tried: moves on a failure */
    struct resolve *resolve;
    struct tls *tls;         /* owned; NULL without TLS */
    struct bufferevent *bev; /* owned */
    struct replies replies;
    struct handshake handshake;
    struct command command; /* of the link's own requests */
    struct pending pending;

    struct timer timer; /* DOWN: when to connect; CONNECTING: when to give up */
    struct timer pulse; /* READY, subscriptions */
    struct loop_task settle;
    struct backoff backoff;
    uint64_t ready_at_ms;
    uint64_t last_byte_ms;
    char why[WHY_SIZE];  /* of the last failure */
    char told[WHY_SIZE]; /* the last text of on_unusable since the link was READY */
};

/* ---- states ---- */

/* Scouts come and go; the metrics tell of links that are there to stay. */
static void count(const struct link *link, enum metric metric, int64_t change)
{
    if (link->config.role != LINK_SCOUT) {
        metric_add_at(metric, link->config.role, change);
    }
}

static void leave_ready(struct link *link)
{
    count(link, METRIC_LINK_UP, -1);
    timer_stop(&link->pulse);
    if (loop_now_ms(link->loop) - link->ready_at_ms >= BACKOFF_RESET_MS) {
        backoff_reset(&link->backoff);
    }
}

static void enter_ready(struct link *link)
{
    count(link, METRIC_LINK_UP, 1);
    if (link->was_ready) {
        count(link, METRIC_RECONNECTS, 1);
    }
    link->was_ready = true;
    link->told[0] = '\0';
    link->ready_at_ms = loop_now_ms(link->loop);
    if (link->config.role == LINK_SUBSCRIPTIONS) {
        timer_start(&link->pulse, PULSE_MS);
    }
}

static void set_state(struct link *link, enum link_state state)
{
    if (link->state == LINK_READY) {
        leave_ready(link);
    }
    link->state = state;
    timer_stop(&link->timer);
    if (state == LINK_CONNECTING) {
        timer_start(&link->timer, LINK_CONNECT_MS);
    } else if (state == LINK_READY) {
        enter_ready(link);
    }
}

enum link_state link_state(const struct link *link)
{
    return link->state;
}

/* ---- failure ---- */

/* Let go of everything that belongs to one connection, but not of its requests. */
static void detach(struct link *link)
{
    link->connection++;
    resolve_cancel(link->resolve);
    link->resolve = NULL;
    if (link->bev != NULL) {
        bufferevent_free(link->bev);
        link->bev = NULL;
    }
    replies_end(&link->replies);
}

static void PARLEY_PRINTF(2, 3) fail(struct link *link, const char *fmt, ...)
{
    va_list args;

    if (link->state == LINK_DOWN) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(link->why, sizeof link->why, fmt, args);
    va_end(args);
    if (link->state != LINK_READY) {
        link->address++;
    }
    detach(link);
    set_state(link, LINK_DOWN);
    loop_task_queue(link->loop, LOOP_PUBLISH, &link->settle);
}

static void tell_unusable(struct link *link)
{
    if (link->unusable && strcmp(link->told, link->why) != 0) {
        memcpy(link->told, link->why, sizeof link->told);
        link->ops.on_unusable(link->arg, link->told);
    }
}

/* Tell the owner that the connection is gone, then wait before the next. */
static void on_settle(void *arg)
{
    struct link *link = arg;
    uint32_t wait_ms = backoff_next_ms(&link->backoff);

    if (link->denied) {
        link->ops.on_denied(link->arg);
        link->unusable = link->handshake.url_version == link->config.url->version;
    }
    if (link->unusable) {
        wait_ms = BACKOFF_SLOW_MS / 2 + rng_below(BACKOFF_SLOW_MS / 2);
    }
    pending_lose_all(&link->pending);
    if (!link->closed) {
        link->ops.on_down(link->arg, link->why);
    }
    if (!link->closed) {
        tell_unusable(link);
    }
    if (!link->closed) {
        timer_start(&link->timer, wait_ms);
    }
    link->unusable = false;
    link->denied = false;
}

bool link_is_cluster(const struct link *link)
{
    return link->handshake.is_cluster;
}

void link_reset(struct link *link, const char *why)
{
    fail(link, "%s", why);
}

/* ---- requests ---- */

static void on_late(void *arg)
{
    struct link *link = arg;

    if (link->state == LINK_READY) {
        backoff_strike(&link->backoff, OVERRUN_MAX_MS);
    }
    fail(link, "no answer in time");
}

static void send_request(struct link *link, const struct command *cmd,
                         uint64_t timeout_ms, struct answer_to to)
{
    pending_add(&link->pending, timeout_ms == 0 ? LINK_REQUEST_MS : timeout_ms, to);
    command_append(cmd, bufferevent_get_output(link->bev));
}

bool link_send(struct link *link, const struct command *cmd, uint64_t timeout_ms,
               link_reply_fn fn, void *arg, uint64_t ctx)
{
    if (link->state != LINK_READY) {
        return false;
    }
    send_request(link, cmd, timeout_ms,
                 (struct answer_to){.fn = fn, .arg = arg, .ctx = ctx});
    return true;
}

bool link_send_text(struct link *link, struct str_view text, link_reply_fn fn, void *arg,
                    uint64_t ctx)
{
    if (link->state != LINK_READY) {
        return false;
    }
    pending_add(&link->pending, LINK_REQUEST_MS,
                (struct answer_to){.fn = fn, .arg = arg, .ctx = ctx});
    (void)bufferevent_write(link->bev, text.ptr, text.len);
    return true;
}

bool link_is_busy(const struct link *link)
{
    return !pending_is_empty(&link->pending);
}

bool link_send_subscription(struct link *link, const struct command *cmd)
{
    if (link->state != LINK_READY) {
        return false;
    }
    command_append(cmd, bufferevent_get_output(link->bev));
    return true;
}

bool link_load_library(struct link *link, link_reply_fn fn, void *arg, uint64_t ctx)
{
    command_clear(&link->command);
    handshake_load_command(&link->config, &link->command);
    return link_send(link, &link->command, 0, fn, arg, ctx);
}

struct server_life link_life(const struct link *link)
{
    return (struct server_life){link->handshake.replid, link->handshake.replid2};
}

uint64_t link_idle_ms(const struct link *link)
{
    return loop_now_ms(link->loop) - link->last_byte_ms;
}

size_t link_queued_bytes(const struct link *link)
{
    return link->bev == NULL ? 0 : evbuffer_get_length(bufferevent_get_output(link->bev));
}

/* ---- the pulse of a subscription link: nothing else would notice a dead server ---- */

static void on_pong(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)arg;
    (void)ctx;
    (void)reply;
}

/* A PING after LINK_IDLE_MS of silence; if that stays the last word the link is dead. (Silence
 * alone is not enough: a process that was stopped for a while has read nothing either.) */
static void on_pulse(void *arg)
{
    struct link *link = arg;
    uint64_t idle_ms = link_idle_ms(link);

    timer_start(&link->pulse, PULSE_MS);
    if (idle_ms < LINK_IDLE_MS) {
        return;
    }
    if (pending_is_empty(&link->pending)) {
        command_clear(&link->command);
        command_add(&link->command, SV("PING"));
        send_request(link, &link->command, PING_TIMEOUT_MS,
                     (struct answer_to){.fn = on_pong});
    } else if (idle_ms >= LINK_SILENCE_MS) {
        fail(link, "the server is silent");
    }
}

/* ---- replies ---- */

/* The oldest request gets its answer. */
static void answer_oldest(struct link *link, const struct redisReply *reply)
{
    struct str_view text = reply_text(reply);

    if (!pending_answer(&link->pending, reply)) {
        metric_add(METRIC_MALFORMED, 1);
        fail(link, "an answer that nobody asked for: %.*s", reply_shown(text),
             text.len == 0 ? "" : text.ptr);
    }
}

/* Of which of the commands on their way, nobody can tell. */
static void on_subscription_refused(struct link *link, const struct redisReply *reply)
{
    struct str_view text = reply_text(reply);
    char why[WHY_SIZE];

    (void)snprintf(why, sizeof why, "refused: %.*s", reply_shown(text),
                   text.len == 0 ? "" : text.ptr);
    if (link->ops.on_elsewhere != NULL && reply_kind(reply) == REPLY_ELSEWHERE) {
        link->ops.on_elsewhere(link->arg, why);
    } else {
        fail(link, "%s", why);
    }
}

static void take_subscription_reply(struct link *link, const struct redisReply *reply)
{
    enum push_kind kind = push_kind_of(reply);

    if (kind == PUSH_SOUND) {
        link->ops.on_push(link->arg, reply);
    } else if (kind == PUSH_MALFORMED) {
        metric_add(METRIC_MALFORMED, 1);
    } else if (reply->type == REDIS_REPLY_ERROR && link->state == LINK_READY) {
        on_subscription_refused(link, reply);
    } else {
        answer_oldest(link, reply);
    }
}

/* False when the connection has ended meanwhile. */
static bool take_replies(struct link *link)
{
    uint32_t connection = link->connection;
    const redisReply *reply;

    while (link->connection == connection) {
        switch (replies_next(&link->replies, &reply)) {
        case REPLIES_OK:
            if (link->config.role == LINK_SUBSCRIPTIONS) {
                take_subscription_reply(link, reply);
            } else {
                answer_oldest(link, reply);
            }
            break;
        case REPLIES_NONE:
            return true;
        case REPLIES_BAD:
            metric_add(METRIC_MALFORMED, 1);
            fail(link, "malformed answer: %s", replies_error(&link->replies));
            return false;
        }
    }
    return false;
}

/* Without TLS libevent reads 4 KB at a time, and asks each time whether there are any: if it got
 * as many, there may be more. An end or an error it finds out. */
static void on_readable(struct bufferevent *bev, void *arg)
{
    struct link *link = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    bool is_more = link->tls == NULL && evbuffer_get_length(in) >= LIBEVENT_READ_BYTES;
    size_t left = READ_BYTES_MAX;

    link->last_byte_ms = loop_now_ms(link->loop);
    replies_feed(&link->replies, in);
    while (take_replies(link) && is_more && left > 0) {
        is_more = replies_read(&link->replies, bufferevent_getfd(bev));
        left -= REPLIES_READ_BYTES;
    }
}

/* ---- handshake ---- */

static void on_step_reply(void *arg, uint64_t ctx, const struct redisReply *reply);

static void next_step(struct link *link)
{
    if (handshake_next(&link->handshake, &link->command)) {
        send_request(link, &link->command, 0,
                     (struct answer_to){.fn = on_step_reply, .arg = link});
        return;
    }
    set_state(link, LINK_READY);
    link->ops.on_ready(link->arg);
}

static void on_step_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct link *link = arg;
    char why[HANDSHAKE_WHY_SIZE];

    (void)ctx;
    if (reply == NULL) {
        return; /* on_settle() goes on from here */
    }
    enum step_verdict verdict = handshake_check(&link->handshake, reply, why);

    if (verdict == STEP_DONE) {
        next_step(link);
        return;
    }
    link->denied = verdict == STEP_DENIED;
    link->unusable = verdict == STEP_UNUSABLE || link->denied;
    fail(link, "%s", why);
}

/* ---- connecting ---- */

static void on_connected(struct link *link)
{
    socket_options_set(bufferevent_getfd(link->bev));
    link->last_byte_ms = loop_now_ms(link->loop);
    set_state(link, LINK_HANDSHAKE);
    handshake_init(&link->handshake, &link->config);
    next_step(link);
}

/* An error of the socket or of TLS. */
static void on_broken(struct link *link)
{
    int error = EVUTIL_SOCKET_ERROR();
    char text[WHY_SIZE / 2] = "";

    if (link->tls != NULL) {
        link->unusable = tls_explain(link->bev, text, sizeof text);
    }
    if (text[0] == '\0') {
        (void)snprintf(text, sizeof text, "%s",
                       error == 0 ? "broken" : evutil_socket_error_to_string(error));
    }
    fail(link, "%s", text);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct link *link = arg;

    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        on_connected(link);
    } else if ((what & BEV_EVENT_EOF) != 0) {
        fail(link, "the server closed the connection");
    } else if ((what & BEV_EVENT_ERROR) != 0) {
        on_broken(link);
    }
}

static void on_resolved(void *arg, const struct evutil_addrinfo *addresses,
                        const char *error)
{
    struct link *link = arg;
    struct event_base *base = loop_base(link->loop);

    link->resolve = NULL;
    if (addresses == NULL) {
        fail(link, "host %s: %s", link->config.host, error);
        return;
    }
    const struct evutil_addrinfo *address = resolve_pick(addresses, link->address);

    link->bev = link->tls != NULL
                    ? tls_open(link->tls, base)
                    : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (link->bev == NULL) {
        fail(link, "out of memory");
        return;
    }
    replies_begin(&link->replies);
    bufferevent_setcb(link->bev, on_readable, NULL, on_event, link);
    (void)bufferevent_set_max_single_read(link->bev, READ_BYTES_MAX);
    (void)bufferevent_enable(link->bev, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(link->bev, address->ai_addr,
                                   (int)address->ai_addrlen) != 0) {
        /* on_event() may have been told already; then this says nothing. */
        fail(link, "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    }
}

static void connect_now(struct link *link)
{
    const struct link_config *config = &link->config;
    uint32_t connection = link->connection;

    set_state(link, LINK_CONNECTING);
    struct resolve *resolve = resolve_start(link->dns, config->host, config->port,
                                            on_resolved, link);

    if (resolve != NULL) {
        PARLEY_ASSERT(link->connection == connection);
        link->resolve = resolve;
    }
}

static void on_timer(void *arg)
{
    struct link *link = arg;

    if (link->state == LINK_DOWN) {
        connect_now(link);
    } else {
        fail(link, "no connection within %d ms", LINK_CONNECT_MS);
    }
}

/* ---- life ---- */

struct link *link_new(struct loop *loop, struct evdns_base *dns,
                      const struct link_config *config, const struct link_ops *ops,
                      void *arg)
{
    struct link *link = xcalloc(1, sizeof *link);

    link->loop = loop;
    link->dns = dns;
    link->config = *config;
    link->ops = *ops;
    link->arg = arg;
    link->state = LINK_DOWN;
    link->tls = config->url->tls ? tls_new(config->host) : NULL;
    pending_init(&link->pending, loop, on_late, link);
    command_init(&link->command);
    replies_init(&link->replies, LINK_REPLY_BYTES_MAX);
    timer_init(&link->timer, loop, on_timer, link);
    timer_init(&link->pulse, loop, on_pulse, link);
    loop_task_init(&link->settle, on_settle, link);
    backoff_init(&link->backoff, LINK_BACKOFF_MIN_MS, LINK_BACKOFF_MAX_MS);
    return link;
}

void link_start(struct link *link)
{
    PARLEY_ASSERT(link->state == LINK_DOWN && !link->closed);
    connect_now(link);
}

static void free_link(void *object)
{
    struct link *link = object;

    command_done(&link->command);
    replies_done(&link->replies);
    tls_free(link->tls);
    free(link);
}

void link_close(struct link *link)
{
    if (link->closed) {
        return;
    }
    link->closed = true;
    detach(link);
    set_state(link, LINK_DOWN);
    loop_task_cancel(&link->settle);
    timer_done(&link->timer);
    pending_done(&link->pending);
    timer_done(&link->pulse);
    loop_bury(link->loop, link, free_link);
}
