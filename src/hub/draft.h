/* SPDX-License-Identifier: MIT */
/*
 * draft.h - an item and its changes of the books, as they are put together.
 *
 * Model: a draft is filled with fields and updates, then published; what it shows need not
 * live longer. There is one at a time: the updates stand in the hub.
 */
#ifndef PARLEY_HUB_DRAFT_H
#define PARLEY_HUB_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/core/item.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

#include "hub/person_internal.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

struct draft {
    struct hub *hub;
    char type;
    bool want_stored;
    size_t field_count;
    size_t update_count; /* in hub->updates */
    struct token token;
    struct str_view fields[ITEM_FIELDS_MAX];
};

struct draft draft_new(struct hub *hub, char type, struct token token);
void draft_add_field(struct draft *d, struct str_view field);
void draft_add_update(struct draft *d, enum book_op op, struct str_view field,
                      struct str_view value);
/* The texts of a record. */
void draft_add_texts(struct draft *d, const struct record *rec);
/* What a snapshot is to tell of this member; uses hub->record. */
void draft_add_member_set(struct draft *d, struct str_view id, const struct record *rec,
                          uint32_t stay);

/* Hand it over, and use hub->item for that. False: not taken, nothing has happened. */
bool draft_publish(struct draft *d, struct room *r) PARLEY_MUST_CHECK;
/* ... to the inbox of the node of member id `to_id`. */
bool draft_publish_to_node(struct draft *d, struct str_view to_id) PARLEY_MUST_CHECK;

/* ... to the inbox of all nodes. */
bool draft_publish_to_all(struct draft *d) PARLEY_MUST_CHECK;

/* The user's present member id. */
struct str_view draft_own_id(const struct hub_user *u, struct member_id_text *ret);

#endif
