/* SPDX-License-Identifier: MIT */
#include "hub/released.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "hub/hub_internal.h"

/* An id ends with a number and a name does not begin with a digit: no two have one text. */
static struct str_view released_key(const void *object)
{
    const struct released *r = object;

    return sv(r->text, r->len);
}

void released_init(struct hub *hub)
{
    list_init(&hub->released);
    map_init(&hub->released_texts, released_key);
}

static void drop(struct hub *hub, struct released *r)
{
    list_remove(&r->link);
    (void)map_remove(&hub->released_texts, released_key(r));
    free(r);
}

static struct released *oldest(struct hub *hub)
{
    return list_is_empty(&hub->released)
               ? NULL
               : LIST_ENTRY(hub->released.next, struct released, link);
}

void released_done(struct hub *hub)
{
    for (struct released *r; (r = oldest(hub)) != NULL;) {
        drop(hub, r);
    }
    map_done(&hub->released_texts);
}

static void drop_old(struct hub *hub)
{
    for (struct released *r; (r = oldest(hub)) != NULL;) {
        if (r->ms > hub_in_doubt_since(hub) &&
            map_count(&hub->released_texts) <= RELEASED_MAX) {
            return;
        }
        drop(hub, r);
    }
}

void released_forget(struct hub *hub, struct str_view name, struct str_view owner)
{
    char text[MEMBER_ID_MAX + ROOM_BYTES_MAX];

    PARLEY_ASSERT(owner.len <= MEMBER_ID_MAX && name.len <= ROOM_BYTES_MAX);
    memcpy(text, owner.ptr, owner.len);
    memcpy(text + owner.len, name.ptr, name.len);
    struct released *r = map_find(&hub->released_texts, sv(text, owner.len + name.len));

    if (r != NULL) {
        drop(hub, r);
    }
}

static void release(struct hub *hub, const struct released *r)
{
    backplane_ops(hub->bp)->release(hub->bp,
                                    sv(r->text + r->owner_len, r->len - r->owner_len),
                                    sv(r->text, r->owner_len));
}

void released_add(struct hub *hub, struct str_view name, struct str_view owner)
{
    struct released *r = xcalloc(1, sizeof *r + owner.len + name.len);

    released_forget(hub, name, owner);
    r->ms = loop_now_ms(hub->loop);
    r->owner_len = owner.len;
    r->len = owner.len + name.len;
    memcpy(r->text, owner.ptr, owner.len);
    memcpy(r->text + owner.len, name.ptr, name.len);
    list_append(&hub->released, &r->link);
    bool added = map_add(&hub->released_texts, r);

    PARLEY_ASSERT(added);
    release(hub, r);
    drop_old(hub);
}

void released_on_takeover(struct hub *hub)
{
    drop_old(hub);
    LIST_FOR_EACH(&hub->released, it) {
        struct released *r = LIST_ENTRY(it, struct released, link);

        r->ms = loop_now_ms(hub->loop);
        release(hub, r);
    }
}
