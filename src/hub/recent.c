/* SPDX-License-Identifier: MIT */
#include "hub/recent.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "hub/room_internal.h"

enum { BYTES_MIN = 256 };

struct kept {
    uint32_t offset; /* in bytes */
    uint32_t len;
    struct item_place place;
};

/*
 * The items lie one behind the other in one block, so that keeping one touches no memory but
 * its own: those that were forgotten are left behind when the others move to the next block.
 * An item is a part of an entry (ENTRY_BYTES_MAX), so 32 bits are enough for all.
 * Invariant: the oldest is ring[next] once the ring is full, else ring[0]; offsets grow from
 * the oldest to the newest, which ends at `used`.
 */
struct recent {
    uint32_t next;
    uint32_t count;
    uint32_t used;
    uint32_t size;
    char *bytes; /* owned */
    struct kept ring[HUB_RECENT_MESSAGES];
};

void recent_free(struct recent *recent)
{
    if (recent != NULL) {
        free(recent->bytes);
        free(recent);
    }
}

/* The i-th, from the oldest. */
static struct kept *kept_at(struct recent *recent, uint32_t i)
{
    uint32_t oldest = recent->next + HUB_RECENT_MESSAGES - recent->count;

    return &recent->ring[(oldest + i) % HUB_RECENT_MESSAGES];
}

/* Move what is kept to a block that has room for `more` bytes, and some to spare. */
static void move(struct recent *recent, uint32_t more)
{
    uint32_t from = recent->count > 0 ? kept_at(recent, 0)->offset : recent->used;
    uint32_t live = recent->used - from;
    uint32_t size = BYTES_MIN + (live + more) / 2 * 3;
    char *bytes = xmalloc(size);

    if (live > 0) {
        memcpy(bytes, recent->bytes + from, live);
    }
    for (uint32_t i = 0; i < recent->count; i++) {
        kept_at(recent, i)->offset -= from;
    }
    free(recent->bytes);
    recent->bytes = bytes;
    recent->used = live;
    recent->size = size;
}

void recent_add(struct room *r, struct str_view item, struct item_place place)
{
    uint32_t len = (uint32_t)item.len;

    if (r->recent == NULL) {
        r->recent = xcalloc(1, sizeof *r->recent);
    }
    struct recent *recent = r->recent;

    if (recent->count == HUB_RECENT_MESSAGES) {
        recent->count--; /* the oldest goes */
    }
    if (recent->size - recent->used < len) {
        move(recent, len);
    }
    recent->ring[recent->next] = (struct kept){recent->used, len, place};
    memcpy(recent->bytes + recent->used, item.ptr, len);
    recent->used += len;
    recent->next = (recent->next + 1) % HUB_RECENT_MESSAGES;
    recent->count++;
}

void recent_show(const struct room *r, struct hub_user *u)
{
    struct recent *recent = r->recent;

    for (uint32_t i = 0; recent != NULL && i < recent->count; i++) {
        const struct kept *kept = kept_at(recent, i);

        message_show(sv(recent->bytes + kept->offset, kept->len), kept->place, r, u);
    }
}
