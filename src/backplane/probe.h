/* SPDX-License-Identifier: MIT */
/*
 * probe.h - do we hear what is published?
 *
 * A subscription can starve without a sign: a connection to a demoted server, to an address
 * that somebody else took over. So this node publishes a token to a channel of its own, over
 * the command link, and waits for it on the subscription link. One that does not come back in
 * PROBE_DEAF_MS takes the subscription link down, and everything is read again.
 */
#ifndef PARLEY_BACKPLANE_PROBE_H
#define PARLEY_BACKPLANE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/str.h>

struct probe;
struct redis;

enum { PROBE_MS = 500, PROBE_DEAF_MS = 3000 };

struct probe *probe_new(struct redis *r);
void probe_free(struct probe *p);
/* The subscription link is up (again), or the node has a new id: subscribe. */
void probe_on_subscriptions_ready(struct probe *p);
void probe_on_subscriptions_down(struct probe *p);
void probe_on_subscribed(struct probe *p, struct str_view channel);
void probe_on_message(struct probe *p, struct str_view channel, struct str_view payload);
/* The command link takes requests (again): do not wait for the next tick. */
void probe_on_commands_ready(struct probe *p);
/* A token came back on this connection, lately enough. */
bool probe_is_heard(const struct probe *p);

#endif
