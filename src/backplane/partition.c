/* SPDX-License-Identifier: MIT */
#include "backplane/partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

/* The CRC of the sixteen values of half a byte; polynomial 0x1021. */
static const uint16_t crc16_of_nibble[16] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
};

/* Go on from `crc` over `bytes`. */
static uint16_t crc16_continue(uint16_t crc, struct str_view bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.ptr[i];

        crc = (uint16_t)((unsigned)crc << 4 ^
                         crc16_of_nibble[((unsigned)crc >> 12 ^ byte >> 4) & 15]);
        crc = (uint16_t)((unsigned)crc << 4 ^
                         crc16_of_nibble[((unsigned)crc >> 12 ^ byte) & 15]);
    }
    return crc;
}

uint16_t crc16(struct str_view bytes)
{
    return crc16_continue(0, bytes);
}

/* https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags:
 * what stands between the first { and the first } behind it, unless that is nothing. */
uint16_t redis_slot_of(struct str_view key)
{
    size_t open = sv_find_char(key, '{');

    if (open < key.len) {
        struct str_view tag = sv(key.ptr + open + 1, key.len - open - 1);
        size_t close = sv_find_char(tag, '}');

        if (close > 0 && close < tag.len) {
            key = sv(tag.ptr, close);
        }
    }
    return crc16(key) % REDIS_SLOTS;
}

/* The first "<partition>.<n>" whose slot lies in the partition's range. */
static void choose_tag(uint32_t partition, uint32_t count,
                       char ret_tag[PARTITION_TAG_SIZE])
{
    uint32_t first = partition * REDIS_SLOTS / count;
    uint32_t end = (partition + 1) * REDIS_SLOTS / count;
    int head = snprintf(ret_tag, PARTITION_TAG_SIZE, "%u.", partition);
    char *number = ret_tag + head;
    uint16_t crc = crc16(sv(ret_tag, (size_t)head));
    uint32_t slot = REDIS_SLOTS;

    for (uint32_t n = 0; slot < first || slot >= end; n++) {
        size_t room = PARTITION_TAG_SIZE - (size_t)head;
        int len = snprintf(number, room, "%u", n);

        PARLEY_ASSERT(len > 0 && (size_t)len < room);
        slot = crc16_continue(crc, sv(number, (size_t)len)) % REDIS_SLOTS;
    }
}

void partitions_init(struct partitions *p, struct str_view prefix, uint32_t count)
{
    PARLEY_ASSERT(count >= 1 && count <= PARTITIONS_MAX);
    PARLEY_ASSERT(prefix.len < sizeof p->prefix);
    p->count = count;
    memcpy(p->prefix, prefix.ptr, prefix.len);
    p->prefix[prefix.len] = '\0';
    p->heads = xcalloc(count, sizeof *p->heads);
    for (uint32_t i = 0; i < count; i++) {
        char tag[PARTITION_TAG_SIZE];

        choose_tag(i, count, tag);
        (void)snprintf(p->heads[i], sizeof p->heads[i], "%s:{%s}:", p->prefix, tag);
    }
}

void partitions_done(struct partitions *p)
{
    free(p->heads);
    p->heads = NULL;
}

uint32_t partition_of(const struct partitions *p, struct str_view name)
{
    return crc16(name) % p->count;
}

void partition_add_key(const struct partitions *p, uint32_t partition, struct strbuf *out,
                       const char *kind, struct str_view name)
{
    PARLEY_ASSERT(partition < p->count);
    strbuf_add(out, sv_of(p->heads[partition]));
    strbuf_add(out, sv_of(kind));
    strbuf_add(out, name);
}
