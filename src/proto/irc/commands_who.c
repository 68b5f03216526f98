/* SPDX-License-Identifier: MIT */
/* WHO: of a room, of one person, of those who share a room with the client. */
#include <stdlib.h>

#include <parley/util/alloc.h>
#include <parley/util/mask.h>

#include "proto/irc/commands.h"
#include "proto/irc/modes.h"
#include "proto/irc/whox.h"

static struct hub_event_person texts_of(const struct person *p)
{
    return (struct hub_event_person){
        .nick = person_nick(p),
        .user = person_user(p),
        .host = person_host(p),
        .account = person_account(p),
        .realname = person_realname(p),
        .away = person_away(p),
        .modes = person_modes(p),
    };
}

/* One line about `p`; `room`: one that both are in, or NULL, `flags`: what `p` is there. */
static void tell(struct irc *irc, const struct irc_call *call, const struct room *room,
                 unsigned flags, const struct hub_event_person *p)
{
    struct irc_who_query query = irc_whox_parse(call->m.params[1]);
    struct strbuf prefixes;

    if (query.only_operators && (irc_modes_of(p->modes) & IRC_USER_OPERATOR) == 0) {
        return;
    }
    strbuf_init(&prefixes, IRC_LINE_BYTES_MAX);
    irc_add_prefixes(irc, &prefixes, flags);
    irc_whox_add(irc_begin(irc), &query, irc_nick(irc),
                 room != NULL ? room_name(room) : SV("*"), strbuf_view(&prefixes), p);
    irc_end(irc);
    strbuf_done(&prefixes);
}

static void tell_end(struct irc *irc, const struct irc_call *call)
{
    struct str_view mask = call->m.params[0];

    irc_reply(irc, RPL_ENDOFWHO, mask.len > 0 ? mask : SV("*"));
}

/* ---- of a room ---- */

static void tell_room(struct irc *irc, const struct irc_call *call)
{
    const struct room *room = hub_room_find(irc->app->hub, call->m.params[0]);
    struct room_member m;
    size_t cursor = 0;
    size_t count = 0;

    if (room == NULL || !hub_user_is_in(irc->user, room)) {
        return;
    }
    while (room_next_member(room, &cursor, &m) && irc_is_open(irc)) {
        if (count++ == IRC_WHO_MAX) {
            irc_reply(irc, ERR_TOOMANYMATCHES, room_name(room));
            break;
        }
        struct hub_event_person texts = texts_of(m.person);
        tell(irc, call, room, m.flags, &texts);
    }
}

/* ---- of one person ---- */

static const struct room *shared_room(const struct irc *irc, const struct person *known)
{
    const struct room *room = NULL;

    for (size_t i = 0; (room = hub_user_room(irc->user, i)) != NULL; i++) {
        if (room_has(room, known)) {
            return room;
        }
    }
    return NULL;
}

static void on_person(struct irc *irc, struct irc_call *call,
                      const struct hub_event_person *p, const struct person *known)
{
    if (p != NULL) {
        const struct room *room = known != NULL ? shared_room(irc, known) : NULL;

        tell(irc, call, room, room != NULL ? room_member_flags(room, known) : 0, p);
    }
}

/* ---- of many: who shares a room, each once ---- */

struct found {
    struct room_member member;
    const struct room *room;
};

struct findings {
    size_t count;
    struct found at[IRC_WHO_MAX + 1];
};

static bool is_wanted(const struct person *p, struct str_view mask)
{
    return mask_matches(mask, person_nick(p)) || mask_matches(mask, person_user(p)) ||
           mask_matches(mask, person_host(p)) || mask_matches(mask, person_realname(p));
}

static int compare(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;

    return ((uintptr_t)left->member.person > (uintptr_t)right->member.person) -
           ((uintptr_t)left->member.person < (uintptr_t)right->member.person);
}

/* Sort, keep each person once. */
static void make_unique(struct findings *f)
{
    size_t kept = 0;

    qsort(f->at, f->count, sizeof f->at[0], compare);
    for (size_t i = 0; i < f->count; i++) {
        if (kept == 0 || f->at[kept - 1].member.person != f->at[i].member.person) {
            f->at[kept++] = f->at[i];
        }
    }
    f->count = kept;
}

static void find_in_room(struct findings *f, const struct room *room,
                         struct str_view mask)
{
    struct room_member m;
    size_t cursor = 0;

    while (f->count < PARLEY_COUNT_OF(f->at) && room_next_member(room, &cursor, &m)) {
        if (is_wanted(m.person, mask)) {
            f->at[f->count++] = (struct found){m, room};
        }
    }
}

static void tell_many(struct irc *irc, const struct irc_call *call, struct str_view mask)
{
    struct findings *f = xmalloc(sizeof *f);
    const struct room *room = NULL;

    f->count = 0;
    for (size_t i = 0; (room = hub_user_room(irc->user, i)) != NULL; i++) {
        find_in_room(f, room, mask);
        make_unique(f);
    }
    for (size_t i = 0; i < f->count && i < IRC_WHO_MAX && irc_is_open(irc); i++) {
        struct hub_event_person texts = texts_of(f->at[i].member.person);
        tell(irc, call, f->at[i].room, f->at[i].member.flags, &texts);
    }
    if (f->count > IRC_WHO_MAX) {
        irc_reply(irc, ERR_TOOMANYMATCHES, mask);
    }
    free(f);
}

enum irc_step irc_command_who(struct irc *irc, struct irc_call *call)
{
    struct str_view mask = call->m.params[0];

    if (call->step > 0) {
        tell_end(irc, call);
        return IRC_DONE;
    }
    if (mask.len == 0 || sv_equal(mask, SV("0"))) {
        tell_many(irc, call, SV("*"));
    } else if (irc_is_room_name(mask)) {
        tell_room(irc, call);
    } else if (mask_is_wild(mask)) {
        tell_many(irc, call, mask);
    } else if (irc_look_up(irc, call, mask, on_person) == IRC_AGAIN) {
        return IRC_AGAIN;
    }
    tell_end(irc, call);
    return IRC_DONE;
}
