/* SPDX-License-Identifier: MIT */
#include "hub/history.h"

#include <stdlib.h>

#include <parley/util/alloc.h>
#include <parley/util/msg.h>

#include "hub/fanout.h"
#include "hub/message.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

enum {
    PAGE_MIN = 64,   /* entries: other things than messages happen in a room too */
    PAGE_MAX = 1000, /* as the backplane allows */
    PAGES_MAX = 8,
};

/* One message kept for later. */
struct kept_message {
    struct msg *item; /* ref; encoded */
    struct item_place place;
};

/* Invariant: kept[want - count ..] are filled, oldest first. */
struct history {
    struct entry_id before; /* pages begin below */
    size_t asked;           /* entries, for the last page */
    size_t pages;
    size_t want;
    size_t count;
    struct kept_message kept[];
};

void history_free(struct history *h)
{
    if (h == NULL) {
        return;
    }
    for (size_t i = h->want - h->count; i < h->want; i++) {
        msg_unref(h->kept[i].item);
    }
    free(h);
}

static void ask_page(const struct request *r)
{
    struct hub *hub = r->user->hub;
    struct history *h = r->history;
    size_t missing = h->want - h->count;

    h->asked = missing * 2 < PAGE_MIN ? PAGE_MIN : missing * 2;
    h->asked = h->asked > PAGE_MAX ? PAGE_MAX : h->asked;
    h->pages++;
    backplane_ops(hub->bp)->read_history(hub->bp, room_folded(r->room), h->before,
                                         h->asked, request_token(r));
}

enum hub_result hub_history(struct hub_user *u, const struct room *room, size_t count)
{
    struct member *m = room_find_member(room, &u->person);
    struct request *r = NULL;

    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    count = count > HUB_HISTORY_MAX ? HUB_HISTORY_MAX : count;
    r = request_begin(u, REQUEST_HISTORY, m->room, room_name(room), SV(""));
    r->history = xcalloc(1, sizeof *r->history + count * sizeof(struct kept_message));
    r->history->want = count;
    ask_page(r);
    return HUB_OK;
}

/* Keep the messages of an entry, from its end, as long as some are wanted. */
static void keep_from_entry(struct history *h, const struct entry *entry)
{
    struct kept_message found[ENTRY_ITEMS_MAX];
    struct str_view raw[ENTRY_ITEMS_MAX];
    struct str_view rest = entry->items;
    size_t count = 0;
    struct item it;

    for (size_t index = 0; count < ENTRY_ITEMS_MAX; index++) {
        const char *begin = rest.ptr;

        if (item_decode(&rest, &it) != ITEM_NEXT_OK) {
            break;
        }
        if (message_is_kept(&it)) {
            raw[count] = sv(begin, (size_t)(rest.ptr - begin));
            found[count++].place = (struct item_place){entry->id, index};
        }
    }
    while (count > 0 && h->count < h->want) {
        struct kept_message *slot = &h->kept[h->want - ++h->count];

        count--;
        *slot = (struct kept_message){msg_new(raw[count]), found[count].place};
    }
}

static void show(struct request *r)
{
    struct hub_user *u = r->user;
    const struct history *h = r->history;
    const struct room *room = r->room;
    struct hub_event ev = hub_event_of(EV_HISTORY_END, room, NULL);

    request_end(r);
    for (size_t i = h->want - h->count; i < h->want; i++) {
        message_show(msg_view(h->kept[i].item), h->kept[i].place, room, u);
    }
    ev.count = h->count;
    fanout_to_user(u, &ev);
    user_check_idle(u);
}

void history_on_page(struct hub *hub, struct token token, bool answered,
                     const struct entry *entries, size_t count)
{
    struct request *r = request_find(hub, token);

    if (r == NULL || r->kind != REQUEST_HISTORY) {
        return;
    }
    if (!answered) {
        request_fail(r);
        return;
    }
    struct history *h = r->history;

    for (size_t i = count; i > 0 && h->count < h->want; i--) {
        keep_from_entry(h, &entries[i - 1]);
    }
    if (h->count == h->want || count < h->asked || h->pages == PAGES_MAX) {
        show(r);
        return;
    }
    h->before = entries[0].id;
    ask_page(r);
}
