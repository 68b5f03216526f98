/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - the addresses of a host, without blocking.
 */
#ifndef PARLEY_BACKPLANE_RESOLVE_H
#define PARLEY_BACKPLANE_RESOLVE_H

#include <stdint.h>

#include <event2/util.h>

struct evdns_base;
struct resolve;

/* `addresses` are valid during the call; NULL on failure, then `error` says why. */
typedef void (*resolve_fn)(void *arg, const struct evutil_addrinfo *addresses,
                           const char *error);

/*
 * Find the stream addresses of `host`. Literal addresses need no `dns` (NULL: nothing else is
 * known). `fn` is called exactly once unless resolve_cancel() comes first, perhaps from
 * inside: then the result is NULL. There is no deadline beside evdns's own.
 */
struct resolve *resolve_start(struct evdns_base *dns, const char *host, uint16_t port,
                              resolve_fn fn, void *arg);
/* The addresses (at least one) take turns: that of turn 0, 1, 2 ... */
const struct evutil_addrinfo *resolve_pick(const struct evutil_addrinfo *addresses,
                                           unsigned turn);
/* NULL is allowed. */
void resolve_cancel(struct resolve *r);

#endif
