/* SPDX-License-Identifier: MIT */
#include "hub/fanout.h"

#include <parley/util/clock.h>

#include "hub/room_internal.h"
#include "hub/run.h"
#include "hub/user_internal.h"

struct hub_event hub_event_of(enum hub_event_type type, const struct room *room,
                              const struct person *person)
{
    return (struct hub_event){
        .type = type,
        .room = room,
        .person = person,
        .time_ms = clock_wall_ms(),
    };
}

void fanout_drop_rendered(struct msg *rendered[HUB_VARIANTS_MAX])
{
    for (size_t i = 0; i < HUB_VARIANTS_MAX; i++) {
        msg_unref(rendered[i]);
        rendered[i] = NULL;
    }
}

void fanout_to_user(struct hub_user *u, struct hub_event *ev)
{
    run_end_for(u);
    u->ops->deliver(u->sink, ev);
    fanout_drop_rendered(ev->rendered);
}

void fanout_to_room(const struct room *r, struct hub_event *ev)
{
    struct hub_user *const *locals = r->locals;
    size_t count = r->local_count;

    run_end(r->owner.hub);
    for (size_t i = 0; i < count; i++) {
        locals[i]->ops->deliver(locals[i]->sink, ev);
    }
    fanout_drop_rendered(ev->rendered);
}

void fanout_to_flagged(const struct room *r, unsigned flags, struct hub_event *ev)
{
    run_end(r->owner.hub);
    for (size_t i = 0; i < r->local_count; i++) {
        struct hub_user *u = r->locals[i];

        if (u == ev->origin || (room_find_member(r, &u->person)->flags & flags) != 0) {
            u->ops->deliver(u->sink, ev);
        }
    }
    fanout_drop_rendered(ev->rendered);
}

void fanout_to_wallops(struct hub *hub, struct hub_event *ev)
{
    run_end(hub);
    LIST_FOR_EACH(&hub->wallops, it) {
        const struct hub_user *u = LIST_ENTRY(it, struct hub_user, wallops);

        u->ops->deliver(u->sink, ev);
    }
    fanout_drop_rendered(ev->rendered);
}

static void deliver_once(struct hub_user *u, struct hub_event *ev, uint32_t stamp)
{
    if (u->stamp != stamp) {
        u->stamp = stamp;
        u->ops->deliver(u->sink, ev);
    }
}

void fanout_to_readers(struct hub *hub, const struct person *p, struct hub_event *ev)
{
    /* A user that was not reached for 2^32 of these events may miss one. */
    uint32_t stamp;

    run_end(hub);
    stamp = ++hub->stamp;
    if (p->user != NULL) {
        deliver_once(p->user, ev, stamp);
    }
    LIST_FOR_EACH(&p->memberships, it) {
        const struct room *r = LIST_ENTRY(it, struct member, of_person)->room;

        for (size_t i = 0; i < r->local_count; i++) {
            deliver_once(r->locals[i], ev, stamp);
        }
    }
    fanout_drop_rendered(ev->rendered);
}
