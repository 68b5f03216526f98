/* SPDX-License-Identifier: MIT */
/*
 * probe.h - do we hear what is published?
 *
 * One for each primary. A subscription can starve without a sign: a connection to a demoted server, to an address
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
struct redisReply;
struct shard;

enum { PROBE_MS = 500, PROBE_DEAF_MS = 2500 };

struct probe *probe_new(struct shard *s);
void probe_free(struct probe *p);
/* The subscription link is up (again): subscribe. */
void probe_on_subscriptions_ready(struct probe *p);
void probe_on_subscriptions_down(struct probe *p);
/* Partitions moved: the probe's channel is to be of one that the primary owns. */
void probe_on_map(struct probe *p);
void probe_on_new_node_id(struct probe *p);
/* What came in and is of no log. */
void probe_on_push(struct probe *p, const struct redisReply *push);
/* The command link takes requests (again): do not wait for the next tick. */
void probe_on_commands_ready(struct probe *p);
/* A token came back on this connection, lately enough. */
bool probe_is_heard(const struct probe *p);

#endif
