/* SPDX-License-Identifier: MIT */
#include "hub/room_internal.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "hub/claims.h"
#include "hub/modes.h"
#include "hub/person_internal.h"
#include "hub/recent.h"
#include "hub/repair.h"
#include "hub/user_internal.h"

static size_t live_count;

/* ---- life ---- */

static void on_end(void *deadline)
{
    struct room *r = PARLEY_CONTAINER_OF(deadline, struct room, end);

    if (r->local_count == 0 && list_is_empty(&r->requests)) {
        room_drop(r);
    }
}

struct room *room_open(struct hub *hub, struct str_view name)
{
    struct folded_name folded;
    struct str_view key = name_fold(name, &folded);
    struct room *r = map_find(&hub->rooms, key);

    if (r != NULL) {
        return r;
    }
    r = xcalloc(1, sizeof *r + 2 * key.len);
    r->owner = (struct log_owner){.is_inbox = false, .hub = hub};
    r->number = ++hub->last_room;
    r->ban_stamp = 1;
    room_renew_names(r);
    list_init(&r->requests);
    list_init(&r->repair);
    deadline_init(&r->end, on_end);
    deadline_init(&r->confirm, repair_on_confirm_deadline);
    r->name_len = (uint16_t)key.len;
    memcpy(r->names, key.ptr, key.len);
    memcpy(r->names + key.len, name.ptr, key.len);
    bool added = map_add(&hub->rooms, r);
    PARLEY_ASSERT(added);
    metric_add(METRIC_ROOMS, 1);
    live_count++;
    r->owner.log = backplane_ops(hub->bp)->open(hub->bp, key, r);
    return r;
}

static void room_free(void *arg)
{
    struct room *r = arg;

    recent_free(r->recent);
    modes_free(r->modes);
    free(r->members);
    free(r->locals);
    free(r->topic);
    free(r);
    live_count--;
}

void room_drop(struct room *r)
{
    struct hub *hub = r->owner.hub;

    PARLEY_ASSERT(list_is_empty(&r->requests));
    while (r->member_count > 0) {
        room_remove_member(r->members[r->member_count - 1]);
    }
    backplane_ops(hub->bp)->close(hub->bp, r->owner.log);
    deadline_clear(&r->end);
    deadline_clear(&r->confirm);
    list_remove(&r->repair);
    (void)map_remove(&hub->rooms, room_key(r));
    metric_add(METRIC_ROOMS, -1);
    loop_bury(hub->loop, r, room_free);
}

void room_check_end(struct room *r)
{
    struct hub *hub = r->owner.hub;

    if (r->local_count > 0 || !list_is_empty(&r->requests)) {
        deadline_clear(&r->end);
    } else {
        deadline_set(hub->loop, &r->end, hub->policy.linger_ms);
    }
}

/* ---- what the state fields tell ---- */

void room_set_name(struct room *r, struct str_view name)
{
    struct folded_name folded;

    if (sv_equal(name_fold(name, &folded), room_folded(r)) && name.len == r->name_len) {
        memcpy(r->names + r->name_len, name.ptr, name.len);
    }
}

void room_set_topic(struct room *r, struct str_view topic, struct str_view by,
                    uint64_t ms)
{
    char *text = NULL;

    if (topic.len == 0) {
        by = SV("");
        ms = 0;
    } else {
        text = xmalloc(topic.len + by.len + 1);
        memcpy(text, topic.ptr, topic.len);
        memcpy(text + topic.len, by.len > 0 ? by.ptr : "", by.len);
    }
    free(r->topic);
    r->topic = text;
    r->topic_len = (uint16_t)topic.len;
    r->topic_by_len = (uint16_t)by.len;
    r->topic_ms = ms;
}

/* ---- members ---- */

void room_renew_names(struct room *r)
{
    r->names_stamp = ++r->owner.hub->last_names_stamp;
}

struct member *room_find_member(const struct room *r, const struct person *p)
{
    /* A person is in few rooms, a room may have many members. */
    LIST_FOR_EACH(&p->memberships, it) {
        struct member *m = LIST_ENTRY(it, struct member, of_person);

        if (m->room == r) {
            return m;
        }
    }
    return NULL;
}

struct member *member_of_room_number(struct person *p, uint32_t room_number)
{
    LIST_FOR_EACH(&p->memberships, it) {
        struct member *m = LIST_ENTRY(it, struct member, of_person);

        if (m->room->number == room_number) {
            return m;
        }
    }
    return NULL;
}

/* Twice what it was, so that members are added in constant time on average. */
static void *grow(void *array, uint32_t *cap, size_t item_size)
{
    *cap = *cap == 0 ? 2 : *cap * 2;
    return xreallocarray(array, *cap, item_size);
}

static void add_local(struct room *r, struct member *m)
{
    if (r->local_count == r->local_cap) {
        r->locals = grow(r->locals, &r->local_cap, sizeof(struct hub_user *));
    }
    m->local_index = r->local_count++;
    r->locals[m->local_index] = m->person->user;
}

static void remove_local(struct room *r, const struct member *m)
{
    struct hub_user *last = r->locals[--r->local_count];

    if (last != m->person->user) {
        struct member *moved = room_find_member(r, hub_user_own_person(last));

        PARLEY_ASSERT(moved != NULL);
        moved->local_index = m->local_index;
        r->locals[m->local_index] = last;
    }
}

struct member *room_add_member(struct room *r, struct person *p)
{
    struct member *m = NULL;

    if (p->user == NULL && r->member_count >= HUB_MEMBERS_MAX) {
        return NULL;
    }
    if (r->member_count == r->member_cap) {
        r->members = grow(r->members, &r->member_cap, sizeof(struct member *));
    }
    m = xcalloc(1, sizeof *m);
    m->person = p;
    m->room = r;
    m->is_confirmed = true;
    m->generation = (uint16_t)r->owner.hub->generation;
    m->known = m->generation;
    m->index = r->member_count++;
    r->members[m->index] = m;
    list_append(&p->memberships, &m->of_person);
    if (p->user != NULL) {
        add_local(r, m);
        room_check_end(r);
    }
    metric_add(METRIC_MEMBERS, 1);
    return m;
}

void room_remove_member(struct member *m)
{
    struct room *r = m->room;
    struct person *p = m->person;
    struct hub_user *u = p->user;
    bool is_awaited = m->is_awaited;

    member_set_dirty(m, false);
    if (u != NULL) {
        remove_local(r, m);
        user_drop_pending(u, m);
    }
    struct member *last = r->members[--r->member_count];
    last->index = m->index;
    r->members[last->index] = last;
    room_renew_names(r);
    list_remove(&m->of_person);
    free(m);
    metric_add(METRIC_MEMBERS, -1);

    person_release(r->owner.hub, p);
    if (u != NULL) {
        room_check_end(r);
        if (is_awaited) {
            claims_await_one_less(u);
        }
        user_try_bury(u);
    }
}

void room_relink_member(struct member *m, struct person *p)
{
    struct person *old = m->person;

    PARLEY_ASSERT(old->user == NULL && p->user == NULL);
    room_renew_names(m->room);
    list_remove(&m->of_person);
    m->person = p;
    list_append(&p->memberships, &m->of_person);
    person_release(m->room->owner.hub, old);
}

void member_set_dirty(struct member *m, bool is_dirty)
{
    struct room *r = m->room;

    if (m->is_dirty != is_dirty) {
        m->is_dirty = is_dirty;
        r->dirty_count += is_dirty ? 1 : UINT32_MAX;
    }
    if (r->dirty_count == 0) {
        list_remove(&r->repair);
    } else if (!list_is_linked(&r->repair)) {
        list_append(&r->owner.hub->repair_rooms, &r->repair);
        repair_wake(r->owner.hub, HUB_SLICE_MS);
    }
}

struct str_view member_id_of(const struct member *m, struct member_id_text *ret)
{
    const struct hub_user *u = m->person->user;

    return u != NULL ? user_id(u, m->generation, ret) : person_text(m->person, PERSON_ID);
}

void room_check(const struct room *r)
{
    uint32_t locals = 0;
    uint32_t dirty = 0;

    for (uint32_t i = 0; i < r->member_count; i++) {
        const struct member *m = r->members[i];

        PARLEY_ASSERT(m->index == i && m->room == r);
        dirty += m->is_dirty;
        if (m->person->user != NULL) {
            PARLEY_ASSERT(r->locals[m->local_index] == m->person->user);
            locals++;
        }
    }
    PARLEY_ASSERT(locals == r->local_count && dirty == r->dirty_count);
    PARLEY_ASSERT((dirty > 0) == list_is_linked(&r->repair));
}

/* ---- looking ---- */

struct str_view room_key(const void *object)
{
    return room_folded(object);
}

struct str_view room_folded(const struct room *r)
{
    return sv(r->names, r->name_len);
}

size_t room_live_count(void)
{
    return live_count;
}

struct room *hub_room_find(const struct hub *hub, struct str_view name)
{
    struct folded_name folded;
    struct room *r = NULL;

    if (name.len <= ROOM_BYTES_MAX) {
        r = map_find(&hub->rooms, name_fold(name, &folded));
    }
    return r != NULL && r->state == ROOM_LIVE ? r : NULL;
}

struct str_view room_name(const struct room *room)
{
    return sv(room->names + room->name_len, room->name_len);
}

struct str_view room_topic(const struct room *room)
{
    return sv(room->topic, room->topic_len);
}

struct str_view room_topic_by(const struct room *room)
{
    return room->topic == NULL ? SV("")
                               : sv(room->topic + room->topic_len, room->topic_by_len);
}

uint64_t room_topic_ms(const struct room *room)
{
    return room->topic_ms;
}

uint64_t room_since_ms(const struct room *room)
{
    return room->since_ms;
}

size_t room_member_count(const struct room *room)
{
    return room->member_count;
}

bool room_has(const struct room *room, const struct person *person)
{
    return room_find_member(room, person) != NULL;
}

bool room_next_member(const struct room *room, size_t *cursor, struct room_member *ret)
{
    if (*cursor >= room->member_count) {
        return false;
    }
    const struct member *m = room->members[(*cursor)++];

    *ret = (struct room_member){m->person, m->flags};
    return true;
}

uint32_t room_names_stamp(const struct room *room)
{
    return room->names_stamp;
}

void room_show_recent(const struct room *room, struct hub_user *u)
{
    recent_show(room, u);
}
