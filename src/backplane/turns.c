/* SPDX-License-Identifier: MIT */
#include "backplane/turns.h"

#include <stdlib.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

#include "backplane/redis_internal.h"
#include "backplane/topology.h"

void turns_init(struct turns *t, const struct redis *r, unsigned max)
{
    *t = (struct turns){.redis = r, .max = max};
    t->under_way = xcalloc(r->partitions.count, sizeof(*t->under_way));
}

void turns_done(struct turns *t)
{
    free(t->under_way);
}

void turns_go_round(struct turns *t, turns_fn fn, void *arg)
{
    uint32_t count = t->redis->partitions.count;
    uint32_t idle = 0; /* in a row */

    while (idle < count) {
        idle = fn(arg, t->next) ? 0 : idle + 1;
        t->next = (t->next + 1) % count;
    }
}

bool turns_has_room(const struct turns *t, uint32_t partition)
{
    const struct topology *topology = t->redis->topology;
    const struct shard *s = topology_shard(topology, partition);
    unsigned count = 0;

    for (uint32_t i = 0; i < t->redis->partitions.count; i++) {
        count += topology_shard(topology, i) == s ? t->under_way[i] : 0;
    }
    return count < t->max;
}

void turns_begin(struct turns *t, uint32_t partition)
{
    t->under_way[partition]++;
}

void turns_end(struct turns *t, uint32_t partition)
{
    PARLEY_ASSERT(t->under_way[partition] > 0);
    t->under_way[partition]--;
}
