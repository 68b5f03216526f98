/* SPDX-License-Identifier: MIT */
/*
 * How a session begins: its address, from a PROXY protocol header if it is to have one, its
 * share of what an address may have, and its front-end.
 */
#include "net/session_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/acceptor.h>
#include <parley/net/addr.h>
#include <parley/net/proxy_protocol.h>
#include <parley/net/session.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/list.h>
#include <parley/util/str.h>

_Static_assert((int)PROXY_HEADER_BYTES_MAX <= (int)SESSION_READ_BYTES, "it fits");

/* ---- the front-end ---- */

static void run_on_open(struct session *s)
{
    s->ops = s->srv->front;
    session_set_state(s, SESSION_NEW);
    void *front = s->ops->on_open(s->srv->app, s);

    s->front = front;
    if (s->state == SESSION_NEW) {
        session_set_state(s, SESSION_GREETING);
    }
    if (s->early_close != CLOSE_REASON_COUNT) {
        session_close(s, (enum close_reason)s->early_close, NULL);
    }
}

/* The address is known. */
static void enter(struct session *s)
{
    log_debug("session_open", "session=%" PRIu64 " peer=%.*s", s->id,
              SV_ARG(session_peer(s)));
    if (!per_address_take(&s->srv->per_address, &s->addr)) {
        session_close(s, CLOSE_ADDRESS, NULL);
        return;
    }
    s->is_admitted = true;
    run_on_open(s);
    if (s->srv->is_draining) {
        session_close(s, CLOSE_DRAIN, NULL);
    }
}

/* ---- the header ---- */

static void forget_partial(struct session *s)
{
    free(s->partial);
    s->partial = NULL;
    s->partial_bytes = 0;
}

static void keep_partial(struct session *s, struct str_view bytes)
{
    char *copy = xstrndup(bytes.ptr, bytes.len);

    forget_partial(s);
    s->partial = copy;
    s->partial_bytes = (uint16_t)bytes.len;
}

static void take_header(struct session *s, const struct proxy_header *header)
{
    if (header->has_address) {
        s->addr = header->client;
    }
    s->is_secure = s->is_secure || header->is_secure;
    if (header->endpoint[0] != '\0') {
        s->endpoint = xstrdup(header->endpoint);
    }
}

/* All that came so far; it lies in the shared buffer. */
static void take_start(struct session *s, struct str_view bytes)
{
    struct proxy_header header;

    switch (proxy_parse(bytes, &header)) {
    case PROXY_MORE:
        s->has_spoken = true;
        keep_partial(s, bytes);
        break;
    case PROXY_DONE:
        s->has_spoken = false; /* the header is not the client's */
        forget_partial(s);
        take_header(s, &header);
        enter(s);
        if (session_is_live(s) && bytes.len > header.bytes) {
            session_take_bytes(s, sv(bytes.ptr + header.bytes, bytes.len - header.bytes));
        }
        session_rearm(s);
        break;
    case PROXY_ABSENT:
    case PROXY_BAD:
        s->has_spoken = true;
        session_close(s, CLOSE_PROXY_HEADER, NULL);
        break;
    }
}

void session_read_header(struct session *s)
{
    char *buffer = s->srv->read_buffer;
    size_t held = s->partial_bytes;

    if (held > 0) {
        memcpy(buffer, s->partial, held);
    }
    /* A header that is not complete is shorter than what is asked for here. */
    ssize_t count = recv(s->watch.fd, buffer + held, PROXY_HEADER_BYTES_MAX - held, 0);
    if (count > 0) {
        take_start(s, sv(buffer, held + (size_t)count));
    } else if (count == 0) {
        s->is_ended = true;
        session_close(s, CLOSE_PEER_CLOSED, NULL);
    } else if (errno != EAGAIN && errno != EINTR) {
        session_close(s, CLOSE_PEER_RESET, strerror(errno));
    }
}

/* ---- beginning ---- */

void session_start(struct server *srv, int fd, const struct addr *addr, unsigned flags)
{
    struct session *s = xcalloc(1, sizeof *s);

    s->srv = srv;
    s->id = ++srv->last_id;
    s->addr = *addr;
    watch_init(&s->watch, fd, session_on_ready);
    s->state = SESSION_HEADER;
    s->early_close = CLOSE_REASON_COUNT;
    s->is_secure = (flags & LISTEN_SECURE) != 0;
    s->opened_s = (uint32_t)(clock_monotonic_ms() / 1000);
    session_init_deadlines(s);
    list_init(&s->dirty);
    sendq_init(&s->sendq);
    session_init_input(s);
    list_init(&s->link);
    list_append(&srv->sessions, &s->link);
    srv->session_count++;
    metric_add(METRIC_SESSIONS, 1);
    metric_add(METRIC_CONNECTIONS_NONE_UNREGISTERED, 1);
    if ((flags & LISTEN_PROXY) != 0) {
        deadline_set(srv->loop, &s->state_deadline, srv->policy.proxy_seconds * 1000);
    } else {
        enter(s);
    }
    session_rearm(s);
}

void session_free(void *arg)
{
    struct session *s = arg;

    sendq_done(&s->sendq);
    framer_done(&s->framer);
    free(s->partial);
    free(s->endpoint);
    free(s);
}
