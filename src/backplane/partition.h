/* SPDX-License-Identifier: MIT */
/*
 * partition.h - which partition a name belongs to, and how its keys are spelled.
 *
 * Names (logs and nicks, case folded) are hashed to P partitions; P is a constant of the
 * deployment. All keys of a partition carry one hash tag, chosen so that the partitions
 * spread evenly over Redis Cluster's 16,384 slots: partition i lives in a slot of
 * [i*16384/P, (i+1)*16384/P).
 */
#ifndef PARLEY_BACKPLANE_PARTITION_H
#define PARLEY_BACKPLANE_PARTITION_H

#include <stdint.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    PARTITIONS_MAX = 1024,
    PARTITION_PREFIX_SIZE = 40,
    PARTITION_TAG_SIZE = 16,
    PARTITION_HEAD_SIZE = PARTITION_PREFIX_SIZE + PARTITION_TAG_SIZE + 4,
    REDIS_SLOTS = 16384,
};

/* CRC16 (XMODEM) as Redis Cluster computes it over a key. */
uint16_t crc16(struct str_view bytes);
/* Slot of a key, minding its hash tag. */
uint16_t redis_slot_of(struct str_view key);

struct partitions {
    uint32_t count;
    char prefix[PARTITION_PREFIX_SIZE]; /* key prefix, e.g. "parley" */
    char (*heads)[PARTITION_HEAD_SIZE]; /* owned; of all keys: "<prefix>:{<tag>}:" */
};

/* `count` is a power of two, 1 to PARTITIONS_MAX. */
void partitions_init(struct partitions *p, struct str_view prefix, uint32_t count);
void partitions_done(struct partitions *p);
/* crc16(name) mod count. */
uint32_t partition_of(const struct partitions *p, struct str_view name);
/* Append "<prefix>:{<tag>}:<kind>" and `name`. kind: "w", "l:", "m:" ... */
void partition_add_key(const struct partitions *p, uint32_t partition, struct strbuf *out,
                       const char *kind, struct str_view name);

#endif
