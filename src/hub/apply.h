/* SPDX-License-Identifier: MIT */
/*
 * apply.h - entries change copies: the only way.
 *
 * Model: an entry is cut into items; for each type of item a log knows there is a row with
 * the fields it must have and the function that applies it. What stands in the log is applied
 * unconditionally, so that copies and books cannot differ; what is malformed is counted and
 * skipped.
 */
#ifndef PARLEY_HUB_APPLY_H
#define PARLEY_HUB_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/hub/event.h>

#include "hub/message.h"
#include "hub/person_internal.h"
#include "hub/room_internal.h"

/* Who said the last message of an entry; mostly the next one, too. */
struct sender {
    struct str_view id;    /* borrowed from the entry; empty: nobody */
    struct person *person; /* borrowed; NULL: not known here */
};

/* An item about to be applied. */
struct applied {
    struct hub *hub;
    struct sender *sender; /* until something else than a message is applied */
    struct room *room;     /* NULL in an inbox */
    bool is_own;           /* this node wrote it */
    struct item_place place;
    struct str_view raw; /* the item, encoded; empty: a snapshot tells it */
    struct item it;
};

struct apply_row {
    char type;
    uint8_t fields_min;
    /* False: malformed, nothing was changed. */
    bool (*fn)(const struct applied *a);
};

/* Apply the items of an entry whose types have a row. */
void apply_items(struct hub *hub, struct room *r, const struct entry *entry,
                 const struct apply_row *rows, size_t row_count);
/* The next entry of a room's log. */
void apply_to_room(struct room *r, const struct entry *entry);
/* Of an entry that a snapshot brought: only what was said, which the books do not tell. */
void apply_messages(struct room *r, const struct entry *entry);

/* An event at the place of an item; by `p`, if not NULL. What a snapshot tells has no id: other
 * nodes had it from an item that this one has not seen. */
struct hub_event applied_event(const struct applied *a, enum hub_event_type type,
                               const struct person *p);
/* The EV_INVITE that an invitation tells. False: malformed. */
bool applied_invitation(const struct applied *a, struct hub_event *ret) PARLEY_MUST_CHECK;

#endif
