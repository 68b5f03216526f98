/* SPDX-License-Identifier: MIT */
/*
 * server.h - the listeners and all sessions of a node.
 *
 * Owns both. Borrowed: the loop, the first front-end's ops and its data.
 */
#ifndef PARLEY_NET_SERVER_H
#define PARLEY_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/net/acceptor.h>
#include <parley/net/session.h>
#include <parley/util/base.h>
#include <parley/util/cidr.h>

struct server;

struct server_policy {
    uint64_t max_sessions;    /* 0: as many as descriptors allow; past it a client is told
                                  that the node is full */
    uint64_t max_line_bytes;  /* with the line's end; 2 to 16 MiB */
    uint64_t sendq_bytes;     /* per session */
    uint64_t max_per_address; /* sessions of one IPv4 address or IPv6 /64; 0: no limit */
    const struct cidr *exempt; /* borrowed: networks without that limit */
    size_t exempt_count;
    uint64_t proxy_seconds;    /* for a PROXY protocol header */
    uint64_t sendq_soft_bytes; /* more may wait for sendq_soft_seconds; 0: no limit */
    uint64_t sendq_soft_seconds;
    uint64_t flood_lines;      /* per second, on average; 0: no limit */
    uint64_t flood_burst;      /* at once */
    uint64_t register_seconds; /* until session_set_registered(); 0: no limit */
};

/* Descriptors that clients never get: Redis, the admin port, files. */
enum { SERVER_SPARE_DESCRIPTORS = 64, SERVER_ERROR_SIZE = 200 };

struct server *server_new(struct loop *loop, const struct server_policy *policy,
                          const struct front_ops *front, void *app);
/* Closes what is left at once (SHUTDOWN), trying once to write what is queued. */
void server_free(struct server *srv);
/*
 * Listen on "HOST:PORT" or "[V6]:PORT" (port 0: any); `flags` of enum listen_flags. False
 * with a one-line reason in `ret_error` (of at least 200 bytes) otherwise.
 */
bool server_listen(struct server *srv, const char *address, unsigned flags,
                   char *ret_error) PARLEY_MUST_CHECK;
/* Port of the index-th listener (for port 0), 0 if there is none. */
uint16_t server_port(const struct server *srv, size_t index);
/* Close the listeners. */
void server_stop_accepting(struct server *srv);
/* Stop accepting, tell the sessions (unless `spread_ms` is 0) and close them with DRAIN,
 * spread over that time with jitter. */
void server_drain(struct server *srv, uint64_t spread_ms);
/* Sessions whose socket is open, those that are ending too. */
size_t server_session_count(const struct server *srv);
/* Raise the descriptor limit to the hard limit; call it before server_listen(). */
void server_raise_descriptor_limit(void);

#endif
