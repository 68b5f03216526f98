/* SPDX-License-Identifier: MIT */
/*
 * person_internal.h - how a person is kept.
 *
 * Model: a person is its id, a few texts and its memberships. A person of another node lives
 * in the hub's map as long as it has memberships; that of a local user lies inside the user.
 * The record is what travels: in items that introduce somebody, in the books of a room, with
 * a nick. Its version counts the changes; the higher one wins, whichever log it came by.
 */
#ifndef PARLEY_HUB_PERSON_INTERNAL_H
#define PARLEY_HUB_PERSON_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/hub/person.h>
#include <parley/util/list.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "hub/names.h"

struct hub;
struct hub_user;

enum person_text {
    PERSON_NICK,
    PERSON_USER,
    PERSON_HOST,
    PERSON_ACCOUNT,
    PERSON_REALNAME,
    PERSON_AWAY,
    PERSON_MODES,
    PERSON_RECORD_TEXTS, /* so many stand in a record */
    PERSON_ID = PERSON_RECORD_TEXTS,
    PERSON_TEXT_COUNT,
};

/* Fields of a record, and of an item from its second field on. */
enum { RECORD_VERSION = PERSON_RECORD_TEXTS, RECORD_FIELDS };

struct record {
    struct str_view texts[PERSON_RECORD_TEXTS]; /* borrowed */
    uint64_t version;                           /* at most UINT32_MAX */
};

/* Invariant: a person of another node is in hub->persons and has a membership, but for the
 * moment between the two; the id text of a local user's is empty (see hub_user_id()). */
struct person {
    struct hub_user *user;   /* borrowed, contains this; NULL: on another node */
    struct list memberships; /* struct member, oldest first */
    char *text;              /* owned: the texts, one behind the other */
    uint16_t ends[PERSON_TEXT_COUNT];
    bool is_gone; /* has quit, and everybody was told; the rooms' own entries follow */
    uint32_t version;
};

/* ---- records ---- */

/* Append `rec` as an item of its own. */
void record_encode(struct strbuf *out, const struct record *rec);
/* The same of a member of a room, with its stay (see modes.h). */
void record_encode_member(struct strbuf *out, const struct record *rec, uint32_t stay);
bool record_decode_member(struct str_view text, struct record *ret, uint32_t *ret_stay)
    PARLEY_MUST_CHECK;
/* The stay in a field; of older nodes: 0. */
uint32_t record_stay_of(struct str_view field);
/* False: not a record, or one of its texts is not what a nick, a user ... may be. */
bool record_decode(struct str_view text, struct record *ret) PARLEY_MUST_CHECK;
/* The record that stands in an item, from field `first` on. */
bool record_from_item(const struct item *it, size_t first, struct record *ret)
    PARLEY_MUST_CHECK;
/* Letters, not too many. */
bool person_modes_are_valid(struct str_view modes);
/* nick!user@host */
struct who_text {
    char bytes[WHO_BYTES_MAX];
    size_t len;
};
struct str_view record_who(const struct record *rec, struct who_text *ret);

/* ---- persons ---- */

void person_init(struct person *p, struct hub_user *user, struct str_view id);
void person_done(struct person *p);
struct str_view person_text(const struct person *p, enum person_text which);
/* Its record; the texts are valid until it changes. */
struct record person_record(const struct person *p);
/* Take over all texts and the version. */
void person_set_record(struct person *p, const struct record *rec);
struct str_view person_who(const struct person *p, struct who_text *ret);

/* Somebody by member id, local or not; NULL if unknown. */
struct person *person_find(const struct hub *hub, struct str_view id);
/* A new person of another node, in the map. The id is valid and unknown. */
struct person *person_new(struct hub *hub, struct str_view id, const struct record *rec);
/* After a membership ended: a person of another node without any is freed (at the end of the
 * turn). */
void person_release(struct hub *hub, struct person *p);
/* Is it one of that node's? Local users are of none. */
bool person_is_of_node(const struct person *p, struct str_view node);

/* The map's key function. */
struct str_view person_key(const void *object);
/* How many persons of other nodes live; for tests. */
size_t person_live_count(void);

#endif
