/* SPDX-License-Identifier: MIT */
/*
 * presence.h - this node is alive.
 *
 * It compares the deployment's constants with its own, registers, and renews a lease. Whether
 * everybody else is alive too: scan.h. A lease lasts LEASE_MS; that it is gone is noticed at most
 * SCAN_MS later, twice: a dead node's people leave every room within 15 s.
 */
#ifndef PARLEY_BACKPLANE_PRESENCE_H
#define PARLEY_BACKPLANE_PRESENCE_H

#include <stdbool.h>

struct presence;
struct redis;

enum {
    PRESENCE_BEAT_MS = 2000,
    PRESENCE_LEASE_MS = 8000,
    PRESENCE_SCHEMA = 1, /* of the keys; nodes of another one are refused */
};

struct presence *presence_new(struct redis *r);
void presence_free(struct presence *p);
/* The command link is up: check the deployment's constants, then register. */
void presence_on_commands_ready(struct presence *p);
void presence_on_commands_down(struct presence *p);
/* Some of Redis's data was lost: is this node still registered? Answered by
 * redis_on_registered() or a new id. */
void presence_check(struct presence *p);
void presence_on_new_node_id(struct presence *p);
/* Give the lease up; callbacks->on_retired() follows, also when Redis is away. */
void presence_retire(struct presence *p);

#endif
