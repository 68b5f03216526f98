/* SPDX-License-Identifier: MIT */
/* What the nodes of a world have heard in the end. */
#include <check.h>
#include <inttypes.h>

#include "model_world.h"

/* Every line of every node once, each sender's in order. */
static void check_complete(const struct world_node *n, size_t log, uint64_t seed)
{
    unsigned next[WORLD_NODES] = {0};
    const struct world_log *l = &n->logs[log];

    for (size_t i = 0; i < l->count; i++) {
        const struct heard *h = &l->heard[i];

        ck_assert_msg(h->number == next[h->node] + 1,
                      "seed %" PRIu64 ": node %u heard line %u of node %u after line %u",
                      seed, n->index, h->number, h->node, next[h->node]);
        next[h->node] = h->number;
    }
    for (size_t s = 0; s < WORLD_NODES; s++) {
        ck_assert_msg(next[s] == world.nodes[s].logs[log].said,
                      "seed %" PRIu64 ": node %u heard %u of the %u lines of node %zu",
                      seed, n->index, next[s], world.nodes[s].logs[log].said, s);
    }
}

static void check_one_order(size_t log, uint64_t seed)
{
    const struct world_log *first = &world.nodes[0].logs[log];

    for (size_t i = 1; i < WORLD_NODES; i++) {
        const struct world_log *other = &world.nodes[i].logs[log];

        for (size_t k = 0; k < first->count; k++) {
            ck_assert_msg(first->heard[k].node == other->heard[k].node &&
                              first->heard[k].number == other->heard[k].number,
                          "seed %" PRIu64 ": place %zu is line %u of node %u at node 0, "
                          "line %u of node %u at node %zu",
                          seed, k, first->heard[k].number, first->heard[k].node,
                          other->heard[k].number, other->heard[k].node, i);
        }
    }
}

void world_judge(uint64_t seed, bool one_order)
{
    for (size_t log = 0; log < MODEL_LOGS; log++) {
        for (size_t i = 0; i < WORLD_NODES; i++) {
            check_complete(&world.nodes[i], log, seed);
            ck_assert_msg(!one_order || world.nodes[i].logs[log].holes == 0,
                          "seed %" PRIu64 ": node %zu was told of a hole", seed, i);
        }
        if (one_order) {
            check_one_order(log, seed);
        }
    }
}
