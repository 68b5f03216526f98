/* SPDX-License-Identifier: MIT */
#include "hub/inbox.h"

#include <stdlib.h>

#include <parley/util/alloc.h>

#include "hub/access.h"
#include "hub/apply.h"
#include "hub/fanout.h"
#include "hub/publish.h"

struct inbox {
    struct log_owner owner; /* first */
    struct list link;       /* in hub->inboxes */
    struct entry_id last;
    bool is_live;   /* had its first snapshot */
    bool is_of_all; /* all nodes read it */
    struct deadline end;
};

/* ---- life ---- */

static void close_inbox(struct inbox *inbox)
{
    struct hub *hub = inbox->owner.hub;

    backplane_ops(hub->bp)->close(hub->bp, inbox->owner.log);
    deadline_clear(&inbox->end);
    list_remove(&inbox->link);
    loop_bury(hub->loop, inbox, free);
}

static void on_end(void *deadline)
{
    close_inbox(PARLEY_CONTAINER_OF(deadline, struct inbox, end));
}

void inbox_open(struct hub *hub)
{
    struct inbox *inbox = xcalloc(1, sizeof *inbox);
    struct strbuf name;

    LIST_FOR_EACH(&hub->inboxes, it) {
        struct inbox *old = LIST_ENTRY(it, struct inbox, link);

        if (!list_is_linked(&old->end.link)) {
            deadline_set(hub->loop, &old->end, HUB_OLD_INBOX_MS);
        }
    }
    inbox->owner = (struct log_owner){.is_inbox = true, .hub = hub};
    deadline_init(&inbox->end, on_end);
    list_append(&hub->inboxes, &inbox->link);
    strbuf_init(&name, ITEM_BYTES_MAX);
    backplane_ops(hub->bp)->inbox_name(hub->bp, hub_node_id(hub, hub->generation), &name);
    inbox->owner.log = backplane_ops(hub->bp)->open(hub->bp, strbuf_view(&name), inbox);
    strbuf_done(&name);
}

void inbox_open_all(struct hub *hub)
{
    struct inbox *inbox = xcalloc(1, sizeof *inbox);

    inbox->owner = (struct log_owner){.is_inbox = true, .hub = hub};
    inbox->is_of_all = true;
    deadline_init(&inbox->end, on_end);
    list_init(&inbox->link);
    inbox->owner.log = backplane_ops(hub->bp)->open(hub->bp, SV(HUB_ALL_LOG), inbox);
    hub->all = inbox;
}

void inbox_close_all(struct hub *hub)
{
    close_inbox(hub->all);
    LIST_FOR_EACH(&hub->inboxes, it) {
        close_inbox(LIST_ENTRY(it, struct inbox, link));
    }
}

/* ---- items ---- */

/* The local user that member id means, if it is not closed. */
static struct hub_user *find_user(const struct hub *hub, struct str_view id)
{
    const struct person *p = person_find(hub, id);

    return p != NULL && p->user != NULL && !p->user->is_closed ? p->user : NULL;
}

/* If it is not taken, nobody learns that the letter found nobody. */
static void send_back(const struct applied *a, struct str_view nick)
{
    bool taken = publish_bounce(a->hub, item_field(&a->it, 0), nick);

    (void)taken;
}

/* id who account text toid kind tonick tags modes */
static bool apply_direct(const struct applied *a)
{
    struct str_view kind = item_field(&a->it, 5);
    struct str_view to_nick = item_field(&a->it, 6);
    struct hub_user *u = find_user(a->hub, item_field(&a->it, 4));
    struct item message = a->it;
    struct hub_event ev;

    if (kind.len != 1 || (to_nick.len > 0 && !hub_nick_is_valid(to_nick))) {
        return false;
    }
    message.type = kind.ptr[0];
    message.fields[4] = item_field(&a->it, 7); /* the tags, where a message has them */
    message.field_count = 5;
    if (!message_to_event(&message, a->place, &ev) ||
        !person_modes_are_valid(item_field(&a->it, 8))) {
        return false;
    }
    if (u == NULL) {
        send_back(a, to_nick);
        return true;
    }
    ev.type = ev.type == EV_TAGMSG ? EV_TAGMSG : EV_DIRECT;
    ev.person = person_find(a->hub, item_field(&a->it, 0));
    ev.origin = ev.person != NULL ? ev.person->user : NULL;
    ev.target = person_nick(&u->person);
    ev.modes = item_field(&a->it, 8);
    fanout_to_user(u, &ev);
    return true;
}

/* id who account toid room tonick */
static bool apply_invite(const struct applied *a)
{
    struct hub_user *u = find_user(a->hub, item_field(&a->it, 3));
    struct folded_name folded;
    struct hub_event ev;

    if (!applied_invitation(a, &ev)) {
        return false;
    }
    if (u == NULL) {
        send_back(a, ev.target);
        return true;
    }
    access_invite(u, name_fold(ev.room_name, &folded));
    ev.target = person_nick(&u->person);
    fanout_to_user(u, &ev);
    return true;
}

/* id who toid reason tonick */
static bool apply_kill(const struct applied *a)
{
    const struct person *by = person_find(a->hub, item_field(&a->it, 0));
    struct hub_user *u = find_user(a->hub, item_field(&a->it, 2));
    struct hub_event ev = applied_event(a, EV_KILLED, by);

    ev.who = item_field(&a->it, 1);
    ev.text = item_field(&a->it, 3);
    ev.target = item_field(&a->it, 4);
    if (ev.who.len > WHO_BYTES_MAX || ev.text.len > REASON_BYTES_MAX ||
        !names_allow_text(ev.who) || !names_allow_text(ev.text) ||
        !hub_nick_is_valid(ev.target)) {
        return false;
    }
    if (u == NULL) {
        send_back(a, ev.target);
        return true;
    }
    ev.origin = NULL; /* so that nobody takes it for an answer */
    fanout_to_user(u, &ev);
    return true;
}

/* id who text */
static bool apply_wallops(const struct applied *a)
{
    const struct person *by = person_find(a->hub, item_field(&a->it, 0));
    struct hub_event ev = applied_event(a, EV_WALLOPS, by);

    ev.who = item_field(&a->it, 1);
    ev.text = item_field(&a->it, 2);
    if (ev.who.len > WHO_BYTES_MAX || ev.text.len > HUB_TEXT_BYTES_MAX ||
        !names_allow_text(ev.who) || !names_allow_text(ev.text)) {
        return false;
    }
    fanout_to_wallops(a->hub, &ev);
    return true;
}

/* toid nick */
static bool apply_bounce(const struct applied *a)
{
    struct hub_user *u = find_user(a->hub, item_field(&a->it, 0));
    struct hub_event ev = applied_event(a, EV_NO_SUCH_NICK, NULL);

    ev.text = item_field(&a->it, 1);
    if (!hub_nick_is_valid(ev.text)) {
        return false;
    }
    if (u != NULL) {
        fanout_to_user(u, &ev);
    }
    return true;
}

static const struct apply_row rows[] = {
    {ITEM_DIRECT, 6, apply_direct},
    {ITEM_BOUNCE, 2, apply_bounce},
    {ITEM_INVITE, 6, apply_invite},
    {ITEM_KILL, 5, apply_kill},
};

static const struct apply_row rows_of_all[] = {
    {ITEM_WALLOPS, 3, apply_wallops},
};

void inbox_on_entry(struct inbox *inbox, const struct entry *entry)
{
    inbox->last = entry->id;
    if (inbox->is_of_all) {
        apply_items(inbox->owner.hub, NULL, entry, rows_of_all,
                    PARLEY_COUNT_OF(rows_of_all));
    } else {
        apply_items(inbox->owner.hub, NULL, entry, rows, PARLEY_COUNT_OF(rows));
    }
}

void inbox_on_snapshot(struct inbox *inbox, const struct snapshot *snap)
{
    for (size_t i = 0; inbox->is_live && i < snap->entry_count; i++) {
        if (entry_id_compare(snap->entries[i].id, inbox->last) > 0) {
            inbox_on_entry(inbox, &snap->entries[i]);
        }
    }
    inbox->is_live = true;
    inbox->last = snap->last;
}
