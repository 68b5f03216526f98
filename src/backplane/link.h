/* SPDX-License-Identifier: MIT */
/*
 * link.h - one connection to one Redis server, kept up.
 *
 * Why ours: hiredis's async layer cannot do sharded pub/sub (see docs/REDIS.md), so a link is
 * a libevent socket with hiredis's formatter on the way out and its reader on the way in.
 *
 * Model:   DOWN (waiting, jittered backoff) -> CONNECTING -> HANDSHAKE -> READY -> DOWN ...
 * The handshake is a table of steps (steps.c). Replies find their requests by a FIFO; every
 * request has a deadline, and one that passes takes the connection down, because what would
 * come after it could not be told apart. A subscription link (RESP2) takes every in-band
 * array that begins with a pub/sub word as a push; an error reply takes it down (unless it only
 * tells that a slot has moved).
 * A server that hangs is noticed by those deadlines; a subscription link, which has no
 * requests, sends PINGs when it is idle (LINK_IDLE_MS, LINK_SILENCE_MS).
 * Whatever ends a connection is told at the end of the loop turn, never from inside a call.
 * The host's addresses take turns, and its name is looked up before every connection.
 * Nothing Redis sends meets an assertion; replies are bounded (LINK_REPLY_BYTES_MAX).
 * Never frees itself in a callback (loop_bury). The process must ignore SIGPIPE.
 */
#ifndef PARLEY_BACKPLANE_LINK_H
#define PARLEY_BACKPLANE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/str.h>

#include "backplane/command.h"
#include "backplane/url.h"

struct evdns_base;
struct link;
struct redisReply;

/* A scout only looks at what is there: also a replica serves it, and no library is loaded. */
enum link_role { LINK_COMMANDS, LINK_SUBSCRIPTIONS, LINK_SCOUT };
enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_HANDSHAKE, LINK_READY };

enum {
    LINK_CONNECT_MS = 5000,
    LINK_REQUEST_MS = 3000, /* default deadline of a request */
    LINK_BACKOFF_MIN_MS = 20,
    LINK_BACKOFF_MAX_MS = 2000,      /* full jitter */
    LINK_IDLE_MS = 1000,             /* a subscription link so long silent sends a PING */
    LINK_SILENCE_MS = 3000,          /* ... and one so long silent is given up */
    LINK_REPLY_BYTES_MAX = 64 << 20, /* one reply, unread bytes included */
};

/* `reply` is borrowed, NULL when the link went down before it came. An error reply is a
 * reply. May call any function of the link. */
typedef void (*link_reply_fn)(void *arg, uint64_t ctx, const struct redisReply *reply);

struct link_ops {
    void (*on_ready)(void *arg);
    /* The link was READY or on its way there and is not now; `why` is one line for the log.
     * Requests under way were answered with NULL before. It will try again by itself. */
    void (*on_down)(void *arg, const char *why);
    /* A pub/sub message or confirmation: array of kind, channel, payload. */
    void (*on_push)(void *arg, const struct redisReply *push);
    /* The server can never serve us (too old, wrong password, bad certificate ...): `why` says
     * it in one line. Told after on_down, and not again while the text stays the same; the
     * link goes on trying, slowly. */
    void (*on_unusable)(void *arg, const char *why);
    /* The server did not accept user and password. If the config's URL has another version
     * afterwards the link tries these; else on_unusable() comes next. */
    void (*on_denied)(void *arg);
    /* Only of a subscription link in a cluster, else NULL: a command was refused because its
     * slot is elsewhere or nowhere now. Commands that were confirmed are not affected; of the
     * others nobody can tell which one it was. */
    void (*on_elsewhere)(void *arg, const char *why);
};

struct link_config {
    const struct redis_url *url; /* borrowed; for the credentials and TLS */
    const char *host;            /* borrowed */
    uint16_t port;
    enum link_role role;
    const char *client_name; /* CLIENT SETNAME, borrowed */
    /* The function library that a command link makes sure of: its name and its whole text
     * (with the shebang line), borrowed. */
    const char *library_name;
    struct str_view library_text;
};

/* `dns` is borrowed and outlives the link; NULL: only literal addresses can be reached. */
struct link *link_new(struct loop *loop, struct evdns_base *dns,
                      const struct link_config *config, const struct link_ops *ops,
                      void *arg);
void link_start(struct link *link);
/* Close for good and bury; requests under way are dropped without a call. */
void link_close(struct link *link);
enum link_state link_state(const struct link *link);
/* What INFO said in the handshake; of a link that was READY. */
bool link_is_cluster(const struct link *link);
/* Drop the connection and connect again (a probe did not come back, the topology changed).
 * Does nothing in LINK_DOWN, where a new connection is due anyway. */
void link_reset(struct link *link, const char *why);

/*
 * Send a request; `fn` is called exactly once (unless link_close() comes first), never from
 * inside. False when the link is not READY: nothing was sent and fn will not be called.
 * `timeout_ms` 0: LINK_REQUEST_MS. Requests are written together at the end of the loop turn
 * (bufferevents do that by themselves).
 */
bool link_send(struct link *link, const struct command *cmd, uint64_t timeout_ms,
               link_reply_fn fn, void *arg, uint64_t ctx);
/* The same of a command as command_write() wrote it, with the default deadline. */
bool link_send_text(struct link *link, struct str_view text, link_reply_fn fn, void *arg,
                    uint64_t ctx);
/* Answers are still to come, or to be given up. */
bool link_is_busy(const struct link *link);
/* The same without an answer to wait for: SSUBSCRIBE and SUNSUBSCRIBE on a subscription link
 * (their confirmations are pushes; an error reply takes the link down). */
bool link_send_subscription(struct link *link, const struct command *cmd);
/* Load the function library again (a reply said that it is missing); `fn` as above. */
bool link_load_library(struct link *link, link_reply_fn fn, void *arg, uint64_t ctx);
/*
 * The life of the data at the server that a command link leads to, as hashes of what INFO
 * told in the handshake. A server that was started anew or promoted begins another one.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/replication/#replication-id-explained
 */
struct server_life {
    uint64_t replid;  /* 0: not told */
    uint64_t replid2; /* of the life that it goes on with, if it was a replica */
};
struct server_life link_life(const struct link *link);
/* Milliseconds since the last byte came in. */
uint64_t link_idle_ms(const struct link *link);
/* Bytes queued to the socket. */
size_t link_queued_bytes(const struct link *link);

#endif
