/* SPDX-License-Identifier: MIT */
#include "hub/recent.h"

#include <stdlib.h>

#include <parley/util/alloc.h>

#include "hub/room_internal.h"

/* The oldest is at `next` once the ring is full, else at 0. */
struct recent {
    uint32_t next;
    uint32_t count;
    struct kept_message ring[HUB_RECENT_MESSAGES];
};

void recent_free(struct recent *recent)
{
    if (recent == NULL) {
        return;
    }
    for (uint32_t i = 0; i < recent->count; i++) {
        msg_unref(recent->ring[i].item);
    }
    free(recent);
}

void recent_add(struct room *r, struct str_view item, struct item_place place)
{
    if (r->recent == NULL) {
        r->recent = xcalloc(1, sizeof *r->recent);
    }
    struct recent *recent = r->recent;
    struct kept_message *slot = &recent->ring[recent->next];

    msg_unref(slot->item);
    *slot = (struct kept_message){msg_new(item), place};
    recent->next = (recent->next + 1) % HUB_RECENT_MESSAGES;
    if (recent->count < HUB_RECENT_MESSAGES) {
        recent->count++;
    }
}

void recent_show(const struct room *r, struct hub_user *u)
{
    const struct recent *recent = r->recent;

    if (recent == NULL) {
        return;
    }
    uint32_t oldest = recent->next + HUB_RECENT_MESSAGES - recent->count;

    for (uint32_t i = 0; i < recent->count; i++) {
        message_show(&recent->ring[(oldest + i) % HUB_RECENT_MESSAGES], r, u);
    }
}
