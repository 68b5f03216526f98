/* SPDX-License-Identifier: MIT */
/*
 * What the model and the fuzz target of the follower say alike in the place of redis.c,
 * topology.c and link.c: one server, which is always the right one.
 */
#include <stdio.h>

#include <parley/util/arena.h>
#include <parley/util/base.h>

#include "backplane/command.h"
#include "backplane/follower.h"
#include "backplane/link.h"
#include "backplane/redis_internal.h"
#include "backplane/topology.h"

struct str_view redis_key(const struct redis *r, struct arena *a, uint32_t partition,
                          const char *kind, struct str_view name)
{
    char key[128];
    int len = snprintf(key, sizeof key, "p:{%u}:%s%.*s", partition, kind, SV_ARG(name));

    (void)r;
    PARLEY_ASSERT(len >= 0);
    return arena_copy(a,
                      sv(key, (size_t)len < sizeof key ? (size_t)len : sizeof key - 1));
}

void redis_function(const struct redis *r, struct arena *a, struct command *cmd,
                    const char *function, size_t key_count)
{
    (void)r;
    (void)a;
    command_add(cmd, SV("FCALL"));
    command_add(cmd, sv_of(function));
    command_add_u64(cmd, key_count);
}

void redis_update_available(struct redis *r)
{
    (void)r;
}

void redis_on_partition_lost(struct redis *r, uint32_t partition)
{
    follower_on_partition_lost(r->follower, partition);
}

bool topology_is_single(const struct topology *t)
{
    (void)t;
    return true;
}

bool topology_is_detour(const struct topology *t)
{
    (void)t;
    return false;
}

size_t topology_sections_max(const struct topology *t)
{
    (void)t;
    return 1;
}

size_t topology_calls_max(const struct topology *t)
{
    (void)t;
    return 4;
}

void topology_on_trouble(struct topology *t)
{
    (void)t;
}

bool link_send_subscription(struct link *link, const struct command *cmd)
{
    (void)link;
    (void)cmd;
    return false;
}
