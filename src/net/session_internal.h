/* SPDX-License-Identifier: MIT */
/*
 * session_internal.h - what session.c, session_input.c and server.c share.
 *
 * The states of a session (set_state() alone changes it and starts the state's timer):
 *
 *   HEADER -> NEW ----> GREETING ----> OPEN
 *              |           |            |
 *              |           v            v
 *              +-------> DOOMED ---> CLOSING --> LINGERING --> DEAD
 *
 *   HEADER     its PROXY protocol header has to come first; it has no front-end yet. What
 *              needs none passes through
 *   NEW        inside on_open(), closing has to wait
 *   DOOMED     its send queue ran over in the middle of somebody's fan-out; closes in the
 *              flush phase of this turn
 *   CLOSING    on_close() was called; what is queued is being written
 *   LINGERING  all is written and our side is shut; what comes is read and dropped until the
 *              client shuts its side, because closing with unread input would send an RST,
 *              which may overtake the farewell
 *   DEAD       closed; on the graveyard
 *
 * Beside it, what becomes of its input (session_input.c):
 *
 *   FLOWING    lines are handed over as they come
 *   YIELDED    it had its share of this turn or was just resumed: goes on in the next
 *   THROTTLED  out of flood tokens: not read until the deadline `pause`
 *   WAITING    the front-end refused a line; session_resume() goes on
 */
#ifndef PARLEY_NET_SESSION_INTERNAL_H
#define PARLEY_NET_SESSION_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <parley/core/loop.h>
#include <parley/core/watch.h>
#include <parley/net/addr.h>
#include <parley/net/flood.h>
#include <parley/net/framer.h>
#include <parley/net/sendq.h>
#include <parley/net/server.h>
#include <parley/net/session.h>
#include <parley/util/list.h>
#include <parley/util/str.h>

#include "net/per_address.h"

enum {
    SESSION_READ_BYTES = 64 * 1024, /* at most, per wake-up */
    SESSION_LINES_PER_TURN = 128,
    SESSION_IOVECS = 1024, /* the kernel's UIO_MAXIOV */
    SESSION_CLOSING_MS = 5000,
    SESSION_LINGERING_MS = 2000,
};

enum session_state {
    SESSION_HEADER,
    SESSION_NEW,
    SESSION_GREETING,
    SESSION_OPEN,
    SESSION_DOOMED,
    SESSION_CLOSING,
    SESSION_LINGERING,
    SESSION_DEAD,
    SESSION_STATE_COUNT
};

enum input_state { INPUT_FLOWING, INPUT_YIELDED, INPUT_THROTTLED, INPUT_WAITING };

/*
 * Invariant (session_check()): while it is live, `pause` is set exactly when THROTTLED and its
 * link is on server.yielded exactly when YIELDED; `ops` is NULL from the end of on_close() on; a DEAD session is on no list.
 */
struct session {
    /* What each delivery looks at, together. */
    struct server *srv; /* borrowed; not used once DEAD */
    struct sendq sendq;
    struct list dirty;  /* in server.dirty: to be flushed at the end of the turn */
    uint8_t state;      /* enum session_state */
    uint8_t input;      /* enum input_state */
    bool is_blocked;    /* the socket took less than it was given */
    bool is_ended;      /* the client shut its side */
    struct watch watch; /* its descriptor is owned */
    struct deadline
        state_deadline; /* ends HEADER, GREETING, CLOSING, LINGERING; OPEN in a drain, or
                           while more than the soft limit waits to be sent */
    /* The rest. */
    const struct front_ops *ops; /* borrowed */
    void *front;                 /* the front-end's */
    uint64_t id;
    struct deadline front_deadline;
    struct deadline pause;
    struct list link; /* in server.sessions */
    struct framer framer;
    struct flood flood;
    struct addr addr;
    char *partial;     /* owned; HEADER: what came of it, if that was not all */
    char *endpoint;    /* owned; of AWS PrivateLink; mostly NULL */
    uint32_t opened_s; /* monotonic */
    uint32_t lines_in; /* taken; wraps around */
    uint16_t partial_bytes;
    bool has_spoken; /* a byte came: not a health check */
    bool is_secure;
    bool is_admitted;    /* it counts in server.per_address */
    bool is_told;        /* that the node drains */
    uint8_t early_close; /* wanted while NEW; CLOSE_REASON_COUNT: not */
    uint8_t counted_as;  /* which METRIC_CONNECTIONS_... */
};

struct acceptor;

struct server {
    struct loop *loop; /* borrowed */
    struct server_policy policy;
    struct flood_policy flood_policy;
    const struct front_ops *front; /* borrowed: of a new session */
    void *app;                     /* borrowed */
    struct acceptor *acceptor;     /* owned */
    struct list sessions;          /* owned; not DEAD */
    size_t session_count;
    size_t descriptor_room; /* sessions that the descriptor limit has room for */
    struct per_address per_address;
    uint64_t last_id;
    struct list dirty;
    struct loop_task flush_task;
    struct list yielded;
    struct timer yield_timer;
    struct timer tell_timer; /* of a drain */
    uint64_t drain_seconds;
    char *read_buffer;    /* owned: SESSION_READ_BYTES for whoever reads just now */
    struct iovec *iovecs; /* owned: SESSION_IOVECS for whoever writes just now */
    char host_text[ADDR_HOST_SIZE];
    char peer_text[ADDR_PEER_SIZE];
    bool is_draining;
};

/* ---- session_open.c ---- */

/* A session for a connected socket, which it owns; `flags` are the listener's. */
void session_start(struct server *srv, int fd, const struct addr *addr, unsigned flags);
/* There is something to read while it is in HEADER. */
void session_read_header(struct session *s);
/* For the graveyard. */
void session_free(void *session);

/* ---- session.c ---- */

void session_init_deadlines(struct session *s);
void session_set_state(struct session *s, enum session_state next);
/* May its front-end still be given input? */
bool session_is_live(const struct session *s);
/* For its watch. */
void session_on_ready(struct watch *watch, unsigned what);
/* Watch for what the session wants now. */
void session_rearm(struct session *s);
/* Write what is queued, as far as the socket takes it; the flush phase calls it once for each
 * dirty session. */
void session_flush(struct session *s);
/* Close the socket now; the session must be CLOSING or further. */
void session_die(struct session *s);
/* Tell the client that it will be closed within `seconds`. */
void session_tell_drain(struct session *s, uint64_t seconds);
/* Close as DRAIN after delay_ms. */
void session_drain(struct session *s, uint64_t delay_ms);
void session_check(struct session *s);

/* ---- session_input.c ---- */

void session_init_input(struct session *s);
/* Nothing more is handed over. */
void session_stop_input(struct session *s);
/* Does it want to know when there is something to read? */
bool session_wants_input(const struct session *s);
/* Hand these over as if they had just been read. */
void session_take_bytes(struct session *s, struct str_view bytes);
/* There is something to read. */
void session_read(struct session *s);
/* Hand over held lines again: it YIELDED, or was THROTTLED long enough. */
void session_continue(struct session *s);

/* ---- server.c ---- */

/* Flush it at the end of this turn. */
void server_mark_dirty(struct server *srv, struct session *s);
/* Continue it in the next turn; takes its `pause` link. */
void server_queue_yielded(struct server *srv, struct session *s);

#endif
