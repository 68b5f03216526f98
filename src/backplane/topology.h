/* SPDX-License-Identifier: MIT */
/*
 * topology.h - which link leads to a partition.
 *
 * Today one server (or one name that leads to the primary): one link for commands, one for
 * subscriptions. Everybody asks here, so that a cluster changes this file alone.
 * Owns the links and the resolver.
 */
#ifndef PARLEY_BACKPLANE_TOPOLOGY_H
#define PARLEY_BACKPLANE_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>

struct link;
struct redis;
struct topology;

/* NULL with a literal in *ret_error when the URL is not one. */
struct topology *topology_new(struct redis *r, const char *url, const char **ret_error);
/* See redis_backplane_set_url(). */
const char *topology_set_url(struct topology *t, const char *url);
void topology_free(struct topology *t);
void topology_start(struct topology *t);
struct link *topology_commands(const struct topology *t, uint32_t partition);
struct link *topology_subscriptions(const struct topology *t, uint32_t partition);
/* The command links are up. */
bool topology_is_ready(const struct topology *t);

#endif
