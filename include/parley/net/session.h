/* SPDX-License-Identifier: MIT */
/*
 * session.h - one TCP client: its socket, its states, its timers, how it ends.
 *
 * Model: bytes come into one buffer that all sessions share; the framer cuts lines; the
 * session spends a flood token for each and hands it to its front-end. Lines out are msgs in
 * a send queue that is written once at the end of the loop turn.
 *
 *   (HEADER ->) GREETING -> OPEN -> CLOSING (write what is queued, bounded) -> dead (on the graveyard)
 *
 * (session_internal.h has the states in full.)
 *
 * The front-end is whatever implements struct front_ops (proto/); the session owns neither
 * its data nor its meaning. A front-end that cannot take a line yet answers LINE_WAIT: the
 * line stays with the session, reading goes on only up to a bound, and session_resume()
 * offers it again. When a client ends its side, the lines that it sent are all offered before
 * the session closes as PEER_CLOSED; bytes behind its last line end are dropped.
 * Owns the socket and its event; never freed inside its own callback (see loop.h).
 */
#ifndef PARLEY_NET_SESSION_H
#define PARLEY_NET_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/net/framer.h>
#include <parley/util/msg.h>
#include <parley/util/str.h>

struct session;

/* What a session speaks, for the metrics. */
enum session_protocol {
    SESSION_SPEAKS_NOTHING_YET,
    SESSION_SPEAKS_LINE,
    SESSION_SPEAKS_IRC,
    SESSION_PROTOCOL_COUNT,
};

/* Why a session ends: feeds the log line, the metric and what the client is told. */
#define CLOSE_REASONS(X)                                                                 \
    X(QUIT, "quit", "")                                                                  \
    X(PEER_CLOSED, "peer_closed", "")                                                    \
    X(PEER_RESET, "peer_reset", "")                                                      \
    X(SLOW_READER, "slow_reader", "You read too slowly: your send queue is full.")       \
    X(REGISTER_TIMEOUT, "register_timeout", "You gave no name in time.")                 \
    X(PING_TIMEOUT, "ping_timeout", "You did not answer in time.")                       \
    X(FULL, "full", "This node is full. Try again.")                                     \
    X(ADDRESS, "address", "Too many connections from your address.")                     \
    X(PROXY_HEADER, "proxy_header", "")                                                  \
    X(DRAIN, "drain", "This node is being replaced. Connect again.")                     \
    X(SHUTDOWN, "shutdown", "This node is stopping.")                                    \
    X(KILLED, "killed", "")

enum close_reason {
#define X(name, label, text) CLOSE_##name,
    CLOSE_REASONS(X)
#undef X
        CLOSE_REASON_COUNT
};

const char *close_reason_label(enum close_reason reason);
const char *close_reason_text(enum close_reason reason);

enum line_result {
    LINE_DONE, /* taken */
    LINE_WAIT, /* not taken: offer it again after session_resume() */
};

struct front_ops {
    enum session_protocol protocol;
    /* A connection came; returns the front-end's data for it (NULL is allowed). */
    void *(*on_open)(void *app, struct session *s);
    /* A line without its end. The view is valid during the call. */
    enum line_result (*on_line)(void *front, struct str_view line, enum line_flaw flaw);
    /* A line came while an earlier one waits: true if it was answered at once (PING). It is
     * asked once for each line; those not answered stay in their order. */
    bool (*on_urgent_line)(void *front, struct str_view line);
    /* The deadline set by session_set_deadline() passed. */
    void (*on_deadline)(void *front);
    /* The node begins to drain: this session is closed within `seconds`. Say so. NULL: it
     * does not. */
    void (*on_drain)(void *front, uint64_t seconds);
    /* The session ends: queue a farewell with session_send() if you like, and forget the
     * session: no call follows. `reason` and `detail` (never NULL: without one it is the
     * reason's text) say why. */
    void (*on_close)(void *front, enum close_reason reason, const char *detail);
};

/* Number of the session, unique within the process. */
uint64_t session_id(const struct session *s);
/* The client's address without port, e.g. "192.0.2.7" or "2001:db8::1". Formatted on demand
 * into memory of the server: valid until the next call for any session. */
struct str_view session_host(const struct session *s);
/* Address and port, for logs; as short-lived, but beside session_host(). */
struct str_view session_peer(const struct session *s);

/* Was what comes here encrypted up to the load balancer? */
bool session_is_secure(const struct session *s);

/* Hand the session over to another front-end (after sniffing the protocol). */
void session_set_front(struct session *s, const struct front_ops *ops, void *front);
/* Lines may have so many bytes with their end, if that is more than they may have now. */
void session_allow_line(struct session *s, uint32_t max_bytes);
/* The person is known now: the registration deadline ends. */
void session_set_registered(struct session *s);

/* Queue a line (with its CR LF); takes a reference of its own. Written at the end of the
 * turn, or sooner when the queue is full. When the socket is full too, what waits is dropped
 * and the session is closed as SLOW_READER; on_close() comes later in the turn, never from
 * inside this call. */
void session_send(struct session *s, struct msg *m);
/* The same for bytes of one session's own. */
void session_send_text(struct session *s, struct str_view bytes);

/* Offer the waiting line again, and go on reading. Safe to call at any time, also from
 * inside on_line(): the work happens later in the turn or in the next. */
void session_resume(struct session *s);
/* Call on_deadline() once after delay_ms (coarse); 0 clears it. One deadline: a later call
 * replaces an earlier one. */
void session_set_deadline(struct session *s, uint64_t delay_ms);
/* Begin to end: on_close() is called from here (from inside on_open(): right after it), what
 * is queued is still written (for at most a few seconds), then the socket is closed. `detail`
 * may be NULL and is only used during the call. A second call does nothing. */
void session_close(struct session *s, enum close_reason reason, const char *detail);

#endif
