/* SPDX-License-Identifier: MIT */
#include "hub/access.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/item.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/mask.h>

_Static_assert((int)ROOM_MASK_BYTES_MAX <= (int)MASK_BYTES_MAX, "every mask is matched");

/* ---- masks ---- */

static bool is_on_list(const struct room *r, enum room_list list, struct str_view who)
{
    struct room_mask mask;
    size_t cursor = 0;

    while (room_next_mask(r, list, &cursor, &mask)) {
        if (mask_matches(mask.mask, who)) {
            return true;
        }
    }
    return false;
}

static bool is_banned(const struct room *r, struct str_view who)
{
    return is_on_list(r, ROOM_BANS, who) && !is_on_list(r, ROOM_EXCEPTIONS, who);
}

static bool is_member_banned(struct member *m)
{
    struct room *r = m->room;
    struct who_text who;

    if (r->modes == NULL) {
        return false;
    }
    if (m->ban_stamp != r->ban_stamp) {
        m->ban_stamp = r->ban_stamp;
        m->is_banned = is_banned(r, person_who(m->person, &who));
    }
    return m->is_banned;
}

void access_forget_bans(struct person *p)
{
    LIST_FOR_EACH(&p->memberships, it) {
        LIST_ENTRY(it, struct member, of_person)->ban_stamp = 0;
    }
}

/* ---- invitations ---- */

struct invitation {
    uint64_t until_ms;
    size_t len;
    char name[ROOM_BYTES_MAX]; /* folded */
};

/* The user's invitation to that room, NULL if there is none that holds. */
static struct invitation *find_invitation(const struct hub_user *u, struct str_view name)
{
    uint64_t now_ms = clock_monotonic_ms();

    for (size_t i = 0; i < u->invitation_count; i++) {
        struct invitation *inv = &u->invitations[i];

        if (inv->until_ms > now_ms && sv_equal(sv(inv->name, inv->len), name)) {
            return inv;
        }
    }
    return NULL;
}

static void drop_invitation(struct hub_user *u, const struct invitation *inv)
{
    size_t at = (size_t)(inv - u->invitations);

    memmove(&u->invitations[at], &u->invitations[at + 1],
            (u->invitation_count - at - 1) * sizeof *inv);
    if (--u->invitation_count == 0) {
        free(u->invitations);
        u->invitations = NULL;
    }
}

void access_invite(struct hub_user *u, struct str_view name)
{
    struct invitation *inv = find_invitation(u, name);

    PARLEY_ASSERT(name.len <= ROOM_BYTES_MAX);
    if (inv == NULL && u->invitation_count == HUB_INVITATIONS_MAX) {
        inv = &u->invitations[0];
    }
    if (inv != NULL) {
        drop_invitation(u, inv);
    }
    u->invitations = xreallocarray(u->invitations, u->invitation_count + 1U, sizeof *inv);
    inv = &u->invitations[u->invitation_count++];
    inv->until_ms = clock_monotonic_ms() + HUB_INVITATION_MS;
    inv->len = name.len;
    memcpy(inv->name, name.ptr, name.len);
}

void access_use_invitation(struct hub_user *u, const struct room *r)
{
    const struct invitation *inv = find_invitation(u, room_folded(r));

    if (inv != NULL) {
        drop_invitation(u, inv);
    }
}

bool hub_user_next_invitation(const struct hub_user *u, size_t *cursor,
                              struct str_view *ret_name)
{
    uint64_t now_ms = clock_monotonic_ms();

    while (*cursor < u->invitation_count) {
        const struct invitation *inv = &u->invitations[(*cursor)++];

        if (inv->until_ms > now_ms) {
            *ret_name = sv(inv->name, inv->len);
            return true;
        }
    }
    return false;
}

/* ---- checks ---- */

static bool is_invited(const struct room *r, const struct hub_user *u,
                       struct str_view who)
{
    return find_invitation(u, room_folded(r)) != NULL || is_on_list(r, ROOM_INVITED, who);
}

enum hub_result access_check_join(const struct room *r, const struct hub_user *u,
                                  struct str_view key)
{
    struct str_view wanted = room_mode_key(r);
    uint32_t limit = room_mode_limit(r);
    struct who_text text;

    if (r->member_count == 0) {
        return HUB_OK;
    }
    struct str_view who = person_who(&u->person, &text);

    if (is_banned(r, who)) {
        return HUB_BANNED;
    }
    if ((r->mode_flags & ROOM_INVITE_ONLY) != 0 && !is_invited(r, u, who)) {
        return HUB_INVITE_ONLY;
    }
    if (wanted.len > 0 && !sv_equal(wanted, key)) {
        return HUB_BAD_KEY;
    }
    return limit > 0 && r->member_count >= limit ? HUB_FULL : HUB_OK;
}

/* CTCP begins with 0x01; ITEM_ACTION is the one kind that is no harm. */
static bool is_ctcp(char kind, struct str_view text)
{
    return (kind == ITEM_MESSAGE || kind == ITEM_NOTICE) &&
           sv_starts_with(text, SV("\1"));
}

enum hub_result access_check_speech(struct member *m, char kind, struct str_view text)
{
    unsigned flags = m->room->mode_flags;

    if ((flags & ROOM_NO_CTCP) != 0 && is_ctcp(kind, text)) {
        return HUB_NO_CTCP;
    }
    if (m->flags != 0) {
        return HUB_OK;
    }
    if ((flags & ROOM_MODERATED) != 0) {
        return HUB_MODERATED;
    }
    return is_member_banned(m) ? HUB_BANNED : HUB_OK;
}

enum hub_result access_check_topic(const struct member *m)
{
    bool is_locked = (m->room->mode_flags & ROOM_TOPIC_LOCKED) != 0;

    return is_locked && (m->flags & MEMBER_OPERATOR) == 0 ? HUB_NOT_OPERATOR : HUB_OK;
}
